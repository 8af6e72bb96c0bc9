/* fmt_line.c - pieces as lines of text.
 *
 * Line breaks that the text has are kept, between statements and within them; a blank line too, of
 * several one. Statements between ';' and bodies in one line stay so while the line fits. A line
 * that is too long is broken where that hurts least: outside brackets rather than inside, behind
 * commas rather than operators. '=' of neighbouring bindings stand in one column, and so do
 * comments behind neighbouring lines; those that share a column in the text keep it where it fits.
 */
#include "front/fmt.h"

#include <string.h>

enum { ALIGN_ASSIGN = 8, ALIGN_COMMENT = 24 }; /* columns that names, lines may differ by */

static uint32_t
indent_of(const sg_piece *p)
{
	return SG_FMT_INDENT * p->level;
}

/* Columns of words [lo, hi) on a line. */
static uint32_t
width_of(const sg_fmt *f, uint32_t lo, uint32_t hi)
{
	uint32_t n = 0;

	for (uint32_t i = lo; i < hi; i++)
		n += f->word[i].width + (i > lo ? f->word[i].space + f->word[i].pad : 0);
	return n;
}

/* ---- pieces that share a line ---- */

static const char *
glue(const sg_piece *before, const sg_piece *p)
{
	return before->kind == SG_F_HEAD || p->kind == SG_F_END ? " " : "; ";
}

static bool
is_broken(const sg_fmt *f, uint32_t lo, uint32_t hi)
{
	for (uint32_t i = lo; i < hi; i++)
		if (f->word[i].role == SG_R_COMMENT || (i > lo && f->word[i].newlines > 0))
			return true;
	return false;
}

static bool
fits(const sg_fmt *f, size_t lo, size_t hi)
{
	size_t n = indent_of(&f->piece[lo]);

	for (size_t k = lo; k < hi; k++) {
		const sg_piece *p = &f->piece[k];

		if (is_broken(f, p->lo, p->hi))
			return false;
		n += width_of(f, p->lo, p->hi) + (k > lo ? strlen(glue(p - 1, p)) : 0);
	}
	return n <= SG_FMT_COLUMNS;
}

/* Pieces [lo, hi) share a line. If that is too long, statements get lines of their own; a single
 * one, its body. */
static void
settle(sg_fmt *f, size_t lo, size_t hi)
{
	const uint32_t level = f->piece[lo].level;
	bool single = true;

	if (hi - lo < 2 || fits(f, lo, hi))
		return;
	for (size_t k = lo + 1; k < hi; k++)
		single = single && (f->piece[k].level > level || f->piece[k].kind == SG_F_END);
	for (size_t k = lo + 1; k < hi; k++) {
		sg_piece *p = &f->piece[k];
		const bool ends = p->kind == SG_F_END;

		if (single ? p->level == level + !ends : p->level == level && !ends)
			p->glued = false;
	}
	for (size_t k = lo; k < hi;) {
		const size_t from = k++;

		while (k < hi && f->piece[k].glued)
			k++;
		settle(f, from, k);
	}
}

static void
settle_all(sg_fmt *f)
{
	for (size_t k = 0; k < f->npieces;) {
		const size_t from = k++;

		while (k < f->npieces && f->piece[k].glued)
			k++;
		settle(f, from, k);
	}
}

/* ---- columns of '=' ---- */

/* The word '=' of a statement that aligns it with those like it, or 0. */
static uint32_t
assign_of(const sg_fmt *f, const sg_piece *p)
{
	uint32_t at = 0;

	for (uint32_t i = p->lo + 1; i < p->hi; i++) {
		const sg_word *w = &f->word[i];

		if (!at && (w->role == SG_R_COMMENT || w->newlines > 0))
			return 0;
		if (w->role == SG_R_ASSIGN && w->inside == 0) {
			if (at)
				return 0;
			at = i;
		}
	}
	return at;
}

