/* nest.h - private to emission: a loop nest while it is printed. */
#ifndef SG_NEST_H
#define SG_NEST_H

#include "back/emit.h"

enum { SG_BLOCK = 256, SG_BLOCK_OF_HORNER = 128 }; /* terms that are added up one after the other */
/* More than 16: gcc unrolls shorter loops, and then finds no SIMD in what they were. */
enum { SG_LANES = 32 };

typedef struct sg_blocks sg_blocks;
typedef struct sg_chunks sg_chunks;
typedef struct sg_turned sg_turned;

/* base**(turn + more), carried from turn to turn (powers.c). */
typedef struct sg_power {
	uint32_t base;
	int64_t more;
	const char *name; /* of the variable that carries it */
	const char *factor; /* what it is times, as an array */
} sg_power;

typedef struct sg_nest {
	sg_fn *f;
	sg_step *s;
	uint32_t ngroups, nkept;         /* loops; those outside of reductions */
	uint32_t group_of[SG_MAX_LOOPS]; /* by variable */
	uint32_t last[SG_MAX_LOOPS];     /* by group: its fastest variable */
	sg_ext ext[SG_MAX_LOOPS];        /* by group */
	bool tree;
	const sg_band *band; /* whose tiles it runs in, or NULL */
	bool across;         /* all its folds go on from tile to tile */
	bool columns;        /* its innermost loop is over all rows of a tile, which lie side by side */
	sg_blocks *tiles; /* blocks.c; NULL: none */
	uint32_t tile_at; /* how many loops are around that of the tiles */
	uint32_t tiled;   /* the innermost loops that a tile covers: 1, or 2: rows of few numbers */
	sg_chunks *chunks; /* chunks.c; NULL: none */
	uint32_t window;   /* window.c: so many of the innermost loops are one call; 0: none */
	/* lanes.c */
	bool lanes;                    /* the innermost loop, which is reduced, goes by lanes */
	bool is_dear;                  /* strip: for what is dear in each of a few terms */
	const char **taken; /* there: by value: its element, taken for the lanes; NULL: not */
	uint8_t strip;                 /* innermost loops that are kept ones, in strips: 1, 2 (rows) */
	bool is_long, is_light;        /* the innermost body is */
	bool whole_block;              /* as many turns as a block has are printed */
	bool apart;                    /* turns of the innermost loop do not meet in memory */
	bool checks;       /* the innermost loop checks an index */
	bool adds_up, adds_rows;       /* it adds to elements that indices say; to rows of such */
	bool stores_aside;             /* it stores into the workspace */
	bool unrolls;                  /* compilers unroll the innermost loop, and make SIMD of the next */
	uint32_t mask;                 /* the condition of all that is stored; 0: there is none */
	int vector;                    /* it goes by whole vectors of so many (again.c); 0: it does not */
	const char *skip;              /* there: the lane, and the first one that is new */
	sg_turned *turned; /* turned.c: rows that it goes through by lanes; NULL: none */
	uint32_t *shift, nshifts, now; /* shifts.c: by root, its loop; how many; 0: all in one; the
	                                * one that is printed */
	const char **kept; /* there: by value: where the first loop keeps it; NULL: not */
	bool borders, within;          /* borders.c: it has a middle; that is what is printed */
	sg_ext middle, behind;         /* where the middle begins and ends */
	bool stretched;                /* stretches.c: the innermost loop has some */
	sg_ext stretch;                /* turns of each */
	const char *stretch_at, *stretch_row; /* where it begins, which one it is */
	const char *at, *width, *lane; /* of the strip: where it begins, variables */
	bool unplaced;                 /* columns: it needs no index but the lane */
	sg_power **power;              /* by value; NULL: none is carried */
	bool horner;                   /* all that it computes is a polynomial */
	bool by_horner;                /* whose loop by Horner's rule is printed */
	/* turns.c */
	uint32_t chosen; /* the condition on which there is something to add; 0: always */
	bool *parts;     /* by value: it is made of it */
	uint32_t *whole; /* by root: what it adds, for all turns */
	bool by_rows;    /* row by row of the tile, to what is chosen for it */
	const char *near; /* the first of the results that there are words for */
	/* counts.c */
	struct sg_nest *counts; /* by rows: the nest whose words this one counts the bits of */
	const char *words;      /* of the last results, where they stand already */
	/* parallel.c */
	uint32_t outer; /* the loop that is parallel, if any: 0, unless it was moved */
	bool parallel, inside,
	    fails;        /* inside: its parallel loop is open; fails: it may set the status */
	const char *when; /* it is large enough */
	bool shares;      /* all is reduced: by shares of that loop, which are then put together */
	const char *begin, *end; /* of the share */
} sg_nest;

