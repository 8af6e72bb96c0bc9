/* builtin_linalg.c - products, einsum, diagonals, triangles; batched over leading axes. */
#include "front/builtin.h"

#include <string.h>

/* Two operands of one numeric type. */
static bool
pair(elab *e, call_args *a, sg_ref *x, sg_ref *y)
{
	sg_type t;

	if (!common_type(e, a->v, 2, a->at, &t))
		return false;
	if (t == SG_BOOL)
		t = SG_I64;
	return (*x = to_tensor(e, a->v[0], (int)t, a->at[0])) != 0 &&
	       (*y = to_tensor(e, a->v[1], (int)t, a->at[1])) != 0;
}

value
f_dot(elab *e, call_args *a)
{
	sg_ref x, y;

	if (!pair(e, a, &x, &y))
		return POISON;
	const bool scalar = !sg_shape_of(e->b, x)->rank || !sg_shape_of(e->b, y)->rank;
	return binary_at(e, scalar ? SG_O_MUL : SG_O_MATMUL, a->v[0], a->v[1], e->user_at);
}

/* out[..., i, j] = a[..., i] b[..., j] */
value
f_outer(elab *e, call_args *a)
{
	sg_ref x, y;

	if (!pair(e, a, &x, &y))
		return POISON;
	const uint32_t rx = sg_shape_of(e->b, x)->rank, ry = sg_shape_of(e->b, y)->rank;
	if (!rx || !ry) {
		elab_error(e, e->user_at, "rank", "'outer' takes vectors, not %s",
		           v_describe(e, a->v[rx ? 1 : 0]));
		return POISON;
	}
	const value v[2] = {v_tensor(sg_expand(e->b, x, rx)), v_tensor(sg_expand(e->b, y, ry - 1))};
	return ew2(e, SG_MUL, v, a->at, e->user_at, "'outer'");
}

/* ---- diagonals ---- */

/* The diagonal of the last two axes, the smaller extent long, as a strided slice. */
static sg_ref
diagonal(elab *e, sg_ref x, sg_span at)
{
	const sg_shape *s = sg_shape_of(e->b, x);
	const uint32_t r = s->rank;
	const sg_ext one = sg_ext_int(e->sp, 1), n = s->ext[r - 2], m = s->ext[r - 1];
	sg_ext ext[SG_MAX_RANK], len = n;
	int64_t vn, vm;

	if (sg_ext_const(e->sp, n, &vn) && sg_ext_const(e->sp, m, &vm)) {
		len = vn < vm ? n : m;
	} else if (n != m) {
		sg_diag *d = elab_error(e, at, "square", "the diagonal of %s: extents must be equal or known",
		                        sg_shape_text(e->sp, s));
		hint_equal(e, d, n, m);
		return 0;
	}
	memcpy(ext, s->ext, r * sizeof *ext);
	ext[r - 2] = sg_ext_mul(e->sp, n, m);
	x = sg_reshape(e->b, x, sg_shape_make(e->sp, r - 1, ext));
	return sg_slice_axis(e->b, x, r - 2, sg_ext_int(e->sp, 0), sg_ext_add(e->sp, m, one), len);
}

value
f_diag(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);

	if (!x)
		return POISON;
	const sg_shape *s = sg_shape_of(e->b, x);
	if (!s->rank) {
		elab_error(e, a->at[0], "rank", "'diag' takes a vector or matrices, not %s",
		           v_describe(e, a->v[0]));
		return POISON;
	}
	if (s->rank > 1)
		return v_tensor(diagonal(e, x, e->user_at));
	const sg_ext n = s->ext[0], one = sg_ext_int(e->sp, 1), two[2] = {n, n};
	x = sg_pad_axis(e->b, x, 0, sg_ext_int(e->sp, 0), sg_ext_add(e->sp, n, one),
	                sg_ext_mul(e->sp, n, n));
	return v_tensor(sg_reshape(e->b, x, sg_shape_make(e->sp, 2, two)));
}

value
f_trace(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);

	if (!x)
		return POISON;
	if (sg_shape_of(e->b, x)->rank < 2) {
		elab_error(e, a->at[0], "rank", "'trace' takes matrices, not %s", v_describe(e, a->v[0]));
		return POISON;
	}
	if (!sg_type_is_float(sg_type_of(e->b, x)))
		x = sg_cast(e->b, x, SG_I64);
	if (!(x = diagonal(e, x, e->user_at)))
		return POISON;
	return v_tensor(sg_reduce(e->b, SG_SUM, x, (uint64_t)1 << (sg_shape_of(e->b, x)->rank - 1)));
}

