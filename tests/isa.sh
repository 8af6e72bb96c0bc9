#!/bin/sh
# What the kernels compute holds for every instruction set below the CPU's best, which the programs
# themselves test. (A set that the CPU lacks is not taken, see runtime/isa.h.) Of the recorded values those
# that machine code computes: the evaluator has no kernels. $ISA_PROGRAMS chooses fewer.
set -u
cd "${builddir:-.}" || exit 99
good=0
bad=0
sets='base avx2'
# without AVX-512 the CPU's best is AVX2
if grep -q '^flags.* avx2 ' /proc/cpuinfo 2>/dev/null && ! grep -q '^flags.* avx512dq ' /proc/cpuinfo; then sets=base; fi
for isa in $sets; do
	for program in ${ISA_PROGRAMS:-check_runtime check_block check_accuracy check_golden}; do
		[ -x "tests/$program" ] || continue
		unset CK_RUN_CASE
		if [ "$program" = check_golden ]; then export CK_RUN_CASE=jit; fi
		if SYMGRAD_ISA=$isa "tests/$program" >tests/isa.out 2>&1; then
			good=$((good + 1))
		else
			bad=$((bad + 1))
			echo "SYMGRAD_ISA=$isa tests/$program"
			cat tests/isa.out
		fi
	done
done
rm -f tests/isa.out
if [ "$good$bad" = 00 ]; then
	echo 'no unit tests were built'
	exit 77
fi
echo "$good passed, $bad failed"
[ "$bad" = 0 ]
