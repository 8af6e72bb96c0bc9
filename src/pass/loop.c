/* loop.c - derivatives through SCAN and WHILE, without unrolling.
 *
 * Forward: the loop carries tangents beside its values. Reverse: the loop is run again with the
 * carries before each step stacked (a tape), then a loop in the opposite direction carries their
 * adjoints, adds up those of what the body reads from outside, and stacks those of the xs; within a
 * step the body's values are computed again from the tape (Griewank, Walther 2008, ch. 12), but for
 * products and their like, which are on it. Params and captures are held as independent within a
 * body: what lies below a capture is the outer sweep's. */
#include "pass/loop.h"

#include "pass/guard.h"
#include "rules/op.h"

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

sg_ref
sg_seed_like(sg_build *b, sg_ref r)
{
	return sg_seed(b, sg_type_of(b, r), sg_shape_of(b, r), sg_space_fresh(b->sp));
}

void
sg_refs_push(sg_build *b, sg_refs *v, sg_ref r)
{
	SG_PUSH(b->ctx, v->r, v->n, v->cap, r);
}

void
sg_refs_add(sg_build *b, sg_refs *v, uint32_t n, const sg_ref *r)
{
	for (uint32_t k = 0; k < n; k++)
		sg_refs_push(b, v, r[k]);
}

/* The parts of a loop that is being made. */
typedef struct parts {
	sg_refs init, xs, cparam, xparam, next, out;
} parts;

static void
add_carry(sg_build *b, parts *p, sg_ref init, sg_ref param, sg_ref next)
{
	sg_refs_push(b, &p->init, init);
	sg_refs_push(b, &p->cparam, param);
	sg_refs_push(b, &p->next, next ? next : sg_const_like(b, init, 0));
}

static void
add_xs(sg_build *b, parts *p, sg_ref xs, sg_ref param)
{
	sg_refs_push(b, &p->xs, xs);
	sg_refs_push(b, &p->xparam, param);
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

	sg_refs_add(b, &p.init, l->nc, l->init);
	sg_refs_add(b, &p.xs, l->nx, l->xs);
	sg_refs_add(b, &p.cparam, l->nc, l->cparam);
	sg_refs_add(b, &p.xparam, l->nx, l->xparam);
	sg_refs_add(b, &p.next, l->nc, l->next);
	sg_refs_add(b, &p.out, l->ns, l->out);
	return p;
}

/* ---- reverse ---- */

/* What a step reads of g, the adjoint of what is stacked from y: a number that is the same in all
 * steps is read as such, and makes no array. */
static sg_ref
adjoint_in_step(sg_build *b, sg_ref y, sg_ref g)
{
	double v;

	return sg_is_const(b, g, &v) ? sg_const_like(b, y, v) : sg_seed_like(b, y);
}

/* The adjoint of stacked result k in a step; of what loops backward read, where it is taken. */
static sg_adj
seed_of_result(sg_backward *w, uint32_t k)
{
	sg_build *b = w->b;
	const sg_mask *mask = w->gs[k].mask;
	sg_adj a = sg_adj_plain(w->gy[k] = adjoint_in_step(b, w->out[k], w->gs[k].raw));

	if (w->l.op != SG_SCAN || !mask || !mask->of_rows || sg_node_at(b->g, a.raw)->op != SG_SEED)
		return a;
	w->my[k] = sg_seed(b, SG_BOOL, sg_shape_of(b, w->out[k]), sg_space_fresh(b->sp));
	a.mask = sg_mask_plain(b, w->my[k]);
	return a;
}

/* Is xs[k] what another loop stacks, for this one to go back through it or through what does? */
static bool
is_taped(const sg_build *b, const sg_loop *l, uint32_t k)
{
	bool back = l->reverse;

	for (uint32_t i = 0; i < l->nx && !back; i++)
		back = sg_node_at(b->g, l->xs[i])->op == SG_PICK &&
		       sg_loop_of(b->g, sg_arg(b->g, l->xs[i], 0)).reverse;
	return back && sg_node_at(b->g, l->xs[k])->op == SG_PICK;
}

