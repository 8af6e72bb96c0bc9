/* builtin_shape.c - functions that move elements and compute nothing. */
#include "front/builtin.h"

#include <string.h>

static const sg_shape *
shape_of(elab *e, sg_ref r)
{
	return sg_shape_of(e->b, r);
}

value
f_shape(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	uint32_t axis;

	if (!x || !arg_axis(e, a, 1, shape_of(e, x)->rank, 0, &axis))
		return POISON;
	return v_ext(e, shape_of(e, x)->ext[axis]);
}

value
f_rank(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);

	return x ? v_int(shape_of(e, x)->rank) : POISON;
}

/* The one -1 of a shape, solved for; *rest is the product of the others, 0 where there is no -1. */
static bool
solve_hole(elab *e, sg_ext size, uint32_t rank, sg_ext *ext, sg_ext *rest, sg_span at)
{
	sg_ext known = sg_ext_int(e->sp, 1);
	int hole = -1;

	for (uint32_t k = 0; k < rank; k++) {
		int64_t v;

		if (sg_ext_const(e->sp, ext[k], &v) && v == -1) {
			if (hole >= 0)
				return elab_error(e, at, "reshape", "more than one -1 in a shape"), false;
			hole = (int)k;
		} else if (sg_ext_const(e->sp, ext[k], &v) && v < 0) {
			return elab_error(e, at, "extent", "a negative extent: %lld", (long long)v), false;
		} else {
			known = sg_ext_mul(e->sp, known, ext[k]);
		}
	}
	if (hole >= 0)
		ext[hole] = sg_ext_is(e->sp, known, 0) ? sg_ext_int(e->sp, 0)
		                                       : sg_ext_div(e->sp, size, known);
	*rest = hole >= 0 ? known : 0;
	return true;
}

/* The one dimension that the size depends on, where the size wanted tells it. */
static void
hint_reshape(elab *e, sg_diag *d, sg_ext size, sg_ext wanted)
{
	const uint32_t n = sg_space_ndims(e->sp);
	const int64_t *dims = SG_NEW_ARRAY(e->ctx, int64_t, n);
	const bool *known = SG_NEW_ARRAY(e->ctx, bool, n);
	int64_t want, v;

	for (uint32_t k = 0; k < n && sg_ext_const(e->sp, wanted, &want); k++)
		if (sg_ext_solve(e->sp, size, k, dims, known, want, &v) == 1) {
			const char *name = sg_space_dim(e->sp, k)->name;

			sg_add_hint(e->ctx, d, "it fits where %s is %lld: dim %s = %lld, above the first use",
			            name, (long long)v, name, (long long)v);
			return;
		}
	if (!sg_ext_const(e->sp, size, NULL))
		sg_add_hint(e->ctx, d, "-1 stands for the one extent that follows from the others");
}

value
f_reshape(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	sg_ext ext[SG_MAX_RANK], known;
	uint32_t rank;

	if (!x || !need_shape(e, a->v[1], a->at[1], "the shape", &rank, ext))
		return POISON;
	const sg_ext size = sg_shape_size(e->sp, shape_of(e, x));
	if (!solve_hole(e, size, rank, ext, &known, a->at[1]))
		return POISON;
	const sg_shape *s = sg_shape_make(e->sp, rank, ext);
	const char *from = shape_words(e, shape_of(e, x)), *n = sg_ext_text(e->sp, size);
	if (sg_shape_size(e->sp, s) == size)
		return v_tensor(sg_reshape(e->b, x, s));
	if (known) {
		elab_error(e, a->at[1], "reshape", "%s can't be reshaped so: %s does not divide its size %s",
		           from, sg_ext_text(e->sp, known), n);
		return POISON;
	}
	sg_diag *d = elab_error(e, a->at[1], "reshape", "%s can't be reshaped to %s: its size is %s, not %s",
	                        from, shape_words(e, s), n, sg_ext_text(e->sp, sg_shape_size(e->sp, s)));
	hint_reshape(e, d, size, sg_shape_size(e->sp, s));
	return POISON;
}

