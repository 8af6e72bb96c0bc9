/* check_algebra.c - derivatives read as a person would write them, and are still the derivatives.
 */
#include "back/back.h"
#include "front/front.h"
#include "pass/pass.h"

#include "symgrad_runtime.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
	sg_ctx *ctx;
	const char *expr, *wrt;
	char text[1024], latex[1024];
	double plain, simplified; /* values at one point */
} job;

/* The value of the one output, every input being 0.3, 0.4, ... */
static double
value_of(sg_ctx *ctx, const sg_program *p)
{
	double x[16], y = 0;
	sg_tensor in[16], out = {.type = SG_F64, .count = 1, .data = &y};
	const sg_tensor *inp[16];
	const sg_ref r = p->entry[0].out[0].ref;

	for (size_t i = 0; i < p->ninputs; i++) {
		x[i] = 0.3 + 0.1 * (double)i;
		in[i] = (sg_tensor){.type = SG_F64, .count = 1, .data = &x[i]};
		inp[i] = &in[i];
	}
	ck_assert_int_eq(sg_interp(ctx, p, 1, &r, NULL, inp, &out), SGRT_OK);
	return y;
}

static void
differentiate(void *arg)
{
	job *j = arg;
	const sg_front_options o = {.nfix = 0};
	const sg_source *s = sg_source_text(j->ctx, "<expr>", j->expr, strlen(j->expr));
	const char *wrt = sg_intern_z(j->ctx, j->wrt);
	sg_program *p = sg_front_expr(j->ctx, s, &o, 1, &wrt);
	sg_buf b;

	ck_assert_msg(p != NULL, "%s does not compile", j->expr);
	sg_derive(j->ctx, p);
	j->plain = value_of(j->ctx, p);
	sg_algebra(j->ctx, p, true);
	sg_graph_check(p->g);
	j->simplified = value_of(j->ctx, p);
	sg_buf_init(&b, j->ctx);
	sg_expr_sg(j->ctx, p, p->entry[0].out[0].ref, &b);
	snprintf(j->text, sizeof j->text, "%s", sg_buf_text(&b));
	sg_buf_init(&b, j->ctx);
	sg_expr_latex(j->ctx, p, p->entry[0].out[0].ref, &b);
	snprintf(j->latex, sizeof j->latex, "%s", sg_buf_text(&b));
}

static job
diff(const char *expr, const char *wrt)
{
	job j = {.ctx = sg_ctx_new(), .expr = expr, .wrt = wrt};
	sg_fault f = sg_protect(j.ctx, differentiate, &j);

	ck_assert_msg(f == SG_FAULT_NONE, "%s: %s", expr, sg_fault_text(j.ctx));
	sg_ctx_free(j.ctx);
	return j;
}

static const struct {
	const char *expr, *wrt, *text, *latex; /* latex NULL: not asked */
} rows[] = {
    {"sin(x)**2", "x", "2*sin(x)*cos(x)", "2 \\sin\\left(x\\right) \\cos\\left(x\\right)"},
    {"x**3", "x", "3*x**2", "3 x^{2}"},
    {"exp(2*x)", "x", "2*exp(2*x)", "2 e^{2 x}"},
    {"1/x", "x", "-1/x**2", "-\\frac{1}{x^{2}}"},
    {"log(x)", "x", "1/x", "\\frac{1}{x}"},
    {"sqrt(x)", "x", "1/(2*sqrt(x))", "\\frac{1}{2 \\sqrt{x}}"},
    {"x*exp(x)", "x", "exp(x) + x*exp(x)", "e^{x} + x e^{x}"},
    {"tan(x)", "x", "1 + tan(x)**2", "1 + \\tan^{2}\\left(x\\right)"},
    {"x**y", "x", "y*x**(y - 1)", "y x^{y - 1}"},
    {"x**y", "y", "x**y*log(x)", NULL},
    {"sin(x)*cos(x)", "x", "cos(x)**2 - sin(x)**2", NULL},
    {"tanh(x)", "x", "1 - tanh(x)**2", NULL},
    {"sigmoid(x)", "x", "sigmoid(x)*(1 - sigmoid(x))", NULL},
    {"log(1+x)", "x", "1/(1 + x)", "\\frac{1}{1 + x}"},
    {"(a*x+b)**2", "x", "2*a*(a*x + b)", "2 a \\left(a x + b\\right)"},
    {"x/(1+x)", "x", "1/(1 + x)**2", "\\frac{1}{\\left(1 + x\\right)^{2}}"},
    {"(x-1)/(x+1)", "x", "2/(1 + x)**2", NULL},
    {"3*x + 2", "x", "3", "3"},
    {"relu(3*x)", "x", "3*where(3*x > 0, 1.0, 0.0)", NULL},
    {"5*y + 0*x", "x", "0", "0"},
    {"asin(x)", "x", "1/sqrt(1 - x**2)", NULL},
    {"asinh(x)", "x", "1/sqrt(1 + x**2)", NULL},
    {"exp(-x**2)", "x", "-2*x*exp(-x**2)", NULL},
    {"exp(-x**2/2)/sqrt(2*pi)", "x", "-x*exp(-x**2/2)/sqrt(2*pi)", NULL},
    {"exp(-a*t)*cos(b*t)", "t", "-b*exp(-a*t)*sin(b*t) - a*exp(-a*t)*cos(b*t)", NULL},
    {"erf(x)", "x", "2*exp(-x**2)/sqrt(pi)", "\\frac{2 e^{-x^{2}}}{\\sqrt{\\pi}}"},
    {"2**x", "x", "log(2)*2**x", NULL},
    {"x**x", "x", "x**x + x**x*log(x)", NULL},
    {"x**2*y**3", "x", "2*x*y**3", NULL},
    {"sqrt(1+x**2)", "x", "x/sqrt(1 + x**2)", NULL},
    {"0.1*x**2", "x", "0.2*x", NULL},
    {"x**2/2", "x", "x", NULL},
    {"x**4/8", "x", "x**3/2", NULL},
    {"sin(x)**2 + cos(x)**2 + x", "x", "1", NULL},
    {"x*y*z", "y", "x*z", NULL},
    {"exp(x)*exp(2*x)", "x", "3*exp(3*x)", NULL},
    {"(1+x)*(1-x)", "x", "-2*x", NULL},
    {"alpha_1*x", "x", "alpha_1", "\\alpha_{1}"},
    {"cos(x)", "x", "-sin(x)", NULL},
    {"x - 1/x", "x", "1 + 1/x**2", NULL},
};

