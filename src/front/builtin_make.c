/* builtin_make.c - functions that make tensors from shapes and numbers. */
#include "front/builtin.h"

#include <math.h>
#include <string.h>

static const sg_shape *
arg_shape(elab *e, call_args *a, int k)
{
	sg_ext ext[SG_MAX_RANK];
	uint32_t rank;

	if (!need_shape(e, a->v[k], a->at[k], "the shape", &rank, ext))
		return NULL;
	for (uint32_t i = 0; i < rank; i++) {
		int64_t v;

		if (sg_ext_const(e->sp, ext[i], &v) && v < 0) {
			elab_error(e, a->at[k], "extent", "a negative extent: %lld", (long long)v);
			return NULL;
		}
	}
	return sg_shape_make(e->sp, rank, ext);
}

value
f_zeros(elab *e, call_args *a)
{
	const sg_shape *s = arg_shape(e, a, 0);

	return s ? v_tensor(sg_const(e->b, e->real, s, a->b->op)) : POISON;
}

value
f_full(elab *e, call_args *a)
{
	const sg_shape *s = arg_shape(e, a, 0);
	sg_ref v;

	if (!s)
		return POISON;
	/* full([1], 2) is real, as zeros and ones are */
	v = to_tensor(e, a->v[1], a->v[1].kind == V_INT ? (int)e->real : -1, a->at[1]);
	if (!v)
		return POISON;
	if (broadcast_shapes(e, sg_shape_of(e->b, v), s) != s) {
		elab_error(e, a->at[1], "broadcast", "%s does not broadcast to %s",
		           sg_shape_text(e->sp, sg_shape_of(e->b, v)), sg_shape_text(e->sp, s));
		return POISON;
	}
	return v_tensor(sg_broadcast_right(e->b, v, s));
}

static bool
need_length(elab *e, value v, sg_span at, const char *what, sg_ext *n)
{
	int64_t k;

	if (!need_ext(e, v, at, what, n))
		return false;
	if (sg_ext_const(e->sp, *n, &k) && k < 0)
		return elab_error(e, at, "extent", "%s is negative: %lld", what, (long long)k), false;
	return true;
}

value
f_eye(elab *e, call_args *a)
{
	sg_ext n, ext[2];

	if (!need_length(e, a->v[0], a->at[0], "the extent", &n))
		return POISON;
	ext[0] = ext[1] = n;
	const sg_shape *s = sg_shape_make(e->sp, 2, ext);
	sg_ref i = sg_iota(e->b, n), column = sg_broadcast(e->b, i, s, (int64_t[]){1});
	sg_ref eq = sg_ew2(e->b, SG_EQ, sg_broadcast(e->b, i, s, (int64_t[]){0}), column);
	return v_tensor(sg_cast(e->b, eq, e->real));
}

/* a + i (b - a)/(n - 1); the last is b itself. */
value
f_linspace(elab *e, call_args *a)
{
	const sg_type t = e->real;
	const sg_shape *scalar = sg_shape_scalar(e->sp);
	sg_ref p, q;
	sg_ext n;
	int64_t k;
	double lo, hi;

	if (!need_length(e, a->v[2], a->at[2], "the number of points", &n) ||
	    !(p = arg_float(e, a, 0)) || !(q = arg_float(e, a, 1)))
		return POISON;
	if (sg_shape_of(e->b, p)->rank || sg_shape_of(e->b, q)->rank) {
		elab_error(e, e->user_at, "rank", "the ends of 'linspace' are scalars");
		return POISON;
	}
	const sg_shape *s = sg_shape_make(e->sp, 1, &n);
	if (sg_is_const(e->b, p, &lo) && sg_is_const(e->b, q, &hi) && sg_ext_const(e->sp, n, &k) &&
	    k <= 4096) {
		int64_t *w = SG_NEW_ARRAY(e->ctx, int64_t, k + 1);
		const double step = k > 1 ? (hi - lo) / (double)(k - 1) : 0;

		for (int64_t i = 0; i < k; i++) {
			double v = i == k - 1 && k > 1 ? hi : lo + (double)i * step;

			w[i] = sg_double_bits(t == SG_F32 ? (double)(float)v : v);
		}
		return v_tensor(sg_data(e->b, t, s, w));
	}
	const sg_type own = sg_type_of(e->b, p) > sg_type_of(e->b, q) ? sg_type_of(e->b, p)
	                                                              : sg_type_of(e->b, q);
	p = sg_cast(e->b, p, own);
	q = sg_cast(e->b, q, own);
	const sg_ext last = sg_ext_sub(e->sp, n, sg_ext_int(e->sp, 1));
	sg_ref m = sg_cast(e->b, sg_dim_value(e->b, last), own), i = sg_iota(e->b, n);
	sg_ref one = sg_const(e->b, own, scalar, 1);
	/* n = 1: the step is not used, and must not be 0/0 */
	sg_ref steps = sg_ew2(e->b, SG_MAX, m, one);
	sg_ref step = sg_ew2(e->b, SG_DIV, sg_ew2(e->b, SG_SUB, q, p), steps);
	sg_ref x = sg_broadcast(e->b, step, s, NULL);
	x = sg_ew2(e->b, SG_MUL, sg_cast(e->b, i, own), x);
	x = sg_ew2(e->b, SG_ADD, sg_broadcast(e->b, p, s, NULL), x);
	sg_ref is_last = sg_ew2(e->b, SG_EQ, i, sg_broadcast(e->b, sg_dim_value(e->b, last), s, NULL));
	sg_ref more = sg_ew2(e->b, SG_LT, sg_const_int(e->b, SG_I64, s, 0), i);
	is_last = sg_ew2(e->b, SG_AND, is_last, more);
	return v_tensor(sg_ew3(e->b, SG_SELECT, is_last, sg_broadcast(e->b, q, s, NULL), x));
}

