/* emit.h - private to emission: how a function of the written C comes about.
 *
 * classify.c  what each node is to the schedule, and which values get a buffer
 * rows.c      which axes are no loops, but written out
 * level.c     which values may be computed in one nest
 * schedule.c  the loop nests and calls ("steps") that compute the values
 * order.c     their order
 * demand.c, demand_root.c, demand_row.c, quotient.c    what one step evaluates, as values over
 *             affine indices (movement ops dissolve here)
 * branch.c    steps that wait for the condition of a branch
 * ring.c      what is turned in a ring, read in place
 * plan.c      where in the workspace the buffers lie
 * loop.c      bodies of loops as functions of their own;  loop_text.c  their C text
 * band.c      steps that run tile by tile;  columns.c  with the rows of a tile side by side
 * value.c     the C text of an op;  nest.c, lanes.c, nest_value.c, fold.c, call.c  the C text of a
 *             step
 * turned.c    rows of few numbers by lanes of items;  taken.c  what is read for them at indices
 * powers.c    powers by the turn of a loop;  moments.c  of which the rows of a band are summed up
 * rolled.c    which short loops gcc must not unroll
 * blocks.c, blocks_text.c    the innermost loop of a nest in tiles, for libtcc
 * parallel.c  which loops may go on several threads;  part.c  one as a function of its own
 * func.c      the C text of a function;  split.c  of a long one, in pieces;  reuse.c  their order
 * file.c      entries made ready; prototype.c, check.c, module.c, support.c, emit.c  a file's text
 *
 * An element of a tensor is named by affine forms (affine.c) over the loop variables of a step and
 * over integer values in its body. Axes of extent 1 never become loops. */
#ifndef SG_EMIT_H
#define SG_EMIT_H

#include "back/body.h"
#include "pass/guard.h"

#define SG_MAX_LOOPS (2 * SG_MAX_RANK)

/* ---- names (cname.c) ------------------------------------------------------------------------- */

typedef struct sg_names {
	sg_ctx *ctx;
	sg_bytes_map *taken;
	const struct sg_names *outer; /* their names are taken too */
} sg_names;

sg_names sg_names_in(sg_ctx *ctx, const sg_names *outer);
bool sg_name_taken(const sg_names *n, const char *s);
void sg_name_take(sg_names *n, const char *s);
/* A free name like the hint (NULL: "t"), made short; it is taken. */
const char *sg_name_fresh(sg_names *n, const char *hint);
/* The name itself with as many '_' as it needs; it is taken. */
const char *sg_name_exact(sg_names *n, const char *s);
/* Is it no name for a parameter or a local variable in C and C++, with the headers that we include?
 */
bool sg_name_reserved(const char *s);
/* Is it in <math.h> or <string.h> a function that written C may call? Then it is a name all the
 * same in a program that does not call it. */
bool sg_name_is_libm(const char *s);

/* ---- a file ------------------------------------------------------------------------------------
 */

typedef struct sg_data_array { /* of a DATA node: as it is, and as a table of places */
	const char *name[2];
	unsigned written[2]; /* by form, the text that it was last written in; 0: in none yet */
	unsigned char first; /* the form that has the first name */
} sg_data_array;

typedef struct sg_module {
	sg_ctx *ctx;
	sg_space *sp;
	const sg_program *p;
	const sg_emit_options *o;
	sg_names names;     /* at file scope */
	sg_bytes_map *data; /* by attribute and type: the array of a DATA node, a sg_data_array */
	const char *
	    *use; /* functions, types and macros of the runtime and of libm that the text needs */
	size_t nuse, use_cap;
	sg_bytes_map *used;
	unsigned text; /* which text of the program is written: 1, and more where it is several files */
	const char **outside; /* by input: the name of its array of the module; NULL: there is none */
	sg_buf consts; /* arrays of constants */
	sg_buf body;   /* functions */
	sg_buf pieces; /* of the function that is printed, to stand before it */
	const char *ext_fn[3];             /* helpers of ours: floor division, the lesser, the greater */
	const char *rounded, *apart;       /* more of them */
	bool has_ext_fn[3];                /* they are needed */
	bool has_rounded, has_apart;
	bool has_parallel;                          /* some loop may go on several threads */
	bool has_independent; /* some loop is promised to have turns that do not meet */
	bool has_rolled;      /* some loop is not to be unrolled */
	bool has_vector;      /* some loop is one vector */
	bool has_along_rows;  /* some loop is over short rows */
	bool has_term_by_term; /* some loop adds up terms of short rows */
	bool has_widths;      /* some function is made for several widths of vectors: widths.c */
	sg_buf parts;         /* loops as functions */
	unsigned nparts;
	uint8_t *reads; /* value.c: by op, floating type, operand: how often it is read, + 1; 0: not known */
} sg_module;

