/* emit_random.h - for check_emit.c: random programs.
 *
 * A pool of values grows by random ops on random members. Each is kept bounded, and each knows
 * whether all ways of computing it agree to the bit (no sums of floats above it): only then may it
 * be compared, rounded or made an index, so that an honest difference in the last bits never
 * becomes a large one. */
#ifndef SG_TESTS_EMIT_RANDOM_H
#define SG_TESTS_EMIT_RANDOM_H

#include "graph_test.h"

#include "back/back.h"

enum { MAX_POOL = 400 };

typedef struct pool {
	world *w;
	sg_type real;
	sg_ref item[MAX_POOL];
	bool exact[MAX_POOL];
	uint32_t n;
} pool;

static inline uint32_t
below(world *w, uint32_t n)
{
	return (uint32_t)uniform(w, 0, n) % n;
}

/* For the largest dimensions that are tried. */
static inline bool
is_large(const pool *p, sg_ref r)
{
	const int64_t dims[NDIMS] = {300, 7, 4};
	sg_tensor t;

	return sg_tensor_shape(p->w->b.g, r, dims, &t) != SGRT_OK || t.count > 100000;
}

/* Its place; 0 where it is too large to be taken. */
static inline uint32_t
add(pool *p, sg_ref r, bool exact)
{
	if (is_large(p, r))
		return 0;
	CLAIM(p->n < MAX_POOL, "the pool is full");
	p->item[p->n] = r;
	p->exact[p->n] = exact;
	return p->n++;
}

static inline sg_type
type_at(const pool *p, uint32_t i)
{
	return sg_type_of(&p->w->b, p->item[i]);
}

static inline const sg_shape *
shape_at(const pool *p, uint32_t i)
{
	return sg_shape_of(&p->w->b, p->item[i]);
}

/* Some member that is a float, of rank least to most; the last resort is member 0. */
static inline uint32_t
pick_real(pool *p, uint32_t least, uint32_t most)
{
	for (int tries = 0; tries < 60; tries++) {
		uint32_t i = below(p->w, p->n), r = shape_at(p, i)->rank;

		if (type_at(p, i) == p->real && r >= least && r <= most)
			return i;
	}
	return 0;
}

/* A float member of this shape: an old one or a broadcast scalar. */
static inline uint32_t
pick_alike(pool *p, const sg_shape *s)
{
	uint32_t i;

	for (int tries = 0; tries < 60; tries++) {
		i = below(p->w, p->n);
		if (type_at(p, i) == p->real && shape_at(p, i) == s)
			return i;
	}
	i = pick_real(p, 0, 0);
	if (shape_at(p, i)->rank > 0)
		return add(p, sg_const(&p->w->b, p->real, s, 0.5), true);
	return add(p, sg_broadcast(&p->w->b, p->item[i], s, NULL), p->exact[i]);
}

static inline uint32_t
pick_exact(pool *p)
{
	for (int tries = 0; tries < 60; tries++) {
		uint32_t i = below(p->w, p->n);

		if (type_at(p, i) == p->real && p->exact[i])
			return i;
	}
	return 0;
}

/* ---- elementwise ---- */

static inline void
random_unary(pool *p)
{
	static const sg_op op[] = {SG_NEG,  SG_ABS, SG_SQUARE,   SG_TANH, SG_SIGMOID, SG_SIN,
	                           SG_RELU, SG_EXP, SG_SOFTPLUS, SG_COS,  SG_ERF,     SG_ATAN};
	const uint32_t i = pick_real(p, 0, 4);
	sg_build *b = &p->w->b;
	sg_op k = op[below(p->w, sizeof op / sizeof *op)];
	sg_ref x = p->item[i];

	if (k == SG_EXP || k == SG_SQUARE)
		x = sg_ew1(b, SG_TANH, x);
	add(p, sg_ew1(b, k, x), p->exact[i]);
}

