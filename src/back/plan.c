/* plan.c - where in the workspace the arrays lie.
 *
 * An array lives from the first step that writes it to the last that reads it. Arrays of fixed size
 * share one region, at multiples of 64 bytes. Behind it come slots of symbolic size: arrays that
 * live at different times share one, which is as large as the largest of them. Which of two sizes
 * is larger may depend on the dimensions; then the slot's size is a max, and a guess of the
 * dimensions says who shares with whom. */
#include "back/emit.h"

#include <stdlib.h>

enum {
	ALIGN = 64,
	GUESS = 100,  /* of each dimension */
	LARGE = 4096, /* bytes of an array of fixed size that is worth a slot */
	MANY = 1000,  /* arrays of fixed size, or of symbolic: only plans that are made fast */
};

typedef struct array {
	sg_ref ref;
	uint32_t first, last;
	sg_ext bytes;
	int64_t size; /* rounded up; of symbolic size: for the guess */
	int64_t offset;
	size_t before; /* in its slot, + 1; 0: it is the first there */
} array;

typedef struct arrays {
	array *item;
	size_t n, cap;
} arrays;

static int64_t
round_up(sg_ctx *ctx, int64_t bytes)
{
	return sg_add_size(ctx, bytes, ALIGN - 1) / ALIGN * ALIGN;
}

/* Of an array that is local to a band, as many rows as a tile has at most. Few rows may be less
 * than a tile, which counts where a row may be long; columns have room for all. */
sg_ext
sg_held_size(sg_fn *f, sg_ref r)
{
	const sg_band *b = f->at[r].band ? &f->band[f->at[r].band - 1] : NULL;
	sg_ext length, rows;

	if (!b)
		return sg_shape_size(f->sp, sg_fn_node(f, r)->shape);
	length = sg_row_length(f, r);
	rows = sg_ext_int(f->sp, b->room ? b->room : b->tile);
	if (!b->room && !sg_ext_const(f->sp, length, NULL))
		rows = sg_ext_min(f->sp, b->rows, rows);
	return sg_ext_mul(f->sp, rows, length);
}

static sg_ext
bytes_of(sg_fn *f, sg_ref r)
{
	const sg_place *p = &f->at[r];
	const int64_t size = (int64_t)sg_type_size((sg_type)sg_fn_node(f, r)->type);

	return sg_ext_mul(f->sp, sg_ext_int(f->sp, size << (p->carried && !p->out)),
	                  sg_held_size(f, r));
}

/* ---- lifetimes ---- */

static void
extend(sg_place *p, uint32_t first, uint32_t last)
{
	if (p->first == 0 || first < p->first)
		p->first = first;
	if (last > p->last)
		p->last = last;
}

/* Steps of a band take turns. What they hand on within a tile is done with in the same turn; all
 * else that one of them touches lives from the first turn to the last. */
static void
set_lifetimes(sg_fn *f)
{
	for (uint32_t pos = 0; pos < f->nsteps; pos++) {
		const sg_step *s = &f->step[f->order[pos]];
		const sg_band *b = s->band ? &f->band[s->band - 1] : NULL;

		for (size_t i = 0; i < s->nreads; i++) {
			sg_place *p = &f->at[s->read[i]];

			if (b && !p->band)
				extend(p, b->first + 1, b->first + b->n);
			else
				extend(p, pos + 1, pos + 1);
		}
	}
}

/* Where sums go on from tile to tile, what was rounded off lies behind them; an output has room for
 * the sums alone. */
static bool
needs_place(const sg_place *p)
{
	return p->first && (!p->out || p->carried);
}

static int
by_first(const void *a, const void *b)
{
	const array *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->ref < y->ref ? -1 : x->ref > y->ref;
}

static int
by_size(const void *a, const void *b)
{
	const array *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return by_first(a, b);
}

static void
sort(arrays *all, int order(const void *, const void *))
{
	if (all->n)
		qsort(all->item, all->n, sizeof *all->item, order);
}

