/* call.h - private to floor 6: what stands behind a call object. */
#ifndef SG_API_CALL_H
#define SG_API_CALL_H

#include "api/api.h"

/* One argument: where its array comes from. */
typedef struct sg_slot {
	sg_array array; /* valid once the call is prepared */
	bool bound;     /* by the user, with the shape below */
	int64_t shape[SG_ARRAY_RANK];
	void *theirs;     /* the user's array; inputs are only read */
	void *own;        /* ours, for an output or a default */
	size_t own_bytes; /* its size */
	bool in_block;    /* it is part of the call's block */
} sg_slot;

/* An array that the entry does not use; its shape may still say what a dimension is. */
typedef struct sg_aside {
	bool bound;
	int64_t shape[SG_ARRAY_RANK];
} sg_aside;

struct sg_call {
	sg_model *m;
	const sg_entry_data *e; /* NULL: not usable, and then `status` says why */
	int status;
	sg_backend backend;
	sg_code_entry code; /* of JIT and CC; of JIT once the call is prepared */
	bool wide;          /* it is the one with threads */
	bool tiered;        /* there may be better code by and by */
	bool started;       /* whose making this call has begun */
	sg_slot *slot; /* as in sg_entry.args */
	size_t nslots;
	size_t next_aside;
	sg_aside *aside; /* by input of the program: bound, though the entry does not use it */
	uint32_t ndims;  /* of the space, not of the entry */
	int64_t *given; /* by dimension: what sg_call_set_dim said, or -1 */
	int64_t *value; /* by dimension, once prepared */
	bool *known;
	int64_t *dims; /* of the entry, in its order */
	ptrdiff_t *cdims;
	void **args; /* of the uniform call */
	size_t *order; /* slots by the addresses of their arrays, as they were when last looked at */
	void *block; /* that arrays of ours lie in, where they are large together */
	void *work;  /* ours, aligned to 64 */
	size_t work_bytes;
	void *lent; /* the caller's workspace; NULL: ours is used */
	size_t lent_bytes;
	bool prepared;
	bool apart; /* no output overlaps anything: asked anew when an array has changed */
	sg_failure why;
};

#define SG_MODEL_GONE "the model of this call was freed"

/* guard.c: what callers do wrong.
 * SG_OK where the call and its model can be used. */
int sg_call_usable(sg_call *c);
/* Is what was given for one array of this name fit to be looked at? */
int sg_call_given(sg_call *c, const char *what, const char *name, int rank, const int64_t *shape);
int sg_call_check_apart(sg_call *c);

/* made_up.c: uniform in [0.1, 0.9), which is inside the domain of most functions; and random
 * elements of an input, floats as that, or less where they are a layer's weights, integers 0 or 1.
 */
double sg_random_number(uint64_t *state);
void sg_fill(uint64_t *state, const sg_input *in, sg_tensor *t);
/* run.c: room of our own for an array of so many bytes. NULL without memory. */
void *sg_slot_room(sg_slot *s, size_t bytes);
void sg_slot_free(sg_slot *s);
/* dims.c: values of all dimensions that follow from the bindings, all shapes checked. */
int sg_infer_dims(sg_call *c);
int sg_solve_dims(sg_call *c); /* as far as the bound inputs tell, nothing checked */
const sg_argument *sg_slot_arg(const sg_call *c, size_t i);
const sg_input *sg_slot_input(const sg_call *c, size_t i);
sg_tensor sg_tensor_of(const sg_array *a); /* the same data */
/* Evaluates nodes of the program with the evaluator into the slots' own arrays. */
int sg_call_interp(sg_call *c, size_t n, const sg_ref *ref, const size_t *slot);

#endif
