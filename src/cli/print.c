/* print.c - tensors as NumPy prints them (numpy 2.x, its default options), and as JSON.
 *
 * NumPy's rules, from numpy/_core/arrayprint.py: floats show the shortest digits that read back,
 * but at most 8 after the point, and stand under one another; powers of ten are used when the
 * magnitudes of an array lie beyond [1e-4, 1e8) (1e6 for f32) or more than a factor 1000 apart;
 * lines have 75 columns; above 1000 elements only three at each end of an axis are shown, and only
 * those decide the format. A scalar shows all its digits, as Python does. */
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRECISION = 8, LINE = 75, EDGE = 3, THRESHOLD = 1000, DIGITS = 400 };

/* How the elements of one array are written. */
typedef struct format {
	const cli_view *v;
	bool summary;
	bool powers;     /* of ten */
	size_t left;     /* characters before the point; all of them for an integer or a bool */
	size_t right;    /* digits after it */
	size_t exponent; /* digits of the exponent, when powers */
	cli_text word;   /* the element at hand */
} format;

/* A number's decimal digits: 0.d1 d2 d3 ... times 10^point. */
typedef struct decimal {
	bool negative;
	char digit[DIGITS];
	int n, point;
} decimal;

/* ---- digits
 * ---------------------------------------------------------------------------------------- */

/* From "-12.5e+03" and the like; zeros at both ends dropped. */
static void
take_digits(decimal *d, const char *s)
{
	bool seen_point = false;
	int k;

	*d = (decimal){.negative = *s == '-'};
	for (s += d->negative; *s && *s != 'e'; s++) {
		if (*s == '.') {
			seen_point = true;
			continue;
		}
		d->point += !seen_point;
		if (d->n == 0 && *s == '0') {
			d->point--; /* a leading zero */
		} else if (d->n < DIGITS) {
			d->digit[d->n++] = *s;
		}
	}
	while (d->n > 0 && d->digit[d->n - 1] == '0') {
		d->n--;
	}
	if (*s == 'e') {
		k = atoi(s + 1);
		d->point += k;
	}
	if (d->n == 0) {
		d->point = 1;
		d->digit[d->n++] = '0';
	}
}

/* The exact value rounded. The command keeps the C locale, so printf writes a decimal point. */
static void
exact_digits(decimal *d, double x, bool powers, int precision)
{
	char text[DIGITS];

	snprintf(text, sizeof text, powers ? "%.*e" : "%.*f", precision, x);
	take_digits(d, text);
}

/* The shortest digits that read back; where they are more than the precision allows, the exact
 * value rounded to that. */
static void
get_digits(decimal *d, double x, bool f32, bool powers, int precision)
{
	cli_text t = {0};

	cli_put_number(&t, x, f32);
	take_digits(d, t.s);
	cli_text_free(&t);
	if (powers ? d->n - 1 > precision : d->n - d->point > precision) {
		exact_digits(d, x, powers, precision);
	}
	d->negative = signbit(x);
}

static void
put_digits(cli_text *t, const decimal *d, int from, int to)
{
	int k;

	for (k = from; k < to; k++) {
		cli_putc(t, (char)(k >= 0 && k < d->n ? d->digit[k] : '0'));
	}
}

/* "-12", "5": before and after the point, without powers of ten */
static size_t
whole_length(const decimal *d)
{
	return (size_t)d->negative + (size_t)(d->point > 0 ? d->point : 1);
}

static size_t
fraction_length(const decimal *d)
{
	return d->n > d->point && d->digit[0] != '0' ? (size_t)(d->n - d->point) : 0;
}

static void
put_plain(cli_text *t, const decimal *d)
{
	if (d->negative) {
		cli_putc(t, '-');
	}
	if (d->point > 0) {
		put_digits(t, d, 0, d->point);
	} else {
		cli_putc(t, '0');
	}
	cli_putc(t, '.');
	if (fraction_length(d)) {
		put_digits(t, d, d->point < 0 ? d->point : d->point > 0 ? d->point : 0, d->n);
	}
}

