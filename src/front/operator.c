/* operator.c - unary and binary operators: of numbers and extents at compile time, of tensors as
 * nodes; and what is said of operands that do not fit. */
#include "front/elab.h"

#include <math.h>
#include <string.h>

/* ---- compile-time arithmetic ---- */

static int64_t
wrap(sg_ast_op op, int64_t x, int64_t y)
{
	const uint64_t a = (uint64_t)x, b = (uint64_t)y;

	return (int64_t)(op == SG_O_ADD ? a + b : op == SG_O_SUB ? a - b : a * b);
}

static int64_t
power(int64_t x, int64_t n)
{
	uint64_t r = 1, p = (uint64_t)x;

	for (; n > 0; n >>= 1, p *= p)
		if (n & 1)
			r *= p;
	return (int64_t)r;
}

static value
no_matmul(elab *e, const sg_ast *at, const char *what)
{
	sg_diag *d = elab_error(e, at->at, "matmul-shape", "'@' needs arrays, not %s", what);

	sg_add_hint(e->ctx, d, "'*' multiplies by a scalar");
	return POISON;
}

static value
static_int(elab *e, sg_ast_op op, int64_t x, int64_t y, const sg_ast *at)
{
	switch (op) {
	case SG_O_ADD:
	case SG_O_SUB:
	case SG_O_MUL: return v_int(wrap(op, x, y));
	case SG_O_DIV: return v_float((double)x / (double)y);
	case SG_O_FLOORDIV:
	case SG_O_MOD: {
		if (y == 0) {
			elab_error(e, at->at, "divide", "integer division by zero");
			return POISON;
		}
		if (y == -1)
			return v_int(op == SG_O_MOD ? 0 : wrap(SG_O_SUB, 0, x));
		int64_t q = x / y, r = x % y;
		if (r && (r < 0) != (y < 0))
			q--, r += y;
		return v_int(op == SG_O_MOD ? r : q);
	}
	case SG_O_POW: return y >= 0 ? v_int(power(x, y)) : v_float(pow((double)x, (double)y));
	case SG_O_LT: return v_bool(x < y);
	case SG_O_LE: return v_bool(x <= y);
	case SG_O_GT: return v_bool(x > y);
	case SG_O_GE: return v_bool(x >= y);
	case SG_O_EQ: return v_bool(x == y);
	case SG_O_NE: return v_bool(x != y);
	default: break;
	}
	return no_matmul(e, at, "numbers");
}

static value
static_float(elab *e, sg_ast_op op, double x, double y, const sg_ast *at)
{
	switch (op) {
	case SG_O_ADD: return v_float(x + y);
	case SG_O_SUB: return v_float(x - y);
	case SG_O_MUL: return v_float(x * y);
	case SG_O_DIV: return v_float(x / y);
	case SG_O_FLOORDIV: return v_float(floor(x / y));
	case SG_O_MOD: {
		double r = fmod(x, y);
		return v_float(r != 0 && (r < 0) != (y < 0) ? r + y : r);
	}
	case SG_O_POW: return v_float(pow(x, y));
	case SG_O_LT: return v_bool(x < y);
	case SG_O_LE: return v_bool(x <= y);
	case SG_O_GT: return v_bool(x > y);
	case SG_O_GE: return v_bool(x >= y);
	case SG_O_EQ: return v_bool(x == y);
	case SG_O_NE: return v_bool(x != y);
	default: break;
	}
	return no_matmul(e, at, "numbers");
}

