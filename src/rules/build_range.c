/* build_range.c - between which bounds the elements of a tensor lie.
 *
 * An index is often kept within bounds: cast(floor(clamp(x, 0, 62)), i64) is one of 0 .. 62, and
 * NaN becomes 0. So it needs no test, and is never counted from the end. Some nodes are looked at;
 * what is not known may be any number. NaN is within all bounds of a float, until it is cast. */
#include "rules/build.h"

enum { LOOK = 24 };

static const double FAR = 0x1p24; /* up to this each integer is a number of f32 */

typedef struct looker {
	const sg_build *b;
	int left; /* nodes to look at */
} looker;

static const sg_bounds any = {-INFINITY, INFINITY};

static sg_bounds look(looker *w, sg_ref r);

static sg_bounds
joined(sg_bounds x, sg_bounds y)
{
	return (sg_bounds){fmin(x.lo, y.lo), fmax(x.hi, y.hi)};
}

static bool
is_near(sg_bounds x)
{
	return x.lo >= -FAR && x.hi <= FAR;
}

static sg_bounds
below(const looker *w, sg_ext n)
{
	int64_t count;

	return (sg_bounds){0, sg_ext_const(w->b->sp, n, &count) && count > 0 ? (double)(count - 1)
	                                                                     : INFINITY};
}

static sg_bounds
of_constant(const sg_node *n)
{
	const double v = sg_type_is_float((sg_type)n->type) ? sg_bits_double(n->attr->w[0])
	                                                    : (double)n->attr->w[0];

	return v == v ? (sg_bounds){v, v} : any;
}

static sg_bounds
of_cast(looker *w, const sg_node *n)
{
	const sg_type from = sg_type_of(w->b, n->args[0]);
	const sg_bounds x = look(w, n->args[0]);

	if (from == SG_BOOL)
		return (sg_bounds){0, 1};
	if (!is_near(x))
		return any;
	if (!sg_type_is_float(from))
		return x;
	if (sg_type_is_float((sg_type)n->type))
		return (sg_bounds){floor(x.lo), ceil(x.hi)};
	return joined((sg_bounds){trunc(x.lo), trunc(x.hi)}, (sg_bounds){0, 0});
}

/* Of sums and products of integers, which wrap only where they are far. */
static sg_bounds
of_arithmetic(looker *w, const sg_node *n)
{
	if (sg_type_is_float((sg_type)n->type))
		return any;
	const sg_bounds x = look(w, n->args[0]), y = look(w, n->args[1]);

	if (!is_near(x) || !is_near(y))
		return any;
	if (n->op == SG_ADD)
		return (sg_bounds){x.lo + y.lo, x.hi + y.hi};
	if (n->op == SG_SUB)
		return (sg_bounds){x.lo - y.hi, x.hi - y.lo};
	const sg_bounds low = {fmin(x.lo * y.lo, x.lo * y.hi), fmax(x.lo * y.lo, x.lo * y.hi)},
			high = {fmin(x.hi * y.lo, x.hi * y.hi), fmax(x.hi * y.lo, x.hi * y.hi)};
	const sg_bounds all = joined(low, high);
	return is_near(all) ? all : any;
}

static sg_bounds
of_extreme(sg_bounds x, looker *w, sg_ref other, bool max)
{
	const sg_bounds y = look(w, other);

	return max ? (sg_bounds){fmax(x.lo, y.lo), fmax(x.hi, y.hi)}
	           : (sg_bounds){fmin(x.lo, y.lo), fmin(x.hi, y.hi)};
}

static sg_bounds
of_rounded(sg_op op, sg_bounds x)
{
	double (*const to)(double) = op == SG_FLOOR   ? floor
	                             : op == SG_CEIL  ? ceil
	                             : op == SG_ROUND ? nearbyint
	                                              : trunc;

	return (sg_bounds){to(x.lo), to(x.hi)};
}

static sg_bounds
of_remainder(looker *w, const sg_node *n)
{
	const sg_bounds by = look(w, n->args[1]);

	if (sg_type_is_float((sg_type)n->type) || by.lo < 1)
		return any;
	return (sg_bounds){0, by.hi - 1};
}

static sg_bounds
look(looker *w, sg_ref r)
{
	const sg_node n = sg_at(w->b, r);

	if (w->left-- <= 0)
		return any;
	switch ((int)n.op) {
	case SG_CONST:
		return of_constant(&n);
	case SG_IOTA:
		return below(w, n.shape->ext[0]);
	case SG_ARGMAX:
	case SG_ARGMIN:
		return below(w, sg_shape_of(w->b, n.args[0])->ext[n.attr->w[0]]);
	case SG_BROADCAST:
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_SLICE:
		return look(w, n.args[0]);
	case SG_CAST:
		return of_cast(w, &n);
	case SG_FLOOR:
	case SG_CEIL:
	case SG_ROUND:
	case SG_TRUNC:
		return of_rounded((sg_op)n.op, look(w, n.args[0]));
	case SG_ADD:
	case SG_SUB:
	case SG_MUL:
		return of_arithmetic(w, &n);
	case SG_MOD:
		return of_remainder(w, &n);
	case SG_MAX:
	case SG_MIN:
		return of_extreme(look(w, n.args[0]), w, n.args[1], n.op == SG_MAX);
	case SG_CLAMP:
		return of_extreme(of_extreme(look(w, n.args[0]), w, n.args[1], true), w, n.args[2],
		                  false);
	case SG_SELECT: {
		const sg_bounds x = look(w, n.args[1]);

		return joined(x, look(w, n.args[2]));
	}
	default:
		return any;
	}
}

sg_bounds
sg_bounds_of(const sg_build *b, sg_ref x)
{
	looker w = {b, LOOK};
	const sg_bounds all = look(&w, x);

	return is_near(all) ? all : any;
}
