/* guard.c - under which conditions the value of a node is needed.
 *
 * An `if` on a run-time condition is a SELECT whose condition is the same for all elements. What
 * only one of its sides needs has a guard: that the condition is that side. So has the second
 * operand of an AND of two scalars, or the first where the second is a rare case. A guard is a set
 * of such conditions; a node that is read in several places has those that the guards there have in
 * common. One backward walk over the graph finds them, users before operands. */
#include "pass/guard.h"

#include <string.h>

enum {
	DEEP = 64,  /* guards, and conditions within conditions: not looked at any further */
	WIDE = 1000 /* conditions looked at for one node: shared ones are met by all ways there are */
};

typedef struct finder {
	sg_ctx *ctx;
	const sg_graph *g;
	sg_guards *w;
	const bool *counts;
	sg_bytes_map *map;
	uint32_t *depth; /* by guard */
	size_t depth_cap;
	uint32_t left; /* conditions to look at */
} finder;

/* ---- conditions ---- */

static bool
has_one_element(const sg_graph *g, sg_ref r)
{
	const sg_shape *s = g->node[r].shape;

	for (uint32_t k = 0; k < s->rank; k++)
		if (!sg_ext_is(g->sp, s->ext[k], 1))
			return false;
	return true;
}

static bool
moves_all(uint16_t op)
{
	return op == SG_BROADCAST || op == SG_RESHAPE || op == SG_TRANSPOSE || op == SG_BIND ||
	       op == SG_STOP;
}

sg_ref
sg_same_everywhere(const sg_graph *g, sg_ref r)
{
	while (moves_all(g->node[r].op) || (g->node[r].op == SG_SLICE && !has_one_element(g, r)))
		r = g->node[r].args[0];
	return has_one_element(g, r) ? r : 0;
}

/* Past movement, as far as the elements stay the same everywhere. */
static sg_ref
behind_movement(const sg_graph *g, sg_ref r)
{
	const sg_ref one = sg_same_everywhere(g, r);

	if (one)
		return one;
	while (moves_all(g->node[r].op))
		r = g->node[r].args[0];
	return r;
}

/* Does the guard say what the condition is? 1: true, 0: false, -1: no. */
static int
known(finder *w, uint32_t guard, sg_ref cond, int deep)
{
	const sg_ref r = behind_movement(w->g, cond);
	const sg_node *n = sg_node_at(w->g, r);

	for (uint32_t at = guard; at; at = w->w->at[at].up)
		if (w->w->at[at].cond == r)
			return w->w->at[at].side;
	if (deep == 0 || w->left == 0 || (n->op != SG_NOT && n->op != SG_AND && n->op != SG_OR))
		return -1;
	w->left--;
	const int x = known(w, guard, n->args[0], deep - 1), decides = n->op == SG_OR;

	if (n->op == SG_NOT)
		return x < 0 ? x : !x;
	if (x == decides)
		return x;
	const int y = known(w, guard, n->args[1], deep - 1);
	return y == decides || x >= 0 ? y : -1;
}

/* ---- sets of conditions ---- */

typedef struct set { /* by condition, ascending */
	uint32_t n;
	sg_guard at[DEEP + 1];
} set;

static void
read_set(const finder *w, uint32_t guard, set *s)
{
	s->n = w->depth[guard];
	for (uint32_t k = s->n; guard; guard = w->w->at[guard].up)
		s->at[--k] = w->w->at[guard];
}

static uint32_t
guard_of_set(finder *w, const set *s)
{
	uint32_t guard = 0;

	for (uint32_t k = 0; k < s->n; k++) {
		const uint32_t key[3] = {guard, s->at[k].cond, s->at[k].side};
		void **slot = sg_bytes_map_at(w->map, key, sizeof key);
		size_t n = w->w->n;

		if (!*slot) {
			*slot = (void *)(uintptr_t)n;
			SG_PUSH(w->ctx, w->depth, n, w->depth_cap, k + 1);
			SG_PUSH(w->ctx, w->w->at, w->w->n, w->w->cap,
			        ((sg_guard){guard, s->at[k].cond, s->at[k].side}));
		}
		guard = (uint32_t)(uintptr_t)*slot;
	}
	return guard;
}

static void
put(set *s, sg_ref cond, bool side)
{
	uint32_t k = s->n++;

	for (; k > 0 && s->at[k - 1].cond > cond; k--)
		s->at[k] = s->at[k - 1];
	s->at[k] = (sg_guard){0, cond, side};
}

