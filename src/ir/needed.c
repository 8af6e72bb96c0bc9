/* needed.c - what some nodes need, in time of that alone: a program of many small entries is not
 * walked whole for each of them. */
#include "ir/ir.h"

#include <stdlib.h>

static int
by_number(const void *a, const void *b)
{
	const sg_ref x = *(const sg_ref *)a, y = *(const sg_ref *)b;

	return (x > y) - (x < y);
}

/* By a walk over all nodes, where that is a good part of them. */
static sg_needed
wide(const sg_graph *g, sg_ref start, size_t nroots, const sg_ref *roots)
{
	const bool *live = sg_graph_live(g, nroots, roots);
	sg_needed c = {.ref = SG_NEW_ARRAY(sg_space_ctx(g->sp), sg_ref, g->n)};

	for (sg_ref r = start; r < g->n; r++)
		if (live[r])
			c.ref[c.n++] = r;
	return c;
}

sg_needed
sg_graph_needed(const sg_graph *g, sg_ref start, size_t nroots, const sg_ref *roots)
{
	sg_ctx *ctx = sg_space_ctx(g->sp);
	uint32_t now, *met = sg_graph_mark(g, &now);
	sg_needed c = {.n = 0};
	size_t cap = 0;

	for (size_t i = 0; i < nroots; i++)
		if (roots[i] && roots[i] >= start && met[roots[i]] < now) {
			met[roots[i]] = now;
			SG_PUSH(ctx, c.ref, c.n, cap, roots[i]);
		}
	for (size_t at = 0; at < c.n; at++) {
		const sg_node *n = &g->node[c.ref[at]];

		if (c.n > g->n / 16)
			return wide(g, start, nroots, roots);
		for (uint32_t k = 0; k < n->nargs; k++)
			if (n->args[k] >= start && met[n->args[k]] < now) {
				met[n->args[k]] = now;
				SG_PUSH(ctx, c.ref, c.n, cap, n->args[k]);
			}
	}
	if (c.n)
		qsort(c.ref, c.n, sizeof *c.ref, by_number);
	return c;
}

/* Its number in the part. */
static sg_ref
moved(const sg_needed *c, sg_ref r)
{
	const sg_ref *at = bsearch(&r, c->ref, c->n, sizeof *c->ref, by_number);

	return (sg_ref)(at - c->ref) + 1;
}

static void
copy_node(sg_graph *part, const sg_graph *g, const sg_needed *c, size_t i)
{
	const sg_node *n = &g->node[c->ref[i]];
	sg_ctx *ctx = sg_space_ctx(g->sp);
	sg_ref *arg = SG_NEW_ARRAY(ctx, sg_ref, n->nargs), r;

	for (uint32_t k = 0; k < n->nargs; k++)
		arg[k] = moved(c, n->args[k]);
	part->here = g->span[c->ref[i]];
	r = sg_node_make(part, n->op, (sg_type)n->type, n->shape, n->nargs, arg, n->attr);
	sg_need(ctx, r == i + 1, "a graph has two equal nodes");
	part->name[r] = g->name[c->ref[i]];
}

sg_graph *
sg_graph_part(sg_graph *g, size_t nroots, sg_ref *roots)
{
	const sg_needed c = sg_graph_needed(g, 1, nroots, roots);
	sg_graph *part;

	if (c.n > g->n / 4)
		return g;
	part = sg_graph_sized(g->sp, c.n + 1);
	for (size_t i = 0; i < c.n; i++)
		copy_node(part, g, &c, i);
	part->here = (sg_span){.src = NULL};
	for (size_t i = 0; i < nroots; i++)
		roots[i] = roots[i] ? moved(&c, roots[i]) : 0;
	return part;
}
