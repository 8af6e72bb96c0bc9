/* check_plan.c - the workspace is not much larger than what has to be kept at one time.
 *
 * For models of many kinds and dimensions of many sizes, the bytes that an entry asks for are held
 * against the most that live at once in the order in which it computes. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

/* SLACK: arrays of a tile, whose size is fixed, and arrays of symbolic size lie apart. */
enum { MOST_DIMS = 16, KINDS = 6, SLACK = 4096 };

static const char *const files[] = {
    "examples/black_scholes.sg",
    "examples/gauss_newton.sg",
    "examples/gpt2.sg",
    "examples/lenet.sg",
    "examples/lennard_jones.sg",
    "examples/logistic.sg",
    "examples/mixture.sg",
    "examples/mlp.sg",
    "examples/own_rule.sg",
    "examples/perceptron.sg",
    "examples/rosenbrock.sg",
    "examples/workloads/ba.sg",
    "examples/workloads/det.sg",
    "examples/workloads/det_levels.sg",
    "examples/workloads/gmm.sg",
    "examples/workloads/hello.sg",
    "examples/workloads/ht.sg",
    "examples/workloads/kmeans.sg",
    "examples/workloads/llsq.sg",
    "examples/workloads/lse.sg",
    "examples/workloads/lstm.sg",
    "examples/workloads/ode.sg",
    "examples/workloads/particle.sg",
    "examples/workloads/saddle.sg",
    "bench/cases/mlp1024.sg",
    "bench/cases/mlp784.sg",
    "bench/cases/softmax_rows.sg",
};

/* All alike, or each nothing much, few or many, in an order of its own. */
static int64_t
extent(uint32_t kind, uint32_t dim)
{
	static const int64_t alike[] = {100, 10}, each[] = {3, 17, 64, 1000};

	return kind < 2 ? alike[kind] : each[(dim * (kind - 1) + kind) % 4];
}

static sg_model *
compile(const char *file)
{
	const char *dir = getenv("srcdir");
	char path[4096];
	sg_model *m;

	snprintf(path, sizeof path, "%s/%s", dir ? dir : ".", file);
	m = sg_compile_file(path, NULL);
	ck_assert_ptr_nonnull(m);
	ck_assert_msg(sg_model_ok(m), "%s: %s", file, sg_model_report(m, 0));
	return m;
}

/* The workspace of entry e for these dimensions, and what of it lives at one time; false: they are
 * beyond what can be counted. */
static bool
measure(sg_model *m, size_t e, const int64_t *dims, int64_t *work, int64_t *alive)
{
	const sg_program *p = m->program;

	return sg_ext_eval(p->sp, sg_entry_work(m->ctx, p, &p->entry[e], true), dims, work) &&
	       sg_entry_alive(m->ctx, p, &p->entry[e], dims, alive);
}

START_TEST(the_workspace_is_hardly_more_than_lives_at_once)
	{
		const char *file = files[_i];
		sg_model *m = compile(file);
		int64_t dims[MOST_DIMS] = {0}, work, alive;

		ck_assert_uint_le(sg_space_ndims(m->program->sp), MOST_DIMS);
		for (size_t e = 0; e < m->program->nentries; e++)
			for (uint32_t kind = 0; kind < KINDS; kind++) {
				for (uint32_t d = 0; d < MOST_DIMS; d++)
					dims[d] = extent(kind, d);
				ck_assert(measure(m, e, dims, &work, &alive));
				ck_assert_msg((double)work <= 1.3 * (double)alive + SLACK,
				              "%s, entry %s, dimensions %u: %lld bytes, of which "
				              "%lld live at once",
				              file, m->program->entry[e].name, (unsigned)kind,
				              (long long)work, (long long)alive);
			}
		sg_model_free(m);
	}
END_TEST

