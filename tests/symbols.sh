#!/bin/sh
# What the library exports is what symgrad.h declares and symgrad.map lists, under the version that is written
# there; its file has a version; and no state of its own is kept at file scope but what is put up with below.
set -u
srcdir=${srcdir:-.}
builddir=${builddir:-.}
LC_ALL=C
export LC_ALL
passed=0
failed=0

judge() { # judge CLAIM TEXT: the claim holds when the text is empty
	if [ -z "$2" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'not so: %s\n%s\n' "$1" "$2"
	fi
}

work=$(mktemp -d "${TMPDIR:-/tmp}/symgrad.XXXXXX")
trap 'rm -rf "$work"' EXIT
tr '\n' ' ' <"$srcdir/src/api/symgrad.h" | grep -oE 'SG_API [^;{}]*\(' | grep -oE 'sg_[a-z0-9_]+\(' |
	grep -oE 'sg_[a-z0-9_]+' | sort -u >"$work/header"
sed -n 's/^	\(sg_[a-z0-9_]*\);$/\1/p' "$srcdir/src/api/symgrad.map" | sort >"$work/map"
judge 'symgrad.map lists what symgrad.h declares' "$(diff "$work/header" "$work/map")"
judge 'each once' "$(uniq -d "$work/map")"

lib=$builddir/.libs/libsymgrad.so
if [ -e "$lib" ] && command -v readelf >"$work/where"; then
	readelf -d "$lib" | grep -q 'SONAME.*\[libsymgrad\.so\.0\]' || judge 'the library has a version' 'no SONAME libsymgrad.so.0'
	readelf -V "$lib" >"$work/versions"
	if grep -q SYMGRAD_0 "$work/versions"; then
		nm -D --defined-only "$lib" | awk '$3 != "SYMGRAD_0" { print $3 }' >"$work/names"
		judge 'every symbol has the version SYMGRAD_0' "$(grep -v '@@SYMGRAD_0$' "$work/names" | grep -v '^SYMGRAD_0')"
		sed -n 's/@@.*//p' "$work/names" | grep -v '^SYMGRAD_0' | sort >"$work/exported"
		judge 'the library exports what symgrad.map lists' "$(diff "$work/map" "$work/exported")"
	fi
else
	echo 'no shared library here: only the lists were compared'
fi

# What may be written to beside the objects that callers hold: the form of the runtime, chosen when it is loaded,
# the lock around Graphviz, which keeps state of its own, and the one that a fork waits for.
archive=$builddir/.libs/libsg.a
if [ -e "$archive" ] && command -v readelf >"$work/where" && ! nm "$archive" 2>"$work/where" | grep -q '__[at]san_\|__gcov'; then
	readelf -SW "$archive" | awk '
	/^File:/ { sub(/.*\(/, ""); sub(/\).*/, ""); file = $0 }
	match($0, / \.t?(data|bss)[^ ]* /) {
		split(substr($0, RSTART), a, " ")
		if (a[1] !~ /rel\.ro/ && a[5] !~ /^0+$/) print file, a[1]
	}' | grep -vxF 'libsg_la-picture.o .bss
libsg_la-tier.o .bss
libsgrt_la-isa.o .bss' >"$work/state"
	judge 'no file keeps state' "$(cat "$work/state")"
else
	echo 'not tried: state at file scope'
fi

echo "$passed passed, $failed failed"
test "$failed" = 0
