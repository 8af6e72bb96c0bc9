/* op_move.c - reshape, transpose, broadcast, slice, pad, window, concat: linear index maps.
 *
 * The tangent is the same map of the tangent; the adjoint is the transposed map: a permutation goes
 * back, a slice pads, a broadcast sums (Griewank and Walther 2008). The reverse sweep uses these
 * adjoints for its bool masks too. */
#include "rules/op.h"

/* ---- reshape ---- */

sg_ref
jvp_RESHAPE(sg_build *b, sg_ref r, const sg_ref *t)
{
	return t[0] ? sg_reshape(b, t[0], sg_shape_of(b, r)) : 0;
}

void
vjp_RESHAPE(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)want;
	d[0] = sg_reshape(b, g, sg_shape_of(b, sg_arg(b->g, r, 0)));
}

sg_ref
batch_RESHAPE(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched;
	return sg_reshape(b, args[0], sg_shape_led(b, n->shape, size));
}

/* ---- transpose ---- */

sg_ref
jvp_TRANSPOSE(sg_build *b, sg_ref r, const sg_ref *t)
{
	return t[0] ? sg_transpose(b, t[0], sg_at(b, r).attr->w) : 0;
}

void
vjp_TRANSPOSE(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	int64_t back[SG_MAX_RANK];

	(void)want;
	for (uint32_t i = 0; i < n.shape->rank; i++)
		back[n.attr->w[i]] = i;
	d[0] = sg_transpose(b, g, back);
}

sg_ref
batch_TRANSPOSE(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	int64_t perm[SG_MAX_RANK] = {0};

	(void)batched, (void)size;
	for (uint32_t i = 0; i < n->shape->rank; i++)
		perm[i + 1] = n->attr->w[i] + 1;
	return sg_transpose(b, args[0], perm);
}

/* ---- broadcast ---- */

static const int64_t *
axes_of(const sg_node *n)
{
	return n->attr ? n->attr->w : NULL;
}

sg_ref
jvp_BROADCAST(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);

	return t[0] ? sg_broadcast(b, t[0], n.shape, axes_of(&n)) : 0;
}

/* Sums over the axes that the operand has not, and over those where its extent is 1; a mask, which
 * is bool, is true where any of the summed elements is. */
void
vjp_BROADCAST(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const sg_shape *s = sg_shape_of(b, n.args[0]);
	uint64_t summed = ((uint64_t)1 << n.shape->rank) - 1;

	(void)want;
	for (uint32_t i = 0; i < s->rank; i++)
		if (s->ext[i] == n.shape->ext[n.attr->w[i]])
			summed &= ~((uint64_t)1 << n.attr->w[i]);
	g = sg_reduce(b, sg_type_of(b, g) == SG_BOOL ? SG_ANY : SG_SUM, g, summed);
	d[0] = sg_reshape(b, g, s);
}

sg_ref
batch_BROADCAST(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	const uint32_t rank = sg_shape_of(b, args[0])->rank;
	int64_t axis[SG_MAX_RANK] = {0};

	(void)batched;
	for (uint32_t i = 1; i < rank; i++)
		axis[i] = n->attr->w[i - 1] + 1;
	return sg_broadcast(b, args[0], sg_shape_led(b, n->shape, size), axis);
}

/* ---- slice and pad, each the other's adjoint ---- */

typedef struct range {
	sg_ext start[SG_MAX_RANK], step[SG_MAX_RANK];
} range;

/* The attribute's words, after `lead` whole axes. */
static range
range_of(sg_build *b, const sg_node *n, uint32_t lead)
{
	const uint32_t rank = n->shape->rank;
	range g;

	for (uint32_t i = 0; i < lead; i++) {
		g.start[i] = sg_ext_int(b->sp, 0);
		g.step[i] = sg_ext_int(b->sp, 1);
	}
	for (uint32_t i = 0; i < rank; i++) {
		g.start[lead + i] = (sg_ext)n->attr->w[i];
		g.step[lead + i] = (sg_ext)n->attr->w[rank + i];
	}
	return g;
}

