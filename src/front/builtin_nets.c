/* builtin_nets.c - convolution and pooling; writing at indices.
 *
 * A convolution is a contraction of the channels and of the places in the kernel over the windows
 * of its input; a pooling is a reduction of windows. Windows are an index map: what they see is not
 * copied unless a matrix product reads it. */
#include "front/builtin.h"

#include <math.h>
#include <string.h>

enum { MAX_SPACE = 2 };

typedef struct windows {
	uint32_t n; /* axes in space, the last ones of x */
	sg_ext size[MAX_SPACE], stride[MAX_SPACE], padding[MAX_SPACE], dilation[MAX_SPACE];
	sg_ext count[MAX_SPACE];
} windows;

static const sg_shape *
shape_of(elab *e, sg_ref r)
{
	return sg_shape_of(e->b, r);
}

static sg_ext
number(elab *e, int64_t i)
{
	return sg_ext_int(e->sp, i);
}

/* ---- arguments ---- */

/* Argument k: an integer for all axes, or a tuple with one for each; at least `least`. */
static bool
each_axis(elab *e, call_args *a, int k, const char *what, uint32_t n, int64_t least, sg_ext *out)
{
	const value *v = &a->v[k];
	const bool list = v->kind == V_TUPLE || (v->kind == V_TENSOR && v->item);
	int64_t c;

	if (list && v->n != n) {
		elab_error(e, a->at[k], "window", "%s of '%s' is an integer%s, not %s", what,
		           a->b->name, n == 1 ? "" : " or a pair of them", v_describe(e, *v));
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!need_ext(e, list ? v->item[i] : *v, a->at[k], what, &out[i]))
			return false;
		if (sg_ext_const(e->sp, out[i], &c) && c < least) {
			elab_error(e, a->at[k], "window",
			           "%s of '%s' is %lld, and must be at least %lld", what,
			           a->b->name, (long long)c, (long long)least);
			return false;
		}
		demand_nonneg(e, sg_ext_sub(e->sp, out[i], number(e, least)), a->at[k]);
	}
	return true;
}

static bool
each_axis_or(elab *e, call_args *a, int k, const char *what, uint32_t n, int64_t least, sg_ext *out)
{
	if (given(a, k))
		return each_axis(e, a, k, what, n, least, out);
	for (uint32_t i = 0; i < n; i++)
		out[i] = number(e, least);
	return true;
}

/* How many windows there are along each axis: (n + 2 padding - dilation (size - 1) - 1) // stride
 * + 1. */
static bool
count_windows(elab *e, call_args *a, sg_ref x, windows *w, const char *what)
{
	const sg_shape *s = shape_of(e, x);
	const sg_ext one = number(e, 1), two = number(e, 2);
	int64_t c;

	for (uint32_t i = 0; i < w->n; i++) {
		const sg_ext n = s->ext[s->rank - w->n + i];
		const sg_ext room = sg_ext_add(e->sp, n, sg_ext_mul(e->sp, two, w->padding[i]));
		const sg_ext steps = sg_ext_sub(e->sp, w->size[i], one);
		const sg_ext reach =
		    sg_ext_add(e->sp, sg_ext_mul(e->sp, w->dilation[i], steps), one);
		const sg_ext rest = sg_ext_sub(e->sp, room, reach);

		if (sg_ext_const(e->sp, rest, &c) && c < 0) {
			const char *room_text = sg_ext_text(e->sp, room),
				   *reach_text = sg_ext_text(e->sp, reach);

			sg_diag *d =
			    elab_error(e, e->user_at, "window",
			               "%s of '%s' spans %s elements of axis %u, which has %s",
			               what, a->b->name, reach_text, s->rank - w->n + i, room_text);
			if (room != n)
				sg_add_hint(e->ctx, d, "%s and twice the padding of %s are %s",
				            sg_ext_text(e->sp, n),
				            sg_ext_text(e->sp, w->padding[i]), room_text);
			return false;
		}
		demand_nonneg(e, rest, e->user_at);
		w->count[i] = sg_ext_add(e->sp, sg_ext_div(e->sp, rest, w->stride[i]), one);
	}
	return true;
}

