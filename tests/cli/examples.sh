#!/bin/sh
# Every example compiles, its derivatives agree with finite differences, and its C with the JIT.
. "${srcdir:-.}/tests/cli/harness.inc"

for model in "$srcdir"/examples/*.sg "$srcdir"/examples/workloads/*.sg; do
	name=$(basename "$model" .sg)
	test "$name" = descend && continue # an include, without an entry
	status "$name has entries" 0 "$SYMGRAD" info "$model"
	case $name in
	own_rule) ;; # whose rule is not the derivative of its value, on purpose
	gpt2 | lenet) ;; # differences take long; held against PyTorch below
	saddle) # whose descents in descents are cut short: golden/gradbench.txt has where they lead
		mkdir -p "$work/short"
		cp "$model" "$work/short/"
		sed 's/1e-5/0.1/g' "$srcdir/examples/workloads/descend.sg" >"$work/short/descend.sg"
		status "$name has the right derivatives" 0 "$SYMGRAD" check "$work/short/$name.sg" 'start=[2, 1]'
		;;
	*) status "$name has the right derivatives" 0 "$SYMGRAD" check "$model" ;;
	esac
	status "$name becomes C" 0 "$SYMGRAD" compile --standalone "$model" -o "$work/"
	status "$name is C without a warning" 0 ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Wconversion \
		-Wshadow -Werror -c "$work/$name.c" -o "$work/$name.o"
	for f in "$work/$name.c" "$work/$name.h"; do
		if [ -s "$f" ]; then pass; else fail "$name wrote $(basename "$f")"; fi
	done
done

# PyTorch 2.13.0 (f64) gives 1.6308299346119455 and -0.0015970491577324767 for the parameters' defaults
prints "GPT-2's loss, and its gradient in the last norm's first weight" '1.630829934611 -0.0015970491577' \
	sh -c "'$SYMGRAD' run --real=f64 --format=json '$srcdir/examples/gpt2.sg' D=1 V=5 'tokens=[[0,3,1],[4,4,2]]' \
		'targets=[[3,1,2],[4,2,0]]' | sed 's/.*\"loss\": \([0-9.]\{14\}\).*\"grad_gf\": \[\([-0-9.]\{16\}\).*/\1 \2/'"
digits=$(awk 'BEGIN {
	printf "["
	for (i = 0; i < 2 * 784; i++)
		printf "%s%.17g%s", i % 784 == 0 ? (i ? ",[[[" : "[[[") : i % 28 == 0 ? ",[" : ",", i % 7 / 7,
			i % 784 == 783 ? "]]]" : i % 28 == 27 ? "]" : ""
	printf "]"
}')
# PyTorch 2.13.0 (f64), on the same: 2.325653733338335 and -0.07181905445536793
prints "the loss of a convolutional net, and its gradient in the first bias" '2.325653733338 -0.0718190544553' \
	sh -c "'$SYMGRAD' run --real=f64 --format=json '$srcdir/examples/lenet.sg' 'x=$digits' 'label=[3,9]' |
		sed 's/.*\"loss\": \([0-9.]\{14\}\).*\"grad_b1\": \[\([-0-9.]\{16\}\).*/\1 \2/'"
prints 'greeks of a call' '{"price": 3.7416' \
	sh -c "'$SYMGRAD' run --format=json '$srcdir/examples/black_scholes.sg' greeks spot=100 strike=110 rate=0.02 vol=0.25 time=0.5 | cut -c1-16"
prints 'the banana has its minimum at ones' '{"f": 0, "grad_x": [0, 0, 0]}' \
	"$SYMGRAD" run --format=json "$srcdir/examples/rosenbrock.sg" x='[1, 1, 1]'

# The C that the README shows is what is written
"$SYMGRAD" compile --entry=gradient "$srcdir/examples/perceptron.sg" -o "$work/shown.c" 2>/dev/null
sed -n '/^perceptron_gradient_any(/,/^```/p' "$srcdir/README.md" | grep -vx '[[:space:]]*\.\.\.\|```\|' >"$work/shown"
if [ -s "$work/shown" ] && ! grep -Fxvf "$work/shown.c" "$work/shown" >"$work/stale"; then
	pass
else
	fail "README.md shows C that is not written:" "$(cat "$work/stale")"
fi

finish