/* What a statement is to its neighbours: the same text, the same kind. NULL: none that aligns. */
static const char *
kind_of(const sg_fmt *f, const sg_piece *p)
{
	static const char *const kinds[] = {"const", "entry", "dim"};
	const sg_word *w = &f->word[p->lo];

	if (p->kind != SG_F_STATEMENT || !assign_of(f, p))
		return NULL;
	if (w->role != SG_R_WORD)
		return "";
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		if (strcmp(w->t.name, kinds[k]) == 0)
			return kinds[k];
	return NULL;
}

/* The last column up to which pieces [lo, hi), of one run, can be one group; returns its end. */
static size_t
align_group(sg_fmt *f, const size_t *run, size_t lo, size_t hi)
{
	uint32_t least = UINT32_MAX, most = 0;
	size_t k;

	for (k = lo; k < hi; k++) {
		const sg_piece *p = &f->piece[run[k]];
		const uint32_t n = width_of(f, p->lo, assign_of(f, p));
		const uint32_t a = n < least ? n : least, b = n > most ? n : most;

		if (b - a > ALIGN_ASSIGN)
			break;
		least = a;
		most = b;
	}
	for (size_t i = lo; i < k; i++) {
		const sg_piece *p = &f->piece[run[i]];
		const uint32_t at = assign_of(f, p);

		f->word[at].pad = most - width_of(f, p->lo, at);
	}
	return k;
}

static bool
is_alone(const sg_fmt *f, size_t k)
{
	return !f->piece[k].glued && (k + 1 == f->npieces || !f->piece[k + 1].glued);
}

/* Does piece k go on a run whose last is `before`? */
static bool
goes_on(const sg_fmt *f, size_t before, size_t k)
{
	const sg_piece *a = &f->piece[before], *b = &f->piece[k];

	return a->level == b->level && kind_of(f, a) == kind_of(f, b) && is_alone(f, k) &&
	       f->word[b->lo].newlines < 2;
}

static void
align_assigns(sg_fmt *f)
{
	size_t *run = SG_NEW_ARRAY(f->ctx, size_t, f->npieces + 1);
	size_t n = 0;

	for (size_t k = 0; k <= f->npieces; k++) {
		if (k < f->npieces && n > 0 && (f->piece[k].trails || goes_on(f, run[n - 1], k))) {
			if (!f->piece[k].trails)
				run[n++] = k;
			continue;
		}
		for (size_t i = 0; i < n;)
			i = align_group(f, run, i, n);
		n = 0;
		if (k < f->npieces && kind_of(f, &f->piece[k]) && is_alone(f, k))
			run[n++] = k;
	}
}

/* ---- lines ---- */

typedef struct line {
	size_t lo, hi;  /* of the text: with its indentation, without a comment behind */
	uint32_t width; /* of that, in columns */
	bool blank;     /* an empty line goes before */
	bool opens;     /* ends in a bracket that was opened */
	const sg_word *comment;
	uint32_t column; /* that it gets */
} line;

typedef struct writer {
	sg_fmt *f;
	sg_buf code;
	line *line;
	size_t n, cap;
} writer;

static line *
last_line(const writer *w)
{
	return &w->line[w->n - 1];
}

static void
put_spaces(sg_buf *b, uint32_t n)
{
	while (n-- > 0)
		sg_buf_putc(b, ' ');
}

static void
begin_line(writer *w, uint32_t indent, bool blank)
{
	line l = {.lo = w->code.n, .hi = w->code.n, .width = indent};

	l.blank = blank && w->n > 0 && !last_line(w)->opens;
	SG_PUSH(w->f->ctx, w->line, w->n, w->cap, l);
	put_spaces(&w->code, indent);
	last_line(w)->hi = w->code.n;
}

static void
put_text(writer *w, const char *s, size_t n, uint32_t width)
{
	sg_buf_write(&w->code, s, n);
	last_line(w)->hi = w->code.n;
	last_line(w)->width += width;
}

