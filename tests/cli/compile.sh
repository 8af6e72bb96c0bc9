#!/bin/sh
# symgrad compile, diff, info and check: what is written where, and that nothing is half-written.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C
builddir=${builddir:-$(dirname "$SYMGRAD")}

cat >net.sg <<'END'
input x[N, 3]
param w[3] = ones([3])
loss = mean((x @ w)**2)
output loss
gradient loss wrt w
END
cat >other.sg <<'END'
model second
input a
output a*a as b
END
printf 'output q as y\n' >bad.sg

files() { # the files in a folder, in one line
	ls -A "$1" | tr '\n' ' ' | sed 's/ $//'
}

mkdir here && cd here || exit 99
expect 'C and its header beside you' 0 '' '' compile ../net.sg
test "$(files .)" = 'net.c net.h'
judge 'named like the model' $?
grep -q '"net.h"' net.c
judge 'the C includes its header' $?
grep -q 'int net_gradient(' net.h
judge 'the header has the gradient' $?
cd .. || exit 99
expect 'into a folder that is made' 0 '' '' compile net.sg other.sg -o built
test "$(files built)" = 'net.c net.h second.c second.h'
judge 'one pair a model' $?
expect 'to a .c file' 0 '' '' compile net.sg -o built/a.c
grep -q '"a.h"' built/a.c && test -f built/a.h
judge 'with a header of that name' $?
expect 'every kind' 0 '' '' compile net.sg -o kinds --emit=c,h,o,so,sg,ir
test "$(files kinds)" = 'net.c net.h net.ir net.o net.sg net.so'
judge 'is written' $?
"$SYMGRAD" run kinds/net.sg 'x=[[1, 2, 3]]' >a && "$SYMGRAD" run net.sg 'x=[[1, 2, 3]]' >b && cmp -s a b
judge 'the .sg that was written is the same model' $?
expect 'a kind by its suffix' 0 '' '' compile net.sg -o lib.so
test -x lib.so
judge 'a shared object can be executed' $?
"$SYMGRAD" compile net.sg -o - >printed && "$SYMGRAD" compile net.sg -o - --emit=c,h >both
cmp -s printed here/net.c
judge "'-' prints the C" $?
cat here/net.c here/net.h | cmp -s - both
judge "'-' prints the C and the header" $?
expect 'a prefix' 0 '' '' compile net.sg -o p --prefix=foo
test "$(files p)" = 'foo.c foo.h' && grep -q 'int foo_gradient(' p/foo.h
judge 'names C and files' $?
expect 'one entry' 0 '' '' compile net.sg -o e --entry=forward
! grep -q net_gradient e/net.h
judge 'without the others' $?
cat >pool.sg <<'END'
input x[3, 5, 8, 6]
y = sum(avg_pool2d(x, 2)**2)
gradient y wrt x
END
"$SYMGRAD" compile pool.sg -o - >pool.c
test "$(grep -c ' / 2;$' pool.c)" = 1 && ! grep -q ' % ' pool.c
judge 'one index is divided where a row has each element twice' $?
printf 'input x[N, 9, 9]\noutput max_pool2d(x, 3, stride=2, padding=1) as y\n' >largest.sg
expect 'the largest of each window' 0 '' '' compile largest.sg
! grep -q SGRT_EINDEX largest.c
judge 'nobody asks where it is' $?
expect 'standalone' 0 '' '' compile net.sg -o s --standalone
! grep -q symgrad_runtime.h s/net.c s/net.h
judge 'needs no header of ours' $?
cat >codes.c <<'END'
#include "net.h"
#include "second.h"
#ifdef WITH_RUNTIME
#include "symgrad_runtime.h"
#endif
int codes[] = {SGRT_OK, SGRT_EDIM, SGRT_EINDEX, SGRT_EDIVIDE, SGRT_EEMPTY, SGRT_ELIMIT, SGRT_EPOSDEF, SGRT_ESINGULAR, SGRT_EARG};
END
expect 'and beside another' 0 '' '' compile other.sg -o s --standalone
status 'but has the codes that are returned' 0 ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -Is -c codes.c
status 'as the runtime has them' 0 ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -DWITH_RUNTIME -Is \
	"-I$builddir/runtime" -c codes.c
test "$(grep -h 'define SGRT_E' s/net.c s/second.c)" = ''
judge 'once' $?

# ---- a static library, and formulas
cat >half.sg <<'END'
input x
entry f = x/2 as y, grad(x**2, x) as d
END
if command -v "${AR:-ar}" >ar.path; then
	expect 'a static library' 0 '' '' compile half.sg --emit=a,h -o lib
	cat >main.c <<'END'
#include "half.h"
int main(void)
{
	const double x = 3;
	double y, d;

	return half_f(&x, &y, &d, 0) != 0 || y < 1.5 || y > 1.5 || d < 6 || d > 6;
}
END
	status 'it links' 0 ${CC:-cc} -Ilib main.c lib/half.a -lm -o main
	status 'and runs' 0 ./main
	AR=/nonexistent expect 'without ar nothing is written' 1 '' \
		"symgrad compile: error: cannot run '/nonexistent', which makes archives: No such file or directory" \
		compile half.sg --emit=a -o none
	test ! -e none/half.a
	judge 'nothing at all' $?
fi
cat >fussy <<'END'
#!/bin/sh
echo 'fussy: no' >&2
exit 1
END
chmod +x fussy
SYMGRAD_CC=$work/fussy expect 'what the C compiler says, of the file that was asked for' 1 '' \
	'symgrad compile: error: half.so: fussy: no' compile half.sg --emit=so -o none
SYMGRAD_CC=false expect 'one that says nothing' 1 '' \
	"symgrad compile: error: half.o: the C compiler 'false' made no file and said nothing (is the disk full?)" \
	compile half.sg --emit=o -o none
expect 'formulas' 0 '\mathrm{y} = \frac{x}{2}
\mathrm{d} = 2 x' '' compile half.sg --emit=latex -o -

