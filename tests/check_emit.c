/* check_emit.c - the C that is written: it compiles without a warning, computes what the evaluator
 * computes, for extents of 0 and of more than a block too, and reads as it should.
 *
 * Random programs have many entries over one graph, so that the compiler is called once for all of
 * them. A failure names the seed; CHECK_EMIT_SEED and CHECK_EMIT_COUNT choose others. */
#include "emit_random.h"

#include <dlfcn.h>
#include <unistd.h>

enum { NENTRIES = 24, NSTEPS = 30 };

typedef int call_fn(const ptrdiff_t *dims, void *const *args, void *work);

/* ---- compiling ---- */

static const char *
folder(void)
{
	const char *t = getenv("TMPDIR");

	return t && *t ? t : "/tmp";
}

/* The text as a shared object, with every warning an error; NULL: $CC found fault. */
static void *
build_so(const char *text, const char *cc)
{
	char c[512], so[512], command[2048];
	FILE *f;
	void *so_handle;

	snprintf(c, sizeof c, "%s/check_emit_%ld.c", folder(), (long)getpid());
	snprintf(so, sizeof so, "%s/check_emit_%ld.so", folder(), (long)getpid());
	f = fopen(c, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	snprintf(command, sizeof command,
	         "%s -std=c11 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror "
	         "-ffp-contract=off -fPIC -shared %s -o %s -lm",
	         cc, c, so);
	if (system(command) != 0)
		return NULL;
	so_handle = dlopen(so, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(so_handle != NULL, "%s", dlerror());
	if (!getenv("CHECK_EMIT_KEEP"))
		(void)remove(c);
	(void)remove(so);
	return so_handle;
}

/* ---- a program over a world's graph ---- */

static sg_program *
program_of(world *w, size_t nentries)
{
	sg_program *p = SG_NEW(w->ctx, sg_program);

	*p = (sg_program){.name = "m", .sp = w->sp, .g = w->b.g, .real = SG_F64};
	p->ninputs = w->ninputs;
	p->input = SG_NEW_ARRAY(w->ctx, sg_input, w->ninputs);
	for (uint32_t i = 0; i < w->ninputs; i++) {
		const sg_node *n = &w->b.g->node[w->input[i]];

		p->input[i] = (sg_input){.name = sg_text(w->ctx, "x%u", i),
		                         .type = (sg_type)n->type,
		                         .shape = n->shape,
		                         .ref = w->input[i]};
	}
	p->nentries = nentries;
	p->entry = SG_NEW_ARRAY(w->ctx, sg_entry_ir, nentries);
	return p;
}

static void
set_entry(world *w, sg_entry_ir *e, const char *name, size_t nout, const sg_ref *out)
{
	e->name = name;
	e->nout = nout;
	e->out = SG_NEW_ARRAY(w->ctx, sg_output, nout);
	for (size_t k = 0; k < nout; k++)
		e->out[k] = (sg_output){.name = sg_text(w->ctx, "y%zu", k), .ref = out[k]};
}

static const sg_c_names *
emit(world *w, const sg_program *p, bool jit, const char **text)
{
	const sg_emit_options o = {
	    .prefix = p->name, .standalone = !jit, .jit = jit, .piece = w->piece};
	const sg_c_names *names;
	sg_buf b;

	sg_buf_init(&b, w->ctx);
	names = sg_emit(w->ctx, p, &o, &b, NULL);
	*text = sg_buf_text(&b);
	return names;
}

/* ---- comparing with the evaluator ---- */

static bool
agrees(double a, double b, sg_type t)
{
	const double tol = t == SG_F32 ? 2e-4 : 1e-10;

	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b);
	return a == b || fabs(a - b) <= tol * (1 + fabs(b));
}

typedef struct buffers {
	sg_tensor out[8], want[8];
	void *args[MAX_INPUTS + 8];
	char *work;
	size_t bytes;
} buffers;

enum { GUARD = 64 };

static void
open_buffers(world *w, const sg_program *p, const sg_entry_ir *e, sg_ext work, buffers *u)
{
	const sg_uses uses = sg_entry_uses(p, e);
	int64_t bytes = 0;
	size_t n = 0;

	for (size_t i = 0; i < p->ninputs; i++)
		if (uses.input[i])
			u->args[n++] = w->value[i].data;
	for (size_t k = 0; k < e->nout; k++) {
		u->want[k] = tensor_for(w, p->g, e->out[k].ref);
		u->out[k] = u->want[k];
		u->out[k].data = sg_alloc(w->ctx, (size_t)u->out[k].count * 8 + GUARD);
		memset(u->out[k].data, 0x5a, (size_t)u->out[k].count * 8 + GUARD);
		u->args[n++] = u->out[k].data;
	}
	CLAIM(sg_ext_eval(w->sp, work, w->dims, &bytes), "a workspace");
	u->bytes = (size_t)bytes;
	u->work = sg_alloc(w->ctx, u->bytes + 64 + GUARD);
	u->work += (64 - (uintptr_t)u->work % 64) % 64;
	memset(u->work, 0x5a, u->bytes + GUARD);
}

static void
check_guards(const buffers *u, const sg_entry_ir *e, const char *what)
{
	for (size_t k = 0; k < e->nout; k++) {
		const char *end = (const char *)u->out[k].data +
		                  (size_t)u->out[k].count * sg_type_size(u->out[k].type);

		for (int i = 0; i < GUARD / 2; i++)
			CLAIM(end[i] == 0x5a, "%s: writes past the end of output %zu", what, k);
	}
	for (int i = 0; i < GUARD; i++)
		CLAIM(u->work[u->bytes + (size_t)i] == 0x5a, "%s: writes past its workspace", what);
}

static void
check_call(world *w, const sg_program *p, size_t i, sg_ext work, call_fn *call, const char *how)
{
	const sg_entry_ir *e = &p->entry[i];
	const sg_tensor *in[MAX_INPUTS];
	const char *what = sg_text(w->ctx, "%s, entry %zu, N = %d, M = %d", how, i, (int)w->dims[0],
	                           (int)w->dims[1]);
	const ptrdiff_t all[NDIMS] = {w->dims[0], w->dims[1], w->dims[2]};
	ptrdiff_t dims[NDIMS];
	sg_ref ref[8];
	buffers u = {.bytes = 0};
	size_t ndims = 0;
	int got, want;

	for (size_t k = 0; k < p->ninputs; k++)
		in[k] = &w->value[k];
	for (size_t k = 0; k < e->nout; k++)
		ref[k] = e->out[k].ref;
	for (size_t k = 0; k < NDIMS; k++)
		if (sg_entry_uses(p, e).dim[k])
			dims[ndims++] = all[k];
	open_buffers(w, p, e, work, &u);
	want = sg_interp(w->ctx, p, e->nout, ref, w->dims, in, u.want);
	got = call(dims, u.args, u.bytes ? u.work : NULL);
	CLAIM(got == want, "%s: returns %d, not %d", what, got, want);
	check_guards(&u, e, what);
	for (size_t k = 0; want == SGRT_OK && k < e->nout; k++)
		for (int64_t j = 0; j < u.want[k].count; j++) {
			const double a = get(&u.out[k], j), b = get(&u.want[k], j);

			CLAIM(agrees(a, b, u.want[k].type),
			      "%s: output %zu (node %u) at %d is %.17g, not %.17g", what, k,
			      (unsigned)ref[k], (int)j, a, b);
		}
}

static const int64_t sizes[][NDIMS] = {{3, 2, 1},   {0, 3, 2}, {1, 1, 1},   {5, 0, 3},
                                       {300, 2, 4}, {2, 7, 0}, {1100, 3, 1}};

/* Every entry, for all sizes, by $CC and by libtcc. */
static void
check_program(world *w, const sg_program *p, const char *cc)
{
	const char *text, *jit_text, *names[64];
	const sg_c_names *c = emit(w, p, false, &text), *blocks;
	void *so = build_so(text, cc), *addr[64];
	char *why = NULL;
	sg_code *jit;

	CLAIM(so != NULL, "the C compiler finds fault");
	blocks = emit(w, p, true, &jit_text);
	for (size_t i = 0; i < p->nentries; i++)
		names[i] = c[i].call;
	jit = sg_have_tcc() ? sg_load_tcc(jit_text, p->nentries, names, addr, &why) : NULL;
	CLAIM(jit != NULL || !sg_have_tcc(), "libtcc: %s", why ? why : "?");
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		set_dims(w, sizes[s][0], sizes[s][1], sizes[s][2]);
		randomise(w);
		for (size_t i = 0; i < p->nentries; i++) {
			call_fn *call;
			void *f = dlsym(so, names[i]);

			memcpy(&call, &f, sizeof call);
			check_call(w, p, i, c[i].bytes, call, "cc");
			if (!jit)
				continue;
			memcpy(&call, &addr[i], sizeof call);
			check_call(w, p, i, blocks[i].bytes, call, "jit");
		}
	}
	if (jit)
		sg_unload(jit);
	dlclose(so);
}

