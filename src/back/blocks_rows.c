/* blocks_rows.c - tiles of many rows of few numbers, for libtcc.
 *
 * A loop of few turns makes short calls. So a tile covers the loop around it too: its rows stand
 * one behind the other in the arrays of steps. Arrays in memory that lie like that are read where
 * they are, others are copied: those that are the same for all rows but once, before the loop over
 * the rows. What is summed up over the numbers of a row is so for each; over the rows, in a strip,
 * for all rows number by number; over loops around both, in a strip too, for all numbers at once.
 *
 * Without them the rows would have calls of their own, or, if they are very short, a tile would be
 * a column, whose numbers lie apart: the gain over either is what decides. */
#include "back/blocks.h"

enum {
	MOST_IN_ROW = 128, /* numbers; more are worth a call for themselves */
	LEAST = 64,       /* numbers in all rows */
	DEAR = 8,         /* a cost that is not paid anew for each number of a row */
};

/* What it takes on the machine that it was measured on, a number of 4 bytes: hundredths of a
 * nanosecond. */
enum {
	OF_A_CALL = 400,
	OF_A_STEP = 3,
	OF_A_COPY = 5,   /* into rows */
	OF_NEAR = 5,     /* read with a stride of at most MOST_NEAR, which the routine knows */
	OF_APART = 15,   /* with a larger one */
	OF_A_STORE = 18, /* written with a stride */
	OF_A_FOLD = 7,   /* of a row whose length no routine knows, beyond a step */
	OF_A_RUN = 60,   /* of what runs on in a row, each number waiting for the one before */
	MOST_NEAR = 4,
};

/* ---- which loops ---- */

/* The turns of a loop, LEAST if they are as many or more. */
static int64_t
turns_of(const sg_nest *n, uint32_t group)
{
	int64_t turns;

	return sg_ext_const(n->f->sp, n->ext[group], &turns) && turns < LEAST ? turns : LEAST;
}

/* Are the turns of the innermost loop a few, all of them in each turn of the others? */
static bool
has_few(const sg_nest *n)
{
	const uint32_t in = n->ngroups - 1;
	int64_t few;

	return n->ngroups >= 2 && sg_ext_const(n->f->sp, n->ext[in], &few) && few >= 2 &&
	       few <= MOST_IN_ROW && !(n->band && (n->columns || n->group_of[n->s->row] == in));
}

static bool
is_enough(const sg_nest *n, uint32_t group)
{
	return turns_of(n, group) * turns_of(n, n->ngroups - 1) >= LEAST;
}

static bool
has_fold(const sg_nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		if (n->s->root[i].kind == SG_R_FOLD)
			return true;
	return false;
}

/* Loop g goes next to the innermost one. */
static void
move_next(sg_nest *n, uint32_t g)
{
	sg_move_inside(n, g);
	sg_move_inside(n, n->ngroups - 2);
	if (g == n->outer)
		n->outer = n->ngroups - 2;
}

/* Folds over both loops, or over the rows' numbers: then they are of each row. */
static bool
may_fold(const sg_nest *n)
{
	return n->nkept + 2 <= n->ngroups ||
	       (n->nkept + 1 == n->ngroups && !n->across && !sg_nest_carries(n));
}

bool
sg_choose_rows(sg_nest *n)
{
	uint32_t g = n->ngroups - 2;

	if (!has_few(n) || n->strip)
		return false;
	if (n->nkept < n->ngroups)
		return may_fold(n) && is_enough(n, g);
	if (has_fold(n))
		return false;
	for (uint32_t k = g; k-- > 0;)
		if (turns_of(n, k) > turns_of(n, g))
			g = k;
	if (!is_enough(n, g))
		return false;
	if (g + 2 < n->ngroups)
		move_next(n, g);
	return true;
}

bool
sg_strip_has_rows(const sg_nest *n)
{
	return has_few(n) && n->nkept + 2 <= n->ngroups && !n->chosen &&
	       is_enough(n, n->ngroups - 2);
}

/* ---- are they worth it? ---- */

/* A value of the rows, which is the same for all numbers of one, is made for each. */
static bool
is_of_row(const sg_blocks *b, uint32_t v)
{
	return b->n->s->val[v].depth + 1u == b->n->ngroups;
}

/* Is it the same for all that a strip sums up? */
static bool
is_of_strip(const sg_blocks *b, sg_aff a)
{
	const sg_nest *n = b->n;

	for (uint32_t g = n->nkept; g + 1 < n->ngroups; g++)
		if (!sg_ext_is(b->f->sp, sg_aff_coef(b->f, a, n->last[g]), 0))
			return false;
	return !sg_aff_reads_values(b->f, a);
}