# ---- for processors with wider vectors and without; names that the macros make are those of other entries
cat >wide.sg <<'END'
input x[N], a[K, K]
entry products = sum(a @ a) as q, sum(softmax(x)) as one
entry f = exp(x) as y, sum(tanh(x)) as s
entry f_any = tanh(x) as y, sum(cos(x)) as s
entry f_any_avx2 = sin(x) as y, sum(exp(x)) as s
END
cat >wide_main.c <<'END'
#include "wide.h"
#include <math.h>
enum { N = 333, K = 48 };
int main(void)
{
	static double x[N], y[N], s[3], sum[3] = {0, 0, 0}, a[K*K], q, one;
	static _Alignas(64) char work[1 << 20];
	double off = 0;

	for (int i = 0; i < N; i++) {
		x[i] = i / 100.0 - 1;
		sum[0] += tanh(x[i]);
		sum[1] += cos(x[i]);
		sum[2] += exp(x[i]);
	}
	for (int i = 0; i < K*K; i++)
		a[i] = 0.5;
	if (wide_products_work(N, K) > sizeof work ||
	    wide_products(N, K, x, a, &q, &one, work) != 0)
		return 1;
	off = fabs(q - 0.25*K*K*K) + fabs(one - 1);
	if (wide_f(N, x, y, &s[0], 0) != 0)
		return 1;
	for (int i = 0; i < N; i++)
		off = fmax(off, fabs(y[i] - exp(x[i])));
	if (wide_f_any(N, x, y, &s[1], 0) != 0 || wide_f_any_avx2(N, x, y, &s[2], 0) != 0)
		return 1;
	for (int i = 0; i < N; i++)
		off = fmax(off, fabs(y[i] - sin(x[i])));
	for (int k = 0; k < 3; k++)
		off = fmax(off, fabs(s[k] - sum[k]) / 100);
	return off > 1e-13;
}
END
cat >many.sg <<'END'
input temperature[N], pressure[N], humidity[N]
param slope[3], offset
x = slope[0]*temperature + slope[1]*pressure
fit = mean((x + slope[2]*exp(humidity) + offset)**2)
gradient fit wrt temperature, pressure, humidity, slope, offset
END
# ---- registers that are wider than numbers
cat >narrow.sg <<'END'
input x[N]
output sum(exp(x)) as s, tanh(x[0]) as t
END
expect 'exp and tanh' 0 '' '' compile narrow.sg --standalone -o .
cat >main.c <<'END'
#include "narrow.h"
int main(void)
{
	const double x[2] = {0.75, 0.7};
	static _Alignas(64) char work[4096];
	double s = 0, t = 0;

	return narrow_forward_work(2) <= sizeof work && narrow_forward(2, x, &s, &t, work) == 0 && s > 4.1307527240 &&
	       s < 4.1307527241 && t > 0.63514895238 && t < 0.63514895239 ? 0 : 1;
}
END
for x87 in "${CC:-cc} -m32" 'i686-linux-gnu-gcc -static'; do
	if $x87 -dM -E - </dev/null 2>x87.err | grep -q __clang__; then
		echo "not tried: $x87" # it rounds when it likes
		continue
	fi
	$x87 -O2 -mfpmath=387 main.c narrow.c -lm -o narrow 2>x87.err && ./narrow
	case $? in
	0) pass ;;
	*) if [ -x narrow ]; then fail "exp on x87 by $x87"; else echo "not tried: $x87"; fi ;;
	esac
	rm -f narrow
done

cat >M_mass.sg <<'END'
input x[N], FP_in[N]
M_x = exp(x)*FP_in
SGRT_s, _ = scan((c, r) -> (c*r, r), 1.0, over=M_x)
output SGRT_s, sum(M_x) as M_sum, sum(x) as __sum, x as SGRT_OK
gradient SGRT_s wrt x
END
for prefix in M_mass sgrt_ SGRT_OK FP_1; do
	expect "names that begin as C's and ours do: $prefix" 0 '' '' compile M_mass.sg --prefix=$prefix -o $prefix
	status 'it compiles' 0 ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror "-I$builddir/runtime" -c $prefix/$prefix.c
done
expect 'many arguments' 0 '' '' compile many.sg -o .
grep -q '^	 \{39\}grad_slope, ' many.c && ! expand -t 8 many.c | grep '.\{101\}' | grep -v '"\|NULL},'
judge 'are broken below one another, at the width' $?
expect 'entries that are called like bodies' 0 '' '' compile wide.sg --standalone --openmp
echo 'int main(void) { return 0; }' >nothing.c
for flags in -O0 -O2 '-O2 -DSGRT_ONE_WIDTH' '-O1 -fopenmp' -Os; do
	${CC:-cc} $flags nothing.c -o nothing 2>nothing.err || continue # without OpenMP
	status "compiles with $flags" 0 ${CC:-cc} -std=c11 $flags -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
		-Wno-unknown-pragmas -Werror wide_main.c wide.c -lm -o wide_main
	status 'and is right' 0 ./wide_main
done

# ---- sums over extents that are known: gcc knows how often each loop turns
for n in 1000 1024; do
	cat >sums.sg <<END
real f32
input x[$n]
y = sum(x*x) + max(sin(x))
gradient y wrt x
END
	expect "a sum of $n" 0 '' '' compile sums.sg -o . --standalone
	status "it compiles without a warning" 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion \
		-Wshadow -Werror -c sums.c -o sums.o
done

# ---- numbers that are a dimension, compared with others of the same text
cat >same.sg <<'END'
dim N
output linspace(0.0, 1.0, N)[N-1] as end, arange(N)[N-1] == N - 1 as is, N - 1 < arange(N)[N-1] as below
END
expect 'a dimension beside itself' 0 '' '' compile same.sg -o . --standalone
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Werror -c same.c -o same.o

# ---- the workspace that info tells is that of the C
cat >room.sg <<'END'
input W[4, 3], X[N, 3], t[N]
entry each = map((x, t) -> grad((sum(tanh(W @ x)) - t)**2, W), X, t) as G
entry all = det(X.T @ X + eye(3)) as d, sum((X @ W.T)**2) as q
END
expect 'workspaces' 0 '' '' compile room.sg -o .
"$SYMGRAD" info room.sg | sed -n 's/^  workspace *\([0-9]*\) bytes$/\1/p' >told
sed -n '/^room_[a-z]*_work(ptrdiff_t N)$/,/^}/s/^	return \([0-9]*\);$/\1/p' room.c | cmp -s - told && [ "$(grep -c . told)" = 2 ]
judge 'are what info says' $?

# ---- what is not infinite, of which gcc thinks that it is more than 0 or 1
cat >finite.sg <<'END'
input x[N], m: bool[N], q[N, 3], k[N, 3], v[N, 3]
y = attention(q, k, v, mask=where(arange(N)[:, None] >= arange(N), 0.0, -1e9))
output x != inf as a, not (x == -inf) as b, where(x != inf and m, x, 0) as c, m and -inf != x as d, any(x != inf) as e,
       sum(x != inf) as f, not (x > -inf) as g, (inf != x)*x as h, not (x == inf and m) as i
