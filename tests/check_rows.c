/* check_rows.c - rows of few numbers that are read and added to at indices: they are written out,
 * in one loop, and compute what the evaluator computes. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "symgrad.h"

#define FACTORS "input i: i32[P], j: i32[P], r[P]\nparam q[N, 4], v[N, 4], b[N]\n"
#define PAIRS "input i: i32[P], j: i32[P], r[P]\nparam q[N, 3]\nd = q[i] - q[j]\n"
#define ENERGY "gradient sum(r * (sqrt(sum(d**2, axis=1) + 0.1) - 1)**2) as y wrt q\n"

static const struct {
	const char *text;
	unsigned checks, loops; /* tests of indices, loops over P in the C; 0: any number */
} models[] = {
    {FACTORS "e = sum(q[i] * v[j], axis=1) + b[i] + b[j] - r\n"
             "gradient sum(e**2) as y wrt q, v, b\n",
     2, 1},
    {PAIRS ENERGY, 2, 1},
    /* numbers of a row by name, and sums over the rows of each */
    {PAIRS "e = d[:, 0] * sum(d, axis=1) + r\n"
           "entry f = sum(e) as y, sum(d * e[:, None], axis=0) as s\n",
     2, 1},
    /* sums of all numbers of all rows; what is kept of each row is no sum */
    {PAIRS "u = d / sqrt(sum(d**2, axis=1) + 0.1)[:, None]\n"
           "entry f = sum(u**3) as y, max(u, axis=0) as m, u\n",
     2, 0},
    /* a list of neighbours for each: sums over all and over its own are taken together */
    {"input nb: i32[N, P], q[N, 3]\nr2 = sum((q[nb] - q[:, None])**2, axis=2)\n"
     "gradient sum(where(r2 < 1, 1/(r2 + 0.1), 0)) as y wrt q\n",
     1, 1},
    /* rows of rows */
    {PAIRS "m = d[:, :, None] * d[:, None, :] + eye(3)\n"
           "gradient sum(sum(m**2, axis=(1, 2)) * r + sum(m, axis=2)[:, 1]) as y wrt q\n",
     2, 1},
};

enum { P = 300, N = 11, NMODELS = sizeof models / sizeof *models };

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static sg_model *
model_of(int k)
{
	sg_model *m = sg_compile_string("rows.sg", models[k].text, strlen(models[k].text), NULL);

	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

START_TEST(rows_are_written_out_in_one_loop)
	{
		sg_model *m = model_of(_i);
		sg_failure why;
		const char *c = sg_write_c(m, "rows.h", 0, NULL, &why);

		ck_assert_msg(c != NULL, "%s", why.text);
		ck_assert_msg(count(c, "SGRT_EINDEX;") == models[_i].checks, "%.900s", c);
		if (models[_i].loops)
			ck_assert_msg(count(c, "< P; ") == models[_i].loops, "%.900s", c);
		sg_model_free(m);
	}
END_TEST

static void
bind(sg_call *c, const char *name, sg_dtype t, int rank, int64_t rows, int64_t columns,
     const void *data)
{
	const int64_t shape[] = {rows, columns};

	(void)sg_call_bind(c, name, t, rank, shape, data); /* where the model has it */
}

typedef struct data { /* which the calls read */
	int32_t i[P], j[P], nb[N * P];
	double r[P], q[N * 4], v[N * 4];
} data;

static void
fill(data *x, int32_t first)
{
	for (int k = 0; k < P; k++) {
		x->i[k] = k == 0 ? first : (7 * k) % N;
		x->j[k] = -1 - (5 * k) % N;
		x->r[k] = cos(k);
	}
	for (int k = 0; k < N * P; k++)
		x->nb[k] = k == 0 ? first : (3 * k + k / 7) % N;
	for (int k = 0; k < N * 4; k++) {
		x->q[k] = sin(k);
		x->v[k] = cos(3 * k);
	}
}

static sg_call *
call_of(sg_model *m, int k, sg_backend b, const data *x)
{
	sg_call *c = sg_call_new(m, NULL, b);

	bind(c, "i", SG_DTYPE_I32, 1, P, 0, x->i);
	bind(c, "j", SG_DTYPE_I32, 1, P, 0, x->j);
	bind(c, "nb", SG_DTYPE_I32, 2, N, P, x->nb);
	bind(c, "r", SG_DTYPE_F64, 1, P, 0, x->r);
	bind(c, "q", SG_DTYPE_F64, 2, N, strstr(models[k].text, "q[N, 4]") ? 4 : 3, x->q);
	bind(c, "v", SG_DTYPE_F64, 2, N, 4, x->v);
	bind(c, "b", SG_DTYPE_F64, 1, N, 0, x->v);
	return c;
}

static void
compare(sg_call *a, sg_call *b, const char *name)
{
	const sg_array *x = sg_call_output(a, name), *y = sg_call_output(b, name);
	const double *u, *v;
	size_t n = 1;

	ck_assert((x == NULL) == (y == NULL));
	if (!x)
		return;
	u = x->data;
	v = y->data;
	for (int k = 0; k < x->rank; k++)
		n *= (size_t)x->shape[k];
	for (size_t k = 0; k < n; k++)
		ck_assert_msg(fabs(u[k] - v[k]) <= 1e-12 * (1 + fabs(u[k])),
		              "%s[%zu]: %.17g, %.17g", name, k, u[k], v[k]);
}

START_TEST(rows_agree_with_the_evaluator)
	{
		static const char *const outputs[] = {"y",      "s",      "m",     "u",
		                                      "grad_q", "grad_v", "grad_b"};
		sg_model *m = model_of(_i);
		data x;
		sg_call *a = call_of(m, _i, SG_BACKEND_INTERP, &x);
		sg_call *b = call_of(m, _i, SG_BACKEND_CC, &x);

		fill(&x, 2);
		ck_assert_msg(sg_call_run(a) == SG_OK, "%s", sg_call_message(a));
		ck_assert_msg(sg_call_run(b) == SG_OK, "%s", sg_call_message(b));
		for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++)
			compare(a, b, outputs[k]);
		sg_call_free(a);
		sg_call_free(b);
		sg_model_free(m);
	}
END_TEST

START_TEST(indices_out_of_range_are_errors)
	{
		sg_model *m = model_of(_i);
		const int32_t first[] = {N, -N - 1, INT32_MAX, INT32_MIN};

		for (int k = 0; k < 4; k++) {
			data x;
			sg_call *a = call_of(m, _i, SG_BACKEND_INTERP, &x);
			sg_call *b = call_of(m, _i, SG_BACKEND_CC, &x);

			fill(&x, first[k]);
			ck_assert_int_ne(sg_call_run(a), SG_OK);
			ck_assert_int_eq(sg_call_run(a), sg_call_run(b));
			sg_call_free(a);
			sg_call_free(b);
		}
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rows");
	TCase *t = tcase_create("rows");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, rows_are_written_out_in_one_loop, 0, NMODELS);
	tcase_add_loop_test(t, rows_agree_with_the_evaluator, 0, NMODELS);
	tcase_add_loop_test(t, indices_out_of_range_are_errors, 0, NMODELS);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
