/* columns.c - bands whose tiles are turned: the rows of each array lie side by side.
 *
 * Where each row of a tile has sums of its own that are short, as the distances of a point from
 * some centres, there is little SIMD along the sum. The rows themselves are many, and all do the
 * same. So the arrays of a tile hold element k of all its 64 rows beside each other, and the
 * innermost loops go along the rows, mostly all 64 of them: the sums of 64 rows stand in registers.
 * What the band reads from outside row by row is turned when a tile begins; the rows that the last
 * tile lacks are then like its last one, and what becomes of them is not read.
 *
 * A band is turned only where something is won: some sum over what may be a few terms or over powers
 * by its turn, and each array that is turned is read more than once. Nothing may fail on the way to
 * a tile's arrays; what is stored outside of the tile is stored for the rows that there are. libtcc
 * makes no SIMD: for it the band stays as it is, but the workspace has the same room, since one may
 * be called instead of the other. */
#include "back/emit.h"

#include <string.h>

enum { LONG_SUM = 64, LONG_ROW = 256 };

typedef struct turner {
	sg_fn *f;
	uint32_t band; /* its number + 1 */
	sg_ref *array; /* that are turned */
	bool *again;   /* read in one row more than once */
	size_t n, cap, again_cap;
	bool sums;      /* some nest has short ones */
	size_t long_to; /* nodes that the function's tables have room for */
} turner;

/* ---- what depends on the row ---- */

static bool
form_varies(const sg_fn *f, sg_aff a, uint32_t row, const bool *varies)
{
	const sg_affine form = f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var == row ||
		    (form.term[i].var >= SG_VAR_VALUE && varies[form.term[i].var - SG_VAR_VALUE]))
			return true;
	return false;
}

static bool
conditions_vary(const sg_fn *f, const sg_val *v, uint32_t row, const bool *varies)
{
	for (uint32_t k = 0; k < v->nconds; k++)
		if (form_varies(f, v->cond[k].form, row, varies))
			return true;
	return false;
}

/* By value: does it differ from row to row? */
static bool *
what_varies(const sg_fn *f, const sg_step *s)
{
	bool *varies = SG_NEW_ARRAY(f->ctx, bool, s->nvals + 1);

	for (size_t i = 1; i < s->nvals; i++) {
		const sg_val *v = &s->val[i];

		varies[i] =
		    form_varies(f, v->aff, s->row, varies) || conditions_vary(f, v, s->row, varies);
		for (uint32_t k = 0; k < v->nargs; k++)
			varies[i] = varies[i] || varies[v->arg[k]];
	}
	return varies;
}

/* ---- may a band be turned ---- */

static bool
is_local(const turner *w, sg_ref r)
{
	return w->f->at[r].band == w->band;
}

static bool
is_short_sum(const sg_fn *f, const sg_step *s, const sg_root *root)
{
	const sg_node *x = sg_fn_node(f, root->ref);
	uint32_t last = 0;
	int64_t v;

	if (root->kind != SG_R_FOLD || !sg_type_is_float((sg_type)x->type) || s->mask == 0 ||
	    (x->op != SG_SUM && x->op != SG_CONTRACT && x->op != SG_AMAX && x->op != SG_AMIN))
		return false;
	for (uint32_t k = 0; k < s->nloops; k++)
		last = s->mask >> k & 1 ? k : last;
	return !sg_ext_const(f->sp, s->ext[last], &v) || v < LONG_SUM;
}

/* What goes to arrays outside of the tile is computed for the rows that there are, with all that it
 * needs; what goes to columns, for 64. */
static bool
roots_allow(turner *w, const sg_step *s)
{
	for (size_t i = 0; i < s->nroots; i++) {
		const sg_root *root = &s->root[i];

		if (is_local(w, root->ref) != is_local(w, s->root[0].ref) ||
		    (is_local(w, root->ref) && root->kind != SG_R_STORE &&
		     root->kind != SG_R_FOLD) ||
		    root->whole || (root->kind == SG_R_FOLD && sg_adds_up(w->f, root->ref)))
			return false;
		w->sums = w->sums || is_short_sum(w->f, s, root);
	}
	return true;
}

static bool
adds_somewhere(const sg_fn *f, const sg_step *s)
{
	for (size_t i = 0; i < s->nroots; i++)
		if (s->root[i].kind == SG_R_FOLD && sg_adds_up(f, s->root[i].ref))
			return true;
	return false;
}

/* Is there a loop that is not the one over the rows nor in the form, so that what is read there is
 * read again? */
static bool
is_read_again(const sg_fn *f, const sg_step *s, sg_aff a)
{
	for (uint32_t k = 0; k < s->nloops; k++)
		if (k != s->row && !(s->mask >> k & 1) && sg_ext_is(f->sp, sg_aff_coef(f, a, k), 0))
			return true;
	return false;
}