static void
put_exponent(cli_text *t, const decimal *d, size_t digits)
{
	int e = d->digit[0] == '0' ? 0 : d->point - 1;

	cli_printf(t, "e%c%0*d", e < 0 ? '-' : '+', (int)digits, e < 0 ? -e : e);
}

static size_t
exponent_length(const decimal *d)
{
	int e = d->digit[0] == '0' ? 0 : d->point - 1;

	return e > 99 || e < -99 ? 3 : 2;
}

/* ---- elements
 * --------------------------------------------------------------------------------------- */

static double
real_at(const cli_view *v, size_t i)
{
	return v->type == SG_DTYPE_F32 ? (double)((const float *)v->data)[i]
	                               : ((const double *)v->data)[i];
}

static int64_t
int_at(const cli_view *v, size_t i)
{
	return v->type == SG_DTYPE_I32 ? ((const int32_t *)v->data)[i]
	                               : ((const int64_t *)v->data)[i];
}

static bool
is_real(const cli_view *v)
{
	return v->type == SG_DTYPE_F32 || v->type == SG_DTYPE_F64;
}

/* A number by itself, as Python prints it. */
static void
put_scalar(cli_text *t, const cli_view *v)
{
	double x, m;
	decimal d;

	if (v->type == SG_DTYPE_BOOL) {
		cli_puts(t, *(const uint8_t *)v->data ? "True" : "False");
		return;
	}
	if (!is_real(v)) {
		cli_printf(t, "%lld", (long long)int_at(v, 0));
		return;
	}
	x = real_at(v, 0);
	m = fabs(x);
	if (!isfinite(x)) {
		cli_put_number(t, x, false);
		return;
	}
	get_digits(&d, x, v->type == SG_DTYPE_F32, false, DIGITS);
	if (x == 0 || (m >= 1e-4 && m < (v->type == SG_DTYPE_F32 ? 1e6 : 1e16))) {
		put_plain(t, &d);
		if (!fraction_length(&d)) {
			cli_putc(t, '0');
		}
		return;
	}
	cli_printf(t, "%s%c%s", d.negative ? "-" : "", d.digit[0], d.n > 1 ? "." : "");
	put_digits(t, &d, 1, d.n);
	put_exponent(t, &d, 2);
}

static void
pad(cli_text *t, size_t width, size_t used)
{
	cli_spaces(t, width > used ? width - used : 0);
}

static void
put_real(format *f, double x)
{
	bool f32 = f->v->type == SG_DTYPE_F32;
	cli_text *t = &f->word;
	decimal d;

	if (!isfinite(x)) {
		const char *s = isnan(x) ? "nan" : x > 0 ? "inf" : "-inf";

		pad(t, f->left + f->right + 1, strlen(s));
		cli_puts(t, s);
		return;
	}
	if (f->powers) {
		int digits = (int)(f->right - f->exponent - 2);

		/* beyond the shortest digits come those of the exact value, not zeros */
		exact_digits(&d, x, true, digits);
		pad(t, f->left, d.negative ? 2 : 1);
		cli_printf(t, "%s%c.", d.negative ? "-" : "", d.digit[0]);
		put_digits(t, &d, 1, 1 + digits);
		put_exponent(t, &d, f->exponent);
		return;
	}
	get_digits(&d, x, f32, false, PRECISION);
	pad(t, f->left, whole_length(&d));
	put_plain(t, &d);
	pad(t, f->right, fraction_length(&d));
}

static void
put_element(format *f, size_t i)
{
	cli_text *t = &f->word;

	t->n = 0;
	switch (f->v->type) {
	case SG_DTYPE_F32:
	case SG_DTYPE_F64:
		put_real(f, real_at(f->v, i));
		break;
	case SG_DTYPE_I32:
	case SG_DTYPE_I64:
		cli_printf(t, "%*lld", (int)f->left, (long long)int_at(f->v, i));
		break;
	case SG_DTYPE_BOOL:
		cli_puts(t, ((const uint8_t *)f->v->data)[i] ? " True" : "False");
		break;
	case SG_DTYPE_NONE:
		break;
	}
}

