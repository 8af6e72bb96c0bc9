/* module.c - the uniform calls, and the description of the module for hosts that load it at run
 * time. */
#include "back/file.h"

#include <string.h>

static void
open_wrapper(sg_file *file, const char *type, const char *name, const char *parameters)
{
	sg_file_put(file, 0, "%s%s", file->exported ? "" : "static ", type);
	sg_file_put(file, 0, "%s(%s)", name, parameters);
	sg_file_put(file, 0, "{");
}

static void
put_dim_values(const sg_file *file, sg_buf *b, const sg_c_entry *e)
{
	unsigned n = 0;

	for (uint32_t d = 0; d < sg_space_ndims(file->m.sp); d++)
		if (e->dim[d]) {
			sg_buf_printf(b, "%sdims[%u]", n ? ", " : "", n);
			n++;
		}
}

/* int name(dims, args, work): hands the arguments on; outputs: those too. */
static void
print_call(sg_file *file, const sg_c_entry *e, const char *name, const char *fn, bool outputs)
{
	size_t nargs = outputs ? e->e->nout : 0;
	sg_buf b;

	for (size_t i = 0; i < file->m.p->ninputs; i++)
		nargs += e->input[i] != NULL;
	open_wrapper(file, "int", name, "const ptrdiff_t *dims, void *const *args, void *work");
	if (!e->has_dims)
		sg_file_put(file, 1, "(void)dims;");
	sg_buf_init(&b, file->m.ctx);
	put_dim_values(file, &b, e);
	for (size_t i = 0; i < nargs; i++)
		sg_buf_printf(&b, "%sargs[%zu]", b.n ? ", " : "", i);
	if (!nargs)
		sg_file_put(file, 1, "(void)args;");
	sg_file_put(file, 1, "return %s(%s%swork);", fn, sg_buf_text(&b), b.n ? ", " : "");
	sg_buf_puts(&file->m.body, "}\n\n");
}

void
sg_print_calls(sg_file *file, const sg_c_entry *e)
{
	sg_buf b;

	if (!e->args)
		print_call(file, e, e->call, e->fn, true);
	if (e->has_defaults && !e->args)
		print_call(file, e, e->call_defaults, e->defaults_fn, false);
	if (file->exported)
		return;
	open_wrapper(file, "size_t", e->call_work, "const ptrdiff_t *dims");
	if (!e->has_dims)
		sg_file_put(file, 1, "(void)dims;");
	sg_buf_init(&b, file->m.ctx);
	put_dim_values(file, &b, e);
	sg_file_put(file, 1, "return %s(%s);", e->work_fn, sg_buf_text(&b));
	sg_buf_puts(&file->m.body, "}\n\n");
}

/* ---- the description ---- */

static const char *
table_name(sg_file *file, const sg_c_entry *e, const char *suffix)
{
	return sg_name_exact(&file->m.names, sg_text(file->m.ctx, "%s_%s", e->fn, suffix));
}

/* Extents as texts; "NULL" for a scalar. */
static const char *
print_extents(sg_file *file, const sg_c_entry *e, const sg_shape *s, size_t arg)
{
	sg_space *sp = file->m.sp;
	const char *name;

	if (s->rank == 0)
		return "NULL";
	name = table_name(file, e, sg_text(file->m.ctx, "extents%zu", arg));
	sg_file_put(file, 0, "static const char *const %s[] = {", name);
	for (uint32_t k = 0; k < s->rank; k++) {
		sg_buf b;

		sg_buf_init(&b, file->m.ctx);
		sg_ext_print(sp, &b, s->ext[k]);
		sg_file_put(file, 1, "\"%s\",", sg_buf_text(&b));
	}
	sg_file_put(file, 0, "};");
	return name;
}

static const char *
type_constant(sg_type t)
{
	switch (t) {
	case SG_F32:
		return "SGRT_F32";
	case SG_F64:
		return "SGRT_F64";
	case SG_I32:
		return "SGRT_I32";
	case SG_I64:
		return "SGRT_I64";
	case SG_BOOL:
		break;
	}
	return "SGRT_BOOL";
}

