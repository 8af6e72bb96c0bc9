/* check_tiles.c - loops that the JIT runs in tiles compute what the evaluator computes, for extents
 * around those of a tile, and touch nothing beyond their arrays.
 *
 * Each array, inputs too, ends where a page begins that must not be touched. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/api.h"
#include "claim.h"
#include "symgrad_runtime.h"
#include "tile_models.h"

enum { MAX_ARGS = 24 };

static const int64_t extents[] = {0, 1, 7, 255, 256, 257, 511, 512, 513, 1025};

/* ---- arrays within guards ---- */

typedef struct guarded {
	char *map;
	size_t bytes;
	void *data;
} guarded;

static guarded
guard(size_t size, size_t align)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), up = (size + align - 1) / align * align;
	guarded g = {.bytes = (up / page + 2) * page};

	g.map = mmap(NULL, g.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(g.map, MAP_FAILED);
	ck_assert_int_eq(mprotect(g.map + g.bytes - page, page, PROT_NONE), 0);
	g.data = g.map + g.bytes - page - up;
	memset(g.map, 0x7f, g.bytes - page);
	return g;
}

static double
element(sg_dtype t, const void *data, int64_t i)
{
	switch (t) {
	case SG_DTYPE_F32:
		return (double)((const float *)data)[i];
	case SG_DTYPE_F64:
		return ((const double *)data)[i];
	case SG_DTYPE_I32:
		return ((const int32_t *)data)[i];
	case SG_DTYPE_I64:
		return (double)((const int64_t *)data)[i];
	case SG_DTYPE_BOOL:
		return ((const uint8_t *)data)[i];
	case SG_DTYPE_NONE:
		break;
	}
	return 0;
}

static void
fill(sg_dtype t, void *data, int64_t count)
{
	uint32_t seed = 7;

	for (int64_t i = 0; i < count; i++) {
		double v;

		seed = seed * 1664525u + 1013904223u;
		v = 0.3 + 1.3 * (seed >> 8) / 16777216.0;
		if (t == SG_DTYPE_F64)
			((double *)data)[i] = v;
		else if (t == SG_DTYPE_F32)
			((float *)data)[i] = (float)v;
		else if (t == SG_DTYPE_I32)
			((int32_t *)data)[i] = (int32_t)(5 * v);
		else
			((int64_t *)data)[i] = (int64_t)(5 * v);
	}
}

/* ---- one entry at one extent ---- */

/* The shape of an argument, whose extents are forms of N alone. */
static int
shape_of(sg_model *m, const sg_entry *e, size_t arg, int64_t n, int64_t shape[8])
{
	const sg_entry_data *d = sg_entry_of(m, e);
	const sg_shape *s = m->program->g
	                        ->node[arg < e->ninputs ? m->program->input[d->input[arg]].ref
	                                                : d->ir->out[arg - e->ninputs].ref]
	                        .shape;
	const int64_t dims[1] = {n};

	for (uint32_t k = 0; k < s->rank; k++)
		ck_assert(sg_ext_eval(m->program->sp, s->ext[k], dims, &shape[k]));
	return (int)s->rank;
}

static void
compare(const sg_array *a, const void *data, double tolerance, const char *what)
{
	for (int64_t i = 0; i < a->count; i++) {
		const double x = element(a->type, a->data, i), y = element(a->type, data, i);
		const double scale = fmax(1, fmax(fabs(x), fabs(y)));

		CLAIM(fabs(x - y) <= tolerance * scale || (isnan(x) && isnan(y)) || x == y,
		      "%s: %s at %lld is %.17g and %.17g", what, a->name, (long long)i, x, y);
	}
}

