/* shifts.c - loops that add to one array at places that overlap, one for each shift.
 *
 * The derivative of a stencil adds to a[i], a[i + 1] and a[i + 2] in turn i. What one turn stores
 * the next one reads, so that compilers make no SIMD of it, and a turn waits for the one before it.
 * So the innermost loop goes by strips that stay in the first cache, each with a loop for every
 * shift, in which no two turns meet. What several of them need is computed in each. A loop by
 * lanes, which sums up too, puts what the later ones add aside in arrays of as many as there are
 * lanes. */
#include "back/nest.h"

#include <string.h>

enum {
	STRIP = 512, /* turns */
	FEW = 16,    /* turns that compilers unroll */
	MANY = 8,    /* loops for a strip */
};

/* How far apart two places are in every turn; false: that changes. */
static bool
distance(const sg_fn *f, sg_aff a, sg_aff b, sg_ext *d)
{
	const sg_affine x = f->aff[a], y = f->aff[b];

	if (x.n != y.n)
		return false;
	for (uint32_t i = 0; i < x.n; i++)
		if (x.term[i].var != y.term[i].var || x.term[i].coef != y.term[i].coef)
			return false;
	*d = sg_ext_sub(f->sp, x.base, y.base);
	return true;
}

/* Can two turns of the innermost loop add to one element, by these two? */
static bool
may_meet(const sg_nest *n, const sg_root *p, const sg_root *q)
{
	sg_space *sp = n->f->sp;
	const uint32_t inner = n->ngroups - 1;
	const sg_ext each = sg_aff_coef(n->f, p->at, n->last[inner]);
	const sg_ext span = sg_ext_mul(sp, each, n->ext[inner]);
	sg_ext d;

	if (p->ref != q->ref || p->at == q->at || !sg_is_added(p) || !sg_is_added(q))
		return false;
	if (!sg_ext_nonneg(sp, each) || !distance(n->f, p->at, q->at, &d))
		return true;
	return !sg_ext_nonneg(sp, sg_ext_sub(sp, d, span)) &&
	       !sg_ext_nonneg(sp, sg_ext_sub(sp, sg_ext_sub(sp, sg_ext_int(sp, 0), d), span));
}

/* Does it only add, numbers that can be computed again? */
static bool
only_adds(const sg_nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		if (!sg_is_added(&n->s->root[i]))
			return false;
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (v->needed && v->depth == n->ngroups &&
		    (v->kind == SG_V_AT || v->kind == SG_V_PLACE))
			return false;
	}
	return true;
}

/* Puts each root in the first loop where it meets none; the number of loops. */
static uint32_t
share_out(const sg_nest *n, uint32_t *loop)
{
	uint32_t count = 0;

	for (size_t i = 0; i < n->s->nroots; i++) {
		bool taken[MANY + 1] = {0};

		for (size_t k = 0; k < i; k++)
			if (may_meet(n, &n->s->root[i], &n->s->root[k]))
				taken[loop[k]] = true;
		while (loop[i] < MANY && taken[loop[i]])
			loop[i]++;
		if (loop[i] == MANY)
			return 0;
		count = loop[i] + 1 > count ? loop[i] + 1 : count;
	}
	return count;
}

/* Does a root add, at a place that is known by the loops alone? */
static bool
can_wait(const sg_nest *n, const sg_root *r)
{
	const sg_affine at = n->f->aff[r->at];

	for (uint32_t i = 0; i < at.n; i++)
		if (at.term[i].var >= SG_VAR_VALUE)
			return false;
	return sg_is_added(r);
}

/* Of a loop by lanes: the roots that wait have another loop than the first. */
static void
choose_waiting(sg_nest *n)
{
	n->shift = SG_NEW_ARRAY(n->f->ctx, uint32_t, n->s->nroots);
	n->nshifts = share_out(n, n->shift);
	for (size_t i = 0; i < n->s->nroots; i++)
		if (n->shift[i] && !can_wait(n, &n->s->root[i]))
			n->nshifts = 0;
	if (n->nshifts < 2)
		n->nshifts = 0;
}

void
sg_choose_shifts(sg_nest *n)
{
	int64_t turns;

	if (n->lanes && !n->f->m->o->jit && !n->columns && !n->vector) {
		choose_waiting(n);
		return;
	}
	if (n->f->m->o->jit || n->ngroups == 0 || n->nkept < n->ngroups || n->columns ||
	    n->window || n->chunks || n->lanes || n->strip || n->vector || n->mask || n->parallel ||
	    n->power || n->s->nroots < 2 || !only_adds(n))
		return;
	if (sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &turns) && turns < FEW)
		return;
	n->shift = SG_NEW_ARRAY(n->f->ctx, uint32_t, n->s->nroots);
	n->nshifts = share_out(n, n->shift);
	if (n->nshifts < 2)
		n->nshifts = 0;
}

static void
print_shift(sg_nest *n, uint32_t d, uint32_t k, const char *from, const char *to)
{
	sg_fn *f = n->f;
	const char *i = f->loop[d];

	f->m->has_independent = true;
	sg_line(f, "SGRT_INDEPENDENT");
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", i, from, i, to, i);
	f->indent++;
	for (size_t v = 1; v < n->s->nvals; v++)
		if (n->s->val[v].depth == n->ngroups && n->s->val[v].needed)
			sg_print_val(n, &n->s->val[v]);
	for (size_t r = 0; r < n->s->nroots; r++)
		if (n->shift[r] == k)
			sg_print_root(n, &n->s->root[r]);
	sg_close(n);
}

void
sg_print_shifts(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	int64_t turns;
	const bool whole = sg_ext_const(f->sp, n->ext[d], &turns) && turns <= STRIP;

	if (!whole) {
		sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", f->from, from, f->from,
		        to, f->from, STRIP);
		f->indent++;
		sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s : %s + %d;", f->to, to, f->from,
		        STRIP, to, f->from, STRIP);
	}
	for (uint32_t k = 0; k < n->nshifts; k++) {
		sg_find_needed_for(n, k);
		print_shift(n, d, k, whole ? from : f->from, whole ? to : f->to);
	}
	sg_find_needed(n);
	if (!whole)
		sg_close(n);
}

void
sg_begin_waiting(sg_nest *n, const char *lane, int lanes)
{
	sg_fn *f = n->f;

	for (size_t i = 0; n->nshifts && i < n->s->nroots; i++) {
		sg_root *r = &n->s->root[i];
		const char *name;

		if (!n->shift[i])
			continue;
		name = sg_name_fresh(&f->names, "added");
		sg_line(f, "%s %s[%d];", sg_type_c_name((sg_type)sg_fn_node(f, r->ref)->type), name,
		        lanes);
		r->into = sg_text(f->ctx, "%s[%s]", name, lane);
	}
}

void
sg_end_waiting(sg_nest *n, const char *turns, const char *place)
{
	sg_fn *f = n->f;

	for (uint32_t k = 1; k < n->nshifts; k++) {
		f->m->has_independent = true;
		sg_line(f, "SGRT_INDEPENDENT");
		sg_line(f, "for (ptrdiff_t %s {", turns);
		f->indent++;
		sg_line(f, "%s", place);
		for (size_t i = 0; i < n->s->nroots; i++)
			if (n->shift[i] == k)
				sg_add_piece(n, &n->s->root[i],
				             (sg_c_text){n->s->root[i].into, SG_PREC_ATOM});
		sg_close(n);
	}
	for (size_t i = 0; n->nshifts && i < n->s->nroots; i++)
		if (n->shift[i])
			n->s->root[i].into = NULL;
}
