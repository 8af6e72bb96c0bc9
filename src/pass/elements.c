/* elements.c - Jacobians and Hessians of a few numbers, element by element.
 *
 * A batch of sweeps over small matrices computes what is zero with all the rest: of a robot's arm,
 * the tangents of joints that come later, and the rows of adjoints that an output does not reach.
 * Where all between x and y is a few elements, y is written over scalars, and a sweep for each of
 * them goes only where there is a path. Whoever asks takes the cheaper of the two. */
#include "pass/elements.h"
#include "pass/small.h"

#include <string.h>

enum {
	MOST_ELEMENTS = 4000, /* of all between x and y */
	MOST_SWEEPS = 16,
	MOST_RESULTS = 512, /* of the Jacobian */
	GAIN = 10,          /* operations; below that what a tensor says at once reads better */
};

/* ---- y over scalars ---- */

static bool
goes_by_elements(uint16_t op)
{
	switch (op) {
	case SG_CAST:
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_BROADCAST:
	case SG_SLICE:
	case SG_PAD:
	case SG_CONCAT:
	case SG_SUM:
	case SG_PROD:
	case SG_CONTRACT:
		return true;
	default:
		return sg_is_ew(op);
	}
}

/* Node r, member `at` of the cone, whose operands have been gone through. */
static bool
go_through(sg_items *w, sg_ref r, uint32_t at)
{
	const sg_node n = *sg_node_at(w->old, r);
	sg_ref arg[3];

	if (sg_items_split(w, r))
		return true;
	if (!sg_is_ew(n.op) && n.op != SG_CAST)
		return false;
	if (sg_items_count(w, r) != 1)
		return false;
	for (uint32_t k = 0; k < n.nargs; k++)
		arg[k] = sg_items_whole(w, n.args[k]);
	w->whole[at] = sg_remake(&w->b, &n, arg);
	return true;
}

/* The elements of r, of which there are some. */
static sg_ref *
elements_of(sg_items *w, sg_ref r, uint32_t *n)
{
	sg_ref *item;

	*n = sg_items_count(w, r);
	item = sg_items_new(w, *n + 1);
	for (uint32_t i = 0; i < *n; i++)
		item[i] = sg_item(w, r, i);
	return item;
}

/* Is all that lies between x and y small, and not held for other derivatives? */
static bool
is_few(sg_build *b, const sg_cone *cone, const bool *active, sg_ref x)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < cone->n; i++) {
		const sg_node *n = sg_node_at(b->g, cone->member[i]);
		const uint32_t count = sg_count_of(b->sp, n->shape, SG_MOST_ITEMS);

		if (!active[i] || cone->member[i] == x)
			continue;
		size += count;
		if (count == 0 || size > MOST_ELEMENTS || !goes_by_elements(n->op))
			return false;
	}
	return sg_cone_has(cone, x);
}

/* y over scalars: those of x are placeholders until all is done, since x can be read past its
 * elements. */
typedef struct few {
	sg_items items;
	uint32_t nx, ny;
	sg_ref *x, *y; /* the placeholders, and y over them */
	sg_ref *is;    /* what the placeholders stand for */
} few;

/* The placeholders of x, member `at` of the cone. */
static void
hold_elements(few *w, sg_ref x, uint32_t at)
{
	sg_build *b = &w->items.b;

	w->is = elements_of(&w->items, x, &w->nx);
	w->x = sg_items_new(&w->items, w->nx);
	for (uint32_t j = 0; j < w->nx; j++)
		w->x[j] =
		    sg_seed(b, sg_type_of(b, x), sg_shape_scalar(b->sp), sg_space_fresh(b->sp));
	w->items.whole[at] = 0;
	sg_items_set(&w->items, x, w->nx, w->x);
}

