/* stabilise.c - unstable forms become stable ones as they are built.
 *
 * These change bits, for the better, and hold for every value. Each replaces two or more nodes by fewer
 * or by ones that no rule here touches, so building ends. The value is looked for through movement ops
 * (log of a transposed softmax is a transposed log_softmax). */
#include "rules/build.h"

static bool
is_movement(uint16_t op)
{
	return op == SG_RESHAPE || op == SG_TRANSPOSE || op == SG_BROADCAST || op == SG_SLICE;
}

static sg_ref
k(sg_build *b, sg_ref like, double v)
{
	return sg_const(b, sg_type_of(b, like), sg_shape_of(b, like), v);
}

static bool
is_float(const sg_build *b, sg_ref r)
{
	return sg_type_is_float(sg_type_of(b, r));
}

/* The movement ops from r down to the node below them, outermost first. */
enum { MAX_MOVES = 8 };
static sg_ref
below_moves(const sg_build *b, sg_ref r, sg_ref *move, int *n)
{
	for (*n = 0; is_movement(sg_at(b, r).op) && *n < MAX_MOVES; r = sg_arg(b->g, r, 0))
		move[(*n)++] = r;
	return r;
}

static sg_ref
put_moves(sg_build *b, sg_ref r, const sg_ref *move, int n)
{
	while (n--) {
		const sg_node m = sg_at(b, move[n]);

		r = sg_remake(b, &m, &r);
	}
	return r;
}

/* log(sum(exp(x), axes)) -> logsumexp(x, axes). */
static sg_ref
log_sum_exp(sg_build *b, const sg_node *sum)
{
	const sg_node e = sg_at(b, sum->args[0]);
	const sg_shape *s = e.shape;
	int64_t perm[SG_MAX_RANK];
	sg_ext ext[SG_MAX_RANK], gone;
	uint32_t kept = 0, n;

	for (uint32_t i = 0; i < s->rank; i++)
		if (!((uint64_t)sum->attr->w[0] >> i & 1))
			ext[kept] = s->ext[i], perm[kept++] = i;
	n = kept;
	gone = sg_ext_int(b->sp, 1);
	for (uint32_t i = 0; i < s->rank; i++)
		if ((uint64_t)sum->attr->w[0] >> i & 1)
			gone = sg_ext_mul(b->sp, gone, s->ext[i]), perm[n++] = i;
	ext[kept] = gone;
	sg_ref x = sg_transpose(b, e.args[0], perm);
	x = sg_reshape(b, x, sg_shape_make(b->sp, kept + 1, ext));
	return sg_row_op(b, SG_LOGSUMEXP, x);
}

static sg_ref
stable_log(sg_build *b, sg_ref x)
{
	sg_ref move[MAX_MOVES], in;
	int n;
	const sg_node a = sg_at(b, in = below_moves(b, x, move, &n));

	if (a.op == SG_SOFTMAX)
		return put_moves(b, sg_row_op(b, SG_LOG_SOFTMAX, a.args[0]), move, n);
	if (a.op == SG_SIGMOID) {
		sg_ref s = sg_ew1(b, SG_SOFTPLUS, sg_ew1(b, SG_NEG, a.args[0]));

		return put_moves(b, sg_ew1(b, SG_NEG, s), move, n);
	}
	if (a.op == SG_SUM && sg_is_op(b, a.args[0], SG_EXP))
		return put_moves(b, log_sum_exp(b, &a), move, n);
	(void)in;
	const sg_node p = sg_at(b, x);
	if (p.op == SG_ADD && sg_is_value(b, p.args[0], 1))
		return sg_ew1(b, SG_LOG1P, p.args[1]);
	if (p.op == SG_ADD && sg_is_value(b, p.args[1], 1))
		return sg_ew1(b, SG_LOG1P, p.args[0]);
	if (p.op == SG_SUB && sg_is_value(b, p.args[0], 1))
		return sg_ew1(b, SG_LOG1P, sg_ew1(b, SG_NEG, p.args[1]));
	if (p.op == SG_NEG && sg_is_op(b, p.args[0], SG_EXPM1))
		return sg_ew1(b, SG_LOG1MEXP, sg_arg(b->g, p.args[0], 0));
	return 0;
}

sg_ref
sg_stable1(sg_build *b, sg_op op, sg_ref x)
{
	const sg_node a = sg_at(b, x);

	if (!b->stabilise || !is_float(b, x))
		return 0;
	if (op == SG_LOG)
		return stable_log(b, x);
	if (op == SG_LOG1P && a.op == SG_EXP)
		return sg_ew1(b, SG_SOFTPLUS, a.args[0]);
	if (op == SG_LOG1P && a.op == SG_NEG && sg_is_op(b, a.args[0], SG_EXP))
		return sg_ew1(b, SG_LOG1MEXP, sg_arg(b->g, a.args[0], 0));
	if (op == SG_RECIP && a.op == SG_SQRT)
		return sg_ew1(b, SG_RSQRT, a.args[0]);
	return 0;
}

sg_ref
sg_stable2(sg_build *b, sg_op op, sg_ref x, sg_ref y)
{
	const sg_node p = sg_at(b, x), q = sg_at(b, y);

	if (!b->stabilise || op != SG_SUB || !is_float(b, x))
		return 0;
	if (p.op == SG_EXP && sg_is_value(b, y, 1))
		return sg_ew1(b, SG_EXPM1, p.args[0]);
	if (q.op == SG_EXP && sg_is_value(b, x, 1))
		return sg_ew1(b, SG_NEG, sg_ew1(b, SG_EXPM1, q.args[0]));
	if (q.op == SG_SIGMOID && sg_is_value(b, x, 1))
		return sg_ew1(b, SG_SIGMOID, sg_ew1(b, SG_NEG, q.args[0]));
	if (q.op == SG_SQUARE && sg_is_value(b, x, 1) && sg_is_op(b, q.args[0], SG_TANH)) {
		const sg_ref one = k(b, y, 1), t = q.args[0], more = sg_ew2(b, SG_ADD, one, t);

		return sg_ew2(b, SG_MUL, sg_ew2(b, SG_SUB, one, t), more);
	}
	return 0;
}
