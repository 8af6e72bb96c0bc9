/* partials.c - the derivative column of ops.def, compiled.
 *
 * Inside a row's derivative x, y, z are the operands, r is the node, and each macro builds a node
 * of r's shape. The order in which C evaluates arguments is the compiler's choice; nodes are
 * numbered in one order, the last operand first, since all operands but the first are held
 * meanwhile. */
#include "rules/build.h"

typedef struct {
	sg_build *b;
	sg_ref ref[8];
	uint32_t n;
} holding;

static void
hold(holding *h, sg_ref r)
{
	if (h->n == sizeof h->ref / sizeof *h->ref)
		sg_raise(h->b->ctx, SG_FAULT_DEFECT,
		         "partials.c: a partial with too many operands held");
	h->ref[h->n++] = r;
}

static sg_ref
ew2_held(holding *h, sg_op op, sg_ref x)
{
	return sg_ew2(h->b, op, x, h->ref[--h->n]);
}

static sg_ref
select_held(holding *h, sg_ref cond)
{
	h->n -= 2;
	return sg_ew3(h->b, SG_SELECT, cond, h->ref[h->n + 1], h->ref[h->n]);
}

#define NONE 0
#define K(v) sg_const(b, sg_type_of(b, r), sg_shape_of(b, r), v)
#define F1(ID, a) sg_ew1(b, SG_##ID, a)
#define F2(ID, a, c) (hold(&h, c), ew2_held(&h, SG_##ID, a))
#define NEG(a) F1(NEG, a)
#define RECIP(a) F1(RECIP, a)
#define SQUARE(a) F1(SQUARE, a)
#define SQRT(a) F1(SQRT, a)
#define RSQRT(a) F1(RSQRT, a)
#define SIGN(a) F1(SIGN, a)
#define FLOOR(a) F1(FLOOR, a)
#define EXP(a) F1(EXP, a)
#define EXPM1(a) F1(EXPM1, a)
#define LOG(a) F1(LOG, a)
#define SIN(a) F1(SIN, a)
#define COS(a) F1(COS, a)
#define SINH(a) F1(SINH, a)
#define COSH(a) F1(COSH, a)
#define DIGAMMA(a) F1(DIGAMMA, a)
#define SIGMOID(a) F1(SIGMOID, a)
#define TANH(a) F1(TANH, a)
#define ADD(a, c) F2(ADD, a, c)
#define SUB(a, c) F2(SUB, a, c)
#define MUL(a, c) F2(MUL, a, c)
#define DIV(a, c) F2(DIV, a, c)
#define POW(a, c) F2(POW, a, c)
#define HYPOT(a, c) F2(HYPOT, a, c)
#define POLYGAMMA(a, c) F2(POLYGAMMA, a, c)
#define LT(a, c) F2(LT, a, c)
#define LE(a, c) F2(LE, a, c)
#define EQ(a, c) F2(EQ, a, c)
#define AND(a, c) F2(AND, a, c)
#define SEL(c, p, q) (hold(&h, q), hold(&h, p), select_held(&h, c))

/* Half to each at a tie; all to each where one is NaN, as in PyTorch. */
#define TIE(loses, a, c) SEL(loses, K(0), SEL(EQ(a, c), K(0.5), K(1)))
/* (1 - a)(1 + a): no cancellation where |a| is near 1. */
#define ONE_MINUS_SQUARE(a) MUL(SUB(K(1), a), ADD(K(1), a))
/* Products of what is right to the last bits where it is tiny, no differences. */
#define SILU_DX(a, p) silu_dx(b, p, SIGMOID(a))
#define NORMAL_PDF(a) MUL(K(0x1.9884533d43651p-2), EXP(MUL(K(-0.5), SQUARE(a))))
#define ATAN_DX(a) RECIP(ADD(K(1), SQUARE(a)))
/* a / r, and a / (u^2 + v^2) without overflow; 0 at the origin. */
#define OVER_RADIUS(a, radius) SEL(EQ(radius, K(0)), K(0), DIV(a, radius))
#define POLAR(a, u, v) polar(b, r, a, HYPOT(u, v))
#define POW_DX(a, c) pow_dx(b, r, a, c)
#define POW_DY(a, c, p)                                                                            \
	SEL(EQ(a, K(0)), SEL(LE(K(0), c), K(0), SEL(LT(c, K(0)), K(-INFINITY), K(NAN))),           \
	    MUL(p, LOG(a)))

static sg_ref
polar(sg_build *b, sg_ref r, sg_ref a, sg_ref radius)
{
	holding h = {.b = b};

	return SEL(EQ(radius, K(0)), K(0), DIV(DIV(a, radius), radius));
}

/* s + r (1 - s) for r = x s, the sigmoid s of x: where s is denormal, r is right and x s is not. */
static sg_ref
silu_dx(sg_build *b, sg_ref r, sg_ref s)
{
	holding h = {.b = b};

	return ADD(s, MUL(r, SUB(K(1), s)));
}

/* t + x s (1 - t^2) for t = tanh(softplus(x)) and the sigmoid s of x. */
static sg_ref
mish_dx(sg_build *b, sg_ref x)
{
	const sg_ref r = F1(SILU, x), t = TANH(F1(SOFTPLUS, x));
	holding h = {.b = b};

	return ADD(t, MUL(r, ONE_MINUS_SQUARE(t)));
}

/* y x^(y-1), 0 where y = 0 whatever x is. */
static sg_ref
pow_dx(sg_build *b, sg_ref r, sg_ref x, sg_ref y)
{
	holding h = {.b = b};
	double v;

	if (sg_is_const(b, y, &v))
		return v == 0 ? NONE : MUL(y, POW(x, K(v - 1)));
	return SEL(EQ(y, K(0)), K(0), MUL(y, POW(x, SUB(y, K(1)))));
}

sg_ref
sg_partial(sg_build *b, sg_ref r, uint32_t k)
{
	const sg_node n = sg_at(b, r);
	const sg_ref x = n.args[0], y = n.nargs > 1 ? n.args[1] : 0, z = n.nargs > 2 ? n.args[2] : 0;
	holding h = {.b = b};

	(void)y, (void)z;
	switch ((sg_op)n.op) {
#define EW1(ID, NAME, FLAGS, COST, V, I, DX, LO, HI)                                               \
	case SG_##ID:                                                                              \
		return DX;
#define EW2(ID, NAME, FLAGS, COST, V, I, DX, DY, LO, HI)                                           \
	case SG_##ID:                                                                              \
		return k == 0 ? (DX) : (DY);
#define EW3(ID, NAME, FLAGS, COST, V, I, DX, DY, DZ, LO, HI)                                       \
	case SG_##ID:                                                                              \
		return k == 0 ? (DX) : k == 1 ? (DY) : (DZ);
#define LEAF(ID, NAME) case SG_##ID:
#define STRUCT(ID, NAME, FLAGS) case SG_##ID:
#include "rules/ops.def"
	case SG_NOP:
	case SG_NOPS:
		break;
	}
	sg_raise(b->ctx, SG_FAULT_DEFECT, "partials.c: a partial of an op that is not elementwise");
}
