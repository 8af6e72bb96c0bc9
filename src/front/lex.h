/* lex.h - words of a .sg text; for the parser alone.
 *
 * sg_lex gives all tokens of a source at once, after layout: T_END ends a statement (a newline that
 * counts, or ';' outside brackets), newlines that do not count are gone, each opening bracket knows
 * the one that closes it. Errors are recorded; what stood there becomes the token that was probably
 * meant, or T_BAD, about which the parser says nothing more. */
#ifndef SG_FRONT_LEX_H
#define SG_FRONT_LEX_H

#include "base/base.h"

/* TOKEN(name, spelling): as it is quoted in messages; NULL when it has none of its own. */
#define SG_TOKENS(TOKEN)                                                                           \
	TOKEN(EOF, NULL)                                                                           \
	TOKEN(END, NULL)                                                                           \
	TOKEN(BAD, NULL)                                                                           \
	TOKEN(FAILED, NULL)                                                                        \
	TOKEN(COMMENT, NULL)                                                                       \
	TOKEN(NAME, NULL)                                                                          \
	TOKEN(INT, NULL)                                                                           \
	TOKEN(FLOAT, NULL)                                                                         \
	TOKEN(STRING, NULL)                                                                        \
	TOKEN(AS, "as")                                                                            \
	TOKEN(WRT, "wrt")                                                                          \
	TOKEN(IF, "if")                                                                            \
	TOKEN(THEN, "then")                                                                        \
	TOKEN(ELSE, "else")                                                                        \
	TOKEN(AND, "and")                                                                          \
	TOKEN(OR, "or")                                                                            \
	TOKEN(NOT, "not")                                                                          \
	TOKEN(FOR, "for")                                                                          \
	TOKEN(IN, "in")                                                                            \
	TOKEN(TRUE, "true")                                                                        \
	TOKEN(FALSE, "false")                                                                      \
	TOKEN(INF, "inf")                                                                          \
	TOKEN(NAN, "nan")                                                                          \
	TOKEN(PI, "pi")                                                                            \
	TOKEN(NONE, "none")                                                                        \
	TOKEN(LPAREN, "(")                                                                         \
	TOKEN(RPAREN, ")")                                                                         \
	TOKEN(LSQUARE, "[")                                                                        \
	TOKEN(RSQUARE, "]")                                                                        \
	TOKEN(LBRACE, "{")                                                                         \
	TOKEN(RBRACE, "}")                                                                         \
	TOKEN(COMMA, ",")                                                                          \
	TOKEN(SEMI, ";")                                                                           \
	TOKEN(COLON, ":")                                                                          \
	TOKEN(DOT, ".")                                                                            \
	TOKEN(RANGE, "..")                                                                         \
	TOKEN(ELLIPSIS, "...")                                                                     \
	TOKEN(ASSIGN, "=")                                                                         \
	TOKEN(ARROW, "->")                                                                         \
	TOKEN(PLUS, "+")                                                                           \
	TOKEN(MINUS, "-")                                                                          \
	TOKEN(STAR, "*")                                                                           \
	TOKEN(POW, "**")                                                                           \
	TOKEN(SLASH, "/")                                                                          \
	TOKEN(FLOORDIV, "//")                                                                      \
	TOKEN(PERCENT, "%")                                                                        \
	TOKEN(AT, "@")                                                                             \
	TOKEN(LT, "<")                                                                             \
	TOKEN(LE, "<=")                                                                            \
	TOKEN(GT, ">")                                                                             \
	TOKEN(GE, ">=")                                                                            \
	TOKEN(EQ, "==")                                                                            \
	TOKEN(NE, "!=")

typedef enum sg_token_kind {
#define SG_TOKEN_ENUM(name, spelling) T_##name,
	SG_TOKENS(SG_TOKEN_ENUM)
#undef SG_TOKEN_ENUM
	T_COUNT,
	T_FIRST_WORD = T_AS,
	T_LAST_WORD = T_NONE,
} sg_token_kind;

typedef struct sg_token {
	sg_token_kind kind;
	uint32_t lo, hi; /* bytes of the source */
	bool wrong;      /* a number that is none: the lexer spoke about it */
	union {
		const char *name; /* NAME, STRING (without quotes): interned */
		int64_t i;        /* INT */
		double f;         /* FLOAT */
		uint32_t match;   /* opening brackets: index of the closing one; 0: it has none */
	};
} sg_token;

typedef struct sg_tokens {
	sg_token *item; /* the last is T_EOF */
	size_t n, cap;
} sg_tokens;

sg_tokens sg_lex(sg_ctx *ctx, const sg_source *src);
/* Those in the bytes [lo, hi). */
sg_tokens sg_lex_part(sg_ctx *ctx, const sg_source *src, size_t lo, size_t hi);
/* All that is written, before layout: with T_COMMENT, and T_END for every newline. */
sg_tokens sg_lex_written(sg_ctx *ctx, const sg_source *src);

/* Drops the newlines that do not count and matches brackets, in place. */
void sg_lex_layout(sg_ctx *ctx, sg_tokens *t);

/* How messages call it: "'x'", "the end of the line", ... */
const char *sg_token_text(sg_ctx *ctx, const sg_source *src, const sg_token *t);
const char *sg_token_spelling(sg_token_kind kind); /* NULL when it has none */

/* The words that begin statements. */
const char *const *sg_statement_words(size_t *n);
bool sg_is_statement_word(const char *s);

#endif
