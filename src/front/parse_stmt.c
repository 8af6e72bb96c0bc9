/* parse_stmt.c - statements. */
#include "front/parse.h"

#include <string.h>

/* ---- names and items ---- */

/* NAME { "," NAME }, at least one */
static void
parse_names(sg_parser *p, const char *what, sg_ast_param **list, size_t *n)
{
	size_t cap = 0;

	do {
		sg_ast_param one = {NULL, NULL, {NULL, 0, 0}};

		one.name = sg_expect_name(p, what, &one.at);
		SG_PUSH(p->ctx, *list, *n, cap, one);
	} while (sg_accept(p, T_COMMA));
}

static void
add_item(sg_parser *p, sg_stmt *s, size_t *cap, const sg_item *item)
{
	SG_PUSH(p->ctx, s->item, s->nitems, *cap, *item);
}

/* dim NAME ["=" expression] { "," ... } */
static void
parse_dim(sg_parser *p, sg_stmt *s)
{
	size_t cap = 0;

	do {
		sg_item item = {0};

		item.name = sg_expect_name(p, "the name of a dimension", &item.at);
		if (sg_accept(p, T_ASSIGN))
			item.value = sg_parse_value(p);
		add_item(p, s, &cap, &item);
	} while (sg_accept(p, T_COMMA));
}

/* "[" [ expression { "," expression } [","] ] "]" */
static void
parse_shape(sg_parser *p, sg_item *item)
{
	const sg_token *opener = sg_advance(p);
	sg_trees list = {NULL, 0, 0};

	sg_parse_list(p, &list, T_RSQUARE);
	sg_expect_close(p, T_RSQUARE, opener, true);
	item->shape = list.item;
	item->rank = list.n;
	item->has_shape = true;
	item->shape_at = sg_span_since(p, opener->lo);
}

/* input | param NAME [":" type] [shape] ["=" expression] { "," ... } */
static void
parse_input(sg_parser *p, sg_stmt *s)
{
	size_t cap = 0;

	do {
		sg_item item = {0};

		item.name = sg_expect_name(p, "the name of a tensor", &item.at);
		if (sg_accept(p, T_COLON))
			item.type = sg_expect_name(p, "a type", &item.type_at);
		if (sg_is(p, T_LSQUARE))
			parse_shape(p, &item);
		if (sg_is(p, T_COLON) && item.has_shape && !item.type)
			sg_add_hint(p->ctx, sg_fail_expected(p, "'='"),
			            "the type comes before the shape: 'x: f32[N, 3]'");
		if (sg_accept(p, T_ASSIGN))
			item.value = sg_parse_value(p);
		add_item(p, s, &cap, &item);
	} while (sg_accept(p, T_COMMA));
}

static void
parse_model(sg_parser *p, sg_stmt *s)
{
	s->name = sg_expect_name(p, "the name of the model", &s->name_at);
}

/* real f32 | real f64 */
static void
parse_real(sg_parser *p, sg_stmt *s)
{
	s->name = sg_expect_name(p, "'f32' or 'f64'", &s->name_at);
	if (!p->failed && strcmp(s->name, "f32") != 0 && strcmp(s->name, "f64") != 0)
		sg_fail(p, s->name_at, "syntax", "expected 'f32' or 'f64', found '%s'", s->name);
}

/* const NAME "=" expression */
static void
parse_const(sg_parser *p, sg_stmt *s)
{
	size_t cap = 0;
	sg_item item = {0};

	item.name = sg_expect_name(p, "the name of a constant", &item.at);
	sg_expect(p, T_ASSIGN);
	item.value = sg_parse_value(p);
	add_item(p, s, &cap, &item);
}

/* include STRING */
static void
parse_include(sg_parser *p, sg_stmt *s)
{
	const sg_token *t = sg_cur(p);

	s->name_at = sg_token_span(p, t);
	if (sg_accept(p, T_STRING))
		s->name = t->name;
	else
		sg_add_hint(p->ctx, sg_fail_expected(p, "the name of a file"),
		            "write 'include \"file.sg\"'");
}

/* ---- outputs ---- */

