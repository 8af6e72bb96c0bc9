/* buf.c - a growing text in the arena. */
#include "base/ctx.h"

#include <string.h>

void
sg_buf_init(sg_buf *b, sg_ctx *ctx)
{
	memset(b, 0, sizeof *b);
	b->ctx = ctx;
}

/* Room for n more bytes and the NUL. */
static void
reserve(sg_buf *b, size_t n)
{
	if (n > SIZE_MAX / 8 - b->n)
		sg_raise(b->ctx, SG_FAULT_LIMIT, "a text is too long");
	if (!b->s) {
		b->cap = n < 64 ? 64 : n + 1;
		b->s = sg_alloc(b->ctx, b->cap);
	}
	while (b->cap < b->n + n + 1)
		b->s = sg_grow(b->ctx, b->s, b->cap, &b->cap, 1);
}

void
sg_buf_write(sg_buf *b, const char *s, size_t n)
{
	if (b->cap - b->n <= n || !b->s)
		reserve(b, n);
	if (n)
		memcpy(b->s + b->n, s, n);
	b->n += n;
	b->s[b->n] = '\0';
}

void
sg_buf_putc(sg_buf *b, char c)
{
	if (b->cap - b->n <= 1 || !b->s)
		reserve(b, 1);
	b->s[b->n++] = c;
	b->s[b->n] = '\0';
}

void
sg_buf_puts(sg_buf *b, const char *s)
{
	sg_buf_write(b, s, strlen(s));
}

const char *
sg_buf_text(sg_buf *b)
{
	return b->s ? b->s : "";
}
