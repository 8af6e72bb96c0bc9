/* op_linalg.c - derivatives of linear algebra: through the factors, never through an inverse that
 * is not asked for.   x' is the transpose, dx the tangent, X the adjoint of x (Giles 2008, 2.2 and
 * 2.3; for Cholesky Murray 2016, 3).
 *
 * LU is a constant to derivatives: nodes that read the factors have the matrix itself as their
 * first operand, and their derivatives go there. */
#include "rules/op.h"

static sg_ref
mul(sg_build *b, sg_ref x, sg_ref y)
{
	return sg_ew2(b, SG_MUL, x, y);
}

static sg_ref
neg(sg_build *b, sg_ref x)
{
	return sg_ew1(b, SG_NEG, x);
}

static sg_ref
t_if(sg_build *b, bool yes, sg_ref x)
{
	return yes ? sg_matrix_t(b, x) : x;
}

/* x y', a product of the last two axes. */
static sg_ref
times_t(sg_build *b, sg_ref x, sg_ref y)
{
	return sg_matmul(b, x, sg_matrix_t(b, y));
}

/* Row and column number of each element of x. */
static void
indices(sg_build *b, sg_ref x, sg_ref *row, sg_ref *col)
{
	const sg_shape *s = sg_shape_of(b, x);
	const int64_t r = s->rank - 2, c = s->rank - 1;

	*row = sg_broadcast(b, sg_iota(b, s->ext[r]), s, &r);
	*col = sg_broadcast(b, sg_iota(b, s->ext[c]), s, &c);
}

/* x with zeros in the other triangle. */
static sg_ref
triangle(sg_build *b, sg_ref x, bool lower)
{
	sg_ref row, col;

	indices(b, x, &row, &col);
	const sg_ref zero = sg_const_like(b, x, 0);
	return sg_ew3(b, SG_SELECT, sg_ew2(b, SG_LE, lower ? col : row, lower ? row : col), x,
	              zero);
}

/* The sum of the diagonal of x [.., n, n]. */
static sg_ref
trace(sg_build *b, sg_ref x)
{
	const sg_shape *s = sg_shape_of(b, x);
	const uint32_t at = s->rank - 2;
	const sg_ext n = s->ext[at], one = sg_ext_int(b->sp, 1);
	sg_ext e[SG_MAX_RANK];

	for (uint32_t k = 0; k < at; k++)
		e[k] = s->ext[k];
	e[at] = sg_ext_mul(b->sp, n, n);
	x = sg_reshape(b, x, sg_shape_make(b->sp, at + 1, e));
	x = sg_slice_axis(b, x, at, sg_ext_int(b->sp, 0), sg_ext_add(b->sp, n, one), n);
	return sg_row_sum(b, x);
}

/* ---- factors ---- */

sg_ref
jvp_LU(sg_build *b, sg_ref r, const sg_ref *t)
{
	return sg_no_tangent(b, r, t);
}

void
vjp_LU(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_no_adjoint(b, r, g, want, d);
}

sg_ref
batch_LU(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)n, (void)batched, (void)size;
	return sg_lu(b, args[0]);
}

/* ---- x = a^-1 b, or a^-T b:   dx = a^-1 (db - da x)   B = a^-T X   A = -B x', or -x B' ---- */

sg_ref
jvp_LUSOLVE(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);
	const bool trans = n.attr->w[0];
	sg_ref change = t[2];

	if (t[0]) {
		const sg_ref moved = sg_matmul(b, t_if(b, trans, t[0]), r);

		change = change ? sg_ew2(b, SG_SUB, change, moved) : neg(b, moved);
	}
	return change ? sg_lu_solve(b, n.args[0], n.args[1], trans, change) : 0;
}

void
vjp_LUSOLVE(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const bool trans = n.attr->w[0];
	const sg_ref back = sg_lu_solve(b, n.args[0], n.args[1], !trans, g);

	d[2] = want[2] ? back : 0;
	if (want[0])
		d[0] = trans ? times_t(b, r, neg(b, back)) : times_t(b, neg(b, back), r);
}

