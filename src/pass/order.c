/* order.c - for emission: chains of products in the cheapest order.
 *
 * A contraction of contractions, with factors along some axes between them, is one sum of products
 * of several factors, and which two are taken together first decides what it costs: the tangents of
 * a few matrices are best turned before they meet a thousand points. Of every such tree that stands
 * alone - nothing else reads what lies within - the cheapest order is found over all subsets of its
 * factors, symbolic dimensions counting as LARGE. It is taken where that saves something worth it,
 * and costs nothing worth speaking of where dimensions are SMALL.
 *
 * As in any product of three, what changes is the rounding. */
#include "pass/sweep.h"

#include <math.h>
#include <string.h>

enum {
	MOST_FACTORS = 6,
	MOST_LABELS = 32,
	LARGE = 1000, /* what a dimension counts as */
	SMALL = 64,
	FEW = 4, /* terms of a sum that needs no kernel */
};

/* Costs of the new order, over those of the old one, at most. */
static const double GAIN = 0.97, LOSS = 1.1;

/* A factor; its labels are a set of bits too. */
typedef struct factor {
	sg_ref ref; /* in the old graph */
	uint32_t n;
	uint8_t label[SG_MAX_RANK];
	uint32_t set;
} factor;

/* What a slice takes of the axes of a label, which are longer in the factors behind it. */
typedef struct range {
	bool is_cut;
	sg_ext start;
} range;

/* A tree of products, flat. */
typedef struct tree {
	uint32_t n, nlabels, contractions;
	factor f[MOST_FACTORS];
	range cut[MOST_LABELS];
	sg_ext ext[MOST_LABELS];
	double size[2][MOST_LABELS]; /* where dimensions are LARGE, SMALL */
	double cost[2];              /* as it stands */
	uint32_t out;                /* labels of the result */
	/* by set of factors: */
	double best[1 << MOST_FACTORS];
	uint8_t left[1 << MOST_FACTORS]; /* the set that is the first operand */
} tree;

typedef struct ordering {
	sg_build b;
	const sg_graph *old;
	uint32_t *readers; /* by old node, in the entry at hand */
	sg_ref *map;       /* by old node, for the entry at hand */
	const int64_t *dims[2];
	bool any; /* is something in another order? */
} ordering;

/* ---- flat ---- */

static uint32_t
label_set(uint32_t n, const uint8_t *label)
{
	uint32_t set = 0;

	for (uint32_t k = 0; k < n; k++)
		set |= (uint32_t)1 << label[k];
	return set;
}

static double
volume(const tree *t, int which, uint32_t set)
{
	double v = 1;

	for (uint32_t l = 0; l < t->nlabels; l++)
		if (set >> l & 1)
			v *= t->size[which][l];
	return v;
}

/* A product over `all` labels, of which some are summed: its operations, and two for each number
 * that is stored. */
static double
product_cost(const tree *t, int which, uint32_t all, uint32_t result)
{
	return (all == result ? 1 : 2) * volume(t, which, all) + 2 * volume(t, which, result);
}

static bool
new_label(ordering *w, tree *t, sg_ext e, uint8_t *label)
{
	if (t->nlabels == MOST_LABELS)
		return false;
	t->ext[t->nlabels] = e;
	t->cut[t->nlabels].is_cut = false;
	for (int k = 0; k < 2; k++) {
		int64_t v;

		t->size[k][t->nlabels] =
		    sg_ext_eval(w->b.sp, e, w->dims[k], &v) ? (double)v : LARGE;
	}
	*label = (uint8_t)t->nlabels++;
	return true;
}

static bool add_factor(ordering *w, tree *t, sg_ref r, const uint8_t *label);

