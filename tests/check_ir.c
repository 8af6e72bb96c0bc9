/* check_ir.c - extents, shapes, graphs. */
#include "rules/rules.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N, M, D, NDIMS };

/* Each test body runs under sg_protect with a fresh space of the dimensions N, M, D. */
typedef struct world {
	sg_ctx *ctx;
	sg_space *sp;
	void (*body)(struct world *w);
	sg_ext n, m, d;
} world;

static void
in_protection(void *arg)
{
	world *w = arg;
	static const char *const name[NDIMS] = {"N", "M", "D"};

	w->sp = sg_space_new(w->ctx);
	for (int i = 0; i < NDIMS; i++)
		sg_space_add_dim(w->sp, name[i], (sg_span){.src = NULL});
	w->n = sg_ext_dim(w->sp, N);
	w->m = sg_ext_dim(w->sp, M);
	w->d = sg_ext_dim(w->sp, D);
	w->body(w);
}

static sg_fault
run(void (*body)(world *))
{
	world w = {.ctx = sg_ctx_new(), .body = body};
	sg_fault f = sg_protect(w.ctx, in_protection, &w);

	if (f == SG_FAULT_DEFECT)
		fprintf(stderr, "%s\n", sg_fault_text(w.ctx));
	sg_ctx_free(w.ctx);
	return f;
}

/* Extents from text: a tiny reader of the grammar, so that tests are tables. */
typedef struct reader {
	world *w;
	const char *s;
} reader;

static sg_ext read_sum(reader *r);

static sg_ext
read_atom(reader *r)
{
	sg_ext e;
	int64_t v = 0;

	while (*r->s == ' ')
		r->s++;
	if (*r->s == '(') {
		r->s++;
		e = read_sum(r);
		r->s++;
		return e;
	}
	if (*r->s == '-') {
		r->s++;
		return sg_ext_sub(r->w->sp, 0, read_atom(r));
	}
	if (*r->s >= 'A') {
		char c = *r->s++;

		return c == 'N' ? r->w->n : c == 'M' ? r->w->m : r->w->d;
	}
	while (*r->s >= '0' && *r->s <= '9')
		v = v * 10 + (*r->s++ - '0');
	return sg_ext_int(r->w->sp, v);
}

static sg_ext
read_product(reader *r)
{
	sg_ext e = read_atom(r);

	for (;;) {
		while (*r->s == ' ')
			r->s++;
		if (r->s[0] == '*') {
			r->s++;
			e = sg_ext_mul(r->w->sp, e, read_atom(r));
		} else if (r->s[0] == '/') {
			r->s += 2;
			e = sg_ext_div(r->w->sp, e, read_atom(r));
		} else {
			return e;
		}
	}
}

static sg_ext
read_sum(reader *r)
{
	sg_ext e = read_product(r);

	for (;;) {
		while (*r->s == ' ')
			r->s++;
		if (*r->s != '+' && *r->s != '-')
			return e;
		e = *r->s++ == '+' ? sg_ext_add(r->w->sp, e, read_product(r))
		                   : sg_ext_sub(r->w->sp, e, read_product(r));
	}
}

static sg_ext
ext(world *w, const char *s)
{
	return read_sum(&(reader){w, s});
}

static const char *const equal[][2] = {
    {"N + M", "M + N"},
    {"(N + M)*(N - M)", "N*N - M*M"},
    {"(2*N + 3)//2", "N + 1"},
    {"(2*N + 2)//4", "(N + 1)//2"},
    {"(N*M)//M", "N"},
    {"(N*N - M*M)//(N + M)", "N - M"},
    {"(N*M + M)//M", "N + 1"},
    {"D*(D + 1)//2 - D", "D*(D - 1)//2"},
    {"(N//2)//3", "N//6"},
    {"(N//2 + 1)//2", "(N + 2)//4"},
    {"(N - 1)//2 + 1", "(N + 1)//2"},
    {"N//(-2)", "(-N)//2"},
    {"7//2", "3"},
    {"(-7)//2", "-4"},
    {"(2*N)//(2*M)", "N//M"},
    {"(N*D)//(M*D)", "N//M"},
    {"(N + M)//M", "N//M + 1"},
    {"(3*N)//2", "N + N//2"},
    {"N - N", "0"},
    {"0*N", "0"},
};

