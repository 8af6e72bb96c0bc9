/* pack.c - for written C: sines and cosines of single numbers, taken together.
 *
 * The joints of an arm are elements of an input, and what is computed from them are scalars: the
 * sine of each, and the cosine, with a branch for large angles, which keeps compilers from taking
 * several at once. Where there are many, their angles become one array; of that a routine of the
 * runtime takes all sines with SIMD (chunks.c). Only what all the same entries need is taken
 * together, and nothing that waits for a condition. */
#include "pass/guard.h"
#include "pass/small.h"

enum {
	LEAST = 8,    /* functions that are worth an array */
	DEEP = 8,     /* movement ops between an input and its element */
	ENTRIES = 64, /* bits of a set of them */
};

typedef struct pack {
	struct pack *next;
	uint64_t entries;
	uint16_t type;
	sg_ref *angle; /* in the old graph */
	size_t n, cap;
	size_t count[2];  /* sines, cosines */
	sg_ref result[2]; /* arrays of them, in the new graph; 0: not made yet */
} pack;

typedef struct packing {
	sg_build b;
	const sg_graph *old;
	uint64_t *entries; /* by node, those that need it */
	bool *waits;       /* by node: does it wait for a condition, in some entry? */
	pack *all, **of;   /* of: by node; NULL: it stays as it is */
	uint32_t *place;   /* by node: of its angle in the pack */
} packing;

static bool
moves_one(const packing *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);

	return (n->op == SG_SLICE || n->op == SG_RESHAPE || n->op == SG_TRANSPOSE) &&
	       sg_count_of(w->b.sp, n->shape, 1) == 1;
}

/* Is it one number of an input, in reach of a few steps? */
static bool
is_element(const packing *w, sg_ref r)
{
	for (unsigned k = 0; k < DEEP && moves_one(w, r); k++)
		r = sg_arg(w->old, r, 0);
	return sg_node_at(w->old, r)->op == SG_INPUT;
}

static bool
is_wanted(const packing *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);

	return (n->op == SG_SIN || n->op == SG_COS) && sg_type_is_float((sg_type)n->type) &&
	       sg_count_of(w->b.sp, n->shape, 1) == 1 && w->entries[r] &&
	       !w->waits[r] && is_element(w, n->args[0]);
}

static pack *
pack_for(packing *w, sg_ref r)
{
	const uint16_t type = sg_node_at(w->old, r)->type;
	pack *p = w->all;

	while (p && (p->type != type || p->entries != w->entries[r]))
		p = p->next;
	if (p)
		return p;
	p = SG_NEW(w->b.ctx, pack);
	*p = (pack){.next = w->all, .entries = w->entries[r], .type = type};
	return w->all = p;
}

static void
put_in(packing *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->old, r);
	pack *p = pack_for(w, r);
	uint32_t k = 0;

	while (k < p->n && p->angle[k] != n->args[0])
		k++;
	if (k == p->n)
		SG_PUSH(w->b.ctx, p->angle, p->n, p->cap, n->args[0]);
	p->count[n->op == SG_COS]++;
	w->of[r] = p;
	w->place[r] = k;
}

static void
note_entries(packing *w, const sg_program *p)
{
	w->entries = SG_NEW_ARRAY(w->b.ctx, uint64_t, w->old->n);
	w->waits = SG_NEW_ARRAY(w->b.ctx, bool, w->old->n);
	for (size_t e = 0; e < p->nentries; e++) {
		sg_ref *root = SG_NEW_ARRAY(w->b.ctx, sg_ref, p->entry[e].nout + 1);
		const sg_guards *guards;
		const bool *live;

		for (size_t k = 0; k < p->entry[e].nout; k++)
			root[k] = p->entry[e].out[k].ref;
		live = sg_graph_live(w->old, p->entry[e].nout, root);
		guards = sg_guards_find(w->b.ctx, w->old, p->entry[e].nout, root, NULL);
		for (sg_ref r = 1; r < w->old->n; r++) {
			w->entries[r] |= (uint64_t)live[r] << e;
			w->waits[r] = w->waits[r] || (live[r] && guards && guards->of[r]);
		}
	}
}

