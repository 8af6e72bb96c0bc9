/* check_few.c - arrays of a few numbers, and a few rows of them, for which written C and the runtime
 * have forms of their own, at each size about those where the form changes. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symgrad.h"

enum { MOST = 200 };

/* Columns of x and of y; terms of sums whose length is known. */
static const struct {
	int k, m, terms;
} shapes[] = {{10, 1, 8},  {1, 10, 9}, {3, 2, 11}, {4, 16, 30},
              {8, 12, 50}, {20, 1, 63}, {2, 2, 32}, {7, 9, 13}};

static const int64_t rows[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  12, 15,  16,  17,  24,
                               31, 32, 33, 36, 48, 50, 51, 63, 64, 65, 100, 128, MOST};

static const char *
text_of(int i, bool f32)
{
	static char text[2000];

	snprintf(
	    text, sizeof text,
	    "%sinput x[N, %d], y[N, %d], c[N], t[%d]\nparam w[%d, %d], b[%d]\n"
	    "u = x @ w + b\nloss = sum((u - y)**2)\nv = var(c); s = var(t)\n"
	    "l = logsumexp(c)\n"
	    "entry f = u as u, grad(loss, w) as gw, grad(loss, b) as gb, grad(loss, x) as gx,\n"
	    "  loss as loss, x.T @ y as p, y.T @ x as q, v as v, grad(v, c) as gv, s as s,\n"
	    "  grad(s, t) as gs, l as l, grad(l, c) as gl, softmax(c, axis=0) as sm,\n"
	    "  log_softmax(c, axis=0) as ls, logsumexp(x, axis=1) as lx,\n"
	    "  grad(sum(logsumexp(x, axis=1)**2), x) as glx, sum(sin(c)*c) as z, max(c) as most,\n"
	    "  max(t) as mt, min(t*t) as nt, max(sin(t)) as ot, sum(exp(t)) as et, t @ tanh(t) as "
	    "dt\n",
	    f32 ? "real f32\n" : "", shapes[i].k, shapes[i].m, shapes[i].terms, shapes[i].k,
	    shapes[i].m, shapes[i].m);
	return text;
}

static double in64[6][MOST * 20];
static float in32[6][MOST * 20];

static void
fill(void)
{
	for (int k = 0; k < 6; k++)
		for (int i = 0; i < MOST * 20; i++) {
			in64[k][i] = sin(1.0 + 7 * i + 3 * k) + 0.1 * cos((double)i * i);
			in32[k][i] = (float)in64[k][i];
		}
}

static sg_call *
called(sg_model *m, sg_backend back, int i, int64_t n, bool f32)
{
	const int64_t k = shapes[i].k, c = shapes[i].m, t = shapes[i].terms;
	const int64_t shape[6][2] = {{n, k}, {n, c}, {n, 0}, {t, 0}, {k, c}, {c, 0}};
	static const int rank[] = {2, 2, 1, 1, 2, 1};
	static const char *const name[] = {"x", "y", "c", "t", "w", "b"};
	sg_call *call = sg_call_new(m, NULL, back);

	for (int a = 0; a < 6; a++)
		(void)sg_call_bind(call, name[a], f32 ? SG_DTYPE_F32 : SG_DTYPE_F64, rank[a], shape[a],
		                   f32 ? (const void *)in32[a] : in64[a]);
	ck_assert_msg(sg_call_run(call) == SG_OK, "%s", sg_call_message(call));
	return call;
}

static double
number(const sg_array *a, int64_t i)
{
	return a->type == SG_DTYPE_F64 ? ((const double *)a->data)[i]
	                               : (double)((const float *)a->data)[i];
}

/* The same to rounding, relative to the largest of all; NaN and infinities are in one place. */
static void
agree(sg_call *as, sg_call *is, const char *name, int64_t n)
{
	const sg_array *a = sg_call_output(as, name), *b = sg_call_output(is, name);
	double most = 1;

	ck_assert_int_eq(a->count, b->count);
	for (int64_t i = 0; i < a->count; i++)
		most = fmax(most, isfinite(number(a, i)) ? fabs(number(a, i)) : 0);
	for (int64_t i = 0; i < a->count; i++) {
		const double x = number(a, i), y = number(b, i);
		const double bound = (a->type == SG_DTYPE_F32 ? 1e-5 : 1e-13) * most;
		const bool same = isnan(x) ? isnan(y) : isinf(x) ? x == y : fabs(x - y) <= bound;

		ck_assert_msg(same, "%s[%d] of %d: %.17g, %.17g", name, (int)i, (int)n, x, y);
	}
}