sg_ref
jvp_SLICE(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);
	const range g = range_of(b, &n, 0);

	return t[0] ? sg_slice(b, t[0], n.shape, g.start, g.step) : 0;
}

void
vjp_SLICE(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const range at = range_of(b, &n, 0);

	(void)want;
	d[0] = sg_pad(b, g, sg_shape_of(b, n.args[0]), at.start, at.step);
}

sg_ref
batch_SLICE(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	const sg_shape *s = sg_shape_led(b, n->shape, size);
	const range at = range_of(b, n, 1);

	(void)batched;
	return sg_slice(b, args[0], s, at.start, at.step);
}

sg_ref
jvp_PAD(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);
	const range g = range_of(b, &n, 0);

	return t[0] ? sg_pad(b, t[0], n.shape, g.start, g.step) : 0;
}

void
vjp_PAD(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const range at = range_of(b, &n, 0);

	(void)want;
	d[0] = sg_slice(b, g, sg_shape_of(b, n.args[0]), at.start, at.step);
}

sg_ref
batch_PAD(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	const sg_shape *s = sg_shape_led(b, n->shape, size);
	const range at = range_of(b, n, 1);

	(void)batched;
	return sg_pad(b, args[0], s, at.start, at.step);
}

/* ---- window and unwindow, each the other's adjoint ---- */

static sg_windowing
windowing_led(sg_build *b, const sg_node *n)
{
	sg_windowing w = sg_windowing_of(b->sp, n);

	w.axis++, w.at++;
	return w;
}

sg_ref
jvp_WINDOW(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);

	return t[0] ? sg_remake(b, &n, t) : 0;
}

void
vjp_WINDOW(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);

	(void)want;
	d[0] = sg_unwindow(b, g, sg_shape_of(b, n.args[0]), sg_windowing_of(b->sp, &n));
}

sg_ref
batch_WINDOW(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	const sg_windowing w = sg_windowing_of(b->sp, n);

	(void)batched, (void)size;
	return sg_window(b, args[0], windowing_led(b, n), n->shape->ext[w.axis + 1],
	                 n->shape->ext[w.at]);
}

sg_ref
jvp_UNWINDOW(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);

	return t[0] ? sg_remake(b, &n, t) : 0;
}

void
vjp_UNWINDOW(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const sg_shape *s = sg_shape_of(b, n.args[0]);
	const sg_windowing w = sg_windowing_of(b->sp, &n);

	(void)want;
	d[0] = sg_window(b, g, w, s->ext[w.axis + 1], s->ext[w.at]);
}

sg_ref
batch_UNWINDOW(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched;
	return sg_unwindow(b, args[0], sg_shape_led(b, n->shape, size), windowing_led(b, n));
}

/* ---- concat ---- */

sg_ref
jvp_CONCAT(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);
	sg_ref *part = SG_NEW_ARRAY(b->ctx, sg_ref, n.nargs);
	bool some = false;

	for (uint32_t k = 0; k < n.nargs; k++)
		some = some || t[k];
	if (!some)
		return 0;
	for (uint32_t k = 0; k < n.nargs; k++)
		part[k] = t[k] ? t[k] : sg_const_like(b, n.args[k], 0);
	return sg_concat(b, n.nargs, part, (uint32_t)n.attr->w[0]);
}

void
vjp_CONCAT(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const uint32_t axis = (uint32_t)n.attr->w[0];
	sg_ext at = sg_ext_int(b->sp, 0), one = sg_ext_int(b->sp, 1);

	for (uint32_t k = 0; k < n.nargs; k++) {
		const sg_ext count = sg_shape_of(b, n.args[k])->ext[axis];

		d[k] = want[k] ? sg_slice_axis(b, g, axis, at, one, count) : 0;
		at = sg_ext_add(b->sp, at, count);
	}
}

sg_ref
batch_CONCAT(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	sg_ref *part = SG_NEW_ARRAY(b->ctx, sg_ref, n->nargs);

	sg_led_args(b, n->nargs, args, batched, size, part);
	return sg_concat(b, n->nargs, part, (uint32_t)n->attr->w[0] + 1);
}
