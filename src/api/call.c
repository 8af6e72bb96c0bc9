/* call.c - call objects: arrays bound to the arguments of an entry. */
#include "api/call.h"

#include <stdlib.h>
#include <string.h>

/* ---- making one ---- */

static bool
make_room(sg_call *c)
{
	size_t nargs = c->e->pub.ninputs + c->e->pub.noutputs, ndims = c->ndims;

	c->slot = calloc(nargs + 1, sizeof *c->slot);
	c->aside = calloc(c->m->program->ninputs + 1, sizeof *c->aside);
	c->args = calloc(nargs + 1, sizeof *c->args);
	c->order = calloc(nargs + 1, sizeof *c->order);
	c->given = calloc(ndims + 1, sizeof *c->given);
	c->value = calloc(ndims + 1, sizeof *c->value);
	c->known = calloc(ndims + 1, sizeof *c->known);
	c->dims = calloc(ndims + 1, sizeof *c->dims);
	c->cdims = calloc(ndims + 1, sizeof *c->cdims);
	c->nslots = nargs;
	if (!c->slot || !c->aside || !c->args || !c->order || !c->given || !c->value || !c->known || !c->dims ||
	    !c->cdims)
		return false;
	for (uint32_t d = 0; d < c->ndims; d++)
		c->given[d] = -1;
	for (size_t i = 0; i < nargs; i++)
		c->order[i] = i;
	return true;
}

/* libtcc's code depends on the data (see run.c), so nothing is to be made yet. */
static bool
is_jit(const sg_call *c)
{
	return sg_have_tcc() && (c->backend == SG_BACKEND_AUTO || c->backend == SG_BACKEND_LATER ||
	                         c->backend == SG_BACKEND_JIT);
}

static int
choose_code(sg_model *m, void *arg)
{
	sg_call *c = arg;
	const sg_code_entry *code;
	bool tiered = c->backend == SG_BACKEND_TIERED;

	c->backend = sg_backend_choice(m, c->backend);
	c->tiered = tiered && c->backend != SG_BACKEND_CC;
	if (c->backend == SG_BACKEND_INTERP)
		/* evaluators hold the lock that this needs, one after the other */
		return tiered ? sg_tier_emit(m, NULL) : SG_OK;
	if (c->backend == SG_BACKEND_JIT && sg_have_tcc())
		return SG_OK; /* which code depends on the data: see run.c */
	code = sg_code_of(m, c->backend, c->e, &c->why);
	if (!code)
		return c->why.status;
	c->code = *code;
	return SG_OK;
}

static int
no_entry(sg_call *c, const char *name)
{
	const sg_model *m = c->m;
	const char **names = calloc(m->nentries + 1, sizeof *names), *near = NULL;

	for (size_t i = 0; names && i < m->nentries; i++)
		names[i] = m->entry[i].pub.name;
	if (names)
		near = sg_did_you_mean(name, names, m->nentries);
	free(names);
	if (near)
		return sg_refuse(&c->why, SG_ENAME, "no entry '%s' (did you mean '%s'?)", name,
		                 near);
	return sg_refuse(&c->why, SG_ENAME, "no entry '%s'", name);
}

static int
open_call(sg_call *c, const char *entry)
{
	sg_model *m = c->m;
	const sg_entry *e;

	if (!m)
		return sg_refuse(&c->why, SG_EVALUE, "the model is NULL");
	if (m->status != SG_OK)
		return sg_refuse(&c->why, m->status, "%s", sg_strerror(m->status));
	if ((unsigned)c->backend > SG_BACKEND_TIERED)
		return sg_refuse(&c->why, SG_EVALUE, "the back end: expected one of sg_backend");
	e = sg_model_find(m, entry);
	if (!e)
		return no_entry(c, entry);
	c->e = sg_entry_of(m, e);
	c->ndims = sg_space_ndims(m->program->sp);
	if (!make_room(c))
		return sg_refuse(&c->why, SG_ENOMEM, "out of memory");
	if (!is_jit(c))
		return sg_on_model(m, choose_code, c, &c->why);
	c->backend = SG_BACKEND_JIT; /* without the stack that sg_on_model takes */
	return SG_OK;
}

sg_call *
sg_call_new(sg_model *m, const char *entry, sg_backend b)
{
	sg_call *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->m = m;
	c->backend = b;
	if (m)
		atomic_fetch_add(&m->holders, 1);
	c->status = open_call(c, entry);
	return c;
}

void
sg_call_free(sg_call *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->slot && i < c->nslots; i++)
		sg_slot_free(&c->slot[i]);
	free(c->slot);
	free(c->aside);
	free(c->args);
	free(c->order);
	free(c->given);
	free(c->value);
	free(c->known);
	free(c->dims);
	free(c->cdims);
	free(c->block);
	free(c->work);
	if (c->m)
		sg_model_drop(c->m);
	free(c);
}

/* As sg_call_usable, which keeps the sentence. */
static bool
is_usable(const sg_call *c)
{
	return c && c->status == SG_OK && !atomic_load_explicit(&c->m->freed, memory_order_relaxed);
}

