/* cost.c - operations: an addition is 1, a multiply-add of a contraction 2, a transcendental 10;
 * movement and conversion ride on what reads them and are free. */
#include "pass/sweep.h"

/* Operations for each element of the operand (row ops and reductions) or of the result. */
enum {
	COST_REDUCE = 1,
	COST_EXTREMUM = 2, /* a comparison, and one for NaN */
	COST_RECURRENCE = 1,
	COST_SOFTMAX = 17,     /* max, subtract, exp, sum, divide */
	COST_LOG_SOFTMAX = 14, /* max, subtract, exp, sum, subtract */
	COST_LOGSUMEXP = 13,
	COST_NORM = 3,
	COST_RANDOM = 50,
	COST_LOG = 10,
};

static sg_ext
times_size(sg_build *b, int64_t each, const sg_shape *s)
{
	return sg_ext_mul(b->sp, sg_ext_int(b->sp, each), sg_shape_size(b->sp, s));
}

/* 2 for each element of the space of all labels. */
static sg_ext
contraction(sg_build *b, const sg_node *n)
{
	const int64_t *w = n->attr->w, *x = w + 3, *y = x + w[0];
	const sg_shape *sx = sg_shape_of(b, n->args[0]), *sy = sg_shape_of(b, n->args[1]);
	sg_ext cost = times_size(b, 2, sx);

	for (int64_t j = 0; j < w[1]; j++) {
		bool shared = false;

		for (int64_t i = 0; i < w[0]; i++)
			shared = shared || x[i] == y[j];
		if (!shared)
			cost = sg_ext_mul(b->sp, cost, sy->ext[j]);
	}
	return cost;
}

/* 2n^3/3, or n^3/3 of a symmetric matrix; and 2n^2 for the search for pivots and the divisions. */
static sg_ext
factors(sg_build *b, const sg_node *n)
{
	const sg_shape *s = sg_shape_of(b, n->args[0]);
	const sg_ext order = s->ext[s->rank - 1], size = sg_shape_size(b->sp, s);
	const sg_ext adds = sg_ext_mul(b->sp, size, order), two = sg_ext_int(b->sp, 2);
	const sg_ext flops = n->op == SG_LU ? sg_ext_mul(b->sp, two, adds) : adds;

	return sg_ext_add(b->sp, sg_ext_div(b->sp, flops, sg_ext_int(b->sp, 3)),
	                  sg_ext_mul(b->sp, two, size));
}

/* n^2 multiply-adds a right side for two triangles, half of that for one. */
static sg_ext
solution(sg_build *b, const sg_node *n)
{
	const sg_shape *s = sg_shape_of(b, n->args[0]);
	const sg_ext order = s->ext[s->rank - 1];
	const sg_ext triangles = sg_ext_int(b->sp, n->op == SG_LUSOLVE ? 2 : 1);

	return sg_ext_mul(b->sp, sg_ext_mul(b->sp, triangles, order), sg_shape_size(b->sp, n->shape));
}

static sg_ext
determinant(sg_build *b, const sg_node *n)
{
	const sg_shape *s = sg_shape_of(b, n->args[0]);
	const sg_ext each = sg_ext_int(b->sp, n->op == SG_LOGDET ? COST_LOG + 1 : 1);

	return sg_ext_mul(b->sp, sg_ext_mul(b->sp, each, s->ext[s->rank - 1]),
	                  sg_shape_size(b->sp, n->shape));
}

static int64_t
each_element(sg_op op)
{
	switch (op) {
	case SG_SOFTMAX:
		return COST_SOFTMAX;
	case SG_LOG_SOFTMAX:
		return COST_LOG_SOFTMAX;
	case SG_LOGSUMEXP:
		return COST_LOGSUMEXP;
	case SG_NORM:
		return COST_NORM;
	case SG_LINREC:
		return COST_RECURRENCE;
	case SG_AMAX:
	case SG_AMIN:
		return COST_EXTREMUM;
	default:
		return COST_REDUCE;
	}
}

/* The steps of a loop; as many as there can be where the number is no extent, 1 where nothing is known. */
static sg_ext
steps_of(sg_build *b, const sg_loop *l)
{
	const sg_node n = l->op == SG_SCAN ? sg_at(b, l->count) : (sg_node){0};

	if (n.op == SG_DIM)
		return (sg_ext)n.attr->w[0];
	if (n.op == SG_CONST)
		return sg_ext_int(b->sp, n.attr->w[0]);
	return l->op == SG_SCAN || l->limited ? l->length : sg_ext_int(b->sp, 1);
}

