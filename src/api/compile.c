/* compile.c - the whole way from text to machine code, and the one place where faults are caught.
 */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

/* ---- the passes, in order ---- */

typedef struct job {
	sg_model *m;
	const sg_options *o;
} job;

static sg_program *read_program(job *j);
static void keep_entry(job *j, sg_program *p);
static void set_prefix(job *j, sg_program *p);
static void need_gradients(sg_ctx *ctx, const sg_program *p);

static void
compile(void *arg)
{
	job *j = arg;
	sg_model *m = j->m;
	double start = sg_clock(), parsed;
	sg_program *p = read_program(j);

	parsed = sg_clock();
	m->times.parse = parsed - start;
	if (!p)
		return;
	keep_entry(j, p);
	set_prefix(j, p);
	if (m->steps)
		need_gradients(m->ctx, p);
	if (m->casadi)
		sg_add_jacobians(m->ctx, p);
	m->derivs = sg_program_snapshot(m->ctx, p);
	sg_derive(m->ctx, p);
	sg_share_loops(m->ctx, p);
	sg_merge_loops(m->ctx, p);
	sg_clean(m->ctx, p, false);
	sg_graph_check(p->g);
	m->times.differentiate = sg_clock() - parsed;
	if (sg_error_count(m->ctx) > 0)
		return;
	m->program = p;
	sg_describe(m);
	switch (j->o->backend) {
	case SG_BACKEND_JIT:
	case SG_BACKEND_CC:
	case SG_BACKEND_TIERED:
		sg_make_code(m, sg_backend_choice(m, j->o->backend));
		break;
	case SG_BACKEND_AUTO:
	case SG_BACKEND_INTERP:
	case SG_BACKEND_LATER:
		break;
	}
}

/* ---- what the passes start from ---- */

const sg_source *
sg_model_read(sg_model *m)
{
	sg_origin *o = &m->origin;

	if (!o->path)
		return sg_source_text(m->ctx, o->name, o->text, o->size);
	return sg_source_file(m->ctx, o->path, (sg_span){.src = NULL});
}

static sg_program *
read_program(job *j)
{
	sg_model *m = j->m;
	sg_origin *o = &m->origin;
	const sg_source *src = sg_model_read(m);

	if (!src)
		return NULL;
	o->path = NULL;
	o->name = src->name;
	o->text = src->text;
	o->size = src->len;
	if (o->is_expr)
		return sg_front_expr(m->ctx, src, &m->front, o->nwrt, o->wrt);
	return sg_front(m->ctx, src, &m->front);
}

/* "a, b and c", or the first few of many. */
static const char *
listed(sg_ctx *ctx, size_t n, const char *const *names)
{
	const size_t most = n > 8 ? 8 : n;
	sg_buf text;

	sg_buf_init(&text, ctx);
	for (size_t i = 0; i < most; i++)
		sg_buf_printf(&text, "%s'%s'", i == 0 ? "" : i + 1 < n ? ", " : " and ", names[i]);
	if (n > most)
		sg_buf_printf(&text, " and %u more", (unsigned)(n - most));
	return sg_buf_text(&text);
}

static bool
is_input(const sg_program *p, const char *name)
{
	for (size_t i = 0; i < p->ninputs; i++)
		if (strcmp(p->input[i].name, name) == 0)
			return true;
	return false;
}

/* Drops all entries but the one that the options name. */
static void
keep_entry(job *j, sg_program *p)
{
	sg_ctx *ctx = j->m->ctx;
	const char **names, *near;

	if (!j->o->entry)
		return;
	names = SG_NEW_ARRAY(ctx, const char *, p->nentries);
	for (size_t i = 0; i < p->nentries; i++) {
		names[i] = p->entry[i].name;
		if (strcmp(names[i], j->o->entry) == 0) {
			p->entry += i;
			p->nentries = 1;
			return;
		}
	}
	near = sg_did_you_mean(j->o->entry, names, p->nentries);
	sg_diag *d =
	    sg_error(ctx, (sg_span){.src = NULL}, "unknown-entry", "no entry '%s'", j->o->entry);

	if (is_input(p, j->o->entry))
		sg_add_hint(ctx, d, "'%s' is an input, whose value is given as %s=VALUE", j->o->entry,
		            j->o->entry);
	else if (near)
		sg_add_hint(ctx, d, "did you mean '%s'?", near);
	else
		sg_add_hint(ctx, d, "the model has %s", listed(ctx, p->nentries, names));
}

static bool
is_identifier(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char digits[] = "0123456789";

	if (!*s || !strchr(letters, *s))
		return false;
	while (*s && (strchr(letters, *s) || strchr(digits, *s)))
		s++;
	return !*s;
}

