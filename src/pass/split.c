/* split.c - small tensors of a program become scalars.
 *
 * A state of three numbers, a 2 x 2 matrix, the softmax of four: as arrays each operation on them
 * is a loop of its own, with an index and a store; as scalars they are expressions over variables,
 * which a compiler keeps in registers. So a tensor of a few elements, known in number, is computed
 * element by element (small.c), carries of loops too.
 *
 * For emission alone: the evaluator keeps the tensors, and is compared with. */
#include "pass/small.h"

enum {
	MOST = 16,      /* elements of a small tensor */
	LEAST_LOOP = 8, /* elements of a loop */
	MOST_SOFTMAX = 4,
	BUDGET = 20000, /* elements in all; behind it text is no gain */
};

static bool
is_small(const sg_items *w, sg_ref r)
{
	return sg_count_of(w->b.sp, sg_node_at(w->old, r)->shape, MOST) > 1;
}

/* ---- loops: carries by element ---- */

static bool
is_loop(uint16_t op)
{
	return op == SG_SCAN || op == SG_WHILE;
}

/* What stands for rows, and the carries of a tape, which is read whole, stay as they are, in all
 * loops that share the body. */
static void
choose_carries(sg_items *w)
{
	for (int pass = 0; pass < 2; pass++)
		for (sg_ref r = 1; r < w->old->n; r++) {
			if (!w->live[r] || !is_loop(sg_node_at(w->old, r)->op))
				continue;
			const sg_loop l = sg_loop_of(w->old, r);

			for (uint32_t k = 0; k < l.nc; k++)
				if (pass == 0 && is_small(w, l.cparam[k]))
					w->is_split[l.cparam[k]] = true;
				else if (pass == 1 && l.tape)
					w->is_split[l.cparam[k]] = false;
			for (uint32_t k = 0; pass == 1 && k < l.nx; k++)
				w->is_split[l.xparam[k]] = false;
		}
}

static bool
split_seed(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = sg_items_count(w, r);
	sg_ref *to;

	if (!w->is_split[r])
		return false;
	to = sg_items_new(w, size);
	for (uint32_t i = 0; i < size; i++)
		to[i] = sg_seed(&w->b, (sg_type)n.type, sg_shape_scalar(w->b.sp),
		                sg_space_fresh(w->b.sp));
	sg_items_set(w, r, size, to);
	return true;
}

static sg_ref *
all_whole(sg_items *w, uint32_t n, const sg_ref *r)
{
	sg_ref *to = sg_items_new(w, n + 1);

	for (uint32_t k = 0; k < n; k++)
		to[k] = sg_items_whole(w, r[k]);
	return to;
}

static void
split_loop(sg_items *w, sg_ref r)
{
	const sg_loop l = sg_loop_of(w->old, r);
	uint32_t n = 0, at = 0;
	sg_ref *init, *param, *next;
	sg_loop to = l;

	w->carry[r] = SG_NEW_ARRAY(w->b.ctx, uint32_t, l.nc + 1);
	for (uint32_t k = 0; k < l.nc; k++)
		n += w->is_split[l.cparam[k]] ? sg_items_count(w, l.cparam[k]) : 1;
	init = sg_items_new(w, n + 1);
	param = sg_items_new(w, n + 1);
	next = sg_items_new(w, n + 1);
	for (uint32_t k = 0; k < l.nc; k++) {
		const bool by_item = w->is_split[l.cparam[k]];
		const uint32_t size = by_item ? sg_items_count(w, l.cparam[k]) : 1;

		w->carry[r][k] = at;
		for (uint32_t i = 0; i < size; i++, at++) {
			init[at] =
			    by_item ? sg_item(w, l.init[k], i) : sg_items_whole(w, l.init[k]);
			param[at] =
			    by_item ? sg_item(w, l.cparam[k], i) : sg_items_whole(w, l.cparam[k]);
			next[at] =
			    by_item ? sg_item(w, l.next[k], i) : sg_items_whole(w, l.next[k]);
		}
	}
	w->carry[r][l.nc] = at;
	to.nc = n;
	to.init = init;
	to.cparam = param;
	to.next = next;
	to.xs = all_whole(w, l.nx, l.xs);
	to.xparam = all_whole(w, l.nx, l.xparam);
	to.out = all_whole(w, l.ns, l.out);
	to.count = l.count ? sg_items_whole(w, l.count) : 0;
	to.cond = l.cond ? sg_items_whole(w, l.cond) : 0;
	w->whole[r] = sg_loop_make(&w->b, &to);
}

