/* cc.c - the system's C compiler, started without a shell. */
#include "back/cc.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

bool
sg_cc_open(sg_cc *cc)
{
	const char *name = getenv("SYMGRAD_CC");
	char *rest = NULL;

	memset(cc, 0, sizeof *cc);
	cc->words = strdup(name && *name ? name : "cc");
	if (!cc->words)
		return false;
	for (char *w = strtok_r(cc->words, " \t", &rest); w; w = strtok_r(NULL, " \t", &rest)) {
		if (cc->argc >= SG_CC_ARGS / 2) {
			sg_cc_close(cc);
			return false;
		}
		cc->argv[cc->argc++] = w;
	}
	cc->own = cc->argc;
	return true;
}

void
sg_cc_close(sg_cc *cc)
{
	free(cc->words);
	cc->words = NULL;
}

void
sg_cc_add(sg_cc *cc, const char *arg)
{
	if (cc->argc < SG_CC_ARGS - 1)
		cc->argv[cc->argc++] = (char *)(uintptr_t)arg; /* execve does not write to it */
}

/* ---- who the compiler is ---- */

/* The file that name means, searched along $PATH as execvp does; malloc'ed, NULL: none. */
static char *
find_program(const char *name)
{
	const char *path = getenv("PATH");

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

char *
sg_cc_identity(const sg_cc *cc)
{
	char *file = cc->argc ? find_program(cc->argv[0]) : NULL, *cpu = processor(), *id = NULL;
	struct stat st;

	if (file && cpu && stat(file, &st) == 0) {
		size_t n = strlen(file) + strlen(cpu) + 128;

		id = malloc(n);
		if (id)
			snprintf(id, n, "%s %lld %lld %lld %s", file, (long long)st.st_size,
			         (long long)st.st_mtim.tv_sec, (long long)st.st_mtim.tv_nsec, cpu);
		for (int i = 1; id && i < cc->own; i++) {
			char *longer = sg_path_join(id, cc->argv[i]);

			free(id);
			id = longer;
		}
	}
	free(file);
	free(cpu);
	return id;
}

/* ---- running it ---- */

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
sg_cc_run(sg_cc *cc, const char *log)
{
	posix_spawn_file_actions_t io;
	pid_t pid;
	int failed;

	if (cc->argc == 0 || posix_spawn_file_actions_init(&io))
		return false;
	cc->argv[cc->argc] = NULL;
	failed =
	    posix_spawn_file_actions_addopen(&io, 0, "/dev/null", O_RDONLY, 0) ||
	    posix_spawn_file_actions_addopen(&io, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600) ||
	    posix_spawn_file_actions_adddup2(&io, 1, 2) ||
	    posix_spawnp(&pid, cc->argv[0], &io, NULL, cc->argv, environ);
	posix_spawn_file_actions_destroy(&io);
	return !failed && ended_well(pid);
}
