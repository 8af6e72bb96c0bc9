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

bool
sg_is_long(const sg_space *sp, const sg_shape *s, uint32_t axis)
{
	int64_t v;

	if (!sg_ext_const(sp, s->ext[axis], &v))
		return true;
	return v > SG_SHORT && sg_count_of(sp, s, SG_MOST_ITEMS) == 0;
}

uint32_t
sg_numbers_of(const sg_space *sp, const sg_shape *s)
{
	uint32_t n = 1;
	int64_t v;

	for (uint32_t k = 0; k < s->rank; k++) {
		if (sg_is_long(sp, s, k))
			continue;
		(void)sg_ext_const(sp, s->ext[k], &v);
		if (v < 1 || v > SG_MOST_ITEMS / n)
			return 0;
		n *= (uint32_t)v;
	}
	return n;
}

static bool
is_many(const sg_items *w, sg_ref r)
{
	return w->many && w->many[r];
}

static uint32_t
small_count(const sg_items *w, sg_ref r)
{
	const uint32_t most = w->large && w->large[r] != SG_LARGE_NOT ? SG_MOST_ITEMS : w->most;

	return sg_count_of(w->b.sp, sg_node_at(w->old, r)->shape, most);
}

uint32_t
sg_items_count(const sg_items *w, sg_ref r)
{
	return is_many(w, r) ? sg_numbers_of(w->b.sp, sg_node_at(w->old, r)->shape)
	                     : small_count(w, r);
}

/* How many items does r, by items, read of its operand x? 0: it can't. */
static uint32_t
read_count(const sg_items *w, sg_ref r, sg_ref x)
{
	return is_many(w, r) ? sg_numbers_of(w->b.sp, sg_node_at(w->old, x)->shape)
	                     : small_count(w, x);
}

static bool
is_long(const sg_items *w, const sg_shape *s, uint32_t axis)
{
	return w->many && sg_is_long(w->b.sp, s, axis);
}

/* 1 along an axis that each item has. */
static uint32_t
extent(const sg_items *w, const sg_shape *s, uint32_t axis)
{
	int64_t v = 0;

	if (is_long(w, s, axis))
		return 1;
	(void)sg_ext_const(w->b.sp, s->ext[axis], &v);
	return (uint32_t)v;
}

/* How many of the axes before axis k does each item have? */
static uint32_t
long_before(const sg_items *w, const sg_shape *s, uint32_t k)
{
	uint32_t n = 0;

	while (k-- > 0)
		n += is_long(w, s, k);
	return n;
}

static bool
has_long(const sg_items *w, const sg_shape *s)
{
	return long_before(w, s, s->rank) > 0;
}

