/* check_misuse.c - the library in clumsy hands: NULLs, arrays that overlap, strides, workspaces,
 * models that are gone. Every mistake is an error value whose sentence says which argument it was.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/symgrad.h"

static const char text[] = "input x[N, 2]\n"
			   "param w[2] = ones([2])\n"
			   "y = tanh(x @ w)\n"
			   "output y, sum(y) as total\n";

static sg_model *
compile(void)
{
	sg_model *m = sg_compile_string("test.sg", text, strlen(text), NULL);

	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

static void
expect(sg_call *c, int status, int expected, const char *message)
{
	ck_assert_int_eq(status, expected);
	ck_assert_str_eq(sg_call_message(c), message);
}

static const int64_t shape[] = {4, 2}, four[] = {4}, two[] = {2};

/* ---- NULL ---- */

START_TEST(null_for_a_model_is_an_error_value)
	{
		sg_failure why;
		sg_figures f;
		size_t bytes;
		sg_call *c = sg_call_new(NULL, "forward", SG_BACKEND_AUTO);

		expect(c, sg_call_status(c), SG_EVALUE, "the model is NULL");
		ck_assert_int_eq(sg_call_run(c), SG_EVALUE);
		ck_assert_ptr_null(sg_call_entry(c));
		sg_call_free(c);
		ck_assert_int_eq(sg_model_ok(NULL), 0);
		ck_assert_int_eq(sg_model_status(NULL), SG_EVALUE);
		ck_assert_int_eq(sg_model_fault(NULL), 70);
		ck_assert_str_eq(sg_model_name(NULL), "");
		ck_assert_str_eq(sg_model_report(NULL, 0), "symgrad: error: the model is NULL\n");
		ck_assert_str_eq(sg_model_report_json(NULL), "[]");
		ck_assert_uint_eq(sg_model_nentries(NULL) + sg_model_ndiagnostics(NULL), 0);
		ck_assert_ptr_null(sg_model_find(NULL, NULL));
		ck_assert_ptr_null(sg_model_diagnostic(NULL, 0));
		ck_assert_ptr_null(sg_write_ir(NULL, &why));
		ck_assert_str_eq(why.text, "the model is NULL");
		ck_assert_int_eq(sg_entry_figures(NULL, NULL, NULL, &f, &why), SG_EVALUE);
		ck_assert_int_eq(sg_entry_worksize(NULL, NULL, NULL, &bytes, &why), SG_EVALUE);
		ck_assert_int_eq(sg_model_settle(NULL, &why), SG_EVALUE);
		ck_assert_int_eq(sg_set_threads(NULL, 1), SG_EVALUE);
		ck_assert_int_eq(sg_cache_show(NULL, &why), SG_EVALUE);
		ck_assert_int_eq(sg_number_read(NULL, 1, NULL), 0);
		ck_assert_ptr_null(sg_number_text(NULL, 1, 0));
		ck_assert_ptr_null(sg_nearest_name(NULL, NULL, 1));
		sg_report_free(NULL);
		sg_call_free(NULL);
		sg_model_free(NULL);
	}
END_TEST

