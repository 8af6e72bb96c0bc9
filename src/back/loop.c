/* loop.c - loops as steps of a function.
 *
 * The body of a loop is a graph of its own (body.c), and is scheduled as a function is: its inputs
 * are what stands for the params and for values from around, its outputs are the next carries and
 * what is stacked. Its C text stands within the loop (loop_text.c), and its arrays in a part of the
 * workspace that is used again in each step. A carry of one element is a C variable; any other is
 * the array of its result, and has a second one, so that a step reads one and writes the other,
 * unless each element is read only where it is written. A carry that is stacked lies in the stack:
 * a step reads one row of it and writes the next. Carries and stacked outs that nothing needs are
 * dropped. */
#include "back/emit.h"

#include <string.h>

static bool
is_loop(const sg_node *n)
{
	return n->op == SG_SCAN || n->op == SG_WHILE;
}

/* ---- operands ---- */

uint32_t
sg_fn_nargs(const sg_fn *f, sg_ref r)
{
	return f->plan && f->plan[r] ? (uint32_t)f->plan[r]->nargs : sg_fn_node(f, r)->nargs;
}

sg_ref
sg_fn_arg(const sg_fn *f, sg_ref r, uint32_t k)
{
	return f->plan && f->plan[r] ? f->plan[r]->arg[k].ref : sg_arg(f->g, r, k);
}

static void
set_live(bool *live, size_t n, const sg_ref *r)
{
	for (size_t k = 0; k < n; k++)
		if (r[k])
			live[r[k]] = true;
}

bool *
sg_fn_live(sg_fn *f)
{
	bool *live = SG_NEW_ARRAY(f->ctx, bool, f->g->n);

	for (size_t i = 0; i < f->nout; i++)
		live[f->out[i].ref] = true;
	for (sg_ref r = f->g->n; r-- > 1;) {
		const sg_loop_plan *p = f->plan && live[r] ? f->plan[r] : NULL;

		for (uint32_t k = 0; live[r] && k < sg_fn_nargs(f, r); k++)
			live[sg_fn_arg(f, r, k)] = true;
		if (!p)
			continue;
		set_live(live, p->nresults, p->pick);
		set_live(live, p->l.nc, p->second);
		set_live(live, 2, p->room);
	}
	return live;
}

bool
sg_loop_has_variable(const sg_fn *f, sg_ref pick)
{
	const sg_loop_plan *p = f->plan[sg_arg(f->g, pick, 0)];
	const uint32_t k = (uint32_t)sg_fn_node(f, pick)->attr->w[0];

	if (k < p->l.nc)
		return sg_has_one_element(f, p->l.init[k]);
	return p->l.op == SG_WHILE && k == p->l.nc;
}

/* ---- slots ---- */

static void
find_slots(sg_fn *f, sg_loop_plan *p)
{
	const sg_loop *l = &p->l;

	p->slot = sg_bytes_map_new(f->ctx);
	for (uintptr_t k = 0; k < l->nc + l->nx; k++) {
		const sg_ref r = k < l->nc ? l->cparam[k] : l->xparam[k - l->nc];

		*sg_bytes_map_at(p->slot, &r, sizeof r) = (void *)(k + 1);
	}
}

uint32_t
sg_loop_slot(const sg_loop_plan *p, sg_ref r)
{
	const uintptr_t at = (uintptr_t)sg_bytes_map_get(p->slot, &r, sizeof r);

	return at ? (uint32_t)at - 1 : p->l.nc + p->l.nx;
}

/* ---- which carries are needed ---- */

typedef struct planner {
	sg_fn *f;
	uint32_t *scratch;
	sg_loop_plan *p;
	bool *live; /* by carry of p */
} planner;

static const sg_body *
cut(planner *w, size_t nroots, const sg_ref *root)
{
	const sg_loop *l = &w->p->l;
	sg_ref *param = SG_NEW_ARRAY(w->f->ctx, sg_ref, l->nc + l->nx + 1);
	const sg_cut c = {.nroots = nroots,
	                  .nparams = l->nc + l->nx,
	                  .ncaps = l->ncap,
	                  .root = root,
	                  .param = param,
	                  .cap = l->cap,
	                  .sink = true};

	memcpy(param, l->cparam, l->nc * sizeof *param);
	if (l->nx)
		memcpy(param + l->nc, l->xparam, l->nx * sizeof *param);
	return sg_body_cut(w->f->ctx, w->f->g, &c, w->scratch);
}

