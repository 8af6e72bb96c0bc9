#!/bin/sh
# Names of a model in the written C and its header: whatever a program has included before it, in C and C++.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99

c_headers='assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg
stdbool stddef stdint stdio stdlib stdnoreturn string time wchar wctype'
cc_headers='algorithm cassert cerrno cfloat climits clocale cmath complex csignal cstdio cstdlib cstring ctime string vector'
names='EOF I complex imaginary noreturn stdin stdout stderr errno NAN INFINITY NULL assert main BUFSIZ RAND_MAX CHAR_BIT
INT_MAX UCHAR_MAX LLONG_MIN DBL_MAX FLT_EPSILON LDBL_DIG EXIT_SUCCESS EDOM ERANGE SIGINT SEEK_SET LC_ALL FE_INVALID TMP_MAX
CLOCKS_PER_SEC M_PI HUGE_VAL class new delete this template typename operator try catch throw private namespace using
explicit mutable constexpr nullptr char16_t wchar_t and_eq bitor compl xor typeof asm restrict inline register volatile
unsigned switch case default goto printf malloc free exit memcpy strlen log gamma y1 index time link optarg bool1 thread_local
size_t ptrdiff_t int8_t uint64_t FILE std string vector work out status SGRT_OK sgrt_module unix linux i386 R L u8'

printf 'input q[N]\n' >bound.sg
: >asked.sg
i=0
for name in $names; do
	i=$((i + 1))
	printf 'input %s[N]\nentry e%s = sum(%s**2) as s, grad(sum(sin(%s)), %s) as %s\n' \
		"$name" $i "$name" "$name" "$name" "$name" >>asked.sg
	printf 'def f%s(q) { %s = cumsum(q); return sum(%s*flip(%s)) }\nentry e%s = f%s(q) as %s, grad(f%s(q), q) as g\n' \
		$i "$name" "$name" "$name" $i $i "$name" $i >>bound.sg
done

for header in $c_headers; do printf '#include <%s.h>\n' "$header"; done >first.c
for header in $cc_headers; do printf '#include <%s>\n' "$header"; done >first.cc
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'
cxx=:
for c in g++ clang++ c++; do
	if echo '#include <vector>' | $c -x c++ -fsyntax-only - 2>have.err; then cxx=$c; fi
done

for model in asked bound; do
	expect "names of C's and C++'s in $model" 0 '' '' compile --standalone $model.sg -o .
	cp first.c $model.first.c
	cp first.cc $model.first.cc
	printf '#include "%s.h"\nint one;\n' $model | tee -a $model.first.c >>$model.first.cc
	for standard in c11 gnu17; do
		# shellcheck disable=SC2086
		status "the C compiles by $standard" 0 ${CC:-cc} -std=$standard $warnings -fsyntax-only $model.c
		# shellcheck disable=SC2086
		status 'and the header behind all others' 0 ${CC:-cc} -std=$standard $warnings -fsyntax-only $model.first.c
	done
	# shellcheck disable=SC2086
	status 'in C++ too' 0 $cxx -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only $model.first.cc
done
expect 'to the command they are what they were' 0 '{"s": 4, "I": [-0.4161468365471424]}' '' \
	run --backend=interp --format=json asked.sg e2 I='[2]'
finish
