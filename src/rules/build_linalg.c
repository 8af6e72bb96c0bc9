/* build_linalg.c - constructors of linear algebra: factors, solutions, determinants.
 *
 * One factorisation serves all: sg_lu(a) is the same node for solve, inverse, determinant and their
 * derivatives, and a transpose of a becomes a flag of the solve. */
#include "rules/build.h"

#include <string.h>

/* ---- matrices: the last two axes ---- */

static void
swap_last(uint32_t rank, int64_t *perm)
{
	for (uint32_t k = 0; k < rank; k++)
		perm[k] = k;
	perm[rank - 2] = rank - 1;
	perm[rank - 1] = rank - 2;
}

sg_ref
sg_matrix_t(sg_build *b, sg_ref x)
{
	int64_t perm[SG_MAX_RANK];

	swap_last(sg_shape_of(b, x)->rank, perm);
	return sg_transpose(b, x, perm);
}

bool
sg_is_matrix_t(const sg_build *b, sg_ref r)
{
	const sg_node n = sg_at(b, r);
	int64_t perm[SG_MAX_RANK];

	if (n.op != SG_TRANSPOSE || n.shape->rank < 2)
		return false;
	swap_last(n.shape->rank, perm);
	return memcmp(n.attr->w, perm, n.shape->rank * sizeof *perm) == 0;
}

sg_ref
sg_eye(sg_build *b, sg_type t, const sg_shape *s)
{
	const int64_t row = s->rank - 2, col = s->rank - 1;
	const sg_ref i = sg_iota(b, s->ext[row]), j = sg_iota(b, s->ext[col]);

	const sg_ref column = sg_broadcast(b, j, s, &col);
	return sg_cast(b, sg_ew2(b, SG_EQ, sg_broadcast(b, i, s, &row), column), t);
}

/* Is r the index along axis k, of all axes? */
static bool
is_index(const sg_graph *g, sg_ref r, uint32_t k)
{
	const sg_node *n = sg_node_at(g, r);

	return n->op == SG_BROADCAST && n->attr->w[0] == k &&
	       sg_node_at(g, n->args[0])->op == SG_IOTA;
}

bool
sg_is_eye(const sg_graph *g, sg_ref r)
{
	const sg_node *n = sg_node_at(g, r);
	const uint32_t rank = n->shape->rank;

	if (n->op == SG_BROADCAST && rank > 2) { /* over a batch */
		const uint32_t from = sg_node_at(g, n->args[0])->shape->rank;

		return from >= 2 && n->attr->w[from - 1] == rank - 1 &&
		       n->attr->w[from - 2] == rank - 2 && sg_is_eye(g, n->args[0]);
	}
	if (n->op != SG_CAST || rank < 2 || sg_node_at(g, n->args[0])->op != SG_EQ)
		return false;
	n = sg_node_at(g, n->args[0]);
	return (is_index(g, n->args[0], rank - 2) && is_index(g, n->args[1], rank - 1)) ||
	       (is_index(g, n->args[1], rank - 2) && is_index(g, n->args[0], rank - 1));
}

/* ---- more right sides than matrices ---- */

/* x [more.., of.., n, k] as [of.., n, more * k]: they become columns. */
static sg_ref
columns(sg_build *b, sg_ref x, uint32_t more)
{
	const sg_shape *s = sg_shape_of(b, x);
	const uint32_t rank = s->rank;
	int64_t perm[SG_MAX_RANK];
	sg_ext e[SG_MAX_RANK], all = s->ext[rank - 1];
	uint32_t n = 0;

	for (uint32_t k = more; k + 1 < rank; k++)
		e[n] = s->ext[k], perm[n++] = k;
	e[n] = all;
	for (uint32_t k = 0; k < more; k++) {
		perm[n + k] = k;
		e[n] = sg_ext_mul(b->sp, e[n], s->ext[k]);
	}
	perm[rank - 1] = rank - 1;
	return sg_reshape(b, sg_transpose(b, x, perm), sg_shape_make(b->sp, n + 1, e));
}

/* The way back, to shape s. */
static sg_ref
uncolumns(sg_build *b, sg_ref x, const sg_shape *s, uint32_t more)
{
	const uint32_t rank = s->rank, kept = rank - 1 - more;
	int64_t back[SG_MAX_RANK];
	sg_ext e[SG_MAX_RANK];

	for (uint32_t k = 0; k < kept; k++)
		e[k] = s->ext[more + k], back[more + k] = k;
	for (uint32_t k = 0; k < more; k++)
		e[kept + k] = s->ext[k], back[k] = kept + k;
	e[rank - 1] = s->ext[rank - 1];
	back[rank - 1] = rank - 1;
	return sg_transpose(b, sg_reshape(b, x, sg_shape_make(b->sp, rank, e)), back);
}

/* ---- factors and what is made of them ---- */

sg_ref
sg_lu(sg_build *b, sg_ref a)
{
	const sg_shape *s = sg_shape_of(b, a);
	sg_ext e[SG_MAX_RANK];

	memcpy(e, s->ext, s->rank * sizeof *e);
	e[s->rank - 1] = sg_ext_add(b->sp, e[s->rank - 1], sg_ext_int(b->sp, 1));
	return sg_raw(b, SG_LU, sg_type_of(b, a), sg_shape_make(b->sp, s->rank, e), 1, &a, NULL);
}

