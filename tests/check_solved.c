/* check_solved.c - what is solved by factors of matrices of a few rows: that it is written out,
 * that it computes what the evaluator computes, and that a singular matrix stays an error. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symgrad.h"
#include "symgrad_runtime.h"

enum { BATCH = 37, MOST = 5, COLUMNS = 40 };

static const sg_backend backend[] = {SG_BACKEND_JIT, SG_BACKEND_CC};

static sg_model *
compiled(const char *text)
{
	sg_model *m = sg_compile_string("solved.sg", text, strlen(text), NULL);

	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

/* ---- what is written ---- */

static const struct {
	const char *text;
	bool out;
} written[] = {
    {"input a[T, 2, 2]\nentry f = inv(a) as y\n", true},
    {"input a[4, 4], b[4]\nentry f = solve(a, b) as y\n", true},
    {"input a[3, 3], b[3, K]\nentry f = solve(a, b) as y\n", true},
    {"input a[T, 3, 3]\nentry f = det(a) as d, logdet(a) as l\n", true},
    {"input a[T, 3, 3], b[T, 3]\nentry f = map((a, b) -> solve(a, b), a, b) as y\n", true},
    {"input a[5, 5], b[5]\nentry f = solve(a, b) as y\n", false},
    {"input a[N, N], b[N]\nentry f = solve(a, b) as y\n", false},
    {"input a[T, 5, 5]\nentry f = det(a) as d\n", false},
    {"input a[T, 3, 3], b[T, 3]\n"
     "entry f = map((a, b) -> solve_triangular(cholesky(a), b), a, b) as y\n",
     true},
    {"input a[4, 4], b[4, K]\nentry f = solve_triangular(a, b, lower=false) as y\n", true},
    {"input a[5, 5]\nentry f = cholesky(a) as y\n", false},
};

START_TEST(a_few_rows_are_written_out)
	{
		sg_model *m = compiled(written[_i].text);
		sg_failure why;
		const char *c = sg_write_c(m, "solved.h", 0, NULL, &why);

		ck_assert_msg(c != NULL, "%s", why.text);
		static const char *const call[] = {"lu_solve_f", "det_f", "sgrt_lu_f",
		                                   "solve_triangular_f", "cholesky_f"};
		bool out = true;

		for (size_t i = 0; i < sizeof call / sizeof *call; i++)
			out = out && !strstr(c, call[i]);
		ck_assert_msg(out == written[_i].out, "%s", c);
		sg_model_free(m);
	}
END_TEST

/* ---- agreement ---- */

/* Matrices of which some change rows, and right sides. */
static void
fill(int64_t n, int64_t k, double *a, double *b)
{
	for (int64_t t = 0; t < BATCH; t++)
		for (int64_t i = 0; i < n; i++) {
			for (int64_t j = 0; j < n; j++)
				a[(t * n + i) * n + j] =
				    sin((double)(1 + 5 * t + 3 * i * i + 7 * j * t + 2 * j)) +
				    3 * ((i + t) % n == j) - (i == j && t % 2);
			for (int64_t j = 0; j < k; j++)
				b[(t * n + i) * k + j] = cos((double)(t + 2 * i + 3 * j));
		}
}

static sg_call *
called(sg_model *m, sg_backend back, int64_t n, int64_t k, const double *a, const double *b)
{
	sg_call *call = sg_call_new(m, NULL, back);

	ck_assert_int_eq(sg_call_bind(call, "a", SG_DTYPE_F64, 3, (int64_t[]){BATCH, n, n}, a),
	                 SG_OK);
	ck_assert_int_eq(sg_call_bind(call, "b", SG_DTYPE_F64, 3, (int64_t[]){BATCH, n, k}, b),
	                 SG_OK);
	ck_assert_msg(sg_call_run(call) == SG_OK, "%s", sg_call_message(call));
	return call;
}

static int64_t
size_of(const sg_array *a)
{
	int64_t n = 1;

	for (int k = 0; k < a->rank; k++)
		n *= a->shape[k];
	return n;
}

