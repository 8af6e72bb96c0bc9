/* fmt.c - a text in canonical form: words and pieces, and the check that all of them are there.
 *
 * Which newlines end a statement is the layout's to say (lex_layout.c), so it is asked; comments
 * are no concern of it and are put back in between. The text is known to parse. */
#include "front/fmt.h"

#include "front/ast.h"
#include "front/front.h"

#include <string.h>

/* ---- words ---- */

static uint32_t
code_points(const char *s, size_t n)
{
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += (s[i] & 0xC0) != 0x80;
	return count;
}

static bool
ends_operand(const sg_word *w)
{
	return w->role == SG_R_OPERAND || w->role == SG_R_CLOSE;
}

static sg_fmt_role
role_of(sg_token_kind k, const sg_word *before)
{
	switch ((int)k) {
	case T_COMMENT:
		return SG_R_COMMENT;
	case T_LPAREN:
	case T_LSQUARE:
		return SG_R_OPEN;
	case T_RPAREN:
	case T_RSQUARE:
		return SG_R_CLOSE;
	case T_LBRACE:
	case T_RBRACE:
		return SG_R_BRACE;
	case T_COMMA:
	case T_SEMI:
		return SG_R_COMMA;
	case T_COLON:
		return SG_R_COLON;
	case T_DOT:
		return SG_R_DOT;
	case T_RANGE:
		return SG_R_RANGE;
	case T_ASSIGN:
		return SG_R_ASSIGN;
	case T_ARROW:
		return SG_R_ARROW;
	case T_POW:
		return SG_R_POWER;
	case T_PLUS:
	case T_MINUS:
		return before && ends_operand(before) ? SG_R_PLUS : SG_R_SIGN;
	case T_STAR:
	case T_SLASH:
	case T_FLOORDIV:
	case T_PERCENT:
	case T_AT:
		return SG_R_TIMES;
	case T_AND:
	case T_OR:
		return SG_R_LOGIC;
	case T_AS:
	case T_WRT:
	case T_IF:
	case T_THEN:
	case T_ELSE:
	case T_NOT:
	case T_FOR:
	case T_IN:
		return SG_R_WORD;
	default:
		return k >= T_LT ? SG_R_COMPARE : SG_R_OPERAND;
	}
}

/* A comment without the spaces at its end. */
static uint32_t
comment_end(const sg_source *src, const sg_token *t)
{
	uint32_t hi = t->hi;

	while (hi > t->lo && strchr(" \t\r\f", src->text[hi - 1]))
		hi--;
	return hi;
}

static void
add_word(sg_fmt *f, sg_token t, const sg_word *before, uint32_t newlines, uint32_t column)
{
	sg_word w = {.t = t, .role = (uint8_t)role_of(t.kind, before), .newlines = newlines, .column = column};

	if (t.kind == T_COMMENT)
		w.t.hi = comment_end(f->src, &t);
	w.width = code_points(f->src->text + w.t.lo, w.t.hi - w.t.lo);
	SG_PUSH(f->ctx, f->word, f->nwords, f->word_cap, w);
}

/* ---- pieces ---- */

typedef struct reader {
	sg_fmt *f;
	sg_tokens all, kept; /* as written; after layout */
	size_t k;            /* in kept: the next that comes */
	uint32_t newlines;
	uint32_t at, column; /* how far the line is counted, and its code points up to there */
	uint32_t first; /* word that the statement in hand begins with */
	uint32_t last;  /* its last word so far that is no comment, + 1; 0: none */
	uint32_t level;
	bool *one_line; /* by level: the body that it is in */
	size_t nbodies, bodies_cap;
	bool closed_one_line; /* so was the body that was closed last */
} reader;

static const sg_piece *
last_piece(const reader *r)
{
	return r->f->npieces ? &r->f->piece[r->f->npieces - 1] : NULL;
}

static bool
in_one_line(const reader *r)
{
	return r->level > 0 && r->one_line[r->level - 1];
}

