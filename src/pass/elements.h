/* elements.h - private to derive.c, elements.c, parts.c and unroll.c. */
#ifndef SG_PASS_ELEMENTS_H
#define SG_PASS_ELEMENTS_H

#include "pass/sweep.h"

/* The Jacobian of y, or the Hessian or gradient of scalar y, by sweeps over scalars. 0: it has no
 * such form, or is too large for it, or zero. *value: y itself over those scalars. */
sg_ref sg_jacobian_by_elements(sg_build *b, sg_ref y, sg_ref x, bool forward, const sg_shape *s,
                               sg_ref *value);
/* The Jacobians of y by x[0..n), for which the sweeps over y's scalars are the same. False: some
 * has no such form, or is zero, or one x depends on another. */
bool sg_jacobians_by_elements(sg_build *b, sg_ref y, uint32_t n, const sg_ref *x,
                              const bool *forward, const sg_shape *const *s, sg_ref *jacobian,
                              sg_ref *value);
/* The Jacobian of y by forward sweeps, x's axes in front. */
sg_ref sg_slopes_by_elements(sg_build *b, sg_ref y, sg_ref x);
/* *slope: the gradient over those scalars. */
sg_ref sg_hessian_by_elements(sg_build *b, sg_ref y, sg_ref x, const sg_shape *s, sg_ref *value,
                              sg_ref *slope);
/* Do elements[0..n) take clearly fewer operations than whole[0..n), in nodes from `from` on? */
bool sg_is_cheaper(sg_build *b, size_t n, const sg_ref *elements, const sg_ref *whole, sg_ref from);

/* Operations of what the roots stand on, of nodes from `from` on whose number is fixed. *all: they
 * all are. */
int64_t sg_fixed_cost(sg_build *b, size_t n, const sg_ref *root, sg_ref from, bool *all);
/* y with the loops between it and x written out, y itself where there are none; 0: one has too many
 * steps, or something is held for other derivatives. */
sg_ref sg_unrolled(sg_build *b, sg_ref y, sg_ref x);

/* The sweep over some elements of x, one after the other. */
typedef struct sg_part_sweep {
	sg_ext n;       /* elements */
	sg_ref seed;    /* stands for their tangent */
	sg_ref tangent; /* of y; 0: it does not depend on them */
} sg_part_sweep;

enum { SG_MOST_PARTS = 4 };

/* Forward sweeps over parts of x, in their order; the result is their number, 0 where there is nothing
 * to gain. made: room for SG_MOST_PARTS. */
uint32_t sg_sweep_parts(sg_build *b, sg_ref y, sg_ref x, sg_part_sweep *made);

#endif
