/* extdiv.c - floor division of extents, the lesser and the greater, and what can be proved of their
 * sign.
 *
 * All that divides goes out of the quotient: floor((q*a + r)/q) = a + floor(r/q) for any integer a.
 * What stays is an atom p // q in normal form: a constant q is positive, p's coefficients lie in
 * [0, q) and have no factor in common with q; for positive y and c, floor(floor(x/y)/c) is
 * floor(x/(y*c)). */
#include "ir/space.h"

#include <string.h>

static int64_t
floor_div(sg_ctx *ctx, int64_t a, int64_t b)
{
	if (a == INT64_MIN && b == -1)
		sg_raise(ctx, SG_FAULT_LIMIT, "an extent overflows 64 bits");
	return a / b - (a % b && (a < 0) != (b < 0));
}

static int64_t
gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t r = a % b;

		a = b;
		b = r;
	}
	return a < 0 ? -a : a; /* INT64_MIN does not get here: see content() */
}

/* The greatest number that divides all coefficients, those of the constant term too if asked. */
static int64_t
content(const sg_space *sp, sg_ext e, bool with_constant, int64_t g)
{
	const sg_poly *p = sg_poly_at(sp, e);

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->term[i].coef == INT64_MIN)
			return 1;
		if (p->term[i].n || with_constant)
			g = gcd(g, p->term[i].coef);
	}
	return g;
}

bool
sg_term_divides(const sg_term *b, const sg_term *a, uint32_t *fac, uint32_t *n)
{
	uint32_t i = 0, j = 0, k = 0;

	for (; i < a->n; i++)
		if (j < b->n && a->fac[i] == b->fac[j])
			j++;
		else if (fac)
			fac[k++] = a->fac[i];
	if (n)
		*n = k;
	return j == b->n;
}

/* Each coefficient of e divided by k, rounded down: the part of e that k divides, over k. */
static sg_ext
floor_coefs(sg_space *sp, sg_ext e, int64_t k)
{
	const sg_poly p = *sg_poly_at(sp, e);
	sg_term *t = SG_NEW_ARRAY(sp->ctx, sg_term, p.n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < p.n; i++) {
		t[n] = p.term[i];
		t[n].coef = floor_div(sp->ctx, t[n].coef, k);
		n += t[n].coef != 0;
	}
	return sg_ext_of_terms(sp, n, t);
}

/* long_division by one term. */
static sg_ext
divide_by_term(sg_space *sp, sg_ext p, const sg_term *q, sg_ext *rest)
{
	const sg_poly s = *sg_poly_at(sp, p);
	sg_term *out = SG_NEW_ARRAY(sp->ctx, sg_term, s.n),
		*in = SG_NEW_ARRAY(sp->ctx, sg_term, s.n);
	uint32_t nout = 0, nin = 0;

	for (uint32_t i = 0; i < s.n; i++) {
		const sg_term t = s.term[i];
		uint32_t *fac = SG_NEW_ARRAY(sp->ctx, uint32_t, t.n), n;
		int64_t k = 0;

		if (sg_term_divides(q, &t, fac, &n))
			k = floor_div(sp->ctx, t.coef, q->coef);
		if (k)
			out[nout++] = (sg_term){k, n, fac};
		if (t.coef != k * q->coef)
			in[nin++] = (sg_term){t.coef - k * q->coef, t.n, t.fac};
	}
	*rest = sg_ext_of_terms(sp, nin, in);
	return sg_ext_of_terms(sp, nout, out);
}

/* p = q*a + *rest, where no term of *rest is divisible by q's leading monomial with a coefficient
 * outside [0, |leading coefficient|). */
static sg_ext
long_division(sg_space *sp, sg_ext p, sg_ext q, sg_ext *rest)
{
	const sg_term lead = sg_poly_at(sp, q)->term[0];
	sg_ext quotient = 0;
	uint32_t i = 0;

	if (sg_poly_at(sp, q)->n == 1)
		return divide_by_term(sp, p, &lead, rest);
	while (i < sg_poly_at(sp, p)->n) {
		const sg_term t = sg_poly_at(sp, p)->term[i];
		uint32_t *fac = SG_NEW_ARRAY(sp->ctx, uint32_t, t.n);
		sg_term m = {.fac = fac};
		sg_ext step;

		if (!sg_term_divides(&lead, &t, fac, &m.n) ||
		    !(m.coef = floor_div(sp->ctx, t.coef, lead.coef))) {
			i++;
			continue;
		}
		step = sg_ext_of_term(sp, &m);
		quotient = sg_ext_add(sp, quotient, step);
		p = sg_ext_sub(sp, p, sg_ext_mul(sp, step, q));
		i += t.coef % lead.coef != 0; /* the term is still there, reduced */
	}
	*rest = p;
	return quotient;
}