static bool
meet(const array *a, const array *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* ---- of fixed size ---- */

/* Room for all that live at one time, if nothing lies between. */
static int64_t
most_alive(sg_fn *f, const arrays *all)
{
	int64_t *change = SG_NEW_ARRAY(f->ctx, int64_t, f->nsteps + 2), now = 0, most = 0;

	for (size_t i = 0; i < all->n; i++) {
		change[all->item[i].first] += all->item[i].size;
		change[all->item[i].last + 1] -= all->item[i].size;
	}
	for (size_t pos = 0; pos < f->nsteps + 2; pos++) {
		now += change[pos];
		most = now > most ? now : most;
	}
	return most;
}

/* Puts it at the lowest place where none of those that it meets lies; live[] is in order of offset.
 */
static void
place(sg_fn *f, array **live, size_t n, array *a)
{
	size_t at = 0;

	a->offset = 0;
	for (size_t k = 0; k < n; k++) {
		const array *other = live[k];

		if (!meet(other, a))
			continue;
		if (sg_add_size(f->ctx, a->offset, a->size) <= other->offset)
			break;
		if (other->offset + other->size > a->offset)
			a->offset = other->offset + other->size;
	}
	while (at < n && live[at]->offset <= a->offset)
		at++;
	for (; n > at; n--)
		live[n] = live[n - 1];
	live[at] = a;
}

/* One after the other; gives back what they take. In order of time, those that live no more are
 * forgotten. */
static int64_t
place_each(sg_fn *f, arrays *all, bool in_time)
{
	array **live = SG_NEW_ARRAY(f->ctx, array *, all->n + 1);
	uint32_t soonest = UINT32_MAX;
	int64_t total = 0;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		array *a = &all->item[i];

		if (in_time && soonest < a->first) {
			size_t kept = 0;

			soonest = UINT32_MAX;
			for (size_t k = 0; k < n; k++)
				if (live[k]->last >= a->first) {
					soonest = live[k]->last < soonest ? live[k]->last : soonest;
					live[kept++] = live[k];
				}
			n = kept;
		}
		place(f, live, n++, a);
		soonest = a->last < soonest ? a->last : soonest;
		total =
		    a->offset + a->size > total ? sg_add_size(f->ctx, a->offset, a->size) : total;
	}
	return total;
}

static void
keep_offsets(sg_fn *f, const arrays *all)
{
	for (size_t i = 0; i < all->n; i++)
		f->at[all->item[i].ref].offset = all->item[i].offset;
}

/* In order of time; where that leaves gaps, the large ones first may do better. */
static void
plan_fixed(sg_fn *f, arrays *all)
{
	int64_t other;

	f->fixed = place_each(f, all, true);
	keep_offsets(f, all);
	if (all->n > MANY || f->fixed == most_alive(f, all))
		return;
	sort(all, by_size);
	other = place_each(f, all, false);
	if (other >= f->fixed)
		return;
	f->fixed = other;
	keep_offsets(f, all);
}

/* ---- of symbolic size ---- */

/* In slot k nothing lives while a does. What has the slot's size came in order of time. */
static bool
is_free(const sg_fn *f, const arrays *all, uint32_t k, const array *a)
{
	const sg_slot *s = &f->slot[k];

	for (size_t i = s->newest; i; i = all->item[i - 1].before)
		if (meet(&all->item[i - 1], a))
			return false;
	return true;
}

/* How gladly the slot takes an array of so many bytes; 0: not at all. */
static int
fit(sg_fn *f, const sg_slot *s, sg_ext bytes, bool same_only)
{
	if (s->bytes == bytes)
		return 3;
	if (same_only)
		return 0;
	return sg_ext_max(f->sp, s->bytes, bytes) == s->bytes ? 2 : 1;
}

static void
take_slot(sg_fn *f, arrays *all, size_t i, bool same_only)
{
	array *a = &all->item[i];
	uint32_t best = UINT32_MAX;
	int how = 0;

	for (uint32_t k = 0; k < f->nslots && how < 3; k++) {
		int is;

		if (!same_only && !is_free(f, all, k, a)) /* sizes take longer to compare */
			continue;
		is = fit(f, &f->slot[k], a->bytes, same_only);
		if (is > how && (!same_only || is_free(f, all, k, a))) {
			best = k;
			how = is;
		}
	}
	if (best == UINT32_MAX) {
		best = (uint32_t)f->nslots;
		SG_PUSH(f->ctx, f->slot, f->nslots, f->slot_cap, (sg_slot){.bytes = a->bytes});
	}
	f->slot[best].bytes = sg_ext_max(f->sp, f->slot[best].bytes, a->bytes);
	a->before = f->slot[best].newest;
	f->slot[best].newest = i + 1;
	f->at[a->ref].slot = best + 1;
	f->at[a->ref].offset = 0;
}

/* The large ones first, so that a slot is as large as its first array, by the guess. */
static void
plan_symbolic(sg_fn *f, arrays *all)
{
	f->nslots = 0;
	sort(all, by_size);
	for (size_t i = 0; i < all->n; i++)
		take_slot(f, all, i, all->n > MANY);
}

/* ---- all ---- */

static void
plan_both(sg_fn *f, arrays *fixed, arrays *symbolic)
{
	sort(fixed, by_first);
	plan_fixed(f, fixed);
	plan_symbolic(f, symbolic);
}