/* Notes that the text needs it; gives it back. */
const char *sg_use(sg_module *m, const char *name);
const char *sg_use_typed(sg_module *m, const char *name, sg_type t); /* sgrt_NAME_f32 */
bool sg_has_routine(const char *name);                               /* does the runtime have it? */
/* An array of n values among the constants; declaration: all before its extent. */
void sg_put_data(sg_module *m, const char *declaration, sg_type t, int64_t n, const int64_t *w);
const char *sg_data_name(sg_module *m, const sg_graph *g, sg_ref r);
/* The same numbers, of which none is negative, in the least type that has them. */
const char *sg_places_name(sg_module *m, const sg_graph *g, sg_ref r);
const char *sg_rounded_name(sg_module *m);
const char *sg_apart_name(sg_module *m); /* before a function that is not to be inlined */

/* ---- affine forms (affine.c)
 * --------------------------------------------------------------------- */

typedef uint32_t sg_aff;          /* interned in its function: equal forms are equal numbers */
#define SG_VAR_VALUE SG_MAX_LOOPS /* variable SG_VAR_VALUE + v is value v; lower ones are loops */
#define SG_VAR_TILE UINT32_MAX    /* the first row of the tile of a band */
#define SG_VAR_LANE (SG_VAR_TILE - 1) /* a loop's row less that one, in columns */

typedef struct sg_aff_term {
	uint32_t var;
	sg_ext coef;
} sg_aff_term;

typedef struct sg_affine {
	sg_ext base;
	uint32_t n;
	const sg_aff_term *term; /* ascending by variable, no zero coefficient */
} sg_affine;

/* ---- a function
 * ---------------------------------------------------------------------------------- */

typedef enum {
	SG_P_DEAD,
	SG_P_LEAF, /* an argument, constant data, or a value that is written out wherever it is read
	            */
	SG_P_VIEW, /* a movement op that is read through */
	SG_P_CALC, /* element by element */
	SG_P_FOLD, /* a loop over its operand: reductions, running sums, scatter, small contractions
	            */
	SG_P_CALL, /* a kernel of the runtime */
	SG_P_JOIN, /* put together from pieces: CONCAT, sums of several PADs */
	SG_P_LOOP, /* SCAN, WHILE */
	SG_P_PICK, /* a result of a loop */
	SG_P_ROOM, /* an array that a loop needs besides */
} sg_place_kind;

/* What is known of a node in the function. */
typedef struct sg_place {
	uint8_t kind;
	uint8_t row; /* of its axes, other than 1, so many of the last are written out: rows.c */
	bool unit;             /* a C variable, or part of the expression that reads it */
	bool fused;            /* unit: part of that expression */
	bool stored;           /* an array in memory */
	bool full;             /* is wanted in memory */
	bool before;           /* stored: in a nest before those of its readers */
	bool spread;           /* some reader reads elements repeatedly */
	bool often;            /* and that so many times that nothing is cheap */
	bool inner;            /* some reader is not a unit */
	uint32_t uses, mapped; /* reads at its own index, at another */
	uint32_t cost;
	uint32_t level;               /* of the step that computes it */
	uint32_t own, ready;          /* least level of a reader at its own index, at any index */
	sg_ref multiple_of;           /* this array, which PADs read in its place; 0: of none */
	uint32_t out;                 /* the output that it is kept in, + 1 */
	uint32_t done;                /* step that completes it, + 1 */
	uint32_t reads;               /* by text, of a unit's variable */
	uint32_t ndemands, demand[4]; /* the nests that evaluate it */
	const char *name;             /* of its variable or array */
	int64_t offset;               /* in the workspace: within the slot */
	uint32_t slot;                /* of the slots, + 1; 0: fixed size */
	bool planned;
	bool turned;   /* some reader turns it in a ring */
	bool unread;   /* a room that nothing stands in */
	int64_t local; /* elements, where the array is a variable; 0: it is in the workspace */
	sg_ref over;          /* the array in whose place its own lies, by that one's name; 0: none */
	uint32_t band;        /* + 1: its array holds the rows of one tile of the band */
	bool carried;         /* a sum over the rows of a band, which goes on from tile to tile */
	bool gathers;         /* carried: some tiles may add up before they add to it (turns.c) */
	bool stands;          /* of a band: what it holds goes on from tile to tile too */
	uint32_t first, last; /* steps by position between which its array lives */
	uint32_t kept;        /* split.c: place that other pieces read it from, + 1 */
	bool read_near;       /* its own piece reads it */
	bool leaves;          /* unit: declared before the if that it is computed in */
} sg_place;

