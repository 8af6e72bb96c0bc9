/* small_norm.c - 2-norms of a few numbers, each of which is a node.
 *
 * Where the sum of squares overflows or vanishes, the numbers are brought near 1 first by a power
 * of 2, which no digit is lost by; what becomes too small to matter then is too small beside the
 * largest. */
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

sg_ref
sg_norm_of_few(sg_build *b, uint32_t n, const sg_ref *x)
{
	const scales s = scales_for(b, x[0]);
	const sg_ref sum = squares(b, n, x, 0);
	const sg_ref above = sg_ew2(b, SG_LT, s.least, sum), below = sg_ew2(b, SG_LT, sum, s.most),
		     near = sg_ew1(b, SG_LIKELY, sg_ew2(b, SG_AND, above, below));
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