/* ---- nest.c ---- */
/* What stands before the tiles of a band (or the nest), for each tile, and behind. */
void sg_nest_open(sg_nest *n, sg_fn *f, sg_step *s);
void sg_nest_print(sg_nest *n);
void sg_nest_close(sg_nest *n);
/* Bounds of loop d, as C. */
const char *sg_nest_from(const sg_nest *n, uint32_t d);
const char *sg_nest_to(const sg_nest *n, uint32_t d);
/* Does it sum up over the rows of a band, with axes that stay? Each tile adds to arrays then. */
bool sg_nest_carries(const sg_nest *n);
void sg_print_level(sg_nest *n, uint32_t d); /* what stands in d loops */
/* lanes.c: what a lane of the innermost of d loops does, by print, behind its turn, at + lane,
 * which is left out, unless always, where nothing reads it. */
void sg_print_for_turn(sg_nest *n, uint32_t d, const char *at, const char *lane, bool always,
                       void (*print)(sg_nest *n, uint32_t d));
/* The loop over group d. */
void sg_print_nest_loop(sg_nest *n, uint32_t d, const char *from, const char *to);
void sg_set_depths(sg_nest *n);
void sg_find_needed(sg_nest *n); /* values that are printed */
void sg_find_needed_for(sg_nest *n, uint32_t k); /* those for the roots of shift k */

/* ---- blocks_text.c ---- */
/* Where each sum has a loop for itself, which goes tile by tile, the first tile begins it, and
 * mostly is all of it: the elements of a tile; 0: it is not so. */
unsigned sg_tile_of_sums(const sg_nest *n);

/* ---- chunks.c: the innermost loop in chunks, for routines that take many numbers ---- */
void sg_choose_chunks(sg_nest *n); /* requires: depths */
/* sg_print_nest_loop, chunk by chunk. */
void sg_print_chunks(sg_nest *n, uint32_t d, const char *from, const char *to);
/* The element of an array that the value is read from; NULL: it is evaluated where it stands. */
const char *sg_chunk_element(const sg_nest *n, const sg_val *v);
bool sg_is_short_power(const sg_nest *n, const sg_val *v); /* a few products */
bool sg_has_chunk(const sg_nest *n, uint32_t v); /* is it evaluated for a chunk at once? */
/* Is the value an index that a loop before has checked? */
bool sg_chunk_checked(const sg_nest *n, const sg_val *v);

/* ---- window.c: a copy of a part of an array ---- */
void sg_choose_window(sg_nest *n); /* requires: which loops are one; nothing else is chosen */
void sg_print_window(sg_nest *n);  /* in place of n->window loops */

/* ---- parallel.c ---- */
void sg_choose_parallel(sg_nest *n); /* requires: lanes are chosen, depths are known */
void sg_open_parallel(sg_nest *n);   /* what stands before the parallel loop */
void sg_close_parallel(sg_nest *n);  /* and behind */
void sg_print_parallel(sg_nest *n);  /* the whole nest, where it goes by shares or as a part */
/* if (when) return code, in whatever way it can */
void sg_print_failure(sg_nest *n, const char *when, const char *code);

/* ---- lanes.c ---- */
void sg_choose_lanes(sg_nest *n); /* requires: values needed are known; may reorder the loops */
void sg_move_inside(sg_nest *n, uint32_t from); /* loop `from` becomes the innermost one */
/* requires: depths. Is the condition of all that is stored tested where d loops are around, with more
 * to come? */
bool sg_is_tested_at(const sg_nest *n, uint32_t d);
bool sg_is_addition(uint16_t op);
bool sg_is_added(const sg_root *r); /* a piece of an array, to what is there */
/* Can the root, if it is a fold, go on in any order of the turns? */
bool sg_has_any_order(const sg_nest *n, const sg_root *r);
bool sg_is_float_fold(const sg_nest *n, const sg_root *r); /* sum, max or min: goes by lanes */
/* The loop over group d, which is the innermost one, from `from` to `to`, by lanes or vectors. */
void sg_print_lanes(sg_nest *n, uint32_t d, const char *from, const char *to);

/* ---- strip.c ---- */
void sg_open_strip(sg_nest *n);
void sg_close_strip(sg_nest *n);
void sg_print_lane(sg_nest *n, const char *text); /* the text for each, whole lines */
void sg_print_strip(sg_nest *n, uint32_t d);      /* what is behind loop d, the innermost one */
void sg_open_lane(sg_nest *n,
                  bool index); /* a loop along the strip; index: its loop variable too */
void sg_close(sg_nest *n);
bool sg_has_word(const char *text, const char *word); /* an identifier, in C */
/* Declares a variable, in a strip one for each lane, and gives what it is called then. value NULL:
 * in a strip, it has none yet. */
const char *sg_declare_var(sg_nest *n, const char *type, const char *name, const char *value,
                           bool zero);

