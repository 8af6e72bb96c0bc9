/* build_concat.c - concatenations, in a form of their own: no part is empty, neighbours that continue
 * each other in one source are one part, and a slice reads the parts that it needs. So what is cut and
 * joined in different orders becomes one node. All bit-true. */
#include "rules/build.h"

#include <string.h>

enum { MAX_PIECES = 16, MAX_SCANNED = 64 };

static sg_ext
extent(const sg_build *b, sg_ref x, uint32_t axis)
{
	return sg_shape_of(b, x)->ext[axis];
}

/* ---- neighbours that continue each other ---- */

/* A part as a range of something larger: x[start : start + its extent] along the axis. */
typedef struct range {
	sg_ref of;
	sg_ext start;
} range;

static range
range_of(const sg_build *b, sg_ref x, uint32_t axis)
{
	const sg_node n = sg_at(b, x);

	if (n.op != SG_SLICE || !sg_is_one(b, (sg_ext)n.attr->w[n.shape->rank + axis]))
		return (range){x, sg_ext_int(b->sp, 0)};
	return (range){n.args[0], (sg_ext)n.attr->w[axis]};
}

/* Do slices p and q of one source differ along this axis alone? */
static bool
same_elsewhere(const sg_build *b, sg_ref p, sg_ref q, uint32_t axis)
{
	const sg_node x = sg_at(b, p), y = sg_at(b, q);
	const uint32_t rank = x.shape->rank;

	if (x.op != SG_SLICE || y.op != SG_SLICE)
		return false;
	for (uint32_t i = 0; i < rank; i++)
		if (i != axis && (x.attr->w[i] != y.attr->w[i] ||
		                  x.attr->w[rank + i] != y.attr->w[rank + i] ||
		                  x.shape->ext[i] != y.shape->ext[i]))
			return false;
	return true;
}

/* p and behind it q as one slice of their source, or 0. */
static sg_ref
joined(sg_build *b, sg_ref p, sg_ref q, uint32_t axis)
{
	const range x = range_of(b, p, axis), y = range_of(b, q, axis);
	sg_ext start[SG_MAX_RANK], step[SG_MAX_RANK], e[SG_MAX_RANK];

	if (x.of != y.of || !same_elsewhere(b, p, q, axis) ||
	    sg_ext_add(b->sp, x.start, extent(b, p, axis)) != y.start)
		return 0;
	const sg_node n = sg_at(b, p);
	const uint32_t rank = n.shape->rank;
	for (uint32_t i = 0; i < rank; i++) {
		start[i] = (sg_ext)n.attr->w[i];
		step[i] = (sg_ext)n.attr->w[rank + i];
		e[i] = n.shape->ext[i];
	}
	e[axis] = sg_ext_add(b->sp, e[axis], extent(b, q, axis));
	return sg_slice(b, x.of, sg_shape_make(b->sp, rank, e), start, step);
}

/* ---- concat and stack ---- */

static bool
all_one_value(const sg_build *b, uint32_t n, const sg_ref *x)
{
	for (uint32_t k = 0; k < n; k++)
		if (!sg_is_op(b, x[k], SG_CONST) || sg_at(b, x[k]).attr != sg_at(b, x[0]).attr)
			return false;
	return true;
}

typedef struct parts {
	sg_ref *item;
	uint32_t n;
	size_t cap;
} parts;

static void
add_part(sg_build *b, parts *p, sg_ref x, uint32_t axis)
{
	const sg_ref both = p->n ? joined(b, p->item[p->n - 1], x, axis) : 0;
	size_t n = p->n;

	if (sg_ext_is(b->sp, extent(b, x, axis), 0))
		return;
	if (both) {
		p->item[p->n - 1] = both;
		return;
	}
	SG_PUSH(b->ctx, p->item, n, p->cap, x);
	p->n = (uint32_t)n;
}

/* The parts without those that are empty, neighbours joined, those of short concatenations within. */
static parts
tidy(sg_build *b, uint32_t n, const sg_ref *x, uint32_t axis)
{
	parts p = {.n = 0};

	for (uint32_t k = 0; k < n; k++) {
		const sg_node inner = sg_at(b, x[k]);

		if (inner.op != SG_CONCAT || inner.attr->w[0] != axis || inner.nargs + n > MAX_SCANNED) {
			add_part(b, &p, x[k], axis);
			continue;
		}
		for (uint32_t i = 0; i < inner.nargs; i++)
			add_part(b, &p, inner.args[i], axis);
	}
	if (!p.n) {
		p.item = sg_copy(b->ctx, x, sizeof *x);
		p.n = 1;
	}
	return p;
}

sg_ref
sg_concat(sg_build *b, uint32_t n, const sg_ref *x, uint32_t axis)
{
	const sg_shape *s = sg_shape_of(b, x[0]);
	sg_ext e[SG_MAX_RANK], sum = sg_ext_int(b->sp, 0);
	int64_t w = axis;

	if (n == 1)
		return x[0];
	const parts p = tidy(b, n, x, axis);
	const sg_ref *part = p.item;
	if ((n = p.n) == 1)
		return part[0];
	memcpy(e, s->ext, s->rank * sizeof *e);
	for (uint32_t k = 0; k < n; k++)
		sum = sg_ext_add(b->sp, sum, extent(b, part[k], axis));
	e[axis] = sum;
	const sg_shape *to = sg_shape_make(b->sp, s->rank, e);
	const sg_node first = sg_at(b, part[0]);
	if (all_one_value(b, n, part))
		return sg_raw(b, SG_CONST, (sg_type)first.type, to, 0, NULL, first.attr);
	return sg_raw(b, SG_CONCAT, (sg_type)first.type, to, n, part, sg_attr_make(b->sp, 1, &w));
}