bool
sg_block_is_ahead(const sg_blocks *b, uint32_t v)
{
	const sg_block *x = &b->item[v];
	const sg_val *u = &b->n->s->val[v];

	if (x->how != SG_B_PLAIN || !x->copied || b->n->strip == 2)
		return false;
	return b->few
	           ? sg_ext_is(b->f->sp, sg_block_row_stride(b, u->aff), 0)
	           : b->n->strip && u->kind == SG_V_LOAD && !u->guarded && is_of_strip(b, u->aff);
}

/* To read numbers that lie apart. */
static int64_t
cost_of_stride(const sg_blocks *b, sg_ext stride)
{
	int64_t step;

	return sg_ext_const(b->f->sp, stride, &step) && step <= MOST_NEAR ? OF_NEAR : OF_APART;
}

/* Do the numbers of a column lie one behind the other, or is it one? */
static bool
is_side_by_side(const sg_blocks *b, uint32_t v)
{
	const sg_ext step = sg_block_row_stride(b, b->n->s->val[v].aff);

	return sg_is_1(b->f, step) || sg_ext_is(b->f->sp, step, 0);
}

/* Are rows copied as they are, or one number into all of a row? */
static bool
is_spread(const sg_blocks *b, uint32_t v)
{
	const sg_ext step = sg_block_stride(b, b->n->s->val[v].aff);

	return sg_is_1(b->f, step) || sg_ext_is(b->f->sp, step, 0);
}

/* Rows that would have calls of their own: each step is one less for each row. */
static int64_t
gain_over_calls(const sg_blocks *b)
{
	const int64_t call = OF_A_CALL / b->few;
	int64_t gain = 0;

	for (uint32_t v = 1; v < b->nvals; v++) {
		const sg_block *x = &b->item[v];
		const int64_t size = (int64_t)sg_type_size((sg_type)b->n->s->val[v].type);

		if (x->how == SG_B_STEP && is_of_row(b, v))
			gain -= call + OF_A_STEP;
		if (x->copied && !sg_block_is_ahead(b, v))
			gain -= is_spread(b, v) ? OF_A_COPY * size / 4 : OF_APART;
	}
	for (size_t p = 0; p < b->norder; p++) {
		const sg_root *r = sg_block_root(b, b->order[p]);
		const sg_block *x = &b->item[b->order[p]];

		gain += x->done ? 0 : call;
		gain -= r && r->kind != SG_R_FOLD && !x->in_row ? OF_A_STORE : 0;
	}
	return gain;
}

static int64_t
cost_of_fold(const sg_blocks *b)
{
	return b->few <= 4 || b->few == 8 ? 0 : OF_A_FOLD;
}

/* Rows that would go column by column, in whose tiles all that lies in rows lies apart. */
static int64_t
gain_over_columns(const sg_blocks *b)
{
	int64_t gain = 0;

	for (uint32_t v = 1; v < b->nvals; v++) {
		const sg_block *x = &b->item[v];

		if (x->how != SG_B_PLAIN || !x->array)
			continue;
		if (x->in_row || !is_side_by_side(b, v))
			gain += cost_of_stride(b, sg_block_row_stride(b, b->n->s->val[v].aff));
		if (!x->in_row && !sg_block_is_ahead(b, v))
			gain -= is_spread(b, v) ? OF_A_COPY : OF_APART;
	}
	for (size_t p = 0; p < b->norder; p++) {
		const sg_root *r = sg_block_root(b, b->order[p]);

		if (r && r->kind == SG_R_FOLD &&
		    sg_is_running((sg_op)sg_fn_node(b->f, r->ref)->op) && !b->n->strip)
			gain += (b->item[b->order[p]].in_row ? OF_A_STORE : 0) - OF_A_RUN;
		else if (r && r->kind == SG_R_FOLD)
			gain += b->n->strip ? b->item[b->order[p]].in_row ? OF_A_STORE : 0
			                    : OF_A_STEP - cost_of_fold(b);
		else if (r && b->item[b->order[p]].in_row)
			gain += OF_A_STORE;
	}
	return gain;
}

/* Does each row lie across the array, so that a strip would read it column by column? */
static bool
goes_along_columns(const sg_blocks *b)
{
	for (uint32_t v = 1; v < b->nvals; v++)
		if (b->item[v].copied && !is_spread(b, v) &&
		    sg_is_1(b->f, sg_block_row_stride(b, b->n->s->val[v].aff)))
			return true;
	return false;
}

bool
sg_rows_are_worth_it(const sg_blocks *b)
{
	for (uint32_t v = 1; v < b->nvals; v++)
		if (b->item[v].how == SG_B_STEP && is_of_row(b, v) &&
		    sg_ops[b->n->s->val[v].op].cost >= DEAR)
			return false;
	for (size_t p = 0; p < b->norder; p++)
		if (b->item[b->order[p]].how != SG_B_STEP)
			return false;
	const bool columns = b->n->strip != 1 && (b->few < SG_SHORT || goes_along_columns(b));
	return (columns ? gain_over_columns(b) : gain_over_calls(b)) > 0;
}