/* The operands of contraction r, whose result has these labels. */
static bool
add_contraction(ordering *w, tree *t, sg_ref r, const uint8_t *label)
{
	const sg_node *n = sg_node_at(w->old, r);
	const int64_t *a = n->attr->w, *lo = a + 3 + a[0] + a[1];
	uint8_t to[3 * SG_MAX_RANK], of[SG_MAX_RANK];
	bool known[3 * SG_MAX_RANK] = {false};
	uint32_t all = 0;

	for (int64_t k = 0; k < a[2]; k++) {
		known[lo[k]] = true;
		to[lo[k]] = label[k];
	}
	const int64_t *l = a + 3;
	for (int side = 0; side < 2; l += a[side], side++)
		for (int64_t k = 0; k < a[side]; k++) {
			const sg_ext e = sg_node_at(w->old, n->args[side])->shape->ext[k];

			if (!known[l[k]] && !new_label(w, t, e, &to[l[k]]))
				return false;
			known[l[k]] = true;
			all |= (uint32_t)1 << to[l[k]];
		}
	for (int k = 0; k < 2; k++)
		t->cost[k] += product_cost(t, k, all, label_set((uint32_t)a[2], label));
	t->contractions++;
	l = a + 3;
	for (int side = 0; side < 2; l += a[side], side++) {
		for (int64_t k = 0; k < a[side]; k++)
			of[k] = to[l[k]];
		if (!add_factor(w, t, n->args[side], of))
			return false;
	}
	return true;
}

/* Does BROADCAST n repeat whole axes, and nothing else? */
static bool
is_repetition(const ordering *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);

	if (n->op != SG_BROADCAST)
		return false;
	const sg_shape *s = sg_node_at(w->old, n->args[0])->shape;

	for (uint32_t k = 0; k < s->rank; k++)
		if (s->ext[k] != n->shape->ext[n->attr->w[k]])
			return false;
	return s->rank < n->shape->rank;
}

/* Product r, one operand of which is the same along some axes. */
static bool
add_product(ordering *w, tree *t, sg_ref r, const uint8_t *label)
{
	const sg_node *n = sg_node_at(w->old, r);
	const uint32_t all = label_set(n->shape->rank, label);

	for (int k = 0; k < 2; k++)
		t->cost[k] += volume(t, k, all); /* it is stored with what reads it */
	for (int side = 0; side < 2; side++) {
		const sg_node *x = sg_node_at(w->old, n->args[side]);
		uint8_t of[SG_MAX_RANK];

		if (!is_repetition(w, n->args[side])) {
			if (!add_factor(w, t, n->args[side], label))
				return false;
			continue;
		}
		for (uint32_t k = 0; k < sg_node_at(w->old, x->args[0])->shape->rank; k++)
			of[k] = label[x->attr->w[k]];
		if (!add_factor(w, t, x->args[0], of))
			return false;
	}
	return true;
}

/* Slice r of a contraction: of the factors that have the label no more is wanted. */
static bool
add_slice(ordering *w, tree *t, sg_ref r, const uint8_t *label)
{
	const sg_node *n = sg_node_at(w->old, r);
	const uint32_t rank = n->shape->rank;

	for (uint32_t k = 0; k < rank; k++) {
		if (n->shape->ext[k] == sg_node_at(w->old, n->args[0])->shape->ext[k])
			continue;
		if (t->cut[label[k]].is_cut)
			return false;
		t->cut[label[k]] = (range){true, (sg_ext)n->attr->w[k]};
	}
	return add_contraction(w, t, n->args[0], label);
}

/* Is r a plain slice of a contraction that nothing else reads? */
static bool
is_open_slice(const ordering *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);
	const uint32_t rank = n->shape->rank;

	if (n->op != SG_SLICE || sg_node_at(w->old, n->args[0])->op != SG_CONTRACT ||
	    w->readers[n->args[0]] != 1)
		return false;
	for (uint32_t k = 0; k < rank; k++)
		if (!sg_ext_is(w->b.sp, (sg_ext)n->attr->w[rank + k], 1))
			return false;
	return true;
}

static bool
add_leaf(tree *t, const sg_node *n, sg_ref r, const uint8_t *label)
{
	factor *f = &t->f[t->n];

	if (t->n == MOST_FACTORS)
		return false;
	f->ref = r;
	f->n = n->shape->rank;
	if (f->n)
		memcpy(f->label, label, f->n * sizeof *label);
	f->set = label_set(f->n, label);
	t->n++;
	return true;
}

/* Factor r, or those that it is made of. */
static bool
add_factor(ordering *w, tree *t, sg_ref r, const uint8_t *label)
{
	const sg_node *n = sg_node_at(w->old, r);

	if (w->readers[r] == 1 && n->op == SG_TRANSPOSE) {
		uint8_t of[SG_MAX_RANK];

		for (uint32_t k = 0; k < n->shape->rank; k++)
			of[n->attr->w[k]] = label[k];
		return add_factor(w, t, n->args[0], of);
	}
	if (w->readers[r] == 1 && n->op == SG_CONTRACT)
		return add_contraction(w, t, r, label);
	if (w->readers[r] == 1 && n->op == SG_MUL &&
	    is_repetition(w, n->args[0]) != is_repetition(w, n->args[1]))
		return add_product(w, t, r, label);
	if (w->readers[r] == 1 && is_open_slice(w, r))
		return add_slice(w, t, r, label);
	return add_leaf(t, n, r, label);
}

