/* blocks.h - private to emission: the innermost loop of a nest as tiles, while it is printed.
 *
 * blocks.c       how each value comes about over a tile, in which order, and where it lies
 * blocks_reads.c what each reads
 * blocks_pair.c  two operations in one step
 * blocks_around.c a sum of what lies around each element in one step
 * blocks_weave.c what lies side by side, number by number
 * blocks_place.c which elements lie at indices
 * blocks_ring.c  which lie in a ring
 * blocks_loop.c  which loop goes in tiles
 * blocks_rows.c  tiles of many rows of few numbers
 * blocks_text.c  the C text
 * blocks_fold.c  that of reductions */
#ifndef SG_BLOCKS_H
#define SG_BLOCKS_H

#include "back/nest.h"

enum {
	SG_SHORT = 16, /* turns; fewer are a short loop */
	SG_LEAST = 8,  /* fewer are not worth a call */
};

/* How a value is there for a tile. */
typedef enum {
	SG_B_NONE,  /* nobody asks for it */
	SG_B_WHOLE, /* one number for all elements */
	SG_B_PLAIN, /* an element in memory or an index: read where it is wanted */
	SG_B_STEP,  /* a call of a routine over the tile */
	SG_B_EACH,  /* scalar code in a loop over the elements */
} sg_block_how;

/* What a step adds up with others. */
typedef struct sg_summand {
	uint32_t v;       /* the value */
	uint32_t by;      /* the one number that it is times; 0: 1 */
	uint32_t product; /* the value that is both, or the negative of v; 0: none */
	bool within;      /* v is a WITHIN, whose elements are read where they lie */
	bool apart;       /* v is a LOAD, as above */
	bool negate;
} sg_summand;

typedef struct sg_around {
	uint32_t n;
	const sg_summand *summand;
} sg_around;

/* A value, or a root behind the values. */
typedef struct sg_block {
	uint8_t how;
	bool array;       /* it is read as an array */
	bool in_row;      /* PLAIN, or where a root goes: elements lie one behind the other */
	bool copied;      /* PLAIN: in a buffer, by a routine */
	uint32_t readers; /* values and roots that read it */
	uint32_t key;     /* 2 stage + (STEP): in which run of items it is made */
	uint32_t at,
	    last;      /* position in the order (PLAIN: of its first reader); of its last reader */
	uint32_t into; /* the root whose destination it is made in, + 1 */
	uint32_t product; /* root: the product that it sums up, unwritten */
	uint32_t pair;    /* its operand, or its product's, that is made in the same step */
	uint32_t woven; /* root: which of the weaves it stores; PLAIN: which it is read with; + 1 */
	const sg_around *around; /* the summands that its step adds up; NULL: it is no such step */
	bool turned;      /* LOAD: its step finds quotients, or the places in a ring, by itself */
	bool powers;      /* of one number, exponents one after the other: they are not read */
	bool done;        /* root: nothing is left to do */
	const char
	    *text; /* pointer to its elements; of a fold in a strip, to what a block adds up */
	const char *sum,
	    *rest; /* and to what the blocks before have come to, if there may be more */
} sg_block;

typedef struct sg_block_slot {
	uint32_t size, until; /* bytes of an element; position up to which it is taken */
	int64_t offset;
} sg_block_slot;

/* Where in arrays steps begin. */
typedef struct sg_block_place {
	sg_aff at;
	uint32_t readers;
	const char *name; /* NULL: it is written out */
} sg_block_place;

/* Items whose numbers are stored, or read, side by side, in their order. */
typedef struct sg_weave {
	uint32_t n;
	const uint32_t *item;
} sg_weave;

struct sg_blocks {
	sg_nest *n;
	sg_fn *f;
	uint32_t group, var; /* the innermost loop and its variable */
	sg_block *item;      /* by value; root i is nvals + i */
	uint32_t nvals, nitems;
	bool turns; /* some step is turned */
	sg_weave *weave;
	size_t nweaves, weave_cap;
	uint32_t *order;
	const uint32_t *run_end; /* by position in the order: the last one of its run */
	size_t norder;
	uint32_t tile; /* elements */
	sg_block_slot *slot;
	size_t nslots, slot_cap;
	int64_t bytes;
	sg_block_place *place; /* while the steps of a tile are printed */
	size_t nplaces, place_cap;
	const char *i, *from, *count; /* names: the element, the tile's first, how many there are */
	bool one;                     /* tile, known to be all of the loop: there is no loop */
	int64_t few;   /* numbers in a row, of which a tile takes many; 0: it does not */
	int64_t most;  /* rows */
	uint32_t turn; /* the loop over the rows, whose fastest variable is `row` */
	uint32_t row;
	const char *rows; /* name: how many there are */
};

