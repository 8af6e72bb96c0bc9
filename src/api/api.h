/* api.h - private to floor 6: what stands behind the objects of symgrad.h.
 *
 * A model's program, entries and diagnostics are written while it is compiled and only read
 * afterwards. What is made later (machine code, texts, figures) takes the lock for writing, since
 * it takes memory from the model's arena and interns extents; who evaluates extents or nodes takes
 * it for reading. */
#ifndef SG_API_API_H
#define SG_API_API_H

#include "api/symgrad.h"

#include <pthread.h>
#include <stdatomic.h>

#include "back/back.h"
#include "front/front.h"
#include "pass/pass.h"

/* ---- the model ---- */

typedef struct sg_entry_data {
	sg_entry pub; /* first: see sg_entry_of */
	const sg_entry_ir *ir;
	uint32_t *input;     /* which of the program's inputs argument i is */
	uint32_t *dim;       /* which of the space's dimensions dims[i] is */
	const bool *derived; /* by output: does it hold a derivative? */
	const uint32_t *named; /* names.c: 1 + the place in pub.args, by the hash of its name */
	size_t mask;           /* as many as this, and one */
	const sg_demand *demand; /* what it asks of the dimensions */
	size_t ndemands;
	bool has_work;       /* is the next one known? */
	sg_ext work;         /* bytes of workspace */
	const struct sg_costs *costs; /* model.c; NULL: nobody has asked */
} sg_entry_data;

typedef struct sg_code_entry {
	sg_function fn;
	sg_uniform call, defaults; /* defaults NULL: no argument has one */
	sg_ext work;               /* bytes of workspace */
} sg_code_entry;

/* Entries as C text, in the arena, and what is looked up in its machine code. */
typedef struct sg_emission {
	const char *text;
	size_t first, count; /* the model's entries [first, first + count) */
	const sg_c_names *c; /* of count entries */
	size_t n;
	const char **name; /* of n symbols */
	void **addr;       /* theirs, once they are known */
	sg_code_entry *entry; /* by entry of the model */
} sg_emission;

/* The machine code of all entries, or of one, by one back end. */
typedef struct sg_machine {
	bool tried;
	sg_code *code; /* NULL: failed, and then status and why say how */
	sg_code_entry *entry; /* by entry of the model */
	int status;
	const char *why;
} sg_machine;

/* The JIT's. A program that asks for one entry waits for this one alone; when it asks for a second, all
 * are made, so that a model of many is not walked once for each. */
typedef struct sg_jit {
	sg_machine one, all;
	size_t entry; /* that `one` has, once it is tried */
} sg_jit;

typedef struct sg_tier sg_tier; /* tier.c: code that is made beside the calls */

/* Where the model's text comes from; enough to compile it again. */
typedef struct sg_origin {
	const char *path; /* of a file; else NULL */
	const char *name, *text;
	size_t size;
	bool is_expr;
	size_t nwrt;
	const char *const *wrt;
	bool training;
	const char *loss; /* of training; NULL: what the model's `gradient` has */
} sg_origin;

struct sg_model {
	/* Its calls, and the model itself: the last of them frees what is left once it is freed. */
	atomic_size_t holders;
	atomic_bool freed;
	sg_ctx *ctx;
	pthread_rwlock_t lock;
	int status;
	const char *sentence; /* of a status other than OK and EMODEL */
	sg_origin origin;     /* text and name in the arena, once they are read */
	sg_front_options front;
	bool openmp, casadi;
	unsigned steps;
	sg_program *program;      /* NULL: it did not compile */
	const sg_program *derivs; /* the program as it was before derivatives were taken */
	sg_entry_data *entry;
	size_t nentries;
	sg_diagnostic *diag;
	size_t ndiags;
	sg_jit jit, wide; /* wide: with threads */
	sg_machine cc;
	sg_tier *tier;
	sg_pool *pool;
	const sg_c_names *c_names; /* by entry; NULL before the first emission */
	sg_times times;
};

/* The entry behind a pointer that a user gave; NULL where it is none of this model's. */
const sg_entry_data *sg_entry_of(const sg_model *m, const sg_entry *e);

/* The same, into *own; or a status with *why. */
int sg_need_entry(const sg_model *m, const sg_entry *e, const sg_entry_data **own, sg_failure *why);
void sg_model_drop(sg_model *m); /* one holder less */

