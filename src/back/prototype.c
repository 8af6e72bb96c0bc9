/* prototype.c - prototypes, and the comments on them. */
#include "back/file.h"

#include <string.h>

enum { WIDTH = 100, DEEPEST = 48 };

/* ---- lists that are broken at the width ---- */

typedef struct list {
	sg_buf *b;
	size_t line; /* where the line begins in b */
	size_t tabs; /* that it and lines that follow begin with: each 8 columns wide */
	int indent;  /* of lines that follow, behind their tabs */
	bool any, broken;
} list;

static list
list_open(sg_buf *b, bool broken)
{
	list l = {.b = b, .line = b->n, .broken = broken};
	size_t text;

	while (l.line > 0 && b->s[l.line - 1] != '\n')
		l.line--;
	while (l.line + l.tabs < b->n && b->s[l.line + l.tabs] == '\t')
		l.tabs++;
	text = b->n - l.line - l.tabs;
	l.indent = text < DEEPEST ? (int)text : l.tabs ? 4 : 8;
	return l;
}

static void
list_put(list *l, const char *item)
{
	sg_buf *b = l->b;

	if (l->any)
		sg_buf_putc(b, ',');
	if (l->any && l->broken && b->n - l->line + 7 * l->tabs + 3 + strlen(item) > WIDTH) {
		sg_buf_puts(b, "\n");
		l->line = b->n;
		for (size_t i = 0; i < l->tabs; i++)
			sg_buf_puts(b, "\t");
		sg_buf_printf(b, "%*s", l->indent, "");
	} else if (l->any) {
		sg_buf_putc(b, ' ');
	}
	sg_buf_puts(b, item);
	l->any = true;
}

/* ---- parameters ---- */

static const char *
pointer_to(const sg_file *file, sg_type t, const char *name, bool constant, sg_proto how)
{
	return sg_text(file->m.ctx, "%s%s *%s%s", constant ? "const " : "", sg_type_c_name(t),
	               how == SG_PROTO_C ? "restrict " : "", name);
}

static void
list_dims(const sg_file *file, const sg_c_entry *e, list *l, bool types)
{
	for (uint32_t d = 0; d < sg_space_ndims(file->m.sp); d++)
		if (e->dim[d])
			list_put(l, types ? sg_text(file->m.ctx, "ptrdiff_t %s", e->dim[d])
			                  : e->dim[d]);
}

static void
list_inputs(const sg_file *file, const sg_c_entry *e, list *l, bool constant, sg_proto how)
{
	const sg_program *p = file->m.p;

	for (size_t i = 0; i < p->ninputs; i++)
		if (e->input[i])
			list_put(l, pointer_to(file, p->input[i].type, e->input[i], constant, how));
}

void
sg_put_dims(const sg_file *file, sg_buf *b, const sg_c_entry *e, bool types)
{
	list l = list_open(b, true);

	list_dims(file, e, &l, types);
	if (!l.any && types)
		list_put(&l, "void");
}

static void
put_name(sg_buf *b, const char *type, const char *name, sg_proto how)
{
	sg_buf_printf(b, "%s%c%s(", type, how == SG_PROTO_C ? '\n' : ' ', name);
}

static void
list_parameters(const sg_file *file, const sg_c_entry *e, list *l, sg_proto how)
{
	list_dims(file, e, l, true);
	list_inputs(file, e, l, true, how);
	for (size_t i = 0; i < e->e->nout; i++) {
		const sg_node *n = &file->m.p->g->node[e->e->out[i].ref];

		list_put(l, pointer_to(file, (sg_type)n->type, e->out[i], false, how));
	}
	list_put(l, sg_text(file->m.ctx, "void *%s", e->work));
}

void
sg_put_fn(const sg_file *file, sg_buf *b, const sg_c_entry *e, sg_proto how)
{
	list l;

	put_name(b, e->casadi ? "static int" : "int", e->fn, how);
	l = list_open(b, how != SG_PROTO_LINE);
	list_parameters(file, e, &l, how);
	sg_buf_puts(b, ")");
}

void
sg_put_widths_body(const sg_file *file, sg_buf *b, const sg_c_entry *e, const char *name)
{
	list l;

	put_name(b, "SGRT_BODY int", name, SG_PROTO_C);
	l = list_open(b, true);
	list_parameters(file, e, &l, SG_PROTO_C);
	sg_buf_puts(b, ")");
}