value
f_flatten(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);

	if (!x)
		return POISON;
	const sg_ext n = sg_shape_size(e->sp, shape_of(e, x));
	return v_tensor(sg_reshape(e->b, x, sg_shape_make(e->sp, 1, &n)));
}

/* A list of integers: a tuple, a list, or one. */
static bool
int_list(elab *e, call_args *a, int k, const char *what, size_t *n, const value **item)
{
	const value *v = &a->v[k];

	if (v->kind == V_TUPLE || (v->kind == V_TENSOR && v->item)) {
		*n = v->n;
		*item = v->item;
		return true;
	}
	*n = 1;
	*item = v;
	if (v->kind == V_INT || v->kind == V_EXT)
		return true;
	if (v->kind != V_POISON)
		elab_error(e, a->at[k], "argument", "%s is an integer or a tuple of them, not %s", what,
		           v_describe(e, *v));
	return false;
}

value
f_transpose(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	int64_t perm[SG_MAX_RANK];
	const value *item;
	uint64_t seen = 0;
	size_t n;

	if (!x)
		return POISON;
	const uint32_t rank = shape_of(e, x)->rank;
	if (!given(a, 1) || a->v[1].kind == V_NONE) {
		for (uint32_t i = 0; i < rank; i++)
			perm[i] = rank - 1 - i;
		return v_tensor(sg_transpose(e->b, x, perm));
	}
	if (!int_list(e, a, 1, "axes", &n, &item))
		return POISON;
	if (n != rank) {
		elab_error(e, a->at[1], "axis", "%zu ax%ss for %s", n, n == 1 ? "i" : "e",
		           v_describe(e, a->v[0]));
		return POISON;
	}
	for (size_t k = 0; k < n; k++) {
		if (!need_int(e, item[k], a->at[1], "an axis", &perm[k]))
			return POISON;
		perm[k] += perm[k] < 0 ? (int64_t)rank : 0;
		if (perm[k] < 0 || perm[k] >= rank || seen >> perm[k] & 1) {
			elab_error(e, a->at[1], "axis", "the axes must be 0 to %u, each once", rank - 1);
			return POISON;
		}
		seen |= (uint64_t)1 << perm[k];
	}
	return v_tensor(sg_transpose(e->b, x, perm));
}

/* The tensors of a tuple, brought to one type. A list has been stacked already: it is its slices. */
static bool
tensors(elab *e, call_args *a, int k, size_t *n, sg_ref **out)
{
	value v = a->v[k];
	sg_type t;

	if (v.kind == V_POISON)
		return false;
	if (v.kind != V_TUPLE || !v.n) {
		sg_diag *d = elab_error(e, a->at[k], "argument", "'%s' takes a tuple of tensors, not %s",
		                        a->b->name, v_describe(e, v));
		sg_add_hint(e->ctx, d, "%s((a, b), axis=0)", a->b->name);
		return false;
	}
	sg_span *at = SG_NEW_ARRAY(e->ctx, sg_span, v.n);
	for (size_t i = 0; i < v.n; i++)
		at[i] = a->at[k];
	if (!common_type(e, v.item, v.n, at, &t))
		return false;
	*n = v.n;
	*out = SG_NEW_ARRAY(e->ctx, sg_ref, v.n);
	for (size_t i = 0; i < v.n; i++)
		if (!((*out)[i] = to_tensor(e, v.item[i], (int)t, a->at[k])))
			return false;
	return true;
}

