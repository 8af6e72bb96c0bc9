/* file.c - the entries of a program made ready: their names in C, their schedules, their
 * workspaces. */
#include "back/file.h"

#include "pass/pass.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- text and names that the file collects ---- */

const char *
sg_use(sg_module *m, const char *name)
{
	void **slot = sg_bytes_map_at(m->used, name, strlen(name));

	if (!*slot) {
		*slot = (void *)(uintptr_t)1;
		SG_PUSH(m->ctx, m->use, m->nuse, m->use_cap, name);
	}
	return name;
}

const char *
sg_use_typed(sg_module *m, const char *name, sg_type t)
{
	return sg_use(m, sg_text(m->ctx, "sgrt_%s_%s", name, sg_type_name(t)));
}

const char *
sg_rounded_name(sg_module *m)
{
	m->has_rounded = true;
	return m->rounded;
}

const char *
sg_apart_name(sg_module *m)
{
	m->has_apart = true;
	return m->apart;
}

/* libtcc takes a quotient by 0 for a constant, but not the negative of one that is infinite. */
static void
put_item(sg_fn *f, sg_type t, int64_t word)
{
	const double v = sg_type_is_float(t) ? sg_bits_double(word) : 0;

	if (!sg_type_is_float(t))
		sg_buf_puts(f->b, sg_c_const(f, t, word).s);
	else if (f->m->o->jit && v < 0 && isinf(v))
		sg_buf_puts(f->b, "-1.0f / 0.0f");
	else
		sg_buf_c_num(f->b, v, t == SG_F32);
}

void
sg_put_data(sg_module *m, const char *declaration, sg_type t, int64_t n, const int64_t *w)
{
	sg_buf *b = &m->consts;
	sg_fn f = {.m = m, .ctx = m->ctx, .sp = m->sp, .b = b, .indent = 1};
	size_t line = 0;

	sg_buf_printf(b, "%s[%lld] = {\n", declaration, (long long)(n ? n : 1));
	if (!n) /* C has no arrays of nothing */
		sg_buf_puts(b, "\t0\n");
	for (int64_t i = 0; i < n; i++) {
		sg_buf_putc(b, line ? ' ' : '\t');
		line = line ? line : b->n;
		put_item(&f, t, w[i]);
		sg_buf_putc(b, ',');
		if (b->n - line > 80 || i + 1 == n) {
			sg_buf_putc(b, '\n');
			line = 0;
		}
	}
	sg_buf_puts(b, "};\n\n");
}

void
sg_file_words(sg_file *file, const char *type, const char *name, int64_t n, const int64_t *w)
{
	sg_buf *b = &file->m.consts, line;

	sg_buf_init(&line, file->m.ctx);
	sg_buf_printf(b, "%s %s[%lld] = {\n", type, name, (long long)(n ? n : 1));
	if (!n) /* C has no arrays of nothing */
		sg_buf_puts(b, "\t0\n");
	for (int64_t i = 0; i < n; i++) {
		sg_buf_printf(&line, "%s%lld,", line.n ? " " : "", (long long)w[i]);
		if (line.n > 80 || i + 1 == n) {
			sg_buf_printf(b, "\t%s\n", sg_buf_text(&line));
			line.n = 0;
		}
	}
	sg_buf_puts(b, "};\n\n");
}

/* Named before any function is, so that nothing in one hides it. What is read in one form only, as
 * most are, has the first of its names. */
static sg_data_array *
data_array(sg_module *m, const sg_graph *g, sg_ref r)
{
	const sg_node *n = &g->node[r];
	const uintptr_t key[2] = {(uintptr_t)n->attr, n->type};
	void **slot = sg_bytes_map_at(m->data, key, sizeof key);

	if (!*slot) {
		sg_data_array *a = *slot = SG_NEW(m->ctx, sg_data_array);

		a->name[0] = sg_name_fresh(&m->names, sg_text(m->ctx, "%.20s_%.16s", m->o->prefix,
		                                              g->name[r] ? g->name[r] : "data"));
		if (sg_type_is_int((sg_type)n->type))
			a->name[1] =
			    sg_name_fresh(&m->names, sg_text(m->ctx, "%s_places", a->name[0]));
	}
	return *slot;
}

/* The array in the one form or the other, written where it has not been yet. */
static const char *
data_name(sg_module *m, const sg_graph *g, sg_ref r, bool places, const char *type)
{
	const sg_node *n = &g->node[r];
	sg_data_array *a = data_array(m, g, r);
	const char *name;
	int64_t count = 0;

	if (!a->written[0] && !a->written[1])
		a->first = places;
	name = a->name[places != a->first];
	if (a->written[places] == m->text)
		return name;
	a->written[places] = m->text;
	(void)sg_ext_const(m->sp, sg_shape_size(m->sp, n->shape), &count);
	sg_put_data(m, sg_text(m->ctx, "static const %s %s", type, name), (sg_type)n->type, count,
	            count ? n->attr->w : NULL);
	return name;
}