/* x with its last axes padded, by zeros. */
static sg_ref
padded(elab *e, sg_ref x, const windows *w)
{
	const uint32_t first = shape_of(e, x)->rank - w->n;

	for (uint32_t i = 0; i < w->n; i++) {
		const sg_ext both = sg_ext_mul(e->sp, number(e, 2), w->padding[i]);

		x = sg_pad_axis(e->b, x, first + i, w->padding[i], number(e, 1),
		                sg_ext_add(e->sp, shape_of(e, x)->ext[first + i], both));
	}
	return x;
}

/* [..., n...] -> [..., size..., count...] */
static sg_ref
windowed(elab *e, sg_ref x, const windows *w)
{
	const uint32_t first = shape_of(e, x)->rank - w->n;

	for (uint32_t i = 0; i < w->n; i++) {
		const sg_windowing by = {first + 2 * i, first + i, w->stride[i], w->dilation[i]};

		x = sg_window(e->b, x, by, w->count[i], w->size[i]);
	}
	return x;
}

/* ---- convolution ---- */

static bool
conv_shapes(elab *e, call_args *a, const sg_ref *r, uint32_t n, int64_t groups)
{
	const sg_shape *x = shape_of(e, r[0]), *w = shape_of(e, r[1]);
	const char *space = n == 1 ? "length" : "height, width";
	sg_diag *d;

	if (x->rank != n + 2) {
		d = elab_error(e, a->at[0], "conv-shape", "'%s' takes [batch, channel, %s], not %s",
		               a->b->name, space, sg_shape_text(e->sp, x));
		if (x->rank == n + 1)
			sg_add_hint(e->ctx, d, "x[none] is a batch of one");
		return false;
	}
	if (w->rank != n + 2) {
		elab_error(e, a->at[1], "conv-shape",
		           "the kernels of '%s' are [out, channel, %s], not %s", a->b->name, space,
		           sg_shape_text(e->sp, w));
		return false;
	}
	const sg_ext by = number(e, groups), in = sg_ext_mul(e->sp, by, w->ext[1]);
	if (in != x->ext[1]) {
		const char *have = sg_ext_text(e->sp, x->ext[1]), *want = sg_ext_text(e->sp, in);

		d = elab_error(e, e->user_at, "conv-shape",
		               groups == 1
		                   ? "the input has %s channels, and the kernels %s"
		                   : "the input has %s channels, and the kernels of all groups %s",
		               have, want);
		sg_add_hint(e->ctx, d, "input %s, kernels %s, groups %lld", sg_shape_text(e->sp, x),
		            sg_shape_text(e->sp, w), (long long)groups);
		return false;
	}
	if (sg_ext_mul(e->sp, sg_ext_div(e->sp, w->ext[0], by), by) != w->ext[0]) {
		elab_error(e, e->user_at, "conv-shape",
		           "%s kernels can't be divided into %lld groups",
		           sg_ext_text(e->sp, w->ext[0]), (long long)groups);
		return false;
	}
	if (r[2] && (shape_of(e, r[2])->rank != 1 || shape_of(e, r[2])->ext[0] != w->ext[0])) {
		elab_error(e, a->at[2], "conv-shape",
		           "the bias of '%s' is [%s], one for each kernel, not %s", a->b->name,
		           sg_ext_text(e->sp, w->ext[0]), sg_shape_text(e->sp, shape_of(e, r[2])));
		return false;
	}
	return true;
}

