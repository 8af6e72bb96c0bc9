/* check_api.c - the library as its users see it: compiling, diagnostics, binding, calling,
 * checking. */
#include <check.h>
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/symgrad.h"
#include "back/load.h"
#include "symgrad_runtime.h"

static const char perceptron[] = "real f32\n"
				 "input x[N, 10]\n"
				 "input y[N, 2] = ones([N, 2])\n"
				 "param w[2, 10] = 0.25 * ones([2, 10])\n"
				 "o = sigmoid(x @ w.T)\n"
				 "loss = mse_loss(o, y)\n"
				 "output o, loss\n"
				 "gradient loss wrt w\n";

static sg_model *
compile_with(const char *text, const sg_options *o)
{
	sg_model *m = sg_compile_string("test.sg", text, strlen(text), o);

	ck_assert_ptr_nonnull(m);
	return m;
}

static sg_model *
compile(const char *text)
{
	sg_model *m = compile_with(text, NULL);

	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

static void
bind_f64(sg_call *c, const char *name, int rank, const int64_t *shape, const double *data)
{
	ck_assert_msg(sg_call_bind(c, name, SG_DTYPE_F64, rank, shape, data) == SG_OK, "%s",
	              sg_call_message(c));
}

/* ---- models ---- */

START_TEST(a_model_lists_its_entries)
	{
		sg_model *m = compile(perceptron);
		const sg_entry *e = sg_model_find(m, NULL);

		ck_assert_uint_eq(sg_model_nentries(m), 2);
		ck_assert_str_eq(sg_model_entry(m, 0)->name, "forward");
		ck_assert_ptr_null(sg_model_entry(m, 2));
		ck_assert_str_eq(e->name, "gradient");
		ck_assert_uint_eq(e->ndims, 1);
		ck_assert_str_eq(e->dims[0], "N");
		ck_assert_uint_eq(e->ninputs, 3);
		ck_assert_uint_eq(e->noutputs, 2);
		ck_assert_str_eq(e->args[0].name, "x");
		ck_assert_str_eq(e->args[0].shape, "[N, 10]");
		ck_assert_str_eq(e->args[0].extents[0], "N");
		ck_assert_int_eq(e->args[0].type, SG_DTYPE_F32);
		ck_assert_int_eq(e->args[0].has_default, 0);
		ck_assert_int_eq(e->args[1].has_default, 1);
		ck_assert_int_eq(e->args[2].role, SG_ROLE_PARAM);
		ck_assert_str_eq(e->args[4].name, "grad_w");
		ck_assert_int_eq(e->args[4].role, SG_ROLE_OUTPUT);
		ck_assert_str_eq(sg_model_name(m), "test");
		ck_assert_int_eq(sg_model_real(m), SG_DTYPE_F32);
		sg_model_free(m);
	}
END_TEST

START_TEST(errors_come_back_as_values)
	{
		sg_model *m = compile_with("input x[3]\noutput sigmoyd(x) as y\n", NULL);
		const sg_diagnostic *d = sg_model_diagnostic(m, 0);
		sg_failure why;

		ck_assert(!sg_model_ok(m));
		ck_assert_int_eq(sg_model_status(m), SG_EMODEL);
		ck_assert_int_eq(sg_model_fault(m), 1);
		ck_assert_uint_eq(sg_model_ndiagnostics(m), 1);
		ck_assert_int_eq(d->is_error, 1);
		ck_assert_str_eq(d->code, "unknown-name");
		ck_assert_str_eq(d->at.file, "test.sg");
		ck_assert_int_eq(d->at.line, 2);
		ck_assert_int_eq(d->at.column, 8);
		ck_assert_uint_eq(d->nhints, 1);
		ck_assert_ptr_nonnull(strstr(d->hints[0].text, "sigmoid"));
		ck_assert_ptr_nonnull(strstr(sg_model_report(m, 0), "test.sg:2:8: error: "));
		ck_assert_ptr_nonnull(strstr(sg_model_report_json(m), "\"unknown-name\""));
		ck_assert_ptr_null(sg_model_diagnostic(m, 1));
		ck_assert_uint_eq(sg_model_nentries(m), 0);
		ck_assert_ptr_null(sg_write_ir(m, &why));
		ck_assert_int_eq(why.status, SG_EMODEL);
		sg_model_free(m);
	}
END_TEST

START_TEST(a_call_of_a_broken_model_says_so)
	{
		sg_model *m = compile_with("output\n", NULL);
		sg_call *c = sg_call_new(m, NULL, SG_BACKEND_AUTO);

		ck_assert_int_eq(sg_call_status(c), SG_EMODEL);
		ck_assert_int_eq(sg_call_run(c), SG_EMODEL);
		ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 0, NULL, NULL), SG_EMODEL);
		ck_assert_ptr_null(sg_call_output(c, "y"));
		ck_assert_ptr_null(sg_call_entry(c));
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(a_missing_file_is_a_diagnostic)
	{
		sg_model *m = sg_compile_file("/dev/null/model.sg", NULL);

		ck_assert_int_eq(sg_model_fault(m), 1);
		ck_assert_str_eq(sg_model_diagnostic(m, 0)->code, "file");
		sg_model_free(m);
	}
END_TEST

START_TEST(options_choose_type_entry_dimensions_and_prefix)
	{
		sg_fixed_dim n = {"N", 4};
		sg_options o = {.real = SG_DTYPE_F64,
		                .nfixed = 1,
		                .fixed = &n,
		                .entry = "gradient",
		                .prefix = "net"};
		sg_model *m = compile_with(perceptron, &o);

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		ck_assert_int_eq(sg_model_real(m), SG_DTYPE_F64);
		ck_assert_uint_eq(sg_model_nentries(m), 1);
		ck_assert_uint_eq(sg_model_entry(m, 0)->ndims, 0);
		ck_assert_str_eq(sg_model_entry(m, 0)->args[0].shape, "[4, 10]");
		ck_assert_str_eq(sg_model_name(m), "net");
		sg_model_free(m);
		o = (sg_options){.entry = "gradiant", .prefix = "2x"};
		m = compile_with(perceptron, &o);
		ck_assert_str_eq(sg_model_diagnostic(m, 0)->message, "no entry 'gradiant'");
		ck_assert_str_eq(sg_model_diagnostic(m, 0)->hints[0].text,
		                 "did you mean 'gradient'?");
		ck_assert_str_eq(sg_model_diagnostic(m, 1)->code, "prefix");
		sg_model_free(m);
	}
