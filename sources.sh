#!/bin/sh
# sources.sh [DIR] - prints sources.mk, the lists of what is in the folders, for Makefile.am.
#
# After adding or removing a file: sh sources.sh >sources.mk. tests/sources.sh fails until then.
set -eu
cd "${1:-.}"
LC_ALL=C
export LC_ALL

list() { # list NAME FILE...: a make variable; what does not exist is left out
	printf '%s =' "$1"
	shift
	for f; do
		if [ -f "$f" ]; then printf ' \\\n\t%s' "$f"; fi
	done
	printf '\n'
}

# $1 without its suffix $2, for the files that match
stems() {
	for f in $1; do
		if [ -f "$f" ]; then echo "${f%"$2"}"; fi
	done
}

# programs of examples/host that use the library: static.c stands on written C alone
library_hosts() {
	stems 'examples/host/*.c' .c | grep -v '/static$'
}

echo '# Made by sources.sh; do not edit.'
floors='base ir rules front pass back api'
files=
for d in $floors; do files="$files $(ls src/"$d"/*.[ch] src/"$d"/*.def 2>/dev/null || :)"; done
# shellcheck disable=SC2086
list lib_sources $files
# shellcheck disable=SC2046
list cli_sources $(ls src/cli/*.[ch] | grep -v '/main\.c$')
list runtime_templates runtime/*.in runtime/*.[ch] runtime/*.awk runtime/*.sh
# shellcheck disable=SC2046
{
	list_stems() {
		name=$1
		shift
		printf '%s =' "$name"
		for s; do printf ' \\\n\t%s' "$s"; done
		printf '\n'
	}
	list_stems runtime_kernels $(stems 'runtime/*.c.in' .c.in | sed 's/$/.c/')
	list_stems test_programs $(stems 'tests/check_*.c' .c) $(stems tests/random.c .c)
	list_stems example_programs $(stems 'examples/*.c' .c) $(library_hosts)
}
for p in $(stems 'examples/*.c' .c) $(library_hosts); do echo "$(echo "$p" | tr / _)_LDADD = \$(example_libs)"; done
list gradbench_sources bench/*.[ch]
list test_headers tests/*.h
list test_scripts tests/*.sh tests/cli/*.sh tests/err/*.sh
