/* deriv.c - grad, jacobian, hessian, jvp, vjp, hvp: their operands, and what can't be had. */
#include "front/elab.h"

#include <math.h>
#include <string.h>

typedef struct request {
	sg_deriv_kind kind;
	sg_deriv_mode mode;
	sg_ref y;
	sg_span y_at;
	const char *name; /* "grad" */
	sg_ref own;       /* of a Hessian times v: whose gradient y is; else 0 */
} request;

static bool
bad_target(elab *e, const char *what, sg_span at, const char *why, const char *hint)
{
	sg_diag *d = elab_error(e, at, "not-differentiable", "no derivative with respect to %s: %s",
	                        what, why);

	if (hint)
		sg_add_hint(e->ctx, d, "%s", hint);
	return false;
}

/* The line that makes a number a param. */
static const char *
param_hint(elab *e, const char *name, value v)
{
	const double x = v.kind == V_INT ? (double)v.i : v.f;
	sg_buf b;

	sg_buf_init(&b, e->ctx);
	sg_buf_printf(&b, "make it a param: param %s = ", name);
	sg_buf_num(&b, x, false);
	if (x == floor(x) && fabs(x) < 1e15)
		sg_buf_puts(&b, ".0");
	return sg_buf_text(&b);
}

/* Is the value of a name one that a derivative can be taken with respect to? */
static bool
check_target(elab *e, const binding *b, value v, sg_span at)
{
	const char *what = sg_text(e->ctx, "'%s'", b->name);

	switch (v.kind) {
	case V_TENSOR: break;
	case V_POISON: return false;
	case V_TUPLE:
		for (size_t k = 0; k < v.n; k++)
			if (!check_target(e, b, v.item[k], at))
				return false;
		return true;
	case V_FN: return bad_target(e, what, at, "it is a function", NULL);
	case V_EXT: return bad_target(e, what, at, "it is a dimension", NULL);
	case V_INT:
	case V_FLOAT:
		return bad_target(e, what, at,
		                  b->v.is_const ? "it is a const" : v.kind == V_INT ? "it is an integer" : "it is a literal",
		                  param_hint(e, b->name, v));
	default: return bad_target(e, what, at, "it is no tensor", NULL);
	}
	if (b->v.is_const)
		return bad_target(e, what, at, "it is a const",
		                  sg_text(e->ctx, "make it a param: param %s%s = ...", b->name,
		                          sg_shape_of(e->b, v.ref)->rank
		                              ? sg_shape_text(e->sp, sg_shape_of(e->b, v.ref)) : ""));
	if (!sg_type_is_float(sg_type_of(e->b, v.ref)))
		return bad_target(e, what, at,
		                  sg_text(e->ctx, "it is %s", sg_type_name(sg_type_of(e->b, v.ref))),
		                  sg_text(e->ctx, "bind a float copy, use that, and ask for its derivative: "
		                                  "real_%s = cast(%s, f64)", b->name, b->name));
	return true;
}

/* What stands as an x: a name, or a tuple of such. */
bool
derivative_target(elab *e, scope *s, const sg_ast *x, value *out)
{
	binding *b;

	if (x->kind == SG_X_TUPLE) {
		*out = v_tuple(e, x->nkids, SG_NEW_ARRAY(e->ctx, value, x->nkids + 1));
		for (size_t k = 0; k < x->nkids; k++)
			if (!derivative_target(e, s, x->kid[k], &out->item[k]))
				return false;
		return true;
	}
	if (x->kind == SG_X_INT || x->kind == SG_X_FLOAT || x->kind == SG_X_LIST)
		return bad_target(e, "a literal", x->at, "it does not vary", "make it a param");
	if (x->kind != SG_X_NAME) {
		const char *hint = "bind it to a name first, above its use in y";

		if (x->kind == SG_X_INDEX && x->kid[0]->kind == SG_X_NAME)
			hint = sg_text(e->ctx, "index the derivative: grad(y, %s)%.*s", x->kid[0]->name,
			               (int)(x->at.hi - x->kid[0]->at.hi),
			               x->at.src->text + x->kid[0]->at.hi);
		return bad_target(e, "an expression", x->at, "it must be a name", hint);
	}
	b = scope_find(e, s, x->name);
	if (!b) {
		value v = eval(e, s, x); /* reports the unknown name, or makes it an input */

		if (v.kind == V_FN)
			return bad_target(e, sg_text(e->ctx, "'%s'", x->name), x->at,
			                  "it is a function", NULL);
		b = scope_find(e, s, x->name);
		if (!b || v.kind == V_POISON)
			return false;
	}
	*out = b->v;
	return check_target(e, b, b->v, x->at);
}

