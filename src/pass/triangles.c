/* triangles.c - Cholesky factors of a few rows, their adjoints, and what triangles solve, as scalars. */
#include "pass/solved.h"

/* ---- Cholesky ---- */

/* The lower L with a = L L', by a's lower triangle alone (Golub, Van Loan 2013, 4.2.5). */
sg_ref
sg_cholesky_written(sg_build *b, sg_ref a)
{
	const sg_shape *s = sg_shape_of(b, a);
	factors f = {.b = b, .n = sg_few(b->sp, s->ext[s->rank - 1], MOST_ROWS), .lead = s->rank - 2};

	for (uint32_t j = 0; j < f.n; j++)
		for (uint32_t i = j; i < f.n; i++) {
			sg_ref x = sg_number_of(b, a, i, j);

			for (uint32_t k = 0; k < j; k++) {
				const sg_ref less = sg_ew2(b, SG_MUL, f.at[i][k], f.at[j][k]);

				x = sg_ew2(b, SG_SUB, x, less);
			}
			f.at[i][j] = i > j ? sg_ew2(b, SG_DIV, x, f.at[j][j])
			                   : sg_ew1(b, SG_SQRT, sg_ew1(b, SG_POSITIVE, x));
			if (i > j)
				f.at[j][i] = sg_const_like(b, x, 0);
		}
	return sg_matrix_of(&f, f.n);
}

/* x less y z. */
static sg_ref
less(sg_build *b, sg_ref x, sg_ref y, sg_ref z)
{
	return sg_ew2(b, SG_SUB, x, sg_ew2(b, SG_MUL, y, z));
}

/* The adjoint of a symmetric a where that of its L is g: the factorisation, backward (Smith 1995),
 * which is the adjoint of the lower triangle alone; each half of what lies off the diagonal. */
sg_ref
sg_cholesky_back_written(sg_build *b, sg_ref l, sg_ref g)
{
	const sg_shape *s = sg_shape_of(b, l);
	factors f = {.b = b, .n = sg_few(b->sp, s->ext[s->rank - 1], MOST_ROWS), .lead = s->rank - 2};
	sg_ref of[MOST_ROWS][MOST_ROWS] = {{0}}, half;

	for (uint32_t i = 0; i < f.n; i++)
		for (uint32_t j = 0; j <= i; j++) {
			of[i][j] = sg_number_of(b, l, i, j);
			f.at[i][j] = sg_number_of(b, g, i, j);
		}
	half = sg_const_like(b, of[0][0], 0.5);
	for (uint32_t k = f.n; k-- > 0;) {
		const sg_ref inverse = sg_ew2(b, SG_DIV, sg_const_like(b, half, 1), of[k][k]);

		for (uint32_t j = k + 1; j < f.n; j++)
			for (uint32_t i = j; i < f.n; i++) {
				f.at[i][k] = less(b, f.at[i][k], f.at[i][j], of[j][k]);
				f.at[j][k] = less(b, f.at[j][k], f.at[i][j], of[i][k]);
			}
		for (uint32_t j = k + 1; j < f.n; j++) {
			f.at[j][k] = sg_ew2(b, SG_MUL, f.at[j][k], inverse);
			f.at[k][k] = less(b, f.at[k][k], of[j][k], f.at[j][k]);
		}
		f.at[k][k] = sg_ew2(b, SG_MUL, sg_ew2(b, SG_MUL, half, f.at[k][k]), inverse);
	}
	for (uint32_t i = 0; i < f.n; i++)
		for (uint32_t j = 0; j < i; j++)
			f.at[i][j] = f.at[j][i] = sg_ew2(b, SG_MUL, half, f.at[i][j]);
	return sg_matrix_of(&f, f.n);
}

/* ---- solutions ---- */

static void
solve_by_triangle(const factors *f, sg_ref *x)
{
	const bool forward = f->lower != f->trans;

	for (uint32_t at = 0; at < f->n; at++) {
		const uint32_t i = forward ? at : f->n - 1 - at;

		for (uint32_t before = 0; before < at; before++)
			sg_subtract(f, f->trans, i, forward ? before : f->n - 1 - before, x);
		sg_divide(f, i, x);
	}
}

/* A root of what was found to be positive is no 0. */
static bool
is_positive(const sg_build *b, sg_ref x)
{
	const sg_node n = sg_at(b, x);

	return n.op == SG_SQRT && sg_at(b, n.args[0]).op == SG_POSITIVE;
}

factors
sg_open_triangle(sg_build *b, const int64_t *attr, sg_ref a, const sg_shape *shape)
{
	const sg_shape *s = sg_shape_of(b, a);
	factors f = {.b = b,
	             .n = sg_few(b->sp, s->ext[s->rank - 1], MOST_ROWS),
	             .lead = s->rank - 2,
	             .shape = shape,
	             .lower = attr[0],
	             .trans = attr[1],
	             .solve = solve_by_triangle};

	for (uint32_t i = 0; i < f.n; i++) {
		sg_ref pivot = sg_number_of(b, a, i, i);

		for (uint32_t j = f.lower ? 0 : i + 1; j < (f.lower ? i : f.n); j++)
			f.at[i][j] = sg_spread(&f, sg_number_of(b, a, i, j));
		if (!is_positive(b, pivot))
			pivot = sg_ew1(b, SG_PIVOT, pivot);
		const sg_ref one = sg_const_like(b, pivot, 1);
		f.inverse[i] = sg_spread(&f, sg_ew2(b, SG_DIV, one, pivot));
	}
	return f;
}
