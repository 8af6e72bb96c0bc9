/* parse_expr.c - expressions, by recursive descent with precedence climbing. Chains of binary
 * operators are loops; only true nesting recurses, and asks for stack first. */
#include "front/parse.h"

#include <math.h>
#include <string.h>

/* ---- trees ---- */

static sg_ast *
new_tree(sg_parser *p, sg_ast_kind kind, uint32_t lo)
{
	sg_ast *x = SG_NEW(p->ctx, sg_ast);

	x->kind = kind;
	x->at = sg_span_since(p, lo);
	return x;
}

static void
set_kids(sg_parser *p, sg_ast *x, size_t n, sg_ast *const *kid)
{
	x->kid = sg_copy(p->ctx, kid, n * sizeof *kid);
	x->nkids = n;
}

static void
take_trees(sg_ast *x, const sg_trees *list)
{
	x->kid = list->item;
	x->nkids = list->n;
}

static sg_ast *
new_unary(sg_parser *p, sg_ast_op op, const sg_token *t, sg_ast *kid)
{
	sg_ast *x = new_tree(p, SG_X_UNARY, t->lo);

	x->op = op;
	x->op_at = sg_token_span(p, t);
	set_kids(p, x, 1, &kid);
	return x;
}

static sg_ast *
new_binary(sg_parser *p, sg_ast_op op, const sg_token *t, sg_ast *left, sg_ast *right)
{
	sg_ast *x = new_tree(p, SG_X_BINARY, left->at.lo);

	x->op = op;
	x->op_at = sg_token_span(p, t);
	set_kids(p, x, 2, (sg_ast *[]){left, right});
	return x;
}

/* ---- operators ---- */

enum { LOOSEST = 1, NOT_LEVEL = 3, COMPARE = 4, ADD_LEVEL = 5 };

typedef struct binary_op {
	int level; /* 0: not a binary operator of this table; ** is apart */
	sg_ast_op op;
} binary_op;

static const binary_op operators[T_COUNT] = {
    [T_OR] = {1, SG_O_OR},       [T_AND] = {2, SG_O_AND},           [T_LT] = {COMPARE, SG_O_LT},
    [T_LE] = {COMPARE, SG_O_LE}, [T_GT] = {COMPARE, SG_O_GT},       [T_GE] = {COMPARE, SG_O_GE},
    [T_EQ] = {COMPARE, SG_O_EQ}, [T_NE] = {COMPARE, SG_O_NE},       [T_PLUS] = {5, SG_O_ADD},
    [T_MINUS] = {5, SG_O_SUB},   [T_STAR] = {6, SG_O_MUL},          [T_SLASH] = {6, SG_O_DIV},
    [T_PERCENT] = {6, SG_O_MOD}, [T_FLOORDIV] = {6, SG_O_FLOORDIV}, [T_AT] = {6, SG_O_MATMUL},
};

static sg_ast *parse_binary(sg_parser *p, int least);
static sg_ast *parse_unary(sg_parser *p);

/* A tree to go on with after an error. */
static sg_ast *
poison(sg_parser *p)
{
	sg_ast *x = SG_NEW(p->ctx, sg_ast);

	x->kind = SG_X_NONE;
	x->at = sg_span_since(p, p->at ? p->tokens.item[p->at - 1].lo : 0);
	return x;
}

/* ---- atoms ---- */

static sg_ast *
new_number(sg_parser *p, double v)
{
	const sg_token *t = sg_advance(p);
	sg_ast *x = new_tree(p, SG_X_FLOAT, t->lo);

	x->f = v;
	return x;
}

static sg_ast *
new_integer(sg_parser *p, sg_ast_kind kind, int64_t v)
{
	const sg_token *t = sg_advance(p);
	sg_ast *x = new_tree(p, kind, t->lo);

	x->i = v;
	return x;
}

static sg_ast *
new_name(sg_parser *p, sg_ast_kind kind)
{
	const sg_token *t = sg_advance(p);
	sg_ast *x = new_tree(p, kind, t->lo);

	x->name = t->name;
	return x;
}

