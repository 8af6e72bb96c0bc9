#!/bin/sh
# bench/run builds, compares and reports; of its times nothing is asked. Skipped without Python and shared libraries.
# shellcheck source=tests/cli/harness.inc
. "${srcdir:-.}/tests/cli/harness.inc"
builddir=${builddir:-$PWD}
if ! python3 -c 'import ctypes, mmap' 2>/dev/null || ! [ -f "$builddir/.libs/libsymgrad.so" ]; then
	echo 'no Python 3, or no shared library'
	exit 77
fi
case "${CFLAGS:-} $CC" in *fsanitize*) exit 77 ;; esac

bench() { CC="$CC" python3 "$srcdir/bench/run" --build="$builddir" --seconds=0 --peers=none --out="$work/results.md" "$@"; }

status 'it knows its cases' 0 bench --list
judge 'a case stands in the list' "$(grep -qx chain-1e3 "$work/out"; echo $?)"
status 'an unknown case is refused' 2 bench perceptron9
says 'the name is said' perceptron9
status 'a folder is no report' 2 bench softmax3 --out="$work"
says 'and that is said first' 'that is a folder'

status 'an unknown peer is refused' 2 bench softmax3 --peers=numpy,torhc
says 'and the known ones are told' "no peer 'torhc'; torch, jax"
status 'so is a time before the beginning' 2 bench softmax3 --seconds=-1
status 'and a compiler that is not there' 2 bench softmax3 --cc=nocc
says 'with its name' 'no such compiler'
mkdir "$work/torch"
printf 'raise ImportError("none")\n' >"$work/torch/__init__.py"
PYTHONPATH=$work status 'it goes on without a peer' 0 bench softmax3 --peers=torch
judge 'a peer that is missing is skipped with a line' "$(grep -q '^torch: not there, skipped$' "$work/out"; echo $?)"

status 'it measures' 0 bench chain-1e3 softmax3 hello kmeans calls
cp "$work/out" "$work/said"
for row in '| mean((tanh' '| softmax of 3' '| hello ' '| kmeans ' '| `sg_call_run` |'; do
	grep -qF "$row" "$work/results.md"
	judge "the report has $row" $?
done
! grep -qF "$builddir" "$work/results.md" && ! grep -qF "$work" "$work/results.md"
judge 'the report names no folder of this machine' $?
# shellcheck disable=SC2016 # backticks of the report
if python3 -c 'import numpy' 2>"$work/no" && [ -f "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]; then
	grep -qF '| Python, by name, fresh outputs |' "$work/results.md"
	judge 'calls from Python are measured where they can be' $?
fi
! grep -q 'not the same work' "$work/results.md"
judge 'all forms give the same numbers' $?
grep -q '^<svg' "$work/results.svg"
judge 'there is a picture' $?

if python3 -c 'import numpy' 2>"$work/no"; then
	status 'one peer alone is measured' 0 bench logistic --peers=numpy
	judge 'it does the same work' "$(! grep -qE 'failed|not the same' "$work/out"; echo $?)"
fi

status 'the time of statements is told' 0 bench kmeans --where
judge 'by their lines' "$(grep -q '% .* line [0-9]*: for (' "$work/out"; echo $?)"

status 'derivatives keep little more than they have to' 0 python3 "$srcdir/bench/memory" --build="$builddir" --most=1.3

finish
