/* front.h - floor 3: text -> program. The parser's tree is in ast.h. */
#ifndef SG_FRONT_H
#define SG_FRONT_H

#include "rules/rules.h"

typedef struct sg_front_options {
	sg_type real;     /* used when has_real: wins over the file's `real` */
	bool has_real;
	size_t nfix;      /* --dim=N=128 */
	const char *const *fix_name;
	const int64_t *fix_value;
	/* What a sparse derivative asks of the floor above, handed down by who calls (pass.h:
	 * sg_pattern_of, sg_pattern_colours); NULL: sparse derivatives can't be had. */
	const char *(*pattern)(sg_build *b, sg_ref y, size_t n, const sg_ref *x, sg_pattern *p);
	sg_colours *colours;
	/* The one entry is `gradient LOSS wrt params`, whatever the text asks for; see training.c. */
	bool training;
	const char *loss; /* a name that the text binds, or an output's; NULL: what its `gradient` has */
} sg_front_options;

/* The program of a source, with DERIV nodes still in it; NULL when there was an error (recorded). */
sg_program *sg_front(sg_ctx *ctx, const sg_source *src, const sg_front_options *o);

/* One expression (eval, diff -e): free names become inputs: of the types and shapes given, else scalars.
 * wrt[n] names: entry "diff" has one output an x, named d_x; without wrt, entry "eval" with output
 * "value" (a tuple: value_0, value_1 ...). */
sg_program *sg_front_expr(sg_ctx *ctx, const sg_source *src, const sg_front_options *o, size_t nwrt,
                          const char *const *wrt);

/* The text in canonical form (fmt.c): the same tokens and comments, other spaces and line breaks.
 * Formatting it again changes nothing. NULL when it does not parse (recorded); names, types and
 * shapes are not looked at. A formatter that would lose a token raises a defect instead. */
const char *sg_format_text(sg_ctx *ctx, const sg_source *src);

/* Rows of codes.def: the long form of a diagnostic's code, or NULL. */
const char *sg_explain(const char *code);
const char *sg_explain_title(const char *code);
const char *const *sg_codes(size_t *n); /* all codes */

#endif
