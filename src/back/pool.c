/* pool.c - threads that share a loop.
 *
 * The loop is cut into chunks of a fixed number of turns; who is free takes the next one, the
 * caller too. So the threads decide who computes a chunk and never what it is. One loop runs at a
 * time; a caller that finds the pool taken does its loop alone.
 *
 * A loop is opened by storing its number. A worker first says that it is inside, and then looks
 * again whether the loop is still open; the caller first closes the loop, and then waits until
 * nobody is inside. So no one reads a loop that is over. Workers that find none look for a while,
 * which makes the next start cheap, and then sleep.
 *
 * Threads start with the first loop that is worth them, take no signals, and end with the pool. In
 * a child that the host forks there are none, and loops run alone; until another number of threads
 * is asked for there, which starts the child's own. */
#define _GNU_SOURCE 1 /* sched_getaffinity */

#include "back/back.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOKS = 1000, MOST_THREADS = 256 };

typedef struct loop {
	sg_part *part;
	void *context;
	ptrdiff_t turns, grain, chunks;
} loop;

struct sg_pool {
	pthread_mutex_t taken; /* by the caller whose loop runs; of what is below, to `loop` */
	int wanted;            /* threads with the caller; 0: the cores */
	int nworkers;
	pthread_t *worker;
	pid_t process; /* that has them */
	bool tried;
	uint64_t last; /* number of the last loop */
	loop loop;

	_Atomic uint64_t open;    /* number of the loop that runs; 0: none */
	_Atomic ptrdiff_t next;   /* chunk */
	_Atomic int inside;       /* workers that may read `loop` */
	_Atomic ptrdiff_t failed; /* the first chunk that failed, of those known */
	int status;               /* its status, behind `sleep` */
	_Atomic bool over;
	pthread_mutex_t sleep;
	pthread_cond_t wake;
	_Atomic int sleepers;
};

/* ---- one loop ---- */

static void
note_failure(sg_pool *p, ptrdiff_t chunk, int status)
{
	pthread_mutex_lock(&p->sleep);
	if (chunk < atomic_load(&p->failed)) {
		atomic_store(&p->failed, chunk);
		p->status = status;
	}
	pthread_mutex_unlock(&p->sleep);
}

static int
run_chunk(const loop *l, ptrdiff_t chunk)
{
	const ptrdiff_t begin = chunk * l->grain;

	return l->part(l->context, begin,
	               l->turns - begin < l->grain ? l->turns : begin + l->grain);
}

/* Chunks, until there are no more. Behind one that failed nothing matters. */
static void
take_chunks(sg_pool *p)
{
	const loop *l = &p->loop;
	ptrdiff_t chunk;

	while ((chunk = atomic_fetch_add(&p->next, 1)) < l->chunks) {
		const int status = chunk < atomic_load(&p->failed) ? run_chunk(l, chunk) : 0;

		if (status != 0)
			note_failure(p, chunk, status);
	}
}

static int
run_alone(const loop *l)
{
	int status = 0;

	for (ptrdiff_t chunk = 0; chunk < l->chunks && status == 0; chunk++)
		status = run_chunk(l, chunk);
	return status;
}

/* ---- workers ---- */

static void
relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* The number of a loop that is not `done`; 0: the pool is over. */
static uint64_t
wait_for_loop(sg_pool *p, uint64_t done)
{
	uint64_t number;

	for (int i = 0; i < LOOKS; i++, relax()) {
		number = atomic_load(&p->open);
		if (number != 0 && number != done)
			return number;
	}
	pthread_mutex_lock(&p->sleep);
	atomic_fetch_add(&p->sleepers, 1);
	while (number = atomic_load(&p->open), (number == 0 || number == done) && !p->over)
		pthread_cond_wait(&p->wake, &p->sleep);
	atomic_fetch_sub(&p->sleepers, 1);
	pthread_mutex_unlock(&p->sleep);
	return p->over ? 0 : number;
}

static void *
work(void *arg)
{
	sg_pool *p = arg;
	uint64_t number = 0;

	while ((number = wait_for_loop(p, number)) != 0) {
		atomic_fetch_add(&p->inside, 1);
		if (atomic_load(&p->open) == number)
			take_chunks(p);
		atomic_fetch_sub(&p->inside, 1);
	}
	return NULL;
}

