/* check_turned.c - loops over items of a few numbers each: rows become columns of a tile where
 * compilers would make no SIMD of them, and all is computed as the evaluator does. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symgrad.h"

#define MESH                                                                                       \
	"input t: i32[N, 3], w[N]\ninput x[M, 2]\ndef e(q) {\n"                                    \
	"  a = q[1,0] - q[0,0]; b = q[1,1] - q[0,1]\n"                                             \
	"  return log(1 + a*a + b*b)*(a*b - a + b)**2 + a**3*b - b**3*(a - 2)\n}\n"

#define PAIRS                                                                                      \
	"input t: i32[N, 3], w[N]\ninput x[M, 3]\n"                                                \
	"d = x[t[:, 0]] - x[t[:, 1]]; r = sqrt(sum(d*d, axis=1) + 0.1)\n"

#define MIX "def m(a, b, c) = a*b*(c - a*0.5) + b/(1.5 + c*c)\n"

static const struct {
	const char *text;
	int row;            /* numbers of a row of x */
	unsigned take, put; /* rows that are turned, and back */
	unsigned at, add;   /* arrays that are read at indices before, and added to behind */
	unsigned strips;    /* arrays whose rows go by strips */
} models[] = {
    {"input x[N, 6]\n" MIX "def f(q) = [m(q[0], q[1], q[2]), m(q[3], q[4], q[5]), 0.25*q[5],\n"
     "  m(q[5], q[3], q[1]), m(q[2], q[0], q[4])]\nentry f = map(f, x) as y\n",
     6, 1, 1, 0, 0, 0},
    /* sums over all, in the same loop */
    {"input x[N, 9]\n" MIX
     "def f(q) = (m(q[0], q[1], q[8]) + m(q[7], q[4], q[5])*m(q[6], q[3], q[2]),\n"
     "  q[0]*q[8]*exp(q[7]))\nu, v = map(f, x)\n"
     "entry f = u as y, sum(u*v) as s, max(v) as m\n",
     9, 1, 0, 0, 0, 0},
    /* what has a routine of its own, for many numbers */
    {"input x[N, 5]\n" MIX
     "def f(q) = m(q[0], q[1], q[2])*sin(q[3]) + cos(q[4])*m(q[2], q[3], q[4])\n"
     "entry f = map(f, x) as y, sum(map(f, x)) as s\n",
     5, 1, 0, 0, 0, 0},
    /* a few numbers of long rows, side by side and apart */
    {"input x[N, 40]\n" MIX
     "def f(q) = [m(q[1], q[3], q[2])*m(q[1], q[2], q[3]), q[30]*m(q[30], q[31], q[1])]\n"
     "entry f = map(f, x) as y\n",
     40, 2, 0, 0, 0, 0},
    /* rows of eight are stored as they are */
    {"input x[N, 7]\n" MIX
     "def f(q) = concat((grad(m(q[0], q[3], q[6]), q), [m(q[1], q[2], q[5])]))\n"
     "entry f = map(f, x) as y\n",
     7, 1, 0, 0, 0, 0},
    /* a Hessian of items */
    {"input x[N, 6]\n"
     "def e(q) = log(1 + sum(q*q))*(q[0]*q[3] - q[1]*q[2]*q[5])**2 + q[4]**3*q[0]\n"
     "entry f = map((q) -> hessian(e(q), q), x) as y, map((q) -> e(q), x) as s\n",
     6, 2, 1, 0, 0, 0},
    /* compilers turn rows of four; few operations are not worth it */
    {"input x[N, 4]\n" MIX
     "def f(q) = [m(q[0], q[1], q[2]), m(q[3], q[2], q[1])]\nentry f = map(f, x) as y\n",
     4, 0, 0, 0, 0, 0},
    {"input x[N, 6]\n"
     "def f(q) = [q[5]*q[0], q[4], q[3] + q[2], q[2], q[1], q[0]]\n"
     "entry f = map(f, x) as y\n",
     6, 0, 0, 0, 0, 0},
    /* elements and their nodes, of which indices tell */
    {MESH "h, v = map((q, w) -> (hessian(e(q), q)[0], e(q)*w), x[t[:, :2]], w)\n"
          "entry f = h as y, v as s\n",
     2, 0, 0, 1, 0, 0},
    {MESH "v = map((q, w) -> e(q)*w, x[t[:, :2]], w)\nentry f = sum(v) as y, max(v) as s\n", 2, 0,
     0, 1, 0, 0},
    /* the third is not needed, and is checked */
    {MESH "v = map((q, w) -> e(q)*w, x[t], w)\nentry f = sum(v) as y, max(v) as s\n", 2, 1, 0, 0, 0,
     0},
    {MESH "v = map((q, w) -> e(q)*w, x[t[:, :2]], w)\nentry f = sum(v) as y, v*sin(v) as s\n", 2, 0,
     0, 0, 0, 0},
    {MESH "v = map((q) -> q[0,0]*q[1,0], x[t])\nentry f = v as y\n", 2, 0, 0, 0, 0, 0},
    /* the largest of a row, and where it is; of five and of seventeen numbers by a loop */
    {"input x[N, 10]\nentry f = max(x, axis=1) as y, min(x, axis=1) as s, sum(argmin(x, axis=1)) "
     "as m\n",
     10, 1, 0, 0, 0, 0},
    {"input x[N, 7]\nentry f = argmax(floor(2*x), axis=1)*1.0 as y, argmin(x, axis=1)*1.0 as s\n",
     7, 2, 0, 0, 0, 0},
    {"input x[N, 16]\nentry f = x[:, 0]*1.0 as y, argmax(x, axis=1)*1.0 as s,\n"
     "  grad(sum(max(x, axis=1)**2), x)[:, 3] as m\n",
     16, 1, 0, 0, 0, 0},
    {"input x[N, 17]\nentry f = argmax(x, axis=1)*1.0 as y, max(x, axis=1) as s\n", 17, 0, 0, 0, 0,
     0},
    /* forces of pairs: dear ones, and some that are not */
    {PAIRS "e = w*exp(-0.5*r)*log(1 + r) + exp(-0.1*r*r)\n"
           "entry f = sum(e) as y, grad(sum(e), x) as s, max(e) as m\n",
     3, 0, 0, 1, 2, 0},
    {PAIRS "e = w*(r - 1)**2\nentry f = sum(e) as y, grad(sum(e), x) as s\n", 3, 0, 0, 0, 0, 0},
    /* what is dear in sums along rows, and over them all */
    {"input x[N, 5], w[N]\nentry f = sum(exp(-x*x*w[:, none]), axis=1) as y,\n"
     "  sum(tanh(x), axis=1)*w as s, sum(sin(x*w[:, none])) as m\n",
     5, 0, 0, 0, 0, 1},
    {"input x[N, 40], w[N]\ne = sum(log(1 + x*x*w[:, none]**2))\n"
     "entry f = e as m, grad(e, w) as y, grad(e, x)[:, 7] as s\n",
     40, 0, 0, 0, 0, 1},
    {"input x[N, 16]\nentry f = max(exp(x - 1)*arange(16), axis=1) as y,\n"
     "  sum(exp(x[:, ::-1])*x, axis=1) as s\n",
     16, 1, 0, 0, 0, 1},
    /* no sums: all elements of a tile by one loop */
    {"input x[N, 10], w[N]\ne = tanh(x*w[:, none])*[0.1*k for k in 0..10] + exp(-w[:, none])\n"
     "entry f = e as y, clamp(x*w[:, none] + 0.5, -1, 1) as s, grad(sum(e**2), w) as m\n",
     10, 0, 0, 0, 0, 0},
    {"input x[N, 3], w[N]\nf = log(1 + (x - [1.0, 0.5, 0.0])**2)\n"
     "entry f = f @ f[:2].T as y, f**w[:, none] as s\n",
     3, 0, 0, 0, 0, 0},
    /* two numbers are unrolled, a power is three products, and what is as long as vectors is SIMD
     */
    {"input x[N, 2]\nentry f = sum(exp(x), axis=1) as y\n", 2, 0, 0, 0, 0, 0},
    {"input x[N, 9]\nentry f = sum(x**3, axis=1) as y, sum(exp(x)) as m\n", 9, 0, 0, 0, 0, 0},
    /* by stretches where what is tiled begins anew */
    {"input x[N, 40]\nentry f = sum(tile(x, (1, 3))*arange(120), axis=1) as y,\n"
     "  sum(tile(x, (2, 2))*0.5) as s\n",
     40, 0, 0, 0, 0, 0},
    /* sums of so few terms have lanes from 32 on */
    {"input x[N, 32]\nentry f = sum(x, axis=1) as y, sum(x**2) as s\n", 32, 0, 0, 0, 0, 0},
    {"input x[N, 47]\nentry f = sum(x*x - 1, axis=1) as y, max(abs(x)) as s\n", 47, 0, 0, 0, 0, 0},
    /* by stretches of a row each: 4 of 36, 3 of 33, 2 of 64 */
    {"input x[N, 144]\nc = reshape([1.0, 2.0, 0.5, 3.0], [4, 1, 1])\n"
     "z = reshape(reshape(x, [N, 4, 6, 6])*c, [N, 144])\n"
     "entry f = sum(z*(x + 1), axis=1) as y, sum(z*x) as s\n",
     144, 0, 0, 0, 0, 0},
    {"input x[N, 99]\nz = reshape(reshape(x, [N, 3, 33])*[[1.0], [2.0], [0.5]], [N, 99])\n"
     "entry f = sum(z*(x + 1), axis=1) as y, sum(z*x) as s\n",
     99, 0, 0, 0, 0, 0},
    {"input x[N, 128]\nz = reshape(reshape(x, [N, 2, 64])*[[1.0], [2.0]], [N, 128])\n"
     "entry f = sum(z*(x + 1), axis=1) as y, sum(z*x) as s\n",
     128, 0, 0, 0, 0, 0},
};

