/* build_ew.c - constructors of leaves and elementwise nodes.
 *
 * All rewrites here are bit-true for every value, -0, inf and NaN included (up to the sign and
 * payload of a NaN), save those of stabilise.c, which are more accurate than what they replace,
 * those under b->finite, and sums and products with a derivative that is zero for want of a path.
 * Each makes the graph smaller or moves a NEG or a BROADCAST outward, so building ends. */
#include "rules/build.h"

#include "symgrad_runtime.h"

#include <string.h>

/* The second word of a zero that adds nothing; other constants have one word. */
enum { NO_PATH = 1, NO_ADDEND = 2 };

sg_ref
sg_raw(sg_build *b, sg_op op, sg_type t, const sg_shape *s, uint32_t n, const sg_ref *args,
       const sg_attr *attr)
{
	return sg_node_make(b->g, (uint16_t)op, t, s, n, args, attr);
}

/* ---- leaves ---- */

static sg_ref
splat(sg_build *b, sg_type t, const sg_shape *s, int64_t word)
{
	return sg_raw(b, SG_CONST, t, s, 0, NULL, sg_attr_make(b->sp, 1, &word));
}

sg_ref
sg_const(sg_build *b, sg_type t, const sg_shape *s, double v)
{
	if (t == SG_F32)
		v = (double)(float)v;
	if (sg_type_is_float(t))
		return splat(b, t, s, sg_double_bits(v));
	return sg_const_int(b, t, s, (int64_t)v);
}

sg_ref
sg_const_int(sg_build *b, sg_type t, const sg_shape *s, int64_t v)
{
	if (sg_type_is_float(t))
		return sg_const(b, t, s, (double)v);
	if (t == SG_I32)
		v = (int32_t)(uint32_t)(uint64_t)v;
	if (t == SG_BOOL)
		v = v != 0;
	return splat(b, t, s, v);
}

sg_ref
sg_no_path(sg_build *b, sg_type t, const sg_shape *s)
{
	const int64_t words[2] = {0, NO_PATH};

	return sg_raw(b, SG_CONST, t, s, 0, NULL, sg_attr_make(b->sp, 2, words));
}

sg_ref
sg_no_addend(sg_build *b, sg_type t, const sg_shape *s)
{
	const int64_t words[2] = {0, NO_ADDEND};

	return sg_raw(b, SG_CONST, t, s, 0, NULL, sg_attr_make(b->sp, 2, words));
}

sg_ref
sg_data(sg_build *b, sg_type t, const sg_shape *s, const int64_t *words)
{
	int64_t n = 0;
	bool same = true;

	sg_need(b->ctx, sg_ext_const(b->sp, sg_shape_size(b->sp, s), &n), "data of a fixed shape");
	for (int64_t i = 1; i < n; i++)
		same = same && words[i] == words[0];
	if (n && same)
		return splat(b, t, s, words[0]);
	if (!n)
		return splat(b, t, s, 0);
	return sg_raw(b, SG_DATA, t, s, 0, NULL, sg_attr_make(b->sp, (uint32_t)n, words));
}

sg_ref
sg_input_node(sg_build *b, sg_type t, const sg_shape *s, uint32_t index)
{
	int64_t w = index;

	return sg_raw(b, SG_INPUT, t, s, 0, NULL, sg_attr_make(b->sp, 1, &w));
}

sg_ref
sg_dim_value(sg_build *b, sg_ext e)
{
	int64_t v, w = e;

	if (sg_ext_const(b->sp, e, &v))
		return sg_const_int(b, SG_I64, sg_shape_scalar(b->sp), v);
	return sg_raw(b, SG_DIM, SG_I64, sg_shape_scalar(b->sp), 0, NULL, sg_attr_make(b->sp, 1, &w));
}

sg_ref
sg_iota(sg_build *b, sg_ext n)
{
	const sg_shape *s = sg_shape_make(b->sp, 1, &n);

	if (sg_is_one(b, n))
		return sg_const_int(b, SG_I64, s, 0);
	return sg_raw(b, SG_IOTA, SG_I64, s, 0, NULL, NULL);
}

sg_ref
sg_seed(sg_build *b, sg_type t, const sg_shape *s, int64_t id)
{
	return sg_raw(b, SG_SEED, t, s, 0, NULL, sg_attr_make(b->sp, 1, &id));
}