END_TEST

START_TEST(a_negative_dimension_is_one_mistake)
	{
		const sg_fixed_dim dims[] = {{"N", -1}, {"M", 3}};
		const sg_options o = {.nfixed = 2, .fixed = dims};
		sg_model *m = compile_with("input x[N, M]\noutput sum(x) as y\n", &o);

		ck_assert_int_eq(sg_model_status(m), SG_EMODEL);
		ck_assert_uint_eq(sg_model_ndiagnostics(m), 1);
		ck_assert_str_eq(sg_model_diagnostic(m, 0)->message,
		                 "the dimension 'N' can't be -1");
		sg_model_free(m);
	}
END_TEST

START_TEST(an_expression_has_entry_eval_or_diff)
	{
		const char *wrt[] = {"x"};
		sg_model *m = sg_compile_expr("x**2 + y", 0, NULL, NULL);

		ck_assert_str_eq(sg_model_entry(m, 0)->name, "eval");
		ck_assert_str_eq(sg_model_entry(m, 0)->args[2].name, "value");
		sg_model_free(m);
		m = sg_compile_expr("x**2 + y", 1, wrt, NULL);
		ck_assert_str_eq(sg_model_entry(m, 0)->name, "diff");
		ck_assert_str_eq(sg_write_diff(m, 0, NULL), "2*x\n");
		sg_model_free(m);
	}
END_TEST

START_TEST(names_to_differentiate_by_are_names_and_each_stands_once)
	{
		static const char *const wrong[] = {"pi", "true", "if",   "",
		                                    "3",  "x y",  "grad", "sin"};
		const char *wrt[] = {"x", "y", "x"};
		sg_model *m = sg_compile_expr("x**2*pi + y", 3, wrt, NULL);

		ck_assert_int_eq(sg_model_status(m), SG_EMODEL);
		ck_assert_uint_eq(sg_model_ndiagnostics(m), 1);
		ck_assert_str_eq(sg_model_diagnostic(m, 0)->message,
		                 "two outputs have the name 'd_x'");
		sg_model_free(m);
		for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
			m = sg_compile_expr("x**2*pi + y", 1, &wrong[i], NULL);
			ck_assert_int_eq(sg_model_status(m), SG_EMODEL);
			ck_assert_uint_eq(sg_model_ndiagnostics(m), 1);
			sg_model_free(m);
		}
	}
END_TEST

START_TEST(training_has_the_loss_and_the_gradients_of_all_params)
	{
		static const char text[] = "input x[N]\nparam a = 1.0, k: i32 = 2, b[2] = [3, 4]\n"
		                           "y = a*sum(x)*b[0]\n"
		                           "output y**2 as squared\nentry more = y\n"
		                           "gradient y + k as loss wrt x\n";
		const struct {
			const char *loss, *output[3];
		} some[] = {{NULL, {"loss", "grad_a", "grad_b"}},
		            {"y", {"y", "grad_a", "grad_b"}},
		            {"squared", {"squared", "grad_a", "grad_b"}}};

		for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
			sg_model *m = sg_compile_training_string("t", text, strlen(text),
			                                         some[i].loss, NULL);
			const sg_entry *e = sg_model_entry(m, 0);

			ck_assert_str_eq(sg_model_report(m, 0), "");
			ck_assert_uint_eq(sg_model_nentries(m), 1);
			ck_assert_str_eq(e->name, "gradient");
			ck_assert_uint_eq(e->noutputs, 3);
			for (size_t k = 0; k < 3; k++)
				ck_assert_str_eq(e->args[e->ninputs + k].name, some[i].output[k]);
			sg_model_free(m);
		}
		sg_model *m = sg_compile_training_string("t", text, strlen(text), "lost", NULL);
		ck_assert_int_eq(sg_model_status(m), SG_EMODEL);
		ck_assert_str_eq(sg_model_diagnostic(m, 0)->code, "no-loss");
		ck_assert_str_eq(sg_model_diagnostic(m, 0)->hints[0].text, "did you mean 'loss'?");
		sg_model_free(m);
	}
END_TEST

START_TEST(every_status_has_a_sentence)
	{
		static const int statuses[] = {
		    SG_OK,       SG_EMODEL,   SG_ENAME,     SG_ETYPE,    SG_ESHAPE, SG_EMISSING,
		    SG_EBACKEND, SG_EFILE,    SG_EVALUE,    SG_ENOMEM,   SG_ESIZE,  SG_EDEFECT,
		    SGRT_EDIM,   SGRT_EINDEX, SGRT_EDIVIDE, SGRT_EEMPTY, 12345,     -12345};

		for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
			ck_assert_int_gt((int)strlen(sg_strerror(statuses[i])), 5);
		ck_assert_str_eq(sg_dtype_name(SG_DTYPE_I64), "i64");
		ck_assert_uint_eq(sg_dtype_size(SG_DTYPE_BOOL), 1);
	}
END_TEST

START_TEST(codes_are_explained)
	{
		size_t n;
		const char *const *codes = sg_all_codes(&n);

		ck_assert_uint_gt(n, 10);
		ck_assert_ptr_nonnull(sg_explain_code(codes[0]));
		ck_assert_ptr_null(sg_explain_code("no-such-code"));
	}
END_TEST

/* ---- binding ---- */

typedef struct shape_case {
	const char *model;
	int rank[2];
	int64_t shape[2][2];
	const char *message; /* "" : it fits */
	int64_t n;           /* then the first dimension */
} shape_case;

