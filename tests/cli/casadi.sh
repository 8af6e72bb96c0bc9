#!/bin/sh
# symgrad compile --api=casadi: the functions that CasADi's external() loads - by a C program always, and by
# CasADi itself where python3 ($PYTHON) has it.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C

cat >m.sg <<'END'
dim N = 3
input x[N], A[2, N], k: i32[2], s
param w: f32[2, 4, 3] = ones([2, 4, 3])
y = tanh(A @ x) * s
B = A.T * sum(x)
output y, B, sum(w, axis=2) as ws, k as ki, x[1] > 0 as pos
gradient sum(y*y) as loss wrt A, x
entry sp = sparse_jacobian(x*x*s, x) as J
entry flat = k + 1 as kk
END
expect 'the C that CasADi loads' 0 '' '' compile m.sg --api=casadi --standalone -o .
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
	-fPIC -shared m.c -o m.so -lm

cat >load.c <<'END'
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef int fn(const double **arg, double **res, long long *iw, double *w, int mem);
typedef long long count_fn(void);
typedef const char *name_fn(long long i);
typedef const long long *sparsity_fn(long long i);
typedef int work_fn(long long *arg, long long *res, long long *iw, long long *w);

static void *lib;
static int failed;

static void
claim(int ok, const char *what)
{
	if (!ok)
		printf("not so: %s\n", what);
	failed |= !ok;
}

static void
find(void *to, const char *name)
{
	void *p = dlsym(lib, name);

	claim(p != NULL, name);
	memcpy(to, &p, sizeof p);
}

static int
near(double a, double b)
{
	return fabs(a - b) < 1e-12;
}

int
main(void)
{
	static const double x[3] = {0.5, -1, 2}, A[6] = {1, 4, 2, 5, 3, 6} /* by columns */, k[2] = {3, -2.9}, s = 2;
	static double w[4096], y[2], B[6], ws[8], ki[2], pos, jac[36], rows[9];
	const double *arg[16] = {x, A, k, &s, NULL};
	double *res[32] = {y, B, ws, ki, &pos};
	long long na, nr, ni, nw;
	fn *f, *j, *sp;
	count_fn *n_in, *n_out;
	name_fn *name;
	sparsity_fn *sparsity;
	work_fn *work;

	lib = dlopen("./m.so", RTLD_NOW);
	if (!lib)
		return puts(dlerror()), 1;
	find(&f, "m_forward");
	find(&n_in, "m_forward_n_in");
	find(&n_out, "m_forward_n_out");
	find(&name, "m_forward_name_out");
	find(&work, "m_forward_work");
	claim(n_in() == 5 && n_out() == 5 && !strcmp(name(2), "ws") && !name(5), "it tells its arguments");
	claim(work(&na, &nr, &ni, &nw) == 0 && na == 5 && nr == 5 && ni == 0 && nw > 0 && nw < 4000, "it tells its work");
	for (long long i = nw; i < 4096; i++)
		w[i] = 7;
	claim(f(arg, res, NULL, w, 0) == 0, "it runs");
	for (long long i = nw; i < 4096; i++)
		claim(w[i] == 7, "no more of w is used than it says");
	claim(near(y[0], 2 * tanh(0.5 - 2 + 6)) && near(y[1], 2 * tanh(2 - 5.0 + 12)), "matrices are read by columns");
	claim(near(B[0], 1.5) && near(B[1], 3) && near(B[3], 6), "and written by columns");
	claim(near(ws[0], 0) && near(ws[7], 0), "an argument that is NULL is zeros");
	claim(near(ki[0], 3) && near(ki[1], -2), "integers are cut");
	claim(near(pos, 0), "bool is 0 or 1");
	B[0] = 99;
	res[1] = NULL;
	claim(f(arg, res, NULL, w, 0) == 0 && near(B[0], 99), "a result that is NULL is not wanted");
	arg[0] = NULL;
	claim(f(arg, res, NULL, w, 0) == 0 && near(y[0], 0), "so for what is used in place");
	arg[0] = x;
	claim(f(arg, res, NULL, w, 0) == 0, "and again");

	find(&j, "jac_m_forward");
	find(&sparsity, "jac_m_forward_sparsity_out");
	memset(res, 0, sizeof res);
	res[0] = jac;
	res[3] = rows;
	claim(j(arg, res, NULL, w, 0) == 0, "the Jacobian runs");
	for (int r = 0; r < 2; r++)
		for (int c = 0; c < 3; c++)
			claim(near(jac[r + 2 * c], (2 - y[r] * y[r] / 2) * A[r + 2 * c]), "its values");
	claim(near(rows[0], tanh(4.5)) && near(rows[1], tanh(9)), "by a scalar");
	claim(sparsity(0)[0] == 2 && sparsity(0)[1] == 3 && sparsity(0)[2] == 1, "a dense block");
	claim(sparsity(1)[0] == 2 && sparsity(1)[1] == 6 && sparsity(1)[2] == 0 && sparsity(1)[8] == 6, "a sparse one");
	claim(sparsity(4)[1] == 24 && sparsity(4)[26] == 0, "one without entries");

	find(&sp, "m_sp");
	find(&sparsity, "m_sp_sparsity_out");
	arg[1] = &s;
	res[0] = rows;
	claim(sp(arg, res, NULL, w, 0) == 0 && near(rows[2], 8), "sparse values");
	claim(sparsity(0)[0] == 3 && sparsity(0)[5] == 3 && sparsity(0)[8] == 2, "and their places");
	find(&f, "jac_m_flat");
	return failed;
}
END
status 'a host compiles' 0 ${CC:-cc} -std=c11 load.c -o load -ldl -lm
status 'and finds all as CasADi would' 0 ./load
# ---- a banded block: only what is not zero is computed, in three sweeps, and handed over by columns
cat >band.sg <<'END'
dim N = 1500
input x[N], p
d = x[1:] - x[:-1]
output concat(([x[0]*p], d[1:]**3 - sin(d[:-1])*x[1:-1], [x[-1]**2])) as r, sum(d**2) as e
END
expect 'a banded Jacobian' 0 '' '' compile band.sg --api=casadi --standalone -o .
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
	-fPIC -shared band.c -o band.so -lm
