/* files.c - a model as the files of C that are written, and C compiled by the system's compiler. */
#include "api/weights.h"

#include <stdlib.h>
#include <string.h>

/* It is to stand between quotes, in a directive of one line. */
int
sg_check_header(const char *header, sg_failure *why)
{
	if (!header || (*header && !strpbrk(header, "\"\\\r\n")))
		return SG_OK;
	return sg_refuse(why, SG_EVALUE,
	                 "the name of the header: expected one that can stand between quotes");
}

typedef struct files_task {
	const sg_c_options *o;
	sg_failure *why;
	sg_written *file;
	size_t n;
} files_task;

static int
write_files(sg_model *m, void *arg)
{
	files_task *t = arg;
	sg_emit_options o = {.prefix = m->program->name,
	                     .standalone = t->o->standalone || t->o->alone,
	                     .openmp = m->openmp,
	                     .casadi = m->casadi,
	                     .steps = m->steps,
	                     .split = t->o->split != 0};
	const sg_program *p = sg_program_with_weights(m, t->o, &o.outside, t->why);
	const sg_c_file *file;

	if (!p)
		return t->why ? t->why->status : SG_EVALUE;
	if (!t->o->alone)
		o.header = t->o->header ? t->o->header : sg_text(m->ctx, "%s.h", o.prefix);
	file = sg_emit_files(m->ctx, p, &o, &t->n);
	t->file = SG_NEW_ARRAY(m->ctx, sg_written, t->n);
	for (size_t i = 0; i < t->n; i++)
		t->file[i] = (sg_written){file[i].tail, file[i].text};
	return SG_OK;
}

static const char *
wrong_option(const sg_c_options *o)
{
	if ((unsigned)o->weights > SG_WEIGHTS_EXTERN)
		return "the option 'weights': expected one of sg_weights";
	return o->nvalues && !o->values ? "the values are NULL" : NULL;
}

const sg_written *
sg_write_files(sg_model *m, const sg_c_options *o, size_t *n, sg_failure *why)
{
	static const sg_c_options defaults = {.header = NULL};
	files_task t = {.o = o ? o : &defaults, .why = why};
	int status;

	if (n)
		*n = 0;
	if (!n) {
		sg_refuse(why, SG_EVALUE, "the place for the number of files is NULL");
		return NULL;
	}
	if (wrong_option(t.o)) {
		sg_refuse(why, SG_EVALUE, "%s", wrong_option(t.o));
		return NULL;
	}
	status = sg_check_header(t.o->header, why);
	if (status == SG_OK)
		status = sg_on_model(m, write_files, &t, why);
	if (status != SG_OK)
		return NULL;
	*n = t.n;
	return t.file;
}

int
sg_build_c(const char *text, const char *path, int shared, int openmp, sg_failure *why)
{
	char *said = NULL;

	if (!text || !path)
		return sg_refuse(why, SG_EVALUE, "the %s is NULL", text ? "path" : "text");
	sg_no_failure(why);
	if (sg_cc_build(text, path, shared != 0, openmp != 0, &said))
		return SG_OK;
	sg_refuse(why, SG_EFILE, "%s: %s", path, said ? said : "out of memory");
	free(said);
	return SG_EFILE;
}
