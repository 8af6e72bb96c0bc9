/* value.c - the C text of values: the texts of ops.def, and what is not there. */
#include "back/emit.h"

#include <ctype.h>
#include <float.h>
#include <string.h>

/* ---- precedence ---- */

const char *
sg_c_paren(sg_fn *f, sg_c_text x, int least)
{
	return x.prec < least ? sg_text(f->ctx, "(%s)", x.s) : x.s;
}

typedef struct token {
	const char *s;
	size_t n;
} token;

/* The token at p; n = 0 at the end. */
static token
next_token(const char *p)
{
	token t;

	while (*p == ' ')
		p++;
	t = (token){p, 0};
	if (isalnum((unsigned char)*p) || *p == '_' || *p == '.') {
		while (isalnum((unsigned char)p[t.n]) || p[t.n] == '_' || p[t.n] == '.')
			t.n++;
	} else if (*p != '\0') {
		const bool two =
		    (strchr("<>=!", *p) && p[1] == '=') || (strchr("&|", *p) && p[1] == *p);

		t.n = two ? 2 : 1;
	}
	return t;
}

static bool
is_token(token t, const char *s)
{
	return *s == *t.s && strlen(s) == t.n && memcmp(t.s, s, t.n) == 0;
}

/* Precedence of a binary operator, or of '?'; 0: none. */
static int
infix(token t)
{
	static const struct {
		const char *s;
		int prec;
	} op[] = {{"?", SG_PREC_COND}, {"||", SG_PREC_OR}, {"&&", SG_PREC_AND}, {"==", SG_PREC_EQ},
	          {"!=", SG_PREC_EQ},  {"<", SG_PREC_REL}, {"<=", SG_PREC_REL}, {">", SG_PREC_REL},
	          {">=", SG_PREC_REL}, {"+", SG_PREC_ADD}, {"-", SG_PREC_ADD},  {"*", SG_PREC_MUL},
	          {"/", SG_PREC_MUL}};

	for (size_t i = 0; i < sizeof op / sizeof *op; i++)
		if (is_token(t, op[i].s))
			return op[i].prec;
	return 0;
}

/* The precedence of the text of an op, which has at most one operator outside of parentheses. */
static int
text_prec(const char *text)
{
	int depth = 0;
	bool first = true;

	for (token t = next_token(text); t.n; t = next_token(t.s + t.n)) {
		if (is_token(t, "("))
			depth++;
		else if (is_token(t, ")"))
			depth--;
		else if (depth == 0 && first && (is_token(t, "-") || is_token(t, "!")))
			return SG_PREC_UNARY;
		else if (depth == 0 && infix(t))
			return infix(t);
		first = false;
	}
	return SG_PREC_ATOM;
}

/* The least precedence an operand of the operator can have without parentheses. */
static int
least_prec(int prec, bool leftmost, sg_c_text x)
{
	switch (prec) {
	case SG_PREC_COND:
		return leftmost ? SG_PREC_EQ : SG_PREC_OR;
	case SG_PREC_OR:
	case SG_PREC_AND:
		return leftmost && x.prec == prec ? prec : SG_PREC_EQ;
	case SG_PREC_EQ:
	case SG_PREC_REL:
		return SG_PREC_ADD;
	case SG_PREC_ADD:
		return leftmost                  ? SG_PREC_ADD
		       : x.prec == SG_PREC_UNARY ? SG_PREC_CAST
		                                 : SG_PREC_MUL;
	case SG_PREC_MUL:
		return leftmost ? SG_PREC_MUL : SG_PREC_CAST;
	default:
		return SG_PREC_CAST;
	}
}

/* ---- the texts of ops.def ---- */

static const char *
text_of(sg_op op, sg_type t)
{
	return sg_type_is_float(t) ? sg_ops[op].value : sg_ops[op].ivalue;
}

static unsigned
count_reads(const char *text, uint32_t arg)
{
	const char name[2] = {(char)('x' + arg), '\0'};
	unsigned n = 0;

	for (token k = next_token(text ? text : ""); k.n; k = next_token(k.s + k.n))
		n += is_token(k, name);
	return n;
}

unsigned
sg_c_op_reads(sg_module *m, sg_op op, sg_type t, uint32_t arg)
{
	enum { KNOWN = 1 };
	uint8_t *reads;

	if (!m->reads)
		m->reads = SG_NEW_ARRAY(m->ctx, uint8_t, 2 * SG_NOPS * 3);
	reads = &m->reads[((size_t)op * 2 + sg_type_is_float(t)) * 3 + arg];
	if (!*reads)
		*reads = (uint8_t)(count_reads(text_of(op, t), arg) + KNOWN);
	return *reads - KNOWN;
}

