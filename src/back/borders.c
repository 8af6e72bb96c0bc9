/* borders.c - loops that read beside an array's ends go in three parts.
 *
 * What is padded is read on a condition, x[i - 1] where i >= 1 && i < N - 1, and else is 0. Compilers
 * make SIMD of that by masks, if at all: gcc at -O2 and processors without masks do not. In the
 * middle part all conditions hold, and are not asked for:
 *
 *	ptrdiff_t inside = 1, beyond = N - 1;
 *	if (beyond < inside)
 *		inside = beyond = 0;
 *	for (ptrdiff_t i = 0; i < inside; i++) ...
 *	for (ptrdiff_t i = inside; i < beyond; i++) ...
 *	for (ptrdiff_t i = beyond; i < N; i++) ...
 *
 * Conditions on the loops around leave no middle where they do not hold. */
#include "back/nest.h"

#include <string.h>

enum {
	FEW = 8,   /* turns */
	MOST = 32, /* values of a turn, which are written three times */
};

/* Does a value, of those that a form reads, change from turn to turn? The index itself may. */
static bool
is_fixed(const sg_nest *n, sg_aff a)
{
	const sg_affine x = n->f->aff[a];

	for (uint32_t i = 0; i < x.n; i++)
		if (x.term[i].var >= SG_VAR_LANE ||
		    (x.term[i].var >= SG_VAR_VALUE &&
		     n->s->val[x.term[i].var - SG_VAR_VALUE].depth == n->ngroups))
			return false;
	return true;
}

/* Is the form the same in every turn? */
static bool
stays(const sg_nest *n, sg_aff a)
{
	return is_fixed(n, a) &&
	       sg_ext_is(n->f->sp, sg_aff_coef(n->f, a, n->last[n->ngroups - 1]), 0);
}

/* Narrows [*lo, *hi) to the turns where c holds, of a form that is the index, or less the index,
 * and an extent; false: it has another form. */
static bool
narrow(const sg_nest *n, const sg_within *c, sg_ext *lo, sg_ext *hi)
{
	sg_space *sp = n->f->sp;
	const sg_aff form = sg_straight(n->f, n->s, c->form);
	const sg_affine x = n->f->aff[form];
	const uint32_t d = n->ngroups - 1;
	int64_t coef;

	if (!sg_ext_const(sp, sg_aff_coef(n->f, form, n->last[d]), &coef) ||
	    (coef != 1 && coef != -1))
		return false;
	for (uint32_t i = 0; i < x.n; i++)
		if (x.term[i].var >= n->s->nloops || n->group_of[x.term[i].var] != d)
			return false;
	const bool up = coef == 1;
	const sg_ext end = sg_ext_add(sp, x.base, sg_ext_int(sp, 1));
	if (up ? c->check_lo : c->check_hi)
		*lo = sg_ext_max(sp, *lo,
		                 up ? sg_ext_sub(sp, c->lo, x.base) : sg_ext_sub(sp, end, c->hi));
	if (up ? c->check_hi : c->check_lo)
		*hi = sg_ext_min(sp, *hi,
		                 up ? sg_ext_sub(sp, c->hi, x.base) : sg_ext_sub(sp, end, c->lo));
	return true;
}

static bool
is_conditional(const sg_nest *n, const sg_val *v)
{
	return v->needed && v->depth == n->ngroups && !v->rare &&
	       (v->kind == SG_V_WITHIN || v->kind == SG_V_RING);
}

/* Does a condition on a loop around hold in few of its turns, as for the one row that a pad has put
 * among zeros? */
static bool
holds_rarely(const sg_nest *n, const sg_within *c)
{
	sg_space *sp = n->f->sp;
	const sg_affine x = n->f->aff[c->form];
	const double *all, *most;

	if (x.n != 1 || x.term[0].var >= n->s->nloops || !sg_ext_is(sp, x.term[0].coef, 1))
		return false;
	const sg_ext end = n->s->ext[x.term[0].var];
	const sg_ext lo = c->check_lo ? sg_ext_sub(sp, c->lo, x.base) : sg_ext_int(sp, 0);
	const sg_ext hi = c->check_hi ? sg_ext_sub(sp, c->hi, x.base) : end;
	all = sg_ext_samples(sp, end);
	most = sg_ext_samples(sp, sg_ext_sub(sp, hi, lo));
	for (int k = 0; k < SG_SAMPLES; k++)
		if (all[k] >= FEW && most[k] < all[k] / 2)
			return true;
	return false;
}

/* What is under such a condition keeps it in the middle part too. */
static void
find_rare(sg_nest *n)
{
	for (size_t i = 1; i < n->s->nvals; i++) {
		sg_val *v = &n->s->val[i];

		for (uint32_t k = 0;
		     v->kind == SG_V_WITHIN && is_conditional(n, v) && k < v->nconds; k++)
			if (stays(n, v->cond[k].form) && holds_rarely(n, &v->cond[k]))
				v->rare = true;
	}
}

/* The turns in which all conditions on the innermost loop hold; false: that is no range, or there
 * are no conditions. */
