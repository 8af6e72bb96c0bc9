/* sg_struct.c - leaves and structured ops as .sg text. */
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

/* ---- leaves ---- */

static void
put_list(sg_text_writer *w, const sg_node *n, uint32_t axis, uint32_t *at)
{
	int64_t count = 0;

	if (axis == n->shape->rank) {
		const int64_t word = n->attr->w[(*at)++];

		if (sg_type_is_float((sg_type)n->type))
			sg_put_number(w, w->p->real, word, false);
		else
			sg_put_number(w, n->type == SG_BOOL ? SG_BOOL : SG_I64, word, false);
		return;
	}
	sg_ext_const(w->sp, n->shape->ext[axis], &count);
	sg_buf_putc(w->b, '[');
	for (int64_t i = 0; i < count; i++) {
		sg_buf_puts(w->b, i ? ", " : "");
		put_list(w, n, axis + 1, at);
	}
	sg_buf_putc(w->b, ']');
}

static sg_prec
put_data(sg_text_writer *w, const sg_node *n)
{
	const sg_type t = (sg_type)n->type;
	const bool cast = t != w->p->real && t != SG_I64 && t != SG_BOOL;
	uint32_t at = 0;

	sg_buf_puts(w->b, cast ? "cast(" : "");
	put_list(w, n, 0, &at);
	if (cast)
		sg_buf_printf(w->b, ", %s)", sg_type_name(t));
	return SG_P_POSTFIX;
}

/* ---- gather and scatter ---- */

/* arange(n) for axis b of a batch, as an index that broadcasts with one of this rank. */
static void
put_batch_index(sg_text_writer *w, sg_ext n, uint32_t b, uint32_t rank)
{
	sg_buf_puts(w->b, "arange(");
	put_ext(w, n);
	sg_buf_putc(w->b, ')');
	if (b + 1 < rank) {
		sg_buf_puts(w->b, "[:");
		for (uint32_t i = b + 1; i < rank; i++)
			sg_buf_puts(w->b, ", none");
		sg_buf_putc(w->b, ']');
	}
}

static sg_prec
put_gather(sg_text_writer *w, const sg_node *n)
{
	const uint32_t axis = (uint32_t)n->attr->w[0], nb = (uint32_t)n->attr->w[1];
	const sg_shape *s = shape_of(w, n->args[0]), *is = shape_of(w, n->args[1]);
	int64_t perm[SG_MAX_RANK];
	size_t at = w->b->n;
	uint32_t k = 0;

	sg_put(w, n->args[0], SG_P_POSTFIX);
	if (nb) { /* the gathered axis goes next to the batch */
		for (uint32_t i = 0; i < s->rank; i++)
			perm[i] = i < nb ? i : i == nb ? axis : i <= axis ? i - 1 : i;
		sg_wrap_transpose(w, at, s->rank, perm);
	}
	sg_buf_putc(w->b, '[');
	sg_put_colons(w, nb ? 0 : axis);
	for (uint32_t b = 0; b < nb; b++) {
		put_batch_index(w, s->ext[b], b, is->rank);
		sg_buf_puts(w->b, ", ");
	}
	if (!nb && !is->rank && sg_node_at(w->g, n->args[1])->op == SG_CONST) {
		/* a number would ask for the element of every call */
		sg_buf_putc(w->b, '[');
		sg_put(w, n->args[1], SG_P_ANY);
		sg_buf_puts(w->b, "]][");
		sg_put_colons(w, axis);
		sg_buf_puts(w->b, "0]");
		return SG_P_POSTFIX;
	}
	sg_put(w, n->args[1], SG_P_ANY);
	sg_buf_putc(w->b, ']');
	if (!nb)
		return SG_P_POSTFIX;
	for (uint32_t i = 0; i < nb; i++)
		perm[k++] = i;
	for (uint32_t i = nb; i < axis; i++)
		perm[k++] = is->rank + i - nb;
	for (uint32_t i = nb; i < is->rank; i++)
		perm[k++] = i;
	for (; k < n->shape->rank; k++)
		perm[k] = k;
	sg_wrap_transpose(w, at, n->shape->rank, perm);
	return SG_P_POSTFIX;
}

