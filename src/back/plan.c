/* plan.c - where in the workspace the arrays lie.
 *
 * An array lives from the first step that writes it to the last that reads it. Arrays of fixed size
 * share one region, at multiples of 64 bytes. Behind it come slots of symbolic size: arrays that
 * live at different times share one, which is as large as the largest of them. Which of two sizes
 * is larger may depend on the dimensions; then the slot's size is a max, and a guess of the
 * dimensions says who shares with whom. */
#include "back/plan.h"

#include <stdlib.h>

enum {
	ALIGN = 64,
	GUESS = 100,   /* of each dimension */
	SMALL = 64,    /* part of all that an array is for which no slot grows */
	LARGE = 4096,  /* bytes of an array of fixed size that is worth a slot */
	GAIN = 8,      /* part of the workspace that slots for them must save */
	MANY = 1000,   /* arrays of fixed size, or of symbolic: only plans that are made fast */
	LOCAL = 32,    /* elements of an array that may be a variable */
	LOCALS = 4096, /* bytes of all that a function has */
};

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

	return sg_ext_mul(f->sp,
	                  sg_ext_int(f->sp, size * (1 + (p->carried && !p->out) + p->gathers)),
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

			if (b && (!p->band || p->stands))
				extend(p, b->first + 1, b->first + b->n);
			else
				extend(p, pos + 1, pos + 1);
		}
	}
}

/* ---- in place ---- */

static bool
may_hold(sg_fn *f, sg_ref a, sg_ref b)
{
	const sg_place *p = &f->at[a], *q = &f->at[b];

	return !p->out && !q->out && !p->carried && !q->carried && p->band == q->band &&
	       !p->stands && !q->stands &&
	       (p->kind == SG_P_CALC || p->kind == SG_P_FOLD || p->kind == SG_P_CALL) &&
	       sg_fn_node(f, a)->type == sg_fn_node(f, b)->type &&
	       sg_held_size(f, a) == sg_held_size(f, b);
}

/* Array b lies in the place of a, which ends where it begins. */
static void
lay_over(sg_fn *f, sg_ref a, sg_ref b)
{
	const sg_ref head = f->at[a].over ? f->at[a].over : a;

	f->at[a].last = 0; /* no other one */
	f->at[b].over = head;
	f->at[head].last = f->at[b].last;
}

/* The arrays that the step at a position reads last; *n: how many. */
static const sg_ref *
find_ends(const sg_fn *f, uint32_t pos, size_t *n)
{
	const sg_step *s = &f->step[f->order[pos]];
	sg_ref *end = SG_NEW_ARRAY(f->ctx, sg_ref, s->nreads + 1);

	*n = 0;
	for (size_t i = 0; i < s->nreads; i++)
		if (f->at[s->read[i]].last == pos + 1)
			end[(*n)++] = s->read[i];
	return end;
}

/* May the root take the place of an array that is read at that position last? */
static bool
may_take_a_place(const sg_fn *f, const sg_step *s, uint32_t pos, const sg_root *root)
{
	const sg_place *p = &f->at[root->ref];

	return root->kind == SG_R_STORE && root->from == root->ref && p->kind == SG_P_CALC &&
	       p->stored && p->first == pos + 1 && !(s->band && !p->band);
}

/* An array that a root may be laid over, for all that the nest does, by its place among the ends.
 */
typedef struct candidate {
	size_t end;
	struct candidate *next;
} candidate;

/* By root, in the order of the ends: arrays that the nest reads where the root writes, and for
 * nothing else, so that no other root stands on what they held but through the root's own value. */
static candidate **
find_candidates(const sg_fn *f, const sg_step *s, const sg_ref *end, size_t ends)
{
	const sg_flow *w = sg_flow_of(f, s);
	candidate **of = SG_NEW_ARRAY(f->ctx, candidate *, s->nroots);
	sg_bytes_map *written = sg_bytes_map_new(f->ctx);

	for (size_t i = 0; i < s->nroots; i++)
		*sg_bytes_map_at(written, &s->root[i].ref, sizeof s->root[i].ref) = written;
	for (size_t k = ends; k-- > 0;) {
		const sg_flow_array *a = sg_flow_array_of(w, end[k]);
		const sg_root *root;

		if (!a || !a->plain || a->unread ||
		    sg_bytes_map_get(written, &end[k], sizeof end[k]))
			continue;
		for (uint32_t at = a->meet; (root = sg_flow_root(w, &at));)
			if (root->at == a->at) {
				candidate *c = SG_NEW(f->ctx, candidate);

				*c = (candidate){k, of[root - s->root]};
				of[root - s->root] = c;
			}
	}
	return of;
}

