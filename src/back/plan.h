/* plan.h - arrays that need a place in the workspace, and when. For plan.c and plan_time.c alone.
 */
#ifndef SG_BACK_PLAN_H
#define SG_BACK_PLAN_H

#include "back/emit.h"

typedef struct sg_held {
	sg_ref ref;
	uint32_t first, last; /* steps, from 1 */
	sg_ext bytes;
	int64_t size; /* rounded up; of symbolic size: for the guess */
	int64_t offset;
	size_t before; /* in its slot, + 1; 0: it is the first there */
} sg_held;

typedef struct sg_held_all {
	sg_held *item;
	size_t n, cap;
} sg_held_all;

/* One after the other in order of `first`, each at the lowest place that is free: sets offset, and
 * gives back what they take. */
int64_t sg_place_in_time(sg_fn *f, sg_held_all *all);

/* In order of bytes, then `first`: each in a slot of its very size, as few as can be. */
void sg_share_in_time(sg_fn *f, const sg_held_all *all);

#endif
