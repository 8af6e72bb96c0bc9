/* sparse.c - sparse_jacobian, sparse_hessian, sparse_pattern.
 *
 * The places of the entries that can't be proved zero are found at compile time. Columns that share no
 * row are swept together (Curtis, Powell, Reid 1974), or rows that share no column, whichever takes fewer
 * sweeps; the entries are then read from the compressed result by constant indices. */
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

/* The pattern with rows and columns swapped. */
static sg_pattern
transposed(sg_ctx *ctx, const sg_pattern *p)
{
	const int64_t nnz = p->rowptr[p->rows];
	sg_pattern t = {.rows = p->cols, .cols = p->rows};
	int64_t *fill;

	t.rowptr = SG_NEW_ARRAY(ctx, int64_t, p->cols + 2);
	t.col = SG_NEW_ARRAY(ctx, int64_t, nnz + 1);
	for (int64_t k = 0; k < nnz; k++)
		t.rowptr[p->col[k] + 1]++;
	for (int64_t c = 0; c < p->cols; c++)
		t.rowptr[c + 1] += t.rowptr[c];
	fill = sg_copy(ctx, t.rowptr, ((size_t)p->cols + 1) * sizeof *fill);
	for (int64_t i = 0; i < p->rows; i++)
		for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++)
			t.col[fill[p->col[k]]++] = i;
	return t;
}

/* [ncolours, shape of like]: 1 where element i of `like`, which is number first + i, has the colour. */
static sg_ref
seeds(elab *e, sg_ref like, int64_t first, int64_t ncolours, const int64_t *colour)
{
	const sg_shape *s = sg_shape_of(e->b, like);
	sg_ext ext[SG_MAX_RANK + 1] = {sg_ext_int(e->sp, ncolours)};
	int64_t n = 0, *w;

	sg_ext_const(e->sp, sg_shape_size(e->sp, s), &n);
	w = SG_NEW_ARRAY(e->ctx, int64_t, sg_mul_size(e->ctx, n, ncolours) + 1);
	for (int64_t i = 0; i < n; i++)
		w[colour[first + i] * n + i] = sg_double_bits(1);
	memcpy(ext + 1, s->ext, s->rank * sizeof *ext);
	return sg_data(e->b, sg_type_of(e->b, like), sg_shape_make(e->sp, s->rank + 1, ext), w);
}

static int64_t
size_of(elab *e, sg_ref r)
{
	int64_t n = 0;

	sg_ext_const(e->sp, sg_shape_size(e->sp, sg_shape_of(e->b, r)), &n);
	return n;
}

static sg_ref
flat(elab *e, sg_ref r, int64_t lead)
{
	const int64_t n = size_of(e, r);
	const sg_ext ext[2] = {sg_ext_int(e->sp, lead), sg_ext_int(e->sp, lead ? n / lead : 0)};

	return sg_reshape(e->b, r, sg_shape_make(e->sp, 2, ext));
}

static sg_ref
placeholder(elab *e, sg_ref like)
{
	return sg_seed(e->b, sg_type_of(e->b, like), sg_shape_of(e->b, like), ++e->binds);
}

/* [ncolours, rows]: sums of columns of one colour. */
static sg_ref
by_columns(sparse *q, int64_t ncolours, const int64_t *colour)
{
	elab *e = q->e;
	sg_ref *xs = SG_NEW_ARRAY(e->ctx, sg_ref, q->nx), *slice = SG_NEW_ARRAY(e->ctx, sg_ref, q->nx);
	sg_ref sum = 0;
	int64_t first = 0;

	for (size_t k = 0; k < q->nx; k++) {
		xs[k] = seeds(e, q->x[k], first, ncolours, colour);
		slice[k] = placeholder(e, q->x[k]);
		first += size_of(e, q->x[k]);
		sg_ref t = sg_deriv(e->b, SG_JVP, SG_MODE_AUTO, q->y, q->x[k], slice[k]);
		sum = sum ? sg_ew2(e->b, SG_ADD, sum, t) : t;
	}
	return flat(e, sg_map_node(e->b, (uint32_t)q->nx, xs, slice, sum), ncolours);
}

/* [ncolours, cols]: sums of rows of one colour. */
static sg_ref
by_rows(sparse *q, int64_t ncolours, const int64_t *colour)
{
	elab *e = q->e;
	const sg_ref us = seeds(e, q->y, 0, ncolours, colour), u = placeholder(e, q->y);
	sg_ref *part = SG_NEW_ARRAY(e->ctx, sg_ref, q->nx);

	for (size_t k = 0; k < q->nx; k++) {
		sg_ref g = sg_deriv(e->b, SG_VJP, SG_MODE_AUTO, q->y, q->x[k], u);

		g = sg_cast(e->b, g, sg_type_of(e->b, q->y));
		part[k] = flat(e, sg_map_node(e->b, 1, &us, &u, g), ncolours);
	}
	return sg_concat(e->b, (uint32_t)q->nx, part, 1);
}

static value
entries(sparse *q)
{
	elab *e = q->e;
	const sg_pattern *p = &q->p, t = transposed(e->ctx, p);
	const int64_t nnz = p->rowptr[p->rows];
	int64_t *col_colour = SG_NEW_ARRAY(e->ctx, int64_t, p->cols + 1);
	int64_t *row_colour = SG_NEW_ARRAY(e->ctx, int64_t, p->rows + 1);
	int64_t *index = SG_NEW_ARRAY(e->ctx, int64_t, nnz + 1);
	const sg_ext none = sg_ext_int(e->sp, 0);

	if (!nnz)
		return v_tensor(sg_const(e->b, sg_type_of(e->b, q->y), sg_shape_make(e->sp, 1, &none), 0));
	const int64_t nc = e->o->colours(e->ctx, p, col_colour), nr = e->o->colours(e->ctx, &t, row_colour);
	const bool columns = nc <= nr;
	for (int64_t i = 0; i < p->rows; i++)
		for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++)
			index[k] = columns ? col_colour[p->col[k]] * p->rows + i
			                   : row_colour[i] * p->cols + p->col[k];
	sg_ref packed = columns ? by_columns(q, nc, col_colour) : by_rows(q, nr, row_colour);
	const sg_ext size = sg_ext_int(e->sp, size_of(e, packed));
	packed = sg_reshape(e->b, packed, sg_shape_make(e->sp, 1, &size));
	const sg_ref r = sg_gather(e->b, packed, integers(e, nnz, index), 0, 0);
	*sg_bytes_map_at(e->patterns, &r, sizeof r) = sg_copy(e->ctx, p, sizeof *p);
	return v_tensor(r);
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
