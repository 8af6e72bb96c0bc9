/* base.h - floor 0: memory, names, text, numbers and diagnostics; knows nothing of models.
 *
 * One sg_ctx stands behind one compilation. All that the compilation makes lives in its arena and
 * goes with it. Three kinds of error (see docs/architecture.md): the user's are diagnostics,
 * recorded here with their span; the machine's (memory, limits) are raised and caught once, in
 * sg_protect; ours are caught by sg_need, which raises SG_FAULT_DEFECT with its sentence.
 * Callers of sg_alloc never see NULL. Nothing here prints, exits, or keeps state at file scope. */
#ifndef SG_BASE_H
#define SG_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sg_ctx sg_ctx;

/* ---- context, faults, the big stack ---- */

typedef enum {
	SG_FAULT_NONE,
	SG_FAULT_MEMORY, /* an allocation failed */
	SG_FAULT_LIMIT,  /* a size overflowed, or nesting is deeper than the stack allows */
	SG_FAULT_DEFECT, /* a broken invariant of symgrad itself */
} sg_fault;

sg_ctx *sg_ctx_new(void); /* NULL without memory */
void sg_ctx_free(sg_ctx *ctx);
/* For tests: the nth allocation from now fails, once; 0 switches that off. */
void sg_ctx_fail_alloc(sg_ctx *ctx, size_t nth);
/* For tests: sg_protect's stack has this many bytes (at least 512 KiB); 0: as usual. */
void sg_ctx_limit_stack(sg_ctx *ctx, size_t size);

/* Runs f(arg) on a stack of its own (1 GiB of address space, committed as it is used; less where
 * the system gives less), so that recursion over deeply nested source is safe, and catches what is
 * raised. May nest: an inner call runs on the same stack. sg_fault_text gives the sentence.
 * SG_FAULT_MEMORY also when the system gives no stack at all; f is then not called. */
sg_fault sg_protect(sg_ctx *ctx, void (*f)(void *arg), void *arg);
const char *sg_fault_text(const sg_ctx *ctx); /* of the last fault; "" before any */

/* All that takes memory from a ctx may raise, and so stands under sg_protect; to raise outside it
 * is a defect of the caller, and stops the program. */

_Noreturn void sg_raise(sg_ctx *ctx, sg_fault fault, const char *sentence);
/* Invariants of ours; stays on in release builds. */
#define sg_need(ctx, cond, sentence)                                                               \
	((cond) ? (void)0 : sg_raise((ctx), SG_FAULT_DEFECT, __FILE__ ": " sentence))
/* True while at least 256 KiB of the stack are left; recursive code asks before each level and
 * reports "nested too deeply" otherwise. */
bool sg_stack_left(const sg_ctx *ctx);

/* ---- memory ---- */

void *sg_alloc(sg_ctx *ctx, size_t size); /* zeroed, aligned to 16, lives as long as ctx */
void *sg_alloc_array(sg_ctx *ctx, size_t count, size_t size); /* checked product */
void *sg_copy(sg_ctx *ctx, const void *p, size_t size);
size_t sg_ctx_bytes(const sg_ctx *ctx); /* taken so far */
size_t sg_ctx_given(const sg_ctx *ctx); /* given out so far: for tests, a measure of the work done */
#define SG_NEW(ctx, type) ((type *)sg_alloc((ctx), sizeof(type)))
#define SG_NEW_ARRAY(ctx, type, n) ((type *)sg_alloc_array((ctx), (size_t)(n), sizeof(type)))

/* A growable array in the arena: SG_PUSH(ctx, v.item, v.n, v.cap, value). */
void *sg_grow(sg_ctx *ctx, void *items, size_t n, size_t *cap, size_t size);
#define SG_PUSH(ctx, items, n, cap, ...)                                                           \
	((items) = (n) < (cap) ? (items)                                                           \
	                       : sg_grow((ctx), (items), (n), &(cap), sizeof *(items)),            \
	 (items)[(n)++] = (__VA_ARGS__))

/* Overflow-checked sizes: raise SG_FAULT_LIMIT. */
int64_t sg_mul_size(sg_ctx *ctx, int64_t a, int64_t b);
int64_t sg_add_size(sg_ctx *ctx, int64_t a, int64_t b);

/* ---- names ---- */

/* One copy of each text per context: equal names are equal pointers. */
const char *sg_intern(sg_ctx *ctx, const char *s, size_t n);
const char *sg_intern_z(sg_ctx *ctx, const char *s);
/* sprintf into the arena; %d %i %u %x %X %s %c with '-', '0', width, precision of %s, l ll j z t; no
 * floating point (see sg_buf_num), and anything else is a defect. */
