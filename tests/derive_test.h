/* derive_test.h - for tests of derivatives: a program around a world's graph, derived, and its
 * values. */
#ifndef SG_TESTS_DERIVE_TEST_H
#define SG_TESTS_DERIVE_TEST_H

#include "graph_test.h"
#include "pass/pass.h"

/* ---- a program around the world's graph ---- */

enum { MAX_OUTPUTS = 8 };

typedef struct answer {
	sg_program p;
	sg_input input[MAX_INPUTS];
	sg_output out[MAX_OUTPUTS];
	sg_entry_ir entry;
} answer;

/* The roots as outputs of one entry, derived. Leaves the world's graph alone. */
static inline answer *
derived(world *w, size_t n, const sg_ref *root)
{
	answer *a = SG_NEW(w->ctx, answer);

	a->p = (sg_program){.name = "t",
	                    .sp = w->sp,
	                    .g = w->b.g,
	                    .real = SG_F64,
	                    .input = a->input,
	                    .ninputs = w->ninputs,
	                    .entry = &a->entry,
	                    .nentries = 1};
	a->entry = (sg_entry_ir){.name = "forward", .out = a->out, .nout = n};
	for (uint32_t i = 0; i < w->ninputs; i++) {
		const sg_node x = sg_at(&w->b, w->input[i]);

		a->input[i] = (sg_input){.name = sg_text(w->ctx, "x%d", (int)i),
		                         .type = (sg_type)x.type,
		                         .shape = x.shape,
		                         .ref = w->input[i]};
	}
	for (size_t i = 0; i < n; i++)
		a->out[i] = (sg_output){.name = "o", .ref = root[i]};
	sg_derive(w->ctx, &a->p);
	sg_graph_check(a->p.g);
	for (sg_ref r = 1; r < a->p.g->n; r++) {
		const uint16_t op = sg_node_at(a->p.g, r)->op;

		CLAIM(op != SG_DERIV && op != SG_CUSTOM && op != SG_BIND && op != SG_STOP &&
		          op != SG_SEED,
		      "%s is left", sg_op_name(op));
	}
	return a;
}

static inline sg_tensor
output(world *w, const answer *a, size_t i)
{
	return value_in(w, a->p.g, a->out[i].ref);
}

/* The value of one node after deriving. */
static inline sg_tensor
derived_value(world *w, sg_ref r)
{
	return output(w, derived(w, 1, &r), 0);
}

static inline sg_ref
f1(world *w, sg_op op, sg_ref x)
{
	return sg_ew1(&w->b, op, x);
}

static inline sg_ref
f2(world *w, sg_op op, sg_ref x, sg_ref y)
{
	return sg_ew2(&w->b, op, x, y);
}

static inline sg_ref
where(world *w, sg_ref c, sg_ref x, sg_ref y)
{
	return sg_ew3(&w->b, SG_SELECT, c, x, y);
}

static inline sg_ref
constant(world *w, sg_ref like, double v)
{
	return sg_const(&w->b, sg_type_of(&w->b, like), sg_shape_of(&w->b, like), v);
}

static inline sg_ref
sum_all(world *w, sg_ref x)
{
	return sg_reduce(&w->b, SG_SUM, x, ((uint64_t)1 << sg_shape_of(&w->b, x)->rank) - 1);
}

static inline sg_ref
deriv(world *w, sg_deriv_kind k, sg_ref y, sg_ref x, sg_ref v)
{
	return sg_deriv(&w->b, k, SG_MODE_AUTO, y, x, v);
}

static inline sg_ref
grad(world *w, sg_ref y, sg_ref x)
{
	return deriv(w, SG_GRAD, y, x, 0);
}

static inline const sg_shape *
scalar(world *w)
{
	return sg_shape_scalar(w->sp);
}

/* The inputs' values, element by element. */
static inline void
give(world *w, uint32_t i, int64_t n, const double *v)
{
	w->value[i] = tensor_for(w, w->b.g, w->input[i]);
	ck_assert_int_eq(w->value[i].count, n);
	for (int64_t k = 0; k < n; k++)
		set(&w->value[i], k, v[k]);
}

static inline void
is(world *w, const char *what, sg_ref r, int64_t n, const double *expected)
{
	const sg_tensor got = derived_value(w, r);

	ck_assert_msg(got.count == n, "%s: %d elements", what, (int)got.count);
	for (int64_t i = 0; i < n; i++)
		CLAIM(near(get(&got, i), expected[i], 1e-13), "%s: element %d is %.17g, not %.17g",
		      what, (int)i, get(&got, i), expected[i]);
}

static inline sg_ref
with_mode(world *w, sg_deriv_kind k, sg_deriv_mode m, sg_ref y, sg_ref x)
{
	return sg_deriv(&w->b, k, m, y, x, 0);
}

#endif
