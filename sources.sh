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

# The tests $* with what takes longest in front: under make -j nothing long is then left for the end.
longest_first() {
	printf '%s\n' "$@" | awk '
	BEGIN {
		n = split("isa.sh cli/examples.sh random check_loops check_emit check_golden check_accuracy check_tier " \
			"check_api check_runtime cli/compile.sh bench.sh cli/bench.sh", long)
	}
	{ name[NR] = $0; rest[$0] = 1 }
	END {
		for (i = 1; i <= n; i++)
			if (("tests/" long[i]) in rest) {
				print "tests/" long[i]
				delete rest["tests/" long[i]]
			}
		for (i = 1; i <= NR; i++)
			if (name[i] in rest) print name[i]
	}'
}

# $1 without its suffix $2, for the files that match
stems() {
	for f in $1; do
		if [ -f "$f" ]; then echo "${f%"$2"}"; fi
	done
}

# programs of examples/host that use the library: static.c and module.c stand on written C
library_hosts() {
	stems 'examples/host/*.c' .c | grep -v '/static$\|/module$'
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
	list_stems test_programs $(longest_first $(stems 'tests/check_*.c' .c) $(stems tests/random.c .c))
	list_stems example_programs $(library_hosts)
}
for p in $(library_hosts); do echo "$(echo "$p" | tr / _)_LDADD = \$(example_libs)"; done
list gradbench_sources bench/*.[ch]
list test_headers tests/*.h
# shellcheck disable=SC2046
list test_scripts $(longest_first tests/*.sh tests/cli/*.sh)
