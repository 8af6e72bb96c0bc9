/* window.c - a nest that is a copy of a part of an array, with zeros around: by a routine for its
 * two innermost loops. And one that sums up what overlapping windows read, the way back, where
 * libtcc is to compile it: by a routine for its two innermost kept loops and for the sum.
 *
 * So a convolution comes to the windows of its input, and a padded array about. As loops, each
 * element would be read under a condition, which compilers do not turn into the copying of rows,
 * and libtcc would call a routine for each row. What a condition says of one of the two loops is
 * where it holds: from one turn to another. */
#include "back/nest.h"

/* Where it holds, as C: turns lo <= i < hi of a loop; NULL: nothing is said of that end. */
typedef struct range {
	const char *lo, *hi;
} range;

typedef struct copy {
	sg_nest *n;
	sg_fn *f;
	const sg_root *r;
	const sg_val *x, *within; /* what is loaded, and under which conditions; NULL: none */
	uint32_t inner, outer;    /* variables of the two loops; outer SG_MAX_LOOPS: there is one */
	uint32_t taps;            /* that of the sum; SG_MAX_LOOPS: it is a copy */
} copy;

/* How far the form moves with a loop's variable. */
static sg_ext
step_of(const copy *c, sg_aff a, uint32_t var)
{
	return var == SG_MAX_LOOPS ? sg_ext_int(c->f->sp, 0) : sg_aff_coef(c->f, a, var);
}

static bool
stays(const copy *c, sg_aff a, uint32_t var)
{
	return sg_ext_is(c->f->sp, step_of(c, a, var), 0);
}

static bool
depends_on_loops_alone(const sg_fn *f, sg_aff a)
{
	const sg_affine form = f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_MAX_LOOPS)
			return false;
	return true;
}

/* Is it a condition on one of the two loops, moving upwards with it, or on neither? And on each, no
 * other. Where there is a sum, what holds may move with its turns, so that no other bound fits in.
 */
static bool
is_range(const copy *c, uint32_t k)
{
	const sg_within *w = &c->within->cond[k];
	const bool outer = !stays(c, w->form, c->outer), inner = !stays(c, w->form, c->inner);
	const uint32_t var = inner ? c->inner : c->outer;
	int64_t step;

	if (!depends_on_loops_alone(c->f, w->form) || (inner && outer))
		return false;
	if (!inner && !outer)
		return c->taps == SG_MAX_LOOPS;
	if (!sg_ext_const(c->f->sp, step_of(c, w->form, var), &step) || step < 0 ||
	    (step > 1 && !stays(c, w->form, c->taps)))
		return false;
	while (k-- > 0)
		if (!stays(c, c->within->cond[k].form, var))
			return false;
	return true;
}

static bool
has_ranges(const copy *c)
{
	for (uint32_t k = 0; c->within && k < c->within->nconds; k++)
		if (!is_range(c, k))
			return false;
	return true;
}

static bool
is_root(const copy *c, const sg_root *r)
{
	if (c->taps == SG_MAX_LOOPS)
		return r->kind == SG_R_STORE || r->kind == SG_R_COPY;
	return r->kind == SG_R_FOLD && sg_fn_node(c->f, r->ref)->op == SG_UNWINDOW &&
	       !sg_adds_up(c->f, r->ref) && !c->f->at[r->ref].unit;
}

/* Its one root stores what is loaded, or the sum of that, element by element along the innermost
 * kept loop. */
static bool
is_copy(copy *c)
{
	const sg_step *s = c->n->s;
	const sg_root *r = s->root;
	const sg_val *v = s->nroots == 1 ? &s->val[r->val[0]] : NULL;

	if (!v || !is_root(c, r) || r->masked || (s->mask && c->taps == SG_MAX_LOOPS) ||
	    !sg_type_is_float((sg_type)v->type) || c->n->tree)
		return false;
	c->r = r;
	c->within = v->kind == SG_V_WITHIN ? v : NULL;
	c->x = c->within ? &s->val[v->arg[0]] : v;
	return c->x->kind == SG_V_LOAD && depends_on_loops_alone(c->f, c->x->aff) &&
	       depends_on_loops_alone(c->f, r->at) && !stays(c, c->x->aff, c->inner) &&
	       sg_is_1(c->f, step_of(c, r->at, c->inner));
}

