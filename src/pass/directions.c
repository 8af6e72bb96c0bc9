/* directions.c - for emission: what a Jacobian reads turned is made turned.
 *
 * Forward derivatives have their directions in front, a Jacobian has them behind. The transpose
 * between costs nothing where what it reads is computed there and then. But a contraction is
 * stored, and what is gathered from it would be read across, a number from each line of memory. So
 * the transpose is taken up to contractions, through all that nothing else reads: operations
 * element by element, movements and gathers. What it meets there has to turn for nothing:
 * contractions of few terms, or which stay products of matrices; constants; and what is the same in
 * all directions.
 *
 * To turn is to have the first axis behind the others. */
#include "pass/sweep.h"

#include <string.h>

enum {
	MOST = 64,   /* nodes that turn with one transpose */
	FEW = 8,     /* terms of a sum that is no matter of its order */
	SMALL = 256, /* elements that are near wherever they are */
};

typedef struct turning {
	sg_build b;
	const sg_graph *old;
	uint32_t *readers; /* by old node */
	uint32_t *edges;   /* by old node: those of its readers that are to turn, or have */
	bool *fixed;       /* by old node: is it made of constants alone? */
	bool *turns;       /* by old node: it is made turned; of a transpose: it is left out */
	sg_ref *map;
	sg_ref set[MOST]; /* what is to turn with the transpose at hand */
	uint32_t n;
	bool deep; /* do the operands of contractions turn too? */
	bool any;
} turning;

/* ---- which ---- */

static bool
is_turn(const sg_node *n)
{
	const uint32_t rank = n->shape->rank;

	if (n->op != SG_TRANSPOSE || rank < 2)
		return false;
	for (uint32_t i = 0; i < rank; i++)
		if (n->attr->w[i] != (i + 1) % rank)
			return false;
	return true;
}

/* Is it read as well by a transpose as in its own order? */
static bool
turns_as_it_is(const turning *w, sg_ref r)
{
	const sg_shape *s = sg_node_at(w->old, r)->shape;
	int64_t size = 1, e;

	for (uint32_t k = 0; k < s->rank && size <= SMALL; size *= e, k++)
		if (!sg_ext_const(w->b.sp, s->ext[k], &e) || e > SMALL)
			return w->fixed[r] || s->rank == 1;
	return size <= SMALL || w->fixed[r] || s->rank == 1;
}

static bool
join(turning *w, sg_ref r)
{
	if (w->edges[r] == 0) {
		if (w->n == MOST)
			return false;
		w->set[w->n++] = r;
	}
	w->edges[r]++;
	return true;
}

static bool
join_operand(turning *w, sg_ref r)
{
	return turns_as_it_is(w, r) || join(w, r);
}

static bool
has_label(const int64_t *l, int64_t n, int64_t label)
{
	for (int64_t k = 0; k < n; k++)
		if (l[k] == label)
			return true;
	return false;
}

/* Is the contraction a product of matrices, if its first axis comes `turned` or stays: labels of
 * both operands in front, then all of one, then all of the other? */
static bool
is_product(const sg_node *n, bool turned)
{
	const int64_t *a = n->attr->w, *lx = a + 3, *ly = lx + a[0], *lo = ly + a[1];
	int last = 0, changes = 0;

	for (int64_t k = 0; k < a[2]; k++) {
		const int64_t label = lo[turned ? (k + 1) % a[2] : k];
		const int owner = has_label(lx, a[0], label) + 2 * has_label(ly, a[1], label);

		changes += k == 0 ? owner != 3 : owner != last;
		if (k > 0 && owner == 3 && last != 3)
			return false;
		last = owner;
	}
	return changes <= 2;
}

/* Are no more than FEW terms summed? */
static bool
sums_few(const turning *w, const sg_node *n)
{
	const int64_t *a = n->attr->w, *lx = a + 3, *lo = lx + a[0] + a[1];
	const sg_shape *x = sg_node_at(w->old, n->args[0])->shape;
	int64_t terms = 1, e;

	for (int64_t k = 0; k < a[0]; k++) {
		if (has_label(lo, a[2], lx[k]))
			continue;
		if (!sg_ext_const(w->b.sp, x->ext[k], &e) || e > FEW)
			return false;
		terms *= e;
	}
	return terms <= FEW;
}

/* A factor that has the directions in front turns too, or stays: labels tell. A small one is stored
 * turned if nothing else reads it. */
static bool
join_factor(turning *w, sg_ref r, bool has_directions)
{
	if (!has_directions || !w->deep || (turns_as_it_is(w, r) && w->readers[r] > 1) ||
	    w->fixed[r])
		return true;
	return join(w, r);
}

