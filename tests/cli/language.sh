#!/bin/sh
# symgrad eval and run: sentences of the language, one a line, on every back end.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C
backends='interp cc jit'
"$SYMGRAD" --version | grep -q jit || backends='interp cc'

# is CLAIM EXPR TEXT: what `eval` prints
is() {
	for b in $backends; do
		prints "$1 ($b)" "$3" "$SYMGRAD" eval --backend=$b "$2"
	done
}

# gives CLAIM TEXT JSON [NAME=VALUE...]: the default entry of a model
gives() {
	claim=$1 json=$3
	printf '%s\n' "$2" >model.sg
	shift 3
	for b in $backends; do
		prints "$claim ($b)" "$json" "$SYMGRAD" run --format=json --backend=$b model.sg "$@"
	done
}

is 'a literal list may hold what is not finite' 'sum([nan, 1.0])' 'nan'
is 'infinities in a list' '[inf, -inf, 1.0]' '[ inf -inf   1.]'
is 'casts saturate' 'cast([1.9, -1.9, nan, 1e20, -inf], i32)' '[          1          -1           0  2147483647 -2147483648]'
is 'pow is the operator' 'pow(2, -1)' '0.5'
is 'pow of integers' 'pow(2, 3)' '8'
gives 'one weight serves several x' 'param w[2] = [1.0, 2.0], v = 2.0
a, b = vjp(w*v, w, v, [1, 1])
output a, b' '{"a": [2, 2], "b": 3}'
cat >quotient.sg <<'END'
input x[N]
output N//(N - 3) as q
entry start = arange(N//(N - 3), N//(N - 3) + 2) as a
entry guarded = (if N == 3 then 7 else N//(N - 3)) as g
END
for b in $backends; do
	for entry in forward start; do
		expect "a dimension divided by one that is 0 ($b)" 3 '' '*' run --backend=$b quotient.sg $entry x='[1, 2, 3]'
		says 'is a run-time error' 'an integer was divided by zero'
	done
	prints "where it is needed alone ($b)" 'g = 7' "$SYMGRAD" run --backend=$b quotient.sg guarded x='[1, 2, 3]'
	prints "and by another one a number ($b)" 'a = [2 3]' "$SYMGRAD" run --backend=$b quotient.sg start x='[1, 2, 3, 4, 5]'
done
gives 'loops over arrays of no elements' 'input x[0, N]
y = map((r) -> while((c) -> sum(c*c) > 1, (c) -> 0.6*c, 2*r, limit=40), x)
s = sum(sin(y))
gradient s wrt x' '{"s": 0, "grad_x": []}' N=2 x=[]
gives 'a condition that contradicts itself holds nowhere' 'input x
c = x < 0.2
output where(c and not c, 1.0, 0.0) as a, (if not c and c then cos(x) else 0.0) as b' '{"a": 0, "b": 0}' x=0
gives 'a Jacobian of no rows through a loop that keeps some carries' 'input x[N]
y = scan((p, q) -> 0.6*pad(x, ((1, 0),))[:-1], x, over=arange(3), checkpoint=2)
output jacobian(y, x, mode="forward") as j' '{"j": []}' x=[]
gives 'a row depends on what it is a row of' 'input x[N]
s = 3*x
a = map((r) -> grad(r*r*sum(x), x), x)
b = map((r) -> map((q) -> grad(q*r*r, s), 2*s), s)
_, c = scan((h, r) -> (h + r*sum(x), jvp(sin(stop_gradient(h)) + r**3, x, ones([N]))), 0.0, over=x, checkpoint=2)
d = map((r) -> hvp(r**3*x[0], x, ones([N])), x)
e = map((r) -> map((q) -> grad(q*q*r, r), [r, 2*r]), x)
f = map((r) -> grad(r*sum(grad(r**3, x)), r), x)
output a, b, c, d, e, f' '{"a": [[7, 1], [4, 16]], "b": [[[54, 0], [72, 18]], [[72, 72], [0, 216]]], "c": [3, 12], "d": [[12, 0], [12, 24]], "e": [[3, 12], [12, 48]], "f": [9, 36]}' 'x=[1, 2]'
for n in '[]' '[1]' '[1, 2]' '[1, 2, 3]'; do
	case $n in
	'[]') want='{"a": [], "b": [], "c": []}' ;;
	'[1]') want='{"a": [1], "b": [1], "c": [1]}' ;;
	'[1, 2]') want='{"a": [2, 1], "b": [1, 2], "c": [2, 1]}' ;;
	*) want='{"a": [3, 1, 2], "b": [2, 3, 1], "c": [3, 1, 2]}' ;;
	esac
	gives "roll of $n" 'input x[N]
