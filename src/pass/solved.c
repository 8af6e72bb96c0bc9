/* solved.c - for emission: what is solved by the factors of matrices of a few rows, as scalars.
 *
 * A call of the runtime for two or three rows is all loops and no work, and it parts what comes
 * before from what follows: all of a batch goes through memory twice. Of such factors each number
 * is a node: rows change places by selects, and the two triangles are written out, in the order in
 * which the runtime goes through them. Columns of the right sides become scalars too where they are
 * few; else rows stay rows. The factorisation is written out too, and its pivots tell if they are 0;
 * that of many matrices in the JIT remains a call, since tiles can't fail. */
#include "pass/solved.h"

#include <math.h>

uint32_t
sg_few(const sg_space *sp, sg_ext e, uint32_t most)
{
	int64_t v;

	return sg_ext_const(sp, e, &v) && v >= 1 && v <= most ? (uint32_t)v : 0;
}

const sg_shape *
sg_matrix_of_few(const sg_graph *g, const sg_node *n)
{
	switch (n->op) {
	case SG_LUSOLVE:
	case SG_DET:
	case SG_LOGDET:
		return sg_node_at(g, n->args[1])->shape;
	case SG_TRISOLVE:
		return sg_node_at(g, n->args[0])->shape;
	case SG_LU:
	case SG_CHOLESKY:
	case SG_CHOLBACK:
		return n->shape;
	default:
		return NULL;
	}
}

static bool
is_wanted(const sg_replacing *w, const sg_node *n)
{
	const sg_shape *s = sg_matrix_of_few(w->old, n);
	const bool fails = n->op == SG_LU || n->op == SG_CHOLESKY || n->op == SG_TRISOLVE;

	return s && !(fails && w->jit && s->rank > 2) &&
	       sg_few(w->b.sp, s->ext[s->rank - 2], MOST_ROWS) > 0;
}

/* Is x, of axes in front and two more, the same matrix along those in front? Then that. */
static sg_ref
same_matrix(const sg_build *b, sg_ref x)
{
	const sg_node *n = sg_node_at(b->g, x);
	const uint32_t last = n->shape->rank - 1;

	if (n->op != SG_BROADCAST || sg_shape_of(b, n->args[0])->rank != 2 ||
	    n->attr->w[0] != last - 1 || n->attr->w[1] != last)
		return x;
	return n->args[0];
}

sg_ref
sg_number_of(sg_build *b, sg_ref x, uint32_t i, uint32_t j)
{
	const sg_shape *s = sg_shape_of(b, x);
	const sg_shape *lead = sg_shape_make(b->sp, s->rank - 2, s->ext);
	const sg_node n = sg_at(b, same_matrix(b, x));
	int64_t columns;

	if (sg_is_eye(b->g, x))
		return sg_const(b, (sg_type)n.type, lead, i == j);
	if (n.op == SG_DATA && n.shape->rank == 2 && sg_ext_const(b->sp, n.shape->ext[1], &columns))
		return sg_const(b, (sg_type)n.type, lead,
		                sg_bits_double(n.attr->w[i * columns + j]));
	/* the row first: stacked rows are told apart by that */
	x = sg_index(b, x, s->rank - 2, sg_ext_int(b->sp, i));
	return sg_index(b, x, s->rank - 2, sg_ext_int(b->sp, j));
}

sg_ref
sg_matrix_of(const factors *f, uint32_t columns)
{
	sg_ref row[MOST_ROWS];

	for (uint32_t i = 0; i < f->n; i++)
		row[i] = sg_stack(f->b, columns, f->at[i], f->lead);
	return sg_stack(f->b, f->n, row, f->lead);
}

sg_ref
sg_spread(const factors *f, sg_ref x)
{
	int64_t axis[SG_MAX_RANK];

	for (uint32_t k = 0; k < f->lead; k++)
		axis[k] = k;
	return f->shape->rank == f->lead ? x : sg_broadcast(f->b, x, f->shape, axis);
}

