/* body.h - a part of a graph as a graph of its own: the body of a loop, or an entry. */
#ifndef SG_BODY_H
#define SG_BODY_H

#include "back/back.h"

typedef struct sg_body {
	sg_graph *g;    /* has no table: its nodes are not consed */
	sg_ref *root;   /* where the roots went */
	sg_ref *input;  /* the node that INPUT i stands for */
	size_t ninputs; /* params that are reached, in their order, then captures */
	size_t nparams; /* how many of them are params */
} sg_body;

typedef struct sg_cut {
	size_t nroots, nparams, ncaps;
	const sg_ref *root, *param, *cap; /* params and captures are where the copy ends */
	bool sink; /* movement ops over captures go along, so that what they move is captured */
} sg_cut;

/* Copies what the roots need. scratch: g->n words of zero, and zero again afterwards. Nothing is
 * written to the graph or its space; the copy is of ctx. */
sg_body *sg_body_cut(sg_ctx *ctx, const sg_graph *g, const sg_cut *cut, uint32_t *scratch);
/* A node that is appended to the copy. */
sg_ref sg_body_append(sg_ctx *ctx, sg_graph *g, const sg_node *n, const char *name, sg_span at);

#endif
