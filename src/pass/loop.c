/* loop.c - derivatives through SCAN and WHILE, without unrolling.
 *
 * Forward: the loop carries tangents beside its values. Reverse: the loop is run again with the
 * carries before each step stacked (a tape), then a loop in the opposite direction carries their
 * adjoints, adds up those of what the body reads from outside, and stacks those of the xs; within a
 * step the body's values are computed again from the tape (Griewank, Walther 2008, ch. 12), but for
 * products and their like, which are on it. Params and captures are held as independent within a
 * body: what lies below a capture is the outer sweep's. */
#include "pass/sweep.h"
#include "rules/op.h"

#include <string.h>

/* Operations for an element of a value that is rather kept than computed again; for one of a few
 * numbers, which no SIMD makes cheap: a quotient or a root, behind which others wait. */
enum { DEAR = 32, FEW = 6, DEAR_OF_FEW = 4, LONG = 8 };

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
	uint32_t ns; /* stacked results: outs, or the carries before each step of a taped WHILE */
	const sg_ref *out;
	const sg_ref *gs;     /* their adjoints; 0: none */
	sg_ref *gc, *gy;      /* what stands for them in a step: of carries, of stacked results */
	sg_ref *dc, *dx, *dk; /* adjoints of carries, xs, captures in a step; 0: none */
	sg_ref *mk;           /* where those of captures are taken in a step; 0: not looked at */
	refs dear;            /* values of the body that are kept too, */
	refs kept;            /* and their placeholders in a step backward */
	uint32_t *carry; /* by these: the carry, + 1, whose next value it is; 0: it is stacked */
} backward;

/* What a step reads of g, the adjoint of what is stacked from y: a number that is the same in all
 * steps is read as such, and makes no array. */
static sg_ref
adjoint_in_step(sg_build *b, sg_ref y, sg_ref g)
{
	double v;

	return sg_is_const(b, g, &v) ? sg_const_like(b, y, v) : seed_like(b, y);
}

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
			push(b, &seed, w->gy[k] = adjoint_in_step(b, w->out[k], w->gs[k]));
		}
	push_all(b, &x, l->nc, l->cparam);
	push_all(b, &x, l->nx, l->xparam);
	push_all(b, &x, l->ncap, l->cap);
	sg_adj *a = SG_NEW_ARRAY(b->ctx, sg_adj, x.n + 1);
	sg_ref *d = SG_NEW_ARRAY(b->ctx, sg_ref, x.n + l->ncap + 1);
	sg_reverse_body(b, y.n, y.r, seed.r, x.n, x.r, a);
	for (size_t k = 0; k < x.n; k++)
		d[k] = sg_adj_solid(b, a[k]);
	w->dc = d;
	w->dx = d + l->nc;
	w->dk = d + l->nc + l->nx;
	w->mk = d + x.n;
	for (uint32_t k = 0; k < l->ncap; k++)
		w->mk[k] = sg_mask_of_capture(b, l->cap[k], a[l->nc + l->nx + k].mask);
}

/* What the step backward reads, from the params on. */
static sg_cone
reads(const backward *w, const refs *param)
{
	const sg_loop *l = &w->l;
	refs root = {0};

	for (uint32_t k = 0; k < l->nc + l->nx + 2 * l->ncap; k++)
		if (w->dc[k])
			push(w->b, &root, w->dc[k]);
	return sg_cone_make(w->b, SG_FOLLOW_ALL, root.n, root.r, sg_lowest(param->n, param->r));
}

static refs
params_of(sg_build *b, const sg_loop *l)
{
	refs param = {0};

	push_all(b, &param, l->nc, l->cparam);
	push_all(b, &param, l->nx, l->xparam);
	return param;
}

/* ---- what is kept besides carries ---- */

