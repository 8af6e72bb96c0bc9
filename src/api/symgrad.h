/* symgrad.h - tensor expressions and their derivatives, compiled: the library.
 *
 * Text of the .sg language goes in; out come functions that compute its entries (values, gradients,
 * Hessians ...), as machine code in this process, as C text, or evaluated by a slow reference
 * evaluator.
 *
 *     sg_model *m = sg_compile_file("perceptron.sg", NULL);
 *     if (!sg_model_ok(m))
 *             fputs(sg_model_report(m, 0), stderr);
 *     sg_call *c = sg_call_new(m, "gradient", SG_BACKEND_AUTO);
 *     sg_call_bind(c, "x", SG_DTYPE_F32, 2, (int64_t[]){100, 10}, x);
 *     if (sg_call_run(c) != SG_OK)
 *             fputs(sg_call_message(c), stderr);
 *     const float *loss = sg_call_output(c, "loss")->data;
 *     sg_call_free(c);
 *     sg_model_free(m);
 *
 * What holds for all of it:
 * - Errors are values. Nothing here prints, exits, aborts, raises a signal or keeps global state.
 *   A function that fails has changed nothing; what it would have given is NULL, 0 or as it was.
 * - Names of files, models and dimensions are UTF-8, and strings end in NUL. Texts that a function
 *   returns belong to the object it was asked of and live as long as that; never free them.
 * - Arrays are row-major and contiguous. f32 is float, f64 double, i32 int32_t, i64 int64_t, bool
 *   uint8_t (0 or 1). Scalars are arrays of rank 0.
 * - A model does not change once it is made: any number of threads may use one model at a time.
 * What a model makes on demand (machine code, texts) it makes once, behind a lock of its own. A
 * call object belongs to one thread at a time; give each thread its own.
 * - NULL is looked for: where an object, a name or an array is expected, the answer is SG_EVALUE with
 *   a sentence that says which, or NULL or 0 from what returns no status. The _free functions take
 *   it and do nothing.
 *
 * What is not checked, because the check would cost more than the call: what is handed to a raw
 * function (sg_entry_function, sg_entry_uniform, sg_entry_defaults) - too few elements, wrong
 * dimensions, arrays that overlap, a work that is too small or not aligned; memory that was freed
 * while it was bound; two threads in one call object; and an object after its own _free. All of these
 * are undefined. */
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

typedef enum sg_dtype {
	SG_DTYPE_NONE, /* no type: "as the file says" */
	SG_DTYPE_F32,
	SG_DTYPE_F64,
	SG_DTYPE_I32,
	SG_DTYPE_I64,
	SG_DTYPE_BOOL
} sg_dtype;

SG_API const char *sg_dtype_name(sg_dtype t); /* "f32"; "none" */
SG_API size_t sg_dtype_size(sg_dtype t);      /* bytes of one element; 0 for none */

/* Where the numbers come from. */
typedef enum sg_backend {
	SG_BACKEND_AUTO, /* jit; where this build has no libtcc: cc; without a C compiler: interp */
	SG_BACKEND_JIT,  /* libtcc: machine code in about a millisecond */
	SG_BACKEND_CC, /* the system's C compiler ($SYMGRAD_CC, else cc) at -O3, kept in the user's
	                  cache */
	SG_BACKEND_INTERP, /* the reference evaluator: slow, obvious, always there */
	SG_BACKEND_LATER,  /* for sg_options: no machine code until somebody asks */
	/* jit at once (where this build has no libtcc: interp), and cc as soon as that is ready: the
	 * model's first tiered call starts the C compiler in the background, and each call goes over
	 * to its code the next time it runs. Results may differ in their last bits from then on.
	 * Without a C compiler it stays with the first. See sg_model_settle. */
	SG_BACKEND_TIERED
} sg_backend;

SG_API int sg_have_jit(void); /* was this build made with libtcc? */

/* What most functions return. Positive: the request can't be met. Negative: the computation itself
 * failed at run time, with a code SGRT_E* of symgrad_runtime.h. */
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

/* One sentence about a status, run-time codes included; never NULL. Lower case, no full stop. */
SG_API const char *sg_strerror(int status);

/* Why a function of a model failed. The caller owns it; it holds no memory. */
typedef struct sg_failure {
	int status;      /* as the function's; SG_OK when it succeeded */
	char text[1024]; /* a sentence, cut short with "..." where it is longer; "" when it
	                    succeeded */
} sg_failure;