static void
agree(sg_call *as, sg_call *is, const char *name)
{
	const sg_array *a = sg_call_output(as, name), *b = sg_call_output(is, name);
	double most = 0;

	ck_assert_int_gt(size_of(a), 0);
	for (int64_t i = 0; i < size_of(a); i++)
		most = fmax(most, fabs(((const double *)a->data)[i]));
	for (int64_t i = 0; i < size_of(a); i++) {
		const double x = ((const double *)a->data)[i], y = ((const double *)b->data)[i];

		ck_assert_msg(isnan(x) ? isnan(y) : fabs(x - y) <= 1e-12 * most,
		              "%s[%d]: %.17g, %.17g", name, (int)i, x, y);
	}
}

/* All outputs of a model of matrices of n rows and k columns of right sides. */
static void
both_agree(const char *text, int64_t n, int64_t k, size_t nout, const char *const *out)
{
	double a[BATCH * MOST * MOST], b[BATCH * MOST * COLUMNS];
	sg_model *m = compiled(text);

	fill(n, k, a, b);
	for (int i = 0; i < 2; i++) {
		if (backend[i] == SG_BACKEND_JIT && !sg_have_jit())
			continue;
		sg_call *as = called(m, SG_BACKEND_INTERP, n, k, a, b);
		sg_call *is = called(m, backend[i], n, k, a, b);

		for (size_t o = 0; o < nout; o++)
			agree(as, is, out[o]);
		sg_call_free(as);
		sg_call_free(is);
	}
	sg_model_free(m);
}

static const int64_t columns[] = {1, 2, 4, 5, COLUMNS};

START_TEST(solutions_agree_with_the_evaluator)
	{
		static const char *const out[] = {"x", "xt", "i", "d", "l", "da", "db", "dd", "dl"};
		const int64_t n = 1 + _i / 5, k = columns[_i % 5];
		char text[600];

		snprintf(text, sizeof text,
		         "input a[T, %d, %d], b[T, %d, %d]\n"
		         "x = solve(a, b)\n"
		         "xt = solve(a.T, b)\n"
		         "d = det(a)\n"
		         "l = logdet(a)\n"
		         "entry f = x, xt, inv(a) as i, d, l, grad(sum(x**2), a) as da,\n"
		         "  grad(sum(xt**3), b) as db, grad(sum(d), a) as dd,\n"
		         "  grad(sum(logdet(a @ a)), a) as dl\n",
		         (int)n, (int)n, (int)n, (int)k);
		both_agree(text, n, k, 9, out);
	}
END_TEST

START_TEST(triangles_agree_with_the_evaluator)
	{
		static const char *const out[] = {"l", "x", "u", "t", "da", "db", "dt", "h", "j"};
		const int64_t n = 1 + _i / 5, k = columns[_i % 5];
		char text[900];

		snprintf(text, sizeof text,
		         "input a[T, %d, %d], b[T, %d, %d]\n"
		         "def both(a, b) {\n"
		         "  l = cholesky(a @ a.T + 3*eye(%d))\n"
		         "  x = solve_triangular(l, b)\n"
		         "  return l, x, solve_triangular(l, x, trans=true),\n"
		         "    solve_triangular(a + 9*eye(%d), b, lower=false)\n"
		         "}\n"
		         "l, x, u, t = map(both, a, b)\n"
		         "y = sum(sin(l)) + sum(x**2) + sum(u**3)\n"
		         "entry f = l, x, u, t, grad(y, a) as da, grad(y, b) as db,\n"
		         "  grad(sum(t**2), a) as dt, hvp(y, a, sin(a)) as h,\n"
		         "  jvp(l, a, cos(a)) as j\n",
		         (int)n, (int)n, (int)n, (int)k, (int)n, (int)n);
		both_agree(text, n, k, 9, out);
	}
END_TEST

/* ---- products of many ---- */

