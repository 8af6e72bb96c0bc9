/* schedule.c - steps.
 *
 * A step is a loop nest, a call of a kernel, or a scalar statement. Values of one level (level.c)
 * over one space (the extents other than 1) form one nest, so nests depend on each other only
 * upwards; reductions of other axes over the space have nests of their own, which store nothing
 * elementwise. Elementwise values that no one keeps are evaluated in each nest that reads them,
 * unless that is dear: then the nest of their own level stores them. */
#include "back/branch.h"

#include <string.h>

enum { DEAR = 8 };
#define MAPPED (UINT32_C(1) << 31) /* in a demand: at another index than its own */

/* ---- steps ---- */

typedef struct when {
	uint32_t level, guard;
} when;

static when
when_of(const sg_fn *f, sg_ref r)
{
	return (when){f->at[r].level, sg_guard_of(f, r)};
}

static uint32_t
new_step(sg_fn *f, sg_step_kind kind, const when *at, sg_ref r)
{
	SG_PUSH(f->ctx, f->step, f->nsteps, f->step_cap,
	        (sg_step){.kind = (uint8_t)kind, .level = at->level, .guard = at->guard, .ref = r});
	return (uint32_t)f->nsteps - 1;
}

static void
depends(sg_fn *f, uint32_t step, uint32_t before)
{
	sg_step *s = &f->step[step];

	if (step != before && (s->ndeps == 0 || s->dep[s->ndeps - 1] != before))
		SG_PUSH(f->ctx, s->dep, s->ndeps, s->dep_cap, before);
}

static void
touches(sg_fn *f, uint32_t step, sg_ref r)
{
	sg_step *s = &f->step[step];

	if (f->at[r].stored && (s->nreads == 0 || s->read[s->nreads - 1] != r))
		SG_PUSH(f->ctx, s->read, s->nreads, s->read_cap, r);
}

void
sg_step_reads(sg_fn *f, uint32_t step, sg_ref r)
{
	if (f->at[r].done)
		depends(f, step, f->at[r].done - 1);
	touches(f, step, r);
}

typedef struct space {
	uint32_t n, mask;
	sg_ext ext[SG_MAX_LOOPS];
} space;

static space
space_of(const sg_fn *f, const sg_shape *s, uint64_t mask)
{
	space sp = {0};

	for (uint32_t k = 0; k < s->rank; k++) {
		if (sg_is_1(f, s->ext[k]))
			continue;
		if (mask >> k & 1)
			sp.mask |= 1u << sp.n;
		sp.ext[sp.n++] = s->ext[k];
	}
	return sp;
}

/* The same for the elements of r, less the axes that are written out. */
static space
space_of_rows(const sg_fn *f, sg_ref r)
{
	space sp = space_of(f, f->g->node[r].shape, 0);

	sp.n -= f->at[r].row;
	return sp;
}

/* The loops of an inner product: the labels of the result, then the others. */
static space
space_of_contract(const sg_fn *f, sg_ref r)
{
	const sg_node *c = sg_fn_node(f, r);
	const int64_t *w = c->attr->w, *lx = w + 3, *lo = lx + w[0] + w[1];
	const sg_shape *sx = f->g->node[c->args[0]].shape;
	space sp = space_of(f, c->shape, 0);

	for (int64_t i = 0; i < w[0]; i++) {
		bool out = sg_is_1(f, sx->ext[i]);

		for (int64_t k = 0; k < w[2]; k++)
			out = out || lo[k] == lx[i];
		if (!out) {
			sp.mask |= 1u << sp.n;
			sp.ext[sp.n++] = sx->ext[i];
		}
	}
	return sp;
}

/* The loops that sum up what windows read from each place: those of the result, then the windows
 * that meet there. */
static space
space_of_unwindow(const sg_fn *f, sg_ref r)
{
	const sg_ext meet = sg_windows_meet(f, r);
	space sp = space_of(f, f->g->node[r].shape, 0);

	if (!sg_is_1(f, meet)) {
		sp.mask |= 1u << sp.n;
		sp.ext[sp.n++] = meet;
	}
	return sp;
}

