#!/bin/sh
# gen.sh SRCDIR OUTDIR - the runtime's C from its templates.
#
# expand.awk turns the templates (*.h.in, *.c.in) into the texts for each type; snippets.awk cuts
# these into functions, types and macros. Out of them come, in OUTDIR:
#   symgrad_runtime.h    what written C includes: core and scalars, and the prototypes of the
# kernels
#   symgrad_block.h      prototypes of the kernels that only the JIT calls
#   symgrad_reference.h  prototypes of the naive references, for the tests
#   NAME.c               the kernels, one for each NAME.c.in
#   reference.c          the naive references
#   isa_names.h          gives each kernel a name of its own for an instruction set
#   dispatch.c           what the kernels' plain names are where there are several
#   runtime_text.c       all of it as text, for --standalone and for the JIT's declarations
#   symbols.c            addresses of all of it, and of <math.h>, for the JIT
#   scalars.c            those of scalar functions that are compiled for each instruction set
# A file is replaced only when its text has changed.
set -eu
src=$1
out=$2
LC_ALL=C
export LC_ALL
headers='integer scalar vector activate special quotient trig hyperbolic power gamma random sum powers few'
kernels='error activation softmax loss matmul reduce extremes copy vmath normal linalg block block_around block_fold block_move block_pair block_place block_rows'
libm='acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1
fabs floor fma fmax fmin fmod hypot ldexp log log10 log1p log2 nearbyint pow rint round sin sinh
sqrt tan tanh trunc'

tmp=$(mktemp -d "${TMPDIR:-/tmp}/sgrt.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

put() { # put FILE: standard input becomes OUTDIR/FILE, unless it says the same already
	cat >"$tmp/put"
	if ! cmp -s "$tmp/put" "$out/$1"; then
		cp "$tmp/put" "$out/$1.new"
		mv -f "$out/$1.new" "$out/$1"
	fi
}

mkdir -p "$out"
for n in $headers; do awk -f "$src/expand.awk" "$src/$n.h.in"; done >"$tmp/scalars"
cat "$src/core.h.in" "$tmp/scalars" >"$tmp/headers"
for n in $kernels; do awk -f "$src/expand.awk" "$src/$n.c.in" >"$tmp/$n.c"; done
kernel_files=$(for n in $kernels; do echo "$tmp/$n.c"; done)
# shellcheck disable=SC2086
awk -v dir="$tmp" -v libm="$(echo $libm)" -f "$src/snippets.awk" "$tmp/headers" $kernel_files

{
	sed -n '1,/^@body/p' "$src/symgrad_runtime.h.in" | sed '$d'
	cat "$src/core.h.in"
	echo '#ifndef __cplusplus'
	cat "$tmp/scalars"
	echo '#endif'
	echo
	cat "$tmp/protos"
	sed '1,/^@body/d' "$src/symgrad_runtime.h.in"
} | put symgrad_runtime.h
put symgrad_block.h <"$tmp/block.h"
put symgrad_reference.h <"$tmp/reference.h"
for n in $kernels; do awk -v want=0 -f "$src/reference.awk" "$tmp/$n.c" | put "$n.c"; done
{
	echo '/* Written by gen.sh: the naive references of the kernels. */'
	echo '#include "symgrad_reference.h"'
	echo
	for n in $kernels; do awk -v want=1 -f "$src/reference.awk" "$tmp/$n.c"; done
} | put reference.c
put isa_names.h <"$tmp/isa_names.h"
put dispatch.c <"$tmp/dispatch.c"
put runtime_text.c <"$tmp/runtime_text.c"
put symbols.c <"$tmp/symbols.c"
put scalars.c <"$tmp/scalars.c"
