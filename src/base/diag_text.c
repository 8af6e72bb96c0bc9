/* diag_text.c - diagnostics as text for people and as JSON for machines.
 *
 * The excerpt under a message is one source line and, below it, its mark: '^' at the point and '~'
 * over the rest of the span. Both are cut to the same window of display columns when the line is
 * long. Text from a source is made safe for a terminal: what is not printable shows as '?'. */
#include "base/ctx.h"

#include <stdlib.h>
#include <string.h>

enum {
	WINDOW = 100, /* display columns of source that are shown */
	BEFORE = 40,  /* of these, in front of the span when the window had to move */
};

/* ---- order ---- */

typedef struct ranked {
	const sg_diag *d;
	size_t rank;
} ranked;

static int
order(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int
compare(const void *a, const void *b)
{
	const ranked *x = a, *y = b;
	const sg_source *s = x->d->at.src, *t = y->d->at.src;
	int c = order(s ? s->order + 1 : 0, t ? t->order + 1 : 0);

	if (c == 0)
		c = order(x->d->at.lo, y->d->at.lo);
	return c ? c : order(x->rank, y->rank);
}

static ranked *
in_source_order(const sg_ctx *ctx, sg_ctx *memory)
{
	ranked *r = SG_NEW_ARRAY(memory, ranked, ctx->ndiags + 1);

	for (size_t i = 0; i < ctx->ndiags; i++)
		r[i] = (ranked){ctx->diag[i], i};
	qsort(r, ctx->ndiags, sizeof *r, compare);
	return r;
}

/* ---- the excerpt ---- */

/* Columns that a code point takes on a terminal (East Asian wide and emoji: 2; combining: 0). */
static int
width(int32_t c)
{
	static const struct {
		int32_t lo, hi;
		int width;
	} range[] = {
	    {0x0300, 0x036F, 0},   {0x1100, 0x115F, 2},   {0x1AB0, 0x1AFF, 0},
	    {0x1DC0, 0x1DFF, 0},   {0x200B, 0x200F, 0},   {0x20D0, 0x20FF, 0},
	    {0x2E80, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},
	    {0xFE00, 0xFE0F, 0},   {0xFE20, 0xFE2F, 0},   {0xFE30, 0xFE6F, 2},
	    {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},   {0x1F300, 0x1F64F, 2},
	    {0x1F680, 0x1F6FF, 2}, {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2},
	};

	for (size_t i = 0; i < sizeof range / sizeof *range; i++)
		if (c >= range[i].lo && c <= range[i].hi)
			return range[i].width;
	return 1;
}

/* C0, DEL, C1, and the marks that turn the direction of writing */
static bool
is_printable(int32_t c)
{
	return c >= 0x20 && !(c >= 0x7F && c < 0xA0) && !(c >= 0x202A && c <= 0x202E) &&
	       !(c >= 0x2066 && c <= 0x2069);
}

/* One character of a line: [at, at + n), display columns [col, col + width). */
typedef struct cell {
	size_t at, n;
	int64_t col;
	int width;
	bool plain; /* shown as it is */
} cell;

static bool
next_cell(const sg_source *src, size_t hi, cell *c)
{
	int32_t cp;

	c->at += c->n;
	c->col += c->width;
	if (c->at >= hi)
		return false;
	c->n = sg_utf8(src->text + c->at, src->text + hi, &cp);
	c->plain = cp == '\t' || is_printable(cp);
	c->width = c->plain ? width(cp) : 1;
	return true;
}

typedef struct excerpt {
	const sg_source *src;
	size_t lo, hi;           /* the line */
	size_t from, to;         /* the span's part of it */
	size_t point, point_end; /* under '^' */
	int64_t first, last;     /* display columns [first, last) are shown */
	bool cut_before, cut_after;
} excerpt;

/* Display column of byte at, which may be the line's end. */
static int64_t
display_column(const excerpt *e, size_t at)
{
	cell c = {e->lo, 0, 0, 0, true};

	while (next_cell(e->src, e->hi, &c) && c.at + c.n <= at)
		;
	return c.col;
}

static void
set_window(excerpt *e)
{
	int64_t width_of_line = display_column(e, e->hi), from = display_column(e, e->from);

	if (width_of_line > WINDOW && from > WINDOW - 20)
		e->first = from - BEFORE;
	if (width_of_line > WINDOW && e->first + WINDOW > width_of_line)
		e->first = width_of_line - WINDOW;
	e->last = e->first + WINDOW;
	e->cut_before = e->first > 0;
	e->cut_after = e->last < width_of_line;
}

static size_t
clip(size_t at, size_t lo, size_t hi)
{
	return at < lo ? lo : at > hi ? hi : at;
}

static excerpt
make_excerpt(const sg_diag *d)
{
	excerpt e = {.src = d->at.src};

	sg_source_line(e.src, d->at.lo, &e.lo, &e.hi);
	e.from = clip(d->at.lo, e.lo, e.hi);
	e.to = clip(d->at.hi, e.from, e.hi);
	e.point = e.from;
	e.point_end = e.from + 1;
	if (d->point.src == e.src && d->point.lo >= e.from && d->point.lo < e.to) {
		e.point = d->point.lo;
		e.point_end = clip(d->point.hi, e.point + 1, e.to);
	}
	set_window(&e);
	return e;
}

static void
put_source(sg_buf *b, const excerpt *e)
{
	cell c = {e->lo, 0, 0, 0, true};

	if (e->cut_before)
		sg_buf_puts(b, "...");
	while (next_cell(e->src, e->hi, &c) && c.col + c.width <= e->last) {
		if (c.col < e->first)
			continue;
		if (c.plain)
			sg_buf_write(b, e->src->text + c.at, c.n);
		else
			sg_buf_putc(b, '?');
	}
	if (e->cut_after)
		sg_buf_puts(b, "...");
}

static void
put_cell_mark(sg_buf *b, const excerpt *e, const cell *c)
{
	char mark = c->at < e->from ? ' ' : c->at >= e->point && c->at < e->point_end ? '^' : '~';

	if (e->src->text[c->at] == '\t' && mark != '^') {
		sg_buf_putc(b, '\t');
		return;
	}
	for (int i = 0; i < c->width; i++)
		sg_buf_putc(b, i > 0 && mark == '^' ? '~' : mark);
}

static void
put_mark(sg_buf *b, const excerpt *e)
{
	cell c = {e->lo, 0, 0, 0, true};
	size_t stop = e->to > e->point ? e->to : e->point;

	if (e->cut_before)
		sg_buf_puts(b, "   ");
	while (next_cell(e->src, e->hi, &c) && c.at < stop && c.col + c.width <= e->last)
		if (c.col >= e->first)
			put_cell_mark(b, e, &c);
	if (e->from >= e->to && c.at >= stop)
		sg_buf_putc(b, '^');
}

/* ---- messages ---- */

typedef struct colours {
	const char *place, *error, *warning, *note, *hint, *mark, *off;
} colours;

static const colours plain = {"", "", "", "", "", "", ""};
static const colours coloured = {"\033[1m",    "\033[1;31m", "\033[1;35m", "\033[1;36m",
                                 "\033[1;32m", "\033[1;32m", "\033[0m"};

static void
put_place(sg_buf *b, sg_span at, const colours *c)
{
	int line, col;

	if (!at.src)
		return;
	sg_span_place(at, &line, &col);
	sg_buf_printf(b, "%s%s:%d:%d:%s ", c->place, at.src->name, line, col, c->off);
}

static void
put_note(sg_buf *b, const sg_note *n, const colours *c)
{
	bool is_hint = n->at.src == NULL;

	put_place(b, n->at, c);
	sg_buf_printf(b, "%s%s:%s %s\n", is_hint ? c->hint : c->note, is_hint ? "hint" : "note",
	              c->off, n->text);
}

static void
put_excerpt(sg_buf *b, const sg_diag *d, const colours *c)
{
	excerpt e = make_excerpt(d);
	int line;

	sg_span_place(d->at, &line, NULL);
	sg_buf_printf(b, "%5d | ", line);
	put_source(b, &e);
	sg_buf_printf(b, "\n      | %s", c->mark);
	put_mark(b, &e);
	sg_buf_printf(b, "%s\n", c->off);
}

/* Where the reader is sent: the point, if there is one. */
static sg_span
place_of(const sg_diag *d)
{
	return d->point.src ? d->point : d->at;
}

static void
put_diag(sg_buf *b, const sg_diag *d, const colours *c)
{
	bool is_error = d->severity == SG_ERROR;

	put_place(b, place_of(d), c);
	sg_buf_printf(b, "%s%s:%s %s [%s]\n", is_error ? c->error : c->warning,
	              is_error ? "error" : "warning", c->off, d->message, d->code);
	if (d->at.src)
		put_excerpt(b, d, c);
	for (size_t i = 0; i < d->nnotes; i++)
		put_note(b, &d->note[i], c);
}

void
sg_diags_text(const sg_ctx *ctx, sg_buf *out, bool colour)
{
	ranked *r = in_source_order(ctx, out->ctx);

	for (size_t i = 0; i < ctx->ndiags; i++)
		put_diag(out, r[i].d, colour ? &coloured : &plain);
}

/* ---- JSON ---- */

static void
put_json_string(sg_buf *b, const char *s)
{
	const char *end = s + strlen(s);
	int32_t c;
	size_t n;

	sg_buf_putc(b, '"');
	for (; s < end; s += n) {
		n = sg_utf8(s, end, &c);
		if (c == '"' || c == '\\')
			sg_buf_printf(b, "\\%c", (char)c);
		else if (c < 0)
			sg_buf_puts(b, "\\ufffd");
		else if (c < 0x20)
			sg_buf_printf(b, "\\u%04x", (unsigned)c);
		else
			sg_buf_write(b, s, n);
	}
	sg_buf_putc(b, '"');
}

static void
put_json_member(sg_buf *b, const char *name, const char *value)
{
	sg_buf_printf(b, "\"%s\":", name);
	put_json_string(b, value);
}

static void
put_json_place(sg_buf *b, sg_span at)
{
	int line, col, end_line, end_col;

	if (!at.src)
		return;
	sg_span_place(at, &line, &col);
	sg_span_place((sg_span){at.src, at.hi, at.hi}, &end_line, &end_col);
	sg_buf_putc(b, ',');
	put_json_member(b, "file", at.src->name);
	sg_buf_printf(b, ",\"line\":%d,\"column\":%d,\"end_line\":%d,\"end_column\":%d", line, col,
	              end_line, end_col);
}

static void
put_json_note(sg_buf *b, const sg_note *n)
{
	sg_buf_putc(b, '{');
	put_json_member(b, "kind", n->at.src ? "note" : "hint");
	sg_buf_putc(b, ',');
	put_json_member(b, "message", n->text);
	put_json_place(b, n->at);
	sg_buf_putc(b, '}');
}

static void
put_json_diag(sg_buf *b, const sg_diag *d)
{
	sg_buf_putc(b, '{');
	put_json_member(b, "severity", d->severity == SG_ERROR ? "error" : "warning");
	sg_buf_putc(b, ',');
	put_json_member(b, "code", d->code);
	sg_buf_putc(b, ',');
	put_json_member(b, "message", d->message);
	put_json_place(b, d->at);
	sg_buf_puts(b, ",\"notes\":[");
	for (size_t i = 0; i < d->nnotes; i++) {
		sg_buf_puts(b, i ? "," : "");
		put_json_note(b, &d->note[i]);
	}
	sg_buf_puts(b, "]}");
}

void
sg_diags_json(const sg_ctx *ctx, sg_buf *out)
{
	ranked *r = in_source_order(ctx, out->ctx);

	sg_buf_putc(out, '[');
	for (size_t i = 0; i < ctx->ndiags; i++) {
		sg_buf_puts(out, i ? ",\n " : "");
		put_json_diag(out, r[i].d);
	}
	sg_buf_puts(out, "]\n");
}
