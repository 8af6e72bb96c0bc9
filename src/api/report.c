/* report.c - diagnostics as values, as text and as JSON. */
#include "api/api.h"

#include <string.h>

/* ---- as values, made once ---- */

static sg_place
place_of(sg_span at)
{
	sg_place p = {.file = NULL};

	if (!at.src)
		return p;
	p.file = at.src->name;
	sg_span_place(at, &p.line, &p.column);
	at.lo = at.hi;
	sg_span_place(at, &p.end_line, &p.end_column);
	return p;
}

/* The notes (have_place) or hints of a diagnostic. */
static const sg_remark *
remarks(sg_ctx *ctx, const sg_diag *d, bool have_place, size_t *n)
{
	sg_remark *r = SG_NEW_ARRAY(ctx, sg_remark, d->nnotes);

	*n = 0;
	for (size_t i = 0; i < d->nnotes; i++)
		if ((d->note[i].at.src != NULL) == have_place)
			r[(*n)++] = (sg_remark){place_of(d->note[i].at), d->note[i].text};
	return r;
}

void
sg_keep_diagnostics(sg_model *m)
{
	size_t n = sg_diag_count(m->ctx);
	sg_diagnostic *out = SG_NEW_ARRAY(m->ctx, sg_diagnostic, n);

	for (size_t i = 0; i < n; i++) {
		const sg_diag *d = sg_diag_at(m->ctx, i);

		out[i].is_error = d->severity == SG_ERROR;
		out[i].code = d->code;
		out[i].message = d->message;
		out[i].at = place_of(d->at);
		out[i].notes = remarks(m->ctx, d, true, &out[i].nnotes);
		out[i].hints = remarks(m->ctx, d, false, &out[i].nhints);
	}
	m->diag = out;
	m->ndiags = n;
}

size_t
sg_model_ndiagnostics(const sg_model *m)
{
	return m ? m->ndiags : 0;
}

const sg_diagnostic *
sg_model_diagnostic(const sg_model *m, size_t i)
{
	return m && i < m->ndiags ? &m->diag[i] : NULL;
}

/* ---- as text ---- */

typedef struct text_task {
	sg_model *m;
	bool json;
	bool colour;
	const char *text;
} text_task;

static void
write_text(void *arg)
{
	text_task *t = arg;
	const sg_model *m = t->m;
	sg_buf b;

	sg_buf_init(&b, m->ctx);
	if (t->json) {
		sg_diags_json(m->ctx, &b);
	} else {
		sg_diags_text(m->ctx, &b, t->colour);
		if (m->status == SG_EDEFECT)
			sg_buf_printf(
			    &b,
			    "symgrad: error: a defect in symgrad itself, please report it: %s\n",
			    m->sentence);
		else if (m->status != SG_OK && m->status != SG_EMODEL)
			sg_buf_printf(&b, "symgrad: error: %s\n", m->sentence);
	}
	t->text = sg_buf_text(&b);
}

static const char *
text_of(text_task *t, const char *without_model, const char *without_memory)
{
	sg_fault fault;

	if (!t->m)
		return without_model;
	pthread_rwlock_wrlock(&t->m->lock);
	fault = sg_protect(t->m->ctx, write_text, t);
	pthread_rwlock_unlock(&t->m->lock);
	return fault == SG_FAULT_NONE ? t->text : without_memory;
}

const char *
sg_model_report(sg_model *m, int colour)
{
	text_task t = {.m = m, .colour = colour != 0};

	return text_of(&t, "symgrad: error: the model is NULL\n", "symgrad: error: out of memory\n");
}

const char *
sg_model_report_json(sg_model *m)
{
	text_task t = {.m = m, .json = true};

	return text_of(&t, "[]", "[]");
}

/* ---- codes ---- */

const char *
sg_explain_code(const char *code)
{
	return code ? sg_explain(code) : NULL;
}

const char *const *
sg_all_codes(size_t *n)
{
	return n ? sg_codes(n) : NULL;
}
