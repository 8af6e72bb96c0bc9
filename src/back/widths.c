/* widths.c - functions whose loops are worth compiling for several widths of vectors.
 *
 * C that is compiled for any x86-64 has vectors of 16 bytes, and loops over exp and its like run at
 * a quarter of the speed that the processor has. Such a function is written as an inline body, a macro
 * that makes it for vectors of 32 bytes too, where no processor was named, and a call of the one that
 * suits the processor. (64 bytes gain little more under gcc 12 and clang 14, and take time to compile.) */
#include "back/file.h"

#include <string.h>

enum { WORTH = 64 }; /* turns of a loop, fewer than which gain less than the question costs */

void
sg_widen(sg_fn *f, const sg_step *s)
{
	sg_ext turns = sg_ext_int(f->sp, 1);
	int64_t n = 0;

	for (uint32_t k = 0; k < s->nloops; k++)
		turns = sg_ext_mul(f->sp, turns, s->ext[k]);
	if (sg_ext_const(f->sp, turns, &n) && n < WORTH)
		return;
	for (; f; f = f->around)
		f->is_wide = true;
}

/* The name of the body; the macro puts _avx2 behind it. */
const char *
sg_body_name(sg_module *m, const char *fn)
{
	const char *name = sg_text(m->ctx, "%s_any", fn);

	while (sg_name_taken(&m->names, name) ||
	       sg_name_taken(&m->names, sg_text(m->ctx, "%s_avx2", name)))
		name = sg_text(m->ctx, "%s_", name);
	m->has_widths = true;
	return sg_name_exact(&m->names, name);
}

/* Whether functions are made twice, and the choice between the two. */
void
sg_put_widths(sg_buf *b)
{
	sg_buf_puts(b,
	            "/* A compiler that is told of no processor makes functions with long loops "
	            "twice, and a call takes\n"
	            " * the ones for AVX2, with vectors of 32 bytes, where it is there. It makes "
	            "them once for a\n"
	            " * processor that is named, as by -march=native, or where SGRT_ONE_WIDTH is "
	            "defined. */\n"
	            "#if defined __x86_64__ && !defined __AVX__ && defined __OPTIMIZE__ && \\\n"
	            "    !defined __OPTIMIZE_SIZE__ && __STDC_HOSTED__ && \\\n"
	            "    (defined __clang__ || (defined __GNUC__ && __GNUC__ >= 6)) && "
	            "!defined SGRT_ONE_WIDTH\n"
	            "#define SGRT_TWICE\n"
	            "#define SGRT_FOR_CPU(function, arguments) \\\n"
	            "\t(__builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\") && \\\n"
	            "\t         __builtin_cpu_supports(\"bmi2\") \\\n"
	            "\t     ? function##_avx2 arguments \\\n"
	            "\t     : function arguments)\n"
	            "#endif\n\n");
}

void
sg_put_widths_macros(sg_buf *b)
{
	sg_buf_puts(
	    b, "/* At -O2 gcc would leave loops whose number of turns it does not know as they "
	       "are, and the sums\n * of lanes in memory. */\n"
	       "#if defined __GNUC__ && !defined __clang__ && defined __OPTIMIZE__ && \\\n"
	       "    !defined __OPTIMIZE_SIZE__\n"
	       "#define SGRT_VECTORS \\\n"
	       "\t__attribute__((optimize(\"tree-vectorize\", \"vect-cost-model=dynamic\", "
	       "\"peel-loops\")))\n"
	       "#else\n#define SGRT_VECTORS\n#endif\n\n");
	sg_buf_puts(b,
	            "/* A function's body, and the function for AVX2. */\n"
	            "#ifdef SGRT_TWICE\n"
	            "#define SGRT_BODY static inline __attribute__((always_inline))\n"
	            "#define SGRT_AVX2 __attribute__((target(" SG_AVX2 "))) SGRT_VECTORS static\n"
	            "#define SGRT_WIDER(body, parameters, arguments) \\\n"
	            "\tSGRT_AVX2 int body##_avx2 parameters \\\n"
	            "\t{ \\\n\t\treturn body arguments; \\\n\t}\n"
	            "#define SGRT_WIDEST(body, arguments) SGRT_FOR_CPU(body, arguments)\n"
	            "#else\n"
	            "#define SGRT_BODY SGRT_VECTORS static\n"
	            "#define SGRT_WIDER(body, parameters, arguments)\n"
	            "#define SGRT_WIDEST(body, arguments) body arguments\n"
	            "#endif\n\n");
}

/* Has the text loops for OpenMP? gcc takes these out of a body before it puts the body into
 * functions for other processors: such a text has to stand in each. */
bool
sg_stands_twice(const char *text)
{
	return strstr(text, "SGRT_PARALLEL") != NULL;
}

/* text: from the brace on, up to the empty line behind it. */
void
sg_put_twice(sg_buf *b, const char *name, const char *parameters, const char *text)
{
	sg_buf_printf(b, "#ifdef SGRT_TWICE\nSGRT_AVX2 int\n%s_avx2(%s)\n%s#endif\n\n", name,
	              parameters, text);
}
