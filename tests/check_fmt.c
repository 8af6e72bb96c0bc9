/* check_fmt.c - canonical form: what texts become, and that they stay what they mean. */
#include "front/front.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
	sg_ctx *ctx;
	const char *text, *result;
} job;

static void
format(void *arg)
{
	job *j = arg;

	j->result =
	    sg_format_text(j->ctx, sg_source_text(j->ctx, "t.sg", j->text, strlen(j->text)));
}

static job
format_text(const char *text)
{
	job j = {.ctx = sg_ctx_new(), .text = text};

	ck_assert_ptr_nonnull(j.ctx);
	ck_assert_msg(sg_protect(j.ctx, format, &j) == SG_FAULT_NONE, "%s: %s", text,
	              sg_fault_text(j.ctx));
	return j;
}

/* text becomes result, and result stays. */
static void
becomes(const char *text, const char *result)
{
	job once = format_text(text), twice;

	ck_assert_msg(once.result, "does not parse: %s", text);
	ck_assert_str_eq(once.result, result);
	twice = format_text(once.result);
	ck_assert_str_eq(twice.result, result);
	sg_ctx_free(once.ctx);
	sg_ctx_free(twice.ctx);
}

START_TEST(operators_are_spaced_by_precedence)
	{
		becomes("a=2 * x+1\n", "a = 2*x + 1\n");
		becomes("a=2 * x\n", "a = 2*x\n");
		becomes("a=0.1*randn([2,10],seed = 1)\n", "a = 0.1 * randn([2, 10], seed=1)\n");
		becomes("a=0.1*f(x)+1\n", "a = 0.1*f(x) + 1\n");
		becomes("a=f(2 * g(x), b= 2)\n", "a = f(2*g(x), b=2)\n");
		becomes("a=x@w.T\n", "a = x @ w.T\n");
		becomes("a=f(2*x@w)\n", "a = f(2 * x @ w)\n");
		becomes("a=- x ** - 2\n", "a = -x**-2\n");
		becomes("a=b - - c\n", "a = b - -c\n");
		becomes("a=b%2//3/ 4\n", "a = b%2//3/4\n");
		becomes("a=x<=1 and not y or z!=2\n", "a = x <= 1 and not y or z != 2\n");
		becomes("a=if c then(x)else- y\n", "a = if c then (x) else -y\n");
		becomes("f_=( x,y )->x*y\n", "f_ = (x, y) -> x*y\n");
	}
END_TEST

START_TEST(brackets_hug_what_they_hold)
	{
		becomes("a=x [ 1 :,None,... ]\n", "a = x[1:, None, ...]\n");
		becomes("a=x[i + 1 : n - 1, : : 2]\n", "a = x[i+1:n-1, ::2]\n");
		becomes("a=[ 2 * i for i in 0 .. n - 1 ]\n", "a = [2*i for i in 0..n-1]\n");
		becomes("a=( b ,)\n", "a = (b,)\n");
		becomes("a ,b=f ( x )\n", "a, b = f(x)\n");
		becomes("a=(x+1) . T[0]\n", "a = (x + 1).T[0]\n");
		becomes("a=x[ [1,2] ]*(2)\n", "a = x[[1, 2]] * (2)\n");
	}
END_TEST

START_TEST(statements_have_their_spaces)
	{
		becomes("input x:i32[ N,3 ]=zeros( [N,3] ),y\n",
		        "input x: i32[N, 3] = zeros([N, 3]), y\n");
		becomes("def f(x,y = 2)=x\n", "def f(x, y=2) = x\n");
		becomes("derivative f(x,y;dz)=(dz,- dz)\n", "derivative f(x, y; dz) = (dz, -dz)\n");
		becomes("output(a) as b,- c as d\n", "output (a) as b, -c as d\n");
		becomes("gradient y  wrt a,b\n", "gradient y wrt a, b\n");
		becomes("entry e=-a as b\n", "entry e = -a as b\n");
		becomes("input=- 1\n", "input = -1\n");
		becomes("include   \"a.sg\"\n", "include \"a.sg\"\n");
	}
END_TEST

START_TEST(lines_stay_where_they_were_broken)
	{
		becomes("\n\na = 1\n\n\n\nb = 2", "a = 1\n\nb = 2\n");
		becomes("a = 1 ; b = 2;;\n", "a = 1; b = 2\n");
		becomes("a = b +\n\n\n        c\n", "a = b +\n  c\n");
		becomes("a = f(\n    b,\n\n    g(c,\nd\n)\n)\n",
		        "a = f(\n  b,\n\n  g(c,\n    d\n  )\n)\n");
		becomes("a = if c\n then d\n    else e\n", "a = if c\n  then d\n  else e\n");
		becomes("", "");
		becomes("a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n");
		becomes("\xEF\xBB\xBF"
		        "a = 1",
		        "a = 1\n");
	}
END_TEST

