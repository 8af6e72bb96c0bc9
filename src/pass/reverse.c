/* reverse.c - adjoints: one walk from y down to the x[i], in index order. */
#include "pass/guard.h"
#include "pass/sweep.h"
#include "rules/op.h"

typedef struct sweep {
	sg_build *b;
	sg_cone cone;
	const bool *active; /* per member: depends on some x[i] */
	sg_adj *adj;        /* per member: the sum so far */
	sg_ref fresh;       /* nodes from here on are the sweep's own */
	bool *want;         /* scratch for the operands of one node */
	sg_ref *d;
	uint32_t cap;
	const bool *stop; /* per member: nothing flows on from it; NULL: from all */
	sg_adj **picked;  /* per member, of loops: adjoints of their results */
} sweep;

static bool
wanted(const sweep *s, sg_ref r)
{
	return sg_cone_has(&s->cone, r) && s->active[sg_cone_at(&s->cone, r)];
}

static void
contribute(sweep *s, sg_ref to, sg_adj a)
{
	sg_adj *sum;

	if (!a.raw || !wanted(s, to))
		return;
	sum = &s->adj[sg_cone_at(&s->cone, to)];
	*sum = sg_adj_add(s->b, *sum, a);
}

/* want[k]: has operand k an adjoint to get? d[k] starts as none. */
static void
prepare(sweep *s, const sg_node *n)
{
	if (n->nargs > s->cap) {
		s->cap = 2 * n->nargs;
		s->want = SG_NEW_ARRAY(s->b->ctx, bool, s->cap);
		s->d = SG_NEW_ARRAY(s->b->ctx, sg_ref, s->cap);
	}
	for (uint32_t k = 0; k < n->nargs; k++) {
		s->want[k] = wanted(s, n->args[k]);
		s->d[k] = 0;
	}
}

/* Room for a mask an operand, if there is one. */
static const sg_mask **
masks_for(sweep *s, const sg_node *n, sg_adj a)
{
	return a.mask ? SG_NEW_ARRAY(s->b->ctx, const sg_mask *, n->nargs) : NULL;
}

/* ---- elementwise: the factor is the partial, the mask stays ---- */

/* Of r = x/y with both: -(g/y) r is y's, in which g/y is x's and no division more. */
static void
through_quotient(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);
	const sg_ref dx = sg_ew2(s->b, SG_DIV, a.raw, n.args[1]);
	const sg_ref dy = sg_ew2(s->b, SG_MUL, dx, r);

	contribute(s, n.args[0], (sg_adj){dx, false, a.mask});
	contribute(s, n.args[1], (sg_adj){sg_ew1(s->b, SG_NEG, dy), false, a.mask});
}

static void
through_elementwise(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);

	if (n.op == SG_DIV && wanted(s, n.args[0]) && wanted(s, n.args[1])) {
		through_quotient(s, r, a);
		return;
	}
	for (uint32_t k = 0; k < n.nargs; k++) {
		sg_ref p;

		if (!wanted(s, n.args[k]) || !(p = sg_partial(s->b, r, k)))
			continue;
		const bool sign = sg_is_value(s->b, p, 1) || sg_is_value(s->b, p, -1);
		const sg_ref raw = sg_scale(s->b, r, a.raw, p);
		contribute(s, n.args[k], (sg_adj){raw, a.clean && sign, a.mask});
	}
}

static void
through_select(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);

	for (uint32_t k = 1; k < 3; k++)
		if (wanted(s, n.args[k]))
			contribute(s, n.args[k], sg_adj_branch(s->b, a, n.args[0], k == 1));
}

/* ---- movement: the mask moves as the adjoint does ---- */

static void
through_movement(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);
	sg_vjp_rule *rule = sg_vjp_of(n.op);

	prepare(s, &n);
	const sg_mask **mask = masks_for(s, &n, a);
	if (a.mask) {
		rule(s->b, r, a.mask->node, s->want, s->d);
		for (uint32_t k = 0; k < n.nargs; k++)
			mask[k] = s->d[k] ? sg_mask_moved(s->b, a.mask, s->d[k]) : NULL;
	}
	rule(s->b, r, a.raw, s->want, s->d);
	for (uint32_t k = 0; k < n.nargs; k++)
		contribute(s, n.args[k], (sg_adj){s->d[k], a.clean, a.mask ? mask[k] : NULL});
}

/* What is turned in a ring goes back as a whole: not its two parts, each into zeros. */
static bool
through_ring(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);
	sg_ring ring;

	if (!sg_ring_of(s->b->g, r, &ring))
		return false;
	for (uint32_t k = 0; k < n.nargs; k++)
		if (!wanted(s, n.args[k]) || (s->stop && s->stop[sg_cone_at(&s->cone, n.args[k])]))
			return false;
	if (a.mask)
		a.mask = sg_mask_moved(s->b, a.mask, sg_turned_back(s->b, a.mask->node, ring));
	a.raw = sg_turned_back(s->b, a.raw, ring);
	contribute(s, ring.x, a);
	return true;
}

