/* check_many.c - rows of few numbers, of many items, that go number by number: that they compute
 * what the evaluator computes, and are one loop. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symgrad.h"

enum { MOST = 150 };

static const sg_backend backend[] = {SG_BACKEND_JIT, SG_BACKEND_CC};

static sg_model *
compiled(const char *text)
{
	sg_model *m = sg_compile_string("many.sg", text, strlen(text), NULL);

	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

/* ---- agreement ---- */

static const char inputs[] =
    "input R[N, 3, 3], x[N, 3], q[N, 4], A[3, 3], k: i64[N]\n"
    "def turned(q) = [[1 - 2*(q[2]**2 + q[3]**2), 2*(q[1]*q[2] - q[0]*q[3]), q[0]*q[2]],\n"
    "  [q[1]*q[2], 1 - 2*(q[1]**2 + q[3]**2), q[2]*q[3]], [q[1]*q[3], q[0]*q[1], q[2]**2]]\n"
    "y = map((R, x) -> R @ x - [1.0, 2.0, 3.0], R, x)\n"
    "grid = map((R) -> reshape(arange(30), [10, 3]) @ R.T + 0.5, R)\n";

static const char *const outputs[] = {
    "y, y**2 + x as a, sum(y, axis=1) as b, sum(y) as c, sum(y, axis=0) as d",
    "norm(y, axis=1) as a, y/norm(y, axis=1)[:, None] as b, norm(x, axis=1) as c",
    "grad(sum(norm(y, axis=1)), R) as a, grad(sum(norm(y, axis=1)), x) as b",
    "max(y, axis=1) as a, min(y, axis=1) as b, prod(y, axis=1) as c, prod(y, axis=0) as d",
    "all(y > 0, axis=1) as a, any(y > 0, axis=1) as b, where(y > 0, y, -2*y) as c",
    "y[:, 1] as a, y[:, 0:2]/y[:, 2:3] as b, y[::-1] as c, y[:, ::-1] as d, y[::2] as e",
    "pad(y, ((0, 0), (1, 0))) as a, pad(2*y, ((2, 1), (0, 0))) as b",
    "concat((y[:, 2:3], y[:, 0:1]), axis=1) as a, concat((y, x, 2*y)) as b",
    "y.T as a, reshape(y, [N, 1, 3]) as b, reshape(y, [3*N]) as c, flatten(y + 1) as d",
    "y @ A as a, A @ y.T as b, einsum(\"ni,ij,nj->n\", y, A, x) as c",
    "grad(sum((y @ A)**2), A) as a, grad(sum((y @ A)**2), x) as b, y.T @ x as c",
    "einsum(\"ni,nj->nij\", y, x) as a, einsum(\"ni,nj->jni\", x, y) as b, y @ x.T as c",
    "map((R) -> R @ R.T @ R, R) as a, map((R) -> (R - R.T) @ R, R) as b",
    "y[k] as a, norm(y[k] - x, axis=1) as b, grad(sum(norm(x[k] - x, axis=1)), x) as c",
    "softmax(y, axis=1) as a, tanh(y) as b, sum(tanh(y)*exp(x), axis=1) as c, cumsum(y) as d",
    "map((q, x) -> turned(q) @ x, q, x) as a, grad(sum(map((q) -> turned(q) @ [1.0, 2, 3],\n"
    "  q)**2), q) as b, map((q) -> jacobian(turned(q) @ [1.0, 2, 3], q), q) as c",
    "hvp(sum(y**3), x, sin(x)) as a, jvp(y/norm(y, axis=1)[:, None], R, cos(R)) as b",
    "cast(y, f32) as a, floor(y) as b, isnan(y) as c, argmax(y, axis=1) as d",
    /* items by two axes, one of which is known */
    "norm(grid, axis=2) as a, sum(grid, axis=2)*grid[:, :, 1] as b, grid/norm(grid, axis=2)[:, :,\n"
    "  None] as c, grad(sum(norm(grid, axis=2)), R) as d",
    /* a loop of so many arrays that tiles are small */
    "norm(y, axis=1) as a, grad(sum(map((R, x, q) -> norm(R @ R.T @ (R @ (R.T @ x)))*q[0],\n"
    "  R, x, q)), R) as b, grad(sum(map((R, x) -> norm(R @ R.T @ (R @ (R.T @ x))), R,\n"
    "  x)), x) as c, map((R) -> R @ R.T @ R.T, R) as d",
    "map((R, x) -> sum((R @ x)**2) + det(R + 9*eye(3)), R, x) as a,\n"
    "  map((R, x) -> inv(R + 9*eye(3)) @ x, R, x) as b, map((R) -> trace(R @ R), R) as c",
};

