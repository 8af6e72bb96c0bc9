/* check_parse.c - the lexer and the parser: text to tree, and bad text to its diagnostics. */
#include "front/ast.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- trees as S-expressions ---- */

static const char *const op_text[] = {"+", "-",  "*",  "/",  "//",  "%",  "@",   "**",  "<",  "<=",
                                      ">", ">=", "==", "!=", "and", "or", "not", "neg", "pos"};

static void put_tree(sg_buf *b, const sg_ast *x);
static void put_body(sg_buf *b, const sg_stmt *s);

static void
put_kids(sg_buf *b, const sg_ast *x, size_t from)
{
	for (size_t i = from; i < x->nkids; i++) {
		sg_buf_putc(b, ' ');
		if (x->argname && x->argname[i])
			sg_buf_printf(b, "%s=", x->argname[i]);
		put_tree(b, x->kid[i]);
	}
}

static void
put_place(sg_buf *b, const sg_ast_index *i)
{
	switch (i->kind) {
	case SG_I_EXPR:
		put_tree(b, i->e);
		return;
	case SG_I_ELLIPSIS:
		sg_buf_puts(b, "...");
		return;
	case SG_I_NEW:
		sg_buf_puts(b, "new");
		return;
	case SG_I_SLICE:
		break;
	}
	sg_buf_puts(b, "(slice ");
	put_tree(b, i->start);
	sg_buf_putc(b, ' ');
	put_tree(b, i->stop);
	sg_buf_putc(b, ' ');
	put_tree(b, i->step);
	sg_buf_putc(b, ')');
}

static void
put_params(sg_buf *b, const char *before, const sg_ast_param *param, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sg_buf_printf(b, "%s%s", i ? " " : before, param[i].name);
		if (param[i].deflt) {
			sg_buf_putc(b, '=');
			put_tree(b, param[i].deflt);
		}
	}
}

static void
put_fn(sg_buf *b, const sg_ast_fn *fn)
{
	sg_buf_putc(b, '(');
	put_params(b, "", fn->param, fn->nparams);
	put_params(b, "; ", fn->seed, fn->nseeds);
	sg_buf_puts(b, ") ");
	if (fn->expr)
		put_tree(b, fn->expr);
	else
		put_body(b, fn->body);
}

static void
put_compound(sg_buf *b, const sg_ast *x)
{
	sg_buf_putc(b, '(');
	if (x->kind == SG_X_UNARY || x->kind == SG_X_BINARY)
		sg_buf_puts(b, op_text[x->op]);
	else if (x->kind == SG_X_CALL)
		put_tree(b, x->kid[0]);
	else if (x->kind == SG_X_COMPREHENSION)
		sg_buf_printf(b, "for %s", x->name);
	else
		sg_buf_puts(b, x->kind == SG_X_IF      ? "if"
		               : x->kind == SG_X_T     ? "T"
		               : x->kind == SG_X_LIST  ? "list"
		               : x->kind == SG_X_TUPLE ? "tuple"
		               : x->kind == SG_X_INDEX ? "index"
		                                       : "lambda ");
	if (x->kind == SG_X_LAMBDA)
		put_fn(b, x->fn);
	put_kids(b, x, x->kind == SG_X_CALL);
	for (size_t i = 0; i < x->nindex; i++) {
		sg_buf_putc(b, ' ');
		put_place(b, &x->index[i]);
	}
	sg_buf_putc(b, ')');
}

static void
put_tree(sg_buf *b, const sg_ast *x)
{
	if (!x) {
		sg_buf_putc(b, '_');
		return;
	}
	switch (x->kind) {
	case SG_X_INT:
		sg_buf_printf(b, "%lld", (long long)x->i);
		return;
	case SG_X_FLOAT:
		sg_buf_c_num(b, x->f, false);
		return;
	case SG_X_STRING:
		sg_buf_printf(b, "\"%s\"", x->name);
		return;
	case SG_X_BOOL:
		sg_buf_puts(b, x->i ? "true" : "false");
		return;
	case SG_X_NONE:
		sg_buf_puts(b, "none");
		return;
	case SG_X_NAME:
		sg_buf_puts(b, x->name);
		return;
	case SG_X_UNARY:
	case SG_X_BINARY:
	case SG_X_IF:
	case SG_X_LAMBDA:
	case SG_X_CALL:
	case SG_X_INDEX:
	case SG_X_T:
	case SG_X_LIST:
	case SG_X_COMPREHENSION:
	case SG_X_TUPLE:
		put_compound(b, x);
		return;
	}
}

static void
put_item(sg_buf *b, const sg_item *item)
{
	sg_buf_puts(b, " [");
	sg_buf_puts(b, item->name ? item->name : "");
	if (item->type)
		sg_buf_printf(b, ":%s", item->type);
	if (item->has_shape) {
		sg_buf_puts(b, "[");
		for (size_t i = 0; i < item->rank; i++) {
			sg_buf_puts(b, i ? " " : "");
			put_tree(b, item->shape[i]);
		}
		sg_buf_puts(b, "]");
	}
	if (item->value) {
		sg_buf_putc(b, '=');
		put_tree(b, item->value);
	}
	sg_buf_putc(b, ']');
}

