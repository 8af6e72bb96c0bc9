/* descent.c - by hand: the two workloads with a descent, their slopes by formulas. */
#include "hand.h"

#include <math.h>

/* The value at x and its slope. */
typedef double objective(const void *self, const double *x, double *slope);

static double
norm(const double *x, int n)
{
	return n == 1 ? fabs(x[0]) : sqrt(x[0] * x[0] + x[1] * x[1]);
}

static void
descend(objective *f, const void *self, double *x, int n)
{
	double eta = 1e-5, g[2] = {0}, next[2], g_next[2] = {0}, step[2];
	double y = f(self, x, g), y_next;
	int gains = 0, i;

	while (norm(g, n) > 1e-5) {
		for (i = 0; i < n; i++) {
			step[i] = eta * g[i];
			next[i] = x[i] - step[i];
		}
		if (norm(step, n) <= 1e-5) {
			break;
		}
		y_next = f(self, next, g_next);
		if (y_next < y) {
			for (i = 0; i < n; i++) {
				x[i] = next[i];
				g[i] = g_next[i];
			}
			y = y_next;
			gains++;
			if (gains == 10) {
				eta *= 2;
				gains = 0;
			}
		} else {
			eta /= 2;
			gains = 0;
		}
	}
}

/* ---- particle: the path and its derivative with respect to w, together ---- */

typedef struct dual {
	double v, d;
} dual;

/* Acceleration by both charges, (x - c)/|x - c|^3 each; the second stands at (10, 10 - w). */
static void
accelerate(const dual x[2], double w, dual a[2])
{
	dual r[2], square, cube;
	int k, i;

	a[0] = a[1] = (dual){0, 0};
	for (k = 0; k < 2; k++) {
		double c = k == 0 ? 0 : 10 - w, dc = k == 0 ? 0 : -1;

		r[0] = (dual){x[0].v - 10, x[0].d};
		r[1] = (dual){x[1].v - c, x[1].d - dc};
		square.v = r[0].v * r[0].v + r[1].v * r[1].v;
		square.d = 2 * (r[0].v * r[0].d + r[1].v * r[1].d);
		cube.v = 1 / (square.v * sqrt(square.v));
		cube.d = -1.5 * cube.v / square.v * square.d;
		for (i = 0; i < 2; i++) {
			a[i].v += r[i].v * cube.v;
			a[i].d += r[i].d * cube.v + r[i].v * cube.d;
		}
	}
}

static double
landing(const void *self, const double *w, double *slope)
{
	const double dt = 0.1;
	dual x[2] = {{0, 0}, {8, 0}}, v[2] = {{0.75, 0}, {0, 0}}, a[2], t, at;
	int i;

	(void)self;
	while (x[1].v + dt * v[1].v > 0) {
		accelerate(x, *w, a);
		for (i = 0; i < 2; i++) {
			x[i].v += dt * v[i].v;
			x[i].d += dt * v[i].d;
			v[i].v += dt * a[i].v;
			v[i].d += dt * a[i].d;
		}
	}
	t.v = -x[1].v / v[1].v;
	t.d = (-x[1].d - t.v * v[1].d) / v[1].v;
	at.v = x[0].v + t.v * v[0].v;
	at.d = x[0].d + t.d * v[0].v + t.v * v[0].d;
	*slope = 2 * at.v * at.d;
	return at.v * at.v;
}

int
hand_particle_ff(const double *w, double *w_min, void *work)
{
	(void)work;
	*w_min = *w;
	descend(landing, 0, w_min, 1);
	return 0;
}

/* ---- saddle ---- */

static double
depth(const void *self, const double *q, double *slope)
{
	const double *p = self;

	slope[0] = 2 * q[0];
	slope[1] = 2 * q[1];
	return -(p[0] * p[0] + p[1] * p[1]) + (q[0] * q[0] + q[1] * q[1]);
}

/* The inner descent does not move with p, save that it is the greatest: the slope is that of the
 * height alone. */
static double
ridge(const void *self, const double *p, double *slope)
{
	const double *start = self;
	double q[2] = {start[0], start[1]};

	descend(depth, p, q, 2);
	slope[0] = 2 * p[0];
	slope[1] = 2 * p[1];
	return p[0] * p[0] + p[1] * p[1] - (q[0] * q[0] + q[1] * q[1]);
}

int
hand_saddle_ff(const double *start, double *pq, void *work)
{
	(void)work;
	pq[0] = start[0];
	pq[1] = start[1];
	descend(ridge, start, pq, 2);
	pq[2] = start[0];
	pq[3] = start[1];
	descend(depth, pq, pq + 2, 2);
	return 0;
}
