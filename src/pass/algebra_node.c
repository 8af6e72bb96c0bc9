/* algebra_node.c - a form becomes nodes, in the order in which people write: coefficients first,
 * what has negative powers under one fraction bar, positive numbers before and negative ones after
 * the rest of a sum. Nodes are made as they stand: the order of operands is what the printer will
 * show. */
#include "pass/algebra.h"

#include <math.h>
#include <string.h>

sg_ref
sg_raw_node(sg_algebra_state *a, sg_op op, sg_ref x, sg_ref y)
{
	const sg_ref args[2] = {x, y};

	return sg_node_make(a->b.g, (uint16_t)op, a->type, a->shape, y ? 2 : 1, args, NULL);
}

static sg_ref
number(sg_algebra_state *a, double v)
{
	return sg_const(&a->b, a->type, a->shape, v);
}

/* x to a positive power. */
static sg_ref
power(sg_algebra_state *a, sg_ref x, double e)
{
	if (e == 1)
		return x;
	if (e == 2)
		return sg_raw_node(a, SG_SQUARE, x, 0);
	if (e == 0.5)
		return sg_raw_node(a, SG_SQRT, x, 0);
	return sg_raw_node(a, SG_POW, x, number(a, e));
}

/* Where the user first sees it: conversions and broadcasts come when what is inside them does. */
static sg_ref
place(const sg_algebra_state *a, sg_ref base)
{
	const sg_node *n = sg_node_at(a->b.g, base);

	while (n->op == SG_BROADCAST || n->op == SG_CAST || n->op == SG_RESHAPE) {
		base = n->args[0];
		n = sg_node_at(a->b.g, base);
	}
	return base;
}

/* Does x stand before y in a product? Numbers, then plain names (scalars by the alphabet), then the
 * rest as it comes. */
static bool
stands_before(const sg_algebra_state *a, sg_ref x, sg_ref y)
{
	const sg_node *p, *q;

	x = place(a, x);
	y = place(a, y);
	p = sg_node_at(a->b.g, x);
	q = sg_node_at(a->b.g, y);
	if (p->op == SG_INPUT && q->op == SG_INPUT && !p->shape->rank && !q->shape->rank)
		return strcmp(a->input[p->attr->w[0]].name, a->input[q->attr->w[0]].name) < 0;
	if ((p->op == SG_INPUT) != (q->op == SG_INPUT) && p->shape->rank == q->shape->rank)
		return p->op == SG_INPUT;
	return x < y;
}

static sg_factor *
in_order(sg_algebra_state *a, const sg_product *p)
{
	sg_factor *f = SG_NEW_ARRAY(a->b.ctx, sg_factor, p->n);

	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t k = i;

		for (; k && stands_before(a, p->f[i].base, f[k - 1].base); k--)
			f[k] = f[k - 1];
		f[k] = p->f[i];
	}
	return f;
}

/* first * f[..] of positive (sign 1) or negative powers; first = 0: nothing. 0: nothing at all. */
static sg_ref
multiply(sg_algebra_state *a, sg_ref first, uint32_t n, const sg_factor *f, double sign)
{
	for (uint32_t i = 0; i < n; i++) {
		sg_ref x;

		if (f[i].e * sign < 0)
			continue;
		x = power(a, f[i].base, fabs(f[i].e));
		first = first ? sg_raw_node(a, SG_MUL, first, x) : x;
	}
	return first;
}

/* ---- known numbers ---- */

typedef enum { OF_LOG, OF_SQRT, OF_PI, OF_SQRT_PI, OF_SQRT_2PI, OF_LOG_2PI } known_kind;

static sg_ref
known_node(sg_algebra_state *a, known_kind kind, double of)
{
	const double pi = 3.14159265358979323846;
	const sg_shape *shape = a->shape;
	sg_ref r = 0;

	a->shape = sg_shape_scalar(a->b.sp);
	switch (kind) {
	case OF_LOG:
		r = sg_raw_node(a, SG_LOG, number(a, of), 0);
		break;
	case OF_SQRT:
		r = sg_raw_node(a, SG_SQRT, number(a, of), 0);
		break;
	case OF_PI:
		r = number(a, pi);
		break;
	case OF_SQRT_PI:
		r = sg_raw_node(a, SG_SQRT, number(a, pi), 0);
		break;
	case OF_SQRT_2PI:
	case OF_LOG_2PI:
		r = number(a, pi);
		r = sg_raw_node(a, SG_MUL, number(a, 2), r);
		r = sg_raw_node(a, kind == OF_LOG_2PI ? SG_LOG : SG_SQRT, r, 0);
		break;
	}
	a->shape = shape;
	return sg_broadcast(&a->b, r, shape, NULL);
}

/* Is v a fraction of small numbers, but for rounding? */
static bool
small_fraction(double v, sg_type t, sg_coef *c)
{
	const double eps = t == SG_F32 ? 1e-7 : 1e-15;

	for (int64_t d = 1; d <= 6; d++) {
		const double n = nearbyint(v * (double)d);

		if (fabs(n) >= 1 && fabs(n) <= 6 && fabs(v * (double)d - n) <= eps * fabs(n)) {
			*c = sg_coef_mul(sg_coef_int((int64_t)n), sg_coef_pow(sg_coef_int(d), -1));
			return true;
		}
	}
	return false;
}