int
sg_call_status(const sg_call *c)
{
	return is_usable(c) ? SG_OK : c && c->status != SG_OK ? c->status : SG_EVALUE;
}

const char *
sg_call_message(const sg_call *c)
{
	if (!c)
		return "the call is NULL";
	return c->status == SG_OK && !is_usable(c) ? SG_MODEL_GONE : c->why.text;
}

const sg_entry *
sg_call_entry(const sg_call *c)
{
	return is_usable(c) ? &c->e->pub : NULL;
}

sg_backend
sg_call_backend(const sg_call *c)
{
	return c ? c->backend : SG_BACKEND_AUTO;
}

/* ---- binding ---- */

/* "no input 'xx' (did you mean 'x'?)" */
static int
no_name(sg_call *c, const char *what, const char *name, size_t n, const char *const *names)
{
	const char *near = sg_did_you_mean(name, names, n);

	if (near)
		return sg_refuse(&c->why, SG_ENAME, "no %s '%s' (did you mean '%s'?)", what, name,
		                 near);
	return sg_refuse(&c->why, SG_ENAME, "no %s '%s' in entry '%s'", what, name, c->e->pub.name);
}

static int
no_slot(sg_call *c, const char *what, const char *name, size_t lo, size_t hi)
{
	const char **names = calloc(hi - lo + 1, sizeof *names);
	int status;

	for (size_t i = lo; names && i < hi; i++)
		names[i - lo] = sg_slot_arg(c, i)->name;
	status = no_name(c, what, name, names ? hi - lo : 0, names);
	free(names);
	return status;
}

/* An input of the model that the entry does not use; of its array only the shape is kept. */
static bool
put_aside(sg_call *c, const char *name, int rank, const int64_t *shape)
{
	const sg_program *p = c->m->program;

	/* from where the last one was found, for they mostly come in the order of the file */
	for (size_t k = 0; k < p->ninputs; k++) {
		const size_t i = (c->next_aside + k) % p->ninputs;

		if (strcmp(p->input[i].name, name) == 0) {
			c->next_aside = i + 1;
			c->aside[i].bound = rank == (int)p->input[i].shape->rank;
			if (c->aside[i].bound && rank > 0)
				memcpy(c->aside[i].shape, shape, (size_t)rank * sizeof *shape);
			c->prepared = false;
			return true;
		}
	}
	return false;
}

static const char *
role(const sg_argument *a)
{
	return a->role == SG_ROLE_INPUT ? "input" : a->role == SG_ROLE_PARAM ? "param" : "output";
}

static int
wrong_shape(sg_call *c, const sg_argument *a, int rank, const int64_t *shape)
{
	sg_line l = {.n = 0};

	sg_line_extents(&l, rank < SG_ARRAY_RANK ? rank : SG_ARRAY_RANK, shape);
	return sg_refuse(&c->why, SG_ESHAPE, "%s '%s': expected %s, got %s", role(a), a->name,
	                 a->shape, l.s);
}

/* Checks what can be checked of one array alone. */
static int
check_array(sg_call *c, const sg_argument *a, sg_dtype type, int rank, const int64_t *shape,
            const void *data)
{
	const size_t size = sg_dtype_size(a->type); /* a power of 2 */
	bool bad = rank != a->rank, empty = false;

	if (type != a->type)
		return sg_refuse(&c->why, SG_ETYPE, "%s '%s': expected %s, got %s", role(a),
		                 a->name, sg_dtype_name(a->type), sg_dtype_name(type));
	for (int k = 0; k < rank && k < SG_ARRAY_RANK; k++) {
		bad = bad || shape[k] < 0;
		empty = empty || shape[k] == 0;
	}
	if (bad)
		return wrong_shape(c, a, rank, shape);
	if (!data && !empty)
		return sg_refuse(&c->why, SG_EVALUE, "%s '%s': expected data, got NULL", role(a),
		                 a->name);
	if ((uintptr_t)data & (size - 1))
		return sg_refuse(&c->why, SG_EVALUE, "%s '%s': expected data aligned to %zu bytes",
		                 role(a), a->name, size);
	return SG_OK;
}

static void
unbind(sg_call *c, size_t i)
{
	c->slot[i].bound = false;
	c->slot[i].theirs = NULL;
	c->prepared = false;
}

static int
bind_slot(sg_call *c, size_t i, sg_dtype type, int rank, const int64_t *shape, void *data)
{
	sg_slot *s = &c->slot[i];
	size_t bytes = (size_t)(rank > 0 ? rank : 0) * sizeof *shape;
	int status;

	if (type == SG_DTYPE_NONE && rank == 0 && !data) {
		unbind(c, i);
		return SG_OK;
	}
	status = check_array(c, sg_slot_arg(c, i), type, rank, shape, data);
	if (status != SG_OK)
		return status;
	/* an array of the same shape in the place of another changes nothing else */
	if (!s->bound || (bytes && memcmp(s->shape, shape, bytes) != 0))
		c->prepared = false;
	if (bytes)
		memcpy(s->shape, shape, bytes);
	s->bound = true;
	c->apart = c->apart && s->theirs == data;
	s->theirs = data;
	s->array.data = c->args[i] = data;
	return SG_OK;
}