const char *
sg_data_name(sg_module *m, const sg_graph *g, sg_ref r)
{
	return data_name(m, g, r, false, sg_type_c_name((sg_type)g->node[r].type));
}

const char *
sg_places_name(sg_module *m, const sg_graph *g, sg_ref r)
{
	const sg_attr *a = g->node[r].attr;
	int64_t most = 0;

	for (uint32_t i = 0; i < a->n; i++)
		most = a->w[i] > most ? a->w[i] : most;
	return data_name(m, g, r, true,
	                 most <= UINT8_MAX    ? "uint8_t"
	                 : most <= UINT16_MAX ? "uint16_t"
	                                      : sg_type_c_name((sg_type)g->node[r].type));
}

static const char *
helper(sg_module *m, const char *name)
{
	return sg_name_fresh(&m->names, sg_text(m->ctx, "%.24s_%s", m->o->prefix, name));
}

static void
name_helpers(sg_file *file, const bool *live)
{
	sg_module *m = &file->m;

	m->ext_fn[0] = helper(m, "floor_div");
	m->ext_fn[1] = helper(m, "lesser");
	m->ext_fn[2] = helper(m, "greater");
	m->rounded = helper(m, "rounded");
	file->real_fn[0] = helper(m, "floor_quotient");
	file->real_fn[1] = helper(m, "lesser_size");
	file->real_fn[2] = helper(m, "greater_size");
	for (sg_ref r = 1; r < m->p->g->n; r++)
		if (live[r] && m->p->g->node[r].op == SG_DATA)
			(void)data_array(m, m->p->g, r);
}

/* ---- names of parameters ---- */

/* Does written code for this program call the function of <math.h> with this name? */
static bool
calls(const sg_program *p, const bool *live, const char *name)
{
	for (uint32_t r = 1; r < p->g->n; r++) {
		const sg_node *n = &p->g->node[r];
		const sg_type t =
		    (sg_type)(n->nargs ? p->g->node[n->args[n->nargs - 1]].type : n->type);
		const char *text =
		    live[r] && sg_is_ew(n->op) && sg_type_is_float(t) ? sg_ops[n->op].value : NULL;
		const size_t len = strlen(name) - (t == SG_F32);

		if (t == SG_F32 && name[len] != 'f')
			continue;
		for (text = text ? strpbrk(text, "MS") : NULL; text; text = strpbrk(text + 1, "MS"))
			if (text[1] == '(' && strncmp(text + 2, name, len) == 0 &&
			    text[2 + len] == ')')
				return true;
	}
	return false;
}

static bool *
all_live(sg_ctx *ctx, const sg_program *p)
{
	sg_ref *root = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < p->nentries; i++)
		for (size_t k = 0; k < p->entry[i].nout; k++)
			SG_PUSH(ctx, root, n, cap, p->entry[i].out[k].ref);
	for (size_t i = 0; i < p->ninputs; i++)
		SG_PUSH(ctx, root, n, cap, p->input[i].deflt);
	return sg_graph_live(p->g, n, root);
}

static const char *
parameter(const sg_program *p, const bool *live, sg_names *names, const char *name)
{
	if (strcmp(name, "memset") == 0 || strcmp(name, "memcpy") == 0 ||
	    (sg_name_is_libm(name) && calls(p, live, name)))
		name = sg_text(names->ctx, "%s_", name);
	return sg_name_exact(names, name);
}

/* Dimensions, inputs and outputs in this order; an output that would be called like one before is
 * out_NAME. */
static void
name_parameters(sg_file *file, sg_c_entry *e, const bool *live)
{
	const sg_program *p = file->m.p;
	sg_ctx *ctx = file->m.ctx;
	const uint32_t ndims = sg_space_ndims(p->sp);

	e->names = sg_names_in(ctx, &file->m.names);
	e->dim = SG_NEW_ARRAY(ctx, const char *, ndims);
	e->input = SG_NEW_ARRAY(ctx, const char *, p->ninputs);
	e->read = SG_NEW_ARRAY(ctx, const char *, p->ninputs);
	e->out = SG_NEW_ARRAY(ctx, const char *, e->e->nout);
	for (uint32_t d = 0; d < ndims; d++)
		if (e->uses.dim[d]) {
			e->dim[d] = parameter(p, live, &e->names, sg_space_dim(p->sp, d)->name);
			e->has_dims = true;
		}
	for (size_t i = 0; i < p->ninputs; i++) {
		if (e->e->outside && e->e->outside[i]) {
			e->read[i] = file->m.outside[i];
			e->uses.input[i] = false;
		}
		if (!e->uses.input[i])
			continue;
		e->read[i] = e->input[i] = parameter(p, live, &e->names, p->input[i].name);
		e->has_defaults = e->has_defaults || p->input[i].deflt;
	}
	e->work = sg_name_exact(&e->names, "work");
	for (int again = 0; again < 2; again++)
		for (size_t i = 0; i < e->e->nout; i++) {
			const char *name = e->e->out[i].name;

			if (e->out[i] || (!again && sg_name_taken(&e->names, name)))
				continue;
			if (again)
				name = sg_text(ctx, "out_%s", name);
			e->out[i] = parameter(p, live, &e->names, name);
		}
	sg_name_many(file, e);
}

