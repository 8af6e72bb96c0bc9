/* lstm.c - by hand: two layers over time, vectors of b. */
#include "hand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 2 };

static double
sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* The state h, cell of one layer goes one step; the input is x. */
static void
layer(ptrdiff_t b, const double *restrict w, const double *restrict bias, const double *restrict x,
      double *restrict h, double *restrict cell)
{
	ptrdiff_t i;

	for (i = 0; i < b; i++) {
		double forget = sigmoid(x[i] * w[i] + bias[i]);
		double enter = sigmoid(h[i] * w[b + i] + bias[b + i]);
		double leave = sigmoid(x[i] * w[2 * b + i] + bias[2 * b + i]);
		double change = tanh(h[i] * w[3 * b + i] + bias[3 * b + i]);

		cell[i] = cell[i] * forget + enter * change;
		h[i] = leave * tanh(cell[i]);
	}
}

int
hand_lstm2_objective(ptrdiff_t b, ptrdiff_t c, const double *state, const double *sequence,
                     const double *main, const double *extra, double *loss, void *work)
{
	double *s = malloc((size_t)((2 * LAYERS + 2) * b) * sizeof *s), total = 0;
	double *x = s + 2 * LAYERS * b, *y = x + b;
	ptrdiff_t t, i, k;

	(void)work;
	memcpy(s, state, (size_t)(2 * LAYERS * b) * sizeof *s);
	for (t = 0; t < c - 1; t++) {
		const double *next = sequence + (t + 1) * b, *in = x;
		double sum = 2, lse;

		for (i = 0; i < b; i++) {
			x[i] = sequence[t * b + i] * extra[i];
		}
		for (k = 0; k < LAYERS; k++) {
			layer(b, main + 8 * k * b, main + (8 * k + 4) * b, in, s + 2 * k * b,
			      s + (2 * k + 1) * b);
			in = s + 2 * k * b;
		}
		for (i = 0; i < b; i++) {
			y[i] = in[i] * extra[b + i] + extra[2 * b + i];
			sum += exp(y[i]);
		}
		lse = log(sum);
		for (i = 0; i < b; i++) {
			total += next[i] * (y[i] - lse);
		}
	}
	*loss = -total / (double)((c - 1) * b);
	free(s);
	return 0;
}
