/* order.c - the order of the steps of a function.
 *
 * It is topological, and as near to that of the model as can be, save for functions of one angle,
 * which stand together, and in bodies of loops. Their arrays are short as a rule: a nest that reads
 * at other places what was just written then waits until the stores are through, so one that does
 * not goes before it. */
#include "back/branch.h"

enum {
	LOOK = 8, /* steps among which one is looked for that does not wait */
	FEW = 16, /* of the steps that a step depends on, those that are looked at */
};

typedef struct heap {
	uint64_t *item;
	size_t n;
} heap;

static void
heap_push(heap *h, uint64_t v)
{
	size_t i = h->n++;

	for (; i > 0 && h->item[(i - 1) / 2] > v; i = (i - 1) / 2)
		h->item[i] = h->item[(i - 1) / 2];
	h->item[i] = v;
}

static uint64_t
heap_pop(heap *h)
{
	const uint64_t top = h->item[0], v = h->item[--h->n];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < h->n) {
		if (k + 1 < h->n && h->item[k + 1] < h->item[k])
			k++;
		if (h->item[k] >= v)
			break;
		h->item[i] = h->item[k];
		i = k;
	}
	h->item[i] = v;
	return top;
}

static uint64_t
heap_key(const sg_fn *f, uint32_t step)
{
	const sg_ref r = f->step[step].ref;

	return (uint64_t)(f->angle[r] ? f->angle[r] : r) << 32 | step;
}

/* May nest s go before step t? A carry's last writer should stay behind all who read it, and what
 * one condition guards together. */
static bool
may_go_before(const sg_fn *f, const sg_step *s, const sg_step *t)
{
	if (s->kind != SG_S_NEST || s->nloops == 0 || s->guard != t->guard)
		return false;
	for (size_t k = 0; k < s->nroots; k++)
		if (s->root[k].kind == SG_R_COPY || f->at[s->root[k].ref].out)
			return false;
	return true;
}

static bool
has_dep(const sg_step *s, uint32_t before)
{
	for (size_t k = 0; k < s->ndeps && k < FEW; k++)
		if (s->dep[k] == before)
			return true;
	return false;
}

/* Does s read what the step before it wrote, as an array or as a piece of one? */
static bool
waits_for(const sg_fn *f, const sg_step *s, uint32_t before)
{
	for (size_t k = 0; k < s->ndeps && k < FEW; k++) {
		const sg_step *d = &f->step[s->dep[k]];

		if (s->dep[k] == before || (d->kind == SG_S_DONE && has_dep(d, before)))
			return true;
	}
	return false;
}

/* The next of the steps that wait for nothing; last: the nest before it, UINT32_MAX: does not
 * matter. */
static uint32_t
next_step(const sg_fn *f, heap *h, uint32_t last)
{
	uint64_t held[LOOK] = {heap_pop(h)};
	const sg_step *const first = &f->step[(uint32_t)held[0]];
	size_t n = 1, chosen = 0;

	if (last == UINT32_MAX || first->nloops == 0 || !waits_for(f, first, last))
		return (uint32_t)held[0];
	while (chosen == 0 && n < LOOK && h->n > 0) {
		const sg_step *s = &f->step[(uint32_t)(held[n++] = heap_pop(h))];

		if (may_go_before(f, s, first) && !waits_for(f, s, last))
			chosen = n - 1;
	}
	for (size_t k = 0; k < n; k++)
		if (k != chosen)
			heap_push(h, held[k]);
	return (uint32_t)held[chosen];
}

/* requires: steps that depend on each other only upwards.  ensures: f->order holds all of them. */
void
sg_order_steps(sg_fn *f)
{
	const size_t n = f->nsteps;
	uint32_t *waits = SG_NEW_ARRAY(f->ctx, uint32_t, n),
		 *at = SG_NEW_ARRAY(f->ctx, uint32_t, n + 2);
	uint32_t *next;
	uint32_t last = UINT32_MAX;
	size_t edges = 0, count = 0;
	heap h = {SG_NEW_ARRAY(f->ctx, uint64_t, n), 0};

	for (size_t s = 0; s < n; s++) {
		edges += f->step[s].ndeps;
		for (size_t k = 0; k < f->step[s].ndeps; k++)
			at[f->step[s].dep[k] + 2]++;
		waits[s] = (uint32_t)f->step[s].ndeps;
	}
	for (size_t s = 0; s < n; s++)
		at[s + 2] += at[s + 1];
	next = SG_NEW_ARRAY(f->ctx, uint32_t, edges);
	for (size_t s = 0; s < n; s++)
		for (size_t k = 0; k < f->step[s].ndeps; k++)
			next[at[f->step[s].dep[k] + 1]++] = (uint32_t)s;
	for (uint32_t s = 0; s < n; s++)
		if (waits[s] == 0)
			heap_push(&h, heap_key(f, s));
	f->order = SG_NEW_ARRAY(f->ctx, uint32_t, n);
	while (h.n > 0) {
		const uint32_t s = next_step(f, &h, last);

		f->order[count++] = s;
		if (f->around && f->step[s].kind == SG_S_NEST && f->step[s].nloops > 0)
			last = s;
		for (uint32_t k = at[s]; k < at[s + 1]; k++)
			if (--waits[next[k]] == 0)
				heap_push(&h, heap_key(f, next[k]));
	}
	sg_need(f->ctx, count == n, "steps that depend on each other only upwards");
}