output roll(x, 1) as a, roll(x, 2) as b, roll(x, -5) as c' "$want" "x=$n"
done
gives 'nothing is read backwards' 'input x[2, 0], z[N]
output x[:, ::-1] as a, flip(z) as b, z[::-2] as c' '{"a": [[], []], "b": [], "c": []}' 'x=[[], []]' 'z=[]'
# 27 * 10^9 steps, should they begin
long='input a
n = arange(3000)
y = if a > 1 then scan((c, i) -> scan((d, j) -> scan((e, k) -> sin(e), d, over=n), c, over=n), a, over=n) else 2*a
gradient y wrt a
entry j = jvp(y, a, 1) as j'
gives 'a loop of a branch that is not taken does not begin' "$long" '{"y": 1, "grad_a": 2}' a=0.5
gives 'a scan with checkpoints neither' 'input a, xs[N]
y = if a > 1 then scan((c, x) -> sin(c)*x, a, over=xs, checkpoint=2) else 2*a
gradient y wrt a' '{"y": 1, "grad_a": 2}' a=0.5 'xs=[1, 2, 3]'
gives 'a branch that is taken runs' 'input a, xs[N]
y = if a > 1 then scan((c, x) -> c*x, a, over=xs, checkpoint=2) else 2*a
gradient y wrt a' '{"y": 12, "grad_a": 6}' a=2 'xs=[1, 2, 3]'
gives 'under map all slices go through it' 'input a[N], xs[M]
y = map((b) -> if b > 1 then scan((c, x) -> c*x, b, over=xs) else 2*b, a)
gradient sum(y) as s wrt a' '{"s": 13, "grad_a": [2, 6]}' 'a=[0.5, 2]' 'xs=[1, 2, 3]'
# ---- the text of derivatives gives the same numbers, at 0**0 too
printf 'param x, y\nz = where(x == 0, 5, x**y*log(x))\ngradient x**y + z as l wrt x, y\n' >power.sg
status 'diff of a power' 0 "$SYMGRAD" diff power.sg
cp out power_diff.sg
for at in 'x=0 y=0' 'x=0 y=0.5' 'x=2 y=3'; do
	# shellcheck disable=SC2086
	want=$("$SYMGRAD" run --format=json power.sg $at)
	# shellcheck disable=SC2086
	prints "the same at $at" "$want" "$SYMGRAD" run --format=json power_diff.sg gradient $at
done
prints 'an expression is written as one reads it' 'x**y*log(x)' "$SYMGRAD" diff -e 'x**y' --wrt y
prints 'but what was said is kept' 'where(x == 0, 5, x**y*log(x))' "$SYMGRAD" diff -e 'where(x == 0, 5*y, x**y)' --wrt y
for axes in 'input a[3]:p[1]' 'input a[4, 3]:sum(p[1:, 1]**2)'; do
	printf '%s\np = softmax(a)\ngradient %s as y wrt a\n' "${axes%%:*}" "${axes#*:}" >pick.sg
	status 'diff of a part of a softmax' 0 "$SYMGRAD" diff pick.sg
	! grep -q 'sum(.*d_p' out
	judge "what is not of the part adds nothing: ${axes#*:}" $?
done
cat >empty.sg <<'END'
input x[0, 1, 0]
v = transpose(x, axes=(2, 0, 1))
g = vjp(gelu(v), v, tanh(v))
w = map((r) -> while((c) -> sum(c*c) > 1.03, (c) -> 0.6*c, 2*r, limit=40), v)
y = sum(sin(0.4 + w)) + sum(sin(0.4 + g))
entry e = grad(norm(grad(y, x)), x) as g
END
status 'no element is read where there is none' 0 "$SYMGRAD" check empty.sg

