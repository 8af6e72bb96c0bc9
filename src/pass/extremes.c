/* extremes.c - for written C: the largest of each of many short rows, and where it is, number by
 * number.
 *
 * A loop over ten numbers that carries the largest waits for each comparison; C compilers make no
 * SIMD of it, along the row or across rows. As an expression over the numbers of a row it is an
 * elementwise operation on many rows, which goes by vectors of rows (back/turned.c). */
#include "pass/sweep.h"

enum {
	LEAST = 6, /* numbers of a row; shorter loops are unrolled, and as fast */
	MOST = 16,
	FEW_ROWS = 32,
};

static bool
is_place(uint16_t op)
{
	return op == SG_ARGMAX || op == SG_ARGMIN;
}

static bool
is_wanted(const sg_replacing *w, const sg_node *n)
{
	sg_space *sp = w->b.sp;
	const sg_node *x;
	int64_t size, rows, last;

	if (w->jit || (n->op != SG_AMAX && n->op != SG_AMIN && !is_place(n->op)))
		return false;
	x = sg_node_at(w->old, n->args[0]);
	last = (int64_t)x->shape->rank - 1;
	if (!sg_type_is_float((sg_type)x->type) || !sg_ext_const(sp, x->shape->ext[last], &size) ||
	    size > MOST || size < LEAST)
		return false;
	if (n->attr->w[0] != (is_place(n->op) ? last : INT64_C(1) << last))
		return false;
	return !sg_ext_const(sp, sg_shape_size(sp, n->shape), &rows) || rows >= FEW_ROWS;
}

/* Number k of the rows of x. */
static sg_ref
number(sg_build *b, sg_ref x, int64_t k)
{
	return sg_index(b, x, sg_shape_of(b, x)->rank - 1, sg_ext_int(b->sp, k));
}

/* Where is best, the extreme of the rows of x, or NaN, found first? The least of all k where it is.
 */
static sg_ref
place_of(sg_build *b, sg_ref x, int64_t size, sg_ref best)
{
	const sg_shape *s = sg_shape_of(b, best);
	const sg_ref nowhere = sg_const_int(b, SG_I32, s, size - 1);
	sg_ref place = nowhere;

	for (int64_t k = 0; k + 1 < size; k++) {
		const sg_ref v = number(b, x, k), is = sg_ew2(b, SG_EQ, v, best),
			     found = sg_ew2(b, SG_OR, is, sg_ew1(b, SG_ISNAN, v)),
			     here = sg_const_int(b, SG_I32, s, k),
			     at = sg_ew3(b, SG_SELECT, found, here, nowhere);

		place = sg_ew2(b, SG_MIN, place, at);
	}
	return sg_cast(b, place, SG_I64);
}

static sg_ref
instead(sg_replacing *w, const sg_node *n, const sg_ref *arg)
{
	sg_build *b = &w->b;
	const sg_shape *s = sg_shape_of(b, arg[0]);
	const sg_op op = n->op == SG_AMAX || n->op == SG_ARGMAX ? SG_MAX : SG_MIN;
	sg_ref best = number(b, arg[0], 0);
	int64_t size;

	(void)sg_ext_const(b->sp, s->ext[s->rank - 1], &size);
	for (int64_t k = 1; k < size; k++)
		best = sg_ew2(b, op, best, number(b, arg[0], k));
	return is_place(n->op) ? place_of(b, arg[0], size, best) : best;
}

const sg_program *
sg_short_extremes(sg_ctx *ctx, const sg_program *p, bool jit)
{
	return sg_replaced(ctx, p, jit, is_wanted, instead);
}