static void
split_pick(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const sg_ref loop = n.args[0];
	const sg_loop l = sg_loop_of(w->old, loop);
	const uint32_t k = (uint32_t)n.attr->w[0];
	const uint32_t *carry = w->carry[loop];
	sg_ref *to;

	if (k >= l.nc) {
		w->whole[r] = sg_pick(&w->b, w->whole[loop], carry[l.nc] + k - l.nc);
		return;
	}
	if (!w->is_split[l.cparam[k]]) {
		w->whole[r] = sg_pick(&w->b, w->whole[loop], carry[k]);
		return;
	}
	to = sg_items_new(w, sg_items_count(w, r));
	for (uint32_t i = 0; i < sg_items_count(w, r); i++)
		to[i] = sg_pick(&w->b, w->whole[loop], carry[k] + i);
	sg_items_set(w, r, sg_items_count(w, r), to);
}

/* ---- loops among loops ---- */

/* Is r computed, or read, by a loop, whatever stands around it? */
static bool
is_tensor(const sg_items *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);
	const uint32_t size = sg_count_of(w->b.sp, n->shape, MOST);

	if (n->op == SG_SEED || n->op == SG_CONST || is_loop(n->op) || n->op == SG_PICK)
		return false;
	if (n->op == SG_CONTRACT)
		return size == 0 || !is_small(w, n->args[0]) || !is_small(w, n->args[1]);
	return size == 0 || n->op == SG_INPUT || sg_is_loop_of_few(w, r);
}

/* Is it one number for all elements? */
static bool
is_repeated(const sg_items *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);

	return n->op == SG_BROADCAST &&
	       sg_count_of(w->b.sp, sg_node_at(w->old, n->args[0])->shape, 1) == 1;
}

/* Is what it is made of tensors too, or the same for all elements? */
static bool
is_of_tensors(const sg_items *w, const bool *stays, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);
	bool any = false;

	for (uint32_t k = 0; k < n->nargs; k++) {
		const sg_node *x = sg_node_at(w->old, n->args[k]);

		if (stays[n->args[k]] || is_tensor(w, n->args[k]))
			any = true;
		else if (x->op != SG_CONST && !is_repeated(w, n->args[k]))
			return false;
	}
	return any || is_repeated(w, r);
}

/* Is r one number, a sum of several or of their products? It goes by fours then (back/lanes.c),
 * where as numbers each addition would wait for the one before. */
static bool
is_sum_of_few(const sg_items *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);

	if ((n->op != SG_SUM && n->op != SG_CONTRACT) || !sg_type_is_float((sg_type)n->type) ||
	    (w->many && w->many[r]) || sg_count_of(w->b.sp, n->shape, 1) != 1)
		return false;
	for (uint32_t k = 0; k < n->nargs; k++)
		if (sg_count_of(w->b.sp, sg_node_at(w->old, n->args[k])->shape, MOST) < LEAST_LOOP)
			return false;
	return true;
}

/* Loops among loops, by old node. dear: the loop that makes it evaluates something dear, and as one
 * with a sum of few it would have no SIMD. */
typedef struct among {
	const sg_items *w;
	bool *stays, *dear;
} among;

/* Takes out what is made of elements, operands first, so that one walk is enough; has that changed
 * anything? */