bool
sg_known_number(sg_algebra_state *a, sg_coef c, sg_coef *rest, sg_factor *f)
{
	static const struct {
		known_kind kind;
		double of, value;
	} known[] = {
	    {OF_LOG, 2, 0.69314718055994530942},     {OF_LOG, 10, 2.30258509299404568402},
	    {OF_LOG, 3, 1.09861228866810969140},     {OF_SQRT, 2, 1.41421356237309504880},
	    {OF_SQRT, 3, 1.73205080756887729353},    {OF_PI, 0, 3.14159265358979323846},
	    {OF_SQRT_PI, 0, 1.77245385090551602730}, {OF_SQRT_2PI, 0, 2.50662827463100050242},
	    {OF_LOG_2PI, 0, 1.83787706640934548356},
	};

	for (size_t i = 0; !c.exact && i < sizeof known / sizeof *known; i++) {
		sg_coef over, under;
		const bool times = small_fraction(c.v / known[i].value, a->type, &over);
		const bool divided = small_fraction(c.v * known[i].value, a->type, &under);

		if (!times && !divided)
			continue;
		/* x/sqrt(2) rather than sqrt(2)*x/2 */
		const bool above = times && (!divided || over.d <= under.d);
		*rest = above ? over : under;
		*f = (sg_factor){known_node(a, known[i].kind, known[i].of), above ? 1 : -1};
		return true;
	}
	*rest = c;
	return false;
}

/* ---- broadcasts stay outside ---- */

static bool
same_broadcast(const sg_algebra_state *a, sg_ref x, sg_ref y)
{
	const sg_node *p = sg_node_at(a->b.g, x), *q = sg_node_at(a->b.g, y);

	return p->op == SG_BROADCAST && q->op == SG_BROADCAST && p->attr == q->attr &&
	       sg_shape_of(&a->b, p->args[0]) == sg_shape_of(&a->b, q->args[0]);
}

/* Is it one base and nothing else? */
static bool
is_bare(sg_form x)
{
	return x.n == 1 && x.term[0].n == 1 && x.term[0].f[0].e == 1 && sg_coef_is(x.term[0].c, 1);
}

/* Are all bases broadcast alike? The first of them, or 0. */
static sg_ref
common_broadcast(const sg_algebra_state *a, sg_form x)
{
	const sg_node *first = NULL;
	sg_ref r = 0;

	for (uint32_t i = 0; i < x.n; i++)
		for (uint32_t k = 0; k < x.term[i].n; k++) {
			const sg_node *n = sg_node_at(a->b.g, x.term[i].f[k].base);

			if (n->op != SG_BROADCAST)
				return 0;
			if (!first) {
				first = n;
				r = x.term[i].f[k].base;
			}
			if (!same_broadcast(a, r, x.term[i].f[k].base))
				return 0;
		}
	return r;
}

/* The form of what is broadcast, made a node and broadcast then. */
static sg_ref
under_broadcast(sg_algebra_state *a, sg_form x, sg_ref like)
{
	const sg_node n = *sg_node_at(a->b.g, like);
	const sg_shape *shape = a->shape;
	sg_form inner = {0, NULL};
	sg_ref r;

	for (uint32_t i = 0; i < x.n; i++) {
		sg_product p = {.c = x.term[i].c};

		for (uint32_t k = 0; k < x.term[i].n; k++) {
			const sg_factor f = x.term[i].f[k];
			const sg_form g = sg_form_base(a, sg_arg(a->b.g, f.base, 0), f.e);

			p = sg_product_mul(a, &p, g.term);
		}
		inner = sg_form_add(a, inner, sg_form_term(a, &p), 1);
	}
	a->shape = sg_shape_of(&a->b, n.args[0]);
	r = sg_form_node(a, inner);
	a->shape = shape;
	return sg_broadcast(&a->b, r, n.shape, n.attr ? n.attr->w : NULL);
}

/* Factors that are broadcast alike become one, which is broadcast. */
static sg_product
join_broadcasts(sg_algebra_state *a, const sg_product *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		sg_product alike = {.c = sg_coef_int(1)}, rest = {.c = p->c};
		uint32_t count = 0;
		sg_form joined;

		for (uint32_t k = 0; k < p->n; k++) {
			const bool same = same_broadcast(a, p->f[i].base, p->f[k].base);
			const sg_form f = sg_form_base(a, p->f[k].base, p->f[k].e);

			count += same;
			if (same)
				alike = sg_product_mul(a, &alike, f.term);
			else
				rest = sg_product_mul(a, &rest, f.term);
		}
		if (count < 2 || !sg_shape_of(&a->b, sg_arg(a->b.g, p->f[i].base, 0))->rank)
			continue;
		joined =
		    sg_form_base(a, under_broadcast(a, sg_form_term(a, &alike), p->f[i].base), 1);
		rest = sg_product_mul(a, &rest, joined.term);
		return join_broadcasts(a, &rest);
	}
	return *p;
}