typedef enum {
	SG_V_CONST,
	SG_V_DIM,
	SG_V_LOAD,  /* of array `ref` at form aff */
	SG_V_LOCAL, /* the variable of unit `ref` */
	SG_V_INDEX, /* the form aff itself, as int64_t */
	SG_V_EW,    /* elementwise op */
	SG_V_CAST,
	SG_V_RAND,  /* element aff of the stream of seed arg[0] */
	SG_V_AT,    /* arg[0] as a checked index below ext */
	SG_V_PLACE, /* element aff of table `ref`, whose entries are all indices below ext */
	SG_V_DIV,   /* aff / ext, aff % ext */
	SG_V_MOD,
	SG_V_WITHIN, /* arg[0] where the forms of the conditions hold, else 0 */
	SG_V_RING, /* an index below ext: the form aff where its condition holds, else aff + more */
} sg_val_kind;

typedef struct sg_within { /* lo <= form < hi */
	sg_aff form;
	sg_ext lo, hi;
	bool check_lo, check_hi;
} sg_within;

enum { SG_NO_MOST = -1 };

typedef struct sg_val {
	uint8_t kind, type, op;
	uint8_t nargs, depth, reader_depth;
	bool needed;  /* by a root, or because it may fail */
	bool guarded; /* LOAD: may be out of bounds but for the condition around it */
	bool told;    /* its one reader is a root, whose statement has its text */
	bool rare;    /* WITHIN: of one row or so, asked for in the middle of borders too */
	bool turned;  /* WITHIN: out of bounds it is -0, which a number below 0 makes 0 of */
	int8_t prec;
	uint32_t uses, weight;
	uint32_t arg[3];
	sg_ref ref;
	sg_aff aff;
	sg_ext ext;
	sg_ext most; /* DIV: the greatest that it is, or SG_NO_MOST */
	sg_ext more; /* RING: ext, or less than 0 by as much */
	const sg_within *cond;
	uint32_t nconds;
	const char *text;
	const char *name; /* of its variable, so that it is the same where it is printed again */
} sg_val;

typedef enum {
	SG_R_STORE, /* node ref, at its own index, into its array or variable */
	SG_R_FOLD,
	SG_R_PIECE, /* operand `part` of JOIN ref into its array */
	SG_R_COPY,  /* node ref into output `part` */
	SG_R_TEXT,  /* nowhere: the text of its only element is wanted by a loop or a test */
} sg_root_kind;

typedef struct sg_root {
	uint8_t kind;
	bool add;    /* PIECE: += */
	bool negate; /* PIECE: of the negative */
	bool tree;   /* FOLD: a blocked sum */
	bool masked; /* STORE, COPY: only where val[1] is true */
	bool whole;  /* FOLD: over the loops that the others of the step keep, too */
	uint8_t row; /* axes of what is evaluated that are written out (rows.c) */
	uint32_t turn; /* of these, in their order, save those that are summed up */
	sg_ref ref;
	uint32_t part;
	sg_ref from; /* what is evaluated: COPY: ref; STORE: ref, or what a carry is at first */
	uint32_t val[2];
	sg_aff at;  /* where it is stored */
	sg_aff pos; /* FOLD of ARGMAX: place along the axis */
	const char *acc, *acc2;
	const char *into; /* FOLD: what a step changes: acc, or a part of it */
} sg_root;

/* Powers that a step of a band carries, and other steps too that sum up over the rows (moments.c).
 */
typedef struct sg_moments {
	uint32_t power;   /* the value that they are */
	int64_t more;     /* the exponent is the turn, plus this */
	sg_ref array;     /* they would stand in, and now has lanes of sums instead */
	uint32_t nsums;   /* how many */
	const char *name; /* of the variable that carries them */
	struct sg_moments *next;
} sg_moments;

typedef enum {
	SG_S_NEST,
	SG_S_CALL,
	SG_S_FILL,
	SG_S_DONE,
	SG_S_LOOP,
	SG_S_TEST, /* a condition of guards is known */
	SG_S_TURN, /* of a band in columns: rows of array `from`, turned into columns */
} sg_step_kind;

typedef struct sg_step {
	uint8_t kind;
	uint32_t level;
	uint32_t guard; /* it runs where that holds; 0: always */
	sg_ref ref;     /* CALL, FILL, DONE, LOOP, TEST, TURN; NEST: the least of its roots */
	sg_ref from;    /* TURN */
	sg_ref with;    /* CALL: what it computes besides; 0: nothing */
	uint32_t *dep;  /* steps before it */
	size_t ndeps, dep_cap;
	sg_ref *read; /* arrays that it reads or writes */
	size_t nreads, read_cap;
	uint32_t band; /* + 1: it runs with others, tile by tile */
	uint32_t
	    row; /* in a band: NEST: its loop over the rows; CALL: their axis, of CONTRACT role */
	/* NEST: loops over ext[0..nloops), those of mask innermost */
	uint32_t nloops;
	const sg_ext *ext;
	uint32_t mask;
	sg_root *root;
	size_t nroots, root_cap;
	sg_val *val; /* [0] is unused; operands come before users */
	size_t nvals, val_cap;
	sg_moments *gives, *takes; /* powers that it carries for others; that another one does */
} sg_step;