/* A number, as double bits, in the type. */
static sg_c_text
number(sg_fn *f, sg_type t, double v)
{
	sg_buf b;
	const char *s;

	sg_buf_init(&b, f->ctx);
	sg_buf_c_num(&b, v, t == SG_F32);
	s = sg_buf_text(&b);
	return (sg_c_text){s, s[0] == '-' ? SG_PREC_UNARY : SG_PREC_ATOM};
}

/* K(...): p stands behind the '('. Beyond the range of float it is the largest float. */
static const char *
literal(sg_fn *f, sg_type t, token k)
{
	double v = 0;

	sg_need(f->ctx, sg_read_double(k.s, k.n, &v), "a number in K()");
	if (t == SG_F32 && v > (double)FLT_MAX)
		v = (double)FLT_MAX;
	return number(f, t, v).s;
}

typedef struct render {
	sg_fn *f;
	sg_type t;
	const char *suffix; /* of the runtime's names */
	int prec, depth;
	bool leftmost, alone; /* alone: no loop goes over it */
	const sg_c_text *arg;
	sg_buf b;
} render;

/* M(f), R(f), S(f), K(v): the text of the call; the token behind its ')'. */
static const char *
render_macro(render *r, token t)
{
	const token open = next_token(t.s + t.n);
	token in = next_token(open.s + open.n);
	const char *end = strchr(in.s, ')');

	if (t.s[0] == 'K') {
		in.n = (size_t)(end - in.s);
		sg_buf_puts(&r->b, literal(r->f, r->t, in));
	} else if (t.s[0] == 'M' || (t.s[0] == 'S' && r->alone)) {
		sg_buf_puts(&r->b, sg_use(r->f->m, sg_text(r->f->ctx, "%.*s%s", (int)in.n, in.s,
		                                           r->t == SG_F32 ? "f" : "")));
	} else {
		sg_buf_puts(&r->b, sg_use(r->f->m, sg_text(r->f->ctx, "sgrt_%.*s_%s", (int)in.n,
		                                           in.s, r->suffix)));
	}
	return end + 1;
}

static void
render_operand(render *r, const sg_c_text *x)
{
	const int least = r->depth > 0 ? 0 : least_prec(r->prec, r->leftmost, *x);

	sg_buf_puts(&r->b, sg_c_paren(r->f, *x, least));
}

static const char *
render_token(render *r, token t)
{
	if (t.n == 1 && t.s[0] >= 'x' && t.s[0] <= 'z') {
		render_operand(r, &r->arg[t.s[0] - 'x']);
	} else if (t.n == 1 && strchr("MRSK", t.s[0])) {
		return render_macro(r, t);
	} else if (is_token(t, "STATUS")) {
		r->f->has_status = true;
		sg_buf_printf(&r->b, "&%s", r->f->status);
	} else if (is_token(t, ",")) {
		sg_buf_puts(&r->b, ", ");
	} else if (r->depth == 0 && (infix(t) || is_token(t, ":")) && r->prec != SG_PREC_UNARY) {
		sg_buf_printf(&r->b, " %.*s ", (int)t.n, t.s);
		r->leftmost = false;
	} else {
		r->depth += is_token(t, "(") - is_token(t, ")");
		sg_buf_write(&r->b, t.s, t.n);
	}
	return t.s + t.n;
}

/* Where the runtime's function is as short as its call, and nothing puts it in the call's place. */
static bool
wraps_by_itself(const sg_fn *f, sg_op op, sg_type t)
{
	return f->m->o->jit && sg_type_is_int(t) && (op == SG_ADD || op == SG_SUB || op == SG_MUL);
}

static sg_c_text
wrapping(sg_fn *f, sg_op op, sg_type t, const sg_c_text *arg)
{
	const char *type = sg_type_c_name(t), sign = op == SG_ADD ? '+' : op == SG_SUB ? '-' : '*';

	return (sg_c_text){sg_text(f->ctx, "(%s)((u%s)%s %c (u%s)%s)", type, type,
	                           sg_c_paren(f, arg[0], SG_PREC_CAST), sign, type,
	                           sg_c_paren(f, arg[1], SG_PREC_CAST)),
	                   SG_PREC_CAST};
}

static bool
names_infinity(sg_c_text x)
{
	return strstr(x.s, "INFINITY") != NULL;
}

