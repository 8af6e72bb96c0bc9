/* casadi.h - private to casadi.c and casadi_matrix.c: arrays as CasADi sees them. */
#ifndef SG_CASADI_H
#define SG_CASADI_H

#include "back/file.h"

/* An array of ours: row-major. */
typedef struct sg_casadi_array {
	sg_type type;
	uint32_t rank;
	int64_t ext[SG_MAX_RANK], count;
} sg_casadi_array;

/* One argument of a function: CasADi's matrix, and the array of ours behind it. */
typedef struct sg_casadi_matrix {
	const char *name;
	int64_t rows, cols;
	const char *sparsity; /* the name of its text */
	const char *at; /* of a sparse one: where its entries stand in the array; NULL: dense */
	int64_t nnz;
	sg_casadi_array a;
	const char *c; /* the array's name in C; NULL: not used */
	bool in_place;
} sg_casadi_matrix;

typedef struct sg_casadi_place {
	int64_t row, col, at;
} sg_casadi_place;

sg_casadi_array sg_casadi_array_of(const sg_file *file, sg_type type, const sg_shape *s);
sg_casadi_matrix sg_casadi_matrix_of(const char *name, sg_casadi_array a);
/* The place in CasADi's order of the element with this place in ours. */
int64_t sg_casadi_index(const sg_casadi_array *a, int64_t at);

/* What the matrix says of its entries: all; none; those at n places alone, which are sorted. The
 * texts go before the functions of the file. */
void sg_casadi_dense(sg_file *file, sg_casadi_matrix *m);
void sg_casadi_empty(sg_file *file, sg_casadi_matrix *m);
void sg_casadi_sparse(sg_file *file, sg_casadi_matrix *m, int64_t n, sg_casadi_place *p);

#endif
