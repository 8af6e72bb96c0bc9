/* builtin_linalg.c - products, diagonals, triangles; batched over leading axes. */
#include "front/builtin.h"

#include <string.h>

/* Two operands of one numeric type. */
static bool
pair(elab *e, call_args *a, sg_ref *x, sg_ref *y)
{
	sg_type t;

	if (!common_type(e, a->v, 2, a->at, &t))
		return false;
	if (t == SG_BOOL)
		t = SG_I64;
	return (*x = to_tensor(e, a->v[0], (int)t, a->at[0])) != 0 &&
	       (*y = to_tensor(e, a->v[1], (int)t, a->at[1])) != 0;
}

value
f_dot(elab *e, call_args *a)
{
	sg_ref x, y;

	if (!pair(e, a, &x, &y))
		return POISON;
	const bool scalar = !sg_shape_of(e->b, x)->rank || !sg_shape_of(e->b, y)->rank;
	return binary_at(e, scalar ? SG_O_MUL : SG_O_MATMUL, a->v[0], a->v[1], e->user_at);
}

/* out[..., i, j] = a[..., i] b[..., j] */
value
f_outer(elab *e, call_args *a)
{
	sg_ref x, y;

	if (!pair(e, a, &x, &y))
		return POISON;
	const uint32_t rx = sg_shape_of(e->b, x)->rank, ry = sg_shape_of(e->b, y)->rank;
	if (!rx || !ry) {
		elab_error(e, e->user_at, "rank", "'outer' takes vectors, not %s",
		           v_describe(e, a->v[rx ? 1 : 0]));
		return POISON;
	}
	const value v[2] = {v_tensor(sg_expand(e->b, x, rx)), v_tensor(sg_expand(e->b, y, ry - 1))};
	return ew2(e, SG_MUL, v, a->at, e->user_at, "'outer'");
}

/* ---- diagonals ---- */

/* As a strided slice. */
sg_ref
matrix_diagonal(elab *e, sg_ref x, sg_span at)
{
	const sg_shape *s = sg_shape_of(e->b, x);
	const uint32_t r = s->rank;
	const sg_ext one = sg_ext_int(e->sp, 1), n = s->ext[r - 2], m = s->ext[r - 1];
	sg_ext ext[SG_MAX_RANK], len = n;
	int64_t vn, vm;

	if (sg_ext_const(e->sp, n, &vn) && sg_ext_const(e->sp, m, &vm)) {
		len = vn < vm ? n : m;
	} else if (n != m) {
		sg_diag *d = elab_error(e, at, "square", "the diagonal of %s: extents must be equal or known",
		                        sg_shape_text(e->sp, s));
		hint_equal(e, d, n, m);
		return 0;
	}
	memcpy(ext, s->ext, r * sizeof *ext);
	ext[r - 2] = sg_ext_mul(e->sp, n, m);
	x = sg_reshape(e->b, x, sg_shape_make(e->sp, r - 1, ext));
	return sg_slice_axis(e->b, x, r - 2, sg_ext_int(e->sp, 0), sg_ext_add(e->sp, m, one), len);
}

value
f_diag(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);

	if (!x)
		return POISON;
	const sg_shape *s = sg_shape_of(e->b, x);
	if (!s->rank) {
		elab_error(e, a->at[0], "rank", "'diag' takes a vector or matrices, not %s",
		           v_describe(e, a->v[0]));
		return POISON;
	}
	if (s->rank > 1)
		return v_tensor(matrix_diagonal(e, x, e->user_at));
	const sg_ext n = s->ext[0], one = sg_ext_int(e->sp, 1), two[2] = {n, n};
	x = sg_pad_axis(e->b, x, 0, sg_ext_int(e->sp, 0), sg_ext_add(e->sp, n, one),
	                sg_ext_mul(e->sp, n, n));
	return v_tensor(sg_reshape(e->b, x, sg_shape_make(e->sp, 2, two)));
}

value
f_trace(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);

	if (!x)
		return POISON;
	if (sg_shape_of(e->b, x)->rank < 2) {
		elab_error(e, a->at[0], "rank", "'trace' takes matrices, not %s", v_describe(e, a->v[0]));
		return POISON;
	}
	if (!sg_type_is_float(sg_type_of(e->b, x)))
		x = sg_cast(e->b, x, SG_I64);
	if (!(x = matrix_diagonal(e, x, e->user_at)))
		return POISON;
	return v_tensor(sg_reduce(e->b, SG_SUM, x, (uint64_t)1 << (sg_shape_of(e->b, x)->rank - 1)));
}

/* tril: column <= row + k; triu: column >= row + k. Beyond half of the integers' range k is as good
 * as there, and the sum does not wrap. */
value
f_tri(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	int64_t k = 0;

	if (!x || (given(a, 1) && !need_int(e, a->v[1], a->at[1], "k", &k)))
		return POISON;
	const sg_shape *s = sg_shape_of(e->b, x);
	if (s->rank < 2) {
		elab_error(e, a->at[0], "rank", "'%s' takes matrices, not %s", a->b->name,
		           v_describe(e, a->v[0]));
		return POISON;
	}
	const int64_t ri = s->rank - 2, ci = s->rank - 1;
	sg_ref row = sg_broadcast(e->b, sg_iota(e->b, s->ext[ri]), s, &ri);
	sg_ref col = sg_broadcast(e->b, sg_iota(e->b, s->ext[ci]), s, &ci);
	k = k > INT64_MAX / 2 ? INT64_MAX / 2 : k < INT64_MIN / 2 ? INT64_MIN / 2 : k;
	row = sg_ew2(e->b, SG_ADD, row, sg_const_int(e->b, SG_I64, s, k));
	sg_ref keep = a->b->op ? sg_ew2(e->b, SG_LE, row, col) : sg_ew2(e->b, SG_LE, col, row);
	return v_tensor(
	    sg_ew3(e->b, SG_SELECT, keep, x, sg_const_int(e->b, sg_type_of(e->b, x), s, 0)));
}