static space
space_of_fold(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s;

	if (n->op == SG_CONTRACT)
		return space_of_contract(f, r);
	if (n->op == SG_UNWINDOW && sg_windows_overlap(f, r))
		return space_of_unwindow(f, r);
	s = f->g->node[n->args[n->nargs - 1]].shape;
	switch ((int)n->op) {
	case SG_SCATTER:
	case SG_UNWINDOW:
	case SG_WRITER:
		return space_of(f, s, 0);
	case SG_CUMSUM:
	case SG_LINREC:
		return space_of(f, s, (uint64_t)1 << (s->rank - 1));
	case SG_ARGMAX:
	case SG_ARGMIN:
		return space_of(f, s, (uint64_t)1 << n->attr->w[0]);
	default:
		return space_of(f, s, (uint64_t)n->attr->w[0]);
	}
}

static bool
is_trailing(const space *sp)
{
	uint32_t kept = 0;

	while (kept < sp->n && !(sp->mask >> kept & 1))
		kept++;
	for (uint32_t k = kept; k < sp->n; k++)
		if (!(sp->mask >> k & 1))
			return false;
	return true;
}

static void **
nest_slot(sg_fn *f, const when *at, const space *sp, uint32_t mask)
{
	uint32_t key[4 + SG_MAX_LOOPS] = {at->level, at->guard, sp->n, mask};

	memcpy(key + 4, sp->ext, sp->n * sizeof *key);
	return sg_bytes_map_at(f->nest_map, key, (4 + (size_t)sp->n) * sizeof *key);
}

static uint32_t
new_nest(sg_fn *f, const when *at, const space *sp, sg_ref r)
{
	const uint32_t step = new_step(f, SG_S_NEST, at, r);
	sg_step *s = &f->step[step];

	s->nloops = sp->n;
	s->mask = sp->mask;
	s->ext = sp->n ? sg_copy(f->ctx, sp->ext, sp->n * sizeof *sp->ext) : NULL;
	return step;
}

/* The nest of this level, guard, space and mask. any_mask: for elementwise values, any in natural
 * order does; it is the same one each time. */
static uint32_t
nest_of(sg_fn *f, const when *at, const space *sp, bool any_mask, sg_ref r)
{
	void **slot = nest_slot(f, at, sp, any_mask ? UINT32_MAX : sp->mask);
	uint32_t step;

	if (*slot) {
		step = (uint32_t)((uintptr_t)*slot - 1);
		if (r < f->step[step].ref)
			f->step[step].ref = r;
		return step;
	}
	step = new_nest(f, at, sp, r);
	*slot = (void *)(uintptr_t)(step + 1);
	if (!any_mask && is_trailing(sp)) {
		slot = nest_slot(f, at, sp, UINT32_MAX);
		if (!*slot)
			*slot = (void *)(uintptr_t)(step + 1);
	}
	return step;
}

static void
add_root(sg_fn *f, uint32_t step, sg_root root)
{
	sg_step *s = &f->step[step];

	SG_PUSH(f->ctx, s->root, s->nroots, s->root_cap, root);
	if (root.kind != SG_R_COPY)
		touches(f, step, root.ref);
}

/* A root for each number of a row of what is evaluated. mask: of the axes that are summed up. */
static void
add_rows(sg_fn *f, uint32_t step, sg_root root, uint32_t row, uint32_t mask)
{
	const uint32_t turns = row ? sg_row_turns(f, root.from, row, mask) : 1;

	root.row = (uint8_t)row;
	for (root.turn = 0; root.turn < turns; root.turn++)
		add_root(f, step, root);
}

/* ---- who evaluates what ---- */

static void
demand(sg_fn *f, sg_ref r, uint32_t where)
{
	sg_place *p = &f->at[r];

	for (uint32_t i = 0; i < p->ndemands; i++)
		if (p->demand[i] == where)
			return;
	if (p->ndemands < 4)
		p->demand[p->ndemands++] = where;
}

