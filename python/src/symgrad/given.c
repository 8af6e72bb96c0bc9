/* given.c - what a caller gives: arguments found by place and name, arrays bound as they are. */
#include "core.h"

#include <string.h>

/* ---- who is meant ---- */

/* The index of an input or, behind these, of a dimension; -1: no such name, -2: an exception. */
static Py_ssize_t
find_name(const entry *e, PyObject *name)
{
	PyObject *i = PyDict_GetItemWithError(e->index, name);

	if (i)
		return PyLong_AsSsize_t(i);
	return PyErr_Occurred() ? -2 : -1;
}

/* The name that a misspelt keyword was meant to be; NULL: none is near. */
static const char *
nearest(const entry *e, const char *name)
{
	const size_t n = e->e->ninputs, ndims = e->e->ndims;
	const char **names = PyMem_Calloc(n + ndims + 1, sizeof *names), *near;

	if (!names)
		return NULL;
	for (size_t i = 0; i < n + ndims; i++)
		names[i] = i < n ? e->e->args[i].name : e->e->dims[i - n];
	names[n + ndims] = PyUnicode_AsUTF8(e->out);
	near = sg_nearest_name(name, names, n + ndims + (names[n + ndims] != NULL));
	PyMem_Free(names);
	return near;
}

static int
no_keyword(const entry *e, const char *name)
{
	const char *near = nearest(e, name);

	if (near)
		return core_refuse(e, SG_ENAME, "no input '%s' (did you mean '%s'?)", name, near);
	return core_refuse(e, SG_ENAME, "no input '%s' in entry '%s'", name, e->e->name);
}

static int
set_dim(entry *e, lane *l, size_t k, PyObject *value)
{
	PyObject *whole = PyNumber_Index(value);
	const char *name = e->e->dims[k];
	int64_t v;
	int over;

	if (!whole && !PyErr_ExceptionMatches(PyExc_TypeError))
		return -1;
	if (!whole)
		return core_refuse(e, SG_ETYPE, "dimension '%s': expected an integer, got %.100s",
		                   name, Py_TYPE(value)->tp_name);
	v = PyLong_AsLongLongAndOverflow(whole, &over);
	Py_DECREF(whole);
	if (over > 0)
		return core_refuse(e, SG_EVALUE, "dimension '%s': the number is too large", name);
	if (v < 0)
		return core_refuse(e, SG_EVALUE, "dimension '%s': %lld is negative", name,
		                   (long long)v);
	l->want[k] = v;
	return 0;
}

/* A dimension of the model that this entry does not use is no mistake; any other name is one. */
static int
set_other(entry *e, lane *l, const char *name, PyObject *value)
{
	int64_t v = PyLong_CheckExact(value) ? PyLong_AsLongLong(value) : -1;

	PyErr_Clear();
	if (v < 0 || sg_call_set_dim(l->c, name, v) != SG_OK)
		return no_keyword(e, name);
	l->settled = false;
	return 0;
}

/* As the library takes it, which knows no NUL in a name. NULL with an exception. */
static const char *
text_of(const entry *e, PyObject *name)
{
	Py_ssize_t size;
	const char *text = PyUnicode_AsUTF8AndSize(name, &size);

	if (!text || strlen(text) == (size_t)size)
		return text;
	no_keyword(e, text);
	return NULL;
}

/* A status: what the call learns of the shape of an input that the entry does not use. */
static int
tell_shape(lane *l, const char *name, PyArrayObject *array)
{
	const int rank = PyArray_NDIM(array);
	int64_t shape[SG_ARRAY_RANK];

	if (rank > SG_ARRAY_RANK)
		return SG_OK;
	for (int k = 0; k < rank; k++)
		shape[k] = PyArray_DIM(array, k);
	return sg_call_bind(l->c, name, SG_DTYPE_F64, rank, shape, l->number);
}

/* An input of the model that this entry does not use: its shape may tell a dimension. Only of an array
 * that is known before its name is. */
