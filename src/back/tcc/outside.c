/* outside.c - what libtcc's private copy sees of the world outside.
 *
 * The build renames in a copy of the archive (Makefile.am) what is to be another thing for a
 * library:
 *
 * stdout, stderr and environ. Debian's libtcc.a is compiled for programs and reaches them by copy
 * relocation, which a shared library can't have. They are the variables here, hidden in our library
 * and set when it is loaded: written once, before main, so constants to everybody else. malloc,
 * calloc, realloc, free and exit. Without memory libtcc ends the process, but in the compilation
 * proper, which goes back to its end as for any mistake in the text. Its end, though, trusts that
 * its beginning was whole, and allocates too. So there is a reserve for the compilation: where
 * memory runs out libtcc gets it from there, up to all of it but the rest that the end may want,
 * and is told only then. Everywhere else, where memory that is not there finds its state whole, it
 * is left at once. sem_wait and sem_post, so that libtcc's lock is open again for who leaves it.
 *
 * The one exception to "no mutable state at file scope": libtcc hands nothing through to these
 * functions. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS, MAP_NORESERVE */

#include "outside.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

extern char **environ;

extern FILE *sg_tcc_stdout, *sg_tcc_stderr;
extern char **sg_tcc_environ;
FILE *sg_tcc_stdout, *sg_tcc_stderr;
char **sg_tcc_environ;

__attribute__((constructor)) static void
set_streams(void)
{
	sg_tcc_stdout = stdout;
	sg_tcc_stderr = stderr;
	sg_tcc_environ = environ;
}

/* ---- the way out ---- */

/* Address space alone until memory runs out. libtcc begins with tables of 1.8 MiB. */
enum { RESERVE = 3 << 20, REST = 1 << 19 };

typedef struct frame {
	jmp_buf env;
	sem_t *held;   /* libtcc's lock; NULL: it is not ours */
	char *reserve; /* NULL: libtcc does not compile */
	size_t used;   /* of it */
	bool told, failed;
} frame;

static _Thread_local frame *here; /* NULL: outside of sg_tcc_guard */

sg_tcc_outcome
sg_tcc_guard(void (*f)(void *arg), void (*clean_up)(void *arg), void *arg)
{
	frame mine = {.held = NULL};
	sg_tcc_outcome how = SG_TCC_DONE;

	here = &mine;
	if (setjmp(mine.env) == 0)
		f(arg);
	else
		how = SG_TCC_LEFT;
	if (here->failed)
		how = SG_TCC_MEMORY;
	if (how != SG_TCC_DONE)
		clean_up(arg);
	if (here->reserve)
		munmap(here->reserve, RESERVE);
	here = NULL;
	return how;
}

_Noreturn static void
leave(void)
{
	if (here->held)
		sem_post(here->held);
	here->held = NULL;
	longjmp(here->env, 1);
}

_Noreturn static void
out_of_memory(void)
{
	here->failed = true;
	leave();
}

void
sg_tcc_begin(void)
{
	void *p = mmap(NULL, RESERVE, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		out_of_memory();
	here->reserve = p;
}

void
sg_tcc_end(void)
{
	if (here->failed)
		leave();
	munmap(here->reserve, RESERVE);
	here->reserve = NULL;
}

/* ---- blocks, each behind its size ---- */

typedef union head {
	size_t size;
	max_align_t align;
} head;

static bool
in_reserve(const void *p)
{
	const uintptr_t at = (uintptr_t)p;

	return here && here->reserve && at >= (uintptr_t)here->reserve &&
	       at < (uintptr_t)here->reserve + RESERVE;
}

/* `size` bytes with their head, zeroed. NULL is an answer that libtcc gets once. */
static void *
from_reserve(size_t size)
{
	const size_t end = here->told ? RESERVE : RESERVE - REST;

	here->failed = true;
	if (here->used <= end && size <= end - here->used) {
		void *p = here->reserve + here->used;

		here->used += (size + sizeof(head) - 1) / sizeof(head) * sizeof(head);
		return p;
	}
	if (here->told)
		out_of_memory();
	here->told = true;
	return NULL;
}

/* What libtcc gets for a block: got, or where that is NULL one from the reserve. */
static void *
block(head *got, size_t size)
{
	if (!got && here) {
		if (!here->reserve)
			out_of_memory();
		got = from_reserve(sizeof *got + size);
	}
	if (!got)
		return NULL;
	got->size = size;
	return got + 1;
}

/* ---- what libtcc calls ---- */

void *sg_tcc_malloc(size_t size);
void *sg_tcc_calloc(size_t n, size_t size);
void *sg_tcc_realloc(void *p, size_t size);
void sg_tcc_free(void *p);
_Noreturn void sg_tcc_exit(int status);
int sg_tcc_sem_wait(sem_t *s);
int sg_tcc_sem_post(sem_t *s);

static bool
too_large(size_t size)
{
	return size > PTRDIFF_MAX - sizeof(head);
}

void *
sg_tcc_malloc(size_t size)
{
	return block(too_large(size) ? NULL : malloc(sizeof(head) + size), size);
}

void *
sg_tcc_calloc(size_t n, size_t size)
{
	const size_t all = size && n > SIZE_MAX / size ? SIZE_MAX : n * size;

	return block(too_large(all) ? NULL : calloc(1, sizeof(head) + all), all);
}

void *
sg_tcc_realloc(void *p, size_t size)
{
	head *old = p ? (head *)p - 1 : NULL;
	void *q;

	if (!in_reserve(old)) {
		q = too_large(size) ? NULL : realloc(old, sizeof(head) + size);
		if (q)
			return block(q, size);
	}
	q = sg_tcc_malloc(size);
	if (q && old) {
		memcpy(q, p, old->size < size ? old->size : size);
		sg_tcc_free(p);
	}
	return q;
}

void
sg_tcc_free(void *p)
{
	head *h = p ? (head *)p - 1 : NULL;

	if (!in_reserve(h))
		free(h);
}

_Noreturn void
sg_tcc_exit(int status)
{
	if (here)
		leave();
	exit(status);
}

int
sg_tcc_sem_wait(sem_t *s)
{
	const int status = sem_wait(s);

	if (status == 0 && here)
		here->held = s;
	return status;
}

int
sg_tcc_sem_post(sem_t *s)
{
	if (here)
		here->held = NULL;
	return sem_post(s);
}
