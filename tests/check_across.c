/* check_across.c - softmax and its like along another axis than the last: where they go along
 * memory, and that they compute what the evaluator computes, of numbers and of what is none. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symgrad.h"

static const struct {
	const char *text;
	bool across;
} models[] = {
    {"input x[4, N]\nentry f = softmax(x, axis=0) as y\n", true},
    {"input x[4, N]\nentry f = log_softmax(x, axis=0) as y\n", true},
    {"input x[4, N]\ngradient sum(logsumexp(x, axis=0)) as y wrt x\n", true},
    {"input x[N, 5, 32]\nentry f = softmax(x, axis=1) as y\n", true},
    {"input x[5, 4, 4]\nentry f = logsumexp(x, axis=0) as y\n", true},
    {"input x[3, 4, 5, 6]\nentry f = logsumexp(x, axis=1) as y\n", true},
    {"input x[M, N, N]\ngradient sum(logsumexp(x, axis=1)) as y wrt x\n", true},
    {"input x[K], w[K, K], r[N, K]\n"
     "entry f = scan((a, r) -> logsumexp(a[:, none] + w, axis=0) + r, x, over=r) as y\n",
     true},
    /* rows that lie in memory as they are */
    {"input x[4, N]\nentry f = softmax(x, axis=1) as y\n", false},
    {"input x[4, N]\nentry f = softmax(x.T, axis=1).T as y\n", true},
    /* few elements side by side */
    {"input x[N, 4]\nentry f = softmax(x.T, axis=1) as y\n", false},
    {"input x[40, 3]\nentry f = softmax(x, axis=0) as y\n", false},
    /* there may be none */
    {"input x[N, 40]\nentry f = logsumexp(x, axis=0) as y\n", false},
};

START_TEST(rows_across_memory_are_not_copied)
	{
		const char *const text = models[_i].text;
		sg_model *m = sg_compile_string("across.sg", text, strlen(text), NULL);
		sg_failure why;
		const char *c;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		c = sg_write_c(m, "across.h", 0, NULL, &why);
		ck_assert_msg(c != NULL, "%s", why.text);
		ck_assert_msg((!strstr(c, "softmax_f") && !strstr(c, "sgrt_logsumexp")) ==
		                  models[_i].across,
		              "%s", c);
		sg_model_free(m);
	}
END_TEST

/* ---- agreement ---- */

enum { ROWS = 2, TERMS = 6, COLS = 24, COUNT = ROWS * TERMS * COLS };

static const char text[] = "input x[2, 6, 24]\n"
			   "entry f = softmax(x, axis=1) as p, log_softmax(x, axis=1) as q,\n"
			   "  logsumexp(x, axis=1) as s, logsumexp(x, axis=0) as t,\n"
			   "  grad(sum(logsumexp(x, axis=1)**2), x) as d\n";
static const char *const outputs[] = {"p", "q", "s", "t", "d"};

/* Columns of numbers; from the first one on some that hold what is none. */
static void
fill(double *x)
{
	for (int i = 0; i < COUNT; i++)
		x[i] = 40 * sin(i);
	for (int k = 0; k < TERMS; k++) {
		double *row = x + k * COLS;

		row[0] = -INFINITY;
		row[1] = k == 2 ? NAN : row[1];
		row[2] = k == 3 ? INFINITY : row[2];
		row[3] = k == 4 ? -INFINITY : row[3];
		row[4] = k < 2 ? INFINITY : -INFINITY;
		row[5] = k == 1 ? INFINITY : NAN;
		row[6] = 7;
		row[7] = k == 5 ? 1000 : -1000;
		row[8] = k == 0 ? 0 : -30;
	}
}

static bool
is_near(double x, double y)
{
	if (isnan(x) || isinf(x) || isnan(y) || isinf(y))
		return isnan(x) ? isnan(y) : x == y;
	return fabs(x - y) <= 1e-13 * fabs(y) + 1e-15;
}

static sg_call *
called(sg_model *m, sg_backend b, const double *x)
{
	sg_call *call = sg_call_new(m, NULL, b);

	ck_assert_int_eq(
	    sg_call_bind(call, "x", SG_DTYPE_F64, 3, (int64_t[]){ROWS, TERMS, COLS}, x), SG_OK);
	ck_assert_msg(sg_call_run(call) == SG_OK, "%s", sg_call_message(call));
	return call;
}

START_TEST(rows_across_memory_agree_with_the_evaluator)
	{
		static const sg_backend backend[] = {SG_BACKEND_JIT, SG_BACKEND_CC};
		sg_model *m = sg_compile_string("across.sg", text, strlen(text), NULL);
		double x[COUNT];
		sg_call *as, *is;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		if (backend[_i] == SG_BACKEND_JIT && !sg_have_jit())
			return;
		fill(x);
		as = called(m, SG_BACKEND_INTERP, x);
		is = called(m, backend[_i], x);
		for (int k = 0; k < 5; k++) {
			const sg_array *a = sg_call_output(as, outputs[k]);
			const sg_array *b = sg_call_output(is, outputs[k]);
			const int n = k < 2 || k == 4 ? COUNT : COUNT / (k == 2 ? TERMS : ROWS);

			for (int i = 0; i < n; i++)
				ck_assert_msg(is_near(((const double *)b->data)[i],
				                      ((const double *)a->data)[i]),
				              "%s[%d]: %.17g, %.17g", outputs[k], i,
				              ((const double *)b->data)[i],
				              ((const double *)a->data)[i]);
		}
		sg_call_free(as);
		sg_call_free(is);
		sg_model_free(m);
	}
END_TEST

/* One number far above the others: what they add is not lost. */
START_TEST(small_sums_keep_their_digits)
	{
		static const char line[] = "input x[4, 16]\nentry f = logsumexp(x, axis=0) as y\n";
		sg_model *m = sg_compile_string("across.sg", line, strlen(line), NULL);
		double x[64] = {0};
		sg_call *call;

		for (int i = 16; i < 64; i++)
			x[i] = -30;
		call = sg_call_new(m, NULL, SG_BACKEND_CC);
		ck_assert_int_eq(sg_call_bind(call, "x", SG_DTYPE_F64, 2, (int64_t[]){4, 16}, x),
		                 SG_OK);
		ck_assert_int_eq(sg_call_run(call), SG_OK);
		ck_assert(fabs(*(const double *)sg_call_output(call, "y")->data -
		               log1p(3 * exp(-30))) < 3e-15 * exp(-30));
		sg_call_free(call);
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("across");
	TCase *t = tcase_create("across");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, rows_across_memory_are_not_copied, 0,
	                    sizeof models / sizeof *models);
	tcase_add_loop_test(t, rows_across_memory_agree_with_the_evaluator, 0, 2);
	tcase_add_test(t, small_sums_keep_their_digits);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