static int
set_aside(entry *e, lane *l, PyObject *name, PyObject *value)
{
	const char *text = text_of(e, name);
	const bool ready = PyArray_Check(value);
	PyObject *array;
	int status;

	if (!text || PyList_Append(l->asides, name) < 0)
		return -1;
	status = ready ? tell_shape(l, text, (PyArrayObject *)value)
	               : sg_call_bind(l->c, text, SG_DTYPE_F64, 0, NULL, l->number);
	if (status != SG_OK)
		return set_other(e, l, text, value);
	l->settled = false;
	if (ready)
		return 0;
	array = PyObject_CallFunction(e->convert, "OiO", e->info, -1, value);
	if (!array)
		return -1;
	status = tell_shape(l, text, (PyArrayObject *)array);
	Py_DECREF(array);
	return status == SG_OK ? 0 : core_fail(e, status, sg_call_message(l->c));
}

/* None for what the entry does not use says nothing, but its name must be one of the model's. */
static int
set_nothing(entry *e, lane *l, PyObject *name)
{
	const char *text = text_of(e, name);

	if (!text)
		return -1;
	l->settled = false;
	if (sg_call_bind(l->c, text, SG_DTYPE_NONE, 0, NULL, NULL) == SG_OK ||
	    sg_call_set_dim(l->c, text, -1) == SG_OK)
		return 0;
	return no_keyword(e, text);
}

static int
set_keyword(entry *e, lane *l, PyObject *name, PyObject *value, PyObject **out)
{
	const Py_ssize_t ninputs = (Py_ssize_t)e->e->ninputs, i = find_name(e, name);

	if (i == -2)
		return -1;
	if (value == Py_None && (i >= 0 || PyUnicode_Compare(name, e->out) == 0))
		return 0;
	if (value == Py_None)
		return set_nothing(e, l, name);
	if (i >= 0 && i < ninputs) {
		if (l->given[i])
			return core_refuse(e, SG_ENAME, "%s() got '%U' by place and by name",
			                   e->e->name, name);
		l->given[i] = value;
		return 0;
	}
	if (i >= 0)
		return set_dim(e, l, (size_t)(i - ninputs), value);
	if (PyUnicode_Compare(name, e->out) == 0) {
		*out = value;
		return 0;
	}
	return set_aside(e, l, name, value);
}

/* Dimensions that this caller gives and the one before did not, and the reverse. */
static int
tell_dims(entry *e, lane *l)
{
	for (size_t k = 0; k < e->e->ndims; k++) {
		int status;

		if (l->want[k] == l->dim[k])
			continue;
		status = sg_call_set_dim(l->c, e->e->dims[k], l->want[k]);
		if (status != SG_OK)
			return core_fail(e, status, sg_call_message(l->c));
		l->dim[k] = l->want[k];
		l->settled = false;
	}
	return 0;
}

int
core_gather(entry *e, lane *l, PyObject *const *args, Py_ssize_t n, PyObject *kwnames,
            PyObject **out)
{
	Py_ssize_t nkw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0, max = (Py_ssize_t)e->e->ninputs;

	if (n > max)
		return core_refuse(e, SG_ENAME, "%s() takes %zd inputs, got %zd", e->e->name, max,
		                   n);
	memset(l->given, 0, e->nargs * sizeof *l->given);
	for (size_t k = 0; k < e->e->ndims; k++)
		l->want[k] = -1;
	for (Py_ssize_t i = 0; i < n; i++)
		l->given[i] = args[i] == Py_None ? NULL : args[i];
	for (Py_ssize_t i = 0; i < nkw; i++)
		if (set_keyword(e, l, PyTuple_GET_ITEM(kwnames, i), args[n + i], out) < 0)
			return -1;
	return tell_dims(e, l);
}

/* ---- inputs ---- */

/* Can its memory be read as it stands? */
static bool
is_plain(PyObject *o, sg_dtype type)
{
	PyArrayObject *a = (PyArrayObject *)o;

	return PyArray_CheckExact(o) && PyArray_TYPE(a) == core_numpy_type(type) &&
	       PyArray_ISCARRAY_RO(a);
}

static int
bind_input(entry *e, lane *l, size_t i, int rank, const npy_intp *dims, const void *data)
{
	const sg_argument *a = &e->e->args[i];
	int64_t shape[SG_ARRAY_RANK];
	size_t bytes;
	int status;

	for (int k = 0; k < rank && k < SG_ARRAY_RANK; k++)
		shape[k] = dims[k];
	status = sg_call_bind_at(l->c, i, a->type, rank, shape, data);
	if (status != SG_OK)
		return core_fail(e, status, sg_call_message(l->c));
	bytes = (size_t)rank * sizeof *shape;
	if (!l->bound[i] || memcmp(l->shape[i], shape, bytes) != 0) {
		memcpy(l->shape[i], shape, bytes);
		l->bound[i] = true;
		l->settled = false;
	}
	return 0;
}

