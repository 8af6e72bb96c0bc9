/* cli.h - floor 7: the command `symgrad`. Knows symgrad.h and the C library, nothing below.
 *
 *   main.c                          which command; --help, --version; the exit status
 *   compile run eval diff check train info graph fmt bench cache explain .c   one command each
 *   option.c help.c model.c ...     what they share
 *   value.c json_value.c csv.c npy.c npz.c zip.c  data in
 *   array.c                         data as it was read, narrowed to what a model wants
 *   print.c                         data out, as NumPy prints it and as JSON
 *   file.c text.c                   whole files, text, memory
 *
 * What can go wrong by the user's doing comes back as false (or NULL) with one sentence in err. */
#ifndef SG_CLI_H
#define SG_CLI_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/symgrad.h"

/* Exit statuses, as INTERFACES promises them. */
enum { CLI_DONE = 0, CLI_FAULT = 1, CLI_USAGE = 2, CLI_NUMERIC = 3, CLI_DEFECT = 70 };

/* ---- text and memory (text.c) -------------------------------------------------------------------
 */

typedef struct cli_text {
	char *s; /* ends in NUL once something was put; NULL before */
	size_t n, cap;
} cli_text;

void *cli_alloc(size_t count, size_t size); /* zeroed; never NULL: ends the process instead */
/* Room for one more after n items of the given size; cap is kept up to date. */
void *cli_grow(void *items, size_t n, size_t *cap, size_t size);
char *cli_copy(const char *s, size_t n);