static bool
find_middle(sg_nest *n)
{
	sg_fn *f = n->f;
	const uint32_t d = n->ngroups - 1;
	bool any = false;

	n->middle = sg_ext_int(f->sp, 0);
	n->behind = n->ext[d];
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (!is_conditional(n, v))
			continue;
		any = true;
		for (uint32_t k = 0; k < v->nconds; k++)
			if (!stays(n, v->cond[k].form) &&
			    !narrow(n, &v->cond[k], &n->middle, &n->behind))
				return false;
	}
	if (n->behind == n->ext[d]) /* the border before it is no longer than the loop */
		n->middle = sg_ext_min(f->sp, n->middle, n->behind);
	return any;
}

/* Is it the most of the turns, wherever there are many? */
static bool
is_most(const sg_nest *n)
{
	sg_space *sp = n->f->sp;
	const double *all = sg_ext_samples(sp, n->ext[n->ngroups - 1]);
	const double *middle = sg_ext_samples(sp, sg_ext_sub(sp, n->behind, n->middle));
	bool many = false;

	for (int k = 0; k < SG_SAMPLES; k++) {
		if (!(all[k] >= 2 * FEW))
			continue;
		many = true;
		if (!(middle[k] >= all[k] / 2))
			return false;
	}
	return many;
}

static bool
is_short(const sg_nest *n)
{
	size_t values = 0;

	for (size_t i = 1; i < n->s->nvals; i++)
		values += n->s->val[i].needed && n->s->val[i].depth == n->ngroups;
	return values <= MOST;
}

void
sg_choose_borders(sg_nest *n)
{
	if (n->f->m->o->jit || n->ngroups == 0 || (n->nkept < n->ngroups && !n->lanes) || n->band ||
	    n->window || n->chunks || n->strip || n->vector || n->mask || n->power || n->unrolls ||
	    n->nshifts || (n->parallel && n->ngroups == 1))
		return;
	if (!is_short(n))
		return;
	find_rare(n);
	n->borders = find_middle(n) && is_most(n);
}

/* The one condition for several on a form that are to hold together. */
static void
put_together(sg_nest *n, sg_bytes_map *at, const sg_within *c)
{
	sg_space *sp = n->f->sp;
	sg_within **of = (sg_within **)sg_bytes_map_at(at, &c->form, sizeof c->form);
	sg_within *all = *of;

	if (!all) {
		*of = sg_copy(n->f->ctx, c, sizeof *c);
		return;
	}
	if (c->check_lo)
		all->lo = all->check_lo ? sg_ext_max(sp, all->lo, c->lo) : c->lo;
	if (c->check_hi)
		all->hi = all->check_hi ? sg_ext_min(sp, all->hi, c->hi) : c->hi;
	all->check_lo = all->check_lo || c->check_lo;
	all->check_hi = all->check_hi || c->check_hi;
}

/* The conditions on the loops around, "" where there are none. */
static const char *
around(sg_nest *n)
{
	sg_bytes_map *at = sg_bytes_map_new(n->f->ctx);
	sg_buf b;

	sg_buf_init(&b, n->f->ctx);
	for (int put = 0; put < 2; put++)
		for (size_t i = 1; i < n->s->nvals; i++) {
			const sg_val *v = &n->s->val[i];

			for (uint32_t k = 0; is_conditional(n, v) && k < v->nconds; k++) {
				void **of = NULL;

				if (!stays(n, v->cond[k].form))
					continue;
				if (!put) {
					put_together(n, at, &v->cond[k]);
					continue;
				}
				of = sg_bytes_map_at(at, &v->cond[k].form, sizeof v->cond[k].form);
				if (*of)
					sg_put_condition(n, &b, *of);
				*of = NULL;
			}
		}
	return sg_buf_text(&b);
}

/* What has a condition goes one by one. */
static void
print_border(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	const bool lanes = n->lanes;

	n->lanes = false;
	sg_print_nest_loop(n, d, from, to);
	n->lanes = lanes;
}

void
sg_print_borders(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	const char *inside = sg_name_fresh(&f->names, "inside");
	const char *beyond = sg_name_fresh(&f->names, "beyond"), *outer = around(n);
	const bool whole = strcmp(from, "0") == 0 && strcmp(to, sg_ext_bare(f, n->ext[d])) == 0;
	const bool last = whole && n->behind == n->ext[d] && !*outer; /* ends in the middle */

	sg_line(f, "ptrdiff_t %s = %s, %s = %s;", inside, sg_ext_bare(f, n->middle), beyond,
	        sg_ext_bare(f, n->behind));
	if (!whole) {
		sg_line(f, "if (%s < %s)", inside, from);
		sg_line(f, "\t%s = %s;", inside, from);
		sg_line(f, "if (%s > %s)", beyond, to);
		sg_line(f, "\t%s = %s;", beyond, to);
	}
	if (*outer)
		sg_line(f, "if (%s < %s || !(%s))", beyond, inside, outer);
	else if (!last)
		sg_line(f, "if (%s < %s)", beyond, inside);
	if (!last)
		sg_line(f, "\t%s = %s = %s;", inside, beyond, from);
	if (!whole || !sg_ext_is(f->sp, n->middle, 0))
		print_border(n, d, from, inside);
	n->within = true;
	sg_print_nest_loop(n, d, inside, beyond);
	n->within = false;
	if (!last)
		print_border(n, d, beyond, to);
}
