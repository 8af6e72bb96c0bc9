/* build_move.c - constructors of movement ops: index maps, which compose and cancel. All bit-true. */
#include "rules/build.h"

#include <string.h>

static bool
identity(uint32_t n, const int64_t *w)
{
	for (uint32_t i = 0; i < n; i++)
		if (w[i] != i)
			return false;
	return true;
}

static sg_ref
splat_of(sg_build *b, const sg_node *n, const sg_shape *s)
{
	return sg_raw(b, SG_CONST, (sg_type)n->type, s, 0, NULL, n->attr);
}

/* ---- reshape ---- */

sg_ref
sg_reshape(sg_build *b, sg_ref x, const sg_shape *s)
{
	const sg_node n = sg_at(b, x);

	if (n.shape == s)
		return x;
	sg_need(b->ctx, sg_shape_size(b->sp, n.shape) == sg_shape_size(b->sp, s),
	        "a reshape that changes the size");
	if (n.op == SG_CONST)
		return splat_of(b, &n, s);
	if (n.op == SG_DATA)
		return sg_data(b, (sg_type)n.type, s, n.attr->w);
	if (n.op == SG_RESHAPE)
		return sg_reshape(b, n.args[0], s);
	return sg_raw(b, SG_RESHAPE, (sg_type)n.type, s, 1, &x, NULL);
}

sg_ref
sg_expand(sg_build *b, sg_ref x, uint32_t axis)
{
	const sg_shape *s = sg_shape_of(b, x);
	sg_ext e[SG_MAX_RANK + 1];

	for (uint32_t i = 0; i < s->rank; i++)
		e[i < axis ? i : i + 1] = s->ext[i];
	e[axis] = sg_ext_int(b->sp, 1);
	return sg_reshape(b, x, sg_shape_make(b->sp, s->rank + 1, e));
}

sg_ref
sg_squeeze(sg_build *b, sg_ref x, uint32_t axis)
{
	const sg_shape *s = sg_shape_of(b, x);
	sg_ext e[SG_MAX_RANK];

	for (uint32_t i = 0; i < s->rank; i++)
		if (i != axis)
			e[i < axis ? i : i - 1] = s->ext[i];
	return sg_reshape(b, x, sg_shape_make(b->sp, s->rank - 1, e));
}

/* ---- transpose ---- */

/* Does perm only move axes of extent 1 past others? Then it is a reshape. */
static bool
moves_only_ones(const sg_build *b, const sg_shape *s, const int64_t *perm)
{
	int64_t last = -1;

	for (uint32_t i = 0; i < s->rank; i++) {
		if (sg_is_one(b, s->ext[perm[i]]))
			continue;
		if (perm[i] < last)
			return false;
		last = perm[i];
	}
	return true;
}

sg_ref
sg_transpose(sg_build *b, sg_ref x, const int64_t *perm)
{
	const sg_node n = sg_at(b, x);
	const uint32_t rank = n.shape->rank;
	sg_ext e[SG_MAX_RANK];
	int64_t both[SG_MAX_RANK];

	if (identity(rank, perm))
		return x;
	for (uint32_t i = 0; i < rank; i++)
		e[i] = n.shape->ext[perm[i]];
	const sg_shape *s = sg_shape_make(b->sp, rank, e);
	if (n.op == SG_CONST)
		return splat_of(b, &n, s);
	if (moves_only_ones(b, n.shape, perm))
		return sg_reshape(b, x, s);
	if (n.op == SG_TRANSPOSE) {
		for (uint32_t i = 0; i < rank; i++)
			both[i] = n.attr->w[perm[i]];
		return sg_transpose(b, n.args[0], both);
	}
	return sg_raw(b, SG_TRANSPOSE, (sg_type)n.type, s, 1, &x, sg_attr_make(b->sp, rank, perm));
}

sg_ref
sg_move_axis_last(sg_build *b, sg_ref x, uint32_t axis)
{
	const uint32_t rank = sg_shape_of(b, x)->rank;
	int64_t perm[SG_MAX_RANK];

	for (uint32_t i = 0; i + 1 < rank; i++)
		perm[i] = i < axis ? i : i + 1;
	perm[rank - 1] = axis;
	return sg_transpose(b, x, perm);
}

