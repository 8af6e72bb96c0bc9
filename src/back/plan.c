/* plan.c - where in the workspace the arrays lie.
 *
 * Arrays of fixed size share one region: each takes the lowest place, in multiples of 64 bytes,
 * that is free while it lives. Behind it come slots of symbolic size; an array takes a free slot of
 * just its size, or a new one. An array lives from the first step that writes it to the last that
 * reads it. */
#include "back/emit.h"

enum { ALIGN = 64 };

typedef struct live {
	sg_ref *item; /* that live now; of those of fixed size, in order of offset */
	size_t n, cap;
} live;

static int64_t
round_up(sg_ctx *ctx, int64_t bytes)
{
	return sg_add_size(ctx, bytes, ALIGN - 1) / ALIGN * ALIGN;
}

sg_ext
sg_bytes_of(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_place *p = &f->at[r];
	const int64_t size = (int64_t)sg_type_size((sg_type)n->type) << (p->carried && !p->out);
	sg_ext count = sg_shape_size(f->sp, n->shape);

	if (p->band)
		count = sg_ext_mul(f->sp, sg_ext_int(f->sp, f->band[p->band - 1].tile),
		                   sg_row_length(f, r));
	return sg_ext_mul(f->sp, sg_ext_int(f->sp, size), count);
}

static int64_t
fixed_bytes(sg_fn *f, sg_ref r)
{
	int64_t v = 0;

	(void)sg_ext_const(f->sp, sg_bytes_of(f, r), &v);
	return round_up(f->ctx, v);
}

/* Steps of a band take turns: what one of them touches lives until all are through. */
static uint32_t
last_with(const sg_fn *f, uint32_t pos)
{
	const uint32_t b = f->step[f->order[pos]].band;

	return b ? f->band[b - 1].first + f->band[b - 1].n - 1 : pos;
}

static void
set_lifetimes(sg_fn *f)
{
	for (uint32_t pos = 0; pos < f->nsteps; pos++) {
		const sg_step *s = &f->step[f->order[pos]];

		for (size_t i = 0; i < s->nreads; i++) {
			sg_place *p = &f->at[s->read[i]];

			if (p->first == 0)
				p->first = pos + 1;
			p->last = last_with(f, pos) + 1;
		}
	}
}

/* By position: does some array's life end there? */
static bool *
find_ends(sg_fn *f)
{
	bool *ends = SG_NEW_ARRAY(f->ctx, bool, f->nsteps + 2);

	for (uint32_t s = 0; s < f->nsteps; s++)
		for (size_t i = 0; i < f->step[s].nreads; i++)
			ends[f->at[f->step[s].read[i]].last] = true;
	return ends;
}

static void
expire(sg_fn *f, live *l, uint32_t pos)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		sg_place *p = &f->at[l->item[i]];

		if (p->last >= pos)
			l->item[n++] = l->item[i];
		else if (p->slot)
			f->slot[p->slot - 1].busy = false;
	}
	l->n = n;
}

static void
place_fixed(sg_fn *f, live *l, sg_ref r)
{
	const int64_t size = fixed_bytes(f, r);
	int64_t offset = 0;
	size_t at = 0;

	f->at[r].bytes = size; /* asked for once: many arrays may live at a time */

	for (; at < l->n; at++) {
		const sg_place *p = &f->at[l->item[at]];

		if (sg_add_size(f->ctx, offset, size) <= p->offset)
			break;
		offset = sg_add_size(f->ctx, p->offset, p->bytes);
	}
	f->at[r].offset = offset;
	SG_PUSH(f->ctx, l->item, l->n, l->cap, r);
	for (size_t i = l->n - 1; i > at; i--)
		l->item[i] = l->item[i - 1];
	l->item[at] = r;
	if (sg_add_size(f->ctx, offset, size) > f->fixed)
		f->fixed = offset + size;
}

static void
place_symbolic(sg_fn *f, live *l, sg_ref r)
{
	const sg_ext bytes = sg_bytes_of(f, r);
	uint32_t k = 0;

	while (k < f->nslots && (f->slot[k].busy || f->slot[k].bytes != bytes))
		k++;
	if (k == f->nslots)
		SG_PUSH(f->ctx, f->slot, f->nslots, f->slot_cap, (sg_slot){bytes, true});
	f->slot[k].busy = true;
	f->at[r].slot = k + 1;
	SG_PUSH(f->ctx, l->item, l->n, l->cap, r);
}

/* Where sums go on from tile to tile, what was rounded off lies behind them; an output has room for
 * the sums alone. */
static bool
needs_place(const sg_place *p)
{
	return !p->out || p->carried;
}

/* requires: f->order.  ensures: slot, offset of each array that is no output; fixed, slots. */
void
sg_plan_memory(sg_fn *f)
{
	live fixed = {0}, symbolic = {0};
	const bool *ends;

	set_lifetimes(f);
	ends = find_ends(f);
	for (uint32_t pos = 1; pos <= f->nsteps; pos++) {
		const sg_step *s = &f->step[f->order[pos - 1]];

		if (ends[pos - 1]) {
			expire(f, &fixed, pos);
			expire(f, &symbolic, pos);
		}
		for (size_t i = 0; i < s->nreads; i++) {
			const sg_ref r = s->read[i];
			sg_place *p = &f->at[r];

			if (!needs_place(p) || p->first != pos || p->planned)
				continue;
			p->planned = true;
			f->uses_work = true;
			if (sg_ext_const(f->sp, sg_bytes_of(f, r), NULL))
				place_fixed(f, &fixed, r);
			else
				place_symbolic(f, &symbolic, r);
		}
	}
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
