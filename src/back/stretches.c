/* stretches.c - the innermost loop in stretches of a row each, where an array is read by which row
 *it is, or by the place in it.
 *
 * Group norm reads a weight for each channel of a group, w[j*4 + k / 196] in a loop over k < 784,
 *and what is tiled is read at k % N. Compilers make no SIMD of that. In a stretch of 196 turns the
 * quotient is a constant, and the rest moves with the index:
 *
 *	for (ptrdiff_t stretch = 0; stretch < 784; stretch += 196) {
 *		const ptrdiff_t row = stretch / 196;
 *		loop from stretch to stretch + 196
 *	}
 *
 * The text of the loop stands there once. */
#include "back/nest.h"

enum { LEAST = 32 }; /* turns of a stretch, where they are known */

/* Is it the quotient or the rest of the innermost index itself? */
static bool
is_of_row(const sg_nest *n, const sg_val *v)
{
	const sg_fn *f = n->f;
	const sg_aff form = sg_straight(n->f, n->s, v->aff);
	const sg_affine x = f->aff[form];
	const uint32_t d = n->ngroups - 1;

	return (v->kind == SG_V_DIV || v->kind == SG_V_MOD) && v->needed &&
	       v->depth == n->ngroups && x.n == 1 && x.term[0].var < n->s->nloops &&
	       n->group_of[x.term[0].var] == d && sg_is_1(f, x.term[0].coef) &&
	       sg_ext_is(f->sp, x.base, 0);
}

/* The turns of a stretch, which all of them have in common. False: there is none, or they differ.
 */
static bool
find_turns(const sg_nest *n, sg_ext *turns)
{
	bool any = false;

	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (!is_of_row(n, v))
			continue;
		if (any && v->ext != *turns)
			return false;
		*turns = v->ext;
		any = true;
	}
	return any;
}

/* Is the loop some stretches long, and printed as a whole? */
static bool
is_whole(const sg_nest *n, sg_ext turns)
{
	sg_space *sp = n->f->sp;
	const sg_ext all = n->ext[n->ngroups - 1], count = sg_ext_div(sp, all, turns);
	int64_t v;

	if (sg_ext_const(sp, all, &v) ? v > sg_block_of(n) : n->nkept < n->ngroups)
		return false;
	return sg_ext_mul(sp, count, turns) == all && sg_ext_const(sp, count, &v) && v >= 2 &&
	       !(sg_ext_const(sp, turns, &v) && v < LEAST);
}

void
sg_choose_stretches(sg_nest *n)
{
	const uint32_t d = n->ngroups - 1;

	if (n->f->m->o->jit || n->ngroups == 0 || (n->nkept < n->ngroups && !n->lanes) ||
	    n->window || n->chunks || n->strip || n->vector || n->mask || n->power || n->unrolls ||
	    n->turned || n->tiles || n->nshifts || n->borders || (n->parallel && n->ngroups == 1) ||
	    (n->band && n->group_of[n->s->row] == d))
		return;
	n->stretched = find_turns(n, &n->stretch) && is_whole(n, n->stretch);
}

const char *
sg_stretch_value(const sg_nest *n, const sg_val *v)
{
	if (!n->stretched || !is_of_row(n, v))
		return NULL;
	return v->kind == SG_V_DIV
	           ? n->stretch_row
	           : sg_text(n->f->ctx, "(%s - %s)", n->f->loop[n->ngroups - 1], n->stretch_at);
}

static bool
has_rows(const sg_nest *n)
{
	for (size_t i = 1; i < n->s->nvals; i++)
		if (n->s->val[i].kind == SG_V_DIV && is_of_row(n, &n->s->val[i]))
			return true;
	return false;
}

void
sg_print_stretches(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	const char *at = sg_name_fresh(&f->names, "stretch");
	const char *beyond = sg_name_fresh(&f->names, "beyond"), *turns = sg_ext_c(f, n->stretch);

	n->stretch_at = at;
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %s) {", at, from, at, to, at, turns);
	f->indent++;
	if (has_rows(n)) {
		n->stretch_row = sg_name_fresh(&f->names, "row");
		sg_line(f, "const ptrdiff_t %s = %s / %s;", n->stretch_row, at, turns);
	}
	sg_line(f, "const ptrdiff_t %s = %s + %s;", beyond, at, turns);
	sg_print_nest_loop(n, d, at, beyond);
	sg_close(n);
}
