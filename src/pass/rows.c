/* rows.c - derivatives within a loop, by what stands outside of it, through the loop's params.
 *
 * In map((r) -> grad(f(r, x), x), x) the row r is x[i]: it depends on the x that is asked for,
 * though it is a SEED here, which depends on nothing. So before derivatives are taken, y of such a
 * DERIV gets BIND(GATHER(xs, i)) in place of the row, with a new row i, the step's number. All else
 * keeps the row.
 *
 * A carry depends on x through all steps before, whose slopes are not there: an error, which says
 * what to write instead. */
#include "pass/sweep.h"

/* Where a param has its values from: rows of ref[0]; or a carry that starts as ref[0], then is
 * ref[1]. */
typedef struct origin {
	sg_ref param, ref[2];
} origin;

typedef struct rows {
	sg_build b; /* builds the new graph */
	sg_build old;
	sg_program *p;
	const bool *live;
	uint32_t *origin_of; /* param -> its place in origin, + 1 */
	origin *origin;
	size_t norigins, origin_cap;
	uint32_t *seen, now;        /* per origin: seen[k] == now in this search */
	uint32_t *closed, closings; /* the same for the rows of maps within what is looked at */
	sg_ref *index;              /* per origin: the step's number, where some y wants it */
	sg_ref *map;                /* old node -> new node */
	sg_ref *row; /* that y of this DERIV goes through, each after those that its xs have */
	size_t nrows, row_cap;
} rows;

/* ---- what params stand for ---- */

static void
learn_param(rows *f, sg_ref param, sg_ref first, sg_ref next)
{
	if (f->origin_of[param])
		return;
	SG_PUSH(f->b.ctx, f->origin, f->norigins, f->origin_cap, (origin){param, {first, next}});
	f->origin_of[param] = (uint32_t)f->norigins;
}

static void
learn_loop(rows *f, const sg_node *n)
{
	if (n->op == SG_MAP) {
		const uint32_t nxs = (uint32_t)n->attr->w[0];

		for (uint32_t k = 0; k < nxs; k++)
			learn_param(f, n->args[nxs + k], n->args[k], 0);
		return;
	}
	const sg_loop l = sg_loop_parts(n);
	for (uint32_t k = 0; k < l.nc; k++)
		learn_param(f, l.cparam[k], l.init[k], l.next[k]);
	for (uint32_t k = 0; k < l.nx; k++)
		learn_param(f, l.xparam[k], l.xs[k], 0);
}

/* Are there both loops and derivatives? */
static bool
learn(rows *f)
{
	const sg_graph *g = f->old.g;
	size_t nroots;
	const sg_ref *roots = sg_program_roots(f->b.ctx, f->p, &nroots);
	bool derivs = false;

	f->live = sg_graph_live(g, nroots, roots);
	for (sg_ref r = 1; r < g->n; r++) {
		const sg_node *n = sg_node_at(g, r);

		derivs = derivs || (f->live[r] && n->op == SG_DERIV);
		if (!f->live[r] || (n->op != SG_MAP && n->op != SG_SCAN && n->op != SG_WHILE))
			continue;
		if (!f->origin_of)
			f->origin_of = SG_NEW_ARRAY(f->b.ctx, uint32_t, g->n);
		learn_loop(f, n);
	}
	return derivs && f->origin_of;
}

/* ---- what a derivative goes through ---- */

/* The params that a derivative of y comes to above x, but for those of maps within y. */
static sg_ref *
open_params(rows *f, const sg_cone *cone, size_t *n)
{
	const uint32_t now = ++f->closings;
	sg_ref *open = NULL;
	size_t cap = 0, kept = 0;

	*n = 0;
	for (uint32_t i = 0; i < cone->n; i++) {
		const sg_ref r = cone->member[i];
		const sg_node *at = sg_node_at(f->old.g, r);

		if (at->op == SG_SEED && f->origin_of[r])
			SG_PUSH(f->b.ctx, open, *n, cap, r);
		for (int64_t k = 0; at->op == SG_MAP && k < at->attr->w[0]; k++)
			f->closed[f->origin_of[at->args[at->attr->w[0] + k]] - 1] = now;
	}
	for (size_t i = 0; i < *n; i++)
		if (f->closed[f->origin_of[open[i]] - 1] != now)
			open[kept++] = open[i];
	*n = kept;
	return open;
}

static origin *
origin_at(const rows *f, sg_ref param)
{
	return &f->origin[f->origin_of[param] - 1];
}

static bool
first_time(rows *f, sg_ref param)
{
	uint32_t *seen = &f->seen[f->origin_of[param] - 1];
	const bool first = *seen != f->now;

	*seen = f->now;
	return first;
}