static void
equal_extents(world *w)
{
	for (size_t i = 0; i < sizeof equal / sizeof *equal; i++)
		ck_assert_msg(ext(w, equal[i][0]) == ext(w, equal[i][1]), "%s is not %s but %s",
		              equal[i][0], equal[i][1], sg_ext_text(w->sp, ext(w, equal[i][0])));
}

START_TEST(equal_extents_are_equal_handles)
	{
		ck_assert_int_eq(run(equal_extents), SG_FAULT_NONE);
	}
END_TEST

static const char *const texts[][2] = {
    {"N - 1", "N - 1"},
    {"-1 + N", "N - 1"},
    {"2*N", "2*N"},
    {"1 - N", "1 - N"},
    {"0 - N", "-N"},
    {"(N + 1)//2", "(N + 1)//2"},
    {"(N - 1)//2", "(N - 1)//2"},
    {"D*(D - 1)//2", "(D*D - D)//2"},
    {"(3*N)//2", "3*N//2"},
    {"(N - 3)//2 + 1", "(N - 1)//2"},
    {"N//2", "N//2"},
    {"N*(M//2)", "N*(M//2)"},
    {"2*(M//2)", "2*(M//2)"},
    {"N//(M + 1)", "N//(M + 1)"},
    {"(N + 1)//(M*D)", "(N + 1)//(M*D)"},
    {"N//0", "N//0"},
    {"0 - N//2", "-(N//2)"},
    {"5", "5"},
    {"0", "0"},
    {"2*(N*M) - 3*N + 7", "2*N*M - 3*N + 7"},
};

static void
readable(world *w)
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		sg_ext e = ext(w, texts[i][0]);
		const char *s = sg_ext_text(w->sp, e);

		ck_assert_str_eq(s, texts[i][1]);
		ck_assert_msg(ext(w, s) == e, "%s reads back as another extent", s);
	}
}

START_TEST(printed_extents_read_back)
	{
		ck_assert_int_eq(run(readable), SG_FAULT_NONE);
	}
END_TEST

static const char *
c_name(void *arg, uint32_t dim)
{
	(void)arg;
	return dim == N ? "N" : dim == M ? "M_" : "D";
}

static void
c_text(world *w)
{
	static const char *const fn[] = {"quot", "least", "most"}, *const row[][2] = {
	    {"N", "N"},
	    {"3", "3"},
	    {"0 - 3", "(-3)"},
	    {"2*N - 1", "(2 * N - 1)"},
	    {"M//2", "quot(M_, 2)"},
	    {"D*(D - 1)//2", "(quot(D * D + D, 2) - D)"},
	    {"0 - N*M", "(-N * M_)"},
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		sg_buf b;

		sg_buf_init(&b, w->ctx);
		sg_ext_print_c(w->sp, &b, ext(w, row[i][0]), c_name, NULL, fn);
		ck_assert_str_eq(sg_buf_text(&b), row[i][1]);
	}
}

START_TEST(c_text_has_quotients_as_calls)
	{
		ck_assert_int_eq(run(c_text), SG_FAULT_NONE);
	}
END_TEST

/* Random expressions: text by the plain meaning of each operator against the normal form. */
static int64_t
floored(int64_t p, int64_t q)
{
	return p / q - (p % q && (p < 0) != (q < 0));
}