/* ---- products and sums ---- */

/* The product without its sign. */
static sg_ref
product_node(sg_algebra_state *a, const sg_product *whole)
{
	const sg_product joined = join_broadcasts(a, whole), *p = &joined;
	const sg_factor *f = in_order(a, p);
	sg_coef c = p->c;
	sg_factor known;
	const uint32_t nknown = p->n && sg_known_number(a, c, &c, &known);
	const double above = c.exact ? fabs((double)c.n) : fabs(c.v);
	const double below = c.exact ? (double)c.d : 1;
	sg_ref top, bottom;

	if (p->n == 0)
		return number(a, fabs(p->c.v));
	bottom = multiply(a, below != 1 ? number(a, below) : 0, nknown, &known, -1);
	bottom = multiply(a, bottom, p->n, f, -1);
	top = multiply(a, above != 1 ? number(a, above) : 0, nknown, &known, 1);
	top = multiply(a, top, p->n, f, 1);
	if (!bottom)
		return top ? top : number(a, 1);
	return top ? sg_raw_node(a, SG_DIV, top, bottom) : sg_raw_node(a, SG_RECIP, bottom, 0);
}

/* The same, broadcast as a whole where all of it is. */
static sg_ref
term_node(sg_algebra_state *a, const sg_product *p)
{
	sg_product size = *p;
	sg_form x;
	sg_ref like;

	size.c = sg_coef_abs(p->c);
	x = sg_form_term(a, &size);
	like = is_bare(x) ? 0 : common_broadcast(a, x);
	return like ? under_broadcast(a, x, like) : product_node(a, p);
}

/* Terms as they are to be written: a positive number first, a negative one last, otherwise as they
 * come, but a positive one in front. */
static sg_product *
written_order(sg_algebra_state *a, sg_form x)
{
	sg_product *t = SG_NEW_ARRAY(a->b.ctx, sg_product, x.n), c;
	uint32_t n = 0, k = 0;

	for (uint32_t i = 0; i < x.n; i++)
		if (!x.term[i].n && x.term[i].c.v > 0)
			t[n++] = x.term[i];
	for (uint32_t i = 0; i < x.n; i++)
		if (x.term[i].n)
			t[n++] = x.term[i];
	for (uint32_t i = 0; i < x.n; i++)
		if (!x.term[i].n && x.term[i].c.v < 0)
			t[n++] = x.term[i];
	while (k < n && t[k].c.v < 0)
		k++;
	if (k < n) {
		c = t[k];
		memmove(t + 1, t, k * sizeof *t);
		t[0] = c;
	}
	return t;
}

static void
remember(sg_algebra_state *a, sg_ref r, sg_form x)
{
	while (a->sum_cap <= r) {
		const size_t cap = a->sum_cap ? 2 * a->sum_cap : 256;
		sg_form *more = SG_NEW_ARRAY(a->b.ctx, sg_form, cap);

		if (a->sum_cap)
			memcpy(more, a->sum, a->sum_cap * sizeof *more);
		a->sum = more;
		a->sum_cap = cap;
	}
	a->sum[r] = x;
}

bool
sg_base_sum(const sg_algebra_state *a, sg_ref base, sg_form *sum)
{
	if (base >= a->sum_cap || a->sum[base].n < 2)
		return false;
	*sum = a->sum[base];
	return true;
}

sg_ref
sg_form_node(sg_algebra_state *a, sg_form x)
{
	const sg_product *t;
	sg_ref r;

	if (x.n == 0)
		return number(a, 0);
	t = written_order(a, x);
	if (x.n == 1 && t[0].n == 0)
		return number(a, t[0].c.v);
	if (!is_bare(x) && (r = common_broadcast(a, x)))
		return under_broadcast(a, x, r);
	r = term_node(a, &t[0]);
	if (t[0].c.v < 0)
		r = sg_raw_node(a, SG_NEG, r, 0);
	for (uint32_t i = 1; i < x.n; i++)
		r = sg_raw_node(a, t[i].c.v < 0 ? SG_SUB : SG_ADD, r, term_node(a, &t[i]));
	if (!is_bare(x))
		remember(a, r, x);
	return r;
}

sg_form
sg_form_of_node(sg_algebra_state *a, sg_ref r)
{
	const sg_node *n = sg_node_at(a->b.g, r);

	if (n->op == SG_CONST && isfinite(sg_bits_double(n->attr->w[0])))
		return sg_form_number(a,
		                      sg_coef_of(sg_bits_double(n->attr->w[0]), (sg_type)n->type));
	if (n->op == SG_NEG)
		return sg_form_scale(a, sg_form_of_node(a, n->args[0]), sg_coef_int(-1));
	if (r < a->sum_cap && a->sum[r].n)
		return a->sum[r];
	return sg_form_base(a, r, 1);
}