static inline void
random_binary(pool *p)
{
	static const sg_op op[] = {SG_ADD, SG_SUB, SG_MUL, SG_MAX, SG_MIN, SG_HYPOT, SG_ATAN2};
	const uint32_t i = pick_real(p, 0, 4), j = pick_alike(p, shape_at(p, i));
	sg_ref r = sg_ew2(&p->w->b, op[below(p->w, 7)], p->item[i], p->item[j]);

	add(p, below(p->w, 3) ? r : sg_ew1(&p->w->b, SG_TANH, r), p->exact[i] && p->exact[j]);
}

static inline void
random_choice(pool *p)
{
	static const sg_op cmp[] = {SG_LT, SG_LE, SG_EQ, SG_NE};
	sg_build *b = &p->w->b;
	const uint32_t i = pick_exact(p);
	const sg_shape *s = shape_at(p, i);
	const uint32_t x = pick_alike(p, s), y = pick_alike(p, s);
	sg_ref zero = sg_const(b, p->real, s, 0.25);
	sg_ref c = sg_ew2(b, cmp[below(p->w, 4)], p->item[i], zero);

	if (below(p->w, 2))
		c = sg_ew2(b, below(p->w, 2) ? SG_AND : SG_OR, c,
		           sg_ew2(b, SG_LT, zero, sg_ew1(b, SG_NEG, p->item[i])));
	if (below(p->w, 3) == 0)
		c = sg_ew1(b, SG_NOT, c);
	if (below(p->w, 3) == 0) {
		add(p, sg_cast(b, c, p->real), true);
		return;
	}
	add(p, sg_ew3(b, SG_SELECT, c, p->item[x], p->item[y]), p->exact[x] && p->exact[y]);
}

static inline sg_ref
all_axes(sg_build *b, sg_op op, sg_ref x)
{
	return sg_reduce(b, op, x, ((uint64_t)1 << sg_shape_of(b, x)->rank) - 1);
}

/* A branch that is taken as a whole, with work of its own on either side, or within another. */
static inline void
random_branch(pool *p)
{
	sg_build *b = &p->w->b;
	const uint32_t i = pick_exact(p), x = pick_real(p, 0, 3);
	const sg_shape *s = shape_at(p, x), *si = shape_at(p, i);
	const uint32_t y = pick_alike(p, s);
	sg_ref c = sg_ew2(b, SG_LT, p->item[i], sg_const(b, p->real, si, 0.3)), side[2];
	const bool folds = below(p->w, 3) == 0;

	c = sg_broadcast(b, all_axes(b, SG_ANY, c), s, NULL);
	side[0] = sg_ew1(b, SG_TANH, sg_ew2(b, SG_MUL, p->item[x], sg_ew1(b, SG_SIN, p->item[y])));
	side[1] = sg_ew1(b, SG_SIGMOID, p->item[y]);
	if (folds) {
		side[1] = sg_ew1(b, SG_TANH, all_axes(b, SG_SUM, side[1]));
		side[1] = sg_broadcast(b, side[1], s, NULL);
	}
	if (below(p->w, 2)) { /* another condition within the side, of which one half is true */
		const uint32_t j = pick_exact(p);
		const sg_ref low = sg_ew2(b, SG_LT, p->item[j],
		                          sg_const(b, p->real, shape_at(p, j), 0.1)),
			     two = sg_ew2(b, SG_LT, side[0], sg_const(b, p->real, s, 2));
		const sg_ref d =
		    sg_ew2(b, SG_AND, all_axes(b, SG_ALL, two), all_axes(b, SG_ANY, low));

		side[0] = sg_ew3(b, SG_SELECT, sg_broadcast(b, d, s, NULL),
		                 sg_ew1(b, SG_COS, side[0]), side[0]);
	}
	add(p, sg_ew3(b, SG_SELECT, c, side[below(p->w, 2)], below(p->w, 2) ? p->item[x] : side[1]),
	    p->exact[x] && p->exact[y] && !folds);
}