/* gcc takes what differs from an infinity for an int of any value, and warns where that becomes a
 * uint8_t. */
static bool
differs_from_infinity(const sg_fn *f, sg_op op, const sg_c_text *arg)
{
	if (f->m->o->jit)
		return false;
	return (op == SG_NE && (names_infinity(arg[0]) || names_infinity(arg[1]))) ||
	       (op == SG_NOT && names_infinity(arg[0]));
}

static sg_c_text
compared_with_zero(sg_fn *f, sg_c_text x)
{
	return (sg_c_text){sg_text(f->ctx, "(%s) == 0", x.s), SG_PREC_EQ};
}

/* Operands of bool compute as int32_t. */
sg_c_text
sg_c_op(sg_fn *f, sg_op op, sg_type t, sg_type result, bool alone, const sg_c_text *arg)
{
	const char *text = text_of(op, t), *p = text;
	render r = {.f = f, .t = t, .leftmost = true, .alone = alone, .arg = arg};
	sg_c_text out;

	sg_need(f->ctx, text != NULL, "an elementwise op that has a value on its type");
	if (wraps_by_itself(f, op, t))
		return wrapping(f, op, t, arg);
	if (differs_from_infinity(f, op, arg))
		return compared_with_zero(f, op == SG_NE ? sg_c_op(f, SG_EQ, t, result, alone, arg)
		                                         : arg[0]);
	r.suffix = t == SG_BOOL ? "i32" : sg_type_name(t);
	r.prec = text_prec(text);
	sg_buf_init(&r.b, f->ctx);
	for (token k = next_token(p); k.n; k = next_token(p))
		p = render_token(&r, k);
	out = (sg_c_text){sg_buf_text(&r.b), r.prec};
	if (result == SG_BOOL && t == SG_BOOL && r.prec == SG_PREC_ATOM)
		out = (sg_c_text){sg_text(f->ctx, "(uint8_t)%s", out.s), SG_PREC_CAST};
	return out;
}

/* ---- constants and conversions ---- */

static sg_c_text
integer(sg_fn *f, int64_t v)
{
	if (v == INT64_MIN)
		return (sg_c_text){"(-9223372036854775807LL - 1)", SG_PREC_ATOM};
	if (v == INT32_MIN)
		return (sg_c_text){"(-2147483647 - 1)", SG_PREC_ATOM};
	return (sg_c_text){
	    sg_text(f->ctx, "%lld%s", (long long)v, v > INT32_MAX || v < INT32_MIN ? "LL" : ""),
	    v < 0 ? SG_PREC_UNARY : SG_PREC_ATOM};
}

sg_c_text
sg_c_const(sg_fn *f, sg_type t, int64_t word)
{
	if (sg_type_is_float(t))
		return number(f, t, sg_bits_double(word));
	return integer(f, t == SG_BOOL ? word != 0 : word);
}

unsigned
sg_c_cast_reads(sg_type from, sg_type to)
{
	return from == SG_I64 && to == SG_I32 ? 3 : 1;
}

sg_c_text
sg_c_cast(sg_fn *f, sg_type from, sg_type to, sg_c_text x)
{
	const char *s;

	if (to == SG_BOOL)
		return (sg_c_text){sg_text(f->ctx, "%s != %s", sg_c_paren(f, x, SG_PREC_ADD),
		                           !sg_type_is_float(from) ? "0"
		                           : from == SG_F32        ? "0.0f"
		                                                   : "0.0"),
		                   SG_PREC_EQ};
	if (sg_type_is_float(from) && sg_type_is_int(to)) {
		s = sg_use(
		    f->m, sg_text(f->ctx, "sgrt_cast_%s_%s", sg_type_name(from), sg_type_name(to)));
		return (sg_c_text){sg_text(f->ctx, "%s(%s)", s, x.s), SG_PREC_ATOM};
	}
	if (from == SG_I64 && to == SG_I32) {
		s = sg_c_paren(f, x, SG_PREC_ADD);
		return (sg_c_text){sg_text(f->ctx,
		                           "%s > 2147483647 ? 2147483647 : %s < -2147483647 ? "
		                           "(-2147483647 - 1) : (int32_t)%s",
		                           s, s, sg_c_paren(f, x, SG_PREC_ATOM)),
		                   SG_PREC_COND};
	}
	return (sg_c_text){
	    sg_text(f->ctx, "(%s)%s", sg_type_c_name(to), sg_c_paren(f, x, SG_PREC_CAST)),
	    SG_PREC_CAST};
}
