/* sg_move.c - movement ops as .sg text: transposes, reshapes, slices, padding, stacking. */
#include "back/sg_text.h"

#include <string.h>

static const sg_shape *
shape_of(const sg_text_writer *w, sg_ref r)
{
	return sg_node_at(w->g, r)->shape;
}

static void
put_ext(sg_text_writer *w, sg_ext e)
{
	sg_ext_print(w->sp, w->b, e);
}

static bool
is_one(const sg_text_writer *w, sg_ext e)
{
	return sg_ext_is(w->sp, e, 1);
}

/* ---- transpose, reshape ---- */

static bool
is_identity(uint32_t n, const int64_t *perm)
{
	for (uint32_t i = 0; i < n; i++)
		if (perm[i] != i)
			return false;
	return true;
}

void
sg_wrap_transpose(sg_text_writer *w, size_t at, uint32_t n, const int64_t *perm)
{
	bool reversed = true, last_two = n >= 2;

	for (uint32_t i = 0; i < n; i++) {
		reversed = reversed && perm[i] == n - 1 - i;
		last_two = last_two && perm[i] == (i + 2 < n ? i : i + 2 == n ? n - 1 : n - 2);
	}
	if (is_identity(n, perm))
		return;
	if (last_two) {
		sg_buf_puts(w->b, ".T");
		return;
	}
	sg_insert(w, at, "transpose(");
	for (uint32_t i = 0; i < n && !reversed; i++) {
		sg_buf_puts(w->b, i ? ", " : ", (");
		sg_buf_printf(w->b, "%lld", (long long)perm[i]);
	}
	sg_buf_puts(w->b, reversed ? ")" : "))");
}

void
sg_wrap_reshape(sg_text_writer *w, size_t at, uint32_t n, const sg_ext *ext)
{
	sg_insert(w, at, "reshape(");
	sg_buf_puts(w->b, ", ");
	sg_put_shape(w, n, ext);
	sg_buf_putc(w->b, ')');
}

/* One axis of a slice. */
typedef struct range {
	sg_ext start, step, count, extent; /* extent: of the operand's axis */
	bool drop;                         /* count is 1, and the axis goes */
} range;

/* ceil(len / k) */
static sg_ext
steps_in(sg_text_writer *w, sg_ext len, int64_t k)
{
	return sg_ext_div(w->sp, sg_ext_add(w->sp, len, sg_ext_int(w->sp, k - 1)),
	                  sg_ext_int(w->sp, k));
}

/* start + step*(count - 1) */
static sg_ext
last_of(sg_text_writer *w, const range *x)
{
	const sg_ext one = sg_ext_int(w->sp, 1);

	return sg_ext_add(w->sp, x->start,
	                  sg_ext_mul(w->sp, x->step, sg_ext_sub(w->sp, x->count, one)));
}

static bool
is_whole(const sg_text_writer *w, const range *x)
{
	return !x->drop && sg_ext_is(w->sp, x->start, 0) && is_one(w, x->step) &&
	       x->count == x->extent;
}

/* start:stop:k of a forward range. */
static void
put_forward(sg_text_writer *w, const range *x, int64_t k)
{
	const sg_ext rest = sg_ext_sub(w->sp, x->extent, x->start), one = sg_ext_int(w->sp, 1);

	if (!sg_ext_is(w->sp, x->start, 0))
		put_ext(w, x->start);
	sg_buf_putc(w->b, ':');
	if (sg_ext_is(w->sp, x->count, 0))
		put_ext(w, x->start);
	else if (steps_in(w, rest, k) != x->count)
		put_ext(w, sg_ext_add(w->sp, last_of(w, x), one));
	if (k != 1)
		sg_buf_printf(w->b, ":%lld", (long long)k);
}