/* The shape of an item. */
static const sg_shape *
lead_of(const sg_items *w, const sg_shape *s)
{
	sg_ext e[SG_MAX_RANK];
	uint32_t rank = 0;

	for (uint32_t k = 0; k < s->rank; k++)
		if (is_long(w, s, k))
			e[rank++] = s->ext[k];
	return sg_shape_make(w->b.sp, rank, e);
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

/* The items of the axes of s from k on, from item `at` on, put together; `at` moves behind them. */
static sg_ref
stacked(sg_items *w, const sg_shape *s, uint32_t k, const sg_ref *item, uint32_t *at)
{
	uint32_t size;
	sg_ref *part;

	while (k < s->rank && is_long(w, s, k))
		k++;
	if (k == s->rank)
		return item[(*at)++];
	size = extent(w, s, k);
	part = sg_items_new(w, size);
	for (uint32_t i = 0; i < size; i++)
		part[i] = stacked(w, s, k + 1, item, at);
	return sg_stack(&w->b, size, part, long_before(w, s, k));
}

/* The tensor as one node. */
sg_ref
sg_items_whole(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = sg_items_count(w, r);
	const bool has_axes = is_many(w, r) && has_long(w, n.shape);
	int64_t word[SG_MOST_ITEMS];
	uint32_t at, first = 0;
	sg_ref x;

	if (!is_member(w, r, &at))
		return r;
	if (w->whole[at])
		return w->whole[at];
	for (uint32_t i = 0; i < size && !has_axes; i++)
		if (sg_node_at(w->b.g, w->item[at][i])->op == SG_CONST)
			word[i] = sg_node_at(w->b.g, w->item[at][i])->attr->w[0];
	if (!has_axes && all_constant(w, size, w->item[at]))
		return w->whole[at] = sg_data(&w->b, (sg_type)n.type, n.shape, word);
	x = has_axes ? stacked(w, n.shape, 0, w->item[at], &first)
	             : sg_reshape(&w->b, sg_stack(&w->b, size, w->item[at], 0), n.shape);
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
	x = !has_long(w, s) ? fixed_item(w, sg_items_whole(w, r), i) : 0;
	if (x)
		return x;
	x = sg_items_whole(w, r);
	unravel(w, s, i, at);
	for (uint32_t k = s->rank; k-- > 0;)
		if (!is_long(w, s, k))
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

bool
sg_is_loop_of_few(const sg_items *w, sg_ref r)
{
	const uint16_t op = sg_node_at(w->old, r)->op;

	return sg_is_ew(op) && sg_ops[op].cost >= DEAR && sg_items_count(w, r) > MOST_DEAR &&
	       !is_many(w, r);
}

static bool
split_elementwise(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = sg_items_count(w, r);
	const sg_shape *lead = is_many(w, r) ? lead_of(w, n.shape) : sg_shape_scalar(w->b.sp);
	sg_ref *to;

	if (sg_is_loop_of_few(w, r))
		return false;
	if (may_fail(w, &n))
		return false;
	to = sg_items_new(w, size);
	for (uint32_t i = 0; i < size; i++) {
		sg_ref arg[3];
		sg_node one = n;

		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = sg_item(w, n.args[k], i);
		one.shape = lead;
		to[i] = sg_number_remade(&w->b, &one, arg);
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
		if (is_long(w, x, k) && n->op != SG_TRANSPOSE) {
			from[k] = 0;
			continue;
		}
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

/* A slice or pad of x along the axes that its items have; where the result's have none, what is
 * at[] along it. */
static sg_ref
ranged(sg_items *w, const sg_node *n, const sg_shape *x, const uint32_t *at, sg_ref item)
{
	sg_space *sp = w->b.sp;
	sg_ext start[SG_MAX_RANK], step[SG_MAX_RANK], e[SG_MAX_RANK];
	uint32_t rank = 0;

	for (uint32_t k = 0; k < x->rank; k++) {
		if (!is_long(w, x, k))
			continue;
		start[rank] = (sg_ext)n->attr->w[k];
		step[rank] = (sg_ext)n->attr->w[x->rank + k];
		e[rank] = n->shape->ext[k];
		if (!is_long(w, n->shape, k)) {
			const sg_ext by = sg_ext_mul(sp, step[rank], sg_ext_int(sp, at[k]));

			start[rank] = sg_ext_add(sp, start[rank], by);
			step[rank] = e[rank] = sg_ext_int(sp, 1);
		}
		rank++;
	}
	const sg_shape *s = sg_shape_make(sp, rank, e);
	return n->op == SG_PAD ? sg_pad(&w->b, item, s, start, step)
	                       : sg_slice(&w->b, item, s, start, step);
}

/* Item i of movement n, as far as that is one of the axes that items have. */
static sg_ref
moved(sg_items *w, const sg_node *n, uint32_t i, sg_ref item)
{
	const sg_shape *x = sg_node_at(w->old, n->args[0])->shape, *s = n->shape;
	const sg_shape *lead = lead_of(w, s);
	const int64_t *word = n->attr ? n->attr->w : NULL;
	int64_t axis[SG_MAX_RANK];
	uint32_t rank = 0, at[SG_MAX_RANK];

	if (n->op == SG_TRANSPOSE) {
		for (uint32_t k = 0; k < s->rank; k++)
			if (is_long(w, s, k))
				axis[rank++] = long_before(w, x, (uint32_t)word[k]);
		return sg_transpose(&w->b, item, axis);
	}
	if (n->op == SG_BROADCAST) {
		for (uint32_t k = 0; k < x->rank; k++)
			if (is_long(w, x, k))
				axis[rank++] = long_before(w, s, (uint32_t)word[k]);
		return sg_broadcast(&w->b, item, lead, axis);
	}
	if (n->op != SG_RESHAPE) {
		unravel(w, s, i, at);
		item = ranged(w, n, x, at, item);
	}
	return sg_reshape(&w->b, item, lead);
}

/* What stands around the operand of a pad. */
static sg_ref
zero_beside(sg_items *w, const sg_node *n)
{
	const sg_type t = (sg_type)n->type;

	return sg_type_is_float(t) ? sg_no_addend(&w->b, t, lead_of(w, n->shape))
	                           : sg_const(&w->b, t, lead_of(w, n->shape), 0);
}

static bool
split_movement(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = sg_items_count(w, r);
	sg_ref *to;

	if (read_count(w, r, n.args[0]) == 0)
		return false;
	const sg_ref zero = zero_beside(w, &n);
	to = sg_items_new(w, size);
	for (uint32_t i = 0; i < size; i++) {
		const int64_t from = source_of(w, &n, i);

		if (from == -2)
			return false;
		to[i] = from < 0 ? zero : sg_item(w, n.args[0], (uint32_t)from);
		if (from >= 0 && is_many(w, r))
			to[i] = moved(w, &n, i, to[i]);
	}
	sg_items_set(w, r, size, to);
	return true;
}

/* Item i of a concatenation along an axis that items have. */
static sg_ref
joined_item(sg_items *w, const sg_node *n, uint32_t i)
{
	sg_ref *part = sg_items_new(w, n->nargs);

	for (uint32_t k = 0; k < n->nargs; k++)
		part[k] = sg_item(w, n->args[k], i);
	return sg_concat(&w->b, n->nargs, part, long_before(w, n->shape, (uint32_t)n->attr->w[0]));
}

static bool
split_concat(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t axis = (uint32_t)n.attr->w[0], size = sg_items_count(w, r);
	sg_ref *to = sg_items_new(w, size);

	for (uint32_t i = 0; i < size; i++) {
		uint32_t at[SG_MAX_RANK], k = 0;

		if (is_long(w, n.shape, axis)) {
			to[i] = joined_item(w, &n, i);
			continue;
		}
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
	const uint32_t nx = read_count(w, r, n.args[0]), size = sg_items_count(w, r);
	const uint64_t mask = (uint64_t)n.attr->w[0];
	uint64_t within = 0; /* of the axes that items have */
	sg_ref *to;

	if (nx == 0 || ((n.op == SG_AMAX || n.op == SG_AMIN) && n.type == SG_BOOL))
		return false;
	to = sg_items_new(w, size);
	for (uint32_t i = 0; i < nx; i++) {
		uint32_t at[SG_MAX_RANK], left[SG_MAX_RANK], rank = 0, k;
		const sg_ref v = sg_item(w, n.args[0], i);

		unravel(w, x, i, at);
		for (k = 0; k < x->rank; k++)
			if (!(mask >> k & 1))
				left[rank++] = at[k];
		k = ravel(w, n.shape, left);
		to[k] = to[k] ? sg_ew2(&w->b, combiner(n.op), to[k], v) : v;
	}
	for (uint32_t k = 0; k < x->rank; k++)
		if (mask >> k & 1 && is_long(w, x, k))
			within |= (uint64_t)1 << long_before(w, x, k);
	for (uint32_t k = 0; k < size && within; k++)
		to[k] = sg_reduce(&w->b, (sg_op)n.op, to[k], within);
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

/* Items of an operand with these labels along the axes that items of the result have. */
static sg_ref
spread(sg_items *w, const sg_node *n, sg_ref x, const int64_t *label, sg_ref item)
{
	const int64_t *c = n->attr->w, *lo = c + 3 + c[0] + c[1];
	const sg_shape *s = sg_node_at(w->old, x)->shape;
	int64_t axis[SG_MAX_RANK];
	uint32_t rank = 0;

	for (uint32_t k = 0; k < s->rank; k++)
		if (is_long(w, s, k))
			axis[rank++] = long_before(w, n->shape, (uint32_t)find(lo, c[2], label[k]));
	return sg_broadcast(&w->b, item, lead_of(w, n->shape), axis);
}

/* Of products, one for each pair of elements whose labels agree. */
static bool
split_contraction(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const int64_t *c = n.attr->w, *lx = c + 3, *ly = lx + c[0], *lo = ly + c[1];
	const sg_shape *x = sg_node_at(w->old, n.args[0])->shape,
		       *y = sg_node_at(w->old, n.args[1])->shape;
	const uint32_t nx = read_count(w, r, n.args[0]), ny = read_count(w, r, n.args[1]),
		       size = sg_items_count(w, r);
	const bool many = is_many(w, r);
	const bool large = many || (w->large && (nx > w->most || ny > w->most || size > w->most));
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
			sg_ref right = sg_item(w, n.args[1], j), left = sg_item(w, n.args[0], i);

			if (many) {
				right = spread(w, &n, n.args[1], ly, right);
				left = spread(w, &n, n.args[0], lx, left);
			}
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

/* The 2-norm of each row. */
static bool
split_norm(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const sg_shape *x = sg_node_at(w->old, n.args[0])->shape;
	const uint32_t size = sg_items_count(w, r), nx = read_count(w, r, n.args[0]),
		       row = size ? nx / size : 0;
	sg_ref *to, *term;

	if (row < 2 || x->rank == 0)
		return false;
	to = sg_items_new(w, size);
	term = sg_items_new(w, row);
	for (uint32_t i = 0; i < size; i++) {
		for (uint32_t k = 0; k < row; k++)
			term[k] = sg_item(w, n.args[0], i * row + k);
		to[i] = is_many(w, r) ? sg_norms_of_few(&w->b, row, term)
		                      : sg_norm_of_few(&w->b, row, term);
	}
	sg_items_set(w, r, size, to);
	return true;
}

/* Off its diagonal the identity adds nothing. */
static void
split_eye(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = sg_items_count(w, r), last = n.shape->rank - 1;
	const sg_shape *s = lead_of(w, n.shape);
	const sg_ref one = sg_const(&w->b, (sg_type)n.type, s, 1),
		     none = sg_no_addend(&w->b, (sg_type)n.type, s);
	sg_ref *to = sg_items_new(w, size);

	for (uint32_t i = 0; i < size; i++) {
		uint32_t at[SG_MAX_RANK];

		unravel(w, n.shape, i, at);
		to[i] = at[last - 1] == at[last] ? one : none;
	}
	sg_items_set(w, r, size, to);
}

bool
sg_items_split(sg_items *w, sg_ref r)
{
	const uint16_t op = sg_node_at(w->old, r)->op;
	const bool many = is_many(w, r);
	const uint32_t size = sg_items_count(w, r);

	if ((!many && size > w->most && w->large[r] != SG_LARGE_SPLIT) || (w->stays && w->stays[r]))
		return false;
	if (op == SG_CAST && size > 1 && !many && sg_is_eye(w->old, r) &&
	    sg_type_is_float((sg_type)sg_node_at(w->old, r)->type)) {
		split_eye(w, r);
		return true;
	}
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