/* Steps that run tile by tile of rows (band.c). */
typedef struct sg_band {
	sg_ext rows;
	uint32_t first, n; /* by their places in the order */
	uint32_t tile;     /* rows at most */
	uint32_t room;     /* of one that is, or would be, in columns: rows that its arrays have */
	bool columns;      /* its arrays hold row beside row: columns.c */
} sg_band;

#define SG_COLUMNS 64 /* rows of a tile in columns */

typedef struct sg_slot {
	sg_ext bytes;
	size_t newest; /* plan.c: of the arrays that share it, + 1 */
} sg_slot;

typedef enum {
	SG_O_POINTER, /* an array, or a scalar by pointer */
	SG_O_PLACE,   /* a scalar: what can be assigned to */
	SG_O_NEW,     /* a scalar: a variable that is declared by its value */
} sg_out_kind;

typedef struct sg_fn_out {
	sg_ref ref;
	const char *name;
	uint8_t kind;
	bool taken;   /* some node is kept in it */
	sg_ref carry; /* of a loop's body: the input that it is the next value of; 0: none */
	bool adds;    /* ref is added to the carry, which lies there already */
} sg_fn_out;

/* Output `out`, whose value is known. */
typedef struct sg_late_out {
	size_t out;
	const char *value;
} sg_late_out;

typedef struct sg_loop_plan sg_loop_plan;
typedef struct sg_split sg_split;

typedef struct sg_named_ext {
	sg_ext ext;
	const char *name, *text;
} sg_named_ext;

/* A value of a step, by its number, that stands for a node with no index. */
typedef struct sg_unit_val {
	uint32_t step; /* + 1 */
	void *val;
} sg_unit_val;

typedef struct sg_fn {
	sg_module *m;
	sg_ctx *ctx;
	sg_space *sp;
	const sg_graph *g;
	sg_graph *own; /* g, where nodes may be appended: a copy made for the function */
	sg_names names;
	const char *title;    /* its C name; of a body: NULL */
	struct sg_fn *around; /* whose loop this is the body of, or NULL */
	const char **input;   /* C names by index of input */
	bool *is_read;        /* by input: some text has it */
	bool *is_variable;    /* by input: a C variable or element, no array; NULL: none is */
	const char **dim;     /* C names by dimension */
	const char *work;
	sg_fn_out *out;
	size_t nout;
	sg_late_out *late; /* outputs whose values are known and that are stored a little later */
	size_t nlate, late_cap;
	sg_place *at;  /* by node */
	sg_ref *angle; /* by node: of the units SIN, COS, TAN of one operand the first; 0: it is alone */
	sg_bytes_map *joins;
	sg_loop_plan **plan; /* by node: of its loops; NULL: there is none */
	sg_split *split;     /* NULL: it is printed as a whole */

	sg_guards *guards; /* of nodes below `guarded`; NULL: no step waits for a condition */
	uint32_t guarded;
	uint32_t *tested;               /* by node: the TEST step of a condition, + 1 */
	const char **test, *tests;      /* by node: how it is told; in pieces, an array of them */
	sg_ref *leaving, *next_leaving; /* by step, by node: variables that other runs read */

	sg_affine *aff;
	size_t naffs, aff_cap;
	sg_bytes_map *aff_map, *val_map, *nest_map;
	sg_unit_val *unit_val; /* demand.c: two for each of the first nunits nodes */
	sg_ref nunits;
	struct sg_question *todo; /* demand_root.c: lists for the next step */
	sg_val *vals;
	size_t todo_cap, vals_cap;

	sg_step *step;
	size_t nsteps, step_cap;
	uint32_t *order; /* steps as they are printed */
	sg_band *band;
	size_t nbands, band_cap;

	int64_t fixed; /* bytes of the part of the workspace whose size is fixed */
	sg_slot *slot; /* the rest, one after the other */
	size_t nslots, slot_cap;

	sg_buf *b; /* where text goes */
	int indent;
	bool has_status, uses_work;
	bool is_wide; /* what is printed has loops for which wide vectors pay: widths.c */
	const char *status;
	const char *loop[SG_MAX_LOOPS], *from, *to, *turn; /* turn: of its SCANs */
	const char *row, *end;                             /* of a band: its tile */
	const char **slot_name;
	const char *tile; /* of the outermost function: room for buffers of tiles on the stack */
	int64_t tile_bytes;
	bool names_exts;   /* of the outermost function, while its steps are printed: affine.c */
	sg_named_ext *ext; /* what they read that libtcc would call a function for */
	size_t nexts, ext_cap;
	sg_bytes_map
	    *sizes; /* affine.c: extents that arrays have; NULL before the first is asked for */
	sg_bytes_map *types; /* part.c: of variables, by name; NULL before the first part */
	int line;            /* of the last comment */
	const sg_source *src;
} sg_fn;

static inline const sg_node *
sg_fn_node(const sg_fn *f, sg_ref r)
{
	return &f->g->node[r];
}