static void
put_statement(sg_buf *b, const sg_stmt *s)
{
	static const char *const word[] = {"model",    "real",  "dim",     "input",      "param",
	                                   "const",    "bind",  "def",     "derivative", "output",
	                                   "gradient", "entry", "include", "return"};

	sg_buf_printf(b, "(%s", word[s->kind]);
	if (s->name)
		sg_buf_printf(b, " %s", s->name);
	put_params(b, " ", s->target, s->ntargets);
	sg_buf_puts(b, s->unpacks ? " *" : "");
	for (size_t i = 0; i < s->nitems; i++)
		put_item(b, &s->item[i]);
	put_params(b, " wrt ", s->wrt, s->nwrt);
	sg_buf_puts(b, s->wrt_params ? " wrt-params" : "");
	if (s->fn) {
		sg_buf_putc(b, ' ');
		put_fn(b, s->fn);
	}
	sg_buf_putc(b, ')');
}

static void
put_body(sg_buf *b, const sg_stmt *s)
{
	sg_buf_putc(b, '{');
	for (; s; s = s->next) {
		put_statement(b, s);
		sg_buf_puts(b, s->next ? " " : "");
	}
	sg_buf_putc(b, '}');
}

/* ---- running the parser ---- */

typedef struct job {
	sg_ctx *ctx;
	const char *text;
	size_t len;
	bool expr;       /* one expression */
	bool print;      /* the tree */
	const char *out; /* the tree, or the diagnostics */
	const sg_ast *tree;
	const sg_stmt *stmts;
} job;

static void
run_job(void *arg)
{
	job *j = arg;
	const sg_source *src = sg_source_text(j->ctx, "m.sg", j->text, j->len);
	sg_buf b;

	sg_buf_init(&b, j->ctx);
	if (j->expr)
		j->tree = sg_parse_expr(j->ctx, src);
	else
		j->stmts = sg_parse(j->ctx, src);
	if (sg_diag_count(j->ctx))
		sg_diags_text(j->ctx, &b, false);
	else if (j->print && j->expr)
		put_tree(&b, j->tree);
	else if (j->print)
		for (const sg_stmt *s = j->stmts; s; s = s->next) {
			put_statement(&b, s);
			sg_buf_puts(&b, s->next ? " " : "");
		}
	j->out = sg_buf_text(&b);
}

static job
parse_bytes(const char *text, size_t len, bool expr, bool print)
{
	job j = {.ctx = sg_ctx_new(), .text = text, .len = len, .expr = expr, .print = print};

	ck_assert_ptr_nonnull(j.ctx);
	ck_assert_int_eq(sg_protect(j.ctx, run_job, &j), SG_FAULT_NONE);
	return j;
}

static job
parse(const char *text, bool expr, bool print)
{
	return parse_bytes(text, strlen(text), expr, print);
}

typedef struct row {
	const char *text, *tree;
} row;

static void
check_rows(const row *r, size_t n, bool expr)
{
	for (size_t i = 0; i < n; i++) {
		job j = parse(r[i].text, expr, true);

		ck_assert_msg(strcmp(j.out, r[i].tree) == 0, "%s\ngave %s\nnot  %s", r[i].text,
		              j.out, r[i].tree);
		sg_ctx_free(j.ctx);
	}
}

#define CHECK(rows, expr) check_rows(rows, sizeof(rows) / sizeof *(rows), expr)

/* ---- good text ---- */

START_TEST(operators_bind_as_the_language_says)
	{
		static const row r[] = {
		    {"a + b * c", "(+ a (* b c))"},
		    {"a - b - c", "(- (- a b) c)"},
		    {"a / b // c % d @ e", "(@ (% (// (/ a b) c) d) e)"},
		    {"-x**2", "(neg (** x 2))"},
		    {"2**-1", "(** 2 (neg 1))"},
		    {"2**-x**2", "(** 2 (neg (** x 2)))"},
		    {"a**b**c", "(** a (** b c))"},
		    {"-a*b", "(* (neg a) b)"},
		    {"a*-b", "(* a (neg b))"},
		    {"a - -b", "(- a (neg b))"},
		    {"+a", "(pos a)"},
		    {"--a", "(neg (neg a))"},
		    {"a or b and not c == d + 1", "(or a (and b (not (== c (+ d 1)))))"},
		    {"not not a", "(not (not a))"},
		    {"not a and b", "(and (not a) b)"},
		    {"a < b and b >= c", "(and (< a b) (>= b c))"},
		    {"(a < b) == c", "(== (< a b) c)"},
		    {"a != b or a <= b or a > b", "(or (or (!= a b) (<= a b)) (> a b))"},
		    {"-x.T", "(neg (T x))"},
		    {"x.T**2", "(** (T x) 2)"},
		    {"x @ w.T", "(@ x (T w))"},
		    {"f(x)[0].T(y)", "((T (index (f x) 0)) y)"},
		    {"if a then b else c + 1", "(if a b (+ c 1))"},
		    {"if a then if b then c else d else e", "(if a (if b c d) e)"},
		    {"if a then b else if c then d else e", "(if a b (if c d e))"},
		    {"1 + (if a then b else c)", "(+ 1 (if a b c))"},
		};

		CHECK(r, true);
	}
END_TEST

