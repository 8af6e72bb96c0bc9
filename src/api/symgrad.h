/* symgrad.h - tensor expressions and their derivatives, compiled: the library.
 *
 * Text of the .sg language goes in; out come functions that compute its entries (values, gradients,
 * Hessians ...), as machine code in this process, as C text, or evaluated by a slow reference
 * evaluator. This header is the manual of the library; the language is in docs/language.md.
 *
 * A whole program, which fits a line to three points by descending along a gradient:
 *
 *     #include <symgrad.h>
 *
 *     #include <stdio.h>
 *     #include <string.h>
 *
 *     static const char text[] = "input x[N], y[N]\n"
 *                                "param p[2] = zeros([2])\n"
 *                                "gradient mean((p[0] + p[1]*x - y)**2) as loss wrt p\n";
 *
 *     int
 *     main(void)
 *     {
 *             const double x[] = {0, 1, 2}, y[] = {1, 3, 5};
 *             const int64_t three = 3, two = 2;
 *             double p[2] = {0, 0};
 *             sg_model *m = sg_compile_string("line.sg", text, strlen(text), NULL);
 *             sg_call *c = sg_call_new(m, "gradient", SG_BACKEND_AUTO);
 *             int status = sg_call_bind(c, "x", SG_DTYPE_F64, 1, &three, x);
 *
 *             if (!sg_model_ok(m))
 *                     fputs(sg_model_report(m, 0), stderr);
 *             if (status == SG_OK)
 *                     status = sg_call_bind(c, "y", SG_DTYPE_F64, 1, &three, y);
 *             if (status == SG_OK)
 *                     status = sg_call_bind(c, "p", SG_DTYPE_F64, 1, &two, p);
 *             for (int step = 0; status == SG_OK && step < 200; step++) {
 *                     status = sg_call_run(c);
 *                     if (status == SG_OK) {
 *                             const double *g = sg_call_output(c, "grad_p")->data;
 *
 *                             p[0] -= 0.2 * g[0];
 *                             p[1] -= 0.2 * g[1];
 *                     }
 *             }
 *             if (status != SG_OK)
 *                     fprintf(stderr, "%s\n", sg_call_message(c));
 *             printf("y = %.3f + %.3f x\n", p[0], p[1]);
 *             sg_call_free(c);
 *             sg_model_free(m);
 *             return status != SG_OK;
 *     }
 *
 *     cc line.c $(pkg-config --cflags --libs symgrad)
 *
 * Four kinds of object: a *model* is compiled text; an *entry* is one function of it, with
 * arguments in a fixed order; a *call* is an entry with arrays bound to its arguments; a *report*
 * is what a check of derivatives found.
 *
 * What holds for all of it
 *
 * Errors are values. Nothing here prints, exits, aborts, raises a signal or keeps global state.
 *   Most functions return a status, SG_OK or what went wrong; those that return a pointer return
 *   NULL then and take an sg_failure that says why. A function that fails has changed nothing: what
 *   it would have given is NULL, 0 or as it was.
 * NULL is looked for. Where an object, a name or an array is expected the answer is SG_EVALUE with
 *   a sentence that says which, or NULL or 0 from what returns no status. The _free functions take
 *   NULL and do nothing.
 * Ownership. What sg_compile_* and sg_format_* return goes to sg_model_free, what sg_call_new
 *   returns to sg_call_free, what sg_check fills to sg_report_free. Every other pointer that a
 *   function returns is lent: it belongs to the object it was asked of and lives as long as that,
 *   unless it says less. Never free it. What is given to a function stays the caller's and is read
 *   during the function alone, but for arrays and workspaces that are bound to a call.
 * Threads. A model does not change once it is made: any number of threads may use one model at a
 *   time. What it makes on demand (machine code, texts) it makes once, behind a lock of its own. A
 *   call object belongs to one thread at a time; give each thread its own. An sg_failure is its
 *   owner's.
 * Arrays are row-major and contiguous. f32 is float, f64 double, i32 int32_t, i64 int64_t, bool
 *   uint8_t (0 or 1; other values are undefined). Scalars are arrays of rank 0. An extent of 0 is
 *   legal, and such an array may be NULL. Sizes are in elements where they are called extents or
 *   counts, and in bytes where they are called bytes or size.
 * Texts are UTF-8 and end in NUL, in no locale: numbers have a decimal point whatever setlocale
 *   says.
 * Time. Compiling a small model takes about a millisecond with the JIT, and as long as the C
 *   compiler takes with that. A prepared call costs some ten nanoseconds beside the machine code.
 * The process. Threads of the library take no signals. A C compiler that is started is a child
 *   process, waited for by its number; a host that waits for any child, or ignores SIGCHLD, does no
 *   harm. fork() waits until no thread of the library's own is inside of a model. After it both
 *   processes may go on with all objects, but for those that another thread was inside of; the
 * child has none of the library's threads, so its calls run alone, until sg_set_threads asks for
 * another number. errno and floating-point flags may change. Numbers are computed in the rounding
 * mode to nearest; in another one, or with floating-point traps on, results are unspecified.
 * Nothing here may be called from a signal handler, and no thread inside may be cancelled. The
 * environment is read where it is said below: SYMGRAD_CC, SYMGRAD_CACHE_MIB, XDG_CACHE_HOME, HOME,
 * TMPDIR and PATH, by what makes code by the C compiler; SYMGRAD_ISA when the library is loaded:
 * base, avx2 or avx512, the widest instructions that the runtime may use, if the processor has
 * them; any other word is as none. And nothing else. Versions. Within one SONAME (libsymgrad.so.0)
 * no function goes or changes its meaning, no enumerator changes its value, and no struct changes;
 * functions and enumerators are added.
 *
 * What is not checked, because the check would cost more than the call, and is undefined therefore:
 * - what is handed to a raw function (sg_entry_function, sg_entry_uniform, sg_entry_defaults): too
 *   few elements, wrong dimensions, arrays that overlap, a work that is too small or not aligned;
 * - an array that is smaller than the shape that is bound with it, and memory that was freed, or is
 *   written to by others, while a call that it is bound to runs;
 * - two threads in one call object; an object after its own _free; strings without a NUL. */
