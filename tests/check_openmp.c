/* check_openmp.c - loops on OpenMP's threads: the same bits for any number of threads, and the
 * values of the evaluator. */
#include <check.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/symgrad.h"
#include "scratch.h"
#include "symgrad_runtime.h"
#include "thread_models.h"

static sg_model *
compile(const char *text)
{
	const sg_options o = {.openmp = 1};
	sg_model *m = sg_compile_string("test.sg", text, strlen(text), &o);

	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

/* ---- calls of the shared object ---- */

typedef struct outputs {
	void *data[8];
	size_t bytes[8];
} outputs;

/* As the object itself says; the prototype has one parameter for each dimension. */
static size_t
work_size(void *handle, const sg_entry *e, const ptrdiff_t *dims)
{
	typedef size_t one(ptrdiff_t);
	typedef size_t two(ptrdiff_t, ptrdiff_t);
	typedef size_t three(ptrdiff_t, ptrdiff_t, ptrdiff_t);
	char name[64];
	void *f;

	snprintf(name, sizeof name, "test_%s_work", e->name);
	f = dlsym(handle, name);
	ck_assert(f && e->ndims >= 1 && e->ndims <= 3);
	return e->ndims == 1   ? ((one *)(uintptr_t)f)(dims[0])
	       : e->ndims == 2 ? ((two *)(uintptr_t)f)(dims[0], dims[1])
	                       : ((three *)(uintptr_t)f)(dims[0], dims[1], dims[2]);
}

static int
call_with(void *handle, const sg_call *judge, sg_uniform f, outputs *out)
{
	const sg_entry *e = sg_call_entry(judge);
	ptrdiff_t dims[8];
	void *args[16], *work;
	size_t bytes;
	int status;

	for (size_t i = 0; i < e->ndims; i++)
		dims[i] = (ptrdiff_t)sg_call_dims(judge)[i];
	for (size_t i = 0; i < e->ninputs + e->noutputs; i++) {
		const sg_array *a = sg_call_array(judge, i);

		args[i] = a->data;
		if (i < e->ninputs)
			continue;
		out->bytes[i - e->ninputs] = (size_t)a->count * sg_dtype_size(a->type);
		args[i] = out->data[i - e->ninputs] = calloc((size_t)a->count + 1, 8);
		ck_assert_ptr_nonnull(args[i]);
	}
	bytes = work_size(handle, e, dims);
	work = aligned_alloc(64, (bytes + 64) / 64 * 64);
	ck_assert_ptr_nonnull(work);
	status = f(dims, args, work);
	free(work);
	return status;
}

static void
free_outputs(outputs *out)
{
	for (int i = 0; i < 8; i++)
		free(out->data[i]);
	memset(out, 0, sizeof *out);
}

static void
compare_with(const sg_call *judge, const outputs *out)
{
	const sg_entry *e = sg_call_entry(judge);

	for (size_t k = 0; k < e->noutputs; k++) {
		const sg_array *a = sg_call_array(judge, e->ninputs + k);
		double scale = 1e-300, error = 0;

		for (int64_t i = 0; i < a->count; i++) {
			double x = element(a->data, a->type, i);

			scale = fmax(scale, fabs(x));
			error = fmax(error, fabs(x - element(out->data[k], a->type, i)));
		}
		ck_assert_msg(error <= (a->type == SG_DTYPE_F32 ? 1e-4 : 1e-10) * scale, "%s: %g",
		              a->name, error);
	}
}

/* The object, loaded for good, since OpenMP's threads outlive the calls; NULL: the C compiler has
 * no OpenMP. */
static void *
build(sg_model *m)
{
	char path[128];
	sg_failure why;
	void *handle;

	snprintf(path, sizeof path, "%s/test.so", scratch);
	if (sg_write_binary(m, path, 1, &why) != SG_OK) {
		ck_assert_msg(strstr(why.text, "openmp") || strstr(why.text, "omp"), "%s",
		              why.text);
		return NULL;
	}
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(handle != NULL, "%s", dlerror());
	return handle;
}

static void
run_entry(sg_model *m, void *handle, const char *entry, const char *dims)
{
	static const int threads[] = {1, 2, 3, 8};
	sg_call *judge = judge_of(m, entry, dims);
	void (*set_threads)(int);
	char name[64];
	sg_uniform f;
	outputs first = {0}, next = {0};
	void *p;

	snprintf(name, sizeof name, "test_%s_call", entry);
	p = dlsym(handle, name);
	memcpy(&f, &p, sizeof f);
	p = dlsym(handle, "omp_set_num_threads");
	memcpy(&set_threads, &p, sizeof set_threads);
	ck_assert(f && set_threads);
	for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
		set_threads(threads[k]);
		ck_assert_int_eq(call_with(handle, judge, f, k ? &next : &first), 0);
		for (int i = 0; k && i < 8; i++)
			ck_assert_msg(!next.bytes[i] ||
			                  memcmp(first.data[i], next.data[i], next.bytes[i]) == 0,
			              "output %d, %d threads", i, threads[k]);
		free_outputs(&next);
	}
	compare_with(judge, &first);
	free_outputs(&first);
	sg_call_free(judge);
}