/* arguments = [ argument { "," argument } [","] ];  argument = [ NAME "=" ] expression */
static void
parse_argument(sg_parser *p, sg_ast *call, size_t *cap, bool *named)
{
	const char *name = NULL;
	sg_span at = {NULL, 0, 0};
	size_t n = call->nkids, name_cap = *cap, at_cap = *cap;
	sg_ast *value;

	if (sg_is(p, T_NAME) && sg_after(p) == T_ASSIGN) {
		at = sg_token_span(p, sg_cur(p));
		name = sg_advance(p)->name;
		sg_advance(p);
		*named = true;
	}
	value = sg_parse_value(p);
	if (!name && *named && !p->failed)
		sg_add_hint(p->ctx,
		            sg_error(p->ctx, value->at, "argument-order",
		                     "an argument without a name follows one with a name"),
		            "put it first, or give its name too");
	SG_PUSH(p->ctx, call->argname, n, name_cap, name);
	n = call->nkids;
	SG_PUSH(p->ctx, call->argname_at, n, at_cap, at);
	SG_PUSH(p->ctx, call->kid, call->nkids, *cap, value);
}

static sg_ast *
parse_call(sg_parser *p, sg_ast *callee)
{
	sg_ast *x = new_tree(p, SG_X_CALL, callee->at.lo);
	const sg_token *opener = sg_advance(p);
	size_t cap = 2;
	bool named = false;

	x->kid = SG_NEW_ARRAY(p->ctx, sg_ast *, cap);
	x->argname = SG_NEW_ARRAY(p->ctx, const char *, cap);
	x->argname_at = SG_NEW_ARRAY(p->ctx, sg_span, cap);
	x->kid[0] = callee;
	x->nkids = 1;
	while (!sg_is(p, T_RPAREN) && !p->failed) {
		parse_argument(p, x, &cap, &named);
		if (!sg_accept(p, T_COMMA))
			break;
	}
	sg_expect_close(p, T_RPAREN, opener, true);
	x->at = sg_span_since(p, callee->at.lo);
	x->op_at = sg_span_since(p, opener->lo);
	return x;
}

/* slice = [expression] ":" [expression] [":" [expression]], its first part being read */
static void
parse_slice(sg_parser *p, sg_ast_index *i)
{
	i->kind = SG_I_SLICE;
	i->start = i->e;
	i->e = NULL;
	sg_expect(p, T_COLON);
	if (!sg_is(p, T_COLON) && !sg_is(p, T_COMMA) && !sg_is(p, T_RSQUARE))
		i->stop = sg_parse_value(p);
	if (sg_accept(p, T_COLON) && !sg_is(p, T_COMMA) && !sg_is(p, T_RSQUARE))
		i->step = sg_parse_value(p);
}

/* place = "..." | "none" | "None" | slice | expression */
static sg_ast_index
parse_place(sg_parser *p)
{
	const sg_token *t = sg_cur(p);
	bool alone = sg_after(p) == T_COMMA || sg_after(p) == T_RSQUARE;
	sg_ast_index i = {.kind = SG_I_EXPR};

	if (sg_accept(p, T_ELLIPSIS)) {
		i.kind = SG_I_ELLIPSIS;
	} else if (alone &&
	           (t->kind == T_NONE || (t->kind == T_NAME && strcmp(t->name, "None") == 0))) {
		sg_advance(p);
		i.kind = SG_I_NEW;
	} else {
		if (t->kind != T_COLON)
			i.e = sg_parse_value(p);
		if (t->kind == T_COLON || sg_is(p, T_COLON))
			parse_slice(p, &i);
	}
	i.at = sg_span_since(p, t->lo);
	return i;
}

static sg_ast *
parse_index(sg_parser *p, sg_ast *tensor)
{
	const sg_token *opener = sg_advance(p);
	sg_ast_index *index = NULL;
	size_t n = 0, cap = 0;
	sg_ast *x;

	if (sg_is(p, T_RSQUARE))
		sg_fail_expected(p, "an index");
	while (!sg_is(p, T_RSQUARE) && !p->failed) {
		sg_ast_index i = parse_place(p);

		SG_PUSH(p->ctx, index, n, cap, i);
		if (!sg_accept(p, T_COMMA))
			break;
	}
	sg_expect_close(p, T_RSQUARE, opener, true);
	x = new_tree(p, SG_X_INDEX, tensor->at.lo);
	x->op_at = sg_span_since(p, opener->lo);
	set_kids(p, x, 1, &tensor);
	x->index = index;
	x->nindex = n;
	return x;
}