#ifndef SYMGRAD_H
#define SYMGRAD_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SG_API __attribute__((visibility("default")))
#else
#define SG_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types and results ----------------------------------------------------------------------- */

/* The type of an array's elements. */
typedef enum sg_dtype {
	SG_DTYPE_NONE, /* no type: "as the file says", or "unbind" */
	SG_DTYPE_F32,  /* float */
	SG_DTYPE_F64,  /* double */
	SG_DTYPE_I32,  /* int32_t */
	SG_DTYPE_I64,  /* int64_t */
	SG_DTYPE_BOOL  /* uint8_t, 0 or 1 */
} sg_dtype;

/* Its name in the language, "f32" ... "bool"; "none" for SG_DTYPE_NONE and what is no sg_dtype. */
SG_API const char *sg_dtype_name(sg_dtype t);
/* Bytes of one element; 0 for SG_DTYPE_NONE and what is no sg_dtype. */
SG_API size_t sg_dtype_size(sg_dtype t);

/* Where the numbers come from. All of them compute the same; the last bits may differ from one to
 * the other, but not from call to call or with the number of threads. */
typedef enum sg_backend {
	/* jit; where this build has no libtcc: cc; without a C compiler: interp */
	SG_BACKEND_AUTO,
	/* libtcc, in the process: machine code in about a millisecond */
	SG_BACKEND_JIT,
	/* The system's C compiler at -O3 for this processor: the program that SYMGRAD_CC names (with
	 * arguments, "clang -O2"), else cc. Takes as long as that takes; what it made is kept in the
	 * user's cache and loaded from there the next time. */
	SG_BACKEND_CC,
	/* The reference evaluator: slow, obvious, always there. It allocates during calls. */
	SG_BACKEND_INTERP,
	/* For sg_options: no machine code until somebody asks. Elsewhere the same as AUTO. */
	SG_BACKEND_LATER,
	/* jit at once (where this build has no libtcc: interp), and cc as soon as that is ready: the
	 * model's first tiered call starts the C compiler in the background, and each call goes over
	 * to its code the next time it runs. Results may differ in their last bits from then on.
	 * Without a C compiler it stays with the first. See sg_model_settle. */
	SG_BACKEND_TIERED
} sg_backend;

/* 1: this build has libtcc, so that SG_BACKEND_JIT is there; 0: it has not. */
SG_API int sg_have_jit(void);

/* What most functions return. Positive: the request can't be met, and nothing was computed.
 * Negative: the computation itself failed at run time, with a code SGRT_E* of symgrad_runtime.h: an
 * index out of range, an integer divided by 0, the maximum of nothing, a while loop at its limit, a
 * matrix that is singular or not positive definite. */
typedef enum sg_status {
	SG_OK = 0,
	SG_EMODEL = 1,   /* the model did not compile: see its diagnostics */
	SG_ENAME = 2,    /* no entry, input, output or dimension has this name */
	SG_ETYPE = 3,    /* an array's element type is not the declared one */
	SG_ESHAPE = 4,   /* shapes do not fit the declaration, or one another */
	SG_EMISSING = 5, /* an input or a dimension was not given and has no default */
	SG_EBACKEND = 6, /* this back end is not there, or the C compiler failed */
	SG_EFILE = 7,    /* a file could not be written */
	SG_EVALUE = 8,   /* an argument of the function is not one that it takes */
	SG_ENOMEM = 64,  /* out of memory */
	SG_ESIZE = 65,   /* a size overflows, or nesting is too deep */
	SG_EDEFECT = 70  /* a broken invariant of symgrad itself: please report it */
} sg_status;

/* One sentence about a status, run-time codes included, lower case and without a full stop: for all
 * occasions, so less than sg_call_message and sg_failure say. Never NULL; static. */
SG_API const char *sg_strerror(int status);

/* Why a function of a model failed. It is the caller's and holds no memory; a function that takes
 * one writes it in any case, and takes NULL from who does not want to know. */
typedef struct sg_failure {
	int status;      /* as the function's; SG_OK when it succeeded */
	char text[1024]; /* a sentence, cut short with "..." where it is longer; "" when it
	                    succeeded */
} sg_failure;

/* The version of the library that runs, "0.1.0"; static. */
SG_API const char *sg_version(void);

/* ---- compiling ------------------------------------------------------------------------------- */

/* A dimension that becomes a constant: no argument any more, and loops have fixed bounds. */
typedef struct sg_fixed_dim {
	const char *name;
	int64_t value; /* >= 0 */
} sg_fixed_dim;

