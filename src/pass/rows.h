/* rows.h - private to derive.c and rows.c: derivatives within a loop through the loop's rows. */
#ifndef SG_PASS_ROWS_H
#define SG_PASS_ROWS_H

#include "pass/sweep.h"

typedef struct sg_rows sg_rows;

/* A param of a loop that stands for one row of xs: nodes of the old graph. */
typedef struct sg_row {
	sg_ref param, xs;
} sg_row;

/* What the program's graph has of loops; NULL: none, or no DERIV. */
sg_rows *sg_rows_learn(sg_ctx *ctx, sg_program *p, const bool *live);
/* The rows that y of this DERIV goes through and that depend on its x, each after those that its xs
 * have. An error ("carry-derivative") where it goes through a carry that does. */
size_t sg_rows_through(sg_rows *f, sg_ref deriv, const sg_row **row);

/* y, of the new graph, with held[k], which is xs[i], in place of row k. map: old node -> new node,
 * of the params and their xs. */
sg_ref sg_rows_open(sg_rows *f, sg_build *b, size_t n, const sg_row *row, const sg_ref *map,
                    sg_ref y, sg_ref *held);
/* The derivative, with the rows in their place again. 0 stays 0. */
sg_ref sg_rows_close(sg_build *b, size_t n, const sg_row *row, const sg_ref *map, sg_ref result,
                     const sg_ref *held);
/* Adds to the n xs and rows of a loop the numbers of its steps, where they are asked for: room for
 * n more. param: the rows in the old graph. Returns how many there are then. */
uint32_t sg_rows_index(sg_rows *f, sg_build *b, sg_ext length, uint32_t n, const sg_ref *param,
                       sg_ref *xs, sg_ref *row);

#endif
