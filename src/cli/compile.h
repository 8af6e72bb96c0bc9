/* compile.h - private to symgrad compile: what its command line asks for, and what is written.
 *
 * compile.c      the command line
 * weights.c      values of params
 * compile_out.c  the files: made one by one in memory, then all written */
#ifndef SG_CLI_COMPILE_H
#define SG_CLI_COMPILE_H

#include "cli/cli.h"

typedef enum { C, H, O, A, SO, SG, LATEX, DOT, SVG, PNG, IR, KINDS } kind;
extern const char *const cli_kind_name[KINDS];

typedef enum { TO_FOLDER, TO_FILE, TO_STDOUT } place;

typedef enum { NO_WEIGHTS, INLINE, EXTERN, NPY } weights_kind;

typedef struct cli_weights {
	sg_value *value;
	size_t n, cap;
} cli_weights;

typedef struct job {
	const cli_args *args;
	size_t nmodels, nassignments;
	const char **model, **assignment; /* the operands: FILE.sg, NAME=VALUE */
	weights_kind weights;
	bool emit[KINDS];
	bool standalone, split, json;
	bool casadi;
	unsigned steps;
	place place;
	char *where; /* the folder with its '/', or the file without its suffix */
	cli_out *out; /* source: the model's number */
	size_t n, cap, now; /* now: that of the model that is written */
	int status;
} job;

/* The values of a model's params that the command line gives. False: it is wrong, which has been said. */
bool cli_read_weights(job *j, sg_model *m, cli_weights *w);
void cli_free_weights(cli_weights *w);
/* All that is written of a model. False: it could not be made, which has been said. */
bool cli_add_model(job *j, sg_model *m);
/* All files, or none; says why not. */
void cli_write_job(job *j);

#endif
