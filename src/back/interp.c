/* interp.c - the reference evaluator: one forward walk over the nodes that are needed.
 *
 * Values stand outside the arena, each in a block of its own that goes after the last use, so that
 * a long graph needs no more memory than its widest part, and a call leaves nothing behind. Nothing
 * here writes to the program or its space: many threads may evaluate one program, each with a
 * context of its own. The body of a loop is a graph whose inputs are the params and what stands
 * outside; it is walked once for each step. What only one side of a branch needs is evaluated
 * where that side is taken (pass/guard.c). */
#include "back/body.h"
#include "pass/guard.h"

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
	uint32_t *all_uses;      /* by node: those of a whole walk */
	const sg_tensor **args;  /* of the node at hand */
	struct loop **loop;      /* by node; NULL where none has run; NULL: none at all */
	const sg_guards *guards; /* NULL: nothing waits for a condition */
	uint8_t *truth;          /* by node: of a condition of guards, once it is known: 0 or 1 */
	struct run *around;      /* of whose loop this is a step; NULL: the call itself */
	sg_span failed; /* where the first node is from that did */
} run;

/* A function of the carries, of slices of the xs, and of values around the loop. */
typedef struct step {
	const sg_body *body;
	run run;
	const sg_tensor **in; /* of its inputs */
} step;

typedef struct loop {
	sg_loop l;
	step step, cond;
	sg_tensor **carry, **next; /* by carry: values before and after a step */
	sg_tensor *slice;          /* by xs */
	sg_tensor **stack;         /* stacked outs, or stacked carries */
	size_t nstacks;
	int64_t count; /* of the steps that were */
} loop;

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

static size_t
bytes_of(const sg_tensor *t)
{
	return (size_t)t->count * sg_type_size(t->type);
}

static void
free_all(sg_tensor **of, size_t n)
{
	for (size_t k = 0; of && k < n; k++) {
		free(of[k]);
		of[k] = NULL;
	}
}

static void
drop_results(loop *l)
{
	free_all(l->carry, l->l.nc);
	free_all(l->next, l->l.nc);
	free_all(l->stack, l->nstacks);
}

static void
drop(run *w, sg_ref r)
{
	if (w->g->node[r].op != SG_INPUT)
		free((void *)(uintptr_t)w->value[r]); /* ours, made by new_tensor */
	w->value[r] = NULL;
	if (w->loop && w->loop[r])
		drop_results(w->loop[r]);
}

static void
drop_values(run *w)
{
	for (uint32_t r = 1; w->value && r < w->g->n; r++)
		if (w->value[r])
			drop(w, r);
}

static void close_run(run *w);

static void
close_loop(loop *l)
{
	drop_results(l);
	close_run(&l->step.run);
	close_run(&l->cond.run);
	free(l->step.in);
	free(l->cond.in);
	free(l->carry);
	free(l->next);
	free(l->slice);
	free(l->stack);
	free(l);
}

static void
close_run(run *w)
{
	drop_values(w);
	for (uint32_t r = 1; w->loop && r < w->g->n; r++)
		if (w->loop[r])
			close_loop(w->loop[r]);
	free(w->loop);
	free(w->value);
	free(w->uses);
	free(w->all_uses);
	free(w->truth);
	free(w->args);
}

static _Noreturn void
no_memory(run *w)
{
	sg_ctx *ctx = w->ctx;

	while (w->around)
		w = w->around;
	close_run(w);
	sg_raise(ctx, SG_FAULT_MEMORY, "out of memory");
}

static void *
zeros(run *w, size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (!p)
		no_memory(w);
	return p;
}

static sg_tensor *
need_tensor(run *w, const sg_tensor *shape)
{
	sg_tensor *t = new_tensor(shape);

	if (!t)
		no_memory(w);
	return t;
}

/* ---- what is needed ---- */

static bool
is_loop(const sg_node *n)
{
	return n->op == SG_SCAN || n->op == SG_WHILE;
}

/* Counts uses from the roots down: operands come before users, so one backward walk will do. */
static void
count_uses(run *w, size_t nout, const sg_ref *ref)
{
	for (size_t i = 0; i < nout; i++)
		w->all_uses[ref[i]]++;
	for (uint32_t r = w->g->n - 1; r > 0; r--) {
		const sg_node *n = sg_node_at(w->g, r);
		const uint32_t nargs = w->all_uses[r] ? sg_data_args(n) : 0;

		for (uint32_t k = 0; k < nargs; k++)
			w->all_uses[n->args[k]]++;
	}
}

static uint32_t
most_operands(const run *w)
{
	uint32_t most = 1;

	for (uint32_t r = 1; r < w->g->n; r++)
		if (w->all_uses[r] && w->g->node[r].nargs > most)
			most = w->g->node[r].nargs;
	return most;
}