static sg_ext
product(const sg_text_writer *w, const sg_ext *e, uint32_t n)
{
	sg_ext p = sg_ext_int(w->sp, 1);

	for (uint32_t i = 0; i < n; i++)
		p = sg_ext_mul(w->sp, p, e[i]);
	return p;
}

/* The indices of a batched scatter, numbered through all batches: b*n + (i, counted from the
 * front). */
static void
put_flat_indices(sg_text_writer *w, const sg_node *n, uint32_t nb, sg_ext extent)
{
	const sg_shape *is = shape_of(w, n->args[0]);
	sg_ext ones[SG_MAX_RANK];
	size_t at = w->b->n;

	sg_buf_puts(w->b, "where(");
	sg_put(w, n->args[0], SG_P_ADD);
	sg_buf_puts(w->b, " < 0, ");
	sg_put(w, n->args[0], SG_P_ADD);
	sg_buf_puts(w->b, " + ");
	put_ext(w, extent);
	sg_buf_puts(w->b, ", ");
	sg_put(w, n->args[0], SG_P_ANY);
	sg_buf_puts(w->b, ") + ");
	at = w->b->n;
	sg_parens(w, at, sg_put_extent(w, extent), SG_P_MUL);
	sg_buf_putc(w->b, '*');
	at = w->b->n;
	sg_buf_puts(w->b, "arange(");
	put_ext(w, product(w, is->ext, nb));
	sg_buf_putc(w->b, ')');
	for (uint32_t i = 0; i < is->rank; i++)
		ones[i] = i < nb ? is->ext[i] : sg_ext_int(w->sp, 1);
	if (is->rank > 1)
		sg_wrap_reshape(w, at, is->rank, ones);
}

/* index_add(zeros, idx, v), with idx flat and the scattered axis first; then everything back. */
static sg_prec
put_scatter(sg_text_writer *w, const sg_node *n)
{
	const uint32_t axis = (uint32_t)n->attr->w[0], nb = (uint32_t)n->attr->w[1];
	const sg_shape *s = n->shape, *is = shape_of(w, n->args[0]), *vs = shape_of(w, n->args[1]);
	const uint32_t m = is->rank - nb, mids = axis - nb, rank = s->rank;
	const sg_ext all = product(w, is->ext, is->rank), extent = s->ext[axis];
	const bool flat = is->rank != 1;
	int64_t perm[SG_MAX_RANK];
	sg_ext e[SG_MAX_RANK];
	size_t at = w->b->n, here;
	uint32_t k = 0, rest = 1;

	sg_buf_puts(w->b, "index_add(");
	e[0] = sg_ext_mul(w->sp, product(w, s->ext, nb), extent);
	for (uint32_t i = nb; i < rank; i++)
		if (i != axis)
			e[rest++] = s->ext[i];
	sg_put_const(w, (sg_type)n->type, sg_shape_make(w->sp, rest, e), 0);
	sg_buf_puts(w->b, ", ");
	here = w->b->n;
	if (nb)
		put_flat_indices(w, n, nb, extent);
	else
		sg_put(w, n->args[0], SG_P_ANY);
	if (flat)
		sg_wrap_reshape(w, here, 1, &all);
	sg_buf_puts(w->b, ", ");
	here = w->b->n;
	sg_put(w, n->args[1], SG_P_POSTFIX);
	for (uint32_t i = 0; i < vs->rank; i++) /* batch, indices, what lies between, the rest */
		perm[i] = i < nb ? i : i < nb + m ? i + mids : i < nb + m + mids ? i - m : i;
	sg_wrap_transpose(w, here, vs->rank, perm);
	if (flat) {
		const sg_ext first = e[0];

		e[0] = all;
		sg_wrap_reshape(w, here, rest, e);
		e[0] = first;
	}
	sg_buf_putc(w->b, ')');
	if (nb) {
		for (uint32_t i = 0; i < nb; i++)
			e[k++] = s->ext[i];
		e[k++] = extent;
		for (uint32_t i = nb; i < rank; i++)
			if (i != axis)
				e[k++] = s->ext[i];
		sg_wrap_reshape(w, at, rank, e);
	}
	for (uint32_t i = 0; i < rank; i++)
		perm[i] = i < nb ? i : i < axis ? i + 1 : i == axis ? nb : i;
	sg_wrap_transpose(w, at, rank, perm);
	return SG_P_POSTFIX;
}

