/* builtin.c - the table of built-in functions, and what their handlers share.
 *
 * Params: names in order, '?' behind an optional one, "..." for any further positional ones. '!' marks
 * those whose operands are names, not values (deriv.c). A name that ends in '_' is for the prelude. */
#include "front/builtin.h"

#include <string.h>

#define EW1(name, OP) {name, "x", f_ew1, SG_##OP}
#define ANY1(name, OP) {name, "x", f_ew1_any, SG_##OP}
#define EW2(name, OP) {name, "x y", f_ew2, SG_##OP}

static const builtin table[] = {
    ANY1("abs", ABS), ANY1("sign", SIGN), ANY1("square", SQUARE), ANY1("relu", RELU),
    ANY1("floor", FLOOR), ANY1("ceil", CEIL), ANY1("round", ROUND), ANY1("trunc", TRUNC),
    ANY1("isnan", ISNAN), ANY1("isinf", ISINF), ANY1("isfinite", ISFINITE),
    EW1("exp", EXP), EW1("expm1", EXPM1), EW1("exp2", EXP2), EW1("log", LOG), EW1("log1p", LOG1P),
    EW1("log2", LOG2), EW1("log10", LOG10), EW1("sqrt", SQRT), EW1("rsqrt", RSQRT),
    EW1("cbrt", CBRT), EW1("reciprocal", RECIP), EW1("sin", SIN), EW1("cos", COS), EW1("tan", TAN),
    EW1("asin", ASIN), EW1("acos", ACOS), EW1("atan", ATAN), EW1("sinh", SINH), EW1("cosh", COSH),
    EW1("tanh", TANH), EW1("asinh", ASINH), EW1("acosh", ACOSH), EW1("atanh", ATANH),
    EW1("erf", ERF), EW1("erfc", ERFC), EW1("lgamma", LGAMMA), EW1("digamma", DIGAMMA),
    EW1("sigmoid", SIGMOID), EW1("softplus", SOFTPLUS), EW1("silu", SILU),
    EW1("mish", MISH), EW1("gelu_", GELU), EW1("tanhshrink", TANHSHRINK),
    EW2("atan2", ATAN2), EW2("hypot", HYPOT), EW2("minimum", MIN), EW2("maximum", MAX),
    {"pow", "x y", f_operator, SG_O_POW}, {"mod", "x y", f_operator, SG_O_MOD},
    {"polygamma", "n x", f_ew2, SG_POLYGAMMA},
    {"clamp", "x lo hi", f_clamp, 0}, {"where", "c a b", f_where, 0}, {"cast", "x type", f_cast, 0},

    {"sum", "x axis? keepdims?", f_reduce, SG_SUM},
    {"prod", "x axis? keepdims?", f_reduce, SG_PROD},
    {"max", "x axis? keepdims?", f_reduce, SG_AMAX},
    {"min", "x axis? keepdims?", f_reduce, SG_AMIN},
    {"any", "x axis? keepdims?", f_reduce, SG_ANY},
    {"all", "x axis? keepdims?", f_reduce, SG_ALL},
    {"mean", "x axis? keepdims?", f_mean, 0},
    {"var", "x axis? keepdims? ddof?", f_var, 0},
    {"std", "x axis? keepdims? ddof?", f_std, 0},
    {"norm", "x ord? axis? keepdims?", f_norm, 0},
    {"logsumexp", "x axis? keepdims?", f_logsumexp, 0},
    {"argmax", "x axis?", f_arg, SG_ARGMAX}, {"argmin", "x axis?", f_arg, SG_ARGMIN},
    {"cumsum", "x axis?", f_cum, SG_CUMSUM}, {"cumprod", "x axis?", f_cum, SG_LINREC},
    {"softmax", "x axis?", f_row, SG_SOFTMAX}, {"log_softmax", "x axis?", f_row, SG_LOG_SOFTMAX},

    {"shape", "x k", f_shape, 0}, {"rank", "x", f_rank, 0}, {"reshape", "x shape", f_reshape, 0},
    {"flatten", "x", f_flatten, 0}, {"transpose", "x axes?", f_transpose, 0},
    {"concat", "xs axis?", f_concat, 0}, {"stack", "xs axis?", f_stack, 0},
    {"split", "x n axis?", f_split, 0}, {"broadcast_to", "x shape", f_broadcast_to, 0},
    {"expand_dims", "x axis", f_expand_dims, 0}, {"squeeze", "x axis", f_squeeze, 0},
    {"flip", "x axis?", f_flip, 0}, {"roll", "x n axis?", f_roll, 0},
    {"pad", "x widths value?", f_pad, 0}, {"repeat", "x n axis?", f_repeat, 0},
    {"tile", "x reps", f_tile, 0}, {"one_hot", "i n", f_one_hot, 0},
    {"index_add", "x idx v", f_index_add, 0}, {"index_put", "x idx v", f_index_put, 0},

    {"conv1d", "x w bias? stride? padding? dilation? groups?", f_conv, 1},
    {"conv2d", "x w bias? stride? padding? dilation? groups?", f_conv, 2},
    {"max_pool1d", "x size stride? padding?", f_max_pool, 1},
    {"max_pool2d", "x size stride? padding?", f_max_pool, 2},
    {"avg_pool1d", "x size stride? padding?", f_avg_pool, 1},
    {"avg_pool2d", "x size stride? padding?", f_avg_pool, 2},

    {"zeros", "shape", f_zeros, 0}, {"ones", "shape", f_zeros, 1}, {"full", "shape v", f_full, 0},
    {"eye", "n", f_eye, 0}, {"linspace", "a b n", f_linspace, 0}, {"arange", "...", f_arange, 0},
    {"rand", "shape seed", f_random, SG_RAND}, {"randn", "shape seed", f_random, SG_RANDN},

    {"dot", "a b", f_dot, 0}, {"outer", "a b", f_outer, 0}, {"einsum", "spec ...", f_einsum, 0},
    {"trace", "x", f_trace, 0}, {"diag", "x", f_diag, 0},
    {"det", "a", f_det, SG_DET}, {"logdet", "a", f_det, SG_LOGDET}, {"inv", "a", f_inv, 0},
    {"solve", "a b", f_solve, 0}, {"solve_triangular", "a b lower? trans?", f_solve_triangular, 0},
    {"cholesky", "a", f_cholesky, 0},
    {"tril", "x k?", f_tri, 0}, {"triu", "x k?", f_tri, 1},

    {"stop_gradient", "x", f_stop, 0},
    {"grad", "y! x", f_deriv, SG_GRAD}, {"vjp", "y! x u", f_deriv, SG_VJP},
    {"jvp", "y! x v", f_deriv, SG_JVP}, {"jacobian", "y! x", f_deriv, SG_JACOBIAN},
    {"hessian", "y! x", f_deriv, SG_HESSIAN}, {"hvp", "y! x v", f_deriv, SG_HVP},

    {"fail_", "text got", f_fail, 0}, {"is_int_", "x", f_is_int, 0}, {"is_tensor_", "x", f_is_tensor, 0},
    {"take_class_", "x idx", f_take_class, 0}, {"same_shape_", "a b name", f_same_shape, 0},
    {"to_real_", "x", f_need_float, 0}, {"last_", "x axis", f_last, 0}, {"shape_", "x", f_whole_shape, 0},
    {"is_number_", "x", f_is_number, 0}, {"is_bool_", "x", f_is_bool, 0},

    {"map", "f ...", f_map, 0}, {"scan", "step carry over checkpoint?", f_scan, 0},
    {"while", "cond body carry limit?", f_while, 0},
    {"sparse_jacobian", "y! x", f_deriv, SPARSE_JACOBIAN}, {"sparse_hessian", "y! x", f_deriv, SPARSE_HESSIAN},
    {"sparse_pattern", "y! x", f_deriv, SPARSE_PATTERN},
};
enum { NTABLE = sizeof table / sizeof *table };

