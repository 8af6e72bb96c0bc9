/* npy.c - the .npy format (versions 1, 2, 3), read from and written to memory.
 *
 * "\x93NUMPY", two bytes of version, the length of the header (2 bytes, or 4 from version 2 on),
 * the header - a Python dict literal {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } -
 * and the elements. The header comes from strangers: each size is checked against the bytes that
 * are there before anything is allocated for it. */
#include "cli/cli.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "\x93NUMPY"

typedef struct header {
	const char *name; /* for messages */
	char descr[CLI_SHOWN];
	bool has_descr, has_order, has_shape;
	bool fortran;
	int rank;
	int64_t extent[CLI_RANK];
} header;

typedef struct scanner {
	const char *s, *end;
} scanner;

/* ---- the dict literal ---------------------------------------------------------------------------
 */

static void
skip_space(scanner *c)
{
	while (c->s < c->end && (*c->s == ' ' || *c->s == '\t' || *c->s == '\n')) {
		c->s++;
	}
}

static bool
take(scanner *c, const char *word)
{
	size_t n = strlen(word);

	skip_space(c);
	if ((size_t)(c->end - c->s) < n || memcmp(c->s, word, n) != 0) {
		return false;
	}
	c->s += n;
	return true;
}

static bool
next_is(scanner *c, char what)
{
	skip_space(c);
	return c->s < c->end && *c->s == what;
}

/* 'text' or "text", without escapes. */
static bool
take_string(scanner *c, char out[CLI_SHOWN])
{
	const char *close;
	char quote;

	skip_space(c);
	if (c->s == c->end || (*c->s != '\'' && *c->s != '"')) {
		return false;
	}
	quote = *c->s++;
	close = memchr(c->s, quote, (size_t)(c->end - c->s));
	if (!close) {
		return false;
	}
	cli_show(out, c->s, (size_t)(close - c->s));
	c->s = close + 1;
	return true;
}

static bool
take_extent(scanner *c, int64_t *v)
{
	const char *from;

	skip_space(c);
	from = c->s;
	*v = 0;
	while (c->s < c->end && *c->s >= '0' && *c->s <= '9') {
		if (*v > (INT64_MAX - 9) / 10) {
			return false;
		}
		*v = *v * 10 + (*c->s++ - '0');
	}
	if (c->s == from) {
		return false;
	}
	take(c, "L"); /* Python 2 */
	return true;
}

static bool
take_shape(scanner *c, header *h, cli_text *err)
{
	int64_t v;

	if (!take(c, "(")) {
		return false;
	}
	h->has_shape = true;
	while (!take(c, ")")) {
		if (!take_extent(c, &v)) {
			return false;
		}
		if (h->rank == CLI_RANK) {
			return cli_fail(err, "%s: expected at most %d axes, found more", h->name,
			                CLI_RANK);
		}
		h->extent[h->rank++] = v;
		if (!take(c, ",") && !next_is(c, ')')) {
			return false;
		}
	}
	return true;
}

static bool
take_item(scanner *c, header *h, cli_text *err)
{
	char key[CLI_SHOWN];

	if (!take_string(c, key) || !take(c, ":")) {
		return false;
	}
	if (strcmp(key, "descr") == 0 && !h->has_descr) {
		if (next_is(c, '[')) {
			return cli_fail(err, "%s: expected numbers, found records", h->name);
		}
		h->has_descr = true;
		return take_string(c, h->descr);
	}
	if (strcmp(key, "fortran_order") == 0 && !h->has_order) {
		h->has_order = true;
		h->fortran = take(c, "True");
		return h->fortran || take(c, "False");
	}
	return strcmp(key, "shape") == 0 && !h->has_shape && take_shape(c, h, err);
}

/* The item is shown that is none; the header, if one is missing. */
static bool
read_header(scanner *c, header *h, cli_text *err)
{
	const char *const first = c->s, *from = first;
	char found[CLI_SHOWN];
	bool ok = take(c, "{");

	while (ok && !take(c, "}")) {
		from = c->s;
		ok = take_item(c, h, err) && (take(c, ",") || next_is(c, '}'));
	}
	skip_space(c);
	if (!ok || c->s != c->end || !h->has_descr || !h->has_order || !h->has_shape) {
		from = ok && c->s == c->end ? first : ok ? c->s : from;
		cli_show(found, from, (size_t)(c->end - from));
		return cli_fail(err,
		                "%s: expected a header {'descr': .., 'fortran_order': .., "
		                "'shape': ..}, found '%s'",
		                h->name, found);
	}
	return true;
}

/* ---- the elements
 * -------------------------------------------------------------------------------- */