sg_ref
sg_lu_solve(sg_build *b, sg_ref a, sg_ref lu, bool trans, sg_ref x)
{
	const sg_shape *s = sg_shape_of(b, x);
	const uint32_t more = s->rank - sg_shape_of(b, a)->rank;
	const int64_t w = trans;
	sg_ref args[3] = {a, lu, more ? columns(b, x, more) : x};
	const sg_ref r = sg_raw(b, SG_LUSOLVE, sg_type_of(b, x), sg_shape_of(b, args[2]), 3, args,
	                        sg_attr_make(b->sp, 1, &w));

	return more ? uncolumns(b, r, s, more) : r;
}

sg_ref
sg_solve(sg_build *b, sg_ref a, bool trans, sg_ref x)
{
	if (sg_is_matrix_t(b, a))
		return sg_solve(b, sg_arg(b->g, a, 0), !trans, x);
	return sg_lu_solve(b, a, sg_lu(b, a), trans, x);
}

sg_ref
sg_det(sg_build *b, sg_op op, sg_ref a)
{
	if (sg_is_matrix_t(b, a))
		return sg_det(b, op, sg_arg(b->g, a, 0));
	return sg_lu_det(b, op, a, sg_lu(b, a));
}

sg_ref
sg_lu_det(sg_build *b, sg_op op, sg_ref a, sg_ref lu)
{
	const sg_shape *s = sg_shape_of(b, a);
	const sg_ref args[2] = {a, lu};

	return sg_raw(b, op, sg_type_of(b, a), sg_shape_make(b->sp, s->rank - 2, s->ext), 2, args,
	              NULL);
}

sg_ref
sg_cholesky(sg_build *b, sg_ref a)
{
	return sg_raw(b, SG_CHOLESKY, sg_type_of(b, a), sg_shape_of(b, a), 1, &a, NULL);
}

sg_ref
sg_cholesky_adjoint(sg_build *b, sg_ref l, sg_ref g)
{
	const sg_ref args[2] = {l, g};

	return sg_raw(b, SG_CHOLBACK, sg_type_of(b, l), sg_shape_of(b, l), 2, args, NULL);
}

sg_ref
sg_solve_triangular(sg_build *b, sg_ref a, bool lower, bool trans, sg_ref x)
{
	if (sg_is_matrix_t(b, a))
		return sg_solve_triangular(b, sg_arg(b->g, a, 0), !lower, !trans, x);
	const sg_shape *s = sg_shape_of(b, x);
	const uint32_t more = s->rank - sg_shape_of(b, a)->rank;
	const int64_t w[2] = {lower, trans};
	sg_ref args[2] = {a, more ? columns(b, x, more) : x};
	const sg_ref r = sg_raw(b, SG_TRISOLVE, sg_type_of(b, x), sg_shape_of(b, args[1]), 2, args,
	                        sg_attr_make(b->sp, 2, w));

	return more ? uncolumns(b, r, s, more) : r;
}

/* ---- products ---- */

/* Is x an inverse, or the transpose of one? */
static bool
is_inverse(const sg_build *b, sg_ref x, sg_node *solve, bool *trans)
{
	const bool turned = sg_is_matrix_t(b, x);

	*solve = sg_at(b, turned ? sg_at(b, x).args[0] : x);
	if (solve->op != SG_LUSOLVE || !sg_is_eye(b->g, solve->args[2]))
		return false;
	*trans = (solve->attr->w[0] != 0) != turned;
	return true;
}

/* Have x and y the same axes before their matrices? */
static bool
same_lead(const sg_build *b, sg_ref x, sg_ref y)
{
	const sg_shape *sx = sg_shape_of(b, x), *sy = sg_shape_of(b, y);

	return sx->rank == sy->rank &&
	       memcmp(sx->ext, sy->ext, (sx->rank - 2) * sizeof *sx->ext) == 0;
}

sg_ref
sg_product_of_inverse(sg_build *b, sg_ref x, sg_ref y)
{
	const bool left = sg_shape_of(b, x)->rank >= 2;
	sg_node s;
	bool trans;

	if (left && is_inverse(b, x, &s, &trans)) {
		if (sg_shape_of(b, y)->rank == 1 && s.shape->rank == 2) {
			y = sg_lu_solve(b, s.args[0], s.args[1], trans, sg_expand(b, y, 1));
			return sg_squeeze(b, y, 1);
		}
		if (sg_shape_of(b, y)->rank >= 2 && (s.shape->rank == 2 || same_lead(b, x, y)))
			return sg_lu_solve(b, s.args[0], s.args[1], trans, y);
	}
	if (sg_shape_of(b, y)->rank < 2 || !is_inverse(b, y, &s, &trans))
		return 0;
	if (!left && s.shape->rank == 2) {
		x = sg_lu_solve(b, s.args[0], s.args[1], !trans, sg_expand(b, x, 1));
		return sg_squeeze(b, x, 1);
	}
	if (left && (s.shape->rank == 2 || same_lead(b, x, y)))
		return sg_matrix_t(b, sg_lu_solve(b, s.args[0], s.args[1], !trans, sg_matrix_t(b, x)));
	return 0;
}
