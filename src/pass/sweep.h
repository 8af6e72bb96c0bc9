/* sweep.h - private to floor 4: what the sweeps over a graph share.
 *
 * A sweep visits the nodes between what it starts from and its roots, in index order, and keeps
 * arrays as long as that cone, not as the graph: a thousand small derivatives in one large graph
 * stay cheap. */
#ifndef SG_PASS_SWEEP_H
#define SG_PASS_SWEEP_H

#include "pass/pass.h"

/* ---- cone: the nodes that some roots need, from `lo` on
 * ------------------------------------------ */

typedef enum {
	SG_FOLLOW_ALL,    /* every operand */
	SG_FOLLOW_DERIVS, /* operands that a derivative goes to: floats, not through STOP, and
	                   * through CUSTOM to its params alone */
} sg_follow;

typedef struct sg_cone {
	sg_follow follow;
	sg_ref lo, hi;   /* the nodes lie in lo .. hi-1 */
	uint64_t *bits;  /* bit r - lo: is r in it? NULL: the table tells */
	uint32_t *rank;  /* members before each word of bits */
	uint32_t *table; /* hashed: index of a member, + 1; mask + 1 places */
	uint32_t mask;
	uint32_t n;
	sg_ref *member; /* in index order */
} sg_cone;

sg_cone sg_cone_make(sg_build *b, sg_follow follow, size_t nroots, const sg_ref *root, sg_ref lo);
bool sg_cone_has(const sg_cone *c, sg_ref r);
uint32_t sg_cone_at(const sg_cone *c, sg_ref r); /* index of a member */
/* For each member, does it depend on some x[i] (or is it one)? */
bool *sg_cone_active(sg_build *b, const sg_cone *c, size_t n, const sg_ref *x);
/* The least of n refs; UINT32_MAX of none. */
sg_ref sg_lowest(size_t n, const sg_ref *x);

/* ---- adjoints with masks: adjoint.c
 * -------------------------------------------------------------- */

/* Where an adjoint is taken: `node` is bool, of the adjoint's shape. Inside of `up` (NULL:
 * everywhere) it is where `cond` is `side`; cond 0 where that is not known. */
typedef struct sg_mask {
	sg_ref node;
	const struct sg_mask *up;
	uint32_t depth; /* length of the chain above */
	sg_ref cond;
	bool side;
	bool light;   /* not worth what masks cost behind an op that mixes elements */
	bool of_rows; /* it is of what a loop backward reads of each step */
} sg_mask;

/* The adjoint is raw where the mask is true and exactly 0 elsewhere, where raw may hold anything,
 * inf and NaN too. mask NULL: true everywhere. clean: raw is 0 already where the mask is false. raw
 * 0: none. */
typedef struct sg_adj {
	sg_ref raw;
	bool clean;
	const sg_mask *mask;
} sg_adj;

sg_adj sg_adj_plain(sg_ref raw);
sg_ref sg_adj_solid(sg_build *b, sg_adj a); /* as one node */
sg_adj sg_adj_add(sg_build *b, sg_adj a, sg_adj c);
/* Without light masks: 0 where they are false, and no more than that from there on. */
sg_adj sg_adj_settle(sg_build *b, sg_adj a);
/* The part of a that goes to one side of where(cond, p, q). */
sg_adj sg_adj_branch(sg_build *b, sg_adj a, sg_ref cond, bool side);
/* a where `taken` holds; the mask is light. */
sg_adj sg_adj_taken(sg_build *b, sg_adj a, sg_ref taken);
/* Where operand k of node r may have an adjoint, r's being masked by m. */
const sg_mask *sg_mask_operand(sg_build *b, sg_ref r, uint32_t k, sg_ref m);
const sg_mask *sg_mask_plain(sg_build *b, sg_ref node);
/* Where the adjoint of what a loop reads is taken in a step: of its shape, or one number where that
 * is the same everywhere; 0 where there is no mask. */
sg_ref sg_mask_in_step(sg_build *b, const sg_mask *mask);
/* `node`, of x's shape or one number, as the mask of x's adjoint; for rows of x that a loop reads:
 * stacked, or the same in all steps. */
const sg_mask *sg_mask_like(sg_build *b, sg_ref node, sg_ref x);
const sg_mask *sg_mask_of_rows(sg_build *b, sg_ref node, bool stacked, sg_ref x);
/* Is it given, so that no derivative lies behind it? */
bool sg_is_given(const sg_build *b, sg_ref r);
/* `node` is the mask `from` after a movement of its adjoint. */
const sg_mask *sg_mask_moved(sg_build *b, const sg_mask *from, sg_ref node);