enum { NODES = 11, MOST = 200, LONGEST = 144, NMODELS = sizeof models / sizeof *models };

static const int64_t items[] = {0, 1, 3, 15, 16, 31, 32, 33, 37, 64, MOST};

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static sg_model *
model_of(int k, bool f32)
{
	char text[1000];
	sg_model *m;

	ck_assert_uint_lt(strlen(models[k].text), sizeof text - 20);
	strcpy(text, f32 ? "real f32\n" : "");
	strcat(text, models[k].text);
	m = sg_compile_string("turned.sg", text, strlen(text), NULL);
	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

START_TEST(rows_become_columns_where_it_pays)
	{
		sg_model *m = model_of(_i, false);
		sg_failure why;
		const char *c = sg_write_c(m, "turned.h", 0, NULL, &why);

		ck_assert_msg(c != NULL, "%s", why.text);
		ck_assert_msg(count(c, "sgrt_take_rows_f64(") == models[_i].take, "%.900s", c);
		ck_assert_msg(count(c, "sgrt_put_rows_f64(") == models[_i].put, "%.900s", c);
		ck_assert_msg(count(c, "_at[0][lane] =") == models[_i].at, "%.900s", c);
		ck_assert_msg(count(c, "_add[0][lane] =") == models[_i].add, "%.900s", c);
		ck_assert_msg(count(c, "_strip[128];") == models[_i].strips, "%s",
		              strstr(c, "_any("));
		sg_model_free(m);
	}
END_TEST

/* special: some numbers are none, or infinite */
static void
fill(bool f32, bool special, double *x)
{
	for (int k = 0; k < MOST * LONGEST; k++) {
		double v = sin(k) + 0.1 * (k % 7);

		if (special && k % 11 == 3)
			v = k % 3 ? NAN : k % 2 ? INFINITY : -INFINITY;
		if (f32)
			((float *)x)[k] = (float)v;
		else
			x[k] = v;
	}
}

static sg_call *
called(sg_model *m, sg_backend b, bool f32, int64_t n, int k, const double *x, const int32_t *nodes)
{
	const sg_dtype t = f32 ? SG_DTYPE_F32 : SG_DTYPE_F64;
	const bool mesh = strstr(models[k].text, "t: i32") != NULL;
	const int64_t shape[] = {mesh ? NODES : n, models[k].row}, corners[] = {n, 3};
	sg_call *c = sg_call_new(m, NULL, b);

	ck_assert_int_eq(sg_call_bind(c, "x", t, 2, shape, x), SG_OK);
	(void)sg_call_bind(c, "w", t, 1, &n, x); /* where the entry has it */
	if (!mesh)
		return c;
	ck_assert_int_eq(sg_call_bind(c, "t", SG_DTYPE_I32, 2, corners, nodes), SG_OK);
	return c;
}

static double
number(const sg_array *a, bool f32, size_t k)
{
	return f32 ? (double)((const float *)a->data)[k] : ((const double *)a->data)[k];
}

static void
fill_nodes(int32_t *nodes)
{
	for (int k = 0; k < MOST * 3; k++)
		nodes[k] = k % 5 == 0 ? -1 - k % NODES : (7 * k + k / 4) % NODES;
}

static void
compare(sg_call *a, sg_call *b, bool f32, const char *name)
{
	const sg_array *x = sg_call_output(a, name), *y = sg_call_output(b, name);
	size_t n = 1;

	ck_assert((x == NULL) == (y == NULL));
	for (int k = 0; x && k < x->rank; k++)
		n *= (size_t)x->shape[k];
	for (size_t k = 0; x && k < n; k++) {
		const double u = number(x, f32, k), v = number(y, f32, k);
		const double most = (f32 ? 2e-5 : 1e-12) * (1 + fabs(u));

		ck_assert_msg(isnan(u)   ? isnan(v)
		              : isinf(u) ? u == v
		                         : fabs(u - v) <= most,
		              "%s[%zu]: %.17g, %.17g", name, k, u, v);
	}
}

static void
agree(int k, sg_backend back, bool f32, bool special)
{
	static double x[MOST * LONGEST];
	int32_t nodes[MOST * 3];
	sg_model *m = model_of(k, f32);

	fill(f32, special, x);
	fill_nodes(nodes);
	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		sg_call *a = called(m, SG_BACKEND_INTERP, f32, items[i], k, x, nodes);
		sg_call *b = called(m, back, f32, items[i], k, x, nodes);
		const int status = sg_call_run(a);

		ck_assert_int_eq((int)sg_call_run(b), status);
		for (int o = 0; status == SG_OK && o < 3; o++)
			compare(a, b, f32, (const char *[]){"y", "s", "m"}[o]);
		sg_call_free(a);
		sg_call_free(b);
	}
	sg_model_free(m);
}

