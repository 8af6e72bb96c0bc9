/* isa.c - asks the CPU once.
 *
 * sgrt_isa is the one variable of the runtime: a constructor writes it before anyone can call a
 * kernel from a second thread, and nothing writes it later, so no lock or atomic is needed; who calls
 * a kernel still earlier, from a constructor of his own, gets the baseline, which is right too.
 * Indirect functions of the linker (ifunc) would do without the variable, but their resolvers run
 * before the environment can be read, not under every libc, and not well under sanitizers. */
#include "isa.h"

#include <stdlib.h>
#include <string.h>

int sgrt_isa = SGRT_ISA_BASE;

#ifdef SGRT_DISPATCH

static int
best_of_cpu(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return SGRT_ISA_BASE;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512vl") ||
	    !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq"))
		return SGRT_ISA_AVX2;
	return SGRT_ISA_AVX512;
}

__attribute__((constructor)) static void
choose(void)
{
	static const char *const names[] = {"base", "avx2", "avx512"};
	const char *wish = getenv("SYMGRAD_ISA");
	int isa = best_of_cpu(), i;

	for (i = 0; wish && i < isa; i++)
		if (strcmp(wish, names[i]) == 0)
			isa = i;
	sgrt_isa = isa;
}

#endif