/* ---- reductions ---- */

static void
put_axes(sg_text_writer *w, uint64_t mask, uint32_t rank)
{
	const uint64_t all = ((uint64_t)1 << rank) - 1;
	bool many = mask & (mask - 1), any = false;

	if (mask == all)
		return;
	sg_buf_puts(w->b, many ? ", axis=(" : ", axis=");
	for (uint32_t i = 0; i < rank; i++)
		if (mask >> i & 1) {
			sg_buf_printf(w->b, any ? ", %u" : "%u", i);
			any = true;
		}
	sg_buf_puts(w->b, many ? ")" : "");
}

sg_prec
sg_put_reduce(sg_text_writer *w, sg_ref r, const char *name)
{
	const sg_node *n = sg_node_at(w->g, r);
	const bool one = n->op == SG_ARGMAX || n->op == SG_ARGMIN;
	const uint64_t mask = one ? (uint64_t)1 << n->attr->w[0] : (uint64_t)n->attr->w[0];

	sg_buf_printf(w->b, "%s(", name);
	sg_put(w, n->args[0], SG_P_ANY);
	put_axes(w, mask, shape_of(w, n->args[0])->rank);
	sg_buf_putc(w->b, ')');
	return SG_P_POSTFIX;
}

/* ---- s[k] = a[k]*s[k-1] + b[k] ---- */

/* Is it true at the first place of the last axis and nowhere else? */
static bool
is_first(const sg_text_writer *w, sg_ref r, uint32_t rank)
{
	const sg_node *n = sg_node_at(w->g, r);

	while (n->op == SG_BROADCAST || n->op == SG_CAST) {
		if (n->op == SG_BROADCAST && n->attr->w[0] != rank - 1)
			return false;
		n = sg_node_at(w->g, n->args[0]);
	}
	if (n->op != SG_EQ || n->shape->rank != 1)
		return false;
	for (uint32_t k = 0; k < 2; k++) {
		const sg_node *c = sg_node_at(w->g, n->args[k]);

		if (c->op == SG_CONST && c->attr->w[0] == 0)
			return sg_node_at(w->g, n->args[1 - k])->op == SG_IOTA;
	}
	return false;
}

/* y where r is where(first, y, z); 0: it is not. */
static sg_ref
at_first(const sg_text_writer *w, sg_ref r, sg_ref *z)
{
	const sg_node *n = sg_node_at(w->g, r);

	if (n->op != SG_SELECT || !is_first(w, n->args[0], n->shape->rank))
		return 0;
	*z = n->args[2];
	return n->args[1];
}

static void
put_arange(sg_text_writer *w, sg_ext n, const char *after)
{
	sg_buf_puts(w->b, "arange(");
	put_ext(w, n);
	sg_buf_printf(w->b, ")%s", after);
}

static void
put_axis_end(sg_text_writer *w, uint32_t axis)
{
	sg_buf_printf(w->b, ", axis=%u)", axis);
}

/* Where b is 0 but for its first place, a product of all up to there. */
static bool
put_cumprod(sg_text_writer *w, const sg_node *n)
{
	const uint32_t rank = n->shape->rank;
	sg_ref a = n->args[0], zero = 0, skip = 0, y = at_first(w, n->args[1], &zero);
	const bool unit = is_first(w, n->args[1], rank);

	if (!unit && (!y || sg_node_at(w->g, zero)->op != SG_CONST ||
	              sg_node_at(w->g, zero)->attr->w[0] != 0))
		return false;
	if (at_first(w, a, &skip))
		a = skip; /* the first a plays no part */
	sg_buf_puts(w->b, "cumprod(");
	if (unit || a != y) {
		sg_buf_puts(w->b, "where(");
		put_arange(w, n->shape->ext[rank - 1], " == 0, ");
		if (unit)
			sg_put_number(w, SG_I64, 1, true);
		else
			sg_put(w, y, SG_P_ANY);
		sg_buf_puts(w->b, ", ");
	}
	sg_put(w, a, SG_P_ANY);
	sg_buf_puts(w->b, unit || a != y ? ")" : "");
	if (rank > 1)
		put_axis_end(w, rank - 1);
	else
		sg_buf_putc(w->b, ')');
	return true;
}

