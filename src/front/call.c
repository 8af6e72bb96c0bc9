/* call.c - calls: matching arguments, running bodies, building equal calls once, custom derivative rules. */
#include "front/elab.h"

#include <string.h>

enum { MAX_DEPTH = 1000, MAX_CALLS = 2000000 };

/* ---- the key of a call ---- */

static void
put_value(sg_buf *b, const value *v)
{
	sg_buf_write(b, (const char *)&v->kind, sizeof v->kind);
	switch (v->kind) {
	case V_INT:
	case V_BOOL: sg_buf_write(b, (const char *)&v->i, sizeof v->i); break;
	case V_FLOAT: sg_buf_write(b, (const char *)&v->f, sizeof v->f); break;
	case V_EXT: sg_buf_write(b, (const char *)&v->ext, sizeof v->ext); break;
	case V_STRING: sg_buf_write(b, (const char *)&v->s, sizeof v->s); break;
	case V_TENSOR:
		sg_buf_write(b, (const char *)&v->ref, sizeof v->ref);
		sg_buf_write(b, (const char *)&v->n, sizeof v->n);
		break;
	case V_FN: sg_buf_write(b, (const char *)&v->fn, sizeof v->fn); break;
	case V_TUPLE: sg_buf_write(b, (const char *)&v->n, sizeof v->n); break;
	case V_POISON:
	case V_ABSENT:
	case V_NONE: break;
	}
	if (v->kind == V_TUPLE || (v->kind == V_TENSOR && v->item))
		for (size_t k = 0; k < v->n; k++)
			put_value(b, &v->item[k]);
}

/* A result that is kept for calls with equal arguments. What may fail in a branch is left to no
 * other branch, which would take it for something from outside. */
typedef struct kept {
	value v;
	const open_branch *in;
	int calls;     /* before it was there, with its own */
	bool is_sound; /* nothing in it may fail */
} kept;

static bool
may_stand(const elab *e, const kept *k)
{
	return is_open(e, k->in) && (k->is_sound || !e->branch || k->calls > e->branch->calls);
}

/* Where the result of f(v...) is kept: NULL at first. */
static void **
memo_at(elab *e, const closure *f, size_t n, const value *v)
{
	sg_buf b;

	sg_buf_init(&b, e->ctx);
	sg_buf_write(&b, (const char *)&f, sizeof f);
	for (size_t k = 0; k < n; k++)
		put_value(&b, &v[k]);
	return sg_bytes_map_at(e->memo, b.s, b.n);
}

/* ---- bodies ---- */

value
run_body(elab *e, scope *s, const sg_stmt *body)
{
	for (const sg_stmt *st = body; st; st = st->next) {
		if (st->kind != SG_S_RETURN)
			continue;
		/* the parser made it the last */
		value *item = SG_NEW_ARRAY(e->ctx, value, st->nitems + 1);
		bool bad = false;

		for (size_t k = 0; k < st->nitems; k++) {
			item[k] = eval(e, s, st->item[k].value);
			bad = bad || item[k].kind == V_POISON;
		}
		if (bad)
			return POISON;
		return st->nitems == 1 ? item[0] : v_tuple(e, st->nitems, item);
	}
	return POISON;
}

static value
run(elab *e, const sg_ast_fn *fn, scope *in)
{
	if (fn->expr)
		return eval(e, in, fn->expr);
	run_statements(e, in, fn->body);
	return run_body(e, in, fn->body);
}

/* ---- parameters, as messages speak of them ---- */

static size_t
word_length(const char *p)
{
	return strcspn(p, " ");
}

/* Position of a parameter by name, -1: none. */
static int
param_index(const char *params, const char *name)
{
	const size_t n = strlen(name);
	int k = 0;

	for (const char *p = params; *p; p += word_length(p), p += *p == ' ', k++) {
		size_t len = word_length(p);

		if (p[len - 1] == '?')
			len--;
		if (len == n && memcmp(p, name, n) == 0)
			return k;
	}
	return -1;
}

