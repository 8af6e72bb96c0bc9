/* share.c - loops that do what another one does besides are left out.
 *
 * A function that is called twice, for its value and within grad(), has its loops twice, over
 * params of their own; and a forward derivative runs the loop again beside its tangents. Nodes get
 * numbers that are equal where they compute the same up to the names of the params: those of a loop
 * go by its height and their place. A loop whose carries are the first ones of another loop, with
 * the same first values, steps and end, is then not needed, if the other one runs wherever it would
 * and stacks whatever it stacks. So it is too where the other one runs only if that loop's result
 * says so, as the slope of a descent where the value has become less: to run the one with the slope
 * at once costs less than to run both, if mostly both would run. */
#include "pass/share.h"

#include <string.h>

enum {
	MOST = 32,     /* loops that begin alike and are compared with each other */
	MOST_MORE = 3, /* times the cost of a loop: another one that may run in vain in its place */
	DEEP = 4,      /* steps back from a value, to see what it is made of */
};

typedef struct alike {
	sg_ref loop[MOST];
	uint32_t n;
} alike;

/* The front end lets a WHILE in a branch go on only where the branch is taken. */
static sg_ref
bare_condition(const sg_sharing *w, sg_ref r)
{
	const sg_loop l = sg_loop_of(w->g, r);
	sg_ref cond = l.cond;

	for (uint32_t k = 0; l.op == SG_WHILE && k < l.ncap; k++) {
		const sg_node *n = sg_node_at(w->g, cond);

		if (n->op == SG_AND && (n->args[0] == l.cap[k] || n->args[1] == l.cap[k])) {
			cond = n->args[n->args[0] == l.cap[k]];
			k = UINT32_MAX; /* from the first one again */
		}
	}
	return cond;
}

/* ---- which loop does what another one does ---- */

static bool
same(const sg_sharing *w, uint32_t n, const sg_ref *a, const sg_ref *b)
{
	for (uint32_t k = 0; k < n; k++)
		if (w->number[a[k]] != w->number[b[k]])
			return false;
	return true;
}

/* By number: the first out of the loop that has it, + 1. */
static sg_bytes_map *
find_outs(const sg_sharing *w, const sg_loop *l)
{
	sg_bytes_map *at = sg_bytes_map_new(w->ctx);

	for (uint32_t k = l->ns; k-- > 0;) {
		const uint32_t number = w->number[l->out[k]];

		*sg_bytes_map_at(at, &number, sizeof number) = (void *)(uintptr_t)(k + 1);
	}
	return at;
}

/* The out of the loop, which is node r, that is the same; ns: there is none. */
static uint32_t
place_of_out(const sg_sharing *w, sg_ref r, const sg_loop *l, sg_ref out)
{
	const uint32_t number = w->number[out];

	if (!w->outs[r])
		w->outs[r] = find_outs(w, l);
	const uintptr_t at = (uintptr_t)sg_bytes_map_get(w->outs[r], &number, sizeof number);
	return at ? (uint32_t)at - 1 : l->ns;
}

static bool
stacks_all(const sg_sharing *w, sg_ref r, const sg_loop *more, const sg_loop *l)
{
	for (uint32_t k = 0; k < l->ns; k++)
		if (place_of_out(w, r, more, l->out[k]) == more->ns)
			return false;
	return true;
}

/* r: more. */
static bool
does_all(const sg_sharing *w, sg_ref r, const sg_loop *more, const sg_loop *l)
{
	return l->nc <= more->nc && l->nx <= more->nx && l->op == more->op &&
	       l->reverse == more->reverse && l->length == more->length &&
	       l->limited == more->limited && l->tape <= more->tape &&
	       same(w, 1, &l->count, &more->count) && same(w, l->nc, l->init, more->init) &&
	       same(w, l->nx, l->xs, more->xs) && same(w, l->nc, l->next, more->next) &&
	       same(w, l->nc, l->cparam, more->cparam) && same(w, l->nx, l->xparam, more->xparam) &&
	       stacks_all(w, r, more, l);
}

static sg_context
context_of(sg_sharing *w, size_t n, const sg_ref *root)
{
	return (sg_context){sg_graph_live(w->g, n, root),
	                    sg_guards_find(w->ctx, w->g, n, root, NULL)};
}

