/* algebra.c - simplification for people, who read the output of `diff`.
 *
 * One walk over the graph. Elementwise arithmetic on floats becomes sums of products (algebra.h) in
 * which like terms and equal bases meet; other ops take their operands as nodes again. A value that
 * the user gave a name, or that would make a sum or product long, stays a base of its own, so the
 * work is linear in the graph. The rewrites hold for finite values and up to rounding. */
#include "pass/algebra.h"

#include "pass/sweep.h"

#include <math.h>

typedef struct walk {
	sg_algebra_state a;
	const sg_graph *old;
	sg_form *form;           /* by old node */
	bool *has_form, *opaque; /* opaque: a base, whatever is in it */
	sg_ref *node;            /* by old node: its new one, made when it is asked for */
	bool *exactly;           /* what defaults alone need is built as it was */
	uint32_t *uses;
	bool formulas; /* for reading alone */
} walk;

static void
at_node(walk *w, const sg_node *n)
{
	w->a.type = (sg_type)n->type;
	w->a.shape = n->shape;
}

/* The new node of an old one. */
static sg_ref
node_of(walk *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);
	const sg_type type = w->a.type;
	const sg_shape *shape = w->a.shape;

	if (!w->node[r]) {
		at_node(w, n);
		w->node[r] = sg_form_node(&w->a, w->form[r]);
		w->a.type = type;
		w->a.shape = shape;
	}
	return w->node[r];
}

sg_product
sg_form_product(sg_algebra_state *a, sg_form x)
{
	if (x.n == 1 && x.term[0].n <= SG_MAX_FACTORS)
		return x.term[0];
	return *sg_form_base(a, sg_form_node(a, x), 1).term;
}

static sg_form
form_of(walk *w, sg_ref r)
{
	if (w->has_form[r])
		return w->form[r];
	return w->opaque[r] ? sg_form_base(&w->a, w->node[r], 1)
	                    : sg_form_of_node(&w->a, w->node[r]);
}

/* ---- powers ---- */

/* May (b**a)**e be written b**(a*e)? */
static bool
powers_multiply(double a, double e)
{
	return e == floor(e) || fmod(a, 2) != 0;
}

/* x**e; false where it is better left alone. */
static bool
raise(walk *w, sg_form x, double e, sg_form *out)
{
	sg_algebra_state *a = &w->a;
	sg_product p;
	sg_factor *f;

	if (x.n == 0)
		return false;
	p = sg_form_product(a, x);
	f = SG_NEW_ARRAY(a->b.ctx, sg_factor, p.n);
	if (e != floor(e) && (p.c.v < 0 || (p.n > 1 && !sg_coef_is(p.c, 1))))
		return false;
	for (uint32_t i = 0; i < p.n; i++) {
		if (!powers_multiply(p.f[i].e, e) || (p.n > 1 && e != floor(e)))
			return false;
		f[i] = (sg_factor){p.f[i].base, p.f[i].e * e};
	}
	p.c = sg_coef_pow(p.c, e);
	if (!isfinite(p.c.v) || p.c.v == 0)
		return false;
	p.f = f;
	p = sg_product_tidy(a, p);
	*out = sg_form_term(a, &p);
	return true;
}

/* ---- arithmetic ---- */

static sg_form
multiply(walk *w, sg_form x, sg_form y)
{
	sg_algebra_state *a = &w->a;
	sg_product p, q;
	sg_coef c;

	if (x.n == 0 || y.n == 0)
		return (sg_form){0, NULL};
	if (sg_form_is_number(y, &c) && (sg_coef_is(c, -1) || sg_coef_is(c, 1)))
		return sg_form_scale(a, x, c);
	if (sg_form_is_number(x, &c) && (sg_coef_is(c, -1) || sg_coef_is(c, 1)))
		return sg_form_scale(a, y, c);
	p = sg_form_product(a, x);
	q = sg_form_product(a, y);
	p = sg_product_mul(a, &p, &q);
	p = sg_product_tidy(a, p);
	if (p.n == 1 && p.f[0].e == 1 && sg_coef_is(p.c, 1))
		return sg_form_of_node(&w->a, p.f[0].base);
	return sg_form_term(a, &p);
}