const builtin *
find_builtin(const char *name)
{
	for (size_t k = 0; k < NTABLE; k++)
		if (table[k].name[0] == name[0] && strcmp(table[k].name, name) == 0)
			return &table[k];
	return NULL;
}

const char *const *
builtin_names(size_t *n)
{
	static const char *const names[] = {
	    "abs", "acos", "acosh", "all", "any", "arange", "argmax", "argmin", "asin", "asinh",
	    "atan", "atan2", "atanh", "attention", "avg_pool1d", "avg_pool2d", "bce_loss",
	    "bce_with_logits", "broadcast_to", "cast", "cbrt", "ceil", "celu", "cholesky", "clamp",
	    "concat", "conv1d", "conv2d", "cos", "cosh", "cosine_similarity", "cross_entropy",
	    "cumprod", "cumsum", "det", "diag", "digamma", "dot", "dropout", "einsum", "elu",
	    "embedding", "erf", "erfc", "exp", "exp2", "expand_dims", "expm1", "eye", "flatten",
	    "flip", "floor", "full", "gelu", "grad", "hardsigmoid", "hardswish", "hardtanh",
	    "hessian", "hinge_loss", "huber_loss", "hvp", "hypot", "index_add", "index_put", "inv",
	    "isfinite", "isinf", "isnan", "jacobian", "jvp", "kl_div", "l1_loss", "layer_norm",
	    "leaky_relu", "lgamma", "linspace", "log", "log10", "log1p", "log2", "log_softmax",
	    "logdet", "logsigmoid", "logsumexp", "map", "max", "max_pool1d", "max_pool2d",
	    "maximum", "mean", "min", "minimum", "mish", "mod", "mse_loss", "nll_loss", "norm",
	    "one_hot", "ones", "outer", "pad", "polygamma", "pow", "prod", "rand", "randn", "rank",
	    "reciprocal", "relu", "relu6", "repeat", "reshape", "rms_norm", "roll", "round",
	    "rsqrt", "scan", "selu", "shape", "sigmoid", "sign", "silu", "sin", "sinh",
	    "smooth_l1_loss", "softmax", "softplus", "softsign", "solve", "solve_triangular",
	    "split", "sqrt", "square", "squeeze", "stack", "std", "stop_gradient", "sum", "tan",
	    "tanh", "tanhshrink", "tile", "trace", "transpose", "tril", "triu", "trunc", "var",
	    "vjp", "where", "while", "zeros"};

	*n = sizeof names / sizeof *names;
	return names;
}

