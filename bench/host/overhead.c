/* overhead.c - what a call object costs beside the raw function: the perceptron's gradient for one
 * row.
 *
 *     overhead [perceptron.sg [ROUNDS]]
 *
 * Both take turns; medians of the rounds are printed, in nanoseconds of the process's own time a
 * call. With ROUNDS 0 it makes 1000 calls of the object and nothing else, for callgrind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/symgrad.h"

enum { CALLS = 20000, MOST = 101 };

typedef int gradient_fn(ptrdiff_t n, const float *x, const float *y, const float *w, float *loss,
                        float *grad_w, void *work);

static float x[10] = {1}, y[2], w[20], loss, grad_w[20];
static _Alignas(64) unsigned char work[1 << 14];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static double
raw_round(gradient_fn *f)
{
	const double from = now();

	for (int i = 0; i < CALLS; i++)
		(void)f(1, x, y, w, &loss, grad_w, work);
	return (now() - from) / CALLS;
}

static double
call_round(sg_call *c)
{
	const double from = now();

	for (int i = 0; i < CALLS; i++)
		(void)sg_call_run(c);
	return (now() - from) / CALLS;
}

/* The arrays are other ones each time, of the same shapes. */
static double
bind_round(sg_call *c)
{
	static float other[10];
	static const int64_t shape[] = {1, 10};
	const double from = now();

	for (int i = 0; i < CALLS; i++) {
		(void)sg_call_bind(c, "x", SG_DTYPE_F32, 2, shape, i & 1 ? x : other);
		(void)sg_call_run(c);
	}
	return (now() - from) / CALLS;
}

static int
ascending(const void *a, const void *b)
{
	const double p = *(const double *)a, q = *(const double *)b;

	return (p > q) - (p < q);
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, ascending);
	return v[n / 2];
}

static int
bind_all(sg_call *c)
{
	int status = sg_call_bind(c, "x", SG_DTYPE_F32, 2, (const int64_t[]){1, 10}, x);

	if (status == SG_OK)
		status = sg_call_bind(c, "y", SG_DTYPE_F32, 2, (const int64_t[]){1, 2}, y);
	if (status == SG_OK)
		status = sg_call_bind(c, "w", SG_DTYPE_F32, 2, (const int64_t[]){2, 10}, w);
	if (status == SG_OK)
		status = sg_call_bind_output(c, "loss", SG_DTYPE_F32, 0, NULL, &loss);
	if (status == SG_OK)
		status = sg_call_bind_output(c, "grad_w", SG_DTYPE_F32, 2, (const int64_t[]){2, 10},
		                             grad_w);
	return status == SG_OK ? sg_call_run(c) : status;
}

static void
measure(sg_call *c, gradient_fn *raw, size_t rounds)
{
	double a[MOST], b[MOST], d[MOST];

	for (size_t i = 0; i < rounds; i++) {
		a[i] = raw_round(raw);
		b[i] = call_round(c);
		d[i] = bind_round(c);
	}
	const double r = median(a, rounds), k = median(b, rounds), n = median(d, rounds);
	printf("raw pointer          %8.1f ns\n", r);
	printf("sg_call_run          %8.1f ns   + %.1f ns   ratio %.3f\n", k, k - r, k / r);
	printf("bind, sg_call_run    %8.1f ns   + %.1f ns   ratio %.3f\n", n, n - r, n / r);
}

int
main(int argc, char **argv)
{
	const int rounds = argc > 2 ? atoi(argv[2]) : 51;
	sg_model *m = sg_compile_file(argc > 1 ? argv[1] : "examples/perceptron.sg", NULL);
	sg_call *c = sg_call_new(m, "gradient", SG_BACKEND_AUTO);
	sg_failure why = {0};
	int status = sg_model_ok(m) ? bind_all(c) : SG_EMODEL;
	gradient_fn *raw = NULL;

	if (status == SG_OK)
		raw =
		    (gradient_fn *)sg_entry_function(m, sg_call_entry(c), sg_call_backend(c), &why);
	if (!raw)
		fprintf(stderr, "%s%s%s\n", sg_model_report(m, 0), sg_call_message(c), why.text);
	else if (rounds > 0)
		measure(c, raw, (size_t)(rounds < MOST ? rounds : MOST));
	for (int i = 0; raw && rounds == 0 && i < 1000; i++)
		(void)sg_call_run(c);
	sg_call_free(c);
	sg_model_free(m);
	return raw ? EXIT_SUCCESS : EXIT_FAILURE;
}
