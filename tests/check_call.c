/* check_call.c - call objects with many arguments: names and places lead to the same arrays, and an
 * overlap is found wherever it is. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/symgrad.h"
#include "symgrad_runtime.h"

enum { MANY = 300 };

/* p0, p1 ...: a scalar each; their sum, weighted by their numbers, and an output called as p7 is.
 */
static sg_model *
compile_many(void)
{
	static char text[MANY * 40];
	size_t n = 0;
	sg_model *m;

	for (int i = 0; i < MANY; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "input p%d\n", i);
	n += (size_t)snprintf(text + n, sizeof text - n, "entry f = 0");
	for (int i = 0; i < MANY; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, " + %d*p%d", i, i);
	n += (size_t)snprintf(text + n, sizeof text - n, " as sum, p7\n");
	m = sg_compile_string("many.sg", text, n, NULL);
	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

static long
sum_of(sg_call *c)
{
	ck_assert_msg(sg_call_run(c) == SG_OK, "%s", sg_call_message(c));
	ck_assert_int_eq(memcmp(sg_call_input(c, "p7")->data, sg_call_output(c, "p7")->data, 8), 0);
	ck_assert_ptr_eq(sg_call_output(c, "p7"), sg_call_array(c, MANY + 1));
	ck_assert_ptr_null(sg_call_input(c, "sum"));
	return (long)*(const double *)sg_call_output(c, "sum")->data; /* a whole number */
}

START_TEST(names_and_places_lead_to_the_same_arrays)
	{
		sg_model *m = compile_many();
		sg_call *named = sg_call_new(m, "f", SG_BACKEND_INTERP);
		sg_call *placed = sg_call_new(m, "f", SG_BACKEND_INTERP);
		double p[MANY];
		long expected = 0;
		char name[8];

		for (int k = 0; k < MANY; k++) { /* in an order that is not the file's */
			const int i = k * 77 % MANY;

			p[i] = i % 13;
			expected += i * (i % 13);
			snprintf(name, sizeof name, "p%d", i);
			ck_assert_int_eq(sg_call_bind(named, name, SG_DTYPE_F64, 0, NULL, &p[i]),
			                 0);
			ck_assert_int_eq(
			    sg_call_bind_at(placed, (size_t)i, SG_DTYPE_F64, 0, NULL, &p[i]), 0);
		}
		ck_assert_int_eq(sum_of(named), expected);
		ck_assert_int_eq(sum_of(placed), expected);
		ck_assert_int_eq(sg_call_bind(named, "p300", SG_DTYPE_F64, 0, NULL, p), SG_ENAME);
		sg_call_free(named);
		sg_call_free(placed);
		sg_model_free(m);
	}
END_TEST

static void
expect(sg_call *c, int status, int expected, const char *message)
{
	ck_assert_int_eq(status, expected);
	ck_assert_str_eq(sg_call_message(c), message);
}

START_TEST(a_wrong_place_says_which_are_right)
	{
		static const char text[] =
		    "input x[3]\nentry f = sum(x) as s\nentry g = eye(3) as e\n";
		sg_model *m = sg_compile_string("test.sg", text, strlen(text), NULL);
		sg_call *f = sg_call_new(m, "f", SG_BACKEND_INTERP);
		sg_call *g = sg_call_new(m, "g", SG_BACKEND_INTERP);
		const int64_t three = 3;
		double x[3] = {1, 2, 3};

		expect(f, sg_call_bind_at(f, 1, SG_DTYPE_F64, 1, &three, x), SG_EVALUE,
		       "argument 1 is no input: those of entry 'f' are 0 to 0");
		expect(f, sg_call_bind_output_at(f, 0, SG_DTYPE_F64, 0, NULL, x), SG_EVALUE,
		       "argument 0 is no output: those of entry 'f' are 1 to 1");
		expect(f, sg_call_bind_output_at(f, 99, SG_DTYPE_F64, 0, NULL, x), SG_EVALUE,
		       "argument 99 is no output: those of entry 'f' are 1 to 1");
		expect(g, sg_call_bind_at(g, 0, SG_DTYPE_F64, 0, NULL, x), SG_EVALUE,
		       "argument 0 is no input: entry 'g' has none");
		expect(f, sg_call_bind_at(f, 0, SG_DTYPE_F64, 1, NULL, x), SG_EVALUE,
		       "input 'x': expected 1 extents, got NULL");
		expect(f, sg_call_bind_at(f, 0, SG_DTYPE_F32, 1, &three, x), SG_ETYPE,
		       "input 'x': expected f64, got f32");
		ck_assert_int_eq(sg_call_bind_at(NULL, 0, SG_DTYPE_F64, 0, NULL, x), SG_EVALUE);
		ck_assert_int_eq(sg_call_bind_output_at(NULL, 0, SG_DTYPE_F64, 0, NULL, x),
		                 SG_EVALUE);
		ck_assert_int_eq(sg_call_bind_at(f, 0, SG_DTYPE_F64, 1, &three, x), SG_OK);
		ck_assert_int_eq(sg_call_bind_output_at(f, 1, SG_DTYPE_F64, 0, NULL, x), SG_OK);
		expect(f, sg_call_run(f), SG_EVALUE,
		       "output 's' overlaps input 'x': expected arrays that are apart");
		ck_assert_int_eq(sg_call_bind_output_at(f, 1, SG_DTYPE_NONE, 0, NULL, NULL), SG_OK);
		ck_assert_int_eq(sg_call_run(f), SG_OK);
		sg_call_free(f);
		sg_call_free(g);
		sg_model_free(m);
	}
END_TEST

START_TEST(a_check_knows_dimensions_that_others_tell)
	{
		static const char text[] = "input n[N], x\ngradient N*x**2 as y wrt x\n";
		static const double zeros[7];
		const int64_t seven = 7;
		const double x = 1;
		sg_model *m = sg_compile_string("test.sg", text, strlen(text), NULL);
		sg_call *c = sg_call_new(m, "gradient", SG_BACKEND_INTERP);
		sg_report report;

		ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 0, NULL, &x), SG_OK);
		ck_assert_int_eq(sg_call_bind(c, "n", SG_DTYPE_F64, 1, &seven, zeros), SG_OK);
		ck_assert_int_eq(sg_check(c, 1, &report, NULL), SG_OK);
		ck_assert(report.ok && report.nrows > 0);
		for (size_t i = 0; i < report.nrows; i++) {
			ck_assert_str_eq(report.rows[i].output, "grad_x");
			ck_assert_int_eq((int)report.rows[i].is, 14);
		}
		sg_report_free(&report);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

