/* scalar_of.h - the runtime's scalar functions as JIT-compiled code calls them. */
#ifndef SCALAR_OF_H
#define SCALAR_OF_H

#include "symbols.h"

#include <string.h>

/* The function of that name for the instruction set that was chosen; NULL: there is none. */
static inline void (*scalar_of(const char *name))(void)
{
	size_t i;

	for (i = 0; i < sgrt_nsymbols; i++)
		if (strcmp(sgrt_symbol_name(i), name) == 0)
			return sgrt_symbol_address(i, sgrt_isa);
	return NULL;
}

#endif