/* base**e as an operation the old graph has a node for. */
static bool
exponent_of(walk *w, const sg_node *n, double *e)
{
	sg_form y;
	sg_coef c;

	switch ((sg_op)n->op) {
	case SG_SQUARE:
		*e = 2;
		return true;
	case SG_RECIP:
		*e = -1;
		return true;
	case SG_SQRT:
		*e = 0.5;
		return true;
	case SG_RSQRT:
		*e = -0.5;
		return true;
	case SG_POW:
		y = form_of(w, n->args[1]);
		if (!sg_form_is_number(y, &c) || c.v == 0)
			return false;
		*e = c.v;
		return true;
	default:
		return false;
	}
}

/* hypot(u, c) with a number c is sqrt(u**2 + c**2). */
static bool
hypot_of_number(walk *w, const sg_node *n, sg_form *out)
{
	sg_coef c;
	sg_form u, square;

	for (uint32_t k = 0; k < 2; k++)
		if (n->op == SG_HYPOT && sg_form_is_number(form_of(w, n->args[k]), &c)) {
			u = form_of(w, n->args[1 - k]);
			if (!raise(w, u, 2, &square))
				return false;
			square =
			    sg_form_add(&w->a, square, sg_form_number(&w->a, sg_coef_mul(c, c)), 1);
			return raise(w, square, 0.5, out);
		}
	return false;
}

/* A finite constant of a float type. */
static bool
constant(walk *w, const sg_node *n, sg_form *out)
{
	double v;

	if (n->op != SG_CONST)
		return false;
	v = sg_bits_double(n->attr->w[0]);
	*out = sg_form_number(&w->a, sg_coef_of(v, (sg_type)n->type));
	return isfinite(v);
}

/* Is it a sum over the number of what was summed? That is best left as it is. */
static bool
is_mean(const walk *w, const sg_node *n)
{
	const sg_node *count;

	if (n->op != SG_DIV || sg_node_at(w->old, n->args[0])->op != SG_SUM)
		return false;
	count = sg_node_at(w->old, n->args[1]);
	while (count->op == SG_BROADCAST || count->op == SG_CAST)
		count = sg_node_at(w->old, count->args[0]);
	return count->op == SG_NONEMPTY;
}

/* The count of a mean, made as it was. */
static sg_ref
as_it_was(walk *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);
	sg_ref x;

	if (n->nargs != 1)
		return node_of(w, r);
	x = as_it_was(w, n->args[0]);
	return sg_remake(&w->a.b, n, &x);
}

/* The greatest small number that divides the extent. */
static int64_t
content_of(const walk *w, sg_ext e)
{
	sg_space *sp = w->a.b.sp;

	for (int64_t k = 64; k > 1; k--) {
		const sg_ext q = sg_ext_div(sp, e, sg_ext_int(sp, k));

		if (sg_ext_mul(sp, q, sg_ext_int(sp, k)) == e)
			return k;
	}
	return 1;
}

/* The conversion of 2*N to a float is twice that of N. */
static bool
count_of_elements(walk *w, const sg_node *n, sg_form *out)
{
	sg_build *b = &w->a.b;
	const sg_node *count, *dim;
	sg_ref r;
	int64_t k;

	if (n->op != SG_CAST)
		return false;
	dim = count = sg_node_at(w->old, n->args[0]);
	if (count->op == SG_NONEMPTY)
		dim = sg_node_at(w->old, count->args[0]);
	if (dim->op != SG_DIM || (k = content_of(w, (sg_ext)dim->attr->w[0])) == 1)
		return false;
	r = sg_dim_value(b, sg_ext_div(b->sp, (sg_ext)dim->attr->w[0], sg_ext_int(b->sp, k)));
	if (dim != count)
		r = sg_ew1(b, SG_NONEMPTY, r);
	r = sg_cast(b, r, (sg_type)n->type);
	*out = sg_form_scale(&w->a, sg_form_base(&w->a, r, 1), sg_coef_int(k));
	return true;
}