START_TEST(null_for_an_entry_says_so)
	{
		sg_model *m = compile(), *other = compile();
		const sg_entry *e = sg_model_find(m, NULL);
		sg_failure why;
		sg_figures f;
		size_t bytes;

		ck_assert_ptr_null(sg_entry_prototype(m, NULL, &why));
		ck_assert_str_eq(why.text, "the entry is NULL");
		ck_assert_int_eq(why.status, SG_EVALUE);
		ck_assert_int_eq(sg_entry_worksize(m, NULL, NULL, &bytes, &why), SG_EVALUE);
		ck_assert_int_eq(sg_entry_figures(m, NULL, NULL, &f, &why), SG_EVALUE);
		ck_assert(!sg_entry_function(m, NULL, SG_BACKEND_AUTO, &why));
		ck_assert_int_eq(why.status, SG_EVALUE);
		ck_assert_ptr_null(sg_write_dot(other, e, &why));
		ck_assert_int_eq(why.status, SG_ENAME);
		ck_assert_ptr_null(sg_entry_prototype(other, e, &why));
		ck_assert_int_eq(why.status, SG_ENAME);
		ck_assert_str_eq(why.text, "the entry is none of this model's");
		ck_assert_int_eq(sg_entry_worksize(m, e, NULL, &bytes, &why), SG_EVALUE);
		ck_assert_str_eq(why.text, "expected values of 1 dimensions, got NULL");
		ck_assert_int_eq(sg_entry_worksize(m, e, (const int64_t[]){-1}, &bytes, &why),
		                 SG_EVALUE);
		ck_assert_str_eq(why.text, "dimension 'N': -1 is negative");
		ck_assert_int_eq(sg_write_binary(m, NULL, 1, &why), SG_EVALUE);
		ck_assert_ptr_null(sg_explain_code(NULL));
		ck_assert_ptr_null(sg_all_codes(NULL));
		sg_model_free(m);
		sg_model_free(other);
	}
END_TEST

START_TEST(a_headers_name_stands_between_quotes)
	{
		static const char *const names[] = {"", "a\"b.h", "a\nb.h", "a\\b.h"};
		sg_model *m = compile();
		sg_failure why;
		size_t n;

		ck_assert_ptr_null(sg_write_c(m, names[_i], 0, NULL, &why));
		ck_assert_int_eq(why.status, SG_EVALUE);
		ck_assert_str_eq(
		    why.text, "the name of the header: expected one that can stand between quotes");
		ck_assert_ptr_null(
		    sg_write_files(m, &(sg_c_options){.header = names[_i]}, &n, &why));
		ck_assert_int_eq(why.status, SG_EVALUE);
		ck_assert_ptr_nonnull(sg_write_c(m, "a b.h", 0, NULL, &why));
		sg_model_free(m);
	}
END_TEST