static int
param_count(const char *params, bool *variadic)
{
	int k = 0;

	*variadic = false;
	for (const char *p = params; *p; p += word_length(p), p += *p == ' ') {
		if (strncmp(p, "...", 3) == 0)
			*variadic = true;
		else
			k++;
	}
	return k;
}

static const char *
param_name(elab *e, const char *params, int k, bool *optional)
{
	const char *p = params;

	for (; k; k--)
		p += word_length(p), p += *p == ' ';
	size_t n = word_length(p);
	*optional = p[n - 1] == '?';
	return sg_intern(e->ctx, p, *optional ? n - 1 : n);
}

/* What may be passed: "clamp(x, lo, hi)", "sum(x, axis=..., keepdims=...)". */
static const char *
signature(elab *e, const closure *f)
{
	bool variadic = false, optional;
	const int n = f->builtin ? param_count(f->builtin->params, &variadic) : (int)f->fn->nparams;
	sg_buf b;

	sg_buf_init(&b, e->ctx);
	sg_buf_printf(&b, "%s(", f->builtin ? f->builtin->name : f->fn->name);
	for (int k = 0; k < n; k++) {
		const char *name;

		if (f->builtin) {
			name = param_name(e, f->builtin->params, k, &optional);
		} else {
			name = f->fn->param[k].name;
			optional = f->fn->param[k].deflt != NULL;
		}
		sg_buf_printf(&b, "%s%s%s", k ? ", " : "", name, optional ? "=..." : "");
	}
	if (variadic)
		sg_buf_puts(&b, n ? ", ..." : "...");
	sg_buf_putc(&b, ')');
	return sg_buf_text(&b);
}

/* "'f'", as messages call it. */
static const char *
fn_text(elab *e, const closure *f)
{
	const char *name = f->builtin ? f->builtin->name : f->fn->name;

	return name ? sg_text(e->ctx, "'%s'", name) : "this function";
}

static void
note_definition(elab *e, sg_diag *d, const closure *f)
{
	if (f->prelude)
		sg_add_hint(e->ctx, d, "%s", signature(e, f));
	else
		sg_add_note(e->ctx, d, f->fn->at, "%s is defined here", fn_text(e, f));
}

/* No parameter of that name; names: those there are. */
static void
unknown_parameter(elab *e, const closure *f, const char *name, sg_span at, size_t n,
                  const char *const *names)
{
	sg_diag *d = elab_error(e, at, "argument", "%s has no parameter '%s'", fn_text(e, f), name);
	const char *near = strcmp(name, "dim") == 0       ? "axis"
	                   : strcmp(name, "keepdim") == 0 ? "keepdims"
	                                                  : sg_did_you_mean(name, names, n);

	for (size_t k = 0; near && k < n; k++)
		if (strcmp(names[k], near) == 0) {
			sg_add_hint(e->ctx, d, "did you mean '%s'?", near);
			return;
		}
	sg_add_hint(e->ctx, d, "%s", signature(e, f));
}

/* ---- calls of functions in the language ---- */