START_TEST(literals_have_their_values)
	{
		static const row r[] = {
		    {"3", "3"},
		    {"2.5", "2.5"},
		    {"1e-3", "0.001"},
		    {"1E5", "100000.0"},
		    {"0x1p-4", "0.0625"},
		    {"0X1.8P+1", "3.0"},
		    {"9223372036854775807", "9223372036854775807"},
		    {"inf", "INFINITY"},
		    {"nan", "NAN"},
		    {"pi", "3.141592653589793"},
		    {"(true, false, none)", "(tuple true false none)"},
		    {"\"ij,jk->ik # x\"", "\"ij,jk->ik # x\""},
		    {"\"\"", "\"\""},
		    {"\xEF\xBB\xBF"
		     "a",
		     "a"},
		    {" \t a # comment", "a"},
		    {"\n\n a\r\n\n", "a"},
		};

		CHECK(r, true);
	}
END_TEST

START_TEST(calls_indices_lists_and_tuples)
	{
		static const row r[] = {
		    {"f()", "(f)"},
		    {"f(a, b=2, c=g(d),)", "(f a b=2 c=(g d))"},
		    {"f(a == b)", "(f (== a b))"},
		    {"x[i]", "(index x i)"},
		    {"x[-1, 2:5, ::2, :, ...]",
		     "(index x (neg 1) (slice 2 5 _) (slice _ _ 2) (slice _ _ _) ...)"},
		    {"x[:, None, none, a:, :b, a::c, :b:c, a:b:]",
		     "(index x (slice _ _ _) new new (slice a _ _) (slice _ b _) (slice a _ c) "
		     "(slice _ b c) "
		     "(slice a b _))"},
		    {"x[none == a]", "(index x (== none a))"},
		    {"x[i + arange(3)]", "(index x (+ i (arange 3)))"},
		    {"[1, 2, 3,]", "(list 1 2 3)"},
		    {"[]", "(list)"},
		    {"[[a, b], [c, d]]", "(list (list a b) (list c d))"},
		    {"[e*i for i in 1..3]", "(for i (* e i) 1 3)"},
		    {"[[i+j for j in i..n+1] for i in 0..2]",
		     "(for i (for j (+ i j) i (+ n 1)) 0 2)"},
		    {"(a)", "a"},
		    {"((a))", "a"},
		    {"(a,)", "(tuple a)"},
		    {"(a, b)", "(tuple a b)"},
		    {"((a, b), (c,),)", "(tuple (tuple a b) (tuple c))"},
		    {"()", "(tuple)"},
		    {"pad(x, ((1, 2), (0, 0)), value=0)",
		     "(pad x (tuple (tuple 1 2) (tuple 0 0)) value=0)"},
		    {"(f)(x)", "(f x)"},
		    {"(a + b)(c)", "((+ a b) c)"},
		};

		CHECK(r, true);
	}
END_TEST

START_TEST(a_paren_begins_a_lambda_exactly_before_an_arrow)
	{
		static const row r[] = {
		    {"(x) -> x + 1", "(lambda (x) (+ x 1))"},
		    {"() -> 1", "(lambda () 1)"},
		    {"(x, y=2,) -> x*y", "(lambda (x y=2) (* x y))"},
		    {"(x) -> (y) -> x + y", "(lambda (x) (lambda (y) (+ x y)))"},
		    {"(x) -> if x then 1 else 2", "(lambda (x) (if x 1 2))"},
		    {"map((x) -> x*2, xs)", "(map (lambda (x) (* x 2)) xs)"},
		    {"scan((h, x) -> (tanh(h + x), h), h0, over=xs)",
		     "(scan (lambda (h x) (tuple (tanh (+ h x)) h)) h0 over=xs)"},
		    {"while((i) -> i < 3, (i) -> i + 1, 0, limit=9)",
		     "(while (lambda (i) (< i 3)) (lambda (i) (+ i 1)) 0 limit=9)"},
		    {"if a then (x) -> x else (x) -> 2", "(if a (lambda (x) x) (lambda (x) 2))"},
		    {"((x) -> x)(3)", "((lambda (x) x) 3)"},
		    {"(x, (y))", "(tuple x y)"},
		    {"(_, x) -> x", "(lambda (_ x) x)"},
		};

		CHECK(r, true);
	}
END_TEST

START_TEST(statements_have_their_parts)
	{
		static const row r[] = {
		    {"model net", "(model net)"},
		    {"real f32", "(real f32)"},
		    {"dim N", "(dim [N])"},
		    {"dim N = 128, M, L = D*(D-1)//2",
		     "(dim [N=128] [M] [L=(// (* D (- D 1)) 2)])"},
		    {"input x[N, 10]", "(input [x[N 10]])"},
		    {"input t, s: i32, y: f32[N], z[] = 1",
		     "(input [t] [s:i32] [y:f32[N]] [z[]=1])"},
		    {"param w[2, 10] = 0.1 * randn([2, 10], seed=1), b",
		     "(param [w[2 10]=(* 0.1 (randn (list 2 10) seed=1))] [b])"},
		    {"const c = 3", "(const [c=3])"},
		    {"a = 1", "(bind a [=1])"},
		    {"a, b = f(x)", "(bind a b * [=(f x)])"},
		    {"a, = f(x)", "(bind a * [=(f x)])"},
		    {"_ = f(x)", "(bind _ [=(f x)])"},
		    {"def f(a, b=2) = a*b", "(def f (a b=2) (* a b))"},
		    {"def f() = 3", "(def f () 3)"},
		    {"def f(a) { b = a; return b, a }",
		     "(def f (a) {(bind b [=a]) (return [=b] [=a])})"},
		    {"def f(a) {\n\n  def g(x) = x;\n  return g(a)\n}\n",
		     "(def f (a) {(def g (x) x) (return [=(g a)])})"},
		    {"derivative f(x, y; dz) = (gx, gy)", "(derivative f (x y; dz) (tuple gx gy))"},
		    {"derivative f(x; du, dv) { return du }",
		     "(derivative f (x; du dv) {(return [=du])})"},
		    {"derivative f(; d) = ()", "(derivative f (; d) (tuple))"},
		    {"output o, a + b as c", "(output [=o] [c=(+ a b)])"},
		    {"gradient loss wrt w, b", "(gradient [=loss] wrt w b)"},
		    {"gradient sum(x) as s wrt params", "(gradient [s=(sum x)] wrt-params)"},
		    {"entry e = a, hessian(l, w) as H", "(entry e [=a] [H=(hessian l w)])"},
		    {"include \"a/b.sg\"", "(include a/b.sg)"},
		    {"a = 1; b = 2;; c = 3;", "(bind a [=1]) (bind b [=2]) (bind c [=3])"},
		    {"", ""},
		    {"# nothing\n", ""},
		};

		CHECK(r, false);
	}
