/* emit.c - a program as C: the file from its parts.
 *
 * Functions are written first, into a text of their own, and say what they stand on; then the file
 * is put together: includes or declarations, routines of the runtime, constants, functions. */
#include "back/file.h"

#include <string.h>

void
sg_file_put(sg_file *file, int indent, const char *fmt, ...)
{
	sg_fn f = {.m = &file->m, .ctx = file->m.ctx, .b = &file->m.body, .indent = indent};
	sg_buf b;
	va_list ap;

	sg_buf_init(&b, file->m.ctx);
	va_start(ap, fmt);
	sg_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	sg_line(&f, "%s", sg_buf_text(&b));
}

/* ---- functions ---- */

static const char *
dims_text(sg_file *file, const sg_c_entry *e)
{
	sg_buf b;

	sg_buf_init(&b, file->m.ctx);
	sg_put_dims(file, &b, e, false);
	return sg_buf_text(&b);
}

static void
print_check_call(sg_file *file, const sg_c_entry *e, const char *failure)
{
	if (!e->has_dims)
		return;
	sg_file_put(file, 1, "if (%s(%s) != %s)", e->check, e->dims ? e->dims : dims_text(file, e),
	            sg_use(&file->m, "SGRT_OK"));
	sg_file_put(file, 1, "\treturn %s;", failure);
}

static void
print_return(sg_file *file, const sg_fn *f)
{
	sg_file_put(file, 1, "return %s;", f->has_status ? f->status : sg_use(&file->m, "SGRT_OK"));
}

/* Puts the pieces of a function before it; it begins at `start` in the text. */
static void
put_pieces(sg_file *file, size_t start)
{
	sg_buf *body = &file->m.body, *pieces = &file->m.pieces;
	const char *fn;

	if (pieces->n == 0)
		return;
	fn = sg_copy(file->m.ctx, body->s + start, body->n - start + 1);
	body->n = start;
	sg_buf_write(body, pieces->s, pieces->n);
	sg_buf_puts(body, fn);
	pieces->n = 0;
}

/* Makes the function that begins at `start` in the text, what is between its braces at `inner`, an
 * inline body. */
static void
put_widths(sg_file *file, const sg_c_entry *e, size_t start, size_t inner)
{
	sg_buf *b = &file->m.body;
	const char *text = sg_copy(file->m.ctx, b->s + inner, b->n - inner + 1);
	const char *name = sg_body_name(&file->m, e->fn);

	b->n = start;
	sg_put_widths_body(file, b, e, name);
	sg_buf_puts(b, text);
	sg_put_widest(file, b, e, name, text);
}

static void
print_fn(sg_file *file, sg_c_entry *e)
{
	const size_t start = file->m.body.n;
	size_t inner = start;
	sg_fn *f = e->body;

	if (e->args) {
		sg_open_many(file, e, e->call, true);
	} else {
		sg_put_fn(file, &file->m.body, e, SG_PROTO_C);
		inner = file->m.body.n;
		sg_buf_puts(&file->m.body, "\n{\n");
	}
	print_check_call(file, e, sg_use(&file->m, "SGRT_EDIM"));
	f->b = &file->m.body;
	if (!f->uses_work)
		sg_file_put(file, 1, "(void)%s;", e->work);
	sg_fn_print(f, e->uses.input);
	print_return(file, f);
	sg_buf_puts(&file->m.body, "}\n\n");
	if (f->is_wide && !file->m.o->jit)
		put_widths(file, e, start, inner);
	put_pieces(file, start);
	if (!e->args)
		return;
	sg_put_fn(file, &file->m.body, e, SG_PROTO_C);
	sg_print_many(file, e, e->call, true);
}

/* The sum that the slots of the entry's own body make up; else the polynomial. */
static const char *
bytes_text(sg_file *file, const sg_c_entry *e)
{
	sg_fn *f = e->body;
	sg_buf b;

	if (e->bytes != sg_plan_bytes(f))
		return sg_ext_bare(f, e->bytes);
	sg_buf_init(&b, file->m.ctx);
	if (f->fixed || !f->nslots)
		sg_buf_printf(&b, "%lld", (long long)f->fixed);
	for (size_t i = 0; i < f->nslots; i++)
		sg_buf_printf(&b, "%s%s(%s)", b.n ? " + " : "", sg_rounded_name(&file->m),
		              sg_ext_bare(f, f->slot[i].bytes));
	return sg_buf_text(&b);
}