/* ---- atoms over a number ---- */

/* The one atom x // y of e with coefficient 1 and y a number, the only atom in it. */
static const sg_atom *
only_atom(sg_space *sp, sg_ext e, sg_ext *self)
{
	const sg_poly *p = sg_poly_at(sp, e);
	uint32_t count = 0, f = 0;

	for (uint32_t i = 0; i < p->n; i++)
		for (uint32_t k = 0; k < p->term[i].n; k++)
			if (sg_fac_is_atom(p->term[i].fac[k])) {
				f = p->term[i].fac[k];
				count += p->term[i].n == 1 && p->term[i].coef == 1 ? 1 : 2;
			}
	if (count != 1 || sg_atom_of(sp, f)->kind != SG_ATOM_QUOTIENT ||
	    !sg_ext_const(sp, sg_atom_of(sp, f)->q, NULL))
		return NULL;
	*self = sg_ext_of_term(sp, &(sg_term){1, 1, &f});
	return sg_atom_of(sp, f);
}

/* floor(p / k) for k >= 2. */
static sg_ext
div_number(sg_space *sp, sg_ext p, int64_t k)
{
	sg_ext out = floor_coefs(sp, p, k), self = 0;
	int64_t g, y;
	const sg_atom *in;

	p = sg_ext_sub(sp, p, sg_ext_mul(sp, out, sg_ext_int(sp, k)));
	g = content(sp, p, false, k);
	if (g > 1) {
		p = floor_coefs(sp, p, g);
		k /= g;
	}
	if (k == 1 || sg_ext_const(sp, p, NULL))
		return k == 1 ? sg_ext_add(sp, out, p) : out; /* a constant p lies in [0, k) */
	in = only_atom(sp, p, &self);
	if (in && sg_ext_const(sp, in->q, &y) && y > 0) {
		sg_ext ye = in->q, x = in->p;

		x = sg_ext_add(sp, x, sg_ext_mul(sp, ye, sg_ext_sub(sp, p, self)));
		return sg_ext_add(sp, out,
		                  sg_ext_div(sp, x, sg_ext_mul(sp, ye, sg_ext_int(sp, k))));
	}
	return sg_ext_add(sp, out, sg_ext_atom(sp, SG_ATOM_QUOTIENT, p, sg_ext_int(sp, k)));
}

/* ---- atoms over a polynomial ---- */

/* Drops the factors that all terms of p and q share. */
static void
drop_common_factors(sg_space *sp, sg_ext *p, sg_ext *q)
{
	const sg_poly a = *sg_poly_at(sp, *q), b = *sg_poly_at(sp, *p);

	for (uint32_t k = 0; k < a.term[0].n; k++) {
		sg_term f = {1, 1, &a.term[0].fac[k]};
		bool all = true;
		sg_ext fe, none;

		for (uint32_t i = 0; i < a.n; i++)
			all = all && sg_term_divides(&f, &a.term[i], NULL, NULL);
		for (uint32_t i = 0; i < b.n; i++)
			all = all && sg_term_divides(&f, &b.term[i], NULL, NULL);
		if (!all)
			continue;
		fe = sg_ext_of_term(sp, &f);
		*p = long_division(sp, *p, fe, &none);
		*q = long_division(sp, *q, fe, &none);
		drop_common_factors(sp, p, q);
		return;
	}
}

static sg_ext
div_poly(sg_space *sp, sg_ext p, sg_ext q)
{
	sg_ext rest, out, was = q;
	int64_t g;

	if (sg_poly_at(sp, q)->term[0].coef < 0) {
		p = sg_ext_sub(sp, 0, p);
		q = sg_ext_sub(sp, 0, q);
	}
	out = long_division(sp, p, q, &rest);
	if (rest == 0)
		return out;
	g = content(sp, rest, true, content(sp, q, true, 0));
	if (g > 1) {
		rest = floor_coefs(sp, rest, g);
		q = floor_coefs(sp, q, g);
	}
	drop_common_factors(sp, &rest, &q);
	if (q != was && sg_ext_const(sp, q, NULL))
		return sg_ext_add(sp, out, sg_ext_div(sp, rest, q));
	return sg_ext_add(sp, out, sg_ext_atom(sp, SG_ATOM_QUOTIENT, rest, q));
}

