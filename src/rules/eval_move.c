/* eval_move.c - values of the ops that move elements: transpose, broadcast, slice, pad, concat,
 * window, gather, scatter. */
#include "rules/eval.h"

#include <string.h>

/* out[i] = x[base + position of i by strides]. */
static void
read_by_strides(const sg_eval *e, int64_t base, const int64_t *stride)
{
	sg_tensor *out = e->out;

	for (int64_t i = 0; i < out->count; i++)
		sg_tensor_copy(out, i, e->args[0],
		               base + sg_position(out->rank, out->ext, i, stride));
}

int
sg_eval_transpose(const sg_eval *e)
{
	const sg_tensor *x = e->args[0];
	int64_t of_x[SG_MAX_RANK], stride[SG_MAX_RANK];

	sg_strides(x->rank, x->ext, of_x);
	for (uint32_t k = 0; k < e->out->rank; k++) {
		int64_t from = e->n->attr->w[k];

		if (x->ext[from] != e->out->ext[k])
			return SGRT_EDIM;
		stride[k] = of_x[from];
	}
	read_by_strides(e, 0, stride);
	return SGRT_OK;
}

int
sg_eval_broadcast(const sg_eval *e)
{
	const sg_tensor *x = e->args[0];
	int64_t of_x[SG_MAX_RANK], stride[SG_MAX_RANK] = {0};

	sg_strides(x->rank, x->ext, of_x);
	for (uint32_t k = 0; k < x->rank; k++) {
		int64_t to = e->n->attr->w[k];

		if (x->ext[k] == e->out->ext[to])
			stride[to] = of_x[k];
		else if (x->ext[k] != 1)
			return SGRT_EDIM;
	}
	read_by_strides(e, 0, stride);
	return SGRT_OK;
}

/* Start and step words of SLICE and PAD, as a base and strides into an array `big` of which `small`
 * is the part that they select. */
static int
selection(const sg_eval *e, const sg_tensor *big, const sg_tensor *small, int64_t *base,
          int64_t *stride)
{
	int64_t of_big[SG_MAX_RANK];

	*base = 0;
	sg_strides(big->rank, big->ext, of_big);
	for (uint32_t k = 0; k < big->rank; k++) {
		int64_t start, step, last;

		if (!sg_eval_ext(e, k, &start) || !sg_eval_ext(e, big->rank + k, &step))
			return SGRT_EDIM;
		stride[k] = 0;
		if (small->ext[k] == 0)
			continue;
		if (__builtin_mul_overflow(step, small->ext[k] - 1, &last) ||
		    __builtin_add_overflow(last, start, &last))
			return SGRT_EDIM;
		if (start < 0 || start >= big->ext[k] || last < 0 || last >= big->ext[k])
			return SGRT_EDIM;
		*base += start * of_big[k];
		stride[k] = small->ext[k] > 1 ? step * of_big[k] : 0;
	}
	return SGRT_OK;
}

int
sg_eval_slice(const sg_eval *e)
{
	int64_t base, stride[SG_MAX_RANK];
	int status = selection(e, e->args[0], e->out, &base, stride);

	if (status == SGRT_OK)
		read_by_strides(e, base, stride);
	return status;
}

static void
clear(sg_tensor *t)
{
	if (t->count)
		memset(t->data, 0, (size_t)t->count * sg_type_size(t->type));
}

int
sg_eval_pad(const sg_eval *e)
{
	const sg_tensor *x = e->args[0];
	int64_t base, stride[SG_MAX_RANK];
	int status = selection(e, e->out, x, &base, stride);

	if (status != SGRT_OK)
		return status;
	clear(e->out);
	for (int64_t i = 0; i < x->count; i++)
		sg_tensor_copy(e->out, base + sg_position(x->rank, x->ext, i, stride), x, i);
	return SGRT_OK;
}

int
sg_eval_concat(const sg_eval *e)
{
	const sg_tensor *out = e->out;
	int64_t axis = e->n->attr->w[0], start = 0, stride[SG_MAX_RANK];

	sg_strides(out->rank, out->ext, stride);
	for (uint32_t k = 0; k < e->n->nargs; k++) {
		const sg_tensor *x = e->args[k];

		if (x->ext[axis] > out->ext[axis] - start)
			return SGRT_EDIM;
		for (int64_t i = 0; i < x->count; i++)
			sg_tensor_copy(
			    e->out, start * stride[axis] + sg_position(x->rank, x->ext, i, stride),
			    x, i);
		start += x->ext[axis];
	}
	return start == out->ext[axis] ? SGRT_OK : SGRT_EDIM;
}

/* ---- windows ---- */

/* Strides that lead from an element of `wide`, the array of windows, to its place in `x`. */
static int
windows(const sg_eval *e, const sg_tensor *x, const sg_tensor *wide, int64_t *stride)
{
	const sg_windowing w = sg_windowing_of(e->sp, e->n);
	int64_t of_x[SG_MAX_RANK], by, apart, last, more;
	const int64_t size = wide->ext[w.at], count = wide->ext[w.axis + 1];

	sg_strides(x->rank, x->ext, of_x);
	if (!sg_eval_ext(e, 2, &by) || !sg_eval_ext(e, 3, &apart))
		return SGRT_EDIM;
	if (size > 0 && count > 0 &&
	    (by < 0 || apart < 0 || __builtin_mul_overflow(by, count - 1, &last) ||
	     __builtin_mul_overflow(apart, size - 1, &more) ||
	     __builtin_add_overflow(last, more, &last) || last >= x->ext[w.axis]))
		return SGRT_EDIM;
	for (uint32_t j = 0; j < x->rank; j++)
		stride[j < w.at ? j : j + 1] = of_x[j] * (j == w.axis ? by : 1);
	stride[w.at] = apart * of_x[w.axis];
	return SGRT_OK;
}

