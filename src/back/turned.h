/* turned.h - private to turned.c and taken.c: a loop over items whose numbers go to columns. */
#ifndef SG_TURNED_H
#define SG_TURNED_H

#include "back/nest.h"

/* Numbers that stand side by side in each turn's row. */
typedef struct sg_turned_row {
	const char *array;
	sg_aff at; /* of the first */
	int64_t pitch, n;
	sg_type type;
	bool stored;
	const char *name; /* of its columns */
} sg_turned_row;

struct sg_turned {
	sg_turned_row *row;
	size_t n, cap;
	int lanes;
	bool open; /* the columns stand for what they hold */
	/* By value of the loop: is it read at an index? Is it needed besides, or for reading that?
	 */
	bool *taken, *in_lanes, *before;
	const char **column; /* by value that is taken: where it stands */
	uint32_t ntaken;
	/* By root: is it added at an index, behind the loop? By value: is it needed for that? */
	bool *given, *behind;
	const char **sum; /* by root that is given: where it stands */
	uint32_t ngiven;
	bool adds; /* what is given is printed */
};

/* ---- taken.c: what is read at indices, in a loop before ---- */
bool sg_is_in_loop(const sg_nest *n, uint32_t v);
/* Does the form change from turn to turn but by the loop's variable? */
bool sg_depends_on_values(const sg_nest *n, sg_aff a);
void sg_find_taken(const sg_nest *n, sg_turned *t);
void sg_print_taken(sg_nest *n, const char *first, const char *width);
void sg_open_taken(sg_nest *n); /* the loop over lanes prints what else it needs alone */
void sg_close_taken(sg_nest *n);
/* Is it added to an array at an index, and may be so behind the loop? */
bool sg_can_be_given(sg_nest_arrays *a, const sg_root *r);
void sg_declare_given(sg_nest *n);
void sg_print_given(sg_nest *n, const char *first, const char *width);

#endif
