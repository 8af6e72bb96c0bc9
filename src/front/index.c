/* index.c - x[...]: constants, slices, new axes, ellipsis, integer tensors. */
#include "front/elab.h"

#include <string.h>

typedef struct walk {
	elab *e;
	const sg_ast *x;
	value whole; /* what is indexed */
	sg_ref r;
	uint32_t axis;  /* of r, where the next place applies */
	sg_ref idx[8];  /* integer tensors met so far, adjacent */
	uint32_t nidx, idx_axis;
	bool closed;    /* something stood after them */
} walk;

static sg_ext
extent_at(const walk *w)
{
	return sg_shape_of(w->e->b, w->r)->ext[w->axis];
}

/* ---- one constant ---- */

/* -K, of a dimension: is it never in range? What counts from the end must be told by its sign when
 * the text is read. */
static bool
is_negative(walk *w, sg_ext at, sg_span span)
{
	elab *e = w->e;
	sg_space *sp = e->sp;

	if (sg_ext_const(sp, at, NULL) || !sg_ext_nonneg(sp, sg_ext_sub(sp, sg_ext_int(sp, 0), at)))
		return false;
	sg_diag *d = elab_error(e, span, "slice", "only a number counts from the end, not %s",
	                        sg_ext_text(sp, at));
	sg_add_hint(e->ctx, d, "write %s", sg_ext_text(sp, sg_ext_add(sp, extent_at(w), at)));
	return true;
}

static bool
take(walk *w, sg_ext at, bool from_end, sg_span span)
{
	elab *e = w->e;
	const sg_ext extent = extent_at(w), one = sg_ext_int(e->sp, 1);
	sg_ext i = from_end ? sg_ext_add(e->sp, extent, at) : at;
	sg_ext room = sg_ext_sub(e->sp, sg_ext_sub(e->sp, extent, i), one);
	int64_t v, k;

	if (!from_end && is_negative(w, at, span))
		return false;
	if ((sg_ext_const(e->sp, room, &v) && v < 0) || (sg_ext_const(e->sp, i, &k) && k < 0)) {
		sg_buf b;

		sg_buf_init(&b, e->ctx);
		sg_ext_print(e->sp, &b, at);
		elab_error(e, span, "index-range", "index %s is out of range for extent %s of %s",
		           sg_buf_text(&b), sg_ext_text(e->sp, extent),
		           v_describe(e, w->whole));
		return false;
	}
	/* in a branch what may be missing is looked for where that is taken */
	if (e->branch && sg_ext_const(e->sp, at, &v) &&
	    !(sg_ext_nonneg(e->sp, room) && sg_ext_nonneg(e->sp, i)))
		w->r = sg_gather(e->b, w->r, sg_const_int(e->b, SG_I64, sg_shape_scalar(e->sp), v),
		                 w->axis, 0);
	else
		w->r = sg_index(e->b, w->r, w->axis, i);
	return true;
}

/* ---- a slice ---- */