static void
set_prefix(job *j, sg_program *p)
{
	const char *prefix = j->o->prefix;

	if (!prefix)
		return;
	if (!is_identifier(prefix))
		sg_error(j->m->ctx, (sg_span){.src = NULL}, "prefix",
		         "the prefix '%s' is not an identifier", prefix);
	p->name = sg_intern_z(j->m->ctx, prefix);
}

static void
need_gradients(sg_ctx *ctx, const sg_program *p)
{
	sg_diag *d;

	for (size_t i = 0; i < p->nentries; i++)
		if (sg_entry_has_step(p, &p->entry[i]))
			return;
	d = sg_error(
	    ctx, (sg_span){.src = NULL}, "step",
	    "no step of training: no entry has an output grad_NAME for an input or param NAME");
	sg_add_hint(ctx, d, "gradient loss wrt params");
}

/* The passes change a program's references and leave its old graph: this keeps the old references.
 */
sg_program *
sg_program_snapshot(sg_ctx *ctx, const sg_program *p)
{
	sg_program *q = sg_copy(ctx, p, sizeof *p);

	q->input = sg_copy(ctx, p->input, p->ninputs * sizeof *p->input);
	q->entry = sg_copy(ctx, p->entry, p->nentries * sizeof *p->entry);
	for (size_t i = 0; i < q->nentries; i++)
		q->entry[i].out =
		    sg_copy(ctx, p->entry[i].out, p->entry[i].nout * sizeof(sg_output));
	return q;
}

/* ---- on demand ---- */

typedef struct task {
	sg_model *m;
	int (*f)(sg_model *m, void *arg);
	void *arg;
	int status;
} task;

static void
do_task(void *arg)
{
	task *t = arg;

	t->status = t->f(t->m, t->arg);
}

int
sg_on_model(sg_model *m, int (*f)(sg_model *m, void *arg), void *arg, sg_failure *why)
{
	task t = {m, f, arg, SG_OK};
	sg_fault fault;

	if (!m)
		return sg_refuse(why, SG_EVALUE, "the model is NULL");
	if (m->status != SG_OK)
		return sg_refuse(why, m->status, "%s", sg_strerror(m->status));
	sg_no_failure(why);
	pthread_rwlock_wrlock(&m->lock);
	fault = sg_protect(m->ctx, do_task, &t);
	if (fault != SG_FAULT_NONE)
		t.status = sg_refuse(why, sg_status_of(fault), "%s", sg_fault_text(m->ctx));
	else if (t.status != SG_OK && why && why->status == SG_OK)
		sg_refuse(why, t.status, "%s", sg_strerror(t.status));
	pthread_rwlock_unlock(&m->lock);
	return t.status;
}

/* ---- making a model ---- */

static void
keep_options(void *arg)
{
	job *j = arg;
	sg_model *m = j->m;
	sg_origin *o = &m->origin;
	size_t n = j->o->nfixed;
	const char **name = SG_NEW_ARRAY(m->ctx, const char *, n);
	int64_t *value = SG_NEW_ARRAY(m->ctx, int64_t, n);
	const char **wrt = SG_NEW_ARRAY(m->ctx, const char *, o->nwrt);

	for (size_t i = 0; i < n; i++) {
		name[i] = sg_intern_z(m->ctx, j->o->fixed[i].name);
		value[i] = j->o->fixed[i].value;
	}
	for (size_t i = 0; i < o->nwrt; i++)
		wrt[i] = sg_intern_z(m->ctx, o->wrt[i]);
	o->wrt = wrt;
	o->loss = o->loss ? sg_intern_z(m->ctx, o->loss) : NULL;
	m->openmp = j->o->openmp != 0;
	m->steps = j->o->steps;
	m->casadi = j->o->convention == SG_CONVENTION_CASADI;
	m->front = (sg_front_options){
	    .real = j->o->real == SG_DTYPE_F32 ? SG_F32 : SG_F64,
	    .has_real = j->o->real == SG_DTYPE_F32 || j->o->real == SG_DTYPE_F64,
	    .nfix = n,
	    .fix_name = name,
	    .fix_value = value,
	    .pattern = sg_pattern_of,
	    .colours = sg_pattern_colours,
	    .training = o->training,
	    .loss = o->loss,
	};
}

static void
compile_and_report(void *arg)
{
	job *j = arg;

	keep_options(j);
	compile(j);
	sg_keep_diagnostics(j->m);
}

static void
keep_diagnostics_alone(void *arg)
{
	sg_keep_diagnostics(((job *)arg)->m);
}

sg_model *
sg_model_new(const sg_origin *origin)
{
	sg_model *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	atomic_init(&m->holders, 1);
	atomic_init(&m->freed, false);
	m->ctx = sg_ctx_new();
	m->origin = *origin;
	m->sentence = "";
	m->tier = sg_tier_new();
	m->pool = sg_pool_new();
	if (m->ctx && m->tier && m->pool && pthread_rwlock_init(&m->lock, NULL) == 0)
		return m;
	sg_tier_free(m->tier);
	sg_pool_free(m->pool);
	sg_ctx_free(m->ctx);
	free(m);
	return NULL;
}