/* A Python float for a float of rank 0, without an array. */
static int
bind_float(entry *e, lane *l, size_t i, double v)
{
	const float narrow = (float)v;

	if (e->e->args[i].type == SG_DTYPE_F32)
		memcpy(&l->number[i], &narrow, sizeof narrow);
	else
		memcpy(&l->number[i], &v, sizeof v);
	return bind_input(e, l, i, 0, NULL, &l->number[i]);
}

static int
bind_given(entry *e, lane *l, size_t i, PyObject *o)
{
	const sg_argument *a = &e->e->args[i];
	PyArrayObject *array = (PyArrayObject *)o;

	if (!is_plain(o, a->type)) {
		if (PyFloat_Check(o) && a->rank == 0 &&
		    (a->type == SG_DTYPE_F32 || a->type == SG_DTYPE_F64))
			return bind_float(e, l, i, PyFloat_AS_DOUBLE(o));
		o = PyObject_CallFunction(e->convert, "OnO", e->info, (Py_ssize_t)i, o);
		if (!o)
			return -1;
		l->held[i] = o;
		array = (PyArrayObject *)o;
		if (!is_plain(o, a->type)) {
			PyErr_SetString(PyExc_SystemError,
			                "symgrad: a conversion made no plain array");
			return -1;
		}
	}
	return bind_input(e, l, i, PyArray_NDIM(array), PyArray_DIMS(array), PyArray_DATA(array));
}

int
core_bind_inputs(entry *e, lane *l)
{
	for (size_t i = 0; i < e->e->ninputs; i++) {
		if (l->given[i]) {
			if (bind_given(e, l, i, l->given[i]) < 0)
				return -1;
		} else if (l->bound[i]) {
			sg_call_bind_at(l->c, i, SG_DTYPE_NONE, 0, NULL, NULL);
			l->bound[i] = false;
			l->settled = false;
		}
	}
	return 0;
}

/* Finds the shapes of the outputs. Theirs of the last call must not speak against the new ones. */
int
core_settle(entry *e, lane *l)
{
	int status;

	for (size_t i = e->e->ninputs; i < e->nargs; i++)
		sg_call_bind_output_at(l->c, i, SG_DTYPE_NONE, 0, NULL, NULL);
	e->h->running++;
	Py_BEGIN_ALLOW_THREADS; /* this may compile */
	status = sg_call_prepare(l->c);
	Py_END_ALLOW_THREADS;
	e->h->running--;
	if (status != SG_OK)
		return core_fail(e, status, sg_call_message(l->c));
	for (size_t i = e->e->ninputs; i < e->nargs; i++)
		memcpy(l->shape[i], sg_call_array(l->c, i)->shape, sizeof l->shape[i]);
	l->settled = true;
	return 0;
}

/* ---- outputs ---- */

static int
bind_output(entry *e, lane *l, size_t i, int rank, const npy_intp *dims, void *data)
{
	const sg_argument *a = &e->e->args[i];
	int64_t shape[SG_ARRAY_RANK];
	int status;

	for (int k = 0; k < rank && k < SG_ARRAY_RANK; k++)
		shape[k] = dims[k];
	status = sg_call_bind_output_at(l->c, i, a->type, rank, shape, data);
	if (status == SG_OK)
		return 0;
	return core_fail(e, status, sg_call_message(l->c));
}

static int
fresh_output(entry *e, lane *l, size_t i)
{
	const sg_argument *a = &e->e->args[i];
	npy_intp dims[SG_ARRAY_RANK];

	if (a->rank == 0)
		return bind_output(e, l, i, 0, NULL, &l->number[i]);
	for (int k = 0; k < a->rank; k++)
		dims[k] = (npy_intp)l->shape[i][k];
	l->held[i] = PyArray_SimpleNew(a->rank, dims, core_numpy_type(a->type));
	if (!l->held[i])
		return -1;
	return bind_output(e, l, i, a->rank, dims, PyArray_DATA((PyArrayObject *)l->held[i]));
}

