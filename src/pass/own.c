/* own.c - loops that do not share what stands for a carry with a loop that reads rows of it.
 *
 * The loop backward reads, as a row, what the loop forward has as a carry, and has the same node
 * for it. The loop of another entry, which keeps no rows, can have that carry in variables
 * (split.c), but not while the node is also a row's. So it gets one of its own.
 *
 * For emission alone. */
#include "pass/sweep.h"

#include <string.h>

enum { FEW = 16 }; /* numbers of a carry that goes by numbers */

/* By node: does it stand for a row in some loop? */
static bool *
find_rows(sg_ctx *ctx, const sg_graph *g)
{
	bool *is_row = SG_NEW_ARRAY(ctx, bool, g->n);

	for (sg_ref r = 1; r < g->n; r++) {
		if (g->node[r].op != SG_SCAN)
			continue;
		const sg_loop l = sg_loop_of(g, r);

		for (uint32_t k = 0; k < l.nx; k++)
			is_row[l.xparam[k]] = true;
	}
	return is_row;
}

static bool
has(uint32_t n, const sg_ref *x, sg_ref r)
{
	for (uint32_t k = 0; k < n; k++)
		if (x[k] == r)
			return true;
	return false;
}

/* Are carry k of l a few numbers that stand for a row elsewhere, and that l itself does not stack?
 */
static bool
is_borrowed(const sg_graph *g, const bool *is_row, const sg_loop *l, uint32_t k)
{
	const sg_ref r = l->cparam[k];
	int64_t n;

	return is_row[r] && !has(l->ns, l->out, r) &&
	       sg_ext_const(g->sp, sg_shape_size(g->sp, g->node[r].shape), &n) && n <= FEW;
}

static bool
borrows(const sg_graph *g, const bool *is_row, const sg_node *n)
{
	if (n->op != SG_SCAN)
		return false;
	const sg_loop l = sg_loop_parts(n);

	for (uint32_t k = 0; k < l.nc; k++)
		if (is_borrowed(g, is_row, &l, k))
			return true;
	return false;
}

/* The loop with nodes of its own for such carries; r: it in the old graph. */
static sg_ref
with_own_carries(sg_build *b, const sg_graph *g, const bool *is_row, sg_ref r, sg_ref loop)
{
	const sg_loop old = sg_loop_of(g, r);
	sg_loop l = sg_loop_of(b->g, loop);
	sg_ref *param = SG_NEW_ARRAY(b->ctx, sg_ref, l.nc),
	       *from = SG_NEW_ARRAY(b->ctx, sg_ref, l.nc), *to = SG_NEW_ARRAY(b->ctx, sg_ref, l.nc),
	       *root = SG_NEW_ARRAY(b->ctx, sg_ref, l.nc + l.ns + 1);
	size_t n = 0;

	memcpy(param, l.cparam, l.nc * sizeof *param);
	memcpy(root, l.next, l.nc * sizeof *root);
	if (l.ns)
		memcpy(root + l.nc, l.out, l.ns * sizeof *root);
	for (uint32_t k = 0; k < l.nc; k++) {
		if (!is_borrowed(g, is_row, &old, k))
			continue;
		from[n] = param[k];
		to[n] = param[k] = sg_seed(b, sg_type_of(b, from[n]), sg_shape_of(b, from[n]),
		                           sg_space_fresh(b->sp));
		b->g->name[to[n]] = b->g->name[from[n]];
		n++;
	}
	sg_substitute(b, l.nc + l.ns, root, n, from, to);
	l.cparam = param;
	l.next = root;
	l.out = root + l.nc;
	return sg_loop_make(b, &l);
}

const sg_program *
sg_own_carries(sg_ctx *ctx, const sg_program *p)
{
	const bool *is_row = find_rows(ctx, p->g);
	bool any = false;
	size_t nroots;

	for (sg_ref r = 1; r < p->g->n && !any; r++)
		any = borrows(p->g, is_row, sg_node_at(p->g, r));
	if (!any)
		return p;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);
	const bool *live = sg_graph_live(p->g, nroots, root);
	sg_build b = {.ctx = ctx, .sp = p->sp, .g = sg_graph_new(p->sp)};
	sg_ref *map = SG_NEW_ARRAY(ctx, sg_ref, p->g->n);
	sg_program *q = sg_program_copy(ctx, p);

	for (sg_ref r = 1; r < p->g->n; r++) {
		const sg_node *n = sg_node_at(p->g, r);

		if (!live[r])
			continue;
		sg_ref *arg = SG_NEW_ARRAY(ctx, sg_ref, n->nargs + 1);

		b.g->here = p->g->span[r];
		for (uint32_t k = 0; k < n->nargs; k++)
			arg[k] = map[n->args[k]];
		map[r] = sg_remake(&b, n, arg);
		if (borrows(p->g, is_row, n))
			map[r] = with_own_carries(&b, p->g, is_row, r, map[r]);
		if (p->g->name[r] && !b.g->name[map[r]])
			b.g->name[map[r]] = p->g->name[r];
	}
	sg_program_remap(q, b.g, map);
	return q;
}
