/* build_struct.c - constructors of reductions, contractions, gathers, row ops; and remaking a node. */
#include "rules/build.h"

#include <string.h>

/* ---- reductions ---- */

static const sg_shape *
without(sg_build *b, const sg_shape *s, uint64_t mask)
{
	sg_ext e[SG_MAX_RANK];
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->rank; i++)
		if (!(mask >> i & 1))
			e[n++] = s->ext[i];
	return sg_shape_make(b->sp, n, e);
}

static sg_ref
raw_reduce(sg_build *b, sg_op op, sg_ref x, uint64_t mask)
{
	int64_t w = (int64_t)mask;

	return sg_raw(b, op, sg_type_of(b, x), without(b, sg_shape_of(b, x), mask), 1, &x,
	              sg_attr_make(b->sp, 1, &w));
}

/* The product of the extents in the mask. */
static sg_ext
extent_of(sg_build *b, const sg_shape *s, uint64_t mask)
{
	sg_ext e = sg_ext_int(b->sp, 1);

	for (uint32_t i = 0; i < s->rank; i++)
		if (mask >> i & 1)
			e = sg_ext_mul(b->sp, e, s->ext[i]);
	return e;
}

/* May some extent in the mask be negative? That is an error, which no number stands for. */
static bool
may_be_negative(sg_build *b, const sg_shape *s, uint64_t mask)
{
	for (uint32_t i = 0; i < s->rank; i++)
		if (mask >> i & 1 && !sg_ext_nonneg(b->sp, s->ext[i]))
			return true;
	return false;
}

/* Sum of a constant, or over axes along which the operand is broadcast: a product by the extent. Only
 * where the extent is known or the value finite, since 0 times inf is not a sum over nothing. */
static sg_ref
sum_of_equal(sg_build *b, sg_ref x, uint64_t mask)
{
	const sg_node n = sg_at(b, x);
	sg_ext count = extent_of(b, n.shape, mask);
	double v;
	int64_t c;

	if (sg_is_const(b, x, &v) && !may_be_negative(b, n.shape, mask) &&
	    (isfinite(v) || (sg_ext_const(b->sp, count, &c) && c > 0))) {
		const sg_shape *s = without(b, n.shape, mask), *unit = sg_shape_scalar(b->sp);
		sg_ref times = sg_cast(b, sg_dim_value(b, count), (sg_type)n.type);
		sg_ref k = sg_raw(b, SG_CONST, (sg_type)n.type, unit, 0, NULL, n.attr);

		return sg_broadcast(b, sg_ew2(b, SG_MUL, k, times), s, NULL);
	}
	return 0;
}

/* sum(c*x) -> c*sum(x) for a finite constant c. */
static sg_ref
sum_of_scaled(sg_build *b, sg_ref x, uint64_t mask)
{
	const sg_node n = sg_at(b, x);
	double v;

	if (n.op == SG_NEG)
		return sg_ew1(b, SG_NEG, sg_reduce(b, SG_SUM, n.args[0], mask));
	if (n.op != SG_MUL || !sg_type_is_float((sg_type)n.type))
		return 0;
	for (int k = 0; k < 2; k++)
		if (sg_is_const(b, n.args[k], &v) && isfinite(v)) {
			const sg_node c = sg_at(b, n.args[k]);
			const sg_shape *s = without(b, n.shape, mask);
			sg_ref factor = sg_raw(b, SG_CONST, (sg_type)n.type, s, 0, NULL, c.attr);

			return sg_ew2(b, SG_MUL, factor, sg_reduce(b, SG_SUM, n.args[1 - k], mask));
		}
	return 0;
}

/* The axis that stays and along which x does not vary, or -1. */
static int
equal_axis(const sg_build *b, sg_ref x, uint64_t mask)
{
	const sg_node n = sg_at(b, x);
	uint64_t varies = mask;

	if (n.op != SG_BROADCAST)
		return -1;
	for (uint32_t i = 0; i < sg_shape_of(b, n.args[0])->rank; i++)
		varies |= (uint64_t)1 << n.attr->w[i];
	for (uint32_t k = 0; k < n.shape->rank; k++)
		if (!(varies >> k & 1))
			return (int)k;
	return -1;
}