sg_ref
sg_stack(sg_build *b, uint32_t n, const sg_ref *x, uint32_t axis)
{
	sg_ref *y = SG_NEW_ARRAY(b->ctx, sg_ref, n);

	for (uint32_t k = 0; k < n; k++)
		y[k] = sg_expand(b, x[k], axis);
	return sg_concat(b, n, y, axis);
}

/* ---- a slice of a concatenation ---- */

/* Parts first .. last-1 hold [from, to); *at is where the first begins. False: too many to look at,
 * or extents that are not known. */
static bool
parts_within(const sg_build *b, const sg_node *n, uint32_t axis, int64_t from, int64_t to,
             uint32_t *first, uint32_t *last, int64_t *at)
{
	int64_t total, size, begin = 0;

	if (!sg_ext_const(b->sp, n->shape->ext[axis], &total) || from < 0 || to > total || from >= to)
		return false;
	if (total == n->nargs) { /* none is empty, so each has extent 1 */
		*first = (uint32_t)from;
		*last = (uint32_t)to;
		*at = from;
		return true;
	}
	if (n->nargs > MAX_SCANNED)
		return false;
	*first = *last = 0;
	for (uint32_t k = 0; k < n->nargs; k++, begin += size) {
		if (!sg_ext_const(b->sp, extent(b, n->args[k], axis), &size))
			return false;
		if (begin <= from) {
			*first = k;
			*at = begin;
		}
		if (begin < to)
			*last = k + 1;
	}
	return true;
}

sg_ref
sg_slice_of_concat(sg_build *b, sg_ref x, const sg_shape *s, const sg_ext *start, const sg_ext *step)
{
	const sg_node n = sg_at(b, x);
	const uint32_t axis = (uint32_t)n.attr->w[0];
	sg_ref piece[MAX_PIECES];
	sg_ext st[SG_MAX_RANK], e[SG_MAX_RANK];
	uint32_t first, last;
	int64_t from, count, at = 0;

	if (!sg_stack_left(b->ctx) || !sg_is_one(b, step[axis]) || !sg_ext_const(b->sp, start[axis], &from) ||
	    !sg_ext_const(b->sp, s->ext[axis], &count) ||
	    !parts_within(b, &n, axis, from, from + count, &first, &last, &at) ||
	    last - first > MAX_PIECES)
		return 0;
	memcpy(st, start, s->rank * sizeof *st);
	memcpy(e, s->ext, s->rank * sizeof *e);
	for (uint32_t k = first; k < last; k++) {
		int64_t size, lo, hi;

		if (!sg_ext_const(b->sp, extent(b, n.args[k], axis), &size))
			return 0;
		lo = from > at ? from : at;
		hi = from + count < at + size ? from + count : at + size;
		st[axis] = sg_ext_int(b->sp, lo - at);
		e[axis] = sg_ext_int(b->sp, hi - lo);
		piece[k - first] = sg_slice(b, n.args[k], sg_shape_make(b->sp, s->rank, e), st, step);
		at += size;
	}
	return sg_concat(b, last - first, piece, axis);
}

/* ---- rings ---- */

/* Is it a slice of an array of shape s along this axis alone, without gaps? */
static bool
is_along(const sg_graph *g, const sg_node *n, const sg_shape *s, uint32_t axis)
{
	const uint32_t rank = s->rank;

	if (n->op != SG_SLICE || g->node[n->args[0]].shape != s)
		return false;
	for (uint32_t i = 0; i < rank; i++)
		if (!sg_ext_is(g->sp, (sg_ext)n->attr->w[rank + i], 1) ||
		    (i != axis && !sg_ext_is(g->sp, (sg_ext)n->attr->w[i], 0)))
			return false;
	return true;
}

bool
sg_ring_of(const sg_graph *g, sg_ref r, sg_ring *ring)
{
	const sg_node *n = &g->node[r];

	if (n->op != SG_CONCAT || n->nargs != 2)
		return false;
	const uint32_t axis = (uint32_t)n->attr->w[0];
	const sg_node *last = &g->node[n->args[0]], *first = &g->node[n->args[1]];
	if (!is_along(g, last, n->shape, axis) || !is_along(g, first, n->shape, axis) ||
	    last->args[0] != first->args[0] || !sg_ext_is(g->sp, (sg_ext)first->attr->w[axis], 0) ||
	    (sg_ext)last->attr->w[axis] != first->shape->ext[axis])
		return false;
	*ring = (sg_ring){last->args[0], axis, first->shape->ext[axis]};
	return true;
}

sg_ref
sg_turned_back(sg_build *b, sg_ref g, sg_ring ring)
{
	const sg_ext whole = extent(b, g, ring.axis), zero = sg_ext_int(b->sp, 0),
		     one = sg_ext_int(b->sp, 1), rest = sg_ext_sub(b->sp, whole, ring.start);
	sg_ref part[2];

	part[0] = sg_slice_axis(b, g, ring.axis, rest, one, ring.start);
	part[1] = sg_slice_axis(b, g, ring.axis, zero, one, rest);
	return sg_concat(b, 2, part, ring.axis);
}
