/* replace.c - some nodes of a program made otherwise, all others as they are. */
#include "pass/sweep.h"

static sg_ref
remade(sg_replacing *w, sg_ref r, sg_is_replaced *is_wanted, sg_replacement *instead)
{
	const sg_node n = *sg_node_at(w->old, r);
	sg_ref *arg = SG_NEW_ARRAY(w->b.ctx, sg_ref, n.nargs + 1);

	for (uint32_t k = 0; k < n.nargs; k++)
		arg[k] = w->map[n.args[k]];
	return is_wanted(w, &n) ? instead(w, &n, arg) : sg_remake(&w->b, &n, arg);
}

const sg_program *
sg_replaced(sg_ctx *ctx, const sg_program *p, bool jit, sg_is_replaced *is_wanted,
            sg_replacement *instead)
{
	sg_replacing w = {.b = {.ctx = ctx, .sp = p->sp}, .old = p->g, .jit = jit};
	bool any = false;
	size_t nroots;
	sg_program *q;

	for (sg_ref r = 1; r < p->g->n && !any; r++)
		any = is_wanted(&w, sg_node_at(p->g, r));
	if (!any)
		return p;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);
	const bool *live = sg_graph_live(p->g, nroots, root);
	w.b.g = sg_graph_new(p->sp);
	w.map = SG_NEW_ARRAY(ctx, sg_ref, p->g->n);
	q = sg_program_copy(ctx, p);
	for (sg_ref r = 1; r < p->g->n; r++) {
		if (!live[r])
			continue;
		w.b.g->here = p->g->span[r];
		w.map[r] = remade(&w, r, is_wanted, instead);
		if (p->g->name[r] && !w.b.g->name[w.map[r]])
			w.b.g->name[w.map[r]] = p->g->name[r];
	}
	sg_program_remap(q, w.b.g, w.map);
	return q;
}