static void
list_arguments(const sg_file *file, const sg_c_entry *e, list *l)
{
	list_dims(file, e, l, false);
	for (size_t i = 0; i < file->m.p->ninputs; i++)
		if (e->input[i])
			list_put(l, e->input[i]);
	for (size_t i = 0; i < e->e->nout; i++)
		list_put(l, e->out[i]);
	list_put(l, e->work);
	sg_buf_puts(l->b, ")");
}

static void
put_wider(const sg_file *file, sg_buf *b, const sg_c_entry *e, const char *body)
{
	list l;

	sg_buf_printf(b, "SGRT_WIDER(%s,\n           (", body);
	l = list_open(b, true);
	list_parameters(file, e, &l, SG_PROTO_C);
	sg_buf_puts(b, "),\n           (");
	l = list_open(b, true);
	list_arguments(file, e, &l);
	sg_buf_puts(b, ")\n\n");
}

static void
put_twice(const sg_file *file, sg_buf *b, const sg_c_entry *e, const char *body, const char *text)
{
	sg_buf parameters;
	list l;

	sg_buf_init(&parameters, file->m.ctx);
	sg_buf_printf(&parameters, "%*s", (int)strlen(body) + 6, "");
	l = list_open(&parameters, true);
	list_parameters(file, e, &l, SG_PROTO_C);
	sg_put_twice(b, body, sg_buf_text(&parameters) + strlen(body) + 6, text + 1);
}

/* Behind the body: it for wider vectors, and the function that calls the widest. */
void
sg_put_widest(const sg_file *file, sg_buf *b, const sg_c_entry *e, const char *body,
              const char *text)
{
	list l;

	if (sg_stands_twice(text))
		put_twice(file, b, e, body, text);
	else
		put_wider(file, b, e, body);
	sg_put_fn(file, b, e, SG_PROTO_C);
	sg_buf_printf(b, "\n{\n\treturn SGRT_WIDEST(%s, (", body);
	l = list_open(b, true);
	list_arguments(file, e, &l);
	sg_buf_puts(b, ");\n}\n\n");
}

void
sg_put_work(sg_buf *b, const sg_file *file, const sg_c_entry *e, sg_proto how)
{
	put_name(b, "size_t", e->work_fn, how);
	sg_put_dims(file, b, e, true);
	sg_buf_puts(b, ")");
}

void
sg_put_defaults(const sg_file *file, sg_buf *b, const sg_c_entry *e, sg_proto how)
{
	list l;

	put_name(b, "int", e->defaults_fn, how);
	l = list_open(b, how != SG_PROTO_LINE);
	list_dims(file, e, &l, true);
	list_inputs(file, e, &l, false, how);
	list_put(&l, sg_text(file->m.ctx, "void *%s", e->work));
	sg_buf_puts(b, ")");
}

/* ---- comments ---- */

static bool
is_gradient(const sg_entry_ir *e)
{
	bool grads = strcmp(e->name, "gradient") == 0 && e->nout > 1;

	for (size_t i = 1; i < e->nout; i++)
		grads = grads && strncmp(e->out[i].name, "grad_", 5) == 0;
	return grads;
}

static void
put_purpose(sg_buf *b, const sg_c_entry *e)
{
	const sg_entry_ir *x = e->e;
	const bool grads = is_gradient(x);
	list l;

	sg_buf_printf(b, "/* %s: ", e->fn);
	if (!grads) {
		l = list_open(b, true);
		l.indent = 0;
		for (size_t i = 0; i < x->nout; i++) {
			if (i > 0 && b->n - l.line + strlen(x->out[i].name) > WIDTH - 8) {
				sg_buf_puts(b, ",\n * ");
				l.line = b->n - 3;
				l.any = false;
			}
			list_put(&l, x->out[i].name);
		}
		sg_buf_puts(b, ".\n");
		return;
	}
	sg_buf_printf(b, "%s, and its gradient with respect to ", x->out[0].name);
	for (size_t i = 1; i < x->nout; i++)
		sg_buf_printf(b, "%s%s%s", i > 1 ? i + 1 < x->nout ? "," : " and" : "",
		              i > 1 ? i % 12 == 0 ? "\n * " : " " : "", x->out[i].name + 5);
	sg_buf_puts(b, ".\n");
}

