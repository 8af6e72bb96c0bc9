/* graph_test.h - for tests of floors 2 and 4: a world to build graphs in, random values for their
 * inputs, the values of nodes, and a node of every structured op.
 *
 * Extents are the dimensions N, M and K, so that a graph is built once and evaluated for many
 * sizes. */
#ifndef SG_TESTS_GRAPH_TEST_H
#define SG_TESTS_GRAPH_TEST_H

#include "claim.h"
#include "rules/rules.h"

#include "symgrad_runtime.h"
#include "tensor_element.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NDIMS = 3, MAX_INPUTS = 24 };

typedef struct world {
	sg_ctx *ctx;
	sg_space *sp;
	sg_build b;
	sg_ext n, m, k;
	int64_t dims[NDIMS];
	sg_ref input[MAX_INPUTS];
	sg_tensor value[MAX_INPUTS]; /* of the inputs */
	uint32_t ninputs;
	uint64_t random;
	void (*body)(struct world *w);
	uint32_t piece; /* of functions that are emitted; 0: as usual */
} world;

static inline void
enter(void *arg)
{
	world *w = arg;
	static const char *const name[NDIMS] = {"N", "M", "K"};

	w->sp = sg_space_new(w->ctx);
	for (int i = 0; i < NDIMS; i++)
		sg_space_add_dim(w->sp, name[i], (sg_span){.src = NULL});
	w->n = sg_ext_dim(w->sp, 0);
	w->m = sg_ext_dim(w->sp, 1);
	w->k = sg_ext_dim(w->sp, 2);
	w->b = (sg_build){.ctx = w->ctx, .sp = w->sp, .g = sg_graph_new(w->sp)};
	w->random = 12345;
	w->body(w);
}

/* body(world) on a fresh world; fails the test if something is raised. */
static inline void
in_world(void (*body)(world *))
{
	world w = {.ctx = sg_ctx_new(), .body = body};
	sg_fault f = sg_protect(w.ctx, enter, &w);

	ck_assert_msg(f == SG_FAULT_NONE, "%s", sg_fault_text(w.ctx));
	sg_ctx_free(w.ctx);
}

#define IN_WORLD(NAME, BODY)                                                                       \
	START_TEST(NAME)                                                                           \
		{                                                                                  \
			in_world(BODY);                                                            \
		}                                                                                  \
	END_TEST

/* ---- shapes and inputs ---- */

#define SHAPE(w, ...)                                                                              \
	sg_shape_make((w)->sp, sizeof(sg_ext[]){__VA_ARGS__} / sizeof(sg_ext),                     \
	              (sg_ext[]){__VA_ARGS__})

static inline sg_ext
num(world *w, int64_t v)
{
	return sg_ext_int(w->sp, v);
}

static inline sg_ref
input_of(world *w, sg_type t, const sg_shape *s)
{
	sg_ref r = sg_input_node(&w->b, t, s, w->ninputs);

	ck_assert(w->ninputs < MAX_INPUTS);
	w->input[w->ninputs++] = r;
	return r;
}

static inline sg_ref
real_of(world *w, const sg_shape *s)
{
	return input_of(w, SG_F64, s);
}

/* In (lo, hi). */
static inline double
uniform(world *w, double lo, double hi)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return lo + (hi - lo) * ((double)(w->random >> 33) + 0.5) / 2147483648.0;
}

static inline sg_tensor
tensor_for(world *w, const sg_graph *g, sg_ref r)
{
	sg_tensor t = {.type = SG_F64};

	CLAIM(sg_tensor_shape(g, r, w->dims, &t) == SGRT_OK, "a shape fails");
	t.data = sg_alloc(w->ctx, (size_t)(t.count + 1) * sg_type_size(t.type));
	return t;
}

/* Matrices, where the last two extents are the same, become nearly the unit matrix: regular, and even
 * definite where the lower triangle stands for a symmetric matrix. */
static inline void
make_regular(world *w, uint32_t i)
{
	const sg_shape *s = sg_at(&w->b, w->input[i]).shape;
	sg_tensor *t = &w->value[i];

	if (s->rank < 3 || s->ext[s->rank - 1] != s->ext[s->rank - 2] || t->type != SG_F64)
		return;
	const int64_t n = t->ext[s->rank - 1];
	for (int64_t k = 0; k < t->count; k++)
		set(t, k, get(t, k) / 8 + (k / n % n == k % n));
}

/* Values for all inputs: floats in (-2, 2), integers 0 or 1, bool either. */
static inline void
randomise(world *w)
{
	for (uint32_t i = 0; i < w->ninputs; i++) {
		w->value[i] = tensor_for(w, w->b.g, w->input[i]);
		for (int64_t k = 0; k < w->value[i].count; k++)
			set(&w->value[i], k,
			    sg_type_is_float(w->value[i].type) ? uniform(w, -2, 2)
			                                       : (double)(uniform(w, -1, 1) > 0));
		make_regular(w, i);
	}
}