static inline bool
sg_is_1(const sg_fn *f, sg_ext e)
{
	return sg_ext_is(f->sp, e, 1);
}

/* ---- widths of vectors (widths.c) ---- */
void sg_widen(sg_fn *f, const sg_step *s); /* notes whether wide vectors pay for its loops */
const char *sg_body_name(sg_module *m, const char *fn);
bool sg_stands_twice(const char *text);
void sg_put_twice(sg_buf *b, const char *name, const char *parameters, const char *text);

/* Windows may read a place twice: then UNWINDOW sums up for each element what reads it. */
bool sg_windows_overlap(const sg_fn *f, sg_ref r);
sg_ext sg_windows_meet(const sg_fn *f, sg_ref r); /* how many windows at most read one place */

/* Folds that put each element of the last operand somewhere: no axis goes, and the array is set
 * first. */
static inline bool
sg_adds_up(const sg_fn *f, sg_ref r)
{
	const uint16_t op = sg_fn_node(f, r)->op;

	return op == SG_SCATTER || op == SG_WRITER ||
	       (op == SG_UNWINDOW && !sg_windows_overlap(f, r));
}

/* ---- affine.c ---- */
sg_aff sg_aff_ext(sg_fn *f, sg_ext base);
sg_aff sg_aff_var(sg_fn *f, uint32_t var);
sg_aff sg_aff_add(sg_fn *f, sg_aff a, sg_aff b);
sg_aff sg_aff_scale(sg_fn *f, sg_aff a, sg_ext k);
sg_ext sg_aff_coef(const sg_fn *f, sg_aff a, uint32_t var);
/* How far a lies behind b in every turn; false: that changes. */
bool sg_aff_distance(const sg_fn *f, sg_aff a, sg_aff b, sg_ext *d);
/* Is a value of those that are marked in it, as the index of a gather is? */
bool sg_aff_reads(const sg_fn *f, sg_aff a, const bool *marked);
bool sg_aff_reads_values(const sg_fn *f, sg_aff a); /* is an index in it? */
/* An extent as C. */
const char *sg_ext_c(sg_fn *f, sg_ext e);
void sg_declare_exts(sg_fn *f); /* those that have names */
const char *sg_ext_number(sg_fn *f, sg_ext e);
const char *sg_ext_bare(sg_fn *f, sg_ext e);
/* Notes which of the helpers the text of an extent calls. */
void sg_note_calls(const char *text, const char *const fn[3], bool has[3]);

/* ---- classify.c: which values get a buffer ---- */
void sg_classify(sg_fn *f);
void sg_store_what_fails_unread(sg_fn *f); /* unread.c */
bool sg_view_is_plain(const sg_fn *f, sg_ref r); /* same elements, same order of loops */
/* The pieces of a JOIN: CONCAT's operands; or the summands, PADs last. A PAD's own piece is its
 * operand. */
typedef struct sg_join {
	const sg_ref *piece;
	const bool *negate;
	uint32_t n, npads;   /* npads: how many of the last are PADs; CONCAT: 0 */
	const sg_ext *start; /* CONCAT: of each piece, along the axis */
	uint32_t axis;
	struct sg_laid *lay; /* by piece, if it is CONCATs within each other, put together */
} sg_join;
const sg_join *sg_join_of(const sg_fn *f, sg_ref r);
void sg_find_sum_joins(sg_fn *f, const bool *is_out); /* sums of PADs become JOINs */
void sg_make_plain_join(sg_fn *f, sg_ref r);            /* of JOIN r that is no such sum */
void sg_take_in_rows(sg_fn *f, const bool *is_out);     /* JOINs that stand in JOINs */
bool sg_has_one_element(const sg_fn *f, sg_ref r);
void sg_want_full(sg_fn *f, sg_ref r, bool contiguous); /* r is wanted in memory */
double sg_factor_of(const sg_fn *f, sg_ref r);          /* the number in the product r */
/* What PADs read: r, or the array of which it is a multiple that is not kept. */
static inline sg_ref
sg_read_in_place_of(const sg_fn *f, sg_ref r)
{
	const sg_place *p = &f->at[r];

	return p->multiple_of && !p->stored && !p->full ? p->multiple_of : r;
}
/* An array in memory seen with strides. */
typedef struct sg_strided {
	sg_ref root;
	sg_ext base;
	sg_ext stride[SG_MAX_RANK];
} sg_strided;
/* Where a piece is written. */
typedef struct sg_laid {
	sg_strided at;
	uint32_t kin;   /* the first piece that has the same loops and strides */
	uint32_t level; /* of the last nest for any of its kin: that one has it */
} sg_laid;
bool sg_strided_of(sg_fn *f, sg_ref r, sg_strided *s);
bool sg_strided_is_contiguous(sg_fn *f, const sg_strided *s, const sg_shape *shape);
void sg_row_major(sg_fn *f, const sg_shape *s, sg_ext *stride);
/* Elements of shape `from` that lie like x, as those of shape `to` in the same order; false: they
 * lie at no strides. */