gradient sum(y**2) as s wrt q, k, v
END
expect 'comparisons with infinity' 0 '' '' compile finite.sg -o . --standalone
for optimise in -O0 -O2; do
	status "they compile without a warning at $optimise" 0 ${CC:-cc} -std=c11 $optimise -Wall -Wextra -Wpedantic \
		-Wconversion -Wshadow -Werror -c finite.c -o finite.o
done
for c in interp cc; do
	"$SYMGRAD" run --backend=$c --format=json finite.sg forward 'x=["inf","-inf","nan",2]' 'm=[true,true,false,true]' >$c.json 2>&1
done
cmp -s interp.json cc.json
judge 'and are what the evaluator says' $?

# ---- sums that lie in a tile, which has no index of its own
cat >curved.sg <<'END'
real f32
input x[N, 10], y[N, 2]
param w[2, 10]
o = sigmoid(x @ w.T)
loss = mse_loss(o, y)
entry curvature = hessian(loss, w) as H, norm(grad(loss, w)) as slope
END
expect 'a Hessian' 0 '' '' compile curved.sg -o . --standalone
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Werror -c curved.c -o curved.o
expect 'forces of all on all' 0 '' '' compile "$srcdir/examples/lennard_jones.sg" -o . --standalone
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Werror -c lennard_jones.c -o lennard_jones.o

# ---- operands of a routine that no index stands in, and an array over one of a later line
cat >turned.sg <<'END'
input x[N], k: i64[N], m: f32[M]
def wave(v, n) = dot(broadcast_to(v, [2])[arange(7) % 2], broadcast_to(v, [7]))
waves = map((u, n) -> map(wave, broadcast_to(-0.07, [N]), arange(N)), broadcast_to(1, [N]), arange(N))
ways = [N, N][cast(broadcast_to(x, [M, N])*3, i64) @ broadcast_to(5, [N]) % N]
flags = all(broadcast_to(1 < 2, [M, N, 2])[k % M], axis=1)
found = concat((flags, [N][arange(M) % 2*N][map((q, i) -> [2], x, arange(N))]), axis=1)[:, ::2][cast(3, i32) % 2*N]
output ways, found
entry sums = sum(sin(waves)) as s, zeros([N, M]) as z
END
expect 'arrays in turned tiles' 0 '' '' compile turned.sg -o . --standalone
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Werror -c turned.c -o turned.o

# ---- elements of what was padded with: no N < N
cat >beside.sg <<'END'
input x[N], m[N, 3]
p = pad(sin(x), ((0, 1),))
output p[N:] as a, flip(p)[0] as b, reshape(p, [N + 1, 1])[N, 0] as c, (pad(m, ((1, 0), (0, 0))).T)[:, 0] as d,
       p[-1:0:-1][:2] as e, p[:1] as f
gradient sum(reshape(p, [N + 1, 1])[N]) + sum(p[N:]) + sum(p[:2]) as g wrt x
END
expect 'what was padded' 0 '' '' compile beside.sg -o . --standalone
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Werror -c beside.c -o beside.o
expect 'is 0 beside it' 0 \
	'{"a": [0], "b": 0, "c": 0, "d": [0, 0, 0], "e": [0, 0.1411200080598672], "f": [0.8414709848078965]}' '' \
	run --format=json beside.sg forward x='[1, 2, 3]' m='[[1, 2, 3], [4, 5, 6], [7, 8, 9]]'

# ---- what loops in loops get and do not read
cat >unread.sg <<'END'
input x[N], w, u, v[3], xs[K], ys[K, 2]
def f(a, b) { c, d, e, g = scan((c, d, e, g, k) -> (c + a, d, e, g), (a, x, u, v), over=arange(3)); return c*b }
def g(a, b, q) { c, d, e = scan((c, d, e, k) -> (c + a, d, e), (a, b, q), over=arange(3)); return c }
entry s = scan(f, w, over=[1.0, 2.0]) as y, scan(g, w, over=(xs, ys)) as z
END
expect 'arrays that are handed on' 0 '' '' compile unread.sg -o . --standalone
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Werror -c unread.c -o unread.o

# ---- threads
cat >wide.sg <<'END'
input x[N, M], i: i64[K]
param w[M, M]
y = softmax(tanh(x @ w)[i])
loss = sum(y*x[i]) + max(x)
gradient loss wrt w, x
END
expect 'OpenMP' 0 '' '' compile wide.sg -o omp --openmp --standalone
test "$(grep -c '^	SGRT_PARALLEL' omp/wide.c)" -gt 5
judge 'has parallel loops' $?
for flag in '' -fopenmp; do
	if [ -n "$flag" ] && ! echo 'int x;' | ${CC:-cc} "$flag" -x c -c -o have.o - 2>have.err; then continue; fi
	# shellcheck disable=SC2086
	status "it compiles without a warning, with flag '$flag'" 0 ${CC:-cc} $flag -std=c11 -O -Wall -Wextra \
		-Wpedantic -Wconversion -Wshadow -Werror -c omp/wide.c -o wide.o
done

# ---- what takes many numbers at once
cat >waves.sg <<'END'
input x[N], y[3], p
output sum(sin(x)**2 * abs(x)**p) as s, cos(y) as c, x**2 as q
END
expect 'a loop over sines' 0 '' '' compile waves.sg -o waves --standalone
grep -q '^			sgrt_vsin_f64(stop - chunk, &x\[chunk\], sine);$' waves/waves.c &&
	grep -q '^			sgrt_vpow_f64(stop - chunk, power, 1, &exponent, 0, power);$' waves/waves.c
judge 'goes by chunks' $?
! grep -q 'sgrt_vcos_f64' waves/waves.c
judge 'but not few turns' $?
for c in "${CC:-cc}" clang; do
	if ! command -v "${c%% *}" >have.out; then continue; fi
	# shellcheck disable=SC2086
	status "$c compiles it without a warning" 0 $c -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion \
		-Wshadow -Werror -c waves/waves.c -o waves.o
done

