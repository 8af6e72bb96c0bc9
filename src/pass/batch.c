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
	sg_ref unit;     /* what is replaced by unit vectors; 0: nothing is */
	sg_ref *of_ones; /* per member: itself for ones in place of the unit vectors; 0: it is not
	                  * linear in them element by element */
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

		return sg_pick_batch(c->b, &n, &old, c->arg[0], c->size);
	}
	if (c->batched)
		return sg_batch_of(n.op)(c->b, &n, c->arg, c->led, c->size);
	return sg_remake(c->b, &n, c->arg);
}

/* ---- what unit vectors choose
 *
 * Row d of a batch of them is 1 at element d and zero elsewhere. A sum of their products with
 * something is that thing at d: the zeros are there for want of a path and take no part. So an inf
 * elsewhere does no harm. ---- */

static sg_ref
of_ones(const copy *c, sg_ref r)
{
	return sg_cone_has(&c->cone, r) ? c->of_ones[sg_cone_at(&c->cone, r)] : 0;
}

static bool
is_active(const copy *c, sg_ref r)
{
	bool changed;

	now(c, r, &changed);
	return changed;
}

/* Zero wherever the unit vectors are, if they are. */
static bool
is_linear_in_units(const copy *c, const sg_node *n)
{
	bool first, second;

	if (!sg_is_ew(n->op) || n->nargs > 2)
		return false;
	first = of_ones(c, n->args[0]) != 0;
	second = n->nargs == 2 && of_ones(c, n->args[1]) != 0;
	switch (n->op) {
	case SG_NEG:
		return first;
	case SG_ADD:
	case SG_SUB:
		return first && second;
	case SG_MUL:
		return (first && !is_active(c, n->args[1])) ||
		       (second && !is_active(c, n->args[0]));
	case SG_DIV:
		return first && !is_active(c, n->args[1]);
	default:
		return false;
	}
}

static sg_ref
with_ones(const copy *c, sg_ref r)
{
	const sg_node n = sg_at(c->b, r);
	sg_ref arg[2];

	if (r == c->unit)
		return sg_const(c->b, (sg_type)n.type, n.shape, 1);
	if (!is_linear_in_units(c, &n))
		return 0;
	for (uint32_t k = 0; k < n.nargs; k++) {
		const sg_ref ones = of_ones(c, n.args[k]);

		arg[k] = ones ? ones : n.args[k];
	}
	return sg_remake(c->b, &n, arg);
}

/* Axes of the second operand, whose labels are y: first those of x, then those of z. False unless
 * each is one of either. */
static bool
axes_chosen(uint32_t nx, const int64_t *x, uint32_t ny, const int64_t *y, uint32_t nz,
            const int64_t *z, int64_t *perm)
{
	uint32_t found = 0;

	if (nx + nz != ny)
		return false;
	for (uint32_t i = 0; i < ny; i++)
		for (uint32_t k = 0; k < ny; k++)
			if (y[k] == (i < nx ? x[i] : z[i - nx]))
				perm[found++] = k;
	return found == ny;
}

/* The contraction of `ones`, times the unit vectors, with y. */
static sg_ref
contracted(copy *c, sg_ref ones, const int64_t *lx, sg_ref y, const int64_t *ly, uint32_t nz,
           const int64_t *lz)
{
	sg_build *b = c->b;
	const uint32_t nx = sg_shape_of(b, ones)->rank, ny = sg_shape_of(b, y)->rank;
	int64_t perm[2 * SG_MAX_RANK], axis[SG_MAX_RANK];
	sg_ext e[SG_MAX_RANK + 1];
	sg_ref r;

	if (nz >= SG_MAX_RANK || !axes_chosen(nx, lx, ny, ly, nz, lz, perm))
		return 0;
	r = sg_transpose(b, y, perm);
	for (uint32_t k = 0; k < nx; k++)
		axis[k] = k;
	if (!sg_is_value(b, ones, 1))
		r = sg_ew2(b, SG_MUL, sg_broadcast(b, ones, sg_shape_of(b, r), axis), r);
	e[0] = c->size;
	for (uint32_t k = 0; k < nz; k++)
		e[k + 1] = sg_shape_of(b, r)->ext[nx + k];
	return sg_reshape(b, r, sg_shape_make(b->sp, nz + 1, e));
}

/* Node r, if it is such a sum; else 0. */
static sg_ref
chosen(copy *c, sg_ref r)
{
	const sg_node n = sg_at(c->b, r);
	sg_ref ones;

	if (n.op == SG_SUM && (ones = of_ones(c, n.args[0])) != 0) {
		const uint32_t rank = sg_shape_of(c->b, ones)->rank;

		if ((uint64_t)n.attr->w[0] != ((uint64_t)1 << rank) - 1)
			return 0;
		return sg_reshape(c->b, ones, sg_shape_make(c->b->sp, 1, &c->size));
	}
	if (n.op != SG_CONTRACT)
		return 0;
	const int64_t *w = n.attr->w + 3;
	const int64_t *label[3] = {w, w + n.attr->w[0], w + n.attr->w[0] + n.attr->w[1]};

	for (int k = 0; k < 2; k++)
		if ((ones = of_ones(c, n.args[k])) != 0 && !is_active(c, n.args[1 - k]))
			return contracted(c, ones, label[k], n.args[1 - k], label[1 - k],
			                  (uint32_t)n.attr->w[2], label[2]);
	return 0;
}

/* ---- the walk ---- */

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
	c->of_ones = SG_NEW_ARRAY(c->b->ctx, sg_ref, c->cone.n);
	for (uint32_t i = 0; i < c->cone.n; i++) {
		const sg_ref r = c->cone.member[i], fresh = g->n;

		if (!c->active[i])
			continue;
		g->here = g->span[r].src ? g->span[r] : here;
		if (c->unit)
			c->of_ones[i] = with_ones(c, r);
		if (c->now[i])
			continue;
		c->now[i] = c->unit ? chosen(c, r) : 0;
		if (!c->now[i])
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

static void
batch(copy *c, size_t nroots, sg_ref *root, size_t n, const sg_ref *from, const sg_ref *to)
{
	pairs p = {.known = sg_bytes_map_new(c->b->ctx)};

	for (size_t i = 0; i < n; i++)
		add_pair(c->b, &p, from[i], to[i]);
	while (batch_placeholders(c->b, nroots, root, &p, c->size))
		continue;
	run(c, nroots, root, p.n, p.from, p.to);
}

void
sg_batch(sg_build *b, size_t nroots, sg_ref *root, size_t n, const sg_ref *from, const sg_ref *to,
         sg_ext size)
{
	copy c = {.b = b, .batched = true, .size = size};

	batch(&c, nroots, root, n, from, to);
}

sg_ref
sg_batch_units(sg_build *b, sg_ref root, sg_ref seed, sg_ref units)
{
	copy c = {.b = b, .batched = true, .size = sg_shape_of(b, units)->ext[0], .unit = seed};

	batch(&c, 1, &root, 1, &seed, &units);
	return root;
}