/* A sum of what is equal along an axis that stays: of one such slice, and then broadcast. */
static sg_ref
sum_of_slice(sg_build *b, sg_ref x, uint64_t mask)
{
	const int k = equal_axis(b, x, mask);
	const sg_node n = sg_at(b, x);
	int64_t axis[SG_MAX_RANK];
	uint32_t at = 0;

	if (k < 0)
		return 0;
	const uint64_t low = sg_all_axes((uint32_t)k);
	for (uint32_t i = 0; i < sg_shape_of(b, n.args[0])->rank; i++)
		axis[i] = n.attr->w[i] - (n.attr->w[i] > k);
	x = sg_broadcast(b, n.args[0], without(b, n.shape, (uint64_t)1 << k), axis);
	x = sg_reduce(b, SG_SUM, x, (mask & low) | (mask >> 1 & ~low));
	for (uint32_t i = 0, stays = 0; i < n.shape->rank; i++) {
		if (i != (uint32_t)k && !(mask >> i & 1))
			axis[at++] = stays;
		stays += !(mask >> i & 1);
	}
	return sg_broadcast(b, x, without(b, n.shape, mask), axis);
}

/* op over all of the outer mask, after op over the inner one: one reduction. */
static sg_ref
merge(sg_build *b, sg_op op, const sg_node *inner, uint64_t mask)
{
	const uint32_t rank = sg_shape_of(b, inner->args[0])->rank;
	uint64_t both = (uint64_t)inner->attr->w[0];

	for (uint32_t i = 0, k = 0; i < rank; i++)
		if (!((uint64_t)inner->attr->w[0] >> i & 1))
			both |= (mask >> k++ & 1) << i;
	return sg_reduce(b, op, inner->args[0], both);
}

/* The count along one axis that x is, spread over the others; 0: it is none. */
static sg_ref
counted(const sg_build *b, sg_ref x, uint32_t *axis)
{
	const sg_node n = sg_at(b, x);

	if (n.op != SG_BROADCAST || sg_at(b, n.args[0]).op != SG_IOTA)
		return 0;
	*axis = (uint32_t)n.attr->w[0];
	return n.args[0];
}

/* any(arange(n)[:, none] >= arange(n), axis=0 or 1): each number of the axis that stays meets itself. Causal
 * attention asks so whether a row has an element. */
static bool
meets_itself(const sg_build *b, sg_ref x, uint64_t mask)
{
	uint32_t one, other;
	sg_node n = sg_at(b, x);

	if (n.op == SG_BROADCAST) {
		uint64_t inner = 0;

		for (uint32_t i = 0; i < sg_shape_of(b, n.args[0])->rank; i++)
			if (mask == (uint64_t)1 << n.attr->w[i])
				inner = (uint64_t)1 << i;
		mask = inner;
		n = sg_at(b, n.args[0]);
	}
	if (n.op != SG_LE && n.op != SG_EQ)
		return false;
	const sg_ref count = counted(b, n.args[0], &one);

	return count && count == counted(b, n.args[1], &other) && one != other &&
	       (mask == (uint64_t)1 << one || mask == (uint64_t)1 << other);
}

sg_ref
sg_reduce(sg_build *b, sg_op op, sg_ref x, uint64_t mask)
{
	const sg_node n = sg_at(b, x);
	sg_ref r;

	if (!mask)
		return x;
	for (uint32_t i = n.shape->rank; i-- > 0;) /* an axis of extent 1 just goes */
		if ((mask >> i & 1) && sg_is_one(b, n.shape->ext[i])) {
			const uint64_t low = mask & sg_all_axes(i), high = mask >> (i + 1) << i;

			return sg_reduce(b, op, sg_squeeze(b, x, i), low | high);
		}
	if (op == SG_SUM && ((r = sum_of_equal(b, x, mask)) || (r = sum_of_scaled(b, x, mask)) ||
	                     (r = sum_of_slice(b, x, mask))))
		return r;
	if (op == SG_ANY && meets_itself(b, x, mask))
		return sg_const_int(b, SG_BOOL, without(b, n.shape, mask), 1);
	if (n.op == op)
		return merge(b, op, &n, mask);
	return raw_reduce(b, op, x, mask);
}