static void
all_agree(int i, sg_backend back, bool f32)
{
	const char *text = text_of(i, f32);
	sg_model *m = sg_compile_string("few.sg", text, strlen(text), NULL);
	const sg_entry *e;

	ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
	e = sg_model_entry(m, 0);
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		sg_call *as = called(m, SG_BACKEND_INTERP, i, rows[r], f32);
		sg_call *is = called(m, back, i, rows[r], f32);

		for (size_t o = 0; o < e->noutputs; o++)
			agree(as, is, e->args[e->ninputs + o].name, rows[r]);
		sg_call_free(as);
		sg_call_free(is);
	}
	sg_model_free(m);
}

enum { NSHAPES = sizeof shapes / sizeof *shapes };

START_TEST(written_c_agrees_with_the_evaluator)
	{
		fill();
		all_agree(_i, SG_BACKEND_CC, _i % 2);
	}
END_TEST

START_TEST(the_jit_agrees_with_the_evaluator)
	{
		fill();
		if (sg_have_jit())
			all_agree(_i, SG_BACKEND_JIT, _i % 2);
	}
END_TEST

/* One number of c, and of a row of x, is not finite: what does not depend on it is as it was. */
START_TEST(what_is_not_finite_stays_where_it_is)
	{
		static const double bad[] = {NAN, INFINITY, -INFINITY};

		for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
			fill();
			in64[0][3] = in64[2][0] = bad[b];
			all_agree(2 * _i, SG_BACKEND_CC, false); /* the same C as above */
			if (sg_have_jit())
				all_agree(2 * _i, SG_BACKEND_JIT, false);
		}
	}
END_TEST

START_TEST(softmax_of_a_few_numbers_at_the_edges)
	{
		static const double edge[] = {NAN,    INFINITY, -INFINITY, 1e308,
		                              -1e308, 0,        700,       -700};
		static const char text[] = "input x[3]\nentry f = softmax(x, axis=0) as y\n";
		sg_model *m = sg_compile_string("few.sg", text, strlen(text), NULL);
		const int64_t n = 3;

		for (int i = 0; i < 512; i++) {
			const double x[] = {edge[i % 8], edge[i / 8 % 8], edge[i / 64]};
			sg_call *as = sg_call_new(m, NULL, SG_BACKEND_INTERP),
				*is = sg_call_new(m, NULL, SG_BACKEND_CC);

			(void)sg_call_bind(as, "x", SG_DTYPE_F64, 1, &n, x);
			(void)sg_call_bind(is, "x", SG_DTYPE_F64, 1, &n, x);
			ck_assert(sg_call_run(as) == SG_OK && sg_call_run(is) == SG_OK);
			agree(as, is, "y", i);
			sg_call_free(as);
			sg_call_free(is);
		}
		sg_model_free(m);
	}
END_TEST

static sg_call *
summed(sg_model *m, sg_backend back, int64_t n)
{
	sg_call *call = sg_call_new(m, NULL, back);

	(void)sg_call_bind(call, "x", SG_DTYPE_F64, 1, &n, in64[0]);
	ck_assert_msg(sg_call_run(call) == SG_OK, "%s", sg_call_message(call));
	return call;
}

/* Whole blocks of a sum, and a last one, which may be all of it. */
START_TEST(sums_of_some_blocks_agree)
	{
		static const char text[] = "input x[N]\nentry f = sum(x) as s, sum(x*x) as q,\n"
					   "  grad(sum(x*x), x) as g\n";
		static const int64_t n[] = {0,    1,    31,   32,   1023, 1024, 1025,
		                            1055, 1056, 1060, 2047, 2048, 2049, 4000};
		static const double odd[] = {0.5, NAN, INFINITY, -INFINITY};
		const sg_backend back = _i < 4 ? SG_BACKEND_CC : SG_BACKEND_JIT;
		sg_model *m = sg_compile_string("few.sg", text, strlen(text), NULL);
		sg_call *as, *is;

		if (back == SG_BACKEND_JIT && !sg_have_jit())
			return;
		ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
		fill();
		in64[0][1030] = odd[_i % 4];
		for (size_t k = 0; k < sizeof n / sizeof *n; k++) {
			as = summed(m, SG_BACKEND_INTERP, n[k]);
			is = summed(m, back, n[k]);
			agree(as, is, "s", n[k]);
			agree(as, is, "q", n[k]);
			agree(as, is, "g", n[k]);
			sg_call_free(as);
			sg_call_free(is);
		}
		sg_model_free(m);
	}
END_TEST

