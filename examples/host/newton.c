/* newton.c - the minimum of Rosenbrock's function by Newton's method: gradient and Hessian are
 * outputs of a model that stands in the program as text, compiled when it starts.
 *
 *     newton
 *
 * Each step solves H d = g by Gauss' elimination, n being small. */
#include <symgrad.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4, STEPS = 100 };

static const char text[] = "input x[N]\n"
			   "f = sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)\n"
			   "entry newton = f, grad(f, x) as g, hessian(f, x) as H\n";

/* d becomes the solution of A d = d; A [N, N] is used up. */
static void
solve(double *a, double *d)
{
	for (int k = 0; k < N; k++) {
		int pivot = k;

		for (int i = k + 1; i < N; i++)
			if (fabs(a[i * N + k]) > fabs(a[pivot * N + k]))
				pivot = i;
		for (int j = 0; j < N; j++) {
			const double t = a[k * N + j];

			a[k * N + j] = a[pivot * N + j];
			a[pivot * N + j] = t;
		}
		const double t = d[k];
		d[k] = d[pivot];
		d[pivot] = t;
		for (int i = k + 1; i < N; i++) {
			const double factor = a[i * N + k] / a[k * N + k];

			for (int j = k; j < N; j++)
				a[i * N + j] -= factor * a[k * N + j];
			d[i] -= factor * d[k];
		}
	}
	for (int k = N - 1; k >= 0; k--) {
		for (int j = k + 1; j < N; j++)
			d[k] -= a[k * N + j] * d[j];
		d[k] /= a[k * N + k];
	}
}

int
main(void)
{
	double x[N] = {0.8, 0.7, 0.5, 0.3}, f = 1, g[N], hessian[N * N], size = 1;
	const int64_t n = N, square[] = {N, N};
	sg_model *m = sg_compile_string("rosenbrock", text, strlen(text), NULL);
	sg_call *c = sg_call_new(m, "newton", SG_BACKEND_AUTO);
	int status, step;

	if (!sg_model_ok(m))
		fputs(sg_model_report(m, 0), stderr);
	status = sg_call_bind(c, "x", SG_DTYPE_F64, 1, &n, x);
	if (status == SG_OK)
		status = sg_call_bind_output(c, "f", SG_DTYPE_F64, 0, NULL, &f);
	if (status == SG_OK)
		status = sg_call_bind_output(c, "g", SG_DTYPE_F64, 1, &n, g);
	if (status == SG_OK)
		status = sg_call_bind_output(c, "H", SG_DTYPE_F64, 2, square, hessian);
	for (step = 0; status == SG_OK && size > 1e-12 && step < STEPS; step++) {
		status = sg_call_run(c);
		solve(hessian, g);
		size = 0;
		for (int i = 0; i < N; i++) {
			x[i] -= g[i];
			size = fmax(size, fabs(g[i]));
		}
		printf("step %2d   f %.6e   change %.1e\n", step + 1, f, size);
	}
	if (status != SG_OK)
		fprintf(stderr, "%s\n", sg_call_message(c));
	sg_call_free(c);
	sg_model_free(m);
	return status == SG_OK && fabs(x[0] - 1) < 1e-9 && fabs(x[N - 1] - 1) < 1e-9 ? EXIT_SUCCESS
	                                                                             : EXIT_FAILURE;
}
