/* cone.c - the set of nodes that some roots need: a bit a node, and ranks, so that a member's index
 * is found in constant time. */
#include "pass/sweep.h"

sg_ref
sg_lowest(size_t n, const sg_ref *x)
{
	sg_ref lo = UINT32_MAX;

	for (size_t i = 0; i < n; i++)
		lo = x[i] < lo ? x[i] : lo;
	return lo;
}

/* Operands first .. last-1 of r are followed. */
static void
followed(const sg_graph *g, sg_follow follow, sg_ref r, uint32_t *first, uint32_t *last)
{
	const sg_node *n = sg_node_at(g, r);

	*first = 0;
	*last = sg_data_args(n);
	if (follow == SG_FOLLOW_ALL)
		return;
	if (n->op == SG_STOP || !sg_type_is_float((sg_type)n->type))
		*last = 0;
	if (n->op == SG_CUSTOM) {
		*first = (uint32_t)(1 + n->attr->w[1]);
		*last = *first + (uint32_t)n->attr->w[0];
	}
}

static bool
follows(const sg_graph *g, sg_follow follow, sg_ref operand)
{
	return follow == SG_FOLLOW_ALL || sg_type_is_float((sg_type)sg_node_at(g, operand)->type);
}

static void
put(sg_cone *c, sg_ref r)
{
	if (r >= c->lo)
		c->bits[(r - c->lo) / 64] |= (uint64_t)1 << (r - c->lo) % 64;
}

bool
sg_cone_has(const sg_cone *c, sg_ref r)
{
	return r >= c->lo && r < c->hi && (c->bits[(r - c->lo) / 64] >> (r - c->lo) % 64 & 1);
}

uint32_t
sg_cone_at(const sg_cone *c, sg_ref r)
{
	const uint32_t word = (r - c->lo) / 64;
	const uint64_t below = ((uint64_t)1 << (r - c->lo) % 64) - 1;

	return c->rank[word] + (uint32_t)__builtin_popcountll(c->bits[word] & below);
}

/* One walk down in index order: when it comes to a node, all users of that node have been there. */
static void
mark(sg_build *b, sg_cone *c)
{
	for (sg_ref r = c->hi; r-- > c->lo;) {
		uint32_t first, last;

		if (!c->bits[(r - c->lo) / 64]) { /* nothing here: on to the word below */
			r -= (r - c->lo) % 64;
			continue;
		}
		if (!sg_cone_has(c, r))
			continue;
		followed(b->g, c->follow, r, &first, &last);
		for (uint32_t k = first; k < last; k++)
			if (follows(b->g, c->follow, sg_arg(b->g, r, k)))
				put(c, sg_arg(b->g, r, k));
	}
}

static void
number(sg_build *b, sg_cone *c, uint32_t words)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < words; w++) {
		c->rank[w] = c->n;
		c->n += (uint32_t)__builtin_popcountll(c->bits[w]);
	}
	c->member = SG_NEW_ARRAY(b->ctx, sg_ref, c->n);
	for (uint32_t w = 0; w < words; w++)
		for (uint64_t left = c->bits[w]; left; left &= left - 1)
			c->member[n++] = c->lo + w * 64 + (uint32_t)__builtin_ctzll(left);
}

sg_cone
sg_cone_make(sg_build *b, sg_follow follow, size_t nroots, const sg_ref *root, sg_ref lo)
{
	sg_cone c = {.follow = follow, .lo = lo, .hi = lo};

	for (size_t i = 0; i < nroots; i++)
		if (root[i] >= c.hi)
			c.hi = root[i] + 1;
	if (c.hi == lo)
		return c;
	const uint32_t words = (c.hi - lo + 63) / 64;
	c.bits = SG_NEW_ARRAY(b->ctx, uint64_t, words);
	c.rank = SG_NEW_ARRAY(b->ctx, uint32_t, words);
	for (size_t i = 0; i < nroots; i++)
		if (follows(b->g, follow, root[i]))
			put(&c, root[i]);
	mark(b, &c);
	number(b, &c, words);
	return c;
}

bool *
sg_cone_active(sg_build *b, const sg_cone *c, size_t n, const sg_ref *x)
{
	bool *active = SG_NEW_ARRAY(b->ctx, bool, c->n);

	for (size_t i = 0; i < n; i++)
		if (sg_cone_has(c, x[i]))
			active[sg_cone_at(c, x[i])] = true;
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t first, last;

		followed(b->g, c->follow, c->member[i], &first, &last);
		for (uint32_t k = first; k < last && !active[i]; k++) {
			const sg_ref a = sg_arg(b->g, c->member[i], k);

			active[i] = sg_cone_has(c, a) && active[sg_cone_at(c, a)];
		}
	}
	return active;
}
