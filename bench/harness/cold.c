/* cold.c - text to first gradient: cold MODEL ENTRY TIMES NAME=DIM... prints the seconds of TIMES
 * processes.
 *
 * Each is a process of its own that loads the library, compiles the model by the JIT, makes its
 * data up and calls the entry once. From fork to the end of the process, in its parent. MODEL "-":
 * a process that loads the library and does nothing, below which no model can get. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "symgrad.h"

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of the children that have ended. */
static double
own(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int
first_gradient(char **argv)
{
	sg_model *m;
	sg_call *c;
	int i, status;

	if (strcmp(argv[2], "-") == 0) {
		return 0;
	}
	m = sg_compile_file(argv[2], NULL);
	if (!m || !sg_model_ok(m)) {
		return 1;
	}
	c = sg_call_new(m, argv[3], SG_BACKEND_JIT);
	for (i = 4; argv[i]; i++) {
		char *value = strchr(argv[i], '=');

		*value = 0;
		sg_call_set_dim(c, argv[i], strtol(value + 1, NULL, 10));
	}
	status = sg_call_make_up(c, 1);
	return status != SG_OK ? 2 : sg_call_run(c) != SG_OK ? 3 : 0;
}

int
main(int argc, char **argv)
{
	char word[] = "child";
	int i, status;

	if (argc > 3 && strcmp(argv[1], "child") == 0) {
		return first_gradient(argv);
	}
	if (argc < 4) {
		return 2;
	}
	for (i = atoi(argv[1]); i > 0; i--) {
		double from = now(), before = own();
		pid_t child = fork();

		if (child == 0) {
			argv[1] = word;
			execv(argv[0], argv);
			_exit(9);
		}
		if (waitpid(child, &status, 0) != child || status != 0) {
			return 3;
		}
		printf("%.9f %.9f\n", now() - from, own() - before);
	}
	return 0;
}
