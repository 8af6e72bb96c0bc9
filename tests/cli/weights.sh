#!/bin/sh
# symgrad compile --weights: values of params in the C, beside it, and in .npy files.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C
flags='-std=c11 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'

files() { # the files in a folder, in one line
	ls -A "$1" | tr '\n' ' ' | sed 's/ $//'
}

each_compiler() { # each_compiler CLAIM FILE...: compiles each without a warning, into its .o
	what=$1
	shift
	for f; do
		# shellcheck disable=SC2086
		{
			status "$what: $other_cc $f" 0 $other_cc $flags -c "$f" -o "${f%.c}.o"
			status "$what: $f" 0 ${CC:-cc} $flags -c "$f" -o "${f%.c}.o"
		}
	done
}

# ---- a net: forward has its params inside; gradient moves w and v, and takes them still
cat >net.sg <<'END'
input x[N, 3]
param w[3, 24] = 0.3*randn([3, 24], seed=1), b[24] = 0.1*ones([24]), v[24] = linspace(-1, 1, 24)
param scale, k: i64[2] = [0, -1]
h = tanh(x @ w + b)
y = h @ v * scale
output y, h[0][k] as ends
gradient mean(y**2) as loss wrt w, v
entry slope = grad(sum(y), x) as g
END
"$SYMGRAD" eval 'reshape(sin(arange(72)*0.3), [3, 24])' -o w.npz && "$SYMGRAD" eval 'cos(arange(24)*1.7)' -o v.npz
judge 'weights as from elsewhere' $?
printf '1,2,3\n-0.5,0.25,4\n' >x.csv
given='w=@w.npz v=@v.npz:value scale=0.75'
# shellcheck disable=SC2086
{
	"$SYMGRAD" run net.sg forward x=@x.csv $given --format=json >forward.json &&
		"$SYMGRAD" run net.sg slope x=@x.csv $given --format=json >slope.json &&
		"$SYMGRAD" run net.sg gradient x=@x.csv $given --format=json >gradient.json
	judge 'what symgrad run makes of them' $?
}
numbers() { # of file $1, output $2
	tr -d '\n' <"$1" | sed "s/.*\"$2\": \([^\"}]*\).*/\1/; s/[][]//g; s/, *\$//"
}
cat >main.c <<'END'
#include <math.h>
#include <stdio.h>
#include "net.h"

static const double x[6] = {1, 2, 3, -0.5, 0.25, 4};
static _Alignas(64) unsigned char work[1 << 16];

static int
same(const char *name, int n, const double *a, const double *b)
{
	int bad = 0;

	for (int i = 0; i < n; i++)
		if (!(fabs(a[i] - b[i]) <= 1e-13 * (1 + fabs(b[i])))) {
			printf("%s %d: %.17g, not %.17g\n", name, i, a[i], b[i]);
			bad = 1;
		}
	return bad;
}

int
main(void)
{
	static const double want_y[] = {
#include "y.txt"
	}, want_ends[] = {
#include "ends.txt"
	}, want_g[] = {
#include "g.txt"
	}, want_loss[] = {
#include "loss.txt"
	}, want_w[] = {
#include "grad_w.txt"
	}, want_v[] = {
#include "grad_v.txt"
	};
	static double y[2], ends[2], g[6], loss, w[72], v[24], grad_w[72], grad_v[24];
	int bad = 0;

	bad |= net_forward(2, x, y, ends, work);
	bad |= same("y", 2, y, want_y) | same("ends", 2, ends, want_ends);
	bad |= net_slope(2, x, g, work);
	bad |= same("g", 6, g, want_g);
	bad |= net_gradient_defaults(2, NULL, w, v, work);
	bad |= net_gradient(2, x, w, v, &loss, grad_w, grad_v, work);
	bad |= same("loss", 1, &loss, want_loss) | same("grad_w", 72, grad_w, want_w) |
	       same("grad_v", 24, grad_v, want_v);
	return bad;
}
END
for name in y ends; do numbers forward.json $name >$name.txt; done
numbers slope.json g >g.txt
for name in loss grad_w grad_v; do numbers gradient.json $name >$name.txt; done