/* The shape stays: so does the mask. */
static void
through_same(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);

	prepare(s, &n);
	sg_vjp_of(n.op)(s->b, r, a.raw, s->want, s->d);
	contribute(s, n.args[0], (sg_adj){s->d[0], a.clean, a.mask});
}

/* ---- extrema: what is not taken has no part in it ---- */

/* Does the adjoint come from a branch that asks whether there are elements along the axes? Then
 * whether there are, in the array's shape; else 0. */
static sg_ref
has_elements(sg_build *b, sg_adj a, const sg_shape *shape, uint64_t axes)
{
	sg_ext n = sg_ext_int(b->sp, 1);

	if (!a.mask || !a.mask->cond)
		return 0;
	for (uint32_t k = 0; k < shape->rank; k++)
		if (axes >> k & 1)
			n = sg_ext_mul(b->sp, n, shape->ext[k]);
	const sg_ref zero = sg_const_int(b, SG_I64, sg_shape_scalar(b->sp), 0),
		     has = sg_ew2(b, SG_LT, zero, sg_dim_value(b, n));
	return sg_same_everywhere(b->g, a.mask->cond) == has ? sg_broadcast(b, has, shape, NULL)
	                                                     : 0;
}

/* The extremum of nothing fails. In a branch it is not looked at, wherever what is made of it here
 * goes to: where the branch is taken, its value fails. */
static void
through_extremum(sweep *s, sg_ref r, sg_adj a)
{
	sg_build *b = s->b;
	const sg_node n = sg_at(b, r);
	const sg_shape *shape = sg_shape_of(b, n.args[0]);
	const uint64_t gone = (uint64_t)n.attr->w[0];
	sg_ref taken;

	if (!wanted(s, n.args[0]))
		return;
	a = sg_adj_settle(b, a);
	const sg_ref some = has_elements(b, a, shape, gone);
	a.raw = sg_unreduce(b, sg_extremum_share(b, r, a.raw), shape, gone);
	taken = sg_extremum_taken(b, r);
	if (some) {
		a.raw = sg_ew3(b, SG_SELECT, some, a.raw, sg_const_like(b, a.raw, 0));
		taken = sg_ew3(b, SG_SELECT, some, taken, sg_const_int(b, SG_BOOL, shape, 0));
	}
	if (a.mask)
		a.mask = sg_mask_plain(b, sg_unreduce(b, a.mask->node, shape, gone));
	contribute(s, n.args[0], sg_adj_taken(b, a, taken));
}

/* ---- ops that mix elements ---- */

static bool
factors_first_operand(uint16_t op)
{
	return op == SG_LUSOLVE || op == SG_DET || op == SG_LOGDET || op == SG_CHOLESKY ||
	       op == SG_CHOLBACK || op == SG_TRISOLVE;
}

/* Node r with operands that are 0 where nothing is taken, so that inf and NaN there do not come
 * back as factors of the adjoints; a matrix to be factored is the identity there, which is not
 * singular. Not simplified, so that it is the same op. */
static sg_ref
with_safe_operands(sweep *s, sg_ref r, const sg_mask *const *mask)
{
	sg_build *b = s->b;
	const sg_node n = sg_at(b, r);
	sg_ref *safe = SG_NEW_ARRAY(b->ctx, sg_ref, n.nargs);

	for (uint32_t k = 0; k < n.nargs; k++) {
		const sg_ref x = n.args[k];

		if (!mask[k])
			safe[k] = x;
		else if (k == 0 && factors_first_operand(n.op))
			safe[k] = sg_ew3(b, SG_SELECT, mask[k]->node, x,
			                 sg_eye(b, sg_type_of(b, x), sg_shape_of(b, x)));
		else
			safe[k] = sg_adj_solid(b, (sg_adj){x, false, mask[k]});
	}
	return sg_node_make(b->g, n.op, (sg_type)n.type, n.shape, n.nargs, safe, n.attr);
}

/* Rules that use their operands or the result, and not the adjoint and integers alone. */
static bool
uses_operands(uint16_t op)
{
	return op != SG_BROADCAST && op != SG_CUMSUM && op != SG_GATHER && op != SG_SCATTER &&
	       op != SG_WINDOW && op != SG_UNWINDOW;
}

/* In an axis without elements an index that nothing goes to is out of range too. */
static void
leave_empty_axis(sweep *s, sg_ref r, sg_adj a)
{
	sg_build *b = s->b;
	const sg_node n = sg_at(b, r);
	sg_ref some;

	if (n.op != SG_GATHER || !s->d[0])
		return;
	some = has_elements(b, a, sg_shape_of(b, n.args[0]), (uint64_t)1 << n.attr->w[0]);
	if (some)
		s->d[0] = sg_ew3(b, SG_SELECT, some, s->d[0], sg_const_like(b, s->d[0], 0));
}

