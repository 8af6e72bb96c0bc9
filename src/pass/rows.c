/* rows.c - derivatives within a loop, by what stands outside of it, through the loop's params.
 *
 * In map((r) -> grad(f(r, x), x), x) the row r is x[i]: it depends on the x that is asked for,
 * though it is a SEED here, which depends on nothing. So y of such a DERIV gets BIND(GATHER(xs, i))
 * in place of the row, with a new row i, the step's number; its derivative has the row again, as a
 * derivative around it may be taken by that.
 *
 * A carry depends on x through all steps before, whose slopes are not there: an error, which says
 * what to write instead. */
#include "pass/rows.h"

/* Where a param has its values from: rows of ref[0]; or a carry that starts as ref[0], then is
 * ref[1]. */
typedef struct origin {
	sg_ref param, ref[2];
} origin;

struct sg_rows {
	sg_build old;
	sg_program *p;
	uint32_t *origin_of; /* param -> its place in origin, + 1 */
	origin *origin;
	size_t norigins, origin_cap;
	uint32_t *seen, now;        /* per origin: seen[k] == now in this search */
	uint32_t *closed, closings; /* the same for the params of loops within what is looked at */
	uint32_t *within;           /* per node: it is within that */
	sg_ref *index; /* per origin: the step's number in the new graph, where some y wants it */
	sg_ref last_y, last_x, *last_open; /* y's params that are open above x; 0: none is known */
	size_t nlast;
	sg_row *row;   /* that y of this DERIV goes through, each after those that its xs have */
	size_t nrows, row_cap;
};

/* ---- what params stand for ---- */

static void
learn_param(sg_rows *f, sg_ref param, sg_ref first, sg_ref next)
{
	if (f->origin_of[param])
		return;
	SG_PUSH(f->old.ctx, f->origin, f->norigins, f->origin_cap, (origin){param, {first, next}});
	f->origin_of[param] = (uint32_t)f->norigins;
}

static void
learn_loop(sg_rows *f, const sg_node *n)
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
learn(sg_rows *f, const bool *live)
{
	const sg_graph *g = f->old.g;
	bool derivs = false;

	for (sg_ref r = 1; r < g->n; r++) {
		const sg_node *n = sg_node_at(g, r);

		derivs = derivs || (live[r] && n->op == SG_DERIV);
		if (!live[r] || (n->op != SG_MAP && n->op != SG_SCAN && n->op != SG_WHILE))
			continue;
		if (!f->origin_of)
			f->origin_of = SG_NEW_ARRAY(f->old.ctx, uint32_t, g->n);
		learn_loop(f, n);
	}
	return derivs && f->origin_of;
}

/* ---- what a derivative goes through ---- */

/* The params of the loop are closed in this search. */
static void
close_params(sg_rows *f, const sg_node *n, uint32_t now)
{
	const bool is_map = n->op == SG_MAP;

	if (!is_map && n->op != SG_SCAN && n->op != SG_WHILE)
		return;
	const sg_loop l = is_map ? (sg_loop){0} : sg_loop_parts(n);
	const uint32_t nx = is_map ? (uint32_t)n->attr->w[0] : l.nx;
	const sg_ref *x = is_map ? n->args + nx : l.xparam;

	for (uint32_t k = 0; k < nx; k++)
		f->closed[f->origin_of[x[k]] - 1] = now;
	for (uint32_t k = 0; k < l.nc; k++)
		f->closed[f->origin_of[l.cparam[k]] - 1] = now;
}

/* Those of all loops that y needs, in bodies of loops too. */
static void
close_all_within(sg_rows *f, sg_ref y, uint32_t now)
{
	const sg_graph *g = f->old.g;
	sg_ref *todo = NULL;
	size_t n = 0, cap = 0;

	if (!f->within)
		f->within = SG_NEW_ARRAY(f->old.ctx, uint32_t, g->n);
	f->within[y] = now;
	SG_PUSH(f->old.ctx, todo, n, cap, y);
	while (n > 0) {
		const sg_node *at = sg_node_at(g, todo[--n]);

		close_params(f, at, now);
		for (uint32_t k = 0; k < at->nargs; k++)
			if (f->within[at->args[k]] != now) {
				f->within[at->args[k]] = now;
				SG_PUSH(f->old.ctx, todo, n, cap, at->args[k]);
			}
	}
}

