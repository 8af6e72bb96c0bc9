#!/bin/sh
# symgrad run and eval: data in, results out.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C

cat >line.sg <<'END'
input x[N, 2], y[N]
param w[2] = ones([2])
r = x @ w - y
loss = sum(r*r)
output r, loss
gradient loss wrt w
entry shifted = w + 1 as s
END
cat >kinds.sg <<'END'
input i: i32[K], l: i64, b: bool[K], f: f32
output i as i2, l as l2, b as b2, f as f2
END
cat >parts.sg <<'END'
input x[N]
entry whole = sum(x) as s
entry part = x[2:5] as y
END
cat >noise.sg <<'END'
dim n
output sum(ones([n])) as s, zeros([n]) as z
END

cat >aside.sg <<'END'
input x[N], z[N + 2*M - 1], y[M+2]
output zeros([N]) as y, ones([N + M + 2 - 1]) as s
END

# ---- results
x='x=[[1, 2], [3, 4]]'
expect 'the gradient is the default' 0 'loss = 25.0
grad_w = [30. 44.]' '' run line.sg "$x" 'y=[0, 3]'
expect 'an entry by name' 0 'r = [3. 4.]
loss = 25.0' '' run line.sg forward "$x" 'y=[0, 3]'
expect 'a default may be replaced' 0 'r = [ 5. 11.]
loss = 146.0' '' run line.sg forward "$x" 'y=[0, 0]' 'w=[1, 2]'
expect 'JSON is one object on one line' 0 '{"r": [3, 4], "loss": 25}' '' run --format=json line.sg forward "$x" 'y=[0, 3]'
expect 'numbers that are not finite' 0 '{"r": ["inf", "nan"], "loss": "nan"}' '' \
	run --format=json line.sg forward 'x=[["inf", 2], [3, "nan"]]' 'y=[0, 3]'
expect 'what another entry uses is passed over' 0 's = [2. 2.]' '' run line.sg shifted "$x"
expect 'every type keeps its form' 0 'i2 = [ 1 -2]
l2 = 9007199254740993
b2 = [ True False]
f2 = 0.1' '' run kinds.sg 'i=[1, -2.0]' l=9007199254740993 'b=[true, 0]' f=0.1
expect 'every type keeps its form in JSON' 0 '{"i2": [1, -2], "l2": 9007199254740993, "b2": [true, false], "f2": 0.1}' '' \
	run --format=json kinds.sg 'i=[1, -2]' l=9007199254740993 'b=[true, 0]' f=0.1
awk 'BEGIN {
	for (i = 0; i < 18; i++) {
		print "input x" i " = " i
		ys = ys ", x" i "*x" (i + 1) % 18
		xs = xs ", x" i
	}
	print "entry j = sparse_jacobian([" substr(ys, 3) "]" xs ") as v"
}' >ring.sg
expect 'the entries of a Jacobian by many inputs' 0 \
	'{"v": [1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 6, 5, 7, 6, 8, 7, 9, 8, 10, 9, 11, 10, 12, 11, 13, 12, 14, 13, 15, 14, 16, 15, 17, 16, 17, 0]}' \
	'' run --format=json ring.sg
cat >spike.sg <<'END'
def spike(u) = cast(u > 0, f64)
derivative spike(u; d) = d/(1 + abs(u))
input x[3] = [1, -1, 3]
y = spike(x)*x
entry j = sparse_jacobian(y, x) as v, jacobian(y, x) as dense
p, c = sparse_pattern(y, x)
entry places = p, c
END
expect 'entries that come from a rule alone' 0 \
	'{"v": [1.5, -0.5, 1.75], "dense": [[1.5, 0, 0], [0, -0.5, 0], [0, 0, 1.75]]}' '' run --format=json spike.sg j
expect 'and their places' 0 '{"p": [0, 1, 2, 3], "c": [0, 1, 2]}' '' run --format=json spike.sg places
cat >through.sg <<'END'
input x[2] = [1, 2]
y = x*x
u = y*[y[1], 1]
s = vjp(y, x, u)
entry j = sparse_jacobian(s, y) as v, jacobian(s, y) as dense
END
expect 'entries of a derivative through the binding that is held' 0 '{"v": [8, 2, 4], "dense": [[8, 2], [0, 4]]}' '' \
	run --format=json through.sg