static void
check_entry(sg_model *m, const sg_entry *e, int64_t n, double tolerance, const char *what)
{
	sg_call *ref = sg_call_new(m, e->name, SG_BACKEND_INTERP);
	const sg_uniform f = sg_entry_uniform(m, e, SG_BACKEND_JIT, NULL);
	guarded g[MAX_ARGS + 1];
	void *args[MAX_ARGS];
	const ptrdiff_t d[1] = {(ptrdiff_t)n};
	size_t bytes, nargs = e->ninputs + e->noutputs;

	ck_assert(f != NULL && nargs <= MAX_ARGS);
	ck_assert_int_eq(sg_entry_worksize(m, e, &n, &bytes, NULL), SG_OK);
	g[nargs] = guard(bytes, 64);
	for (size_t i = 0; i < e->ninputs; i++) {
		const sg_dtype t = e->args[i].type;
		int64_t shape[8], count = 1;
		const int rank = shape_of(m, e, i, n, shape);

		for (int k = 0; k < rank; k++)
			count *= shape[k];
		g[i] = guard((size_t)count * sg_dtype_size(t), 1);
		args[i] = g[i].data;
		fill(t, args[i], count);
		ck_assert_int_eq(sg_call_bind(ref, e->args[i].name, t, rank, shape, args[i]),
		                 SG_OK);
	}
	ck_assert_msg(sg_call_run(ref) == SG_OK, "%s: %s", what, sg_call_message(ref));
	for (size_t i = e->ninputs; i < nargs; i++) {
		const sg_array *a = sg_call_array(ref, i);

		g[i] = guard((size_t)a->count * sg_dtype_size(a->type), 1);
		args[i] = g[i].data;
	}
	ck_assert_msg(f(d, args, g[nargs].data) == SGRT_OK, "%s", what);
	for (size_t i = e->ninputs; i < nargs; i++)
		compare(sg_call_array(ref, i), args[i], tolerance, what);
	for (size_t i = 0; i <= nargs; i++)
		munmap(g[i].map, g[i].bytes);
	sg_call_free(ref);
}

static sg_model *
compile(const char *text)
{
	const sg_options o = {.backend = SG_BACKEND_LATER};
	sg_model *m = sg_compile_string("m.sg", text, strlen(text), &o);

	ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
	return m;
}

START_TEST(jit_agrees_with_the_evaluator)
	{
		sg_model *m = compile(models[_i].text);

		for (size_t k = 0; sg_have_jit() && k < sizeof extents / sizeof *extents; k++)
			for (size_t i = 0; i < sg_model_nentries(m); i++) {
				const sg_entry *e = sg_model_entry(m, i);
				char what[200];

				snprintf(what, sizeof what, "%s, %s, N = %lld", models[_i].name,
				         e->name, (long long)extents[k]);
				check_entry(m, e, extents[k], models[_i].tolerance, what);
			}
		sg_model_free(m);
	}
END_TEST

static bool
write_for_jit(sg_model *m, sg_buf *b)
{
	const sg_emit_options o = {.prefix = "m", .jit = true};

	sg_buf_init(b, m->ctx);
	return sg_emit(m->ctx, m->program, &o, b, NULL) != NULL;
}

START_TEST(tiles_call_routines)
	{
		sg_model *m = compile(models[_i].text);
		sg_buf b;

		ck_assert(write_for_jit(m, &b));
		ck_assert_msg(strstr(sg_buf_text(&b), models[_i].step) != NULL, "%s: no %s",
		              models[_i].name, models[_i].step);
		sg_model_free(m);
	}
END_TEST

/* Of a chain as long as you like, the buffers are few. */
START_TEST(buffers_are_reused)
	{
		char text[4000] = "input x[N]\ny0 = exp(x)\n";
		const char *room;
		sg_model *m;
		sg_buf b;

		for (int i = 0; i < 60; i++)
			snprintf(text + strlen(text), sizeof text - strlen(text),
			         "y%d = sin(y%d)*x + %d\n", i + 1, i, i);
		strcat(text, "output sum(y60) as s\n");
		m = compile(text);
		ck_assert(write_for_jit(m, &b));
		room = strstr(sg_buf_text(&b), "char room[");
		ck_assert(room != NULL);
		ck_assert_int_le(atoi(room + strlen("char room[")), 3 * 512 * 8);
		sg_model_free(m);
	}
END_TEST