END_TEST

START_TEST(statement_words_are_names_elsewhere)
	{
		static const row r[] = {
		    {"input = 3", "(bind input [=3])"},
		    {"return, dim = f(x)", "(bind return dim * [=(f x)])"},
		    {"x = input + output[param]", "(bind x [=(+ input (index output param))])"},
		    {"input input[real] = model", "(input [input[real]=model])"},
		    {"output output", "(output [=output])"},
		    {"output -x as y", "(output [y=(neg x)])"},
		    {"int = 1\ndouble = int", "(bind int [=1]) (bind double [=int])"},
		};

		CHECK(r, false);
	}
END_TEST

START_TEST(newlines_end_statements_only_where_they_can)
	{
		static const row r[] = {
		    {"a = b +\n c", "(bind a [=(+ b c)])"},
		    {"a = b\nc = d", "(bind a [=b]) (bind c [=d])"},
		    {"a =\n\n  b", "(bind a [=b])"},
		    {"a = # why\n  b", "(bind a [=b])"},
		    {"a = f(\n  x,\n  y\n)\nb = 1", "(bind a [=(f x y)]) (bind b [=1])"},
		    {"a = [1,\n 2\n , 3]", "(bind a [=(list 1 2 3)])"},
		    {"a = (b\n + c)", "(bind a [=(+ b c)])"},
		    {"a = if b\nthen c\nelse d", "(bind a [=(if b c d)])"},
		    {"a = if b then\n c else\n d", "(bind a [=(if b c d)])"},
		    {"a,\nb = c", "(bind a b * [=c])"},
		    {"a = (x) ->\n x", "(bind a [=(lambda (x) x)])"},
		    {"output a as\n b", "(output [b=a])"},
		    {"output a,\n b", "(output [=a] [=b])"},
		    {"gradient a wrt\n b", "(gradient [=a] wrt b)"},
		    {"a = b and\n c or\n d", "(bind a [=(or (and b c) d)])"},
		    {"def f(x) {\n y = x\n z = y\n return z }",
		     "(def f (x) {(bind y [=x]) (bind z [=y]) (return [=z])})"},
		    {"def f(x) { return g(\nx\n) }\na = 1",
		     "(def f (x) {(return [=(g x)])}) (bind a [=1])"},
		    {"a = f(x,\n  input = 3,\n  b = 2)", "(bind a [=(f x input=3 b=2)])"},
		    {"a = f(x,\nb = 2)", "(bind a [=(f x b=2)])"},
		    {"a = 1\r\nb = 2\r\n", "(bind a [=1]) (bind b [=2])"},
		};

		CHECK(r, false);
	}
END_TEST

START_TEST(spans_cover_what_was_written)
	{
		static const char text[] = "y = (a + b) * f(c, k=1)[0].T\n";
		job j = parse(text, false, false);
		const sg_ast *mul = j.stmts->item[0].value, *t = mul->kid[1],
			     *call = t->kid[0]->kid[0];

		ck_assert_uint_eq(mul->at.lo, 4);
		ck_assert_uint_eq(mul->at.hi, 28);
		ck_assert_uint_eq(mul->op_at.lo, 12);
		ck_assert(mul->kid[0]->parens);
		ck_assert_uint_eq(mul->kid[0]->at.lo, 4);
		ck_assert_uint_eq(mul->kid[0]->at.hi, 11);
		ck_assert_uint_eq(t->op_at.lo, 26);
		ck_assert_uint_eq(t->op_at.hi, 28);
		ck_assert_uint_eq(t->kid[0]->op_at.lo, 23);
		ck_assert_uint_eq(t->kid[0]->op_at.hi, 26);
		ck_assert_uint_eq(call->at.hi, 23);
		ck_assert_uint_eq(call->argname_at[2].lo, 19);
		ck_assert_uint_eq(j.stmts->at.lo, 0);
		ck_assert_uint_eq(j.stmts->at.hi, 28);
		sg_ctx_free(j.ctx);
	}
END_TEST

/* ---- bad text ---- */