static bool
has_loops(const run *w)
{
	for (uint32_t r = 1; r < w->g->n; r++)
		if (w->all_uses[r] && is_loop(&w->g->node[r]))
			return true;
	return false;
}

/* w has ctx, g, dims, around. */
static void
open_run(run *w, size_t nout, const sg_ref *ref)
{
	w->value = zeros(w, w->g->n, sizeof *w->value);
	w->uses = zeros(w, w->g->n, sizeof *w->uses);
	w->all_uses = zeros(w, w->g->n, sizeof *w->all_uses);
	count_uses(w, nout, ref);
	w->args = zeros(w, most_operands(w), sizeof *w->args);
	w->guards = sg_guards_find(w->ctx, w->g, nout, ref, NULL);
	if (w->guards)
		w->truth = zeros(w, w->g->n, sizeof *w->truth);
	if (has_loops(w))
		w->loop = zeros(w, w->g->n, sizeof *w->loop);
}

/* ---- the walk ---- */

static int run_loop(run *w, sg_ref r);

/* Result k of a loop. */
static void
pick(run *w, sg_ref r, sg_tensor *out)
{
	const sg_node *n = sg_node_at(w->g, r);
	const loop *l = w->loop[n->args[0]];
	const uint32_t k = (uint32_t)n->attr->w[0], nc = l->l.nc;

	if (k < nc)
		memcpy(out->data, l->carry[k]->data, bytes_of(out));
	else if (l->l.op == SG_SCAN)
		memcpy(out->data, l->stack[k - nc]->data, bytes_of(out));
	else if (k == nc)
		*(int64_t *)out->data = l->count;
	else
		memcpy(out->data, l->stack[k - nc - 1]->data, bytes_of(out));
}

/* ---- branches ---- */

enum { UNKNOWN = 2 };

static bool
guard_holds(const run *w, uint32_t guard)
{
	for (; guard; guard = w->guards->at[guard].up)
		if (w->truth[w->guards->at[guard].cond] != (uint8_t)w->guards->at[guard].side)
			return false;
	return true;
}

/* The operand that a branch takes, or the one that decided an AND; 0: r is neither. */
static sg_ref
taken(const run *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	const uint32_t *side = w->guards ? w->guards->side[r] : NULL;

	if (w->guards && w->guards->known[r])
		return n->args[w->guards->known[r]];
	if (!side || !side[0])
		return 0;
	if (n->op == SG_AND)
		return guard_holds(w, side[0]) ? 0 : n->args[sg_and_test(w->g, r)];
	return n->args[guard_holds(w, side[0]) ? 1 : 2];
}

static void
note_truth(run *w, sg_ref r)
{
	if (w->guards && w->guards->is_cond[r] && w->value[r])
		w->truth[r] = *(const uint8_t *)w->value[r]->data != 0;
}

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
	w->value[r] = out = need_tensor(w, &shape);
	if (taken(w, r)) {
		memcpy(out->data, w->value[taken(w, r)]->data, bytes_of(out));
		return SGRT_OK;
	}
	if (is_loop(n))
		return run_loop(w, r);
	if (n->op == SG_PICK) {
		pick(w, r, out);
		return SGRT_OK;
	}
	for (uint32_t k = 0; k < n->nargs; k++)
		w->args[k] = w->value[n->args[k]];
	return sg_eval_node(w->ctx, w->g, r, w->dims, w->args, out);
}

static void
release_operands(run *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	const uint32_t nargs = sg_data_args(n);

	for (uint32_t k = 0; k < nargs; k++)
		if (--w->uses[n->args[k]] == 0)
			drop(w, n->args[k]);
}

/* What is not taken must have a shape all the same, as in machine code, which checks the dimensions
 * before it knows what is taken. */
static int
pass_by(const run *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	const sg_ext number = n->op == SG_DIM ? (sg_ext)n->attr->w[0] : 0;
	sg_tensor shape;
	int64_t v;

	if (n->op == SG_DIM && !sg_ext_wraps(w->g->sp, number) &&
	    !sg_ext_eval(w->g->sp, number, w->dims, &v))
		return SGRT_EDIM;
	return sg_tensor_shape(w->g, r, w->dims, &shape);
}

static int
visit(run *w, sg_ref r)
{
	int status;

	if (!w->guards || guard_holds(w, w->guards->of[r]))
		status = compute(w, r);
	else
		status = pass_by(w, r);
	if (status == SGRT_OK)
		note_truth(w, r);
	for (run *u = w; u && status != SGRT_OK; u = u->around)
		if (!u->failed.src)
			u->failed = w->g->span[r];
	release_operands(w, r);
	return status;
}

