/* check_threads.c - the pool of threads, and the JIT's code on it: the same bits for any number of
 * threads, and the values of the evaluator. */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/symgrad.h"
#include "back/back.h"
#include "symgrad_runtime.h"
#include "thread_models.h"

/* ---- the pool ---- */

enum { MOST = 1000 };

typedef struct tally {
	atomic_int seen[MOST];
	ptrdiff_t grain, turns, fails_from; /* chunks from there on fail; -1: none */
	atomic_int crooked;                 /* chunks with other bounds than they should have */
} tally;

static int
count(void *context, ptrdiff_t begin, ptrdiff_t end)
{
	tally *t = context;

	if (begin % t->grain != 0 || (end != t->turns && end != begin + t->grain))
		atomic_fetch_add(&t->crooked, 1);
	for (ptrdiff_t i = begin; i < end; i++)
		atomic_fetch_add(&t->seen[i], 1);
	return t->fails_from >= 0 && begin >= t->fails_from ? -1 - (int)begin : 0;
}

START_TEST(each_turn_is_run_once)
	{
		static const ptrdiff_t turns[] = {0, 1, 2, 7, 64, 999},
				       grains[] = {1, 2, 5, 64, 1000};
		sg_pool *p = sg_pool_new();

		ck_assert(sg_pool_set(p, _i));
		for (size_t a = 0; a < sizeof turns / sizeof *turns; a++)
			for (size_t b = 0; b < sizeof grains / sizeof *grains; b++) {
				tally t = {.grain = grains[b], .turns = turns[a], .fails_from = -1};

				ck_assert_int_eq(sg_pool_run(p, count, &t, turns[a], grains[b]), 0);
				for (ptrdiff_t i = 0; i < MOST; i++)
					ck_assert_int_eq(t.seen[i], i < turns[a]);
				ck_assert_int_eq(t.crooked, 0);
			}
		sg_pool_free(p);
	}
END_TEST

START_TEST(many_loops_follow_one_another)
	{
		sg_pool *p = sg_pool_new();

		ck_assert(sg_pool_set(p, 4));
		for (int k = 0; k < 3000; k++) {
			tally t = {.grain = 1, .turns = 2 + k % 30, .fails_from = -1};

			ck_assert_int_eq(sg_pool_run(p, count, &t, t.turns, t.grain), 0);
			for (ptrdiff_t i = 0; i < t.turns; i++)
				ck_assert_int_eq(t.seen[i], 1);
		}
		sg_pool_free(p);
	}
END_TEST

START_TEST(the_first_failure_counts)
	{
		sg_pool *p = sg_pool_new();

		ck_assert(sg_pool_set(p, _i));
		for (int k = 0; k < 200; k++) {
			tally t = {.grain = 3, .turns = 100, .fails_from = k % 90 / 3 * 3};

			ck_assert_int_eq(sg_pool_run(p, count, &t, t.turns, t.grain),
			                 -1 - (int)t.fails_from);
		}
		sg_pool_free(p);
	}
END_TEST

START_TEST(the_number_of_threads_has_bounds)
	{
		sg_pool *p = sg_pool_new();

		ck_assert(!sg_pool_set(p, -1) && !sg_pool_set(p, 257) && sg_pool_set(p, 256));
		sg_pool_free(p);
	}
END_TEST

typedef struct caller {
	sg_pool *pool;
	int right;
} caller;

static void *
call_often(void *arg)
{
	caller *c = arg;

	c->right = 1;
	for (int k = 0; k < 500 && c->right; k++) {
		tally t = {.grain = 2, .turns = 50, .fails_from = -1};

		c->right = sg_pool_run(c->pool, count, &t, t.turns, t.grain) == 0;
		for (ptrdiff_t i = 0; i < t.turns; i++)
			c->right = c->right && t.seen[i] == 1;
	}
	return NULL;
}

