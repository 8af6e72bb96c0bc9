#!/bin/sh
# No file includes a header of a higher floor; front and pass do not see each other; the command knows only
# symgrad.h and its own headers; the runtime stands alone; nothing below the command prints or exits.
set -u
cd "${srcdir:-.}" || exit 99
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

includes() { # includes FLOOR FORBIDDEN...: lines of src/FLOOR that include one of the forbidden floors
	floor=$1
	shift
	pattern=$(echo "$*" | tr ' ' '|')
	grep -nE "#[ 	]*include[ 	]+\"(\.\./)*(src/)?($pattern)/" "src/$floor"/*.[ch] "src/$floor"/*.def 2>/dev/null
}

judge 'base is the ground floor' "$(includes base ir rules front pass back api cli)"
judge 'ir includes base only' "$(includes ir rules front pass back api cli)"
judge 'rules includes no higher floor' "$(includes rules front pass back api cli)"
judge 'front includes no higher floor, and not pass' "$(includes front pass back api cli)"
judge 'pass includes no higher floor, and not front' "$(includes pass front back api cli)"
judge 'back includes no higher floor' "$(includes back api cli)"
judge 'api does not include cli' "$(includes api cli)"
judge 'cli knows only symgrad.h' "$(includes cli base ir rules front pass back)"
judge 'no include leaves its floor by ..' "$(grep -rnE '#[ 	]*include[ 	]+"\.\.' src runtime --include='*.[ch]' --include='*.in')"
judge 'the runtime includes nothing of src' "$(grep -nE '#[ 	]*include[ 	]+"(base|ir|rules|front|pass|back|api|cli)/' runtime/*.in runtime/*.h)"
judge 'the runtime allocates and prints nothing' \
	"$(grep -nE '\b(malloc|calloc|realloc|free|printf|fprintf|abort|exit)[ ]*\(' runtime/*.in | grep -v '^[^:]*:[0-9]*: \*')"
# The one abort: a fault raised where nobody catches, which base.h calls a defect of the caller.
judge 'nothing below the command prints, exits or aborts' \
	"$(grep -nE '(^|[^_a-z])(printf|puts|fprintf|abort|exit)[ ]*\(' src/base/*.c src/ir/*.c src/rules/*.c src/front/*.c src/pass/*.c src/back/*.c src/api/*.c 2>/dev/null | grep -v "^src/base/stack.c:.*abort();" | grep -vE ':[ 	]*(\*|/\*)|"[^"]*(printf|exit|abort|puts)')"

echo "$passed passed, $failed failed"
test "$failed" = 0