static bool
same_but(elab *e, call_args *a, size_t n, const sg_ref *r, uint32_t axis, bool all)
{
	const sg_shape *s = shape_of(e, r[0]);

	for (size_t k = 1; k < n; k++) {
		const sg_shape *t = shape_of(e, r[k]);
		bool same = t->rank == s->rank;

		for (uint32_t i = 0; same && i < s->rank; i++)
			same = (i == axis && !all) || s->ext[i] == t->ext[i];
		if (!same) {
			elab_error(e, a->at[0], "concat-shape", "the shapes of '%s' differ: %s and %s",
			           a->b->name, shape_words(e, s), shape_words(e, t));
			return false;
		}
	}
	return true;
}

value
f_concat(elab *e, call_args *a)
{
	sg_ref *r;
	uint32_t axis;
	size_t n;

	if (!tensors(e, a, 0, &n, &r))
		return POISON;
	if (!shape_of(e, r[0])->rank) {
		sg_diag *d = elab_error(e, a->at[0], "concat-shape", "'concat' of scalars");
		sg_add_hint(e->ctx, d, "stack((a, b)) makes a vector of them");
		return POISON;
	}
	if (!arg_axis(e, a, 1, shape_of(e, r[0])->rank, 0, &axis) || !same_but(e, a, n, r, axis, false))
		return POISON;
	return v_tensor(sg_concat(e->b, (uint32_t)n, r, axis));
}

value
f_stack(elab *e, call_args *a)
{
	sg_ref *r;
	uint32_t axis;
	size_t n;

	if (a->v[0].kind == V_TENSOR && !given(a, 1))
		return a->v[0]; /* a list is stacked already */
	if (!tensors(e, a, 0, &n, &r) || !same_but(e, a, n, r, 0, true) ||
	    !arg_axis(e, a, 1, shape_of(e, r[0])->rank + 1, 0, &axis))
		return POISON;
	if (shape_of(e, r[0])->rank >= SG_MAX_USER_RANK) {
		elab_error(e, a->at[0], "rank", "the result has more than %d axes", SG_MAX_USER_RANK);
		return POISON;
	}
	return v_tensor(sg_stack(e->b, (uint32_t)n, r, axis));
}

static bool
need_count(elab *e, value v, sg_span at, sg_ext *m)
{
	int64_t k;

	if (!need_ext(e, v, at, "a count", m))
		return false;
	if (sg_ext_const(e->sp, *m, &k) && k < 0)
		return elab_error(e, at, "extent", "a negative count: %lld", (long long)k), false;
	return true;
}

value
f_split(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	const sg_ext one = sg_ext_int(e->sp, 1);
	const value *size;
	value *out;
	uint32_t axis;
	size_t n;
	int64_t parts;

	if (!x || !arg_axis(e, a, 2, shape_of(e, x)->rank, 0, &axis) ||
	    !int_list(e, a, 1, "the split", &n, &size))
		return POISON;
	const sg_ext extent = shape_of(e, x)->ext[axis];
	const bool equal = a->v[1].kind == V_INT || a->v[1].kind == V_EXT;
	sg_ext at = sg_ext_int(e->sp, 0), part = 0;
	if (equal) {
		if (!need_int(e, a->v[1], a->at[1], "the number of parts", &parts))
			return POISON;
		part = parts > 0 ? sg_ext_div(e->sp, extent, sg_ext_int(e->sp, parts)) : 0;
		if (parts <= 0 || parts > 100000 ||
		    sg_ext_mul(e->sp, part, sg_ext_int(e->sp, parts)) != extent) {
			elab_error(e, a->at[1], "split", "axis %u of %s does not divide into %lld equal parts",
			           axis, v_describe(e, a->v[0]), (long long)parts);
			return POISON;
		}
		n = (size_t)parts;
	}
	out = SG_NEW_ARRAY(e->ctx, value, n + 1);
	for (size_t k = 0; k < n; k++) {
		if (!equal && !need_count(e, size[k], a->at[1], &part))
			return POISON;
		out[k] = v_tensor(sg_slice_axis(e->b, x, axis, at, one, part));
		at = sg_ext_add(e->sp, at, part);
	}
	if (at != extent) {
		elab_error(e, a->at[1], "split", "the parts do not add up to axis %u of %s", axis,
		           v_describe(e, a->v[0]));
		return POISON;
	}
	return v_tuple(e, n, out);
}