/* Do zeros give zeros, so that what goes to masked elements alone is 0 by itself? Behind a branch
 * that is not taken as a whole that is not worth to be computed. */
static bool
stays_clean(const sweep *s, uint16_t op, sg_adj a)
{
	return a.mask && !uses_operands(op) && !sg_same_everywhere(s->b->g, a.mask->node);
}

/* The mask of a broadcast's result as one of its operand's shape, if it does not vary along the
 * axes that are summed; else 0. */
static sg_ref
mask_before(sg_build *b, const sg_node *spread, sg_ref m, int depth)
{
	enum { DEEP = 4 };
	const sg_shape *s = sg_shape_of(b, spread->args[0]);
	const sg_node n = sg_at(b, m);
	int64_t axis[SG_MAX_RANK];
	sg_ref x[2];

	if (n.op == SG_NOT || n.op == SG_AND || n.op == SG_OR) {
		for (uint32_t k = 0; k < n.nargs; k++)
			if (depth == DEEP || !(x[k] = mask_before(b, spread, n.args[k], depth + 1)))
				return 0;
		return sg_remake(b, &n, x);
	}
	if (n.op != SG_BROADCAST)
		return 0;
	for (uint32_t i = 0; i < sg_shape_of(b, n.args[0])->rank; i++) {
		const int64_t w = n.attr->w[i];
		uint32_t k = 0;

		while (k < s->rank &&
		       (spread->attr->w[k] != w || s->ext[k] != spread->shape->ext[w]))
			k++;
		if (k == s->rank)
			return 0;
		axis[i] = k;
	}
	return sg_broadcast(b, n.args[0], s, axis);
}

/* Of sums of which the mask takes or leaves all terms, it is left outside. */
static bool
through_spread(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);
	sg_ref m;

	if (n.op != SG_BROADCAST || !wanted(s, n.args[0]))
		return false;
	a = sg_adj_settle(s->b, a);
	if (!a.mask || !(m = mask_before(s->b, &n, a.mask->node, 0)))
		return false;
	prepare(s, &n);
	sg_vjp_of(n.op)(s->b, r, a.raw, s->want, s->d);
	contribute(s, n.args[0], (sg_adj){s->d[0], a.clean, sg_mask_moved(s->b, a.mask, m)});
	return true;
}

static void
through_mixing(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);
	const sg_mask **mask;
	sg_ref at = r;

	if (through_spread(s, r, a))
		return;
	a = sg_adj_settle(s->b, a);
	mask = masks_for(s, &n, a);
	prepare(s, &n);
	for (uint32_t k = 0; a.mask && k < n.nargs; k++)
		if (sg_type_is_float(sg_type_of(s->b, n.args[k])))
			mask[k] = sg_mask_operand(s->b, r, k, a.mask->node);
	if (a.mask && uses_operands(n.op))
		at = with_safe_operands(s, r, mask);
	sg_vjp_of(n.op)(s->b, at, sg_adj_solid(s->b, a), s->want, s->d);
	leave_empty_axis(s, r, a);
	for (uint32_t k = 0; k < n.nargs; k++)
		contribute(s, n.args[k],
		           (sg_adj){s->d[k], stays_clean(s, n.op, a), a.mask ? mask[k] : NULL});
}

static void
through_custom(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);
	const uint32_t first = (uint32_t)(1 + n.attr->w[1]), nparams = (uint32_t)n.attr->w[0];

	a = sg_adj_settle(s->b, a);
	prepare(s, &n);
	sg_custom_vjp(s->b, r, sg_adj_solid(s->b, a), s->want + first, s->d);
	for (uint32_t i = 0; i < nparams; i++) {
		const sg_ref p = n.args[first + i];
		const bool masked = a.mask && s->d[i];

		contribute(
		    s, p,
		    (sg_adj){s->d[i], false,
		             masked ? sg_mask_operand(s->b, r, first + i, a.mask->node) : NULL});
	}
}

/* ---- loops: adjoints of the results are gathered, then go through the whole loop at once ---- */

static void
through_pick(sweep *s, sg_ref r, sg_adj a)
{
	const sg_node n = sg_at(s->b, r);
	const sg_loop l = sg_loop_of(s->b->g, n.args[0]);

	if (!wanted(s, n.args[0]))
		return;
	const uint32_t at = sg_cone_at(&s->cone, n.args[0]);
	if (!s->picked)
		s->picked = SG_NEW_ARRAY(s->b->ctx, sg_adj *, s->cone.n);
	if (!s->picked[at])
		s->picked[at] = SG_NEW_ARRAY(s->b->ctx, sg_adj, sg_loop_results(&l));
	a = sg_adj_settle(s->b, a);
	a.raw = sg_adj_solid(s->b, a);
	a.clean = true;
	s->picked[at][n.attr->w[0]] = a;
	s->adj[at] = sg_adj_plain(a.raw); /* so that the walk stops there */
}