/* Input, kernels and bias (0: none) in one float type. */
static bool
conv_operands(elab *e, call_args *a, sg_ref *r)
{
	const bool bias = given(a, 2) && a->v[2].kind != V_NONE;
	sg_type t;

	if (!common_type(e, a->v, bias ? 3 : 2, a->at, &t))
		return false;
	if (!sg_type_is_float(t))
		t = e->real;
	r[2] = 0;
	for (int k = 0; k < (bias ? 3 : 2); k++)
		if (!(r[k] = to_tensor(e, a->v[k], (int)t, a->at[k])))
			return false;
	return true;
}

/* Axis k cut into groups. */
static sg_ref
grouped(elab *e, sg_ref x, uint32_t axis, sg_ext groups)
{
	const sg_shape *s = shape_of(e, x);
	sg_ext ext[SG_MAX_RANK];

	for (uint32_t i = 0; i < s->rank; i++)
		ext[i < axis ? i : i + 1] = s->ext[i];
	ext[axis] = groups;
	ext[axis + 1] = sg_ext_div(e->sp, s->ext[axis], groups);
	return sg_reshape(e->b, x, sg_shape_make(e->sp, s->rank + 1, ext));
}

/* x [batch, group, channel, size..., count...] and w [group, out, channel, size...], summed over
 * the channels and the sizes. */
static sg_ref
convolved(elab *e, sg_ref x, sg_ref w, uint32_t n)
{
	enum { BATCH, GROUP, CHANNEL, OUT, SIZE, COUNT = SIZE + MAX_SPACE };
	int64_t lx[3 + 2 * MAX_SPACE] = {BATCH, GROUP, CHANNEL};
	int64_t lw[3 + MAX_SPACE] = {GROUP, OUT, CHANNEL};
	int64_t lo[3 + MAX_SPACE] = {BATCH, GROUP, OUT};

	for (uint32_t i = 0; i < n; i++) {
		lx[3 + i] = lw[3 + i] = SIZE + i;
		lx[3 + n + i] = lo[3 + i] = COUNT + i;
	}
	return sg_contract(e->b, x, lx, w, lw, 3 + n, lo);
}

value
f_conv(elab *e, call_args *a)
{
	windows w = {.n = (uint32_t)a->b->op};
	int64_t groups = 1, axis = 1;
	sg_ref r[3], y;

	if (!conv_operands(e, a, r))
		return POISON;
	if (given(a, 6) && !need_int(e, a->v[6], a->at[6], "groups", &groups))
		return POISON;
	if (groups < 1) {
		elab_error(e, a->at[6], "conv-shape", "%lld groups", (long long)groups);
		return POISON;
	}
	if (!conv_shapes(e, a, r, w.n, groups) ||
	    !each_axis_or(e, a, 3, "stride", w.n, 1, w.stride) ||
	    !each_axis_or(e, a, 4, "padding", w.n, 0, w.padding) ||
	    !each_axis_or(e, a, 5, "dilation", w.n, 1, w.dilation))
		return POISON;
	const sg_shape *sx = shape_of(e, r[0]), *sw = shape_of(e, r[1]);
	memcpy(w.size, sw->ext + 2, w.n * sizeof *w.size);
	if (!count_windows(e, a, r[0], &w, "the kernel"))
		return POISON;
	const sg_ref kernel = grouped(e, r[1], 0, number(e, groups));
	const sg_ref image = padded(e, grouped(e, r[0], 1, number(e, groups)), &w);
	y = convolved(e, windowed(e, image, &w), kernel, w.n);
	sg_ext ext[2 + MAX_SPACE] = {sx->ext[0], sw->ext[0]};
	memcpy(ext + 2, w.count, w.n * sizeof *ext);
	const sg_shape *s = sg_shape_make(e->sp, 2 + w.n, ext);
	y = sg_reshape(e->b, y, s);
	if (r[2])
		y = sg_ew2(e->b, SG_ADD, y, sg_broadcast(e->b, r[2], s, &axis));
	return v_tensor(y);
}

/* ---- pooling ---- */