START_TEST(bodies_are_indented)
	{
		becomes("def f(x){a=x;return a}\n", "def f(x) { a = x; return a }\n");
		becomes("def f(x) {\na=x\n\n\nreturn a}\n",
		        "def f(x) {\n  a = x\n\n  return a\n}\n");
		becomes("def f(x) { # why\n\n return x\n\n}; b=1\n",
		        "def f(x) {  # why\n  return x\n}\nb = 1\n");
		becomes("def f(x) {\n def g(y) { return y }\n return g(x +\n 1)\n}\n",
		        "def f(x) {\n  def g(y) { return y }\n  return g(x +\n    1)\n}\n");
	}
END_TEST

START_TEST(equals_signs_line_up)
	{
		becomes("o = 1\nloss = 2\n", "o    = 1\nloss = 2\n");
		becomes("o = 1\n\nloss = 2\n", "o = 1\n\nloss = 2\n");
		becomes("o = 1\n# c\nloss = 2\n", "o = 1\n# c\nloss = 2\n");
		becomes("o = 1\nconst loss = 2\n", "o = 1\nconst loss = 2\n");
		becomes("o = 1\nno_neighbour_of_it = 2\n", "o = 1\nno_neighbour_of_it = 2\n");
		becomes("entry a = x as y\nentry bc = x as z\n",
		        "entry a  = x as y\nentry bc = x as z\n");
		becomes("o = 1; p = 2\nloss = 2\n", "o = 1; p = 2\nloss = 2\n");
	}
END_TEST

START_TEST(comments_stay)
	{
		becomes("#a  \n  # b\n", "#a\n# b\n");
		becomes("a = 1 # x\nbcd = 2    # y\n", "a   = 1  # x\nbcd = 2  # y\n");
		becomes("a = 1   # x\nb = 2   # y\n", "a = 1   # x\nb = 2   # y\n");
		becomes("a = 1   # x\n        # y\n# z\n", "a = 1   # x\n        # y\n# z\n");
		becomes("a = [1, # one\n# two\n2,# three\n3]\n",
		        "a = [1,  # one\n  # two\n  2,  # three\n  3]\n");
		becomes("a = b + # c\n  # d\n  e\n", "a = b +  # c\n  # d\n  e\n");
		becomes("a = 1; # x\nb = 2\n", "a = 1  # x\nb = 2\n");
		becomes("def f(x) {\n  return x # a\n# b\n} # c\n",
		        "def f(x) {\n  return x  # a\n  # b\n}  # c\n");
	}
END_TEST

START_TEST(long_lines_are_broken)
	{
		becomes("output aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, "
		        "ccccccccccccccccccccccccc, dddddddddd\n",
		        "output aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, "
		        "ccccccccccccccccccccccccc,\n  dddddddddd\n");
		becomes("y = f(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
		        "bbbbbbbbbbbbbbbbbbbbbbbbbbbb) + "
		        "g(ccccccccccccccc, ddddddddd)\n",
		        "y = f(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
		        "bbbbbbbbbbbbbbbbbbbbbbbbbbbb) +\n"
		        "  g(ccccccccccccccc, ddddddddd)\n");
		becomes("def f(x) { aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = x; "
		        "bbbbbbbbbbbbbbbbbbbbbbbbbb = x; "
		        "return aaaaaaaaaaaaaaa }\n",
		        "def f(x) {\n  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = x\n"
		        "  bbbbbbbbbbbbbbbbbbbbbbbbbb         = x\n  return aaaaaaaaaaaaaaa\n}\n");
	}
END_TEST

START_TEST(what_does_not_parse_is_left_alone)
	{
		static const char *const bad[] = {"a = (1\n", "a = $\n", "def f(x) { a = 1 }\n",
		                                  "}\n"};

		for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
			job j = format_text(bad[i]);

			ck_assert_ptr_null(j.result);
			ck_assert_uint_gt(sg_error_count(j.ctx), 0);
			sg_ctx_free(j.ctx);
		}
	}
END_TEST

/* What is unknown, or of the wrong shape, has a form all the same. */
START_TEST(names_and_shapes_are_no_concern)
	{
		becomes("output nobody as x\ngradient nothing wrt nowhere\n",
		        "output nobody as x\ngradient nothing wrt nowhere\n");
	}
END_TEST

START_TEST(long_texts_take_linear_time)
	{
		const size_t n = 200000;
		char *text = malloc(4 * n + 16), *s = text;
		job j;

		ck_assert_ptr_nonnull(text);
		s += sprintf(s, "a = [");
		for (size_t i = 0; i < n; i++)
			s += sprintf(s, i % 3 ? "1," : "#\n2,");
		sprintf(s, "1]\n");
		j = format_text(text);
		ck_assert_ptr_nonnull(j.result);
		sg_ctx_free(j.ctx);
		free(text);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fmt");
	TCase *t = tcase_create("fmt");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, operators_are_spaced_by_precedence);
	tcase_add_test(t, brackets_hug_what_they_hold);
	tcase_add_test(t, statements_have_their_spaces);
	tcase_add_test(t, lines_stay_where_they_were_broken);
	tcase_add_test(t, bodies_are_indented);
	tcase_add_test(t, equals_signs_line_up);
	tcase_add_test(t, comments_stay);
	tcase_add_test(t, long_lines_are_broken);
	tcase_add_test(t, what_does_not_parse_is_left_alone);
	tcase_add_test(t, names_and_shapes_are_no_concern);
	tcase_add_test(t, long_texts_take_linear_time);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
