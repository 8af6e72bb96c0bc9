/* check_accuracy.c - errors of the runtime's functions, and of the libm's that ops use, against
 * MPFR.
 *
 * Every function is sampled over its whole range: each exponent and both signs with random
 * significands, and its interesting interval uniformly. The bound is in units in the last place of
 * the exact value (of the least positive number where that is denormal). Bounds: NUMERICS.md asks
 * for 4. Functions of the runtime are those that the JIT calls: for the instruction set that was
 * chosen. SGRT_VERBOSE=1 prints the largest error found of each. */
#include "random_numbers.h"
#include "scalar_of.h"
#include "symgrad_runtime.h"

#include <check.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>

enum { PREC = 160 };

typedef void exact_fn(mpfr_t r, const mpfr_t x);

typedef struct row {
	const char *name;
	double (*d)(double);
	float (*f)(float);
	exact_fn *exact;
	double lo, hi;   /* the interesting interval */
	double from, to; /* the range; outside of it nothing is sampled */
	double bound, fbound;
} row;

/* ---- exact values ---- */

static void
x_exp(mpfr_t r, const mpfr_t x)
{
	mpfr_exp(r, x, MPFR_RNDN);
}

static void
x_log(mpfr_t r, const mpfr_t x)
{
	mpfr_log(r, x, MPFR_RNDN);
}

static void
x_tanh(mpfr_t r, const mpfr_t x)
{
	mpfr_tanh(r, x, MPFR_RNDN);
}

static void
x_erf(mpfr_t r, const mpfr_t x)
{
	mpfr_erf(r, x, MPFR_RNDN);
}

static void
x_erfc(mpfr_t r, const mpfr_t x)
{
	mpfr_erfc(r, x, MPFR_RNDN);
}

static void
x_normal_cdf(mpfr_t r, const mpfr_t x)
{
	mpfr_sqrt_ui(r, 2, MPFR_RNDN);
	mpfr_div(r, x, r, MPFR_RNDN);
	mpfr_neg(r, r, MPFR_RNDN);
	mpfr_erfc(r, r, MPFR_RNDN);
	mpfr_div_ui(r, r, 2, MPFR_RNDN);
}

static void
x_sigmoid(mpfr_t r, const mpfr_t x)
{
	mpfr_neg(r, x, MPFR_RNDN);
	mpfr_exp(r, r, MPFR_RNDN);
	mpfr_add_ui(r, r, 1, MPFR_RNDN);
	mpfr_ui_div(r, 1, r, MPFR_RNDN);
}

static void
x_softplus(mpfr_t r, const mpfr_t x)
{
	mpfr_abs(r, x, MPFR_RNDN);
	mpfr_neg(r, r, MPFR_RNDN);
	mpfr_exp(r, r, MPFR_RNDN);
	mpfr_log1p(r, r, MPFR_RNDN);
	if (mpfr_sgn(x) > 0)
		mpfr_add(r, r, x, MPFR_RNDN);
}

static void
x_silu(mpfr_t r, const mpfr_t x)
{
	x_sigmoid(r, x);
	mpfr_mul(r, r, x, MPFR_RNDN);
}

static void
x_mish(mpfr_t r, const mpfr_t x)
{
	x_softplus(r, x);
	mpfr_tanh(r, r, MPFR_RNDN);
	mpfr_mul(r, r, x, MPFR_RNDN);
}

static void
x_gelu(mpfr_t r, const mpfr_t x)
{
	x_normal_cdf(r, x);
	mpfr_mul(r, r, x, MPFR_RNDN);
}

/* With the digits more that cancel: the difference is about x^3/3. */
static void
x_tanhshrink(mpfr_t r, const mpfr_t x)
{
	const long e = mpfr_zero_p(x) ? 0 : mpfr_get_exp(x);
	mpfr_t t;

	mpfr_init2(t, PREC + (e < 0 ? -2 * e : 0));
	mpfr_tanh(t, x, MPFR_RNDN);
	mpfr_sub(r, x, t, MPFR_RNDN);
	mpfr_clear(t);
}

static void
x_log1mexp(mpfr_t r, const mpfr_t x)
{
	mpfr_expm1(r, x, MPFR_RNDN);
	mpfr_neg(r, r, MPFR_RNDN);
	if (mpfr_cmp_d(x, -0.6) < 0) {
		mpfr_exp(r, x, MPFR_RNDN);
		mpfr_neg(r, r, MPFR_RNDN);
		mpfr_log1p(r, r, MPFR_RNDN);
	} else {
		mpfr_log(r, r, MPFR_RNDN);
	}
}

