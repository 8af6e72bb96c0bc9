/* check_loops.c - loops, and derivatives through them, are the same in every back end and as text.
 *
 * Every entry of every model below is evaluated for several sizes; compiled code runs with a page
 * behind its workspace, and behind each output, that must not be touched. */
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

/* In 40 directions, of which a step reads two numbers. */
static const char narrow[] =
    "input base[20, 3, 3], v\nparam q[40]\n"
    "def turn(a) {\n"
    "  c = cos(a); s = sin(a)\n"
    "  x = [[c[0], -s[0], 0.0], [s[0], c[0]*c[1], -s[1]], [0.0, s[1]/v, c[1]]]\n"
    "  return x @ [[1.0, 0.0, a[0]], [0.0, c[1], 0.0], [where(v > 0, s[0], 0.0), 0.0, 1.0]]\n"
    "}\n"
    "def place(m, b, a) { t = b @ turn(a); return 0.5*m @ t, t[0] + a[0] }\n"
    "m, r = scan(place, eye(3), over=(base, reshape(q, [20, 2])))\n"
    "output m, r\n"
    "entry j = jacobian(m, q, mode=\"forward\") as J, jacobian(r, q, mode=\"forward\") as R\n";

/* An extended Kalman filter: Jacobians of a motion and of what is seen of it have zeros. */
static const char filter[] =
    "input z[N, 2], q, r, x0[3]\n"
    "def move(x) = stack((x[0] + 0.1*cos(x[2]), x[1] + 0.1*sin(x[2]), 0.9*x[2]))\n"
    "def see(x) = stack((sqrt(1 + x[0]**2), x[1] - x[2]))\n"
    "def step(x, P, z) {\n"
    "  F = jacobian(move(x), x)\n"
    "  p = move(x)\n"
    "  H = jacobian(see(p), p)\n"
    "  Pp = F @ P @ F.T + diag(exp([q, q, r]))\n"
    "  S = H @ Pp @ H.T + diag(exp([r, r]))\n"
    "  K = Pp @ H.T @ inv(S)\n"
    "  e = z - see(p)\n"
    "  return p + K @ e, Pp - K @ H @ Pp, 0.5*(e @ inv(S) @ e + logdet(S))\n"
    "}\n"
    "x, P, l = scan(step, (x0, eye(3)), over=z)\n"
    "gradient sum(l) as y wrt q, r, x0\n"
    "entry weighted = grad(sum(l*arange(N)), q) as g\n"
    "entry all = grad(sum(l), z) as g, hessian(sum(l), q) as h\n";

/* Of six numbers: 36 of a covariance, and of a Jacobian that are mostly 0. */
static const char large_filter[] =
    "input z[N, 2], q, r, x0[6]\n"
    "def move(x) = stack((x[0] + 0.1*cos(x[2])*x[3], x[1] + 0.1*sin(x[2]), x[2] + x[4],\n"
    "  x[3] + 0.1*x[5], 0.5*x[4], 0.9*x[5]))\n"
    "def see(x) = stack((sqrt(1 + x[0]**2), x[1] - x[2]))\n"
    "def step(x, P, z) {\n"
    "  F = jacobian(move(x), x)\n"
    "  p = move(x)\n"
    "  H = jacobian(see(p), p)\n"
    "  Pp = F @ P @ F.T + exp(q)*eye(6)\n"
    "  S = H @ Pp @ H.T + exp(r)*eye(2)\n"
    "  K = Pp @ H.T @ inv(S)\n"
    "  e = z - see(p)\n"
    "  return p + K @ e, (eye(6) - K @ H) @ Pp, e @ inv(S) @ e + logdet(S)\n"
    "}\n"
    "x, P, l = scan(step, (x0, eye(6)), over=z)\n"
    "entry filter = x, P, l\n"
    "gradient sum(l) as y wrt q, r, x0\n";

/* A pole on a cart: what a step costs is told by the state that it comes to. */
static const char pole[] =
    "input u[N], x0[3], w\n"
    "def f(x, u) {\n"
    "  s = sin(x[1]); c = cos(x[1]); m = 1.0 + w*w + s*s\n"
    "  return stack((x[2]*c, (u + s*(x[2]**2 + c))/m, (c - u*s)/sqrt(m)))\n"
    "}\n"
    "def step(x, u) {\n"
    "  k = f(x, u)\n"
    "  y = x + 0.1*f(x + 0.05*k, u) + 0.01*k\n"
    "  return y, 1 + cos(y[1]) + y[0]**2\n"
    "}\n"
    "x, l = scan(step, x0, over=u)\n"
    "output x, l\n"
    "gradient sum(l) + sin(x[1]) as J wrt u, x0, w\n"
    "p, q = scan((c, v) -> (c + 0.1*sin(c)*v, cos(c + 0.1*sin(c)*v)), w, over=u)\n"
    "entry back = p, q, grad(sum(q) + p, u) as a, grad(sum(q) + p, w) as b\n";

/* Range and bearing, each derivative of which has the radius under it twice. */
static const char bearing[] =
    "input b[N, 2], x0[2]\n"
    "def to(x, b) = [3 + b[0] - x[0], b[1] - x[1]]\n"
    "def see(x, b) { d = to(x, b); return stack((hypot(d[0], d[1]), atan2(d[1], d[0]))) }\n"
    "def step(x, b) { H = jacobian(see(x, b), x); return x + 0.1*H.T @ see(x, b), H }\n"
    "x, H = scan(step, x0, over=b)\n"
    "output x, H\n"
    "gradient sum(x**2) + sum(H) as y wrt b, x0\n";