/* ---- broadcast ---- */

sg_ref
sg_broadcast(sg_build *b, sg_ref x, const sg_shape *s, const int64_t *axis)
{
	const sg_node n = sg_at(b, x);
	const uint32_t rank = n.shape->rank;
	int64_t both[SG_MAX_RANK];

	if (n.shape == s)
		return x;
	if (n.op == SG_CONST)
		return splat_of(b, &n, s);
	if (n.op == SG_BROADCAST) {
		const uint32_t r0 = sg_shape_of(b, n.args[0])->rank;

		for (uint32_t i = 0; i < r0; i++)
			both[i] = axis[n.attr->w[i]];
		return sg_broadcast(b, n.args[0], s, both);
	}
	if (sg_shape_size(b->sp, s) == sg_shape_size(b->sp, n.shape)) {
		bool same = true; /* only axes of extent 1 are new */

		for (uint32_t i = 0; i < rank; i++)
			same = same && n.shape->ext[i] == s->ext[axis[i]];
		if (same)
			return sg_reshape(b, x, s);
	}
	/* Axes of extent 1 carry nothing: without them equal broadcasts have equal operands. */
	for (uint32_t i = 0; i < rank; i++) {
		if (!sg_is_one(b, n.shape->ext[i]))
			continue;
		for (uint32_t j = 0, m = 0; j < rank; j++)
			if (j != i)
				both[m++] = axis[j];
		return sg_broadcast(b, sg_squeeze(b, x, i), s, both);
	}
	return sg_raw(b, SG_BROADCAST, (sg_type)n.type, s, 1, &x, sg_attr_make(b->sp, rank, axis));
}

sg_ref
sg_broadcast_right(sg_build *b, sg_ref x, const sg_shape *s)
{
	const uint32_t rank = sg_shape_of(b, x)->rank;
	int64_t axis[SG_MAX_RANK];

	for (uint32_t i = 0; i < rank; i++)
		axis[i] = s->rank - rank + i;
	return sg_broadcast(b, x, s, axis);
}

/* ---- slice and pad ---- */

static const sg_attr *
range_attr(sg_build *b, uint32_t rank, const sg_ext *start, const sg_ext *step)
{
	int64_t w[2 * SG_MAX_RANK];

	for (uint32_t i = 0; i < rank; i++)
		w[i] = start[i], w[rank + i] = step[i];
	return sg_attr_make(b->sp, 2 * rank, w);
}

static bool
whole(sg_build *b, const sg_shape *from, const sg_shape *to, const sg_ext *start, const sg_ext *step)
{
	if (from != to)
		return false;
	for (uint32_t i = 0; i < from->rank; i++)
		if (!sg_ext_is(b->sp, start[i], 0) || !sg_is_one(b, step[i]))
			return false;
	return true;
}

/* a + k >= c whatever the dimensions are? */
static bool
reaches(sg_build *b, sg_ext a, int64_t k, sg_ext c)
{
	return sg_ext_nonneg(b->sp, sg_ext_add(b->sp, sg_ext_sub(b->sp, a, c), sg_ext_int(b->sp, k)));
}

/* Along some axis, does all that is taken lie beside what was padded, steps being 1 or -1? */
static bool
lies_in_padding(sg_build *b, const sg_node *pad, const sg_shape *s, const sg_ext *start,
                const sg_ext *step)
{
	const sg_shape *inner = sg_shape_of(b, pad->args[0]);

	for (uint32_t i = 0; i < s->rank; i++) {
		const sg_ext lo = (sg_ext)pad->attr->w[i], hi = sg_ext_add(b->sp, lo, inner->ext[i]);
		const bool back = sg_ext_is(b->sp, step[i], -1);
		const sg_ext end = back ? sg_ext_sub(b->sp, start[i], s->ext[i])
		                        : sg_ext_add(b->sp, start[i], s->ext[i]);

		if (!sg_is_one(b, (sg_ext)pad->attr->w[s->rank + i]) || (!back && !sg_is_one(b, step[i])))
			continue;
		if (back ? reaches(b, lo, -1, start[i]) || reaches(b, end, 1, hi)
		         : reaches(b, lo, 0, end) || reaches(b, start[i], 0, hi))
			return true;
	}
	return false;
}

