/* op.h - private to floor 2: what the rules of the structured ops (op_*.c) share.
 *
 * Every structured op has jvp_ID, vjp_ID and batch_ID, declared here from the table, so that one
 * that is missing does not link. The rules are linear in the tangents and in the adjoint, and are
 * never asked of an integer or bool result. */
#ifndef SG_RULES_OP_H
#define SG_RULES_OP_H

#include "rules/rules.h"

#define STRUCT(ID, NAME, FLAGS)                                                                    \
	sg_jvp_rule jvp_##ID;                                                                      \
	sg_vjp_rule vjp_##ID;                                                                      \
	sg_batch_rule batch_##ID;
#include "rules/ops.def"

/* Both, or the one that is there (0: none). */
sg_ref sg_sum_of(sg_build *b, sg_ref x, sg_ref y);

/* Of r, a max or min: where its operand is that (bool, of the operand's shape); and what each such
 * element has of g, which is of r's shape. */
sg_ref sg_extremum_taken(sg_build *b, sg_ref r);
sg_ref sg_extremum_share(sg_build *b, sg_ref r, sg_ref g);

/* ---- the leading axis of batching ---- */

const sg_shape *sg_shape_led(sg_build *b, const sg_shape *s, sg_ext size); /* [size] + s */
sg_ref sg_lead(sg_build *b, sg_ref x, sg_ext size);                        /* x in every slice */
/* The n operands with the leading axis, whether they were batched or not. */
void sg_led_args(sg_build *b, uint32_t n, const sg_ref *args, const bool *batched, sg_ext size,
                 sg_ref *led);
sg_jvp_rule sg_no_tangent;
sg_vjp_rule sg_no_adjoint;

/* ---- rows: the last axis ---- */

static inline uint64_t
sg_last_axis(const sg_build *b, sg_ref x)
{
	return (uint64_t)1 << (sg_shape_of(b, x)->rank - 1);
}

/* x of shape s without the axes in the mask, repeated along them. */
sg_ref sg_unreduce(sg_build *b, sg_ref x, const sg_shape *s, uint64_t mask);
/* One value a row, repeated along the rows of `like`. */
sg_ref sg_over_rows(sg_build *b, sg_ref x, sg_ref like);
sg_ref sg_row_sum(sg_build *b, sg_ref x);
sg_ref sg_flip_rows(sg_build *b, sg_ref x);
sg_ref sg_shift_rows(sg_build *b, sg_ref x); /* 0, x[0], x[1], ... x[n-2] in each row */

#endif
