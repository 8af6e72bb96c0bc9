/* eval.c - the value of a node from the values of its operands: shapes, leaves, conversions, and
 * the way to all others. */
#include "rules/eval.h"

#include <string.h>

/* ---- elements ---- */

double
sg_tensor_get(const sg_tensor *t, int64_t i)
{
	switch (t->type) {
	case SG_F32:
		return (double)((const float *)t->data)[i];
	case SG_F64:
		return ((const double *)t->data)[i];
	case SG_I32:
	case SG_I64:
	case SG_BOOL:
		break;
	}
	return (double)sg_tensor_get_int(t, i);
}

int64_t
sg_tensor_get_int(const sg_tensor *t, int64_t i)
{
	switch (t->type) {
	case SG_I32:
		return ((const int32_t *)t->data)[i];
	case SG_I64:
		return ((const int64_t *)t->data)[i];
	case SG_BOOL:
		return ((const uint8_t *)t->data)[i];
	case SG_F32:
	case SG_F64:
		break;
	}
	return sgrt_cast_f64_i64(sg_tensor_get(t, i));
}

void
sg_tensor_set(sg_tensor *t, int64_t i, double v)
{
	switch (t->type) {
	case SG_F32:
		((float *)t->data)[i] = (float)v;
		return;
	case SG_F64:
		((double *)t->data)[i] = v;
		return;
	case SG_I32:
		((int32_t *)t->data)[i] = sgrt_cast_f64_i32(v);
		return;
	case SG_I64:
		((int64_t *)t->data)[i] = sgrt_cast_f64_i64(v);
		return;
	case SG_BOOL:
		((uint8_t *)t->data)[i] = v != 0;
		return;
	}
}

void
sg_tensor_set_int(sg_tensor *t, int64_t i, int64_t v)
{
	switch (t->type) {
	case SG_F32:
		((float *)t->data)[i] = (float)v;
		return;
	case SG_F64:
		((double *)t->data)[i] = (double)v;
		return;
	case SG_I32:
		((int32_t *)t->data)[i] = (int32_t)(uint32_t)(uint64_t)v;
		return;
	case SG_I64:
		((int64_t *)t->data)[i] = v;
		return;
	case SG_BOOL:
		((uint8_t *)t->data)[i] = v != 0;
		return;
	}
}

void
sg_tensor_copy(sg_tensor *to, int64_t i, const sg_tensor *from, int64_t j)
{
	size_t size = sg_type_size(to->type);

	memcpy((char *)to->data + (size_t)i * size, (const char *)from->data + (size_t)j * size,
	       size);
}

/* ---- positions and sums ---- */

void
sg_strides(uint32_t rank, const int64_t *ext, int64_t *stride)
{
	int64_t s = 1;

	for (uint32_t k = rank; k-- > 0;) {
		stride[k] = s;
		s *= ext[k];
	}
}

int64_t
sg_position(uint32_t rank, const int64_t *ext, int64_t i, const int64_t *stride)
{
	int64_t at = 0;

	for (uint32_t k = rank; k-- > 0;) {
		at += i % ext[k] * stride[k];
		i /= ext[k];
	}
	return at;
}

double
sg_pairwise(double (*term)(const void *arg, int64_t i), const void *arg, int64_t lo, int64_t hi)
{
	double s = 0;

	if (hi - lo > 8) {
		int64_t mid = lo + (hi - lo) / 2;

		return sg_pairwise(term, arg, lo, mid) + sg_pairwise(term, arg, mid, hi);
	}
	if (lo < hi)
		s = term(arg, lo);
	for (int64_t i = lo + 1; i < hi; i++)
		s += term(arg, i);
	return s;
}

/* ---- shapes ---- */

int
sg_tensor_shape(const sg_graph *g, sg_ref r, const int64_t *dims, sg_tensor *t)
{
	const sg_node *n = sg_node_at(g, r);
	int64_t bytes;

	t->type = (sg_type)n->type;
	t->rank = n->shape->rank;
	t->count = 1;
	for (uint32_t k = 0; k < t->rank; k++) {
		if (!sg_ext_eval(g->sp, n->shape->ext[k], dims, &t->ext[k]) || t->ext[k] < 0)
			return SGRT_EDIM;
		if (__builtin_mul_overflow(t->count, t->ext[k], &t->count))
			return SGRT_EDIM;
	}
	if (__builtin_mul_overflow(t->count, (int64_t)sg_type_size(t->type), &bytes) ||
	    bytes > PTRDIFF_MAX)
		return SGRT_EDIM;
	return SGRT_OK;
}

/* ---- leaves ---- */

static void
set_word(sg_tensor *t, int64_t i, int64_t word)
{
	if (sg_type_is_float(t->type))
		sg_tensor_set(t, i, sg_bits_double(word));
	else
		sg_tensor_set_int(t, i, word);
}

static int
eval_const(const sg_eval *e)
{
	for (int64_t i = 0; i < e->out->count; i++)
		set_word(e->out, i, e->n->attr->w[0]);
	return SGRT_OK;
}

static int
eval_data(const sg_eval *e)
{
	for (int64_t i = 0; i < e->out->count; i++)
		set_word(e->out, i, e->n->attr->w[i]);
	return SGRT_OK;
}

static int
eval_dim(const sg_eval *e)
{
	const sg_ext at = (sg_ext)e->n->attr->w[0];
	int64_t v;

	if (sg_ext_wraps(e->sp, at))
		v = sg_ext_wrapped(e->sp, at, e->dims);
	else if (!sg_eval_ext(e, 0, &v))
		return SGRT_EDIM;
	sg_tensor_set_int(e->out, 0, v);
	return SGRT_OK;
}