/* What the arguments of a compilation may not be; NULL: nothing. */
static const char *
wrong_argument(const sg_origin *origin, const sg_options *o)
{
	if (!origin->path && !origin->text && (origin->size || !origin->name))
		return origin->name ? "the text is NULL" : "the path is NULL";
	if (origin->nwrt && !origin->wrt)
		return "the names of wrt are NULL";
	for (size_t i = 0; i < origin->nwrt; i++)
		if (!origin->wrt[i])
			return "a name of wrt is NULL";
	if (o->nfixed && !o->fixed)
		return "the fixed dimensions are NULL";
	for (size_t i = 0; i < o->nfixed; i++)
		if (!o->fixed[i].name)
			return "a fixed dimension has no name";
	for (size_t i = 0; i < o->nfixed; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(o->fixed[i].name, o->fixed[k].name) == 0)
				return "a dimension is fixed twice";
	if (o->real != SG_DTYPE_NONE && o->real != SG_DTYPE_F32 && o->real != SG_DTYPE_F64)
		return "the option 'real': expected f32 or f64";
	if ((unsigned)o->backend > SG_BACKEND_TIERED)
		return "the option 'backend': expected one of sg_backend";
	if (o->steps > 15)
		return "the option 'steps': expected bits of sg_step";
	if (o->steps && o->convention == SG_CONVENTION_CASADI)
		return "the option 'steps': CasADi's convention has no steps of training";
	if ((unsigned)o->convention > SG_CONVENTION_CASADI)
		return "the option 'convention': expected one of sg_convention";
	return NULL;
}

sg_model *
sg_compile(const sg_origin *origin, const sg_options *o)
{
	static const sg_options defaults = {.real = SG_DTYPE_NONE};
	sg_model *m = sg_model_new(origin);
	job j = {m, o ? o : &defaults};
	const char *wrong = wrong_argument(origin, j.o);
	sg_fault fault;

	if (!m)
		return NULL;
	if (wrong) {
		m->status = SG_EVALUE;
		m->sentence = wrong;
		return m;
	}
	fault = sg_protect(m->ctx, compile_and_report, &j);
	if (fault != SG_FAULT_NONE) {
		m->status = sg_status_of(fault);
		m->sentence = sg_fault_text(m->ctx);
		m->program = NULL;
		m->nentries = 0;
		(void)sg_protect(m->ctx, keep_diagnostics_alone, &j);
	} else if (!m->program) {
		m->status = SG_EMODEL;
	}
	if (m->status == SG_OK && j.o->backend == SG_BACKEND_TIERED)
		sg_tier_start(m);
	return m;
}

sg_model *
sg_compile_file(const char *path, const sg_options *options)
{
	sg_origin o = {.path = path};

	return sg_compile(&o, options);
}

sg_model *
sg_compile_string(const char *name, const char *text, size_t size, const sg_options *options)
{
	sg_origin o = {.name = name ? name : "<string>", .text = text, .size = size};

	if (!text && !size)
		o.text = "";
	return sg_compile(&o, options);
}

sg_model *
sg_compile_training_file(const char *path, const char *loss, const sg_options *options)
{
	sg_origin o = {.path = path, .training = true, .loss = loss};

	return sg_compile(&o, options);
}

sg_model *
sg_compile_training_string(const char *name, const char *text, size_t size, const char *loss,
                           const sg_options *options)
{
	sg_origin o = {.name = name ? name : "<string>",
	               .text = !text && !size ? "" : text,
	               .size = size,
	               .training = true,
	               .loss = loss};

	return sg_compile(&o, options);
}

sg_model *
sg_compile_expr(const char *expr, size_t nwrt, const char *const *wrt, const sg_options *options)
{
	sg_origin o = {.name = "<expr>",
	               .text = expr,
	               .size = expr ? strlen(expr) : 1,
	               .is_expr = true,
	               .nwrt = nwrt,
	               .wrt = wrt};

	return sg_compile(&o, options);
}

void
sg_model_drop(sg_model *m)
{
	if (atomic_fetch_sub(&m->holders, 1) == 1)
		free(m);
}

/* What calls look at to know that it is gone stays until they are. */
void
sg_model_free(sg_model *m)
{
	if (!m)
		return;
	atomic_store(&m->freed, true);
	sg_tier_free(m->tier);
	sg_pool_free(m->pool);
	sg_unload(m->jit.one.code);
	sg_unload(m->jit.all.code);
	sg_unload(m->wide.one.code);
	sg_unload(m->wide.all.code);
	sg_unload(m->cc.code);
	pthread_rwlock_destroy(&m->lock);
	sg_ctx_free(m->ctx);
	sg_model_drop(m);
}
