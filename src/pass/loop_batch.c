/* loop_batch.c - loops over other operands: substituted, or with a leading axis.
 *
 * Under batching carries get the axis, but for those of a SCAN that are the same in all slices:
 * what is differentiated is computed once for all rows of a Jacobian. Each slice of a WHILE stops
 * by itself: the loop goes on while any does, and a slice that has stopped keeps its carry. A SCAN
 * whose count differs from slice to slice goes to the largest, each slice taking part in its own
 * steps. */
#include "pass/sweep.h"
#include "rules/op.h"

#include <string.h>

/* Where the captures of the old loop were replaced, the body is built again over the new ones. */
sg_ref
sg_loop_over(sg_build *b, const sg_node *n, const sg_ref *args)
{
	const sg_loop old = sg_loop_parts(n);
	sg_loop l = old;
	const uint32_t first = n->op == SG_SCAN, nroots = old.nc + old.ns + (old.cond != 0);
	sg_ref *root = SG_NEW_ARRAY(b->ctx, sg_ref, nroots + 1);

	memcpy(root, old.next, old.nc * sizeof *root);
	memcpy(root + old.nc, old.out, old.ns * sizeof *root);
	if (old.cond)
		root[nroots - 1] = old.cond;
	if (old.ncap)
		sg_substitute(b, nroots, root, old.ncap, old.cap, args + first + old.nc + old.nx);
	l.count = first ? args[0] : 0;
	l.init = args + first;
	l.xs = args + first + old.nc;
	l.next = root;
	l.out = root + old.nc;
	l.cond = old.cond ? root[nroots - 1] : 0;
	/* args is the caller's scratch: the node keeps copies */
	return sg_loop_make(b, &l);
}

typedef struct batching {
	sg_build *b;
	sg_ext size;
	sg_loop l; /* the new loop */
	sg_ref *init, *xs, *cparam, *xparam, *root;
	bool *varies; /* by carry: it has the axis */
} batching;

static sg_ref
seed_led(batching *w, sg_ref like)
{
	return sg_seed(w->b, sg_type_of(w->b, like),
	               sg_shape_led(w->b, sg_shape_of(w->b, like), w->size),
	               sg_space_fresh(w->b->sp));
}

/* Axes 0 and 1 swapped: batch and step. */
static sg_ref
swap_leading(sg_build *b, sg_ref x)
{
	int64_t perm[SG_MAX_RANK];

	for (uint32_t k = 0; k < sg_shape_of(b, x)->rank; k++)
		perm[k] = k < 2 ? 1 - k : k;
	return sg_transpose(b, x, perm);
}

/* One truth value a slice, along the whole of a value of shape s. */
static sg_ref
along(sg_build *b, sg_ref flag, const sg_shape *s)
{
	const int64_t axis = 0;

	return sg_broadcast(b, flag, s, &axis);
}

/* value where the slice takes part in the step, else `rest`. */
static sg_ref
taking_part(sg_build *b, sg_ref flag, sg_ref value, sg_ref rest)
{
	return sg_ew3(b, SG_SELECT, along(b, flag, sg_shape_of(b, value)), value, rest);
}

/* Does a step make a carry differ from slice to slice that did not? */
static bool
spread(batching *w, const sg_loop *old, const bool *batched)
{
	const uint32_t first = old->op == SG_SCAN, nouter = old->nx + old->ncap;
	sg_ref *from = SG_NEW_ARRAY(w->b->ctx, sg_ref, old->nc + nouter + 1);
	bool more = false;
	size_t n = 0;

	for (uint32_t k = 0; k < old->nc; k++)
		if (w->varies[k])
			from[n++] = old->cparam[k];
	for (uint32_t k = 0; k < nouter; k++)
		if (batched[first + old->nc + k])
			from[n++] = k < old->nx ? old->xparam[k] : old->cap[k - old->nx];
	if (n == 0)
		return false;
	const sg_cone cone =
	    sg_cone_make(w->b, SG_FOLLOW_ALL, old->nc, old->next, sg_lowest(n, from));
	const bool *active = sg_cone_active(w->b, &cone, n, from);

	for (uint32_t k = 0; k < old->nc; k++)
		if (!w->varies[k] && sg_cone_has(&cone, old->next[k]) &&
		    active[sg_cone_at(&cone, old->next[k])])
			w->varies[k] = more = true;
	return more;
}