sg_ref
sg_slice(sg_build *b, sg_ref x, const sg_shape *s, const sg_ext *start, const sg_ext *step)
{
	const sg_node n = sg_at(b, x);
	const uint32_t rank = s->rank;
	sg_ext st[SG_MAX_RANK], sp[SG_MAX_RANK];

	if (whole(b, n.shape, s, start, step))
		return x;
	if (n.op == SG_CONST)
		return splat_of(b, &n, s);
	if (n.op == SG_SLICE) {
		for (uint32_t i = 0; i < rank; i++) {
			const sg_ext s0 = (sg_ext)n.attr->w[i], p0 = (sg_ext)n.attr->w[rank + i];

			st[i] = sg_ext_add(b->sp, s0, sg_ext_mul(b->sp, p0, start[i]));
			sp[i] = sg_ext_mul(b->sp, p0, step[i]);
		}
		return sg_slice(b, n.args[0], s, st, sp);
	}
	if (n.op == SG_CONCAT) {
		const sg_ref r = sg_slice_of_concat(b, x, s, start, step);

		if (r)
			return r;
	}
	const sg_attr *attr = range_attr(b, rank, start, step);
	if (n.op == SG_PAD && n.attr == attr && sg_shape_of(b, n.args[0]) == s)
		return n.args[0];
	if (n.op == SG_PAD && lies_in_padding(b, &n, s, start, step))
		return sg_const(b, (sg_type)n.type, s, 0);
	return sg_raw(b, SG_SLICE, (sg_type)n.type, s, 1, &x, attr);
}

sg_ref
sg_pad(sg_build *b, sg_ref x, const sg_shape *s, const sg_ext *start, const sg_ext *step)
{
	const sg_node n = sg_at(b, x);
	const uint32_t rank = s->rank;
	sg_ext st[SG_MAX_RANK], sp[SG_MAX_RANK];

	if (whole(b, n.shape, s, start, step))
		return x;
	if (n.op == SG_CONST && n.attr->w[0] == 0)
		return splat_of(b, &n, s);
	if (n.op == SG_PAD) { /* x -> p0*x + s0 -> step*(p0*x + s0) + start */
		for (uint32_t i = 0; i < rank; i++) {
			const sg_ext s0 = (sg_ext)n.attr->w[i], p0 = (sg_ext)n.attr->w[rank + i];

			st[i] = sg_ext_add(b->sp, start[i], sg_ext_mul(b->sp, step[i], s0));
			sp[i] = sg_ext_mul(b->sp, p0, step[i]);
		}
		return sg_pad(b, n.args[0], s, st, sp);
	}
	return sg_raw(b, SG_PAD, (sg_type)n.type, s, 1, &x, range_attr(b, rank, start, step));
}

/* The same along one axis; the others whole. extent: of that axis in the result. */
static sg_ref
along(sg_build *b, bool pad, sg_ref x, uint32_t axis, sg_ext start, sg_ext step, sg_ext extent)
{
	const sg_shape *s = sg_shape_of(b, x);
	sg_ext e[SG_MAX_RANK], st[SG_MAX_RANK], sp[SG_MAX_RANK];

	for (uint32_t i = 0; i < s->rank; i++) {
		e[i] = i == axis ? extent : s->ext[i];
		st[i] = i == axis ? start : sg_ext_int(b->sp, 0);
		sp[i] = i == axis ? step : sg_ext_int(b->sp, 1);
	}
	const sg_shape *to = sg_shape_make(b->sp, s->rank, e);
	return pad ? sg_pad(b, x, to, st, sp) : sg_slice(b, x, to, st, sp);
}

sg_ref
sg_slice_axis(sg_build *b, sg_ref x, uint32_t axis, sg_ext start, sg_ext step, sg_ext count)
{
	return along(b, false, x, axis, start, step, count);
}

sg_ref
sg_pad_axis(sg_build *b, sg_ref x, uint32_t axis, sg_ext start, sg_ext step, sg_ext extent)
{
	return along(b, true, x, axis, start, step, extent);
}