cat >bonds.sg <<'END'
input x[4] = [1, 2, 3, 4]
energy = sum((x[[0, 2]] * x[[1, 3]])**2)
entry h = sparse_hessian(energy, x) as v
p, c = sparse_pattern(grad(energy, x), x)
entry places = p, c
entry twice = sparse_jacobian(x*x[[1, 0, 3, 2]], x, x) as v
END
expect 'what is gathered by constants is scattered to places' 0 '{"v": [8, 8, 8, 2, 32, 48, 48, 18]}' '' run --format=json bonds.sg h
expect 'and to no others' 0 '{"p": [0, 2, 4, 6, 8], "c": [0, 1, 0, 1, 2, 3, 2, 3]}' '' run --format=json bonds.sg places
expect 'one variable twice has columns twice' 0 '{"v": [2, 1, 2, 1, 2, 1, 2, 1, 4, 3, 4, 3, 4, 3, 4, 3]}' '' \
	run --format=json bonds.sg twice
printf 'input x[3], z[N]\ny = x*sum(z[:, None]*sin(x), axis=0)\noutput sparse_jacobian(y, x) as j\n' >inside.sg
expect 'what lies between has fixed extents too' 1 '' \
	'inside.sg:3:8: error: no sparse derivative: extents that are not fixed [sparse]
    3 | output sparse_jacobian(y, x) as j
      |        ^~~~~~~~~~~~~~~~~~~~~
hint: extents are fixed and indices constant here; else map the blocks: map((x) -> jacobian(f(x), x), xs)' \
	run inside.sg x='[1, 2, 3]' z='[1]'
expect 'extent 0' 0 '{"loss": 0, "grad_w": [0, 0]}' '' run --format=json line.sg 'x=[]' 'y=[]'
expect 'an entry asks nothing for the sake of another' 0 's = 1.0' '' run parts.sg whole 'x=[1]'
expect 'but for its own' 1 '' 'symgrad run: error: the shapes do not fit at parts.sg:3 with N = 1' run parts.sg part 'x=[1]'
expect 'what an entry does not use may still tell a dimension' 0 'y = [0. 0.]
s = [1. 1. 1. 1.]' '' run aside.sg x='[7, 8]' z='[1, 2, 3]' y='[1, 2, 3]'
expect 'and need not fit it' 0 'y = [0. 0. 0.]
s = [1. 1. 1. 1. 1. 1.]' '' run aside.sg N=3 M=2 x='[7, 8]'
expect 'a dimension by name' 0 's = 3.0
z = [0. 0. 0.]' '' run noise.sg n=3
expect 'options may stand anywhere' 0 '{"s": 3, "z": [0, 0, 0]}' '' run noise.sg n=3 --format json
expect 'abbreviated options' 0 '{"s": 3, "z": [0, 0, 0]}' '' run noise.sg n=3 --form=json
for b in interp cc tiered jit; do
	if [ $b = jit ] && ! "$SYMGRAD" --version | grep -q jit; then continue; fi
	expect "back end $b" 0 'loss = 25.0
grad_w = [30. 44.]' '' run --backend=$b line.sg "$x" 'y=[0, 3]'
done
"$SYMGRAD" run - "$x" 'y=[0, 3]' <line.sg >out 2>&1
grep -qx 'loss = 25.0' out
judge "'-' is standard input" $?

cat >wide.sg <<'END'
input x[n]
y = sum(tanh(x)**2)
gradient y wrt x
entry data = linspace(0, 1, n) as x
END
"$SYMGRAD" run wide.sg data n=100000 -o wide.npz
for t in 1 2 3; do
	"$SYMGRAD" run --threads=$t --format=json wide.sg x=@wide.npz:x >"threads.$t"
	judge "$t threads" $?
done
test -s threads.1 && cmp -s threads.1 threads.2 && cmp -s threads.1 threads.3
judge 'threads change no digit' $?

# ---- data files
printf 'a,b\n1,2\n3,4\n' >x.csv
printf '0\n3\n' >y.csv
expect 'data from tables' 0 'r = [3. 4.]
loss = 25.0' '' run line.sg forward x=@x.csv y=@y.csv
expect 'one column of a table' 0 'r = [1. 3.]
loss = 10.0' '' run line.sg forward x=@x.csv y=@x.csv:b
expect 'results into a file' 0 '' '' run line.sg forward x=@x.csv y=@y.csv -o out.npz
expect 'and back from it' 0 'r = [0. 5.]
loss = 25.0' '' run line.sg forward x=@x.csv y=@out.npz:r 'w=[3, 0]'
expect 'an array that is not there' 1 '' \
	"symgrad run: error: input 'y': out.npz: expected an array named 'q', found r, loss" \
	run line.sg forward x=@x.csv y=@out.npz:q