/* Pieces of a row are read in loops of their own shape: no element's place is found by division. */
START_TEST(flattened_pieces_need_no_division)
	{
		sg_model *m =
		    compile("input x[N, 2, 3], y[N]\n"
		            "output concat((flatten(x*2.0 + y[:, None, None]), y)) as s\n");
		sg_buf b;

		ck_assert(write_for_jit(m, &b));
		ck_assert(strstr(sg_buf_text(&b), " % ") == NULL);
		for (size_t k = 0; sg_have_jit() && k < sizeof extents / sizeof *extents; k++)
			check_entry(m, sg_model_entry(m, 0), extents[k], 1e-12, "flattened pieces");
		sg_model_free(m);
	}
END_TEST

/* In causal attention each row and each column has an element that counts, so none is tested for one. */
START_TEST(causal_attention_tests_no_row)
	{
		sg_model *m = compile("input q[N, 4], k[N, 4], v[N, 3]\n"
		                      "gradient sum(attention(q, k, v, causal=true)**2) as s wrt q, k, v\n");
		sg_buf b;

		ck_assert(write_for_jit(m, &b));
		ck_assert(strstr(sg_buf_text(&b), "_any_") == NULL);
		for (size_t k = 0; sg_have_jit() && k < 6; k++)
			check_entry(m, sg_model_entry(m, 0), extents[k], 1e-10, "causal attention");
		sg_model_free(m);
	}
END_TEST

/* A product reads a part of each row by heads where it lies. */
START_TEST(heads_of_a_slice_are_not_copied)
	{
		sg_model *m = compile("input x[N, 24], w[4, 5], y[2*N, 6]\n"
		                      "output reshape(x[:, 12:], [N, 3, 4]) @ w as a,\n"
		                      "       transpose(reshape(x[:, :12], [N, 3, 4]), (1, 0, 2)) @ w as b,\n"
		                      "       einsum(\"nij,jk->nik\", reshape(y[:, :4], [N, 2, 4]), w) as c\n");
		sg_buf b;

		ck_assert(write_for_jit(m, &b));
		ck_assert(strstr(sg_buf_text(&b), "memcpy(") == NULL);
		for (size_t k = 0; sg_have_jit() && k < sizeof extents / sizeof *extents; k++)
			check_entry(m, sg_model_entry(m, 0), extents[k], 1e-11, "heads of a slice");
		sg_model_free(m);
	}
END_TEST

/* A product that sums over the rows of tiles is set by the first one, and cleared where there is none. */
START_TEST(the_first_tile_sets_a_sum_of_products)
	{
		static const int64_t rows[] = {0, 1, 127, 128, 129, 300};
		sg_model *m = compile("input x[N, 20], w[20, 12]\n"
		                      "gradient sum(tanh(x @ w)**2) as s wrt w\n");
		sg_buf b;

		ck_assert(write_for_jit(m, &b));
		ck_assert(strstr(sg_buf_text(&b), "row > 0);") != NULL);
		for (size_t k = 0; sg_have_jit() && k < sizeof rows / sizeof *rows; k++)
			check_entry(m, sg_model_entry(m, 0), rows[k], 1e-10, "a sum of products");
		sg_model_free(m);
	}
END_TEST

/* No place is found by division in what is copied because a product reads it in another order and shape. */
START_TEST(a_copied_view_needs_no_division)
	{
		sg_model *m = compile("input x[3, N, 4], w[12, 5], v[3, N]\n"
		                      "y = reshape(transpose(x, (1, 0, 2)), [N, 12]) @ w\n"
		                      "output y, softmax(flatten(v.T)) as p\n"
		                      "gradient sum(y*y) as s wrt x, w\n");
		sg_buf b;

		ck_assert(write_for_jit(m, &b));
		ck_assert(strstr(sg_buf_text(&b), " % ") == NULL);
		for (size_t e = 0; e < 2; e++)
			for (size_t k = 0; sg_have_jit() && k < sizeof extents / sizeof *extents;
			     k++)
				check_entry(m, sg_model_entry(m, e), extents[k], 1e-11,
				            "copied views");
		sg_model_free(m);
	}