static void solve_by_lu(const factors *f, sg_ref *x);

static factors
open_lu(sg_build *b, const int64_t *attr, sg_ref lu, const sg_shape *shape)
{
	const sg_shape *s = sg_shape_of(b, lu);
	factors f = {
	    .b = b, .n = sg_few(b->sp, s->ext[s->rank - 2], MOST_ROWS), .lead = s->rank - 2};

	f.shape = shape;
	f.trans = attr && attr[0];
	f.solve = solve_by_lu;
	for (uint32_t i = 0; i < f.n; i++)
		for (uint32_t j = 0; j <= f.n; j++)
			f.at[i][j] = sg_spread(&f, sg_number_of(b, lu, i, j));
	for (uint32_t i = 0; i < f.n; i++) {
		const sg_ref row = f.at[i][f.n], pivot = f.at[i][i];

		for (uint32_t j = i + 1; j < f.n; j++)
			f.moved[i][j] = sg_ew2(b, SG_EQ, row, sg_const_like(b, row, j));
		f.inverse[i] = sg_ew2(b, SG_DIV, sg_const_like(b, pivot, 1), pivot);
	}
	return f;
}

/* ---- the factorisation ---- */

/* The row with the largest number in column k of the rows from k on, the first of several. */
static sg_ref
row_of_pivot(const factors *f, uint32_t k)
{
	sg_build *b = f->b;
	sg_ref top = sg_ew1(b, SG_ABS, f->at[k][k]), row = sg_const_like(b, top, k);

	for (uint32_t i = k + 1; i < f->n; i++) {
		const sg_ref size = sg_ew1(b, SG_ABS, f->at[i][k]),
			     larger = sg_ew2(b, SG_LT, top, size);

		row = sg_ew3(b, SG_SELECT, larger, sg_const_like(b, top, i), row);
		top = sg_ew3(b, SG_SELECT, larger, size, top);
	}
	return row;
}

/* Rows i and k change places where `moved` holds. */
static void
swap_rows(factors *f, sg_ref moved, uint32_t i, uint32_t k)
{
	for (uint32_t j = 0; j < f->n; j++) {
		const sg_ref up = f->at[i][j], down = f->at[k][j];

		f->at[k][j] = sg_ew3(f->b, SG_SELECT, moved, up, down);
		f->at[i][j] = sg_ew3(f->b, SG_SELECT, moved, down, up);
	}
}

/* LU with partial pivoting, as the runtime's: behind the factors of a row the row with which it has
 * changed places (Golub, Van Loan 2013, 3.4). Rows are divided, not multiplied with reciprocals:
 * rows of which one is a multiple of the other are to leave exactly 0. */
static sg_ref
factorised(sg_build *b, sg_ref a)
{
	const sg_shape *s = sg_shape_of(b, a);
	factors f = {
	    .b = b, .n = sg_few(b->sp, s->ext[s->rank - 1], MOST_ROWS), .lead = s->rank - 2};

	for (uint32_t i = 0; i < f.n; i++)
		for (uint32_t j = 0; j < f.n; j++)
			f.at[i][j] = sg_number_of(b, a, i, j);
	for (uint32_t k = 0; k < f.n; k++) {
		const sg_ref from = row_of_pivot(&f, k);

		for (uint32_t i = k + 1; i < f.n; i++)
			swap_rows(&f, sg_ew2(b, SG_EQ, from, sg_const_like(b, from, i)), i, k);
		f.at[k][f.n] = from;
		f.at[k][k] = sg_ew1(b, SG_PIVOT, f.at[k][k]);
		for (uint32_t i = k + 1; i < f.n; i++) {
			f.at[i][k] = sg_ew2(b, SG_DIV, f.at[i][k], f.at[k][k]);
			for (uint32_t j = k + 1; j < f.n; j++) {
				const sg_ref less = sg_ew2(b, SG_MUL, f.at[i][k], f.at[k][j]);

				f.at[i][j] = sg_ew2(b, SG_SUB, f.at[i][j], less);
			}
		}
	}
	return sg_matrix_of(&f, f.n + 1);
}

