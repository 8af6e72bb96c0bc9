/* stmt.c - statements: dimensions, inputs, bindings, functions, entries, includes. */
#include "front/elab.h"

#include <stdlib.h>
#include <string.h>

typedef struct include_chain {
	const char *path;
	sg_span at;
	struct include_chain *up;
} include_chain;

/* ---- dimensions ---- */

static void
defined_dim(elab *e, const sg_item *it)
{
	value v;
	sg_ext x;

	declare_dims(e, it->value);
	v = eval(e, e->top, it->value);
	if (!need_ext(e, v, it->value->at, "a dimension", &x)) {
		scope_bind(e, e->top, it->name, POISON, it->at)->is_dim = true;
		return;
	}
	int64_t k;
	if (sg_ext_const(e->sp, x, &k) && k < 0) {
		elab_error(e, it->value->at, "extent", "a negative dimension: %lld", (long long)k);
		v = POISON;
	}
	for (size_t i = 0; i < e->o->nfix; i++)
		if (strcmp(e->o->fix_name[i], it->name) == 0) {
			if (sg_ext_const(e->sp, x, &k))
				v = fixed_value(e, i);
			else
				elab_error(e, it->at, "dim-fixed",
				           "'%s' is defined by other dimensions; fix those instead",
				           it->name);
		}
	scope_bind(e, e->top, it->name, v, it->at)->is_dim = true;
}

static void
run_dim(elab *e, const sg_stmt *st)
{
	for (size_t k = 0; k < st->nitems; k++) {
		const sg_item *it = &st->item[k];
		binding *b = scope_find_here(e->top, it->name);

		if (b && b->is_dim && !it->value)
			continue; /* its use has declared it */
		if (b && b->by_use) {
			sg_diag *d = elab_error(e, it->at, "rebound", "'%s' is a dimension already", it->name);

			sg_add_note(e->ctx, d, b->at, "'%s' is declared here by its use", it->name);
			sg_add_hint(e->ctx, d, "move this line above that use");
		} else if (b) {
			rebound(e, it->name, it->at, b);
		} else if (it->value) {
			defined_dim(e, it);
		} else {
			const sg_ast name = {.kind = SG_X_NAME, .name = it->name, .at = it->at};

			declare_dims(e, &name);
			scope_find_here(e->top, it->name)->by_use = false;
		}
	}
}

/* ---- inputs and params ---- */

static bool
read_type(elab *e, const sg_item *it, sg_type *t)
{
	static const sg_type all[] = {SG_F32, SG_F64, SG_I32, SG_I64, SG_BOOL};

	*t = e->real;
	if (!it->type)
		return true;
	for (size_t k = 0; k < sizeof all / sizeof *all; k++)
		if (strcmp(it->type, sg_type_name(all[k])) == 0)
			return *t = all[k], true;
	sg_diag *d = elab_error(e, it->type_at, "type-name", "unknown type '%s'", it->type);
	sg_add_hint(e->ctx, d, "the types are f32 f64 i32 i64 bool");
	return false;
}

/* An error where the extent is the name of a tensor. */
static bool
names_tensor(elab *e, const sg_ast *x, value v)
{
	if (x->kind != SG_X_NAME || v.kind != V_TENSOR)
		return false;
	sg_diag *d = elab_error(e, x->at, "rebound", "a tensor and a dimension share the name '%s'",
	                        x->name);
	sg_add_note(e->ctx, d, scope_find(e, e->top, x->name)->at, "'%s' is a tensor here", x->name);
	return true;
}

static const sg_shape *
read_shape(elab *e, const sg_item *it)
{
	sg_ext ext[SG_MAX_USER_RANK];

	if (it->rank > SG_MAX_USER_RANK) {
		elab_error(e, it->shape_at, "rank", "'%s' has %zu axes; %d is the most", it->name,
		           it->rank, SG_MAX_USER_RANK);
		return NULL;
	}
	for (size_t k = 0; k < it->rank; k++) {
		int64_t i;

		declare_dims(e, it->shape[k]);
		value v = eval(e, e->top, it->shape[k]);
		if (names_tensor(e, it->shape[k], v) ||
		    !need_ext(e, v, it->shape[k]->at, "an extent", &ext[k]))
			return NULL;
		if (sg_ext_const(e->sp, ext[k], &i) && i < 0) {
			elab_error(e, it->shape[k]->at, "extent", "a negative extent: %lld", (long long)i);
			return NULL;
		}
	}
	return sg_shape_make(e->sp, (uint32_t)it->rank, ext);
}

