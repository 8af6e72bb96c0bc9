/* csv.c - tables of numbers as text, with or without a header.
 *
 * One row a line. The first line with content says what separates its cells: a comma if it has one,
 * else a semicolon, else a tab, else spaces. It is a header when none of its cells is a number, so
 * that a row with a slip in it is told instead of passed over; a cell may stand in double quotes.
 * Lines that are empty or begin with '#' are passed over. Numbers have a decimal point, whatever
 * the locale. All rows have equally many cells, and none is empty. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

typedef struct cell {
	const char *s;
	size_t n;
} cell;

typedef struct table {
	const char *path, *column; /* column: the one that is wanted, or NULL */
	cli_array *a;
	size_t cap;
	char separator; /* 0: not known yet */
	cell *row;      /* of the line at hand */
	size_t n, row_cap;
	size_t columns; /* 0: not known yet */
	size_t chosen;  /* of the column; columns when all are wanted */
	size_t line, first;
} table;

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
trim(cell *c)
{
	while (c->n && is_blank(*c->s)) {
		c->s++;
		c->n--;
	}
	while (c->n && is_blank(c->s[c->n - 1])) {
		c->n--;
	}
}

static char
find_separator(const char *s, size_t n)
{
	const char *each = ",;\t";

	for (; *each; each++) {
		if (memchr(s, *each, n)) {
			return *each;
		}
	}
	return ' ';
}

/* Where the cell at s ends: at a separator outside of quotes. */
static const char *
cell_end(const char *s, const char *end, char separator)
{
	bool quoted = false;

	for (; s < end; s++) {
		if (*s == '"') {
			quoted = !quoted;
		} else if (!quoted && (*s == separator || (separator == ' ' && *s == '\t'))) {
			break;
		}
	}
	return s;
}

static void
split(table *t, const char *s, const char *end)
{
	t->n = 0;
	for (;;) {
		const char *stop = cell_end(s, end, t->separator);
		cell c = {s, (size_t)(stop - s)};

		trim(&c);
		if (c.n >= 2 && *c.s == '"' && c.s[c.n - 1] == '"') {
			c = (cell){c.s + 1, c.n - 2};
			trim(&c);
		}
		/* with spaces between cells, several are as good as one */
		if (t->separator != ' ' || c.n) {
			t->row = cli_grow(t->row, t->n, &t->row_cap, sizeof *t->row);
			t->row[t->n++] = c;
		}
		if (stop >= end) {
			return;
		}
		s = stop + 1;
	}
}

static bool
row_is_header(const table *t)
{
	cli_kind kind;
	cli_cell v;
	size_t i;
	bool named = false;

	for (i = 0; i < t->n; i++) {
		if (cli_read_number(t->row[i].s, t->row[i].n, &kind, &v)) {
			return false;
		}
		named = named || t->row[i].n > 0;
	}
	return named;
}

/* By name in a header; without one, or when no name fits, by its number from 1. */
static bool
choose_column(table *t, bool header, cli_text *err)
{
	cli_text names = {0};
	size_t i, n = strlen(t->column);
	cli_kind kind;
	cli_cell v;

	for (i = 0; header && i < t->n; i++) {
		char shown[CLI_SHOWN];

		if (t->row[i].n == n && memcmp(t->row[i].s, t->column, n) == 0) {
			t->chosen = i;
			cli_text_free(&names);
			return true;
		}
		cli_show(shown, t->row[i].s, t->row[i].n);
		cli_printf(&names, "%s%s", i ? ", " : "", shown);
	}
	if (cli_read_number(t->column, n, &kind, &v) && kind == CLI_INT && v.i >= 1 &&
	    (uint64_t)v.i <= t->n) {
		t->chosen = (size_t)v.i - 1;
	} else if (header) {
		cli_fail(err, "%s: expected a column named '%s', found %s", t->path, t->column,
		         cli_str(&names));
	} else {
		cli_fail(err,
		         "%s: expected a column named '%s', found %zu columns without a header",
		         t->path, t->column, t->n);
	}
	cli_text_free(&names);
	return !err->n;
}

/* The first line with content. */
static bool
begin(table *t, bool *header, cli_text *err)
{
	*header = row_is_header(t);
	t->columns = t->chosen = t->n;
	t->first = t->line;
	return !t->column || choose_column(t, *header, err);
}

static bool
add_row(table *t, cli_text *err)
{
	size_t i;

	if (t->n != t->columns) {
		return cli_fail(err, "%s:%zu: expected %zu cell%s as in line %zu, found %zu",
		                t->path, t->line, t->columns, t->columns == 1 ? "" : "s", t->first,
		                t->n);
	}
	for (i = 0; i < t->n; i++) {
		char shown[CLI_SHOWN];
		cli_kind kind;
		cli_cell v;

		if (t->chosen != t->columns && i != t->chosen) {
			continue;
		}
		if (!cli_read_number(t->row[i].s, t->row[i].n, &kind, &v)) {
			cli_show(shown, t->row[i].s, t->row[i].n);
			return cli_fail(
			    err, "%s:%zu: expected a number in column %zu, found %s%s%s%s", t->path,
			    t->line, i + 1, t->row[i].n ? "'" : "nothing", shown,
			    t->row[i].n ? "'" : "",
			    t->line == t->first && t->row[i].n ? " (a header has no number in it)"
							       : "");
		}
		cli_array_push(t->a, &t->cap, kind, v);
	}
	t->a->extent[0]++;
	return true;
}

static bool
add_line(table *t, cell line, cli_text *err)
{
	bool header = false;

	t->line++;
	trim(&line);
	if (line.n == 0 || *line.s == '#') {
		return true;
	}
	if (!t->separator) {
		t->separator = find_separator(line.s, line.n);
	}
	split(t, line.s, line.s + line.n);
	if (!t->columns && !begin(t, &header, err)) {
		return false;
	}
	return header || add_row(t, err);
}

bool
cli_csv_parse(const char *path, const char *text, size_t n, const char *column, cli_array *a,
              cli_text *err)
{
	table t = {.path = path, .column = column, .a = a};
	const char *s = text, *end = text + n, *stop;
	bool ok = true;

	*a = (cli_array){.table = true};
	if (n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
		s += 3; /* the byte order mark that spreadsheets write */
	}
	for (; ok && s < end; s = stop + 1) {
		stop = memchr(s, '\n', (size_t)(end - s));
		stop = stop ? stop : end;
		ok = add_line(&t, (cell){s, (size_t)(stop - s)}, err);
	}
	if (ok && !t.columns) {
		ok = cli_fail(err, "%s: expected rows of numbers, found none", path);
	}
	a->rank = column ? 1 : 2;
	a->extent[1] = (int64_t)t.columns;
	free(t.row);
	return ok;
}
