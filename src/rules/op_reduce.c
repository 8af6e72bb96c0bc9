/* op_reduce.c - reductions, arg-reductions, running sums, linear recurrences. */
#include "rules/op.h"

#include <math.h>

static uint64_t
axes_gone(const sg_node *n)
{
	return (uint64_t)n->attr->w[0];
}

/* Batching any reduction: its axes are one further. */
static sg_ref
batch_reduction(sg_build *b, const sg_node *n, const sg_ref *args)
{
	return sg_reduce(b, (sg_op)n->op, args[0], axes_gone(n) << 1);
}

/* ---- sum: y = sum x.   dy = sum dx   X = Y repeated ---- */

sg_ref
jvp_SUM(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);

	return t[0] ? sg_reduce(b, SG_SUM, t[0], axes_gone(&n)) : 0;
}

void
vjp_SUM(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);

	(void)want;
	d[0] = sg_unreduce(b, g, sg_shape_of(b, n.args[0]), axes_gone(&n));
}

sg_ref
batch_SUM(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return batch_reduction(b, n, args);
}

/* ---- product: y = x0 x1 ... x(n-1).   dy/dxk = (x0 ... x(k-1)) (x(k+1) ... x(n-1))
 *
 * Both factors are running products, from the left and from the right: no division, so right with
 * any number of zeros. They are linear recurrences, whose derivatives are linear recurrences again:
 * right to any order (Griewank and Walther 2008, on Speelpenning's product). ---- */

/* The axes that go, last: perm, and its inverse. */
static void
axes_last(uint32_t rank, uint64_t mask, int64_t *perm, int64_t *back)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rank; i++)
		if (!(mask >> i & 1))
			perm[n++] = i;
	for (uint32_t i = 0; i < rank; i++)
		if (mask >> i & 1)
			perm[n++] = i;
	for (uint32_t i = 0; i < rank; i++)
		back[perm[i]] = i;
}

/* x of shape [kept axes..., all elements along the axes that go]. */
static sg_ref
as_rows(sg_build *b, sg_ref x, uint64_t mask)
{
	const sg_shape *s = sg_shape_of(b, x);
	int64_t perm[SG_MAX_RANK], back[SG_MAX_RANK];
	sg_ext e[SG_MAX_RANK], count = sg_ext_int(b->sp, 1);
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->rank; i++)
		if (mask >> i & 1)
			count = sg_ext_mul(b->sp, count, s->ext[i]);
		else
			e[n++] = s->ext[i];
	e[n++] = count;
	axes_last(s->rank, mask, perm, back);
	return sg_reshape(b, sg_transpose(b, x, perm), sg_shape_make(b->sp, n, e));
}

/* The way back, to shape s. */
static sg_ref
from_rows(sg_build *b, sg_ref rows, const sg_shape *s, uint64_t mask)
{
	int64_t perm[SG_MAX_RANK], back[SG_MAX_RANK];
	sg_ext e[SG_MAX_RANK];

	axes_last(s->rank, mask, perm, back);
	for (uint32_t i = 0; i < s->rank; i++)
		e[i] = s->ext[perm[i]];
	return sg_transpose(b, sg_reshape(b, rows, sg_shape_make(b->sp, s->rank, e)), back);
}

/* 1, x0, x0 x1, x0 x1 x2, ... in each row: s[k] = x[k-1] s[k-1], s[0] = 1. */
static sg_ref
products_before(sg_build *b, sg_ref x)
{
	const sg_shape *s = sg_shape_of(b, x);
	int64_t last = s->rank - 1;
	sg_ref at = sg_iota(b, s->ext[last]);
	sg_ref first = sg_cast(b, sg_ew2(b, SG_EQ, at, sg_const_like(b, at, 0)), sg_type_of(b, x));

	first = sg_broadcast(b, first, s, &last);
	return sg_linrec(b, sg_shift_rows(b, x), first);
}

/* The product of all others, for each element of x. */
static sg_ref
products_of_others(sg_build *b, sg_ref x, uint64_t mask)
{
	sg_ref rows = as_rows(b, x, mask);
	sg_ref before = products_before(b, rows);
	sg_ref after = sg_flip_rows(b, products_before(b, sg_flip_rows(b, rows)));

	return from_rows(b, sg_ew2(b, SG_MUL, before, after), sg_shape_of(b, x), mask);
}

sg_ref
jvp_PROD(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);

	if (!t[0])
		return 0;
	sg_ref others = products_of_others(b, n.args[0], axes_gone(&n));
	return sg_reduce(b, SG_SUM, sg_ew2(b, SG_MUL, t[0], others), axes_gone(&n));
}

void
vjp_PROD(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	sg_ref others = products_of_others(b, n.args[0], axes_gone(&n));

	(void)want;
	g = sg_unreduce(b, g, sg_shape_of(b, n.args[0]), axes_gone(&n));
	d[0] = sg_ew2(b, SG_MUL, g, others);
}

sg_ref
batch_PROD(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return batch_reduction(b, n, args);
}

/* ---- max, min: the elements equal to the extremum share evenly (NUMERICS; PyTorch's amax, amin).
 *
 * What others are does not matter, whatever their derivatives: the choice is a SELECT, not a
 * factor 0. Where a row holds NaN, y is NaN, each element counts as taken, and the share of each is
 * NaN, as in PyTorch. ---- */

sg_ref
sg_extremum_taken(sg_build *b, sg_ref r)
{
	const sg_node n = sg_at(b, r);
	sg_ref x = n.args[0], y = sg_unreduce(b, r, sg_shape_of(b, x), axes_gone(&n));
	sg_ref beyond =
	    n.op == SG_AMAX ? sg_ew2(b, SG_LT, x, y) : sg_ew2(b, SG_LT, y, x); /* false of NaN */

	return sg_ew1(b, SG_NOT, beyond);
}

