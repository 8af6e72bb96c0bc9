/* run.c - a call made ready, and made. */
#define _DEFAULT_SOURCE 1 /* madvise */

#include "api/call.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { WIDE = 1 << 18 }; /* bytes of data from which threads are thought of */

/* Memory of some size is touched by pages of 2 MiB: a first call takes a fault for each page, and one of
 * these takes it as long as a hundred of the usual ones. */
enum { HUGE_PAGE = 2 << 20, LARGE = 768 << 10, REST = 512 << 10 };

/* ---- memory ---- */

static void *
aligned(size_t bytes)
{
	const bool huge = bytes >= LARGE;
	void *p;

	if (huge && bytes % HUGE_PAGE >= REST && bytes < SIZE_MAX - HUGE_PAGE)
		bytes += HUGE_PAGE - bytes % HUGE_PAGE;
	if (posix_memalign(&p, huge ? HUGE_PAGE : 64, bytes ? bytes : 1) != 0)
		return NULL;
#ifdef MADV_HUGEPAGE
	if (huge)
		(void)madvise(p, bytes / HUGE_PAGE * HUGE_PAGE,
		              MADV_HUGEPAGE); /* if it can be had */
#endif
	return p;
}

void
sg_slot_free(sg_slot *s)
{
	if (!s->in_block)
		free(s->own);
	s->own = NULL;
	s->own_bytes = 0;
	s->in_block = false;
}

void *
sg_slot_room(sg_slot *s, size_t bytes)
{
	if (!s->own || s->own_bytes < bytes) {
		sg_slot_free(s);
		s->own = aligned(bytes);
		s->own_bytes = s->own ? bytes : 0;
	}
	return s->own;
}

static size_t
slot_size(const sg_slot *s)
{
	return (size_t)s->array.count * sg_dtype_size(s->array.type);
}

/* Bytes of the arrays that the user did not give, each aligned to 64; 0: they all have room. */
static size_t
missing_room(const sg_call *c)
{
	size_t bytes = 0;
	bool missing = false;

	for (size_t i = 0; i < c->nslots; i++) {
		const size_t more = slot_size(&c->slot[i]);

		if (c->slot[i].bound)
			continue;
		missing = missing || !c->slot[i].own || c->slot[i].own_bytes < more;
		if (more > SIZE_MAX / 2 - bytes)
			return 0; /* each by itself will tell */
		bytes += (more + 63) / 64 * 64;
	}
	return missing ? bytes : 0;
}

/* Arrays that are large together and not one by one lie in one block, so that its pages are large.
 * Without memory for it, each is asked for alone. */
static void
place_together(sg_call *c)
{
	const size_t bytes = missing_room(c);
	char *at;

	if (bytes < LARGE || !(at = aligned(bytes)))
		return;
	for (size_t i = 0; i < c->nslots; i++) {
		sg_slot *s = &c->slot[i];

		if (s->in_block || !s->bound)
			sg_slot_free(s);
		if (s->bound)
			continue;
		s->own = at;
		s->own_bytes = slot_size(s);
		s->in_block = true;
		at += (s->own_bytes + 63) / 64 * 64;
	}
	free(c->block);
	c->block = at - bytes;
}

/* Room of our own where the user gave no array. */
static int
place(sg_call *c, size_t i)
{
	sg_slot *s = &c->slot[i];
	const size_t bytes = slot_size(s);

	if (s->bound) {
		s->array.data = s->theirs;
	} else {
		if (!sg_slot_room(s, bytes))
			return sg_refuse(&c->why, SG_ENOMEM, "out of memory for '%s'",
			                 s->array.name);
		s->array.data = s->own;
	}
	c->args[i] = s->array.data;
	return SG_OK;
}

/* Bytes of inputs and outputs. */
static size_t
data_size(const sg_call *c)
{
	size_t bytes = 0;

	for (size_t i = 0; i < c->nslots; i++) {
		const size_t more = slot_size(&c->slot[i]);

		bytes = more > SIZE_MAX - bytes ? SIZE_MAX : bytes + more;
	}
	return bytes;
}

static int
find_jit_code(sg_model *m, void *arg)
{
	sg_call *c = arg;
	const sg_code_entry *code = c->wide ? sg_code_with_threads(m, c->e, &c->why)
	                                    : sg_code_of(m, SG_BACKEND_JIT, c->e, &c->why);

	if (!code)
		return c->why.status;
	c->code = *code;
	return SG_OK;
}

/* What another call has had made is taken without the stack that making takes. */
static bool
take_jit_code(sg_call *c)
{
	sg_model *m = c->m;
	const sg_code_entry *code;

	pthread_rwlock_rdlock(&m->lock);
	code = sg_code_there(m, c->wide, c->e);
	if (code)
		c->code = *code;
	pthread_rwlock_unlock(&m->lock);
	return code != NULL;
}

/* The JIT's code with threads where there may be work for them: by the data alone, so that the
 * number of threads changes no bit; and little work does not pay for it. */
