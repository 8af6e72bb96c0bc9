/* jacobian.h - private to derive.c: one derivative. Each gives 0 where y does not depend on x. */
#ifndef SG_PASS_JACOBIAN_H
#define SG_PASS_JACOBIAN_H

#include "pass/sweep.h"

sg_ref sg_take_gradient(sg_build *b, sg_ref y, sg_ref x, sg_deriv_mode mode); /* of scalar y */
/* Shape y.shape + x.shape. */
sg_ref sg_take_jacobian(sg_build *b, sg_ref y, sg_ref x, sg_deriv_mode mode);
/* The mode that was asked for, or the cheaper one, which has the fewer rows. */
sg_deriv_mode sg_jacobian_mode(sg_build *b, sg_ref y, sg_ref x, sg_deriv_mode asked);
sg_ref sg_take_hessian(sg_build *b, sg_ref y, sg_ref x, sg_deriv_mode mode);
sg_ref sg_take_hessian_times(sg_build *b, sg_ref y, sg_ref x, sg_ref v); /* v: of x's shape */

#endif