/* sgrt_block_NAME_FORM_TYPE; NULL: there is no such routine. */
const char *sg_block_routine(const sg_blocks *b, const char *name, const char *form, sg_type t);
const sg_root *sg_block_root(const sg_blocks *b, uint32_t item); /* NULL: it is a value */
/* The step in the array of r for one step of the innermost loop. */
sg_ext sg_block_stride(const sg_blocks *b, sg_aff a);
/* The same for one step of the loop over rows. */
sg_ext sg_block_row_stride(const sg_blocks *b, sg_aff a);
bool sg_block_is_inner(const sg_blocks *b, uint32_t v); /* does it change within a tile? */
bool sg_block_is_affine(const sg_blocks *b, sg_aff a);  /* in the innermost loop's variable */
/* Are these powers of one number, whose exponents are the places in the loop plus `more`? */
bool sg_block_counts_powers(const sg_blocks *b, const sg_val *v, int64_t *more);
/* The routines of an elementwise value and of a fold; NULL: there is none. */
const char *sg_block_elementwise(const sg_blocks *b, const sg_val *v);
bool sg_block_fails(const sg_blocks *b, const sg_val *v); /* does its routine take a status? */
const char *sg_block_fold(const sg_blocks *b, const sg_root *r);
const char *sg_block_strip_fold(const sg_blocks *b, const sg_root *r); /* of two arrays */
/* Is more added to what root r sets? Then that is no place for a value that others read. */
bool sg_block_is_added_to(const sg_blocks *b, const sg_root *r);

/* ---- blocks_reads.c ---- */
typedef void sg_block_visit(sg_blocks *b, uint32_t item, uint32_t v);
void sg_blocks_operands(sg_blocks *b, uint32_t item, sg_block_visit *visit); /* what it reads */

/* ---- blocks_text.c ---- */
/* A slot for elements of type t that is free from position `from` on, taken until `until`: pointer
 * as C. */
const char *sg_block_slot_for(sg_blocks *b, sg_type t, uint32_t from, uint32_t until);
const char *sg_block_typed(const sg_blocks *b, const char *name,
                           sg_type t); /* sgrt_block_NAME_TYPE */
/* Pointer to the elements of value v, and what stands for it as an operand, for a step at position
 * p of the order. */
const char *sg_block_array(sg_blocks *b, uint32_t v, uint32_t p);
const char *sg_block_operand(sg_blocks *b, uint32_t v, uint32_t p);
void sg_block_copy_ahead(sg_blocks *b); /* for what a strip sums up */
/* Pointer to the element at the start of the tile. */
const char *sg_block_start(const sg_blocks *b, const char *array, sg_aff at);
const char *sg_block_root_array(const sg_blocks *b, const sg_root *r);
sg_aff sg_block_root_place(const sg_blocks *b, const sg_root *r);

/* ---- blocks_fold.c ---- */
void sg_print_tile_fold(sg_blocks *b, uint32_t item);
bool sg_block_is_place(const sg_blocks *b, const sg_root *r); /* of an extreme? */
/* The product v, of an item at place p of the order, is added to what there is in `to`. */
void sg_block_add_product(sg_blocks *b, const sg_val *v, uint32_t p, const char *to);

/* ---- blocks_place.c ---- */
/* Is the form affine but for one checked index of the tile's elements? Then which value that is,
 * and what it is times. */
bool sg_block_indirect(const sg_blocks *b, sg_aff a, uint32_t *at, sg_ext *by);
bool sg_block_takes(const sg_blocks *b, const sg_val *v); /* does a step read it at such indices? */
bool sg_block_puts(const sg_blocks *b, const sg_root *r); /* or add it? */
/* Does the root add the tile to a row that an index of the loops around says? */
bool sg_block_adds_row(const sg_blocks *b, const sg_root *r);