/* How others call the C that is written. */
typedef enum sg_convention {
	/* one function an entry, with the signature of sg_entry_prototype */
	SG_CONVENTION_OWN,
	/* What CasADi's external() loads, and with it acados and others: PREFIX_ENTRY with its
	 * _n_in, _sparsity_out, _work ... and, for the derivatives, jac_PREFIX_ENTRY. All dimensions
	 * are fixed, else the model does not compile. The model has an entry jac_ENTRY for each of the
	 * others then. It bears on sg_write_c and sg_write_binary alone. */
	SG_CONVENTION_CASADI
} sg_convention;

/* Steps of training that are written beside an entry with outputs grad_P, where P is an input or
 * param: PREFIX_ENTRY_sgd and so on update each P in place, as torch.optim does; the header that is
 * written says what they take. */
typedef enum sg_step {
	SG_STEP_SGD = 1,
	SG_STEP_MOMENTUM = 2,
	SG_STEP_ADAM = 4,
	SG_STEP_ADAMW = 8
} sg_step;

/* How to compile. All zero is the default for everything, so begin with {0} and set what is wanted.
 * Read during the call alone. */
typedef struct sg_options {
	sg_dtype real; /* F32 or F64: type of floats that say nothing; wins over the file */
	size_t nfixed; /* dimensions that become constants */
	const sg_fixed_dim *fixed;
	const char *entry;  /* keep this entry alone; NULL: all */
	const char *prefix; /* prefix of C names, an identifier; NULL: the model's name */
	sg_backend backend; /* machine code to make at once. AUTO here means SG_BACKEND_LATER: at
	                       the first call that needs it */
	int openmp; /* written C and binaries: loops over large data run on OpenMP's threads, where
	               the compiler has that; with the same result for any number of threads */
	sg_convention convention; /* of written C and binaries */
	unsigned steps;           /* bits of sg_step: so */
} sg_options;

/* Compiled text, with all that is made of it. Opaque. */
typedef struct sg_model sg_model;

/* Compiles a file. path: in the encoding of the file system; "-" is standard input, read to its
 * end. options: NULL for the defaults. Files that it includes are looked for beside it.
 *
 * The result is a model even where the source is wrong or can't be read: ask sg_model_ok, and
 * sg_model_report says what is wrong, all errors of the text at once. Statuses: SG_EMODEL for the
 * source, a file that can't be read, and a wrong entry, dimension or prefix of the options;
 * SG_EVALUE for options that are none (a type other than f32 and f64, an unknown back end, NULL for
 * a name);
 * SG_ENOMEM, SG_ESIZE (a size that overflows, nesting too deep), SG_EDEFECT. Machine
 * code that can't be made at once is no error yet: the call that needs it tells.
 *
 * The caller frees the result. NULL only where there is no memory for the model object itself. */
SG_API sg_model *sg_compile_file(const char *path, const sg_options *options);
/* The same for a text of `size` bytes, which needs no NUL behind it. name is what messages and
 * comments call it, and includes are looked for beside it; its stem is the model's name where the
 * text gives none. name NULL: "<string>". text NULL with size 0: a text without statements. */
SG_API sg_model *sg_compile_string(const char *name, const char *text, size_t size,
                                   const sg_options *options);
/* The same for one expression that ends in NUL. Free names in it are scalar inputs. With nwrt 0: an
 * entry "eval" with output "value" (of a tuple: value_0, value_1 ...). With names wrt[nwrt]: an
 * entry "diff" with one output d_NAME for each, the derivative in that name. */
SG_API sg_model *sg_compile_expr(const char *expr, size_t nwrt, const char *const *wrt,
                                 const sg_options *options);
/* The model as its training needs it, whatever entries it has: one entry "gradient", whose outputs
 * are the value `loss` - a name that the text binds, or an output's; NULL: the value of its
 * `gradient` statement - and grad_P for each param P of floats, 0 where it has no influence. The
 * loss is a scalar of floats. Statuses as above; SG_EMODEL also where there is no such value. */
SG_API sg_model *sg_compile_training_file(const char *path, const char *loss,
                                          const sg_options *options);
SG_API sg_model *sg_compile_training_string(const char *name, const char *text, size_t size,
                                            const char *loss, const sg_options *options);
/* Frees the model with all that belongs to it: texts, entries, diagnostics, machine code. No other
 * thread may use it, a call of it, or a function of it at that time. A C compiler that still runs
 * for it in the background is ended first. Calls of it may be there still: each function of theirs
 * returns SG_EVALUE ("the model of this call was freed") or NULL from then on, and they are to be
 * freed as always, in any order. m NULL: nothing is done. */
SG_API void sg_model_free(sg_model *m);
/* Waits until the model does nothing in the background any more. SG_OK: no tiered call was run, or
 * their next runs use the code of the C compiler. SG_EBACKEND, SG_ENOMEM ...: there is none, and
 * they stay with what they have. May be called from any thread, also while calls run. */
SG_API int sg_model_settle(sg_model *m, sg_failure *why);

/* 1: it compiled, though there may be warnings. 0: it did not, or m is NULL. */
SG_API int sg_model_ok(const sg_model *m);
/* Its status, as said above sg_compile_file; SG_EVALUE for NULL. It never changes. */
SG_API int sg_model_status(const sg_model *m);
/* The same as exit status of a command: 0; 1: the model or the options are at fault; 70: a defect
 * of symgrad, no memory, or m is NULL. */
SG_API int sg_model_fault(const sg_model *m);
/* The prefix of its C names, "perceptron"; "" if it did not compile. */
SG_API const char *sg_model_name(const sg_model *m);
/* The type of floats that say nothing, F32 or F64; NONE if it did not compile. */
SG_API sg_dtype sg_model_real(const sg_model *m);

