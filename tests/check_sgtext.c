/* check_sgtext.c - a program written as .sg text compiles again to the same numbers. */
#include "back/back.h"
#include "front/front.h"
#include "pass/pass.h"

#include "symgrad_runtime.h"
#include "tensor_element.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIMS = 8, MAX_OUT = 64 };

typedef struct job {
	sg_ctx *ctx;
	const char *text;
	char written[1 << 16];
	bool simplify; /* as `diff` does */
	double worst;
} job;

static sg_program *
compile(sg_ctx *ctx, const char *text)
{
	const sg_front_options o = {.nfix = 0};
	const sg_source *s = sg_source_text(ctx, "test.sg", text, strlen(text));
	sg_program *p = sg_front(ctx, s, &o);
	sg_buf b;

	sg_buf_init(&b, ctx);
	sg_diags_text(ctx, &b, false);
	ck_assert_msg(p != NULL, "%s\n%s", sg_buf_text(&b), text);
	sg_derive(ctx, p);
	return p;
}

static sg_tensor
tensor(sg_ctx *ctx, const sg_program *p, sg_ref r)
{
	int64_t dims[MAX_DIMS];
	sg_tensor t = {.rank = 0};

	for (int i = 0; i < MAX_DIMS; i++)
		dims[i] = 2 + i;
	ck_assert_int_eq(sg_tensor_shape(p->g, r, dims, &t), SGRT_OK);
	t.data = sg_alloc_array(ctx, (size_t)t.count + 1, sg_type_size(t.type));
	return t;
}

/* Values of all outputs, inputs being some numbers between 0.3 and 1.8. */
static size_t
evaluate(sg_ctx *ctx, const sg_program *p, sg_tensor *out)
{
	const sg_tensor **in = SG_NEW_ARRAY(ctx, const sg_tensor *, p->ninputs);
	int64_t dims[MAX_DIMS];
	uint32_t seed = 1;
	size_t n = 0;

	for (int i = 0; i < MAX_DIMS; i++)
		dims[i] = 2 + i;
	for (size_t i = 0; i < p->ninputs; i++) {
		sg_tensor *t = SG_NEW(ctx, sg_tensor);

		*t = tensor(ctx, p, p->input[i].ref);
		for (int64_t k = 0; k < t->count; k++) {
			double v;

			seed = seed * 1664525u + 1013904223u;
			v = 0.3 + 1.5 * (seed >> 8) / 16777216.0;
			set(t, k, t->type == SG_BOOL ? v > 1 : v);
		}
		in[i] = t;
	}
	for (size_t e = 0; e < p->nentries; e++)
		for (size_t k = 0; k < p->entry[e].nout; k++) {
			const sg_ref r = p->entry[e].out[k].ref;

			out[n] = tensor(ctx, p, r);
			ck_assert_int_eq(sg_interp(ctx, p, 1, &r, dims, in, &out[n++]), SGRT_OK);
		}
	return n;
}

static void
write_and_read(void *arg)
{
	job *j = arg;
	sg_program *p = compile(j->ctx, j->text), *q;
	sg_tensor a[MAX_OUT], b[MAX_OUT];
	size_t n = evaluate(j->ctx, p, a);
	sg_buf t;

	if (j->simplify)
		sg_algebra(j->ctx, p, false);
	sg_buf_init(&t, j->ctx);
	sg_program_sg(j->ctx, p, &t);
	snprintf(j->written, sizeof j->written, "%s", sg_buf_text(&t));
	q = compile(j->ctx, sg_buf_text(&t));
	ck_assert_uint_eq(evaluate(j->ctx, q, b), n);
	for (size_t k = 0; k < n; k++) {
		ck_assert_msg(a[k].type == b[k].type && a[k].rank == b[k].rank &&
		                  a[k].count == b[k].count,
		              "output %zu has changed its shape\n%s", k, j->written);
		for (int64_t i = 0; i < a[k].count; i++) {
			const double x = get(&a[k], i), y = get(&b[k], i);
			const double d = isnan(x) && isnan(y) ? 0 : fabs(x - y) / (1 + fabs(x));

			j->worst = d <= j->worst ? j->worst : d;
		}
	}
}

static double
round_trip(const char *text, bool simplify, char *written)
{
	job *j = calloc(1, sizeof *j);
	double worst;
	sg_fault f;

	*j = (job){.ctx = sg_ctx_new(), .text = text, .simplify = simplify};
	f = sg_protect(j->ctx, write_and_read, j);
	ck_assert_msg(f == SG_FAULT_NONE, "%s\n%s", sg_fault_text(j->ctx), text);
	sg_ctx_free(j->ctx);
	if (written)
		strcpy(written, j->written);
	worst = j->worst;
	free(j);
	return worst;
}

