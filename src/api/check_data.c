/* check_data.c - data for the gradient check: what a call is bound to, and random numbers for the
 * rest. */
#include "api/proof.h"

#include <string.h>

static void
copy_bindings(sg_call *to, const sg_call *from)
{
	for (size_t i = 0; i < from->e->pub.ninputs; i++) {
		to->slot[i].bound = from->slot[i].bound;
		to->slot[i].theirs = from->slot[i].theirs;
		memcpy(to->slot[i].shape, from->slot[i].shape, sizeof to->slot[i].shape);
	}
	for (size_t i = 0; i < from->m->program->ninputs; i++)
		to->aside[i] = from->aside[i];
	if (from->ndims)
		memcpy(to->given, from->given, from->ndims * sizeof *from->given);
	to->prepared = false;
}

/* Dimensions that nothing fixes become least, least + 1, ... */
static int
choose_dims(sg_call *c, int64_t least)
{
	int status = sg_solve_dims(c);

	for (size_t i = 0; i < c->e->pub.ndims; i++) {
		uint32_t d = c->e->dim[i];

		if (!c->known[d]) {
			c->known[d] = true;
			c->value[d] = c->given[d] = least++;
		}
	}
	return status;
}

static int
make_up_inputs(sg_check_run *r)
{
	sg_call *c = r->call;

	for (size_t i = 0; i < c->e->pub.ninputs; i++) {
		sg_slot *s = &c->slot[i];
		sg_tensor t;

		if (s->bound || sg_slot_arg(c, i)->has_default)
			continue;
		if (sg_tensor_shape(c->m->program->g, sg_slot_input(c, i)->ref, c->value, &t) != 0)
			return SG_ESHAPE;
		t.data = sg_alloc_array(r->ctx, (size_t)t.count, sg_type_size(t.type));
		sg_fill(&r->random, sg_slot_input(c, i), &t);
		s->bound = true;
		s->theirs = t.data;
		memcpy(s->shape, t.ext, sizeof s->shape);
	}
	return SG_OK;
}

int
sg_check_data(sg_check_run *r, const sg_call *from)
{
	static const int64_t least[] = {3, 5, 9, 17};
	int status = SG_OK;

	for (size_t k = 0; k < sizeof least / sizeof *least; k++) {
		copy_bindings(r->call, from);
		pthread_rwlock_rdlock(&r->call->m->lock);
		status = choose_dims(r->call, least[k]);
		if (status == SG_OK)
			status = make_up_inputs(r);
		pthread_rwlock_unlock(&r->call->m->lock);
		if (status == SG_OK)
			status = sg_call_prepare(r->call);
		if (status != SG_ESHAPE)
			break;
	}
	return status;
}
