#!/bin/sh
# bench/gradbench answers the tool protocol: all twelve modules with the numbers of golden/gradbench.txt,
# and what is wrong with a sentence, never with silence.
# shellcheck source=tests/cli/harness.inc
. "${srcdir:-.}/tests/cli/harness.inc"
builddir=${builddir:-$PWD}
AWK=${AWK:-awk}
tool=$builddir/bench/gradbench
golden=$srcdir/tests/golden/gradbench.txt

# ---- the numbers

sed -n 's/^ask //p' "$golden" >"$work/asked"
"$tool" <"$work/asked" >"$work/answers"
judge 'it ends well' $?
grep '^want ' "$golden" >"$work/wanted"

# One line for each request: its number, and what is wrong with the answer.
paste -d '\n' "$work/wanted" "$work/answers" | $AWK '
	/^want / { n = split($0, want, " "); rtol = want[2]; atol = want[3]; next }
	{
		asked++
		wrong = ""
		if (!match($0, /"output":.*,"timings":/)) {
			wrong = $0
		} else {
			text = substr($0, RSTART + 9, RLENGTH - 20)
			gsub(/"[^"]*"/, " ", text)
			gsub(/[^-+0-9.e]/, " ", text)
			got = split(text, is, " ")
			if (got != n - 4) wrong = got " numbers, not " n - 4
			for (i = 1; i <= got && wrong == ""; i++) {
				d = is[i] - want[i + 4]
				if (!(d * d <= (atol + rtol * want[i + 4] * (want[i + 4] < 0 ? -1 : 1)) ^ 2))
					wrong = "number " i " is " is[i] ", not " want[i + 4]
			}
			if ($0 !~ /"timings":\[\{"name":"(evaluate|prepare)","nanoseconds":[0-9]+\}/) wrong = "no timings"
		}
		print asked, wrong == "" ? "good" : wrong
	}' >"$work/judged"
while read -r number verdict; do
	if [ "$verdict" = good ]; then
		pass
	else
		fail "request $number has its numbers" "$(sed -n "${number}p" "$work/asked" | cut -c1-120)" "$verdict"
	fi
done <"$work/judged"
test "$(wc -l <"$work/judged")" -eq "$(wc -l <"$work/asked")"
judge 'each request has an answer' $?
for module in hello gmm ba lstm ht kmeans llsq lse det ode particle saddle; do
	grep -q "\"module\": \"$module\"" "$work/asked"
	judge "$module is asked" $?
done

# ---- the protocol

# answers CLAIM REQUEST PATTERN: the answer is one line, and like this
answers() {
	printf '%s\n' "$2" | "$tool" >"$work/out" 2>&1
	if [ $? -eq 0 ] && [ "$(wc -l <"$work/out")" -eq 1 ] && grep -Eq -- "$3" "$work/out"; then
		pass
	else
		fail "$1" "asked $(printf '%s' "$2" | cut -c1-160)" "got   $(head -c 300 "$work/out")"
	fi
}
evaluate() { # evaluate MODULE FUNCTION INPUT: such a request
	printf '{"id":7,"kind":"evaluate","module":"%s","function":"%s","input":%s}' "$1" "$2" "$3"
}
no='^\{"id":7,"success":false,"error":".+"\}$'

answers 'it names itself' '{"id":0,"kind":"start"}' '^\{"id":0,"tool":"symgrad"\}$'
answers 'a module is defined' '{"id":1,"kind":"define","module":"gmm"}' '^\{"id":1,"success":true\}$'
answers 'an unknown module is refused' '{"id":7,"kind":"define","module":"fft"}' "$no"
answers 'any other kind gets its id' '{ "kind" : "log" , "id" : "a\"b" }' '^\{"id":"a\\"b"\}$'
answers 'runs are repeated' "$(evaluate lse primal '{"x":[0,0],"min_runs":3,"min_seconds":0}')" \
	'"timings":\[(\{"name":"evaluate","nanoseconds":[0-9]+\},?){3}\]'
answers 'seconds are filled' "$(evaluate lse primal '{"x":[0,0],"min_runs":1,"min_seconds":0.001}')" \
	'"timings":\[(\{"name":"evaluate","nanoseconds":[0-9]+\},?){10,}\]'
answers 'one-off work is apart' \
	"$(evaluate ba jacobian '{"n":1,"m":1,"p":1,"cam":[0,0,0,0,0,0,1,0,0,0,0],"x":[0,0,1],"w":1,"feat":[0,0]}')" \
	'"timings":\[\{"name":"prepare","nanoseconds":[0-9]+\},\{"name":"evaluate"'

answers 'what is no JSON' 'hello' '^\{"id":null,"success":false,"error":".+"\}$'
answers 'JSON cut off' '{"id":7,"kind":"evaluate","module":"lse","input":{"x":[1' '"success":false,"error":".+"\}$'
answers 'deep nesting' "$(printf '%5000s' '' | tr ' ' '[')" '"success":false,"error":".+"\}$'
answers 'no kind' '{"id":7}' "$no"
answers 'no module' '{"id":7,"kind":"evaluate"}' "$no"
answers 'no input' '{"id":7,"kind":"evaluate","module":"lse","function":"primal"}' "$no"
answers 'an unknown function' "$(evaluate lse hessian '{"x":[1]}')" "$no"
answers 'a missing member' "$(evaluate gmm objective '{"d":1,"k":1,"n":1,"x":[[1]]}')" "$no"
answers 'an input of another kind' "$(evaluate lse primal '{"x":{"a":[1]}}')" "$no"
answers 'null' "$(evaluate lse primal null)" "$no"
answers 'a ragged list' "$(evaluate kmeans cost '{"points":[[1,2],[3]],"centroids":[[1,2]]}')" "$no"
answers 'sizes that differ' "$(evaluate kmeans cost '{"points":[[1,2]],"centroids":[[1,2,3]]}')" "$no"
answers 'a size below zero' "$(evaluate ode primal '{"x":[1],"s":-1}')" "$no"
answers 'a size beyond memory' "$(evaluate ode gradient '{"x":[1],"s":1e15}')" "$no"
answers 'more rows than were built' "$(evaluate det primal '{"A":[1],"ell":99}')" "$no"
answers 'a matrix of another size' "$(evaluate det primal '{"A":[1,2,3],"ell":2}')" "$no"
answers 'observations of nothing' "$(evaluate ba objective '{"n":0,"m":0,"p":1,"cam":[],"x":[],"w":1,"feat":[0,0]}')" "$no"
answers 'runs that are no count' "$(evaluate lse primal '{"x":[1],"min_runs":"many"}')" "$no"

finish