/* s[k] = sum over j <= k of b[j] * product of a[j+1 .. k]. */
static sg_prec
put_linrec(sg_text_writer *w, const sg_node *n)
{
	const uint32_t rank = n->shape->rank;
	const sg_ext len = n->shape->ext[rank - 1];

	if (put_cumprod(w, n))
		return SG_P_POSTFIX;
	sg_buf_puts(w->b, "sum(where(");
	put_arange(w, len, "[:, none] <= ");
	put_arange(w, len, ", cumprod(where(");
	put_arange(w, len, "[:, none] < ");
	put_arange(w, len, ", ");
	sg_put(w, n->args[0], SG_P_POSTFIX);
	sg_buf_putc(w->b, '[');
	sg_put_colons(w, rank - 1);
	sg_buf_puts(w->b, "none], 1)");
	put_axis_end(w, rank);
	sg_buf_putc(w->b, '*');
	sg_put(w, n->args[1], SG_P_POSTFIX);
	sg_buf_puts(w->b, "[..., none], 0)");
	put_axis_end(w, rank - 1);
	return SG_P_POSTFIX;
}

/* ---- contraction ---- */

typedef struct factor {
	sg_ref r;
	uint32_t n;
	const int64_t *label;
} factor;

/* Does the factor end in labels p, q, or q, p (*turned), after the last of the batch labels? */
static bool
ends_in(const factor *f, uint32_t nb, const int64_t *batch, int64_t p, int64_t q, bool *swapped)
{
	const int64_t *end = f->label + f->n - 2;
	const uint32_t own = f->n - 2;

	if (f->n < 2 || own > nb || memcmp(f->label, batch + nb - own, own * sizeof *batch) != 0)
		return false;
	*swapped = end[0] == q && end[1] == p;
	return *swapped || (end[0] == p && end[1] == q);
}

/* Is it the matrix product a @ b, with .T where told? */
static bool
is_matmul(const factor *a, const factor *b, uint32_t no, const int64_t *lo, bool *at, bool *bt)
{
	int64_t sum = -1;

	*at = *bt = false;
	for (uint32_t i = 0; i < a->n; i++) {
		bool out = false;

		for (uint32_t k = 0; k < no; k++)
			out = out || lo[k] == a->label[i];
		if (!out && sum >= 0)
			return false;
		sum = out ? sum : a->label[i];
	}
	if (sum < 0)
		return false;
	if (a->n == 1 && b->n == 1)
		return true;
	if (b->n == 1)
		return no && b->label[0] == sum && ends_in(a, no - 1, lo, lo[no - 1], sum, at);
	if (a->n == 1)
		return no && ends_in(b, no - 1, lo, sum, lo[no - 1], bt);
	return no >= 2 && ends_in(a, no - 2, lo, lo[no - 2], sum, at) &&
	       ends_in(b, no - 2, lo, sum, lo[no - 1], bt);
}

static sg_prec
put_matmul(sg_text_writer *w, sg_ref a, sg_ref b, bool at, bool bt)
{
	const bool chain = !at && sg_inline(w, a) && sg_node_at(w->g, a)->op == SG_CONTRACT;

	if (shape_of(w, a)->rank == 1 && shape_of(w, b)->rank == 1) {
		sg_buf_puts(w->b, "dot(");
		sg_put(w, a, SG_P_ANY);
		sg_buf_puts(w->b, ", ");
		sg_put(w, b, SG_P_ANY);
		sg_buf_putc(w->b, ')');
		return SG_P_POSTFIX;
	}
	sg_put(w, a, chain ? SG_P_MATMUL : SG_P_POSTFIX);
	sg_buf_puts(w->b, at ? ".T @ " : " @ ");
	sg_put(w, b, SG_P_POSTFIX);
	sg_buf_puts(w->b, bt ? ".T" : "");
	return SG_P_MATMUL;
}

