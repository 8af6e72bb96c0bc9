/* archive.c - object files become a static library, by the system's ar ($AR, else ar). */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int
start(char *const *args, pid_t *child)
{
	posix_spawn_file_actions_t quiet;
	int why = posix_spawn_file_actions_init(&quiet);

	if (why)
		return why;
	why = posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!why)
		why = posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY,
		                                       0);
	if (!why)
		why = posix_spawnp(child, args[0], &quiet, NULL, args, environ);
	posix_spawn_file_actions_destroy(&quiet);
	return why;
}

bool
cli_archive(const char *archive, size_t n, char *const *object, cli_text *err)
{
	const char *ar = getenv("AR");
	char **args = cli_alloc(n + 4, sizeof *args);
	pid_t child;
	int why, status = 0;

	ar = ar && *ar ? ar : "ar";
	args[0] = (char *)(uintptr_t)ar;
	args[1] = (char[]){"crs"};
	args[2] = (char *)(uintptr_t)archive;
	memcpy(args + 3, object, n * sizeof *args);
	why = start(args, &child);
	free(args);
	if (why) {
		cli_printf(err, "cannot run '%s', which makes archives: %s", ar, strerror(why));
		return false;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	cli_printf(err, "'%s' could not make the archive", ar);
	return false;
}
