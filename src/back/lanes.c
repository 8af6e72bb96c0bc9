/* lanes.c - loops over what is reduced, in forms that compilers make SIMD of without being allowed
 * to reorder sums.
 *
 * Where neighbours in memory are summed up, 32 partial sums stand in an array and an inner loop of
 * exactly 32 turns adds to each its term (lanes_text.c). Where a sum steps over
 * rows, its loop goes outside of a loop along a strip of the row, whose sums stand in an array. The
 * order of the additions depends on the extents alone. For libtcc, which makes no SIMD, loops stay
 * plain. */
#include "back/nest.h"

/* A body of more operations than LONG is printed once, not once more for what is left over. */
enum { LONG = 32, SHORT_STRIP = 8, DEAR = 8 };
/* Operations of a body whose additions wait for one another; terms of a sum that goes by fours alone. */
enum { LIGHT = 6, FEW_TERMS = 8 };
enum { FEW_DEAR = 64 };  /* terms of a sum, each of which evaluates something dear */
enum { MOST_TURNS = 4 }; /* of a loop that is as good as unrolled */
enum { MANY_PAIRS = 4 }; /* of accesses that a compiler may want to tell apart */

/* ---- what a nest is like ---- */

typedef struct look {
	const sg_nest *n;
	uint32_t *vars; /* by value: the loop variables that it depends on */
	uint32_t inner, kept;
	uint32_t far_inner, far_kept, near_kept; /* accesses that are not to neighbours, or are */
	uint32_t ops, all;            /* all: the variables that anything in the nest depends on */
} look;

static uint32_t
vars_of_form(const look *l, sg_aff a)
{
	const sg_affine form = l->n->f->aff[a];
	uint32_t vars = 0;

	for (uint32_t i = 0; i < form.n; i++)
		vars |= form.term[i].var < SG_VAR_VALUE ? 1u << form.term[i].var
		                                        : l->vars[form.term[i].var - SG_VAR_VALUE];
	return vars;
}

static uint32_t
vars_of(const look *l, const sg_val *v)
{
	uint32_t vars = vars_of_form(l, v->aff);

	for (uint32_t k = 0; k < v->nconds; k++)
		vars |= vars_of_form(l, v->cond[k].form);
	for (uint32_t k = 0; k < v->nargs; k++)
		vars |= l->vars[v->arg[k]];
	return vars;
}

/* Do elements at the form lie apart as the variable moves on? */
static bool
is_far(const look *l, sg_aff a, uint32_t var)
{
	const sg_fn *f = l->n->f;
	const sg_affine form = f->aff[a];
	const sg_ext coef = sg_aff_coef(f, a, var);

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE && form.term[i].var < SG_VAR_LANE &&
		    l->vars[form.term[i].var - SG_VAR_VALUE] >> var & 1)
			return true;
	return !sg_ext_is(f->sp, coef, 0) && !sg_is_1(f, coef);
}

static void
count_access(look *l, sg_ref r, sg_aff a)
{
	a = sg_place_of(l->n, r, sg_straight(l->n->f, l->n->s, a));
	l->far_inner += is_far(l, a, l->inner);
	l->far_kept += is_far(l, a, l->kept);
	l->near_kept += sg_is_1(l->n->f, sg_aff_coef(l->n->f, a, l->kept));
}

bool
sg_is_addition(uint16_t op)
{
	return op == SG_SUM || op == SG_CONTRACT;
}

bool
sg_is_float_fold(const sg_nest *n, const sg_root *r)
{
	const sg_node *x = sg_fn_node(n->f, r->ref);

	return r->kind == SG_R_FOLD && sg_type_is_float((sg_type)n->s->val[r->val[0]].type) &&
	       (sg_is_addition(x->op) || x->op == SG_AMAX || x->op == SG_AMIN);
}

bool
sg_has_any_order(const sg_nest *n, const sg_root *r)
{
	const sg_node *x = sg_fn_node(n->f, r->ref);

	return r->kind != SG_R_FOLD || sg_is_float_fold(n, r) ||
	       (sg_is_addition(x->op) && !sg_type_is_float((sg_type)x->type));
}