/* What r has the elements of, in their order, before it got its shape: loops over that need no
 * division. */
static sg_ref
before_reshape(const sg_fn *f, sg_ref r)
{
	while (f->g->node[r].op == SG_RESHAPE && f->at[r].kind == SG_P_VIEW && !f->at[r].stored)
		r = f->g->node[r].args[0];
	return r;
}

/* The same where r is an array that a view is copied to, and others are read through. */
static sg_ref
copied_from(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	sg_ref from;

	if (f->at[r].kind != SG_P_VIEW || n->op != SG_RESHAPE)
		return r;
	from = before_reshape(f, n->args[0]);
	return f->at[from].kind == SG_P_VIEW && !f->at[from].stored ? from : r;
}

/* Is r a copy of windows? A routine makes it, where nothing else goes along (window.c). */
static bool
copies_windows(const sg_fn *f, sg_ref r)
{
	sg_ref x = r;

	while (f->at[x].kind == SG_P_VIEW && (x == r || !f->at[x].stored)) {
		if (sg_fn_node(f, x)->op == SG_WINDOW)
			return true;
		x = sg_arg(f->g, x, 0);
	}
	return false;
}

static void
store_root(sg_fn *f, sg_ref r)
{
	const sg_ref from = copied_from(f, r);
	const space sp = space_of_rows(f, from);
	const when at = when_of(f, r);
	const uint32_t step =
	    copies_windows(f, r) ? new_nest(f, &at, &sp, r) : nest_of(f, &at, &sp, true, r);

	f->at[r].stored = true;
	f->at[r].done = step + 1;
	add_rows(f, step, (sg_root){.kind = SG_R_STORE, .ref = r, .from = from}, f->at[from].row,
	         0);
}

static void
unit_root(sg_fn *f, sg_ref r)
{
	const space sp = {0};
	const when at = when_of(f, r);
	const uint32_t step = new_nest(f, &at, &sp, r);

	f->at[r].done = step + 1;
	add_root(f, step, (sg_root){.kind = SG_R_STORE, .ref = r, .from = r});
}

/* Sums of floats go through blocks unless they are known to be short. */
static bool
wants_tree(sg_fn *f, sg_ref r, const space *sp)
{
	const sg_node *n = sg_fn_node(f, r);
	int64_t terms = 1, v;

	if ((n->op != SG_SUM && n->op != SG_CONTRACT) || !sg_type_is_float((sg_type)n->type))
		return false;
	for (uint32_t k = 0; k < sp->n; k++) {
		if (!(sp->mask >> k & 1))
			continue;
		if (!sg_ext_const(f->sp, sp->ext[k], &v) || v > 256 || terms * v > 256)
			return true;
		terms *= v;
	}
	return false;
}

/* ---- sums of rows, and what goes along with them ---- */

/* In place of a mask: of the nest that others of its level and space go along with. */
#define COMPANY (UINT32_MAX - 1)

/* The loops of fold r, without the axes that are written out. */
static space
space_of_fold_rows(const sg_fn *f, sg_ref r)
{
	space sp = space_of_fold(f, r);

	sp.n -= sg_fold_row(f, r);
	sp.mask &= (1u << sp.n) - 1;
	return sp;
}

static bool
is_full(const space *sp)
{
	return sp->mask == (1u << sp->n) - 1;
}

/* Sums of some of the loops over rows: what is summed up over all of them, or added somewhere, is
 * computed in the same nest. */
static void
note_company(sg_fn *f, sg_ref r)
{
	const space sp = space_of_fold_rows(f, r);
	const when at = when_of(f, r);
	void **slot;

	if (sg_fold_row(f, r) == 0 || sp.mask == 0 || is_full(&sp) || !is_trailing(&sp))
		return;
	slot = nest_slot(f, &at, &sp, COMPANY);
	if (!*slot || (uintptr_t)*slot > sp.mask)
		*slot = (void *)(uintptr_t)sp.mask;
}