static sg_ext
random_ext(world *w, unsigned *seed, int depth, const int64_t *dims, int64_t *v, bool *ok)
{
	int64_t a, b;
	sg_ext x, y;
	unsigned k = *seed = *seed * 1103515245u + 12345u;

	k = (k >> 16) % 8;
	if (depth == 0 || k < 2) {
		unsigned d = (*seed >> 20) % 6;

		*v = d < NDIMS ? dims[d] : (int64_t)((*seed >> 10) % 7) - 2;
		return d < NDIMS ? sg_ext_dim(w->sp, d) : sg_ext_int(w->sp, *v);
	}
	x = random_ext(w, seed, depth - 1, dims, &a, ok);
	y = random_ext(w, seed, depth - 1, dims, &b, ok);
	if (k >= 6 && b == 0)
		*ok = false;
	*v = k < 3 ? a + b : k == 3 ? a - b : k < 6 ? a * b : b ? floored(a, b) : 0;
	return k < 3    ? sg_ext_add(w->sp, x, y)
	       : k == 3 ? sg_ext_sub(w->sp, x, y)
	       : k < 6  ? sg_ext_mul(w->sp, x, y)
	                : sg_ext_div(w->sp, x, y);
}

static void
arithmetic(world *w)
{
	for (unsigned trial = 0; trial < 20000; trial++) {
		unsigned seed = trial;
		int64_t dims[NDIMS] = {trial % 7, trial / 7 % 5, trial / 35 % 9}, v, is;
		bool ok = true;
		sg_ext e = random_ext(w, &seed, 3, dims, &v, &ok), back;

		if (!ok)
			continue;
		if (sg_ext_eval(w->sp, e, dims, &is))
			ck_assert_msg(is == v, "trial %u: %s is %lld, not %lld", trial,
			              sg_ext_text(w->sp, e), (long long)is, (long long)v);
		back = ext(w, sg_ext_text(w->sp, e));
		if (sg_ext_eval(w->sp, e, dims, &is) && sg_ext_eval(w->sp, back, dims, &v))
			ck_assert_msg(is == v, "trial %u: %s reads back as %s", trial,
			              sg_ext_text(w->sp, e), sg_ext_text(w->sp, back));
		if (sg_ext_eval(w->sp, e, dims, &is) && sg_ext_nonneg(w->sp, e))
			ck_assert_msg(is >= 0, "trial %u: %s is negative", trial,
			              sg_ext_text(w->sp, e));
	}
}

START_TEST(normal_form_keeps_values)
	{
		ck_assert_int_eq(run(arithmetic), SG_FAULT_NONE);
	}
END_TEST

static void
signs(world *w)
{
	static const char *const yes[] = {
	    "N",    "0",        "N*M + 2", "D*D - D",        "D*(D - 1)//2",
	    "N//2", "N - N//2", "N//M",    "(N + 3)//2 - 1", "2*N - 2*(N//2)"};
	static const char *const no[] = {"N - 1", "N - M", "0 - 1", "N*M - N", "(N - 1)//2"};

	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		ck_assert_msg(sg_ext_nonneg(w->sp, ext(w, yes[i])), "%s", yes[i]);
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		ck_assert_msg(!sg_ext_nonneg(w->sp, ext(w, no[i])), "%s", no[i]);
}

