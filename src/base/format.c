/* format.c - printf into a text, without the C library's: emission writes some hundred thousand
 * pieces, and a general printf looks at each of them twice.
 *
 * What it knows is what is used: %s %c %d %i %u %x %X %%, with the flags '-' and '0', a width, a
 * precision of %s, and the lengths l ll j z t. No floating point: see number.c. */
#include "base/base.h"

#include <string.h>

typedef struct spec {
	bool left, zeros;
	size_t width, most; /* most: bytes of a string */
	char length;        /* 'l', 'q' for ll and j, 'z' for z and t; 0: int */
} spec;

static void
pad(sg_buf *b, char c, size_t n)
{
	while (n-- > 0)
		sg_buf_putc(b, c);
}

/* s [n], its first sign bytes before any zeros that fill it up. */
static void
put_field(sg_buf *b, const spec *p, const char *s, size_t n, size_t sign)
{
	const size_t fill = p->width > n ? p->width - n : 0;

	if (!fill) {
		sg_buf_write(b, s, n);
		return;
	}
	if (!p->left && !p->zeros)
		pad(b, ' ', fill);
	sg_buf_write(b, s, sign);
	if (!p->left && p->zeros)
		pad(b, '0', fill);
	sg_buf_write(b, s + sign, n - sign);
	if (p->left)
		pad(b, ' ', fill);
}

static void
put_whole(sg_buf *b, const spec *p, uintmax_t v, bool negative, unsigned base, const char *digits)
{
	char text[3 * sizeof v + 1], *const end = text + sizeof text, *s = end;

	do
		*--s = digits[v % base];
	while (v /= base);
	if (negative)
		*--s = '-';
	put_field(b, p, s, (size_t)(end - s), negative);
}

static intmax_t
take_signed(const spec *p, va_list *ap)
{
	switch (p->length) {
	case 'l':
		return va_arg(*ap, long);
	case 'q':
		return va_arg(*ap, long long);
	case 'z':
		return va_arg(*ap, ptrdiff_t);
	default:
		return va_arg(*ap, int);
	}
}

static uintmax_t
take_unsigned(const spec *p, va_list *ap)
{
	switch (p->length) {
	case 'l':
		return va_arg(*ap, unsigned long);
	case 'q':
		return va_arg(*ap, unsigned long long);
	case 'z':
		return va_arg(*ap, size_t);
	default:
		return va_arg(*ap, unsigned);
	}
}

static void
put_string(sg_buf *b, const spec *p, const char *s)
{
	const char *end;

	sg_need(b->ctx, s, "%s has a string");
	end = p->most == SIZE_MAX ? NULL : memchr(s, '\0', p->most);
	put_field(b, p, s, p->most == SIZE_MAX ? strlen(s) : end ? (size_t)(end - s) : p->most, 0);
}

/* Digits, or the next argument for '*'. False: it is negative. */
static bool
read_count(const char **f, va_list *ap, size_t *count)
{
	*count = 0;
	if (**f == '*') {
		const int n = va_arg(*ap, int);

		++*f;
		*count = n < 0 ? -(size_t)n : (size_t)n;
		return n >= 0;
	}
	for (; **f >= '0' && **f <= '9'; ++*f)
		*count = *count * 10 + (size_t)(**f - '0');
	return true;
}

/* What stands between '%' and the letter; returns the letter's place. */
static const char *
read_spec(const char *f, va_list *ap, spec *p)
{
	*p = (spec){.most = SIZE_MAX};
	for (; *f == '-' || *f == '0'; f++)
		*(*f == '-' ? &p->left : &p->zeros) = true;
	if (!read_count(&f, ap, &p->width))
		p->left = true;
	if (*f == '.') {
		f++;
		if (!read_count(&f, ap, &p->most))
			p->most = SIZE_MAX;
	}
	for (; *f && strchr("ljzt", *f); f++)
		p->length = (char)(*f == 't' ? 'z' : *f == 'j' || p->length == 'l' ? 'q' : *f);
	return f;
}

static void
put_one(sg_buf *b, const spec *p, char letter, va_list *ap)
{
	intmax_t v;
	char c;

	switch (letter) {
	case 's':
		put_string(b, p, va_arg(*ap, const char *));
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_field(b, p, &c, 1, 0);
		break;
	case 'd':
	case 'i':
		v = take_signed(p, ap);
		put_whole(b, p, v < 0 ? -(uintmax_t)v : (uintmax_t)v, v < 0, 10, "0123456789");
		break;
	case 'u':
		put_whole(b, p, take_unsigned(p, ap), false, 10, "0123456789");
		break;
	case 'x':
		put_whole(b, p, take_unsigned(p, ap), false, 16, "0123456789abcdef");
		break;
	case 'X':
		put_whole(b, p, take_unsigned(p, ap), false, 16, "0123456789ABCDEF");
		break;
	case '%':
		sg_buf_putc(b, '%');
		break;
	default:
		sg_need(b->ctx, false, "a format that is known here");
	}
}

void
sg_buf_vprintf(sg_buf *b, const char *fmt, va_list ap)
{
	va_list
	    rest; /* a parameter of this type may be an array, which has no address to pass on */
	spec p;

	sg_buf_write(b, "", 0); /* there is a text, if an empty one */
	va_copy(rest, ap);
	for (const char *f = fmt; *f; f++) {
		const char *plain = f;

		while (*f && *f != '%')
			f++;
		sg_buf_write(b, plain, (size_t)(f - plain));
		if (!*f)
			break;
		if (f[1] == 's') { /* most are that */
			const char *s = va_arg(rest, const char *);

			sg_need(b->ctx, s, "%s has a string");
			sg_buf_puts(b, s);
			f++;
			continue;
		}
		f = read_spec(f + 1, &rest, &p);
		put_one(b, &p, *f, &rest);
	}
	va_end(rest);
}

void
sg_buf_printf(sg_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sg_buf_vprintf(b, fmt, ap);
	va_end(ap);
}