/* The same by libtcc with its loops as parts, on threads where they are large enough. */
static void
check_parts(world *w, const sg_program *p)
{
	const sg_emit_options o = {.prefix = p->name, .jit = true, .threads = true};
	int (*const run)(void *, sg_part *, void *, ptrdiff_t, ptrdiff_t) = sg_pool_run;
	const char *names[64] = {"sgrt_pool", "sgrt_parallel"};
	sg_pool *threads = sg_pool_new();
	const sg_c_names *c;
	void *addr[64];
	char *why = NULL;
	sg_code *code;
	sg_buf b;

	sg_buf_init(&b, w->ctx);
	c = sg_emit(w->ctx, p, &o, &b, NULL);
	for (size_t i = 0; i < p->nentries; i++)
		names[2 + i] = c[i].call;
	code = sg_load_tcc(sg_buf_text(&b), 2 + p->nentries, names, addr, &why);
	CLAIM(code != NULL && threads != NULL, "libtcc: %s", why ? why : "?");
	memcpy(addr[0], &threads, sizeof threads);
	memcpy(addr[1], &run, sizeof run);
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		set_dims(w, sizes[s][0], sizes[s][1], sizes[s][2]);
		randomise(w);
		for (size_t i = 0; i < p->nentries; i++) {
			call_fn *call;

			memcpy(&call, &addr[2 + i], sizeof call);
			check_call(w, p, i, c[i].bytes, call, "jit with threads");
		}
	}
	sg_pool_free(threads);
	sg_unload(code);
}

static const char *
compiler(void)
{
	const char *cc = getenv("CC");

	return cc && *cc ? cc : "cc";
}

/* ---- random programs ---- */

static void
random_program(world *w, uint64_t seed, sg_type real)
{
	const sg_ext n = w->n, m = w->m;
	sg_program *p;
	pool pl = {.w = w, .real = real};
	sg_ref out[NENTRIES][4];
	size_t nout[NENTRIES];

	w->random = seed * 7919 + 1;
	for (int i = 0; i < 3; i++)
		(void)uniform(w, 0, 1);
	add(&pl, input_of(w, real, SHAPE(w, n, num(w, 4))), true);
	add(&pl, input_of(w, real, SHAPE(w, n)), true);
	add(&pl, input_of(w, real, SHAPE(w, m, n)), true);
	add(&pl, input_of(w, real, SHAPE(w, num(w, 4), num(w, 6))), true);
	add(&pl, input_of(w, real, sg_shape_scalar(w->sp)), true);
	add(&pl, input_of(w, real, SHAPE(w, num(w, 4), m)), true);
	const uint32_t ninputs = pl.n;
	for (size_t e = 0; e < NENTRIES; e++) {
		pl.n = ninputs;
		for (int k = 0; k < NSTEPS; k++)
			grow(&pl);
		nout[e] = 1 + below(w, 3);
		for (size_t k = 0; k < nout[e]; k++)
			out[e][k] = pl.item[k == 0 ? pl.n - 1 : ninputs + below(w, pl.n - ninputs)];
	}
	p = program_of(w, NENTRIES);
	for (size_t e = 0; e < NENTRIES; e++)
		set_entry(w, &p->entry[e], sg_text(w->ctx, "e%zu", e), nout[e], out[e]);
	/* made twice, only the functions for AVX2 are called here; made once, the others */
	check_program(
	    w, p, seed % 3 == 1 ? compiler() : sg_text(w->ctx, "%s -DSGRT_ONE_WIDTH", compiler()));
	if (sg_have_tcc())
		check_parts(w, p);
}

