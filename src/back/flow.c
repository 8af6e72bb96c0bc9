/* flow.c - through what a nest's values go on their way to its roots.
 *
 * For each value, the next that all ways from it to the roots have in common: its post-dominator,
 * in a tree whose root is the end of all ways (Cooper, Harvey, Kennedy 2001, turned round; without
 * cycles one walk from the users to the operands is enough). Ancestors in common are found by jumps
 * whose length depends on the depth alone (Myers 1983), so that long chains cost little. */
#include "back/emit.h"

enum { END }; /* value 0 is none */

struct sg_flow {
	const sg_step *s;
	/* by value, then by root; up END: it is a root, or nothing reads it; next: itself or the
	 * first above that a root takes */
	uint32_t *up, *jump, *depth, *next;
	bool *dead;     /* nothing reads it */
	bool *places;   /* by value: it says where something stands */
	uint32_t *root; /* by value: the one root that takes it, + 1; nroots + 1: several */
	sg_flow_array *array;
	size_t narrays, array_cap;
	sg_bytes_map *at; /* by array: its place in the list, + 1 */
};

static uint32_t
common(const sg_flow *w, uint32_t a, uint32_t b)
{
	while (w->depth[a] != w->depth[b]) {
		uint32_t *low = w->depth[a] > w->depth[b] ? &a : &b;
		const uint32_t high = w->depth[a] > w->depth[b] ? b : a;

		*low = w->depth[w->jump[*low]] >= w->depth[high] ? w->jump[*low] : w->up[*low];
	}
	while (a != b) {
		const bool far = w->jump[a] != w->jump[b];

		a = far ? w->jump[a] : w->up[a];
		b = far ? w->jump[b] : w->up[b];
	}
	return a;
}

/* The root that takes value x, and nothing but it. */
static const sg_root *
root_of(const sg_flow *w, uint32_t x)
{
	const sg_step *s = w->s;
	const sg_root *r;

	if (x >= s->nvals)
		return &s->root[x - s->nvals];
	if (x == END || !w->root[x] || w->root[x] > s->nroots || w->places[x])
		return NULL;
	r = &s->root[w->root[x] - 1];
	return r->val[0] == x ? r : NULL;
}

/* All ways from x go through `up`, and through nothing before. All that reads x hangs already. */
static void
hang(sg_flow *w, uint32_t x, uint32_t up)
{
	const uint32_t j = w->jump[up];

	w->up[x] = up;
	w->depth[x] = w->depth[up] + 1;
	w->jump[x] =
	    w->depth[up] - w->depth[j] == w->depth[j] - w->depth[w->jump[j]] ? w->jump[j] : up;
	w->next[x] = root_of(w, x) ? x : w->next[up];
}

/* `user`, which hangs already, reads value v. */
static void
note_user(sg_flow *w, uint32_t v, uint32_t user)
{
	if (v == 0)
		return;
	w->up[v] = w->dead[v] ? user : common(w, w->up[v], user);
	w->dead[v] = false;
}

static void
note_form(sg_flow *w, const sg_fn *f, sg_aff a, uint32_t user, bool of_root)
{
	const sg_affine form = f->aff[a];

	for (uint32_t i = 0; i < form.n; i++) {
		const uint32_t var = form.term[i].var;

		if (var < SG_VAR_VALUE || var >= SG_VAR_LANE)
			continue;
		note_user(w, var - SG_VAR_VALUE, user);
		if (!of_root)
			w->places[var - SG_VAR_VALUE] = true;
	}
}

static void
note_root(sg_flow *w, uint32_t v, uint32_t i)
{
	const uint32_t several = (uint32_t)w->s->nroots + 1;

	if (v)
		w->root[v] = !w->root[v] || w->root[v] == i + 1 ? i + 1 : several;
}

static void
look_at_roots(sg_flow *w, const sg_fn *f)
{
	const sg_step *s = w->s;

	for (uint32_t i = 0; i < s->nroots; i++) {
		const sg_root *r = &s->root[i];
		const uint32_t at = (uint32_t)s->nvals + i;

		hang(w, at, END);
		for (int k = 0; k < 2; k++) {
			note_user(w, r->val[k], at);
			note_root(w, r->val[k], i);
		}
		note_form(w, f, r->at, at, true);
		for (uint32_t k = 0; k < f->aff[r->at].n; k++) {
			const uint32_t var = f->aff[r->at].term[k].var;

			if (var >= SG_VAR_VALUE && var < SG_VAR_LANE)
				note_root(w, var - SG_VAR_VALUE, i);
		}
	}
}

static void
note_load(sg_flow *w, sg_ctx *ctx, uint32_t v)
{
	const sg_val *x = &w->s->val[v];
	void **at = sg_bytes_map_at(w->at, &x->ref, sizeof x->ref);
	sg_flow_array *a;

	if (!*at) {
		SG_PUSH(
		    ctx, w->array, w->narrays, w->array_cap,
		    (sg_flow_array){.at = x->aff, .together = true, .plain = true, .unread = true});
		*at = (void *)w->narrays;
	}
	a = &w->array[(size_t)*at - 1];
	a->together = a->together && x->aff == a->at;
	a->plain = a->plain && !x->guarded && a->together;
	if (w->dead[v])
		return;
	a->meet = a->unread ? v : common(w, a->meet, v);
	a->unread = false;
}

sg_flow *
sg_flow_of(const sg_fn *f, const sg_step *s)
{
	sg_flow *w = SG_NEW(f->ctx, sg_flow);
	const size_t n = s->nvals + s->nroots + 1;

	w->s = s;
	w->up = SG_NEW_ARRAY(f->ctx, uint32_t, 4 * n);
	w->jump = w->up + n;
	w->depth = w->jump + n;
	w->next = w->depth + n;
	w->root = SG_NEW_ARRAY(f->ctx, uint32_t, s->nvals + 1);
	w->dead = SG_NEW_ARRAY(f->ctx, bool, n + s->nvals);
	w->places = w->dead + n;
	w->at = sg_bytes_map_new(f->ctx);
	for (size_t v = 1; v < s->nvals; v++)
		w->dead[v] = true;
	look_at_roots(w, f);
	for (uint32_t v = (uint32_t)s->nvals; v-- > 1;) {
		const sg_val *x = &s->val[v];

		if (w->dead[v])
			continue;
		hang(w, v, w->up[v]);
		for (uint32_t k = 0; k < x->nargs; k++)
			note_user(w, x->arg[k], v);
		note_form(w, f, x->aff, v, false);
		for (uint32_t k = 0; k < x->nconds; k++)
			note_form(w, f, x->cond[k].form, v, false);
	}
	for (uint32_t v = 1; v < s->nvals; v++)
		if (s->val[v].kind == SG_V_LOAD)
			note_load(w, f->ctx, v);
	return w;
}

const sg_flow_array *
sg_flow_array_of(const sg_flow *w, sg_ref r)
{
	const size_t at = (size_t)sg_bytes_map_get(w->at, &r, sizeof r);

	return at ? &w->array[at - 1] : NULL;
}

bool
sg_flow_ends_in(const sg_flow *w, const sg_flow_array *a, const sg_root *root)
{
	const uint32_t at = (uint32_t)(w->s->nvals + (size_t)(root - w->s->root));

	return a->unread || common(w, a->meet, at) == at;
}

const sg_root *
sg_flow_root(const sg_flow *w, uint32_t *at)
{
	const uint32_t x = w->next[*at];

	*at = w->up[x];
	return root_of(w, x);
}
