/* front.c - text to program: the user's statements, in order. */
#include "front/elab.h"

#include <ctype.h>
#include <string.h>

/* ---- names of models ---- */

/* "my-model.sg" -> my_model; never empty, never a digit first. */
static const char *
legal_stem(sg_ctx *ctx, const char *path)
{
	const char *base = strrchr(path, '/');
	char *s;
	size_t n;

	base = base ? base + 1 : path;
	n = strlen(base);
	if (n > 3 && strcmp(base + n - 3, ".sg") == 0)
		n -= 3;
	if (!n || base[0] == '<')
		return "model";
	s = sg_alloc(ctx, n + 2);
	s[0] = 'm';
	for (size_t k = 0; k < n; k++)
		s[k + 1] = isalnum((unsigned char)base[k]) && (unsigned char)base[k] < 128 ? base[k] : '_';
	return sg_intern_z(ctx, isdigit((unsigned char)s[1]) ? s : s + 1);
}

/* ---- setting up ---- */

static elab *
elab_new(sg_ctx *ctx, const sg_front_options *o)
{
	elab *e = SG_NEW(ctx, elab);
	static const sg_front_options none;

	e->ctx = ctx;
	e->o = o ? o : &none;
	e->sp = sg_space_new(ctx);
	e->b = SG_NEW(ctx, sg_build);
	*e->b = (sg_build){.ctx = ctx, .sp = e->sp, .g = sg_graph_new(e->sp), .stabilise = true};
	e->p = SG_NEW(ctx, sg_program);
	e->p->sp = e->sp;
	e->p->g = e->b->g;
	e->real = e->o->has_real ? e->o->real : SG_F64;
	e->prelude = scope_new(e, NULL, UINT64_MAX);
	e->top = scope_new(e, e->prelude, UINT64_MAX);
	e->wrt = sg_map_new(ctx);
	e->wrt_sites = sg_map_new(ctx);
	e->unknown = sg_map_new(ctx);
	e->included = sg_map_new(ctx);
	e->blank = sg_intern_z(ctx, "_");
	e->memo = sg_bytes_map_new(ctx);
	e->patterns = sg_bytes_map_new(ctx);
	e->sheltered = sg_bytes_map_new(ctx);
	e->entries = sg_bytes_map_new(ctx);
	prelude_open(e);
	return e;
}

/* `real` and `model` hold for the whole file, wherever the first of them stands. */
static void
read_header(elab *e, const sg_stmt *list)
{
	const sg_stmt *real = NULL, *model = NULL;

	for (const sg_stmt *s = list; s; s = s->next) {
		const sg_stmt **slot = s->kind == SG_S_REAL ? &real : s->kind == SG_S_MODEL ? &model : NULL;

		if (!slot)
			continue;
		if (*slot) {
			sg_diag *d = sg_error(e->ctx, s->word_at, "statement", "a second '%s'",
			                      s->kind == SG_S_REAL ? "real" : "model");
			sg_add_note(e->ctx, d, (*slot)->word_at, "the first");
			continue;
		}
		*slot = s;
	}
	if (real && !e->o->has_real)
		e->real = strcmp(real->name, "f32") == 0 ? SG_F32 : SG_F64;
	e->p->real = e->real;
}

static sg_program *
finish(elab *e)
{
	settle_unknown_names(e);
	return sg_error_count(e->ctx) ? NULL : e->p;
}

/* ---- what is too large ---- */

typedef struct job {
	elab *e;
	sg_stmt *list;   /* a file, or */
	const sg_ast *x;     /* an expression */
	size_t nwrt;
	const char *const *wrt;
} job;

/* Runs f; a limit of ours that the text exceeds is the text's fault, and has a place in it. */
static void
elaborate(job *j, void (*f)(void *job))
{
	sg_ctx *ctx = j->e->ctx;
	const sg_fault fault = sg_protect(ctx, f, j);

	if (fault == SG_FAULT_NONE)
		return;
	if (fault != SG_FAULT_LIMIT)
		sg_raise(ctx, fault, sg_fault_text(ctx));
	j->e->frame = NULL; /* of a stack that is gone */
	elab_error(j->e, j->e->user_at, "limit", "%s", sg_fault_text(ctx));
}

/* ---- the two ways in ---- */

/* Where a value is none, declarations did not come to be, and more can't be said. */
static void
check_fixed_dims(elab *e)
{
	bool wrong = e->torn;

	for (size_t k = 0; k < e->o->nfix; k++)
		if (e->o->fix_value[k] < 0) {
			sg_error(e->ctx, (sg_span){0}, "extent", "the dimension '%s' can't be %lld",
			         e->o->fix_name[k], (long long)e->o->fix_value[k]);
			wrong = true;
		}
	for (size_t k = 0; k < e->o->nfix; k++) {
		binding *b = scope_find_here(e->top, sg_intern_z(e->ctx, e->o->fix_name[k]));

		if ((!b || !b->is_dim) && !wrong)
			sg_error(e->ctx, (sg_span){0}, "no-dimension",
			         "the model has no dimension '%s' to fix", e->o->fix_name[k]);
	}
}

static void
elaborate_file(void *arg)
{
	job *j = arg;
	elab *e = j->e;

	read_header(e, j->list);
	if (e->o->training)
		j->list = training_statements(e, j->list);
	collect_wrt(e, j->list);
	run_statements(e, e->top, j->list);
	check_fixed_dims(e);
}