/* ---- choosing the format
 * ------------------------------------------------------------------------------ */

/* The elements that will be shown, as places in the data. */
typedef struct shown {
	size_t *at;
	size_t n, cap;
} shown;

static bool
is_cut(const format *f, int axis)
{
	return f->summary && f->v->extent[axis] > 2 * EDGE;
}

static void
collect(const format *f, int axis, size_t base, shown *out)
{
	int64_t n, k;

	if (axis == f->v->rank) {
		out->at = cli_grow(out->at, out->n, &out->cap, sizeof *out->at);
		out->at[out->n++] = base;
		return;
	}
	n = f->v->extent[axis];
	for (k = 0; k < n; k++) {
		if (is_cut(f, axis) && k == EDGE) {
			k = n - EDGE;
		}
		collect(f, axis + 1, base * (size_t)n + (size_t)k, out);
	}
}

static size_t
at_least(size_t a, size_t b)
{
	return a > b ? a : b;
}

static bool
wants_powers(const format *f, const shown *s)
{
	bool f32 = f->v->type == SG_DTYPE_F32;
	double lo = (double)INFINITY, hi = 0, ratio;
	size_t i;

	for (i = 0; i < s->n; i++) {
		double m = fabs(real_at(f->v, s->at[i]));

		if (isfinite(m) && m > 0) {
			lo = fmin(lo, m);
			hi = fmax(hi, m);
		}
	}
	if (hi == 0) {
		return false;
	}
	ratio = f32 ? (double)((float)hi / (float)lo) : hi / lo;
	return hi >= (f32 ? 1e6 : 1e8) || lo < (f32 ? (double)1e-4f : 1e-4) || ratio > 1000;
}

static void
choose_reals(format *f, const shown *s)
{
	bool f32 = f->v->type == SG_DTYPE_F32, other = false, minus_inf = false;
	decimal d;
	size_t i;

	f->powers = wants_powers(f, s);
	for (i = 0; i < s->n; i++) {
		double x = real_at(f->v, s->at[i]);

		if (!isfinite(x)) {
			other = true;
			minus_inf = minus_inf || (isinf(x) && x < 0);
			continue;
		}
		get_digits(&d, x, f32, f->powers, PRECISION);
		f->left = at_least(f->left, f->powers ? 1u + d.negative : whole_length(&d));
		f->right = at_least(f->right, f->powers ? (size_t)d.n - 1 : fraction_length(&d));
		f->exponent = at_least(f->exponent, exponent_length(&d));
	}
	if (f->powers) {
		f->right += f->exponent + 2;
	}
	if (other && f->left + f->right + 1 < 3u + minus_inf) {
		f->left = 3u + minus_inf - f->right - 1;
	}
}

static void
choose_ints(format *f, const shown *s)
{
	char text[32];
	size_t i;

	for (i = 0; i < s->n; i++) {
		int n = snprintf(text, sizeof text, "%lld", (long long)int_at(f->v, s->at[i]));

		f->left = at_least(f->left, (size_t)n);
	}
}

/* ---- layout
 * -------------------------------------------------------------------------------------------- */

/* Adds a word to the line that began at *start of the text, on a new line where it would not fit.
 */
static void
put_word(cli_text *t, size_t *start, const char *word, size_t n, size_t width, size_t indent)
{
	size_t used = t->n - *start;

	if (used + n > width && used > indent) {
		while (t->s[t->n - 1] == ' ') {
			t->n--;
		}
		cli_putc(t, '\n');
		*start = t->n;
		cli_spaces(t, indent);
	}
	cli_write(t, word, n);
}

/* A row: t ends in the indent and the opening brackets; start is where that line begins. */
static void
put_row(format *f, cli_text *t, size_t base, size_t width, size_t indent)
{
	int axis = f->v->rank - 1;
	int64_t n = f->v->extent[axis], k;
	size_t start = t->n - indent;

	for (k = 0; k < n; k++) {
		if (k > 0) {
			cli_putc(t, ' ');
		}
		if (is_cut(f, axis) && k == EDGE) {
			put_word(t, &start, "...", 3, width - 1, indent);
			cli_putc(t, ' ');
			k = n - EDGE;
		}
		put_element(f, base * (size_t)n + (size_t)k);
		put_word(t, &start, f->word.s, f->word.n, width - 1, indent);
	}
}