static long
number_from(const char *name, long otherwise)
{
	const char *s = getenv(name);

	return s ? strtol(s, NULL, 10) : otherwise;
}

/* All functions in small pieces. */
static void
random_pieces(world *w)
{
	w->piece = 5;
	random_program(w, (uint64_t)number_from("CHECK_EMIT_SEED", 1), SG_F64);
}

static void
random_f64(world *w)
{
	random_program(w, (uint64_t)number_from("CHECK_EMIT_SEED", 1), SG_F64);
}

static void
random_f32(world *w)
{
	random_program(w, (uint64_t)number_from("CHECK_EMIT_SEED", 1), SG_F32);
}

START_TEST(written_c_computes_what_the_evaluator_computes)
	{
		const long first = number_from("CHECK_EMIT_SEED", 1),
			   count = number_from("CHECK_EMIT_COUNT", 3);
		char seed[32];

		for (long s = first; s < first + count; s++) {
			snprintf(seed, sizeof seed, "%ld", s);
			setenv("CHECK_EMIT_SEED", seed, 1);
			printf("seed %ld\n", s);
			fflush(stdout);
			in_world(random_f64);
			in_world(random_f32);
			in_world(random_pieces);
		}
	}
END_TEST

/* ---- failures ---- */

static call_fn *
call_of(world *w, const sg_program *p, size_t i, void **so)
{
	const char *text;
	const sg_c_names *c = emit(w, p, false, &text);
	call_fn *call;
	void *f;

	*so = build_so(text, compiler());
	CLAIM(*so != NULL, "the C compiler finds fault");
	f = dlsym(*so, c[i].call);
	memcpy(&call, &f, sizeof call);
	return call;
}

/* y = x[idx], idx // d, and max(x): entries 0, 1, 2. */
static void
failures(world *w)
{
	const sg_shape *scalar = sg_shape_scalar(w->sp);
	sg_ref x = real_of(w, SHAPE(w, w->n)), idx = input_of(w, SG_I64, SHAPE(w, w->m));
	sg_ref d = input_of(w, SG_I64, scalar);
	sg_ref out[3] = {sg_gather(&w->b, x, idx, 0, 0), 0, sg_reduce(&w->b, SG_AMAX, x, 1)};
	double xs[3] = {1, 5, 2}, y[3] = {0};
	int64_t index[2] = {-3, 2}, by = 0, whole[2];
	sg_program *p;
	void *so;

	out[1] = sg_ew2(&w->b, SG_FLOORDIV, idx, sg_broadcast(&w->b, d, SHAPE(w, w->m), NULL));
	p = program_of(w, 3);
	for (size_t i = 0; i < 3; i++)
		set_entry(w, &p->entry[i], sg_text(w->ctx, "e%zu", i), 1, &out[i]);
	call_fn *gather = call_of(w, p, 0, &so);
	void *f1 = dlsym(so, "m_e1_call"), *f2 = dlsym(so, "m_e2_call");
	call_fn *divide, *most;
	memcpy(&divide, &f1, sizeof f1);
	memcpy(&most, &f2, sizeof f2);

	ck_assert_int_eq(gather((ptrdiff_t[]){3, 2}, (void *[]){xs, index, y}, NULL), SGRT_OK);
	ck_assert(y[0] == 1 && y[1] == 2);
	index[1] = 3;
	ck_assert_int_eq(gather((ptrdiff_t[]){3, 2}, (void *[]){xs, index, y}, NULL), SGRT_EINDEX);
	index[1] = INT64_MIN;
	ck_assert_int_eq(gather((ptrdiff_t[]){3, 2}, (void *[]){xs, index, y}, NULL), SGRT_EINDEX);
	ck_assert_int_eq(gather((ptrdiff_t[]){0, 2}, (void *[]){NULL, index, y}, NULL),
	                 SGRT_EINDEX);
	ck_assert_int_eq(gather((ptrdiff_t[]){0, 0}, (void *[]){NULL, NULL, NULL}, NULL), SGRT_OK);
	ck_assert_int_eq(divide((ptrdiff_t[]){2}, (void *[]){index, &by, whole}, NULL),
	                 SGRT_EDIVIDE);
	by = -1;
	ck_assert_int_eq(divide((ptrdiff_t[]){2}, (void *[]){index, &by, whole}, NULL), SGRT_OK);
	ck_assert(whole[0] == 3 && whole[1] == INT64_MIN);
	ck_assert_int_eq(most((ptrdiff_t[]){3}, (void *[]){xs, y}, NULL), SGRT_OK);
	ck_assert(y[0] == 5);
	ck_assert_int_eq(most((ptrdiff_t[]){0}, (void *[]){xs, y}, NULL), SGRT_EEMPTY);
	ck_assert_int_eq(most((ptrdiff_t[]){-1}, (void *[]){xs, y}, NULL), SGRT_EDIM);
	ck_assert_int_eq(most((ptrdiff_t[]){PTRDIFF_MAX / 4}, (void *[]){xs, y}, NULL), SGRT_EDIM);
	dlclose(so);
}

IN_WORLD(failures_are_codes, failures)