cat >angles.sg <<'END'
input x[N], y[N]
a = sqrt(x**2 + y**2)
output x*cos(a) + y*sin(a) + a as s
END
expect 'sine and cosine of one angle' 0 '' '' compile angles.sg -o angles --standalone
[ "$(grep -c 'sqrt(x\[' angles/angles.c)" = 1 ] &&
	grep -q '^		sgrt_vcos_f64(stop - chunk, operand, cosine);$' angles/angles.c &&
	grep -q '^		sgrt_vsin_f64(stop - chunk, operand, sine);$' angles/angles.c
judge 'take it from one array' $?
for of in '[0.5,-2,3e8,0,1e-200]' '[]'; do
	"$SYMGRAD" run --backend=interp angles.sg "x=$of" "y=$of" >wanted 2>&1
	"$SYMGRAD" run --backend=cc angles.sg "x=$of" "y=$of" >got 2>&1
	cmp -s wanted got
	judge "angles by $of by cc are what the evaluator says" $?
done

cat >chosen.sg <<'END'
input x[N], y[M], k: i64[K], l: i64[K]
output sin(x[k])*y[l] + x[k] as s
END
expect 'sines of what indices choose' 0 '' '' compile chosen.sg -o chosen --standalone
[ "$(grep -c 'return SGRT_EINDEX;' chosen/chosen.c)" = 2 ] &&
	[ "$(grep -c 'if (at[0-9]* < 0)' chosen/chosen.c)" = 4 ]
judge 'check the indices before the loop that reads there' $?
for of in 'k=[0,-1,1] l=[1,0,-2]' 'k=[0,2,1] l=[0,0,0]' 'k=[0,1,1] l=[0,0,-3]' 'k=[] l=[]'; do
	# shellcheck disable=SC2086
	"$SYMGRAD" run --backend=interp chosen.sg 'x=[1,2]' 'y=[3,4]' $of >wanted 2>&1
	# shellcheck disable=SC2086
	"$SYMGRAD" run --backend=cc chosen.sg 'x=[1,2]' 'y=[3,4]' $of >got 2>&1
	cmp -s wanted got
	judge "chosen by $of by cc are what the evaluator says" $?
done

# ---- samples that do not count
cat >classes.sg <<'END'
input x[N, 4], label: i32[N]
param w[4, 3]
loss = cross_entropy(x @ w, label)
gradient loss wrt w
END
expect 'a net with classes' 0 '' '' compile classes.sg -o classes
! grep -q 'grad_w.*sgrt_where' classes/classes.c
judge 'does not ask for each weight whether a sample counts' $?
cat >stacked.sg <<'END'
input x[N, K], z[K]
h, hs = scan((h, r) -> (sin(h) + r, h), z, over=x)
output hs
END
expect 'a carry that is stacked' 0 '' '' compile stacked.sg
grep -q 'h_next = t + 1 < N ? hs + (t + 1) \* K : h_space;$' stacked.c && ! grep -q ' = h\[i\];$' stacked.c
judge 'lies in the stack, and nothing is copied there' $?

# ---- tables that say where
cat >tables.sg <<'END'
input x[7], y[3], k: i64
inside  = [3*j%7 for j in 0..40]
back    = [j%6 - 3 for j in 0..40]
numbers = x[inside]*y[back] + k*inside
d = sum(numbers**2) + y[2]*x[3]
entry values   = numbers
entry gradient = grad(d, x) as gx, grad(d, y) as gy
entry outside  = x[[0, 7]] as z
END
expect 'indices that stand in the text' 0 '' '' compile tables.sg -o tables --standalone
grep -q '^static const uint8_t tables_inside' tables/tables.c &&
	grep -q '^static const int64_t tables_inside' tables/tables.c
judge 'are tables of small numbers, beside the numbers as such' $?
sed -n '/^tables_values(/,/^}/p' tables/tables.c >values.c
test "$(grep -c 'return SGRT_EINDEX' values.c)" = 1 && grep -q 'if (at < 0)$' values.c
judge 'are checked where some count from the end' $?
grep -q 'const ptrdiff_t at2 = tables_inside' values.c
judge 'and read as they are where all lie inside' $?
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Werror -c tables/tables.c -o tables.o
machine='jit cc'
"$SYMGRAD" --version | grep -q jit || machine=cc
for entry in values gradient outside; do
	"$SYMGRAD" run --backend=interp tables.sg $entry 'x=[1,2,3,4,5,6,7]' 'y=[8,9,10]' k=3 >wanted 2>&1
	for backend in $machine; do
		"$SYMGRAD" run --backend=$backend tables.sg $entry 'x=[1,2,3,4,5,6,7]' 'y=[8,9,10]' k=3 >got 2>&1
		cmp -s wanted got
		judge "$entry by $backend is what the evaluator says" $?
	done
done

