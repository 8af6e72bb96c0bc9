#!/bin/sh
# The public headers are manuals: the program on top of symgrad.h compiles and says what it should, no function
# stands without a contract, and both headers are C11 and C++ by themselves.
. "${srcdir:-.}/tests/cli/harness.inc"
builddir=$(cd "${builddir:-.}" && pwd)
api=$(cd "$srcdir" && pwd)/src/api
cc=${CC:-cc}
strict='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'

# ---- each alone, in the oldest forms of the languages that they are for
for header in "$api/symgrad.h" "$builddir/runtime/symgrad_runtime.h"; do
	echo "#include \"$header\"" >"$work/alone.c"
	# shellcheck disable=SC2086
	status "$header is C11" 0 $cc -std=c11 $strict -Wstrict-prototypes -fsyntax-only "$work/alone.c"
	if echo 'int x;' | $cc -x c++ -fsyntax-only - 2>"$work/no"; then
		# shellcheck disable=SC2086
		status "$header is C++11" 0 $cc -x c++ -std=c++11 $strict -fsyntax-only "$work/alone.c"
	else
		echo 'not tried: C++, for the compiler has none'
	fi
done

# ---- a function, or a group of them without an empty line between, follows a comment
bare=$(awk '
/^$/ { said = 0 }
/^\/\*/ && !/^\/\* ----/ { said = 1 }
/^(SG_API|typedef (struct|enum))/ && !said { print FILENAME ":" FNR ": " $0 }' "$api/symgrad.h")
[ -z "$bare" ] || echo "$bare"
judge 'every function and type has a contract' "$([ -z "$bare" ]; echo $?)"

# ---- the program on top
sed -n '/^ \*     #include <symgrad.h>$/,/^ \*     }$/{s/^ \*     //;s/^ \*$//;p}' "$api/symgrad.h" >"$work/line.c"
# shellcheck disable=SC2086
status 'the program on top compiles' 0 $cc -std=c11 $strict -I"$api" -c "$work/line.c" -o "$work/line.o"
lib=$builddir/.libs/libsymgrad.so
if [ -e "$lib" ] && ! nm -D "$lib" | grep -q __asan; then
	status 'and links' 0 $cc "$work/line.o" "$lib" -o "$work/line"
	prints 'and finds the line' 'y = 1.000 + 2.000 x' env "LD_LIBRARY_PATH=$builddir/.libs" "$work/line"
else
	echo 'not tried: to run it, for there is no shared library'
fi
finish