/* ---- the cheapest order ---- */

static uint32_t
set_of(const tree *t, uint32_t factors)
{
	uint32_t set = 0;

	for (uint32_t k = 0; k < t->n; k++)
		if (factors >> k & 1)
			set |= t->f[k].set;
	return set;
}

/* Labels of the product of these factors that the result has, or the others. */
static uint32_t
result_set(const tree *t, uint32_t factors)
{
	const uint32_t all = ((uint32_t)1 << t->n) - 1;

	return set_of(t, factors) & (t->out | set_of(t, all & ~factors));
}

static double
pair_cost(const tree *t, int which, uint32_t x, uint32_t y)
{
	const uint32_t all = result_set(t, x) | result_set(t, y);

	return product_cost(t, which, all, result_set(t, x | y));
}

static uint32_t
rank_of(const tree *t, uint32_t factors)
{
	uint32_t n = 0;

	for (uint32_t set = result_set(t, factors); set; set &= set - 1)
		n++;
	return n;
}

/* No product on the way has more axes than the graph takes. */
static void
find_order(tree *t)
{
	const uint32_t all = ((uint32_t)1 << t->n) - 1;

	for (uint32_t s = 1; s <= all; s++) {
		if ((s & (s - 1)) == 0) {
			t->best[s] = 0;
			continue;
		}
		t->best[s] = INFINITY;
		if (rank_of(t, s) > SG_MAX_RANK)
			continue;
		for (uint32_t x = (s - 1) & s; x > 0; x = (x - 1) & s) {
			const double cost = t->best[x] + t->best[s ^ x] + pair_cost(t, 0, x, s ^ x);

			if (cost < t->best[s]) {
				t->best[s] = cost;
				t->left[s] = (uint8_t)x;
			}
		}
	}
}

/* Of the order that was found, for the product of these factors. */
static double
order_cost(const tree *t, int which, uint32_t factors)
{
	const uint32_t x = t->left[factors], y = factors ^ x;

	if ((factors & (factors - 1)) == 0)
		return 0;
	return order_cost(t, which, x) + order_cost(t, which, y) + pair_cost(t, which, x, y);
}

static bool
is_gain(tree *t)
{
	const uint32_t all = ((uint32_t)1 << t->n) - 1;

	if (t->n < 3 || t->contractions < 2)
		return false;
	find_order(t);
	return order_cost(t, 0, all) < GAIN * t->cost[0] &&
	       order_cost(t, 1, all) < LOSS * t->cost[1];
}

/* ---- built ---- */

/* A factor as it stands, of which slices have taken a part. */
static factor
leaf(ordering *w, const tree *t, uint32_t k)
{
	factor f = t->f[k];
	const sg_shape *s = sg_node_at(w->old, f.ref)->shape;
	const sg_ext one = sg_ext_int(w->b.sp, 1);

	f.ref = w->map[f.ref];
	for (uint32_t i = 0; i < f.n; i++)
		if (s->ext[i] != t->ext[f.label[i]])
			f.ref = sg_slice_axis(&w->b, f.ref, i, t->cut[f.label[i]].start, one,
			                      t->ext[f.label[i]]);
	return f;
}

/* Labels of `from` that are in the set, at the end of f. */
static void
append(factor *f, uint32_t n, const uint8_t *from, uint32_t set)
{
	for (uint32_t k = 0; k < n; k++)
		if (set >> from[k] & 1 && !(f->set >> from[k] & 1)) {
			f->label[f->n++] = from[k];
			f->set |= (uint32_t)1 << from[k];
		}
}

static bool
same_order(const factor *x, const factor *y)
{
	return x->n == y->n && memcmp(x->label, y->label, x->n) == 0;
}

static void
exchange(uint32_t *x, uint32_t *y)
{
	const uint32_t z = *x;

	*x = *y;
	*y = z;
}