for how in inline extern; do
	for split in '' --split; do
		dir=$how$split
		# shellcheck disable=SC2086
		expect "$dir" 0 '' '' compile net.sg --weights=$how $given $split --standalone -o "$dir"
		each_compiler "$dir" "$dir"/*.c
		status "$dir: a host" 0 ${CC:-cc} -std=c11 -I"$dir" -I. main.c "$dir"/*.o -lm -o main
		status "$dir: it has the numbers of symgrad run" 0 ./main
		if [ "$other_cc" != : ]; then
			status "$dir: a host, by $other_cc" 0 "$other_cc" -std=c11 -I"$dir" -I. main.c "$dir"/*.c -lm -o main
			status "$dir: it has the same numbers" 0 ./main
		fi
		status "$dir: the header is C++ too" 0 ${CC:-cc} -x c++ -fsyntax-only -Wall -Werror "$dir/net.h"
	done
done
test "$(files extern--split)" = 'net.h net_forward.c net_forward.o net_gradient.c net_gradient.o net_slope.c net_slope.o net_weights.c net_weights.o'
judge 'extern has a file of weights' $?
! grep -q 'static const double net_[wv]' extern/net.c && grep -q '^extern const double net_w\[72\]; /\* \[3, 24\] \*/' extern/net.h
judge 'which alone has them' $?

# Nothing of the values is in the code that reads them.
cat >other.c <<'END'
#include <stdio.h>
#include "net.h"
int main(void)
{
	static const double x[3] = {1, 0.5, 0.25};
	static _Alignas(64) unsigned char work[1 << 16];
	double y, ends[2];

	if (net_forward(1, x, &y, ends, work) != 0)
		return 1;
	printf("%.12g %.12g %.12g\n", y, ends[0], ends[1]);
	return 0;
}
END
expect 'other values' 0 '' '' compile net.sg --weights=extern scale=-3 k='[5, 7]' b='@v.npz' --standalone -o other
each_compiler 'other values' other/net_weights.c
status 'are linked to the code that is there' 0 ${CC:-cc} -std=c11 -Iextern other.c extern/net.o other/net_weights.o -lm -o other.out
want=$("$SYMGRAD" run net.sg forward x='[[1, 0.5, 0.25]]' scale=-3 k='[5, 7]' b=@v.npz --format=json |
	sed 's/[]["{}:,a-z]//g' | awk '{ printf "%.12g %.12g %.12g", $1, $2, $3 }')
prints 'and take effect' "$want" ./other.out
status 'an attribute' 0 ${CC:-cc} -std=c11 -Wall -Werror "-DNET_WEIGHTS=__attribute__((section(\".flash\")))" -c extern/net_weights.c \
	-o placed.o
if command -v readelf >readelf.path; then
	readelf -S placed.o | grep -q '\.flash'
	judge 'places them' $?
fi

# ---- .npy files
# shellcheck disable=SC2086
expect 'files' 0 '' '' compile net.sg --weights=npy $given -o npy
test "$(files npy)" = 'net.c net.h net_b.npy net_k.npy net_scale.npy net_v.npy net_w.npy'
judge 'one for each param' $?
"$SYMGRAD" compile net.sg -o plain && cmp -s plain/net.c npy/net.c
judge 'the C is as ever' $?
"$SYMGRAD" run net.sg gradient x=@x.csv w=@npy/net_w.npy b=@npy/net_b.npy v=@npy/net_v.npy scale=@npy/net_scale.npy k=@npy/net_k.npy \
	--format=json >again.json && cmp -s gradient.json again.json
judge 'symgrad run reads them, defaults too' $?

# ---- a file of all
cat >all.sg <<'END'
output [1.5, 2, 3] as w, [[7]] as other, 4 as b
END
printf 'input x[3]\nparam w[3], b\noutput sum(w*x) + b as y\n' >line.sg
"$SYMGRAD" run all.sg -o all.npz
printf '#include <stdio.h>\n#include "line.h"\nint main(void)\n{\n\tconst double x[3] = {1, 10, 100};\n\tdouble y = 0;\n\n\tif (line_forward(x, &y, 0) != 0)\n\t\treturn 1;\n\tprintf("%%g\\n", y);\n\treturn 0;\n}\n' >line_main.c
expect 'a file of params' 0 '' '' compile line.sg --weights=inline --params=all.npz --standalone -o line
each_compiler 'a file of params' line/line.c
status 'a host' 0 ${CC:-cc} -std=c11 -Iline line_main.c line/line.o -lm -o line.out
prints 'its numbers are there' 325.5 ./line.out
expect 'with one of them given' 0 '' '' compile line.sg --weights=inline --params=all.npz b=0.25 --standalone -o line
each_compiler 'with one of them given' line/line.c
status 'a host' 0 ${CC:-cc} -std=c11 -Iline line_main.c line/line.o -lm -o line.out
prints 'that one counts' 321.75 ./line.out

