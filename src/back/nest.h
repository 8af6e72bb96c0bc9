/* nest.h - private to emission: a loop nest while it is printed. */
#ifndef SG_NEST_H
#define SG_NEST_H

#include "back/emit.h"

typedef struct sg_nest {
	sg_fn *f;
	sg_step *s;
	uint32_t ngroups, nkept;         /* loops; those outside of reductions */
	uint32_t group_of[SG_MAX_LOOPS]; /* by variable */
	uint32_t last[SG_MAX_LOOPS];     /* by group: its fastest variable */
	sg_ext ext[SG_MAX_LOOPS];        /* by group */
	bool tree, blocks;
} sg_nest;

/* ---- nest_value.c ---- */
sg_c_text sg_form_text(const sg_nest *n, sg_aff a);
const char *sg_element(const sg_nest *n, const char *array, sg_aff at); /* array[at] */
sg_c_text sg_val_text(const sg_nest *n, uint32_t v);
void sg_print_val(sg_nest *n, sg_val *v); /* its text; a statement where it needs one */

/* ---- fold.c: what a nest computes ---- */
void sg_declare_folds(sg_nest *n);
void sg_print_root(sg_nest *n, sg_root *r); /* in the innermost loop */
void sg_finish_folds(sg_nest *n);

#endif
