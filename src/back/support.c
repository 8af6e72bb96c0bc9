/* support.c - what the functions stand on: routines of the runtime as text, declarations for
 * libtcc, and small helpers. */
#include "back/file.h"

#include <string.h>

#include "runtime_text.h"

/* ---- the runtime's text ---- */

static const sgrt_snippet *
find_snippet(const char *name)
{
	size_t lo = 0, hi = sgrt_nsnippets;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int order = strcmp(name, sgrt_text_at(sgrt_snippets[mid].name));

		if (order == 0)
			return &sgrt_snippets[mid];
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static const sgrt_snippet *
needed(const sgrt_snippet *s, size_t i)
{
	return &sgrt_snippets[sgrt_needs[s->need + i]];
}

bool
sg_has_routine(const char *name)
{
	return find_snippet(name) != NULL;
}

typedef struct closure {
	sg_file *file;
	sg_buf *b;
	sg_map *seen; /* printed, or below on the stack */
	const sgrt_snippet **todo;
	size_t n, cap;
	bool fuses;   /* where the text is now */
	bool is_wide; /* it is for wider vectors: kernels alone, under other names */
} closure;

/* Whether gcc may fuse multiplication and addition in what comes: in products it may, under flags
 * that forbid it elsewhere, as in the library. (clang has no such switch to take back.) */
static void
set_fuses(closure *c, bool fuses)
{
	if (c->fuses != fuses)
		sg_buf_puts(c->b, fuses ? "#if defined __GNUC__ && !defined __clang__\n"
		                          "#pragma GCC push_options\n"
		                          "#pragma GCC optimize (\"fp-contract=fast\")\n#endif\n\n"
		                        : "#if defined __GNUC__ && !defined __clang__\n"
		                          "#pragma GCC pop_options\n#endif\n\n");
	c->fuses = fuses;
}

static void
push_snippet(closure *c, const sgrt_snippet *s)
{
	if (sg_map_get(c->seen, s))
		return;
	sg_map_put(c->seen, s, c);
	SG_PUSH(c->file->m.ctx, c->todo, c->n, c->cap, s);
}

/* With the names that kernels have for wider vectors. The macro that tells of AVX is one that
 * holds, for clang does not define it in a region. */
static void
put_wide(closure *c, const char *text)
{
	while (*text) {
		const size_t n = sg_word_at(text);

		if (n == 0) {
			sg_buf_putc(c->b, *text++);
			continue;
		}
		const char *word = sg_text(c->file->m.ctx, "%.*s", (int)n, text);
		const sgrt_snippet *s = find_snippet(word);

		sg_buf_printf(c->b, "%s%s", strcmp(word, "__AVX__") == 0 ? "__x86_64__" : word,
		              s && s->kernel ? "_avx2" : "");
		text += n;
	}
}

/* The snippet behind those that it needs. */
static void
put_snippet(closure *c, const sgrt_snippet *first)
{
	push_snippet(c, first);
	while (c->n > 0) {
		const sgrt_snippet *s = c->todo[c->n - 1];
		const size_t before = c->n;

		for (size_t i = 0; i < s->nneeds && c->n == before; i++)
			push_snippet(c, needed(s, i));
		if (c->n > before)
			continue;
		c->n--;
		if (c->is_wide && !s->kernel)
			continue;
		if (s->decl)
			set_fuses(c, s->fuses);
		if (c->is_wide)
			put_wide(c, sgrt_text_at(s->text));
		else
			sg_buf_puts(c->b, sgrt_text_at(s->text));
		sg_buf_putc(c->b, '\n');
	}
}

/* What functions return, by name. */
static bool
is_code(const sgrt_snippet *s)
{
	const char *name = sgrt_text_at(s->name);

	return strcmp(name, "SGRT_OK") == 0 || strncmp(name, "SGRT_E", 6) == 0;
}

/* For a header that does not include the runtime's. */
void
sg_put_codes(sg_buf *b)
{
	const sgrt_snippet *const ok = find_snippet("SGRT_OK");

	sg_buf_puts(b, sgrt_text_at(ok->text));
	for (const sgrt_snippet *s = sgrt_snippets; s < sgrt_snippets + sgrt_nsnippets; s++)
		if (is_code(s) && s != ok)
			sg_buf_puts(b, sgrt_text_at(s->text));
	sg_buf_putc(b, '\n');
}

/* Without the codes, where a header has them. */
static void
put_used(sg_file *file, sg_buf *b, bool is_wide)
{
	closure c = {.file = file, .b = b, .seen = sg_map_new(file->m.ctx), .is_wide = is_wide};

	for (size_t i = 0; file->m.o->header && i < sgrt_nsnippets; i++)
		if (is_code(&sgrt_snippets[i]))
			sg_map_put(c.seen, &sgrt_snippets[i], &c);
	for (size_t i = 0; i < file->m.nuse; i++) {
		const sgrt_snippet *s = find_snippet(file->m.use[i]);

		if (s && (!is_wide || (s->kernel && s->decl)))
			put_snippet(&c, s);
	}
	set_fuses(&c, false);
}

/* The kernels among what is used by its names, as macros. */
static const char *
kernel_macros(sg_file *file)
{
	sg_buf b;

	sg_buf_init(&b, file->m.ctx);
	for (size_t i = 0; i < file->m.nuse; i++) {
		const char *name = file->m.use[i];
		const sgrt_snippet *s = find_snippet(name);

		if (s && s->kernel && s->decl)
			sg_buf_printf(&b, "#define %s(...) SGRT_FOR_CPU(%s, (__VA_ARGS__))\n", name,
			              name);
	}
	return sg_buf_text(&b);
}

/* Are there kernels, which are made twice? */
static bool
put_runtime(sg_file *file, sg_buf *b)
{
	const char *macros = kernel_macros(file);

	put_used(file, b, false);
	if (!*macros)
		return false;
	sg_buf_puts(b, "#ifdef SGRT_TWICE\n"
	               "/* The same kernels for processors with AVX2. */\n"
	               "#if defined __clang__\n"
	               "#pragma clang attribute push(__attribute__((target(" SG_AVX2 "))), "
	               "apply_to = function)\n"
	               "#else\n"
	               "#pragma GCC push_options\n"
	               "#pragma GCC target(" SG_AVX2 ")\n"
	               "#endif\n\n");
	put_used(file, b, true);
	sg_buf_puts(b, "#if defined __clang__\n"
	               "#pragma clang attribute pop\n"
	               "#else\n"
	               "#pragma GCC pop_options\n"
	               "#endif\n\n");
	sg_buf_printf(b, "%s#endif\n\n", macros);
	return true;
}

/* Is there a call of the function, outside of comments? */
static bool
has_call(const char *text, const char *call)
{
	for (const char *at = strstr(text, call); at; at = strstr(at + 1, call)) {
		const char *comment = strstr(at, "/*"), *end = strstr(at, "*/");

		if (!end || (comment && comment < end))
			return true;
	}
	return false;
}

/* Is a root taken, by the functions or by what they stand on? */
bool
sg_takes_roots(sg_file *file)
{
	sg_buf text;

	for (size_t i = 0; i < file->m.nuse; i++)
		if (strcmp(file->m.use[i], "sqrt") == 0 || strcmp(file->m.use[i], "sqrtf") == 0)
			return true;
	sg_buf_init(&text, file->m.ctx);
	(void)put_runtime(file, &text);
	return has_call(sg_buf_text(&text), "sqrt(") || has_call(sg_buf_text(&text), "sqrtf(");
}

/* ---- declarations, where nothing is included ---- */

static const char *
word_of(size_t size)
{
	return size == sizeof(long) ? "long" : size == sizeof(int) ? "int" : "long long";
}

static void
put_types(sg_buf *b)
{
	sg_buf_printf(b, "typedef %s ptrdiff_t;\ntypedef unsigned %s size_t;\n",
	              word_of(sizeof(ptrdiff_t)), word_of(sizeof(size_t)));
	sg_buf_printf(b, "typedef unsigned char uint8_t;\ntypedef unsigned short uint16_t;\n"
	                 "typedef int int32_t;\n"
	                 "typedef unsigned int uint32_t;\n");
	sg_buf_printf(b, "typedef %s int64_t;\ntypedef unsigned %s uint64_t;\n", word_of(8),
	              word_of(8));
	sg_buf_printf(b, "#define PTRDIFF_MAX %lldLL\n#define NULL ((void *)0)\n",
	              (long long)PTRDIFF_MAX);
	sg_buf_puts(b, "#define INFINITY 1e39f\n#define NAN (0.0f / 0.0f)\n");
}

static void
put_libm(sg_buf *b, const char *name)
{
	static const char *const two[] = {"pow", "atan2", "hypot", "fmod"};
	const size_t n = strlen(name);
	const char *type = "double";
	bool pair = false;

	if (strcmp(name, "memset") == 0) {
		sg_buf_puts(b, "void *memset(void *s, int c, size_t n);\n");
		return;
	}
	if (strcmp(name, "memcpy") == 0) {
		sg_buf_puts(b, "void *memcpy(void *to, const void *from, size_t n);\n");
		return;
	}
	if (name[n - 1] == 'f' && strcmp(name, "erf") != 0)
		type = "float";
	for (size_t i = 0; i < sizeof two / sizeof *two; i++)
		pair = pair || strncmp(name, two[i], strlen(two[i])) == 0;
	sg_buf_printf(b, "%s %s(%s%s%s);\n", type, name, type, pair ? ", " : "", pair ? type : "");
}

/* Types and macros as text, functions by their prototypes. */
static void
put_jit_declarations(sg_file *file, sg_buf *b)
{
	closure c = {.file = file, .b = b, .seen = sg_map_new(file->m.ctx)};

	put_types(b);
	if (file->m.o->threads)
		sg_buf_puts(b, "void *sgrt_pool;\nint (*sgrt_parallel)(void *, int (*)(void *, "
		               "ptrdiff_t, ptrdiff_t), void *, ptrdiff_t, ptrdiff_t);\n");
	for (size_t i = 0; i < file->m.nuse; i++) {
		const sgrt_snippet *s = find_snippet(file->m.use[i]);

		if (!s) {
			put_libm(b, file->m.use[i]);
		} else if (!s->decl) {
			put_snippet(&c, s);
		} else {
			const char *decl = sgrt_text_at(s->decl);

			for (size_t k = 0; k < s->nneeds; k++) {
				const sgrt_snippet *need = needed(s, k);

				if (!need->decl && strstr(decl, sgrt_text_at(need->name)))
					put_snippet(&c, need);
			}
			sg_buf_puts(b, decl);
		}
	}
	sg_buf_putc(b, '\n');
}

/* ---- helpers ---- */

/* What extents are made of besides sums and products. */
static void
put_ext_fns(sg_buf *b, const char *type, const char *quotient, const char *const fn[3],
            const bool has[3])
{
	const char *const value[] = {quotient, "p < q ? p : q", "p > q ? p : q"};

	for (int k = 0; k < 3; k++)
		if (has[k])
			sg_buf_printf(b, "static %s\n%s(%s p, %s q)\n{\n\treturn %s;\n}\n\n", type,
			              fn[k], type, type, value[k]);
}

/* clang knows no alias of the arrays of a function, but those that a loop for OpenMP gets it does
 * not. */
static void
put_independent(sg_buf *b, bool has_parallel)
{
	sg_buf_puts(b, "/* No turn of the loop below touches what another one writes: what "
	               "compilers would not find\n * out, or find out each time. */\n"
	               "#if defined __GNUC__ && !defined __clang__\n"
	               "#define SGRT_INDEPENDENT _Pragma(\"GCC ivdep\")\n");
	if (has_parallel)
		sg_buf_puts(
		    b,
		    "#elif defined __clang__ && defined _OPENMP\n"
		    "#pragma clang diagnostic ignored \"-Wpass-failed\"\n"
		    "#define SGRT_INDEPENDENT _Pragma(\"clang loop vectorize(assume_safety)\")\n");
	sg_buf_puts(b, "#else\n#define SGRT_INDEPENDENT\n#endif\n\n");
}

/* For so few turns clang asks no array whether it meets another, and leaves the loop as it is. */
static void
put_vector(sg_buf *b)
{
	sg_buf_puts(
	    b, "/* The loop below is one vector, or what is left over for it, and no turn touches "
	       "what another\n * one writes. clang would unroll it, and gather numbers for "
	       "vectors of the loop around it. */\n"
	       "#if defined __clang__\n"
	       "#pragma clang diagnostic ignored \"-Wpass-failed\"\n"
	       "#define SGRT_VECTOR \\\n"
	       "\t_Pragma(\"clang loop vectorize(assume_safety) interleave(disable) "
	       "unroll(disable)\")\n"
	       "#elif defined __GNUC__\n"
	       "#define SGRT_VECTOR _Pragma(\"GCC ivdep\")\n"
	       "#else\n#define SGRT_VECTOR\n#endif\n\n");
}

static void
put_helpers(const sg_file *file, sg_buf *b)
{
	const sg_module *m = &file->m;

	if (m->has_parallel && m->o->openmp)
		sg_buf_puts(
		    b,
		    "/* Loops whose turns do not depend on one another: on threads, by a compiler "
		    "that has OpenMP. */\n"
		    "#ifdef _OPENMP\n"
		    "#define SGRT_PRAGMA(x) _Pragma(#x)\n"
		    "#define SGRT_PARALLEL(when) "
		    "SGRT_PRAGMA(omp parallel for schedule(static) if (when))\n"
		    "#define SGRT_PARALLEL_2(when) "
		    "SGRT_PRAGMA(omp parallel for schedule(static) collapse(2) if (when))\n"
		    "#define SGRT_ATOMIC_WRITE _Pragma(\"omp atomic write\")\n"
		    "#else\n"
		    "#define SGRT_PARALLEL(when)\n"
		    "#define SGRT_PARALLEL_2(when)\n"
		    "#define SGRT_ATOMIC_WRITE\n"
		    "#endif\n\n");

	if (m->has_independent)
		put_independent(b, m->has_parallel && m->o->openmp);
	if (m->has_vector)
		put_vector(b);
	if (m->has_along_rows)
		sg_buf_puts(b,
		            "/* clang would make vectors of the loop below, across the rows. */\n"
		            "#ifdef __clang__\n"
		            "#define SGRT_ALONG_ROWS _Pragma(\"clang loop vectorize(disable)\")\n"
		            "#else\n#define SGRT_ALONG_ROWS\n#endif\n\n");
	if (m->has_term_by_term)
		sg_buf_puts(
		    b, "/* gcc 12 at -O3 would unroll the loop in the one that this stands in, "
		       "and gather\n * vectors for that: it makes none of what has this in it. */\n"
		       "#if defined __GNUC__ && !defined __clang__\n"
		       "#define SGRT_TERM_BY_TERM __asm__ volatile (\"\")\n"
		       "#else\n#define SGRT_TERM_BY_TERM (void)0\n#endif\n\n");
	if (m->has_rolled)
		sg_buf_puts(b, "/* gcc 12 unrolls the loop below, makes vectors of the one around "
		               "it, and sums "
		               "up wrong or\n * scatters them. */\n"
		               "#if defined __GNUC__ && !defined __clang__\n"
		               "#define SGRT_ROLLED _Pragma(\"GCC unroll 1\")\n"
		               "#else\n#define SGRT_ROLLED\n#endif\n\n");
	if (m->has_widths)
		sg_put_widths_macros(b);
	put_ext_fns(b, "double", "floor(p / q)", file->real_fn, file->has_real_fn);
	put_ext_fns(b, "ptrdiff_t", "p / q - (p % q != 0 && (p < 0) != (q < 0))", m->ext_fn,
	            m->has_ext_fn);
	if (m->has_rounded)
		sg_buf_printf(
		    b,
		    "/* Up to a multiple of 64. */\nstatic ptrdiff_t\n%s(ptrdiff_t bytes)\n{\n"
		    "\treturn (bytes + 63) / 64 * 64;\n}\n\n",
		    m->rounded);
	if (m->has_apart)
		sg_buf_printf(
		    b,
		    "/* Long functions stand in pieces that call no other: a compiler that "
		    "puts them together\n * again takes minutes. */\n"
		    "#if defined __GNUC__\n#define %s __attribute__((noinline))\n"
		    "#else\n#define %s\n#endif\n\n",
		    m->apart, m->apart);
}

void
sg_put_support(sg_file *file, sg_buf *b)
{
	bool twice = file->m.has_widths;
	sg_buf runtime;

	sg_buf_init(&runtime, file->m.ctx);
	if (file->m.o->jit)
		put_jit_declarations(file, b);
	else if (file->m.o->standalone)
		twice = put_runtime(file, &runtime) || twice;
	if (twice)
		sg_put_widths(b);
	sg_buf_write(b, runtime.s, runtime.n);
	put_helpers(file, b);
}
