/* guard.c - what a host can do wrong with a call: NULLs, a model that is gone, arrays that overlap,
 * strides that are not those of a contiguous array. */
#include "api/call.h"

#include <string.h>

int
sg_call_usable(sg_call *c)
{
	if (!c)
		return SG_EVALUE;
	if (c->status != SG_OK)
		return c->status;
	if (atomic_load_explicit(&c->m->freed, memory_order_relaxed))
		return sg_refuse(&c->why, SG_EVALUE, SG_MODEL_GONE);
	return SG_OK;
}

int
sg_call_given(sg_call *c, const char *what, const char *name, int rank, const int64_t *shape)
{
	int status = sg_call_usable(c);

	if (status != SG_OK)
		return status;
	if (!name)
		return sg_refuse(&c->why, SG_EVALUE, "an %s without a name: expected one, got NULL",
		                 what);
	if (rank > 0 && !shape)
		return sg_refuse(&c->why, SG_EVALUE, "%s '%s': expected %d extents, got NULL", what,
		                 name, rank);
	return SG_OK;
}

/* ---- arrays that overlap ---- */

static bool
overlap(const void *a, size_t na, const void *b, size_t nb)
{
	const uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;

	return na && nb && x < y + nb && y < x + na;
}

static size_t
bytes_of(const sg_array *a)
{
	return (size_t)a->count * sg_dtype_size(a->type);
}

static const char *
role(const sg_call *c, size_t i)
{
	static const char *const names[] = {"input", "param", "output"};

	return names[sg_slot_arg(c, i)->role];
}

static int
check_pair(sg_call *c, size_t out, size_t other)
{
	const sg_array *a = &c->slot[out].array, *b = &c->slot[other].array;

	if (!overlap(a->data, bytes_of(a), b->data, bytes_of(b)))
		return SG_OK;
	return sg_refuse(&c->why, SG_EVALUE,
	                 "output '%s' overlaps %s '%s': expected arrays that are apart", a->name,
	                 role(c, other), b->name);
}

static int
check_lent(sg_call *c, size_t i)
{
	const sg_array *a = &c->slot[i].array;

	if (!overlap(a->data, bytes_of(a), c->lent, c->lent_bytes))
		return SG_OK;
	return sg_refuse(&c->why, SG_EVALUE,
	                 "%s '%s' overlaps the workspace: expected arrays that are apart",
	                 role(c, i), a->name);
}

static uintptr_t
address(const sg_call *c, size_t slot)
{
	return (uintptr_t)c->slot[slot].array.data;
}

/* By insertion, for arrays that take the place of others mostly have the order of these. */
static void
sort_by_address(sg_call *c)
{
	for (size_t i = 1; i < c->nslots; i++) {
		const size_t slot = c->order[i];
		size_t k = i;

		for (; k > 0 && address(c, c->order[k - 1]) > address(c, slot); k--)
			c->order[k] = c->order[k - 1];
		c->order[k] = slot;
	}
}

/* Does any output overlap another array? Inputs may share memory: they are only read. */
static bool
outputs_overlap(sg_call *c)
{
	uintptr_t inputs = 0, outputs = 0; /* where those before end */

	sort_by_address(c);
	for (size_t i = 0; i < c->nslots; i++) {
		const size_t slot = c->order[i];
		const bool output = slot >= c->e->pub.ninputs;
		const uintptr_t from = address(c, slot), end = from + bytes_of(&c->slot[slot].array);
		uintptr_t *last = output ? &outputs : &inputs;

		if (end > from && (from < outputs || (output && from < inputs)))
			return true;
		*last = end > *last ? end : *last;
	}
	return false;
}

/* The first pair in the order of the arguments. */
static int
blame_pair(sg_call *c)
{
	int status = SG_OK;

	for (size_t i = c->e->pub.ninputs; i < c->nslots; i++)
		for (size_t k = 0; status == SG_OK && k < i; k++)
			status = check_pair(c, i, k);
	return status;
}

int
sg_call_check_apart(sg_call *c)
{
	int status = outputs_overlap(c) ? blame_pair(c) : SG_OK;

	for (size_t i = 0; status == SG_OK && c->lent && i < c->nslots; i++)
		status = check_lent(c, i);
	c->apart = status == SG_OK;
	return status;
}

/* ---- strides ---- */

/* The slot of an input, else of an output, of this name; nslots: none. */
static size_t
slot_of(const sg_call *c, const char *name)
{
	const size_t i = sg_arg_named(c->e, false, name);

	return i < c->nslots ? i : sg_arg_named(c->e, true, name);
}

/* Bytes between neighbours along each axis of a contiguous row-major array; false: too large. */
static bool
row_major(sg_dtype type, int rank, const int64_t *shape, int64_t *stride)
{
	int64_t step = (int64_t)sg_dtype_size(type);

	for (int k = rank - 1; k >= 0; k--) {
		stride[k] = step;
		if (__builtin_mul_overflow(step, shape[k] > 1 ? shape[k] : 1, &step))
			return false;
	}
	return true;
}

/* Along an axis of one element nothing is stepped, and of an array without elements nothing. */
static bool
fits(int rank, const int64_t *shape, const int64_t *is, const int64_t *want)
{
	bool ok = true;

	for (int k = 0; k < rank; k++) {
		if (shape[k] == 0)
			return true;
		ok = ok && (shape[k] == 1 || is[k] == want[k]);
	}
	return ok;
}

int
sg_call_check_strides(sg_call *c, const char *name, sg_dtype type, int rank, const int64_t *shape,
                      const int64_t *strides)
{
	int status = sg_call_given(c, "array", name, rank, shape);
	int64_t want[SG_ARRAY_RANK];
	sg_line l = {.n = 0};
	size_t i;

	if (status != SG_OK)
		return status;
	if (rank < 0 || rank > SG_ARRAY_RANK)
		return sg_refuse(&c->why, SG_ESHAPE, "'%s': expected 0 to %d axes, got %d", name,
		                 SG_ARRAY_RANK, rank);
	if (!strides || !row_major(type, rank, shape, want) || fits(rank, shape, strides, want))
		return SG_OK;
	i = slot_of(c, name);
	sg_line_add(&l, "%s '%s': expected strides of ", i < c->nslots ? role(c, i) : "input",
	            name);
	sg_line_extents(&l, rank, want);
	sg_line_add(&l, " bytes (row-major and contiguous), got ");
	sg_line_extents(&l, rank, strides);
	return sg_refuse(&c->why, SG_ESHAPE, "%s", l.s);
}
