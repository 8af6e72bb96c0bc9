/* fmt.h - private to the formatter.
 *
 * A text is taken apart into words (tokens and comments) and pieces (statements, heads and ends of
 * bodies, comments between statements). What is said about a piece - spaces between its words,
 * which piece shares a line with the one before, where '=' stands - follows from its words and from
 * the line breaks that the text has; breaks that are added leave all of that as it is. So
 * formatting twice is formatting once.
 *
 * fmt.c        words and pieces from the text; the check that no token was lost
 * fmt_space.c  spaces within a piece
 * fmt_line.c   pieces as lines: breaks, indentation, columns */
#ifndef SG_FRONT_FMT_H
#define SG_FRONT_FMT_H

#include "front/lex.h"

enum { SG_FMT_COLUMNS = 100, SG_FMT_INDENT = 2 };

typedef enum {
	SG_R_OPERAND, /* a name, a literal */
	SG_R_WORD,    /* stands between spaces */
	SG_R_COMMENT,
	SG_R_OPEN, /* ( and [ */
	SG_R_CLOSE,
	SG_R_BRACE,
	SG_R_COMMA, /* ';' within brackets too */
	SG_R_COLON,
	SG_R_DOT,
	SG_R_RANGE,
	SG_R_ASSIGN,
	SG_R_ARROW,
	SG_R_SIGN, /* unary */
	SG_R_POWER,
	SG_R_TIMES, /* * / // % @ */
	SG_R_PLUS,  /* + - */
	SG_R_COMPARE,
	SG_R_LOGIC, /* and, or */
} sg_fmt_role;

typedef struct sg_word {
	sg_token t;
	uint8_t role;      /* sg_fmt_role */
	bool space;        /* one stands before it on a line */
	bool spaced;       /* an operator: between spaces */
	uint32_t newlines; /* before it, in the text */
	uint32_t column;   /* in the text, from 0 */
	uint32_t width;    /* in code points */
	uint32_t pad;      /* more spaces before it, to align */
	uint32_t depth;    /* brackets that it stands in */
	uint32_t inside;   /* the innermost of them: its word, + 1; 0: none */
	uint32_t match;    /* OPEN, CLOSE: the other one */
	uint32_t indent;   /* OPEN: of the line that it stands in */
} sg_word;

typedef enum {
	SG_F_STATEMENT,
	SG_F_HEAD, /* of a body, up to '{' */
	SG_F_END,  /* '}' */
	SG_F_COMMENT,
} sg_piece_kind;

typedef struct sg_piece {
	uint8_t kind;
	bool glued;      /* on one line with the piece before */
	bool trails;     /* COMMENT: behind the piece before */
	uint32_t lo, hi; /* words */
	uint32_t level;  /* braces that it stands in */
} sg_piece;

typedef struct sg_fmt {
	sg_ctx *ctx;
	const sg_source *src;
	sg_word *word;
	size_t nwords, word_cap;
	sg_piece *piece;
	size_t npieces, piece_cap;
} sg_fmt;

/* fmt_space.c; sets depth, inside, match, spaced and space of a piece's words */
void sg_fmt_space(sg_fmt *f, const sg_piece *p);
/* fmt_line.c: the text of all pieces */
const char *sg_fmt_lines(sg_fmt *f);

#endif
