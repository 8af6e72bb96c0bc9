/* names.c - what the text alone says about names, before anything runs: those that are not bound, those
 * that are bound twice, those that a derivative is taken with respect to.
 *
 * Each statement at the top of a file is walked before it is evaluated, with the bodies of its
 * functions, which may never be called, and with the branches of an 'if' that are never taken. A name
 * that is unknown is reported once. Of the places where a name is bound, those are marked that a
 * derivative names: only there is a value made a binding of its own (see fresh_binding), since such
 * bindings are barriers to sharing and rewriting. */
#include "front/elab.h"

#include <string.h>

/* Names of the scopes that the walk is in; NULL is the end, where the file's scope begins. */
typedef struct local {
	const char *name;
	sg_span at;
	bool opens; /* the first of its scope */
	uint32_t n; /* with those above it in the scope */
	const struct local *up, *outer; /* outer: where the scope around ends */
	sg_map *index; /* of a scope of many: its names; NULL: few, they are walked */
} local;

enum { FEW = 16 };

/* An unknown name that was reported. Its note or hint waits for the end, when all bindings are known. */
struct unknown {
	const char *name, *near; /* near: a name that was meant perhaps, or NULL */
	sg_diag *diag;
	sg_span later; /* where it is bound below; src NULL: nowhere */
	struct unknown *next;
};

/* ---- unknown names ---- */

/* Names that the user may have meant, of the walk's scopes too. */
static const char *
suggestion(elab *e, const local *l, scope *s, const char *name)
{
	const char **names;
	size_t n = 0;

	for (const local *k = l; k; k = k->up)
		n++;
	names = SG_NEW_ARRAY(e->ctx, const char *, n + 1);
	n = 0;
	for (const local *k = l; k; k = k->up)
		if (k->name && k->name != e->blank)
			names[n++] = k->name;
	const char *near = n ? sg_did_you_mean(name, names, n) : NULL;
	return near ? near : suggest_name(e, s, name);
}

/* What others call it. */
static const char *
foreign_name(const char *name)
{
	static const char *const table[][2] = {
	    {"True", "true"},        {"False", "false"},       {"None", "none"},
	    {"int", "i64"},          {"int32", "i32"},         {"int64", "i64"},
	    {"float", "f64"},        {"double", "f64"},        {"float32", "f32"},
	    {"float64", "f64"},      {"boolean", "bool"},      {"range", "arange"},
	    {"len", "shape"},        {"size", "shape"},        {"ln", "log"},
	    {"arcsin", "asin"},      {"arccos", "acos"},       {"arctan", "atan"},
	    {"arctan2", "atan2"},    {"arcsinh", "asinh"},     {"arccosh", "acosh"},
	    {"arctanh", "atanh"},    {"power", "pow"},         {"absolute", "abs"},
	    {"fabs", "abs"},         {"clip", "clamp"},        {"cat", "concat"},
	    {"concatenate", "concat"}, {"hstack", "concat"},   {"vstack", "concat"},
	    {"amax", "max"},         {"amin", "min"},          {"fmax", "maximum"},
	    {"fmin", "minimum"},     {"average", "mean"},      {"ifelse", "where"},
	    {"swish", "silu"},       {"gammaln", "lgamma"},    {"permute", "transpose"},
	    {"view", "reshape"},     {"astype", "cast"},       {"matmul", "dot"},
	    {"detach", "stop_gradient"}, {"random", "rand"},   {"normal", "randn"},
	    {"vmap", "map"},         {"hess", "hessian"},      {"jac", "jacobian"},
	    {"gradient", "grad"},    {"backward", "grad"},     {"lambda", "(x) -> x*x"},
	};

	for (size_t k = 0; k < sizeof table / sizeof *table; k++)
		if (strcmp(table[k][0], name) == 0)
			return table[k][1];
	return NULL;
}

static void
report_unknown(elab *e, const local *l, scope *s, const sg_ast *x)
{
	struct unknown *u;

	if (e->torn || sg_map_get(e->unknown, x->name))
		return;
	u = SG_NEW(e->ctx, struct unknown);
	u->name = x->name;
	u->diag = elab_error(e, x->at, "unknown-name",
	                     x->name == e->blank ? "'%s' is never read" : "unknown name '%s'",
	                     x->name);
	if (x->name != e->blank && !(u->near = foreign_name(x->name)))
		u->near = suggestion(e, l, s, x->name);
	u->next = e->first_unknown;
	e->first_unknown = u;
	sg_map_put(e->unknown, x->name, u);
}

void
unknown_name(elab *e, scope *s, const sg_ast *x)
{
	report_unknown(e, NULL, s, x);
}

void
note_later_binding(elab *e, const char *name, sg_span at)
{
	struct unknown *u = sg_map_get(e->unknown, name);

	if (u && !u->later.src)
		u->later = at;
}