/* Does each element of r cost far more than its place? */
static bool
is_dear(sg_build *b, sg_ref r)
{
	const sg_node *n = sg_node_at(b->g, r);
	int64_t each, size;

	if (sg_is_ew(n->op))
		return is_float(b, r) && sg_ops[n->op].cost >= DEAR_OF_FEW &&
		       sg_ext_const(b->sp, sg_shape_size(b->sp, n->shape), &size) && size <= FEW;
	switch (n->op) {
	case SG_CONTRACT:
	case SG_CHOLESKY:
	case SG_TRISOLVE:
	case SG_LUSOLVE:
	case SG_LOGSUMEXP:
		break;
	default:
		return false;
	}
	return is_float(b, r) &&
	       (!sg_ext_const(b->sp,
	                      sg_ext_div(b->sp, sg_node_cost(b, r), sg_shape_size(b->sp, n->shape)),
	                      &each) ||
	        each >= DEAR);
}

/* By member of the cone: its only reader there; 0: there is none, or several. */
static sg_ref *
readers(sg_build *b, const sg_cone *c)
{
	sg_ref *reader = SG_NEW_ARRAY(b->ctx, sg_ref, c->n);
	bool *several = SG_NEW_ARRAY(b->ctx, bool, c->n);

	for (uint32_t i = 0; i < c->n; i++)
		for (uint32_t k = 0; k < sg_data_args(sg_node_at(b->g, c->member[i])); k++) {
			const sg_ref a = sg_arg(b->g, c->member[i], k);

			if (!sg_cone_has(c, a))
				continue;
			const uint32_t at = sg_cone_at(c, a);

			several[at] = several[at] || (reader[at] && reader[at] != c->member[i]);
			reader[at] = c->member[i];
		}
	for (uint32_t i = 0; i < c->n; i++)
		if (several[i])
			reader[i] = 0;
	return reader;
}

/* The step forward, from the params on. */
static sg_cone
forward_body(const backward *w, const refs *param)
{
	refs root = {0};

	push_all(w->b, &root, w->l.nc, w->l.next);
	push_all(w->b, &root, w->l.ns, w->l.out);
	return sg_cone_make(w->b, SG_FOLLOW_ALL, root.n, root.r, sg_lowest(param->n, param->r));
}

/* What stands for adjoints in a step. */
static refs
adjoints_of(const backward *w)
{
	refs seed = {0};

	for (uint32_t k = 0; k < w->l.nc; k++)
		if (w->gc[k])
			push(w->b, &seed, w->gc[k]);
	for (uint32_t k = 0; k < w->ns; k++)
		if (w->gy[k] && sg_node_at(w->b->g, w->gy[k])->op == SG_SEED)
			push(w->b, &seed, w->gy[k]);
	return seed;
}

/* By member of the step backward: is it made of adjoints, so that no step forward can tell it? */
static const bool *
of_adjoints(const backward *w, const sg_cone *back)
{
	const refs seed = adjoints_of(w);

	return sg_cone_active(w->b, back, seed.n, seed.r);
}

/* Is it part of a rule, as far as that is known of members of the step backward and of placeholders
 * that are none, being older than the loop's params? */
static bool
is_of_rule(const sg_cone *back, const bool *is, const sg_bytes_map *older, sg_ref r)
{
	return sg_cone_has(back, r) ? is[sg_cone_at(back, r)]
	                            : sg_bytes_map_get(older, &r, sizeof r) != NULL;
}

/* By member of the step backward: is it part of a user's rule for an adjoint that has not come, so
 * that it has no value? */
static const bool *
of_rules(sg_build *b, const sg_cone *back)
{
	bool *is = SG_NEW_ARRAY(b->ctx, bool, back->n);
	sg_bytes_map *older = sg_bytes_map_new(b->ctx);

	for (uint32_t i = 0; i < back->n; i++) {
		const sg_node *n = sg_node_at(b->g, back->member[i]);

		for (uint32_t k = 0; n->op == SG_CUSTOM && k < (uint32_t)n->attr->w[1]; k++)
			if (sg_cone_has(back, n->args[1 + k]))
				is[sg_cone_at(back, n->args[1 + k])] = true;
			else
				*sg_bytes_map_at(older, &n->args[1 + k], sizeof n->args[1 + k]) =
				    is;
	}
	for (uint32_t i = 0; i < back->n; i++) {
		const sg_node *n = sg_node_at(b->g, back->member[i]);

		for (uint32_t k = 0; n->op != SG_CUSTOM && k < n->nargs && !is[i]; k++)
			is[i] = is_of_rule(back, is, older, n->args[k]);
	}
	return is;
}