/* Where no loop runs there is nothing to share. */
static bool
has_loop(const sg_sharing *w, size_t n, const sg_ref *root)
{
	const sg_needed all = sg_graph_needed(w->g, 1, n, root);

	for (size_t i = 0; i < all.n; i++)
		if (sg_is_loop(w->g->node[all.ref[i]].op))
			return true;
	return false;
}

static void
add_context(sg_sharing *w, sg_contexts *c, size_t n, const sg_ref *root)
{
	if (has_loop(w, n, root))
		SG_PUSH(w->ctx, c->at, c->n, c->cap, context_of(w, n, root));
}

/* Each entry and each default is a function of its own. */
static void
add_functions(sg_sharing *w, sg_contexts *c)
{
	for (size_t e = 0; e < w->p->nentries; e++) {
		const sg_entry_ir *x = &w->p->entry[e];
		sg_ref *root = SG_NEW_ARRAY(w->ctx, sg_ref, x->nout + 1);

		for (size_t k = 0; k < x->nout; k++)
			root[k] = x->out[k].ref;
		add_context(w, c, x->nout, root);
	}
	for (size_t i = 0; i < w->p->ninputs; i++)
		if (w->p->input[i].deflt)
			add_context(w, c, 1, &w->p->input[i].deflt);
}

/* What is run together: the body of the loop; for 0 the functions. */
static const sg_contexts *
contexts_in(sg_sharing *w, sg_ref parent)
{
	sg_contexts *c = w->contexts[parent];

	if (c)
		return c;
	c = w->contexts[parent] = SG_NEW(w->ctx, sg_contexts);
	if (!parent) {
		add_functions(w, c);
		return c;
	}
	const sg_loop l = sg_loop_of(w->g, parent);
	sg_ref *root = SG_NEW_ARRAY(w->ctx, sg_ref, (size_t)l.nc + l.ns + 1);

	for (uint32_t k = 0; k < l.nc + l.ns; k++)
		root[k] = k < l.nc ? l.next[k] : l.out[k - l.nc];
	if (l.op == SG_WHILE) { /* its condition is run in a turn more */
		add_context(w, c, 1, &l.cond);
	}
	add_context(w, c, (size_t)l.nc + l.ns, root);
	return c;
}

/* All that loop r is run in. */
static sg_contexts
contexts_of(sg_sharing *w, sg_ref r)
{
	const sg_bodies *in = &w->in[r];
	sg_contexts all = {.n = 0};

	if (in->n == 0)
		return *contexts_in(w, 0);
	for (size_t k = 0; k < in->n; k++) {
		const sg_contexts *c = contexts_in(w, in->loop[k]);

		for (size_t i = 0; i < c->n; i++)
			SG_PUSH(w->ctx, all.at, all.n, all.cap, c->at[i]);
	}
	return all;
}

/* Does one of the roots need r? */
static bool
depend(const sg_sharing *w, size_t nroots, const sg_ref *root, sg_ref r)
{
	sg_ref top = r;
	bool *seen;

	for (size_t i = 0; i < nroots; i++)
		top = root[i] > top ? root[i] : top;
	seen = SG_NEW_ARRAY(w->ctx, bool, top - r + 1);
	for (size_t i = 0; i < nroots; i++)
		if (root[i] >= r)
			seen[root[i] - r] = true;
	for (sg_ref x = top; x > r; x--) {
		const sg_node *n = sg_node_at(w->g, x);

		for (uint32_t k = 0; seen[x - r] && k < n->nargs; k++)
			if (n->args[k] >= r)
				seen[n->args[k] - r] = true;
	}
	return seen[0];
}

static bool
depends(const sg_sharing *w, sg_ref x, sg_ref r)
{
	return depend(w, 1, &x, r);
}

