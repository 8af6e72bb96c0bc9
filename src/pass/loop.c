/* loop.c - derivatives through SCAN and WHILE, without unrolling.
 *
 * Forward: the loop carries tangents beside its values. Reverse: the loop is run again with the carries
 * before each step stacked (a tape), then a loop in the opposite direction carries their adjoints, adds
 * up those of what the body reads from outside, and stacks those of the xs; within a step the
 * body's values are computed again from the tape (Griewank, Walther 2008, ch. 12). Params and
 * captures are held as independent within a body: what lies below a capture is the outer sweep's. */
#include "pass/sweep.h"
#include "rules/op.h"

#include <string.h>

uint32_t
sg_loop_results(const sg_loop *l)
{
	return l->op == SG_SCAN ? l->nc + l->ns : l->tape ? 2 * l->nc + 1 : l->nc;
}

static bool
is_float(const sg_build *b, sg_ref r)
{
	return sg_type_is_float(sg_type_of(b, r));
}

static sg_ref
seed_like(sg_build *b, sg_ref r)
{
	return sg_seed(b, sg_type_of(b, r), sg_shape_of(b, r), sg_space_fresh(b->sp));
}

/* A list of refs that grows. */
typedef struct refs {
	sg_ref *r;
	size_t n, cap;
} refs;

static void
push(sg_build *b, refs *v, sg_ref r)
{
	SG_PUSH(b->ctx, v->r, v->n, v->cap, r);
}

static void
push_all(sg_build *b, refs *v, uint32_t n, const sg_ref *r)
{
	for (uint32_t k = 0; k < n; k++)
		push(b, v, r[k]);
}

/* The parts of a loop that is being made. */
typedef struct parts {
	refs init, xs, cparam, xparam, next, out;
} parts;

static void
add_carry(sg_build *b, parts *p, sg_ref init, sg_ref param, sg_ref next)
{
	push(b, &p->init, init);
	push(b, &p->cparam, param);
	push(b, &p->next, next ? next : sg_const_like(b, init, 0));
}

static void
add_xs(sg_build *b, parts *p, sg_ref xs, sg_ref param)
{
	push(b, &p->xs, xs);
	push(b, &p->xparam, param);
}

static sg_ref
make(sg_build *b, const sg_loop *like, const parts *p)
{
	sg_loop l = *like;

	l.nc = (uint32_t)p->init.n;
	l.nx = (uint32_t)p->xs.n;
	l.ns = (uint32_t)p->out.n;
	l.init = p->init.r;
	l.xs = p->xs.r;
	l.cparam = p->cparam.r;
	l.xparam = p->xparam.r;
	l.next = p->next.r;
	l.out = p->out.r;
	return sg_loop_make(b, &l);
}

static parts
parts_of(sg_build *b, const sg_loop *l)
{
	parts p = {0};

	push_all(b, &p.init, l->nc, l->init);
	push_all(b, &p.xs, l->nx, l->xs);
	push_all(b, &p.cparam, l->nc, l->cparam);
	push_all(b, &p.xparam, l->nx, l->xparam);
	push_all(b, &p.next, l->nc, l->next);
	push_all(b, &p.out, l->ns, l->out);
	return p;
}

/* ---- reverse ---- */

typedef struct backward {
	sg_build *b;
	sg_loop l;
	uint32_t ns;          /* stacked results: outs, or the carries before each step of a taped WHILE */
	const sg_ref *out;
	const sg_ref *gs;     /* their adjoints; 0: none */
	sg_ref *gc, *gy;      /* their placeholders in a step: of carries, of stacked results */
	sg_ref *dc, *dx, *dk; /* adjoints of carries, xs, captures in a step; 0: none */
} backward;

/* One step backward, as a graph over the placeholders. */
static void
sweep_body(backward *w)
{
	sg_build *b = w->b;
	const sg_loop *l = &w->l;
	refs y = {0}, seed = {0}, x = {0};

	for (uint32_t k = 0; k < l->nc; k++)
		if (is_float(b, l->next[k])) {
			push(b, &y, l->next[k]);
			push(b, &seed, w->gc[k] = seed_like(b, l->next[k]));
		}
	for (uint32_t k = 0; k < w->ns; k++)
		if (w->gs[k]) {
			push(b, &y, w->out[k]);
			push(b, &seed, w->gy[k] = seed_like(b, w->out[k]));
		}
	push_all(b, &x, l->nc, l->cparam);
	push_all(b, &x, l->nx, l->xparam);
	push_all(b, &x, l->ncap, l->cap);
	sg_ref *d = SG_NEW_ARRAY(b->ctx, sg_ref, x.n + 1);
	sg_reverse_body(b, y.n, y.r, seed.r, x.n, x.r, d);
	w->dc = d;
	w->dx = d + l->nc;
	w->dk = d + l->nc + l->nx;
}

