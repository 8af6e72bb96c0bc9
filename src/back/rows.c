/* rows.c - rows of few numbers.
 *
 * Where rows are read or added to at indices, and sums are taken over their few numbers, as in the
 * square of a distance, loops go over the axes before them (the lead) alone, and the numbers of a
 * row are written out. So what is read, computed and summed up of a row, and added somewhere,
 * stands in one loop, as scalars, and an index is checked once. That holds for a lead as a whole:
 * all short rows over it are written out, or none. What has no such index is best left to SIMD
 * along the rows. Not for libtcc, whose loops call routines for many numbers. */
#include "back/emit.h"

#include <string.h>

enum {
	MOST = 9,  /* numbers of a row */
	MANY = 16, /* rows that are a loop */
};

/* The extents other than 1. */
typedef struct axes {
	uint32_t n;
	sg_ext ext[SG_MAX_RANK];
} axes;

static axes
axes_of(const sg_fn *f, sg_ref r)
{
	const sg_shape *s = sg_fn_node(f, r)->shape;
	axes a = {0};

	for (uint32_t k = 0; k < s->rank; k++)
		if (!sg_is_1(f, s->ext[k]))
			a.ext[a.n++] = s->ext[k];
	return a;
}

static axes
lead_of(const sg_fn *f, sg_ref r)
{
	axes a = axes_of(f, r);

	a.n -= f->at[r].row;
	return a;
}

static bool
have_one_lead(const sg_fn *f, sg_ref r, sg_ref x)
{
	const axes a = lead_of(f, r), b = lead_of(f, x);

	return a.n == b.n && memcmp(a.ext, b.ext, a.n * sizeof *a.ext) == 0;
}

/* How many of the last axes are rows of few numbers. */
static uint32_t
count_short(const sg_fn *f, const axes *a)
{
	int64_t size = 1, v;
	uint32_t n = 0;

	while (n < a->n && sg_ext_const(f->sp, a->ext[a->n - 1 - n], &v) && v > 1 &&
	       v <= MOST / size) {
		size *= v;
		n++;
	}
	return n;
}

static bool
is_long(const sg_fn *f, const axes *a)
{
	int64_t v;

	for (uint32_t k = 0; k < a->n; k++)
		if (!sg_ext_const(f->sp, a->ext[k], &v) || v >= MANY)
			return true;
	return false;
}

/* Of the axes of sum r that are no loops of one turn: those that are summed up. */
static uint32_t
summed(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s = sg_fn_node(f, n->args[0])->shape;
	uint32_t mask = 0, at = 0;

	for (uint32_t k = 0; k < s->rank; k++)
		if (!sg_is_1(f, s->ext[k]))
			mask |= (uint32_t)(n->attr->w[0] >> k & 1) << at++;
	return mask;
}

static bool
is_float_sum(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);

	return n->op == SG_SUM && sg_type_is_float((sg_type)n->type) &&
	       sg_fn_node(f, n->args[0])->type == n->type;
}

static void **
slot_of(sg_bytes_map *leads, const axes *a)
{
	return sg_bytes_map_at(leads, a->ext, a->n * sizeof *a->ext);
}

/* Of a lead, by bits: rows over it are read or added to where indices say; sums of them are taken.
 */
enum { AT_INDEX = 1, SUMMED = 2 };

static void
note(sg_bytes_map *leads, const axes *a, uintptr_t what)
{
	void **slot = slot_of(leads, a);

	*slot = (void *)((uintptr_t)*slot | what);
}

static void
note_use(const sg_fn *f, sg_bytes_map *leads, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const uint32_t sum = is_float_sum(f, r) ? summed(f, r) : 0;
	axes a = axes_of(f, n->op == SG_SCATTER ? n->args[1] : sum ? n->args[0] : r);
	const uint32_t row = count_short(f, &a);

	a.n -= row;
	if (row == 0 || !is_long(f, &a))
		return;
	if (n->op == SG_GATHER || n->op == SG_SCATTER)
		note(leads, &a, AT_INDEX);
	else if (sum && !(sum & ((1u << a.n) - 1)))
		note(leads, &a, SUMMED);
}

/* ensures: row, of each live node. */
void
sg_find_rows(sg_fn *f, const bool *live)
{
	sg_bytes_map *leads;
	uint32_t row;
	axes a;

	if (f->m->o->jit || f->m->o->openmp || f->guards) /* threads want short loops apart */
		return;
	leads = sg_bytes_map_new(f->ctx);
	for (sg_ref r = 1; r < f->g->n; r++)
		if (live[r])
			note_use(f, leads, r);
	for (sg_ref r = 1; r < f->g->n; r++) {
		a = axes_of(f, r);
		row = count_short(f, &a);
		a.n -= row;
		if (live[r] && row && (uintptr_t)*slot_of(leads, &a) == (AT_INDEX | SUMMED))
			f->at[r].row = (uint8_t)row;
	}
}

bool
sg_is_short_sum(const sg_fn *f, sg_ref r)
{
	sg_ref x;

	if (!is_float_sum(f, r))
		return false;
	x = sg_arg(f->g, r, 0);
	return f->at[x].row > 0 && have_one_lead(f, r, x) &&
	       summed(f, r) >> (axes_of(f, x).n - f->at[x].row) != 0;
}

bool
sg_is_row_view(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s;
	uint32_t lead = 0, at = 0;

	if (n->op != SG_RESHAPE && n->op != SG_BROADCAST && n->op != SG_SLICE)
		return false;
	if ((f->at[r].row == 0 && f->at[n->args[0]].row == 0) || !have_one_lead(f, r, n->args[0]))
		return false;
	lead = lead_of(f, n->args[0]).n;
	s = sg_fn_node(f, n->args[0])->shape;
	for (uint32_t k = 0; k < s->rank && n->op == SG_SLICE; k++)
		if (!sg_is_1(f, s->ext[k]) && at++ < lead &&
		    !(sg_ext_is(f->sp, (sg_ext)n->attr->w[k], 0) &&
		      sg_is_1(f, (sg_ext)n->attr->w[s->rank + k])))
			return false;
	return true;
}

uint32_t
sg_row_turns(const sg_fn *f, sg_ref r, uint32_t row, uint32_t mask)
{
	const axes a = axes_of(f, r);
	uint32_t turns = 1;
	int64_t v;

	for (uint32_t k = a.n - row; k < a.n; k++)
		if (!(mask >> k & 1) && sg_ext_const(f->sp, a.ext[k], &v))
			turns *= (uint32_t)v;
	return turns;
}

uint32_t
sg_fold_row(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_ref x = n->args[n->nargs - 1];
	const uint32_t row = f->at[x].row;
	uint32_t mask, lead;

	if (row == 0 || (n->op != SG_SUM && n->op != SG_SCATTER))
		return 0;
	if (n->op == SG_SCATTER)
		return row;
	mask = summed(f, r);
	lead = axes_of(f, x).n - row;
	if ((mask & ((1u << lead) - 1)) == 0 || (mask >> lead != 0 && !is_float_sum(f, r)))
		return 0;
	return row;
}
