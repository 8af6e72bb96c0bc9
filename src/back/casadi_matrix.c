/* casadi_matrix.c - arrays of ours as matrices of CasADi: which element stands where, and which are
 * there. */
#include "back/casadi.h"

#include <string.h>

/* ---- arrays and matrices ---- */

sg_casadi_array
sg_casadi_array_of(const sg_file *file, sg_type type, const sg_shape *s)
{
	sg_casadi_array a = {.type = type, .rank = s->rank, .count = 1};

	for (uint32_t k = 0; k < s->rank; k++) {
		(void)sg_ext_const(file->m.sp, s->ext[k], &a.ext[k]);
		a.count *= a.ext[k];
	}
	return a;
}

static bool
is_column(const sg_casadi_array *a)
{
	int long_axes = 0;

	for (uint32_t k = 0; k < a->rank; k++)
		long_axes += a->ext[k] != 1;
	return long_axes < 2 || a->count == 0;
}

sg_casadi_matrix
sg_casadi_matrix_of(const char *name, sg_casadi_array a)
{
	sg_casadi_matrix m = {
	    .name = name, .a = a, .rows = a.rank ? a.ext[0] : 1, .cols = 1, .nnz = a.count};

	for (uint32_t k = 1; k < a.rank; k++)
		m.cols *= a.ext[k];
	m.in_place = a.type == SG_F64 && is_column(&a);
	return m;
}

/* The place in CasADi's order of the element with this place in ours. */
int64_t
sg_casadi_index(const sg_casadi_array *a, int64_t at)
{
	int64_t place = 0, size = a->count;

	for (uint32_t k = a->rank; k > 0; k--) {
		const int64_t i = at % a->ext[k - 1];

		at /= a->ext[k - 1];
		size /= a->ext[k - 1];
		place += i * size;
	}
	return place;
}

/* ---- sparsity ---- */

static const char *
words_name(sg_file *file, const char *what)
{
	return sg_name_fresh(&file->m.names,
	                     sg_text(file->m.ctx, "%.24s_%s", file->m.o->prefix, what));
}

/* {rows, columns, 1}: all places. */
void
sg_casadi_dense(sg_file *file, sg_casadi_matrix *m)
{
	const int64_t w[3] = {m->rows, m->cols, 1};

	m->sparsity = words_name(file, "dense");
	sg_file_words(file, "static const casadi_int", m->sparsity, 3, w);
}

/* {rows, columns, where each column begins, its rows}: no place at all. */
void
sg_casadi_empty(sg_file *file, sg_casadi_matrix *m)
{
	int64_t *w = SG_NEW_ARRAY(file->m.ctx, int64_t, m->cols + 3);

	w[0] = m->rows;
	w[1] = m->cols;
	m->nnz = 0;
	m->sparsity = words_name(file, "empty");
	sg_file_words(file, "static const casadi_int", m->sparsity, m->cols + 3, w);
}

/* By columns, then rows: counted by rows first, for that sort is stable. */
static void
sort_places(sg_ctx *ctx, int64_t rows, int64_t cols, int64_t n, sg_casadi_place *p)
{
	sg_casadi_place *other = SG_NEW_ARRAY(ctx, sg_casadi_place, n + 1);

	for (int pass = 0; pass < 2; pass++) {
		const int64_t most = pass ? cols : rows;
		int64_t *begin = SG_NEW_ARRAY(ctx, int64_t, most + 2);

		for (int64_t i = 0; i < n; i++)
			begin[(pass ? p[i].col : p[i].row) + 1]++;
		for (int64_t i = 0; i < most; i++)
			begin[i + 1] += begin[i];
		for (int64_t i = 0; i < n; i++)
			other[begin[pass ? p[i].col : p[i].row]++] = p[i];
		memcpy(p, other, (size_t)n * sizeof *p);
	}
}

/* Do entries stand in the array in the order that CasADi has them in? */
static bool
in_order(const sg_casadi_matrix *m, int64_t n, const int64_t *at)
{
	for (int64_t i = 0; i < n; i++)
		if (at[i] != i)
			return false;
	return m->a.rank <= 1 && m->a.count == n;
}

/* m has its entries at these places alone. */
void
sg_casadi_sparse(sg_file *file, sg_casadi_matrix *m, int64_t n, sg_casadi_place *p)
{
	sg_ctx *ctx = file->m.ctx;
	int64_t *w = SG_NEW_ARRAY(ctx, int64_t, m->cols + 3 + n),
		*at = SG_NEW_ARRAY(ctx, int64_t, n + 1);

	sort_places(ctx, m->rows, m->cols, n, p);
	w[0] = m->rows;
	w[1] = m->cols;
	for (int64_t i = 0; i < n; i++) {
		w[3 + p[i].col]++;
		w[3 + m->cols + i] = p[i].row;
		at[i] = p[i].at;
	}
	for (int64_t c = 0; c < m->cols; c++)
		w[3 + c] += w[2 + c];
	m->nnz = n;
	m->sparsity = words_name(file, "sparse");
	sg_file_words(file, "static const casadi_int", m->sparsity, m->cols + 3 + n, w);
	m->in_place = in_order(m, n, at) && m->a.type == SG_F64;
	if (in_order(m, n, at))
		return;
	m->at = words_name(file, "at");
	sg_file_words(file, "static const ptrdiff_t", m->at, n, at);
}