/* A backward range as a forward one (written here) that is then taken from its end. */
static range
turned(sg_text_writer *w, const range *x)
{
	range f = *x;

	f.start = last_of(w, x);
	f.count = sg_ext_sub(w->sp, sg_ext_add(w->sp, x->start, sg_ext_int(w->sp, 1)), f.start);
	f.step = sg_ext_int(w->sp, 1);
	return f;
}

/* Can it be had by ::-k from the end of the axis? */
static bool
from_the_end(sg_text_writer *w, const range *x, int64_t k)
{
	const sg_ext top = sg_ext_sub(w->sp, x->extent, sg_ext_int(w->sp, 1));

	return x->start == top && steps_in(w, x->extent, -k) == x->count;
}

/* [..] with forward ranges, then [::-k] for backward ones; places[i]: text for axis i, "" is ':'.
 */
static void
put_index(sg_text_writer *w, uint32_t n, const char *const *place)
{
	uint32_t end = n;

	while (end && !place[end - 1][0])
		end--;
	if (!end)
		return;
	sg_buf_putc(w->b, '[');
	for (uint32_t i = 0; i < end; i++) {
		sg_buf_puts(w->b, i ? ", " : "");
		sg_buf_puts(w->b, place[i][0] ? place[i] : ":");
	}
	sg_buf_putc(w->b, ']');
}

/* What `put` writes, as a string of its own. */
static const char *
forward_text(sg_text_writer *w, const range *x, int64_t k)
{
	sg_buf *b = w->b, own;

	sg_buf_init(&own, w->ctx);
	w->b = &own;
	if (x->drop)
		put_ext(w, x->start);
	else if (!is_whole(w, x))
		put_forward(w, x, k);
	w->b = b;
	return sg_buf_text(&own);
}

/* start + step*arange(count), for steps that are no numbers. */
static const char *
strided_text(sg_text_writer *w, const range *x)
{
	sg_buf *b = w->b, own;

	sg_buf_init(&own, w->ctx);
	w->b = &own;
	if (!sg_ext_is(w->sp, x->start, 0)) {
		put_ext(w, x->start);
		sg_buf_puts(w->b, " + ");
	}
	size_t at = own.n;

	sg_parens(w, at, sg_put_extent(w, x->step), SG_P_MUL);
	sg_buf_puts(w->b, "*arange(");
	put_ext(w, x->count);
	sg_buf_putc(w->b, ')');
	w->b = b;
	return sg_buf_text(&own);
}

static void
put_ranges(sg_text_writer *w, sg_ref x, uint32_t rank, const range *rg)
{
	const char *first[SG_MAX_RANK] = {NULL}, *then[SG_MAX_RANK] = {NULL};
	uint32_t kept = 0;

	sg_put(w, x, SG_P_POSTFIX);
	for (uint32_t i = 0; i < rank; i++) {
		range f = rg[i];
		int64_t k = 1;
		const char *back = "";

		if (is_one(w, f.count))
			f.step = f.count;
		const bool number = sg_ext_const(w->sp, f.step, &k);
		if (!number) {
			f = (range){0, sg_ext_int(w->sp, 1), rg[i].extent, rg[i].extent, false};
		} else if (k < 0 && !f.drop) {
			back = sg_text(w->ctx, k == -1 ? "::-1" : "::%lld", (long long)k);
			f = from_the_end(w, &f, k)
			        ? (range){0, sg_ext_int(w->sp, 1), f.extent, f.extent, false}
			        : turned(w, &f);
			k = 1;
		}
		first[i] = forward_text(w, &f, k);
		if (!f.drop)
			then[kept++] = number ? back : "";
	}
	put_index(w, rank, first);
	put_index(w, kept, then);
	kept = 0;
	for (uint32_t i = 0; i < rank; i++) {
		int64_t k;

		if (!sg_ext_const(w->sp, rg[i].step, &k) && !is_one(w, rg[i].count)) {
			for (uint32_t j = 0; j < kept; j++)
				then[j] = "";
			then[kept] = strided_text(w, &rg[i]);
			put_index(w, kept + 1, then);
		}
		kept += !rg[i].drop;
	}
}

