/* derive.c - DERIV nodes become derivatives.
 *
 * The graph is rebuilt in index order, so that what a DERIV is taken of holds no DERIV any more:
 * innermost first, to any order. BIND keeps its variables apart until all is done. */
#include "pass/elements.h"
#include "pass/jacobian.h"
#include "pass/rows.h"

#include <string.h>

enum { MOST_TWINS = 32 }; /* each is looked for in the whole graph */

/* ---- the walk
 * ------------------------------------------------------------------------------------- */

/* A value, and the same over scalars. */
typedef struct twin {
	sg_ref y, scalars;
} twin;

typedef struct derive {
	sg_build b; /* builds the new graph */
	sg_program *p;
	const sg_graph *old;
	const bool *live;
	sg_rows *rows;
	sg_ref *map;  /* old node -> new node */
	sg_ref *next; /* the next live DERIV of the same y, or MAP of the same body */
	sg_ref *slice; /* by MAP: what its body's result has become; 0: not known yet */
	twin *twin;   /* what derivatives by elements stand on beside y */
	size_t ntwins, twin_cap;
} derive;

static sg_deriv_kind
kind_of(const sg_node *n)
{
	return (sg_deriv_kind)n->attr->w[0];
}

/* Does one adjoint of y, with a seed, answer it? */
static bool
one_sweep(const sg_node *n)
{
	const bool is_grad = kind_of(n) == SG_GRAD && n->attr->w[1] != SG_MODE_FORWARD;

	return is_grad || kind_of(n) == SG_VJP;
}

static sg_ref
old_v(const sg_node *n)
{
	return n->nargs > 2 ? n->args[2] : 0;
}

static void
warn_zero(derive *d, sg_ref r)
{
	const sg_node n = d->old->node[r];
	const char *y = d->old->name[n.args[0]], *x = d->old->name[n.args[1]];

	if (sg_error_count(d->b.ctx)) /* it is zero for want of what could not be had */
		return;
	if (n.args[1] && !x && sg_node_at(d->old, n.args[1])->op == SG_INPUT)
		x = d->p->input[sg_node_at(d->old, n.args[1])->attr->w[0]].name;
	sg_warning(d->b.ctx, d->old->span[r], "zero-derivative",
	           "%s%s%s does not depend on %s%s%s: the derivative is zero", y ? "'" : "",
	           y ? y : "the value", y ? "'" : "", x ? "'" : "", x ? x : "the variable",
	           x ? "'" : "");
}

/* The node that DERIV r becomes, given its derivative or 0. */
static void
settle(derive *d, sg_ref r, sg_ref result, sg_ref fresh)
{
	const sg_node n = d->old->node[r];
	const bool cross = n.attr->w[1] == SG_MODE_CROSS; /* a sum is what it is without -0 */

	if (!result) {
		if (!cross && n.attr->w[1] != SG_MODE_OWN)
			warn_zero(d, r);
		result = sg_const(&d->b, (sg_type)n.type, n.shape, cross ? -0.0 : 0);
	}
	sg_need(d->b.ctx, sg_shape_of(&d->b, result) == n.shape, "a derivative of another shape");
	result = sg_cast(&d->b, result, (sg_type)n.type);
	if (d->old->name[r] && (result >= fresh || !d->b.g->name[result]))
		d->b.g->name[result] = d->old->name[r];
	d->map[r] = result;
}

/* ---- by elements, where that is cheaper ---- */

/* Derivatives of y are taken that stand on `scalars`. */
static void
note_twin(derive *d, sg_ref y, sg_ref scalars)
{
	if (scalars != y && d->ntwins < MOST_TWINS)
		SG_PUSH(d->b.ctx, d->twin, d->ntwins, d->twin_cap, (twin){y, scalars});
}

/* `elements` of y, where they stand on `scalars` and are cheaper than `whole`. */
static sg_ref
cheaper(derive *d, sg_ref y, sg_ref whole, sg_ref elements, sg_ref scalars, sg_ref fresh)
{
	if (!whole || !elements || !sg_is_cheaper(&d->b, 1, &elements, &whole, fresh))
		return whole;
	note_twin(d, y, scalars);
	return elements;
}