sg_ref
sg_bind(sg_build *b, sg_ref x, int64_t id)
{
	return sg_raw(b, SG_BIND, sg_type_of(b, x), sg_shape_of(b, x), 1, &x,
	              sg_attr_make(b->sp, 1, &id));
}

sg_ref
sg_stop(sg_build *b, sg_ref x)
{
	return sg_raw(b, SG_STOP, sg_type_of(b, x), sg_shape_of(b, x), 1, &x, NULL);
}

bool
sg_is_const(const sg_build *b, sg_ref r, double *v)
{
	const sg_node *n = sg_node_at(b->g, r);

	if (n->op != SG_CONST)
		return false;
	*v = sg_type_is_float((sg_type)n->type) ? sg_bits_double(n->attr->w[0]) : (double)n->attr->w[0];
	return true;
}

bool
sg_is_value(const sg_build *b, sg_ref r, double v)
{
	double c;

	return sg_is_const(b, r, &c) && c == v;
}

bool
sg_is_no_path(const sg_build *b, sg_ref r)
{
	const sg_node *n = sg_node_at(b->g, r);

	return n->op == SG_CONST && n->attr->n == 2 && n->attr->w[1] == NO_PATH;
}

/* Is it a zero that adds nothing, of either kind? */
static bool
is_no_addend(const sg_build *b, sg_ref r)
{
	const sg_node *n = sg_node_at(b->g, r);

	return n->op == SG_CONST && n->attr->n == 2;
}

/* Is it a number by which 0 is 0? */
static bool
keeps_zero(const sg_build *b, sg_op op, sg_ref r)
{
	double v;

	return sg_is_const(b, r, &v) && isfinite(v) && (op == SG_MUL || v != 0);
}

/* What a zero that adds nothing leaves of x op y; 0: an ordinary operation. */
static sg_ref
without_addend(sg_build *b, sg_op op, sg_ref x, sg_ref y)
{
	const bool no_x = is_no_addend(b, x), no_y = is_no_addend(b, y);

	if (!no_x && !no_y)
		return 0;
	switch (op) {
	case SG_MUL:
		if (sg_is_no_path(b, x) || (no_x && keeps_zero(b, op, y)))
			return x;
		return sg_is_no_path(b, y) || (no_y && keeps_zero(b, op, x)) ? y : 0;
	case SG_DIV:
		return no_x && keeps_zero(b, op, y) ? x : 0;
	case SG_ADD:
		return no_x ? y : x;
	case SG_SUB:
		return no_y ? x : sg_ew1(b, SG_NEG, y);
	default:
		return 0;
	}
}

/* ---- folding ---- */

/* The constant's one element, as memory of its type. */
static void
element(const sg_node *n, union sg_cell *cell)
{
	switch ((sg_type)n->type) {
	case SG_F32: cell->f32 = (float)sg_bits_double(n->attr->w[0]); break;
	case SG_F64: cell->f64 = sg_bits_double(n->attr->w[0]); break;
	case SG_I32: cell->i32 = (int32_t)n->attr->w[0]; break;
	case SG_I64: cell->i64 = n->attr->w[0]; break;
	case SG_BOOL: cell->b = n->attr->w[0] != 0; break;
	}
}

/* fold - an elementwise op on splat constants becomes a constant; 0 where it fails at run time. */
static sg_ref
fold(sg_build *b, sg_op op, sg_type t, const sg_shape *s, uint32_t n, const sg_ref *args)
{
	const sg_shape *scalar = sg_shape_scalar(b->sp);
	union sg_cell cell[3] = {{0}}, out = {0};
	sg_tensor arg[3], result = {.type = t, .count = 1, .data = &out};
	const sg_tensor *argp[3];
	sg_ref one[3];

	for (uint32_t k = 0; k < n; k++) {
		const sg_node *a = sg_node_at(b->g, args[k]);

		if (a->op != SG_CONST)
			return 0;
		element(a, &cell[k]);
		arg[k] = (sg_tensor){.type = (sg_type)a->type, .count = 1, .data = &cell[k]};
		argp[k] = &arg[k];
		one[k] = splat(b, (sg_type)a->type, scalar, a->attr->w[0]);
	}
	sg_ref node = sg_raw(b, op, t, scalar, n, one, NULL);
	if (sg_eval_node(b->ctx, b->g, node, NULL, argp, &result) != SGRT_OK)
		return 0;
	switch (t) {
	case SG_F32: return sg_const(b, t, s, (double)out.f32);
	case SG_F64: return sg_const(b, t, s, out.f64);
	case SG_I32: return sg_const_int(b, t, s, out.i32);
	case SG_I64: return sg_const_int(b, t, s, out.i64);
	case SG_BOOL: return sg_const_int(b, t, s, out.b);
	}
	return 0;
}