/* Values of the roots stay until they are dropped. */
static int
walk(run *w)
{
	int status = SGRT_OK;

	memcpy(w->uses, w->all_uses, w->g->n * sizeof *w->uses);
	if (w->truth)
		memset(w->truth, UNKNOWN, w->g->n);
	for (size_t i = 0; w->guards && status == SGRT_OK && i < w->guards->norder; i++)
		status = visit(w, w->guards->order[i]);
	for (uint32_t r = 1; !w->guards && status == SGRT_OK && r < w->g->n; r++)
		if (w->uses[r])
			status = visit(w, r);
	return status;
}

/* ---- loops ---- */

static void
open_step(run *w, step *s, const sg_loop *l, size_t nroots, const sg_ref *root)
{
	sg_ref *param = SG_NEW_ARRAY(w->ctx, sg_ref, l->nc + l->nx + 1);
	uint32_t *scratch = zeros(w, w->g->n, sizeof *scratch);
	const sg_cut cut = {.nroots = nroots,
	                    .nparams = l->nc + l->nx,
	                    .ncaps = l->ncap,
	                    .root = root,
	                    .param = param,
	                    .cap = l->cap};

	memcpy(param, l->cparam, l->nc * sizeof *param);
	if (l->nx)
		memcpy(param + l->nc, l->xparam, l->nx * sizeof *param);
	s->body = sg_body_cut(w->ctx, w->g, &cut, scratch);
	free(scratch);
	s->in = zeros(w, s->body->ninputs, sizeof *s->in);
	s->run = (run){.ctx = w->ctx, .g = s->body->g, .dims = w->dims, .in = s->in, .around = w};
	open_run(&s->run, nroots, s->body->root);
}

static loop *
open_loop(run *w, sg_ref r)
{
	loop *l = w->loop[r] = zeros(w, 1, sizeof *l);
	sg_ref *root;

	l->l = sg_loop_of(w->g, r);
	l->nstacks = l->l.op == SG_SCAN ? l->l.ns : l->l.tape ? l->l.nc : 0;
	l->carry = zeros(w, l->l.nc, sizeof *l->carry);
	l->next = zeros(w, l->l.nc, sizeof *l->next);
	l->slice = zeros(w, l->l.nx, sizeof *l->slice);
	l->stack = zeros(w, l->nstacks, sizeof *l->stack);
	root = SG_NEW_ARRAY(w->ctx, sg_ref, l->l.nc + l->l.ns + 1);
	if (l->l.nc)
		memcpy(root, l->l.next, l->l.nc * sizeof *root);
	if (l->l.ns)
		memcpy(root + l->l.nc, l->l.out, l->l.ns * sizeof *root);
	open_step(w, &l->step, &l->l, l->l.nc + l->l.ns, root);
	if (l->l.op == SG_WHILE)
		open_step(w, &l->cond, &l->l, 1, &l->l.cond);
	return l;
}

/* Row t of x. */
static sg_tensor
row(const sg_tensor *x, int64_t t)
{
	sg_tensor y = *x;

	y.rank--;
	y.count = 1;
	for (uint32_t k = 0; k < y.rank; k++)
		y.count *= y.ext[k] = x->ext[k + 1];
	y.data = (char *)x->data + (size_t)t * bytes_of(&y);
	return y;
}

/* What input i of the step is: a carry, a slice, or a value from around. */
static const sg_tensor *
operand(const run *w, const loop *l, sg_ref r)
{
	for (uint32_t k = 0; k < l->l.nc; k++)
		if (l->l.cparam[k] == r)
			return l->carry[k];
	for (uint32_t k = 0; k < l->l.nx; k++)
		if (l->l.xparam[k] == r)
			return &l->slice[k];
	return w->value[r];
}

static int
evaluate(run *w, loop *l, step *s)
{
	for (size_t i = 0; i < s->body->ninputs; i++)
		s->in[i] = operand(w, l, s->body->input[i]);
	return walk(&s->run);
}

static const sg_tensor *
root_of(const step *s, size_t i)
{
	return s->run.value[s->body->root[i]];
}

/* Step t; the carries are those after it. */
static int
run_step(run *w, loop *l, int64_t t)
{
	sg_tensor **old = l->carry;
	int status;

	for (uint32_t k = 0; k < l->l.nx; k++)
		l->slice[k] = row(w->value[l->l.xs[k]], t);
	for (size_t k = 0; l->l.op == SG_WHILE && k < l->nstacks; k++)
		memcpy(row(l->stack[k], t).data, l->carry[k]->data, bytes_of(l->carry[k]));
	status = evaluate(w, l, &l->step);
	for (uint32_t k = 0; status == SGRT_OK && k < l->l.nc; k++)
		memcpy(l->next[k]->data, root_of(&l->step, k)->data, bytes_of(l->next[k]));
	for (uint32_t k = 0; status == SGRT_OK && k < l->l.ns; k++)
		memcpy(row(l->stack[k], t).data, root_of(&l->step, l->l.nc + k)->data,
		       bytes_of(root_of(&l->step, l->l.nc + k)));
	drop_values(&l->step.run);
	l->carry = l->next;
	l->next = old;
	return status;
}