/* What is proved of the lesser and the greater holds for all small dimensions, and is at least this. */
static void
signs_of_extremes(world *w)
{
	static const char *const yes[][4] = {
	    {"max", "64*N", "16*M", "-64*N"},        {"max", "64*N", "16*M", "-16*M"},
	    {"min", "N", "64", "0"},                 {"min", "N", "M", "1"},
	    {"max", "16*N*M", "4*((N + 3)//4)", "-N"}, {"max", "N", "M", "-(M//2)"}};
	int proved = 0, slowly = 0;

	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		const sg_ext a = ext(w, yes[i][1]), b = ext(w, yes[i][2]);
		const sg_ext e = yes[i][0][1] == 'a' ? sg_ext_max(w->sp, a, b) : sg_ext_min(w->sp, a, b);

		ck_assert_msg(sg_ext_nonneg(w->sp, sg_ext_add(w->sp, e, ext(w, yes[i][3]))), "%s(%s, %s) + %s",
		              yes[i][0], yes[i][1], yes[i][2], yes[i][3]);
	}
	for (unsigned trial = 0; trial < 3000; trial++) {
		unsigned seed = trial;
		int64_t dims[NDIMS] = {0}, v;
		bool ok = true;
		sg_ext a = random_ext(w, &seed, 2, dims, &v, &ok), b = random_ext(w, &seed, 2, dims, &v, &ok),
		       c = random_ext(w, &seed, 2, dims, &v, &ok), e;

		e = trial % 2 ? sg_ext_max(w->sp, a, b) : sg_ext_min(w->sp, a, b);
		e = trial % 4 < 2 ? sg_ext_add(w->sp, c, e) : sg_ext_sub(w->sp, c, e);
		ok = sg_ext_nonneg_soon(w->sp, e);
		if (!sg_ext_nonneg(w->sp, e)) {
			ck_assert_msg(!ok, "trial %u: %s", trial, sg_ext_text(w->sp, e));
			continue;
		}
		proved++;
		slowly += !ok; /* that a short proof failed is not kept for an answer */
		for (int k = 0; k < 5 * 5 * 5; k++) {
			const int64_t at[NDIMS] = {k % 5, k / 5 % 5, k / 25};

			if (sg_ext_eval(w->sp, e, at, &v))
				ck_assert_msg(v >= 0, "trial %u: %s", trial, sg_ext_text(w->sp, e));
		}
	}
	ck_assert_int_gt(proved, 300);
	ck_assert_int_gt(slowly, 0);
}

START_TEST(signs_of_extremes_that_are_proved_hold)
	{
		ck_assert_int_eq(run(signs_of_extremes), SG_FAULT_NONE);
	}
END_TEST

START_TEST(signs_that_can_be_proved_are)
	{
		ck_assert_int_eq(run(signs), SG_FAULT_NONE);
	}
END_TEST

static void
solving(world *w)
{
	int64_t dims[NDIMS] = {0, 3, 0}, v = -1;
	bool known[NDIMS] = {false, true, false};

	ck_assert_int_eq(sg_ext_solve(w->sp, ext(w, "2*N + 1"), N, dims, known, 7, &v), 1);
	ck_assert_int_eq(v, 3);
	ck_assert_int_eq(sg_ext_solve(w->sp, ext(w, "2*N + 1"), N, dims, known, 8, &v), -1);
	ck_assert_int_eq(sg_ext_solve(w->sp, ext(w, "N + 9"), N, dims, known, 8, &v), -1);
	ck_assert_int_eq(sg_ext_solve(w->sp, ext(w, "N*M + M//2"), N, dims, known, 13, &v), 1);
	ck_assert_int_eq(v, 4);
	ck_assert_int_eq(sg_ext_solve(w->sp, ext(w, "N*D"), N, dims, known, 13, &v), 0);
	ck_assert_int_eq(sg_ext_solve(w->sp, ext(w, "N*N"), N, dims, known, 9, &v), 0);
	ck_assert_int_eq(sg_ext_solve(w->sp, ext(w, "N//2"), N, dims, known, 9, &v), 0);
	ck_assert_int_eq(sg_ext_solve(w->sp, ext(w, "M + 1"), N, dims, known, 9, &v), 0);
}

START_TEST(affine_extents_are_solved)
	{
		ck_assert_int_eq(run(solving), SG_FAULT_NONE);
	}
END_TEST

static void
renaming(world *w)
{
	sg_ext dims[NDIMS] = {w->n, w->m, w->d};

	dims[N] = sg_ext_add(w->sp, w->n, w->n);
	ck_assert(sg_ext_subst(w->sp, ext(w, "(N + 1)//2 + M"), dims) == ext(w, "N + M"));
	dims[M] = sg_ext_int(w->sp, 0);
	ck_assert(sg_ext_subst(w->sp, ext(w, "N*M + 3"), dims) == ext(w, "3"));
	ck_assert(!sg_ext_uses(w->sp, ext(w, "N//2"), M));
	ck_assert(sg_ext_uses(w->sp, ext(w, "D*(N//(M + 1))"), M));
}