static const char *const models[] = {
    "real f32\n"
    "input x[N, 10], y[N, 2] = ones([N, 2])\n"
    "param w[2, 10] = 0.1*randn([2, 10], seed=1)\n"
    "o = tanh(x @ w.T)\n"
    "loss = mse_loss(o, y)\n"
    "output o, loss\n"
    "gradient loss wrt w\n"
    "entry curvature = hessian(loss, w) as H, norm(grad(loss, w)) as slope\n",
    /* slices, forward and backward, with symbolic extents; their adjoints */
    "input x[2*N + 1], y[N//2]\n"
    "z = x[1:N+1]*x[N+1:] + sum(y)\n"
    "u = x[::2]\n"
    "v = x[1::2]\n"
    "q = reshape(x[1:], [N, 2])\n"
    "L = sum(z**2) + sum(u**3)*sum(v) + sum(q[:, 1])\n"
    "output z, u, v, q, N//2 + N as c, x[-1] as last, q[0, ::-1] as back\n"
    "gradient L wrt x, y\n"
    "entry h = hessian(L, x) as H, jacobian(x[::-2], x) as J, jacobian(x[-2:0:-1], x) as K\n",
    /* types and promotion */
    "real f32\n"
    "dim M\n"
    "input x[N, M], i: i32[N], b: bool[N], d: f64[N]\n"
    "k = where(b, d, 0.25)*i + 0.1\n"
    "output k, cast(i, f64)*0.1 as cd, i // 2 as fd, i % 3 as md, -(i // 2) as nfd, i*i as ii,\n"
    "    b and (i > 1) or not b as lb, 3.5 as lit, full([N], 7) as sev, zeros([2]) == 0 as zz,\n"
    "    true as tt, N as nn, N*M//2 as nm, sum(x)/N as mm, mean(x, axis=0) as m0, sum(b) as sb\n",
    /* movement, linear algebra */
    "input x[N], y[N], A[N, N], B[3, N, 4], C[3, 4, 5]\n"
    "o = outer(x, y)\n"
    "e = einsum(\"ij,jk,k->i\", A, o, y)\n"
    "m = B @ C\n"
    "tr = trace(A @ A) + dot(x, y)\n"
    "f = roll(x, 1) + flip(y)\n"
    "p = pad(x, ((1, 2),))\n"
    "st = stack((x, y), axis=1)\n"
    "t = tril(A) + triu(A, k=1)\n"
    "L = sum(e*x) + sum(m**2) + tr + sum(f*x) + sum(p**2) + sum(st*[x, y].T) + sum(t**2)\n"
    "output o, e, m, A @ B as ab, f, p, repeat(x, 2) as r, tile(y, (2,)) as ti,\n"
    "    one_hot(2, 4) as oh, concat((x, y, x)) as c, st, t, diag(x) as dg, diag(A) as df,\n"
    "    transpose(B, (2, 0, 1)) as tb, expand_dims(x, 0) as ex\n"
    "gradient L wrt x, y, A, B, C\n"
    "entry h = hvp(L, x, y) as hv, jacobian(softmax(x), x) as js\n",
    /* reductions, rows, recurrences, random numbers */
    "input x[N, M]\n"
    "output cumsum(x) as a, cumprod(x, axis=1) as b, max(x, axis=1) as c, argmax(x) as d,\n"
    "    argmin(x, axis=0) as e, any(x > 1, axis=1) as f, all(x > 0) as g, softmax(x, axis=0) as "
    "h,\n"
    "    logsumexp(x, axis=0) as i, norm(x, axis=0) as j, log_softmax(x) as k, prod(x) as l,\n"
    "    rand([N, 3], seed=N) as m, randn([2], 5) as n, min(x) as o, var(x) as p\n"
    "gradient sum(cumprod(x)**2) + prod(x) as L wrt x\n"
    "entry s = jvp(cumprod(x), x, x) as t, hessian(prod(x[0]), x) as u\n",
    /* elementwise functions that have a form of their own */
    "input x, y[N]\n"
    "output log(1 - exp(-x)) as a, 1/sqrt(y) as b, x**-1.5 as c, -(x**2) as d, (-x)**2 as e,\n"
    "    x - (y - x) as f, x/(y*x) as g, x*(y/x) as h, (x < 1) == (y < 1) as i, 2 - -x as j,\n"
    "    -x*y as k, -(x + y) as l, clamp(y, 0.5, 1) as m, polygamma(1, x) as n, inf*x as o,\n"
    "    maximum(x, y) as p, atan2(x, y) as q, hypot(x, y) as r, 1e-7*x as s, x % 0.7 as t,\n"
    "    0 - x as u, floor(y) as v, softplus(x) as w, gelu(y) as z, stop_gradient(x) as aa\n",
    /* defaults that share values; names that get in the way */
    "model while_\n"
    "input sum_, t1, e\n"
    "param q[N] = exp(0.1*arange(N)) + 1/(1 + exp(0.1*arange(N)))*exp(0.1*arange(N))\n"
    "b = sin(t1*e) + cos(t1*e)*sum_\n"
    "norm_ = b*b + b\n"
    "output norm_ as norm, t1*e as sin, e as e2, e, b, sum(q) as sum\n"
    "entry g = grad(norm_, t1) as exp, grad(norm_, e) as t1\n",
    "input x[N, M], t: i64[N]\n"
    "loss = cross_entropy(x, t)\n"
    "gradient loss wrt x\n"
    "entry h = hessian(loss, x) as H\n",
};