END_TEST

/* What is short stays scalar code. */
START_TEST(short_loops_stay_as_they_are)
	{
		sg_model *m = compile("input x[2, 3]\noutput sum(exp(x), axis=1) as s\n");
		sg_buf b;

		ck_assert(write_for_jit(m, &b));
		ck_assert(strstr(sg_buf_text(&b), "sgrt_block") == NULL);
		sg_model_free(m);
	}
END_TEST

/* Sums, differences and products of integers are no calls under libtcc, and wrap. */
START_TEST(integers_wrap_without_a_call)
	{
		sg_model *m = compile(
		    "input k: i64[2], l: i32[2]\n"
		    "output k[0] + k[1] as a, k[1] - 3 - k[0] as b, k[0]*(k[1] + 1) as c,\n"
		    "       l[0] + l[1] as d, l[1] - 3 - l[0] as e, l[0]*(l[1] + 1) as f\n");
		const char *const call[] = {"sgrt_add", "sgrt_sub", "sgrt_mul"};
		int64_t k[2] = {INT64_MAX, 1}, a, b, c;
		int32_t l[2] = {INT32_MAX, 1}, d, e, f;
		void *args[] = {k, l, &a, &b, &c, &d, &e, &f};
		sg_buf t;

		ck_assert(write_for_jit(m, &t));
		for (size_t i = 0; i < 3; i++)
			ck_assert(strstr(sg_buf_text(&t), call[i]) == NULL);
		if (sg_have_jit()) {
			const sg_uniform run =
			    sg_entry_uniform(m, sg_model_entry(m, 0), SG_BACKEND_JIT, NULL);

			ck_assert(run && run(NULL, args, NULL) == SGRT_OK);
			ck_assert(a == INT64_MIN && b == INT64_MAX && c == -2);
			ck_assert(d == INT32_MIN && e == INT32_MAX && f == -2);
		}
		sg_model_free(m);
	}
END_TEST

/* Each level is a sum of products of two gathers; the sums go back into the places. */
static const char levels[] = "input A[4, N], y[N]\n"
			     "def level(r, m) {\n"
			     "  k = [[(i + j) % 9 for j in 0..r + 4] for i in 0..9]\n"
			     "  l = [[(i + 2*j) % 9 for j in 0..r + 4] for i in 0..9]\n"
			     "  return sum(A[r, k]*m[l], axis=1)\n"
			     "}\n"
			     "gradient sum(level(0, level(1, level(2, level(3, y))))) as d wrt A\n";

/* Innermost loops of the text that add at places, and how often they say what. */
static int
adding_loops(const char *text, const char *what, int *often)
{
	int n = 0;

	*often = 0;
	while ((text = strstr(text, "for (ptrdiff_t j = 0;"))) {
		const char *end = strchr(text, '}'), *add = strstr(text, "] += ");

		n += add && add < end;
		for (const char *s = text; (s = strstr(s, what)) && s < end; s++)
			++*often;
		text = end;
	}
	return n;
}

/* The adjoints of a level's two factors are summed up in one loop, though those of one wait for
 * nothing but other adjoints. What is the same in all its turns is loaded before it. */
START_TEST(sums_into_places_stand_together)
	{
		sg_failure why;
		sg_model *m = compile(levels);
		const char *text = strstr(sg_write_c(m, "m.h", 0, NULL, &why), "\nm_gradient_any(");
		int often;

		ck_assert_ptr_nonnull(text);
		ck_assert_int_eq(adding_loops(text, "[i]", &often), 3);
		ck_assert_int_eq(often, 0);
		for (size_t k = 0; sg_have_jit() && k < 2; k++)
			check_entry(m, sg_model_entry(m, 0), 9 + (int64_t)k, 1e-12, "levels");
		sg_model_free(m);
	}
END_TEST

/* Rows that are made of rows: by shapes, as the gradient of what splits two rows, and along
 * columns.
 */
