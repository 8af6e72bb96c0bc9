/* body.c - the nodes that some roots need, copied to a graph of their own.
 *
 * The copy of a loop's body ends at the params and at what stands outside, which become INPUTs;
 * loops within it are copied with their bodies. */
#include "back/body.h"

#include <stdlib.h>
#include <string.h>

enum { FRESH, PARAM, OUTSIDE, PARAM_READ, CAPTURED, COPIED };

typedef struct list {
	sg_ref *r;
	size_t n, cap;
} list;

typedef struct cutting {
	sg_ctx *ctx;
	const sg_graph *from;
	const sg_cut *cut;
	uint32_t *mark; /* while looking: one of the above; then: the node of the copy */
	list touched, todo, captured, copied;
	sg_body *to;
} cutting;

static void
push(cutting *c, list *l, sg_ref r)
{
	SG_PUSH(c->ctx, l->r, l->n, l->cap, r);
}

static void
mark(cutting *c, sg_ref r, uint32_t what)
{
	if (c->mark[r] == FRESH)
		push(c, &c->touched, r);
	c->mark[r] = what;
}

/* ---- what is needed ---- */

static bool
is_leaf(const sg_node *n)
{
	return n->op == SG_CONST || n->op == SG_DATA || n->op == SG_DIM || n->op == SG_IOTA;
}

static bool
is_movement(uint16_t op)
{
	return op == SG_BIND || op == SG_STOP || op == SG_RESHAPE || op == SG_TRANSPOSE ||
	       op == SG_BROADCAST || op == SG_SLICE || op == SG_WINDOW;
}

static bool
sinks(const cutting *c, const sg_node *n)
{
	bool scalar = true;

	for (uint32_t k = 0; k < n->shape->rank; k++)
		scalar = scalar && sg_ext_is(c->from->sp, n->shape->ext[k], 1);
	return c->cut->sink && is_movement(n->op) && !scalar;
}

static void
look_at(cutting *c, sg_ref r)
{
	const sg_node *n = sg_node_at(c->from, r);
	const uint32_t was = c->mark[r];

	if (was == PARAM_READ || was == CAPTURED || was == COPIED)
		return;
	if (was == PARAM) {
		mark(c, r, PARAM_READ);
		return;
	}
	if (was == OUTSIDE && !is_leaf(n) && !sinks(c, n)) {
		mark(c, r, CAPTURED);
		push(c, &c->captured, r);
		return;
	}
	mark(c, r, COPIED);
	push(c, &c->copied, r);
	for (uint32_t k = 0; k < n->nargs; k++) {
		if (was == OUTSIDE && c->mark[n->args[k]] == FRESH)
			mark(c, n->args[k], OUTSIDE);
		push(c, &c->todo, n->args[k]);
	}
}

static void
look(cutting *c)
{
	const sg_cut *cut = c->cut;

	for (size_t i = 0; i < cut->nparams; i++)
		mark(c, cut->param[i], PARAM);
	for (size_t i = 0; i < cut->ncaps; i++)
		mark(c, cut->cap[i], OUTSIDE);
	for (size_t i = 0; i < cut->nroots; i++)
		push(c, &c->todo, cut->root[i]);
	while (c->todo.n)
		look_at(c, c->todo.r[--c->todo.n]);
}

/* ---- the copy ---- */

static void *
longer(sg_ctx *ctx, const void *items, size_t n, size_t cap, size_t size)
{
	void *p = sg_alloc_array(ctx, cap, size);

	if (n)
		memcpy(p, items, n * size);
	return p;
}

sg_ref
sg_body_append(sg_ctx *ctx, sg_graph *g, const sg_node *n, const char *name, sg_span at)
{
	if (g->n == g->cap) {
		const size_t cap = g->cap ? 2 * g->cap : 16;

		g->node = longer(ctx, g->node, g->n, cap, sizeof *g->node);
		g->span = longer(ctx, g->span, g->n, cap, sizeof *g->span);
		g->name = longer(ctx, g->name, g->n, cap, sizeof *g->name);
		g->cap = cap;
	}
	g->node[g->n] = *n;
	g->span[g->n] = at;
	g->name[g->n] = name;
	return g->n++;
}

static void
add_input(cutting *c, sg_ref r)
{
	sg_attr *index = sg_alloc(c->ctx, sizeof *index + sizeof *index->w);
	sg_node n = *sg_node_at(c->from, r);

	index->n = 1;
	index->w[0] = (int64_t)c->to->ninputs;
	n.op = SG_INPUT;
	n.nargs = 0;
	n.args = NULL;
	n.attr = index;
	c->to->input[c->to->ninputs++] = r;
	c->mark[r] = sg_body_append(c->ctx, c->to->g, &n, c->from->name[r], c->from->span[r]);
}

static void
add_copy(cutting *c, sg_ref r)
{
	sg_node n = *sg_node_at(c->from, r);
	sg_ref *args = n.nargs ? SG_NEW_ARRAY(c->ctx, sg_ref, n.nargs) : NULL;

	for (uint32_t k = 0; k < n.nargs; k++)
		args[k] = c->mark[n.args[k]];
	n.args = args;
	c->mark[r] = sg_body_append(c->ctx, c->to->g, &n, c->from->name[r], c->from->span[r]);
}

static int
by_index(const void *a, const void *b)
{
	const sg_ref x = *(const sg_ref *)a, y = *(const sg_ref *)b;

	return (x > y) - (x < y);
}

static void
sort(list *l)
{
	if (l->n)
		qsort(l->r, l->n, sizeof *l->r, by_index);
}

static void
copy(cutting *c)
{
	const sg_cut *cut = c->cut;
	sg_body *to = c->to;

	to->g = SG_NEW(c->ctx, sg_graph);
	to->g->sp = c->from->sp;
	(void)sg_body_append(c->ctx, to->g, &(sg_node){0}, NULL, (sg_span){0});
	to->input = SG_NEW_ARRAY(c->ctx, sg_ref, cut->nparams + c->captured.n + 1);
	to->root = SG_NEW_ARRAY(c->ctx, sg_ref, cut->nroots + 1);
	for (size_t i = 0; i < cut->nparams; i++)
		if (c->mark[cut->param[i]] == PARAM_READ)
			add_input(c, cut->param[i]);
	to->nparams = to->ninputs;
	sort(&c->captured);
	for (size_t i = 0; i < c->captured.n; i++)
		add_input(c, c->captured.r[i]);
	sort(&c->copied);
	for (size_t i = 0; i < c->copied.n; i++)
		add_copy(c, c->copied.r[i]);
	for (size_t i = 0; i < cut->nroots; i++)
		to->root[i] = c->mark[cut->root[i]];
}

sg_body *
sg_body_cut(sg_ctx *ctx, const sg_graph *g, const sg_cut *cut, uint32_t *scratch)
{
	cutting c = {
	    .ctx = ctx, .from = g, .cut = cut, .mark = scratch, .to = SG_NEW(ctx, sg_body)};

	look(&c);
	copy(&c);
	for (size_t i = 0; i < c.touched.n; i++)
		scratch[c.touched.r[i]] = 0;
	return c.to;
}