static const struct {
	const char *name, *text;
	double tolerance;
} models[] = {
    {"a pole on a cart", pole, 1e-9},
    {"range and bearing", bearing, 1e-9},
    {"a filter", filter, 1e-9},
    {"a filter of six numbers", large_filter, 1e-9},
    {"inverses of five rows",
     "input a[N, 5, 5], v[N, 5]\n"
     "z = scan((c, a, v) -> tanh(0.1*c + v*trace(inv(a + 9*eye(5)))), 0.1*v[0], over=(a, v))\n"
     "gradient sum(z) as y wrt a, v\n"
     "entry more = grad(sum(map((a) -> det(outer(a[0], a[:, 1]) + tril(a) + 9*eye(5)), a)), a) as "
     "g\n",
     1e-10},
    {"loops in steps that are kept, and in those of their tangents",
     "input x[2, N], y[K], t[2, N]\n"
     "v, w = scan((c, u) -> (c*u + 0.1, u), x, over=y)\n"
     "def step(c, p) {\n"
     "  _, inner = scan((k, u) -> (k, c*u), 0, over=w)\n"
     "  _, outer = scan((k, u) -> (k, inner*u), 0, over=y)\n"
     "  return c*p + sin(c), outer\n"
     "}\n"
     "z, s = scan(step, v, over=y, checkpoint=2)\n"
     "entry value = sum(z*z) as z\n"
     "entry twice = hvp(sum(z*z), x, t) as h\n"
     "entry all = sum(z*z) as z, grad(sum(z*z), x) as g, hvp(sum(z*z), y, y) as h\n",
     1e-9},
    {"a scan of scalars",
     "input x[N], w\n"
     "s = scan((c, v) -> tanh(c*w) + v*v, 0.5, over=x)\n"
     "gradient s wrt w, x\n"
     "entry more = hessian(s, w) as h, jvp(s, x, x) as j\n",
     1e-11},
    {"a recurrent net in f32",
     "real f32\n"
     "input x[N, M]\n"
     "param W[K, K], U[K, M], b[K], h0[K]\n"
     "def step(h, v) {\n"
     "  n = tanh(W @ h + U @ v + b)\n"
     "  return n, n*n\n"
     "}\n"
     "h, hs = scan(step, h0, over=x)\n"
     "gradient sum(h) + sum(hs) as y wrt params\n"
     "kept = scan((h, v) -> tanh(W @ h + U @ v + b), h0, over=x, checkpoint=2)\n"
     "entry sparse = grad(sum(kept), W) as g\n",
     1e-4},
    {"a loop that the bodies of two others have in common",
     "input x[N], w\n"
     "def f(z) { s = scan((c, v) -> sin(c) - v*w, z[0], over=z, checkpoint=2); return hvp(s, z, z) "
     "}\n"
     "gradient sum(f(x)) as y wrt x, w\n",
     1e-10},
    {"a Jacobian, perhaps of no rows, whose loop has carries of its own and common ones",
     "input x[L], w[N]\n"
     "def f(a) = scan((c, v) -> tanh(0.5*c + a*v), a, over=x, checkpoint=2)\n"
     "output f(w) as y, jacobian(f(w), w, mode=\"forward\") as j\n"
     "entry h = hessian(sum(f(w)), w) as h, map((r) -> f(r)*w, broadcast_to(w, [3, N])) as m\n",
     1e-11},
    {"a map in a scan, by what the scan starts from",
     "input a[M], w, x[N]\n"
     "def step(c, k) { d = map((r) -> 0.6*r*r, c); return c*d + w, sum(c) }\n"
     "c, s = scan(step, 0.3*a, over=x)\n"
     "gradient sum(c) + sum(s) as y wrt a, w\n",
     1e-11},
    {"a function in pieces, and in one a loop in a loop over nothing",
     "input x[N, 0]\n"
     "param a[4, 4]\n"
     "v = solve_triangular(triu(tanh(a)) + 3*eye(4), a, lower=false, trans=true)\n"
     "l = sum(silu(a)*v)\n"
     "g = grad(l, a) - grad(l, v, mode=\"reverse\")\n"
     "s = scan((c, r) -> while((d) -> sum(d*d) > 0.7, (d) -> 0.56*d, c + r, limit=90), zeros([0]), "
     "over=x)\n"
     "gradient sum(sin(0.4 + 0.84*sin(g)*g)) + sum(sin(0.4 + s)) as y wrt x, a\n",
     1e-9},
    {"sums over short rows, last element first",
     "input x[N, 2, 3], w[3]\n"
     "v = cumsum(broadcast_to(sum(x), [3, 7]), axis=1)\n"
     "a = cumsum(sin(x), axis=2)\n"
     "b = sum(flip(x*w, axis=2)) + sum(flip(sin(x), axis=(1, 2))) + sum(roll(x, 1, axis=2)*0.5)\n"
     "gradient sum(sin(v)) + sum(a*a) + b as y wrt x, w\n"
     "entry d = grad(sum(cos(v)), x) as g, jvp(sum(sin(v)), x, x) as j, sum(flip(x, axis=2)) as "
     "s\n",
     1e-11},
    {"what is dear to compute again is kept",
     "input x[N, R, M], z[N, K]\n"
     "param W[M, 4, K], U[K, 4, K], b[4, K], A[K, K], E[K, K]\n"
     "def cell(h, c, v) {\n"
     "  i, f, g, o = split(v @ reshape(W, [M, 4*K]) + h @ reshape(U, [K, 4*K]) + flatten(b), 4, "
     "axis=1)\n"
     "  d = sigmoid(f)*c + sigmoid(i)*tanh(g)\n"
     "  return sigmoid(o)*tanh(d), d\n"
     "}\n"
     "h, c = scan(cell, (zeros([R, K]), zeros([R, K])), over=x)\n"
     "def filter(m, P, l, r) {\n"
     "  S = A @ P @ A.T + 2.0*eye(K)\n"
     "  L = cholesky(S)\n"
     "  e = solve_triangular(L, r - A @ m)\n"
     "  return A @ m + S @ solve(S + eye(K), r), solve(S, eye(K)), l + dot(e, e) + logdet(S)\n"
     "}\n"
     "m, P, l = scan(filter, (zeros([K]), eye(K), 0.0), over=z)\n"
     "a = scan((a, r) -> logsumexp(a[:, None] + E, axis=0) + r, zeros([K]), over=z)\n"
     "gradient sum(h*c) + l + sum(m) + logsumexp(a) as y wrt x, z, W, U, b, A, E\n"
     "entry more = hvp(sum(h*c) + logsumexp(a), U, U) as u, hvp(l, A, A) as v\n",
     1e-9},
    {"derivatives by elements: an arm, and a loop that goes back",
     "param q[4], p[3]\n"
     "input a[4], d[4], v[3], w[K]\n"
     "def link(T, q, a, d) = T @ [[cos(q), -sin(q), 0, a], [sin(q), cos(q), 0, a*q], [0, 0, 1, d], "
     "[0, 0, 0, 1]]\n"
     "T = scan(link, eye(4), over=(q, a, d))\n"
     "t = T[:3, 3]\n"
     "def back(c, s, r, e) = (c*r + s[1], [s[1], s[0]*c], stack((c, r)), e*s[0])\n"
     "c, s, cs, es = scan(back, (p[0], [p[1], p[2]]), over=(flip(v, axis=0), v))\n"
     "y = c + s[0]*s[1] + sum(cs[1:]*cs[:2]) + dot(es, v)\n"
     "gradient dot(t, t) + y as z wrt q, p\n"
     "entry jac = jacobian(t, q) as J, jacobian(cs, p, mode=\"reverse\") as C, jacobian(es, p) as "
     "E\n"
     "entry hess = hessian(dot(t, t)*t[0], q) as H, hessian(y, p) as Y, jacobian(grad(t[0], "
     "q)*T[0, 1], q) as G\n"
     "entry shared = map((u) -> jacobian(p*u*p[1], p), w) as M, grad(jacobian(q*q, q)[0, 0]*q[1], "
     "q) as g\n",
     1e-10},
    {"derivatives by elements of what is read by slices too",
     "param x[2], p[3]\n"
     "l, m = split(x, 2, axis=0)\n"
     "gradient sum(sin(0.4 + l*sin(m))) + sum(sin(0.4 + x)) as y wrt x\n"
     "entry more = hessian(sum(p[:1]*cos(p[1:]*p[:2])*p[2]), p) as H, "
     "jacobian(p[1:]*sin(p[:1])*cos(p[0]), p) as J\n",
     1e-10},
    {"a loop for each slice of a map, and its tape",
     "input a, x[N]\n"
     "r = while((y) -> abs(y*y - a) > 1e-10, (y) -> 0.5*(y + a/y), 1.0, limit=60)\n"
     "s = map((v) -> while((y) -> abs(y*y - v) > 1e-10, (y) -> 0.5*(y + v/y), 1.0, limit=60), x)\n"
     "gradient r + sum(s) as y wrt a, x\n"
     "entry two = hessian(r, a) as h, jvp(r, a, 1.0) as j, jacobian(s, x) as J\n",
     1e-8},
    {"carries of several types that change places",
     "input x[N], k: i64, y[N, M]\n"
     "def halve(i, s, f) = (i + 1, s + x*2.0**(-i), i < 1)\n"
     "i, s, f = while((i, s, f) -> i < k or f, halve, (0, x, true))\n"
     "def swap(a, b, m, v) {\n"
     "  return b, a, maximum(m, v), where(a > v, v, 0.0)\n"
     "}\n"
     "p, q, m, out = scan(swap, (0.25, 1.5, -1.0), over=x)\n"
     "v, vs = scan((v, row) -> (v + row/(1 + sum(v*v)), logsumexp(v)), ones([M]), over=y)\n"
     "u, us = scan((v, row) -> (row, v), zeros([M]), over=flip(y, axis=0))\n"
     "output i, s, f, p, q, m, out, v, vs, u, us\n"
     "gradient sum(v) + sum(vs) + sum(out) + sum(us*us) + m as t wrt x, y\n",
     1e-10},
    {"loops with borders",
     "input x[N, M], z[M], v[40]\n"
     "a = pad(z*z, ((1, 1))) * pad(flip(z, axis=0), ((2, 0)))\n"
     "b = pad(x, ((1, 1), (2, 1)))*2.0 + pad(x*x, ((0, 2), (0, 3)))\n"
     "c = flip(pad(x[1:, 1:], ((1, 0), (0, 1))), axis=1) - x\n"
     "d = pad(pad(v[2:38], ((1, 0))), ((0, 3))) - v + pad(v[:20], ((20, 0)))\n"
     "def step(u, r) = u + 0.1*pad(u[2:] + u[:-2] - 2*u[1:-1], ((1, 1)))*sum(r)\n"
     "e = scan(step, v, over=x)\n"
     "f = scan((u, i) -> u + 0.1*pad(u[2:, 1:-1] - u[1:-1, :-2], ((1, 1), (1, 1))), pad(x, ((1, "
     "1), (1, 1))), "
     "over=arange(3))\n"
     "g = z + pad(z*z, ((3, 0)))[:M]\n" /* wider than M */
     "output a, b, c, d, e, f, g\n"
     "gradient sum(a**2) + sum(b**3) + sum(c*c) + sum(sin(d)*e) + sum(f**2) + sum(g**3) as y "
     "wrt x, z, v\n",
     1e-9},
    {"rings",
     "input x[N, M], z[M], v[70], t[N, 40, 2], s[40, 3]\n"
     "a = x*roll(x, 1, axis=0) - roll(sin(x), -1, axis=1)*roll(x, 2, axis=1)\n"
     "b = roll(roll(z, 1)*z + 0.5*z, -1) + roll(z, -2)\n"
     "c = (v - roll(v, 3))**2 + roll(v*roll(v, -40), -1)\n" /* 62 turns without conditions, and 8 */
     "d = t - roll(t, 1, axis=1) + roll(t, -2, axis=0)*roll(t, 1, axis=2)\n"
     "e = (s - roll(s, 1, axis=0))*roll(s*s, -1, axis=0)\n"
     "def step(u, r) = u - 0.1*u*(roll(u, -1) - roll(u, 1)) + sum(r*roll(r, 1))\n"
     "f = scan(step, v, over=x)\n"
     "g = max(roll(v, 1)*v) - min(v + roll(v, -1)) + sum(exp(roll(v, 5) - v))\n"
     "output a, b, c, d, e, f, g\n"
     "gradient sum(a**2) + sum(a*x) + sum(b**3) + sum(c*v) + sum(d*d) + sum(sin(e)) + sum(f**2) + "
     "g "
     "as y wrt x, z, v, t, s\n",
     1e-9},
    {"rows across memory, perhaps none",
     "input x[N, N], z[M, N, N], w[N]\n"
     "entry f = softmax(x, axis=0) as p, log_softmax(z, axis=1) as q, logsumexp(z, axis=1) as u, "
     "max(tanh(x), axis=0)*w as v\n"
     "gradient sum(logsumexp(z + w[:, none], axis=1)**2) + sum(softmax(x, axis=0)*x) as y wrt x, "
     "z, "
     "w\n",
     1e-11},
    {"carries that lie in what they are stacked in",
     "input x[N, M], z[M]\n"
     "def late(a, b, r) = (sin(a) + r, a, a, b, b*a)\n" /* before and after a step, moved on */
     "a, b, ha, hb, hp = scan(late, (z, 2*z), over=x)\n"
     "def twins(c, d, r) {\n"
     "  n = tanh(c*d + r)\n"
     "  return n, n, n, n, d\n"
     "}\n"
     "c, d, cs, ds, old = scan(twins, (z, cos(z)), over=x)\n"
     "def moved(e, r) = (e*e[0:1] + roll(r, 1), roll(e, 1))\n"
     "e, es = scan(moved, z, over=flip(x, axis=0), checkpoint=2)\n"
     "f, fs, same = scan((f, r) -> (roll(f, 1)*r + 1, f, f), z, over=x)\n"
     "g, gs = scan((g, r) -> (r, r), z, over=x)\n"
     "y = sum(ha*hb) + sum(hp**2) + sum(cs - ds*old) + sum(es*b) + sum(fs*same*f) + sum(gs*e)\n"
     "output a, b, ha, hb, hp, c, d, cs, ds, old, e, es, f, fs, same, g, gs\n"
     "entry some = gs, ha as second\n"
     "gradient y wrt x, z\n"
     "entry twice = hvp(y, z, z) as h, jvp(ha, z, z) as j, hvp(y, x, x) as hx\n",
     1e-8},
    {"indices, and errors of the run",
     "input x[N], idx: i64[K], q: i64\n"
     "def walk(i, acc, j) {\n"
     "  n = (i + j) % shape(x, 0)\n"
     "  return n, acc + x[n], x[i] * acc\n"
     "}\n"
     "i, acc, ys = scan(walk, (0, 0.0), over=idx)\n"
     "def put(h, j) = (h + one_hot(j % 3, 3)*x[j % shape(x, 0)], h // 1.0)\n"
     "h, hs = scan(put, zeros([3]), over=idx)\n"
     "c, cs = scan((c, j) -> (c*10 // (q + 1) + j, c), 1, over=idx)\n"
     "output i, acc, ys, h, hs, c, cs\n"
     "gradient acc + sum(ys*ys) + sum(h*h) as y wrt x\n",
     1e-10},
    {"windows that overlap, and small extents", /* gcc 12 -O3 got it wrong as a loop that adds */
     "input x[M, 4, 3, 3]\n"
     "p = avg_pool2d(x, 2, stride=1)\n"
     "q = map((r) -> grad(sum(sin(r)*tanh(r)), r), p)\n"
     "gradient sum(sin(0.4 + tril(q) - 0.42*triu(q, k=1))) as y wrt x\n",
     1e-10},
    {"windows that overlap",
     "input x[M, 2, 12], z[M, 3, 7]\n"
     "param w[3, 2, 3], v[2, 2, 4]\n"
     "a = avg_pool1d(x, 4, stride=3)\n"
     "b = conv1d(x, w, stride=2, padding=1)\n"
     "c = conv1d(x, v, stride=3, dilation=2)\n"
     "d = tril(avg_pool1d(z, 2, stride=1))\n"
     "e = avg_pool2d(z, 2, stride=1)\n"
     "y = sum(sin(a)) + sum(b*b) + sum(sin(c)) + sum(d*d) + sum(e*e) + sum(max_pool1d(x, 3, "
     "stride=2)**2)\n"
     "gradient y wrt x, z, w, v\n"
     "entry more = hvp(sum(max_pool2d(z, 2, stride=1, padding=1)**3), z, z) as h, "
     "jvp(max_pool1d(x, 3, stride=2), x, x*x) as j, map((r) -> max_pool1d(r, 2), x) as m, "
     "grad(sum(map((r) -> sum(max_pool1d(r, 2)*r[:, ::2]), x)), x) as g\n",
     1e-10},
    {"windows that overlap, and all of whose adjoints go to one row",
     "input x[M, 2, 12], z[M, 4]\n"
     "v = sum(max_pool1d(x + 0.01*cumsum(x, axis=2), 3, stride=2, padding=1), axis=2)\n"
     "w = map((r, j) -> sum(r[j]), z, (arange(M)[:, None] + [1, 3, 3, 1]) % 4)\n"
     "gradient sum(sin(v)) as y wrt x\n"
     "entry again = grad(sum(sin(w)), z) as g\n",
     1e-10},
    {"short rows under a condition, with numbers that are chosen", /* gcc 12 at -O3 */
     "input x[R, 7], w[R, 7], q: bool[R, 2], u[R, 2], v[R, 2]\n"
     "def behind(a) = pad(a, ((1, 0), (0, 0)))[:-1]\n"
     "l, m = if sum(x*x) > 0.21 then (x, sigmoid(x)) else (x*0.69, 0.5*x)\n"
     "n = x + pad(x, ((0, 1), (0, 0)))[1:]\n"
     "gradient sum(sin(0.4 + hvp(sum(tanh(n)), n, l - m))) as y wrt x\n"
     "entry plain = w + behind(x) + where(x > w, w, 0) + x*w as y\n"
     "entry bools = u + where(q, behind(v), u) as y, where(q, behind(v), behind(u))*v + u as z\n",
     1e-10},
    {"short rows of f32 under a condition, with numbers that are chosen",
     "real f32\n"
     "input q: bool[R, 4], u[R, 4], v[R, 4]\n"
     "def behind(a) = pad(a, ((1, 0), (0, 0)))[:-1]\n"
     "entry bools = u + where(q, behind(v), u) as y, where(q, behind(v), behind(u))*v + u as z\n",
     1e-5},
    {"tiles of rows: densities",
     "input x[R, M]\n"
     "param a[K], mu[K, M], q[K, M, M]\n"
     "def density(p) = logsumexp(a - 0.5*sum(map((r, c) -> r @ (p - c), q, mu)**2, axis=1))\n"
     "t = map(density, x)\n"
     "gradient sum(t) as y wrt a, mu, q, x\n",
     1e-10},
    {"tiles of rows: nearest and cumulative",
     "input x[R, M], c[K, M]\n"
     "d = map((p) -> sum((c - p)**2, axis=1), x)\n"
     "near = min(d, axis=1)\n"
     "run = cumsum(d*near[:, None], axis=1)\n"
     "gradient sum(near) + sum(run*run) as y wrt c, x\n"
     "entry which = argmin(d, axis=1) as k, near, hvp(sum(near), c, ones([K, M])) as h\n",
     1e-10},
    {"tiles in columns: short folds of every kind",
     "input x[R, M], z[R], c[K, M], b[3]\n"
     "d = map((p) -> sum((c - p)**2, axis=1), x)\n"
     "s = tanh(d*z[:, None]) + sum(x, axis=1)[:, None]*arange(R)[:, None]/100\n"
     "near = min(d, axis=1) - max(s*d, axis=1) + prod(1 + s/9, axis=1)/(1 + cast(argmax(s, "
     "axis=1), f64))\n"
     "run = sum(cumsum(s, axis=1)*d, axis=1) + cast(any(d > z[:, None], axis=1), f64)\n"
     "waves = sum(sin(d)*(0.1 + d)**z[:, None], axis=1)\n"
     "gradient sum(near*run) + sum(waves)/1e3 as y wrt c, x, z\n"
     "entry folds = sum(near*run) as a, sum(s, axis=0) as b, sum(s*d) as c, max(waves) as d, "
     "sum(s*x[:, :1]) as e\n"
     "entry nearest = grad(sum(min(d, axis=1)), c) as gc, grad(sum(min(d, axis=1)), x) as gx\n"
     "entry scaled = x*sum(x, axis=1)[:, None]*min(d, axis=1)[:, None] as q\n"
     "entry picked = sum(max(d, axis=1)) as y, 1/min(d, axis=1) as q, x[:, argmax(sum(c, axis=1)) "
     "% 1] as some\n",
     1e-8},
    {"tiles in columns, in f32, by rows of known length",
     "real f32\n"
     "input x[R, 3], c[7, 3]\n"
     "def weights(p) = softmax(-sum((c - p)**2, axis=1))\n"
     "def far(p) = max(sum(abs(c - p), axis=1) * min(c*p))\n"
     "gradient sum(map(far, x)) as y wrt c, x\n"
     "entry soft = grad(sum(map(weights, x)**2), c) as g\n",
     1e-4},
    {"tiles of rows: a net",
     "real f32\n"
     "input x[R, M], t[R, K]\n"
     "param w[M, 5], b[5], v[5, K]\n"
     "h = tanh(x @ w + b)\n"
     "o = softmax(layer_norm(h) @ v)\n"
     "gradient mse_loss(o, t) as loss wrt params\n"
     "entry more = sum(cross_entropy(o, t, reduction=\"none\")) as loss, grad(sum(o*o), v) as g, "
     "vjp(o, w, t) as d\n",
     1e-4},
    {"tiles of rows: what goes on over the rows",
     "input x[R, M], i: i64[R]\n"
     "s = sin(x) * sum(x, axis=1)[:, None]\n"
     "e = exp(-0.1*s)\n"
     "entry folds = sum(s*e, axis=0) as s0, sum(e) as s1, prod(1 + 0.01*s, axis=0) as p, any(s > "
     "3, axis=0) as a,\n"
     "  all(e > 0) as b, sum(i) as n, sum(i % 3) as m, mean(e + 0*s, axis=1) as r\n"
     "gradient sum(s / (1 + sum(e, axis=0))) as y wrt x\n",
     1e-10},
    {"tiles of rows: parts of rows",
     "input x[R, 4], z[R, M], j: i64[3]\n"
     "a = concat((x*x, sin(z)), axis=1)\n"
     "g = x[:, j % 4] * sum(a, axis=1)[:, None]\n"
     "u = pad(g, ((0, 0), (1, 2))) + pad(g*g, ((0, 0), (0, 3))) + pad(g + 1, ((0, 0), (3, 0)))\n"
     "o = tanh(u) @ ones([6, M])\n"
     "gradient sum(o*z) as y wrt x, z\n"
     "output a, g, u, concat((g, 2*g)) as two\n",
     1e-10},
    {"tiles of rows: neighbours, and other orders",
     "input x[R, M], w[R]\n"
     "a = x * sum(x*x, axis=1)[:, None]\n"
     "b = a - roll(a, 1)\n"
     "c = flip(b, axis=0) * w[:, None]\n"
     "m = sum(c, axis=0)\n"
     "gradient sum((c - m)**2) + sum(c.T @ a) as y wrt x, w\n",
     1e-10},
    {"tiles of rows in a loop",
     "input x[R, M], v[N, M]\n"
     "def step(s, p) {\n"
     "  e = softmax(s*p + x)\n"
     "  return s + e*sum(e*x, axis=1)[:, None] - sum(e, axis=0)/100, sum(e*e)\n"
     "}\n"
     "s, h = scan(step, x, over=v)\n"
     "gradient sum(s*s) + sum(h) as y wrt x, v\n",
     1e-9},
    {"a step of many arrays, and sums that overlap",
     "input x[R, M], a[8, M], z[R], y[R]\n"
     "def cell(i, v, h, c) {\n"
     "  n = c*sigmoid(v*a[4*i] + 1) + sigmoid(h*a[4*i + 1])*tanh(h*a[4*i + 2] + v)\n"
     "  return sigmoid(v*a[4*i + 3])*tanh(n), n\n"
     "}\n"
     "def step(s, v) {\n"
     "  h, c = cell(0, v, s[0], s[1])\n"
     "  k, d = cell(1, h, s[2], s[3])\n"
     "  return stack((h, c, k, d)), sum(exp(k*v))\n"
     "}\n"
     "s, e = scan(step, zeros([4, M]), over=x)\n"
     "u = pad(sin(z), ((0, 2))) + pad(tanh(y), ((2, 0))) + pad(z*y, ((1, 1)))\n"
     "gradient sum(s*s) + sum(e)/100 as l wrt x, a\n"
     "entry more = u, grad(sum(u*u*flip(u)), z) as g, norm(u[0:3]) as n, grad(norm(u[0:2]*z[0]), "
     "z) as m,\n"
     "  norm(a[0:3, 0]*1e300)*1e-300 as far, norm(a[0:3, 0]*1e-300)*1e300 as close, norm(a[0:3, "
     "0]*0) as nothing,\n"
     "  1/norm(a[0:3, 0]*1e300*1e300) as inverse, norm([log(-a[0, 0]), 1.0]) as nan_, norm([1e300, "
     "1e-300*a[0, 0]])*1e-300 as wide\n",
     1e-10},
    {"stencils: sums at places that overlap, of short and of long rows",
     "input x[R, M], z[R], y[600], k[4, 40]\n"
     "def along(u, c) = u + c*pad(u[2:] + u[:-2] - 2*u[1:-1], ((1, 1),))\n"
     "def around(u) = u*u + pad(u[2:, 1:-1]*u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]**3 - "
     "4*u[1:-1, "
     "1:-1], ((1, 1), (1, 1)))\n"
     "far = sum(along(along(y, exp(0.1*y)), 0.2)**2) + sum(tanh(y[3:]*y[:-3] + y[1:-2]))\n"
     "near = sum(scan((u, v) -> (along(u, 0.1*v)), z, over=arange(5)*1.0)**2)\n"
     "gradient sum(around(x)**2) + far + near + sum(around(k)) as l wrt x, z, y, k\n"
     "entry more = hvp(far, y, y) as h, jvp(near, z, z) as j\n",
     1e-9},
    {"pairs of rows: sums over those that are columns",
     "input x[R, 3], y[R, M]\n"
     "def near(u) = 1/(sum((u[:, None] - u[None])**2, axis=2) + 0.5)\n"
     "gradient sum(near(x)) + sum(exp(-near(y))) as l wrt x, y\n"
     "entry more = grad(sum(near(x)*near(y)), x) as g, hvp(sum(near(y)), y, y) as h\n",
     1e-9},
    {"stencils that are summed up, of short, of long and of constant rows",
     "input x[R, M], y[2600], z[40]\n"
     "param a\n"
     "def along(u) = u[1:-1] + a*(u[2:] - 2*u[1:-1] + u[:-2])\n"
     "def steep(u) = sqrt((u[1:, :-1] - u[:-1, :-1])**2 + (u[:-1, 1:] - u[:-1, :-1])**2 + 0.1)\n"
     "rows = sum(steep(x)) + sum(x[2:, 1:-1]*x[:-2, 1:-1] + x[1:-1, 2:]*x[1:-1, :-2])\n"
     "gradient sum(along(y)**2) + max(along(y)*y[2:]) as l wrt y, a\n"
     "entry short = grad(rows, x) as g, grad(sum(along(z)**2)*a, z) as h, rows,\n"
     "  along(z) as w\n"
     "entry long = grad(max(along(y)), y) as m, along(y) as u, grad(sum(along(y)**4), y) as v\n",
     1e-9},
    {"chunks of sines: in lanes, in strips, of one another, behind conditions",
     "input x[R, M], y[R], p, i: i64[R]\n"
     "a = sin(3*x + cos(x)) + 0.5*tan(x/7)\n"
     "b = where(x > 0, abs(x)**p, cos(p*x)) * cos(1.1e6 + x)\n"
     "c = pad(sin(y), ((2, 1)))[0:R] + cos(y[i % R]) + p**y + y**7\n"
     "entry folds = sum(a*b) as s, sum(sin(x*y[:, None]), axis=0) as f, sum(cos(a), axis=1) as g, "
     "max(c) as m\n"
     "gradient sum(a*b) + sum(c*c) as l wrt x, y, p\n"
     "output a, b, c, cumsum(sin(y)) as d\n",
     1e-7},
    {"chunks of sines in f32",
     "real f32\n"
     "input x[R, M], y[R], p\n"
     "a = sin(3*x + cos(x)) + abs(y[:, None])**(p*x)\n"
     "gradient mean(a*tan(a/9)) as l wrt x, y, p\n",
     1e-4},
    {"small products in many rows",
     "input x[R, 3, 4], y[R, 4, 4], z[R, 3], w[3, M]\n"
     "a = einsum(\"rij,rjk->rik\", x, y)\n"
     "b = z @ ones([3, 3]) + einsum(\"rij,rj->ri\", a, y[:, 0])\n"
     "c = sin(z) @ w\n"
     "gradient sum(b*b) + sum(a) + sum(c*c) as l wrt x, y, z, w\n"
     "output a, b, c\n",
     1e-10},
    {"loops in loops",
     "input x[N], w[M, M], z[N, M]\n"
     "def inner(a, v) {\n"
     "  b, bs = scan((b, y) -> (tanh(w @ b + y*v), sum(b)), a, over=x)\n"
     "  return b + v, bs\n"
     "}\n"
     "o, os = scan(inner, ones([M]), over=x)\n"
     "def alt(c, r) {\n"
     "  t = while((t) -> sum(t*t) > 0.5, (t) -> t*0.7 + 0.01*c, r, limit=40)\n"
     "  return c + sum(t), t\n"
     "}\n"
     "e, es = scan(alt, 0.1, over=z)\n"
     "loss = sum(o) + sum(os*os) + e + sum(es)\n"
     "gradient loss wrt x, w, z\n"
     "entry more = hvp(loss, w, ones([M, M])) as hw, jvp(loss, x, ones([N])) as jx\n",
     1e-8},
    {"a derivative within a loop",
     "input x[N], w\n"
     "def f(u) = sum(sin(u*w)) + sum(u)**3\n"
     "def step(u, v) = u - 0.01*grad(f(u), u) + 0.01*v\n"
     "u = scan(step, x, over=arange(5)*1.0)\n"
     "l = sum(u*u)\n"
     "gradient l wrt w, x\n"
     "entry h = hessian(l, w) as h\n",
     1e-7},
    {"extents of 1",
     "input x[1, 1], y[N, 1], z[1, 3]\n"
     "c, cs = scan((c, v) -> (c*v[0], c[0]), x, over=y)\n"
     "d, ds = scan((d, v) -> (d + v, d*v), 1.0, over=z[0])\n"
     "e, es = scan((e, v) -> (e*v, softmax(e + v)), z[0], over=x)\n"
     "output c, cs, d, ds, e, es\n"
     "gradient sum(c) + sum(cs) + d + sum(ds) + sum(e*es) as l wrt x, y, z\n",
     1e-11},
    {"a limit that is an extent",
     "input x, y[L]\n"
     "r = while((y) -> y > 1.0, (y) -> y/2, x, limit=L)\n"
     "s = scan((c, i) -> c + i, 0, over=arange(L + 2))\n"
     "gradient r wrt x\n"
     "output r, s, sum(y) as t\n",
     1e-12},
    {"a cell of two carries",
     "input x[N, M], y[N, K]\n"
     "param W[2, K, K], U[2, K, M], b[2, K]\n"
     "def cell(h, c, v) {\n"
     "  f = sigmoid(W[0] @ h + U[0] @ v + b[0])\n"
     "  g = tanh(W[1] @ h + U[1] @ v + b[1])\n"
     "  cn = f*c + (1 - f)*g\n"
     "  hn = f*tanh(cn)\n"
     "  return hn, cn, hn\n"
     "}\n"
     "h, c, hs = scan(cell, (zeros([K]), zeros([K])), over=x)\n"
     "gradient sum((hs - y)**2) as loss wrt params\n",
     1e-10},
    {"powers of rows by the turn of a sum",
     "input t[R], y[R]\n"
     "param c[L]\n"
     "f = sum(c*t[:, None]**arange(L), axis=1)\n"
     "gradient sum((y - f)**2) as loss wrt c, t\n"
     "z = t - 0.9\n"
     "entry edges = sum(c*floor(t)[:, None]**arange(L), axis=1) as zeros, sum(c*(1e90*z)[:, "
     "None]**arange(L), axis=1) as large,\n"
     "  sum(c*(1e-110*z)[:, None]**arange(L), axis=1) as tiny, sum((z/0.0)[:, None]**arange(L), "
     "axis=1) as infinite,\n"
     "  sum(c*z[:, None]**(arange(L) - 2), axis=1) as inverse, sum(c*z[:, None]**(3 + arange(L)), "
     "axis=1) as later,\n"
     "  sum(c*(0*z/0)[:, None]**arange(L), axis=1) as nans, sum(c*(-t)[:, None]**arange(L), "
     "axis=1) as signs\n",
     1e-11},
    {"sums over the rows of such powers",
     "input t[R], y[R]\n"
     "param c[L], d[150]\n"
     "z = t - 0.9\n"
     "def fit(u, w) = grad(sum(w*tanh(y - sum(c*u[:, None]**arange(L), axis=1))), c)\n"
     "s = tanh(sum(c*z[:, None]**arange(L), axis=1))\n"
     "entry moments = fit(z, 1.0) as g\n"
     "entry zeros = fit(floor(t), 1.0) as g\n"
     "entry large = fit(1e90*z, 1.0) as g\n"
     "entry tiny = fit(1e-110*z, 1.0) as g\n"
     "entry subnormal = 1e300*fit(1.5*t, 1e-310) as g\n"
     "entry long = grad(sum(tanh(sum(d*(0.6*t)[:, None]**arange(150), axis=1))), d) as g\n"
     "entry later = grad(sum(tanh(sum(c*t[:, None]**(3 + arange(L)), axis=1))), c) as g\n"
     "entry inverse = grad(sum(tanh(sum(c*t[:, None]**(arange(L) - 2), axis=1))), c) as g\n"
     "entry both = sum(s[:, None]*z[:, None]**arange(L), axis=0) as g,\n"
     "  sum((sin(t)*y)[:, None]*z[:, None]**arange(L), axis=0) as h\n"
     "entry ones = sum(s) as y0, sum(z[:, None]**arange(L), axis=0) as k\n"
     "entry slopes = grad(sum(s), t) as dt, grad(sum(s), c) as dc\n",
     1e-11},
    {"powers of rows in f32",
     "real f32\n"
     "input t[R], y[R]\n"
     "param c[L]\n"
     "f = t[:, None]**arange(L) @ c\n"
     "gradient mse_loss(f, y) as loss wrt c\n"
     "entry edges = sum(c*(1e20*(t - 0.9))[:, None]**arange(L), axis=1) as large, "
     "sum(c*floor(t)[:, None]**arange(L), axis=1) as zeros\n"
     "entry moments = grad(sum(tanh(f)), c) as g, sum(t[:, None]**arange(L), axis=0) as k\n",
     2e-5},
    {"loops that do the same, and more",
     "input x[N], v[L, N]\n"
     "param w[N]\n"
     "def f(a) = sum(scan((h, r) -> tanh(h*a + r)*0.9, x, over=v))\n"
     "def g(a) {\n"
     "  s, ss = scan((h, r) -> (0.5*h + sin(r*a), h*h), x, over=v)\n"
     "  return sum(s) + sum(ss)\n"
     "}\n"
     "def k(a) = while((t) -> sum(t*t) > 0.3, (t) -> 0.8*t*sin(0.1*a), a, limit=60)\n"
     "def both(a) = scan((c, r) -> c*sum(scan((d, e) -> d*e + c, 0.1, over=r)), 0.3, over=v*a)\n"
     "value = f(w) + g(w)\n"
     "output value\n"
     "entry slopes = f(w) as y, grad(f(w), w) as d, jvp(f(w), w, x) as j, grad(f(2*w), w) as far\n"
     "entry more = g(w) as y, grad(g(w), w, mode=\"forward\") as d, hvp(g(w), w, x) as h, both(w) "
     "as b\n"
     "entry third = sum(k(w)) as y, jvp(k(w), w, x) as j, grad(sum(k(w)), w) as d, jvp(both(w), w, "
     "x) as c\n",
     1e-8},
    {"branches: one side is computed",
     "input x[N], A[M, M], k: i64\n"
     "param w[N], B[M, M]\n"
     "def heavy(v) = sum(exp(0.1*v) * v)\n"
     "y = if k > 2 then heavy(x * w) else sum(w)\n"
     "g = if sum(x) > 1.0 then tanh(x * w) + 1.0 else x\n"
     "d = if k < 2 then sum(tanh(A @ B)**2) else if sum(w) > 2 then logdet(A @ A.T + 3*eye(M) + "
     "0.1*B) else prod(w)\n"
     "loss = y + sum(g*g) + d\n"
     "gradient loss wrt x, w, A, B\n"
     "entry more = hvp(loss, w, x) as h, jvp(loss, B, A) as j, g, d\n",
     1e-9},
    {"branches: in loops, and loops in them",
     "input x[N], v[L, N], k: i64\n"
     "param w[N]\n"
     "def step(h, r) = if sum(h) > 2.0 then tanh(h*w + r) else (if k > 1 then h + exp(-r*w) else "
     "h)\n"
     "h = scan(step, x, over=v)\n"
     "q = if k > 0 then sum(scan((c, r) -> c*0.9 + sin(r*w), x, over=v)) else sum(cumsum(w))\n"
     "kept = scan(step, x, over=v, checkpoint=2)\n"
     "t = while((t) -> sum(t*t) > 0.1, (t) -> if sum(t) > 1 then 0.6*t else 0.7*tanh(t*w), w, "
     "limit=60)\n"
     "loss = sum(h*h) + q + sum(kept) + sum(t)\n"
     "gradient loss wrt x, w, v\n"
     "entry two = hvp(loss, w, x) as h, q\n",
     1e-7},
    {"branches: what is not taken does not fail",
     "input x[N], k: i64, j: i64[K]\n"
     "param w[N], A[M, M]\n"
     "top = if shape(x, 0) > 0 then max(x*w) else -1.0\n"
     "low = if shape(x, 0) > 0 and k >= 0 then w[argmin(x)] * min(w) else 0.0\n"
     "both = if shape(x, 0) > 0 then (if max(w) > 0.7 then sum(exp(x*w)) else prod(w)) else 1.0\n"
     "far = if k > 7 then sum(x[j + 100]) + logdet(A - A) else sum(w)\n"
     "least = if k > 7 then max(sqrt(x*w)[:0]) else sum(x*x)\n"
     "deep = if k > 7 then (if sum(w) > 1 then 2*x[k + 100] else 3*x[k - 100]) else 0.0\n"
     "single = if k > 7 then x[k] else 1.0\n"
     "write = if k > 7 then index_put(x*w, j, cos(w[0]*arange(K))) + index_add(w, j, "
     "sin(x[0]*arange(K))) else x*w\n"
     "each = map((v) -> if v > 9 then index_put(x*v, j + 1, v) + index_add(w, j + 1, v*v) else "
     "w*v, A[0])\n"
     "kept = scan((c, v) -> 0.5*c + (if v > 9 then sum(x[j]**2) else v), 1.0, over=A[0])\n"
     "same = sum(map((v) -> if v > 9 then 2*sum(x[j + 7])*v else v, A[0]))\n"
     "again = sum(map((v) -> if v > 8 then 3*sum(x[j + 7]) + sum(index_put(w, j + 1, v)) else v*v, "
     "A[0]))\n"
     "def at(k) = 2*sum(x[k])\n"
     "def aside(v) { r = w[j + 8]; return v*v }\n" /* r is not read */
     "calls = sum(map((v) -> (if v > 9 then at(j + 9)*v else v) + (if v > 8 then at(j + 9) else "
     "v*v), A[0]))\n"
     "unread = sum(map((v) -> if v > 9 then aside(v) else v, A[0]))\n"
     "after = sum(map((v) -> if v > 8 then sum(w[j + 8]) else v*v, A[0]))\n"
     "loss = top + low + both + far + least + deep + single + sum(write) + sum(each**2) + kept +\n"
     "  same + again + calls + unread + after\n"
     "gradient loss wrt x, w\n"
     "entry two = hessian(top*top + both, w) as h, grad(far, A) as g, low\n"
     "entry high = hessian(least*least, x) as h, jvp(least, x, w) as j\n",
     1e-10},
    {"products of known extents, in loops and by calls",
     "input x[8, 9], y[12, 12], z[30, 6], k[4, 16]\n"
     "param u[9, 16], v[12, 12], w[6, 20], q[16, 16]\n"
     "def chain(a, b) = relu(a + 0.1) @ (b - 0.2)\n"
     "s = chain(x, u)\n"
     "t = chain(y.T, v) + chain(v, y) + chain(y, v.T)\n"
     "p = chain(z, w)\n"
     "r = chain(k, q) @ (q + q.T) @ chain(q.T, k.T)\n"
     "c, l = scan((c, i) -> (tanh(c @ (v - 0.1) @ y + i*v.T), sum(c*c)), 0.1*y, over=arange(3))\n"
     "output s, t, p, r, c\n"
     "gradient sum(s*s) + sum(sin(t)) + sum(p*p) + sum(r) + sum(l) as loss wrt u, v, w, q\n",
     1e-9},
    {"the same in f32",
     "real f32\n"
     "input x[8, 8], y[12, 12], z[30, 6], k[4, 16]\n"
     "param u[8, 16], v[12, 12], w[6, 20], q[16, 8]\n"
     "def chain(a, b) = relu(a + 0.1) @ (b - 0.2)\n"
     "output chain(x, u) as s, chain(y.T, v) + chain(v, y.T) as t, chain(z, w) as p, chain(k, q) "
     "as r,\n"
     "  sum(relu(x + u[:, :8])*0.3, axis=0) as c\n"
     "gradient sum(chain(x, u)) + sum(chain(y, v.T)) + sum(chain(z, w)) + sum(chain(k, q)) as loss "
     "wrt u, v, w, q\n",
     1e-4},
    {"branches: what stands before a loop too fails there alone",
     "input x[N], k: i64, A[M, M]\n"
     "param w[N]\n"
     "def at(v) = 2*w[v + 100]\n"
     "def twice(v) = at(v)*sin(w[0])\n"
     "y = x[k + 100]\n" /* none of these is read */
     "l = logdet(A - A)\n"
     "z = twice(k)\n"
     "s = scan((c, v) -> c + w[k - 90], 0.0, over=x)\n"
     "same = map((v) -> if v > 9 then x[k + 100]*v else v*v, w)\n"
     "called = map((v) -> (if v > 9 then twice(k) else sin(v)) + (if v > 8 then at(k) else v), w)\n"
     "solved = scan((c, v) -> if c > 9 then logdet(A - A) else c*v, 1.0, over=w)\n"
     "inner = map((v) -> if v > 9 then scan((c, v) -> c + w[k - 90], 0.0, over=x) else v, w)\n"
     "deep = map((v) -> if v < 9 then sum(map((u) -> if u > 9 then x[k + 100] else u*v, w)) else "
     "x[k + 100], w)\n"
     "turn = while((c) -> c < 3, (c) -> if c > 9 then x[k + 100] else 2*c*c, 0.9 + w[0]/9, "
     "limit=99)\n"
     "gradient sum(same) + sum(called) + solved + sum(inner) + sum(deep) + turn as loss wrt w\n"
     "entry more = jvp(sum(same*called), w, x) as j, hvp(sum(deep*inner)*solved, w, x) as h\n",
     1e-10},
    {"branches: writes to what may have no elements",
     "input x[N], v[K], t\n"
     "param w[N]\n"
     "i = mod(5*arange(K), maximum(2*N, 1)) - N\n"
     "some = shape(x, 0) > 0\n"
     "y = map((a, i) -> if some and a > 0.5 then index_put(x*a, i, a*t) else w*a, v, i)\n"
     "z = map((a, i) -> if some and a > 0.5 then index_add(x*a, i, a*t) else w*a, v, i)\n"
     "p = if some and t > 0 then index_put(w*w, i, v) + index_add(w*x, i, v*v) else x\n"
     "r = scan((c, a, i) -> if some and a > 0.5 then index_put(c*w, i, a) else sin(c), x, "
     "over=(v, i))\n"
     "gradient sum(y*y) + sum(z*z) + sum(p*p) + sum(r*r) as loss wrt w, x, v\n"
     "entry more = jvp(y, v, v) as j, hvp(sum(p*p*p), w, x) as h, z, r\n",
     1e-10},
    {"tiles of rows that have nothing in them",
     "input x[N, 0], y[N, 0]\n"
     "v = sum(broadcast_to((x + y*y)[:, :, None], [N, 0, 17]), axis=2)\n"
     "output v\ngradient sum(sin(v)) as L wrt x, y\n",
     1e-10},
    {"an index of an array that is empty, beside loops of no turns",
     "input x[N, 0], d[N, 4], s\n"
     "c = sum(x, axis=0)\n"
     "v = sum(broadcast_to(square(c[None, :, None])*sin(d[:, None, :]*s), [N, 0, 4]), axis=(0, "
     "1))\n"
     "gradient sum(sin(v)) as L wrt x, d\n",
     1e-10},
    {"branches: indices of one side are read on that side",
     "param w[2]\n"
     "v = index_put(w, [1], 0.76*w[0:1])\n"
     "y = sin(sin(v[0]) - v[0])\n"
     "gradient y wrt w\n"
     "entry e = jvp(y, w, sin(w)) as g\n",
     1e-10},
    {"branches: in maps, and of tuples",
     "input x[K, M], k: i64\n"
     "param w[M]\n"
     "def pair(a) = if k > 1 then (sum(exp(a*w)), softmax(a)) else (1.0, a*w)\n"
     "s, t = map((r) -> pair(r), x)\n"
     "p, q = pair(w)\n"
     "z = map((r) -> if sum(r) > 2 then sum(sin(r)*w) else prod(r), x)\n"
     "gradient sum(s) + sum(t*t) + p*sum(q) + sum(z) as loss wrt w, x\n",
     1e-10},
    {"tangents of many directions that come through a few numbers", narrow, 1e-10},
    {"arrays that change in places, in place: read before, after, around",
     "input x[L, 3]\nparam w[3]\n"
     "def before(c, i) = index_put(c, i, c[i//2]*w + c[0])\n"
     "def after(c, i) {\n"
     "  d = index_put(c, i, sin(c[7 - i])*w)\n"
     "  return d, sum(c*d) + sum(c[i])\n"
     "}\n"
     "def around(c, d, i) = (index_put(c, i, d[i]*w), index_put(d, 7 - i, c[i] + d[0]))\n"
     "def chosen(c, d, r, i) =\n"
     "  (where(r > 1.5, c*w, c), where(sum(r) > 4, d + c, d), (c[0] + d[i])[0])\n"
     "k = arange(8)\n"
     "p = scan(before, x[:8], over=k)\n"
     "q, s = scan(after, x[:8], over=k)\n"
     "t, u = scan(around, (x[:8], 2*x[:8]), over=k)\n"
     "y, z, a = scan(chosen, (x[:8], x[:8]), over=(x[:8], k))\n"
     "output p, q, s, t, u, y, z, a\n"
     "gradient sum(p*p) + sum(q) + sum(s) + sum(t*u) + sum(y*z) + sum(a) as loss wrt w, x\n"
     "entry j = jacobian(sum(p, axis=0) + q[3] + t[2] + y[1], w, mode=\"forward\") as j\n",
     1e-9},
    {"whole vectors, of which the last ones begin within those before",
     "input x[R], y[L, 19], z[L], c[13]\n"
     "param w[13], v[R], u[19]\n"
     "s = scan((a, k) -> tanh(a*w + c)*sigmoid(a), c, over=z)\n"
     "t = scan((a, r) -> exp(-a*a) + sum(exp(u*r)), u, over=y)\n"
     "m = max(tanh(y)) + max(exp(z))\n"
     "r = sum(log(2 + x*x)*softplus(v)) + sum(exp(y*u)) + m\n"
     "output s, t, r, tanh(y) as h, sigmoid(x) + 1 as q, log1p(z) as l\n"
     "gradient sum(s*c) + sum(t) + r as loss wrt w, v, u\n",
     1e-10},
    {"the same in f32",
     "real f32\ninput x[R], y[L, 19], z[L], c[13]\n"
     "param w[13], v[R], u[19]\n"
     "s = scan((a, k) -> tanh(a*w + c)*sigmoid(a), c, over=z)\n"
     "t = scan((a, r) -> exp(-a*a) + sum(exp(u*r)), u, over=y)\n"
     "m = max(tanh(y)) + max(exp(z))\n"
     "r = sum(log(2 + x*x)*softplus(v)) + sum(exp(y*u)) + m\n"
     "output s, t, r, tanh(y) as h, sigmoid(x) + 1 as q, log1p(z) as l\n"
     "gradient sum(s*c) + sum(t) + r as loss wrt w, v, u\n",
     1e-4},
    {"sums of two products, of which later turns have longer names",
     "input x[4, N, 2]\nparam s, p\n"
     "def f(u) = sum(solve_triangular(cholesky(u @ u.T + 2*eye(N)), u))\n"
     "loss = sum(map(f, s*x))\n"
     "entry h = hvp(loss, s, p) as h, grad(loss, s) as g\n",
     1e-9},
    {"branches: what waits for a condition is not what a known one is made of",
     "input y[5, 7]\nparam x\n"
     "v = map((u) -> 0.82*y + atan2(hardsigmoid(x) + 2.7, hardswish(atan2(y + 2.7, u))), y)\n"
     "loss = mean(sin(v[:, :3]))\n"
     "entry h = hessian(loss, x) as h\n",
     1e-10},
    {"an integer that a function with a rule is given",
     "param w[N]\n"
     "def slope(z) { l = sum(z*z); return norm(grad(l, z)) }\n"
     "k = cast(3*slope(w), i64)\n"
     "gradient softsign(k)*sum(w) + sum(softsign(cast(w > 1, i64))*w) as loss wrt w\n",
     1e-10},
    {"a rule in a loop in a map, for what the loop does not change",
     "input x[N]\nparam w[N]\n"
     "def r(u, v) = u*tanh(v)\n"
     "derivative r(u, v; d) = (d*tanh(v), d*u*(1 - tanh(v)**2))\n"
     "def f(u, v) = while((c, k) -> k < 3, (c, k) -> (r(v, c + u), k + 1), (u, 0), limit=9)\n"
     "def g(u, v) = scan((c, y) -> r(u, c) + r(c, v)*y, u, over=w)\n"
     "y, n = map(f, x, w)\n"
     "z = map(g, x, w)\n"
     "gradient sum(y*y) + sum(z*z) as loss wrt w, x\n"
     "entry more = jvp(y + z, w, x) as j, hvp(sum(y*z), w, x) as h\n",
     1e-9},
    {"a Hessian of two, times directions that depend on them",
     "input x[N]\nparam w[N]\n"
     "def f(a, b) = sum(sin(a)*b*b) + sum(a)*sum(b)\n"
     "def g(t) { p, q = t; l = f(p, q); return hvp(l, t, (cos(x), w*x)) }\n"
     "u, v = g((x, w))\n"
     "gradient sum(u*u) + sum(v*x) as loss wrt x, w\n"
     "entry more = u, v, hvp(sum(u*v), w, x) as h\n",
     1e-9},
    {"lines side by side that choose by two conditions",
     "input x[8, 16], t[8, 16]\n"
     "c, y = scan((c, u) -> (c + 1, clamp(u, 0.6, 1.2)), 0, over=x)\n"
     "d, z = scan((c, u, v) -> (c + 1, where(u < 1 and v > 0.9 or u > 1.5, v, 0)), 0, over=(x, "
     "t))\n"
     "entry e = jvp(y, x, t) as j, z\n",
     1e-12},
    {"a Hessian of two, times directions that are made of them",
     "input x[N]\nparam w[N]\n"
     "def g(p, q) { l = sum(sin(p)*q*q) + sum(p)*sum(q); t = (p, q)\n"
     "  return hvp(l, t, (cos(p)*q, p)) }\n"
     "u, v = g(x, w)\n"
     "gradient sum(u*u) + sum(v*x) as loss wrt x, w\n",
     1e-9},
    {"branches: conditions of conditions that are shared",
     "input x, y\n"
     "v = hvp(hypot(x + 0.3, y - 0.2), y, cos(x))\n"
     "w = if x > 0.09 then hvp(hypot(v, 0.3*v + x), y, cos(x)) else y\n"
     "entry e = hessian(tanh(w), x) as h\n",
     1e-8},
    {"a rule in loops in a map keeps nothing of adjoints to come, by older placeholders",
     "input x[1, N]\nparam w\n"
     "def r(u, v) = u*atan(v)\n"
     "derivative r(u, v; d) = (d*atan(v), d*u/(1 + v*v))\n"
     "def f(u) {\n"
     "  def g(c, y) {\n"
     "    d, k = while((d, k) -> k < 5, (d, k) -> (d + r(y, 2*y), k + 1), (w*c, 0), limit=9)\n"
     "    return c + y, d\n"
     "  }\n"
     "  c, d = scan(g, u, over=u, checkpoint=3)\n"
     "  return sum(d*d), d\n"
     "}\n"
     "s, d = map(f, x)\n"
     "gradient mean(s) + mean(d) as loss wrt x, w\n",
     1e-9},
    {"a rule in a loop in a loop keeps nothing of adjoints to come",
     "input x[N]\nparam w\n"
     "def inner(c, u) {\n"
     "  v, k = while((d, k) -> k < 3, (d, k) -> (0.4*d + tanh(softsign(c*c)), k + 1), (u, 0), "
     "limit=9)\n"
     "  return 0.3*c, v\n"
     "}\n"
     "e, s = scan(inner, w, over=x)\n"
     "gradient sum(s) as loss wrt w, x\n"
     "entry more = hessian(sum(s), w) as h, hvp(sum(s*s), x, x) as g\n",
     1e-9},
};

