/* number.c - numbers <-> text, exactly and in no locale.
 *
 * Writing: Steele and White's free-format algorithm (How to print floating-point numbers
 * accurately, 1990), in the form of Dragon4. v = r/s; digits come off r while the rest is farther
 * than half a unit in the last place from both neighbours. The result is the shortest that reads
 * back, and the nearest among those. Reading: the quotient of two whole numbers to 64 bits and a
 * sticky bit, rounded once to nearest even; where powers of ten are exact in double, one
 * multiplication (Clinger 1990), and up to 19 digits are divided in 64 bits. */
#include "base/base.h"
#include "base/big.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { DIGITS = 24 }; /* a double needs 17, an exact small integer 16 */

/* 0.d1 d2 ... dn times 10^point */
typedef struct decimal {
	char digit[DIGITS];
	int n, point;
} decimal;

/* ---- writing ---- */

/* |v| = m 2^e; even: m is, so that ties read back; narrow: the lower neighbour is half as far */
typedef struct parts {
	uint64_t m;
	int e;
	bool narrow;
} parts;

static parts
split_double(double v)
{
	uint64_t bits;
	int e;

	memcpy(&bits, &v, sizeof bits);
	e = (int)(bits >> 52 & 0x7FF);
	bits &= (UINT64_C(1) << 52) - 1;
	if (e == 0)
		return (parts){bits, -1074, false};
	return (parts){bits | UINT64_C(1) << 52, e - 1075, bits == 0 && e > 1};
}

static parts
split_float(float v)
{
	uint32_t bits;
	int e;

	memcpy(&bits, &v, sizeof bits);
	e = (int)(bits >> 23 & 0xFF);
	bits &= (UINT32_C(1) << 23) - 1;
	if (e == 0)
		return (parts){bits, -149, false};
	return (parts){bits | UINT32_C(1) << 23, e - 150, bits == 0 && e > 1};
}

/* floor(x log10(2)), |x| <= 1500 */
static int
floor_log10_pow2(int x)
{
	return (x * 1262611 - (x < 0 ? (1 << 22) - 1 : 0)) / (1 << 22);
}

/* r, s, and the half gaps below and above v over the same s; *above may be *below. */
typedef struct gaps {
	sg_big r, s, below, wide;
	sg_big *above;
} gaps;

static void
set_gaps(gaps *g, parts p)
{
	int up = p.e > 0 ? p.e : 0, down = p.e < 0 ? -p.e : 0;

	sg_big_set(&g->r, p.m);
	sg_big_set(&g->s, 1);
	sg_big_set(&g->below, 1);
	sg_big_shl(&g->r, up + 1 + p.narrow);
	sg_big_shl(&g->s, down + 1 + p.narrow);
	sg_big_shl(&g->below, up);
	g->above = &g->below;
	if (p.narrow) {
		sg_big_set(&g->wide, 1);
		sg_big_shl(&g->wide, up + 1);
		g->above = &g->wide;
	}
}

static void
times_pow10(gaps *g, int k)
{
	sg_big_mul_pow10(&g->r, k);
	sg_big_mul_pow10(&g->below, k);
	if (g->above != &g->below)
		sg_big_mul_pow10(g->above, k);
}

static void
times_10(gaps *g)
{
	sg_big_mul_add(&g->r, 10, 0);
	sg_big_mul_add(&g->below, 10, 0);
	if (g->above != &g->below)
		sg_big_mul_add(g->above, 10, 0);
}

static bool
reaches_above(const gaps *g, bool even)
{
	return sg_big_cmp_sum(&g->r, g->above, &g->s) >= !even;
}

static bool
reaches_below(const gaps *g, bool even)
{
	return sg_big_cmp(&g->r, &g->below) < even;
}

/* The last digit goes up when only that reads back, or when it is nearer (a tie to the even). */
static bool
last_goes_up(const gaps *g, uint32_t digit, bool low, bool high)
{
	int half;

	if (low != high)
		return high;
	half = sg_big_cmp_sum(&g->r, &g->r, &g->s);
	return half > 0 || (half == 0 && digit % 2 == 1);
}