sg_ref
sg_index(sg_build *b, sg_ref x, uint32_t axis, sg_ext at)
{
	const sg_ext one = sg_ext_int(b->sp, 1);

	return sg_squeeze(b, sg_slice_axis(b, x, axis, at, one, one), axis);
}

/* ---- windows ---- */

sg_windowing
sg_windowing_of(const sg_space *sp, const sg_node *n)
{
	int64_t axis = 0, at = 0;

	(void)sg_ext_const(sp, (sg_ext)n->attr->w[0], &axis);
	(void)sg_ext_const(sp, (sg_ext)n->attr->w[1], &at);
	return (sg_windowing){(uint32_t)axis, (uint32_t)at, (sg_ext)n->attr->w[2],
	                      (sg_ext)n->attr->w[3]};
}

static const sg_attr *
windowing_attr(sg_build *b, sg_windowing w)
{
	const int64_t word[4] = {sg_ext_int(b->sp, w.axis), sg_ext_int(b->sp, w.at), w.stride,
	                         w.dilation};

	return sg_attr_make(b->sp, 4, word);
}

static sg_ref
move_axis(sg_build *b, sg_ref x, uint32_t from, uint32_t to)
{
	const uint32_t rank = sg_shape_of(b, x)->rank;
	int64_t perm[SG_MAX_RANK];

	for (uint32_t i = 0, k = 0; i < rank; i++) {
		k += k == to;
		if (i == from)
			perm[to] = from;
		else
			perm[k++] = i;
	}
	return sg_transpose(b, x, perm);
}

/* Windows that lie side by side: the axis cut up. */
static sg_ref
cut(sg_build *b, sg_ref x, sg_windowing w, sg_ext count, sg_ext size)
{
	const sg_ext zero = sg_ext_int(b->sp, 0), one = sg_ext_int(b->sp, 1);
	sg_ext e[SG_MAX_RANK];
	uint32_t n = 0;

	x = sg_slice_axis(b, x, w.axis, zero, one, sg_ext_mul(b->sp, count, size));
	const sg_shape *s = sg_shape_of(b, x);
	for (uint32_t i = 0; i < s->rank; i++) {
		e[n++] = i == w.axis ? count : s->ext[i];
		if (i == w.axis)
			e[n++] = size;
	}
	x = sg_reshape(b, x, sg_shape_make(b->sp, n, e));
	return move_axis(b, x, w.axis + 1, w.at);
}

/* Windows of one element, one window, and windows side by side are simpler maps. */
sg_ref
sg_window(sg_build *b, sg_ref x, sg_windowing w, sg_ext count, sg_ext size)
{
	const sg_node n = sg_at(b, x);
	const sg_ext zero = sg_ext_int(b->sp, 0);
	sg_ext e[SG_MAX_RANK];
	uint32_t rank = 0;

	if (sg_is_one(b, size))
		return sg_expand(b, sg_slice_axis(b, x, w.axis, zero, w.stride, count), w.at);
	if (sg_is_one(b, count)) {
		x = sg_slice_axis(b, x, w.axis, zero, w.dilation, size);
		return sg_expand(b, move_axis(b, x, w.axis, w.at), w.axis + 1);
	}
	if (w.stride == size && sg_is_one(b, w.dilation))
		return cut(b, x, w, count, size);
	for (uint32_t i = 0; i < n.shape->rank; i++) {
		if (i == w.at)
			e[rank++] = size;
		e[rank++] = i == w.axis ? count : n.shape->ext[i];
	}
	const sg_shape *s = sg_shape_make(b->sp, rank, e);
	if (n.op == SG_CONST)
		return splat_of(b, &n, s);
	return sg_raw(b, SG_WINDOW, (sg_type)n.type, s, 1, &x, windowing_attr(b, w));
}

sg_ref
sg_unwindow(sg_build *b, sg_ref g, const sg_shape *s, sg_windowing w)
{
	const sg_node n = sg_at(b, g);

	if (n.op == SG_CONST && n.attr->w[0] == 0)
		return splat_of(b, &n, s);
	return sg_raw(b, SG_UNWINDOW, (sg_type)n.type, s, 1, &g, windowing_attr(b, w));
}