/* ---- again.c: loops whose last turns may be run once more ---- */
void sg_choose_vectors(sg_nest *n); /* requires: lanes and strips are chosen */
/* The arrays that a nest reads, for questions about many of them; {.n = nest} to begin with. What is
 * needed stays so meanwhile. */
typedef struct sg_nest_arrays {
	const sg_nest *n;
	uint32_t asked;
	sg_bytes_map *at; /* by name; NULL: few have been asked for */
} sg_nest_arrays;
bool sg_nest_reads(sg_nest_arrays *a, const char *array);
/* May it be stored once more, since that is what was stored before? */
bool sg_may_go_again(sg_nest_arrays *a, const sg_root *r);
bool sg_becomes_simd(uint8_t op); /* does a loop with the op, written out? */
/* x, or what leaves a sum as it is where the turn has been before. */
sg_c_text sg_kept_text(const sg_nest *n, sg_op op, sg_type t, sg_c_text x);

/* ---- turned.c: rows of few numbers, in columns of a tile ---- */
void sg_choose_turned(sg_nest *n); /* requires: lanes, chunks and vectors are chosen */
int sg_turned_lanes(const sg_nest *n);
/* Around the loop over the lanes, which begins at `first` and has `width` turns. */
void sg_open_turned(sg_nest *n, const char *first, const char *width);
void sg_close_turned(sg_nest *n, const char *first, const char *width);
/* The lane of the column that stands for an element, by its place; NULL: it has none. */
const char *sg_turned_element(const sg_nest *n, const char *array, sg_aff at, bool stored);
const char *sg_turned_value(const sg_nest *n, const sg_val *v); /* that was read before */
bool sg_turned_checked(const sg_nest *n); /* have indices been checked before? */
/* Is a root, by its number, printed in another way, or another loop? Prints it so. */
bool sg_print_turned_root(sg_nest *n, size_t root);

/* ---- rolled.c: what compilers are told of the loop that comes ---- */
void sg_print_advice(sg_nest *n, uint32_t d); /* all of it, for loop d */
void sg_print_promise(sg_nest *n);            /* what they take long to see, where it is so */
void sg_print_term_by_term(sg_nest *n, uint32_t d); /* first in the text of loop d */
void sg_print_vector(sg_fn *f);               /* it is one vector */

/* ---- shifts.c: the innermost loop in several ---- */
void sg_choose_shifts(sg_nest *n); /* requires: all else is chosen */
/* sg_print_nest_loop, for each shift. */
void sg_print_shifts(sg_nest *n, uint32_t d, const char *from, const char *to);
bool sg_is_kept(const sg_nest *n, size_t v); /* by a loop before that which is printed */
void sg_print_kept_values(const sg_nest *n); /* behind the roots of a turn of the first loop */

/* ---- borders.c: the innermost loop in three parts ---- */
void sg_choose_borders(sg_nest *n); /* requires: shifts are chosen */
/* sg_print_nest_loop, for each part; from: 0. */
void sg_print_borders(sg_nest *n, uint32_t d, const char *from, const char *to);

/* ---- stretches.c: the innermost loop in stretches of a row each ---- */
void sg_choose_stretches(sg_nest *n); /* requires: all else is chosen */
/* sg_print_nest_loop, for each stretch. */
void sg_print_stretches(sg_nest *n, uint32_t d, const char *from, const char *to);
const char *sg_stretch_value(const sg_nest *n, const sg_val *v); /* NULL: v is no row or place */

/* ---- powers.c ---- */
/* requires: values needed are known.  ensures: power, if a strip is to carry any. */
/* along: the loop that a strip would go along. */
void sg_find_powers(sg_nest *n, uint32_t along);
void sg_find_polynomial(sg_nest *n); /* requires: the strip is chosen, needed values are known */
void sg_open_powers(sg_nest *n); /* in the strip, before the loop that the exponents count */
void sg_step_powers(sg_nest *n); /* in that loop */
/* The loop over group d, which the exponents count: by Horner's rule, or by powers if one is far. */
void sg_print_horner(sg_nest *n, uint32_t d, const char *from, const char *to);
void sg_print_horner_step(sg_nest *n, const sg_root *r); /* in its innermost loop */

/* Value `at` is the variable of a loop plus an integer: this one; UINT32_MAX: it is not. */
uint32_t sg_exponent_of(const sg_nest *n, uint32_t at, int64_t *more);
/* By value: the loops that it depends on, if it can be printed a second time; else UINT32_MAX. */
uint32_t *sg_loops_of_values(const sg_nest *n);
/* Array `to` gets value `at` for all lanes of the strip. all: no part of it is printed outside. */
void sg_print_for_lanes(sg_nest *n, uint32_t at, bool all, const char *to);