/* What follows from a condition that is true need not be told besides. From one that is false
 * nothing is concluded: it may be so because it was not looked at. */
static uint32_t
without_implied(finder *w, uint32_t guard, sg_ref cond)
{
	const sg_guard one = {0, cond, true};
	const uint32_t alone = guard_of_set(w, &(set){1, {one}});
	set s, kept = {0};

	read_set(w, guard, &s);
	for (uint32_t k = 0; k < s.n; k++)
		if (s.at[k].cond == cond || known(w, alone, s.at[k].cond, DEEP) != s.at[k].side)
			kept.at[kept.n++] = s.at[k];
	return guard_of_set(w, &kept);
}

static uint32_t
with_condition(finder *w, uint32_t guard, sg_ref cond, bool side)
{
	set s;

	read_set(w, guard, &s);
	put(&s, cond, side);
	guard = guard_of_set(w, &s);
	return side && s.n > 1 ? without_implied(w, guard, cond) : guard;
}

/* Adds to the guard that the condition is `side`: all of it that is known of scalars. False: that
 * is nothing, or the guard says the contrary, as of c and not c. */
static bool
add(finder *w, uint32_t *guard, sg_ref cond, bool side, int deep)
{
	const sg_ref r = behind_movement(w->g, cond);
	const sg_node *n = sg_node_at(w->g, r);

	if (deep == 0 || w->left == 0 || w->depth[*guard] >= DEEP)
		return false;
	w->left--;
	if (n->op == SG_NOT)
		return add(w, guard, n->args[0], !side, deep - 1);
	if ((n->op == SG_AND && side) || (n->op == SG_OR && !side)) {
		uint32_t both = *guard;

		for (uint32_t k = 0; k < 2; k++)
			if (known(w, both, n->args[k], deep) != (int)side &&
			    !add(w, &both, n->args[k], side, deep - 1))
				return false;
		*guard = both;
		return true;
	}
	if (!has_one_element(w->g, r) || n->op == SG_CONST || (w->counts && !w->counts[r]))
		return false;
	const int is = known(w, *guard, r, deep);

	if (is >= 0)
		return is == (int)side;
	*guard = with_condition(w, *guard, r, side);
	return true;
}

/* ---- the walk ---- */

static uint32_t
common(finder *w, uint32_t a, uint32_t b)
{
	set x, y, both = {0};

	if (a == b || a == 0 || b == 0)
		return a == b ? a : 0;
	read_set(w, a, &x);
	read_set(w, b, &y);
	for (uint32_t i = 0, k = 0; i < x.n && k < y.n;) {
		const sg_ref c = x.at[i].cond, d = y.at[k].cond;

		if (c == d && x.at[i].side == y.at[k].side)
			both.at[both.n++] = x.at[i];
		i += c <= d;
		k += d <= c;
	}
	return guard_of_set(w, &both);
}

static void
need(finder *w, sg_ref r, uint32_t guard)
{
	sg_guards *all = w->w;

	all->of[r] = all->live[r] ? common(w, all->of[r], guard) : guard;
	all->live[r] = true;
}

static void
visit_select(finder *w, sg_ref r, const sg_node *n)
{
	sg_guards *all = w->w;
	const uint32_t own = all->of[r];
	const int is = known(w, own, n->args[0], DEEP);
	uint32_t side[2] = {own, own};

	if (is >= 0) {
		all->known[r] = is ? 1 : 2;
		need(w, n->args[is ? 1 : 2], own);
		return;
	}
	need(w, n->args[0], own);
	if (add(w, &side[0], n->args[0], true, DEEP) && add(w, &side[1], n->args[0], false, DEEP))
		memcpy(all->side[r], side, sizeof side);
	else
		side[0] = side[1] = own;
	need(w, n->args[1], side[0]);
	need(w, n->args[2], side[1]);
}

uint32_t
sg_and_test(const sg_graph *g, sg_ref r)
{
	const sg_node *n = sg_node_at(g, sg_node_at(g, r)->args[1]);

	return n->op == SG_NOT && sg_node_at(g, n->args[0])->op == SG_LIKELY;
}

static void
visit(finder *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	const uint32_t own = w->w->of[r], nargs = sg_data_args(n);
	uint32_t guard = own, test;

	w->left = WIDE;
	if (n->op == SG_SELECT) {
		visit_select(w, r, n);
		return;
	}
	if (n->op != SG_AND || !has_one_element(w->g, r)) {
		for (uint32_t k = 0; k < nargs; k++)
			need(w, n->args[k], own);
		return;
	}
	test = sg_and_test(w->g, r);
	if (add(w, &guard, n->args[test], true, DEEP))
		w->w->side[r][0] = guard;
	need(w, n->args[test], own);
	need(w, n->args[1 - test], guard);
}