/* y[i] = x[i] over M*N - N*K elements of a program that demands M >= K + 1. */
static void
extents(world *w)
{
	const sg_ext rest = sg_ext_sub(w->sp, w->m, w->k);
	sg_ref x = real_of(w, SHAPE(w, w->n, rest)), y = sg_ew1(&w->b, SG_TANH, x);
	sg_ref z = sg_row_op(&w->b, SG_SOFTMAX, sg_ew1(&w->b, SG_SIN, y));
	double xs[6] = {0}, ys[6];
	sg_program *p = program_of(w, 1);
	void *so;

	set_entry(w, &p->entry[0], "e", 1, &z);
	p->ndemands = 1;
	p->demand = SG_NEW(w->ctx, sg_demand);
	p->demand[0].ext = sg_ext_sub(w->sp, rest, num(w, 1));
	call_fn *call = call_of(w, p, 0, &so);
	double work[16];

	ck_assert_int_eq(call((ptrdiff_t[]){2, 4, 1}, (void *[]){xs, ys}, work), SGRT_OK);
	ck_assert_int_eq(call((ptrdiff_t[]){2, 1, 4}, (void *[]){xs, ys}, work), SGRT_EDIM);
	ck_assert_int_eq(call((ptrdiff_t[]){2, 3, 3}, (void *[]){xs, ys}, work), SGRT_EDIM);
	ck_assert_int_eq(call((ptrdiff_t[]){2, -1, -2}, (void *[]){xs, ys}, work), SGRT_EDIM);
	ck_assert_int_eq(
	    call((ptrdiff_t[]){(ptrdiff_t)1 << 33, (ptrdiff_t)1 << 33, ((ptrdiff_t)1 << 33) - 1},
	         (void *[]){xs, ys}, work),
	    SGRT_EDIM);
	dlclose(so);
}

IN_WORLD(dimensions_are_checked_first, extents)

/* ---- sums ---- */

enum { ROWS = 5000, COLS = 200 };

/* The sum of all, of columns, of rows, and the maxima of the latter two, of x[N, M] in f32. */
static const sg_program *
reductions_of(world *w, sg_ref x)
{
	sg_program *p = program_of(w, 1);
	const sg_ref out[5] = {sg_reduce(&w->b, SG_SUM, x, 3), sg_reduce(&w->b, SG_SUM, x, 1),
	                       sg_reduce(&w->b, SG_SUM, x, 2), sg_reduce(&w->b, SG_AMAX, x, 1),
	                       sg_reduce(&w->b, SG_AMAX, x, 2)};

	set_entry(w, &p->entry[0], "e", 5, out);
	return p;
}

static bool
is_near(double got, double want)
{
	return fabs(got - want) <= 80 * 0x1p-24 * fabs(want);
}

/* Plain addition in float errs by 1e-2 here: its error grows with the number of terms. */
static void
long_sums(world *w)
{
	sg_ref x = input_of(w, SG_F32, SHAPE(w, w->n, w->m)), y = sg_ew1(&w->b, SG_SQUARE, x);
	float *xs = SG_NEW_ARRAY(w->ctx, float, ROWS *COLS), all, cols[COLS], *rows, most[COLS];
	float *best = SG_NEW_ARRAY(w->ctx, float, ROWS);
	const double square = (double)0.1f * (double)0.1f;
	void *so;
	call_fn *call = call_of(w, reductions_of(w, y), 0, &so);
	const ptrdiff_t dims[] = {ROWS, COLS};

	rows = SG_NEW_ARRAY(w->ctx, float, ROWS);
	for (int i = 0; i < ROWS * COLS; i++)
		xs[i] = 0.1f;
	ck_assert_int_eq(call(dims, (void *[]){xs, &all, cols, rows, most, best}, NULL), SGRT_OK);
	ck_assert(is_near((double)all, ROWS * COLS * square));
	ck_assert(is_near((double)cols[0], ROWS * square));
	ck_assert(is_near((double)cols[COLS - 1], ROWS * square));
	ck_assert(is_near((double)rows[ROWS - 1], COLS * square));
	xs[3 * COLS + 5] = 3e19f;
	xs[4 * COLS + 199] = NAN;
	ck_assert_int_eq(call(dims, (void *[]){xs, &all, cols, rows, most, best}, NULL), SGRT_OK);
	ck_assert(isnan(all) && isinf(cols[5]) && isnan(cols[199]) && isinf(most[5]));
	ck_assert(isinf(rows[3]) && isnan(rows[4]) && isinf(best[3]) && isnan(best[4]));
	ck_assert(is_near((double)rows[5], COLS * square) && isnan(most[199]));
	ck_assert(is_near((double)best[5], square) && is_near((double)most[0], square));
	dlclose(so);
}

IN_WORLD(sums_are_blocked_and_keep_inf_and_nan, long_sums)

/* What gcc, or a compiler with such an option, says of the loops that it made SIMD of; NULL: it
 * has no such option. */
static const char *
vector_report(world *w, const char *text, const char *options)
{
	const char *base = sg_text(w->ctx, "%s/check_emit_%ld", folder(), (long)getpid());
	FILE *f = fopen(sg_text(w->ctx, "%s.c", base), "w");
	char *report = SG_NEW_ARRAY(w->ctx, char, 65536);
	int status;

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	status = system(sg_text(w->ctx,
	                        "%s -std=c11 %s -fopt-info-vec-optimized=%s.vec -c %s.c -o %s.o "
	                        "2>/dev/null",
	                        compiler(), options, base, base, base));
	f = fopen(sg_text(w->ctx, "%s.vec", base), "r");
	if (f) {
		(void)!fread(report, 1, 65535, f);
		fclose(f);
	}
	for (const char *const *e = (const char *const[]){"c", "o", "vec", NULL}; *e; e++)
		(void)remove(sg_text(w->ctx, "%s.%s", base, *e));
	return status == 0 && f ? report : NULL;
}

