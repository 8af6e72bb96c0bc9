/* check_columns.c - tiles whose rows lie side by side: which bands have them, and sums of more terms
 * than a block. That they compute what the evaluator computes, with guards, is in check_loops. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symgrad.h"

#define NEAREST "input x[R, M]\nparam c[K, M]\n" \
		"d = map((p) -> sum((c - p)**2, axis=1), x)\n"

static const struct {
	const char *text;
	bool turned;
} models[] = {
    {NEAREST "entry f = sum(min(d, axis=1)) as y\n", true},
    {NEAREST "gradient sum(min(d, axis=1)) as y wrt c, x\n", true},
    {"input t[R], y[R]\nparam c[K]\n"
     "gradient sum((y - sum(c*t[:, None]**arange(K), axis=1))**2) as l wrt c\n",
     true},
    /* long sums go by lanes of their own */
    {"input x[R, 640]\nparam c[K, 640]\n"
     "d = map((p) -> sum((c - p)**2, axis=1), x)\nentry f = sum(min(d, axis=1)) as y\n",
     false},
    /* what is turned would be read once */
    {"input x[R, M]\nparam c[M]\nentry f = sum(sin(sum(x*c, axis=1))) as y\n", false},
    /* an index may be out of range in a row that there is not */
    {"input x[R, M], i: i64[R]\nparam c[K, M]\n"
     "d = map((p, k) -> sum((c - p)**2, axis=1)*c[k, 0], x, i)\n"
     "entry f = sum(min(d, axis=1)) as y\n",
     false},
};

START_TEST(bands_of_short_sums_are_turned)
	{
		const char *const text = models[_i].text;
		sg_model *m = sg_compile_string("columns.sg", text, strlen(text), NULL);
		sg_failure why;
		const char *c;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		c = sg_write_c(m, "columns.h", 0, NULL, &why);
		ck_assert_msg(c != NULL, "%s", why.text);
		ck_assert_msg((strstr(c, "sgrt_sum_next") != NULL) == models[_i].turned, "%s", c);
		sg_model_free(m);
	}
END_TEST

/* A sum over the rows goes along them. */
START_TEST(sums_over_rows_read_columns)
	{
		static const char text[] = "param q[R, 3]\n"
					   "d = q[:, None] - q[None]\n"
					   "gradient sum(1/(sum(d**2, axis=2) + 0.1)) as y wrt q\n";
		sg_model *m = sg_compile_string("columns.sg", text, strlen(text), NULL);
		sg_failure why;
		const char *c = sg_write_c(m, "columns.h", 0, NULL, &why);

		ck_assert_msg(c != NULL, "%s", why.text);
		ck_assert_ptr_nonnull(strstr(c, "q_columns[k + j * 64 - row]"));
		ck_assert_ptr_null(strstr(c, "q[k * 3 + j]"));
		sg_model_free(m);
	}
END_TEST

static double
value_of(sg_model *m, sg_backend b, const int64_t *shape, const double *x, const double *c)
{
	sg_call *call = sg_call_new(m, NULL, b);
	double y;

	ck_assert_int_eq(sg_call_bind(call, "x", SG_DTYPE_F64, 2, shape, x), SG_OK);
	ck_assert_int_eq(
	    sg_call_bind(call, "c", SG_DTYPE_F64, 2, (int64_t[]){3, shape[1]}, c), SG_OK);
	ck_assert_msg(sg_call_run(call) == SG_OK, "%s", sg_call_message(call));
	y = *(const double *)sg_call_output(call, "y")->data;
	sg_call_free(call);
	return y;
}

/* Blocks of 256 terms, and what is left. */
START_TEST(sums_of_many_blocks_agree_with_the_evaluator)
	{
		static const int64_t terms[] = {0, 1, 255, 256, 257, 512, 800};
		static const char text[] = NEAREST "entry f = sum(min(d, axis=1)) as y\n";
		const int64_t shape[] = {67, terms[_i]};
		double *x = calloc(67 * 800, sizeof *x), *c = calloc(3 * 800, sizeof *c), y[2];
		sg_model *m = sg_compile_string("columns.sg", text, strlen(text), NULL);

		for (int i = 0; i < 67 * 800; i++)
			x[i] = sin(i);
		for (int i = 0; i < 3 * 800; i++)
			c[i] = cos(3 * i);
		y[0] = value_of(m, SG_BACKEND_INTERP, shape, x, c);
		y[1] = value_of(m, SG_BACKEND_CC, shape, x, c);
		ck_assert_msg(fabs(y[0] - y[1]) <= 1e-13 * y[0], "%.17g, %.17g", y[0], y[1]);
		sg_model_free(m);
		free(x);
		free(c);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("columns");
	TCase *t = tcase_create("columns");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, bands_of_short_sums_are_turned, 0,
	                    sizeof models / sizeof *models);
	tcase_add_test(t, sums_over_rows_read_columns);
	tcase_add_loop_test(t, sums_of_many_blocks_agree_with_the_evaluator, 0, 7);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
