/* pairs.c - for emission: products of many small matrices, number by number.
 *
 * A map over points multiplies each with a matrix of its own: a contraction along a few numbers,
 * which is a loop nest by itself, with short loops that are no SIMD, and arrays for what comes
 * before and behind. As sums of products of numbers, over all points at once, it joins what stands
 * around it. */
#include "pass/sweep.h"

enum {
	SHORT = 4,       /* numbers along an axis */
	MOST_TERMS = 64, /* products of a pair of matrices */
	FEW_TERMS = 32,  /* of which C compilers make no SIMD along rows */
	FEW_PAIRS = 64,
	MOST_LABELS = 16,
};

/* A contraction; at[]: by label, which number of a short axis is looked at. */
typedef struct pairs {
	sg_build *b;
	const sg_graph *old;
	const sg_node *n;
	const int64_t *x, *y, *out; /* labels */
	uint32_t nx, ny, nout;
	uint32_t size[MOST_LABELS]; /* of short axes; 0: it is long */
	uint32_t at[MOST_LABELS];
	uint32_t order[MOST_LABELS];     /* of long axes, in the result's order */
	const sg_shape *many;            /* the long axes */
	uint32_t sums, sum[MOST_LABELS]; /* labels that are not in the result */
} pairs;

static bool
is_in(uint32_t n, const int64_t *label, int64_t which)
{
	for (uint32_t k = 0; k < n; k++)
		if (label[k] == which)
			return true;
	return false;
}

/* Sizes of an operand's axes. false: there are too many labels. */
static bool
measure(pairs *p, sg_space *sp, const sg_shape *s, const int64_t *label)
{
	for (uint32_t k = 0; k < s->rank; k++) {
		int64_t v;

		if (label[k] >= MOST_LABELS)
			return false;
		p->size[label[k]] =
		    sg_ext_const(sp, s->ext[k], &v) && v >= 1 && v <= SHORT ? (uint32_t)v : 0;
	}
	return true;
}

/* Do the long axes of an operand stand in the order of the result's? */
static bool
is_in_order(const pairs *p, uint32_t n, const int64_t *label)
{
	uint32_t last = 0;

	for (uint32_t k = 0; k < n; k++) {
		if (p->size[label[k]])
			continue;
		if (p->order[label[k]] < last)
			return false;
		last = p->order[label[k]];
	}
	return true;
}

/* The long axes, and how many pairs and terms there are. false: none are, or too many terms, or a
 * matrix is multiplied with several, of which the runtime makes one product. */
static bool
is_of_many(pairs *p, sg_space *sp, uint32_t most)
{
	sg_ext e[SG_MAX_RANK];
	uint32_t rank = 0, terms = 1;
	int64_t count;

	for (uint32_t k = 0; k < p->nout; k++) {
		if (p->size[p->out[k]]) {
			terms *= p->size[p->out[k]];
			continue;
		}
		if (!is_in(p->nx, p->x, p->out[k]) || !is_in(p->ny, p->y, p->out[k]))
			return false;
		p->order[p->out[k]] = rank;
		e[rank++] = p->n->shape->ext[k];
	}
	for (uint32_t k = 0; k < p->nx; k++) {
		if (is_in(p->nout, p->out, p->x[k]))
			continue;
		if (!p->size[p->x[k]])
			return false;
		terms *= p->size[p->x[k]];
		p->sum[p->sums++] = (uint32_t)p->x[k];
	}
	if (rank == 0 || terms > most || terms < 2)
		return false;
	p->many = sg_shape_make(sp, rank, e);
	return !sg_ext_const(sp, sg_shape_size(sp, p->many), &count) || count >= FEW_PAIRS;
}

static bool
open_pairs(sg_build *b, const sg_graph *old, const sg_node *n, bool jit, pairs *p)
{
	const int64_t *w = n->attr->w;

	*p = (pairs){.b = b,
	             .old = old,
	             .n = n,
	             .nx = (uint32_t)w[0],
	             .ny = (uint32_t)w[1],
	             .nout = (uint32_t)w[2]};
	p->x = w + 3;
	p->y = p->x + p->nx;
	p->out = p->y + p->ny;
	if (!sg_type_is_float((sg_type)n->type) ||
	    !measure(p, b->sp, sg_node_at(old, n->args[0])->shape, p->x) ||
	    !measure(p, b->sp, sg_node_at(old, n->args[1])->shape, p->y))
		return false;
	if (jit && p->nout + 1 == p->nx && p->nx == p->ny)
		return false; /* dots of rows have a routine */
	return is_of_many(p, b->sp, jit ? MOST_TERMS : FEW_TERMS) && is_in_order(p, p->nx, p->x) &&
	       is_in_order(p, p->ny, p->y);
}

static bool
is_wanted(const sg_replacing *w, const sg_node *n)
{
	sg_build b = w->b;
	pairs p;

	return n->op == SG_CONTRACT && open_pairs(&b, w->old, n, w->jit, &p);
}

/* The number of an operand that is looked at, for all pairs. */
static sg_ref
number(const pairs *p, sg_ref x, uint32_t n, const int64_t *label)
{
	int64_t axis[SG_MAX_RANK];
	uint32_t rank = 0;

	for (uint32_t i = 0; i < n; i++)
		if (p->size[label[i]])
			x = sg_index(p->b, x, rank, sg_ext_int(p->b->sp, p->at[label[i]]));
		else
			axis[rank++] = p->order[label[i]];
	return sg_broadcast(p->b, x, p->many, axis);
}

/* The sum of products over the labels from number `of` of those that are summed. */
static sg_ref
sum(pairs *p, uint32_t of, const sg_ref *arg)
{
	sg_ref all = 0;

	if (of == p->sums) {
		const sg_ref x = number(p, arg[0], p->nx, p->x);
		const sg_ref y = number(p, arg[1], p->ny, p->y);

		return sg_ew2(p->b, SG_MUL, x, y);
	}
	for (uint32_t i = 0; i < p->size[p->sum[of]]; i++) {
		p->at[p->sum[of]] = i;
		const sg_ref term = sum(p, of + 1, arg);

		all = all ? sg_ew2(p->b, SG_ADD, all, term) : term;
	}
	return all;
}

/* The result from its axis k on; `before`: long axes before that one. */
static sg_ref
stacked(pairs *p, uint32_t k, uint32_t before, const sg_ref *arg)
{
	sg_ref part[SHORT];

	if (k == p->nout)
		return sum(p, 0, arg);
	const uint32_t label = (uint32_t)p->out[k], n = p->size[label];

	if (n == 0)
		return stacked(p, k + 1, before + 1, arg);
	for (uint32_t i = 0; i < n; i++) {
		p->at[label] = i;
		part[i] = stacked(p, k + 1, before, arg);
	}
	return sg_stack(p->b, n, part, before);
}

static sg_ref
instead(sg_replacing *w, const sg_node *n, const sg_ref *arg)
{
	pairs p;

	(void)open_pairs(&w->b, w->old, n, w->jit, &p);
	return stacked(&p, 0, 0, arg);
}

const sg_program *
sg_small_pairs(sg_ctx *ctx, const sg_program *p, bool jit)
{
	return sg_replaced(ctx, p, jit, is_wanted, instead);
}