START_TEST(null_for_a_call_or_its_arguments_says_so)
	{
		sg_model *m = compile();
		sg_call *c = sg_call_new(m, NULL, SG_BACKEND_INTERP);
		sg_report report;
		sg_failure why;

		expect(NULL, sg_call_run(NULL), SG_EVALUE, "the call is NULL");
		ck_assert_int_eq(sg_call_bind(NULL, "x", SG_DTYPE_F64, 0, NULL, NULL), SG_EVALUE);
		ck_assert_int_eq(sg_check(NULL, 1, &report, &why), SG_EVALUE);
		ck_assert_ptr_null(sg_call_output(NULL, "y"));
		expect(c, sg_call_bind(c, NULL, SG_DTYPE_F64, 0, NULL, NULL), SG_EVALUE,
		       "an input without a name: expected one, got NULL");
		expect(c, sg_call_bind_output(c, NULL, SG_DTYPE_F64, 0, NULL, NULL), SG_EVALUE,
		       "an output without a name: expected one, got NULL");
		expect(c, sg_call_bind(c, "x", SG_DTYPE_F64, 2, NULL, text), SG_EVALUE,
		       "input 'x': expected 2 extents, got NULL");
		expect(c, sg_call_bind(c, "x", SG_DTYPE_F64, 2, shape, NULL), SG_EVALUE,
		       "input 'x': expected data, got NULL");
		expect(c, sg_call_set_dim(c, NULL, 3), SG_EVALUE,
		       "a dimension without a name: expected one, got NULL");
		expect(c, sg_call_worksize(c, NULL), SG_EVALUE,
		       "expected a place for the size, got NULL");
		ck_assert_ptr_null(sg_call_input(c, NULL));
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

typedef struct option_case {
	sg_options o;
	const char *report;
} option_case;

static const sg_fixed_dim nameless[] = {{NULL, 1}}, twice[] = {{"N", 1}, {"M", 1}, {"N", 2}};
static const option_case option_cases[] = {
    {{.real = SG_DTYPE_I32}, "symgrad: error: the option 'real': expected f32 or f64\n"},
    {{.backend = (sg_backend)99},
     "symgrad: error: the option 'backend': expected one of sg_backend\n"},
    {{.nfixed = 1}, "symgrad: error: the fixed dimensions are NULL\n"},
    {{.nfixed = 1, .fixed = nameless}, "symgrad: error: a fixed dimension has no name\n"},
    {{.nfixed = 3, .fixed = twice}, "symgrad: error: a dimension is fixed twice\n"},
};

START_TEST(wrong_options_are_error_values)
	{
		const option_case *k = &option_cases[_i];
		sg_model *m = sg_compile_string("test.sg", text, strlen(text), &k->o);

		ck_assert_int_eq(sg_model_status(m), SG_EVALUE);
		ck_assert_int_eq(sg_model_fault(m), 1);
		ck_assert_str_eq(sg_model_report(m, 0), k->report);
		sg_model_free(m);
	}
END_TEST

START_TEST(a_back_end_is_one_of_those)
	{
		sg_model *m = compile();
		sg_call *c = sg_call_new(m, NULL, (sg_backend)99);
		sg_failure why;

		expect(c, sg_call_status(c), SG_EVALUE, "the back end: expected one of sg_backend");
		ck_assert(!sg_entry_function(m, sg_model_find(m, NULL), (sg_backend)-1, &why));
		ck_assert_int_eq(why.status, SG_EVALUE);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(null_for_a_source_is_an_error_value)
	{
		sg_model *m[] = {sg_compile_file(NULL, NULL), sg_compile_string("a", NULL, 3, NULL),
		                 sg_compile_expr(NULL, 0, NULL, NULL),
		                 sg_compile_training_file(NULL, "loss", NULL),
		                 sg_compile_training_string("a", NULL, 3, NULL, NULL)};

		for (size_t i = 0; i < sizeof m / sizeof *m; i++) {
			ck_assert_str_eq(sg_model_report(m[i], 0),
			                 i == 0 || i == 3 ? "symgrad: error: the path is NULL\n"
			                                  : "symgrad: error: the text is NULL\n");
			sg_model_free(m[i]);
		}
	}
END_TEST

/* ---- arrays ---- */

typedef struct room {
	_Alignas(64) double x[8];
	double w[2], y[4], total;
} room;

static sg_call *
bound(sg_model *m, sg_backend b, room *r)
{
	sg_call *c = sg_call_new(m, NULL, b);

	ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 2, shape, r->x), SG_OK);
	ck_assert_int_eq(sg_call_bind(c, "w", SG_DTYPE_F64, 1, two, r->w), SG_OK);
	ck_assert_int_eq(sg_call_bind_output(c, "y", SG_DTYPE_F64, 1, four, r->y), SG_OK);
	return c;
}

