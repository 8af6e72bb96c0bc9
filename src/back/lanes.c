/* lanes.c - loops over what is reduced, in forms that compilers make SIMD of without being allowed
 * to reorder sums.
 *
 * Where neighbours in memory are summed up, 32 partial sums stand in an array and an inner loop of
 * exactly 32 turns adds to each its term; what is left over goes one by one. Where a sum steps over
 * rows, its loop goes outside of a loop along a strip of the row, whose sums stand in an array. The
 * order of the additions depends on the extents alone. For libtcc, which makes no SIMD, loops stay
 * plain. */
#include "back/nest.h"

/* LANES is more than 16: gcc unrolls shorter loops, and then finds no SIMD in what they were. A
 * body of more operations than LONG is printed once, not once more for what is left over. */
enum { LANES = 32 };
enum { LONG = 32, SHORT_SUM = 32, SHORT_STRIP = 8, DEAR = 8 };
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
	    (sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &v) && v < SHORT_SUM &&
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

/* ---- lanes ---- */

typedef struct lanes {
	sg_nest *n;
	uint32_t d;
	const char *from, *to, *at, *lane;
	const char **name; /* by root: the array of its lanes */
} lanes;

static const char *
lane_total(const sg_fn *f, sg_op op, sg_type t)
{
	return sg_use_typed(f->m,
	                    op == SG_AMAX   ? "lanes_max"
	                    : op == SG_AMIN ? "lanes_min"
	                                    : "lanes_sum",
	                    t);
}

static void
declare_lanes(lanes *l)
{
	sg_fn *f = l->n->f;

	for (size_t i = 0; i < l->n->s->nroots; i++) {
		const sg_root *r = &l->n->s->root[i];
		const sg_node *x = sg_fn_node(f, r->ref);
		const char *type;

		if (!sg_is_float_fold(l->n, r))
			continue;
		type = sg_type_c_name((sg_type)x->type);
		l->name[i] = sg_name_fresh(&f->names, "lanes");
		if (sg_is_addition(x->op)) {
			sg_line(f, "%s %s[%d];", type, l->name[i], LANES);
			sg_line(f, "%s(%s);", sg_use_typed(f->m, "lanes_clear", (sg_type)x->type),
			        l->name[i]);
			continue;
		}
		sg_line(f, "%s %s[%d];", type, l->name[i], LANES);
		sg_line(f, "for (ptrdiff_t %s = 0; %s < %d; %s++)", l->lane, l->lane, LANES,
		        l->lane);
		sg_line(f, "\t%s[%s] = %sINFINITY;", l->name[i], l->lane,
		        x->op == SG_AMAX ? "-" : "");
	}
}

void
sg_print_for_turn(sg_nest *n, uint32_t d, const char *at, const char *lane, bool always,
                  void (*print)(sg_nest *n, uint32_t d))
{
	sg_fn *f = n->f;
	const char *turn = f->loop[d - 1];
	sg_buf *out = f->b, text;

	sg_buf_init(&text, f->ctx);
	f->b = &text;
	print(n, d);
	f->b = out;
	if (always || sg_has_word(sg_buf_text(&text), turn))
		sg_line(f, "const ptrdiff_t %s = %s + %s;", turn, at, lane);
	sg_buf_puts(f->b, sg_buf_text(&text));
}

/* The loop over as many lanes as `count` says. */
static void
print_turns(lanes *l, const char *count)
{
	sg_nest *n = l->n;
	sg_fn *f = n->f;
	const char **into = SG_NEW_ARRAY(f->ctx, const char *, n->s->nroots);

	for (size_t i = 0; i < n->s->nroots; i++) {
		into[i] = n->s->root[i].into;
		if (l->name[i])
			n->s->root[i].into = sg_text(f->ctx, "%s[%s]", l->name[i], l->lane);
	}
	if (n->turned)
		sg_open_turned(n, l->at, count);
	sg_print_promise(n);
	if (n->vector && !n->turned && !n->skip)
		sg_print_vector(f);
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", l->lane, l->lane, count, l->lane);
	f->indent++;
	sg_print_for_turn(n, l->d + 1, l->at, l->lane, !n->turned, sg_print_level);
	sg_close(n);
	if (n->turned)
		sg_close_turned(n, l->at, count);
	for (size_t i = 0; i < n->s->nroots; i++)
		n->s->root[i].into = into[i];
}