/* What is the same in all steps is read from outside, even if only one side of a where() in the
 * body reads it; and so is what has been kept of a step. */
static void
find_masks(sg_backward *w, const sg_adj *of_xs, const sg_adj *of_captures)
{
	sg_build *b = w->b;

	for (uint32_t k = 0; k < w->l.nx; k++)
		w->mx[k] = is_taped(b, &w->l, k) ? sg_mask_in_step(b, of_xs[k].mask) : 0;
	for (uint32_t k = 0; k < w->l.ncap; k++)
		w->mk[k] =
		    sg_is_given(b, w->l.cap[k]) ? 0 : sg_mask_in_step(b, of_captures[k].mask);
}

/* One step backward, as a graph over the placeholders. */
static void
sweep_body(sg_backward *w)
{
	sg_build *b = w->b;
	const sg_loop *l = &w->l;
	sg_refs y = {0}, x = {0};
	sg_adj *seed = SG_NEW_ARRAY(b->ctx, sg_adj, l->nc + w->ns + 1);

	for (uint32_t k = 0; k < l->nc; k++)
		if (is_float(b, l->next[k])) {
			seed[y.n] = sg_adj_plain(w->gc[k] = sg_seed_like(b, l->next[k]));
			sg_refs_push(b, &y, l->next[k]);
		}
	for (uint32_t k = 0; k < w->ns; k++)
		if (w->gs[k].raw) {
			seed[y.n] = seed_of_result(w, k);
			sg_refs_push(b, &y, w->out[k]);
		}
	sg_refs_add(b, &x, l->nc, l->cparam);
	sg_refs_add(b, &x, l->nx, l->xparam);
	sg_refs_add(b, &x, l->ncap, l->cap);
	sg_adj *a = SG_NEW_ARRAY(b->ctx, sg_adj, x.n + 1);
	sg_ref *d = SG_NEW_ARRAY(b->ctx, sg_ref, x.n + l->nx + l->ncap + 1);
	sg_reverse_body(b, y.n, y.r, seed, x.n, x.r, a);
	for (size_t k = 0; k < x.n; k++)
		d[k] = sg_adj_solid(b, a[k]);
	w->dc = d;
	w->dx = d + l->nc;
	w->dk = d + l->nc + l->nx;
	w->mx = d + x.n;
	w->mk = d + x.n + l->nx;
	find_masks(w, a + l->nc, a + l->nc + l->nx);
}

sg_refs
sg_backward_adjoints(const sg_backward *w)
{
	sg_refs seed = {0};

	for (uint32_t k = 0; k < w->l.nc; k++)
		if (w->gc[k])
			sg_refs_push(w->b, &seed, w->gc[k]);
	for (uint32_t k = 0; k < w->ns; k++)
		if (w->gy[k] && sg_node_at(w->b->g, w->gy[k])->op == SG_SEED)
			sg_refs_push(w->b, &seed, w->gy[k]);
	return seed;
}

sg_cone
sg_backward_reads(const sg_backward *w, const sg_refs *param)
{
	const sg_loop *l = &w->l;
	sg_refs root = {0};

	for (uint32_t k = 0; k < l->nc + 2 * (l->nx + l->ncap); k++)
		if (w->dc[k])
			sg_refs_push(w->b, &root, w->dc[k]);
	return sg_cone_make(w->b, SG_FOLLOW_ALL, root.n, root.r, sg_lowest(param->n, param->r));
}

static sg_refs
params_of(sg_build *b, const sg_loop *l)
{
	sg_refs param = {0};

	sg_refs_add(b, &param, l->nc, l->cparam);
	sg_refs_add(b, &param, l->nx, l->xparam);
	return param;
}

