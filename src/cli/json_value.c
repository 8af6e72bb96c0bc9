/* json_value.c - numbers and nested lists as they stand on the command line.
 *
 *   value  = item
 *   item   = "[" [ item { "," item } ] "]" | number | string
 *   string = '"' ("nan" | "inf" | "-inf") '"'
 * A number may also be nan, inf, infinity (with a sign, in any case), true or false. All items of a
 * list have one shape; lists nest to the depth of the largest rank. */
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
	const char *text, *s, *end;
	cli_array *a;
	size_t cap;
	bool known[CLI_RANK]; /* extent[k] was set by a first list at depth k */
	bool has_rank;        /* a number was seen, so the depth of all is fixed */
	cli_text *err;
} reader;

/* ---- numbers
 * -------------------------------------------------------------------------------------- */

static bool
is_word(const char *s, size_t n, const char *word)
{
	size_t i;

	if (strlen(word) != n) {
		return false;
	}
	for (i = 0; i < n; i++) {
		if ((s[i] | 32) != word[i]) {
			return false;
		}
	}
	return true;
}

static bool
read_special(const char *s, size_t n, cli_kind *kind, cli_cell *v)
{
	bool minus = n && *s == '-';

	if (is_word(s, n, "true") || is_word(s, n, "false")) {
		*kind = CLI_BOOL;
		v->i = n == 4;
		return true;
	}
	if (n && (*s == '-' || *s == '+')) {
		s++;
		n--;
	}
	*kind = CLI_REAL;
	if (is_word(s, n, "nan")) {
		v->r = (double)NAN;
		return true;
	}
	v->r = minus ? (double)-INFINITY : (double)INFINITY;
	return is_word(s, n, "inf") || is_word(s, n, "infinity");
}

/* s is a sign and digits */
static bool
read_int(const char *s, size_t n, int64_t *v)
{
	bool minus = *s == '-';
	int64_t r = 0;
	size_t i;

	for (i = *s == '-' || *s == '+' ? 1 : 0; i < n; i++) {
		int digit = s[i] - '0';

		if (r < (INT64_MIN + digit) / 10) {
			return false;
		}
		r = r * 10 - digit; /* below zero there is room for one more */
	}
	if (!minus && r < -INT64_MAX) {
		return false;
	}
	*v = minus ? r : -r;
	return true;
}

/* An integer that fits int64_t, or a real number, or one of the words. */
bool
cli_read_number(const char *s, size_t n, cli_kind *kind, cli_cell *v)
{
	size_t digits = n && (*s == '-' || *s == '+') ? 1 : 0;
	bool whole = n > digits;
	size_t i;

	for (i = digits; i < n; i++) {
		whole = whole && s[i] >= '0' && s[i] <= '9';
	}
	if (whole && read_int(s, n, &v->i) && !(v->i == 0 && *s == '-')) {
		*kind = CLI_INT;
		return true;
	}
	*kind = CLI_REAL; /* -0 too, which is no integer */
	return (sg_number_read(s, n, &v->r) && isfinite(v->r)) || read_special(s, n, kind, v);
}

/* ---- lists
 * ------------------------------------------------------------------------------------------ */

static void
skip(reader *r)
{
	while (r->s < r->end && strchr(" \t\r\n", *r->s)) {
		r->s++;
	}
}

static bool
unexpected(reader *r, const char *expected)
{
	char found[CLI_SHOWN];

	if (r->s == r->end) {
		return cli_fail(r->err, "expected %s, found the end", expected);
	}
	cli_show(found, r->s, (size_t)(r->end - r->s));
	return cli_fail(r->err, "expected %s, found '%s' at character %zu", expected, found,
	                (size_t)(r->s - r->text) + 1);
}

/* It has the form of a number, and more than one can hold. */
static bool
no_number(reader *r, const char *to)
{
	const size_t n = (size_t)(to - r->s);
	char found[CLI_SHOWN];
	double v;

	if (!sg_number_read(r->s, n, &v)) {
		return unexpected(r, "a number");
	}
	cli_show(found, r->s, n);
	return cli_fail(r->err, "'%s' is beyond the range of f64; infinity is written \"inf\"",
	                found);
}

static bool
read_item(reader *r)
{
	const char *from, *to;
	cli_kind kind;
	cli_cell v;

	if (r->s < r->end && *r->s == '"') {
		from = r->s + 1;
		to = memchr(from, '"', (size_t)(r->end - from));
		if (!to || !read_special(from, (size_t)(to - from), &kind, &v) ||
		    kind != CLI_REAL) {
			return unexpected(r, "a number (\"nan\", \"inf\" and \"-inf\" are the only "
			                     "strings)");
		}
		r->s = to + 1;
	} else {
		from = to = r->s;
		while (to < r->end && !strchr(",[] \t\r\n\"", *to)) {
			to++;
		}
		if (to == from || !cli_read_number(from, (size_t)(to - from), &kind, &v)) {
			return no_number(r, to);
		}
		r->s = to;
	}
	cli_array_push(r->a, &r->cap, kind, v);
	return true;
}

static bool
end_list(reader *r, int depth, int64_t n)
{
	if (r->known[depth] && r->a->extent[depth] != n) {
		return cli_fail(r->err,
		                "expected lists of equal lengths, found %lld beside %lld before "
		                "character %zu",
		                (long long)n, (long long)r->a->extent[depth],
		                (size_t)(r->s - r->text) + 1);
	}
	r->known[depth] = true;
	r->a->extent[depth] = n;
	return true;
}

/* An item at this depth; depth is also the number of lists it stands in. */
static bool
read_value(reader *r, int depth)
{
	int64_t n = 0;

	skip(r);
	if (r->s == r->end || *r->s != '[') {
		if (r->has_rank && r->a->rank != depth) {
			return unexpected(r, "a list as beside it");
		}
		r->has_rank = true;
		r->a->rank = depth;
		return read_item(r);
	}
	if (depth == CLI_RANK) {
		return cli_fail(r->err, "expected lists nested at most %d deep, found more",
		                CLI_RANK);
	}
	if (r->has_rank && depth >= r->a->rank) {
		return unexpected(r, "a number as beside it");
	}
	for (r->s++, skip(r); r->s < r->end && *r->s != ']'; n++) {
		if (n > 0 && *r->s++ != ',') {
			r->s--;
			return unexpected(r, "',' or ']'");
		}
		if (!read_value(r, depth + 1)) {
			return false;
		}
		skip(r);
	}
	if (r->s == r->end) {
		return unexpected(r, "',' or ']'");
	}
	r->s++;
	if (n == 0 && !r->has_rank && depth + 1 > r->a->rank) {
		r->a->rank = depth + 1; /* the deepest empty list seen so far */
	}
	return end_list(r, depth, n);
}

bool
cli_json_parse(const char *text, size_t n, cli_array *a, cli_text *err)
{
	reader r = {.text = text, .s = text, .end = text + n, .a = a, .err = err};

	*a = (cli_array){0};
	if (!read_value(&r, 0)) {
		return false;
	}
	skip(&r);
	if (r.s != r.end) {
		return unexpected(&r, "nothing more");
	}
	return true;
}
