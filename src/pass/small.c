/* small.c - tensors of a few elements, operation by operation and element by element.
 *
 * What an operation has no such form for is computed as it was, of operands that are put together
 * again; elements of it are read where they lie. */
#include "pass/small.h"

enum {
	MOST_DEAR = 6, /* elements of a tensor of dear operations, which a loop does in SIMD */
	DEAR = 8,      /* operations */
};

/* ---- small shapes ---- */

/* How many elements, if that is known and at most `most`; else 0. */
uint32_t
sg_count_of(const sg_space *sp, const sg_shape *s, uint32_t most)
{
	uint32_t n = 1;
	int64_t v;

	for (uint32_t k = 0; k < s->rank; k++) {
		if (!sg_ext_const(sp, s->ext[k], &v) || v < 1 || v > most)
			return 0;
		n *= (uint32_t)v;
		if (n > most)
			return 0;
	}
	return n;
}

uint32_t
sg_items_count(const sg_items *w, sg_ref r)
{
	const uint32_t most = w->large && w->large[r] != SG_LARGE_NOT ? SG_MOST_ITEMS : w->most;

	return sg_count_of(w->b.sp, sg_node_at(w->old, r)->shape, most);
}

static uint32_t
extent(const sg_items *w, const sg_shape *s, uint32_t axis)
{
	int64_t v = 0;

	(void)sg_ext_const(w->b.sp, s->ext[axis], &v);
	return (uint32_t)v;
}

/* The index of element i. */
static void
unravel(const sg_items *w, const sg_shape *s, uint32_t i, uint32_t *at)
{
	for (uint32_t k = s->rank; k-- > 0;) {
		at[k] = i % extent(w, s, k);
		i /= extent(w, s, k);
	}
}

static uint32_t
ravel(const sg_items *w, const sg_shape *s, const uint32_t *at)
{
	uint32_t i = 0;

	for (uint32_t k = 0; k < s->rank; k++)
		i = i * extent(w, s, k) + at[k];
	return i;
}

/* ---- tensors and elements ---- */

/* Is r gone through? Then *at: where in the arrays. */
static bool
is_member(const sg_items *w, sg_ref r, uint32_t *at)
{
	if (w->cone && !sg_cone_has(w->cone, r))
		return false;
	*at = w->cone ? sg_cone_at(w->cone, r) : r;
	return true;
}

sg_ref *
sg_items_new(const sg_items *w, uint32_t n)
{
	return SG_NEW_ARRAY(w->b.ctx, sg_ref, n);
}

/* Old node r is these elements. */
void
sg_items_set(sg_items *w, sg_ref r, uint32_t n, sg_ref *item)
{
	const char *name = w->old->name[r];
	uint32_t at = 0;

	(void)is_member(w, r, &at);
	if (n == 1) {
		w->whole[at] = sg_reshape(&w->b, item[0], sg_node_at(w->old, r)->shape);
		return;
	}
	w->item[at] = item;
	for (uint32_t i = 0; name && i < n; i++)
		if (!w->b.g->name[item[i]])
			w->b.g->name[item[i]] = sg_text(w->b.ctx, "%.30s_%u", name, (unsigned)i);
}

static bool
all_constant(const sg_items *w, uint32_t n, const sg_ref *item)
{
	for (uint32_t i = 0; i < n; i++)
		if (sg_node_at(w->b.g, item[i])->op != SG_CONST)
			return false;
	return true;
}

/* The tensor as one node. */
sg_ref
sg_items_whole(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = sg_items_count(w, r);
	int64_t word[SG_MOST_ITEMS];
	uint32_t at;
	sg_ref x;

	if (!is_member(w, r, &at))
		return r;
	if (w->whole[at])
		return w->whole[at];
	for (uint32_t i = 0; i < size; i++)
		if (sg_node_at(w->b.g, w->item[at][i])->op == SG_CONST)
			word[i] = sg_node_at(w->b.g, w->item[at][i])->attr->w[0];
	if (all_constant(w, size, w->item[at]))
		return w->whole[at] = sg_data(&w->b, (sg_type)n.type, n.shape, word);
	x = sg_reshape(&w->b, sg_stack(&w->b, size, w->item[at], 0), n.shape);
	if (w->old->name[r] && !w->b.g->name[x])
		w->b.g->name[x] = w->old->name[r];
	return w->whole[at] = x;
}

