/* small.c - small tensors become scalars.
 *
 * A state of three numbers, a 2 x 2 matrix, the softmax of four: as arrays each operation on them
 * is a loop of its own, with an index and a store; as scalars they are expressions over variables,
 * which a compiler keeps in registers. So a tensor of a few elements, known in number, is computed
 * element by element, carries of loops too. What an operation has no such form for is computed as
 * it was, of operands that are put together again; elements of it are read where they lie.
 *
 * For emission alone: the evaluator keeps the tensors, and is compared with. */
#include "pass/sweep.h"

enum {
	MOST = 16,       /* elements of a small tensor */
	MOST_DEAR = 6,   /* of one of dear operations, which a loop over an array does in SIMD */
	DEAR = 8,        /* operations */
	MOST_TERMS = 64, /* products of a contraction */
	BUDGET = 20000,  /* elements in all; behind it text is no gain */
};

typedef struct split {
	sg_build b;
	const sg_graph *old;
	const bool *live;
	sg_ref *whole; /* by old node; 0: it is not, yet */
	sg_ref **item; /* its elements, row-major; NULL: it has none of their own */
	uint32_t *
	    *carry;     /* by loop: where among the new one's each carry begins, and their number */
	bool *is_split; /* by SEED: a carry that goes by elements */
} split;

/* ---- small shapes ---- */

/* How many elements, if that is known and at most `most`; else 0. */
static uint32_t
count_of(const sg_space *sp, const sg_shape *s, uint32_t most)
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

static uint32_t
count(const split *w, sg_ref r)
{
	return count_of(w->b.sp, sg_node_at(w->old, r)->shape, MOST);
}

static bool
is_small(const split *w, sg_ref r)
{
	return count(w, r) > 1;
}

static uint32_t
extent(const split *w, const sg_shape *s, uint32_t axis)
{
	int64_t v = 0;

	(void)sg_ext_const(w->b.sp, s->ext[axis], &v);
	return (uint32_t)v;
}

/* The index of element i. */
static void
unravel(const split *w, const sg_shape *s, uint32_t i, uint32_t *at)
{
	for (uint32_t k = s->rank; k-- > 0;) {
		at[k] = i % extent(w, s, k);
		i /= extent(w, s, k);
	}
}

static uint32_t
ravel(const split *w, const sg_shape *s, const uint32_t *at)
{
	uint32_t i = 0;

	for (uint32_t k = 0; k < s->rank; k++)
		i = i * extent(w, s, k) + at[k];
	return i;
}

/* ---- tensors and elements ---- */

static sg_ref *
new_items(const split *w, uint32_t n)
{
	return SG_NEW_ARRAY(w->b.ctx, sg_ref, n);
}

/* Old node r is these elements. */
static void
set_items(split *w, sg_ref r, uint32_t n, sg_ref *item)
{
	const char *name = w->old->name[r];

	if (n == 1) {
		w->whole[r] = sg_reshape(&w->b, item[0], sg_node_at(w->old, r)->shape);
		return;
	}
	w->item[r] = item;
	for (uint32_t i = 0; name && i < n; i++)
		if (!w->b.g->name[item[i]])
			w->b.g->name[item[i]] = sg_text(w->b.ctx, "%.30s_%u", name, (unsigned)i);
}

static bool
all_constant(const split *w, uint32_t n, const sg_ref *item)
{
	for (uint32_t i = 0; i < n; i++)
		if (sg_node_at(w->b.g, item[i])->op != SG_CONST)
			return false;
	return true;
}

/* The tensor as one node. */
static sg_ref
whole(split *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);
	const uint32_t size = w->whole[r] ? 0 : count(w, r);
	int64_t word[MOST];
	sg_ref x;

	if (w->whole[r])
		return w->whole[r];
	for (uint32_t i = 0; i < size; i++)
		if (sg_node_at(w->b.g, w->item[r][i])->op == SG_CONST)
			word[i] = sg_node_at(w->b.g, w->item[r][i])->attr->w[0];
	if (all_constant(w, size, w->item[r]))
		return w->whole[r] = sg_data(&w->b, (sg_type)n->type, n->shape, word);
	x = sg_reshape(&w->b, sg_stack(&w->b, size, w->item[r], 0), n->shape);
	if (w->old->name[r] && !w->b.g->name[x])
		w->b.g->name[x] = w->old->name[r];
	return w->whole[r] = x;
}