static const int64_t items[] = {0, 1, 2, 9, MOST};

static void
fill(int64_t n, double *x, int64_t size)
{
	for (int64_t i = 0; i < size; i++)
		x[i] = sin((double)(1 + 7 * i + n)) + 0.1 * cos((double)(i * i));
}

static sg_call *
called(sg_model *m, sg_backend back, int64_t n, const double *const *in, const int64_t *k)
{
	static const char *const name[] = {"R", "x", "q", "A"};
	const int64_t shape[4][3] = {{n, 3, 3}, {n, 3}, {n, 4}, {3, 3}};
	static const int rank[] = {3, 2, 2, 2};
	sg_call *call = sg_call_new(m, NULL, back);

	for (int i = 0; i < 4; i++)
		(void)sg_call_bind(call, name[i], SG_DTYPE_F64, rank[i], shape[i], in[i]);
	(void)sg_call_bind(call, "k", SG_DTYPE_I64, 1, &n, k);
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

static double
number(const sg_array *a, int64_t i)
{
	switch (a->type) {
	case SG_DTYPE_F64:
		return ((const double *)a->data)[i];
	case SG_DTYPE_F32:
		return (double)((const float *)a->data)[i];
	case SG_DTYPE_I64:
		return (double)((const int64_t *)a->data)[i];
	default:
		return ((const uint8_t *)a->data)[i];
	}
}

/* bound: relative to the largest number, or, where that is not `all`, to each */
static void
agree(sg_call *as, sg_call *is, const char *name, bool all)
{
	const sg_array *a = sg_call_output(as, name), *b = sg_call_output(is, name);
	double most = 0;

	ck_assert_int_eq(size_of(a), size_of(b));
	for (int64_t i = 0; i < size_of(a); i++)
		most = fmax(most, fabs(number(a, i)));
	for (int64_t i = 0; i < size_of(a); i++) {
		const double x = number(a, i), y = number(b, i);
		const double bound =
		    (a->type == SG_DTYPE_F32 ? 1e-6 : 1e-12) * (all ? most : fabs(x));
		const bool same = isnan(x)   ? isnan(y)
		                  : isinf(x) ? isinf(y) && x * y > 0
		                             : fabs(x - y) <= bound;

		ck_assert_msg(same, "%s[%d]: %.17g, %.17g", name, (int)i, x, y);
	}
}

static void
both_agree(const char *text, int64_t n, const double *const *in, const int64_t *k, bool all)
{
	sg_model *m = compiled(text);
	const sg_entry *e = sg_model_entry(m, 0);

	for (int i = 0; i < 2; i++) {
		if (backend[i] == SG_BACKEND_JIT && !sg_have_jit())
			continue;
		sg_call *as = called(m, SG_BACKEND_INTERP, n, in, k);
		sg_call *is = called(m, backend[i], n, in, k);

		for (size_t o = 0; o < e->noutputs; o++)
			agree(as, is, e->args[e->ninputs + o].name, all);
		sg_call_free(as);
		sg_call_free(is);
	}
	sg_model_free(m);
}

static double r[9 * MOST], x[3 * MOST], q[4 * MOST], a[9];
static int64_t k[MOST];
static const double *const in[] = {r, x, q, a};

static void
fill_all(int64_t n)
{
	fill(1, r, 9 * n);
	fill(2, x, 3 * n);
	fill(3, q, 4 * n);
	fill(4, a, 9);
	for (int64_t i = 0; i < n; i++)
		k[i] = 5 * i % n;
}

START_TEST(rows_agree_with_the_evaluator)
	{
		char text[1500];

		snprintf(text, sizeof text, "%sentry f = %s\n", inputs, outputs[_i]);
		for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
			fill_all(items[i]);
			both_agree(text, items[i], in, k, true);
		}
	}
