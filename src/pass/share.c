/* share.c - loops that do what another one does besides are left out.
 *
 * A function that is called twice, for its value and within grad(), has its loops twice, over
 * params of their own; and a forward derivative runs the loop again beside its tangents. Nodes get
 * numbers that are equal where they compute the same up to the names of the params: those of a loop
 * go by its height and their place. A loop whose carries are the first ones of another loop, with
 * the same first values, steps and end, is then not needed, if the other one runs wherever it would
 * and stacks whatever it stacks. */
#include "pass/guard.h"
#include "pass/sweep.h"

#include <string.h>

enum { MOST = 32 /* loops that begin alike and are compared with each other */ };

typedef struct alike {
	sg_ref loop[MOST];
	uint32_t n;
} alike;

typedef struct context {
	const bool *live;
	const sg_guards *guards;
} context;

typedef struct contexts {
	context *at;
	size_t n, cap;
} contexts;

typedef struct sharing {
	sg_ctx *ctx;
	const sg_program *p;
	const sg_graph *g;
	const bool *live;
	uint32_t *height; /* by node, of loops: 1 where no loop is inside */
	sg_ref *parent;   /* by node, of loops: the loop whose body it is in; 0: it is in none */
	uint64_t *param;  /* by node, of params: what they are called; else 0 */
	uint32_t *number; /* by node: equal where the values are */
	uint32_t count;
	sg_bytes_map *known, *begin;
	contexts **contexts; /* by loop, once they are known; [0]: of loops in none */
	sg_ref *other;       /* by node, of loops: the one to be taken in its place; 0: itself */
} sharing;

static bool
is_loop(uint16_t op)
{
	return op == SG_SCAN || op == SG_WHILE;
}

/* ---- numbers ---- */

static void
name_params(sharing *w, sg_ref r)
{
	const sg_loop l = sg_loop_of(w->g, r);
	size_t n;
	sg_ref *member;
	uint32_t height = 0;

	sg_loop_members(w->ctx, w->g, r, &n, &member);
	for (size_t i = 0; i < n; i++) {
		if (!is_loop(w->g->node[member[i]].op))
			continue;
		if (w->height[member[i]] > height)
			height = w->height[member[i]];
		if (!w->parent[member[i]])
			w->parent[member[i]] = r;
	}
	w->height[r] = ++height;
	for (uint32_t k = 0; k < l.nc; k++)
		w->param[l.cparam[k]] = (uint64_t)height << 33 | k;
	for (uint32_t k = 0; k < l.nx; k++)
		w->param[l.xparam[k]] = (uint64_t)height << 33 | (uint64_t)1 << 32 | k;
}

static bool
commutes(uint16_t op)
{
	return op == SG_ADD || op == SG_MUL || op == SG_MAX || op == SG_MIN || op == SG_AND ||
	       op == SG_OR || op == SG_EQ || op == SG_NE;
}

static void
put_numbers(const sharing *w, sg_buf *key, uint32_t n, const sg_ref *r)
{
	for (uint32_t k = 0; k < n; k++)
		sg_buf_write(key, (const char *)&w->number[r[k]], sizeof *w->number);
}

/* A loop without what its body reads from outside, which follows from the rest. */
static void
put_loop(const sharing *w, sg_buf *key, const sg_loop *l)
{
	const uint32_t head[8] = {l->op,      l->nc,   l->nx,      l->ns,
	                          l->reverse, l->tape, l->limited, l->length};

	sg_buf_write(key, (const char *)head, sizeof head);
	put_numbers(w, key, 1, &l->count);
	put_numbers(w, key, 1, &l->cond);
	put_numbers(w, key, l->nc, l->init);
	put_numbers(w, key, l->nx, l->xs);
	put_numbers(w, key, l->nc, l->next);
	put_numbers(w, key, l->ns, l->out);
}

static void
put_node(const sharing *w, sg_buf *key, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	const uintptr_t head[3] = {(uintptr_t)n->op << 8 | n->type, (uintptr_t)n->shape,
	                           w->param[r] ? 0 : (uintptr_t)n->attr};
	const bool swap = commutes(n->op) && w->number[n->args[0]] > w->number[n->args[1]];

	sg_buf_write(key, (const char *)head, sizeof head);
	if (w->param[r]) {
		sg_buf_write(key, (const char *)&w->param[r], sizeof *w->param);
	} else if (swap) {
		put_numbers(w, key, 1, n->args + 1);
		put_numbers(w, key, 1, n->args);
	} else {
		put_numbers(w, key, n->nargs, n->args);
	}
}