/* Element i of a tensor of fixed numbers; 0: it is none. */
static sg_ref
fixed_item(split *w, sg_ref x, uint32_t i)
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

static sg_ref
item(split *w, sg_ref r, uint32_t i)
{
	const sg_shape *s = sg_node_at(w->old, r)->shape;
	uint32_t at[SG_MAX_RANK];
	sg_ref x;

	if (w->item[r])
		return w->item[r][i];
	x = fixed_item(w, w->whole[r], i);
	if (x)
		return x;
	x = w->whole[r];
	unravel(w, s, i, at);
	for (uint32_t k = s->rank; k-- > 0;)
		x = sg_index(&w->b, x, k, sg_ext_int(w->b.sp, at[k]));
	return x;
}

/* ---- operations by element; each gives false where it has no such form ---- */

static bool
split_elementwise(split *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = count(w, r);
	sg_ref *to;

	if (sg_is_ew(n.op) && sg_ops[n.op].cost >= DEAR && size > MOST_DEAR)
		return false;
	to = new_items(w, size);
	for (uint32_t i = 0; i < size; i++) {
		sg_ref arg[3];
		sg_node one = n;

		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = item(w, n.args[k], i);
		one.shape = sg_shape_scalar(w->b.sp);
		to[i] = sg_remake(&w->b, &one, arg);
	}
	set_items(w, r, size, to);
	return true;
}

/* Where element `at` of what movement r gives comes from; -1: it is 0, -2: that is not known. */
static int64_t
source_of(const split *w, const sg_node *n, uint32_t i)
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
split_movement(split *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = count(w, r);
	sg_ref *to;

	if (count(w, n.args[0]) == 0)
		return false;
	to = new_items(w, size);
	for (uint32_t i = 0; i < size; i++) {
		const int64_t from = source_of(w, &n, i);

		if (from == -2)
			return false;
		to[i] = from < 0 ? sg_const(&w->b, (sg_type)n.type, sg_shape_scalar(w->b.sp), 0)
		                 : item(w, n.args[0], (uint32_t)from);
	}
	set_items(w, r, size, to);
	return true;
}

