/* tier.c - the tiered back end: the system's compiler on a thread beside the calls.
 *
 * The thread is started once for a model, by its first tiered call, and does three things: C text,
 * unless that is there (it takes the model's lock, which running code does not); machine code, by a
 * child process; and then it stores one pointer. Each call looks at that pointer before it runs,
 * and from then on uses what it finds. The code of before stays as long as the model, for calls
 * that are in it.
 *
 * What comes from the environment is read before the thread starts. The thread takes no signals of
 * the host. In a child that the host forks it does not exist, and so is not waited for there; while
 * it is inside of a model, or holds a lock, a fork waits, or the child would find it there for
 * ever. */
#include "api/api.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct sg_tier {
	pthread_mutex_t lock; /* of what is below, to `better` */
	pthread_cond_t ended;
	bool started, over; /* over: nothing goes on any more */
	pid_t process;      /* that has the thread; 0: there is none */
	pthread_t thread;
	sg_failure why; /* once it is over: why there is nothing better */
	_Atomic(const sg_code_entry *) better;

	/* the thread's own while it runs */
	sg_cc_host *host;
	sg_cc_stop *stop;
	bool emitted;
	sg_emission emission;
	sg_code *code;
};

sg_tier *
sg_tier_new(void)
{
	sg_tier *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	if (pthread_mutex_init(&t->lock, NULL) == 0) {
		if (pthread_cond_init(&t->ended, NULL) == 0)
			return t;
		pthread_mutex_destroy(&t->lock);
	}
	free(t);
	return NULL;
}

void
sg_tier_free(sg_tier *t)
{
	if (!t)
		return;
	if (t->process && t->process == getpid()) {
		sg_cc_stop_ask(t->stop);
		pthread_join(t->thread, NULL);
	}
	sg_unload(t->code);
	sg_cc_host_free(t->host);
	sg_cc_stop_free(t->stop);
	/* in a forked child they may count threads that are not there, and would wait for them */
	if (!t->process || t->process == getpid()) {
		pthread_cond_destroy(&t->ended);
		pthread_mutex_destroy(&t->lock);
	}
	free(t);
}

/* ---- forks ---- */

static pthread_rwlock_t inside =
    PTHREAD_RWLOCK_INITIALIZER; /* held for writing while a fork goes on */

static void
before_fork(void)
{
	pthread_rwlock_wrlock(&inside);
}

static void
in_parent(void)
{
	pthread_rwlock_unlock(&inside);
}

/* Threads that waited for it are not there. */
static void
in_child(void)
{
	pthread_rwlock_init(&inside, NULL);
}

static void
watch_forks(void)
{
	(void)pthread_atfork(before_fork, in_parent, in_child);
}

static void
enter(void)
{
	pthread_rwlock_rdlock(&inside);
}

static void
leave(void)
{
	pthread_rwlock_unlock(&inside);
}

/* ---- the thread ---- */

int
sg_tier_emit(sg_model *m, void *arg)
{
	sg_tier *t = m->tier;

	(void)arg;
	if (!t->emitted)
		t->emission = sg_emit_code(m, false, false);
	t->emitted = true;
	return SG_OK;
}

static void
count_time(sg_model *m, double from)
{
	double seconds = sg_clock() - from;

	pthread_rwlock_wrlock(&m->lock);
	m->times.compile += seconds;
	pthread_rwlock_unlock(&m->lock);
}

static void
compile(sg_model *m, sg_failure *why)
{
	sg_tier *t = m->tier;
	const sg_emission *e = &t->emission;
	double from = sg_clock();
	char *said = NULL;

	t->code = sg_load_cc_on(t->host, t->stop, e->text, e->n, e->name, e->addr, &said);
	if (t->code) {
		enter();
		sg_place_code(e);
		atomic_store_explicit(&t->better, e->entry, memory_order_release);
		count_time(m, from);
		leave();
	} else {
		sg_refuse(why, SG_EBACKEND, "cc: %s", said ? said : "out of memory");
	}
	free(said);
}

static void
end(sg_tier *t, const sg_failure *why)
{
	enter();
	pthread_mutex_lock(&t->lock);
	t->why = *why;
	t->over = true;
	pthread_cond_broadcast(&t->ended);
	pthread_mutex_unlock(&t->lock);
	leave();
}

static void *
work(void *arg)
{
	sg_model *m = arg;
	sg_failure why = {.status = SG_OK};
	int status;

	enter();
	status = sg_on_model(m, sg_tier_emit, NULL, &why);
	leave();
	if (status == SG_OK)
		compile(m, &why);
	end(m->tier, &why);
	return NULL;
}

/* ---- what others ask of it ---- */

static bool
start_thread(sg_model *m)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	sg_tier *t = m->tier;
	sigset_t all, before;
	bool ok;

	if (pthread_once(&once, watch_forks) != 0)
		return false;
	t->host = sg_cc_host_new();
	t->stop = sg_cc_stop_new();
	if (!t->host || !t->stop || sigfillset(&all) || pthread_sigmask(SIG_SETMASK, &all, &before))
		return false;
	ok = pthread_create(&t->thread, NULL, work, m) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ok)
		t->process = getpid();
	return ok;
}

void
sg_tier_start(sg_model *m)
{
	sg_tier *t = m->tier;

	pthread_mutex_lock(&t->lock);
	if (!t->started && !start_thread(m)) {
		sg_refuse(&t->why, SG_ENOMEM, "no thread for the C compiler can be had");
		t->over = true;
	}
	t->started = true;
	pthread_mutex_unlock(&t->lock);
}

const sg_code_entry *
sg_tier_code(const sg_model *m)
{
	return atomic_load_explicit(&m->tier->better, memory_order_acquire);
}

int
sg_model_settle(sg_model *m, sg_failure *why)
{
	sg_tier *t = m ? m->tier : NULL;
	sg_failure found;

	if (!t)
		return sg_refuse(why, SG_EVALUE, "the model is NULL");
	pthread_mutex_lock(&t->lock);
	while (t->process == getpid() && !t->over)
		pthread_cond_wait(&t->ended, &t->lock);
	found = t->why;
	pthread_mutex_unlock(&t->lock);
	if (why)
		*why = found;
	return found.status;
}