static void
shortest(decimal *d, parts p)
{
	bool even = p.m % 2 == 0, low = false, high = false;
	uint32_t digit;
	gaps g;

	set_gaps(&g, p);
	d->n = 0;
	d->point = floor_log10_pow2(p.e + 63 - __builtin_clzll(p.m)) + 1; /* or one more */
	if (d->point >= 0)
		sg_big_mul_pow10(&g.s, d->point);
	else
		times_pow10(&g, -d->point);
	if (reaches_above(&g, even))
		d->point++;
	else
		times_10(&g);
	for (;;) {
		digit = sg_big_div_digit(&g.r, &g.s);
		low = reaches_below(&g, even);
		high = reaches_above(&g, even);
		if (low || high)
			break;
		d->digit[d->n++] = (char)('0' + digit);
		times_10(&g);
	}
	d->digit[d->n++] = (char)('0' + digit + last_goes_up(&g, digit, low, high));
}

/* Integers that are exact with all their neighbours: their own digits are the shortest. */
static void
whole_digits(decimal *d, uint64_t v)
{
	char reversed[DIGITS];
	int n = 0;

	for (; v; v /= 10)
		reversed[n++] = (char)('0' + v % 10);
	d->point = n;
	d->n = 0;
	while (n > 0)
		d->digit[d->n++] = reversed[--n];
	while (d->n > 1 && d->digit[d->n - 1] == '0')
		d->n--;
}

/* v finite, positive */
static void
decimal_of(decimal *d, double v, bool is_f32)
{
	double exact = is_f32 ? 0x1p24 : 0x1p53;

	if (v < exact && v == (double)(uint64_t)v)
		whole_digits(d, (uint64_t)v);
	else
		shortest(d, is_f32 ? split_float((float)v) : split_double(v));
}

static void
put_zeros(sg_buf *b, int n)
{
	while (n-- > 0)
		sg_buf_putc(b, '0');
}

static void
put_exponent(sg_buf *b, const decimal *d)
{
	int e = d->point - 1;

	sg_buf_putc(b, d->digit[0]);
	if (d->n > 1) {
		sg_buf_putc(b, '.');
		sg_buf_write(b, d->digit + 1, (size_t)(d->n - 1));
	}
	sg_buf_printf(b, "e%c%02d", e < 0 ? '-' : '+', e < 0 ? -e : e);
}

static void
put_decimal(sg_buf *b, const decimal *d)
{
	if (d->point <= -4 || d->point > 16) {
		put_exponent(b, d);
	} else if (d->point <= 0) {
		sg_buf_puts(b, "0.");
		put_zeros(b, -d->point);
		sg_buf_write(b, d->digit, (size_t)d->n);
	} else if (d->point >= d->n) {
		sg_buf_write(b, d->digit, (size_t)d->n);
		put_zeros(b, d->point - d->n);
	} else {
		sg_buf_write(b, d->digit, (size_t)d->point);
		sg_buf_putc(b, '.');
		sg_buf_write(b, d->digit + d->point, (size_t)(d->n - d->point));
	}
}

void
sg_buf_num(sg_buf *b, double v, bool is_f32)
{
	decimal d;

	if (is_f32)
		v = (double)(float)v;
	if (isnan(v)) {
		sg_buf_puts(b, "nan");
		return;
	}
	if (signbit(v))
		sg_buf_putc(b, '-');
	v = fabs(v);
	if (isinf(v)) {
		sg_buf_puts(b, "inf");
	} else if (v == 0) {
		sg_buf_putc(b, '0');
	} else {
		decimal_of(&d, v, is_f32);
		put_decimal(b, &d);
	}
}

void
sg_buf_c_num(sg_buf *b, double v, bool is_f32)
{
	size_t from = b->n;

	if (is_f32)
		v = (double)(float)v;
	if (isnan(v) || isinf(v)) {
		sg_buf_puts(b, isnan(v) ? "NAN" : v > 0 ? "INFINITY" : "(-INFINITY)");
		return;
	}
	sg_buf_num(b, v, is_f32);
	if (!strpbrk(b->s + from, ".e"))
		sg_buf_puts(b, ".0");
	if (is_f32)
		sg_buf_putc(b, 'f');
}

/* ---- reading ---- */

enum {
	KEPT_DIGITS = 800, /* more than 767 never decide; the rest is one sticky digit */
	MOST_POINT = 310,  /* 10^309 is beyond the largest double, */
	LEAST_POINT = -330 /* and 10^-330 below half the least */
};
static const int64_t far = INT64_C(1) << 40; /* exponents saturate here */