START_TEST(substitution_normalises_again)
	{
		ck_assert_int_eq(run(renaming), SG_FAULT_NONE);
	}
END_TEST

static void
overflow(world *w)
{
	sg_ext big = sg_ext_int(w->sp, INT64_MAX);
	int64_t dims[NDIMS] = {INT64_MAX, 2, 0}, v;

	ck_assert(!sg_ext_eval(w->sp, ext(w, "N*M"), dims, &v));
	ck_assert(!sg_ext_eval(w->sp, ext(w, "N + 1"), dims, &v));
	ck_assert(!sg_ext_eval(w->sp, ext(w, "N//D"), dims, &v));
	sg_ext_add(w->sp, sg_ext_mul(w->sp, big, w->n), w->n);
}

static void
power_tower(world *w)
{
	sg_ext e = w->n;

	for (int i = 0; i < 1000; i++)
		e = sg_ext_add(w->sp, sg_ext_div(w->sp, sg_ext_mul(w->sp, e, e), w->m), w->n);
}

START_TEST(overflow_is_a_limit)
	{
		ck_assert_int_eq(run(overflow), SG_FAULT_LIMIT);
		ck_assert_int_eq(run(power_tower), SG_FAULT_LIMIT);
	}
END_TEST

static void
nodes(world *w)
{
	sg_graph *g = sg_graph_new(w->sp);
	const sg_shape *s = sg_shape_make(w->sp, 1, &w->n);
	sg_ref x =
	    sg_node_make(g, SG_INPUT, SG_F64, s, 0, NULL, sg_attr_make(w->sp, 1, (int64_t[]){0}));
	sg_ref last = x, r[2] = {x, x};

	ck_assert(sg_shape_make(w->sp, 1, &w->n) == s);
	ck_assert_str_eq(sg_shape_text(w->sp, s), "[N]");
	ck_assert_str_eq(sg_shape_text(w->sp, sg_shape_scalar(w->sp)), "[]");
	for (int i = 0; i < 1000000; i++) {
		r[0] = last;
		last = sg_node_make(g, SG_ADD, SG_F64, s, 2, r, NULL);
	}
	ck_assert_uint_eq(g->n, 1000002);
	ck_assert_uint_eq(sg_node_make(g, SG_ADD, SG_F64, s, 2, r, NULL), last);
	ck_assert_uint_ne(sg_node_make(g, SG_ADD, SG_F32, s, 2, r, NULL), last);
	ck_assert(sg_graph_live(g, 1, &last)[x]);
	ck_assert(!sg_graph_live(g, 1, &x)[last]);
	sg_graph_check(g);
}

START_TEST(a_million_nodes_are_shared)
	{
		ck_assert_int_eq(run(nodes), SG_FAULT_NONE);
	}
END_TEST

/* Columns of nodes, each on operands of its own or of the one before: cones of all widths. */
static void
cones(world *w)
{
	enum { COLUMNS = 60, HEIGHT = 50 };
	sg_graph *g = sg_graph_new(w->sp);
	const sg_shape *s = sg_shape_scalar(w->sp);
	sg_ref top[COLUMNS];

	for (int64_t i = 0; i < COLUMNS; i++) {
		sg_ref in = sg_node_make(g, SG_INPUT, SG_F64, s, 0, NULL, sg_attr_make(w->sp, 1, &i));
		sg_ref r[2] = {in, i % 7 ? in : top[i > 0 ? i - 1 : 0]};

		r[1] = i == 0 ? in : r[1];
		for (int k = 0; k < HEIGHT; k++)
			r[0] = sg_node_make(g, SG_ADD, SG_F64, s, 2, r, NULL);
		g->name[r[0]] = "top";
		top[i] = r[0];
	}
	for (int i = 0; i < COLUMNS; i++) {
		sg_ref root[3] = {top[i], 0, top[i / 2]};
		const bool *live = sg_graph_live(g, 3, root);
		const sg_ref start = i % 3 ? 1 : top[i / 4];
		const sg_needed c = sg_graph_needed(g, start, 3, root);
		sg_graph *part;
		size_t at = 0;

		for (sg_ref r = start; r < g->n; r++)
			if (live[r])
				ck_assert(at < c.n && c.ref[at++] == r);
		ck_assert_uint_eq(at, c.n);
		part = sg_graph_part(g, 3, root);
		sg_graph_check(part);
		ck_assert_uint_eq(root[1], 0);
		ck_assert_str_eq(part->name[root[0]], "top");
		ck_assert(sg_graph_live(part, 3, root)[1]);
		ck_assert(part == g || root[0] + 1 == part->n || root[2] + 1 == part->n);
	}
}