/* libtcc's code and the C compiler's are planned apart: here one needs work and the other none. */
START_TEST(the_size_of_work_is_enough_for_all_code_that_was_made)
	{
		static const sg_backend made[] = {SG_BACKEND_JIT, SG_BACKEND_CC};
		const char *dir = getenv("srcdir");
		char path[4096];
		sg_model *m;
		const sg_entry *e;
		size_t most = 0, bytes;

		snprintf(path, sizeof path, "%s/examples/workloads/particle.sg", dir ? dir : ".");
		m = sg_compile_file(path, NULL);
		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		e = sg_model_find(m, "fr");
		for (size_t k = 0; k < 2; k++) {
			sg_call *c = sg_call_new(m, "fr", made[k]);
			const double w = 0;

			if (sg_call_status(c) == SG_OK) {
				ck_assert_int_eq(sg_call_bind(c, "w", SG_DTYPE_F64, 0, NULL, &w),
				                 SG_OK);
				ck_assert_int_eq(sg_call_worksize(c, &bytes), SG_OK);
				most = bytes > most ? bytes : most;
			}
			sg_call_free(c);
			ck_assert_int_eq(sg_entry_worksize(m, e, NULL, &bytes, NULL), SG_OK);
			ck_assert_uint_ge(bytes, most);
		}
		sg_model_free(m);
	}
END_TEST

/* ---- overlaps ---- */

enum { EACH = 5, ROOM = 120, ROUNDS = 4000 };

static const char pairs[] = "input a[A], b[B], c[C], d[D], e[E]\n"
			    "entry f = 2*a as u, 2*b as v, 2*c as w, 2*d as x, 2*e as y\n";