static void
through_loop(sweep *s, sg_ref r)
{
	const sg_node n = sg_at(s->b, r);
	const uint32_t nargs = sg_data_args(&n);
	bool *want = SG_NEW_ARRAY(s->b->ctx, bool, nargs);
	sg_adj *d = SG_NEW_ARRAY(s->b->ctx, sg_adj, nargs);

	for (uint32_t k = 0; k < nargs; k++)
		want[k] = wanted(s, n.args[k]);
	sg_loop_vjp(s->b, r, s->picked[sg_cone_at(&s->cone, r)], want, d);
	for (uint32_t k = 0; k < nargs; k++)
		contribute(s, n.args[k], d[k]);
}

/* ---- the walk ---- */

static void
propagate(sweep *s, sg_ref r, sg_adj a)
{
	const uint16_t op = sg_at(s->b, r).op;

	switch (op) {
	case SG_SELECT:
		through_select(s, r, a);
		break;
	case SG_CUSTOM:
		through_custom(s, r, a);
		break;
	case SG_AMAX:
	case SG_AMIN:
		through_extremum(s, r, a);
		break;
	case SG_PICK:
		through_pick(s, r, a);
		break;
	case SG_SCAN:
	case SG_WHILE:
		through_loop(s, r);
		break;
	case SG_BIND:
	case SG_CAST:
		through_same(s, r, a);
		break;
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_SLICE:
	case SG_PAD:
	case SG_SUM:
		through_movement(s, r, a);
		break;
	case SG_CONCAT:
		if (!through_ring(s, r, a))
			through_movement(s, r, a);
		break;
	default:
		if (sg_is_ew(op))
			through_elementwise(s, r, a);
		else if (sg_ops[op].kind == SG_K_STRUCT)
			through_mixing(s, r, a);
		break;
	}
}

static void
walk(sweep *s)
{
	sg_graph *g = s->b->g;
	const sg_span here = g->here;

	for (uint32_t i = s->cone.n; i-- > 0;) {
		const sg_ref r = s->cone.member[i];

		if (!s->active[i] || !s->adj[i].raw)
			continue;
		g->here = g->span[r].src ? g->span[r] : here;
		if (s->adj[i].raw >= s->fresh)
			sg_name_after(s->b, s->adj[i].raw, "d_", r);
		if (!s->stop || !s->stop[i])
			propagate(s, r, s->adj[i]);
	}
	g->here = here;
}

static void
reverse(sg_build *b, bool hold, size_t ny, const sg_ref *y, const sg_adj *seed, size_t n,
        const sg_ref *x, sg_adj *adjoint)
{
	sweep s = {.b = b, .fresh = b->g->n};
	bool *stop = NULL;

	s.cone = sg_cone_make(b, SG_FOLLOW_DERIVS, ny, y, sg_lowest(n, x));
	s.active = sg_cone_active(b, &s.cone, n, x);
	s.adj = SG_NEW_ARRAY(b->ctx, sg_adj, s.cone.n);
	if (hold) {
		s.stop = stop = SG_NEW_ARRAY(b->ctx, bool, s.cone.n);
		for (size_t i = 0; i < n; i++)
			if (sg_cone_has(&s.cone, x[i]))
				stop[sg_cone_at(&s.cone, x[i])] = true;
	}
	if (s.cone.n) {
		for (size_t k = 0; k < ny; k++)
			contribute(&s, y[k], seed[k]);
		walk(&s);
	}
	for (size_t i = 0; i < n; i++)
		adjoint[i] = sg_cone_has(&s.cone, x[i])
		                 ? sg_adj_settle(b, s.adj[sg_cone_at(&s.cone, x[i])])
		                 : (sg_adj){0};
}

void
sg_reverse(sg_build *b, sg_ref y, sg_ref seed, size_t n, const sg_ref *x, sg_ref *adjoint)
{
	const sg_adj from = sg_adj_plain(seed);
	sg_adj *a = SG_NEW_ARRAY(b->ctx, sg_adj, n);

	reverse(b, false, 1, &y, &from, n, x, a);
	for (size_t i = 0; i < n; i++)
		adjoint[i] = sg_adj_solid(b, a[i]);
}

void
sg_reverse_body(sg_build *b, size_t ny, const sg_ref *y, const sg_adj *seed, size_t n,
                const sg_ref *x, sg_adj *adjoint)
{
	reverse(b, true, ny, y, seed, n, x, adjoint);
}
