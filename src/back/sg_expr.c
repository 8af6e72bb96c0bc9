/* sg_expr.c - elementwise expressions as .sg text: operators, signs, broadcasting, promotion. */
#include "back/sg_text.h"

#include <math.h>
#include <string.h>

/* ---- small tools ---- */

void
sg_insert(sg_text_writer *w, size_t at, const char *s)
{
	size_t n = strlen(s), tail = w->b->n - at;

	sg_buf_puts(w->b, s); /* room, and the end */
	memmove(w->b->s + at + n, w->b->s + at, tail);
	memcpy(w->b->s + at, s, n);
}

void
sg_parens(sg_text_writer *w, size_t at, sg_prec is, sg_prec min)
{
	if (is >= min)
		return;
	sg_insert(w, at, "(");
	sg_buf_putc(w->b, ')');
}

void
sg_put(sg_text_writer *w, sg_ref r, sg_prec min)
{
	size_t at = w->b->n;

	if (w->name[r])
		sg_buf_puts(w->b, w->name[r]);
	else
		sg_parens(w, at, sg_put_body(w, r), min);
}

/* ---- numbers ---- */

static void
put_float(sg_text_writer *w, double v, bool is_f32)
{
	size_t at = w->b->n;
	double back = 0;

	if (v == (is_f32 ? (double)(float)3.14159265358979323846 : 3.14159265358979323846)) {
		sg_buf_puts(w->b, "pi");
		return;
	}
	sg_buf_num(w->b, v, is_f32);
	/* Digits are read as f64 and rounded then: take more where that ends elsewhere. */
	if (is_f32 && isfinite(v) && sg_read_double(w->b->s + at, w->b->n - at, &back) &&
	    (double)(float)back != v) {
		w->b->n = at;
		sg_buf_num(w->b, v, false);
	}
}

sg_prec
sg_put_number(sg_text_writer *w, sg_type t, int64_t word, bool weak)
{
	size_t at = w->b->n;
	sg_prec is;

	if (sg_type_is_float(t)) {
		const double v = sg_bits_double(word);

		put_float(w, v, t == SG_F32);
		if ((!weak || (v == 0 && signbit(v))) && !strpbrk(w->b->s + at, ".enp"))
			sg_buf_puts(w->b, ".0");
	} else if (t == SG_BOOL) {
		sg_buf_puts(w->b, word ? "true" : "false");
	} else {
		sg_buf_printf(w->b, "%lld", (long long)word);
	}
	is = w->b->s[at] == '-' ? SG_P_UNARY : SG_P_POSTFIX;
	if (weak || t == SG_I64 || t == SG_BOOL || t == w->p->real)
		return is;
	sg_insert(w, at, "cast(");
	sg_buf_printf(w->b, ", %s)", sg_type_name(t));
	return SG_P_POSTFIX;
}

sg_prec
sg_put_const(sg_text_writer *w, sg_type t, const sg_shape *s, int64_t word)
{
	const bool real = t == w->p->real, zero = real && word == 0;
	const bool one = real && sg_bits_double(word) == 1;

	if (s->rank == 0)
		return sg_put_number(w, t, word, false);
	sg_buf_puts(w->b, zero ? "zeros(" : one ? "ones(" : "full(");
	sg_put_shape(w, s->rank, s->ext);
	if (!zero && !one) { /* an integer alone would make it real */
		sg_buf_puts(w->b, t == SG_I64 ? ", cast(" : ", ");
		sg_put_number(w, t, word, false);
		sg_buf_puts(w->b, t == SG_I64 ? ", i64)" : "");
	}
	sg_buf_putc(w->b, ')');
	return SG_P_POSTFIX;
}

