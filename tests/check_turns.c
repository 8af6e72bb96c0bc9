/* check_turns.c - sums to which only the turns add on which a condition holds, and sums over rows
 * of what has powers by the turn: which nests find these, and that they compute what the evaluator
 * computes. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symgrad.h"

#define NEAREST                                                                                    \
	"input x[R, M]\nparam c[K, M]\n"                                                           \
	"d = map((p) -> sum((c - p)**2, axis=1), x)\n"
#define TABLE "input x[R, M], a[R, K]\n"

#define POWERS                                                                                     \
	"input t[R], a[R]\nparam c[K]\np = t[:, None]**arange(K)\ns = tanh(sum(c*p, axis=1))\n"

static const struct {
	const char *text;
	bool by_turns, by_moments, by_counts;
} models[] = {
    {NEAREST "gradient sum(min(d, axis=1)) as y wrt c\n", true, false, true},
    {NEAREST "gradient sum(max(d, axis=1)) as y wrt c\n", true, false, true},
    {NEAREST "y = sum(min(d, axis=1))\nentry f = grad(y, c) as g, hvp(y, c, c) as h\n", true, false,
     true},
    /* another condition is counted */
    {NEAREST "n = sum(cast(d < 2.0, f64), axis=1)\n"
             "entry f = sum(where(d[:, :, None] < 1.0, x[:, None, :]*c/n[:, None, None], 0.0), "
             "axis=0) as y\n",
     true, false, false},
    {NEAREST "n = sum(cast(d < 1.0, f64), axis=1)\n"
             "entry f = sum(where(d[:, :, None] < 1.0, x[:, None, :]*c/n[:, None, None], 0.0), "
             "axis=0) as y\n",
     true, false, true},
    {TABLE "entry f = sum(where(a[:, :, None] < 1.0, 2.0*x[:, None, :], 0.0), axis=0) as y\n", true,
     false, false},
    /* the condition differs along what stays */
    {TABLE "entry f = sum(where(x[:, None, :] < a[:, :, None], x[:, None, :], 0.0), axis=0) as y\n",
     false, false, false},
    /* the other side is something, too */
    {TABLE "entry f = sum(where(a[:, :, None] < 1.0, x[:, None, :], 1.0), axis=0) as y\n", false,
     false, false},
    /* sums that do not agree on what they choose */
    {TABLE "entry f = sum(where(a[:, :, None] < 1.0, x[:, None, :], 0.0), axis=0) as y,\n"
           "  sum(where(a[:, :, None] < 2.0, x[:, None, :], 0.0), axis=0) as z\n",
     false, false, false},
    /* what is not chosen may fail */
    {TABLE "input i: i64[R, M], k: i64[K]\n"
           "entry f = sum(where(a[:, :, None] < 1.0, cast(i[:, None, :] // k[:, None], f64), "
           "0.0), axis=0) as y\n",
     false, false, false},
    {POWERS "gradient sum(s) as y wrt c\n", false, true, false},
    {POWERS "entry f = sum(a[:, None]*p, axis=0) as g, sum(s[:, None]*p, axis=0) as h\n", false,
     true, false},
    /* there is room for two */
    {POWERS "entry f = sum(a[:, None]*p, axis=0) as g, sum(s[:, None]*p, axis=0) as h, sum(p, "
            "axis=0) as k\n",
     false, false, false},
    /* something else is read of the powers, or is in the nest */
    {POWERS "entry f = sum(s[:, None]*p, axis=0) as g, sum(tanh(p), axis=0) as h\n", false, false,
     false},
    {POWERS "entry f = sum(s[:, None]*p, axis=0) as g, sum(tanh(s[:, None]*c), axis=0) as h\n",
     false, false, false},
    /* what they are multiplied by differs from turn to turn */
    {POWERS "entry f = sum(tanh(s[:, None]*c)*p, axis=0) as g\n", false, false, false},
};