static void
ranges_of(const sg_text_writer *w, const sg_node *n, range *rg)
{
	const uint32_t rank = n->shape->rank;
	const sg_shape *s = shape_of(w, n->args[0]);

	for (uint32_t i = 0; i < rank; i++)
		rg[i] = (range){(sg_ext)n->attr->w[i], (sg_ext)n->attr->w[rank + i],
		                n->shape->ext[i], s->ext[i], false};
}

static sg_prec
put_slice(sg_text_writer *w, const sg_node *n)
{
	range rg[SG_MAX_RANK];

	ranges_of(w, n, rg);
	put_ranges(w, n->args[0], n->shape->rank, rg);
	return SG_P_POSTFIX;
}

/* Which axes of `from` (all of extent 1) have to go to make it `to`? `wish`: rather these. */
static bool
drops_ones(const sg_text_writer *w, const sg_shape *from, const sg_shape *to, const bool *wish,
           bool *drop)
{
	for (int pass = 0; pass < 2; pass++) {
		uint32_t j = 0, left = from->rank - to->rank;

		for (uint32_t i = 0; i < from->rank; i++) {
			const bool fits = j < to->rank && from->ext[i] == to->ext[j];
			const bool may = left && is_one(w, from->ext[i]);

			drop[i] = may && (!fits || (pass == 0 && wish[i]));
			if (!drop[i] && !fits)
				break;
			j += !drop[i];
			left -= drop[i];
			if (i + 1 == from->rank && j == to->rank)
				return true;
		}
	}
	return false;
}

static sg_prec
put_squeeze(sg_text_writer *w, const sg_node *n, const bool *drop)
{
	const sg_ref x = n->args[0];
	const sg_node *a = sg_node_at(w->g, x);
	const uint32_t rank = a->shape->rank;
	const char *place[SG_MAX_RANK];
	range rg[SG_MAX_RANK];

	if (a->op == SG_SLICE && sg_inline(w, x)) {
		ranges_of(w, a, rg);
		for (uint32_t i = 0; i < rank; i++)
			rg[i].drop = drop[i];
		put_ranges(w, a->args[0], rank, rg);
		return SG_P_POSTFIX;
	}
	sg_put(w, x, SG_P_POSTFIX);
	for (uint32_t i = 0; i < rank; i++)
		place[i] = drop[i] ? "0" : "";
	put_index(w, rank, place);
	return SG_P_POSTFIX;
}

static sg_prec
put_reshape(sg_text_writer *w, const sg_node *n)
{
	const sg_shape *from = shape_of(w, n->args[0]), *to = n->shape;
	const sg_node *a = sg_node_at(w->g, n->args[0]);
	int64_t map[SG_MAX_RANK];
	bool wish[SG_MAX_RANK] = {false}, drop[SG_MAX_RANK];
	size_t at = w->b->n;

	if (from->rank < to->rank && sg_inserts_ones(w, from, to, map)) {
		sg_put_new_axes(w, n->args[0], 0, to->rank, from->rank, map);
		return SG_P_POSTFIX;
	}
	if (a->op == SG_SLICE && sg_inline(w, n->args[0]))
		for (uint32_t i = 0; i < from->rank; i++)
			wish[i] = shape_of(w, a->args[0])->ext[i] != from->ext[i];
	if (from->rank > to->rank && drops_ones(w, from, to, wish, drop))
		return put_squeeze(w, n, drop);
	sg_put(w, n->args[0], SG_P_ANY);
	sg_wrap_reshape(w, at, to->rank, to->ext);
	return SG_P_POSTFIX;
}

static sg_prec
put_broadcast(sg_text_writer *w, const sg_node *n)
{
	const uint32_t rank = shape_of(w, n->args[0])->rank;

	sg_buf_puts(w->b, "broadcast_to(");
	sg_put_new_axes(w, n->args[0], rank ? (uint32_t)n->attr->w[0] : n->shape->rank,
	                n->shape->rank, rank, rank ? n->attr->w : NULL);
	sg_buf_puts(w->b, ", ");
	sg_put_shape(w, n->shape->rank, n->shape->ext);
	sg_buf_putc(w->b, ')');
	return SG_P_POSTFIX;
}