static void
add_lanes(lanes *l)
{
	sg_fn *f = l->n->f;

	for (size_t i = 0; i < l->n->s->nroots; i++) {
		const sg_root *r = &l->n->s->root[i];
		const sg_node *x = sg_fn_node(f, r->ref);
		const sg_type t = (sg_type)x->type;

		if (!l->name[i])
			continue;
		sg_print_update(l->n, r->into, (sg_op)x->op, t,
		                (sg_c_text){sg_text(f->ctx, "%s(%s)",
		                                    lane_total(f, (sg_op)x->op, t), l->name[i]),
		                            SG_PREC_ATOM});
	}
}

/* The body stands there once, for all lanes or as many as there is something left for. */
static void
print_long(lanes *l)
{
	sg_fn *f = l->n->f;
	const char *width = sg_name_fresh(&f->names, "width");

	const int most = l->n->turned ? sg_turned_lanes(l->n) : LANES;

	declare_lanes(l);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", l->at, l->from, l->at, l->to,
	        l->at, most);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s - %s : %d;", width, l->to, l->at, most,
	        l->to, l->at, most);
	print_turns(l, width);
	sg_close(l->n);
	add_lanes(l);
}

/* Nothing is left over: gcc warns of a loop that it finds to have no turns. Blocks and shares begin
 * at multiples of the lanes, tiles of rows need not. */
static bool
is_even(const lanes *l)
{
	const sg_nest *n = l->n;
	int64_t v;

	if (n->stretched)
		return sg_ext_const(n->f->sp, n->stretch, &v) && v % LANES == 0;
	return sg_ext_const(n->f->sp, n->ext[l->d], &v) && v % LANES == 0 && !n->within &&
	       !(n->band && n->group_of[n->s->row] == l->d);
}

static void
print_even(lanes *l)
{
	sg_fn *f = l->n->f;

	declare_lanes(l);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", l->at, l->from, l->at, l->to,
	        l->at, LANES);
	f->indent++;
	print_turns(l, sg_text(f->ctx, "%d", LANES));
	sg_close(l->n);
	add_lanes(l);
}

/* How often the loop turns; INT64_MAX: that is not known. */
static int64_t
known_turns(const lanes *l)
{
	int64_t v;

	return sg_ext_const(l->n->f->sp, l->n->ext[l->d], &v) && !l->n->within && !l->n->band
	           ? v
	           : INT64_MAX;
}

/* Are the folds sums alone, of so little that one addition would wait for the one before? */
static bool
has_fours(const lanes *l)
{
	const sg_nest *n = l->n;

	for (size_t i = 0; i < n->s->nroots; i++)
		if (sg_is_float_fold(n, &n->s->root[i]) &&
		    !sg_is_addition((sg_op)sg_fn_node(n->f, n->s->root[i].ref)->op))
			return false;
	return n->is_light;
}

/* What is left over goes by fours. */
static void
print_fours(lanes *l)
{
	sg_nest *n = l->n;
	sg_fn *f = n->f;

	for (size_t i = 0; i < n->s->nroots; i++) {
		if (!sg_is_float_fold(n, &n->s->root[i]))
			continue;
		l->name[i] = sg_name_fresh(&f->names, "four");
		sg_line(f, "%s %s[4] = {0};",
		        sg_type_c_name((sg_type)sg_fn_node(f, n->s->root[i].ref)->type), l->name[i]);
	}
	sg_line(f, "for (; %s - %s >= 4; %s += 4) {", l->to, l->at, l->at);
	f->indent++;
	print_turns(l, "4");
	sg_close(n);
	for (size_t i = 0; i < n->s->nroots; i++)
		if (l->name[i])
			sg_line(f, "%s += (%s[0] + %s[2]) + (%s[1] + %s[3]);", n->s->root[i].into,
			        l->name[i], l->name[i], l->name[i], l->name[i]);
}