static void
find_varying(batching *w, const sg_loop *old, const bool *batched)
{
	const bool all = old->op == SG_WHILE || batched[0];

	for (uint32_t k = 0; k < old->nc; k++)
		w->varies[k] = all || batched[1 + k];
	while (spread(w, old, batched))
		continue;
}

/* What comes through a few numbers goes there by their slopes. */
static void
batch_roots(batching *w, uint32_t nroots, size_t n, const sg_ref *from, const sg_ref *to)
{
	sg_build *b = w->b;
	sg_ref *end = NULL, *is = NULL;
	const size_t more = sg_narrow(b, nroots, w->root, n, from, to, w->size, &end, &is);
	sg_ref *all[2];

	all[0] = SG_NEW_ARRAY(b->ctx, sg_ref, n + more + 1);
	all[1] = SG_NEW_ARRAY(b->ctx, sg_ref, n + more + 1);
	for (size_t k = 0; k < n + more; k++) {
		all[0][k] = k < n ? from[k] : end[k - n];
		all[1][k] = k < n ? to[k] : is[k - n];
	}
	sg_batch(b, nroots, w->root, n + more, all[0], all[1], w->size);
}

/* The body with the axis: root[] becomes the results of a step. */
static void
batch_body(batching *w, const sg_loop *old, const sg_ref *args, const bool *batched)
{
	sg_build *b = w->b;
	const uint32_t first = old->op == SG_SCAN, cap_at = first + old->nc + old->nx;
	const uint32_t nroots = old->nc + old->ns + (old->cond != 0);
	sg_ref *from = SG_NEW_ARRAY(b->ctx, sg_ref, old->nc + old->nx + old->ncap + 1);
	sg_ref *to = SG_NEW_ARRAY(b->ctx, sg_ref, old->nc + old->nx + old->ncap + 1);
	size_t n = 0;

	for (uint32_t k = 0; k < old->nc; k++) {
		w->cparam[k] = old->cparam[k];
		if (w->varies[k])
			from[n] = old->cparam[k],
			to[n++] = w->cparam[k] = seed_led(w, old->cparam[k]);
	}
	for (uint32_t k = 0; k < old->nx; k++) {
		w->xs[k] = args[first + old->nc + k];
		w->xparam[k] = old->xparam[k];
		if (batched[first + old->nc + k]) {
			w->xs[k] = swap_leading(b, w->xs[k]);
			from[n] = old->xparam[k],
			to[n++] = w->xparam[k] = seed_led(w, old->xparam[k]);
		}
	}
	for (uint32_t k = 0; k < old->ncap; k++)
		if (batched[cap_at + k])
			from[n] = old->cap[k], to[n++] = args[cap_at + k];
	for (uint32_t k = 0; k < old->nc; k++)
		w->root[k] = w->varies[k] ? old->next[k] : 0;
	memcpy(w->root + old->nc, old->out, old->ns * sizeof *w->root);
	if (old->cond)
		w->root[old->nc + old->ns] = old->cond;
	batch_roots(w, nroots, n, from, to);
	for (uint32_t k = 0; k < old->nc; k++)
		if (!w->varies[k])
			w->root[k] = old->next[k];
}

static sg_ref
scalar(sg_build *b, int64_t v)
{
	return sg_const_int(b, SG_I64, sg_shape_scalar(b->sp), v);
}

/* Steps counted in a carry of their own; slices take part while t < count. */
static void
own_counts(batching *w, const sg_loop *old, sg_ref counts)
{
	sg_build *b = w->b;
	const sg_ref most = sg_reduce(b, SG_AMAX, counts, 1);
	const sg_ref t = sg_seed(b, SG_I64, sg_shape_scalar(b->sp), sg_space_fresh(b->sp));
	const sg_ref flag =
	    sg_ew2(b, SG_LT, sg_broadcast(b, t, sg_shape_of(b, counts), NULL), counts);

	for (uint32_t k = 0; k < old->nc; k++)
		w->root[k] = taking_part(b, flag, w->root[k], w->cparam[k]);
	for (uint32_t k = 0; k < old->ns; k++)
		w->root[old->nc + k] = taking_part(b, flag, w->root[old->nc + k],
		                                   sg_const_like(b, w->root[old->nc + k], 0));
	memmove(w->root + old->nc + 1, w->root + old->nc, old->ns * sizeof *w->root);
	w->init[old->nc] = old->reverse ? sg_ew2(b, SG_SUB, most, scalar(b, 1)) : scalar(b, 0);
	w->cparam[old->nc] = t;
	w->root[old->nc] = sg_ew2(b, old->reverse ? SG_SUB : SG_ADD, t, scalar(b, 1));
	w->l.nc++;
	w->l.count = most;
}

