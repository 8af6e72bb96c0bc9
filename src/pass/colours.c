/* colours.c - columns that can be swept together: those of one colour share no row of the pattern.
 *
 * Greedy, in the order of the columns (Curtis, Powell, Reid 1974). */
#include "pass/pass.h"

int64_t
sg_pattern_colours(sg_ctx *ctx, const sg_pattern *p, int64_t *colour)
{
	int64_t *rows_of = SG_NEW_ARRAY(ctx, int64_t, p->cols + 2), *row, *last, most = 0;
	const int64_t nnz = p->rowptr[p->rows];

	row = SG_NEW_ARRAY(ctx, int64_t, nnz + 1);
	for (int64_t k = 0; k < nnz; k++)
		rows_of[p->col[k] + 1]++;
	for (int64_t c = 0; c < p->cols; c++)
		rows_of[c + 1] += rows_of[c];
	int64_t *fill = sg_copy(ctx, rows_of, ((size_t)p->cols + 1) * sizeof *fill);
	for (int64_t i = 0; i < p->rows; i++)
		for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++)
			row[fill[p->col[k]]++] = i;
	last = SG_NEW_ARRAY(ctx, int64_t, p->cols + 1); /* by colour: the last column that found it taken */
	for (int64_t c = 0; c < p->cols; c++)
		colour[c] = -1;
	for (int64_t c = 0; c < p->cols; c++) {
		for (int64_t k = rows_of[c]; k < rows_of[c + 1]; k++)
			for (int64_t j = p->rowptr[row[k]]; j < p->rowptr[row[k] + 1]; j++)
				if (colour[p->col[j]] >= 0)
					last[colour[p->col[j]]] = c + 1;
		colour[c] = 0;
		while (last[colour[c]] == c + 1)
			colour[c]++;
		most = colour[c] + 1 > most ? colour[c] + 1 : most;
	}
	return most;
}
