/* rules.h - floor 2: what each op means. ops.def is the table, this is its use.
 *
 * Constructors simplify as they build: they fold constants, drop what is bit-true to drop ("always"
 * rewrites), and put unstable forms into their stable ones (stabilise.c), so that a graph is at all
 * times as simple as its operands allow, and a derivative is taken of the stable form. Every rewrite
 * makes a measure smaller, so building ends. BIND is opaque to all of them.
 *
 * Attribute words of the structured ops (e = extent handle, i = integer):
 *   INPUT     i index into sg_program.input
 *   CONST     one word: double bits for a float, the integer otherwise; every element has this value
 *   DATA      a word an element, row-major, as in CONST; the shape is fixed
 *   DIM       e: an i64 scalar, the extent's value
 *   IOTA      none: 0, 1, ..., n-1 along its one axis, i64
 *   SEED      i: a placeholder with an identity of its own (rules of CUSTOM, batched sweeps)
 *   BIND      i: an identity; value is its operand. Opaque until derivatives are taken, then dissolves
 *   STOP      none: its operand, a constant to every derivative
 *   CUSTOM    i nparams, i nresults, i k; args: value, seed[nresults], param[nparams],
 *             rule[nparams] (adjoints of the params, built over the seeds). Value is arg 0;
 *             derivatives go to the params by the rules alone
 *   DERIV     i kind, i mode; args: y, x [, v]: see sg_deriv_kind
 *   CAST      none: to the node's type
 *   MAP       i n; args: xs[n], slice[n] (SEEDs), result over the slices. Derivatives inside the result
 *             are taken first, then the result is batched over the leading axis of the xs, and the
 *             node is gone
 *   SCAN      i nc, i nx, i ncap, i ns, i reverse, e length (plain handle)
 *             args: count, init[nc], xs[nx], cap[ncap] | cparam[nc], xparam[nx], next[nc], out[ns]
 *             A loop of `count` steps (an i64 scalar, at most length), t = 0 .. count-1, or with
 *             `reverse` count-1 .. 0. In each step the cparams (SEEDs) stand for the carries and the
 *             xparams for xs[t]; next are the new carries, out is stored at [t] of the stacked
 *             results, which are 0 where no step was.
 *   WHILE     i nc, i ncap, i tape, i limited, e limit
 *             args: init[nc], cap[ncap] | cparam[nc], cond, next[nc]
 *             While cond (a bool scalar over the cparams) holds, next becomes the carry; if it still
 *             holds after `limit` steps (where limited): SGRT_ELIMIT. tape: the carries before each
 *             step are stacked too.
 *             Body: what stands behind '|' is evaluated in each step: the nodes between the params
 *             and next, out, cond. cap[] are the nodes from outside that the body reads, save leaves
 *             without operands; they are found by the constructor. The type of a loop is f64, its
 *             shape scalar, and it has no value of its own: only PICK reads it.
 *   PICK      i k: result k of its loop. SCAN: carries nc, then stacked outs [length] + out.shape.
 *             WHILE: carries nc; with tape then the count (i64) and the stacked carries
 *             [limit] + carry.shape, 0 behind the last step
 *   RESHAPE   none: to the node's shape, row-major
 *   TRANSPOSE i perm[rank]: axis k of the result is axis perm[k] of the operand
 *   BROADCAST i axis[rank of operand]: operand axis k lies along result axis axis[k] (increasing); its
 *             extent is the result's, or 1 where the result's is not known equal
 *   SLICE     e start[rank], e step[rank]: result[i] = x[start + step*i]; a step may be negative
 *   PAD       e start[rank], e step[rank]: result[start + step*i] = x[i], else 0 (adjoint of SLICE);
 *             step not 0
 *   WINDOW    e axis, e at, e stride, e dilation; at <= axis. Axis n of x becomes two: `size` at `at`,
 *             and `count` behind where n was:
 *             result[.., k, .., i, ..] = x[.., .., i*stride + k*dilation, ..], always in range
 *   UNWINDOW  the same words: the adjoint. What WINDOW would read from one place is added up there
 *   CONCAT    i axis
 *   GATHER    i axis, i nbatch; args x, idx. The first nbatch axes of x and idx are shared:
 *             result = x.shape[:axis] + idx.shape[nbatch:] + x.shape[axis+1:];  nbatch <= axis.
 *             Negative indices count from the end; out of range: SGRT_EINDEX
 *   SCATTER   i axis, i nbatch; args idx, v; result (shape of the node) is 0 with v added where GATHER
 *             of the same attributes would read it
 *   WRITER    none; arg idx [b..., m], result [b..., n] i64: the last k with idx[k] = j, else -1.
 *             Indices as in GATHER
 *   SUM PROD AMAX AMIN ANY ALL    i mask of the axes that go (bit k: axis k), at least one
 *   ARGMAX ARGMIN    i axis, which goes; i64; over nothing: SGRT_EEMPTY (AMAX, AMIN too)
 *   CUMSUM    none: running sum along the last axis
 *   LINREC    none; args a, b of one shape: s[k] = a[k]*s[k-1] + b[k] along the last axis, s[-1] = 0
 *   CONTRACT  i nx, ny, no, then labels x[nx], y[ny], out[no]: out = sum over the labels not in out of
 *             x*y (einsum). No label twice in one operand; every label of an operand is in the other or
 *             in out; every label of out is in an operand. Types: float, i32, i64
 *   SOFTMAX LOG_SOFTMAX    none: along the last axis
 *   LOGSUMEXP NORM         none: along the last axis, which goes. NORM is the 2-norm
 *             Below, matrices are the last two axes; operands have equal axes before them
 *   LU        none; a [.., n, n]: its packed factors [.., n, n + 1], the last column the rows that
 *             changed places (runtime: sgrt_lu). A constant to derivatives: those who read it take them
 *             to a. A pivot of exactly 0: SGRT_ESINGULAR
 *   LUSOLVE   i trans; args a, LU(a), b [.., n, k]: a^-1 b, or a^-T b. Only derivatives read a
 *   DET LOGDET   none; args a, LU(a): of the result's shape [..]. LOGDET is NaN where DET is negative
 *   CHOLESKY  none; a [.., n, n]: the lower L with a = L L', by a's lower triangle alone; derivatives
 *             are those of a symmetric matrix. Not positive definite: SGRT_EPOSDEF
 *   CHOLBACK  none; args l = CHOLESKY(a), g like it: the adjoint of a where g is that of l. Of both the
 *             lower triangles are read; the result is symmetric
 *   TRISOLVE  i lower, i trans; args a, b [.., n, k]: t^-1 b, or t^-T b, t being that triangle of a.
 *             0 on the diagonal: SGRT_ESINGULAR
 *   RAND RANDN   none; arg: seed, an i64 scalar. Element i (row-major) is number i of that stream.
 *             (Under batching the seed may be [B]: see op_random.c.) */