/* Seconds of wall time that each phase took; 0 for those not done (yet). emit and compile grow with
 * each back end. */
typedef struct sg_times {
	double parse;         /* text -> graph: parse, names, types, shapes */
	double differentiate; /* every derivative taken, graph simplified */
	double emit;          /* graph -> C text */
	double compile;       /* C text -> machine code */
} sg_times;
/* Those of a model, until now; all 0 for NULL. */
SG_API sg_times sg_model_times(sg_model *m);

/* ---- diagnostics ----------------------------------------------------------------------------- */

/* A stretch of source. Lines and columns count from 1, columns in code points; the end is
 * exclusive. */
typedef struct sg_place {
	const char *file; /* NULL: no place, and then all else is 0 */
	int line, column, end_line, end_column;
} sg_place;

/* What goes with a diagnostic: a note has a place, a hint has none. */
typedef struct sg_remark {
	sg_place at; /* file NULL for a hint */
	const char *text;
} sg_remark;

/* One error or warning. All of it belongs to the model and lives as long. */
typedef struct sg_diagnostic {
	int is_error;        /* else a warning */
	const char *code;    /* "matmul-shape": ask sg_explain_code */
	const char *message; /* lower case, no full stop, shapes as the user wrote them */
	sg_place at;
	size_t nnotes, nhints;
	const sg_remark *notes; /* "'w' is [2, 10]", at its place */
	const sg_remark *hints; /* "did you mean 'x @ w.T'?" */
} sg_diagnostic;

/* How many errors and warnings the model has; 0 for NULL. */
SG_API size_t sg_model_ndiagnostics(const sg_model *m);
/* Number i of them, from 0, in the order of the source; NULL past the end. */
SG_API const sg_diagnostic *sg_model_diagnostic(const sg_model *m, size_t i);
/* All of them as text, with source line and carets; "" when there are none. Also says what else
 * went wrong (memory, a defect, an option) as a line "symgrad: error: ...". colour: with ANSI
 * escapes. Never NULL. Each time the text is made anew, in the model's memory. */
SG_API const char *sg_model_report(sg_model *m, int colour);
/* The same as one JSON array of objects with severity, code, message, file, line, column, end_line,
 * end_column and notes, on one line; "[]" when there are none. Never NULL. */
SG_API const char *sg_model_report_json(sg_model *m);
/* The long form of a code: what it means, what is wrong and what is right. NULL where there is no
 * such code. Static. */
SG_API const char *sg_explain_code(const char *code);
/* All codes, *n of them; static. NULL where n is. */
SG_API const char *const *sg_all_codes(size_t *n);

/* ---- entries --------------------------------------------------------------------------------- */

/* What an argument is for. A param is an input that training updates; nothing else tells them
 * apart. */
typedef enum sg_role { SG_ROLE_INPUT, SG_ROLE_PARAM, SG_ROLE_OUTPUT } sg_role;

/* One argument of an entry. */
typedef struct sg_argument {
	const char *name;
	sg_role role;
	sg_dtype type;
	int rank;
	const char *const *extents; /* rank texts: "N", "2*N - 1", "10" */
	const char *shape;          /* the same in one: "[N, 10]", "[]" */
	int has_default;            /* never for an output */
} sg_argument;

/* One function of the model. It belongs to the model and never changes. */
typedef struct sg_entry {
	const char *name; /* "gradient" */
	size_t ndims;
	const char *const *dims; /* dimensions that it uses, in the order of its C arguments */
	size_t ninputs, noutputs;
	const sg_argument *args; /* first the inputs and params that it uses, in the order of
	                            declaration, then the outputs: ninputs + noutputs */
} sg_entry;

/* How many entries it has; 0 for a model that did not compile, and for NULL. */
SG_API size_t sg_model_nentries(const sg_model *m);
/* Entry i, from 0, in the order of the file; NULL past the end. */
SG_API const sg_entry *sg_model_entry(const sg_model *m, size_t i);
/* The entry of this name; NULL: there is none. The name NULL: "gradient", else "forward", else the
 * first. */
SG_API const sg_entry *sg_model_find(const sg_model *m, const char *name);

/* The prototype of its C function, on one line without ';'. Functions that take a model and an
 * entry fail with SG_EMODEL where the model did not compile, SG_ENAME where the entry is another
 * model's, SG_EVALUE where one is NULL, SG_ENOMEM, SG_ESIZE, SG_EDEFECT; this one returns NULL
 * then. */
SG_API const char *sg_entry_prototype(sg_model *m, const sg_entry *e, sg_failure *why);

/* What an entry costs. */
typedef struct sg_figures {
	/* "41*N + 3", in the entry's dimensions: an addition is 1, a transcendental function 10 */
	const char *operations;
	/* of the outputs that hold no derivative: gradient's share for y; "0" */
	const char *value_operations;
	const char *work; /* bytes of workspace of its written C */
	/* the three for dims; -1 where dims is NULL and it depends on them, or if it overflows */
	int64_t noperations, nvalue_operations, nwork;
} sg_figures;
/* Fills *f. dims[e->ndims]: values of its dimensions, or NULL. Errors as for sg_entry_prototype. */
SG_API int sg_entry_figures(sg_model *m, const sg_entry *e, const int64_t *dims, sg_figures *f,
                            sg_failure *why);

