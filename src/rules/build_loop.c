/* build_loop.c - loops as nodes: SCAN, WHILE, and PICK, which reads their results.
 *
 * The body of a loop stands in the same graph as everything else: it is what the results of a step need
 * and what depends on the params. So loop-invariant work is outside by itself, equal bodies are
 * shared, and a derivative of a body is built like any other. Several loops may share one body. */
#include "rules/build.h"

#include <stdlib.h>
#include <string.h>

sg_loop
sg_loop_parts(const sg_node *n)
{
	const int64_t *w = n->attr->w;
	const sg_ref *a = n->args;
	sg_loop l = {.op = (sg_op)n->op, .nc = (uint32_t)w[0]};

	if (n->op == SG_SCAN) {
		l.nx = (uint32_t)w[1];
		l.ncap = (uint32_t)w[2];
		l.ns = (uint32_t)w[3];
		l.reverse = w[4] != 0;
		l.length = (sg_ext)w[5];
		l.count = *a++;
	} else {
		l.ncap = (uint32_t)w[1];
		l.tape = w[2] != 0;
		l.limited = w[3] != 0;
		l.length = (sg_ext)w[4];
	}
	l.init = a, a += l.nc;
	l.xs = a, a += l.nx;
	l.cap = a, a += l.ncap;
	l.cparam = a, a += l.nc;
	l.xparam = a, a += l.nx;
	if (n->op == SG_WHILE)
		l.cond = *a++;
	l.next = a, a += l.nc;
	l.out = a;
	return l;
}

sg_loop
sg_loop_of(const sg_graph *g, sg_ref r)
{
	return sg_loop_parts(sg_node_at(g, r));
}

uint32_t
sg_data_args(const sg_node *n)
{
	if (n->op != SG_SCAN && n->op != SG_WHILE)
		return n->nargs;
	const sg_loop l = sg_loop_parts(n);
	return (n->op == SG_SCAN) + l.nc + l.nx + l.ncap;
}

/* ---- bodies ---- */

/* Marks of nodes: reached; of the body; a param, reached or not; a capture that is on the list. */
enum { SEEN = 1, INSIDE = 2, PARAM = 4, KNOWN = 8 };

typedef struct reach {
	sg_ctx *ctx;
	const sg_graph *g;
	uint32_t *mark, now;
	sg_ref lo, hi; /* the lowest param; the highest root */
	sg_ref *ref;   /* what is reached, and is not below lo */
	size_t n, cap;
} reach;

static uint32_t
flags(const reach *w, sg_ref r)
{
	return w->mark[r] < w->now ? 0 : w->mark[r] - w->now;
}

static void
set(reach *w, sg_ref r, uint32_t flag)
{
	w->mark[r] = w->now + (flags(w, r) | flag);
}

static void
see(reach *w, sg_ref r)
{
	if (r < w->lo || (flags(w, r) & SEEN))
		return;
	set(w, r, SEEN);
	SG_PUSH(w->ctx, w->ref, w->n, w->cap, r);
}

static int
by_number(const void *a, const void *b)
{
	const sg_ref x = *(const sg_ref *)a, y = *(const sg_ref *)b;

	return (x > y) - (x < y);
}

/* What the roots need and is not below the lowest param, in order: in time of that, not of the part of the
 * graph that it is spread over. */
static void
find_reached(reach *w, size_t nroots, const sg_ref *root)
{
	for (size_t k = 0; k < nroots; k++)
		see(w, root[k]);
	for (size_t at = 0; at < w->n; at++) {
		const sg_node *n = sg_node_at(w->g, w->ref[at]);
		const uint32_t nargs = sg_data_args(n);

		for (uint32_t k = 0; k < nargs; k++)
			see(w, n->args[k]);
	}
	if (w->n > (w->hi - w->lo) / 8) {
		w->n = 0;
		for (sg_ref r = w->lo; r <= w->hi; r++)
			if (flags(w, r) & SEEN)
				w->ref[w->n++] = r;
	} else if (w->n) {
		qsort(w->ref, w->n, sizeof *w->ref, by_number);
	}
}