static void
check_diagnostics(const row *r, size_t n, bool whole)
{
	for (size_t i = 0; i < n; i++) {
		job j = parse(r[i].text, false, true);
		size_t len = whole ? strlen(j.out) : strcspn(j.out, "\n");

		ck_assert_msg(sg_error_count(j.ctx) == 1 || whole, "%s\ngave %zu errors:\n%s",
		              r[i].text, sg_error_count(j.ctx), j.out);
		ck_assert_msg(strlen(r[i].tree) == len && strncmp(j.out, r[i].tree, len) == 0,
		              "%s\ngave %s\nnot  %s", r[i].text, j.out, r[i].tree);
		sg_ctx_free(j.ctx);
	}
}

START_TEST(each_slip_gives_one_error)
	{
		static const row r[] = {
		    {"a = 1 +",
		     "m.sg:1:8: error: expected an expression, found the end of the file [syntax]"},
		    {"a = \n\n",
		     "m.sg:1:4: error: expected an expression, found the end of the file [syntax]"},
		    {"a = f(x\nb = 3\n",
		     "m.sg:1:8: error: expected ',' or ')', found the end of the line [bracket]"},
		    {"a = f(x\n",
		     "m.sg:1:8: error: expected ',' or ')', found the end of the file [bracket]"},
		    {"a = [1, 2\noutput a\n",
		     "m.sg:1:10: error: expected ',' or ']', found the end of the line [bracket]"},
		    {"a = f(x]\nb = 1",
		     "m.sg:1:8: error: expected ',' or ')', found ']' [bracket]"},
		    {"a = x)", "m.sg:1:6: error: ')' closes nothing [bracket]"},
		    {"}\na = 1", "m.sg:1:1: error: '}' closes nothing [bracket]"},
		    {"a = x }", "m.sg:1:7: error: '}' closes nothing [bracket]"},
		    {") = 3", "m.sg:1:1: error: ')' closes nothing [bracket]"},
		    {"a = x^2", "m.sg:1:6: error: unexpected '^' [character]"},
		    {"a = b && c", "m.sg:1:7: error: unexpected '&&' [character]"},
		    {"a = b || c", "m.sg:1:7: error: unexpected '||' [character]"},
		    {"a = !b", "m.sg:1:5: error: unexpected '!' [character]"},
		    {"a = b ? c : d", "m.sg:1:7: error: unexpected '?' [character]"},
		    {"a = b $ c", "m.sg:1:7: error: unexpected '$' [character]"},
		    {"a = b \xE2\x88\x92 c",
		     "m.sg:1:7: error: unexpected minus sign '\xE2\x88\x92' (U+2212) [character]"},
		    {"a = f(\xE2\x80\x9Cmean\xE2\x80\x9D)",
		     "m.sg:1:7: error: unexpected quotation mark '\xE2\x80\x9C' (U+201C) "
		     "[character]"},
		    {"a = f('mean')", "m.sg:1:7: error: unexpected single quote [character]"},
		    {"gr\xC3\xB6\xC3\x9F"
		     "e = 1",
		     "m.sg:1:3: error: unexpected character '\xC3\xB6' (U+00F6) [character]"},
		    {"a = \xC2\xA0 b",
		     "m.sg:1:5: error: unexpected no-break space '\xC2\xA0' (U+00A0) [character]"},
		    {"a = \xFF", "m.sg:1:5: error: byte 0xFF is not UTF-8 [character]"},
		    {"a = \x01",
		     "m.sg:1:5: error: unexpected control character U+0001 [character]"},
		    {"a = f(\"mean)\nb = 1", "m.sg:1:7: error: this string has no end [string]"},
		    {"a = 1.",
		     "m.sg:1:5: error: a decimal point has a digit on both sides [number]"},
		    {"a = .5",
		     "m.sg:1:5: error: a decimal point has a digit on both sides [number]"},
		    {"a = 1.e5",
		     "m.sg:1:5: error: a decimal point has a digit on both sides [number]"},
		    {"a = 2x", "m.sg:1:5: error: '2x' is not a number [number]"},
		    {"a = 1.2.3", "m.sg:1:5: error: '1.2.3' is not a number [number]"},
		    {"a = 1.0f", "m.sg:1:5: error: '1.0f' is not a number [number]"},
		    {"a = 1e", "m.sg:1:5: error: '1e' is not a number [number]"},
		    {"a = 0x10", "m.sg:1:5: error: '0x10' is not a number [number]"},
		    {"a = 9223372036854775808",
		     "m.sg:1:5: error: the integer '9223372036854775808' does not fit in 64 bits "
		     "[number]"},
		    {"a = 1e999",
		     "m.sg:1:5: error: the number '1e999' is beyond the range of f64 [number]"},
		    {"a = b = c",
		     "m.sg:1:7: error: expected the end of the statement, found '=' [syntax]"},
		    {"a = if b = c then 1 else 2",
		     "m.sg:1:10: error: expected 'then', found '=' [syntax]"},
		    {"a = f(1 = 2)", "m.sg:1:9: error: expected ',' or ')', found '=' [bracket]"},
		    {"a = 1, 2",
		     "m.sg:1:6: error: expected the end of the statement, found ',' [syntax]"},
		    {"a = b // a comment", "m.sg:1:12: error: expected the end of the statement, "
		                           "found 'comment' [syntax]"},
		    {"// a comment",
		     "m.sg:1:1: error: expected an expression, found '//' [syntax]"},
		    {"a < b < c", "m.sg:1:7: error: comparisons do not chain [comparison-chain]"},
		    {"x = a == b == c",
		     "m.sg:1:12: error: comparisons do not chain [comparison-chain]"},
		    {"a = if b then c",
		     "m.sg:1:16: error: expected 'else', found the end of the file [syntax]"},
		    {"a = 1 + if b then c else d",
		     "m.sg:1:9: error: 'if' needs parentheses here [syntax]"},
		    {"a = b if c else d",
		     "m.sg:1:7: error: expected the end of the statement, found 'if' [syntax]"},
		    {"a = 1 + not b", "m.sg:1:9: error: 'not' needs parentheses here [syntax]"},
		    {"a = 1 + (x) -> x",
		     "m.sg:1:9: error: a function needs parentheses here [syntax]"},
		    {"a = x -> x",
		     "m.sg:1:7: error: expected the end of the statement, found '->' [syntax]"},
		    {"a = x.shape",
		     "m.sg:1:7: error: expected 'T' after '.', found 'shape' [syntax]"},
		    {"a = x[]", "m.sg:1:7: error: expected an index, found ']' [syntax]"},
		    {"a = ...", "m.sg:1:5: error: expected an expression, found '...' [syntax]"},
		    {"a = [i for i in 3]", "m.sg:1:18: error: expected '..', found ']' [syntax]"},
		    {"a = f(x=1, y)", "m.sg:1:12: error: an argument without a name follows one "
		                      "with a name [argument-order]"},
		    {"def f(a=1, b) = a", "m.sg:1:12: error: parameter 'b' has no default, but one "
		                          "before it has [parameter-order]"},
		    {"a = (1 +)\nb = 2",
		     "m.sg:1:9: error: expected an expression, found ')' [syntax]"},
		    {"for = 3", "m.sg:1:1: error: 'for' can't begin a statement [statement]"},
		    {"if a then b", "m.sg:1:1: error: 'if' can't begin a statement [statement]"},
		    {"a = for", "m.sg:1:5: error: expected an expression, found 'for' [syntax]"},
		    {"input in[3]", "m.sg:1:7: error: 'in' is a reserved word and can't be the "
		                    "name of a tensor [reserved-word]"},
		    {"def f(pi) = 1", "m.sg:1:7: error: 'pi' is a reserved word and can't be the "
		                      "name of a parameter [reserved-word]"},
		    {"ouput x", "m.sg:1:1: error: 'ouput' is no statement [statement]"},
		    {"let x = 3", "m.sg:1:1: error: 'let' is no statement [statement]"},
		    {"f(x)", "m.sg:1:1: error: this value is not used [statement]"},
		    {"x == 3", "m.sg:1:3: error: '==' compares, and does not bind [statement]"},
		    {"x[0] = 3", "m.sg:1:1: error: only a name can be bound [assignment]"},
		    {"(a, b) = f(x)", "m.sg:1:1: error: only a name can be bound [assignment]"},
		    {"f(x) = x", "m.sg:1:1: error: only a name can be bound [assignment]"},
		    {"x += 1",
		     "m.sg:1:3: error: nothing is mutated, so there is no '+=' [assignment]"},
		    {"a, 3 = f(x)", "m.sg:1:4: error: expected a name, found '3' [syntax]"},
		    {"model", "m.sg:1:6: error: expected the name of the model, found the end of "
		              "the file [syntax]"},
		    {"real f16", "m.sg:1:6: error: expected 'f32' or 'f64', found 'f16' [syntax]"},
		    {"input x[N]: f32", "m.sg:1:11: error: expected '=', found ':' [syntax]"},
		    {"input x[N",
		     "m.sg:1:10: error: expected ',' or ']', found the end of the file [bracket]"},
		    {"include file",
		     "m.sg:1:9: error: expected the name of a file, found 'file' [syntax]"},
		    {"gradient loss",
		     "m.sg:1:14: error: expected 'wrt', found the end of the file [syntax]"},
		    {"gradient loss wrt w[0]", "m.sg:1:20: error: expected ',' or the end of the "
		                               "statement, found '[' [syntax]"},
		    {"output a as 3",
		     "m.sg:1:13: error: expected the name of an output, found '3' [syntax]"},
		    {"return 3", "m.sg:1:1: error: 'return' stands outside a function [return]"},
		    {"def f(x) { y = x }",
		     "m.sg:1:5: error: the body of 'f' has no 'return' [return]"},
		    {"def f(x) { }", "m.sg:1:5: error: the body of 'f' has no 'return' [return]"},
		    {"def f(x) { return x; y = x }",
		     "m.sg:1:22: error: nothing can follow 'return' [return]"},
		    {"def f(x) { input y; return x }",
		     "m.sg:1:12: error: 'input' can't stand in the body of a function [statement]"},
		    {"def f(x) { return x\noutput y\n",
		     "m.sg:2:1: error: expected '}', found 'output' [bracket]"},
		    {"def f(x)\n{ return x }\na = 1",
		     "m.sg:1:9: error: expected '=' or '{', found the end of the line [syntax]"},
		    {"def f(x = { y\n return y }\na = 1",
		     "m.sg:1:11: error: expected an expression, found '{' [syntax]"},
		    {"def f(x; y) = x", "m.sg:1:8: error: expected ',' or ')', found ';' [syntax]"},
		    {"derivative f(x) = x", "m.sg:1:15: error: expected ';' and the names of the "
		                            "seeds, found ')' [syntax]"},
		    {"derivative f(x y; d) = x", "m.sg:1:16: error: expected ';' and the names of "
		                                 "the seeds, found 'y' [syntax]"},
		};

		check_diagnostics(r, sizeof r / sizeof *r, false);
	}