/* The loosest operator outside parentheses. */
sg_prec
sg_put_extent(sg_text_writer *w, sg_ext e)
{
	size_t at = w->b->n;
	sg_prec is = SG_P_POSTFIX;
	int depth = 0;

	sg_ext_print(w->sp, w->b, e);
	for (const char *s = w->b->s + at; *s; s++) {
		depth += *s == '(' ? 1 : *s == ')' ? -1 : 0;
		if (depth)
			continue;
		if (*s == ' ')
			return SG_P_ADD;
		if (*s == '*' || *s == '/')
			is = SG_P_FLOOR;
		else if (*s == '-' && is == SG_P_POSTFIX)
			is = SG_P_UNARY;
	}
	return is;
}

void
sg_put_shape(sg_text_writer *w, uint32_t rank, const sg_ext *ext)
{
	sg_buf_putc(w->b, '[');
	for (uint32_t i = 0; i < rank; i++) {
		sg_buf_puts(w->b, i ? ", " : "");
		sg_ext_print(w->sp, w->b, ext[i]);
	}
	sg_buf_putc(w->b, ']');
}

static sg_type
type_of(const sg_text_writer *w, sg_ref r)
{
	return (sg_type)sg_node_at(w->g, r)->type;
}

/* ---- operands: what the language's own broadcasting and promotion say for us ---- */

typedef struct operand {
	sg_ref r;                 /* what is written */
	uint32_t n;               /* its rank */
	int64_t map[SG_MAX_RANK]; /* its axis i lies along axis map[i] of the result */
	bool literal;             /* a constant, written as a number */
	bool explicitly;          /* by broadcast_to */
	sg_ref castee;            /* if not 0: r is a CAST of it that promotion may do */
} operand;

bool
sg_inserts_ones(const sg_text_writer *w, const sg_shape *from, const sg_shape *to, int64_t *map)
{
	uint32_t i = 0;

	for (uint32_t j = 0; j < to->rank; j++)
		if (i < from->rank && from->ext[i] == to->ext[j])
			map[i++] = j;
		else if (!sg_ext_is(w->sp, to->ext[j], 1))
			return false;
	return i == from->rank;
}

static bool
promotes(sg_type from, sg_type to)
{
	if (from == SG_BOOL)
		return true;
	if (sg_type_is_int(from) && sg_type_is_float(to))
		return true;
	return sg_type_is_int(from) == sg_type_is_int(to) &&
	       sg_type_is_float(from) == sg_type_is_float(to) && from < to;
}

/* Looks through movement that broadcasting does by itself. */
static operand
look(const sg_text_writer *w, sg_ref r)
{
	operand o = {.r = r, .n = sg_node_at(w->g, r)->shape->rank};
	int64_t step[SG_MAX_RANK];

	for (uint32_t i = 0; i < o.n; i++)
		o.map[i] = i;
	for (;;) {
		const sg_node *n = sg_node_at(w->g, o.r), *a;
		const int64_t *m = step;

		if (!sg_inline(w, o.r) || (n->op != SG_BROADCAST && n->op != SG_RESHAPE))
			break;
		a = sg_node_at(w->g, n->args[0]);
		if (n->op == SG_BROADCAST && a->shape->rank)
			m = n->attr->w;
		else if (n->op == SG_RESHAPE && !sg_inserts_ones(w, a->shape, n->shape, step))
			break;
		for (uint32_t i = 0; i < a->shape->rank; i++)
			o.map[i] = o.map[m[i]];
		o.r = n->args[0];
		o.n = a->shape->rank;
	}
	const sg_node *n = sg_node_at(w->g, o.r);
	o.literal = n->op == SG_CONST;
	if (n->op == SG_CAST && sg_inline(w, o.r) &&
	    promotes((sg_type)sg_node_at(w->g, n->args[0])->type, (sg_type)n->type))
		o.castee = n->args[0];
	return o;
}

/* Does the operand's text make the result as long as s along axis k? */
static bool
covers(const sg_text_writer *w, const operand *o, const sg_shape *s, uint32_t k)
{
	const sg_shape *own = sg_node_at(w->g, o->r)->shape;

	if (o->explicitly)
		return true;
	if (o->literal || o->n == 0)
		return false;
	for (uint32_t i = 0; i < o->n; i++)
		if (o->map[i] == k)
			return own->ext[i] == s->ext[k];
	return sg_ext_is(w->sp, s->ext[k], 1) && k >= o->map[0];
}

