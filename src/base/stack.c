/* stack.c - the big stack, and the one place that catches.
 *
 * sg_protect runs its function on a thread of its own, joined before it returns: nothing runs
 * beside it. The thread's stack is address space without reservation; pages are committed as they
 * are touched and go with the thread. The lowest page is a guard. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS, MAP_STACK, MAP_NORESERVE */

#include "base/ctx.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

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

static void *
run_task(void *p)
{
	task *t = p;

	t->fault = catch_faults(t->ctx, t->f, t->arg);
	return NULL;
}

/* False where the system gives no thread with a stack of this size. */
static bool
run_on_stack(task *t, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE;
	char *low = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	pthread_attr_t attr;
	pthread_t thread;
	bool ran = false;

	if (low == MAP_FAILED)
		return false;
	if (mprotect(low, page, PROT_NONE) == 0 && pthread_attr_init(&attr) == 0) {
		t->ctx->stack_low = low + page;
		if (pthread_attr_setstack(&attr, low + page, size - page) == 0 &&
		    pthread_create(&thread, &attr, run_task, t) == 0)
			ran = pthread_join(thread, NULL) == 0;
		t->ctx->stack_low = NULL;
		pthread_attr_destroy(&attr);
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