head -c 100 out.npz >cut.npz
expect 'a truncated file' 1 '' '*' run line.sg forward x=@x.csv y=@cut.npz:r
grep -q "^symgrad run: error: input 'y': cut.npz: expected an .npz file" err
judge 'says which file and what was expected' $?
expect 'a file that is not there' 1 '' \
	"symgrad run: error: input 'y': cannot read 'no.npy': No such file or directory" \
	run line.sg forward x=@x.csv y=@no.npy
expect 'a file that cannot be written' 1 '' \
	"symgrad run: error: cannot write 'no/out.npz': No such file or directory" \
	run line.sg forward x=@x.csv y=@y.csv -o no/out.npz
test "$(ls -A | grep -c '^\.out\.npz')" = 0
judge 'nothing is left beside it' $?

# ---- data at fault
expect 'all that is missing, in one message' 1 '' \
	"symgrad run: error: entry 'gradient' needs a value for x f64 [N, 2], y f64 [N]
hint: give each as NAME=VALUE: a number, a JSON array, @file.npy, @file.npz:name or @file.csv" run line.sg
expect 'unknown names have suggestions' 1 '' \
	"symgrad run: error: entry 'gradient' has no input 'xx'; did you mean 'x'?
symgrad run: error: entry 'gradient' has no input 'quite_another'" run line.sg xx=1 quite_another=2
expect 'a name given twice' 1 '' "symgrad run: error: input 'y': given twice" run line.sg "$x" 'y=[0, 3]' 'y=[0, 4]'
expect 'a wrong rank' 1 '' "symgrad run: error: input 'x': expected [N, 2], got [3]" run line.sg 'x=[1, 2, 3]' 'y=[0]'
expect 'a wrong shape' 1 '' '*' run line.sg 'x=[[1, 2, 3]]' 'y=[0]'
grep -q "'x'.*\[N, 2\].*\[1, 3\]" err
judge 'says what was expected and what came' $?
expect 'a wrong shape from a file' 1 '' "symgrad run: error: input 'y': out.npz:loss: expected [N], got []" \
	run line.sg "$x" y=@out.npz:loss
expect 'shapes of files that do not fit' 1 '' "symgrad run: error: input 'y': x.csv:a: expected [N] with N = 1, got [2]" \
	run line.sg 'x=[[1, 2]]' y=@x.csv:a
printf '1.5\n' >part.csv
expect 'a number of a file that is not one of the type' 1 '' \
	"symgrad run: error: input 'i': part.csv: element [0] is 1.5 and so not an i32" \
	run kinds.sg i=@part.csv l=1 'b=[1]' f=0
expect 'more than a number holds' 1 '' \
	"symgrad run: error: input 'y': '1e999' is beyond the range of f64; infinity is written \"inf\"" \
	run line.sg "$x" 'y=[1e999, 2]'
expect 'shapes that do not fit one another' 1 '' '*' run line.sg "$x" 'y=[0, 1, 2]'
expect 'a fraction for an integer' 1 '' "symgrad run: error: input 'l': 3.5 is not an i64
symgrad run: error: input 'i': element [0] is 3000000000 and so out of range for an i32" \
	run kinds.sg l=3.5 'i=[3000000000]' 'b=[1]' f=0
expect 'a malformed value' 1 '' "symgrad run: error: input 'y': expected a number, found 'abc' at character 1" \
	run line.sg "$x" y=abc
expect 'a ragged list' 1 '' \
	"symgrad run: error: input 'x': expected lists of equal lengths, found 1 beside 2 before character 13" \
	run line.sg 'x=[[1, 2], [3]]' 'y=[0, 0]'
expect 'a dimension below 0' 1 '' "symgrad run: error: dimension 'n': expected a whole number from 0, found '-1'" run noise.sg n=-1
expect 'a dimension that nothing fixes' 1 '' '*' run noise.sg
expect 'an unknown entry' 1 '' "error: no entry 'sum' [unknown-entry]
hint: the model has 'forward', 'gradient' and 'shifted'" run line.sg sum "$x" 'y=[0, 3]'
expect 'an input in the place of the entry' 1 '' "error: no entry 'x' [unknown-entry]
hint: 'x' is an input, whose value is given as x=VALUE" run line.sg x
expect 'a misspelt entry' 1 '' '*' run line.sg grad "$x" 'y=[0, 3]'
expect 'a model that is not there' 1 '' '*' run no.sg
printf 'output x as y\n' >bad.sg
expect 'a model at fault' 1 '' '*' run bad.sg
grep -q '^bad.sg:1:8: error: ' err
judge 'says where' $?
"$SYMGRAD" run --format=json bad.sg 2>err >out
test $? = 1 && test ! -s out && test "$(head -c 1 err)" = '['
judge 'and to machines in JSON' $?