/* ---- operands under a broadcast ---- */

/* op(broadcast(p), broadcast(q), const) is broadcast(op(p, q, const)): less work, the same bits. */
static sg_ref
under_broadcast(sg_build *b, sg_op op, sg_type t, const sg_shape *s, uint32_t n, const sg_ref *args)
{
	sg_ref inner[3];
	const sg_attr *map = NULL;
	const sg_shape *small = NULL;

	if (sg_is_checked((uint16_t)op, sg_type_of(b, args[n - 1])))
		return 0;
	for (uint32_t k = 0; k < n; k++) {
		const sg_node *a = sg_node_at(b->g, args[k]);

		if (a->op == SG_CONST)
			continue;
		if (a->op != SG_BROADCAST)
			return 0;
		const sg_shape *p = sg_shape_of(b, a->args[0]);
		if (small && (p != small || a->attr != map))
			return 0;
		small = p;
		map = a->attr;
	}
	if (!small)
		return 0;
	for (uint32_t k = 0; k < n; k++) {
		const sg_node a = sg_at(b, args[k]);

		inner[k] = a.op == SG_CONST ? splat(b, (sg_type)a.type, small, a.attr->w[0]) : a.args[0];
	}
	sg_ref r = n == 1   ? sg_ew1(b, op, inner[0])
	           : n == 2 ? sg_ew2(b, op, inner[0], inner[1])
	                    : sg_ew3(b, op, inner[0], inner[1], inner[2]);
	(void)t;
	return sg_broadcast(b, r, s, map ? map->w : NULL);
}

/* ---- one operand ---- */

static sg_ref
neg(sg_build *b, sg_ref x)
{
	return sg_ew1(b, SG_NEG, x);
}

static sg_ref
simplify1(sg_build *b, sg_op op, sg_ref x)
{
	const sg_node a = sg_at(b, x);
	const bool is_neg = a.op == SG_NEG, is_float = sg_type_is_float((sg_type)a.type);

	if (is_neg && op == SG_NEG)
		return a.args[0];
	if (op == SG_NOT && a.op == SG_NOT)
		return a.args[0];
	if (is_neg && is_float && (sg_ops[op].flags & SG_EVEN))
		return sg_ew1(b, op, a.args[0]);
	if (is_neg && is_float && (sg_ops[op].flags & SG_ODD))
		return neg(b, sg_ew1(b, op, a.args[0]));
	if ((op == SG_SQUARE || op == SG_ABS) && a.op == SG_ABS && is_float)
		return sg_ew1(b, op, a.args[0]);
	if (op == SG_RELU && a.op == SG_RELU)
		return x;
	if ((op == SG_FLOOR || op == SG_CEIL || op == SG_TRUNC || op == SG_ROUND) &&
	    (a.op == SG_FLOOR || a.op == SG_CEIL || a.op == SG_TRUNC || a.op == SG_ROUND))
		return x;
	if (op == SG_RECIP && a.op == SG_RECIP && b->finite)
		return a.args[0];
	return sg_stable1(b, op, x);
}

sg_ref
sg_ew1(sg_build *b, sg_op op, sg_ref x)
{
	const sg_type t = sg_ops[op].flags & SG_RBOOL ? SG_BOOL : sg_type_of(b, x);
	const sg_shape *s = sg_shape_of(b, x);
	sg_ref r;

	if (op == SG_NEG && is_no_addend(b, x))
		return x;
	if ((r = fold(b, op, t, s, 1, &x)) || (r = simplify1(b, op, x)) ||
	    (r = under_broadcast(b, op, t, s, 1, &x)))
		return r;
	return sg_raw(b, op, t, s, 1, &x, NULL);
}

/* ---- two operands ---- */

/* The same for all elements, and twice it is finite where it is: a constant, or one over a count.
 */