/* Does the expression reach an INPUT? (Dimensions are allowed.) */
static sg_ref
reached_input(elab *e, sg_ref root)
{
	const sg_graph *g = e->b->g;
	const sg_needed c = sg_graph_needed(g, 1, 1, &root);

	for (size_t i = 0; i < c.n; i++)
		if (sg_node_at(g, c.ref[i])->op == SG_INPUT)
			return c.ref[i];
	return 0;
}

static sg_ref
read_default(elab *e, const sg_item *it, sg_type t, const sg_shape *s)
{
	value v = eval(e, e->top, it->value);
	sg_ref r;

	if (v.kind == V_POISON)
		return 0;
	if (v.kind == V_TENSOR && sg_type_is_float(sg_type_of(e->b, v.ref)) && !sg_type_is_float(t)) {
		elab_error(e, it->value->at, "type", "the default of '%s' is %s, not %s", it->name,
		           sg_type_name(sg_type_of(e->b, v.ref)), sg_type_name(t));
		return 0;
	}
	if (!(r = to_tensor(e, v, (int)t, it->value->at)))
		return 0;
	if (!sg_shape_of(e->b, r)->rank)
		r = sg_broadcast(e->b, r, s, NULL);
	if (sg_shape_of(e->b, r) != s) {
		sg_diag *d = elab_error(e, it->value->at, "default-shape",
		                        "the default of '%s' is %s, not %s", it->name,
		                        shape_words(e, sg_shape_of(e->b, r)), shape_words(e, s));
		sg_add_note(e->ctx, d, it->at, "'%s' is declared here", it->name);
		return 0;
	}
	sg_ref bad = reached_input(e, r);
	if (bad) {
		const char *name = e->p->input[sg_node_at(e->b->g, bad)->attr->w[0]].name;

		elab_error(e, it->value->at, "default",
		           "the default of '%s' depends on '%s'; it may read dimensions and constants",
		           it->name, name);
		return 0;
	}
	return r;
}

static void
run_input(elab *e, const sg_stmt *st)
{
	sg_program *p = e->p;

	for (size_t k = 0; k < st->nitems; k++) {
		const sg_item *it = &st->item[k];
		const sg_shape *s = read_shape(e, it);
		sg_type t;

		if (!read_type(e, it, &t) || !s) {
			scope_bind(e, e->top, it->name, POISON, it->at);
			continue;
		}
		binding *old = scope_find_here(e->top, it->name);
		if (old && old->is_dim) {
			sg_diag *d = elab_error(e, it->at, "rebound",
			                        "a tensor and a dimension share the name '%s'", it->name);
			sg_add_note(e->ctx, d, old->at, "'%s' is a dimension here", it->name);
			continue;
		}
		sg_ref deflt = it->value ? read_default(e, it, t, s) : 0;
		e->b->g->here = it->at;
		sg_ref r = sg_input_node(e->b, t, s, (uint32_t)p->ninputs);
		SG_PUSH(e->ctx, p->input, p->ninputs, e->cap_inputs,
		        (sg_input){.name = it->name,
		                   .type = t,
		                   .shape = s,
		                   .is_param = st->kind == SG_S_PARAM,
		                   .ref = r,
		                   .deflt = deflt,
		                   .at = it->at});
		binding *b = scope_bind(e, e->top, it->name, v_tensor(r), it->at);
		b->is_input = true;
	}
}

/* ---- bindings ---- */