/* ---- pad ---- */

/* pad(what stands from `at` on, lo and hi along one axis). */
static void
wrap_pad(sg_text_writer *w, size_t at, uint32_t rank, uint32_t axis, sg_ext lo, sg_ext hi)
{
	sg_insert(w, at, "pad(");
	for (uint32_t i = 0; i < rank; i++) {
		sg_buf_puts(w->b, i ? ", (" : ", ((");
		put_ext(w, i == axis ? lo : 0);
		sg_buf_puts(w->b, ", ");
		put_ext(w, i == axis ? hi : 0);
		sg_buf_putc(w->b, ')');
	}
	sg_buf_puts(w->b, rank == 1 ? ",))" : "))");
}

void
sg_put_colons(sg_text_writer *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sg_buf_puts(w->b, ":, ");
}

/* Along one axis: x at 0, k, 2k ..., zeros between, to the length `room`. ext: the axes so far. */
static void
spread_axis(sg_text_writer *w, size_t at, uint32_t rank, uint32_t axis, sg_ext *ext, sg_ext k,
            sg_ext room)
{
	const sg_ext one = sg_ext_int(w->sp, 1), n = ext[axis];
	sg_ext wide = sg_ext_mul(w->sp, n, k), more = sg_ext_sub(w->sp, room, wide);

	sg_buf_putc(w->b, '[');
	sg_put_colons(w, axis + 1);
	sg_buf_puts(w->b, "none]");
	wrap_pad(w, at, rank + 1, axis + 1, 0, sg_ext_sub(w->sp, k, one));
	ext[axis] = wide;
	sg_wrap_reshape(w, at, rank, ext);
	if (!sg_ext_nonneg(w->sp, sg_ext_sub(w->sp, wide, room))) {
		const bool fits = sg_ext_nonneg(w->sp, more);

		wrap_pad(w, at, rank, axis, 0, fits ? more : room);
		wide = fits ? room : 0; /* 0: longer than it may be */
	}
	if (wide != room) {
		sg_buf_putc(w->b, '[');
		sg_put_colons(w, axis);
		sg_buf_putc(w->b, ':');
		put_ext(w, room);
		sg_buf_putc(w->b, ']');
	}
	ext[axis] = room;
}

static sg_prec
put_pad(sg_text_writer *w, const sg_node *n)
{
	const uint32_t rank = n->shape->rank;
	const sg_shape *s = shape_of(w, n->args[0]);
	sg_ext ext[SG_MAX_RANK], lo[SG_MAX_RANK], hi[SG_MAX_RANK];
	size_t at = w->b->n;
	bool any = false, plain = true;

	for (uint32_t i = 0; i < rank; i++)
		plain = plain && is_one(w, (sg_ext)n->attr->w[rank + i]);
	sg_put(w, n->args[0], plain ? SG_P_ANY : SG_P_POSTFIX);
	for (uint32_t i = 0; i < rank; i++) {
		sg_ext start = (sg_ext)n->attr->w[i], step = (sg_ext)n->attr->w[rank + i];
		range r = {start, step, s->ext[i], n->shape->ext[i], false};
		int64_t k = 1;

		ext[i] = s->ext[i];
		if (sg_ext_const(w->sp, step, &k) && k < 0) {
			sg_insert(w, at, "flip(");
			sg_buf_printf(w->b, ", axis=%u)", i);
			start = last_of(w, &r);
			step = sg_ext_sub(w->sp, 0, step);
		}
		lo[i] = start;
		hi[i] = sg_ext_sub(w->sp, sg_ext_sub(w->sp, n->shape->ext[i], start), ext[i]);
		if (!is_one(w, step) && !is_one(w, ext[i])) {
			for (uint32_t j = i + 1; j < rank; j++)
				ext[j] = s->ext[j];
			spread_axis(w, at, rank, i, ext, step,
			            sg_ext_sub(w->sp, n->shape->ext[i], start));
			hi[i] = 0;
		}
		any = any || lo[i] || hi[i];
	}
	if (!any)
		return SG_P_POSTFIX;
	sg_insert(w, at, "pad(");
	for (uint32_t i = 0; i < rank; i++) {
		sg_buf_puts(w->b, i ? ", (" : ", ((");
		put_ext(w, lo[i]);
		sg_buf_puts(w->b, ", ");
		put_ext(w, hi[i]);
		sg_buf_putc(w->b, ')');
	}
	sg_buf_puts(w->b, rank == 1 ? ",))" : "))");
	return SG_P_POSTFIX;
}