static bool
may_double(const sg_build *b, sg_ref u)
{
	const sg_node *n = sg_node_at(b->g, u), *one;
	double c;

	if (sg_is_const(b, u, &c))
		return fabs(c) < 0x1p120;
	if (n->op != SG_BROADCAST)
		return false;
	one = sg_node_at(b->g, n->args[0]);
	if (one->shape->rank != 0 || one->op != SG_RECIP || !sg_is_op(b, one->args[0], SG_CAST))
		return false;
	return sg_type_is_int(sg_type_of(b, sg_arg(b->g, one->args[0], 0)));
}

/* u*(2*x) -> (2*u)*x, one product an element instead of two: what a mean of squares leaves.
 * Doubling rounds nothing; where 2*x would have overflowed, this does not. */
static sg_ref
mul_doubled(sg_build *b, sg_ref u, sg_ref y)
{
	const sg_node q = sg_at(b, y);

	if (q.op != SG_MUL || !may_double(b, u))
		return 0;
	for (int k = 0; k < 2; k++)
		if (sg_is_value(b, q.args[k], 2))
			return sg_ew2(b, SG_MUL, sg_ew2(b, SG_MUL, q.args[k], u), q.args[1 - k]);
	return 0;
}

static sg_ref
simplify_mul(sg_build *b, sg_ref x, sg_ref y)
{
	const sg_node p = sg_at(b, x), q = sg_at(b, y);
	const bool is_float = sg_type_is_float((sg_type)p.type);
	double v;
	sg_ref r;

	if (x == y)
		return sg_ew1(b, SG_SQUARE, x);
	if (sg_is_value(b, x, 1))
		return y;
	if (sg_is_value(b, y, 1))
		return x;
	if (sg_is_value(b, x, -1))
		return neg(b, y);
	if (sg_is_value(b, y, -1))
		return neg(b, x);
	if (!is_float)
		return 0;
	if (p.op == SG_NEG && q.op == SG_NEG)
		return sg_ew2(b, SG_MUL, p.args[0], q.args[0]);
	if (p.op == SG_NEG && sg_is_const(b, y, &v))
		return sg_ew2(b, SG_MUL, p.args[0], neg(b, y));
	if (q.op == SG_NEG && sg_is_const(b, x, &v))
		return sg_ew2(b, SG_MUL, neg(b, x), q.args[0]);
	if (p.op == SG_NEG)
		return neg(b, sg_ew2(b, SG_MUL, p.args[0], y));
	if (q.op == SG_NEG)
		return neg(b, sg_ew2(b, SG_MUL, x, q.args[0]));
	return (r = mul_doubled(b, x, y)) ? r : mul_doubled(b, y, x);
}

enum { NEAR = 3 }; /* how far down a sum is looked into */

/* Is x known not to be -0, to which 0 could be added? A sum is -0 only if both its terms are. */
static bool
has_no_minus_zero(const sg_build *b, sg_ref x, unsigned depth)
{
	const sg_node *n = sg_node_at(b->g, x);
	double v;

	if (sg_is_const(b, x, &v))
		return !(v == 0 && signbit(v));
	if (n->op == SG_SQUARE || n->op == SG_ABS || n->op == SG_EXP)
		return true;
	if (depth == 0 || (n->op != SG_ADD && n->op != SG_SUB))
		return false;
	return has_no_minus_zero(b, n->args[0], depth - 1) ||
	       (n->op == SG_ADD && has_no_minus_zero(b, n->args[1], depth - 1));
}

static bool
adds_nothing(const sg_build *b, sg_ref zero, sg_ref x)
{
	double v;

	return sg_is_const(b, zero, &v) && v == 0 &&
	       (signbit(v) || b->finite || sg_type_is_int(sg_type_of(b, x)) ||
	        has_no_minus_zero(b, x, NEAR));
}

static sg_ref
simplify_add(sg_build *b, sg_ref x, sg_ref y)
{
	const sg_node p = sg_at(b, x), q = sg_at(b, y);

	if (adds_nothing(b, y, x))
		return x;
	if (adds_nothing(b, x, y))
		return y;
	if (q.op == SG_NEG)
		return sg_ew2(b, SG_SUB, x, q.args[0]);
	if (p.op == SG_NEG)
		return sg_ew2(b, SG_SUB, y, p.args[0]);
	return 0;
}

