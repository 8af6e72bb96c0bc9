/* isa.h - which of the compiled forms of the kernels runs on this CPU.
 *
 * Where the host is x86-64, each kernel is compiled for three instruction sets, NAME_base, NAME_avx2
 * and NAME_avx512 (Makefile.am), and NAME calls the one that sgrt_isa names (dispatch.c, written by
 * gen.sh; SGRT_DISPATCH is then defined). Elsewhere there is one form; on Arm it uses NEON, as the
 * compiler does by itself. All forms give the same bits, but for matrix products, softmax.c and
 * what stands on sgrt_fuse (exp, tanh, sigmoid ...), where fused multiplication and addition leaves out a
 * rounding: it makes them half as fast again. */
#ifndef SGRT_ISA_H
#define SGRT_ISA_H

enum { SGRT_ISA_BASE, SGRT_ISA_AVX2, SGRT_ISA_AVX512, SGRT_ISA_COUNT };

/* Chosen when the program or the shared object is loaded: the best that the CPU and the system
 * support, or what the environment's SYMGRAD_ISA=base|avx2|avx512 says, if that is less. */
extern int sgrt_isa;

#endif