static void
print_work(sg_file *file, const sg_c_entry *e)
{
	const char *bytes = bytes_text(file, e);

	sg_put_work(&file->m.body, file, e, SG_PROTO_C);
	sg_buf_puts(&file->m.body, "\n{\n");
	if (sg_ext_const(file->m.sp, e->bytes, NULL)) {
		for (uint32_t d = 0; d < sg_space_ndims(file->m.sp); d++)
			if (e->dim[d])
				sg_file_put(file, 1, "(void)%s;", e->dim[d]);
		sg_file_put(file, 1, "return %s;", bytes);
	} else {
		if (e->dims && e->has_dims)
			sg_file_put(file, 1, "const ptrdiff_t %s[] = {%s};", e->dims, dims_text(file, e));
		print_check_call(file, e, "0");
		sg_file_put(file, 1, "return (size_t)(%s);", bytes);
	}
	sg_buf_puts(&file->m.body, "}\n\n");
}

static void
print_default(sg_file *file, const sg_c_entry *e, size_t input)
{
	sg_fn *f = e->deflt[input];

	f->b = &file->m.body;
	sg_file_put(file, 1, "if (%s != NULL) {", e->input[input]);
	sg_fn_print(f, NULL);
	if (f->has_status) {
		sg_file_put(file, 2, "if (%s != %s)", f->status, sg_use(&file->m, "SGRT_OK"));
		sg_file_put(file, 2, "\treturn %s;", f->status);
	}
	sg_file_put(file, 1, "}");
}

static void
print_defaults(sg_file *file, const sg_c_entry *e)
{
	const sg_program *p = file->m.p;
	const size_t start = file->m.body.n;
	bool uses_work = false;

	if (!e->has_defaults)
		return;
	if (e->args) {
		sg_open_many(file, e, e->call_defaults, false);
	} else {
		sg_put_defaults(file, &file->m.body, e, SG_PROTO_C);
		sg_buf_puts(&file->m.body, "\n{\n");
	}
	print_check_call(file, e, sg_use(&file->m, "SGRT_EDIM"));
	for (size_t i = 0; i < p->ninputs; i++) {
		uses_work = uses_work || (e->deflt[i] && e->deflt[i]->uses_work);
		if (e->input[i] && !e->deflt[i])
			sg_file_put(file, 1, "(void)%s;", e->input[i]);
	}
	if (!uses_work)
		sg_file_put(file, 1, "(void)%s;", e->work);
	for (size_t i = 0; i < p->ninputs; i++)
		if (e->deflt[i])
			print_default(file, e, i);
	sg_file_put(file, 1, "return %s;", sg_use(&file->m, "SGRT_OK"));
	sg_buf_puts(&file->m.body, "}\n\n");
	put_pieces(file, start);
	if (!e->args)
		return;
	sg_put_defaults(file, &file->m.body, e, SG_PROTO_C);
	sg_print_many(file, e, e->call_defaults, false);
}

/* ---- the file ---- */

/* By <math.h> a root may set errno, so that compilers keep a call for negative numbers, and with it
 * no loop becomes SIMD. As GNU C has it, a function that is declared const sets nothing. This stands
 * in the C alone: who includes the headers has sqrt as it was. */
static void
put_roots(sg_buf *b)
{
	sg_buf_puts(b, "/* Nobody asks for errno: loops that take roots become SIMD. */\n"
	               "#include <math.h>\n#if defined __GNUC__\n"
	               "extern double (sqrt)(double) __attribute__((const));\n"
	               "extern float (sqrtf)(float) __attribute__((const));\n#endif\n\n");
}

/* exp and its like, and sums that keep what they round off, count on the roundings. */
static void
put_roundings(sg_buf *b)
{
	sg_buf_puts(
	    b,
	    "/* On x87 gcc rounds a number only when it leaves the registers, unless told otherwise. */\n"
	    "#if defined __GNUC__ && !defined __clang__ && !defined __STRICT_ANSI__ && \\\n"
	    "    __FLT_EVAL_METHOD__ == 2\n"
	    "#pragma GCC optimize (\"excess-precision=standard\")\n#endif\n\n");
}