static bool
take_out_made(among *a)
{
	bool changed = false;

	for (sg_ref r = 1; r < a->w->old->n; r++) {
		const sg_node *n = sg_node_at(a->w->old, r);

		if (!a->w->live[r])
			continue;
		if (a->stays[r] && (!is_of_tensors(a->w, a->stays, r) ||
		                    (n->op == SG_SUM && a->dear[n->args[0]]))) {
			a->stays[r] = false;
			changed = true;
		}
		a->dear[r] = sg_is_loop_of_few(a->w, r);
		for (uint32_t k = 0; k < n->nargs && a->stays[r]; k++)
			a->dear[r] = a->dear[r] || a->dear[n->args[k]];
	}
	return changed;
}

/* The same of what others read by elements, readers first. */
static bool
take_out_read(among *a)
{
	bool changed = false;

	for (sg_ref r = a->w->old->n; r-- > 1;) {
		const sg_node *n = sg_node_at(a->w->old, r);

		if (!a->w->live[r] || a->stays[r] || is_tensor(a->w, r))
			continue;
		for (uint32_t k = 0; k < n->nargs; k++) {
			changed = changed || a->stays[n->args[k]];
			a->stays[n->args[k]] = false;
		}
	}
	return changed;
}

/* Arrays that loops make and loops read: as numbers between the two they would only be taken apart and
 * put together again. */
static void
find_loops_among_loops(sg_items *w)
{
	among a = {w, SG_NEW_ARRAY(w->b.ctx, bool, w->old->n),
	           SG_NEW_ARRAY(w->b.ctx, bool, w->old->n)};
	bool made, read;

	for (sg_ref r = 1; r < w->old->n; r++) {
		const sg_node *n = sg_node_at(w->old, r);

		a.stays[r] = w->live[r] && n->nargs > 0 &&
		             (is_sum_of_few(w, r) ||
		              ((sg_is_ew(n->op) || is_repeated(w, r)) &&
		               sg_type_is_float((sg_type)n->type) && !(w->many && w->many[r]) &&
		               sg_count_of(w->b.sp, n->shape, MOST) >= LEAST_LOOP));
	}
	do {
		made = take_out_made(&a);
		read = take_out_read(&a);
	} while (made || read);
	w->stays = a.stays;
}

/* ---- softmax of a few numbers ---- */

/* By node: is logsumexp of it taken? That and softmax are one call. */
static bool *
find_logs(const sg_items *w)
{
	bool *logs = SG_NEW_ARRAY(w->b.ctx, bool, w->old->n);

	for (sg_ref r = 1; r < w->old->n; r++)
		if (w->live[r] && sg_node_at(w->old, r)->op == SG_LOGSUMEXP)
			logs[sg_node_at(w->old, r)->args[0]] = true;
	return logs;
}

/* Of one row; a call would take longer than the exponentials. */
static bool
split_softmax(sg_items *w, sg_ref r)
{
	const sg_node n = *sg_node_at(w->old, r);
	const uint32_t size = sg_count_of(w->b.sp, n.shape, MOST_SOFTMAX);
	sg_build *b = &w->b;
	sg_ref top, sum, *to;

	if (size < 2 || !w->logs || w->logs[n.args[0]] || (w->many && w->many[r]) ||
	    !sg_ext_is(b->sp, n.shape->ext[n.shape->rank - 1], size))
		return false;
	to = sg_items_new(w, size);
	top = sg_item(w, n.args[0], 0);
	for (uint32_t i = 1; i < size; i++)
		top = sg_ew2(b, SG_MAX, top, sg_item(w, n.args[0], i));
	for (uint32_t i = 0; i < size; i++)
		to[i] = sg_ew1(b, SG_EXP, sg_ew2(b, SG_SUB, sg_item(w, n.args[0], i), top));
	sum = to[0];
	for (uint32_t i = 1; i < size; i++)
		sum = sg_ew2(b, SG_ADD, sum, to[i]);
	sum = sg_ew2(b, SG_DIV, sg_const_like(b, sum, 1), sum);
	for (uint32_t i = 0; i < size; i++)
		to[i] = sg_ew2(b, SG_MUL, to[i], sum);
	sg_items_set(w, r, size, to);
	return true;
}