/* What is looked at to find what is kept; all but body by member of back. */
typedef struct keeping {
	backward *w;
	sg_cone back, body;   /* the two steps */
	const sg_ref *reader; /* the only one; 0: none, or several */
	const bool *varies;   /* from step to step */
	const bool *adjoint;  /* it is made of adjoints */
	const bool *rule;     /* it is part of a rule */
	bool *kept;
} keeping;

static void
keep(keeping *k, sg_ref r)
{
	backward *w = k->w;
	bool *kept = &k->kept[sg_cone_at(&k->back, r)];
	sg_ref placeholder;

	if (*kept || k->rule[sg_cone_at(&k->back, r)])
		return;
	*kept = true;
	placeholder = seed_like(w->b, r);
	w->b->g->name[placeholder] = w->b->g->name[r];
	push(w->b, &w->dear, r);
	push(w->b, &w->kept, placeholder);
}

/* Values that the step backward needs, that the step forward has or could have, and that are dear
 * to compute again: they are stacked as carries are. Where one is read by one elementwise operation
 * alone, which gives as many elements, the result of that is kept instead: of x @ w + h @ u + b,
 * the sum. */
static void
keep_dear_values(keeping *k)
{
	sg_build *b = k->w->b;

	for (uint32_t i = 0; i < k->back.n; i++) {
		sg_ref r = k->back.member[i], next;

		if (!k->varies[i] || k->adjoint[i] || !is_dear(b, r) ||
		    (!sg_cone_has(&k->body, r) && !sg_is_ew(sg_node_at(b->g, r)->op)))
			continue;
		while ((next = k->reader[sg_cone_at(&k->back, r)]) != 0 &&
		       sg_cone_has(&k->body, next) && sg_is_ew(sg_node_at(b->g, next)->op) &&
		       is_float(b, next) && sg_shape_of(b, next) == sg_shape_of(b, r))
			r = next;
		keep(k, r);
	}
}

/* Is it what adjoints are made with, or what a step gives as one? */
static bool *
meets_adjoints(const keeping *k)
{
	const sg_build *b = k->w->b;
	const sg_loop *l = &k->w->l;
	bool *meets = SG_NEW_ARRAY(b->ctx, bool, k->back.n);

	for (uint32_t i = 0; i < k->back.n; i++)
		for (uint32_t a = 0; k->adjoint[i] && a < sg_at(b, k->back.member[i]).nargs; a++) {
			const sg_ref x = sg_arg(b->g, k->back.member[i], a);

			if (sg_cone_has(&k->back, x))
				meets[sg_cone_at(&k->back, x)] = true;
		}
	for (uint32_t i = 0; i < l->nc + l->nx + l->ncap; i++)
		if (k->w->dc[i] && sg_cone_has(&k->back, k->w->dc[i]))
			meets[sg_cone_at(&k->back, k->w->dc[i])] = true;
	return meets;
}

/* By member of the step backward: how many read it. */
static uint32_t *
count_readers(const keeping *k)
{
	const sg_build *b = k->w->b;
	uint32_t *n = SG_NEW_ARRAY(b->ctx, uint32_t, k->back.n);

	for (uint32_t i = 0; i < k->back.n; i++)
		for (uint32_t a = 0; a < sg_at(b, k->back.member[i]).nargs; a++) {
			const sg_ref x = sg_arg(b->g, k->back.member[i], a);

			if (sg_cone_has(&k->back, x))
				n[sg_cone_at(&k->back, x)]++;
		}
	return n;
}

/* Operations on elements for r; what several read, each has a part of. */
static int64_t
work_for(const keeping *k, const uint32_t *nreaders, const int64_t *work, sg_ref r)
{
	const sg_build *b = k->w->b;
	const sg_node n = sg_at(b, r);
	int64_t sum = 0;

	if (sg_is_ew(n.op) && !sg_ext_const(b->sp, sg_shape_size(b->sp, n.shape), &sum))
		return 0;
	sum *= sg_is_ew(n.op) ? sg_ops[n.op].cost : 0;
	for (uint32_t a = 0; a < n.nargs; a++)
		if (sg_cone_has(&k->back, n.args[a])) {
			const uint32_t at = sg_cone_at(&k->back, n.args[a]);

			sum += work[at] / nreaders[at];
		}
	return sum;
}