/* ---- names of functions ---- */

static const char *
upper(sg_ctx *ctx, const char *s)
{
	char *u = sg_copy(ctx, s, strlen(s) + 1);

	for (char *c = u; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return u;
}

static const char *
derived(sg_file *file, const sg_c_entry *e, const char *suffix)
{
	return sg_name_exact(&file->m.names, sg_text(file->m.ctx, "%s%s", e->fn, suffix));
}

static void
name_functions(sg_file *file)
{
	sg_ctx *ctx = file->m.ctx;
	sg_names *names = &file->m.names;
	const char *prefix = file->m.o->prefix;

	for (size_t i = 0; i < file->nentries; i++) {
		sg_c_entry *e = &file->entry[i];

		e->fn = sg_name_exact(names, sg_text(ctx, "%s_%s", prefix, e->e->name));
		if (!file->m.o->casadi)
			continue;
		e->casadi = e->fn;
		e->casadi_jac = sg_name_exact(names, sg_text(ctx, "jac_%s", e->fn));
		e->fn = derived(file, e, "_values");
	}
	for (size_t i = 0; i < file->nentries; i++) {
		sg_c_entry *e = &file->entry[i];

		e->work_fn = derived(file, e, "_work");
		e->defaults_fn = derived(file, e, "_defaults");
		e->macro = sg_name_exact(names, sg_text(ctx, "%s_WORK", upper(ctx, e->fn)));
		e->check = derived(file, e, "_check");
		e->call = derived(file, e, "_call");
		e->call_defaults = derived(file, e, "_defaults_call");
		e->call_work = derived(file, e, "_work_call");
	}
	for (size_t i = 0; file->m.o->steps && i < file->nentries; i++) {
		sg_c_entry *e = &file->entry[i];

		for (unsigned k = 0; k < 4; k++)
			e->step[k] = derived(file, e, sg_text(ctx, "_%s", sg_step_suffix(k)));
		e->step_work = derived(file, e, "_step_work");
		e->step_macro =
		    sg_name_exact(names, sg_text(ctx, "%s_STEP_WORK", upper(ctx, e->fn)));
	}
	file->guard = sg_name_exact(names, sg_text(ctx, "%s_H", upper(ctx, prefix)));
	file->module = sg_name_exact(names, sg_text(ctx, "%s_module", prefix));
	file->m.apart = sg_name_exact(names, sg_text(ctx, "%s_APART", upper(ctx, prefix)));
	file->attribute = sg_name_exact(names, sg_text(ctx, "%s_WEIGHTS", upper(ctx, prefix)));
	sg_name_weights(file);
}

/* ---- bodies ---- */

/* Everything about a body runs along its graph: let that be what it needs. */
static void
narrow_graph(sg_fn *f, sg_graph *g)
{
	sg_ref *root = SG_NEW_ARRAY(f->ctx, sg_ref, f->nout);

	for (size_t i = 0; i < f->nout; i++)
		root[i] = f->out[i].ref;
	f->g = sg_graph_part(g, f->nout, root);
	for (size_t i = 0; i < f->nout; i++)
		f->out[i].ref = root[i];
}

static sg_fn *
new_body(sg_file *file, sg_c_entry *e, const char *title, const char **input, size_t nout)
{
	sg_fn *f = SG_NEW(file->m.ctx, sg_fn);

	f->m = &file->m;
	f->ctx = file->m.ctx;
	f->sp = file->m.sp;
	f->title = title;
	f->names = sg_names_in(f->ctx, &e->names);
	f->input = input;
	f->dim = e->dim;
	f->work = e->work;
	f->nout = nout;
	f->out = SG_NEW_ARRAY(f->ctx, sg_fn_out, nout);
	f->indent = 1;
	return f;
}

void
sg_entry_compile(sg_file *file, sg_c_entry *e)
{
	const sg_program *p = file->m.p;

	e->body = new_body(file, e, e->fn, e->read, e->e->nout);
	for (size_t i = 0; i < e->e->nout; i++)
		e->body->out[i] = (sg_fn_out){.ref = e->e->out[i].ref, .name = e->out[i]};
	narrow_graph(e->body, p->g);
	sg_fn_compile(e->body);
	e->bytes = sg_plan_bytes(e->body);
	e->deflt = SG_NEW_ARRAY(file->m.ctx, sg_fn *, p->ninputs);
	for (size_t i = 0; i < p->ninputs; i++) {
		if (!e->input[i] || !p->input[i].deflt)
			continue;
		e->deflt[i] = new_body(file, e, e->defaults_fn, file->m.outside, 1);
		e->deflt[i]->out[0] = (sg_fn_out){.ref = p->input[i].deflt, .name = e->input[i]};
		e->deflt[i]->indent = 2;
		narrow_graph(e->deflt[i], p->g);
		sg_fn_compile(e->deflt[i]);
		e->bytes = sg_ext_max(file->m.sp, e->bytes, sg_plan_bytes(e->deflt[i]));
	}
}

/* A text of its own: what stood in the one before is not there. */
void
sg_file_begin(sg_file *file)
{
	sg_module *m = &file->m;

	m->text++;
	m->used = sg_bytes_map_new(m->ctx);
	m->use = NULL;
	m->nuse = m->use_cap = 0;
	sg_buf_init(&m->consts, m->ctx);
	sg_buf_init(&m->body, m->ctx);
	sg_buf_init(&m->pieces, m->ctx);
	sg_buf_init(&m->parts, m->ctx);
	m->has_rounded = m->has_apart = m->has_parallel = m->has_independent = false;
	m->has_rolled = m->has_vector = m->has_along_rows = m->has_term_by_term = m->has_widths =
	    false;
	for (int k = 0; k < 3; k++)
		m->has_ext_fn[k] = file->has_real_fn[k] = false;
}

/* p: what is written, w: the program whose inputs and dimensions the entries have. */
static void
open_file(sg_file *file, sg_ctx *ctx, const sg_program *p, const sg_program *w,
          const sg_emit_options *o)
{
	const bool *live = all_live(ctx, p);

	*file = (sg_file){.nentries = p->nentries};
	file->m = (sg_module){.ctx = ctx, .sp = p->sp, .p = p, .o = o};
	file->m.names = sg_names_in(ctx, NULL);
	file->m.data = sg_bytes_map_new(ctx);
	sg_file_begin(file);
	file->exported = !o->header;
	file->wrappers = !o->casadi && (!o->header || !o->standalone);
	file->entry = SG_NEW_ARRAY(ctx, sg_c_entry, p->nentries);
	for (size_t i = 0; i < p->nentries; i++) {
		file->entry[i].e = &p->entry[i];
		file->entry[i].uses = sg_entry_uses(w, &w->entry[i]);
	}
	name_functions(file);
	name_helpers(file, live);
	for (size_t i = 0; i < p->nentries; i++) {
		name_parameters(file, &file->entry[i], live);
		if (!o->split)
			sg_entry_compile(file, &file->entry[i]);
	}
}

/* What is done for code alone. */
static const sg_program *
prepared(sg_ctx *ctx, const sg_program *p, bool jit)
{
	const sg_program *q = sg_order_products(ctx, sg_directions_last(ctx, p));

	q = sg_short_extremes(ctx, sg_rows_across(ctx, q, jit), jit);
	q = sg_look_ahead(ctx, sg_solve_small(ctx, q, jit), jit);
	q = sg_split_small(ctx, sg_own_carries(ctx, q), jit);
	return sg_sum_rows_first(ctx, jit ? q : sg_pack_angles(ctx, q), jit);
}

/* ensures: names of all entries, and but for several files their schedules and workspaces. */
void
sg_file_open(sg_file *file, sg_ctx *ctx, const sg_program *p, const sg_emit_options *o)
{
	open_file(file, ctx, prepared(ctx, p, o->jit), p, o);
}

static sg_c_entry *
open_entry(sg_file *file, sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, bool jit)
{
	static const sg_emit_options written = {.prefix = "m", .header = "m.h"},
				     machine = {.prefix = "m", .jit = true};
	const sg_program *q = prepared(ctx, p, jit);
	sg_program *one = sg_copy(ctx, q, sizeof *q), *whole = sg_copy(ctx, p, sizeof *p);

	one->entry = &q->entry[e - p->entry];
	whole->entry = &p->entry[e - p->entry];
	one->nentries = whole->nentries = 1;
	open_file(file, ctx, one, whole, jit ? &machine : &written);
	return &file->entry[0];
}

sg_ext
sg_entry_work(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, bool jit)
{
	sg_file file;

	return open_entry(&file, ctx, p, e, jit)->bytes;
}

bool
sg_entry_alive(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, const int64_t *dims,
               int64_t *bytes)
{
	sg_file file;

	return sg_plan_alive(open_entry(&file, ctx, p, e, true)->body, dims, bytes);
}