START_TEST(several_callers_may_use_one_pool)
	{
		enum { CALLERS = 4 };
		sg_pool *p = sg_pool_new();
		pthread_t thread[CALLERS];
		caller c[CALLERS];

		ck_assert(sg_pool_set(p, 3));
		for (int i = 0; i < CALLERS; i++) {
			c[i] = (caller){p, 0};
			ck_assert_int_eq(pthread_create(&thread[i], NULL, call_often, &c[i]), 0);
		}
		for (int i = 0; i < CALLERS; i++) {
			pthread_join(thread[i], NULL);
			ck_assert(c[i].right);
		}
		sg_pool_free(p);
	}
END_TEST

START_TEST(a_forked_child_goes_alone)
	{
		sg_pool *p = sg_pool_new();
		tally t = {.grain = 1, .turns = 100, .fails_from = -1};
		int status;
		pid_t pid;

		ck_assert(sg_pool_set(p, 3));
		ck_assert_int_eq(sg_pool_run(p, count, &t, t.turns, t.grain), 0);
		pid = fork();
		if (pid == 0) {
			status = sg_pool_run(p, count, &t, t.turns, t.grain);
			sg_pool_free(p);
			_exit(status == 0 && t.seen[99] == 2 ? 7 : 1);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
		sg_pool_free(p);
	}
END_TEST

START_TEST(a_forked_child_may_have_threads_of_its_own)
	{
		sg_pool *p = sg_pool_new();
		tally t = {.grain = 1, .turns = 100, .fails_from = -1};
		int status;
		pid_t pid;

		ck_assert(sg_pool_set(p, 3));
		ck_assert_int_eq(sg_pool_run(p, count, &t, t.turns, t.grain), 0);
		ck_assert_int_eq(nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL), 0); /* they sleep */
		pid = fork();
		if (pid == 0) {
			status = !sg_pool_set(p, 4);
			for (int k = 0; k < 50; k++)
				status |= sg_pool_run(p, count, &t, t.turns, t.grain);
			sg_pool_free(p);
			_exit(status == 0 && t.seen[99] == 51 ? 7 : 1);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
		sg_pool_free(p);
	}
END_TEST

/* ---- the JIT's code ---- */

/* A call with the data of the judge. */
static sg_call *
call_like(sg_model *m, const sg_call *judge)
{
	const sg_entry *e = sg_call_entry(judge);
	sg_call *c = sg_call_new(m, e->name, SG_BACKEND_JIT);

	ck_assert_msg(sg_call_status(c) == SG_OK, "%s", sg_call_message(c));
	for (size_t i = 0; i < e->ndims; i++)
		ck_assert_int_eq(sg_call_set_dim(c, e->dims[i], sg_call_dims(judge)[i]), SG_OK);
	for (size_t i = 0; i < e->ninputs; i++) {
		const sg_array *a = sg_call_array(judge, i);

		ck_assert_int_eq(sg_call_bind(c, a->name, a->type, a->rank, a->shape, a->data),
		                 SG_OK);
	}
	return c;
}

static void
compare(const sg_array *is, const sg_array *judge)
{
	double scale = 1e-300, error = 0;

	for (int64_t i = 0; i < is->count; i++) {
		double x = element(judge->data, judge->type, i);

		scale = fmax(scale, fabs(x));
		error = fmax(error, fabs(x - element(is->data, is->type, i)));
	}
	ck_assert_msg(error <= (is->type == SG_DTYPE_F32 ? 1e-4 : 1e-10) * scale, "%s: %g",
	              is->name, error);
}

static void
run_entry(sg_model *m, const char *entry, const char *dims)
{
	static const int threads[] = {1, 2, 3, 8};
	sg_call *judge = judge_of(m, entry, dims), *first = call_like(m, judge);
	const sg_entry *e = sg_call_entry(judge);

	for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
		sg_call *c = k ? call_like(m, judge) : first;

		ck_assert_int_eq(sg_set_threads(m, threads[k]), SG_OK);
		ck_assert_msg(sg_call_run(c) == SG_OK, "%s", sg_call_message(c));
		for (size_t i = e->ninputs; i < e->ninputs + e->noutputs; i++) {
			const sg_array *a = sg_call_array(first, i), *b = sg_call_array(c, i);

			if (k == 0)
				compare(a, sg_call_array(judge, i));
			ck_assert_msg(!a->count ||
			                  memcmp(a->data, b->data,
			                         (size_t)a->count * sg_dtype_size(a->type)) == 0,
			              "%s, %d threads", a->name, threads[k]);
		}
		if (k)
			sg_call_free(c);
	}
	sg_call_free(first);
	sg_call_free(judge);
}