static void
put_axis(format *f, cli_text *t, int axis, size_t base, size_t width, size_t indent)
{
	int64_t n = f->v->extent[axis], k;
	int blank;

	cli_putc(t, '[');
	if (axis == f->v->rank - 1) {
		put_row(f, t, base, width, indent);
		cli_putc(t, ']');
		return;
	}
	for (k = 0; k < n; k++) {
		if (is_cut(f, axis) && k == EDGE) {
			for (blank = axis; blank < f->v->rank - 1; blank++) {
				cli_putc(t, '\n');
			}
			cli_spaces(t, indent);
			cli_puts(t, "...");
			k = n - EDGE;
		}
		for (blank = axis; k > 0 && blank < f->v->rank - 1; blank++) {
			cli_putc(t, '\n');
		}
		if (k > 0) {
			cli_spaces(t, indent);
		}
		put_axis(f, t, axis + 1, base * (size_t)n + (size_t)k, width - 1, indent + 1);
	}
	cli_putc(t, ']');
}

void
cli_print(cli_text *t, const cli_view *v, size_t indent)
{
	format f = {.v = v};
	shown s = {0};
	size_t count;

	if (v->rank == 0) {
		put_scalar(t, v);
		return;
	}
	if (!cli_count(v->rank, v->extent, &count) || count == 0) {
		cli_puts(t, "[]");
		return;
	}
	f.summary = count > THRESHOLD;
	collect(&f, 0, 0, &s);
	if (is_real(v)) {
		choose_reals(&f, &s);
	} else if (v->type != SG_DTYPE_BOOL) {
		choose_ints(&f, &s);
	}
	put_axis(&f, t, 0, 0, LINE, indent + 1);
	free(s.at);
	cli_text_free(&f.word);
}

/* ---- JSON
 * ------------------------------------------------------------------------------------------------
 */

static void
put_json_element(cli_text *t, const cli_view *v, size_t i)
{
	double x;

	if (v->type == SG_DTYPE_BOOL) {
		cli_puts(t, ((const uint8_t *)v->data)[i] ? "true" : "false");
		return;
	}
	if (!is_real(v)) {
		cli_printf(t, "%lld", (long long)int_at(v, i));
		return;
	}
	x = real_at(v, i);
	if (!isfinite(x)) {
		cli_puts(t, isnan(x) ? "\"nan\"" : x > 0 ? "\"inf\"" : "\"-inf\"");
	} else if (x == 0 && signbit(x)) {
		cli_puts(t, "-0.0"); /* "-0" would be read as an integer, which has no such sign */
	} else {
		cli_put_number(t, x, v->type == SG_DTYPE_F32);
	}
}

static void
put_json_axis(cli_text *t, const cli_view *v, int axis, size_t base)
{
	int64_t k;

	if (axis == v->rank) {
		put_json_element(t, v, base);
		return;
	}
	cli_putc(t, '[');
	for (k = 0; k < v->extent[axis]; k++) {
		if (k > 0) {
			cli_puts(t, ", ");
		}
		put_json_axis(t, v, axis + 1, base * (size_t)v->extent[axis] + (size_t)k);
	}
	cli_putc(t, ']');
}

void
cli_json(cli_text *t, const cli_view *v)
{
	put_json_axis(t, v, 0, 0);
}

/* A JSON string. */
void
cli_json_string(cli_text *t, const char *s)
{
	cli_putc(t, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\') {
			cli_printf(t, "\\%c", *s);
		} else if ((unsigned char)*s < 32) {
			cli_printf(t, "\\u%04x", (unsigned)(unsigned char)*s);
		} else {
			cli_putc(t, *s);
		}
	}
	cli_putc(t, '"');
}
