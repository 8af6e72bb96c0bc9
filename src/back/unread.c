/* unread.c - elements that could fail, and that no reader asks for.
 *
 * An elementwise value is evaluated in the loop of its reader, and so only where that reads it.
 * What fails (an index out of range, an integer divided by 0) is an error of the whole array,
 * though: it must not depend on which of its elements a slice keeps. So an array that may fail is
 * computed by itself where readers leave elements out. One walk, readers before operands, carries
 * the axes along which they do. Slices that take an array apart along an axis, as a[0], a[1] and
 * a[2] do, leave nothing out. */
#include "back/branch.h"

#define ALL_AXES UINT32_MAX

/* Of an array: which of its elements along an axis are in one of its slices; bits 0: no slice is
 * looked at so. */
typedef struct parts {
	uint64_t bits;
	uint32_t axis;
} parts;

/* Do readers that leave out elements along `axes` leave out elements that may fail? */
static bool
may_fail(const sg_fn *f, sg_ref r, uint32_t axes)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_node *y = n->nargs > 1 ? sg_fn_node(f, n->args[1]) : NULL;
	int64_t extent;

	if (sg_is_checked(n->op, (sg_type)n->type))
		return axes && !(y && y->op == SG_CONST);
	if (n->op != SG_GATHER)
		return false;
	const uint32_t axis = (uint32_t)n->attr->w[0], nbatch = (uint32_t)n->attr->w[1];
	const uint32_t end = axis + y->shape->rank - nbatch;
	const uint32_t read =
	    ((UINT32_C(1) << nbatch) - 1) | ((UINT32_C(1) << end) - (UINT32_C(1) << axis));

	if ((y->op == SG_CONST || y->op == SG_DATA) && /* looked at when the text was read */
	    sg_ext_const(f->sp, sg_fn_node(f, n->args[0])->shape->ext[axis], &extent))
		return false;
	return axes & read;
}

static uint32_t
cut_axes(const sg_shape *result, const sg_shape *operand)
{
	uint32_t axes = 0;

	for (uint32_t k = 0; k < operand->rank; k++)
		axes |= (uint32_t)(result->ext[k] != operand->ext[k]) << k;
	return axes;
}

/* Of the axes of an operand that lie along axes `to` of the result: those that are in `axes`. */
static uint32_t
axes_along(uint32_t rank, const int64_t *to, uint32_t axes)
{
	uint32_t r = 0;

	for (uint32_t k = 0; k < rank; k++)
		r |= (axes >> to[k] & 1) << k;
	return r;
}

static uint32_t
axes_of_indices(const sg_node *n, uint32_t rank, uint32_t axes)
{
	const int64_t axis = n->attr->w[0], nbatch = n->attr->w[1];
	int64_t to[SG_MAX_RANK];

	for (uint32_t k = 0; k < rank; k++)
		to[k] = k < nbatch ? k : axis + k - nbatch;
	return axes_along(rank, to, axes);
}

/* Axes of operand k along which elements are left out, if those of node r are. */
static uint32_t
axes_of_operand(const sg_fn *f, sg_ref r, uint32_t k, uint32_t axes)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s = sg_fn_node(f, n->args[k])->shape;
	uint32_t perm = 0;

	switch ((int)n->op) {
	case SG_SLICE:
		return axes | cut_axes(n->shape, s);
	case SG_WINDOW: /* a stride, or a rest at the end */
		return ALL_AXES;
	case SG_RESHAPE:
		return axes ? ALL_AXES : 0;
	case SG_TRANSPOSE:
		for (uint32_t i = 0; i < s->rank; i++)
			perm |= (axes >> i & 1) << n->attr->w[i];
		return perm;
	case SG_BROADCAST:
		return axes_along(s->rank, n->attr->w, axes);
	case SG_GATHER: /* what it reads from is an array anyway */
		return k == 1 ? axes_of_indices(n, s->rank, axes) : 0;
	case SG_RAND:
	case SG_RANDN:
		return 0;
	default:
		return axes;
	}
}

/* Is the slice, of which all is read, one along a single short axis, the same as those before? */
static bool
note_part(const sg_fn *f, sg_ref r, parts *p)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s = sg_fn_node(f, n->args[0])->shape;
	const uint32_t cut = cut_axes(n->shape, s);
	int64_t extent, count, start, step;
	uint32_t k = 0;

	if (cut == 0 || (cut & (cut - 1)) != 0 || /* or one that a branch alone reads */
	    sg_guard_of(f, r) != sg_guard_of(f, n->args[0]))
		return false;
	while (!(cut >> k & 1))
		k++;
	if ((p->bits && p->axis != k) || !sg_ext_const(f->sp, s->ext[k], &extent) || extent > 64 ||
	    !sg_ext_const(f->sp, n->shape->ext[k], &count) ||
	    !sg_ext_const(f->sp, (sg_ext)n->attr->w[k], &start) ||
	    !sg_ext_const(f->sp, (sg_ext)n->attr->w[s->rank + k], &step))
		return false;
	p->axis = k;
	for (int64_t i = 0; i < count; i++)
		p->bits |= UINT64_C(1) << (start + i * step);
	return count > 0;
}

/* The axis along which the slices leave something out, as a set. */
static uint32_t
axis_left(const sg_fn *f, sg_ref r, const parts *p)
{
	int64_t extent;

	if (!p->bits || !sg_ext_const(f->sp, sg_fn_node(f, r)->shape->ext[p->axis], &extent))
		return 0;
	return p->bits == UINT64_MAX >> (64 - extent) ? 0 : UINT32_C(1) << p->axis;
}

static bool
any_may_fail(const sg_fn *f)
{
	for (sg_ref r = 1; r < f->g->n; r++)
		if (f->at[r].kind == SG_P_CALC && !f->at[r].unit && may_fail(f, r, ALL_AXES))
			return true;
	return false;
}

/* requires: kind, unit and out of every live node, stored of the outputs. */
void
sg_store_what_fails_unread(sg_fn *f)
{
	uint32_t *axes;
	parts *part;

	if (!any_may_fail(f))
		return;
	axes = SG_NEW_ARRAY(f->ctx, uint32_t, f->g->n);
	part = SG_NEW_ARRAY(f->ctx, parts, f->g->n);
	for (sg_ref r = f->g->n; r-- > 1;) {
		sg_place *p = &f->at[r];
		const bool read_through = p->kind == SG_P_CALC || p->kind == SG_P_VIEW;
		const sg_node *x = &f->g->node[r];

		axes[r] |= axis_left(f, r, &part[r]);
		if (p->kind == SG_P_CALC && !p->unit && may_fail(f, r, axes[r]))
			p->stored = true;
		if (!read_through || (p->stored && p->kind == SG_P_CALC))
			axes[r] = 0;
		if (read_through && x->op == SG_SLICE && !axes[r] &&
		    note_part(f, r, &part[x->args[0]]))
			continue;
		for (uint32_t k = 0; read_through && k < x->nargs; k++)
			axes[x->args[k]] |= axes_of_operand(f, r, k, axes[r]);
	}
}