static bool
pool_args(elab *e, call_args *a, sg_ref *x, windows *w)
{
	const sg_ext two = number(e, 2);
	int64_t c;

	if (!(*x = arg_float(e, a, 0)))
		return false;
	if (shape_of(e, *x)->rank < w->n || (given(a, 1) && a->v[1].kind == V_NONE)) {
		elab_error(e, a->at[0], "rank", "'%s' takes [batch, channel, %s], not %s",
		           a->b->name, w->n == 1 ? "length" : "height, width",
		           sg_shape_text(e->sp, shape_of(e, *x)));
		return false;
	}
	if (!each_axis(e, a, 1, "size", w->n, 1, w->size) ||
	    !each_axis_or(e, a, 3, "padding", w->n, 0, w->padding))
		return false;
	memcpy(w->stride, w->size, sizeof w->size);
	if (given(a, 2) && a->v[2].kind != V_NONE &&
	    !each_axis(e, a, 2, "stride", w->n, 1, w->stride))
		return false;
	for (uint32_t i = 0; i < w->n; i++) {
		const sg_ext left =
		    sg_ext_sub(e->sp, w->size[i], sg_ext_mul(e->sp, two, w->padding[i]));

		w->dilation[i] = number(e, 1);
		if (sg_ext_const(e->sp, left, &c) && c < 0) {
			elab_error(e, a->at[3], "window",
			           "a padding of %s is more than half of the size, %s",
			           sg_ext_text(e->sp, w->padding[i]),
			           sg_ext_text(e->sp, w->size[i]));
			return false;
		}
		demand_nonneg(e, left, e->user_at);
	}
	return count_windows(e, a, *x, w, "the window");
}

/* x [..., n] with -inf around. */
static sg_ref
padded_low(elab *e, sg_ref x, const windows *w)
{
	const sg_type t = sg_type_of(e->b, x);
	sg_ref wide = padded(e, x, w);

	if (wide == x)
		return x;
	const sg_shape *s = shape_of(e, wide);
	sg_ref inside = padded(e, sg_const_int(e->b, SG_BOOL, shape_of(e, x), 1), w);
	return sg_ew3(e->b, SG_SELECT, inside, wide, sg_const(e->b, t, s, -INFINITY));
}

/* x [..., n, ...] -> [..., count, ..., size], n at the axis. */
static sg_ref
windows_last(elab *e, sg_ref x, uint32_t axis, const windows *w)
{
	const uint32_t rank = shape_of(e, x)->rank;
	const sg_ref last = sg_move_axis_last(e->b, x, axis);
	const sg_ref wide = windowed(e, padded_low(e, last, w), w);
	int64_t perm[SG_MAX_RANK];

	for (uint32_t k = 0; k < rank; k++)
		perm[k] = k < axis ? k : k == axis ? rank : k - 1;
	perm[rank] = rank - 1;
	return sg_transpose(e->b, wide, perm);
}

/* Where along the axis the first of the largest elements of each window is: never in the padding.
 */
static sg_ref
place_of_max(elab *e, sg_ref wide, uint32_t axis, const windows *w)
{
	const int64_t along = axis;
	sg_ref at = sg_argm(e->b, SG_ARGMAX, wide, shape_of(e, wide)->rank - 1);
	const sg_shape *s = shape_of(e, at), *unit = sg_shape_scalar(e->sp);
	sg_ref i = sg_broadcast(e->b, sg_iota(e->b, w->count[0]), s, &along);
	sg_ref stride = sg_broadcast(e->b, sg_dim_value(e->b, w->stride[0]), s, NULL);

	at = sg_ew2(e->b, SG_ADD, at, sg_ew2(e->b, SG_MUL, i, stride));
	if (!sg_ext_is(e->sp, w->padding[0], 0)) {
		sg_ref left = sg_broadcast(e->b, sg_dim_value(e->b, w->padding[0]), s, NULL);
		sg_ref zero = sg_broadcast(e->b, sg_const_int(e->b, SG_I64, unit, 0), s, NULL);

		at = sg_ew2(e->b, SG_MAX, sg_ew2(e->b, SG_SUB, at, left), zero);
	}
	return at;
}

