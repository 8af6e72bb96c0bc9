/* guard.h - under which conditions the value of a node is needed (guard.c). */
#ifndef SG_GUARD_H
#define SG_GUARD_H

#include "rules/rules.h"

/* A set: those of `up`, which have lower numbers, and: the bool scalar `cond` is `side`. Guard 0:
 * always. */
typedef struct sg_guard {
	uint32_t up;
	sg_ref cond;
	bool side;
} sg_guard;

typedef struct sg_guards {
	sg_guard *at;
	size_t n, cap;
	uint32_t *of; /* by node: the guard under which it is needed */
	uint32_t (
	    *side)[2];  /* by node: of a SELECT that is a branch, the guards of its second operand
	                 * and its third; of an AND, that of the operand that waits. {0, 0}: none */
	uint8_t *known; /* by node: of a SELECT whose guard says which operand it is: 1 or 2 */
	bool *live;     /* by node: is it needed at all? */
	bool *is_cond;  /* by node: does some guard name it? */
	sg_ref *order;  /* the live nodes, conditions before what they guard */
	size_t norder;
} sg_guards;

/* NULL: nothing in the graph waits for a condition. counts: by node, which conditions count; NULL:
 * all do. Bodies of loops are left out: each is a graph of its own once it is cut. */
sg_guards *sg_guards_find(sg_ctx *ctx, const sg_graph *g, size_t nroots, const sg_ref *root,
                          const bool *counts);
/* Does `inner` say all that `outer` says? */
bool sg_guard_within(const sg_guards *w, uint32_t inner, uint32_t outer);
/* The operand that decides whether the other of an AND is looked at: the first, or what is rare. */
uint32_t sg_and_test(const sg_graph *g, sg_ref r);
/* The node, a bool scalar, that r is everywhere, seen through movement; 0: it is not known to be
 * the same everywhere. */
sg_ref sg_same_everywhere(const sg_graph *g, sg_ref r);

#endif