/* A WHILE without limit has a tape of no known length. */
static void
refuse(sg_build *b)
{
	sg_diag *d = sg_error(b->ctx, b->g->here, "while-limit",
	                      "a reverse derivative through 'while' needs a limit");

	sg_add_hint(b->ctx, d,
	            "while(cond, body, carry, limit=100) bounds what is kept; or mode=\"forward\"");
}

/* The loop again with carry k before each step stacked, for those that are read, and what is kept
 * beside them; at[k] gets the PICK, at[nc + i] that of value i, or of the last value of its carry.
 */
static sg_ref
tape(sg_backward *w, const sg_cone *cone, sg_ref *at)
{
	sg_build *b = w->b;
	const sg_loop *l = &w->l;
	parts p = parts_of(b, l);
	sg_loop like = *l;
	uint32_t *place = SG_NEW_ARRAY(b->ctx, uint32_t, l->nc + 1);
	const size_t values = w->dear.n;
	uint32_t first;
	sg_ref r;

	like.tape = true;
	for (uint32_t k = 0; l->op == SG_SCAN && k < l->nc; k++)
		if (sg_cone_has(cone, l->cparam[k])) {
			place[k] = (uint32_t)(l->nc + p.out.n);
			sg_refs_push(b, &p.out, l->cparam[k]);
		}
	first = (uint32_t)(l->nc + p.out.n);
	for (size_t k = 0; k < values; k++)
		if (!w->carry[k])
			sg_refs_push(b, &p.out, w->dear.r[k]);
	r = make(b, &like, &p);
	for (size_t k = 0; k < values; k++)
		at[l->nc + k] = sg_pick(b, r, w->carry[k] ? w->carry[k] - 1 : first++);
	for (uint32_t k = 0; k < l->nc; k++)
		if (sg_cone_has(cone, l->cparam[k]))
			at[k] = sg_pick(b, r, l->op == SG_SCAN ? place[k] : l->nc + 1 + k);
	return r;
}

/* By member of the step backward: does it vary from step to step? A mask that comes of a loop hangs
 * on all that the loop reads. */
static const bool *
varying(const sg_backward *w, const sg_cone *cone, const sg_refs *param)
{
	sg_refs given = sg_backward_adjoints(w);

	sg_refs_add(w->b, &given, (uint32_t)param->n, param->r);
	sg_refs_add(w->b, &given, (uint32_t)w->kept.n, w->kept.r);
	for (uint32_t k = 0; k < w->ns; k++)
		if (w->my[k])
			sg_refs_push(w->b, &given, w->my[k]);
	return sg_cone_active(w->b, cone, given.n, given.r);
}

static bool
mask_varies(const sg_cone *cone, const bool *varies, sg_ref mask)
{
	return mask && sg_cone_has(cone, mask) && varies[sg_cone_at(cone, mask)];
}