/* v as a tensor of the given type and shape; numbers and scalars are spread. */
static sg_ref
direction(elab *e, value v, sg_ref like, sg_span at, const char *what)
{
	const sg_shape *s = sg_shape_of(e->b, like);
	sg_ref r = to_tensor(e, v, (int)sg_type_of(e->b, like), at);

	if (!r)
		return 0;
	if (v_is_number(v))
		return sg_broadcast(e->b, r, s, NULL);
	if (sg_shape_of(e->b, r) != s) {
		elab_error(e, at, "direction-shape", "%s must be %s, not %s", what, shape_words(e, s),
		           shape_words(e, sg_shape_of(e->b, r)));
		return 0;
	}
	return r;
}

static value
one(elab *e, const request *q, value x, value v, sg_span at)
{
	sg_ref dir = 0;

	if (q->kind == SG_JVP || q->kind == SG_HVP) {
		if (!(dir = direction(e, v, x.ref, at, "the direction")))
			return POISON;
	} else if (q->kind == SG_VJP && !(dir = direction(e, v, q->y, at, "the weight"))) {
		return POISON;
	}
	const uint32_t rank = sg_shape_of(e->b, q->y)->rank, rx = sg_shape_of(e->b, x.ref)->rank;
	if ((q->kind == SG_JACOBIAN && rank + rx > SG_MAX_USER_RANK) ||
	    (q->kind == SG_HESSIAN && 2 * rx > SG_MAX_USER_RANK)) {
		elab_error(e, q->y_at, "rank", "'%s' of %s by %s has more than %d axes", q->name,
		           v_describe(e, v_tensor(q->y)), v_describe(e, x), SG_MAX_USER_RANK);
		return POISON;
	}
	return v_tensor(sg_deriv(e->b, q->kind, q->mode, q->y, x.ref, dir));
}

/* Directions of a tuple add up: the tangent of y along (a, b) is one number. */
static sg_ref
sum_jvp(elab *e, const request *q, value x, value v, sg_span at)
{
	sg_ref sum = 0;

	if (x.kind == V_TENSOR) {
		request j = *q;
		value t;

		j.kind = SG_JVP;
		if (q->own)
			j.mode = x.ref == q->own ? SG_MODE_OWN : SG_MODE_CROSS;
		t = one(e, &j, x, v, at);
		return t.kind == V_TENSOR ? t.ref : 0;
	}
	for (size_t k = 0; k < x.n; k++) {
		sg_ref t = sum_jvp(e, q, x.item[k], v.item[k], at);

		if (!t)
			return 0;
		sum = sum ? sg_ew2(e->b, SG_ADD, sum, t) : t;
	}
	return sum;
}

static bool
same_structure(elab *e, value x, value v, sg_span at)
{
	if (x.kind != V_TUPLE)
		return true;
	if (v.kind != V_TUPLE || v.n != x.n) {
		elab_error(e, at, "direction-shape", "the direction must be a tuple of %zu, as x is", x.n);
		return false;
	}
	for (size_t k = 0; k < x.n; k++)
		if (!same_structure(e, x.item[k], v.item[k], at))
			return false;
	return true;
}

