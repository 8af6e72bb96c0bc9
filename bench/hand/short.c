/* short.c - by hand: the workloads of a few lines. */
#include "hand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int
hand_hello_square(const double *x, double *y, void *work)
{
	(void)work;
	*y = *x * *x;
	return 0;
}

int
hand_kmeans_cost(ptrdiff_t N, ptrdiff_t D, ptrdiff_t K, const double *points,
                 const double *centroids, double *cost, void *work)
{
	double total = 0;
	ptrdiff_t i, j, d;

	(void)work;
	for (i = 0; i < N; i++) {
		double best = INFINITY;

		for (j = 0; j < K; j++) {
			double sum = 0;

			for (d = 0; d < D; d++) {
				double e = centroids[j * D + d] - points[i * D + d];

				sum += e * e;
			}
			best = sum < best ? sum : best;
		}
		total += best;
	}
	*cost = total;
	return 0;
}

/* Tiles of places, for which the polynomials go by Horner side by side. */
int
hand_llsq_primal(ptrdiff_t n, ptrdiff_t m, const double *x, double *y, void *work)
{
	enum { TILE = 64 };
	double total = 0;
	ptrdiff_t from, i, j;

	(void)work;
	for (from = 0; from < n; from += TILE) {
		ptrdiff_t count = n - from < TILE ? n - from : TILE;
		double t[TILE], p[TILE] = {0};

		for (i = 0; i < count; i++) {
			t[i] = -1 + 2 * (double)(from + i) / (double)(n - 1);
		}
		for (j = m - 1; j >= 0; j--) {
			for (i = 0; i < count; i++) {
				p[i] = p[i] * t[i] + x[j];
			}
		}
		for (i = 0; i < count; i++) {
			double r = (double)((t[i] > 0) - (t[i] < 0)) - p[i];

			total += r * r;
		}
	}
	*y = 0.5 * total;
	return 0;
}

int
hand_lse_primal(ptrdiff_t n, const double *x, double *y, void *work)
{
	double top = x[0], sum = 0;
	ptrdiff_t i;

	(void)work;
	for (i = 1; i < n; i++) {
		top = x[i] > top ? x[i] : top;
	}
	for (i = 0; i < n; i++) {
		sum += exp(x[i] - top);
	}
	*y = top + log(sum);
	return 0;
}

/* Minors of the last rows, by the sets of their columns, each from smaller ones. */
static double
minors(const double *A, int n)
{
	double *minor = malloc(sizeof *minor << n), d;
	unsigned set, left;

	minor[0] = 1;
	for (set = 1; set < 1u << n; set++) {
		const double *row = A + (n - __builtin_popcount(set)) * n;
		double sum = 0, sign = 1;

		for (left = set; left; left &= left - 1) {
			int j = __builtin_ctz(left);

			sum += sign * row[j] * minor[set & ~(1u << j)];
			sign = -sign;
		}
		minor[set] = sum;
	}
	d = minor[(1u << n) - 1];
	free(minor);
	return d;
}

int
hand_det7_primal(const double *A, double *d, void *work)
{
	(void)work;
	*d = minors(A, 7);
	return 0;
}

int
hand_det10_primal(const double *A, double *d, void *work)
{
	(void)work;
	*d = minors(A, 10);
	return 0;
}

static void
slope(ptrdiff_t n, const double *restrict x, const double *restrict y, double *restrict k)
{
	ptrdiff_t i;

	k[0] = x[0];
	for (i = 1; i < n; i++) {
		k[i] = x[i] * y[i - 1];
	}
}