/* 16-bit floats: 1 sign, 5 exponent, 10 fraction. */
static double
from_half(uint64_t bits)
{
	uint64_t e = bits >> 10 & 31, f = bits & 1023;
	double v;

	if (e == 31) {
		v = f ? (double)NAN : (double)INFINITY;
	} else if (e == 0) {
		v = ldexp((double)f, -24);
	} else {
		v = ldexp((double)(f + 1024), (int)e - 25);
	}
	return bits >> 15 ? -v : v;
}

static double
from_float(uint64_t bits, size_t width)
{
	uint32_t low = (uint32_t)bits;
	float f;
	double d;

	if (width == 2) {
		return from_half(bits);
	}
	if (width == 4) {
		memcpy(&f, &low, sizeof f);
		return (double)f;
	}
	memcpy(&d, &bits, sizeof d);
	return d;
}

/* NumPy's longdouble, which is what the machine's is: 80 bits of x87 (64 of them a significand with
 * its leading 1), or 128 bits of IEEE (112 of fraction), the least significant first. To the
 * nearest double. */
static double
from_long(uint64_t low, uint64_t high, bool quad)
{
	const int e = (int)((quad ? high >> 48 : high) & 0x7FFF);
	const bool negative = (quad ? high >> 63 : high >> 15) & 1;
	const uint64_t fraction = high & (((uint64_t)1 << 48) - 1);
	const uint64_t rest = low & (((uint64_t)1 << 49) - 1);
	uint64_t m = low;
	double v;

	if (quad) {
		m = (e ? (uint64_t)1 << 63 : 0) | fraction << 15 | low >> 49 | (rest != 0);
	}
	if (e == 0x7FFF) {
		v = m << 1 ? (double)NAN : (double)INFINITY;
	} else {
		v = ldexp((double)m, (e ? e : 1) - 16383 - 63);
	}
	return negative ? -v : v;
}