int
sg_eval_window(const sg_eval *e)
{
	int64_t stride[SG_MAX_RANK];
	int status = windows(e, e->args[0], e->out, stride);

	if (status == SGRT_OK)
		read_by_strides(e, 0, stride);
	return status;
}

/* ---- gather and scatter ---- */

/* With x = [b..., p..., n, q...] (b: nbatch axes; p: those before the axis) and idx = [b..., i...],
 * the gathered array is [b..., p..., i..., q...]. Each is seen here with its runs of axes as one.
 */
typedef struct indexing {
	int64_t b, p, n, q, i;
} indexing;

static int64_t
product(const int64_t *ext, uint32_t lo, uint32_t hi)
{
	int64_t r = 1;

	for (uint32_t k = lo; k < hi; k++)
		r *= ext[k];
	return r;
}

static indexing
see(const sg_eval *e, const sg_tensor *x, const sg_tensor *idx)
{
	uint32_t axis = (uint32_t)e->n->attr->w[0], nbatch = (uint32_t)e->n->attr->w[1];
	indexing s = {
	    .b = product(x->ext, 0, nbatch),
	    .p = product(x->ext, nbatch, axis),
	    .n = x->ext[axis],
	    .q = product(x->ext, axis + 1, x->rank),
	    .i = product(idx->ext, nbatch, idx->rank),
	};

	return s;
}

/* Where element k of the gathered array stands in x; -1 when the index is out of range. */
static int64_t
gathered_from(indexing s, const sg_tensor *idx, int64_t k)
{
	int64_t q = k % s.q, i = k / s.q % s.i, p = k / s.q / s.i % s.p, b = k / s.q / s.i / s.p;
	int64_t at = sg_tensor_get_int(idx, b * s.i + i);

	if (at < -s.n || at >= s.n)
		return -1;
	if (at < 0)
		at += s.n;
	return ((b * s.p + p) * s.n + at) * s.q + q;
}

/* An index is looked at as in a loop within those of the axes before its own. */
static int
check_indices(indexing s, const sg_tensor *idx)
{
	for (int64_t k = 0; s.p > 0 && k < idx->count; k++) {
		int64_t at = sg_tensor_get_int(idx, k);

		if (at < -s.n || at >= s.n)
			return SGRT_EINDEX;
	}
	return SGRT_OK;
}

int
sg_eval_gather(const sg_eval *e)
{
	const sg_tensor *x = e->args[0], *idx = e->args[1];
	indexing s = see(e, x, idx);
	int status = check_indices(s, idx);

	if (status != SGRT_OK)
		return status;
	if (s.b * s.p * s.i * s.q != e->out->count)
		return SGRT_EDIM;
	for (int64_t k = 0; k < e->out->count; k++)
		sg_tensor_copy(e->out, k, x, gathered_from(s, idx, k));
	return SGRT_OK;
}

static void
add_to(sg_tensor *t, int64_t i, const sg_tensor *v, int64_t k)
{
	if (t->type == SG_F32)
		((float *)t->data)[i] += ((const float *)v->data)[k];
	else if (t->type == SG_F64)
		((double *)t->data)[i] += ((const double *)v->data)[k];
	else
		sg_tensor_set_int(t, i,
		                  sgrt_add_i64(sg_tensor_get_int(t, i), sg_tensor_get_int(v, k)));
}

int
sg_eval_scatter(const sg_eval *e)
{
	const sg_tensor *idx = e->args[0], *v = e->args[1];
	indexing s = see(e, e->out, idx);
	int status = check_indices(s, idx);

	if (status != SGRT_OK)
		return status;
	if (s.b * s.p * s.i * s.q != v->count)
		return SGRT_EDIM;
	clear(e->out);
	for (int64_t k = 0; k < v->count; k++)
		add_to(e->out, gathered_from(s, idx, k), v, k);
	return SGRT_OK;
}

int
sg_eval_unwindow(const sg_eval *e)
{
	const sg_tensor *g = e->args[0];
	int64_t stride[SG_MAX_RANK];
	int status = windows(e, e->out, g, stride);

	if (status != SGRT_OK)
		return status;
	clear(e->out);
	for (int64_t k = 0; k < g->count; k++)
		add_to(e->out, sg_position(g->rank, g->ext, k, stride), g, k);
	return SGRT_OK;
}

int
sg_eval_writer(const sg_eval *e)
{
	const sg_tensor *idx = e->args[0];
	const int64_t m = idx->ext[idx->rank - 1], n = e->out->ext[idx->rank - 1];

	for (int64_t j = 0; j < e->out->count; j++)
		sg_tensor_set_int(e->out, j, -1);
	for (int64_t k = 0; k < idx->count; k++) {
		int64_t at = sg_tensor_get_int(idx, k);

		if (at < -n || at >= n)
			return SGRT_EINDEX;
		sg_tensor_set_int(e->out, k / m * n + (at < 0 ? at + n : at), k % m);
	}
	return SGRT_OK;
}
