/* rooted.c - a comparison of a square root with a number becomes one of what is below the root.
 *
 * sqrt is correctly rounded and never falls: sqrt(s) > c holds for just those s that are above the
 * largest one whose root is at most c, which is found here. So the answer is the same for every s,
 * NaN too. For norms of a few elements, which are roots of sums of squares but where these overflow
 * or vanish (small.c); there the norm is beyond all numbers that are looked at here, and the sum is
 * on the same side of their squares. A loop that ends where a norm is small takes no root then.
 *
 * For emission alone, as split.c. */
#include "pass/small.h"

#include <math.h>

enum { MOST = 440, MOST_F32 = 45 }; /* powers of 2 that norms are compared with, or their inverse */

static double
root(sg_type t, double s)
{
	return t == SG_F32 ? (double)sqrtf((float)s) : sqrt(s);
}

static double
beside(sg_type t, double s, bool up)
{
	return t == SG_F32 ? (double)nextafterf((float)s, up ? INFINITY : 0)
	                   : nextafter(s, up ? (double)INFINITY : 0);
}

/* The largest s whose root is at most c; least: the least one whose root is at least c. */
static double
square_of(sg_type t, double c, bool least)
{
	double s = t == SG_F32 ? (double)(float)(c * c) : c * c;

	if (least) {
		while (root(t, s) >= c)
			s = beside(t, s, false);
		while (root(t, s) < c)
			s = beside(t, s, true);
		return s;
	}
	while (root(t, s) <= c)
		s = beside(t, s, true);
	while (root(t, s) > c)
		s = beside(t, s, false);
	return s;
}

/* The number that r is, if its square is an ordinary one. */
static bool
is_number(const sg_build *b, sg_ref r, double *c)
{
	const sg_node *n = sg_node_at(b->g, r);
	const int most = n->type == SG_F32 ? MOST_F32 : MOST;

	if (n->op != SG_CONST || !sg_type_is_float((sg_type)n->type))
		return false;
	*c = sg_bits_double(n->attr->w[0]);
	return *c > ldexp(1, -most) && *c < ldexp(1, most);
}

/* The sum of r, if it is what small.c makes of a norm: where near 1, sqrt(sum). 0: it is not. */
static sg_ref
sum_of_norm(const sg_build *b, sg_ref r)
{
	const sg_node *n = sg_node_at(b->g, r), *x, *y;

	if (n->op != SG_MUL)
		return 0;
	x = sg_node_at(b->g, n->args[0]);
	y = sg_node_at(b->g, n->args[1]);
	if (x->op == SG_SELECT) {
		const sg_node *const other = x;

		x = y;
		y = other;
	}
	if (x->op != SG_SQRT || y->op != SG_SELECT)
		return 0;
	x = sg_node_at(b->g, x->args[0]);
	n = sg_node_at(b->g, y->args[1]);
	return x->op == SG_SELECT && x->args[0] == y->args[0] && n->op == SG_CONST &&
	               sg_bits_double(n->attr->w[0]) == 1
	           ? x->args[1]
	           : 0;
}

/* x < y or x <= y, one of them a norm and the other a number; 0: they are not. */
sg_ref
sg_compare_norms(sg_build *b, uint16_t op, sg_ref x, sg_ref y)
{
	const bool is_first = sg_node_at(b->g, x)->op == SG_MUL;
	const sg_ref other = is_first ? y : x;
	const sg_shape *s = sg_shape_of(b, other);
	const sg_type t = sg_type_of(b, other);
	sg_ref sum, bound;
	double c;

	if ((op != SG_LT && op != SG_LE) || s->rank != 0 || !is_number(b, other, &c) ||
	    !(sum = sum_of_norm(b, is_first ? x : y)))
		return 0;
	bound = sg_const(b, t, s, square_of(t, c, (op == SG_LT) == is_first));
	return sg_ew2(b, (sg_op)op, is_first ? sum : bound, is_first ? bound : sum);
}