static sg_ref
cheaper_gradient(derive *d, sg_ref y, sg_ref x, sg_ref whole, sg_ref fresh)
{
	const sg_shape *s = sg_shape_of(&d->b, x);
	sg_ref scalars = y;
	const sg_ref g = sg_jacobian_by_elements(&d->b, y, x, false, s, &scalars);

	return cheaper(d, y, whole, g, scalars, fresh);
}

static sg_ref
cheaper_jacobian(derive *d, sg_ref y, sg_ref x, sg_deriv_mode mode)
{
	sg_build *b = &d->b;
	const sg_ref fresh = b->g->n, whole = sg_take_jacobian(b, y, x, mode);
	const bool forward = sg_jacobian_mode(b, y, x, mode) == SG_MODE_FORWARD;
	const sg_shape *s = sg_shape_of(b, whole ? whole : y);
	sg_ref scalars = y;

	if (!whole)
		return 0;
	const sg_ref j = sg_jacobian_by_elements(b, y, x, forward, s, &scalars);

	return cheaper(d, y, whole, j, scalars, fresh);
}

/* The same for several x, which may be cheaper together than one by one. */
static void
cheaper_jacobians(derive *d, sg_ref y, uint32_t n, const sg_ref *x, const sg_deriv_mode *mode,
                  sg_ref *jacobian)
{
	sg_build *b = &d->b;
	const sg_ref fresh = b->g->n;
	const sg_shape **s = SG_NEW_ARRAY(b->ctx, const sg_shape *, n);
	sg_ref *elements = SG_NEW_ARRAY(b->ctx, sg_ref, n), scalars = y;
	bool *forward = SG_NEW_ARRAY(b->ctx, bool, n), all = true;

	for (uint32_t k = 0; k < n; k++) {
		jacobian[k] = cheaper_jacobian(d, y, x[k], mode[k]);
		forward[k] = sg_jacobian_mode(b, y, x[k], mode[k]) == SG_MODE_FORWARD;
		all = all && jacobian[k];
	}
	for (uint32_t k = 0; all && k < n; k++)
		s[k] = sg_shape_of(b, jacobian[k]);
	if (n < 2 || !all ||
	    !sg_jacobians_by_elements(b, y, n, x, forward, s, elements, &scalars) ||
	    !sg_is_cheaper(b, n, elements, jacobian, fresh))
		return;
	note_twin(d, y, scalars);
	memcpy(jacobian, elements, n * sizeof *jacobian);
}

static sg_ref
cheaper_hessian(derive *d, sg_ref y, sg_ref x, sg_deriv_mode mode)
{
	const sg_ref fresh = d->b.g->n, whole = sg_take_hessian(&d->b, y, x, mode);
	sg_ref scalars = y, slope = 0, g;

	if (!whole || mode != SG_MODE_AUTO)
		return whole;
	g = sg_take_gradient(&d->b, y, x, SG_MODE_REVERSE);
	const sg_ref h =
	    sg_hessian_by_elements(&d->b, y, x, sg_shape_of(&d->b, whole), &scalars, &slope);

	if (h && cheaper(d, y, whole, h, scalars, fresh) == h && slope) {
		note_twin(d, g, slope);
		return h;
	}
	return whole;
}

/* Is it cheaper with scalars for the ys of twins[0..n)? Then the roots have them. */
static bool
take_twins(derive *d, size_t n, const twin *twins, size_t nroots, sg_ref *root)
{
	sg_ref *other = sg_copy(d->b.ctx, root, nroots * sizeof *root);
	sg_ref *y = SG_NEW_ARRAY(d->b.ctx, sg_ref, n), *scalars = SG_NEW_ARRAY(d->b.ctx, sg_ref, n);
	bool all;

	for (size_t k = 0; k < n; k++)
		y[k] = twins[k].y, scalars[k] = twins[k].scalars;
	sg_substitute(&d->b, nroots, other, n, y, scalars);
	if (sg_fixed_cost(&d->b, nroots, other, 1, &all) >=
	    sg_fixed_cost(&d->b, nroots, root, 1, &all))
		return false;
	memcpy(root, other, nroots * sizeof *root);
	return true;
}

/* Roots that stand on most of the scalars, for a derivative, take the value from them too: it is
 * not computed twice. Together twins may be cheaper where none is alone. */
static void
use_twins(derive *d, size_t n, const twin *twins, size_t nroots, sg_ref *root)
{
	if (n == 0 || take_twins(d, n, twins, nroots, root))
		return;
	for (size_t k = 0; n > 1 && k < n; k++)
		(void)take_twins(d, 1, twins + k, nroots, root);
}