bool sg_strided_reshaped(sg_fn *f, const sg_strided *x, const sg_shape *from, const sg_shape *to,
                         sg_strided *s);
sg_ext sg_fn_ext_mul(sg_fn *f, const sg_ext *e, uint32_t n);

/* ---- ring.c: a CONCAT that is CALC turns its operand in a ring, and is read through ---- */
void sg_find_rings(sg_fn *f, const bool *live, const bool *is_out); /* requires: kinds */
static inline bool
sg_is_ring(const sg_fn *f, sg_ref r)
{
	return f->at[r].kind == SG_P_CALC && f->g->node[r].op == SG_CONCAT;
}
/* How many of its operands the value is made of: of a ring the first, which is a part of all of it.
 */
static inline uint32_t
sg_nreads(const sg_fn *f, sg_ref r)
{
	return sg_is_ring(f, r) ? 1 : f->g->node[r].nargs;
}
/* The form, as if no index went around the end of a ring; in: of one of this extent. */
sg_aff sg_straight(sg_fn *f, const sg_step *s, sg_aff a);
sg_aff sg_straight_in(sg_fn *f, const sg_step *s, sg_aff a, sg_ext whole);

/* ---- contract.c: CONTRACT as a call of a kernel within loops ---- */
enum { SG_ROLE_ROW, SG_ROLE_COLUMN, SG_ROLE_TERM, SG_NROLES }; /* then the loops */
typedef struct sg_role { /* a label: its extent, and what a step along it is in a, b and c */
	sg_ext ext, a, b, c;
} sg_role;
typedef struct sg_product {
	sg_role head[SG_NROLES]; /* the outermost label that the role has */
	bool swapped;            /* x is argument 1 */
	sg_ext m, n, k;          /* extents; 1 where a role is empty */
	sg_ext a_row, a_col, b_row, b_col, c_row;
	uint32_t nloops; /* labels that are looped over */
	sg_ext ext[SG_MAX_LOOPS], a_step[SG_MAX_LOOPS], b_step[SG_MAX_LOOPS], c_step[SG_MAX_LOOPS];
	bool accumulate; /* some loop is over a summed label: the result starts at 0 */
} sg_product;
bool sg_contract_is_loops(sg_fn *f, sg_ref r);
bool sg_contract_reads_often(sg_fn *f, sg_ref r, uint32_t k); /* numbers of its operand k */
sg_role sg_product_role(const sg_product *p, uint32_t i);
void sg_contract_plan(sg_fn *f, sg_ref r, const sg_strided *x, const sg_strided *y, sg_product *p);

/* ---- part.c: the text between open and close becomes a function, which the pool calls ---- */
typedef struct sg_part_text {
	const char *begin, *end; /* what stands for the bounds of the loop */
	sg_buf text, *out;
	int indent;
	bool had_status;
} sg_part_text;
void sg_part_open(sg_fn *f, sg_part_text *p);
void sg_part_close(sg_fn *f, sg_part_text *p, const char *turns, const char *grain);
/* A variable besides those of values, which the text may read. */
void sg_part_variable(sg_fn *f, const char *name, const char *type);

/* ---- parallel.c: a kernel of the runtime, called for tiles of its result on several threads ----
 */
typedef struct sg_tile {
	const char *row, *column;   /* where the tile begins; NULL: at 0 */
	const char *rows, *columns; /* how many it has */
	const char *first, *end;    /* bounds of the product's outermost loop */
	int indent;                 /* of what stands around */
	bool is_part;
	sg_part_text part;
	const char *turns, *grain;
} sg_tile;
/* Print the loops over tiles, if there is to be more than one; and their end. */
void sg_open_product(sg_fn *f, const sg_product *p, sg_tile *t);
void sg_open_rows(sg_fn *f, sg_ext m, sg_ext n, sg_tile *t);
void sg_close_calls(sg_fn *f, sg_tile *t);

/* ---- loop.c: loops as steps, their bodies as functions ---- */

typedef enum {
	SG_L_TEXT,  /* one element, by its text: counts, scalars to start with or from around */
	SG_L_FIRST, /* an array that a carry is at first */
	SG_L_ROWS,  /* read row by row */
	SG_L_WHOLE, /* an array from around */
} sg_loop_role;

typedef struct sg_loop_arg {
	sg_ref ref;
	uint8_t role;
	uint32_t carry; /* FIRST */
	uint32_t root;  /* TEXT: of the step */
} sg_loop_arg;

