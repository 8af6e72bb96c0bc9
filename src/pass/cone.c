/* cone.c - the set of nodes that some roots need: a bit a node, and ranks, so that a member's index
 * is found in constant time.
 *
 * Where the roots need few of very many nodes - one of a thousand entries - the bits alone would
 * cost more than all that is done with them; then a hash table holds the members. */
#include "pass/sweep.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 64 }; /* words of bits that are worth no table */

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

/* The place of r in the table, or the empty one where it belongs. */
static uint32_t *
place(const sg_cone *c, sg_ref r)
{
	uint32_t at = r * UINT32_C(2654435761) & c->mask;

	while (c->table[at] && c->member[c->table[at] - 1] != r)
		at = (at + 1) & c->mask;
	return &c->table[at];
}

bool
sg_cone_has(const sg_cone *c, sg_ref r)
{
	if (r < c->lo || r >= c->hi)
		return false;
	return c->table ? *place(c, r) != 0 : c->bits[(r - c->lo) / 64] >> (r - c->lo) % 64 & 1;
}

uint32_t
sg_cone_at(const sg_cone *c, sg_ref r)
{
	if (c->table)
		return *place(c, r) - 1;

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

/* A table of so many places; members as they are. */
static void
make_table(sg_build *b, sg_cone *c, uint32_t places)
{
	sg_ref *member = SG_NEW_ARRAY(b->ctx, sg_ref, places / 2);

	if (c->n)
		memcpy(member, c->member, c->n * sizeof *member);
	c->member = member;
	c->table = SG_NEW_ARRAY(b->ctx, uint32_t, places);
	c->mask = places - 1;
	for (uint32_t i = 0; i < c->n; i++)
		*place(c, member[i]) = i + 1;
}

static void
add(sg_build *b, sg_cone *c, sg_ref r)
{
	uint32_t *at;

	if (r < c->lo || !follows(b->g, c->follow, r))
		return;
	if (c->n == (c->mask + 1) / 2)
		make_table(b, c, 2 * (c->mask + 1));
	at = place(c, r);
	if (*at)
		return;
	c->member[c->n++] = r;
	*at = c->n;
}

static int
by_index(const void *a, const void *b)
{
	const sg_ref *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* With a table, so long as it takes a part of what the bits would. False: they are too many. */
static bool
find_few(sg_build *b, sg_cone *c, size_t nroots, const sg_ref *root, uint32_t words)
{
	sg_cone few = *c;

	make_table(b, &few, 16);
	for (size_t i = 0; i < nroots; i++)
		add(b, &few, root[i]);
	for (uint32_t i = 0; i < few.n; i++) {
		uint32_t first, last;

		if (few.n > words / 8)
			return false;
		followed(b->g, c->follow, few.member[i], &first, &last);
		for (uint32_t k = first; k < last; k++)
			add(b, &few, sg_arg(b->g, few.member[i], k));
	}
	qsort(few.member, few.n, sizeof *few.member, by_index);
	make_table(b, &few, few.mask + 1);
	*c = few;
	return true;
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
	if (words > FEW && find_few(b, &c, nroots, root, words))
		return c;
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
