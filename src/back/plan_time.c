/* plan_time.c - places for arrays one after the other, as they come to live.
 *
 * What ends is given back before what begins later is placed. So an array looks at what is free
 * now, and never at what lives: in a reverse sweep of n statements n arrays live at one time. */
#include "back/plan.h"

#include <stdlib.h>
#include <string.h>

/* Free bytes between arrays, in order, none touching another. From `end` on all is free. */
typedef struct gap {
	int64_t from, to;
} gap;

typedef struct gaps {
	gap *item;
	size_t n, cap;
	int64_t end;
} gaps;

/* By step, the arrays that end there: + 1, a list. */
typedef struct endings {
	size_t *newest, *before;
	uint32_t now; /* what ends before it has been given back */
} endings;

static endings
endings_new(sg_fn *f, const sg_held_all *all)
{
	return (endings){.newest = SG_NEW_ARRAY(f->ctx, size_t, f->nsteps + 2),
	                 .before = SG_NEW_ARRAY(f->ctx, size_t, all->n + 1)};
}

static void
add_ending(endings *e, const sg_held_all *all, size_t i)
{
	e->before[i] = e->newest[all->item[i].last];
	e->newest[all->item[i].last] = i + 1;
}

static size_t
find_gap(const gaps *g, int64_t from)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (g->item[mid].from < from)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
remove_gap(gaps *g, size_t at)
{
	memmove(g->item + at, g->item + at + 1, (g->n - at - 1) * sizeof *g->item);
	g->n--;
}

static void
insert_gap(sg_ctx *ctx, gaps *g, size_t at, gap new)
{
	SG_PUSH(ctx, g->item, g->n, g->cap, new);
	memmove(g->item + at + 1, g->item + at, (g->n - 1 - at) * sizeof *g->item);
	g->item[at] = new;
}

static void
give_back(sg_ctx *ctx, gaps *g, int64_t from, int64_t to)
{
	const size_t at = find_gap(g, from);
	gap new = {from, to};

	if (from == to)
		return;
	if (at < g->n && g->item[at].from == to) {
		new.to = g->item[at].to;
		remove_gap(g, at);
	}
	if (at > 0 && g->item[at - 1].to == from) {
		g->item[at - 1].to = new.to;
		new = g->item[at - 1];
	} else {
		insert_gap(ctx, g, at, new);
	}
	if (new.to == g->end) {
		g->end = new.from;
		g->n--;
	}
}

static int64_t
take(sg_ctx *ctx, gaps *g, int64_t size)
{
	int64_t at = g->end;

	for (size_t k = 0; k < g->n && size > 0; k++)
		if (g->item[k].to - g->item[k].from >= size) {
			at = g->item[k].from;
			g->item[k].from += size;
			if (g->item[k].from == g->item[k].to)
				remove_gap(g, k);
			return at;
		}
	g->end = sg_add_size(ctx, g->end, size);
	return at;
}

int64_t
sg_place_in_time(sg_fn *f, sg_held_all *all)
{
	endings e = endings_new(f, all);
	gaps g = {0};
	int64_t total = 0;

	for (size_t i = 0; i < all->n; i++) {
		sg_held *a = &all->item[i];

		for (; e.now < a->first; e.now++)
			for (size_t k = e.newest[e.now]; k; k = e.before[k - 1]) {
				const sg_held *old = &all->item[k - 1];

				give_back(f->ctx, &g, old->offset, old->offset + old->size);
			}
		a->offset = take(f->ctx, &g, a->size);
		add_ending(&e, all, i);
		total = g.end > total ? g.end : total;
	}
	return total;
}

static int
by_last(const void *a, const void *b)
{
	const sg_held *x = a, *y = b;

	if (x->last != y->last)
		return x->last < y->last ? -1 : 1;
	return x->ref < y->ref ? -1 : x->ref > y->ref;
}

/* n arrays of one size, in order of `first`. The one that ends next has begun before any that
 * begins after its end, so its slot is known by then. */
static void
share_one_size(sg_fn *f, const sg_held *run, size_t n)
{
	sg_held *ending = SG_NEW_ARRAY(f->ctx, sg_held, n);
	size_t ended = 0;

	memcpy(ending, run, n * sizeof *run);
	qsort(ending, n, sizeof *ending, by_last);
	for (size_t i = 0; i < n; i++) {
		sg_place *p = &f->at[run[i].ref];

		p->offset = 0;
		if (ending[ended].last < run[i].first) {
			p->slot = f->at[ending[ended++].ref].slot;
		} else {
			SG_PUSH(f->ctx, f->slot, f->nslots, f->slot_cap,
			        (sg_slot){.bytes = run[i].bytes});
			p->slot = (uint32_t)f->nslots;
		}
	}
}

void
sg_share_in_time(sg_fn *f, const sg_held_all *all)
{
	size_t end;

	for (size_t i = 0; i < all->n; i = end) {
		for (end = i + 1; end < all->n && all->item[end].bytes == all->item[i].bytes;)
			end++;
		share_one_size(f, all->item + i, end - i);
	}
}