static void
x_rsqrt(mpfr_t r, const mpfr_t x)
{
	mpfr_rec_sqrt(r, x, MPFR_RNDN);
}

static void
x_lgamma(mpfr_t r, const mpfr_t x)
{
	int sign;

	mpfr_lgamma(r, &sign, x, MPFR_RNDN);
}

static void
x_digamma(mpfr_t r, const mpfr_t x)
{
	mpfr_digamma(r, x, MPFR_RNDN);
}

/* The sum of (x + k)^-s, k = 0, 1, ..., by Euler's and Maclaurin's formula from x + 40. */
static void
x_zeta(mpfr_t r, const mpfr_t x, long s)
{
	static const long num[] = {1, -1, 1, -1, 5, -691, 7, -3617, 43867, -174611};
	static const long den[] = {6, 30, 42, 30, 66, 2730, 6, 510, 798, 330};
	mpfr_t a, t, f;
	long k;

	mpfr_inits2(PREC + 60, a, t, f, (mpfr_ptr)0);
	mpfr_set_ui(r, 0, MPFR_RNDN);
	for (k = 0; k < 120; k++) {
		mpfr_add_si(a, x, k, MPFR_RNDN);
		mpfr_pow_si(t, a, -s, MPFR_RNDN);
		mpfr_add(r, r, t, MPFR_RNDN);
	}
	mpfr_add_si(a, x, k, MPFR_RNDN);
	mpfr_pow_si(t, a, 1 - s, MPFR_RNDN);
	mpfr_div_si(t, t, s - 1, MPFR_RNDN);
	mpfr_add(r, r, t, MPFR_RNDN);
	mpfr_pow_si(f, a, -s, MPFR_RNDN);
	mpfr_div_si(t, f, 2, MPFR_RNDN);
	mpfr_add(r, r, t, MPFR_RNDN);
	mpfr_mul_si(f, f, s, MPFR_RNDN);
	mpfr_div(f, f, a, MPFR_RNDN);
	mpfr_div_si(f, f, 2, MPFR_RNDN);
	for (k = 0; k < 10; k++) {
		mpfr_mul_si(t, f, num[k], MPFR_RNDN);
		mpfr_div_si(t, t, den[k], MPFR_RNDN);
		mpfr_add(r, r, t, MPFR_RNDN);
		mpfr_mul_si(f, f, (s + 2 * k + 1) * (s + 2 * k + 2), MPFR_RNDN);
		mpfr_div(f, f, a, MPFR_RNDN);
		mpfr_div(f, f, a, MPFR_RNDN);
		mpfr_div_si(f, f, (2 * k + 3) * (2 * k + 4), MPFR_RNDN);
	}
	mpfr_clears(a, t, f, (mpfr_ptr)0);
}

static void
x_polygamma(mpfr_t r, const mpfr_t x, long n)
{
	mpfr_t f;

	mpfr_init2(f, PREC);
	mpfr_fac_ui(f, (unsigned long)n, MPFR_RNDN);
	x_zeta(r, x, n + 1);
	mpfr_mul(r, r, f, MPFR_RNDN);
	if (n % 2 == 0)
		mpfr_neg(r, r, MPFR_RNDN);
	mpfr_clear(f);
}

#define POLY(N)                                                                                    \
	static double d_poly##N(double x)                                                          \
	{                                                                                          \
		return sgrt_polygamma_f64(N, x);                                                   \
	}                                                                                          \
	static float f_poly##N(float x)                                                            \
	{                                                                                          \
		return sgrt_polygamma_f32(N, x);                                                   \
	}                                                                                          \
	static void x_poly##N(mpfr_t r, const mpfr_t x)                                            \
	{                                                                                          \
		x_polygamma(r, x, N);                                                              \
	}
POLY(1)
POLY(2)
POLY(5)
POLY(30)

/* x to a power, as the compiler sees it where the power is known. */
#define POWER(NAME, Y)                                                                             \
	static double d_##NAME(double x)                                                           \
	{                                                                                          \
		return sgrt_pow_f64(x, Y);                                                         \
	}                                                                                          \
	static float f_##NAME(float x)                                                             \
	{                                                                                          \
		return sgrt_pow_f32(x, (float)(Y));                                                \
	}                                                                                          \
	static void x_##NAME(mpfr_t r, const mpfr_t x)                                             \
	{                                                                                          \
		mpfr_t y;                                                                          \
                                                                                                   \
		mpfr_init2(y, PREC);                                                               \
		mpfr_set_d(y, Y, MPFR_RNDN);                                                       \
		mpfr_pow(r, x, y, MPFR_RNDN);                                                      \
		mpfr_clear(y);                                                                     \
	}
