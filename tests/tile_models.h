/* tile_models.h - models whose loops the JIT runs in tiles, for check_tiles. */
#ifndef SG_TILE_MODELS_H
#define SG_TILE_MODELS_H

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
     "       tile(y, (2, 3))*0.5 as d, tile(x, (5,)) - 1.0 as e, flip(x) as f,\n"
     "       reshape(y[:, ::-1], [N, 3])*2.0 as g\n"
     "gradient sum(repeat(x, 3)**2) + sum(tile(y, (2, 2))**3) as s wrt x, y\n",
     1e-11},
    {"rows of a matrix that are tiled, each a ring", "sgrt_block_ring_f64",
     "input y[3, N]\noutput tile(y, (2, 3))*0.5 as a\n"
     "gradient sum(tile(y, (2, 2))**3) as s wrt y\n",
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
    {"what is turned in a ring, read where it lies", "sgrt_block_ring_f64",
     "input x[N], y[N + 1], z[3, N + 40], k: i64[N + 2], b[N]\n"
     "c = x > 1.0\n"
     "output roll(x, 1)*x + roll(x, -2) as a, roll(roll(y, 1)*2.0, 1)*y as d,\n"
     "       roll(z, 3, axis=1)*z + roll(z, -1, axis=1) as e, roll(z, 1, axis=0)*2.0 as f,\n"
     "       roll(k, 1) - k as g, where(roll(c, 1), x, roll(x, 5)*b) as h, sum(roll(x, 1)*x) as "
     "i,\n"
     "       roll(roll(roll(x, 1), 1), 1)*b as j\n"
     "gradient sum((roll(x, -1) - 2*x + roll(x, 1))**2) + sum(roll(y**3, 1)*roll(y, -1)) as s wrt "
     "x, y\n",
     1e-11},
    {"rows of few numbers that are turned in rings", "sgrt_block_ring_rows_f64",
     "input u[N + 1, 100], v[N + 3, 40, 3], w[2, N + 2, 9], t[N + 40, 70, 2]\n"
     "output roll(u, 1)*u as a, roll(u, 3, axis=1)*u + roll(u, -1, axis=1) as b,\n"
     "       roll(roll(u, 1), 1, axis=1) - u as c, roll(v, 2, axis=0)*v as d, roll(v, 1, axis=1)*v "
     "as e,\n"
     "       roll(w, -1, axis=1)*w as f, roll(w, 2, axis=2)*w as g, roll(t, 1)*t as h\n"
     "gradient sum((roll(u, 1) - u)**2) + sum((roll(u, 1, axis=1) - u)**2) + sum(u**4) as s wrt "
     "u\n",
     1e-11},
    {"a field that goes on in time, around a ring", "sgrt_block_ring_f64",
     "input x[N + 33], u[40, 40]\n"
     "def step(u) = u - 0.1*u*(u - roll(u, 1)) + 0.05*(roll(u, -1) - 2*u + roll(u, 1))\n"
     "def heat(u) = u + 0.1*(roll(u, 1) + roll(u, -1) + roll(u, 1, 1) + roll(u, -1, 1) - 4*u)\n"
     "v = scan((v, t) -> step(v), x, over=arange(5))\n"
     "w = scan((w, t) -> heat(w), u, over=arange(3))\n"
     "output v, w\n"
     "gradient sum(v**2) + sum(w**2) as s wrt x, u\n",
     1e-10},
    {"what is repeated, in rows too", "sgrt_block_repeat_rows_f64",
     "input x[N, 6], y[N + 2, 20], w[N, 3, 8, 40], v[2*N, 3], k: i64[N, 10]\n"
     "output repeat(x, 2, axis=1)*2.0 as a, repeat(y, 3, axis=1) + 1.0 as b, tile(y, (1, 2))*y[:, "
     ":1] "
     "as c,\n"
     "       repeat(v, 2)*3.0 as d, repeat(k, 2, axis=1) + k[:, :1] as e, tile(x, (2, 3)) - 1.0 as "
     "f\n"
     "gradient sum(avg_pool2d(w, 2)**2) + sum(repeat(x, 2, axis=1)**2*repeat(x, 2, axis=1)[:, "
     "::-1]) "
     "as s wrt w, x\n",
     1e-11},
    {"columns side by side", "sgrt_block_weave3_f64",
     "input x[N, 3], y[N, 2], z[2, N, 4], k: i64[N, 2]\n"
     "a = x[:, 0]; b = x[:, 1]; c = x[:, 2]\n"
     "output stack((a*b, b*c, c*a), axis=1) as d, stack((a - b, a + b), axis=1) as e,\n"
     "       stack((z[0, :, 1], b, z[0, :, 0]*2.0, a), axis=1) as f, stack((k[:, 1], k[:, 0]*2), "
     "axis=1) as g,\n"
     "       stack((a, zeros([N]) + 2.0), axis=1) as h, concat((stack((a, b), axis=1), y*2.0), "
     "axis=1) "
     "as i\n"
     "gradient sum(sqrt(a*a + b*b + c*c)*y[:, 0])+ sum(y[:, 1]**3) as s wrt x, y\n",
     1e-11},
    {"entries of many small matrices", "sgrt_block_unweave_f64",
     "input a[N, 4, 4], b[N, 4, 4], c[N, 3, 3], v[N, 6]\n"
     "output a @ b as p, v[:, :5]*v[:, 1:] as q, stack((v[:, 0]*v[:, 1], v[:, 2] - v[:, 3], v[:, "
     "4], "
     "v[:, 5]*2.0,\n"
     "       v[:, 1]*v[:, 3]), axis=1) as r\n"
     "gradient sum(einsum(\"bij,bjk->bik\", a, b)**2) + sum(map((m) -> logdet(m + 9*eye(3)), c)) "
     "as s "
     "wrt a, b, c\n",
     1e-10},
    {"so many values that tiles are shorter", "from += 128",
     "input a[N, 4, 4], b[N, 4, 4]\n"
     "gradient sum(einsum(\"bij,bjk->bik\", a, b)**2) as s wrt a, b\n",
     1e-10},
    {"and their products, in f32", "sgrt_block_weave_f32",
     "real f32\n"
     "input a[N, 4, 4], b[N, 4, 4]\n"
     "gradient sum(einsum(\"bij,bjk->bik\", a, b)**2) as s wrt a, b\n",
     2e-4},
    {"few rows that go along columns", "sgrt_block_max_vv_f64",
     "input x[20, N + 64]\noutput max(x*x, axis=0) as a\n", 1e-12},
    {"sums of few terms for rows of few numbers", "sgrt_block_addmul_vv_f64",
     "input c[N + 2, 4], d[16, 4]\noutput sum((c[:, None] - d)**2, axis=2) as e\n", 1e-12},
    {"extremes of rows", "sgrt_max_rows_f64(N",
     "input x[N, N], z[N, 40]\n"
     "output max(x, axis=1) as a, min(-x, axis=1) as b, argmax(z, axis=1) as c\n",
     1e-12},
    {"places of extremes of each row of few numbers", "sgrt_block_place_of_max_each_f64",
     "input x[N, 16], y[N, 40], k: i64[N, 20], c[N + 2, 4], d[16, 4]\n"
     "e = sum((c[:, None] - d)**2, axis=2)\n"
     "output argmax(x, axis=1) as a, argmin(log(y - 1), axis=1) as b, argmax(k, axis=1) as f,\n"
     "       argmin(round(9*x)*x[:, :1], axis=1) as g, argmax(x*(1/0.0), axis=1) as h,\n"
     "       argmax(x/0.0*(-1), axis=1) as i, argmin(e, axis=1) as j, min(e, axis=1) as l\n",
     1e-11},
    {"indices in rows of few numbers", "sgrt_block_iota_rows_i64",
     "input x[N, 20], t: i64[N]\n"
     "output tril(x)*2.0 as a, triu(x, 1)**3 as b, where(arange(20) == (t % 20)[:, None], x*x, "
     "0.0) as "
     "c\n"
     "gradient sum(tril(x, -1)**2) + cross_entropy(x, t % 20) as s wrt x\n",
     1e-11},
    {"what runs on in each row of few numbers", "sgrt_block_linrec_each_f64",
     "input x[N, 20], y[N, 40, 2], k: i64[N, 20]\n"
     "output cumsum(x, axis=1) as a, cumprod(x, axis=1) as b, cumsum(flip(x, axis=1), axis=1) as "
     "c,\n"
     "       cumsum(y, axis=1) as d, cumsum(k, axis=1) as e, pad(x, ((0, 0), (2, 3)))*2.0 as f,\n"
     "       cumprod(x*x, axis=1)[:, ::-1] as g\n"
     "gradient sum(prod(x, axis=1)) + sum(cumprod(y, axis=1)**2) + sum(cumprod(x, axis=1)**2) as s "
     "wrt "
     "x, y\n",
     1e-9},
    {"gathers and scatters between steps", "sgrt_block_take_f64",
     "input x[N + 1], k: i64[N], y[N], l: i32[N]\n"
     "i = k % shape(x, 0)\n"
     "output exp(x[i])*sin(y) as a, sum(exp(x[i]*y)) as b, x[-i - 1] as c, x[l % 1] as d, k[i - "
     "i] as e\n"
     "gradient sum(tanh(x[i]*y)**2) as s wrt x, y\n",
     1e-11},
    {"rows that are all alike", "sgrt_block_load_rows_f64",
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
    {"short rows, which are the outer loop then", "sgrt_block_within_rows_f64",
     "input x[N, 3], y[N, 4, 2], v[3], k: i64[N, 3]\n"
     "output x*v - x[:, 0:1] as a, flip(x, axis=1)*2.0 as b, x > v as c, y[:, 1:3, 0]*y[:, 2:4, 1] "
     "as d,\n"
     "       pad(x, ((0, 0), (1, 1)))*2.0 as e\n"
     "gradient sum(tanh(x*v)) + sum(y*y) as s wrt x, y, v\n",
     1e-11},
    {"what lies around each number, of rows in tiles", "sgrt_block_around_f64",
     "input u[N, 24], v[3, N, 20], w[N, 3], c\n"
     "p = pad(u, ((1, 1), (1, 1)))\n"
     "l = p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4*u\n"
     "q = pad(v, ((1, 1), (1, 1), (1, 1)))\n"
     "m = q[2:, 1:-1, 1:-1] - c*q[:-2, 1:-1, 1:-1] + q[1:-1, 2:, 1:-1] + q[1:-1, 1:-1, :-2]\n"
     "r = pad(w, ((2, 0), (0, 3)))\n"
     "o = pad(0*u, ((1, 1), (1, 1)))\n"
     "a = -o[2:, 1:-1] - o[:-2, 1:-1] - o[1:-1, 2:]\n"
     "b = -2*o[2:, 1:-1] - 3*o[:-2, 1:-1] + -4*o[1:-1, 2:]\n"
     "output u + 0.1*l*c as d, m as e, r[2:, :-3] - r[1:-1, 1:-2] + r[:-2, 2:-1] as f, 1/a as g,\n"
     "       1/b as h, 1/(b + a) as i\n"
     "gradient sum(l*l) + sum(tanh(m)*v) as y wrt u, v\n",
     1e-11},
    {"what lies around each number, of long rows", "sgrt_block_beside_f32",
     "real f32\n"
     "input u[5, N]\n"
     "p = pad(u, ((1, 1), (1, 1)))\n"
     "l = p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4*u\n"
     "o = pad(0*u, ((1, 1), (1, 1)))\n"
     "output l, 1/(-o[2:, 1:-1] - o[:-2, 1:-1] - o[1:-1, 2:]) as g\n"
     "gradient sum(l*l) + sum(p[2:, 2:]*p[:-2, 1:-1]) as y wrt u\n",
     2e-5},
    {"products of small matrices, one after the other", "sgrt_matmul_f64",
     "input x[N], b[6, 6], c[6, 3]\n"
     "param a[6, 6]\n"
     "d, e = scan((d, e, t) -> (tanh(a @ d @ a.T)*t*0.5, 0.5*sin(d @ e)), (b, c), over=x)\n"
     "gradient sum(d*d) + sum(e) as y wrt a, b, c\n",
     1e-11},
    {"the derivative to one number of an array", "sgrt_block_spot_f64",
     "input u[N + 3], w[N + 1, 24], z[3, N + 5]\n"
     "y = sin(u[2])*sum(u*u) + cos(w[-1, 3])*sum(w*w) + exp(z[1, 4])*sum(z**3)\n"
     "gradient y wrt u, w, z\n"
     "entry both = grad(sum(u*u)*u[0] + sum(u[1:]*u[-1]), u) as g, hvp(u[1]**3*sum(u*u), u, u) "
     "as h\n",
     1e-11},
    {"slices that are added up", "sgrt_block_combine_f64",
     "input u[5, N + 2], v[N, 20]\n"
     "l = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4*u[1:-1, 1:-1]\n"
     "m = v[:, 2:] + v[:, :-2] - 2*v[:, 1:-1] + v[:, 2:]\n"
     "output l, m\n"
     "gradient sum(l*l) + sum(m*m*m) as y wrt u, v\n"
     "entry signs = 1/grad(sum(0*l*l), u) as g\n",
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
    {"rows of few numbers, each folded", "sgrt_block_dot_each_f64",
     "input x[N, 3], y[N, 7], z[N, 12], u[N, 2]\n"
     "output sum(x*x, axis=1) as a, max(y, axis=1) as b, min(sqrt(z - 0.4), axis=1) as c,\n"
     "       prod(u, axis=1) as d, sum(exp(z), axis=1) as e, softmax(y) as f\n"
     "gradient sum(softmax(x)*x) + sum(max(y, axis=1)**2) + sum(layer_norm(z)**2*z) +\n"
     "         sum(cosine_similarity(u, u*u)) as s wrt x, y, z, u\n",
     1e-10},
    {"rows of few numbers that a strip adds up", "sgrt_block_load_rows_f64",
     "input x[N, 2], c[5, 2]\noutput sum((x[:, None] - c)**2, axis=2) as d\n", 1e-12},
    {"rows of few numbers in strips of every kind", "sgrt_block_addmul_vv_f64",
     "input x[N, 2], c[5, 2], w[N, 3, 8, 6], k: i64[N, 5, 3]\n"
     "d = sum((x[:, None] - c)**2, axis=2)\n"
     "output avg_pool2d(w, 2) as a, max_pool2d(w, (2, 3)) as b, max(k[:, :, None]*k[:, None], "
     "axis=3) as e,\n"
     "       argmax(transpose(w, (0, 3, 2, 1))[:, :, :5], axis=3) as f, min(d, axis=1) as g,\n"
     "       prod(x[:, None] + c, axis=2) as h\n"
     "gradient sum(min(d, axis=1)) + sum(avg_pool2d(w, 2)**2) as s wrt x, c, w\n",
     1e-10},
    {"distances of all pairs", "sgrt_block_sum_add_to_f64",
     "input q[N + 20, 3]\n"
     "d = sum((q[:, None] - q)**2, axis=2) + 0.1\n"
     "gradient sum(1/d**2 - 1/d) as e wrt q\n",
     1e-9},
    {"sums of rows that indices say", "sgrt_block_add_vv_f32",
     "real f32\ninput t[40, 20], k: i64[N]\noutput sum(t[k], axis=0) as a\n", 2e-5},
    {"extents that are quotients", "sgrt_extent1",
     "input x[N], y[3, N]\n"
     "output roll(x, 2) as a, flip(roll(y, -5, axis=1)) as b\n"
     "gradient sum(roll(x, 1)*x*roll(x, -2)) + sum(roll(y, 3, axis=1)*y) as s wrt x, y\n",
     1e-11},
    {"all of a loop as one tile", "sgrt_block_exp_f64(200,",
     "input x[N, 200], y[200], k: i64[N]\n"
     "output exp(x)*y as a, sum(x*y, axis=1) as b, cumsum(x, axis=1) as c, argmax(x, axis=1) as "
     "d,\n"
     "       x[:, ::-1]*arange(200) as e, y[k]*2.0 as f, sum(y*y) as g, x**arange(200) as h,\n"
     "       where(x > y, floor(7*x) % 3, y) as i, lgamma(x) + polygamma(2, x) as j\n"
     "gradient sum(exp(sum(x*y, axis=1))) as s wrt x, y\n",
     1e-10},
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
    {"rows of few numbers, and what is the same for all of them", "sgrt_block_load_rows_f64",
     "input x[N, 7], y[5, N + 1, 3], z[7, N], g[7], h[7], v[N], k: i64[N, 7]\n"
     "output (x - g)/h*g + v[:, None]*x as a, exp(x)*g as b, tanh(x*g + h)*z.T as c,\n"
     "       y*y[:, :1]*y[0] - 1.0 as d, concat((x*g, exp(x)), axis=1) as e, k*k[:, 2:3] + k as "
     "f,\n"
     "       where(x*g > h, x*v[:, None], 0.0) as i, (x*g > 1.0) == (x > h) as j\n"
     "gradient sum(tanh(x*g + h)*v[:, None]) + sum(exp(y)*y[0]) as s wrt x, y, g, h, v\n",
     1e-11},
    {"sums and extremes of the columns of rows of few numbers", "sgrt_block_addmul_rows_f64",
     "input x[N, 7], y[N, 16], w[N, 3], g[7], k: i64[N, 4]\n"
     "e = concat((x, [g]))\n"
     "output sum(x*x*g, axis=0) as a, sum(exp(x) - g, axis=0) as b, max(e, axis=0) as c,\n"
     "       min(e*g, axis=0) as d, prod(1 - 0.001*y, axis=0) as f, sum(k, axis=0) as i,\n"
     "       cumsum(y, axis=0) as j, cumsum(flip(w), axis=0) as l, sum(y*y, axis=0) as m\n"
     "gradient sum(sum(x*g, axis=0)**2) + sum(cumsum(w, axis=0)**2) as s wrt x, w, g\n",
     1e-10},
    {"sums and extremes of each row of few numbers", "sgrt_block_dot_each_f32",
     "real f32\n"
     "input x[N, 40], y[3, N, 17], g[40]\n"
     "output sum(x, axis=1) as a, max(x*g, axis=1) as b, min(y, axis=2) as c, sum(x*x, axis=1) as "
     "d,\n"
     "       prod(1 - 0.01*y, axis=2) as e, sum((x - g)**2, axis=1) as f, sum(exp(y)*2.0, "
     "axis=2).T as h\n"
     "gradient sum(sum((x*g), axis=1)**2) as s wrt x, g\n",
     2e-5},
};

#endif