static const shape_case shape_cases[] = {
    {"input a[N, 10]\noutput sum(a) as s\n", {2}, {{3, 10}}, "", 3},
    {"input a[N, 10]\noutput sum(a) as s\n",
     {2},
     {{3, 9}},
     "input 'a': expected [N, 10], got [3, 9]",
     0},
    {"input a[N, 10]\noutput sum(a) as s\n", {1}, {{3}}, "input 'a': expected [N, 10], got [3]", 0},
    {"input a[N], b[N, 2]\noutput sum(a) + sum(b) as s\n",
     {1, 2},
     {{3}, {4, 2}},
     "input 'b': expected [N, 2] with N = 3, got [4, 2]",
     0},
    {"input a[2*N - 1]\noutput sum(a) as s\n", {1}, {{5}}, "", 3},
    {"input a[2*N - 1]\noutput sum(a) as s\n",
     {1},
     {{4}},
     "input 'a': expected [2*N - 1], got [4]",
     0},
    {"input a[N + M], b[M]\noutput sum(a) + sum(b) as s\n", {1, 1}, {{5}, {2}}, "", 3},
    {"input a[N*N], b[N]\noutput sum(a) + sum(b) as s\n", {1, 1}, {{9}, {3}}, "", 3},
    {"input a[N//2], b[N]\noutput sum(a) + sum(b) as s\n", {1, 1}, {{3}, {7}}, "", 7},
    {"input a[N*N]\noutput sum(a) as s\n",
     {1},
     {{9}},
     "dimension 'N' does not follow from the inputs: give it a value",
     0},
};