/* expression ["as" NAME] */
static sg_item
parse_output_item(sg_parser *p)
{
	uint32_t lo = sg_cur(p)->lo;
	sg_item item = {0};

	item.value = sg_parse_value(p);
	if (sg_accept(p, T_AS))
		item.name = sg_expect_name(p, "the name of an output", &item.as_at);
	item.at = sg_span_since(p, lo);
	return item;
}

static void
parse_output(sg_parser *p, sg_stmt *s)
{
	size_t cap = 0;

	do {
		sg_item item = parse_output_item(p);

		add_item(p, s, &cap, &item);
	} while (sg_accept(p, T_COMMA));
}

/* entry NAME "=" outputs */
static void
parse_entry(sg_parser *p, sg_stmt *s)
{
	s->name = sg_expect_name(p, "the name of an entry", &s->name_at);
	sg_expect(p, T_ASSIGN);
	parse_output(p, s);
}

static void
parse_wrt(sg_parser *p, sg_stmt *s)
{
	if (!sg_accept(p, T_WRT)) {
		sg_add_hint(p->ctx, sg_fail_expected(p, "'wrt'"),
		            "write 'gradient loss wrt params'");
		return;
	}
	parse_names(p, "a name", &s->wrt, &s->nwrt);
	if (sg_is(p, T_LSQUARE) || sg_is(p, T_DOT) || sg_is(p, T_LPAREN))
		sg_add_hint(p->ctx, sg_fail_expected(p, "',' or the end of the statement"),
		            "a gradient is taken with respect to names; index the result instead");
	if (s->nwrt == 1 && strcmp(s->wrt[0].name, "params") == 0) {
		s->wrt_params = true;
		s->nwrt = 0;
	}
}

/* gradient expression ["as" NAME] "wrt" (NAME { "," NAME } | "params") */
static void
parse_gradient(sg_parser *p, sg_stmt *s)
{
	sg_item item = parse_output_item(p);
	size_t cap = 0;

	add_item(p, s, &cap, &item);
	parse_wrt(p, s);
}

/* return expression { "," expression } */
static void
parse_return(sg_parser *p, sg_stmt *s)
{
	size_t cap = 0;

	do {
		sg_item item = {0};
		uint32_t lo = sg_cur(p)->lo;

		item.value = sg_parse_value(p);
		item.at = sg_span_since(p, lo);
		add_item(p, s, &cap, &item);
	} while (sg_accept(p, T_COMMA));
}

/* ---- functions ---- */

/* `return` is there, and nothing comes behind it. */
static void
check_return(sg_parser *p, const sg_stmt *def, sg_stmt *body)
{
	sg_stmt *s = body;

	while (s && s->kind != SG_S_RETURN)
		s = s->next;
	if (!s) {
		sg_add_hint(p->ctx,
		            sg_fail(p, def->name_at, "return", "the body of '%s' has no 'return'",
		                    def->name),
		            "end it with 'return ...'");
	} else if (s->next) {
		sg_diag *d = sg_error(p->ctx, s->next->at, "return", "nothing can follow 'return'");

		sg_add_note(p->ctx, d, s->at, "'return' ends the body of '%s'", def->name);
		s->next = NULL;
	}
}

/* "{" statements "}" */
static void
parse_body(sg_parser *p, sg_stmt *s)
{
	const sg_token *opener = sg_cur(p);
	size_t errors = sg_error_count(p->ctx);

	if (!sg_may_nest(p))
		return;
	sg_advance(p);
	p->blocks++;
	s->fn->body = sg_parse_block(p, opener);
	p->blocks--;
	sg_expect_close(p, T_RBRACE, opener, false);
	if (sg_error_count(p->ctx) == errors)
		check_return(p, s, s->fn->body);
}

/* "=" expression | body */
static void
parse_definition(sg_parser *p, sg_stmt *s)
{
	if (sg_is(p, T_LBRACE)) {
		parse_body(p, s);
	} else if (sg_accept(p, T_ASSIGN)) {
		s->fn->expr = sg_parse_value(p);
	} else {
		sg_diag *d = sg_fail_expected(p, "'=' or '{'");

		sg_add_hint(p->ctx, d,
		            "a function is 'def f(x) = ...' or 'def f(x) { ...; return ... }'");
	}
}