/* Makes sure that the operands' texts broadcast to s. */
static void
cover(const sg_text_writer *w, operand *o, uint32_t n, const sg_shape *s)
{
	for (uint32_t k = 0; k < s->rank; k++) {
		bool done = false;
		uint32_t best = 0;

		for (uint32_t i = 0; i < n; i++) {
			done = done || covers(w, &o[i], s, k);
			best = o[best].literal && !o[i].literal ? i : best;
		}
		if (!done)
			o[best].explicitly = true;
	}
}

static bool
is_comparison(uint16_t op)
{
	return op == SG_LT || op == SG_LE || op == SG_EQ || op == SG_NE;
}

/* Which conversions promotion does in an operation over type t. */
static void
drop_casts(const sg_text_writer *w, operand *o, uint32_t n, uint16_t op, sg_type t)
{
	const bool arithmetic = op == SG_ADD || op == SG_SUB || op == SG_MUL || op == SG_DIV;
	bool anchor = false, ints = op == SG_DIV && t == w->p->real;
	bool truths = is_comparison(op) && t == SG_I64; /* compared as 0 and 1 */

	for (uint32_t i = 0; i < n; i++) {
		const sg_type from = o[i].castee ? type_of(w, o[i].castee) : SG_F64;

		anchor = anchor || (!o[i].literal && !o[i].castee);
		ints = ints && (o[i].literal || sg_type_is_int(from));
		truths = truths && from == SG_BOOL;
	}
	for (uint32_t i = 0; i < n; i++) {
		const sg_ref c = o[i].castee;

		if (c && (truths || ((anchor || ints) && (arithmetic || type_of(w, c) != SG_BOOL))))
			o[i].r = c;
	}
}

void
sg_put_new_axes(sg_text_writer *w, sg_ref r, uint32_t first, uint32_t rank, uint32_t n,
                const int64_t *map)
{
	uint32_t end = rank, i = 0;

	while (end > first && n && map[n - 1] == end - 1) {
		end--; /* a trailing ':' says nothing */
		n--;
	}
	if (end == first) {
		sg_put(w, r, SG_P_ANY);
		return;
	}
	sg_put(w, r, SG_P_POSTFIX);
	sg_buf_putc(w->b, '[');
	for (uint32_t k = first; k < end; k++) {
		const bool own = i < n && map[i] == k;

		sg_buf_puts(w->b, k > first ? ", " : "");
		sg_buf_puts(w->b, own ? ":" : "none");
		i += own;
	}
	sg_buf_putc(w->b, ']');
}

/* Do new axes have to be written for the operand to line up with a result of this rank? */
static bool
has_gaps(const operand *o, uint32_t rank)
{
	for (uint32_t i = 0; i < o->n; i++)
		if (o->map[i] != rank - o->n + i)
			return true;
	return false;
}

static void
put_operand(sg_text_writer *w, const operand *o, const sg_shape *s, bool weak, sg_prec min)
{
	const sg_node *n = sg_node_at(w->g, o->r);
	size_t at = w->b->n;

	if (o->literal && o->explicitly) {
		sg_put_const(w, (sg_type)n->type, s, n->attr->w[0]);
	} else if (o->literal) {
		sg_parens(w, at, sg_put_number(w, (sg_type)n->type, n->attr->w[0], weak), min);
	} else if (o->explicitly) {
		sg_buf_puts(w->b, "broadcast_to(");
		sg_put_new_axes(w, o->r, o->n ? (uint32_t)o->map[0] : s->rank, s->rank, o->n,
		                o->map);
		sg_buf_puts(w->b, ", ");
		sg_put_shape(w, s->rank, s->ext);
		sg_buf_putc(w->b, ')');
	} else if (has_gaps(o, s->rank)) {
		sg_put_new_axes(w, o->r, (uint32_t)o->map[0], s->rank, o->n, o->map);
	} else {
		sg_put(w, o->r, min);
	}
}