static int64_t
clip(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* All known: NumPy's clipping. */
static void
known_range(int64_t n, const int64_t *start, const int64_t *stop, int64_t step, int64_t *from,
            int64_t *count)
{
	const int64_t lo = step > 0 ? 0 : -1, hi = step > 0 ? n : n - 1;
	int64_t a = step > 0 ? 0 : n - 1, b = step > 0 ? n : -1;

	if (start)
		a = clip(*start < 0 ? *start + n : *start, lo, hi);
	if (stop)
		b = clip(*stop < 0 ? *stop + n : *stop, lo, hi);
	const int64_t span = step > 0 ? b - a : a - b, by = step > 0 ? step : -step;
	*count = span > 0 ? (span - 1) / by + 1 : 0;
	*from = *count ? a : 0;
}

/* One bound of a slice: absent, or an extent; negative numbers count from the end. */
static bool
bound(walk *w, scope *s, const sg_ast *x, bool *is, sg_ext *out, int64_t *number, bool *is_number)
{
	elab *e = w->e;
	value v;

	*is = false;
	*is_number = true;
	if (!x)
		return true;
	v = eval(e, s, x);
	if (v.kind == V_NONE)
		return true;
	if (!as_ext(e, v, out)) {
		if (v.kind == V_POISON)
			return false;
		sg_diag *d = elab_error(e, x->at, "not-static",
		                        "a slice bound must be known at compile time, not %s",
		                        v_describe(e, v));
		if (v.kind == V_TENSOR && sg_type_is_int(sg_type_of(e->b, v.ref)))
			sg_add_hint(e->ctx, d, "a window that moves is x[i + arange(3)]");
		return false;
	}
	if (is_negative(w, *out, x->at))
		return false;
	*is = true;
	*is_number = sg_ext_const(e->sp, *out, number);
	if (*is_number && *number < 0)
		*out = sg_ext_add(e->sp, extent_at(w), *out);
	return true;
}

static bool
slice(walk *w, scope *s, const sg_ast_index *ix)
{
	elab *e = w->e;
	sg_space *sp = e->sp;
	const sg_ext n = extent_at(w), one = sg_ext_int(sp, 1);
	bool has_a, has_b, num_a, num_b;
	sg_ext a = 0, b = 0, from, count;
	int64_t ia = 0, ib = 0, step = 1, extent, f, c;

	if (!bound(w, s, ix->start, &has_a, &a, &ia, &num_a) ||
	    !bound(w, s, ix->stop, &has_b, &b, &ib, &num_b))
		return false;
	if (ix->step) {
		value v = eval(e, s, ix->step);

		if (v.kind != V_NONE && !need_int(e, v, ix->step->at, "a slice step", &step))
			return false;
		if (step == 0) {
			elab_error(e, ix->step->at, "slice", "a slice step of 0");
			return false;
		}
	}
	if (sg_ext_const(sp, n, &extent) && num_a && num_b) {
		known_range(extent, has_a ? &ia : NULL, has_b ? &ib : NULL, step, &f, &c);
		from = sg_ext_int(sp, f);
		count = sg_ext_int(sp, c);
	} else if (step > 0) {
		from = has_a ? a : sg_ext_int(sp, 0);
		sg_ext to = has_b ? b : n;
		sg_ext span = sg_ext_sub(sp, to, from);
		count = sg_ext_div(sp, sg_ext_add(sp, span, sg_ext_int(sp, step - 1)),
		                   sg_ext_int(sp, step));
	} else {
		from = has_a ? a : sg_ext_sub(sp, n, one);
		sg_ext to = has_b ? b : sg_ext_int(sp, -1);
		sg_ext span = sg_ext_sub(sp, from, to);
		count = sg_ext_div(sp, sg_ext_add(sp, span, sg_ext_int(sp, -step - 1)),
		                   sg_ext_int(sp, -step));
	}
	if (sg_ext_const(sp, count, &c) && c <= 0) /* x[3:2] */
		from = count = sg_ext_int(sp, 0);
	w->r = sg_slice_axis(e->b, w->r, w->axis, from, sg_ext_int(sp, step), count);
	w->axis++;
	return true;
}

/* ---- integer tensors ---- */

/* idx, negative entries counted from the end, and entries out of range made so for the whole. */
static sg_ref
linear_index(elab *e, uint32_t n, sg_ref *idx, const sg_ext *extent, sg_ext *size)
{
	sg_build *b = e->b;
	sg_ref sum = 0, ok = 0;
	const sg_shape *s = sg_shape_of(b, idx[0]);

	*size = sg_ext_int(e->sp, 1);
	for (uint32_t k = 0; k < n; k++)
		*size = sg_ext_mul(e->sp, *size, extent[k]);
	for (uint32_t k = 0; k < n; k++) {
		sg_ref len = sg_broadcast(b, sg_dim_value(b, extent[k]), s, NULL);
		sg_ref zero = sg_const_int(b, SG_I64, s, 0), i = sg_cast(b, idx[k], SG_I64);

		sg_ref behind = sg_ew2(b, SG_ADD, i, len);
		i = sg_ew3(b, SG_SELECT, sg_ew2(b, SG_LT, i, zero), behind, i);
		sg_ref in = sg_ew2(b, SG_LT, i, len);
		in = sg_ew2(b, SG_AND, sg_ew2(b, SG_LE, zero, i), in);
		ok = ok ? sg_ew2(b, SG_AND, ok, in) : in;
		sum = sum ? sg_ew2(b, SG_ADD, sg_ew2(b, SG_MUL, sum, len), i) : i;
	}
	sg_ref bad = sg_broadcast(b, sg_dim_value(b, *size), s, NULL);
	return sg_ew3(b, SG_SELECT, ok, sum, bad);
}

static bool
gather(walk *w)
{
	elab *e = w->e;
	const sg_shape *s = sg_shape_of(e->b, w->r);
	sg_ref idx;
	sg_ext ext[SG_MAX_RANK], size;

	if (!w->nidx)
		return true;
	if (!broadcast_all(e, w->idx, w->nidx, w->x->at, "the indices"))
		return false;
	idx = w->idx[0];
	if (w->nidx > 1) {
		uint32_t n = 0;

		idx = linear_index(e, w->nidx, w->idx, s->ext + w->idx_axis, &size);
		for (uint32_t k = 0; k < s->rank; k++) {
			if (k == w->idx_axis)
				ext[n++] = size;
			else if (k < w->idx_axis || k >= w->idx_axis + w->nidx)
				ext[n++] = s->ext[k];
		}
		w->r = sg_reshape(e->b, w->r, sg_shape_make(e->sp, n, ext));
	}
	w->r = sg_gather(e->b, w->r, idx, w->idx_axis, 0);
	const uint32_t rank = sg_shape_of(e->b, w->r)->rank;
	if (rank > SG_MAX_USER_RANK) {
		elab_error(e, w->x->at, "rank", "the result has %u axes; %d is the most", rank,
		           SG_MAX_USER_RANK);
		return false;
	}
	return true;
}

static bool
integers(walk *w, sg_ref idx, sg_span at)
{
	elab *e = w->e;
	const sg_type t = sg_type_of(e->b, idx);

	if (t == SG_BOOL) {
		sg_diag *d = elab_error(e, at, "index-type", "a bool tensor is no index");

		sg_add_hint(e->ctx, d, "shapes are known at compile time; where(mask, x, 0) keeps the "
		                       "shape");
		return false;
	}
	if (!sg_type_is_int(t)) {
		sg_diag *d = elab_error(e, at, "index-type", "an index must be an integer, not %s",
		                        v_describe(e, v_tensor(idx)));
		sg_add_hint(e->ctx, d, "cast(i, i64) truncates toward zero");
		return false;
	}
	if (w->nidx && w->closed) {
		sg_diag *d = elab_error(e, at, "index-adjacent",
		                        "integer tensors in one index must stand side by side");
		sg_add_hint(e->ctx, d, "transpose the axes together, or index twice");
		return false;
	}
	if (w->nidx == 8) {
		elab_error(e, at, "rank", "more than 8 indices");
		return false;
	}
	if (!w->nidx)
		w->idx_axis = w->axis;
	w->idx[w->nidx++] = idx;
	w->axis++;
	return true;
}

/* ---- the whole ---- */

static bool
new_axis(walk *w)
{
	elab *e = w->e;

	w->closed = w->nidx > 0;
	if (sg_shape_of(e->b, w->r)->rank >= SG_MAX_USER_RANK) {
		elab_error(e, w->x->at, "rank", "the result has more than %d axes", SG_MAX_USER_RANK);
		return false;
	}
	w->r = sg_expand(e->b, w->r, w->axis++);
	return true;
}

/* v: the value of an EXPR. */
static bool
place(walk *w, scope *s, const sg_ast_index *ix, value v)
{
	elab *e = w->e;
	sg_ext at;

	if (ix->kind == SG_I_SLICE) {
		w->closed = w->nidx > 0;
		return slice(w, s, ix);
	}
	if (ix->kind == SG_I_NEW || v.kind == V_NONE)
		return new_axis(w);
	if (v.kind == V_POISON)
		return false;
	if (as_ext(e, v, &at))
		return take(w, at, v.kind == V_INT && v.i < 0, ix->at);
	if (v.kind != V_TENSOR) {
		sg_diag *d = elab_error(e, ix->at, "index-type", "an index must be an integer, not %s",
		                        v_describe(e, v));
		if (v.kind == V_TUPLE)
			sg_add_hint(e->ctx, d, "write x[i, j], not x[(i, j)]");
		return false;
	}
	return integers(w, v.ref, ix->at);
}

/* t[i], and [2, 3, 4][i] where all is known. False: it is work for the graph. */
static bool
known_item(elab *e, const sg_ast *x, value v, value at, value *out)
{
	if (v.kind != V_TUPLE && !(v.kind == V_TENSOR && v.item && x->nindex == 1 && at.kind == V_INT))
		return false;
	*out = POISON;
	if (v.kind == V_TUPLE && (x->nindex != 1 || x->index[0].kind != SG_I_EXPR)) {
		elab_error(e, x->op_at, "index-type", "a tuple takes one integer as index");
		return true;
	}
	int64_t i;
	if (!need_int(e, at, x->index[0].at, "the index of a tuple", &i))
		return true;
	if (i < -(int64_t)v.n || i >= (int64_t)v.n)
		elab_error(e, x->index[0].at, "index-range", "index %lld is out of range for %s",
		           (long long)i, v_describe(e, v));
	else
		*out = v.item[i < 0 ? i + (int64_t)v.n : i];
	return true;
}

/* Axes that the index takes; an error where that can't be. */
static bool
count_places(walk *w, const value *v, uint32_t *takes)
{
	const sg_ast *x = w->x;
	const uint32_t rank = sg_shape_of(w->e->b, w->r)->rank;
	const sg_ast_index *ellipsis = NULL;

	*takes = 0;
	for (size_t k = 0; k < x->nindex; k++) {
		const sg_ast_index *ix = &x->index[k];

		*takes += ix->kind == SG_I_SLICE || (ix->kind == SG_I_EXPR && v[k].kind != V_NONE);
		if (ix->kind != SG_I_ELLIPSIS)
			continue;
		if (ellipsis) {
			sg_diag *d = elab_error(w->e, ix->at, "index-rank", "a second '...' in one index");
			sg_add_note(w->e->ctx, d, ellipsis->at, "the first");
			return false;
		}
		ellipsis = ix;
	}
	if (*takes <= rank)
		return true;
	elab_error(w->e, x->op_at, "index-rank", "%u %s for %s", *takes,
	           *takes == 1 ? "index" : "indices", v_describe(w->e, w->whole));
	return false;
}

value
eval_index(elab *e, scope *s, const sg_ast *x)
{
	walk w = {.e = e, .x = x, .whole = eval(e, s, x->kid[0])};
	value *v = SG_NEW_ARRAY(e->ctx, value, x->nindex + 1), out;
	uint32_t takes;

	for (size_t k = 0; k < x->nindex; k++)
		if (x->index[k].kind == SG_I_EXPR)
			v[k] = eval(e, s, x->index[k].e);
	if (w.whole.kind == V_POISON)
		return POISON;
	if (known_item(e, x, w.whole, v[0], &out))
		return out;
	if (!(w.r = to_tensor(e, w.whole, -1, x->kid[0]->at)) || !count_places(&w, v, &takes))
		return POISON;
	const uint32_t rank = sg_shape_of(e->b, w.r)->rank;
	if (e->prelude_src != x->at.src) {
		e->user_at = x->at;
		e->b->g->here = x->at;
	}
	for (size_t k = 0; k < x->nindex; k++) {
		if (x->index[k].kind == SG_I_ELLIPSIS) {
			w.axis += rank - takes;
			w.closed = w.nidx > 0;
		} else if (!place(&w, s, &x->index[k], v[k])) {
			return POISON;
		}
	}
	return gather(&w) ? v_tensor(w.r) : POISON;
}