static reach
reach_of(sg_ctx *ctx, const sg_graph *g, size_t nroots, const sg_ref *root, size_t nparams,
         const sg_ref *param)
{
	reach w = {.ctx = ctx, .g = g, .lo = UINT32_MAX};

	w.mark = sg_graph_mark(g, &w.now);
	for (size_t k = 0; k < nparams; k++) {
		w.lo = param[k] < w.lo ? param[k] : w.lo;
		set(&w, param[k], INSIDE | PARAM);
	}
	for (size_t k = 0; k < nroots; k++)
		w.hi = root[k] > w.hi ? root[k] : w.hi;
	find_reached(&w, nroots, root);
	return w;
}

/* Is it written wherever it is read, and so no capture? */
static bool
is_free(const sg_node *n)
{
	return !n->nargs && n->op != SG_INPUT && n->op != SG_SEED;
}

/* The placeholders of a rule within the body are within it: what the rule makes of them and of
 * values from outside is no capture. True if one was not known to be. */
static bool
take_placeholders(reach *w, const sg_node *n)
{
	bool more = false;

	for (int64_t k = 1; n->op == SG_CUSTOM && k <= n->attr->w[1]; k++)
		if (!(flags(w, n->args[k]) & INSIDE)) {
			set(w, n->args[k], INSIDE | PARAM);
			more = true;
		}
	return more;
}

/* Marks what depends on a param; true if it has to be done again. */
static bool
find_inside(reach *w)
{
	bool again = false;

	for (size_t i = 0; i < w->n; i++) {
		const sg_node *n = sg_node_at(w->g, w->ref[i]);
		const uint32_t nargs = sg_data_args(n);

		for (uint32_t k = 0; k < nargs; k++)
			if (flags(w, n->args[k]) & INSIDE)
				set(w, w->ref[i], INSIDE);
		if ((flags(w, w->ref[i]) & INSIDE) && take_placeholders(w, n))
			again = true;
	}
	return again;
}

void
sg_loop_body(sg_ctx *ctx, const sg_graph *g, size_t nroots, const sg_ref *root, size_t nparams,
             const sg_ref *param, size_t *nbody, sg_ref **body, size_t *ncap, sg_ref **cap)
{
	reach w = reach_of(ctx, g, nroots, root, nparams, param);
	size_t body_cap = 0, cap_cap = 0;

	*nbody = *ncap = 0;
	*body = *cap = NULL;
	while (find_inside(&w))
		continue;
	for (size_t i = 0; i < w.n; i++)
		if ((flags(&w, w.ref[i]) & (INSIDE | PARAM)) == INSIDE &&
		    sg_data_args(sg_node_at(g, w.ref[i])))
			SG_PUSH(ctx, *body, *nbody, body_cap, w.ref[i]);
	/* The frontier: operands of members, and roots, that stand outside. */
	for (size_t i = 0; i < *nbody + nroots; i++) {
		const sg_ref r = i < *nbody ? (*body)[i] : root[i - *nbody];
		const sg_node *n = sg_node_at(g, r);
		const uint32_t nargs = i < *nbody ? sg_data_args(n) : 1;

		for (uint32_t k = 0; k < nargs; k++) {
			const sg_ref a = i < *nbody ? n->args[k] : r;

			if ((flags(&w, a) & (INSIDE | KNOWN)) || is_free(sg_node_at(g, a)))
				continue;
			set(&w, a, KNOWN);
			SG_PUSH(ctx, *cap, *ncap, cap_cap, a);
		}
	}
}

static size_t
roots_of(sg_ctx *ctx, const sg_loop *l, sg_ref **root)
{
	size_t n = 0;

	*root = SG_NEW_ARRAY(ctx, sg_ref, l->nc + l->ns + 1);
	for (uint32_t k = 0; k < l->nc; k++)
		(*root)[n++] = l->next[k];
	for (uint32_t k = 0; k < l->ns; k++)
		(*root)[n++] = l->out[k];
	if (l->cond)
		(*root)[n++] = l->cond;
	return n;
}

static size_t
params_of(sg_ctx *ctx, const sg_loop *l, sg_ref **param)
{
	*param = SG_NEW_ARRAY(ctx, sg_ref, l->nc + l->nx + 1);
	for (uint32_t k = 0; k < l->nc; k++)
		(*param)[k] = l->cparam[k];
	for (uint32_t k = 0; k < l->nx; k++)
		(*param)[l->nc + k] = l->xparam[k];
	return l->nc + l->nx;
}