void
sg_loop_vjp(sg_build *b, sg_ref r, const sg_adj *g, const bool *want, sg_adj *d)
{
	sg_backward w = {.b = b, .l = sg_loop_of(b->g, r)};
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
	w.my = SG_NEW_ARRAY(b->ctx, sg_ref, w.ns + 1);
	sweep_body(&w);
	for (uint32_t k = 0; k < l->nx + l->ncap; k++)
		if (!want[xs_at + k])
			w.mx[k] = 0; /* mk is behind */
	const sg_refs param = params_of(b, l);
	if (l->op == SG_SCAN)
		sg_keep_dear(&w, &param);
	const sg_cone cone = sg_backward_reads(&w, &param);
	sg_ref *kept = SG_NEW_ARRAY(b->ctx, sg_ref, l->nc + w.dear.n + 1);
	sg_find_next_carries(&w, &cone);
	const sg_ref taped = tape(&w, &cone, kept);
	const bool *varies = varying(&w, &cone, &param);
	uint32_t *slot = SG_NEW_ARRAY(b->ctx, uint32_t, cap_at + l->ncap + 1);
	uint32_t *slot_of_mask = SG_NEW_ARRAY(b->ctx, uint32_t, cap_at + l->ncap + 1);

	for (uint32_t k = 0; k < l->nc; k++)
		if (w.gc[k]) {
			slot[first + k] = (uint32_t)p.init.n + 1;
			add_carry(b, &p, g[k].raw ? g[k].raw : sg_const_like(b, l->init[k], 0),
			          w.gc[k], w.dc[k]);
		}
	for (uint32_t k = 0; k < l->ncap; k++)
		if (want[cap_at + k] && w.dk[k]) {
			const sg_ref sum = sg_seed_like(b, l->cap[k]);

			const sg_ref more = sg_ew2(b, SG_ADD, sum, w.dk[k]);

			slot[cap_at + k] = (uint32_t)p.init.n + 1;
			add_carry(b, &p, sg_const_like(b, l->cap[k], 0), sum, more);
			if (mask_varies(&cone, varies, w.mk[k])) {
				const sg_ref any = sg_seed_like(b, w.mk[k]);

				slot_of_mask[cap_at + k] = (uint32_t)p.init.n + 1;
				add_carry(b, &p, sg_const_like(b, w.mk[k], 0), any,
				          sg_ew2(b, SG_OR, any, w.mk[k]));
			}
		}
	for (uint32_t k = 0; k < l->nc; k++)
		if (kept[k])
			add_xs(b, &p, kept[k], l->cparam[k]);
	for (size_t k = 0; k < w.dear.n; k++)
		if (w.carry[k])
			add_carry(b, &p, kept[l->nc + k], w.kept.r[k], l->cparam[w.carry[k] - 1]);
		else
			add_xs(b, &p, kept[l->nc + k], w.kept.r[k]);
	for (uint32_t k = 0; k < l->nx; k++)
		if (sg_cone_has(&cone, l->xparam[k]))
			add_xs(b, &p, l->xs[k], l->xparam[k]);
	for (uint32_t k = 0; k < w.ns; k++)
		if (w.gy[k] && sg_node_at(b->g, w.gy[k])->op == SG_SEED)
			add_xs(b, &p, w.gs[k].raw, w.gy[k]);
	for (uint32_t k = 0; k < w.ns; k++)
		if (w.my[k])
			add_xs(b, &p, w.gs[k].mask->node, w.my[k]);
	for (uint32_t k = 0; k < l->nx; k++)
		if (want[xs_at + k] && w.dx[k]) {
			slot[xs_at + k] = (uint32_t)(p.init.n + p.out.n) + 1;
			sg_refs_push(b, &p.out, w.dx[k]);
			if (mask_varies(&cone, varies, w.mx[k])) {
				slot_of_mask[xs_at + k] = (uint32_t)(p.init.n + p.out.n) + 1;
				sg_refs_push(b, &p.out, w.mx[k]);
			}
		}
	const sg_loop like = {.op = SG_SCAN,
	                      .reverse = l->op == SG_WHILE || !l->reverse,
	                      .length = l->length,
	                      .count = l->op == SG_SCAN ? l->count : sg_pick(b, taped, l->nc)};
	const sg_ref back = make(b, &like, &p);
	for (uint32_t k = first; k < cap_at + l->ncap; k++)
		if (slot[k] && want[k])
			d[k] = sg_adj_plain(sg_pick(b, back, slot[k] - 1));
	for (uint32_t k = 0; k < l->nx + l->ncap; k++) {
		sg_ref m = w.mx[k];

		if (!d[xs_at + k].raw || !m)
			continue;
		if (slot_of_mask[xs_at + k])
			m = sg_pick(b, back, slot_of_mask[xs_at + k] - 1);
		d[xs_at + k].mask =
		    k < l->nx ? sg_mask_of_rows(b, m, slot_of_mask[xs_at + k] != 0, l->xs[k])
			      : sg_mask_like(b, m, l->cap[k - l->nx]);
	}
}

