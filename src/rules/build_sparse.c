/* build_sparse.c - the entries of a Jacobian at given places.
 *
 * Columns that share no row are swept together (Curtis, Powell, Reid 1974), or rows that share no
 * column, whichever takes fewer sweeps; the entries are then read from the compressed result by
 * constant indices. */
#include "rules/build.h"

#include <string.h>

enum { MANY = 16, DEARER = 4 }; /* inputs; as many colours of rows are still better for many */

typedef struct sparse {
	sg_build *b;
	sg_ref y;
	const sg_ref *x;
	size_t nx;
	const sg_pattern *p;
} sparse;

/* The pattern with rows and columns swapped. */
static sg_pattern
transposed(sg_ctx *ctx, const sg_pattern *p)
{
	const int64_t nnz = p->rowptr[p->rows];
	sg_pattern t = {.rows = p->cols, .cols = p->rows};
	int64_t *fill;

	t.rowptr = SG_NEW_ARRAY(ctx, int64_t, p->cols + 2);
	t.col = SG_NEW_ARRAY(ctx, int64_t, nnz + 1);
	for (int64_t k = 0; k < nnz; k++)
		t.rowptr[p->col[k] + 1]++;
	for (int64_t c = 0; c < p->cols; c++)
		t.rowptr[c + 1] += t.rowptr[c];
	fill = sg_copy(ctx, t.rowptr, ((size_t)p->cols + 1) * sizeof *fill);
	for (int64_t i = 0; i < p->rows; i++)
		for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++)
			t.col[fill[p->col[k]]++] = i;
	return t;
}

static int64_t
size_of(sg_build *b, sg_ref r)
{
	int64_t n = 0;

	(void)sg_ext_const(b->sp, sg_shape_size(b->sp, sg_shape_of(b, r)), &n);
	return n;
}

/* [ncolours, shape of like]: 1 where element i of `like`, which is number first + i, has the
 * colour. */
static sg_ref
seeds(sg_build *b, sg_ref like, int64_t first, int64_t ncolours, const int64_t *colour)
{
	const sg_shape *s = sg_shape_of(b, like);
	sg_ext ext[SG_MAX_RANK + 1] = {sg_ext_int(b->sp, ncolours)};
	const int64_t n = size_of(b, like);
	int64_t *w = SG_NEW_ARRAY(b->ctx, int64_t, sg_mul_size(b->ctx, n, ncolours) + 1);

	for (int64_t i = 0; i < n; i++)
		w[colour[first + i] * n + i] = sg_double_bits(1);
	memcpy(ext + 1, s->ext, s->rank * sizeof *ext);
	return sg_data(b, sg_type_of(b, like), sg_shape_make(b->sp, s->rank + 1, ext), w);
}

static sg_ref
flat(sg_build *b, sg_ref r, int64_t lead)
{
	const int64_t n = size_of(b, r);
	const sg_ext ext[2] = {sg_ext_int(b->sp, lead), sg_ext_int(b->sp, lead ? n / lead : 0)};

	return sg_reshape(b, r, sg_shape_make(b->sp, 2, ext));
}

static sg_ref
placeholder(sg_build *b, sg_ref like)
{
	return sg_seed(b, sg_type_of(b, like), sg_shape_of(b, like), sg_space_fresh(b->sp));
}

/* [ncolours, rows]: sums of columns of one colour. */
static sg_ref
by_columns(sparse *q, int64_t ncolours, const int64_t *colour)
{
	sg_build *b = q->b;
	sg_ref *xs = SG_NEW_ARRAY(b->ctx, sg_ref, q->nx),
	       *slice = SG_NEW_ARRAY(b->ctx, sg_ref, q->nx);
	sg_ref sum = 0;
	int64_t first = 0;

	for (size_t k = 0; k < q->nx; k++) {
		sg_ref t;

		xs[k] = seeds(b, q->x[k], first, ncolours, colour);
		slice[k] = placeholder(b, q->x[k]);
		first += size_of(b, q->x[k]);
		t = sg_deriv(b, SG_JVP, SG_MODE_AUTO, q->y, q->x[k], slice[k]);
		sum = sum ? sg_ew2(b, SG_ADD, sum, t) : t;
	}
	return flat(b, sg_map_node(b, (uint32_t)q->nx, xs, slice, sum), ncolours);
}