/* ---- the walk ---- */

static bool
split_node(sg_items *w, sg_ref r)
{
	switch (sg_node_at(w->old, r)->op) {
	case SG_SEED:
		return split_seed(w, r);
	case SG_SCAN:
	case SG_WHILE:
		split_loop(w, r);
		return true;
	case SG_PICK:
		split_pick(w, r);
		return true;
	case SG_SOFTMAX:
		return split_softmax(w, r);
	default:
		return sg_items_split(w, r);
	}
}

static void
rebuild(sg_items *w)
{
	sg_ref *arg = NULL;
	size_t cap = 0;

	for (sg_ref r = 1; r < w->old->n; r++) {
		const sg_node n = w->old->node[r];

		if (!w->live[r])
			continue;
		w->b.g->here = w->old->span[r];
		if (split_node(w, r))
			continue;
		if (n.nargs > cap)
			arg = sg_items_new(w, (uint32_t)(cap = 2 * n.nargs));
		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = sg_items_whole(w, n.args[k]);
		w->whole[r] = n.nargs == 2 ? sg_compare_norms(&w->b, n.op, arg[0], arg[1]) : 0;
		if (!w->whole[r])
			w->whole[r] = sg_number_remade(&w->b, &n, arg);
		if (w->old->name[r] && !w->b.g->name[w->whole[r]])
			w->b.g->name[w->whole[r]] = w->old->name[r];
	}
}

/* Is there anything to gain, and not too much of it? */
static bool
is_wanted(const sg_program *p, const bool *live)
{
	size_t n = 0;

	for (sg_ref r = 1; r < p->g->n; r++) {
		const sg_node *x = sg_node_at(p->g, r);
		const uint32_t size = live[r] ? sg_count_of(p->sp, x->shape, MOST) : 0;

		if (size > 1 && x->nargs > 0)
			n += size;
		if (n > BUDGET)
			return false;
	}
	return n > 0;
}

sg_program *
sg_program_copy(sg_ctx *ctx, const sg_program *p)
{
	sg_program *q = sg_copy(ctx, p, sizeof *p);

	if (p->ninputs)
		q->input = sg_copy(ctx, p->input, p->ninputs * sizeof *p->input);
	if (p->nentries)
		q->entry = sg_copy(ctx, p->entry, p->nentries * sizeof *p->entry);
	for (size_t e = 0; e < p->nentries; e++)
		if (p->entry[e].nout)
			q->entry[e].out = sg_copy(ctx, p->entry[e].out,
			                          p->entry[e].nout * sizeof *p->entry[e].out);
	return q;
}

const sg_program *
sg_split_small(sg_ctx *ctx, const sg_program *p, bool jit)
{
	sg_items w = {.b = {.ctx = ctx, .sp = p->sp}, .old = p->g, .most = MOST};
	size_t nroots;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);
	sg_program *q;
	bool small;

	w.live = sg_graph_live(p->g, nroots, root);
	sg_find_many(&w, jit, nroots, root);
	small = is_wanted(p, w.live);
	if (!small && !w.many)
		return p;
	w.b.g = sg_graph_sized(p->sp, p->g->n);
	w.whole = SG_NEW_ARRAY(ctx, sg_ref, p->g->n);
	w.item = SG_NEW_ARRAY(ctx, sg_ref *, p->g->n);
	w.carry = SG_NEW_ARRAY(ctx, uint32_t *, p->g->n);
	w.is_split = SG_NEW_ARRAY(ctx, bool, p->g->n);
	if (small) {
		choose_carries(&w);
		sg_find_sparse(&w);
		if (!jit && !w.large)
			find_loops_among_loops(&w);
		w.logs = jit ? NULL : find_logs(&w);
	} else {
		w.most = 1;
	}
	rebuild(&w);
	for (size_t i = 0; i < nroots; i++)
		if (root[i])
			(void)sg_items_whole(&w, root[i]);
	q = sg_program_copy(ctx, p);
	sg_program_remap(q, w.b.g, w.whole);
	return q;
}
