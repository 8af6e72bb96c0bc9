/* diag.c - recording diagnostics, in the order in which they are found. */
#include "base/ctx.h"

#include <string.h>

enum { MOST = 100 };

static bool
same_place(sg_span a, sg_span b)
{
	return a.src == b.src && a.lo == b.lo && a.hi == b.hi;
}

static bool
is_known(const sg_ctx *ctx, const sg_diag *d)
{
	for (size_t i = 0; i < ctx->ndiags; i++)
		if (same_place(ctx->diag[i]->at, d->at) && strcmp(ctx->diag[i]->code, d->code) == 0)
			return true;
	return false;
}

/* Past the limit, and for a repetition, the result is a diagnostic that nobody will see. */
static sg_diag *
record(sg_ctx *ctx, sg_severity severity, sg_span at, const char *code, const char *message)
{
	sg_diag *d = SG_NEW(ctx, sg_diag);
	size_t *count = severity == SG_ERROR ? &ctx->nerrors : &ctx->nwarnings;

	d->severity = severity;
	d->code = code;
	d->message = message;
	d->at = at;
	if (*count < MOST && !is_known(ctx, d)) {
		SG_PUSH(ctx, ctx->diag, ctx->ndiags, ctx->diag_cap, d);
		(*count)++;
	}
	return d;
}

static const char *
format(sg_ctx *ctx, const char *fmt, va_list ap)
{
	sg_buf b;

	sg_buf_init(&b, ctx);
	sg_buf_vprintf(&b, fmt, ap);
	return sg_buf_text(&b);
}

sg_diag *
sg_error(sg_ctx *ctx, sg_span at, const char *code, const char *fmt, ...)
{
	const char *message;
	va_list ap;

	va_start(ap, fmt);
	message = format(ctx, fmt, ap);
	va_end(ap);
	return record(ctx, SG_ERROR, at, code, message);
}

sg_diag *
sg_warning(sg_ctx *ctx, sg_span at, const char *code, const char *fmt, ...)
{
	const char *message;
	va_list ap;

	va_start(ap, fmt);
	message = format(ctx, fmt, ap);
	va_end(ap);
	return record(ctx, SG_WARNING, at, code, message);
}

void
sg_diag_point(sg_diag *d, sg_span point)
{
	d->point = point;
}

static void
add(sg_ctx *ctx, sg_diag *d, sg_span at, const char *text)
{
	SG_PUSH(ctx, d->note, d->nnotes, d->note_cap, (sg_note){at, text});
}

void
sg_add_note(sg_ctx *ctx, sg_diag *d, sg_span at, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = format(ctx, fmt, ap);
	va_end(ap);
	add(ctx, d, at, text);
}

void
sg_add_hint(sg_ctx *ctx, sg_diag *d, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = format(ctx, fmt, ap);
	va_end(ap);
	add(ctx, d, (sg_span){NULL, 0, 0}, text);
}

size_t
sg_error_count(const sg_ctx *ctx)
{
	return ctx->nerrors;
}

bool
sg_errors_are_full(const sg_ctx *ctx)
{
	return ctx->nerrors >= MOST;
}

size_t
sg_diag_count(const sg_ctx *ctx)
{
	return ctx->ndiags;
}

const sg_diag *
sg_diag_at(const sg_ctx *ctx, size_t i)
{
	return ctx->diag[i];
}