/* The params that the step backward reads. */
static sg_cone
reads(backward *w)
{
	const sg_loop *l = &w->l;
	refs root = {0}, param = {0};

	for (uint32_t k = 0; k < l->nc + l->nx + l->ncap; k++)
		if (w->dc[k])
			push(w->b, &root, w->dc[k]);
	push_all(w->b, &param, l->nc, l->cparam);
	push_all(w->b, &param, l->nx, l->xparam);
	return sg_cone_make(w->b, SG_FOLLOW_ALL, root.n, root.r, sg_lowest(param.n, param.r));
}

/* A WHILE without limit has a tape of no known length. */
static void
refuse(sg_build *b)
{
	sg_diag *d = sg_error(b->ctx, b->g->here, "while-limit",
	                      "a reverse derivative through 'while' needs a limit");

	sg_add_hint(b->ctx, d, "while(cond, body, carry, limit=100) bounds what is kept; or mode=\"forward\"");
}

/* The loop again with carry k before each step stacked, for those that are read; at[k] gets the PICK. */
static sg_ref
tape(backward *w, const sg_cone *cone, sg_ref *at)
{
	sg_build *b = w->b;
	const sg_loop *l = &w->l;
	parts p = parts_of(b, l);
	sg_loop like = *l;
	uint32_t *place = SG_NEW_ARRAY(b->ctx, uint32_t, l->nc + 1);
	sg_ref r;

	like.tape = true;
	for (uint32_t k = 0; l->op == SG_SCAN && k < l->nc; k++)
		if (sg_cone_has(cone, l->cparam[k])) {
			place[k] = (uint32_t)(l->nc + p.out.n);
			push(b, &p.out, l->cparam[k]);
		}
	r = make(b, &like, &p);
	for (uint32_t k = 0; k < l->nc; k++)
		if (sg_cone_has(cone, l->cparam[k]))
			at[k] = sg_pick(b, r, l->op == SG_SCAN ? place[k] : l->nc + 1 + k);
	return r;
}

void
sg_loop_vjp(sg_build *b, sg_ref r, const sg_ref *g, const bool *want, sg_ref *d)
{
	backward w = {.b = b, .l = sg_loop_of(b->g, r)};
	const sg_loop *l = &w.l;
	const uint32_t first = l->op == SG_SCAN, xs_at = first + l->nc, cap_at = xs_at + l->nx;
	parts p = {0};

	if (l->op == SG_WHILE && !l->limited) {
		refuse(b);
		return;
	}
	w.ns = l->op == SG_SCAN ? l->ns : l->tape ? l->nc : 0;
	w.out = l->op == SG_SCAN ? l->out : l->cparam;
	w.gs = g + l->nc + (l->op == SG_WHILE);
	w.gc = SG_NEW_ARRAY(b->ctx, sg_ref, l->nc + 1);
	w.gy = SG_NEW_ARRAY(b->ctx, sg_ref, w.ns + 1);
	sweep_body(&w);
	const sg_cone cone = reads(&w);
	sg_ref *kept = SG_NEW_ARRAY(b->ctx, sg_ref, l->nc + 1);
	const sg_ref taped = tape(&w, &cone, kept);
	uint32_t *slot = SG_NEW_ARRAY(b->ctx, uint32_t, cap_at + l->ncap + 1);

	for (uint32_t k = 0; k < l->nc; k++)
		if (w.gc[k]) {
			slot[first + k] = (uint32_t)p.init.n + 1;
			add_carry(b, &p, g[k] ? g[k] : sg_const_like(b, l->init[k], 0), w.gc[k], w.dc[k]);
		}
	for (uint32_t k = 0; k < l->ncap; k++)
		if (want[cap_at + k] && w.dk[k]) {
			const sg_ref sum = seed_like(b, l->cap[k]);

			slot[cap_at + k] = (uint32_t)p.init.n + 1;
			add_carry(b, &p, sg_const_like(b, l->cap[k], 0), sum,
			          sg_ew2(b, SG_ADD, sum, w.dk[k]));
		}
	for (uint32_t k = 0; k < l->nc; k++)
		if (kept[k])
			add_xs(b, &p, kept[k], l->cparam[k]);
	for (uint32_t k = 0; k < l->nx; k++)
		if (sg_cone_has(&cone, l->xparam[k]))
			add_xs(b, &p, l->xs[k], l->xparam[k]);
	for (uint32_t k = 0; k < w.ns; k++)
		if (w.gy[k])
			add_xs(b, &p, w.gs[k], w.gy[k]);
	for (uint32_t k = 0; k < l->nx; k++)
		if (want[xs_at + k] && w.dx[k]) {
			slot[xs_at + k] = (uint32_t)(p.init.n + p.out.n) + 1;
			push(b, &p.out, w.dx[k]);
		}
	const sg_loop like = {.op = SG_SCAN,
	                      .reverse = l->op == SG_WHILE || !l->reverse,
	                      .length = l->length,
	                      .count = l->op == SG_SCAN ? l->count : sg_pick(b, taped, l->nc)};
	const sg_ref back = make(b, &like, &p);
	for (uint32_t k = first; k < cap_at + l->ncap; k++)
		if (slot[k] && want[k])
			d[k] = sg_pick(b, back, slot[k] - 1);
}

