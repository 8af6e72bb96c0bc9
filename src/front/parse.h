/* parse.h - what parse.c, parse_expr.c and parse_stmt.c share.
 *
 * The first error of a statement puts the parser into a failed state: sg_cur then gives T_FAILED,
 * nothing moves, all productions fall through with harmless trees, and further errors of the
 * statement are dropped. sg_parse_resume goes on behind the statement. So no production tests what
 * it got, and one slip gives one message. */
#ifndef SG_FRONT_PARSE_H
#define SG_FRONT_PARSE_H

#include "front/ast.h"
#include "front/lex.h"

typedef struct sg_parser {
	sg_ctx *ctx;
	const sg_source *src;
	sg_tokens tokens;
	size_t at; /* the token in hand */
	bool failed;
	sg_token failure; /* what sg_cur gives then */
	size_t blocks;    /* function bodies that we are in */
} sg_parser;

/* A growing list of trees. */
typedef struct sg_trees {
	sg_ast **item;
	size_t n, cap;
} sg_trees;

/* ---- tokens ---- */

static inline const sg_token *
sg_cur(const sg_parser *p)
{
	return p->failed ? &p->failure : &p->tokens.item[p->at];
}

static inline bool
sg_is(const sg_parser *p, sg_token_kind kind)
{
	return sg_cur(p)->kind == kind;
}

/* The kind of the token after the next. */
static inline sg_token_kind
sg_after(const sg_parser *p)
{
	return p->failed || p->at + 1 >= p->tokens.n ? T_EOF : p->tokens.item[p->at + 1].kind;
}

const sg_token *sg_advance(sg_parser *p);         /* the token that was in hand */
bool sg_accept(sg_parser *p, sg_token_kind kind); /* takes it if it is there */
bool sg_expect(sg_parser *p, sg_token_kind kind); /* an error if not */
/* The closing bracket of opener; an error with a note at the opener if not. may_list: a comma
 * could stand here too. */
void sg_expect_close(sg_parser *p, sg_token_kind kind, const sg_token *opener, bool may_list);
const char *sg_expect_name(sg_parser *p, const char *what, sg_span *at); /* never NULL */
bool sg_at_end(const sg_parser *p);                                      /* of a statement */

sg_span sg_token_span(const sg_parser *p, const sg_token *t);
sg_span sg_span_since(const sg_parser *p, uint32_t lo); /* up to the last token taken */

/* ---- errors ---- */

/* One error per statement; the diagnostic returned takes hints, even if it is dropped. */
sg_diag *sg_fail(sg_parser *p, sg_span at, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* "expected WHAT, found ...", at the token in hand, with a hint for the usual slips. */
sg_diag *sg_fail_expected(sg_parser *p, const char *what);
/* False, with an error, where the stack ends. */
bool sg_may_nest(sg_parser *p);
/* Skips what is left of a statement, and leaves the failed state. */
void sg_parse_resume(sg_parser *p);

/* ---- productions ---- */

sg_ast *sg_parse_value(sg_parser *p); /* an expression */
/* Expressions with commas between, up to a `close` that is not taken. */
void sg_parse_list(sg_parser *p, sg_trees *list, sg_token_kind close);
void sg_parse_params(sg_parser *p, sg_ast_param **param, size_t *nparams, sg_token_kind stop);
/* The statements of a file (opener NULL), or of a function's body up to its '}', which is not
 * taken. */
sg_stmt *sg_parse_block(sg_parser *p, const sg_token *opener);

#endif