/* Right sides alone become columns of one solve; see sg_lu_solve. */
sg_ref
batch_LUSOLVE(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	sg_ref led[3] = {args[0], args[1], args[2]};

	if (batched[0] || batched[1])
		sg_led_args(b, 3, args, batched, size, led);
	return sg_lu_solve(b, led[0], led[1], n->attr->w[0], led[2]);
}

/* ---- d = det a:   dd = d tr(a^-1 da)   A = D d a^-T   log d: without the factor d ---- */

/* Of the factors that are there: they may be others than LU(a), as under an 'if' not taken. */
static sg_ref
batch_det(sg_build *b, sg_op op, const sg_ref *args, const bool *batched, sg_ext size)
{
	sg_ref led[2];

	sg_led_args(b, 2, args, batched, size, led);
	return sg_lu_det(b, op, led[0], led[1]);
}

static sg_ref
jvp_log(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);

	return t[0] ? trace(b, sg_lu_solve(b, n.args[0], n.args[1], false, t[0])) : 0;
}

static void
vjp_log(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const sg_shape *s = sg_shape_of(b, n.args[0]);

	if (!want[0])
		return;
	const sg_ref eye = sg_eye(b, sg_type_of(b, r), s);
	const sg_ref inverse = sg_lu_solve(b, n.args[0], n.args[1], true, eye);
	d[0] = mul(b, sg_unreduce(b, g, s, (uint64_t)3 << (s->rank - 2)), inverse);
}

sg_ref
jvp_LOGDET(sg_build *b, sg_ref r, const sg_ref *t)
{
	return jvp_log(b, r, t);
}

void
vjp_LOGDET(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	vjp_log(b, r, g, want, d);
}

sg_ref
batch_LOGDET(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)n;
	return batch_det(b, SG_LOGDET, args, batched, size);
}

sg_ref
jvp_DET(sg_build *b, sg_ref r, const sg_ref *t)
{
	return t[0] ? mul(b, r, jvp_log(b, r, t)) : 0;
}

void
vjp_DET(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	vjp_log(b, r, mul(b, g, r), want, d);
}

sg_ref
batch_DET(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)n;
	return batch_det(b, SG_DET, args, batched, size);
}

/* ---- a = l l', symmetric:   dl = l h(l^-1 da l^-T)   A = l^-T sym(h(l' L)) l^-1, where h takes
 * the lower triangle with half of the diagonal and sym(x) = (x + x')/2. The adjoint is an op of its
 * own, CHOLBACK, since by products and solutions it costs six times as much (Murray 2016, 3) ---- */

static sg_ref
symmetric(sg_build *b, sg_ref x)
{
	const sg_ref sum = sg_ew2(b, SG_ADD, x, sg_matrix_t(b, x));

	return mul(b, sg_const_like(b, sum, 0.5), sum);
}

static sg_ref
lower_half(sg_build *b, sg_ref x)
{
	sg_ref row, col;

	indices(b, x, &row, &col);
	const sg_ref half = mul(b, sg_const_like(b, x, 0.5), x), rest = triangle(b, x, true);
	return sg_ew3(b, SG_SELECT, sg_ew2(b, SG_EQ, row, col), half, rest);
}

/* op(L)^-1 s op(L)^-T for a symmetric s. */
static sg_ref
between(sg_build *b, sg_ref l, bool trans, sg_ref s)
{
	const sg_ref left = sg_solve_triangular(b, l, true, trans, s);

	return sg_solve_triangular(b, l, true, trans, sg_matrix_t(b, left));
}

sg_ref
jvp_CHOLESKY(sg_build *b, sg_ref r, const sg_ref *t)
{
	if (!t[0])
		return 0;
	return sg_matmul(b, r, lower_half(b, between(b, r, false, symmetric(b, t[0]))));
}

