#!/bin/sh
# installed.sh BINDIR LIBDIR EXAMPLES CC - is what was installed enough for a stranger? Builds the host program
# against the shared library, found by pkg-config, and a written C file against the runtime archive.
set -eu
bindir=$1
libdir=$2
examples=$3
cc=$4
work=$(mktemp -d "${TMPDIR:-/tmp}/symgrad.XXXXXX")
trap 'rm -rf "$work"' EXIT
export PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir"

# shellcheck disable=SC2046
$cc -std=c11 "$examples/host/descend.c" -o "$work/descend" $(pkg-config --cflags --libs symgrad) -lm
"$work/descend" "$examples/perceptron.sg"
odd=$(nm -D --defined-only "$libdir/libsymgrad.so" | awk '$2 != "A" && $3 !~ /^sg_/ { print $3 }')
if [ -n "$odd" ]; then
	echo "exported though not ours:" $odd >&2
	exit 1
fi

# the archive, in a program that has names of its own which are also in libtcc and in our floors
if nm "$libdir/libsymgrad.a" 2>"$work/no" | grep -q ' T sg_compile_file$'; then
	echo 'int ch, tok, next, expect, arg_axes, vjp_SUM, sgrt_strerror;' >"$work/own.c"
	# shellcheck disable=SC2046
	$cc -std=c11 "$examples/host/descend.c" "$work/own.c" -o "$work/static" $(pkg-config --cflags symgrad) \
		-L"$libdir" -l:libsymgrad.a $(pkg-config --static --libs symgrad | sed 's/-lsymgrad //')
	"$work/static" "$examples/perceptron.sg" >"$work/said"
	odd=$(nm -g --defined-only "$libdir/libsymgrad.a" | awk 'NF == 3 && $3 !~ /^sg_/ { print $3 }')
	if [ -n "$odd" ]; then
		echo "global in the archive though not ours:" $odd >&2
		exit 1
	fi
fi

cat >"$work/main.c" <<'EOF'
#include "rosenbrock.h"

#include <stdlib.h>

int
main(void)
{
	double x[3] = {1, 1, 1}, f, grad[3];
	void *work = aligned_alloc(64, rosenbrock_gradient_work(3) + 64 & ~(size_t)63);
	int status = work != NULL ? rosenbrock_gradient(3, x, &f, grad, work) : -1;

	free(work);
	return status != 0 || f > 0 || grad[0] != 0;
}
EOF
"$bindir/symgrad" compile --entry=gradient "$examples/rosenbrock.sg" -o "$work/"
# shellcheck disable=SC2046
$cc -std=c11 "$work/main.c" "$work/rosenbrock.c" -o "$work/main" $(pkg-config --cflags --libs symgrad_rt)
"$work/main"
echo 'what was installed works'