static void
run_const(elab *e, scope *s, const sg_stmt *st)
{
	const sg_item *it = &st->item[0];
	value v = eval(e, s, it->value);

	if (v.kind == V_TENSOR && tainted(e, v.ref)) {
		sg_diag *d = elab_error(e, it->value->at, "not-const",
		                        "the const '%s' depends on inputs or dimensions", it->name);
		sg_add_hint(e->ctx, d, "leave out 'const'");
		v = POISON;
	}
	v.is_const = true;
	scope_bind(e, s, it->name, v, it->at);
}

static value bound_value(elab *e, const scope *s, const char *name, value v, const sg_ast *x,
                         sg_span at);

/* An item of a tuple that is written out. */
static value
kept_binding(elab *e, const scope *s, const char *name, value v, const sg_ast *x, sg_span at)
{
	const uint16_t op = v.kind == V_TENSOR ? sg_node_at(e->b->g, v.ref)->op : SG_NOP;

	if (x->kind == SG_X_NAME && (v.kind == V_TUPLE || op == SG_INPUT || op == SG_BIND))
		return v;
	return bound_value(e, s, name, v, x, at);
}

/* The value as what the target's name is bound to. A tuple that is written out keeps the bindings of
 * the names in it; anything else is a binding of its own. */
static value
bound_value(elab *e, const scope *s, const char *name, value v, const sg_ast *x, sg_span at)
{
	value t;

	v.is_const = false;
	if (v.kind != V_TUPLE || x->kind != SG_X_TUPLE || x->nkids != v.n)
		return fresh_binding(e, s, name, v, at);
	t = v_tuple(e, v.n, v.item);
	for (size_t k = 0; k < t.n; k++)
		t.item[k] = kept_binding(e, s, name, t.item[k], x->kid[k], at);
	return t;
}

static void
run_bind(elab *e, scope *s, const sg_stmt *st)
{
	const sg_ast *x = st->item[0].value;
	value v = eval(e, s, x);

	if (st->at.src != e->prelude_src)
		e->b->g->here = st->at;
	if (!st->unpacks) {
		const sg_ast_param *t = &st->target[0];

		scope_bind(e, s, t->name, bound_value(e, s, t->name, v, x, t->at), t->at);
		return;
	}
	if (v.kind != V_POISON && v.kind != V_TUPLE) {
		elab_error(e, x->at, "unpack", "only a tuple can be unpacked, not %s", v_describe(e, v));
		v = POISON;
	} else if (v.kind == V_TUPLE && v.n != st->ntargets) {
		elab_error(e, x->at, "unpack", "%zu name%s for %s", st->ntargets,
		           st->ntargets == 1 ? "" : "s", v_describe(e, v));
		v = POISON;
	}
	for (size_t k = 0; k < st->ntargets; k++) {
		value item = v.kind == V_TUPLE ? v.item[k] : POISON;

		item.is_const = false;
		scope_bind(e, s, st->target[k].name,
		           fresh_binding(e, s, st->target[k].name, item, st->target[k].at),
		           st->target[k].at);
	}
}

static void
run_def(elab *e, scope *s, const sg_stmt *st)
{
	closure *c = SG_NEW(e->ctx, closure);

	c->fn = st->fn;
	c->env = s;
	c->prelude = st->at.src == e->prelude_src;
	scope_bind(e, s, st->fn->name, (value){.kind = V_FN, .fn = c}, st->name_at);
	c->seq = e->seq + 1;
}