END_TEST

START_TEST(diagnostics_read_well)
	{
		static const row r[] = {
		    {"y = f(a, (b + c)\nz = 1\n",
		     "m.sg:1:17: error: expected ',' or ')', found the end of the line [bracket]\n"
		     "    1 | y = f(a, (b + c)\n"
		     "      |                 ^\n"
		     "m.sg:1:6: note: to close this '('\n"},
		    {"m = 0 <= x < 1\n",
		     "m.sg:1:12: error: comparisons do not chain [comparison-chain]\n"
		     "    1 | m = 0 <= x < 1\n"
		     "      |     ~~~~~~~^~~\n"
		     "hint: write '0 <= x and x < 1'\n"},
		    {"y = x^2 + 3^x", "m.sg:1:6: error: unexpected '^' [character]\n"
		                      "    1 | y = x^2 + 3^x\n"
		                      "      |      ^\n"
		                      "hint: '**' is the power\n"
		                      "m.sg:1:12: error: unexpected '^' [character]\n"
		                      "    1 | y = x^2 + 3^x\n"
		                      "      |            ^\n"
		                      "hint: '**' is the power\n"},
		    {"y = 1. + .5\n",
		     "m.sg:1:5: error: a decimal point has a digit on both sides [number]\n"
		     "    1 | y = 1. + .5\n"
		     "      |     ^~\n"
		     "hint: write '1.0'\n"
		     "m.sg:1:10: error: a decimal point has a digit on both sides [number]\n"
		     "    1 | y = 1. + .5\n"
		     "      |          ^~\n"
		     "hint: write '0.5'\n"},
		    {"y = 3 x",
		     "m.sg:1:7: error: expected the end of the statement, found 'x' [syntax]\n"
		     "    1 | y = 3 x\n"
		     "      |       ^\n"},
		    {"y = 3x + 1.e5z", "m.sg:1:5: error: '3x' is not a number [number]\n"
		                       "    1 | y = 3x + 1.e5z\n"
		                       "      |     ^~\n"
		                       "hint: did you mean '3*x'?\n"
		                       "m.sg:1:10: error: '1.e5z' is not a number [number]\n"
		                       "    1 | y = 3x + 1.e5z\n"
		                       "      |          ^~~~~\n"
		                       "hint: did you mean '1.e5*z'?\n"},
		    {"ouput y", "m.sg:1:1: error: 'ouput' is no statement [statement]\n"
		                "    1 | ouput y\n"
		                "      | ^~~~~\n"
		                "hint: did you mean 'output'?\n"},
		    {"a = 1 // so\nb = 1 // so many\n",
		     "m.sg:2:13: error: expected the end of the statement, found 'many' [syntax]\n"
		     "    2 | b = 1 // so many\n"
		     "      |             ^~~~\n"
		     "hint: '//' is floor division; a comment begins with '#'\n"},
		};

		check_diagnostics(r, sizeof r / sizeof *r, true);
	}