/* Arithmetic on values that are known, extents included. False: it is work for the graph. */
static bool
static_binary(elab *e, sg_ast_op op, value x, value y, const sg_ast *at, value *out)
{
	const bool equality = op == SG_O_EQ || op == SG_O_NE;
	sg_ext a, b;

	if (equality && (x.kind == V_NONE || y.kind == V_NONE))
		return *out = v_bool((x.kind == y.kind) == (op == SG_O_EQ)), true;
	if (equality && x.kind == V_STRING && y.kind == V_STRING)
		return *out = v_bool((strcmp(x.s, y.s) == 0) == (op == SG_O_EQ)), true;
	if (op == SG_O_AND || op == SG_O_OR) {
		if (x.kind != V_BOOL || y.kind != V_BOOL)
			return false;
		return *out = v_bool(op == SG_O_AND ? x.i && y.i : x.i || y.i), true;
	}
	if (x.kind == V_BOOL)
		x = v_int(x.i);
	if (y.kind == V_BOOL)
		y = v_int(y.i);
	if (x.kind == V_INT && y.kind == V_INT)
		return *out = static_int(e, op, x.i, y.i, at), true;
	if ((x.kind == V_INT || x.kind == V_FLOAT) && (y.kind == V_INT || y.kind == V_FLOAT)) {
		double p = x.kind == V_INT ? (double)x.i : x.f, q = y.kind == V_INT ? (double)y.i : y.f;

		return *out = static_float(e, op, p, q, at), true;
	}
	if (as_ext(e, x, &a) && as_ext(e, y, &b)) {
		switch (op) {
		case SG_O_ADD: return *out = v_ext(e, sg_ext_add(e->sp, a, b)), true;
		case SG_O_SUB: return *out = v_ext(e, sg_ext_sub(e->sp, a, b)), true;
		case SG_O_MUL: return *out = v_ext(e, sg_ext_mul(e->sp, a, b)), true;
		case SG_O_FLOORDIV: return *out = v_ext(e, sg_ext_div(e->sp, a, b)), true;
		default: return false;
		}
	}
	return false;
}

/* ---- operators on tensors ---- */

value
ew2(elab *e, sg_op op, const value v[2], const sg_span v_at[2], sg_span at, const char *what)
{
	sg_ref r[2];
	sg_type t;

	if (!common_type(e, v, 2, v_at, &t))
		return POISON;
	if (t == SG_BOOL && !(sg_ops[op].flags & SG_LOGIC))
		t = SG_I64;
	if (!(sg_ops[op].flags & (SG_INTS | SG_LOGIC)) && !sg_type_is_float(t))
		t = e->real;
	for (int k = 0; k < 2; k++)
		if (!(r[k] = to_tensor(e, v[k], (int)t, v_at[k])))
			return POISON;
	if (!broadcast_all(e, r, 2, at, what))
		return POISON;
	return v_tensor(sg_ew2(e->b, op, r[0], r[1]));
}

static const char *
op_text(sg_ast_op op)
{
	static const char *const text[] = {"'+'", "'-'", "'*'", "'/'", "'//'", "'%'", "'@'",
	                                   "'**'", "'<'", "'<='", "'>'", "'>='", "'=='", "'!='",
	                                   "'and'", "'or'", "'not'", "'-'", "'+'"};
	return text[op];
}

static const char *
source_text(elab *e, const sg_ast *x)
{
	return sg_text(e->ctx, "%.*s", (int)(x->at.hi - x->at.lo), x->at.src->text + x->at.lo);
}

/* The operand as text that takes a postfix, or stands beside an operator as tight as '*'. */
static const char *
operand_text(elab *e, const sg_ast *x)
{
	const bool plain = x->kind <= SG_X_NAME || x->kind >= SG_X_CALL || x->parens;

	return sg_text(e->ctx, plain ? "%s" : "(%s)", source_text(e, x));
}

/* The note that was added last comes before those that say which calls led here. */
static void
first_note(sg_diag *d)
{
	const sg_note last = d->note[d->nnotes - 1];

	memmove(d->note + 1, d->note, (d->nnotes - 1) * sizeof *d->note);
	d->note[0] = last;
}

/* Where an operand that is a name was bound: of the right one, else of the left one. */
static void
note_operand(elab *e, sg_diag *d, scope *s, const sg_ast *at, const sg_shape *sx, const sg_shape *sy)
{
	for (int k = 1; k >= 0; k--) {
		const sg_ast *x = at->kid[k];
		const binding *b = x->kind == SG_X_NAME && s ? scope_find(e, s, x->name) : NULL;

		if (!b || !in_user_text(e, b->at))
			continue;
		sg_add_note(e->ctx, d, b->at, "'%s' is %s", x->name,
		            sg_shape_text(e->sp, k ? sy : sx));
		first_note(d);
		return;
	}
}

