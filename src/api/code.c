/* code.c - functions of a model's entries, and the texts that it can be written as. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

/* ---- functions ---- */

typedef struct code_task {
	const sg_entry *e;
	sg_backend b;
	sg_failure *why;
	sg_code_entry found;
	bool start; /* better code may be had */
} code_task;

/* An evaluator has no function, so the first tier may have to be the second. */
static sg_backend
first_code(sg_model *m, sg_backend b)
{
	sg_backend first = sg_backend_choice(m, b);

	return b == SG_BACKEND_TIERED && first == SG_BACKEND_INTERP ? SG_BACKEND_CC : first;
}

static int
find_code(sg_model *m, void *arg)
{
	code_task *t = arg;
	const sg_entry_data *e;
	const int status = sg_need_entry(m, t->e, &e, t->why);
	const sg_code_entry *better = t->b == SG_BACKEND_TIERED ? sg_tier_code(m) : NULL;
	const sg_backend first = first_code(m, t->b);
	const sg_code_entry *code;

	if (status != SG_OK)
		return status;
	if (better) {
		t->found = better[e - m->entry];
		return SG_OK;
	}
	code = sg_code_of(m, first, e, t->why);
	if (!code)
		return t->why ? t->why->status : SG_EBACKEND;
	t->found = *code;
	t->start = t->b == SG_BACKEND_TIERED && first == SG_BACKEND_JIT;
	return SG_OK;
}

static sg_code_entry
code_of(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why)
{
	code_task t = {.e = e, .b = b, .why = why};

	if ((unsigned)b > SG_BACKEND_TIERED)
		(void)sg_refuse(why, SG_EVALUE, "the back end: expected one of sg_backend");
	else if (sg_on_model(m, find_code, &t, why) == SG_OK && t.start)
		sg_tier_start(m);
	return t.found;
}

sg_function
sg_entry_function(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why)
{
	return code_of(m, e, b, why).fn;
}

sg_uniform
sg_entry_uniform(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why)
{
	return code_of(m, e, b, why).call;
}

sg_uniform
sg_entry_defaults(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why)
{
	return code_of(m, e, b, why).defaults;
}

/* ---- texts ---- */

typedef struct write_task {
	const char *header;
	int standalone, latex, shared;
	const char *path;
	const sg_entry *e;
	sg_failure *why;
	const char *text, *h;
} write_task;

static int
write_c(sg_model *m, void *arg)
{
	write_task *t = arg;
	sg_emit_options o = {.prefix = m->program->name,
	                     .standalone = t->standalone != 0,
	                     .openmp = m->openmp,
	                     .casadi = m->casadi, .steps = m->steps};
	sg_buf c, h;

	o.header = t->header ? t->header : sg_text(m->ctx, "%s.h", m->program->name);
	sg_buf_init(&c, m->ctx);
	sg_buf_init(&h, m->ctx);
	m->c_names = sg_emit(m->ctx, m->program, &o, &c, &h);
	t->text = sg_buf_text(&c);
	t->h = sg_buf_text(&h);
	return SG_OK;
}

const char *
sg_write_c(sg_model *m, const char *header, int standalone, const char **h, sg_failure *why)
{
	write_task t = {.header = header, .standalone = standalone};

	if (h)
		*h = NULL;
	if (sg_check_header(header, why) != SG_OK)
		return NULL;
	if (sg_on_model(m, write_c, &t, why) != SG_OK)
		return NULL;
	if (h)
		*h = t.h;
	return t.text;
}

static int
write_prototype(sg_model *m, void *arg)
{
	write_task *t = arg;
	const sg_entry_data *e;
	const int status = sg_need_entry(m, t->e, &e, t->why);

	if (status != SG_OK)
		return status;
	if (!m->c_names) {
		sg_emit_options o = {.prefix = m->program->name, .jit = true};
		sg_buf c;

		sg_buf_init(&c, m->ctx);
		m->c_names = sg_emit(m->ctx, m->program, &o, &c, NULL);
		sg_keep_work(m, 0, m->nentries, m->c_names);
	}
	t->text = m->c_names[e - m->entry].signature;
	return SG_OK;
}