static void
use_twins_of_entry(derive *d, sg_entry_ir *e)
{
	sg_ref *root = SG_NEW_ARRAY(d->b.ctx, sg_ref, e->nout + 1);

	for (size_t i = 0; i < e->nout; i++)
		root[i] = e->out[i].ref;
	use_twins(d, d->ntwins, d->twin, e->nout, root);
	for (size_t i = 0; i < e->nout; i++)
		e->out[i].ref = root[i];
}

/* ---- within a loop ---- */

static sg_ref moved(derive *d, sg_ref r);

/* What a derivative is taken of, and the rows of the loops around it that it goes through. */
typedef struct target {
	sg_ref y, *held;
	const sg_row *row;
	size_t nrows;
} target;

static target
open_target(derive *d, sg_ref r)
{
	const sg_span here = d->b.g->here;
	target t = {.y = d->map[sg_arg(d->old, r, 0)]};

	if (!d->rows || !(t.nrows = sg_rows_through(d->rows, r, &t.row)))
		return t;
	for (size_t k = 0; k < t.nrows;
	     k++) { /* those of a segment of steps come after what uses them */
		moved(d, t.row[k].xs);
		moved(d, t.row[k].param);
	}
	d->b.g->here = here;
	t.held = SG_NEW_ARRAY(d->b.ctx, sg_ref, t.nrows);
	t.y = sg_rows_open(d->rows, &d->b, t.nrows, t.row, d->map, t.y, t.held);
	return t;
}

static sg_ref
closed(derive *d, const target *t, sg_ref result)
{
	return t->nrows ? sg_rows_close(&d->b, t->nrows, t->row, d->map, result, t->held) : result;
}

static bool
goes_through_rows(derive *d, sg_ref r)
{
	const sg_row *row;

	return d->rows && sg_rows_through(d->rows, r, &row);
}

/* ---- of every kind ---- */

/* May s, a later DERIV of r's y, be taken with it? Its x, which may be no operand of y, is built
 * already then, and it goes through no loop around. */
static bool
comes_along(derive *d, sg_ref s, sg_ref r)
{
	return sg_node_at(d->old, s)->args[1] < r && !goes_through_rows(d, s);
}

/* All adjoints that one sweep over y gives: of DERIV r, and of the later ones with its y and v. */
static void
sweep_together(derive *d, sg_ref r)
{
	const sg_node n = d->old->node[r];
	const sg_ref fresh = d->b.g->n;
	const target t = open_target(d, r);
	sg_ref seed = old_v(&n) ? d->map[old_v(&n)] : sg_const_like(&d->b, t.y, 1);
	sg_ref *member = NULL, *x = NULL, *adjoint;
	size_t count = 0, nx = 0, member_cap = 0, x_cap = 0;

	for (sg_ref s = r; s; s = t.nrows ? 0 : d->next[s]) {
		const sg_node *m = sg_node_at(d->old, s);

		if (d->map[s] || !one_sweep(m) || old_v(m) != old_v(&n))
			continue;
		if (s != r && !comes_along(d, s, r))
			continue;
		SG_PUSH(d->b.ctx, member, count, member_cap, s);
		SG_PUSH(d->b.ctx, x, nx, x_cap, d->map[m->args[1]]);
	}
	adjoint = SG_NEW_ARRAY(d->b.ctx, sg_ref, count);
	sg_reverse(&d->b, t.y, seed, count, x, adjoint);
	if (count == 1 && !old_v(&n))
		adjoint[0] = cheaper_gradient(d, t.y, x[0], adjoint[0], fresh);
	for (size_t i = 0; i < count; i++)
		settle(d, member[i], closed(d, &t, adjoint[i]), fresh);
}

static bool
has(size_t n, const sg_ref *x, sg_ref r)
{
	for (size_t i = 0; i < n; i++)
		if (x[i] == r)
			return true;
	return false;
}

