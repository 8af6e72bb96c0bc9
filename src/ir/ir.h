/* ir.h - floor 1: extents, shapes, nodes, graphs; knows no op by meaning.
 *
 * Extents are polynomials with integer coefficients over the named dimensions and over atoms p // q,
 * min(p, q) and max(p, q) (the last two in the memory plan only), kept in normal form and interned:
 * equal extents are equal handles. Shapes and attributes are interned too: equal ones are equal pointers.
 * Nodes are append-only and hash-consed; operands come before users, so index order is topological
 * and a pass is one forward walk that rebuilds into a new graph. Nothing recurses over depth.
 * A node that owns a body (scan, while, if) names it by region index; a region is a graph of its own
 * whose captures are operands of the node. */
#ifndef SG_IR_H
#define SG_IR_H

#include "base/base.h"

#define SG_MAX_RANK 16     /* what the graph takes: batching adds axes */
#define SG_MAX_USER_RANK 8 /* what the language takes */

typedef enum { SG_F32, SG_F64, SG_I32, SG_I64, SG_BOOL } sg_type;

static inline bool sg_type_is_float(sg_type t) { return t == SG_F32 || t == SG_F64; }
static inline bool sg_type_is_int(sg_type t) { return t == SG_I32 || t == SG_I64; }
const char *sg_type_name(sg_type t);   /* "f32" */
const char *sg_type_c_name(sg_type t); /* "float" */
size_t sg_type_size(sg_type t);

/* ---- the space: what all graphs of one compilation share ------------------------------------- */

typedef uint32_t sg_ext; /* interned; meaningful with its space */

typedef struct sg_dim {
	const char *name;
	sg_span at;
} sg_dim; /* free dimensions only: fixed and defined ones are substituted by the front end */

typedef struct sg_shape {
	uint32_t rank;
	sg_ext ext[]; /* rank of them */
} sg_shape;

typedef struct sg_attr {
	uint32_t n;
	int64_t w[]; /* what the words mean is the op's business: see rules/rules.h */
} sg_attr;

typedef struct sg_space sg_space;
sg_space *sg_space_new(sg_ctx *ctx);
sg_ctx *sg_space_ctx(const sg_space *sp);
uint32_t sg_space_add_dim(sg_space *sp, const char *name, sg_span at);
int64_t sg_space_fresh(sg_space *sp); /* a number that no other call gives; from 2^40 on */
uint32_t sg_space_ndims(const sg_space *sp);
const sg_dim *sg_space_dim(const sg_space *sp, uint32_t d);

/* ---- extents ----------------------------------------------------------------------------------- */

sg_ext sg_ext_int(sg_space *sp, int64_t v);
sg_ext sg_ext_dim(sg_space *sp, uint32_t dim);
sg_ext sg_ext_add(sg_space *sp, sg_ext a, sg_ext b);
sg_ext sg_ext_sub(sg_space *sp, sg_ext a, sg_ext b);
sg_ext sg_ext_mul(sg_space *sp, sg_ext a, sg_ext b);
/* floor(a / b); exact where b divides every coefficient of a (or a = q*b), else an atom. b = 0: atom. */
sg_ext sg_ext_div(sg_space *sp, sg_ext a, sg_ext b);
/* The lesser and the greater, a or b itself where that is proved. */
sg_ext sg_ext_min(sg_space *sp, sg_ext a, sg_ext b);
sg_ext sg_ext_max(sg_space *sp, sg_ext a, sg_ext b);
bool sg_ext_const(const sg_space *sp, sg_ext e, int64_t *v); /* is it a number? */
bool sg_ext_is(const sg_space *sp, sg_ext e, int64_t v);     /* is it this number? */
bool sg_ext_as_dim(const sg_space *sp, sg_ext e, uint32_t *dim); /* is it one bare dimension? */
bool sg_ext_uses(const sg_space *sp, sg_ext e, uint32_t dim);
bool sg_ext_nonneg(sg_space *sp, sg_ext e); /* provably >= 0 when every dimension is */
/* The same where the proof is short: for what costs little if it is not known. */
bool sg_ext_nonneg_soon(sg_space *sp, sg_ext e);
/* What e is for SG_SAMPLES choices of all dimensions, the same for all extents and each nothing, one, few or
 * many; rounded, and NaN where it has no value. One extent that is less than another somewhere is not provably
 * greater; nothing else follows. */