static bool
join_factors(turning *w, const sg_node *n)
{
	const int64_t *a = n->attr->w, *lx = a + 3, *ly = lx + a[0], *lo = ly + a[1];

	if (!sums_few(w, n) && !is_product(n, true) && is_product(n, false))
		return false;
	return join_factor(w, n->args[0], a[0] > 0 && lx[0] == lo[0]) &&
	       join_factor(w, n->args[1], a[1] > 0 && ly[0] == lo[0]);
}

/* What broadcast n reads is the same in all directions, or has them in front. */
static bool
join_repeated(turning *w, const sg_node *n)
{
	const sg_node *x = sg_node_at(w->old, n->args[0]);

	for (uint32_t k = 1; k < x->shape->rank; k++)
		if (n->attr->w[k] == 0)
			return false;
	if (x->shape->rank == 0 || n->attr->w[0] != 0)
		return true;
	return x->shape->ext[0] == n->shape->ext[0] && join_operand(w, n->args[0]);
}

/* What node n of the set is made of joins it; false: it can't turn. */
static bool
join_operands(turning *w, const sg_node *n)
{
	if (sg_is_ew(n->op) || n->op == SG_CAST) {
		for (uint32_t k = 0; k < n->nargs; k++)
			if (!join_operand(w, n->args[k]))
				return false;
		return true;
	}
	switch (n->op) {
	case SG_BROADCAST:
		return join_repeated(w, n);
	case SG_SLICE:
	case SG_PAD:
	case SG_RESHAPE: {
		const sg_shape *x = sg_node_at(w->old, n->args[0])->shape;

		return x->rank > 0 && x->ext[0] == n->shape->ext[0] && join_operand(w, n->args[0]);
	}
	case SG_CONCAT:
		for (uint32_t k = 0; n->attr->w[0] > 0 && k < n->nargs; k++)
			if (!join_operand(w, n->args[k]))
				return false;
		return n->attr->w[0] > 0;
	case SG_GATHER:
		return n->attr->w[0] > 0 && n->attr->w[1] == 0 && join_operand(w, n->args[0]);
	case SG_CONTRACT:
		return join_factors(w, n);
	default:
		return false;
	}
}

/* Does what is above transpose r turn? */
static bool
consider(turning *w, sg_ref r, bool deep)
{
	bool good, product = false;

	w->n = 0;
	w->deep = deep;
	good = join_operand(w, sg_node_at(w->old, r)->args[0]);
	for (uint32_t i = 0; good && i < w->n; i++) {
		const sg_node *n = sg_node_at(w->old, w->set[i]);

		good = join_operands(w, n);
		product = product || n->op == SG_CONTRACT;
	}
	for (uint32_t i = 0; good && i < w->n; i++)
		good = w->edges[w->set[i]] == w->readers[w->set[i]];
	good = good && product;
	for (uint32_t i = 0; i < w->n; i++) {
		w->turns[w->set[i]] = good;
		w->edges[w->set[i]] = good ? w->edges[w->set[i]] : 0;
	}
	w->turns[r] = good;
	w->any = w->any || good;
	return good;
}

/* ---- the new graph ---- */

/* Node r of the old graph, turned. */
static sg_ref
turned(turning *w, sg_ref r)
{
	if (w->turns[r])
		return w->map[r];
	return sg_move_axis_last(&w->b, w->map[r], 0);
}

static const sg_shape *
turned_shape(turning *w, const sg_shape *s)
{
	sg_ext e[SG_MAX_RANK];

	for (uint32_t i = 0; i < s->rank; i++)
		e[i] = s->ext[(i + 1) % s->rank];
	return sg_shape_make(w->b.sp, s->rank, e);
}

static sg_ref
turned_range(turning *w, const sg_node *n)
{
	const uint32_t rank = n->shape->rank;
	const sg_shape *s = turned_shape(w, n->shape);
	const sg_ref x = turned(w, n->args[0]);
	sg_ext start[SG_MAX_RANK], step[SG_MAX_RANK];

	for (uint32_t i = 0; i < rank; i++) {
		start[i] = (sg_ext)n->attr->w[(i + 1) % rank];
		step[i] = (sg_ext)n->attr->w[rank + (i + 1) % rank];
	}
	return n->op == SG_SLICE ? sg_slice(&w->b, x, s, start, step)
	                         : sg_pad(&w->b, x, s, start, step);
}

static sg_ref
turned_broadcast(turning *w, const sg_node *n)
{
	const uint32_t rank = n->shape->rank, of = sg_node_at(w->old, n->args[0])->shape->rank;
	const sg_shape *s = turned_shape(w, n->shape);
	const bool has_it = of > 0 && n->attr->w[0] == 0;
	int64_t axis[SG_MAX_RANK] = {0};

	for (uint32_t k = 0; k < of; k++)
		axis[k] = (n->attr->w[has_it ? (k + 1) % of : k] + rank - 1) % rank;
	return sg_broadcast(&w->b, has_it ? turned(w, n->args[0]) : w->map[n->args[0]], s, axis);
}