static void
put_opening(sg_file *file, const char *subject, sg_buf *b)
{
	const sg_emit_options *o = file->m.o;
	const bool roots = sg_takes_roots(file);

	sg_buf_printf(b, "/* %s as C, written by symgrad.%s */\n", subject,
	              o->header ? " What the functions do: see the header." : "");
	put_roundings(b);
	if (roots)
		put_roots(b);
	if (o->header)
		sg_buf_printf(b, "#include \"%s\"\n\n", o->header);
	sg_buf_printf(b, "%s#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n\n",
	              roots ? "" : "#include <math.h>\n");
	if (!o->standalone)
		sg_buf_puts(b, "#include \"symgrad_runtime.h\"\n\n");
}

static const sg_c_names *
c_names(sg_file *file)
{
	sg_c_names *names = SG_NEW_ARRAY(file->m.ctx, sg_c_names, file->nentries);

	for (size_t i = 0; i < file->nentries; i++) {
		const sg_c_entry *e = &file->entry[i];
		sg_buf line;

		sg_buf_init(&line, file->m.ctx);
		sg_put_fn(file, &line, e, SG_PROTO_LINE);
		names[i] = (sg_c_names){.fn = e->fn,
		                        .work = e->work_fn,
		                        .signature = sg_buf_text(&line),
		                        .bytes = e->bytes};
		if (e->has_defaults)
			names[i].defaults = e->defaults_fn;
		if (!file->wrappers)
			continue;
		names[i].call = e->call;
		if (e->has_defaults)
			names[i].call_defaults = e->call_defaults;
	}
	return names;
}

/* The functions of an entry, but for those of a calling convention. */
void
sg_print_entry(sg_file *file, sg_c_entry *e)
{
	if (e->has_dims)
		sg_print_check(file, e);
	print_fn(file, e);
	if (file->m.o->casadi)
		return;
	if (!file->m.o->jit) /* who has the text compiled knows the size as an extent */
		print_work(file, e);
	print_defaults(file, e);
	sg_print_steps(file, e);
}

/* subject: what it is the C of; declarations: of a text that includes no header. */
void
sg_put_text(sg_file *file, const char *subject, const char *declarations, sg_buf *c)
{
	const sg_emit_options *o = file->m.o;

	if (!o->jit)
		put_opening(file, subject, c);
	sg_put_support(file, c);
	sg_buf_puts(c, declarations);
	sg_buf_puts(c, sg_buf_text(&file->m.consts));
	sg_buf_puts(c, sg_buf_text(&file->m.parts));
	sg_buf_puts(c, sg_buf_text(&file->m.body));
	while (c->n > 1 && c->s[c->n - 1] == '\n' && c->s[c->n - 2] == '\n')
		c->s[--c->n] = '\0';
}

static void
print_others(sg_file *file)
{
	const sg_emit_options *o = file->m.o;

	if (o->casadi)
		sg_open_casadi(file);
	for (size_t i = 0; i < file->nentries; i++)
		if (o->casadi && !file->entry[i].e->is_jacobian)
			sg_print_casadi(file, &file->entry[i]);
		else if (!o->casadi && !o->jit)
			sg_print_places(file, &file->entry[i]);
	if (file->wrappers && !file->exported)
		sg_print_module(file);
}

void
sg_emit_file(sg_file *file, sg_ctx *ctx, const sg_program *p, const sg_emit_options *o, sg_buf *c,
             sg_buf *h)
{
	sg_buf declarations;

	sg_file_open(file, ctx, p, o);
	for (size_t i = 0; i < file->nentries; i++) {
		sg_print_entry(file, &file->entry[i]);
		if (file->wrappers)
			sg_print_calls(file, &file->entry[i]);
	}
	print_others(file);
	sg_buf_init(&declarations, ctx);
	if (!o->jit && !o->header)
		sg_put_declarations(file, &declarations);
	sg_put_text(file, sg_text(ctx, "The model %s", o->prefix), sg_buf_text(&declarations), c);
	if (h)
		sg_put_header(file, h);
}

const sg_c_names *
sg_emit(sg_ctx *ctx, const sg_program *p, const sg_emit_options *o, sg_buf *c, sg_buf *h)
{
	sg_file file;

	sg_emit_file(&file, ctx, p, o, c, h);
	return c_names(&file);
}