static void
put_labels(sg_text_writer *w, uint32_t n, const int64_t *label)
{
	for (uint32_t i = 0; i < n; i++)
		sg_buf_putc(w->b, (char)(label[i] < 26 ? 'a' + label[i] : 'A' + label[i] - 26));
}

/* The operands of a contraction, and where its labels for the result stand. */
static const int64_t *
factors_of(const sg_node *n, factor *x, factor *y)
{
	const int64_t *v = n->attr->w;

	*x = (factor){n->args[0], (uint32_t)v[0], v + 3};
	*y = (factor){n->args[1], (uint32_t)v[1], v + 3 + v[0]};
	return y->label + y->n;
}

bool
sg_contract_as_matmul(const sg_text_writer *w, sg_ref r, sg_ref *left, sg_ref *right, bool *lt,
                      bool *rt)
{
	const sg_node *n = sg_node_at(w->g, r);
	const uint32_t no = (uint32_t)n->attr->w[2];
	factor x, y;
	const int64_t *lo = factors_of(n, &x, &y);
	bool xt, yt, xt2, yt2;
	const bool xy = is_matmul(&x, &y, no, lo, &xt, &yt),
		   yx = is_matmul(&y, &x, no, lo, &yt2, &xt2);

	if (xy && (!yx || xt + yt <= xt2 + yt2)) {
		*left = x.r, *right = y.r, *lt = xt, *rt = yt;
		return true;
	}
	*left = y.r, *right = x.r, *lt = yt2, *rt = xt2;
	return yx;
}

void
sg_put_einsum_labels(sg_text_writer *w, sg_ref r, const char *arrow, sg_ref arg[2])
{
	const sg_node *n = sg_node_at(w->g, r);
	factor x, y;
	const int64_t *lo = factors_of(n, &x, &y);

	put_labels(w, x.n, x.label);
	sg_buf_putc(w->b, ',');
	put_labels(w, y.n, y.label);
	sg_buf_puts(w->b, arrow);
	put_labels(w, (uint32_t)n->attr->w[2], lo);
	arg[0] = x.r;
	arg[1] = y.r;
}

static sg_prec
put_contract(sg_text_writer *w, sg_ref r)
{
	sg_ref a, b, arg[2];
	bool at, bt;

	if (sg_contract_as_matmul(w, r, &a, &b, &at, &bt))
		return put_matmul(w, a, b, at, bt);
	sg_buf_puts(w->b, "einsum(\"");
	sg_put_einsum_labels(w, r, "->", arg);
	sg_buf_puts(w->b, "\", ");
	sg_put(w, arg[0], SG_P_ANY);
	sg_buf_puts(w->b, ", ");
	sg_put(w, arg[1], SG_P_ANY);
	sg_buf_putc(w->b, ')');
	return SG_P_POSTFIX;
}

/* ---- all of them ---- */

/* index_put of the numbers 0, 1, ... into -1; with a batch, of flat indices. */
static sg_prec
put_writer(sg_text_writer *w, const sg_node *n)
{
	const sg_shape *s = n->shape, *is = shape_of(w, n->args[0]);
	const uint32_t nb = s->rank - 1;
	const sg_ext size = sg_shape_size(w->sp, s), all = sg_shape_size(w->sp, is),
		     m = is->ext[nb];
	size_t at = w->b->n, here;

	sg_buf_puts(w->b, "index_put(");
	sg_put_const(w, SG_I64, sg_shape_make(w->sp, 1, &size), -1);
	sg_buf_puts(w->b, ", ");
	here = w->b->n;
	if (nb) {
		put_flat_indices(w, n, nb, s->ext[nb]);
		sg_wrap_reshape(w, here, 1, &all);
	} else {
		sg_put(w, n->args[0], SG_P_ANY);
	}
	sg_buf_puts(w->b, ", arange(");
	put_ext(w, all);
	sg_buf_putc(w->b, ')');
	if (nb) {
		sg_buf_puts(w->b, " % ");
		here = w->b->n;
		sg_parens(w, here, sg_put_extent(w, m), SG_P_POSTFIX);
	}
	sg_buf_putc(w->b, ')');
	if (nb)
		sg_wrap_reshape(w, at, s->rank, s->ext);
	return SG_P_POSTFIX;
}