/* g goes to places along an axis of an array of shape s. */
static sg_ref
put_along(elab *e, const sg_shape *s, uint32_t axis, sg_ref at, sg_ref g)
{
	const uint32_t last = s->rank - 1;
	sg_ext ext[SG_MAX_RANK];
	int64_t back[SG_MAX_RANK];

	for (uint32_t k = 0; k < s->rank; k++) {
		back[k] = k < axis ? k : k == axis ? last : k - 1;
		ext[back[k]] = s->ext[k];
	}
	at = sg_move_axis_last(e->b, at, axis);
	g = sg_move_axis_last(e->b, g, axis);
	g = sg_scatter(e->b, sg_shape_make(e->sp, s->rank, ext), at, g, last, last);
	return sg_transpose(e->b, g, back);
}

/* The largest element of each window along the axis. The derivative goes to the first of them
 * alone, as in PyTorch; where none is wanted, nobody asks which that is. */
static sg_ref
max_along(elab *e, sg_ref x, uint32_t axis, const windows *w)
{
	const sg_ref wide = windows_last(e, x, axis, w);
	const uint32_t last = shape_of(e, wide)->rank - 1;
	const sg_ref y = sg_reduce(e->b, SG_AMAX, wide, (uint64_t)1 << last);
	const sg_ref g = sg_seed(e->b, sg_type_of(e->b, y), shape_of(e, y), ++e->binds);
	const sg_ref at = place_of_max(e, wide, axis, w);
	const sg_ref args[] = {y, g, x, put_along(e, shape_of(e, x), axis, at, g)};

	return sg_custom(e->b, 1, 1, 0, args);
}

/* Axis by axis, the last one first: the first row that holds the largest, and there the first. */
value
f_max_pool(elab *e, call_args *a)
{
	windows w = {.n = (uint32_t)a->b->op};
	sg_ref x;

	if (!pool_args(e, a, &x, &w))
		return POISON;
	const uint32_t rank = shape_of(e, x)->rank;
	for (uint32_t i = w.n; i-- > 0;) {
		const windows one = {
		    1, {w.size[i]}, {w.stride[i]}, {w.padding[i]}, {w.dilation[i]}, {w.count[i]}};

		x = max_along(e, x, rank - w.n + i, &one);
	}
	return v_tensor(x);
}

/* The padding counts. */
value
f_avg_pool(elab *e, call_args *a)
{
	windows w = {.n = (uint32_t)a->b->op};
	sg_ext size = number(e, 1);
	uint64_t mask = 0;
	sg_ref x, y, n;

	if (!pool_args(e, a, &x, &w))
		return POISON;
	const uint32_t first = shape_of(e, x)->rank - w.n;
	for (uint32_t i = 0; i < w.n; i++) {
		size = sg_ext_mul(e->sp, size, w.size[i]);
		mask |= (uint64_t)1 << (first + i);
	}
	y = sg_reduce(e->b, SG_SUM, windowed(e, padded(e, x, &w), &w), mask);
	n = sg_cast(e->b, sg_dim_value(e->b, size), sg_type_of(e->b, x));
	return v_tensor(sg_ew2(e->b, SG_DIV, y, sg_broadcast(e->b, n, shape_of(e, y), NULL)));
}

/* ---- slices along the leading axis ---- */

typedef struct slices {
	sg_ref x, idx, v;
} slices;