/* ---- folds ---- */

bool
sg_block_folds_rows(const sg_blocks *b)
{
	return b->few && b->n->strip == 1;
}

bool
sg_block_folds_each(const sg_blocks *b)
{
	return b->few && !b->n->strip && b->n->nkept + 1 == b->n->ngroups;
}

/* Do the places of each row begin at the same one? */
static bool
is_place_of_each(const sg_blocks *b, const sg_root *r)
{
	return sg_block_folds_each(b) && sg_block_is_affine(b, r->pos) &&
	       sg_ext_is(b->f->sp, sg_block_row_stride(b, r->pos), 0);
}

const char *
sg_block_rows_fold(const sg_blocks *b, const sg_root *r)
{
	const sg_op op = (sg_op)sg_fn_node(b->f, r->ref)->op;
	const sg_type t = (sg_type)b->n->s->val[r->val[0]].type;
	const char *form = b->n->strip ? "rows" : sg_block_folds_each(b) ? "each" : "";

	if (sg_adds_up(b->f, r->ref) || (r->val[1] && op != SG_LINREC))
		return NULL;
	if (sg_is_running(op) && !*form)
		return NULL;
	switch ((int)op) {
	case SG_SUM:
	case SG_CONTRACT:
		return sg_block_routine(b, b->n->strip ? "add" : "sum", form, t);
	case SG_PROD:
		return sg_block_routine(b, b->n->strip ? "mul" : "prod", form, t);
	case SG_AMAX:
	case SG_AMIN:
		return sg_block_routine(b, op == SG_AMAX ? "max" : "min", form, t);
	case SG_ARGMAX:
	case SG_ARGMIN:
		if (!is_place_of_each(b, r))
			return NULL;
		return sg_block_routine(b, op == SG_ARGMAX ? "place_of_max" : "place_of_min", form,
		                        t);
	case SG_CUMSUM:
	case SG_LINREC:
		return sg_block_routine(b, sg_ops[op].name, form, t);
	default:
		return NULL;
	}
}

void
sg_print_rows_fold(sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);
	const sg_type t = (sg_type)sg_fn_node(b->f, r->ref)->type;
	const uint32_t p = b->item[item].at;
	const char *x = sg_block_array(b, r->val[0], p), *so_far = b->item[item].text,
		   *routine = sg_use(b->f->m, sg_block_fold(b, r)), *place, *to;

	if (!sg_is_running((sg_op)sg_fn_node(b->f, r->ref)->op)) {
		sg_line(b->f, "%s(%s, %lld, %s, %s);", routine, b->rows, (long long)b->few, x,
		        so_far);
		return;
	}
	place = sg_block_start(b, sg_block_root_array(b, r), sg_block_root_place(b, r));
	to = b->item[item].in_row ? place : sg_block_slot_for(b, t, p, p);
	sg_line(b->f, "%s(%s, %lld, %s, %s, %s);", routine, b->rows, (long long)b->few, x, so_far,
	        to);
	if (!b->item[item].in_row)
		sg_block_store_rows(b, t, to, place, r->at);
}

void
sg_run_on_in_each(sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);
	const sg_type t = (sg_type)sg_fn_node(b->f, r->ref)->type;
	const uint32_t p = b->item[item].at;
	const char *x = sg_block_array(b, r->val[0], p), *factor = "",
		   *place = sg_block_start(b, sg_block_root_array(b, r), sg_block_root_place(b, r)),
		   *to;

	if (r->val[1])
		factor = sg_text(b->f->ctx, ", %s", sg_block_array(b, r->val[1], p));
	to = b->item[item].in_row ? place : sg_block_slot_for(b, t, p, p);
	sg_line(b->f, "%s(%s, %lld%s, %s, %s);", sg_use(b->f->m, sg_block_fold(b, r)), b->rows,
	        (long long)b->few, factor, x, to);
	if (!b->item[item].in_row)
		sg_block_store_rows(b, t, to, place, r->at);
}