/* ---- forward ---- */

typedef struct dual {
	sg_build *b;
	sg_loop l;
	const sg_ref *tx, *tk; /* tangents of xs and captures */
	sg_ref *tc;            /* placeholders of the tangents of the carries that have one */
	sg_ref *sx;            /* and of xs */
	refs x, t;             /* what has a tangent in a step, and it */
} dual;

static void
collect(dual *w)
{
	const sg_loop *l = &w->l;

	w->x.n = w->t.n = 0;
	for (uint32_t k = 0; k < l->nc; k++)
		if (w->tc[k])
			push(w->b, &w->x, l->cparam[k]), push(w->b, &w->t, w->tc[k]);
	for (uint32_t k = 0; k < l->nx; k++)
		if (w->sx[k])
			push(w->b, &w->x, l->xparam[k]), push(w->b, &w->t, w->sx[k]);
	for (uint32_t k = 0; k < l->ncap; k++)
		if (w->tk[k])
			push(w->b, &w->x, l->cap[k]), push(w->b, &w->t, w->tk[k]);
}

static sg_ref
step_tangent(dual *w, sg_ref y)
{
	return w->x.n ? sg_forward(w->b, y, w->x.n, w->x.r, w->t.r) : 0;
}

/* A carry has a tangent when its start has one or a step gives it one. */
static void
close_carries(dual *w)
{
	bool more = true;

	while (more) {
		more = false;
		collect(w);
		for (uint32_t k = 0; k < w->l.nc; k++)
			if (!w->tc[k] && is_float(w->b, w->l.next[k]) && step_tangent(w, w->l.next[k])) {
				w->tc[k] = seed_like(w->b, w->l.next[k]);
				more = true;
			}
	}
}

sg_ref
sg_loop_jvp(sg_build *b, sg_ref r, const sg_ref *t, int32_t *index)
{
	dual w = {.b = b, .l = sg_loop_of(b->g, r)};
	const sg_loop *l = &w.l;
	const sg_ref *init_t = t + (l->op == SG_SCAN);
	parts p = parts_of(b, l);

	w.tx = init_t + l->nc;
	w.tk = w.tx + l->nx;
	w.tc = SG_NEW_ARRAY(b->ctx, sg_ref, l->nc + 1);
	w.sx = SG_NEW_ARRAY(b->ctx, sg_ref, l->nx + 1);
	for (uint32_t k = 0; k < l->nc; k++)
		w.tc[k] = init_t[k] ? seed_like(b, l->cparam[k]) : 0;
	for (uint32_t k = 0; k < l->nx; k++)
		w.sx[k] = w.tx[k] ? seed_like(b, l->xparam[k]) : 0;
	close_carries(&w);
	for (uint32_t k = 0; k < sg_loop_results(l); k++)
		index[k] = -1;
	for (uint32_t k = 0; k < l->nc; k++)
		if (w.tc[k]) {
			index[k] = (int32_t)p.init.n;
			add_carry(b, &p, init_t[k] ? init_t[k] : sg_const_like(b, l->init[k], 0), w.tc[k],
			          step_tangent(&w, l->next[k]));
		}
	for (uint32_t k = 0; k < l->nx; k++)
		if (w.sx[k])
			add_xs(b, &p, w.tx[k], w.sx[k]);
	for (uint32_t k = 0; k < l->ns; k++) {
		const sg_ref ty = is_float(b, l->out[k]) ? step_tangent(&w, l->out[k]) : 0;

		if (ty) {
			index[l->nc + k] = (int32_t)(p.init.n + p.out.n);
			push(b, &p.out, ty);
		}
	}
	if (l->op == SG_WHILE && l->tape)
		for (uint32_t k = 0; k < l->nc; k++)
			if (index[k] >= 0)
				index[l->nc + 1 + k] = (int32_t)p.init.n + 1 + index[k];
	return make(b, l, &p);
}
