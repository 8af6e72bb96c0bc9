/* sparse.c - sparse_jacobian, sparse_hessian, sparse_pattern.
 *
 * The places of the entries that can't be proved zero are found at compile time; the entries are
 * computed by as few sweeps as colouring finds (sg_sparse_entries). */
#include "front/elab.h"

#include <string.h>

typedef struct sparse {
	elab *e;
	sg_span at;
	sg_ref y, *x;
	size_t nx;
	sg_pattern p;
} sparse;

static void
flatten(sparse *q, value v, size_t *cap)
{
	if (v.kind != V_TUPLE) {
		SG_PUSH(q->e->ctx, q->x, q->nx, *cap, v.ref);
		return;
	}
	for (size_t k = 0; k < v.n; k++)
		flatten(q, v.item[k], cap);
}

static value
refuse(sparse *q, const char *why)
{
	sg_diag *d = elab_error(q->e, q->at, "sparse", "no sparse derivative: %s", why);

	sg_add_hint(q->e->ctx, d, "extents are fixed and indices constant here; else map the blocks: "
	                          "map((x) -> jacobian(f(x), x), xs)");
	return POISON;
}

static sg_ref
integers(elab *e, int64_t n, const int64_t *v)
{
	const sg_ext ext = sg_ext_int(e->sp, n);

	return sg_data(e->b, SG_I64, sg_shape_make(e->sp, 1, &ext), v);
}

static value
entries(sparse *q)
{
	elab *e = q->e;
	const sg_ref r = sg_sparse_entries(e->b, q->y, q->nx, q->x, &q->p, e->o->colours);

	if (q->p.rowptr[q->p.rows])
		*sg_bytes_map_at(e->patterns, &r, sizeof r) = sg_copy(e->ctx, &q->p, sizeof q->p);
	return v_tensor(r);
}

/* ---- rows of the loops around it ---- */

/* Marks what a derivative of r comes to, down to node lo. */
static void
reach(elab *e, sg_ref r, sg_ref lo, uint32_t *mark, uint32_t now)
{
	sg_ref *todo = NULL;
	size_t n = 0, cap = 0;

	SG_PUSH(e->ctx, todo, n, cap, r);
	for (size_t at = 0; at < n; at++) {
		const sg_node node = *sg_node_at(e->b->g, todo[at]);

		mark[todo[at]] = now;
		for (uint32_t k = 0; k < node.nargs && node.op != SG_STOP; k++)
			if (node.args[k] >= lo && mark[node.args[k]] < now) {
				mark[node.args[k]] = now;
				SG_PUSH(e->ctx, todo, n, cap, node.args[k]);
			}
	}
}

/* Does y read a row of a loop around it that was computed from x? The pattern takes rows as constants. */
static bool
is_through_row(elab *e, sg_ref y, sg_ref x)
{
	uint32_t now, *mark;

	if (!e->rows)
		return false;
	mark = sg_graph_mark(e->b->g, &now);
	reach(e, y, x + 1, mark, now);
	for (const open_row *o = e->rows; o; o = o->up) /* outer ones come after what has rows of them */
		if (o->row > x && mark[o->row] >= now)
			reach(e, o->xs, x, mark, now + 1);
	return mark[x] == now + 1;
}

static bool
operands(sparse *q, scope *s, const sg_ast *x, const builtin *b)
{
	elab *e = q->e;
	size_t cap = 0;
	value y, v;

	for (size_t k = 1; k < x->nkids; k++)
		if (x->argname && x->argname[k])
			return elab_error(e, x->argname_at[k], "argument", "'%s' has no parameter '%s'", b->name,
			                  x->argname[k]), false;
	if (x->nkids < 3 || (b->op == SPARSE_HESSIAN && x->nkids != 4 - 1))
		return elab_error(e, x->at, "arity", "'%s' takes y and %s", b->name,
		                  b->op == SPARSE_HESSIAN ? "one x" : "one x or more"), false;
	y = eval(e, s, x->kid[1]);
	if (y.kind == V_POISON || !(q->y = to_tensor(e, y, v_is_number(y) ? (int)e->real : -1, x->kid[1]->at)))
		return false;
	if (!sg_type_is_float(sg_type_of(e->b, q->y)))
		return elab_error(e, x->kid[1]->at, "not-differentiable", "no derivative of %s: it is no float",
		                  v_describe(e, y)), false;
	for (size_t k = 2; k < x->nkids; k++) {
		if (!derivative_target(e, s, x->kid[k], &v))
			return false;
		flatten(q, v, &cap);
	}
	if (b->op != SPARSE_HESSIAN)
		return true;
	if (sg_shape_of(e->b, q->y)->rank || q->nx != 1)
		return elab_error(e, x->kid[1]->at, "not-scalar", "'%s' needs a scalar, not %s", b->name,
		                  v_describe(e, y)), false;
	q->y = sg_deriv(e->b, SG_GRAD, SG_MODE_AUTO, q->y, q->x[0], 0);
	return true;
}

value
eval_sparse(elab *e, scope *s, const sg_ast *x, const builtin *b)
{
	sparse q = {.e = e, .at = x->at};
	const char *why;
	int64_t n;

	if (x->at.src != e->prelude_src) {
		e->user_at = x->at;
		e->b->g->here = x->at;
	}
	if (!operands(&q, s, x, b))
		return POISON;
	for (size_t k = 0; k <= q.nx; k++) {
		const sg_shape *shape = sg_shape_of(e->b, k < q.nx ? q.x[k] : q.y);

		if (!sg_ext_const(e->sp, sg_shape_size(e->sp, shape), &n))
			return refuse(&q, sg_text(e->ctx, "%s has extents that are not fixed",
			                          sg_shape_text(e->sp, shape)));
	}
	for (size_t k = 0; k < q.nx; k++)
		if (is_through_row(e, q.y, q.x[k]))
			return refuse(&q, "y goes through a row of the loop around it, which depends on x");
	if (!e->o->pattern)
		return refuse(&q, "this host has no pattern analysis");
	if ((why = e->o->pattern(e->b, q.y, q.nx, q.x, &q.p)))
		return refuse(&q, why);
	if (b->op == SPARSE_PATTERN) {
		const value both[2] = {v_tensor(integers(e, q.p.rows + 1, q.p.rowptr)),
		                       v_tensor(integers(e, q.p.rowptr[q.p.rows], q.p.col))};

		return v_tuple(e, 2, both);
	}
	return entries(&q);
}