void
sg_print_fold_of_each(sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);
	const sg_type t = (sg_type)sg_fn_node(b->f, r->ref)->type;
	const uint32_t product = b->item[item].product, p = b->item[item].at;
	const sg_val *v = &b->n->s->val[product ? product : r->val[0]];
	const bool side_by_side = sg_is_1(b->f, sg_block_row_stride(b, r->at));
	const char *x = sg_block_array(b, product ? v->arg[0] : r->val[0], p), *y = "", *to,
		   *place = sg_block_start(b, sg_block_root_array(b, r), sg_block_root_place(b, r)),
		   *routine = product ? sg_block_typed(b, "dot_each", t)
	                              : sg_use(b->f->m, sg_block_fold(b, r));

	if (product)
		y = sg_text(b->f->ctx, ", %s", sg_block_array(b, v->arg[v->nargs - 1], p));
	else if (sg_block_is_place(b, r))
		y = sg_text(b->f->ctx, ", %s, %s", sg_form_text(b->n, r->pos).s,
		            sg_ext_bare(b->f, sg_block_stride(b, r->pos)));
	to = side_by_side ? place : sg_block_slot_for(b, t, p, p);
	sg_line(b->f, "%s(%s, %lld, %s%s, %s);", routine, b->rows, (long long)b->few, x, y, to);
	if (!side_by_side)
		sg_line(b->f, "%s(%s, %s, %s, %s);", sg_block_typed(b, "store", t), b->rows, to,
		        place, sg_ext_bare(b->f, sg_block_row_stride(b, r->at)));
}

/* ---- text ---- */

const char *
sg_block_copy_rows(sg_blocks *b, const sg_val *v, const char *to)
{
	if (v->kind == SG_V_INDEX) {
		sg_line(b->f, "%s(%s, %lld, %s, %s, %s, %s);",
		        sg_block_typed(b, "iota_rows", SG_I64), b->rows, (long long)b->few,
		        sg_form_text(b->n, v->aff).s,
		        sg_ext_bare(b->f, sg_block_row_stride(b, v->aff)),
		        sg_ext_bare(b->f, sg_block_stride(b, v->aff)), to);
		return to;
	}
	sg_line(b->f, "%s(%s, %lld, %s, %s, %s, %s);",
	        sg_block_typed(b, "load_rows", (sg_type)v->type), b->rows, (long long)b->few,
	        sg_block_start(b, sg_array(b->f, v->ref), sg_place_of(b->n, v->ref, v->aff)),
	        sg_ext_bare(b->f, sg_block_row_stride(b, v->aff)),
	        sg_ext_bare(b->f, sg_block_stride(b, v->aff)), to);
	return to;
}

void
sg_block_store_rows(sg_blocks *b, sg_type t, const char *x, const char *to, sg_aff at)
{
	sg_line(b->f, "%s(%s, %lld, %s, %s, %s, %s);", sg_block_typed(b, "store_rows", t), b->rows,
	        (long long)b->few, x, to, sg_ext_bare(b->f, sg_block_row_stride(b, at)),
	        sg_ext_bare(b->f, sg_block_stride(b, at)));
}

/* What is the same for all rows is copied as often as a tile has rows. */
static void
copy_ahead(sg_blocks *b, const char *rows)
{
	b->rows = rows;
	for (uint32_t v = 1; v < b->nvals; v++)
		if (sg_block_is_ahead(b, v)) {
			const sg_val *x = &b->n->s->val[v];

			b->item[v].text = sg_block_copy_rows(
			    b, x, sg_block_slot_for(b, (sg_type)x->type, 0, UINT32_MAX));
		}
}

/* At most as many as a tile has. */
static const char *
rows_from(const sg_blocks *b, const char *from, const char *to)
{
	return sg_text(b->f->ctx, "%s - %s < %lld ? %s - %s : %lld", to, from, (long long)b->most,
	               to, from, (long long)b->most);
}

void
sg_open_row_tiles(sg_blocks *b, const char *from, const char *to)
{
	sg_fn *f = b->f;
	const char *i = f->loop[b->turn];
	int64_t turns;

	b->most = b->tile / b->few;
	const bool known = sg_ext_const(f->sp, b->n->ext[b->turn], &turns);
	if (known && turns < b->most)
		b->most = turns > 0 ? turns : 1;
	const char *rows = rows_from(b, i, to);
	copy_ahead(b, known || (b->turn == 0 && b->few >= SG_LEAST) /* the text costs more */
	                  ? sg_text(f->ctx, "%lld", (long long)b->most)
	                  : rows_from(b, from, to));
	b->rows = sg_name_fresh(&f->names, "rows");
	b->count = sg_name_fresh(&f->names, "count");
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %lld) {", i, from, i, to, i,
	        (long long)b->most);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s, %s = %s * %lld;", b->rows, rows, b->count, b->rows,
	        (long long)b->few);
}

void
sg_close_row_tiles(sg_blocks *b)
{
	b->count = sg_nest_to(b->n, b->group);
	sg_close(b->n);
}

void
sg_print_row_tiles(sg_blocks *b, const char *from, const char *to)
{
	sg_open_row_tiles(b, from, to);
	sg_print_tiles(b);
	sg_close_row_tiles(b);
}