POWER(square, 2)
POWER(cube, 3)
POWER(pow4, 4)
POWER(pow5, 5)
POWER(pow7, 7)
POWER(pow31, 31)
POWER(pow_thousandth, 0x1p-10)
POWER(pow_most, 70.3125)
POWER(pow_down, -17.125)
POWER(inverse, -1)
POWER(inverse_square, -2)
POWER(root, 0.5)
POWER(root_cubed, 1.5)
POWER(inverse_root, -0.5)

/* A base to the power of x. */
#define BASE(NAME, X)                                                                              \
	static double d_##NAME(double y)                                                           \
	{                                                                                          \
		return sgrt_pow_f64(X, y);                                                         \
	}                                                                                          \
	static float f_##NAME(float y)                                                             \
	{                                                                                          \
		return sgrt_pow_f32((float)(X), y);                                                \
	}                                                                                          \
	static void x_##NAME(mpfr_t r, const mpfr_t y)                                             \
	{                                                                                          \
		mpfr_t x;                                                                          \
                                                                                                   \
		mpfr_init2(x, PREC);                                                               \
		mpfr_set_d(x, X, MPFR_RNDN);                                                       \
		mpfr_pow(r, x, y, MPFR_RNDN);                                                      \
		mpfr_clear(x);                                                                     \
	}
BASE(of_half, 0.5)
BASE(of_most, 2.71875)
BASE(of_near_one, 1.000244140625)

#define LIBM(F)                                                                                    \
	static void x_##F(mpfr_t r, const mpfr_t x)                                                \
	{                                                                                          \
		mpfr_##F(r, x, MPFR_RNDN);                                                         \
	}
LIBM(expm1)
LIBM(exp2)
LIBM(log1p)
LIBM(log2)
LIBM(log10)
LIBM(cbrt)
LIBM(sin)
LIBM(cos)
LIBM(tan)
LIBM(asin)
LIBM(acos)
LIBM(atan)
LIBM(sinh)
LIBM(cosh)
LIBM(asinh)
LIBM(acosh)
LIBM(atanh)

/* ---- measuring ---- */

static double
distance(double got, mpfr_t exact, int digits, int emin)
{
	mpfr_t d;
	double r;
	long e;

	if (mpfr_nan_p(exact))
		return got != got ? 0 : INFINITY;
	if (got != got)
		return INFINITY;
	mpfr_init2(d, PREC);
	e = mpfr_zero_p(exact) || mpfr_inf_p(exact) ? emin : mpfr_get_exp(exact);
	if (isinf(got)) { /* as far as the first number that is too large */
		r = mpfr_cmpabs(
			exact, (mpfr_set_ui_2exp(d, 1, digits == 24 ? 128 : 1024, MPFR_RNDN), d)) >=
		                0 ||
		            mpfr_get_d(exact, MPFR_RNDN) == got ||
		            (digits == 24 && mpfr_get_flt(exact, MPFR_RNDN) == (float)got)
		        ? 0
		        : 1;
		r = mpfr_signbit(exact) == (got < 0) ? r : INFINITY;
	} else {
		mpfr_sub_d(d, exact, got, MPFR_RNDN);
		if (e - digits < emin)
			e = emin + digits;
		mpfr_mul_2si(d, d, digits - e, MPFR_RNDN);
		r = fabs(mpfr_get_d(d, MPFR_RNDU));
	}
	mpfr_clear(d);
	return r;
}

typedef struct worst {
	double error, at;
} worst;

static void
measure(const row *r, double x, int single, worst *w)
{
	mpfr_t a, e;
	double got, err;

	if (!(x >= r->from && x <= r->to))
		return;
	mpfr_inits2(PREC, a, e, (mpfr_ptr)0);
	mpfr_set_d(a, x, MPFR_RNDN);
	r->exact(e, a);
	got = single ? (double)r->f((float)x) : r->d(x);
	err = single ? distance(got, e, 24, -149) : distance(got, e, 53, -1074);
	if (err > w->error) {
		w->error = err;
		w->at = x;
	}
	mpfr_clears(a, e, (mpfr_ptr)0);
}