void
sg_loop_members(sg_ctx *ctx, const sg_graph *g, sg_ref loop, size_t *nbody, sg_ref **body)
{
	const sg_loop l = sg_loop_of(g, loop);
	sg_ref *root, *param, *cap;
	size_t nroots = roots_of(ctx, &l, &root), nparams = params_of(ctx, &l, &param), ncap;

	sg_loop_body(ctx, g, nroots, root, nparams, param, nbody, body, &ncap, &cap);
}

/* ---- construction ---- */

static sg_ref *
append(sg_ref *at, uint32_t n, const sg_ref *from)
{
	if (n)
		memcpy(at, from, n * sizeof *at);
	return at + n;
}

sg_ref
sg_loop_make(sg_build *b, const sg_loop *l)
{
	sg_ref *root, *param, *body, *cap, *args, *a;
	const size_t nroots = roots_of(b->ctx, l, &root), nparams = params_of(b->ctx, l, &param);
	size_t nbody, ncap;

	sg_loop_body(b->ctx, b->g, nroots, root, nparams, param, &nbody, &body, &ncap, &cap);
	for (uint32_t k = 0; k < l->nc; k++)
		sg_need(b->ctx, sg_shape_of(b, l->init[k]) == sg_shape_of(b, l->next[k]) &&
		                    sg_type_of(b, l->init[k]) == sg_type_of(b, l->next[k]),
		        "a carry keeps its type and shape");
	a = args = SG_NEW_ARRAY(b->ctx, sg_ref, 2 + ncap + 3 * (size_t)l->nc + 2 * l->nx + l->ns);
	if (l->op == SG_SCAN)
		*a++ = l->count;
	a = append(a, l->nc, l->init);
	a = append(a, l->nx, l->xs);
	a = append(a, (uint32_t)ncap, cap);
	a = append(a, l->nc, l->cparam);
	a = append(a, l->nx, l->xparam);
	if (l->op == SG_WHILE)
		*a++ = l->cond;
	a = append(a, l->nc, l->next);
	a = append(a, l->ns, l->out);
	const int64_t scan[6] = {l->nc, l->nx, (int64_t)ncap, l->ns, l->reverse, l->length};
	const int64_t loop[5] = {l->nc, (int64_t)ncap, l->tape, l->limited, l->length};
	return sg_raw(b, l->op, SG_F64, sg_shape_scalar(b->sp), (uint32_t)(a - args), args,
	              l->op == SG_SCAN ? sg_attr_make(b->sp, 6, scan) : sg_attr_make(b->sp, 5, loop));
}

/* All operands are of one new graph, body and captures alike. */
sg_ref
sg_loop_remake(sg_build *b, const sg_node *n, const sg_ref *args)
{
	sg_node moved = *n;

	moved.args = args;
	const sg_loop l = sg_loop_parts(&moved);
	return sg_loop_make(b, &l);
}

static const sg_shape *
led(sg_build *b, sg_ext length, const sg_shape *s)
{
	sg_ext e[SG_MAX_RANK + 1] = {length};

	memcpy(e + 1, s->ext, s->rank * sizeof *e);
	return sg_shape_make(b->sp, s->rank + 1, e);
}

sg_ref
sg_pick(sg_build *b, sg_ref loop, uint32_t k)
{
	const sg_loop l = sg_loop_of(b->g, loop);
	const sg_shape *s;
	const int64_t w = k;
	sg_ref like = 0;

	if (k < l.nc) {
		like = l.init[k];
		s = sg_shape_of(b, like);
	} else if (l.op == SG_SCAN) {
		like = l.out[k - l.nc];
		s = led(b, l.length, sg_shape_of(b, like));
	} else if (k == l.nc) {
		return sg_raw(b, SG_PICK, SG_I64, sg_shape_scalar(b->sp), 1, &loop,
		              sg_attr_make(b->sp, 1, &w));
	} else {
		like = l.init[k - l.nc - 1];
		s = led(b, l.length, sg_shape_of(b, like));
	}
	return sg_raw(b, SG_PICK, sg_type_of(b, like), s, 1, &loop, sg_attr_make(b->sp, 1, &w));
}