/* The Jacobian that DERIV r is, and the later ones of its y. */
static void
jacobians_together(derive *d, sg_ref r)
{
	const sg_ref fresh = d->b.g->n;
	const target t = open_target(d, r);
	sg_ref *member = NULL, *x = NULL, *result;
	size_t n = 0, nx = 0, nmodes = 0, member_cap = 0, x_cap = 0, mode_cap = 0;
	sg_deriv_mode *mode = NULL;

	for (sg_ref s = r; s; s = t.nrows ? 0 : d->next[s]) {
		const sg_node *m = sg_node_at(d->old, s);

		if (d->map[s] || kind_of(m) != SG_JACOBIAN || (s != r && !comes_along(d, s, r)) ||
		    has(nx, x, d->map[m->args[1]]))
			continue;
		SG_PUSH(d->b.ctx, member, n, member_cap, s);
		SG_PUSH(d->b.ctx, x, nx, x_cap, d->map[m->args[1]]);
		SG_PUSH(d->b.ctx, mode, nmodes, mode_cap, (sg_deriv_mode)m->attr->w[1]);
	}
	result = SG_NEW_ARRAY(d->b.ctx, sg_ref, n);
	cheaper_jacobians(d, t.y, (uint32_t)n, x, mode, result);
	for (size_t i = 0; i < n; i++)
		settle(d, member[i], closed(d, &t, result[i]), fresh);
}

static void
derivative(derive *d, sg_ref r)
{
	const sg_node n = d->old->node[r];
	const sg_ref x = d->map[n.args[1]], fresh = d->b.g->n;
	const sg_ref v = old_v(&n) ? d->map[old_v(&n)] : 0;
	const sg_deriv_mode mode = (sg_deriv_mode)n.attr->w[1];
	sg_ref result = 0;

	if (one_sweep(&n) || kind_of(&n) == SG_JACOBIAN) {
		(one_sweep(&n) ? sweep_together : jacobians_together)(d, r);
		return;
	}
	const target t = open_target(d, r);
	switch (kind_of(&n)) {
	case SG_GRAD: /* forward: the others are one sweep */
	case SG_VJP:
	case SG_JACOBIAN: /* with others */
		result = cheaper_jacobian(d, t.y, x, mode);
		break;
	case SG_JVP:
		result = sg_forward(&d->b, t.y, 1, &x, &v);
		break;
	case SG_HESSIAN:
		result = cheaper_hessian(d, t.y, x, mode);
		break;
	case SG_HVP:
		result = sg_take_hessian_times(&d->b, t.y, x, v);
		break;
	}
	settle(d, r, closed(d, &t, result), fresh);
}

/* What the node shares with its siblings: y of a DERIV, the first row of a MAP. */
static sg_ref
family(const sg_node *n)
{
	return n->op == SG_DERIV ? n->args[0] : n->op == SG_MAP ? n->args[n->attr->w[0]] : 0;
}

/* next[]: DERIVs of one y, MAPs of one body, in index order. */
static void
link_siblings(derive *d)
{
	sg_ref *last = SG_NEW_ARRAY(d->b.ctx, sg_ref, d->old->n);

	for (sg_ref r = 1; r < d->old->n; r++) {
		const sg_ref of = family(sg_node_at(d->old, r));
		sg_ref *before = &last[of];

		if (!d->live[r] || of == 0)
			continue;
		if (*before && sg_node_at(d->old, *before)->op == sg_node_at(d->old, r)->op)
			d->next[*before] = r;
		*before = r;
	}
}

/* ---- the walk ---- */

/* The xs of a loop and their rows, and the numbers of its steps where they are asked for. */
static uint32_t
rows_of(derive *d, sg_ext length, uint32_t nxs, const sg_ref *param, const sg_ref *xs,
        const sg_ref *row, sg_ref **all_xs, sg_ref **all_rows)
{
	*all_xs = SG_NEW_ARRAY(d->b.ctx, sg_ref, 2 * nxs + 1);
	*all_rows = SG_NEW_ARRAY(d->b.ctx, sg_ref, 2 * nxs + 1);
	for (uint32_t k = 0; k < nxs; k++) {
		(*all_xs)[k] = xs[k];
		(*all_rows)[k] = row[k];
	}
	return sg_rows_index(d->rows, &d->b, length, nxs, param, *all_xs, *all_rows);
}

/* slice[] of MAP r and its siblings: one body gives them all, and its value may be there over
 * scalars for its derivatives. */
