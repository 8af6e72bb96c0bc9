/* many.c - which tensors of many items go number by number.
 *
 * A map over points multiplies each with a matrix of its own: a contraction along a few numbers,
 * which is a loop nest by itself, with short loops that are no SIMD, and arrays for what comes
 * before and behind. As sums of products of numbers, over all points at once, it joins what stands
 * around it. What is made of such numbers goes number by number too, and what they are made of, so
 * that all is one loop over the items: else they are stored as rows, and read by another nest. What
 * has no product or norm is left to SIMD along the rows, and rows that are read at indices for their
 * sums alone to back/rows.c. */
#include "pass/small.h"

enum {
	FEW_ITEMS = 64,
	MOST_NUMBERS = 36, /* of an item */
	MOST_TERMS = 64,   /* products of a pair of matrices */
	FEW_TERMS = 32,    /* of which C compilers make no SIMD along rows */
	DEAR = 8,          /* operations of a function */
	BUDGET = 12000,    /* numbers in all; behind it text is no gain */
};

typedef struct finding {
	sg_items *w;
	bool jit;
	bool *many;
	bool *made; /* one number of each item, of what goes number by number */
	size_t total;
} finding;

static const sg_node *
node(const finding *f, sg_ref r)
{
	return sg_node_at(f->w->old, r);
}

static bool
is_long(const finding *f, const sg_shape *s, uint32_t axis)
{
	return sg_is_long(f->w->b.sp, s, axis);
}

static uint32_t
numbers(const finding *f, sg_ref r)
{
	return sg_numbers_of(f->w->b.sp, node(f, r)->shape);
}

static uint32_t
items_rank(const finding *f, const sg_shape *s)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < s->rank; k++)
		n += is_long(f, s, k);
	return n;
}

static bool
has_items(const finding *f, const sg_shape *s)
{
	return items_rank(f, s) > 0;
}

static bool
has_many_items(const finding *f, const sg_shape *s)
{
	int64_t items = 1, v;

	for (uint32_t k = 0; k < s->rank && items < FEW_ITEMS; k++)
		if (is_long(f, s, k))
			items *= sg_ext_const(f->w->b.sp, s->ext[k], &v) && v < FEW_ITEMS
			             ? v
			             : FEW_ITEMS;
	return items >= FEW_ITEMS;
}

/* Are the axes of s those of items, and short ones, of not too many numbers in all? */
static bool
is_of_few(const finding *f, const sg_shape *s)
{
	uint32_t n;
	int64_t v;

	for (uint32_t k = 0; k < s->rank; k++)
		if (sg_ext_const(f->w->b.sp, s->ext[k], &v) && v > SG_SHORT && !is_long(f, s, k))
			return false;
	n = sg_numbers_of(f->w->b.sp, s);
	return n > 0 && n <= MOST_NUMBERS;
}

/* ---- operations that have such a form ---- */

/* The numbers between the k-th and the next of the axes of items. */
static uint32_t
numbers_before(const finding *f, const sg_shape *s, uint32_t *axis)
{
	uint32_t n = 1;
	int64_t v;

	for (; *axis < s->rank && !is_long(f, s, *axis); ++*axis)
		n *= sg_ext_const(f->w->b.sp, s->ext[*axis], &v) ? (uint32_t)v : 1;
	return n;
}

static bool
keeps_items(const finding *f, const sg_shape *x, const sg_shape *s)
{
	uint32_t i = 0, k = 0;

	for (;; i++, k++) {
		if (numbers_before(f, x, &i) != numbers_before(f, s, &k))
			return false;
		if (i == x->rank || k == s->rank)
			return i == x->rank && k == s->rank;
		if (x->ext[i] != s->ext[k])
			return false;
	}
}

static bool
has_range_form(const finding *f, const sg_node *n)
{
	const sg_shape *x = node(f, n->args[0])->shape;
	int64_t v;

	for (uint32_t k = 0; k < x->rank; k++) {
		const bool from = is_long(f, x, k), to = is_long(f, n->shape, k);

		if (!from && (to || !sg_ext_const(f->w->b.sp, (sg_ext)n->attr->w[k], &v) ||
		              !sg_ext_const(f->w->b.sp, (sg_ext)n->attr->w[x->rank + k], &v)))
			return false;
	}
	return true;
}

static bool
has_concat_form(const finding *f, const sg_node *n)
{
	const uint32_t axis = (uint32_t)n->attr->w[0];
	const bool along_items = is_long(f, n->shape, axis);

	for (uint32_t k = 0; k < n->nargs; k++)
		if (is_long(f, node(f, n->args[k])->shape, axis) != along_items)
			return false;
	return true;
}

/* ---- products ---- */

static bool
is_in(int64_t n, const int64_t *label, int64_t which, int64_t *at)
{
	for (*at = 0; *at < n; ++*at)
		if (label[*at] == which)
			return true;
	return false;
}