typedef struct arg_text {
	sg_buf rows;
	size_t n;
} arg_text;

static void
add_arg(sg_file *file, const sg_c_entry *e, arg_text *a, const char *name, sg_type t,
        const char *role, const sg_shape *s, bool deflt)
{
	const char *extents = print_extents(file, e, s, a->n);

	sg_buf_printf(&a->rows, "\t{\"%s\", %s, %s, %u, %d, %s},\n", name, type_constant(t), role,
	              (unsigned)s->rank, deflt, extents);
	a->n++;
}

static const char *
print_args(sg_file *file, const sg_c_entry *e, size_t *nargs)
{
	const sg_program *p = file->m.p;
	const char *name = table_name(file, e, "args");
	arg_text a = {.n = 0};

	sg_buf_init(&a.rows, file->m.ctx);
	for (size_t i = 0; i < p->ninputs; i++)
		if (e->input[i])
			add_arg(file, e, &a, p->input[i].name, p->input[i].type,
			        p->input[i].is_param ? "SGRT_PARAM" : "SGRT_INPUT",
			        p->input[i].shape, p->input[i].deflt != 0);
	for (size_t i = 0; i < e->e->nout; i++) {
		const sg_node *n = &p->g->node[e->e->out[i].ref];

		add_arg(file, e, &a, e->e->out[i].name, (sg_type)n->type, "SGRT_OUTPUT", n->shape,
		        false);
	}
	sg_file_put(file, 0, "static const sgrt_arg %s[] = {", name);
	sg_buf_printf(&file->m.body, "%s};\n", sg_buf_text(&a.rows));
	*nargs = a.n;
	return name;
}

static const char *
print_dim_names(sg_file *file, const sg_c_entry *e, size_t *ndims)
{
	const char *name;

	*ndims = 0;
	if (!e->has_dims)
		return "NULL";
	name = table_name(file, e, "dims");
	sg_file_put(file, 0, "static const char *const %s[] = {", name);
	for (uint32_t d = 0; d < sg_space_ndims(file->m.sp); d++)
		if (e->dim[d]) {
			sg_file_put(file, 1, "\"%s\",", sg_space_dim(file->m.sp, d)->name);
			++*ndims;
		}
	sg_file_put(file, 0, "};");
	return name;
}

/* C11 promises strings of 4095 characters; names can be longer, and compilers take them. */
static bool
has_long_texts(const sg_file *file)
{
	sg_buf line;
	bool long_text = false;

	for (size_t i = 0; i < file->nentries && !long_text; i++) {
		sg_buf_init(&line, file->m.ctx);
		sg_put_fn(file, &line, &file->entry[i], SG_PROTO_LINE);
		long_text = line.n > 4000; /* it has all names in it */
	}
	return long_text;
}

void
sg_print_module(sg_file *file)
{
	sg_buf rows;
	const char *table =
	    sg_name_exact(&file->m.names, sg_text(file->m.ctx, "%s_entries", file->m.o->prefix));

	sg_buf_init(&rows, file->m.ctx);
	if (has_long_texts(file))
		sg_buf_puts(&file->m.body,
		            "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n");
	for (size_t i = 0; i < file->nentries; i++) {
		const sg_c_entry *e = &file->entry[i];
		size_t ndims, nargs;
		const char *dims = print_dim_names(file, e, &ndims);
		const char *args = print_args(file, e, &nargs);

		sg_buf_printf(&rows, "\t{\"%s\",\n\t \"", e->e->name);
		sg_put_fn(file, &rows, e, SG_PROTO_LINE);
		sg_buf_printf(&rows, "\",\n\t %zu, %zu, %s, %s, %s, %s, %s},\n", ndims, nargs, dims,
		              args, e->call_work, e->call,
		              e->has_defaults ? e->call_defaults : "NULL");
	}
	sg_file_put(file, 0, "static const sgrt_entry %s[] = {", table);
	sg_buf_printf(&file->m.body, "%s};\n\n", sg_buf_text(&rows));
	sg_file_put(file, 0, "const sgrt_module %s = {SGRT_ABI, %zu, \"%s\", %s};", file->module,
	            file->nentries, file->m.p->name, table);
}
