/* forward.c - tangents: one walk from the x[i] up to y; and the chain rule's product, for both
 * modes. */
#include "pass/sweep.h"
#include "rules/op.h"

/* ---- g times a partial ---- */

static bool
is_operand(const sg_build *b, sg_ref r, sg_ref p)
{
	const sg_node n = sg_at(b, r);

	for (uint32_t k = 0; k < n.nargs; k++)
		if (n.args[k] == p)
			return true;
	return false;
}

/* A SELECT among constants or with a zero: the choice is made after the product, which is then a
 * copy of g or nothing; and 0 whatever g is where the partial is 0, as in PyTorch. */
static bool
chooses(const sg_build *b, const sg_node *p)
{
	double v;

	return sg_is_value(b, p->args[1], 0) || sg_is_value(b, p->args[2], 0) ||
	       sg_is_const(b, p->args[1], &v) || sg_is_const(b, p->args[2], &v);
}

static sg_ref
scale(sg_build *b, sg_ref r, sg_ref g, sg_ref p, int depth)
{
	const sg_node n = sg_at(b, p);
	double v;

	if (sg_is_value(b, p, 1))
		return g;
	if (sg_is_value(b, p, -1))
		return sg_ew1(b, SG_NEG, g);
	if (depth == 0 || p == r || is_operand(b, r, p))
		return sg_ew2(b, SG_MUL, g, p);
	if (n.op == SG_NEG)
		return sg_ew1(b, SG_NEG, scale(b, r, g, n.args[0], depth - 1));
	if (n.op == SG_RECIP)
		return sg_ew2(b, SG_DIV, g, n.args[0]);
	if (n.op == SG_DIV && sg_is_const(b, n.args[0], &v))
		return sg_ew2(b, SG_DIV, scale(b, r, g, n.args[0], 0), n.args[1]);
	if (n.op == SG_SELECT && chooses(b, &n)) {
		sg_ref side[2];

		for (int k = 0; k < 2; k++)
			side[k] = sg_is_value(b, n.args[1 + k], 0)
			              ? n.args[1 + k]
			              : scale(b, r, g, n.args[1 + k], depth - 1);
		return sg_ew3(b, SG_SELECT, n.args[0], side[0], side[1]);
	}
	return sg_ew2(b, SG_MUL, g, p);
}

sg_ref
sg_scale(sg_build *b, sg_ref r, sg_ref g, sg_ref p)
{
	return scale(b, r, g, p, 4);
}

void
sg_name_after(sg_build *b, sg_ref r, const char *prefix, sg_ref of)
{
	const char **name = b->g->name;

	if (!name[r] && name[of] && sg_ops[sg_at(b, r).op].kind != SG_K_LEAF)
		name[r] = sg_intern_z(b->ctx, sg_text(b->ctx, "%s%s", prefix, name[of]));
}

/* ---- the walk ---- */

typedef struct sweep {
	sg_build *b;
	sg_cone cone;
	const bool *active;
	sg_ref *t;   /* per member: its tangent */
	sg_ref *arg; /* scratch: tangents of one node's operands */
	uint32_t cap;
	int32_t **index; /* per member, of loops: where the tangents of its results are */
} sweep;

static sg_ref
tangent(const sweep *s, sg_ref r)
{
	return sg_cone_has(&s->cone, r) ? s->t[sg_cone_at(&s->cone, r)] : 0;
}

/* Of r = x/y, from tangents of both: (tx - r ty)/y, with one division. */
static sg_ref
of_quotient(sweep *s, sg_ref r, sg_ref tx, sg_ref ty)
{
	const sg_ref by = sg_ew2(s->b, SG_MUL, r, ty);
	const sg_ref top = sg_ew2(s->b, SG_SUB, tx, by);

	return sg_ew2(s->b, SG_DIV, top, sg_at(s->b, r).args[1]);
}

static sg_ref
of_elementwise(sweep *s, sg_ref r)
{
	const sg_node n = sg_at(s->b, r);
	sg_ref sum = 0, t, p;

	if (n.op == SG_DIV && tangent(s, n.args[0]) && tangent(s, n.args[1]))
		return of_quotient(s, r, tangent(s, n.args[0]), tangent(s, n.args[1]));
	for (uint32_t k = 0; k < n.nargs; k++)
		if ((t = tangent(s, n.args[k])) && (p = sg_partial(s->b, r, k)))
			sum = sg_sum_of(s->b, sum, sg_scale(s->b, r, t, p));
	return sum;
}