#ifndef SG_RULES_H
#define SG_RULES_H

#include "ir/ir.h"

typedef enum {
	SG_NOP,
#define LEAF(ID, NAME) SG_##ID,
#define STRUCT(ID, NAME, FLAGS) SG_##ID,
#define EW1(ID, NAME, FLAGS, COST, V, I, DX, LO, HI) SG_##ID,
#define EW2(ID, NAME, FLAGS, COST, V, I, DX, DY, LO, HI) SG_##ID,
#define EW3(ID, NAME, FLAGS, COST, V, I, DX, DY, DZ, LO, HI) SG_##ID,
#include "rules/ops.def"
	SG_NOPS
} sg_op;

enum {
	SG_ODD = 1, SG_EVEN = 2, SG_MONO = 4, SG_LINEAR = 8, SG_ZERO = 16, SG_COMM = 32,
	SG_RBOOL = 64, SG_LOGIC = 128, SG_INTS = 256,
};

typedef enum { SG_K_LEAF, SG_K_STRUCT, SG_K_EW } sg_op_kind;

typedef struct sg_op_info {
	const char *name;
	sg_op_kind kind;
	uint8_t arity; /* elementwise: 1 to 3 */
	unsigned flags;
	int cost;
	const char *value, *ivalue; /* C text, or NULL */
	double lo, hi;
} sg_op_info;
extern const sg_op_info sg_ops[SG_NOPS];
const char *sg_op_name(uint16_t op);
static inline bool sg_is_ew(uint16_t op) { return sg_ops[op].kind == SG_K_EW; }

