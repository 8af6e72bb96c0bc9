#!/bin/sh
# symgrad compile --split: a C file for each entry, which is compiled and linked without the others, and does
# the same to the bit as the one file.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C
builddir=${builddir:-$(dirname "$SYMGRAD")}
flags='-std=c11 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'

# What entries share: a table, a loop, checks of dimensions, places of a sparse output, defaults, kernels.
cat >net.sg <<'END'
input x[N, 7], k: i64[M]
param w[7, 5] = 0.1 * randn([7, 5], seed=1), b[5] = ones([5])
const table = [sin(i/7) for i in 0..40]
h = tanh(x @ w + b)
s = scan((c, r) -> c*0.5 + r @ [1, -2, 3, -4, 5.5], 0.0, over=h)
loss = mean(h**2) + s + sum(table[k])
output h, loss
gradient loss wrt params
entry chosen = table[k] as t, N//2 as half
entry bend = sparse_jacobian(w[:, 0]**2, w) as J, sum(x) as total
entry twist = sparse_jacobian(w[:, 0]**2, w) as J
END
files() { # the files in a folder, in one line
	ls -A "$1" | tr '\n' ' ' | sed 's/ $//'
}

# ---- what is written
expect 'one file' 0 '' '' compile net.sg -o one
expect 'a file for each entry' 0 '' '' compile net.sg --split -o each
test "$(files each)" = 'net.c net.h net_bend.c net_chosen.c net_forward.c net_gradient.c net_twist.c'
judge 'named by them, and one for the table of all' $?
cmp -s one/net.h each/net.h
judge 'the header is the same' $?
expect 'standalone' 0 '' '' compile net.sg --split --standalone -o alone
test "$(files alone)" = 'net.h net_bend.c net_chosen.c net_forward.c net_gradient.c net_twist.c'
judge 'has no table' $?
expect 'standalone in one file' 0 '' '' compile net.sg --standalone -o whole

# ---- each compiles by itself
cat >main.c <<'END'
#include <stdio.h>
#include <string.h>
#include "net.h"

static _Alignas(64) unsigned char work[1 << 16];
static const int64_t k[3] = {0, 39, 7};
static double x[28], w[35], b[5], h[20], loss, gw[35], gb[5], t[3], J[64], total;
static int64_t half;

static void
show(const char *name, size_t n, const double *v)
{
	printf("%s", name);
	for (size_t i = 0; i < n; i++)
		printf(" %a", v[i]);
	printf("\n");
}