static double
as_double(value v)
{
	return v.kind == V_FLOAT ? v.f : (double)v.i;
}

static value
float_range(elab *e, value start, value stop, value step)
{
	const double lo = as_double(start), by = as_double(step);
	const double count = ceil((as_double(stop) - lo) / by);
	sg_ext n;

	if (by == 0 || !(count < 1e9)) {
		elab_error(e, e->user_at, "arange",
		           by == 0           ? "'arange' with a step of 0"
		           : isfinite(count) ? "'arange' of more than 1,000,000,000 items"
		                             : "the bounds and the step of 'arange' must be finite");
		return POISON;
	}
	n = sg_ext_int(e->sp, count > 0 ? (int64_t)count : 0);
	const sg_shape *s = sg_shape_make(e->sp, 1, &n);
	sg_ref i = sg_cast(e->b, sg_iota(e->b, n), e->real);
	sg_ref x = sg_ew2(e->b, SG_MUL, i, sg_const(e->b, e->real, s, by));
	return v_tensor(sg_ew2(e->b, SG_ADD, x, sg_const(e->b, e->real, s, lo)));
}

value
f_arange(elab *e, call_args *a)
{
	value start = v_int(0), stop, step = v_int(1);
	sg_ext lo, hi, n;
	int64_t by;

	if (a->nrest < 1 || a->nrest > 3) {
		elab_error(e, e->user_at, "arity", "'arange' takes [start,] stop[, step]");
		return POISON;
	}
	stop = a->rest[a->nrest > 1 ? 1 : 0];
	if (a->nrest > 1)
		start = a->rest[0];
	if (a->nrest > 2)
		step = a->rest[2];
	const bool numbers = v_is_number(start) && v_is_number(stop) && v_is_number(step);
	if (numbers && (start.kind == V_FLOAT || stop.kind == V_FLOAT || step.kind == V_FLOAT))
		return float_range(e, start, stop, step);
	if (!need_ext(e, start, e->user_at, "the start of 'arange'", &lo) ||
	    !need_ext(e, stop, e->user_at, "the end of 'arange'", &hi) ||
	    !need_int(e, step, e->user_at, "the step of 'arange'", &by))
		return POISON;
	if (!by) {
		elab_error(e, e->user_at, "arange", "'arange' with a step of 0");
		return POISON;
	}
	sg_ext span = by > 0 ? sg_ext_sub(e->sp, hi, lo) : sg_ext_sub(e->sp, lo, hi);
	const int64_t size = by > 0 ? by : -by;
	int64_t k;
	n = sg_ext_div(e->sp, sg_ext_add(e->sp, span, sg_ext_int(e->sp, size - 1)),
	               sg_ext_int(e->sp, size));
	if (sg_ext_const(e->sp, n, &k) && k < 0)
		n = sg_ext_int(e->sp, 0);
	const sg_shape *s = sg_shape_make(e->sp, 1, &n);
	sg_ref x = sg_const_int(e->b, SG_I64, s, by);
	x = sg_ew2(e->b, SG_MUL, sg_iota(e->b, n), x);
	return v_tensor(sg_ew2(e->b, SG_ADD, x, sg_broadcast(e->b, extent_value(e, lo), s, NULL)));
}

value
f_random(elab *e, call_args *a)
{
	const sg_shape *s = arg_shape(e, a, 0);
	sg_ref seed;

	if (!s || !(seed = to_tensor(e, a->v[1], -1, a->at[1])))
		return POISON;
	if (!sg_type_is_int(sg_type_of(e->b, seed)) || sg_shape_of(e->b, seed)->rank) {
		elab_error(e, a->at[1], "type", "the seed is an integer, not %s", v_describe(e, a->v[1]));
		return POISON;
	}
	return v_tensor(sg_cast(
	    e->b, sg_random(e->b, (sg_op)a->b->op, s, sg_cast(e->b, seed, SG_I64)), e->real));
}

value
f_one_hot(elab *e, call_args *a)
{
	sg_ref i = arg_tensor(e, a, 0);
	sg_ext n, ext[SG_MAX_RANK];
	int64_t axis[SG_MAX_RANK];

	if (!i || !need_length(e, a->v[1], a->at[1], "the number of classes", &n))
		return POISON;
	const sg_shape *si = sg_shape_of(e->b, i);
	if (!sg_type_is_int(sg_type_of(e->b, i)) || si->rank >= SG_MAX_USER_RANK) {
		elab_error(e, a->at[0], "type", "'one_hot' takes integers, not %s",
		           v_describe(e, a->v[0]));
		return POISON;
	}
	for (uint32_t k = 0; k < si->rank; k++)
		ext[k] = si->ext[k], axis[k] = k;
	ext[si->rank] = n;
	const sg_shape *s = sg_shape_make(e->sp, si->rank + 1, ext);
	const int64_t last = si->rank;
	sg_ref c = sg_broadcast(e->b, sg_iota(e->b, n), s, &last);
	i = sg_broadcast(e->b, sg_cast(e->b, i, SG_I64), s, axis);
	return v_tensor(sg_cast(e->b, sg_ew2(e->b, SG_EQ, i, c), e->real));
}