/* Does a param that is bound after x depend on it? */
static bool
depends(rows *f, sg_ref param, sg_ref x)
{
	sg_ref *todo = NULL;
	size_t n = 0, cap = 0;

	f->now++;
	first_time(f, param);
	SG_PUSH(f->b.ctx, todo, n, cap, param);
	for (size_t at = 0; at < n; at++) {
		const origin *o = origin_at(f, todo[at]);

		for (int k = 0; k < 2 && o->ref[k]; k++) {
			const sg_cone cone =
			    sg_cone_make(&f->old, SG_FOLLOW_DERIVS, 1, &o->ref[k], x);
			size_t nopen;

			if (sg_cone_has(&cone, x))
				return true;
			const sg_ref *open = open_params(f, &cone, &nopen);
			for (size_t i = 0; i < nopen; i++)
				if (first_time(f, open[i]))
					SG_PUSH(f->b.ctx, todo, n, cap, open[i]);
		}
	}
	return false;
}

/* "'NAME'", or what it is called in general */
static const char *
name_of(const rows *f, sg_ref r, const char *otherwise)
{
	const sg_node *n = sg_node_at(f->old.g, r);
	const char *name = f->old.g->name[r];

	if (!name && n->op == SG_INPUT)
		name = f->p->input[n->attr->w[0]].name;
	return name ? sg_text(f->b.ctx, "'%s'", name) : otherwise;
}

static void
refuse(rows *f, sg_ref deriv, sg_ref x)
{
	sg_diag *d = sg_error(
	    f->b.ctx, f->old.g->span[deriv], "carry-derivative",
	    "this derivative by %s goes through a carry of the loop around it, which earlier "
	    "steps computed from %s",
	    name_of(f, x, "a name from outside"), name_of(f, x, "the same"));

	sg_add_hint(
	    f->b.ctx, d,
	    "take the derivative of the loop's result, outside of the loop; or, if the carry "
	    "is to count as a constant, say so: stop_gradient(carry)");
}

/* Lists the rows that y goes through and that depend on x. False: it goes through a carry. */
static bool
find_rows(rows *f, sg_ref deriv, sg_ref y, sg_ref x)
{
	const sg_cone cone = sg_cone_make(&f->old, SG_FOLLOW_DERIVS, 1, &y, x + 1);
	size_t nopen;
	const sg_ref *open = open_params(f, &cone, &nopen);

	for (size_t i = 0; i < nopen; i++) {
		const origin o = *origin_at(f, open[i]);
		bool known = false;

		for (size_t k = 0; k < f->nrows; k++)
			known = known || f->row[k] == open[i];
		if (known || !depends(f, open[i], x))
			continue;
		if (o.ref[1]) {
			refuse(f, deriv, x);
			return false;
		}
		if (!find_rows(f, deriv, o.ref[0], x))
			return false;
		SG_PUSH(f->b.ctx, f->row, f->nrows, f->row_cap, open[i]);
	}
	return true;
}

/* ---- the new graph ---- */

/* The step's number, beside the row `param`. */
static sg_ref
index_of(rows *f, sg_ref param)
{
	sg_ref *at = &f->index[f->origin_of[param] - 1];

	if (!*at)
		*at = sg_seed(&f->b, SG_I64, sg_shape_scalar(f->b.sp), sg_space_fresh(f->b.sp));
	return *at;
}

static sg_ref remade(rows *f, sg_ref r, const sg_ref *arg);

/* Old node r in the new graph. A row of a segment of steps (checkpoint=k) is after what uses it. */
static sg_ref
moved(rows *f, sg_ref r)
{
	const sg_node *n = sg_node_at(f->old.g, r);
	sg_ref *arg;

	if (f->map[r] || !r)
		return f->map[r];
	arg = SG_NEW_ARRAY(f->b.ctx, sg_ref, n->nargs + 1);
	for (uint32_t k = 0; k < n->nargs; k++)
		arg[k] = moved(f, n->args[k]);
	f->b.g->here = f->old.g->span[r];
	f->map[r] = remade(f, r, arg);
	if (f->old.g->name[r] && !f->b.g->name[f->map[r]])
		f->b.g->name[f->map[r]] = f->old.g->name[r];
	return f->map[r];
}

/* y with x[i] in place of the rows. */
static sg_ref
through_rows(rows *f, sg_ref y)
{
	sg_build *b = &f->b;
	sg_ref *from = SG_NEW_ARRAY(b->ctx, sg_ref, f->nrows + 1),
	       *to = SG_NEW_ARRAY(b->ctx, sg_ref, f->nrows + 1);
	const sg_span here = b->g->here;

	for (size_t k = 0; k < f->nrows; k++) {
		sg_ref xs = moved(f, origin_at(f, f->row[k])->ref[0]);

		sg_substitute(b, 1, &xs, k, from, to);
		from[k] = moved(f, f->row[k]);
		b->g->here = here;
		to[k] = sg_bind(b, sg_gather(b, xs, index_of(f, f->row[k]), 0, 0),
		                sg_space_fresh(b->sp));
	}
	sg_substitute(b, 1, &y, f->nrows, from, to);
	return y;
}