sg_ext
sg_ext_div(sg_space *sp, sg_ext a, sg_ext b)
{
	int64_t x, k;

	if (b == 0)
		return sg_ext_atom(sp, SG_ATOM_QUOTIENT, a, b);
	if (a == 0 || b == 1)
		return a;
	if (!sg_ext_const(sp, b, &k))
		return div_poly(sp, a, b);
	if (sg_ext_const(sp, a, &x))
		return sg_ext_int(sp, floor_div(sp->ctx, x, k));
	if (k < 0) {
		a = sg_ext_sub(sp, 0, a);
		k = sg_mul_size(sp->ctx, k, -1);
	}
	return k == 1 ? a : div_number(sp, a, k);
}

/* ---- signs ---- */

bool
sg_ext_fold(sg_space *sp, sg_ext e, uint32_t term, sg_ext *p, int64_t *k, sg_ext *rest)
{
	const sg_poly s = *sg_poly_at(sp, e);
	const sg_term t = s.term[term];
	sg_poly in;

	if (t.n != 1 || !sg_fac_is_atom(t.fac[0]) ||
	    sg_atom_of(sp, t.fac[0])->kind != SG_ATOM_QUOTIENT ||
	    !sg_ext_const(sp, sg_atom_of(sp, t.fac[0])->q, k) || *k <= 0)
		return false;
	*p = sg_atom_of(sp, t.fac[0])->p;
	*rest = sg_ext_sub(sp, e, sg_ext_of_term(sp, &t));
	in = *sg_poly_at(sp, *p);
	for (uint32_t i = 0; i < s.n; i++)
		for (uint32_t j = 0; j < in.n; j++) {
			sg_term m = s.term[i], move = m;

			if (i == term || sg_term_cmp(&m, &in.term[j]) || m.coef == INT64_MIN ||
			    t.coef == INT64_MIN || m.coef % t.coef)
				continue;
			*rest = sg_ext_sub(sp, *rest, sg_ext_of_term(sp, &m));
			move.coef = sg_mul_size(sp->ctx, m.coef / t.coef, *k);
			*p = sg_ext_add(sp, *p, sg_ext_of_term(sp, &move));
		}
	return true;
}

/* Of atoms that a proof looks into; extents that it may look at, and that a short one may. */
enum { DEPTH = 3, EFFORT = 24, SHORT = 6 };

static bool nonneg(sg_space *sp, sg_ext e, int depth);

static bool
factor_nonneg(sg_space *sp, uint32_t f, int depth)
{
	sg_atom a;

	if (!sg_fac_is_atom(f))
		return true;
	a = *sg_atom_of(sp, f);
	if (depth > 0 && a.kind == SG_ATOM_MAX)
		return nonneg(sp, a.q, depth - 1) || nonneg(sp, a.p, depth - 1);
	return depth > 0 && nonneg(sp, a.q, depth - 1) && nonneg(sp, a.p, depth - 1);
}

/* Is the big monomial zero only where the small one is? Then, of natural numbers, big >= small. */
static bool
outgrows(const sg_term *big, const sg_term *small)
{
	if (!sg_term_divides(small, big, NULL, NULL))
		return false;
	for (uint32_t i = 0; i < big->n; i++) {
		bool found = false;

		for (uint32_t j = 0; j < small->n; j++)
			found = found || small->fac[j] == big->fac[i];
		if (!found)
			return false;
	}
	return true;
}

/* Every negative term is paid for by positive ones that outgrow it. */
static bool
covered(sg_space *sp, sg_ext e, int depth)
{
	const sg_poly p = *sg_poly_at(sp, e);
	int64_t *left = SG_NEW_ARRAY(sp->ctx, int64_t, p.n);

	for (uint32_t i = 0; i < p.n; i++) {
		left[i] = p.term[i].coef;
		for (uint32_t k = 0; k < p.term[i].n; k++)
			if (!factor_nonneg(sp, p.term[i].fac[k], depth))
				return false;
	}
	for (uint32_t i = 0; i < p.n; i++) {
		for (uint32_t k = 0; k < p.n && left[i] < 0; k++) {
			int64_t pay = left[k] <= -(left[i] + 1) ? left[k] : -(left[i] + 1) + 1;

			if (left[k] > 0 && outgrows(&p.term[k], &p.term[i])) {
				left[k] -= pay;
				left[i] += pay;
			}
		}
		if (left[i] < 0)
			return false;
	}
	return true;
}

/* k*rest + c*p, less c*(k-1) where c > 0: k times a lower bound of c*(p // k) + rest. */
static sg_ext
without_atom(sg_space *sp, int64_t c, sg_ext p, int64_t k, sg_ext rest)
{
	sg_ext ke = sg_ext_int(sp, k), ce = sg_ext_int(sp, c);

	if (c > 0)
		p = sg_ext_sub(sp, p, sg_ext_int(sp, k - 1));
	return sg_ext_add(sp, sg_ext_mul(sp, ke, rest), sg_ext_mul(sp, ce, p));
}