/* ---- right sides ---- */

/* A zero of a right side stays one: as a tangent's it must, and where a matrix is NaN or infinite
 * what it is divided by says so. */
static bool
is_zero(const factors *f, sg_ref x)
{
	const sg_node *n = sg_node_at(f->b->g, x);

	return n->op == SG_CONST && sg_bits_double(n->attr->w[0]) == 0;
}

/* The rows x[0..n) change places as those of the matrix did in step i. */
static void
swap(const factors *f, uint32_t i, sg_ref *x)
{
	for (uint32_t j = i + 1; j < f->n; j++) {
		const sg_ref up = x[j], down = x[i];

		if (up == down)
			continue;
		x[i] = sg_ew3(f->b, SG_SELECT, f->moved[i][j], up, down);
		x[j] = sg_ew3(f->b, SG_SELECT, f->moved[i][j], down, up);
	}
}

void
sg_subtract(const factors *f, bool trans, uint32_t i, uint32_t j, sg_ref *x)
{
	const sg_ref by = trans ? f->at[j][i] : f->at[i][j];

	if (is_zero(f, x[j]))
		return;
	x[i] = sg_ew2(f->b, SG_SUB, x[i], sg_ew2(f->b, SG_MUL, by, x[j]));
}

void
sg_divide(const factors *f, uint32_t i, sg_ref *x)
{
	if (!is_zero(f, x[i]))
		x[i] = sg_ew2(f->b, SG_MUL, x[i], f->inverse[i]);
}

/* Right sides x[0..n) become the solution. */
static void
solve_by_lu(const factors *f, sg_ref *x)
{
	const bool trans = f->trans;

	for (uint32_t i = 0; i < f->n && !trans; i++)
		swap(f, i, x);
	for (uint32_t i = 0; i < f->n; i++) {
		for (uint32_t j = 0; j < i; j++)
			sg_subtract(f, trans, i, j, x);
		if (trans)
			sg_divide(f, i, x);
	}
	for (uint32_t i = f->n; i-- > 0;) {
		for (uint32_t j = f->n; --j > i;)
			sg_subtract(f, trans, i, j, x);
		if (!trans)
			sg_divide(f, i, x);
	}
	for (uint32_t i = f->n; i-- > 0 && trans;)
		swap(f, i, x);
}

/* By rows of any length. */
static sg_ref
solved_rows(sg_build *b, open_fn *open, const int64_t *attr, sg_ref matrix, sg_ref x)
{
	const uint32_t axis = sg_shape_of(b, x)->rank - 2;
	sg_ref row[MOST_ROWS];

	row[0] = sg_index(b, x, axis, sg_ext_int(b->sp, 0));
	const factors f = open(b, attr, matrix, sg_shape_of(b, row[0]));
	for (uint32_t i = 1; i < f.n; i++)
		row[i] = sg_index(b, x, axis, sg_ext_int(b->sp, i));
	f.solve(&f, row);
	return sg_stack(b, f.n, row, axis);
}

/* Right sides x [n, k], number by number. */
static void
solve_numbers(sg_build *b, open_fn *open, const int64_t *attr, sg_ref matrix, uint32_t k, sg_ref *x)
{
	const sg_shape *s = sg_shape_of(b, matrix);
	const factors f = open(b, attr, matrix, sg_shape_make(b->sp, s->rank - 2, s->ext));
	sg_ref column[MOST_ROWS];

	for (uint32_t j = 0; j < k; j++) {
		for (uint32_t i = 0; i < f.n; i++)
			column[i] = x[i * k + j];
		f.solve(&f, column);
		for (uint32_t i = 0; i < f.n; i++)
			x[i * k + j] = column[i];
	}
}

