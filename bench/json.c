/* json.c - finds values in a line of JSON.
 *
 * A line is checked once, without recursion; after that a value is a piece of its text, and to step
 * over one means to count brackets. Numbers and nested lists of them are read by cli_json_parse. */
#include "gradbench.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 512 };

typedef struct scan {
	const char *from, *s, *end;
	cli_text *err;
} scan;

static void
skip(scan *c)
{
	while (c->s < c->end && strchr(" \t\r\n", *c->s) && *c->s) {
		c->s++;
	}
}

static bool
bad(scan *c, const char *expected)
{
	char found[CLI_SHOWN];

	if (c->s >= c->end) {
		return cli_fail(c->err, "JSON: expected %s, found the end", expected);
	}
	cli_show(found, c->s, (size_t)(c->end - c->s));
	return cli_fail(c->err, "JSON: expected %s, found '%s' at character %zu", expected, found,
	                (size_t)(c->s - c->from) + 1);
}

static bool
take(scan *c, char expected)
{
	skip(c);
	if (c->s == c->end || *c->s != expected) {
		return false;
	}
	c->s++;
	return true;
}

static bool
string(scan *c)
{
	skip(c);
	if (c->s == c->end || *c->s != '"') {
		return bad(c, "a string");
	}
	for (c->s++; c->s < c->end && *c->s != '"'; c->s++) {
		if ((unsigned char)*c->s < 32) {
			return bad(c, "'\"'");
		}
		c->s += *c->s == '\\' && c->s + 1 < c->end;
	}
	return take(c, '"') || bad(c, "'\"'");
}

/* A number, true, false or null. */
static bool
word(scan *c)
{
	const char *from = c->s;
	cli_kind kind;
	cli_cell v;

	while (c->s < c->end && !strchr(",:[]{} \t\r\n\"", *c->s)) {
		c->s++;
	}
	if (c->s - from == 4 && memcmp(from, "null", 4) == 0) {
		return true;
	}
	if (c->s > from && cli_read_number(from, (size_t)(c->s - from), &kind, &v)) {
		return true;
	}
	c->s = from;
	return bad(c, "a value");
}

static bool
key(scan *c)
{
	return string(c) && (take(c, ':') || bad(c, "':'"));
}

/* What follows a value: a comma and the next key or value, or the ends of what it stands in. */
static bool
close_value(scan *c, const char *open, int *depth, bool *more)
{
	for (*more = false; *depth > 0; (*depth)--) {
		char kind = open[*depth - 1];

		if (take(c, ',')) {
			*more = true;
			return kind == '[' || key(c);
		}
		if (!take(c, kind == '[' ? ']' : '}')) {
			return bad(c, kind == '[' ? "',' or ']'" : "',' or '}'");
		}
	}
	return true;
}

/* One value, at c->s. */
static bool
value(scan *c)
{
	char open[DEEPEST];
	int depth = 0;
	bool more = true;

	while (more) {
		char first;

		skip(c);
		first = c->s < c->end ? *c->s : 0;
		if (first == '[' || first == '{') {
			if (depth == DEEPEST) {
				return cli_fail(c->err, "JSON: nested more than %d deep", DEEPEST);
			}
			open[depth++] = first;
			c->s++;
			if (!take(c, first == '[' ? ']' : '}')) {
				if (first == '{' && !key(c)) {
					return false;
				}
				continue;
			}
			depth--;
		} else if (!(first == '"' ? string(c) : word(c))) {
			return false;
		}
		if (!close_value(c, open, &depth, &more)) {
			return false;
		}
	}
	return true;
}

bool
json_read(const char *line, size_t n, json *v, cli_text *err)
{
	scan c = {line, line, line + n, err};

	skip(&c);
	v->s = c.s;
	if (!value(&c)) {
		return false;
	}
	v->n = (size_t)(c.s - v->s);
	skip(&c);
	return c.s == c.end || bad(&c, "nothing more");
}

/* ---- of text that was checked ---- */

static void
skip_string(scan *c)
{
	for (c->s++; *c->s != '"'; c->s++) {
		c->s += *c->s == '\\';
	}
	c->s++;
}

static void
skip_value(scan *c)
{
	int depth = 0;

	do {
		skip(c);
		if (*c->s == '"') {
			skip_string(c);
		} else if (strchr("[{", *c->s)) {
			depth++;
			c->s++;
		} else if (strchr("]}", *c->s)) {
			depth--;
			c->s++;
		} else if (strchr(",:", *c->s)) {
			c->s++;
		} else {
			while (c->s < c->end && !strchr(",:[]{} \t\r\n\"", *c->s)) {
				c->s++;
			}
		}
	} while (depth > 0);
}

json
json_member(json object, const char *name)
{
	scan c = {object.s, object.s, object.s + object.n, NULL};
	json k, v;

	if (!object.s || *object.s != '{') {
		return (json){0};
	}
	for (c.s++; skip(&c), *c.s != '}';) {
		k.s = c.s;
		skip_string(&c);
		k.n = (size_t)(c.s - k.s);
		(void)take(&c, ':');
		skip(&c);
		v.s = c.s;
		skip_value(&c);
		v.n = (size_t)(c.s - v.s);
		if (json_is(k, name)) {
			return v;
		}
		(void)take(&c, ',');
	}
	return (json){0};
}

bool
json_is(json v, const char *s)
{
	size_t n = strlen(s);

	return v.s && v.n == n + 2 && *v.s == '"' && memcmp(v.s + 1, s, n) == 0;
}

char *
json_string(json v)
{
	return v.s && *v.s == '"' ? cli_copy(v.s + 1, v.n - 2) : NULL;
}

bool
json_array(json v, const char *name, cli_array *a, cli_text *err)
{
	cli_text why = {0};
	bool ok;

	*a = (cli_array){0};
	if (!v.s) {
		return cli_fail(err, "'%s' is missing", name);
	}
	ok = cli_json_parse(v.s, v.n, a, &why);
	if (!ok) {
		cli_array_free(a);
		cli_fail(err, "'%s': %s", name, cli_str(&why));
	}
	cli_text_free(&why);
	return ok;
}

bool
json_number(json v, const char *name, double *number, cli_text *err)
{
	cli_array a;

	if (!json_array(v, name, &a, err)) {
		return false;
	}
	if (a.rank == 0) {
		*number = a.kind == CLI_REAL ? a.cell->r : (double)a.cell->i;
	} else {
		cli_fail(err, "'%s' is no number", name);
	}
	cli_array_free(&a);
	return !err->n;
}

bool
json_count(json v, const char *name, int64_t *count, cli_text *err)
{
	double number;

	if (!json_number(v, name, &number, err)) {
		return false;
	}
	if (!(number >= 0 && number <= 0x1p53 && number == (double)(int64_t)number)) {
		return cli_fail(err, "'%s' is no count", name);
	}
	*count = (int64_t)number;
	return true;
}