/* The tangent of the side that is taken: what the other's is does not matter. */
static sg_ref
of_select(sweep *s, sg_ref r)
{
	const sg_node n = sg_at(s->b, r);
	sg_ref t[2] = {tangent(s, n.args[1]), tangent(s, n.args[2])};

	if (!t[0] && !t[1])
		return 0;
	for (int k = 0; k < 2; k++)
		if (!t[k])
			t[k] = sg_const_like(s->b, r, 0);
	return sg_ew3(s->b, SG_SELECT, n.args[0], t[0], t[1]);
}

static sg_ref
of_loop(sweep *s, sg_ref r)
{
	const sg_loop l = sg_loop_of(s->b->g, r);
	const uint32_t at = sg_cone_at(&s->cone, r);

	if (!s->index)
		s->index = SG_NEW_ARRAY(s->b->ctx, int32_t *, s->cone.n);
	s->index[at] = SG_NEW_ARRAY(s->b->ctx, int32_t, sg_loop_results(&l));
	return sg_loop_jvp(s->b, r, s->arg, s->index[at]);
}

static sg_ref
of_pick(sweep *s, const sg_node *n)
{
	const sg_ref loop = s->arg[0];
	int32_t k;

	if (!loop)
		return 0;
	k = s->index[sg_cone_at(&s->cone, n->args[0])][n->attr->w[0]];
	return k < 0 ? 0 : sg_pick(s->b, loop, (uint32_t)k);
}

static sg_ref
of_structured(sweep *s, sg_ref r)
{
	const sg_node n = sg_at(s->b, r);

	if (n.nargs > s->cap) {
		s->cap = 2 * n.nargs;
		s->arg = SG_NEW_ARRAY(s->b->ctx, sg_ref, s->cap);
	}
	for (uint32_t k = 0; k < n.nargs; k++)
		s->arg[k] = tangent(s, n.args[k]);
	if (n.op == SG_CUSTOM)
		return sg_custom_jvp(s->b, r, s->arg + 1 + n.attr->w[1]);
	if (n.op == SG_SCAN || n.op == SG_WHILE)
		return of_loop(s, r);
	if (n.op == SG_PICK)
		return of_pick(s, &n);
	return sg_jvp_of(n.op)(s->b, r, s->arg);
}

static void
walk(sweep *s)
{
	sg_graph *g = s->b->g;
	const sg_span here = g->here;

	for (uint32_t i = 0; i < s->cone.n; i++) {
		const sg_ref r = s->cone.member[i], fresh = g->n;
		const uint16_t op = sg_at(s->b, r).op;

		if (!s->active[i] || s->t[i] || sg_ops[op].kind == SG_K_LEAF)
			continue;
		g->here = g->span[r].src ? g->span[r] : here;
		s->t[i] = op == SG_SELECT ? of_select(s, r)
		          : sg_is_ew(op)  ? of_elementwise(s, r)
		                          : of_structured(s, r);
		if (s->t[i] >= fresh)
			sg_name_after(s->b, s->t[i], "t_", r);
	}
	g->here = here;
}

void
sg_forward_all(sg_build *b, size_t ny, const sg_ref *y, size_t n, const sg_ref *x, const sg_ref *t,
               sg_ref *ty)
{
	sweep s = {.b = b};

	s.cone = sg_cone_make(b, SG_FOLLOW_DERIVS, ny, y, sg_lowest(n, x));
	s.active = sg_cone_active(b, &s.cone, n, x);
	s.t = SG_NEW_ARRAY(b->ctx, sg_ref, s.cone.n);
	for (size_t i = 0; i < n; i++)
		if (sg_cone_has(&s.cone, x[i]))
			s.t[sg_cone_at(&s.cone, x[i])] = t[i];
	walk(&s);
	for (size_t i = 0; i < ny; i++)
		ty[i] = tangent(&s, y[i]);
}

sg_ref
sg_forward(sg_build *b, sg_ref y, size_t n, const sg_ref *x, const sg_ref *t)
{
	sg_ref ty;

	sg_forward_all(b, 1, &y, n, x, t, &ty);
	return ty;
}
