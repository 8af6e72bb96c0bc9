/* check_tier.c - the tiered back end: calls go on while the system's compiler works beside them,
 * and whatever becomes of that compiler. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/symgrad.h"
#include "scratch.h"

static const char model[] = "input x[N]\nparam w = 2.0\ny = sum(sin(w*x)**2)\ngradient y wrt w\n";
enum { N = 5 };
static const double data[N] = {0.1, 0.2, 0.3, 0.4, 0.5};

static sg_model *
compile(sg_backend b)
{
	const sg_options o = {.backend = b};
	sg_model *m = sg_compile_string("test.sg", model, strlen(model), &o);

	ck_assert_ptr_nonnull(m);
	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

static sg_call *
call_of(sg_model *m)
{
	sg_call *c = sg_call_new(m, NULL, SG_BACKEND_TIERED);
	int64_t n = N;

	ck_assert_msg(sg_call_status(c) == SG_OK, "%s", sg_call_message(c));
	ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 1, &n, data), SG_OK);
	return c;
}

static int
is_right(const sg_call *c)
{
	double y = 0, g = 0;

	for (int i = 0; i < N; i++) {
		y += sin(2 * data[i]) * sin(2 * data[i]);
		g += 2 * sin(2 * data[i]) * cos(2 * data[i]) * data[i];
	}
	return fabs(*(double *)sg_call_output(c, "y")->data - y) < 1e-12 &&
	       fabs(*(double *)sg_call_output(c, "grad_w")->data - g) < 1e-12;
}

static void
run_right(sg_call *c)
{
	ck_assert_msg(sg_call_run(c) == SG_OK, "%s", sg_call_message(c));
	ck_assert(is_right(c));
}

static sg_backend
first_tier(void)
{
	return sg_have_jit() ? SG_BACKEND_JIT : SG_BACKEND_INTERP;
}

/* ---- a compiler of the test's own ---- */

static void
forget_compiler(void)
{
	remove_scratch();
	unsetenv("SYMGRAD_CC");
}

static const char *
in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", scratch, name);
	return path;
}

