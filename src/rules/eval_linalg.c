/* eval_linalg.c - values of linear algebra, by the formulas of the textbook.
 *
 * Each element is found by one inner product over those found before it, in f64, and rounded to the
 * type of the array; the runtime eliminates block by block instead. */
#include "rules/eval.h"

/* Matrix number `at` of a tensor whose last two axes are rows x cols. */
typedef struct matrix {
	const sg_tensor *t;
	int64_t rows, cols, first;
} matrix;

static matrix
matrix_at(const sg_tensor *t, int64_t at)
{
	const int64_t rows = t->ext[t->rank - 2], cols = t->ext[t->rank - 1];

	return (matrix){t, rows, cols, at * rows * cols};
}

static double
get(const matrix *m, int64_t i, int64_t j)
{
	return sg_tensor_get(m->t, m->first + i * m->cols + j);
}

static void
put(sg_tensor *t, const matrix *m, int64_t i, int64_t j, double v)
{
	sg_tensor_set(t, m->first + i * m->cols + j, v);
}

static int64_t
count_of(const sg_tensor *t)
{
	int64_t n = 1;

	for (uint32_t k = 0; k + 2 < t->rank; k++)
		n *= t->ext[k];
	return n;
}

/* v - sum of x(i, p) y(p, j) over lo <= p < hi */
static double
less_product(double v, const matrix *x, int64_t i, const matrix *y, int64_t j, int64_t lo,
             int64_t hi)
{
	for (int64_t p = lo; p < hi; p++)
		v -= get(x, i, p) * get(y, p, j);
	return v;
}

static void
swap_rows(sg_tensor *t, const matrix *m, int64_t i, int64_t k, int64_t cols)
{
	for (int64_t j = 0; j < cols && i != k; j++) {
		const double v = get(m, i, j);

		put(t, m, i, j, get(m, k, j));
		put(t, m, k, j, v);
	}
}

/* ---- LU, column by column (Crout) ---- */

static bool
is_larger(double x, double y)
{
	return (isnan(x) && !isnan(y)) || fabs(x) > fabs(y);
}

static int
lu_column(sg_tensor *out, const matrix *m, int64_t j)
{
	const int64_t n = m->rows;
	int64_t best = j;

	for (int64_t i = 0; i < n; i++)
		put(out, m, i, j, less_product(get(m, i, j), m, i, m, j, 0, i < j ? i : j));
	for (int64_t i = j + 1; i < n; i++)
		if (is_larger(get(m, i, j), get(m, best, j)))
			best = i;
	put(out, m, j, n, (double)best);
	swap_rows(out, m, j, best, n);
	if (get(m, j, j) == 0)
		return SGRT_ESINGULAR;
	for (int64_t i = j + 1; i < n; i++)
		put(out, m, i, j, get(m, i, j) / get(m, j, j));
	return SGRT_OK;
}

int
sg_eval_lu(const sg_eval *e)
{
	int status = SGRT_OK;

	for (int64_t at = 0; at < count_of(e->out); at++) {
		const matrix a = matrix_at(e->args[0], at), m = matrix_at(e->out, at);

		for (int64_t i = 0; i < a.rows; i++)
			for (int64_t j = 0; j < a.cols; j++)
				put(e->out, &m, i, j, get(&a, i, j));
		for (int64_t j = 0; j < a.cols && status == SGRT_OK; j++)
			status = lu_column(e->out, &m, j);
	}
	return status;
}

int
sg_eval_det(const sg_eval *e)
{
	const bool logs = e->n->op == SG_LOGDET;

	for (int64_t at = 0; at < e->out->count; at++) {
		const matrix m = matrix_at(e->args[1], at);
		double det = 1, sum = 0, sign = 1;

		for (int64_t k = 0; k < m.rows; k++) {
			const double pivot = get(&m, k, k);

			sign *= (pivot < 0 ? -1 : 1) * (get(&m, k, m.rows) == (double)k ? 1 : -1);
			det *= fabs(pivot);
			sum += log(fabs(pivot));
		}
		sg_tensor_set(e->out, at, !logs ? sign * det : sign < 0 ? (double)NAN : sum);
	}
	return SGRT_OK;
}

/* ---- substitution ---- */

typedef struct triangle {
	matrix m;
	bool lower, trans, unit;
} triangle;

static double
element(const triangle *t, int64_t i, int64_t j)
{
	return t->trans ? get(&t->m, j, i) : get(&t->m, i, j);
}

/* Column c of x becomes that of the solution; lower: of the triangle as it is used. */
static int
substitute(sg_tensor *out, const matrix *x, int64_t c, const triangle *t)
{
	const int64_t n = t->m.rows;

	for (int64_t s = 0; s < n; s++) {
		const int64_t i = t->lower ? s : n - 1 - s;
		double v = get(x, i, c);

		for (int64_t p = 0; p < s; p++) {
			const int64_t j = t->lower ? p : n - 1 - p;

			v -= element(t, i, j) * get(x, j, c);
		}
		if (!t->unit && element(t, i, i) == 0)
			return SGRT_ESINGULAR;
		put(out, x, i, c, t->unit ? v : v / element(t, i, i));
	}
	return SGRT_OK;
}