static sg_prec
put_random(sg_text_writer *w, const sg_node *n)
{
	sg_buf_printf(w->b, "%s(", sg_op_name(n->op));
	sg_put_shape(w, n->shape->rank, n->shape->ext);
	sg_buf_puts(w->b, ", ");
	sg_put(w, n->args[0], SG_P_ANY);
	sg_buf_putc(w->b, ')');
	return SG_P_POSTFIX;
}

static sg_prec
put_cast(sg_text_writer *w, const sg_node *n)
{
	const sg_node *a = sg_node_at(w->g, n->args[0]);

	/* rand in an f32 model is the f64 number, rounded */
	if ((a->op == SG_RAND || a->op == SG_RANDN) && n->type == w->p->real &&
	    sg_inline(w, n->args[0]))
		return put_random(w, a);
	sg_buf_puts(w->b, "cast(");
	sg_put(w, n->args[0], SG_P_ANY);
	sg_buf_printf(w->b, ", %s)", sg_type_name((sg_type)n->type));
	return SG_P_POSTFIX;
}

static sg_prec
put_last_axis(sg_text_writer *w, const sg_node *n, const char *name, bool say_axis)
{
	const uint32_t rank = shape_of(w, n->args[0])->rank;

	sg_buf_printf(w->b, "%s(", name);
	sg_put(w, n->args[0], SG_P_ANY);
	if (say_axis && rank > 1)
		sg_buf_printf(w->b, ", axis=%u", rank - 1);
	sg_buf_putc(w->b, ')');
	return SG_P_POSTFIX;
}

/* ---- linear algebra ---- */

bool
sg_is_written(const sg_text_writer *w, const sg_node *n, uint32_t k)
{
	if (!sg_by_factors(n->op) || k == 0)
		return true;
	return k == 2 && !sg_is_eye(w->g, n->args[2]);
}

static const char *
truth(bool x)
{
	return x ? "true" : "false";
}

/* vector: the right side, if it is one; 0: the last operand. */
static sg_prec
put_linalg(sg_text_writer *w, const sg_node *n, sg_ref vector)
{
	const bool inverse = n->op == SG_LUSOLVE && !sg_is_written(w, n, 2);
	const bool turned = n->op == SG_LUSOLVE && n->attr->w[0];

	sg_buf_printf(w->b, "%s(",
	              inverse               ? "inv"
	              : n->op == SG_LUSOLVE ? "solve"
	                                    : sg_op_name(n->op));
	sg_put(w, n->args[0], turned ? SG_P_POSTFIX : SG_P_ANY);
	sg_buf_puts(w->b, turned ? ".T" : "");
	for (uint32_t k = 1; k < n->nargs; k++)
		if (sg_is_written(w, n, k)) {
			sg_buf_puts(w->b, ", ");
			sg_put(w, vector && k + 1 == n->nargs ? vector : n->args[k], SG_P_ANY);
		}
	if (n->op == SG_TRISOLVE)
		sg_buf_printf(w->b, ", lower=%s, trans=%s", truth(n->attr->w[0]), truth(n->attr->w[1]));
	sg_buf_putc(w->b, ')');
	return SG_P_POSTFIX;
}

/* The language has no name for it: l^-T s l^-1 with s = 0.5*(tril(p) + tril(p, k=-1).T), p = l.T @ g. */
static sg_prec
put_cholesky_adjoint(sg_text_writer *w, const sg_node *n)
{
	static const char *const between[] = {"solve_triangular(", ", solve_triangular(",
	                                      ", 0.5*(tril(", ".T @ ", ") + tril(", ".T @ ",
	                                      ", k=-1).T), trans=true).T, trans=true)"};

	for (int k = 0; k < 7; k++) {
		sg_buf_puts(w->b, between[k]);
		if (k < 6)
			sg_put(w, n->args[k == 3 || k == 5], k < 2 ? SG_P_ANY : SG_P_POSTFIX);
	}
	return SG_P_POSTFIX;
}

