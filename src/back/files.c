/* files.c - a program as the files that are written: the header and what includes it.
 *
 * Of a program that is split each entry has a file. All that its functions stand on - helpers,
 * constants, with --standalone routines of the runtime - is static there, so that it is compiled
 * and linked without the others. What belongs to no single entry, the description of the module,
 * has the file without a name of its own. Names and header are those of a program that is not. */
#include "back/file.h"

typedef struct files {
	sg_file file;
	sg_c_file *item;
	size_t n, cap;
} files;

static void
add_text(files *w, const char *tail, sg_buf *text)
{
	SG_PUSH(w->file.m.ctx, w->item, w->n, w->cap, (sg_c_file){tail, sg_buf_text(text)});
}

/* ---- one file ---- */

static void
add_whole(files *w, const sg_program *p, const sg_emit_options *o)
{
	sg_ctx *ctx = w->file.m.ctx;
	sg_buf c, h;

	sg_buf_init(&c, ctx);
	sg_buf_init(&h, ctx);
	sg_emit_file(&w->file, ctx, p, o, &c, o->header ? &h : NULL);
	if (o->header)
		add_text(w, ".h", &h);
	add_text(w, ".c", &c);
}

/* ---- a file for each entry ---- */

/* The entry that computes the Jacobians of e, or NULL. */
static sg_c_entry *
jacobian_of(sg_file *file, const sg_c_entry *e)
{
	return e->e->jacobian && e->e->jacobian->entry ? &file->entry[e->e->jacobian->entry - 1]
	                                               : NULL;
}

static void
print_entry(sg_file *file, sg_c_entry *e)
{
	sg_c_entry *jac = jacobian_of(file, e);

	sg_entry_compile(file, e);
	sg_print_entry(file, e);
	if (!file->m.o->casadi) {
		sg_print_places(file, e);
		if (file->exported)
			sg_print_calls(file, e);
		return;
	}
	if (jac) {
		sg_entry_compile(file, jac);
		sg_print_entry(file, jac);
	}
	sg_open_casadi(file);
	sg_print_casadi(file, e);
}

static void
add_entry(files *w, sg_c_entry *e)
{
	sg_file *file = &w->file;
	sg_ctx *ctx = file->m.ctx;
	const sg_emit_options *o = file->m.o;
	sg_buf text, declarations;

	sg_file_begin(file);
	print_entry(file, e);
	sg_buf_init(&text, ctx);
	sg_buf_init(&declarations, ctx);
	if (!o->header && o->casadi)
		sg_declare_casadi(file, &declarations, e);
	else if (!o->header)
		sg_put_entry(file, &declarations, e);
	if (!o->header)
		sg_declare_weights(file, &declarations);
	sg_put_text(file, sg_text(ctx, "The entry %s of the model %s", e->e->name, o->prefix),
	            sg_buf_text(&declarations), &text);
	add_text(w, sg_text(ctx, "_%s.c", e->e->name), &text);
}

static void
add_module(files *w)
{
	sg_file *file = &w->file;
	sg_buf text;

	if (!file->wrappers || file->exported)
		return;
	sg_file_begin(file);
	for (size_t i = 0; i < file->nentries; i++)
		sg_print_calls(file, &file->entry[i]);
	sg_print_module(file);
	sg_buf_init(&text, file->m.ctx);
	sg_put_text(
	    file,
	    sg_text(file->m.ctx, "The table of the entries of the model %s", file->m.o->prefix), "",
	    &text);
	add_text(w, ".c", &text);
}

static void
add_split(files *w, const sg_program *p, const sg_emit_options *o)
{
	sg_buf h;

	sg_file_open(&w->file, w->file.m.ctx, p, o);
	if (o->header) /* goes first, and is known last */
		SG_PUSH(w->file.m.ctx, w->item, w->n, w->cap, (sg_c_file){".h", NULL});
	for (size_t i = 0; i < w->file.nentries; i++)
		if (!w->file.entry[i].e->is_jacobian)
			add_entry(w, &w->file.entry[i]);
	add_module(w);
	if (!o->header)
		return;
	sg_buf_init(&h, w->file.m.ctx);
	sg_put_header(&w->file, &h);
	w->item[0].text = sg_buf_text(&h);
}

static void
add_weights(files *w)
{
	sg_buf text;

	sg_buf_init(&text, w->file.m.ctx);
	sg_file_begin(&w->file);
	if (sg_put_weights(&w->file, &text))
		add_text(w, "_weights.c", &text);
}

const sg_c_file *
sg_emit_files(sg_ctx *ctx, const sg_program *p, const sg_emit_options *o, size_t *n)
{
	files w = {.file.m.ctx = ctx};

	if (o->split)
		add_split(&w, p, o);
	else
		add_whole(&w, p, o);
	add_weights(&w);
	*n = w.n;
	return w.item;
}
