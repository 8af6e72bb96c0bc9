/* check_files.c - models as files of C: one for each entry, values of params inside or outside, and
 * what the library says of values that do not fit. What the C computes, tests/cli proves. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "api/symgrad.h"

static const char text[] =
    "input x[N, 2]\n"
    "param w[2, 30] = 0.5 * ones([2, 30]), b[30], i: i32[2] = [3, 4], free[N] = ones([N])\n"
    "h = tanh(x @ w + b)\n"
    "output h\n"
    "gradient sum(h) as s wrt w\n"
    "entry inner = grad(sum(def_of(w)), w) as g\n"
    "entry whole = sum(i) as n\n"
    "entry dims = sum(free) as f\n";

static sg_model *
compile(const char *entry)
{
	static const char def[] = "def def_of(u) = grad(sum(u**3), u)\n";
	const sg_options o = {.entry = entry};
	char all[sizeof def + sizeof text];
	sg_model *m;

	strcat(strcpy(all, def), text);
	m = sg_compile_string("m.sg", all, strlen(all), &o);
	ck_assert_ptr_nonnull(m);
	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

/* The text of the file with this tail, or NULL. */
static const char *
file(const sg_written *f, size_t n, const char *tail)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f[i].tail, tail) == 0)
			return f[i].text;
	return NULL;
}

static int
has(const char *s, const char *part)
{
	return s && strstr(s, part) != NULL;
}

static const double zeros[60];
static const int64_t shape_w[2] = {2, 30}, shape_b[1] = {30};
static const sg_value value_b = {"b", SG_DTYPE_F64, 1, shape_b, zeros};

START_TEST(a_model_is_one_file_or_one_for_each_entry)
	{
		sg_model *m = compile(NULL);
		const sg_c_options split = {.split = 1}, alone = {.split = 1, .alone = 1};
		sg_failure why;
		const char *h;
		size_t n;
		const sg_written *f = sg_write_files(m, NULL, &n, &why);

		ck_assert_uint_eq(n, 2);
		ck_assert_str_eq(file(f, n, ".c"), sg_write_c(m, NULL, 0, &h, &why));
		ck_assert_str_eq(file(f, n, ".h"), h);
		f = sg_write_files(m, &split, &n, &why);
		ck_assert_uint_eq(n, 7);
		ck_assert_str_eq(f[0].tail, ".h");
		ck_assert_str_eq(f[0].text, h);
		ck_assert(has(file(f, n, ".c"), "m_module"));
		ck_assert(has(file(f, n, "_whole.c"), "\nm_whole("));
		ck_assert(!has(file(f, n, "_whole.c"), "m_forward"));
		f = sg_write_files(m, &alone, &n, &why);
		ck_assert_uint_eq(n, 5);
		ck_assert(!has(file(f, n, "_forward.c"), "m.h"));
		ck_assert(has(file(f, n, "_forward.c"), "sgrt_"));
		sg_model_free(m);
	}
END_TEST

START_TEST(a_param_is_no_argument_unless_a_derivative_is_taken_by_it)
	{
		const sg_c_options o = {
		    .weights = SG_WEIGHTS_INLINE, .nvalues = 1, .values = &value_b};
		sg_failure why;
		size_t n;

		for (int k = 0; k < 3; k++) {
			static const struct {
				const char *entry, *prototype;
			} row[] = {
			    {"forward", "int m_forward(ptrdiff_t N, const double *x, double *h, "
			                "void *work);"},
			    {"gradient", "int m_gradient(ptrdiff_t N, const double *x, const "
			                 "double *w, double *s, double *grad_w,"},
			    {"inner", "int m_inner(const double *w, double *g, void *work);"},
			};
			sg_model *m = compile(row[k].entry);
			const sg_written *f = sg_write_files(m, &o, &n, &why);

			ck_assert_msg(f != NULL, "%s", why.text);
			ck_assert_msg(has(file(f, n, ".h"), row[k].prototype), "%s",
			              file(f, n, ".h"));
			/* the model is what it was */
			ck_assert(has(sg_entry_prototype(m, sg_model_find(m, NULL), &why),
			              "const double *w"));
			sg_model_free(m);
		}
	}
END_TEST

START_TEST(values_outside_have_a_file)
	{
		sg_model *m = compile("forward");
		const sg_c_options o = {.weights = SG_WEIGHTS_EXTERN,
		                        .standalone = 1,
		                        .nvalues = 1,
		                        .values = &value_b};
		sg_failure why;
		size_t n;
		const sg_written *f = sg_write_files(m, &o, &n, &why);

		ck_assert_msg(f != NULL, "%s", why.text);
		ck_assert_uint_eq(n, 3);
		ck_assert(has(file(f, n, ".h"), "extern const double m_w[60]; /* [2, 30] */"));
		ck_assert(has(file(f, n, "_weights.c"), "const double m_b[30] = {"));
		ck_assert(!has(file(f, n, ".c"), "const double m_b"));
		sg_model_free(m);
	}
END_TEST

