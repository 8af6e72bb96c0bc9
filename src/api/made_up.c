/* made_up.c - random numbers for inputs that nobody gave. */
#include "api/call.h"

#include <string.h>

/* SplitMix64 (Steele, Lea, Flood 2014). */
double
sg_random_number(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return 0.1 + 0.8 * ((double)(z >> 11) * 0x1p-53);
}

static void
fill(uint64_t *state, sg_tensor *t, double scale)
{
	float *f = t->data;
	double *d = t->data;

	if (t->type == SG_F32)
		for (int64_t k = 0; k < t->count; k++)
			f[k] = (float)(scale * sg_random_number(state));
	else if (t->type == SG_F64)
		for (int64_t k = 0; k < t->count; k++)
			d[k] = scale * sg_random_number(state);
	else
		for (int64_t k = 0; k < t->count; k++)
			sg_tensor_set(t, k, sg_random_number(state) > 0.5);
}

/* Numbers of about 1, of which a layer of a net sums hundreds, would saturate all that follows:
 * weights shrink with the number of their kind that meet in one sum, along the one axis or along
 * all others. */
static double
weight_scale(const sg_tensor *t)
{
	const int64_t others = t->ext[0] > 0 ? t->count / t->ext[0] : 0;
	const int64_t summed = t->ext[0] > others ? t->ext[0] : others;

	return summed > 8 ? 8.0 / (double)summed : 1;
}

void
sg_fill(uint64_t *state, const sg_input *in, sg_tensor *t)
{
	fill(state, t, in->is_param && t->rank > 1 ? weight_scale(t) : 1);
}

/* The shape that an input has; the lock is held for reading. */
static int
find_shape(sg_call *c, size_t i, sg_tensor *t)
{
	if (sg_tensor_shape(c->m->program->g, sg_slot_input(c, i)->ref, c->value, t) == SG_OK)
		return SG_OK;
	return sg_refuse(&c->why, SG_ESHAPE, "input '%s': %s can't be had", sg_slot_arg(c, i)->name,
	                 sg_slot_arg(c, i)->shape);
}

static int
make_up(sg_call *c, size_t i, uint64_t *state)
{
	sg_slot *s = &c->slot[i];
	sg_tensor t;
	int status;

	pthread_rwlock_rdlock(&c->m->lock);
	status = find_shape(c, i, &t);
	pthread_rwlock_unlock(&c->m->lock);
	if (status != SG_OK)
		return status;
	if (s->in_block) /* which goes when the call's arrays are laid out anew */
		sg_slot_free(s);
	t.data = sg_slot_room(s, (size_t)t.count * sg_type_size(t.type));
	if (!t.data)
		return sg_refuse(&c->why, SG_ENOMEM, "out of memory for '%s'",
		                 sg_slot_arg(c, i)->name);
	sg_fill(state, sg_slot_input(c, i), &t);
	memcpy(s->shape, t.ext, sizeof s->shape);
	s->bound = true;
	s->theirs = t.data;
	c->prepared = false;
	return SG_OK;
}

/* All dimensions, from what is bound. */
static int
find_dims(sg_call *c)
{
	int status;

	pthread_rwlock_rdlock(&c->m->lock);
	status = sg_solve_dims(c);
	pthread_rwlock_unlock(&c->m->lock);
	for (size_t i = 0; status == SG_OK && i < c->e->pub.ndims; i++)
		if (!c->known[c->e->dim[i]])
			status = sg_refuse(&c->why, SG_EMISSING, "dimension '%s' has no value",
			                   c->e->pub.dims[i]);
	return status;
}

int
sg_call_make_up(sg_call *c, uint64_t seed)
{
	int status = sg_call_usable(c);

	if (status == SG_OK)
		status = find_dims(c);
	for (size_t i = 0; status == SG_OK && i < c->e->pub.ninputs; i++)
		if (!c->slot[i].bound && !sg_slot_arg(c, i)->has_default)
			status = make_up(c, i, &seed);
	return status;
}
