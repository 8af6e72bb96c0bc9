/* strided.c - arrays in memory seen with strides: what movements make of an array without a copy.
 */
#include "back/emit.h"

#include <string.h>

static uint32_t
real_axes(const sg_fn *f, const sg_shape *s, sg_ext *e)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < s->rank; k++)
		if (!sg_is_1(f, s->ext[k]))
			e[n++] = s->ext[k];
	return n;
}

bool
sg_view_is_plain(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	sg_ext a[SG_MAX_RANK], b[SG_MAX_RANK];
	uint32_t na, nb;

	if (n->op == SG_BIND || n->op == SG_STOP)
		return true;
	if (n->op != SG_RESHAPE && n->op != SG_BROADCAST)
		return false;
	na = real_axes(f, n->shape, a);
	nb = real_axes(f, f->g->node[n->args[0]].shape, b);
	return na == nb && memcmp(a, b, na * sizeof *a) == 0;
}

sg_ext
sg_fn_ext_mul(sg_fn *f, const sg_ext *e, uint32_t n)
{
	sg_ext p = sg_ext_int(f->sp, 1);

	for (uint32_t i = 0; i < n; i++)
		p = sg_ext_mul(f->sp, p, e[i]);
	return p;
}

void
sg_row_major(sg_fn *f, const sg_shape *s, sg_ext *stride)
{
	sg_ext p = sg_ext_int(f->sp, 1);

	for (uint32_t k = s->rank; k-- > 0;) {
		stride[k] = p;
		p = sg_ext_mul(f->sp, p, s->ext[k]);
	}
}

bool
sg_strided_is_contiguous(sg_fn *f, const sg_strided *s, const sg_shape *shape)
{
	sg_ext stride[SG_MAX_RANK];

	sg_row_major(f, shape, stride);
	for (uint32_t k = 0; k < shape->rank; k++)
		if (!sg_is_1(f, shape->ext[k]) && s->stride[k] != stride[k])
			return false;
	return true;
}

static void
see_windows(sg_fn *f, const sg_node *n, const sg_shape *from, sg_strided *s)
{
	const sg_windowing w = sg_windowing_of(f->sp, n);
	const sg_strided x = *s;

	for (uint32_t k = 0; k < from->rank; k++)
		s->stride[k < w.at ? k : k + 1] =
		    k == w.axis ? sg_ext_mul(f->sp, w.stride, x.stride[k]) : x.stride[k];
	s->stride[w.at] = sg_ext_mul(f->sp, w.dilation, x.stride[w.axis]);
}

/* The next axes of either shape, from i and j on, that have the same number of elements: the places behind
 * them. */
static bool
next_groups(sg_fn *f, const sg_shape *from, const sg_shape *to, uint32_t *i, uint32_t *j)
{
	sg_ext p = sg_ext_int(f->sp, 1);

	for (uint32_t k = *i; k < from->rank; k++) {
		sg_ext q = sg_ext_int(f->sp, 1);

		p = sg_ext_mul(f->sp, p, from->ext[k]);
		for (uint32_t l = *j; l < to->rank; l++) {
			q = sg_ext_mul(f->sp, q, to->ext[l]);
			if (p == q) {
				*i = k + 1;
				*j = l + 1;
				return true;
			}
		}
	}
	return false;
}

/* Axes [lo, hi) of the shape as one, if the elements along them lie at equal distances: that distance. */
static bool
as_one_axis(sg_fn *f, const sg_strided *x, const sg_shape *from, uint32_t lo, uint32_t hi, sg_ext *distance)
{
	sg_ext next = 0;
	bool any = false;

	for (uint32_t k = hi; k-- > lo;) {
		if (sg_is_1(f, from->ext[k]))
			continue;
		if (any && x->stride[k] != next)
			return false;
		if (!any)
			*distance = x->stride[k];
		any = true;
		next = sg_ext_mul(f->sp, x->stride[k], from->ext[k]);
	}
	return any;
}

/* A reshape that splits axes, or merges such as lie like one. */
static bool
reshape_strides(sg_fn *f, const sg_strided *x, const sg_shape *from, const sg_shape *to, sg_strided *s)
{
	uint32_t i = 0, j = 0;

	while (i < from->rank || j < to->rank) {
		const uint32_t first = i, start = j;
		sg_ext p;

		if (j < to->rank && sg_is_1(f, to->ext[j])) {
			s->stride[j++] = sg_ext_int(f->sp, 0);
			continue;
		}
		if (i < from->rank && sg_is_1(f, from->ext[i])) {
			i++;
			continue;
		}
		if (!next_groups(f, from, to, &i, &j) || !as_one_axis(f, x, from, first, i, &p))
			return false;
		for (uint32_t k = j; k-- > start; p = sg_ext_mul(f->sp, p, to->ext[k]))
			s->stride[k] = p;
	}
	return true;
}

bool
sg_strided_reshaped(sg_fn *f, const sg_strided *x, const sg_shape *from, const sg_shape *to,
                    sg_strided *s)
{
	const sg_strided at = *x;

	*s = at;
	if (!sg_strided_is_contiguous(f, &at, from))
		return reshape_strides(f, &at, from, to, s);
	sg_row_major(f, to, s->stride);
	return true;
}

/* The view of node r, whose operand is seen as s. */
static bool
see_through(sg_fn *f, sg_ref r, sg_strided *s)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *from = f->g->node[n->args[0]].shape;
	const sg_strided x = *s;
	const sg_ext zero = sg_ext_int(f->sp, 0);

	switch (n->op) {
	case SG_BIND:
	case SG_STOP:
		return true;
	case SG_RESHAPE:
		return sg_strided_reshaped(f, &x, from, n->shape, s);
	case SG_TRANSPOSE:
		for (uint32_t k = 0; k < n->shape->rank; k++)
			s->stride[k] = x.stride[n->attr->w[k]];
		return true;
	case SG_BROADCAST:
		for (uint32_t k = 0; k < n->shape->rank; k++)
			s->stride[k] = zero;
		for (uint32_t k = 0; k < from->rank; k++)
			if (!sg_is_1(f, from->ext[k]))
				s->stride[n->attr->w[k]] = x.stride[k];
		return true;
	case SG_SLICE:
		for (uint32_t k = 0; k < n->shape->rank; k++) {
			const sg_ext start = (sg_ext)n->attr->w[k];
			const sg_ext step = (sg_ext)n->attr->w[n->shape->rank + k];

			s->base = sg_ext_add(f->sp, s->base, sg_ext_mul(f->sp, start, x.stride[k]));
			s->stride[k] = sg_ext_mul(f->sp, step, x.stride[k]);
		}
		return true;
	case SG_WINDOW:
		see_windows(f, n, from, s);
		return true;
	default:
		return false;
	}
}

bool
sg_strided_of(sg_fn *f, sg_ref r, sg_strided *s)
{
	sg_ref chain[64];
	uint32_t n = 0;
	const sg_node *root;

	while (f->at[r].kind == SG_P_VIEW && !f->at[r].stored) {
		if (n == 64)
			return false;
		chain[n++] = r;
		r = sg_arg(f->g, r, 0);
	}
	root = sg_fn_node(f, r);
	if (f->at[r].kind == SG_P_LEAF && !f->at[r].stored && root->op != SG_INPUT &&
	    root->op != SG_DATA)
		return false;
	if (f->at[r].unit && n > 0)
		return false;
	*s = (sg_strided){.root = r, .base = sg_ext_int(f->sp, 0)};
	sg_row_major(f, root->shape, s->stride);
	while (n > 0)
		if (!see_through(f, chain[--n], s))
			return false;
	return true;
}