static void
run_rule(elab *e, scope *s, const sg_stmt *st)
{
	const sg_ast_fn *fn = st->fn;
	binding *b = scope_find_here(s, fn->name);
	bool same = true;

	if (!b && e->torn)
		return;
	if (!b || b->v.kind != V_FN || !b->v.fn->fn) {
		sg_diag *d = elab_error(e, st->name_at, "derivative-rule",
		                        "no 'def %s' stands above in this scope", fn->name);
		if (b)
			sg_add_note(e->ctx, d, b->at, "'%s' is bound here", fn->name);
		return;
	}
	const sg_ast_fn *f = b->v.fn->fn;
	same = f->nparams == fn->nparams;
	for (size_t k = 0; same && k < f->nparams; k++)
		same = f->param[k].name == fn->param[k].name;
	if (!same) {
		sg_diag *d = elab_error(e, fn->at, "derivative-rule",
		                        "the rule's parameters differ from those of '%s'", fn->name);
		sg_add_note(e->ctx, d, f->at, "'%s' is defined here", fn->name);
		return;
	}
	if (b->v.fn->rule) {
		sg_diag *d = elab_error(e, st->name_at, "derivative-rule", "'%s' has a rule already",
		                        fn->name);
		sg_add_note(e->ctx, d, b->v.fn->rule->at, "the first");
		return;
	}
	b->v.fn->rule = fn;
	b->v.fn->rule_env = s;
	b->v.fn->rule_seq = e->seq + 1;
}

/* ---- entries ---- */

/* word: the statement's, where that alone makes the name; else NULL. */
static sg_entry_ir *
new_entry(elab *e, const char *name, const char *word, sg_span at)
{
	sg_program *p = e->p;
	void **same = sg_bytes_map_at(e->entries, &name, sizeof name);

	if (*same) {
		const sg_span first = *(const sg_span *)*same;
		const bool twice = word && strncmp(first.src->text + first.lo, word, strlen(word)) == 0;
		sg_diag *d = twice ? elab_error(e, at, "entry", "a second '%s'", word)
		                   : elab_error(e, at, "entry", "two entries have the name '%s'", name);

		sg_add_note(e->ctx, d, first, "the first");
		if (twice)
			sg_add_hint(e->ctx, d, "any other entry is 'entry NAME = ...'");
		return NULL;
	}
	*same = sg_copy(e->ctx, &at, sizeof at);
	SG_PUSH(e->ctx, p->entry, p->nentries, e->cap_entries, (sg_entry_ir){.name = name, .at = at});
	return &p->entry[p->nentries - 1];
}

/* The outputs of an entry as they come about. */
typedef struct outputs {
	sg_output *out;
	size_t n, cap;
	sg_map *at; /* by name: where it stands in out, + 1 */
} outputs;

static bool
add_output(elab *e, outputs *o, const char *name, value v, sg_span at)
{
	const size_t first = (size_t)(uintptr_t)sg_map_get(o->at, name);
	sg_ref r;

	if (v.kind == V_POISON)
		return false;
	if (v.kind == V_TUPLE) {
		sg_diag *d = elab_error(e, at, "output", "an output is a tensor, not %s", v_describe(e, v));

		sg_add_hint(e->ctx, d, "unpack it: a, b = ...");
		return false;
	}
	if (first) {
		sg_diag *d = elab_error(e, at, "output", "two outputs have the name '%s'", name);

		sg_add_note(e->ctx, d, o->out[first - 1].at, "the first");
		sg_add_hint(e->ctx, d, "'as NAME' gives an output another name");
		return false;
	}
	if (!(r = to_tensor(e, v, -1, at)))
		return false;
	if (!e->b->g->name[r])
		e->b->g->name[r] = name;
	SG_PUSH(e->ctx, o->out, o->n, o->cap, (sg_output){.name = name,
	                    .ref = r,
	                    .at = at,
	                    .pattern = *sg_bytes_map_at(e->patterns, &r, sizeof r)});
	sg_map_put(o->at, name, (void *)(uintptr_t)o->n);
	return true;
}

/* e as name, or a plain name. */
static const char *
output_name(elab *e, const sg_item *it)
{
	if (it->name)
		return it->name;
	if (it->value->kind == SG_X_NAME)
		return it->value->name;
	const int size = (int)(it->value->at.hi - it->value->at.lo);
	const char *text = it->value->at.src->text + it->value->at.lo;
	sg_diag *d = elab_error(e, it->value->at, "output", "this output has no name");

	if (size <= 40 && !memchr(text, '\n', (size_t)size))
		sg_add_hint(e->ctx, d, "write '%.*s as NAME'", size, text);
	else
		sg_add_hint(e->ctx, d, "write 'as NAME' behind it");
	return NULL;
}