/* ---- operators ---- */

typedef struct operation {
	const sg_node *n;
	operand o[3];
	bool weak; /* literals get their type from another operand */
} operation;

/* A number of the default type whose digits show that it is no integer. */
static bool
is_real_number(const sg_text_writer *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	const double v = n->type == w->p->real ? sg_bits_double(n->attr->w[0]) : 0;

	return n->shape->rank == 0 && v != nearbyint(v);
}

static operation
prepare(const sg_text_writer *w, sg_ref r)
{
	operation x = {.n = sg_node_at(w->g, r)};
	const sg_type t = (sg_type)sg_node_at(w->g, x.n->args[x.n->nargs - 1])->type;
	const uint32_t from = x.n->op == SG_SELECT;

	for (uint32_t k = 0; k < x.n->nargs; k++)
		x.o[k] = look(w, x.n->args[k]);
	drop_casts(w, x.o + from, x.n->nargs - from, x.n->op, t);
	cover(w, x.o, x.n->nargs, x.n->shape);
	for (uint32_t k = from; k < x.n->nargs; k++)
		x.weak = x.weak || !x.o[k].literal || is_real_number(w, x.o[k].r);
	return x;
}

static void
put_arg(sg_text_writer *w, const operation *x, uint32_t k, sg_prec min)
{
	put_operand(w, &x->o[k], x->n->shape, x->weak, min);
}

/* Is operand k written in place as one of these ops? */
static bool
is_written(const sg_text_writer *w, const operation *x, uint32_t k, sg_op a, sg_op b)
{
	const operand *o = &x->o[k];
	const uint16_t op = sg_node_at(w->g, o->r)->op;

	return sg_inline(w, o->r) && !o->explicitly && !has_gaps(o, x->n->shape->rank) &&
	       (op == a || op == b);
}

/* Moves the text [mid, end) before [at, mid). */
static void
swap_texts(sg_text_writer *w, size_t at, size_t mid)
{
	size_t n = w->b->n - mid;
	char *right = sg_copy(w->ctx, w->b->s + mid, n + 1);

	memmove(w->b->s + at + n, w->b->s + at, mid - at);
	memcpy(w->b->s + at, right, n);
}

/* a + b, a - b; a sign in front of b joins the operator, one in front of a sum goes behind. */
static sg_prec
put_sum(sg_text_writer *w, const operation *x)
{
	const bool is_sub = x->n->op == SG_SUB;
	const bool turn =
	    !is_sub && is_written(w, x, 1, SG_ADD, SG_SUB) && !is_written(w, x, 0, SG_ADD, SG_SUB);
	size_t at = w->b->n, mid;
	bool minus, first_minus;

	put_arg(w, x, turn ? 1 : 0, SG_P_ADD);
	first_minus = w->b->s[at] == '-';
	mid = w->b->n;
	put_arg(w, x, turn ? 0 : 1, SG_P_FLOOR);
	minus = w->b->s[mid] == '-';
	if (first_minus && !minus && !is_sub && !turn && !is_written(w, x, 0, SG_ADD, SG_SUB)) {
		swap_texts(w, at, mid);
		mid = w->b->n - (mid - at);
		minus = true;
	}
	if (minus) {
		memmove(w->b->s + mid, w->b->s + mid + 1, w->b->n - mid);
		w->b->n--;
	}
	sg_insert(w, mid, minus != is_sub ? " - " : " + ");
	return SG_P_ADD;
}

