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

void
sg_rebuild(sg_ctx *ctx, sg_program *p, bool finite, bool dissolve)
{
	const sg_graph *old = p->g;
	sg_build b = {.ctx = ctx, .sp = p->sp, .g = sg_graph_new(p->sp), .finite = finite};
	sg_ref *map = SG_NEW_ARRAY(ctx, sg_ref, old->n), *arg = NULL;
	size_t nroots, cap = 0;
	const sg_ref *roots = sg_program_roots(ctx, p, &nroots);
	const bool *live = sg_graph_live(old, nroots, roots);

	for (sg_ref r = 1; r < old->n; r++) {
		const sg_node n = old->node[r];

		if (!live[r])
			continue;
		if (n.nargs > cap)
			arg = SG_NEW_ARRAY(ctx, sg_ref, cap = 2 * n.nargs);
		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = map[n.args[k]];
		b.g->here = old->span[r];
		map[r] = dissolve && is_transparent(n.op) ? arg[0] : sg_remake(&b, &n, arg);
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
