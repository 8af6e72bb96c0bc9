/* eval_reduce.c - values of the ops in which elements meet: reductions, contraction, running sums,
 * and the operations on rows.
 *
 * Sums of floats are taken in double, pairwise, and rounded once to the type of the result. */
#include "rules/eval.h"

#include <math.h>

/* ---- reductions ---- */

/* The elements that make one element of the result: i = 0 .. count-1 stand at
 * base + position of i in ext by stride. */
typedef struct fibre {
	const sg_tensor *x;
	int64_t base, count;
	uint32_t rank;
	int64_t ext[SG_MAX_RANK], stride[SG_MAX_RANK];
} fibre;

static int64_t
fibre_at(const fibre *f, int64_t i)
{
	return f->base + sg_position(f->rank, f->ext, i, f->stride);
}

static double
fibre_term(const void *f, int64_t i)
{
	return sg_tensor_get(((const fibre *)f)->x, fibre_at(f, i));
}

/* Splits the axes of x into those of mask, which the fibre runs along, and the others, in kept. */
static void
split_axes(const sg_tensor *x, uint64_t mask, fibre *along, fibre *kept)
{
	int64_t stride[SG_MAX_RANK];

	sg_strides(x->rank, x->ext, stride);
	*along = *kept = (fibre){.x = x, .count = 1};
	for (uint32_t k = 0; k < x->rank; k++) {
		fibre *f = mask >> k & 1 ? along : kept;

		f->ext[f->rank] = x->ext[k];
		f->stride[f->rank++] = stride[k];
		f->count *= x->ext[k];
	}
}

static double
product_f64(const fibre *f)
{
	double p = 1;

	for (int64_t i = 0; i < f->count; i++)
		p *= fibre_term(f, i);
	return p;
}

static double
product_f32(const fibre *f)
{
	float p = 1;

	for (int64_t i = 0; i < f->count; i++)
		p *= (float)fibre_term(f, i);
	return (double)p;
}

/* f->count > 0; NaN wins. */
static double
extreme(const fibre *f, bool max)
{
	double r = fibre_term(f, 0);

	for (int64_t i = 1; i < f->count; i++) {
		double v = fibre_term(f, i);

		r = max ? sgrt_max_f64(r, v) : sgrt_min_f64(r, v);
	}
	return r;
}

static double
reduce_floats(sg_op op, const fibre *f)
{
	if (op == SG_SUM)
		return sg_pairwise(fibre_term, f, 0, f->count);
	if (op == SG_PROD)
		return f->x->type == SG_F32 ? product_f32(f) : product_f64(f);
	return extreme(f, op == SG_AMAX);
}

static int64_t
combine_ints(sg_op op, int64_t a, int64_t b)
{
	switch ((int)op) {
	case SG_SUM:
		return sgrt_add_i64(a, b);
	case SG_PROD:
		return sgrt_mul_i64(a, b);
	case SG_AMAX:
	case SG_ANY:
		return a > b ? a : b;
	default: /* SG_AMIN, SG_ALL */
		return a < b ? a : b;
	}
}

static int64_t
reduce_ints(sg_op op, const fibre *f)
{
	int64_t r = op == SG_PROD || op == SG_ALL;

	for (int64_t i = 0; i < f->count; i++) {
		int64_t v = sg_tensor_get_int(f->x, fibre_at(f, i));

		r = i == 0 ? v : combine_ints(op, r, v);
	}
	return r;
}

int
sg_eval_reduce(const sg_eval *e)
{
	sg_op op = (sg_op)e->n->op;
	fibre f, kept;

	split_axes(e->args[0], (uint64_t)e->n->attr->w[0], &f, &kept);
	if (kept.count != e->out->count)
		return SGRT_EDIM;
	if (f.count == 0 && kept.count > 0 && (op == SG_AMAX || op == SG_AMIN))
		return SGRT_EEMPTY;
	for (int64_t i = 0; i < e->out->count; i++) {
		f.base = fibre_at(&kept, i);
		if (sg_type_is_float(e->out->type))
			sg_tensor_set(e->out, i, reduce_floats(op, &f));
		else
			sg_tensor_set_int(e->out, i, reduce_ints(op, &f));
	}
	return SGRT_OK;
}

/* Does b take the place of a? The first of equals stays, and the first NaN. */
static bool
beats(const sg_tensor *x, int64_t a, int64_t b, bool max)
{
	if (sg_type_is_float(x->type)) {
		double u = sg_tensor_get(x, a), v = sg_tensor_get(x, b);

		return !isnan(u) && (isnan(v) || (max ? v > u : v < u));
	}
	int64_t u = sg_tensor_get_int(x, a), v = sg_tensor_get_int(x, b);

	return max ? v > u : v < u;
}