/* ---- blocks_ring.c ---- */
/* Is it an index in a ring, or a quotient? */
bool sg_block_is_turn(const sg_blocks *b, uint32_t v);
bool sg_block_turns(const sg_blocks *b, const sg_val *v); /* LOAD: may a step find such indices? */
/* Pointer to its elements, which it may copy to `to`. */
const char *sg_print_turned(sg_blocks *b, uint32_t item, const char *to);

/* ---- blocks_pair.c ---- */
void sg_find_pairs(sg_blocks *b); /* requires: how each comes about, and the number of readers */
/* The routine that makes v and its operand `inner` of three operands; NULL: there is none. */
const char *sg_block_pair(const sg_blocks *b, const sg_val *v, uint32_t inner, uint32_t arg[3]);

/* ---- blocks_around.c ---- */
/* Finds sums of several that lie in memory.  requires: how each comes about, how many read it */
void sg_find_around(sg_blocks *b);
void sg_visit_around(sg_blocks *b, uint32_t item, sg_block_visit *visit); /* arrays that it reads */
bool sg_block_is_around(const sg_blocks *b, const sg_val *v);    /* may a WITHIN be a summand? */
bool sg_block_needs_around(const sg_blocks *b, const sg_val *v); /* can nothing else make it? */
bool sg_block_is_spot(const sg_blocks *b, const sg_val *v);      /* a WITHIN of one number */
void sg_print_spot(sg_blocks *b, uint32_t item, const char *to);
void sg_print_around(sg_blocks *b, uint32_t item, const sg_summand *s, uint32_t n, const char *to);

/* ---- blocks_weave.c ---- */
void sg_find_woven(sg_blocks *b);   /* stores.  requires: how each comes about */
void sg_find_unwoven(sg_blocks *b); /* what is read.  requires: what is copied, and where */
void sg_print_woven(sg_blocks *b, uint32_t item);
/* Copies value v, and what is read with it, for a step at position p: their texts are set. */
void sg_print_unwoven(sg_blocks *b, uint32_t v, uint32_t p);

/* ---- blocks_rows.c ---- */
/* Is there a loop of many turns around the innermost one, of few, so that a tile may cover both?
 * Puts it next to that one. */
bool sg_choose_rows(sg_nest *n);
bool sg_strip_has_rows(const sg_nest *n); /* the same for a strip, whose loops stay in order */
bool sg_rows_are_worth_it(const sg_blocks *b);
/* Is it copied once, for all tiles, or for all that a strip sums up? */
bool sg_block_is_ahead(const sg_blocks *b, uint32_t v);
void sg_open_row_tiles(sg_blocks *b, const char *from, const char *to);
void sg_close_row_tiles(sg_blocks *b);
/* The routine of a fold; NULL: there is none. */
const char *sg_block_rows_fold(const sg_blocks *b, const sg_root *r);
void sg_print_rows_fold(sg_blocks *b, uint32_t item); /* of a strip */
/* Elements that lie apart go to `to`, and those of x to where the form says. */
const char *sg_block_copy_rows(sg_blocks *b, const sg_val *v, const char *to);
void sg_block_store_rows(sg_blocks *b, sg_type t, const char *x, const char *to, sg_aff at);
bool sg_block_folds_each(const sg_blocks *b); /* are folds those of each row? */
bool sg_block_folds_rows(const sg_blocks *b); /* or those of all rows, number by number? */
void sg_print_fold_of_each(sg_blocks *b, uint32_t item);
void sg_run_on_in_each(sg_blocks *b, uint32_t item); /* the same of what runs on */

/* ---- blocks_loop.c ---- */
/* Moves a loop inside of the others where tiles are better along that one: true. */
bool sg_move_tile_loop(sg_nest *n);
/* Moves that loop and the kept one of few turns in it, so that a strip has rows: true. */
bool sg_move_row_loops(sg_nest *n);
/* Is a fold of rows one of so few that a tile of them is short, in a loop around them? */
bool sg_has_few_rows(const sg_nest *n);
/* The turns of the innermost loop, SG_SHORT if they are as many or more. */
int64_t sg_short_tile(const sg_nest *n);

#endif
