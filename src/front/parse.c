/* parse.c - the parser's hands: tokens, errors, and where to go on after one. */
#include "front/parse.h"

#include <stdarg.h>
#include <string.h>

/* ---- tokens ---- */

const sg_token *
sg_advance(sg_parser *p)
{
	const sg_token *t = sg_cur(p);

	if (!p->failed && t->kind != T_EOF)
		p->at++;
	return t;
}

bool
sg_accept(sg_parser *p, sg_token_kind kind)
{
	if (!sg_is(p, kind))
		return false;
	sg_advance(p);
	return true;
}

bool
sg_at_end(const sg_parser *p)
{
	sg_token_kind k = sg_cur(p)->kind;

	return k == T_END || k == T_EOF || k == T_RBRACE || k == T_FAILED;
}

sg_span
sg_token_span(const sg_parser *p, const sg_token *t)
{
	return (sg_span){p->src, t->lo, t->hi};
}

sg_span
sg_span_since(const sg_parser *p, uint32_t lo)
{
	uint32_t hi = p->at ? p->tokens.item[p->at - 1].hi : lo;

	return (sg_span){p->src, lo, hi > lo ? hi : lo};
}

/* ---- errors ---- */

static sg_diag *
dropped(sg_parser *p)
{
	return SG_NEW(p->ctx, sg_diag);
}

sg_diag *
sg_fail(sg_parser *p, sg_span at, const char *code, const char *fmt, ...)
{
	/* the lexer spoke about these */
	bool told = p->failed || sg_is(p, T_BAD) || sg_cur(p)->wrong;
	sg_buf b;
	va_list ap;

	p->failed = true;
	if (told)
		return dropped(p);
	sg_buf_init(&b, p->ctx);
	va_start(ap, fmt);
	sg_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return sg_error(p->ctx, at, code, "%s", sg_buf_text(&b));
}

/* The token in hand; where a line or the file ends, the place behind the last token. */
static sg_span
place(const sg_parser *p)
{
	const sg_token *t = sg_cur(p);

	if ((t->kind == T_END || t->kind == T_EOF) && p->at > 0) {
		uint32_t hi = p->tokens.item[p->at - 1].hi;

		return (sg_span){p->src, hi, hi};
	}
	return sg_token_span(p, t);
}

static bool
on_this_statement(const sg_parser *p, sg_token_kind kind)
{
	for (size_t i = p->at; i > 0 && p->tokens.item[i - 1].kind != T_END && p->at - i < 1000;
	     i--)
		if (p->tokens.item[i - 1].kind == kind)
			return true;
	return false;
}

/* What people write by mistake, by the token found where none like it can stand. */
static void
hint_at_slip(sg_parser *p, sg_diag *d, const sg_token *found, bool after_operand)
{
	switch ((int)found->kind) {
	case T_ASSIGN:
		sg_add_hint(p->ctx, d, "'==' compares; '=' only binds a name");
		break;
	case T_ARROW:
		sg_add_hint(p->ctx, d,
		            "a function's parameters stand in parentheses: '(x) -> x*x'");
		break;
	case T_IF:
		if (after_operand)
			sg_add_hint(p->ctx, d, "a conditional is 'if c then a else b'");
		break;
	case T_LBRACE:
		sg_add_hint(p->ctx, d, "'{' opens the body of a 'def', on the same line");
		break;
	case T_DOT:
		sg_add_hint(p->ctx, d, "the only member is the transpose, 'x.T'");
		break;
	case T_NAME:
		if (after_operand && on_this_statement(p, T_FLOORDIV))
			sg_add_hint(p->ctx, d, "'//' is floor division; a comment begins with '#'");
		break;
	case T_FLOORDIV:
		if (!after_operand)
			sg_add_hint(p->ctx, d, "a comment begins with '#'");
		break;
	default:
		break;
	}
}

static bool
is_operand_end(sg_token_kind k)
{
	return (k >= T_NAME && k <= T_STRING) || (k >= T_TRUE && k <= T_NONE) || k == T_RPAREN ||
	       k == T_RSQUARE;
}

