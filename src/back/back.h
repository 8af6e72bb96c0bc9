/* back.h - floor 5: a program becomes C, machine code, or numbers. */
#ifndef SG_BACK_H
#define SG_BACK_H

#include "rules/rules.h"

/* ---- emission: schedule, memory plan, C text ---------------------------------------------------- */

typedef struct sg_emit_options {
	const char *prefix; /* C prefix of every public name, a legal identifier */
	const char *header; /* the name to #include ("perceptron.h"); NULL: none (JIT) */
	bool standalone;    /* print the runtime routines into the text; no header of ours */
	bool openmp;        /* loops over large data by OpenMP's threads, where the compiler has it */
	bool threads;       /* jit: loops over large data by sgrt_parallel, a pointer to sg_pool_run, and sgrt_pool */
	bool jit;           /* for libtcc: no #include at all, runtime by declarations */
	unsigned steps;     /* bits: sgd, momentum, adam, adamw: step.c */
	bool casadi;        /* the functions are CasADi's: casadi.c */
	bool split;         /* sg_emit_files: one file for each entry */
	/* sg_emit_files, by input: the values of its array of the module, which has a file of its own;
	 * NULL: there is none */
	const sg_attr *const *outside;
	uint32_t piece;     /* values in each piece of a long function; 0: as usual */
} sg_emit_options;

/* Public C names of one emitted entry; NULL where there is none. */
typedef struct sg_c_names {
	const char *fn, *work, *defaults;
	const char *call, *call_defaults; /* int (*)(const ptrdiff_t *dims, void *const *args, void *work) */
	const char *signature;            /* the prototype of fn, one line */
	sg_ext bytes;                     /* of workspace, as sg_entry_work gives for the dialect */
} sg_c_names;

/* All entries of p (the caller filters them). Returns one sg_c_names an entry, in the arena; c and h get the
 * texts (h may be NULL). args of a uniform call: used inputs in order of declaration, then outputs. */
const sg_c_names *sg_emit(sg_ctx *ctx, const sg_program *p, const sg_emit_options *o, sg_buf *c,
                          sg_buf *h);
/* The same as the files that are written: the header, where options name one, and what includes it. With
 * o->split each entry has a file of its own, PREFIX_ENTRY.c, that needs none of the others. */
typedef struct sg_c_file {
	const char *tail; /* of its name, behind the prefix: ".h", "_gradient.c", "_weights.c" */
	const char *text;
} sg_c_file;
const sg_c_file *sg_emit_files(sg_ctx *ctx, const sg_program *p, const sg_emit_options *o, size_t *n);
/* Has it gradients of its inputs, so that there is a step of training? */
bool sg_entry_has_step(const sg_program *p, const sg_entry_ir *e);
/* Bytes of workspace of an entry, as a polynomial in the dimensions: of the JIT's code, or of what
 * is written. */
sg_ext sg_entry_work(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, bool jit);
/* The most of the JIT's that holds something at one time, for these dimensions: less would not do,
 * in the order in which things are computed. false: beyond what can be counted. */
bool sg_entry_alive(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, const int64_t *dims,
                    int64_t *bytes);

/* ---- the reference evaluator ----------------------------------------------------------------------- */

/* dims[ndims]; in[i] for input i of the program (NULL where unused); out[k].data allocated by the caller
 * for output k (shapes by sg_tensor_shape). SGRT_OK or SGRT_E*. Also evaluates any list of nodes. */
int sg_interp(sg_ctx *ctx, const sg_program *p, size_t nout, const sg_ref *ref, const int64_t *dims,
              const sg_tensor *const *in, sg_tensor *out);
/* The same; *at becomes the place in the model of what failed, its src NULL where nothing did. */
int sg_interp_at(sg_ctx *ctx, const sg_program *p, size_t nout, const sg_ref *ref, const int64_t *dims,
                 const sg_tensor *const *in, sg_tensor *out, sg_span *at);