/* With the many in any place of the result; of vectors too, and without a sum. */
START_TEST(products_of_many_agree_with_the_evaluator)
	{
		static const char *const out[] = {"p", "q", "r",  "e",  "t",
		                                  "d", "o", "da", "db", "j"};
		const int64_t n = 1 + _i / 5, k = columns[_i % 5];
		char text[900];

		snprintf(
		    text, sizeof text,
		    "input a[T, %d, %d], b[T, %d, %d]\n"
		    "entry f = a @ b as p, a @ a as q, a.T @ b as r,\n"
		    "  einsum(\"tij,tik->jtk\", a, b) as e, einsum(\"tij,tjk->kit\", a, b) as t,\n"
		    "  einsum(\"tij,tij->t\", a, a) as d,\n"
		    "  einsum(\"ti,tj->tji\", a[:, 0], b[:, :, 0]) as o,\n"
		    "  grad(sum((a @ b)**3), a) as da, grad(sum(sin(a @ b)), b) as db,\n"
		    "  jvp(a @ a @ b, a, a) as j\n",
		    (int)n, (int)n, (int)n, (int)k);
		both_agree(text, n, k, 10, out);
	}
END_TEST

START_TEST(products_of_many_are_one_loop)
	{
		static const char *const text[] = {
		    "input a[T, 3, 3], b[T, 3]\nentry f = map((a, b) -> a @ b, a, b) as "
		    "y\n",
		    "input a[T, 3, 3], b[T, 3, 2]\nentry f = map((a, b) -> a @ b, a, b) as y\n",
		};
		sg_model *m = compiled(text[_i]);
		sg_failure why;
		const char *c = sg_write_c(m, "solved.h", 0, NULL, &why);

		ck_assert_ptr_nonnull(c);
		ck_assert_ptr_null(strstr(c, "matmul"));
		ck_assert_msg(!strstr(c, "< 3;"), "%s", c);
		sg_model_free(m);
	}
END_TEST

/* Under map the derivatives go by elements, with the matrix among what is differentiated or not. */
START_TEST(derivatives_by_elements_agree_with_the_evaluator)
	{
		static const char *const out[] = {"J", "v", "g", "H", "G", "K", "C"};
		const int64_t n = 2 + _i;
		char text[700];

		snprintf(text, sizeof text,
		         "input a[T, %d, %d], b[T, %d, 1]\n"
		         "def f(a, b) {\n"
		         "  x = b[:, 0]\n"
		         "  e = sum(sin(inv(a) @ x))*log(sum(x**2) + 2)\n"
		         "  v = det(a*x[0]) + logdet(a @ a.T + x[0]*eye(%d)*x[0])\n"
		         "  return jacobian(solve(a, x**2), x), e, grad(e, x), hessian(e, x),\n"
		         "    grad(v, x), grad(v, a),\n"
		         "    jacobian(solve_triangular(cholesky(a @ a.T + x[0]**2*eye(%d)), x), x)\n"
		         "}\n"
		         "J, v, g, H, G, K, C = map(f, a, b)\n"
		         "entry f = J, v, g, H, G, K, C\n",
		         (int)n, (int)n, (int)n, (int)n, (int)n);
		both_agree(text, n, 1, 7, out);
	}
END_TEST

/* By what the matrix is made of, too, which no x of the Jacobian reaches. */
static const char *const derived_again[] = {
    "J = map((b, a) -> jacobian(b @ inv(a + 4*eye(2)), b), b, a)\n",
    "J = map((b, a) -> jacobian(solve(a + 4*eye(2), b), b), b, a)\n",
    "J = map((b, a) -> jacobian(solve((a + 4*eye(2)).T, sin(b)), b), b, a)\n",
    "def e(b, a) = sum((b @ inv(a + 4*eye(2)))**3)\nJ = map((b, a) -> hessian(e(b, a), b), b, a)\n",
    "J = hessian(sum(sin(b[0, 0])*solve(a[0] + 4*eye(2), b[0])**2), b)\n",
};

START_TEST(derivatives_by_elements_have_derivatives)
	{
		char text[400];

		snprintf(text, sizeof text,
		         "input a[3, 2, 2], b[3, 2, 2]\n%sl = sum(sin(J))\n"
		         "entry f = grad(l, a) as ga, grad(l, b) as gb, jvp(l, a, b) as ja\n",
		         derived_again[_i]);
		sg_model *m = compiled(text);
		sg_call *call = sg_call_new(m, NULL, SG_BACKEND_INTERP);
		sg_report report;
		sg_failure why;

		ck_assert_msg(sg_check(call, 1, &report, &why) == SG_OK, "%s", why.text);
		for (size_t k = 0; k < report.nrows; k++)
			ck_assert_msg(report.rows[k].ok, "%s: %s by %s: %g, expected %g", text,
			              report.rows[k].output, report.rows[k].against,
			              report.rows[k].is, report.rows[k].expected);
		sg_report_free(&report);
		sg_call_free(call);
		sg_model_free(m);
	}