START_TEST(arrays_that_overlap_are_refused)
	{
		sg_model *m = compile();
		room r = {.x = {1}};
		sg_call *c = bound(m, SG_BACKEND_AUTO, &r);

		ck_assert_int_eq(sg_call_run(c), SG_OK);
		/* after a call that was right, and by a last element */
		ck_assert_int_eq(sg_call_bind_output(c, "y", SG_DTYPE_F64, 1, four, r.x + 7),
		                 SG_OK);
		expect(c, sg_call_run(c), SG_EVALUE,
		       "output 'y' overlaps input 'x': expected arrays that are apart");
		ck_assert_int_eq(sg_call_bind_output(c, "y", SG_DTYPE_F64, 1, four, r.y), SG_OK);
		ck_assert_int_eq(sg_call_run(c), SG_OK);
		ck_assert_int_eq(sg_call_bind_output(c, "total", SG_DTYPE_F64, 0, NULL, r.y + 2),
		                 SG_OK);
		expect(c, sg_call_run(c), SG_EVALUE,
		       "output 'total' overlaps output 'y': expected arrays that are apart");
		ck_assert_int_eq(sg_call_bind_output(c, "total", SG_DTYPE_F64, 0, NULL, &r.w[1]),
		                 SG_OK);
		expect(c, sg_call_run(c), SG_EVALUE,
		       "output 'total' overlaps param 'w': expected arrays that are apart");
		ck_assert_int_eq(sg_call_bind_output(c, "total", SG_DTYPE_F64, 0, NULL, &r.total),
		                 SG_OK);
		/* inputs are only read: they may share */
		ck_assert_int_eq(sg_call_bind(c, "w", SG_DTYPE_F64, 1, two, r.x), SG_OK);
		ck_assert_int_eq(sg_call_run(c), SG_OK);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

START_TEST(data_is_aligned_to_its_elements)
	{
		sg_model *m = compile();
		room r;
		sg_call *c = bound(m, SG_BACKEND_INTERP, &r);

		expect(c, sg_call_bind(c, "x", SG_DTYPE_F64, 2, shape, (const char *)r.x + 4),
		       SG_EVALUE, "input 'x': expected data aligned to 8 bytes");
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

typedef struct stride_case {
	int rank;
	int64_t shape[3], strides[3];
	const char *message; /* "": they fit */
} stride_case;

static const stride_case stride_cases[] = {
    {2, {4, 2}, {16, 8}, ""},
    {2,
     {4, 2},
     {8, 32},
     "input 'x': expected strides of [16, 8] bytes (row-major and contiguous), got [8, 32]"},
    {2,
     {4, 2},
     {32, 8},
     "input 'x': expected strides of [16, 8] bytes (row-major and contiguous), got [32, 8]"},
    {2,
     {4, 2},
     {16, -8},
     "input 'x': expected strides of [16, 8] bytes (row-major and contiguous), got [16, -8]"},
    {2, {1, 2}, {99, 8}, ""},
    {2, {4, 1}, {8, 99}, ""},
    {2, {0, 2}, {1, 1}, ""},
    {0, {0}, {0}, ""},
    {17, {0}, {0}, "'x': expected 0 to 16 axes, got 17"},
};

START_TEST(strides_are_checked)
	{
		const stride_case *k = &stride_cases[_i];
		sg_model *m = compile();
		sg_call *c = sg_call_new(m, NULL, SG_BACKEND_INTERP);

		expect(c,
		       sg_call_check_strides(c, "x", SG_DTYPE_F64, k->rank, k->shape, k->strides),
		       *k->message ? SG_ESHAPE : SG_OK, k->message);
		sg_call_free(c);
		sg_model_free(m);
	}
END_TEST

/* ---- a workspace of the caller's ---- */

static const char wide[] = "input x[N]\n"
			   "entry f = softmax(cumsum(x)) @ cumsum(flip(x)) as y\n";

static sg_call *
wide_call(sg_model *m, double *x, int64_t n)
{
	sg_call *c = sg_call_new(m, "f", SG_BACKEND_AUTO);

	ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 1, &n, x), SG_OK);
	return c;
}

