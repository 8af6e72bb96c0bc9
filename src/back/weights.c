/* weights.c - values of params that stand outside of the functions: arrays PREFIX_PARAM, declared
 * in the header, and defined in a file of their own, which can be placed and exchanged without
 * compiling what reads them. */
#include "back/file.h"

#include <string.h>

/* After all functions have their names. */
void
sg_name_weights(sg_file *file)
{
	const sg_program *p = file->m.p;
	const sg_attr *const *value = file->m.o->outside;

	file->m.outside = SG_NEW_ARRAY(file->m.ctx, const char *, p->ninputs + 1);
	for (size_t i = 0; value && i < p->ninputs; i++)
		if (value[i])
			file->m.outside[i] = sg_name_exact(
			    &file->m.names,
			    sg_text(file->m.ctx, "%s_%s", file->m.o->prefix, p->input[i].name));
}

static int64_t
count_of(const sg_file *file, size_t i)
{
	int64_t n = 0;

	(void)sg_ext_const(file->m.sp, sg_shape_size(file->m.sp, file->m.p->input[i].shape), &n);
	return n;
}

static const char *
declaration(const sg_file *file, size_t i)
{
	return sg_text(file->m.ctx, "const %s %s", sg_type_c_name(file->m.p->input[i].type),
	               file->m.outside[i]);
}

static bool
has_weights(const sg_file *file)
{
	for (size_t i = 0; i < file->m.p->ninputs; i++)
		if (file->m.outside[i])
			return true;
	return false;
}

void
sg_declare_weights(const sg_file *file, sg_buf *b)
{
	const sg_program *p = file->m.p;

	if (!has_weights(file))
		return;
	sg_buf_puts(b, "/* The values of params. Another definition of them takes effect without "
	               "compiling the\n * functions anew. */\n");
	for (size_t i = 0; i < p->ninputs; i++) {
		const int64_t n = count_of(file, i);

		if (file->m.outside[i])
			sg_buf_printf(b, "extern %s[%lld]; /* %s */\n", declaration(file, i),
			              (long long)(n ? n : 1),
			              sg_shape_text(p->sp, p->input[i].shape));
	}
	sg_buf_putc(b, '\n');
}

bool
sg_put_weights(sg_file *file, sg_buf *b)
{
	const sg_emit_options *o = file->m.o;

	if (!has_weights(file))
		return false;
	sg_buf_printf(b, "/* The params of the model %s as C, written by symgrad. */\n", o->prefix);
	if (o->header)
		sg_buf_printf(b, "#include \"%s\"\n\n", o->header);
	sg_buf_puts(b, "#include <math.h>\n#include <stdint.h>\n\n");
	sg_buf_printf(b,
	              "/* What each of them has in front, such as an attribute that names a "
	              "section. */\n#ifndef %s\n#define %s\n#endif\n\n",
	              file->attribute, file->attribute);
	for (size_t i = 0; i < file->m.p->ninputs; i++)
		if (file->m.outside[i])
			sg_put_data(
			    &file->m,
			    sg_text(file->m.ctx, "%s %s", file->attribute, declaration(file, i)),
			    file->m.p->input[i].type, count_of(file, i), o->outside[i]->w);
	sg_buf_puts(b, sg_buf_text(&file->m.consts));
	b->s[--b->n] = '\0';
	return true;
}
