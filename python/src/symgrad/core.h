/* core.h - what the files of the extension module symgrad._core share.
 *
 * Two types: a Handle owns one sg_model, and an Entry is a callable for one of its entries. An
 * Entry holds its Handle, a Handle holds no Python object, so there are no cycles and a model is
 * freed when the last one goes. All that is written in Python for people (conversions, exceptions,
 * texts) comes in by Handle's and Entry's constructors. The GIL guards what is written here; it is
 * let go while the library compiles or computes. */
#ifndef SYMGRAD_CORE_H
#define SYMGRAD_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <symgrad.h>

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL symgrad_numpy
#ifndef CORE_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

typedef struct handle {
	PyObject ob_base;
	sg_model *m;
	Py_ssize_t running; /* calls that compute now */
} handle;

/* What one running call needs: a call object of the library, and room for what goes through it.
 * Between calls it waits in its entry's list. */
typedef struct lane {
	struct lane *next;
	sg_call *c;
	bool settled; /* the call is prepared for the shapes below, and the outputs' are known */
	PyObject *asides; /* list: names that the entry does not use, of what the call was told */
	PyObject **given; /* by argument; borrowed: what the caller gave */
	PyObject **held;  /* by argument; owned: converted inputs, fresh or given outputs */
	bool *bound;      /* by input */
	int64_t (*shape)[SG_ARRAY_RANK]; /* by input: of what is bound */
	int64_t *number;                 /* by argument: room for one element */
	int64_t *dim;                    /* by dimension: the value that the call was told, or -1 */
	int64_t *want;                   /* by dimension: the value that this caller gives, or -1 */
} lane;

typedef struct entry {
	PyObject ob_base;
	vectorcallfunc call;
	handle *h;
	const sg_entry *e;
	sg_backend backend;
	size_t nargs;
	PyObject *index;      /* dict: where the name of an input or dimension stands */
	PyObject *outputs;    /* tuple of their names */
	PyObject *out;        /* the keyword of arrays for the outputs */
	PyObject *info;       /* describes the entry to the functions below */
	PyObject *convert;    /* (info, index, object) -> array; index -1: of whatever type */
	PyObject *fail;       /* (info, status, text) -> exception */
	PyTypeObject *result; /* a tuple; NULL: the one output itself */
	lane *idle;
	int nidle;
	PyObject *weak; /* references to it */
} entry;

/* lane.c */
lane *core_lane_take(entry *e); /* NULL with an exception */
void core_lane_give(entry *e, lane *l);
void core_lane_free(lane *l);
/* Both raise what fits to a status, and return -1. */
int core_fail(const entry *e, int status, const char *text);
int core_refuse(const entry *e, int status, const char *fmt, ...); /* as PyUnicode_FromFormat */
PyObject *core_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames);

/* given.c: each 0, or -1 with an exception */
int core_gather(entry *e, lane *l, PyObject *const *args, Py_ssize_t n, PyObject *kwnames,
                PyObject **out);
int core_bind_inputs(entry *e, lane *l);
int core_settle(entry *e, lane *l);
int core_bind_outputs(entry *e, lane *l, PyObject *out);

static inline int
core_numpy_type(sg_dtype t)
{
	static const int types[] = {NPY_VOID,  NPY_FLOAT32, NPY_FLOAT64,
	                            NPY_INT32, NPY_INT64,   NPY_BOOL};

	return types[t];
}

#endif
