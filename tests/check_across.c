/* check_across.c - softmax and its like along another axis than the last: where they go along
 * memory, and that they compute what the evaluator computes, of numbers and of what is none. Which
 * kernels rows are given to, and that extremes of rows are the evaluator's. */
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

/* ---- kernels of rows ---- */

static const struct {
	const char *text, *has, *lacks;
} kernels[] = {
    /* exponentials are computed once */
    {"input x[N, K], w[N]\ngradient sum(logsumexp(x, axis=1)*w) as y wrt x\n",
     "sgrt_logsumexp_softmax_f64(", "sgrt_softmax_f64("},
    {"input x[K]\ngradient logsumexp(x) as y wrt x\n", "sgrt_logsumexp_softmax_f64(",
     "sgrt_softmax_f64("},
    {"input x[N, K]\nentry f = softmax(x) as p, logsumexp(x, axis=1) as y\n",
     "sgrt_logsumexp_softmax_f64(", "sgrt_softmax_f64("},
    {"input x[N, K], z[N, K]\nentry f = softmax(x) as p, logsumexp(z, axis=1) as y\n",
     "sgrt_softmax_f64(", "sgrt_logsumexp_softmax_f64("},
    /* rows in memory, or cheap to have there */
    {"input x[N, K]\nentry f = max(x, axis=1) as a\n", "sgrt_max_rows_f64(", "lanes"},
    {"input x[N, 20], w[20]\nentry f = argmin(x*w, axis=1) as a\n", "sgrt_argmin_rows_f64(",
     "beyond"},
    {"input x[N, K], w[K]\nentry f = max(x*w, axis=1) as a\n", "lanes", "max_rows"},
    {"input x[N, 8]\nentry f = max(x, axis=1) as a\n", "sgrt_max_f64", "max_rows"},
    {"input x[K]\nentry f = max(x) as a\n", "lanes", "max_rows"},
    {"input x[N, 3], c[M, 3]\nentry f = min(sum((x[:, none] - c)**2, axis=2), axis=1) as a\n",
     "sgrt_min_f64", "min_rows"},
    {"input x[N, K]\nentry f = max(x, axis=0) as a\n", "sgrt_max_f64", "max_rows"},
};

START_TEST(rows_go_to_kernels)
	{
		const char *const line = kernels[_i].text;
		sg_model *m = sg_compile_string("rows.sg", line, strlen(line), NULL);
		sg_failure why;
		const char *c;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		c = sg_write_c(m, "rows.h", 0, NULL, &why);
		ck_assert_msg(c != NULL, "%s", why.text);
		ck_assert_msg(strstr(c, kernels[_i].has) && !strstr(c, kernels[_i].lacks), "%s", c);
		sg_model_free(m);
	}
END_TEST

/* Rows that windows are read along have their pads in memory, as many as there are; others are read
 * through. */
START_TEST(windows_read_padded_rows_in_memory)
	{
		static const char line[] =
		    "input x[N, 8, 8]\nentry f = max_pool1d(x, 3, stride=2, padding=1) as y\n";
		sg_model *m = sg_compile_string("pool.sg", line, strlen(line), NULL);
		sg_failure why;
		const char *c, *pad, *pool;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		c = sg_write_c(m, "pool.h", 0, NULL, &why);
		ck_assert_msg(c != NULL, "%s", why.text);
		pad = strstr(c, "< 9 ?");
		pool = strstr(c, "sgrt_max_f64(");
		ck_assert_msg(pad && pool && pad < pool && !strstr(pool, "< 9 ?"), "%s", c);
		sg_model_free(m);
	}
END_TEST

static const char rows_text[] =
    "input x[N, K], w[N]\n"
    "entry f = max(x, axis=1) as a, min(x, axis=1) as b, argmax(x, axis=1) as c,\n"
    "  argmin(x, axis=1) as d, logsumexp(x, axis=1) as e, softmax(x) as p, log_softmax(x) as q,\n"
    "  grad(sum(logsumexp(x, axis=1)*w), x) as g, grad(sum(max(x, axis=1)*w), x) as h\n";
static const char *const of_rows[] = {"a", "b", "c", "d", "e", "p", "q", "g", "h"};
static const int sizes[][2] = {{1, 1},  {1, 17},  {2, 5},  {16, 7},   {37, 15}, {33, 16},
                               {5, 31}, {40, 64}, {3, 65}, {20, 257}, {0, 20}};

enum { MOST_ROWS = 40, MOST_OF_ROWS = 20 * 257 };

static sg_call *
call_of_rows(sg_model *m, sg_backend b, const int *size, const double *x, const double *w)
{
	sg_call *call = sg_call_new(m, NULL, b);

	ck_assert_int_eq(sg_call_bind(call, "x", SG_DTYPE_F64, 2, (int64_t[]){size[0], size[1]}, x),
	                 SG_OK);
	ck_assert_int_eq(sg_call_bind(call, "w", SG_DTYPE_F64, 1, (int64_t[]){size[0]}, w), SG_OK);
	return call;
}

/* Rows of numbers with ties; of the first six, one number is odd. */
static void
fill_rows(const int *size, double *x, double *w)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 1000, -1000};

	for (int i = 0; i < size[0]; i++) {
		w[i] = 1 + i;
		for (int k = 0; k < size[1]; k++)
			x[i * size[1] + k] = floor(4 * sin(i + 7 * k * k));
		if (i < 6)
			x[i * size[1] + (3 * i) % size[1]] = odd[i];
	}
}

static void
check_output(const sg_array *a, const sg_array *b, const char *name)
{
	for (int64_t i = 0; i < a->count; i++) {
		const double x = a->type == SG_DTYPE_I64 ? (double)((const int64_t *)a->data)[i]
		                                         : ((const double *)a->data)[i];
		const double y = b->type == SG_DTYPE_I64 ? (double)((const int64_t *)b->data)[i]
		                                         : ((const double *)b->data)[i];

		ck_assert_msg(is_near(y, x), "%s[%d]: %.17g, %.17g", name, (int)i, y, x);
	}
}

START_TEST(rows_agree_with_the_evaluator)
	{
		static const sg_backend backend[] = {SG_BACKEND_JIT, SG_BACKEND_CC};
		static double x[MOST_OF_ROWS], w[MOST_ROWS];
		sg_model *m = sg_compile_string("rows.sg", rows_text, strlen(rows_text), NULL);
		sg_call *as, *is;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		if (backend[_i] == SG_BACKEND_JIT && !sg_have_jit())
			return;
		for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
			fill_rows(sizes[k], x, w);
			as = call_of_rows(m, SG_BACKEND_INTERP, sizes[k], x, w);
			is = call_of_rows(m, backend[_i], sizes[k], x, w);
			ck_assert_int_eq(sg_call_run(as), SG_OK);
			ck_assert_int_eq(sg_call_run(is), SG_OK);
			for (size_t i = 0; i < sizeof of_rows / sizeof *of_rows; i++)
				check_output(sg_call_output(as, of_rows[i]),
				             sg_call_output(is, of_rows[i]), of_rows[i]);
			sg_call_free(as);
			sg_call_free(is);
		}
		as = call_of_rows(m, backend[_i], (int[]){3, 0}, x, w);
		ck_assert_int_ne(sg_call_run(as), SG_OK);
		sg_call_free(as);
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
	tcase_add_loop_test(t, rows_go_to_kernels, 0, sizeof kernels / sizeof *kernels);
	tcase_add_test(t, windows_read_padded_rows_in_memory);
	tcase_add_loop_test(t, rows_agree_with_the_evaluator, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