sg_ref
sg_argm(sg_build *b, sg_op op, sg_ref x, uint32_t axis)
{
	int64_t w = axis;

	return sg_raw(b, op, SG_I64, without(b, sg_shape_of(b, x), (uint64_t)1 << axis), 1, &x,
	              sg_attr_make(b->sp, 1, &w));
}

sg_ref
sg_cumsum(sg_build *b, sg_ref x)
{
	return sg_raw(b, SG_CUMSUM, sg_type_of(b, x), sg_shape_of(b, x), 1, &x, NULL);
}

sg_ref
sg_linrec(sg_build *b, sg_ref a, sg_ref c)
{
	sg_ref args[2] = {a, c};

	return sg_raw(b, SG_LINREC, sg_type_of(b, c), sg_shape_of(b, c), 2, args, NULL);
}

sg_ref
sg_row_op(sg_build *b, sg_op op, sg_ref x)
{
	const sg_shape *s = sg_shape_of(b, x);
	const bool goes = op == SG_LOGSUMEXP || op == SG_NORM;

	return sg_raw(b, op, sg_type_of(b, x),
	              goes ? without(b, s, (uint64_t)1 << (s->rank - 1)) : s, 1, &x, NULL);
}

sg_ref
sg_random(sg_build *b, sg_op op, const sg_shape *s, sg_ref seed)
{
	return sg_raw(b, op, SG_F64, s, 1, &seed, NULL);
}

/* ---- gather and scatter ---- */

sg_ref
sg_gather(sg_build *b, sg_ref x, sg_ref idx, uint32_t axis, uint32_t nbatch)
{
	const sg_shape *s = sg_shape_of(b, x), *i = sg_shape_of(b, idx);
	sg_ref args[2] = {x, idx};
	int64_t w[2] = {axis, nbatch};
	sg_ext e[SG_MAX_RANK];
	uint32_t n = 0;

	for (uint32_t k = 0; k < axis; k++)
		e[n++] = s->ext[k];
	for (uint32_t k = nbatch; k < i->rank; k++)
		e[n++] = i->ext[k];
	for (uint32_t k = axis + 1; k < s->rank; k++)
		e[n++] = s->ext[k];
	return sg_raw(b, SG_GATHER, sg_type_of(b, x), sg_shape_make(b->sp, n, e), 2, args,
	              sg_attr_make(b->sp, 2, w));
}

sg_ref
sg_scatter(sg_build *b, const sg_shape *s, sg_ref idx, sg_ref v, uint32_t axis, uint32_t nbatch)
{
	sg_ref args[2] = {idx, v};
	int64_t w[2] = {axis, nbatch};

	return sg_raw(b, SG_SCATTER, sg_type_of(b, v), s, 2, args, sg_attr_make(b->sp, 2, w));
}

sg_ref
sg_last_writer(sg_build *b, sg_ref idx, sg_ext n)
{
	const sg_shape *s = sg_shape_of(b, idx);
	sg_ext e[SG_MAX_RANK];

	memcpy(e, s->ext, s->rank * sizeof *e);
	e[s->rank - 1] = n;
	return sg_raw(b, SG_WRITER, SG_I64, sg_shape_make(b->sp, s->rank, e), 1, &idx, NULL);
}

/* ---- contraction ---- */

typedef struct operand {
	sg_ref ref;
	uint32_t n;
	int64_t label[SG_MAX_RANK];
} operand;

static int
find(uint32_t n, const int64_t *w, int64_t label)
{
	for (uint32_t i = 0; i < n; i++)
		if (w[i] == label)
			return (int)i;
	return -1;
}

static void
drop_label(operand *o, uint32_t at)
{
	memmove(o->label + at, o->label + at + 1, (o->n - at - 1) * sizeof *o->label);
	o->n--;
}