int
main(void)
{
	int bad = 0;

	for (int i = 0; i < 28; i++)
		x[i] = (i * 37 % 11) * 0.25 - 1;
	bad |= net_gradient_defaults(4, 3, x, k, w, b, work);
	show("w", 35, w), show("b", 5, b);
	bad |= net_forward(4, 3, x, k, w, b, h, &loss, work);
	show("h", 20, h), show("loss", 1, &loss);
	bad |= net_gradient(4, 3, x, k, w, b, &loss, gw, gb, work);
	show("gw", 35, gw), show("gb", 5, gb), show("loss", 1, &loss);
	bad |= net_chosen(4, 3, k, t, &half, work);
	show("t", 3, t), printf("half %d\n", (int)half);
	bad |= net_bend(4, x, w, J, &total, work);
	show("J", (size_t)net_J_rowptr[7], J), show("total", 1, &total), printf("col %d\n", (int)net_J_col[6]);
	memset(J, 0, sizeof J);
	bad |= net_twist(w, J, work);
	show("J", 7, J);
	return bad;
}
END
cat >lone.c <<'END'
#include "net.h"
int main(void)
{
	const int64_t k[1] = {0};
	double t = 1;
	int64_t half;

	return net_chosen(9, 1, k, &t, &half, 0) != 0 || t < 0 || t > 0 || half != 4;
}
END
for cc in "${CC:-cc}" $other_cc; do
	[ "$cc" != : ] || continue
	for folder in each alone; do
		for f in "$folder"/*.c; do
			# shellcheck disable=SC2086
			status "$cc compiles $f without a warning" 0 $cc $flags -I"$builddir/runtime" -c "$f" -o "${f%.c}.o"
		done
	done
	# shellcheck disable=SC2086
	{
		status 'one entry links without the others' 0 $cc -std=c11 -Ialone lone.c alone/net_chosen.o -lm -o lone
		status 'and runs' 0 ./lone
		status 'all link together' 0 $cc -std=c11 -Ialone main.c alone/*.o -lm -o all
		status 'the one file' 0 $cc -std=c11 -O1 -Iwhole main.c whole/net.c -lm -o one.out
	}
	./one.out >one.txt && ./all >all.txt && cmp -s one.txt all.txt
	judge "the same bits from $cc" $?
done
status 'the header is C++ too' 0 ${CC:-cc} -x c++ -fsyntax-only -Wall -Werror alone/net.h
if command -v nm >nm.path; then
	nm -g alone/net_chosen.o | grep ' [A-TV-Z] ' | sed 's/.* //' | sort >have
	printf 'net_chosen\nnet_chosen_work\n' | cmp -s - have
	judge 'a file defines what its entry has, and no more' $?
	nm -u alone/net_gradient.o | grep net_
	test $? = 1
	judge 'and stands on nothing in the others' $?
fi
got=$("$SYMGRAD" run net.sg chosen N=9 k='[0]' --format=json)
test "$got" = '{"t": [0], "half": 4}'
judge 'as symgrad run has it' $?

# ---- the table of all entries
if [ -f "$builddir/libsymgrad_rt.a" ]; then
	cat >table.c <<'END'
#include <stdio.h>
#include "net.h"
int main(void)
{
	const int64_t k[2] = {0, 0};
	const ptrdiff_t dims[2] = {6, 2};
	double t[2] = {1, 1};
	int64_t half = 0;
	void *args[3] = {(void *)k, t, &half};
	const sgrt_entry *e = &net_module.entries[2];

	for (size_t i = 0; i < net_module.nentries; i++)
		printf("%s\n", net_module.entries[i].name);
	return e->call(dims, args, NULL) != 0 || half != 3;
}
END
	status 'the table links with all' 0 ${CC:-cc} -std=c11 -I"$builddir/runtime" -Ieach table.c each/*.o \
		"$builddir/libsymgrad_rt.a" -lm $sanitize -o table
	prints 'it has them all' 'forward
gradient
chosen
bend
twist' ./table
else
	echo 'not tried: the table, which stands on libsymgrad_rt.a'
fi

# ---- with other options
expect 'an object file each' 0 '' '' compile net.sg --split --emit=h,o -o objects
test "$(files objects)" = 'net.h net_bend.o net_chosen.o net_forward.o net_gradient.o net_twist.o'
judge 'named by the entries' $?
status 'one of them links' 0 ${CC:-cc} -std=c11 -Iobjects lone.c objects/net_chosen.o -lm -o lone
status 'and runs' 0 ./lone
if command -v "${AR:-ar}" >ar.path; then
	expect 'a static library of them' 0 '' '' compile net.sg --split --emit=h,a -o lib
	prints 'with a member each' 'net_bend.o
net_chosen.o
net_forward.o
net_gradient.o
net_twist.o' sh -c '"${AR:-ar}" t lib/net.a | sort'
	status 'it links' 0 ${CC:-cc} -std=c11 -Ilib lone.c lib/net.a -lm -o lone
	status 'and runs' 0 ./lone
	! nm lone 2>/dev/null | grep -q net_gradient
	judge 'without the entries that are not called' $?
fi
expect 'a shared object is one file' 0 '' '' compile net.sg --split --emit=so -o so
test "$(files so)" = net.so
judge 'all the same' $?
expect 'another prefix' 0 '' '' compile net.sg --split --prefix=p --entry=chosen --standalone -o p
test "$(files p)" = 'p.h p_chosen.c' && grep -q '"p.h"' p/p_chosen.c
judge 'and one entry' $?
expect 'steps, threads, a fixed dimension' 0 '' '' compile net.sg --split --step=sgd --openmp --standalone --real=f32 \
	--dim=N=4 -o steps
for f in steps/*.c; do
	# shellcheck disable=SC2086
	status "$f compiles without a warning" 0 ${CC:-cc} $flags -c "$f" -o steps.o
done
grep -q net_gradient_sgd steps/net_gradient.c && ! grep -q net_gradient_sgd steps/net_forward.c
judge 'steps stand with their entry' $?
printf 'input x[3]\noutput sum(sin(x)) as y\nentry e = x*x as z\n' >cas.sg
expect "CasADi's convention" 0 '' '' compile cas.sg --split --api=casadi --standalone -o cas
test "$(files cas)" = 'cas.h cas_e.c cas_forward.c' && grep -q jac_cas_e_work cas/cas_e.c
judge 'has its Jacobians beside the entry' $?
for f in cas/*.c; do
	# shellcheck disable=SC2086
	status "$f compiles without a warning" 0 ${CC:-cc} $flags -c "$f" -o "${f%.c}.o"
done
printf '#include "cas.h"\nint main(void) { return cas_e_n_in() + jac_cas_forward_n_in() != 3; }\n' >n.c
status 'both link together' 0 ${CC:-cc} -std=c11 -Icas n.c cas/*.o -lm -o n
status 'and run' 0 ./n

# ---- at fault
hint="
try 'symgrad compile --help'"
expect 'one name for several files' 2 '' \
	"symgrad compile: error: --split writes a file for each entry, and --output names one: 'out.c'; give a folder$hint" \
	compile net.sg --split -o out.c
expect 'so for objects' 2 '' \
	"symgrad compile: error: --split writes a file for each entry, and --output names one: 'out.o'; give a folder$hint" \
	compile net.sg --split -o out.o
expect 'several files on standard output' 2 '' \
	"symgrad compile: error: --split writes a file for each entry, which cannot be printed together; give --output a folder$hint" \
	compile net.sg --split -o -
mkdir -p full/net_forward.c
expect 'a name that is a folder' 1 '' "symgrad compile: error: cannot write 'full/net_forward.c': it is a folder" \
	compile net.sg --split -o full
test "$(files full)" = net_forward.c
judge 'nothing is written' $?
printf 'model a\ninput x\nentry b_c = x as y\n' >a.sg
printf 'model a_b\ninput x\nentry c = x as y\n' >ab.sg
expect 'two models whose names meet' 1 '' "symgrad compile: error: two of the models would write 'a_b_c.c'" \
	compile a.sg ab.sg --split
test ! -e a_b_c.c
judge 'nothing is written' $?

finish