static int
eval_iota(const sg_eval *e)
{
	for (int64_t i = 0; i < e->out->count; i++)
		sg_tensor_set_int(e->out, i, i);
	return SGRT_OK;
}

/* One seed for all, or one for each slice along the leading axis. */
static int
eval_random(const sg_eval *e)
{
	const sg_tensor *seed = e->args[0];
	int64_t each = seed->count ? e->out->count / seed->count : 0;
	bool normal = e->n->op == SG_RANDN;

	for (int64_t i = 0; i < e->out->count; i++) {
		int64_t s = sg_tensor_get_int(seed, i / each), k = i % each;

		if (e->out->type == SG_F32)
			((float *)e->out->data)[i] =
			    normal ? sgrt_randn_f32(s, k) : sgrt_rand_f32(s, k);
		else
			((double *)e->out->data)[i] =
			    normal ? sgrt_randn_f64(s, k) : sgrt_rand_f64(s, k);
	}
	return SGRT_OK;
}

/* ---- conversions and identities ---- */

static int32_t
saturate(int64_t v)
{
	return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

/* To an integer: truncated, saturated, NaN is 0. To bool: not equal to 0, so that NaN is true. */
static int
eval_cast(const sg_eval *e)
{
	const sg_tensor *x = e->args[0];

	for (int64_t i = 0; i < e->out->count; i++) {
		if (sg_type_is_float(x->type))
			sg_tensor_set(e->out, i, sg_tensor_get(x, i));
		else if (e->out->type == SG_I32)
			sg_tensor_set_int(e->out, i, saturate(sg_tensor_get_int(x, i)));
		else
			sg_tensor_set_int(e->out, i, sg_tensor_get_int(x, i));
	}
	return SGRT_OK;
}

/* The elements of operand 0 as they stand. */
static int
eval_same(const sg_eval *e)
{
	if (e->args[0]->count != e->out->count)
		return SGRT_EDIM;
	if (e->out->count)
		memcpy(e->out->data, e->args[0]->data,
		       (size_t)e->out->count * sg_type_size(e->out->type));
	return SGRT_OK;
}

/* ---- the way to all ops ---- */

typedef int eval_fn(const sg_eval *e);

static eval_fn *const structured[SG_NOPS] = {
    [SG_CONST] = eval_const,
    [SG_DATA] = eval_data,
    [SG_DIM] = eval_dim,
    [SG_IOTA] = eval_iota,
    [SG_CAST] = eval_cast,
    [SG_BIND] = eval_same,
    [SG_STOP] = eval_same,
    [SG_CUSTOM] = eval_same,
    [SG_RESHAPE] = eval_same,
    [SG_TRANSPOSE] = sg_eval_transpose,
    [SG_BROADCAST] = sg_eval_broadcast,
    [SG_SLICE] = sg_eval_slice,
    [SG_PAD] = sg_eval_pad,
    [SG_WINDOW] = sg_eval_window,
    [SG_UNWINDOW] = sg_eval_unwindow,
    [SG_CONCAT] = sg_eval_concat,
    [SG_GATHER] = sg_eval_gather,
    [SG_SCATTER] = sg_eval_scatter,
    [SG_WRITER] = sg_eval_writer,
    [SG_SUM] = sg_eval_reduce,
    [SG_PROD] = sg_eval_reduce,
    [SG_AMAX] = sg_eval_reduce,
    [SG_AMIN] = sg_eval_reduce,
    [SG_ANY] = sg_eval_reduce,
    [SG_ALL] = sg_eval_reduce,
    [SG_ARGMAX] = sg_eval_argm,
    [SG_ARGMIN] = sg_eval_argm,
    [SG_CUMSUM] = sg_eval_cumsum,
    [SG_LINREC] = sg_eval_linrec,
    [SG_CONTRACT] = sg_eval_contract,
    [SG_SOFTMAX] = sg_eval_softmax,
    [SG_LOG_SOFTMAX] = sg_eval_softmax,
    [SG_LOGSUMEXP] = sg_eval_logsumexp,
    [SG_NORM] = sg_eval_norm,
    [SG_LU] = sg_eval_lu,
    [SG_LUSOLVE] = sg_eval_lu_solve,
    [SG_DET] = sg_eval_det,
    [SG_LOGDET] = sg_eval_det,
    [SG_CHOLESKY] = sg_eval_cholesky,
    [SG_CHOLBACK] = sg_eval_cholesky_adjoint,
    [SG_TRISOLVE] = sg_eval_solve_triangular,
    [SG_RAND] = eval_random,
    [SG_RANDN] = eval_random,
};

int
sg_eval_node(sg_ctx *ctx, const sg_graph *g, sg_ref r, const int64_t *dims,
             const sg_tensor *const *args, sg_tensor *out)
{
	sg_eval e = {ctx, g->sp, sg_node_at(g, r), dims, args, out};
	void *data = out->data;
	int status = sg_tensor_shape(g, r, dims, out);

	out->data = data;
	if (status != SGRT_OK)
		return status;
	if (sg_is_ew(e.n->op)) {
		for (uint32_t k = 0; k < e.n->nargs; k++)
			if (args[k]->count != out->count)
				return SGRT_EDIM;
		return sg_eval_ew(&e);
	}
	sg_need(ctx, structured[e.n->op], "an op without a value of its own");
	return structured[e.n->op](&e);
}