static worst
sweep(const row *r, int single)
{
	worst w = {0, 0};
	uint64_t seed = 1;
	int e, k, emin = single ? -149 : -1074, emax = single ? 127 : 1023;
	double x;

	for (e = emin; e <= emax; e += single ? 1 : 3)
		for (k = 0; k < 2; k++) {
			x = ldexp(random_between(&seed, 1, 2), e) * (k ? -1 : 1);
			measure(r, single ? (double)(float)x : x, single, &w);
		}
	for (k = 0; k < 2500; k++) {
		x = random_between(&seed, r->lo, r->hi);
		measure(r, single ? (double)(float)x : x, single, &w);
	}
	return w;
}

#define F(NAME) #NAME, sgrt_##NAME##_f64, sgrt_##NAME##_f32, x_##NAME
#define P(NAME) #NAME, d_##NAME, f_##NAME, x_##NAME
#define L(NAME) #NAME, NAME, NAME##f, x_##NAME
static const row rows[] = {
    {F(exp), -1, 1, -800, 800, 4, 4},
    {F(exp), -750, 720, -800, 800, 4, 4},
    {F(exp), -110, 92, -800, 800, 4, 4},
    {F(log), 0.5, 2, 0, 0x1.fffffffffffffp+1023, 4, 4},
    {F(tanh), -1, 1, -1e300, 1e300, 4, 4},
    {F(tanh), -25, 25, -1e300, 1e300, 4, 4},
    {F(sigmoid), -1, 1, -1e4, 1e300, 4, 4},
    {F(sigmoid), -750, 40, -1e4, 1e300, 4, 4},
    {F(sigmoid), -110, 20, -1e4, 1e300, 4, 4},
    {F(erf), -1.5, 1.5, -1e300, 1e300, 4, 4},
    {F(erf), -7, 7, -1e300, 1e300, 4, 4},
    {F(erfc), -1, 1, -1e300, 1e3, 4, 4},
    {F(erfc), -7, 28, -1e300, 1e3, 4, 4},
    {F(erfc), 8, 11, -1e300, 1e3, 4, 4},
    {F(normal_cdf), -38.6, 4, -1e3, 1e300, 4, 4},
    {F(normal_cdf), -14.5, 1, -1e3, 1e300, 4, 4},
    {F(gelu), -38.8, 4, -1e300, 1e300, 4, 4},
    {F(gelu), -14.5, 1, -1e300, 1e300, 4, 4},
    {F(gelu), -1, 1, -1e300, 1e300, 4, 4},
    {F(silu), -755, 40, -1e300, 1e300, 4, 4},
    {F(silu), -110, 20, -1e300, 1e300, 4, 4},
    {F(silu), -2, 2, -1e300, 1e300, 4, 4},
    {F(mish), -755, 40, -1e300, 1e300, 4, 4},
    {F(mish), -110, 20, -1e300, 1e300, 4, 4},
    {F(mish), -2, 2, -1e300, 1e300, 4, 4},
    {F(tanhshrink), -2, 2, -1e300, 1e300, 4, 4},
    {F(tanhshrink), -20, 20, -1e300, 1e300, 4, 4},
    {F(softplus), -2, 2, -1e4, 1e300, 4, 4},
    {F(softplus), -750, 40, -1e4, 1e4, 4, 4},
    {F(softplus), -110, 40, -1e4, 1e4, 4, 4},
    {F(log1mexp), -2, 0, -700, 0, 4, 4},
    {F(log1mexp), -80, 0, -700, 0, 4, 4},
    {F(rsqrt), 0.5, 2, 0, 0x1.fffffffffffffp+1023, 4, 4},
    {F(lgamma), 0.4, 3, 1e-300, 1e305, 4, 4},
    {F(lgamma), -8, 20, -100, 200, 4, 4},
    {F(lgamma), -60, 0, -1000, 1e305, 4, 4},
    {F(digamma), 0.4, 3, 1e-300, 1e305, 4, 4},
    {F(digamma), -8, 20, -100, 200, 4, 4},
    {F(digamma), -100, 0, -1e6, 1e305, 4, 4},
    {"polygamma 1", d_poly1, f_poly1, x_poly1, 0, 30, 1e-30, 1e30, 4, 4},
    {"polygamma 1", d_poly1, f_poly1, x_poly1, 0, 3, 1e-160, 1e305, 4, 4},
    {"polygamma 1", d_poly1, f_poly1, x_poly1, -60, 0, -70, 0, 4, 4},
    {"polygamma 2", d_poly2, f_poly2, x_poly2, 0, 30, 1e-30, 1e30, 4, 4},
    {"polygamma 5", d_poly5, f_poly5, x_poly5, 0, 30, 1e-30, 1e30, 4, 4},
    {"polygamma 5", d_poly5, f_poly5, x_poly5, -60, 0, -70, 0, 4, 4},
    {"polygamma 30", d_poly30, f_poly30, x_poly30, 0, 100, 1e-5, 1e5, 4, 4},
    {F(expm1), -40, 10, -1e3, 1e3, 4, 4},
    {F(exp2), -1100, 1020, -1e4, 1e4, 4, 4},
    {F(log1p), -1, 2, -1, 1e300, 4, 4},
    {F(log2), 0, 2, 0, 1e300, 4, 4},
    {F(log10), 0, 2, 0, 1e300, 4, 4},
    {P(square), -4, 4, -1e+308, 1e308, 4, 4},
    {P(cube), -4, 4, -1e+308, 1e308, 4, 4},
    {P(pow4), -4, 4, -1e+308, 1e308, 4, 4},
    {P(pow5), -4, 4, -1e+308, 1e308, 4, 4},
    {P(pow7), -4, 4, -1e+308, 1e308, 4, 4},
    {P(pow31), -1e2, 1e2, -1e308, 1e308, 4, 4},
    {P(pow_thousandth), 0, 1e3, 0, 1e308, 4, 4},
    {P(pow_most), 0.99, 1.01, 0, 1e308, 4, 4},
    {P(pow_down), 0.1, 10, 0, 1e308, 4, 4},
    {P(of_half), -1080, 1030, -1e308, 1e308, 4, 4},
    {P(of_half), -155, 130, -1e308, 1e308, 4, 4},
    {P(of_most), -700, 700, -1e308, 1e308, 4, 4},
    {P(of_near_one), -3e6, 3e6, -1e308, 1e308, 4, 4},
    {P(of_near_one), -3e5, 3e5, -1e308, 1e308, 4, 4},
    {P(inverse), -4, 4, -1e+308, 1e308, 4, 4},
    {P(inverse_square), -4, 4, -1e+308, 1e308, 4, 4},
    {P(root), 0, 4, 0, 1e308, 4, 4},
    {P(root_cubed), 0, 4, 0, 1e308, 4, 4},
    {P(inverse_root), 0, 4, 0, 1e308, 4, 4},
    {F(cbrt), -8, 8, -1e308, 1e308, 4, 4},
    {F(sin), -7, 7, -0x1p1023, 0x1p1023, 4, 4},
    {F(sin), -1.1e6, 1.1e6, -0x1p1023, 0x1p1023, 4, 4},
    {F(cos), -7, 7, -0x1p1023, 0x1p1023, 4, 4},
    {F(cos), -1.1e6, 1.1e6, -0x1p1023, 0x1p1023, 4, 4},
    {F(tan), -7, 7, -0x1p1023, 0x1p1023, 4, 4},
    {F(tan), -1.1e6, 1.1e6, -0x1p1023, 0x1p1023, 4, 4},
    {F(asin), -1, 1, -1, 1, 4, 4},
    {F(acos), -1, 1, -1, 1, 4, 4},
    {F(atan), -4, 4, -1e308, 1e308, 4, 4},
    {F(atan), -1, 1, -1e308, 1e308, 4, 4},
    {F(asin), -1e-3, 0.6, -1, 1, 4, 4},
    {F(acos), 0.999, 1, -1, 1, 4, 4},
    {F(sinh), -90, 90, -1e308, 1e308, 4, 4},
    {F(sinh), 700, 711, -1e308, 1e308, 4, 4},
    {F(cosh), -90, 90, -1e308, 1e308, 4, 4},
    {F(cosh), 700, 711, -1e308, 1e308, 4, 4},
    {F(acosh), 1, 1.01, 1, 1e308, 4, 4},
    {F(atanh), 0.9, 1, -1, 1, 4, 4},
    {F(sinh), -3, 3, -1e308, 1e308, 4, 4},
    {F(cosh), -3, 3, -1e308, 1e308, 4, 4},
    {F(asinh), -3, 3, -1e308, 1e308, 4, 4},
    {F(acosh), 1, 4, 1, 1e308, 4, 4},
    {F(atanh), -1, 1, -1, 1, 4, 4},
};