START_TEST(turns_are_found_where_only_some_add)
	{
		const char *const text = models[_i].text;
		sg_model *m = sg_compile_string("turns.sg", text, strlen(text), NULL);
		sg_failure why;
		const char *c;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		c = sg_write_c(m, "turns.h", 0, NULL, &why);
		ck_assert_msg(c != NULL, "%s", why.text);
		ck_assert_msg((strstr(c, "sgrt_moments") != NULL) == models[_i].by_moments,
		              "%.2000s", c);
		ck_assert_msg((strstr(c, "sgrt_chosen") || strstr(c, "sgrt_lowest_bit")) ==
		                  models[_i].by_turns,
		              "%.2000s", c);
		ck_assert_msg((strstr(c, "sgrt_count_bits") != NULL) == models[_i].by_counts,
		              "%.2000s", c);
		sg_model_free(m);
	}
END_TEST

/* ---- agreement ---- */

enum { CENTRES = 70, MOST_ROWS = 200, MOST = 130 };

static const char text[] = NEAREST
    "input a[R]\ny = sum(min(d, axis=1))\n"
    "far = d[:, :, None] > 0.5*M\n"
    "entry f = y, grad(y, c) as g, hvp(y, c, c) as h, grad(sum(max(d, axis=1)), c) as k,\n"
    "  sum(where(far, x[:, None, :]*c, 0.0), axis=0) as s,\n"
    "  sum(where(d[:, :, None] + a[:, None, None] > 0.5*M, x[:, None, :], 0.0), axis=0) as o\n";

/* Rows 0 to 2 are as far from centre 0 as from centre 1; centre 2 is at infinity; there are NaNs.
 */
static void
fill(int64_t rows, int64_t length, double *x, double *c)
{
	for (int64_t i = 0; i < rows * length; i++)
		x[i] = sin((double)i);
	for (int64_t i = 0; i < CENTRES * length; i++)
		c[i] = cos(3 * (double)i);
	for (int64_t j = 0; j < length; j++) {
		c[j] = c[length + j] = 0.1;
		c[2 * length + j] = INFINITY;
		for (int64_t i = 0; i < 3 && i < rows; i++)
			x[i * length + j] = 0.2;
		if (rows > 100)
			x[100 * length] = NAN;
	}
}

/* Without libtcc what comes next: AUTO. */
static sg_backend
jit(void)
{
	return sg_have_jit() ? SG_BACKEND_JIT : SG_BACKEND_AUTO;
}

static sg_call *
called(sg_model *m, sg_backend b, const int64_t *shape, const double *x, const double *c)
{
	sg_call *call = sg_call_new(m, "f", b);
	double a[MOST_ROWS];

	for (int i = 0; i < MOST_ROWS; i++)
		a[i] = sin(7.0 * i);
	ck_assert_int_eq(sg_call_bind(call, "x", SG_DTYPE_F64, 2, shape, x), SG_OK);
	ck_assert_int_eq(sg_call_bind(call, "a", SG_DTYPE_F64, 1, shape, a), SG_OK);
	ck_assert_int_eq(
	    sg_call_bind(call, "c", SG_DTYPE_F64, 2, (int64_t[]){CENTRES, shape[1]}, c), SG_OK);
	ck_assert_msg(sg_call_run(call) == SG_OK, "%s", sg_call_message(call));
	return call;
}

static void
agree(const int64_t *shape, sg_call *p, sg_call *q, const char *name, int64_t count)
{
	const double *a = sg_call_output(p, name)->data, *b = sg_call_output(q, name)->data;

	for (int64_t i = 0; i < count; i++)
		ck_assert_msg((isnan(a[i]) && isnan(b[i])) || (isinf(a[i]) && isinf(b[i])) ||
		                  fabs(a[i] - b[i]) <= 1e-11 * (1 + fabs(a[i])),
		              "%s[%d] for %d rows of %d: %.17g, %.17g", name, (int)i, (int)shape[0],
		              (int)shape[1], a[i], b[i]);
}

START_TEST(chosen_turns_add_what_the_evaluator_adds)
	{
		static const int64_t row[] = {0, 1, 63, 64, 65, MOST_ROWS};
		static const int64_t length[] = {0, 1, 3, 16, MOST};
		double *x = calloc(MOST_ROWS * MOST, sizeof *x),
		       *c = calloc(CENTRES * MOST, sizeof *c);
		sg_model *m = sg_compile_string("turns.sg", text, strlen(text), NULL);

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		for (int i = 0; i < 30; i++) {
			const int64_t shape[] = {row[i / 5], length[i % 5]};
			const int64_t count = CENTRES * shape[1];

			fill(shape[0], shape[1], x, c);
			sg_call *p = called(m, SG_BACKEND_INTERP, shape, x, c);
			sg_call *q = called(m, _i ? SG_BACKEND_CC : jit(), shape, x, c);
			agree(shape, p, q, "y", 1);
			agree(shape, p, q, "g", count);
			agree(shape, p, q, "h", count);
			agree(shape, p, q, "k", count);
			agree(shape, p, q, "s", count);
			agree(shape, p, q, "o", count);
			sg_call_free(p);
			sg_call_free(q);
		}
		sg_model_free(m);
		free(x);
		free(c);
	}