static int
holds(run *w, loop *l, bool *yes)
{
	const int status = evaluate(w, l, &l->cond);

	*yes = status == SGRT_OK && *(const uint8_t *)root_of(&l->cond, 0)->data;
	drop_values(&l->cond.run);
	return status;
}

/* Zeros for result r stacked `length` times. */
static int
open_stack(run *w, sg_tensor **stack, const sg_tensor *slice, int64_t length)
{
	sg_tensor shape = *slice;
	int64_t bytes;

	shape.rank++;
	shape.ext[0] = length;
	memcpy(shape.ext + 1, slice->ext, slice->rank * sizeof *shape.ext);
	if (__builtin_mul_overflow(slice->count, length, &shape.count) ||
	    __builtin_mul_overflow(shape.count, (int64_t)sg_type_size(shape.type), &bytes))
		return SGRT_EDIM;
	*stack = need_tensor(w, &shape);
	memset((*stack)->data, 0, bytes_of(*stack));
	return SGRT_OK;
}

static int
open_results(run *w, loop *l, int64_t length)
{
	int status = SGRT_OK;

	for (uint32_t k = 0; k < l->l.nc; k++) {
		const sg_tensor *init = w->value[l->l.init[k]];

		l->carry[k] = need_tensor(w, init);
		l->next[k] = need_tensor(w, init);
		memcpy(l->carry[k]->data, init->data, bytes_of(init));
	}
	for (size_t k = 0; status == SGRT_OK && k < l->nstacks; k++) {
		sg_tensor slice;

		if (l->l.op == SG_WHILE)
			slice = *l->carry[k];
		else
			status = sg_tensor_shape(w->g, l->l.out[k], w->dims, &slice);
		if (status == SGRT_OK)
			status = open_stack(w, &l->stack[k], &slice, length);
	}
	return status;
}

static int
run_scan(run *w, loop *l, int64_t length)
{
	const int64_t count = *(const int64_t *)w->value[l->l.count]->data;
	int status = SGRT_OK;

	if (count < 0 || count > length)
		return SGRT_EARG;
	for (int64_t i = 0; status == SGRT_OK && i < count; i++)
		status = run_step(w, l, l->l.reverse ? count - 1 - i : i);
	l->count = count;
	return status;
}

static int
run_while(run *w, loop *l, int64_t length)
{
	bool more;
	int status;

	for (l->count = 0;; l->count++) {
		status = holds(w, l, &more);
		if (status != SGRT_OK || !more)
			return status;
		if (l->l.limited && l->count >= length)
			return SGRT_ELIMIT;
		status = run_step(w, l, l->count);
		if (status != SGRT_OK)
			return status;
	}
}

static int
run_loop(run *w, sg_ref r)
{
	loop *l = w->loop[r] ? w->loop[r] : open_loop(w, r);
	int64_t length = 0;
	int status = SGRT_OK;

	if ((l->l.op == SG_SCAN || l->l.limited || l->l.tape) &&
	    (!sg_ext_eval(w->g->sp, l->l.length, w->dims, &length) || length < 0))
		return SGRT_EDIM;
	status = open_results(w, l, length);
	if (status != SGRT_OK)
		return status;
	return l->l.op == SG_SCAN ? run_scan(w, l, length) : run_while(w, l, length);
}

/* ---- a call ---- */

static void
copy_value(const sg_tensor *v, sg_tensor *out)
{
	void *data = out->data;

	*out = *v;
	out->data = data;
	if (v->count)
		memcpy(data, v->data, bytes_of(v));
}

int
sg_interp_at(sg_ctx *ctx, const sg_program *p, size_t nout, const sg_ref *ref, const int64_t *dims,
             const sg_tensor *const *in, sg_tensor *out, sg_span *at)
{
	run w = {.ctx = ctx, .g = p->g, .dims = dims, .in = in};
	int status;

	open_run(&w, nout, ref);
	status = walk(&w);
	for (size_t i = 0; status == SGRT_OK && i < nout; i++)
		copy_value(w.value[ref[i]], &out[i]);
	close_run(&w);
	*at = w.failed;
	return status;
}

int
sg_interp(sg_ctx *ctx, const sg_program *p, size_t nout, const sg_ref *ref, const int64_t *dims,
          const sg_tensor *const *in, sg_tensor *out)
{
	sg_span at;

	return sg_interp_at(ctx, p, nout, ref, dims, in, out, &at);
}