/* What loop r is made of, but for the condition of its branch. */
static sg_ref *
bare_parts(const sg_sharing *w, sg_ref r, size_t *n)
{
	const sg_loop l = sg_loop_of(w->g, r);
	const uint32_t count[] = {l.nc, l.nc, l.nc,         l.nx,
	                          l.nx, l.ns, l.count != 0, w->bare[r] != 0};
	const sg_ref *const part[] = {l.init,   l.cparam, l.next,   l.xs,
	                              l.xparam, l.out,    &l.count, &w->bare[r]};
	sg_ref *all;

	*n = 0;
	for (size_t i = 0; i < sizeof count / sizeof *count; i++)
		*n += count[i];
	all = SG_NEW_ARRAY(w->ctx, sg_ref, *n + 1);
	for (size_t i = 0, at = 0; i < sizeof count / sizeof *count; at += count[i++])
		if (count[i])
			memcpy(all + at, part[i], count[i] * sizeof *all);
	return all;
}

/* Does `more` need r, if it is taken in its place? */
static bool
needs(const sg_sharing *w, sg_ref more, sg_ref r)
{
	size_t n;
	const sg_ref *part = bare_parts(w, more, &n);

	return depend(w, n, part, r);
}

/* ---- a loop that may run in vain ---- */

/* Can't it fail, whatever its operands are? */
static bool
is_safe(const sg_node *n)
{
	if (sg_is_checked(n->op, (sg_type)n->type))
		return false;
	switch (n->op) {
	case SG_NONEMPTY:
		return false;
	case SG_CONST:
	case SG_DATA:
	case SG_SEED:
	case SG_CAST:
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_BROADCAST:
	case SG_SLICE:
	case SG_PAD:
	case SG_CONCAT:
	case SG_SUM:
	case SG_CONTRACT:
	case SG_NORM:
		return true;
	default:
		return sg_is_ew(n->op);
	}
}

static bool
has_number(const sg_sharing *w, size_t n, const sg_ref *member, sg_ref r)
{
	for (size_t i = 0; i < n; i++)
		if (w->number[member[i]] == w->number[r])
			return true;
	return false;
}

/* Operations of nodes; -1: not known. */
static int64_t
cost_of(const sg_sharing *w, size_t n, const sg_ref *r)
{
	sg_build b = {.ctx = w->ctx, .sp = w->p->sp, .g = w->p->g};
	int64_t sum = 0, cost;

	for (size_t i = 0; i < n; i++) {
		if (!sg_ext_const(b.sp, sg_node_cost(&b, r[i]), &cost))
			return -1;
		sum += cost;
	}
	return sum;
}

/* Can what a step of `more` does beside one of r not fail, and is it not dear? */
static bool
may_run_in_vain(const sg_sharing *w, sg_ref more, sg_ref r)
{
	sg_ref *of_more, *of_r;
	size_t nmore, nr;

	sg_loop_members(w->ctx, w->g, more, &nmore, &of_more);
	sg_loop_members(w->ctx, w->g, r, &nr, &of_r);
	for (size_t i = 0; i < nmore; i++)
		if (!is_safe(sg_node_at(w->g, of_more[i])) && !has_number(w, nr, of_r, of_more[i]))
			return false;
	const int64_t all = cost_of(w, nmore, of_more), part = cost_of(w, nr, of_r);

	return all >= 0 && part >= 0 && all <= MOST_MORE * part;
}

/* Is x at hand where r runs, or made of what is at hand and of constants by a few movements? */
static bool
is_at_hand(const sg_sharing *w, const sg_guards *g, sg_ref x, sg_ref r, int deep)
{
	const sg_node *n = sg_node_at(w->g, x);

	if (sg_guard_within(g, g->of[r], g->of[x]))
		return true;
	if (deep == 0 || !is_safe(n) || sg_is_ew(n->op) || n->op == SG_CONTRACT)
		return false;
	for (uint32_t k = 0; k < n->nargs; k++)
		if (!is_at_hand(w, g, n->args[k], r, deep - 1))
			return false;
	return true;
}

/* `more` runs where r does and what r gives says so. */
static bool
follows(const sg_sharing *w, const sg_guards *g, sg_ref more, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, more);
	uint32_t at = g->of[more];

	for (; !sg_guard_within(g, g->of[r], at); at = g->at[at].up)
		if (!depends(w, g->at[at].cond, r))
			return false;
	for (uint32_t k = 0; k < sg_data_args(n); k++)
		if (!is_at_hand(w, g, n->args[k], r, DEEP))
			return false;
	return may_run_in_vain(w, more, r);
}