/* ---- the order ---- */

typedef struct sorting {
	const sg_graph *g;
	sg_guards *w;
	sg_ref *todo;
	size_t n, cap;
	uint8_t *state; /* by node: 0 new, 1 its operands are on the way, 2 done */
} sorting;

static void
push(sg_ctx *ctx, sorting *s, sg_ref r)
{
	if (s->state[r] == 0)
		SG_PUSH(ctx, s->todo, s->n, s->cap, r);
}

/* Operands, and the conditions of the guard: they do not need what they guard. Of a SELECT that is
 * known the operand that it is: another may wait for a condition that needs this one. */
static void
push_before(sg_ctx *ctx, sorting *s, sg_ref r)
{
	const sg_node *n = sg_node_at(s->g, r);
	const uint32_t nargs = sg_data_args(n), known = s->w->known[r];

	for (uint32_t g = s->w->of[r]; g; g = s->w->at[g].up)
		push(ctx, s, s->w->at[g].cond);
	for (uint32_t k = nargs; k-- > 0;)
		if (s->w->live[n->args[k]] && (!known || k == known))
			push(ctx, s, n->args[k]);
}

static void
sort_nodes(sg_ctx *ctx, const sg_graph *g, sg_guards *w)
{
	sorting s = {.g = g, .w = w, .state = SG_NEW_ARRAY(ctx, uint8_t, g->n)};

	w->order = SG_NEW_ARRAY(ctx, sg_ref, g->n);
	for (sg_ref top = 1; top < g->n; top++) {
		if (!w->live[top])
			continue;
		push(ctx, &s, top);
		while (s.n > 0) {
			const sg_ref r = s.todo[s.n - 1];

			if (s.state[r] == 0) {
				s.state[r] = 1;
				push_before(ctx, &s, r);
				continue;
			}
			s.n--;
			if (s.state[r] == 1)
				w->order[w->norder++] = r;
			s.state[r] = 2;
		}
	}
}

/* ---- all ---- */

/* Is there a SELECT or an AND that could be a branch? */
static bool
has_branches(const sg_graph *g)
{
	for (sg_ref r = 1; r < g->n; r++) {
		const sg_node *n = sg_node_at(g, r);

		if (n->op == SG_SELECT && sg_same_everywhere(g, n->args[0]))
			return true;
	}
	return false;
}

sg_guards *
sg_guards_find(sg_ctx *ctx, const sg_graph *g, size_t nroots, const sg_ref *root,
               const bool *counts)
{
	finder w = {.ctx = ctx, .g = g, .counts = counts};
	size_t n = 0;

	if (!has_branches(g))
		return NULL;
	w.map = sg_bytes_map_new(ctx);
	w.w = SG_NEW(ctx, sg_guards);
	w.w->of = SG_NEW_ARRAY(ctx, uint32_t, g->n);
	w.w->side = sg_alloc(ctx, g->n * sizeof *w.w->side);
	w.w->known = SG_NEW_ARRAY(ctx, uint8_t, g->n);
	w.w->live = SG_NEW_ARRAY(ctx, bool, g->n);
	w.w->is_cond = SG_NEW_ARRAY(ctx, bool, g->n);
	memset(w.w->side, 0, g->n * sizeof *w.w->side);
	SG_PUSH(ctx, w.w->at, w.w->n, w.w->cap, (sg_guard){0});
	SG_PUSH(ctx, w.depth, n, w.depth_cap, 0);
	for (size_t i = 0; i < nroots; i++)
		need(&w, root[i], 0);
	for (sg_ref r = g->n; r-- > 1;)
		if (w.w->live[r])
			visit(&w, r);
	if (w.w->n == 1)
		return NULL;
	for (size_t i = 1; i < w.w->n; i++)
		w.w->is_cond[w.w->at[i].cond] = true;
	sort_nodes(ctx, g, w.w);
	return w.w;
}

bool
sg_guard_within(const sg_guards *w, uint32_t inner, uint32_t outer)
{
	while (outer) {
		const sg_guard *o = &w->at[outer], *i = &w->at[inner];

		if (inner == 0 || i->cond < o->cond)
			return false;
		if (i->cond == o->cond && i->side != o->side)
			return false;
		if (i->cond == o->cond)
			outer = o->up;
		inner = i->up;
	}
	return true;
}