static bool
is_glued(const reader *r, sg_piece_kind kind, uint32_t first)
{
	const sg_piece *p = last_piece(r);

	if (!p || p->kind == SG_F_COMMENT || kind == SG_F_COMMENT || r->f->word[first].newlines > 0)
		return false;
	if (p->kind == SG_F_HEAD)
		return in_one_line(r);
	if (kind == SG_F_END)
		return r->closed_one_line;
	return p->kind != SG_F_END || r->closed_one_line;
}

static void
add_piece(reader *r, sg_piece_kind kind, uint32_t lo, uint32_t hi)
{
	sg_piece p = {.kind = (uint8_t)kind, .lo = lo, .hi = hi, .level = r->level};

	p.glued = is_glued(r, kind, lo);
	p.trails = kind == SG_F_COMMENT && r->f->word[lo].newlines == 0 && r->f->npieces > 0;
	SG_PUSH(r->f->ctx, r->f->piece, r->f->npieces, r->f->piece_cap, p);
}

/* The statement in hand, and comments behind it. */
static void
end_statement(reader *r, sg_piece_kind kind)
{
	sg_fmt *f = r->f;
	uint32_t hi = (uint32_t)f->nwords, end = hi;

	while (end > r->first && f->word[end - 1].role == SG_R_COMMENT)
		end--;
	if (end > r->first)
		add_piece(r, kind, r->first, end);
	for (; end < hi; end++)
		add_piece(r, SG_F_COMMENT, end, end + 1);
	r->first = hi;
	r->last = 0;
}

/* Is there neither newline nor comment between the brace at i and its match? */
static bool
is_one_line(const reader *r, size_t i)
{
	uint32_t depth = 0;

	for (;; i++) {
		const sg_token *t = &r->all.item[i];

		depth += t->kind == T_LBRACE;
		depth -= t->kind == T_RBRACE;
		if (depth == 0 || t->kind == T_EOF)
			return true;
		if (t->kind == T_COMMENT || (t->kind == T_END && r->f->src->text[t->lo] == '\n'))
			return false;
	}
}

static void
open_body(reader *r, size_t i)
{
	const bool one = is_one_line(r, i);

	end_statement(r, SG_F_HEAD);
	SG_PUSH(r->f->ctx, r->one_line, r->nbodies, r->bodies_cap, one);
	r->level++;
}

static void
close_body(reader *r)
{
	sg_fmt *f = r->f;
	uint32_t brace = (uint32_t)f->nwords - 1;

	f->nwords--;
	end_statement(r, SG_F_STATEMENT);
	f->nwords++;
	r->closed_one_line = in_one_line(r);
	r->level--;
	r->nbodies--;
	add_piece(r, SG_F_END, brace, brace + 1);
	r->first = (uint32_t)f->nwords;
	r->last = 0;
}

/* Statement words are no operands: "output -x" has a sign. */
static void
mark_keyword(reader *r)
{
	sg_fmt *f = r->f;
	const sg_token_kind next = r->kept.item[r->k].kind;
	sg_word *w = &f->word[f->nwords - 1];

	if (w->t.kind == T_NAME && sg_is_statement_word(w->t.name) && next != T_ASSIGN &&
	    next != T_COMMA)
		w->role = SG_R_WORD;
}

static void
take_word(reader *r, size_t i)
{
	sg_fmt *f = r->f;
	const sg_token t = r->all.item[i];
	const bool begins = r->last == 0;

	r->column += code_points(f->src->text + r->at, t.lo - r->at);
	r->at = t.lo;
	add_word(f, t, begins ? NULL : &f->word[r->last - 1], r->newlines, r->column);
	r->newlines = 0;
	if (t.kind != T_COMMENT)
		r->last = (uint32_t)f->nwords;
	if (begins && t.kind != T_COMMENT)
		mark_keyword(r);
	if (begins && t.kind == T_COMMENT)
		end_statement(r, SG_F_STATEMENT);
	else if (t.kind == T_LBRACE)
		open_body(r, i);
	else if (t.kind == T_RBRACE)
		close_body(r);
}