/* What a step computes element by element takes the place of an operand that is read there last. */
static void
find_in_place(sg_fn *f, uint32_t pos)
{
	const sg_step *s = &f->step[f->order[pos]];
	candidate **of = NULL;
	size_t ends;
	const sg_ref *end = find_ends(f, pos, &ends);

	for (size_t i = 0; s->kind == SG_S_NEST && ends && i < s->nroots; i++) {
		const sg_ref r = s->root[i].ref;

		if (!may_take_a_place(f, s, pos, &s->root[i]))
			continue;
		if (!of)
			of = find_candidates(f, s, end, ends);
		for (const candidate *c = of[i]; c && !f->at[r].over; c = c->next)
			if (f->at[end[c->end]].last == pos + 1 && may_hold(f, end[c->end], r))
				lay_over(f, end[c->end], r);
	}
}

/* Where sums go on from tile to tile, what was rounded off lies behind them; an output has room for
 * the sums alone. */
static bool
needs_place(const sg_place *p)
{
	return p->first && !p->over && (!p->out || p->carried);
}

static int
by_first(const void *a, const void *b)
{
	const sg_held *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->ref < y->ref ? -1 : x->ref > y->ref;
}

static int
by_size(const void *a, const void *b)
{
	const sg_held *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return by_first(a, b);
}

static int
by_bytes(const void *a, const void *b)
{
	const sg_held *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return by_first(a, b);
}

static void
sort(sg_held_all *all, int order(const void *, const void *))
{
	if (all->n)
		qsort(all->item, all->n, sizeof *all->item, order);
}

