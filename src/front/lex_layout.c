/* lex_layout.c - which newlines end a statement, and which brackets belong together.
 *
 * One walk over the tokens with a stack of open brackets. A newline counts when the innermost
 * bracket is '{' or there is none, unless the line can't end here (after a binary operator, ',',
 * '=',
 * '->', 'then', 'else', 'as', 'wrt') or the next begins with 'then' or 'else'.
 *
 * A bracket that was forgotten would swallow the rest of the file. So a line that can't go on
 * inside a bracket - one that begins like a statement - ends all open ( and [; they keep no match,
 * and the parser reports the first. */
#include "front/lex.h"

/* An open bracket, and how many ( and [ were open since the last '{' before it came. */
typedef struct open_bracket {
	uint32_t at; /* index in the tokens that are kept */
	sg_token_kind kind;
	size_t parens, squares;
} open_bracket;

typedef struct layout {
	sg_ctx *ctx;
	sg_token *t;
	size_t kept;
	open_bracket *open;
	size_t nopen, open_cap;
	size_t parens, squares; /* open since the last '{' */
	size_t line;            /* byte where the line of the token in hand begins */
	size_t indent;          /* column of the first token of the statement in hand */
} layout;

static bool
in_brackets(const layout *l)
{
	return l->nopen > 0 && l->open[l->nopen - 1].kind != T_LBRACE;
}

static void
push(layout *l, sg_token_kind kind)
{
	open_bracket b = {(uint32_t)l->kept, kind, l->parens, l->squares};

	SG_PUSH(l->ctx, l->open, l->nopen, l->open_cap, b);
	l->parens += kind == T_LPAREN;
	l->squares += kind == T_LSQUARE;
	if (kind == T_LBRACE)
		l->parens = l->squares = 0;
}

static open_bracket
pop(layout *l)
{
	open_bracket b = l->open[--l->nopen];

	l->parens = b.parens;
	l->squares = b.squares;
	return b;
}

/* A closing bracket takes its opener, and leaves those in between without a match; when there is
 * no opener for it, it changes nothing. '}' closes all up to its '{'; no other closes a '{'. */
static void
close_bracket(layout *l, sg_token_kind opener)
{
	if ((opener == T_LPAREN && l->parens == 0) || (opener == T_LSQUARE && l->squares == 0))
		return;
	while (l->nopen > 0) {
		open_bracket b = pop(l);

		if (b.kind == opener) {
			l->t[b.at].match = (uint32_t)l->kept;
			return;
		}
	}
}

/* No statement ends behind these. */
static bool
goes_on(sg_token_kind k)
{
	return (k >= T_PLUS && k <= T_NE) || k == T_COMMA || k == T_ASSIGN || k == T_ARROW ||
	       k == T_THEN || k == T_ELSE || k == T_AS || k == T_WRT || k == T_AND || k == T_OR;
}

static bool
ends_operand(sg_token_kind k)
{
	return k == T_BAD || (k >= T_NAME && k <= T_STRING) || (k >= T_TRUE && k <= T_NONE) ||
	       k == T_RPAREN || k == T_RSQUARE || k == T_RBRACE;
}

/* Within ( or [: does the line at token i begin a statement? "output x" can stand nowhere else; a
 * name with '=' could be an argument, but not behind an operand, and not that far to the left. */
static bool
begins_statement(const layout *l, const sg_token *next)
{
	if (next->kind != T_NAME)
		return false;
	if (next[1].kind == T_NAME && sg_is_statement_word(next->name))
		return true;
	return next[1].kind == T_ASSIGN && next->lo - l->line <= l->indent &&
	       ends_operand(l->t[l->kept - 1].kind);
}

/* Does the newline in front of token next count? */
static bool
newline_counts(layout *l, const sg_token *next)
{
	sg_token_kind last;

	if (l->kept == 0)
		return false;
	last = l->t[l->kept - 1].kind;
	if (in_brackets(l)) {
		if (!begins_statement(l, next))
			return false;
		while (in_brackets(l))
			pop(l);
		return true;
	}
	return last != T_END && last != T_LBRACE && !goes_on(last) && next->kind != T_THEN &&
	       next->kind != T_ELSE;
}

static void
keep(layout *l, sg_token t)
{
	if (l->kept == 0 || l->t[l->kept - 1].kind == T_END || l->t[l->kept - 1].kind == T_LBRACE)
		l->indent = t.lo - l->line;
	l->t[l->kept++] = t;
}

static void
take(layout *l, sg_token t)
{
	switch ((int)t.kind) {
	case T_LPAREN:
	case T_LSQUARE:
	case T_LBRACE:
		push(l, t.kind);
		break;
	case T_RPAREN:
		close_bracket(l, T_LPAREN);
		break;
	case T_RSQUARE:
		close_bracket(l, T_LSQUARE);
		break;
	case T_RBRACE:
		close_bracket(l, T_LBRACE);
		break;
	case T_SEMI:
		if (!in_brackets(l))
			t.kind = T_END;
		break;
	default:
		break;
	}
	keep(l, t);
}

void
sg_lex_layout(sg_ctx *ctx, sg_tokens *tokens)
{
	layout l = {.ctx = ctx, .t = tokens->item};

	for (size_t i = 0; i < tokens->n; i++) {
		sg_token t = tokens->item[i];

		if (t.kind != T_END) {
			take(&l, t);
			continue;
		}
		while (tokens->item[i + 1].kind == T_END) /* T_EOF is the last */
			i++;
		l.line = tokens->item[i].hi;
		if (newline_counts(&l, &tokens->item[i + 1]))
			keep(&l, t);
	}
	tokens->n = l.kept;
}