/* The axes of items of an operand stand in the result, in the same order. */
static bool
keeps_order(const finding *f, const sg_node *n, uint32_t k)
{
	const int64_t *w = n->attr->w, *label = w + 3 + (k ? w[0] : 0), *out = w + 3 + w[0] + w[1];
	const sg_shape *s = node(f, n->args[k])->shape;
	int64_t last = -1, at;

	for (uint32_t i = 0; i < s->rank; i++) {
		if (!is_long(f, s, i))
			continue;
		if (!is_in(w[2], out, label[i], &at) || at < last)
			return false;
		last = at;
	}
	return true;
}

/* Products of numbers in all; 0: there is no such form. */
static uint32_t
terms_of(const finding *f, const sg_node *n)
{
	const int64_t *w = n->attr->w, *out = w + 3 + w[0] + w[1];
	const sg_shape *x = node(f, n->args[0])->shape, *y = node(f, n->args[1])->shape;
	const uint32_t rank = items_rank(f, n->shape), nx = items_rank(f, x), ny = items_rank(f, y);
	uint32_t terms = sg_numbers_of(f->w->b.sp, n->shape);
	int64_t v, at;

	if (!sg_type_is_float((sg_type)n->type) || rank == 0 || !keeps_order(f, n, 0) ||
	    !keeps_order(f, n, 1) || (nx != rank && nx != 0) || (ny != rank && ny != 0))
		return 0;
	for (uint32_t k = 0; k < x->rank; k++)
		if (!is_in(w[2], out, w[3 + k], &at) && sg_ext_const(f->w->b.sp, x->ext[k], &v))
			terms *= (uint32_t)v;
	return terms;
}

/* A product for each item, of matrices of its own or with one for all, of at most so many terms. */
static bool
is_product(const finding *f, const sg_node *n, uint32_t most)
{
	const int64_t *w = n->attr->w;
	uint32_t terms;

	if (f->jit && w[2] + 1 == w[0] && w[0] == w[1])
		return false; /* dots of rows have a routine */
	terms = terms_of(f, n);
	return terms >= 2 && terms <= most;
}

/* ---- which ---- */

/* A dear function has a loop of its own along the rows; calls of the JIT are as good by numbers. */
static bool
is_dear(const sg_node *n)
{
	return sg_ops[n->op].cost >= DEAR;
}

static bool
has_form(const finding *f, const sg_node *n)
{
	const sg_shape *s = n->shape;

	if (!is_of_few(f, s) || n->nargs == 0)
		return false;
	for (uint32_t k = 0; k < n->nargs; k++)
		if (!is_of_few(f, node(f, n->args[k])->shape))
			return false;
	const sg_shape *x = node(f, n->args[0])->shape;
	if (sg_is_ew(n->op))
		return !sg_is_checked(n->op, (sg_type)n->type) &&
		       !sg_type_is_int((sg_type)n->type) && (f->jit || !is_dear(n));
	switch (n->op) {
	case SG_CAST:
	case SG_TRANSPOSE:
		return true;
	case SG_RESHAPE:
		return keeps_items(f, x, s);
	case SG_BROADCAST:
		for (uint32_t k = 0; k < x->rank; k++)
			if (is_long(f, x, k) && !is_long(f, s, (uint32_t)n->attr->w[k]))
				return false;
		return true;
	case SG_SLICE:
	case SG_PAD:
		return has_range_form(f, n);
	case SG_CONCAT:
		return has_concat_form(f, n);
	case SG_SUM:
	case SG_PROD:
	case SG_AMAX:
	case SG_AMIN:
	case SG_ANY:
	case SG_ALL:
		return true;
	case SG_NORM:
		return !is_long(f, x, x->rank - 1);
	case SG_CONTRACT:
		return terms_of(f, n) > 0 && terms_of(f, n) <= MOST_TERMS;
	default:
		return false;
	}
}

/* Is x such a product, moved or not? */
static bool
is_of_product(const finding *f, sg_ref x)
{
	const sg_node *n = node(f, x);

	while (n->op == SG_TRANSPOSE || n->op == SG_RESHAPE)
		n = node(f, n->args[0]);
	return n->op == SG_CONTRACT && is_product(f, n, MOST_TERMS);
}

static bool
has_short(const finding *f, sg_ref r)
{
	const sg_shape *s = node(f, r)->shape;
	int64_t v;

	for (uint32_t k = 0; k < s->rank; k++)
		if (sg_ext_const(f->w->b.sp, s->ext[k], &v) && v > 1 && v <= SG_SHORT)
			return true;
	return false;
}

/* An operation that as rows would part the loops. Of large products C compilers make SIMD along
 * the rows, which is as good for one alone. */