/* tril: column <= row + k; triu: column >= row + k. */
value
f_tri(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	int64_t k = 0;

	if (!x || (given(a, 1) && !need_int(e, a->v[1], a->at[1], "k", &k)))
		return POISON;
	const sg_shape *s = sg_shape_of(e->b, x);
	if (s->rank < 2) {
		elab_error(e, a->at[0], "rank", "'%s' takes matrices, not %s", a->b->name,
		           v_describe(e, a->v[0]));
		return POISON;
	}
	const int64_t ri = s->rank - 2, ci = s->rank - 1;
	sg_ref row = sg_broadcast(e->b, sg_iota(e->b, s->ext[ri]), s, &ri);
	sg_ref col = sg_broadcast(e->b, sg_iota(e->b, s->ext[ci]), s, &ci);
	row = sg_ew2(e->b, SG_ADD, row, sg_const_int(e->b, SG_I64, s, k));
	sg_ref keep = a->b->op ? sg_ew2(e->b, SG_LE, row, col) : sg_ew2(e->b, SG_LE, col, row);
	return v_tensor(
	    sg_ew3(e->b, SG_SELECT, keep, x, sg_const_int(e->b, sg_type_of(e->b, x), s, 0)));
}

/* ---- einsum ---- */

typedef struct term {
	sg_ref ref;
	uint32_t n;
	int64_t label[SG_MAX_RANK];
} term;

static bool
has(uint32_t n, const int64_t *label, int64_t c)
{
	for (uint32_t i = 0; i < n; i++)
		if (label[i] == c)
			return true;
	return false;
}

/* A label that stands twice in one operand: its diagonal. */
static bool
take_diagonals(elab *e, term *t, sg_span at)
{
	for (uint32_t i = 0; i < t->n; i++)
		for (uint32_t j = i + 1; j < t->n; j++) {
			int64_t perm[SG_MAX_RANK], label[SG_MAX_RANK];
			uint32_t n = 0;

			if (t->label[i] != t->label[j])
				continue;
			for (uint32_t k = 0; k < t->n; k++)
				if (k != i && k != j)
					label[n] = t->label[k], perm[n++] = k;
			perm[n] = i;
			perm[n + 1] = j;
			label[n] = t->label[i];
			t->ref = diagonal(e, sg_transpose(e->b, t->ref, perm), at);
			if (!t->ref)
				return false;
			memcpy(t->label, label, sizeof label);
			t->n--;
			i = (uint32_t)-1;
			break;
		}
	return true;
}

/* Axes in the order of the output, the others summed. */
static sg_ref
finish(elab *e, const term *t, uint32_t no, const int64_t *lo)
{
	int64_t perm[SG_MAX_RANK];
	uint64_t mask = 0;
	uint32_t kept = 0, at[SG_MAX_RANK];
	sg_ref r;

	for (uint32_t i = 0; i < t->n; i++)
		if (!has(no, lo, t->label[i]))
			mask |= (uint64_t)1 << i;
		else
			at[i] = kept++;
	r = sg_reduce(e->b, SG_SUM, t->ref, mask);
	for (uint32_t k = 0; k < no; k++)
		for (uint32_t i = 0; i < t->n; i++)
			if (t->label[i] == lo[k])
				perm[k] = at[i];
	return sg_transpose(e->b, r, perm);
}

/* The first two terms become one; labels that neither the rest nor the output has are summed. */
static void
fold_two(elab *e, term *t, size_t n, uint32_t no, const int64_t *lo)
{
	term r = {0};

	for (int side = 0; side < 2; side++)
		for (uint32_t i = 0; i < t[side].n; i++) {
			const int64_t c = t[side].label[i];
			bool later = has(no, lo, c);

			for (size_t k = 2; k < n; k++)
				later = later || has(t[k].n, t[k].label, c);
			if (later && !has(r.n, r.label, c))
				r.label[r.n++] = c;
		}
	r.ref = sg_contract(e->b, t[0].ref, t[0].label, t[1].ref, t[1].label, r.n, r.label);
	t[1] = r;
}

static bool
read_labels(elab *e, const char *p, size_t len, sg_span at, uint32_t *n, int64_t *label)
{
	*n = 0;
	for (size_t k = 0; k < len; k++) {
		if (p[k] == ' ')
			continue;
		const bool letter = (p[k] >= 'a' && p[k] <= 'z') || (p[k] >= 'A' && p[k] <= 'Z');
		if (!letter || *n == SG_MAX_USER_RANK) {
			sg_diag *d = elab_error(e, at, "einsum",
			                        letter ? "more than 8 axes in an 'einsum'"
			                               : "'%c' can't name an axis of 'einsum'", p[k]);
			if (!letter)
				sg_add_hint(e->ctx, d, "letters name the axes: einsum(\"ij,jk->ik\", a, b)");
			return false;
		}
		label[(*n)++] = p[k];
	}
	return true;
}