/* ---- text in, .sg text out ------------------------------------------------------------------------- */

/* The whole program as .sg text that compiles again to the same numbers (diff, --emit=sg). */
void sg_program_sg(sg_ctx *ctx, const sg_program *p, sg_buf *out);
/* One expression, inlined as far as sharing allows; let-lines where it does not. What stands in out's
 * last line already ("d_x = ") goes before the expression, below the let-lines. No newline at the end. */
void sg_expr_sg(sg_ctx *ctx, const sg_program *p, sg_ref r, sg_buf *out);
void sg_expr_latex(sg_ctx *ctx, const sg_program *p, sg_ref r, sg_buf *out);

/* An entry (NULL: all of them) as a picture for Graphviz: the values that are kept with their formulas,
 * loop nests as boxes, shapes on edges. */
void sg_program_dot(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, sg_buf *out);

/* ---- loaders: C text -> callable; outside the arena, freed by sg_unload -------------------------- */

typedef struct sg_code sg_code;
/* names[n] are looked up into addr[n]. On failure NULL, and *why (malloc'ed) says what the compiler said;
 * it is NULL where there was no memory. */
sg_code *sg_load_tcc(const char *text, size_t n, const char *const *names, void **addr, char **why);
/* The system's C compiler ($SYMGRAD_CC, else cc) at -O3, shared object, in the user's cache folder. */
sg_code *sg_load_cc(const char *text, size_t n, const char *const *names, void **addr, char **why);
/* The same in two steps. The first reads what the environment says of compiler and folders (NULL without
 * memory); so the second may run on any thread, whatever the host does to its environment meanwhile. */
typedef struct sg_cc_host sg_cc_host;
sg_cc_host *sg_cc_host_new(void);
void sg_cc_host_free(sg_cc_host *host);
/* Lets one thread end what another one compiles. NULL without memory. */
typedef struct sg_cc_stop sg_cc_stop;
sg_cc_stop *sg_cc_stop_new(void);
void sg_cc_stop_free(sg_cc_stop *stop);
/* The compiler is ended, and no other one starts. Returns when it is gone, or could not be ended. */
void sg_cc_stop_ask(sg_cc_stop *stop);
sg_code *sg_load_cc_on(sg_cc_host *host, sg_cc_stop *stop, const char *text, size_t n,
                       const char *const *names, void **addr, char **why);
/* An object file, or a shared object, at `path`: written beside it and renamed. False: *why as above. */
bool sg_cc_build(const char *text, const char *path, bool shared, bool openmp, char **why);
void sg_unload(sg_code *code);
bool sg_have_tcc(void);

/* ---- threads for loops: pool.c ------------------------------------------------------------------- */

/* NULL without memory. None starts before the first loop that has work for more than one. */
typedef struct sg_pool sg_pool;
sg_pool *sg_pool_new(void);
void sg_pool_free(sg_pool *pool); /* no loop may run */
bool sg_pool_set(sg_pool *pool, int threads); /* the caller counted; 0: as many as cores. false: out of range */
/* part(context, begin, end) for all of [0, turns), in chunks of `grain` turns (>= 1): which, that depends
 * on these two alone. A part returns 0 or a code; the result is that of the first chunk that failed. */
typedef int sg_part(void *context, ptrdiff_t begin, ptrdiff_t end);
int sg_pool_run(void *pool, sg_part *part, void *context, ptrdiff_t turns, ptrdiff_t grain);

/* ---- the cache of what the system's compiler made ------------------------------------------------ */

typedef struct sg_cache_figures {
	int64_t entries, bytes; /* that it has, or that were removed */
	int64_t bound;          /* on the bytes */
} sg_cache_figures;
/* How full it is; empties it. False: *why, as "others may write to it". *path is malloc'ed and may be
 * NULL. A folder that is not there is an empty cache. */
bool sg_cache_look(char **path, sg_cache_figures *f, const char **why);
bool sg_cache_clear(char **path, sg_cache_figures *gone, const char **why);

#endif
