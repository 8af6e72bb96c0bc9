/* merge.c - loops that do the same steps become one loop.
 *
 * A reverse sweep runs a loop again to keep its carries; where the first run is needed too, both are one:
 * the first loop then also stacks what the later ones stack, as far as that was built before it. */
#include "pass/sweep.h"

#include <string.h>

typedef struct family {
	sg_ref first;
	sg_ref *out; /* of all members, each once */
	size_t nout, cap;
	sg_bytes_map *at; /* by out: its place, + 1 */
	bool tape;
} family;

typedef struct merging {
	sg_ctx *ctx;
	const sg_graph *g;
	const bool *live;
	family **of;  /* by node, of loops */
	sg_bytes_map *known;
} merging;

static bool
is_loop(uint16_t op)
{
	return op == SG_SCAN || op == SG_WHILE;
}

/* All of a loop save what it stacks. */
static family **
family_at(merging *m, const sg_loop *l)
{
	sg_buf key;
	const uint32_t head[7] = {l->op, l->nc, l->nx, l->reverse, l->limited, l->length, l->count};

	sg_buf_init(&key, m->ctx);
	sg_buf_write(&key, (const char *)head, sizeof head);
	sg_buf_write(&key, (const char *)&l->cond, sizeof l->cond);
	sg_buf_write(&key, (const char *)l->init, l->nc * sizeof *l->init);
	sg_buf_write(&key, (const char *)l->xs, l->nx * sizeof *l->xs);
	sg_buf_write(&key, (const char *)l->cparam, l->nc * sizeof *l->cparam);
	sg_buf_write(&key, (const char *)l->xparam, l->nx * sizeof *l->xparam);
	sg_buf_write(&key, (const char *)l->next, l->nc * sizeof *l->next);
	return (family **)sg_bytes_map_at(m->known, key.s, key.n);
}

static size_t
place_of(const family *f, sg_ref out)
{
	const uintptr_t at = (uintptr_t)sg_bytes_map_get(f->at, &out, sizeof out);

	return at ? at - 1 : f->nout;
}

static family *
new_family(merging *m, sg_ref first)
{
	family *f = SG_NEW(m->ctx, family);

	f->first = first;
	f->at = sg_bytes_map_new(m->ctx);
	return f;
}

/* Marks what the nodes are made of, as far as that has no mark yet; inside of loops only what these
 * read from outside. False where a placeholder is met. */
static bool
mark_all(const merging *m, uint32_t *met, uint32_t now, size_t n, const sg_ref *r)
{
	sg_ref *todo = NULL;
	size_t ntodo = 0, cap = 0;
	bool given = true;

	for (size_t i = 0; i < n; i++)
		SG_PUSH(m->ctx, todo, ntodo, cap, r[i]);
	while (ntodo > 0) {
		const sg_ref x = todo[--ntodo];
		const sg_node *node = sg_node_at(m->g, x);

		if (met[x] == now)
			continue;
		met[x] = now;
		given = given && node->op != SG_SEED;
		for (uint32_t k = 0; k < sg_data_args(node); k++)
			SG_PUSH(m->ctx, todo, ntodo, cap, node->args[k]);
	}
	return given;
}

/* Is what r reads from outside there for the first one of the family too? What hangs on a loop
 * around r in which that is not is not. */
static bool
reads_the_same(const merging *m, const family *f, sg_ref r)
{
	const sg_node *first = sg_node_at(m->g, f->first), *n = sg_node_at(m->g, r);
	const uint32_t nargs = sg_data_args(n), nfirst = sg_data_args(first);
	sg_ref *other = SG_NEW_ARRAY(m->ctx, sg_ref, nargs + 1);
	uint32_t nother = 0, now, *met;

	for (uint32_t k = 0; k < nargs; k++) {
		uint32_t i = 0;

		while (i < nfirst && first->args[i] != n->args[k])
			i++;
		if (i == nfirst)
			other[nother++] = n->args[k];
	}
	if (nother == 0)
		return true;
	met = sg_graph_mark(m->g, &now);
	mark_all(m, met, now, nfirst, first->args);
	return mark_all(m, met, now, nother, other);
}