/* For the guess; beyond what can be counted it is as large as can be. */
static int64_t
guess(sg_fn *f, sg_ext bytes)
{
	const uint32_t n = sg_space_ndims(f->sp);
	int64_t *dims = SG_NEW_ARRAY(f->ctx, int64_t, n + 1), v = 0;

	for (uint32_t d = 0; d < n; d++)
		dims[d] = GUESS;
	return sg_ext_eval(f->sp, bytes, dims, &v) && v >= 0 ? v : INT64_MAX;
}

/* Large arrays of fixed size may live when those of symbolic size do not, and take slots too: is
 * that better, by the guess? */
static void
share_with_large(sg_fn *f, arrays *fixed, arrays *symbolic)
{
	const int64_t apart = guess(f, sg_plan_bytes(f));
	arrays small = {0}, others = {0};

	for (size_t i = 0; i < symbolic->n; i++)
		SG_PUSH(f->ctx, others.item, others.n, others.cap, symbolic->item[i]);
	for (size_t i = 0; i < fixed->n; i++) {
		const array *a = &fixed->item[i];
		arrays *to = a->size < LARGE ? &small : &others;

		SG_PUSH(f->ctx, to->item, to->n, to->cap, *a);
	}
	if (others.n == symbolic->n)
		return;
	plan_both(f, &small, &others);
	if (guess(f, sg_plan_bytes(f)) < apart)
		return;
	for (size_t i = 0; i < fixed->n; i++)
		f->at[fixed->item[i].ref].slot = 0;
	plan_both(f, fixed, symbolic);
}

static void
add_array(sg_fn *f, arrays *fixed, arrays *symbolic, sg_ref r)
{
	array a = {
	    .ref = r, .first = f->at[r].first, .last = f->at[r].last, .bytes = bytes_of(f, r)};
	arrays *to = sg_ext_const(f->sp, a.bytes, &a.size) ? fixed : symbolic;

	a.size = to == fixed ? round_up(f->ctx, a.size) : guess(f, a.bytes);
	f->at[r].planned = true;
	f->uses_work = true;
	SG_PUSH(f->ctx, to->item, to->n, to->cap, a);
}

/* requires: f->order.  ensures: slot, offset of each array that is no output; fixed, slots. */
void
sg_plan_memory(sg_fn *f)
{
	arrays fixed = {0}, symbolic = {0};

	set_lifetimes(f);
	for (sg_ref r = 1; r < f->g->n; r++)
		if (needs_place(&f->at[r]))
			add_array(f, &fixed, &symbolic, r);
	plan_both(f, &fixed, &symbolic);
	if (symbolic.n)
		share_with_large(f, &fixed, &symbolic);
}

/* ---- what has been planned ---- */

/* The function whose workspace array r is, of a loop in f; else NULL. */
static sg_fn *
fn_of_room(const sg_fn *f, sg_ref r)
{
	for (sg_ref l = 1; f->plan && l < r; l++)
		if (f->plan[l] && f->plan[l]->room[0] == r)
			return f->plan[l]->step_fn;
		else if (f->plan[l] && f->plan[l]->room[1] == r)
			return f->plan[l]->cond_fn;
	return NULL;
}

bool
sg_plan_alive(sg_fn *f, const int64_t *dims, int64_t *bytes)
{
	arrays all = {0};

	for (sg_ref r = 1; r < f->g->n; r++) {
		array a = {.ref = r, .first = f->at[r].first, .last = f->at[r].last};
		sg_fn *room = f->at[r].kind == SG_P_ROOM ? fn_of_room(f, r) : NULL;

		if (!f->at[r].planned)
			continue;
		if (room ? !sg_plan_alive(room, dims, &a.size)
		         : !sg_ext_eval(f->sp, bytes_of(f, r), dims, &a.size))
			return false;
		a.size = round_up(f->ctx, a.size);
		SG_PUSH(f->ctx, all.item, all.n, all.cap, a);
	}
	*bytes = most_alive(f, &all);
	return true;
}

/* Bytes of the workspace. */
sg_ext
sg_plan_bytes(sg_fn *f)
{
	const sg_ext align = sg_ext_int(f->sp, ALIGN), less = sg_ext_int(f->sp, ALIGN - 1);
	sg_ext sum = sg_ext_int(f->sp, f->fixed);

	for (size_t i = 0; i < f->nslots; i++) {
		const sg_ext up = sg_ext_add(f->sp, f->slot[i].bytes, less);
		const sg_ext lines = sg_ext_div(f->sp, up, align);

		sum = sg_ext_add(f->sp, sum, sg_ext_mul(f->sp, align, lines));
	}
	return sum;
}