END_TEST

/* What is written as .sg text has no factors, which the language does not know. */
START_TEST(derivatives_by_elements_are_text)
	{
		sg_model *m = compiled("input a[T, 2, 2], b[T, 2, 2]\n"
		                       "def e(b, a) = sum((b @ inv(a))**3)\n"
		                       "entry f = map((b, a) -> hessian(e(b, a), b), b, a) as H\n");
		sg_failure why;
		const char *again = sg_write_sg(m, &why);

		ck_assert_msg(again != NULL, "%s", why.text);
		sg_model_free(compiled(again));
		sg_model_free(m);
	}
END_TEST

/* ---- failures ---- */

START_TEST(singular_matrices_of_a_few_rows_are_an_error)
	{
		static const char *const text[] = {
		    "input a[2, 2]\nentry f = det(a) as y\n",
		    "input a[2, 2]\nentry f = inv(a) as y\n",
		    "input a[2, 2], x[2] = [1, 2]\nentry f = jacobian(solve(a, x), x) as y\n",
		    "input a[2, 2], x[2] = [1, 2]\nentry f = hessian(det(a*x), x) as y\n",
		};
		static const double a[] = {1, 2, 2, 4};
		sg_model *m = compiled(text[_i]);

		for (int k = 0; k < 2; k++) {
			sg_call *call;

			if (backend[k] == SG_BACKEND_JIT && !sg_have_jit())
				continue;
			call = sg_call_new(m, NULL, backend[k]);
			ck_assert_int_eq(
			    sg_call_bind(call, "a", SG_DTYPE_F64, 2, (int64_t[]){2, 2}, a), SG_OK);
			ck_assert_int_ne(sg_call_run(call), SG_OK);
			ck_assert_msg(strstr(sg_call_message(call), "singular"), "%s",
			              sg_call_message(call));
			sg_call_free(call);
		}
		sg_model_free(m);
	}
END_TEST

/* One of many, whatever is read of what is solved by it, is an error, unless it stands in a branch
 * that is not taken. */
static const struct {
	const char *text;
	bool fails;
} of_many[] = {
    {"entry f = map(inv, a) as y\n", true},
    {"entry f = inv(a)[0] as y\n", true},
    {"entry f = map((a) -> solve(a, [1, 2])[1], a) as y\n", true},
    {"entry f = sum(det(a)) as y\n", true},
    {"entry f = map((a, c) -> if c then inv(a)[0, 1] else 2.0, a, c) as y\n", false},
    {"entry f = map((a, c) -> if c then 1.0 else det(a), a, c) as y\n", true},
    {"entry f = scan((s, a) -> s @ inv(a), eye(2), over=a) as y\n", true},
    {"entry f = scan((s, a, c) -> if c then s @ inv(a) else s, eye(2), over=(a, c)) as y\n", false},
    {"entry f = map((a) -> grad(sum(inv(a)**2), a), a) as y\n", true},
    {"entry f = inv(a[0]) @ a[1] as y\n", false},
    {"entry f = map((a) -> solve_triangular(a*a + eye(2), [1, 2]), a) as y\n", false},
    {"entry f = map((a) -> solve_triangular(a - 3*eye(2), [1, 2])[1], a) as y\n", true},
};