/* ---- forward ---- */

typedef struct dual {
	sg_build *b;
	sg_loop l;
	const sg_ref *tx, *tk; /* tangents of xs and captures */
	sg_ref *tc;            /* placeholders of the tangents of the carries that have one */
	sg_ref *sx;            /* and of xs */
	sg_refs x, t;          /* what has a tangent in a step, and it */
	sg_ref *ty;            /* tangents of the next carries and of what is stacked; 0: none */
} dual;

static void
collect(dual *w)
{
	const sg_loop *l = &w->l;

	w->x.n = w->t.n = 0;
	for (uint32_t k = 0; k < l->nc; k++)
		if (w->tc[k])
			sg_refs_push(w->b, &w->x, l->cparam[k]),
			    sg_refs_push(w->b, &w->t, w->tc[k]);
	for (uint32_t k = 0; k < l->nx; k++)
		if (w->sx[k])
			sg_refs_push(w->b, &w->x, l->xparam[k]),
			    sg_refs_push(w->b, &w->t, w->sx[k]);
	for (uint32_t k = 0; k < l->ncap; k++)
		if (w->tk[k])
			sg_refs_push(w->b, &w->x, l->cap[k]), sg_refs_push(w->b, &w->t, w->tk[k]);
}

/* One walk for all results of a step: a loop in the body has its tangents made once. */
static void
step_tangents(dual *w)
{
	const sg_loop *l = &w->l;
	sg_refs y = {0};

	collect(w);
	sg_refs_add(w->b, &y, l->nc, l->next);
	sg_refs_add(w->b, &y, l->ns, l->out);
	if (w->x.n)
		sg_forward_all(w->b, y.n, y.r, w->x.n, w->x.r, w->t.r, w->ty);
}

/* A carry has a tangent when its start has one or a step gives it one. */
static void
close_carries(dual *w)
{
	bool more = true;

	while (more) {
		more = false;
		step_tangents(w);
		for (uint32_t k = 0; k < w->l.nc; k++)
			if (!w->tc[k] && is_float(w->b, w->l.next[k]) && w->ty[k]) {
				w->tc[k] = sg_seed_like(w->b, w->l.next[k]);
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
	w.ty = SG_NEW_ARRAY(b->ctx, sg_ref, (size_t)l->nc + l->ns + 1);
	for (uint32_t k = 0; k < l->nc; k++)
		w.tc[k] = init_t[k] ? sg_seed_like(b, l->cparam[k]) : 0;
	for (uint32_t k = 0; k < l->nx; k++)
		w.sx[k] = w.tx[k] ? sg_seed_like(b, l->xparam[k]) : 0;
	close_carries(&w);
	for (uint32_t k = 0; k < sg_loop_results(l); k++)
		index[k] = -1;
	for (uint32_t k = 0; k < l->nc; k++)
		if (w.tc[k]) {
			index[k] = (int32_t)p.init.n;
			add_carry(b, &p, init_t[k] ? init_t[k] : sg_const_like(b, l->init[k], 0),
			          w.tc[k], w.ty[k]);
		}
	for (uint32_t k = 0; k < l->nx; k++)
		if (w.sx[k])
			add_xs(b, &p, w.tx[k], w.sx[k]);
	for (uint32_t k = 0; k < l->ns; k++) {
		const sg_ref ty = is_float(b, l->out[k]) ? w.ty[l->nc + k] : 0;

		if (ty) {
			index[l->nc + k] = (int32_t)(p.init.n + p.out.n);
			sg_refs_push(b, &p.out, ty);
		}
	}
	if (l->op == SG_WHILE && l->tape)
		for (uint32_t k = 0; k < l->nc; k++)
			if (index[k] >= 0)
				index[l->nc + 1 + k] = (int32_t)p.init.n + 1 + index[k];
	return make(b, l, &p);
}