value
f_broadcast_to(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	sg_ext ext[SG_MAX_RANK];
	uint32_t rank;

	if (!x || !need_shape(e, a->v[1], a->at[1], "the shape", &rank, ext))
		return POISON;
	const sg_shape *s = sg_shape_make(e->sp, rank, ext);
	if (shape_of(e, x)->rank > rank || broadcast_shapes(e, shape_of(e, x), s) != s) {
		elab_error(e, a->at[1], "broadcast", "%s does not broadcast to %s",
		           sg_shape_text(e->sp, shape_of(e, x)), sg_shape_text(e->sp, s));
		return POISON;
	}
	return v_tensor(sg_broadcast_right(e->b, x, s));
}

/* Axes are those of the result, as in NumPy. */
value
f_expand_dims(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	const value *item;
	uint64_t mask;
	size_t n;

	if (!x || !int_list(e, a, 1, "axis", &n, &item))
		return POISON;
	if (shape_of(e, x)->rank + n > SG_MAX_USER_RANK) {
		elab_error(e, a->at[0], "rank", "the result has more than %d axes", SG_MAX_USER_RANK);
		return POISON;
	}
	const uint32_t rank = shape_of(e, x)->rank + (uint32_t)n;
	if (!arg_axes(e, a, 1, rank, &mask))
		return POISON;
	for (uint32_t i = 0; i < rank; i++)
		if (mask >> i & 1)
			x = sg_expand(e->b, x, i);
	return v_tensor(x);
}

value
f_squeeze(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	uint64_t mask;

	if (!x || !arg_axes(e, a, 1, shape_of(e, x)->rank, &mask))
		return POISON;
	for (uint32_t i = shape_of(e, x)->rank; i-- > 0;) {
		if (!(mask >> i & 1))
			continue;
		if (!sg_ext_is(e->sp, shape_of(e, x)->ext[i], 1)) {
			elab_error(e, a->at[1], "axis", "axis %u of %s is not of extent 1", i,
			           v_describe(e, a->v[0]));
			return POISON;
		}
		x = sg_squeeze(e->b, x, i);
	}
	return v_tensor(x);
}

value
f_flip(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	const sg_ext one = sg_ext_int(e->sp, 1), minus = sg_ext_int(e->sp, -1);
	uint64_t mask;

	if (!x || !arg_axes(e, a, 1, shape_of(e, x)->rank, &mask))
		return POISON;
	for (uint32_t i = 0; i < shape_of(e, x)->rank; i++) {
		const sg_ext n = shape_of(e, x)->ext[i];

		if (mask >> i & 1)
			x = sg_slice_axis(e->b, x, i, sg_ext_sub(e->sp, n, one), minus, n);
	}
	return v_tensor(x);
}

static sg_ref
part(elab *e, sg_ref x, uint32_t axis, sg_ext start, sg_ext count)
{
	return sg_slice_axis(e->b, x, axis, start, sg_ext_int(e->sp, 1), count);
}

/* k mod n as an extent, k > 0: the remainder is that of max(n, 1) = n + 1//(n + 1). 0 where n is 0. */
static sg_ext
turn_of(sg_space *sp, int64_t k, sg_ext n)
{
	const sg_ext one = sg_ext_int(sp, 1), is_empty = sg_ext_div(sp, one, sg_ext_add(sp, n, one));
	const sg_ext least = sg_ext_add(sp, n, is_empty), turns = sg_ext_int(sp, k);

	if (k == 1)
		return sg_ext_sub(sp, one, is_empty);
	return sg_ext_sub(sp, turns, sg_ext_mul(sp, least, sg_ext_div(sp, turns, least)));
}

