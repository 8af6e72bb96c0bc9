/* batch.c - copies of a graph in which some nodes are replaced; by something of the same shape, or
 * by something with a leading axis, which then goes up through all that depends on it. */
#include "pass/sweep.h"
#include "rules/op.h"

typedef struct copy {
	sg_build *b;
	bool batched; /* with a leading axis of extent `size`, or without */
	sg_ext size;
	sg_cone cone;
	const bool *active;
	sg_ref *now; /* per member: what it has become */
	sg_ref *arg; /* scratch: operands of one node, and whether they have the leading axis */
	bool *led;
	uint32_t cap;
} copy;

/* What r has become. */
static sg_ref
now(const copy *c, sg_ref r, bool *changed)
{
	*changed = sg_cone_has(&c->cone, r) && c->active[sg_cone_at(&c->cone, r)];
	return *changed ? c->now[sg_cone_at(&c->cone, r)] : r;
}

static sg_ref
remade(copy *c, sg_ref r)
{
	const sg_node n = sg_at(c->b, r);

	if (n.nargs > c->cap) {
		c->cap = 2 * n.nargs;
		c->arg = SG_NEW_ARRAY(c->b->ctx, sg_ref, c->cap);
		c->led = SG_NEW_ARRAY(c->b->ctx, bool, c->cap);
	}
	for (uint32_t k = 0; k < n.nargs; k++)
		c->arg[k] = now(c, n.args[k], &c->led[k]);
	if (n.op == SG_SCAN || n.op == SG_WHILE)
		return c->batched ? sg_loop_batch(c->b, &n, c->arg, c->led, c->size)
		                  : sg_loop_over(c->b, &n, c->arg);
	if (n.op == SG_PICK && c->batched) {
		const sg_loop old = sg_loop_of(c->b->g, n.args[0]);

		return sg_pick_batch(c->b, &n, &old, c->arg[0]);
	}
	if (c->batched)
		return sg_batch_of(n.op)(c->b, &n, c->arg, c->led, c->size);
	return sg_remake(c->b, &n, c->arg);
}

/* The copies of the roots. */
static void
run(copy *c, size_t nroots, sg_ref *root, size_t n, const sg_ref *from, const sg_ref *to)
{
	sg_graph *g = c->b->g;
	const sg_span here = g->here;
	bool changed;

	c->cone = sg_cone_make(c->b, SG_FOLLOW_ALL, nroots, root, sg_lowest(n, from));
	c->active = sg_cone_active(c->b, &c->cone, n, from);
	c->now = SG_NEW_ARRAY(c->b->ctx, sg_ref, c->cone.n);
	for (size_t i = 0; i < n; i++)
		if (sg_cone_has(&c->cone, from[i]))
			c->now[sg_cone_at(&c->cone, from[i])] = to[i];
	for (uint32_t i = 0; i < c->cone.n; i++) {
		const sg_ref r = c->cone.member[i], fresh = g->n;

		if (!c->active[i] || c->now[i])
			continue;
		g->here = g->span[r].src ? g->span[r] : here;
		c->now[i] = remade(c, r);
		if (c->now[i] >= fresh)
			sg_name_after(c->b, c->now[i], "", r);
	}
	g->here = here;
	for (size_t i = 0; i < nroots; i++)
		if (root[i]) {
			root[i] = now(c, root[i], &changed);
			if (!changed && c->batched)
				root[i] = sg_lead(c->b, root[i], c->size);
		}
}

void
sg_substitute(sg_build *b, size_t nroots, sg_ref *root, size_t n, const sg_ref *from,
              const sg_ref *to)
{
	copy c = {.b = b};

	run(&c, nroots, root, n, from, to);
}

/* ---- batching ---- */

typedef struct pairs {
	sg_ref *from, *to;
	size_t n, from_cap, to_cap;
	sg_bytes_map *known; /* the refs in from */
} pairs;

static void
add_pair(sg_build *b, pairs *p, sg_ref from, sg_ref to)
{
	size_t n = p->n;

	*sg_bytes_map_at(p->known, &from, sizeof from) = p;
	SG_PUSH(b->ctx, p->from, p->n, p->from_cap, from);
	SG_PUSH(b->ctx, p->to, n, p->to_cap, to);
}

/* The user's rules in the cone of the roots take adjoints with the leading axis too: their
 * placeholders join the pairs. True if some were new, which can make other nodes depend on them. */
static bool
batch_placeholders(sg_build *b, size_t nroots, const sg_ref *root, pairs *p, sg_ext size)
{
	const sg_cone cone = sg_cone_make(b, SG_FOLLOW_ALL, nroots, root, sg_lowest(p->n, p->from));
	const bool *active = sg_cone_active(b, &cone, p->n, p->from);
	const size_t before = p->n;

	for (uint32_t i = 0; i < cone.n; i++) {
		const sg_node n = sg_at(b, cone.member[i]);

		if (!active[i] || n.op != SG_CUSTOM)
			continue;
		for (int64_t k = 0; k < n.attr->w[1]; k++) {
			const sg_ref seed = n.args[1 + k];
			const sg_node at = sg_at(b, seed);

			if (*sg_bytes_map_at(p->known, &seed, sizeof seed))
				continue;
			add_pair(b, p, seed,
			         sg_seed(b, (sg_type)at.type, sg_shape_led(b, at.shape, size),
			                 at.attr->w[0]));
		}
	}
	return p->n > before;
}

void
sg_batch(sg_build *b, size_t nroots, sg_ref *root, size_t n, const sg_ref *from, const sg_ref *to,
         sg_ext size)
{
	copy c = {.b = b, .batched = true, .size = size};
	pairs p = {.known = sg_bytes_map_new(b->ctx)};

	for (size_t i = 0; i < n; i++)
		add_pair(b, &p, from[i], to[i]);
	while (batch_placeholders(b, nroots, root, &p, size))
		continue;
	run(&c, nroots, root, p.n, p.from, p.to);
}