/* Is `more` in all bodies that r is in? */
static bool
is_in_all(const sg_sharing *w, sg_ref more, sg_ref r)
{
	const sg_bodies *has = &w->in[more], *of = &w->in[r];
	size_t found = 0;

	for (size_t i = 0; i < of->n; i++)
		for (size_t k = 0; k < has->n; k++)
			found += has->loop[k] == of->loop[i];
	return found == of->n;
}

/* Does `more` run wherever r does? Or as good as that? */
static bool
runs_too(sg_sharing *w, sg_ref more, sg_ref r)
{
	const sg_contexts c = contexts_of(w, r);

	for (size_t i = 0; i < c.n; i++) {
		const sg_guards *g = c.at[i].guards;

		if (!c.at[i].live[r])
			continue;
		if (!c.at[i].live[more] ||
		    (g && !sg_guard_within(g, g->of[r], g->of[more]) && !follows(w, g, more, r)))
			return false;
	}
	return true;
}

/* Does the guard say that the condition is `side`? */
static bool
implies(const sg_sharing *w, const sg_guards *g, uint32_t guard, sg_ref cond, bool side, int deep)
{
	const sg_node *n = sg_node_at(w->g, cond);

	if (deep > 0 && n->op == SG_NOT)
		return implies(w, g, guard, n->args[0], !side, deep - 1);
	if (deep > 0 && n->op == (side ? SG_AND : SG_OR))
		return implies(w, g, guard, n->args[0], side, deep - 1) &&
		       implies(w, g, guard, n->args[1], side, deep - 1);
	for (; guard; guard = g->at[guard].up)
		if (g->at[guard].cond == cond)
			return g->at[guard].side == side;
	return false;
}

/* Is it needed only where all that its condition has besides the bare one is true? */
static bool
is_for_its_branch(sg_sharing *w, sg_ref r)
{
	const sg_contexts c = contexts_of(w, r);
	const sg_ref cond = sg_loop_of(w->g, r).cond;

	if (w->bare[r] == cond)
		return true;
	for (size_t i = 0; i < c.n; i++) {
		const sg_guards *g = c.at[i].guards;

		for (sg_ref x = cond; c.at[i].live[r] && x != w->bare[r];) {
			const sg_node *n = sg_node_at(w->g, x);
			const bool first = depends(w, n->args[0], w->bare[r]);

			if (!g || !implies(w, g, g->of[r], n->args[first], true, DEEP))
				return false;
			x = n->args[!first];
		}
	}
	return true;
}

/* Do they end alike where they are needed? */
static bool
end_alike(sg_sharing *w, sg_ref more, sg_ref r)
{
	return is_for_its_branch(w, more) && is_for_its_branch(w, r) &&
	       w->number[w->bare[more]] == w->number[w->bare[r]];
}

/* Of loops that do the same the first stays. */
static bool
is_richer(const sg_loop *a, sg_ref ra, const sg_loop *b, sg_ref rb)
{
	if (a->nc != b->nc)
		return a->nc > b->nc;
	if (a->ns != b->ns || a->tape != b->tape || a->nx != b->nx)
		return a->ns + a->tape + a->nx > b->ns + b->tape + b->nx;
	return ra < rb;
}

static void
compare(sg_sharing *w, sg_ref r, sg_ref with)
{
	const sg_loop a = sg_loop_of(w->g, r), b = sg_loop_of(w->g, with);
	const bool first = is_richer(&a, r, &b, with);
	const sg_ref more = first ? r : with, less = first ? with : r;

	if (w->other[less] || !is_in_all(w, more, less) ||
	    !does_all(w, more, first ? &a : &b, first ? &b : &a) || !end_alike(w, more, less) ||
	    (w->number[more] != w->number[less] && !runs_too(w, more, less)) ||
	    needs(w, more, less))
		return;
	w->other[less] = more;
	if (w->is_bared[less] ||
	    w->number[sg_loop_of(w->g, more).cond] != w->number[sg_loop_of(w->g, less).cond])
		w->is_bared[more] = true;
}