/* The arguments in the order of the parameters. */
static bool
match(elab *e, scope *s, closure *f, size_t n, const value *v, const sg_ast *call, value *out)
{
	const sg_ast_fn *fn = f->fn;
	size_t positional = 0;
	bool *have = SG_NEW_ARRAY(e->ctx, bool, fn->nparams + 1);

	(void)s;
	for (size_t k = 0; k < n; k++) {
		const char *name = call && call->argname ? call->argname[k + 1] : NULL;
		size_t at = positional;

		if (name) {
			for (at = 0; at < fn->nparams && fn->param[at].name != name; at++)
				continue;
			if (at == fn->nparams) {
				const char **names = SG_NEW_ARRAY(e->ctx, const char *, fn->nparams + 1);

				for (size_t j = 0; j < fn->nparams; j++)
					names[j] = fn->param[j].name;
				unknown_parameter(e, f, name, call->argname_at[k + 1], fn->nparams, names);
				return false;
			}
		} else {
			positional++;
		}
		if (at >= fn->nparams) {
			sg_diag *d = elab_error(e, call ? call->at : e->user_at, "arity",
			                        "%s takes %zu argument%s, not %zu", fn_text(e, f),
			                        fn->nparams, fn->nparams == 1 ? "" : "s", n);
			note_definition(e, d, f);
			return false;
		}
		if (have[at]) {
			elab_error(e, call->at, "argument", "'%s' is given twice", fn->param[at].name);
			return false;
		}
		have[at] = true;
		out[at] = v[k];
	}
	for (size_t k = 0; k < fn->nparams; k++) {
		if (have[k])
			continue;
		if (!fn->param[k].deflt) {
			sg_diag *d = elab_error(e, call ? call->at : e->user_at, "arity",
			                        "missing argument '%s' of %s", fn->param[k].name,
			                        fn_text(e, f));
			note_definition(e, d, f);
			return false;
		}
		out[k] = eval(e, scope_new(e, f->env, f->seq), fn->param[k].deflt);
		if (out[k].kind == V_POISON)
			return false;
	}
	return true;
}

static scope *
bind_params(elab *e, const sg_ast_fn *fn, const value *v, scope *env, uint64_t seq, bool fresh)
{
	scope *in = scope_new(e, env, seq);

	for (size_t k = 0; k < fn->nparams; k++) {
		value a = v[k];

		a.is_const = false;
		if (fresh)
			a = fresh_binding(e, in, fn->param[k].name, a, fn->param[k].at);
		scope_bind(e, in, fn->param[k].name, a, fn->param[k].at);
	}
	return in;
}

static value
call_closure(elab *e, closure *f, size_t n, const value *v, const sg_ast *call)
{
	value *arg = SG_NEW_ARRAY(e->ctx, value, f->fn->nparams + 1);
	const sg_span at = call ? call->at : e->user_at;

	for (size_t k = 0; k < n; k++)
		if (v[k].kind == V_POISON)
			return POISON;
	if (!match(e, NULL, f, n, v, call, arg))
		return POISON;
	if (e->depth >= MAX_DEPTH) {
		sg_diag *d = elab_error(e, at, "recursion", "calls nested deeper than %d", MAX_DEPTH);

		sg_add_hint(e->ctx, d, "recursion must be ended by an 'if' on a compile-time value");
		return POISON;
	}
	if (++e->calls > MAX_CALLS) {
		if (e->calls == MAX_CALLS + 1) {
			sg_diag *d = elab_error(e, at, "limit", "more than 2,000,000 calls are written out");

			sg_add_hint(e->ctx, d, "scan and while repeat a step without writing it out");
		}
		return POISON;
	}
	void **memo = memo_at(e, f, f->fn->nparams, arg);
	const kept *old = *memo;
	if (old && may_stand(e, old))
		return old->v;
	frame fr = {.name = f->fn->name, .at = at, .prelude = f->prelude, .up = e->frame};
	const sg_span user_at = e->user_at, here = e->b->g->here;
	e->frame = &fr;
	e->depth++;
	value r = f->rule ? apply_custom(e, f, f->fn->nparams, arg, call)
	                  : run(e, f->fn, bind_params(e, f->fn, arg, f->env, f->seq, true));
	e->depth--;
	e->frame = fr.up;
	e->user_at = user_at;
	e->b->g->here = here;
	const open_branch *in = branch_of_last(e);
	const kept now = {r, in, e->calls, !in && e->branch && e->branch->calls};
	*memo = sg_copy(e->ctx, &now, sizeof now);
	return r;
}

/* ---- custom rules ---- */

/* The rule's results, for seeds of the results' shapes. arg: what the body has, so that a call that both
 * make is built once. */