sg_ref
sg_extremum_share(sg_build *b, sg_ref r, sg_ref g)
{
	const sg_node n = sg_at(b, r);
	sg_ref taken = sg_cast(b, sg_extremum_taken(b, r), (sg_type)n.type);
	sg_ref share = sg_ew1(b, SG_RECIP, sg_reduce(b, SG_SUM, taken, axes_gone(&n)));

	const sg_ref nan = sg_const_like(b, r, NAN);
	share = sg_ew3(b, SG_SELECT, sg_ew1(b, SG_ISNAN, r), nan, share);
	return sg_ew2(b, SG_MUL, g, share);
}

static sg_ref
only_taken(sg_build *b, sg_ref r, sg_ref x)
{
	const sg_ref zero = sg_const_like(b, x, 0);

	return sg_ew3(b, SG_SELECT, sg_extremum_taken(b, r), x, zero);
}

static sg_ref
jvp_extremum(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);

	if (!t[0])
		return 0;
	return sg_extremum_share(b, r, sg_reduce(b, SG_SUM, only_taken(b, r, t[0]), axes_gone(&n)));
}

static sg_ref
vjp_extremum(sg_build *b, sg_ref r, sg_ref g)
{
	const sg_node n = sg_at(b, r);

	g = sg_unreduce(b, sg_extremum_share(b, r, g), sg_shape_of(b, n.args[0]), axes_gone(&n));
	return only_taken(b, r, g);
}

sg_ref
jvp_AMAX(sg_build *b, sg_ref r, const sg_ref *t)
{
	return jvp_extremum(b, r, t);
}

void
vjp_AMAX(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)want;
	d[0] = vjp_extremum(b, r, g);
}

sg_ref
batch_AMAX(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return batch_reduction(b, n, args);
}

sg_ref
jvp_AMIN(sg_build *b, sg_ref r, const sg_ref *t)
{
	return jvp_extremum(b, r, t);
}

void
vjp_AMIN(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)want;
	d[0] = vjp_extremum(b, r, g);
}

sg_ref
batch_AMIN(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return batch_reduction(b, n, args);
}

/* ---- any, all, argmax, argmin: results without derivatives ---- */

sg_ref
jvp_ANY(sg_build *b, sg_ref r, const sg_ref *t)
{
	return sg_no_tangent(b, r, t);
}

void
vjp_ANY(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_no_adjoint(b, r, g, want, d);
}

sg_ref
batch_ANY(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return batch_reduction(b, n, args);
}

sg_ref
jvp_ALL(sg_build *b, sg_ref r, const sg_ref *t)
{
	return sg_no_tangent(b, r, t);
}

void
vjp_ALL(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_no_adjoint(b, r, g, want, d);
}

sg_ref
batch_ALL(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return batch_reduction(b, n, args);
}

sg_ref
jvp_ARGMAX(sg_build *b, sg_ref r, const sg_ref *t)
{
	return sg_no_tangent(b, r, t);
}

void
vjp_ARGMAX(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_no_adjoint(b, r, g, want, d);
}

sg_ref
batch_ARGMAX(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return sg_argm(b, SG_ARGMAX, args[0], (uint32_t)n->attr->w[0] + 1);
}

sg_ref
jvp_ARGMIN(sg_build *b, sg_ref r, const sg_ref *t)
{
	return sg_no_tangent(b, r, t);
}

void
vjp_ARGMIN(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_no_adjoint(b, r, g, want, d);
}

sg_ref
batch_ARGMIN(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return sg_argm(b, SG_ARGMIN, args[0], (uint32_t)n->attr->w[0] + 1);
}

/* ---- running sum: y[k] = x[0] + ... + x[k].   X[k] = Y[k] + ... + Y[n-1] ---- */

sg_ref
jvp_CUMSUM(sg_build *b, sg_ref r, const sg_ref *t)
{
	(void)r;
	return t[0] ? sg_cumsum(b, t[0]) : 0;
}

void
vjp_CUMSUM(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)r, (void)want;
	d[0] = sg_flip_rows(b, sg_cumsum(b, sg_flip_rows(b, g)));
}

sg_ref
batch_CUMSUM(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)n, (void)batched, (void)size;
	return sg_cumsum(b, args[0]);
}

/* ---- linear recurrence: s[k] = a[k] s[k-1] + c[k], s[-1] = 0.
 *   ds[k] = a[k] ds[k-1] + (da[k] s[k-1] + dc[k])
 *   C[k] = S[k] + a[k+1] C[k+1]   A[k] = C[k] s[k-1]
 * The adjoint recurrence runs backwards, on flipped arrays (Martin and Cundy 2018). ---- */

sg_ref
jvp_LINREC(sg_build *b, sg_ref r, const sg_ref *t)
{
	sg_ref in = t[1];

	if (t[0])
		in = sg_sum_of(b, sg_ew2(b, SG_MUL, t[0], sg_shift_rows(b, r)), in);
	return in ? sg_linrec(b, sg_arg(b->g, r, 0), in) : 0;
}

void
vjp_LINREC(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_ref next = sg_shift_rows(b, sg_flip_rows(b, sg_arg(b->g, r, 0)));
	sg_ref c = sg_flip_rows(b, sg_linrec(b, next, sg_flip_rows(b, g)));

	d[0] = want[0] ? sg_ew2(b, SG_MUL, c, sg_shift_rows(b, r)) : 0;
	d[1] = c;
}

sg_ref
batch_LINREC(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	sg_ref led[2];

	(void)n;
	sg_led_args(b, 2, args, batched, size, led);
	return sg_linrec(b, led[0], led[1]);
}