/* "0.1.0" */
SG_API const char *sg_version(void);

/* ---- compiling ------------------------------------------------------------------------------- */

typedef struct sg_fixed_dim {
	const char *name;
	int64_t value; /* >= 0 */
} sg_fixed_dim;

/* How others call the C that is written. */
typedef enum sg_convention {
	SG_CONVENTION_OWN, /* one function an entry, with the signature of sg_entry_prototype */
	/* What CasADi's external() loads, and with it acados and others: PREFIX_ENTRY with its
	 * _n_in, _sparsity_out, _work ... and, for the derivatives, jac_PREFIX_ENTRY. All dimensions
	 * are fixed, else the model does not compile. The model has an entry jac_ENTRY for each of the
	 * others then. It bears on sg_write_c and sg_write_binary alone. */
	SG_CONVENTION_CASADI
} sg_convention;

/* Steps of training that are written beside an entry with outputs grad_P, where P is an input or param:
 * PREFIX_ENTRY_sgd and so on update each P in place, as torch.optim does; the header that is written says
 * what they take. */
typedef enum sg_step { SG_STEP_SGD = 1, SG_STEP_MOMENTUM = 2, SG_STEP_ADAM = 4, SG_STEP_ADAMW = 8 } sg_step;

/* All zero is the default for everything. Read during the call alone. */
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

typedef struct sg_model sg_model;

/* Compile a file ("-": standard input), a text (name is what messages call it; size < 1 GiB), or
 * one expression. options may be NULL. The result is a model even where the source is wrong: ask
 * sg_model_ok. NULL only when there is no memory for the model object itself. */
SG_API sg_model *sg_compile_file(const char *path, const sg_options *options);
SG_API sg_model *sg_compile_string(const char *name, const char *text, size_t size,
                                   const sg_options *options);
/* Free names of the expression are scalar inputs. Without wrt: entry "eval" with output "value" (of
 * a tuple: value_0, value_1 ...). With wrt[nwrt]: entry "diff" with one output d_NAME for each. */
SG_API sg_model *sg_compile_expr(const char *expr, size_t nwrt, const char *const *wrt,
                                 const sg_options *options);
/* Frees the model with all that belongs to it: texts, entries, diagnostics, machine code. No other
 * thread may use it, a call of it, or a function of it at that time. A C compiler that still runs for
 * it in the background is ended first. Calls of it may be there still: each function of theirs returns
 * SG_EVALUE ("the model of this call was freed") or NULL from then on, and they are to be freed as
 * always, in any order. m NULL: nothing is done. */
SG_API void sg_model_free(sg_model *m);
/* Waits until the model does nothing in the background any more. SG_OK: no tiered call was run, or
 * their next runs use the code of the C compiler. SG_EBACKEND, SG_ENOMEM ...: there is none, and they
 * stay with what they have; *why (which may be NULL) says why. */
SG_API int sg_model_settle(sg_model *m, sg_failure *why);

SG_API int sg_model_ok(const sg_model *m); /* 1: compiled, though there may be warnings */
/* SG_OK, or SG_EMODEL (the source or an option is at fault), SG_ENOMEM, SG_ESIZE, SG_EDEFECT. */
SG_API int sg_model_status(const sg_model *m);
/* The same as exit status of a command: 0, 1 the model is at fault, 70 a defect or no memory. */
SG_API int sg_model_fault(const sg_model *m);
SG_API const char *
sg_model_name(const sg_model *m); /* C prefix, "perceptron"; "" if it did not compile */
SG_API sg_dtype sg_model_real(const sg_model *m); /* NONE if it did not compile */

/* Seconds that each phase took; 0 for those not done (yet). emit and compile grow with each back
 * end. */
typedef struct sg_times {
	double parse;         /* text -> graph: parse, names, types, shapes */
	double differentiate; /* every derivative taken, graph simplified */
	double emit;          /* graph -> C text */
	double compile;       /* C text -> machine code */
} sg_times;
SG_API sg_times sg_model_times(sg_model *m);

/* ---- diagnostics ----------------------------------------------------------------------------- */

/* A stretch of source. Lines and columns count from 1, columns in code points; the end is
 * exclusive. */
typedef struct sg_place {
	const char *file; /* NULL: no place, and then all else is 0 */
	int line, column, end_line, end_column;
} sg_place;

typedef struct sg_remark {
	sg_place at; /* file NULL for a hint */
	const char *text;
} sg_remark;