static const char *const rows[] = {
    "input x[N], y[N]\n"
    "output concat((reshape(concat((exp(x), y)), [2, N]), reshape(concat((y - x, -x)), [2, N]))) "
    "as s\n",
    "input A[2, 2*N]\n"
    "a, b = split(A[0], 2)\nc, d = split(A[1], 2)\n"
    "gradient sum(exp(a)*b) - sum(c*c*d) as y wrt A\n",
    "input x[N, 3], y[N, 2], v[N]\n"
    "a = concat((concat((exp(x), y), axis=1), stack((v, -v), axis=1)), axis=1)\n"
    "output concat((flatten(a), flatten(stack((x, x*y[:, 0:1]), axis=1)))) as s\n",
};

START_TEST(what_rows_are_made_of_is_written_in_place)
	{
		sg_failure why;
		sg_model *m = compile(rows[_i]);

		ck_assert_ptr_nonnull(strstr(sg_write_c(m, "m.h", 0, NULL, &why), "(void)work;"));
		for (size_t k = 0; sg_have_jit() && k < sizeof extents / sizeof *extents; k++)
			check_entry(m, sg_model_entry(m, 0), extents[k], 1e-12, "rows of rows");
		sg_model_free(m);
	}
END_TEST

/* Copies wait for what stands beside them, which here needs an index first. */
START_TEST(what_lies_side_by_side_is_written_by_one_loop)
	{
		sg_failure why;
		sg_model *m = compile("input t[300, 3], x[N], k: i64[N]\n"
		                      "c = t[k]\n"
		                      "a = stack((x, exp(c[:, 0]*c[:, 1])), axis=1)\n"
		                      "b = stack((-x, c[:, 2]), axis=1)\n"
		                      "output flatten(stack((a, b), axis=1)) as s\n");
		const char *loop = strstr(sg_write_c(m, "m.h", 0, NULL, &why), "for (");

		ck_assert_ptr_nonnull(loop);
		ck_assert_ptr_null(strstr(loop + 1, "for ("));
		for (size_t k = 0; sg_have_jit() && k < sizeof extents / sizeof *extents; k++)
			check_entry(m, sg_model_entry(m, 0), extents[k], 1e-12, "side by side");
		sg_model_free(m);
	}
END_TEST

/* Does the C of the model contain the text? */
static bool
writes(const char *model, const char *text)
{
	sg_failure why;
	sg_model *m = compile(model);
	const bool has = strstr(sg_write_c(m, "m.h", 0, NULL, &why), text);

	sg_model_free(m);
	return has;
}

/* A factor that fills the first cache is read anew for each tile: of 128 rows, for one of 60 columns. */
START_TEST(tiles_are_taller_where_products_are_heavy)
	{
		static const char model[] = "input x[N, 88]\nparam w[88, %d]\n"
					    "output sum(tanh(tanh(x) @ w), axis=1) as y\n";
		char text[128];

		snprintf(text, sizeof text, model, 60);
		ck_assert(writes(text, "row += 128)"));
		snprintf(text, sizeof text, model, 8);
		ck_assert(writes(text, "row += 64)"));
	}
END_TEST

/* What a row hands on may fill the second cache, as the windows of one image do, or those of five;
 * rows that a product takes together are many all the same. */
START_TEST(tiles_are_lower_where_rows_are_long)
	{
		static const char images[] = "input x[N, 4, %d, %d], w[8, 4, 3, 3]\n"
					     "output sum(conv2d(x, w, padding=1)**2) as y\n";
		char text[128];

		snprintf(text, sizeof text, images, 24, 24);
		ck_assert(writes(text, "row += 1)"));
		snprintf(text, sizeof text, images, 12, 12);
		ck_assert(writes(text, "row += 5)"));
		ck_assert(writes("input x[N, 8], w[8, 3000]\n"
		                 "output sum(tanh(x @ w)**2) as y\n",
		                 "row += 64)"));
	}
END_TEST

/* Windows are copied by their routine also where a loop over as many elements has something to do.
 */