static void
find_other(sg_sharing *w, sg_ref r)
{
	const sg_loop l = sg_loop_of(w->g, r);
	const uint32_t key[4] = {w->in[r].n ? w->in[r].loop[0] : 0, w->number[l.count],
	                         w->number[w->bare[r]], l.nc ? w->number[l.next[0]] : 0};
	void **slot = sg_bytes_map_at(w->begin, key, sizeof key);
	alike *a = *slot;

	if (!a)
		*slot = a = SG_NEW(w->ctx, alike);
	for (uint32_t k = 0; k < a->n; k++)
		compare(w, r, a->loop[k]);
	if (a->n < MOST)
		a->loop[a->n++] = r;
}

static sg_ref
stands_for(const sg_sharing *w, sg_ref r)
{
	while (w->other[r])
		r = w->other[r];
	return r;
}

/* ---- the new graph ---- */

typedef struct rebuild {
	const sg_sharing *w;
	sg_build b;
	sg_ref *map, *todo, *arg;
	size_t n, cap, arg_cap;
	bool *begun;
} rebuild;

/* Result k of a loop, as one of the loop that is taken. */
static uint32_t
moved_result(const sg_sharing *w, sg_ref from, sg_ref to, uint32_t k)
{
	const sg_loop l = sg_loop_of(w->g, from), more = sg_loop_of(w->g, to);

	if (k < l.nc)
		return k;
	if (l.op == SG_WHILE)
		return k - l.nc + more.nc;
	return more.nc + place_of_out(w, to, &more, l.out[k - l.nc]);
}

static sg_ref
operand(const sg_sharing *w, sg_ref r, uint32_t k)
{
	return stands_for(w, sg_arg(w->g, r, k));
}

/* The operands of x in the new graph; of a loop that is bared its parts. */
static const sg_ref *
operands(const rebuild *u, sg_ref x, size_t *n)
{
	const sg_node *node = sg_node_at(u->w->g, x);

	*n = node->nargs;
	return u->w->is_bared[x] ? bare_parts(u->w, x, n) : node->args;
}

static sg_ref *
mapped(const rebuild *u, uint32_t n, const sg_ref *r)
{
	sg_ref *now = SG_NEW_ARRAY(u->w->ctx, sg_ref, (size_t)n + 1);

	for (uint32_t k = 0; k < n; k++)
		now[k] = u->map[stands_for(u->w, r[k])];
	return now;
}

/* The loop, which goes on by its bare condition. */
static sg_ref
bared(rebuild *u, sg_ref r)
{
	sg_loop l = sg_loop_of(u->w->g, r);

	l.init = mapped(u, l.nc, l.init);
	l.xs = mapped(u, l.nx, l.xs);
	l.cparam = mapped(u, l.nc, l.cparam);
	l.xparam = mapped(u, l.nx, l.xparam);
	l.next = mapped(u, l.nc, l.next);
	l.out = mapped(u, l.ns, l.out);
	l.cond = u->map[u->w->bare[r]];
	return sg_loop_make(&u->b, &l);
}

static void
remake(rebuild *u, sg_ref r)
{
	const sg_node n = u->w->g->node[r];

	if (n.nargs > u->arg_cap)
		u->arg = SG_NEW_ARRAY(u->w->ctx, sg_ref, u->arg_cap = 2 * (size_t)n.nargs);
	for (uint32_t k = 0; k < n.nargs && !u->w->is_bared[r]; k++)
		u->arg[k] = u->map[operand(u->w, r, k)];
	u->b.g->here = u->w->g->span[r];
	if (n.op == SG_PICK)
		u->map[r] = sg_pick(
		    &u->b, u->arg[0],
		    moved_result(u->w, n.args[0], operand(u->w, r, 0), (uint32_t)n.attr->w[0]));
	else
		u->map[r] = u->w->is_bared[r] ? bared(u, r) : sg_remake(&u->b, &n, u->arg);
	if (u->w->g->name[r] && !u->b.g->name[u->map[r]])
		u->b.g->name[u->map[r]] = u->w->g->name[r];
}