static size_t
keep_open(const sg_rows *f, size_t n, sg_ref *open, uint32_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (f->closed[f->origin_of[open[i]] - 1] != now)
			open[kept++] = open[i];
	return kept;
}

/* The params that a derivative of y comes to above x, but for those of loops within y. What only the
 * slices of a map in a loop's body make is captured by the loop, so that maps are looked for in bodies
 * too, where there is need. */
static sg_ref *
open_params(sg_rows *f, sg_ref y, const sg_cone *cone, size_t *n)
{
	const uint32_t now = ++f->closings;
	sg_ref *open = NULL;
	size_t cap = 0;

	*n = 0;
	for (uint32_t i = 0; i < cone->n; i++) {
		const sg_ref r = cone->member[i];
		const sg_node *at = sg_node_at(f->old.g, r);

		if (at->op == SG_SEED && f->origin_of[r])
			SG_PUSH(f->old.ctx, open, *n, cap, r);
		close_params(f, at, now);
	}
	*n = keep_open(f, *n, open, now);
	if (*n) {
		close_all_within(f, y, now);
		*n = keep_open(f, *n, open, now);
	}
	return open;
}

/* The same as open_params. A gradient by many names asks for one y again and again, for one x after
 * the other: what is open above the first, and stands above the next, is open above that. */
static sg_ref *
open_above(sg_rows *f, sg_ref y, sg_ref x, size_t *n)
{
	sg_ref *open;

	if (f->last_y != y || x < f->last_x) {
		const sg_cone cone = sg_cone_make(&f->old, SG_FOLLOW_DERIVS, 1, &y, x + 1);

		f->last_open = open_params(f, y, &cone, &f->nlast);
		f->last_y = y;
		f->last_x = x;
	}
	open = SG_NEW_ARRAY(f->old.ctx, sg_ref, f->nlast + 1);
	*n = 0;
	for (size_t i = 0; i < f->nlast; i++)
		if (f->last_open[i] > x)
			open[(*n)++] = f->last_open[i];
	return open;
}

static origin *
origin_at(const sg_rows *f, sg_ref param)
{
	return &f->origin[f->origin_of[param] - 1];
}

static bool
first_time(sg_rows *f, sg_ref param)
{
	uint32_t *seen = &f->seen[f->origin_of[param] - 1];
	const bool first = *seen != f->now;

	*seen = f->now;
	return first;
}

/* Does a param that is bound after x depend on it? */
static bool
depends(sg_rows *f, sg_ref param, sg_ref x)
{
	sg_ref *todo = NULL;
	size_t n = 0, cap = 0;

	f->now++;
	first_time(f, param);
	SG_PUSH(f->old.ctx, todo, n, cap, param);
	for (size_t at = 0; at < n; at++) {
		const origin *o = origin_at(f, todo[at]);

		for (int k = 0; k < 2 && o->ref[k]; k++) {
			const sg_cone cone =
			    sg_cone_make(&f->old, SG_FOLLOW_DERIVS, 1, &o->ref[k], x);
			size_t nopen;

			if (sg_cone_has(&cone, x))
				return true;
			const sg_ref *open = open_params(f, o->ref[k], &cone, &nopen);
			for (size_t i = 0; i < nopen; i++)
				if (first_time(f, open[i]))
					SG_PUSH(f->old.ctx, todo, n, cap, open[i]);
		}
	}
	return false;
}

/* "'NAME'", or what it is called in general */
static const char *
name_of(const sg_rows *f, sg_ref r, const char *otherwise)
{
	const sg_node *n = sg_node_at(f->old.g, r);
	const char *name = f->old.g->name[r];

	if (!name && n->op == SG_INPUT)
		name = f->p->input[n->attr->w[0]].name;
	return name ? sg_text(f->old.ctx, "'%s'", name) : otherwise;
}

static void
refuse(sg_rows *f, sg_ref deriv, sg_ref x)
{
	sg_diag *d = sg_error(
	    f->old.ctx, f->old.g->span[deriv], "carry-derivative",
	    "this derivative by %s goes through a carry of the loop around it, which earlier "
	    "steps computed from %s",
	    name_of(f, x, "a name from outside"), name_of(f, x, "the same"));

	sg_add_hint(
	    f->old.ctx, d,
	    "take the derivative of the loop's result, outside of the loop; or, if the carry "
	    "is to count as a constant, say so: stop_gradient(carry)");
}