struct sg_loop_plan {
	sg_ref ref;
	sg_loop l;
	const bool *live; /* by carry: is it needed? The others are dropped */
	const sg_body *step, *cond;
	sg_fn *step_fn, *cond_fn;
	uint32_t nresults;
	sg_ref *pick;     /* by result; 0: not wanted */
	uint32_t *stack;  /* by carry: the result that it is stacked in, and lies in; 0: none */
	bool *after;      /* by carry: it is stacked after each step, not before */
	bool *in_place;   /* by carry: an array, and a step may write over what it reads */
	sg_ref *second;   /* by carry: the other buffer of an array; 0: there is none */
	uint32_t *out_of; /* by output of step_fn: the carry, or nc + the stacked out */
	sg_ref room[2];   /* workspaces of the step and of the condition; 0: none */
	sg_bytes_map *slot; /* by param: the carry, or nc + the one of xs, + 1 */
	uint32_t *input; /* by slot: the step's input that stands for it, + 1; 0: it reads none */
	sg_loop_arg *arg;
	size_t nargs, arg_cap;
	uint32_t nroots;      /* args that are texts */
	sg_bytes_map *arg_at; /* by node and role: its place in arg, + 1 */
};

/* The slot that input r of a body stands for; nc + nx: it is none. */
uint32_t sg_loop_slot(const sg_loop_plan *p, sg_ref r);
/* The operand of that role, of the step of a loop; NULL: there is none. */
const sg_loop_arg *sg_loop_arg_of(const sg_loop_plan *p, sg_ref r, sg_loop_role role);
/* Before all else: the bodies of live loops compiled, and arrays for them among the nodes. */
void sg_plan_loops(sg_fn *f);
void sg_loop_find_in_place(sg_loop_plan *p); /* in_place.c; requires: its step is planned */
void sg_own_graph(sg_fn *f); /* it gets a copy that can be changed */
/* The operands as the function sees them: of a loop, those of its plan. */
uint32_t sg_fn_nargs(const sg_fn *f, sg_ref r);
sg_ref sg_fn_arg(const sg_fn *f, sg_ref r, uint32_t k);
bool *sg_fn_live(sg_fn *f); /* the nodes that the outputs need, bodies left out */
bool sg_loop_has_variable(const sg_fn *f, sg_ref pick); /* one element of a carry, or a count */
void sg_loop_note_reads(sg_fn *f, sg_ref r);
void sg_loop_demand(sg_fn *f, uint32_t step); /* what the step reads besides texts */
void sg_print_loop(sg_fn *f, sg_step *s);     /* loop_text.c */

/* ---- rows.c: rows of few numbers, which are written out ---- */
void sg_find_rows(sg_fn *f, const bool *live);
bool sg_is_short_sum(const sg_fn *f, sg_ref r); /* of numbers of a row: computed as its lead is */
/* Does view r have the rows of its operand, whatever it reads of each? */
bool sg_is_row_view(const sg_fn *f, sg_ref r);
/* Elements of the last `row` axes of r, those of the mask left out; 0 is the first axis that is
 * not 1. */
uint32_t sg_row_turns(const sg_fn *f, sg_ref r, uint32_t row, uint32_t mask);
/* Axes of the operand of FOLD r that are written out. */
uint32_t sg_fold_row(const sg_fn *f, sg_ref r);

/* ---- level.c ---- */
void sg_set_levels(sg_fn *f);
uint32_t sg_piece_level(const sg_fn *f, sg_ref r, const sg_join *j, uint32_t k); /* of a JOIN */
uint32_t sg_first_level(const sg_fn *f, sg_ref loop, sg_ref init);

/* ---- schedule.c, order.c ---- */
void sg_schedule(sg_fn *f);
void sg_order_steps(sg_fn *f);
void sg_step_reads(sg_fn *f, uint32_t step, sg_ref r); /* array or variable of r is read */

/* ---- band.c ---- */
void sg_find_bands(sg_fn *f);
sg_ext sg_row_length(sg_fn *f, sg_ref r); /* elements behind the leading axis of an array */
/* Does value v of a step over the rows load, wherever it is read, an element of its own row? */
bool sg_loads_in_row(sg_fn *f, sg_ext rows, const sg_step *s, uint32_t v);

/* ---- turns.c: sums over the rows of a band to which but some rows add ---- */
void sg_find_gathering(sg_fn *f); /* requires: bands, which are turned */

/* ---- moments.c: powers that several steps of a band carry ---- */
void sg_find_moments(sg_fn *f); /* requires: bands, which are turned */
bool sg_carries_powers(sg_fn *f, sg_step *s); /* by the turn of its sum, where its rows are columns */

/* ---- columns.c: bands whose arrays are turned ---- */
void sg_turn_bands(sg_fn *f);
/* Step s, whose innermost loop is over the rows, reads columns where there are any. */
void sg_read_columns(sg_fn *f, sg_step *s);
void sg_print_turn(sg_fn *f, const sg_step *s);

/* ---- demand.c ---- */
void sg_demand_step(sg_fn *f, uint32_t step);