static void
print_full_and_rest(lanes *l)
{
	sg_fn *f = l->n->f;
	const char *i = f->loop[l->d];
	const int64_t turns = known_turns(l);
	const bool fours = has_fours(l);

	sg_line(f, "ptrdiff_t %s = %s;", l->at, l->from);
	if (turns >= SHORT_SUM) {
		sg_line(f, "if (%s - %s >= %d) {", l->to, l->at, LANES);
		f->indent++;
		declare_lanes(l);
		sg_line(f, "for (; %s - %s >= %d; %s += %d) {", l->to, l->at, LANES, l->at, LANES);
		f->indent++;
		print_turns(l, sg_text(f->ctx, "%d", LANES));
		sg_close(l->n);
		add_lanes(l);
		sg_close(l->n);
	}
	if (fours)
		print_fours(l);
	if (fours && turns < INT64_MAX && turns % 4 == 0)
		return;
	sg_print_promise(l->n);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", i, l->at, i, l->to, i);
	f->indent++;
	sg_print_level(l->n, l->d + 1);
	sg_close(l->n);
}

/* Are there turns for a vector at least, in all that the loop is printed for? */
static bool
fills_vectors(const lanes *l)
{
	const sg_nest *n = l->n;
	int64_t v;

	return sg_ext_const(n->f->sp, n->ext[l->d], &v) && v <= sg_block_of(n) && !n->begin &&
	       !(n->band && n->group_of[n->s->row] == l->d);
}

/* What is left over, in a vector that ends where the loop does. */
static void
print_last_vector(lanes *l)
{
	sg_nest *n = l->n;
	sg_fn *f = n->f;
	const char *first = l->at, *size = sg_text(f->ctx, "%d", n->vector);

	l->at = sg_name_fresh(&f->names, "at");
	sg_line(f, "/* what is left over, and some turns once more */");
	sg_line(f, "if (%s < %s) {", first, l->to);
	f->indent++;
	if (fills_vectors(l)) {
		sg_line(f, "const ptrdiff_t %s = %s - %s;", l->at, l->to, size);
	} else {
		sg_line(f, "const ptrdiff_t %s = %s > %s ? %s - %s : %s;", l->at, first, l->from,
		        l->to, size, first);
		size = sg_text(f->ctx, "%s - %s", l->to, l->at);
	}
	n->skip = sg_text(f->ctx, "%s, %s - %s", l->lane, first, l->at);
	print_turns(l, size);
	n->skip = NULL;
	sg_close(n);
}

static void
print_vectors(lanes *l)
{
	sg_nest *n = l->n;
	sg_fn *f = n->f;

	sg_line(f, "ptrdiff_t %s = %s;", l->at, l->from);
	declare_lanes(l);
	sg_line(f, "for (; %s - %s >= %d; %s += %d) {", l->to, l->at, n->vector, l->at, n->vector);
	f->indent++;
	print_turns(l, sg_text(f->ctx, "%d", n->vector));
	sg_close(n);
	print_last_vector(l);
	add_lanes(l);
}

void
sg_print_lanes(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	lanes l = {n,
	           d,
	           from,
	           to,
	           sg_name_fresh(&f->names, "first"),
	           sg_name_fresh(&f->names, "lane"),
	           SG_NEW_ARRAY(f->ctx, const char *, n->s->nroots)};

	n->lane = n->turned ? l.lane : n->lane;
	if (n->turned)
		print_long(&l);
	else if (n->vector)
		print_vectors(&l);
	else if (is_even(&l) && known_turns(&l) >= SHORT_SUM)
		print_even(&l);
	else if (n->is_long)
		print_long(&l);
	else
		print_full_and_rest(&l);
}