START_TEST(results_do_not_depend_on_the_number_of_threads)
	{
		const char *text = models[_i].text;
		sg_model *m = sg_compile_string("test.sg", text, strlen(text), NULL);

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		for (size_t i = 0; sg_have_jit() && i < sg_model_nentries(m); i++)
			run_entry(m, sg_model_entry(m, i)->name, models[_i].dims);
		sg_model_free(m);
	}
END_TEST

START_TEST(small_work_is_right_too)
	{
		static const char *const dims[] = {"N=2 M=1 K=1 B=1", "N=2 M=3 K=4 B=5",
		                                   "N=17 M=600 K=3 B=2"};
		const char *text = models[_i].text;
		sg_model *m = sg_compile_string("test.sg", text, strlen(text), NULL);

		for (size_t k = 0; sg_have_jit() && k < sizeof dims / sizeof *dims; k++)
			for (size_t i = 0; i < sg_model_nentries(m); i++)
				run_entry(m, sg_model_entry(m, i)->name, dims[k]);
		sg_model_free(m);
	}
END_TEST

START_TEST(failures_come_out_of_the_threads)
	{
		static const char text[] = "input x[N], i: i64[M]\noutput x[i]*2 as y\n"
					   "entry whole = sum(x[i]**2) as s\n"
					   "entry whole_numbers = sum(i // i) as s\n";
		static const int codes[] = {SGRT_EINDEX, SGRT_EINDEX, SGRT_EDIVIDE};
		int64_t many = 300000, two = 2, *index = calloc(300000, sizeof *index);
		sg_model *m = sg_compile_string("test.sg", text, strlen(text), NULL);
		double x[2] = {1, 2};

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		ck_assert_int_eq(sg_set_threads(m, 3), SG_OK);
		for (int k = 0; k < 300000; k++)
			index[k] = 1;
		for (size_t i = 0; sg_have_jit() && i < 3; i++) {
			sg_call *c = sg_call_new(m, sg_model_entry(m, i)->name, SG_BACKEND_JIT);

			index[250000] = i == 2 ? 0 : 2;
			ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 1, &two, x), SG_OK);
			ck_assert_int_eq(sg_call_bind(c, "i", SG_DTYPE_I64, 1, &many, index),
			                 SG_OK);
			ck_assert_int_eq(sg_call_run(c), codes[i]);
			index[250000] = 1;
			ck_assert_msg(sg_call_run(c) == SG_OK, "%s", sg_call_message(c));
			sg_call_free(c);
		}
		free(index);
		sg_model_free(m);
	}
END_TEST

START_TEST(the_number_is_checked)
	{
		sg_model *m =
		    sg_compile_string("test.sg", models[0].text, strlen(models[0].text), NULL);

		ck_assert_int_eq(sg_set_threads(m, 5), SG_OK);
		ck_assert_int_eq(sg_set_threads(m, 0), SG_OK);
		ck_assert_int_eq(sg_set_threads(m, -1), SG_EVALUE);
		ck_assert_int_eq(sg_set_threads(m, 1000), SG_EVALUE);
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("threads");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, each_turn_is_run_once, 0, 6);
	tcase_add_test(c, many_loops_follow_one_another);
	tcase_add_loop_test(c, the_first_failure_counts, 1, 5);
	tcase_add_test(c, the_number_of_threads_has_bounds);
	tcase_add_test(c, several_callers_may_use_one_pool);
	tcase_add_test(c, a_forked_child_goes_alone);
	tcase_add_test(c, a_forked_child_may_have_threads_of_its_own);
	tcase_add_loop_test(c, results_do_not_depend_on_the_number_of_threads, 0, MODELS);
	tcase_add_loop_test(c, small_work_is_right_too, 0, MODELS);
	tcase_add_test(c, failures_come_out_of_the_threads);
	tcase_add_test(c, the_number_is_checked);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
