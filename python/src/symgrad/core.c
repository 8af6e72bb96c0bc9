/* core.c - the extension module symgrad._core: models and their entries as Python objects. */
#define CORE_IMPORTS_NUMPY
#include "core.h"

#include <structmember.h>

/* ---- models ---- */

typedef struct source {
	const char *name, *text;
	Py_ssize_t size;
	sg_options options;
} source;

/* ((name, value), ...) as fixed dimensions; NULL with an exception. */
static sg_fixed_dim *
fixed_dims(PyObject *dims)
{
	Py_ssize_t n = PyTuple_GET_SIZE(dims);
	sg_fixed_dim *fixed = PyMem_Calloc((size_t)n + 1, sizeof *fixed);

	if (!fixed)
		PyErr_NoMemory();
	for (Py_ssize_t i = 0; fixed && i < n; i++) {
		long long value;

		if (!PyArg_ParseTuple(PyTuple_GET_ITEM(dims, i), "sL", &fixed[i].name, &value)) {
			PyMem_Free(fixed);
			return NULL;
		}
		fixed[i].value = value;
	}
	return fixed;
}

/* Handle(name, text, real, dims, entry): compiles; status tells how that went. */
static PyObject *
handle_new(PyTypeObject *type, PyObject *args, PyObject *kw)
{
	source s = {.name = NULL};
	sg_fixed_dim *fixed;
	PyObject *dims;
	handle *h;
	int real;

	(void)kw;
	if (!PyArg_ParseTuple(args, "ss#iO!z", &s.name, &s.text, &s.size, &real, &PyTuple_Type,
	                      &dims, &s.options.entry))
		return NULL;
	fixed = fixed_dims(dims);
	h = fixed ? (handle *)type->tp_alloc(type, 0) : NULL;
	if (!h) {
		PyMem_Free(fixed);
		return NULL;
	}
	s.options.real = (sg_dtype)real;
	s.options.fixed = fixed;
	s.options.nfixed = (size_t)PyTuple_GET_SIZE(dims);
	Py_BEGIN_ALLOW_THREADS;
	h->m = sg_compile_string(s.name, s.text, (size_t)s.size, &s.options);
	Py_END_ALLOW_THREADS;
	PyMem_Free(fixed);
	if (h->m)
		return (PyObject *)h;
	Py_DECREF(h);
	return PyErr_NoMemory();
}

static void
handle_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	sg_model *m = ((handle *)self)->m;

	Py_BEGIN_ALLOW_THREADS; /* it may wait for threads of its own */
	sg_model_free(m);
	Py_END_ALLOW_THREADS;
	type->tp_free(self);
	Py_DECREF(type);
}

static sg_model *
model(PyObject *self)
{
	return ((handle *)self)->m;
}

static PyObject *
handle_report(PyObject *self, PyObject *colour)
{
	const int c = PyObject_IsTrue(colour);

	return c < 0 ? NULL : PyUnicode_FromString(sg_model_report(model(self), c));
}

static PyObject *
handle_report_json(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyUnicode_FromString(sg_model_report_json(model(self)));
}

static PyObject *
texts(size_t n, const char *const *text)
{
	PyObject *tuple = PyTuple_New((Py_ssize_t)n);

	for (size_t i = 0; tuple && i < n; i++) {
		PyObject *s = PyUnicode_FromString(text[i]);

		if (!s)
			Py_CLEAR(tuple);
		else
			PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, s);
	}
	return tuple;
}

/* (name, role, type, extents, has_default) of each argument */
static PyObject *
describe_args(const sg_entry *e)
{
	static const char *const roles[] = {"input", "param", "output"};
	size_t n = e->ninputs + e->noutputs;
	PyObject *tuple = PyTuple_New((Py_ssize_t)n);

	for (size_t i = 0; tuple && i < n; i++) {
		const sg_argument *a = &e->args[i];
		PyObject *arg = Py_BuildValue(
		    "sssNO", a->name, roles[a->role], sg_dtype_name(a->type),
		    texts((size_t)a->rank, a->extents), a->has_default ? Py_True : Py_False);

		if (!arg)
			Py_CLEAR(tuple);
		else
			PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, arg);
	}
	return tuple;
}