/* Slices that have stopped keep their carries; with a tape, each counts its own steps. */
static void
own_conditions(batching *w, const sg_loop *old)
{
	sg_build *b = w->b;
	const sg_ref flag = w->root[old->nc];

	for (uint32_t k = 0; k < old->nc; k++)
		w->root[k] = taking_part(b, flag, w->root[k], w->cparam[k]);
	w->l.cond = sg_reduce(b, SG_ANY, flag, 1);
	if (!old->tape)
		return;
	w->init[old->nc] = sg_const_int(b, SG_I64, sg_shape_of(b, flag), 0);
	w->cparam[old->nc] = sg_seed(b, SG_I64, sg_shape_of(b, flag), sg_space_fresh(b->sp));
	w->root[old->nc] = sg_ew2(b, SG_ADD, w->cparam[old->nc], sg_cast(b, flag, SG_I64));
	w->l.nc++;
}

sg_ref
sg_loop_batch(sg_build *b, const sg_node *n, const sg_ref *scratch, const bool *led, sg_ext size)
{
	const sg_loop old = sg_loop_parts(n);
	const uint32_t first = n->op == SG_SCAN;
	/* the caller's scratch is used again by the sweeps in here */
	const sg_ref *args = sg_copy(b->ctx, scratch, n->nargs * sizeof *scratch);
	const bool *batched = sg_copy(b->ctx, led, n->nargs * sizeof *led);
	batching w = {.b = b, .size = size, .l = old};

	w.init = SG_NEW_ARRAY(b->ctx, sg_ref, old.nc + 1);
	w.cparam = SG_NEW_ARRAY(b->ctx, sg_ref, old.nc + 1);
	w.xs = SG_NEW_ARRAY(b->ctx, sg_ref, old.nx + 1);
	w.xparam = SG_NEW_ARRAY(b->ctx, sg_ref, old.nx + 1);
	w.root = SG_NEW_ARRAY(b->ctx, sg_ref, old.nc + old.ns + 2);
	w.varies = SG_NEW_ARRAY(b->ctx, bool, old.nc + 1);
	find_varying(&w, &old, batched);
	for (uint32_t k = 0; k < old.nc; k++)
		w.init[k] = w.varies[k] && !batched[first + k] ? sg_lead(b, args[first + k], size)
		                                               : args[first + k];
	batch_body(&w, &old, args, batched);
	if (first)
		w.l.count = args[0];
	if (first && batched[0])
		own_counts(&w, &old, args[0]);
	if (n->op == SG_WHILE)
		own_conditions(&w, &old);
	w.l.init = w.init;
	w.l.xs = w.xs;
	w.l.cparam = w.cparam;
	w.l.xparam = w.xparam;
	w.l.next = w.root;
	w.l.out = w.root + w.l.nc;
	return sg_loop_make(b, &w.l);
}

sg_ref
sg_pick_batch(sg_build *b, const sg_node *pick, const sg_loop *old, sg_ref loop, sg_ext size)
{
	const sg_loop l = sg_loop_of(b->g, loop);
	const uint32_t k = (uint32_t)pick->attr->w[0], nc = l.nc;

	if (k < old->nc)
		return l.cparam[k] == old->cparam[k] ? sg_lead(b, sg_pick(b, loop, k), size)
		                                     : sg_pick(b, loop, k);
	if (old->op == SG_WHILE && k == old->nc)
		return sg_pick(b, loop, nc - 1); /* each slice's own count */
	return swap_leading(b, sg_pick(b, loop, nc + (k - old->nc)));
}