START_TEST(written_programs_compile_to_the_same_numbers)
	{
		ck_assert(round_trip(models[_i], false, NULL) <= 1e-6 * (_i == 0) + 1e-14);
	}
END_TEST

START_TEST(simplified_programs_compile_to_the_same_numbers)
	{
		ck_assert(round_trip(models[_i], true, NULL) <=
		          1e-5 * (_i == 0 || _i == 2) + 1e-12);
	}
END_TEST

/* Expressions that are written as they were read. */
static const char *const same[] = {
    "x + y - z",
    "x - (y + z)",
    "x*y*z",
    "x*(y + z)",
    "x/(y*z)",
    "-x**2",
    "-(x - y)**2",
    "x**y**z",
    "(x**y)**z",
    "x**-y",
    "-x*y",
    "1/x",
    "x - y*z",
    "2*x",
    "x/y",
    "sqrt(x + y)",
    "-(x + y)",
    "where(x < y, x, y)",
    "x//y",
    "-(x//y)",
    "x % y",
    "exp(-x)",
    "x*(y//z)",
    "atan2(x, y)",
    "x < y and y < z",
    "(x < y) == (y < z)",
    "not x < y",
    "x**2 + y**2",
    "0.1*x",
    "1e-07*x",
    "hypot(x, y)*z",
    "x*(y/z)",
    "log(1 - exp(x))",
    "x + 0.5",
    "maximum(x, -y)",
};

static void
write_expr(void *arg)
{
	job *j = arg;
	const sg_front_options o = {.nfix = 0};
	const sg_source *s = sg_source_text(j->ctx, "<expr>", j->text, strlen(j->text));
	sg_program *p = sg_front_expr(j->ctx, s, &o, 0, NULL);
	sg_buf b;

	ck_assert_msg(p != NULL, "%s", j->text);
	sg_buf_init(&b, j->ctx);
	sg_expr_sg(j->ctx, p, p->entry[0].out[0].ref, &b);
	snprintf(j->written, sizeof j->written, "%s", sg_buf_text(&b));
}

START_TEST(expressions_have_no_needless_parentheses)
	{
		job *j = calloc(1, sizeof *j);

		*j = (job){.ctx = sg_ctx_new(), .text = same[_i]};
		ck_assert_int_eq(sg_protect(j->ctx, write_expr, j), SG_FAULT_NONE);
		ck_assert_str_eq(j->written, same[_i]);
		sg_ctx_free(j->ctx);
		free(j);
	}
END_TEST

START_TEST(a_program_is_written_in_full)
	{
		char *text = malloc(1 << 16);

		round_trip(
		    "model m\nreal f32\ninput x[N, 3], t: i32\nparam w[3] = zeros([3])\n"
		    "h = x @ w + t\nloss = mean(h**2)\noutput h, loss\ngradient loss wrt w\n",
		    true, text);
		ck_assert_str_eq(text,
		                 "model m\nreal f32\ninput x[N, 3]\ninput t: i32\n"
		                 "param w[3] = zeros([3])\n\nh = x @ w + t\nloss = mean(h**2)\n"
		                 "d_h = 2*h/N\ngrad_w = d_h @ x\noutput h, loss\n"
		                 "entry gradient = loss, grad_w\n");
		free(text);
	}
END_TEST

START_TEST(lines_end_before_the_hundredth_column)
	{
		char *text = malloc(1 << 16), *model = malloc(1 << 14), *m = model;

		m += sprintf(m, "input first_operand, second_operand\noutput ");
		for (int i = 0; i < 60; i++)
			m += sprintf(m, "%ssin(%d*first_operand)*cos(second_operand**%d)",
			             i ? " + " : "", i + 2, i + 2);
		sprintf(m, " as s\n");
		ck_assert(round_trip(model, false, text) <= 1e-14);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			ck_assert_msg(strlen(line) <= 100, "%s", line);
		free(text);
		free(model);
	}
END_TEST

int
main(void)
{
	const int nmodels = (int)(sizeof models / sizeof *models);
	Suite *s = suite_create("sgtext");
	TCase *t = tcase_create("sgtext");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, written_programs_compile_to_the_same_numbers, 0, nmodels);
	tcase_add_loop_test(t, simplified_programs_compile_to_the_same_numbers, 0, nmodels);
	tcase_add_loop_test(t, expressions_have_no_needless_parentheses, 0,
	                    (int)(sizeof same / sizeof *same));
	tcase_add_test(t, a_program_is_written_in_full);
	tcase_add_test(t, lines_end_before_the_hundredth_column);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