static sg_ext
loop_cost(sg_build *b, sg_ref r)
{
	const sg_loop l = sg_loop_of(b->g, r);
	sg_ext sum = sg_ext_int(b->sp, 0);
	sg_ref *body;
	size_t n;

	sg_loop_members(b->ctx, b->g, r, &n, &body);
	for (size_t i = 0; i < n; i++)
		sum = sg_ext_add(b->sp, sum, sg_node_cost(b, body[i]));
	return sg_ext_mul(b->sp, sum, steps_of(b, &l));
}

sg_ext
sg_node_cost(sg_build *b, sg_ref r)
{
	const sg_node n = sg_at(b, r);

	if (sg_is_ew(n.op))
		return times_size(b, sg_ops[n.op].cost, n.shape);
	switch ((sg_op)n.op) {
	case SG_SCAN:
	case SG_WHILE:
		return loop_cost(b, r);
	case SG_SUM:
	case SG_PROD:
	case SG_AMAX:
	case SG_AMIN:
	case SG_ANY:
	case SG_ALL:
	case SG_ARGMAX:
	case SG_ARGMIN:
	case SG_CUMSUM:
	case SG_LINREC:
	case SG_SOFTMAX:
	case SG_LOG_SOFTMAX:
	case SG_LOGSUMEXP:
	case SG_NORM:
		return times_size(b, each_element((sg_op)n.op), sg_shape_of(b, n.args[0]));
	case SG_UNWINDOW:
		return times_size(b, COST_REDUCE, sg_shape_of(b, n.args[0]));
	case SG_SCATTER:
		return times_size(b, COST_REDUCE, sg_shape_of(b, n.args[1]));
	case SG_CONTRACT:
		return contraction(b, &n);
	case SG_LU:
	case SG_CHOLESKY:
		return factors(b, &n);
	case SG_CHOLBACK: /* two products where the factorisation has one */
		return sg_ext_add(b->sp, factors(b, &n), factors(b, &n));
	case SG_LUSOLVE:
	case SG_TRISOLVE:
		return solution(b, &n);
	case SG_DET:
	case SG_LOGDET:
		return determinant(b, &n);
	case SG_RAND:
	case SG_RANDN:
		return times_size(b, COST_RANDOM, n.shape);
	default:
		return sg_ext_int(b->sp, 0);
	}
}

/* Which nodes depend on data: what is built of element numbers and constants alone counts as indexing. */
static const bool *
varying_nodes(sg_ctx *ctx, const sg_graph *g)
{
	bool *varies = SG_NEW_ARRAY(ctx, bool, g->n);

	for (sg_ref r = 1; r < g->n; r++) {
		const sg_node *n = sg_node_at(g, r);

		varies[r] = n->op == SG_INPUT || n->op == SG_SEED || n->op == SG_RAND || n->op == SG_RANDN;
		for (uint32_t k = 0; k < n->nargs; k++)
			varies[r] = varies[r] || varies[n->args[k]];
	}
	return varies;
}

/* A sum of many summands: they are put together in pairs, as a sum of many dimensions is long. */
typedef struct sum {
	sg_space *sp;
	sg_ext part[64]; /* part[k]: of 2^k summands, if bit k of n is set */
	uint64_t n;
} sum;

static void
sum_add(sum *s, sg_ext x)
{
	int k = 0;

	for (uint64_t bit = s->n; bit & 1; bit >>= 1)
		x = sg_ext_add(s->sp, s->part[k++], x);
	s->part[k] = x;
	s->n++;
}

static sg_ext
sum_end(const sum *s)
{
	sg_ext all = sg_ext_int(s->sp, 0);

	for (int k = 0; k < 64; k++)
		if (s->n >> k & 1)
			all = sg_ext_add(s->sp, all, s->part[k]);
	return all;
}

sg_ext
sg_entry_cost(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e)
{
	sg_build b = {.ctx = ctx, .sp = p->sp};
	sum s = {.sp = p->sp};
	sg_ref *root = SG_NEW_ARRAY(ctx, sg_ref, e->nout);
	const bool *varies;
	bool *live;

	for (size_t i = 0; i < e->nout; i++)
		root[i] = e->out[i].ref;
	b.g = sg_graph_part(p->g, e->nout, root);
	varies = varying_nodes(ctx, b.g);
	live = SG_NEW_ARRAY(ctx, bool, b.g->n);
	for (size_t i = 0; i < e->nout; i++)
		live[root[i]] = true;
	for (sg_ref r = b.g->n; r-- > 1;) { /* bodies count with their loops */
		const sg_node *n = sg_node_at(b.g, r);

		if (!live[r])
			continue;
		for (uint32_t k = 0; k < sg_data_args(n); k++)
			live[n->args[k]] = true;
		if (varies[r])
			sum_add(&s, sg_node_cost(&b, r));
	}
	return sum_end(&s);
}