/* An array from outside, of which each turn reads its own row. */
static bool
can_turn(turner *w, const sg_step *s, uint32_t at)
{
	sg_fn *f = w->f;
	const sg_val *v = &s->val[at];
	const uint32_t done = f->at[v->ref].done;
	size_t i = 0;
	int64_t length;

	if (!sg_type_is_float((sg_type)v->type) ||
	    (sg_ext_const(f->sp, sg_row_length(f, v->ref), &length) && length > LONG_ROW) ||
	    (done && f->step[done - 1].band == w->band) ||
	    !sg_loads_in_row(f, f->band[w->band - 1].rows, s, at))
		return false;
	while (i < w->n && w->array[i] != v->ref)
		i++;
	if (i == w->n) {
		size_t n = w->n;

		SG_PUSH(f->ctx, w->array, w->n, w->cap, v->ref);
		SG_PUSH(f->ctx, w->again, n, w->again_cap, sg_is_1(f, sg_row_length(f, v->ref)));
	}
	w->again[i] = w->again[i] || is_read_again(f, s, v->aff);
	return true;
}

static bool
value_allows(turner *w, const sg_step *s, uint32_t at, const bool *varies)
{
	const sg_val *v = &s->val[at];

	switch ((sg_val_kind)v->kind) {
	case SG_V_LOAD:
		return is_local(w, v->ref) || can_turn(w, s, at);
	case SG_V_EW:
		return !sg_is_checked(v->op, (sg_type)v->type);
	case SG_V_WITHIN:
		return !conditions_vary(w->f, v, s->row, varies);
	case SG_V_AT:
	case SG_V_PLACE:
	case SG_V_DIV:
	case SG_V_MOD:
	case SG_V_RING:
	case SG_V_RAND:
		return false;
	case SG_V_CONST:
	case SG_V_DIM:
	case SG_V_LOCAL:
	case SG_V_INDEX:
	case SG_V_CAST:
		break;
	}
	return true;
}

static bool
is_over_rows(const sg_step *s)
{
	return s->kind == SG_S_NEST && !(s->mask >> s->row & 1);
}

static bool
member_allows(turner *w, sg_step *s)
{
	const bool *varies;

	if (!is_over_rows(s))
		return s->kind == SG_S_NEST && !adds_somewhere(w->f, s);
	if (!roots_allow(w, s))
		return false;
	if (!is_local(w, s->root[0].ref))
		return true;
	w->sums = w->sums || sg_carries_powers(w->f, s);
	varies = what_varies(w->f, s);
	for (uint32_t i = 1; i < s->nvals; i++)
		if (varies[i] && !value_allows(w, s, i, varies))
			return false;
	return true;
}

static bool
is_worth_it(turner *w, const sg_band *b)
{
	for (uint32_t k = 0; k < b->n; k++)
		if (!member_allows(w, &w->f->step[w->f->order[b->first + k]]))
			return false;
	for (size_t i = 0; i < w->n; i++)
		if (!w->again[i])
			return false;
	return w->sums;
}

/* ---- turning ---- */

/* The function's tables are made longer, so that nodes can be appended. */
static void
make_long(turner *w)
{
	sg_fn *f = w->f;
	const size_t n = f->g->n, cap = 2 * n + 16;
	sg_place *at = SG_NEW_ARRAY(f->ctx, sg_place, cap);

	if (!f->own) {
		f->own = sg_copy(f->ctx, f->g, sizeof *f->g);
		f->own->cap = n; /* its arrays are others' */
		f->g = f->own;
	}
	memcpy(at, f->at, n * sizeof *at);
	f->at = at;
	if (f->plan) {
		sg_loop_plan **plan = SG_NEW_ARRAY(f->ctx, sg_loop_plan *, cap);

		memcpy(plan, f->plan, n * sizeof *plan);
		f->plan = plan;
	}
	w->long_to = cap;
}

/* A node for the columns of array r. */
static sg_ref
new_room(turner *w, sg_ref r)
{
	sg_fn *f = w->f;
	sg_node n = *sg_fn_node(f, r);
	const char *name = sg_text(f->ctx, "%.30s_columns", f->g->name[r] ? f->g->name[r] : "t");

	if (f->g->n >= w->long_to)
		make_long(w);
	n.op = SG_NOP;
	n.nargs = 0;
	n.args = NULL;
	n.attr = NULL;
	f->at[f->g->n] = (sg_place){.kind = SG_P_ROOM, .stored = true, .band = w->band};
	return sg_body_append(f->ctx, f->own, &n, name, f->g->span[r]);
}

/* The step that fills it. */
static uint32_t
turn_step(turner *w, sg_ref room, sg_ref from)
{
	sg_fn *f = w->f;
	const sg_band *b = &f->band[w->band - 1];
	sg_step s = {.kind = SG_S_TURN,
	             .level = f->step[f->order[b->first]].level,
	             .guard = f->step[f->order[b->first]].guard,
	             .ref = room,
	             .from = from,
	             .band = w->band};

	SG_PUSH(f->ctx, s.read, s.nreads, s.read_cap, room);
	if (f->at[from].stored)
		SG_PUSH(f->ctx, s.read, s.nreads, s.read_cap, from);
	if (f->at[from].done)
		SG_PUSH(f->ctx, s.dep, s.ndeps, s.dep_cap, f->at[from].done - 1);
	SG_PUSH(f->ctx, f->step, f->nsteps, f->step_cap, s);
	f->at[room].done = (uint32_t)f->nsteps;
	return (uint32_t)f->nsteps - 1;
}