cat >band_main.c <<'END'
#include <math.h>
#include <stdlib.h>
#include "band.h"
#define N 1500

int
main(void)
{
	static double x[N], jac[3 * N], p = 2, by_p[1], e[N];
	const double *arg[8] = {x, &p};
	double *res[8] = {jac, by_p, e}, *w;
	const long long *s = jac_band_forward_sparsity_out(0), *begin = s + 2, *row = s + 3 + N;
	long long na, nr, ni, nw;
	int bad = s[0] != N || s[1] != N || begin[N] != 3 * N - 4;

	for (int i = 0; i < N; i++)
		x[i] = (i * 37 % 101) * 0.01;
	jac_band_forward_work(&na, &nr, &ni, &nw);
	bad |= nw > 40 * N; /* dense, it is N * N */
	w = malloc((size_t)nw * sizeof *w);
	bad |= !w || jac_band_forward(arg, res, NULL, w, 0) != 0;
	for (int c = 0; c < N; c++)
		for (long long k = begin[c]; k < begin[c + 1]; k++) {
			const int i = (int)row[k], last = i == N - 1;
			const double hi = last ? 0 : x[i + 1] - x[i], lo = i ? x[i] - x[i - 1] : 0;
			const double slope = cos(lo) * x[i], want =
			    i == 0      ? p
			    : last      ? 2 * x[i]
			    : i < c     ? 3 * hi * hi
			    : i == c    ? -3 * hi * hi - slope - sin(lo)
			                : slope;

			bad |= i < c - 1 || i > c + 1 || !(fabs(jac[k] - want) <= 1e-14 * (1 + fabs(want)));
		}
	bad |= by_p[0] < x[0] || by_p[0] > x[0] || !(fabs(e[0] + 2 * (x[1] - x[0])) < 1e-15);
	free(w);
	return bad;
}
END
status 'a host compiles' 0 ${CC:-cc} -std=c11 band_main.c band.c -o band_main -lm
status 'its entries are those by hand, and no room is there for others' 0 ./band_main

# ---- a block whose rows share no column takes one sweep, and what has CasADi's order already is used in place
cat >rows.sg <<'END'
dim N = 300
input x[N], A[N, N]
output A @ x as y, x**3 as z
END
expect 'rows apart' 0 '' '' compile rows.sg --api=casadi --standalone -o .
cat >rows_main.c <<'END'
#include "rows.h"
#define N 300

int
main(void)
{
	static double x[N], A[N * N], by_x[N * N], by_A[N * N], z[N], w[4 * N * N + 9000];
	const double *arg[8] = {x, A};
	double *res[8] = {by_x, by_A, z};
	const long long *s = jac_rows_forward_sparsity_out(1);
	long long na, nr, ni, nw;
	int bad = s[0] != N || s[1] != N * N || s[2 + N * N] != N * N;

	for (int i = 0; i < N; i++)
		x[i] = i;
	for (int i = 0; i < N * N; i++)
		A[i] = i % 7;
	jac_rows_forward_work(&na, &nr, &ni, &nw);
	bad |= nw > 4 * N * N + 9000 || jac_rows_forward(arg, res, 0, w, 0) != 0;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			const int k = i + N * j;

			bad |= s[3 + N * N + k] != i || by_A[k] < x[j] || by_A[k] > x[j] || by_x[k] < A[k] || by_x[k] > A[k];
		}
	for (int i = 0; i < N; i++)
		bad |= z[i] < 3 * x[i] * x[i] || z[i] > 3 * x[i] * x[i];
	return bad;
}
END
status 'a host compiles' 0 ${CC:-cc} -std=c11 rows_main.c rows.c -o rows_main -lm
status 'its entries are those by hand' 0 ./rows_main
! grep -q 'res\[2\]\[' rows.c
judge 'a diagonal is not copied' $?

expect 'a shared object at once' 0 '' '' compile m.sg --api=casadi -o at_once.so
status 'the header is C++ too' 0 ${CC:-cc} -x c++ -fsyntax-only -Wall -Werror m.h