void cli_write(cli_text *t, const char *s, size_t n);
void cli_puts(cli_text *t, const char *s);
void cli_putc(cli_text *t, char c);
void cli_spaces(cli_text *t, size_t n);
void cli_printf(cli_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_text_free(cli_text *t);
const char *cli_str(const cli_text *t); /* "" when empty */
/* Puts a sentence into err unless one is there already; returns false. */
bool cli_fail(cli_text *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

enum { CLI_SHOWN = 44 };
void cli_show(char out[CLI_SHOWN], const char *s, size_t n);

/* Shortest digits that read back ("0.1", "1e-07", "3", "nan", "-inf"). */
void cli_put_number(cli_text *t, double v, bool f32);

/* ---- commands and options (option.c, help.c) ----------------------------------------------------
 */

typedef struct cli_option {
	const char *name;  /* "format"; given as --format=json or --format json */
	char letter;       /* 'o', or 0 */
	const char *value; /* what help calls its value; NULL: it has none */
	const char *help;
} cli_option;

typedef struct cli_given {
	const cli_option *option;
	const char *value; /* NULL where the option has none */
} cli_given;

/* A command line, taken apart. */
typedef struct cli_args {
	const struct cli_command *command;
	size_t ngiven, n;
	cli_given *given;     /* options, in their order */
	const char **operand; /* n, all else */
} cli_args;

typedef struct cli_command {
	const char *name;
	const char *usage;                /* "FILE.sg [ENTRY]" */
	const char *summary;              /* a line for the list of commands */
	const char *about;                /* a few lines for its own help */
	const char *examples;             /* command lines */
	const cli_option *options;        /* ends with a NULL name */
	int (*run)(const cli_args *args); /* returns the exit status */
} cli_command;

extern const cli_command cli_compile, cli_run, cli_eval, cli_diff, cli_check, cli_info,
    cli_graph, cli_fmt, cli_bench, cli_cache, cli_explain, cli_train;

/* False when the command line is wrong, which has been said. Abbreviations of long options are
 * understood where they are unique; "--" ends the options; "-" and "-3" are operands. */
bool cli_read_args(const cli_command *command, int argc, char **argv, cli_args *args);
void cli_free_args(cli_args *args);
bool cli_has(const cli_args *args, const char *option);
const char *cli_value(const cli_args *args, const char *option); /* the last one given, or NULL */
/* Is --format=json given? False with a message for a format that is not known. */
bool cli_wants_json(const cli_args *args, bool *json);

int cli_help(const cli_command *const *all, size_t n);
int cli_help_command(const cli_command *command);
int cli_version(void);

/* "symgrad run: error: ..." on standard error; returns the status. The hint for status CLI_USAGE
 * says where help is. args may be NULL. */
int cli_error(const cli_args *args, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool cli_colour(void); /* for standard error */

/* ---- models (model.c, bind.c)
 * ------------------------------------------------------------------------ */

/* Options that every command takes which compiles a model. */
#define CLI_REAL_OPTION                                                                            \
	{                                                                                          \
		"real", 0, "f32|f64", "the type of floats that do not say; wins over the file"     \
	}
#define CLI_DIM_OPTION                                                                             \
	{                                                                                          \
		"dim", 0, "N=128", "fix a dimension; may be given again"                           \
	}
#define CLI_BACKEND_OPTION                                                                         \
	{                                                                                          \
		"backend", 0, "jit|tiered|cc|interp",                                              \
		    "libtcc (default); it, then cc; the C compiler; the evaluator"                 \
	}
#define CLI_THREADS_OPTION                                                                         \
	{                                                                                          \
		"threads", 0, "N", "at most so many threads in the JIT's code; default: the cores" \
	}
#define CLI_HELP_OPTION                                                                            \
	{                                                                                          \
		"help", 'h', NULL, "show this help"                                                \
	}

typedef struct cli_setup {
	sg_options options;
	sg_fixed_dim *fixed;
} cli_setup;

/* --real and --dim; false when they are wrong, which has been said (*status). */
bool cli_read_setup(const cli_args *args, cli_setup *setup, int *status);
bool cli_read_backend(const cli_args *args, sg_backend *backend); /* so for --backend */
void cli_free_setup(cli_setup *setup);

/* FILE [ENTRY] [NAME=VALUE]... */
typedef struct cli_operands {
	const char *entry; /* NULL: the default */
	size_t n;
	const char *const *assignment;
} cli_operands;
bool cli_read_operands(const cli_args *args, cli_operands *o); /* so for operands */
/* An option that is a whole number; left as it is where it is not given. False when it is wrong, which
 * has been said. */
bool cli_whole_number(const cli_args *args, const char *option, int64_t least, int64_t most, int64_t *v);
/* --threads, for a model; false when it is wrong, which has been said. */
bool cli_set_threads(const cli_args *args, sg_model *m);
/* --seed, a whole number; left as it is where that is not given. */
bool cli_read_seed(const cli_args *args, uint64_t *seed);

/* Says on standard error what the compiler has to say (as JSON where json). NULL when there is no
 * model (m is then freed), and *status. */
sg_model *cli_accept(sg_model *m, bool json, int *status);
/* A failed status of the library, said, becomes an exit status. */
int cli_failed(const cli_args *args, int status, const char *message);
/* The same of a call that ran, with the place in the model. */
int cli_call_failed(const cli_args *args, int status, sg_call *call);

/* Gives a call its data: NAME=VALUE each. Says all that is wrong, inputs that are missing too. */
typedef struct cli_bound {
	void **data;
	size_t n, cap;
	const char **file; /* by input: that its array is from; NULL: none */
} cli_bound;
int cli_bind(const cli_args *args, sg_call *call, size_t n, const char *const *assignment,
             bool need_all, cli_bound *bound);
void cli_free_bound(cli_bound *b);
/* cli_failed for a call with that data: the file of an array that does not fit is named. */
int cli_data_failed(const cli_args *args, int status, const char *message, const sg_call *call,
                    const cli_bound *b);
bool cli_is_assignment(const char *operand);
bool cli_is_name(const char *s); /* letters, digits and '_' alone */

/* Puts the outputs of a call that ran, as text or as a JSON object. */
void cli_put_outputs(cli_text *t, const sg_call *call, bool json, bool bare);

/* ---- files (file.c)
 * -------------------------------------------------------------------------------- */

bool cli_read_file(const char *path, cli_text *out, cli_text *err);
/* A static library of n object files, by the system's ar. False: *err says why. */
bool cli_archive(const char *archive, size_t n, char *const *object, cli_text *err);
bool cli_is_file(const char *path); /* there, and no folder */
bool cli_is_folder(const char *path);
/* Makes it, where it is not there; *made says so. False: *err says why. */
bool cli_make_folder(const char *path, bool *made, cli_text *err);

typedef struct cli_out {
	const char *path;
	const char *bytes;
	size_t n;
	unsigned mode; /* added to the usual mode: 0111 for what can be executed */
	bool keep;     /* a file that is there keeps its mode */
	size_t source; /* the caller's own */
	char *beside;  /* file.c's own */
} cli_out;

/* All of them or none, each under a name of its own until all are on the disk. */
bool cli_write_files(cli_out *o, size_t n, cli_text *err);
bool cli_write_stdout(const char *s, size_t n, cli_text *err);

/* ---- arrays as they are read (array.c)
 * ------------------------------------------------------------------ */

enum { CLI_RANK = 8 };
typedef enum { CLI_BOOL, CLI_INT, CLI_REAL } cli_kind; /* from narrow to wide */

typedef union cli_cell {
	int64_t i; /* CLI_BOOL, CLI_INT */
	double r;  /* CLI_REAL */
} cli_cell;

typedef struct cli_array {
	cli_kind kind;
	int rank;
	int64_t extent[CLI_RANK];
	cli_cell *cell; /* count, row-major */
	size_t count;
	bool table; /* from rows and columns of text, which say less about the rank */
	const char *file; /* that it is from, as it was named; NULL: the command line */
} cli_array;

void cli_array_free(cli_array *a);
void cli_array_push(cli_array *a, size_t *cap, cli_kind kind, cli_cell c);
void cli_array_transpose(cli_array *a);
void cli_array_fit_rank(cli_array *a, int rank);
/* The elements in the model's type, to be freed; NULL when one of them does not fit it. */
void *cli_array_as(const cli_array *a, sg_dtype type, cli_text *err);
bool cli_count(int rank, const int64_t *extent, size_t *count);
void cli_put_shape(cli_text *t, int rank, const int64_t *extent);

/* ---- data in
 * ------------------------------------------------------------------------------------------------
 */

/* VALUE for the input of that name. a is empty when it fails. */
bool cli_value_parse(const char *text, const char *input, cli_array *a, cli_text *err);
bool cli_read_number(const char *s, size_t n, cli_kind *kind, cli_cell *v);
/* These leave what there is so far in a when they fail. name and path are for messages. */
bool cli_json_parse(const char *text, size_t n, cli_array *a, cli_text *err);
bool cli_csv_parse(const char *path, const char *text, size_t n, const char *column, cli_array *a,
                   cli_text *err);
bool cli_npy_parse(const char *name, const void *bytes, size_t n, cli_array *a, cli_text *err);
bool cli_npz_parse(const char *path, const void *bytes, size_t n, const char *name,
                   const char *input, cli_array *a, cli_text *err);

typedef struct cli_zip {
	const char *path;
	const unsigned char *bytes;
	size_t n;
	const unsigned char *directory, *directory_end; /* what is left of it */
	uint64_t members;
} cli_zip;

typedef struct cli_member {
	const char *name; /* not ended by NUL */
	size_t name_size;
	unsigned flags, method;
	uint32_t checksum;
	uint64_t size, packed, at;
} cli_member;

bool cli_zip_open(cli_zip *z, const char *path, const void *bytes, size_t n, cli_text *err);
/* The next member of the directory; false at its end, and (with err) where it is damaged. */
bool cli_zip_next(cli_zip *z, cli_member *m, cli_text *err);
bool cli_zip_read(const cli_zip *z, const cli_member *m, cli_text *out, cli_text *err);

/* ---- data out
 * -------------------------------------------------------------------------------------------------
 */

typedef struct cli_view {
	sg_dtype type;
	int rank;
	const int64_t *extent;
	const void *data; /* row-major */
} cli_view;

void cli_npy_write(cli_text *out, const cli_view *v);
void cli_npz_write(cli_text *out, size_t n, const char *const *name, const cli_view *view);
void cli_zip_add(cli_text *out, cli_text *directory, const char *name, const cli_text *content);
void cli_zip_end(cli_text *out, const cli_text *directory, size_t members);

/* As NumPy prints it; t ends in a line of `indent` characters, under which further rows stand. */
void cli_print(cli_text *t, const cli_view *v, size_t indent);
void cli_json(cli_text *t, const cli_view *v);
void cli_json_string(cli_text *t, const char *s);

#endif