static look
look_at(const sg_nest *n)
{
	const sg_step *s = n->s;
	look l = {.n = n,
	          .vars = SG_NEW_ARRAY(n->f->ctx, uint32_t, s->nvals),
	          .inner = n->last[n->ngroups - 1],
	          .kept = n->nkept ? n->last[n->nkept - 1] : n->last[n->ngroups - 1]};

	for (size_t i = 1; i < s->nvals; i++) {
		const sg_val *v = &s->val[i];

		l.vars[i] = vars_of(&l, v);
		l.all |= v->needed ? l.vars[i] : 0;
		if (v->needed && v->kind == SG_V_LOAD)
			count_access(&l, v->ref, v->aff);
		l.ops += v->needed && v->kind == SG_V_EW && l.vars[i] >> l.inner & 1;
	}
	for (size_t i = 0; i < s->nroots; i++)
		count_access(&l, s->root[i].ref, s->root[i].at);
	return l;
}

static bool
is_dear(const sg_step *s, const sg_val *v)
{
	return v->needed && v->kind == SG_V_EW &&
	       sg_is_dear(v->op, v->nargs > 1 && s->val[v->arg[1]].kind == SG_V_CONST);
}

/* Is something dear evaluated but once for each element of the result? */
static bool
is_dear_outside(const look *l)
{
	const sg_step *s = l->n->s;

	for (size_t i = 1; i < s->nvals; i++)
		if (is_dear(s, &s->val[i]) && l->vars[i] >> l->kept & 1 &&
		    (l->vars[i] & s->mask) == 0)
			return true;
	return false;
}

/* Is the sum of so few terms that it is unrolled before SIMD is looked for? */
static bool
is_short_sum(const sg_nest *n)
{
	int64_t v;

	return n->nkept + 1 == n->ngroups && sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &v) &&
	       v <= MOST_TURNS;
}

/* Would a strip read and store neighbours? Where the innermost sum has so few terms that there is
 * nothing else to make SIMD of, it may be most of them. */
static bool
goes_along(const sg_nest *n, const look *l)
{
	int64_t v;
	const bool few = sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &v) && v <= MOST_TURNS;

	return (few ? l->far_kept <= l->near_kept / 2 : l->far_inner > 0 && l->far_kept == 0) &&
	       !is_dear_outside(l);
}

/* Is something dear evaluated for each of few terms of the innermost sum? Along the rows it becomes
 * SIMD, which gathers a number of each row, and that is little beside it. */
static bool
is_dear_inside(const sg_nest *n, const look *l)
{
	const sg_step *s = n->s;
	int64_t v;

	bool dear = false;

	if (n->nkept == 0 || n->nkept + 1 != n->ngroups ||
	    !sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &v) || v < 3 || v >= FEW_DEAR)
		return false;
	for (size_t i = 1; i < s->nvals; i++) {
		const uint8_t kind = s->val[i].kind;

		if (s->val[i].needed &&
		    (kind == SG_V_AT || kind == SG_V_PLACE || kind == SG_V_RING))
			return false;
		dear = dear || (is_dear(s, &s->val[i]) && l->vars[i] >> l->kept & 1 &&
		                l->vars[i] >> l->inner & 1);
	}
	return dear;
}

static bool
wants_strip(const sg_nest *n, const look *l)
{
	int64_t v;

	for (size_t i = 0; i < n->s->nroots; i++)
		if (n->s->root[i].whole ||
		    (n->s->root[i].kind == SG_R_FOLD && sg_adds_up(n->f, n->s->root[i].ref)))
			return false;
	return n->nkept > 0 && (n->power || n->is_dear || !is_short_sum(n)) &&
	       l->all >> l->kept & 1 && (n->power || n->is_dear || goes_along(n, l)) &&
	       !(sg_ext_const(n->f->sp, n->ext[n->nkept - 1], &v) && v < SHORT_STRIP);
}

static bool
wants_lanes(const sg_nest *n, const look *l)
{
	const sg_step *s = n->s;
	bool folds = false;
	int64_t v;

	if (!(l->all >> l->inner & 1) ||
	    (sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &v) && v < SG_LANES &&
	     (v < FEW_TERMS || n->ngroups > 1 || l->ops > LIGHT)))
		return false;
	for (size_t i = 0; i < s->nroots; i++) {
		if (!sg_has_any_order(n, &s->root[i]))
			return false;
		folds = folds || sg_is_float_fold(n, &s->root[i]);
	}
	for (size_t i = 1; i < s->nvals; i++)
		if (s->val[i].needed &&
		    (s->val[i].kind == SG_V_AT || s->val[i].kind == SG_V_PLACE) &&
		    l->vars[i] >> l->inner & 1)
			return false;
	return folds;
}