static const struct {
	char name;
	int64_t value[4];
} dims[] = {{'N', {3, 1, 0, 5}},
            {'M', {2, 1, 3, 4}},
            {'K', {2, 1, 2, 9}},
            {'L', {8, 6, 4, 9}},
            {'R', {70, 1, 0, 200}}}; /* R: more rows than a tile holds, and fewer */

/* ---- inputs ---- */

static int64_t
extent(const char *text, int size)
{
	for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
		if (text[0] == dims[i].name && text[1] == '\0')
			return dims[i].value[size];
	return strtoll(text, NULL, 10);
}

static double
next_number(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return 0.3 + 1.3 * (*seed >> 8) / 16777216.0;
}

static void *
random_data(sg_dtype t, int64_t count)
{
	void *data = calloc((size_t)count + 1, 8);
	uint32_t seed = 7;

	for (int64_t i = 0; i < count; i++) {
		const double v = next_number(&seed);

		if (t == SG_DTYPE_F64)
			((double *)data)[i] = v;
		else if (t == SG_DTYPE_F32)
			((float *)data)[i] = (float)v;
		else
			((int64_t *)data)[i] = (int64_t)(3 * v);
	}
	return data;
}

typedef struct bound {
	sg_call *call;
	void *data[MAX_ARGS];
} bound;