/* ---- others -------------------------------------------------------------------------------------
 */

/* g times partial p of node r, in its shortest form: no factor 1, no g * (1/q). */
sg_ref sg_scale(sg_build *b, sg_ref r, sg_ref g, sg_ref p);
/* CUSTOM node r: adjoints d[p] of its params (0 where want[p] is false) for adjoint g; its tangent
 * for tangents t[p] of the params. */
void sg_custom_vjp(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d);
sg_ref sg_custom_jvp(sg_build *b, sg_ref r, const sg_ref *t);
/* Adjoints of x[0..n) for adjoints seed[k] of y[k] together, without light masks. The x[i] are held
 * as independent: none flows through one to another. */
void sg_reverse_body(sg_build *b, size_t ny, const sg_ref *y, const sg_adj *seed, size_t n,
                     const sg_ref *x, sg_adj *adjoint);

/* ---- loops: loop.c, loop_batch.c ---- */

/* Adjoints d[k] of the data operands of loop r (raw 0: none), want[k] asked for; g[i] is the
 * adjoint of its PICK i, clean, raw 0 where there is none. */
void sg_loop_vjp(sg_build *b, sg_ref r, const sg_adj *g, const bool *want, sg_adj *d);
/* The loop that carries tangents beside loop r's values, for tangents t[k] of its data operands.
 * index[i]: which PICK of it is the tangent of PICK i of r; -1: it has none. */
sg_ref sg_loop_jvp(sg_build *b, sg_ref r, const sg_ref *t, int32_t *index);
/* Results that a PICK can read. */
uint32_t sg_loop_results(const sg_loop *l);
/* Loop n over other data operands; its body follows. */
sg_ref sg_loop_over(sg_build *b, const sg_node *n, const sg_ref *args);
/* The same with a leading axis where batched[k]; and a PICK of such a loop. */
sg_ref sg_loop_batch(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched,
                     sg_ext size);
/* What lies behind a few of from[], and is linear in them alone, as products of to[] with slopes
 * (narrow.c): end[] and what each becomes under batching; the result is their number. */
size_t sg_narrow(sg_build *b, size_t nroots, const sg_ref *root, size_t n, const sg_ref *from,
                 const sg_ref *to, sg_ext size, sg_ref **end, sg_ref **is);
sg_ref sg_pick_batch(sg_build *b, const sg_node *pick, const sg_loop *old, sg_ref loop,
                     sg_ext size);
/* New node r gets a name if it has none and `of` has one: prefix + that. */
void sg_name_after(sg_build *b, sg_ref r, const char *prefix, sg_ref of);
/* Rebuild of a program's graph; dissolve: CUSTOM, BIND and STOP become their value. */
void sg_rebuild(sg_ctx *ctx, sg_program *p, bool finite, bool dissolve);
/* Everything that a program's graph is there for: outputs, defaults and inputs. */
sg_ref *sg_program_roots(sg_ctx *ctx, const sg_program *p, size_t *n);
/* A copy of the program, whose references can be changed; the graph is the same. */
sg_program *sg_program_copy(sg_ctx *ctx, const sg_program *p);
/* Inputs and outputs moved to graph g, in which old node r is map[r]. */
void sg_program_remap(sg_program *p, sg_graph *g, const sg_ref *map);

/* ---- solved.c ---- */

enum { SG_MOST_SOLVED = 4 }; /* rows of matrices whose solutions are written out */

/* The matrix, or its factors, whose rows count for what is written out: an operand of n, or what n
 * is; NULL: n is nothing of that kind. */
const sg_shape *sg_matrix_of_few(const sg_graph *g, const sg_node *n);

/* ---- replace.c ---- */

typedef struct sg_replacing {
	sg_build b;
	const sg_graph *old;
	sg_ref *map; /* by old node: what it has become */
	bool jit;    /* for libtcc? */
} sg_replacing;

typedef bool sg_is_replaced(const sg_replacing *w, const sg_node *old);
/* What stands for old node n; arg: what its operands have become. */
typedef sg_ref sg_replacement(sg_replacing *w, const sg_node *n, const sg_ref *arg);
/* The program with other nodes for those that are wanted; p itself if there are none. */
const sg_program *sg_replaced(sg_ctx *ctx, const sg_program *p, bool jit, sg_is_replaced *is_wanted,
                              sg_replacement *instead);

#endif