/* Elements of type t for some of which op is a run-time error: 0 as an integer's divisor; a number
 * of a factorisation that must not be 0, or must be positive. (Of one for a whole array: NONEMPTY.)
 */
static inline bool
sg_is_checked(uint16_t op, sg_type t)
{
	return op == SG_PIVOT || op == SG_POSITIVE ||
	       ((op == SG_FLOORDIV || op == SG_MOD) && sg_type_is_int(t));
}

/* Is op dear beside what a loop reads and copies? by_const: its second operand is a constant, so
 * that a power is a few products. */
static inline bool
sg_is_dear(uint16_t op, bool by_const)
{
	enum { DEAR = 8 };

	return sg_is_ew(op) && sg_ops[op].cost >= DEAR && !(op == SG_POW && by_const);
}

typedef enum { SG_GRAD, SG_VJP, SG_JVP, SG_JACOBIAN, SG_HESSIAN, SG_HVP } sg_deriv_kind;
/* OWN, CROSS: of the JVP of a gradient, of a sum of which some terms may well be zero, by its own
 * variable and by another. */
typedef enum {
	SG_MODE_AUTO,
	SG_MODE_FORWARD,
	SG_MODE_REVERSE,
	SG_MODE_OWN,
	SG_MODE_CROSS
} sg_deriv_mode;

/* ---- building -------------------------------------------------------------------------------- */

/* finite: also rewrites that hold only for finite values and up to rounding (x*0, x+0, like terms):
 * for people to read, never for code. stabilise: unstable forms become stable ones; the front end sets
 * it, so that derivatives are taken of the stable form; passes do not, so that y(1-y) stays what it is. */
typedef struct sg_build {
	sg_ctx *ctx;
	sg_space *sp;
	sg_graph *g;
	bool finite;
	bool stabilise;
} sg_build;

static inline sg_node sg_at(const sg_build *b, sg_ref r) { return b->g->node[r]; }
static inline sg_type sg_type_of(const sg_build *b, sg_ref r) { return (sg_type)b->g->node[r].type; }
static inline const sg_shape *sg_shape_of(const sg_build *b, sg_ref r) { return b->g->node[r].shape; }

sg_ref sg_const(sg_build *b, sg_type t, const sg_shape *s, double v);      /* t: any */
sg_ref sg_const_int(sg_build *b, sg_type t, const sg_shape *s, int64_t v); /* t: any */
sg_ref sg_const_like(sg_build *b, sg_ref x, double v); /* of type and shape of x */
/* The zero of a derivative where no path leads from one to the other: a constant 0 that stays 0
 * whatever it is multiplied with, inf and NaN too, and that adds nothing. t: a float. */
sg_ref sg_no_path(sg_build *b, sg_type t, const sg_shape *s);
bool sg_is_no_path(const sg_build *b, sg_ref r);
/* The zero around what is padded: it adds nothing, and is an ordinary 0 as a factor. t: a float. */
sg_ref sg_no_addend(sg_build *b, sg_type t, const sg_shape *s);
sg_ref sg_data(sg_build *b, sg_type t, const sg_shape *s, const int64_t *words);
sg_ref sg_input_node(sg_build *b, sg_type t, const sg_shape *s, uint32_t index);
sg_ref sg_dim_value(sg_build *b, sg_ext e); /* i64 scalar; a constant where e is one */
sg_ref sg_iota(sg_build *b, sg_ext n);
sg_ref sg_seed(sg_build *b, sg_type t, const sg_shape *s, int64_t id);
sg_ref sg_bind(sg_build *b, sg_ref x, int64_t id);
sg_ref sg_stop(sg_build *b, sg_ref x);
sg_ref sg_deriv(sg_build *b, sg_deriv_kind k, sg_deriv_mode m, sg_ref y, sg_ref x, sg_ref v);
/* The entries of dy/dx at the places of the pattern, rank 1, by rows; the xs are flattened, one after the
 * other. colours: sg_pattern_colours, which stands higher. */