static sg_prec
put_product(sg_text_writer *w, const operation *x)
{
	const bool second =
	    x->o[1].literal ||
	    (is_written(w, x, 1, SG_MUL, SG_MUL) && !is_written(w, x, 0, SG_MUL, SG_MUL)) ||
	    (is_written(w, x, 0, SG_DIV, SG_RECIP) && !is_written(w, x, 1, SG_DIV, SG_RECIP));
	const bool turn = second && !x->o[0].literal;

	put_arg(w, x, turn ? 1 : 0, SG_P_MUL);
	sg_buf_putc(w->b, '*');
	put_arg(w, x, turn ? 0 : 1, SG_P_POW);
	return SG_P_MUL;
}

static sg_prec
put_infix(sg_text_writer *w, const operation *x, sg_prec left, const char *op, sg_prec right,
          sg_prec is)
{
	put_arg(w, x, 0, left);
	sg_buf_puts(w->b, op);
	put_arg(w, x, 1, right);
	return is;
}

static sg_prec
put_compare(sg_text_writer *w, const operation *x)
{
	const bool turn = x->o[0].literal;
	const char *op = x->n->op == SG_EQ   ? " == "
	                 : x->n->op == SG_NE ? " != "
	                 : x->n->op == SG_LT ? turn ? " > " : " < "
	                 : turn              ? " >= "
	                                     : " <= ";

	put_arg(w, x, turn ? 1 : 0, SG_P_ADD);
	sg_buf_puts(w->b, op);
	put_arg(w, x, turn ? 0 : 1, SG_P_ADD);
	return SG_P_CMP;
}

static sg_prec
put_call(sg_text_writer *w, const operation *x)
{
	sg_buf_printf(w->b, "%s(", sg_op_name(x->n->op));
	for (uint32_t k = 0; k < x->n->nargs; k++) {
		sg_buf_puts(w->b, k ? ", " : "");
		put_arg(w, x, k, SG_P_ANY);
	}
	sg_buf_putc(w->b, ')');
	return SG_P_POSTFIX;
}

/* Is it a sum over the number of what was summed? */
static bool
is_mean(const sg_text_writer *w, const operation *x)
{
	const sg_node *sum = sg_node_at(w->g, x->o[0].r), *count = sg_node_at(w->g, x->o[1].r),
		      *dim;
	const sg_shape *s;
	sg_ext n = sg_ext_int(w->sp, 1);

	if (!is_written(w, x, 0, SG_SUM, SG_SUM) || x->o[1].explicitly ||
	    !sg_inline(w, x->o[1].r) || count->op != SG_NONEMPTY)
		return false;
	dim = sg_node_at(w->g, count->args[0]);
	s = sg_node_at(w->g, sum->args[0])->shape;
	for (uint32_t i = 0; i < s->rank; i++)
		if ((uint64_t)sum->attr->w[0] >> i & 1)
			n = sg_ext_mul(w->sp, n, s->ext[i]);
	return dim->op == SG_DIM && (sg_ext)dim->attr->w[0] == n;
}

static sg_prec
put_quotient(sg_text_writer *w, const operation *x)
{
	if (is_mean(w, x))
		return sg_put_reduce(w, x->o[0].r, "mean");
	return put_infix(w, x, SG_P_MUL, "/", SG_P_POW, SG_P_MUL);
}

static sg_prec
put_binary(sg_text_writer *w, const operation *x)
{
	switch ((sg_op)x->n->op) {
	case SG_ADD:
	case SG_SUB:
		return put_sum(w, x);
	case SG_MUL:
		return put_product(w, x);
	case SG_DIV:
		return put_quotient(w, x);
	case SG_FLOORDIV:
		return put_infix(w, x, SG_P_POW, "//", SG_P_POW, SG_P_FLOOR);
	case SG_MOD:
		return put_infix(w, x, SG_P_POW, " % ", SG_P_POW, SG_P_FLOOR);
	case SG_POW:
		return put_infix(w, x, SG_P_POSTFIX, "**", SG_P_UNARY, SG_P_POW);
	case SG_LT:
	case SG_LE:
	case SG_EQ:
	case SG_NE:
		return put_compare(w, x);
	case SG_AND:
		return put_infix(w, x, SG_P_AND, " and ", SG_P_NOT, SG_P_AND);
	case SG_OR:
		return put_infix(w, x, SG_P_OR, " or ", SG_P_AND, SG_P_OR);
	default:
		return put_call(w, x);
	}
}

