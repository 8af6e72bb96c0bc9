/* dot_name.c - which values a picture shows, and what they are called. */
#include "back/dot.h"

#include <string.h>

/* Parts: what is written again; what of constants alone is; what a formula has at most. */
enum { SMALL = 2, BARE = 6, LARGE = 12 };

static bool
is_trivial(const sg_node *n)
{
	return n->op == SG_CONST || n->op == SG_DIM || n->op == SG_IOTA || n->op == SG_SEED ||
	       (n->op == SG_DATA && n->attr->n <= 4);
}

/* The name, or with a number where it is taken. */
static const char *
fresh(sg_picture *pic, const char *base)
{
	uintptr_t *next;

	if (!base)
		base = sg_text(pic->ctx, "t%u", ++pic->temporaries);
	next = (uintptr_t *)sg_bytes_map_at(pic->taken, base, strlen(base));
	if (++*next == 1)
		return base;
	return fresh(pic, sg_text(pic->ctx, "%s_%lu", base, (unsigned long)*next));
}

void
sg_panel_init(sg_panel *q, sg_picture *pic, sg_fn *f, const char *prefix)
{
	*q = (sg_panel){.pic = pic, .f = f, .p = *f->m->p, .prefix = prefix};
	q->p.g = (sg_graph *)f->g;
	sg_text_writer_init(&q->w, pic->ctx, &q->p, NULL);
	q->id = SG_NEW_ARRAY(pic->ctx, const char *, f->g->n);
	q->step = SG_NEW_ARRAY(pic->ctx, uint32_t, f->g->n);
	q->first = SG_NEW_ARRAY(pic->ctx, sg_ref, f->nsteps + 1);
	q->next = SG_NEW_ARRAY(pic->ctx, sg_ref, f->g->n);
	q->seen = SG_NEW_ARRAY(pic->ctx, uint32_t, f->g->n);
	q->read = SG_NEW_ARRAY(pic->ctx, bool, f->g->n);
	for (size_t i = 0; i < f->nout; i++)
		q->read[f->out[i].ref] = true;
	for (sg_ref r = 1; r < f->g->n; r++)
		for (uint32_t k = 0; f->at[r].kind != SG_P_DEAD && k < f->g->node[r].nargs; k++)
			q->read[f->g->node[r].args[k]] = true;
}

static bool
is_kept(const sg_panel *q, sg_ref r)
{
	const sg_place *p = &q->f->at[r];

	switch ((sg_place_kind)p->kind) {
	case SG_P_FOLD:
	case SG_P_CALL:
	case SG_P_JOIN:
	case SG_P_PICK:
		return true;
	case SG_P_LEAF:
		return q->f->g->node[r].op == SG_DATA && !is_trivial(&q->f->g->node[r]);
	case SG_P_CALC:
		return p->stored || q->f->g->name[r] != NULL;
	case SG_P_VIEW:
		return p->stored;
	case SG_P_DEAD:
	case SG_P_LOOP:
	case SG_P_ROOM:
		break;
	}
	return false;
}

/* Reads by text, up to 2: what is inlined passes its own on. */
static uint8_t *
count_reads(const sg_panel *q)
{
	const sg_fn *f = q->f;
	uint8_t *reads = SG_NEW_ARRAY(q->pic->ctx, uint8_t, f->g->n);

	for (sg_ref r = f->g->n; r-- > 1;) {
		const bool inlined = f->at[r].kind == SG_P_VIEW && !is_kept(q, r);
		const uint8_t more = inlined && reads[r] > 1 ? 2 : 1;

		if (f->at[r].kind == SG_P_DEAD)
			continue;
		for (uint32_t k = 0; k < sg_fn_nargs(f, r); k++) {
			uint8_t *n = &reads[sg_fn_arg(f, r, k)];

			*n = *n + more > 2 ? 2 : (uint8_t)(*n + more);
		}
	}
	return reads;
}

static void
name(sg_panel *q, sg_ref r)
{
	if (!q->w.name[r])
		q->w.name[r] = fresh(q->pic, q->f->g->name[r]);
}

/* What leaves the function or enters a loop has a node. */
static void
name_ends(sg_panel *q)
{
	sg_fn *f = q->f;

	for (size_t i = 0; i < f->nout; i++) {
		const sg_ref r = f->out[i].ref;

		if (q->w.name[r] || is_trivial(&f->g->node[r]))
			continue;
		q->w.name[r] = fresh(q->pic, f->g->name[r] ? f->g->name[r] : f->out[i].name);
	}
	for (sg_ref r = 1; r < f->g->n; r++)
		for (uint32_t k = 0; f->at[r].kind == SG_P_LOOP && k < sg_fn_nargs(f, r); k++)
			if (!is_trivial(&f->g->node[sg_fn_arg(f, r, k)]))
				name(q, sg_fn_arg(f, r, k));
}

/* Of constants and dimensions alone, and short: no node of its own. */
static bool
is_bare(const sg_panel *q, sg_ref r, const uint32_t *size)
{
	const sg_node *n = &q->f->g->node[r];

	if (is_trivial(n))
		return true;
	if (q->f->at[r].kind != SG_P_CALC && q->f->at[r].kind != SG_P_VIEW)
		return false;
	for (uint32_t k = 0; k < n->nargs; k++)
		if (q->w.name[n->args[k]] || !is_bare(q, n->args[k], size))
			return false;
	return size[r] <= BARE;
}

static uint32_t
size_of(const sg_panel *q, sg_ref r, const uint32_t *size)
{
	const sg_node *n = &q->f->g->node[r];
	uint32_t sum = 1;

	for (uint32_t k = 0; k < n->nargs; k++)
		sum += q->w.name[n->args[k]] ? 1 : size[n->args[k]];
	return sum;
}

static void
cut_largest(sg_panel *q, sg_ref r, const uint32_t *size)
{
	const sg_node *n = &q->f->g->node[r];
	sg_ref largest = 0;

	for (uint32_t k = 0; k < n->nargs; k++)
		if (!q->w.name[n->args[k]] && (!largest || size[n->args[k]] > size[largest]))
			largest = n->args[k];
	if (largest && !is_trivial(&q->f->g->node[largest]))
		name(q, largest);
}

void
sg_panel_name(sg_panel *q)
{
	const sg_fn *f = q->f;
	const uint8_t *reads = count_reads(q);
	uint32_t *size = SG_NEW_ARRAY(q->pic->ctx, uint32_t, f->g->n);

	for (sg_ref r = 1; r < f->g->n; r++)
		if (f->g->node[r].op == SG_INPUT && !q->w.name[r])
			q->w.name[r] = q->p.input[f->g->node[r].attr->w[0]].name;
	name_ends(q);
	for (sg_ref r = 1; r < f->g->n; r++) {
		if (f->at[r].kind == SG_P_DEAD || f->at[r].kind == SG_P_LOOP ||
		    f->at[r].kind == SG_P_ROOM)
			continue;
		size[r] = size_of(q, r, size);
		while (size[r] > LARGE) {
			const uint32_t before = size[r];

			cut_largest(q, r, size);
			size[r] = size_of(q, r, size);
			if (size[r] == before)
				break;
		}
		if (is_bare(q, r, size))
			continue;
		if (is_kept(q, r) ||
		    (f->at[r].kind == SG_P_CALC && reads[r] > 1 && size[r] > SMALL))
			name(q, r);
	}
}
