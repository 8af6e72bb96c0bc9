#!/bin/sh
# Commands, options, help and exit statuses.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C

try='try '\''symgrad --help'\'
expect 'no command is wrong usage' 2 '' "symgrad: error: a command is missing
$try"
expect 'a misspelt command has a suggestion' 2 '' "symgrad: error: unknown command 'rum'; did you mean 'run'?
$try" rum
expect 'an unknown command' 2 '' "symgrad: error: unknown command 'frobnicate'
$try" frobnicate
expect 'a command that is none' 2 '' '*' trian x.sg
SYMGRAD_ISA=avx3 && export SYMGRAD_ISA
expect 'instructions that are none' 2 '' "symgrad: error: SYMGRAD_ISA is 'avx3' in the environment; expected base, avx2 or avx512
$try" eval 1
SYMGRAD_ISA=base
expect 'instructions of any processor' 0 1 '' eval 1
unset SYMGRAD_ISA
expect 'an unknown option before the command' 2 '' "symgrad: error: unknown option '--foo'
$try" --foo
expect 'a misspelt option has a suggestion' 2 '' \
	"symgrad run: error: unknown option '--fromat'; did you mean '--format'?
try 'symgrad run --help'" run --fromat=json x.sg
expect 'an unknown letter' 2 '' "symgrad run: error: unknown option '-q'
try 'symgrad run --help'" run -q x.sg
expect 'an option of two names' 2 '' "symgrad run: error: option '--re' is ambiguous
try 'symgrad run --help'" run --re=1 x.sg
expect 'a value that is missing' 2 '' "symgrad compile: error: option '-o' needs a value: -o PATH
try 'symgrad compile --help'" compile x.sg -o
expect 'a value too many' 2 '' "symgrad run: error: option '--time' takes no value
try 'symgrad run --help'" run --time=3 x.sg
expect 'an unknown back end' 2 '' "symgrad run: error: unknown back end 'gpu'; expected jit, tiered, cc or interp
try 'symgrad run --help'" run --backend=gpu x.sg
expect 'an unknown format' 2 '' "symgrad run: error: unknown format 'yaml'; expected text or json
try 'symgrad run --help'" run --format=yaml x.sg
expect 'an unknown type' 2 '' "symgrad run: error: --real takes f32 or f64, not 'f16'
try 'symgrad run --help'" run --real=f16 x.sg
expect 'a dimension without a value' 2 '' \
	"symgrad run: error: --dim takes a name and a whole number, as in --dim=N=128, not 'N'
try 'symgrad run --help'" run --dim=N x.sg
expect 'a dimension twice' 2 '' "symgrad run: error: --dim gives 'N' twice
try 'symgrad run --help'" run --dim=N=1 --dim N=2 x.sg
expect 'repeat takes a number' 2 '' "symgrad run: error: --repeat takes a whole number from 1, not '0'
try 'symgrad run --help'" run --repeat=0 x.sg
echo 'output 1.0 as y' >one.sg
for n in 0 257 x; do
	expect 'threads take a number' 2 '' "symgrad run: error: --threads takes a whole number from 1 to 256, not '$n'
try 'symgrad run --help'" run "--threads=$n" one.sg
done
expect 'results go into .npz' 2 '' "symgrad run: error: --output takes a name that ends in .npz, not 'a.txt'
try 'symgrad run --help'" run -o a.txt x.sg
expect 'diff of an expression needs a name' 2 '' "symgrad diff: error: --expr needs --wrt=NAME
try 'symgrad diff --help'" diff -e 'x*x'
expect 'diff takes names' 2 '' "symgrad diff: error: --wrt takes names, not '2x'
try 'symgrad diff --help'" diff -e 'x*x' --wrt x,2x
for c in run compile check bench; do
	expect 'a model is missing' 2 '' "symgrad $c: error: a model is missing: symgrad $c FILE.sg
try 'symgrad $c --help'" "$c"
done
expect 'eval takes one expression' 2 '' \
	"symgrad eval: error: expected one expression (in quotes) and then NAME=VALUE, got '+'
try 'symgrad eval --help'" eval 1 + 2
expect 'an object file is not printed' 2 '' \
	"symgrad compile: error: an object file cannot be printed; give --output a name
try 'symgrad compile --help'" compile --emit=o -o - x.sg
expect 'an unknown kind' 2 '' "symgrad compile: error: --emit knows c, h, o, a, so, sg, latex, dot, svg, png and ir, not 'exe'
try 'symgrad compile --help'" compile --emit=c,exe x.sg
expect 'one file for two models' 2 '' \
	"symgrad compile: error: --output names one file, for 2 models; give a folder
try 'symgrad compile --help'" compile -o a.c x.sg y.sg

# ---- help and version
for c in '' compile run eval diff check train info graph fmt bench cache explain; do
	# shellcheck disable=SC2086
	"$SYMGRAD" $c --help >help 2>err
	judge "help of '$c' is given" $?
	test ! -s err
	judge "help of '$c' goes to standard output" $?
	grep -q '^Examples:' help
	judge "help of '$c' has examples" $?
	! awk 'length > 100' help | grep -q .
	judge "help of '$c' has no line over 100 columns" $?
done
"$SYMGRAD" --help >a
"$SYMGRAD" help >b
cmp -s a b
judge "'help' is '--help'" $?
"$SYMGRAD" run --help >a
"$SYMGRAD" help run >b
cmp -s a b
judge "'help run' is 'run --help'" $?
"$SYMGRAD" --version | grep -qE '^symgrad [0-9]+\.[0-9]+'
judge 'the version is told' $?

# ---- where output can't be written
if [ -w /dev/full ]; then
	for c in '--help' '--version' 'explain'; do
		# shellcheck disable=SC2086
		"$SYMGRAD" $c >/dev/full 2>err
		test $? = 1 && grep -q '^symgrad.*: error: cannot write to standard output: No space left on device$' err
		judge "a full disk is an error of '$c'" $?
	done
fi
"$SYMGRAD" --help 2>err >&-
test $? = 1 && grep -q 'cannot write to standard output: ' err
judge 'a closed standard output is an error' $?
{
	"$SYMGRAD" explain 2>err
	echo $? >status
} | :
grep -qx '[01]' status && ! grep -q -i 'signal' err
judge 'a closed pipe does not kill' $?

# ---- explain
"$SYMGRAD" explain >codes
judge 'explain lists the codes' $?
while read -r code; do
	"$SYMGRAD" explain "$code" >text 2>err && test -s text && test ! -s err
	judge "'$code' is explained" $?
done <codes
code=$(head -n 1 codes)
expect 'an unknown code' 1 '' "symgrad explain: error: unknown code 'zzzzzzzz'; 'symgrad explain' lists all" \
	explain zzzzzzzz
"$SYMGRAD" explain "$code" >a
"$SYMGRAD" explain "[$code]" >b
cmp -s a b
judge 'a code may stand in brackets' $?

finish