/* NAME "(" params, up to what follows them */
static const sg_token *
parse_head(sg_parser *p, sg_stmt *s, const char *what)
{
	const sg_token *opener;

	s->fn = SG_NEW(p->ctx, sg_ast_fn);
	s->name = s->fn->name = sg_expect_name(p, what, &s->name_at);
	opener = sg_cur(p);
	sg_expect(p, T_LPAREN);
	sg_parse_params(p, &s->fn->param, &s->fn->nparams, T_RPAREN);
	return opener;
}

/* def NAME "(" params ")" ("=" expression | body) */
static void
parse_def(sg_parser *p, sg_stmt *s)
{
	const sg_token *opener = parse_head(p, s, "the name of a function");

	if (sg_is(p, T_SEMI))
		sg_add_hint(p->ctx, sg_fail_expected(p, "',' or ')'"),
		            "only a 'derivative' names seeds behind ';'");
	sg_expect_close(p, T_RPAREN, opener, true);
	s->fn->at = sg_span_since(p, s->word_at.lo);
	parse_definition(p, s);
}

/* derivative NAME "(" params ";" names ")" ("=" expression | body) */
static void
parse_derivative(sg_parser *p, sg_stmt *s)
{
	const sg_token *opener = parse_head(p, s, "the name of a function defined above");

	if (!sg_accept(p, T_SEMI))
		sg_add_hint(p->ctx, sg_fail_expected(p, "';' and the names of the seeds"),
		            "write 'derivative f(x, y; dz) = (gx, gy)'");
	parse_names(p, "the name of a seed", &s->fn->seed, &s->fn->nseeds);
	sg_expect_close(p, T_RPAREN, opener, true);
	s->fn->at = sg_span_since(p, s->word_at.lo);
	parse_definition(p, s);
}

/* ---- what begins no statement ---- */

static void
fail_reserved(sg_parser *p)
{
	const sg_token *t = sg_cur(p);
	sg_diag *d = sg_fail(p, sg_token_span(p, t), "statement", "'%s' can't begin a statement",
	                     sg_token_spelling(t->kind));

	if (t->kind == T_FOR)
		sg_add_hint(p->ctx, d, "loops are 'map', 'scan' and 'while', which are functions");
	if (t->kind == T_IF)
		sg_add_hint(p->ctx, d, "a conditional is an expression: 'y = if c then a else b'");
}

static const char *
other_language(const char *word)
{
	static const struct {
		const char *word, *hint;
	} table[] = {
	    {"let", "a binding needs no word: 'x = ...'"},
	    {"var", "a binding needs no word: 'x = ...'"},
	    {"fn", "a function is 'def f(x) = ...'"},
	    {"fun", "a function is 'def f(x) = ...'"},
	    {"func", "a function is 'def f(x) = ...'"},
	    {"function", "a function is 'def f(x) = ...'"},
	    {"import", "another file's functions come with 'include \"file.sg\"'"},
	    {"float", "a tensor that comes from outside is 'input x' or 'param x'"},
	    {"double", "a tensor that comes from outside is 'input x' or 'param x'"},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].word, word) == 0)
			return table[i].hint;
	return NULL;
}

/* "ouput x" */
static void
fail_unknown_word(sg_parser *p)
{
	const sg_token *t = sg_cur(p);
	size_t n;
	const char *const *words = sg_statement_words(&n);
	const char *near = sg_did_you_mean(t->name, words, n);
	const char *hint = other_language(t->name);
	sg_diag *d = sg_fail(p, sg_token_span(p, t), "statement", "'%s' is no statement", t->name);

	if (hint)
		sg_add_hint(p->ctx, d, "%s", hint);
	else if (near)
		sg_add_hint(p->ctx, d, "did you mean '%s'?", near);
}

