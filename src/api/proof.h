/* proof.h - private to floor 6: the gradient check.
 *
 * check.c       the rows of a report; back end against evaluator
 * check_data.c  data for a call that lacks some
 * check_deriv.c each derivative against finite differences and the other mode */
#ifndef SG_API_PROOF_H
#define SG_API_PROOF_H

#include "api/call.h"

typedef struct sg_check_run {
	sg_ctx *ctx;
	sg_call *call; /* prepared, with all its data */
	const char *entry;
	uint64_t random;
	sg_check_row *row;
	size_t nrows, cap;
} sg_check_run;

/* Two arrays that ought to agree. */
typedef struct sg_pair {
	const char *output, *against;
	int64_t count;
	const double *is, *expected;
	const int64_t *index; /* flat index of each element in the output; NULL: its own */
	bool is_part;         /* of what the output is made of: it has no index there */
	double floor; /* differences are judged against the larger of this and the arrays' scale */
	double limit;
} sg_pair;

/* Adds a row; may raise. */
void sg_check_compare(sg_check_run *r, const sg_pair *p);

/* r->call gets the bindings of `from`, and made-up ones for what is missing, whose data live in r's
 * arena. SG_OK: it is prepared. */
int sg_check_data(sg_check_run *r, const sg_call *from);

/* Rows for all derivatives of the entry, which is compiled anew in f64; may raise. */
void sg_check_derivs(sg_check_run *r);

#endif