static void
matmul_error(elab *e, scope *s, const sg_ast *at, const sg_shape *sx, const sg_shape *sy)
{
	sg_diag *d = elab_error(e, at->at, "matmul-shape", "inner extents of '@' differ: %s @ %s",
	                        sg_shape_text(e->sp, sx), sg_shape_text(e->sp, sy));
	const sg_ext inner = sy->ext[sy->rank > 1 ? sy->rank - 2 : 0];

	if (at->kind != SG_X_BINARY || !in_user_text(e, at->at))
		return;
	sg_diag_point(d, at->op_at);
	note_operand(e, d, s, at, sx, sy);
	const char *l = operand_text(e, at->kid[0]), *r = operand_text(e, at->kid[1]);
	if (sy->rank >= 2 && sx->ext[sx->rank - 1] == sy->ext[sy->rank - 1])
		sg_add_hint(e->ctx, d, "did you mean '%s @ %s.T'?", l, r);
	else if (sx->rank >= 2 && sx->ext[sx->rank - 2] == inner)
		sg_add_hint(e->ctx, d, "did you mean '%s.T @ %s'?", l, r);
	else if (sx->rank == 2 && sy->rank == 2 && sx->ext[0] == sy->ext[1])
		sg_add_hint(e->ctx, d, "did you mean '%s @ %s'?", r, l);
	else
		hint_equal(e, d, sx->ext[sx->rank - 1], inner);
}

static value
matmul(elab *e, scope *s, value x, value y, const sg_ast *at)
{
	value v[2] = {x, y};
	const bool written = at->kind == SG_X_BINARY;
	const sg_span spans[2] = {written ? at->kid[0]->at : at->at, written ? at->kid[1]->at : at->at};
	sg_ref r[2];
	sg_type t;

	if (!common_type(e, v, 2, spans, &t))
		return POISON;
	if (t == SG_BOOL)
		t = SG_I64;
	for (int k = 0; k < 2; k++)
		if (!(r[k] = to_tensor(e, v[k], (int)t, spans[k])))
			return POISON;
	const sg_shape *sx = sg_shape_of(e->b, r[0]), *sy = sg_shape_of(e->b, r[1]);
	if (!sx->rank || !sy->rank) {
		sg_diag *d = elab_error(e, at->at, "matmul-shape", "'@' needs arrays, not %s",
		                        v_describe(e, sx->rank ? y : x));
		if (written)
			sg_diag_point(d, at->op_at);
		sg_add_hint(e->ctx, d, "'*' multiplies by a scalar");
		return POISON;
	}
	if (sx->ext[sx->rank - 1] != sy->ext[sy->rank > 1 ? sy->rank - 2 : 0]) {
		matmul_error(e, s, at, sx, sy);
		return POISON;
	}
	if (sx->rank > 2 && sy->rank > 2) {
		const sg_shape *bx = sg_shape_make(e->sp, sx->rank - 2, sx->ext);
		const sg_shape *by = sg_shape_make(e->sp, sy->rank - 2, sy->ext);

		if (!broadcast_shapes(e, bx, by)) {
			sg_diag *d = elab_error(e, at->at, "matmul-shape",
			                        "leading extents of '@' do not broadcast: %s @ %s",
			                        sg_shape_text(e->sp, sx), sg_shape_text(e->sp, sy));
			if (written) {
				sg_diag_point(d, at->op_at);
				note_operand(e, d, s, at, sx, sy);
			}
			return POISON;
		}
	}
	return v_tensor(sg_matmul(e->b, r[0], r[1]));
}

/* "did you mean 'x != 0'?", for a number where bool is wanted. */
void
hint_compare(elab *e, sg_diag *d, const sg_ast *x, value v, const char *op)
{
	if (x && in_user_text(e, x->at) && (v.kind == V_TENSOR || v_is_number(v)))
		sg_add_hint(e->ctx, d, "did you mean '%s %s 0'?", operand_text(e, x), op);
}

static value
logic(elab *e, sg_op op, value x, value y, const sg_ast *at)
{
	const value v[2] = {x, y};
	const bool written = at->kind == SG_X_BINARY;
	sg_ref r[2];

	for (int k = 0; k < 2; k++) {
		if (v[k].kind == V_POISON)
			return POISON;
		const sg_span v_at = written ? at->kid[k]->at : at->at;

		if (!(r[k] = to_tensor(e, v[k], -1, v_at)))
			return POISON;
		if (sg_type_of(e->b, r[k]) != SG_BOOL) {
			sg_diag *d = elab_error(e, v_at, "type", "'%s' works on bool, not on %s",
			                        sg_op_name((uint16_t)op), v_describe(e, v[k]));
			hint_compare(e, d, written ? at->kid[k] : NULL, v[k], "!=");
			return POISON;
		}
	}
	if (!broadcast_all(e, r, 2, at->at, op == SG_AND ? "'and'" : "'or'"))
		return POISON;
	return v_tensor(sg_ew2(e->b, op, r[0], r[1]));
}

