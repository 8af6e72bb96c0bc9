/* op_common.c - axes by hand, for the rules of the structured ops. */
#include "rules/op.h"

sg_ref
sg_sum_of(sg_build *b, sg_ref x, sg_ref y)
{
	return !x ? y : !y ? x : sg_ew2(b, SG_ADD, x, y);
}

sg_ref
sg_const_like(sg_build *b, sg_ref x, double v)
{
	return sg_const(b, sg_type_of(b, x), sg_shape_of(b, x), v);
}

const sg_shape *
sg_shape_led(sg_build *b, const sg_shape *s, sg_ext size)
{
	sg_ext e[SG_MAX_RANK];

	if (s->rank == SG_MAX_RANK)
		sg_raise(b->ctx, SG_FAULT_LIMIT, "a batched derivative needs too many axes");
	e[0] = size;
	for (uint32_t i = 0; i < s->rank; i++)
		e[i + 1] = s->ext[i];
	return sg_shape_make(b->sp, s->rank + 1, e);
}

sg_ref
sg_lead(sg_build *b, sg_ref x, sg_ext size)
{
	return sg_broadcast_right(b, x, sg_shape_led(b, sg_shape_of(b, x), size));
}

void
sg_led_args(sg_build *b, uint32_t n, const sg_ref *args, const bool *batched, sg_ext size,
            sg_ref *led)
{
	for (uint32_t k = 0; k < n; k++)
		led[k] = batched[k] ? args[k] : sg_lead(b, args[k], size);
}

sg_ref
sg_no_tangent(sg_build *b, sg_ref r, const sg_ref *t)
{
	(void)b, (void)r, (void)t;
	return 0;
}

void
sg_no_adjoint(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)g, (void)want;
	for (uint32_t k = 0; k < sg_at(b, r).nargs; k++)
		d[k] = 0;
}

sg_ref
sg_unreduce(sg_build *b, sg_ref x, const sg_shape *s, uint64_t mask)
{
	int64_t axis[SG_MAX_RANK];
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->rank; i++)
		if (!(mask >> i & 1))
			axis[n++] = i;
	return sg_broadcast(b, x, s, axis);
}

sg_ref
sg_over_rows(sg_build *b, sg_ref x, sg_ref like)
{
	return sg_unreduce(b, x, sg_shape_of(b, like), sg_last_axis(b, like));
}

sg_ref
sg_row_sum(sg_build *b, sg_ref x)
{
	return sg_reduce(b, SG_SUM, x, sg_last_axis(b, x));
}

sg_ref
sg_flip_rows(sg_build *b, sg_ref x)
{
	const sg_shape *s = sg_shape_of(b, x);
	const sg_ext n = s->ext[s->rank - 1], one = sg_ext_int(b->sp, 1);

	return sg_slice_axis(b, x, s->rank - 1, sg_ext_sub(b->sp, n, one), sg_ext_int(b->sp, -1),
	                     n);
}

/* A pad by one and then a slice: no extent is negative, even for rows of nothing. */
sg_ref
sg_shift_rows(sg_build *b, sg_ref x)
{
	const sg_shape *s = sg_shape_of(b, x);
	const uint32_t axis = s->rank - 1;
	const sg_ext n = s->ext[axis], zero = sg_ext_int(b->sp, 0), one = sg_ext_int(b->sp, 1);

	x = sg_pad_axis(b, x, axis, one, one, sg_ext_add(b->sp, n, one));
	return sg_slice_axis(b, x, axis, zero, one, n);
}