/* The mask of the nest that fold r goes along with; 0: there is none. */
static uint32_t
company_of(sg_fn *f, sg_ref r, const space *sp)
{
	const sg_node *n = sg_fn_node(f, r);
	const when at = when_of(f, r);
	const bool sums = n->op == SG_SUM && is_full(sp) && sg_type_is_float((sg_type)n->type);

	if (sp->n == 0 || f->m->o->jit || (!sums && n->op != SG_SCATTER))
		return 0;
	return (uint32_t)(uintptr_t)*nest_slot(f, &at, sp, COMPANY);
}

/* What is added somewhere goes along with any loops in their natural order. */
static bool
joins_any(const sg_fn *f, sg_ref r)
{
	return !f->m->o->jit && !f->m->o->openmp && sg_fn_node(f, r)->op == SG_SCATTER;
}

static void
fold_root(sg_fn *f, sg_ref r)
{
	space sp = space_of_fold_rows(f, r);
	const uint32_t company = company_of(f, r, &sp), mask = space_of_fold(f, r).mask;
	const when at = when_of(f, r);
	const sg_node *n = sg_fn_node(f, r);
	sg_root root = {.kind = SG_R_FOLD,
	                .ref = r,
	                .from = n->args[n->nargs - 1],
	                .whole = company && n->op == SG_SUM,
	                .tree = wants_tree(f, r, &sp)};
	uint32_t step;

	if (company)
		sp.mask = company;
	step = nest_of(f, &at, &sp, joins_any(f, r) && !company, r);
	f->at[r].done = step + 1;
	add_rows(f, step, root, sg_fold_row(f, r), mask);
}

/* The logsumexp and the softmax of the same rows have their exponentials in common. */
static bool
is_pair(uint16_t x, uint16_t y)
{
	return (x == SG_LOGSUMEXP && y == SG_SOFTMAX) || (x == SG_SOFTMAX && y == SG_LOGSUMEXP);
}

/* The step that calls a kernel for r, and perhaps for another value of its operand. */
static uint32_t
step_of_call(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const when at = when_of(f, r);
	const uint32_t key[4] = {at.level, at.guard, n->args[0],
	                         0}; /* no nest's: they have loops, or 0 there */
	void **slot;
	uint32_t step;

	if (n->op != SG_LOGSUMEXP && n->op != SG_SOFTMAX)
		return new_step(f, SG_S_CALL, &at, r);
	slot = sg_bytes_map_at(f->nest_map, key, sizeof key);
	step = (uint32_t)(uintptr_t)*slot;
	if (step && !f->step[step - 1].with &&
	    is_pair(n->op, sg_fn_node(f, f->step[step - 1].ref)->op)) {
		f->step[step - 1].with = r;
		return step - 1;
	}
	step = new_step(f, SG_S_CALL, &at, r);
	*slot = (void *)(uintptr_t)(step + 1);
	return step;
}

static void
call_step(sg_fn *f, sg_ref r)
{
	const uint32_t step = step_of_call(f, r);

	f->at[r].done = step + 1;
	touches(f, step, r);
}

/* One piece of JOIN r, evaluated in a nest of its own space or in a statement. */
static uint32_t
piece_root(sg_fn *f, sg_ref r, const sg_join *j, uint32_t k, uint32_t before)
{
	const bool pad = k >= j->n - j->npads;
	const bool row = j->npads == 0 && !j->lay && f->g->node[r].shape->rank == 1;
	const sg_ref from = pad   ? sg_arg(f->g, j->piece[k], 0)
	                    : row ? before_reshape(f, j->piece[k])
	                          : j->piece[k];
	const space sp = space_of_rows(f, from);
	const when at = {sg_piece_level(f, r, j, k),
	                 sg_is_branch(f, r) ? sg_branch_side(f, r, k) : sg_guard_of(f, r)};
	const bool add = j->npads > 0 && (j->n > j->npads ? k > 0 : j->n > 1);
	const bool alone = sp.n == 0 && (j->npads == 0 || pad);
	const uint32_t step = alone ? new_nest(f, &at, &sp, r) : nest_of(f, &at, &sp, true, r);

	if (before != UINT32_MAX)
		depends(f, step, before);
	add_rows(f, step,
	         (sg_root){.kind = SG_R_PIECE,
	                   .ref = r,
	                   .part = k,
	                   .from = from,
	                   .add = add,
	                   .negate = j->negate[k]},
	         f->at[from].row, 0);
	demand(f, from, step);
	return step;
}