static bool
run_rule(elab *e, closure *f, const value *arg, size_t nres, const sg_ref *res, sg_ref *seed,
         sg_ref *rule)
{
	const sg_ast_fn *fn = f->rule;
	scope *in;
	value r;

	if (fn->nseeds != nres) {
		sg_diag *d = elab_error(e, fn->at, "derivative-rule",
		                        "the rule has %zu adjoint%s, %s has %zu result%s", fn->nseeds,
		                        fn->nseeds == 1 ? "" : "s", fn_text(e, f), nres,
		                        nres == 1 ? "" : "s");
		sg_add_hint(e->ctx, d, "one name after ';' for each result");
		return false;
	}
	in = bind_params(e, fn, arg, f->rule_env, f->rule_seq, true);
	for (size_t k = 0; k < nres; k++) {
		seed[k] = sg_seed(e->b, sg_type_of(e->b, res[k]), sg_shape_of(e->b, res[k]), ++e->binds);
		scope_bind(e, in, fn->seed[k].name, v_tensor(seed[k]), fn->seed[k].at);
	}
	r = run(e, fn, in);
	if (r.kind == V_POISON)
		return false;
	const size_t n = r.kind == V_TUPLE ? r.n : 1;
	if (n != fn->nparams) {
		elab_error(e, fn->at, "derivative-rule", "the rule gives %zu result%s for %zu parameter%s",
		           n, n == 1 ? "" : "s", fn->nparams, fn->nparams == 1 ? "" : "s");
		return false;
	}
	for (size_t k = 0; k < n; k++) {
		const value want = arg[k], got = r.kind == V_TUPLE ? r.item[k] : r;

		if (want.kind != V_TENSOR || !sg_type_is_float(sg_type_of(e->b, want.ref)))
			continue;
		const sg_shape *s = sg_shape_of(e->b, want.ref);
		sg_ref g = to_tensor(e, got, (int)sg_type_of(e->b, want.ref), fn->at);
		if (!g)
			return false;
		if (v_is_number(got))
			g = sg_broadcast(e->b, g, s, NULL);
		if (sg_shape_of(e->b, g) != s) {
			elab_error(e, fn->at, "derivative-rule",
			           "the adjoint of '%s' must be %s, not %s", fn->param[k].name,
			           shape_words(e, s), shape_words(e, sg_shape_of(e->b, g)));
			return false;
		}
		rule[k] = g;
	}
	return true;
}

/* Does the value reach an input or a binding that is none of the parameters, by other ways than
 * through integers, which carry no derivative? */
static sg_ref
outside_name(elab *e, size_t nres, const sg_ref *res, int64_t first, int64_t last)
{
	const sg_graph *g = e->b->g;
	const uint32_t walk = ++e->walks;
	sg_ref *todo = NULL;
	size_t n = 0, cap = 0;

	if (g->n > e->walked_cap) {
		e->walked_cap = 2 * (size_t)g->n;
		e->walked = SG_NEW_ARRAY(e->ctx, uint32_t, e->walked_cap);
	}
	for (size_t k = 0; k < nres; k++)
		SG_PUSH(e->ctx, todo, n, cap, res[k]);
	while (n) {
		const sg_ref r = todo[--n];
		const sg_node *a = sg_node_at(g, r);

		if (e->walked[r] == walk)
			continue;
		e->walked[r] = walk;
		const int64_t id = a->op == SG_BIND ? a->attr->w[0] : 0;
		if ((id > first && id <= last) || !sg_type_is_float((sg_type)a->type))
			continue;
		if (a->op == SG_INPUT || (id && id <= first))
			return r;
		for (uint32_t k = 0; k < a->nargs; k++)
			SG_PUSH(e->ctx, todo, n, cap, a->args[k]);
	}
	return 0;
}

