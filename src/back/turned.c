/* turned.c - loops over items of a few numbers each, as elements of a mesh: by lanes of items.
 *
 * Where a turn reads x[i*6 + k] and stores h[i*36 + k], the numbers that a vector would hold do not
 * stand together. gcc makes no SIMD of that (but of rows of 2, 3, 4 or 8), clang little. So a tile
 * of some items is turned: small arrays have a column for each number of a row, of which each item
 * has a lane. They are filled before the loop over the lanes, which then reads and stores
 * neighbours, and those that are stored go back behind it (runtime: take_rows, put_rows). That
 * costs about as much as an operation or two for each number, and the rest of the loop then takes a
 * quarter or less.
 *
 * What is read at indices goes to columns too (taken.c). That costs more, and what is computed must
 * be worth it.
 *
 * A tile's arrays are read before any is stored, so nothing that is stored may be read besides.
 * What lies one by one stays where it is. */
#include "back/turned.h"

#include <string.h>

enum {
	MOST_LANES = 32, /* as the sums of lanes.c have */
	LEAST_LANES = 8,
	ROOM = 16384,   /* bytes of a tile's columns */
	FEW_TURNS = 16, /* that are not worth it */
	FEW_NUMBERS = 2,
	MOST_GAP = 1, /* numbers of a row that are read for nothing, between two others */
	STORED = 3,   /* operations that are worth storing a number; 1 is worth reading it */
	TAKEN = 4,    /* and reading it at an index */
	GIVEN = 6,    /* and adding it there */
};

/* ---- what is read and stored ---- */

typedef struct access {
	sg_turned_row at; /* of one number */
	int64_t offset;   /* from the first access of its kin */
	size_t kin;
} access;

typedef struct look {
	sg_nest *n;
	const sg_turned *t;
	access *a;
	size_t count, cap;
	bool fails; /* something makes no SIMD, columns or not */
} look;

/* How far behind b does a stand in every turn? false: that changes. */
static bool
distance(const sg_fn *f, sg_aff a, sg_aff b, int64_t *d)
{
	sg_ext e;

	return sg_aff_distance(f, a, b, &e) && sg_ext_const(f->sp, e, d);
}

/* Puts the access with those that are in the same row in every turn. */
static void
add_access(look *l, access a)
{
	int64_t d;

	a.kin = l->count;
	for (size_t i = 0; i < l->count; i++) {
		const access *b = &l->a[i];

		if (b->kin != i || b->at.stored != a.at.stored || b->at.pitch != a.at.pitch ||
		    strcmp(b->at.array, a.at.array) != 0 ||
		    !distance(l->n->f, a.at.at, b->at.at, &d) || d >= a.at.pitch ||
		    -d >= a.at.pitch)
			continue;
		a.kin = i;
		a.offset = d;
		break;
	}
	SG_PUSH(l->n->f->ctx, l->a, l->count, l->cap, a);
}

static void
note_access(look *l, const char *array, sg_type t, sg_aff at, bool stored)
{
	const sg_nest *n = l->n;
	const sg_ext step = sg_aff_coef(n->f, at, n->last[n->ngroups - 1]);
	int64_t pitch;

	if (sg_depends_on_values(n, at) || !sg_ext_const(n->f->sp, step, &pitch) || pitch < 0) {
		l->fails = true;
		return;
	}
	if (pitch > 1 && !sg_type_is_float(t))
		l->fails = true; /* the runtime turns real numbers alone */
	else if (pitch > 1)
		add_access(l, (access){.at = {array, at, pitch, 1, t, stored, NULL}});
	else if (stored && pitch == 0)
		l->fails = true;
}

static void
note_value(look *l, const sg_val *v)
{
	switch ((sg_val_kind)v->kind) {
	case SG_V_LOAD:
		if (v->guarded)
			l->fails = true;
		else
			note_access(l, sg_array(l->n->f, v->ref), (sg_type)v->type,
			            sg_place_of(l->n, v->ref, v->aff), false);
		return;
	case SG_V_EW:
		l->fails = l->fails || !(sg_becomes_simd(v->op) || sg_is_short_power(l->n, v));
		return;
	case SG_V_RAND:
	case SG_V_AT:
	case SG_V_PLACE:
	case SG_V_DIV:
	case SG_V_MOD:
	case SG_V_WITHIN:
	case SG_V_RING:
		l->fails = true;
		return;
	case SG_V_CONST:
	case SG_V_DIM:
	case SG_V_LOCAL:
	case SG_V_INDEX:
	case SG_V_CAST:
		return;
	}
}