/* The derivative with the structure of x. */
static value
over(elab *e, const request *q, value x, value v, sg_span at)
{
	value out;

	if (x.kind == V_TENSOR)
		return one(e, q, x, v, at);
	out = v_tuple(e, x.n, x.item);
	for (size_t k = 0; k < x.n; k++) {
		out.item[k] = over(e, q, x.item[k], v, at);
		if (out.item[k].kind == V_POISON)
			return POISON;
	}
	return out;
}

/* H v for leaf after leaf of x: how the gradient by it changes along v, which stands for itself to
 * this derivative and depends on what it does to those around. */
static value
hessian_times(elab *e, const request *q, value x, value all, value v, sg_span at)
{
	request g = *q;
	value out;

	if (x.kind == V_TENSOR) {
		g.kind = SG_GRAD;
		out = one(e, &g, x, v, at);
		if (out.kind == V_POISON)
			return POISON;
		g.y = out.ref;
		g.own = x.ref;
		const sg_ref sum = sum_jvp(e, &g, all, v, at);
		return sum ? v_tensor(sum) : POISON;
	}
	out = v_tuple(e, x.n, x.item);
	for (size_t k = 0; k < x.n; k++) {
		out.item[k] = hessian_times(e, q, x.item[k], all, v, at);
		if (out.item[k].kind == V_POISON)
			return POISON;
	}
	return out;
}

/* Is any part of x among those nodes? */
static bool
is_among(const bool *node, value x)
{
	bool any = x.kind == V_TENSOR && node[x.ref];

	for (size_t k = 0; x.kind == V_TUPLE && k < x.n; k++)
		any = any || is_among(node, x.item[k]);
	return any;
}

/* Does any part of v depend on one of x? */
static bool
depends_on(elab *e, value v, value x)
{
	if (v.kind == V_TENSOR)
		return is_among(sg_graph_live(e->b->g, 1, &v.ref), x);
	for (size_t k = 0; v.kind == V_TUPLE && k < v.n; k++)
		if (depends_on(e, v.item[k], x))
			return true;
	return false;
}

static value
derivative(elab *e, const request *q, value x, value v, sg_span at)
{
	if (q->kind == SG_JVP || q->kind == SG_HVP) {
		if (!same_structure(e, x, v, at))
			return POISON;
		if (q->kind == SG_JVP)
			return v_tensor(sum_jvp(e, q, x, v, at));
		if (x.kind == V_TUPLE && depends_on(e, v, x))
			return hessian_times(e, q, x, x, v, at);
		if (x.kind == V_TUPLE) { /* the gradient of the slope along v, by one sweep */
			request g = *q;

			g.y = sum_jvp(e, q, x, v, at);
			g.kind = SG_GRAD;
			return g.y ? over(e, &g, x, v, at) : POISON;
		}
	}
	return over(e, q, x, v, at);
}

static bool
read_mode(elab *e, scope *s, const sg_ast *x, sg_span at, sg_deriv_mode *mode)
{
	const char *m;

	if (!need_string(e, eval(e, s, x), x->at, "mode", &m))
		return false;
	if (strcmp(m, "forward") == 0)
		*mode = SG_MODE_FORWARD;
	else if (strcmp(m, "reverse") == 0)
		*mode = SG_MODE_REVERSE;
	else
		return elab_error(e, at, "argument", "mode is \"forward\" or \"reverse\", not %s",
		                  v_describe(e, v_string(m))), false;
	return true;
}

