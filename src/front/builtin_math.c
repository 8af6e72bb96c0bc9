/* builtin_math.c - elementwise functions, reductions, rows. */
#include "front/builtin.h"

#include <math.h>
#include <string.h>

/* ---- elementwise ---- */

value
f_ew1(elab *e, call_args *a)
{
	sg_ref x = arg_float(e, a, 0);

	return x ? v_tensor(sg_ew1(e->b, (sg_op)a->b->op, x)) : POISON;
}

/* Integers stay integers; rounding and testing them needs no work. */
value
f_ew1_any(elab *e, call_args *a)
{
	const sg_op op = (sg_op)a->b->op;
	sg_ref x;

	if (a->v[0].kind == V_INT && op == SG_ABS)
		return v_int(a->v[0].i < 0 ? (int64_t)(0 - (uint64_t)a->v[0].i) : a->v[0].i);
	if (a->v[0].kind == V_FLOAT && op == SG_ABS)
		return v_float(fabs(a->v[0].f));
	if (!(x = arg_tensor(e, a, 0)))
		return POISON;
	if (sg_type_of(e->b, x) == SG_BOOL)
		x = sg_cast(e->b, x, SG_I64);
	if (!sg_type_is_float(sg_type_of(e->b, x)) && !(sg_ops[op].flags & SG_INTS)) {
		if (!(sg_ops[op].flags & SG_RBOOL))
			return v_tensor(x);
		return v_tensor(sg_const_int(e->b, SG_BOOL, sg_shape_of(e->b, x), op == SG_ISFINITE));
	}
	return v_tensor(sg_ew1(e->b, op, x));
}

static const char *
quoted(elab *e, const call_args *a)
{
	return sg_text(e->ctx, "'%s'", a->b->name);
}

value
f_ew2(elab *e, call_args *a)
{
	return ew2(e, (sg_op)a->b->op, a->v, a->at, e->user_at, quoted(e, a));
}

/* mod and pow are the operators '%' and '**': what holds of literals there holds here. */
value
f_operator(elab *e, call_args *a)
{
	return binary_at(e, (sg_ast_op)a->b->op, a->v[0], a->v[1], e->user_at);
}

/* Operands brought to one type and shape. */
static bool
unify(elab *e, call_args *a, int from, int n, sg_ref *r)
{
	sg_type t;

	if (!common_type(e, a->v + from, (size_t)n, a->at + from, &t))
		return false;
	for (int k = 0; k < n; k++)
		if (!(r[k] = to_tensor(e, a->v[from + k], (int)t, a->at[from + k])))
			return false;
	return true;
}

value
f_clamp(elab *e, call_args *a)
{
	sg_ref r[3];

	if (!unify(e, a, 0, 3, r) || !broadcast_all(e, r, 3, e->user_at, "'clamp'"))
		return POISON;
	if (sg_type_of(e->b, r[0]) == SG_BOOL)
		for (int k = 0; k < 3; k++)
			r[k] = sg_cast(e->b, r[k], SG_I64);
	return v_tensor(sg_ew3(e->b, SG_CLAMP, r[0], r[1], r[2]));
}

value
f_where(elab *e, call_args *a)
{
	sg_ref r[3];

	if (!(r[0] = arg_tensor(e, a, 0)))
		return POISON;
	if (sg_type_of(e->b, r[0]) != SG_BOOL) {
		sg_diag *d = elab_error(e, a->at[0], "type", "the condition of 'where' must be bool, not %s",
		                        v_describe(e, a->v[0]));
		hint_compare(e, d, a->ast[0], a->v[0], "!=");
		return POISON;
	}
	if (!unify(e, a, 1, 2, r + 1) || !broadcast_all(e, r, 3, e->user_at, "'where'"))
		return POISON;
	return v_tensor(sg_ew3(e->b, SG_SELECT, r[0], r[1], r[2]));
}

value
f_cast(elab *e, call_args *a)
{
	static const sg_type all[] = {SG_F32, SG_F64, SG_I32, SG_I64, SG_BOOL};
	const char *name = a->v[1].kind == V_STRING ? a->v[1].s : NULL;
	sg_ref x;

	if (!(x = arg_tensor(e, a, 0)))
		return POISON;
	for (size_t k = 0; name && k < sizeof all / sizeof *all; k++) {
		if (strcmp(name, sg_type_name(all[k])) != 0)
			continue;
		if (all[k] == SG_BOOL && sg_type_of(e->b, x) != SG_BOOL)
			return v_tensor(sg_ew2(e->b, SG_NE, x,
			                       sg_const_int(e->b, sg_type_of(e->b, x),
			                                    sg_shape_of(e->b, x), 0)));
		return v_tensor(sg_cast(e->b, x, all[k]));
	}
	if (a->v[1].kind == V_POISON)
		return POISON;
	sg_diag *d = elab_error(e, a->at[1], "type-name", "'cast' takes a type, not %s",
	                        v_describe(e, a->v[1]));
	sg_add_hint(e->ctx, d, "the types are f32 f64 i32 i64 bool");
	return POISON;
}