void
vjp_CHOLESKY(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)want;
	d[0] = sg_cholesky_adjoint(b, r, g);
}

sg_ref
batch_CHOLESKY(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)n, (void)batched, (void)size;
	return sg_cholesky(b, args[0]);
}

/* ---- A = l^-T s l^-1 with s = sym(h(l' g)):
 *   dA = l^-T (sym(h(dl' g + l' dg)) - dl' A l - l' A dl) l^-1
 * and with z = l^-1 sym(W) l^-T for the adjoint W of A:   G = l h(z)   L = tril(g h(z)' - 2 A l z)
 * where of g only the lower triangle counts ---- */

static sg_ref
t_times(sg_build *b, sg_ref x, sg_ref y)
{
	return sg_matmul(b, sg_matrix_t(b, x), y);
}

sg_ref
jvp_CHOLBACK(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);
	const sg_ref straight = t[1] ? sg_cholesky_adjoint(b, n.args[0], t[1]) : 0;

	if (!t[0])
		return straight;
	const sg_ref l = triangle(b, n.args[0], true), dl = triangle(b, t[0], true);
	const sg_ref moved = symmetric(b, t_times(b, l, sg_matmul(b, r, dl)));
	const sg_ref s = symmetric(b, lower_half(b, t_times(b, dl, triangle(b, n.args[1], true))));
	const sg_ref twice = mul(b, sg_const_like(b, moved, 2), moved);
	const sg_ref bent = between(b, l, true, sg_ew2(b, SG_SUB, s, twice));
	return straight ? sg_ew2(b, SG_ADD, straight, bent) : bent;
}

void
vjp_CHOLBACK(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const sg_ref l = triangle(b, n.args[0], true);
	const sg_ref z = between(b, l, false, symmetric(b, g)), h = lower_half(b, z);

	if (want[1])
		d[1] = sg_matmul(b, l, h);
	if (!want[0])
		return;
	const sg_ref moved = sg_matmul(b, r, sg_matmul(b, l, z));
	const sg_ref twice = mul(b, sg_const_like(b, moved, 2), moved);
	const sg_ref turned = times_t(b, triangle(b, n.args[1], true), h);
	d[0] = triangle(b, sg_ew2(b, SG_SUB, turned, twice), true);
}

sg_ref
batch_CHOLBACK(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	sg_ref led[2];

	(void)n;
	sg_led_args(b, 2, args, batched, size, led);
	return sg_cholesky_adjoint(b, led[0], led[1]);
}

/* ---- x = t^-1 b for a triangle t of a: as LUSOLVE, in that triangle alone ---- */

sg_ref
jvp_TRISOLVE(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);
	const bool lower = n.attr->w[0], trans = n.attr->w[1];
	sg_ref change = t[1];

	if (t[0]) {
		const sg_ref part = t_if(b, trans, triangle(b, t[0], lower));
		const sg_ref moved = sg_matmul(b, part, r);

		change = change ? sg_ew2(b, SG_SUB, change, moved) : neg(b, moved);
	}
	return change ? sg_solve_triangular(b, n.args[0], lower, trans, change) : 0;
}

void
vjp_TRISOLVE(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const bool lower = n.attr->w[0], trans = n.attr->w[1];
	const sg_ref back = sg_solve_triangular(b, n.args[0], lower, !trans, g);

	d[1] = want[1] ? back : 0;
	if (want[0])
		d[0] = triangle(b, trans ? times_t(b, r, neg(b, back)) : times_t(b, neg(b, back), r), lower);
}

sg_ref
batch_TRISOLVE(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	sg_ref led[2] = {args[0], args[1]};

	if (batched[0])
		sg_led_args(b, 2, args, batched, size, led);
	return sg_solve_triangular(b, led[0], n->attr->w[0], n->attr->w[1], led[1]);
}