/* Element i goes to i + n, around the end. */
static sg_ref
roll_axis(elab *e, sg_ref x, sg_ext n, uint32_t axis)
{
	const sg_ext whole = shape_of(e, x)->ext[axis], zero = sg_ext_int(e->sp, 0);
	sg_ref two[2];
	int64_t k, extent;

	if (sg_ext_const(e->sp, whole, &extent) && sg_ext_const(e->sp, n, &k)) {
		if (extent == 0)
			return x;
		k = (k % extent + extent) % extent;
		if (!k)
			return x;
		n = sg_ext_int(e->sp, k);
	} else if (sg_ext_const(e->sp, n, &k)) {
		if (!k)
			return x;
		n = turn_of(e->sp, k > 0 ? k : -k, whole);
		if (k < 0) /* to the left: to the right by the rest */
			n = sg_ext_sub(e->sp, whole, n);
	}
	const sg_ext rest = sg_ext_sub(e->sp, whole, n);
	two[0] = part(e, x, axis, rest, n);
	two[1] = part(e, x, axis, zero, rest);
	return sg_concat(e->b, 2, two, axis);
}

/* One shift for each axis, or one for all of them. */
value
f_roll(elab *e, call_args *a)
{
	const value front = v_int(0), *shift, *axis = &front;
	const sg_span axis_at = a->at[given(a, 2) ? 2 : 0];
	sg_ref x = arg_tensor(e, a, 0);
	size_t nshift, naxis = 1;
	uint32_t at;
	sg_ext n;

	if (!x || !int_list(e, a, 1, "the shift", &nshift, &shift) ||
	    (given(a, 2) && !int_list(e, a, 2, "axis", &naxis, &axis)))
		return POISON;
	if (nshift != naxis && nshift != 1) {
		elab_error(e, a->at[1], "argument", "%zu shifts for %zu ax%ss", nshift, naxis,
		           naxis == 1 ? "i" : "e");
		return POISON;
	}
	for (size_t k = 0; k < naxis; k++) {
		if (!need_axis(e, axis[k], axis_at, shape_of(e, x)->rank, &at) ||
		    !need_ext(e, shift[nshift == 1 ? 0 : k], a->at[1], "the shift", &n))
			return POISON;
		x = roll_axis(e, x, n, at);
	}
	return v_tensor(x);
}

/* ((lo, hi), ...): one pair an axis, or one pair for all; a number stands for both sides. */
static bool
pad_widths(elab *e, call_args *a, uint32_t rank, sg_ext *lo, sg_ext *hi)
{
	const value v = a->v[1];
	const bool list = v.kind == V_TUPLE || (v.kind == V_TENSOR && v.item);
	const bool nested = v.kind == V_TUPLE && v.n && v.item[0].kind == V_TUPLE;

	if (!list && v.kind != V_INT && v.kind != V_EXT) {
		elab_error(e, a->at[1], "pad", "the widths are ((lo, hi), ...), not %s", v_describe(e, v));
		return false;
	}
	if ((nested && v.n != rank && v.n != 1) || (list && !nested && v.n != 2)) {
		elab_error(e, a->at[1], "pad", "%zu widths for %s", v.n, v_describe(e, a->v[0]));
		return false;
	}
	for (uint32_t i = 0; i < rank; i++) {
		value w = nested ? v.item[v.n == 1 ? 0 : i] : v;
		const bool pair = w.kind == V_TUPLE || (w.kind == V_TENSOR && w.item);

		if (pair && w.n != 2) {
			elab_error(e, a->at[1], "pad", "a width is a pair (lo, hi)");
			return false;
		}
		if (!need_ext(e, pair ? w.item[0] : w, a->at[1], "a width", &lo[i]) ||
		    !need_ext(e, pair ? w.item[1] : w, a->at[1], "a width", &hi[i]))
			return false;
		for (int k = 0; k < 2; k++) {
			int64_t c;

			if (sg_ext_const(e->sp, k ? hi[i] : lo[i], &c) && c < 0) {
				elab_error(e, a->at[1], "pad", "a negative width: %lld", (long long)c);
				return false;
			}
		}
	}
	return true;
}