/* Member `step` reads the columns, not the array; libtcc has the same plan of memory. */
static void
read_columns(turner *w, uint32_t step, sg_ref from, sg_ref room)
{
	sg_step *s = &w->f->step[step];
	const bool *varies = what_varies(w->f, s);
	bool reads = false;

	for (size_t i = 1; i < s->nvals; i++) {
		if (s->val[i].kind != SG_V_LOAD || s->val[i].ref != from || !varies[i])
			continue;
		reads = true;
		if (!w->f->m->o->jit)
			s->val[i].ref = room;
	}
	if (reads)
		SG_PUSH(w->f->ctx, s->read, s->nreads, s->read_cap, room);
}

/* A sum over the rows may read them, if its turns go along the rows: sg_read_columns. */
static void
may_read_columns(turner *w, uint32_t step, sg_ref from, sg_ref room)
{
	sg_step *s = &w->f->step[step];

	for (uint32_t i = 1; i < s->nvals; i++)
		if (s->val[i].kind == SG_V_LOAD && s->val[i].ref == from) {
			SG_PUSH(w->f->ctx, s->read, s->nreads, s->read_cap, room);
			return;
		}
}

void
sg_read_columns(sg_fn *f, sg_step *s)
{
	const sg_band *b = &f->band[s->band - 1];

	for (uint32_t k = 0; k < b->n; k++) {
		const sg_step *turn = &f->step[f->order[b->first + k]];

		for (uint32_t i = 1; turn->kind == SG_S_TURN && i < s->nvals; i++)
			if (s->val[i].kind == SG_V_LOAD && s->val[i].ref == turn->from &&
			    sg_loads_in_row(f, b->rows, s, i))
				s->val[i].ref = turn->ref;
	}
}

/* The steps of the band become members of a turned one; those that fill come first. */
static void
turn(turner *w, uint32_t *order, uint32_t *n)
{
	sg_fn *f = w->f;
	sg_band *b = &f->band[w->band - 1];
	const uint32_t first = *n;

	for (size_t i = 0; i < w->n; i++) {
		const sg_ref room = new_room(w, w->array[i]);

		order[(*n)++] = turn_step(w, room, w->array[i]);
		for (uint32_t k = 0; k < b->n; k++) {
			const uint32_t step = f->order[b->first + k];

			if (is_over_rows(&f->step[step]))
				read_columns(w, step, w->array[i], room);
			else
				may_read_columns(w, step, w->array[i], room);
		}
	}
	for (uint32_t k = 0; k < b->n; k++)
		order[(*n)++] = f->order[b->first + k];
	b->room = b->tile > SG_COLUMNS ? b->tile : SG_COLUMNS;
	b->columns = !f->m->o->jit;
	b->tile = b->columns ? SG_COLUMNS : b->tile;
	b->first = first;
	b->n = *n - first;
}

/* Most steps that can come to a band: one for each array that its members read. */
static size_t
most_turned(const sg_fn *f, const sg_band *b)
{
	size_t n = 0;

	for (uint32_t k = 0; k < b->n; k++)
		n += f->step[f->order[b->first + k]].nvals;
	return n;
}

/* requires: an order, bands.  ensures: the order is one still; bands that are turned have the steps
 * that fill their columns. */
void
sg_turn_bands(sg_fn *f)
{
	const size_t nsteps = f->nsteps;
	uint32_t *order, n = 0;
	size_t most = nsteps;
	turner w = {.f = f};

	if (f->nbands == 0)
		return;
	for (size_t i = 0; i < f->nbands; i++)
		most += most_turned(f, &f->band[i]);
	order = SG_NEW_ARRAY(f->ctx, uint32_t, most);
	for (size_t at = 0; at < nsteps;) {
		const uint32_t band = f->step[f->order[at]].band;

		if (!band) {
			order[n++] = f->order[at++];
			continue;
		}
		sg_band *b = &f->band[band - 1];
		at += b->n;
		w.band = band;
		w.n = 0;
		w.sums = false;
		if (is_worth_it(&w, b)) {
			turn(&w, order, &n);
			continue;
		}
		memcpy(order + n, f->order + b->first, b->n * sizeof *order);
		b->first = n;
		n += b->n;
	}
	f->order = order;
}

/* ---- text ---- */

void
sg_print_turn(sg_fn *f, const sg_step *s)
{
	const sg_type t = (sg_type)sg_fn_node(f, s->ref)->type;
	const sg_ext length = sg_row_length(f, s->ref);
	const char *from = sg_array(f, s->from);

	sg_line(f, "%s(%s - %s, %s, %s, %s);", sg_use_typed(f->m, "columns", t), f->end, f->row,
	        sg_ext_bare(f, length),
	        sg_is_1(f, length)
	            ? sg_text(f->ctx, "%s + %s", from, f->row)
	            : sg_text(f->ctx, "%s + %s * %s", from, f->row, sg_ext_c(f, length)),
	        sg_array(f, s->ref));
}