/* How the product of x and y is best laid out: as wanted where that is a matrix product, no sum at
 * all, or one of few terms, which goes in any order; else rows of x, columns of y. x and y change
 * places where that helps. */
static factor
layout(const tree *t, const factor *wanted, uint32_t *x, uint32_t *y)
{
	const uint32_t rx = result_set(t, *x), ry = result_set(t, *y);
	factor one = {.n = 0}, two = {.n = 0};

	if ((rx | ry) == wanted->set)
		return *wanted;
	append(&one, wanted->n, wanted->label, rx & ry);
	two = one;
	append(&one, wanted->n, wanted->label, rx);
	append(&one, wanted->n, wanted->label, ry);
	append(&two, wanted->n, wanted->label, ry);
	append(&two, wanted->n, wanted->label, rx);
	if (same_order(&one, wanted))
		return one;
	if (!same_order(&two, wanted) && volume(t, 0, (rx | ry) & ~wanted->set) <= FEW) {
		if (!(ry >> wanted->label[wanted->n - 1] & 1))
			exchange(x, y);
		return *wanted;
	}
	if (same_order(&two, wanted) || volume(t, 0, rx & ~ry) < volume(t, 0, ry & ~rx)) {
		exchange(x, y);
		return two;
	}
	return one;
}

static factor product(ordering *w, const tree *t, uint32_t factors, const factor *wanted);

/* An operand of which the labels in `sum` are summed; in front of the others, or behind. */
static factor
operand(ordering *w, const tree *t, uint32_t factors, const factor *order, const factor *sum,
        uint32_t shared, bool first)
{
	const uint32_t set = result_set(t, factors);
	factor wanted = {.n = 0};

	append(&wanted, order->n, order->label, set & shared);
	if (first)
		append(&wanted, order->n, order->label, set);
	append(&wanted, sum->n, sum->label, set);
	append(&wanted, order->n, order->label, set);
	return product(w, t, factors, &wanted);
}

/* The labels that are summed: in the order of an operand that is a factor; else the longest behind
 * the others, so that products element by element go along them. */
static factor
summed(const tree *t, uint32_t x, uint32_t y)
{
	const uint32_t set = result_set(t, x) & result_set(t, y) & ~result_set(t, x | y);
	factor sum = {.n = 0};

	for (uint32_t k = 0; k < t->n; k++)
		if (x == (uint32_t)1 << k || y == (uint32_t)1 << k)
			append(&sum, t->f[k].n, t->f[k].label, set);
	while (sum.set != set) {
		uint8_t least = MOST_LABELS;

		for (uint8_t l = 0; l < t->nlabels; l++)
			if ((set & ~sum.set) >> l & 1 &&
			    (least == MOST_LABELS || t->size[0][l] < t->size[0][least]))
				least = l;
		append(&sum, 1, &least, set);
	}
	return sum;
}

/* The product of these factors; its labels come in the wanted order where that costs nothing. */
static factor
product(ordering *w, const tree *t, uint32_t factors, const factor *wanted)
{
	uint32_t x = t->left[factors], y = factors ^ x;
	int64_t label[3][SG_MAX_RANK];
	factor part[3];

	for (uint32_t k = 0; k < t->n; k++)
		if (factors == (uint32_t)1 << k)
			return leaf(w, t, k);
	const factor sum = summed(t, x, y);

	part[2] = layout(t, wanted, &x, &y);
	const uint32_t shared = result_set(t, x) & result_set(t, y) & part[2].set;

	part[0] = operand(w, t, x, &part[2], &sum, shared, true);
	part[1] = operand(w, t, y, &part[2], &sum, shared, false);
	for (int p = 0; p < 3; p++)
		for (uint32_t k = 0; k < part[p].n; k++)
			label[p][k] = part[p].label[k];
	part[2].ref =
	    sg_contract(&w->b, part[0].ref, label[0], part[1].ref, label[1], part[2].n, label[2]);
	return part[2];
}