START_TEST(the_workspace_may_be_the_callers)
	{
		static _Alignas(64) unsigned char work[1 << 16];
		double x[100];
		sg_model *m = sg_compile_string("wide.sg", wide, strlen(wide), NULL);
		sg_call *c, *own;
		char message[128];
		size_t bytes;

		for (int i = 0; i < 100; i++)
			x[i] = 0.01 * i;
		c = wide_call(m, x, 100);
		own = wide_call(m, x, 100);
		ck_assert_int_eq(sg_call_worksize(c, &bytes), SG_OK);
		if (sg_call_backend(c) != SG_BACKEND_INTERP)
			ck_assert_uint_gt(bytes, 0);
		ck_assert_uint_lt(bytes, sizeof work - 64);
		expect(c, sg_call_bind_work(c, work + 8, bytes), SG_EVALUE,
		       "the workspace: expected memory aligned to 64 bytes");
		if (bytes) {
			ck_assert_int_eq(sg_call_bind_work(c, work, bytes - 1), SG_OK);
			snprintf(message, sizeof message,
			         "the workspace: expected %zu bytes, got %zu", bytes, bytes - 1);
			expect(c, sg_call_run(c), SG_EVALUE, message);
		}
		memset(work, 0x5a, sizeof work);
		ck_assert_int_eq(sg_call_bind_work(c, work, bytes), SG_OK);
		ck_assert_int_eq(sg_call_run(c), SG_OK);
		ck_assert_int_eq(sg_call_run(own), SG_OK);
		ck_assert_int_eq(memcmp(sg_call_output(c, "y")->data,
		                        sg_call_output(own, "y")->data, sizeof(double)),
		                 0);
		for (size_t i = bytes; i < sizeof work; i++)
			ck_assert_int_eq(work[i], 0x5a);
		if (bytes) {
			ck_assert_int_eq(sg_call_bind_output(c, "y", SG_DTYPE_F64, 0, NULL, work),
			                 SG_OK);
			expect(c, sg_call_run(c), SG_EVALUE,
			       "output 'y' overlaps the workspace: expected arrays that are apart");
		}
		sg_call_free(c);
		sg_call_free(own);
		sg_model_free(m);
	}
END_TEST

/* ---- a model that is gone ---- */

START_TEST(a_call_of_a_freed_model_says_so)
	{
		static const char gone[] = "the model of this call was freed";
		sg_model *m = compile();
		room r = {.x = {1}};
		sg_call *c = bound(m, SG_BACKEND_AUTO, &r),
			*never_run = bound(m, SG_BACKEND_AUTO, &r);
		size_t bytes;

		ck_assert_int_eq(sg_call_run(c), SG_OK);
		sg_model_free(m);
		expect(never_run, sg_call_status(never_run), SG_EVALUE, gone);
		expect(c, sg_call_run(c), SG_EVALUE, gone);
		expect(never_run, sg_call_prepare(never_run), SG_EVALUE, gone);
		expect(c, sg_call_bind(c, "x", SG_DTYPE_F64, 2, shape, r.x), SG_EVALUE, gone);
		expect(c, sg_call_set_dim(c, "N", 3), SG_EVALUE, gone);
		expect(c, sg_call_worksize(c, &bytes), SG_EVALUE, gone);
		ck_assert_ptr_null(sg_call_output(c, "y"));
		ck_assert_ptr_null(sg_call_array(c, 0));
		ck_assert_ptr_null(sg_call_dims(c));
		ck_assert_ptr_null(sg_call_entry(c));
		sg_call_free(never_run);
		sg_call_free(c);
	}
END_TEST

/* ---- anything, at random ---- */

static const char *const random_texts[] = {
    "input x[N, 3], s, k: i32[N] = cast(zeros([N]), i32)\nparam w[3] = ones([3])\ninput z[M]\n"
    "y = x @ w * s\noutput y, sum(k) as ks\ngradient sum(y**2) as loss wrt w\n",
    "dim N\ninput a[2*N - 1], c[N//2, M]\nentry f = sum(a) + sum(c) as s, c\n"
    "entry g = zeros([N, M]) as z, arange(N) as x\n",
    "input a[N, N]\noutput cholesky(a) as l\nentry f = max(a, axis=0) as m, a[0] as x\n",
};
static const char *const random_names[] = {NULL, "",  "x", "s", "k", "w",    "z",      "a",   "c",
                                           "y",  "N", "M", "l", "m", "loss", "grad_w", "nope"};
static const int64_t random_extents[] = {2, 2, 3, 3, 1, 4, 0, -1};
enum { RANDOM_ROOM = 4096, RANDOM_STEPS = 60, RANDOM_CALLS = 1500 };