/* ---- the new graph ---- */

/* An angle as an array of one element; what it is made of may come later in the old graph. */
static sg_ref
angle_in(packing *w, sg_ref r)
{
	const sg_ext one = sg_ext_int(w->b.sp, 1);
	sg_ref chain[DEEP + 1], x;
	uint32_t n = 0;

	for (; sg_node_at(w->old, r)->op != SG_INPUT; r = sg_arg(w->old, r, 0))
		chain[n++] = r;
	x = sg_remake(&w->b, sg_node_at(w->old, r), NULL);
	while (n > 0)
		x = sg_remake(&w->b, sg_node_at(w->old, chain[--n]), &x);
	return sg_reshape(&w->b, x, sg_shape_make(w->b.sp, 1, &one));
}

static sg_ref
result_of(packing *w, pack *p, const sg_node *n)
{
	sg_ref *angle, *made = &p->result[n->op == SG_COS];

	if (*made)
		return *made;
	angle = SG_NEW_ARRAY(w->b.ctx, sg_ref, p->n);
	for (size_t k = 0; k < p->n; k++)
		angle[k] = angle_in(w, p->angle[k]);
	return *made = sg_ew1(&w->b, (sg_op)n->op, sg_concat(&w->b, (uint32_t)p->n, angle, 0));
}

static sg_ref
remade(packing *w, sg_ref r, const sg_ref *arg)
{
	const sg_node n = *sg_node_at(w->old, r);
	sg_ref x;

	if (!w->of[r] || w->of[r]->count[n.op == SG_COS] < LEAST)
		return sg_remake(&w->b, &n, arg);
	x = result_of(w, w->of[r], &n);
	x = sg_index(&w->b, x, 0, sg_ext_int(w->b.sp, w->place[r]));
	return sg_reshape(&w->b, x, n.shape);
}

static void
rebuild(packing *w, sg_program *q, const bool *live)
{
	sg_ref *map = SG_NEW_ARRAY(w->b.ctx, sg_ref, w->old->n), *arg = NULL;
	size_t cap = 0;

	for (sg_ref r = 1; r < w->old->n; r++) {
		const sg_node *n = sg_node_at(w->old, r);

		if (!live[r])
			continue;
		if (n->nargs > cap)
			arg = SG_NEW_ARRAY(w->b.ctx, sg_ref, cap = 2 * n->nargs);
		for (uint32_t k = 0; k < n->nargs; k++)
			arg[k] = map[n->args[k]];
		w->b.g->here = w->old->span[r];
		map[r] = remade(w, r, arg);
		if (w->old->name[r] && !w->b.g->name[map[r]])
			w->b.g->name[map[r]] = w->old->name[r];
	}
	sg_program_remap(q, w->b.g, map);
}

const sg_program *
sg_pack_angles(sg_ctx *ctx, const sg_program *p)
{
	packing w = {.b = {.ctx = ctx, .sp = p->sp}, .old = p->g};
	bool any = false;
	size_t nroots, n = 0;
	const sg_ref *root = sg_program_roots(ctx, p, &nroots);
	const bool *live = sg_graph_live(p->g, nroots, root);
	sg_program *q;

	for (sg_ref r = 1; r < p->g->n; r++)
		n += live[r] && (p->g->node[r].op == SG_SIN || p->g->node[r].op == SG_COS);
	if (n < LEAST || p->nentries > ENTRIES)
		return p;
	note_entries(&w, p);
	w.of = SG_NEW_ARRAY(ctx, pack *, p->g->n);
	w.place = SG_NEW_ARRAY(ctx, uint32_t, p->g->n);
	for (sg_ref r = 1; r < p->g->n; r++)
		if (live[r] && is_wanted(&w, r))
			put_in(&w, r);
	for (const pack *k = w.all; k; k = k->next)
		any = any || k->count[0] >= LEAST || k->count[1] >= LEAST;
	if (!any)
		return p;
	w.b.g = sg_graph_new(p->sp);
	q = sg_program_copy(ctx, p);
	rebuild(&w, q, live);
	return q;
}