/* Integers from an exact member, back to a float. */
static inline void
random_integer(pool *p)
{
	static const sg_op op[] = {SG_ADD, SG_SUB, SG_MUL, SG_FLOORDIV, SG_MOD, SG_MAX, SG_MIN};
	sg_build *b = &p->w->b;
	const uint32_t i = pick_exact(p);
	const sg_type t = below(p->w, 2) ? SG_I32 : SG_I64;
	sg_ref x =
	    sg_cast(b, sg_ew2(b, SG_MUL, p->item[i], sg_const(b, p->real, shape_at(p, i), 7)), t);
	sg_ref y = sg_const_int(b, t, shape_at(p, i), below(p->w, 2) ? 3 : -4);

	x = sg_ew2(b, op[below(p->w, 7)], x, y);
	x = sg_ew2(b, SG_MOD, x, sg_const_int(b, t, shape_at(p, i), 5));
	if (below(p->w, 4) == 0)
		x = sg_cast(b, x, t == SG_I32 ? SG_I64 : SG_I32);
	add(p, sg_cast(b, x, p->real), true);
}

/* ---- movement ---- */

static inline void
random_transpose(pool *p)
{
	const uint32_t i = pick_real(p, 2, 4), rank = shape_at(p, i)->rank;
	int64_t perm[SG_MAX_RANK];

	for (uint32_t k = 0; k < rank; k++)
		perm[k] = k;
	for (uint32_t k = rank; k-- > 1;) {
		uint32_t j = below(p->w, k + 1);
		int64_t t = perm[k];

		perm[k] = perm[j];
		perm[j] = t;
	}
	add(p, sg_transpose(&p->w->b, p->item[i], perm), p->exact[i]);
}

/* Merges two axes, splits an extent by a constant factor that it has, or adds an axis of 1. */
static inline void
random_reshape(pool *p)
{
	world *w = p->w;
	const uint32_t i = pick_real(p, 0, 3);
	const sg_shape *s = shape_at(p, i);
	sg_ext e[SG_MAX_RANK];
	uint32_t n = 0, at = s->rank ? below(w, s->rank) : 0;
	const uint32_t how = below(w, 3);

	for (uint32_t k = 0; k < s->rank; k++) {
		int64_t v;

		if (how == 0 && k == at && k + 1 < s->rank) {
			e[n++] = sg_ext_mul(w->sp, s->ext[k], s->ext[k + 1]);
			k++;
		} else if (how == 1 && k == at && sg_ext_const(w->sp, s->ext[k], &v) &&
		           v % 2 == 0 && v > 0) {
			e[n++] = num(w, 2);
			e[n++] = num(w, v / 2);
		} else {
			e[n++] = s->ext[k];
		}
	}
	if (how == 2)
		e[n++] = num(w, 1);
	add(p, sg_reshape(&w->b, p->item[i], sg_shape_make(w->sp, n, e)), p->exact[i]);
}

static inline void
random_broadcast(pool *p)
{
	world *w = p->w;
	const uint32_t i = pick_real(p, 0, 3), rank = shape_at(p, i)->rank, at = below(w, rank + 1);
	const sg_ext extra[] = {w->n, w->m, num(w, 3)};
	sg_ext e[SG_MAX_RANK];
	int64_t axis[SG_MAX_RANK];

	for (uint32_t k = 0; k < rank; k++) {
		axis[k] = k < at ? k : k + 1;
		e[axis[k]] = shape_at(p, i)->ext[k];
	}
	e[at] = extra[below(w, 3)];
	add(p, sg_broadcast(&w->b, p->item[i], sg_shape_make(w->sp, rank + 1, e), axis),
	    p->exact[i]);
}