typedef struct stretch {
	int64_t from, n;
} stretch;

/* What the call looks for, by the definition. */
static bool
is_apart(const stretch *s)
{
	for (int i = EACH; i < 2 * EACH; i++)
		for (int k = 0; k < i; k++)
			if (s[i].n && s[k].n && s[i].from < s[k].from + s[k].n &&
			    s[k].from < s[i].from + s[i].n)
				return false;
	return true;
}

static unsigned
dice(unsigned *state, unsigned sides)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 16) % sides;
}

START_TEST(an_overlap_is_found_wherever_it_is)
	{
		sg_model *m = sg_compile_string("pairs.sg", pairs, strlen(pairs), NULL);
		sg_call *c = sg_call_new(m, "f", SG_BACKEND_INTERP);
		double room[ROOM] = {0};
		stretch s[2 * EACH];
		unsigned state = 1;
		int apart = 0;

		for (int round = 0; round < ROUNDS; round++) {
			for (int i = 0; i < 2 * EACH; i++) {
				s[i].n = i < EACH ? dice(&state, 4) : s[i - EACH].n;
				s[i].from = dice(&state, ROOM - 4);
				ck_assert_int_eq(
				    i < EACH ? sg_call_bind_at(c, (size_t)i, SG_DTYPE_F64, 1,
				                               &s[i].n, room + s[i].from)
					     : sg_call_bind_output_at(c, (size_t)i, SG_DTYPE_F64, 1,
				                                      &s[i].n, room + s[i].from),
				    SG_OK);
			}
			apart += is_apart(s);
			ck_assert_msg(sg_call_prepare(c) == (is_apart(s) ? SG_OK : SG_EVALUE),
			              "round %d: %s", round, sg_call_message(c));
		}
		ck_assert_int_gt(apart, ROUNDS / 10);
		ck_assert_int_lt(apart, ROUNDS - ROUNDS / 10);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

/* Of a call's own arrays, which lie together where they are large: those that are bound now and then, and of
 * all lengths, keep to themselves. */
START_TEST(a_failure_is_found_in_the_model)
	{
		static const char text[] = "input x[N], i: i64\n"
		                           "def step(h, v) = h + x[i]*v\n"
		                           "output scan(step, 0.0, over=x) as h\n";
		sg_model *m = sg_compile_string("test.sg", text, strlen(text), NULL);
		sg_call *c = sg_call_new(m, "forward", SG_BACKEND_AUTO);
		const double x[3] = {1, 2, 3};
		const int64_t three = 3;
		int64_t i = 7;

		ck_assert_int_eq(sg_call_locate(NULL, 1), SG_EVALUE);
		ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 1, &three, x), SG_OK);
		ck_assert_int_eq(sg_call_bind(c, "i", SG_DTYPE_I64, 0, NULL, &i), SG_OK);
		expect(c, sg_call_run(c), SGRT_EINDEX, "an index is out of range");
		expect(c, sg_call_locate(c, 1), SG_ESIZE, "an index is out of range");
		expect(c, sg_call_locate(c, 1000), SGRT_EINDEX,
		       "an index is out of range, at test.sg:2:22");
		i = 1;
		ck_assert_int_eq(sg_call_run(c), SG_OK);
		ck_assert_int_eq(sg_call_locate(c, 1000), SG_OK);
		ck_assert(sg_call_output(c, "h") && *(double *)sg_call_output(c, "h")->data == 12); /* of small whole numbers */
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