START_TEST(one_singular_matrix_of_many_is_an_error)
	{
		static const sg_backend all[] = {SG_BACKEND_INTERP, SG_BACKEND_JIT, SG_BACKEND_CC};
		static const double a[5][4] = {
		    {2, 1, 0, 3}, {1, 2, 3, 4}, {0, 1, 1, 0}, {3, 6, 1, 2}, {5, 1, 1, 5}};
		static const uint8_t c[5] = {1, 0, 1, 0, 1};
		char text[200];

		snprintf(text, sizeof text, "input a[T, 2, 2], c: bool[T]\n%s", of_many[_i].text);
		sg_model *m = compiled(text);

		for (int k = 0; k < 3; k++) {
			if (all[k] == SG_BACKEND_JIT && !sg_have_jit())
				continue;
			sg_call *call = sg_call_new(m, NULL, all[k]);

			ck_assert_int_eq(
			    sg_call_bind(call, "a", SG_DTYPE_F64, 3, (int64_t[]){5, 2, 2}, a),
			    SG_OK);
			if (strstr(of_many[_i].text, ", c"))
				ck_assert_int_eq(
				    sg_call_bind(call, "c", SG_DTYPE_BOOL, 1, (int64_t[]){5}, c),
				    SG_OK);
			ck_assert_msg(sg_call_run(call) ==
			                  (of_many[_i].fails ? SGRT_ESINGULAR : SG_OK),
			              "%s by %d: %s", text, k, sg_call_message(call));
			sg_call_free(call);
		}
		sg_model_free(m);
	}
END_TEST

START_TEST(one_matrix_that_is_not_positive_definite_is_an_error)
	{
		static const sg_backend all[] = {SG_BACKEND_INTERP, SG_BACKEND_JIT, SG_BACKEND_CC};
		static const double a[2][8] = {{2, 1, 1, 3, 4, 2, 2, 1},
		                               {2, 1, 1, 3, NAN, 2, 2, 1}};
		sg_model *m = compiled("input a[2, 2, 2]\n"
		                       "entry f = cholesky(a)[0] as y\n");

		for (int k = 0; k < 3; k++) {
			if (all[k] == SG_BACKEND_JIT && !sg_have_jit())
				continue;
			sg_call *call = sg_call_new(m, NULL, all[k]);

			ck_assert_int_eq(
			    sg_call_bind(call, "a", SG_DTYPE_F64, 3, (int64_t[]){2, 2, 2}, a[_i]),
			    SG_OK);
			ck_assert_int_eq(sg_call_run(call), SGRT_EPOSDEF);
			sg_call_free(call);
		}
		sg_model_free(m);
	}
END_TEST

/* Rows that are multiples of each other leave a pivot of exactly 0, also where 1/49 is not exact.
 */
START_TEST(multiples_of_a_row_are_singular)
	{
		static const double a[2][9] = {{49, 7, 5, 7, 1, 5, 4, 9, 2},
		                               {49, 7, 5, 7, 1, 5, 49, 7, 5}};
		sg_model *m = compiled("input a[3, 3]\nentry f = inv(a) as y\n");

		for (int k = 0; k < 2; k++) {
			if (backend[k] == SG_BACKEND_JIT && !sg_have_jit())
				continue;
			for (int i = 0; i < 2; i++) {
				sg_call *call = sg_call_new(m, NULL, backend[k]);

				ck_assert_int_eq(sg_call_bind(call, "a", SG_DTYPE_F64, 2,
				                              (int64_t[]){3, 3}, a[i]),
				                 SG_OK);
				ck_assert_int_eq(sg_call_run(call), i ? SGRT_ESINGULAR : SG_OK);
				sg_call_free(call);
			}
		}
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("solved");
	TCase *t = tcase_create("solved");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_few_rows_are_written_out, 0, sizeof written / sizeof *written);
	tcase_add_loop_test(t, solutions_agree_with_the_evaluator, 0, 5 * MOST);
	tcase_add_loop_test(t, triangles_agree_with_the_evaluator, 0, 5 * MOST);
	tcase_add_loop_test(t, products_of_many_agree_with_the_evaluator, 0, 5 * MOST);
	tcase_add_loop_test(t, products_of_many_are_one_loop, 0, 2);
	tcase_add_loop_test(t, derivatives_by_elements_agree_with_the_evaluator, 0, 3);
	tcase_add_loop_test(t, derivatives_by_elements_have_derivatives, 0,
	                    sizeof derived_again / sizeof *derived_again);
	tcase_add_test(t, derivatives_by_elements_are_text);
	tcase_add_loop_test(t, singular_matrices_of_a_few_rows_are_an_error, 0, 4);
	tcase_add_loop_test(t, one_singular_matrix_of_many_is_an_error, 0,
	                    sizeof of_many / sizeof *of_many);
	tcase_add_loop_test(t, one_matrix_that_is_not_positive_definite_is_an_error, 0, 2);
	tcase_add_test(t, multiples_of_a_row_are_singular);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
