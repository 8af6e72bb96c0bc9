/* loop.h - private to loop.c and loop_keep.c: one step backward of a loop. */
#ifndef SG_PASS_LOOP_H
#define SG_PASS_LOOP_H

#include "pass/sweep.h"

/* A list of refs that grows. */
typedef struct sg_refs {
	sg_ref *r;
	size_t n, cap;
} sg_refs;

void sg_refs_push(sg_build *b, sg_refs *v, sg_ref r);
void sg_refs_add(sg_build *b, sg_refs *v, uint32_t n, const sg_ref *r);
/* A placeholder of r's type and shape. */
sg_ref sg_seed_like(sg_build *b, sg_ref r);

typedef struct sg_backward {
	sg_build *b;
	sg_loop l;
	uint32_t ns; /* stacked results: outs, or the carries before each step of a taped WHILE */
	const sg_ref *out;
	const sg_adj *gs;     /* their adjoints; raw 0: none */
	sg_ref *gc, *gy;      /* what stands for them in a step: of carries, of stacked results */
	sg_ref *dc, *dx, *dk; /* adjoints of carries, xs, captures in a step; 0: none */
	sg_ref *mx, *mk;      /* where those of xs, captures are taken in it; 0: not looked at */
	sg_ref *my;           /* what stands for where those of stacked results are; 0: nothing */
	sg_refs dear;         /* values of the body that are kept too, */
	sg_refs kept;         /* and their placeholders in a step backward */
	uint32_t *carry; /* by these: the carry, + 1, whose next value it is; 0: it is stacked */
} sg_backward;

/* What stands for adjoints in a step. */
sg_refs sg_backward_adjoints(const sg_backward *w);
/* What the step backward reads, from the params on. */
sg_cone sg_backward_reads(const sg_backward *w, const sg_refs *param);
/* Values of the body that are dear to compute again are kept, and the step backward reads those. */
void sg_keep_dear(sg_backward *w, const sg_refs *param);
/* cone: of what the step backward reads.  ensures: carry. */
void sg_find_next_carries(sg_backward *w, const sg_cone *cone);

#endif