static bound
bind_all(sg_model *m, const sg_entry *e, sg_backend b, int size)
{
	bound c = {.call = sg_call_new(m, e->name, b)};

	ck_assert_msg(sg_call_status(c.call) == SG_OK, "%s", sg_call_message(c.call));
	for (size_t i = 0; i < e->ninputs; i++) {
		const sg_argument *a = &e->args[i];
		int64_t shape[8], count = 1;

		for (int k = 0; k < a->rank; k++)
			count *= shape[k] = extent(a->extents[k], size);
		c.data[i] = random_data(a->type, count);
		ck_assert_msg(sg_call_bind(c.call, a->name, a->type, a->rank, shape, c.data[i]) ==
		                  SG_OK,
		              "%s", sg_call_message(c.call));
	}
	for (size_t i = 0; i < e->ndims; i++)
		ck_assert_int_eq(sg_call_set_dim(c.call, e->dims[i], extent(e->dims[i], size)),
		                 SG_OK);
	return c;
}

static void
unbind(bound *c)
{
	sg_call_free(c->call);
	for (size_t i = 0; i < MAX_ARGS; i++)
		free(c->data[i]);
}

/* ---- comparison ---- */

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
compare(const sg_array *a, const void *data, double tolerance, const char *what)
{
	for (int64_t i = 0; i < a->count; i++) {
		const double x = element(a->type, a->data, i), y = element(a->type, data, i);
		const double scale = fmax(1, fmax(fabs(x), fabs(y)));

		CLAIM(x == y || (isnan(x) && isnan(y)) ||
		          (isfinite(scale) && fabs(x - y) <= tolerance * scale),
		      "%s: %s at %lld is %.17g and %.17g", what, a->name, (long long)i, x, y);
	}
}