START_TEST(derivatives_read_as_people_write_them)
	{
		const job j = diff(rows[_i].expr, rows[_i].wrt);

		ck_assert_str_eq(j.text, rows[_i].text);
		if (rows[_i].latex)
			ck_assert_str_eq(j.latex, rows[_i].latex);
	}
END_TEST

START_TEST(simplification_keeps_values)
	{
		const job j = diff(rows[_i].expr, rows[_i].wrt);

		ck_assert_msg(fabs(j.plain - j.simplified) <= 1e-13 * (1 + fabs(j.plain)),
		              "d/d%s %s: %g became %g", rows[_i].wrt, rows[_i].expr, j.plain,
		              j.simplified);
	}
END_TEST

/* Random expressions over + - * / and a few functions. */
static size_t
random_expr(char *s, size_t room, unsigned *seed, int depth)
{
	static const char *const leaf[] = {"x", "y", "2", "0.5", "x", "3"};
	static const char *const call[] = {"sin", "cos", "exp", "sqrt", "tanh", "log"};
	static const char *const op[] = {"+", "-", "*", "/", "*", "+"};
	const unsigned k = (*seed = *seed * 1103515245u + 12345u) >> 16;
	size_t n;

	if (depth == 0 || room < 64)
		return (size_t)snprintf(s, room, "%s", leaf[k % 6]);
	if (k % 4 == 0) {
		n = (size_t)snprintf(s, room, "%s(1.5 + sin(", call[k / 4 % 6]);
		n += random_expr(s + n, room - n, seed, depth - 1);
		return n + (size_t)snprintf(s + n, room - n, "))");
	}
	n = (size_t)snprintf(s, room, "(");
	n += random_expr(s + n, room - n, seed, depth - 1);
	n += (size_t)snprintf(s + n, room - n, " %s ", op[k / 4 % 6]);
	n += random_expr(s + n, room - n, seed, depth - 1);
	return n + (size_t)snprintf(s + n, room - n, k % 4 == 1 ? "**2)" : ")");
}

START_TEST(random_derivatives_keep_values)
	{
		for (unsigned trial = 0; trial < 300; trial++) {
			unsigned seed = trial;
			char s[4096];

			random_expr(s, sizeof s, &seed, 4);
			strcat(s, " + 0*x"); /* x is there */
			const job j = diff(s, "x");
			if (isfinite(j.plain) && fabs(j.plain) < 1e8)
				ck_assert_msg(fabs(j.plain - j.simplified) <=
				                  1e-9 * (1 + fabs(j.plain)),
				              "seed %u: %s: %.17g became %.17g", trial, s, j.plain,
				              j.simplified);
		}
	}
END_TEST

/* A sum of very many terms and a very deep product take linear time. */
START_TEST(long_expressions_end)
	{
		const int n = 20000;
		char *s = malloc((size_t)n * 16), *e = s;

		e += sprintf(e, "x");
		for (int i = 0; i < n; i++)
			e += sprintf(e, i % 2 ? " + %d*x*y" : "*y - %d", i % 7 + 2);
		const job j = diff(s, "x");
		ck_assert(fabs(j.plain - j.simplified) <= 1e-9 * (1 + fabs(j.plain)));
		free(s);
	}
END_TEST

int
main(void)
{
	const int nrows = (int)(sizeof rows / sizeof *rows);
	Suite *s = suite_create("algebra");
	TCase *t = tcase_create("algebra");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, derivatives_read_as_people_write_them, 0, nrows);
	tcase_add_loop_test(t, simplification_keeps_values, 0, nrows);
	tcase_add_test(t, random_derivatives_keep_values);
	tcase_add_test(t, long_expressions_end);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