const char *sg_text(sg_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Pointer-keyed hash map (keys by identity), values any pointer. */
typedef struct sg_map sg_map;
sg_map *sg_map_new(sg_ctx *ctx);
void *sg_map_get(const sg_map *m, const void *key); /* NULL when absent */
void sg_map_put(sg_map *m, const void *key, void *value);

/* Byte-string-keyed hash map; the key is copied. Returns the place of the value (NULL at first). */
typedef struct sg_bytes_map sg_bytes_map;
sg_bytes_map *sg_bytes_map_new(sg_ctx *ctx);
void **sg_bytes_map_at(sg_bytes_map *m, const void *key, size_t size);
void *sg_bytes_map_get(const sg_bytes_map *m, const void *key, size_t size); /* NULL when absent */

uint64_t sg_hash(const void *bytes, size_t size, uint64_t seed);

/* Decodes the code point at s (s < end): its length in bytes; *cp is -1 for an invalid byte. */
size_t sg_utf8(const char *s, const char *end, int32_t *cp);

/* ---- text writer ---- */

typedef struct sg_buf {
	sg_ctx *ctx;
	char *s; /* always ends in NUL once something was put; NULL before */
	size_t n, cap;
} sg_buf;

void sg_buf_init(sg_buf *b, sg_ctx *ctx);
void sg_buf_putc(sg_buf *b, char c);
void sg_buf_puts(sg_buf *b, const char *s);
void sg_buf_write(sg_buf *b, const char *s, size_t n);
void sg_buf_printf(sg_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sg_buf_vprintf(sg_buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
const char *sg_buf_text(sg_buf *b); /* "" when empty */

/* ---- numbers <-> text, in no locale ---- */

/* Shortest decimal digits that read back to the same number ("0.1", "1e-07" style of Python's repr;
 * integral values without ".0"; nan, inf, -inf). is_f32: shortest that reads back as a float. */
void sg_buf_num(sg_buf *b, double v, bool is_f32);
/* The same as a C literal: "0.5", "2.0", "0.5f", "INFINITY", "NAN", "(-INFINITY)"; negatives have a
 * leading '-'. Always has a '.' or an exponent. */
void sg_buf_c_num(sg_buf *b, double v, bool is_f32);
/* Reads a whole number literal [s, s+n): decimal or hexadecimal floating, correctly rounded; a
 * sign, "5." and ".5" too, but no "inf" or "nan". False if it is malformed. Overflow gives inf. */
bool sg_read_double(const char *s, size_t n, double *v);
bool sg_read_int(const char *s, size_t n, int64_t *v); /* decimal; false on overflow too */

/* ---- sources, spans, diagnostics ---- */

typedef struct sg_source {
	const char *name; /* as the user named it; "-" is "<stdin>", -e is "<expr>" */
	const char *text; /* NUL-terminated */
	size_t len;
	const uint32_t *lines_before; /* newlines before each block of text; NULL: not counted */
	size_t order;                 /* sources count up as they are made; diagnostics follow it */
} sg_source;

/* Bytes [lo, hi) of a source. src NULL: no place. */
typedef struct sg_span {
	const sg_source *src;
	uint32_t lo, hi;
} sg_span;

/* The file's text in the arena; NULL with a diagnostic at `from` (code "file") when it can't be
 * read, is larger than 1 GiB, or holds a NUL byte. The path "-" with no `from` is standard input. */
const sg_source *sg_source_file(sg_ctx *ctx, const char *path, sg_span from);
const sg_source *sg_source_text(sg_ctx *ctx, const char *name, const char *text, size_t len);
/* 1-based line and column (column in code points); either may be NULL. */
void sg_span_place(sg_span s, int *line, int *col);
size_t sg_source_line_start(const sg_source *src, size_t at); /* at <= len */
sg_span sg_span_join(sg_span a, sg_span b);

typedef enum { SG_ERROR, SG_WARNING } sg_severity;

typedef struct sg_note {
	sg_span at; /* src NULL for a hint */
	const char *text;
} sg_note;

typedef struct sg_diag {
	sg_severity severity;
	const char *code; /* "matmul-shape"; a row of src/front/codes.def */
	const char *message;
	sg_span at;
	sg_span point; /* of '^' within `at`, such as an operator; src NULL: at its start */
	sg_note *note; /* notes and hints in the order given */
	size_t nnotes, note_cap;
} sg_diag;

/* Record one. The result takes notes and hints. The 100th error of a compilation is the last that
 * is recorded, and so with warnings. Two with the same code at the same span are recorded once. */
sg_diag *sg_error(sg_ctx *ctx, sg_span at, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
sg_diag *sg_warning(sg_ctx *ctx, sg_span at, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void sg_diag_point(sg_diag *d, sg_span point);
void sg_add_note(sg_ctx *ctx, sg_diag *d, sg_span at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void sg_add_hint(sg_ctx *ctx, sg_diag *d, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
size_t sg_error_count(const sg_ctx *ctx);
bool sg_errors_are_full(const sg_ctx *ctx); /* nobody will see another one */
size_t sg_diag_count(const sg_ctx *ctx);
const sg_diag *sg_diag_at(const sg_ctx *ctx, size_t i);
/* Text as in docs/diagnostics.md, in source order:
 *   perceptron.sg:7:15: error: inner extents of '@' differ: [N, 10] @ [2, 10] [matmul-shape]
 *       7 | o = sigmoid(x @ w)
 *         |             ~~^~~                (long lines are windowed, tabs kept, UTF-8 aligned)
 *   perceptron.sg:4:7: note: 'w' is [2, 10]
 *   hint: did you mean 'x @ w.T'?  */
void sg_diags_text(const sg_ctx *ctx, sg_buf *out, bool colour);
void sg_diags_json(const sg_ctx *ctx, sg_buf *out); /* one JSON array */

/* The best of n names for a misspelt one (edit distance, in any case), or NULL. */
const char *sg_did_you_mean(const char *name, const char *const *names, size_t n);

#endif
