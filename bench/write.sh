#!/bin/sh
# write.sh SYMGRAD MODELS NAME DIR CC... - writes DIR/NAME.c and .h, the C of a workload, and DIR/NAME.o.
#
# A number behind the name is the size that the model has in its text: lstm4 has four layers. Minors of
# many rows are written level by level: written out, they grow to a function that C compilers choke on.
# C that has not changed is not compiled again.
set -eu
symgrad=$1 models=$2 name=$3 dir=$4
shift 4

size=$(printf '%s' "$name" | tr -dc 0-9)
model=${name%"$size"} dim=
case $model in
lstm) dim=--dim=L=$size ;;
det)
	dim=--dim=ell=$size
	if [ "$size" -gt 7 ]; then model=det_levels; fi
	;;
esac
new=$dir/$name.new
mkdir -p "$new"
# shellcheck disable=SC2086
"$symgrad" compile "$models/$model.sg" $dim --prefix="$name" -o "$new/$name.c"
echo "$*" >"$new/$name.cmd"
for file in "$name.c" "$name.h" "$name.cmd"; do
	if ! cmp -s "$new/$file" "$dir/$file"; then
		rm -f "$dir/$name.o"
		mv -f "$new/$file" "$dir/$file"
	fi
done
rm -rf "$new"
if [ -f "$dir/$name.o" ]; then
	touch "$dir/$name.o"
else
	"$@" -c "$dir/$name.c" -o "$dir/$name.o"
fi