/* k ends in the step that makes b of it, but x[k] reads it there too. */
START_TEST(an_index_is_not_written_over)
	{
		static const char text[] =
		    "input x[N], i: i64[N]\n"
		    "k = cumsum(i)\n"
		    "b = 7*k + 3\n"
		    "d = sin(x[k])\n"
		    "output scan((c, p, q) -> c + sin(c*p)*q, 0.3, over=(b, d)) as c\n";
		static const int64_t dims[] = {1 << 10};
		sg_model *m = sg_compile_string("index.sg", text, strlen(text), NULL);
		int64_t work, alive;

		ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
		ck_assert(measure(m, 0, dims, &work, &alive));
		ck_assert_int_ge(work, 3 * (8 << 10)); /* k, b and d */
		sg_model_free(m);
	}
END_TEST

/* ---- many arrays ---- */

enum { LINES = 1100, SIDE = 3 };

static double
gradient_sum(sg_model *m, sg_backend backend)
{
	static const int64_t shape[] = {SIDE, SIDE};
	double x[SIDE * SIDE], sum = 0;
	sg_call *c = sg_call_new(m, "gradient", backend);

	for (int i = 0; i < SIDE * SIDE; i++)
		x[i] = 0.3 + 0.1 * i;
	ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 2, shape, x), SG_OK);
	ck_assert_msg(sg_call_run(c) == SG_OK, "%s", sg_call_message(c));
	for (int i = 0; i < SIDE * SIDE; i++)
		sum += (1 + i) * ((const double *)sg_call_output(c, "grad_x")->data)[i];
	sg_call_free(c);
	return sum;
}

/* More arrays live in the reverse sweep than the plan tries everything for, of two sizes that end
 * in turns; each still has a place of its own, and those that have ended share. */
START_TEST(many_arrays_share_places)
	{
		static const char *const input[] = {"input x[N, N]\n", "input x[3, 3]\n"};
		static const int64_t dims[] = {SIDE, SIDE};
		char *text = malloc(LINES * 64 + 100), *end = text;
		int64_t work, alive;

		end += sprintf(end, "%sa0 = x\n", input[_i]);
		for (int i = 0; i < LINES; i++)
			end += sprintf(end, "a%d = tanh(%s(a%d @ x)%s) + 0.1*x\n", i + 1,
			               i % 3 ? "" : "trace", i, i % 3 ? "" : " * cumsum(x)");
		sprintf(end, "gradient sum(a%d) as y wrt x\n", LINES);
		sg_model *m = sg_compile_string("many.sg", text, strlen(text), NULL);
		ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
		ck_assert(measure(m, 0, dims, &work, &alive));
		ck_assert_int_le(work, alive * 13 / 10 + SLACK);
		const double want = gradient_sum(m, SG_BACKEND_INTERP);
		ck_assert_double_eq_tol(gradient_sum(m, SG_BACKEND_AUTO), want,
		                        1e-9 * (1 + fabs(want)));
		sg_model_free(m);
		free(text);
	}
END_TEST

/* What the derivatives of the workloads take: bytes for these dimensions. */
static const struct {
	const char *file, *entry, *dims; /* "N=100 D=3", all that the entry uses */
	int64_t most;
} workloads[] = {
    {"ba", "values", "n=49 m=7776 p=31843", 0},          /* blocks go to their places at once */
    {"ba", "jacobian", "n=49 m=7776 p=31843", 32 << 10}, /* some columns, which are written twice */
    {"lstm", "jacobian", "b=14 c=1024", 1024 * 14 * 8 * 4 * 11 / 10}, /* each step's 2L carries */
    {"ode", "gradient", "n=50 s=1000", 50 * 1000 * 8 * 11 / 10},      /* the path */
    {"kmeans", "dir", "N=10000 D=16 K=25", 40 << 10},                 /* nothing of [N, K] */
    {"ht", "jacobian", "n=500 V=544 T=1084", 768 << 10}, /* 26 columns of [V, 3], 2 * [22, 16] */
    {"lse", "gradient", "n=100000", 0},
};

static void
read_dims(const sg_space *sp, const char *text, int64_t *dims)
{
	for (uint32_t d = 0; d < sg_space_ndims(sp); d++) {
		const char *name = sg_space_dim(sp, d)->name, *at = strstr(text, name);

		while (at && at[strlen(name)] != '=')
			at = strstr(at + 1, name);
		dims[d] = at ? strtoll(at + strlen(name) + 1, NULL, 10) : 0;
	}
}

