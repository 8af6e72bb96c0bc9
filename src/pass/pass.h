/* pass.h - floor 4: graph -> graph. Each pass rebuilds the program's graph into a new one, through the
 * constructors of rules.h, and keeps inputs, entries, names and spans. */
#ifndef SG_PASS_H
#define SG_PASS_H

#include "rules/rules.h"

/* derive - every DERIV node becomes the derivative itself, innermost first.
 * requires: x of each DERIV is a BIND or an INPUT.  ensures: no DERIV, CUSTOM or BIND is left.
 * preserves: shapes, outputs. Warns ("zero-derivative") at the DERIV's span where y does not depend on
 * x; an error ("carry-derivative") where it goes through a carry of a loop around it that does. All
 * reverse derivatives of one y share one sweep. */
void sg_derive(sg_ctx *ctx, sg_program *p);

/* clean - rebuild of what the entries need, nothing else; node order kept. */
void sg_clean(sg_ctx *ctx, sg_program *p, bool finite);

/* algebra - simplification for people (`diff`): powers and like terms collected, the order of writing.
 * formulas: the derivatives of x**y are written without what they are at 0.
 * requires: no DERIV, CUSTOM, BIND.  preserves: outputs for finite values up to rounding, names. */
void sg_algebra(sg_ctx *ctx, sg_program *p, bool formulas);

/* share_loops - loops that do what another loop does besides are left out (share.c).
 * requires: no DERIV.  preserves: outputs. */
void sg_share_loops(sg_ctx *ctx, sg_program *p);

/* merge_loops - loops that differ in what they stack alone become one.
 * requires: no DERIV.  preserves: outputs, up to the order of what a loop stacks. */
void sg_merge_loops(sg_ctx *ctx, sg_program *p);

/* directions_last - for emission: what forward derivatives have in front and Jacobians behind is
 * made behind (directions.c). requires: no DERIV, CUSTOM, BIND.  preserves: outputs. Gives p
 * itself, or a copy. */
const sg_program *sg_directions_last(sg_ctx *ctx, const sg_program *p);

/* order_products - for emission: sums of products of several factors in the cheapest order (order.c).
 * requires: no DERIV, CUSTOM, BIND.  preserves: outputs up to rounding. Gives p itself, or a copy. */
const sg_program *sg_order_products(sg_ctx *ctx, const sg_program *p);

/* rows_across - for emission: softmax and its like along another axis than the last (across.c).
 * requires: no DERIV, CUSTOM, BIND.  preserves: outputs up to rounding. Gives p itself, or a copy. */
const sg_program *sg_rows_across(sg_ctx *ctx, const sg_program *p, bool jit);

/* solve_small - for emission: what is solved by factors of matrices of a few rows (solved.c).
 * requires: no DERIV, CUSTOM, BIND.  preserves: outputs up to rounding. Gives p itself, or a copy.
 */
const sg_program *sg_solve_small(sg_ctx *ctx, const sg_program *p, bool jit);

/* short_extremes - for written C: the largest of short rows and its place, number by number
 * (extremes.c). requires: no DERIV, CUSTOM, BIND.  preserves: outputs. Gives p itself, or a copy.
 */
const sg_program *sg_short_extremes(sg_ctx *ctx, const sg_program *p, bool jit);

/* look_ahead - for emission: sines and cosines that the step of a loop before has taken are carried
 * (ahead.c). requires: no DERIV, CUSTOM, BIND.  preserves: outputs. Gives p itself, or a copy. */
const sg_program *sg_look_ahead(sg_ctx *ctx, const sg_program *p, bool jit);

/* own_carries - for emission: loops that share what stands for a carry with one that reads rows of
 * it get their own (own.c). requires: no DERIV, CUSTOM, BIND.  preserves: outputs. Gives p itself,
 * or a copy. */
const sg_program *sg_own_carries(sg_ctx *ctx, const sg_program *p);

/* split_small - for emission: tensors of a few elements become scalars, carries too (split.c), and
 * products of many small matrices, with what is made of them, go number by number (many.c).
 * requires: no DERIV, CUSTOM, BIND.  preserves: outputs up to the order of short sums. Gives p
 * itself where there is nothing to gain, else a copy. */
const sg_program *sg_split_small(sg_ctx *ctx, const sg_program *p, bool jit);

/* sum_rows_first - for written C: sums over all of rows of few numbers, of which each is something
 * dear (row_sums.c). requires: no DERIV, CUSTOM, BIND; to be the last, since built again they are
 * one sum.  preserves: outputs up to the order of sums. Gives p itself, or a copy. */
const sg_program *sg_sum_rows_first(sg_ctx *ctx, const sg_program *p, bool jit);

/* pack_angles - for written C: sines and cosines of elements of inputs, where there are many, are taken
 * at once (pack.c). requires: no DERIV, CUSTOM, BIND.  preserves: outputs. Gives p itself, or a copy. */
const sg_program *sg_pack_angles(sg_ctx *ctx, const sg_program *p);

/* The entries of dy/dx that can't be proved zero. x: INPUT or BIND nodes; y may hold DERIVs. NULL, or
 * why it can't be had ("extents that are not fixed"). */
const char *sg_pattern_of(sg_build *b, sg_ref y, size_t n, const sg_ref *x, sg_pattern *p);
/* colour[cols]: columns of one colour share no row. Returns the number of colours. */
sg_colours sg_pattern_colours;

/* Adjoints of x[0..n) for adjoint `seed` of y, all in graph b->g; 0 where y does not depend on x[i]. */
void sg_reverse(sg_build *b, sg_ref y, sg_ref seed, size_t n, const sg_ref *x, sg_ref *adjoint);
/* Tangent of y for tangents t[i] of x[i]; 0 where it has none. */
sg_ref sg_forward(sg_build *b, sg_ref y, size_t n, const sg_ref *x, const sg_ref *t);
/* Tangents ty[i] of y[0..ny), by one walk. */
void sg_forward_all(sg_build *b, size_t ny, const sg_ref *y, size_t n, const sg_ref *x,
                    const sg_ref *t, sg_ref *ty);
/* Copies of the roots in which from[i] is replaced by to[i] of the same shape (equal graph). */
void sg_substitute(sg_build *b, size_t nroots, sg_ref *root, size_t n, const sg_ref *from,
                   const sg_ref *to);
/* The same, to[i] having a leading axis of extent `size` more; so have then the roots that depend on
 * a from[i]; the others are broadcast to have it. */
void sg_batch(sg_build *b, size_t nroots, sg_ref *root, size_t n, const sg_ref *from,
              const sg_ref *to, sg_ext size);

/* The root with unit vectors, one for each element of it, in place of the seed. */
sg_ref sg_batch_units(sg_build *b, sg_ref root, sg_ref seed, sg_ref units);

/* ops - operations of an entry as a polynomial in the dimensions (rules.h, sg_node_cost). */
sg_ext sg_entry_cost(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e);

#endif