typedef struct reader {
	const char *s, *end;
} reader;

/* m 2^e, and a little more if sticky; to nearest, ties to even */
static double
round_to_double(uint64_t m, bool sticky, int64_t e)
{
	uint64_t rest, half, bits;
	int64_t lead;
	int drop;
	double v;

	if (m == 0)
		return 0;
	e -= __builtin_clzll(m);
	m <<= __builtin_clzll(m);
	lead = e + 63;
	if (lead > 1023)
		return HUGE_VAL;
	if (lead < -1076)
		return 0;
	drop = lead < -1022 ? (int)(11 - 1022 - lead) : 11; /* 11 to 65 */
	if (drop > 64)
		return 0;
	half = UINT64_C(1) << (drop - 1);
	rest = m & (half | (half - 1));
	bits = drop < 64 ? m >> drop : 0;
	if (rest > half || (rest == half && (sticky || bits % 2 == 1)))
		bits++;
	if (lead >= -1022) /* the leading bit counts one in the exponent's field */
		bits += (uint64_t)(lead + 1022) << 52;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* [+-]digits to the end of the text. */
static bool
read_exponent(reader *r, int64_t *e)
{
	bool negative = r->s < r->end && *r->s == '-';

	if (r->s < r->end && (*r->s == '-' || *r->s == '+'))
		r->s++;
	if (r->s == r->end)
		return false;
	for (*e = 0; r->s < r->end; r->s++) {
		if (!is_digit(*r->s))
			return false;
		*e = *e < far ? *e * 10 + (*r->s - '0') : far;
	}
	*e = negative ? -*e : *e;
	return true;
}

/* The text stands behind "0x". */
static bool
read_hex(reader r, double *v)
{
	uint64_t m = 0;
	int64_t e = 0, p = 0;
	bool sticky = false, any = false, dot = false;

	for (; r.s < r.end && (hex_digit(*r.s) >= 0 || (*r.s == '.' && !dot)); r.s++) {
		if (*r.s == '.') {
			dot = true;
			continue;
		}
		any = true;
		e -= dot ? 4 : 0;
		if (m >> 60) {
			sticky |= *r.s != '0';
			e += 4;
		} else {
			m = m << 4 | (uint64_t)hex_digit(*r.s);
		}
	}
	if (!any)
		return false;
	if (r.s < r.end && (*r.s == 'p' || *r.s == 'P')) {
		r.s++;
		if (!read_exponent(&r, &p))
			return false;
	}
	*v = round_to_double(m, sticky, e + p);
	return r.s == r.end;
}

/* The digits of a decimal, without leading zeros: *first up to *last, '.' among them. */
typedef struct digits {
	const char *first, *last;
	int64_t n, exponent; /* the number is those n digits as an integer, times 10^exponent */
} digits;

static bool
read_digits(reader *r, digits *d)
{
	int64_t e = 0;
	bool any = false, dot = false;

	d->first = NULL;
	d->n = d->exponent = 0;
	for (; r->s < r->end && (is_digit(*r->s) || (*r->s == '.' && !dot)); r->s++) {
		if (*r->s == '.') {
			dot = true;
			continue;
		}
		any = true;
		d->exponent -= dot;
		if (!d->first && *r->s != '0')
			d->first = r->s;
		d->n += d->first != NULL;
	}
	d->last = r->s;
	if (any && r->s < r->end && (*r->s == 'e' || *r->s == 'E')) {
		r->s++;
		any = read_exponent(r, &e);
	}
	d->exponent += e;
	return any && r->s == r->end;
}

static uint64_t
small_integer(const digits *d)
{
	uint64_t m = 0;

	for (const char *s = d->first; s < d->last; s++)
		if (*s != '.')
			m = m * 10 + (uint64_t)(*s - '0');
	return m;
}

/* m <= 2^53, |e| <= 22: both are exact, so one operation rounds once. */
static double
scale_exactly(uint64_t m, int e)
{
	static const double pow10[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
	                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

	return e < 0 ? (double)m / pow10[-e] : (double)m * pow10[e];
}

/* m 10^-k for k <= 27, so that 5^k fits 64 bits as m does: their quotient to 64 bits, the first of
 * which may be 0, and whether there is a rest. */
static double
divide_exactly(uint64_t m, int k)
{
	uint64_t den = 1, q = 0;
	bool carry = false;

	for (int i = 0; i < k; i++)
		den *= 5;
	const int up = __builtin_clzll(m), den_up = __builtin_clzll(den);
	m <<= up;
	den <<= den_up;
	for (int i = 0; i < 64; i++) {
		q <<= 1;
		if (carry || m >= den) {
			m -= den;
			q |= 1;
		}
		carry = m >> 63;
		m <<= 1;
	}
	return round_to_double(q, carry || m > 0, den_up - up - 63 - k);
}

/* The first KEPT_DIGITS digits, and a 1 for a rest that is not 0; returns the exponent to go with
 * it. */
static int
set_digits(sg_big *b, const digits *d)
{
	int64_t seen = 0;
	bool rest = false;

	sg_big_set(b, 0);
	for (const char *s = d->first; s < d->last; s++) {
		if (*s == '.')
			continue;
		if (seen++ < KEPT_DIGITS)
			sg_big_mul_add(b, 10, (uint32_t)(*s - '0'));
		else
			rest |= *s != '0';
	}
	if (d->n > KEPT_DIGITS) {
		sg_big_mul_add(b, 10, rest);
		return (int)(d->exponent + d->n - KEPT_DIGITS - 1);
	}
	return (int)d->exponent;
}

static double
scale_big(const digits *d)
{
	sg_big num, den;
	int e = set_digits(&num, d), shift;
	uint64_t q = 0;

	sg_big_set(&den, 1);
	if (e >= 0)
		sg_big_mul_pow10(&num, e);
	else
		sg_big_mul_pow10(&den, -e);
	shift =
	    sg_big_bits(&num) - sg_big_bits(&den) + 1; /* num < den 2^shift, by less than 2 bits */
	if (shift > 0)
		sg_big_shl(&den, shift);
	else
		sg_big_shl(&num, -shift);
	for (int i = 0; i < 64; i++) { /* 64 bits of num/den behind the point */
		sg_big_shl(&num, 1);
		q <<= 1;
		if (sg_big_cmp(&num, &den) >= 0) {
			sg_big_sub(&num, &den);
			q |= 1;
		}
	}
	return round_to_double(q, num.n > 0, shift - 64);
}

static bool
read_decimal(reader r, double *v)
{
	digits d;

	if (!read_digits(&r, &d))
		return false;
	if (d.n == 0 || d.n + d.exponent < LEAST_POINT)
		*v = 0;
	else if (d.n + d.exponent > MOST_POINT)
		*v = HUGE_VAL;
	else if (FLT_EVAL_METHOD == 0 && d.n <= 15 && d.exponent >= -22 && d.exponent <= 22)
		*v = scale_exactly(small_integer(&d), (int)d.exponent);
	else if (d.n <= 19 && d.exponent >= -27 && d.exponent <= 0)
		*v = divide_exactly(small_integer(&d), (int)-d.exponent);
	else
		*v = scale_big(&d);
	return true;
}

bool
sg_read_double(const char *s, size_t n, double *v)
{
	reader r = {s, s + n};
	bool negative = n > 0 && *s == '-', ok;

	if (n > 0 && (*s == '-' || *s == '+'))
		r.s++;
	if (r.end - r.s > 2 && r.s[0] == '0' && (r.s[1] == 'x' || r.s[1] == 'X')) {
		r.s += 2;
		ok = read_hex(r, v);
	} else {
		ok = read_decimal(r, v);
	}
	if (ok && negative)
		*v = -*v;
	return ok;
}

bool
sg_read_int(const char *s, size_t n, int64_t *v)
{
	bool negative = n > 0 && *s == '-';
	int64_t r = 0;
	size_t i = n > 0 && (*s == '-' || *s == '+');

	if (i == n)
		return false;
	for (; i < n; i++) {
		int digit = s[i] - '0';

		if (!is_digit(s[i]) || __builtin_mul_overflow(r, 10, &r) ||
		    __builtin_add_overflow(r, negative ? -digit : digit, &r))
			return false;
	}
	*v = r;
	return true;
}
