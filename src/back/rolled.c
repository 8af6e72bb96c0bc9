/* rolled.c - what compilers are told of a loop, in the line before it.
 *
 * gcc 12 at -O3 unrolls a loop of up to 16 turns, and then makes vectors of the loop around it. In
 * two cases they compute something else than the text says, with no option about numbers being
 * given, in one they are slow. Loops that are not unrolled are right. */
#include "back/nest.h"

enum { UNROLLED = 16 }; /* turns of a loop that gcc may unroll wholly */

/* Does what is summed up stand in another order than the turns of loop d? */
static bool
turns_back(const sg_nest *n, uint32_t d)
{
	const sg_fn *f = n->f;
	int64_t coef;

	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (!v->needed)
			continue;
		if ((v->kind == SG_V_DIV || v->kind == SG_V_MOD) && v->depth > d)
			return true;
		if (v->kind == SG_V_LOAD &&
		    sg_ext_const(f->sp, sg_aff_coef(f, v->aff, n->last[d]), &coef) && coef < 0)
			return true;
	}
	return false;
}

/* Is there a read under a condition of a loop around d? */
static bool
reads_at_borders(const sg_nest *n, uint32_t d)
{
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		for (uint32_t k = 0; v->needed && v->kind == SG_V_WITHIN && k < v->nconds; k++) {
			const sg_affine form = n->f->aff[v->cond[k].form];

			for (uint32_t t = 0; t < form.n; t++)
				if (form.term[t].var != n->last[d])
					return true;
		}
	}
	return false;
}

/* Is there an operation whose code may choose among bits? */
static bool
chooses(const sg_nest *n)
{
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (v->needed && v->kind == SG_V_EW && v->op != SG_ADD && v->op != SG_SUB &&
		    v->op != SG_MUL && v->op != SG_DIV && v->op != SG_NEG)
			return true;
	}
	return false;
}

static bool
stores(const sg_nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		if (n->s->root[i].kind != SG_R_FOLD)
			return true;
	return false;
}

/* Are there numbers of several sizes? */
static bool
mixes_sizes(const sg_nest *n)
{
	size_t size = 0;

	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (!v->needed || (v->kind != SG_V_LOAD && v->kind != SG_V_CAST))
			continue;
		if (size && size != sg_type_size((sg_type)v->type))
			return true;
		size = sg_type_size((sg_type)v->type);
	}
	return false;
}

/* What is read under a condition of the loop around gets masks that are wrong where bits are chosen
 * in the same turn; not so where nothing is stored turn by turn, nor where the turns are a power of
 * two and all numbers of one size. */
static bool
gets_wrong_masks(const sg_nest *n, uint32_t d)
{
	int64_t turns;

	return !n->f->m->o->jit && d > 0 && d + 1 == n->ngroups && !n->within &&
	       sg_ext_const(n->f->sp, n->ext[d], &turns) && turns <= UNROLLED &&
	       ((turns & (turns - 1)) != 0 || mixes_sizes(n)) && stores(n) &&
	       reads_at_borders(n, d) && chooses(n);
}

/* What does not lie in the order of the turns is summed up wrong, from -O2 on. */
static bool
is_summed_wrong(const sg_nest *n, uint32_t d)
{
	const sg_step *s = n->s;
	bool sums = false;
	int64_t turns;

	for (size_t i = 0; i < s->nroots; i++)
		sums = sums || s->root[i].kind == SG_R_FOLD;
	return sums && !n->f->m->o->jit && d > n->nkept &&
	       sg_ext_const(n->f->sp, n->ext[d], &turns) && turns <= UNROLLED && turns_back(n, d);
}

static bool
must_stay_rolled(const sg_nest *n, uint32_t d)
{
	return is_summed_wrong(n, d) || gets_wrong_masks(n, d);
}

/* So many elements side by side the innermost loop of several stores; 0: it does not, or how many is
 * not known. */