# ---- all kinds of numbers, to the last bit
cat >odd.sg <<'END'
param a: f32[9], d: f64[7], i: i32[2] = [-2147483648, 2147483647], l: i64[3], t: bool[3] = [true, false, true]
param empty: f64[0, 4], one: f32, same: f32[40] = 0.1*ones([40]), many: f32[3000] = randn([3000], seed=5), wide: f64[50, 40] = randn([50, 40], seed=6)
output a, d, i, l, t, empty, one, same, many, wide
END
cat >odd.c <<'END'
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "odd.h"

static float a[9], one, same[40], many[3000], many2[3000];
static double d[7], empty[1], wide[2000], wide2[2000];
static int32_t i[2];
static int64_t l[3];
static uint8_t t[3];

static int
load(const char *name, void *to, size_t size)
{
	FILE *f = fopen(name, "rb");
	int ok = f && fseek(f, -(long)size, SEEK_END) == 0 && fread(to, 1, size, f) == size;

	if (f)
		fclose(f);
	return !ok;
}

int
main(void)
{
	static const float A[9] = {0x1p-149f, -0x1.fffffep127f, 0.1f, -0.0f, INFINITY, -INFINITY, 0, 16777216, 1e-7f};
	static const double D[7] = {0x1p-1074, -0x1.fffffffffffffp1023, 0.1, 1e22, -0.0, -INFINITY, 0};

	if (odd_forward(a, d, i, l, t, empty, &one, same, many, wide, NULL) != 0)
		return 1;
	if (memcmp(a, A, 6 * sizeof *a) || !isnan(a[6]) || memcmp(a + 7, A + 7, 2 * sizeof *a))
		return 2;
	if (memcmp(d, D, 6 * sizeof *d) || !isnan(d[6]))
		return 3;
	if (i[0] != INT32_MIN || i[1] != INT32_MAX || l[0] != INT64_MIN || l[1] != INT64_MAX || l[2] != 2147483648)
		return 4;
	if (t[0] != 1 || t[1] != 0 || t[2] != 1 || memcmp(&one, &A[2], sizeof one) || memcmp(&same[39], &A[2], sizeof one))
		return 5;
	if (load("npy/odd_many.npy", many2, sizeof many2) || load("npy/odd_wide.npy", wide2, sizeof wide2))
		return 6;
	return memcmp(many, many2, sizeof many) || memcmp(wide, wide2, sizeof wide) ? 7 : 0;
}
END
set -- 'a=[1e-45, -3.4028235e38, 0.1, -0.0, "inf", "-inf", "nan", 16777216, 1e-7]' \
	'd=[5e-324, -1.7976931348623157e308, 0.1, 1e22, -0.0, "-inf", "nan"]' 'l=[-9223372036854775808, 9223372036854775807, 2147483648]' \
	'empty=[]' one=0.1