#define SG_SAMPLES 16
const double *sg_ext_samples(sg_space *sp, sg_ext e);
/* Value for dims[0..ndims): false on overflow or division by zero. */
bool sg_ext_eval(const sg_space *sp, sg_ext e, const int64_t *dims, int64_t *v);
/* Is there a quotient in it whose divisor can't be proved to be above 0? */
bool sg_ext_may_divide_by_0(sg_space *sp, sg_ext e);
/* Is it a sum of products of dimensions, of two at least in one place? As a number, not an extent,
 * that wraps as all integers do. */
bool sg_ext_wraps(const sg_space *sp, sg_ext e);
int64_t sg_ext_wrapped(const sg_space *sp, sg_ext e, const int64_t *dims);
/* Solves e = value for `dim`, if e is affine in it and every other dimension that e uses is known:
 * 1 solved, 0 not of that form (yet), -1 no integer >= 0 solves it. */
int sg_ext_solve(const sg_space *sp, sg_ext e, uint32_t dim, const int64_t *dims,
                 const bool *known, int64_t value, int64_t *out);
/* A quotient of e whose divisor is 0 for some dimensions, taken out: e is *rest + *times * (*p // *q). False
 * where there is none, but within the lesser and the greater, which are of sizes. */
bool sg_ext_risk(sg_space *sp, sg_ext e, sg_ext *rest, sg_ext *times, sg_ext *p, sg_ext *q);
/* As the user would write it, expanded: "N", "2*N - 1", "(D*D - D)//2". */
void sg_ext_print(sg_space *sp, sg_buf *b, sg_ext e);
const char *sg_ext_text(sg_space *sp, sg_ext e);
/* As a C expression of type ptrdiff_t; name(arg, dim) gives a dimension's C name. Floor division, the
 * lesser and the greater are written as calls of fn[0], [1], [2](p, q). Parenthesised unless it is one
 * token. */
void sg_ext_print_c(const sg_space *sp, sg_buf *b, sg_ext e,
                    const char *(*name)(void *arg, uint32_t dim), void *arg, const char *const fn[3]);
/* Dimensions renamed: dims[i] replaces dimension i. */
sg_ext sg_ext_subst(sg_space *sp, sg_ext e, const sg_ext *dims);

/* ---- shapes and attributes -------------------------------------------------------------------- */

const sg_shape *sg_shape_make(sg_space *sp, uint32_t rank, const sg_ext *ext);
const sg_shape *sg_shape_scalar(sg_space *sp);
sg_ext sg_shape_size(sg_space *sp, const sg_shape *s); /* product; 1 for a scalar */
void sg_shape_print(sg_space *sp, sg_buf *b, const sg_shape *s); /* "[N, 10]", "[]" */
const char *sg_shape_text(sg_space *sp, const sg_shape *s);
const sg_attr *sg_attr_make(sg_space *sp, uint32_t n, const int64_t *w);
int64_t sg_double_bits(double v);
double sg_bits_double(int64_t w);

/* ---- graphs ----------------------------------------------------------------------------------------- */

typedef uint32_t sg_ref; /* a node of a graph; 0 is none */

typedef struct sg_node {
	uint16_t op; /* sg_op, of rules/rules.h */
	uint8_t type; /* sg_type */
	uint32_t nargs;
	const sg_ref *args;
	const sg_shape *shape;
	const sg_attr *attr; /* NULL: none */
} sg_node;

typedef struct sg_graph {
	sg_space *sp;
	sg_node *node; /* node[0] is unused */
	uint32_t n;    /* nodes are 1 .. n-1 */
	size_t cap;
	sg_span *span;     /* where the node came from, for messages and comments; src NULL: unknown */
	const char **name; /* what the user calls its value, or NULL; a hint for names in the output */
	struct sg_slot *table; /* hash-consing */
	size_t table_cap;
	struct sg_marks *marks; /* sg_graph_mark */
	sg_span here; /* given to new nodes; set by whoever builds */
} sg_graph;

sg_graph *sg_graph_new(sg_space *sp);
sg_graph *sg_graph_sized(sg_space *sp, size_t n); /* with room for n nodes, to begin with */
/* The node with these parts: an old one if there is an equal one. */
sg_ref sg_node_make(sg_graph *g, uint16_t op, sg_type type, const sg_shape *shape, uint32_t nargs,
                    const sg_ref *args, const sg_attr *attr);
/* An equal node is made anew from now on. */
void sg_node_hide(sg_graph *g, sg_ref r);
static inline const sg_node *sg_node_at(const sg_graph *g, sg_ref r) { return &g->node[r]; }
static inline sg_ref sg_arg(const sg_graph *g, sg_ref r, uint32_t k) { return g->node[r].args[k]; }
/* Marks for a walk over some of the nodes, without a pass over all: entry r is below `now` until the walk
 * changes it, and the walk may put now .. now + 15 there. Till the next call for the graph. */
