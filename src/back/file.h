/* file.h - private to emission: one written file, entry by entry. */
#ifndef SG_FILE_H
#define SG_FILE_H

#include "back/emit.h"

/* An entry, and its names in C. */
typedef struct sg_c_entry {
	const sg_entry_ir *e;
	sg_uses uses;
	sg_names names;            /* of its parameters */
	const char **input, **dim; /* C names; NULL: not used */
	const char **read;         /* by input: that, or the name of its array of the module */
	const char **out, *work;
	const char *casadi, *casadi_jac; /* names of CasADi's functions; fn is static then */
	const char *step[4], *step_work, *step_macro;
	const char *fn, *work_fn, *defaults_fn, *check, *call, *call_defaults, *call_work, *macro;
	const char *dims, *args; /* of uniform functions that have the bodies; else NULL: many.c */
	bool has_dims, has_defaults;
	sg_fn *body;
	sg_fn **deflt; /* by input; NULL: none */
	sg_ext bytes;
} sg_c_entry;

typedef struct sg_file {
	sg_module m;
	sg_c_entry *entry;
	size_t nentries;
	const char *real_fn[3]; /* helpers of ours: ext_fn, but in double */
	bool has_real_fn[3];    /* they are needed */
	const char *guard, *module, *attribute;
	bool wrappers, exported;  /* uniform calls: written; for others to call */
	struct sg_places *places; /* of sparse outputs: places.c */
	size_t nplaces, places_cap;
} sg_file;

/* ---- file.c: what is computed ---- */
void sg_file_open(sg_file *file, sg_ctx *ctx, const sg_program *p, const sg_emit_options *o);
void sg_entry_compile(sg_file *file, sg_c_entry *e);
void sg_file_begin(sg_file *file);

/* ---- prototype.c: parameters, prototypes, what the header says ---- */
typedef enum { SG_PROTO_HEADER, SG_PROTO_C, SG_PROTO_LINE } sg_proto;
void sg_put_fn(const sg_file *file, sg_buf *b, const sg_c_entry *e, sg_proto how);
void sg_put_widths_body(const sg_file *file, sg_buf *b, const sg_c_entry *e, const char *name);
void sg_put_widest(const sg_file *file, sg_buf *b, const sg_c_entry *e, const char *body,
                   const char *text); /* text: what the body has between its braces */
void sg_put_work(sg_buf *b, const sg_file *file, const sg_c_entry *e, sg_proto how);
void sg_put_defaults(const sg_file *file, sg_buf *b, const sg_c_entry *e, sg_proto how);
void sg_put_dims(const sg_file *file, sg_buf *b, const sg_c_entry *e, bool types);
void sg_put_header(sg_file *file, sg_buf *b);
void sg_put_declarations(sg_file *file, sg_buf *b);
void sg_put_entry(sg_file *file, sg_buf *b, const sg_c_entry *e);

/* ---- places.c: the patterns of sparse outputs, as constant data ---- */
void sg_print_places(sg_file *file, const sg_c_entry *e);
void sg_declare_places(const sg_file *file, sg_buf *b);

/* ---- weights.c: arrays of the module that functions read ---- */
void sg_name_weights(sg_file *file);
void sg_declare_weights(const sg_file *file, sg_buf *b);
bool sg_put_weights(sg_file *file, sg_buf *b); /* the file of them; false: there are none */

/* ---- step.c: steps of training ---- */
void sg_print_steps(sg_file *file, const sg_c_entry *e);
void sg_declare_steps(sg_file *file, sg_buf *b, const sg_c_entry *e);
const char *sg_step_suffix(unsigned k);

/* ---- casadi.c: the functions that CasADi loads ---- */
void sg_open_casadi(sg_file *file);
void sg_print_casadi(sg_file *file, const sg_c_entry *e);
void sg_declare_casadi(const sg_file *file, sg_buf *b, const sg_c_entry *e); /* NULL: of all */

/* ---- function bodies, and a text from its parts: emit.c; checks of the dimensions: check.c ---- */
void sg_print_entry(sg_file *file, sg_c_entry *e);
void sg_emit_file(sg_file *file, sg_ctx *ctx, const sg_program *p, const sg_emit_options *o,
                  sg_buf *c, sg_buf *h); /* all of it in one; h NULL: no header */
void sg_put_text(sg_file *file, const char *subject, const char *declarations, sg_buf *c);
void sg_print_check(sg_file *file, const sg_c_entry *e);

/* ---- support.c: the text that the functions stand on ---- */
void sg_put_support(sg_file *file, sg_buf *b);
bool sg_takes_roots(sg_file *file);
void sg_put_codes(sg_buf *b);

/* ---- widths.c: functions for several widths of vectors ---- */
#define SG_AVX2 "\"avx2,fma,bmi,bmi2\""
void sg_put_widths(sg_buf *b);
void sg_put_widths_macros(sg_buf *b);

/* ---- module.c: uniform calls and the description ---- */
void sg_print_calls(sg_file *file, const sg_c_entry *e);
void sg_print_module(sg_file *file);

/* ---- many.c: functions of many parameters ---- */
void sg_name_many(sg_file *file, sg_c_entry *e); /* once the parameters have names */
void sg_take_dims(sg_file *file, const sg_c_entry *e); /* out of their array */
void sg_open_many(sg_file *file, const sg_c_entry *e, const char *name, bool outputs);
void sg_print_many(sg_file *file, const sg_c_entry *e, const char *name, bool outputs);

/* An array of n constants among those of the file; type: "static const ptrdiff_t". */
void sg_file_words(sg_file *file, const char *type, const char *name, int64_t n, const int64_t *w);
/* A line of C at file scope or deeper, into m.body. */
void sg_file_put(sg_file *file, int indent, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