/* ---- reductions ---- */

/* max(a, b) where maximum is meant: b is a tensor, be it a list that could be axes. */
static bool
reads_tensor_as_axis(elab *e, call_args *a)
{
	const bool selects = strcmp(a->b->name, "max") == 0 || strcmp(a->b->name, "min") == 0;
	const bool list = a->v[1].item != NULL;

	if (!given(a, 1) || a->v[1].kind != V_TENSOR || (list && !selects))
		return false;
	sg_diag *d =
	    elab_error(e, a->at[1], "axis", "the axis of '%s' must be %s, not %s", a->b->name,
	               list ? "an integer or a tuple" : "known at compile time", v_describe(e, a->v[1]));
	if (selects)
		sg_add_hint(e->ctx, d, "did you mean '%simum'?", a->b->name);
	return true;
}

value
f_reduce(elab *e, call_args *a)
{
	const sg_op op = (sg_op)a->b->op;
	sg_ref x;
	uint64_t mask;
	bool keep;

	if (reads_tensor_as_axis(e, a) || !(x = arg_tensor(e, a, 0)))
		return POISON;
	const sg_shape *s = sg_shape_of(e->b, x);
	const sg_type t = sg_type_of(e->b, x);
	if (!arg_axes(e, a, 1, s->rank, &mask) || !arg_keepdims(e, a, 2, &keep))
		return POISON;
	if ((op == SG_SUM || op == SG_PROD) && !sg_type_is_float(t))
		x = sg_cast(e->b, x, SG_I64);
	if ((op == SG_AMAX || op == SG_AMIN) && t == SG_BOOL)
		x = sg_cast(e->b, x, SG_I64);
	if ((op == SG_ANY || op == SG_ALL) && t != SG_BOOL)
		x = sg_ew2(e->b, SG_NE, x, sg_const_int(e->b, t, s, 0));
	x = sg_reduce(e->b, op, x, mask);
	return v_tensor(keep ? keep_dims(e, x, s, mask) : x);
}

static sg_ext
count_of(elab *e, const sg_shape *s, uint64_t mask)
{
	sg_ext n = sg_ext_int(e->sp, 1);

	for (uint32_t i = 0; i < s->rank; i++)
		if (mask >> i & 1)
			n = sg_ext_mul(e->sp, n, s->ext[i]);
	return n;
}

/* The count without ddof, but not below 0, as a tensor of type t and shape s; a run-time error
 * where the count is 0. */
static sg_ref
divisor(elab *e, sg_ext n, int64_t ddof, sg_type t, const sg_shape *s)
{
	const sg_shape *scalar = sg_shape_scalar(e->sp);
	sg_ref c = sg_dim_value(e->b, n);
	int64_t k = 0;

	if (!sg_ext_const(e->sp, n, &k) || k <= 0)
		c = sg_ew1(e->b, SG_NONEMPTY, c);
	c = sg_cast(e->b, c, t);
	if (ddof)
		c = sg_ew2(e->b, SG_SUB, c, sg_const(e->b, t, scalar, (double)ddof));
	if (ddof > 1 && ddof > k)
		c = sg_ew2(e->b, SG_MAX, c, sg_const(e->b, t, scalar, 0));
	return sg_broadcast(e->b, c, s, NULL);
}

static sg_ref
mean_of(elab *e, sg_ref x, uint64_t mask, int64_t ddof)
{
	const sg_shape *s = sg_shape_of(e->b, x);
	sg_ref sum = sg_reduce(e->b, SG_SUM, x, mask);
	sg_ref n = divisor(e, count_of(e, s, mask), ddof, sg_type_of(e->b, x), sg_shape_of(e->b, sum));

	return sg_ew2(e->b, SG_DIV, sum, n);
}

value
f_mean(elab *e, call_args *a)
{
	sg_ref x, r;
	uint64_t mask;
	bool keep;

	if (reads_tensor_as_axis(e, a) || !(x = arg_float(e, a, 0)))
		return POISON;
	const sg_shape *s = sg_shape_of(e->b, x);
	if (!arg_axes(e, a, 1, s->rank, &mask) || !arg_keepdims(e, a, 2, &keep))
		return POISON;
	r = mean_of(e, x, mask, 0);
	return v_tensor(keep ? keep_dims(e, r, s, mask) : r);
}