END_TEST

/* A centre at infinity is no one's nearest: its gradient is 0, not NaN. */
START_TEST(what_is_not_chosen_has_no_part_in_a_gradient)
	{
		const double x[] = {1, 2, 3, 4}, c[CENTRES * 2] = {0, 0, INFINITY, 1};
		const int64_t shape[] = {2, 2};
		sg_model *m = sg_compile_string("turns.sg", text, strlen(text), NULL);
		sg_call *call = called(m,
		                       _i == 0   ? SG_BACKEND_INTERP
		                       : _i == 1 ? jit()
		                                 : SG_BACKEND_CC,
		                       shape, x, c);
		const double *g = sg_call_output(call, "g")->data;

		ck_assert(g[2] == 0 && g[3] == 0);
		ck_assert(g[0] < 0 && isfinite(g[0]));
		sg_call_free(call);
		sg_model_free(m);
	}
END_TEST

/* What the powers are multiplied by is in an array of the tile: it is taken from there, and not
 * copied. */
START_TEST(factors_that_stand_are_taken_where_they_are)
	{
		static const char residuals[] =
		    "input t[R]\nparam c[K]\n"
		    "r = tanh(sum(c*t[:, None]**arange(K), axis=1)) - 0.5\ny = sum(r**2)\n"
		    "entry f = y, grad(y, c) as g, sum(cos(r)) as z\n";
		static const int64_t row[] = {0, 1, 63, 64, 65, MOST_ROWS};
		static const int64_t length[] = {0, 1, 7, MOST};
		double t[MOST_ROWS], c[MOST];
		sg_model *m = sg_compile_string("turns.sg", residuals, strlen(residuals), NULL);
		sg_failure why;
		const char *text_of_c = sg_write_c(m, "turns.h", 0, NULL, &why);

		ck_assert_msg(text_of_c && strstr(text_of_c, "sgrt_moments") &&
		                  !strstr(text_of_c, "terms"),
		              "%s", text_of_c ? text_of_c : why.text);
		for (int i = 0; i < MOST_ROWS; i++)
			t[i] = i == 3 ? 0 : sin(5.0 * i);
		for (int i = 0; i < MOST; i++)
			c[i] = cos(2.0 * i);
		for (int i = 0; i < 24; i++) {
			const int64_t shape[] = {row[i / 4], length[i % 4]};
			sg_call *call[2];

			for (int k = 0; k < 2; k++) {
				call[k] = sg_call_new(m, "f",
				                      k == 0 ? SG_BACKEND_INTERP
				                      : _i   ? SG_BACKEND_CC
				                             : jit());
				ck_assert_int_eq(
				    sg_call_bind(call[k], "t", SG_DTYPE_F64, 1, shape, t), SG_OK);
				ck_assert_int_eq(
				    sg_call_bind(call[k], "c", SG_DTYPE_F64, 1, shape + 1, c),
				    SG_OK);
				ck_assert_msg(sg_call_run(call[k]) == SG_OK, "%s",
				              sg_call_message(call[k]));
			}
			agree(shape, call[0], call[1], "y", 1);
			agree(shape, call[0], call[1], "g", shape[1]);
			agree(shape, call[0], call[1], "z", 1);
			sg_call_free(call[0]);
			sg_call_free(call[1]);
		}
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("turns");
	TCase *t = tcase_create("turns");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, turns_are_found_where_only_some_add, 0,
	                    sizeof models / sizeof *models);
	tcase_add_loop_test(t, chosen_turns_add_what_the_evaluator_adds, 0, 2);
	tcase_add_loop_test(t, what_is_not_chosen_has_no_part_in_a_gradient, 0, 3);
	tcase_add_loop_test(t, factors_that_stand_are_taken_where_they_are, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