/* Contraction r in its cheapest order; 0: as it stands. */
static sg_ref
ordered(ordering *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);
	int64_t perm[SG_MAX_RANK];
	tree t = {.n = 0};
	factor wanted = {.ref = r, .n = n->shape->rank};

	for (uint32_t k = 0; k < wanted.n; k++)
		if (!new_label(w, &t, n->shape->ext[k], &wanted.label[k]))
			return 0;
	wanted.set = t.out = label_set(wanted.n, wanted.label);
	if (!add_contraction(w, &t, r, wanted.label) || !is_gain(&t))
		return 0;
	const factor f = product(w, &t, ((uint32_t)1 << t.n) - 1, &wanted);

	w->any = true;

	for (uint32_t i = 0; i < wanted.n; i++)
		for (uint32_t k = 0; k < f.n; k++)
			if (f.label[k] == wanted.label[i])
				perm[i] = k;
	return sg_transpose(&w->b, f.ref, perm);
}

/* ---- the walk ---- */

static sg_ref
remade(ordering *w, sg_ref r, bool search)
{
	const sg_node n = *sg_node_at(w->old, r);
	sg_ref *arg = SG_NEW_ARRAY(w->b.ctx, sg_ref, n.nargs + 1);
	sg_ref x = 0;

	for (uint32_t k = 0; k < n.nargs; k++)
		arg[k] = w->map[n.args[k]];
	w->b.g->here = w->old->span[r];
	if (search && n.op == SG_CONTRACT)
		x = ordered(w, r);
	if (!x)
		x = sg_remake(&w->b, &n, arg);
	if (w->old->name[r] && !w->b.g->name[x])
		w->b.g->name[x] = w->old->name[r];
	return x;
}

/* What some roots need; they become nodes of the new graph. */
static void
rebuild(ordering *w, size_t nroots, sg_ref *root, bool search)
{
	const sg_needed all = sg_graph_needed(w->old, 1, nroots, root);

	for (size_t i = 0; i < all.n; i++) {
		const sg_node *n = sg_node_at(w->old, all.ref[i]);

		w->readers[all.ref[i]] = 0;
		for (uint32_t k = 0; k < n->nargs; k++)
			w->readers[n->args[k]]++;
	}
	for (size_t k = 0; k < nroots; k++)
		w->readers[root[k]]++;
	for (size_t i = 0; i < all.n; i++)
		w->map[all.ref[i]] = remade(w, all.ref[i], search);
	for (size_t k = 0; k < nroots; k++)
		root[k] = w->map[root[k]];
}

static void
rebuild_entry(ordering *w, sg_entry_ir *e)
{
	sg_ref *root = SG_NEW_ARRAY(w->b.ctx, sg_ref, e->nout + 1);

	for (size_t k = 0; k < e->nout; k++)
		root[k] = e->out[k].ref;
	rebuild(w, e->nout, root, true);
	for (size_t k = 0; k < e->nout; k++)
		e->out[k].ref = root[k];
}

/* Is there a contraction with one behind it? */
static bool
is_wanted(const sg_graph *g)
{
	uint32_t n = 0;

	for (sg_ref r = 1; r < g->n && n < 2; r++)
		n += sg_node_at(g, r)->op == SG_CONTRACT;
	return n > 1;
}

static const int64_t *
every_dim(const ordering *w, int64_t value)
{
	const uint32_t n = sg_space_ndims(w->b.sp);
	int64_t *dims = SG_NEW_ARRAY(w->b.ctx, int64_t, n + 1);

	for (uint32_t d = 0; d < n; d++)
		dims[d] = value;
	return dims;
}

const sg_program *
sg_order_products(sg_ctx *ctx, const sg_program *p)
{
	ordering w = {.b = {.ctx = ctx, .sp = p->sp}, .old = p->g};
	sg_program *q;

	if (!is_wanted(p->g))
		return p;
	w.b.g = sg_graph_sized(p->sp, p->g->n);
	w.readers = SG_NEW_ARRAY(ctx, uint32_t, p->g->n);
	w.map = SG_NEW_ARRAY(ctx, sg_ref, p->g->n);
	w.dims[0] = every_dim(&w, LARGE);
	w.dims[1] = every_dim(&w, SMALL);
	q = sg_program_copy(ctx, p);
	for (size_t i = 0; i < q->ninputs; i++) {
		rebuild(&w, 1, &q->input[i].ref, false);
		if (q->input[i].deflt)
			rebuild(&w, 1, &q->input[i].deflt, false);
	}
	for (size_t e = 0; e < q->nentries; e++)
		rebuild_entry(&w, &q->entry[e]);
	w.b.g->here = (sg_span){.src = NULL};
	q->g = w.b.g;
	return w.any ? q : p;
}