/* Small enough that a step of nonneg() can't overflow. */
static bool
is_small(const sg_space *sp, sg_ext e)
{
	const sg_poly *p = sg_poly_at(sp, e);

	for (uint32_t i = 0; i < p->n; i++)
		if (p->term[i].coef > INT64_C(1) << 38 || p->term[i].coef < -(INT64_C(1) << 38))
			return false;
	return p->n <= 16;
}

/* c*(p // k) with small numbers. */
static bool
small_atom(const sg_space *sp, const sg_term *t)
{
	int64_t k;

	return t->n == 1 && sg_fac_is_atom(t->fac[0]) &&
	       sg_atom_of(sp, t->fac[0])->kind == SG_ATOM_QUOTIENT && t->coef >= -(1 << 20) &&
	       t->coef <= 1 << 20 && is_small(sp, sg_atom_of(sp, t->fac[0])->p) &&
	       sg_ext_const(sp, sg_atom_of(sp, t->fac[0])->q, &k) && k <= 1 << 20;
}

/* c*max(p, q) or c*min(p, q) with small numbers. */
static bool
small_extreme(const sg_space *sp, const sg_term *t)
{
	return t->n == 1 && sg_fac_is_atom(t->fac[0]) &&
	       sg_atom_of(sp, t->fac[0])->kind != SG_ATOM_QUOTIENT && t->coef >= -(1 << 20) &&
	       t->coef <= 1 << 20 && is_small(sp, sg_atom_of(sp, t->fac[0])->p) &&
	       is_small(sp, sg_atom_of(sp, t->fac[0])->q);
}

/* By the bounds of p // k in the term at `term`. */
static bool
prove_quotient(sg_space *sp, sg_ext e, uint32_t term, int64_t c, int depth)
{
	sg_ext p, rest;
	int64_t k;

	if (!sg_ext_fold(sp, e, term, &p, &k, &rest) || !is_small(sp, p) || !is_small(sp, rest))
		return false;
	if (c > 0 && nonneg(sp, rest, depth) && nonneg(sp, p, depth))
		return true;
	return nonneg(sp, without_atom(sp, c, p, k, rest), depth);
}

/* c*max(p, q) is one or the other: with the larger bound for it if e has to bear one alone, else both. */
static bool
prove_extreme(sg_space *sp, sg_ext e, const sg_term *t, int depth)
{
	const sg_atom a = *sg_atom_of(sp, t->fac[0]);
	const sg_ext rest = sg_ext_sub(sp, e, sg_ext_of_term(sp, t)), c = sg_ext_int(sp, t->coef);
	const sg_ext p = sg_ext_add(sp, rest, sg_ext_mul(sp, c, a.p)),
		     q = sg_ext_add(sp, rest, sg_ext_mul(sp, c, a.q));

	if ((a.kind == SG_ATOM_MAX) == (t->coef > 0))
		return nonneg(sp, p, depth) || nonneg(sp, q, depth);
	return nonneg(sp, p, depth) && nonneg(sp, q, depth);
}

static bool
prove(sg_space *sp, sg_ext e, int depth)
{
	const sg_poly s = *sg_poly_at(sp, e);

	if (covered(sp, e, depth))
		return true;
	for (uint32_t i = 0; i < s.n && depth > 0 && is_small(sp, e); i++) {
		if (small_atom(sp, &s.term[i]) && prove_quotient(sp, e, i, s.term[i].coef, depth - 1))
			return true;
		if (small_extreme(sp, &s.term[i]) && prove_extreme(sp, e, &s.term[i], depth - 1))
			return true;
	}
	return false;
}

/* Is e negative for some dimensions? Few that are get past this, and to look for a proof that is not there
 * takes long. */
static bool
is_refuted(sg_space *sp, sg_ext e)
{
	const double *v = sg_ext_samples(sp, e);

	for (uint32_t k = 0; k < SG_SAMPLES; k++)
		if (v[k] < 0)
			return true;
	return false;
}

/* Room for what was found of e. */
static void
grow_signs(sg_space *sp, sg_ext e)
{
	const size_t n = sp->poly_cap;
	uint8_t *sign;

	if (e < sp->nsigns)
		return;
	sign = SG_NEW_ARRAY(sp->ctx, uint8_t, n);
	if (sp->nsigns)
		memcpy(sign, sp->sign, sp->nsigns);
	sp->sign = sign;
	sp->nsigns = n;
}