void
settle_unknown_names(elab *e)
{
	for (struct unknown *u = e->first_unknown; u; u = u->next) {
		const sg_span use = u->diag->at;

		if (u->name == e->blank)
			sg_add_hint(e->ctx, u->diag, "'_' takes what is not needed; give it a name");
		else if (u->later.src && (u->later.src != use.src || u->later.lo > use.lo))
			sg_add_note(e->ctx, u->diag, u->later, "'%s' is bound here, below its use",
			            u->name);
		else if (u->later.src)
			sg_add_note(e->ctx, u->diag, u->later, "'%s' is bound here, and visible below",
			            u->name);
		else if (u->near)
			sg_add_hint(e->ctx, u->diag, "did you mean '%s'?", u->near);
	}
}

/* ---- names that a derivative is taken with respect to ---- */

/* The place where a name is bound, as a key. */
static const void *
site(sg_span at)
{
	return at.src->text + at.lo;
}

bool
is_marked(elab *e, const scope *s, const char *name, sg_span at)
{
	return (at.src && sg_map_get(e->wrt_sites, site(at))) ||
	       (s == e->top && sg_map_get(e->wrt, name));
}

static void
mark_name(elab *e, const local *l, const char *name)
{
	for (; l; l = l->up)
		if (l->name == name) {
			sg_map_put(e->wrt_sites, site(l->at), e);
			return;
		}
	sg_map_put(e->wrt, name, e);
}

static void
mark_target(elab *e, const local *l, const sg_ast *x)
{
	if (x->kind == SG_X_NAME)
		mark_name(e, l, x->name);
	if (x->kind == SG_X_TUPLE)
		for (size_t k = 0; k < x->nkids; k++)
			mark_target(e, l, x->kid[k]);
}

/* All arguments behind the first: a direction that is marked too does no harm. */
static void
mark_targets(elab *e, const local *l, const sg_ast *call)
{
	const builtin *b = call->kid[0]->kind == SG_X_NAME ? find_builtin(call->kid[0]->name) : NULL;

	if (b && is_derivative_fn(&(closure){.builtin = b}))
		for (size_t k = 2; k < call->nkids; k++)
			mark_target(e, l, call->kid[k]);
}

/* A tuple that is written out keeps the bindings of the names in it: where it is named, so are they.
 * list: of statements, in the scope that ends with l (NULL: the file's). */
static void
mark_tuples(elab *e, const local *l, const sg_stmt *list)
{
	const sg_stmt **tuple = NULL;
	size_t n = 0, cap = 0;

	for (const sg_stmt *st = list; st; st = st->next)
		if (st->kind == SG_S_BIND && !st->unpacks && st->item[0].value->kind == SG_X_TUPLE)
			SG_PUSH(e->ctx, tuple, n, cap, st);
	while (n-- > 0) { /* the last first: a tuple may hold others */
		const sg_ast_param *t = &tuple[n]->target[0];

		if (is_marked(e, l ? NULL : e->top, t->name, t->at))
			mark_target(e, l, tuple[n]->item[0].value);
	}
}

/* ---- the walk ---- */

typedef struct walk {
	elab *e;
	bool marks; /* marks the names of derivatives, and says nothing */
} walk;

static void walk_expr(const walk *w, const local *l, const sg_ast *x);
static void walk_fn(const walk *w, const local *l, const sg_ast_fn *fn);

/* Of the scope that l ends. */
static const local *
find_here(const local *l, const char *name)
{
	if (l && l->index)
		return sg_map_get(l->index, name);
	for (; l; l = l->opens ? NULL : l->up)
		if (l->name == name)
			return l;
	return NULL;
}

static bool
is_visible(elab *e, const local *l, const char *name)
{
	for (; l; l = l->outer)
		if (find_here(l, name))
			return name != e->blank;
	return scope_find(e, e->top, name) || find_builtin(name) || is_type_name(name);
}

static void
walk_name(const walk *w, const local *l, const sg_ast *x)
{
	if (!w->marks && !is_visible(w->e, l, x->name))
		report_unknown(w->e, l, w->e->top, x);
}

static void
index_local(elab *e, local *k)
{
	if (k->index) {
		sg_map_put(k->index, k->name, k);
	} else if (k->n > FEW) {
		k->index = sg_map_new(e->ctx);
		for (local *o = k; o; o = o->opens ? NULL : (local *)o->up)
			if (o->name && !sg_map_get(k->index, o->name))
				sg_map_put(k->index, o->name, o);
	}
}

/* Binds a name in the scope that l is in. */
static const local *
bind_local(const walk *w, const local *l, const char *name, sg_span at, bool opens)
{
	elab *e = w->e;
	local *k = SG_NEW(e->ctx, local);
	const local *old = opens || name == e->blank ? NULL : find_here(l, name);

	if (old) {
		if (!w->marks)
			rebound(e, name, at, &(binding){.at = old->at});
		return l;
	}
	if (!w->marks)
		note_later_binding(e, name, at);
	*k = (local){.name = name, .at = at, .opens = opens || !l, .n = 1, .up = l, .outer = l};
	if (!k->opens) {
		k->n = l->n + 1;
		k->outer = l->outer;
		k->index = l->index;
	}
	index_local(e, k);
	return k;
}

