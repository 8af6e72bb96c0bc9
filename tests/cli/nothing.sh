#!/bin/sh
# The written C where arrays have no elements: they may be NULL, as those of an empty std::vector are. And where
# they have one, so that no loop is left.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99

cat >none.sg <<'END'
input x[N, 3], v[M], i: i64[M], c
def turned(v) {
  w, _ = while((w, k) -> sum(w*0) + k < c, (w, k) -> (sin(w)*c + v, k + 1), (v, 0), limit=5)
  return w
}
h, hs = scan((h, r) -> (tanh(h)*r[:, None] + x, h), x, over=broadcast_to(c, [2, N]))
z, zs = scan((h, r) -> (h*c + r, h), v, over=broadcast_to(v, [3, M]))
k, ks = scan((h, r) -> (if sum(h*0) + r > c then h else h + r, h*r), v, over=[0.0, 2.0])
entry carries  = h, hs, z, zs, ks
entry places   = index_put(v, i, v[i]) as p, index_add(v, i, v[i]) as q, softmax(x) as s, cumsum(v) as t
entry shapes   = v as same, x.T as xt, zeros([M]) as o, concat((v, v)) as vv, pad(v, ((0, 1),)) as one
entry gradient = grad(sum(hs**2), x) as gx, grad(sum(v[i]**2), v) as gv, sum(z) as sz, grad(sum(turned(v)**2), v) as gw
END
cat >main.c <<'END'
#include "none.h"
#include <stdlib.h>

static void *room(size_t n) { return n ? aligned_alloc(64, n) : NULL; }

int
main(void)
{
	const double c = 1;
	double one = 1, sum = 1;
	int bad = 0;

	bad |= none_carries(0, 0, NULL, NULL, &c, NULL, NULL, NULL, NULL, NULL, room(none_carries_work(0, 0)));
	bad |= none_places(0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, room(none_places_work(0, 0)));
	bad |= none_shapes(0, 0, NULL, NULL, NULL, NULL, NULL, NULL, &one, room(none_shapes_work(0, 0)));
	bad |= none_gradient(0, 0, NULL, NULL, NULL, &c, NULL, NULL, &sum, NULL, room(none_gradient_work(0, 0)));
	return bad || one != 0 || sum != 0;
}
END
expect 'arrays of nothing' 0 '' '' compile --standalone none.sg
status 'the C compiles' 0 ${CC:-cc} -std=c11 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -c none.c
for flags in -O0 -O2 '-O1 -fsanitize=undefined -fno-sanitize=pointer-overflow -fno-sanitize-recover=undefined'; do
	# shellcheck disable=SC2086
	if ! echo 'int main(void) { return 0; }' | ${CC:-cc} $flags -x c - -o have 2>have.err; then continue; fi
	# shellcheck disable=SC2086
	status "main compiles with $flags" 0 ${CC:-cc} -std=c11 $flags main.c none.c -lm -o main
	status 'and is right, with nothing anywhere' 0 ./main
done
printf 'input y[3, 0]\noutput y.T as x\n' >turn.sg
"$SYMGRAD" run turn.sg y='[[], [], []]' -o x.npz >turn.out
for backend in interp jit cc; do
	if [ $backend = jit ] && ! "$SYMGRAD" eval --backend=jit 1 >have.out 2>&1; then continue; fi
	expect "so it is by $backend" 0 '{"gx": [], "gv": [], "sz": 0, "gw": []}' '' run --backend=$backend --format=json \
		none.sg gradient x=@x.npz:x v='[]' i='[]' c=1
done

cat >single.sg <<'END'
input x[1], y[1, 1], z: f32[1]
v = one_hot(argmax(x), 1)*x
l = sum((0.4 + l1_loss(x, 0.7*v + 0.05, reduction="none"))**2)
output argmax(x) as a, argmin(y, axis=1) as b, argmax(z*2) as c, max(x + 1) as d, min(y, axis=0) as e, cumsum(x) as f,
       argmax(x*x, axis=0) as g, softmax(x) as h, norm(x) as n
gradient l wrt x
END
expect 'one element' 0 '' '' compile --standalone single.sg
status 'it compiles without a warning' 0 ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
	-c single.c
for backend in interp jit cc; do
	if [ $backend = jit ] && ! "$SYMGRAD" eval --backend=jit 1 >have.out 2>&1; then continue; fi
	for x in 2 '"nan"' '"-inf"'; do
		for entry in forward gradient; do
			given="x=[$x] y=[[3]] z=[$x]"
			if [ $entry = gradient ]; then given="x=[$x]"; fi
			# shellcheck disable=SC2086
			"$SYMGRAD" run --backend=$backend --format=json single.sg $entry $given
		done
	done >$backend.single 2>&1
	cmp -s interp.single $backend.single
	judge "its largest is told by $backend" $?
done
finish