static void
run_entry(elab *e, const sg_stmt *st, const char *name)
{
	const bool named = st->kind == SG_S_ENTRY;
	outputs o = {.at = sg_map_new(e->ctx)};
	sg_entry_ir *slot =
	    new_entry(e, name, named ? NULL : "output", named ? st->name_at : st->word_at);

	if (!slot)
		return;
	for (size_t k = 0; k < st->nitems; k++) {
		const sg_item *it = &st->item[k];
		const char *out = output_name(e, it);
		value v = eval(e, e->top, it->value);

		if (out)
			add_output(e, &o, out, v, it->value->at);
	}
	slot = &e->p->entry[e->p->nentries - 1];
	slot->out = o.out;
	slot->nout = o.n;
}

static const sg_ast *
name_node(elab *e, const char *name, sg_span at)
{
	sg_ast *x = SG_NEW(e->ctx, sg_ast);

	x->kind = SG_X_NAME;
	x->name = name;
	x->at = at;
	return x;
}

/* Of a model that is trained: nobody has written 'grad' there. */
static bool
is_no_loss(elab *e, value v, sg_span at, const char *name)
{
	if (!e->o->training || v.kind != V_TENSOR || !sg_shape_of(e->b, v.ref)->rank)
		return false;
	sg_diag *d = elab_error(e, at, "not-scalar", "a loss is one number, not %s", v_describe(e, v));
	sg_add_hint(e->ctx, d, "sum(%s) or mean(%s) is one", name, name);
	return true;
}

static void
run_gradient(elab *e, const sg_stmt *st)
{
	outputs o = {.at = sg_map_new(e->ctx)};
	sg_entry_ir *slot;
	const sg_item *it = &st->item[0];
	const char *y;
	const builtin *grad = find_builtin("grad");
	size_t n = st->nwrt;
	value v;

	slot = new_entry(e, sg_intern_z(e->ctx, "gradient"), "gradient", st->word_at);
	y = slot ? output_name(e, it) : NULL;
	if (!y || (v = eval(e, e->top, it->value)).kind == V_POISON ||
	    is_no_loss(e, v, it->value->at, y))
		return;
	/* y is evaluated once; grad(y, p) then sees the value through a name that no text can have */
	const char *hidden = sg_intern_z(e->ctx, "(gradient)");
	scope *in = scope_new(e, e->top, UINT64_MAX);
	scope_bind(e, in, hidden, v, it->value->at);
	if (!add_output(e, &o, y, v, it->value->at))
		return;
	if (st->wrt_params) {
		n = e->p->ninputs;
		bool any = false;
		for (size_t k = 0; k < n; k++)
			any = any || e->p->input[k].is_param;
		if (!any && !e->torn) {
			sg_diag *d = elab_error(e, st->at, "no-params",
			                        "'wrt params', but the model has no param");
			sg_add_hint(e->ctx, d, "declare one: param w = ...; or name inputs");
		}
	}
	for (size_t k = 0; k < n; k++) {
		const char *name = st->wrt_params ? e->p->input[k].name : st->wrt[k].name;
		const sg_span at = st->wrt_params ? st->at : st->wrt[k].at;

		if (st->wrt_params &&
		    (!e->p->input[k].is_param || !sg_type_is_float(e->p->input[k].type)))
			continue;
		const sg_ast *kid[3] = {NULL, name_node(e, hidden, it->value->at), name_node(e, name, at)};
		const sg_ast call = {.kind = SG_X_CALL, .at = st->at, .kid = (sg_ast **)kid, .nkids = 3};
		value g = eval_derivative(e, in, &call, grad);
		if (g.kind != V_POISON)
			add_output(e, &o, sg_intern_z(e->ctx, sg_text(e->ctx, "grad_%s", name)), g, at);
	}
	slot = &e->p->entry[e->p->nentries - 1];
	slot->out = o.out;
	slot->nout = o.n;
}

/* ---- model, real, include ---- */