/* ---- arguments ---- */

sg_ref
arg_tensor(elab *e, call_args *a, int k)
{
	return to_tensor(e, a->v[k], -1, a->at[k]);
}

sg_ref
arg_float(elab *e, call_args *a, int k)
{
	sg_ref r;

	if (v_is_number(a->v[k]))
		return to_tensor(e, a->v[k], (int)e->real, a->at[k]);
	if (!(r = arg_tensor(e, a, k)))
		return 0;
	return sg_type_is_float(sg_type_of(e->b, r)) ? r : sg_cast(e->b, r, e->real);
}

sg_ref
as_type_of(elab *e, call_args *a, int k, sg_type t)
{
	const value v = a->v[k];

	if (v.kind == V_TENSOR && sg_type_is_float(sg_type_of(e->b, v.ref)) && !sg_type_is_float(t)) {
		sg_diag *d = elab_error(e, a->at[k], "type", "%s where %s is wanted", v_describe(e, v),
		                        sg_type_name(t));
		sg_add_hint(e->ctx, d, "cast(x, %s) truncates toward zero", sg_type_name(t));
		return 0;
	}
	return to_tensor(e, v, (int)t, a->at[k]);
}

bool
need_axis(elab *e, value v, sg_span at, uint32_t rank, uint32_t *axis)
{
	int64_t i;

	if (!need_int(e, v, at, "axis", &i))
		return false;
	if (!rank) {
		elab_error(e, at, "axis", "a scalar has no axes");
		return false;
	}
	if (i < -(int64_t)rank || i >= (int64_t)rank) {
		elab_error(e, at, "axis", "axis %lld is out of range for rank %u", (long long)i, rank);
		return false;
	}
	*axis = (uint32_t)(i < 0 ? i + rank : i);
	return true;
}

bool
arg_axis(elab *e, call_args *a, int k, uint32_t rank, int64_t deflt, uint32_t *axis)
{
	return need_axis(e, given(a, k) ? a->v[k] : v_int(deflt), a->at[k], rank, axis);
}

bool
arg_axes(elab *e, call_args *a, int k, uint32_t rank, uint64_t *mask)
{
	const value v = a->v[k];
	uint32_t axis;

	*mask = 0;
	if (v.kind == V_ABSENT || v.kind == V_NONE || v.kind == V_FN) { /* `all` is a function's name too */
		*mask = rank ? ((uint64_t)1 << rank) - 1 : 0;
		if (v.kind == V_FN && !(v.fn->builtin && strcmp(v.fn->builtin->name, "all") == 0))
			return need_int(e, v, a->at[k], "axis", &(int64_t){0});
		return true;
	}
	if (v.kind != V_TUPLE && !(v.kind == V_TENSOR && v.item)) {
		if (!need_axis(e, v, a->at[k], rank, &axis))
			return false;
		*mask = (uint64_t)1 << axis;
		return true;
	}
	for (size_t i = 0; i < v.n; i++) {
		if (!need_axis(e, v.item[i], a->at[k], rank, &axis))
			return false;
		if (*mask >> axis & 1) {
			elab_error(e, a->at[k], "axis", "axis %u is named twice", axis);
			return false;
		}
		*mask |= (uint64_t)1 << axis;
	}
	return true;
}

bool
arg_keepdims(elab *e, call_args *a, int k, bool *keep)
{
	*keep = false;
	return !given(a, k) || need_bool(e, a->v[k], a->at[k], "keepdims", keep);
}

sg_ref
keep_dims(elab *e, sg_ref r, const sg_shape *of, uint64_t mask)
{
	sg_ext ext[SG_MAX_RANK];

	for (uint32_t i = 0; i < of->rank; i++)
		ext[i] = mask >> i & 1 ? sg_ext_int(e->sp, 1) : of->ext[i];
	return sg_reshape(e->b, r, sg_shape_make(e->sp, of->rank, ext));
}

/* ---- derivatives as values, the prelude's own ---- */