uint32_t *sg_graph_mark(const sg_graph *g, uint32_t *now);
/* live[r] for each node that some root needs (roots may be 0). The array has g->n entries. */
bool *sg_graph_live(const sg_graph *g, size_t nroots, const sg_ref *roots);

/* Nodes of a graph, each once and in its order. */
typedef struct sg_needed {
	sg_ref *ref;
	size_t n;
} sg_needed;
/* Those from number start on that some root needs; in time of what there is of them. */
sg_needed sg_graph_needed(const sg_graph *g, sg_ref start, size_t nroots, const sg_ref *roots);
/* A graph of what the roots need, whose numbers there they become; g itself where that is much of it. */
sg_graph *sg_graph_part(sg_graph *g, size_t nroots, sg_ref *roots);

/* A sparse matrix's places, compressed by rows. */
typedef struct sg_pattern {
	int64_t rows, cols;
	int64_t *rowptr, *col; /* rows + 1; rowptr[rows], ascending in each row */
} sg_pattern;

/* ---- a program: what the front end makes and every pass keeps ------------------------------------ */

typedef struct sg_input {
	const char *name;
	sg_type type;
	const sg_shape *shape;
	bool is_param;
	sg_ref ref;   /* its INPUT node */
	sg_ref deflt; /* 0: none; depends on dimensions and constants alone */
	sg_span at;
} sg_input;

typedef struct sg_output {
	const char *name;
	sg_ref ref;
	sg_span at;
	const sg_pattern *pattern; /* its entries' places, of a sparse derivative; else NULL */
} sg_output;

/* The Jacobians of an entry, one block for output o and input i of the program, number o * ninputs + i. */
typedef struct sg_jacobian {
	size_t entry;  /* 1 + the number of the entry that computes them; 0: all are zero */
	size_t *block; /* 1 + its output; 0: zero, or the input is not used */
	const sg_pattern **pattern; /* the places of the block's entries, which are its output by rows;
	                               NULL: it has all */
} sg_jacobian;

typedef struct sg_entry_ir {
	const char *name; /* "forward", "gradient", or the user's */
	sg_output *out;
	size_t nout;
	sg_span at;
	const sg_jacobian *jacobian; /* where they were asked for; else NULL */
	bool is_jacobian;            /* it is what computes another one's */
	const bool *outside; /* by input: it is no argument, but an array of the module; NULL: none is */
} sg_entry_ir;

/* A condition on the dimensions that only a call can check: ext >= 0. */
typedef struct sg_demand {
	sg_ext ext;
	sg_span at;
} sg_demand;

typedef struct sg_program {
	const char *name; /* the C prefix */
	sg_space *sp;
	sg_graph *g;
	sg_type real;
	sg_input *input; /* in the order of declaration */
	size_t ninputs;
	sg_entry_ir *entry;
	size_t nentries;
	sg_demand *demand;
	size_t ndemands;
} sg_program;

/* Which inputs and which dimensions an entry uses: uses[i] for input i, dims[d] for dimension d (those
 * of the shapes of used inputs, of the outputs, of any node needed, and of their extents). */
typedef struct sg_uses {
	bool *input;
	bool *dim;
} sg_uses;
sg_uses sg_entry_uses(const sg_program *p, const sg_entry_ir *e);

/* What attribute words are, by op; the one thing that this floor asks of the next (rules/table.c):
 * extents (all words of DIM, SLICE, PAD, WINDOW, UNWINDOW), element values (CONST, DATA), else integers. */
bool sg_op_attr_is_ext(uint16_t op);
bool sg_op_attr_is_value(uint16_t op);
bool sg_op_is_splat(uint16_t op); /* the first word is the value of all elements */
/* The one word that is an extent among integers (the length of a loop); -1: there is none. */
int sg_op_attr_ext_word(uint16_t op);
/* How many operands, the first ones, stand outside of a node's body: all, save of a loop. */
uint32_t sg_data_args(const sg_node *n);

/* Every node well formed: operands before users, ranks, interned shapes. Raises a defect. */
void sg_graph_check(const sg_graph *g);
/* The graph as text, a node a line, for --dump and --emit=ir. opname(op) gives names. */
void sg_program_print(const sg_program *p, sg_buf *b, const char *(*opname)(uint16_t op));

#endif
