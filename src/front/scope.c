/* scope.c - names: scopes, lookup by order of binding, dimensions, bindings that derivatives name. */
#include "front/elab.h"

#include <string.h>

enum { LIST_MAX = 8 };

scope *
scope_new(elab *e, scope *up, uint64_t limit)
{
	scope *s = SG_NEW(e->ctx, scope);

	s->up = up;
	s->limit = limit;
	return s;
}

binding *
scope_find_here(scope *s, const char *name)
{
	if (s->map)
		return sg_map_get(s->map, name);
	for (binding *b = s->first; b; b = b->next)
		if (b->name == name)
			return b;
	return NULL;
}

binding *
scope_find(elab *e, scope *s, const char *name)
{
	uint64_t limit = UINT64_MAX;

	for (; s; limit = s->limit < limit ? s->limit : limit, s = s->up) {
		binding *b = scope_find_here(s, name);

		if (!b && s == e->prelude) {
			prelude_read(e, name);
			b = scope_find_here(s, name);
		}

		if (b && b->seq < limit)
			return b;
	}
	return NULL;
}

void
rebound(elab *e, const char *name, sg_span at, const binding *old)
{
	sg_diag *d = elab_error(e, at, "rebound", "'%s' is bound already", name);

	sg_add_note(e->ctx, d, old->at, old->is_dim ? "'%s' is a dimension here" : "'%s' is bound here",
	            name);
	sg_add_hint(e->ctx, d, "a name is bound once in a scope; choose another");
}

binding *
scope_bind(elab *e, scope *s, const char *name, value v, sg_span at)
{
	binding *old = scope_find_here(s, name);
	const bool blank = name == e->blank;

	if (old && !blank) {
		rebound(e, name, at, old);
		return old;
	}
	if (s == e->top)
		note_later_binding(e, name, at);
	binding *b = SG_NEW(e->ctx, binding);
	*b = (binding){.name = name, .v = v, .at = at, .seq = ++e->seq};
	if (blank)
		return b;
	b->next = s->first;
	s->first = b;
	if (s->map) {
		sg_map_put(s->map, name, b);
	} else if (++s->n > LIST_MAX) {
		s->map = sg_map_new(e->ctx);
		for (binding *k = s->first; k; k = k->next)
			sg_map_put(s->map, k->name, k);
	}
	if (v.kind == V_TENSOR && !e->b->g->name[v.ref] && at.src != e->prelude_src &&
	    name[0] != '(')
		e->b->g->name[v.ref] = name;
	return b;
}

value
fresh_binding(elab *e, const scope *s, const char *name, value v, sg_span at)
{
	if (!is_marked(e, s, name, at))
		return v;
	if (v.kind == V_FLOAT)
		v = v_tensor(to_tensor(e, v, -1, at));
	if (v.kind == V_TUPLE) {
		value t = v_tuple(e, v.n, v.item);

		for (size_t k = 0; k < t.n; k++)
			t.item[k] = fresh_binding(e, s, name, t.item[k], at);
		t.is_const = v.is_const;
		return t;
	}
	if (v.kind != V_TENSOR || !sg_type_is_float(sg_type_of(e->b, v.ref)))
		return v;
	return v_tensor(sg_bind(e->b, v.ref, ++e->binds));
}

const char *
suggest_name(elab *e, scope *s, const char *name)
{
	size_t n = 0, nb;
	const char *const *built = builtin_names(&nb);
	const char **all;

	if (sg_errors_are_full(e->ctx))
		return NULL;
	prelude_read_all(e);
	for (scope *k = s; k; k = k->up)
		for (binding *b = k->first; b; b = b->next)
			n++;
	all = SG_NEW_ARRAY(e->ctx, const char *, n + nb + 1);
	n = 0;
	for (scope *k = s; k; k = k->up)
		for (binding *b = k->first; b && n < 10000; b = b->next)
			if (b->name[strlen(b->name) - 1] != '_')
				all[n++] = b->name;
	for (size_t i = 0; i < nb; i++)
		if (built[i][strlen(built[i]) - 1] != '_')
			all[n++] = built[i];
	return sg_did_you_mean(name, all, n);
}

/* ---- dimensions ---- */

static void
new_dim_of(elab *e, const char *name, value v, sg_span at)
{
	binding *b = scope_bind(e, e->top, name, v, at);

	b->is_dim = true;
	b->by_use = true;
}

value
fixed_value(const elab *e, size_t k)
{
	return e->o->fix_value[k] < 0 ? POISON : v_int(e->o->fix_value[k]);
}

static void
new_dim(elab *e, const char *name, sg_span at)
{
	value v;

	for (size_t k = 0; k < e->o->nfix; k++)
		if (strcmp(e->o->fix_name[k], name) == 0) {
			new_dim_of(e, name, fixed_value(e, k), at);
			return;
		}
	v = (value){.kind = V_EXT, .ext = sg_ext_dim(e->sp, sg_space_add_dim(e->sp, name, at))};
	new_dim_of(e, name, v, at);
}

bool
declare_dims(elab *e, const sg_ast *x)
{
	bool ok = true;

	if (x->kind == SG_X_NAME) {
		if (!scope_find_here(e->top, x->name))
			new_dim(e, x->name, x->at);
		return true;
	}
	if (x->kind == SG_X_CALL || x->kind == SG_X_LAMBDA)
		return true;
	for (size_t k = 0; k < x->nkids; k++)
		ok = declare_dims(e, x->kid[k]) && ok;
	return ok;
}