END_TEST

START_TEST(all_errors_of_a_file_come_in_one_go)
	{
		static const char text[] = "a = 1 +\n"
					   "b = )\n"
					   "def f(x) {\n"
					   "  y = x x\n"
					   "  z = (x\n"
					   "  return y\n"
					   "}\n"
					   "c = 2 **\n"
					   "* 3\n"
					   "d = f(1, 2\n"
					   "input t\n"
					   "output a b\n"
					   "e = 4\n";
		job j = parse(text, false, false);
		static const int line[] = {2, 4, 5, 9, 10, 12};
		size_t n = 0;

		ck_assert_uint_eq(sg_error_count(j.ctx), sizeof line / sizeof *line);
		for (size_t i = 0; i < sg_error_count(j.ctx); i++) {
			int at;

			sg_span_place(sg_diag_at(j.ctx, i)->at, &at, NULL);
			ck_assert_int_eq(at, line[i]);
		}
		for (const sg_stmt *s = j.stmts; s; s = s->next)
			n++;
		ck_assert_uint_eq(n, 3); /* def, input, e */
		sg_ctx_free(j.ctx);
	}
END_TEST

START_TEST(an_expression_is_all_of_its_text)
	{
		static const row r[] = {
		    {"a b",
		     "m.sg:1:3: error: expected the end of the expression, found 'b' [syntax]"},
		    {"a\nb",
		     "m.sg:2:1: error: expected the end of the expression, found 'b' [syntax]"},
		    {"a = b",
		     "m.sg:1:3: error: expected the end of the expression, found '=' [syntax]"},
		    {"",
		     "m.sg:1:1: error: expected an expression, found the end of the file [syntax]"},
		    {"a}",
		     "m.sg:1:2: error: expected the end of the expression, found '}' [syntax]"},
		};

		for (size_t i = 0; i < sizeof r / sizeof *r; i++) {
			job j = parse(r[i].text, true, false);

			ck_assert_ptr_null(j.tree);
			ck_assert_uint_eq(sg_error_count(j.ctx), 1);
			ck_assert_int_eq(strncmp(j.out, r[i].tree, strlen(r[i].tree)), 0);
			sg_ctx_free(j.ctx);
		}
	}
END_TEST

/* ---- size ---- */