/* Within a padded or concatenated axis, so that every slice is in range for all dimensions. */
static inline void
random_slice(pool *p)
{
	world *w = p->w;
	const uint32_t i = pick_real(p, 1, 4), axis = below(w, shape_at(p, i)->rank);
	const sg_ext n = shape_at(p, i)->ext[axis], one = num(w, 1), two = num(w, 2);
	const sg_ext wide = sg_ext_add(w->sp, n, num(w, 3)); /* 2 in front, 1 behind */
	sg_ref r;

	if (below(w, 3) == 0) { /* every second place: 2n + 1 */
		const sg_ext twice = sg_ext_add(w->sp, sg_ext_mul(w->sp, n, two), one);

		add(p, sg_pad_axis(&w->b, p->item[i], axis, one, two, twice), p->exact[i]);
		return;
	}
	r = sg_pad_axis(&w->b, p->item[i], axis, two, one, wide);
	if (below(w, 2))
		r = sg_ew1(&w->b, SG_COS, r);
	switch (below(w, 4)) {
	case 0: /* reversed */
		r = sg_slice_axis(&w->b, r, axis, sg_ext_add(w->sp, n, two), num(w, -1), wide);
		break;
	case 1: /* one element */
		r = sg_index(&w->b, r, axis, sg_ext_add(w->sp, n, one));
		break;
	case 2:
		r = sg_slice_axis(&w->b, r, axis, one, one, n);
		break;
	default:
		break;
	}
	add(p, r, p->exact[i]);
}

/* Adjoints of many slices: sums of PADs. */
static inline void
random_pads(pool *p)
{
	world *w = p->w;
	const uint32_t i = pick_real(p, 1, 3), axis = below(w, shape_at(p, i)->rank);
	const sg_ext n = shape_at(p, i)->ext[axis], wide = sg_ext_add(w->sp, n, num(w, 4));
	sg_ref sum = 0;

	for (int k = 0; k < 5; k++) {
		sg_ref x = sg_ew2(&w->b, SG_MUL, p->item[i],
		                  sg_const(&w->b, p->real, shape_at(p, i), 0.5 + k));
		sg_ref one = sg_pad_axis(&w->b, x, axis, num(w, k), num(w, 1), wide);

		if (k == 3 && below(w, 2)) {
			const sg_shape *s = sg_shape_of(&w->b, one);

			one = sg_broadcast(
			    &w->b, sg_const(&w->b, p->real, sg_shape_scalar(w->sp), 1.5), s, NULL);
		}
		sum = !sum ? one : sg_ew2(&w->b, below(w, 3) ? SG_ADD : SG_SUB, sum, one);
	}
	add(p, sg_ew1(&w->b, SG_TANH, sum), false);
}

static inline void
random_concat(pool *p)
{
	world *w = p->w;
	const uint32_t i = pick_real(p, 0, 3), j = pick_alike(p, shape_at(p, i));
	const uint32_t axis = below(w, shape_at(p, i)->rank + 1);
	const sg_ref x[3] = {p->item[i], p->item[j], p->item[i]};
	const bool exact = p->exact[i] && p->exact[j];

	if (axis == shape_at(p, i)->rank || below(w, 2))
		add(p, sg_stack(&w->b, 2 + below(w, 2), x, axis), exact);
	else
		add(p, sg_concat(&w->b, 2, x, axis), exact);
}

/* Indices into an axis of extent 3, made by broadcasting: any dimension is then in range. */
static inline void
random_gather(pool *p)
{
	world *w = p->w;
	sg_build *b = &w->b;
	const uint32_t i = pick_real(p, 0, 2), j = pick_exact(p), rank = shape_at(p, i)->rank;
	const uint32_t at = below(w, rank + 1);
	sg_ext e[SG_MAX_RANK];
	int64_t axis[SG_MAX_RANK];
	sg_ref idx = sg_cast(
	    b, sg_ew2(b, SG_MUL, p->item[j], sg_const(b, p->real, shape_at(p, j), 5)), SG_I64);
	sg_ref x, tilt;

	if (shape_at(p, j)->rank > 2)
		return;
	idx = sg_ew2(b, SG_MOD, idx, sg_const_int(b, SG_I64, shape_at(p, j), 3));
	if (below(w, 2)) /* from -3 to -1 */
		idx = sg_ew2(b, SG_SUB, idx, sg_const_int(b, SG_I64, shape_at(p, j), 3));
	for (uint32_t k = 0; k < rank; k++) {
		axis[k] = k < at ? k : k + 1;
		e[axis[k]] = shape_at(p, i)->ext[k];
	}
	e[at] = num(w, 3);
	x = sg_broadcast(b, p->item[i], sg_shape_make(w->sp, rank + 1, e), axis);
	axis[0] = at;
	tilt = sg_broadcast(b, sg_cast(b, sg_iota(b, num(w, 3)), p->real), sg_shape_of(b, x), axis);
	x = sg_ew2(b, SG_ADD, x, tilt);
	x = sg_gather(b, x, idx, at, 0);
	if (below(w, 2))
		add(p, x, p->exact[i]);
	else
		add(p, sg_scatter(b, sg_shape_make(w->sp, rank + 1, e), idx, x, at, 0), false);
}