/* False: r would need itself. */
static bool
rebuild_node(rebuild *u, sg_ref r)
{
	SG_PUSH(u->w->ctx, u->todo, u->n, u->cap, r);
	while (u->n > 0) {
		const sg_ref x = u->todo[u->n - 1];
		size_t n;
		const sg_ref *need = operands(u, x, &n);

		if (u->map[x] || u->begun[x]) {
			u->n--;
			if (!u->map[x])
				remake(u, x);
			continue;
		}
		u->begun[x] = true;
		for (size_t k = n; k-- > 0;) {
			const sg_ref y = stands_for(u->w, need[k]);

			if (u->map[y])
				continue;
			if (u->begun[y])
				return false;
			SG_PUSH(u->w->ctx, u->todo, u->n, u->cap, y);
		}
	}
	return true;
}

/* The roots in graph g; false: two loops would need each other now. */
static bool
build_again(const sg_sharing *w, sg_graph *g, size_t nroots, const sg_ref *root, sg_ref **map)
{
	rebuild u = {.w = w};

	u.b = (sg_build){.ctx = w->ctx, .sp = w->p->sp, .g = g};
	*map = u.map = SG_NEW_ARRAY(w->ctx, sg_ref, w->g->n);
	u.begun = SG_NEW_ARRAY(w->ctx, bool, w->g->n);
	for (size_t i = 0; i < nroots; i++)
		if (root[i] && !u.map[root[i]] && !rebuild_node(&u, root[i]))
			return false;
	g->here = (sg_span){.src = NULL};
	return true;
}

/* ---- all of a program, and what one entry is alone ---- */

static size_t
count_loops(const sg_sharing *w)
{
	size_t loops = 0;

	for (sg_ref r = 1; r < w->g->n; r++)
		loops += w->live[r] && sg_is_loop(w->g->node[r].op);
	return loops;
}

/* Is there a loop to be taken in place of another one? */
static bool
find_shared(sg_sharing *w)
{
	const size_t n = w->g->n;
	bool shared = false;

	sg_share_number(w);
	w->begin = sg_bytes_map_new(w->ctx);
	w->contexts = SG_NEW_ARRAY(w->ctx, sg_contexts *, n);
	w->other = SG_NEW_ARRAY(w->ctx, sg_ref, n);
	w->outs = SG_NEW_ARRAY(w->ctx, sg_bytes_map *, n);
	w->bare = SG_NEW_ARRAY(w->ctx, sg_ref, n);
	w->is_bared = SG_NEW_ARRAY(w->ctx, bool, n);
	for (sg_ref r = 1; r < n; r++)
		if (w->live[r] && sg_is_loop(w->g->node[r].op))
			w->bare[r] = bare_condition(w, r);
	for (sg_ref r = 1; r < n; r++)
		if (w->live[r] && sg_is_loop(w->g->node[r].op) && !w->single[r])
			find_other(w, r);
	for (sg_ref r = 1; r < n && !shared; r++)
		shared = w->other[r] != 0;
	return shared;
}

/* A loop that another entry needs without what this one does besides. */
static void
share_in_entry(sg_ctx *ctx, sg_program *p, sg_entry_ir *e)
{
	sg_program one = *p;
	sg_sharing w = {.ctx = ctx, .p = &one, .g = p->g};
	size_t nroots;

	one.ninputs = 0;
	one.entry = e;
	one.nentries = 1;
	const sg_ref *root = sg_program_roots(ctx, &one, &nroots);
	sg_ref *map;

	w.live = sg_graph_live(p->g, nroots, root);
	if (count_loops(&w) > 1 && find_shared(&w) && build_again(&w, p->g, nroots, root, &map))
		for (size_t k = 0; k < nroots; k++)
			e->out[k].ref = map[root[k]];
}

void
sg_share_loops(sg_ctx *ctx, sg_program *p)
{
	sg_sharing w = {.ctx = ctx, .p = p, .g = p->g};
	size_t nroots;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);
	sg_graph *g;
	sg_ref *map;

	w.live = sg_graph_live(p->g, nroots, root);
	if (count_loops(&w) < 2)
		return;
	if (find_shared(&w)) {
		g = sg_graph_sized(p->sp, p->g->n);
		if (build_again(&w, g, nroots, root, &map))
			sg_program_remap(p, g, map);
	}
	for (size_t e = 0; p->nentries > 1 && e < p->nentries; e++)
		share_in_entry(ctx, p, &p->entry[e]);
}