static inline void
set_dims(world *w, int64_t n, int64_t m, int64_t k)
{
	w->dims[0] = n;
	w->dims[1] = m;
	w->dims[2] = k;
}

/* ---- values ---- */

/* Value of root in graph g for the inputs' values. */
static inline sg_tensor
value_in(world *w, const sg_graph *g, sg_ref root)
{
	const bool *live = sg_graph_live(g, 1, &root);
	sg_tensor *val = calloc(g->n, sizeof *val), result;
	const sg_tensor *arg[64];

	ck_assert_ptr_nonnull(val);
	for (sg_ref r = 1; r <= root; r++) {
		const sg_node *n = sg_node_at(g, r);

		if (!live[r])
			continue;
		if (n->op == SG_INPUT) {
			val[r] = w->value[n->attr->w[0]];
			continue;
		}
		CLAIM(n->nargs <= 64, "too many operands");
		for (uint32_t k = 0; k < n->nargs; k++)
			arg[k] = &val[n->args[k]];
		val[r] = tensor_for(w, g, r);
		CLAIM(sg_eval_node(w->ctx, g, r, w->dims, arg, &val[r]) == SGRT_OK, "%s fails",
		      sg_op_name(n->op));
	}
	result = val[root];
	free(val);
	return result;
}

static inline sg_tensor
value_of(world *w, sg_ref root)
{
	return value_in(w, w->b.g, root);
}

/* sum x*y, 0 where a node is missing. */
static inline double
dot_of(world *w, sg_ref x, sg_ref y)
{
	double sum = 0;

	if (!x || !y)
		return 0;
	const sg_tensor a = value_of(w, x), c = value_of(w, y);
	ck_assert_int_eq(a.count, c.count);
	for (int64_t i = 0; i < a.count; i++)
		sum += get(&a, i) * get(&c, i);
	return sum;
}

static inline bool
near(double x, double y, double tolerance)
{
	return x == y || (isnan(x) && isnan(y)) ||
	       fabs(x - y) <= tolerance * (1 + fmax(fabs(x), fabs(y)));
}

static inline void
same_values(const char *what, const sg_tensor *x, const sg_tensor *y, double tolerance)
{
	ck_assert_msg(x->count == y->count, "%s: %d elements, not %d", what, (int)x->count,
	              (int)y->count);
	for (int64_t i = 0; i < x->count; i++)
		CLAIM(near(get(x, i), get(y, i), tolerance), "%s: element %d is %.17g, not %.17g",
		      what, (int)i, get(x, i), get(y, i));
}

/* ---- a node of every structured op, over inputs ---- */

enum { CASES = 40 };

typedef struct op_case {
	const char *name;
	sg_ref r;
	bool fails_empty; /* no value when an extent is 0 */
} op_case;

static inline sg_ref
sliced(world *w, bool pad)
{
	/* rows 1, 3, 5, ... and columns backwards, of [2N + 1, M] */
	const sg_shape *small = SHAPE(w, w->n, w->m);
	const sg_shape *big =
	    SHAPE(w, sg_ext_add(w->sp, sg_ext_mul(w->sp, num(w, 2), w->n), num(w, 1)), w->m);
	sg_ext start[2] = {num(w, 1), sg_ext_sub(w->sp, w->m, num(w, 1))};
	sg_ext step[2] = {num(w, 2), num(w, -1)};

	return pad ? sg_pad(&w->b, real_of(w, small), big, start, step)
	           : sg_slice(&w->b, real_of(w, big), small, start, step);
}

static inline sg_ref
contracted(world *w, int which)
{
	static const int64_t ij[] = {0, 1}, jk[] = {1, 2}, ik[] = {0, 2}, bij[] = {3, 0, 1},
			     bjk[] = {3, 1, 2}, bik[] = {3, 0, 2}, i[] = {0}, j[] = {1},
			     ji[] = {1, 0};
	sg_build *b = &w->b;
	sg_ref x, y;

	if (which == 1) {
		x = real_of(w, SHAPE(w, w->k, w->n, w->m));
		y = real_of(w, SHAPE(w, w->k, w->m, w->n));
		return sg_contract(b, x, bij, y, bjk, 3, bik);
	}
	x = real_of(w, SHAPE(w, w->n, w->m));
	switch (which) {
	case 0:
		return sg_contract(b, x, ij, real_of(w, SHAPE(w, w->m, w->k)), jk, 2, ik);
	case 2:
		return sg_contract(b, x, ij, real_of(w, SHAPE(w, w->m)), j, 1, i);
	case 3:
		return sg_contract(b, x, ij, real_of(w, SHAPE(w, w->m, w->n)), ji, 0, NULL);
	default: /* the diagonal blocks: label i shared and kept */
		return sg_contract(b, x, ij, real_of(w, SHAPE(w, w->n, w->m)), ij, 1, i);
	}
}

