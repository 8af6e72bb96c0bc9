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

enum { MAX_ARGS = 24 };

static const int64_t extents[] = {0, 1, 7, 255, 256, 257, 511, 512, 513, 1025};

/* step: a routine that its machine code must call. */
static const struct {
	const char *name, *step, *text;
	double tolerance;
} models[] = {
    {"a chain in f32, and sums of products", "sgrt_block_mul_sub_vvv_f32",
     "real f32\n"
     "input x[N], y[N]\n"
     "param a, b\n"
     "loss = sum((tanh(a*x + b)*sigmoid(x) - y)**2)/(1 + shape(x, 0))\n"
     "gradient loss wrt a, b\n"
     "entry rest = grad(loss, x) as g, exp(-x)*y as e\n",
     2e-5},
    {"a chain in f64 with many values at once", "sgrt_block_exp_f64",
     "input x[N], y[N]\n"
     "u = exp(x); v = log(y); w = sin(x); z = cos(y); p = sqrt(x*y); q = x/y\n"
     "r = erf(x); s = softplus(y); t = x**3; k = x**y\n"
     "output (u*v + w*z)*(p - q) + (r*s - t*k)*(u - w) + (v + z)*(p*r + q*s) as o, u + v as b\n"
     "gradient sum(u*v*w*z*p*q*r*s*t*k) as l wrt x, y\n",
     1e-10},
    {"a polynomial, and a sum of powers", "sgrt_block_powers_f64",
     "input x[N], t[5]\n"
     "e = arange(N)\n"
     "y = map((u) -> sum(x*u**e) + sum(u**(e - 2)) + sum((0.5*u)**e*e), t)\n"
     "gradient sum(y**2) as y wrt x, t\n",
     1e-11},
    {"distances, and sums of one tile and of more", "sgrt_block_distance_f64",
     "input x[N], c[3, N]\n"
     "d = sum((x - c)**2, axis=1)\n"
     "entry rest = d as d, sum(exp(-c), axis=1) as e, c @ x as f\n"
     "gradient min(d) as y wrt c\n",
     1e-12},
    {"sums to which few turns add, ties and NaN too", "sgrt_block_addmul_sv_f64",
     "input x[N, 20]\n"
     "param c[6, 20]\n"
     "def nearest(p) = min(sum((concat((c, c[:1]))*sqrt(p[0]) - p)**2, axis=1))\n"
     "gradient sum(map(nearest, x - 0.5)) as y wrt c\n",
     1e-11},
    {"choices, comparisons and clamps", "sgrt_block_where_vs_f64",
     "input x[N], y[N], lo, hi\n"
     "c = x < y; d = x > 1.0 and not c or y >= 1.2\n"
     "output where(c, x, y) as a, where(d, 1.0, x) as b, where(c, 2.0, 3.0) as e, c, d,\n"
     "       clamp(x, lo, hi) as f, maximum(x, y) as g, relu(x - 1) as h, any(d) as i,\n"
     "       all(c) as j, clamp(x, y - 1, y + 1) as k, abs(x - y) as l, c == d as m\n"
     "gradient sum(where(c, x*x, y)) + sum(clamp(x, lo, hi)*y) as r wrt x, y, lo, hi\n",
     1e-11},
    {"folds of every kind", "sgrt_block_prod_f64",
     "input x[N], y[N], k: i64[N]\n"
     "e = concat((x, [0.5]))\n"
     "f = concat((k, [3]))\n"
     "output sum(x) as a, prod(1 + 0.001*x) as b, max(e) as c, min(e) as d, sum(k) as g,\n"
     "       max(f) as h, min(f) as i, argmax(e) as j, cumsum(x) as l, sum(x > y) as m,\n"
     "       sum(x*y) as n, sum(x*x) as o, sum(k*k) as p, logsumexp(e) as q\n",
     1e-10},
    {"places that are quotients and remainders", "sgrt_block_quotients_i64",
     "input x[N], y[3, N]\n"
     "output repeat(x, 3)*2.0 as a, repeat(y, 2, axis=1) + 1.0 as b, flip(y, 1)*2.0 as c,\n"
     "       tile(y, (2, 3))*0.5 as d, tile(x, (5,)) - 1.0 as e, flip(x) as f\n"
     "gradient sum(repeat(x, 3)**2) + sum(tile(y, (2, 2))**3) as s wrt x, y\n",
     1e-11},
    {"places of extremes in rows", "sgrt_block_place_of_max_f32",
     "real f32\n"
     "input x[N], y[3, N]\n"
     "e = concat((x, [0.5]))\n"
     "output argmax(e) as a, argmin(e*e) as b, argmin(pad(y, ((0, 0), (2, 0)), 9), axis=1) as c,\n"
     "       argmax(pad(y, ((0, 0), (1, 1))), axis=1) as d, argmax(pad(y, ((0, 0), (0, 1)))) as "
     "f\n",
     1e-5},
    {"integers, and their errors", "sgrt_block_floordiv_vs_i64",
     "input k: i64[N], l: i32[N], q: i64\n"
     "output k // (q + 1) as a, k % 3 as b, cast(l, i64)*k as c, cast(k, i32) + l as d,\n"
     "       cast(l, f64)/2 as e, cast(k > 1, f64) as f, abs(k - 2) as g, cast(0.7*k, i64) as h,\n"
     "       arange(shape(k, 0))*k as i, 0.5*arange(shape(k, 0)) as j, k != q as m\n",
     1e-12},
    {"strides, flips and transposes", "sgrt_block_load_f64",
     "input x[2*N + 1], y[N, 3], z[3, N]\n"
     "output x[::2]*2.0 as a, flip(x) + x as b, y.T*z as c, y*z.T as d, y[:, 1]*z[2] as e\n"
     "gradient sum(x[1::2]*y[:, 0]) + sum(y.T*z) as s wrt x, y, z\n",
     1e-11},
    {"paddings and pieces", "sgrt_block_within_f64",
     "input x[N], y[N], w[3]\n"
     "p = pad(x, ((2, 1),))\n"
     "output exp(p)*2.0 as a, p[::2]*2.0 as d, (p*p)[1::3] + 1 as e, concat((x, y, x*y)) as b, "
     "pad(x, ((1, 1),)) * concat((y, [1.0, "
     "2.0])) "
     "as c\n"
     "gradient sum(p[2:]*p[1:-1]*p[:-2]) + sum(concat((x, y))**2) as s wrt x, y\n",
     1e-11},
    {"windows of arrays", "sgrt_window_f64",
     "input x[2, 2, N, 7], y[1, 3, N + 4], w[2, 2, 3, 2], v[2, 3, 3], u[2, 1, 2, 3]\n"
     "output conv2d(pad(x, ((0, 0), (0, 0), (2, 2), (0, 0))), w, stride=(2, 3), padding=(1, 2),\n"
     "              dilation=(1, 2)) as a, conv1d(y, v, stride=2, padding=3) as b,\n"
     "       pad(x, ((0, 0), (0, 0), (1, 2), (3, 0))) as c\n"
     "gradient sum(conv2d(x, u, padding=2, groups=2)**2) + sum(conv1d(y, v)**2) as s wrt x, y, u, "
     "v\n",
     1e-11},
    {"sums of what windows read", "sgrt_unwindow_f64",
     "input x[2, 2, N + 2, 7], y[1, 3, N + 4], w[2, 2, 3, 2], v[2, 3, 3]\n"
     "gradient sum(conv2d(x, w, padding=(2, 1), dilation=(1, 2))**2) + sum(conv1d(y, v, "
     "padding=1)**2) +\n"
     "         sum(avg_pool2d(exp(x), 2, stride=1)**2) as s wrt x, y, w, v\n",
     1e-11},
    {"sums of what windows with a stride read", "sgrt_block_add_to_f64",
     "input x[2, 2, N + 2, 21], y[1, 3, 2*N + 24], w[2, 2, 3, 5], v[2, 3, 3]\n"
     "gradient sum(conv2d(x, w, padding=(2, 1), stride=2)**2) +\n"
     "         sum(conv1d(y, v, padding=1, stride=2, dilation=3)**2) +\n"
     "         sum(conv2d(exp(x), w, padding=2, stride=(3, 2))**2) +\n"
     "         sum(avg_pool2d(exp(x), 3, stride=2, padding=1)**2) as s wrt x, y, w, v\n",
     1e-11},
    {"gathers and scatters between steps", "sgrt_block_take_f64",
     "input x[N + 1], k: i64[N], y[N], l: i32[N]\n"
     "i = k % shape(x, 0)\n"
     "output exp(x[i])*sin(y) as a, sum(exp(x[i]*y)) as b, x[-i - 1] as c, x[l % 1] as d, k[i - "
     "i] as e\n"
     "gradient sum(tanh(x[i]*y)**2) as s wrt x, y\n",
     1e-11},
    {"rows that are all alike", "sgrt_block_store_f64",
     "input x[N, 4]\ngradient sum(sum(x, axis=0)**2) as y wrt x\n", 1e-11},
    {"what runs on from tile to tile", "sgrt_block_cumsum_f64",
     "input x[N], y[3, N], z[N, 20], k: i64[N], l: i32[3, N]\n"
     "output cumsum(x) as a, cumsum(y, axis=0) as b, cumsum(flip(z), axis=0) as c, cumsum(k) as "
     "d,\n"
     "       cumsum(l, axis=1) as e, flip(cumsum(x*x)) as f\n"
     "gradient sum(cumsum(y, axis=1)**2) + sum(cumsum(z, axis=1)**2) as s wrt y, z\n",
     1e-11},
    {"recurrences from tile to tile", "sgrt_block_linrec_f64",
     "input x[N], y[3, N], z[N, 20]\n"
     "output cumprod(1 - 0.001*x) as a, cumprod(y, axis=0) as b, cumprod(flip(z), axis=1) as c\n"
     "gradient sum(cumprod(1 - 0.001*x)**2) + sum(cumprod(z, axis=1)) as s wrt x, z\n",
     1e-11},
    {"pools, of short rows and of long ones", "sgrt_block_put_f64",
     "input x[2, 3, N + 5, 12], y[2, N + 7], z[N + 1, 4]\n"
     "output max_pool2d(x, 2) as a, max_pool1d(y, 3, 2, 1) as b, argmax(z, axis=1) as c,\n"
     "       argmin(round(9*z), axis=1) as d\n"
     "gradient sum(max_pool2d(x, (3, 2), 2, 1)**2) + sum(max_pool1d(y, 2)**2) as s wrt x, y\n",
     1e-11},
    {"rows that indices say", "sgrt_block_addmul_sv_f64",
     "input u[N + 2, 9], v[40, 9], w[40, N + 3], k: i32[N + 4], l: i64[N + 4]\n"
     "i = k % shape(u, 0)\n"
     "j = l % 40\n"
     "output sum(u[i]*v[j], axis=1) as a, index_add(v, j, u[i]*2.0) as b\n"
     "gradient sum((sum(u[i]*v[j], axis=1) - 1)**2) + sum(tanh(w[j]*w[-1])) + sum(exp(v[j]*u[i])) "
     "as s wrt u, v, w\n",
     1e-11},
    {"short rows that indices say", "sgrt_block_put_f64",
     "input x[N + 2, 3], p: i32[N + 4], q: i32[N + 4]\n"
     "d = x[p % shape(x, 0)] - x[q % shape(x, 0)]\n"
     "s = 1/(sum(d**2, axis=1) + 0.5)**3\n"
     "output s, index_add(x, p % shape(x, 0), d*0.1) as a\n"
     "gradient sum(4*(s**2 - s)) as l wrt x\n",
     1e-11},
    {"rows that are added to, and numbers for each row", "sgrt_block_sub_vs_f64",
     "input x[3, N], y[N], v[3]\n"
     "output exp(x - v[:, None])*y as a, sum(x*y, axis=1) as b, softmax(x, axis=0) as c\n"
     "gradient sum(tanh(x*v[:, None] + y)) as s wrt x, y, v\n",
     1e-11},
    {"a condition for each row", "sgrt_block_pick_vs_f64",
     "input x[3, N], y[N], v[3], k: i64[3, N]\n"
     "c = (v > 1.0)[:, None]\n"
     "output where(c, x*y, 0.5) as a, where(c, 2.0, x) as b, where(c, x, y) as d, where(c, k, 7) "
     "as e\n"
     "gradient sum(where(c, exp(x), y)) as s wrt x, y\n",
     1e-11},
    {"random numbers", "sgrt_vrand_f64",
     "input x[N]\n"
     "output x*rand([N], seed=3) as a, exp(x)*randn([N], seed=4) as b\n",
     1e-12},
    {"short rows, which are the outer loop then", "sgrt_block_store_f64",
     "input x[N, 3], y[N, 4, 2], v[3], k: i64[N, 3]\n"
     "output x*v - x[:, 0:1] as a, flip(x, axis=1)*2.0 as b, x > v as c, y[:, 1:3, 0]*y[:, 2:4, 1] "
     "as d,\n"
     "       pad(x, ((0, 0), (1, 1)))*2.0 as e\n"
     "gradient sum(tanh(x*v)) + sum(y*y) as s wrt x, y, v\n",
     1e-11},
    {"folds of short rows, for all rows at once", "sgrt_block_max_vv_f64",
     "input x[N, 3], y[N, 4, 2], v[3], k: i64[N, 3]\n"
     "output sum(x*v, axis=1) as a, max(x, axis=1) as b, min(x*x, axis=1) as c, prod(x, axis=1) as "
     "d,\n"
     "       any(x > 1.0, axis=1) as e, all(x > 0.5, axis=1) as f, sum(k, axis=1) as g, max(k, "
     "axis=1) as h,\n"
     "       sum(y, axis=2) as i, sum(y*y, axis=(1, 2)) as j, einsum(\"nij,nik->njk\", y, y) as "
     "l,\n"
     "       argmax(x, axis=1) as m, cumsum(x, axis=1) as n, norm(x, axis=1) as o\n"
     "gradient sum(exp(sum(x*v, axis=1))) + sum(max(x, axis=1)) as s wrt x, v\n",
     1e-11},
    {"a loop whose carries are arrays", "sgrt_block_tanh_f64",
     "input x[N], y[4, N]\n"
     "def step(h, c, v) = (tanh(0.5*h + v)*c, c + 0.1*exp(-h), h*v)\n"
     "h, c, hs = scan(step, (x, 1 + x), over=y)\n"
     "output h, c, hs\n"
     "gradient sum(h*c) + sum(hs) as s wrt x, y\n",
     1e-10},
    {"rows in tiles that are read within bounds, and pieces of one output", "sgrt_block_exp_f64",
     "input x[N, 3], w[N], k: i64[N]\n"
     "y = x[:, 0:2]/(1 + x[:, 2:3]**2)\n"
     "g = grad(sum(exp(-sum(y**2, axis=1))*w), x)\n"
     "output concat((flatten(g*g[:, 1:2]), w*2.0)) as a, sum(g**2, axis=1)*w[k % (N + 1) % N] as "
     "b\n",
     1e-11},
    {"a piece in a block that others are added to, element by element", "sgrt_block_cos_f64",
     "input x[N, 4]\n"
     "v = map((r) -> scan((c, s) -> if s > 0.33 then 0.28*c + s else sin(c), r[0], over=r), x)\n"
     "y = sum(sin(roll(x, 1, axis=0))) + sum(v*v) + sum(sin(x))\n"
     "gradient y wrt x\n",
     1e-11},
    {"a piece that is read again when others were added to it", "sgrt_block_mul_vv_f64",
     "input x[N + 3, 20]\n"
     "y = sum(x[2:]*x[1:-1]*x[:-2]) + sum(norm(x, axis=1)) + sum(exp(concat((x, x*x))))\n"
     "entry e = grad(sum(grad(y, x)*x), x) as g\n",
     1e-10},
    {"a sum of many terms", "sgrt_block_sum_f64",
     "input x[N]\n"
     "output sum(1/(1 + x)) as a, sum(where(x > 1, x, 0.0)) as b, mean(concat((x, [1.0]))) as c\n",
     1e-12},
    {"sums of what lies apart in memory", "sgrt_block_addmul_vv_f64",
     "input x[N, 40], w[N], u[300, N], k: i64[N, 20]\n"
     "output sum(x, axis=0) as a, sum(x*w[:, None], axis=0) as b, sum(u*u, axis=0) as c,\n"
     "       sum(k, axis=0) as d, prod(1 + 0.001*x, axis=0) as e, max(u, axis=0) as f,\n"
     "       sum(u*w*sum(w), axis=0) as g, all(u > 0.4, axis=0) as h\n",
     1e-11},
    {"sums over the rows of a band", "sgrt_block_sum_add_f32",
     "real f32\n"
     "input x[N, 40], t[N, 40]\n"
     "param g[40], b[40]\n"
     "gradient sum(layer_norm(x, g, b)*t) as y wrt x, g, b\n",
     1e-4},
    {"few elements of what is dear", "sgrt_block_sigmoid_f64",
     "input x[14], y[N]\n"
     "output sigmoid(x)*sum(y) as a, log(x) - 2*x as b\n",
     1e-11},
};

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

/* A factor that fills the first cache is read anew for each tile: of 128 rows, for one of 60 columns. */
START_TEST(tiles_are_taller_where_products_are_heavy)
	{
		static const struct {
			int columns;
			const char *tile;
		} size[] = {{60, "row += 128)"}, {8, "row += 64)"}};

		for (size_t k = 0; k < 2; k++) {
			char text[128];
			sg_failure why;
			sg_model *m;

			snprintf(text, sizeof text,
			         "input x[N, 88]\nparam w[88, %d]\n"
			         "output sum(tanh(tanh(x) @ w), axis=1) as y\n",
			         size[k].columns);
			m = compile(text);
			ck_assert_ptr_nonnull(
			    strstr(sg_write_c(m, "m.h", 0, NULL, &why), size[k].tile));
			sg_model_free(m);
		}
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
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
