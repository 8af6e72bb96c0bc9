/* share.h - private to floor 4: what loops are compared by (share.c, share_number.c). */
#ifndef SG_PASS_SHARE_H
#define SG_PASS_SHARE_H

#include "pass/guard.h"
#include "pass/sweep.h"

typedef struct sg_context {
	const bool *live;
	const sg_guards *guards;
} sg_context;

typedef struct sg_contexts {
	sg_context *at;
	size_t n, cap;
} sg_contexts;

/* Loops whose bodies a loop is in: a step backward has the params of the step forward, and what is
 * made of these may be in both. n == 0: it is in none. */
typedef struct sg_bodies {
	sg_ref *loop;
	size_t n, cap;
} sg_bodies;

typedef struct sg_sharing {
	sg_ctx *ctx;
	const sg_program *p;
	const sg_graph *g;
	const bool *live;
	uint32_t *height; /* by node, of loops: 1 where no loop is inside */
	sg_bodies *in;    /* by node, of loops */
	uint64_t *param;  /* by node, of params: what they are called; else 0 */
	bool *single;     /* by node, of loops: it is like no other one */
	uint32_t *number; /* by node: equal where the values are */
	uint32_t count;
	sg_bytes_map *known, *begin;
	sg_bytes_map *
	    *outs; /* by loop, once they are asked for: places of what it stacks, by number */
	sg_contexts **contexts; /* by loop, once they are known; [0]: of loops in none */
	sg_ref *other;          /* by node, of loops: the one to be taken in its place; 0: itself */
	sg_ref *bare;   /* by node, of WHILEs: the condition without that of the branch it is in */
	bool *is_bared; /* by node, of WHILEs: it goes on by that alone */
} sg_sharing;

/* Numbers of all live nodes, and what is known of loops beside: height, in, single, param. */
void sg_share_number(sg_sharing *w);

static inline bool
sg_is_loop(uint16_t op)
{
	return op == SG_SCAN || op == SG_WHILE;
}

#endif