static bool
is_seed(const finding *f, const sg_node *n)
{
	if (n->op == SG_NORM)
		return numbers(f, n->args[0]) > 1 && has_many_items(f, n->shape);
	if (n->op != SG_CONTRACT || !(has_short(f, n->args[0]) || has_short(f, n->args[1])) ||
	    !has_many_items(f, n->shape))
		return false;
	return is_product(f, n, f->jit ? MOST_TERMS : FEW_TERMS) ||
	       (is_product(f, n, MOST_TERMS) &&
	        (is_of_product(f, n->args[0]) || is_of_product(f, n->args[1])));
}

/* The same for all items, or all numbers? It says nothing of what else reads it. */
static bool
is_spread(const finding *f, sg_ref r)
{
	return node(f, r)->op == SG_BROADCAST && !f->many[node(f, r)->args[0]];
}

/* Does n read numbers that go one by one, or such as are made of them and are put together? */
static bool
reads_many(const finding *f, const sg_node *n)
{
	for (uint32_t k = 0; k < n->nargs; k++) {
		const sg_ref x = n->args[k];

		if (n->op == SG_CONCAT && f->made[x])
			return true;
		if (f->many[x] && has_items(f, node(f, x)->shape) && numbers(f, x) > 1 &&
		    !is_spread(f, x))
			return true;
	}
	return false;
}

/* Is n one number of each item that is made of such? */
static bool
is_made_of_many(const finding *f, const sg_node *n)
{
	for (uint32_t k = 0; k < n->nargs; k++)
		if (f->made[n->args[k]] || f->many[n->args[k]])
			return has_items(f, n->shape) && numbers(f, n->args[k]) > 0 &&
			       sg_numbers_of(f->w->b.sp, n->shape) == 1;
	return false;
}

/* Node r goes number by number. */
static void
take(finding *f, sg_ref r)
{
	f->many[r] = true;
	f->total += numbers(f, r);
}

static void
look_behind(finding *f)
{
	for (sg_ref r = 1; r < f->w->old->n; r++) {
		const sg_node *n = node(f, r);

		if (f->w->live[r] && !f->many[r] && (is_seed(f, n) || reads_many(f, n)) &&
		    has_form(f, n))
			take(f, r);
		if (f->w->live[r])
			f->made[r] = is_made_of_many(f, n);
	}
}

static bool
has_seed(const finding *f)
{
	for (sg_ref r = 1; r < f->w->old->n; r++)
		if (f->w->live[r] && is_seed(f, node(f, r)))
			return true;
	return false;
}

static bool
reads_dear(const finding *f, const sg_node *n)
{
	for (uint32_t k = 0; k < n->nargs; k++)
		if (is_dear(node(f, n->args[k])))
			return true;
	return false;
}

/* Is it worth going number by number for what reads it so? `alone`: nothing else reads it. */
static bool
may_join(const finding *f, const sg_node *n, bool alone)
{
	switch (n->op) {
	case SG_CONTRACT:
		return is_product(f, n, alone || f->jit ? MOST_TERMS : FEW_TERMS);
	case SG_BROADCAST:
	case SG_CAST:
	case SG_CONCAT:
	case SG_PAD:
	case SG_RESHAPE:
	case SG_SLICE:
	case SG_TRANSPOSE:
		return true;
	default:
		return sg_is_ew(n->op) && !is_dear(n) && (f->jit || !reads_dear(f, n));
	}
}

/* How a node is read. */
enum { BY_NUMBERS = 1, WHOLE = 2 };

/* Shall what r reads go by numbers for it? C compilers read rows for a dot as well. */
static bool
pulls(const finding *f, sg_ref r)
{
	return f->jit || node(f, r)->op != SG_CONTRACT || numbers(f, r) > 1;
}

static void
look_ahead(finding *f, uint8_t *read)
{
	for (sg_ref r = (sg_ref)f->w->old->n; r-- > 1;) {
		const sg_node *n = node(f, r);

		if (!f->w->live[r])
			continue;
		if (!f->many[r] && read[r] & BY_NUMBERS && numbers(f, r) > 1 &&
		    has_items(f, n->shape) && may_join(f, n, read[r] == BY_NUMBERS) &&
		    has_form(f, n))
			take(f, r);
		for (uint32_t k = 0; k < n->nargs; k++)
			read[n->args[k]] |= f->many[r] && pulls(f, r) ? BY_NUMBERS : WHOLE;
	}
}

void
sg_find_many(sg_items *w, bool jit, size_t nroots, const sg_ref *root)
{
	uint8_t *read;
	finding f = {.w = w, .jit = jit};

	if (!has_seed(&f))
		return;
	f.many = SG_NEW_ARRAY(w->b.ctx, bool, w->old->n);
	f.made = SG_NEW_ARRAY(w->b.ctx, bool, w->old->n);
	look_behind(&f);
	read = SG_NEW_ARRAY(w->b.ctx, uint8_t, w->old->n);
	for (size_t i = 0; i < nroots; i++)
		read[root[i]] = WHOLE;
	look_ahead(&f, read);
	look_behind(&f);
	if (f.total <= BUDGET)
		w->many = f.many;
}
