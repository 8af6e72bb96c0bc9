/* source.c - source texts, and where in them a byte stands.
 *
 * Beside each text stands the number of newlines before each block of it, so that the line of any
 * byte is found in the time of one block. */
#include "base/ctx.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 256 };
static const size_t largest_source = (size_t)1 << 30;

/* ---- reading ---- */

static uint32_t
count_newlines(const char *s, size_t n)
{
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += s[i] == '\n';
	return count;
}

static const uint32_t *
count_lines(sg_ctx *ctx, const char *text, size_t len)
{
	size_t nblocks = len / BLOCK + 1;
	uint32_t *before = SG_NEW_ARRAY(ctx, uint32_t, nblocks);

	for (size_t i = 1; i < nblocks; i++)
		before[i] = before[i - 1] + count_newlines(text + (i - 1) * BLOCK, BLOCK);
	return before;
}

/* text is in the arena already */
static sg_source *
new_source(sg_ctx *ctx, const char *name, const char *text, size_t len)
{
	sg_source *src = SG_NEW(ctx, sg_source);

	src->name = sg_intern_z(ctx, name);
	src->text = text;
	src->len = len;
	src->lines_before = count_lines(ctx, text, len);
	src->order = ctx->nsources++;
	return src;
}

const sg_source *
sg_source_text(sg_ctx *ctx, const char *name, const char *text, size_t len)
{
	char *copy;

	if (len > largest_source)
		sg_raise(ctx, SG_FAULT_LIMIT, "a source is larger than 1 GiB");
	copy = sg_alloc(ctx, len + 1);
	if (len)
		memcpy(copy, text, len);
	return new_source(ctx, name, copy, len);
}

static const char *
reason(int error)
{
	switch (error) {
	case ENOENT:
		return "no such file";
	case ENOTDIR:
		return "a part of its path is not a folder";
	case EACCES:
	case EPERM:
		return "permission denied";
	case EISDIR:
		return "it is a folder";
	case ELOOP:
		return "too many symbolic links";
	case ENAMETOOLONG:
		return "the name is too long";
	case EMFILE:
	case ENFILE:
		return "too many open files";
	default:
		return "input/output error";
	}
}

