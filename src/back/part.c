/* part.c - a loop as a function of its own, for the threads of the pool.
 *
 * The text of the loop is printed into a buffer of its own, from `begin` to `end` in the place of
 * its bounds. The variables around it that it has words for are handed over in a struct and
 * declared again under their names, so the text is the same as in the function itself. A part that
 * fails returns its code. */
#include "back/nest.h"

#include <string.h>

/* ---- the variables of a function ---- */

static void
set_type(sg_fn *f, const char *name, const char *type)
{
	if (name)
		*sg_bytes_map_at(f->types, name, strlen(name)) = (void *)(uintptr_t)type;
}

static const char *
pointer_to(sg_fn *f, sg_type t, bool read)
{
	return sg_text(f->ctx, "%s%s *", read ? "const " : "", sg_type_c_name(t));
}

static void
set_types(sg_fn *f)
{
	const sg_program *p = f->m->p;

	f->types = sg_bytes_map_new(f->ctx);
	for (uint32_t d = 0; d < sg_space_ndims(f->sp); d++)
		set_type(f, f->dim[d], "ptrdiff_t ");
	for (size_t k = 0; k < f->nexts; k++)
		set_type(f, f->ext[k].name, "ptrdiff_t ");
	for (size_t i = 0; i < p->ninputs; i++)
		set_type(f, f->input[i], pointer_to(f, p->input[i].type, true));
	for (size_t i = 0; i < f->nout; i++)
		if (f->out[i].kind == SG_O_POINTER)
			set_type(f, f->out[i].name,
			         pointer_to(f, (sg_type)sg_fn_node(f, f->out[i].ref)->type, false));
	for (sg_ref r = 1; r < f->g->n; r++) {
		const sg_type t = (sg_type)sg_fn_node(f, r)->type;

		if (f->at[r].name && f->at[r].stored)
			set_type(f, f->at[r].name, pointer_to(f, t, false));
		else if (f->at[r].name && f->at[r].unit)
			set_type(f, f->at[r].name, sg_text(f->ctx, "%s ", sg_type_c_name(t)));
	}
}

void
sg_part_variable(sg_fn *f, const char *name, const char *type)
{
	set_type(f, name, type);
}

/* ---- words of a text ---- */

static bool
is_letter(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The first word at or behind s that is in no number and no comment; its length; NULL: none. */
static const char *
next_word(const char *s, size_t *n)
{
	while (*s && !is_letter(*s)) {
		const char *end = s[0] == '/' && s[1] == '*' ? strstr(s, "*/") : NULL;

		if (end)
			s = end + 2;
		else if (is_digit(*s))
			while (is_letter(*s) || is_digit(*s) || *s == '.')
				s++;
		else
			s++;
	}
	for (*n = 0; is_letter(s[*n]) || is_digit(s[*n]); ++*n)
		;
	return *n ? s : NULL;
}

typedef struct word {
	const char *name, *type;
} word;

typedef struct words {
	word *at;
	size_t n, cap;
	bool status, tile;
} words;

static bool
is_word(const char *name, const char *s, size_t n)
{
	return strlen(name) == n && memcmp(name, s, n) == 0;
}

static void
find_words(sg_fn *f, const char *text, words *w)
{
	sg_bytes_map *seen = sg_bytes_map_new(f->ctx);
	size_t n;

	for (const char *s = text; (s = next_word(s, &n)); s += n) {
		void **first = sg_bytes_map_at(seen, s, n);
		const char *type = *sg_bytes_map_at(f->types, s, n);

		if (*first)
			continue;
		*first = w;
		w->status = w->status || is_word(f->status, s, n);
		w->tile = w->tile || is_word(f->tile, s, n);
		if (type)
			SG_PUSH(f->ctx, w->at, w->n, w->cap,
			        ((word){sg_text(f->ctx, "%.*s", (int)n, s), type}));
	}
}

/* ---- the text ---- */

void
sg_part_open(sg_fn *f, sg_part_text *p)
{
	if (!f->types)
		set_types(f);
	*p = (sg_part_text){.out = f->b, .indent = f->indent, .had_status = f->has_status};
	p->begin = sg_name_fresh(&f->names, "begin");
	p->end = sg_name_fresh(&f->names, "end");
	sg_buf_init(&p->text, f->ctx);
	f->b = &p->text;
	f->indent = 1;
}

static void
print_function(sg_fn *f, sg_part_text *p, const words *w, const char *name, const char *frame)
{
	sg_buf *b = &f->m->parts;

	f->b = b;
	f->indent = 0;
	sg_line(f, "struct %s {", frame);
	for (size_t i = 0; i < w->n; i++)
		sg_line(f, "\t%s%s;", w->at[i].type, w->at[i].name);
	sg_line(f, "\tint sgrt_none;");
	sg_line(f, "};");
	sg_line(f, "static int");
	sg_line(f, "%s(void *sgrt_context, ptrdiff_t %s, ptrdiff_t %s)", name, p->begin, p->end);
	sg_line(f, "{");
	f->indent = 1;
	sg_line(f, "const struct %s *const sgrt_frame = sgrt_context;", frame);
	for (size_t i = 0; i < w->n; i++)
		sg_line(f, "%sconst %s = sgrt_frame->%s;", w->at[i].type, w->at[i].name,
		        w->at[i].name);
	if (w->tile)
		sg_declare_tile(f);
	if (w->status)
		sg_line(f, "int %s = %s;", f->status, sg_use(f->m, "SGRT_OK"));
	sg_buf_puts(b, sg_buf_text(&p->text));
	sg_line(f, "return %s;", w->status ? f->status : sg_use(f->m, "SGRT_OK"));
	sg_buf_puts(b, "}\n\n");
}

void
sg_part_close(sg_fn *f, sg_part_text *p, const char *turns, const char *grain)
{
	/* no name in a function begins like this */
	const unsigned number = ++f->m->nparts;
	const char *name = sg_text(f->ctx, "sgrt_part%u", number),
		   *frame = sg_text(f->ctx, "sgrt_frame%u", number);
	const char *local = sg_name_fresh(&f->names, "frame"),
		   *failed = sg_name_fresh(&f->names, "failed");
	words w = {.n = 0};
	sg_buf list;

	find_words(f, sg_buf_text(&p->text), &w);
	print_function(f, p, &w, name, frame);
	f->b = p->out;
	f->indent = p->indent;
	f->has_status = p->had_status;
	sg_buf_init(&list, f->ctx);
	for (size_t i = 0; i < w.n; i++)
		sg_buf_printf(&list, "%s, ", w.at[i].name);
	sg_line(f, "struct %s %s = {%s0};", frame, local, sg_buf_text(&list));
	sg_line(f, "const int %s = sgrt_parallel(sgrt_pool, %s, &%s, %s, %s);", failed, name, local,
	        turns, grain);
	sg_line(f, "if (%s != %s)", failed, sg_use(f->m, "SGRT_OK"));
	sg_line(f, "\treturn %s;", failed);
}