/* Results that stack a node, first to last: by node, the first of them; each has the next. */
typedef struct stacked {
	sg_bytes_map *first;
	uint32_t *next;
} stacked;

static stacked
find_stacked(const planner *w)
{
	const sg_loop *l = &w->p->l;
	stacked all = {sg_bytes_map_new(w->f->ctx), SG_NEW_ARRAY(w->f->ctx, uint32_t, l->ns + 1)};

	for (uint32_t j = l->ns; j-- > 0;)
		if (w->p->pick[l->nc + j]) {
			void **at = sg_bytes_map_at(all.first, &l->out[j], sizeof l->out[j]);

			all.next[j] = (uint32_t)(uintptr_t)*at;
			*at = (void *)(uintptr_t)(j + 1);
		}
	return all;
}

/* The result that stacks r, and has no carry in it yet; 0: none. */
static uint32_t
stack_of(const planner *w, sg_ref r, const stacked *all)
{
	const uintptr_t first = (uintptr_t)sg_bytes_map_get(all->first, &r, sizeof r);

	if (!first)
		return 0;
	*sg_bytes_map_at(all->first, &r, sizeof r) = (void *)(uintptr_t)all->next[first - 1];
	return w->p->l.nc + (uint32_t)first - 1;
}

/* Carries that lie in a stack. One that is stacked before each step is needed, whether or not its
 * last value is. */
static void
find_stacks(planner *w)
{
	sg_loop_plan *p = w->p;
	const sg_loop *l = &p->l;
	const stacked all = find_stacked(w);

	p->stack = SG_NEW_ARRAY(w->f->ctx, uint32_t, l->nc + 1);
	p->after = SG_NEW_ARRAY(w->f->ctx, bool, l->nc + 1);
	for (uint32_t k = 0; k < l->nc && l->op == SG_SCAN; k++)
		if (!sg_has_one_element(w->f, l->init[k])) {
			p->stack[k] = stack_of(w, l->cparam[k], &all);
			w->live[k] = w->live[k] || p->stack[k];
		}
	for (uint32_t k = 0; k < l->nc && l->op == SG_SCAN; k++)
		if (!sg_has_one_element(w->f, l->init[k]) && !p->stack[k]) {
			p->stack[k] = stack_of(w, l->next[k], &all);
			p->after[k] = p->stack[k] != 0;
		}
}

/* By stacked out: does a carry that is needed lie in it? */
static bool *
find_held(const planner *w)
{
	const sg_loop_plan *p = w->p;
	bool *held = SG_NEW_ARRAY(w->f->ctx, bool, p->l.ns + 1);

	for (uint32_t k = 0; k < p->l.nc; k++)
		if (w->live[k] && p->stack[k])
			held[p->stack[k] - p->l.nc] = true;
	return held;
}

/* The step from the carries that are known to be needed, and the outs that are read. */
static const sg_body *
cut_step(planner *w)
{
	sg_loop_plan *p = w->p;
	const sg_loop *l = &p->l;
	const bool *held = find_held(w);
	sg_ref *root = SG_NEW_ARRAY(w->f->ctx, sg_ref, l->nc + l->ns + 1);
	size_t n = 0;

	for (uint32_t k = 0; k < l->nc; k++)
		if (w->live[k]) {
			p->out_of[n] = k;
			root[n++] = l->next[k];
		}
	for (uint32_t k = 0; k < l->ns; k++)
		if (p->pick[l->nc + k] && !held[k]) {
			p->out_of[n] = l->nc + k;
			root[n++] = l->out[k];
		}
	return cut(w, n, root);
}

/* Marks the carries that the body reads: were there new ones? */
static bool
note_carries(planner *w, const sg_body *body)
{
	bool more = false;

	for (size_t i = 0; i < body->nparams; i++) {
		const uint32_t k = sg_loop_slot(w->p, body->input[i]);

		if (k < w->p->l.nc && !w->live[k])
			w->live[k] = more = true;
	}
	return more;
}