static int
choose_jit_code(sg_call *c)
{
	bool wide = data_size(c) >= WIDE;

	if (c->backend != SG_BACKEND_JIT || (c->code.call && wide == c->wide))
		return SG_OK;
	c->wide = wide;
	c->code = (sg_code_entry){.fn = NULL};
	return take_jit_code(c) ? SG_OK : sg_on_model(c->m, find_jit_code, c, &c->why);
}

/* Bytes of workspace that code asks for. */
static int
work_size(sg_call *c, const sg_code_entry *code, size_t *bytes)
{
	int64_t n;
	bool fits;

	*bytes = 0;
	if (c->backend == SG_BACKEND_INTERP)
		return SG_OK;
	pthread_rwlock_rdlock(&c->m->lock);
	fits = sg_ext_eval(c->m->program->sp, code->work, c->value, &n) && n <= PTRDIFF_MAX;
	pthread_rwlock_unlock(&c->m->lock);
	if (!fits)
		return sg_refuse(&c->why, SG_ESIZE, "the workspace is too large");
	*bytes = (size_t)n;
	return SG_OK;
}

static int
place_work(sg_call *c)
{
	size_t bytes;
	int status = work_size(c, &c->code, &bytes);

	if (status != SG_OK)
		return status;
	if (c->lent && bytes > c->lent_bytes)
		return sg_refuse(&c->why, SG_EVALUE, "the workspace: expected %zu bytes, got %zu",
		                 bytes, c->lent_bytes);
	if (c->lent || bytes <= c->work_bytes)
		return SG_OK;
	free(c->work);
	c->work = aligned(bytes);
	c->work_bytes = c->work ? bytes : 0;
	return c->work ? SG_OK : sg_refuse(&c->why, SG_ENOMEM, "out of memory for the workspace");
}

static void *
work_of(const sg_call *c)
{
	return c->lent ? c->lent : c->work;
}

/* ---- the reference evaluator ---- */

typedef struct interp_task {
	const sg_call *c;
	sg_ctx *ctx;
	size_t n;
	const sg_ref *ref;
	const size_t *slot;
	int status;
	sg_span at; /* of what failed */
} interp_task;

sg_tensor
sg_tensor_of(const sg_array *a)
{
	sg_tensor t = {.type = (sg_type)(a->type - SG_DTYPE_F32),
	               .rank = (uint32_t)a->rank,
	               .count = a->count,
	               .data = a->data};

	memcpy(t.ext, a->shape, sizeof t.ext);
	return t;
}

static void
interpret(void *arg)
{
	interp_task *t = arg;
	const sg_call *c = t->c;
	const sg_program *p = c->m->program;
	const sg_tensor **in = SG_NEW_ARRAY(t->ctx, const sg_tensor *, p->ninputs);
	sg_tensor *given = SG_NEW_ARRAY(t->ctx, sg_tensor, c->e->pub.ninputs);
	sg_tensor *out = SG_NEW_ARRAY(t->ctx, sg_tensor, t->n);

	for (size_t i = 0; i < c->e->pub.ninputs; i++) {
		given[i] = sg_tensor_of(&c->slot[i].array);
		in[c->e->input[i]] = &given[i];
	}
	for (size_t i = 0; i < t->n; i++)
		out[i].data = c->slot[t->slot[i]].array.data;
	t->status = sg_interp_at(t->ctx, p, t->n, t->ref, c->value, in, out, &t->at);
}

static int
refuse_at(sg_call *c, int status, sg_span at)
{
	int line, column;

	if (!at.src)
		return sg_refuse(&c->why, status, "%s", sg_strerror(status));
	sg_span_place(at, &line, &column);
	return sg_refuse(&c->why, status, "%s, at %s:%d:%d", sg_strerror(status), at.src->name,
	                 line, column);
}

int
sg_call_interp(sg_call *c, size_t n, const sg_ref *ref, const size_t *slot)
{
	interp_task t = {.c = c, .ctx = sg_ctx_new(), .n = n, .ref = ref, .slot = slot};
	sg_fault fault;

	if (!t.ctx)
		return sg_refuse(&c->why, SG_ENOMEM, "out of memory");
	pthread_rwlock_rdlock(&c->m->lock);
	fault = sg_protect(t.ctx, interpret, &t);
	pthread_rwlock_unlock(&c->m->lock);
	if (fault != SG_FAULT_NONE)
		t.status = sg_refuse(&c->why, sg_status_of(fault), "%s", sg_fault_text(t.ctx));
	else if (t.status != SG_OK)
		refuse_at(c, t.status, t.at);
	sg_ctx_free(t.ctx);
	return t.status;
}

/* ---- defaults ---- */

static bool
wants_default(const sg_call *c, size_t i)
{
	return i < c->e->pub.ninputs && !c->slot[i].bound;
}