/* The same row, of the form for this processor where there are several. */
static row
form_of(const row *r)
{
	void (*d)(void), (*f)(void);
	char name[40];
	row form = *r;

	snprintf(name, sizeof name, "sgrt_%s_f64", r->name);
	d = scalar_of(name);
	snprintf(name, sizeof name, "sgrt_%s_f32", r->name);
	f = scalar_of(name);
	if (d && f) {
		form.d = (double (*)(double))d;
		form.f = (float (*)(float))f;
	}
	return form;
}

static void
check_row(const row *r, int single)
{
	row form = form_of(r);
	worst w = sweep(&form, single);
	double bound = single ? r->fbound : r->bound;

	if (getenv("SGRT_VERBOSE"))
		printf("%-14s %s [%g, %g]: %.3f ulp at %a\n", r->name, single ? "f32" : "f64",
		       r->lo, r->hi, w.error, w.at);
	ck_assert_msg(w.error <= bound, "%s %s: %.3f ulp at %a", r->name, single ? "f32" : "f64",
	              w.error, w.at);
}

START_TEST(doubles_are_within_their_bounds)
	{
		check_row(&rows[_i], 0);
	}
END_TEST

START_TEST(floats_are_within_their_bounds)
	{
		check_row(&rows[_i], 1);
	}
