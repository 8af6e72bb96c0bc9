/* block.h - what block.c says to the compiler about its loops. */
#ifndef SGRT_BLOCK_H
#define SGRT_BLOCK_H

/* Over the loop that follows: no iteration reads what another one writes. A result may be an
 * operand (then the element is read before it is written), but arrays do not overlap otherwise. */
#if defined __clang__
#pragma clang diagnostic ignored "-Wpass-failed" /* some call libm */
#define SGRT_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined __GNUC__
#pragma GCC optimize("O3") /* which vectorises; CFLAGS, which often hold -O2, come last */
#define SGRT_INDEPENDENT _Pragma("GCC ivdep")
#else
#define SGRT_INDEPENDENT
#endif

#endif