static void
number(sharing *w, sg_ref r)
{
	sg_buf key;
	void **slot;

	sg_buf_init(&key, w->ctx);
	if (is_loop(w->g->node[r].op)) {
		const sg_loop l = sg_loop_of(w->g, r);

		put_loop(w, &key, &l);
	} else {
		put_node(w, &key, r);
	}
	slot = sg_bytes_map_at(w->known, key.s, key.n);
	if (!*slot)
		*slot = (void *)(uintptr_t)++w->count;
	w->number[r] = (uint32_t)(uintptr_t)*slot;
}

/* ---- which loop does what another one does ---- */

static bool
same(const sharing *w, uint32_t n, const sg_ref *a, const sg_ref *b)
{
	for (uint32_t k = 0; k < n; k++)
		if (w->number[a[k]] != w->number[b[k]])
			return false;
	return true;
}

static uint32_t
place_of_out(const sharing *w, const sg_loop *l, sg_ref out)
{
	uint32_t k = 0;

	while (k < l->ns && w->number[l->out[k]] != w->number[out])
		k++;
	return k;
}

static bool
does_all(const sharing *w, const sg_loop *more, const sg_loop *l)
{
	for (uint32_t k = 0; k < l->ns; k++)
		if (place_of_out(w, more, l->out[k]) == more->ns)
			return false;
	return l->nc <= more->nc && l->nx <= more->nx && l->op == more->op &&
	       l->reverse == more->reverse && l->length == more->length &&
	       l->limited == more->limited && l->tape <= more->tape &&
	       same(w, 1, &l->count, &more->count) && same(w, 1, &l->cond, &more->cond) &&
	       same(w, l->nc, l->init, more->init) && same(w, l->nx, l->xs, more->xs) &&
	       same(w, l->nc, l->next, more->next);
}

static context
context_of(sharing *w, size_t n, const sg_ref *root)
{
	return (context){sg_graph_live(w->g, n, root), sg_guards_find(w->ctx, w->g, n, root, NULL)};
}

static void
add_context(sharing *w, contexts *c, size_t n, const sg_ref *root)
{
	SG_PUSH(w->ctx, c->at, c->n, c->cap, context_of(w, n, root));
}