START_TEST(all_items_are_as_the_evaluator_has_them)
	{
		agree(_i / 4, SG_BACKEND_CC, _i % 2, _i / 2 % 2);
	}
END_TEST

/* Wherever it stands, and where nothing but the check needs it. */
START_TEST(an_index_out_of_range_is_an_error)
	{
		static double x[MOST * LONGEST];
		const int32_t bad[] = {NODES, -NODES - 1, INT32_MAX, INT32_MIN};
		const int64_t n = 70;
		sg_model *m = model_of(_i, false);

		fill(false, false, x);
		for (int k = 0; strstr(models[_i].text, "t: i32") && k < 4; k++)
			for (int at = k % 3; at < 3 * n; at += 19) {
				int32_t nodes[MOST * 3];
				sg_call *a, *b;

				fill_nodes(nodes);
				nodes[at] = bad[k];
				a = called(m, SG_BACKEND_INTERP, false, n, _i, x, nodes);
				b = called(m, SG_BACKEND_CC, false, n, _i, x, nodes);
				ck_assert_int_eq((int)sg_call_run(a), (int)sg_call_run(b));
				sg_call_free(a);
				sg_call_free(b);
			}
		sg_model_free(m);
	}
END_TEST

START_TEST(the_jit_agrees)
	{
		if (sg_have_jit())
			agree(_i, SG_BACKEND_JIT, false, true);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("turned");
	TCase *t = tcase_create("turned");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, rows_become_columns_where_it_pays, 0, NMODELS);
	tcase_add_loop_test(t, all_items_are_as_the_evaluator_has_them, 0, 4 * NMODELS);
	tcase_add_loop_test(t, an_index_out_of_range_is_an_error, 0, NMODELS);
	tcase_add_loop_test(t, the_jit_agrees, 0, NMODELS);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
