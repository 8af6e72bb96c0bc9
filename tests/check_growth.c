/* check_growth.c - a model of four times as much text costs about four times the work.
 *
 * Work is measured by the memory that a compilation gives out, since it is the same on every
 * machine: a pass that looks at the whole graph for each loop, entry or name has an array or a list
 * for it each time. Each kind of model repeats one thing n times; each way from it to a text is
 * measured apart. Were one quadratic, the quotient would go to 16; n log n, and tables that double,
 * stay below 6. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

enum { FEW = 100, TIMES = 4, MOST = 6 };

/* Between head and tail `item` stands for each i of [0, n), and `more` too, and what tail has between two '|':
 * there '@' is i, '#' i + 1; '$' is n. */
typedef struct kind {
	const char *head, *item, *middle, *more, *tail;
} kind;

#define INPUTS "input x[80] = ones([80])\ninput s = 0.5\n"
#define CHAIN(start, line, end)                                                                    \
	{                                                                                          \
		INPUTS "a0 = " start "\n", "a# = " line "\n", "", "", end "\n"                     \
	}
#define SCALAR "gradient a$ as y wrt s"
#define VECTOR "gradient sum(a$) as y wrt x"

static const kind kinds[] = {
    CHAIN("s", "sin(a@)*@.5 + s", SCALAR),
    CHAIN("x", "sin(a@)*@.5 + s", VECTOR),
    CHAIN("x", "softmax(a@*@.5)", VECTOR),
    CHAIN("x", "where(a@ > @, sin(a@), a@*s)", VECTOR),
    CHAIN("s", "scan((h, u) -> tanh(h*@.5 + u), a@, over=x)", SCALAR),
    CHAIN("x", "scan((h, u) -> tanh(h*@.5 + u), a@, over=x)", VECTOR),
    CHAIN("s", "while((h) -> h < #, (h) -> h*1.5 + 0.1, a@, limit=100)", SCALAR),
    CHAIN("s", "if a@ > @ then sin(a@) else a@*@.5", SCALAR),
    CHAIN("x", "map((u) -> if u > @ then sin(u) else u*@.5, a@)", VECTOR),
    CHAIN("x", "pad(a@[1:], ((0, 1),))*s + x", VECTOR),
    {INPUTS, "param p@ = @.5\n", "y = s", " + p@*p@", "\ngradient y wrt params\n"},
    {INPUTS, "param p@[4] = full([4], @.25)\n", "y = s", " + sum(tanh(p@)*p@)",
     "\ngradient y wrt params\n"},
    {INPUTS, "entry e@ = grad(sum(sin(x*@.5)), x) as g, sum(x)*@ as v\n", "", "", ""},
    {INPUTS, "a@ = sum(sin(x*@.5))\n", "", "entry e@ = a@ as g\n", ""},
    {INPUTS, "a@ = sin(x*@.5)*sum(x)\n", "entry j = s as s0", ", jacobian(a@, x) as j@", "\n"},
    {INPUTS, "def f@(a, b=2) {\n  t = a*b + @\n  return cos(t)\n}\n", "y = s", " + f@(s)",
     "\ngradient y wrt s\n"},
    {INPUTS, "def f@(a) = sin(a)*@\nderivative f@(a; d) = d*cos(a)*@\n", "y = s", " + f@(s)",
     "\ngradient y wrt s\n"},
    {"input s = 0.5\ndef f0(a) = sin(a)\nderivative f0(a; d) = d*cos(a)\n",
     "def f#(a) = f@(a)*a\nderivative f#(a; d) = d*(f@(a) + a)\n", "", "",
     "gradient f$(s) as y wrt s\n"},
    {"input x[20, 3] = ones([20, 3])\ny = 0", " + sum(map((u) -> norm(u*@.5)*u[0], x))", "", "",
     "\ngradient y wrt x\n"},
    {INPUTS "y = scan((h, u) -> h", " + sin(u*@.5 + s)*h", ", x, over=x)\n", "",
     "gradient sum(y) as z wrt x, s\n"},
    {INPUTS "y = ", "if s > @ then sin(s*@.5) else (", "s", ")", "\ngradient y wrt s\n"},
    {INPUTS "y = ", "sin(", "s", ")", "\ngradient y wrt s\n"},
    {INPUTS "y = s", " + @.5*sin(s*@)", "", "", "\ngradient y wrt s\n"},
    {INPUTS "c = [s", ", sin(s*@)", "]\n", "", "gradient sum(c*c) as y wrt s\n"},
    {INPUTS "c = concat((x", ", sin(x*@)", "))\n", "", "gradient sum(c*c) as y wrt x\n"},
    {"input x[$]\ny = 0", " + sum(sin(x[@:#]))*@", "", "", "\ngradient y wrt x\n"},
    {INPUTS "const t = [0", ", @.5", "]\n", "", "gradient sum(t)*s as y wrt s\n"},
    {"", "dim N@ = 3\ninput x@[N@]\n", "y = 0", " + sum(sin(x@))", "\ngradient y wrt x0\n"},
    {"", "input x@[N@]\n", "y = 0", " + sum(sin(x@))", "\ngradient y wrt x0\n"},
    {"", "input x@\n", "entry j = sparse_jacobian([0.0", ", sin(x@)*x@", "]|, x@|) as v\n"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- models ---- */

static char *
put(char *s, const char *text, int i, int n)
{
	for (; *text && *text != '|'; text++)
		if (*text == '@' || *text == '#' || *text == '$')
			s += sprintf(s, "%d", *text == '@' ? i : *text == '#' ? i + 1 : n);
		else
			*s++ = *text;
	return s;
}

static char *
model_of(const kind *k, int n)
{
	char *text = malloc((size_t)n * 400 + 4096), *s = put(text, k->head, 0, n);
	const char *last = strchr(k->tail, '|');

	ck_assert_ptr_nonnull(text);
	for (int i = 0; i < n; i++)
		s = put(s, k->item, i, n);
	s = put(s, k->middle, 0, n);
	for (int i = 0; i < n; i++)
		s = put(s, k->more, i, n);
	s = put(s, k->tail, 0, n);
	for (int i = 0; last && i < n; i++)
		s = put(s, last + 1, i, n);
	if (last)
		s = put(s, strchr(last + 1, '|') + 1, 0, n);
	*s = '\0';
	return text;
}

/* ---- what is done with them ---- */

typedef struct way {
	const char *name;
	bool (*take)(sg_model *m);
} way;

static bool
to_nothing(sg_model *m)
{
	return sg_model_ok(m);
}

static bool
to_c(sg_model *m)
{
	return sg_write_c(m, "m.h", 0, NULL, NULL) != NULL;
}

static bool
to_machine_code(sg_model *m)
{
	return !sg_have_jit() ||
	       sg_entry_function(m, sg_model_entry(m, 0), SG_BACKEND_JIT, NULL) != NULL;
}

static bool
to_sg(sg_model *m)
{
	return sg_write_sg(m, NULL) != NULL;
}

static bool
to_derivatives(sg_model *m)
{
	return sg_write_diff(m, 0, NULL) != NULL;
}

static bool
to_picture(sg_model *m)
{
	return sg_write_dot(m, NULL, NULL) != NULL;
}

static bool
to_figures(sg_model *m)
{
	bool ok = true;

	for (size_t i = 0; i < sg_model_nentries(m); i++) {
		const sg_entry *e = sg_model_entry(m, i);
		sg_figures f;

		ok = ok && sg_entry_prototype(m, e, NULL) &&
		     sg_entry_figures(m, e, NULL, &f, NULL) == SG_OK;
	}
	return ok;
}

static const way ways[] = {
    {"compile", to_nothing},  {"C", to_c},         {"the JIT", to_machine_code}, {"sg", to_sg},
    {"diff", to_derivatives}, {"dot", to_picture}, {"info", to_figures},
};

enum { WAYS = sizeof ways / sizeof *ways };

/* The memory that each way takes, on a model of its own; compiling: all until then. */
static void
measure(const kind *k, int n, size_t work[WAYS])
{
	char *text = model_of(k, n);

	for (int w = 0; w < WAYS; w++) {
		sg_model *m = sg_compile_string("m.sg", text, strlen(text), NULL);
		size_t before;

		ck_assert_ptr_nonnull(m);
		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		before = w == 0 ? 0 : sg_ctx_given(m->ctx);
		ck_assert_msg(ways[w].take(m), "%s of:\n%.600s", ways[w].name, text);
		work[w] = sg_ctx_given(m->ctx) - before;
		sg_model_free(m);
	}
	free(text);
}

START_TEST(work_grows_as_the_text_does)
	{
		size_t few[WAYS], many[WAYS];

		measure(&kinds[_i], FEW, few);
		measure(&kinds[_i], FEW * TIMES, many);
		for (int w = 0; w < WAYS; w++) {
			if (getenv("GROWTH"))
				printf("%2d %-8s %9zu %9zu  %.2f\n", _i, ways[w].name, few[w],
				       many[w], (double)many[w] / (double)(few[w] + 1));
			ck_assert_msg(many[w] <= MOST * few[w] + 4096,
			              "%s: %zu bytes for %d, %zu for %d of:\n%s%s%s%s%s",
			              ways[w].name, few[w], FEW, many[w], FEW * TIMES,
			              kinds[_i].head, kinds[_i].item, kinds[_i].middle,
			              kinds[_i].more, kinds[_i].tail);
		}
	}
END_TEST

/* Bytes that 50 derivatives more take, behind n lines that have nothing to do with them. */
static size_t
derivatives_behind(int n)
{
	static const kind few = {"", "entry e@ = grad(sum(sin(x*@.5)), x) as g\n", "", "", ""};
	const kind lines = {INPUTS "a0 = s\n", "a# = sin(a@)*@.5\n", "", "", "output a$ as last\n"};
	size_t given[2];

	for (int i = 0; i < 2; i++) {
		char *head = model_of(&lines, n), *tail = model_of(&few, 50 + 50 * i), *text;

		text = malloc(strlen(head) + strlen(tail) + 1);
		ck_assert_ptr_nonnull(text);
		strcat(strcpy(text, head), tail);
		sg_model *m = sg_compile_string("m.sg", text, strlen(text), NULL);
		ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
		given[i] = sg_ctx_given(m->ctx);
		sg_model_free(m);
		free(head);
		free(tail);
		free(text);
	}
	return given[1] - given[0];
}

START_TEST(a_derivative_costs_what_it_reaches)
	{
		const size_t few = derivatives_behind(1000), many = derivatives_behind(60000);

		ck_assert_msg(many <= 2 * few, "%zu bytes behind 1000 lines, %zu behind 60000", few,
		              many);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("growth");
	TCase *c = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, work_grows_as_the_text_does, 0, KINDS);
	tcase_add_test(c, a_derivative_costs_what_it_reaches);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
