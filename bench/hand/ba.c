/* ba.c - by hand: one pass over the observations. */
#include "hand.h"

#include <math.h>

static void
rotate(const double *r, const double *x, double *y)
{
	double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
	double a[3], cross[3], angle, c, s, along;
	int i;

	if (square > 0) {
		angle = sqrt(square);
		c = cos(angle);
		s = sin(angle);
		for (i = 0; i < 3; i++) {
			a[i] = r[i] / angle;
		}
	} else {
		c = s = 1;
		for (i = 0; i < 3; i++) {
			a[i] = r[i];
		}
	}
	cross[0] = a[1] * x[2] - a[2] * x[1];
	cross[1] = a[2] * x[0] - a[0] * x[2];
	cross[2] = a[0] * x[1] - a[1] * x[0];
	along = (a[0] * x[0] + a[1] * x[1] + a[2] * x[2]) * (1 - c);
	for (i = 0; i < 3; i++) {
		y[i] = x[i] * c + cross[i] * s + a[i] * along;
	}
}

int
hand_ba_objective(ptrdiff_t n, ptrdiff_t m, ptrdiff_t p, const double *cams, const double *points,
                  const double *w, const int64_t *obs, const double *feats, double *reproj_error,
                  double *w_err, void *work)
{
	ptrdiff_t i;

	(void)n;
	(void)m;
	(void)work;
	for (i = 0; i < p; i++) {
		const double *cam = cams + 11 * obs[2 * i], *x = points + 3 * obs[2 * i + 1];
		double d[3] = {x[0] - cam[3], x[1] - cam[4], x[2] - cam[5]}, y[3], u, v, s, f;

		rotate(cam, d, y);
		u = y[0] / y[2];
		v = y[1] / y[2];
		s = u * u + v * v;
		f = (1 + s * (cam[9] + cam[10] * s)) * cam[6];
		reproj_error[2 * i] = w[i] * (u * f + cam[7] - feats[2 * i]);
		reproj_error[2 * i + 1] = w[i] * (v * f + cam[8] - feats[2 * i + 1]);
		w_err[i] = 1 - w[i] * w[i];
	}
	return 0;
}