typedef struct sg_diagnostic {
	int is_error;     /* else a warning */
	const char *code; /* "matmul-shape": ask sg_explain_code */
	const char *message;
	sg_place at;
	size_t nnotes, nhints;
	const sg_remark *notes; /* "'w' is [2, 10]", at its place */
	const sg_remark *hints; /* "did you mean 'x @ w.T'?" */
} sg_diagnostic;

/* Errors and warnings, in the order of the source. */
SG_API size_t sg_model_ndiagnostics(const sg_model *m);
SG_API const sg_diagnostic *sg_model_diagnostic(const sg_model *m,
                                                size_t i); /* NULL past the end */
/* All of them as text, with source line and carets; "" when there are none. Also says what else
 * went wrong (memory, a defect) as a line "symgrad: error: ...". colour: with ANSI escapes. Never
 * NULL. */
SG_API const char *sg_model_report(sg_model *m, int colour);
/* The same as one JSON array; "[]" when there are none. */
SG_API const char *sg_model_report_json(sg_model *m);
/* The long form of a code, or NULL where there is no such code. */
SG_API const char *sg_explain_code(const char *code);
/* All codes, n of them. */
SG_API const char *const *sg_all_codes(size_t *n);

/* ---- entries --------------------------------------------------------------------------------- */

typedef enum sg_role { SG_ROLE_INPUT, SG_ROLE_PARAM, SG_ROLE_OUTPUT } sg_role;

typedef struct sg_argument {
	const char *name;
	sg_role role;
	sg_dtype type;
	int rank;
	const char *const *extents; /* rank texts: "N", "2*N - 1", "10" */
	const char *shape;          /* the same in one: "[N, 10]", "[]" */
	int has_default;            /* never for an output */
} sg_argument;

/* One function of the model. */
typedef struct sg_entry {
	const char *name; /* "gradient" */
	size_t ndims;
	const char *const *dims; /* dimensions that it uses, in the order of its C arguments */
	size_t ninputs, noutputs;
	const sg_argument *args; /* first the inputs and params that it uses, in the order of
	                            declaration, then the outputs: ninputs + noutputs */
} sg_entry;

/* 0 and NULL for a model that did not compile. */
SG_API size_t sg_model_nentries(const sg_model *m);
SG_API const sg_entry *sg_model_entry(const sg_model *m, size_t i); /* NULL past the end */
/* By name; NULL: none of this name. The name NULL: "gradient", else "forward", else the first. */
SG_API const sg_entry *sg_model_find(const sg_model *m, const char *name);

/* The prototype of its C function, on one line without ';'. NULL with *why (which may be NULL). */
SG_API const char *sg_entry_prototype(sg_model *m, const sg_entry *e, sg_failure *why);

/* What an entry costs. dims[e->ndims] are values of its dimensions, or NULL. */
typedef struct sg_figures {
	const char *operations; /* "41*N + 3": an addition is 1, a transcendental function 10 */
	const char *value_operations; /* of the outputs that hold no derivative: gradient's share
	                                 for y; "0" */
	const char *work;             /* bytes of workspace */
	int64_t noperations, nvalue_operations, nwork; /* for dims; -1 where dims is NULL and it
	                                                  depends on them, or where it overflows */
} sg_figures;
SG_API int sg_entry_figures(sg_model *m, const sg_entry *e, const int64_t *dims, sg_figures *f,
                            sg_failure *why);

/* ---- functions ------------------------------------------------------------------------------- */

/* A function of any type: cast it to the entry's prototype before the call. */
typedef void (*sg_function)(void);
/* One type for all entries: dims[ndims], args[ninputs + noutputs] in the order of sg_entry, work.
 */
typedef int (*sg_uniform)(const ptrdiff_t *dims, void *const *args, void *work);

/* The machine code of an entry, with the very signature of the written C (sg_entry_prototype): it
 * is compiled at the first request for a back end, with all other entries of the model. It returns
 * 0 or a negative SGRT_E* code, checks no shapes, allocates nothing, and may run on many threads at
 * once. Lives as long as the model. NULL with *why (which may be NULL); so for SG_BACKEND_INTERP,
 * which has no code. For SG_BACKEND_TIERED it is the best that there is at the moment, and the C
 * compiler is started: ask again when it is through. */