/* [ncolours, cols]: sums of rows of one colour. */
static sg_ref
by_rows(sparse *q, int64_t ncolours, const int64_t *colour)
{
	sg_build *b = q->b;
	const sg_ref us = seeds(b, q->y, 0, ncolours, colour), u = placeholder(b, q->y);
	sg_ref *part = SG_NEW_ARRAY(b->ctx, sg_ref, q->nx);

	for (size_t k = 0; k < q->nx; k++) {
		sg_ref g = sg_deriv(b, SG_VJP, SG_MODE_AUTO, q->y, q->x[k], u);

		g = sg_cast(b, g, sg_type_of(b, q->y));
		part[k] = flat(b, sg_map_node(b, 1, &us, &u, g), ncolours);
	}
	return sg_concat(b, (uint32_t)q->nx, part, 1);
}

/* Rank 1. */
static sg_ref
as_line(sg_build *b, sg_ref r)
{
	const sg_ext size = sg_ext_int(b->sp, size_of(b, r));

	return sg_reshape(b, r, sg_shape_make(b->sp, 1, &size));
}

/* No two columns of its longest row have one colour. */
static int64_t
longest_row(const sg_pattern *p)
{
	int64_t most = 0;

	for (int64_t i = 0; i < p->rows; i++)
		if (p->rowptr[i + 1] - p->rowptr[i] > most)
			most = p->rowptr[i + 1] - p->rowptr[i];
	return most;
}

/* By columns, or by rows? Colouring takes long where rows are, so what can't win is not coloured.
 */
static bool
columns_are_fewer(sg_ctx *ctx, const sg_pattern *p, sg_colours *colours, int64_t *of_column,
                  int64_t *of_row, int64_t *n)
{
	const sg_pattern t = transposed(ctx, p);
	const int64_t least = longest_row(p), least_t = longest_row(&t);
	int64_t other;

	if (least <= least_t) {
		*n = colours(ctx, p, of_column);
		if (*n <= least_t)
			return true;
		other = colours(ctx, &t, of_row);
		if (*n <= other)
			return true;
		*n = other;
		return false;
	}
	*n = colours(ctx, &t, of_row);
	if (*n < least)
		return false;
	other = colours(ctx, p, of_column);
	if (other > *n)
		return false;
	*n = other;
	return true;
}

/* Of many inputs each asks for sweeps of its own by columns, and for one of y's parts all others stand in each,
 * so what is written grows with the square of their number; all rows go back in one. *n: colours of the columns,
 * then of the rows. */
static bool
rows_will_do(sg_ctx *ctx, const sg_pattern *p, sg_colours *colours, int64_t *of_row, int64_t *n)
{
	const sg_pattern t = transposed(ctx, p);
	int64_t other;

	if (longest_row(&t) / DEARER > *n)
		return false;
	other = colours(ctx, &t, of_row);
	if (other / DEARER > *n)
		return false;
	*n = other;
	return true;
}

sg_ref
sg_sparse_entries(sg_build *b, sg_ref y, size_t nx, const sg_ref *x, const sg_pattern *p,
                  sg_colours *colours)
{
	sparse q = {.b = b, .y = y, .x = x, .nx = nx, .p = p};
	const int64_t nnz = p->rowptr[p->rows];
	const sg_ext count = sg_ext_int(b->sp, nnz);
	const sg_shape *line = sg_shape_make(b->sp, 1, &count);
	int64_t *col_colour = SG_NEW_ARRAY(b->ctx, int64_t, p->cols + 1);
	int64_t *row_colour = SG_NEW_ARRAY(b->ctx, int64_t, p->rows + 1);
	int64_t *index = SG_NEW_ARRAY(b->ctx, int64_t, nnz + 1);
	int64_t n;
	bool columns;
	sg_ref packed;

	if (!nnz)
		return sg_const(b, sg_type_of(b, y), line, 0);
	columns = columns_are_fewer(b->ctx, p, colours, col_colour, row_colour, &n);
	if (columns && nx >= MANY)
		columns = !rows_will_do(b->ctx, p, colours, row_colour, &n);
	for (int64_t i = 0; i < p->rows; i++)
		for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++)
			index[k] = columns ? col_colour[p->col[k]] * p->rows + i
			                   : row_colour[i] * p->cols + p->col[k];
	packed = as_line(b, columns ? by_columns(&q, n, col_colour) : by_rows(&q, n, row_colour));
	return sg_gather(b, packed, sg_data(b, SG_I64, line, index), 0, 0);
}