static void
walk_kids(const walk *w, const local *l, const sg_ast *x)
{
	if (w->marks && x->kind == SG_X_CALL)
		mark_targets(w->e, l, x);
	for (size_t k = 0; k < x->nkids; k++)
		walk_expr(w, l, x->kid[k]);
	for (size_t k = 0; k < x->nindex; k++) {
		walk_expr(w, l, x->index[k].e);
		walk_expr(w, l, x->index[k].start);
		walk_expr(w, l, x->index[k].stop);
		walk_expr(w, l, x->index[k].step);
	}
	if (x->fn)
		walk_fn(w, l, x->fn);
}

static void
walk_expr(const walk *w, const local *l, const sg_ast *x)
{
	if (!x || !sg_stack_left(w->e->ctx))
		return;
	/* A left-deep chain is walked by a loop, so that its length costs no stack. */
	for (; x->kind == SG_X_BINARY; x = x->kid[0])
		walk_expr(w, l, x->kid[1]);
	if (x->kind == SG_X_NAME) {
		walk_name(w, l, x);
	} else if (x->kind == SG_X_COMPREHENSION) {
		walk_expr(w, l, x->kid[1]);
		walk_expr(w, l, x->kid[2]);
		walk_expr(w, bind_local(w, l, x->name, x->op_at, true), x->kid[0]);
	} else {
		walk_kids(w, l, x);
	}
}

static const local *
walk_body_statement(const walk *w, const local *l, const sg_stmt *st)
{
	if (st->kind == SG_S_DEF) {
		l = bind_local(w, l, st->fn->name, st->name_at, false);
		walk_fn(w, l, st->fn);
		return l;
	}
	for (size_t k = 0; k < st->nitems; k++)
		walk_expr(w, l, st->item[k].value);
	if (st->kind == SG_S_DERIVATIVE)
		walk_fn(w, l, st->fn);
	if (st->kind == SG_S_CONST)
		return bind_local(w, l, st->item[0].name, st->item[0].at, false);
	for (size_t k = 0; k < st->ntargets; k++)
		l = bind_local(w, l, st->target[k].name, st->target[k].at, false);
	return l;
}

static void
walk_fn(const walk *w, const local *l, const sg_ast_fn *fn)
{
	const local first = {.opens = true, .up = l, .outer = l};

	for (size_t k = 0; k < fn->nparams; k++)
		walk_expr(w, l, fn->param[k].deflt);
	l = &first;
	for (size_t k = 0; k < fn->nparams; k++)
		l = bind_local(w, l, fn->param[k].name, fn->param[k].at, false);
	for (size_t k = 0; k < fn->nseeds; k++)
		l = bind_local(w, l, fn->seed[k].name, fn->seed[k].at, false);
	walk_expr(w, l, fn->expr);
	for (const sg_stmt *st = fn->body; st; st = st->next)
		l = walk_body_statement(w, l, st);
	if (w->marks)
		mark_tuples(w->e, l, fn->body);
}

/* A statement at the top. */
static void
walk_statement(const walk *w, const sg_stmt *st)
{
	if (st->kind == SG_S_BIND || st->kind == SG_S_CONST || st->kind == SG_S_OUTPUT ||
	    st->kind == SG_S_ENTRY || st->kind == SG_S_GRADIENT)
		for (size_t k = 0; k < st->nitems; k++)
			walk_expr(w, NULL, st->item[k].value);
	for (size_t k = 0; k < st->nwrt; k++) {
		const sg_ast name = {.kind = SG_X_NAME, .name = st->wrt[k].name, .at = st->wrt[k].at};

		walk_name(w, NULL, &name);
		if (w->marks)
			mark_name(w->e, NULL, name.name);
	}
	if (st->kind == SG_S_DEF) { /* a function sees itself */
		const local self = {.name = st->fn->name, .at = st->name_at, .opens = true};

		walk_fn(w, &self, st->fn);
	}
	if (st->kind == SG_S_DERIVATIVE)
		walk_fn(w, NULL, st->fn);
}

void
check_names(elab *e, const sg_stmt *st)
{
	const walk w = {.e = e};

	if (!e->torn)
		walk_statement(&w, st);
}

void
collect_wrt(elab *e, const sg_stmt *list)
{
	const walk w = {.e = e, .marks = true};

	for (const sg_stmt *st = list; st; st = st->next)
		walk_statement(&w, st);
	mark_tuples(e, NULL, list);
}

void
collect_wrt_expr(elab *e, const sg_ast *x)
{
	const walk w = {.e = e, .marks = true};

	walk_expr(&w, NULL, x);
}