SG_API sg_function sg_entry_function(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why);
SG_API sg_uniform sg_entry_uniform(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why);
/* How many threads a call (sg_call_run) on SG_BACKEND_JIT may use, the caller's counted; 0, as it is
 * by itself: as many as there are cores; 256 at most, else SG_EVALUE. They are the model's own, start
 * with the first call that has work for more than one, and end with the model; calls with less than
 * 256 KiB of data, and functions of sg_entry_function, stay on the caller's. Results have the same
 * bits for any number. A call that runs while another one uses the threads goes on alone. No call of
 * this model may run. */
SG_API int sg_set_threads(sg_model *m, int threads);
/* Writes the inputs that have a default, from the dimensions; their other args are not looked at,
 * and NULL stands for one that is not wanted. NULL where no input has a default, and on failure. */
SG_API sg_uniform sg_entry_defaults(sg_model *m, const sg_entry *e, sg_backend b, sg_failure *why);
/* Bytes of `work` that they need, aligned to 64, for dims[e->ndims]; 0: work may be NULL. */
SG_API int sg_entry_worksize(sg_model *m, const sg_entry *e, const int64_t *dims, size_t *bytes,
                             sg_failure *why);

/* ---- calls ----------------------------------------------------------------------------------- */

/* One entry with arrays bound to its arguments by name. Dimensions follow from the shapes: from the
 * inputs in order of declaration, an extent that is a bare dimension binds it; then, repeatedly,
 * one that is affine in a single unbound dimension is solved for it; all others are checked. A
 * dimension that no bound input fixes is given by sg_call_set_dim. Inputs that are not bound get
 * their default. Outputs that are not bound are allocated by the call.
 *
 * Each function returns a status, and sg_call_message the sentence for the last one that was not
 * SG_OK, such as "input 'x': expected [N, 10], got [3, 9]". A failed function changes nothing else.
 */
typedef struct sg_call sg_call;

/* entry: as in sg_model_find. NULL only without memory: where the entry does not exist, the back end
 * is missing, the model did not compile or is NULL, sg_call_status says so, and every function of the
 * call returns that status. */
SG_API sg_call *sg_call_new(sg_model *m, const char *entry, sg_backend b);
SG_API void sg_call_free(sg_call *c);
SG_API int sg_call_status(const sg_call *c); /* of its making: SG_OK when the call is usable */
SG_API const char *sg_call_message(const sg_call *c);   /* "" before any failure */
SG_API const sg_entry *sg_call_entry(const sg_call *c); /* NULL when it is not usable */
/* What AUTO became; of a tiered call, what it ran on the last time, or will at first. */
SG_API sg_backend sg_call_backend(const sg_call *c);

/* Binds an input or param. shape[rank] is copied; NULL is fine for rank 0. data is not copied: it
 * must live, and may change, until the call is freed or the name bound anew. data NULL with rank 0
 * and SG_DTYPE_NONE unbinds.
 * SG_ENAME: no such input; the nearest name is in the message.
 * SG_ETYPE: not the declared element type; nothing is converted.
 * SG_ESHAPE: a wrong rank, a negative extent. The rest is found by sg_call_prepare, when all are
 *   known.
 * SG_EVALUE: data NULL though there are elements, or not aligned to its element; a NULL name or shape.
 * Inputs that the model has but this entry does not use: SG_OK; of their shapes a dimension is learned
 * that nothing else tells. A new array of the same shape costs no new preparation. */
SG_API int sg_call_bind(sg_call *c, const char *name, sg_dtype type, int rank, const int64_t *shape,
                        const void *data);
/* Binds an array to receive an output; its shape must be the output's, and it may overlap no input,
 * no other output and no bound workspace, which sg_call_prepare finds. Errors as above. */
SG_API int sg_call_bind_output(sg_call *c, const char *name, sg_dtype type, int rank,
                               const int64_t *shape, void *data);
/* The same for argument i of sg_entry.args, without a look for its name. SG_EVALUE: argument i is no
 * input or param, or no output. */
SG_API int sg_call_bind_at(sg_call *c, size_t i, sg_dtype type, int rank, const int64_t *shape,
                           const void *data);
SG_API int sg_call_bind_output_at(sg_call *c, size_t i, sg_dtype type, int rank,
                                  const int64_t *shape, void *data);
/* For hosts whose arrays have strides: is an array of this type and shape, whose neighbours along axis k
 * are strides[k] bytes apart, laid out as symgrad has it, row-major without gaps? SG_ESHAPE with what
 * was expected, such as "input 'x': expected strides of [80, 8] bytes (row-major and contiguous), got
 * [8, 240]". Strides of axes with one element, and of arrays without elements, are not looked at;
 * strides NULL: SG_OK. Nothing is bound. rank <= SG_ARRAY_RANK. */
