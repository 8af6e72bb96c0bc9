#!/bin/sh
# symgrad cache, and what the C compiler's back ends leave there.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C
XDG_CACHE_HOME=$work/c
export XDG_CACHE_HOME
unset SYMGRAD_CACHE_MIB

expect 'a cache that is not there is empty' 0 "folder   $work/c/symgrad
entries  0
bytes    0 of at most 268435456" '' cache
test ! -e c
judge 'and is not made by looking' $?
expect 'an unexpected operand' 2 '' "symgrad cache: error: unexpected operand 'x'
try 'symgrad cache --help'" cache x

# ---- eight processes at once
for i in 1 2 3 4 5 6 7 8; do
	(
		for k in 1 2 3; do
			"$SYMGRAD" eval --backend=cc "$k + x" x=1 || echo failed
		done >"out.$i" 2>&1
	) &
done
wait
printf '2.0\n3.0\n4.0\n' >want
for i in 1 2 3 4 5 6 7 8; do
	cmp -s "out.$i" want
	judge "process $i has its results" $?
done
test "$("$SYMGRAD" cache --format=json | sed 's/.*"entries": \([0-9]*\).*/\1/')" = 3
judge 'each text is there once' $?
test -z "$(find c -name '.symgrad-*')"
judge 'and nothing else' $?

# ---- damage
for f in c/symgrad/*.so; do
	: >"$f"
done
expect 'damaged entries are made anew' 0 3.0 '' eval --backend=cc '2 + x' x=1
test "$(find c -name '*.so' -size +1 | wc -l)" = 1
judge 'where they are asked for' $?

# ---- a folder without room, where the compiler fails
cat >full-cc <<'EOF'
#!/bin/sh
case "$*" in
	*/symgrad/.symgrad-*) echo full >>asked; echo 'No space left on device' >&2; exit 1 ;;
esac
exec ${CC_THAT_WORKS:-cc} "$@"
EOF
chmod +x full-cc
SYMGRAD_CC="$work/full-cc" "$SYMGRAD" eval --backend=cc '8 + x' x=1 >out
test "$(cat out)" = 9.0 && test -s asked && test -z "$(find c -name '.symgrad-*')"
judge 'is done without' $?

# ---- the bound
SYMGRAD_CACHE_MIB=0 "$SYMGRAD" eval --backend=cc '5 + x' x=1 >out
test "$(cat out)" = 6.0 && test "$(find c -name '*.so' | wc -l)" = 3
judge 'a bound of 0 keeps nothing new' $?
head -c 2097152 /dev/zero >"c/symgrad/$(printf '%064d' 0).so"
touch -d '2001-01-01' "c/symgrad/$(printf '%064d' 0).so" 2>/dev/null
SYMGRAD_CACHE_MIB=1 "$SYMGRAD" eval --backend=cc '5 + x' x=1 >out
test "$(cat out)" = 6.0 && test ! -e "c/symgrad/$(printf '%064d' 0).so"
judge 'the entry unused for longest goes' $?

# ---- clearing
echo mine >c/symgrad/notes
echo theirs >theirs
ln -s "$work/theirs" "c/symgrad/$(printf '%064d' 1).so"
expect 'the cache is emptied' 0 '*' '' cache --clear
grep -qx 'removed  4' out
judge 'of what it had' $?
expect 'and then empty' 0 "{\"folder\": \"$work/c/symgrad\", \"entries\": 0, \"bytes\": 0, \"bound\": 268435456}" '' \
	cache --format=json
test "$(cat c/symgrad/notes)" = mine && test -h "c/symgrad/$(printf '%064d' 1).so" && test -s theirs
judge 'what is not ours stays' $?

# ---- folders that are not used
chmod 770 c/symgrad
expect 'a folder that others may write to' 1 '' \
	"symgrad cache: error: the cache '$work/c/symgrad': others may write to it" cache
expect 'is not used' 0 6.0 '' eval --backend=cc '5 + x' x=1
test -z "$(find c -name '*.so' -type f)"
judge 'nor written to' $?
rm -rf c/symgrad
ln -s "$work" c/symgrad
expect 'a link' 1 '' "symgrad cache: error: the cache '$work/c/symgrad': it is no folder" cache --clear
XDG_CACHE_HOME=
HOME=
expect 'no folder at all' 1 '' 'symgrad cache: error: no cache: neither XDG_CACHE_HOME nor HOME names a folder' cache

# ---- the tiered back end
XDG_CACHE_HOME=$work/t
cat >line.sg <<'END'
input x[N, 2], y[N]
param w[2] = ones([2])
r = x @ w - y
loss = sum(r*r)
output loss
gradient loss wrt w
END
want='loss = 25.0
grad_w = [30. 44.]'
x='x=[[1, 2], [3, 4]]'
expect 'the first call does not wait' 0 "$want" '' run --backend=tiered line.sg "$x" 'y=[0, 3]'
expect 'many calls' 0 "$want" '' run --backend=tiered --repeat=100000 line.sg "$x" 'y=[0, 3]'
SYMGRAD_CC=/dev/null/cc
export SYMGRAD_CC
expect 'without a compiler' 0 "$want" '' run --backend=tiered --repeat=1000 line.sg "$x" 'y=[0, 3]'
test -z "$(find "$work" -name '.symgrad-*')"
judge 'no folder of work is left' $?

finish
