#!/bin/sh
# demo.sh SYMGRAD EXAMPLES PROGRAMS - the main job, shown: a model is compiled in memory and evaluated, the C
# that it becomes is announced, and a host program descends along its gradient.
set -eu
symgrad=$1
examples=$2
programs=$3

say() { printf '\n$ %s\n' "$*"; }

cat "$examples/perceptron.sg"
say symgrad run examples/perceptron.sg x=@examples/perceptron.csv
"$symgrad" run "$examples/perceptron.sg" x=@"$examples/perceptron.csv"
say symgrad run --time examples/perceptron.sg gradient x=@examples/perceptron.csv
"$symgrad" run --time "$examples/perceptron.sg" gradient x=@"$examples/perceptron.csv" 2>&1 >/dev/null
say symgrad compile --emit=h --entry=gradient -o - examples/perceptron.sg
"$symgrad" compile --emit=h --entry=gradient -o - "$examples/perceptron.sg"
say examples/host/descend examples/perceptron.sg
"$programs/host/descend" "$examples/perceptron.sg"