/* The caller's array: as the library writes it, or refused. */
static int
given_output(entry *e, lane *l, size_t i, PyObject *o)
{
	const sg_argument *a = &e->e->args[i];
	PyArrayObject *array = (PyArrayObject *)o;
	const char *want = NULL;

	if (!PyArray_Check(o))
		return core_refuse(e, SG_ETYPE,
		                   "output '%s': expected an array to write to, got %.100s",
		                   a->name, Py_TYPE(o)->tp_name);
	if (!PyArray_EquivTypenums(PyArray_TYPE(array), core_numpy_type(a->type)))
		return core_refuse(e, SG_ETYPE, "output '%s': expected %s, got %S", a->name,
		                   sg_dtype_name(a->type), PyArray_DESCR(array));
	if (!PyArray_ISWRITEABLE(array))
		want = "one that may be written";
	else if (!PyArray_ISCARRAY(array))
		want = "one that is C-contiguous, aligned and in native byte order";
	if (want)
		return core_refuse(e, SG_EVALUE, "output '%s': the array must be %s", a->name,
		                   want);
	Py_INCREF(o);
	l->held[i] = o;
	return bind_output(e, l, i, PyArray_NDIM(array), PyArray_DIMS(array), PyArray_DATA(array));
}

static PyObject *
output_name(const entry *e, size_t i)
{
	return PyTuple_GET_ITEM(e->outputs, (Py_ssize_t)(i - e->e->ninputs));
}

/* What `out` holds for output i, borrowed; NULL: nothing, or with an exception. */
static PyObject *
output_given(const entry *e, size_t i, PyObject *out)
{
	Py_ssize_t k = (Py_ssize_t)(i - e->e->ninputs);

	if (PyDict_Check(out))
		return PyDict_GetItemWithError(out, output_name(e, i));
	if (PyTuple_Check(out) || PyList_Check(out)) /* a list may have been shortened meanwhile */
		return k < PySequence_Fast_GET_SIZE(out) ? PySequence_Fast_GET_ITEM(out, k) : NULL;
	return out;
}

/* Has every key of a dict an output of its name? */
static int
check_keys(const entry *e, PyObject *out)
{
	PyObject *key, *value;
	Py_ssize_t pos = 0;

	while (PyDict_Next(out, &pos, &key, &value)) {
		bool found = false;

		for (size_t i = e->e->ninputs; PyUnicode_Check(key) && i < e->nargs; i++)
			found |= PyUnicode_Compare(output_name(e, i), key) == 0;
		if (!found)
			return core_refuse(e, SG_ENAME, "%U: no output %R in entry '%s'", e->out,
			                   key, e->e->name);
	}
	return 0;
}

static int
check_out(const entry *e, PyObject *out)
{
	Py_ssize_t n = (Py_ssize_t)e->e->noutputs;

	if (PyDict_Check(out))
		return check_keys(e, out);
	if (PyTuple_Check(out) || PyList_Check(out)) {
		if (PySequence_Fast_GET_SIZE(out) == n)
			return 0;
		return core_refuse(e, SG_EVALUE, "%U: expected %zd arrays, got %zd", e->out, n,
		                   PySequence_Fast_GET_SIZE(out));
	}
	if (n == 1)
		return 0;
	return core_refuse(e, SG_ETYPE, "%U: expected a tuple of %zd arrays or a dict, got %.100s",
	                   e->out, n, Py_TYPE(out)->tp_name);
}

int
core_bind_outputs(entry *e, lane *l, PyObject *out)
{
	if (out && check_out(e, out) < 0)
		return -1;
	for (size_t i = e->e->ninputs; i < e->nargs; i++) {
		PyObject *o = out ? output_given(e, i, out) : NULL;
		bool fresh;

		if (!o && PyErr_Occurred())
			return -1;
		/* a number in an earlier result stands where an array could be */
		fresh =
		    !o || o == Py_None || (e->e->args[i].rank == 0 && PyArray_IsScalar(o, Generic));
		if ((fresh ? fresh_output(e, l, i) : given_output(e, l, i, o)) < 0)
			return -1;
	}
	return 0;
}
