#!/bin/sh
# symgrad bench: its forms and its errors; no test says how long something may take.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C
model=$srcdir/examples/perceptron.sg
cat >two.sg <<'END'
input x[N], i: i64[N]
entry a = sum(x) as s
entry b = sum(i) as s
END
cat >fails.sg <<'END'
input x[N]
output max(x) as m
END

status 'a model is timed' 0 "$SYMGRAD" bench "$model" --dim=N=4
head -n 1 out | grep -qE '^ +jit +cc +interp$'
judge 'each back end has a column' $?
number='([0-9.]+ (ns|us|ms|s)|-)'
for e in forward gradient; do
	grep -qE "^$e +$number +$number +[0-9.]+ (ns|us|ms|s) *$" out
	judge "$e has a line" $?
done
grep -qE '^ratio +([0-9.]+|-) +([0-9.]+|-) +[0-9.]+$' out
judge 'and so has their ratio' $?
test ! -s err
judge 'nothing is said' $?

status 'to machines' 0 "$SYMGRAD" bench "$model" --dim=N=4 --format=json
t='"jit": ([0-9.e-]+|null), "cc": ([0-9.e-]+|null), "interp": [0-9.e-]+'
grep -qxE "\{\"seconds\": \{\"forward\": \{$t\}, \"gradient\": \{$t\}\}, \"ratio\": \{$t\}\}" out
judge 'it is one object' $?

status 'one entry' 0 "$SYMGRAD" bench "$model" gradient --dim=N=4
test "$(wc -l <out)" = 2
judge 'has no ratio' $?
status 'other entries, random data, data' 0 "$SYMGRAD" bench two.sg 'i=[1, 2, 3]' N=3 --seed=5
grep -qE '^a ' out && grep -qE '^b ' out && ! grep -q ratio out
judge 'are all timed' $?
SYMGRAD_CC=/dev/null/cc XDG_CACHE_HOME=$work/none "$SYMGRAD" bench two.sg a N=3 >out 2>err
judge 'a back end that is missing' $?
grep -qE '^a .* - +[0-9.]+ (ns|us|ms|s)' out
judge 'is left out' $?

expect 'a dimension without a value' 1 '' \
	"symgrad bench: error: dimension 'N' has no value: give --dim=NAME=VALUE, or data" bench "$model"
expect 'a failure of the computation' 3 '' '*' bench fails.sg 'x=[]'
expect 'an unknown entry' 1 '' '*' bench "$model" hessian
expect 'a seed that is none' 2 '' "symgrad bench: error: --seed takes a whole number, not 'x'
try 'symgrad bench --help'" bench "$model" --seed=x
finish