# ---- blocks of zeros
cat >blocks.sg <<'END'
input a[N, 40], b[40, 30]
near = b*cast(arange(40)[:, None]//8 == (arange(30)%20//4)[None, :], f64)
entry wrong = max(abs(a @ near - sum(a[:, :, None]*near, axis=1))) as wrong
END
cat >blocks_main.c <<'END'
#include "blocks.h"

#include <stdlib.h>

int
main(void)
{
	static double a[60 * 40], b[40 * 30];
	double wrong = 1;
	void *work = calloc(1, blocks_wrong_work(60) + 1);

	for (int i = 0; i < 60 * 40; i++)
		a[i] = i % 17 - 7.5;
	for (int i = 0; i < 40 * 30; i++)
		b[i] = i % 13 - 5.5;
	return blocks_wrong(60, a, b, &wrong, work) != SGRT_OK || wrong > 1e-9;
}
END
expect 'a product with blocks of zeros' 0 '' '' compile blocks.sg -o blocks --standalone
for flags in -O2 -O0 '-O0 -U__SSE2__ -U__ARM_NEON'; do
	# shellcheck disable=SC2086
	${CC:-cc} -std=c11 $flags -Iblocks blocks/blocks.c blocks_main.c -o blocks_main -lm && ./blocks_main
	judge "is right with $flags" $?
done

# ---- small arrays
cat >small.sg <<'END'
input a[4, 4] = rand([4, 4], seed=1), b[B, 4, 4] = rand([B, 4, 4], seed=2), x[N, 4, 4] = rand([N, 4, 4], seed=3)
input y[N, 40] = rand([N, 40], seed=4)
def step(m, y) = if m[0, 0] < 0.9 then m @ y/3 else y @ m.T @ y/3
m = scan(step, a, over=b)
entry few   = x @ m.T as moved, jacobian(m, a, mode="forward") as of_a
entry small = x @ (if sum(a) < 1 then a @ a else a @ a.T)[0:3].T as moved
entry large = y @ exp(y[0:9].T) as moved
END
expect 'small arrays' 0 '' '' compile small.sg -o small --standalone
sed -n '/^small_small_any(/,/^}/p;/^small_small(/,/^}/p' small/small.c >values.c
grep -q 'double [a-z0-9_]*\[1[26]\]' values.c && ! grep -q 'double \*const' values.c
judge 'are variables' $?
sed -n '/^small_large_any(/,/^}/p;/^small_large(/,/^}/p' small/small.c >values.c
grep -q 'double \*const' values.c && ! grep -q 'double [a-z0-9_]*\[[0-9]*\]' values.c
judge 'large ones are not' $?
for level in -O1 -O2 -O3; do
	status "it compiles with $level without a warning" 0 ${CC:-cc} -std=c11 $level -Wall -Wextra -Wpedantic \
		-Wconversion -Wshadow -Werror -c small/small.c -o small.o
done
for entry in few small large; do
	for sizes in 'B=5 N=12' 'B=1 N=10' 'B=0 N=9'; do
		# shellcheck disable=SC2086
		"$SYMGRAD" run --backend=interp small.sg $entry $sizes >wanted 2>&1
		for backend in $machine; do
			# shellcheck disable=SC2086
			"$SYMGRAD" run --backend=$backend small.sg $entry $sizes >got 2>&1
			cmp -s wanted got
			judge "$entry by $backend, $sizes, is what the evaluator says" $?
		done
	done
done

# ---- functions of one angle
cat >turns.sg <<'END'
input a[4], b
p = cos(a[1])*exp(b) + sin(b)*sin(a[2])
q = sin(a[1])*p + tan(b)*p
output q + cos(b)*p as q, cos(a[2])*q as r
END
expect 'several angles' 0 '' '' compile turns.sg -o turns
test "$(sed -n 's/.* = [a-z]*(\([ab].*\));$/\1/p' turns/turns.c | tr '\n' ' ')" = 'a[1] a[1] b[0] b[0] b[0] a[2] a[2] '
judge 'have their functions side by side' $?

cat >skin.sg <<'END'
input theta[9] = rand([9], seed=1), weights[V, 5] = rand([V, 5], seed=2), base[V, 4] = rand([V, 4], seed=3)
input at: i64[n, 2] = cast(V*rand([n, 2], seed=4), i64)
input inverse[5, 4, 4] = rand([5, 4, 4], seed=5), x[V, 3], w[3, 18]
bones = [[[sin(theta[k])*theta[(j + k) % 9], cos(theta[j]), theta[k], 1.0*k] for j in 0..3] for k in 0..5]
turn  = [[theta[5], theta[6], 0.0], [0.0, theta[7], 1.0], [theta[8], 0.0, 1.0]]
hand  = einsum("vb,bij,vj->vi", weights, bones @ inverse, base) @ turn
y     = hand[at[:, 0]] - hand[at[:, 1]]
entry slopes = jacobian(y, theta, mode="forward") as j
entry few    = x @ w as y
entry same   = max(abs(jacobian(y, theta, mode="forward") - jacobian(y, theta, mode="reverse"))) < 1e-12 as same
END
expect 'a skinned hand' 0 '' '' compile skin.sg -o skin
grep -q 'j\[i \* 27 + j2\] = t_hand\[j2 + at3 \* 27\] - t_hand\[j2 + at2 \* 27\];' skin/skin.c
judge 'has its tangents stored as its Jacobian reads them' $?
sed -n '/^skin_slopes_any/,/^}/p' skin/skin.c | grep -q 't[0-9]*\[i \* 20 + j2* \* 5 + k\( - row \* 20\)*\] = [wb]'
judge 'multiplies along the longer of two axes that are summed' $?
! sed -n '/^skin_few(/,/^}/p' skin/skin.c | grep -q sgrt_matmul
judge 'and sums few terms in loops' $?
for backend in interp jit cc; do
	if [ $backend = jit ] && ! "$SYMGRAD" --version | grep -q jit; then continue; fi
	expect "its Jacobian is that of the reverse mode by $backend" 0 'same = True' '' \
		run --backend=$backend skin.sg same --dim=V=600 --dim=n=300
done

cat >joints.sg <<'END'
input q[9], far
def add(z, a) = z*sin(a) + cos(a)*z**2
def go(k, z) = if k == 9 then z else go(k + 1, add(z, q[k]))
tip = go(0, 1.0)
entry all   = tip as tip, cos(far) as c
entry slope = grad(tip, q) as s
entry some  = sin(q[1])*sin(q[2]) as p, if far > 0 then sum([sin(q[3])*sin(q[k]) for k in 0..9]) else 0.0 as w
END
expect 'many joints' 0 '' '' compile joints.sg -o joints
grep -q '^	sgrt_vcos_f64(9, &q\[0\], &t\[0\]);$' joints/joints.c
judge 'have their cosines taken at once' $?
! sed -n '/^joints_some(/,/^}/p' joints/joints.c | grep -q sgrt_vsin
judge 'but not those that wait for a condition, nor for what needs few' $?
for entry in all slope some; do
	"$SYMGRAD" run --backend=interp joints.sg $entry 'q=[1,2,3,4,5,6,7,8,1e9]' far=2 >wanted 2>&1
	"$SYMGRAD" run --backend=cc joints.sg $entry 'q=[1,2,3,4,5,6,7,8,1e9]' far=2 >got 2>&1
	cmp -s wanted got
	judge "$entry of joints by cc is what the evaluator says" $?
done

# ---- at fault
mkdir empty
expect 'a fault in the last model' 1 '' '*' compile net.sg bad.sg -o empty
test -z "$(files empty)"
judge 'leaves the folder as it was' $?
expect 'all models are judged' 1 '' '*' compile bad.sg no-such.sg net.sg
grep -q '^bad.sg:1:8: error' err && grep -q 'no-such.sg' err
judge 'and all faults told' $?
expect 'a folder that cannot be' 1 '' "symgrad compile: error: cannot make the folder 'no/where/': No such file or directory" \
	compile net.sg -o no/where
touch a.txt
expect 'a folder where a file is' 1 '' "symgrad compile: error: cannot make the folder 'a.txt/': a file has that name" \
	compile net.sg -o a.txt
rm a.txt
expect 'a file that cannot be' 1 '' "symgrad compile: error: cannot write 'no/a.c': No such file or directory" \
	compile net.sg -o no/a.c
expect 'two models of one name' 1 '' "symgrad compile: error: two of the models would write 'net.c'" compile net.sg net.sg
expect 'the source is not overwritten' 1 '' \
	"symgrad compile: error: 'net.sg' would be written over the model that was read; give --output another name" \
	compile net.sg --emit=sg
grep -q '^gradient loss wrt w$' net.sg
judge 'it is still there' $?
if [ "$(id -u)" != 0 ]; then
	mkdir locked && chmod 555 locked
	expect 'a folder that is locked' 1 '' "symgrad compile: error: cannot write 'locked/net.c': Permission denied" \
		compile net.sg -o locked
fi
mkdir full && mkdir full/net.h
expect 'a name that is a folder' 1 '' "symgrad compile: error: cannot write 'full/net.h': it is a folder" \
	compile net.sg -o full
test "$(files full)" = net.h
judge 'the other file is not left there' $?
mkdir limited
(ulimit -f 1 && exec "$SYMGRAD" compile net.sg --standalone -o limited) >out 2>err
test $? = 1 && grep -q "^symgrad compile: error: cannot write 'limited/net.c': File too large" err
judge 'a file beyond the limit on sizes is an error' $?
test -z "$(files limited)"
judge 'and nothing of it is left' $?

# ---- what a graph has been made into
cat >summed.sg <<'END'
input x[N, D], w[D, J]
param m[D]
y = sum(((x - m) @ w)**2)
gradient y wrt m
END
"$SYMGRAD" compile --emit=ir -o - summed.sg >out.ir
test "$(grep -c 'contract .*\[N, J\]' out.ir)" = 1 && grep -q 'contract .*\[D\]' out.ir &&
	! grep -q 'contract .*\[N, D\]' out.ir
judge 'what is summed up after a product is summed up before it' $?
"$SYMGRAD" run summed.sg 'x=[[1, 2], [3, -1], [0.5, 4]]' 'w=[[1, 2, 0], [0, -1, 3]]' 'm=[1, 1]' --format=json >out.json
grep -q '"grad_m": \[-7, -34\]' out.json
judge 'and the gradient is the same' $?
cat >equal.sg <<'END'
input x[N, M]
entry e = sum(broadcast_to(x[:, None, :, None], [N, 3, M, 2]), axis=(0)) as a,
  sum(broadcast_to(x[:, None, :, None], [N, 3, M, 2]), axis=(2, 3)) as b
END
"$SYMGRAD" compile --emit=ir -o - equal.sg >out.ir
! grep -q 'sum .*\[3, M, 2\]' out.ir && grep -q 'sum .*: f64\[M\]' out.ir && grep -q 'sum .*: f64\[N\]' out.ir
judge 'a sum of what is equal along an axis is taken once' $?
expect 'and is that sum' 0 '*' '' run equal.sg e 'x=[[1, 2], [3, 5]]' --format=json
grep -q '"a": \[\[\[4, 4\], \[7, 7\]\], \[\[4, 4\], \[7, 7\]\], \[\[4, 4\], \[7, 7\]\]\], "b": \[\[6, 6, 6\], \[16, 16, 16\]\]' out
judge 'with its shape' $?

# ---- roots, without which errno may be set
cat >roots.sg <<'END'
input x[N], y[N], z: f32[N]
entry root = sqrt(x) + y as a, sqrt(z) as b
END
cat >nearly.sg <<'END'
input x[N]
entry e = log(x) as y  # by a routine that speaks of sqrt(2)
END
"$SYMGRAD" compile --standalone roots.sg nearly.sg
grep -q '(sqrt)(double) __attribute__((const));' roots.c && grep -q 'sqrt(2)' nearly.c && ! grep -q '(sqrt)' nearly.c
judge 'what takes roots says that no one asks for errno' $?
if [ "$(uname -m)" = x86_64 ]; then
	${CC:-cc} -std=c11 -O3 -S -o roots.s roots.c && grep -q sqrtpd roots.s && grep -q sqrtps roots.s &&
		! grep -q 'call.*sqrt' roots.s
	judge 'and loops that do become SIMD' $?
fi

# ---- products, which may leave out roundings under flags by which nothing else may
cat >fused.sg <<'END'
input a[M, K], b[K, N], c[M, K]
entry product = a @ b as y
entry apart = a*c + a as y
END
"$SYMGRAD" compile --standalone fused.sg
if [ "$(uname -m)" = x86_64 ] && ! ${CC:-cc} --version | grep -q clang; then
	${CC:-cc} -std=c11 -O2 -march=x86-64-v3 -ffp-contract=off -S -o fused.s fused.c
	awk '/^[a-z_0-9.]*:/ { name = $1 } /vfmadd/ { print name }' fused.s | sort -u >names
	test -s names && ! grep -q '^fused_' names
	judge 'products fuse multiplication and addition, and what the model says does not' $?
fi

# ---- products and sums of known extents
cat >known.sg <<'END'
real f32
input x[8, 8], v[32, 20], w[20, 6]
entry loops = x @ x as y
entry call = v @ w as y
entry columns = sum(x*x, axis=0) as y
END
"$SYMGRAD" compile --standalone known.sg
grep -q 'known_loops_any(.*' known.c && ! awk '/^known_loops_any/, /^}/' known.c | grep -q sgrt_matmul
judge 'a small product has loops' $?
awk '/^known_call[(]/, /^}/' known.c | grep -q sgrt_matmul_f32
judge 'a product of narrow rows is a call' $?
awk '/^known_(loops|columns)_any/, /^}/' known.c >text
grep -q '_acc\[8\];' text && ! grep -q strip text
judge 'what is summed up side by side has arrays of its length' $?

# ---- loops that compilers make SIMD of without being told of a processor
workload() { # NAME OPTION...: its C
	name=$1
	shift
	"$SYMGRAD" compile --standalone "$srcdir/examples/workloads/$name.sg" "$@" -o "$name.c"
}
loop_of() { # FILE TEXT WORDS: the line where the loop begins that has the words, the first behind the text
	awk -v from="$2" -v words="$3" 'index($0, from) == 1 { inside = 1 } /for \(/ { loop = NR }
		inside && index($0, words) { print loop; exit }' "$1"
}
if [ "$(uname -m)" = x86_64 ] && ! ${CC:-cc} --version | grep -q clang; then
	while read -r name function words; do
		workload "$name"
		${CC:-cc} -std=gnu11 -O2 -fopt-info-vec-optimized -c "$name.c" -o "$name.o" 2>"$name.vec"
		grep -q "^$name.c:$(loop_of "$name.c" "$function(" "$words"):.*32 byte vectors" "$name.vec"
		judge "$function goes by vectors of 32 bytes at -O2" $?
	done <<'END'
lse sgrt_exp_lanes_f64_avx2 j < 16; j++
llsq sgrt_moments_near_f64 sum[i] +=
END
	printf 'real f32\ninput a[8, 8], b[8, 8]\noutput a @ b as y\n' >eights.sg
	"$SYMGRAD" compile --standalone eights.sg -o eights.c
	${CC:-cc} -std=gnu11 -O3 -mavx2 -mfma -S -o eights.s eights.c
	! awk '/^[a-z_0-9.]*:/ { name = $1 } name ~ /^eights_forward/' eights.s | grep -qE 'vunpck|vgather'
	judge 'small products go along the rows at -O3, and gather no columns' $?
	for made in 'output erf(x) as y' 'gradient sum(gelu(x)) as y wrt x'; do
		printf 'input x[N]\n%s\n' "$made" >normal.sg
		"$SYMGRAD" compile --standalone normal.sg -o normal.c
		${CC:-cc} -std=gnu11 -O2 -fopt-info-vec-optimized -c normal.c -o normal.o 2>normal.vec
		grep -q 'loop vectorized using 32 byte vectors' normal.vec
		judge "$made goes by vectors at -O2" $?
	done
	printf 'input x[N], y[N]\noutput sum((x - y)**2) as s\n' >squares.sg
	"$SYMGRAD" compile --standalone squares.sg -o squares.c
	${CC:-cc} -std=gnu11 -O2 -S -o squares.s squares.c
	[ "$(awk '/^[a-z_0-9.]*:/ { name = $1 } name ~ /_any_avx2/' squares.s | grep -c 'vfmadd231pd.*%ymm')" -ge 8 ]
	judge 'the lanes of a sum are in registers at -O2' $?
	printf 'real f32\ninput x[N, 1, 28, 28]\ngradient sum(max_pool2d(x, 2)**2) as y wrt x\n' >pool.sg
	"$SYMGRAD" compile --standalone pool.sg -o pool.c
	${CC:-cc} -std=gnu11 -O2 -fopt-info-vec-optimized -c pool.c -o pool.o 2>pool.vec
	grep -q "^pool.c:$(loop_of pool.c pool_gradient_any 'best ='):.*32 byte vectors" pool.vec
	judge 'and so do the largest of few and where they were' $?
fi
if [ "$(uname -m)" = x86_64 ] && command -v clang >have.out; then
	workload lstm --dim=L=2
	clang -std=c11 -O2 -Wall -Wextra -Werror -Rpass=loop-vectorize -c lstm.c -o lstm.o 2>lstm.vec
	for words in 'lane < 8; lane++' 'lane < to - at; lane++'; do
		grep -q "^lstm.c:$(loop_of lstm.c lstm_objective_any "$words"):.*vectorized loop" lstm.vec
		judge "clang makes SIMD of a loop over many arrays where $words" $?
	done
fi

# ---- what may fail, where slices take all of it, or some
cat >apart.sg <<'END'
input x[N], i: i64[M, 2]
g = x[i]
entry all = g[:, 0] + 2*g[:, 1] as y
entry some = g[:, 1] as y
END
"$SYMGRAD" info --format=json apart.sg | grep -q '"workspace": "0"}, .*"workspace": "4096"}'
judge 'is an array of its own in the latter case alone' $?

# ---- diff
expect 'a derivative as a mathematician writes it' 0 '*' '' diff -e 'sin(x)**2' --wrt x
grep -q '2\*sin(x)\*cos(x)' out
judge 'simplified' $?
expect 'a model, differentiated' 0 '*' '' diff net.sg
cp out diffed.sg
"$SYMGRAD" run diffed.sg 'x=[[1, 2, 3]]' >a 2>&1 && cmp -s a b
judge 'compiles again and gives the same numbers' $?
expect 'LaTeX' 0 '*' '' diff -e 'sqrt(x)' --wrt x --latex
grep -q '\\frac\|\\sqrt' out
judge 'is LaTeX' $?
cat >curved.sg <<'END'
input x[N, 3], y[N, 2]
param w[2, 3]
loss = mean((tanh(x @ w.T) - y)**2)
entry curvature = hessian(loss, w) as H, norm(grad(loss, w)) as slope
END
expect 'a Hessian as LaTeX' 0 '*' '' diff curved.sg --latex
grep -q 'operatorname{einsum}_{[a-z]*,[a-z]* .to [a-z]*}' out
judge 'says which axes products are summed over' $?

cat >nothing.sg <<'END'
input x[N], p: bool
y = if p then scan((c, v) -> c*v, 1.5, over=x) else 2*sum(exp(x))
gradient y wrt x
END
cat >call.c <<'END'
#include "nothing.h"
int main(void)
{
	double y, x = 0;
	uint8_t p = 1;
	return nothing_gradient(0, &x, &p, &y, &x, 0) != 0 || y != 1.5;
}
END
expect 'a workspace that may be empty' 0 '' '' compile nothing.sg --standalone -o nothing.c
for c in gcc clang; do
	printf 'int main(void) { return 0; }\n' >none.c
	"$c" -fsanitize=undefined none.c -o none >none.out 2>&1 && ./none || continue
	"$c" -g -fsanitize=undefined -fno-sanitize-recover=undefined nothing.c call.c -o nothing -lm && ./nothing
	judge "is NULL without a fault, says $c" $?
done

cat >variation.sg <<'END'
input u[H, W] = rand([H, W], seed=7), weight = 0.3
dx = u[:-1, 1:] - u[:-1, :-1]
dy = u[1:, :-1] - u[:-1, :-1]
tv = sum(sqrt(dx**2 + dy**2 + 1e-6))
gradient tv wrt u
entry both = 0.5 * sum(u**2) + weight * tv as y, grad(0.5 * sum(u**2) + weight * tv, u) as grad_u
END
expect 'a stencil that is summed up by lanes' 0 '*' '' compile variation.sg --entry=gradient -o -
grep -A4 SGRT_INDEPENDENT out | grep -q "grad_u\[i \* W + j + 1\] += kept"
judge 'adds to the neighbours of all lanes in a loop of its own' $?
expect 'a stencil whose rows go tile by tile' 0 '*' '' compile variation.sg --entry=both -o -
test "$(grep -A1 SGRT_INDEPENDENT out | grep -c '(ptrdiff_t j = from; j < to; j++)')" = 2
judge 'adds to neighbours in a loop of its own' $?
printf 'input a[H, W], b[H, W]\noutput max(abs(a - b)) < 1e-12 as near\n' >near.sg
for w in 3 600; do
	for e in gradient both; do
		for b in cc interp; do
			"$SYMGRAD" run variation.sg $e --dim=H=130 --dim=W=$w --backend=$b -o $b.npz
		done
		prints "$e is right for rows of $w" '{"near": true}' \
			"$SYMGRAD" run near.sg a=@cc.npz:grad_u b=@interp.npz:grad_u --format=json
	done
done

cat >short.sg <<'END'
input a[N, 2, H] = randn([N, 2, H], seed=3), b[H, 2] = randn([H, 2], seed=4), c[N, H] = rand([N, H], seed=5)
output sum(a * b.T, axis=(0, 1)) as s, sum(a**2 * b.T, axis=(0, 1)) as t, sum(a * c[:, none, :] * b.T) as u
END
expect 'a sum over a long axis and a short one' 0 '*' '' compile short.sg -o -
grep -A12 'from < N; from += 128' out | grep -q 'lane < width'
judge 'goes along rows, in blocks of the long one' $?
printf 'input a[H], b[H]\noutput max(abs(a - b)) < 1e-11 as near\n' >near.sg
for size in '300 9' '5 200' '0 3'; do
	set -- $size
	for b in $machine interp; do
		"$SYMGRAD" run short.sg --dim=N="$1" --dim=H="$2" --backend=$b -o $b.npz
	done
	for b in $machine; do
		for v in s t; do
			prints "$v is right for $size by $b" '{"near": true}' \
				"$SYMGRAD" run near.sg a=@$b.npz:$v b=@interp.npz:$v --format=json
		done
	done
done

cat >near.sg <<'END'
input nb: i32[N, K], q[N, 3]
r2 = sum((q[nb] - q[:, None, :])**2, axis=2)
gradient sum(where(r2 > 0, log(r2), 0)) as y wrt q
END
expect 'what a where() leaves out of a sum' 0 '*' '' compile near.sg -o -
! grep -q 'uint8_t \*' out
judge 'is 0 there, and asked no more where it went' $?
for b in $machine interp; do
	prints "nor is it NaN, by $b" '{"y": 2.772588722239781, "grad_q": [[-2, 0, 0], [2, 0, 0]]}' \
		"$SYMGRAD" run near.sg nb='[[0, 1], [1, 0]]' q='[[0, 0, 0], [2, 0, 0]]' --backend=$b --format=json
done

cat >diagonal.sg <<'END'
input a[N, K] = randn([N, K], seed=1), b[K, N] = randn([K, N], seed=2), c[3, K, N] = randn([3, K, N], seed=3)
d = sum(a * b.T, axis=1)
e = sum(a * transpose(c, (0, 2, 1)), axis=2)
x = diag(a @ b); y = diag((a @ b).T); z = diag(a @ c)
near = max(abs(x - d)) + max(abs(y - d)) + max(abs(z - e)) + max(abs(grad(trace(a @ b), a) - b.T))
output near < 1e-11 as near
END
for b in $machine interp; do
	prints "diagonals of products are right, by $b" '{"near": true}' \
		"$SYMGRAD" run diagonal.sg forward --dim=N=7 --dim=K=5 --backend=$b --format=json
done
cat >laplace.sg <<'END'
input p[N, 2] = randn([N, 2], seed=1)
param w[H, 2] = randn([H, 2], seed=2), v[H] = randn([H], seed=3)
def u(x) = dot(v, tanh(w @ x))
gradient mean(map((x) -> trace(hessian(u(x), x)), p)**2) as loss wrt w, v
END
expect 'the gradient of a Laplacian' 0 '*' '' check laplace.sg --dim=N=5 --dim=H=40
! grep -q BAD out
judge 'is right' $?
expect 'one of two axes' 0 '*' '' compile laplace.sg -o -
! grep -B1 'sgrt_matmul_f64(1, 2' out | grep -q 'i < H'
judge 'takes a product for each axis, and not for each unit' $?

# ---- info
"$SYMGRAD" info net.sg >out.txt
judge 'info' $?
for line in 'model net, real f64' 'entry gradient' 'int net_gradient(ptrdiff_t N, ' 'operations ' 'workspace '; do
	grep -q "$line" out.txt
	judge "tells '$line'" $?
done
"$SYMGRAD" info --format=json net.sg >out.json
test "$(wc -l <out.json)" = 1 && grep -q '"name": "gradient"' out.json
judge 'info in JSON is one line' $?

# ---- check
expect 'the gradient proves right' 0 '*' '' check net.sg
grep -qE '^[0-9]+ comparisons agree$' out
judge 'and says so' $?
grep -q 'finite differences' out && grep -q interp out
judge 'against differences and the evaluator' $?
cat >wrong.sg <<'END'
def f(x) = x*x
derivative f(x; dz) = 3*x*dz
input x
gradient f(x) as y wrt x
END
expect 'a check in JSON' 0 '*' '' check curved.sg curvature --format=json
tr '{' '\n' <out | grep '"slope"' >slope && ! grep -v '"at": \(-1\|0\),' slope
judge 'names no element beyond a scalar output' $?
cat >unsuited.sg <<'END'
input x[5], k: i64[3]
y = x[k]
s = sum(y**2)
z = cholesky(outer(x, x))
gradient s wrt x
entry flat = sum(z) as q
END
expect 'data that does not suit an entry' 3 '*' \
	"symgrad check: error: in entry 'flat': a matrix is not positive definite, at unsuited.sg:4:5" check unsuited.sg
grep -q '^gradient  grad_x .* ok ' out && grep -q '^[0-9]* comparisons agree$' out
judge 'is no hindrance to the others' $?
expect 'where an index is out of range' 3 '' \
	"symgrad check: error: in entry 'gradient': an index is out of range, at unsuited.sg:2:5" \
	check unsuited.sg gradient k='[0, 1, 9]'
expect 'a wrong rule is found' 1 '*' '' check wrong.sg
sed -n 2p out | grep -q 'BAD'
judge 'the worst comes first' $?

finish