END_TEST

/* A norm neither overflows nor vanishes where its squares do, and NaN and inf are what they are. */
START_TEST(norms_keep_their_range)
	{
		static const double far[] = {0,         -0.0,    3e200,    -4e-200, DBL_MAX,
		                             5e-324,    NAN,     INFINITY, 1e-130,  1e140,
		                             -INFINITY, DBL_MIN, 1};
		enum { N = sizeof far / sizeof *far };

		fill_all(MOST);
		for (int64_t i = 0; i < 3 * MOST; i++)
			x[i] = far[(i + i / 3 * (i % 3)) % N] * (i % 2 ? 1 : 0.5);
		both_agree("input R[N, 3, 3], x[N, 3], q[N, 4], A[3, 3], k: i64[N]\n"
		           "entry f = norm(x, axis=1) as a, norm(2*x, axis=1) as b,\n"
		           "  map((v) -> norm([v[2], 0.5*v[0]]), x) as c\n",
		           MOST, in, k, false);
	}
END_TEST

/* ---- what is written ---- */

static const char *const one_loop[] = {
    "input R[N, 3, 3], p[N, 3], t[3]\n"
    "y = map((R, p) -> R @ p + t, R, p)\n"
    "entry f = sum(y**2) as e, grad(sum(y**2), p) as d\n",
    "input R[N, 3, 3], p[N, 3], t[3]\n"
    "entry f = map((R, p) -> norm(R @ p + t), R, p) as y\n",
    "input p[N, 3], K[3, 3], t[3]\n"
    "def project(p) {\n"
    "  u = K @ p + t\n"
    "  return u[0:2]/u[2]\n"
    "}\n"
    "entry f = map(project, p) as y\n",
    "input x[N, 3, 2], X[N, 3, 2]\n"
    "def energy(x, X) {\n"
    "  D = [X[1] - X[0], X[2] - X[0]].T\n"
    "  F = [x[1] - x[0], x[2] - x[0]].T @ inv(D)\n"
    "  return sum((F.T @ F)**2) + det(F)\n"
    "}\n"
    "e, g = map((x, X) -> (energy(x, X), grad(energy(x, X), x)), x, X)\n"
    "entry f = e as e, g as g\n",
};

/* No loop over the numbers of a row, and no array that another loop reads. */
START_TEST(rows_are_one_loop)
	{
		sg_model *m = compiled(one_loop[_i]);
		sg_failure why;
		const char *c = sg_write_c(m, "many.h", 0, NULL, &why);

		ck_assert_ptr_nonnull(c);
		ck_assert_ptr_null(strstr(c, "matmul"));
		ck_assert_msg(!strstr(c, "< 3;") && !strstr(c, "< 2;"), "%.2000s", c);
		ck_assert_msg(strstr(c, "(void)work;") != NULL, "%.2000s", c);
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("many");
	TCase *t = tcase_create("all");
	int failed;

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, rows_agree_with_the_evaluator, 0, sizeof outputs / sizeof *outputs);
	tcase_add_test(t, norms_keep_their_range);
	tcase_add_loop_test(t, rows_are_one_loop, 0, sizeof one_loop / sizeof *one_loop);
	suite_add_tcase(s, t);
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