/* ---- flow.c: through what the values of a nest go ---- */
typedef struct sg_flow sg_flow;
typedef struct sg_flow_array {
	sg_aff at;   /* of its first load */
	bool together, plain; /* all of them are there; and none is guarded */
	bool unread; /* nothing reads them */
	uint32_t
	    meet; /* through this go all ways from its loads to the roots; 0: through nothing */
} sg_flow_array;
sg_flow *sg_flow_of(const sg_fn *f, const sg_step *s);
const sg_flow_array *sg_flow_array_of(const sg_flow *w, sg_ref r); /* NULL: it is not loaded */
/* Does all that is made of it go into that root? */
bool sg_flow_ends_in(const sg_flow *w, const sg_flow_array *a, const sg_root *root);
/* The next root, in front of all others, or beside none: what goes through `at` and not into it
 * goes through its value, which no other root takes; NULL: there is none. Moves `at` behind it. */
const sg_root *sg_flow_root(const sg_flow *w, uint32_t *at);

/* ---- plan.c ---- */
void sg_plan_memory(sg_fn *f);
sg_ext sg_plan_bytes(sg_fn *f);
bool sg_plan_alive(sg_fn *f, const int64_t *dims, int64_t *bytes); /* back.h: sg_entry_alive */
sg_ext sg_held_size(sg_fn *f, sg_ref r); /* elements that its array has room for */

/* ---- value.c ---- */
enum {
	SG_PREC_COND = 1,
	SG_PREC_OR,
	SG_PREC_AND,
	SG_PREC_EQ,
	SG_PREC_REL,
	SG_PREC_ADD,
	SG_PREC_MUL,
	SG_PREC_UNARY,
	SG_PREC_CAST,
	SG_PREC_ATOM
};
typedef struct sg_c_text {
	const char *s;
	int prec;
} sg_c_text;
sg_c_text sg_c_op(sg_fn *f, sg_op op, sg_type t, sg_type result, bool alone, const sg_c_text *arg);
sg_c_text sg_c_cast(sg_fn *f, sg_type from, sg_type to, sg_c_text x);
sg_c_text sg_c_const(sg_fn *f, sg_type t, int64_t word);
/* How often the text has the operand. */
unsigned sg_c_op_reads(sg_module *m, sg_op op, sg_type t, uint32_t arg);
unsigned sg_c_cast_reads(sg_type from, sg_type to);
const char *sg_c_paren(sg_fn *f, sg_c_text x, int least);

/* ---- nest.c, call.c ---- */
void sg_print_texts(sg_fn *f, sg_step *s); /* what the texts of a LOOP's values stand on */
void sg_print_out(sg_fn *f, size_t k,
                  const char *value);          /* scalar output k, unless a NEW one is there */
void sg_print_late_outs(sg_fn *f);             /* all that wait */
void sg_open_call(sg_fn *f, const sg_step *s); /* before the tiles of a band */
void sg_print_call(sg_fn *f, sg_step *s);
void sg_print_fill(sg_fn *f, sg_ref r);
void sg_print_origin(sg_fn *f, const sg_ref *r, size_t n); /* the comment with lines of the model */
/* One statement or line of C, indented, and broken where it is long. */
void sg_line(sg_fn *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *sg_array(sg_fn *f, sg_ref r); /* C name of the array of a leaf or stored node */
/* How statement `s` may be told by the name of what it computes. */
const char *sg_hint(sg_fn *f, sg_ref r, const char *otherwise);

/* ---- func.c ---- */
void sg_fn_compile(sg_fn *f); /* classify, schedule, plan */
void sg_declare_tile(sg_fn *f);
void sg_fn_print(sg_fn *f, const bool *used); /* declarations and steps; used: by input */
void sg_fn_print_body(sg_fn *f, sg_buf *arrays, sg_buf *steps); /* of a loop */
/* By name ("x", "x[2]", "(x + 3)"; NULL: none), does the C text have its array, comments aside? */
size_t sg_word_at(const char *s); /* length of the identifier that begins there */
void sg_find_read(sg_ctx *ctx, const char *text, size_t n, const char *const *name, bool *is_read);
size_t sg_print_item(sg_fn *f, size_t at); /* a step or a band of the order; the one behind it */

/* ---- reuse.c: statements in a row, by what they find in registers ---- */
void sg_order_by_reuse(sg_fn *f, bool always);

/* ---- split.c: a long function in pieces ---- */
void sg_split_fn(sg_fn *f);     /* behind the schedule */
void sg_split_memory(sg_fn *f); /* behind the plan of memory */
void sg_name_kept(sg_fn *f);
void sg_declare_kept(sg_fn *f);
void sg_print_pieces(sg_fn *f);
/* How the piece that is printed reads variable r. */
const char *sg_variable_text(const sg_fn *f, sg_ref r);
void sg_print_kept(sg_fn *f, sg_ref r, const char *value); /* r is value: if others read it */

#endif