/* ---- one operand ---- */

/* The operand, without a conversion that the function does by itself. */
static sg_ref
unary_operand(const sg_text_writer *w, const sg_node *n)
{
	const sg_ref x = n->args[0];
	const sg_node *a = sg_node_at(w->g, x);

	if (a->op == SG_CAST && sg_inline(w, x) && !(sg_ops[n->op].flags & SG_INTS) &&
	    n->type == w->p->real && sg_type_is_int((sg_type)sg_node_at(w->g, a->args[0])->type))
		return a->args[0];
	return x;
}

static sg_prec
put_neg(sg_text_writer *w, sg_ref x)
{
	size_t at = w->b->n;
	sg_prec is = SG_P_POSTFIX;

	if (w->name[x])
		sg_buf_puts(w->b, w->name[x]);
	else
		is = sg_put_body(w, x);
	sg_parens(w, at, w->b->s[at] == '-' ? SG_P_ANY : is, SG_P_MUL);
	sg_insert(w, at, "-");
	return is == SG_P_MUL ? SG_P_MUL : SG_P_UNARY; /* (-a)*b is -(a*b) to the bit */
}

static sg_prec
put_unary(sg_text_writer *w, const sg_node *n)
{
	const sg_ref x = unary_operand(w, n);

	switch ((sg_op)n->op) {
	case SG_NEG:
		return put_neg(w, x);
	case SG_NONEMPTY: /* only a mean says that */
		if (sg_inline(w, x))
			return sg_put_body(w, x);
		sg_buf_puts(w->b, w->name[x]);
		return SG_P_POSTFIX;
	case SG_NOT:
		sg_buf_puts(w->b, "not ");
		sg_put(w, x, SG_P_NOT);
		return SG_P_NOT;
	case SG_LIKELY:
	case SG_PIVOT:
	case SG_POSITIVE:
		sg_put(w, x, SG_P_POSTFIX);
		return SG_P_POSTFIX;
	case SG_SQUARE:
		sg_put(w, x, SG_P_POSTFIX);
		sg_buf_puts(w->b, "**2");
		return SG_P_POW;
	case SG_RECIP:
		sg_buf_puts(w->b, "1/");
		sg_put(w, x, SG_P_POW);
		return SG_P_MUL;
	case SG_RSQRT:
		sg_buf_puts(w->b, "rsqrt(");
		break;
	case SG_NORMAL_CDF:
		sg_buf_puts(w->b, "0.5*erfc(-0.7071067811865476*");
		sg_put(w, x, SG_P_UNARY);
		sg_buf_puts(w->b, ")");
		return SG_P_MUL;
	case SG_LOG1MEXP:
		sg_buf_puts(w->b, "log(1 - exp(");
		sg_put(w, x, SG_P_ANY);
		sg_buf_puts(w->b, "))");
		return SG_P_POSTFIX;
	default:
		sg_buf_printf(w->b, "%s(", sg_op_name(n->op));
		break;
	}
	const sg_node *c = sg_node_at(w->g, x);
	/* functions of reals take integers as reals */
	if (c->op == SG_CONST && c->shape->rank == 0 && c->type == w->p->real &&
	    !(sg_ops[n->op].flags & SG_INTS))
		sg_put_number(w, (sg_type)c->type, c->attr->w[0], true);
	else
		sg_put(w, x, SG_P_ANY);
	sg_buf_putc(w->b, ')');
	return SG_P_POSTFIX;
}

sg_prec
sg_put_body(sg_text_writer *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	operation x;

	if (!sg_is_ew(n->op))
		return sg_put_struct(w, r);
	if (n->nargs == 1)
		return put_unary(w, n);
	x = prepare(w, r);
	return n->nargs == 2 ? put_binary(w, &x) : put_call(w, &x);
}
