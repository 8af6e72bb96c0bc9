/* many.c - functions of many parameters, for libtcc.
 *
 * It keeps the arguments of a call on a stack of 256 values. So where there are more, the uniform
 * function has the body and takes its arguments from the array, and so does the test of the
 * dimensions; the function with the prototype of written C, which hosts may ask for, puts its own
 * into one. */
#include "back/file.h"

enum { MOST = 200 };

void
sg_name_many(sg_file *file, sg_c_entry *e)
{
	size_t n = e->e->nout;

	for (uint32_t d = 0; d < sg_space_ndims(file->m.sp); d++)
		n += e->dim[d] != NULL;
	for (size_t i = 0; i < file->m.p->ninputs; i++)
		n += e->input[i] != NULL;
	if (!file->m.o->jit || n <= MOST)
		return;
	e->dims = sg_name_fresh(&e->names, "dims");
	e->args = sg_name_fresh(&e->names, "args");
}

static void
take(sg_file *file, const sg_c_entry *e, const char *constant, sg_type t, const char *name,
     size_t *n)
{
	sg_file_put(file, 1, "%s%s *restrict const %s = %s[%zu];", constant, sg_type_c_name(t),
	            name, e->args, (*n)++);
}

void
sg_take_dims(sg_file *file, const sg_c_entry *e)
{
	size_t n = 0;

	for (uint32_t d = 0; d < sg_space_ndims(file->m.sp); d++)
		if (e->dim[d])
			sg_file_put(file, 1, "const ptrdiff_t %s = %s[%zu];", e->dim[d], e->dims,
			            n++);
}

void
sg_open_many(sg_file *file, const sg_c_entry *e, const char *name, bool outputs)
{
	const sg_program *p = file->m.p;
	size_t n = 0;

	sg_file_put(file, 0, "int");
	sg_file_put(file, 0, "%s(const ptrdiff_t *%s, void *const *%s, void *%s)", name, e->dims,
	            e->args, e->work);
	sg_file_put(file, 0, "{");
	sg_take_dims(file, e);
	for (size_t i = 0; i < p->ninputs; i++)
		if (e->input[i])
			take(file, e, outputs ? "const " : "", p->input[i].type, e->input[i], &n);
	for (size_t i = 0; outputs && i < e->e->nout; i++)
		take(file, e, "", (sg_type)p->g->node[e->e->out[i].ref].type, e->out[i], &n);
}

/* Behind the head of the function with the prototype of written C: its body. */
void
sg_print_many(sg_file *file, const sg_c_entry *e, const char *name, bool outputs)
{
	sg_buf dims, args;

	sg_buf_init(&dims, file->m.ctx);
	sg_buf_init(&args, file->m.ctx);
	for (uint32_t d = 0; d < sg_space_ndims(file->m.sp); d++)
		if (e->dim[d])
			sg_buf_printf(&dims, "%s, ", e->dim[d]);
	for (size_t i = 0; i < file->m.p->ninputs; i++)
		if (e->input[i])
			sg_buf_printf(&args, "(void *)%s, ", e->input[i]);
	for (size_t i = 0; outputs && i < e->e->nout; i++)
		sg_buf_printf(&args, "%s, ", e->out[i]);
	sg_buf_puts(&file->m.body, "\n{\n");
	sg_file_put(file, 1, "const ptrdiff_t %s[] = {%s0};", e->dims, sg_buf_text(&dims));
	sg_file_put(file, 1, "void *const %s[] = {%sNULL};", e->args, sg_buf_text(&args));
	sg_file_put(file, 1, "return %s(%s, %s, %s);", name, e->dims, e->args, e->work);
	sg_buf_puts(&file->m.body, "}\n\n");
}
