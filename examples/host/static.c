/* static.c - training with written C alone: no library, no heap, every array static, as firmware
 * has it.
 *
 *     symgrad compile perceptron.sg --dim=N=16 --step=adam --standalone --prefix=net
 *     cc -O2 static.c net.c -lm && ./a.out
 *
 * The model's sizes are fixed, so the workspace is an array too. */
#include "net.h"

#include <stdio.h>

enum { N = 16, FEATURES = 10, UNITS = 2, STEPS = 2000 };

static float x[N * FEATURES], y[N * UNITS], w[UNITS * FEATURES], m[UNITS * FEATURES],
    v[UNITS * FEATURES];
static _Alignas(64) unsigned char work[NET_GRADIENT_STEP_WORK > 0 ? NET_GRADIENT_STEP_WORK : 1];

/* y and w become the defaults of the model; x some numbers in [0, 1). */
static int
fill(void)
{
	unsigned state = 1;

	for (int i = 0; i < N * FEATURES; i++) {
		state = state * 1664525u + 1013904223u;
		x[i] = (float)(state >> 8) * 0x1p-24f;
	}
	return net_gradient_defaults(NULL, y, w, work);
}

int
main(void)
{
	float loss = 1, first = 1;
	int status = fill();

	for (int t = 1; status == 0 && t <= STEPS; t++) {
		status =
		    net_gradient_adam(x, y, w, &loss, m, v, t, 0.01, 0.9, 0.999, 1e-8, 0, work);
		if (t == 1)
			first = loss;
		if ((t & (t - 1)) == 0 || t == STEPS)
			printf("step %4d   loss %.6f\n", t, (double)loss);
	}
	return status == 0 && loss < first / 100 ? 0 : 1;
}