END_TEST

/* Where most digits cancel: the doubles and floats next to k pi/2. */
static void
check_turns(const row *r, int single)
{
	worst w = {0, 0};
	uint64_t seed = 2;
	double k;
	int i;

	for (i = 0; i < 4000; i++) {
		k = floor(random_between(&seed, 1, i < 2000 ? 1000 : 640000));
		k *= 0x1.921fb54442d18p+0;
		measure(r, single ? (double)(float)k : k, single, &w);
	}
	ck_assert_msg(w.error <= 4, "%s %s: %.3f ulp at %a", r->name, single ? "f32" : "f64",
	              w.error, w.at);
}

START_TEST(quarter_turns_keep_their_digits)
	{
		static const row of[] = {{F(sin), 0, 0, -1e9, 1e9, 4, 4},
		                         {F(cos), 0, 0, -1e9, 1e9, 4, 4},
		                         {F(tan), 0, 0, -1e9, 1e9, 4, 4}};

		check_turns(&of[_i / 2], _i % 2);
	}
END_TEST

/* What C99 Annex F says of powers, as the libm has it: the class and the sign of each. */
static void
check_power(double x, double y)
{
	const double d = sgrt_pow_f64(x, y), d_exact = pow(x, y);
	const float f = sgrt_pow_f32((float)x, (float)y);
	const float f_exact = powf((float)x, (float)y);

	ck_assert_msg(d_exact != d_exact
	                  ? d != d
	                  : fabs(d - d_exact) <= fabs(d_exact) * 0x1p-51 || d == d_exact,
	              "pow(%a, %a) is %a", x, y, d);
	ck_assert_msg(f_exact != f_exact
	                  ? f != f
	                  : fabsf(f - f_exact) <= fabsf(f_exact) * 0x1p-22f || f == f_exact,
	              "powf(%a, %a) is %a", x, y, (double)f);
	ck_assert(d != d || signbit(d) == signbit(d_exact));
	ck_assert(f != f || signbit(f) == signbit(f_exact));
}

START_TEST(powers_are_those_of_annex_f)
	{
		static const double v[] = {
		    0,         1,       2,      3,   7,      0.25,   2.5,    0x1p-140,
		    0x1p-1070, 0x1p20,  0x1p21, 3e6, 0x1p24, 0x1p50, 0x1p53, 0x1.fffffep+127,
		    1e300,     INFINITY};
		const int n = (int)(sizeof v / sizeof v[0]);
		int i, j;

		for (i = 0; i < 2 * n; i++) {
			for (j = 0; j < 2 * n; j++)
				check_power(i < n ? v[i] : -v[i - n], j < n ? v[j] : -v[j - n]);
			check_power(i < n ? v[i] : -v[i - n], (double)NAN);
			check_power((double)NAN, i < n ? v[i] : -v[i - n]);
		}
		ck_assert(signbit(sgrt_sin_f64(-0.0)) && signbit(sgrt_tan_f64(-0.0)) &&
		          signbit(sgrt_atan_f64(-0.0)) && signbit(sgrt_sin_f32(-0.0f)) &&
		          signbit(sgrt_tan_f32(-0.0f)) && signbit(sgrt_atan_f32(-0.0f)));
		ck_assert(isnan(sgrt_sin_f64((double)INFINITY)) && isnan(sgrt_cos_f32(-INFINITY)) &&
		          isnan(sgrt_tan_f64((double)NAN)) && isnan(sgrt_atan_f32(NAN)));
		ck_assert(sgrt_atan_f64((double)INFINITY) == 0x1.921fb54442d18p+0);
		ck_assert(sgrt_atan_f32(-INFINITY) == -0x1.921fb6p+0f);
	}