/* x.sum(...), np.sum(...): '.' is taken, and what follows it is no 'T'. */
static void
fail_member(sg_parser *p, const sg_ast *of)
{
	static const char *const modules[] = {"np", "numpy", "torch", "math", "jnp", "jax", "tf", "nn", "F"};
	const sg_token *t = sg_cur(p);
	sg_diag *d = sg_fail_expected(p, "'T' after '.'");
	bool module = false;

	for (size_t k = 0; k < sizeof modules / sizeof *modules; k++)
		module |= of->kind == SG_X_NAME && strcmp(of->name, modules[k]) == 0;
	if (t->kind == T_NAME && strcmp(t->name, "t") == 0)
		sg_add_hint(p->ctx, d, "did you mean '.T'?");
	else if (t->kind != T_NAME || of->at.hi - of->at.lo > 40)
		sg_add_hint(p->ctx, d, "the only member is the transpose, 'x.T'");
	else if (module)
		sg_add_hint(p->ctx, d, "functions belong to no module: write '%s(...)'", t->name);
	else
		sg_add_hint(p->ctx, d, "the only member is the transpose; did you mean '%s(%.*s)'?", t->name,
		            (int)(of->at.hi - of->at.lo), p->src->text + of->at.lo);
}

static sg_ast *
parse_transpose(sg_parser *p, sg_ast *tensor)
{
	uint32_t lo = sg_advance(p)->lo;
	const sg_token *t = sg_cur(p);
	sg_ast *x;

	if (t->kind == T_NAME && strcmp(t->name, "T") == 0)
		sg_advance(p);
	else
		fail_member(p, tensor);
	x = new_tree(p, SG_X_T, tensor->at.lo);
	x->op_at = sg_span_since(p, lo);
	set_kids(p, x, 1, &tensor);
	return x;
}

/* (params) -> body */
static sg_ast *
parse_lambda(sg_parser *p)
{
	const sg_token *opener = sg_advance(p);
	sg_ast_fn *fn = SG_NEW(p->ctx, sg_ast_fn);
	sg_ast *x;

	sg_parse_params(p, &fn->param, &fn->nparams, T_RPAREN);
	sg_expect_close(p, T_RPAREN, opener, true);
	fn->at = sg_span_since(p, opener->lo);
	sg_expect(p, T_ARROW);
	fn->expr = sg_parse_value(p);
	x = new_tree(p, SG_X_LAMBDA, opener->lo);
	x->fn = fn;
	return x;
}

static bool
at_lambda(const sg_parser *p)
{
	const sg_token *t = sg_cur(p);

	return t->kind == T_LPAREN && t->match && p->tokens.item[t->match + 1].kind == T_ARROW;
}

/* "(" expression ")"  |  "(" [ expression "," { expression "," } [expression] ] ")" */
static sg_ast *
parse_parens(sg_parser *p)
{
	const sg_token *opener = sg_advance(p);
	sg_trees list = {NULL, 0, 0};
	bool comma = false;
	sg_ast *x;

	while (!sg_is(p, T_RPAREN) && !p->failed) {
		SG_PUSH(p->ctx, list.item, list.n, list.cap, sg_parse_value(p));
		if (!sg_accept(p, T_COMMA))
			break;
		comma = true;
	}
	sg_expect_close(p, T_RPAREN, opener, true);
	if (list.n == 1 && !comma) {
		x = list.item[0];
		x->parens = true;
		x->at = sg_span_since(p, opener->lo);
		return x;
	}
	x = new_tree(p, SG_X_TUPLE, opener->lo);
	take_trees(x, &list);
	return x;
}

/* The rest of [e for NAME in a..b], e being read. */
static sg_ast *
parse_comprehension(sg_parser *p, sg_ast *e, const sg_token *opener)
{
	const char *name;
	sg_ast *from, *to, *x;
	sg_span at;

	sg_expect(p, T_FOR);
	name = sg_expect_name(p, "a name", &at);
	sg_expect(p, T_IN);
	from = sg_parse_value(p);
	if (!sg_accept(p, T_RANGE))
		sg_add_hint(p->ctx, sg_fail_expected(p, "'..'"),
		            "a comprehension runs over compile-time integers: '[e for i in 0..3]'");
	to = sg_parse_value(p);
	sg_expect_close(p, T_RSQUARE, opener, false);
	x = new_tree(p, SG_X_COMPREHENSION, opener->lo);
	x->name = name;
	x->op_at = at;
	set_kids(p, x, 3, (sg_ast *[]){e, from, to});
	return x;
}

