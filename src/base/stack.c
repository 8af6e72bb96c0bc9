/* stack.c - the big stack, and the one place that catches.
 *
 * sg_protect runs its function on a stack of its own: address space without reservation, whose
 * pages are committed as they are touched and go with it. The lowest page is a guard. The caller's
 * thread changes to it and back, which costs next to nothing where a thread for it costs a tenth of
 * a small model's compilation, most of it in an allocator that starts anew for each thread. Where
 * there is no such change, or a sanitizer would not see it, a thread is made and joined at once. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS, MAP_STACK, MAP_NORESERVE */

#include "base/ctx.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef SG_HAVE_MAKECONTEXT
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef SG_HAVE_MAKECONTEXT
#endif

#ifdef SG_HAVE_MAKECONTEXT
#include <ucontext.h>
#endif

#ifndef MAP_STACK
#define MAP_STACK 0
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

enum { MARGIN = 256 << 10 };

typedef struct task {
	sg_ctx *ctx;
	void (*f)(void *arg);
	void *arg;
	sg_fault fault;
} task;

/* Runs f on the stack that there is. */
static sg_fault
catch_faults(sg_ctx *ctx, void (*f)(void *arg), void *arg)
{
	sg_catcher catcher;
	sg_fault fault = SG_FAULT_NONE;

	catcher.outer = ctx->catcher;
	ctx->catcher = &catcher;
	if (setjmp(catcher.env) == 0)
		f(arg);
	else
		fault = ctx->fault;
	ctx->catcher = catcher.outer;
	return fault;
}

#ifdef SG_HAVE_MAKECONTEXT

/* makecontext hands on ints alone. */
static void
enter(unsigned high, unsigned low)
{
	task *t = (task *)(uintptr_t)((uint64_t)high << 32 | low);

	t->fault = catch_faults(t->ctx, t->f, t->arg);
}

/* Runs the task on the stack [low, low + size). */
static bool
run_at(task *t, char *low, size_t size)
{
	const uint64_t p = (uintptr_t)t;
	ucontext_t here, there;

	if (getcontext(&there) != 0)
		return false;
	there.uc_stack.ss_sp = low;
	there.uc_stack.ss_size = size;
	there.uc_link = &here;
	makecontext(&there, (void (*)(void))enter, 2, (unsigned)(p >> 32), (unsigned)p);
	return swapcontext(&here, &there) == 0;
}

#else

static void *
run_task(void *p)
{
	task *t = p;

	t->fault = catch_faults(t->ctx, t->f, t->arg);
	return NULL;
}

/* Runs the task on the stack [low, low + size). */
static bool
run_at(task *t, char *low, size_t size)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool ran = false;

	if (pthread_attr_init(&attr) != 0)
		return false;
	if (pthread_attr_setstack(&attr, low, size) == 0 &&
	    pthread_create(&thread, &attr, run_task, t) == 0)
		ran = pthread_join(thread, NULL) == 0;
	pthread_attr_destroy(&attr);
	return ran;
}

#endif

/* False where the system gives no stack of this size. */
static bool
run_on_stack(task *t, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE;
	char *low = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	bool ran = false;

	if (low == MAP_FAILED)
		return false;
	if (mprotect(low, page, PROT_NONE) == 0) {
		t->ctx->stack_low = low + page;
		ran = run_at(t, low + page, size - page);
		t->ctx->stack_low = NULL;
	}
	munmap(low, size);
	return ran;
}

void
sg_ctx_limit_stack(sg_ctx *ctx, size_t size)
{
	ctx->stack_size = size;
}

sg_fault
sg_protect(sg_ctx *ctx, void (*f)(void *arg), void *arg)
{
	static const size_t mebibytes[] = {1024, 256, 64, 8};
	task t = {ctx, f, arg, SG_FAULT_NONE};

	if (ctx->catcher)
		return catch_faults(ctx, f, arg);
	if (ctx->stack_size && run_on_stack(&t, ctx->stack_size))
		return t.fault;
	for (size_t i = 0; i < sizeof mebibytes / sizeof *mebibytes; i++)
		if (run_on_stack(&t, mebibytes[i] << 20))
			return t.fault;
	ctx->fault = SG_FAULT_MEMORY;
	ctx->sentence = "no memory for a stack";
	return ctx->fault;
}

const char *
sg_fault_text(const sg_ctx *ctx)
{
	return ctx->sentence;
}

_Noreturn void
sg_raise(sg_ctx *ctx, sg_fault fault, const char *sentence)
{
	ctx->fault = fault;
	ctx->sentence = sentence;
	if (ctx->fd >= 0) {
		close(ctx->fd);
		ctx->fd = -1;
	}
	if (!ctx->catcher)
		abort(); /* no frame is left that could go on; see base.h */
	longjmp(ctx->catcher->env, 1);
}

bool
sg_stack_left(const sg_ctx *ctx)
{
	const char *here = __builtin_frame_address(0);

	return !ctx->stack_low || here - ctx->stack_low >= MARGIN;
}