static void
note_root(look *l, const sg_root *r)
{
	sg_fn *f = l->n->f;
	const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;

	if (r->masked) {
		l->fails = true;
		return;
	}
	if (r->kind == SG_R_COPY)
		note_access(l, f->out[r->part].name, t, r->at, true);
	else if (r->kind != SG_R_FOLD)
		note_access(l, sg_array(f, r->ref), t, sg_place_of(l->n, r->ref, r->at), true);
}

static void
look_at(look *l)
{
	sg_nest *n = l->n;

	for (uint32_t i = 1; i < n->s->nvals && !l->fails; i++)
		if (sg_is_in_loop(n, i) && l->t->in_lanes[i] && !l->t->taken[i])
			note_value(l, &n->s->val[i]);
	for (size_t i = 0; i < n->s->nroots && !l->fails; i++)
		note_root(l, &n->s->root[i]);
}

/* ---- rows ---- */

/* Rows of other lengths compilers turn themselves, and better. */
static bool
is_hard(const sg_turned_row *r)
{
	return r->pitch > 4 && r->pitch != 8;
}

/* The access of the kin that comes next behind `offset`; NULL: there is none. */
static const access *
next_of(const look *l, size_t kin, int64_t offset)
{
	const access *next = NULL;

	for (size_t i = kin; i < l->count; i++) {
		const access *a = &l->a[i];

		if (a->kin == kin && a->offset > offset && (!next || a->offset < next->offset))
			next = a;
	}
	return next;
}

/* The rows of a kin: what is stored is whole; what is read may have gaps. */
static void
add_rows(const look *l, sg_turned *t, size_t kin)
{
	sg_fn *f = l->n->f;
	sg_turned_row *r = NULL;
	int64_t last = INT64_MIN;

	for (const access *a; (a = next_of(l, kin, last)); last = a->offset) {
		if (r && a->offset - last <= 1 + (r->stored ? 0 : MOST_GAP)) {
			r->n += a->offset - last;
			continue;
		}
		SG_PUSH(f->ctx, t->row, t->n, t->cap, a->at);
		r = &t->row[t->n - 1];
	}
}

static void
find_rows(const look *l, sg_turned *t)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->a[i].kin == i && is_hard(&l->a[i].at))
			add_rows(l, t, i);
}

/* ---- whether ---- */

/* Operations: that NaN wins costs another one. */
static int64_t
cost_of(const sg_val *v)
{
	return sg_ops[v->op].cost + (v->op == SG_MAX || v->op == SG_MIN);
}

/* What compilers turn themselves is not for nothing either. */
static bool
is_worth_it(const look *l, const sg_turned *t)
{
	const sg_nest *n = l->n;
	int64_t moves = t->ntaken * TAKEN + t->ngiven * GIVEN, numbers = t->ntaken, ops = 0;

	for (size_t i = 0; i < t->n; i++) {
		numbers += t->row[i].n;
		moves += t->row[i].n * (t->row[i].stored ? STORED : 1);
	}
	for (size_t i = 0; i < l->count; i++)
		if (!is_hard(&l->a[i].at))
			moves += l->a[i].at.stored ? STORED : 1;
	for (uint32_t i = 1; i < n->s->nvals; i++)
		if (sg_is_in_loop(n, i) && t->in_lanes[i] && n->s->val[i].kind == SG_V_EW)
			ops += cost_of(&n->s->val[i]);
	return numbers > FEW_NUMBERS && ops >= moves;
}

/* As many lanes as there is room for; 0: too few. */
static int
lanes_of(const sg_nest *n, const sg_turned *t)
{
	int64_t bytes = (t->ntaken + t->ngiven) * (int64_t)sizeof(double);
	int lanes = MOST_LANES;

	for (size_t i = 0; i < t->n; i++)
		bytes += t->row[i].n * (int64_t)sg_type_size(t->row[i].type);
	while (lanes * bytes > ROOM && lanes > 0)
		lanes = n->lanes || lanes == LEAST_LANES ? 0 : lanes / 2;
	return lanes;
}

/* Is it one loop that sums up in the order of its turns, because of indices that are checked, and
 * may as well go by lanes? */
static bool
sums_in_order(const sg_nest *n)
{
	sg_nest_arrays arrays = {.n = n};

	for (size_t i = 0; i < n->s->nroots; i++)
		if (!sg_has_any_order(n, &n->s->root[i]) && !sg_can_be_given(&arrays, &n->s->root[i]))
			return false;
	return n->ngroups == 1 && n->nkept == 0 && !n->lanes;
}

/* Which compilers do by vectors as it stands. */
static bool
sums_integers(const sg_nest *n, const sg_root *r)
{
	return r->kind == SG_R_FOLD && !sg_is_float_fold(n, r) && sg_has_any_order(n, r);
}

