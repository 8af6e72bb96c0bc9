/* demand.h - private to emission: asking for elements, while the values of a step are made. */
#ifndef SG_DEMAND_H
#define SG_DEMAND_H

#include "back/emit.h"

/* An element: one form for each axis, or one for all, row-major. */
typedef struct sg_spot {
	bool flat;
	uint32_t n;
	sg_aff at[SG_MAX_RANK];
} sg_spot;

typedef struct sg_question {
	sg_ref r;
	sg_spot ix;
} sg_question;

typedef struct sg_asker {
	sg_fn *f;
	uint32_t step;
	sg_question *todo;
	size_t n, cap;
} sg_asker;

static inline sg_val *
sg_val_at(const sg_asker *a, uint32_t v)
{
	return &a->f->step[a->step].val[v];
}

/* ---- demand.c ---- */
enum { SG_KEY_NODE, SG_KEY_LOAD, SG_KEY_AT, SG_KEY_DIV, SG_KEY_MOD, SG_KEY_WITHIN, SG_KEY_RING };
uint32_t sg_add_val(sg_asker *a, sg_val v);
/* The value v, or the one that stands for the same key already: what, x, more[n]. */
uint32_t sg_val_once(sg_asker *a, uint32_t what, uint32_t x, uint32_t n, const uint32_t *more,
                     sg_val v);
/* The value of an element; what it stands on is added before it. */
uint32_t sg_evaluate(sg_asker *a, sg_ref r, const sg_spot *ix);
uint32_t sg_ask(sg_asker *a, sg_ref r, const sg_spot *ix); /* or 0: it is on the list first */
/* A flat index as one for each axis. */
sg_spot sg_unflatten(sg_asker *a, const sg_spot *ix, const sg_shape *s);
/* Value v as an index below an extent: a value, or a form. */
uint32_t sg_checked(sg_asker *a, uint32_t v, sg_ext below);
sg_aff sg_index_form(sg_asker *a, uint32_t v, sg_ext below);
sg_aff sg_value_var(sg_fn *f, uint32_t v); /* an integer value as a variable */
sg_aff sg_aff_zero(sg_fn *f);
/* A flat index as one for each axis. */
sg_spot sg_unflatten(sg_asker *a, const sg_spot *ix, const sg_shape *s);
/* Load v where the conditions hold, else 0. */
uint32_t sg_within_bounds(sg_asker *a, uint32_t v, const sg_within *cond, uint32_t n);
/* Row-major place in an array of the shape, of its axes from lo on. */
sg_aff sg_linear_from(sg_fn *f, const sg_spot *ix, const sg_shape *s, uint32_t lo);
/* Index k of the array that the windows of n lie on, from one of the array of windows. */
sg_aff sg_within_windows(sg_fn *f, const sg_node *n, const sg_spot *ix, uint32_t k);

/* ---- quotient.c ---- */
/* The form divided by an extent, or what remains, as a value. */
sg_aff sg_quotient(sg_asker *a, sg_aff x, sg_ext by, bool rest);
bool sg_is_below(const sg_asker *a, sg_aff x, sg_ext end); /* is 0 <= x < end known? */

/* ---- ring.c ---- */
/* Where the element at ix of ring r stands in what it turns, *of. */
sg_spot sg_around(sg_asker *a, sg_ref r, const sg_spot *ix, sg_ref *of);

/* ---- demand_row.c ---- */
/* The loop variables as an index of the shape; the last `row` axes are written out: turn `turn` of
 * them. */
sg_spot sg_index_in_rows(sg_fn *f, const sg_shape *s, uint32_t row, uint32_t turn);
/* Of SUM n, of few numbers: as sg_ask. */
uint32_t sg_short_sum(sg_asker *a, const sg_node *n, const sg_spot *at);
/* What a sum over rows adds up: one of their numbers, or several. mask: axes that go. */
void sg_fold_rows(sg_asker *a, sg_root *root, uint64_t mask);

#endif