static void
put_words(writer *w, uint32_t lo, uint32_t hi, uint32_t indent)
{
	sg_fmt *f = w->f;

	for (uint32_t i = lo; i < hi; i++) {
		sg_word *x = &f->word[i];
		const uint32_t space = i > lo ? x->space + x->pad : 0;

		put_spaces(&w->code, space);
		put_text(w, f->src->text + x->t.lo, x->t.hi - x->t.lo, x->width + space);
		x->indent = indent;
		last_line(w)->opens = x->role == SG_R_OPEN || x->t.kind == T_LBRACE;
	}
}

/* Behind the line; below the comment behind the line before, in its column; or on its own. */
static void
put_comment(writer *w, const sg_word *c, uint32_t indent, bool blank)
{
	const sg_word *above = w->n ? last_line(w)->comment : NULL;

	if (w->n && c->newlines == 0) {
		last_line(w)->comment = c;
	} else if (above && c->newlines == 1 && above->column == c->column) {
		begin_line(w, 0, false);
		last_line(w)->comment = c;
	} else {
		begin_line(w, indent, blank);
		put_text(w, w->f->src->text + c->t.lo, c->t.hi - c->t.lo, c->width);
	}
}

/* ---- where lines are broken ---- */

/* How much it hurts to break the line before word i; 0: it can't be. */
static uint32_t
hurts(const sg_fmt *f, uint32_t i)
{
	const sg_word *a = &f->word[i - 1], *b = &f->word[i];
	uint32_t kind = 0;

	if (b->role == SG_R_CLOSE)
		return 0;
	if (a->role == SG_R_COMMA)
		kind = 1;
	else if (b->t.kind == T_THEN || b->t.kind == T_ELSE)
		kind = 2;
	else if (a->role == SG_R_LOGIC)
		kind = 3;
	else if (b->t.kind == T_FOR)
		kind = 4;
	else if (a->role == SG_R_COMPARE || (a->role == SG_R_PLUS && a->spaced))
		kind = 5;
	else if (a->role == SG_R_TIMES)
		kind = a->spaced ? 6 : 14;
	else if (a->role == SG_R_ARROW)
		kind = 12;
	else if (a->role == SG_R_OPEN)
		kind = 20;
	else if (a->role == SG_R_ASSIGN && a->inside == 0)
		kind = 25;
	return kind ? kind + 10 * b->depth : 0;
}

/* The word before which to break words [lo, hi); hi where they fit, or can't be broken. */
static uint32_t
find_break(const sg_fmt *f, uint32_t lo, uint32_t hi, uint32_t indent)
{
	uint32_t best = hi, least = UINT32_MAX, column = indent + f->word[lo].width;

	for (uint32_t i = lo + 1; i < hi; i++) {
		const uint32_t early = column < SG_FMT_COLUMNS * 2 / 5 ? 15 : 0;
		const uint32_t h = hurts(f, i);

		if (h && column > SG_FMT_COLUMNS)
			return best < hi ? best : i;
		if (h && h + early <= least) {
			least = h + early;
			best = i;
		}
		column += f->word[i].width + f->word[i].space + f->word[i].pad;
	}
	return column > SG_FMT_COLUMNS ? best : hi;
}

/* One step to the right of the line that the bracket stands in; of the statement, outside. */
static uint32_t
indent_at(const sg_fmt *f, const sg_piece *p, uint32_t i)
{
	const sg_word *w = &f->word[i];

	if (i == p->lo)
		return indent_of(p);
	if (w->role == SG_R_CLOSE)
		return f->word[w->match].indent;
	return SG_FMT_INDENT + (w->inside ? f->word[w->inside - 1].indent : indent_of(p));
}

/* Where the line of the text ends that word lo stands in. */
static uint32_t
line_end(const sg_fmt *f, const sg_piece *p, uint32_t lo)
{
	uint32_t hi = lo + 1;

	while (hi < p->hi && f->word[hi].newlines == 0 && f->word[hi].role != SG_R_COMMENT)
		hi++;
	return hi;
}

