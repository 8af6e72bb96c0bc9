/* compile.h - private to symgrad compile: what its command line asks for, and what is written.
 *
 * compile.c      the command line
 * compile_out.c  the files: made one by one in memory, then all written */
#ifndef SG_CLI_COMPILE_H
#define SG_CLI_COMPILE_H

#include "cli/cli.h"

typedef enum { C, H, O, A, SO, SG, LATEX, DOT, SVG, PNG, IR, KINDS } kind;
extern const char *const cli_kind_name[KINDS];

typedef enum { TO_FOLDER, TO_FILE, TO_STDOUT } place;

typedef struct job {
	const cli_args *args;
	bool emit[KINDS];
	bool standalone, split, json;
	bool casadi;
	unsigned steps;
	place place;
	char *where; /* the folder with its '/', or the file without its suffix */
	cli_out *out;
	size_t n, cap;
	int status;
} job;

/* All that is written of a model. False: it could not be made, which has been said. */
bool cli_add_model(job *j, sg_model *m);
/* All files, or none; says why not. */
void cli_write_job(job *j);

#endif