/* The vector v where r is solve(a, v), which the graph has as a column that is solved for; 0: it is not. */
static sg_ref
solved_vector(const sg_text_writer *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r), *s = sg_node_at(w->g, n->args[0]), *b;
	const sg_ref column = s->nargs ? s->args[s->nargs - 1] : 0;

	if ((s->op != SG_LUSOLVE && s->op != SG_TRISOLVE) || n->shape->rank != 1 ||
	    s->shape->rank != 2 || !sg_inline(w, n->args[0]) || !sg_inline(w, column))
		return 0;
	b = sg_node_at(w->g, column);
	return b->op == SG_RESHAPE && shape_of(w, b->args[0])->rank == 1 ? b->args[0] : 0;
}

sg_prec
sg_put_struct(sg_text_writer *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	const char *name = sg_op_name(n->op);

	switch ((sg_op)n->op) {
	case SG_INPUT:
		sg_buf_puts(w->b, w->p->input[n->attr->w[0]].name);
		return SG_P_POSTFIX;
	case SG_CONST:
		return sg_put_const(w, (sg_type)n->type, n->shape, n->attr->w[0]);
	case SG_DATA:
		return put_data(w, n);
	case SG_DIM:
		return sg_put_extent(w, (sg_ext)n->attr->w[0]);
	case SG_IOTA:
		sg_buf_puts(w->b, "arange(");
		put_ext(w, n->shape->ext[0]);
		sg_buf_putc(w->b, ')');
		return SG_P_POSTFIX;
	case SG_CAST:
		return put_cast(w, n);
	case SG_BIND:
	case SG_CUSTOM:
		if (sg_inline(w, n->args[0]))
			return sg_put_body(w, n->args[0]);
		sg_buf_puts(w->b, w->name[n->args[0]]);
		return SG_P_POSTFIX;
	case SG_STOP:
		return put_last_axis(w, n, name, false);
	case SG_RESHAPE:
		if (solved_vector(w, r))
			return put_linalg(w, sg_node_at(w->g, n->args[0]), solved_vector(w, r));
		return sg_put_move(w, r);
	case SG_TRANSPOSE:
	case SG_BROADCAST:
	case SG_SLICE:
	case SG_PAD:
	case SG_WINDOW:
	case SG_UNWINDOW:
	case SG_CONCAT:
		return sg_put_move(w, r);
	case SG_GATHER:
		return put_gather(w, n);
	case SG_SCATTER:
		return put_scatter(w, n);
	case SG_WRITER:
		return put_writer(w, n);
	case SG_SUM:
	case SG_PROD:
	case SG_AMAX:
	case SG_AMIN:
	case SG_ANY:
	case SG_ALL:
	case SG_ARGMAX:
	case SG_ARGMIN:
		return sg_put_reduce(w, r, name);
	case SG_CUMSUM:
	case SG_LOGSUMEXP:
	case SG_NORM:
		return put_last_axis(w, n, name, true);
	case SG_SOFTMAX:
	case SG_LOG_SOFTMAX:
		return put_last_axis(w, n, name, false);
	case SG_LINREC:
		return put_linrec(w, n);
	case SG_LU: /* of pictures alone: the language knows what is solved by it */
		sg_buf_puts(w->b, "lu(");
		sg_put(w, n->args[0], SG_P_ANY);
		sg_buf_putc(w->b, ')');
		return SG_P_POSTFIX;
	case SG_LUSOLVE:
	case SG_DET:
	case SG_LOGDET:
	case SG_CHOLESKY:
	case SG_TRISOLVE:
		return put_linalg(w, n, 0);
	case SG_CHOLBACK:
		return put_cholesky_adjoint(w, n);
	case SG_CONTRACT:
		return put_contract(w, r);
	case SG_RAND:
	case SG_RANDN:
		return put_random(w, n);
	default:
		break;
	}
	sg_raise(w->ctx, SG_FAULT_DEFECT, "sg_struct.c: a node that no text stands for");
}