static sg_ref
derivative(rows *f, sg_ref r, const sg_ref *arg)
{
	const sg_node n = *sg_node_at(f->old.g, r);
	sg_build *b = &f->b;

	f->nrows = 0;
	if (!find_rows(f, r, n.args[0], n.args[1]) || !f->nrows)
		return sg_remake(b, &n, arg);
	return sg_deriv(b, (sg_deriv_kind)n.attr->w[0], (sg_deriv_mode)n.attr->w[1],
	                through_rows(f, arg[0]), arg[1], n.nargs > 2 ? arg[2] : 0);
}

/* The xs of a loop and their rows in the new graph, and the numbers of the steps where they are
 * asked for. */
static uint32_t
with_index(rows *f, sg_ext length, uint32_t n, const sg_ref *old_row, const sg_ref *xs,
           const sg_ref *row, sg_ref *all, sg_ref *all_rows)
{
	uint32_t count = n;

	for (uint32_t k = 0; k < n; k++) {
		const sg_ref i = f->index[f->origin_of[old_row[k]] - 1];

		all[k] = xs[k];
		all_rows[k] = row[k];
		if (!i)
			continue;
		all[count] = sg_iota(&f->b, length);
		all_rows[count++] = i;
	}
	return count;
}

static sg_ref
map_node(rows *f, const sg_node *n, const sg_ref *arg)
{
	const uint32_t nxs = (uint32_t)n->attr->w[0];
	sg_ref *xs = SG_NEW_ARRAY(f->b.ctx, sg_ref, 2 * nxs),
	       *row = SG_NEW_ARRAY(f->b.ctx, sg_ref, 2 * nxs);
	const uint32_t all =
	    with_index(f, n->shape->ext[0], nxs, n->args + nxs, arg, arg + nxs, xs, row);

	return sg_map_node(&f->b, all, xs, row, arg[2 * nxs]);
}

static sg_ref
scan_node(rows *f, const sg_node *n, const sg_ref *arg)
{
	const sg_loop was = sg_loop_parts(n);
	sg_node moved = *n;

	moved.args = arg;
	sg_loop l = sg_loop_parts(&moved);
	sg_ref *xs = SG_NEW_ARRAY(f->b.ctx, sg_ref, 2 * l.nx),
	       *row = SG_NEW_ARRAY(f->b.ctx, sg_ref, 2 * l.nx);
	l.nx = with_index(f, l.length, l.nx, was.xparam, l.xs, l.xparam, xs, row);
	l.xs = xs;
	l.xparam = row;
	return sg_loop_make(&f->b, &l);
}

static sg_ref
remade(rows *f, sg_ref r, const sg_ref *arg)
{
	const sg_node n = *sg_node_at(f->old.g, r);

	switch (n.op) {
	case SG_DERIV:
		return derivative(f, r, arg);
	case SG_MAP:
		return map_node(f, &n, arg);
	case SG_SCAN:
		return scan_node(f, &n, arg);
	default:
		return sg_remake(&f->b, &n, arg);
	}
}

static void
rebuild(rows *f)
{
	for (sg_ref r = 1; r < f->old.g->n; r++)
		if (f->live[r])
			moved(f, r);
	sg_program_remap(f->p, f->b.g, f->map);
}

/* Does some derivative go through a row that depends on its x? */
static bool
any_rows(rows *f)
{
	bool any = false;

	for (sg_ref r = 1; r < f->old.g->n; r++) {
		const sg_node *n = sg_node_at(f->old.g, r);

		if (!f->live[r] || n->op != SG_DERIV)
			continue;
		f->nrows = 0;
		if (!find_rows(f, r, n->args[0], n->args[1]))
			return false;
		any = any || f->nrows;
	}
	return any;
}

void
sg_follow_rows(sg_ctx *ctx, sg_program *p)
{
	rows f = {
	    .b = {.ctx = ctx, .sp = p->sp}, .old = {.ctx = ctx, .sp = p->sp, .g = p->g}, .p = p};

	if (!learn(&f))
		return;
	f.seen = SG_NEW_ARRAY(ctx, uint32_t, f.norigins);
	f.closed = SG_NEW_ARRAY(ctx, uint32_t, f.norigins);
	if (!any_rows(&f))
		return;
	f.b.g = sg_graph_sized(p->sp, 2 * (size_t)p->g->n);
	f.map = SG_NEW_ARRAY(ctx, sg_ref, p->g->n);
	f.index = SG_NEW_ARRAY(ctx, sg_ref, f.norigins);
	rebuild(&f);
}