static void
cut_bodies(planner *w)
{
	sg_loop_plan *p = w->p;
	const sg_loop *l = &p->l;

	w->live = SG_NEW_ARRAY(w->f->ctx, bool, l->nc + 1);
	p->out_of = SG_NEW_ARRAY(w->f->ctx, uint32_t, l->nc + l->ns + 1);
	p->live = w->live;
	find_slots(w->f, p);
	for (uint32_t k = 0; k < l->nc; k++)
		w->live[k] = p->pick[k] || (l->op == SG_WHILE && l->tape && p->pick[l->nc + 1 + k]);
	find_stacks(w);
	if (l->op == SG_WHILE) {
		p->cond = cut(w, 1, &l->cond);
		(void)note_carries(w, p->cond);
	}
	do
		p->step = cut_step(w);
	while (note_carries(w, p->step));
	p->input = SG_NEW_ARRAY(w->f->ctx, uint32_t, l->nc + l->nx + 1);
	for (uint32_t i = 0; i < p->step->nparams; i++)
		p->input[sg_loop_slot(p, p->step->input[i])] = i + 1;
}

/* ---- bodies as functions ---- */

static sg_fn *
new_fn(const planner *w, const sg_body *body, size_t nout)
{
	sg_fn *f = w->f;
	sg_fn *fn = SG_NEW(f->ctx, sg_fn);

	fn->m = f->m;
	fn->ctx = f->ctx;
	fn->sp = f->sp;
	fn->g = fn->own = body->g;
	fn->around = f;
	fn->dim = f->dim;
	fn->input = SG_NEW_ARRAY(f->ctx, const char *, body->ninputs + 1);
	fn->is_read = SG_NEW_ARRAY(f->ctx, bool, body->ninputs + 1);
	fn->is_variable = SG_NEW_ARRAY(f->ctx, bool, body->ninputs + 1);
	for (size_t i = 0; i < body->ninputs; i++)
		fn->is_variable[i] = sg_has_one_element(f, body->input[i]);
	fn->nout = nout;
	fn->out = SG_NEW_ARRAY(f->ctx, sg_fn_out, nout + 1);
	for (size_t i = 0; i < nout; i++)
		fn->out[i].ref = body->root[i];
	return fn;
}

static void
compile_bodies(planner *w)
{
	sg_loop_plan *p = w->p;
	const bool *held = find_held(w);
	size_t nout = 0;

	for (uint32_t k = 0; k < p->l.nc; k++)
		nout += p->live[k];
	for (uint32_t k = 0; k < p->l.ns; k++)
		nout += p->pick[p->l.nc + k] && !held[k];
	p->step_fn = new_fn(w, p->step, nout);
	for (size_t i = 0; i < nout; i++)
		if (sg_has_one_element(p->step_fn, p->step->root[i]))
			p->step_fn->out[i].kind = p->out_of[i] < p->l.nc ? SG_O_NEW : SG_O_PLACE;
	for (size_t i = 0; i < nout; i++)
		if (p->out_of[i] < p->l.nc && !p->stack[p->out_of[i]])
			p->step_fn->out[i].carry = p->input[p->out_of[i]];
	sg_fn_compile(p->step_fn);
	if (!p->cond)
		return;
	p->cond_fn = new_fn(w, p->cond, 1);
	p->cond_fn->out[0].kind = SG_O_NEW;
	sg_fn_compile(p->cond_fn);
}

/* ---- arrays that the loop needs ---- */

static sg_ref
append(planner *w, const sg_node *n, const char *name)
{
	return sg_body_append(w->f->ctx, w->f->own, n, name, w->f->g->span[w->p->ref]);
}

static const char *
name_of(const planner *w, sg_ref r, const char *suffix)
{
	const char *name = w->f->g->name[r];

	return name ? sg_text(w->f->ctx, "%.30s_%s", name, suffix) : suffix;
}

static void
add_buffers(planner *w, uint32_t k)
{
	sg_loop_plan *p = w->p;
	sg_node n = *sg_fn_node(w->f, p->l.init[k]);

	if (!p->live[k] || sg_has_one_element(w->f, p->l.init[k]))
		return;
	n.op = SG_NOP;
	n.nargs = 0;
	n.args = NULL;
	n.attr = NULL;
	if (!p->in_place[k] && !p->stack[k])
		p->second[k] = append(w, &n, name_of(w, p->l.cparam[k], "space"));
	if (p->pick[k])
		return;
	sg_attr *which = sg_alloc(w->f->ctx, sizeof *which + sizeof *which->w);
	which->n = 1;
	which->w[0] = k;
	n.op = SG_PICK;
	n.nargs = 1;
	n.args = sg_copy(w->f->ctx, &p->ref, sizeof p->ref);
	n.attr = which;
	p->pick[k] = append(w, &n, name_of(w, p->l.cparam[k], "space"));
}

