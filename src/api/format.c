/* format.c - texts in canonical form. */
#include "api/api.h"

#include <string.h>

typedef struct task {
	sg_model *m;
	const char *text;
	bool changed;
} task;

static void
format(void *arg)
{
	task *t = arg;
	sg_model *m = t->m;
	const sg_source *src = sg_model_read(m);
	const char *text = src ? sg_format_text(m->ctx, src) : NULL;

	sg_keep_diagnostics(m);
	t->text = text;
	t->changed = text && (strlen(text) != src->len || memcmp(text, src->text, src->len) != 0);
}

static void
keep_diagnostics(void *arg)
{
	sg_keep_diagnostics(((task *)arg)->m);
}

static sg_model *
format_origin(const sg_origin *o, const char **text, int *changed)
{
	sg_model *m = sg_model_new(o);
	task t = {.m = m};
	sg_fault fault;

	if (text)
		*text = NULL;
	if (changed)
		*changed = 0;
	if (!m)
		return NULL;
	m->status = SG_EMODEL;
	if (!text || (!o->path && !o->text)) {
		m->status = SG_EVALUE;
		m->sentence = text ? "the text is NULL" : "the place for the text is NULL";
		return m;
	}
	fault = sg_protect(m->ctx, format, &t);
	if (fault != SG_FAULT_NONE) {
		m->status = sg_status_of(fault);
		m->sentence = sg_fault_text(m->ctx);
		(void)sg_protect(m->ctx, keep_diagnostics, &t);
		return m;
	}
	*text = t.text;
	if (changed)
		*changed = t.changed;
	return m;
}

sg_model *
sg_format_file(const char *path, const char **text, int *changed)
{
	const sg_origin o = {.path = path};

	return format_origin(&o, text, changed);
}

sg_model *
sg_format_string(const char *name, const char *text, size_t size, const char **result, int *changed)
{
	const sg_origin o = {.name = name ? name : "<string>", .text = text, .size = size};

	return format_origin(&o, result, changed);
}
