/* unroll.c - loops of a few steps, written out. */
#include "pass/elements.h"

#include <string.h>

enum {
	MOST_STEPS = 16,
	MOST_NODES = 4000, /* of all steps of a loop */
};

typedef struct unroll {
	sg_build *b;
	sg_cone cone;
	sg_ref *now;     /* by member: what it has become */
	sg_ref **result; /* by member: of a loop: its carries in the end, and what is stacked */
} unroll;

static sg_ref
now(const unroll *w, sg_ref r)
{
	const sg_ref to = sg_cone_has(&w->cone, r) ? w->now[sg_cone_at(&w->cone, r)] : 0;

	return to ? to : r;
}

/* How many steps SCAN l has, if they are known and few; else 0. */
static int64_t
steps_of(const sg_build *b, const sg_loop *l)
{
	const sg_node *count = sg_node_at(b->g, l->count);
	int64_t n;

	if (count->op != SG_CONST || !sg_ext_const(b->sp, l->length, &n) || count->attr->w[0] != n)
		return 0;
	return n <= MOST_STEPS ? n : 0;
}

/* from: carries, rows and captures in the body; to: what they are in a step. */
static void
replace_params(unroll *w, const sg_loop *l, int64_t step, const sg_ref *carry, sg_ref *from,
               sg_ref *to)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < l->nc; k++, n++)
		from[n] = l->cparam[k], to[n] = carry[k];
	for (uint32_t k = 0; k < l->nx; k++, n++) {
		from[n] = l->xparam[k];
		to[n] = sg_index(w->b, now(w, l->xs[k]), 0, sg_ext_int(w->b->sp, step));
	}
	for (uint32_t k = 0; k < l->ncap; k++, n++)
		from[n] = l->cap[k], to[n] = now(w, l->cap[k]);
}

static sg_ref *
write_out(unroll *w, const sg_loop *l, uint32_t steps)
{
	const uint32_t nroots = l->nc + l->ns, nparams = l->nc + l->nx + l->ncap;
	sg_ref *root = SG_NEW_ARRAY(w->b->ctx, sg_ref, nroots + 1);
	sg_ref *from = SG_NEW_ARRAY(w->b->ctx, sg_ref, nparams + 1);
	sg_ref *to = SG_NEW_ARRAY(w->b->ctx, sg_ref, nparams + 1);
	sg_ref *out = SG_NEW_ARRAY(w->b->ctx, sg_ref, (size_t)l->ns * steps + 1);

	for (uint32_t k = 0; k < l->nc; k++)
		root[k] = now(w, l->init[k]);
	for (uint32_t i = 0; i < steps; i++) {
		const uint32_t step = l->reverse ? steps - 1 - i : i;

		replace_params(w, l, step, root, from, to);
		memcpy(root, l->next, l->nc * sizeof *root);
		memcpy(root + l->nc, l->out, l->ns * sizeof *root);
		sg_substitute(w->b, nroots, root, nparams, from, to);
		for (uint32_t k = 0; k < l->ns; k++)
			out[(size_t)k * steps + step] = root[l->nc + k];
	}
	for (uint32_t k = 0; k < l->ns; k++)
		root[l->nc + k] = sg_stack(w->b, steps, out + (size_t)k * steps, 0);
	return root;
}

/* A loop of too many steps gives false. */
static bool
unroll_loop(unroll *w, uint32_t i)
{
	const sg_ref r = w->cone.member[i];
	sg_ref *body;
	size_t n;

	if (sg_node_at(w->b->g, r)->op == SG_WHILE)
		return false;
	const sg_loop l = sg_loop_of(w->b->g, r);
	const int64_t steps = steps_of(w->b, &l);

	sg_loop_members(w->b->ctx, w->b->g, r, &n, &body);
	if (steps == 0 || n * (size_t)steps > MOST_NODES)
		return false;
	w->result[i] = write_out(w, &l, (uint32_t)steps);
	return true;
}

static sg_ref
remade(unroll *w, sg_ref r)
{
	const sg_node n = sg_at(w->b, r);
	sg_ref *arg = SG_NEW_ARRAY(w->b->ctx, sg_ref, n.nargs + 1);
	bool changed = false;

	if (n.op == SG_PICK && sg_cone_has(&w->cone, n.args[0]) &&
	    w->result[sg_cone_at(&w->cone, n.args[0])])
		return w->result[sg_cone_at(&w->cone, n.args[0])][n.attr->w[0]];
	for (uint32_t k = 0; k < n.nargs; k++) {
		arg[k] = now(w, n.args[k]);
		changed = changed || arg[k] != n.args[k];
	}
	return changed ? sg_remake(w->b, &n, arg) : r;
}

sg_ref
sg_unrolled(sg_build *b, sg_ref y, sg_ref x)
{
	unroll w = {.b = b, .cone = sg_cone_make(b, SG_FOLLOW_ALL, 1, &y, x)};
	const bool *active = sg_cone_active(b, &w.cone, 1, &x);
	bool any = false;

	for (uint32_t i = 0; i < w.cone.n; i++) {
		const uint16_t op = sg_node_at(b->g, w.cone.member[i])->op;

		if (active[i] && (op == SG_BIND || op == SG_CUSTOM || op == SG_STOP) &&
		    w.cone.member[i] != x)
			return 0;
		any = any || (active[i] && (op == SG_SCAN || op == SG_WHILE));
	}
	if (!any)
		return y;
	w.now = SG_NEW_ARRAY(b->ctx, sg_ref, w.cone.n);
	w.result = SG_NEW_ARRAY(b->ctx, sg_ref *, w.cone.n);
	for (uint32_t i = 0; i < w.cone.n; i++) {
		const sg_ref r = w.cone.member[i];
		const uint16_t op = sg_node_at(b->g, r)->op;

		if (!active[i] || r == x)
			continue;
		if (op == SG_SCAN || op == SG_WHILE) {
			if (!unroll_loop(&w, i))
				return 0;
			continue;
		}
		w.now[i] = remade(&w, r);
	}
	return now(&w, y);
}