/* "a = ", n times `part`, middle, n times `close` */
static job
parse_repeated(const char *part, const char *middle, const char *close, size_t n, size_t stack)
{
	size_t a = strlen(part), b = strlen(close), len = 4 + strlen(middle) + n * (a + b);
	char *text = malloc(len + 1), *s = text;
	job j;

	ck_assert_ptr_nonnull(text);
	memcpy(s, "a = ", 4);
	s += 4;
	for (size_t i = 0; i < n; i++, s += a)
		memcpy(s, part, a);
	memcpy(s, middle, strlen(middle));
	s += strlen(middle);
	for (size_t i = 0; i < n; i++, s += b)
		memcpy(s, close, b);
	j = (job){.ctx = sg_ctx_new(), .text = text, .len = len};
	sg_ctx_limit_stack(j.ctx, stack);
	ck_assert_int_eq(sg_protect(j.ctx, run_job, &j), SG_FAULT_NONE);
	free(text);
	return j;
}

START_TEST(deep_nesting_parses)
	{
		static const struct {
			const char *part, *middle, *close;
		} t[] = {
		    {"(", "1", ")"},
		    {"-", "1", ""},
		    {"if a then b else ", "1", ""},
		    {"x**", "1", ""},
		    {"[", "1", "]"},
		    {"f(", "x", ")"},
		    {"(x) -> ", "x", ""},
		    {"not ", "x", ""},
		    {"x[", "0", "]"},
		    {"if ", "x", " then 1 else 2"},
		    {"(1, ", "x", ",)"},
		    {"2**-", "1", ""},
		};

		for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
			job j = parse_repeated(t[i].part, t[i].middle, t[i].close, 100000, 0);

			ck_assert_msg(sg_error_count(j.ctx) == 0, "%s: %s", t[i].part, j.out);
			ck_assert_ptr_nonnull(j.stmts);
			sg_ctx_free(j.ctx);
		}
	}
END_TEST

START_TEST(endless_nesting_is_one_error)
	{
		static const char *const part[] = {"(", "-", "x**", "[", "if "};

		for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
			job j = parse_repeated(part[i], "1", "", 100000, (size_t)1 << 20);

			ck_assert_uint_eq(sg_error_count(j.ctx), 1);
			ck_assert_str_eq(sg_diag_at(j.ctx, 0)->code, "nested-too-deeply");
			sg_ctx_free(j.ctx);
		}
	}
END_TEST

START_TEST(long_chains_parse)
	{
		static const char *const part[] = {"x + ", "x*", "a and ", "x @\n"};

		for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
			job j = parse_repeated(part[i], "x", "", 1000000, 0);

			ck_assert_uint_eq(sg_error_count(j.ctx), 0);
			sg_ctx_free(j.ctx);
		}
	}
END_TEST

START_TEST(closers_without_openers_take_linear_time)
	{
		job j = parse_repeated("([", "}", "(]", 200000, 0);

		ck_assert_uint_ge(sg_error_count(j.ctx), 1);
		sg_ctx_free(j.ctx);
	}
END_TEST

/* Every prefix and every single deletion of a model parses to an end, whatever it means. */
START_TEST(mutilated_models_end_in_diagnostics)
	{
		static const char text[] =
		    "model m; real f32\ndim N, L = N//2\ninput x: f32[N, 10] = ones([N, 10])\n"
		    "param w[2, 10] = 0.1*randn([2, 10], seed=1)\ndef f(a, b=2) {\n  c = a[1:, "
		    "..., None]\n"
		    "  return c, [i*a for i in 0..3]\n}\nderivative f(x, y; dz) = (dz, -dz**2)\n"
		    "h, hs = scan((h, x) -> if h < 1 then \"s\" else x.T, 0, over=x)\n"
		    "output h, hs as q\ngradient sum(h) as l wrt params\nentry e = h\n";
		size_t n = sizeof text - 1;
		char copy[sizeof text];

		for (size_t i = 0; i < n; i++) {
			job j = parse_bytes(text, i, false, false);

			sg_ctx_free(j.ctx);
			memcpy(copy, text, i);
			memcpy(copy + i, text + i + 1, n - i);
			j = parse_bytes(copy, n - 1, false, false);
			ck_assert_uint_le(sg_error_count(j.ctx), 3);
			sg_ctx_free(j.ctx);
		}
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parse");
	TCase *t = tcase_create("parse");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, operators_bind_as_the_language_says);
	tcase_add_test(t, literals_have_their_values);
	tcase_add_test(t, calls_indices_lists_and_tuples);
	tcase_add_test(t, a_paren_begins_a_lambda_exactly_before_an_arrow);
	tcase_add_test(t, statements_have_their_parts);
	tcase_add_test(t, statement_words_are_names_elsewhere);
	tcase_add_test(t, newlines_end_statements_only_where_they_can);
	tcase_add_test(t, spans_cover_what_was_written);
	tcase_add_test(t, each_slip_gives_one_error);
	tcase_add_test(t, diagnostics_read_well);
	tcase_add_test(t, all_errors_of_a_file_come_in_one_go);
	tcase_add_test(t, an_expression_is_all_of_its_text);
	tcase_add_test(t, deep_nesting_parses);
	tcase_add_test(t, endless_nesting_is_one_error);
	tcase_add_test(t, long_chains_parse);
	tcase_add_test(t, closers_without_openers_take_linear_time);
	tcase_add_test(t, mutilated_models_end_in_diagnostics);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