static bool
arithmetic(walk *w, const sg_node *n, sg_form *out)
{
	sg_algebra_state *a = &w->a;
	sg_form x = {0, NULL}, y = {0, NULL}, inverse;
	double e;

	if (constant(w, n, out))
		return true;
	if (count_of_elements(w, n, out))
		return true;
	if (!sg_is_ew(n->op) || is_mean(w, n))
		return false;
	if (n->op == SG_HYPOT)
		return hypot_of_number(w, n, out);
	if (exponent_of(w, n, &e))
		return raise(w, form_of(w, n->args[0]), e, out);
	switch ((sg_op)n->op) {
	case SG_NEG:
	case SG_ADD:
	case SG_SUB:
	case SG_MUL:
	case SG_DIV:
		break;
	default:
		return false;
	}
	x = form_of(w, n->args[0]);
	if (n->nargs > 1)
		y = form_of(w, n->args[1]);
	switch ((sg_op)n->op) {
	case SG_NEG:
		*out = sg_form_scale(a, x, sg_coef_int(-1));
		return true;
	case SG_MUL:
		*out = multiply(w, x, y);
		return true;
	case SG_DIV:
		if (!raise(w, y, -1, &inverse))
			return false;
		*out = multiply(w, x, inverse);
		return true;
	default:
		break;
	}
	if (x.n > SG_MAX_TERMS)
		x = sg_form_base(a, node_of(w, n->args[0]), 1);
	if (y.n > SG_MAX_TERMS)
		y = sg_form_base(a, node_of(w, n->args[1]), 1);
	*out = sg_form_shorten(a, sg_form_add(a, x, y, n->op == SG_SUB ? -1 : 1));
	return true;
}

/* ---- functions that undo each other; guards that a reader does not need ---- */

static bool
undoes(uint16_t f, uint16_t g)
{
	return (f == SG_LOG && g == SG_EXP) || (f == SG_EXP && g == SG_LOG) ||
	       (f == SG_LOG1P && g == SG_EXPM1) || (f == SG_EXPM1 && g == SG_LOG1P) ||
	       (f == SG_TAN && g == SG_ATAN) || (f == SG_SIN && g == SG_ASIN) ||
	       (f == SG_COS && g == SG_ACOS) || (f == SG_TANH && g == SG_ATANH) ||
	       (f == SG_SINH && g == SG_ASINH) || (f == SG_ASINH && g == SG_SINH);
}

/* x of the test x == 0 in `where(x == 0, ..)`; 0: no such test. */
static sg_ref
tested_for_zero(const walk *w, const sg_node *select)
{
	const sg_node *c = sg_node_at(w->a.b.g, select->args[0]);

	if (c->op != SG_EQ)
		return 0;
	if (sg_is_value(&w->a.b, c->args[1], 0))
		return c->args[0];
	return sg_is_value(&w->a.b, c->args[0], 0) ? c->args[1] : 0;
}

/* Is it u**y, or u**(y - 1)? */
static bool
is_power_of(const walk *w, sg_ref r, sg_ref base)
{
	const sg_node *n = sg_node_at(w->a.b.g, r);

	return n->op == SG_POW && n->args[0] == base;
}

/* The derivatives of x**y are patched where x or y is 0 (NUMERICS: pow); a reader writes the
 * formula. e: the form of the side that is not the patch. */
static bool
is_pow_guard(const walk *w, sg_ref zero, sg_form e)
{
	const sg_graph *g = w->a.b.g;
	bool has_zero = false, has_pow = false, has_log = false;

	if (e.n != 1)
		return false;
	for (uint32_t i = 0; i < e.term[0].n; i++) {
		const sg_factor f = e.term[0].f[i];
		const sg_node *n = sg_node_at(g, f.base);

		has_zero = has_zero || (f.base == zero && f.e > 0) || is_power_of(w, f.base, zero);
		has_pow = has_pow || n->op == SG_POW || is_power_of(w, f.base, zero);
		has_log = has_log || (n->op == SG_LOG && n->args[0] == zero);
	}
	return has_pow && (has_zero || has_log);
}

