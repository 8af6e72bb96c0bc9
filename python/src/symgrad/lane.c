/* lane.c - one call of an entry, from the caller's objects to a result.
 *
 * Two microseconds are what a call may cost beside the machine code, so nothing is looked up or
 * made that the call before has left: the library's call object stays prepared while shapes stay.
 */
#include "core.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_LANES = 64 }; /* as many threads as this keep their call objects */

/* Raises what e->fail makes of a status and a text, whose reference it takes. */
static void
set_error(const entry *e, int status, PyObject *text)
{
	PyObject *x = text ? PyObject_CallFunction(e->fail, "OiN", e->info, status, text) : NULL;

	if (x) {
		PyErr_SetObject((PyObject *)Py_TYPE(x), x);
		Py_DECREF(x);
	}
}

int
core_fail(const entry *e, int status, const char *text)
{
	set_error(e, status, PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace"));
	return -1;
}

int
core_refuse(const entry *e, int status, const char *fmt, ...)
{
	va_list ap;

	PyErr_Clear();
	va_start(ap, fmt);
	set_error(e, status, PyUnicode_FromFormatV(fmt, ap));
	va_end(ap);
	return -1;
}

/* ---- lanes ---- */

static bool
make_room(const entry *e, lane *l)
{
	size_t n = e->nargs + 1, ndims = e->e->ndims + 1;

	l->given = calloc(n, sizeof *l->given);
	l->held = calloc(n, sizeof *l->held);
	l->bound = calloc(n, sizeof *l->bound);
	l->shape = calloc(n, sizeof *l->shape);
	l->number = calloc(n, sizeof *l->number);
	l->dim = calloc(ndims, sizeof *l->dim);
	l->want = calloc(ndims, sizeof *l->want);
	l->asides = PyList_New(0);
	if (!l->given || !l->held || !l->bound || !l->shape || !l->number || !l->dim || !l->want ||
	    !l->asides)
		return false;
	for (size_t k = 0; k < ndims; k++)
		l->dim[k] = -1;
	return true;
}

void
core_lane_free(lane *l)
{
	sg_call_free(l->c);
	Py_XDECREF(l->asides);
	free(l->given);
	free(l->held);
	free(l->bound);
	free(l->shape);
	free(l->number);
	free(l->dim);
	free(l->want);
	free(l);
}

static lane *
make_lane(entry *e)
{
	lane *l = calloc(1, sizeof *l);

	if (!l || !make_room(e, l)) {
		if (l)
			core_lane_free(l);
		PyErr_NoMemory();
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS; /* this may run a C compiler */
	l->c = sg_call_new(e->h->m, e->e->name, e->backend);
	Py_END_ALLOW_THREADS;
	if (l->c && sg_call_status(l->c) == SG_OK)
		return l;
	if (l->c)
		core_fail(e, sg_call_status(l->c), sg_call_message(l->c));
	else
		PyErr_NoMemory();
	core_lane_free(l);
	return NULL;
}

lane *
core_lane_take(entry *e)
{
	lane *l = e->idle;

	if (!l)
		return make_lane(e);
	e->idle = l->next;
	e->nidle--;
	return l;
}

/* Takes back what the call was told of inputs and dimensions that the entry does not use. */
static void
forget_asides(lane *l)
{
	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(l->asides); i++) {
		const char *name = PyUnicode_AsUTF8(PyList_GET_ITEM(l->asides, i)); /* as before */

		if (sg_call_bind(l->c, name, SG_DTYPE_NONE, 0, NULL, NULL) != SG_OK)
			sg_call_set_dim(l->c, name, -1);
	}
	PyList_SetSlice(l->asides, 0, PyList_GET_SIZE(l->asides), NULL);
	l->settled = false;
}

void
core_lane_give(entry *e, lane *l)
{
	for (size_t i = 0; i < e->nargs; i++)
		Py_CLEAR(l->held[i]);
	if (PyList_GET_SIZE(l->asides) > 0)
		forget_asides(l);
	if (e->nidle >= IDLE_LANES) {
		core_lane_free(l);
		return;
	}
	l->next = e->idle;
	e->idle = l;
	e->nidle++;
}

/* ---- results ---- */

/* Output i as the caller gets it; a new reference. */
static PyObject *
result_of(const entry *e, lane *l, size_t i)
{
	PyArray_Descr *type;
	PyObject *number;

	if (l->held[i]) {
		PyObject *array = l->held[i];

		l->held[i] = NULL;
		return array;
	}
	type = PyArray_DescrFromType(core_numpy_type(e->e->args[i].type));
	number = PyArray_Scalar(&l->number[i], type, NULL);
	Py_DECREF(type);
	return number;
}

static PyObject *
results_of(const entry *e, lane *l)
{
	size_t first = e->e->ninputs;
	PyObject *tuple;

	if (!e->result)
		return result_of(e, l, first);
	for (size_t i = first; i < e->nargs;
	     i++) { /* before the tuple, which a collector may see */
		l->held[i] = result_of(e, l, i);
		if (!l->held[i])
			return NULL;
	}
	tuple = e->result->tp_alloc(e->result, (Py_ssize_t)e->e->noutputs);
	for (size_t i = first; tuple && i < e->nargs; i++) {
		PyTuple_SET_ITEM(tuple, (Py_ssize_t)(i - first), l->held[i]);
		l->held[i] = NULL;
	}
	return tuple;
}

/* ---- the call ---- */

/* Operations of a call whose failure is looked for in the model: some milliseconds. */
enum { LOCATE_MOST = 1000000 };

static int
compute(entry *e, lane *l)
{
	int status;

	e->h->running++;
	Py_BEGIN_ALLOW_THREADS;
	status = sg_call_run(l->c);
	if (status < 0)
		sg_call_locate(l->c, LOCATE_MOST);
	Py_END_ALLOW_THREADS;
	e->h->running--;
	if (status == SG_OK)
		return 0;
	l->settled = false;
	return core_fail(e, status, sg_call_message(l->c));
}

PyObject *
core_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
	entry *e = (entry *)self;
	PyObject *out = NULL, *result = NULL;
	lane *l;

	Py_INCREF(self); /* while other threads run, the last reference may go */
	l = core_lane_take(e);
	if (l && core_gather(e, l, args, PyVectorcall_NARGS(nargsf), kwnames, &out) == 0 &&
	    core_bind_inputs(e, l) == 0 && (l->settled || core_settle(e, l) == 0) &&
	    core_bind_outputs(e, l, out) == 0 && compute(e, l) == 0)
		result = results_of(e, l);
	if (l)
		core_lane_give(e, l);
	Py_DECREF(self);
	return result;
}
