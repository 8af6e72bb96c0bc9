/* ctx.h - what stands behind an sg_ctx; for src/base/ alone. */
#ifndef SG_BASE_CTX_H
#define SG_BASE_CTX_H

#include <setjmp.h>

#include "base/base.h"

typedef struct sg_chunk {
	struct sg_chunk *next;
	size_t size;
	void *map; /* of a large chunk: what was mapped for it; NULL: it is malloc's */
} sg_chunk;

typedef struct sg_name {
	uint64_t hash;
	size_t n;
	char s[];
} sg_name;

typedef struct sg_catcher {
	jmp_buf env;
	struct sg_catcher *outer;
} sg_catcher;

struct sg_ctx {
	/* the arena: [at, end) of the newest chunk is free and zero */
	sg_chunk *chunks;
	char *at, *end;
	size_t next_chunk, bytes;
	size_t given; /* bytes that sg_alloc gave out */
	size_t most; /* bytes; taking more is a fault */
	size_t fail_in; /* 1: the next allocation fails; 0: off */

	/* faults */
	sg_catcher *catcher; /* NULL outside sg_protect */
	const char *stack_low;
	size_t stack_size; /* 0: as much as the system gives */
	sg_fault fault;
	const char *sentence;
	int fd; /* open while a file is read, so that a fault closes it; or -1 */

	/* interned names: open addressing, capacity a power of two or 0 */
	sg_name **name;
	size_t nnames, name_cap;

	size_t nsources;
	sg_diag **diag;
	size_t ndiags, diag_cap, nerrors, nwarnings;
};

/* The whole of source's line around byte `at`, without its line end: [*lo, *hi). */
void sg_source_line(const sg_source *src, size_t at, size_t *lo, size_t *hi);

#endif
