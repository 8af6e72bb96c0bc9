#!/bin/sh
# symgrad graph, and pictures by symgrad compile.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
model=$srcdir/examples/perceptron.sg

has() { # has CLAIM TEXT FILE
	if grep -qF -- "$2" "$3"; then pass; else fail "$1" "no '$2' in $3"; fi
}

# ---- the text
status 'a graph is printed' 0 "$SYMGRAD" graph "$model"
cp out g.dot
has 'it is the gradient' 'label="perceptron: entry gradient"' g.dot
has 'inputs have their shape' 'label="input x", shape=ellipse' g.dot
has 'params have theirs' 'label="param w", shape=house' g.dot
has 'outputs have theirs' 'label="output grad_w", shape=box, style=filled, peripheries=2' g.dot
has 'a node is a formula, with the names of the model' 'label="o = sigmoid(' g.dot
has 'a box is a loop, with lines of the model' 'label="loop over N, 2\l8: o = sigmoid(x @ w.T)\l' g.dot
has 'edges carry shapes' '[label="[N, 10]"]' g.dot
! grep -q 'broadcast' g.dot
judge 'broadcasts are not shown' $?
test "$(grep -c '{' g.dot)" = "$(grep -c '}' g.dot)"
judge 'brackets are balanced' $?
printf 'input a[N, N], b[N], k: i64\ny = if k > 0 then logdet(a) + sum(solve(a, b)) else 0.0\ngradient y wrt a\n' >lu.sg
status 'factors are drawn' 0 "$SYMGRAD" graph lu.sg
has 'they have a formula' '= lu(a)' out
status 'an entry is named' 0 "$SYMGRAD" graph "$model" forward
has 'it is drawn' 'entry forward' out
expect 'an unknown entry' 1 '' "symgrad graph: error: no entry 'forwards'
hint: did you mean 'forward'?" \
	graph "$model" forwards
expect 'too many names' 2 '' "symgrad graph: error: expected a model and an entry, got 'b' too
try 'symgrad graph --help'" graph "$model" a b
expect 'an unknown kind' 2 '' "symgrad graph: error: --emit knows dot, svg and png, not 'gif'
try 'symgrad graph --help'" graph --emit=gif "$model"
expect 'two kinds on standard output' 2 '' \
	"symgrad graph: error: one kind at a time can be printed; give --output
try 'symgrad graph --help'" graph --emit=dot,svg -o - "$model"
expect 'a name that is not of the kind' 2 '' \
	"symgrad graph: error: --output names a .svg file, and --emit does not have svg
try 'symgrad graph --help'" graph --emit=dot -o a.svg "$model"
status 'a file is written' 0 "$SYMGRAD" graph "$model" -o a.dot
cmp -s a.dot g.dot
judge 'it is what is printed' $?
status 'a folder is written to' 0 "$SYMGRAD" graph --emit=dot -o folder "$model" curvature
test -s folder/perceptron_curvature.dot
judge 'a picture is called by model and entry' $?
status 'compile draws all entries' 0 "$SYMGRAD" compile --emit=dot -o - "$model"
has 'each in a box' 'label="perceptron: entry curvature"' out
status 'a model at fault has no picture' 1 "$SYMGRAD" graph "$srcdir/examples/notebook/not_a_scalar.sg"

# ---- loops
cat >loop.sg <<'END'
input h0[3], xs[T, 3]
param a[3, 3]
h, hs = scan((h, x) -> (tanh(a @ h + x), h), h0, over=xs)
loss = sum(h**2) + sum(hs)
gradient loss wrt a
END
status 'a loop is drawn' 0 "$SYMGRAD" graph loop.sg
has 'its steps are told' 'label="scan: T steps\l3: h, hs = scan(' out
has 'so is the direction' 'label="scan in reverse: T steps' out
has 'carries go back' 'style=dashed, constraint=false' out
has 'what the body computes is in it' 'tanh(' out

# ---- drawn
if "$SYMGRAD" graph --emit=svg -o - "$model" >a.svg 2>err; then
	has 'an svg is drawn' '<svg' a.svg
	has 'it has the formulas' 'sigmoid' a.svg
	status 'svg and png' 0 "$SYMGRAD" graph --emit=svg,png "$model"
	test "$(od -An -c -N4 perceptron_gradient.png | tr -d ' ')" = '211PNG'
	judge 'a png is drawn' $?
	cmp -s perceptron_gradient.svg a.svg
	judge 'the svg is the same' $?
	status 'a large graph is drawn fast' 0 "$SYMGRAD" graph --emit=svg "$srcdir/examples/arm.sg" reach -o all.svg
	printf 'param x[3000]\ny = sum([sin(x[i])*x[(i*7) %% 3000] for i in 0..3000])\noutput y\n' >large.sg
	status 'a graph that is too large is none' 1 "$SYMGRAD" graph --emit=svg large.sg -o none.svg
	has 'the way out is told' 'too large to be laid out' err
	for m in "$srcdir"/examples/*.sg loop.sg; do
		test "$(basename "$m")" = arm.sg && continue # all entries in one: too large
		status "$m is drawn" 0 "$SYMGRAD" compile --emit=svg -o all.svg "$m"
	done
else
	has 'what is missing is said' 'libgraphviz-dev' err
	has 'and the way round' 'symgrad graph --emit=dot FILE.sg | dot -Tsvg' err
fi

finish