START_TEST(values_that_do_not_fit_are_refused)
	{
		static const int64_t other[2] = {30, 2};
		static const struct {
			sg_value value[2];
			size_t n;
			int status;
			const char *text;
		} row[] = {
		    {{{0}}, 0, SG_EMISSING, "param 'b' has no default, and no value is given"},
		    {{{"ww", SG_DTYPE_F64, 1, shape_b, zeros}},
		     1,
		     SG_ENAME,
		     "the model has no param 'ww'; did you mean 'w'?"},
		    {{{"x", SG_DTYPE_F64, 1, shape_b, zeros}},
		     1,
		     SG_ENAME,
		     "'x' is an input, and values are of params"},
		    {{{NULL, SG_DTYPE_F64, 1, shape_b, zeros}},
		     1,
		     SG_EVALUE,
		     "a value has no name"},
		    {{{"w", SG_DTYPE_F32, 2, shape_w, zeros}},
		     1,
		     SG_ETYPE,
		     "param 'w': expected f64, got f32"},
		    {{{"w", SG_DTYPE_F64, 2, other, zeros}},
		     1,
		     SG_ESHAPE,
		     "param 'w': expected [2, 30], got [30, 2]"},
		    {{{"w", SG_DTYPE_F64, 1, other, zeros}},
		     1,
		     SG_ESHAPE,
		     "param 'w': expected [2, 30], got [30]"},
		    {{{"w", SG_DTYPE_F64, 2, shape_w, NULL}},
		     1,
		     SG_EVALUE,
		     "param 'w': the data is NULL"},
		    {{{"b", SG_DTYPE_F64, 1, shape_b, zeros},
		      {"b", SG_DTYPE_F64, 1, shape_b, zeros}},
		     2,
		     SG_EVALUE,
		     "param 'b' is given twice"},
		};
		sg_model *m = compile("forward"), *d = compile("dims");
		const sg_c_options inside = {.weights = SG_WEIGHTS_INLINE};
		sg_failure why;
		size_t n = 9;

		for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
			const sg_c_options o = {.weights = SG_WEIGHTS_EXTERN,
			                        .nvalues = row[k].n,
			                        .values = row[k].value};

			ck_assert_ptr_null(sg_write_files(m, &o, &n, &why));
			ck_assert_uint_eq(n, 0);
			ck_assert_str_eq(why.text, row[k].text);
			ck_assert_int_eq(why.status, row[k].status);
			ck_assert_ptr_null(sg_write_files(m, &o, &n, NULL));
		}
		ck_assert_ptr_null(sg_write_files(d, &inside, &n, &why));
		ck_assert_str_eq(why.text, "param 'free': its shape [N] is not fixed");
		ck_assert_int_eq(why.status, SG_ESHAPE);
		sg_model_free(m);
		sg_model_free(d);
	}
END_TEST

START_TEST(options_that_can_not_be_are_refused)
	{
		sg_model *m = compile("whole");
		const sg_c_options where = {.weights = (sg_weights)7};
		const sg_c_options null = {.weights = SG_WEIGHTS_INLINE, .nvalues = 1};
		sg_failure why;
		size_t n;

		ck_assert_ptr_null(sg_write_files(m, NULL, NULL, &why));
		ck_assert_str_eq(why.text, "the place for the number of files is NULL");
		ck_assert_ptr_null(sg_write_files(NULL, NULL, &n, &why));
		ck_assert_int_eq(why.status, SG_EVALUE);
		ck_assert_ptr_null(sg_write_files(m, &where, &n, &why));
		ck_assert_str_eq(why.text, "the option 'weights': expected one of sg_weights");
		ck_assert_ptr_null(sg_write_files(m, &null, &n, &why));
		ck_assert_str_eq(why.text, "the values are NULL");
		ck_assert_int_eq(sg_build_c(NULL, "x", 0, 0, &why), SG_EVALUE);
		ck_assert_int_eq(sg_build_c("int x;", NULL, 0, 0, &why), SG_EVALUE);
		ck_assert_int_eq(sg_build_c("int x;", "/dev/null/x.o", 0, 0, &why), SG_EFILE);
		sg_model_free(m);
	}
END_TEST

START_TEST(a_default_is_evaluated)
	{
		sg_model *m = compile(NULL);
		sg_failure why;
		sg_array a;

		ck_assert_int_eq(sg_param_default(m, "w", &a, &why), SG_OK);
		ck_assert(a.rank == 2 && a.shape[0] == 2 && a.shape[1] == 30 && a.count == 60);
		ck_assert(a.type == SG_DTYPE_F64 && ((const double *)a.data)[59] > 0.49 &&
		          ((const double *)a.data)[59] < 0.51);
		ck_assert_int_eq(sg_param_default(m, "i", &a, &why), SG_OK);
		ck_assert(a.type == SG_DTYPE_I32 && ((const int32_t *)a.data)[1] == 4);
		ck_assert_int_eq(sg_param_default(m, "b", &a, &why), SG_EMISSING);
		ck_assert_int_eq(sg_param_default(m, "x", &a, &why), SG_ENAME);
		ck_assert_int_eq(sg_param_default(m, "free", &a, &why), SG_ESHAPE);
		ck_assert_int_eq(sg_param_default(m, NULL, &a, &why), SG_EVALUE);
		ck_assert_int_eq(sg_param_default(m, "w", NULL, &why), SG_EVALUE);
		ck_assert_int_eq(sg_param_default(NULL, "w", &a, &why), SG_EVALUE);
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("files");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(c, a_model_is_one_file_or_one_for_each_entry);
	tcase_add_test(c, a_param_is_no_argument_unless_a_derivative_is_taken_by_it);
	tcase_add_test(c, values_outside_have_a_file);
	tcase_add_test(c, values_that_do_not_fit_are_refused);
	tcase_add_test(c, options_that_can_not_be_are_refused);
	tcase_add_test(c, a_default_is_evaluated);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