/* Is it what the derivative is where x or y is 0: 0, or 0 and -inf by the sign of y, which may be
 * NaN? */
static bool
is_pow_patch(const walk *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->a.b.g, r), *negative;

	if (sg_is_value(&w->a.b, r, 0))
		return true;
	if (n->op != SG_SELECT || !sg_is_value(&w->a.b, n->args[1], 0))
		return false;
	negative = sg_node_at(w->a.b.g, n->args[2]);
	return negative->op == SG_SELECT &&
	       sg_is_value(&w->a.b, negative->args[1], -(double)INFINITY);
}

static bool
unguarded(walk *w, const sg_node *n, sg_form *out)
{
	sg_node m = *n;
	sg_ref arg[3], zero;

	if (n->op != SG_SELECT || !w->formulas)
		return false;
	for (uint32_t k = 0; k < 3; k++)
		arg[k] = node_of(w, n->args[k]);
	m.args = arg;
	zero = tested_for_zero(w, &m);
	if (!zero || !is_pow_patch(w, arg[1]) || !is_pow_guard(w, zero, form_of(w, n->args[2])))
		return false;
	*out = form_of(w, n->args[2]);
	return true;
}

/* ---- linear maps: coefficients go outside ---- */

static bool
is_linear_map(const sg_node *n)
{
	return n->nargs == 1 && !sg_is_ew(n->op) && (sg_ops[n->op].flags & SG_LINEAR) &&
	       n->op != SG_CAST && n->op != SG_BIND;
}

/* A node of op n over new operands, as a form. */
static sg_form
remade(walk *w, const sg_node *n, const sg_ref *args)
{
	const sg_ref r = sg_remake(&w->a.b, n, args);

	at_node(w, sg_node_at(w->a.b.g, r));
	return sg_form_of_node(&w->a, r);
}

/* A broadcast of a product is the product of broadcasts. */
static sg_form
broadcast_product(walk *w, const sg_node *n, const sg_product *p)
{
	sg_algebra_state *a = &w->a;
	sg_form all = sg_form_number(a, p->c);

	for (uint32_t i = 0; i < p->n; i++) {
		sg_form x = remade(w, n, &p->f[i].base), y;

		if (!raise(w, x, p->f[i].e, &y))
			y = sg_form_base(a, sg_form_node(a, x), p->f[i].e);
		all = multiply(w, all, y);
	}
	return all;
}

/* Parts of an operand that a linear map lets through: the number and the scalars. What is left
 * becomes a node; 0 if there is nothing to let through, or nothing left. */
static sg_ref
take_scalars(walk *w, sg_ref old, sg_product *outside)
{
	sg_algebra_state *a = &w->a;
	const sg_form x = form_of(w, old);
	sg_product inside = {.c = sg_coef_int(1)}, out = inside;

	if (x.n != 1 || x.term[0].n == 0)
		return 0;
	out.c = x.term[0].c;
	for (uint32_t i = 0; i < x.term[0].n; i++) {
		const sg_factor f = x.term[0].f[i];
		const sg_node *n = sg_node_at(a->b.g, f.base);
		const bool scalar = n->op == SG_BROADCAST && !sg_shape_of(&a->b, n->args[0])->rank;
		const sg_form one = sg_form_base(a, scalar ? n->args[0] : f.base, f.e);

		if (scalar)
			out = sg_product_mul(a, &out, one.term);
		else
			inside = sg_product_mul(a, &inside, one.term);
	}
	if (!inside.n || (!out.n && sg_coef_is(out.c, 1)))
		return 0;
	at_node(w, sg_node_at(w->old, old));
	*outside = out;
	return sg_form_node(a, sg_form_term(a, &inside));
}