/* n rows of k numbers each. */
static sg_ref
solved_numbers(sg_build *b, open_fn *open, const int64_t *attr, sg_ref matrix, sg_ref x, uint32_t n,
               uint32_t k)
{
	const uint32_t axis = sg_shape_of(b, x)->rank - 2;
	sg_ref at[MOST_NUMBERS], row[MOST_ROWS];

	for (uint32_t i = 0; i < n * k; i++)
		at[i] = sg_number_of(b, x, i / k, i % k);
	solve_numbers(b, open, attr, matrix, k, at);
	for (uint32_t i = 0; i < n; i++)
		row[i] = sg_stack(b, k, at + (size_t)i * k, axis);
	return sg_stack(b, n, row, axis);
}

/* LUSOLVE or TRISOLVE n of right sides x. */
static sg_ref
solved(sg_build *b, const sg_node *n, sg_ref matrix, sg_ref x)
{
	open_fn *open = n->op == SG_LUSOLVE ? open_lu : sg_open_triangle;
	const sg_shape *s = n->shape;
	const uint32_t rows = sg_few(b->sp, s->ext[s->rank - 2], MOST_ROWS),
		       columns = sg_few(b->sp, s->ext[s->rank - 1], MOST_NUMBERS / rows);

	return columns ? solved_numbers(b, open, n->attr->w, matrix, x, rows, columns)
	               : solved_rows(b, open, n->attr->w, matrix, x);
}

/* ---- determinants ---- */

/* Element i of the diagonal, negative where row i has changed its place. */
static sg_ref
signed_pivot(const factors *f, uint32_t i)
{
	sg_build *b = f->b;
	const sg_ref p = f->at[i][i];
	const sg_ref stays = sg_ew2(b, SG_EQ, f->at[i][f->n], sg_const_like(b, p, i));

	return i + 1 == f->n ? p : sg_ew3(b, SG_SELECT, stays, p, sg_ew1(b, SG_NEG, p));
}

static sg_ref
det(const factors *f)
{
	sg_ref d = signed_pivot(f, 0);

	for (uint32_t i = 1; i < f->n; i++)
		d = sg_ew2(f->b, SG_MUL, d, signed_pivot(f, i));
	return d;
}

/* The logarithm of det by those of the pivots, NaN where an odd number of signs is negative. */
static sg_ref
logdet(const factors *f)
{
	sg_build *b = f->b;
	sg_ref sum = 0, sign = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		const sg_ref p = signed_pivot(f, i);
		const sg_ref log = sg_ew1(b, SG_LOG, sg_ew1(b, SG_ABS, p));
		const sg_ref negative = sg_ew2(b, SG_LT, p, sg_const_like(b, p, 0));

		sum = i ? sg_ew2(b, SG_ADD, sum, log) : log;
		sign = i ? sg_ew2(b, SG_NE, sign, negative) : negative;
	}
	return sg_ew3(b, SG_SELECT, sign, sg_const_like(b, sum, NAN), sum);
}

static sg_ref
instead(sg_replacing *w, const sg_node *n, const sg_ref *arg)
{
	sg_build *b = &w->b;

	switch (n->op) {
	case SG_LU:
		return factorised(b, arg[0]);
	case SG_LUSOLVE:
		return solved(b, n, arg[1], arg[2]);
	case SG_CHOLESKY:
		return sg_cholesky_written(b, arg[0]);
	case SG_CHOLBACK:
		return sg_cholesky_back_written(b, arg[0], arg[1]);
	case SG_TRISOLVE:
		return solved(b, n, arg[0], arg[1]);
	default:
		break;
	}
	const factors f = open_lu(b, NULL, arg[1], n->shape);
	return n->op == SG_DET ? det(&f) : logdet(&f);
}

const sg_program *
sg_solve_small(sg_ctx *ctx, const sg_program *p, bool jit)
{
	return sg_replaced(ctx, p, jit, is_wanted, instead);
}