static sg_ref
add_room(planner *w, sg_fn *fn)
{
	const sg_ext bytes = fn ? sg_plan_bytes(fn) : 0;

	if (!fn || sg_ext_is(w->f->sp, bytes, 0))
		return 0;
	const sg_node n = {
	    .op = SG_NOP, .type = SG_BOOL, .shape = sg_shape_make(w->f->sp, 1, &bytes)};
	return append(w, &n, name_of(w, w->p->ref, "step"));
}

/* ---- operands of the step ---- */

/* What an operand is looked up by; those of a role that each carry has for itself are not. */
typedef struct arg_key {
	sg_ref ref;
	uint32_t role;
} arg_key;

const sg_loop_arg *
sg_loop_arg_of(const sg_loop_plan *p, sg_ref r, sg_loop_role role)
{
	const arg_key key = {r, role};
	const uintptr_t at = (uintptr_t)sg_bytes_map_get(p->arg_at, &key, sizeof key);

	return at ? &p->arg[at - 1] : NULL;
}

static void
add_arg(planner *w, sg_ref r, sg_loop_role role, uint32_t carry)
{
	sg_loop_plan *p = w->p;

	if (sg_has_one_element(w->f, r))
		role = SG_L_TEXT;
	if (role != SG_L_FIRST && sg_loop_arg_of(p, r, role))
		return;
	SG_PUSH(w->f->ctx, p->arg, p->nargs, p->arg_cap,
	        (sg_loop_arg){r, (uint8_t)role, carry, p->nroots});
	p->nroots += role == SG_L_TEXT;
	const arg_key key = {r, role};
	void **at = sg_bytes_map_at(p->arg_at, &key, sizeof key);
	if (!*at)
		*at = (void *)(uintptr_t)p->nargs;
}

static void
add_inputs(planner *w, const sg_body *body)
{
	const sg_loop *l = &w->p->l;

	for (size_t i = 0; i < body->ninputs; i++) {
		const uint32_t k = i < body->nparams ? sg_loop_slot(w->p, body->input[i]) : 0;

		if (i >= body->nparams)
			add_arg(w, body->input[i], SG_L_WHOLE, 0);
		else if (k >= l->nc)
			add_arg(w, l->xs[k - l->nc], SG_L_ROWS, 0);
	}
}

static void
add_args(planner *w)
{
	const sg_loop *l = &w->p->l;

	w->p->arg_at = sg_bytes_map_new(w->f->ctx);
	if (l->op == SG_SCAN)
		add_arg(w, l->count, SG_L_TEXT, 0);
	for (uint32_t k = 0; k < l->nc; k++)
		if (w->p->live[k])
			add_arg(w, l->init[k], SG_L_FIRST, k);
	add_inputs(w, w->p->step);
	if (w->p->cond)
		add_inputs(w, w->p->cond);
}

/* ---- planning ---- */

static sg_loop_plan *
plan_of(sg_fn *f, sg_ref r)
{
	sg_loop_plan *p = f->plan[r];

	if (p)
		return p;
	p = f->plan[r] = SG_NEW(f->ctx, sg_loop_plan);
	p->ref = r;
	p->l = sg_loop_of(f->g, r);
	p->nresults = p->l.op == SG_SCAN ? p->l.nc + p->l.ns
	              : p->l.tape        ? 2 * p->l.nc + 1
	                                 : p->l.nc;
	p->pick = SG_NEW_ARRAY(f->ctx, sg_ref, p->nresults + 1);
	p->second = SG_NEW_ARRAY(f->ctx, sg_ref, p->l.nc + 1);
	return p;
}

/* All PICKs of it that are wanted are known. */
static void
plan_loop(planner *w, sg_ref r)
{
	sg_loop_plan *p = w->p = plan_of(w->f, r);

	cut_bodies(w);
	compile_bodies(w);
	sg_loop_find_in_place(p);
	for (uint32_t k = 0; k < p->l.nc; k++)
		add_buffers(w, k);
	p->room[0] = add_room(w, p->step_fn);
	p->room[1] = add_room(w, p->cond_fn);
	add_args(w);
}

