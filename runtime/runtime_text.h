/* runtime_text.h - the runtime as text, cut into functions, types, constants and macros.
 *
 * A snippet's text, printed after those of its needs (which have needs of their own), is C that
 * compiles by itself behind <math.h>, <stddef.h>, <stdint.h> and <string.h>; functions are static.
 * Not part of libsymgrad_rt.a. */
#ifndef SGRT_RUNTIME_TEXT_H
#define SGRT_RUNTIME_TEXT_H

#include <stddef.h>
#include <stdint.h>

typedef struct sgrt_snippet {
	uint32_t name, text;  /* of strings: "sgrt_sigmoid_f32", "SGRT_EINDEX" */
	uint32_t decl;        /* of a function: its prototype without static; else 0 */
	uint16_t need, nneeds; /* the other snippets that it needs: sgrt_snippets[sgrt_needs[need ...]] */
	uint8_t fuses; /* it may leave out roundings of products that are added (Makefile.am: products) */
	uint8_t kernel; /* it is of the files that have the kernels, not of the header */
} sgrt_snippet;

extern const sgrt_snippet sgrt_snippets[]; /* sorted by name (strcmp) */
extern const size_t sgrt_nsnippets;
extern const uint16_t sgrt_needs[];

const char *sgrt_text_at(uint32_t place);

#endif