typedef int64_t sg_colours(sg_ctx *ctx, const sg_pattern *p, int64_t *colour);
sg_ref sg_sparse_entries(sg_build *b, sg_ref y, size_t nx, const sg_ref *x, const sg_pattern *p,
                         sg_colours *colours);
sg_ref sg_map_node(sg_build *b, uint32_t n, const sg_ref *xs, const sg_ref *slice, sg_ref result);
sg_ref sg_custom(sg_build *b, int64_t nparams, int64_t nresults, int64_t k, const sg_ref *args);

/* Is it a constant with one value for all elements? Then v gets it (integers too). */
bool sg_is_const(const sg_build *b, sg_ref r, double *v);
bool sg_is_value(const sg_build *b, sg_ref r, double v); /* a constant equal to v (0 also for -0) */

/* Elementwise: operands have one shape and, save for SELECT's first, one type. */
sg_ref sg_ew1(sg_build *b, sg_op op, sg_ref x);
sg_ref sg_ew2(sg_build *b, sg_op op, sg_ref x, sg_ref y);
sg_ref sg_ew3(sg_build *b, sg_op op, sg_ref x, sg_ref y, sg_ref z);
sg_ref sg_cast(sg_build *b, sg_ref x, sg_type t);
/* d r / d operand k, of r's shape; 0: structurally zero. Not for SELECT's condition. */
sg_ref sg_partial(sg_build *b, sg_ref r, uint32_t k);

sg_ref sg_reshape(sg_build *b, sg_ref x, const sg_shape *s);
sg_ref sg_transpose(sg_build *b, sg_ref x, const int64_t *perm);
sg_ref sg_broadcast(sg_build *b, sg_ref x, const sg_shape *s, const int64_t *axis);
sg_ref sg_broadcast_right(sg_build *b, sg_ref x, const sg_shape *s); /* NumPy: axes aligned at the end */
sg_ref sg_slice(sg_build *b, sg_ref x, const sg_shape *s, const sg_ext *start, const sg_ext *step);
sg_ref sg_pad(sg_build *b, sg_ref x, const sg_shape *s, const sg_ext *start, const sg_ext *step);
/* Of x the elements from `start` on along the axis, and behind them those before: a ring, turned.
 * result[i] = x[(i + start) mod extent] */
typedef struct sg_ring {
	sg_ref x;
	uint32_t axis;
	sg_ext start;
} sg_ring;
bool sg_ring_of(const sg_graph *g, sg_ref r, sg_ring *ring); /* is it a CONCAT that does that? */
sg_ref sg_turned_back(sg_build *b, sg_ref g,
                      sg_ring ring); /* result[(i + start) mod extent] = g[i] */