/* The compiler is a shell that runs this script; "$@" are its arguments. */
static void
be_compiler(const char *script)
{
	char command[160];
	FILE *f = fopen(in_folder("cc.sh"), "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "cd '%s'\n%s\n", scratch, script);
	ck_assert_int_eq(fclose(f), 0);
	snprintf(command, sizeof command, "sh %s", in_folder("cc.sh"));
	ck_assert_int_eq(setenv("SYMGRAD_CC", command, 1), 0);
}

static void
nap(void)
{
	const struct timespec t = {.tv_nsec = 2000000};

	nanosleep(&t, NULL);
}

/* The process number that the script wrote, waiting for it. */
static pid_t
process_in(const char *name)
{
	long pid = 0;

	while (pid == 0) {
		FILE *f = fopen(in_folder(name), "r");

		if (f && fscanf(f, "%ld end", &pid) != 1)
			pid = 0;
		if (f)
			fclose(f);
		nap();
	}
	return (pid_t)pid;
}

/* Not there, or dead and not ours to bury. */
static int
is_gone(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	if (kill(pid, 0) != 0)
		return errno == ESRCH;
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*d %*s %c", &state) != 1)
		state = 'Z';
	if (f)
		fclose(f);
	return state == 'Z' || state == 'X';
}

static void
no_child_is_left(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

/* ---- from tier to tier ---- */

START_TEST(a_call_goes_over_to_the_better_code)
	{
		sg_model *m = compile(SG_BACKEND_LATER);
		sg_call *c = call_of(m), *later;
		sg_failure why;

		ck_assert_int_eq(sg_call_backend(c), first_tier());
		ck_assert_msg(sg_model_settle(m, &why) == SG_OK, "%s", why.text);
		run_right(c);
		ck_assert_msg(sg_model_settle(m, &why) == SG_OK, "%s", why.text);
		run_right(c);
		ck_assert_int_eq(sg_call_backend(c), SG_BACKEND_CC);
		later = call_of(m);
		run_right(later);
		ck_assert_int_eq(sg_call_backend(later), SG_BACKEND_CC);
		ck_assert(sg_model_times(m).compile > 0);
		sg_call_free(c);
		sg_call_free(later);
		sg_model_free(m);
		no_child_is_left();
	}
END_TEST

START_TEST(options_start_the_compiler_at_once)
	{
		sg_model *m = compile(SG_BACKEND_TIERED);
		sg_failure why;
		sg_call *c;

		ck_assert_msg(sg_model_settle(m, &why) == SG_OK, "%s", why.text);
		c = call_of(m);
		run_right(c);
		ck_assert_int_eq(sg_call_backend(c), SG_BACKEND_CC);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(code_that_is_there_is_taken_from_the_start)
	{
		sg_model *m = compile(SG_BACKEND_CC);
		sg_call *c = call_of(m);

		ck_assert_int_eq(sg_call_backend(c), SG_BACKEND_CC);
		run_right(c);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(functions_get_better_when_asked_for_again)
	{
		typedef int fn(ptrdiff_t, const double *, const double *, double *, double *,
		               void *);
		sg_model *m = compile(SG_BACKEND_LATER);
		const sg_entry *e = sg_model_find(m, NULL);
		sg_function first = sg_entry_function(m, e, SG_BACKEND_TIERED, NULL), second;
		double w = 2, y[2], g[2];
		int64_t n = N;
		sg_failure why;
		size_t bytes;
		void *space;

		ck_assert(first != NULL);
		ck_assert_msg(sg_model_settle(m, &why) == SG_OK, "%s", why.text);
		second = sg_entry_function(m, e, SG_BACKEND_TIERED, NULL);
		ck_assert(!sg_have_jit() || first != second);
		ck_assert_int_eq(sg_entry_worksize(m, e, &n, &bytes, NULL), SG_OK);
		space = aligned_alloc(64, (bytes + 64) / 64 * 64);
		ck_assert_int_eq(((fn *)first)(N, data, &w, &y[0], &g[0], space), 0);
		ck_assert_int_eq(((fn *)second)(N, data, &w, &y[1], &g[1], space), 0);
		ck_assert(fabs(y[0] - y[1]) < 1e-12 && fabs(g[0] - g[1]) < 1e-12);
		free(space);
		sg_model_free(m);
	}
END_TEST

static void *
call_until_better(void *arg)
{
	sg_call *c = call_of(arg);
	int right = 1;

	while (right && sg_call_backend(c) != SG_BACKEND_CC) {
		right = sg_call_run(c) == SG_OK && is_right(c);
		if (!sg_have_jit())
			nap(); /* the evaluator would take the compiler's share of the processor */
	}
	for (int i = 0; i < 50 && right; i++)
		right = sg_call_run(c) == SG_OK && is_right(c);
	sg_call_free(c);
	return right ? arg : NULL;
}

START_TEST(many_threads_go_on_meanwhile)
	{
		enum { THREADS = 4 };
		sg_model *m = compile(SG_BACKEND_LATER);
		pthread_t t[THREADS];

		for (int i = 0; i < THREADS; i++)
			ck_assert_int_eq(pthread_create(&t[i], NULL, call_until_better, m), 0);
		for (int i = 0; i < THREADS; i++) {
			void *right;

			pthread_join(t[i], &right);
			ck_assert_ptr_eq(right, m);
		}
		sg_model_free(m);
	}
END_TEST

/* ---- when there is nothing better ---- */

static void
stays_with_the_first(const char *said)
{
	sg_model *m = compile(SG_BACKEND_LATER);
	sg_call *c = call_of(m);
	sg_failure why;

	run_right(c);
	ck_assert_int_eq(sg_model_settle(m, &why), SG_EBACKEND);
	ck_assert_msg(strstr(why.text, said) != NULL, "%s", why.text);
	run_right(c);
	ck_assert_int_eq(sg_call_backend(c), first_tier());
	sg_call_free(c);
	sg_model_free(m);
	no_child_is_left();
}

START_TEST(it_works_without_a_compiler)
	{
		setenv("SYMGRAD_CC", "/dev/null/cc", 1);
		stays_with_the_first("'/dev/null/cc' can't be run (set SYMGRAD_CC");
	}
END_TEST

START_TEST(it_works_with_a_compiler_that_fails)
	{
		be_compiler("echo 'no licence' >&2; exit 1");
		stays_with_the_first("no licence");
		be_compiler("exit 0"); /* and writes nothing */
		stays_with_the_first("made no file and said nothing");
		be_compiler("while [ \"$1\" != -o ]; do shift; done; echo garbage >\"$2\"");
		stays_with_the_first("can't be loaded");
	}
END_TEST

START_TEST(it_works_without_a_cache)
	{
		sg_model *m;
		sg_call *c;

		setenv("XDG_CACHE_HOME", "/dev/null", 1);
		m = compile(SG_BACKEND_LATER);
		c = call_of(m);
		run_right(c);
		ck_assert_int_eq(sg_model_settle(m, NULL), SG_OK);
		run_right(c);
		ck_assert_int_eq(sg_call_backend(c), SG_BACKEND_CC);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(a_host_may_handle_children_as_it_likes)
	{
		struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
		sg_model *m = compile(SG_BACKEND_LATER);
		sg_call *c = call_of(m);

		sigaction(SIGCHLD, &ignore, &before);
		run_right(c);
		ck_assert_int_eq(sg_model_settle(m, NULL), SG_OK);
		run_right(c);
		ck_assert_int_eq(sg_call_backend(c), SG_BACKEND_CC);
		sigaction(SIGCHLD, &before, NULL);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

/* ---- the end ---- */

static void
freed_while_it_compiles(const char *script)
{
	sg_model *m;
	sg_call *c;
	pid_t leader, child;

	be_compiler(script);
	m = compile(SG_BACKEND_LATER);
	c = call_of(m);
	run_right(c);
	leader = process_in("leader");
	child = process_in("child");
	run_right(c);
	sg_call_free(c);
	sg_model_free(m);
	ck_assert(kill(leader, 0) != 0 && errno == ESRCH);
	while (!is_gone(child))
		nap();
	no_child_is_left();
}

START_TEST(a_model_that_is_freed_ends_its_compiler)
	{
		freed_while_it_compiles(
		    "sleep 600 & echo $! end >child; echo $$ end >leader; wait");
	}
END_TEST

START_TEST(even_one_that_would_not_go)
	{
		freed_while_it_compiles("trap '' TERM; sleep 600 & echo $! end >child; "
		                        "echo $$ end >leader; while :; do wait; done");
	}
END_TEST

START_TEST(nothing_is_left_in_the_cache_then)
	{
		freed_while_it_compiles(
		    "sleep 600 & echo $! end >child; echo $$ end >leader; wait");
		ck_assert_int_eq(rmdir(in_folder("symgrad")), 0);
	}
END_TEST

START_TEST(a_model_may_be_freed_at_any_moment)
	{
		for (int i = 0; i < 20; i++) {
			const struct timespec t = {.tv_nsec = 500000L * i};
			sg_model *m = compile(SG_BACKEND_TIERED);

			nanosleep(&t, NULL);
			sg_model_free(m);
			no_child_is_left();
		}
	}
END_TEST

START_TEST(a_child_of_the_host_does_not_wait)
	{
		sg_model *m;
		pid_t pid;
		int status;

		be_compiler("sleep 600 & echo $! end >child; echo $$ end >leader; wait");
		m = compile(SG_BACKEND_TIERED);
		(void)process_in("leader");
		pid = fork();
		if (pid == 0) {
			(void)sg_model_settle(m, NULL);
			sg_model_free(m);
			_exit(7);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
		ck_assert_int_eq(kill(process_in("leader"), 0), 0);
		sg_model_free(m);
	}
END_TEST

enum { LINES = 300, FORKS = 20 };

static sg_model *
compile_long(void)
{
	static char text[LINES * 64];
	const sg_options o = {.backend = SG_BACKEND_TIERED};
	char *s = text + sprintf(text, "input x[3] = ones([3])\na0 = x\n");

	for (int i = 0; i < LINES; i++)
		s += sprintf(s, "a%d = sin(a%d)*%d.5 + x\n", i + 1, i, i);
	s += sprintf(s, "gradient sum(a%d) as y wrt x\n", LINES);
	sg_model *m = sg_compile_string("long.sg", text, (size_t)(s - text), &o);
	ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

/* The thread that writes the C is inside of the model meanwhile. */
START_TEST(a_fork_may_come_at_any_moment)
	{
		be_compiler("exit 1");
		for (int i = 0; i < FORKS; i++) {
			const struct timespec t = {.tv_nsec = 200000L * i};
			sg_model *m = compile_long();
			int status;
			pid_t pid;

			nanosleep(&t, NULL);
			pid = fork();
			if (pid == 0) {
				(void)alarm(60);
				sg_call *c = sg_call_new(m, NULL, SG_BACKEND_TIERED);
				const int ok = sg_call_run(c) == SG_OK;

				(void)sg_model_settle(m, NULL);
				sg_call_free(c);
				sg_model_free(m);
				_exit(ok ? 7 : 1);
			}
			ck_assert_int_eq(waitpid(pid, &status, 0), pid);
			ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 7,
			              "fork %d: status %x", i, (unsigned)status);
			sg_model_free(m);
		}
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tier");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, make_scratch, forget_compiler);
	tcase_add_test(c, a_call_goes_over_to_the_better_code);
	tcase_add_test(c, options_start_the_compiler_at_once);
	tcase_add_test(c, code_that_is_there_is_taken_from_the_start);
	tcase_add_test(c, functions_get_better_when_asked_for_again);
	tcase_add_test(c, many_threads_go_on_meanwhile);
	tcase_add_test(c, a_fork_may_come_at_any_moment);
	tcase_add_test(c, it_works_without_a_compiler);
	tcase_add_test(c, it_works_with_a_compiler_that_fails);
	tcase_add_test(c, it_works_without_a_cache);
	tcase_add_test(c, a_host_may_handle_children_as_it_likes);
	tcase_add_test(c, a_model_that_is_freed_ends_its_compiler);
	tcase_add_test(c, even_one_that_would_not_go);
	tcase_add_test(c, nothing_is_left_in_the_cache_then);
	tcase_add_test(c, a_model_may_be_freed_at_any_moment);
	tcase_add_test(c, a_child_of_the_host_does_not_wait);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