/* ---- reductions and products ---- */

static inline void
random_reduction(pool *p)
{
	static const sg_op op[] = {SG_SUM, SG_SUM, SG_SUM, SG_PROD, SG_AMAX, SG_AMIN};
	world *w = p->w;
	const uint32_t i = pick_real(p, 1, 4), rank = shape_at(p, i)->rank;
	const sg_op k = op[below(w, 6)];
	const uint64_t mask = 1 + below(w, (1u << rank) - 1);
	sg_ref x = p->item[i];

	/* nothing has no maximum: an axis of 1 makes sure that there is something */
	if (k == SG_AMAX || k == SG_AMIN) {
		const sg_shape *s = shape_at(p, i);

		for (uint32_t a = 0; a < rank; a++)
			if (mask >> a & 1) {
				x = sg_pad_axis(&w->b, x, a, num(w, 1), num(w, 1),
				                sg_ext_add(w->sp, s->ext[a], num(w, 1)));
				s = sg_shape_of(&w->b, x);
			}
	}
	x = sg_reduce(&w->b, k, x, mask);
	if (k == SG_SUM || k == SG_PROD)
		x = sg_ew1(
		    &w->b, SG_TANH,
		    sg_ew2(&w->b, SG_MUL, x, sg_const(&w->b, p->real, sg_shape_of(&w->b, x), 0.1)));
	add(p, x, p->exact[i] && (k == SG_AMAX || k == SG_AMIN));
}

static inline void
random_argmax(pool *p)
{
	world *w = p->w;
	sg_build *b = &w->b;
	const uint32_t i = pick_exact(p), rank = shape_at(p, i)->rank;
	sg_ref r, x = p->item[i];
	uint32_t axis;

	if (rank == 0)
		return;
	axis = below(w, rank);
	x = sg_pad_axis(b, x, axis, num(w, 1), num(w, 1),
	                sg_ext_add(w->sp, shape_at(p, i)->ext[axis], num(w, 1)));
	if (below(w, 2)) {
		sg_ref c = sg_ew2(b, SG_LT, x, sg_const(b, p->real, sg_shape_of(b, x), 0.5));

		r = sg_reduce(b, below(w, 2) ? SG_ANY : SG_ALL, c, (uint64_t)1 << axis);
	} else {
		r = sg_argm(b, below(w, 2) ? SG_ARGMAX : SG_ARGMIN, x, axis);
	}
	r = sg_cast(b, r, p->real);
	add(p, sg_ew2(b, SG_DIV, r, sg_const(b, p->real, sg_shape_of(b, r), 8)), true);
}

static inline void
random_running(pool *p)
{
	sg_build *b = &p->w->b;
	const uint32_t i = pick_real(p, 1, 3), j = pick_alike(p, shape_at(p, i));
	sg_ref x = p->item[i];

	if (shape_at(p, i)->rank == 0)
		return;
	if (below(p->w, 2))
		x = sg_cumsum(b, x);
	else
		x = sg_linrec(b, sg_ew1(b, SG_TANH, p->item[j]), x);
	add(p, sg_ew1(b, SG_SIN, sg_ew1(b, SG_TANH, x)), false);
}