int
sg_eval_argm(const sg_eval *e)
{
	const sg_tensor *x = e->args[0];
	fibre f, kept;

	split_axes(x, (uint64_t)1 << e->n->attr->w[0], &f, &kept);
	if (f.count == 0 && kept.count > 0)
		return SGRT_EEMPTY;
	for (int64_t i = 0; i < e->out->count; i++) {
		int64_t best = 0;

		f.base = fibre_at(&kept, i);
		for (int64_t k = 1; k < f.count; k++)
			if (beats(x, fibre_at(&f, best), fibre_at(&f, k), e->n->op == SG_ARGMAX))
				best = k;
		sg_tensor_set_int(e->out, i, best);
	}
	return SGRT_OK;
}

/* ---- contraction ---- */

typedef struct contraction {
	const sg_tensor *x, *y;
	uint32_t rank; /* of the labels that are summed */
	int64_t ext[2 * SG_MAX_RANK], of_x[2 * SG_MAX_RANK], of_y[2 * SG_MAX_RANK];
	int64_t base_x, base_y;
} contraction;

static int64_t
contraction_x(const contraction *c, int64_t i)
{
	return c->base_x + sg_position(c->rank, c->ext, i, c->of_x);
}

static int64_t
contraction_y(const contraction *c, int64_t i)
{
	return c->base_y + sg_position(c->rank, c->ext, i, c->of_y);
}

static double
contraction_term(const void *arg, int64_t i)
{
	const contraction *c = arg;

	return sg_tensor_get(c->x, contraction_x(c, i)) * sg_tensor_get(c->y, contraction_y(c, i));
}

/* Extent and stride of a label in an operand; false where it does not occur. */
static bool
find_label(const sg_tensor *t, const int64_t *labels, int64_t label, int64_t *ext, int64_t *stride)
{
	int64_t strides[SG_MAX_RANK];

	*stride = 0;
	for (uint32_t k = 0; k < t->rank; k++)
		if (labels[k] == label) {
			sg_strides(t->rank, t->ext, strides);
			*ext = t->ext[k];
			*stride = strides[k];
			return true;
		}
	return false;
}

/* One label over both operands; SGRT_EDIM where they disagree. */
static int
place_label(const sg_eval *e, int64_t label, int64_t *ext, int64_t *of_x, int64_t *of_y)
{
	const int64_t *w = e->n->attr->w, *lx = w + 3, *ly = lx + w[0];
	int64_t ex = 0, ey = 0;
	bool in_x = find_label(e->args[0], lx, label, &ex, of_x);
	bool in_y = find_label(e->args[1], ly, label, &ey, of_y);

	*ext = in_x ? ex : ey;
	return in_x && in_y && ex != ey ? SGRT_EDIM : SGRT_OK;
}

static bool
has_label(const int64_t *labels, int64_t n, int64_t label)
{
	for (int64_t k = 0; k < n; k++)
		if (labels[k] == label)
			return true;
	return false;
}

/* The labels that are not in the result. */
static int
summed_labels(const sg_eval *e, contraction *c)
{
	const int64_t *w = e->n->attr->w, *labels = w + 3, *lo = labels + w[0] + w[1];

	for (int64_t k = 0; k < w[0] + w[1]; k++) {
		if (has_label(lo, w[2], labels[k]) || has_label(labels, k, labels[k]))
			continue;
		if (place_label(e, labels[k], &c->ext[c->rank], &c->of_x[c->rank],
		                &c->of_y[c->rank]))
			return SGRT_EDIM;
		c->rank++;
	}
	return SGRT_OK;
}

static void
contract_one(sg_tensor *out, int64_t i, const contraction *c, int64_t count)
{
	int64_t s = 0;

	if (sg_type_is_float(out->type)) {
		sg_tensor_set(out, i, sg_pairwise(contraction_term, c, 0, count));
		return;
	}
	for (int64_t k = 0; k < count; k++)
		s = sgrt_add_i64(s, sgrt_mul_i64(sg_tensor_get_int(c->x, contraction_x(c, k)),
		                                 sg_tensor_get_int(c->y, contraction_y(c, k))));
	sg_tensor_set_int(out, i, s);
}

int
sg_eval_contract(const sg_eval *e)
{
	const int64_t *w = e->n->attr->w, *lo = w + 3 + w[0] + w[1];
	contraction c = {.x = e->args[0], .y = e->args[1]};
	int64_t of_x[SG_MAX_RANK], of_y[SG_MAX_RANK], count = 1;
	sg_tensor *out = e->out;

	for (uint32_t k = 0; k < out->rank; k++) {
		int64_t ext;

		if (place_label(e, lo[k], &ext, &of_x[k], &of_y[k]) || ext != out->ext[k])
			return SGRT_EDIM;
	}
	if (summed_labels(e, &c))
		return SGRT_EDIM;
	for (uint32_t k = 0; k < c.rank; k++)
		count *= c.ext[k];
	for (int64_t i = 0; i < out->count; i++) {
		c.base_x = sg_position(out->rank, out->ext, i, of_x);
		c.base_y = sg_position(out->rank, out->ext, i, of_y);
		contract_one(out, i, &c, count);
	}
	return SGRT_OK;
}

/* ---- along the last axis ---- */

typedef struct row {
	const sg_tensor *x;
	int64_t first, n;
	double shift; /* of exponents, or a scale */
	int64_t top;  /* the maximum's place */
} row;

