/* ahead.c - sines and cosines of a carry that the step before has taken already.
 *
 * What a step is worth is often told by the state that it comes to, as 1 + cos(y[2]) of a pole's
 * angle, and the next step begins with sine and cosine of the same number. Then both are taken when
 * the state is known, at once, and carried to the next step. The first step gets those of where the
 * loop starts.
 *
 * For emission alone: a derivative would have more carries to go through. */
#include "pass/sweep.h"

#include <string.h>

static bool
is_angle_op(uint16_t op)
{
	return op == SG_SIN || op == SG_COS;
}

static bool
is_movement(uint16_t op)
{
	return op == SG_RESHAPE || op == SG_SLICE;
}

/* What r is an element of. */
static sg_ref
behind(const sg_graph *g, sg_ref r)
{
	while (is_movement(sg_node_at(g, r)->op))
		r = sg_arg(g, r, 0);
	return r;
}

/* The same element of x as r is of what is behind it. */
static sg_ref
element_of(sg_build *b, sg_ref r, sg_ref x)
{
	const sg_node n = sg_at(b, r);

	if (!is_movement(n.op))
		return x;
	x = element_of(b, n.args[0], x);
	return sg_remake(b, &n, &x);
}

/* ---- one loop ---- */

typedef struct ahead {
	sg_build *b;
	sg_loop l;
	sg_cone cone;         /* the step */
	sg_ref *taken, *seed; /* of the carry, and what stands for them */
	sg_ref *init, *next;  /* where the loop starts, and at the end of a step */
	uint32_t n;
} ahead;

/* Does the step take sine or cosine of r? */
static bool
takes(const ahead *w, sg_ref r)
{
	for (uint32_t i = 0; i < w->cone.n; i++) {
		const sg_node *n = sg_node_at(w->b->g, w->cone.member[i]);

		if (is_angle_op(n->op) && n->args[0] == r)
			return true;
	}
	return false;
}

static bool
has_one_element(const sg_build *b, sg_ref r)
{
	int64_t n;

	return sg_ext_const(b->sp, sg_shape_size(b->sp, sg_shape_of(b, r)), &n) && n == 1;
}

/* Member r of the step, if it is sine or cosine of a carry whose next value is taken too. */
static void
look_at(ahead *w, sg_ref r)
{
	sg_build *b = w->b;
	const sg_node n = sg_at(b, r);
	uint32_t k = 0;

	if (!is_angle_op(n.op) || !has_one_element(b, r))
		return;
	while (k < w->l.nc && w->l.cparam[k] != behind(b->g, n.args[0]))
		k++;
	if (k == w->l.nc)
		return;
	const sg_ref next = element_of(b, n.args[0], w->l.next[k]);

	if (next == n.args[0] || !takes(w, next))
		return;
	w->taken[w->n] = r;
	w->seed[w->n] = sg_seed(b, (sg_type)n.type, n.shape, sg_space_fresh(b->sp));
	b->g->name[w->seed[w->n]] = b->g->name[r];
	w->init[w->n] = sg_ew1(b, (sg_op)n.op, element_of(b, n.args[0], w->l.init[k]));
	w->next[w->n++] = sg_ew1(b, (sg_op)n.op, next);
}

static const sg_ref *
joined(sg_build *b, uint32_t n, const sg_ref *x, uint32_t m, const sg_ref *y)
{
	sg_ref *r = SG_NEW_ARRAY(b->ctx, sg_ref, n + m + 1);

	if (n)
		memcpy(r, x, n * sizeof *r);
	if (m)
		memcpy(r + n, y, m * sizeof *r);
	return r;
}

/* The loop with more carries, which the step reads for what it took. */
static sg_ref
with_carries(ahead *w)
{
	sg_build *b = w->b;
	sg_loop l = w->l;
	const uint32_t nc = l.nc + w->n, nroots = nc + l.ns;
	sg_ref *root = SG_NEW_ARRAY(b->ctx, sg_ref, nroots + 1);

	memcpy(root, l.next, l.nc * sizeof *root);
	memcpy(root + l.nc, w->next, w->n * sizeof *root);
	if (l.ns)
		memcpy(root + nc, l.out, l.ns * sizeof *root);
	sg_substitute(b, nroots, root, w->n, w->taken, w->seed);
	l.init = joined(b, l.nc, l.init, w->n, w->init);
	l.cparam = joined(b, l.nc, l.cparam, w->n, w->seed);
	l.next = root;
	l.out = root + nc;
	l.nc = nc;
	return sg_loop_make(b, &l);
}

static sg_ref
loop_ahead(sg_build *b, sg_ref r)
{
	ahead w = {.b = b, .l = sg_loop_of(b->g, r)};
	const sg_loop *l = &w.l;
	const sg_ref *root = joined(b, l->nc, l->next, l->ns, l->out);

	if (l->nc == 0)
		return r;
	w.cone = sg_cone_make(b, SG_FOLLOW_ALL, l->nc + l->ns, root, sg_lowest(l->nc, l->cparam));
	w.taken = SG_NEW_ARRAY(b->ctx, sg_ref, w.cone.n);
	w.seed = SG_NEW_ARRAY(b->ctx, sg_ref, w.cone.n);
	w.init = SG_NEW_ARRAY(b->ctx, sg_ref, w.cone.n);
	w.next = SG_NEW_ARRAY(b->ctx, sg_ref, w.cone.n);
	for (uint32_t i = 0; i < w.cone.n; i++)
		look_at(&w, w.cone.member[i]);
	return w.n ? with_carries(&w) : r;
}

/* ---- the program ---- */

static bool
is_changed(const sg_replacing *w, const sg_node *n)
{
	return n->op == SG_SCAN ||
	       (n->op == SG_PICK && sg_node_at(w->old, n->args[0])->op == SG_SCAN);
}

static sg_ref
ahead_of(sg_replacing *w, const sg_node *n, const sg_ref *arg)
{
	sg_build *b = &w->b;

	if (n->op == SG_SCAN)
		return loop_ahead(b, sg_remake(b, n, arg));
	const sg_loop old = sg_loop_of(w->old, n->args[0]), now = sg_loop_of(b->g, arg[0]);
	const uint32_t k = (uint32_t)n->attr->w[0];

	return sg_pick(b, arg[0], k < old.nc ? k : k + now.nc - old.nc);
}

/* Are there angles that are carries, and others? */
static bool
is_wanted(const sg_graph *g)
{
	bool carried = false, other = false;

	for (sg_ref r = 1; r < g->n && !(carried && other); r++) {
		const sg_node *n = sg_node_at(g, r);
		const bool is_angle = is_angle_op(n->op);

		if (is_angle && sg_node_at(g, behind(g, n->args[0]))->op == SG_SEED)
			carried = true;
		else if (is_angle)
			other = true;
	}
	return carried && other;
}

const sg_program *
sg_look_ahead(sg_ctx *ctx, const sg_program *p, bool jit)
{
	return is_wanted(p->g) ? sg_replaced(ctx, p, jit, is_changed, ahead_of) : p;
}