static bool
check_extents(elab *e, size_t n, const term *t, sg_span at)
{
	sg_ext of[128] = {0};
	bool known[128] = {false};

	for (size_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < t[k].n; i++) {
			const int64_t c = t[k].label[i];
			const sg_ext x = sg_shape_of(e->b, t[k].ref)->ext[i];

			if (known[c] && of[c] != x) {
				sg_buf p, q;

				sg_buf_init(&p, e->ctx);
				sg_buf_init(&q, e->ctx);
				sg_ext_print(e->sp, &p, of[c]);
				sg_ext_print(e->sp, &q, x);
				elab_error(e, at, "einsum", "axis '%c' has extents %s and %s", (char)c,
				           sg_buf_text(&p), sg_buf_text(&q));
				return false;
			}
			known[c] = true;
			of[c] = x;
		}
	return true;
}

/* Without "->": the labels that stand once, in alphabetical order. */
static void
implicit_output(size_t n, const term *t, uint32_t *no, int64_t *lo)
{
	int count[128] = {0};

	*no = 0;
	for (size_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < t[k].n; i++)
			count[t[k].label[i]]++;
	for (int64_t c = 0; c < 128; c++)
		if (count[c] == 1 && *no < SG_MAX_USER_RANK)
			lo[(*no)++] = c;
}

value
f_einsum(elab *e, call_args *a)
{
	const char *spec, *arrow, *p;
	const sg_span at = a->at[0];
	int64_t lo[SG_MAX_RANK];
	size_t n = a->nrest;
	uint32_t no;
	sg_type type;
	term *t = SG_NEW_ARRAY(e->ctx, term, n + 1);
	sg_span *spans = SG_NEW_ARRAY(e->ctx, sg_span, n + 1);

	if (!need_string(e, a->v[0], at, "the first argument of 'einsum'", &spec))
		return POISON;
	for (size_t k = 0; k < n; k++)
		spans[k] = e->user_at;
	if (!n || !common_type(e, a->rest, n, spans, &type)) {
		if (!n)
			elab_error(e, e->user_at, "arity", "the operands of 'einsum' are missing");
		return POISON;
	}
	if (type == SG_BOOL)
		type = SG_I64;
	arrow = strstr(spec, "->");
	p = spec;
	for (size_t k = 0; k < n; k++) {
		const size_t len = strcspn(p, ",-");

		if (!read_labels(e, p, len, at, &t[k].n, t[k].label) ||
		    !(t[k].ref = to_tensor(e, a->rest[k], (int)type, e->user_at)))
			return POISON;
		p += len;
		const bool more = *p == ',';
		if (more != (k + 1 < n)) {
			size_t wants = 1;
			for (const char *c = spec; *c && *c != '-'; c++)
				wants += *c == ',';
			elab_error(e, at, "einsum", "\"%s\" has %zu operand%s, but %zu %s given", spec, wants,
			           wants == 1 ? "" : "s", n, n == 1 ? "is" : "are");
			return POISON;
		}
		p += more;
		if (sg_shape_of(e->b, t[k].ref)->rank != t[k].n) {
			elab_error(e, at, "einsum", "operand %zu has %u axes in \"%s\" but is %s", k + 1,
			           t[k].n, spec, sg_shape_text(e->sp, sg_shape_of(e->b, t[k].ref)));
			return POISON;
		}
	}
	if (!check_extents(e, n, t, at))
		return POISON;
	if (!arrow)
		implicit_output(n, t, &no, lo);
	else if (!read_labels(e, arrow + 2, strlen(arrow + 2), at, &no, lo))
		return POISON;
	for (uint32_t i = 0; i < no; i++) {
		bool there = false;

		for (size_t k = 0; k < n; k++)
			there = there || has(t[k].n, t[k].label, lo[i]);
		if (!there || has(i, lo, lo[i])) {
			elab_error(e, at, "einsum", there ? "'%c' stands twice in the output"
			                                  : "no operand has the axis '%c'", (char)lo[i]);
			return POISON;
		}
	}
	for (size_t k = 0; k < n; k++)
		if (!take_diagonals(e, &t[k], at))
			return POISON;
	for (; n > 1; n--, t++)
		fold_two(e, t, n, no, lo);
	return v_tensor(finish(e, t, no, lo));
}
