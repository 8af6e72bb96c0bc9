/* build.h - private to floor 2: what the constructors share. */
#ifndef SG_RULES_BUILD_H
#define SG_RULES_BUILD_H

#include "rules/rules.h"

#include <math.h>

/* A node as it stands, no simplification. */
sg_ref sg_raw(sg_build *b, sg_op op, sg_type t, const sg_shape *s, uint32_t n, const sg_ref *args,
              const sg_attr *attr);
/* One element of any type. */
union sg_cell {
	float f32;
	double f64;
	int32_t i32;
	int64_t i64;
	uint8_t b;
};
/* Stable form of op over x (, y), or 0: stabilise.c. */
sg_ref sg_stable1(sg_build *b, sg_op op, sg_ref x);
sg_ref sg_stable2(sg_build *b, sg_op op, sg_ref x, sg_ref y);
/* x @ y where one of them is an inverse: a solve, which rounds less, and the inverse is not needed.
 * 0: it is nothing of the kind, or leading axes would have to be broadcast. build_linalg.c */
sg_ref sg_product_of_inverse(sg_build *b, sg_ref x, sg_ref y);
/* A slice of a concatenation as one of its parts, or as a concatenation of few of them; 0: it stays.
 * build_concat.c */
sg_ref sg_slice_of_concat(sg_build *b, sg_ref x, const sg_shape *s, const sg_ext *start,
                          const sg_ext *step);
/* `x op y`, a comparison, and an AND or OR of comparisons, where constants tell what it is; 0: they do
 * not. build_logic.c */
sg_ref sg_known_comparison(sg_build *b, sg_op op, sg_ref x, sg_ref y);
sg_ref sg_known_logic(sg_build *b, sg_op op, sg_ref x, sg_ref y);
/* All elements of x are within these, integers' both or neither finite; NaN may be among floats.
 * build_range.c */
typedef struct sg_bounds {
	double lo, hi;
} sg_bounds;
sg_bounds sg_bounds_of(const sg_build *b, sg_ref x);
sg_ref sg_loop_remake(sg_build *b, const sg_node *n, const sg_ref *args);
static inline bool sg_is_op(const sg_build *b, sg_ref r, sg_op op) { return b->g->node[r].op == op; }
/* The mask with the lowest `rank` bits. */
static inline uint64_t sg_all_axes(uint32_t rank) { return rank ? ((uint64_t)1 << rank) - 1 : 0; }
static inline bool sg_is_one(const sg_build *b, sg_ext e) { return sg_ext_is(b->sp, e, 1); }

#endif
