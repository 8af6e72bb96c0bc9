/* symbols.h - the addresses that JIT-compiled code may call: every function of the runtime, and
 * those of <math.h> that ops use, float and double. Not part of libsymgrad_rt.a. */
#ifndef SGRT_SYMBOLS_H
#define SGRT_SYMBOLS_H

#include "isa.h"

#include <stddef.h>

extern const size_t sgrt_nsymbols;

const char *sgrt_symbol_name(size_t i); /* rising (strcmp) */
/* The code for an instruction set: what is called often skips the choice. */
void (*sgrt_symbol_address(size_t i, int isa))(void);

#endif