int
hand_ode_primal(ptrdiff_t s, ptrdiff_t n, const double *x, double *y, void *work)
{
	double *restrict at = malloc((size_t)(5 * n) * sizeof *at), h = 2 / (double)s;
	double *restrict k1 = at + n, *restrict k2 = k1 + n, *restrict k3 = k2 + n,
			 *restrict k4 = k3 + n;
	ptrdiff_t t, i;

	(void)work;
	memset(y, 0, (size_t)n * sizeof *y);
	for (t = 0; t < s; t++) {
		slope(n, x, y, k1);
		for (i = 0; i < n; i++) {
			at[i] = y[i] + h / 2 * k1[i];
		}
		slope(n, x, at, k2);
		for (i = 0; i < n; i++) {
			at[i] = y[i] + h / 2 * k2[i];
		}
		slope(n, x, at, k3);
		for (i = 0; i < n; i++) {
			at[i] = y[i] + h * k3[i];
		}
		slope(n, x, at, k4);
		for (i = 0; i < n; i++) {
			y[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
		}
	}
	free(at);
	return 0;
}

/* ---- value and gradient ---- */

int
hand_rosenbrock_gradient(ptrdiff_t n, const double *x, double *f, double *grad_x, void *work)
{
	double total = 0;
	ptrdiff_t i;

	(void)work;
	memset(grad_x, 0, (size_t)n * sizeof *grad_x);
	for (i = 0; i + 1 < n; i++) {
		double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];

		total += 100 * a * a + b * b;
		grad_x[i] += -400 * a * x[i] - 2 * b;
		grad_x[i + 1] += 200 * a;
	}
	*f = total;
	return 0;
}

/* w [units, 10] */
static inline int
perceptron(ptrdiff_t N, int units, const float *x, const float *y, const float *w, float *loss,
           float *grad_w)
{
	const float count = (float)(N * units);
	float total = 0;
	ptrdiff_t i;
	int u, k;

	memset(grad_w, 0, (size_t)units * 10 * sizeof *grad_w);
	for (i = 0; i < N; i++) {
		for (u = 0; u < units; u++) {
			float s = 0, o, e, d;

			for (k = 0; k < 10; k++) {
				s += x[i * 10 + k] * w[u * 10 + k];
			}
			o = 1 / (1 + expf(-s));
			e = o - y[i * units + u];
			d = 2 * e * o * (1 - o) / count;
			total += e * e;
			for (k = 0; k < 10; k++) {
				grad_w[u * 10 + k] += d * x[i * 10 + k];
			}
		}
	}
	*loss = total / count;
	return 0;
}

int
hand_perceptron1_gradient(ptrdiff_t N, const float *x, const float *y, const float *w, float *loss,
                          float *grad_w, void *work)
{
	(void)work;
	return perceptron(N, 1, x, y, w, loss, grad_w);
}

int
hand_perceptron2_gradient(ptrdiff_t N, const float *x, const float *y, const float *w, float *loss,
                          float *grad_w, void *work)
{
	(void)work;
	return perceptron(N, 2, x, y, w, loss, grad_w);
}

int
hand_softmax3_gradient(const float *a, float *p1, float *grad_a, void *work)
{
	float top = fmaxf(fmaxf(a[0], a[1]), a[2]), p[3], sum = 0;
	int i;

	(void)work;
	for (i = 0; i < 3; i++) {
		p[i] = expf(a[i] - top);
		sum += p[i];
	}
	for (i = 0; i < 3; i++) {
		p[i] /= sum;
	}
	for (i = 0; i < 3; i++) {
		grad_a[i] = p[1] * ((i == 1) - p[i]);
	}
	*p1 = p[1];
	return 0;
}

int
hand_chain_gradient(ptrdiff_t n, const float *x, const float *y, const float *a, const float *b,
                    float *loss, float *grad_a, float *grad_b, void *work)
{
	float total = 0, da = 0, db = 0;
	ptrdiff_t i;

	(void)work;
	for (i = 0; i < n; i++) {
		float t = tanhf(*a * x[i] + *b), s = 1 / (1 + expf(-x[i]));
		float e = t * s - y[i], d = e * s * (1 - t * t);

		total += e * e;
		da += d * x[i];
		db += d;
	}
	*loss = total / (float)n;
	*grad_a = 2 * da / (float)n;
	*grad_b = 2 * db / (float)n;
	return 0;
}
