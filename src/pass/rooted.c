/* rooted.c - a comparison of a square root with a number becomes one of what is below the root.
 *
 * sqrt is correctly rounded and never falls: sqrt(s) > c holds for just those s that are above the
 * largest one whose root is at most c, which is found here. So the answer is the same for every s,
 * NaN too. For norms of a few elements, which are roots of sums of squares but where these overflow
 * or vanish (small.c); there the norm is beyond all numbers that are looked at here, and the sum is
 * on the same side of their squares. A loop that ends where a norm is small takes no root then. And
 * only there can a norm be 0.
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

/* The sum of r, if it is what small.c makes of a norm: where that is likely, sqrt(sum). 0: it is
 * not. */
static sg_ref
sum_of_norm(const sg_build *b, sg_ref r)
{
	const sg_node *n = sg_node_at(b->g, r), *root;

	if (n->op != SG_SELECT || sg_node_at(b->g, n->args[0])->op != SG_LIKELY)
		return 0;
	root = sg_node_at(b->g, n->args[1]);
	return root->op == SG_SQRT ? root->args[0] : 0;
}

/* x < y or x <= y, one of them a norm of which the sum is given. */
static sg_ref
compare_squares(sg_build *b, uint16_t op, sg_ref sum, sg_ref other, bool is_first)
{
	sg_ref bound;
	double c;

	if (!is_number(b, other, &c))
		return 0;
	bound = sg_const(b, sg_type_of(b, other), sg_shape_of(b, other),
	                 square_of(sg_type_of(b, other), c, (op == SG_LT) == is_first));
	return sg_ew2(b, (sg_op)op, is_first ? sum : bound, is_first ? bound : sum);
}

/* x == 0 of a norm: where the sum is as it likely is, it is not. */
static sg_ref
is_zero(sg_build *b, sg_ref norm, sg_ref zero)
{
	const sg_node *n = sg_node_at(b->g, zero);
	const sg_ref *part = sg_node_at(b->g, norm)->args, likely = part[0], scaled = part[2];

	if (n->op != SG_CONST || sg_bits_double(n->attr->w[0]) != 0)
		return 0;
	const sg_ref vanishes = sg_ew2(b, SG_EQ, scaled, zero);
	return sg_ew2(b, SG_AND, sg_ew1(b, SG_NOT, likely), vanishes);
}

sg_ref
sg_compare_norms(sg_build *b, uint16_t op, sg_ref x, sg_ref y)
{
	const sg_ref first = sum_of_norm(b, x), sum = first ? first : sum_of_norm(b, y);

	if (!sum || sg_shape_of(b, x)->rank != 0 || sg_shape_of(b, y)->rank != 0)
		return 0;
	if (op == SG_EQ)
		return is_zero(b, first ? x : y, first ? y : x);
	return op == SG_LT || op == SG_LE ? compare_squares(b, op, sum, first ? y : x, first) : 0;
}
