#!/bin/sh
# same-c.sh ONE OTHER: two builds of symgrad write the same C for every model of the repository. The order in which
# a C compiler evaluates arguments is its own choice, and must not show in what we write.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir "$out/one" "$out/other"
models=0 differ=0
for model in $(find examples tests bench python -name '*.sg' | sort); do
	for which in one other; do
		symgrad=$1
		[ "$which" = one ] || symgrad=$2
		# a model that is refused is refused by both
		"$symgrad" compile "$model" -o "$out/$which/model.c" >"$out/$which/said" 2>&1 || true
		sed -i "s,$out/$which/,," "$out/$which/said"
	done
	models=$((models + 1))
	diff -r "$out/one" "$out/other" >"$out/diff" && continue
	differ=$((differ + 1))
	echo "$model: $1 and $2 write other C"
	head -n 12 "$out/diff"
done
echo "$models models written by two builds, $differ differ"
[ "$models" -gt 0 ] && [ "$differ" = 0 ]