/* ---- functions ------------------------------------------------------------------------------- */

/* A function of any type: cast it to the entry's prototype before the call. */
typedef void (*sg_function)(void);
/* One type for all entries: dims[ndims], args[ninputs + noutputs] in the order of sg_entry, work.
 * Scalars go by pointer too. args is read, and what inputs point at. */
typedef int (*sg_uniform)(const ptrdiff_t *dims, void *const *args, void *work);

/* The machine code of an entry, with the very signature of the written C (sg_entry_prototype): the
 * dimensions, the inputs and params, the outputs, work. It returns 0 or a negative SGRT_E* code,
 * after which the outputs are unspecified. It checks no shapes and allocates nothing, and may run
 * on many threads at once. Inputs may overlap one another; outputs overlap nothing. work has
 * sg_entry_worksize's bytes, aligned to 64, and is one thread's at a time.
 *
 * It is compiled at the first request for a back end, with all other entries of the model (the
 * JIT's first alone, and the others when a second one is asked for), and lives as long as the
 * model. For SG_BACKEND_TIERED it is the best that there is at the moment, and the C compiler is
 * started: ask again when it is through.
 *
 * NULL: as for sg_entry_prototype, or
 * SG_EBACKEND: this back end is not there, has no code (SG_BACKEND_INTERP), or the C compiler
 * failed, and then the sentence has what that said. */
SG_API sg_function sg_entry_function(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why);
/* The same by the one type that all entries share, for hosts that do not know the model. */
SG_API sg_uniform sg_entry_uniform(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why);
/* A function that writes the inputs that have a default, from the dimensions; the other args are
 * not looked at, and NULL stands for one that is not wanted. It takes the same work and returns the
 * same codes. NULL where no input has a default (then why->status is SG_OK), and on failure. */
SG_API sg_uniform sg_entry_defaults(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why);
/* Bytes of `work` that these functions need for dims[e->ndims]; 0: work may be NULL. It is enough
 * for all that the model has given out until now: ask after the function, for another one may need
 * more. Errors as for sg_entry_prototype; SG_EVALUE: a dimension is negative; SG_ESIZE: the size
 * overflows. */
SG_API int sg_entry_worksize(sg_model *m, const sg_entry *e, const int64_t *dims, size_t *bytes,
                             sg_failure *why);
/* How many threads a call (sg_call_run) on SG_BACKEND_JIT may use, the caller's counted: 1 to 256;
 * 0, as it is by itself: as many as there are cores that the process may use; else SG_EVALUE. They
 * are the model's own, start with the first call that has work for more than one, and end with the
 * model; calls with less than 256 KiB of data, and functions of sg_entry_function, stay on the
 * caller's. Results have the same bits for any number. A call that runs while another one uses the
 * threads goes on alone.
 * No call of this model may run meanwhile. */
SG_API int sg_set_threads(sg_model *m, int threads);

/* ---- calls ----------------------------------------------------------------------------------- */

/* One entry with arrays bound to its arguments. Its life: sg_call_new; bind inputs, and outputs
 * where they have a place; sg_call_run, any number of times, with new numbers in the arrays or new
 * arrays bound; sg_call_free.
 *
 * Dimensions follow from the shapes: from the inputs in order of declaration, an extent that is a
 * bare dimension binds it; then, repeatedly, one that is affine in a single unbound dimension is
 * solved for it; all others are checked. A dimension that no bound input fixes is given by
 * sg_call_set_dim. Inputs that are not bound get their default. Outputs that are not bound are
 * allocated by the call.
 *
 * Each function returns a status, and sg_call_message the sentence for the last one that was not
 * SG_OK, such as "input 'x': expected [N, 10], got [3, 9]". A failed function changes nothing else:
 * an argument keeps what was bound to it before. */
typedef struct sg_call sg_call;

/* A call of an entry, named as in sg_model_find. A back end other than SG_BACKEND_JIT may be made
 * ready here; libtcc's code is made by the first sg_call_prepare. The caller frees the result.
 *
 * NULL only without memory. Where the model is NULL (SG_EVALUE) or did not compile (its status),
 * the entry does not exist (SG_ENAME; the nearest name is in the message), or the back end is
 * missing (SG_EBACKEND), sg_call_status says so, and every function of the call returns that
 * status. */
SG_API sg_call *sg_call_new(sg_model *m, const char *entry, sg_backend b);
/* Frees it with arrays and workspace of its own. What was bound stays the caller's. */
SG_API void sg_call_free(sg_call *c);
/* The status of its making, SG_OK when the call is usable; SG_EVALUE for NULL, and once its model
 * was freed. */
SG_API int sg_call_status(const sg_call *c);
/* The sentence for the last failure; "" before any. Valid until the next function of the call. */
SG_API const char *sg_call_message(const sg_call *c);
/* Its entry; NULL when it is not usable. */
SG_API const sg_entry *sg_call_entry(const sg_call *c);
/* What SG_BACKEND_AUTO became; of a tiered call, what it ran on the last time, or will at first. */
SG_API sg_backend sg_call_backend(const sg_call *c);