/* Runs f(m, arg) with the lock held for writing, under sg_protect; f returns a status. Nothing is
 * run when the model did not compile. */
int sg_on_model(sg_model *m, int (*f)(sg_model *m, void *arg), void *arg, sg_failure *why);

/* machine.c, inside sg_on_model.
 * AUTO and LATER become what this build can do, TIERED what it begins with. */
sg_backend sg_backend_choice(sg_model *m, sg_backend b);
/* An entry's code by back end b, made when it is not there; NULL for interp and on failure. */
const sg_code_entry *sg_code_of(sg_model *m, sg_backend b, const sg_entry_data *e, sg_failure *why);
/* The JIT's code for calls with much data, whose loops go on the pool. */
const sg_code_entry *sg_code_with_threads(sg_model *m, const sg_entry_data *e, sg_failure *why);
/* The JIT's that is there, with or without threads; NULL: none. The lock for reading is enough. */
const sg_code_entry *sg_code_there(const sg_model *m, bool threads, const sg_entry_data *e);
/* Makes all entries' code by b. */
void sg_make_code(sg_model *m, sg_backend b);
sg_emission sg_emit_code(sg_model *m, bool jit, bool threads); /* of all entries; may raise */
/* Once the addresses are known, the entries are. */
void sg_place_code(const sg_emission *e);

/* tier.c */
sg_tier *sg_tier_new(void); /* NULL without memory */
void sg_tier_free(sg_tier *t); /* what goes on is stopped first */
int sg_tier_emit(sg_model *m, void *arg); /* inside sg_on_model: its text, so that the thread need not */
/* Outside of sg_on_model, any number of times. What can't be done is told by sg_model_settle. */
void sg_tier_start(sg_model *m);
/* By entry, the code that it made; NULL: there is none yet. */
const sg_code_entry *sg_tier_code(const sg_model *m);

/* names.c: arguments of an entry by name, in a time that does not depend on how many there are. */
void sg_name_args(sg_ctx *ctx, sg_entry_data *e); /* once pub.args is there; may raise */
/* The place in pub.args of an input or param, or of an output; where there is none, their number. */
size_t sg_arg_named(const sg_entry_data *e, bool output, const char *name);

/* files.c: may C include a header of this name (NULL: its own)? */
int sg_check_header(const char *header, sg_failure *why);

/* compile.c */
/* A program of its own over the same graph. The passes change a program's references and leave its
 * old graph, so this keeps the old references, or leaves them to the other. */
sg_program *sg_program_snapshot(sg_ctx *ctx, const sg_program *p);
/* jacobian.c: entries that compute the Jacobians of the others; errors where CasADi's convention has no
 * room for the model. Derivatives are not taken yet. May raise. */
void sg_add_jacobians(sg_ctx *ctx, sg_program *p);
void sg_describe(sg_model *m);         /* model.c: fills entry[] from the program; may raise */
void sg_keep_diagnostics(sg_model *m); /* report.c; may raise */
sg_model *sg_compile(const sg_origin *origin, const sg_options *o); /* texts are copied */
sg_model *sg_model_new(const sg_origin *origin); /* without a program; NULL without memory */
/* The text that it comes from; NULL where that can't be read, which is recorded. May raise. */
const sg_source *sg_model_read(sg_model *m);

/* model.c, inside sg_on_model: bytes of workspace of an entry, found once. */
sg_ext sg_work_of(sg_model *m, const sg_entry_data *e);
void sg_keep_work(sg_model *m, size_t first, size_t count, const sg_c_names *c); /* before it is asked for */

/* ---- small things ---- */

sg_dtype sg_dtype_of(sg_type t);
int sg_status_of(sg_fault f);
double sg_clock(void); /* seconds since some moment */

/* Sets *why (which may be NULL) and returns the status. */
int sg_refuse(sg_failure *why, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int sg_no_failure(sg_failure *why);

/* A sentence put together outside any arena; what has no room ends in "...". */
typedef struct sg_line {
	char s[1024];
	size_t n;
} sg_line;
void sg_line_add(sg_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sg_line_extents(sg_line *l, int rank, const int64_t *ext); /* "[3, 9]" */

#endif