/* All that fd gives, NUL-terminated; NULL after an error (errno is set) or above the limit (0). */
static char *
read_all(sg_ctx *ctx, int fd, size_t size_hint, size_t *len)
{
	size_t cap = size_hint + 2 < 4096 ? 4096 : size_hint + 2, n = 0;
	char *s = sg_alloc(ctx, cap);
	ssize_t got;

	while (n <= largest_source) {
		if (n + 1 >= cap)
			s = sg_grow(ctx, s, cap, &cap, 1);
		got = read(fd, s + n, cap - n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return NULL;
		if (got == 0) {
			s[n] = '\0';
			*len = n;
			return s;
		}
		n += (size_t)got;
	}
	errno = 0;
	return NULL;
}

static void
close_source(sg_ctx *ctx)
{
	if (ctx->fd > STDIN_FILENO)
		close(ctx->fd);
	ctx->fd = -1;
}

const sg_source *
sg_source_file(sg_ctx *ctx, const char *path, sg_span from)
{
	bool is_stdin = strcmp(path, "-") == 0 && !from.src;
	const char *name = is_stdin ? "<stdin>" : path, *nul;
	struct stat st;
	size_t len = 0, hint = 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;

	if (fd >= 0) {
		ctx->fd = is_stdin ? -1 : fd;
		errno = 0;
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
			hint = (size_t)st.st_size;
		if (hint <= largest_source)
			text = read_all(ctx, fd, hint, &len);
	}
	if (!text) {
		const char *why = errno ? reason(errno) : "it is larger than 1 GiB";

		close_source(ctx);
		sg_error(ctx, from, "file", "can't read '%s': %s", name, why);
		return NULL;
	}
	close_source(ctx);
	nul = memchr(text, '\0', len);
	if (nul) {
		sg_error(ctx, from, "file", "'%s' is not text: byte %zu is NUL", name,
		         (size_t)(nul - text));
		return NULL;
	}
	return new_source(ctx, name, text, len);
}

/* ---- places ---- */

size_t
sg_utf8(const char *s, const char *end, int32_t *cp)
{
	static const int32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = (unsigned char)*s;
	size_t n = c < 0x80 ? 1 : c >= 0xF0 && c < 0xF8 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : 2;
	int32_t v = n == 1 ? c : c & (0x7F >> n);

	*cp = -1;
	if (c >= 0xF8 || (c >= 0x80 && c < 0xC0) || (size_t)(end - s) < n)
		return 1;
	for (size_t i = 1; i < n; i++) {
		unsigned char d = (unsigned char)s[i];

		if ((d & 0xC0) != 0x80)
			return 1;
		v = v * 64 + (d & 0x3F);
	}
	if (v < least[n] || v > 0x10FFFF || (v >= 0xD800 && v < 0xE000))
		return 1;
	*cp = v;
	return n;
}

/* Newlines before byte `at`. */
static uint32_t
count_lines_to(const sg_source *src, size_t at)
{
	const size_t block = src->lines_before ? at / BLOCK : 0;
	const uint32_t before = src->lines_before ? src->lines_before[block] : 0;

	return before + count_newlines(src->text + block * BLOCK, at - block * BLOCK);
}

/* The end of the last block that has a newline which stands before `at`, or 0, if none lies between. */
static size_t
skip_blocks(const sg_source *src, size_t at)
{
	const uint32_t lines = count_lines_to(src, at);
	size_t low = 0, block = at / BLOCK;

	if (src->lines_before[block] != lines)
		return at;
	while (low < block) {
		const size_t mid = (low + block) / 2;

		if (src->lines_before[mid] < lines)
			low = mid + 1;
		else
			block = mid;
	}
	return block * BLOCK;
}

size_t
sg_source_line_start(const sg_source *src, size_t at)
{
	const size_t near = at > BLOCK ? at - BLOCK : 0;

	while (at > near && src->text[at - 1] != '\n')
		at--;
	if (at > 0 && at == near && src->lines_before) /* a line may be as long as the model */
		at = skip_blocks(src, at);
	while (at > 0 && src->text[at - 1] != '\n')
		at--;
	return at;
}

void
sg_source_line(const sg_source *src, size_t at, size_t *lo, size_t *hi)
{
	const char *end;

	if (at > src->len)
		at = src->len;
	*lo = sg_source_line_start(src, at);
	end = memchr(src->text + at, '\n', src->len - at);
	*hi = end ? (size_t)(end - src->text) : src->len;
	if (*hi > *lo && src->text[*hi - 1] == '\r')
		(*hi)--;
}

static int
line_of(const sg_source *src, size_t at)
{
	return (int)count_lines_to(src, at) + 1;
}

static int
column_of(const sg_source *src, size_t at)
{
	size_t lo, hi;
	int32_t cp;
	int col = 1;

	sg_source_line(src, at, &lo, &hi);
	while (lo < at) {
		lo += sg_utf8(src->text + lo, src->text + src->len, &cp);
		col += lo <= at;
	}
	return col;
}

void
sg_span_place(sg_span s, int *line, int *col)
{
	size_t at = s.src && s.lo > s.src->len ? s.src->len : s.lo;

	if (line)
		*line = s.src ? line_of(s.src, at) : 0;
	if (col)
		*col = s.src ? column_of(s.src, at) : 0;
}

sg_span
sg_span_join(sg_span a, sg_span b)
{
	if (!a.src)
		return b;
	if (b.src == a.src) {
		a.lo = a.lo < b.lo ? a.lo : b.lo;
		a.hi = a.hi > b.hi ? a.hi : b.hi;
	}
	return a;
}