END_TEST

/* ---- of two numbers ---- */

typedef int exact_pair(mpfr_t r, const mpfr_t y, const mpfr_t x, mpfr_rnd_t);

typedef struct pair_row {
	const char *name;
	double (*d)(double, double);
	float (*f)(float, float);
	exact_pair *exact;
} pair_row;

static const pair_row pairs[] = {
    {"atan2", sgrt_atan2_f64, sgrt_atan2_f32, mpfr_atan2},
    {"hypot", sgrt_hypot_f64, sgrt_hypot_f32, mpfr_hypot},
};

/* The error in ulp at a pair; INFINITY for a NaN, or a zero, of the other kind than the exact one.
 */
static double
pair_error(const pair_row *r, double y, double x, int single)
{
	mpfr_t a, b, e;
	double got, err;

	if (single)
		y = (double)(float)y, x = (double)(float)x;
	got = single ? (double)r->f((float)y, (float)x) : r->d(y, x);
	mpfr_inits2(PREC, a, b, e, (mpfr_ptr)0);
	mpfr_set_d(a, y, MPFR_RNDN);
	mpfr_set_d(b, x, MPFR_RNDN);
	r->exact(e, a, b, MPFR_RNDN);
	err = single ? distance(got, e, 24, -149) : distance(got, e, 53, -1074);
	if (!mpfr_nan_p(e) && !mpfr_signbit(e) != !signbit(got))
		err = INFINITY;
	mpfr_clears(a, b, e, (mpfr_ptr)0);
	return err;
}

static void
check_pair(const pair_row *r, double y, double x)
{
	const double d = pair_error(r, y, x, 0), f = pair_error(r, y, x, 1);

	ck_assert_msg(d <= 4, "%s(%a, %a): %.3f ulp", r->name, y, x, d);
	ck_assert_msg(f <= 4, "%s(%a, %a), f32: %.3f ulp", r->name, y, x, f);
}

static double
random_signed(uint64_t *seed, int exponent)
{
	const double x = ldexp(random_between(seed, 1, 2), exponent);

	return random_between(seed, 0, 1) < 0.5 ? x : -x;
}

/* Of all sizes, and of quotients from 2^-4 to 2^4. */
START_TEST(functions_of_two_are_within_their_bounds)
	{
		const pair_row *r = &pairs[_i];
		uint64_t seed = 4;
		int i, e;

		for (i = 0; i < 8000; i++) {
			e = (int)random_between(&seed, -1074, 1024);
			if (i % 2)
				e = (int)random_between(&seed, -149, 128);
			check_pair(
			    r, random_signed(&seed, e),
			    random_signed(&seed, i % 4 < 2 ? e + i % 7 - 3 : e * (i % 3) / 2));
		}
	}
END_TEST

START_TEST(functions_of_two_are_those_of_annex_f)
	{
		static const double v[] = {0,
		                           1,
		                           0x1p-149,
		                           0x1p-1074,
		                           0.5,
		                           0x1p127,
		                           1e300,
		                           0x1.fffffep+127,
		                           0x1.fffffffffffffp+1023,
		                           3,
		                           INFINITY,
		                           (double)NAN};
		const int n = (int)(sizeof v / sizeof v[0]);
		int i, j;

		for (i = 0; i < 2 * n; i++)
			for (j = 0; j < 2 * n; j++)
				check_pair(&pairs[_i], i < n ? v[i] : -v[i - n],
				           j < n ? v[j] : -v[j - n]);
	}
END_TEST