START_TEST(derivatives_of_workloads_keep_little)
	{
		char file[128];
		int64_t dims[MOST_DIMS], work = 0;
		size_t e = 0;

		snprintf(file, sizeof file, "examples/workloads/%s.sg", workloads[_i].file);
		sg_model *m = compile(file);
		const sg_program *p = m->program;
		while (strcmp(p->entry[e].name, workloads[_i].entry) != 0)
			ck_assert_uint_lt(++e, p->nentries);
		read_dims(p->sp, workloads[_i].dims, dims);
		ck_assert(
		    sg_ext_eval(p->sp, sg_entry_work(m->ctx, p, &p->entry[e], true), dims, &work));
		ck_assert_msg(work <= workloads[_i].most,
		              "%s, entry %s: %lld bytes, not at most %lld", file,
		              workloads[_i].entry, (long long)work, (long long)workloads[_i].most);
		sg_model_free(m);
	}
END_TEST

/* A step of SIDE numbers for each row, from the state before it. */
#define CELL(checkpoint)                                                                           \
	"input x[N, N]\nw = 0.1*x[:3].T @ x[:3]\n"                                                 \
	"h = scan((h, u) -> tanh(w @ h + u), x[0], over=x" checkpoint ")\n"                        \
	"gradient sum(h**2) as y wrt x\n"

/* Neither are states kept nor is what is scanned over copied, whatever the number of steps. */
START_TEST(checkpoints_take_little)
	{
		static const char text[] =
		    "input x[N, 16]\nparam w[16, 16] = eye(16)\n"
		    "h = scan((h, u) -> tanh(w @ h + u), x[0], over=x, checkpoint=\"auto\")\n"
		    "gradient sum(h**2) as y wrt w\n";
		const int64_t n = 10007, states = n * 16 * (int64_t)sizeof(double);
		int64_t work, alive;
		sg_model *m = sg_compile_string("net.sg", text, strlen(text), NULL);

		ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
		ck_assert(measure(m, 0, &n, &work, &alive));
		ck_assert_int_le(work, states / 16);
		sg_model_free(m);
	}
END_TEST

/* What the step gives is the state before the next one, and is kept as that. */
START_TEST(a_loop_keeps_each_state_once)
	{
		static const char text[] = "input x[N, 16]\nparam w[16, 16] = eye(16)\n"
					   "h = scan((h, u) -> tanh(w @ h + u), x[0], over=x)\n"
					   "gradient sum(h**2) as y wrt w\n";
		static const char *const cell[] = {CELL(""), CELL(", checkpoint=4")};
		const int64_t n = 1000, states = n * 16 * (int64_t)sizeof(double);
		int64_t work, alive;
		sg_model *m = sg_compile_string("net.sg", text, strlen(text), NULL);

		ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
		ck_assert(measure(m, 0, &n, &work, &alive));
		ck_assert_int_le(work, states + states / 10);
		sg_model_free(m);
		for (int i = 0; i < 2; i++) {
			m = sg_compile_string("net.sg", cell[i], strlen(cell[i]), NULL);
			ck_assert_msg(m && sg_model_ok(m), "%s", sg_model_report(m, 0));
			const double want = gradient_sum(m, SG_BACKEND_INTERP);
			ck_assert_double_eq_tol(gradient_sum(m, SG_BACKEND_AUTO), want,
			                        1e-12 * (1 + fabs(want)));
			sg_model_free(m);
		}
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("memory");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, the_workspace_is_hardly_more_than_lives_at_once, 0,
	                    (int)(sizeof files / sizeof *files));
	tcase_add_test(t, an_index_is_not_written_over);
	tcase_add_loop_test(t, many_arrays_share_places, 0, 2);
	tcase_add_test(t, a_loop_keeps_each_state_once);
	tcase_add_test(t, checkpoints_take_little);
	tcase_add_loop_test(t, derivatives_of_workloads_keep_little, 0,
	                    (int)(sizeof workloads / sizeof *workloads));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
