/* build_logic.c - what comparisons of an integer with constants say for certain.
 *
 * `i != 0 or i != 1` holds for every i, `b < 0` for no bool. Each comparison is a set of integers,
 * an interval with at most one hole; a conjunction is false where the sets have nothing in common,
 * and a disjunction true where what they leave out has not. C compilers warn of such text. */
#include "rules/build.h"

typedef struct set { /* of values of x: lo .. hi, without the hole */
	sg_ref x;
	int64_t lo, hi, hole;
	bool has_hole;
} set;

static bool
is_int_const(const sg_node *n)
{
	return n->op == SG_CONST && !sg_type_is_float((sg_type)n->type);
}

/* All values that x may have. */
static set
values_of(const sg_build *b, sg_ref x)
{
	const sg_node n = sg_at(b, x);
	const sg_type t = n.op == SG_CAST ? sg_type_of(b, n.args[0]) : (sg_type)n.type;

	if (t == SG_BOOL)
		return (set){.x = x, .lo = 0, .hi = 1};
	/* most are compared that nothing is known of */
	const sg_bounds within = n.nargs > 0 && n.op != SG_BROADCAST
	                             ? sg_bounds_of(b, x)
	                             : (sg_bounds){-INFINITY, INFINITY};
	if (within.lo > -INFINITY)
		return (set){.x = x, .lo = (int64_t)within.lo, .hi = (int64_t)within.hi};
	if (n.type == SG_I32)
		return (set){.x = x, .lo = INT32_MIN, .hi = INT32_MAX};
	return (set){.x = x, .lo = INT64_MIN, .hi = INT64_MAX};
}

static void
keep_below(set *s, int64_t c, bool or_equal)
{
	if (!or_equal && c == INT64_MIN)
		s->lo = INT64_MAX, s->hi = INT64_MIN;
	else if (c - !or_equal < s->hi)
		s->hi = c - !or_equal;
}

static void
keep_above(set *s, int64_t c, bool or_equal)
{
	if (!or_equal && c == INT64_MAX)
		s->lo = INT64_MAX, s->hi = INT64_MIN;
	else if (c + !or_equal > s->lo)
		s->lo = c + !or_equal;
}

/* Where `x op y` is as `holds` says. False: it is no comparison of an integer with a constant. */
static bool
where_holds(const sg_build *b, sg_op op, sg_ref x, sg_ref y, bool holds, set *s)
{
	const sg_node u = sg_at(b, x), v = sg_at(b, y);
	const bool first = is_int_const(&u); /* c < x and not x < c */

	if (first == is_int_const(&v))
		return false;
	const int64_t c = first ? u.attr->w[0] : v.attr->w[0];

	*s = values_of(b, first ? y : x);
	switch ((int)op) {
	case SG_EQ:
	case SG_NE:
		if ((op == SG_EQ) != holds) {
			s->has_hole = true;
			s->hole = c;
			return true;
		}
		keep_below(s, c, true);
		keep_above(s, c, true);
		return true;
	case SG_LT:
	case SG_LE:
		if (first == holds)
			keep_above(s, c, (op == SG_LE) == holds);
		else
			keep_below(s, c, (op == SG_LE) == holds);
		return true;
	default:
		return false;
	}
}

/* Where the bool r is as `holds` says. What is no comparison with a constant stands for itself. */
static set
where_node_holds(const sg_build *b, sg_ref r, bool holds)
{
	sg_node n = sg_at(b, r);
	set s;

	for (; n.op == SG_NOT; holds = !holds) {
		r = n.args[0];
		n = sg_at(b, r);
	}
	if (n.nargs == 2 && where_holds(b, (sg_op)n.op, n.args[0], n.args[1], holds, &s))
		return s;
	return (set){.x = r, .lo = holds, .hi = holds};
}

static bool
is_hole(const set *s, int64_t lo, int64_t hi)
{
	return s->has_hole && lo <= s->hole && s->hole <= hi;
}

static bool
have_nothing_in_common(const set *p, const set *q)
{
	const int64_t lo = p->lo > q->lo ? p->lo : q->lo, hi = p->hi < q->hi ? p->hi : q->hi;
	const bool one = is_hole(p, lo, hi),
		   other = is_hole(q, lo, hi) && !(one && p->hole == q->hole);

	return lo > hi || (uint64_t)hi - (uint64_t)lo < (uint64_t)one + other;
}

/* As what it is a number of: 0 or 1. 0: it may have other values. */
static sg_ref
bool_behind(const sg_build *b, sg_ref x)
{
	const sg_node n = sg_at(b, x);

	if (n.type == SG_BOOL)
		return x;
	return n.op == SG_CAST && sg_type_of(b, n.args[0]) == SG_BOOL ? n.args[0] : 0;
}

sg_ref
sg_known_comparison(sg_build *b, sg_op op, sg_ref x, sg_ref y)
{
	const sg_shape *s = sg_shape_of(b, x);
	set yes, no;

	if (!where_holds(b, op, x, y, true, &yes))
		return 0;
	where_holds(b, op, x, y, false, &no);
	if (have_nothing_in_common(&yes, &yes))
		return sg_const_int(b, SG_BOOL, s, 0);
	if (have_nothing_in_common(&no, &no))
		return sg_const_int(b, SG_BOOL, s, 1);
	const sg_ref is = bool_behind(b, yes.x);
	const set zero = {.lo = 0, .hi = 0};

	return is && !have_nothing_in_common(&yes, &zero) ? sg_ew1(b, SG_NOT, is) : is;
}

sg_ref
sg_known_logic(sg_build *b, sg_op op, sg_ref x, sg_ref y)
{
	const bool holds = op == SG_AND;
	const set p = where_node_holds(b, x, holds), q = where_node_holds(b, y, holds);

	if (p.x != q.x || !have_nothing_in_common(&p, &q))
		return 0;
	return sg_const_int(b, SG_BOOL, sg_shape_of(b, x), !holds);
}