static void
join_steps(sg_fn *f, sg_ref r)
{
	const sg_join *j = sg_join_of(f, r);
	const uint32_t nset = j->n - j->npads;
	const when at = when_of(f, r), first = {0, at.guard}, last = {at.level, 0};
	uint32_t before = UINT32_MAX, done;
	uint32_t *step = SG_NEW_ARRAY(f->ctx, uint32_t, j->n);

	if (j->npads > 0 && nset == 0) {
		before = new_step(f, SG_S_FILL, &first, r);
		touches(f, before, r);
	}
	for (uint32_t k = 0; k < j->n; k++) {
		step[k] = piece_root(f, r, j, k, before);
		if (j->npads > 0 && k + 1 == nset)
			before = step[k];
	}
	done = new_step(f, SG_S_DONE, &last, r);
	if (before != UINT32_MAX)
		depends(f, done, before);
	for (uint32_t k = 0; k < j->n; k++)
		depends(f, done, step[k]);
	f->at[r].done = done + 1;
}

/* A carry's buffer is its result, where it is no variable. */
static void
first_value(sg_fn *f, uint32_t step, sg_ref pick, sg_ref init)
{
	const space sp = space_of_rows(f, init);
	const sg_ref loop = f->step[step].ref;
	const when at = {sg_first_level(f, loop, init), sg_guard_of(f, loop)};
	const uint32_t nest = nest_of(f, &at, &sp, true, init);

	add_rows(f, nest, (sg_root){.kind = SG_R_STORE, .ref = pick, .from = init}, f->at[init].row,
	         0);
	depends(f, step, nest);
	demand(f, init, nest);
}

static void
loop_step(sg_fn *f, sg_ref r)
{
	const sg_loop_plan *p = f->plan[r];
	const when at = when_of(f, r);
	const uint32_t step = new_step(f, SG_S_LOOP, &at, r), nc = p->l.nc;

	for (size_t k = 0; k < p->nargs; k++) {
		const sg_loop_arg *a = &p->arg[k];

		if (a->role == SG_L_TEXT) {
			add_root(f, step,
			         (sg_root){.kind = SG_R_TEXT, .ref = a->ref, .from = a->ref});
			demand(f, a->ref, step);
		} else if (a->role == SG_L_FIRST) {
			first_value(f, step, p->pick[a->carry], a->ref);
		}
	}
	for (uint32_t k = 0; k < p->nresults; k++)
		if (p->pick[k]) {
			f->at[p->pick[k]].done = step + 1;
			touches(f, step, p->pick[k]);
		}
	for (uint32_t k = 0; k < nc; k++)
		touches(f, step, p->second[k]);
	touches(f, step, p->room[0]);
	touches(f, step, p->room[1]);
}

static void
copy_root(sg_fn *f, uint32_t out)
{
	const sg_ref r = f->out[out].ref;
	const space sp = space_of_rows(f, r);
	const when at = {f->at[r].ready, 0};
	const uint32_t step = sp.n ? nest_of(f, &at, &sp, true, r) : new_nest(f, &at, &sp, r);

	add_rows(f, step, (sg_root){.kind = SG_R_COPY, .ref = r, .from = r, .part = out},
	         f->at[r].row, 0);
	demand(f, r, step);
}