static void
run_include(elab *e, scope *s, const sg_stmt *st)
{
	const char *base = st->at.src->name, *slash = strrchr(base, '/'), *path = st->name;
	include_chain here = {.at = st->at, .up = e->including};
	const size_t errors = sg_error_count(e->ctx);

	if (path[0] != '/' && slash)
		path = sg_text(e->ctx, "%.*s%s", (int)(slash - base + 1), base, path);
	char *real = realpath(path, NULL);
	here.path = sg_intern_z(e->ctx, real ? real : path);
	free(real);
	for (include_chain *c = e->including; c; c = c->up)
		if (c->path == here.path) {
			sg_diag *d = elab_error(e, st->name_at, "include-cycle", "'%s' includes itself",
			                        st->name);
			if (c->at.src)
				sg_add_note(e->ctx, d, c->at, "it was included from here");
			e->torn = true;
			return;
		}
	if (sg_map_get(e->included, here.path)) /* by two files that this one includes: once is enough */
		return;
	sg_map_put(e->included, here.path, (void *)(uintptr_t)here.path);
	const sg_source *src = sg_source_file(e->ctx, path, st->name_at);
	if (!src) {
		e->torn = true;
		return;
	}
	sg_stmt *list = sg_parse(e->ctx, src);
	e->torn = e->torn || sg_error_count(e->ctx) > errors;
	for (const sg_stmt *k = list; k; k = k->next)
		if (k->kind != SG_S_DEF && k->kind != SG_S_CONST && k->kind != SG_S_INCLUDE &&
		    k->kind != SG_S_DERIVATIVE) {
			sg_diag *d = elab_error(e, k->word_at, "include",
			                        "an included file holds 'def's and 'const's");
			sg_add_note(e->ctx, d, st->at, "included from here");
			e->torn = true;
			return;
		}
	e->including = &here;
	collect_wrt(e, list);
	run_statements(e, s, list);
	e->including = here.up;
}

static void
run_model(elab *e, const sg_stmt *st)
{
	e->p->name = st->name;
}

static void
only_at_top(elab *e, const sg_stmt *st, const char *word)
{
	elab_error(e, st->word_at, "statement", "'%s' stands at the top of a file only", word);
}

void
run_statements(elab *e, scope *s, const sg_stmt *list)
{
	static const char *const word[] = {"model", "real", "dim", "input", "param", "const", "",
	                                   "def", "derivative", "output", "gradient", "entry",
	                                   "include", "return"};

	for (const sg_stmt *st = list; st; st = st->next) {
		const bool top = s == e->top || s == e->prelude;

		if (st->at.src != e->prelude_src) {
			e->user_at = st->at;
			e->b->g->here = st->at;
		}
		if (s == e->top)
			check_names(e, st);
		if (st->kind == SG_S_BIND && st->target[0].name != e->blank)
			e->last_bound = st->target[0].name;
		if (!top && st->kind != SG_S_BIND && st->kind != SG_S_DEF && st->kind != SG_S_CONST &&
		    st->kind != SG_S_DERIVATIVE && st->kind != SG_S_RETURN) {
			only_at_top(e, st, word[st->kind]);
			continue;
		}
		switch (st->kind) {
		case SG_S_MODEL: run_model(e, st); break;
		case SG_S_REAL: break; /* read before everything else */
		case SG_S_DIM: run_dim(e, st); break;
		case SG_S_INPUT:
		case SG_S_PARAM: run_input(e, st); break;
		case SG_S_CONST: run_const(e, s, st); break;
		case SG_S_BIND: run_bind(e, s, st); break;
		case SG_S_DEF: run_def(e, s, st); break;
		case SG_S_DERIVATIVE: run_rule(e, s, st); break;
		case SG_S_OUTPUT: run_entry(e, st, sg_intern_z(e->ctx, "forward")); break;
		case SG_S_GRADIENT: run_gradient(e, st); break;
		case SG_S_ENTRY: run_entry(e, st, st->name); break;
		case SG_S_INCLUDE: run_include(e, s, st); break;
		case SG_S_RETURN:
			if (top)
				elab_error(e, st->word_at, "statement", "'return' outside of a function");
			break;
		}
	}
}