python=${PYTHON:-python3}
if "$python" -c 'import casadi, numpy' 2>no-casadi; then
	cat >check.py <<'END'
import casadi as ca
import numpy as np

f, sp = ca.external("m_forward", "./m.so"), ca.external("m_sp", "./m.so")
g = ca.external("m_gradient", "./at_once.so")
rng = np.random.default_rng(1)
x, A, s = rng.standard_normal(3), rng.standard_normal((2, 3)), 1.3
w = rng.standard_normal((2, 4, 3)).astype("f4")
k = [3, -2]
wm = w.reshape(2, 12, order="F")


def model(x, A, s):
    return np.tanh(A @ x) * s, A.T * x.sum()


y, B, ws, ki, pos = f(x, A, k, s, wm)
assert np.allclose(np.array(y).ravel(), model(x, A, s)[0], 1e-14, 0)
assert np.allclose(np.array(B), model(x, A, s)[1], 1e-14, 0)
assert np.allclose(np.array(ws), w.sum(2), 1e-6, 1e-6)
X, AA, S = ca.MX.sym("x", 3), ca.MX.sym("A", 2, 3), ca.MX.sym("s")
out = f(X, AA, k, S, wm)
at = {"x": x, "A": A, "s": np.array(s)}
for o in range(2):
    for sym, name in ((X, "x"), (AA, "A"), (S, "s")):
        J = np.array(ca.DM(ca.Function("J", [X, AA, S], [ca.jacobian(out[o], sym)])(x, A, s)))
        for c in range(J.shape[1]):
            def value(h):
                moved = {n: np.array(v, dtype=float) for n, v in at.items()}
                flat = moved[name].ravel(order="F").copy()
                flat[c] += h
                moved[name] = flat.reshape(at[name].shape, order="F")
                return model(moved["x"], moved["A"], moved["s"])[o].ravel(order="F")
            assert np.allclose(J[:, c], (value(1e-6) - value(-1e-6)) / 2e-6, 1e-7, 1e-7), (o, name, c)
og = g(A=AA, x=X, s=S)
H = np.array(ca.Function("H", [X, AA, S], [ca.jacobian(og["grad_x"], X)])(x, A, s))
grad = lambda x: np.array(g(A=A, x=x, s=s)["grad_x"]).ravel()
for c, e in enumerate(np.eye(3)):
    assert np.allclose(H[:, c], (grad(x + 1e-6 * e) - grad(x - 1e-6 * e)) / 2e-6, 1e-7, 1e-7)
assert sp.sparsity_out(0).nnz() == 3
assert np.allclose(np.diag(np.array(ca.DM(sp(x, s)))), 2 * x * s)

# a banded one: the places that CasADi finds, and its numbers
band = ca.external("band_forward", "./band.so")
N = 1500
X, P = ca.MX.sym("x", N), ca.MX.sym("p")
D = X[1:] - X[:-1]
own = ca.Function("own", [X, P], [ca.vertcat(X[0] * P, D[1:] ** 3 - ca.sin(D[:-1]) * X[1:-1], X[-1] ** 2), ca.sumsqr(D)])
x = rng.standard_normal(N)
for o in range(2):
    for i in range(2):
        A = ca.Function("A", [X, P], [ca.jacobian(band(X, P)[o], (X, P)[i])])(x, 1.5)
        B = ca.Function("B", [X, P], [ca.jacobian(own(X, P)[o], (X, P)[i])])(x, 1.5)
        assert A.sparsity() == B.sparsity(), (o, i, A.sparsity(), B.sparsity())
        assert np.allclose(A.nonzeros(), B.nonzeros(), 1e-12, 1e-12)
END
	status "CasADi's own external() agrees" 0 "$python" check.py
else
	echo "not tried: CasADi itself, which $python has not"
fi

# ---- at fault
cat >free.sg <<'END'
dim N
input x[N]
output sum(x) as y
END
expect 'a dimension is free' 1 '' "free.sg:1:5: error: entry 'forward' depends on the dimension 'N', and functions of CasADi have fixed sizes [casadi-dimension]
    1 | dim N
      |     ^
hint: fix it: dim N = 128, or --dim=N=128" compile free.sg --api=casadi -o none
test ! -e none
judge 'nothing is written' $?
expect 'it is given' 0 '' '' compile free.sg --api=casadi --dim=N=4 -o given
cat >names.sg <<'END'
input x
entry f = x*x as y
entry f_work = x as y
END
expect 'an entry is in the way' 1 '' "names.sg:3:7: error: CasADi's convention needs the name of entry 'f_work' for the function 'work' of entry 'f' [casadi-name]
    3 | entry f_work = x as y
      |       ^~~~~~" compile names.sg --api=casadi -o none
expect 'an unknown convention' 2 '' "symgrad compile: error: --api knows c and casadi, not 'casady'
try 'symgrad compile --help'" compile m.sg --api=casady
expect 'kinds that have no calling convention' 2 '' "symgrad compile: error: --api=casadi is for c, h, o, a and so, and --emit has sg
try 'symgrad compile --help'" compile m.sg --api=casadi --emit=c,sg

finish