/* libtcc would call a routine for each row, where there are rows; other compilers copy rows well,
 * but not under conditions. A sum over rows of a few elements is better off by tiles of all rows.
 */
static bool
is_worth_it(const copy *c)
{
	int64_t turns;

	if (c->taps != SG_MAX_LOOPS)
		return !sg_ext_const(c->f->sp, c->n->ext[c->n->nkept - 1], &turns) || turns >= 4;
	if (c->within)
		return true;
	return c->f->m->o->jit && c->outer != SG_MAX_LOOPS &&
	       sg_ext_const(c->f->sp, c->n->ext[c->n->ngroups - 1], &turns) && turns <= 256;
}

/* May `loops` of the innermost kept loops be the routine's? The others are loops of the nest, the
 * parallel one and that over the rows of a tile among them. */
static bool
fits(copy *c, uint32_t loops)
{
	sg_nest *n = c->n;

	if (n->nkept <= loops ||
	    (n->band && (n->band->columns || n->group_of[n->s->row] + loops >= n->nkept)))
		return false;
	c->inner = n->last[n->nkept - 1];
	c->outer = loops == 2 ? n->last[n->nkept - 2] : SG_MAX_LOOPS;
	c->taps = n->nkept < n->ngroups ? n->last[n->nkept] : SG_MAX_LOOPS;
	return is_copy(c) && has_ranges(c) && is_worth_it(c);
}

/* The copy, and how many kept loops it takes in; 0: it is none. */
static uint32_t
find_copy(copy *c, sg_nest *n)
{
	*c = (copy){.n = n, .f = n->f};
	if (n->s->nvals == 0 || n->nkept + n->f->m->o->jit < n->ngroups)
		return 0;
	return fits(c, 2) ? 2 : fits(c, 1) ? 1 : 0;
}

void
sg_choose_window(sg_nest *n)
{
	copy c;

	n->window = find_copy(&c, n);
	if (n->window)
		n->window += n->ngroups - n->nkept;
}

/* ---- as text ---- */

/* The form where none of the routine's loops has begun: without all variables that they stand for.
 */
static sg_aff
without_loops(const copy *c, sg_aff a)
{
	const sg_affine form = c->f->aff[a];
	const sg_nest *n = c->n;

	for (uint32_t i = 0; i < form.n; i++) {
		const sg_aff_term t = form.term[i];
		const sg_ext back = sg_ext_sub(c->f->sp, sg_ext_int(c->f->sp, 0), t.coef);

		if (t.var < SG_MAX_LOOPS && n->group_of[t.var] + n->window >= n->ngroups)
			a = sg_aff_add(c->f, a, sg_aff_scale(c->f, sg_aff_var(c->f, t.var), back));
	}
	return a;
}

/* The first turn in which the form, which begins with x and grows by `step`, is `bound` or above.
 */
static const char *
first_turn(const copy *c, sg_ext bound, sg_aff x, int64_t step)
{
	const sg_aff minus = sg_aff_scale(c->f, x, sg_ext_int(c->f->sp, -1)),
		     up = sg_aff_ext(c->f, bound);
	const sg_aff more = sg_aff_ext(c->f, sg_ext_int(c->f->sp, step - 1));
	const char *s = sg_form_text(c->n, sg_aff_add(c->f, sg_aff_add(c->f, up, minus), more)).s;

	return step == 1 ? s : sg_text(c->f->ctx, "(%s) / %lld", s, (long long)step);
}

/* x holds besides, or there is nothing to copy. */
static void
also_needs(const copy *c, range *row, const sg_within *w)
{
	const char *x = sg_form_text(c->n, w->form).s, *lo = sg_ext_bare(c->f, w->lo),
		   *hi = sg_ext_bare(c->f, w->hi);

	if (w->check_lo)
		row->hi = sg_text(c->f->ctx, "%s >= %s ? %s : 0", x, lo, row->hi);
	if (w->check_hi)
		row->hi = sg_text(c->f->ctx, "%s < %s ? %s : 0", x, hi, row->hi);
}