/* outside * map(args), the scalars outside broadcast to the map's shape. */
static sg_form
map_and_multiply(walk *w, const sg_node *n, const sg_ref *args, const sg_product *outside)
{
	sg_algebra_state *a = &w->a;
	sg_form all = remade(w, n, args);

	at_node(w, n);
	all = multiply(w, all, sg_form_number(a, outside->c));
	for (uint32_t i = 0; i < outside->n; i++) {
		const sg_ref s = sg_broadcast(&a->b, outside->f[i].base, n->shape, NULL);

		all = multiply(w, all, sg_form_base(a, s, outside->f[i].e));
	}
	return all;
}

static bool
linear_map(walk *w, const sg_node *n, sg_form *out)
{
	sg_product outside[2] = {{.c = sg_coef_int(1)}, {.c = sg_coef_int(1)}};
	sg_ref args[2];
	bool any = false;
	sg_form x;

	if (!is_linear_map(n) && n->op != SG_CONTRACT)
		return false;
	if (!sg_type_is_float((sg_type)sg_node_at(w->old, n->args[0])->type))
		return false;
	x = form_of(w, n->args[0]);
	if (n->op == SG_BROADCAST) {
		if (x.n != 1 || x.term[0].n == 0 || x.term[0].n > 8)
			return false;
		*out = broadcast_product(w, n, &x.term[0]);
		return true;
	}
	for (uint32_t k = 0; k < n->nargs; k++) {
		args[k] = take_scalars(w, n->args[k], &outside[k]);
		any = any || args[k];
		if (!args[k])
			args[k] = node_of(w, n->args[k]);
	}
	if (!any)
		return false;
	outside[0] = sg_product_mul(&w->a, &outside[0], &outside[1]);
	*out = map_and_multiply(w, n, args, &outside[0]);
	return true;
}

/* any(m[:, none] broadcast along an axis, that axis) is m. */
static sg_ref
any_of_broadcast(walk *w, const sg_node *n, const sg_ref *args)
{
	sg_build *b = &w->a.b;
	uint64_t mask = 0, gone;
	int64_t axis[SG_MAX_RANK];
	uint32_t kept = 0;
	sg_ref r;

	if ((n->op != SG_ANY && n->op != SG_ALL) || sg_at(b, args[0]).op != SG_BROADCAST)
		return 0;
	const sg_node x = sg_at(b, args[0]);
	const sg_shape *s = sg_shape_of(b, x.args[0]);
	gone = (uint64_t)n->attr->w[0];
	for (uint32_t i = 0; i < s->rank; i++) {
		const uint64_t below = ((uint64_t)1 << x.attr->w[i]) - 1;
		uint32_t left = (uint32_t)x.attr->w[i];

		if (gone >> x.attr->w[i] & 1) {
			mask |= (uint64_t)1 << i;
			continue;
		}
		for (uint64_t m = gone & below; m; m &= m - 1)
			left--;
		axis[kept++] = left;
	}
	r = sg_reduce(b, (sg_op)n->op, x.args[0], mask);
	return sg_broadcast(b, r, n->shape, axis);
}

/* ---- the walk ---- */

static bool
undone(walk *w, const sg_node *n, sg_form *out)
{
	if (!sg_is_ew(n->op) || n->nargs != 1)
		return false;
	const sg_node *in = sg_node_at(w->a.b.g, node_of(w, n->args[0]));
	if (n->op == SG_EXP && in->op == SG_LOG_SOFTMAX) {
		*out = sg_form_base(&w->a, sg_row_op(&w->a.b, SG_SOFTMAX, in->args[0]), 1);
		return true;
	}
	if (in->nargs != 1 || !undoes(n->op, in->op))
		return false;
	*out = sg_form_of_node(&w->a, in->args[0]);
	return true;
}

/* 0 < relu(x) where 0 < x. Code keeps the one, which lets it forget x. */
static sg_ref
beside_zero(const walk *w, sg_ref x, sg_ref y)
{
	const sg_node *n = sg_node_at(w->a.b.g, y);

	return n->op == SG_RELU && sg_is_value(&w->a.b, x, 0) ? n->args[0] : y;
}