typedef struct random_state {
	unsigned seed;
	_Alignas(64) unsigned char room[RANDOM_ROOM + 64];
} random_state;

static unsigned
dice(random_state *r, unsigned sides)
{
	r->seed = r->seed * 1664525u + 1013904223u;
	return (r->seed >> 16) % sides;
}

/* Mostly what fits the argument: N is 2, M is 3. At most 4^4 elements of 8 bytes. */
static int
random_shape(random_state *r, const sg_argument *a, int64_t *extent)
{
	static const struct {
		const char *says;
		int64_t extent;
	} right[] = {{"N", 2}, {"M", 3}, {"2*N - 1", 3}, {"N//2", 1}, {"3", 3}};
	int rank = a && dice(r, 20) ? a->rank : (int)dice(r, 6) - 1;

	for (int k = 0; k < 4; k++) {
		const char *says = a && k < a->rank && dice(r, 20) ? a->extents[k] : "";

		extent[k] = random_extents[dice(r, 8)];
		for (size_t i = 0; i < sizeof right / sizeof *right; i++)
			if (strcmp(says, right[i].says) == 0)
				extent[k] = right[i].extent;
	}
	return rank;
}

static void
random_step(random_state *r, sg_call *c, const sg_entry *e)
{
	const size_t n = e ? e->ninputs + e->noutputs : 0, at = dice(r, (unsigned)n + 2);
	const sg_argument *a = at < n ? &e->args[at] : NULL;
	const sg_dtype type = a && dice(r, 30) ? a->type : (sg_dtype)dice(r, 7);
	const char *name = random_names[dice(r, sizeof random_names / sizeof *random_names)];
	int64_t extent[4];
	const int rank = random_shape(r, a, extent);
	void *data = dice(r, 30) ? r->room + 8 * dice(r, RANDOM_ROOM / 16) + !dice(r, 30) : NULL;
	const int64_t *given = dice(r, 30) ? extent : NULL;
	size_t bytes = dice(r, RANDOM_ROOM);

	switch (dice(r, 12)) {
	case 0:
		(void)sg_call_bind(c, name, type, rank, given, data);
		break;
	case 1:
		(void)sg_call_bind_output(c, name, type, rank, given, data);
		break;
	case 2:
		(void)sg_call_bind_output_at(c, at, type, rank, given, data);
		break;
	case 3:
		(void)sg_call_set_dim(c, name, (int64_t)dice(r, 5) - 2);
		break;
	case 4:
		(void)sg_call_check_strides(c, name, type, rank, given, extent);
		break;
	case 5:
		(void)sg_call_bind_work(c, dice(r, 3) ? NULL : r->room, bytes);
		break;
	case 6:
		(void)sg_call_make_up(c, dice(r, 9));
		break;
	default:
		(void)sg_call_bind_at(c, at, type, rank, given, data);
	}
}

START_TEST(whatever_is_asked_is_a_status_with_a_sentence)
	{
		static random_state r = {.seed = 1};
		int good = 0;

		for (int i = 0; i < RANDOM_CALLS; i++) {
			const char *t = random_texts[dice(&r, 3)];
			const sg_backend b =
			    sg_have_jit() && dice(&r, 2) ? SG_BACKEND_JIT : SG_BACKEND_INTERP;
			sg_model *m = sg_compile_string("random.sg", t, strlen(t), NULL);
			sg_call *c = sg_call_new(m, dice(&r, 2) ? "f" : NULL, b);

			for (int k = 0; k < RANDOM_STEPS; k++) {
				random_step(&r, c, sg_call_entry(c));
				if (k % 4 == 3 && sg_call_run(c) == SG_OK)
					good++;
				else if (k % 4 == 3)
					ck_assert_str_ne(sg_call_message(c), "");
			}
			if (dice(&r, 2)) {
				sg_model_free(m);
				m = NULL;
				ck_assert_int_eq(sg_call_run(c), sg_call_status(c) == SG_OK
				                                     ? SG_EVALUE
				                                     : sg_call_status(c));
			}
			sg_call_free(c);
			sg_model_free(m);
		}
		ck_assert_int_gt(good, RANDOM_CALLS);
	}
