/* cc.c - the system's C compiler, started without a shell.
 *
 * A host may handle SIGCHLD as it likes: the compiler gets the default. One that somebody may stop
 * runs in a process group of its own, so that what it started in turn goes with it; its leader is
 * left a zombie until nobody can send it a signal any more, for only then its number may be used
 * again. */
#include "back/cc.h"
#include "back/load.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* ---- files ---- */

char *
sg_path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir), m = strlen(name);
	char *p = malloc(n + m + 2);

	if (p) {
		memcpy(p, dir, n);
		p[n] = '/';
		memcpy(p + n + 1, name, m + 1);
	}
	return p;
}

static bool
write_all(int fd, const char *s, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, s, n);

		if (put < 0 && errno != EINTR)
			return false;
		if (put > 0) {
			s += put;
			n -= (size_t)put;
		}
	}
	return true;
}

bool
sg_file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return false;
	ok = write_all(fd, text, strlen(text));
	return close(fd) == 0 && ok;
}

char *
sg_file_read(const char *path, size_t most)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *s = fd < 0 ? NULL : malloc(most + 1);
	size_t n = 0;

	while (s && n < most) {
		ssize_t got = read(fd, s + n, most - n);

		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0)
		close(fd);
	if (s)
		s[n] = '\0';
	return s;
}

/* ---- the command line ---- */

/* A copy of the environment in one block; NULL without memory. */
static char **
copy_environment(void)
{
	size_t n = 0, bytes = 0;
	char **copy, *text;

	for (; environ && environ[n]; n++)
		bytes += strlen(environ[n]) + 1;
	copy = malloc((n + 1) * sizeof *copy + bytes);
	if (!copy)
		return NULL;
	text = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		size_t size = strlen(environ[i]) + 1;

		copy[i] = memcpy(text, environ[i], size);
		text += size;
	}
	copy[n] = NULL;
	return copy;
}