value
apply_custom(elab *e, closure *f, size_t n, const value *v, const sg_ast *call)
{
	value *arg = sg_copy(e->ctx, v, (n + 1) * sizeof *v), *inner = sg_copy(e->ctx, v, (n + 1) * sizeof *v);
	sg_ref *param = SG_NEW_ARRAY(e->ctx, sg_ref, n + 1), *rule = SG_NEW_ARRAY(e->ctx, sg_ref, n + 1);
	const int64_t first = e->binds;
	size_t np = 0;

	for (size_t k = 0; k < n; k++) { /* literals become tensors, each parameter opaque in the body */
		if (arg[k].kind == V_FLOAT)
			arg[k] = v_tensor(to_tensor(e, arg[k], -1, e->user_at));
		inner[k] = arg[k];
		if (arg[k].kind != V_TENSOR || !sg_type_is_float(sg_type_of(e->b, arg[k].ref)))
			continue;
		inner[k] = v_tensor(sg_bind(e->b, arg[k].ref, ++e->binds));
		if (!f->prelude && !e->b->g->name[arg[k].ref])
			e->b->g->name[arg[k].ref] = f->rule->param[k].name;
	}
	const int64_t last = e->binds;
	value r = run(e, f->fn, bind_params(e, f->fn, inner, f->env, f->seq, true));
	if (r.kind == V_POISON)
		return r;
	const size_t nres = r.kind == V_TUPLE ? r.n : 1;
	sg_ref *res = SG_NEW_ARRAY(e->ctx, sg_ref, nres + 1), *seed = SG_NEW_ARRAY(e->ctx, sg_ref, nres + 1);
	for (size_t k = 0; k < nres; k++)
		if (!(res[k] = to_tensor(e, r.kind == V_TUPLE ? r.item[k] : r, -1, e->user_at)))
			return POISON;
	const sg_ref out = outside_name(e, nres, res, first, last);
	if (out) {
		const char *name = e->b->g->name[out];
		sg_diag *d = elab_error(e, f->rule->at, "derivative-rule",
		                        "%s has a derivative rule, so it must not read %s%s%s from outside",
		                        fn_text(e, f), name ? "'" : "a tensor", name ? name : "",
		                        name ? "'" : "");
		sg_add_hint(e->ctx, d, "pass it as a parameter");
		return POISON;
	}
	if (!run_rule(e, f, inner, nres, res, seed, rule))
		return POISON;
	sg_ref *args = SG_NEW_ARRAY(e->ctx, sg_ref, 1 + nres + 2 * n);
	for (size_t k = 0; k < n; k++)
		if (rule[k]) {
			param[np] = arg[k].ref;
			rule[np++] = rule[k];
		}
	memcpy(args + 1, seed, nres * sizeof *seed);
	memcpy(args + 1 + nres, param, np * sizeof *param);
	memcpy(args + 1 + nres + np, rule, np * sizeof *rule);
	value *item = SG_NEW_ARRAY(e->ctx, value, nres);
	for (size_t k = 0; k < nres; k++) {
		args[0] = res[k];
		item[k] = v_tensor(sg_type_is_float(sg_type_of(e->b, res[k]))
		                       ? sg_custom(e->b, (int64_t)np, (int64_t)nres, (int64_t)k, args)
		                       : res[k]);
	}
	(void)call;
	return r.kind == V_TUPLE ? v_tuple(e, nres, item) : item[0];
}

/* ---- built-in functions ---- */

