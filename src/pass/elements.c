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

/* Is it of matrices of so few rows that all of it is written out later (solved.c)? */
static bool
is_small_solve(const sg_build *b, const sg_node *n)
{
	const sg_shape *s = sg_matrix_of_few(b->g, n);

	return s && s->rank == 2 && sg_count_of(b->sp, s, SG_MOST_SOLVED * (SG_MOST_SOLVED + 1)) > 0;
}

static bool
goes_by_elements(const sg_build *b, const sg_node *n)
{
	switch (n->op) {
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
		return sg_is_ew(n->op) || is_small_solve(b, n);
	}
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

static bool
is_active(const sg_items *w, const bool *active, sg_ref r)
{
	return sg_cone_has(w->cone, r) && active[sg_cone_at(w->cone, r)];
}

/* LUSOLVE r column by column: a derivative goes through none that it does not reach. Not by numbers
 * of the factors, which have no derivative for those that are taken later. */
static void
solve_by_columns(sg_items *w, sg_ref r, const sg_node *n, uint32_t rows, uint32_t columns)
{
	sg_build *b = &w->b;
	uint32_t size;
	const sg_ref *from = elements_of(w, n->args[2], &size);
	sg_ref *to = sg_items_new(w, size), *column = sg_items_new(w, rows);
	const sg_ext shape[2] = {n->shape->ext[0], sg_ext_int(b->sp, 1)};

	for (uint32_t j = 0; j < columns; j++) {
		for (uint32_t i = 0; i < rows; i++)
			column[i] = from[i * columns + j];
		sg_ref x =
		    sg_reshape(b, sg_stack(b, rows, column, 0), sg_shape_make(b->sp, 2, shape));

		x = sg_lu_solve(b, n->args[0], n->args[1], n->attr->w[0], x);
		x = sg_reshape(b, x, sg_shape_make(b->sp, 1, shape));
		for (uint32_t i = 0; i < rows; i++)
			to[i * columns + j] = sg_index(b, x, 0, sg_ext_int(b->sp, i));
	}
	sg_items_set(w, r, size, to);
}

/* Is node n a solution, by a matrix that no x reaches, of more than one column? */
static bool
goes_by_columns(const sg_items *w, const bool *active, const sg_node *n, int64_t size[2])
{
	return n->op == SG_LUSOLVE && !is_active(w, active, n->args[1]) &&
	       sg_ext_const(w->b.sp, n->shape->ext[0], &size[0]) &&
	       sg_ext_const(w->b.sp, n->shape->ext[1], &size[1]) && size[1] > 1;
}

/* Node r, member `at` of the cone, whose operands have been gone through. */
static bool
go_through(sg_items *w, const bool *active, sg_ref r, uint32_t at)
{
	const sg_node n = *sg_node_at(w->old, r);
	sg_ref arg[3];
	int64_t size[2];

	if (sg_items_split(w, r))
		return true;
	if (goes_by_columns(w, active, &n, size)) {
		solve_by_columns(w, r, &n, (uint32_t)size[0], (uint32_t)size[1]);
		return true;
	}
	if (!is_small_solve(&w->b, &n)) {
		if (!sg_is_ew(n.op) && n.op != SG_CAST)
			return false;
		if (sg_items_count(w, r) != 1)
			return false;
	}
	for (uint32_t k = 0; k < n.nargs; k++)
		arg[k] = sg_items_whole(w, n.args[k]);
	w->whole[at] = sg_remake(&w->b, &n, arg);
	return true;
}

/* y over scalars: those of each x are placeholders until all is done, since x can be read past its
 * elements. */
typedef struct few {
	sg_items items;
	uint32_t nvars;
	const sg_ref *var; /* the x */
	uint32_t *first;   /* by x: its first placeholder */
	uint32_t n, ny;
	sg_ref *x, *y; /* the placeholders, and y over them */
	sg_ref *is;    /* what the placeholders stand for */
} few;

/* Which x is r? nvars: none. */
static uint32_t
which(const few *f, sg_ref r)
{
	uint32_t k = 0;

	while (k < f->nvars && f->var[k] != r)
		k++;
	return k;
}

/* Is each x small, does y depend on it, and none of them on another? */
static bool
are_apart(sg_build *b, const few *f, const sg_cone *cone, const bool *active)
{
	for (uint32_t i = 0; i < f->nvars; i++) {
		const sg_node *n = sg_node_at(b->g, f->var[i]);

		if (!sg_cone_has(cone, f->var[i]) || !sg_count_of(b->sp, n->shape, SG_MOST_ITEMS))
			return false;
		for (uint32_t k = 0; k < n->nargs; k++)
			if (sg_cone_has(cone, n->args[k]) && active[sg_cone_at(cone, n->args[k])])
				return false;
	}
	return true;
}

/* Is all that lies between the x and y small, and not held for other derivatives? */
static bool
is_few(sg_build *b, const few *f, const sg_cone *cone, const bool *active)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < cone->n; i++) {
		const sg_node *n = sg_node_at(b->g, cone->member[i]);
		const uint32_t count = sg_count_of(b->sp, n->shape, SG_MOST_ITEMS);

		if (!active[i] || which(f, cone->member[i]) < f->nvars)
			continue;
		size += count;
		if (count == 0 || size > MOST_ELEMENTS || !goes_by_elements(b, n))
			return false;
	}
	return are_apart(b, f, cone, active);
}