static bool
split_concat(split *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t axis = (uint32_t)n.attr->w[0], size = count(w, r);
	sg_ref *to = new_items(w, size);

	for (uint32_t i = 0; i < size; i++) {
		uint32_t at[SG_MAX_RANK], k = 0;

		unravel(w, n.shape, i, at);
		for (;; k++) {
			const uint32_t e = extent(w, sg_node_at(w->old, n.args[k])->shape, axis);

			if (at[axis] < e)
				break;
			at[axis] -= e;
		}
		to[i] = item(w, n.args[k], ravel(w, sg_node_at(w->old, n.args[k])->shape, at));
	}
	set_items(w, r, size, to);
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
split_reduction(split *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const sg_shape *x = sg_node_at(w->old, n.args[0])->shape;
	const uint32_t nx = count(w, n.args[0]), size = count(w, r);
	sg_ref *to;

	if (nx == 0 || ((n.op == SG_AMAX || n.op == SG_AMIN) && n.type == SG_BOOL))
		return false;
	to = new_items(w, size);
	for (uint32_t i = 0; i < nx; i++) {
		uint32_t at[SG_MAX_RANK], left[SG_MAX_RANK], rank = 0, k;
		const sg_ref v = item(w, n.args[0], i);

		unravel(w, x, i, at);
		for (k = 0; k < x->rank; k++)
			if (!((uint64_t)n.attr->w[0] >> k & 1))
				left[rank++] = at[k];
		k = ravel(w, n.shape, left);
		to[k] = to[k] ? sg_ew2(&w->b, combiner(n.op), to[k], v) : v;
	}
	set_items(w, r, size, to);
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
split_contraction(split *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const int64_t *c = n.attr->w, *lx = c + 3, *ly = lx + c[0], *lo = ly + c[1];
	const sg_shape *x = sg_node_at(w->old, n.args[0])->shape,
		       *y = sg_node_at(w->old, n.args[1])->shape;
	const uint32_t nx = count(w, n.args[0]), ny = count(w, n.args[1]), size = count(w, r);
	sg_ref *to;
	uint32_t terms = 0;

	if (nx == 0 || ny == 0)
		return false;
	to = new_items(w, size);
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
			if (++terms > MOST_TERMS)
				return false;
			for (k = 0; k < n.shape->rank; k++) {
				const int at = find(lx, c[0], lo[k]);

				out[k] = at >= 0 ? ax[at] : ay[find(ly, c[1], lo[k])];
			}
			k = ravel(w, n.shape, out);
			const sg_ref v =
			    sg_ew2(&w->b, SG_MUL, item(w, n.args[0], i), item(w, n.args[1], j));
			to[k] = to[k] ? sg_ew2(&w->b, SG_ADD, to[k], v) : v;
		}
	set_items(w, r, size, to);
	return true;
}

static sg_ref
number(split *w, sg_type t, double v)
{
	return sg_const(&w->b, t, sg_shape_scalar(w->b.sp), v);
}

/* The sum of squares of x times s. */
static sg_ref
squares(split *w, uint32_t n, const sg_ref *x, sg_ref s)
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
 * Compilers compute that but where it is wanted: nothing else waits for it. */
static sg_ref
norm_of(split *w, sg_type t, uint32_t n, const sg_ref *x)
{
	sg_build *b = &w->b;
	const double shift = t == SG_F32 ? 0x1p80 : 0x1p600, far = t == SG_F32 ? 0x1p100 : 0x1p900;
	const sg_ref one = number(w, t, 1), up = number(w, t, shift),
		     down = number(w, t, 1 / shift);
	const sg_ref sum = squares(w, n, x, 0);
	const sg_ref near = sg_ew2(b, SG_AND, sg_ew2(b, SG_LT, number(w, t, 1 / far), sum),
	                           sg_ew2(b, SG_LT, sum, number(w, t, far)));
	sg_ref top = sg_ew1(b, SG_ABS, x[0]), large, scaled;

	for (uint32_t i = 1; i < n; i++)
		top = sg_ew2(b, SG_MAX, top, sg_ew1(b, SG_ABS, x[i]));
	large = sg_ew2(b, SG_LT, one, top);
	scaled = squares(w, n, x, sg_ew3(b, SG_SELECT, large, down, up));
	return sg_ew2(b, SG_MUL,
	              sg_ew3(b, SG_SELECT, near, one, sg_ew3(b, SG_SELECT, large, up, down)),
	              sg_ew1(b, SG_SQRT, sg_ew3(b, SG_SELECT, near, sum, scaled)));
}

/* The 2-norm of each row. */
static bool
split_norm(split *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const sg_shape *x = sg_node_at(w->old, n.args[0])->shape;
	const uint32_t size = count(w, r), nx = count(w, n.args[0]), row = size ? nx / size : 0;
	sg_ref *to, *term;

	if (row < 2 || x->rank == 0)
		return false;
	to = new_items(w, size);
	term = new_items(w, row);
	for (uint32_t i = 0; i < size; i++) {
		for (uint32_t k = 0; k < row; k++)
			term[k] = item(w, n.args[0], i * row + k);
		to[i] = norm_of(w, (sg_type)n.type, row, term);
	}
	set_items(w, r, size, to);
	return true;
}

/* ---- loops: carries by element ---- */

static bool
is_loop(uint16_t op)
{
	return op == SG_SCAN || op == SG_WHILE;
}

/* What stands for rows, and the carries of a tape, which is read whole, stay as they are, in all
 * loops that share the body. */
static void
choose_carries(split *w)
{
	for (int pass = 0; pass < 2; pass++)
		for (sg_ref r = 1; r < w->old->n; r++) {
			if (!w->live[r] || !is_loop(sg_node_at(w->old, r)->op))
				continue;
			const sg_loop l = sg_loop_of(w->old, r);

			for (uint32_t k = 0; k < l.nc; k++)
				if (pass == 0 && is_small(w, l.cparam[k]))
					w->is_split[l.cparam[k]] = true;
				else if (pass == 1 && l.tape)
					w->is_split[l.cparam[k]] = false;
			for (uint32_t k = 0; pass == 1 && k < l.nx; k++)
				w->is_split[l.xparam[k]] = false;
		}
}

static bool
split_seed(split *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = count(w, r);
	sg_ref *to;

	if (!w->is_split[r])
		return false;
	to = new_items(w, size);
	for (uint32_t i = 0; i < size; i++)
		to[i] = sg_seed(&w->b, (sg_type)n.type, sg_shape_scalar(w->b.sp),
		                sg_space_fresh(w->b.sp));
	set_items(w, r, size, to);
	return true;
}

static sg_ref *
all_whole(split *w, uint32_t n, const sg_ref *r)
{
	sg_ref *to = new_items(w, n + 1);

	for (uint32_t k = 0; k < n; k++)
		to[k] = whole(w, r[k]);
	return to;
}

static void
split_loop(split *w, sg_ref r)
{
	const sg_loop l = sg_loop_of(w->old, r);
	uint32_t n = 0, at = 0;
	sg_ref *init, *param, *next;
	sg_loop to = l;

	w->carry[r] = SG_NEW_ARRAY(w->b.ctx, uint32_t, l.nc + 1);
	for (uint32_t k = 0; k < l.nc; k++)
		n += w->is_split[l.cparam[k]] ? count(w, l.cparam[k]) : 1;
	init = new_items(w, n + 1);
	param = new_items(w, n + 1);
	next = new_items(w, n + 1);
	for (uint32_t k = 0; k < l.nc; k++) {
		const bool by_item = w->is_split[l.cparam[k]];
		const uint32_t size = by_item ? count(w, l.cparam[k]) : 1;

		w->carry[r][k] = at;
		for (uint32_t i = 0; i < size; i++, at++) {
			init[at] = by_item ? item(w, l.init[k], i) : whole(w, l.init[k]);
			param[at] = by_item ? item(w, l.cparam[k], i) : whole(w, l.cparam[k]);
			next[at] = by_item ? item(w, l.next[k], i) : whole(w, l.next[k]);
		}
	}
	w->carry[r][l.nc] = at;
	to.nc = n;
	to.init = init;
	to.cparam = param;
	to.next = next;
	to.xs = all_whole(w, l.nx, l.xs);
	to.xparam = all_whole(w, l.nx, l.xparam);
	to.out = all_whole(w, l.ns, l.out);
	to.count = l.count ? whole(w, l.count) : 0;
	to.cond = l.cond ? whole(w, l.cond) : 0;
	w->whole[r] = sg_loop_make(&w->b, &to);
}

static void
split_pick(split *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const sg_ref loop = n.args[0];
	const sg_loop l = sg_loop_of(w->old, loop);
	const uint32_t k = (uint32_t)n.attr->w[0];
	const uint32_t *carry = w->carry[loop];
	sg_ref *to;

	if (k >= l.nc) {
		w->whole[r] = sg_pick(&w->b, w->whole[loop], carry[l.nc] + k - l.nc);
		return;
	}
	if (!w->is_split[l.cparam[k]]) {
		w->whole[r] = sg_pick(&w->b, w->whole[loop], carry[k]);
		return;
	}
	to = new_items(w, count(w, r));
	for (uint32_t i = 0; i < count(w, r); i++)
		to[i] = sg_pick(&w->b, w->whole[loop], carry[k] + i);
	set_items(w, r, count(w, r), to);
}

/* ---- the walk ---- */

static bool
split_node(split *w, sg_ref r)
{
	const uint16_t op = sg_node_at(w->old, r)->op;

	if (sg_is_ew(op) || op == SG_CAST)
		return is_small(w, r) && split_elementwise(w, r);
	switch (op) {
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_BROADCAST:
	case SG_SLICE:
	case SG_PAD:
		return count(w, r) > 0 && split_movement(w, r);
	case SG_CONCAT:
		return is_small(w, r) && split_concat(w, r);
	case SG_SUM:
	case SG_PROD:
	case SG_AMAX:
	case SG_AMIN:
	case SG_ANY:
	case SG_ALL:
		return count(w, r) > 0 && split_reduction(w, r);
	case SG_CONTRACT:
		return count(w, r) > 0 && split_contraction(w, r);
	case SG_NORM:
		return count(w, r) > 0 && split_norm(w, r);
	case SG_SEED:
		return split_seed(w, r);
	case SG_SCAN:
	case SG_WHILE:
		split_loop(w, r);
		return true;
	case SG_PICK:
		split_pick(w, r);
		return true;
	default:
		return false;
	}
}

static void
rebuild(split *w)
{
	sg_ref *arg = NULL;
	size_t cap = 0;

	for (sg_ref r = 1; r < w->old->n; r++) {
		const sg_node n = w->old->node[r];

		if (!w->live[r])
			continue;
		w->b.g->here = w->old->span[r];
		if (split_node(w, r))
			continue;
		if (n.nargs > cap)
			arg = new_items(w, (uint32_t)(cap = 2 * n.nargs));
		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = whole(w, n.args[k]);
		w->whole[r] = sg_remake(&w->b, &n, arg);
		if (w->old->name[r] && !w->b.g->name[w->whole[r]])
			w->b.g->name[w->whole[r]] = w->old->name[r];
	}
}

/* Is there anything to gain, and not too much of it? */
static bool
is_wanted(const sg_program *p, const bool *live)
{
	size_t n = 0;

	for (sg_ref r = 1; r < p->g->n; r++) {
		const sg_node *x = sg_node_at(p->g, r);
		const uint32_t size = live[r] ? count_of(p->sp, x->shape, MOST) : 0;

		if (size > 1 && x->nargs > 0)
			n += size;
		if (n > BUDGET)
			return false;
	}
	return n > 0;
}

static sg_program *
copy_of(sg_ctx *ctx, const sg_program *p)
{
	sg_program *q = sg_copy(ctx, p, sizeof *p);

	if (p->ninputs)
		q->input = sg_copy(ctx, p->input, p->ninputs * sizeof *p->input);
	if (p->nentries)
		q->entry = sg_copy(ctx, p->entry, p->nentries * sizeof *p->entry);
	for (size_t e = 0; e < p->nentries; e++)
		if (p->entry[e].nout)
			q->entry[e].out = sg_copy(ctx, p->entry[e].out,
			                          p->entry[e].nout * sizeof *p->entry[e].out);
	return q;
}

const sg_program *
sg_split_small(sg_ctx *ctx, const sg_program *p)
{
	split w = {.b = {.ctx = ctx, .sp = p->sp}, .old = p->g};
	size_t nroots;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);
	sg_program *q;

	w.live = sg_graph_live(p->g, nroots, root);
	if (!is_wanted(p, w.live))
		return p;
	w.b.g = sg_graph_new(p->sp);
	w.whole = SG_NEW_ARRAY(ctx, sg_ref, p->g->n);
	w.item = SG_NEW_ARRAY(ctx, sg_ref *, p->g->n);
	w.carry = SG_NEW_ARRAY(ctx, uint32_t *, p->g->n);
	w.is_split = SG_NEW_ARRAY(ctx, bool, p->g->n);
	choose_carries(&w);
	rebuild(&w);
	for (size_t i = 0; i < nroots; i++)
		if (root[i])
			(void)whole(&w, root[i]);
	q = copy_of(ctx, p);
	sg_program_remap(q, w.b.g, w.whole);
	return q;
}