/* The number of the line of text that has the words, after the line that has `after`. */
static int
line_with(const char *text, const char *after, const char *words)
{
	const char *from = strstr(text, after), *at;
	int line = 1;

	ck_assert_msg(from != NULL, "no %s", after);
	at = strstr(from, words);
	ck_assert_msg(at != NULL, "no %s in:\n%.3000s", words, from);
	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

/* The report has the line of text that line_with finds. */
static void
became_simd(world *w, const char *text, const char *report, const char *after, const char *words)
{
	ck_assert_ptr_nonnull(report);
	ck_assert_msg(strstr(report, sg_text(w->ctx, ".c:%d:", line_with(text, after, words))),
	              "line not in:\n%.3000s", report);
}

/* relu(x) sign(x) where relu(x) is above 0: both are compared once more, as in a derivative. To it
 * m (x - m), of the larger m of x and 0. */
static sg_ref
compared_again(world *w, sg_ref x)
{
	const sg_shape *s = sg_shape_of(&w->b, x);
	const sg_ref zero = sg_const(&w->b, SG_F32, s, 0);
	sg_ref r = sg_ew1(&w->b, SG_RELU, x), y = sg_ew1(&w->b, SG_SIGN, x);
	sg_ref m = sg_ew2(&w->b, SG_MAX, x, zero);

	y = sg_ew2(&w->b, SG_MUL, r, y);
	y = sg_ew2(&w->b, SG_ADD, y, sg_ew2(&w->b, SG_MUL, m, sg_ew2(&w->b, SG_SUB, x, m)));
	return sg_ew2(&w->b, SG_ADD, y,
	              sg_ew3(&w->b, SG_SELECT, sg_ew2(&w->b, SG_LT, zero, r), y, zero));
}

/* A sum over neighbours, with functions of ours, and sums over rows. */
static void
simd(world *w)
{
	sg_ref x = input_of(w, SG_F32, SHAPE(w, w->n)),
	       y = input_of(w, SG_F32, SHAPE(w, w->n, w->m));
	const sg_ref three = sg_const(&w->b, SG_F32, SHAPE(w, w->n), 3);
	sg_ref f = sg_ew2(&w->b, SG_MUL, sg_ew1(&w->b, SG_TANH, x), sg_ew1(&w->b, SG_SOFTPLUS, x));
	sg_ref out[2] = {0, sg_reduce(&w->b, SG_SUM, y, 1)};
	sg_program *p = program_of(w, 1);
	const char *text, *jit_text, *report;

	f = sg_ew2(&w->b, SG_ADD, f, sg_ew2(&w->b, SG_POW, x, three));
	f = sg_ew2(&w->b, SG_MAX, f, sg_ew1(&w->b, SG_RELU, sg_ew1(&w->b, SG_LOG, x)));
	f = sg_ew2(&w->b, SG_MUL, f, compared_again(w, x));
	out[0] = sg_reduce(&w->b, SG_SUM, f, 1);

	set_entry(w, &p->entry[0], "e", 2, out);
	(void)emit(w, p, false, &text);
	(void)emit(w, p, true, &jit_text);
	ck_assert_ptr_null(strstr(jit_text, "lane"));
	for (int k = 0; k < 2; k++) {
		report = vector_report(w, text, k ? "-O3" : "-O2");
		if (!report)
			return;
		became_simd(w, text, report, "\nm_e_any(", " < 32; lane");
		became_simd(w, text, report, "i < to; i++", "< width");
#ifdef __x86_64__
		ck_assert(strstr(report, "using 32 byte vectors"));
		report =
		    vector_report(w, text, k ? "-O3 -DSGRT_ONE_WIDTH" : "-O2 -DSGRT_ONE_WIDTH");
		became_simd(w, text, report, "i < to; i++", "< width");
		ck_assert(!strstr(report, "using 32 byte vectors"));
#endif
	}
}

IN_WORLD(hot_loops_become_simd, simd)

/* Six arrays of dear values, each read from its end. */
static void
many_arrays(world *w)
{
	sg_ref x = input_of(w, SG_F64, SHAPE(w, w->n)), out[6];
	const sg_ext minus = sg_ext_int(w->sp, -1), last = sg_ext_add(w->sp, w->n, minus);
	sg_program *p = program_of(w, 1);
	const char *text, *report;

	for (int k = 0; k < 6; k++) {
		const sg_ref c = sg_const(&w->b, SG_F64, SHAPE(w, w->n), k);
		const sg_ref y = sg_ew1(&w->b, SG_TANH, sg_ew2(&w->b, SG_ADD, x, c));
		const sg_ref back = sg_slice(&w->b, y, SHAPE(w, w->n), &last, &minus);

		out[k] = sg_ew2(&w->b, SG_MUL, y, back);
	}
	set_entry(w, &p->entry[0], "e", 6, out);
	(void)emit(w, p, false, &text);
	report = vector_report(w, text, "-O3");
	if (report)
		became_simd(w, text, report, "\nm_e_any(", "lane < 8;");
}

/* gcc does not compare as many pointers as that. */
IN_WORLD(loops_over_many_arrays_become_simd, many_arrays)

/* C of the sum of y at three places in an array of zeros, as in the derivative of a stencil; total:
 * and of the sum of all y. */
static const char *
at_places(world *w, sg_ref y, const sg_ext *start, int64_t step, sg_ext size, bool total)
{
	const sg_ext each = sg_ext_int(w->sp, step);
	sg_program *p = program_of(w, 1);
	const char *text;
	sg_ref out = 0;

	for (int k = 0; k < 3; k++) {
		const sg_ref at = sg_pad_axis(&w->b, y, 0, start[k], each, size);

		out = out ? sg_ew2(&w->b, SG_ADD, out, at) : at;
	}
	const sg_ref outs[2] = {out, total ? sg_reduce(&w->b, SG_SUM, y, 1) : 0};
	set_entry(w, &p->entry[0], "e", total ? 2 : 1, outs);
	(void)emit(w, p, false, &text);
	return text;
}

static sg_ref
squares(world *w)
{
	const sg_ref x = input_of(w, SG_F64, SHAPE(w, w->n));

	return sg_ew2(&w->b, SG_MUL, x, x);
}

static void
shifted(world *w)
{
	const sg_ext one = sg_ext_int(w->sp, 1), two = sg_ext_int(w->sp, 2);
	const sg_ext near[3] = {sg_ext_int(w->sp, 0), one, two};
	const char *text = at_places(w, squares(w), near, 1, sg_ext_add(w->sp, w->n, two), false);
	const char *report;

	for (int k = 0; k < 2; k++) {
		report = vector_report(w, text, k ? "-O3" : "-O2");
		if (!report)
			return;
		became_simd(w, text, report, "< 512 ?", "i < to");
	}
}

IN_WORLD(sums_at_shifted_places_become_simd, shifted)

static int
loops_within(const char *text)
{
	int n = 0;

	while ((text = strstr(text, "\t\tSGRT_INDEPENDENT\n"))) {
		n++;
		text++;
	}
	return n;
}

/* n apart, every second element of 2n is met in another turn; all n of them are not. */
static void
shifted_by_steps(world *w)
{
	const sg_ext one = sg_ext_int(w->sp, 1),
		     twice = sg_ext_mul(w->sp, sg_ext_int(w->sp, 2), w->n);
	const sg_ext start[3] = {sg_ext_int(w->sp, 0), one, w->n};
	const sg_ext size = sg_ext_add(w->sp, twice, sg_ext_add(w->sp, w->n, one));

	ck_assert_int_eq(loops_within(at_places(w, squares(w), start, 2, size, false)), 3);
	ck_assert_int_eq(loops_within(at_places(w, squares(w), start, 1, size, false)), 2);
}

IN_WORLD(sums_that_meet_stand_apart, shifted_by_steps)

/* What a running sum adds is dear, and the sum waits for the sum before it. */
static void
running(world *w)
{
	const sg_ref x = input_of(w, SG_F64, SHAPE(w, w->n));
	const sg_ref out[1] = {sg_cumsum(&w->b, sg_ew1(&w->b, SG_EXP, x))};
	sg_program *p = program_of(w, 1);
	const char *text, *report;

	set_entry(w, &p->entry[0], "e", 1, out);
	(void)emit(w, p, false, &text);
	report = vector_report(w, text, "-O2");
	if (report)
		became_simd(w, text, report, "< 128 ?", "i < stop");
}

IN_WORLD(terms_of_running_sums_become_simd, running)

/* What takes several operations is evaluated once. */
static void
shifted_and_summed(world *w)
{
	const sg_ext one = sg_ext_int(w->sp, 1), two = sg_ext_int(w->sp, 2);
	const sg_ext near[3] = {sg_ext_int(w->sp, 0), one, two};
	const sg_ref y = squares(w), z = sg_ew2(&w->b, SG_MUL, y, sg_ew2(&w->b, SG_ADD, y, y));
	const char *text = at_places(w, z, near, 1, sg_ext_add(w->sp, w->n, two), true), *report;

	ck_assert_ptr_nonnull(strstr(text, "double kept[1024];"));
	for (int k = 0; k < 2; k++) {
		report = vector_report(w, text, k ? "-O3" : "-O2");
		if (!report)
			return;
		became_simd(w, text, report, "double kept[1024];", "lane < 32");
		became_simd(w, text, report, "kept[i - from] = ", "i = from; i < to");
	}
}

IN_WORLD(sums_beside_others_become_simd, shifted_and_summed)

static void
padded(world *w)
{
	const sg_ext one = sg_ext_int(w->sp, 1);
	const sg_ref x = input_of(w, SG_F64, SHAPE(w, w->n)), y = sg_ew2(&w->b, SG_MUL, x, x);
	const sg_ext size = sg_ext_add(w->sp, w->n, sg_ext_int(w->sp, 2));
	const sg_ref z = input_of(w, SG_F64, SHAPE(w, size));
	const sg_ref out[1] = {sg_ew2(&w->b, SG_ADD, sg_pad_axis(&w->b, y, 0, one, one, size), z)};
	sg_program *p = program_of(w, 1);
	const char *text, *report;

	set_entry(w, &p->entry[0], "e", 1, out);
	(void)emit(w, p, false, &text);
	report = vector_report(w, text, "-O2");
	if (report)
		became_simd(w, text, report, "inside = beyond = 0;", "i < beyond;");
}

IN_WORLD(loops_over_what_is_padded_become_simd, padded)

/* Of 70 elements the last 69, and the first one behind them, as roll gives them. */
static sg_ref
turned(world *w, sg_ref x)
{
	const sg_ext one = sg_ext_int(w->sp, 1), size = sg_ext_int(w->sp, 70);
	const sg_ring ring = {x, 0, sg_ext_sub(w->sp, size, one)};

	return sg_turned_back(&w->b, x, ring);
}

/* It is read in place: nothing needs a workspace. */
static void
in_a_ring(world *w)
{
	const sg_ref x = input_of(w, SG_F64, SHAPE(w, sg_ext_int(w->sp, 70)));
	const sg_ref y = sg_ew2(&w->b, SG_MUL, x, turned(w, sg_ew2(&w->b, SG_MUL, x, x)));
	const sg_ref out[2] = {y,
	                       sg_reduce(&w->b, SG_SUM, sg_ew2(&w->b, SG_MUL, turned(w, x), x), 1)};
	sg_program *p = program_of(w, 1);
	const char *text, *report;

	set_entry(w, &p->entry[0], "e", 2, out);
	(void)emit(w, p, false, &text);
	ck_assert_ptr_null(strstr(text, "space"));
	report = vector_report(w, text, "-O2");
	if (report)
		became_simd(w, text, report, "inside = beyond = 0;", "lane < 32");
}

IN_WORLD(what_is_turned_in_a_ring_is_read_in_place, in_a_ring)

static void
places(world *w)
{
	const sg_ref i = sg_iota(&w->b, w->n), x = input_of(w, SG_F64, SHAPE(w, w->n));
	const sg_ref out[1] = {sg_ew2(&w->b, SG_DIV, sg_cast(&w->b, i, SG_F64), x)};
	sg_program *p = program_of(w, 1);
	const char *text, *report;

	set_entry(w, &p->entry[0], "e", 1, out);
	(void)emit(w, p, false, &text);
	report = vector_report(w, text, "-O3");
	if (report)
		became_simd(w, text, report, "\nm_e_any(", "for (ptrdiff_t i");
}

IN_WORLD(loops_that_read_their_index_become_simd, places)

/* ---- names ---- */

static const char *const nasty[] = {
    "int",       "class",  "exp",          "y1",    "gamma",  "errno", "NULL",     "NAN",
    "work",      "out_x0", "_Bool",        "__x",   "memset", "main",  "i",        "j",
    "status",    "from",   "to",           "t",     "t2",     "m_e",   "m_e_work", "M_E_WORK",
    "m_rounded", "m_data", "sgrt_exp_f64", "linux", "N",      "M",     "SGRT_OK",  "M_H",
    "this",      "x0"};
enum { NNASTY = sizeof nasty / sizeof *nasty };

static bool
compiles_as_cxx(world *w, const char *header)
{
	const char *cxx = getenv("CXX"),
		   *path = sg_text(w->ctx, "%s/check_emit_%ld.cpp", folder(), (long)getpid());
	FILE *f = fopen(path, "w");
	int status;

	ck_assert_ptr_nonnull(f);
	fputs(header, f);
	fclose(f);
	status = system(sg_text(w->ctx, "%s -Wall -Wextra -Wpedantic -Werror -fsyntax-only %s",
	                        cxx && *cxx ? cxx : "c++", path));
	(void)remove(path);
	return status == 0;
}

/* Inputs with all those names, summed and exponentiated, and outputs that clash with them. */
static void
names_clash(world *w)
{
	sg_program *p;
	sg_ref sum = 0, out[3];
	sg_emit_options o = {.prefix = "m", .header = "m.h", .standalone = true};
	char *large = SG_NEW_ARRAY(w->ctx, char, 5001);
	sg_buf c, h;
	void *so;

	memset(large, 'a', 5000);
	for (size_t i = 0; i < NNASTY && i < MAX_INPUTS; i++) {
		sg_ref x = real_of(w, SHAPE(w, w->n)), e = sg_ew1(&w->b, SG_EXP, x);

		w->b.g->name[e] = nasty[i];
		sum = sum ? sg_ew2(&w->b, SG_ADD, sum, e) : e;
	}
	out[0] = sum;
	out[1] = sg_reduce(&w->b, SG_SUM, sum, 1);
	out[2] = sg_cumsum(&w->b, sum);
	w->b.g->name[sum] = large;
	for (size_t first = 0; first < NNASTY; first += 10) {
		p = program_of(w, 2);
		set_entry(w, &p->entry[0], "e", 3, out);
		set_entry(w, &p->entry[1], "e_work", 3, out);
		for (size_t i = 0; i < p->ninputs; i++)
			p->input[i].name = nasty[(first + i) % NNASTY];
		p->input[3].name = large;
		p->entry[0].out[0].name = nasty[first];
		p->entry[0].out[1].name = "work";
		p->entry[1].out[2].name = "N";
		(void)call_of(w, p, 0, &so);
		dlclose(so);
		sg_buf_init(&c, w->ctx);
		sg_buf_init(&h, w->ctx);
		(void)sg_emit(w->ctx, p, &o, &c, &h);
		ck_assert_msg(compiles_as_cxx(w, sg_buf_text(&h)), "a header that is no C++");
	}
}

IN_WORLD(names_that_clash_are_renamed, names_clash)

/* ---- what the text is like ---- */

static void
text_claims(world *w)
{
	static const char line[] = "y = tanh(x) */ // ?"
				   "?/ \\ \xce\xb1 \"#\" /* # note";
	const sg_source *src = sg_source_text(w->ctx, "dir/a.sg", line, strlen(line));
	sg_ref x = real_of(w, SHAPE(w, w->n, num(w, 10))), y;
	sg_program *p;
	const char *text;

	w->b.g->here = (sg_span){.src = src, .lo = 4, .hi = 8};
	y = sg_ew1(&w->b, SG_TANH, x);
	p = program_of(w, 1);
	set_entry(w, &p->entry[0], "e", 1, &y);
	(void)emit(w, p, false, &text);
	ck_assert_msg(strstr(text, "\tfor (; 10 * N - first >= 8; first += 8)"), "%s", text);
	ck_assert_msg(strstr(text, "\t/* a.sg:1: y = tanh(x) * / // ? ?/ ? ? \"#\" / * */\n"), "%s",
	              text);
	ck_assert_ptr_null(strstr(text, "goto"));
}

IN_WORLD(loops_are_joined_and_comments_harmless, text_claims)

/* Sums over rows go by columns, of which a thread takes whole vectors. */
static void
columns_of_threads(world *w)
{
	const sg_emit_options o = {.prefix = "m", .jit = true, .threads = true};
	const sg_ref x = input_of(w, SG_F32, SHAPE(w, num(w, 20000), num(w, 300)));
	sg_ref y = sg_reduce(&w->b, SG_SUM, sg_ew1(&w->b, SG_SIN, x), 1);
	sg_program *p = program_of(w, 1);
	sg_buf c, h;

	set_entry(w, &p->entry[0], "e", 1, &y);
	sg_buf_init(&c, w->ctx);
	sg_buf_init(&h, w->ctx);
	(void)sg_emit(w->ctx, p, &o, &c, &h);
	ck_assert_msg(strstr(sg_buf_text(&c), "&frame, 300, 128)"), "%s", sg_buf_text(&c));
}

IN_WORLD(threads_take_whole_vectors_of_columns, columns_of_threads)

/* Many scalars, and a deep chain over an array: no recursion, short lines. */
static void
large_program(world *w)
{
	sg_ref s = real_of(w, sg_shape_scalar(w->sp)), x = real_of(w, SHAPE(w, w->n)), out[2];
	sg_program *p = NULL;
	const char *text, *end;
	size_t longest = 0;

	out[0] = s;
	out[1] = x;
	for (int i = 0; i < 100000; i++)
		out[0] = sg_ew2(&w->b, i % 2 ? SG_MUL : SG_ADD, sg_ew1(&w->b, SG_SIN, out[0]), s);
	for (int i = 0; i < 20000; i++)
		out[1] = sg_ew2(&w->b, i % 2 ? SG_MUL : SG_ADD, sg_ew1(&w->b, SG_SIN, out[1]), x);
	p = program_of(w, 1);
	set_entry(w, &p->entry[0], "e", 2, out);
	(void)emit(w, p, true, &text);
	for (; *text; text = end + 1) {
		end = strchr(text, '\n');
		if ((size_t)(end - text) > longest)
			longest = (size_t)(end - text);
	}
	ck_assert_uint_le(longest, 100);
}

IN_WORLD(large_programs_are_written_in_short_lines, large_program)

static size_t
longest_function(const char *text)
{
	size_t longest = 0, lines = 0;

	for (; *text; text++) {
		lines += *text == '\n';
		if (*text == '{' && text[1] == '\n' && text[-1] == '\n')
			lines = 0;
		else if (*text == '}' && text[1] == '\n' && text[-1] == '\n' && lines > longest)
			longest = lines;
	}
	return longest;
}

/* A function writes what it keeps to places of even or of odd numbers alone, and some do to each. */
static void
places_are_apart(const char *text)
{
	bool met[2] = {false, false}, here[2] = {false, false};

	for (; *text; text++) {
		if (strncmp(text, "\tkept[", 6) == 0) {
			const unsigned long place = strtoul(text + 6, NULL, 10);

			met[place % 2] = here[place % 2] = true;
		}
		ck_assert(!here[0] || !here[1]);
		if (*text == '}' && text[1] == '\n' && text[-1] == '\n')
			here[0] = here[1] = false;
	}
	ck_assert(met[0] && met[1]);
}

/* Many scalars that are read from far. */
static void
long_program(world *w)
{
	enum { COUNT = 20000, FAR = 3000 };
	sg_ref *s = SG_NEW_ARRAY(w->ctx, sg_ref, COUNT);
	const char *text;
	sg_program *p;

	s[0] = real_of(w, sg_shape_scalar(w->sp));
	for (int i = 1; i < COUNT; i++)
		s[i] = sg_ew2(&w->b, SG_ADD, sg_ew1(&w->b, SG_SIN, s[i - 1]),
		              s[i < FAR ? 0 : i - FAR]);
	p = program_of(w, 1);
	set_entry(w, &p->entry[0], "e", 1, &s[COUNT - 1]);
	const sg_c_names *c = emit(w, p, false, &text);
	int64_t bytes = 0;
	ck_assert_uint_lt(longest_function(text), 2000);
	places_are_apart(text);
	ck_assert(sg_ext_const(w->sp, c[0].bytes, &bytes));
	ck_assert_int_lt(bytes, 8 * 2 * FAR); /* places are taken again */
}

IN_WORLD(long_functions_stand_in_pieces, long_program)

/* Products that the model has far behind their factors. */
static void
far_program(world *w)
{
	enum { COUNT = 2000 };
	sg_ref *s = SG_NEW_ARRAY(w->ctx, sg_ref, COUNT), sum, by;
	int64_t bytes = 0;
	const char *text;
	sg_program *p;

	s[0] = sum = real_of(w, sg_shape_scalar(w->sp));
	by = real_of(w, sg_shape_scalar(w->sp));
	for (int i = 1; i < COUNT; i++)
		s[i] = sg_ew2(&w->b, SG_MUL, s[i - 1], by);
	for (int i = 1; i < COUNT; i++)
		sum = sg_ew2(&w->b, SG_ADD, sum, sg_ew2(&w->b, SG_MUL, s[i], s[i - 1]));
	p = program_of(w, 1);
	set_entry(w, &p->entry[0], "e", 1, &sum);
	const sg_c_names *c = emit(w, p, false, &text);
	ck_assert(sg_ext_const(w->sp, c[0].bytes, &bytes));
	ck_assert_int_lt(bytes, 8 * 100); /* few are kept from piece to piece */
}

IN_WORLD(statements_of_pieces_stand_near_what_they_read, far_program)

int
main(void)
{
	Suite *s = suite_create("emit");
	TCase *t = tcase_create("emit");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 600);
	tcase_add_test(t, written_c_computes_what_the_evaluator_computes);
	tcase_add_test(t, failures_are_codes);
	tcase_add_test(t, dimensions_are_checked_first);
	tcase_add_test(t, sums_are_blocked_and_keep_inf_and_nan);
	tcase_add_test(t, hot_loops_become_simd);
	tcase_add_test(t, loops_over_many_arrays_become_simd);
	tcase_add_test(t, sums_at_shifted_places_become_simd);
	tcase_add_test(t, sums_beside_others_become_simd);
	tcase_add_test(t, sums_that_meet_stand_apart);
	tcase_add_test(t, terms_of_running_sums_become_simd);
	tcase_add_test(t, loops_over_what_is_padded_become_simd);
	tcase_add_test(t, what_is_turned_in_a_ring_is_read_in_place);
	tcase_add_test(t, loops_that_read_their_index_become_simd);
	tcase_add_test(t, names_that_clash_are_renamed);
	tcase_add_test(t, loops_are_joined_and_comments_harmless);
	tcase_add_test(t, threads_take_whole_vectors_of_columns);
	tcase_add_test(t, large_programs_are_written_in_short_lines);
	tcase_add_test(t, long_functions_stand_in_pieces);
	tcase_add_test(t, statements_of_pieces_stand_near_what_they_read);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