void
sg_move_inside(sg_nest *n, uint32_t from)
{
	const uint32_t to = n->ngroups - 1, last = n->last[from];
	const sg_ext ext = n->ext[from];

	for (uint32_t g = from; g < to; g++) {
		n->last[g] = n->last[g + 1];
		n->ext[g] = n->ext[g + 1];
	}
	n->last[to] = last;
	n->ext[to] = ext;
	for (uint32_t var = 0; var < n->s->nloops; var++) {
		uint32_t *g = &n->group_of[var];

		*g = *g == from ? to : *g > from ? *g - 1 : *g;
	}
}

/* ---- short loops around the innermost one ---- */

/* Elements at the form are neighbours along the loop `outer`, and its turns along the inner one; or
 * just those, along the latter. */
typedef struct strides {
	bool grouped, near;
} strides;

static strides
strides_of(const look *l, sg_ref r, sg_aff a, uint32_t outer, uint32_t inner)
{
	const sg_nest *n = l->n;
	const sg_aff at = sg_place_of(n, r, a);
	const sg_ext o = sg_aff_coef(n->f, at, outer), i = sg_aff_coef(n->f, at, inner);

	return (strides){sg_is_1(n->f, o) && i == n->ext[n->group_of[outer]], sg_is_1(n->f, i)};
}

/* Is more read in groups of as many neighbours as the short loop has turns than one by one, and all
 * stored one by one, and nothing computed that wants a long innermost loop? */
static bool
reads_groups(const sg_nest *n, uint32_t outer, uint32_t inner)
{
	const look l = look_at(n);
	const sg_step *s = n->s;
	uint32_t grouped = 0, near = 0;

	for (size_t i = 1; i < s->nvals; i++) {
		const sg_val *v = &s->val[i];
		strides x;

		if (!v->needed)
			continue;
		if ((v->kind == SG_V_EW && sg_ops[v->op].cost >= DEAR) ||
		    (v->kind == SG_V_AT && l.vars[i] >> inner & 1))
			return false;
		if (v->kind != SG_V_LOAD)
			continue;
		x = strides_of(&l, v->ref, v->aff, outer, inner);
		grouped += x.grouped;
		near += x.near;
	}
	for (size_t i = 0; i < s->nroots; i++)
		if (!strides_of(&l, s->root[i].ref, s->root[i].at, outer, inner).near)
			return false;
	return grouped > near;
}

/* Where arrays are turned: rows of two, three or four numbers become as many rows. A compiler reads
 * them as vectors, which it takes apart, if it sees the few numbers of a turn side by side. */
static void
choose_short(sg_nest *n)
{
	const uint32_t outer = n->ngroups - 2;
	int64_t v;

	if (n->f->m->o->jit || n->ngroups < 2 || n->nkept < n->ngroups || n->mask ||
	    (n->band && n->group_of[n->s->row] == outer) ||
	    !sg_ext_const(n->f->sp, n->ext[outer], &v) || v < 2 || v > MOST_TURNS ||
	    !reads_groups(n, n->last[outer], n->last[n->ngroups - 1]))
		return;
	sg_move_inside(n, outer);
	n->unrolls = true;
}

/* ---- loops of which only some turns store ---- */

/* The condition under which all roots store; 0: there is none. */
static uint32_t
mask_of(const sg_nest *n)
{
	const sg_step *s = n->s;

	if (n->f->m->o->jit || n->band || n->nkept < n->ngroups || s->nroots == 0)
		return 0;
	for (size_t i = 0; i < s->nroots; i++)
		if (!s->root[i].masked || s->root[i].val[1] != s->root[0].val[1])
			return 0;
	return s->root[0].val[1];
}

/* Loops that the condition does not depend on go inside of those that it does: what it leaves out
 * is then not gone through. */
static void
choose_mask(sg_nest *n)
{
	uint32_t at = 0;
	look l;

	n->mask = n->ngroups ? mask_of(n) : 0;
	if (!n->mask)
		return;
	l = look_at(n);
	for (uint32_t g = 0; g < n->ngroups; g++) {
		bool depends = false;

		for (uint32_t var = 0; var < n->s->nloops; var++)
			depends = depends || (n->group_of[var] == at && l.vars[n->mask] >> var & 1);
		if (depends)
			at++;
		else
			sg_move_inside(n, at);
	}
}

bool
sg_is_tested_at(const sg_nest *n, uint32_t d)
{
	return n->mask && d < n->ngroups && n->s->val[n->mask].depth == d;
}

/* ---- loops whose turns do not meet in memory ---- */

bool
sg_is_added(const sg_root *r)
{
	return r->kind == SG_R_PIECE && r->add;
}