static bool
check_y(elab *e, request *q, value y)
{
	const bool scalar = q->kind == SG_GRAD || q->kind == SG_HESSIAN || q->kind == SG_HVP;

	if (y.kind == V_POISON)
		return false;
	if (v_is_number(y))
		y = v_tensor(to_tensor(e, y, (int)e->real, q->y_at));
	if (!(q->y = to_tensor(e, y, -1, q->y_at)))
		return false;
	if (!sg_type_is_float(sg_type_of(e->b, q->y))) {
		elab_error(e, q->y_at, "not-differentiable", "no derivative of %s: it is no float",
		           v_describe(e, y));
		return false;
	}
	if (scalar && sg_shape_of(e->b, q->y)->rank) {
		sg_diag *d = elab_error(e, q->y_at, "not-scalar", "'%s' needs a scalar, not %s", q->name,
		                        v_describe(e, y));
		sg_add_hint(e->ctx, d, "jacobian(y, x) has all derivatives; vjp(y, x, u) weights y by u; "
		                       "sum(y) or mean(y) is a scalar");
		return false;
	}
	return true;
}

/* The operands of a derivative: y, one x or more, and the direction, if it has one, last. A direction is
 * one of x's shape and goes with a single x; a weight is of y's and serves several. */
typedef struct operands {
	const sg_ast *y, *direction;
	const sg_ast **x;
	size_t nx;
} operands;

static bool
wrong_count(elab *e, const request *q, const sg_ast *x, bool directed)
{
	sg_diag *d = elab_error(e, x->at, "arity",
	                        directed ? "'%s' takes y, x and %s" : "'%s' takes y and one x or more",
	                        q->name, q->kind == SG_VJP ? "a weight" : "a direction");

	sg_add_hint(e->ctx, d, directed ? "%s(y, x, %s)" : "%s(y, x)", q->name,
	            q->kind == SG_VJP ? "u" : "v");
	return false;
}

static bool
read_operands(elab *e, scope *s, const sg_ast *x, request *q, bool directed, operands *o)
{
	const size_t least = directed ? 3 : 2;
	const sg_ast **arg = SG_NEW_ARRAY(e->ctx, const sg_ast *, x->nkids);
	size_t n = 0;

	for (size_t k = 1; k < x->nkids; k++) {
		const char *name = x->argname ? x->argname[k] : NULL;

		if (!name) {
			arg[n++] = x->kid[k];
		} else if (strcmp(name, "mode") == 0 && !directed) {
			if (!read_mode(e, s, x->kid[k], x->kid[k]->at, &q->mode))
				return false;
		} else {
			elab_error(e, x->argname_at[k], "argument", "'%s' has no parameter '%s'", q->name,
			           name);
			return false;
		}
	}
	if (n < least || (n > least && directed && q->kind != SG_VJP))
		return wrong_count(e, q, x, directed);
	*o = (operands){arg[0], directed ? arg[n - 1] : NULL, arg + 1, n - least + 1};
	return true;
}

/* With several x, each as if asked alone. */
value
eval_derivative(elab *e, scope *s, const sg_ast *x, const builtin *b)
{
	request q = {.kind = (sg_deriv_kind)b->op, .name = b->name};
	const bool directed = q.kind == SG_JVP || q.kind == SG_VJP || q.kind == SG_HVP;
	const bool ours = x->at.src == e->prelude_src;
	value *out = SG_NEW_ARRAY(e->ctx, value, x->nkids), v = {.kind = V_ABSENT}, y;
	operands o;

	if (b->op >= SPARSE_JACOBIAN)
		return eval_sparse(e, s, x, b);
	if (!read_operands(e, s, x, &q, directed, &o))
		return POISON;
	y = eval(e, s, o.y);
	q.y_at = o.y->at;
	if (directed) {
		v = eval(e, s, o.direction);
		if (v.kind == V_POISON)
			return POISON;
	}
	if (!ours)
		e->user_at = e->b->g->here = x->at;
	if (!check_y(e, &q, y))
		return POISON;
	for (size_t k = 0; k < o.nx; k++) {
		value t;

		if (!derivative_target(e, s, o.x[k], &t))
			return POISON;
		if (!ours)
			e->b->g->here = x->at;
		out[k] = derivative(e, &q, t, v, directed ? o.direction->at : x->at);
		if (out[k].kind == V_POISON)
			return POISON;
	}
	return o.nx == 1 ? out[0] : v_tuple(e, o.nx, out);
}