START_TEST(windows_have_a_nest_of_their_own)
	{
		static const char model[] =
		    "input x[N, 8, 12, 12], w[8, 1, 3, 3], g[N, 8, 12, 12]\n"
		    "y = sum(conv2d(x, w, padding=1, groups=8)*g)\n"
		    "gradient y wrt x, w\n";

		ck_assert(writes(model, "sgrt_window_f64("));
	}
END_TEST

/* Which row of a reshaped array an element is in is asked for outside of the loop along it. */
START_TEST(rows_of_a_reshaped_array_need_no_division)
	{
		static const char model[] =
		    "input x[N, 144]\nc = reshape([1.0, 2.0, 0.5, 3.0], [4, 1, 1])\n"
		    "z = reshape(x, [N, 4, 6, 6])*c\n"
		    "output sum(reshape(z, [N, 144])*(x + 1), axis=1) as y\n";
		static const char small[] =
		    "input x[N, 16, 9], y[N, 4, 36]\n"
		    "output sum(x*reshape(y[:, :, :1]*y, [N, 16, 9])) as s\n";

		ck_assert(writes(model, "stretch / 36;"));
		ck_assert(!writes(model, "/ 6;"));
		ck_assert(writes(small, " = j / 4;"));
		ck_assert(!writes(small, "/ 36;"));
	}
END_TEST

/* What is tiled is read from its beginning in each stretch. */
START_TEST(a_tiled_row_needs_no_remainder)
	{
		static const char model[] = "input x[3, N]\noutput tile(x, (1, 3))*0.5 as y\n";

		ck_assert(writes(model, "stretch += N)"));
		ck_assert(!writes(model, " % N"));
	}
END_TEST

START_TEST(short_sums_have_lanes_where_these_are_full)
	{
		ck_assert(writes("input x[N, 32]\noutput sum(x, axis=1) as y\n", "lanes_sum_f64("));
		ck_assert(
		    !writes("input x[N, 31]\noutput sum(x, axis=1) as y\n", "lanes_sum_f64("));
	}
END_TEST

/* In the rows that std() leaves out all terms are left out: no sum asks for each. */
START_TEST(sums_of_rows_do_not_ask_for_each_term)
	{
		static const char model[] = "input x[N, M], g[N]\ny = sum(std(x, axis=1)*g)\n"
					    "gradient y wrt x\n";

		ck_assert(writes(model, "where_f64("));
		ck_assert(!writes(model, "_acc ||"));
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tiles");
	TCase *t = tcase_create("tiles");
	const int n = sizeof models / sizeof *models;
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, jit_agrees_with_the_evaluator, 0, n);
	tcase_add_loop_test(t, tiles_call_routines, 0, n);
	tcase_add_test(t, buffers_are_reused);
	tcase_add_test(t, flattened_pieces_need_no_division);
	tcase_add_test(t, a_copied_view_needs_no_division);
	tcase_add_test(t, causal_attention_tests_no_row);
	tcase_add_test(t, the_first_tile_sets_a_sum_of_products);
	tcase_add_test(t, heads_of_a_slice_are_not_copied);
	tcase_add_test(t, short_loops_stay_as_they_are);
	tcase_add_test(t, integers_wrap_without_a_call);
	tcase_add_test(t, sums_into_places_stand_together);
	tcase_add_test(t, what_lies_side_by_side_is_written_by_one_loop);
	tcase_add_loop_test(t, what_rows_are_made_of_is_written_in_place, 0,
	                    sizeof rows / sizeof *rows);
	tcase_add_test(t, tiles_are_taller_where_products_are_heavy);
	tcase_add_test(t, tiles_are_lower_where_rows_are_long);
	tcase_add_test(t, windows_have_a_nest_of_their_own);
	tcase_add_test(t, a_tiled_row_needs_no_remainder);
	tcase_add_test(t, short_sums_have_lanes_where_these_are_full);
	tcase_add_test(t, rows_of_a_reshaped_array_need_no_division);
	tcase_add_test(t, sums_of_rows_do_not_ask_for_each_term);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
