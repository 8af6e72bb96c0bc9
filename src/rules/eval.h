/* eval.h - private to floor 2: what the files of the evaluator share.
 *
 * Each sg_eval_OP gets one node with the values of its operands and fills its result. It finds an
 * operand's element by the plainest means: the position in the result is taken apart into indices,
 * and these are multiplied by strides. Nothing is fast here, and nothing is clever. */
#ifndef SG_RULES_EVAL_H
#define SG_RULES_EVAL_H

#include "rules/rules.h"

#include "symgrad_runtime.h"

typedef struct sg_eval {
	sg_ctx *ctx;
	const sg_space *sp;
	const sg_node *n;
	const int64_t *dims;
	const sg_tensor *const *args;
	sg_tensor *out; /* of the node's shape */
} sg_eval;

/* Extent number k of the node's attribute words. */
static inline bool
sg_eval_ext(const sg_eval *e, uint32_t k, int64_t *v)
{
	return sg_ext_eval(e->sp, (sg_ext)e->n->attr->w[k], e->dims, v);
}

/* ---- elements, whatever their type ---- */

int64_t sg_tensor_get_int(const sg_tensor *t, int64_t i);   /* integers and bool */
void sg_tensor_set_int(sg_tensor *t, int64_t i, int64_t v); /* i32: wraps; floats: converted */
/* One element, bit by bit; the types are equal. */
void sg_tensor_copy(sg_tensor *to, int64_t i, const sg_tensor *from, int64_t j);

/* ---- positions ---- */

/* stride[k]: elements from one index of axis k to the next, row-major. */
void sg_strides(uint32_t rank, const int64_t *ext, int64_t *stride);
/* The flat position, with these strides, of the element that stands at flat position i of ext. */
int64_t sg_position(uint32_t rank, const int64_t *ext, int64_t i, const int64_t *stride);

/* ---- sums ---- */

/* term(arg, lo) + ... + term(arg, hi - 1), in halves, so that the error grows with log(hi - lo). */
double sg_pairwise(double (*term)(const void *arg, int64_t i), const void *arg, int64_t lo,
                   int64_t hi);

/* ---- the ops: SGRT_OK or a negative SGRT_E* code ---- */

int sg_eval_ew(const sg_eval *e);

int sg_eval_transpose(const sg_eval *e);
int sg_eval_broadcast(const sg_eval *e);
int sg_eval_slice(const sg_eval *e);
int sg_eval_pad(const sg_eval *e);
int sg_eval_concat(const sg_eval *e);
int sg_eval_window(const sg_eval *e);
int sg_eval_unwindow(const sg_eval *e);
int sg_eval_gather(const sg_eval *e);
int sg_eval_scatter(const sg_eval *e);
int sg_eval_writer(const sg_eval *e);

int sg_eval_reduce(const sg_eval *e); /* SUM PROD AMAX AMIN ANY ALL */
int sg_eval_argm(const sg_eval *e);
int sg_eval_cumsum(const sg_eval *e);
int sg_eval_linrec(const sg_eval *e);
int sg_eval_contract(const sg_eval *e);
int sg_eval_softmax(const sg_eval *e); /* LOG_SOFTMAX too */
int sg_eval_logsumexp(const sg_eval *e);
int sg_eval_norm(const sg_eval *e);

int sg_eval_lu(const sg_eval *e);
int sg_eval_lu_solve(const sg_eval *e);
int sg_eval_det(const sg_eval *e); /* LOGDET too */
int sg_eval_cholesky(const sg_eval *e);
int sg_eval_cholesky_adjoint(const sg_eval *e);
int sg_eval_solve_triangular(const sg_eval *e);

#endif