static void
read_pieces(reader *r)
{
	for (size_t i = 0; i < r->all.n; i++) {
		const sg_token *t = &r->all.item[i];
		const bool kept = t->kind != T_COMMENT && r->kept.item[r->k].lo == t->lo;
		const bool ends = kept && r->kept.item[r->k].kind == T_END;

		r->k += kept;
		if (ends || t->kind == T_EOF)
			end_statement(r, SG_F_STATEMENT);
		if (t->kind == T_END) {
			r->newlines++;
			r->at = t->hi;
			r->column = 0;
		} else if (!ends && t->kind != T_EOF) {
			take_word(r, i);
		}
	}
}

/* ---- the check ---- */

/* Does a T_END here mean nothing? */
static bool
is_idle_end(const sg_tokens *t, size_t i)
{
	size_t next = i;

	if (t->item[i].kind != T_END)
		return false;
	while (t->item[next].kind == T_END)
		next++;
	return i == 0 || t->item[i - 1].kind == T_END || t->item[i - 1].kind == T_LBRACE ||
	       t->item[next].kind == T_RBRACE || t->item[next].kind == T_EOF;
}

static size_t
skip_idle(const sg_tokens *t, size_t i)
{
	if (is_idle_end(t, i))
		while (t->item[i].kind == T_END)
			i++;
	return i;
}

static bool
same_text(const sg_source *a, const sg_token *x, const sg_source *b, const sg_token *y)
{
	const uint32_t n = x->hi - x->lo;

	return x->kind == y->kind &&
	       (x->kind == T_END ||
	        (n == y->hi - y->lo && memcmp(a->text + x->lo, b->text + y->lo, n) == 0));
}

static bool
same_tokens(sg_ctx *ctx, const sg_source *a, const sg_source *b)
{
	const sg_tokens x = sg_lex(ctx, a), y = sg_lex(ctx, b);
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		i = skip_idle(&x, i);
		k = skip_idle(&y, k);
		if (!same_text(a, &x.item[i], b, &y.item[k]))
			return false;
		if (x.item[i].kind == T_EOF)
			return true;
	}
}

static bool
next_comment(const sg_source *src, const sg_tokens *t, size_t *i, sg_token *c)
{
	for (; *i < t->n; (*i)++) {
		if (t->item[*i].kind == T_COMMENT) {
			*c = t->item[(*i)++];
			c->hi = comment_end(src, c);
			return true;
		}
	}
	return false;
}

static bool
same_comments(sg_ctx *ctx, const sg_source *a, const sg_source *b)
{
	const sg_tokens x = sg_lex_written(ctx, a), y = sg_lex_written(ctx, b);
	size_t i = 0, k = 0;
	sg_token c, d;

	for (;;) {
		const bool more = next_comment(a, &x, &i, &c);

		if (more != next_comment(b, &y, &k, &d))
			return false;
		if (!more)
			return true;
		if (!same_text(a, &c, b, &d))
			return false;
	}
}

/* ---- all of it ---- */

const char *
sg_format_text(sg_ctx *ctx, const sg_source *src)
{
	sg_fmt f = {.ctx = ctx, .src = src};
	reader r = {.f = &f};
	const size_t errors = sg_error_count(ctx);
	const sg_source *result;
	const char *text;

	sg_parse(ctx, src);
	if (sg_error_count(ctx) > errors)
		return NULL;
	r.all = sg_lex_written(ctx, src);
	r.kept = sg_lex(ctx, src);
	read_pieces(&r);
	for (size_t i = 0; i < f.npieces; i++)
		sg_fmt_space(&f, &f.piece[i]);
	text = sg_fmt_lines(&f);
	result = sg_source_text(ctx, src->name, text, strlen(text));
	sg_need(ctx, same_tokens(ctx, src, result), "formatting changed a token");
	sg_need(ctx, same_comments(ctx, src, result), "formatting changed a comment");
	return text;
}