static bool
meet(const sg_held *a, const sg_held *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* ---- of fixed size ---- */

/* Room for all that live at one time, if nothing lies between. */
static int64_t
most_alive(sg_fn *f, const sg_held_all *all)
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
place(sg_fn *f, sg_held **live, size_t n, sg_held *a)
{
	size_t at = 0;

	a->offset = 0;
	for (size_t k = 0; k < n; k++) {
		const sg_held *other = live[k];

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

/* One after the other; gives back what they take. */
static int64_t
place_each(sg_fn *f, sg_held_all *all)
{
	sg_held **live = SG_NEW_ARRAY(f->ctx, sg_held *, all->n + 1);
	int64_t total = 0;

	for (size_t i = 0; i < all->n; i++) {
		sg_held *a = &all->item[i];

		place(f, live, i, a);
		total =
		    a->offset + a->size > total ? sg_add_size(f->ctx, a->offset, a->size) : total;
	}
	return total;
}

static void
keep_offsets(sg_fn *f, const sg_held_all *all)
{
	for (size_t i = 0; i < all->n; i++)
		f->at[all->item[i].ref].offset = all->item[i].offset;
}

/* In order of time; where that leaves gaps, the large ones first may do better. */
static void
plan_fixed(sg_fn *f, sg_held_all *all)
{
	int64_t other;

	f->fixed = sg_place_in_time(f, all);
	keep_offsets(f, all);
	if (all->n > MANY || f->fixed == most_alive(f, all))
		return;
	sort(all, by_size);
	other = place_each(f, all);
	if (other >= f->fixed)
		return;
	f->fixed = other;
	keep_offsets(f, all);
}

/* ---- of symbolic size ---- */

/* In slot k nothing lives while a does. */
static bool
is_free(const sg_fn *f, const sg_held_all *all, uint32_t k, const sg_held *a)
{
	const sg_slot *s = &f->slot[k];

	for (size_t i = s->newest; i; i = all->item[i - 1].before)
		if (meet(&all->item[i - 1], a))
			return false;
	return true;
}

typedef enum { SAME = 1, COVERS, LARGER_OR_NOT } fit; /* the best first */

/* How well the slot suits an array of so many bytes. */
static fit
fit_of(sg_fn *f, const sg_slot *s, sg_ext bytes)
{
	if (s->bytes == bytes)
		return SAME;
	return sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, s->bytes, bytes)) ? COVERS : LARGER_OR_NOT;
}

static void
take_slot(sg_fn *f, sg_held_all *all, size_t i, fit worst)
{
	sg_held *a = &all->item[i];
	uint32_t best = UINT32_MAX;
	fit least = worst + 1;

	for (uint32_t k = 0; k < f->nslots && least > SAME; k++) {
		fit is;

		if (!is_free(f, all, k, a))
			continue; /* sizes take longer to compare */
		is = fit_of(f, &f->slot[k], a->bytes);
		if (is < least) {
			best = k;
			least = is;
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

/* The large ones first, so that a slot is as large as its first array, by the guess. For a small
 * one the text of a max is not worth it. */
static void
plan_symbolic(sg_fn *f, sg_held_all *all)
{
	int64_t total = 0;

	f->nslots = 0;
	if (all->n > MANY) {
		sort(all, by_bytes);
		sg_share_in_time(f, all);
		return;
	}
	sort(all, by_size);
	for (size_t i = 0; i < all->n; i++) {
		const size_t before = f->nslots;
		const int64_t size = all->item[i].size;

		take_slot(f, all, i, size < total / SMALL ? COVERS : LARGER_OR_NOT);
		if (f->nslots > before && size < INT64_MAX - total)
			total += size;
	}
}

/* ---- all ---- */

static void
plan_both(sg_fn *f, sg_held_all *fixed, sg_held_all *symbolic)
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
 * that clearly better, by the guess? Beside each other they lie as close for any dimensions. */
static void
share_with_large(sg_fn *f, sg_held_all *fixed, sg_held_all *symbolic)
{
	const int64_t apart = guess(f, sg_plan_bytes(f));
	sg_held_all small = {0}, others = {0};

	for (size_t i = 0; i < symbolic->n; i++)
		SG_PUSH(f->ctx, others.item, others.n, others.cap, symbolic->item[i]);
	for (size_t i = 0; i < fixed->n; i++) {
		const sg_held *a = &fixed->item[i];
		sg_held_all *to = a->size < LARGE ? &small : &others;

		SG_PUSH(f->ctx, to->item, to->n, to->cap, *a);
	}
	if (others.n == symbolic->n)
		return;
	plan_both(f, &small, &others);
	if (guess(f, sg_plan_bytes(f)) < apart - apart / GAIN)
		return;
	for (size_t i = 0; i < fixed->n; i++)
		f->at[fixed->item[i].ref].slot = 0;
	plan_both(f, fixed, symbolic);
}

static void
add_array(sg_fn *f, sg_held_all *fixed, sg_held_all *symbolic, sg_ref r)
{
	sg_held a = {
	    .ref = r, .first = f->at[r].first, .last = f->at[r].last, .bytes = bytes_of(f, r)};
	sg_held_all *to = sg_ext_const(f->sp, a.bytes, &a.size) ? fixed : symbolic;

	a.size = to == fixed ? round_up(f->ctx, a.size) : guess(f, a.bytes);
	f->at[r].planned = true;
	SG_PUSH(f->ctx, to->item, to->n, to->cap, a);
}

/* ---- arrays that are variables ---- */

/* By node: the function whose workspace it is, of a loop in f; NULL: there are no loops. */
static sg_fn **
find_rooms(const sg_fn *f)
{
	sg_fn **room = f->plan ? SG_NEW_ARRAY(f->ctx, sg_fn *, f->g->n) : NULL;

	for (sg_ref l = 1; room && l < f->g->n; l++)
		if (f->plan[l]) {
			room[f->plan[l]->room[0]] = f->plan[l]->step_fn;
			room[f->plan[l]->room[1]] = f->plan[l]->cond_fn;
		}
	return room;
}

/* May array r be a variable? */
static bool
may_be_local(const sg_fn *f, sg_ref r)
{
	const sg_place *p = &f->at[r];

	return !f->m->o->jit && !f->split && !p->carried && !p->band && p->slot == 0 &&
	       (p->kind == SG_P_CALC || p->kind == SG_P_FOLD || p->kind == SG_P_CALL ||
	        p->kind == SG_P_JOIN);
}

/* Small arrays are variables of the function, as long as there are not too many: of what lies in
 * the workspace compilers can't tell whether it is another array, and read again and again what
 * they would keep in registers. Room for them is planned all the same: libtcc's code, which may be
 * called instead, has them there. */
static void
find_locals(sg_fn *f)
{
	sg_fn *const *room = find_rooms(f);
	int64_t left = LOCALS, n;

	for (sg_ref r = 1; r < f->g->n; r++) {
		sg_place *p = &f->at[r];
		const sg_fn *body = p->kind == SG_P_ROOM && room ? room[r] : NULL;
		const int64_t size = (int64_t)sg_type_size((sg_type)sg_fn_node(f, r)->type);

		if (!p->planned)
			continue;
		p->unread = body && !body->uses_work;
		if (may_be_local(f, r) && sg_ext_const(f->sp, sg_held_size(f, r), &n) &&
		    n <= LOCAL && n * size <= left) {
			p->local = n;
			left -= n * size;
		}
		f->uses_work = f->uses_work || (!p->local && !p->unread);
	}
}

/* requires: f->order.  ensures: local, slot, offset of each array that is no output; fixed, slots.
 */
void
sg_plan_memory(sg_fn *f)
{
	sg_held_all fixed = {0}, symbolic = {0};

	set_lifetimes(f);
	for (uint32_t pos = 0; pos < f->nsteps; pos++)
		find_in_place(f, pos);
	for (sg_ref r = 1; r < f->g->n; r++)
		if (needs_place(&f->at[r]))
			add_array(f, &fixed, &symbolic, r);
	plan_both(f, &fixed, &symbolic);
	if (symbolic.n)
		share_with_large(f, &fixed, &symbolic);
	find_locals(f);
}

/* ---- what has been planned ---- */

bool
sg_plan_alive(sg_fn *f, const int64_t *dims, int64_t *bytes)
{
	sg_fn *const *room = find_rooms(f);
	sg_held_all all = {0};

	for (sg_ref r = 1; r < f->g->n; r++) {
		sg_held a = {.ref = r, .first = f->at[r].first, .last = f->at[r].last};
		sg_fn *body = f->at[r].kind == SG_P_ROOM && room ? room[r] : NULL;

		if (!f->at[r].planned)
			continue;
		if (body ? !sg_plan_alive(body, dims, &a.size)
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