/* Axis k of the operand has extent 1: it goes. */
static void
squeeze_axis(sg_build *b, operand *o, uint32_t k)
{
	o->ref = sg_squeeze(b, o->ref, k);
	drop_label(o, k);
}

static void
sum_axis(sg_build *b, operand *o, uint32_t k)
{
	o->ref = sg_reduce(b, SG_SUM, o->ref, (uint64_t)1 << k);
	drop_label(o, k);
}

/* The axis of o that its value does not vary along, or -1. */
static int
constant_axis(const sg_build *b, const operand *o)
{
	const sg_node n = sg_at(b, o->ref);

	if (o->n && n.op == SG_CONST)
		return 0;
	if (n.op != SG_BROADCAST)
		return -1;
	for (uint32_t k = 0; k < o->n; k++)
		if (find(sg_shape_of(b, n.args[0])->rank, n.attr ? n.attr->w : NULL, k) < 0)
			return (int)k;
	return -1;
}

/* The operand without axis k, along which it does not vary. */
static void
unbroadcast(sg_build *b, operand *o, uint32_t k)
{
	const sg_node n = sg_at(b, o->ref);
	const sg_shape *s = without(b, n.shape, (uint64_t)1 << k);
	int64_t axis[SG_MAX_RANK];

	if (n.op == SG_CONST) {
		o->ref = sg_raw(b, SG_CONST, (sg_type)n.type, s, 0, NULL, n.attr);
	} else {
		const uint32_t r0 = sg_shape_of(b, n.args[0])->rank;

		for (uint32_t i = 0; i < r0; i++)
			axis[i] = n.attr->w[i] < k ? n.attr->w[i] : n.attr->w[i] - 1;
		o->ref = sg_broadcast(b, n.args[0], s, axis);
	}
	drop_label(o, k);
}

/* The operand with its axes as the labels lo say, broadcast along those that it has not. */
static sg_ref
spread(sg_build *b, const operand *o, const sg_shape *s, const int64_t *lo)
{
	int64_t perm[SG_MAX_RANK], axis[SG_MAX_RANK];
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->rank; i++) {
		int at = find(o->n, o->label, lo[i]);

		if (at >= 0)
			perm[n] = at, axis[n++] = i;
	}
	return sg_broadcast(b, sg_transpose(b, o->ref, perm), s, axis);
}

static sg_ref
raw_contract(sg_build *b, const operand *x, const operand *y, const sg_shape *s, const int64_t *lo)
{
	int64_t w[3 + 3 * SG_MAX_RANK] = {x->n, y->n, s->rank}, name[4 * SG_MAX_RANK];
	sg_ref args[2] = {x->ref, y->ref};
	uint32_t n = 3, names = 0;
	const struct {
		const int64_t *label;
		uint32_t n;
	} part[3] = {{x->label, x->n}, {y->label, y->n}, {lo, s->rank}};

	/* Labels renumbered in order of appearance, so that equal contractions are equal nodes. */
	for (int p = 0; p < 3; p++)
		for (uint32_t i = 0; i < part[p].n; i++) {
			int at = find(names, name, part[p].label[i]);

			if (at < 0)
				name[at = (int)names++] = part[p].label[i];
			w[n++] = at;
		}
	return sg_raw(b, SG_CONTRACT, sg_type_of(b, x->ref), s, 2, args, sg_attr_make(b->sp, n, w));
}

/* Labels do what a transpose does. */
static void
untranspose(sg_build *b, operand *o)
{
	const sg_node n = sg_at(b, o->ref);
	int64_t label[SG_MAX_RANK];

	for (uint32_t k = 0; k < o->n; k++)
		label[n.attr->w[k]] = o->label[k];
	memcpy(o->label, label, o->n * sizeof *label);
	o->ref = n.args[0];
}

/* Takes what is no real contraction out of x and y: labels that only one operand has and that are
 * summed, axes of extent 1 and axes along which an operand does not vary. `scale` collects the extents
 * of summed labels that no operand has any more. */