expect 'odd numbers in files' 0 '' '' compile odd.sg --weights=npy --emit=h -o npy "$@"
for how in inline extern; do
	expect "odd numbers, $how" 0 '' '' compile odd.sg --weights=$how --standalone -o odd_$how "$@"
	each_compiler "odd numbers, $how" odd_$how/*.c
	status "odd numbers, $how: a host" 0 ${CC:-cc} -std=c11 -Iodd_$how odd.c odd_$how/*.o -lm -o odd
	status "odd numbers, $how: they are there" 0 ./odd
	if [ "$other_cc" != : ]; then
		status "odd numbers, $how: a host, by $other_cc" 0 "$other_cc" -std=c11 -Iodd_$how odd.c odd_$how/*.c -lm -o odd
		status "odd numbers, $how: they are there too" 0 ./odd
	fi
	awk 'length > 110' odd_$how/*.c | grep -q 'f, [-0-9]'
	test $? = 1
	judge "odd numbers, $how: in lines of sensible width" $?
done

# ---- with other options
printf '#include "line.h"\nint main(void)\n{\n\tconst double x[3] = {1, 10, 100};\n\tdouble y = 0;\n\n\treturn line_forward(x, &y, 0) != 0 || y < 325 || y > 326;\n}\n' >small.c
for how in inline extern; do
	expect "binaries, $how" 0 '' '' compile line.sg --weights=$how --params=all.npz --emit=h,o,so -o bin_$how
	status "objects link, $how" 0 ${CC:-cc} -std=c11 -Ibin_$how small.c bin_$how/*.o -lm -o small
	status 'and run' 0 ./small
	status "a shared object links, $how" 0 ${CC:-cc} -std=c11 -Ibin_$how small.c bin_$how/line.so -lm -o small
	status 'and runs' 0 ./small
	if command -v "${AR:-ar}" >ar.path; then
		expect "a library, $how" 0 '' '' compile line.sg --weights=$how --params=all.npz --emit=h,a -o lib_$how
		status 'it links' 0 ${CC:-cc} -std=c11 -Ilib_$how small.c lib_$how/line.a -lm -o small
		status 'and runs' 0 ./small
	fi
done
test "$(files bin_extern)" = 'line.h line.o line.so line_weights.o'
judge 'weights have an object file of their own' $?
printf 'extern const double line_w[3], line_b[1];\nconst double line_w[3] = {3, 30, 0.25}, line_b[1] = {0};\n' >mine.c
if [ -f lib_extern/line.a ]; then
	status "the program's own go before those of the library" 0 ${CC:-cc} -std=c11 -Ilib_extern line_main.c mine.c lib_extern/line.a -lm \
		-o line.out
	prints 'and take effect' 328 ./line.out
fi
"$SYMGRAD" compile line.sg --weights=extern --params=all.npz -o - --standalone >printed.c &&
	${CC:-cc} -std=c11 -Ibin_extern small.c printed.c -lm -o small && ./small
judge 'printed, the weights come behind the code' $?
expect 'steps of training' 0 '' '' compile net.sg --weights=inline --step=sgd scale=1 --standalone -o steps
each_compiler 'steps of training' steps/net.c
grep -q 'int net_gradient_sgd(ptrdiff_t N, const double \*x, double \*w, double \*v, double \*loss, double lr,' steps/net.h
judge 'move the params that have a gradient, and have the others inside' $?

# ---- CasADi's convention: what is inside is no argument, and there is no Jacobian by it
cat >cas.sg <<'END'
input x[3]
param w[3] = [1, 2, 3], b = 5
output w*x**2 + b as y
entry f = grad(sum((w*x)**2*b), w) as g
END
cat >cas.c <<'END'
#include <string.h>
#include "cas.h"

int
main(void)
{
	static const double x[3] = {1, 2, 3}, w[3] = {4, 5, 6};
	static double y[3], g[3], jac[9], iw[256];
	const double *arg[8] = {x, w};
	double *res[8] = {y};
	int bad = cas_forward_n_in() != 1 || jac_cas_forward_n_out() != 1 || cas_f_n_in() != 2;

	bad |= cas_forward(arg, res, NULL, iw, 0) || y[0] < 6 || y[0] > 6 || y[2] < 32 || y[2] > 32;
	bad |= strcmp(jac_cas_forward_name_out(0), "jac_y_x") != 0;
	res[0] = jac;
	bad |= jac_cas_forward(arg, res, NULL, iw, 0) || jac[1] < 8 || jac[1] > 8;
	res[0] = g;
	bad |= cas_f(arg, res, NULL, iw, 0) || g[2] < 540 || g[2] > 540;
	return bad;
}
END
for how in inline extern; do
	for split in '' --split; do
		expect "CasADi's convention, $how $split" 0 '' '' compile cas.sg --api=casadi --weights=$how $split --standalone -o cas$how$split
		each_compiler "CasADi's convention, $how $split" cas$how$split/*.c
		status 'a host' 0 ${CC:-cc} -std=c11 -Icas$how$split cas.c cas$how$split/*.o -lm -o cas
		status 'it finds all' 0 ./cas
	done
done

# ---- at fault
hint="
try 'symgrad compile --help'"
none() { test ! -e none; judge "nothing is written: $1" $?; }
expect 'no value' 1 '' "symgrad compile: error: --weights needs a value for w f64 [3], b f64 []
hint: --params=FILE.npz, or each as NAME=VALUE: a number, a JSON array, @file.npy, @file.npz:name" \
	compile line.sg --weights=inline -o none
none 'no value'
"$SYMGRAD" eval 1.5 -o half.npz
expect 'not in the file' 1 '' "symgrad compile: error: param 'w': half.npz: expected an array named 'w', found value" \
	compile line.sg --weights=inline --params=half.npz b=1 -o none
expect 'a wrong shape' 1 '' "symgrad compile: error: param 'w': expected [3], got [2]" compile line.sg --weights=extern w='[1, 2]' b=1 -o none
expect 'a wrong rank' 1 '' "symgrad compile: error: param 'w': expected [3], got [1, 2]" compile line.sg --weights=npy w='[[1, 2]]' b=1 -o none
expect 'a wrong type' 1 '' "symgrad compile: error: param 'l': element [1] is 1.5 and so not an i64" \
	compile odd.sg --weights=npy 'l=[1, 1.5, 2]' -o none
expect 'an unknown name' 1 '' "symgrad compile: error: no entry uses a param 'bb'; did you mean 'b'?" \
	compile line.sg --weights=inline bb=1 --params=all.npz -o none
expect 'an input' 1 '' "symgrad compile: error: 'x' is an input, and --weights takes values of params" \
	compile line.sg --weights=inline x='[1, 2, 3]' --params=all.npz -o none
expect 'twice' 1 '' "symgrad compile: error: param 'b': given twice" compile line.sg --weights=inline b=1 b=2 --params=all.npz -o none
expect 'no such file' 1 '' "symgrad compile: error: cannot read 'no.npz': No such file or directory" \
	compile line.sg --weights=inline --params=no.npz -o none
expect 'a file of another kind' 1 '' "symgrad compile: error: param 'w': x.csv: expected an .npz file (a zip archive with its directory at the end), found 18 bytes that begin with '1,2,'" \
	compile line.sg --weights=inline --params=x.csv -o none
printf 'input x[N]\nparam w[N] = ones([N]), v[2, M] = ones([2, M])\noutput sum(w*x) + sum(v) as y\n' >free.sg
expect 'a free shape' 1 '' "symgrad compile: error: param 'w': its shape [N] is not fixed, which --weights=inline needs
hint: --dim=N=2
symgrad compile: error: param 'v': its shape [2, M] is not fixed, which --weights=inline needs
hint: --dim=M=3" compile free.sg --weights=inline w='[1, 2]' v='[[1, 2, 3], [4, 5, 6]]' -o none
expect 'of a default' 1 '' "symgrad compile: error: param 'w': its shape [N] is not fixed, which --weights=npy needs
hint: fix a dimension, as in --dim=N=128" compile free.sg --weights=npy v='[[1, 2, 3], [4, 5, 6]]' -o none
none 'a free shape'
expect 'files need none' 0 '' '' compile free.sg --weights=npy w='[1, 2]' v='[[1], [4]]' -o given
expect 'but the shape is to fit' 1 '' "symgrad compile: error: param 'v': expected [2, M], got [1, 2]" \
	compile free.sg --weights=npy w='[1, 2]' v='[[1, 2]]' -o none
expect 'given' 0 '' '' compile free.sg --weights=extern w='[1, 2]' --dim=N=2 --dim=M=4 -o given
printf 'input x[N]\nparam w = N/2\noutput sum(w*x) as y\n' >late.sg
expect 'a default that depends' 1 '' "symgrad compile: error: param 'w': its default depends on the dimension 'N'" \
	compile late.sg --weights=npy -o none
printf 'input x\nparam w = [1.0, 2][index_put([1], [0], [5])][0]\noutput w*x as y\n' >bad.sg
expect 'a default that fails' 3 '' "symgrad compile: error: the default of param 'w': an index is out of range" \
	compile bad.sg --weights=inline -o none
expect 'values without --weights' 2 '' "symgrad compile: error: 'b=1' is a value, which goes with --weights$hint" \
	compile line.sg b=1 -o none
expect 'a file without --weights' 2 '' "symgrad compile: error: --params goes with --weights=inline, extern or npy$hint" \
	compile line.sg --params=all.npz -o none
expect 'an unknown place' 2 '' "symgrad compile: error: --weights knows inline, extern and npy, not 'flash'$hint" \
	compile line.sg --weights=flash -o none
expect 'values for two models' 2 '' "symgrad compile: error: values are for one model, and there are 2$hint" \
	compile line.sg odd.sg --weights=inline b=1 -o none
expect 'kinds that have no weights' 2 '' "symgrad compile: error: --weights=inline is for c, h, o, a and so, and --emit has sg$hint" \
	compile line.sg --weights=inline --params=all.npz --emit=c,sg -o none
expect 'files on standard output' 2 '' "symgrad compile: error: --weights=npy writes files beside; give --output a folder$hint" \
	compile line.sg --weights=npy --params=all.npz -o -
printf 'input x\nparam w = 1\nentry weights = w*x as y\n' >clash.sg
expect 'an entry of that name' 1 '' "symgrad compile: error: 'none/clash_weights.c' is the file of params; give the entry another name" \
	compile clash.sg --weights=extern --split -o none
none 'at fault'

finish
