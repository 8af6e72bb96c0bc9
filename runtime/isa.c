/* isa.c - asks the CPU once.
 *
 * sgrt_isa is the one variable of the runtime: a constructor writes it before anyone can call a
 * kernel from a second thread, and nothing writes it later, so no lock or atomic is needed; who
 * calls a kernel still earlier, from a constructor of his own, gets the baseline, which is right
 * too. Indirect functions of the linker (ifunc) would do without the variable, but their resolvers
 * run before the environment can be read, not under every libc, and not well under sanitizers. */
#include "isa.h"

#include <stdlib.h>
#include <string.h>

/* The GNU C library has asked already. To ask again takes tens of microseconds where a virtual
 * machine answers for the CPU, which is all that some small programs take. */
#if defined SGRT_DISPATCH && defined __GLIBC__ && defined __has_include
#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif
#endif
#ifdef CPU_FEATURE_ACTIVE
/* As CPU_FEATURE_ACTIVE, which shifts a 1 of type int into its sign. */
static unsigned
is_active(unsigned feature)
{
	const struct cpuid_feature *leaf = __x86_get_cpuid_feature_leaf(feature / 128);

	return leaf->active_array[feature % 128 / 32] >> feature % 32 & 1;
}
#define HAS(NAME, name) is_active(x86_cpu_##NAME)
#define ASK()
#else
#define HAS(NAME, name) __builtin_cpu_supports(name)
#define ASK() __builtin_cpu_init()
#endif

int sgrt_isa = SGRT_ISA_BASE;

#ifdef SGRT_DISPATCH

static int
best_of_cpu(void)
{
	ASK();
	if (!HAS(AVX2, "avx2") || !HAS(FMA, "fma"))
		return SGRT_ISA_BASE;
	if (!HAS(AVX512F, "avx512f") || !HAS(AVX512VL, "avx512vl") || !HAS(AVX512BW, "avx512bw") ||
	    !HAS(AVX512DQ, "avx512dq"))
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