static void
put_row(sg_buf *b, const char *name, int name_width, const char *shape, int shape_width,
        const char *role)
{
	sg_buf_printf(b, " *   %-*s %-*s %s\n", name_width, name, shape_width, shape, role);
}

static int
wider(int width, const char *s, int most)
{
	const int n = strlen(s) < (size_t)most ? (int)strlen(s) : most;

	return n > width ? n : width;
}

static void
put_table(const sg_file *file, sg_buf *b, const sg_c_entry *e)
{
	const sg_program *p = file->m.p;
	int names = 7, shapes = 9;

	for (int put = 0; put < 2; put++) {
		for (size_t i = 0; i < p->ninputs; i++) {
			const char *shape = sg_shape_text(p->sp, p->input[i].shape);

			if (!e->input[i])
				continue;
			names = wider(names, e->input[i], 24);
			shapes = wider(shapes, shape, 32);
			if (put)
				put_row(b, e->input[i], names, shape, shapes, "in");
		}
		for (size_t i = 0; i < e->e->nout; i++) {
			const char *shape =
			    sg_shape_text(p->sp, p->g->node[e->e->out[i].ref].shape);

			names = wider(names, e->out[i], 24);
			shapes = wider(shapes, shape, 32);
			if (put)
				put_row(b, e->out[i], names, shape, shapes, "out");
		}
	}
}

void
sg_put_entry(sg_file *file, sg_buf *b, const sg_c_entry *e)
{
	put_purpose(b, e);
	put_table(file, b, e);
	sg_buf_printf(b, " * %s: %s(", e->work, e->work_fn);
	sg_put_dims(file, b, e, false);
	sg_buf_puts(
	    b, ") bytes, aligned to 64; may be NULL where that is 0.\n"
	       " * Returns 0, or a negative SGRT_E* code; the outputs are then unspecified. */\n");
	sg_put_fn(file, b, e, SG_PROTO_HEADER);
	sg_buf_puts(b, ";\n");
	sg_put_work(b, file, e, SG_PROTO_HEADER);
	sg_buf_puts(b, ";\n");
	if (!e->has_dims) {
		int64_t bytes = 0;

		(void)sg_ext_const(file->m.sp, e->bytes, &bytes);
		sg_buf_printf(b, "#define %s %lld\n", e->macro, (long long)bytes);
	}
	if (e->has_defaults) {
		sg_buf_puts(b, "/* The defaults of the inputs that have one; NULL: not wanted. The "
		               "others are not"
		               " used.\n * work and result as above. */\n");
		sg_put_defaults(file, b, e, SG_PROTO_HEADER);
		sg_buf_puts(b, ";\n");
	}
	sg_buf_putc(b, '\n');
	sg_declare_steps(file, b, e);
}

void
sg_put_declarations(sg_file *file, sg_buf *b)
{
	if (file->m.o->casadi) {
		sg_declare_casadi(file, b, NULL);
		sg_declare_weights(file, b);
		return;
	}
	for (size_t i = 0; i < file->nentries; i++)
		sg_put_entry(file, b, &file->entry[i]);
	sg_declare_places(file, b);
	sg_declare_weights(file, b);
}

void
sg_put_header(sg_file *file, sg_buf *b)
{
	const bool module = file->wrappers && !file->exported;

	if (!file->m.o->casadi)
		sg_buf_printf(
		    b,
		    "/* The model %s as C. Arrays are row-major and contiguous; those that a "
		    "function writes\n"
		    " * overlap no other. Every function may run on many threads at once. */\n",
		    file->m.o->prefix);
	else
		sg_buf_printf(
		    b,
		    "/* The model %s as C, by the calling convention of CasADi's external functions. "
		    "Matrices are\n"
		    " * column-major. Every function may run on many threads at once. */\n",
		    file->m.o->prefix);
	sg_buf_printf(b, "#ifndef %s\n#define %s\n\n", file->guard, file->guard);
	sg_buf_puts(b, "#include <stddef.h>\n#include <stdint.h>\n\n");
	if (module)
		sg_buf_puts(b, "#include \"symgrad_runtime.h\"\n\n");
	else
		sg_put_codes(b);
	sg_buf_puts(b, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
	sg_put_declarations(file, b);
	if (module)
		sg_buf_printf(b, "extern const sgrt_module %s;\n\n", file->module);
	sg_buf_puts(b, "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