/* Each entry and each default is a function of its own. */
static void
add_functions(sharing *w, contexts *c)
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
static const contexts *
contexts_in(sharing *w, sg_ref parent)
{
	contexts *c = w->contexts[parent];

	if (c)
		return c;
	c = w->contexts[parent] = SG_NEW(w->ctx, contexts);
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

/* Does `more` run wherever r does? */
static bool
runs_too(sharing *w, sg_ref more, sg_ref r)
{
	const contexts *c = contexts_in(w, w->parent[r]);

	for (size_t i = 0; i < c->n; i++) {
		const sg_guards *g = c->at[i].guards;

		if (!c->at[i].live[r])
			continue;
		if (!c->at[i].live[more] || (g && !sg_guard_within(g, g->of[r], g->of[more])))
			return false;
	}
	return true;
}

/* Does `more` need r? */
static bool
depends(const sharing *w, sg_ref more, sg_ref r)
{
	bool *seen;

	if (more < r)
		return false;
	seen = SG_NEW_ARRAY(w->ctx, bool, more - r + 1);
	seen[more - r] = true;
	for (sg_ref x = more; x > r; x--) {
		const sg_node *n = sg_node_at(w->g, x);

		for (uint32_t k = 0; seen[x - r] && k < n->nargs; k++)
			if (n->args[k] >= r)
				seen[n->args[k] - r] = true;
	}
	return seen[0];
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
compare(sharing *w, sg_ref r, sg_ref with)
{
	const sg_loop a = sg_loop_of(w->g, r), b = sg_loop_of(w->g, with);
	const bool first = is_richer(&a, r, &b, with);
	const sg_ref more = first ? r : with, less = first ? with : r;

	if (w->other[less] || !does_all(w, first ? &a : &b, first ? &b : &a) ||
	    (w->number[more] != w->number[less] && !runs_too(w, more, less)) ||
	    depends(w, more, less))
		return;
	w->other[less] = more;
}

static void
find_other(sharing *w, sg_ref r)
{
	const sg_loop l = sg_loop_of(w->g, r);
	const uint32_t key[4] = {w->parent[r], w->number[l.count], w->number[l.cond],
	                         l.nc ? w->number[l.next[0]] : 0};
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
stands_for(const sharing *w, sg_ref r)
{
	while (w->other[r])
		r = w->other[r];
	return r;
}

/* ---- the new graph ---- */

typedef struct rebuild {
	const sharing *w;
	sg_build b;
	sg_ref *map, *todo, *arg;
	size_t n, cap, arg_cap;
	bool *begun;
} rebuild;

/* Result k of a loop, as one of the loop that is taken. */
static uint32_t
moved_result(const sharing *w, sg_ref from, sg_ref to, uint32_t k)
{
	const sg_loop l = sg_loop_of(w->g, from), more = sg_loop_of(w->g, to);

	if (k < l.nc)
		return k;
	if (l.op == SG_WHILE)
		return k - l.nc + more.nc;
	return more.nc + place_of_out(w, &more, l.out[k - l.nc]);
}

static sg_ref
operand(const sharing *w, sg_ref r, uint32_t k)
{
	return stands_for(w, sg_arg(w->g, r, k));
}

static void
remake(rebuild *u, sg_ref r)
{
	const sg_node n = u->w->g->node[r];

	if (n.nargs > u->arg_cap)
		u->arg = SG_NEW_ARRAY(u->w->ctx, sg_ref, u->arg_cap = 2 * (size_t)n.nargs);
	for (uint32_t k = 0; k < n.nargs; k++)
		u->arg[k] = u->map[operand(u->w, r, k)];
	u->b.g->here = u->w->g->span[r];
	if (n.op == SG_PICK)
		u->map[r] = sg_pick(
		    &u->b, u->arg[0],
		    moved_result(u->w, n.args[0], operand(u->w, r, 0), (uint32_t)n.attr->w[0]));
	else
		u->map[r] = sg_remake(&u->b, &n, u->arg);
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
		const sg_node *n = sg_node_at(u->w->g, x);

		if (u->map[x] || u->begun[x]) {
			u->n--;
			if (!u->map[x])
				remake(u, x);
			continue;
		}
		u->begun[x] = true;
		for (uint32_t k = n->nargs; k-- > 0;) {
			const sg_ref y = operand(u->w, x, k);

			if (u->map[y])
				continue;
			if (u->begun[y])
				return false;
			SG_PUSH(u->w->ctx, u->todo, u->n, u->cap, y);
		}
	}
	return true;
}

static void
build_again(const sharing *w, sg_program *p, size_t nroots, const sg_ref *root)
{
	rebuild u = {.w = w};

	u.b = (sg_build){.ctx = w->ctx, .sp = p->sp, .g = sg_graph_new(p->sp)};
	u.map = SG_NEW_ARRAY(w->ctx, sg_ref, p->g->n);
	u.begun = SG_NEW_ARRAY(w->ctx, bool, p->g->n);
	for (size_t i = 0; i < nroots; i++)
		if (root[i] && !u.map[root[i]] && !rebuild_node(&u, root[i]))
			return; /* two loops need each other now: all stays as it was */
	sg_program_remap(p, u.b.g, u.map);
}

void
sg_share_loops(sg_ctx *ctx, sg_program *p)
{
	sharing w = {.ctx = ctx, .p = p, .g = p->g};
	const size_t n = p->g->n;
	size_t loops = 0, shared = 0, nroots;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);

	w.live = sg_graph_live(p->g, nroots, root);
	for (sg_ref r = 1; r < n; r++)
		loops += w.live[r] && is_loop(p->g->node[r].op);
	if (loops < 2)
		return;
	w.known = sg_bytes_map_new(ctx);
	w.begin = sg_bytes_map_new(ctx);
	w.height = SG_NEW_ARRAY(ctx, uint32_t, n);
	w.parent = SG_NEW_ARRAY(ctx, sg_ref, n);
	w.param = SG_NEW_ARRAY(ctx, uint64_t, n);
	w.number = SG_NEW_ARRAY(ctx, uint32_t, n);
	w.contexts = SG_NEW_ARRAY(ctx, contexts *, n);
	w.other = SG_NEW_ARRAY(ctx, sg_ref, n);
	for (sg_ref r = 1; r < n; r++)
		if (w.live[r] && is_loop(p->g->node[r].op))
			name_params(&w, r);
	for (sg_ref r = 1; r < n; r++)
		if (w.live[r])
			number(&w, r);
	for (sg_ref r = 1; r < n; r++)
		if (w.live[r] && is_loop(p->g->node[r].op))
			find_other(&w, r);
	for (sg_ref r = 1; r < n; r++)
		shared += w.other[r] != 0;
	if (shared)
		build_again(&w, p, nroots, root);
}