sg_ref sg_slice_axis(sg_build *b, sg_ref x, uint32_t axis, sg_ext start, sg_ext step, sg_ext count);
sg_ref sg_pad_axis(sg_build *b, sg_ref x, uint32_t axis, sg_ext start, sg_ext step, sg_ext extent);
sg_ref sg_index(sg_build *b, sg_ref x, uint32_t axis, sg_ext at); /* drops the axis */
typedef struct sg_windowing {
	uint32_t axis, at;
	sg_ext stride, dilation;
} sg_windowing;
sg_windowing sg_windowing_of(const sg_space *sp, const sg_node *n);
sg_ref sg_window(sg_build *b, sg_ref x, sg_windowing w, sg_ext count, sg_ext size);
sg_ref sg_unwindow(sg_build *b, sg_ref g, const sg_shape *s, sg_windowing w); /* s: of the result */
sg_ref sg_concat(sg_build *b, uint32_t n, const sg_ref *x, uint32_t axis);
sg_ref sg_stack(sg_build *b, uint32_t n, const sg_ref *x, uint32_t axis);
sg_ref sg_expand(sg_build *b, sg_ref x, uint32_t axis);  /* a new axis of extent 1 */
sg_ref sg_squeeze(sg_build *b, sg_ref x, uint32_t axis); /* drops one of extent 1 */
sg_ref sg_move_axis_last(sg_build *b, sg_ref x, uint32_t axis);
sg_ref sg_gather(sg_build *b, sg_ref x, sg_ref idx, uint32_t axis, uint32_t nbatch);
sg_ref sg_scatter(sg_build *b, const sg_shape *s, sg_ref idx, sg_ref v, uint32_t axis, uint32_t nbatch);
sg_ref sg_last_writer(sg_build *b, sg_ref idx, sg_ext n);
/* op: SUM PROD AMAX AMIN ANY ALL; mask 0 gives x itself. SUM of i32, bool must be cast by the caller. */
sg_ref sg_reduce(sg_build *b, sg_op op, sg_ref x, uint64_t mask);
sg_ref sg_argm(sg_build *b, sg_op op, sg_ref x, uint32_t axis);
sg_ref sg_cumsum(sg_build *b, sg_ref x);
sg_ref sg_linrec(sg_build *b, sg_ref a, sg_ref c);
sg_ref sg_contract(sg_build *b, sg_ref x, const int64_t *lx, sg_ref y, const int64_t *ly, uint32_t no,
                   const int64_t *lo);
sg_ref sg_matmul(sg_build *b, sg_ref x, sg_ref y); /* NumPy's @, ranks 1, 2, batched with broadcasting */
sg_ref sg_row_op(sg_build *b, sg_op op, sg_ref x); /* SOFTMAX LOG_SOFTMAX LOGSUMEXP NORM */
/* Linear algebra (build_linalg.c). a is [.., n, n], b [.., n, k], with equal axes before those; in a
 * solve b may have some more in front. */
sg_ref sg_lu(sg_build *b, sg_ref a);
sg_ref sg_solve(sg_build *b, sg_ref a, bool trans, sg_ref x); /* LUSOLVE by LU(a) */
sg_ref sg_lu_solve(sg_build *b, sg_ref a, sg_ref lu, bool trans, sg_ref x);
sg_ref sg_det(sg_build *b, sg_op op, sg_ref a); /* DET LOGDET, by LU(a) */
sg_ref sg_lu_det(sg_build *b, sg_op op, sg_ref a, sg_ref lu);
sg_ref sg_cholesky(sg_build *b, sg_ref a);
sg_ref sg_cholesky_adjoint(sg_build *b, sg_ref l, sg_ref g);
/* Is its first operand there for derivatives alone, the value being found by the second? */
static inline bool
sg_by_factors(uint16_t op)
{
	return op == SG_LUSOLVE || op == SG_DET || op == SG_LOGDET;
}
sg_ref sg_solve_triangular(sg_build *b, sg_ref a, bool lower, bool trans, sg_ref x);
sg_ref sg_eye(sg_build *b, sg_type t, const sg_shape *s); /* 1 where the last two indices are equal */
bool sg_is_eye(const sg_graph *g, sg_ref r); /* is it that? */
sg_ref sg_matrix_t(sg_build *b, sg_ref x); /* the last two axes swapped */
bool sg_is_matrix_t(const sg_build *b, sg_ref r); /* is it a TRANSPOSE of just the last two axes? */
sg_ref sg_random(sg_build *b, sg_op op, const sg_shape *s, sg_ref seed);

/* ---- loops (build_loop.c) ---- */

