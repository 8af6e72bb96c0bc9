/* op_gather.c - reading at indices, and its transpose, adding at indices.
 *   y = gather(x, i):    dy = gather(dx, i)    X = scatter(i, Y)
 *   y = scatter(i, v):   dy = scatter(i, dv)   V = gather(Y, i)
 * A gather is multiplication by a matrix with one 1 a row; scatter is by its transpose. */
#include "rules/op.h"

typedef struct where {
	uint32_t axis, nbatch;
} where;

static where
where_of(const sg_node *n)
{
	return (where){(uint32_t)n->attr->w[0], (uint32_t)n->attr->w[1]};
}

/* ---- gather ---- */

sg_ref
jvp_GATHER(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);
	const where at = where_of(&n);

	return t[0] ? sg_gather(b, t[0], n.args[1], at.axis, at.nbatch) : 0;
}

void
vjp_GATHER(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const where at = where_of(&n);

	(void)want;
	d[0] = sg_scatter(b, sg_shape_of(b, n.args[0]), n.args[1], g, at.axis, at.nbatch);
	d[1] = 0;
}

/* Axis `from` becomes the first. */
static sg_ref
axis_first(sg_build *b, sg_ref x, uint32_t from)
{
	const uint32_t rank = sg_shape_of(b, x)->rank;
	int64_t perm[SG_MAX_RANK];

	for (uint32_t i = 0; i < rank; i++)
		perm[i] = i == 0 ? from : i <= from ? i - 1 : i;
	return sg_transpose(b, x, perm);
}

/* Indices that all slices share stay as they are, and so does an x that all slices share, as long
 * as there are no shared axes that must stay in front. */
sg_ref
batch_GATHER(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	const where at = where_of(n);

	if (!at.nbatch && !batched[1])
		return sg_gather(b, args[0], args[1], at.axis + 1, 0);
	if (!at.nbatch && !batched[0])
		return axis_first(b, sg_gather(b, args[0], args[1], at.axis, 0), at.axis);
	sg_ref led[2];
	sg_led_args(b, 2, args, batched, size, led);
	return sg_gather(b, led[0], led[1], at.axis + 1, at.nbatch + 1);
}

/* ---- scatter ---- */

sg_ref
jvp_SCATTER(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);
	const where at = where_of(&n);

	return t[1] ? sg_scatter(b, n.shape, n.args[0], t[1], at.axis, at.nbatch) : 0;
}

void
vjp_SCATTER(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const where at = where_of(&n);

	(void)want;
	d[0] = 0;
	d[1] = sg_gather(b, g, n.args[0], at.axis, at.nbatch);
}

sg_ref
batch_SCATTER(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	const where at = where_of(n);
	const sg_shape *s = sg_shape_led(b, n->shape, size);

	if (!at.nbatch && !batched[0])
		return sg_scatter(b, s, args[0], args[1], at.axis + 1, 0);
	sg_ref led[2];
	sg_led_args(b, 2, args, batched, size, led);
	return sg_scatter(b, s, led[0], led[1], at.axis + 1, at.nbatch + 1);
}

/* ---- writer: integers from integers ---- */

sg_ref
jvp_WRITER(sg_build *b, sg_ref r, const sg_ref *t)
{
	return sg_no_tangent(b, r, t);
}

void
vjp_WRITER(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_no_adjoint(b, r, g, want, d);
}

sg_ref
batch_WRITER(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return sg_last_writer(b, args[0], n->shape->ext[n->shape->rank - 1]);
}