const char *
sg_entry_prototype(sg_model *m, const sg_entry *e, sg_failure *why)
{
	write_task t = {.e = e, .why = why};

	return sg_on_model(m, write_prototype, &t, why) == SG_OK ? t.text : NULL;
}

static int
write_sg(sg_model *m, void *arg)
{
	write_task *t = arg;
	sg_buf b;

	sg_buf_init(&b, m->ctx);
	sg_program_sg(m->ctx, m->program, &b);
	t->text = sg_buf_text(&b);
	return SG_OK;
}

const char *
sg_write_sg(sg_model *m, sg_failure *why)
{
	write_task t = {.text = NULL};

	return sg_on_model(m, write_sg, &t, why) == SG_OK ? t.text : NULL;
}

static int
write_ir(sg_model *m, void *arg)
{
	write_task *t = arg;
	sg_buf b;

	sg_buf_init(&b, m->ctx);
	sg_program_print(m->program, &b, sg_op_name);
	t->text = sg_buf_text(&b);
	return SG_OK;
}

const char *
sg_write_ir(sg_model *m, sg_failure *why)
{
	write_task t = {.text = NULL};

	return sg_on_model(m, write_ir, &t, why) == SG_OK ? t.text : NULL;
}

/* ---- derivatives as text ---- */

static sg_program *
simplified(sg_model *m, bool formulas)
{
	sg_program *p = sg_program_snapshot(m->ctx, m->program);

	sg_algebra(m->ctx, p, formulas);
	return p;
}

/* "d_x = " as .sg text or as LaTeX. */
static void
put_name(sg_buf *b, const char *name, bool latex)
{
	if (!latex) {
		sg_buf_printf(b, "%s = ", name);
		return;
	}
	sg_buf_puts(b, "\\mathrm{");
	for (; *name; name++)
		sg_buf_printf(b, *name == '_' ? "\\%c" : "%c", *name);
	sg_buf_puts(b, "} = ");
}

/* One line for each output; a lone expression without its name. */
static void
put_outputs(sg_model *m, const sg_program *p, bool latex, sg_buf *b)
{
	for (size_t i = 0; i < p->nentries; i++)
		for (size_t k = 0; k < p->entry[i].nout; k++) {
			const sg_output *out = &p->entry[i].out[k];

			if (!m->origin.is_expr || p->entry[i].nout > 1)
				put_name(b, out->name, latex);
			(latex ? sg_expr_latex : sg_expr_sg)(m->ctx, p, out->ref, b);
			if (b->n && b->s[b->n - 1] != '\n')
				sg_buf_putc(b, '\n');
		}
}

static int
write_diff(sg_model *m, void *arg)
{
	write_task *t = arg;
	const bool formulas = m->origin.is_expr || t->latex;
	const sg_program *p = simplified(m, formulas);
	sg_buf b;

	sg_buf_init(&b, m->ctx);
	if (formulas)
		put_outputs(m, p, t->latex != 0, &b);
	else
		sg_program_sg(m->ctx, p, &b);
	t->text = sg_buf_text(&b);
	return SG_OK;
}

const char *
sg_write_diff(sg_model *m, int latex, sg_failure *why)
{
	write_task t = {.latex = latex};

	return sg_on_model(m, write_diff, &t, why) == SG_OK ? t.text : NULL;
}

/* ---- objects ---- */

static int
write_binary(sg_model *m, void *arg)
{
	write_task *t = arg;
	sg_emit_options o = {
	    .prefix = m->program->name, .standalone = true, .openmp = m->openmp, .casadi = m->casadi, .steps = m->steps};
	char *said = NULL;
	sg_buf c;

	sg_buf_init(&c, m->ctx);
	m->c_names = sg_emit(m->ctx, m->program, &o, &c, NULL);
	if (sg_cc_build(sg_buf_text(&c), t->path, t->shared != 0, m->openmp, &said))
		return SG_OK;
	sg_refuse(t->why, SG_EFILE, "%s: %s", t->path, said ? said : "out of memory");
	free(said);
	return SG_EFILE;
}

int
sg_write_binary(sg_model *m, const char *path, int shared, sg_failure *why)
{
	write_task t = {.path = path, .shared = shared, .why = why};

	if (!path)
		return sg_refuse(why, SG_EVALUE, "the path is NULL");
	return sg_on_model(m, write_binary, &t, why);
}
