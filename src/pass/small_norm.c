/* small_norm.c - 2-norms of a few numbers, each of which is a node.
 *
 * Where the sum of squares overflows or vanishes, the numbers are brought near 1 first by a power
 * of 2, which no digit is lost by; what becomes too small to matter then is too small beside the
 * largest.
 *
 * Derivatives of atan2 are x/r/r with r = hypot(x, y), which is rarely anything else than x over
 * the sum of squares: one division that waits for no root. */
#include "pass/small.h"

/* Powers of 2 that numbers are multiplied with, and sums of squares that need none. */
typedef struct scales {
	sg_ref one, up, down, most, least;
} scales;

static scales
scales_for(sg_build *b, sg_ref x)
{
	const bool single = sg_at(b, x).type == SG_F32;
	const double shift = single ? 0x1p80 : 0x1p600, far = single ? 0x1p100 : 0x1p900;
	scales s;

	s.one = sg_const_like(b, x, 1);
	s.up = sg_const_like(b, x, shift);
	s.down = sg_const_like(b, x, 1 / shift);
	s.most = sg_const_like(b, x, far);
	s.least = sg_const_like(b, x, 1 / far);
	return s;
}

/* The sum of squares of x times s. */
static sg_ref
squares(sg_build *b, uint32_t n, const sg_ref *x, sg_ref s)
{
	sg_ref sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		const sg_ref v = s ? sg_ew2(b, SG_MUL, x[i], s) : x[i];
		const sg_ref square = sg_ew2(b, SG_MUL, v, v);

		sum = sum ? sg_ew2(b, SG_ADD, sum, square) : square;
	}
	return sum;
}

/* Neither too large nor too small? */
static sg_ref
is_near(sg_build *b, const scales *s, sg_ref sum)
{
	const sg_ref above = sg_ew2(b, SG_LT, s->least, sum),
		     below = sg_ew2(b, SG_LT, sum, s->most);

	return sg_ew1(b, SG_LIKELY, sg_ew2(b, SG_AND, above, below));
}

sg_ref
sg_norm_of_few(sg_build *b, uint32_t n, const sg_ref *x)
{
	const scales s = scales_for(b, x[0]);
	const sg_ref sum = squares(b, n, x, 0), near = is_near(b, &s, sum);
	sg_ref top = sg_ew1(b, SG_ABS, x[0]), large, scaled;

	for (uint32_t i = 1; i < n; i++)
		top = sg_ew2(b, SG_MAX, top, sg_ew1(b, SG_ABS, x[i]));
	large = sg_ew2(b, SG_LT, s.one, top);
	scaled = squares(b, n, x, sg_ew3(b, SG_SELECT, large, s.down, s.up));
	/* in this order, so that what is rare stands together */
	const sg_ref root = sg_ew1(b, SG_SQRT, scaled),
		     back = sg_ew3(b, SG_SELECT, large, s.up, s.down),
		     rare = sg_ew2(b, SG_MUL, back, root);
	return sg_ew3(b, SG_SELECT, near, sg_ew1(b, SG_SQRT, sum), rare);
}

sg_ref
sg_norms_of_few(sg_build *b, uint32_t n, const sg_ref *x)
{
	const scales s = scales_for(b, x[0]);
	const sg_ref sum = squares(b, n, x, 0);
	const sg_ref large = sg_ew2(b, SG_LT, s.most, sum), tiny = sg_ew2(b, SG_LT, sum, s.least);
	const sg_ref lift = sg_ew3(b, SG_SELECT, tiny, s.up, s.one),
		     drop = sg_ew3(b, SG_SELECT, tiny, s.down, s.one);
	const sg_ref scale = sg_ew3(b, SG_SELECT, large, s.down, lift),
		     back = sg_ew3(b, SG_SELECT, large, s.up, drop);

	return sg_ew2(b, SG_MUL, back, sg_ew1(b, SG_SQRT, squares(b, n, x, scale)));
}

/* ---- hypot, and what is divided by it twice ---- */

static sg_ref
hypot_of_two(sg_build *b, const sg_ref *x)
{
	const scales s = scales_for(b, x[0]);
	const sg_ref sum = squares(b, 2, x, 0), near = is_near(b, &s, sum),
		     rare = sg_ew2(b, SG_HYPOT, x[0], x[1]);

	return sg_ew3(b, SG_SELECT, near, sg_ew1(b, SG_SQRT, sum), rare);
}

/* Is r what became of a hypot? */
static bool
is_hypot(const sg_build *b, sg_ref r)
{
	const sg_node *n = sg_node_at(b->g, r);

	return n->op == SG_SELECT && sg_node_at(b->g, n->args[0])->op == SG_LIKELY &&
	       sg_node_at(b->g, n->args[1])->op == SG_SQRT &&
	       sg_node_at(b->g, n->args[2])->op == SG_HYPOT;
}

/* p/r where p is x/r. */
static sg_ref
over_square(sg_build *b, sg_ref p, sg_ref r)
{
	const sg_node quotient = sg_at(b, p);

	if (quotient.op != SG_DIV || quotient.args[1] != r || !is_hypot(b, r))
		return 0;
	const sg_node radius = sg_at(b, r);
	const sg_ref sum = sg_arg(b->g, radius.args[1], 0),
		     once = sg_ew2(b, SG_DIV, quotient.args[0], sum),
		     rare = sg_ew2(b, SG_DIV, p, r);

	return sg_ew3(b, SG_SELECT, radius.args[0], once, rare);
}

/* c ? u : v where c is not so where v is likely: the rare side of v alone asks for it. */
static sg_ref
within_rare(sg_build *b, const sg_ref *arg)
{
	const sg_node c = sg_at(b, arg[0]), v = sg_at(b, arg[2]);

	if (c.op != SG_AND || v.op != SG_SELECT || sg_at(b, v.args[0]).op != SG_LIKELY)
		return 0;
	for (uint32_t k = 0; k < 2; k++) {
		const sg_node un = sg_at(b, c.args[k]);

		if (un.op != SG_NOT || un.args[0] != v.args[0])
			continue;
		const sg_ref rare = sg_ew3(b, SG_SELECT, c.args[1 - k], arg[1], v.args[2]);

		return sg_ew3(b, SG_SELECT, v.args[0], v.args[1], rare);
	}
	return 0;
}

sg_ref
sg_number_remade(sg_build *b, const sg_node *n, const sg_ref *arg)
{
	sg_ref r = 0;

	if (n->shape->rank == 0 && n->type == SG_F64)
		r = n->op == SG_HYPOT    ? hypot_of_two(b, arg)
		    : n->op == SG_DIV    ? over_square(b, arg[0], arg[1])
		    : n->op == SG_SELECT ? within_rare(b, arg)
		                         : 0;
	return r ? r : sg_remake(b, n, arg);
}