sg_program *
sg_front(sg_ctx *ctx, const sg_source *src, const sg_front_options *o)
{
	job j = {.e = elab_new(ctx, o), .list = sg_parse(ctx, src)};
	elab *e = j.e;

	e->p->name = legal_stem(ctx, src->name);
	e->torn = sg_error_count(ctx) > 0;
	elaborate(&j, elaborate_file);
	if (!e->p->nentries && !sg_error_count(ctx)) {
		sg_span at = {src, 0, 0};

		for (const sg_stmt *s = j.list; s; s = s->next)
			at = s->at;
		sg_diag *d = sg_error(ctx, at, "no-entry", "the model computes nothing");
		sg_add_hint(ctx, d, "add a line: output %s", e->last_bound ? e->last_bound : "y");
	}
	return finish(e);
}

static void
add_entry(elab *e, const char *name, size_t n, const sg_output *out)
{
	e->p->entry = SG_NEW(e->ctx, sg_entry_ir);
	e->p->nentries = 1;
	e->p->entry[0] = (sg_entry_ir){.name = sg_intern_z(e->ctx, name),
	                               .out = sg_copy(e->ctx, out, n * sizeof *out),
	                               .nout = n,
	                               .at = out[0].at};
}

static bool
eval_entry(elab *e, value v, sg_span at)
{
	const bool many = v.kind == V_TUPLE;
	const size_t n = many ? v.n : 1;
	sg_output *out = SG_NEW_ARRAY(e->ctx, sg_output, n + 1);

	if (!n)
		elab_error(e, at, "output", "an empty tuple has no value");
	for (size_t k = 0; k < n; k++) {
		sg_ref r = to_tensor(e, many ? v.item[k] : v, -1, at);

		if (!r)
			return false;
		out[k] = (sg_output){
		    .name = many ? sg_intern_z(e->ctx, sg_text(e->ctx, "value_%zu", k))
		                 : sg_intern_z(e->ctx, "value"),
		    .ref = r,
		    .at = at};
	}
	if (n)
		add_entry(e, "eval", n, out);
	return true;
}

/* Is s a name of the language, and no word of it? */
static bool
is_name(const char *s)
{
	size_t n = 0;

	while (s[n] == '_' || (isalnum((unsigned char)s[n]) && (unsigned char)s[n] < 128))
		n++;
	return n && !s[n] && !isdigit((unsigned char)s[0]) && !sg_is_reserved(s, n);
}

/* Names of a host or a command line have not been through the parser. */
static bool
wrt_is_legal(elab *e, sg_span at, size_t nwrt, const char *const *wrt)
{
	for (size_t k = 0; k < nwrt; k++) {
		if (!is_name(wrt[k])) {
			elab_error(e, at, "not-differentiable",
			           "no derivative with respect to '%s': it is no name", wrt[k]);
			return false;
		}
		for (size_t i = 0; i < k; i++)
			if (strcmp(wrt[i], wrt[k]) == 0) {
				elab_error(e, at, "output", "two outputs have the name 'd_%s'",
				           wrt[k]);
				return false;
			}
	}
	return true;
}

static bool
diff_entry(elab *e, value v, sg_span at, size_t nwrt, const char *const *wrt)
{
	sg_output *out = SG_NEW_ARRAY(e->ctx, sg_output, nwrt);
	sg_ref y = to_tensor(e, v, v_is_number(v) ? (int)e->real : -1, at);

	if (!y || !wrt_is_legal(e, at, nwrt, wrt))
		return false;
	if (!sg_type_is_float(sg_type_of(e->b, y))) {
		elab_error(e, at, "not-differentiable", "no derivative of %s: it is no float",
		           v_describe(e, v_tensor(y)));
		return false;
	}
	for (size_t k = 0; k < nwrt; k++) {
		const sg_ast name = {.kind = SG_X_NAME, .name = sg_intern_z(e->ctx, wrt[k]), .at = at};
		value x = eval(e, e->top, &name);
		const bool scalar = sg_shape_of(e->b, y)->rank == 0;

		if (x.kind == V_POISON)
			return false;
		if (x.kind != V_TENSOR) {
			elab_error(e, at, "not-differentiable",
			           "no derivative with respect to '%s': it is %s", wrt[k],
			           v_describe(e, x));
			return false;
		}
		out[k] = (sg_output){
		    .name = sg_intern_z(e->ctx, sg_text(e->ctx, "d_%s", wrt[k])),
		    .ref = sg_deriv(e->b, scalar ? SG_GRAD : SG_JACOBIAN, SG_MODE_AUTO, y, x.ref, 0),
		    .at = at};
	}
	add_entry(e, "diff", nwrt, out);
	return true;
}

static void
elaborate_expr(void *arg)
{
	job *j = arg;
	elab *e = j->e;
	value v;

	collect_wrt_expr(e, j->x);
	v = eval(e, e->top, j->x);
	if (v.kind == V_POISON || sg_error_count(e->ctx))
		return;
	if (j->nwrt)
		diff_entry(e, v, j->x->at, j->nwrt, j->wrt);
	else
		eval_entry(e, v, j->x->at);
}

sg_program *
sg_front_expr(sg_ctx *ctx, const sg_source *src, const sg_front_options *o, size_t nwrt,
              const char *const *wrt)
{
	job j = {.e = elab_new(ctx, o), .x = sg_parse_expr(ctx, src), .nwrt = nwrt, .wrt = wrt};
	elab *e = j.e;

	e->free_names_are_inputs = true;
	e->p->name = nwrt ? "diff" : "eval";
	e->p->real = e->real;
	if (!j.x)
		return NULL;
	e->user_at = j.x->at;
	elaborate(&j, elaborate_expr);
	return finish(e);
}