int
sg_call_bind(sg_call *c, const char *name, sg_dtype type, int rank, const int64_t *shape,
             const void *data)
{
	int status = sg_call_given(c, "input", name, rank, shape);
	size_t i;

	if (status != SG_OK)
		return status;
	i = sg_arg_named(c->e, false, name);
	if (i < c->nslots)
		return bind_slot(c, i, type, rank, shape,
		                 (void *)(uintptr_t)data); /* inputs are only read */
	if (put_aside(c, name, rank, shape))
		return SG_OK;
	return no_slot(c, "input", name, 0, c->e->pub.ninputs);
}

int
sg_call_bind_output(sg_call *c, const char *name, sg_dtype type, int rank, const int64_t *shape,
                    void *data)
{
	int status = sg_call_given(c, "output", name, rank, shape);
	size_t i;

	if (status != SG_OK)
		return status;
	i = sg_arg_named(c->e, true, name);
	if (i == c->nslots)
		return no_slot(c, "output", name, c->e->pub.ninputs, c->nslots);
	return bind_slot(c, i, type, rank, shape, data);
}

/* Argument i of the entry, which is to be one of [lo, hi). */
static int
bind_at(sg_call *c, const char *what, size_t i, size_t lo, size_t hi, sg_dtype type, int rank,
        const int64_t *shape, void *data)
{
	int status;

	if (lo == hi)
		return sg_refuse(&c->why, SG_EVALUE, "argument %zu is no %s: entry '%s' has none",
		                 i, what, c->e->pub.name);
	if (i < lo || i >= hi)
		return sg_refuse(&c->why, SG_EVALUE,
		                 "argument %zu is no %s: those of entry '%s' are %zu to %zu", i,
		                 what, c->e->pub.name, lo, hi - 1);
	status = sg_call_given(c, what, sg_slot_arg(c, i)->name, rank, shape);
	return status == SG_OK ? bind_slot(c, i, type, rank, shape, data) : status;
}

int
sg_call_bind_at(sg_call *c, size_t i, sg_dtype type, int rank, const int64_t *shape,
                const void *data)
{
	int status = sg_call_usable(c);

	if (status != SG_OK)
		return status;
	return bind_at(c, "input", i, 0, c->e->pub.ninputs, type, rank, shape,
	               (void *)(uintptr_t)data); /* inputs are only read */
}

int
sg_call_bind_output_at(sg_call *c, size_t i, sg_dtype type, int rank, const int64_t *shape,
                       void *data)
{
	int status = sg_call_usable(c);

	if (status != SG_OK)
		return status;
	return bind_at(c, "output", i, c->e->pub.ninputs, c->nslots, type, rank, shape, data);
}

int
sg_call_set_dim(sg_call *c, const char *name, int64_t value)
{
	int status = sg_call_usable(c);
	const sg_space *sp;

	if (status != SG_OK)
		return status;
	if (!name)
		return sg_refuse(&c->why, SG_EVALUE,
		                 "a dimension without a name: expected one, got NULL");
	sp = c->m->program->sp;
	if (value < -1)
		return sg_refuse(&c->why, SG_EVALUE, "dimension '%s': %lld is negative", name,
		                 (long long)value);
	for (uint32_t d = 0; d < c->ndims; d++)
		if (strcmp(sg_space_dim(sp, d)->name, name) == 0) {
			c->given[d] = value;
			c->prepared = false;
			return SG_OK;
		}
	return no_name(c, "dimension", name, c->e->pub.ndims, c->e->pub.dims);
}

int
sg_call_bind_work(sg_call *c, void *work, size_t bytes)
{
	int status = sg_call_usable(c);

	if (status != SG_OK)
		return status;
	if ((uintptr_t)work % 64 != 0)
		return sg_refuse(&c->why, SG_EVALUE,
		                 "the workspace: expected memory aligned to 64 bytes");
	c->lent = work;
	c->lent_bytes = work ? bytes : 0;
	c->prepared = c->apart = false;
	return SG_OK;
}

/* ---- what is bound ---- */

static bool
is_ready(const sg_call *c)
{
	return is_usable(c) && c->prepared;
}

const sg_array *
sg_call_array(const sg_call *c, size_t i)
{
	return is_ready(c) && i < c->nslots ? &c->slot[i].array : NULL;
}

const sg_array *
sg_call_input(const sg_call *c, const char *name)
{
	if (!is_ready(c) || !name)
		return NULL;
	return sg_call_array(c, sg_arg_named(c->e, false, name));
}

const sg_array *
sg_call_output(const sg_call *c, const char *name)
{
	if (!is_ready(c) || !name)
		return NULL;
	return sg_call_array(c, sg_arg_named(c->e, true, name));
}

const int64_t *
sg_call_dims(const sg_call *c)
{
	return is_ready(c) ? c->dims : NULL;
}