/* Those that this process may use, which may be fewer than there are: on one core a second thread
 * would only take turns with the first. */
static int
cores(void)
{
	long n = 0;

#ifdef CPU_COUNT
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
		n = CPU_COUNT(&allowed);
#endif
	if (n < 1)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > MOST_THREADS ? MOST_THREADS : (int)n;
}

static void
start_workers(sg_pool *p)
{
	const int want = (p->wanted ? p->wanted : cores()) - 1;
	sigset_t all, before;

	p->tried = true;
	p->worker = want > 0 ? calloc((size_t)want, sizeof *p->worker) : NULL;
	if (!p->worker || sigfillset(&all) || pthread_sigmask(SIG_SETMASK, &all, &before))
		return;
	p->process = getpid();
	while (p->nworkers < want && pthread_create(&p->worker[p->nworkers], NULL, work, p) == 0)
		p->nworkers++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
wake_all(sg_pool *p)
{
	pthread_mutex_lock(&p->sleep);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->sleep);
}

/* In a forked child: threads that are not there hold a lock, count as inside, or are waited for by
 * pthread_cond_destroy. So what they used is made anew. */
static void
forget_workers(sg_pool *p)
{
	(void)pthread_mutex_init(&p->sleep, NULL);
	(void)pthread_cond_init(&p->wake, NULL);
	atomic_store(&p->open, 0);
	atomic_store(&p->inside, 0);
	atomic_store(&p->sleepers, 0);
}

static void
end_workers(sg_pool *p)
{
	if (p->nworkers && p->process != getpid()) {
		forget_workers(p);
	} else if (p->nworkers) {
		atomic_store(&p->over, true);
		wake_all(p);
		for (int i = 0; i < p->nworkers; i++)
			pthread_join(p->worker[i], NULL);
		atomic_store(&p->over, false);
	}
	free(p->worker);
	p->worker = NULL;
	p->nworkers = 0;
	p->tried = false;
}

/* ---- the pool ---- */

sg_pool *
sg_pool_new(void)
{
	sg_pool *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	if (pthread_mutex_init(&p->taken, NULL) == 0) {
		if (pthread_mutex_init(&p->sleep, NULL) == 0) {
			if (pthread_cond_init(&p->wake, NULL) == 0)
				return p;
			pthread_mutex_destroy(&p->sleep);
		}
		pthread_mutex_destroy(&p->taken);
	}
	free(p);
	return NULL;
}

void
sg_pool_free(sg_pool *p)
{
	if (!p)
		return;
	end_workers(p);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->sleep);
	pthread_mutex_destroy(&p->taken);
	free(p);
}

bool
sg_pool_set(sg_pool *p, int threads)
{
	if (threads < 0 || threads > MOST_THREADS)
		return false;
	pthread_mutex_lock(&p->taken);
	if (threads != p->wanted)
		end_workers(p);
	p->wanted = threads;
	pthread_mutex_unlock(&p->taken);
	return true;
}

static int
run_together(sg_pool *p, const loop *l)
{
	p->loop = *l;
	p->status = 0;
	atomic_store(&p->next, 0);
	atomic_store(&p->failed, PTRDIFF_MAX);
	atomic_store(&p->open, ++p->last);
	if (atomic_load(&p->sleepers) > 0)
		wake_all(p);
	take_chunks(p);
	atomic_store(&p->open, 0);
	for (int i = 0; atomic_load(&p->inside) > 0; i++)
		if (i < LOOKS)
			relax();
		else
			sched_yield();
	return p->status;
}

int
sg_pool_run(void *pool, sg_part *part, void *context, ptrdiff_t turns, ptrdiff_t grain)
{
	sg_pool *p = pool;
	loop l = {part, context, turns, grain, 1};
	int status;

	if (turns <= grain) /* one chunk, even if nothing is in it */
		return part(context, 0, turns);
	l.chunks = (turns - 1) / grain + 1;
	if (pthread_mutex_trylock(&p->taken) != 0)
		return run_alone(&l);
	if (!p->tried)
		start_workers(p);
	status = p->nworkers && p->process == getpid() ? run_together(p, &l) : run_alone(&l);
	pthread_mutex_unlock(&p->taken);
	return status;
}