/* The zeros around multiples by numbers below 0 are no -0. */
START_TEST(zeros_around_multiples_have_their_sign)
	{
		static const char text[] =
		    "input x[6, 40]\n"
		    "s = pad(-2*x, ((1, 1), (0, 2))) + pad(-3*x, ((2, 0), (1, 1)))\n"
		    "entry f = 1/(s + pad(-1.5*x, ((0, 2), (2, 0)))) as y\n";
		const sg_backend back = _i ? SG_BACKEND_JIT : SG_BACKEND_CC;
		sg_model *m = sg_compile_string("few.sg", text, strlen(text), NULL);
		const int64_t shape[] = {6, 40};
		sg_call *as, *is;

		if (_i && !sg_have_jit())
			return;
		ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
		fill();
		as = sg_call_new(m, NULL, SG_BACKEND_INTERP);
		is = sg_call_new(m, NULL, back);
		(void)sg_call_bind(as, "x", SG_DTYPE_F64, 2, shape, in64[0]);
		(void)sg_call_bind(is, "x", SG_DTYPE_F64, 2, shape, in64[0]);
		ck_assert(sg_call_run(as) == SG_OK && sg_call_run(is) == SG_OK);
		ck_assert(number(sg_call_output(as, "y"), 0) == INFINITY);
		agree(as, is, "y", 6);
		sg_call_free(as);
		sg_call_free(is);
		sg_model_free(m);
	}
END_TEST

/* ---- what is written ---- */

static const struct {
	const char *text, *has, *hasnt;
} written[] = {
    /* a call where there are many rows */
    {"input x[N, 10], w[10]\nentry f = x @ w as y\n", "sgrt_few_dots_f64(N, 1, 10,", NULL},
    {"input x[N, 10], w[10]\nentry f = x @ w as y\n", "sgrt_matmul_f64(N, 1, 10,", NULL},
    {"input x[N, 10], y[N]\nentry f = x.T @ y as z\n", "sgrt_few_outers_f64(", NULL},
    {"input x[N, 200], w[200]\nentry f = x @ w as y\n", "sgrt_matmul_f64(", "sgrt_few"},
    /* a few products in each element */
    {"input x[N, 3], w[3, 5]\nentry f = x @ w as y\n", "+= x[i * 3 + 2] * w[j + 10];", "k < 3"},
    /* short sums */
    {"input x[N]\nentry f = sum(x*x) as y\n", "four[lane] += ", NULL},
    /* a few dear terms go one by one */
    {"input x[N]\nentry f = sum(tanh(x)) as y\n", "if (to - from < 8) {", NULL},
    {"input x[50]\nentry f = sum(tanh(x)) as y\n", "sgrt_kept_f64(", "< 8) {"},
    /* one number for a whole vector of a row */
    {"input a[4], b[16]\nentry f = a[:, none]*b as y\n",
     "SGRT_ROLLED\n\t\tfor (ptrdiff_t j = 0; j < 16; j++)", NULL},
    {"input a[N], b[8]\nentry f = a[:, none]*b as y\n",
     "SGRT_ROLLED\n\t\tfor (ptrdiff_t j = 0; j < 8; j++)", NULL},
    {"input a[N], b[12]\nentry f = a[:, none]*b as y\n", "j < 12", "SGRT_ROLLED"},
    {"input a[N, 16], b[16]\nentry f = a + b as y\n", "j < 16", "SGRT_ROLLED"},
    /* a short one is but its last block */
    {"input x[N]\nentry f = sum(x*x) as y\n", "N > 1024 ? sgrt_sum_last_f64(", "sgrt_sum_first"},
    {"input x[N], y[N], z[N]\nentry f = sum(x*x) as a, sum(x*y) as b, sum(x*z) as c\n",
     "sgrt_sum_first_f64(", "sgrt_sum_last"},
    {"input x[30]\nentry f = sum(x*x) as y\n", "four[lane] += ", "lanes"},
    {"input x[50]\nentry f = sum(x*x) as y\n", "four[lane] += ", NULL},
    {"input x[7]\nentry f = sum(x*x) as y\n", "sum", "four"},
    {"input x[N]\nentry f = sum(x) as y\n", "sgrt_lanes_clear_f64(lanes);", "lanes[32] = {0}"},
    /* known counts leave nothing over */
    {"input x[1000]\nentry f = sum(x) as y\n", "four[lane] += ", "i < 1000"},
    /* loops make it, loops read it: it is no sixteen numbers */
    {"input x[4], w[4, 16], b[16], v[16, 2]\nentry f = tanh(x @ w + b) @ v as y\n",
     "sgrt_tanh_f64(b[i] + t[i])", "t[1]"},
    {"input x[10], y[10], w[10]\nentry f = sum(x*w) as a, sum((x - 2)*y) as b\n",
     "four[lane] += ", "x[1]"},
    {"input x[3]\nentry f = softmax(x, axis=0) as y\n", "exp(x[1] - t)", "sgrt_softmax"},
    {"input x[3]\nentry f = softmax(x, axis=0) as y, logsumexp(x) as l\n", "sgrt_logsumexp_softmax",
     NULL},
    {"input x[10], y[10], a\nf = sum((tanh(a*x) - y)**2)\ngradient f wrt a\n",
     "sgrt_tanh_f64(x[i] * a[0])", "a[0];"},
    /* a stencil's derivative reads what lies around each element, of one array */
    {"input u[N, 20]\nl = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4*u[1:-1, "
     "1:-1]\n"
     "gradient sum(l*l) as f wrt u\n",
     "inside = beyond = 0;", "d_l"},
    {"input u[40, 40]\np = pad(u, ((1, 1), (1, 1)))\n"
     "l = p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2]\n"
     "gradient sum(l*l) as f wrt u\n",
     "!(i >= 1 && i < 39)", "d_p"},
    /* of one row besides nothing depends which turns are in the middle */
    {"input u[40, 40], w[1, 40]\np = pad(u, ((1, 1), (1, 1)))\n"
     "output p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + pad(w, ((7, 32), (0, 0))) as y\n",
     "!(i >= 1 && i < 39)", "!(i >= 7"},
    /* all sides of a where() and of one within it together: no truth is kept */
    {"input x[N, 8], y[N]\nparam v[8, 8], w[8]\n"
     "f = sum((elu(elu(x @ v) @ v) @ w - y)**2)\ngradient f wrt v\n",
     "sgrt_expm1_f64", "uint8_t"},
    {"input x[N]\nparam w\ny = w*x\n"
     "f = sum(where(y > 1, log(y), where(y < -1, -sqrt(-y), y**3))*cumsum(y))\ngradient f wrt w\n",
     "sgrt_where_f64", "uint8_t *"},
    /* products of matrices of some numbers are calls, of few they are loops */
    {"input a[16, 16], b[16, 16]\nentry f = a @ b as c\n", "sgrt_matmul_f64(", NULL},
    {"input a[8, 8], b[8, 8]\nentry f = a @ b as c\n", "for (", "sgrt_matmul_f64("},
    {"input a[2, 20], b[20, 40]\nentry f = a @ b as c\n", "for (", "sgrt_matmul_f64("},
    /* an index that is kept within bounds is not counted from the end */
    {"input t[64, 64], u[N], v[N]\ni = cast(floor(clamp(u, 0, 62)), i64)\n"
     "j = cast(floor(clamp(v, 0, 62)), i64)\nentry f = t[i, j] + t[i + 1, j + 1] as y\n",
     "sgrt_mul_i64", ": 4096"},
};

