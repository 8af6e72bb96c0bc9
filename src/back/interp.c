/* interp.c - the reference evaluator: one forward walk over the nodes that are needed.
 *
 * Values stand outside the arena, each in a block of its own that goes after the last use, so that
 * a long graph needs no more memory than its widest part, and a call leaves nothing behind. Nothing
 * here writes to the program or its space: many threads may evaluate one program, each with a
 * context of its own. */
#include "back/back.h"

#include <stdlib.h>
#include <string.h>

#include "symgrad_runtime.h"

typedef struct run {
	sg_ctx *ctx;
	const sg_graph *g;
	const int64_t *dims;
	const sg_tensor *const *in;
	const sg_tensor **value; /* by node: NULL before it is computed, and after its last use */
	uint32_t *uses;          /* by node: uses still to come; 0: not needed */
	const sg_tensor **args;  /* of the node at hand */
} run;

/* ---- blocks ---- */

/* A tensor with room for its elements behind it; NULL without memory. shape: type, extents, count.
 */
static sg_tensor *
new_tensor(const sg_tensor *shape)
{
	size_t head = (sizeof(sg_tensor) + 63) & ~(size_t)63;
	size_t bytes = (size_t)shape->count * sg_type_size(shape->type);
	sg_tensor *t = bytes <= PTRDIFF_MAX - head ? malloc(head + bytes) : NULL;

	if (t) {
		*t = *shape;
		t->data = (char *)t + head;
	}
	return t;
}

static void
drop(run *w, sg_ref r)
{
	if (w->g->node[r].op != SG_INPUT)
		free((void *)(uintptr_t)w->value[r]); /* ours, made by new_tensor */
	w->value[r] = NULL;
}

static void
close_run(run *w)
{
	for (uint32_t r = 1; w->value && r < w->g->n; r++)
		if (w->value[r])
			drop(w, r);
	free(w->value);
	free(w->uses);
	free(w->args);
}

static _Noreturn void
no_memory(run *w)
{
	close_run(w);
	sg_raise(w->ctx, SG_FAULT_MEMORY, "out of memory");
}

/* ---- what is needed ---- */

/* Counts uses from the roots down: operands come before users, so one backward walk will do. */
static void
count_uses(run *w, size_t nout, const sg_ref *ref)
{
	for (size_t i = 0; i < nout; i++)
		w->uses[ref[i]]++;
	for (uint32_t r = w->g->n - 1; r > 0; r--) {
		const sg_node *n = sg_node_at(w->g, r);

		for (uint32_t k = 0; w->uses[r] && k < n->nargs; k++)
			w->uses[n->args[k]]++;
	}
}

/* ---- the walk ---- */

static int
compute(run *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	sg_tensor shape, *out;
	int status;

	if (n->op == SG_INPUT) {
		w->value[r] = w->in[n->attr->w[0]];
		return w->value[r] ? SGRT_OK : SGRT_EARG;
	}
	status = sg_tensor_shape(w->g, r, w->dims, &shape);
	if (status != SGRT_OK)
		return status;
	out = new_tensor(&shape);
	if (!out)
		no_memory(w);
	w->value[r] = out;
	for (uint32_t k = 0; k < n->nargs; k++)
		w->args[k] = w->value[n->args[k]];
	return sg_eval_node(w->ctx, w->g, r, w->dims, w->args, out);
}

static void
release_operands(run *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);

	for (uint32_t k = 0; k < n->nargs; k++)
		if (--w->uses[n->args[k]] == 0)
			drop(w, n->args[k]);
}

static uint32_t
most_operands(const run *w)
{
	uint32_t most = 1;

	for (uint32_t r = 1; r < w->g->n; r++)
		if (w->uses[r] && w->g->node[r].nargs > most)
			most = w->g->node[r].nargs;
	return most;
}

static int
walk(run *w)
{
	int status = SGRT_OK;

	w->args = calloc(most_operands(w), sizeof *w->args);
	if (!w->args)
		no_memory(w);
	for (uint32_t r = 1; status == SGRT_OK && r < w->g->n; r++)
		if (w->uses[r]) {
			status = compute(w, r);
			release_operands(w, r);
		}
	return status;
}

static void
copy_value(const sg_tensor *v, sg_tensor *out)
{
	void *data = out->data;

	*out = *v;
	out->data = data;
	if (v->count)
		memcpy(data, v->data, (size_t)v->count * sg_type_size(v->type));
}

int
sg_interp(sg_ctx *ctx, const sg_program *p, size_t nout, const sg_ref *ref, const int64_t *dims,
          const sg_tensor *const *in, sg_tensor *out)
{
	run w = {.ctx = ctx, .g = p->g, .dims = dims, .in = in};
	int status;

	w.value = calloc(p->g->n, sizeof *w.value);
	w.uses = calloc(p->g->n, sizeof *w.uses);
	if (!w.value || !w.uses)
		no_memory(&w);
	count_uses(&w, nout, ref);
	status = walk(&w);
	for (size_t i = 0; status == SGRT_OK && i < nout; i++)
		copy_value(w.value[ref[i]], &out[i]);
	close_run(&w);
	return status;
}
