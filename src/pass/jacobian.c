/* jacobian.c - one derivative: a gradient, a Jacobian, a Hessian, over tensors.
 *
 * A whole Jacobian is one sweep with a placeholder for the seed, batched over the rows of an
 * identity matrix. */
#include "pass/jacobian.h"
#include "pass/elements.h"

#include <string.h>

enum { SEED_ADJOINT = -1, SEED_TANGENT = -2 }; /* the front end's are 0 and more */

/* The unit seed: ones of r's shape. */
static sg_ref
ones(sg_build *b, sg_ref r)
{
	return sg_const(b, sg_type_of(b, r), sg_shape_of(b, r), 1);
}

static sg_ref
reshape_some(sg_build *b, sg_ref r, const sg_shape *s)
{
	return r ? sg_reshape(b, r, s) : 0;
}

/* [n] + s, with n the size of s: row i is 1 at element i, else 0. */
static sg_ref
identity(sg_build *b, sg_type t, const sg_shape *s)
{
	const sg_ext n = sg_shape_size(b->sp, s), two[2] = {n, n};
	const sg_shape *square = sg_shape_make(b->sp, 2, two);
	const int64_t down = 0, across = 1;
	const sg_ref i = sg_iota(b, n), column = sg_broadcast(b, i, square, &across);
	const sg_ref eq = sg_ew2(b, SG_EQ, sg_broadcast(b, i, square, &down), column);
	sg_ext e[SG_MAX_RANK];

	if (s->rank == SG_MAX_RANK)
		sg_raise(b->ctx, SG_FAULT_LIMIT, "a Jacobian needs too many axes");
	e[0] = n;
	for (uint32_t k = 0; k < s->rank; k++)
		e[k + 1] = s->ext[k];
	return sg_reshape(b, sg_cast(b, eq, t), sg_shape_make(b->sp, s->rank + 1, e));
}

/* y.shape + x.shape */
static const sg_shape *
jacobian_shape(sg_build *b, sg_ref y, sg_ref x)
{
	const sg_shape *sy = sg_shape_of(b, y), *sx = sg_shape_of(b, x);
	sg_ext e[2 * SG_MAX_RANK];

	if (sy->rank + sx->rank > SG_MAX_RANK)
		sg_raise(b->ctx, SG_FAULT_LIMIT, "a Jacobian needs too many axes");
	for (uint32_t k = 0; k < sy->rank; k++)
		e[k] = sy->ext[k];
	for (uint32_t k = 0; k < sx->rank; k++)
		e[sy->rank + k] = sx->ext[k];
	return sg_shape_make(b->sp, sy->rank + sx->rank, e);
}

static bool
one_element(const sg_build *b, sg_ref r)
{
	const sg_shape *s = sg_shape_of(b, r);

	for (uint32_t k = 0; k < s->rank; k++)
		if (!sg_ext_is(b->sp, s->ext[k], 1))
			return false;
	return true;
}

/* The root with the identity in place of the seed: a leading axis, one row for each of its
 * elements. */
static sg_ref
batch_over_identity(sg_build *b, sg_ref root, sg_ref seed)
{
	const sg_shape *s = sg_shape_of(b, seed);
	const sg_ref rows = identity(b, sg_type_of(b, seed), s);

	return root ? sg_batch_units(b, root, seed, rows) : 0;
}

/* Row i: the adjoint of x when element i of y has adjoint 1. */
static sg_ref
jacobian_reverse(sg_build *b, sg_ref y, sg_ref x)
{
	sg_ref rows;

	if (one_element(b, y)) {
		sg_reverse(b, y, ones(b, y), 1, &x, &rows);
	} else {
		sg_ref seed = sg_seed(b, sg_type_of(b, y), sg_shape_of(b, y), SEED_ADJOINT);

		sg_reverse(b, y, seed, 1, &x, &rows);
		rows = batch_over_identity(b, rows, seed);
	}
	return reshape_some(b, rows, jacobian_shape(b, y, x));
}

/* [y.shape] + [n]: column j is the tangent of y when element j of the seed is 1. */
static sg_ref
columns(sg_build *b, sg_ref tangent, sg_ref seed)
{
	const sg_ref rows = batch_over_identity(b, tangent, seed);

	return rows ? sg_move_axis_last(b, rows, 0) : 0;
}