/* Can the first of the family stack what l does? Not what has been built after it. */
static bool
is_there(const merging *m, const family *f, const sg_loop *l, sg_ref r)
{
	bool more = false;

	for (uint32_t k = 0; k < l->ns; k++)
		if (place_of(f, l->out[k]) == f->nout) {
			if (l->out[k] > f->first)
				return false;
			more = true;
		}
	return !more || reads_the_same(m, f, r);
}

static void
join(merging *m, sg_ref r)
{
	const sg_loop l = sg_loop_of(m->g, r);
	family **slot = family_at(m, &l), *f = *slot;

	if (!f)
		f = *slot = new_family(m, r);
	else if (!is_there(m, f, &l, r))
		f = new_family(m, r); /* stays alone */
	f->tape = f->tape || l.tape;
	for (uint32_t k = 0; k < l.ns; k++)
		if (place_of(f, l.out[k]) == f->nout) {
			SG_PUSH(m->ctx, f->out, f->nout, f->cap, l.out[k]);
			*sg_bytes_map_at(f->at, &l.out[k], sizeof l.out[k]) = (void *)f->nout;
		}
	m->of[r] = f;
}

static sg_ref
remade_loop(sg_build *b, merging *m, sg_ref r, const sg_ref *map, const sg_ref *arg)
{
	const family *f = m->of[r];
	sg_node n = m->g->node[r];

	if (f->first != r)
		return map[f->first];
	n.args = arg;
	sg_loop l = sg_loop_parts(&n);
	sg_ref *out = SG_NEW_ARRAY(m->ctx, sg_ref, f->nout + 1);
	for (size_t k = 0; k < f->nout; k++)
		out[k] = map[f->out[k]];
	l.out = out;
	l.ns = (uint32_t)f->nout;
	l.tape = f->tape;
	return sg_loop_make(b, &l);
}

static sg_ref
remade_pick(sg_build *b, merging *m, const sg_node *pick, sg_ref loop)
{
	const sg_loop l = sg_loop_of(m->g, pick->args[0]);
	uint32_t k = (uint32_t)pick->attr->w[0];

	if (l.op == SG_SCAN && k >= l.nc)
		k = l.nc + (uint32_t)place_of(m->of[pick->args[0]], l.out[k - l.nc]);
	return sg_pick(b, loop, k);
}

void
sg_merge_loops(sg_ctx *ctx, sg_program *p)
{
	merging m = {.ctx = ctx, .g = p->g, .known = sg_bytes_map_new(ctx)};
	sg_build b = {.ctx = ctx, .sp = p->sp, .g = sg_graph_sized(p->sp, p->g->n)};
	sg_ref *map = SG_NEW_ARRAY(ctx, sg_ref, p->g->n), *arg = NULL;
	size_t nroots, cap = 0, loops = 0;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);

	m.live = sg_graph_live(p->g, nroots, root);
	m.of = SG_NEW_ARRAY(ctx, family *, p->g->n);
	for (sg_ref r = 1; r < p->g->n; r++)
		if (m.live[r] && is_loop(p->g->node[r].op))
			join(&m, r), loops++;
	if (loops < 2)
		return;
	for (sg_ref r = 1; r < p->g->n; r++) {
		const sg_node n = p->g->node[r];

		if (!m.live[r])
			continue;
		if (n.nargs > cap)
			arg = SG_NEW_ARRAY(ctx, sg_ref, cap = 2 * n.nargs);
		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = map[n.args[k]];
		b.g->here = p->g->span[r];
		map[r] = is_loop(n.op)       ? remade_loop(&b, &m, r, map, arg)
		         : n.op == SG_PICK   ? remade_pick(&b, &m, &n, arg[0])
		                             : sg_remake(&b, &n, arg);
		if (p->g->name[r] && !b.g->name[map[r]])
			b.g->name[map[r]] = p->g->name[r];
	}
	sg_program_remap(p, b.g, map);
}