static void
copy_all(sg_tensor *to, const sg_tensor *from)
{
	for (int64_t i = 0; i < to->count; i++)
		sg_tensor_copy(to, i, from, i);
}

static void
permute(sg_tensor *out, const matrix *x, const matrix *lu, bool back)
{
	for (int64_t s = 0; s < lu->rows; s++) {
		const int64_t i = back ? lu->rows - 1 - s : s;

		swap_rows(out, x, i, (int64_t)get(lu, i, lu->rows), x->cols);
	}
}

int
sg_eval_lu_solve(const sg_eval *e)
{
	const bool trans = e->n->attr->w[0];

	copy_all(e->out, e->args[2]);
	for (int64_t at = 0; at < count_of(e->out); at++) {
		const matrix lu = matrix_at(e->args[1], at), x = matrix_at(e->out, at);
		const triangle first = {lu, true, trans, !trans}, second = {lu, false, trans, trans};

		if (!trans)
			permute(e->out, &x, &lu, false);
		for (int64_t c = 0; c < x.cols; c++) {
			(void)substitute(e->out, &x, c, &first);
			(void)substitute(e->out, &x, c, &second);
		}
		if (trans)
			permute(e->out, &x, &lu, true);
	}
	return SGRT_OK;
}

int
sg_eval_solve_triangular(const sg_eval *e)
{
	const bool lower = e->n->attr->w[0], trans = e->n->attr->w[1];
	int status = SGRT_OK;

	copy_all(e->out, e->args[1]);
	for (int64_t at = 0; at < count_of(e->out); at++) {
		const triangle t = {matrix_at(e->args[0], at), lower != trans, trans, false};
		const matrix x = matrix_at(e->out, at);

		for (int64_t i = 0; i < t.m.rows; i++)
			if (get(&t.m, i, i) == 0)
				status = SGRT_ESINGULAR;
		for (int64_t c = 0; c < x.cols && status == SGRT_OK; c++)
			status = substitute(e->out, &x, c, &t);
	}
	return status;
}

/* ---- Cholesky, row by row ---- */

static int
cholesky_row(sg_tensor *out, const matrix *a, const matrix *l, int64_t i)
{
	for (int64_t j = 0; j < a->cols; j++) {
		double v = j > i ? 0 : get(a, i, j);

		for (int64_t p = 0; p < j && j <= i; p++)
			v -= get(l, i, p) * get(l, j, p);
		if (j == i && !(v > 0))
			return SGRT_EPOSDEF;
		put(out, l, i, j, j > i ? 0 : j == i ? sqrt(v) : v / get(l, j, j));
	}
	return SGRT_OK;
}

int
sg_eval_cholesky(const sg_eval *e)
{
	int status = SGRT_OK;

	for (int64_t at = 0; at < count_of(e->out); at++) {
		const matrix a = matrix_at(e->args[0], at), l = matrix_at(e->out, at);

		for (int64_t i = 0; i < a.rows && status == SGRT_OK; i++)
			status = cholesky_row(e->out, &a, &l, i);
	}
	return status;
}

/* ---- its adjoint: the steps of the factorisation backwards, one column at a time (Smith 1995) ---- */

/* Column j of x, which holds the adjoint of l and becomes that of a. */
static void
cholesky_column_back(sg_tensor *out, const matrix *l, const matrix *x, int64_t j)
{
	const double d = get(l, j, j);
	double sum = get(x, j, j);

	for (int64_t i = j + 1; i < l->rows; i++) {
		put(out, x, i, j, get(x, i, j) / d);
		sum -= get(l, i, j) * get(x, i, j);
	}
	put(out, x, j, j, sum / d);
	for (int64_t p = 0; p < j; p++) {
		double v = get(x, j, p) - get(x, j, j) * get(l, j, p);

		for (int64_t i = j + 1; i < l->rows; i++) {
			v -= get(x, i, j) * get(l, i, p);
			put(out, x, i, p, get(x, i, p) - get(x, i, j) * get(l, j, p));
		}
		put(out, x, j, p, v);
	}
	put(out, x, j, j, get(x, j, j) / 2);
}

int
sg_eval_cholesky_adjoint(const sg_eval *e)
{
	copy_all(e->out, e->args[1]);
	for (int64_t at = 0; at < count_of(e->out); at++) {
		const matrix l = matrix_at(e->args[0], at), x = matrix_at(e->out, at);

		for (int64_t j = l.rows; j-- > 0;)
			cholesky_column_back(e->out, &l, &x, j);
		for (int64_t i = 0; i < l.rows; i++)
			for (int64_t j = 0; j < i; j++) {
				put(e->out, &x, i, j, get(&x, i, j) / 2);
				put(e->out, &x, j, i, get(&x, i, j));
			}
	}
	return SGRT_OK;
}