static sg_ref
simplify_sub(sg_build *b, sg_ref x, sg_ref y)
{
	const sg_node q = sg_at(b, y);
	const bool is_int = sg_type_is_int((sg_type)q.type);
	double v;

	if (sg_is_const(b, y, &v) && v == 0 && (is_int || b->finite || !signbit(v)))
		return x;
	if (sg_is_const(b, x, &v) && v == 0 && (is_int || b->finite || signbit(v)))
		return neg(b, y);
	if (q.op == SG_NEG)
		return sg_ew2(b, SG_ADD, x, q.args[0]);
	if (!is_int && sg_is_const(b, y, &v) && v < 0)
		return sg_ew2(b, SG_ADD, x, neg(b, y));
	if (x == y && (is_int || b->finite))
		return sg_const_int(b, (sg_type)q.type, q.shape, 0);
	return 0;
}

static sg_ref
simplify_div(sg_build *b, sg_ref x, sg_ref y)
{
	const sg_node p = sg_at(b, x), q = sg_at(b, y);
	double v;

	if (sg_is_value(b, y, 1))
		return x;
	if (sg_is_value(b, y, -1))
		return neg(b, x);
	if (sg_is_value(b, x, 1))
		return sg_ew1(b, SG_RECIP, y);
	if (sg_is_value(b, x, -1))
		return neg(b, sg_ew1(b, SG_RECIP, y));
	if (p.op == SG_NEG && q.op == SG_NEG)
		return sg_ew2(b, SG_DIV, p.args[0], q.args[0]);
	if (q.op == SG_NEG && sg_is_const(b, x, &v))
		return sg_ew2(b, SG_DIV, neg(b, x), q.args[0]);
	if (p.op == SG_NEG)
		return neg(b, sg_ew2(b, SG_DIV, p.args[0], y));
	if (q.op == SG_NEG)
		return neg(b, sg_ew2(b, SG_DIV, x, q.args[0]));
	return 0;
}

static sg_ref
simplify_pow(sg_build *b, sg_ref x, sg_ref y)
{
	const sg_node q = sg_at(b, y);
	const bool is_float = sg_type_is_float((sg_type)q.type);

	if (sg_is_value(b, y, 0) || sg_is_value(b, x, 1))
		return sg_const_int(b, (sg_type)q.type, q.shape, 1);
	if (sg_is_value(b, y, 1))
		return x;
	if (sg_is_value(b, y, 2))
		return sg_ew1(b, SG_SQUARE, x);
	if (is_float && sg_is_value(b, y, -1))
		return sg_ew1(b, SG_RECIP, x);
	return 0;
}

static sg_ref
simplify_logic(sg_build *b, sg_op op, sg_ref x, sg_ref y)
{
	const double unit = op == SG_AND ? 1 : 0;

	if (x == y || sg_is_value(b, y, unit) || sg_is_value(b, x, 1 - unit))
		return x;
	if (sg_is_value(b, x, unit) || sg_is_value(b, y, 1 - unit))
		return y;
	return sg_known_logic(b, op, x, y);
}

/* Where x, a constant or chosen of some, is v; 0: it is nothing of that kind. */
static sg_ref
where_chosen(sg_build *b, sg_ref x, double v)
{
	const sg_node n = sg_at(b, x);
	double c;
	sg_ref other;

	if (sg_is_const(b, x, &c))
		return sg_const_int(b, SG_BOOL, n.shape, c == v);
	if (n.op != SG_SELECT || !sg_is_const(b, n.args[1], &c) ||
	    !(other = where_chosen(b, n.args[2], v)))
		return 0;
	return c == v ? sg_ew2(b, SG_OR, n.args[0], other)
	              : sg_ew2(b, SG_AND, sg_ew1(b, SG_NOT, n.args[0]), other);
}

static sg_ref
simplify_comparison(sg_build *b, sg_op op, sg_ref x, sg_ref y)
{
	const bool is_float = sg_type_is_float(sg_type_of(b, x));
	sg_ref chosen = 0;
	double v;

	if (x == y && (!is_float || op == SG_LT))
		return sg_const_int(b, SG_BOOL, sg_shape_of(b, x), op == SG_LE || op == SG_EQ);
	if (op == SG_EQ && is_float && sg_is_const(b, y, &v) && sg_is_op(b, x, SG_SELECT))
		chosen = where_chosen(b, x, v);
	else if (op == SG_EQ && is_float && sg_is_const(b, x, &v) && sg_is_op(b, y, SG_SELECT))
		chosen = where_chosen(b, y, v);
	return chosen ? chosen : sg_known_comparison(b, op, x, y);
}