/* Steps for all but what is elementwise, which joins them later. */
static void
make_steps(sg_fn *f)
{
	const uint32_t n = f->g->n;

	for (sg_ref r = 1; r < n; r++)
		if (f->at[r].kind == SG_P_FOLD)
			note_company(f, r);
	for (sg_ref r = 1; r < n; r++) {
		const sg_place *p = &f->at[r];

		if (p->kind == SG_P_FOLD)
			fold_root(f, r);
		else if (p->kind == SG_P_CALL)
			call_step(f, r);
		else if (p->kind == SG_P_LOOP)
			loop_step(f, r);
		else if (p->kind == SG_P_CALC && p->unit && !p->fused)
			unit_root(f, r);
	}
	for (sg_ref r = 1; r < n; r++) {
		const sg_place *p = &f->at[r];

		if (p->kind == SG_P_JOIN)
			join_steps(f, r);
		else if (p->stored &&
		         (p->kind == SG_P_CALC || p->kind == SG_P_VIEW || p->kind == SG_P_LEAF))
			store_root(f, r);
	}
	for (size_t i = 0; i < f->nout; i++)
		if (!f->out[i].taken)
			copy_root(f, (uint32_t)i);
}

static void
pass_demands(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	sg_place *p = &f->at[r];
	const bool plain = p->kind == SG_P_VIEW && (sg_view_is_plain(f, r) || sg_is_row_view(f, r));
	const bool mapped = (p->kind == SG_P_VIEW && !plain) || n->op == SG_CONTRACT ||
	                    n->op == SG_GATHER || n->op == SG_UNWINDOW || sg_is_ring(f, r);

	if (p->kind == SG_P_DEAD || p->kind == SG_P_JOIN || p->kind == SG_P_CALL ||
	    p->kind == SG_P_LOOP || p->kind == SG_P_PICK)
		return;
	if (p->kind == SG_P_CALC && !p->unit && !p->stored && p->ndemands > 1 &&
	    (p->cost >= DEAR || p->ndemands == 4))
		store_root(f, r);
	if (p->done) {
		p->ndemands = 0;
		demand(f, r, p->done - 1);
	}
	for (uint32_t k = 0; k < sg_nreads(f, r); k++)
		for (uint32_t i = 0; i < p->ndemands; i++)
			demand(f, n->args[k], p->demand[i] | (mapped ? MAPPED : 0));
}

/* ---- conditions ---- */

/* The step that tells condition r; what it waits for itself is made in its turn. */
static uint32_t
test_step(sg_fn *f, sg_ref r)
{
	const when at = {f->at[r].ready, sg_guard_of(f, r)};

	if (f->tested[r])
		return f->tested[r] - 1;
	const uint32_t step = new_step(f, SG_S_TEST, &at, r);
	f->tested[r] = step + 1;
	add_root(f, step, (sg_root){.kind = SG_R_TEXT, .ref = r, .from = r});
	return step;
}

/* Steps with a guard wait for its tests. */
static void
make_tests(sg_fn *f)
{
	if (!f->guards)
		return;
	f->tested = SG_NEW_ARRAY(f->ctx, uint32_t, f->g->n);
	f->test = SG_NEW_ARRAY(f->ctx, const char *, f->g->n);
	for (uint32_t s = 0; s < f->nsteps; s++)
		for (uint32_t g = f->step[s].guard; g; g = f->guards->at[g].up)
			depends(f, s, test_step(f, f->guards->at[g].cond));
}

/* ensures: f->order holds steps that compute every output; each step's values are built. */
void
sg_schedule(sg_fn *f)
{
	f->nest_map = sg_bytes_map_new(f->ctx);
	sg_set_levels(f);
	make_steps(f);
	for (sg_ref r = f->g->n; r-- > 1;)
		pass_demands(f, r);
	make_tests(f);
	for (uint32_t s = 0; s < f->nsteps; s++)
		sg_demand_step(f, s);
	sg_order_steps(f);
	sg_find_bands(f);
	sg_find_moments(f);
	sg_find_gathering(f);
}