static sg_ref
spread(elab *e, sg_ref r, const sg_shape *s, uint64_t mask)
{
	int64_t axis[SG_MAX_RANK];
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->rank; i++)
		if (!(mask >> i & 1))
			axis[n++] = i;
	return sg_broadcast(e->b, r, s, axis);
}

/* Two passes: the mean, then the mean square of what is left. */
static sg_ref
variance(elab *e, call_args *a)
{
	sg_ref x = arg_float(e, a, 0), d, r;
	uint64_t mask;
	int64_t ddof = 0;
	bool keep;

	if (!x)
		return 0;
	const sg_shape *s = sg_shape_of(e->b, x);
	if (!arg_axes(e, a, 1, s->rank, &mask) || !arg_keepdims(e, a, 2, &keep) ||
	    (given(a, 3) && !need_int(e, a->v[3], a->at[3], "ddof", &ddof)))
		return 0;
	d = sg_ew2(e->b, SG_SUB, x, spread(e, mean_of(e, x, mask, 0), s, mask));
	r = mean_of(e, sg_ew1(e->b, SG_SQUARE, d), mask, ddof);
	return keep ? keep_dims(e, r, s, mask) : r;
}

value
f_var(elab *e, call_args *a)
{
	return v_tensor(variance(e, a));
}

/* Where x is 0, the constant, with no derivative; elsewhere y. */
static sg_ref
but_at_0(elab *e, sg_ref x, double at_0, sg_ref y)
{
	const sg_type t = sg_type_of(e->b, x);
	const sg_shape *s = sg_shape_of(e->b, x);
	const sg_ref zero = sg_const(e->b, t, s, 0);

	return sg_ew3(e->b, SG_SELECT, sg_ew2(e->b, SG_EQ, x, zero), sg_const(e->b, t, s, at_0), y);
}

/* where(v == 0, 0, sqrt(v)): the derivative is 0 where all are equal. */
value
f_std(elab *e, call_args *a)
{
	const sg_ref v = variance(e, a);

	return v ? v_tensor(but_at_0(e, v, 0, sg_ew1(e->b, SG_SQRT, v))) : POISON;
}

/* The axes of the mask as one last axis; the others in order before it. */
static sg_ref
rows(elab *e, sg_ref x, uint64_t mask)
{
	const sg_shape *s = sg_shape_of(e->b, x);
	int64_t perm[SG_MAX_RANK];
	sg_ext ext[SG_MAX_RANK + 1];
	uint32_t kept = 0, n;

	for (uint32_t i = 0; i < s->rank; i++)
		if (!(mask >> i & 1))
			ext[kept] = s->ext[i], perm[kept++] = i;
	n = kept;
	for (uint32_t i = 0; i < s->rank; i++)
		if (mask >> i & 1)
			perm[n++] = i;
	ext[kept] = count_of(e, s, mask);
	return sg_reshape(e->b, sg_transpose(e->b, x, perm), sg_shape_make(e->sp, kept + 1, ext));
}

value
f_logsumexp(elab *e, call_args *a)
{
	sg_ref x, r;
	uint64_t mask;
	bool keep;

	if (!(x = arg_float(e, a, 0)))
		return POISON;
	const sg_shape *s = sg_shape_of(e->b, x);
	if (!arg_axes(e, a, 1, s->rank, &mask) || !arg_keepdims(e, a, 2, &keep))
		return POISON;
	r = mask ? sg_row_op(e->b, SG_LOGSUMEXP, rows(e, x, mask)) : x;
	return v_tensor(keep ? keep_dims(e, r, s, mask) : r);
}

/* |x| to the p, summed, to the 1/p; the extremes for infinite p. The derivative is 0 where all are
 * 0; and to an element that is 0, also where its power has a cusp or a pole there. */
static sg_ref
p_norm(elab *e, sg_ref x, uint64_t mask, double p)
{
	const sg_type t = sg_type_of(e->b, x);
	sg_ref m = sg_ew1(e->b, SG_ABS, x), r;

	if (isinf(p))
		return sg_reduce(e->b, p > 0 ? SG_AMAX : SG_AMIN, m, mask);
	if (p == 1)
		return sg_reduce(e->b, SG_SUM, m, mask);
	if (p == 0) {
		sg_ref zero = sg_const(e->b, t, sg_shape_of(e->b, x), 0);

		return sg_reduce(e->b, SG_SUM, sg_cast(e->b, sg_ew2(e->b, SG_NE, x, zero), t), mask);
	}
	m = sg_ew2(e->b, SG_POW, m, sg_const(e->b, t, sg_shape_of(e->b, m), p));
	if (p < 2)
		m = but_at_0(e, x, pow(0, p), m);
	r = sg_reduce(e->b, SG_SUM, m, mask);
	m = sg_ew2(e->b, SG_POW, r, sg_const(e->b, t, sg_shape_of(e->b, r), 1 / p));
	return but_at_0(e, r, p > 0 ? 0 : INFINITY, m);
}