END_TEST

/* ---- memory ---- */

/* Address space that this process has, in bytes; 0 where that can't be told. */
static rlim_t
address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int
run_gradient(sg_model *m)
{
	static const double x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	sg_call *c = sg_call_new(m, NULL, SG_BACKEND_JIT);
	int status = sg_call_bind(c, "x", SG_DTYPE_F64, 2, shape, x);

	if (status == SG_OK)
		status = sg_call_run(c);
	if (status != SG_OK && c && !sg_call_message(c)[0])
		status = SG_EDEFECT;
	sg_call_free(c);
	return c ? status : SG_ENOMEM;
}

/* With `more` bytes of address space: 0: it ran; 1: there was no memory, and with more it runs, on
 * the same model; else 2. */
static int
run_within(rlim_t more)
{
	struct rlimit limit, all;
	sg_model *m;
	int status, again = SG_OK;

	if (getrlimit(RLIMIT_AS, &all) != 0)
		return 2;
	limit = all;
	limit.rlim_cur = address_space() + more;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 2;
	m = sg_compile_string("test.sg", text, strlen(text), NULL);
	status = m ? sg_model_status(m) : SG_ENOMEM;
	if (status == SG_OK) {
		status = run_gradient(m);
		setrlimit(RLIMIT_AS, &all);
		again = run_gradient(m);
	}
	sg_model_free(m);
	return again != SG_OK ? 2 : status == SG_OK ? 0 : status == SG_ENOMEM ? 1 : 2;
}

START_TEST(memory_that_runs_out_is_an_error_value)
	{
		int ran = 0, refused = 0;

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
		return; /* they need all the address space that there is */
#endif
		if (!sg_have_jit() || address_space() == 0)
			return;
		for (rlim_t more = 0; more < 16 << 20; more += 128 << 10) {
			const pid_t child = fork();
			int how = 0;

			if (child == 0)
				_exit(run_within(more));
			ck_assert_int_eq(waitpid(child, &how, 0), child);
			ck_assert_msg(WIFEXITED(how) && WEXITSTATUS(how) < 2, "%lu KiB more: %d",
			              (unsigned long)(more >> 10), how);
			ran += WEXITSTATUS(how) == 0;
			refused += WEXITSTATUS(how) == 1;
		}
		ck_assert_int_gt(ran, 0);
		ck_assert_int_gt(refused, 0);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("misuse");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_test(c, null_for_a_model_is_an_error_value);
	tcase_add_test(c, null_for_an_entry_says_so);
	tcase_add_loop_test(c, a_headers_name_stands_between_quotes, 0, 4);
	tcase_add_test(c, null_for_a_call_or_its_arguments_says_so);
	tcase_add_loop_test(c, wrong_options_are_error_values, 0,
	                    (int)(sizeof option_cases / sizeof *option_cases));
	tcase_add_test(c, a_back_end_is_one_of_those);
	tcase_add_test(c, null_for_a_source_is_an_error_value);
	tcase_add_test(c, arrays_that_overlap_are_refused);
	tcase_add_test(c, data_is_aligned_to_its_elements);
	tcase_add_loop_test(c, strides_are_checked, 0,
	                    (int)(sizeof stride_cases / sizeof *stride_cases));
	tcase_add_test(c, the_workspace_may_be_the_callers);
	tcase_add_test(c, a_call_of_a_freed_model_says_so);
	tcase_add_test(c, whatever_is_asked_is_a_status_with_a_sentence);
	tcase_add_test(c, memory_that_runs_out_is_an_error_value);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