static bool
match_builtin(elab *e, const builtin *b, size_t n, const value *v, const sg_ast *call, call_args *a)
{
	bool variadic, optional;
	const int np = param_count(b->params, &variadic);
	const sg_span whole = call ? call->at : e->user_at;
	const closure self = {.builtin = b};
	int positional = 0;

	a->rest = SG_NEW_ARRAY(e->ctx, value, n + 1);
	a->rest_ast = SG_NEW_ARRAY(e->ctx, const sg_ast *, n + 1);
	for (int k = 0; k < MAX_ARGS; k++)
		a->v[k].kind = V_ABSENT, a->at[k] = whole;
	for (size_t k = 0; k < n; k++) {
		const char *name = call && call->argname ? call->argname[k + 1] : NULL;
		int at = name ? param_index(b->params, name) : positional++;

		if (at < 0) {
			const char **names = SG_NEW_ARRAY(e->ctx, const char *, np + 1);

			for (int j = 0; j < np; j++)
				names[j] = param_name(e, b->params, j, &optional);
			unknown_parameter(e, &self, name, call->argname_at[k + 1], (size_t)np, names);
			return false;
		}
		if (at >= np && variadic) {
			a->rest_ast[a->nrest] = call ? call->kid[k + 1] : NULL;
			a->rest[a->nrest++] = v[k];
			continue;
		}
		if (at >= np) {
			sg_diag *d = elab_error(e, whole, "arity", "'%s' takes %s%d argument%s, not %zu",
			                        b->name, strchr(b->params, '?') ? "at most " : "", np,
			                        np == 1 ? "" : "s", n);
			sg_add_hint(e->ctx, d, "%s", signature(e, &self));
			return false;
		}
		if (given(a, at)) {
			elab_error(e, whole, "argument", "'%s' is given twice",
			           param_name(e, b->params, at, &optional));
			return false;
		}
		a->v[at] = v[k];
		if (call) {
			a->at[at] = call->kid[k + 1]->at;
			a->ast[at] = call->kid[k + 1];
		}
	}
	for (int k = 0; k < np; k++) {
		const char *name = param_name(e, b->params, k, &optional);

		if (!given(a, k) && !optional) {
			sg_diag *d = elab_error(e, whole, "arity", "missing argument '%s' of '%s'", name,
			                        b->name);
			sg_add_hint(e->ctx, d, "%s", signature(e, &self));
			return false;
		}
	}
	return true;
}

value
apply(elab *e, closure *f, size_t n, const value *v, const sg_ast *call)
{
	call_args a = {.b = f->builtin, .call = call};

	if (!f->builtin)
		return call_closure(e, f, n, v, call);
	for (size_t k = 0; k < n; k++)
		if (v[k].kind == V_POISON)
			return POISON;
	return match_builtin(e, f->builtin, n, v, call, &a) ? f->builtin->fn(e, &a) : POISON;
}

/* Arguments without a name come first. */
static bool
in_order(const sg_ast *call)
{
	bool named = false;

	for (size_t k = 1; k < call->nkids; k++) {
		const bool is = call->argname && call->argname[k];

		if (named && !is)
			return false;
		named = is;
	}
	return true;
}

value
eval_call(elab *e, scope *s, const sg_ast *x)
{
	const size_t n = x->nkids - 1;
	value f, *v;
	const bool free = e->free_names_are_inputs;

	e->free_names_are_inputs = free && x->kid[0]->kind != SG_X_NAME; /* f(x): f is no input */
	f = x->kid[0]->kind == SG_X_NAME ? eval_name(e, s, x->kid[0]) : eval(e, s, x->kid[0]);
	e->free_names_are_inputs = free;

	if (f.kind == V_POISON)
		return f;
	if (f.kind != V_FN) {
		sg_diag *d = elab_error(e, x->kid[0]->at, "not-function", "%s is no function",
		                        x->kid[0]->kind == SG_X_NAME
		                            ? sg_text(e->ctx, "'%s'", x->kid[0]->name)
		                            : v_describe(e, f));
		if (f.kind == V_TENSOR)
			sg_add_hint(e->ctx, d, "write '*' to multiply, [ ] to index");
		return POISON;
	}
	if (!in_order(x)) /* the parser has said so */
		return POISON;
	if (is_derivative_fn(f.fn))
		return eval_derivative(e, s, x, f.fn->builtin);
	v = SG_NEW_ARRAY(e->ctx, value, n + 1);
	for (size_t k = 0; k < n; k++)
		v[k] = eval(e, s, x->kid[k + 1]);
	if (x->at.src != e->prelude_src) {
		e->user_at = x->at;
		e->b->g->here = x->at;
	}
	return apply(e, f.fn, n, v, x);
}