static bool
sums_real_numbers(const sg_nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		if (sg_is_float_fold(n, &n->s->root[i]))
			return true;
	return false;
}

static bool
may_turn(const sg_nest *n)
{
	sg_nest_arrays arrays = {.n = n};
	int64_t turns;

	for (size_t i = 0; i < n->s->nroots; i++)
		if (!sg_may_go_again(&arrays, &n->s->root[i]) &&
		    !sg_can_be_given(&arrays, &n->s->root[i]) &&
		    !sums_integers(n, &n->s->root[i]))
			return false;

	return n->ngroups > 0 && (n->lanes || n->nkept == n->ngroups) && !n->strip && !n->columns &&
	       !n->power && !n->unrolls && !n->mask && !n->window && !n->s->takes &&
	       n->s->nroots > 0 &&
	       !(sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &turns) && turns < FEW_TURNS);
}

/* NULL: it stays as it is. in_order: for what is taken alone. */
static sg_turned *
turned(sg_nest *n, bool in_order)
{
	sg_turned *t = SG_NEW(n->f->ctx, sg_turned);
	look l = {.n = n, .t = t};

	if (!may_turn(n))
		return NULL;
	sg_find_taken(n, t);
	if (t->ntaken > 0 ? n->chunks || n->parallel
	                  : (in_order && sums_real_numbers(n)) || t->ngiven > 0)
		return NULL;
	look_at(&l);
	if (l.fails)
		return NULL;
	find_rows(&l, t);
	t->lanes = lanes_of(n, t);
	return t->n + t->ntaken > 0 && t->lanes > 0 && is_worth_it(&l, t) ? t : NULL;
}

void
sg_choose_turned(sg_nest *n)
{
	bool in_order;
	sg_turned *t;

	if (n->f->m->o->jit)
		return;
	in_order = sums_in_order(n);
	n->lanes = n->lanes || in_order;
	n->turned = t = turned(n, in_order);
	if (!t) {
		n->lanes = n->lanes && !in_order;
		return;
	}
	for (size_t i = 0; i < t->n; i++)
		t->row[i].name =
		    sg_name_fresh(&n->f->names, sg_text(n->f->ctx, "%.30s_col", t->row[i].array));
	n->vector = 0;
	n->apart = true;
}

int
sg_turned_lanes(const sg_nest *n)
{
	return n->turned->lanes;
}

/* ---- text ---- */

const char *
sg_turned_element(const sg_nest *n, const char *array, sg_aff at, bool stored)
{
	const sg_turned *t = n->turned;
	int64_t d;

	for (size_t i = 0; t && t->open && i < t->n; i++) {
		const sg_turned_row *r = &t->row[i];

		if (r->stored == stored && strcmp(r->array, array) == 0 &&
		    distance(n->f, at, r->at, &d) && d >= 0 && d < r->n)
			return sg_text(n->f->ctx, "%s[%d][%s]", r->name, (int)d, n->lane);
	}
	return NULL;
}

/* The row of the tile's first item, in its array. */
static const char *
first_row(sg_nest *n, const sg_turned_row *r, const char *first)
{
	sg_fn *f = n->f;
	const uint32_t d = n->ngroups - 1;
	const char *turn = f->loop[d], *s;

	f->loop[d] = first;
	s = sg_text(f->ctx, "%s + %s", r->array, sg_form_text(n, r->at).s);
	f->loop[d] = turn;
	return s;
}

static void
move_rows(sg_nest *n, const char *first, const char *width, bool stored)
{
	sg_fn *f = n->f;
	const sg_turned *t = n->turned;

	for (size_t i = 0; i < t->n; i++) {
		const sg_turned_row *r = &t->row[i];

		if (r->stored == stored)
			sg_line(f, "%s(%s, %lld, %s, %lld, %s[0], %d);",
			        sg_use_typed(f->m, stored ? "put_rows" : "take_rows", r->type),
			        width, (long long)r->n, first_row(n, r, first), (long long)r->pitch,
			        r->name, t->lanes);
	}
}

void
sg_open_turned(sg_nest *n, const char *first, const char *width)
{
	sg_turned *t = n->turned;

	for (size_t i = 0; i < t->n; i++)
		sg_line(n->f, "%s %s[%lld][%d];", sg_type_c_name(t->row[i].type), t->row[i].name,
		        (long long)t->row[i].n, t->lanes);
	move_rows(n, first, width, false);
	sg_print_taken(n, first, width);
	sg_declare_given(n);
	t->open = true;
	sg_open_taken(n);
}

void
sg_close_turned(sg_nest *n, const char *first, const char *width)
{
	n->turned->open = false;
	sg_close_taken(n);
	move_rows(n, first, width, true);
	sg_print_given(n, first, width);
}