static bool
reduce_step(sg_build *b, operand *x, operand *y, uint32_t no, const int64_t *lo, sg_ext *scale)
{
	if (sg_is_op(b, x->ref, SG_TRANSPOSE))
		return untranspose(b, x), true;
	for (uint32_t k = 0; k < x->n; k++) {
		const bool out = find(no, lo, x->label[k]) >= 0;
		const int other = find(y->n, y->label, x->label[k]);

		if (!out && other < 0)
			return sum_axis(b, x, k), true;
		if (sg_is_one(b, sg_shape_of(b, x->ref)->ext[k])) {
			if (other >= 0)
				squeeze_axis(b, y, (uint32_t)other);
			return squeeze_axis(b, x, k), true;
		}
	}
	const int k = constant_axis(b, x);
	if (k < 0)
		return false;
	const int64_t label = x->label[k];
	const sg_ext extent = sg_shape_of(b, x->ref)->ext[k];
	const bool out = find(no, lo, label) >= 0;
	unbroadcast(b, x, (uint32_t)k);
	if (!out && find(y->n, y->label, label) < 0)
		*scale = sg_ext_mul(b->sp, *scale, extent);
	return true;
}

/* Is a label that the operands have left summed? */
static bool
is_contraction(const operand *x, uint32_t no, const int64_t *lo)
{
	for (uint32_t i = 0; i < x->n; i++)
		if (find(no, lo, x->label[i]) < 0)
			return true;
	return false;
}

/* A sign stays outside of the sum. */
static bool
strip_sign(sg_build *b, operand *o, bool *minus)
{
	if (!sg_is_op(b, o->ref, SG_NEG))
		return false;
	o->ref = sg_arg(b->g, o->ref, 0);
	*minus = !*minus;
	return true;
}

sg_ref
sg_contract(sg_build *b, sg_ref xr, const int64_t *lx, sg_ref yr, const int64_t *ly, uint32_t no,
            const int64_t *lo)
{
	operand x = {.ref = xr, .n = sg_shape_of(b, xr)->rank};
	operand y = {.ref = yr, .n = sg_shape_of(b, yr)->rank};
	sg_ext e[SG_MAX_RANK], scale = sg_ext_int(b->sp, 1);
	bool minus = false;

	if (x.n)
		memcpy(x.label, lx, x.n * sizeof *lx);
	if (y.n)
		memcpy(y.label, ly, y.n * sizeof *ly);
	for (uint32_t i = 0; i < no; i++) {
		const int at = find(x.n, x.label, lo[i]), to = find(y.n, y.label, lo[i]);

		e[i] = at >= 0 ? sg_shape_of(b, xr)->ext[at] : sg_shape_of(b, yr)->ext[to];
	}
	const sg_shape *s = sg_shape_make(b->sp, no, e);
	while (reduce_step(b, &x, &y, no, lo, &scale) || reduce_step(b, &y, &x, no, lo, &scale) ||
	       (is_contraction(&x, no, lo) &&
	        (strip_sign(b, &x, &minus) || strip_sign(b, &y, &minus))))
		continue;
	/* Scalar factors stay outside of the sum. */
	sg_ref r = 0, factor = 0;
	if (is_contraction(&x, no, lo)) {
		/* labels of out that neither has are broadcast afterwards */
		int64_t in[SG_MAX_RANK], axis[SG_MAX_RANK];
		sg_ext ie[SG_MAX_RANK];
		uint32_t ni = 0;

		for (uint32_t i = 0; i < no; i++)
			if (find(x.n, x.label, lo[i]) >= 0 || find(y.n, y.label, lo[i]) >= 0)
				in[ni] = lo[i], ie[ni] = e[i], axis[ni++] = i;
		r = raw_contract(b, &x, &y, sg_shape_make(b->sp, ni, ie), in);
		r = sg_broadcast(b, r, s, axis);
	} else {
		r = spread(b, &y, s, lo);
		r = sg_ew2(b, SG_MUL, spread(b, &x, s, lo), r);
	}
	if (minus)
		r = sg_ew1(b, SG_NEG, r);
	if (!sg_is_one(b, scale)) {
		factor = sg_cast(b, sg_dim_value(b, scale), sg_type_of(b, r));
		r = sg_ew2(b, SG_MUL, sg_broadcast(b, factor, s, NULL), r);
	}
	return r;
}

