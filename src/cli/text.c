/* text.c - growable text and checked memory for the command.
 *
 * The command is a process of its own: when memory runs out it says so and ends with status 1. No
 * file is open half-written at such a point, since all that is written is made in memory first. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void
no_memory(void)
{
	fputs("symgrad: error: out of memory\n", stderr);
	exit(CLI_FAULT);
}

void *
cli_alloc(size_t count, size_t size)
{
	void *p = NULL;

	if (size == 0 || count <= PTRDIFF_MAX / size) {
		p = calloc(count ? count : 1, size ? size : 1);
	}
	if (!p) {
		no_memory();
	}
	return p;
}

void *
cli_grow(void *items, size_t n, size_t *cap, size_t size)
{
	size_t want;

	if (n < *cap) {
		return items;
	}
	want = *cap ? *cap * 2 : 16;
	if (want < *cap || want > PTRDIFF_MAX / size) {
		no_memory();
	}
	items = realloc(items, want * size);
	if (!items) {
		no_memory();
	}
	*cap = want;
	return items;
}

char *
cli_copy(const char *s, size_t n)
{
	char *p = cli_alloc(n + 1, 1);

	memcpy(p, s, n);
	return p;
}

/* ---- growable text ------------------------------------------------------------------------------
 */

void
cli_write(cli_text *t, const char *s, size_t n)
{
	while (t->cap - t->n < n + 1) {
		t->s = cli_grow(t->s, t->cap, &t->cap, 1);
	}
	memcpy(t->s + t->n, s, n);
	t->n += n;
	t->s[t->n] = '\0';
}

void
cli_puts(cli_text *t, const char *s)
{
	cli_write(t, s, strlen(s));
}

void
cli_putc(cli_text *t, char c)
{
	cli_write(t, &c, 1);
}

void
cli_spaces(cli_text *t, size_t n)
{
	while (n-- > 0) {
		cli_write(t, " ", 1);
	}
}

static void
vprint(cli_text *t, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0) {
		return;
	}
	while (t->cap - t->n < (size_t)n + 1) {
		t->s = cli_grow(t->s, t->cap, &t->cap, 1);
	}
	vsnprintf(t->s + t->n, (size_t)n + 1, fmt, ap);
	t->n += (size_t)n;
}

void
cli_printf(cli_text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(t, fmt, ap);
	va_end(ap);
}

bool
cli_fail(cli_text *err, const char *fmt, ...)
{
	va_list ap;

	if (err->n) {
		return false; /* the first reason is the one that is told */
	}
	va_start(ap, fmt);
	vprint(err, fmt, ap);
	va_end(ap);
	return false;
}

void
cli_text_free(cli_text *t)
{
	free(t->s);
	*t = (cli_text){0};
}

const char *
cli_str(const cli_text *t)
{
	return t->s ? t->s : "";
}

/* What the user typed, or what a file holds, as it may stand in a message: control characters and
 * bytes that are not ASCII become '?', and what is longer than 40 bytes is cut. */
void
cli_show(char out[CLI_SHOWN], const char *s, size_t n)
{
	size_t i, k = n > 40 ? 37 : n;

	for (i = 0; i < k; i++) {
		out[i] = (char)((unsigned char)s[i] < 32 || (unsigned char)s[i] > 126 ? '?' : s[i]);
	}
	strcpy(out + k, n > 40 ? "..." : "");
}

void
cli_put_number(cli_text *t, double v, bool f32)
{
	char s[SG_NUMBER_SIZE];

	cli_puts(t, sg_number_text(s, v, f32));
}