/* x, idx and v in one type, v with a slice for each index. */
static bool
slice_args(elab *e, call_args *a, slices *p)
{
	const value both[2] = {a->v[0], a->v[2]};
	const sg_span at[2] = {a->at[0], a->at[2]};
	sg_ext ext[2 * SG_MAX_USER_RANK];
	uint32_t n = 0;
	sg_type t;

	if (!common_type(e, both, 2, at, &t) || !(p->x = to_tensor(e, a->v[0], (int)t, a->at[0])) ||
	    !(p->idx = arg_tensor(e, a, 1)) || !(p->v = to_tensor(e, a->v[2], (int)t, a->at[2])))
		return false;
	const sg_shape *s = shape_of(e, p->x), *si = shape_of(e, p->idx);
	if (!s->rank || !sg_type_is_int(sg_type_of(e->b, p->idx))) {
		elab_error(e, a->at[1], "index-type", "'%s' takes integer indices into an array",
		           a->b->name);
		return false;
	}
	if (si->rank + s->rank - 1 > SG_MAX_USER_RANK) {
		elab_error(e, a->at[1], "rank", "the slices have more than %d axes",
		           SG_MAX_USER_RANK);
		return false;
	}
	for (uint32_t k = 0; k < si->rank; k++)
		ext[n++] = si->ext[k];
	for (uint32_t k = 1; k < s->rank; k++)
		ext[n++] = s->ext[k];
	const sg_shape *sv = sg_shape_make(e->sp, n, ext);
	if (broadcast_shapes(e, shape_of(e, p->v), sv) != sv) {
		elab_error(e, a->at[2], "broadcast", "the slices are %s, not %s",
		           sg_shape_text(e->sp, sv), sg_shape_text(e->sp, shape_of(e, p->v)));
		return false;
	}
	p->v = sg_broadcast_right(e->b, p->v, sv);
	return true;
}

value
f_index_add(elab *e, call_args *a)
{
	slices p;

	if (!slice_args(e, a, &p))
		return POISON;
	if (sg_type_of(e->b, p.x) == SG_BOOL) {
		elab_error(e, a->at[0], "type", "'index_add' of bool");
		return POISON;
	}
	return v_tensor(
	    sg_ew2(e->b, SG_ADD, p.x, sg_scatter(e->b, shape_of(e, p.x), p.idx, p.v, 0, 0)));
}

/* v with one slice more where there may be none, so that there is something to read. */
static sg_ref
never_empty(elab *e, sg_ref v, int64_t least)
{
	const sg_ext one = number(e, 1), m = shape_of(e, v)->ext[0];

	return least > 0 ? v
	                 : sg_pad_axis(e->b, v, 0, number(e, 0), one, sg_ext_add(e->sp, m, one));
}

/* Slice j is v[k] for the last k with idx[k] = j, else x[j]. */
value
f_index_put(elab *e, call_args *a)
{
	const int64_t axis = 0;
	int64_t least = 0;
	slices p;

	if (!slice_args(e, a, &p))
		return POISON;
	const sg_shape *s = shape_of(e, p.x);
	const sg_ext m = sg_shape_size(e->sp, shape_of(e, p.idx));
	sg_ext ext[SG_MAX_RANK] = {m};
	if (sg_ext_const(e->sp, m, &least) && least == 0)
		return v_tensor(p.x);
	memcpy(ext + 1, s->ext + 1, (s->rank - 1) * sizeof *ext);
	p.idx = sg_reshape(e->b, p.idx, sg_shape_make(e->sp, 1, ext));
	p.v = never_empty(e, sg_reshape(e->b, p.v, sg_shape_make(e->sp, s->rank, ext)), least);
	sg_ref from = sg_last_writer(e->b, p.idx, s->ext[0]);
	sg_ref zero = sg_const_int(e->b, SG_I64, shape_of(e, from), 0);
	sg_ref hit = sg_broadcast(e->b, sg_ew2(e->b, SG_LE, zero, from), s, &axis);
	sg_ref rows = sg_gather(e->b, p.v, sg_ew2(e->b, SG_MAX, from, zero), 0, 0);
	return v_tensor(sg_ew3(e->b, SG_SELECT, hit, rows, p.x));
}