static void
compare_outputs(const bound *ref, const sg_entry *e, const bound *c, double tolerance,
                const char *what)
{
	for (size_t i = 0; i < e->noutputs; i++) {
		const char *name = e->args[e->ninputs + i].name;
		const sg_array *a = sg_call_output(ref->call, name),
			       *b = sg_call_output(c->call, name);

		ck_assert_msg(b && a->count == b->count && a->type == b->type, "%s: %s", what,
		              name);
		compare(a, b->data, tolerance, what);
	}
}

/* ---- compiled code within guards ---- */

typedef struct guarded {
	char *map;
	size_t pages, page;
	void *data;
} guarded;

/* `size` bytes, a multiple of `align` before the page that faults. */
static guarded
guard(size_t size, size_t align)
{
	guarded g = {.page = (size_t)sysconf(_SC_PAGESIZE)};
	const size_t up = (size + align - 1) / align * align;

	g.pages = up / g.page + 2;
	g.map = mmap(NULL, g.pages * g.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	             -1, 0);
	ck_assert_ptr_ne(g.map, MAP_FAILED);
	ck_assert_int_eq(mprotect(g.map + (g.pages - 1) * g.page, g.page, PROT_NONE), 0);
	g.data = g.map + (g.pages - 1) * g.page - up;
	memset(g.map, 0x7f, (g.pages - 1) * g.page);
	return g;
}