/* Entry by entry: the model's text, and what i = 5 leads to though nothing reads that element. */
START_TEST(what_fails_is_an_error_though_nothing_reads_it)
	{
		static const char text[] =
		    "input x[N], m[N, 3], i: i64\n"
		    "entry a = x[[i, 0]][1] as y\n"
		    "entry b = (2*x[[i, 0]] + 1)[1:] as y\n"
		    "entry c = m[[0, i]][:1, 1] as y\n"
		    "entry d = m[:, [0, i, 1]].T[:1] as y\n"
		    "entry e = ([7, 8] // [i - 5, 1])[1] as y\n"
		    "entry f = ((arange(N) + 4) % (arange(N) + i - 5))[1:] as y\n"
		    "entry g = grad(sum(x[[i, 0]][1:]**2), x) as y\n"
		    "c = 2*x[[0, 1, i, 1]]\n"
		    "entry h = c[0]*c[1] + c[3] as y\n"
		    "entry k = c[3:] + c[:1] as y\n"
		    "e = exp(x[[i, 0]])\n"
		    "entry l = if i == 0 then sum(exp(e[0]*x)) else sum(sin(e[1]*x)) as y\n";
		static const char *const entry[] = {"a", "b", "c", "d", "e", "f", "g", "h", "k", "l"};
		sg_model *m = sg_compile_string("test.sg", text, strlen(text), NULL);
		const double x[6] = {1, 2, 3, 4, 5, 6};
		const int64_t ext[2] = {2, 3}, i = 5;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		for (size_t k = 0; k < sizeof entry / sizeof *entry; k++)
			for (int slow = 0; slow < 2; slow++) {
				sg_call *c = sg_call_new(
				    m, entry[k], slow ? SG_BACKEND_INTERP : SG_BACKEND_AUTO);

				sg_call_bind(c, "x", SG_DTYPE_F64, 1, ext, x);
				sg_call_bind(c, "m", SG_DTYPE_F64, 2, ext, x);
				sg_call_bind(c, "i", SG_DTYPE_I64, 0, NULL, &i);
				sg_call_set_dim(c, "N", 2);
				ck_assert_msg(sg_call_run(c) ==
				                  (k == 4 || k == 5 ? SGRT_EDIVIDE : SGRT_EINDEX),
				              "%s: %s", entry[k], sg_call_message(c));
				sg_call_free(c);
			}
		sg_model_free(m);
	}
END_TEST

START_TEST(arrays_of_the_call_do_not_mix)
	{
		static const char text[] = "input x[N] = 2*ones([N])\ninput y[N] = 3*ones([N])\n"
					   "entry f = x + y as a, x*y as b, sum(x) as c\n";
		static const int64_t length[] = {300000, 400000, 10, 0, 400001, 200000, 700000};
		sg_model *m = sg_compile_string("m.sg", text, sizeof text - 1, NULL);
		sg_call *c = sg_call_new(m, "f", SG_BACKEND_AUTO);
		double *mine = malloc(sizeof *mine * 700000);

		for (size_t i = 0; i < 700000; i++)
			mine[i] = 5;
		for (size_t k = 0; k < 21; k++) {
			const int64_t n = length[k % 7];
			const bool bound = k % 3 == 1;
			const double x = bound ? 5 : 2;
			const double *a, *b;

			if (bound)
				ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 1, &n, mine), SG_OK);
			else
				ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_NONE, 0, NULL, NULL), SG_OK);
			ck_assert_int_eq(sg_call_set_dim(c, "N", n), SG_OK);
			ck_assert_msg(sg_call_run(c) == SG_OK, "%s", sg_call_message(c));
			a = sg_call_output(c, "a")->data;
			b = sg_call_output(c, "b")->data;
			for (int64_t i = 0; i < n; i++)
				if ((int64_t)a[i] != (int64_t)x + 3 || (int64_t)b[i] != 3 * (int64_t)x)
					ck_abort_msg("round %zu: a[%d], b[%d]", k, (int)i, (int)i);
			ck_assert_int_eq((int64_t)*(double *)sg_call_output(c, "c")->data, (int64_t)x * n);
		}
		sg_call_free(c);
		sg_model_free(m);
		free(mine);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("call");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_test(c, names_and_places_lead_to_the_same_arrays);
	tcase_add_test(c, a_wrong_place_says_which_are_right);
	tcase_add_test(c, a_check_knows_dimensions_that_others_tell);
	tcase_add_test(c, the_size_of_work_is_enough_for_all_code_that_was_made);
	tcase_add_test(c, an_overlap_is_found_wherever_it_is);
	tcase_add_test(c, a_failure_is_found_in_the_model);
	tcase_add_test(c, what_fails_is_an_error_though_nothing_reads_it);
	tcase_add_test(c, arrays_of_the_call_do_not_mix);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