/* "[" [ expression { "," expression } [","] ] "]", or a comprehension */
static sg_ast *
parse_square(sg_parser *p)
{
	const sg_token *opener = sg_advance(p);
	sg_trees list = {NULL, 0, 0};
	sg_ast *x;

	sg_parse_list(p, &list, T_RSQUARE);
	if (list.n == 1 && sg_is(p, T_FOR))
		return parse_comprehension(p, list.item[0], opener);
	sg_expect_close(p, T_RSQUARE, opener, true);
	x = new_tree(p, SG_X_LIST, opener->lo);
	take_trees(x, &list);
	return x;
}

static sg_ast *
fail_atom(sg_parser *p)
{
	const sg_token *t = sg_cur(p);

	if (t->kind == T_IF)
		sg_add_hint(
		    p->ctx,
		    sg_fail(p, sg_token_span(p, t), "syntax", "'if' needs parentheses here"),
		    "write '(if c then a else b)'");
	else if (t->kind == T_NOT)
		sg_add_hint(
		    p->ctx,
		    sg_fail(p, sg_token_span(p, t), "syntax", "'not' needs parentheses here"),
		    "write '(not a)'");
	else if (t->kind == T_ELLIPSIS)
		sg_add_hint(p->ctx, sg_fail_expected(p, "an expression"),
		            "'...' stands for whole axes in an index: 'x[..., 0]'");
	else
		sg_fail_expected(p, "an expression");
	return poison(p);
}

static sg_ast *
parse_atom(sg_parser *p)
{
	const sg_token *t = sg_cur(p);

	switch ((int)t->kind) {
	case T_NAME:
		return new_name(p, SG_X_NAME);
	case T_STRING:
		return new_name(p, SG_X_STRING);
	case T_INT:
		return new_integer(p, SG_X_INT, t->i);
	case T_FLOAT:
		return new_number(p, t->f);
	case T_TRUE:
	case T_FALSE:
		return new_integer(p, SG_X_BOOL, t->kind == T_TRUE);
	case T_NONE:
		return new_integer(p, SG_X_NONE, 0);
	case T_INF:
		return new_number(p, (double)INFINITY);
	case T_NAN:
		return new_number(p, (double)NAN);
	case T_PI:
		return new_number(p, 3.14159265358979323846);
	case T_LPAREN:
		if (!at_lambda(p))
			return parse_parens(p);
		sg_add_hint(
		    p->ctx,
		    sg_fail(p, sg_token_span(p, t), "syntax", "a function needs parentheses here"),
		    "write '((x) -> ...)'");
		return poison(p);
	case T_LSQUARE:
		return parse_square(p);
	default:
		return fail_atom(p);
	}
}

static sg_ast *
parse_postfix(sg_parser *p)
{
	sg_ast *x = parse_atom(p);

	for (;;) {
		if (sg_is(p, T_LPAREN) && !at_lambda(p))
			x = parse_call(p, x);
		else if (sg_is(p, T_LSQUARE))
			x = parse_index(p, x);
		else if (sg_is(p, T_DOT))
			x = parse_transpose(p, x);
		else
			return x;
	}
}

/* ---- operators ---- */

/* exponent = ("-" | "+") exponent | power;  power = postfix [ "**" exponent ] */
static sg_ast *
parse_power(sg_parser *p)
{
	sg_ast *x;
	const sg_token *t;

	if (!sg_may_nest(p))
		return poison(p);
	x = parse_postfix(p);
	if (!sg_is(p, T_POW))
		return x;
	t = sg_advance(p);
	return new_binary(p, SG_O_POW, t, x, parse_unary(p));
}

/* unary = ("-" | "+") unary | power. Signs bind looser than '**' on their right, and are what an
 * exponent may begin with: so this is the exponent too. */
static sg_ast *
parse_unary(sg_parser *p)
{
	const sg_token *t = sg_cur(p);

	if (t->kind != T_MINUS && t->kind != T_PLUS)
		return parse_power(p);
	if (!sg_may_nest(p))
		return poison(p);
	sg_advance(p);
	return new_unary(p, t->kind == T_MINUS ? SG_O_NEG : SG_O_POS, t, parse_unary(p));
}

static sg_ast *
parse_not(sg_parser *p)
{
	const sg_token *t = sg_advance(p);

	if (!sg_may_nest(p))
		return poison(p);
	return new_unary(p, SG_O_NOT, t, parse_binary(p, NOT_LEVEL));
}