/* ---- windows ---- */

/* k*arange(n) */
static void
put_multiples(sg_text_writer *w, sg_ext k, sg_ext n)
{
	const size_t at = w->b->n;

	if (!is_one(w, k)) {
		sg_parens(w, at, sg_put_extent(w, k), SG_P_MUL);
		sg_buf_putc(w->b, '*');
	}
	sg_buf_puts(w->b, "arange(");
	put_ext(w, n);
	sg_buf_putc(w->b, ')');
}

/* The places on the axis, [size, count]. */
static void
put_places(sg_text_writer *w, const sg_windowing *g, sg_ext count, sg_ext size)
{
	const size_t at = w->b->n;

	put_multiples(w, g->dilation, size);
	if (!is_one(w, g->dilation))
		sg_parens(w, at, SG_P_MUL, SG_P_POSTFIX);
	sg_buf_puts(w->b, "[:, none] + ");
	put_multiples(w, g->stride, count);
}

/* Axis `from` goes to `to`, in text from `at` on. */
static void
wrap_move(sg_text_writer *w, size_t at, uint32_t rank, uint32_t from, uint32_t to)
{
	int64_t perm[SG_MAX_RANK];

	for (uint32_t i = 0, k = 0; i < rank; i++) {
		k += k == to;
		if (i == from)
			perm[to] = from;
		else
			perm[k++] = i;
	}
	sg_wrap_transpose(w, at, rank, perm);
}

static sg_prec
put_window(sg_text_writer *w, const sg_node *n)
{
	const sg_windowing g = sg_windowing_of(w->sp, n);
	const size_t at = w->b->n;

	sg_put(w, n->args[0], SG_P_POSTFIX);
	sg_buf_putc(w->b, '[');
	sg_put_colons(w, g.axis);
	put_places(w, &g, n->shape->ext[g.axis + 1], n->shape->ext[g.at]);
	sg_buf_putc(w->b, ']');
	wrap_move(w, at, n->shape->rank, g.axis, g.at);
	return SG_P_POSTFIX;
}

/* The axes of the windows come first, are added up there, and the axis goes back. */
static sg_prec
put_unwindow(sg_text_writer *w, const sg_node *n)
{
	const sg_windowing g = sg_windowing_of(w->sp, n);
	const sg_shape *s = shape_of(w, n->args[0]);
	const uint32_t rank = n->shape->rank;
	const sg_ext count = s->ext[g.axis + 1], size = s->ext[g.at];
	const size_t at = w->b->n;
	int64_t perm[SG_MAX_RANK];
	sg_ext e[SG_MAX_RANK];
	size_t here;
	uint32_t k = 1;

	e[0] = n->shape->ext[g.axis];
	for (uint32_t i = 0; i < rank; i++)
		if (i != g.axis)
			e[k++] = n->shape->ext[i];
	sg_buf_puts(w->b, "index_add(");
	sg_put_const(w, (sg_type)n->type, sg_shape_make(w->sp, rank, e), 0);
	sg_buf_puts(w->b, ", ");
	put_places(w, &g, count, size);
	sg_buf_puts(w->b, ", ");
	here = w->b->n;
	sg_put(w, n->args[0], SG_P_POSTFIX);
	perm[0] = g.at, perm[1] = g.axis + 1, k = 2;
	for (uint32_t i = 0; i <= rank; i++)
		if (i != g.at && i != g.axis + 1)
			perm[k++] = i;
	sg_wrap_transpose(w, here, rank + 1, perm);
	sg_buf_putc(w->b, ')');
	wrap_move(w, at, rank, 0, g.axis);
	return SG_P_POSTFIX;
}