static inline sg_ref
gathered(world *w, int which)
{
	const sg_ext two = num(w, 2);
	sg_build *b = &w->b;

	switch (which) {
	case 0:
		return sg_gather(b, real_of(w, SHAPE(w, w->n, two, w->k)),
		                 input_of(w, SG_I64, SHAPE(w, w->m, w->n)), 1, 0);
	case 1:
		return sg_gather(b, real_of(w, SHAPE(w, w->n, two, w->k)),
		                 input_of(w, SG_I64, SHAPE(w, w->n, w->m)), 1, 1);
	case 2:
		return sg_gather(b, real_of(w, SHAPE(w, two, w->k)),
		                 input_of(w, SG_I64, SHAPE(w, w->m)), 0, 0);
	case 3: {
		sg_ref idx = input_of(w, SG_I64, SHAPE(w, w->m, w->n));

		return sg_scatter(b, SHAPE(w, w->n, two, w->k), idx,
		                  real_of(w, SHAPE(w, w->n, w->m, w->n, w->k)), 1, 0);
	}
	default: {
		sg_ref idx = input_of(w, SG_I64, SHAPE(w, w->n, w->m));

		return sg_scatter(b, SHAPE(w, w->n, two, w->k), idx,
		                  real_of(w, SHAPE(w, w->n, w->m, w->k)), 1, 1);
	}
	}
}

/* Windows of K elements, M of them; the last one ends before the axis does. */
static inline sg_ref
windowed(world *w, int which)
{
	const sg_ext one = num(w, 1), apart = num(w, which == 0 ? 1 : 3);
	const sg_ext reach = sg_ext_mul(w->sp, apart, w->k), steps = sg_ext_add(w->sp, w->m, w->m);
	const sg_ext n = sg_ext_add(w->sp, sg_ext_add(w->sp, steps, reach), one);
	const sg_windowing by = {1, which == 0, num(w, 2), apart};

	if (which < 2)
		return sg_window(&w->b, real_of(w, SHAPE(w, w->n, n)), by, w->m, w->k);
	return sg_unwindow(&w->b, real_of(w, SHAPE(w, w->k, w->n, w->m)), SHAPE(w, w->n, n), by);
}

static inline sg_ref
moved(world *w, int which)
{
	static const int64_t perm[] = {2, 0, 1}, axis[] = {0, 2};
	const sg_shape *nm = SHAPE(w, w->n, w->m), *nmk = SHAPE(w, w->n, w->m, w->k);
	sg_build *b = &w->b;
	sg_ref x[3];

	switch (which) {
	case 0:
		return sg_reshape(b, real_of(w, nm), SHAPE(w, sg_ext_mul(w->sp, w->n, w->m)));
	case 1:
		return sg_transpose(b, real_of(w, nmk), perm);
	case 2:
		return sg_broadcast(b, real_of(w, SHAPE(w, w->n, w->k)), nmk, axis);
	case 3:
		return sg_broadcast(b, real_of(w, sg_shape_scalar(w->sp)), nm, NULL);
	case 4:
		return sliced(w, false);
	case 5:
		return sliced(w, true);
	default:
		x[0] = real_of(w, nm);
		x[1] = real_of(w, SHAPE(w, w->n, w->k));
		x[2] = real_of(w, nm);
		return sg_concat(b, 3, x, 1);
	}
}

/* Linear algebra of a [M,N,N]. */
static inline sg_ref
algebra(world *w, int which)
{
	sg_build *b = &w->b;
	sg_ref a = real_of(w, SHAPE(w, w->m, w->n, w->n));

	switch (which) {
	case 0:
	case 1:
		return sg_solve(b, a, which == 1, real_of(w, SHAPE(w, w->m, w->n, w->k)));
	case 2:
	case 3:
		return sg_det(b, which == 2 ? SG_DET : SG_LOGDET, a);
	case 4:
		return sg_cholesky(b, a);
	case 9:
		a = sg_ew2(b, SG_ADD, a, sg_matrix_t(b, a));
		return sg_cholesky(
		    b, sg_ew2(b, SG_MUL, sg_const(b, SG_F64, sg_shape_of(b, a), 0.5), a));
	case 10:
		return sg_cholesky_adjoint(b, a, real_of(w, SHAPE(w, w->m, w->n, w->n)));
	default:
		return sg_solve_triangular(b, a, which & 1, which & 2,
		                           real_of(w, SHAPE(w, w->m, w->n, w->k)));
	}
}

/* CHOLESKY stands for a symmetric matrix but reads one triangle: only where its operand is symmetric
 * do its derivatives agree with differences. */
