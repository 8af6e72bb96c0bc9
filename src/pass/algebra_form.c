/* algebra_form.c - arithmetic of coefficients, products and sums. */
#include "pass/algebra.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- coefficients ---- */

static int64_t
gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t r = a % b;

		a = b;
		b = r;
	}
	return a < 0 ? -a : a;
}

/* Rounding may have left a simple number by a few units in the last place. */
static sg_coef
inexact(double v)
{
	const double n = nearbyint(4 * v);

	if (n != 0 && fabs(n) < 1e6 && fabs(4 * v - n) <= 4 * DBL_EPSILON * fabs(n))
		return sg_coef_of(n / 4, SG_F64);
	return (sg_coef){.v = v};
}

/* Numbers beyond 2^31 have no business in a fraction. */
static sg_coef
fraction(int64_t n, int64_t d)
{
	const int64_t g = gcd(n, d), limit = INT64_C(1) << 31;

	if (d < 0)
		n = -n, d = -d;
	if (g > 1)
		n /= g, d /= g;
	if (n > limit || n < -limit || d > limit || d == 0)
		return (sg_coef){.v = (double)n / (double)d};
	return (sg_coef){true, n, d, (double)n / (double)d};
}

sg_coef
sg_coef_int(int64_t n)
{
	return fraction(n, 1);
}

static bool
is_near(double v, double q, sg_type t)
{
	return t == SG_F32 ? (float)v == (float)q : v == q;
}

sg_coef
sg_coef_of(double v, sg_type t)
{
	static const int64_t denominators[] = {1, 2, 3, 4, 6, 8, 9, 12, 16, 32, 64};

	if (!(fabs(v) < 1e9))
		return (sg_coef){.v = v};
	for (size_t i = 0; i < sizeof denominators / sizeof *denominators; i++) {
		const int64_t d = denominators[i];
		const double n = nearbyint(v * (double)d);

		if (fabs(n) <= (d == 1 ? 1e9 : 64) && is_near(v, n / (double)d, t) &&
		    (n != 0 || v == 0))
			return fraction((int64_t)n, d);
	}
	return (sg_coef){.v = v};
}

sg_coef
sg_coef_mul(sg_coef a, sg_coef b)
{
	if (a.exact && b.exact)
		return fraction(a.n * b.n, a.d * b.d);
	return inexact(a.v * b.v);
}

sg_coef
sg_coef_add(sg_coef a, sg_coef b)
{
	const int64_t small = 1 << 15;

	if (a.exact && b.exact && a.d < small && b.d < small && a.n < INT32_MAX &&
	    b.n < INT32_MAX && a.n > -INT32_MAX && b.n > -INT32_MAX)
		return fraction(a.n * b.d + b.n * a.d, a.d * b.d);
	return inexact(a.v + b.v);
}

sg_coef
sg_coef_pow(sg_coef a, double e)
{
	sg_coef r = sg_coef_int(1);

	if (!a.exact || e != floor(e) || fabs(e) > 16)
		return sg_coef_of(pow(a.v, e), SG_F64);
	if (e < 0)
		a = fraction(a.d, a.n);
	for (int i = 0; i < (int)fabs(e); i++)
		r = sg_coef_mul(r, a);
	return r;
}

sg_coef
sg_coef_abs(sg_coef a)
{
	return a.v < 0 ? sg_coef_mul(a, sg_coef_int(-1)) : a;
}

bool
sg_coef_is(sg_coef a, int64_t n)
{
	return a.exact && a.d == 1 && a.n == n;
}

/* ---- products ---- */

double
sg_exponent(const sg_product *p, sg_ref base)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->f[i].base == base)
			return p->f[i].e;
	return 0;
}

bool
sg_same_factors(const sg_product *a, const sg_product *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->f[i].base != b->f[i].base || a->f[i].e < b->f[i].e || a->f[i].e > b->f[i].e)
			return false;
	return true;
}