static void
put_piece(writer *w, const sg_piece *p)
{
	sg_fmt *f = w->f;
	uint32_t end = p->lo;

	for (uint32_t lo = p->lo; lo < p->hi;) {
		const sg_word *first = &f->word[lo];
		const uint32_t indent = indent_at(f, p, lo);
		const bool blank = first->newlines > 1 && first->role != SG_R_CLOSE &&
		                   p->kind != SG_F_END && (lo == p->lo || first->inside);
		uint32_t hi;

		if (first->role == SG_R_COMMENT) {
			put_comment(w, first, indent, blank);
			lo++;
			continue;
		}
		end = lo < end ? end : line_end(f, p, lo);
		hi = find_break(f, lo, end, indent);
		begin_line(w, indent, blank);
		put_words(w, lo, hi, indent);
		lo = hi;
	}
}

static void
put_pieces(writer *w)
{
	sg_fmt *f = w->f;

	for (size_t k = 0; k < f->npieces; k++) {
		const sg_piece *p = &f->piece[k];

		if (!p->glued) {
			put_piece(w, p);
		} else {
			const char *s = glue(p - 1, p);

			put_text(w, s, strlen(s), (uint32_t)strlen(s));
			put_words(w, p->lo, p->hi, indent_of(p));
		}
	}
}

/* ---- columns of comments ---- */

/* The column that all of lines [lo, hi) have in the text, if it is free in the result; else 0. */
static uint32_t
common_column(const writer *w, size_t lo, size_t hi)
{
	const uint32_t column = w->line[lo].comment->column;

	for (size_t k = lo; k < hi; k++)
		if (w->line[k].comment->column != column || w->line[k].width + 2 > column)
			return 0;
	return hi - lo > 1 ? column : 0;
}

/* Gives a column to as many lines as differ little in length; returns their end. */
static size_t
align_lines(writer *w, size_t lo, size_t hi)
{
	uint32_t least = UINT32_MAX, most = 0;
	size_t k;

	for (k = lo; k < hi; k++) {
		const uint32_t n = w->line[k].width;
		const uint32_t a = n && n < least ? n : least, b = n > most ? n : most;

		if (n && b - a > ALIGN_COMMENT)
			break;
		least = a;
		most = b;
	}
	for (size_t i = lo; i < k; i++)
		w->line[i].column = most + 2;
	return k;
}

/* Lines [lo, hi), one below the other, have comments behind them. */
static void
align_run(writer *w, size_t lo, size_t hi)
{
	const uint32_t column = common_column(w, lo, hi);

	while (!column && lo < hi)
		lo = align_lines(w, lo, hi);
	for (; lo < hi; lo++)
		w->line[lo].column = column;
}

static void
align_comments(writer *w)
{
	for (size_t k = 0; k < w->n;) {
		const size_t lo = k++;

		if (!w->line[lo].comment)
			continue;
		while (k < w->n && w->line[k].comment && !w->line[k].blank)
			k++;
		align_run(w, lo, k);
	}
}

static const char *
print(writer *w)
{
	const char *text = w->f->src->text;
	sg_buf b;

	sg_buf_init(&b, w->f->ctx);
	for (size_t k = 0; k < w->n; k++) {
		const line *l = &w->line[k];

		if (l->blank)
			sg_buf_putc(&b, '\n');
		sg_buf_write(&b, w->code.s + l->lo, l->hi - l->lo);
		if (l->comment) {
			put_spaces(&b, l->column - l->width);
			sg_buf_write(&b, text + l->comment->t.lo,
			             l->comment->t.hi - l->comment->t.lo);
		}
		sg_buf_putc(&b, '\n');
	}
	return sg_buf_text(&b);
}

const char *
sg_fmt_lines(sg_fmt *f)
{
	writer w = {.f = f};

	sg_buf_init(&w.code, f->ctx);
	settle_all(f);
	align_assigns(f);
	put_pieces(&w);
	align_comments(&w);
	return print(&w);
}
