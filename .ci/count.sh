#!/bin/sh
# count.sh DIR - adds up what the tests under DIR found; the last line is "N passed, M failed".
#
# A log of a libcheck program counts its checks, one with "N passed, M failed" lines counts those, and any
# other log is one test, judged by its .trs file.
set -eu
find "${1:-.}" -name '*.trs' | sort | while read -r trs; do
	log=${trs%.trs}.log
	awk -v result="$(sed -n 's/^:test-result: //p' "$trs")" -v name="$log" '
	match($0, /Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/) {
		split(substr($0, RSTART, RLENGTH), f, /[ ,]+/)
		bad = f[4] + f[6]
		good += f[2] - bad; failed += bad; seen = 1
	}
	/^[0-9]+ passed, [0-9]+ failed$/ { good += $1; failed += $3; seen = 1 }
	END {
		fine = result ~ /^(PASS|SKIP|XFAIL)/
		if (!seen) { good = result ~ /^PASS/; failed = !fine }
		if (!fine && !failed) failed = 1
		print good + 0, failed + 0
	}' "$log"
done | awk '{ good += $1; failed += $2 } END { printf "%d passed, %d failed\n", good, failed; exit failed > 0 || good == 0 }'