/* Element i of a tensor of fixed numbers; 0: it is none. */
static sg_ref
fixed_item(sg_items *w, sg_ref x, uint32_t i)
{
	const sg_node *n = sg_node_at(w->b.g, x);
	const sg_shape *scalar = sg_shape_scalar(w->b.sp);

	if (n->op == SG_IOTA)
		return sg_const_int(&w->b, SG_I64, scalar, i);
	if (n->op != SG_DATA)
		return 0;
	if (sg_type_is_float((sg_type)n->type))
		return sg_const(&w->b, (sg_type)n->type, scalar, sg_bits_double(n->attr->w[i]));
	return sg_const_int(&w->b, (sg_type)n->type, scalar, n->attr->w[i]);
}

sg_ref
sg_item(sg_items *w, sg_ref r, uint32_t i)
{
	const sg_shape *s = sg_node_at(w->old, r)->shape;
	uint32_t at[SG_MAX_RANK], own;
	sg_ref x;

	if (is_member(w, r, &own) && w->item[own])
		return w->item[own][i];
	x = fixed_item(w, sg_items_whole(w, r), i);
	if (x)
		return x;
	x = sg_items_whole(w, r);
	unravel(w, s, i, at);
	for (uint32_t k = s->rank; k-- > 0;)
		x = sg_index(&w->b, x, k, sg_ext_int(w->b.sp, at[k]));
	return x;
}

/* ---- operations by element; each gives false where it has no such form ---- */

/* An element may fail, and is not to be left out for that nothing reads it. */
static bool
may_fail(const sg_items *w, const sg_node *n)
{
	return sg_is_checked(n->op, (sg_type)n->type) &&
	       !(n->nargs > 1 && sg_node_at(w->old, n->args[1])->op == SG_CONST);
}

static bool
split_elementwise(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = sg_items_count(w, r);
	sg_ref *to;

	if (sg_is_ew(n.op) && sg_ops[n.op].cost >= DEAR && size > MOST_DEAR)
		return false;
	if (may_fail(w, &n))
		return false;
	to = sg_items_new(w, size);
	for (uint32_t i = 0; i < size; i++) {
		sg_ref arg[3];
		sg_node one = n;

		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = sg_item(w, n.args[k], i);
		one.shape = sg_shape_scalar(w->b.sp);
		to[i] = sg_remake(&w->b, &one, arg);
	}
	sg_items_set(w, r, size, to);
	return true;
}

/* Where element `at` of what movement r gives comes from; -1: it is 0, -2: that is not known. */
static int64_t
source_of(const sg_items *w, const sg_node *n, uint32_t i)
{
	const sg_shape *x = sg_node_at(w->old, n->args[0])->shape, *s = n->shape;
	const int64_t *word = n->attr ? n->attr->w : NULL;
	uint32_t at[SG_MAX_RANK], from[SG_MAX_RANK];
	int64_t start, step;

	if (n->op == SG_RESHAPE)
		return i;
	unravel(w, s, i, at);
	for (uint32_t k = 0; k < x->rank; k++) {
		if (n->op == SG_TRANSPOSE) {
			from[word[k]] = at[k];
			continue;
		}
		if (n->op == SG_BROADCAST) {
			from[k] = extent(w, x, k) == 1 ? 0 : at[word[k]];
			continue;
		}
		if (!sg_ext_const(w->b.sp, (sg_ext)word[k], &start) ||
		    !sg_ext_const(w->b.sp, (sg_ext)word[x->rank + k], &step))
			return -2;
		if (n->op == SG_SLICE) {
			from[k] = (uint32_t)(start + step * at[k]);
			continue;
		}
		start = (int64_t)at[k] - start;
		if (start % step != 0 || start / step < 0 || start / step >= extent(w, x, k))
			return -1;
		from[k] = (uint32_t)(start / step);
	}
	return ravel(w, x, from);
}

static bool
split_movement(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = sg_items_count(w, r);
	sg_ref *to;

	if (sg_items_count(w, n.args[0]) == 0)
		return false;
	to = sg_items_new(w, size);
	for (uint32_t i = 0; i < size; i++) {
		const int64_t from = source_of(w, &n, i);

		if (from == -2)
			return false;
		to[i] = from < 0 ? sg_const(&w->b, (sg_type)n.type, sg_shape_scalar(w->b.sp), 0)
		                 : sg_item(w, n.args[0], (uint32_t)from);
	}
	sg_items_set(w, r, size, to);
	return true;
}