/* x op y as graph; for a > b, b < a. */
static value
arithmetic(elab *e, scope *s, sg_ast_op op, value x, value y, const sg_ast *at)
{
	static const sg_op ops[] = {
	    [SG_O_ADD] = SG_ADD, [SG_O_SUB] = SG_SUB,           [SG_O_MUL] = SG_MUL,
	    [SG_O_DIV] = SG_DIV, [SG_O_FLOORDIV] = SG_FLOORDIV, [SG_O_MOD] = SG_MOD,
	    [SG_O_POW] = SG_POW, [SG_O_LT] = SG_LT,             [SG_O_LE] = SG_LE,
	    [SG_O_GT] = SG_LT,   [SG_O_GE] = SG_LE,             [SG_O_EQ] = SG_EQ,
	    [SG_O_NE] = SG_NE,   [SG_O_AND] = SG_AND,           [SG_O_OR] = SG_OR,
	};
	const bool written = at->kind == SG_X_BINARY;
	const sg_span xat = written ? at->kid[0]->at : at->at;
	const sg_span yat = written ? at->kid[1]->at : at->at;
	const bool swap = op == SG_O_GT || op == SG_O_GE;

	if (op == SG_O_MATMUL)
		return matmul(e, s, x, y, at);
	if (op == SG_O_AND || op == SG_O_OR)
		return logic(e, ops[op], x, y, at);
	if (op == SG_O_POW && y.kind == V_INT && y.i < 0)
		y = v_float((double)y.i);
	return swap ? ew2(e, ops[op], (value[]){y, x}, (sg_span[]){yat, xat}, at->at, op_text(op))
	            : ew2(e, ops[op], (value[]){x, y}, (sg_span[]){xat, yat}, at->at, op_text(op));
}

/* Text that could be pasted for an operand whose axes were meant to stand at the front, or NULL. */
static const char *
spread_hint(elab *e, const sg_ast *x, const sg_shape *s, const sg_shape *to)
{
	sg_buf b;

	if (!s->rank || s->rank >= to->rank)
		return NULL;
	for (uint32_t i = 0; i < s->rank; i++)
		if (s->ext[i] != to->ext[i])
			return NULL;
	sg_buf_init(&b, e->ctx);
	sg_buf_printf(&b, "%s[", operand_text(e, x));
	for (uint32_t i = 0; i < to->rank; i++)
		sg_buf_printf(&b, "%s%s", i ? ", " : "", i < s->rank ? ":" : "none");
	sg_buf_puts(&b, "]");
	return sg_buf_text(&b);
}

static void
broadcast_error(elab *e, scope *s, sg_ast_op op, const sg_ast *at, const sg_shape *sx,
                const sg_shape *sy)
{
	const char *sign = op_text(op), *l = operand_text(e, at->kid[0]), *r = operand_text(e, at->kid[1]);
	const int n = (int)strlen(sign) - 2; /* without its quotes */
	sg_diag *d = elab_error(e, at->at, "broadcast", "shapes do not broadcast: %s %.*s %s",
	                        sg_shape_text(e->sp, sx), n, sign + 1, sg_shape_text(e->sp, sy));
	const char *spread;

	if (!in_user_text(e, at->at))
		return;
	sg_diag_point(d, at->op_at);
	note_operand(e, d, s, at, sx, sy);
	if ((spread = spread_hint(e, at->kid[1], sy, sx)))
		sg_add_hint(e->ctx, d, "did you mean '%s %.*s %s'?", l, n, sign + 1, spread);
	else if ((spread = spread_hint(e, at->kid[0], sx, sy)))
		sg_add_hint(e->ctx, d, "did you mean '%s %.*s %s'?", spread, n, sign + 1, r);
	else if (op == SG_O_MUL && sx->rank && sy->rank &&
	         sx->ext[sx->rank - 1] == sy->ext[sy->rank > 1 ? sy->rank - 2 : 0])
		sg_add_hint(e->ctx, d, "did you mean the matrix product '%s @ %s'?", l, r);
	else
		hint_equal_shapes(e, d, sx, sy);
}