/* The placeholders of x number k, member `at` of the cone. */
static void
hold_elements(few *f, uint32_t k, uint32_t at)
{
	sg_build *b = &f->items.b;
	uint32_t n;
	const sg_ref x = f->var[k], *is = elements_of(&f->items, x, &n);

	f->first[k] = f->n;
	for (uint32_t j = 0; j < n; j++) {
		f->is[f->n + j] = is[j];
		f->x[f->n + j] =
		    sg_seed(b, sg_type_of(b, x), sg_shape_scalar(b->sp), sg_space_fresh(b->sp));
	}
	f->items.whole[at] = 0;
	sg_items_set(&f->items, x, n, f->x + f->n);
	f->n += n;
}

/* Each node between the x and y gets its elements. */
static bool
open_elements(sg_build *b, few *f, sg_ref y, uint32_t nvars, const sg_ref *var)
{
	sg_cone *cone = SG_NEW(b->ctx, sg_cone);
	sg_items *w = &f->items;
	const bool *active;

	*cone = sg_cone_make(b, SG_FOLLOW_ALL, 1, &y, sg_lowest(nvars, var));
	active = sg_cone_active(b, cone, nvars, var);
	*f = (few){.nvars = nvars, .var = var};
	if (!is_few(b, f, cone, active))
		return false;
	*w = (sg_items){.b = *b, .old = b->g, .most = SG_MOST_ITEMS, .cone = cone};
	w->whole = SG_NEW_ARRAY(b->ctx, sg_ref, cone->n);
	w->item = SG_NEW_ARRAY(b->ctx, sg_ref *, cone->n);
	f->first = SG_NEW_ARRAY(b->ctx, uint32_t, nvars);
	f->x = sg_items_new(w, nvars * SG_MOST_ITEMS);
	f->is = sg_items_new(w, nvars * SG_MOST_ITEMS);
	for (uint32_t i = 0; i < cone->n; i++) {
		const sg_ref r = cone->member[i];
		const uint32_t k = which(f, r);

		if (!active[i] || k < nvars)
			w->whole[i] = r;
		if (k < nvars)
			hold_elements(f, k, i);
		else if (active[i] && !go_through(w, active, r, i))
			return false;
	}
	f->y = elements_of(w, y, &f->ny);
	return true;
}

/* Puts the elements of each x in place of what stood for them, in derivatives of y too; gives y
 * itself over them. */
static sg_ref
close_elements(sg_build *b, few *f, sg_ref y, uint32_t n, sg_ref *derivative)
{
	sg_ref *root = SG_NEW_ARRAY(b->ctx, sg_ref, n + 1);

	memcpy(root, derivative, n * sizeof *root);
	root[n] = sg_items_whole(&f->items, y);
	sg_substitute(b, n + 1, root, f->n, f->x, f->is);
	memcpy(derivative, root, n * sizeof *root);
	return root[n];
}

/* The same for one, which may be 0, and is given back. */
static sg_ref
close_one(sg_build *b, few *f, sg_ref y, sg_ref derivative, sg_ref *value)
{
	if (derivative)
		*value = close_elements(b, f, y, 1, &derivative);
	return derivative;
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
			zero = sg_no_path(b, sg_type_of(b, entry[i]), sg_shape_scalar(b->sp));
	for (uint32_t i = 0; i < n; i++)
		entry[i] = entry[i] ? entry[i] : zero;
	return zero ? rows(b, s, 0, &entry) : 0;
}