static bool
split_concat(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t axis = (uint32_t)n.attr->w[0], size = sg_items_count(w, r);
	sg_ref *to = sg_items_new(w, size);

	for (uint32_t i = 0; i < size; i++) {
		uint32_t at[SG_MAX_RANK], k = 0;

		unravel(w, n.shape, i, at);
		for (;; k++) {
			const uint32_t e = extent(w, sg_node_at(w->old, n.args[k])->shape, axis);

			if (at[axis] < e)
				break;
			at[axis] -= e;
		}
		to[i] = sg_item(w, n.args[k], ravel(w, sg_node_at(w->old, n.args[k])->shape, at));
	}
	sg_items_set(w, r, size, to);
	return true;
}

static sg_op
combiner(uint16_t op)
{
	switch (op) {
	case SG_PROD:
		return SG_MUL;
	case SG_AMAX:
		return SG_MAX;
	case SG_AMIN:
		return SG_MIN;
	case SG_ANY:
		return SG_OR;
	case SG_ALL:
		return SG_AND;
	default:
		return SG_ADD;
	}
}

static bool
split_reduction(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const sg_shape *x = sg_node_at(w->old, n.args[0])->shape;
	const uint32_t nx = sg_items_count(w, n.args[0]), size = sg_items_count(w, r);
	sg_ref *to;

	if (nx == 0 || ((n.op == SG_AMAX || n.op == SG_AMIN) && n.type == SG_BOOL))
		return false;
	to = sg_items_new(w, size);
	for (uint32_t i = 0; i < nx; i++) {
		uint32_t at[SG_MAX_RANK], left[SG_MAX_RANK], rank = 0, k;
		const sg_ref v = sg_item(w, n.args[0], i);

		unravel(w, x, i, at);
		for (k = 0; k < x->rank; k++)
			if (!((uint64_t)n.attr->w[0] >> k & 1))
				left[rank++] = at[k];
		k = ravel(w, n.shape, left);
		to[k] = to[k] ? sg_ew2(&w->b, combiner(n.op), to[k], v) : v;
	}
	sg_items_set(w, r, size, to);
	return true;
}

static int
find(const int64_t *w, int64_t n, int64_t what)
{
	for (int64_t i = 0; i < n; i++)
		if (w[i] == what)
			return (int)i;
	return -1;
}

/* Of products, one for each pair of elements whose labels agree. */
static bool
split_contraction(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const int64_t *c = n.attr->w, *lx = c + 3, *ly = lx + c[0], *lo = ly + c[1];
	const sg_shape *x = sg_node_at(w->old, n.args[0])->shape,
		       *y = sg_node_at(w->old, n.args[1])->shape;
	const uint32_t nx = sg_items_count(w, n.args[0]), ny = sg_items_count(w, n.args[1]),
		       size = sg_items_count(w, r);
	const bool large = w->large && (nx > w->most || ny > w->most || size > w->most);
	sg_ref *to;
	uint32_t terms = 0;

	if (nx == 0 || ny == 0)
		return false;
	to = sg_items_new(w, size);
	for (uint32_t i = 0; i < nx; i++)
		for (uint32_t j = 0; j < ny; j++) {
			uint32_t ax[SG_MAX_RANK], ay[SG_MAX_RANK], out[SG_MAX_RANK], k;
			bool meet = true;

			unravel(w, x, i, ax);
			unravel(w, y, j, ay);
			for (k = 0; k < x->rank; k++) {
				const int at = find(ly, c[1], lx[k]);

				meet = meet && (at < 0 || ay[at] == ax[k]);
			}
			if (!meet)
				continue;
			const sg_ref right = sg_item(w, n.args[1], j),
				     left = sg_item(w, n.args[0], i);

			if (!sg_is_no_path(&w->b, left) && !sg_is_no_path(&w->b, right) &&
			    ++terms > (large ? 4 * SG_MOST_ITEMS : 4 * w->most))
				return false;
			for (k = 0; k < n.shape->rank; k++) {
				const int at = find(lx, c[0], lo[k]);

				out[k] = at >= 0 ? ax[at] : ay[find(ly, c[1], lo[k])];
			}
			k = ravel(w, n.shape, out);
			const sg_ref v = sg_ew2(&w->b, SG_MUL, left, right);
			to[k] = to[k] ? sg_ew2(&w->b, SG_ADD, to[k], v) : v;
		}
	sg_items_set(w, r, size, to);
	return true;
}