static int64_t
last_extent(const sg_tensor *t)
{
	return t->ext[t->rank - 1];
}

static double
row_get(const row *r, int64_t i)
{
	return sg_tensor_get(r->x, r->first + i);
}

int
sg_eval_cumsum(const sg_eval *e)
{
	sg_tensor *out = e->out;
	int64_t n = last_extent(out), whole = 0;
	double sum = 0;

	for (int64_t i = 0; i < out->count; i++) {
		if (i % n == 0)
			sum = 0, whole = 0;
		if (sg_type_is_float(out->type)) {
			sum += sg_tensor_get(e->args[0], i);
			sg_tensor_set(out, i, sum);
		} else {
			whole = sgrt_add_i64(whole, sg_tensor_get_int(e->args[0], i));
			sg_tensor_set_int(out, i, whole);
		}
	}
	return SGRT_OK;
}

/* a*s + b, rounded to the type at each operation. */
static double
linrec_step(sg_type type, double a, double s, double b)
{
	return type == SG_F32 ? (double)((float)a * (float)s + (float)b) : a * s + b;
}

/* s[k] = a[k]*s[k-1] + b[k]; integers wrap. */
int
sg_eval_linrec(const sg_eval *e)
{
	const sg_tensor *a = e->args[0], *b = e->args[1];
	sg_tensor *out = e->out;
	const int64_t n = last_extent(out);

	for (int64_t i = 0; i < out->count; i++) {
		const bool begins = i % n == 0;

		if (sg_type_is_float(out->type)) {
			const double s = begins ? 0 : sg_tensor_get(out, i - 1);

			sg_tensor_set(
			    out, i,
			    linrec_step(out->type, sg_tensor_get(a, i), s, sg_tensor_get(b, i)));
		} else {
			const int64_t s = begins ? 0 : sg_tensor_get_int(out, i - 1);

			sg_tensor_set_int(out, i,
			                  sgrt_add_i64(sgrt_mul_i64(sg_tensor_get_int(a, i), s),
			                               sg_tensor_get_int(b, i)));
		}
	}
	return SGRT_OK;
}

static double
exp_term(const void *arg, int64_t i)
{
	const row *r = arg;

	return i == r->top ? 0 : exp(row_get(r, i) - r->shift);
}

/* The sum of exp(x - max) but for the maximum's own 1, beside which small terms would lose their
 * digits; inf or NaN where that has none. */
static double
sum_exp(row *r, double *max)
{
	double m = -INFINITY;

	r->top = -1;
	for (int64_t i = 0; i < r->n; i++) {
		const double x = row_get(r, i);

		if (x > m)
			r->top = i;
		m = sgrt_max_f64(m, x);
	}
	if (isinf(m))
		r->top = -1;
	*max = m;
	r->shift = m;
	return sg_pairwise(exp_term, r, 0, r->n);
}

/* A row with NaN or +inf, or all -inf, becomes NaN. */
int
sg_eval_softmax(const sg_eval *e)
{
	sg_tensor *out = e->out;
	int64_t n = last_extent(out);
	bool logs = e->n->op == SG_LOG_SOFTMAX;

	for (int64_t first = 0; first < out->count; first += n) {
		row r = {.x = e->args[0], .first = first, .n = n};
		double max, others = sum_exp(&r, &max);

		for (int64_t i = 0; i < n; i++) {
			double d = row_get(&r, i) - max;

			sg_tensor_set(out, first + i,
			              logs ? d - log1p(others) : exp(d) / (1 + others));
		}
	}
	return SGRT_OK;
}

/* A row with NaN gives NaN, with +inf +inf, all -inf (or nothing) -inf. */
int
sg_eval_logsumexp(const sg_eval *e)
{
	int64_t n = last_extent(e->args[0]);

	for (int64_t i = 0; i < e->out->count; i++) {
		row r = {.x = e->args[0], .first = i * n, .n = n};
		double max, others = sum_exp(&r, &max);

		sg_tensor_set(e->out, i, isinf(max) ? max : max + log1p(others));
	}
	return SGRT_OK;
}

static double
square_term(const void *arg, int64_t i)
{
	const row *r = arg;
	double v = ldexp(row_get(r, i), -(int)r->shift);

	return v * v;
}

/* Scaled by the power of two of the largest element, so that no square overflows or vanishes. */
int
sg_eval_norm(const sg_eval *e)
{
	int64_t n = last_extent(e->args[0]);

	for (int64_t i = 0; i < e->out->count; i++) {
		row r = {.x = e->args[0], .first = i * n, .n = n};
		double max = 0;
		int power = 0;

		for (int64_t k = 0; k < n; k++)
			max = sgrt_max_f64(max, fabs(row_get(&r, k)));
		if (isfinite(max)) {
			(void)frexp(max, &power);
			r.shift = power;
			max = ldexp(sqrt(sg_pairwise(square_term, &r, 0, n)), power);
		}
		sg_tensor_set(e->out, i, max);
	}
	return SGRT_OK;
}
