/* dims.c - what the shapes of a call's arrays say about its dimensions (LANGUAGE, "Extents and
 * dimensions"): bare dimensions bind in the order of the inputs, then what is affine in one unknown
 * dimension is solved, as long as that finds something, and at last everything is checked. */
#include "api/call.h"

#include <string.h>

const sg_argument *
sg_slot_arg(const sg_call *c, size_t i)
{
	return &c->e->pub.args[i];
}

const sg_input *
sg_slot_input(const sg_call *c, size_t i)
{
	return &c->m->program->input[c->e->input[i]];
}

/* The declared shape of argument i. */
static const sg_shape *
declared(const sg_call *c, size_t i)
{
	size_t ninputs = c->e->pub.ninputs;

	if (i < ninputs)
		return sg_slot_input(c, i)->shape;
	return sg_node_at(c->m->program->g, c->e->ir->out[i - ninputs].ref)->shape;
}

static const char *
role(const sg_call *c, size_t i)
{
	static const char *const names[] = {"input", "param", "output"};

	return names[sg_slot_arg(c, i)->role];
}

/* ---- finding values ---- */

static void
start_from_given(sg_call *c)
{
	for (uint32_t d = 0; d < c->ndims; d++) {
		c->known[d] = c->given[d] >= 0;
		c->value[d] = c->known[d] ? c->given[d] : 0;
	}
}

static void
bind_bare(sg_call *c, const int64_t *extent, const sg_shape *shape)
{
	uint32_t d;

	for (uint32_t k = 0; k < shape->rank; k++)
		if (sg_ext_as_dim(c->m->program->sp, shape->ext[k], &d) && !c->known[d]) {
			c->known[d] = true;
			c->value[d] = extent[k];
		}
}

/* ", with N = 3" for the known dimensions of extent e. */
static void
add_values(sg_line *l, const sg_call *c, sg_ext e)
{
	const sg_space *sp = c->m->program->sp;
	const char *before = " with ";

	for (uint32_t d = 0; d < c->ndims; d++)
		if (c->known[d] && sg_ext_uses(sp, e, d)) {
			sg_line_add(l, "%s%s = %lld", before, sg_space_dim(sp, d)->name,
			            (long long)c->value[d]);
			before = ", ";
		}
}

/* "input 'x': expected [N, 10], got [3, 9]": axis k is the one that does not fit. */
static int
mismatch(sg_call *c, size_t i, uint32_t k)
{
	const sg_argument *a = sg_slot_arg(c, i);
	sg_line l = {.n = 0};

	sg_line_add(&l, "%s '%s': expected %s", role(c, i), a->name, a->shape);
	add_values(&l, c, declared(c, i)->ext[k]);
	sg_line_add(&l, ", got ");
	sg_line_extents(&l, a->rank, c->slot[i].shape);
	return sg_refuse(&c->why, SG_ESHAPE, "%s", l.s);
}

/* Solves what can be solved in the shape of one input: 1 something new, 0 nothing, -1 impossible.
 */
static int
solve_shape(sg_call *c, size_t i)
{
	const sg_space *sp = c->m->program->sp;
	const sg_shape *shape = declared(c, i);
	int found = 0;

	for (uint32_t k = 0; k < shape->rank; k++)
		for (uint32_t d = 0; d < c->ndims; d++) {
			int r = c->known[d] ? 0
			                    : sg_ext_solve(sp, shape->ext[k], d, c->value, c->known,
			                                   c->slot[i].shape[k], &c->value[d]);

			if (r < 0) {
				(void)mismatch(c, i, k);
				return -1;
			}
			if (r > 0)
				found = c->known[d] = true;
		}
	return found;
}

static int
solve_all(sg_call *c)
{
	for (int found = 1; found > 0;) {
		found = 0;
		for (size_t i = 0; i < c->e->pub.ninputs; i++) {
			int r = c->slot[i].bound ? solve_shape(c, i) : 0;

			if (r < 0)
				return SG_ESHAPE;
			found |= r;
		}
	}
	return SG_OK;
}

/* Solves what the shape of an input can tell that the entry does not use; what contradicts it is no
 * matter of this entry. */
static bool
solve_aside(sg_call *c, const sg_shape *shape, const int64_t *extent)
{
	const sg_space *sp = c->m->program->sp;
	bool found = false;

	for (uint32_t k = 0; k < shape->rank; k++)
		for (uint32_t d = 0; d < c->ndims; d++)
			if (!c->known[d] && sg_ext_solve(sp, shape->ext[k], d, c->value, c->known,
			                                 extent[k], &c->value[d]) > 0)
				found = c->known[d] = true;
	return found;
}

static void
learn_from_asides(sg_call *c)
{
	const sg_program *p = c->m->program;
	bool found = true;

	for (size_t i = 0; i < p->ninputs; i++)
		if (c->aside[i].bound)
			bind_bare(c, c->aside[i].shape, p->input[i].shape);
	while (found) {
		found = false;
		for (size_t i = 0; i < p->ninputs; i++)
			found |= c->aside[i].bound &&
			         solve_aside(c, p->input[i].shape, c->aside[i].shape);
	}
}

