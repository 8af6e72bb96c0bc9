/* small.h - private to small*.c and elements.c: tensors of which each element is a node. */
#ifndef SG_PASS_SMALL_H
#define SG_PASS_SMALL_H

#include "pass/sweep.h"

enum {
	SG_MOST_ITEMS = 64, /* elements of a tensor that goes by elements, ever */
	SG_SHORT = 4,       /* numbers along an axis, of each of many items */
};

/* Of a tensor of more than `most` elements: nothing; operations read its elements; they are nodes.
 */
enum { SG_LARGE_NOT, SG_LARGE_READ, SG_LARGE_SPLIT };

typedef struct sg_items {
	sg_build b;
	const sg_graph *old; /* what is gone through; it may be the graph that is built */
	uint32_t most;       /* elements of a tensor */
	const uint8_t *large; /* by old node: SG_LARGE_; NULL: none is (sparse.c) */
	const bool *many;     /* by old node: of many items, of which each number is a node with an
	                       * element for each item, or reads such numbers; NULL: none is (many.c) */
	const bool *live;
	const bool *stays; /* by old node: a loop among loops; NULL: none is (split.c) */
	const bool *logs;  /* by old node: logsumexp of it is taken; NULL: softmax stays whole */
	const sg_cone *cone; /* what is gone through, if not all: the rest stays as it is */
	sg_ref *whole;       /* by old node, or member of the cone; 0: it is not, yet */
	sg_ref **item;       /* its elements, row-major; NULL: it has none of their own */
	uint32_t *
	    *carry;     /* by loop: where among the new one's each carry begins, and their number */
	bool *is_split; /* by SEED: a carry that goes by elements */
} sg_items;

/* How many elements, if that is known and at most `most`; else 0. */
uint32_t sg_count_of(const sg_space *sp, const sg_shape *s, uint32_t most);
/* Has each of the nodes for an item's numbers this axis? Those of a tensor of a few elements have
 * none. */
bool sg_is_long(const sg_space *sp, const sg_shape *s, uint32_t axis);
/* How many numbers along the other axes; 0: none, or too many. */
uint32_t sg_numbers_of(const sg_space *sp, const sg_shape *s);
uint32_t sg_items_count(const sg_items *w, sg_ref r);
sg_ref *sg_items_new(const sg_items *w, uint32_t n);
/* Old node r is these elements. */
void sg_items_set(sg_items *w, sg_ref r, uint32_t n, sg_ref *item);
sg_ref sg_items_whole(sg_items *w, sg_ref r); /* the tensor as one node */
sg_ref sg_item(sg_items *w, sg_ref r, uint32_t i);
/* Node r element by element, where it has such a form and the elements are not too many. */
bool sg_items_split(sg_items *w, sg_ref r);
/* Does node r, of a few elements, stay a tensor: a loop over them in SIMD? */
bool sg_is_loop_of_few(const sg_items *w, sg_ref r);

/* sparse.c: sets `large`. */
void sg_find_sparse(sg_items *w);

/* many.c: sets `many`. */
void sg_find_many(sg_items *w, bool jit, size_t nroots, const sg_ref *root);

/* small_norm.c: the 2-norm of a few numbers. What is rare is a branch of its own (back/branch.c).
 */
sg_ref sg_norm_of_few(sg_build *b, uint32_t n, const sg_ref *x);
/* The same without a branch, where each x[i] is a number of many items, which go by SIMD. */
sg_ref sg_norms_of_few(sg_build *b, uint32_t n, const sg_ref *x);
/* Node n over other operands; of a number by itself hypot, and quotients by it, in a form whose
 * rare cases are branches. */
sg_ref sg_number_remade(sg_build *b, const sg_node *n, const sg_ref *arg);

/* rooted.c: x < y or x <= y (op), where one is a norm by elements, without its root, or x == y
 * where the other is 0; 0: it is none of them. */
sg_ref sg_compare_norms(sg_build *b, uint16_t op, sg_ref x, sg_ref y);

#endif
