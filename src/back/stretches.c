/* stretches.c - the innermost loop in stretches of a row each, where an array is read by which row
 *it is.
 *
 * Group norm reads a weight for each channel of a group, w[j*4 + k / 196] in a loop over k < 784.
 * Compilers make no SIMD of a quotient. In a stretch of 196 turns it is a constant:
 *
 *	for (ptrdiff_t stretch = 0; stretch < 784; stretch += 196) {
 *		const ptrdiff_t row = stretch / 196;
 *		loop from stretch to stretch + 196
 *	}
 *
 * The text of the loop stands there once. */
#include "back/nest.h"

enum { LEAST = 32 }; /* turns of a stretch */

/* Is it the quotient of the innermost index itself? */
static bool
is_row(const sg_nest *n, const sg_val *v)
{
	const sg_fn *f = n->f;
	const sg_aff form = sg_straight(n->f, n->s, v->aff);
	const sg_affine x = f->aff[form];
	const uint32_t d = n->ngroups - 1;

	return v->kind == SG_V_DIV && v->needed && v->depth == n->ngroups && x.n == 1 &&
	       x.term[0].var < n->s->nloops && n->group_of[x.term[0].var] == d &&
	       sg_is_1(f, x.term[0].coef) && sg_ext_is(f->sp, x.base, 0);
}

/* The turns of a stretch, which all quotients have in common; 0: there is none, or they differ. */
static int64_t
turns_of(const sg_nest *n)
{
	int64_t turns = 0, v;

	for (size_t i = 1; i < n->s->nvals; i++) {
		if (!is_row(n, &n->s->val[i]))
			continue;
		if (!sg_ext_const(n->f->sp, n->s->val[i].ext, &v) || (turns != 0 && v != turns))
			return 0;
		turns = v;
	}
	return turns;
}

void
sg_choose_stretches(sg_nest *n)
{
	const uint32_t d = n->ngroups - 1;
	int64_t all, turns;

	if (n->f->m->o->jit || n->ngroups == 0 || (n->nkept < n->ngroups && !n->lanes) ||
	    n->window || n->chunks || n->strip || n->vector || n->mask || n->power || n->unrolls ||
	    n->turned || n->tiles || n->nshifts || n->borders || (n->parallel && n->ngroups == 1) ||
	    (n->band && n->group_of[n->s->row] == d) || !sg_ext_const(n->f->sp, n->ext[d], &all) ||
	    all > sg_block_of(n))
		return;
	turns = turns_of(n);
	n->stretch = turns >= LEAST && turns < all && all % turns == 0 ? turns : 0;
}

const char *
sg_stretch_row(const sg_nest *n, const sg_val *v)
{
	return n->stretch && is_row(n, v) ? n->stretch_row : NULL;
}

void
sg_print_stretches(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	const char *stretch = sg_name_fresh(&f->names, "stretch");
	const char *beyond = sg_name_fresh(&f->names, "beyond");
	const long long turns = n->stretch;

	n->stretch_row = sg_name_fresh(&f->names, "row");
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %lld) {", stretch, from, stretch, to,
	        stretch, turns);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s / %lld;", n->stretch_row, stretch, turns);
	sg_line(f, "const ptrdiff_t %s = %s + %lld;", beyond, stretch, turns);
	sg_print_nest_loop(n, d, stretch, beyond);
	sg_close(n);
}