START_TEST(dimensions_follow_from_shapes)
	{
		const shape_case *k = &shape_cases[_i];
		static const double zeros[64];
		static const char *const names[] = {"a", "b"};
		sg_model *m = compile(k->model);
		sg_call *c = sg_call_new(m, NULL, SG_BACKEND_INTERP);
		int status = SG_OK;

		for (size_t i = 0; status == SG_OK && i < sg_call_entry(c)->ninputs; i++)
			status =
			    sg_call_bind(c, names[i], SG_DTYPE_F64, k->rank[i], k->shape[i], zeros);
		if (status == SG_OK)
			status = sg_call_prepare(c);
		ck_assert_str_eq(sg_call_message(c), k->message);
		ck_assert_int_eq(status == SG_OK, !*k->message);
		if (status == SG_OK)
			ck_assert_int_eq(sg_call_dims(c)[0], k->n);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(a_dimension_is_given_by_name)
	{
		sg_model *m = compile("dim N\noutput arange(N) as a\n");
		sg_call *c = sg_call_new(m, NULL, SG_BACKEND_INTERP);

		ck_assert_int_eq(sg_call_run(c), SG_EMISSING);
		ck_assert_int_eq(sg_call_set_dim(c, "M", 3), SG_ENAME);
		ck_assert_int_eq(sg_call_set_dim(c, "N", -3), SG_EVALUE);
		ck_assert_int_eq(sg_call_set_dim(c, "N", 3), SG_OK);
		ck_assert_int_eq(sg_call_run(c), SG_OK);
		ck_assert_int_eq(sg_call_output(c, "a")->count, 3);
		ck_assert_int_eq(((const int64_t *)sg_call_output(c, "a")->data)[2], 2);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(binding_says_what_is_wrong)
	{
		sg_model *m =
		    compile("input value[3]\ninput unused[3]\noutput sum(value) as total\n"
		            "entry other = sum(unused) as s\n");
		sg_call *c = sg_call_new(m, "forward", SG_BACKEND_INTERP);
		int64_t three = 3;
		float f[3] = {0};
		double d[3] = {1, 2, 3}, total;

		ck_assert_int_eq(sg_call_run(c), SG_EMISSING);
		ck_assert_str_eq(sg_call_message(c), "input 'value' is missing: f64 [3]");
		ck_assert_int_eq(sg_call_bind(c, "valeu", SG_DTYPE_F64, 1, &three, d), SG_ENAME);
		ck_assert_str_eq(sg_call_message(c), "no input 'valeu' (did you mean 'value'?)");
		ck_assert_int_eq(sg_call_bind(c, "value", SG_DTYPE_F32, 1, &three, f), SG_ETYPE);
		ck_assert_str_eq(sg_call_message(c), "input 'value': expected f64, got f32");
		ck_assert_int_eq(sg_call_bind(c, "value", SG_DTYPE_F64, 1, &three, NULL),
		                 SG_EVALUE);
		ck_assert_int_eq(sg_call_bind(c, "unused", SG_DTYPE_F64, 1, &three, d), SG_OK);
		ck_assert_int_eq(sg_call_bind(c, "value", SG_DTYPE_F64, 1, &three, d), SG_OK);
		ck_assert_int_eq(sg_call_bind_output(c, "totl", SG_DTYPE_F64, 0, NULL, &total),
		                 SG_ENAME);
		ck_assert_int_eq(sg_call_bind_output(c, "total", SG_DTYPE_F64, 0, NULL, &total),
		                 SG_OK);
		ck_assert_int_eq(sg_call_run(c), SG_OK);
		ck_assert(fabs(total - 6) < 1e-15);
		ck_assert_int_eq(sg_call_bind(c, "value", SG_DTYPE_NONE, 0, NULL, NULL), SG_OK);
		ck_assert_int_eq(sg_call_run(c), SG_EMISSING);
		sg_call_free(c);
		c = sg_call_new(m, "forwart", SG_BACKEND_INTERP);
		ck_assert_int_eq(sg_call_status(c), SG_ENAME);
		ck_assert_str_eq(sg_call_message(c),
		                 "no entry 'forwart' (did you mean 'forward'?)");
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

/* ---- calling: each test runs on each back end ---- */

static const sg_backend backends[] = {SG_BACKEND_INTERP, SG_BACKEND_JIT, SG_BACKEND_CC,
                                      SG_BACKEND_AUTO, SG_BACKEND_TIERED};
enum { BACKENDS = 5 };

/* NULL where this build has no such back end. */
static sg_call *
call_on(sg_model *m, const char *entry, int backend)
{
	sg_call *c;

	if (backends[backend] == SG_BACKEND_JIT && !sg_have_jit())
		return NULL;
	c = sg_call_new(m, entry, backends[backend]);
	ck_assert_msg(sg_call_status(c) == SG_OK, "%s", sg_call_message(c));
	return c;
}

START_TEST(the_gradient_is_what_it_should_be)
	{
		sg_model *m = compile("input x[N]\nparam w = 2.0\nloss = mse_loss(x*w, ones([N]))\n"
		                      "gradient loss wrt w\n");
		sg_call *c = call_on(m, NULL, _i);
		double x[4] = {1, 1, 1, 1};

		if (c) {
			for (int64_t n = 4; n >= 2; n -= 2) {
				bind_f64(c, "x", 1, &n, x);
				ck_assert_msg(sg_call_run(c) == SG_OK, "%s", sg_call_message(c));
				ck_assert(fabs(*(double *)sg_call_output(c, "loss")->data - 1) <
				          1e-14);
				ck_assert(fabs(*(double *)sg_call_output(c, "grad_w")->data - 2) <
				          1e-14);
				ck_assert(fabs(*(double *)sg_call_input(c, "w")->data - 2) < 1e-15);
				ck_assert_int_eq(sg_call_array(c, 0)->shape[0], n);
			}
		}
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(maximum_of_nothing_is_a_code)
	{
		sg_model *m = compile("input x[N]\noutput max(x) as y\n");
		sg_call *c = call_on(m, NULL, _i);
		int64_t none = 0;

		if (c) {
			bind_f64(c, "x", 1, &none, NULL);
			ck_assert_int_eq(sg_call_run(c), SGRT_EEMPTY);
			const char *say = sg_call_message(c), *code = sg_strerror(SGRT_EEMPTY);
			const size_t n = strlen(code);

			ck_assert_msg(strncmp(say, code, n) == 0, "%s", say);
			if (backends[_i] == SG_BACKEND_INTERP) /* it knows where */
				ck_assert_str_eq(say + n, ", at test.sg:2:8");
		}
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(integers_divide_by_zero_with_a_code)
	{
		sg_model *m = compile("input a: i64[2]\noutput 7 // a as q\n");
		sg_call *c = call_on(m, NULL, _i);
		int64_t two = 2, a[2] = {2, 0};

		if (c) {
			ck_assert_int_eq(sg_call_bind(c, "a", SG_DTYPE_I64, 1, &two, a), SG_OK);
			ck_assert_int_eq(sg_call_run(c), SGRT_EDIVIDE);
			a[1] = -2;
			ck_assert_int_eq(sg_call_run(c), SG_OK);
			ck_assert_int_eq(((int64_t *)sg_call_output(c, "q")->data)[1], -4);
		}
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(extent_zero_is_legal)
	{
		sg_model *m = compile("input x[N]\noutput sum(x) as s, exp(x) as e\n");
		sg_call *c = call_on(m, NULL, _i);
		int64_t none = 0;

		if (c) {
			bind_f64(c, "x", 1, &none, NULL);
			ck_assert_msg(sg_call_run(c) == SG_OK, "%s", sg_call_message(c));
			ck_assert(fabs(*(double *)sg_call_output(c, "s")->data) < 1e-300);
			ck_assert_int_eq(sg_call_output(c, "e")->count, 0);
		}
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(machine_code_has_the_prototype_of_written_c)
	{
		typedef int fn(ptrdiff_t, const float *, const float *, const float *, float *,
		               float *, void *);
		sg_model *m = compile(perceptron);
		const sg_entry *e = sg_model_find(m, "gradient");
		float x[20], y[4], w[20], loss, grad[20];
		int64_t n = 2;
		sg_failure why = {0};
		size_t bytes;
		void *args[] = {x, y, w, NULL, NULL}, *work;
		ptrdiff_t dims[] = {2};
		fn *f;

		if ((backends[_i] == SG_BACKEND_JIT && !sg_have_jit()) ||
		    backends[_i] == SG_BACKEND_INTERP) {
			sg_model_free(m);
			return;
		}
		f = (fn *)sg_entry_function(m, e, backends[_i], &why);
		ck_assert_msg(f != NULL, "%s", why.text);
		ck_assert_int_eq(sg_entry_worksize(m, e, &n, &bytes, &why), SG_OK);
		work = aligned_alloc(64, (bytes + 64) / 64 * 64);
		for (int i = 0; i < 20; i++)
			x[i] = 0.1f * (float)(i % 10);
		ck_assert_int_eq(sg_entry_defaults(m, e, backends[_i], &why)(dims, args, work), 0);
		ck_assert(fabsf(w[7] - 0.25f) < 1e-7f && fabsf(y[3] - 1) < 1e-7f);
		ck_assert_int_eq(f(2, x, y, w, &loss, grad, work), 0);
		ck_assert(loss > 0 && loss < 1 && grad[9] < 0);
		ck_assert_str_eq(sg_entry_prototype(m, e, &why),
		                 "int test_gradient(ptrdiff_t N, const float *x, const float *y, "
		                 "const float *w, "
		                 "float *loss, float *grad_w, void *work)");
		free(work);
		sg_model_free(m);
	}
END_TEST

/* The first entry that is asked for is made alone, a second with all: neither may take the other's place. */
START_TEST(entries_are_made_when_asked_for)
	{
		static const char text[] = "input x\n"
					   "entry a = x + 1 as y\n"
					   "entry b = 3*x as y\n"
					   "entry c = x - 5 as y\n";
		static const char *const order[] = {"b", "a", "b", "c", "b"};
		static const double want[] = {6, 3, 6, -3, 6};
		const sg_backend b = sg_have_jit() ? SG_BACKEND_JIT : SG_BACKEND_INTERP;
		const double x = 2;
		sg_model *m = compile(text);

		for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
			sg_call *c = sg_call_new(m, order[i], b);
			const sg_entry *e = sg_model_find(m, order[i]);
			void *args[2] = {(void *)(uintptr_t)&x, NULL};
			sg_uniform call;
			double y = 0;

			bind_f64(c, "x", 0, NULL, &x);
			ck_assert_int_eq(sg_call_run(c), SG_OK);
			ck_assert_double_eq(*(const double *)sg_call_output(c, "y")->data, want[i]);
			sg_call_free(c);
			if (b == SG_BACKEND_INTERP)
				continue;
			args[1] = &y;
			call = sg_entry_uniform(m, e, b, NULL);
			ck_assert(call != NULL);
			ck_assert_int_eq(call(NULL, args, NULL), SG_OK);
			ck_assert_double_eq(y, want[i]);
		}
		sg_model_free(m);
	}
END_TEST

/* libtcc calls nothing with more than 256 arguments: not the function of 300 params, nor a piece of a
 * long function that reads hundreds of arrays. */
static char *
many_params(char *s)
{
	s += sprintf(s, "input x\n");
	for (int i = 0; i < 300; i++)
		s += sprintf(s, "param w%d = %d.5\n", i, i);
	s += sprintf(s, "y = x");
	for (int i = 0; i < 300; i++)
		s += sprintf(s, " + w%d*w%d*x", i, i);
	return s + sprintf(s, "\ngradient y wrt x, w299\n");
}

static char *
many_arrays(char *s)
{
	s += sprintf(s, "input x[3]\ninput w[3, 3]\na0 = x\n");
	for (int i = 1; i < 400; i++)
		s += sprintf(s, "a%d = tanh(w @ a%d)\n", i, i - 1);
	return s + sprintf(s, "y = sum(a399)\ngradient y wrt x, w\n");
}

/* Nor the test of 300 dimensions. */
static char *
many_dims(char *s)
{
	s += sprintf(s, "input x[N]\n");
	for (int i = 0; i < 300; i++)
		s += sprintf(s, "input w%d[N%d]\n", i, i);
	s += sprintf(s, "y = sum(x)");
	for (int i = 0; i < 300; i++)
		s += sprintf(s, " + sum(sin(w%d))", i);
	return s + sprintf(s, "\ngradient y wrt x, w299\n");
}

START_TEST(functions_of_many_arguments_are_called)
	{
		static char *(*const write[])(char *s) = {many_params, many_arrays, many_dims};
		char *text = malloc(1 << 16);
		sg_backend b[2] = {sg_have_jit() ? SG_BACKEND_JIT : SG_BACKEND_INTERP, SG_BACKEND_INTERP};
		sg_call *c[2];
		sg_model *m;

		write[_i](text);
		m = compile(text);
		for (int k = 0; k < 2; k++) {
			c[k] = sg_call_new(m, "gradient", b[k]);
			for (size_t d = 0; d < sg_model_find(m, "gradient")->ndims; d++)
				sg_call_set_dim(c[k], sg_model_find(m, "gradient")->dims[d], 2);
			ck_assert_int_eq(sg_call_make_up(c[k], 3), SG_OK);
			ck_assert_msg(sg_call_run(c[k]) == SG_OK, "%s", sg_call_message(c[k]));
		}
		for (int k = 0; k < 3; k++) {
			const char *name = k == 0 ? "y" : k == 1 ? "grad_x" : _i != 1 ? "grad_w299" : "grad_w";
			const sg_array *got = sg_call_output(c[0], name), *want = sg_call_output(c[1], name);

			for (int64_t i = 0; i < got->count; i++)
				ck_assert_double_eq_tol(((const double *)got->data)[i],
				                        ((const double *)want->data)[i],
				                        1e-12 * (1 + fabs(((const double *)want->data)[i])));
		}
		sg_call_free(c[0]);
		sg_call_free(c[1]);
		sg_model_free(m);
		free(text);
	}
END_TEST

START_TEST(the_evaluator_has_no_machine_code)
	{
		sg_model *m = compile(perceptron);
		sg_failure why;

		ck_assert(!sg_entry_function(m, sg_model_find(m, NULL), SG_BACKEND_INTERP, &why));
		ck_assert_int_eq(why.status, SG_EBACKEND);
		sg_model_free(m);
	}
END_TEST

/* ---- threads ---- */

typedef struct worker {
	sg_model *m;
	sg_backend b;
	double seed, loss, expected;
	int status;
} worker;

static void *
work(void *arg)
{
	worker *w = arg;
	sg_call *c = sg_call_new(w->m, NULL, w->b);
	double x[3] = {w->seed, 2, 3};
	int64_t n = 3;

	w->status = sg_call_bind(c, "x", SG_DTYPE_F64, 1, &n, x);
	for (int i = 0; i < 50 && w->status == SG_OK; i++)
		w->status = sg_call_run(c);
	if (w->status == SG_OK)
		w->loss = *(double *)sg_call_output(c, "y")->data;
	sg_call_free(c);
	return NULL;
}

START_TEST(one_model_serves_many_threads)
	{
		enum { THREADS = 8 };
		sg_model *m = compile("input x[N]\ny = sum(x**2)\ngradient y wrt x\n");
		pthread_t t[THREADS];
		worker w[THREADS];

		for (int i = 0; i < THREADS; i++) {
			w[i] = (worker){.m = m, .b = backends[i % 2], .seed = i};
			if (!sg_have_jit())
				w[i].b = SG_BACKEND_INTERP;
			ck_assert_int_eq(pthread_create(&t[i], NULL, work, &w[i]), 0);
		}
		for (int i = 0; i < THREADS; i++) {
			pthread_join(t[i], NULL);
			ck_assert_int_eq(w[i].status, SG_OK);
			ck_assert(fabs(w[i].loss - (i * i + 13)) < 1e-12);
		}
		sg_model_free(m);
	}
END_TEST

/* ---- texts and figures ---- */

START_TEST(texts_are_written)
	{
		sg_model *m = compile(perceptron);
		sg_failure why;
		const char *h, *c = sg_write_c(m, NULL, 0, &h, &why);

		ck_assert_msg(c != NULL, "%s", why.text);
		ck_assert_ptr_nonnull(strstr(c, "#include \"test.h\""));
		ck_assert_ptr_nonnull(strstr(h, "test_gradient"));
		ck_assert_ptr_nonnull(strstr(sg_write_c(m, "other.h", 1, NULL, &why), "other.h"));
		ck_assert_ptr_nonnull(strstr(sg_write_sg(m, &why), "gradient"));
		ck_assert_int_gt((int)strlen(sg_write_ir(m, &why)), 50);
		sg_model_free(m);
	}
END_TEST

START_TEST(what_is_written_as_sg_compiles_again)
	{
		sg_model *m = compile(perceptron), *again = compile(sg_write_sg(m, NULL));
		sg_call *c = sg_call_new(m, NULL, SG_BACKEND_INTERP);
		sg_call *d = sg_call_new(again, NULL, SG_BACKEND_INTERP);
		int64_t shape[2] = {2, 10};
		float x[20];

		for (int i = 0; i < 20; i++)
			x[i] = 0.1f * (float)i;
		ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F32, 2, shape, x), SG_OK);
		ck_assert_int_eq(sg_call_bind(d, "x", SG_DTYPE_F32, 2, shape, x), SG_OK);
		ck_assert_int_eq(sg_call_run(c), SG_OK);
		ck_assert_int_eq(sg_call_run(d), SG_OK);
		for (int i = 0; i < 20; i++)
			ck_assert(fabsf(((float *)sg_call_output(c, "grad_w")->data)[i] -
			                ((float *)sg_call_output(d, "grad_w")->data)[i]) < 1e-7f);
		sg_call_free(c);
		sg_call_free(d);
		sg_model_free(m);
		sg_model_free(again);
	}
END_TEST

START_TEST(figures_count_operations)
	{
		sg_model *m = compile("input x[N]\ny = sum(x*x)\ngradient y wrt x\n");
		const sg_entry *e = sg_model_find(m, NULL);
		const char *text;
		int64_t n = 100;
		sg_figures f;

		ck_assert_int_eq(sg_entry_figures(m, e, &n, &f, NULL), SG_OK);
		ck_assert_int_gt((int)f.nvalue_operations, 100);
		ck_assert_int_ge((int)f.noperations, (int)f.nvalue_operations);
		ck_assert_int_le((int)f.noperations, 4 * (int)f.nvalue_operations);
		ck_assert_ptr_nonnull(strstr(f.operations, "N"));
		ck_assert_int_eq(sg_entry_figures(m, e, NULL, &f, NULL), SG_OK);
		ck_assert_int_eq(f.noperations, -1);
		/* and are made once, however often somebody asks */
		text = f.operations;
		ck_assert_int_eq(sg_entry_figures(m, e, &n, &f, NULL), SG_OK);
		ck_assert_ptr_eq(f.operations, text);
		ck_assert_int_ge(f.noperations, 200);
		sg_model_free(m);
	}
END_TEST

/* The bound of the cheap gradient principle, with one for each op whose adjoint is dear. most: times
 * the value, in hundredths. */
static const struct {
	const char *text;
	int most;
} gradients[] = {
    {"param w[N, N], b[N]\ninput x[N, N]\ngradient mse_loss(tanh(x @ w + b), x) as y wrt w, b\n", 400},
    {"param x[N, N]\ngradient sum(softmax(x)**2) as y wrt x\n", 400},
    {"param x[N, N]\ngradient sum(logsumexp(x, axis=1)) + sum(log_softmax(x)**2) as y wrt x\n", 400},
    {"param x[N, N]\ngradient sum(layer_norm(x)**3) + sum(rms_norm(x)) as y wrt x\n", 400},
    {"param x[N, N]\ngradient sum(cumsum(exp(x))**2) + sum(norm(x, axis=1)) as y wrt x\n", 400},
    {"param x[N]\ngradient sum(roll(x, 1)*x) + sum(100*(x[1:] - x[:-1]**2)**2) as y wrt x\n", 400},
    {"param x[N, N]\ninput i: i64[N]\ngradient sum(sin(x[i])) + sum(max(x, axis=0)) as y wrt x\n", 400},
    {"param a[N, N]\ngradient sum(solve(a, exp(a))) + logdet(a) as y wrt a\n", 400},
    {"param a[N, N]\ngradient sum(cholesky(a @ a.T + eye(N))) as y wrt a\n", 400},
    {"param x[2, 3, 12, 12], k[4, 3, 3, 3]\ngradient sum(conv2d(x, k)**2) as y wrt x, k\n", 400},
    {"param w[N, N], h[N]\ninput x[N, N]\n"
     "gradient sum(scan((h, v) -> tanh(w @ h + v), h, over=x)) as y wrt w, h\n", 310},
    /* the steps between two checkpoints are computed again */
    {"param w[N, N], h[N]\ninput x[N, N]\n"
     "gradient sum(scan((h, v) -> tanh(w @ h + v), h, over=x, checkpoint=8)) as y wrt w, h\n", 410},
    /* a triangle is solved by half of the operations of a product, which its adjoint has too */
    {"param a[N, N]\ngradient sum(solve_triangular(tril(a), exp(a))) as y wrt a\n", 500},
};

START_TEST(gradients_cost_a_small_multiple_of_the_value)
	{
		sg_model *m = compile(gradients[_i].text);
		const sg_entry *e = sg_model_find(m, "gradient");
		const int64_t n = 64;
		sg_figures f;

		ck_assert_int_eq(sg_entry_figures(m, e, &n, &f, NULL), SG_OK);
		ck_assert_msg(100 * f.noperations <= gradients[_i].most * f.nvalue_operations,
		              "%s costs %lld, and the value %lld", gradients[_i].text,
		              (long long)f.noperations, (long long)f.nvalue_operations);
		sg_model_free(m);
	}
END_TEST

/* Between a few numbers sweeps go only where there are paths. most: operations, where CasADi 3.8.2
 * has 166 and 675 instructions, of which a sine is one and not ten. */
static const struct {
	const char *text;
	int most;
} few[] = {
#define ARM                                                                                        \
	"param q[4]\ninput a[4], d[4]\n"                                                           \
	"def link(T, q, a, d) = T @ [[cos(q), -sin(q), 0, a], [sin(q), cos(q), 0, a*q], "          \
	"[0, 0, 1, d], [0, 0, 0, 1]]\nt = scan(link, eye(4), over=(q, a, d))[:3, 3]\n"
    {ARM "entry e = jacobian(t, q) as J\n", 450},
    {ARM "entry e = hessian(dot(t, t), q) as H\n", 1500},
#undef ARM
};

START_TEST(derivatives_between_a_few_numbers_follow_paths)
	{
		sg_model *m = compile(few[_i].text);
		sg_figures f;

		ck_assert_int_eq(sg_entry_figures(m, sg_model_find(m, "e"), NULL, &f, NULL), SG_OK);
		ck_assert_msg(f.noperations <= few[_i].most, "%s costs %lld", few[_i].text,
		              (long long)f.noperations);
		sg_model_free(m);
	}
END_TEST

START_TEST(times_are_told_by_phase)
	{
		sg_model *m = compile(perceptron);
		sg_times t = sg_model_times(m);

		ck_assert(t.parse > 0 && t.differentiate > 0 && t.compile >= 0);
		sg_model_free(m);
	}
END_TEST

START_TEST(binaries_are_written_beside_and_renamed)
	{
		char dir[] = "/tmp/check_api-XXXXXX", path[64];
		sg_model *m = compile(perceptron);
		sg_failure why;
		struct stat st;

		ck_assert_ptr_nonnull(mkdtemp(dir));
		ck_assert_int_lt(snprintf(path, sizeof path, "%s/test.so", dir), (int)sizeof path);
		ck_assert_msg(sg_write_binary(m, path, 1, &why) == SG_OK, "%s", why.text);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_int_eq(rmdir(dir), 0); /* nothing else was left */
		ck_assert_int_eq(sg_write_binary(m, "/dev/null/test.o", 0, &why), SG_EFILE);
		ck_assert_ptr_nonnull(strstr(why.text, strerror(ENOTDIR)));
		sg_model_free(m);
	}
END_TEST

/* ---- the gradient check ---- */

/* Checks c; the report is the caller's. */
static void
passes(sg_call *c, uint64_t seed, sg_report *report)
{
	sg_failure why;

	ck_assert_msg(sg_check(c, seed, report, &why) == SG_OK, "%s", why.text);
	ck_assert_msg(report->ok, "%s against %s: %g", report->rows[0].output,
	              report->rows[0].against, report->rows[0].error);
}

/* Checks all entries with the numbers of some seeds. */
static void
pass_from(sg_model *m, uint64_t from, uint64_t to)
{
	for (uint64_t seed = from; seed < to; seed++)
		for (size_t i = 0; i < sg_model_nentries(m); i++) {
			sg_call *c = sg_call_new(m, sg_model_entry(m, i)->name, SG_BACKEND_AUTO);
			sg_report report;

			passes(c, seed, &report);
			sg_report_free(&report);
			sg_call_free(c);
		}
}

START_TEST(right_derivatives_pass_the_check)
	{
		sg_model *m = compile("input x[N, 3]\nparam w[3]\ny = sum(tanh(x @ w)**2)\n"
		                      "gradient y wrt w\n"
		                      "entry second = hessian(y, w) as H, hvp(y, w, w) as hv, "
		                      "jacobian(x @ w, w) as J, jvp(x @ w, w, w) as jv\n");

		for (size_t i = 0; i < sg_model_nentries(m); i++) {
			sg_call *c = sg_call_new(m, sg_model_entry(m, i)->name, SG_BACKEND_AUTO);
			sg_report report;

			passes(c, 1, &report);
			ck_assert_uint_ge(report.nrows, 2);
			sg_report_free(&report);
			sg_call_free(c);
		}
		sg_model_free(m);
	}
END_TEST

/* Neither is the evaluator's f32 as good as f64, nor do steps that f32 swallows show a derivative
 * of 0. */
START_TEST(f32_within_f64_passes_the_check)
	{
		sg_model *m =
		    compile("input z: f32[4, 3], y[4], v: f32[3]\n"
		            "l = sum(scan((c, r) -> cast(c*0.3 + r, f32), v, over=z))\n"
		            "gradient sum(z @ v*y) as s wrt v\nentry last = grad(l, v) as g\n");

		pass_from(m, 1, 9);
		sg_model_free(m);
	}
END_TEST

/* One sweep, as for a single name: not one for each pair of parts. */
START_TEST(a_hessian_of_a_tuple_costs_some_gradients)
	{
		sg_model *m = compile("input x[100, 20]\nparam a[20, 30], b[30, 30], c[30]\n"
		                      "input u[20, 30], v[30, 30], w[30]\nt = (a, b, c)\n"
		                      "y = sum((tanh(tanh(x @ a) @ b) @ c)**2)\n"
		                      "gradient y wrt params\np, q, r = hvp(y, t, (u, v, w))\n"
		                      "entry h = p as p, q as q, r as r\n");
		sg_figures g, h;

		ck_assert_int_eq(sg_entry_figures(m, sg_model_find(m, "gradient"), NULL, &g, NULL),
		                 SG_OK);
		ck_assert_int_eq(sg_entry_figures(m, sg_model_find(m, "h"), NULL, &h, NULL), SG_OK);
		ck_assert_msg(h.noperations < 4 * g.noperations, "%lld after %lld",
		              (long long)h.noperations, (long long)g.noperations);
		sg_model_free(m);
	}
END_TEST

/* In f32 these are 1 to the last digit or the last but one, which leaves their slopes no digit. */
START_TEST(saturation_in_f32_passes_the_check)
	{
		const float x[] = {8.1F, 8.4F, 8.6F, 8.75F, 8.9F};
		sg_model *m = compile("real f32\ninput x[5]\ngradient sum(tanh(x)) as y wrt x\n");
		sg_call *c = sg_call_new(m, NULL, SG_BACKEND_AUTO);
		const int rounding = fegetround();
		sg_report report;

		ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F32, 1, (const int64_t[]){5}, x),
		                 SG_OK);
		passes(c, 1, &report);
		ck_assert_int_eq(fegetround(), rounding);
		for (size_t i = 0; i < report.nrows; i++)
			ck_assert(report.rows[i].limit <= 1e-4 ||
			          strcmp(report.rows[i].output, "y") != 0);
		sg_report_free(&report);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

/* Windows whose two largest numbers are nearly alike have kinks within most steps of a difference.
 */
START_TEST(near_ties_pass_the_check)
	{
		sg_model *m = compile(
		    "param x[10, 4, 10]\ninput w[4, 2, 3]\n"
		    "c = conv1d(x, w, groups=2, padding=1)*0.37\n"
		    "p = max_pool1d(c + 0.01*cumsum(c, axis=2), 3, stride=1, padding=1)\n"
		    "v = vjp(cumsum(sin(p), axis=0), p, cos(p))/11\n"
		    "gradient sum(sin(0.4 + log1p(v**2) + sqrt(v**2 + 0.35))) as y wrt x, w\n");

		pass_from(m, 616, 619);
		sg_model_free(m);
	}
END_TEST

/* Weights of about 1 would make this exp overflow, and the derivatives NaN. */
START_TEST(a_net_is_checked_where_it_has_finite_numbers)
	{
		sg_model *m =
		    compile("real f32\ninput x[2, 300]\nparam a[300, 60], b[40, 60], c[40, 4]\n"
		            "h = relu(x @ a) @ b.T\ny = mean(exp(0.5*h) @ c)\n"
		            "gradient y wrt params\n");
		sg_call *c = sg_call_new(m, NULL, SG_BACKEND_AUTO);
		sg_report report;

		passes(c, 1, &report);
		for (size_t i = 0; i < report.nrows; i++)
			ck_assert(isfinite(report.rows[i].is) && isfinite(report.rows[i].expected));
		sg_report_free(&report);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(a_wrong_rule_fails_the_check)
	{
		sg_model *m = compile("def f(x) = x**3\nderivative f(x; dz) = 2*x**2*dz\n"
		                      "input x\ngradient f(x) as y wrt x\n");
		sg_call *c = sg_call_new(m, NULL, SG_BACKEND_INTERP);
		sg_report report;

		ck_assert_int_eq(sg_check(c, 1, &report, NULL), SG_OK);
		ck_assert(!report.ok);
		ck_assert_str_eq(report.rows[0].against, "finite differences");
		ck_assert(report.rows[0].error > 0.1);
		sg_report_free(&report);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

/* ---- loaders ---- */

START_TEST(sha256_agrees_with_the_standard)
	{
		char digits[65];
		const char *texts[] = {"abc"};

		/* sha256sum of the length as eight bytes, then the text */
		sg_sha256(0, texts, digits);
		ck_assert_str_eq(
		    digits, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
		sg_sha256(1, texts, digits);
		ck_assert_str_eq(
		    digits, "c3494ca1a2cf8eeb8a11ded316fb55b83c3bbbedb6313cd50415251e5d09e12f");
	}
END_TEST

START_TEST(the_system_compiler_works_without_a_cache)
	{
		const char *name = "f";
		void *addr;
		char *why, *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
		sg_code *code;

		home = home ? strdup(home) : NULL;
		cache = cache ? strdup(cache) : NULL;
		setenv("HOME", "/dev/null", 1);
		setenv("XDG_CACHE_HOME", "/dev/null", 1);
		code = sg_load_cc("double f(double x);\ndouble f(double x) { return x + 1; }\n", 1,
		                  &name, &addr, &why);
		ck_assert_msg(code != NULL, "%s", why);
		ck_assert(fabs(((double (*)(double))(uintptr_t)addr)(1) - 2) < 1e-15);
		sg_unload(code);
		ck_assert_ptr_null(sg_load_cc("int f(\n", 1, &name, &addr, &why));
		ck_assert_ptr_nonnull(strstr(why, "error"));
		free(why);
		setenv("SYMGRAD_CC", "/dev/null/cc", 1);
		ck_assert_ptr_null(sg_load_cc("int f;\n", 1, &name, &addr, &why));
		ck_assert_ptr_nonnull(strstr(why, "SYMGRAD_CC"));
		free(why);
		unsetenv("SYMGRAD_CC");
		if (home)
			setenv("HOME", home, 1);
		if (cache)
			setenv("XDG_CACHE_HOME", cache, 1);
		else
			unsetenv("XDG_CACHE_HOME");
		free(home);
		free(cache);
	}
END_TEST

static void
add_model_tests(TCase *c)
{
	tcase_add_test(c, a_model_lists_its_entries);
	tcase_add_test(c, training_has_the_loss_and_the_gradients_of_all_params);
	tcase_add_test(c, errors_come_back_as_values);
	tcase_add_test(c, a_call_of_a_broken_model_says_so);
	tcase_add_test(c, a_missing_file_is_a_diagnostic);
	tcase_add_test(c, options_choose_type_entry_dimensions_and_prefix);
	tcase_add_test(c, a_negative_dimension_is_one_mistake);
	tcase_add_test(c, an_expression_has_entry_eval_or_diff);
	tcase_add_test(c, names_to_differentiate_by_are_names_and_each_stands_once);
	tcase_add_test(c, every_status_has_a_sentence);
	tcase_add_test(c, codes_are_explained);
	tcase_add_loop_test(c, dimensions_follow_from_shapes, 0,
	                    (int)(sizeof shape_cases / sizeof *shape_cases));
	tcase_add_test(c, a_dimension_is_given_by_name);
	tcase_add_test(c, binding_says_what_is_wrong);
}

int
main(void)
{
	Suite *s = suite_create("api");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	add_model_tests(c);
	tcase_add_loop_test(c, the_gradient_is_what_it_should_be, 0, BACKENDS);
	tcase_add_loop_test(c, maximum_of_nothing_is_a_code, 0, BACKENDS);
	tcase_add_loop_test(c, integers_divide_by_zero_with_a_code, 0, BACKENDS);
	tcase_add_loop_test(c, extent_zero_is_legal, 0, BACKENDS);
	tcase_add_loop_test(c, machine_code_has_the_prototype_of_written_c, 0, BACKENDS);
	tcase_add_test(c, entries_are_made_when_asked_for);
	tcase_add_loop_test(c, functions_of_many_arguments_are_called, 0, 3);
	tcase_add_test(c, the_evaluator_has_no_machine_code);
	tcase_add_test(c, one_model_serves_many_threads);
	tcase_add_test(c, texts_are_written);
	tcase_add_test(c, what_is_written_as_sg_compiles_again);
	tcase_add_test(c, figures_count_operations);
	tcase_add_loop_test(c, derivatives_between_a_few_numbers_follow_paths, 0,
	                    sizeof few / sizeof *few);
	tcase_add_loop_test(c, gradients_cost_a_small_multiple_of_the_value, 0,
	                    sizeof gradients / sizeof *gradients);
	tcase_add_test(c, times_are_told_by_phase);
	tcase_add_test(c, binaries_are_written_beside_and_renamed);
	tcase_add_test(c, right_derivatives_pass_the_check);
	tcase_add_test(c, a_hessian_of_a_tuple_costs_some_gradients);
	tcase_add_test(c, f32_within_f64_passes_the_check);
	tcase_add_test(c, saturation_in_f32_passes_the_check);
	tcase_add_test(c, near_ties_pass_the_check);
	tcase_add_test(c, a_net_is_checked_where_it_has_finite_numbers);
	tcase_add_test(c, a_wrong_rule_fails_the_check);
	tcase_add_test(c, sha256_agrees_with_the_standard);
	tcase_add_test(c, the_system_compiler_works_without_a_cache);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