value
f_deriv(elab *e, call_args *a)
{
	(void)e, (void)a; /* call.c hands these to eval_derivative */
	return POISON;
}

value
f_stop(elab *e, call_args *a)
{
	value v = a->v[0];
	sg_ref r;

	if (v.kind == V_TUPLE) {
		value t = v_tuple(e, v.n, v.item);

		for (size_t k = 0; k < t.n; k++) {
			a->v[0] = t.item[k];
			t.item[k] = f_stop(e, a);
		}
		return t;
	}
	if (v_is_number(v))
		return v;
	r = arg_tensor(e, a, 0);
	return r ? v_tensor(sg_stop(e->b, r)) : POISON;
}

value
f_fail(elab *e, call_args *a)
{
	char *text = sg_copy(e->ctx, a->v[0].s, strlen(a->v[0].s) + 1);

	for (char *p = text; *p; p++) /* strings have no escapes */
		*p = *p == '\'' ? '"' : *p;
	elab_error(e, a->at[0], "argument", "%s, not %s", text, v_describe(e, a->v[1]));
	return POISON;
}

value
f_is_int(elab *e, call_args *a)
{
	const value v = a->v[0];

	if (v.kind == V_TENSOR)
		return v_bool(sg_type_is_int(sg_type_of(e->b, v.ref)));
	return v_bool(v.kind == V_INT || v.kind == V_EXT);
}

value
f_is_tensor(elab *e, call_args *a)
{
	(void)e;
	return v_bool(a->v[0].kind == V_TENSOR || a->v[0].kind == V_EXT || v_is_number(a->v[0]));
}

value
f_is_bool(elab *e, call_args *a)
{
	const value v = a->v[0];

	return v_bool(v.kind == V_BOOL || (v.kind == V_TENSOR && sg_type_of(e->b, v.ref) == SG_BOOL));
}

value
f_is_number(elab *e, call_args *a)
{
	(void)e;
	return v_bool(v_is_number(a->v[0]));
}

value
f_need_float(elab *e, call_args *a)
{
	return v_tensor(arg_float(e, a, 0));
}

/* x[..., C] and idx[...]: x[i, idx[i]] for each i. */
value
f_take_class(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0), idx = arg_tensor(e, a, 1);

	if (!x || !idx)
		return POISON;
	const sg_shape *sx = sg_shape_of(e->b, x), *si = sg_shape_of(e->b, idx);
	bool same = sx->rank == si->rank + 1;
	for (uint32_t k = 0; same && k < si->rank; k++)
		same = sx->ext[k] == si->ext[k];
	if (!same) {
		const sg_shape *want = sg_shape_make(e->sp, sx->rank - 1, sx->ext);
		sg_diag *d = elab_error(e, a->at[0], "loss-shape", "class indices must be %s, not %s",
		                        shape_words(e, want), shape_words(e, si));

		hint_equal_shapes(e, d, want, si);
		return POISON;
	}
	return v_tensor(sg_gather(e->b, x, idx, si->rank, si->rank));
}

/* x with an axis moved to the end. */
value
f_last(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	uint32_t axis;

	if (!x || !arg_axis(e, a, 1, sg_shape_of(e->b, x)->rank, 0, &axis))
		return POISON;
	return v_tensor(sg_move_axis_last(e->b, x, axis));
}

value
f_whole_shape(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0);
	value item[SG_MAX_RANK];

	if (!x)
		return POISON;
	const sg_shape *s = sg_shape_of(e->b, x);
	for (uint32_t k = 0; k < s->rank; k++)
		item[k] = v_ext(e, s->ext[k]);
	return v_tuple(e, s->rank, item);
}

/* PyTorch broadcasts a loss's operands with a warning; so do we: it is seldom meant. */
value
f_same_shape(elab *e, call_args *a)
{
	sg_ref x = arg_tensor(e, a, 0), y = arg_tensor(e, a, 1);

	if (!x || !y)
		return POISON;
	const sg_shape *sx = sg_shape_of(e->b, x), *sy = sg_shape_of(e->b, y);
	if (!broadcast_shapes(e, sx, sy)) {
		sg_diag *d = elab_error(e, e->user_at, "broadcast",
		                        "prediction and target of '%s' differ in shape: %s and %s",
		                        a->v[2].s, sg_shape_text(e->sp, sx), sg_shape_text(e->sp, sy));

		hint_equal_shapes(e, d, sx, sy);
		return POISON;
	}
	if (sx != sy && sx->rank && sy->rank) {
		sg_diag *d = elab_warning(e, e->user_at, "loss-broadcast",
		                          "'%s' of %s and %s broadcasts", a->v[2].s,
		                          sg_shape_text(e->sp, sx), sg_shape_text(e->sp, sy));
		sg_add_hint(e->ctx, d, "prediction and target usually have one shape");
	}
	return v_int(0);
}