static sg_ref
number(sg_items *w, sg_type t, double v)
{
	return sg_const(&w->b, t, sg_shape_scalar(w->b.sp), v);
}

/* The sum of squares of x times s. */
static sg_ref
squares(sg_items *w, uint32_t n, const sg_ref *x, sg_ref s)
{
	sg_ref sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		const sg_ref v = s ? sg_ew2(&w->b, SG_MUL, x[i], s) : x[i];
		const sg_ref square = sg_ew2(&w->b, SG_MUL, v, v);

		sum = sum ? sg_ew2(&w->b, SG_ADD, sum, square) : square;
	}
	return sum;
}

/* sqrt(sum of squares). Where these overflow or vanish, x is brought near 1 first by a power of 2,
 * which no digit is lost by; what becomes too small to matter then is too small beside the largest.
 * That is rare, and its work is done where it is wanted (back/branch.c). */
static sg_ref
norm_of(sg_items *w, sg_type t, uint32_t n, const sg_ref *x)
{
	sg_build *b = &w->b;
	const double shift = t == SG_F32 ? 0x1p80 : 0x1p600, far = t == SG_F32 ? 0x1p100 : 0x1p900;
	const sg_ref one = number(w, t, 1), up = number(w, t, shift),
		     down = number(w, t, 1 / shift);
	const sg_ref sum = squares(w, n, x, 0);
	const sg_ref above = sg_ew2(b, SG_LT, number(w, t, 1 / far), sum),
		     below = sg_ew2(b, SG_LT, sum, number(w, t, far)),
		     near = sg_ew1(b, SG_LIKELY, sg_ew2(b, SG_AND, above, below));
	sg_ref top = sg_ew1(b, SG_ABS, x[0]), large, scaled;

	for (uint32_t i = 1; i < n; i++)
		top = sg_ew2(b, SG_MAX, top, sg_ew1(b, SG_ABS, x[i]));
	large = sg_ew2(b, SG_LT, one, top);
	scaled = squares(w, n, x, sg_ew3(b, SG_SELECT, large, down, up));
	/* in this order, so that what is rare stands together */
	const sg_ref root = sg_ew1(b, SG_SQRT, scaled),
		     back = sg_ew3(b, SG_SELECT, large, up, down),
		     rare = sg_ew2(b, SG_MUL, back, root);
	return sg_ew3(b, SG_SELECT, near, sg_ew1(b, SG_SQRT, sum), rare);
}

/* The 2-norm of each row. */
static bool
split_norm(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const sg_shape *x = sg_node_at(w->old, n.args[0])->shape;
	const uint32_t size = sg_items_count(w, r), nx = sg_items_count(w, n.args[0]),
		       row = size ? nx / size : 0;
	sg_ref *to, *term;

	if (row < 2 || x->rank == 0)
		return false;
	to = sg_items_new(w, size);
	term = sg_items_new(w, row);
	for (uint32_t i = 0; i < size; i++) {
		for (uint32_t k = 0; k < row; k++)
			term[k] = sg_item(w, n.args[0], i * row + k);
		to[i] = norm_of(w, (sg_type)n.type, row, term);
	}
	sg_items_set(w, r, size, to);
	return true;
}

bool
sg_items_split(sg_items *w, sg_ref r)
{
	const uint16_t op = sg_node_at(w->old, r)->op;
	const uint32_t size = sg_items_count(w, r);

	if (size > w->most && w->large[r] != SG_LARGE_SPLIT)
		return false;
	if (sg_is_ew(op) || op == SG_CAST)
		return size > 1 && split_elementwise(w, r);
	switch (op) {
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_BROADCAST:
	case SG_SLICE:
	case SG_PAD:
		return size > 0 && split_movement(w, r);
	case SG_CONCAT:
		return size > 1 && split_concat(w, r);
	case SG_SUM:
	case SG_PROD:
	case SG_AMAX:
	case SG_AMIN:
	case SG_ANY:
	case SG_ALL:
		return size > 0 && split_reduction(w, r);
	case SG_CONTRACT:
		return size > 0 && split_contraction(w, r);
	case SG_NORM:
		return size > 0 && split_norm(w, r);
	default:
		return false;
	}
}