static int64_t
from_signed(uint64_t bits, size_t width)
{
	uint64_t sign = (uint64_t)1 << (8 * width - 1);
	int64_t v;

	bits = (bits ^ sign) - sign;
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* An unsigned number beyond INT64_MAX is kept as the nearest double, and so is all of its array. */
static void
put_element(cli_array *a, size_t i, char type, uint64_t bits, size_t width)
{
	switch (type) {
	case 'f':
		a->cell[i].r = from_float(bits, width);
		break;
	case 'i':
		a->cell[i].i = from_signed(bits, width);
		break;
	case 'b':
		a->cell[i].i = bits != 0;
		break;
	default:
		if (a->kind == CLI_REAL) {
			a->cell[i].r = (double)bits;
		} else {
			a->cell[i].i = (int64_t)bits;
		}
	}
}

static uint64_t
read_bits(const unsigned char *p, size_t width, bool big)
{
	uint64_t v = 0;
	size_t k;

	for (k = 0; k < width; k++) {
		v |= (uint64_t)p[k] << 8 * (big ? width - 1 - k : k);
	}
	return v;
}

static double
read_long(const unsigned char *p, size_t width, bool big)
{
	const uint64_t low = read_bits(big ? p + width - 8 : p, 8, big);
	const uint64_t high = read_bits(big ? p : p + 8, width - 8, big);

	return from_long(low, width == 16 && LDBL_MANT_DIG == 113 ? high : high & 0xFFFF,
	                 width == 16 && LDBL_MANT_DIG == 113);
}

static bool
host_is_big(void)
{
	const uint16_t one = 1;
	unsigned char first;

	memcpy(&first, &one, 1);
	return first == 0;
}

/* "<f8": byte order, kind, bytes. */
static bool
read_descr(const header *h, char *type, size_t *width, bool *big, cli_text *err)
{
	const char *d = h->descr, *order = strchr("<>=|", *d ? *d : '!');

	if (order) {
		d++;
	}
	*big = order && (*order == '>' || (*order != '<' && host_is_big()));
	*type = *d;
	*width = *d && d[1] >= '1' && d[1] <= '8' && !d[2] ? (size_t)(d[1] - '0') : 0;
	if (*type == 'f' && (strcmp(d, "f12") == 0 || strcmp(d, "f16") == 0)) {
		*width = d[2] == '2' ? 12 : 16;
	}
	if ((*type == 'b' && *width == 1) ||
	    (*type == 'f' && (*width == 2 || *width == 4 || *width >= 8)) ||
	    ((*type == 'i' || *type == 'u') &&
	     (*width == 1 || *width == 2 || *width == 4 || *width == 8))) {
		return true;
	}
	return cli_fail(err,
	                "%s: expected elements of type f2 f4 f8 f16 i1 i2 i4 i8 u1 u2 u4 u8 or b1, "
	                "found '%s'%s",
	                h->name, h->descr, *type == 'c' ? " (complex numbers)" : "");
}

static bool
read_elements(const header *h, const unsigned char *p, size_t n, cli_array *a, cli_text *err)
{
	cli_text shape = {0};
	char type;
	size_t width, count, i;
	bool big, fits;

	if (!read_descr(h, &type, &width, &big, err)) {
		return false;
	}
	fits = cli_count(h->rank, h->extent, &count);
	if (!fits || count > n / width || count * width != n) {
		cli_put_shape(&shape, h->rank, h->extent);
		if (fits) {
			cli_fail(err,
			         "%s: expected %zu bytes of data for the shape %s of %s, found %zu",
			         h->name, count * width, cli_str(&shape), h->descr, n);
		} else {
			cli_fail(err,
			         "%s: expected data for the shape %s of %s, which no memory holds, "
			         "found %zu bytes",
			         h->name, cli_str(&shape), h->descr, n);
		}
		cli_text_free(&shape);
		return false;
	}
	a->kind = type == 'f' ? CLI_REAL : type == 'b' ? CLI_BOOL : CLI_INT;
	for (i = 0; type == 'u' && width == 8 && i < count; i++) {
		if (read_bits(p + 8 * i, 8, big) > INT64_MAX) {
			a->kind = CLI_REAL;
		}
	}
	a->rank = h->rank;
	memcpy(a->extent, h->extent, sizeof a->extent);
	a->count = count;
	a->cell = cli_alloc(count, sizeof *a->cell);
	for (i = 0; i < count; i++) {
		const unsigned char *at = p + width * i;

		if (width > 8) {
			a->cell[i].r = read_long(at, width, big);
		} else {
			put_element(a, i, type, read_bits(at, width, big), width);
		}
	}
	if (h->fortran && a->rank > 1) {
		cli_array_transpose(a);
	}
	return true;
}

bool
cli_npy_parse(const char *name, const void *bytes, size_t n, cli_array *a, cli_text *err)
{
	const unsigned char *p = bytes;
	char found[CLI_SHOWN];
	header h = {.name = name};
	scanner c;
	size_t at, len;

	*a = (cli_array){0};
	if (n < 6 || memcmp(p, MAGIC, 6) != 0) {
		cli_show(found, bytes, n < 6 ? n : 6);
		return cli_fail(
		    err, "%s: expected a .npy file, which begins with '\\x93NUMPY', found '%s'",
		    name, found);
	}
	if (n >= 8 && (p[6] < 1 || p[6] > 3)) {
		return cli_fail(err,
		                "%s: expected version 1, 2 or 3 of the .npy format, found %d.%d",
		                name, p[6], p[7]);
	}
	at = n >= 8 && p[6] > 1 ? 12 : 10;
	len = n < at ? 0 : (size_t)read_bits(p + 8, at - 8, false);
	if (n < at || len > n - at) {
		return cli_fail(
		    err, "%s: expected a header of %zu bytes, found the file's end after %zu", name,
		    at + len, n);
	}
	c.s = (const char *)p + at;
	c.end = c.s + len;
	return read_header(&c, &h, err) && read_elements(&h, p + at + len, n - at - len, a, err);
}

/* ---- writing
 * -------------------------------------------------------------------------------------- */

static const char *
type_code(sg_dtype type)
{
	switch (type) {
	case SG_DTYPE_F32:
		return "f4";
	case SG_DTYPE_F64:
		return "f8";
	case SG_DTYPE_I32:
		return "i4";
	case SG_DTYPE_I64:
		return "i8";
	case SG_DTYPE_BOOL:
		return "b1";
	case SG_DTYPE_NONE:
		break;
	}
	return "";
}

void
cli_npy_write(cli_text *out, const cli_view *v)
{
	cli_text h = {0};
	size_t count = 1;
	int k;

	cli_printf(&h, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
	           v->type == SG_DTYPE_BOOL ? '|'
	           : host_is_big()          ? '>'
	                                    : '<',
	           type_code(v->type));
	for (k = 0; k < v->rank; k++) {
		cli_printf(&h, "%lld%s", (long long)v->extent[k],
		           k + 1 < v->rank ? ", "
		           : v->rank == 1  ? ","
		                           : "");
		count *= (size_t)v->extent[k];
	}
	cli_puts(&h, "), }");
	while ((10 + h.n + 1) % 64) {
		cli_putc(&h, ' ');
	}
	cli_putc(&h, '\n');
	cli_write(out, MAGIC "\1\0", 8);
	cli_putc(out, (char)(h.n & 255));
	cli_putc(out, (char)(h.n >> 8));
	cli_write(out, h.s, h.n);
	cli_write(out, v->data, count * sg_dtype_size(v->type));
	cli_text_free(&h);
}
