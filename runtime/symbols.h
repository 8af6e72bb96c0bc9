/* symbols.h - the addresses that JIT-compiled code may call: every function of the runtime, and
 * those of <math.h> that ops use, float and double. Not part of libsymgrad_rt.a. */
#ifndef SGRT_SYMBOLS_H
#define SGRT_SYMBOLS_H

#include "isa.h"

#include <stddef.h>

typedef struct sgrt_symbol {
	const char *name;
	void (*addr[SGRT_ISA_COUNT])(void); /* by sgrt_isa: code that is called often skips the choice */
} sgrt_symbol;

extern const sgrt_symbol sgrt_symbols[]; /* sorted by name (strcmp) */
extern const size_t sgrt_nsymbols;

#endif