/* Where the conditions hold; row and col begin with all turns. */
static void
find_ranges(const copy *c, range *row, range *col)
{
	for (uint32_t k = 0; c->within && k < c->within->nconds; k++) {
		const sg_within *w = &c->within->cond[k];
		const bool inner = !stays(c, w->form, c->inner);
		const sg_aff x = without_loops(c, w->form);
		range *to = inner ? col : row;
		int64_t step;

		if (!inner && stays(c, w->form, c->outer))
			continue;
		(void)sg_ext_const(c->f->sp, step_of(c, w->form, inner ? c->inner : c->outer),
		                   &step);
		if (w->check_lo)
			to->lo = first_turn(c, w->lo, x, step);
		if (w->check_hi)
			to->hi = first_turn(c, w->hi, x, step);
	}
	for (uint32_t k = 0; c->within && k < c->within->nconds; k++)
		if (stays(c, c->within->cond[k].form, c->inner) &&
		    stays(c, c->within->cond[k].form, c->outer))
			also_needs(c, row, &c->within->cond[k]);
}

/* How far what holds moves with each turn of the sum, along one of the two loops. */
static const char *
move_of(const copy *c, uint32_t var)
{
	sg_ext move = sg_ext_int(c->f->sp, 0);

	for (uint32_t k = 0; c->within && k < c->within->nconds; k++)
		if (!stays(c, c->within->cond[k].form, var))
			move = sg_ext_sub(c->f->sp, move,
			                  step_of(c, c->within->cond[k].form, c->taps));
	return sg_ext_bare(c->f, move);
}

/* An operand that only a sum has. */
static const char *
of_taps(const copy *c, const char *text)
{
	return c->taps == SG_MAX_LOOPS ? "" : sg_text(c->f->ctx, ", %s", text);
}

void
sg_print_window(sg_nest *n)
{
	sg_fn *f = n->f;
	range row = {"0", NULL}, col = {"0", NULL};
	const char *rows = "1", *to;
	copy c;
	sg_aff x, at;

	if (find_copy(&c, n) == 2)
		rows = sg_ext_bare(f, n->ext[n->nkept - 2]);
	row.hi = rows;
	col.hi = sg_ext_bare(f, n->ext[n->nkept - 1]);
	find_ranges(&c, &row, &col);
	x = sg_place_of(n, c.x->ref, c.x->aff);
	at = c.r->kind == SG_R_COPY ? c.r->at : sg_place_of(n, c.r->ref, c.r->at);
	to = c.r->kind == SG_R_COPY ? f->out[c.r->part].name : sg_array(f, c.r->ref);
	const bool sums = c.taps != SG_MAX_LOOPS;

	sg_line(f, "%s(%s, %s%s, %s, %s, %s, %s%s, %s, %s%s, %s, %s%s, %s + %s, %s);",
	        sg_use_typed(f->m, sums ? "unwindow" : "window", (sg_type)c.x->type), rows,
	        sg_ext_bare(f, n->ext[n->nkept - 1]),
	        of_taps(&c, sums ? sg_ext_bare(f, n->ext[n->nkept]) : ""), sg_array(f, c.x->ref),
	        sg_form_text(n, without_loops(&c, x)).s, sg_ext_bare(f, step_of(&c, x, c.outer)),
	        sg_ext_bare(f, step_of(&c, x, c.inner)),
	        of_taps(&c, sg_ext_bare(f, step_of(&c, x, c.taps))), row.lo, row.hi,
	        of_taps(&c, move_of(&c, c.outer)), col.lo, col.hi,
	        of_taps(&c, move_of(&c, c.inner)), to, sg_form_text(n, without_loops(&c, at)).s,
	        c.outer == SG_MAX_LOOPS ? "0" : sg_ext_bare(f, step_of(&c, at, c.outer)));
}