/* How many nodes loops may add; 0: there are no loops. */
static size_t
most_added(const sg_fn *f)
{
	size_t n = 0;

	for (sg_ref r = 1; r < f->g->n; r++)
		if (is_loop(sg_fn_node(f, r)))
			n += 2 * (size_t)sg_fn_node(f, r)->attr->w[0] + 2;
	return n;
}

/* The function gets a graph that can be added to. Once only. */
void
sg_own_graph(sg_fn *f)
{
	uint32_t *scratch = SG_NEW_ARRAY(f->ctx, uint32_t, f->g->n);
	sg_ref *root = SG_NEW_ARRAY(f->ctx, sg_ref, f->nout);
	const sg_cut c = {.nroots = f->nout, .root = root};
	const sg_body *body;

	for (size_t i = 0; i < f->nout; i++)
		root[i] = f->out[i].ref;
	body = sg_body_cut(f->ctx, f->g, &c, scratch);
	f->g = f->own = body->g;
	for (size_t i = 0; i < f->nout; i++)
		f->out[i].ref = body->root[i];
}

void
sg_plan_loops(sg_fn *f)
{
	const size_t more = most_added(f);
	planner w = {.f = f};
	bool *live;

	if (!more)
		return;
	if (!f->own)
		sg_own_graph(f);
	w.scratch = SG_NEW_ARRAY(f->ctx, uint32_t, f->g->n);
	f->plan = SG_NEW_ARRAY(f->ctx, sg_loop_plan *, f->g->n + more);
	live = SG_NEW_ARRAY(f->ctx, bool, f->g->n);
	for (size_t i = 0; i < f->nout; i++)
		live[f->out[i].ref] = true;
	for (sg_ref r = f->g->n; r-- > 1;) {
		const sg_node *n = sg_fn_node(f, r);

		if (!live[r])
			continue;
		if (n->op == SG_PICK)
			plan_of(f, n->args[0])->pick[n->attr->w[0]] = r;
		if (is_loop(n))
			plan_loop(&w, r);
		for (uint32_t k = 0; k < sg_fn_nargs(f, r); k++)
			live[sg_fn_arg(f, r, k)] = true;
	}
}

/* ---- what the step reads ---- */

/* Rows of r can be pointed to: each is contiguous. */
static bool
has_rows(sg_fn *f, sg_ref r, sg_strided *s)
{
	const sg_shape *shape = sg_fn_node(f, r)->shape;
	sg_ext stride = sg_ext_int(f->sp, 1);

	if (!sg_strided_of(f, r, s) || f->at[s->root].unit)
		return false;
	for (uint32_t k = shape->rank; k-- > 1;) {
		if (!sg_is_1(f, shape->ext[k]) && s->stride[k] != stride)
			return false;
		stride = sg_ext_mul(f->sp, stride, shape->ext[k]);
	}
	return true;
}

static void
want_rows(sg_fn *f, sg_ref r)
{
	sg_strided s;

	if (has_rows(f, r, &s))
		f->at[s.root].full = true;
	else if (f->at[r].kind == SG_P_VIEW || f->at[r].kind == SG_P_LEAF)
		f->at[r].stored = true;
	else
		f->at[r].full = true;
}

void
sg_loop_note_reads(sg_fn *f, sg_ref r)
{
	const sg_loop_plan *p = f->plan[r];

	for (size_t k = 0; k < p->nargs; k++) {
		const sg_loop_arg *a = &p->arg[k];
		sg_place *x = &f->at[a->ref];

		if (a->role == SG_L_FIRST)
			x->uses++;
		else
			x->mapped++;
		x->inner = true;
		if (a->role == SG_L_ROWS)
			want_rows(f, a->ref);
		else if (a->role == SG_L_WHOLE)
			sg_want_full(f, a->ref, true);
	}
}

void
sg_loop_demand(sg_fn *f, uint32_t step)
{
	const sg_loop_plan *p = f->plan[f->step[step].ref];

	for (size_t k = 0; k < p->nargs; k++) {
		sg_strided s;

		if (p->arg[k].role != SG_L_ROWS && p->arg[k].role != SG_L_WHOLE)
			continue;
		const bool ok = sg_strided_of(f, p->arg[k].ref, &s);
		sg_need(f->ctx, ok, "an operand in memory for each loop");
		sg_step_reads(f, step, s.root);
	}
}