# ---- failures of the computation
cat >fails.sg <<'END'
input a: i64, x[n]
output 7 // a as q
entry most = max(x) as m
input s[k, k]
entry inverse = inv(s) as i
entry root = cholesky(s) as r
END
cat > quotient.sg <<'END'
dim n
dim m
output sum(ones([n//m])) as y
END
printf 'input x[M], c\noutput if c > 0 then sum(ones([6//M])) + sum(x) else 0.0 as y\n' >branches.sg
printf 'input x[n], y[m]\noutput sum(x) + sum(y) + sum(ones([n - m])) as r\n' >fewer.sg
for b in interp cc jit; do
	if [ $b = jit ] && ! "$SYMGRAD" --version | grep -q jit; then continue; fi
	expect "an extent divided by zero, back end $b" 3 '' \
		'symgrad run: error: an extent is negative, inconsistent or too large, at quotient.sg:3:8' \
		run --backend=$b quotient.sg n=5 m=0
	expect "in a branch that is not taken too, back end $b" 3 '' \
		'symgrad run: error: an extent is negative, inconsistent or too large, at branches.sg:2:22' \
		run --backend=$b branches.sg 'x=[]' c=0
	expect "nothing is counted in a negative extent, back end $b" 1 '' \
		'symgrad run: error: the shapes do not fit at fewer.sg:2 with n = 1, m = 2' \
		run --backend=$b fewer.sg 'x=[1]' 'y=[1, 2]'
	expect "a division by zero, back end $b" 3 '' 'symgrad run: error: an integer was divided by zero, at fails.sg:2:8' \
		run --backend=$b fails.sg forward a=0
	expect "a singular matrix, back end $b" 3 '' 'symgrad run: error: a matrix is singular, at fails.sg:5:17' \
		run --backend=$b fails.sg inverse 's=[[1, 2], [2, 4]]'
	expect "an indefinite matrix, back end $b" 3 '' 'symgrad run: error: a matrix is not positive definite, at fails.sg:6:14' \
		run --backend=$b fails.sg root 's=[[1, 2], [2, 4]]'
	expect "the maximum of nothing, back end $b" 3 '' '*' run --backend=$b fails.sg most 'x=[]'
done

# ---- times
"$SYMGRAD" run --time --repeat=10 line.sg "$x" 'y=[0, 3]' >out 2>err
judge 'times are told' $?
for phase in parse differentiate emit compile 'first call' 'text to result' call; do
	grep -qE "^$phase +[0-9.]+ (us|ms|s)" err
	judge "the time to $phase" $?
done
grep -q '(mean of 10)$' err
judge 'and of how many calls' $?
test "$(cat out)" = 'loss = 25.0
grad_w = [30. 44.]'
judge 'beside the results' $?

# ---- eval
expect 'an expression' 0 '[0.09003057 0.24472847 0.66524096]' '' eval 'softmax([1, 2, 3])'
expect 'a scalar shows all its digits' 0 '0.30000000000000004' '' eval '0.1 + 0.2'
expect 'a negative number is no option' 0 -3 '' eval -3
expect 'a tuple' 0 'value_0 = 1
value_1 = 2.5' '' eval '(1, 2.5)'
expect 'names are numbers' 0 5.0 '' eval 'sqrt(x**2 + y**2)' x=3 y=4
expect 'in f32' 0 0.1 '' eval --real=f32 '0.1'
expect 'in JSON' 0 '{"value": [0, 0.5, 1]}' '' eval --format=json 'linspace(0, 1, 3)'
expect 'an expression at fault' 1 '' '*' eval 'foo(1)'
if [ -w /dev/full ]; then
	"$SYMGRAD" eval 1 >/dev/full 2>err
	test $? = 1 && grep -qx 'symgrad eval: error: cannot write to standard output: No space left on device' err
	judge 'a full disk is an error' $?
fi

finish