/* The Jacobian of y by x number k, of shape s; 0: it is zero, or too large. */
static sg_ref
jacobian_of(sg_build *b, const few *f, uint32_t k, bool forward, const sg_shape *s)
{
	const uint32_t n = sg_count_of(b->sp, s, MOST_RESULTS), nx = f->ny ? n / f->ny : 0;
	sg_ref *entry;

	if (nx == 0 || (forward ? nx : f->ny) > MOST_SWEEPS)
		return 0;
	entry = SG_NEW_ARRAY(b->ctx, sg_ref, n);
	sweep(b, forward, f->ny, f->y, nx, f->x + f->first[k], entry);
	return gather(b, n, entry, s);
}

sg_ref
sg_jacobian_by_elements(sg_build *b, sg_ref y, sg_ref x, bool forward, const sg_shape *s,
                        sg_ref *value)
{
	few f;

	if (!sg_count_of(b->sp, s, MOST_RESULTS) || !(y = sg_unrolled(b, y, x)) ||
	    !open_elements(b, &f, y, 1, &x) || f.n * f.ny < 2)
		return 0;
	return close_one(b, &f, y, jacobian_of(b, &f, 0, forward, s), value);
}

bool
sg_jacobians_by_elements(sg_build *b, sg_ref y, uint32_t n, const sg_ref *x, const bool *forward,
                         const sg_shape *const *s, sg_ref *jacobian, sg_ref *value)
{
	few f;

	if (!open_elements(b, &f, y, n, x))
		return false;
	for (uint32_t k = 0; k < n; k++)
		if (!(jacobian[k] = jacobian_of(b, &f, k, forward[k], s[k])))
			return false;
	*value = close_elements(b, &f, y, n, jacobian);
	return true;
}

sg_ref
sg_slopes_by_elements(sg_build *b, sg_ref y, sg_ref x)
{
	const sg_shape *sx = sg_shape_of(b, x), *sy = sg_shape_of(b, y);
	sg_ext e[2 * SG_MAX_RANK];
	sg_ref *entry, *turned, value;
	few f;

	memcpy(e, sx->ext, sx->rank * sizeof *e);
	memcpy(e + sx->rank, sy->ext, sy->rank * sizeof *e);
	const sg_shape *s = sg_shape_make(b->sp, sx->rank + sy->rank, e);

	if (!sg_count_of(b->sp, s, MOST_RESULTS) || !open_elements(b, &f, y, 1, &x) ||
	    f.n > MOST_SWEEPS)
		return 0;
	entry = SG_NEW_ARRAY(b->ctx, sg_ref, (size_t)f.n * f.ny);
	turned = SG_NEW_ARRAY(b->ctx, sg_ref, (size_t)f.n * f.ny);
	sweep(b, true, f.ny, f.y, f.n, f.x, entry);
	for (uint32_t i = 0; i < f.ny; i++)
		for (uint32_t j = 0; j < f.n; j++)
			turned[j * f.ny + i] = entry[i * f.n + j];
	return close_one(b, &f, y, gather(b, f.n * f.ny, turned, s), &value);
}

/* Forward over reverse, of one triangle: the other is the same. */
sg_ref
sg_hessian_by_elements(sg_build *b, sg_ref y, sg_ref x, const sg_shape *s, sg_ref *value,
                       sg_ref *slope)
{
	sg_ref *g, *entry, result[2];
	uint32_t n;
	few f;

	if (!sg_count_of(b->sp, s, MOST_RESULTS) || !(y = sg_unrolled(b, y, x)) ||
	    !open_elements(b, &f, y, 1, &x))
		return 0;
	n = f.n;
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
	result[0] = gather(b, n * n, entry, s);
	result[1] = gather(b, n, g, sg_shape_of(b, x));
	if (!result[0] || !result[1])
		return 0;
	*value = close_elements(b, &f, y, 2, result);
	*slope = result[1];
	return result[0];
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

bool
sg_is_cheaper(sg_build *b, size_t n, const sg_ref *elements, const sg_ref *whole, sg_ref from)
{
	bool all[2];
	const int64_t of_whole = sg_fixed_cost(b, n, whole, from, &all[0]),
		      of_elements = sg_fixed_cost(b, n, elements, from, &all[1]);

	return all[0] && all[1] && of_elements + GAIN < of_whole && 4 * of_elements < 3 * of_whole;
}