static bool
find_form(walk *w, const sg_node *n, sg_form *out)
{
	return sg_type_is_float((sg_type)n->type) &&
	       (arithmetic(w, n, out) || undone(w, n, out) || unguarded(w, n, out) ||
	        linear_map(w, n, out));
}

static void
visit(walk *w, sg_ref r, sg_ref *arg)
{
	const sg_node *n = sg_node_at(w->old, r);
	const char *name = w->old->name[r];
	sg_coef c;
	bool keep;

	at_node(w, n);
	w->a.b.g->here = w->old->span[r];
	if (!w->exactly[r] && find_form(w, n, &w->form[r])) {
		/* what has a name, or is long and used again, is a base from here on */
		keep = !sg_form_is_number(w->form[r], &c) &&
		       (name || (w->uses[r] > 1 && w->form[r].n > 4));
		w->has_form[r] = !keep;
		w->opaque[r] = keep;
		at_node(w, n);
		if (keep)
			node_of(w, r);
	} else {
		for (uint32_t k = 0; k < n->nargs; k++)
			arg[k] = k == 1 && is_mean(w, n) ? as_it_was(w, n->args[k])
			                                 : node_of(w, n->args[k]);
		at_node(w, n);
		if (n->op == SG_LT)
			arg[1] = beside_zero(w, arg[0], arg[1]);
		if (w->exactly[r] || !(w->node[r] = any_of_broadcast(w, n, arg)))
			w->node[r] = sg_remake(&w->a.b, n, arg);
	}
	if (name && w->node[r] && !w->a.b.g->name[w->node[r]])
		w->a.b.g->name[w->node[r]] = name;
}

static void
prepare(walk *w, sg_ctx *ctx, const sg_program *p, const bool *live)
{
	const uint32_t n = w->old->n;
	sg_ref *out = NULL;
	size_t nout = 0, cap = 0;
	const bool *shown;

	for (size_t e = 0; e < p->nentries; e++)
		for (size_t k = 0; k < p->entry[e].nout; k++)
			SG_PUSH(ctx, out, nout, cap, p->entry[e].out[k].ref);
	shown = sg_graph_live(w->old, nout, out);
	w->form = SG_NEW_ARRAY(ctx, sg_form, n);
	w->has_form = SG_NEW_ARRAY(ctx, bool, n);
	w->opaque = SG_NEW_ARRAY(ctx, bool, n);
	w->node = SG_NEW_ARRAY(ctx, sg_ref, n);
	w->exactly = SG_NEW_ARRAY(ctx, bool, n);
	w->uses = SG_NEW_ARRAY(ctx, uint32_t, n);
	for (sg_ref r = 1; r < n; r++) {
		w->exactly[r] = !shown[r];
		for (uint32_t k = 0; live[r] && k < w->old->node[r].nargs; k++)
			w->uses[w->old->node[r].args[k]]++;
	}
}

/* algebra - the program as a person would write it.
 * requires: derivatives are taken.  ensures: products and sums in the order of algebra_node.c.
 * preserves: inputs, outputs, shapes, names; values for finite operands up to rounding. */
void
sg_algebra(sg_ctx *ctx, sg_program *p, bool formulas)
{
	walk w = {.a.b = {.ctx = ctx, .sp = p->sp, .g = sg_graph_new(p->sp), .finite = true},
	          .a.input = p->input,
	          .old = p->g,
	          .formulas = formulas};
	size_t nroots, cap = 0;
	const sg_ref *roots = sg_program_roots(ctx, p, &nroots);
	const bool *live = sg_graph_live(p->g, nroots, roots);
	sg_ref *arg = NULL;

	prepare(&w, ctx, p, live);
	for (sg_ref r = 1; r < w.old->n; r++) {
		if (!live[r])
			continue;
		if (w.old->node[r].nargs > cap)
			arg = SG_NEW_ARRAY(ctx, sg_ref, cap = 2 * w.old->node[r].nargs);
		visit(&w, r, arg);
	}
	for (size_t i = 0; i < nroots; i++)
		if (roots[i])
			node_of(&w, roots[i]);
	sg_program_remap(p, w.a.b.g, w.node);
}