static int
count(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

START_TEST(results_do_not_depend_on_the_number_of_threads)
	{
		sg_model *m = compile(models[_i].text);
		const char *c = sg_write_c(m, NULL, 1, NULL, NULL);
		void *handle = build(m);

		ck_assert_ptr_nonnull(c);
		ck_assert_msg(count(c, "\tSGRT_PARALLEL") >= models[_i].wants, "%s: %d loops",
		              models[_i].claim, count(c, "\tSGRT_PARALLEL"));
		for (size_t i = 0; handle && i < sg_model_nentries(m); i++)
			run_entry(m, handle, sg_model_entry(m, i)->name, models[_i].dims);
		sg_model_free(m);
	}
END_TEST

START_TEST(small_work_has_no_threads)
	{
		sg_model *m =
		    compile("input x[100], y[20, 20]\noutput sum(exp(x)) as s, y @ y as z, "
		            "softmax(y) as p, tanh(x) as t\n");
		const char *c = sg_write_c(m, NULL, 1, NULL, NULL);

		ck_assert_int_eq(count(c, "PARALLEL"), 0);
		sg_model_free(m);
	}
END_TEST

START_TEST(nothing_is_parallel_that_was_not_asked_to_be)
	{
		sg_model *m =
		    sg_compile_string("test.sg", models[0].text, strlen(models[0].text), NULL);

		ck_assert_int_eq(count(sg_write_c(m, NULL, 1, NULL, NULL), "PARALLEL"), 0);
		sg_model_free(m);
	}
END_TEST

START_TEST(failures_come_out_of_the_threads)
	{
		static const char *const texts[] = {
		    "input x[N], i: i64[M]\noutput x[i]*2 as y\n",
		    "input x[N], i: i64[M]\noutput sum(x[i]**2) as y\n",
		    "input x[N], i: i64[M]\noutput sum(x) * i as y, max(x) as z\n"};
		sg_model *m = compile(texts[_i]);
		sg_call *judge = judge_of(m, "forward", "N=2 M=300000");
		void *handle = build(m);
		int64_t m_extent = 300000, *index = calloc(300000, sizeof *index), n = 2;
		double x[2] = {1, 2};
		outputs out = {0};
		sg_uniform f;
		void *p;

		index[250000] = 2;
		if (_i == 2)
			n = 0;
		ck_assert_int_eq(sg_call_bind(judge, "i", SG_DTYPE_I64, 1, &m_extent, index),
		                 SG_OK);
		ck_assert_int_eq(sg_call_bind(judge, "x", SG_DTYPE_F64, 1, &n, x), SG_OK);
		ck_assert_int_eq(sg_call_set_dim(judge, "N", -1), SG_OK);
		ck_assert_int_eq(sg_call_prepare(judge), SG_OK);
		if (handle) {
			p = dlsym(handle, "test_forward_call");
			memcpy(&f, &p, sizeof f);
			ck_assert_int_eq(call_with(handle, judge, f, &out),
			                 _i == 2 ? SGRT_EEMPTY : SGRT_EINDEX);
			free_outputs(&out);
		}
		free(index);
		sg_call_free(judge);
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("openmp");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, make_scratch, remove_scratch);
	tcase_add_loop_test(c, results_do_not_depend_on_the_number_of_threads, 0, MODELS);
	tcase_add_test(c, small_work_has_no_threads);
	tcase_add_test(c, nothing_is_parallel_that_was_not_asked_to_be);
	tcase_add_loop_test(c, failures_come_out_of_the_threads, 0, 3);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