SG_API int sg_call_check_strides(sg_call *c, const char *name, sg_dtype type, int rank,
                                 const int64_t *shape, const int64_t *strides);
/* Lends the call a workspace: `bytes` bytes at `work`, aligned to 64, which stay the caller's and must
 * live until the call is freed or another one is lent. Several calls may share one if they do not run
 * at the same time. NULL, as it is by itself: the call has its own. SG_EVALUE: not aligned; whether it
 * is large enough, sg_call_prepare says. A tiered call for whose better code it is too small stays with
 * the first. */
SG_API int sg_call_bind_work(sg_call *c, void *work, size_t bytes);
/* How many bytes of workspace the call needs for what is bound to it; 0 with SG_BACKEND_INTERP. Fails
 * as sg_call_prepare does where dimensions or inputs are missing. */
SG_API int sg_call_worksize(sg_call *c, size_t *bytes);
/* Gives a dimension its value, >= 0. -1 takes it back. If shapes give it too, they must agree. */
SG_API int sg_call_set_dim(sg_call *c, const char *name, int64_t value);

/* Binds inputs that are neither bound nor have a default to random numbers, which the call keeps:
 * floats in [0.1, 0.9), integers and bool 0 or 1. The same seed gives the same numbers. SG_EMISSING
 * where a dimension has no value yet, SG_ESHAPE, SG_ENOMEM. */
SG_API int sg_call_make_up(sg_call *c, uint64_t seed);

/* Finds the dimensions, checks all shapes and the model's own conditions on dimensions, allocates
 * outputs and workspace, fills defaults. sg_call_run does this by itself after a binding has
 * changed; when nothing has, it costs some ten nanoseconds beside the raw function.
 * SG_EMISSING: an input without a default is not bound, or a dimension follows from nothing.
 * SG_ESHAPE: "input 'b': expected [N, 2] with N = 3, got [4, 2]".
 * SG_EVALUE: "output 'y' overlaps input 'x': ..."; a workspace that was lent is too small.
 * SG_ENOMEM, SG_ESIZE; or a run-time code from a default. */
SG_API int sg_call_prepare(sg_call *c);
/* Computes. After SG_OK the outputs hold the values; after any other status they are unspecified. Calls
 * that are prepared allocate nothing (but for SG_BACKEND_INTERP). Any number of calls of one model may
 * run at a time, each on a thread of its own. Statuses of sg_call_prepare, or a negative SGRT_E* code
 * of the computation, whose sentence is sg_call_message. */
SG_API int sg_call_run(sg_call *c);

#define SG_ARRAY_RANK 16 /* the highest rank of an array */

typedef struct sg_array {
	const char *name;
	sg_dtype type;
	int rank;
	int64_t shape[SG_ARRAY_RANK];
	int64_t count; /* of elements */
	void *data;    /* the caller's where bound, else the call's; valid until the next binding or
	                  free */
} sg_array;

/* Valid once the call is prepared; NULL before, and for an unknown name. Inputs that nobody bound
 * show their defaults. i counts as in sg_entry.args. */
SG_API const sg_array *sg_call_array(const sg_call *c, size_t i);
SG_API const sg_array *sg_call_input(const sg_call *c, const char *name);
SG_API const sg_array *sg_call_output(const sg_call *c, const char *name);
/* Values of the entry's dimensions, in the order of sg_entry.dims; NULL before the call is
 * prepared. */
SG_API const int64_t *sg_call_dims(const sg_call *c);

/* ---- text products --------------------------------------------------------------------------- */

/* All return NULL with *why (which may be NULL) on failure. Texts live as long as the model. */

/* The C of all entries. header: the name that the C file includes for its header, "perceptron.h";
 * NULL: PREFIX.h. standalone: the runtime routines that it needs are in the text, and no header of
 * ours is included. The result is the .c text; *h (h may be NULL) gets the .h text. */
SG_API const char *sg_write_c(sg_model *m, const char *header, int standalone, const char **h,
                              sg_failure *why);

/* How the files are written. All zero is the default. */
typedef struct sg_c_options {
	const char *header; /* as for sg_write_c */
	int standalone;     /* so */
	int split;          /* a .c file for each entry, which needs none of the others */
	int alone;          /* no header, neither written nor included: standalone C to be compiled at
	                       once (sg_build_c) */
} sg_c_options;

typedef struct sg_written {
	const char *tail; /* of the file's name, behind the model's: ".h", ".c", "_gradient.c" */
	const char *text;
} sg_written;