static bool
nonneg(sg_space *sp, sg_ext e, int depth)
{
	const uint8_t asked = (uint8_t)(1u << (2 * depth)), yes = (uint8_t)(2u << (2 * depth));
	bool found;

	grow_signs(sp, e);
	if (sp->sign[e] & asked)
		return (sp->sign[e] & yes) != 0;
	if (sp->effort == 0)
		return false;
	sp->effort--;
	found = !is_refuted(sp, e) && prove(sp, e, depth);
	if (found || sp->effort)
		sp->sign[e] |= found ? asked | yes : asked;
	return found;
}

bool
sg_ext_nonneg(sg_space *sp, sg_ext e)
{
	bool found;

	sp->effort = EFFORT;
	found = nonneg(sp, e, DEPTH);
	sp->sign[e] |= (uint8_t)(1u << (2 * DEPTH)); /* it is not asked for again */
	return found;
}

bool
sg_ext_nonneg_soon(sg_space *sp, sg_ext e)
{
	sp->effort = SHORT;
	return nonneg(sp, e, DEPTH);
}

/* ---- divisors that may be 0 ---- */

static bool
is_risk(sg_space *sp, uint32_t fac)
{
	const sg_atom a = *sg_atom_of(sp, fac);
	sg_ext x[4];

	return a.kind == SG_ATOM_QUOTIENT &&
	       (!sg_ext_nonneg(sp, sg_ext_sub(sp, a.q, sg_ext_int(sp, 1))) ||
	        sg_ext_risk(sp, a.p, &x[0], &x[1], &x[2], &x[3]) ||
	        sg_ext_risk(sp, a.q, &x[0], &x[1], &x[2], &x[3]));
}

/* A term without its factor k. */
static sg_ext
other_factors(sg_space *sp, const sg_term *t, uint32_t k)
{
	sg_ext e = sg_ext_int(sp, t->coef);

	for (uint32_t j = 0; j < t->n; j++)
		if (j != k)
			e = sg_ext_mul(sp, e, sg_ext_of_term(sp, &(sg_term){1, 1, &t->fac[j]}));
	return e;
}

bool
sg_ext_risk(sg_space *sp, sg_ext e, sg_ext *rest, sg_ext *times, sg_ext *p, sg_ext *q)
{
	for (uint32_t i = 0; i < sg_poly_at(sp, e)->n; i++) {
		const sg_term t = sg_poly_at(sp, e)->term[i];

		for (uint32_t k = 0; k < t.n; k++) {
			if (!sg_fac_is_atom(t.fac[k]) || !is_risk(sp, t.fac[k]))
				continue;
			*p = sg_atom_of(sp, t.fac[k])->p;
			*q = sg_atom_of(sp, t.fac[k])->q;
			*times = other_factors(sp, &t, k);
			*rest = sg_ext_sub(sp, e, sg_ext_of_term(sp, &t));
			return true;
		}
	}
	return false;
}

/* ---- the lesser and the greater ---- */

static sg_ext
extreme(sg_space *sp, sg_atom_kind kind, sg_ext a, sg_ext b)
{
	const sg_ext less = kind == SG_ATOM_MIN ? a : b, more = kind == SG_ATOM_MIN ? b : a;

	if (sg_ext_nonneg(sp, sg_ext_sub(sp, more, less)))
		return a;
	if (sg_ext_nonneg(sp, sg_ext_sub(sp, less, more)))
		return b;
	return a < b ? sg_ext_atom(sp, kind, a, b) : sg_ext_atom(sp, kind, b, a);
}

sg_ext
sg_ext_min(sg_space *sp, sg_ext a, sg_ext b)
{
	return extreme(sp, SG_ATOM_MIN, a, b);
}

sg_ext
sg_ext_max(sg_space *sp, sg_ext a, sg_ext b)
{
	return extreme(sp, SG_ATOM_MAX, a, b);
}

bool
sg_ext_may_divide_by_0(sg_space *sp, sg_ext e)
{
	const sg_poly p = *sg_poly_at(sp, e);

	for (uint32_t i = 0; i < p.n; i++)
		for (uint32_t k = 0; k < p.term[i].n; k++) {
			const uint32_t f = p.term[i].fac[k];
			sg_atom a;

			if (!sg_fac_is_atom(f))
				continue;
			a = *sg_atom_of(sp, f);
			if (a.kind == SG_ATOM_QUOTIENT &&
			    !sg_ext_nonneg(sp, sg_ext_sub(sp, a.q, sg_ext_int(sp, 1))))
				return true;
			if (sg_ext_may_divide_by_0(sp, a.p) || sg_ext_may_divide_by_0(sp, a.q))
				return true;
		}
	return false;
}
