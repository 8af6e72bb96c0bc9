/* sg_text.h - private to floor 5: how a graph is written as .sg text and as LaTeX.
 *
 * First a plan (sg_plan.c) says which nodes get names and statements of their own; every other node
 * is written in place by its one user, so recursion is as deep as an expression, which the plan
 * bounds. Writers put the text of a node at the end of the buffer and return its precedence; who
 * asked puts parentheses around it where that is too loose. The text keeps the graph's own order of
 * operations; at most commuting operands change places and signs move, which changes no bit. */
#ifndef SG_BACK_SG_TEXT_H
#define SG_BACK_SG_TEXT_H

#include "back/body.h"

/* Precedence of what was written. FLOOR is `//` and `%`, MATMUL is `@`: as tight as `*`, but not to
 * be mixed with it or with a sign without parentheses. */
typedef enum {
	SG_P_ANY,
	SG_P_OR,
	SG_P_AND,
	SG_P_NOT,
	SG_P_CMP,
	SG_P_ADD,
	SG_P_FLOOR,
	SG_P_MATMUL,
	SG_P_MUL,
	SG_P_UNARY,
	SG_P_POW,
	SG_P_POSTFIX,
} sg_prec;

typedef struct sg_plan_options {
	bool user_names;  /* what the user named is a statement of its own */
	uint32_t small;   /* shared expressions of at most so many parts are written again */
	uint32_t largest; /* no expression gets larger */
} sg_plan_options;

typedef struct sg_text_writer {
	sg_ctx *ctx;
	sg_space *sp;
	const sg_program *p;
	const sg_graph *g;
	sg_buf *b;
	const char **name;   /* by node; NULL: written in place */
	struct sg_loop_text **loop; /* by node: a loop that is written; NULL: there is none */
	const sg_plan_options *options; /* of the last plan */
	sg_bytes_map *taken; /* names: to the number that the next name made of it gets */
	unsigned long next_t;
} sg_text_writer;

/* ---- plan ---- */

/* A loop is two statements: the def of its step, and its call, whose targets are its PICKs. */
typedef struct sg_loop_text {
	sg_loop l;
	uint32_t nresults;
	sg_ref *pick; /* by result; 0: it is not read */
	const sg_body *step, *cond; /* step: the next carries, then the outs that are read */
	size_t nroots;
} sg_loop_text;

/* Names for the nodes that roots need; those that have one already keep it. `forced`: nodes that
 * must have a statement whatever they are. */
void sg_plan(sg_text_writer *w, size_t nroots, const sg_ref *roots, const sg_plan_options *o);
/* The nodes that are written, bodies of loops left out. */
bool *sg_text_live(const sg_text_writer *w, size_t nroots, const sg_ref *roots);
void sg_text_writer_init(sg_text_writer *w, sg_ctx *ctx, const sg_program *p, sg_buf *b);
/* base, or base_2 ...: a name that nothing has yet. NULL base: t1, t2 ... */
const char *sg_fresh_name(sg_text_writer *w, const char *base);
bool sg_name_free(const sg_text_writer *w, const char *name);

/* ---- loops (sg_loop.c) ---- */

/* The loops that are written, by uses; what they read from around has a name then. */
void sg_plan_loop_texts(sg_text_writer *w, const uint8_t *uses);
void sg_put_loop(sg_text_writer *w, sg_ref r, const char *indent);
/* For other texts: the names of the params, writers of the step and of a WHILE's condition. */
void sg_open_loop(sg_text_writer *w, sg_ref r, const char ***param, sg_text_writer *step,
                  sg_text_writer *cond);

/* ---- statements (sg_text.c) ---- */

void sg_put_statements(sg_text_writer *w, size_t nroots, const sg_ref *roots, const char *indent);
void sg_end_line(sg_text_writer *w, size_t at); /* broken where it is long */

/* ---- text (sg_expr.c, sg_struct.c) ---- */

/* Writes the node in place or by name, in parentheses if it is looser than min. */
void sg_put(sg_text_writer *w, sg_ref r, sg_prec min);
/* Writes what the node is, its own name aside. */
sg_prec sg_put_body(sg_text_writer *w, sg_ref r);
/* A constant that has its type by itself. */
sg_prec sg_put_const(sg_text_writer *w, sg_type t, const sg_shape *s, int64_t word);
/* One number. weak: the other operand gives the type. */
sg_prec sg_put_number(sg_text_writer *w, sg_type t, int64_t word, bool weak);
sg_prec sg_put_extent(sg_text_writer *w, sg_ext e);
sg_prec sg_put_struct(sg_text_writer *w, sg_ref r);
/* Is operand k of n part of the text? Not the factors of a matrix, nor what an inverse is solved for. */
bool sg_is_written(const sg_text_writer *w, const sg_node *n, uint32_t k);
sg_prec sg_put_reduce(sg_text_writer *w, sg_ref r, const char *name); /* by the name given */
sg_prec sg_put_move(sg_text_writer *w, sg_ref r);
/* What stands from `at` on, tight enough for a postfix, with its axes permuted, or reshaped. */
void sg_wrap_transpose(sg_text_writer *w, size_t at, uint32_t n, const int64_t *perm);
void sg_wrap_reshape(sg_text_writer *w, size_t at, uint32_t n, const sg_ext *ext);
void sg_put_colons(sg_text_writer *w, uint32_t n); /* ":, " n times */
void sg_put_shape(sg_text_writer *w, uint32_t rank, const sg_ext *ext);
/* x[..., none, ...]: axes of extent 1 put in. map[i]: where axis i of the text's value comes to
 * lie. */
void sg_put_new_axes(sg_text_writer *w, sg_ref r, uint32_t first, uint32_t rank, uint32_t n,
                     const int64_t *map);
/* Is `to` the shape `from` with axes of extent 1 put in? Where the axes of `from` come to lie. */
bool sg_inserts_ones(const sg_text_writer *w, const sg_shape *from, const sg_shape *to,
                     int64_t *map);
/* Text put in front of what stands at `at`. */
void sg_insert(sg_text_writer *w, size_t at, const char *s);
/* What stands in the last, unfinished line of the text, taken off it. */
const char *sg_take_line(sg_buf *b);
/* Parentheses around what stands from `at` on, if it is looser than min. */
void sg_parens(sg_text_writer *w, size_t at, sg_prec is, sg_prec min);

static inline bool
sg_inline(const sg_text_writer *w, sg_ref r)
{
	return !w->name[r];
}

/* "ij,jk->ik" of a contraction, with this arrow, and the operands in that order. */
void sg_put_einsum_labels(sg_text_writer *w, sg_ref r, const char *arrow, sg_ref arg[2]);
/* Is the contraction the matrix product left @ right, with .T where told? */
bool sg_contract_as_matmul(const sg_text_writer *w, sg_ref r, sg_ref *left, sg_ref *right, bool *lt,
                           bool *rt);

#endif
