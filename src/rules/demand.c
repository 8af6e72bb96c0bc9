/* demand.c - what the nodes of an entry ask of the dimensions: that no extent is negative, and that
 * slices and pads stay within their arrays. Found in the graph that is left when derivatives have been
 * taken, so that nothing is asked for the sake of another entry, or of what was simplified away. */
#include "rules/rules.h"

#include <string.h>

uint32_t
sg_node_demands(sg_space *sp, const sg_graph *g, sg_ref r, sg_ext *ext)
{
	const sg_node *n = sg_node_at(g, r);
	const uint32_t rank = n->shape->rank;
	uint32_t m = 0;

	for (uint32_t i = 0; i < rank; i++)
		ext[m++] = n->shape->ext[i];
	if (n->op != SG_SLICE && n->op != SG_PAD)
		return m;
	const sg_shape *x = sg_node_at(g, n->args[0])->shape;
	const sg_shape *inner = n->op == SG_SLICE ? n->shape : x, *outer = n->op == SG_SLICE ? x : n->shape;
	const sg_ext one = sg_ext_int(sp, 1);
	for (uint32_t i = 0; i < rank; i++) {
		const sg_ext start = (sg_ext)n->attr->w[i], step = (sg_ext)n->attr->w[rank + i];
		const sg_ext way = sg_ext_mul(sp, step, sg_ext_sub(sp, inner->ext[i], one));
		const sg_ext end = sg_ext_add(sp, start, way), last = sg_ext_sub(sp, outer->ext[i], one);
		int64_t by, count;
		if (sg_ext_const(sp, inner->ext[i], &count) && count == 0)
			continue; /* nothing is read, wherever it starts */
		const bool back = sg_ext_const(sp, step, &by) && by < 0;

		ext[m++] = back ? end : start;
		ext[m++] = sg_ext_sub(sp, last, back ? start : end);
	}
	return m;
}

sg_demand *
sg_entry_demands(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, size_t *ndemands)
{
	sg_ref *root = SG_NEW_ARRAY(ctx, sg_ref, e->nout);
	sg_bytes_map *seen = sg_bytes_map_new(ctx);
	sg_ext ext[SG_MOST_DEMANDS];
	sg_demand *d = NULL;
	size_t n = 0, cap = 0;

	for (size_t k = 0; k < e->nout; k++)
		root[k] = e->out[k].ref;
	const sg_needed c = sg_graph_needed(p->g, 1, e->nout, root);
	for (size_t i = 0; i < c.n; i++) {
		const sg_ref r = c.ref[i];
		const uint32_t m = sg_node_demands(p->sp, p->g, r, ext);

		for (uint32_t k = 0; k < m; k++) {
			void **slot;

			if (sg_ext_nonneg(p->sp, ext[k]) || *(slot = sg_bytes_map_at(seen, &ext[k], sizeof *ext)))
				continue;
			*slot = seen;
			SG_PUSH(ctx, d, n, cap, (sg_demand){.ext = ext[k], .at = p->g->span[r]});
		}
	}
	*ndemands = n;
	return d;
}