/* The columns of all parts of x, one after the other; 0: y depends on none. */
static sg_ref
join_parts(sg_build *b, sg_ref y, uint32_t n, const sg_part_sweep *part)
{
	const sg_shape *s = sg_shape_of(b, y);
	sg_ref column[SG_MOST_PARTS];
	sg_ext e[SG_MAX_RANK + 1];
	bool any = false;

	memcpy(e, s->ext, s->rank * sizeof *e);
	for (uint32_t k = 0; k < n; k++) {
		e[s->rank] = part[k].n;
		column[k] = columns(b, part[k].tangent, part[k].seed);
		any = any || column[k];
		if (!column[k])
			column[k] =
			    sg_const(b, sg_type_of(b, y), sg_shape_make(b->sp, s->rank + 1, e), 0);
	}
	return any ? sg_concat(b, n, column, s->rank) : 0;
}

/* Column j: the tangent of y when element j of x has tangent 1. */
static sg_ref
jacobian_forward(sg_build *b, sg_ref y, sg_ref x)
{
	sg_part_sweep part[SG_MOST_PARTS];
	sg_ref seed, all;
	uint32_t n;

	if (one_element(b, x)) {
		seed = ones(b, x);
		all = sg_forward(b, y, 1, &x, &seed);
	} else if (sg_shape_of(b, y)->rank < SG_MAX_RANK &&
	           (n = sg_sweep_parts(b, y, x, part)) > 0) {
		all = join_parts(b, y, n, part);
	} else {
		seed = sg_seed(b, sg_type_of(b, x), sg_shape_of(b, x), SEED_TANGENT);
		all = columns(b, sg_forward(b, y, 1, &x, &seed), seed);
	}
	return reshape_some(b, all, jacobian_shape(b, y, x));
}

/* A size for comparison: every dimension counts as 64. */
static double
guess_size(sg_build *b, sg_ref r)
{
	const uint32_t ndims = sg_space_ndims(b->sp);
	int64_t *dims = SG_NEW_ARRAY(b->ctx, int64_t, ndims + 1), v;
	const sg_shape *s = sg_shape_of(b, r);
	double size = 1;

	for (uint32_t d = 0; d < ndims; d++)
		dims[d] = 64;
	for (uint32_t k = 0; k < s->rank; k++)
		size *= sg_ext_eval(b->sp, s->ext[k], dims, &v) ? (double)v : 64;
	return size;
}

sg_deriv_mode
sg_jacobian_mode(sg_build *b, sg_ref y, sg_ref x, sg_deriv_mode asked)
{
	if (asked != SG_MODE_AUTO)
		return asked;
	if (sg_shape_of(b, y)->rank == 0)
		return SG_MODE_REVERSE;
	if (sg_shape_of(b, x)->rank == 0)
		return SG_MODE_FORWARD;
	return guess_size(b, x) < guess_size(b, y) ? SG_MODE_FORWARD : SG_MODE_REVERSE;
}

sg_ref
sg_take_jacobian(sg_build *b, sg_ref y, sg_ref x, sg_deriv_mode mode)
{
	return sg_jacobian_mode(b, y, x, mode) == SG_MODE_FORWARD ? jacobian_forward(b, y, x)
	                                                          : jacobian_reverse(b, y, x);
}

static sg_ref
zeros(sg_build *b, sg_type t, const sg_shape *s)
{
	return sg_const(b, t, s, 0);
}

sg_ref
sg_take_gradient(sg_build *b, sg_ref y, sg_ref x, sg_deriv_mode mode)
{
	sg_ref g;

	if (mode == SG_MODE_FORWARD)
		return jacobian_forward(b, y, x);
	sg_reverse(b, y, ones(b, y), 1, &x, &g);
	return g;
}

/* By default forward over reverse: one pass over the gradient for each column, nothing kept. A
 * linear y has a Hessian that is zero without y being independent of x. */
sg_ref
sg_take_hessian(sg_build *b, sg_ref y, sg_ref x, sg_deriv_mode mode)
{
	const sg_deriv_mode outer = mode == SG_MODE_AUTO ? SG_MODE_FORWARD : mode;
	sg_ref g = sg_take_gradient(b, y, x, mode), h;

	if (!g)
		return 0;
	h = one_element(b, x) ? jacobian_reverse(b, g, x) : sg_take_jacobian(b, g, x, outer);
	return h ? h : zeros(b, sg_type_of(b, g), jacobian_shape(b, g, x));
}

sg_ref
sg_take_hessian_times(sg_build *b, sg_ref y, sg_ref x, sg_ref v)
{
	sg_ref g = sg_take_gradient(b, y, x, SG_MODE_REVERSE), h;

	if (!g)
		return 0;
	h = sg_forward(b, g, 1, &x, &v);
	return h ? h : zeros(b, sg_type_of(b, g), sg_shape_of(b, x));
}
