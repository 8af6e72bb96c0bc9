/* gmm.c - by hand: for each point and cluster a triangular product, nothing kept but K numbers. */
#include "hand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double
log_sum_exp(const double *x, ptrdiff_t n)
{
	double top = x[0], sum = 0;
	ptrdiff_t i;

	for (i = 1; i < n; i++) {
		top = x[i] > top ? x[i] : top;
	}
	for (i = 0; i < n; i++) {
		sum += exp(x[i] - top);
	}
	return top + log(sum);
}

/* |Q (x - mu)|^2, Q lower triangular: its diagonal apart, the rest column by column. */
static double
distance(ptrdiff_t D, const double *x, const double *mu, const double *diagonal, const double *l,
         double *v, double *c)
{
	double sum = 0;
	ptrdiff_t i, j;

	for (i = 0; i < D; i++) {
		c[i] = x[i] - mu[i];
		v[i] = diagonal[i] * c[i];
	}
	for (j = 0; j < D; j++) {
		for (i = j + 1; i < D; i++) {
			v[i] += l[i - j - 1] * c[j];
		}
		l += D - j - 1;
	}
	for (i = 0; i < D; i++) {
		sum += v[i] * v[i];
	}
	return sum;
}

static double
prior(ptrdiff_t D, ptrdiff_t K, double gamma, double m, const double *q, const double *diagonal,
      const double *l)
{
	const double pi = 3.14159265358979323846, df = (double)D + m + 1, d = (double)D;
	double squares = 0, sum = 0, gammas = 0.25 * d * (d - 1) * log(pi);
	ptrdiff_t i;

	for (i = 0; i < K * D; i++) {
		squares += diagonal[i] * diagonal[i];
		sum += q[i];
	}
	for (i = 0; i < K * (D * (D - 1) / 2); i++) {
		squares += l[i] * l[i];
	}
	for (i = 0; i < D; i++) {
		gammas += lgamma(0.5 * (df - (double)i));
	}
	return 0.5 * gamma * gamma * squares - m * sum -
	       (double)K * (df * d * (log(gamma) - 0.5 * log(2)) - gammas);
}

int
hand_gmm_objective(ptrdiff_t N, ptrdiff_t D, ptrdiff_t K, const double *x, const double *gamma,
                   const double *m, const double *alpha, const double *mu, const double *q,
                   const double *l, double *objective, void *work)
{
	double *diagonal = malloc((size_t)(K * D + 2 * K + 2 * D) * sizeof *diagonal);
	double *base = diagonal + K * D, *t = base + K, *v = t + K, *c = v + D, sum = 0;
	ptrdiff_t n, k, i, lower = D * (D - 1) / 2;

	(void)work;
	for (k = 0; k < K; k++) {
		base[k] = alpha[k];
		for (i = 0; i < D; i++) {
			diagonal[k * D + i] = exp(q[k * D + i]);
			base[k] += q[k * D + i];
		}
	}
	for (n = 0; n < N; n++) {
		for (k = 0; k < K; k++) {
			t[k] = base[k] - 0.5 * distance(D, x + n * D, mu + k * D, diagonal + k * D,
			                                l + k * lower, v, c);
		}
		sum += log_sum_exp(t, K);
	}
	*objective = -0.5 * (double)(N * D) * log(2 * 3.14159265358979323846) + sum -
	             (double)N * log_sum_exp(alpha, K) - prior(D, K, *gamma, *m, q, diagonal, l);
	free(diagonal);
	return 0;
}