static int64_t
stored_in_a_row(const sg_nest *n)
{
	const uint32_t d = n->ngroups - 1;
	const sg_step *s = n->s;
	int64_t turns;

	if (n->f->m->o->jit || n->ngroups < 2 || n->nkept < n->ngroups || n->vector || n->turned ||
	    n->mask || !sg_ext_const(n->f->sp, n->ext[d], &turns))
		return 0;
	for (size_t i = 0; i < s->nroots; i++)
		if ((s->root[i].kind != SG_R_STORE && s->root[i].kind != SG_R_COPY) ||
		    !sg_is_1(n->f, sg_aff_coef(n->f, sg_place_of(n, s->root[i].ref, s->root[i].at),
		                               n->last[d])))
			return 0;
	return turns;
}

/* Is it the loop around one of few turns, each of which stores elements side by side? clang unrolls
 * that, and would then gather and scatter for vectors of this one. */
static bool
is_around_few(const sg_nest *n, uint32_t d)
{
	enum { LEAST = 9, MOST = 39 }; /* turns of which it makes vectors only so */
	const int64_t turns = d + 2 == n->ngroups ? stored_in_a_row(n) : 0;

	return turns >= LEAST && turns <= MOST;
}

/* Does it take one number for all elements of a row, which are whole vectors? gcc unrolls it, and
 * would then scatter vectors of the loop around it. */
static bool
spreads_a_number(const sg_nest *n, uint32_t d)
{
	const sg_fn *f = n->f;
	const int64_t turns = d > 0 && d + 1 == n->ngroups ? stored_in_a_row(n) : 0;

	for (size_t i = 1; i < n->s->nvals && (turns == 8 || turns == 16); i++) {
		const sg_val *v = &n->s->val[i];

		if (v->needed && v->kind == SG_V_LOAD &&
		    sg_ext_is(f->sp, sg_aff_coef(f, v->aff, n->last[d]), 0) &&
		    !sg_ext_is(f->sp, sg_aff_coef(f, v->aff, n->last[d - 1]), 0))
			return true;
	}
	return false;
}

/* Are there numbers, side by side in loop d, that the one within takes for all of its turns? */
static bool
takes_turn_by_turn(const sg_nest *n, uint32_t d)
{
	const sg_fn *f = n->f;

	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (v->needed && v->kind == SG_V_LOAD &&
		    sg_ext_is(f->sp, sg_aff_coef(f, v->aff, n->last[d + 1]), 0) &&
		    sg_is_1(f, sg_aff_coef(f, v->aff, n->last[d])))
			return true;
	}
	return false;
}

/* In the loop around a strip that gcc unrolls: what it adds up goes by vectors along the strip, and
 * not along the numbers that each term takes one of. */
void
sg_print_term_by_term(sg_nest *n, uint32_t d)
{
	int64_t turns;

	if (n->f->m->o->jit || n->strip != 1 || n->columns || n->tiles || d < n->nkept ||
	    d + 2 != n->ngroups || !sg_ext_const(n->f->sp, n->ext[d + 1], &turns) ||
	    turns > UNROLLED || !takes_turn_by_turn(n, d))
		return;
	n->f->m->has_term_by_term = true;
	sg_line(n->f, "SGRT_TERM_BY_TERM;");
}

void
sg_print_promise(sg_nest *n)
{
	if (!n->apart)
		return;
	n->f->m->has_independent = true;
	sg_line(n->f, "SGRT_INDEPENDENT");
}

void
sg_print_vector(sg_fn *f)
{
	f->m->has_vector = true;
	sg_line(f, "SGRT_VECTOR");
}

void
sg_print_advice(sg_nest *n, uint32_t d)
{
	sg_fn *f = n->f;

	if (must_stay_rolled(n, d)) {
		f->m->has_rolled = true;
		sg_line(f, "SGRT_ROLLED");
	} else if (spreads_a_number(n, d)) {
		f->m->has_rolled = true;
		sg_print_promise(n);
		sg_line(f, "SGRT_ROLLED");
	} else if (is_around_few(n, d)) {
		f->m->has_along_rows = true;
		sg_line(f, "SGRT_ALONG_ROWS");
	} else if (d + 1 + n->unrolls == n->ngroups) {
		sg_print_promise(n);
	}
}
