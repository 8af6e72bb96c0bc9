/* solved.h - private to solved.c and triangles.c: matrices of a few rows, number by number. */
#ifndef SG_PASS_SOLVED_H
#define SG_PASS_SOLVED_H

#include "pass/sweep.h"

enum {
	MOST_ROWS = SG_MOST_SOLVED,
	MOST_NUMBERS = 16, /* of the right sides of a matrix that become scalars */
};

typedef struct factors factors;
struct factors {
	sg_build *b;
	uint32_t n, lead;                    /* rows; axes in front */
	const sg_shape *shape;               /* of what a factor is multiplied with */
	sg_ref at[MOST_ROWS][MOST_ROWS + 1]; /* of sgrt_lu, or a triangle, in that shape */
	sg_ref moved[MOST_ROWS][MOST_ROWS];  /* do rows i and j > i change places in step i? */
	sg_ref inverse[MOST_ROWS];           /* of each pivot: one division for all right sides */
	bool lower, trans;
	void (*solve)(const factors *f, sg_ref *x); /* right sides x[0..n) become the solution */
};

/* The factors for what has `shape`, that of LUSOLVE or TRISOLVE n by the matrix. */
typedef factors open_fn(sg_build *b, const int64_t *attr, sg_ref matrix, const sg_shape *shape);

/* The extent, where it is a constant of 1 to `most`; else 0. */
uint32_t sg_few(const sg_space *sp, sg_ext e, uint32_t most);
/* Number i, j of the last two axes of x. */
sg_ref sg_number_of(sg_build *b, sg_ref x, uint32_t i, uint32_t j);
/* Rows of numbers as a matrix. */
sg_ref sg_matrix_of(const factors *f, uint32_t columns);
/* x, of the axes in front, for what has the shape. */
sg_ref sg_spread(const factors *f, sg_ref x);
/* x[i] less what row j of the solution adds to it; divided by the pivot. Zeros stay. */
void sg_subtract(const factors *f, bool trans, uint32_t i, uint32_t j, sg_ref *x);
void sg_divide(const factors *f, uint32_t i, sg_ref *x);

/* ---- triangles.c ---- */

open_fn sg_open_triangle;
sg_ref sg_cholesky_written(sg_build *b, sg_ref a);
sg_ref sg_cholesky_back_written(sg_build *b, sg_ref l, sg_ref g);

#endif