static inline bool
has_slopes(const world *w, sg_ref r)
{
	return sg_at(&w->b, r).op != SG_CHOLESKY ||
	       sg_at(&w->b, sg_arg(w->b.g, r, 0)).op != SG_INPUT;
}

/* Case i, or r = 0 behind the last. */
static inline op_case
make_case(world *w, int i)
{
	sg_build *b = &w->b;
	const sg_shape *nm = SHAPE(w, w->n, w->m), *nmk = SHAPE(w, w->n, w->m, w->k);
	sg_ref x;

	w->ninputs = 0;
	switch (i) {
	case 0:
		return (op_case){"reshape", moved(w, 0), false};
	case 1:
		return (op_case){"transpose", moved(w, 1), false};
	case 2:
		return (op_case){"broadcast", moved(w, 2), false};
	case 3:
		return (op_case){"broadcast scalar", moved(w, 3), false};
	case 4:
		return (op_case){"slice", moved(w, 4), false};
	case 5:
		return (op_case){"pad", moved(w, 5), false};
	case 6:
		return (op_case){"concat", moved(w, 6), false};
	case 7:
		return (op_case){"sum", sg_reduce(b, SG_SUM, real_of(w, nmk), 5), false};
	case 8:
		return (op_case){"sum all", sg_reduce(b, SG_SUM, real_of(w, nm), 3), false};
	case 9:
		return (op_case){"prod", sg_reduce(b, SG_PROD, real_of(w, nmk), 5), false};
	case 10:
		return (op_case){"prod last", sg_reduce(b, SG_PROD, real_of(w, nm), 2), false};
	case 11:
		return (op_case){"max", sg_reduce(b, SG_AMAX, real_of(w, nmk), 5), true};
	case 12:
		return (op_case){"min", sg_reduce(b, SG_AMIN, real_of(w, nm), 3), true};
	case 13:
		return (op_case){"cumsum", sg_cumsum(b, real_of(w, nm)), false};
	case 14:
		x = real_of(w, nm);
		return (op_case){"linrec", sg_linrec(b, x, real_of(w, nm)), false};
	case 15:
		return (op_case){"matmul", contracted(w, 0), false};
	case 16:
		return (op_case){"batched matmul", contracted(w, 1), false};
	case 17:
		return (op_case){"matrix vector", contracted(w, 2), false};
	case 18:
		return (op_case){"trace of product", contracted(w, 3), false};
	case 19:
		return (op_case){"rows' products", contracted(w, 4), false};
	case 20:
		return (op_case){"gather", gathered(w, 0), false};
	case 21:
		return (op_case){"gather with shared axis", gathered(w, 1), false};
	case 22:
		return (op_case){"gather along the first axis", gathered(w, 2), false};
	case 23:
		return (op_case){"scatter", gathered(w, 3), false};
	case 24:
		return (op_case){"scatter with shared axis", gathered(w, 4), false};
	case 25:
		return (op_case){"softmax", sg_row_op(b, SG_SOFTMAX, real_of(w, nm)), true};
	case 26:
		return (op_case){"log_softmax", sg_row_op(b, SG_LOG_SOFTMAX, real_of(w, nm)), true};
	case 27:
		return (op_case){"logsumexp", sg_row_op(b, SG_LOGSUMEXP, real_of(w, nm)), true};
	case 28:
		return (op_case){"norm", sg_row_op(b, SG_NORM, real_of(w, nm)), false};
	case 29:
		return (op_case){"cast", sg_cast(b, input_of(w, SG_F32, nm), SG_F64), false};
	case 30:
		return (op_case){"bind", sg_bind(b, real_of(w, nm), 1), false};
	case 31:
		return (op_case){"window", windowed(w, 0), false};
	case 32:
		return (op_case){"window in front", windowed(w, 1), false};
	case 33:
		return (op_case){"unwindow", windowed(w, 2), false};
	case 34:
		return (op_case){"solve", algebra(w, 0), false};
	case 35:
		return (op_case){"solve transposed", algebra(w, 1), false};
	case 36:
		return (op_case){"det", algebra(w, 2), false};
	case 37:
		return (op_case){"logdet", algebra(w, 3), false};
	case 38:
		return (op_case){"cholesky", algebra(w, 4), false};
	case 39:
		return (op_case){"lower triangle", algebra(w, 5), false};
	case 40:
		return (op_case){"upper triangle transposed", algebra(w, 6), false};
	case 41:
		return (op_case){"lower triangle transposed", algebra(w, 7), false};
	case 42:
		return (op_case){"upper triangle", algebra(w, 8), false};
	case 43:
		return (op_case){"cholesky of a symmetric matrix", algebra(w, 9), false};
	case 44:
		return (op_case){"adjoint of cholesky", algebra(w, 10), false};
	default:
		return (op_case){NULL, 0, false};
	}
}

#endif