static void
settle_slices(derive *d, sg_ref r)
{
	const uint32_t result = 2 * (uint32_t)sg_node_at(d->old, r)->attr->w[0];
	const sg_ref row = d->map[family(sg_node_at(d->old, r))];
	sg_ref *root = NULL;
	twin *inside = NULL;
	size_t n = 0, cap = 0, ninside = 0, inside_cap = 0;

	for (sg_ref s = r; s; s = d->next[s])
		SG_PUSH(d->b.ctx, root, n, cap, moved(d, sg_node_at(d->old, s)->args[result]));
	for (size_t k = 0; k < d->ntwins; k++)
		if (d->twin[k].y > row)
			SG_PUSH(d->b.ctx, inside, ninside, inside_cap, d->twin[k]);
	use_twins(d, ninside, inside, n, root);
	n = 0;
	for (sg_ref s = r; s; s = d->next[s])
		d->slice[s] = root[n++];
}

/* The result over one slice becomes the result over all. */
static sg_ref
mapped(derive *d, sg_ref r, const sg_node *n, const sg_ref *arg)
{
	const uint32_t nxs = (uint32_t)n->attr->w[0];
	sg_ref *xs, *row;

	if (!d->slice[r])
		settle_slices(d, r);
	sg_ref result = d->slice[r];
	const uint32_t all =
	    rows_of(d, n->shape->ext[0], nxs, n->args + nxs, arg, arg + nxs, &xs, &row);

	sg_batch(&d->b, 1, &result, all, row, xs, n->shape->ext[0]);
	return result;
}

static sg_ref
scanned(derive *d, const sg_node *n, const sg_ref *arg)
{
	const sg_loop old = sg_loop_parts(n);
	sg_node now = *n;
	sg_ref *xs, *row;

	now.args = arg;
	sg_loop l = sg_loop_parts(&now);
	l.nx = rows_of(d, l.length, l.nx, old.xparam, l.xs, l.xparam, &xs, &row);
	l.xs = xs;
	l.xparam = row;
	return sg_loop_make(&d->b, &l);
}

/* What becomes of node r; not of a DERIV. */
static sg_ref
remade(derive *d, sg_ref r, const sg_node *n, const sg_ref *arg)
{
	if (n->op == SG_MAP)
		return mapped(d, r, n, arg);
	if (n->op == SG_SCAN)
		return scanned(d, n, arg);
	return sg_remake(&d->b, n, arg);
}

/* Old node r in the new graph. */
static sg_ref
moved(derive *d, sg_ref r)
{
	const sg_node n = d->old->node[r];
	sg_ref few[8], *arg = few;

	if (!r || d->map[r])
		return d->map[r];
	if (n.nargs > sizeof few / sizeof *few)
		arg = SG_NEW_ARRAY(d->b.ctx, sg_ref, n.nargs);
	for (uint32_t k = 0; k < n.nargs; k++)
		arg[k] = moved(d, n.args[k]);
	d->b.g->here = d->old->span[r];
	if (n.op == SG_DERIV) {
		derivative(d, r);
		return d->map[r];
	}
	d->map[r] = remade(d, r, &n, arg);
	if (d->old->name[r] && !d->b.g->name[d->map[r]])
		d->b.g->name[d->map[r]] = d->old->name[r];
	return d->map[r];
}

void
sg_derive(sg_ctx *ctx, sg_program *p)
{
	derive d = {.b = {.ctx = ctx, .sp = p->sp, .g = sg_graph_sized(p->sp, 2 * (size_t)p->g->n)},
	            .p = p,
	            .old = p->g};
	size_t nroots;
	const sg_ref *roots = sg_program_roots(ctx, p, &nroots);

	d.live = sg_graph_live(d.old, nroots, roots);
	d.map = SG_NEW_ARRAY(ctx, sg_ref, d.old->n);
	d.next = SG_NEW_ARRAY(ctx, sg_ref, d.old->n);
	d.slice = SG_NEW_ARRAY(ctx, sg_ref, d.old->n);
	d.rows = sg_rows_learn(ctx, p, d.live);
	link_siblings(&d);
	for (sg_ref r = 1; r < d.old->n; r++)
		if (d.live[r])
			moved(&d, r);
	sg_program_remap(p, d.b.g, d.map);
	for (size_t e = 0; d.ntwins > 0 && e < p->nentries; e++)
		use_twins_of_entry(&d, &p->entry[e]);
	sg_rebuild(ctx, p, false, true);
}