/* Evaluates the outputs, or the defaults that are wanted. */
static int
interp_slots(sg_call *c, bool outputs)
{
	const size_t ninputs = c->e->pub.ninputs;
	size_t n = 0, *slot = calloc(c->nslots + 1, sizeof *slot);
	sg_ref *ref = calloc(c->nslots + 1, sizeof *ref);
	int status = SG_ENOMEM;

	for (size_t i = 0; slot && ref && i < c->nslots; i++)
		if (outputs ? i >= ninputs : wants_default(c, i)) {
			slot[n] = i;
			ref[n++] =
			    outputs ? c->e->ir->out[i - ninputs].ref : sg_slot_input(c, i)->deflt;
		}
	if (slot && ref)
		status = sg_call_interp(c, n, ref, slot);
	else
		sg_refuse(&c->why, status, "out of memory");
	free(slot);
	free(ref);
	return status;
}

static int
defaults_by_code(sg_call *c)
{
	void **wanted = calloc(c->nslots + 1, sizeof *wanted);
	int status;

	if (!wanted)
		return sg_refuse(&c->why, SG_ENOMEM, "out of memory");
	for (size_t i = 0; i < c->nslots; i++)
		wanted[i] = wants_default(c, i) ? c->args[i] : NULL;
	status = c->code.defaults(c->cdims, wanted, work_of(c));
	free(wanted);
	if (status != SG_OK)
		sg_refuse(&c->why, status, "a default: %s", sg_strerror(status));
	return status;
}

static int
fill_defaults(sg_call *c)
{
	bool any = false;

	for (size_t i = 0; i < c->e->pub.ninputs; i++)
		any = any || wants_default(c, i);
	if (!any)
		return SG_OK;
	return c->code.defaults ? defaults_by_code(c) : interp_slots(c, false);
}

/* ---- the call ---- */

/* Dimensions, shapes, arrays and code, which say how much workspace there has to be. */
static int
lay_out(sg_call *c)
{
	int status;

	pthread_rwlock_rdlock(&c->m->lock);
	status = sg_infer_dims(c);
	pthread_rwlock_unlock(&c->m->lock);
	if (status != SG_OK)
		return status;
	for (size_t i = 0; i < c->e->pub.ndims; i++) {
		c->dims[i] = c->value[c->e->dim[i]];
		c->cdims[i] = (ptrdiff_t)c->dims[i];
	}
	place_together(c);
	for (size_t i = 0; status == SG_OK && i < c->nslots; i++)
		status = place(c, i);
	if (status == SG_OK)
		status = choose_jit_code(c);
	return status;
}

static int
prepare(sg_call *c)
{
	int status = lay_out(c);

	if (status == SG_OK)
		status = place_work(c);
	if (status == SG_OK)
		status =
		    sg_call_check_apart(c); /* before a default is written into the workspace */
	if (status == SG_OK)
		status = fill_defaults(c);
	c->prepared = status == SG_OK;
	return status;
}

int
sg_call_prepare(sg_call *c)
{
	int status = sg_call_usable(c);

	if (status != SG_OK)
		return status;
	if (!c->prepared)
		return prepare(c);
	return c->apart ? SG_OK : sg_call_check_apart(c);
}

int
sg_call_worksize(sg_call *c, size_t *bytes)
{
	int status = sg_call_usable(c);

	if (status != SG_OK)
		return status;
	if (!bytes)
		return sg_refuse(&c->why, SG_EVALUE, "expected a place for the size, got NULL");
	if (!c->prepared)
		status = lay_out(c);
	return status == SG_OK ? work_size(c, &c->code, bytes) : status;
}

/* What it needs more of workspace than the caller lends keeps the call at what it has. */
static int
take_better(sg_call *c, const sg_code_entry *better)
{
	const sg_backend before = c->backend;
	size_t bytes;
	int status;

	c->tiered = false;
	c->backend = SG_BACKEND_CC;
	status = work_size(c, better, &bytes);
	if (status == SG_OK && c->lent && bytes > c->lent_bytes) {
		c->backend = before;
		return SG_OK;
	}
	c->code = *better;
	return status == SG_OK ? place_work(c) : status;
}

/* From the first tier to the second, as soon as that is there. */
static int
follow_tier(sg_call *c)
{
	const sg_code_entry *better = sg_tier_code(c->m);

	if (!better) {
		if (!c->started)
			sg_tier_start(c->m);
		c->started = true;
		return SG_OK;
	}
	return take_better(c, &better[c->e - c->m->entry]);
}

int
sg_call_run(sg_call *c)
{
	int status = sg_call_prepare(c);

	if (status == SG_OK && c->tiered)
		status = follow_tier(c);
	if (status != SG_OK)
		return status;
	if (c->backend == SG_BACKEND_INTERP)
		return interp_slots(c, true);
	status = c->code.call(c->cdims, c->args, work_of(c));
	if (status != SG_OK)
		sg_refuse(&c->why, status, "%s", sg_strerror(status));
	return status;
}

int
sg_call_locate(sg_call *c, int64_t most)
{
	sg_figures f;
	sg_failure why;
	int status = sg_call_usable(c);

	if (status != SG_OK)
		return status;
	if (!c->prepared || c->backend == SG_BACKEND_INTERP)
		return c->why.status;
	status = sg_entry_figures(c->m, &c->e->pub, c->dims, &f, &why);
	if (status != SG_OK)
		return status;
	if (f.noperations < 0 || f.noperations > most)
		return SG_ESIZE;
	return interp_slots(c, true);
}