static void
unguard(guarded *g)
{
	munmap(g->map, g->pages * g->page);
}

static void
run_guarded(sg_model *m, const sg_entry *e, sg_backend b, const bound *ref, double tolerance,
            const char *what)
{
	sg_failure why;
	const sg_uniform f = sg_entry_uniform(m, e, b, &why);
	ptrdiff_t d[8];
	int64_t dim[8];
	void *args[MAX_ARGS];
	guarded out[MAX_ARGS], work;
	size_t bytes;

	ck_assert_msg(f != NULL, "%s: %s", what, why.text);
	for (size_t i = 0; i < e->ndims; i++)
		d[i] = (ptrdiff_t)(dim[i] = sg_call_dims(ref->call)[i]);
	ck_assert_int_eq(sg_entry_worksize(m, e, dim, &bytes, &why), SG_OK);
	work = guard(bytes, 64);
	for (size_t i = 0; i < e->ninputs; i++)
		args[i] = ref->data[i];
	for (size_t i = 0; i < e->noutputs; i++) {
		const sg_array *a = sg_call_output(ref->call, e->args[e->ninputs + i].name);

		out[i] = guard((size_t)a->count * sg_dtype_size(a->type), 1);
		args[e->ninputs + i] = out[i].data;
	}
	ck_assert_msg(f(d, args, bytes ? work.data : NULL) == SGRT_OK, "%s", what);
	for (size_t i = 0; i < e->noutputs; i++) {
		compare(sg_call_output(ref->call, e->args[e->ninputs + i].name), out[i].data,
		        tolerance, what);
		unguard(&out[i]);
	}
	unguard(&work);
}

/* ---- the claims ---- */

static sg_model *
compile(const char *text)
{
	sg_model *m = sg_compile_string("loops.sg", text, strlen(text), NULL);

	ck_assert_msg(m && sg_model_ok(m), "%s\n%s", sg_model_report(m, 0), text);
	return m;
}

/* The entry is the same in model `other` under another back end, up to errors of the run. */
static void
check_entry(sg_model *m, const sg_entry *e, sg_model *other, sg_backend b, int size,
            double tolerance, const char *what)
{
	bound ref = bind_all(m, e, SG_BACKEND_INTERP, size), c = bind_all(other, e, b, size);
	const int status = sg_call_run(ref.call);

	/* of two errors of one step either may be told */
	ck_assert_msg((status == SG_OK) == (sg_call_run(c.call) == SG_OK), "%s: status %d, %s",
	              what, status, sg_call_message(c.call));
	if (status == SG_OK) {
		compare_outputs(&ref, e, &c, tolerance, what);
		if (b != SG_BACKEND_INTERP)
			run_guarded(other, e, b, &ref, tolerance, what);
	}
	unbind(&ref);
	unbind(&c);
}

static void
check_model(size_t i, sg_model *other, sg_backend b, double tolerance, const char *what)
{
	sg_model *m = compile(models[i].text);

	for (size_t k = 0; k < sg_model_nentries(m); k++)
		for (int size = 0; size < 4; size++) {
			const sg_entry *e = sg_model_entry(m, k);
			char where[128];

			if (!sg_model_find(other ? other : m, e->name))
				continue;
			snprintf(where, sizeof where, "%s, %s, size %d, %s", models[i].name,
			         e->name, size, what);
			check_entry(m, e, other ? other : m, b, size, tolerance, where);
		}
	sg_model_free(m);
}

START_TEST(jit_agrees_with_the_evaluator)
	{
		if (sg_have_jit())
			check_model((size_t)_i, NULL, SG_BACKEND_JIT, models[_i].tolerance, "jit");
	}
END_TEST

START_TEST(cc_agrees_with_the_evaluator)
	{
		check_model((size_t)_i, NULL, SG_BACKEND_CC, models[_i].tolerance, "cc");
	}
END_TEST

START_TEST(text_compiles_to_the_same_numbers)
	{
		sg_model *m = compile(models[_i].text), *again;
		sg_failure why;
		const char *text = sg_write_sg(m, &why);

		ck_assert_msg(text != NULL, "%s", why.text);
		again = compile(text);
		check_model((size_t)_i, again, SG_BACKEND_INTERP, models[_i].tolerance, "text");
		sg_model_free(again);
		sg_model_free(m);
	}
END_TEST

START_TEST(derivative_as_text_compiles_to_the_same_numbers)
	{
		sg_model *m = compile(models[_i].text), *again;
		sg_failure why;
		const char *text = sg_write_diff(m, 0, &why);

		ck_assert_msg(text != NULL, "%s", why.text);
		again = compile(text);
		check_model((size_t)_i, again, SG_BACKEND_INTERP, 100 * models[_i].tolerance,
		            "diff");
		sg_model_free(again);
		ck_assert_ptr_nonnull(sg_write_diff(m, 1, &why));
		sg_model_free(m);
	}
END_TEST

START_TEST(derivatives_agree_with_differences)
	{
		sg_model *m = compile(models[_i].text);

		for (size_t k = 0; k < sg_model_nentries(m); k++) {
			bound c = bind_all(m, sg_model_entry(m, k), SG_BACKEND_INTERP, 0);
			sg_failure why;
			sg_report r;

			ck_assert_msg(sg_check(c.call, 1, &r, &why) == SG_OK, "%s: %s",
			              models[_i].name, why.text);
			for (size_t i = 0; i < r.nrows; i++)
				ck_assert_msg(r.rows[i].ok,
				              "%s: %s against %s: %.17g, expected %.17g",
				              models[_i].name, r.rows[i].output, r.rows[i].against,
				              r.rows[i].is, r.rows[i].expected);
			sg_report_free(&r);
			unbind(&c);
		}
		sg_model_free(m);
	}
END_TEST

START_TEST(size_of_the_text_does_not_depend_on_the_count)
	{
		size_t size[2];

		for (int i = 0; i < 2; i++) {
			char text[256];
			sg_failure why;
			sg_model *m;

			snprintf(text, sizeof text,
			         "input x[%d], w\n"
			         "s = scan((c, v) -> tanh(c*w) + v*v, 0.5, over=x)\n"
			         "gradient s wrt w, x\n",
			         i ? 900000 : 100000);
			m = compile(text);
			size[i] = strlen(sg_write_c(m, "m.h", 0, NULL, &why));
			sg_model_free(m);
		}
		ck_assert_uint_le(size[1], size[0] + 4); /* digits */
	}
END_TEST

/* Bytes given out for a forward derivative of loops in loops, all of several carries. */
static size_t
work_of_tangents(int depth)
{
	char text[4096] = "input x[N], s\ndef f0(a, b, c) = a*b + c\n";
	size_t n = strlen(text);
	sg_model *m;
	size_t work;

	for (int i = 0; i < depth; i++)
		n += (size_t)snprintf(
		    text + n, sizeof text - n,
		    "def f%d(a, b, c) {\n"
		    "  def g(a, b, c, v) { t = f%d(a, b, c); return t, sin(b)*t, c*v + t }\n"
		    "  p, q, r = scan(g, (a, b, c), over=x)\n"
		    "  return p + q*r\n}\n",
		    i + 1, i);
	snprintf(text + n, sizeof text - n, "output jvp(f%d(s, s, s), s, 1.0) as j\n", depth);
	m = compile(text);
	work = sg_ctx_given(m->ctx);
	sg_model_free(m);
	return work;
}

START_TEST(tangents_of_loops_in_loops_are_made_once)
	{
		ck_assert_uint_le(work_of_tangents(8), 6 * work_of_tangents(2));
	}
END_TEST

/* nloops: that the graph of the model has after all passes. */
static const struct {
	const char *text;
	int nloops;
} shared[] = {
#define F "def f(a) = scan((h, r) -> tanh(h*a + r), 0.5, over=x)\n"
    {"input x[N]\nparam w\n" F "output f(w) as y, f(w) as z\n", 1},
    {"input x[N]\nparam w\n" F "output f(w) as y, f(2*w) as z\n", 2},
    {"input x[N]\nparam w\n" F "output f(w) as y, jvp(f(w), w, 1.0) as j\n", 1},
    {"input x[N]\nparam w[3]\nf = scan((h, r) -> tanh(h*w + r), w, over=x)\n"
     "output f as y, jacobian(f, w, mode=\"forward\") as j\n", 1},
    /* an entry does not run what only another one wants */
    {"input x[N]\nparam w\n" F "output f(w) as y\nentry j = jvp(f(w), w, 1.0) as j\n", 2},
    /* nor one side of a branch what the other wants */
    {"input x[N], k: i64\nparam w\n" F "output f(w) as y, (if k > 0 then jvp(f(w), w, 1.0) else 0.0) as j\n", 2},
    {"input x[N], k: i64\nparam w\n" F "output (if k > 0 then f(w) + jvp(f(w), w, 1.0) else 0.0) as j\n", 1},
    /* save where what the other wants says so, and little is run in vain */
#define G "def g(a) = while((y) -> y < 9, (y) -> y + y*y*a, 1.0, limit=50)\n"
    {"param w\n" G "output (if g(w) < 20 then jvp(g(w), w, 1.0) else 0.0) as j\n", 1},
    {"param w\n" G "output (if g(w) < 20 then grad(g(w), w) else 0.0) as j\n", 2},
    {"input k\nparam w\n" G "output g(w) as y, (if k < 20 then jvp(g(w), w, 1.0) else 0.0) as j\n", 2},
#undef G
    {"input x[N], z[L, N]\nparam w\n"
     "output sum(scan((c, r) -> c*scan((h, e) -> h*c + e, w, over=r) + scan((h, e) -> h*c + e, w, over=r), 0.1, over=z)) as y\n", 2},
#undef F
};

START_TEST(loops_that_do_the_same_are_one)
	{
		const char *const text = shared[_i].text;
		sg_model *m = sg_compile_string("shared.sg", text, strlen(text), NULL);
		sg_ref root[16];
		size_t nroots = 0;
		int count = 0;

		ck_assert_msg(sg_model_ok(m), "%s", sg_model_report(m, 0));
		for (size_t e = 0; e < m->program->nentries; e++)
			for (size_t k = 0; k < m->program->entry[e].nout; k++)
				root[nroots++] = m->program->entry[e].out[k].ref;
		const bool *live = sg_graph_live(m->program->g, nroots, root);
		for (sg_ref r = 1; r < m->program->g->n; r++) {
			const uint16_t op = m->program->g->node[r].op;

			count += live[r] && (op == SG_SCAN || op == SG_WHILE);
		}
		ck_assert_msg(count == shared[_i].nloops, "%s has %d loops", text, count);
		sg_model_free(m);
	}
END_TEST

/* A loop that runs in vain for one side of a branch gives what it would alone. */
START_TEST(loops_that_are_one_give_what_they_gave)
	{
		static const char text[] =
		    "param w\n"
		    "def g(a) = while((y) -> y < 9, (y) -> y + y*y*a, 1.0, limit=50)\n"
		    "entry a = (if g(w) < 20 then jvp(g(w), w, 1.0) else 7.0) as f,\n"
		    "  (if g(w) < 20 then grad(g(w), w) else 7.0) as r\n"
		    "entry b = jvp(g(w), w, 1.0) as f, grad(g(w), w) as r\n"
		    "entry value = g(w) as y\n";
		static const sg_backend backends[] = {SG_BACKEND_INTERP, SG_BACKEND_JIT};
		sg_model *m = compile(text);

		for (int i = 0; i < 40; i++) {
			const double w = 0.2 + 0.05*i;
			sg_call *c[3];
			double is[3][2];

			for (int e = 0; e < 3; e++) {
				c[e] = sg_call_new(m, e == 0 ? "a" : e == 1 ? "b" : "value",
				                   backends[sg_have_jit() && i % 2]);
				sg_call_bind(c[e], "w", SG_DTYPE_F64, 0, NULL, &w);
				ck_assert_int_eq(sg_call_run(c[e]), SG_OK);
				is[e][0] = *(double *)sg_call_output(c[e], e == 2 ? "y" : "f")->data;
				is[e][1] = e == 2 ? 0 : *(double *)sg_call_output(c[e], "r")->data;
			}
			for (int k = 0; k < 2; k++)
				ck_assert_double_eq_tol(is[0][k], is[2][0] < 20 ? is[1][k] : 7.0,
				                        1e-9 * fabs(is[0][k]));
			for (int e = 0; e < 3; e++)
				sg_call_free(c[e]);
		}
		sg_model_free(m);
	}
