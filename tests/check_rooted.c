/* check_rooted.c - roots and divisions that code does without: norms that are compared with numbers
 * lose their root, and no answer changes; a reciprocal serves all of its products. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "symgrad.h"

/* Both orders, with and without equality, of norms of (x, 0): a number, far ones, what is none. */
static const char text64[] =
    "input x\ndef n(s) = norm([s*x, 0.0])\n"
    "output n(1.0) > 1.1 as a, n(1.0) >= 1.1 as b, n(1.0) < 1.1 as c, n(1.0) <= 1.1 as d\n";
static const char text32[] =
    "real f32\ninput x\ndef n(s) = norm([s*x, 0.0])\n"
    "output n(1.0) > 1.1 as a, n(1.0) >= 1.1 as b, n(1.0) < 1.1 as c, n(1.0) <= 1.1 as d\n";

static int
answers(sg_model *m, sg_backend b, bool single, double x)
{
	sg_call *c = sg_call_new(m, NULL, b);
	const float f = (float)x;
	int bits = 0;

	ck_assert_int_eq(sg_call_bind(c, "x", single ? SG_DTYPE_F32 : SG_DTYPE_F64, 0, NULL,
	                              single ? (const void *)&f : &x),
	                 SG_OK);
	ck_assert_int_eq(sg_call_run(c), SG_OK);
	for (int k = 0; k < 4; k++)
		bits |= *(const uint8_t *)sg_call_output(c, (const char[]){"abcd"[k], 0})->data
		        << k;
	sg_call_free(c);
	return bits;
}

static int
expected(double norm, double c)
{
	return (norm > c) | (norm >= c) << 1 | (norm < c) << 2 | (norm <= c) << 3;
}

static void
check(sg_model *m, bool single, double x)
{
	const double n = single ? fabs((double)(float)x) : fabs(x);
	const double root = single ? (double)sqrtf((float)n * (float)n) : sqrt(n * n);
	/* where the square is none, the norm is the number all the same */
	const int e = expected(n > 1e-15 && n < 1e15 ? root : n, single ? (double)1.1f : 1.1);

	ck_assert_msg(answers(m, sg_have_jit() ? SG_BACKEND_JIT : SG_BACKEND_CC, single, x) == e,
	              "%a, f32: %d", x, single);
}

START_TEST(answers_are_those_of_the_root)
	{
		static const double others[] = {0, 1, -2, 1e-200, 1e200, INFINITY, -INFINITY, NAN};
		const bool single = _i;
		const char *text = single ? text32 : text64;
		sg_model *m = sg_compile_string("rooted.sg", text, strlen(text), NULL);
		double x = single ? (double)1.1f : 1.1;
		sg_failure why;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		ck_assert_ptr_null(strstr(sg_write_c(m, "rooted.h", 0, NULL, &why), "sqrt"));
		for (size_t i = 0; i < sizeof others / sizeof *others; i++)
			check(m, single, others[i]);
		for (int i = 0; i < 12; i++)
			x = single ? (double)nextafterf((float)x, 0) : nextafter(x, 0);
		for (int i = 0; i < 24; i++) {
			check(m, single, x);
			x = single ? (double)nextafterf((float)x, 2) : nextafter(x, 2);
		}
		sg_model_free(m);
	}
END_TEST

/* The gradient of |(x, y)|: at 0, where squares vanish or overflow, and where they do not. */
START_TEST(norms_have_gradients_everywhere)
	{
		static const char text[] = "input x, y\noutput grad(norm([x, y]), x) as g, "
					   "jvp(norm([x, y]), x, 1.0) as t\n";
		static const double at[][3] = {
		    {0, 0, 0},           {3, 4, 0.6},       {-3e-200, 4e-200, -0.6},
		    {3e200, 4e200, 0.6}, {0x1p-1000, 0, 1}, {0, 1e-300, 0}};
		sg_model *m = sg_compile_string("rooted.sg", text, strlen(text), NULL);
		sg_call *c = sg_call_new(m, NULL, sg_have_jit() ? SG_BACKEND_JIT : SG_BACKEND_CC);

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
			sg_call_bind(c, "x", SG_DTYPE_F64, 0, NULL, &at[i][0]);
			sg_call_bind(c, "y", SG_DTYPE_F64, 0, NULL, &at[i][1]);
			ck_assert_int_eq(sg_call_run(c), SG_OK);
			for (int k = 0; k < 2; k++) {
				const char name[] = {"gt"[k], 0};

				ck_assert_double_eq_tol(
				    *(const double *)sg_call_output(c, name)->data, at[i][2],
				    2e-16);
			}
		}
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

/* ---- how often a text stands in the C of a model ---- */

static int
count_in_c(const char *text, const char *what)
{
	sg_model *m = sg_compile_string("rooted.sg", text, strlen(text), NULL);
	sg_failure why;
	const char *c;
	int n = 0;

	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	c = sg_write_c(m, "rooted.h", 0, NULL, &why);
	ck_assert_ptr_nonnull(c);
	for (c = strstr(c, "#include"); (c = strstr(c, what)) != NULL; c++)
		n++;
	sg_model_free(m);
	return n;
}

START_TEST(one_division_serves_many_products)
	{
		static const char many[] = "input x, y, z\nr = 1/x\noutput y*r as a, z*r as b\n";
		static const char one[] = "input x, y\nr = 1/x\noutput y*r as a\n";

		ck_assert_int_eq(count_in_c(many, " / x[0]"), 1);
		ck_assert_int_eq(count_in_c(many, "1.0 / x[0]"), 1);
		ck_assert_int_eq(count_in_c(one, "y[0] / x[0]"), 1);
	}
END_TEST

/* The value's, and one for all derivatives of a quotient. */
START_TEST(derivatives_of_a_quotient_take_one_division)
	{
		static const char backward[] =
		    "input x, y\nq = x/y\noutput q as q, grad(q, x) as a, grad(q, y) as b\n";
		static const char forward[] = "input x\nq = sin(x)/cos(x)\n"
					      "output q as q, jvp(q, x, 1.0) as d\n";

		ck_assert_int_eq(count_in_c(backward, " / y[0]"), 2);
		ck_assert_int_eq(count_in_c(forward, " / "), 2);
	}
END_TEST

START_TEST(norms_scale_only_where_they_must)
	{
		static const char norm[] = "input x, y, z\noutput norm([x, y, z]) as n\n";
		static const char slope[] = "input x, y\noutput grad(norm([x, y]), x) as g\n";

		ck_assert_int_eq(count_in_c(norm, "if (!"), 1);
		ck_assert_int_ge(count_in_c(slope, "if (!"), 1);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rooted");
	TCase *t = tcase_create("rooted");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, answers_are_those_of_the_root, 0, 2);
	tcase_add_test(t, one_division_serves_many_products);
	tcase_add_test(t, derivatives_of_a_quotient_take_one_division);
	tcase_add_test(t, norms_have_gradients_everywhere);
	tcase_add_test(t, norms_scale_only_where_they_must);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