/* Each node between x and y gets its elements. */
static bool
open_elements(sg_build *b, few *f, sg_ref y, sg_ref x)
{
	sg_cone *cone = SG_NEW(b->ctx, sg_cone);
	sg_items *w = &f->items;
	const bool *active;

	*cone = sg_cone_make(b, SG_FOLLOW_ALL, 1, &y, x);
	active = sg_cone_active(b, cone, 1, &x);
	if (!is_few(b, cone, active, x))
		return false;
	*w = (sg_items){.b = *b, .old = b->g, .most = SG_MOST_ITEMS, .cone = cone};
	w->whole = SG_NEW_ARRAY(b->ctx, sg_ref, cone->n);
	w->item = SG_NEW_ARRAY(b->ctx, sg_ref *, cone->n);
	for (uint32_t i = 0; i < cone->n; i++) {
		const sg_ref r = cone->member[i];

		if (!active[i] || r == x)
			w->whole[i] = r;
		if (r == x)
			hold_elements(f, x, i);
		else if (active[i] && !go_through(w, r, i))
			return false;
	}
	f->y = elements_of(w, y, &f->ny);
	return true;
}

/* The derivative with x's elements in place of what stood for them; *value: y itself. */
static sg_ref
close_elements(sg_build *b, few *f, sg_ref y, sg_ref derivative, sg_ref *value)
{
	sg_ref root[2] = {derivative, sg_items_whole(&f->items, y)};

	if (!derivative)
		return 0;
	sg_substitute(b, 2, root, f->nx, f->x, f->is);
	*value = root[1];
	return root[0];
}

/* ---- derivatives of scalars ---- */

static sg_ref
one(sg_build *b, sg_ref r)
{
	return sg_const(b, sg_type_of(b, r), sg_shape_of(b, r), 1);
}

/* entry[i * nx + j]: of y[i] by x[j]; 0: there is none. */
static void
sweep(sg_build *b, bool forward, uint32_t ny, const sg_ref *y, uint32_t nx, const sg_ref *x,
      sg_ref *entry)
{
	for (uint32_t i = 0; i < ny; i++) {
		if (!forward) {
			sg_reverse(b, y[i], one(b, y[i]), nx, x, entry + (size_t)i * nx);
			continue;
		}
		for (uint32_t j = 0; j < nx; j++) {
			const sg_ref seed = one(b, x[j]);

			entry[i * nx + j] = sg_forward(b, y[i], 1, &x[j], &seed);
		}
	}
}

/* A tensor of shape s from axis `axis` on, of *entry and what follows, which it moves behind. */
static sg_ref
rows(sg_build *b, const sg_shape *s, uint32_t axis, sg_ref **entry)
{
	int64_t n;
	sg_ref *row;

	if (axis == s->rank)
		return *(*entry)++;
	(void)sg_ext_const(b->sp, s->ext[axis], &n);
	row = SG_NEW_ARRAY(b->ctx, sg_ref, n);
	for (int64_t i = 0; i < n; i++)
		row[i] = rows(b, s, axis + 1, entry);
	return sg_stack(b, (uint32_t)n, row, 0);
}

/* The entries, zeros where there are none, as a tensor; 0: there are no others. */
static sg_ref
gather(sg_build *b, uint32_t n, sg_ref *entry, const sg_shape *s)
{
	sg_ref zero = 0;

	for (uint32_t i = 0; i < n && !zero; i++)
		if (entry[i])
			zero = sg_const(b, sg_type_of(b, entry[i]), sg_shape_scalar(b->sp), 0);
	for (uint32_t i = 0; i < n; i++)
		entry[i] = entry[i] ? entry[i] : zero;
	return zero ? rows(b, s, 0, &entry) : 0;
}

sg_ref
sg_jacobian_by_elements(sg_build *b, sg_ref y, sg_ref x, bool forward, const sg_shape *s,
                        sg_ref *value)
{
	few f = {.nx = 0};
	sg_ref *entry;

	if (!sg_count_of(b->sp, s, MOST_RESULTS) || !(y = sg_unrolled(b, y, x)) ||
	    !open_elements(b, &f, y, x))
		return 0;
	if (f.nx * f.ny < 2 || (forward ? f.nx : f.ny) > MOST_SWEEPS)
		return 0;
	entry = SG_NEW_ARRAY(b->ctx, sg_ref, (size_t)f.nx * f.ny);
	sweep(b, forward, f.ny, f.y, f.nx, f.x, entry);
	return close_elements(b, &f, y, gather(b, f.nx * f.ny, entry, s), value);
}

