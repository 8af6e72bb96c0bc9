/* names.c - names that are not bound, and names that are bound twice, found before anything runs.
 *
 * What is visible where follows from the text alone. So each statement at the top of a file is walked
 * before it is evaluated, with the bodies of its functions, which may never be called, and with the
 * branches of an 'if' that are never taken. A name that is unknown is reported once. */
#include "front/elab.h"

#include <string.h>

/* Names of the scopes that the walk is in; NULL is the end, where the file's scope begins. */
typedef struct local {
	const char *name;
	sg_span at;
	bool opens; /* the first of its scope */
	const struct local *up;
} local;

/* An unknown name that was reported. Its note or hint waits for the end, when all bindings are known. */
struct unknown {
	const char *name, *near; /* near: a name that was meant perhaps, or NULL */
	sg_diag *diag;
	sg_span later; /* where it is bound below; src NULL: nowhere */
	struct unknown *next;
};

static void check_expr(elab *e, const local *l, const sg_ast *x);
static void check_fn(elab *e, const local *l, const sg_ast_fn *fn);

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

/* ---- the walk ---- */

static bool
is_visible(elab *e, const local *l, const char *name)
{
	for (; l; l = l->up)
		if (l->name == name)
			return name != e->blank;
	return scope_find(e, e->top, name) || find_builtin(name) || is_type_name(name);
}

static void
check_name(elab *e, const local *l, const sg_ast *x)
{
	if (!is_visible(e, l, x->name))
		report_unknown(e, l, e->top, x);
}

/* Binds a name in the scope that l is in. */
static const local *
bind_local(elab *e, const local *l, const char *name, sg_span at, bool opens)
{
	local *k = SG_NEW(e->ctx, local);

	for (const local *o = l; o && !opens && name != e->blank; o = o->opens ? NULL : o->up)
		if (o->name == name) {
			rebound(e, name, at, &(binding){.at = o->at});
			return l;
		}
	note_later_binding(e, name, at);
	*k = (local){.name = name, .at = at, .opens = opens, .up = l};
	return k;
}

static void
check_kids(elab *e, const local *l, const sg_ast *x)
{
	for (size_t k = 0; k < x->nkids; k++)
		check_expr(e, l, x->kid[k]);
	for (size_t k = 0; k < x->nindex; k++) {
		check_expr(e, l, x->index[k].e);
		check_expr(e, l, x->index[k].start);
		check_expr(e, l, x->index[k].stop);
		check_expr(e, l, x->index[k].step);
	}
	if (x->fn)
		check_fn(e, l, x->fn);
}

static void
check_expr(elab *e, const local *l, const sg_ast *x)
{
	if (!x || !sg_stack_left(e->ctx))
		return;
	/* A left-deep chain is walked by a loop, so that its length costs no stack. */
	for (; x->kind == SG_X_BINARY; x = x->kid[0])
		check_expr(e, l, x->kid[1]);
	if (x->kind == SG_X_NAME) {
		check_name(e, l, x);
	} else if (x->kind == SG_X_COMPREHENSION) {
		check_expr(e, l, x->kid[1]);
		check_expr(e, l, x->kid[2]);
		check_expr(e, bind_local(e, l, x->name, x->op_at, true), x->kid[0]);
	} else {
		check_kids(e, l, x);
	}
}

static const local *
check_body_statement(elab *e, const local *l, const sg_stmt *st)
{
	if (st->kind == SG_S_DEF) {
		l = bind_local(e, l, st->fn->name, st->name_at, false);
		check_fn(e, l, st->fn);
		return l;
	}
	for (size_t k = 0; k < st->nitems; k++)
		check_expr(e, l, st->item[k].value);
	if (st->kind == SG_S_DERIVATIVE)
		check_fn(e, l, st->fn);
	if (st->kind == SG_S_CONST)
		return bind_local(e, l, st->item[0].name, st->item[0].at, false);
	for (size_t k = 0; k < st->ntargets; k++)
		l = bind_local(e, l, st->target[k].name, st->target[k].at, false);
	return l;
}

static void
check_fn(elab *e, const local *l, const sg_ast_fn *fn)
{
	local first = {.opens = true, .up = l};

	for (size_t k = 0; k < fn->nparams; k++)
		check_expr(e, l, fn->param[k].deflt);
	l = &first;
	for (size_t k = 0; k < fn->nparams; k++)
		l = bind_local(e, l, fn->param[k].name, fn->param[k].at, false);
	for (size_t k = 0; k < fn->nseeds; k++)
		l = bind_local(e, l, fn->seed[k].name, fn->seed[k].at, false);
	check_expr(e, l, fn->expr);
	for (const sg_stmt *st = fn->body; st; st = st->next)
		l = check_body_statement(e, l, st);
}

void
check_names(elab *e, const sg_stmt *st)
{
	if (e->torn)
		return;
	if (st->kind == SG_S_BIND || st->kind == SG_S_CONST || st->kind == SG_S_OUTPUT ||
	    st->kind == SG_S_ENTRY || st->kind == SG_S_GRADIENT)
		for (size_t k = 0; k < st->nitems; k++)
			check_expr(e, NULL, st->item[k].value);
	for (size_t k = 0; k < st->nwrt; k++) {
		const sg_ast name = {.kind = SG_X_NAME, .name = st->wrt[k].name, .at = st->wrt[k].at};

		check_name(e, NULL, &name);
	}
	if (st->kind == SG_S_DEF) { /* a function sees itself */
		const local self = {.name = st->fn->name, .at = st->name_at, .opens = true};

		check_fn(e, &self, st->fn);
	}
	if (st->kind == SG_S_DERIVATIVE)
		check_fn(e, NULL, st->fn);
}