/* Is member i a few numbers of an operation of the step forward? Then how many; else 0. */
static int64_t
few_numbers(const keeping *k, uint32_t i)
{
	const sg_build *b = k->w->b;
	const sg_node *n = sg_node_at(b->g, k->back.member[i]);
	int64_t size;

	if (!k->varies[i] || k->adjoint[i] || !sg_is_ew(n->op) ||
	    !sg_type_is_float((sg_type)n->type) ||
	    !sg_ext_const(b->sp, sg_shape_size(b->sp, n->shape), &size) || size > FEW)
		return 0;
	return size;
}

/* A few numbers that adjoints meet, and that many operations lead to. */
static void
keep_ends(keeping *k)
{
	sg_build *b = k->w->b;
	uint32_t first = 0;

	while (first < k->back.n && few_numbers(k, first) == 0)
		first++;
	if (first == k->back.n)
		return;
	const bool *meets = meets_adjoints(k);
	const uint32_t *nreaders = count_readers(k);
	int64_t *work = SG_NEW_ARRAY(b->ctx, int64_t, k->back.n);

	for (uint32_t i = 0; i < k->back.n; i++) {
		const int64_t size = few_numbers(k, i);

		if (!k->varies[i] || k->adjoint[i] || k->kept[i])
			continue;
		work[i] = work_for(k, nreaders, work, k->back.member[i]);
		if (!meets[i] || size == 0 || work[i] < LONG * size)
			continue;
		keep(k, k->back.member[i]);
		work[i] = 0;
	}
}

static void
find_dear(backward *w, const refs *param)
{
	keeping k = {.w = w, .back = reads(w, param), .body = forward_body(w, param)};

	k.reader = readers(w->b, &k.back);
	k.varies = sg_cone_active(w->b, &k.back, param->n, param->r);
	k.adjoint = of_adjoints(w, &k.back);
	k.rule = of_rules(w->b, &k.back);
	k.kept = SG_NEW_ARRAY(w->b->ctx, bool, k.back.n);
	keep_dear_values(&k);
	keep_ends(&k);
}

/* The step backward reads what is kept. */
static void
keep_dear(backward *w, const refs *param)
{
	const size_t n = w->l.nc + w->l.nx + 2 * (size_t)w->l.ncap;
	refs root = {0};

	find_dear(w, param);
	if (w->dear.n == 0)
		return;
	for (size_t k = 0; k < n; k++)
		if (w->dc[k])
			push(w->b, &root, w->dc[k]);
	sg_substitute(w->b, root.n, root.r, w->dear.n, w->dear.r, w->kept.r);
	for (size_t k = n; k-- > 0;)
		if (w->dc[k])
			w->dc[k] = root.r[--root.n];
}

/* The next value of a carry that is stacked is the row behind: the loop backward, which has read
 * that just before, carries it on, and no array holds it twice. */
static void
find_next_carries(backward *w, const sg_cone *cone)
{
	const sg_loop *l = &w->l;
	sg_bytes_map *of = w->dear.n ? sg_bytes_map_new(w->b->ctx) : NULL;

	w->carry = SG_NEW_ARRAY(w->b->ctx, uint32_t, w->dear.n + 1);
	for (uintptr_t k = 0; of && k < l->nc; k++)
		if (sg_cone_has(cone, l->cparam[k]))
			*sg_bytes_map_at(of, &l->next[k], sizeof l->next[k]) = (void *)(k + 1);
	for (size_t i = 0; i < w->dear.n; i++)
		w->carry[i] =
		    (uint32_t)(uintptr_t)sg_bytes_map_get(of, &w->dear.r[i], sizeof w->dear.r[i]);
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
tape(backward *w, const sg_cone *cone, sg_ref *at)
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
			push(b, &p.out, l->cparam[k]);
		}
	first = (uint32_t)(l->nc + p.out.n);
	for (size_t k = 0; k < values; k++)
		if (!w->carry[k])
			push(b, &p.out, w->dear.r[k]);
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
varying(const backward *w, const sg_cone *cone, const refs *param)
{
	refs given = adjoints_of(w);

	push_all(w->b, &given, (uint32_t)param->n, param->r);
	push_all(w->b, &given, (uint32_t)w->kept.n, w->kept.r);
	return sg_cone_active(w->b, cone, given.n, given.r);
}