/* Binds an array to an input or param. shape[rank] is copied; NULL is fine for rank 0. data is not
 * copied: it must live, and may change between runs, until the call is freed or the name bound
 * anew; it is only read. data NULL with rank 0 and SG_DTYPE_NONE unbinds: the default is back, if
 * there is one.
 *
 * SG_ENAME: no such input; the nearest name is in the message.
 * SG_ETYPE: not the declared element type; nothing is converted.
 * SG_ESHAPE: a wrong rank, a negative extent. The rest is found by sg_call_prepare, when all are
 *   known.
 * SG_EVALUE: data NULL though there are elements, or not aligned to its element; a NULL name or
 * shape.
 *
 * An input that the model has and this entry does not use is no mistake, so that one loop may bind
 * everything to every entry: SG_OK; of its shape a dimension is learned that nothing else tells. A
 * new array of the same shape costs no new preparation. Names are found by a table: binding costs
 * some ten nanoseconds, however many arguments there are. */
SG_API int sg_call_bind(sg_call *c, const char *name, sg_dtype type, int rank, const int64_t *shape,
                        const void *data);
/* Binds an array to receive an output, in place of one of the call's own; its shape must be the
 * output's, and it may overlap no input, no other output and no bound workspace, which
 * sg_call_prepare finds. Unbinding, lifetime and errors as above. */
SG_API int sg_call_bind_output(sg_call *c, const char *name, sg_dtype type, int rank,
                               const int64_t *shape, void *data);
/* The same for argument i of sg_entry.args, without a look for its name: for hosts that walk over
 * the arguments or know where each stands. Outputs are ninputs, ninputs + 1 ... SG_EVALUE: argument
 * i is no input or param, or no output; other errors as above. */
SG_API int sg_call_bind_at(sg_call *c, size_t i, sg_dtype type, int rank, const int64_t *shape,
                           const void *data);
SG_API int sg_call_bind_output_at(sg_call *c, size_t i, sg_dtype type, int rank,
                                  const int64_t *shape, void *data);
/* For hosts whose arrays have strides: is an array of this type and shape, whose neighbours along
 * axis k are strides[k] bytes apart, laid out as symgrad has it, row-major without gaps? SG_ESHAPE
 * with what was expected, such as "input 'x': expected strides of [80, 8] bytes (row-major and
 * contiguous), got [8, 240]". Strides of axes with one element, and of arrays without elements, are
 * not looked at; strides NULL: SG_OK. Nothing is bound, and the name is only what the sentence
 * calls the array. rank is at most SG_ARRAY_RANK, else SG_ESHAPE. */
SG_API int sg_call_check_strides(sg_call *c, const char *name, sg_dtype type, int rank,
                                 const int64_t *shape, const int64_t *strides);
/* Lends the call a workspace: `bytes` bytes at `work`, aligned to 64, which stay the caller's and
 * must live until the call is freed or another one is lent. Several calls may share one if they do
 * not run at the same time. NULL, as it is by itself: the call has its own. SG_EVALUE: not aligned;
 * whether it is large enough, sg_call_prepare says. A tiered call for whose better code it is too
 * small stays with the first. */
SG_API int sg_call_bind_work(sg_call *c, void *work, size_t bytes);
/* *bytes becomes what the call needs of workspace for what is bound to it; 0 with
 * SG_BACKEND_INTERP. Fails as sg_call_prepare does where dimensions or inputs are missing;
 * SG_EVALUE: bytes NULL. */
SG_API int sg_call_worksize(sg_call *c, size_t *bytes);
/* Gives a dimension its value, >= 0. -1 takes it back. If shapes give it too, they must agree,
 * which sg_call_prepare finds. SG_ENAME: the model has no such dimension; SG_EVALUE: below -1, or
 * name NULL. */
SG_API int sg_call_set_dim(sg_call *c, const char *name, int64_t value);

/* Binds inputs that are neither bound nor have a default to random numbers, which the call keeps:
 * floats in [0.1, 0.9), integers and bool 0 or 1. The same seed gives the same numbers. SG_EMISSING
 * where a dimension has no value yet, SG_ESHAPE, SG_ENOMEM. */
SG_API int sg_call_make_up(sg_call *c, uint64_t seed);

/* Finds the dimensions, checks all shapes and the model's own conditions on dimensions, makes the
 * machine code where nobody has asked for it, allocates outputs and workspace, fills defaults.
 * sg_call_run does this by itself after a binding has changed; call it to see shapes
 * (sg_call_array) and errors before, or to have nothing allocated and compiled in the first run.
 *
 * SG_EMISSING: an input without a default is not bound, or a dimension follows from nothing.
 * SG_ESHAPE: "input 'b': expected [N, 2] with N = 3, got [4, 2]".
 * SG_EVALUE: "output 'y' overlaps input 'x': ..."; a workspace that was lent is too small.
 * SG_EBACKEND: the code can't be made. SG_ENOMEM, SG_ESIZE; or a run-time code from a default. */
SG_API int sg_call_prepare(sg_call *c);
/* Computes. After SG_OK the outputs hold the values; after any other status they are unspecified.
 * Calls that are prepared allocate nothing (but for SG_BACKEND_INTERP) and take some ten
 * nanoseconds beside the raw function. Any number of calls of one model may run at a time, each on
 * a thread of its own.
 *
 * Statuses of sg_call_prepare, or a negative SGRT_E* code of the computation,
 * whose sentence is sg_call_message. */
SG_API int sg_call_run(sg_call *c);

/* After sg_call_run has failed with a negative code: computes once more by the reference evaluator,
 * which is slow, and knows where it fails. sg_call_message then tells the place too, as "an index
 * is out of range, at gather.sg:4:9", and that code is returned. SG_ESIZE: it would take more than
 * `most` operations (sg_figures); a thousand of them take some microseconds. SG_OK: the evaluator
 * did not fail. In these cases, and in those of sg_call_prepare, the message stays as it was. The
 * outputs are unspecified. */
