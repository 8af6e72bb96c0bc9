#!/bin/sh
# The Python package, built against the library of this build. Skipped without Python's headers, NumPy, pytest
# or a shared library.
# shellcheck source=tests/cli/harness.inc
. "${srcdir:-.}/tests/cli/harness.inc"
builddir=${builddir:-$PWD}

skip() {
	echo "skipped: $1"
	exit 77
}
case "${CFLAGS:-} $CC" in *fsanitize*) skip 'sanitizers and Python do not mix' ;; esac
[ -f "$builddir/.libs/libsymgrad.so" ] || skip 'no shared library'

# The first Python that has all: flags for its headers, and how it calls a module
has_all='
import os, sysconfig, numpy, pytest
include = sysconfig.get_path("include")
assert os.path.exists(include + "/Python.h")
print("-isystem", include, "-isystem", numpy.get_include())
print(sysconfig.get_config_var("EXT_SUFFIX"))'
python=
for p in "${PYTHON:-}" python3 /usr/bin/python3; do
	if [ -n "$p" ] && "$p" -c "$has_all" >"$work/about" 2>/dev/null; then
		python=$p
		break
	fi
done
[ -n "$python" ] || skip 'no Python 3 with headers, NumPy and pytest; Debian: apt-get install python3-dev python3-numpy python3-pytest'
headers=$(sed -n 1p "$work/about")
suffix=$(sed -n 2p "$work/about")

mkdir -p "$work/lib/symgrad"
cp "$srcdir"/python/src/symgrad/*.py* "$work/lib/symgrad/"
# shellcheck disable=SC2086 # several flags
status 'the module compiles without a warning' 0 $CC -std=gnu11 -O2 -Wall -Wextra -Wconversion -Wshadow -Werror \
	-fPIC -shared -fvisibility=hidden $headers -I"$srcdir/src/api" "$srcdir"/python/src/symgrad/*.c \
	-o "$work/lib/symgrad/_core$suffix" -L"$builddir/.libs" -lsymgrad -Wl,-rpath,"$builddir/.libs"
[ "$failed" = 0 ] || cat "$work/err"

export PYTHONPATH="$work/lib" PYTHONDONTWRITEBYTECODE=1 SYMGRAD_BUILD="$builddir"
"$python" -m pytest -q -p no:cacheprovider "$srcdir/python/tests" >"$work/out" 2>&1 </dev/null
judge 'the tests of the package pass' $?
cat "$work/out"
of_package=$(sed -n 's/^\([0-9]* failed, \)*\([0-9]*\) passed.*/\2/p' "$work/out")
passed=$((passed + ${of_package:-0}))
"$python" "$srcdir/python/bench/overhead.py" --calls=200 >"$work/out" 2>&1 </dev/null
judge 'the overhead can be measured' $?
[ "$failed" = 0 ] || cat "$work/out"

finish
