#!/bin/sh
# symgrad fmt: files in place, --check, standard input; and that no model changes its meaning.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99

# ---- files
printf 'input x\ny=2 * x+1 # why\noutput y\n' >a.sg
printf 'input x\ny = 2*x + 1  # why\noutput y\n' >canonical
chmod 640 a.sg
ln -s a.sg link.sg
expect 'a file that would change is listed' 1 a.sg '' fmt --check a.sg
grep -q 'y=2' a.sg
judge 'a check writes nothing' $?
expect 'formatting says nothing' 0 '' '' fmt link.sg
cmp -s a.sg canonical
judge 'the file is formatted' $?
test -L link.sg
judge 'a link stays a link' $?
case $(ls -l a.sg) in -rw-r-----*) pass ;; *) fail 'the mode of the file stays' ;; esac
touch -t 200001010000 a.sg
expect 'a file in canonical form passes the check' 0 '' '' fmt --check a.sg
"$SYMGRAD" fmt a.sg
case $(ls -l a.sg) in *2000*) pass ;; *) fail 'a file in canonical form is not written' ;; esac
printf 'y = (2\n' >bad.sg
printf 'y  = 2\n' >b.sg
status 'a file that does not parse' 1 "$SYMGRAD" fmt bad.sg b.sg
says 'it is reported' '^bad.sg:1:.*error: '
prints 'it is left alone' 'y = (2' cat bad.sg
prints 'the others are formatted' 'y = 2' cat b.sg
status 'a file that is not there' 1 "$SYMGRAD" fmt none.sg
says 'it is named' "none.sg"
expect 'no file is wrong usage' 2 '' "symgrad fmt: error: a model is missing: symgrad fmt FILE.sg
try 'symgrad fmt --help'" fmt

# ---- standard input
prints 'standard input goes to standard output' 'a = 1 + 2' sh -c "echo 'a=1+2' | '$SYMGRAD' fmt -"
prints 'a check of it' '<stdin>' sh -c "echo 'a=1+2' | '$SYMGRAD' fmt --check - || test \$? = 1"
test -z "$(echo 'a = (' | "$SYMGRAD" fmt - 2>/dev/null)"
judge 'a bad text gives nothing' $?

# ---- models of ours are in canonical form
find "$srcdir/examples" -name '*.sg' >models
echo "$srcdir/src/front/prelude.sg" >>models
while read -r model; do
	"$SYMGRAD" fmt --check "$model" >/dev/null
	judge "$model is in canonical form: symgrad fmt $model" $?
done <models

# ---- every model that parses: formatting again changes nothing, nor does it change the graph
ir() { "$SYMGRAD" compile --emit=ir -o - "$1" 2>/dev/null | sed 's/,* *#* *line [0-9]*$//'; }
find "$srcdir/tests" -name '*.sg' >>models
mkdir once
while read -r model; do
	file=once/$(basename "$model")
	"$SYMGRAD" fmt - <"$model" >"$file" 2>/dev/null
	case $? in
	0) ;;
	1) continue ;;
	*) fail "$model is formatted" ;;
	esac
	"$SYMGRAD" fmt --check "$file" >/dev/null
	judge "$model: formatting twice is formatting once" $?
	grep -q '^ *include' "$file" && continue
	ir "$model" >before
	ir "$file" >after
	cmp -s before after
	judge "$model: formatting keeps the graph" $?
done <models

finish