sg_diag *
sg_fail_expected(sg_parser *p, const char *what)
{
	const sg_token *t = sg_cur(p);
	bool after = p->at > 0 && is_operand_end(p->tokens.item[p->at - 1].kind);
	sg_diag *d;

	if (p->failed)
		return dropped(p);
	d = sg_fail(p, place(p), "syntax", "expected %s, found %s", what,
	            sg_token_text(p->ctx, p->src, t));
	hint_at_slip(p, d, t, after);
	return d;
}

bool
sg_expect(sg_parser *p, sg_token_kind kind)
{
	if (sg_accept(p, kind))
		return true;
	sg_fail_expected(p, sg_text(p->ctx, "'%s'", sg_token_spelling(kind)));
	return false;
}

void
sg_expect_close(sg_parser *p, sg_token_kind kind, const sg_token *opener, bool may_list)
{
	const sg_token *t = sg_cur(p);
	bool after = p->at > 0 && is_operand_end(p->tokens.item[p->at - 1].kind);
	const char *want = sg_token_spelling(kind);
	sg_diag *d;

	if (sg_accept(p, kind) || p->failed)
		return;
	d = sg_fail(p, place(p), "bracket", "expected %s'%s', found %s", may_list ? "',' or " : "",
	            want, sg_token_text(p->ctx, p->src, t));
	sg_add_note(p->ctx, d, sg_token_span(p, opener), "to close this '%s'",
	            sg_token_spelling(opener->kind));
	hint_at_slip(p, d, t, after);
}

const char *
sg_expect_name(sg_parser *p, const char *what, sg_span *at)
{
	const sg_token *t = sg_cur(p);

	*at = sg_token_span(p, t);
	if (sg_accept(p, T_NAME))
		return t->name;
	if (t->kind >= T_FIRST_WORD && t->kind <= T_LAST_WORD)
		sg_fail(p, *at, "reserved-word", "'%s' is a reserved word and can't be %s",
		        sg_token_spelling(t->kind), what);
	else
		sg_fail_expected(p, what);
	return sg_intern_z(p->ctx, "_");
}

bool
sg_may_nest(sg_parser *p)
{
	if (p->failed)
		return false;
	if (sg_stack_left(p->ctx))
		return true;
	sg_fail(p, place(p), "nested-too-deeply", "this is nested too deeply");
	return false;
}

static bool
is_opener(sg_token_kind k)
{
	return k == T_LPAREN || k == T_LSQUARE || k == T_LBRACE;
}

/* Brackets that have their match are skipped whole, bodies of functions with them; a '{' on the
 * next line is the body of a 'def' whose head failed for want of it. */
void
sg_parse_resume(sg_parser *p)
{
	p->failed = false;
	while (!sg_at_end(p) || (sg_is(p, T_RBRACE) && p->blocks == 0)) {
		const sg_token *t = sg_cur(p);

		if (is_opener(t->kind) && t->match)
			p->at = t->match;
		p->at++;
	}
	if (sg_is(p, T_END) && sg_after(p) == T_LBRACE) {
		p->at++;
		sg_parse_resume(p);
	}
}

/* ---- entry ---- */

static sg_parser
new_parser(sg_ctx *ctx, const sg_source *src, sg_tokens tokens)
{
	return (sg_parser){.ctx = ctx, .src = src, .tokens = tokens, .failure = {.kind = T_FAILED}};
}

sg_stmt *
sg_parse(sg_ctx *ctx, const sg_source *src)
{
	sg_parser p = new_parser(ctx, src, sg_lex(ctx, src));

	return sg_parse_block(&p, NULL);
}

sg_stmt *
sg_parse_part(sg_ctx *ctx, const sg_source *src, size_t lo, size_t hi)
{
	sg_parser p = new_parser(ctx, src, sg_lex_part(ctx, src, lo, hi));

	return sg_parse_block(&p, NULL);
}

sg_ast *
sg_parse_expr(sg_ctx *ctx, const sg_source *src)
{
	size_t errors = sg_error_count(ctx);
	sg_parser p = new_parser(ctx, src, sg_lex(ctx, src));
	sg_ast *x;

	while (sg_accept(&p, T_END))
		;
	x = sg_parse_value(&p);
	while (sg_accept(&p, T_END))
		;
	if (!sg_is(&p, T_EOF))
		sg_fail_expected(&p, "the end of the expression");
	return sg_error_count(ctx) > errors ? NULL : x;
}