START_TEST(what_is_needed_is_what_is_live)
	{
		ck_assert_int_eq(run(cones), SG_FAULT_NONE);
	}
END_TEST

/* entry: slice of x [N], not of y [M]. */
static void
uses(world *w)
{
	sg_graph *g = sg_graph_new(w->sp);
	const sg_shape *sn = sg_shape_make(w->sp, 1, &w->n), *sm = sg_shape_make(w->sp, 1, &w->m);
	int64_t start[2] = {(int64_t)ext(w, "D//2"), 1};
	sg_ref x =
	    sg_node_make(g, SG_INPUT, SG_F64, sn, 0, NULL, sg_attr_make(w->sp, 1, (int64_t[]){0}));
	sg_ref y =
	    sg_node_make(g, SG_INPUT, SG_F64, sm, 0, NULL, sg_attr_make(w->sp, 1, (int64_t[]){1}));
	sg_ref r = sg_node_make(g, SG_SLICE, SG_F64, sg_shape_make(w->sp, 1, (sg_ext[]){1}), 1, &x,
	                        sg_attr_make(w->sp, 2, start));
	sg_input in[2] = {{.name = "x", .type = SG_F64, .shape = sn, .ref = x},
	                  {.name = "y", .type = SG_F64, .shape = sm, .ref = y, .is_param = true}};
	sg_output out = {.name = "o", .ref = r};
	sg_entry_ir e = {.name = "forward", .out = &out, .nout = 1};
	sg_program p = {.name = "t",
	                .sp = w->sp,
	                .g = g,
	                .real = SG_F64,
	                .input = in,
	                .ninputs = 2,
	                .entry = &e,
	                .nentries = 1};
	sg_uses u = sg_entry_uses(&p, &e);
	sg_buf b;

	ck_assert(u.input[0] && !u.input[1]);
	ck_assert(u.dim[N] && !u.dim[M] && u.dim[D]);
	sg_buf_init(&b, w->ctx);
	sg_program_print(&p, &b, sg_op_name);
	ck_assert_str_eq(sg_buf_text(&b),
	                 "model t, real f64\ndim N\ndim M\ndim D\n"
	                 "input x: f64[N] %1\nparam y: f64[M] %2\n"
	                 "  %1 = input {0} : f64[N]\n  %2 = input {1} : f64[M]\n"
	                 "  %3 = slice %1 {D//2, 1} : f64[1]\nentry forward o = %3\n");
}

START_TEST(an_entry_uses_what_its_outputs_need)
	{
		ck_assert_int_eq(run(uses), SG_FAULT_NONE);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ir");
	TCase *t = tcase_create("ir");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, equal_extents_are_equal_handles);
	tcase_add_test(t, printed_extents_read_back);
	tcase_add_test(t, c_text_has_quotients_as_calls);
	tcase_add_test(t, normal_form_keeps_values);
	tcase_add_test(t, signs_that_can_be_proved_are);
	tcase_add_test(t, signs_of_extremes_that_are_proved_hold);
	tcase_add_test(t, affine_extents_are_solved);
	tcase_add_test(t, substitution_normalises_again);
	tcase_add_test(t, overflow_is_a_limit);
	tcase_add_test(t, a_million_nodes_are_shared);
	tcase_add_test(t, what_is_needed_is_what_is_live);
	tcase_add_test(t, an_entry_uses_what_its_outputs_need);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
