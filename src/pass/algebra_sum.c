/* algebra_sum.c - what makes sums and products shorter: one fraction, squares of sine and cosine,
 * conjugates, exponentials. A result is taken only if it has fewer terms or factors. */
#include "pass/algebra.h"

#include <math.h>

enum { SMALL = 8 }; /* terms of a sum that is worth trying */

/* ---- one fraction: 1/d - x/d**2 with d = 1 + x is 1/d**2 ---- */

/* x * base**k, where powers of base up to 2 are multiplied out. False if others are left. */
static bool
times_power(sg_algebra_state *a, sg_form x, sg_ref base, double k, sg_form *out)
{
	sg_form sum, all = {0, NULL};

	if (!sg_base_sum(a, base, &sum))
		return false;
	for (uint32_t i = 0; i < x.n; i++) {
		const double e = sg_exponent(&x.term[i], base) + k;
		const sg_product rest = sg_without(a, &x.term[i], base);
		sg_form t = sg_form_term(a, &rest);

		if (e != floor(e) || e < 0 || e > 2)
			return false;
		for (int j = 0; j < (int)e; j++)
			t = sg_form_expand(a, t, sum);
		all = sg_form_add(a, all, t, 1);
	}
	*out = all;
	return true;
}

/* The sum with the sums in its products multiplied out. False if there are none. */
static bool
multiply_out(sg_algebra_state *a, sg_form x, sg_form *out)
{
	sg_form all = {0, NULL}, sum;
	bool any = false;

	for (uint32_t i = 0; i < x.n; i++) {
		sg_form t = sg_form_term(a, &x.term[i]);

		for (uint32_t k = 0; k < x.term[i].n; k++) {
			const sg_factor f = x.term[i].f[k];
			sg_product rest;

			if (f.e != 1 || t.n != 1 || !sg_base_sum(a, f.base, &sum) || sum.n > 4)
				continue;
			rest = sg_without(a, &t.term[0], f.base);
			t = sg_form_expand(a, sg_form_term(a, &rest), sum);
			any = true;
		}
		all = sg_form_add(a, all, t, 1);
	}
	*out = all;
	return any;
}

/* The sum over the common power of one base, if that leaves fewer terms. */
static bool
over_one_bar(sg_algebra_state *a, sg_form x, sg_ref base, sg_form *out)
{
	double low = 0;
	sg_form top, flat;

	for (uint32_t i = 0; i < x.n; i++) {
		const double e = sg_exponent(&x.term[i], base);

		low = e < low ? e : low;
	}
	if (!times_power(a, x, base, -low, &top))
		return false;
	if (top.n > 1 && multiply_out(a, top, &flat) && flat.n < top.n)
		top = flat;
	if (top.n >= x.n || (low < 0 && top.n > 1))
		return false;
	if (top.n && low < 0) {
		const sg_form bar = sg_form_base(a, base, low);

		top = sg_form_expand(a, top, bar);
	}
	*out = top;
	return true;
}

/* ---- sin(u)**2 + cos(u)**2 ---- */

static sg_ref
squared(const sg_algebra_state *a, const sg_product *p, sg_op op, uint32_t from)
{
	for (uint32_t i = from; i < p->n; i++)
		if (p->f[i].e == 2 && sg_node_at(a->b.g, p->f[i].base)->op == op)
			return p->f[i].base;
	return 0;
}

static bool
pythagoras(sg_algebra_state *a, sg_form x, sg_form *out)
{
	for (uint32_t i = 0; i < x.n; i++) {
		const sg_ref s = squared(a, &x.term[i], SG_SIN, 0);
		sg_product rest;

		if (!s)
			continue;
		rest = sg_without(a, &x.term[i], s);
		for (uint32_t j = 0; j < x.n; j++) {
			const sg_ref c = squared(a, &x.term[j], SG_COS, 0);
			sg_product other;

			if (!c || sg_arg(a->b.g, c, 0) != sg_arg(a->b.g, s, 0))
				continue;
			other = sg_without(a, &x.term[j], c);
			if (!sg_same_factors(&rest, &other) || fabs(rest.c.v - other.c.v) > 0)
				continue;
			*out = sg_form_add(a, x, sg_form_term(a, &x.term[i]), -1);
			*out = sg_form_add(a, *out, sg_form_term(a, &x.term[j]), -1);
			*out = sg_form_add(a, *out, sg_form_term(a, &rest), 1);
			return true;
		}
	}
	return false;
}

static bool
shorten_once(sg_algebra_state *a, sg_form x, sg_form *out)
{
	if (x.n < 2 || x.n > SMALL)
		return false;
	if (pythagoras(a, x, out))
		return true;
	for (uint32_t i = 0; i < x.n; i++)
		for (uint32_t k = 0; k < x.term[i].n; k++) {
			sg_form sum;

			if (sg_base_sum(a, x.term[i].f[k].base, &sum) && sum.n <= SMALL &&
			    over_one_bar(a, x, x.term[i].f[k].base, out))
				return true;
		}
	return multiply_out(a, x, out) && out->n < x.n;
}