static const char *
source_text(sg_parser *p, uint32_t lo, uint32_t hi)
{
	return sg_text(p->ctx, "%.*s", (int)(hi - lo), p->src->text + lo);
}

/* a < b < c: x is `a < b`, and the next operator is in hand. */
static sg_ast *
parse_comparison_chain(sg_parser *p, sg_ast *x)
{
	const sg_token *t = sg_advance(p);
	sg_ast *third = parse_binary(p, ADD_LEVEL), *b = x->kid[1];
	sg_span all = sg_span_since(p, x->at.lo);
	sg_diag *d;

	if (p->failed)
		return x;
	d = sg_fail(p, all, "comparison-chain", "comparisons do not chain");
	sg_diag_point(d, sg_token_span(p, t));
	if (all.hi - all.lo < 80)
		sg_add_hint(p->ctx, d, "write '%s and %s %s'", source_text(p, x->at.lo, x->at.hi),
		            source_text(p, b->at.lo, b->at.hi),
		            source_text(p, t->lo, third->at.hi));
	return x;
}

static sg_ast *
parse_binary(sg_parser *p, int least)
{
	bool is_not = sg_is(p, T_NOT) && least <= NOT_LEVEL;
	sg_ast *x = is_not ? parse_not(p) : parse_unary(p);

	for (;;) {
		const sg_token *t = sg_cur(p);
		binary_op o = operators[t->kind];

		if (o.level == 0 || o.level < least)
			return x;
		sg_advance(p);
		x = new_binary(p, o.op, t, x, parse_binary(p, o.level + 1));
		if (o.level == COMPARE && operators[sg_cur(p)->kind].level == COMPARE)
			x = parse_comparison_chain(p, x);
	}
}

/* ---- expressions ---- */

/* "if" expression "then" expression "else" expression; a chain of else-ifs is nested */
static sg_ast *
parse_if(sg_parser *p)
{
	const sg_token *t = sg_advance(p);
	sg_ast *c = sg_parse_value(p), *a, *b, *x;

	sg_expect(p, T_THEN);
	a = sg_parse_value(p);
	if (!sg_accept(p, T_ELSE)) {
		sg_diag *d = sg_fail_expected(p, "'else'");

		sg_add_note(p->ctx, d, sg_token_span(p, t), "of this 'if'");
	}
	b = sg_parse_value(p);
	x = new_tree(p, SG_X_IF, t->lo);
	x->op_at = sg_token_span(p, t);
	set_kids(p, x, 3, (sg_ast *[]){c, a, b});
	return x;
}

/* expression = conditional | lambda | disjunction */
sg_ast *
sg_parse_value(sg_parser *p)
{
	if (!sg_may_nest(p))
		return poison(p);
	if (sg_is(p, T_IF))
		return parse_if(p);
	return at_lambda(p) ? parse_lambda(p) : parse_binary(p, LOOSEST);
}

void
sg_parse_list(sg_parser *p, sg_trees *list, sg_token_kind close)
{
	while (!sg_is(p, close) && !p->failed) {
		SG_PUSH(p->ctx, list->item, list->n, list->cap, sg_parse_value(p));
		if (!sg_accept(p, T_COMMA))
			break;
	}
}

/* params = [ NAME ["=" expression] { "," NAME ["=" expression] } [","] ] */
void
sg_parse_params(sg_parser *p, sg_ast_param **param, size_t *nparams, sg_token_kind stop)
{
	size_t cap = 0;
	bool defaults = false;

	while (!sg_is(p, stop) && !sg_is(p, T_SEMI) && !p->failed) {
		sg_ast_param one = {NULL, NULL, {NULL, 0, 0}};

		one.name = sg_expect_name(p, "the name of a parameter", &one.at);
		if (sg_accept(p, T_ASSIGN))
			one.deflt = sg_parse_value(p);
		if (defaults && !one.deflt && !p->failed)
			sg_add_hint(p->ctx,
			            sg_error(p->ctx, one.at, "parameter-order",
			                     "parameter '%s' has no default, but one before it has",
			                     one.name),
			            "put '%s' first, or give it a default", one.name);
		defaults |= one.deflt != NULL;
		SG_PUSH(p->ctx, *param, *nparams, cap, one);
		if (!sg_accept(p, T_COMMA))
			break;
	}
}