/* (name, dimensions, arguments, number of inputs) of each entry */
static PyObject *
handle_describe(PyObject *self, PyObject *unused)
{
	size_t n = sg_model_nentries(model(self));
	PyObject *tuple = PyTuple_New((Py_ssize_t)n);

	(void)unused;
	for (size_t i = 0; tuple && i < n; i++) {
		const sg_entry *e = sg_model_entry(model(self), i);
		PyObject *d = Py_BuildValue("sNNn", e->name, texts(e->ndims, e->dims),
		                            describe_args(e), (Py_ssize_t)e->ninputs);

		if (!d)
			Py_CLEAR(tuple);
		else
			PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, d);
	}
	return tuple;
}

/* NULL with an exception where a text could not be had */
static PyObject *
text_or_failure(const char *text, const sg_failure *why)
{
	if (text)
		return PyUnicode_FromString(text);
	PyErr_SetString(why->status == SG_EVALUE   ? PyExc_ValueError
	                : why->status == SG_ENOMEM ? PyExc_MemoryError
	                                           : PyExc_RuntimeError,
	                why->text);
	return NULL;
}

static PyObject *
handle_write_c(PyObject *self, PyObject *args)
{
	const char *header, *h = NULL, *c;
	sg_failure why;
	int standalone;

	if (!PyArg_ParseTuple(args, "zp", &header, &standalone))
		return NULL;
	Py_BEGIN_ALLOW_THREADS;
	c = sg_write_c(model(self), header, standalone, &h, &why);
	Py_END_ALLOW_THREADS;
	return c ? Py_BuildValue("ss", c, h) : text_or_failure(NULL, &why);
}

/* 0, or the status of what went wrong */
static PyObject *
handle_set_threads(PyObject *self, PyObject *number)
{
	long n = PyLong_AsLong(number);

	if (n == -1 && PyErr_Occurred())
		return NULL;
	if (((handle *)self)->running) {
		PyErr_SetString(
		    PyExc_RuntimeError,
		    "the number of threads can't change while a call of the model runs");
		return NULL;
	}
	if (n < 0 || n > 256 || sg_set_threads(model(self), (int)n) != SG_OK)
		return PyErr_Format(PyExc_ValueError, "threads: expected 0 to 256, got %ld", n);
	Py_RETURN_NONE;
}

/* (status, sentence) */
static PyObject *
handle_settle(PyObject *self, PyObject *unused)
{
	sg_failure why = {.status = SG_OK};
	int status;

	(void)unused;
	Py_BEGIN_ALLOW_THREADS;
	status = sg_model_settle(model(self), &why);
	Py_END_ALLOW_THREADS;
	return Py_BuildValue("is", status, why.text);
}

static PyObject *
handle_status(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromLong(sg_model_status(model(self)));
}

static PyObject *
handle_name(PyObject *self, void *unused)
{
	(void)unused;
	return PyUnicode_FromString(sg_model_name(model(self)));
}

static PyObject *
handle_real(PyObject *self, void *unused)
{
	(void)unused;
	return PyUnicode_FromString(sg_dtype_name(sg_model_real(model(self))));
}