/* The parts of a SCAN or WHILE node. WHILE: count, nx, xs, xparam, ns, out are empty, cond is set. */
typedef struct sg_loop {
	sg_op op;
	uint32_t nc, nx, ncap, ns;
	bool reverse, tape, limited;
	sg_ext length; /* SCAN: of xs and stacked outs; WHILE: limit */
	sg_ref count, cond;
	const sg_ref *init, *xs, *cap, *cparam, *xparam, *next, *out;
} sg_loop;
sg_loop sg_loop_of(const sg_graph *g, sg_ref r);
sg_loop sg_loop_parts(const sg_node *n);
/* The node; cap and ncap of l are not read but found. */
sg_ref sg_loop_make(sg_build *b, const sg_loop *l);
sg_ref sg_pick(sg_build *b, sg_ref loop, uint32_t k);
/* Members of the body: the nodes that roots need and that depend on a param (SEEDs themselves
 * excluded), in index order, inner loops standing for their bodies; and the frontier below (leaves
 * without operands excluded). Both arrays in the arena. */
void sg_loop_body(sg_ctx *ctx, const sg_graph *g, size_t nroots, const sg_ref *root, size_t nparams,
                  const sg_ref *param, size_t *nbody, sg_ref **body, size_t *ncap, sg_ref **cap);
/* The body of a loop node: roots next, out, cond. */
void sg_loop_members(sg_ctx *ctx, const sg_graph *g, sg_ref loop, size_t *nbody, sg_ref **body);

/* The same op with other operands of the same shapes and types, through the constructor above. */
sg_ref sg_remake(sg_build *b, const sg_node *n, const sg_ref *args);

/* ---- derivative rules of the structured ops (src/rules/op_*.c) ------------------------------------ */

/* Tangent of node r: t[k] is the tangent of operand k, 0 where it has none. 0: no tangent. */
typedef sg_ref sg_jvp_rule(sg_build *b, sg_ref r, const sg_ref *t);
/* Adjoints d[k] of the operands (0: none), for incoming adjoint g of r's shape. want[k]: is it asked for? */
typedef void sg_vjp_rule(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d);
/* Node n (of an older graph) over operands of which those with batched[k] have got a leading axis of
 * extent `size`; at least one has. The result has it too. */
typedef sg_ref sg_batch_rule(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched,
                             sg_ext size);
sg_jvp_rule *sg_jvp_of(uint16_t op);
sg_vjp_rule *sg_vjp_of(uint16_t op);
sg_batch_rule *sg_batch_of(uint16_t op);

/* ---- values (eval.c): the meaning of each op on concrete arrays; the oracle -------------------------- */

typedef struct sg_tensor {
	sg_type type;
	uint32_t rank;
	int64_t ext[SG_MAX_RANK];
	int64_t count; /* product of the extents */
	void *data;    /* row-major: float, double, int32_t, int64_t, uint8_t */
} sg_tensor;

/* Value of node r from the values of its operands; out->data is allocated by the caller for the
 * node's shape under dims. Returns SGRT_OK or a negative SGRT_E* code. Not for INPUT, SEED, DERIV. */
int sg_eval_node(sg_ctx *ctx, const sg_graph *g, sg_ref r, const int64_t *dims,
                 const sg_tensor *const *args, sg_tensor *out);
/* Shape of a node under dims into t (type, rank, ext, count); SGRT_EDIM if negative or too large. */
int sg_tensor_shape(const sg_graph *g, sg_ref r, const int64_t *dims, sg_tensor *t);
/* One element: integers and bool as double too; set rounds floats, truncates and saturates integers. */
double sg_tensor_get(const sg_tensor *t, int64_t i);
void sg_tensor_set(sg_tensor *t, int64_t i, double v);
/* Extents that must not be negative for node r to make sense; how many. ext has room for
 * SG_MOST_DEMANDS. */
enum { SG_MOST_DEMANDS = 3 * SG_MAX_RANK };
uint32_t sg_node_demands(sg_space *sp, const sg_graph *g, sg_ref r, sg_ext *ext);
/* Those of all that an entry evaluates, where they can't be proved. */
sg_demand *sg_entry_demands(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, size_t *ndemands);
/* Operations that node r costs once its operands are there, as an extent polynomial. */
sg_ext sg_node_cost(sg_build *b, sg_ref r);

#endif