value
f_pad(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0), r;
	sg_ext lo[SG_MAX_RANK], hi[SG_MAX_RANK], ext[SG_MAX_RANK], step[SG_MAX_RANK];

	if (!x)
		return POISON;
	const sg_shape *s = shape_of(e, x);
	const sg_type t = sg_type_of(e->b, x);
	if (!pad_widths(e, a, s->rank, lo, hi))
		return POISON;
	for (uint32_t i = 0; i < s->rank; i++) {
		ext[i] = sg_ext_add(e->sp, s->ext[i], sg_ext_add(e->sp, lo[i], hi[i]));
		step[i] = sg_ext_int(e->sp, 1);
	}
	const sg_shape *to = sg_shape_make(e->sp, s->rank, ext);
	r = sg_pad(e->b, x, to, lo, step);
	if (!given(a, 2))
		return v_tensor(r);
	sg_ref v = as_type_of(e, a, 2, t);
	if (!v)
		return POISON;
	if (shape_of(e, v)->rank) {
		elab_error(e, a->at[2], "pad", "the value of the border is a scalar, not %s",
		           v_describe(e, a->v[2]));
		return POISON;
	}
	if (sg_is_value(e->b, v, 0))
		return v_tensor(r);
	sg_ref inside = sg_pad(e->b, sg_const_int(e->b, SG_BOOL, s, 1), to, lo, step);
	return v_tensor(sg_ew3(e->b, SG_SELECT, inside, r, sg_broadcast(e->b, v, to, NULL)));
}

/* x with axis k repeated: [.., n_k, ..] -> [.., n_k, m, ..] -> [.., n_k m, ..]; before: m first (tile). */
static sg_ref
repeated(elab *e, sg_ref x, uint32_t axis, sg_ext m, bool before)
{
	const sg_shape *s = shape_of(e, x);
	sg_ext ext[SG_MAX_RANK + 1];
	int64_t at[SG_MAX_RANK];
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->rank; i++) {
		if (i == axis && before)
			ext[n++] = m;
		at[i] = n;
		ext[n++] = s->ext[i];
		if (i == axis && !before)
			ext[n++] = m;
	}
	x = sg_broadcast(e->b, x, sg_shape_make(e->sp, n, ext), at);
	for (uint32_t i = 0; i < s->rank; i++)
		ext[i] = i == axis ? sg_ext_mul(e->sp, s->ext[i], m) : s->ext[i];
	return sg_reshape(e->b, x, sg_shape_make(e->sp, s->rank, ext));
}

value
f_repeat(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	uint32_t axis;
	sg_ext m;

	if (!x || !arg_axis(e, a, 2, shape_of(e, x)->rank, 0, &axis) ||
	    !need_count(e, a->v[1], a->at[1], &m))
		return POISON;
	return v_tensor(repeated(e, x, axis, m, false));
}

value
f_tile(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	const value *item;
	size_t n;

	if (!x || !int_list(e, a, 1, "the count", &n, &item))
		return POISON;
	if (n > SG_MAX_USER_RANK) {
		elab_error(e, a->at[1], "rank", "%zu counts; %d is the most", n, SG_MAX_USER_RANK);
		return POISON;
	}
	while (shape_of(e, x)->rank < n)
		x = sg_expand(e->b, x, 0);
	const uint32_t rank = shape_of(e, x)->rank;
	for (size_t k = 0; k < n; k++) {
		sg_ext m;

		if (!need_count(e, item[k], a->at[1], &m))
			return POISON;
		x = repeated(e, x, rank - (uint32_t)n + (uint32_t)k, m, true);
	}
	return v_tensor(x);
}
