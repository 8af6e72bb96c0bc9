/* blocks_rows.c - tiles of many rows of few numbers, for libtcc.
 *
 * A loop of few turns makes short calls. So a tile covers the loop around it too: its rows stand
 * one behind the other in the arrays of steps. Arrays in memory that lie like that are read where
 * they are, others are copied: those that are the same for all rows but once, before the loop over
 * the rows. Sums over the rows, in a strip, go on row by row, as they would without tiles. */
#include "back/blocks.h"

enum {
	MOST_IN_ROW = 64, /* numbers; more are worth a call for themselves */
	LEAST = 64,       /* numbers in all rows */
	DEAR = 8,         /* a cost that is not paid anew for each number of a row */
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

/* Folds over both loops, or over the rows' numbers if those are not very few: then they are of each
 * row. */
static bool
may_fold(const sg_nest *n)
{
	return n->nkept + 2 <= n->ngroups ||
	       (n->nkept + 1 == n->ngroups && !n->across && !sg_nest_carries(n) &&
	        turns_of(n, n->ngroups - 1) >= SG_SHORT);
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

bool
sg_block_is_ahead(const sg_blocks *b, uint32_t v)
{
	const sg_block *x = &b->item[v];

	return b->few && x->how == SG_B_PLAIN && x->copied &&
	       sg_ext_is(b->f->sp, sg_block_row_stride(b, b->n->s->val[v].aff), 0);
}

/* Each step is a call less for each row, and each copy costs as much as a step. */
bool
sg_rows_are_worth_it(const sg_blocks *b)
{
	int64_t gain = 0;

	for (uint32_t v = 1; v < b->nvals; v++) {
		const sg_block *x = &b->item[v];
		const bool of_row = x->how == SG_B_STEP && is_of_row(b, v);

		if (of_row && sg_ops[b->n->s->val[v].op].cost >= DEAR)
			return false;
		gain -= of_row || (x->copied && !sg_block_is_ahead(b, v));
	}
	for (size_t p = 0; p < b->norder; p++) {
		const uint32_t item = b->order[p];
		const sg_root *r = sg_block_root(b, item);

		if (b->item[item].how != SG_B_STEP)
			return false;
		gain += !b->item[item].done;
		gain -= r && r->kind != SG_R_FOLD && !b->item[item].in_row;
	}
	return gain > 0;
}

/* ---- folds ---- */

bool
sg_block_folds_each(const sg_blocks *b)
{
	return b->few && !b->n->strip && b->n->nkept + 1 == b->n->ngroups;
}

const char *
sg_block_rows_fold(const sg_blocks *b, const sg_root *r)
{
	const sg_op op = (sg_op)sg_fn_node(b->f, r->ref)->op;
	const sg_type t = (sg_type)b->n->s->val[r->val[0]].type;
	const char *form = b->n->strip ? "rows" : sg_block_folds_each(b) ? "each" : "";

	if (sg_adds_up(b->f, r->ref) || r->val[1])
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
	case SG_CUMSUM:
		return b->n->strip ? sg_block_routine(b, "cumsum", form, t) : NULL;
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
copy_ahead(sg_blocks *b)
{
	b->rows = sg_text(b->f->ctx, "%lld", (long long)b->most);
	for (uint32_t v = 1; v < b->nvals; v++)
		if (sg_block_is_ahead(b, v)) {
			const sg_val *x = &b->n->s->val[v];

			b->item[v].text = sg_block_copy_rows(
			    b, x, sg_block_slot_for(b, (sg_type)x->type, 0, UINT32_MAX));
		}
}

void
sg_open_row_tiles(sg_blocks *b, const char *from, const char *to)
{
	sg_fn *f = b->f;
	const char *i = f->loop[b->turn];
	int64_t turns;

	b->most = b->tile / b->few;
	if (sg_ext_const(f->sp, b->n->ext[b->turn], &turns) && turns < b->most)
		b->most = turns > 0 ? turns : 1;
	copy_ahead(b);
	b->rows = sg_name_fresh(&f->names, "rows");
	b->count = sg_name_fresh(&f->names, "count");
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %lld) {", i, from, i, to, i,
	        (long long)b->most);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %lld ? %s - %s : %lld, %s = %s * %lld;", b->rows,
	        to, i, (long long)b->most, to, i, (long long)b->most, b->count, b->rows,
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