START_TEST(few_numbers_have_their_forms)
	{
		const char *text = written[_i].text, *c;
		sg_model *m = sg_compile_string("few.sg", text, strlen(text), NULL);
		sg_failure why;

		ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
		c = sg_write_c(m, "few.h", 0, NULL, &why);
		ck_assert_ptr_nonnull(c);
		ck_assert_msg(strstr(c, written[_i].has) != NULL, "%.3000s", c);
		if (written[_i].hasnt)
			ck_assert_msg(!strstr(c, written[_i].hasnt), "%.3000s", c);
		sg_model_free(m);
	}
END_TEST

/* Each element reads the one before twice: whoever followed all ways back would never end. */
START_TEST(chains_are_gone_through_once)
	{
		char text[4000] = "input x[10]\ny0 = 2*x\n";
		sg_failure why;
		sg_model *m;
		const char *c;

		for (int i = 0; i < 80; i++) {
			size_t end = strlen(text);

			snprintf(text + end, sizeof text - end, "y%d = y%d*y%d + x*y%d\n", i + 1, i, i, i);
		}
		strcat(text, "entry f = sum(y80) as s\n");
		m = sg_compile_string("few.sg", text, strlen(text), NULL);
		ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
		c = sg_write_c(m, "few.h", 0, NULL, &why);
		ck_assert_msg(c && strstr(c, "for ("), "%.2000s", c);
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("few");
	TCase *t = tcase_create("all");
	int failed;

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, written_c_agrees_with_the_evaluator, 0, NSHAPES);
	tcase_add_loop_test(t, the_jit_agrees_with_the_evaluator, 0, NSHAPES);
	tcase_add_loop_test(t, what_is_not_finite_stays_where_it_is, 0, NSHAPES / 2);
	tcase_add_test(t, softmax_of_a_few_numbers_at_the_edges);
	tcase_add_loop_test(t, sums_of_some_blocks_agree, 0, 8);
	tcase_add_loop_test(t, zeros_around_multiples_have_their_sign, 0, 2);
	tcase_add_loop_test(t, few_numbers_have_their_forms, 0, sizeof written / sizeof *written);
	tcase_add_test(t, chains_are_gone_through_once);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