sg_ref
sg_matmul(sg_build *b, sg_ref x, sg_ref y)
{
	const sg_ref solved = b->stabilise ? sg_product_of_inverse(b, x, y) : 0;

	if (solved)
		return solved;
	uint32_t rx = sg_shape_of(b, x)->rank, ry = sg_shape_of(b, y)->rank;
	int64_t lx[SG_MAX_RANK], ly[SG_MAX_RANK], lo[SG_MAX_RANK];
	uint32_t no = 0;
	enum { ROW = 100, COL = 101, SUM = 102 };
	const uint32_t bx = rx > 2 ? rx - 2 : 0, by = ry > 2 ? ry - 2 : 0, nb = bx > by ? bx : by;

	/* Batch axis i counts from the end of the batch: extent 1 there stands for all. */
	for (uint32_t i = nb; i-- > 0;) {
		lo[no++] = (int64_t)i;
		for (int side = 0; side < 2; side++) {
			sg_ref *o = side ? &y : &x, p = side ? x : y;
			const uint32_t bo = side ? by : bx, bp = side ? bx : by;

			if (i < bo && i < bp && sg_is_one(b, sg_shape_of(b, *o)->ext[bo - 1 - i]) &&
			    !sg_is_one(b, sg_shape_of(b, p)->ext[bp - 1 - i])) {
				const sg_shape *s = sg_shape_of(b, *o);
				sg_ext e[SG_MAX_RANK];

				memcpy(e, s->ext, s->rank * sizeof *e);
				e[bo - 1 - i] = sg_shape_of(b, p)->ext[bp - 1 - i];
				*o = sg_broadcast_right(b, *o, sg_shape_make(b->sp, s->rank, e));
			}
		}
	}
	for (uint32_t i = 0; i < bx; i++)
		lx[i] = bx - 1 - i;
	for (uint32_t i = 0; i < by; i++)
		ly[i] = by - 1 - i;
	if (rx > 1)
		lx[rx - 2] = lo[no++] = ROW;
	lx[rx - 1] = SUM;
	if (ry > 1) {
		ly[ry - 2] = SUM;
		ly[ry - 1] = lo[no++] = COL;
	} else {
		ly[0] = SUM;
	}
	return sg_contract(b, x, lx, y, ly, no, lo);
}

/* ---- derivatives, custom rules ---- */

sg_ref
sg_deriv(sg_build *b, sg_deriv_kind kind, sg_deriv_mode mode, sg_ref y, sg_ref x, sg_ref v)
{
	const sg_shape *sy = sg_shape_of(b, y), *sx = sg_shape_of(b, x), *s = sx;
	sg_type t = sg_type_of(b, x);
	int64_t w[2] = {kind, mode};
	sg_ref args[3] = {y, x, v};

	if (kind == SG_JVP)
		s = sy, t = sg_type_of(b, y);
	if (kind == SG_JACOBIAN || kind == SG_HESSIAN) {
		const sg_shape *lead = kind == SG_JACOBIAN ? sy : sx;
		sg_ext e[2 * SG_MAX_RANK];

		memcpy(e, lead->ext, lead->rank * sizeof *e);
		memcpy(e + lead->rank, sx->ext, sx->rank * sizeof *e);
		s = sg_shape_make(b->sp, lead->rank + sx->rank, e);
		t = sg_type_of(b, y);
	}
	return sg_raw(b, SG_DERIV, t, s, v ? 3 : 2, args, sg_attr_make(b->sp, 2, w));
}

sg_ref
sg_custom(sg_build *b, int64_t nparams, int64_t nresults, int64_t k, const sg_ref *args)
{
	const int64_t w[3] = {nparams, nresults, k};

	return sg_raw(b, SG_CUSTOM, sg_type_of(b, args[0]), sg_shape_of(b, args[0]),
	              (uint32_t)(1 + nresults + 2 * nparams), args, sg_attr_make(b->sp, 3, w));
}