/* The C as the files that it is written to: *n of them, the header first. With split each entry has
 * its own, "_ENTRY.c", and ".c" has the description of the module, if one is written; the header
 * is the same as without. options may be NULL, n not. */
SG_API const sg_written *sg_write_files(sg_model *m, const sg_c_options *options, size_t *n,
                                        sg_failure *why);
/* C text compiled by the system's C compiler into an object file, or a shared object where `shared`;
 * openmp: with its flag for OpenMP, where it has one. Written beside and renamed. Returns a status,
 * SG_EFILE with what the compiler said. */
SG_API int sg_build_c(const char *text, const char *path, int shared, int openmp, sg_failure *why);
/* The model after differentiation as .sg text that compiles again to the same numbers. */
SG_API const char *sg_write_sg(sg_model *m, sg_failure *why);
/* The derivatives, simplified for people to read: a model as .sg text that compiles again; or, as
 * LaTeX and for an expression, a line for each output, "d_x = ..." where there are several. */
SG_API const char *sg_write_diff(sg_model *m, int latex, sg_failure *why);
/* The graph, one node a line. */
SG_API const char *sg_write_ir(sg_model *m, sg_failure *why);
/* An entry (NULL: all of them) as a picture, in the language of Graphviz' dot: values with their
 * formulas, loop nests as boxes, shapes on edges. */
SG_API const char *sg_write_dot(sg_model *m, const sg_entry *e, sg_failure *why);
/* The same drawn, as "svg", "png" or what else Graphviz writes: *size bytes. SG_EBACKEND where this
 * build has no Graphviz, or that has no such format. */
SG_API const void *sg_write_picture(sg_model *m, const sg_entry *e, const char *format,
                                    size_t *size, sg_failure *why);
/* The standalone C of all entries, compiled by the system's C compiler into the file `path`: an
 * object file, or a shared object where `shared`. Written beside and renamed. Returns a status. */
SG_API int sg_write_binary(sg_model *m, const char *path, int shared, sg_failure *why);

/* A text in canonical form (a file, "-": standard input; or a string, name as in
 * sg_compile_string): the same tokens and comments, other spaces and line breaks, so that formatting
 * it again changes nothing. *text belongs to the result; NULL where the text does not parse, which
 * the diagnostics of the result say: it is no model to compute with, and sg_model_ok of it is 0.
 * *changed (may be NULL): does *text differ? NULL only when there is no memory for the result. */
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

/* How full it is. SG_EFILE with *why (which may be NULL): it can't be used. */
SG_API int sg_cache_show(sg_cache_state *s, sg_failure *why);
/* Removes all entries, and what processes that were killed left there; nothing else. *s says how
 * much went. SG_EFILE: not all could be removed. */
SG_API int sg_cache_empty(sg_cache_state *s, sg_failure *why);

/* ---- the gradient check ---------------------------------------------------------------------- */

typedef struct sg_check_row {
	const char *entry, *output;
	const char *against; /* "finite differences", "forward mode", "reverse mode", "interp" */
	double error;        /* largest abs(a - b) / max(abs(a), abs(b), scale of the array) */
	double limit;        /* what is tolerated */
	int ok;
	int64_t at;          /* flat index of the worst element; -1: the output is empty */
	double is, expected; /* there */
} sg_check_row;

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
 * dimensions that nothing fixes are set to small ones. Returns SG_OK when the check could be made,
 * whatever it found. */
SG_API int sg_check(sg_call *c, uint64_t seed, sg_report *report, sg_failure *why);
SG_API void sg_report_free(sg_report *report);

/* ---- numbers and names as text --------------------------------------------------------------- */

#define SG_NUMBER_SIZE 32

/* The shortest digits that read back to the same number: "0.1", "3", "1e-07", "nan", "-inf"; where
 * f32 is not 0, to the same float. In no locale. Returns out. */
SG_API char *sg_number_text(char out[SG_NUMBER_SIZE], double v, int f32);
/* Reads all of text[size], a decimal or hexadecimal number, correctly rounded; beyond the largest
 * double it is infinite. Knows no "inf" and "nan". 0 where it is no number. */
SG_API int sg_number_read(const char *text, size_t size, double *v);
/* The one of n names that a misspelt one was meant to be, or NULL. */
SG_API const char *sg_nearest_name(const char *name, const char *const *names, size_t n);

#ifdef __cplusplus
}
#endif

#endif