/* The class and the sign that C99's Annex F asks for. */
START_TEST(inverses_end_where_annex_f_says)
	{
		ck_assert(isnan(sgrt_asin_f64(1.1)) && isnan(sgrt_acos_f64(-1.1)) &&
		          isnan(sgrt_asin_f32(-1.1f)) && isnan(sgrt_acos_f32(1.1f)));
		ck_assert(isnan(sgrt_acosh_f64(0.9)) && isnan(sgrt_acosh_f64(-1e8)) &&
		          isnan(sgrt_acosh_f32(-INFINITY)) && sgrt_acosh_f64(1) == 0);
		ck_assert(sgrt_atanh_f64(1) == INFINITY && sgrt_atanh_f32(-1) == -INFINITY &&
		          isnan(sgrt_atanh_f64(1.5)) && isnan(sgrt_atanh_f32(INFINITY)));
		ck_assert(sgrt_asinh_f64(-INFINITY) == -INFINITY &&
		          sgrt_sinh_f32(-INFINITY) == -INFINITY &&
		          sgrt_cosh_f64(-INFINITY) == INFINITY && sgrt_sinh_f64(1e300) == INFINITY);
		ck_assert(signbit(sgrt_asin_f64(-0.0)) && signbit(sgrt_sinh_f32(-0.0f)) &&
		          signbit(sgrt_asinh_f64(-0.0)) && signbit(sgrt_atanh_f32(-0.0f)));
		ck_assert(isnan(sgrt_sinh_f64((double)NAN)) && isnan(sgrt_cosh_f32(NAN)) &&
		          isnan(sgrt_asin_f64((double)NAN)) && isnan(sgrt_acos_f32(NAN)) &&
		          isnan(sgrt_asinh_f64((double)NAN)) && isnan(sgrt_acosh_f32(NAN)) &&
		          isnan(sgrt_atanh_f64((double)NAN)));
	}
END_TEST

/* The worst of the powers of 70 numbers, exponents from `from` to `to`, that are carried. */
#define CARRIED(T, DIGITS, EMIN) \
	static double carried_##T(double lo, double hi, ptrdiff_t from, ptrdiff_t to) \
	{ \
		sgrt_powers_##T p; \
		double most = 0, d; \
		uint64_t seed = 3; \
		ptrdiff_t i, e; \
		mpfr_t x; \
\
		mpfr_init2(x, PREC); \
		for (i = 0; i < 70; i++) \
			p.t[i] = (i % 2 ? -1 : 1) * (float)random_between(&seed, lo, hi); \
		sgrt_powers_start_##T(&p, 70, from, to); \
		for (e = from; e <= to; e++) { \
			const double *factor = sgrt_powers_next_##T(&p, 70, e); \
\
			for (i = 0; i < 70; i++) { \
				mpfr_set_d(x, (double)p.t[i], MPFR_RNDN); \
				mpfr_pow_si(x, x, e, MPFR_RNDN); \
				d = p.base[i] * factor[i]; \
				d = distance(DIGITS == 24 ? (double)(float)d : d, x, DIGITS, EMIN); \
				most = d > most ? d : most; \
			} \
		} \
		mpfr_clear(x); \
		return most; \
	}
CARRIED(f64, 53, -1074)
CARRIED(f32, 24, -149)

START_TEST(carried_powers_are_within_their_bounds)
	{
		static const struct {
			double lo, hi;
			ptrdiff_t from, to;
		} of[] = {{0.25, 1, 0, 40},    {0.99, 1.01, 0, 3000},    {0, 1.5, -3, 130},
		          {1e-9, 1e9, 0, 120}, {0.999, 1.001, 17, 9000}, {1e-30, 1, 5, 9}};

		for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
			const double d = carried_f64(of[i].lo, of[i].hi, of[i].from, of[i].to);
			const double f = carried_f32(of[i].lo, of[i].hi, of[i].from, of[i].to);

			if (getenv("SGRT_VERBOSE"))
				printf("powers %zu: %.3f ulp, f32 %.3f\n", i, d, f);
			ck_assert_msg(d <= 4, "%zu: %.3f ulp", i, d);
			ck_assert_msg(f <= 2, "%zu, f32: %.3f ulp", i, f);
		}
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("accuracy");
	TCase *c = tcase_create("against mpfr");
	SRunner *run = srunner_create(s);
	int n = (int)(sizeof rows / sizeof rows[0]), failed;

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, doubles_are_within_their_bounds, 0, n);
	tcase_add_loop_test(c, floats_are_within_their_bounds, 0, n);
	tcase_add_loop_test(c, quarter_turns_keep_their_digits, 0, 6);
	tcase_add_test(c, powers_are_those_of_annex_f);
	tcase_add_loop_test(c, functions_of_two_are_within_their_bounds, 0, 2);
	tcase_add_loop_test(c, functions_of_two_are_those_of_annex_f, 0, 2);
	tcase_add_test(c, inverses_end_where_annex_f_says);
	tcase_add_test(c, carried_powers_are_within_their_bounds);
	suite_add_tcase(s, c);
	srunner_run_all(run, CK_ENV);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