END_TEST

/* The reverse sweep of steps of Runge and Kutta, whose state goes to the slopes by slices of one
 * range. */
static const char runge_kutta[] =
    "dim s\ninput x[n]\n"
    "def f(y) = x * concat(([1.0], y[:-1]))\n"
    "def step(y, i) {\n"
    "  a = f(y); b = f(y + 0.1*a); c = f(y + 0.1*b); d = f(y + 0.2*c)\n"
    "  return y + 0.1*(a + 2*b + 2*c + d)\n"
    "}\n"
    "gradient scan(step, zeros([n]), over=arange(s))[-1] as y wrt x\n";

START_TEST(what_goes_to_one_range_is_added_before_it_is_padded)
	{
		sg_failure why;
		sg_model *m = compile(runge_kutta);

		ck_assert_ptr_null(strstr(sg_write_c(m, "m.h", 0, NULL, &why), "] += "));
		sg_model_free(m);
	}
END_TEST

/* How many of the loops over i from here on read what the one before them writes first. */
static int
loops_that_wait(const char *text)
{
	char name[32] = "nothing[";
	int count = 0;

	while ((text = strstr(text, "for (ptrdiff_t i = 0;"))) {
		const char *end = strstr(text, "}\n"), *found = strstr(strchr(text, '\n'), name);

		count += found && found < end;
		do
			text = strchr(text, '\n') + 1;
		while (strncmp(text + strspn(text, "\t"), "const ", 6) == 0);
		text += strspn(text, "\t");
		snprintf(name, sizeof name, "%.*s[", (int)strcspn(text, "["), text);
		text = end;
	}
	return count;
}

/* An overflow of C's own products would be undefined. */
START_TEST(running_products_of_integers_wrap)
	{
		sg_failure why;
		sg_model *m = compile("input k: i32[N]\noutput cumprod(k) as p\n");
		const char *c = sg_write_c(m, "m.h", 0, NULL, &why);

		ck_assert_ptr_nonnull(strstr(c, "sgrt_add_i64(sgrt_mul_i64("));
		ck_assert_ptr_null(strstr(c, " * p_acc"));
		sg_model_free(m);
	}
END_TEST

START_TEST(loops_in_a_step_seldom_wait_for_the_one_before)
	{
		sg_failure why;
		sg_model *m = compile(runge_kutta);
		const char *back = strstr(sg_write_c(m, "m.h", 0, NULL, &why), "-- > 0;");

		ck_assert_ptr_nonnull(back);
		ck_assert_int_le(loops_that_wait(back), 3);
		sg_model_free(m);
	}
END_TEST

/* Of tangents of all directions, the rows of one step are written, and those of others passed by.
 */
START_TEST(what_is_not_chosen_is_not_gone_through)
	{
		static const char text[] =
		    "input x[70, 8]\nparam w[8]\n"
		    "p = scan((c, i) -> index_put(c, i, sin(c[i//2]*w)), x, over=arange(70))\n"
		    "entry j = jacobian(p, w, mode=\"forward\") as j\n";
		sg_failure why;
		sg_model *m = compile(text);
		const char *written = sg_write_c(m, "m.h", 0, NULL, &why);
		int tests = 0;

		for (; (written = strstr(written, "if (0 <= ")); written++) {
			const char *line = strchr(written, '\n');

			tests += line[-1] == '{' && strstr(line, "for (") < strstr(line, "] =");
		}
		ck_assert_int_eq(tests, 2);
		sg_model_free(m);
	}
END_TEST

START_TEST(directions_go_through_a_few_numbers_by_their_slopes)
	{
		sg_model *m = compile(narrow);
		sg_space *sp = m->program->sp;
		int64_t cost[2];

		for (size_t e = 0; e < 2; e++)
			ck_assert(sg_ext_const(
			    sp, sg_entry_cost(m->ctx, m->program, &m->program->entry[e]), &cost[e]));
		ck_assert_int_lt(cost[1], 26 * cost[0]);
		sg_model_free(m);
	}
END_TEST

static const sg_backend all_backends[] = {SG_BACKEND_INTERP, SG_BACKEND_JIT, SG_BACKEND_CC};

/* Nor is there a product in the C. */
START_TEST(zeros_for_want_of_a_path_add_nothing)
	{
		static const char text[] =
		    "input a, P[2, 2]\n"
		    "def f(x) = stack((x[0]*sin(x[1]), 2*x[1]))\n"
		    "x = stack((a, a))\n"
		    "F = jacobian(f(x), x)\n"
		    "output F @ P as y\n"
		    "entry e = F[1, 0]*P[0, 0] + a - F[1, 0]*P[0, 1] as e, F as f\n";
		const double P[] = {INFINITY, NAN, 3, 4}, a = 2;
		sg_model *m = compile(text);
		sg_failure why;

		ck_assert_ptr_null(strstr(sg_write_c(m, "m.h", 0, NULL, &why), "0.0 *"));
		for (size_t i = 0; i < 3; i++) {
			if (all_backends[i] == SG_BACKEND_JIT && !sg_have_jit())
				continue;
			sg_call *c = sg_call_new(m, "e", all_backends[i]);

			ck_assert_int_eq(sg_call_bind(c, "a", SG_DTYPE_F64, 0, NULL, &a), SG_OK);
			ck_assert_int_eq(
			    sg_call_bind(c, "P", SG_DTYPE_F64, 2, (int64_t[]){2, 2}, P), SG_OK);
			ck_assert_int_eq(sg_call_run(c), SG_OK);
			ck_assert_double_eq(*(double *)sg_call_output(c, "e")->data, 2);
			ck_assert_double_eq(((double *)sg_call_output(c, "f")->data)[2], 0);
			sg_call_free(c);
		}
		sg_model_free(m);
	}
END_TEST

/* Times that `what` stands in `text` before `end`, outside of comments. */
static int
count(const char *text, const char *end, const char *what)
{
	int n = 0;

	for (const char *at = text; at < end; at++)
		if (strncmp(at, "/*", 2) == 0)
			at = strstr(at, "*/");
		else
			n += strncmp(at, what, strlen(what)) == 0;
	return n;
}

static const char *
end_of(const char *text)
{
	return text + strlen(text);
}

/* The step backward has quotients, angles and what long sums led to from the step forward. */
START_TEST(what_others_wait_for_is_kept)
	{
		sg_failure why;
		sg_model *m = compile(pole);
		const char *c = strstr(sg_write_c(m, "m.h", 0, NULL, &why), "\nloops_gradient("),
			   *back = c ? strstr(c, "-- > 0;) {") : NULL,
			   *end = back ? strstr(back, "\n\t}\n") : NULL;

		ck_assert_ptr_nonnull(end);
		ck_assert_int_eq(count(back, end, "sin("), 0);
		ck_assert_int_eq(count(back, end, "cos("), 0);
		ck_assert_int_eq(count(back, end, "sqrt("), 0);
		sg_model_free(m);
	}
END_TEST

/* Each step takes sine and cosine twice, and the first of them once more. */
START_TEST(angles_of_the_next_step_are_taken_once)
	{
		sg_failure why;
		sg_model *m = compile(pole);
		const char *c = strstr(sg_write_c(m, "m.h", 0, NULL, &why), "\nloops_forward("),
			   *loop = c ? strstr(c, "< N; ") : NULL,
			   *end = loop ? strstr(loop, "\n\t}\n") : NULL;

		ck_assert_ptr_nonnull(end);
		ck_assert_int_eq(count(loop, end, "sin("), 2);
		ck_assert_int_eq(count(loop, end, "cos("), 2);
		ck_assert_int_eq(count(c, loop, "sin("), 1);
		ck_assert_int_eq(count(c, loop, "cos("), 1);
		sg_model_free(m);
	}
END_TEST

/* The loop of another entry reads rows of the carry. */
START_TEST(a_loop_that_keeps_nothing_has_variables)
	{
		sg_failure why;
		sg_model *m =
		    compile("input u[N], x0[2]\n"
		            "def f(x, u) = (stack((x[1]*x[0], sin(x[0]) + u)), x[0]*x[1])\n"
		            "x, l = scan(f, x0, over=u)\n"
		            "entry value = sum(l) as J\n"
		            "entry slope = grad(sum(l), u) as g\n");
		const char *c = sg_write_c(m, "m.h", 0, NULL, &why),
			   *value = strstr(c, "\nloops_value"), *slope = strstr(c, "\nloops_slope");

		ck_assert(value && slope && value < slope);
		ck_assert_int_eq(count(value, slope, "_next["), 0);
		ck_assert_int_gt(count(slope, end_of(c), "_next["), 0);
		sg_model_free(m);
	}
END_TEST

/* Nothing is stored between sine and cosine of one angle, which are then taken at once. */
START_TEST(functions_of_one_angle_stand_side_by_side)
	{
		sg_failure why;
		sg_model *m = compile(
		    "input u[N], x0[2]\n"
		    "def f(x, u) = (stack((x[0] + u, x[1] + u*sin(x[0])/cos(x[0]))), x[1]**3)\n"
		    "x, l = scan(f, x0, over=u)\n"
		    "gradient sum(l) as y wrt u\n");
		const char *c = sg_write_c(m, "m.h", 0, NULL, &why),
			   *sine = strstr(c, "= sin(x[0]);\n"),
			   *cosine = strstr(c, "= cos(x[0]);\n"),
			   *first = sine < cosine ? sine : cosine;

		ck_assert(sine && cosine);
		ck_assert_int_eq(count(first, first == sine ? cosine : sine, ";\n"), 1);
		sg_model_free(m);
	}
END_TEST

/* Nothing is added around what is padded, and off the diagonal of the identity. */
START_TEST(zeros_of_pads_and_identities_are_not_computed_with)
	{
		static const char *const texts[] = {pole, large_filter};
		static const char *const forms[] = {"+ 0.0;", " 0.0 + ", "+ 0.0 ", "0.0 * "};
		sg_failure why;

		for (size_t i = 0; i < 2; i++) {
			sg_model *m = compile(texts[i]);
			const char *c = sg_write_c(m, "m.h", 0, NULL, &why);

			for (size_t k = 0; k < (i ? 2 : 4); k++) /* 0.0 * inf is NaN */
				ck_assert_msg(count(c, end_of(c), forms[k]) == 0, "%s", forms[k]);
			sg_model_free(m);
		}
	}
END_TEST

/* A zero of the identity, and one beside a pad, adds nothing, but is 0 as a factor. */
START_TEST(zeros_of_pads_and_identities_at_infinity)
	{
		static const char text[] =
		    "input a\n"
		    "entry e = a*eye(2) + 1.0 as i, (a*eye(3) @ [1.0, 2, 3])[1] as v,\n"
		    "  [a, a] + pad([1.0], ((0, 1),)) as p, a*pad([a], ((0, 1),)) as q\n";
		const double a = INFINITY;
		sg_model *m = compile(text);

		for (size_t i = 0; i < 3; i++) {
			if (all_backends[i] == SG_BACKEND_JIT && !sg_have_jit())
				continue;
			sg_call *c = sg_call_new(m, "e", all_backends[i]);

			ck_assert_int_eq(sg_call_bind(c, "a", SG_DTYPE_F64, 0, NULL, &a), SG_OK);
			ck_assert_int_eq(sg_call_run(c), SG_OK);
			const double *id = sg_call_output(c, "i")->data,
				     *p = sg_call_output(c, "p")->data,
				     *q = sg_call_output(c, "q")->data;

			ck_assert(isinf(id[0]) && isinf(id[3]) && isinf(p[0]) && isinf(p[1]));
			ck_assert(isnan(id[1]) && isnan(id[2]));
			ck_assert(isnan(*(const double *)sg_call_output(c, "v")->data));
			ck_assert(isinf(q[0]) && isnan(q[1]));
			sg_call_free(c);
		}
		sg_model_free(m);
	}
END_TEST

/* The roots and logarithms are the same in all steps, or kept of each, and of a side that is not
 * taken. */
