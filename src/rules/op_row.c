/* op_row.c - softmax, log-softmax, logsumexp and the 2-norm of each row (the last axis). */
#include "rules/op.h"

static sg_ref
batch_row(sg_build *b, const sg_node *n, const sg_ref *args)
{
	return sg_row_op(b, (sg_op)n->op, args[0]);
}

static sg_ref
mul(sg_build *b, sg_ref x, sg_ref y)
{
	return sg_ew2(b, SG_MUL, x, y);
}

/* The sum of t y along rows. Of a padded t what lies beside it adds nothing: the derivative of a
 * few columns has no need of the others. */
static sg_ref
row_dot(sg_build *b, sg_ref t, sg_ref y)
{
	const sg_node n = sg_at(b, t);
	const uint32_t rank = n.shape->rank;
	sg_ext start[SG_MAX_RANK], step[SG_MAX_RANK];

	if (n.op != SG_PAD)
		return sg_row_sum(b, mul(b, t, y));
	for (uint32_t i = 0; i < rank; i++)
		start[i] = (sg_ext)n.attr->w[i], step[i] = (sg_ext)n.attr->w[rank + i];
	const sg_ref part = sg_slice(b, y, sg_shape_of(b, n.args[0]), start, step);
	const sg_ref sum = sg_row_sum(b, mul(b, n.args[0], part));
	return sg_pad(b, sum, sg_shape_make(b->sp, rank - 1, n.shape->ext), start, step);
}

/* ---- softmax: y = exp(x) / sum exp(x).   The Jacobian diag(y) - y y' is symmetric, so tangent and
 * adjoint are one formula: y (t - sum(t y)).   (Bridle 1990) ---- */

static sg_ref
softmax_apply(sg_build *b, sg_ref y, sg_ref t)
{
	sg_ref mean = row_dot(b, t, y);

	return mul(b, y, sg_ew2(b, SG_SUB, t, sg_over_rows(b, mean, y)));
}

sg_ref
jvp_SOFTMAX(sg_build *b, sg_ref r, const sg_ref *t)
{
	return t[0] ? softmax_apply(b, r, t[0]) : 0;
}

void
vjp_SOFTMAX(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)want;
	d[0] = softmax_apply(b, r, g);
}

sg_ref
batch_SOFTMAX(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return batch_row(b, n, args);
}

/* ---- log-softmax: y = x - logsumexp(x).   dy = t - sum(exp(y) t)   X = g - exp(y) sum(g) ---- */

sg_ref
jvp_LOG_SOFTMAX(sg_build *b, sg_ref r, const sg_ref *t)
{
	if (!t[0])
		return 0;
	sg_ref mean = sg_row_sum(b, mul(b, sg_ew1(b, SG_EXP, r), t[0]));
	return sg_ew2(b, SG_SUB, t[0], sg_over_rows(b, mean, r));
}

void
vjp_LOG_SOFTMAX(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_ref sum = sg_over_rows(b, sg_row_sum(b, g), r);

	(void)want;
	d[0] = sg_ew2(b, SG_SUB, g, mul(b, sg_ew1(b, SG_EXP, r), sum));
}

sg_ref
batch_LOG_SOFTMAX(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched,
                  sg_ext size)
{
	(void)batched, (void)size;
	return batch_row(b, n, args);
}

/* ---- logsumexp: its gradient is the softmax (Blanchard, Higham and Higham 2021) ---- */

sg_ref
jvp_LOGSUMEXP(sg_build *b, sg_ref r, const sg_ref *t)
{
	if (!t[0])
		return 0;
	return sg_row_sum(b, mul(b, sg_row_op(b, SG_SOFTMAX, sg_arg(b->g, r, 0)), t[0]));
}

void
vjp_LOGSUMEXP(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_ref x = sg_arg(b->g, r, 0);

	(void)want;
	const sg_ref p = sg_row_op(b, SG_SOFTMAX, x);
	d[0] = mul(b, sg_over_rows(b, g, x), p);
}

sg_ref
batch_LOGSUMEXP(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return batch_row(b, n, args);
}

/* ---- 2-norm: y = |x|.   dy = x'dx / y   X = x g / y, all 0 where y is 0   (Petersen and Pedersen
 * 2012, eq. 129). The guard is a SELECT of the row's factor, so that further derivatives are 0
 * there too. ---- */

/* v / y, 0 where y is 0. */
static sg_ref
over_norm(sg_build *b, sg_ref v, sg_ref y)
{
	const sg_ref zero = sg_const_like(b, y, 0), ratio = sg_ew2(b, SG_DIV, v, y);

	return sg_ew3(b, SG_SELECT, sg_ew2(b, SG_EQ, y, zero), zero, ratio);
}

/* x (1/y) before the product by the tangent, so that it overflows only where the result does. */
sg_ref
jvp_NORM(sg_build *b, sg_ref r, const sg_ref *t)
{
	sg_ref x = sg_arg(b->g, r, 0);

	if (!t[0])
		return 0;
	sg_ref unit = mul(b, x, sg_over_rows(b, over_norm(b, sg_const_like(b, r, 1), r), x));
	return sg_row_sum(b, mul(b, unit, t[0]));
}

void
vjp_NORM(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_ref x = sg_arg(b->g, r, 0);

	(void)want;
	d[0] = mul(b, x, sg_over_rows(b, over_norm(b, g, r), x));
}

sg_ref
batch_NORM(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return batch_row(b, n, args);
}