static sg_ref
turned_contraction(turning *w, const sg_node *n)
{
	const int64_t *a = n->attr->w, *l = a + 3;
	int64_t order[3][SG_MAX_RANK];

	for (int part = 0; part < 3; l += a[part], part++)
		for (int64_t k = 0; k < a[part]; k++)
			order[part][k] =
			    l[part == 2 || w->turns[n->args[part]] ? (k + 1) % a[part] : k];
	return sg_contract(&w->b, w->map[n->args[0]], order[0], w->map[n->args[1]], order[1],
	                   (uint32_t)a[2], order[2]);
}

static sg_ref
remade_turned(turning *w, const sg_node *n, sg_ref *arg)
{
	switch (n->op) {
	case SG_BROADCAST:
		return turned_broadcast(w, n);
	case SG_SLICE:
	case SG_PAD:
		return turned_range(w, n);
	case SG_RESHAPE:
		return sg_reshape(&w->b, turned(w, n->args[0]), turned_shape(w, n->shape));
	case SG_CONCAT:
		for (uint32_t k = 0; k < n->nargs; k++)
			arg[k] = turned(w, n->args[k]);
		return sg_concat(&w->b, n->nargs, arg, (uint32_t)n->attr->w[0] - 1);
	case SG_GATHER:
		return sg_gather(&w->b, turned(w, n->args[0]), w->map[n->args[1]],
		                 (uint32_t)n->attr->w[0] - 1, 0);
	case SG_CONTRACT:
		return turned_contraction(w, n);
	default:
		for (uint32_t k = 0; k < n->nargs; k++)
			arg[k] = turned(w, n->args[k]);
		return sg_remake(&w->b, n, arg);
	}
}

static void
rebuild(turning *w, const bool *live)
{
	sg_ref *arg = NULL;
	size_t cap = 0;

	for (sg_ref r = 1; r < w->old->n; r++) {
		const sg_node n = *sg_node_at(w->old, r);

		if (!live[r])
			continue;
		if (n.nargs > cap)
			arg = SG_NEW_ARRAY(w->b.ctx, sg_ref, cap = 2 * n.nargs);
		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = w->map[n.args[k]];
		w->b.g->here = w->old->span[r];
		if (!w->turns[r])
			w->map[r] = sg_remake(&w->b, &n, arg);
		else
			w->map[r] = is_turn(&n) ? turned(w, n.args[0]) : remade_turned(w, &n, arg);
		if (w->old->name[r] && !w->b.g->name[w->map[r]])
			w->b.g->name[w->map[r]] = w->old->name[r];
	}
}

/* Who reads what, and what is made of constants. */
static void
look(turning *w, const bool *live, size_t nroots, const sg_ref *root)
{
	for (size_t k = 0; k < nroots; k++)
		w->readers[root[k]]++;
	for (sg_ref r = 1; r < w->old->n; r++) {
		const sg_node *n = sg_node_at(w->old, r);
		bool fixed =
		    n->nargs > 0 || n->op == SG_CONST || n->op == SG_DATA || n->op == SG_IOTA;

		for (uint32_t k = 0; live[r] && k < n->nargs; k++) {
			w->readers[n->args[k]]++;
			fixed = fixed && w->fixed[n->args[k]];
		}
		w->fixed[r] = fixed;
	}
}

const sg_program *
sg_directions_last(sg_ctx *ctx, const sg_program *p)
{
	turning w = {.b = {.ctx = ctx, .sp = p->sp}, .old = p->g};
	const uint32_t n = p->g->n;
	size_t nroots;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);
	const bool *live = sg_graph_live(p->g, nroots, root);
	sg_program *q;

	w.readers = SG_NEW_ARRAY(ctx, uint32_t, n);
	w.edges = SG_NEW_ARRAY(ctx, uint32_t, n);
	w.fixed = SG_NEW_ARRAY(ctx, bool, n);
	w.turns = SG_NEW_ARRAY(ctx, bool, n);
	look(&w, live, nroots, root);
	for (sg_ref r = n; r-- > 1;)
		if (live[r] && is_turn(sg_node_at(p->g, r)) && !consider(&w, r, true))
			consider(&w, r, false);
	if (!w.any)
		return p;
	w.map = SG_NEW_ARRAY(ctx, sg_ref, n);
	w.b.g = sg_graph_sized(p->sp, n);
	rebuild(&w, live);
	q = sg_program_copy(ctx, p);
	sg_program_remap(q, w.b.g, w.map);
	return q;
}
