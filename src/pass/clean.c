/* clean.c - a program's graph made anew, of what its entries need. */
#include "pass/sweep.h"

sg_ref *
sg_program_roots(sg_ctx *ctx, const sg_program *p, size_t *n)
{
	size_t count = 2 * p->ninputs;
	sg_ref *root;

	for (size_t e = 0; e < p->nentries; e++)
		count += p->entry[e].nout;
	root = SG_NEW_ARRAY(ctx, sg_ref, count);
	*n = 0;
	for (size_t i = 0; i < p->ninputs; i++) {
		root[(*n)++] = p->input[i].ref;
		root[(*n)++] = p->input[i].deflt;
	}
	for (size_t e = 0; e < p->nentries; e++)
		for (size_t i = 0; i < p->entry[e].nout; i++)
			root[(*n)++] = p->entry[e].out[i].ref;
	return root;
}

void
sg_program_remap(sg_program *p, sg_graph *g, const sg_ref *map)
{
	for (size_t i = 0; i < p->ninputs; i++) {
		p->input[i].ref = map[p->input[i].ref];
		p->input[i].deflt = map[p->input[i].deflt];
	}
	for (size_t e = 0; e < p->nentries; e++)
		for (size_t i = 0; i < p->entry[e].nout; i++)
			p->entry[e].out[i].ref = map[p->entry[e].out[i].ref];
	g->here = (sg_span){.src = NULL};
	p->g = g;
}

static bool
is_transparent(uint16_t op)
{
	return op == SG_CUSTOM || op == SG_BIND || op == SG_STOP;
}

/* Roots and what they need; of a node that is to dissolve, only its value. */
static bool *
needed(sg_ctx *ctx, const sg_program *p, bool dissolve)
{
	const sg_graph *g = p->g;
	bool *live = SG_NEW_ARRAY(ctx, bool, g->n);
	size_t nroots;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);

	for (size_t i = 0; i < nroots; i++)
		live[root[i]] = root[i] != 0;
	for (sg_ref r = g->n; r-- > 1;) {
		const sg_node *n = sg_node_at(g, r);
		const uint32_t nargs = dissolve && is_transparent(n->op) ? 1 : n->nargs;

		for (uint32_t k = 0; live[r] && k < nargs; k++)
			live[n->args[k]] = true;
	}
	return live;
}

/* How many live nodes and roots read each node. */
static uint32_t *
readers(sg_ctx *ctx, const sg_program *p, const bool *live)
{
	const sg_graph *g = p->g;
	uint32_t *n = SG_NEW_ARRAY(ctx, uint32_t, g->n);
	size_t nroots;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);

	for (size_t i = 0; i < nroots; i++)
		n[root[i]]++;
	for (sg_ref r = 1; r < g->n; r++)
		for (uint32_t k = 0; live[r] && k < g->node[r].nargs; k++)
			n[g->node[r].args[k]]++;
	return n;
}

/* A transpose of a contraction that nothing else reads is the contraction with its axes in that
 * order. */
static sg_ref
contract_transposed(sg_build *b, const sg_node *transpose, const sg_node *c, const sg_ref *map)
{
	const int64_t *w = c->attr->w, *lx = w + 3, *ly = lx + w[0], *lo = ly + w[1];
	int64_t order[SG_MAX_RANK];

	for (uint32_t i = 0; i < transpose->shape->rank; i++)
		order[i] = lo[transpose->attr->w[i]];
	return sg_contract(b, map[c->args[0]], lx, map[c->args[1]], ly, transpose->shape->rank,
	                   order);
}

static bool
has_label(int64_t n, const int64_t *w, int64_t label)
{
	for (int64_t i = 0; i < n; i++)
		if (w[i] == label)
			return true;
	return false;
}

/* A sum, over an axis that one operand alone has, of a contraction that nothing else reads: that
 * operand is summed up first, and the product is a smaller one. 0: no such axis. */
static sg_ref
contract_summed(sg_build *b, const sg_node *sum, const sg_node *c, const sg_ref *map)
{
	const int64_t *w = c->attr->w, *lx = w + 3, *ly = lx + w[0], *lo = ly + w[1];
	const uint64_t mask = (uint64_t)sum->attr->w[0];
	int64_t left[SG_MAX_RANK];
	uint64_t rest = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->shape->rank; i++) {
		const bool goes = mask >> i & 1;

		if (goes && has_label(w[0], lx, lo[i]) != has_label(w[1], ly, lo[i]))
			continue;
		rest |= (uint64_t)goes << n;
		left[n++] = lo[i];
	}
	if (n == c->shape->rank)
		return 0;
	return sg_reduce(b, SG_SUM,
	                 sg_contract(b, map[c->args[0]], lx, map[c->args[1]], ly, n, left), rest);
}

/* What a contraction that nothing else reads becomes with its reader; 0: nothing new. */
static sg_ref
contract_with_reader(sg_build *b, const sg_node *n, const sg_node *c, const sg_ref *map)
{
	if (c->op != SG_CONTRACT)
		return 0;
	return n->op == SG_TRANSPOSE ? contract_transposed(b, n, c, map)
	       : n->op == SG_SUM     ? contract_summed(b, n, c, map)
	                             : 0;
}

/* x (1/y) is x/y, one rounding less, where nothing else reads 1/y: else one division serves all.
 * 0: it is no such product. */
static sg_ref
division(sg_build *b, const sg_graph *old, const sg_node *n, const sg_ref *map,
         const uint32_t *nreaders)
{
	for (uint32_t k = 0; n->op == SG_MUL && k < 2; k++) {
		const sg_node *inverse = &old->node[n->args[k]];

		if (inverse->op == SG_RECIP && nreaders[n->args[k]] == 1)
			return sg_ew2(b, SG_DIV, map[n->args[1 - k]], map[inverse->args[0]]);
	}
	return 0;
}

void
sg_rebuild(sg_ctx *ctx, sg_program *p, bool finite, bool dissolve)
{
	const sg_graph *old = p->g;
	sg_build b = {.ctx = ctx, .sp = p->sp, .g = sg_graph_sized(p->sp, old->n), .finite = finite};
	sg_ref *map = SG_NEW_ARRAY(ctx, sg_ref, old->n), *arg = NULL;
	const bool *live = needed(ctx, p, dissolve);
	const uint32_t *nreaders = readers(ctx, p, live);
	size_t cap = 0;

	for (sg_ref r = 1; r < old->n; r++) {
		const sg_node n = old->node[r];
		sg_ref joined = 0;

		if (!live[r])
			continue;
		if (n.nargs > cap)
			arg = SG_NEW_ARRAY(ctx, sg_ref, cap = 2 * n.nargs);
		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = map[n.args[k]];
		b.g->here = old->span[r];
		if (dissolve && is_transparent(n.op))
			map[r] = arg[0];
		else if (n.nargs == 1 && nreaders[n.args[0]] == 1)
			joined = contract_with_reader(&b, &n, &old->node[n.args[0]], map);
		else if (n.nargs == 2)
			joined = division(&b, old, &n, map, nreaders);
		if (!map[r])
			map[r] = joined ? joined : sg_remake(&b, &n, arg);
		if (old->name[r] && !b.g->name[map[r]])
			b.g->name[map[r]] = old->name[r];
	}
	sg_program_remap(p, b.g, map);
}

/* clean - rebuild of what the entries need.
 * requires: nothing.  ensures: every node is live, save those that simplification orphans.
 * preserves: outputs, inputs, names, spans. */
void
sg_clean(sg_ctx *ctx, sg_program *p, bool finite)
{
	sg_rebuild(ctx, p, finite, false);
}