sg_form
sg_form_shorten(sg_algebra_state *a, sg_form x)
{
	sg_form shorter;

	while (shorten_once(a, x, &shorter))
		x = shorter;
	return x;
}

/* ---- products ---- */

/* The sums u + v and u - v: out is u**2 - v**2. */
static bool
conjugates(sg_algebra_state *a, sg_form x, sg_form y, sg_form *out)
{
	if (x.n != 2 || y.n != 2)
		return false;
	for (uint32_t i = 0; i < 2; i++) {
		const sg_product *u = &x.term[i], *v = &x.term[1 - i];

		for (uint32_t j = 0; j < 2; j++) {
			const sg_product *p = &y.term[j], *q = &y.term[1 - j];

			if (!sg_same_factors(u, p) || !sg_same_factors(v, q) ||
			    fabs(u->c.v - p->c.v) > 0 || fabs(v->c.v + q->c.v) > 0)
				continue;
			*out = sg_form_expand(a, x, y);
			return true;
		}
	}
	return false;
}

static bool
join_conjugates(sg_algebra_state *a, sg_product *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		for (uint32_t j = i + 1; j < p->n; j++) {
			const double e = p->f[i].e;
			sg_form x, y, sum;
			sg_product rest, joined;

			if (fabs(e - p->f[j].e) > 0 || !sg_base_sum(a, p->f[i].base, &x) ||
			    !sg_base_sum(a, p->f[j].base, &y) || !conjugates(a, x, y, &sum))
				continue;
			rest = sg_without(a, p, p->f[i].base);
			rest = sg_without(a, &rest, p->f[j].base);
			joined = *sg_form_base(a, sg_form_node(a, sum), e).term;
			*p = sg_product_mul(a, &rest, &joined);
			return true;
		}
	return false;
}

/* exp(u)**a * exp(v)**b is exp(a*u + b*v); alone, exp(u) stays as it is. */
static bool
join_exponentials(sg_algebra_state *a, sg_product *p)
{
	sg_form sum = {0, NULL};
	sg_product rest = *p;
	uint32_t count = 0;
	bool plain = true;

	for (uint32_t i = 0; i < p->n; i++) {
		const sg_ref base = p->f[i].base;
		sg_form u, scaled;

		if (sg_node_at(a->b.g, base)->op != SG_EXP)
			continue;
		u = sg_form_of_node(a, sg_arg(a->b.g, base, 0));
		scaled = sg_form_scale(a, u, sg_coef_of(p->f[i].e, SG_F64));
		sum = sg_form_add(a, sum, scaled, 1);
		rest = sg_without(a, &rest, base);
		plain = plain && p->f[i].e == 1;
		count++;
	}
	if (count == 0 || (count == 1 && plain) || sum.n > SMALL)
		return false;
	if (sum.n) {
		const sg_ref u = sg_form_node(a, sum);
		const sg_form e = sg_form_base(a, sg_raw_node(a, SG_EXP, u, 0), 1);

		rest = sg_product_mul(a, &rest, e.term);
	}
	*p = rest;
	return true;
}

/* u**a * (u**v)**b, v no number, is u**(a + b*v). */
static bool
join_powers(sg_algebra_state *a, sg_product *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		const sg_node *pow = sg_node_at(a->b.g, p->f[i].base);
		const sg_ref u = pow->op == SG_POW ? pow->args[0] : 0;
		const double e = u ? sg_exponent(p, u) : 0;
		sg_form v;
		sg_product rest, joined;

		if (e == 0)
			continue;
		v = sg_form_scale(a, sg_form_of_node(a, pow->args[1]),
		                  sg_coef_of(p->f[i].e, SG_F64));
		v = sg_form_add(a, v, sg_form_number(a, sg_coef_of(e, SG_F64)), 1);
		rest = sg_without(a, p, p->f[i].base);
		rest = sg_without(a, &rest, u);
		if (v.n) {
			const sg_ref r = sg_raw_node(a, SG_POW, u, sg_form_node(a, v));

			joined = *sg_form_base(a, r, 1).term;
			rest = sg_product_mul(a, &rest, &joined);
		}
		*p = rest;
		return true;
	}
	return false;
}

/* |u|**2 is u**2. */
static bool
drop_abs(sg_algebra_state *a, sg_product *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		const sg_ref base = p->f[i].base;
		const double e = p->f[i].e;

		if (sg_node_at(a->b.g, base)->op == SG_ABS && fmod(e, 2) == 0) {
			const sg_form u = sg_form_base(a, sg_arg(a->b.g, base, 0), e);
			const sg_product rest = sg_without(a, p, base);

			*p = sg_product_mul(a, &rest, u.term);
			return true;
		}
	}
	return false;
}

sg_product
sg_product_tidy(sg_algebra_state *a, sg_product p)
{
	while (p.n <= SMALL && (drop_abs(a, &p) || join_exponentials(a, &p) || join_powers(a, &p) ||
	                        join_conjugates(a, &p)))
		continue;
	return p;
}
