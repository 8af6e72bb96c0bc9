/* runtime_text.h - the runtime as text, cut into functions, types, constants and macros.
 *
 * A snippet's text, printed after those of its needs (which have needs of their own), is C that
 * compiles by itself behind <math.h>, <stddef.h>, <stdint.h> and <string.h>; functions are static.
 * Not part of libsymgrad_rt.a. */
#ifndef SGRT_RUNTIME_TEXT_H
#define SGRT_RUNTIME_TEXT_H

#include <stddef.h>

typedef struct sgrt_snippet {
	const char *name; /* "sgrt_sigmoid_f32", "SGRT_EINDEX" */
	const char *text;
	const char *const *needs; /* names of other snippets; NULL where nneeds is 0 */
	size_t nneeds;
	const char *decl; /* of a function: its prototype without static; else NULL */
} sgrt_snippet;

extern const sgrt_snippet sgrt_snippets[]; /* sorted by name (strcmp) */
extern const size_t sgrt_nsnippets;

#endif
