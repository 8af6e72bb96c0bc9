/* across.c - for emission: row operations whose rows lie across memory.
 *
 * softmax and its like take the last axis; along another one they stand between transpositions. The
 * runtime's routines want their rows in memory one after the other, so that all would be copied
 * there and back. Where the elements that lie side by side are many, reductions and elementwise
 * operations go along them instead, as the sum over the rows of a matrix does. With m = max x:
 *   softmax = e/sum e, e = exp(x - m)
 *   log sum exp = m + log1p((c - 1) + r), c of the x being m, r the sum of the e of the others
 * The c keeps the maximum's own 1 out of the sum: a row with one large number keeps its small
 * digits. As in the routines a NaN or +inf makes a softmax NaN, and so do numbers that are all
 * -inf; logsumexp keeps what is infinite. The extent of the rows is a constant, or that of another
 * axis too: there is no maximum of nothing. */
#include "pass/sweep.h"

enum { LEAST = 16 }; /* elements side by side */

/* Have the rows, along `at`, always an element where there is a result? libtcc is better off with
 * the runtime's routines where extents are not known. */
static bool
have_elements(const sg_replacing *w, const sg_shape *s, uint32_t at)
{
	int64_t v;

	if (sg_ext_const(w->b.sp, s->ext[at], &v))
		return v > 0;
	for (uint32_t k = 0; k < s->rank && !w->jit; k++)
		if (k != at && s->ext[k] == s->ext[at])
			return true;
	return false;
}

/* Is x the transpose of something, the rows of which are not the last axis there? */
static bool
is_wanted(const sg_replacing *w, const sg_node *n)
{
	const sg_node *x;
	uint32_t last, at;
	int64_t v, side = 1;

	if (n->op != SG_SOFTMAX && n->op != SG_LOG_SOFTMAX && n->op != SG_LOGSUMEXP)
		return false;
	x = sg_node_at(w->old, n->args[0]);
	last = x->shape->rank - 1;
	if (x->op != SG_TRANSPOSE || x->attr->w[last] == last || !have_elements(w, x->shape, last))
		return false;
	x = sg_node_at(w->old, sg_arg(w->old, n->args[0], 0));
	at = (uint32_t)sg_node_at(w->old, n->args[0])->attr->w[last];
	for (uint32_t k = at + 1; k <= last && side < LEAST; k++)
		side *= sg_ext_const(w->b.sp, x->shape->ext[k], &v) && v < LEAST ? v : LEAST;
	return side >= LEAST;
}

/* ---- what they come to ---- */

typedef struct rows {
	sg_build *b;
	sg_ref x; /* not transposed */
	uint32_t axis;
	sg_ref top;
} rows;

static sg_ref
folded(const rows *r, sg_op op, sg_ref x)
{
	return sg_reduce(r->b, op, x, (uint64_t)1 << r->axis);
}

/* y, which has no such axis, for each of its elements. */
static sg_ref
spread(const rows *r, sg_ref y)
{
	const sg_shape *s = sg_shape_of(r->b, r->x);
	int64_t axis[SG_MAX_RANK];

	for (uint32_t k = 0; k + 1 < s->rank; k++)
		axis[k] = k + (k >= r->axis);
	return sg_broadcast(r->b, y, s, axis);
}

static sg_ref
below_top(const rows *r)
{
	return sg_ew2(r->b, SG_SUB, r->x, spread(r, r->top));
}

/* log of the sum of exp(x - top) */
static sg_ref
log_of_sum(const rows *r)
{
	sg_build *b = r->b;
	const sg_ref is_top = sg_ew2(b, SG_EQ, r->x, spread(r, r->top));
	const sg_ref zero = sg_const_like(b, r->x, 0), one = sg_const_like(b, r->x, 1);
	const sg_ref others =
	    folded(r, SG_SUM, sg_ew3(b, SG_SELECT, is_top, zero, sg_ew1(b, SG_EXP, below_top(r))));
	const sg_ref tops = folded(r, SG_SUM, sg_ew3(b, SG_SELECT, is_top, one, zero));

	return sg_ew1(
	    b, SG_LOG1P,
	    sg_ew2(b, SG_ADD, sg_ew2(b, SG_SUB, tops, sg_const_like(b, tops, 1)), others));
}

static sg_ref
softmax_of(const rows *r)
{
	const sg_ref e = sg_ew1(r->b, SG_EXP, below_top(r));

	return sg_ew2(r->b, SG_DIV, e, spread(r, folded(r, SG_SUM, e)));
}

/* An infinite m leaves no number: m - m is NaN then. */
static sg_ref
log_softmax_of(const rows *r)
{
	const sg_ref none = sg_ew2(r->b, SG_SUB, r->top, r->top);
	const sg_ref taken = spread(r, sg_ew2(r->b, SG_ADD, log_of_sum(r), none));

	return sg_ew2(r->b, SG_SUB, below_top(r), taken);
}

/* y, which has the axes of x but for the one along the rows, in the order that `perm` gives those
 * of x. */
static sg_ref
reordered(const rows *r, sg_ref y, const int64_t *perm)
{
	int64_t to[SG_MAX_RANK];

	for (uint32_t k = 0; k + 1 < sg_shape_of(r->b, r->x)->rank; k++)
		to[k] = perm[k] - (perm[k] > r->axis);
	return sg_transpose(r->b, y, to);
}

/* Node n, whose operand is x by the permutation. */
static sg_ref
along_memory(sg_build *b, const sg_node *n, sg_ref x, const int64_t *perm)
{
	rows r = {.b = b, .x = x, .axis = (uint32_t)perm[sg_shape_of(b, x)->rank - 1]};

	r.top = folded(&r, SG_AMAX, x);
	if (n->op == SG_LOGSUMEXP)
		return reordered(&r, sg_ew2(b, SG_ADD, r.top, log_of_sum(&r)), perm);
	return sg_transpose(b, n->op == SG_SOFTMAX ? softmax_of(&r) : log_softmax_of(&r), perm);
}

static sg_ref
instead(sg_replacing *w, const sg_node *n, const sg_ref *arg)
{
	(void)arg;
	return along_memory(&w->b, n, w->map[sg_arg(w->old, n->args[0], 0)],
	                    sg_node_at(w->old, n->args[0])->attr->w);
}

const sg_program *
sg_rows_across(sg_ctx *ctx, const sg_program *p, bool jit)
{
	return sg_replaced(ctx, p, jit, is_wanted, instead);
}