START_TEST(what_no_step_takes_from_outside_has_no_derivative)
	{
		static const char text[] =
		    "input u, x[3], z[N]\n"
		    "a, _ = while((c, k) -> k < 2, (c, k) -> (c + where(u > 0, sqrt(u), c), k + "
		    "1),\n"
		    "  (u, 0), limit=9)\n"
		    "b, _ = while((c, k) -> k < 2, (c, k) -> (c + where(k > 5, sqrt(u)*c, c), k + "
		    "1),\n"
		    "  (u*u, 0), limit=9)\n"
		    "c = scan((c, p) -> c + scan((d, q) -> d + where(q > 6, log(u), p*u), 0.0, "
		    "over=x),\n"
		    "  0.0, over=x)\n"
		    "d = scan((d, p) -> if p > 9 then d*sqrt(u - 1) else where(p > 7, log(u)*d, "
		    "d*p),\n"
		    "  u*x, over=x)\n"
		    "m = scan((m, p) -> where(m > p, m, tanh(m @ log(u*eye(3) + 1.0))), x + 9, "
		    "over=x)\n"
		    "_, q, _ = scan((p, q, r, v) -> (p + v, q + r, if mean(r) > 0.01 then r + r\n"
		    "  else sqrt(0.1 - mean(r))*r), (z, x, x), over=z)\n"
		    "entry e = norm(grad(sum(jacobian(q, z, mode=\"reverse\")), x)) as q,\n"
		    "  grad(a, u) as a, grad(b, u) as b, hessian(b, u) as B, grad(c*c, u) "
		    "as c,\n"
		    "  hessian(c*c, u, mode=\"reverse\") as C, hvp(sum(d*d), u, 1) as D,\n"
		    "  norm(jacobian(d, u, mode=\"reverse\") - 6*x) as d, grad(u*sum(m), u) as m\n";
		static const struct {
			const char *name;
			double value;
		} want[] = {{"a", 4},    {"b", -4}, {"B", 8},  {"c", -324}, {"C", 648},
		            {"D", 1008}, {"d", 0},  {"m", 33}, {"q", 0}};
		const double u = -0.5, x[] = {1, 2, 3};
		const ptrdiff_t three = 3, two = 2;
		sg_model *m = compile(text);

		for (size_t i = 0; i < 3; i++) {
			if (all_backends[i] == SG_BACKEND_JIT && !sg_have_jit())
				continue;
			sg_call *c = sg_call_new(m, "e", all_backends[i]);

			ck_assert_int_eq(sg_call_bind(c, "u", SG_DTYPE_F64, 0, NULL, &u), SG_OK);
			ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 1, &three, x), SG_OK);
			ck_assert_int_eq(sg_call_bind(c, "z", SG_DTYPE_F64, 1, &two, x), SG_OK);
			ck_assert_int_eq(sg_call_run(c), SG_OK);
			for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
				const double is =
				    *(const double *)sg_call_output(c, want[k].name)->data;

				ck_assert_msg(fabs(is - want[k].value) < 1e-9, "%s: %g, not %g",
				              want[k].name, is, want[k].value);
			}
			sg_call_free(c);
		}
		sg_model_free(m);
	}
END_TEST

/* Where squares vanish or overflow, at the origin, and of what is no number. */
START_TEST(derivatives_of_a_bearing_are_right_everywhere)
	{
		static const double at[] = {0, 1, -2, 3e-200, 1e200, 1e-310, INFINITY, NAN};
		static const char text[] =
		    "input x, y\n"
		    "r = atan2(x, y)\n"
		    "entry e = hypot(x, y) as h, r as r, grad(r, x) as a, grad(r, y) as b,\n"
		    "  grad(grad(r, x), y) as c, grad(hypot(x, y), x) as d\n";
		sg_model *m = compile(text);

		for (size_t k = 0; k < 64; k++) {
			sg_call *call[3];

			for (size_t i = 0; i < 3; i++) {
				if (all_backends[i] == SG_BACKEND_JIT && !sg_have_jit())
					continue;
				call[i] = sg_call_new(m, "e", all_backends[i]);
				ck_assert_int_eq(
				    sg_call_bind(call[i], "x", SG_DTYPE_F64, 0, NULL, &at[k / 8]),
				    SG_OK);
				ck_assert_int_eq(
				    sg_call_bind(call[i], "y", SG_DTYPE_F64, 0, NULL, &at[k % 8]),
				    SG_OK);
				ck_assert_int_eq(sg_call_run(call[i]), SG_OK);
				for (int o = 0; o < 6; o++) {
					const char *name = (const char[]){"hrabcd"[o], 0};
					const double is = *(const double *)sg_call_output(call[i],
					                                                  name)
					                       ->data,
						     e = *(const double *)sg_call_output(call[0],
					                                                 name)
					                      ->data;

					ck_assert_msg(is == e || (isnan(is) && isnan(e)) ||
					                  fabs(is - e) <= 4e-16 * fabs(e) + 1e-320,
					              "%s at %g, %g: %a and %a", name, at[k / 8],
					              at[k % 8], is, e);
				}
			}
			for (size_t i = 0; i < 3; i++)
				if (all_backends[i] != SG_BACKEND_JIT || sg_have_jit())
					sg_call_free(call[i]);
		}
		sg_model_free(m);
	}
END_TEST

START_TEST(matrices_with_known_zeros_go_by_elements)
	{
		sg_failure why;
		sg_model *m = compile(large_filter);
		const char *c = sg_write_c(m, "m.h", 0, NULL, &why);

		ck_assert_ptr_null(strstr(c, "matmul"));
		for (const char *step = c; (step = strstr(step, "< N; ")) != NULL;) {
			const char *end = strstr(step, "\n\t}\n"), *loop = strstr(step, "for (");

			ck_assert_msg(!strstr(step, "inv(S)") || !loop || loop > end, "%s", step);
			step = end;
		}
		sg_model_free(m);
	}
END_TEST

/* The adjoint of what is stacked and summed is 1 at each step: no array of ones. */
START_TEST(constant_adjoints_are_no_arrays)
	{
		sg_failure why;
		sg_model *m = compile("input x[N], w\n"
		                      "c, s = scan((c, v) -> (tanh(c*w) + v, c*c), 0.5, over=x)\n"
		                      "gradient sum(s) as y wrt w\n");

		ck_assert_ptr_null(strstr(sg_write_c(m, "m.h", 0, NULL, &why), "= 1.0;"));
		sg_model_free(m);
	}
END_TEST

/* A compiler does not know that what the inner loop writes is not what the row has. */
START_TEST(what_a_row_has_is_read_before_the_loop_that_writes)
	{
		sg_failure why;
		sg_model *m = compile("input R[M, 8]\n"
		                      "s = R/sum(abs(R), axis=1, keepdims=true)\n"
		                      "gradient sum(s**3) as f wrt R\n");
		const char *c = sg_write_c(m, "m.h", 0, NULL, &why);
		const char *read = strstr(c, "= t[i - row];\n");

		ck_assert_ptr_nonnull(read);
		ck_assert(read < strstr(c, "sgrt_pow_f64(s, 3.0)"));
		sg_model_free(m);
	}
END_TEST

/* What rows or columns have in common comes first; libtcc has tiles of rows. */
START_TEST(dear_operations_go_over_all_elements_of_short_rows)
	{
		static const char *const model[] = {
		    "input x[N, 10], w[N], b[10]\noutput tanh(x*w[:, none]) as y\n",
		    "input x[N, 10], w[N], b[10]\noutput clamp(x + b, -1, 1) as y\n",
		    "input x[N, 10], w[N], b[10]\noutput exp(x)*w[:, none] as y\n",
		    "input x[N, 10], w[N], b[10]\noutput x*w[:, none] + b as y\n",
		    "input x[N, 16], w[N], b[16]\noutput tanh(x*w[:, none]) as y\n",
		};
		sg_failure why;
		sg_model *m = compile(model[_i]);
		const char *c = sg_write_c(m, "m.h", 0, NULL, &why);

		ck_assert_msg((strstr(c, "row * 10; ") || strstr(c, "= row * 10;")) == (_i < 3),
		              "%s", strstr(c, "_any("));
		sg_model_free(m);
	}
END_TEST

/* What an entry does besides is no reason for another one to do it, nor to do it twice there. */
START_TEST(loops_are_shared_within_an_entry)
	{
		static const char text[] =
		    "input x[N]\nparam w\n"
		    "f = scan((h, r) -> tanh(h*w + r), w, over=x)\n"
		    "output f\nentry j = f, jacobian(f, w, mode=\"forward\") as J\n";
		sg_model *m = compile(text);
		const sg_graph *g = m->program->g;

		for (size_t e = 0; e < 2; e++) {
			const sg_entry_ir *x = &m->program->entry[e];
			sg_ref root[2] = {0};
			int loops = 0, carries = 0;

			for (size_t k = 0; k < x->nout; k++)
				root[k] = x->out[k].ref;
			const bool *live = sg_graph_live(g, x->nout, root);
			for (sg_ref r = 1; r < g->n; r++)
				if (live[r] && g->node[r].op == SG_SCAN) {
					loops++;
					carries += (int)sg_loop_of(g, r).nc;
				}
			ck_assert_int_eq(loops, 1);
			ck_assert_int_eq(carries, (int)e + 1);
		}
		sg_model_free(m);
	}
END_TEST

/* Three rows are written at a time, from what lies together in the array. */
START_TEST(short_loops_go_inside_where_arrays_are_turned)
	{
		static const char text[] = "input x[N, 20, 3], w, at: i64[M]\n"
					   "y = w*transpose(x, (0, 2, 1))[at]\n"
					   "output y\n";
		sg_failure why;
		sg_model *m = compile(text);
		const char *written = sg_write_c(m, "m.h", 0, NULL, &why),
			   *inner = strstr(written, "k < 3"), *around = strstr(written, "j < 20");

		ck_assert(inner && around && around < inner);
		sg_model_free(m);
	}
END_TEST

START_TEST(a_limit_that_is_reached_is_an_error_everywhere)
	{
		static const char text[] = "input x\n"
					   "r = while((y) -> y > 1.0, (y) -> y/2, x, limit=3)\n"
					   "gradient r wrt x\n";
		sg_model *m = compile(text);

		for (size_t i = 0; i < 3; i++) {
			for (int k = 0; k < 2; k++) {
				const double x = k ? 8.5 : 7.5;
				sg_call *c;

				if (all_backends[i] == SG_BACKEND_JIT && !sg_have_jit())
					continue;
				c = sg_call_new(m, NULL, all_backends[i]);
				ck_assert_int_eq(sg_call_bind(c, "x", SG_DTYPE_F64, 0, NULL, &x),
				                 SG_OK);
				ck_assert_int_eq(sg_call_run(c), k ? SGRT_ELIMIT : SG_OK);
				if (!k)
					ck_assert_double_eq(
					    *(double *)sg_call_output(c, "grad_x")->data, 0.125);
				sg_call_free(c);
			}
		}
		sg_model_free(m);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("loops");
	TCase *t = tcase_create("loops");
	const int n = sizeof models / sizeof *models;
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, jit_agrees_with_the_evaluator, 0, n);
	tcase_add_loop_test(t, cc_agrees_with_the_evaluator, 0, n);
	tcase_add_loop_test(t, text_compiles_to_the_same_numbers, 0, n);
	tcase_add_loop_test(t, derivative_as_text_compiles_to_the_same_numbers, 0, n);
	tcase_add_loop_test(t, derivatives_agree_with_differences, 0, n);
	tcase_add_test(t, size_of_the_text_does_not_depend_on_the_count);
	tcase_add_test(t, tangents_of_loops_in_loops_are_made_once);
	tcase_add_loop_test(t, loops_that_do_the_same_are_one, 0,
	                    sizeof shared / sizeof *shared);
	tcase_add_test(t, loops_that_are_one_give_what_they_gave);
	tcase_add_test(t, what_goes_to_one_range_is_added_before_it_is_padded);
	tcase_add_test(t, running_products_of_integers_wrap);
	tcase_add_test(t, loops_in_a_step_seldom_wait_for_the_one_before);
	tcase_add_test(t, what_is_not_chosen_is_not_gone_through);
	tcase_add_test(t, directions_go_through_a_few_numbers_by_their_slopes);
	tcase_add_test(t, zeros_for_want_of_a_path_add_nothing);
	tcase_add_test(t, matrices_with_known_zeros_go_by_elements);
	tcase_add_test(t, what_others_wait_for_is_kept);
	tcase_add_test(t, angles_of_the_next_step_are_taken_once);
	tcase_add_test(t, a_loop_that_keeps_nothing_has_variables);
	tcase_add_test(t, functions_of_one_angle_stand_side_by_side);
	tcase_add_test(t, zeros_of_pads_and_identities_are_not_computed_with);
	tcase_add_test(t, zeros_of_pads_and_identities_at_infinity);
	tcase_add_test(t, what_no_step_takes_from_outside_has_no_derivative);
	tcase_add_test(t, derivatives_of_a_bearing_are_right_everywhere);
	tcase_add_test(t, constant_adjoints_are_no_arrays);
	tcase_add_test(t, what_a_row_has_is_read_before_the_loop_that_writes);
	tcase_add_loop_test(t, dear_operations_go_over_all_elements_of_short_rows, 0, 5);
	tcase_add_test(t, loops_are_shared_within_an_entry);
	tcase_add_test(t, short_loops_go_inside_where_arrays_are_turned);
	tcase_add_test(t, a_limit_that_is_reached_is_an_error_everywhere);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
