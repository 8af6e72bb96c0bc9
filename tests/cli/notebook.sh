#!/bin/sh
# The notebook's cells, as examples/notebook/README.md shows them.
. "${srcdir:-.}/tests/cli/harness.inc"
cells=$srcdir/examples/notebook

prints 'mse is 1, its gradient 2' '{"mse": 1, "grad_w": [2]}' "$SYMGRAD" run --format=json "$cells/mse.sg"
prints 'the norm of the gradient is 2' '{"gn": 2}' "$SYMGRAD" run --format=json "$cells/mse.sg" slope
prints 'relu over a range' '{"value": [0, 0, 5, 10]}' "$SYMGRAD" eval --format=json 'relu([-10, -1, 5, 10.0])'
for cell in activations softmax perceptron1 perceptron2; do
	status "$cell compiles" 0 "$SYMGRAD" info "$cells/$cell.sg"
done
status 'the activations run' 0 "$SYMGRAD" run "$cells/activations.sg"
status 'and so do their slopes' 0 "$SYMGRAD" run "$cells/activations.sg" slopes
for rows in 1 2 8; do
	head -n $rows "$srcdir/examples/perceptron.csv" >"$work/x.csv"
	for units in 1 2; do
		status "perceptron$units on $rows rows" 0 "$SYMGRAD" run "$cells/perceptron$units.sg" "x=@$work/x.csv"
	done
done

status 'no derivative to a const' 1 "$SYMGRAD" run "$cells/wrt_const.sg"
says 'it says so' "wrt_const.sg:7:18: error: .*'x'.*const"
says 'and says the way out' 'hint: .*param'
status 'no gradient of three numbers' 1 "$SYMGRAD" run "$cells/not_a_scalar.sg" a='[1, 2, 3]'
says 'it says so' 'not_a_scalar.sg:6:[0-9]*: error: .*scalar'
says 'and says the way out' 'hint: .*jacobian'

# The messages that the page shows are those that are printed
cd "$cells" || exit 99
for cell in wrt_const not_a_scalar; do
	"$SYMGRAD" info $cell.sg >/dev/null 2>"$work/told"
	sed -n "/^$cell.sg:/,/^\`\`\`/p" README.md | sed '$d' | diff - "$work/told" >"$work/differ"
	[ $? = 0 ] && pass || fail "README.md shows what $cell.sg is told" "$(cat "$work/differ")"
done

finish