/* ---- moments.c: a nest that takes powers; in place of lanes.c and of all that it prints ---- */
void sg_choose_moments(sg_nest *n);
void sg_open_moments(sg_nest *n);
void sg_print_moments(sg_nest *n);

/* ---- turns.c: sums to which only some turns add ---- */
/* requires: a strip.  ensures: chosen; roots add what they do if it holds, until sg_forget_chosen. */
void sg_find_chosen(sg_nest *n);
/* The same for the tiles of a strip, whose turns test the condition one by one. requires: depths */
void sg_choose_turn(sg_nest *n);
void sg_forget_chosen(sg_nest *n);
/* The loop over group d, the innermost one that is reduced. */
void sg_print_chosen(sg_nest *n, uint32_t d, const char *from, const char *to);
/* requires: depths, chunks.  Is it printed by the following, in place of all that it prints? */
bool sg_goes_by_rows(const sg_nest *n);
void sg_open_rows_of_sums(sg_nest *n); /* before the tiles */
void sg_print_by_rows(sg_nest *n);
void sg_open_near(sg_nest *n);
void sg_print_words(sg_nest *n, const char *words);

/* ---- counts.c ---- */
/* requires: nests of a band, open.  ensures: counts and words are set where they can be. */
void sg_find_counts(sg_nest *nest, uint32_t n);
void sg_print_counts(sg_nest *n); /* in place of all that it prints */

/* ---- nest_value.c ---- */
/* " && lo <= form < hi", or what of it is to be asked. */
void sg_put_condition(const sg_nest *n, sg_buf *b, const sg_within *c);
sg_c_text sg_form_text(const sg_nest *n, sg_aff a);
const char *sg_element(const sg_nest *n, const char *array, sg_aff at); /* array[at] */
/* Where in its array element `at` of r stands: an array of one tile begins with the tile's first
 * row. */
sg_aff sg_place_of(const sg_nest *n, sg_ref r, sg_aff at);
const char *sg_element_of(const sg_nest *n, sg_ref r, sg_aff at); /* to be stored */
const char *sg_element_of_out(const sg_nest *n, const char *array, sg_aff at);
sg_c_text sg_val_text(const sg_nest *n, uint32_t v);
void sg_look_at_roots(sg_nest *n); /* what the text of values depends on; requires: depths */
void sg_print_val(sg_nest *n, sg_val *v); /* its text; a statement where it needs one */

/* ---- blocks.c, blocks_text.c: the innermost loop in tiles, for libtcc ---- */
/* requires: depths. May reorder the loops, and then sets depths anew. NULL: there are no tiles. */
sg_blocks *sg_plan_tiles(sg_nest *n);
void sg_print_tiles(sg_blocks *b);
void sg_open_tiles(sg_blocks *b); /* the loop over tiles, which may stand around short loops */
void sg_close_tiles(sg_blocks *b);
/* ---- blocks_rows.c: tiles of a strip that take rows of few numbers ---- */
void sg_print_row_tiles(sg_blocks *b, const char *from, const char *to);
/* Around the loops of folds that go on for a tile of results at once: a strip; and around those of a
 * block of terms. */
void sg_begin_tile_folds(sg_blocks *b);
void sg_end_tile_folds(sg_blocks *b);
void sg_begin_tile_block(sg_blocks *b);
void sg_end_tile_block(sg_blocks *b);

/* ---- fold.c: what a nest computes ---- */
void sg_print_update(sg_nest *n, const char *acc, sg_op op, sg_type t, sg_c_text x);
/* How many terms a block has. */
int sg_block_of(const sg_nest *n);
/* A sum in columns takes the first block as it is; more blocks than one are rare. */
bool sg_sums_by_first(const sg_nest *n);
/* Does a sum of unknown length end with a block that stands apart, and is all of it where it is
 * short? */
bool sg_ends_apart(const sg_nest *n);
/* Element i, given as text, of what was rounded off of a sum over the rows of a band. */
const char *sg_carry_at(const sg_nest *n, const sg_root *r, const char *i);
void sg_print_empty_check(sg_nest *n, const sg_root *r); /* where it may be of nothing */
bool sg_is_running(sg_op op); /* does a fold store what it is after each turn? */
const char *sg_fold_first(sg_fn *f, sg_op op, sg_type t); /* what a fold begins with */
/* whole: of those over all loops, where others are not. */
void sg_declare_folds(sg_nest *n, bool whole);
void sg_print_roots(sg_nest *n); /* in the innermost loop */
void sg_print_root(sg_nest *n, sg_root *r);
void sg_finish_folds(sg_nest *n, bool whole);
void sg_open_sums(sg_nest *n); /* of a nest that carries */
/* Element i, given as text, of what was rounded off. */
const char *sg_carry_at(const sg_nest *n, const sg_root *r, const char *i);
void sg_close_sums(sg_nest *n);

#endif