/* What a root stores has a place for each turn, save where places are computed, where a sum runs
 * on, or where several pieces are added to one array. */
static bool
may_meet(const sg_nest *n)
{
	const sg_root *pad = NULL;

	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];
		const uint16_t op = sg_fn_node(n->f, r->ref)->op;

		if (r->kind == SG_R_FOLD &&
		    (sg_adds_up(n->f, r->ref) || op == SG_CUMSUM || op == SG_LINREC))
			return true;
		if (sg_is_added(r) && pad)
			return true;
		pad = sg_is_added(r) ? r : pad;
	}
	return false;
}

/* Pairs of accesses of which one stores, and of which no parameter of the function, which is
 * restrict, holds the array. */
static bool
has_many_pairs(const sg_nest *n)
{
	const sg_step *s = n->s;
	uint32_t stores = 0, loads = 0;

	for (size_t i = 0; i < s->nroots; i++) {
		const sg_place *p = &n->f->at[s->root[i].ref];

		stores +=
		    s->root[i].kind == SG_R_COPY ||
		    (s->root[i].kind != SG_R_FOLD && s->root[i].kind != SG_R_TEXT && !p->unit);
	}
	for (size_t i = 1; i < s->nvals; i++)
		loads += s->val[i].needed && s->val[i].kind == SG_V_LOAD &&
		         (n->f->around || sg_fn_node(n->f, s->val[i].ref)->op != SG_INPUT);
	return stores * (stores + 2 * loads) > 2 * MANY_PAIRS;
}

/* Does a nest in columns need more of its rows than their lanes? */
static bool
needs_places(const sg_nest *n)
{
	if (!n->f->at[n->s->root[0].ref].band)
		return true;
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (v->needed && v->kind == SG_V_INDEX &&
		    !sg_ext_is(n->f->sp, sg_aff_coef(n->f, v->aff, n->s->row), 0))
			return true;
	}
	return false;
}

/* The rows of a tile in columns are a strip; what goes to columns has always all of it: the rows
 * that there are not hold what is never read. */
static void
go_along_rows(sg_nest *n)
{
	const uint32_t row = n->s->row;

	if (n->nkept < n->ngroups)
		sg_find_powers(n, row);
	n->strip = true;
	n->at = n->f->row;
	n->width = n->f->at[n->s->root[0].ref].band
	               ? sg_text(n->f->ctx, "%d", SG_COLUMNS)
	               : sg_text(n->f->ctx, "%s - %s", n->f->end, n->f->row);
	n->lane = sg_name_fresh(&n->f->names, "lane");
	n->nkept--;
	sg_move_inside(n, n->group_of[row]);
	if (n->power)
		sg_find_needed(n);
	sg_find_polynomial(n);
	n->unplaced = !needs_places(n);
}

/* A sum over the rows and more reads columns best one after the other. */
static void
rows_inside(sg_nest *n)
{
	const sg_step *s = n->s;
	bool reads = false;

	for (size_t i = 1; i < s->nvals; i++)
		reads = reads || (s->val[i].needed && s->val[i].kind == SG_V_LOAD &&
		                  n->f->at[s->val[i].ref].band);
	if (reads && s->mask >> s->row & 1)
		sg_move_inside(n, n->group_of[s->row]);
}

void
sg_choose_lanes(sg_nest *n)
{
	look l;

	n->apart = !n->f->m->o->jit && n->ngroups > 0 && has_many_pairs(n) && !may_meet(n);
	if (n->columns) {
		go_along_rows(n);
		return;
	}
	if (n->nkept == n->ngroups) {
		choose_mask(n);
		choose_short(n);
	}
	if (n->f->m->o->jit || n->nkept == n->ngroups)
		return;
	if (n->band && n->band->columns)
		rows_inside(n);
	if (n->nkept > 0)
		sg_find_powers(n, n->last[n->nkept - 1]);
	l = look_at(n);
	n->is_dear = is_dear_inside(n, &l);
	n->strip = wants_strip(n, &l);
	n->lanes = !n->strip && wants_lanes(n, &l);
	n->is_long = l.ops > LONG;
	n->is_light = l.ops <= LIGHT;
	if (!n->strip) {
		n->power = NULL;
		if (n->band && n->band->columns && n->last[n->ngroups - 1] == n->s->row)
			sg_read_columns(n->f, n->s);
		return;
	}
	n->nkept--;
	sg_move_inside(n, n->nkept);
	if (n->power)
		sg_find_needed(n);
	else
		sg_find_chosen(n);
	sg_find_polynomial(n);
}
