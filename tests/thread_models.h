/* thread_models.h - models with work for several threads, for check_openmp and check_threads. */
#ifndef SG_THREAD_MODELS_H
#define SG_THREAD_MODELS_H

#include <check.h>
#include <stdio.h>

#include "api/symgrad.h"

/* Each is large enough for threads in at least one way. */
static const struct {
	const char *claim, *text;
	const char *dims; /* "N=3 M=4" */
	int wants;        /* parallel loops at least */
} models[] = {
    {"elements", "input x[N], y[N]\noutput tanh(x)*exp(y) as z\n", "N=100003", 1},
    {"rows", "input x[N, M]\noutput softmax(x*x) as p, sum(x, axis=1) as s\n", "N=1003 M=301", 2},
    {"columns", "input x[N, M]\noutput sum(x, axis=0) as s, max(x, axis=0) as m\n", "N=2003 M=301",
     1},
    {"short rows summed", "input x[N, 8], w[8]\noutput sum(exp(x)*w, axis=1) as s\n", "N=50003", 1},
    {"distances to few points",
     "input x[N, 2], c[5, 2]\noutput sum((x[:, None] - c)**2, axis=2) as d, max(x, axis=1) as m\n",
     "N=50003", 1},
    {"what is turned", "input x[N], y[N]\noutput roll(exp(x), 3)*y as z, roll(y, -2) as w\n",
     "N=200003", 1},
    {"everything summed", "input x[N]\noutput sum(exp(x)) as s, max(x) as m, mean(x**2) as q\n",
     "N=200003", 1},
    {"sums of few rows", "input x[N, M]\noutput sum(x*x.T[0, 0], axis=(0, 1)) as s\n",
     "N=3 M=100003", 1},
    {"products",
     "real f32\ninput x[N, K]\nparam w[K, M], b[M]\nh = relu(x @ w + b)\n"
     "loss = sum(h*h)\ngradient loss wrt w, b, x\n",
     "N=301 K=129 M=270", 4},
    {"products of many small matrices", "input x[B, N, N], y[B, N, N]\noutput x @ y as z\n",
     "B=200 N=40", 1},
    {"gathers", "input x[N], i: i64[M]\noutput x[i]*2 as y, sum(x[i]**2) as s\n", "N=10 M=200003",
     1},
    {"running sums", "input x[N, M]\noutput cumsum(x, axis=1) as y\n", "N=401 M=1003", 1},
    {"pieces", "input x[N]\ny = sum((x[1:] - x[:-1])**2 * x[1:])\ngradient y wrt x\n", "N=200003",
     1},
    {"integers",
     "input x[N], k: i64[N]\noutput sum(k*k) as s, k + 1 as q, "
     "all(x > 0) as b\n",
     "N=200003", 1},
    {"where the least is",
     "input x[N, M]\nk = where(x > 0.5, x, 0.0)\n"
     "output argmin(x, axis=1) as a, k as z\n",
     "N=503 M=203", 1},
};
enum { MODELS = sizeof models / sizeof *models };

/* By the evaluator, with its data. */
static inline sg_call *
judge_of(sg_model *m, const char *entry, const char *dims)
{
	sg_call *c = sg_call_new(m, entry, SG_BACKEND_INTERP);
	char name[16];
	int value, n;

	ck_assert_msg(sg_call_status(c) == SG_OK, "%s", sg_call_message(c));
	for (; sscanf(dims, " %15[A-Z]=%d%n", name, &value, &n) == 2; dims += n)
		(void)sg_call_set_dim(c, name, value);
	ck_assert_msg(sg_call_make_up(c, 1) == SG_OK, "%s", sg_call_message(c));
	ck_assert_msg(sg_call_run(c) == SG_OK, "%s", sg_call_message(c));
	return c;
}

static inline double
element(const void *data, sg_dtype t, int64_t i)
{
	return t == SG_DTYPE_F32   ? (double)((const float *)data)[i]
	       : t == SG_DTYPE_F64 ? ((const double *)data)[i]
	       : t == SG_DTYPE_I64 ? (double)((const int64_t *)data)[i]
	                           : (double)((const uint8_t *)data)[i];
}

#endif