sg_ref
sg_map_node(sg_build *b, uint32_t n, const sg_ref *xs, const sg_ref *slice, sg_ref result)
{
	const sg_shape *s = sg_shape_of(b, result);
	sg_ref *args = SG_NEW_ARRAY(b->ctx, sg_ref, 2 * n + 1);
	sg_ext ext[SG_MAX_RANK + 1] = {sg_shape_of(b, xs[0])->ext[0]};
	const int64_t w = n;

	memcpy(args, xs, n * sizeof *xs);
	memcpy(args + n, slice, n * sizeof *slice);
	args[2 * n] = result;
	memcpy(ext + 1, s->ext, s->rank * sizeof *ext);
	return sg_raw(b, SG_MAP, sg_type_of(b, result), sg_shape_make(b->sp, s->rank + 1, ext),
	              2 * n + 1, args, sg_attr_make(b->sp, 1, &w));
}

/* ---- remaking ---- */

static sg_ref
remake_range(sg_build *b, const sg_node *n, sg_ref x)
{
	const uint32_t rank = n->shape->rank;
	sg_ext start[SG_MAX_RANK], step[SG_MAX_RANK];

	for (uint32_t i = 0; i < rank; i++)
		start[i] = (sg_ext)n->attr->w[i], step[i] = (sg_ext)n->attr->w[rank + i];
	return n->op == SG_SLICE ? sg_slice(b, x, n->shape, start, step)
	                         : sg_pad(b, x, n->shape, start, step);
}

static sg_ref
remake_window(sg_build *b, const sg_node *n, sg_ref x)
{
	const sg_windowing w = sg_windowing_of(b->sp, n);

	return n->op == SG_UNWINDOW ? sg_unwindow(b, x, n->shape, w)
	                            : sg_window(b, x, w, n->shape->ext[w.axis + 1], n->shape->ext[w.at]);
}

sg_ref
sg_remake(sg_build *b, const sg_node *n, const sg_ref *a)
{
	const sg_op op = (sg_op)n->op;
	const int64_t *w = n->attr ? n->attr->w : NULL;

	if (sg_is_ew(n->op))
		return n->nargs == 1   ? sg_ew1(b, op, a[0])
		       : n->nargs == 2 ? sg_ew2(b, op, a[0], a[1])
		                       : sg_ew3(b, op, a[0], a[1], a[2]);
	switch (op) {
	case SG_CAST: return sg_cast(b, a[0], (sg_type)n->type);
	case SG_RESHAPE: return sg_reshape(b, a[0], n->shape);
	case SG_TRANSPOSE: return sg_transpose(b, a[0], w);
	case SG_BROADCAST: return sg_broadcast(b, a[0], n->shape, w);
	case SG_SLICE:
	case SG_PAD: return remake_range(b, n, a[0]);
	case SG_WINDOW:
	case SG_UNWINDOW: return remake_window(b, n, a[0]);
	case SG_CONCAT: return sg_concat(b, n->nargs, a, (uint32_t)w[0]);
	case SG_GATHER: return sg_gather(b, a[0], a[1], (uint32_t)w[0], (uint32_t)w[1]);
	case SG_SUM:
	case SG_PROD:
	case SG_AMAX:
	case SG_AMIN:
	case SG_ANY:
	case SG_ALL: return sg_reduce(b, op, a[0], (uint64_t)w[0]);
	case SG_SCAN:
	case SG_WHILE: return sg_loop_remake(b, n, a);
	case SG_PICK: return sg_pick(b, a[0], (uint32_t)w[0]);
	case SG_CONTRACT:
		return sg_contract(b, a[0], w + 3, a[1], w + 3 + w[0], (uint32_t)w[2],
		                   w + 3 + w[0] + w[1]);
	default:
		return sg_raw(b, op, (sg_type)n->type, n->shape, n->nargs, a, n->attr);
	}
}