sg_ref
sg_slopes_by_elements(sg_build *b, sg_ref y, sg_ref x)
{
	const sg_shape *sx = sg_shape_of(b, x), *sy = sg_shape_of(b, y);
	sg_ext e[2 * SG_MAX_RANK];
	few f = {.nx = 0};
	sg_ref *entry, *turned, value;

	memcpy(e, sx->ext, sx->rank * sizeof *e);
	memcpy(e + sx->rank, sy->ext, sy->rank * sizeof *e);
	const sg_shape *s = sg_shape_make(b->sp, sx->rank + sy->rank, e);

	if (!sg_count_of(b->sp, s, MOST_RESULTS) || !open_elements(b, &f, y, x) ||
	    f.nx > MOST_SWEEPS)
		return 0;
	entry = SG_NEW_ARRAY(b->ctx, sg_ref, (size_t)f.nx * f.ny);
	turned = SG_NEW_ARRAY(b->ctx, sg_ref, (size_t)f.nx * f.ny);
	sweep(b, true, f.ny, f.y, f.nx, f.x, entry);
	for (uint32_t i = 0; i < f.ny; i++)
		for (uint32_t j = 0; j < f.nx; j++)
			turned[j * f.ny + i] = entry[i * f.nx + j];
	return close_elements(b, &f, y, gather(b, f.nx * f.ny, turned, s), &value);
}

/* Forward over reverse, of one triangle: the other is the same. */
sg_ref
sg_hessian_by_elements(sg_build *b, sg_ref y, sg_ref x, const sg_shape *s, sg_ref *value)
{
	few f = {.nx = 0};
	sg_ref *g, *entry;
	uint32_t n;

	if (!sg_count_of(b->sp, s, MOST_RESULTS) || !(y = sg_unrolled(b, y, x)) ||
	    !open_elements(b, &f, y, x))
		return 0;
	n = f.nx;
	if (n < 2 || n > MOST_SWEEPS)
		return 0;
	g = SG_NEW_ARRAY(b->ctx, sg_ref, n);
	entry = SG_NEW_ARRAY(b->ctx, sg_ref, (size_t)n * n);
	sg_reverse(b, f.y[0], one(b, f.y[0]), n, f.x, g);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; g[i] && j <= i; j++) {
			const sg_ref seed = one(b, f.x[j]);

			entry[i * n + j] = entry[j * n + i] =
			    sg_forward(b, g[i], 1, &f.x[j], &seed);
		}
	return close_elements(b, &f, y, gather(b, n * n, entry, s), value);
}

/* ---- which is cheaper ---- */

/* A product with the seeds of all rows at once, which the reader sees through. */
static bool
is_selection(const sg_graph *g, sg_ref r)
{
	return sg_node_at(g, r)->op == SG_CONTRACT &&
	       (sg_is_eye(g, sg_arg(g, r, 0)) || sg_is_eye(g, sg_arg(g, r, 1)));
}

int64_t
sg_fixed_cost(sg_build *b, size_t n, const sg_ref *r, sg_ref from, bool *all)
{
	const sg_cone cone = sg_cone_make(b, SG_FOLLOW_ALL, n, r, from);
	int64_t sum = 0, v;

	*all = true;
	for (uint32_t i = 0; i < cone.n; i++)
		if (is_selection(b->g, cone.member[i]))
			continue;
		else if (sg_ext_const(b->sp, sg_node_cost(b, cone.member[i]), &v))
			sum += v;
		else
			*all = false;
	return sum;
}

sg_ref
sg_cheaper(sg_build *b, sg_ref whole, sg_ref elements, sg_ref from)
{
	int64_t of_whole, of_elements;
	bool all[2];

	if (!whole || !elements)
		return whole;
	of_whole = sg_fixed_cost(b, 1, &whole, from, &all[0]);
	of_elements = sg_fixed_cost(b, 1, &elements, from, &all[1]);
	return all[0] && all[1] && of_elements + GAIN < of_whole && 4 * of_elements < 3 * of_whole
	           ? elements
	           : whole;
}