# fails CLAIM TEXT [NAME=VALUE...]: an error of the run
fails() {
	claim=$1
	printf '%s\n' "$2" >model.sg
	shift 2
	for b in $backends; do
		status "$claim ($b)" 3 "$SYMGRAD" run --backend=$b model.sg "$@"
	done
}

slices='input x[N], y[M]
z = map((k) -> if k < N then x[k]*x[k] else 0.0, arange(M))
gradient sum(z*y) as s wrt x, y'
fails 'an index of rows without elements is looked at' 'input m[R, C], i: i64[K]
output m[i] as y' 'm=[[],[]]' 'i=[0, 5]'
gives 'no slice asks for an element of nothing' "$slices" '{"s": 0, "grad_x": [], "grad_y": [0, 0]}' 'x=[]' 'y=[1, 2]'
gives 'some slices ask' "$slices" '{"s": 9, "grad_x": [6], "grad_y": [9, 0]}' 'x=[3]' 'y=[1, 2]'
fails 'a slice asks for an element of nothing' 'input x[N], y[M]
output map((v) -> if v > 0.0 then x[cast(v, i64)] else v, y) as z' 'x=[]' 'y=[-1, 0.5]'
most='input x[N], y[M], c
z = map((k) -> if k > 0.0 then k*max(x) + cast(argmin(x), f64) else k*c, y)
gradient sum(z) as s wrt x, y, c'
gives 'no slice asks for the maximum of nothing' "$most" \
	'{"s": -6, "grad_x": [], "grad_y": [2, 2], "grad_c": -3}' 'x=[]' 'y=[-1, -2]' c=2
gives 'a slice asks for the maximum' "$most" \
	'{"s": -1, "grad_x": [0, 1], "grad_y": [3, 2], "grad_c": -2}' 'x=[2, 3]' 'y=[1, -2]' c=2
fails 'a slice asks for the maximum of nothing' "$most" 'x=[]' 'y=[1, -2]' c=2
within='input x[N, M], a[N], c
v = if c > 0 then sum(map((r, b) -> if b > 0 then max(r*b) + r[argmax(r)] else b, x, a)) else c
gradient v wrt x, a, c
entry alone = grad(v, a) as g'
gives 'in a branch of a branch no slice asks for the maximum of nothing' "$within" \
	'{"v": -3, "grad_x": [[], []], "grad_a": [1, 1], "grad_c": 0}' 'x=[[], []]' 'a=[-1, -2]' c=1
gives 'nor does what is in no branch then' "$within" \
	'{"v": -1, "grad_x": [[], []], "grad_a": [0, 0], "grad_c": 1}' 'x=[[], []]' 'a=[1, 2]' c=-1
gives 'a slice in a branch of a branch asks for it' "$within" \
	'{"v": 7, "grad_x": [[0, 3], [0, 0]], "grad_a": [3, 1], "grad_c": 0}' \
	'x=[[1, 3], [4, 2]]' 'a=[2, -2]' c=1
fails 'it asks for the maximum of nothing' "$within" 'x=[[], []]' 'a=[1, -2]' c=1
gives 'a norm of any order has the derivative 0 at 0' 'input x[N, 2]
def to(p) = round(1e6*map((t) -> grad(norm(t, ord=p), t), x))
entry g = to(3) as c, to(1.5) as b, to(0.5) as a, to(-1) + 0 as r' \
	'{"c": [[0, 0], [0, -1000000]], "b": [[0, 0], [0, -1000000]], "a": [[0, 0], [0, -1000000]], "r": [[0, 0], [0, 0]]}' \
	'x=[[0, 0], [0, -4]]'
gives 'and its value there' 'input x[2], e[M]
output norm(x, ord=0.5) as a, norm(x, ord=-1) as r, norm(0*x, ord=3) as z, norm(e, ord=3) as n,
  norm(e, ord=-1) as i' '{"a": 4, "r": 0, "z": 0, "n": 0, "i": "inf"}' 'x=[0, -4]' 'e=[]'
gives 'no number of degrees of freedom is below 0' 'input x[N]
output var(x, ddof=2) as v, var([1, 2, 3, 4], ddof=5) as w, std(x, ddof=1) as s' \
	'{"v": "nan", "w": "inf", "s": "nan"}' 'x=[7]'