/* ---- checking ---- */

static int
missing_inputs(sg_call *c)
{
	for (size_t i = 0; i < c->e->pub.ninputs; i++) {
		const sg_argument *a = sg_slot_arg(c, i);

		if (!c->slot[i].bound && !a->has_default)
			return sg_refuse(&c->why, SG_EMISSING, "%s '%s' is missing: %s%s%s",
			                 role(c, i), a->name, sg_dtype_name(a->type),
			                 a->rank ? " " : "", a->rank ? a->shape : "");
	}
	return SG_OK;
}

static int
missing_dims(sg_call *c)
{
	for (size_t i = 0; i < c->e->pub.ndims; i++)
		if (!c->known[c->e->dim[i]])
			return sg_refuse(
			    &c->why, SG_EMISSING,
			    "dimension '%s' does not follow from the inputs: give it a value",
			    c->e->pub.dims[i]);
	return SG_OK;
}

static int
no_extent(sg_call *c, size_t i, uint32_t k, const char *why)
{
	const sg_argument *a = sg_slot_arg(c, i);
	sg_line l = {.n = 0};

	add_values(&l, c, declared(c, i)->ext[k]);
	return sg_refuse(&c->why, SG_ESHAPE, "%s '%s': extent %s %s%s", role(c, i), a->name,
	                 a->extents[k], why, l.s);
}

/* The shape of argument i for the known dimensions; a bound array must have it. */
static int
check_shape(sg_call *c, size_t i)
{
	const sg_space *sp = c->m->program->sp;
	const sg_argument *a = sg_slot_arg(c, i);
	const sg_shape *shape = declared(c, i);
	sg_array *out = &c->slot[i].array;
	int64_t bytes;

	*out = (sg_array){.name = a->name, .type = a->type, .rank = a->rank, .count = 1};
	for (uint32_t k = 0; k < shape->rank; k++) {
		if (!sg_ext_eval(sp, shape->ext[k], c->value, &out->shape[k]))
			return no_extent(c, i, k, "can't be computed");
		if (out->shape[k] < 0)
			return no_extent(c, i, k, "is negative");
		if (c->slot[i].bound && c->slot[i].shape[k] != out->shape[k])
			return mismatch(c, i, k);
		if (__builtin_mul_overflow(out->count, out->shape[k], &out->count))
			return sg_refuse(&c->why, SG_ESIZE, "%s '%s' is too large", role(c, i),
			                 a->name);
	}
	if (__builtin_mul_overflow(out->count, (int64_t)sg_dtype_size(a->type), &bytes) ||
	    bytes > PTRDIFF_MAX)
		return sg_refuse(&c->why, SG_ESIZE, "%s '%s' is too large", role(c, i), a->name);
	return SG_OK;
}

/* Can extent e be evaluated? */
static bool
is_known(const sg_call *c, sg_ext e)
{
	for (uint32_t d = 0; d < c->ndims; d++)
		if (!c->known[d] && sg_ext_uses(c->m->program->sp, e, d))
			return false;
	return true;
}

static int
unmet(sg_call *c, const sg_demand *d)
{
	sg_line l = {.n = 0};
	int line;

	add_values(&l, c, d->ext);
	sg_span_place(d->at, &line, NULL);
	return sg_refuse(&c->why, SG_ESHAPE, "the shapes do not fit at %s:%d%s",
	                 d->at.src ? d->at.src->name : "the model", line, l.s);
}

static int
check_demand(sg_call *c, const sg_demand *d)
{
	const sg_space *sp = c->m->program->sp;
	int64_t v;

	if (!is_known(c, d->ext) || (sg_ext_eval(sp, d->ext, c->value, &v) && v >= 0))
		return SG_OK;
	return unmet(c, d);
}

/* What the entry asks, and what the model asks of every call. */
static int
check_demands(sg_call *c)
{
	const sg_program *p = c->m->program;
	const sg_entry_data *e = c->e;
	int status = SG_OK;

	for (size_t i = 0; status == SG_OK && i < e->ndemands; i++)
		status = check_demand(c, &e->demand[i]);
	for (size_t i = 0; status == SG_OK && i < p->ndemands; i++)
		status = check_demand(c, &p->demand[i]);
	return status;
}

int
sg_solve_dims(sg_call *c)
{
	start_from_given(c);
	for (size_t i = 0; i < c->e->pub.ninputs; i++)
		if (c->slot[i].bound)
			bind_bare(c, c->slot[i].shape, declared(c, i));
	const int status = solve_all(c);
	if (status != SG_OK)
		return status;
	learn_from_asides(c);
	return solve_all(c);
}

int
sg_infer_dims(sg_call *c)
{
	int status = missing_inputs(c);

	if (status == SG_OK)
		status = sg_solve_dims(c);
	if (status == SG_OK)
		status = missing_dims(c);
	for (size_t i = 0; status == SG_OK && i < c->nslots; i++)
		status = check_shape(c, i);
	return status == SG_OK ? check_demands(c) : status;
}
