/* ctx.c - the arena of a compilation.
 *
 * Chunks grow from 16 KiB to 4 MiB, each as large as all before it; a block larger than a quarter
 * of the next chunk gets one of its own. Behind one of 256 KiB the next has 2 MiB: from
 * there on the system is asked for pages of that size, each of which takes it no longer than a hundred of
 * the usual ones. Other chunks come from calloc, so what is handed out is zero. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS, madvise */

#include "base/ctx.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGN = 16, HUGE_PAGE = 2 << 20 };
static const size_t first_chunk = (size_t)16 << 10;
static const size_t last_small_chunk = (size_t)256 << 10;
static const size_t largest_chunk = (size_t)4 << 20;

static size_t
round_up(size_t size)
{
	return (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

/* Three quarters of the machine's memory, and a GiB at least: what would take more is better told so
 * than left to a system that ends processes when it has no more. */
static size_t
most_bytes(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	const size_t least = (size_t)1 << 30;
	size_t all;

	if (pages <= 0 || size <= 0 || (size_t)pages > SIZE_MAX / (size_t)size)
		return SIZE_MAX;
	all = (size_t)pages * (size_t)size / 4 * 3;
	return all > least ? all : least;
}

sg_ctx *
sg_ctx_new(void)
{
	sg_ctx *ctx = calloc(1, sizeof *ctx);

	if (ctx) {
		ctx->next_chunk = first_chunk;
		ctx->most = most_bytes();
		ctx->sentence = "";
		ctx->fd = -1;
	}
	return ctx;
}

/* A multiple of HUGE_PAGE bytes, at one. */
static sg_chunk *
map_chunk(size_t size)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *map = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	sg_chunk *c;

	if (map == MAP_FAILED)
		return NULL;
	c = (sg_chunk *)(void *)(map + (HUGE_PAGE - (uintptr_t)map % HUGE_PAGE) % HUGE_PAGE);
#ifdef MADV_HUGEPAGE
	(void)madvise(c, size, MADV_HUGEPAGE); /* if they can be had */
#endif
	c->map = map;
	return c;
}

static void
free_chunk(sg_chunk *c)
{
	if (c->map)
		munmap(c->map, c->size + HUGE_PAGE);
	else
		free(c);
}

void
sg_ctx_free(sg_ctx *ctx)
{
	if (!ctx)
		return;
	for (sg_chunk *c = ctx->chunks, *next; c; c = next) {
		next = c->next;
		free_chunk(c);
	}
	free(ctx);
}

void
sg_ctx_fail_alloc(sg_ctx *ctx, size_t nth)
{
	ctx->fail_in = nth;
}

size_t
sg_ctx_bytes(const sg_ctx *ctx)
{
	return ctx->bytes;
}

size_t
sg_ctx_given(const sg_ctx *ctx)
{
	return ctx->given;
}

/* A chunk with room for size bytes behind its head; zero. */
static char *
new_chunk(sg_ctx *ctx, size_t size)
{
	size_t head = round_up(sizeof(sg_chunk));
	const bool fits = size <= SIZE_MAX - head && ctx->bytes <= ctx->most && size <= ctx->most - ctx->bytes;
	sg_chunk *c = NULL;

	if (fits)
		c = (head + size) % HUGE_PAGE == 0 ? map_chunk(head + size) : calloc(1, head + size);
	if (!c)
		sg_raise(ctx, SG_FAULT_MEMORY, "out of memory");
	c->next = ctx->chunks;
	c->size = head + size;
	ctx->chunks = c;
	ctx->bytes += c->size;
	return (char *)c + head;
}

static void
refill(sg_ctx *ctx)
{
	size_t size = ctx->next_chunk - round_up(sizeof(sg_chunk));

	ctx->at = new_chunk(ctx, size);
	ctx->end = ctx->at + size;
	if (ctx->next_chunk == last_small_chunk)
		ctx->next_chunk = HUGE_PAGE;
	else if (ctx->next_chunk < largest_chunk)
		ctx->next_chunk *= 2;
}

static void
count_towards_failure(sg_ctx *ctx)
{
	if (ctx->fail_in && --ctx->fail_in == 0)
		sg_raise(ctx, SG_FAULT_MEMORY, "out of memory");
}

void *
sg_alloc(sg_ctx *ctx, size_t size)
{
	char *p;

	count_towards_failure(ctx);
	if (size > SIZE_MAX / 2)
		sg_raise(ctx, SG_FAULT_MEMORY, "out of memory");
	size = size ? round_up(size) : ALIGN;
	ctx->given += size;
	if (size > (size_t)(ctx->end - ctx->at)) {
		if (size > ctx->next_chunk / 4)
			return new_chunk(ctx, size);
		refill(ctx);
	}
	p = ctx->at;
	ctx->at += size;
	return p;
}

void *
sg_alloc_array(sg_ctx *ctx, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		sg_raise(ctx, SG_FAULT_LIMIT, "a size is too large");
	return sg_alloc(ctx, count * size);
}

void *
sg_copy(sg_ctx *ctx, const void *p, size_t size)
{
	void *q = sg_alloc(ctx, size);

	if (size)
		memcpy(q, p, size);
	return q;
}

/* When the array is the arena's newest block and there is room behind it, it grows where it is. */
static bool
grow_in_place(sg_ctx *ctx, const void *items, size_t old, size_t new)
{
	if (!items || (const char *)items + old != ctx->at ||
	    new - old > (size_t)(ctx->end - ctx->at))
		return false;
	ctx->at += new - old;
	return true;
}

void *
sg_grow(sg_ctx *ctx, void *items, size_t n, size_t *cap, size_t size)
{
	size_t first = size <= 16 ? 8 : size <= 64 ? 4 : 1;
	size_t more = *cap ? *cap * 2 : first;
	void *p = items;

	if (n < *cap)
		return items;
	if (*cap > SIZE_MAX / 4 / size)
		sg_raise(ctx, SG_FAULT_LIMIT, "a list is too long");
	if (!grow_in_place(ctx, items, round_up(*cap * size), round_up(more * size))) {
		p = sg_alloc(ctx, more * size);
		if (n)
			memcpy(p, items, n * size);
	}
	*cap = more;
	return p;
}

int64_t
sg_mul_size(sg_ctx *ctx, int64_t a, int64_t b)
{
	int64_t r;

	if (__builtin_mul_overflow(a, b, &r))
		sg_raise(ctx, SG_FAULT_LIMIT, "a size is too large");
	return r;
}

int64_t
sg_add_size(sg_ctx *ctx, int64_t a, int64_t b)
{
	int64_t r;

	if (__builtin_add_overflow(a, b, &r))
		sg_raise(ctx, SG_FAULT_LIMIT, "a size is too large");
	return r;
}