/* A variable of an environment, or NULL. */
static const char *
variable(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

/* The file that name means, searched along $PATH as execvp does; malloc'ed, NULL: none. */
static char *
find_program(char *const *env, const char *name)
{
	const char *path = variable(env, "PATH");

	if (strchr(name, '/'))
		return strdup(name);
	for (const char *p = path ? path : "/bin:/usr/bin"; *p;) {
		size_t n = strcspn(p, ":");
		char *dir = n ? strndup(p, n) : strdup("."),
		     *file = dir ? sg_path_join(dir, name) : NULL;

		free(dir);
		if (!file || access(file, X_OK) == 0)
			return file;
		free(file);
		p += n + (p[n] == ':');
	}
	return NULL;
}

static bool
split_words(sg_cc *cc)
{
	char *rest = NULL;

	for (char *w = strtok_r(cc->words, " \t", &rest); w; w = strtok_r(NULL, " \t", &rest)) {
		if (cc->argc >= SG_CC_ARGS / 2)
			return false;
		cc->argv[cc->argc++] = w;
	}
	cc->own = cc->argc;
	return true;
}

bool
sg_cc_open(sg_cc *cc)
{
	const char *name = getenv("SYMGRAD_CC");

	memset(cc, 0, sizeof *cc);
	cc->words = strdup(name && *name ? name : "cc");
	cc->env = copy_environment();
	if (!cc->words || !cc->env || !split_words(cc)) {
		sg_cc_close(cc);
		return false;
	}
	cc->program = cc->argc ? find_program(cc->env, cc->argv[0]) : NULL;
	return true;
}

void
sg_cc_close(sg_cc *cc)
{
	free(cc->words);
	free(cc->program);
	free(cc->env);
	memset(cc, 0, sizeof *cc);
}

void
sg_cc_add(sg_cc *cc, const char *arg)
{
	if (cc->argc < SG_CC_ARGS - 1)
		cc->argv[cc->argc++] = (char *)(uintptr_t)arg; /* execve does not write to it */
}

/* ---- who the compiler is ---- */

/* The processor's features, as Linux tells them; "" elsewhere. malloc'ed. */
static char *
processor(void)
{
	char *info = sg_file_read("/proc/cpuinfo", 16384);
	const char *at = info ? strstr(info, "\nflags") : NULL;
	char *line;

	if (info && !at)
		at = strstr(info, "\nFeatures");
	line = at ? strndup(at + 1, strcspn(at + 1, "\n")) : strdup("");
	free(info);
	return line;
}

/* Adds a word, and the file that it names: "ccache gcc" is two. */
static void
put_word(char **id, const char *word, const char *file)
{
	struct stat st;
	char figures[96];

	sg_say(id, word);
	sg_say(id, "\n");
	if (!file || stat(file, &st) != 0)
		return;
	snprintf(figures, sizeof figures, " %lld %lld %lld\n", (long long)st.st_size,
	         (long long)st.st_mtim.tv_sec, (long long)st.st_mtim.tv_nsec);
	sg_say(id, file);
	sg_say(id, figures);
}

char *
sg_cc_identity(const sg_cc *cc)
{
	char *cpu = cc->program ? processor() : NULL, *id = NULL;

	for (int i = 0; cpu && i < cc->own; i++) {
		char *file = i ? find_program(cc->env, cc->argv[i]) : strdup(cc->program);

		put_word(&id, cc->argv[i], file);
		free(file);
	}
	if (cpu)
		sg_say(&id, cpu);
	free(cpu);
	return id;
}

/* ---- stopping it ---- */

struct sg_cc_stop {
	pthread_mutex_t lock;
	bool asked;
	pid_t group; /* of the compiler that runs; 0: none does */
};

sg_cc_stop *
sg_cc_stop_new(void)
{
	sg_cc_stop *s = calloc(1, sizeof *s);

	if (s && pthread_mutex_init(&s->lock, NULL) == 0)
		return s;
	free(s);
	return NULL;
}

void
sg_cc_stop_free(sg_cc_stop *s)
{
	if (s)
		pthread_mutex_destroy(&s->lock);
	free(s);
}

bool
sg_cc_stop_asked(sg_cc_stop *s)
{
	bool asked;

	if (!s)
		return false;
	pthread_mutex_lock(&s->lock);
	asked = s->asked;
	pthread_mutex_unlock(&s->lock);
	return asked;
}

/* Sends a signal to what still runs; false when nothing does. */
static bool
signal_group(sg_cc_stop *s, int number)
{
	bool runs;

	pthread_mutex_lock(&s->lock);
	s->asked = true;
	runs = s->group != 0;
	if (runs)
		kill(-s->group, number);
	pthread_mutex_unlock(&s->lock);
	return runs;
}

/* Compilers remove their temporary files at SIGTERM. One that has not gone after a second is
 * killed. */
void
sg_cc_stop_ask(sg_cc_stop *s)
{
	const struct timespec nap = {.tv_nsec = 5000000};
	bool runs = signal_group(s, SIGTERM);

	for (int i = 0; runs && i < 200; i++) {
		nanosleep(&nap, NULL);
		runs = signal_group(s, 0);
	}
	if (runs)
		signal_group(s, SIGKILL);
}

/* ---- running it ---- */

static bool
open_files(posix_spawn_file_actions_t *io, const char *log)
{
	return !posix_spawn_file_actions_addopen(io, 0, "/dev/null", O_RDONLY, 0) &&
	       !posix_spawn_file_actions_addopen(io, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600) &&
	       !posix_spawn_file_actions_adddup2(io, 1, 2);
}

/* The thread that starts it may block all signals. */
static bool
set_signals(posix_spawnattr_t *attr, bool group)
{
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t none, plain;

	sigemptyset(&none);
	sigemptyset(&plain);
	sigaddset(&plain, SIGCHLD);
	sigaddset(&plain, SIGPIPE);
	if (group)
		flags |= POSIX_SPAWN_SETPGROUP;
	return !posix_spawnattr_setflags(attr, flags) && !posix_spawnattr_setpgroup(attr, 0) &&
	       !posix_spawnattr_setsigmask(attr, &none) &&
	       !posix_spawnattr_setsigdefault(attr, &plain);
}

static bool
spawn(const sg_cc *cc, const char *log, bool group, pid_t *pid)
{
	posix_spawn_file_actions_t io;
	posix_spawnattr_t attr;
	bool ok = false;

	if (posix_spawn_file_actions_init(&io))
		return false;
	if (!posix_spawnattr_init(&attr)) {
		ok = open_files(&io, log) && set_signals(&attr, group) &&
		     !posix_spawn(pid, cc->program, &io, &attr, cc->argv, cc->env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&io);
	return ok;
}

/* So long as the compiler is not stopped before it is started. */
static bool
start(const sg_cc *cc, const char *log, sg_cc_stop *stop, pid_t *pid)
{
	bool ok;

	if (!stop)
		return spawn(cc, log, false, pid);
	pthread_mutex_lock(&stop->lock);
	ok = !stop->asked && spawn(cc, log, true, pid);
	if (ok)
		stop->group = *pid;
	pthread_mutex_unlock(&stop->lock);
	return ok;
}

/* Waits until it has ended, and leaves it a zombie. */
static void
wait_for_end(pid_t pid)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
		;
}

/* Of a child that the host's own SIGCHLD handling may have taken away: then only what it wrote can
 * tell. */
static bool
ended_well(pid_t pid)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, 0) == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		if (errno != EINTR)
			return errno == ECHILD;
	}
}

bool
sg_cc_run(sg_cc *cc, const char *log, sg_cc_stop *stop)
{
	bool ok;
	pid_t pid;

	cc->argv[cc->argc] = NULL;
	if (!cc->program || !start(cc, log, stop, &pid))
		return false;
	if (!stop)
		return ended_well(pid);
	wait_for_end(pid);
	pthread_mutex_lock(&stop->lock);
	if (stop->asked)
		kill(-pid, SIGKILL); /* what it started and left behind */
	stop->group = 0;
	ok = ended_well(pid) && !stop->asked;
	pthread_mutex_unlock(&stop->lock);
	return ok;
}