/* x[0] = e, (a, b) = e, f(x) = e: the target is read, '=' is in hand. */
static void
fail_target(sg_parser *p, const sg_ast *x)
{
	sg_diag *d = sg_fail(p, x->at, "assignment", "only a name can be bound");

	if (x->kind == SG_X_INDEX)
		sg_add_hint(p->ctx, d,
		            "nothing is mutated; 'index_put(x, i, v)' is x with a slice replaced");
	else if (x->kind == SG_X_TUPLE)
		sg_add_hint(p->ctx, d, "unpack without parentheses: 'a, b = ...'");
	else if (x->kind == SG_X_CALL)
		sg_add_hint(p->ctx, d, "a function is 'def f(x) = ...'");
}

/* x += e */
static bool
at_update(const sg_parser *p)
{
	sg_token_kind k = sg_after(p);

	return sg_is(p, T_NAME) && k >= T_PLUS && k <= T_AT &&
	       p->tokens.item[p->at + 2].kind == T_ASSIGN &&
	       p->tokens.item[p->at + 2].lo == p->tokens.item[p->at + 1].hi;
}

static void
fail_update(sg_parser *p)
{
	const sg_token *t = sg_advance(p), *op = sg_advance(p), *assign = sg_advance(p);

	sg_add_hint(
	    p->ctx,
	    sg_fail(p, (sg_span){p->src, op->lo, assign->hi}, "assignment",
	            "nothing is mutated, so there is no '%s='", sg_token_spelling(op->kind)),
	    "bind a new name: '%s2 = %s %s ...'", t->name, t->name, sg_token_spelling(op->kind));
}

/* An expression where a statement should be. */
static void
fail_expression(sg_parser *p)
{
	sg_ast *x = sg_parse_value(p);

	if (p->failed)
		return;
	if (sg_is(p, T_ASSIGN))
		fail_target(p, x);
	else if (x->kind == SG_X_BINARY && x->op == SG_O_EQ && x->kid[0]->kind == SG_X_NAME)
		sg_add_hint(p->ctx,
		            sg_fail(p, x->op_at, "statement", "'==' compares, and does not bind"),
		            "write '%s = ...'", x->kid[0]->name);
	else if (sg_at_end(p))
		sg_add_hint(p->ctx, sg_fail(p, x->at, "statement", "this value is not used"),
		            "'name = ...' binds a value, 'output ...' makes it a result");
	else
		sg_fail_expected(p, "a statement");
}

static void
fail_statement(sg_parser *p)
{
	const sg_token *t = sg_cur(p);

	if (t->kind >= T_FIRST_WORD && t->kind <= T_OR)
		fail_reserved(p);
	else if (t->kind == T_FOR || t->kind == T_IN)
		fail_reserved(p);
	else if (t->kind == T_NAME && (sg_after(p) == T_NAME || sg_after(p) == T_STRING))
		fail_unknown_word(p);
	else if (at_update(p))
		fail_update(p);
	else if (t->kind == T_RPAREN || t->kind == T_RSQUARE || t->kind == T_RBRACE)
		sg_fail(p, sg_token_span(p, t), "bracket", "'%s' closes nothing",
		        sg_token_spelling(t->kind));
	else
		fail_expression(p);
}

/* ---- statements ---- */

typedef struct statement {
	const char *word;
	sg_stmt_kind kind;
	bool in_body; /* may stand in a function's body */
	void (*parse)(sg_parser *p, sg_stmt *s);
} statement;

static const statement *
find_statement(const char *word)
{
	static const statement table[] = {
	    {"model", SG_S_MODEL, false, parse_model},
	    {"real", SG_S_REAL, false, parse_real},
	    {"dim", SG_S_DIM, false, parse_dim},
	    {"input", SG_S_INPUT, false, parse_input},
	    {"param", SG_S_PARAM, false, parse_input},
	    {"const", SG_S_CONST, true, parse_const},
	    {"def", SG_S_DEF, true, parse_def},
	    {"derivative", SG_S_DERIVATIVE, true, parse_derivative},
	    {"output", SG_S_OUTPUT, false, parse_output},
	    {"gradient", SG_S_GRADIENT, false, parse_gradient},
	    {"entry", SG_S_ENTRY, false, parse_entry},
	    {"include", SG_S_INCLUDE, false, parse_include},
	    {"return", SG_S_RETURN, true, parse_return},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].word, word) == 0)
			return &table[i];
	return NULL;
}