sg_product
sg_product_mul(sg_algebra_state *a, const sg_product *x, const sg_product *y)
{
	sg_factor *f = SG_NEW_ARRAY(a->b.ctx, sg_factor, (size_t)x->n + y->n);
	sg_product p = {.c = sg_coef_mul(x->c, y->c), .f = f};
	uint32_t i = 0, j = 0;

	while (i < x->n || j < y->n) {
		if (j == y->n || (i < x->n && x->f[i].base < y->f[j].base)) {
			f[p.n++] = x->f[i++];
		} else if (i == x->n || y->f[j].base < x->f[i].base) {
			f[p.n++] = y->f[j++];
		} else {
			f[p.n] = x->f[i++];
			f[p.n].e += y->f[j++].e;
			p.n += fabs(f[p.n].e) > 0;
		}
	}
	return p;
}

sg_product
sg_without(sg_algebra_state *a, const sg_product *p, sg_ref base)
{
	sg_factor *f = SG_NEW_ARRAY(a->b.ctx, sg_factor, p->n);
	sg_product q = {.c = p->c, .f = f};

	for (uint32_t i = 0; i < p->n; i++)
		if (p->f[i].base != base)
			f[q.n++] = p->f[i];
	return q;
}

/* ---- sums ---- */

sg_form
sg_form_term(sg_algebra_state *a, const sg_product *p)
{
	if (p->c.v == 0)
		return (sg_form){0, NULL};
	return (sg_form){1, sg_copy(a->b.ctx, p, sizeof *p)};
}

sg_form
sg_form_number(sg_algebra_state *a, sg_coef c)
{
	return sg_form_term(a, &(sg_product){.c = c});
}

sg_form
sg_form_base(sg_algebra_state *a, sg_ref base, double e)
{
	const sg_factor f = {base, e};
	const sg_product p = {sg_coef_int(1), 1, sg_copy(a->b.ctx, &f, sizeof f)};

	return sg_form_term(a, &p);
}

bool
sg_form_is_number(sg_form x, sg_coef *c)
{
	if (x.n > 1 || (x.n == 1 && x.term[0].n))
		return false;
	*c = x.n ? x.term[0].c : sg_coef_int(0);
	return true;
}

sg_form
sg_form_scale(sg_algebra_state *a, sg_form x, sg_coef c)
{
	sg_product *t = SG_NEW_ARRAY(a->b.ctx, sg_product, x.n);

	if (c.v == 0)
		return (sg_form){0, NULL};
	for (uint32_t i = 0; i < x.n; i++) {
		t[i] = x.term[i];
		t[i].c = sg_coef_mul(t[i].c, c);
	}
	return (sg_form){x.n, t};
}

/* Adds a term to t[0..n), which has room; like terms are collected. */
static uint32_t
collect(sg_product *t, uint32_t n, const sg_product *p)
{
	for (uint32_t i = 0; i < n; i++)
		if (sg_same_factors(&t[i], p)) {
			t[i].c = sg_coef_add(t[i].c, p->c);
			if (t[i].c.v == 0) {
				memmove(t + i, t + i + 1, (n - i - 1) * sizeof *t);
				return n - 1;
			}
			return n;
		}
	t[n] = *p;
	return n + 1;
}

sg_form
sg_form_add(sg_algebra_state *a, sg_form x, sg_form y, int64_t sign)
{
	sg_product *t = SG_NEW_ARRAY(a->b.ctx, sg_product, (size_t)x.n + y.n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < x.n; i++)
		t[n++] = x.term[i];
	for (uint32_t i = 0; i < y.n; i++) {
		sg_product p = y.term[i];

		p.c = sg_coef_mul(p.c, sg_coef_int(sign));
		n = collect(t, n, &p);
	}
	return (sg_form){n, t};
}

sg_form
sg_form_expand(sg_algebra_state *a, sg_form x, sg_form y)
{
	sg_product *t = SG_NEW_ARRAY(a->b.ctx, sg_product, (size_t)x.n * y.n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < x.n; i++)
		for (uint32_t j = 0; j < y.n; j++) {
			const sg_product p = sg_product_mul(a, &x.term[i], &y.term[j]);

			n = collect(t, n, &p);
		}
	return (sg_form){n, t};
}