gives 'triangles end where no diagonal is' 'input x[2, 2]
output tril(x, k=9223372036854775807) as a, triu(x, k=9223372036854775807) as b,
  tril(x, k=-9223372036854775807) as c, triu(x, k=-9223372036854775807) as d' \
	'{"a": [[1, 2], [3, 4]], "b": [[0, 0], [0, 0]], "c": [[0, 0], [0, 0]], "d": [[1, 2], [3, 4]]}' \
	'x=[[1, 2], [3, 4]]'
ignored='input a[N, M], t: i64[N]
gradient cross_entropy(a, t) as l wrt a
entry n = grad(nll_loss(a, t), a) as g'
gives 'where no sample counts the loss is NaN, its derivative 0' "$ignored" \
	'{"l": "nan", "grad_a": [[0, 0], [0, 0]]}' 'a=[[1, 2], [3, 4]]' 't=[-100, -100]'
gives 'samples that count are divided by their number' "$ignored" \
	'{"l": 0, "grad_a": [[0, 0], [0, 0]]}' 'a=[[1, 2], [900, 0]]' 't=[-100, 0]'
steps='input r[M], c, u[T]
s = scan((h, v) -> if M > 0 then h*v + c*max(r) else h*v + c, 1.0, over=u)
gradient s wrt c, r, u'
gives 'no step asks for the maximum of nothing' "$steps" \
	'{"s": 8, "grad_c": 3, "grad_r": [], "grad_u": [2, 3]}' 'r=[]' 'u=[1, 2]' c=2
gives 'steps ask for the maximum' "$steps" \
	'{"s": 20, "grad_c": 9, "grad_r": [6, 0], "grad_u": [2, 7]}' 'r=[3, 1]' 'u=[1, 2]' c=2
rows='input E[M, 2], k: i64, p, u[2]
y = if p > 0.0 then E[k, 1]*E[k, 0] else p
z = map((v) -> if v > 0.0 then E[k, 1]*v + max(E*v, axis=0)[1] else v, u)
gradient y + sum(z) as s wrt E, p'
gives 'no branch asks for a column of nothing' "$rows" '{"s": -4, "grad_E": [], "grad_p": 1}' \
	M=0 'E=[]' k=5 p=-1 'u=[-1, -2]'
gives 'a branch asks for columns' "$rows" '{"s": 60, "grad_E": [[0, 0], [4, 15]], "grad_p": 0}' \
	'E=[[1, 2], [3, 4]]' k=1 p=1 'u=[3, 3]'
fails 'a branch asks for a column of nothing' "$rows" M=0 'E=[]' k=0 p=1 'u=[-1, -2]'
first='input e[M], E[M, 2], z, u[2]
y = if M > 0 then e[0]*z + E[-1, 1] else z
x = map((v) -> if v > 0.0 then e[2]*v + E[-3][0] else v, u)
gradient y + sum(x) as s wrt e, E, z'
gives 'no branch asks for the first of nothing' "$first" \
	'{"s": -1, "grad_e": [], "grad_E": [], "grad_z": 1}' M=0 'e=[]' 'E=[]' z=2 'u=[-1, -2]'
gives 'one branch of two asks' "$first" \
	'{"s": 10, "grad_e": [2], "grad_E": [[0, 1]], "grad_z": 3}' 'e=[3]' 'E=[[5, 7]]' z=2 'u=[-1, -2]'
gives 'both ask' "$first" \
	'{"s": 28, "grad_e": [2, 0, 1], "grad_E": [[1, 0], [0, 0], [0, 1]], "grad_z": 3}' \
	'e=[3, 4, 6]' 'E=[[5, 7], [8, 9], [1, 15]]' z=2 'u=[1, -4]'
fails 'a branch asks for the third of two' "$first" 'e=[3, 4]' 'E=[[5, 7], [8, 9]]' z=2 'u=[1, -2]'
gives 'where nothing is read no index is looked at' 'input m[R, 2], i: i64[K]
gradient sum(m[:, i]) as s wrt m' '{"s": 0, "grad_m": []}' R=0 'm=[]' 'i=[5]'
gives 'a product of dimensions wraps' 'dim N
output N*N*N*N - 2*N*N as y, N - 1 as z' '{"y": -3715814041627336704, "z": 2999999}' N=3000000

finish
