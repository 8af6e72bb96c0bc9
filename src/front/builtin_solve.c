/* builtin_solve.c - determinants, inverses, linear systems, Cholesky; batched over leading axes. */
#include "front/builtin.h"

#include <string.h>

/* ---- operands ---- */

/* Is x, given as argument k, square matrices? */
static bool
need_square(elab *e, call_args *a, int k, sg_ref x)
{
	const sg_shape *s = sg_shape_of(e->b, x);

	if (s->rank < 2) {
		elab_error(e, a->at[k], "rank", "'%s' takes matrices, not %s", a->b->name,
		           v_describe(e, a->v[k]));
		return false;
	}
	if (s->ext[s->rank - 1] != s->ext[s->rank - 2]) {
		sg_diag *d = elab_error(e, a->at[k], "square", "'%s' of a matrix that is not square: %s",
		                        a->b->name, sg_shape_text(e->sp, s));

		hint_equal(e, d, s->ext[s->rank - 2], s->ext[s->rank - 1]);
		return false;
	}
	return true;
}

static sg_ref
square_arg(elab *e, call_args *a)
{
	const sg_ref x = arg_float(e, a, 0);

	return x && need_square(e, a, 0, x) ? x : 0;
}

/* ---- of one matrix ---- */

value
f_det(elab *e, call_args *a)
{
	const sg_ref x = square_arg(e, a);

	return x ? v_tensor(sg_det(e->b, (sg_op)a->b->op, x)) : POISON;
}

value
f_cholesky(elab *e, call_args *a)
{
	const sg_ref x = square_arg(e, a);

	return x ? v_tensor(sg_cholesky(e->b, x)) : POISON;
}

/* What is solved for the unit matrix; '@' makes a solve of it again (sg_matmul). */
value
f_inv(elab *e, call_args *a)
{
	const sg_ref x = square_arg(e, a);

	if (!x)
		return POISON;
	const sg_ref eye = sg_eye(e->b, sg_type_of(e->b, x), sg_shape_of(e->b, x));
	return v_tensor(sg_solve(e->b, x, false, eye));
}

/* ---- a x = b ---- */

typedef struct system_of {
	sg_ref a, x; /* x: the right sides, [.., n, k] */
	bool vector; /* k is an axis of ours */
} system_of;

static bool
read_system(elab *e, call_args *a, system_of *s)
{
	sg_type t;

	if (!common_type(e, a->v, 2, a->at, &t))
		return false;
	if (!sg_type_is_float(t))
		t = e->real;
	if (!(s->a = to_tensor(e, a->v[0], (int)t, a->at[0])) ||
	    !(s->x = to_tensor(e, a->v[1], (int)t, a->at[1])) || !need_square(e, a, 0, s->a))
		return false;
	const sg_shape *sa = sg_shape_of(e->b, s->a), *sx = sg_shape_of(e->b, s->x);
	if (!sx->rank) {
		elab_error(e, a->at[1], "rank", "the right side of '%s' is a vector or matrices, not %s",
		           a->b->name, v_describe(e, a->v[1]));
		return false;
	}
	s->vector = sx->rank == 1;
	const sg_ext n = sa->ext[sa->rank - 1], rows = sx->ext[s->vector ? 0 : sx->rank - 2];
	if (rows != n) {
		sg_diag *d = elab_error(e, e->user_at, "solve-shape",
		                        "'%s' of matrices %s and right sides %s: their rows differ",
		                        a->b->name, sg_shape_text(e->sp, sa), sg_shape_text(e->sp, sx));

		if (sx->ext[sx->rank - 1] == n)
			sg_add_hint(e->ctx, d, "vectors of a batch are columns: %s(a, b[..., none])[..., 0]",
			            a->b->name);
		else
			hint_equal(e, d, n, rows);
		return false;
	}
	if (s->vector)
		s->x = sg_expand(e->b, s->x, 1);
	return true;
}

/* Do the axes of x before the matrices end in those of a? */
static bool
ends_alike(const sg_shape *a, const sg_shape *x)
{
	return x->rank >= a->rank &&
	       memcmp(a->ext, x->ext + (x->rank - a->rank), (a->rank - 2) * sizeof *a->ext) == 0;
}

/* x with the leading axes `lead` before its matrices. */
static sg_ref
led(elab *e, sg_ref x, const sg_shape *lead)
{
	const sg_shape *s = sg_shape_of(e->b, x);
	sg_ext ext[SG_MAX_RANK];

	memcpy(ext, lead->ext, lead->rank * sizeof *ext);
	memcpy(ext + lead->rank, s->ext + (s->rank - 2), 2 * sizeof *ext);
	return sg_broadcast_right(e->b, x, sg_shape_make(e->sp, lead->rank + 2, ext));
}

/* The leading axes that both get, where x has not those of a already; false after an error. */
static bool
common_lead(elab *e, call_args *a, const system_of *s, const sg_shape **lead)
{
	const sg_shape *sa = sg_shape_of(e->b, s->a), *sx = sg_shape_of(e->b, s->x);

	*lead = NULL;
	if (ends_alike(sa, sx))
		return true;
	*lead = broadcast_shapes(e, sg_shape_make(e->sp, sa->rank - 2, sa->ext),
	                         sg_shape_make(e->sp, sx->rank - 2, sx->ext));
	if (!*lead) {
		elab_error(e, e->user_at, "broadcast",
		           "leading axes of the operands of '%s' do not broadcast: %s and %s", a->b->name,
		           sg_shape_text(e->sp, sa), sg_shape_text(e->sp, sx));
		return false;
	}
	if ((*lead)->rank + 2 - s->vector > SG_MAX_USER_RANK) {
		elab_error(e, e->user_at, "rank", "the result has more than %d axes", SG_MAX_USER_RANK);
		return false;
	}
	return true;
}

static value
finished(elab *e, const system_of *s, sg_ref r)
{
	return v_tensor(s->vector ? sg_squeeze(e->b, r, sg_shape_of(e->b, r)->rank - 1) : r);
}

/* The factors are those of the matrix itself, before it is transposed or repeated over a batch. */
value
f_solve(elab *e, call_args *a)
{
	const sg_shape *lead;
	system_of s;

	if (!read_system(e, a, &s) || !common_lead(e, a, &s, &lead))
		return POISON;
	const bool trans = sg_is_matrix_t(e->b, s.a);
	if (trans)
		s.a = sg_arg(e->b->g, s.a, 0);
	sg_ref lu = sg_lu(e->b, s.a);
	if (lead) {
		s.a = led(e, s.a, lead);
		lu = led(e, lu, lead);
		s.x = led(e, s.x, lead);
	}
	return finished(e, &s, sg_lu_solve(e->b, s.a, lu, trans, s.x));
}

value
f_solve_triangular(elab *e, call_args *a)
{
	const sg_shape *lead;
	bool lower = true, trans = false;
	system_of s;

	if ((given(a, 2) && !need_bool(e, a->v[2], a->at[2], "lower", &lower)) ||
	    (given(a, 3) && !need_bool(e, a->v[3], a->at[3], "trans", &trans)) ||
	    !read_system(e, a, &s) || !common_lead(e, a, &s, &lead))
		return POISON;
	if (lead) {
		s.a = led(e, s.a, lead);
		s.x = led(e, s.x, lead);
	}
	return finished(e, &s, sg_solve_triangular(e->b, s.a, lower, trans, s.x));
}