static inline void
random_row_op(pool *p)
{
	static const sg_op op[] = {SG_SOFTMAX, SG_LOG_SOFTMAX, SG_LOGSUMEXP, SG_NORM};
	sg_build *b = &p->w->b;
	const uint32_t i = pick_real(p, 1, 4);
	const sg_op k = op[below(p->w, 4)];
	sg_ref x = p->item[i];

	if (shape_at(p, i)->rank == 0)
		return;
	/* an empty row has no logsumexp that is finite */
	x = sg_pad_axis(
	    b, x, shape_at(p, i)->rank - 1, num(p->w, 0), num(p->w, 1),
	    sg_ext_add(p->w->sp, shape_at(p, i)->ext[shape_at(p, i)->rank - 1], num(p->w, 1)));
	add(p, sg_ew1(b, SG_TANH, sg_row_op(b, k, x)), false);
}

/* x with its axes in some order, times y with some of them and others. */
static inline void
random_contraction(pool *p)
{
	world *w = p->w;
	const uint32_t i = pick_real(p, 1, 3), j = pick_real(p, 1, 3);
	const sg_shape *sx = shape_at(p, i), *sy = shape_at(p, j);
	int64_t lx[SG_MAX_RANK], ly[SG_MAX_RANK], lo[SG_MAX_RANK];
	uint32_t no = 0, next = 0;
	bool used[SG_MAX_RANK] = {false};
	sg_ref r;

	for (uint32_t k = 0; k < sx->rank; k++)
		lx[k] = next++;
	for (uint32_t k = 0; k < sy->rank; k++) {
		ly[k] = -1;
		for (uint32_t a = 0; a < sx->rank && ly[k] < 0; a++)
			if (!used[a] && sx->ext[a] == sy->ext[k] && below(w, 4)) {
				ly[k] = lx[a];
				used[a] = true;
			}
		if (ly[k] < 0)
			ly[k] = next++;
	}
	for (int64_t l = 0; l < next; l++) {
		const bool shared = l < sx->rank && used[l];

		if (!shared || below(w, 3) == 0) {
			const uint32_t at = below(w, no + 1);

			memmove(lo + at + 1, lo + at, (no - at) * sizeof *lo);
			lo[at] = l;
			no++;
		}
	}
	if (no > 4)
		return;
	r = sg_contract(&w->b, p->item[i], lx, p->item[j], ly, no, lo);
	add(p,
	    sg_ew1(&w->b, SG_TANH,
	           sg_ew2(&w->b, SG_MUL, r, sg_const(&w->b, p->real, sg_shape_of(&w->b, r), 0.2))),
	    false);
}

static inline void
random_maker(pool *p)
{
	world *w = p->w;
	sg_build *b = &w->b;
	const sg_shape *s = SHAPE(w, w->n, num(w, 4));
	sg_ref seed = sg_const_int(b, SG_I64, sg_shape_scalar(w->sp), below(w, 100));
	int64_t words[6];

	switch (below(w, 4)) {
	case 0:
		add(p, sg_cast(b, sg_random(b, below(w, 2) ? SG_RAND : SG_RANDN, s, seed), p->real),
		    true);
		break;
	case 1:
		add(p, sg_ew1(b, SG_SIN, sg_cast(b, sg_iota(b, w->n), p->real)), true);
		break;
	case 2:
		add(p,
		    sg_ew1(b, SG_SIN,
		           sg_cast(b, sg_dim_value(b, sg_ext_add(w->sp, w->n, w->m)), p->real)),
		    true);
		break;
	default:
		for (int k = 0; k < 6; k++)
			words[k] = sg_double_bits(p->real == SG_F32 ? k * 0.125 : k * 0.1);
		add(p, sg_data(b, p->real, SHAPE(w, num(w, 2), num(w, 3)), words), true);
		break;
	}
}

static inline void
grow(pool *p)
{
	static void (*const step[])(pool *) = {
	    random_unary,     random_binary,    random_binary,      random_choice,
	    random_integer,   random_transpose, random_reshape,     random_reshape,
	    random_broadcast, random_slice,     random_pads,        random_concat,
	    random_gather,    random_reduction, random_reduction,   random_argmax,
	    random_running,   random_row_op,    random_contraction, random_contraction,
	    random_maker,     random_broadcast, random_unary,       random_branch,
	    random_branch};

	step[below(p->w, sizeof step / sizeof *step)](p);
}

#endif