/* ---- concat ---- */

/* Is argument k, written in place, its operand with a new axis? */
static bool
is_expanded(const sg_text_writer *w, sg_ref r, uint32_t axis)
{
	const sg_node *n = sg_node_at(w->g, r);
	const sg_shape *s = n->op == SG_RESHAPE ? shape_of(w, n->args[0]) : NULL;

	if (n->op == SG_CONST)
		return is_one(w, n->shape->ext[axis]);
	if (!s || !sg_inline(w, r) || s->rank + 1 != n->shape->rank)
		return false;
	for (uint32_t i = 0; i < s->rank; i++)
		if (s->ext[i] != n->shape->ext[i < axis ? i : i + 1])
			return false;
	return is_one(w, n->shape->ext[axis]);
}

static void
put_expanded(sg_text_writer *w, sg_ref r, uint32_t axis)
{
	const sg_node *n = sg_node_at(w->g, r);
	sg_ext e[SG_MAX_RANK];

	if (n->op != SG_CONST) {
		sg_put(w, n->args[0], SG_P_ANY);
		return;
	}
	for (uint32_t i = 0; i + 1 < n->shape->rank; i++)
		e[i] = n->shape->ext[i < axis ? i : i + 1];
	sg_put_const(w, (sg_type)n->type, sg_shape_make(w->sp, n->shape->rank - 1, e),
	             n->attr->w[0]);
}

static sg_prec
put_concat(sg_text_writer *w, const sg_node *n)
{
	const uint32_t axis = (uint32_t)n->attr->w[0];
	bool stack = true;

	for (uint32_t k = 0; k < n->nargs; k++)
		stack = stack && is_expanded(w, n->args[k], axis);
	sg_buf_puts(w->b, stack && !axis ? "[" : stack ? "stack((" : "concat((");
	for (uint32_t k = 0; k < n->nargs; k++) {
		sg_buf_puts(w->b, k ? ", " : "");
		if (stack)
			put_expanded(w, n->args[k], axis);
		else
			sg_put(w, n->args[k], SG_P_ANY);
	}
	sg_buf_puts(w->b, stack && !axis ? "]" : n->nargs == 1 ? ",)" : ")");
	if (!stack || axis) {
		if (axis)
			sg_buf_printf(w->b, ", axis=%u", axis);
		sg_buf_putc(w->b, ')');
	}
	return SG_P_POSTFIX;
}

sg_prec
sg_put_move(sg_text_writer *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	size_t at = w->b->n;

	switch ((sg_op)n->op) {
	case SG_RESHAPE:
		return put_reshape(w, n);
	case SG_TRANSPOSE:
		sg_put(w, n->args[0], SG_P_POSTFIX);
		sg_wrap_transpose(w, at, n->shape->rank, n->attr->w);
		return SG_P_POSTFIX;
	case SG_BROADCAST:
		return put_broadcast(w, n);
	case SG_SLICE:
		return put_slice(w, n);
	case SG_PAD:
		return put_pad(w, n);
	case SG_WINDOW:
		return put_window(w, n);
	case SG_UNWINDOW:
		return put_unwindow(w, n);
	case SG_CONCAT:
		return put_concat(w, n);
	default:
		break;
	}
	sg_raise(w->ctx, SG_FAULT_DEFECT, "sg_move.c: not a movement op");
}
