/* ht.c - by hand: bones along the tree, vertices by their bones, points by their corners. */
#include "hand.h"

#include <math.h>
#include <stdlib.h>

enum { BONES = 22 };

typedef double matrix[4][4];

static void
multiply(double (*restrict c)[4], const double (*restrict a)[4], const double (*restrict b)[4])
{
	int i, j, k;

	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++) {
			double sum = 0;

			for (k = 0; k < 4; k++) {
				sum += a[i][k] * b[k][j];
			}
			c[i][j] = sum;
		}
	}
}

/* Rz(z) Ry(y) Rx(x) */
static void
rotation(double x, double z, double y, double (*r)[4])
{
	double cx = cos(x), sx = sin(x), cy = cos(y), sy = sin(y), cz = cos(z), sz = sin(z);
	matrix m = {{cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx, 0},
	            {sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx, 0},
	            {-sy, cy * sx, cy * cx, 0},
	            {0, 0, 0, 1}};
	int i, j;

	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++) {
			r[i][j] = m[i][j];
		}
	}
}

static void
turn(const double *r, double (*g)[3])
{
	double angle = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
	double c = cos(angle), s = sin(angle), a[3];
	int i, j;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < 3; j++) {
			g[i][j] = i == j;
		}
		a[i] = r[i] / angle;
	}
	if (angle < 1e-4) {
		return;
	}
	for (i = 0; i < 3; i++) {
		for (j = 0; j < 3; j++) {
			g[i][j] = a[i] * a[j] * (1 - c) + (i == j) * c;
		}
	}
	g[0][1] -= a[2] * s;
	g[0][2] += a[1] * s;
	g[1][0] += a[2] * s;
	g[1][2] -= a[0] * s;
	g[2][0] -= a[1] * s;
	g[2][1] += a[0] * s;
}

static void
place_bones(const double *theta, const matrix *relatives, const matrix *inverses,
            const int64_t *parents, matrix *moves)
{
	matrix absolute[BONES], relative, r;
	int i;

	for (i = 0; i < BONES; i++) {
		/* bones 0 and 1 stay; then four for each finger, the last of which stays */
		const double *t = theta + 6 + 4 * ((i - 2) / 4);
		int joint = i < 2 ? 3 : (i - 2) % 4;
		double x = joint == 0 ? t[0] : joint == 1 ? t[2] : joint == 2 ? t[3] : 0;

		rotation(x, joint == 0 ? t[1] : 0, 0, r);
		if (parents[i] < 0) {
			multiply(absolute[i], relatives[i], (const double(*)[4])r);
		} else {
			multiply(relative, relatives[i], (const double(*)[4])r);
			multiply(absolute[i], (const double(*)[4])absolute[parents[i]],
			         (const double(*)[4])relative);
		}
		multiply(moves[i], (const double(*)[4])absolute[i], inverses[i]);
	}
}

static void
skin(const matrix *moves, const double *weights, const double *base, double (*g)[3],
     const double *shift, double sign, double *out)
{
	double m[3][4] = {{0}}, local[3];
	int i, j, b;

	for (b = 0; b < BONES; b++) {
		for (i = 0; i < 3; i++) {
			for (j = 0; j < 4; j++) {
				m[i][j] += weights[b] * moves[b][i][j];
			}
		}
	}
	for (i = 0; i < 3; i++) {
		local[i] =
		    m[i][0] * base[0] + m[i][1] * base[1] + m[i][2] * base[2] + m[i][3] * base[3];
	}
	local[0] *= sign;
	for (i = 0; i < 3; i++) {
		out[i] = g[i][0] * local[0] + g[i][1] * local[1] + g[i][2] * local[2] + shift[i];
	}
}

int
hand_ht_objective(ptrdiff_t n, ptrdiff_t V, ptrdiff_t T, const double *theta, const double *us,
                  const double *base_positions, const double *weights, const double *base_relatives,
                  const double *inverse_base_absolutes, const int64_t *parents,
                  const int64_t *triangles, const int64_t *correspondences, const double *points,
                  const uint8_t *is_mirrored, double *error, void *work)
{
	double *hand = malloc((size_t)(3 * V) * sizeof *hand), g[3][3];
	matrix moves[BONES];
	ptrdiff_t v, k;
	int i;

	(void)T;
	(void)work;
	place_bones(theta, (const matrix *)base_relatives, (const matrix *)inverse_base_absolutes,
	            parents, moves);
	turn(theta, g);
	for (v = 0; v < V; v++) {
		skin((const matrix *)moves, weights + BONES * v, base_positions + 4 * v, g,
		     theta + 3, *is_mirrored ? -1 : 1, hand + 3 * v);
	}
	for (k = 0; k < n; k++) {
		const int64_t *corner = triangles + 3 * correspondences[k];
		const double *u = us + 2 * k;

		for (i = 0; i < 3; i++) {
			error[3 * k + i] =
			    points[3 * k + i] -
			    (u[0] * hand[3 * corner[0] + i] + u[1] * hand[3 * corner[1] + i] +
			     (1 - u[0] - u[1]) * hand[3 * corner[2] + i]);
		}
	}
	free(hand);
	return 0;
}