void
sg_loop_vjp(sg_build *b, sg_ref r, const sg_ref *g, const bool *want, sg_adj *d)
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
	for (uint32_t k = 0; k < l->ncap; k++)
		if (!want[cap_at + k])
			w.mk[k] = 0;
	const refs param = params_of(b, l);
	if (l->op == SG_SCAN)
		keep_dear(&w, &param);
	const sg_cone cone = reads(&w, &param);
	sg_ref *kept = SG_NEW_ARRAY(b->ctx, sg_ref, l->nc + w.dear.n + 1);
	find_next_carries(&w, &cone);
	const sg_ref taped = tape(&w, &cone, kept);
	const bool *varies = varying(&w, &cone, &param);
	uint32_t *slot = SG_NEW_ARRAY(b->ctx, uint32_t, cap_at + l->ncap + 1);
	uint32_t *slot_of_mask = SG_NEW_ARRAY(b->ctx, uint32_t, l->ncap + 1);

	for (uint32_t k = 0; k < l->nc; k++)
		if (w.gc[k]) {
			slot[first + k] = (uint32_t)p.init.n + 1;
			add_carry(b, &p, g[k] ? g[k] : sg_const_like(b, l->init[k], 0), w.gc[k],
			          w.dc[k]);
		}
	for (uint32_t k = 0; k < l->ncap; k++)
		if (want[cap_at + k] && w.dk[k]) {
			const sg_ref sum = seed_like(b, l->cap[k]);

			const sg_ref more = sg_ew2(b, SG_ADD, sum, w.dk[k]);

			slot[cap_at + k] = (uint32_t)p.init.n + 1;
			add_carry(b, &p, sg_const_like(b, l->cap[k], 0), sum, more);
			if (w.mk[k] && sg_cone_has(&cone, w.mk[k]) &&
			    varies[sg_cone_at(&cone, w.mk[k])]) {
				const sg_ref any = seed_like(b, w.mk[k]);

				slot_of_mask[k] = (uint32_t)p.init.n + 1;
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
			d[k] = sg_adj_plain(sg_pick(b, back, slot[k] - 1));
	for (uint32_t k = 0; k < l->ncap; k++) {
		if (slot_of_mask[k])
			w.mk[k] = sg_pick(b, back, slot_of_mask[k] - 1);
		if (d[cap_at + k].raw && w.mk[k])
			d[cap_at + k].mask = sg_mask_like(b, w.mk[k], l->cap[k]);
	}
}

/* ---- forward ---- */

typedef struct dual {
	sg_build *b;
	sg_loop l;
	const sg_ref *tx, *tk; /* tangents of xs and captures */
	sg_ref *tc;            /* placeholders of the tangents of the carries that have one */
	sg_ref *sx;            /* and of xs */
	refs x, t;             /* what has a tangent in a step, and it */
	sg_ref *ty;            /* tangents of the next carries and of what is stacked; 0: none */
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

/* One walk for all results of a step: a loop in the body has its tangents made once. */
static void
step_tangents(dual *w)
{
	const sg_loop *l = &w->l;
	refs y = {0};

	collect(w);
	push_all(w->b, &y, l->nc, l->next);
	push_all(w->b, &y, l->ns, l->out);
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
	w.ty = SG_NEW_ARRAY(b->ctx, sg_ref, (size_t)l->nc + l->ns + 1);
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
			push(b, &p.out, ty);
		}
	}
	if (l->op == SG_WHILE && l->tape)
		for (uint32_t k = 0; k < l->nc; k++)
			if (index[k] >= 0)
				index[l->nc + 1 + k] = (int32_t)p.init.n + 1 + index[k];
	return make(b, l, &p);
}