/* Lists the rows that y goes through and that depend on x. False: it goes through a carry. */
static bool
find_rows(sg_rows *f, sg_ref deriv, sg_ref y, sg_ref x)
{
	size_t nopen;
	const sg_ref *open = open_above(f, y, x, &nopen);

	for (size_t i = 0; i < nopen; i++) {
		const origin o = *origin_at(f, open[i]);
		bool known = false;

		for (size_t k = 0; k < f->nrows; k++)
			known = known || f->row[k].param == open[i];
		if (known || !depends(f, open[i], x))
			continue;
		if (o.ref[1]) {
			refuse(f, deriv, x);
			return false;
		}
		if (!find_rows(f, deriv, o.ref[0], x))
			return false;
		SG_PUSH(f->old.ctx, f->row, f->nrows, f->row_cap, (sg_row){open[i], o.ref[0]});
	}
	return true;
}

size_t
sg_rows_through(sg_rows *f, sg_ref deriv, const sg_row **row)
{
	const sg_node *n = sg_node_at(f->old.g, deriv);

	f->nrows = 0;
	f->row = NULL;
	f->row_cap = 0;
	if (!find_rows(f, deriv, n->args[0], n->args[1]))
		f->nrows = 0;
	*row = f->row;
	return f->nrows;
}

/* ---- the new graph ---- */

/* The step's number, beside the row `param`. */
static sg_ref
index_of(sg_rows *f, sg_build *b, sg_ref param)
{
	sg_ref *at = &f->index[f->origin_of[param] - 1];

	if (!*at)
		*at = sg_seed(b, SG_I64, sg_shape_scalar(b->sp), sg_space_fresh(b->sp));
	return *at;
}

sg_ref
sg_rows_open(sg_rows *f, sg_build *b, size_t n, const sg_row *row, const sg_ref *map, sg_ref y,
             sg_ref *held)
{
	sg_ref *from = SG_NEW_ARRAY(b->ctx, sg_ref, n + 1);

	for (size_t k = 0; k < n; k++) {
		sg_ref xs = map[row[k].xs];

		sg_substitute(b, 1, &xs, k, from, held);
		from[k] = map[row[k].param];
		held[k] = sg_bind(b, sg_gather(b, xs, index_of(f, b, row[k].param), 0, 0),
		                  sg_space_fresh(b->sp));
	}
	sg_substitute(b, 1, &y, n, from, held);
	return y;
}

sg_ref
sg_rows_close(sg_build *b, size_t n, const sg_row *row, const sg_ref *map, sg_ref result,
              const sg_ref *held)
{
	sg_ref *to = SG_NEW_ARRAY(b->ctx, sg_ref, n + 1);

	for (size_t k = 0; k < n; k++)
		to[k] = map[row[k].param];
	if (result)
		sg_substitute(b, 1, &result, n, held, to);
	return result;
}

uint32_t
sg_rows_index(sg_rows *f, sg_build *b, sg_ext length, uint32_t n, const sg_ref *param, sg_ref *xs,
              sg_ref *row)
{
	uint32_t count = n;

	for (uint32_t k = 0; f && k < n; k++) {
		const sg_ref i = f->index[f->origin_of[param[k]] - 1];

		if (!i)
			continue;
		xs[count] = sg_iota(b, length);
		row[count++] = i;
	}
	return count;
}

sg_rows *
sg_rows_learn(sg_ctx *ctx, sg_program *p, const bool *live)
{
	sg_rows *f = SG_NEW(ctx, sg_rows);

	f->old = (sg_build){.ctx = ctx, .sp = p->sp, .g = p->g};
	f->p = p;
	if (!learn(f, live))
		return NULL;
	f->seen = SG_NEW_ARRAY(ctx, uint32_t, f->norigins);
	f->closed = SG_NEW_ARRAY(ctx, uint32_t, f->norigins);
	f->index = SG_NEW_ARRAY(ctx, sg_ref, f->norigins);
	return f;
}