value
f_norm(elab *e, call_args *a)
{
	sg_ref x = arg_float(e, a, 0), r;
	double p = 2;
	uint64_t mask;
	bool keep;

	if (!x)
		return POISON;
	const sg_shape *s = sg_shape_of(e->b, x);
	if (given(a, 1) && a->v[1].kind != V_NONE) {
		if (!v_is_number(a->v[1])) {
			elab_error(e, a->at[1], "argument", "ord must be a number, inf or -inf, not %s",
			           v_describe(e, a->v[1]));
			return POISON;
		}
		p = a->v[1].kind == V_FLOAT ? a->v[1].f : (double)a->v[1].i;
	}
	if (!arg_axes(e, a, 2, s->rank, &mask) || !arg_keepdims(e, a, 3, &keep))
		return POISON;
	if (p == 2)
		r = mask ? sg_row_op(e->b, SG_NORM, rows(e, x, mask)) : sg_ew1(e->b, SG_ABS, x);
	else
		r = p_norm(e, x, mask, p);
	return v_tensor(keep ? keep_dims(e, r, s, mask) : r);
}

value
f_arg(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	uint32_t axis = 0;

	if (!x)
		return POISON;
	if (sg_type_of(e->b, x) == SG_BOOL)
		x = sg_cast(e->b, x, SG_I64);
	if (!given(a, 1) || a->v[1].kind == V_NONE || a->v[1].kind == V_FN) {
		const sg_ext n = sg_shape_size(e->sp, sg_shape_of(e->b, x));

		x = sg_reshape(e->b, x, sg_shape_make(e->sp, 1, &n));
	} else if (!arg_axis(e, a, 1, sg_shape_of(e->b, x)->rank, 0, &axis)) {
		return POISON;
	}
	return v_tensor(sg_argm(e->b, (sg_op)a->b->op, x, axis));
}

/* op along the last axis, as if along another. */
static sg_ref
along(elab *e, sg_ref x, uint32_t axis, sg_ref (*f)(elab *, sg_ref, sg_op), sg_op op)
{
	const uint32_t rank = sg_shape_of(e->b, x)->rank;
	int64_t back[SG_MAX_RANK];

	for (uint32_t i = 0; i < rank; i++)
		back[i] = i < axis ? i : i == axis ? rank - 1 : i - 1;
	return sg_transpose(e->b, f(e, sg_move_axis_last(e->b, x, axis), op), back);
}

static sg_ref
row_op(elab *e, sg_ref x, sg_op op)
{
	return sg_row_op(e->b, op, x);
}

/* cumprod is the recurrence s[k] = x[k] s[k-1] + 0, begun with s[0] = x[0]. */
static sg_ref
cumulate(elab *e, sg_ref x, sg_op op)
{
	const sg_shape *s = sg_shape_of(e->b, x);
	int64_t axis = s->rank - 1;

	if (op == SG_CUMSUM)
		return sg_cumsum(e->b, x);
	sg_ref i = sg_broadcast(e->b, sg_iota(e->b, s->ext[axis]), s, &axis);
	sg_ref first = sg_ew2(e->b, SG_EQ, i, sg_const_int(e->b, SG_I64, s, 0));
	sg_ref zero = sg_const_int(e->b, sg_type_of(e->b, x), s, 0);
	sg_ref start = sg_ew3(e->b, SG_SELECT, first, x, zero);
	return sg_linrec(e->b, sg_ew3(e->b, SG_SELECT, first, zero, x), start);
}

value
f_row(elab *e, call_args *a)
{
	sg_ref x = arg_float(e, a, 0);
	uint32_t axis;

	if (!x || !arg_axis(e, a, 1, sg_shape_of(e->b, x)->rank, -1, &axis))
		return POISON;
	return v_tensor(along(e, x, axis, row_op, (sg_op)a->b->op));
}

value
f_cum(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	uint32_t axis;

	if (!x || !arg_axis(e, a, 1, sg_shape_of(e->b, x)->rank, 0, &axis))
		return POISON;
	if (!sg_type_is_float(sg_type_of(e->b, x)))
		x = sg_cast(e->b, x, SG_I64);
	return v_tensor(along(e, x, axis, cumulate, (sg_op)a->b->op));
}
