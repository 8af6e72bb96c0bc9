/* graph.c - nodes: made once each, kept in order of making. */
#include "ir/space.h"

#include <string.h>

struct sg_marks {
	uint32_t *at, now;
	size_t cap;
};

sg_graph *
sg_graph_new(sg_space *sp)
{
	sg_graph *g = SG_NEW(sp->ctx, sg_graph);

	g->sp = sp;
	g->n = 1;
	g->marks = SG_NEW(sp->ctx, struct sg_marks);
	return g;
}

/* The arrays along the nodes get this room. Entry 0 is zero. */
static void set_room(sg_graph *g, size_t cap);
static void set_table(sg_graph *g, size_t cap);

sg_graph *
sg_graph_sized(sg_space *sp, size_t n)
{
	sg_graph *g = sg_graph_new(sp);
	size_t table = 64;

	while (table < 2 * n)
		table *= 2;
	set_room(g, n < 64 ? 64 : n);
	set_table(g, table);
	return g;
}

uint32_t *
sg_graph_mark(const sg_graph *g, uint32_t *now)
{
	struct sg_marks *m = g->marks;

	if (m->cap < g->n || m->now > UINT32_MAX - 32) {
		m->cap = g->cap < g->n ? g->n : g->cap;
		m->at = SG_NEW_ARRAY(g->sp->ctx, uint32_t, m->cap);
		m->now = 0;
	}
	*now = m->now += 16;
	return m->at;
}

static void *
longer(sg_graph *g, const void *items, size_t cap, size_t size)
{
	void *p = sg_alloc_array(g->sp->ctx, cap, size);

	if (g->cap)
		memcpy(p, items, g->n * size);
	return p;
}

static void
set_room(sg_graph *g, size_t cap)
{
	g->node = longer(g, g->node, cap, sizeof *g->node);
	g->span = longer(g, g->span, cap, sizeof *g->span);
	g->name = longer(g, g->name, cap, sizeof *g->name);
	g->cap = cap;
}

/* Room for one node more. */
static void
make_room(sg_graph *g)
{
	if (g->n < g->cap)
		return;
	if (g->n == UINT32_MAX)
		sg_raise(g->sp->ctx, SG_FAULT_LIMIT, "a graph has too many nodes");
	set_room(g, g->cap ? 2 * g->cap : 64);
}

static uint32_t
node_hash(const sg_node *n)
{
	uintptr_t head[3] = {(uintptr_t)n->op << 8 | n->type, (uintptr_t)n->shape,
	                     (uintptr_t)n->attr};
	uint64_t h = sg_hash(head, sizeof head, n->nargs);

	return (uint32_t)(n->nargs ? sg_hash(n->args, n->nargs * sizeof *n->args, h) : h);
}

static bool
same_node(const sg_node *a, const sg_node *b)
{
	return a->op == b->op && a->type == b->type && a->shape == b->shape && a->attr == b->attr &&
	       a->nargs == b->nargs &&
	       (!a->nargs || memcmp(a->args, b->args, a->nargs * sizeof *a->args) == 0);
}

/* A slot keeps the hash, so that few comparisons look at a node, and none when the table grows. */
struct sg_slot {
	uint32_t hash;
	sg_ref ref;
};

/* The slot of an equal node, or the empty one where it belongs. */
static struct sg_slot *
find_slot(const sg_graph *g, const sg_node *n, uint32_t hash)
{
	struct sg_slot *table = g->table;
	size_t i = hash & (g->table_cap - 1);

	while (table[i].ref && !(table[i].hash == hash && same_node(&g->node[table[i].ref], n)))
		i = (i + 1) & (g->table_cap - 1);
	return &table[i];
}

static void
set_table(sg_graph *g, size_t cap)
{
	struct sg_slot *table = SG_NEW_ARRAY(g->sp->ctx, struct sg_slot, cap);

	for (size_t k = 0; k < g->table_cap; k++) {
		size_t i = g->table[k].hash & (cap - 1);

		if (!g->table[k].ref)
			continue;
		while (table[i].ref)
			i = (i + 1) & (cap - 1);
		table[i] = g->table[k];
	}
	g->table = table;
	g->table_cap = cap;
}

/* Twice the table; at most half of it is in use. */
static void
grow_table(sg_graph *g)
{
	if ((size_t)g->n * 2 >= g->table_cap)
		set_table(g, g->table_cap ? g->table_cap * 2 : 64);
}

sg_ref
sg_node_make(sg_graph *g, uint16_t op, sg_type type, const sg_shape *shape, uint32_t nargs,
             const sg_ref *args, const sg_attr *attr)
{
	sg_node n = {op, (uint8_t)type, nargs, args, shape, attr};
	const uint32_t hash = node_hash(&n);
	struct sg_slot *slot;

	make_room(g);
	grow_table(g);
	slot = find_slot(g, &n, hash);
	if (slot->ref)
		return slot->ref;
	for (uint32_t i = 0; i < nargs; i++)
		sg_need(g->sp->ctx, args[i] && args[i] < g->n, "a node's operand is not there");
	n.args = nargs ? sg_copy(g->sp->ctx, args, nargs * sizeof *args) : NULL;
	g->node[g->n] = n;
	g->span[g->n] = g->here;
	g->name[g->n] = NULL;
	*slot = (struct sg_slot){hash, g->n};
	return g->n++;
}

void
sg_node_hide(sg_graph *g, sg_ref r)
{
	const sg_node *n = sg_node_at(g, r);
	struct sg_slot *slot = find_slot(g, n, node_hash(n));

	if (slot->ref == r)
		slot->hash = ~slot->hash;
}

bool *
sg_graph_live(const sg_graph *g, size_t nroots, const sg_ref *roots)
{
	bool *live = SG_NEW_ARRAY(g->sp->ctx, bool, g->n);

	for (size_t i = 0; i < nroots; i++)
		if (roots[i])
			live[roots[i]] = true;
	for (uint32_t r = g->n - 1; r > 0; r--)
		for (uint32_t k = 0; live[r] && k < g->node[r].nargs; k++)
			live[g->node[r].args[k]] = true;
	return live;
}

void
sg_graph_check(const sg_graph *g)
{
	const sg_space *sp = g->sp;

	for (uint32_t r = 1; r < g->n; r++) {
		const sg_node *n = &g->node[r];

		sg_need(sp->ctx, n->type <= SG_BOOL, "a node has an unknown type");
		sg_need(sp->ctx, n->shape && n->shape->rank <= SG_MAX_RANK, "a node has no shape");
		for (uint32_t k = 0; k < n->shape->rank; k++)
			sg_need(sp->ctx, n->shape->ext[k] < sp->npolys,
			        "a shape has an unknown extent");
		sg_need(sp->ctx, sg_shape_make(g->sp, n->shape->rank, n->shape->ext) == n->shape,
		        "a shape is not interned");
		for (uint32_t k = 0; k < n->nargs; k++)
			sg_need(sp->ctx, n->args[k] && n->args[k] < r,
			        "an operand comes after its user");
		sg_need(sp->ctx, !n->attr || sg_attr_make(g->sp, n->attr->n, n->attr->w) == n->attr,
		        "an attribute is not interned");
	}
}