/* The statement whose word is in hand, or NULL. */
static const statement *
statement_at(const sg_parser *p)
{
	const sg_token *t = sg_cur(p);
	bool binds = sg_after(p) == T_ASSIGN || sg_after(p) == T_COMMA;

	return t->kind == T_NAME && !binds ? find_statement(t->name) : NULL;
}

static void
parse_keyword(sg_parser *p, sg_stmt *s, const statement *st)
{
	s->kind = st->kind;
	if (p->blocks > 0 && !st->in_body)
		sg_fail(p, s->word_at, "statement", "'%s' can't stand in the body of a function",
		        st->word);
	else if (p->blocks == 0 && st->kind == SG_S_RETURN)
		sg_add_hint(p->ctx,
		            sg_fail(p, s->word_at, "return", "'return' stands outside a function"),
		            "a result of the model is an 'output'");
	sg_advance(p);
	st->parse(p, s);
}

/* NAME { "," NAME } [","] "=" expression */
static void
parse_bind(sg_parser *p, sg_stmt *s)
{
	sg_item item = {0};
	size_t cap = 1, item_cap = 0;

	s->kind = SG_S_BIND;
	s->target = SG_NEW(p->ctx, sg_ast_param);
	while (!sg_is(p, T_ASSIGN) && !p->failed) {
		sg_ast_param one = {NULL, NULL, {NULL, 0, 0}};

		one.name = sg_expect_name(p, "a name", &one.at);
		SG_PUSH(p->ctx, s->target, s->ntargets, cap, one);
		if (!sg_accept(p, T_COMMA))
			break;
		s->unpacks = true;
	}
	sg_expect(p, T_ASSIGN);
	item.at = sg_token_span(p, sg_cur(p));
	item.value = sg_parse_value(p);
	if (!p->failed)
		item.at = item.value->at;
	if (sg_is(p, T_COMMA))
		sg_add_hint(p->ctx, sg_fail_expected(p, "the end of the statement"),
		            "a tuple has parentheses: '(a, b)'");
	add_item(p, s, &item_cap, &item);
}

static void
expect_end(sg_parser *p)
{
	const sg_token *t = sg_cur(p);

	if (sg_at_end(p) && !(t->kind == T_RBRACE && p->blocks == 0))
		return;
	if (t->kind == T_RPAREN || t->kind == T_RSQUARE || t->kind == T_RBRACE)
		sg_fail(p, sg_token_span(p, t), "bracket", "'%s' closes nothing",
		        sg_token_spelling(t->kind));
	else
		sg_fail_expected(p, "the end of the statement");
}

static sg_stmt *
parse_statement(sg_parser *p)
{
	const sg_token *t = sg_cur(p);
	const statement *st = statement_at(p);
	sg_stmt *s = SG_NEW(p->ctx, sg_stmt);

	s->word_at = sg_token_span(p, t);
	if (st)
		parse_keyword(p, s, st);
	else if (t->kind == T_NAME && (sg_after(p) == T_ASSIGN || sg_after(p) == T_COMMA))
		parse_bind(p, s);
	else
		fail_statement(p);
	s->at = sg_span_since(p, t->lo);
	if (!p->failed)
		expect_end(p);
	return s;
}

/* A '{' without its '}': the body ends where no body can go on. */
static bool
body_ends(const sg_parser *p, const sg_token *opener)
{
	const statement *st = statement_at(p);

	if (sg_is(p, T_EOF) || (sg_is(p, T_RBRACE) && p->blocks > 0))
		return true;
	return opener && !opener->match && st && !st->in_body;
}

sg_stmt *
sg_parse_block(sg_parser *p, const sg_token *opener)
{
	sg_stmt *first = NULL, **last = &first;

	for (;;) {
		sg_stmt *s;

		while (sg_accept(p, T_END))
			;
		if (body_ends(p, opener))
			return first;
		s = parse_statement(p);
		if (p->failed) {
			sg_parse_resume(p);
			continue;
		}
		*last = s;
		last = &s->next;
	}
}