static sg_ref
simplify2(sg_build *b, sg_op op, sg_ref x, sg_ref y)
{
	switch (op) {
	case SG_MUL: return simplify_mul(b, x, y);
	case SG_ADD: return simplify_add(b, x, y);
	case SG_SUB: return simplify_sub(b, x, y);
	case SG_DIV: return simplify_div(b, x, y);
	case SG_POW: return simplify_pow(b, x, y);
	case SG_AND:
	case SG_OR: return simplify_logic(b, op, x, y);
	case SG_MAX:
	case SG_MIN: return x == y ? x : 0;
	case SG_LT:
	case SG_LE:
	case SG_EQ:
	case SG_NE: return simplify_comparison(b, op, x, y);
	default: return 0;
	}
}

sg_ref
sg_ew2(sg_build *b, sg_op op, sg_ref x, sg_ref y)
{
	const sg_type t = sg_ops[op].flags & SG_RBOOL ? SG_BOOL : sg_type_of(b, x);
	const sg_shape *s = sg_shape_of(b, x);
	sg_ref a[2] = {x, y}, r;

	sg_need(b->ctx, s == sg_shape_of(b, y), "elementwise operands of two shapes");
	sg_need(b->ctx, sg_type_of(b, x) == sg_type_of(b, y), "elementwise operands of two types");
	if ((r = without_addend(b, op, x, y)) || (r = fold(b, op, t, s, 2, a)) ||
	    (r = sg_stable2(b, op, x, y)) || (r = simplify2(b, op, x, y)) ||
	    (r = under_broadcast(b, op, t, s, 2, a)))
		return r;
	if ((sg_ops[op].flags & SG_COMM) && y < x)
		a[0] = y, a[1] = x;
	return sg_raw(b, op, t, s, 2, a, NULL);
}

/* ---- three operands ---- */

sg_ref
sg_ew3(sg_build *b, sg_op op, sg_ref x, sg_ref y, sg_ref z)
{
	const sg_type t = sg_type_of(b, z);
	const sg_shape *s = sg_shape_of(b, z);
	sg_ref a[3] = {x, y, z}, r;
	double c;

	sg_need(b->ctx, s == sg_shape_of(b, y) && s == sg_shape_of(b, x), "operands of two shapes");
	sg_need(b->ctx, t == sg_type_of(b, y), "operands of two types");
	if (op == SG_SELECT) {
		if (y == z)
			return y;
		if (sg_is_const(b, x, &c))
			return c != 0 ? y : z;
		if (sg_is_op(b, x, SG_NOT))
			return sg_ew3(b, op, sg_arg(b->g, x, 0), z, y);
	}
	if ((r = fold(b, op, t, s, 3, a)) || (r = under_broadcast(b, op, t, s, 3, a)))
		return r;
	return sg_raw(b, op, t, s, 3, a, NULL);
}

/* ---- conversion ---- */

sg_ref
sg_cast(sg_build *b, sg_ref x, sg_type t)
{
	const sg_node n = sg_at(b, x);
	sg_ref r;

	if (n.type == t)
		return x;
	if ((r = fold(b, SG_CAST, t, n.shape, 1, &x)))
		return r;
	if (n.op == SG_BROADCAST)
		return sg_broadcast(b, sg_cast(b, n.args[0], t), n.shape, n.attr ? n.attr->w : NULL);
	if (n.op == SG_DATA && sg_type_is_int((sg_type)n.type) && sg_type_is_float(t)) {
		int64_t *w = SG_NEW_ARRAY(b->ctx, int64_t, n.attr->n);

		for (uint32_t i = 0; i < n.attr->n; i++)
			w[i] = sg_double_bits(t == SG_F32 ? (double)(float)n.attr->w[i]
			                                  : (double)n.attr->w[i]);
		return sg_data(b, t, n.shape, w);
	}
	return sg_raw(b, SG_CAST, t, n.shape, 1, &x, NULL);
}