SG_API int sg_call_locate(sg_call *c, int64_t most);

#define SG_ARRAY_RANK 16 /* the highest rank of an array */

/* An array as the call has it. */
typedef struct sg_array {
	const char *name;
	sg_dtype type;
	int rank;
	int64_t shape[SG_ARRAY_RANK]; /* the first `rank` of them */
	int64_t count;                /* of elements */
	void *data; /* the caller's where bound, else the call's. Of inputs: only read. */
} sg_array;

/* Argument i of sg_entry.args. Inputs that nobody bound show their defaults. The pointer, and data
 * where it is the call's, are valid until the next binding or free; outputs of the call's own are
 * overwritten by each run. NULL while the call is not prepared (before the first sg_call_prepare or
 * sg_call_run, and after a binding has changed what they found), and past the end. */
SG_API const sg_array *sg_call_array(const sg_call *c, size_t i);
/* The same by name, of an input or param and of an output; NULL also for an unknown name. */
SG_API const sg_array *sg_call_input(const sg_call *c, const char *name);
SG_API const sg_array *sg_call_output(const sg_call *c, const char *name);
/* Values of the entry's dimensions, in the order of sg_entry.dims; NULL while the call is not
 * prepared. */
SG_API const int64_t *sg_call_dims(const sg_call *c);

/* ---- text products --------------------------------------------------------------------------- */

/* All return NULL on failure: SG_EMODEL, SG_EVALUE, SG_ENOMEM, SG_ESIZE, SG_EDEFECT, and what else
 * they say. Texts live as long as the model; each call makes its text anew.
 *
 * The C of all entries. header: the name that the C file includes for its header, "perceptron.h";
 * NULL: PREFIX.h; SG_EVALUE where it can't stand between quotes. standalone: the runtime routines
 * that it needs are in the text, and no header of ours is included. The result is the .c text; *h
 * (h may be NULL) gets the .h text. */
SG_API const char *sg_write_c(sg_model *m, const char *header, int standalone, const char **h,
                              sg_failure *why);

/* Whether the values of params are part of the C. Of a param that an entry takes a derivative with
 * respect to, the value is what NAME_ENTRY_defaults gives, and it stays an argument; all other
 * params are no arguments of the entry any more. */
typedef enum sg_weights {
	SG_WEIGHTS_NONE,   /* no: params are arguments */
	SG_WEIGHTS_INLINE, /* as constants of the C */
	SG_WEIGHTS_EXTERN  /* as arrays PREFIX_PARAM: declared in the header, defined in "_weights.c" */
} sg_weights;

/* An array by the name of what it is for. Read during the call alone. */
typedef struct sg_value {
	const char *name;
	sg_dtype type;
	int rank;
	const int64_t *shape;
	const void *data;
} sg_value;

/* How the files are written. All zero is the default. */
typedef struct sg_c_options {
	const char *header; /* as for sg_write_c */
	int standalone;     /* so */
	int split;          /* a .c file for each entry, which needs none of the others */
	int alone;          /* no header, neither written nor included: standalone C to be compiled at
	                       once (sg_build_c) */
	/* Params of fixed shape, all that an entry uses; those that are not among the values have their
	 * default. Else NULL is returned, with SG_ENAME: no such param; SG_ETYPE, SG_ESHAPE: not the
	 * declared one, or not fixed; SG_EMISSING: neither value nor default. */
	sg_weights weights;
	size_t nvalues;
	const sg_value *values;
} sg_c_options;

/* One of the files. It belongs to the model. */
typedef struct sg_written {
	const char *tail; /* of the file's name, behind the model's: ".h", ".c", "_gradient.c" */
	const char *text;
} sg_written;

/* The C as the files that it is written to: *n of them, the header first. With split each entry has
 * its own, "_ENTRY.c", and ".c" has the description of the module, if one is written; the header
 * is the same as without. options may be NULL, n not: SG_EVALUE. */
SG_API const sg_written *sg_write_files(sg_model *m, const sg_c_options *options, size_t *n,
                                        sg_failure *why);
/* The default of a param, by the reference evaluator. a->data belongs to the model. SG_ENAME: there
 * is no such param; SG_EMISSING: it has none, or one that depends on a dimension; SG_ESHAPE: its
 * shape is not fixed; or a run-time code. */
SG_API int sg_param_default(sg_model *m, const char *name, sg_array *a, sg_failure *why);
/* C text compiled by the system's C compiler into an object file, or a shared object where
 * `shared`; openmp: with its flag for OpenMP, where it has one. Written beside and renamed. Returns
 * a status, SG_EFILE with what the compiler said. */
SG_API int sg_build_c(const char *text, const char *path, int shared, int openmp, sg_failure *why);
/* The model after differentiation as .sg text that compiles again to the same numbers. */
SG_API const char *sg_write_sg(sg_model *m, sg_failure *why);
/* The derivatives, simplified for people to read: a model as .sg text that compiles again; or, as
 * LaTeX and for an expression, a line for each output, "d_x = ..." where there are several. */
SG_API const char *sg_write_diff(sg_model *m, int latex, sg_failure *why);
/* The graph after all passes, one node a line, for who works on symgrad. */
SG_API const char *sg_write_ir(sg_model *m, sg_failure *why);
/* An entry (NULL: all of them) as a picture, in the language of Graphviz' dot: values with their
 * formulas, loop nests as boxes, shapes on edges. */