static PyMethodDef handle_methods[] = {
    {"report", handle_report, METH_O, NULL},
    {"report_json", handle_report_json, METH_NOARGS, NULL},
    {"describe", handle_describe, METH_NOARGS, NULL},
    {"write_c", handle_write_c, METH_VARARGS, NULL},
    {"set_threads", handle_set_threads, METH_O, NULL},
    {"settle", handle_settle, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef handle_getset[] = {
    {"status", handle_status, NULL, NULL, NULL},
    {"name", handle_name, NULL, NULL, NULL},
    {"real", handle_real, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot handle_slots[] = {
    {Py_tp_new, handle_new},
    {Py_tp_dealloc, handle_dealloc},
    {Py_tp_methods, handle_methods},
    {Py_tp_getset, handle_getset},
    {0, NULL},
};

static PyType_Spec handle_spec = {
    .name = "symgrad._core.Handle",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = handle_slots,
};

/* ---- entries ---- */

/* {name: place} of the inputs and, behind them, the dimensions */
static PyObject *
index_of(const sg_entry *e)
{
	PyObject *index = PyDict_New();

	for (size_t i = 0; index && i < e->ninputs + e->ndims; i++) {
		PyObject *place = PyLong_FromSize_t(i);
		const char *name = i < e->ninputs ? e->args[i].name : e->dims[i - e->ninputs];

		if (!place || PyDict_SetItemString(index, name, place) < 0)
			Py_CLEAR(index);
		Py_XDECREF(place);
	}
	return index;
}

static PyObject *
outputs_of(const sg_entry *e)
{
	PyObject *tuple = PyTuple_New((Py_ssize_t)e->noutputs);

	for (size_t i = 0; tuple && i < e->noutputs; i++) {
		PyObject *name = PyUnicode_InternFromString(e->args[e->ninputs + i].name);

		if (!name)
			Py_CLEAR(tuple);
		else
			PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, name);
	}
	return tuple;
}

static void
keep(PyObject **place, PyObject *o)
{
	Py_INCREF(o);
	*place = o;
}

/* A type whose instances are laid out as tuples are. */
static bool
is_result(PyObject *o)
{
	return PyType_Check(o) && PyType_IsSubtype((PyTypeObject *)o, &PyTuple_Type) &&
	       ((PyTypeObject *)o)->tp_basicsize == PyTuple_Type.tp_basicsize;
}

/* Entry(handle, index, backend, out, info, convert, fail, result or None) */
static PyObject *
entry_new(PyTypeObject *type, PyObject *args, PyObject *kw)
{
	PyObject *h, *out, *info, *convert, *fail, *result;
	const sg_entry *found = NULL;
	PyTypeObject *handle_type;
	Py_ssize_t index;
	int backend;
	entry *e;

	(void)kw;
	if (!PyArg_ParseTuple(args, "OniUOOOO", &h, &index, &backend, &out, &info, &convert, &fail,
	                      &result))
		return NULL;
	handle_type = (PyTypeObject *)PyObject_GetAttrString((PyObject *)type, "_handle");
	if (!handle_type)
		return NULL;
	if (Py_IS_TYPE(h, handle_type) && index >= 0)
		found = sg_model_entry(((handle *)h)->m, (size_t)index);
	Py_DECREF(handle_type);
	if (!found || !(result == Py_None || is_result(result))) {
		PyErr_SetString(PyExc_TypeError, "entries are made by symgrad.compile()");
		return NULL;
	}
	e = (entry *)type->tp_alloc(type, 0);
	if (!e)
		return NULL;
	e->call = core_call;
	e->e = found;
	e->backend = (sg_backend)backend;
	e->nargs = found->ninputs + found->noutputs;
	keep((PyObject **)&e->h, h);
	keep(&e->out, out);
	keep(&e->info, info);
	keep(&e->convert, convert);
	keep(&e->fail, fail);
	if (result != Py_None)
		keep((PyObject **)&e->result, result);
	e->index = index_of(found);
	e->outputs = outputs_of(found);
	if (e->index && e->outputs)
		return (PyObject *)e;
	Py_DECREF(e);
	return NULL;
}

static void
entry_dealloc(PyObject *self)
{
	entry *e = (entry *)self;
	PyTypeObject *type = Py_TYPE(self);

	if (e->weak)
		PyObject_ClearWeakRefs(self);
	while (e->idle) {
		lane *l = e->idle;

		e->idle = l->next;
		core_lane_free(l);
	}
	Py_XDECREF(e->index);
	Py_XDECREF(e->outputs);
	Py_XDECREF(e->out);
	Py_XDECREF(e->info);
	Py_XDECREF(e->convert);
	Py_XDECREF(e->fail);
	Py_XDECREF(e->result);
	Py_XDECREF(e->h);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyObject *
entry_repr(PyObject *self)
{
	return PyObject_Repr(((entry *)self)->info);
}

/* What it does not have itself, its description has. */
static PyObject *
entry_getattro(PyObject *self, PyObject *name)
{
	PyObject *o = PyObject_GenericGetAttr(self, name);

	if (o || !PyErr_ExceptionMatches(PyExc_AttributeError))
		return o;
	PyErr_Clear();
	return PyObject_GetAttr(((entry *)self)->info, name);
}

static PyObject *
entry_doc(PyObject *self, void *unused)
{
	(void)unused;
	return PyObject_GetAttrString(((entry *)self)->info, "doc");
}

/* The prototype of its machine code, and the address of that. */
static PyObject *
entry_prototype(PyObject *self, void *unused)
{
	entry *e = (entry *)self;
	sg_failure why;
	const char *text;

	(void)unused;
	Py_BEGIN_ALLOW_THREADS;
	text = sg_entry_prototype(e->h->m, e->e, &why);
	Py_END_ALLOW_THREADS;
	return text_or_failure(text, &why);
}

static PyObject *
entry_address(PyObject *self, void *unused)
{
	entry *e = (entry *)self;
	sg_function f;
	sg_failure why;

	(void)unused;
	Py_BEGIN_ALLOW_THREADS; /* this may compile */
	f = sg_entry_function(e->h->m, e->e, e->backend, &why);
	Py_END_ALLOW_THREADS;
	if (f)
		return PyLong_FromSsize_t((Py_ssize_t)f);
	core_fail(e, why.status, why.text);
	return NULL;
}

/* What AUTO became, or a tiered call has come to. */
static PyObject *
entry_backend(PyObject *self, void *unused)
{
	static const char *const names[] = {"auto", "jit", "cc", "interp", "later", "tiered"};
	entry *e = (entry *)self;
	lane *l = core_lane_take(e);
	PyObject *name;

	(void)unused;
	if (!l)
		return NULL;
	name = PyUnicode_FromString(names[sg_call_backend(l->c)]);
	core_lane_give(e, l);
	return name;
}

/* Of the function that entry_address gives, which the library has to have made for that. */
static int
work_size(entry *e, const int64_t *dims, size_t *bytes, sg_failure *why)
{
	int status;

	Py_BEGIN_ALLOW_THREADS; /* this may compile */
	if (!sg_entry_function(e->h->m, e->e, e->backend, why) && why->status != SG_EBACKEND)
		status = why->status;
	else
		status = sg_entry_worksize(e->h->m, e->e, dims, bytes, why);
	Py_END_ALLOW_THREADS;
	return status;
}

static PyObject *
entry_worksize(PyObject *self, PyObject *values)
{
	entry *e = (entry *)self;
	Py_ssize_t n = (Py_ssize_t)e->e->ndims;
	int64_t *dims = PyMem_Calloc((size_t)n + 1, sizeof *dims);
	sg_failure why;
	size_t bytes;
	int status;

	if (!dims)
		return PyErr_NoMemory();
	for (Py_ssize_t i = 0; i < n && i < PyTuple_GET_SIZE(values); i++)
		dims[i] = PyLong_AsLongLong(PyTuple_GET_ITEM(values, i));
	if (PyTuple_GET_SIZE(values) != n && !PyErr_Occurred())
		core_refuse(e, SG_EMISSING, "expected %zd dimensions, got %zd", n,
		            PyTuple_GET_SIZE(values));
	status = PyErr_Occurred() ? -1 : work_size(e, dims, &bytes, &why);
	PyMem_Free(dims);
	if (status > 0)
		core_fail(e, status, why.text);
	return status == SG_OK ? PyLong_FromSize_t(bytes) : NULL;
}

/* An entry does not change, so a copy is the same one. */
static PyObject *
entry_copy(PyObject *self, PyObject *unused)
{
	(void)unused;
	Py_INCREF(self);
	return self;
}

static PyObject *
entry_reduce(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyObject_CallMethod(((entry *)self)->info, "_reduce", NULL);
}

/* Its own names, and those that its description has. */
static PyObject *
entry_dir(PyObject *self, PyObject *unused)
{
	PyObject *own = PyObject_CallMethod((PyObject *)&PyBaseObject_Type, "__dir__", "O", self);
	PyObject *names = own ? PyObject_CallMethod(((entry *)self)->info, "_names", "N", own) : NULL;

	(void)unused;
	return names;
}

static PyMethodDef entry_methods[] = {
    {"__copy__", entry_copy, METH_NOARGS, NULL},
    {"__deepcopy__", entry_copy, METH_O, NULL},
    {"__reduce__", entry_reduce, METH_NOARGS, NULL},
    {"__dir__", entry_dir, METH_NOARGS, NULL},
    {"work_size", entry_worksize, METH_VARARGS, "Bytes of workspace of the machine code."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef entry_getset[] = {
    {"__doc__", entry_doc, NULL, NULL, NULL},
    {"prototype", entry_prototype, NULL, NULL, NULL},
    {"address", entry_address, NULL, NULL, NULL},
    {"backend", entry_backend, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef entry_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(entry, call), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(entry, weak), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot entry_slots[] = {
    {Py_tp_new, entry_new},          {Py_tp_dealloc, entry_dealloc},   {Py_tp_repr, entry_repr},
    {Py_tp_call, PyVectorcall_Call}, {Py_tp_getattro, entry_getattro}, {Py_tp_getset, entry_getset},
    {Py_tp_methods, entry_methods},  {Py_tp_members, entry_members},   {0, NULL},
};

static PyType_Spec entry_spec = {
    .name = "symgrad._core.Entry",
    .basicsize = sizeof(entry),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = entry_slots,
};

/* ---- the module ---- */

static PyObject *
explain(PyObject *self, PyObject *code)
{
	const char *name = PyUnicode_Check(code) ? PyUnicode_AsUTF8(code) : NULL;
	const char *text = name ? sg_explain_code(name) : NULL;

	(void)self;
	if (!name && !PyErr_Occurred())
		PyErr_Format(PyExc_TypeError, "explain: expected str, got %.100s",
		             Py_TYPE(code)->tp_name);
	if (!name)
		return NULL;
	if (text)
		return PyUnicode_FromString(text);
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"explain", explain, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int
add_types(PyObject *module)
{
	PyObject *h = PyType_FromSpec(&handle_spec), *e = PyType_FromSpec(&entry_spec);
	int status = -1;

	if (h && e && PyObject_SetAttrString(e, "_handle", h) == 0 &&
	    PyObject_SetAttrString(module, "Handle", h) == 0)
		status = PyObject_SetAttrString(module, "Entry", e);
	Py_XDECREF(h);
	Py_XDECREF(e);
	return status;
}

static int
fill_module(PyObject *module)
{
	/* NumPy's own state is the process', and so are its arrays' types */
	if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
		PyErr_SetString(PyExc_ImportError, "symgrad can't be imported in a subinterpreter");
		return -1;
	}
	if (_import_array() < 0 || add_types(module) < 0)
		return -1;
	if (PyModule_AddStringConstant(module, "version", sg_version()) < 0)
		return -1;
	return PyObject_SetAttrString(module, "have_jit", sg_have_jit() ? Py_True : Py_False);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill_module},
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "symgrad._core",
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__core(void)
{
	return PyModuleDef_Init(&definition);
}
