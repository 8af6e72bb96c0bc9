/* gradbench.h - the parts of bench/gradbench, which answers the GradBench tool protocol.
 *
 *   gradbench.c    lines in, answers out
 *   workloads.c    the twelve modules: which written C, which names, what form of output
 *   call.c         binds the data of a request to a function of written C, and times it
 *   json.c         finds values in a line of JSON; lists of numbers are read by src/cli
 *
 * What a request does wrong comes back as false with one sentence in err. */
#ifndef SG_GRADBENCH_H
#define SG_GRADBENCH_H

#include "cli/cli.h"
#include "symgrad_runtime.h"

/* ---- JSON (json.c) ---- */

/* The text of one value within a line; s NULL: there is none. */
typedef struct json {
	const char *s;
	size_t n;
} json;

/* The line is one value, and well formed: all that follows takes that for granted. */
bool json_read(const char *line, size_t n, json *value, cli_text *err);
json json_member(json object, const char *name); /* none where there is no such member */
bool json_is(json v, const char *string);        /* v is this string */
char *json_string(json v); /* without its quotes, escapes as they are; NULL: no string */
bool json_array(json v, const char *name, cli_array *a, cli_text *err);
bool json_count(json v, const char *name, int64_t *count, cli_text *err); /* an integer >= 0 */
bool json_number(json v, const char *name, double *number, cli_text *err);

/* ---- one function of written C with its data (call.c) ---- */

enum { CALL_DIMS = 8, CALL_ARGS = 16 };

typedef struct call {
	const sgrt_entry *entry;
	ptrdiff_t dims[CALL_DIMS];
	bool known[CALL_DIMS];
	void *args[CALL_ARGS]; /* all of them the call's own */
	void *work;
} call;

/* Model's name of an argument, and the protocol's, where they differ; ends with a NULL. */
typedef struct alias {
	const char *model, *protocol;
} alias;

/* Inputs from the members of `input`, of its `data`, or of the `model` in that; dimensions from the
 * inputs' extents, else from members of their own name. An input that is no object is the only
 * argument. A list of one level serves for any shape with so many elements. */
bool call_bind(call *c, json input, const alias *aliases, cli_text *err);
/* Room for the outputs and for work; the inputs and dimensions stand. */
bool call_prepare(call *c, cli_text *err);
bool call_run(const call *c, double *nanoseconds, cli_text *err);
void call_free(call *c);

const sgrt_entry *call_find(const sgrt_module *m, const char *entry); /* NULL: no such entry */
ptrdiff_t *call_dim(call *c, const char *name);                       /* NULL: no such dimension */
void *call_room(double count, size_t size, cli_text *err); /* NULL without memory; aligned to 64 */
/* The i-th argument's extents; the dimensions are known. */
bool call_shape(const call *c, int i, int64_t extent[CLI_RANK], size_t *count);
int call_arg(const call *c, const char *name); /* -1: none */

/* ---- the modules (workloads.c) ---- */

typedef struct workload workload;

const workload *workload_find(json name);
/* Adds `"output":...,"timings":[...]` to out. */
bool workload_run(const workload *w, json function, json input, cli_text *out, cli_text *err);

#endif