/* Both are tensors, of shapes that do not go together: an error. */
static bool
differ_in_shape(elab *e, scope *s, sg_ast_op op, value x, value y, const sg_ast *at)
{
	if (op == SG_O_MATMUL || at->kind != SG_X_BINARY || x.kind != V_TENSOR || y.kind != V_TENSOR)
		return false;
	const sg_shape *sx = sg_shape_of(e->b, x.ref), *sy = sg_shape_of(e->b, y.ref);
	if (broadcast_shapes(e, sx, sy))
		return false;
	broadcast_error(e, s, op, at, sx, sy);
	return true;
}

static void
not_operand(elab *e, sg_ast_op op, value v, sg_span at)
{
	sg_diag *d = elab_error(e, at, "type", "%s does not work on %s", op_text(op), v_describe(e, v));

	if (v.kind == V_TUPLE)
		sg_add_hint(e->ctx, d, "unpack it: a, b = ...");
	if (v.kind == V_FN)
		sg_add_hint(e->ctx, d, "call it first, or write a function: (x) -> f(x)");
}

value
binary(elab *e, scope *s, sg_ast_op op, value x, value y, const sg_ast *at)
{
	value out;

	if (x.kind == V_POISON || y.kind == V_POISON)
		return POISON;
	if (static_binary(e, op, x, y, at, &out))
		return out;
	enter(e, at->at);
	for (int k = 0; k < 2; k++) {
		const value v = k ? y : x;

		if (v.kind == V_TENSOR || v.kind == V_EXT || v_is_number(v))
			continue;
		not_operand(e, op, v, at->kind == SG_X_BINARY ? at->kid[k]->at : at->at);
		return POISON;
	}
	return differ_in_shape(e, s, op, x, y, at) ? POISON : arithmetic(e, s, op, x, y, at);
}

value
binary_at(elab *e, sg_ast_op op, value x, value y, sg_span at)
{
	const sg_ast node = {.kind = SG_X_CALL, .at = at};

	return binary(e, NULL, op, x, y, &node);
}

/* A left-deep chain a + b + c ... is evaluated by a loop: its length costs no stack. */
value
eval_binary(elab *e, scope *s, const sg_ast *x)
{
	const sg_ast **spine = NULL;
	size_t n = 0, cap = 0;
	value v;

	for (; x->kind == SG_X_BINARY; x = x->kid[0])
		SG_PUSH(e->ctx, spine, n, cap, x);
	v = eval(e, s, x);
	while (n-- > 0) {
		value y = eval(e, s, spine[n]->kid[1]);

		v = binary(e, s, spine[n]->op, v, y, spine[n]);
	}
	return v;
}

value
eval_unary(elab *e, scope *s, const sg_ast *x)
{
	value v = eval(e, s, x->kid[0]);
	sg_ref r;

	if (v.kind == V_POISON)
		return v;
	if (x->op == SG_O_NOT) {
		if (v.kind == V_BOOL)
			return v_bool(!v.i);
		if (!(r = to_tensor(e, v, -1, x->at)))
			return POISON;
		if (sg_type_of(e->b, r) != SG_BOOL) {
			sg_diag *d = elab_error(e, x->at, "type", "'not' works on bool, not on %s",
			                        v_describe(e, v));
			hint_compare(e, d, x->kid[0], v, "==");
			return POISON;
		}
		return v_tensor(sg_ew1(e->b, SG_NOT, r));
	}
	if (v.kind == V_BOOL)
		v = v_int(v.i);
	if (x->op == SG_O_POS)
		return v;
	if (v.kind == V_INT)
		return v_int(wrap(SG_O_SUB, 0, v.i));
	if (v.kind == V_FLOAT)
		return v_float(-v.f);
	if (v.kind == V_EXT)
		return v_ext(e, sg_ext_sub(e->sp, sg_ext_int(e->sp, 0), v.ext));
	if (v.kind != V_TENSOR) {
		elab_error(e, x->at, "type", "'-' does not work on %s", v_describe(e, v));
		return POISON;
	}
	enter(e, x->at);
	r = v.ref;
	if (sg_type_of(e->b, r) == SG_BOOL)
		r = sg_cast(e->b, r, SG_I64);
	return v_tensor(sg_ew1(e->b, SG_NEG, r));
}