SG_API const char *sg_write_dot(sg_model *m, const sg_entry *e, sg_failure *why);
/* The same drawn, as "svg", "png" or what else Graphviz writes: *size bytes, which live as long as
 * the model. SG_EBACKEND where this build has no Graphviz, its library is not there, or it has no
 * such format. One picture is drawn at a time. */
SG_API const void *sg_write_picture(sg_model *m, const sg_entry *e, const char *format,
                                    size_t *size, sg_failure *why);
/* The standalone C of all entries, compiled by the system's C compiler (SYMGRAD_CC, else cc) into
 * the file `path`: an object file, or a shared object where `shared`. Written beside and renamed,
 * so that the file is whole or as it was. Returns a status: SG_EFILE where there is no compiler, it
 * failed (the sentence has what it said), or the file can't be written; else as above. */
SG_API int sg_write_binary(sg_model *m, const char *path, int shared, sg_failure *why);

/* A text in canonical form (a file, "-": standard input; or a string, name as in
 * sg_compile_string): the same tokens and comments, other spaces and line breaks, so that
 * formatting it again changes nothing. *text belongs to the result, which the caller frees; NULL
 * where the text does not parse, which the diagnostics of the result say: it is no model to compute
 * with, and sg_model_ok of it is 0. *changed (may be NULL): does *text differ? NULL only when there
 * is no memory for the result. */
SG_API sg_model *sg_format_file(const char *path, const char **text, int *changed);
SG_API sg_model *sg_format_string(const char *name, const char *text, size_t size,
                                  const char **result, int *changed);

/* ---- the cache ------------------------------------------------------------------------------- */

/* What the C compiler made for SG_BACKEND_CC and SG_BACKEND_TIERED is kept in the folder
 * $XDG_CACHE_HOME/symgrad, else ~/.cache/symgrad, under a name made from the text, the options, the
 * compiler and the processor. Any number of processes may use it at once; a damaged entry is made
 * anew; beyond the bound ($SYMGRAD_CACHE_MIB, else 256 MiB; 0: nothing is kept) the entries unused
 * for longest go. A folder that is a link, or that others may write to, is not used. */
typedef struct sg_cache_state {
	char folder[4096]; /* "": the environment names none */
	int64_t entries, bytes;
	int64_t bound; /* on bytes */
} sg_cache_state;

/* How full it is. SG_EFILE: it can't be used; SG_EVALUE: s NULL. */
SG_API int sg_cache_show(sg_cache_state *s, sg_failure *why);
/* Removes all entries, and what processes that were killed left there; nothing else. *s says how
 * much went. SG_EFILE: not all could be removed. */
SG_API int sg_cache_empty(sg_cache_state *s, sg_failure *why);

/* ---- the gradient check ---------------------------------------------------------------------- */

/* One comparison: an output, held against the same computed in another way. */
typedef struct sg_check_row {
	const char *entry, *output;
	const char *against; /* "finite differences", "forward mode", "reverse mode", "interp" */
	double error;        /* largest abs(a - b) / max(abs(a), abs(b), scale of the array) */
	double limit;        /* what is tolerated */
	int ok;              /* error <= limit */
	int64_t at;          /* flat index of the worst element; -1: the output is empty, or a
	                      * derivative within it was compared */
	double is, expected; /* there */
} sg_check_row;

/* All comparisons of a check. */
typedef struct sg_report {
	size_t nrows;
	const sg_check_row *rows; /* worst first */
	int ok;                   /* all of them */
	void *memory;             /* of sg_report_free */
} sg_report;

/* Proves the derivatives of one entry at the data of a call: every output that is a derivative is
 * compared with finite differences (central, Richardson-extrapolated, in f64) and, where that can
 * be had, with the other mode of differentiation; and every output of the call's back end with the
 * reference evaluator. Inputs neither bound nor with a default get random numbers from `seed`, and
 * dimensions that nothing fixes are set to small ones. The call stays as it is. Returns SG_OK when
 * the check could be made, whatever it found; else a status of sg_call_run, or SG_EVALUE for a
 * NULL, and *report is all zero. The caller gives the report to sg_report_free. */
SG_API int sg_check(sg_call *c, uint64_t seed, sg_report *report, sg_failure *why);
/* Frees what the report holds and makes it all zero; the struct is the caller's. Its rows are there
 * until then, also when the call is gone; the names in them belong to the model. */
SG_API void sg_report_free(sg_report *report);

/* ---- numbers and names as text --------------------------------------------------------------- */

#define SG_NUMBER_SIZE 32 /* room for any number and its NUL */

/* The shortest digits that read back to the same number: "0.1", "3", "1e-07", "nan", "-inf"; where
 * f32 is not 0, to the same float. In no locale. Returns out, NULL too. */
SG_API char *sg_number_text(char out[SG_NUMBER_SIZE], double v, int f32);
/* Reads all of text[size], a decimal or hexadecimal number, correctly rounded; beyond the largest
 * double it is infinite. Knows no "inf" and "nan". 1 with *v, or 0 where it is no number. */
SG_API int sg_number_read(const char *text, size_t size, double *v);
/* The one of n names that a misspelt one was meant to be, by the edits between them; NULL where
 * none is near. */
SG_API const char *sg_nearest_name(const char *name, const char *const *names, size_t n);

#ifdef __cplusplus
}
#endif

#endif
