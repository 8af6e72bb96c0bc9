#!/bin/sh
# symgrad compile --step: steps of training as C functions; five of each end where torch.optim's do.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C

cat >net.sg <<'END'
input x[N, 3], y[N]
param w[3], b
loss = mean((tanh(x @ w) + b - y)**2)
gradient loss wrt params
END
cat >main.c <<'END'
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "net.h"

/* PyTorch 2.13.0, f64: SGD, SGD with momentum, with nesterov, Adam, AdamW; w, b and the last loss. */
static const double expected[5][5] = {
    {-0.02928296720234841, 0.5880793550332909, 0.035543481164352714, 0.0956696631344497, 0.23327999422003806},
    {-0.10656544963753761, 1.9907406612902272, -0.473164665487301, -0.3815909557959843, 0.03270502180804835},
    {-0.16407635020933262, 1.6972525535067704, -0.34964094105437593, -0.3178973661957517, 0.05586717152760509},
    {0.05150788712823043, 0.29085176597698015, -0.1902188219511478, 0.009114592762357016, 0.49988121162834015},
    {0.0528970371676432, 0.2908354950423202, -0.19072538620866805, 0.007564621360667212, 0.4987805077984476}};
static const T x[6] = {1, 2, -1, (T).5, -1, (T).25}, y[2] = {1, -1};
static _Alignas(64) unsigned char work[16384];
static T w[3], b, loss, m[3], mb, v[3], vb;

static int
step(int kind, int64_t t)
{
	switch (kind) {
	case 0: return net_gradient_sgd(2, x, y, w, &b, &loss, .1, .01, work);
	case 1: return net_gradient_momentum(2, x, y, w, &b, &loss, m, &mb, .1, .9, .01, 0, work);
	case 2: return net_gradient_momentum(2, x, y, w, &b, &loss, m, &mb, .1, .9, .01, 1, work);
	case 3: return net_gradient_adam(2, x, y, w, &b, &loss, m, &mb, v, &vb, t, .1, .9, .99, 1e-8, .01, work);
	}
	return net_gradient_adamw(2, x, y, w, &b, &loss, m, &mb, v, &vb, t, .1, .9, .99, 1e-8, .01, work);
}

int
main(void)
{
	const size_t bytes = net_gradient_step_work(2);
	const double most = sizeof(T) == 4 ? 3e-6 : 1e-14;
	int bad = bytes == 0 || bytes > sizeof work;

	for (int kind = 0; kind < 5; kind++) {
		w[0] = (T).1, w[1] = (T)-.2, w[2] = (T).3, b = (T).5;
		memset(m, 0, sizeof m), memset(v, 0, sizeof v), mb = vb = 0;
		memset(work, 0x5a, sizeof work);
		for (int64_t t = 1; t <= 5; t++)
			bad |= step(kind, t);
		const double is[5] = {w[0], w[1], w[2], b, loss};
		for (int i = 0; i < 5; i++)
			if (!(fabs(is[i] - expected[kind][i]) <= most)) {
				printf("%d, %d: %.17g, not %.17g\n", kind, i, is[i], expected[kind][i]);
				bad = 1;
			}
		for (size_t i = bytes; i < sizeof work; i++)
			bad |= work[i] != 0x5a;
	}
	return bad;
}
END
flags='-std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'
for real in f64 f32; do
	expect "steps in $real" 0 '' '' compile net.sg --step=sgd,momentum,adam,adamw --standalone --real=$real -o .
	# shellcheck disable=SC2086
	status 'they compile without a warning' 0 ${CC:-cc} $flags -c net.c -o net.o
	status 'a host compiles' 0 ${CC:-cc} -std=c11 "-DT=$(test $real = f32 && echo float || echo double)" main.c net.o -o main -lm
	status "five steps in $real end where PyTorch's do" 0 ./main
done
expect 'a fixed model' 0 '' '' compile net.sg --step=adam --standalone --dim=N=2 -o fixed
# shellcheck disable=SC2086
status 'compiles without a warning' 0 ${CC:-cc} $flags -c fixed/net.c -o net.o
grep -q '^#define NET_GRADIENT_STEP_WORK [0-9]*$' fixed/net.h && ! grep -q net_gradient_sgd fixed/net.h
judge 'has its workspace as a macro, and no step that was not asked for' $?
status 'the header is C++ too' 0 ${CC:-cc} -x c++ -fsyntax-only -Wall -Werror net.h

# ---- at fault
expect 'an unknown step' 2 '' "symgrad compile: error: --step knows sgd, momentum, adam and adamw, not 'lbfgs'
try 'symgrad compile --help'" compile net.sg --step=adam,lbfgs
expect 'no step for CasADi' 2 '' "symgrad compile: error: --step does not go with --api=casadi
try 'symgrad compile --help'" compile net.sg --step=adam --api=casadi
printf 'input x\noutput x*x as y\n' >none.sg
expect 'no gradient' 1 '' "error: no step of training: no entry has an output grad_NAME for an input or param NAME [step]
hint: gradient loss wrt params" compile none.sg --step=sgd -o none
test ! -e none
judge 'nothing is written' $?

finish
