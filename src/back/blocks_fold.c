/* blocks_fold.c - the C text of what tiles come to: reductions, sums of strips, what runs on. */
#include "back/blocks.h"

const char *
sg_block_strip_fold(const sg_blocks *b, const sg_root *r)
{
	const sg_op op = (sg_op)sg_fn_node(b->f, r->ref)->op;
	const sg_type t = (sg_type)b->n->s->val[r->val[0]].type;

	if (sg_adds_up(b->f, r->ref))
		return NULL;
	switch ((int)op) {
	case SG_SUM:
	case SG_CONTRACT:
	case SG_UNWINDOW:
		return sg_block_routine(b, "add", "vv", t);
	case SG_PROD:
		return sg_block_routine(b, "mul", "vv", t);
	case SG_AMAX:
		return sg_block_routine(b, "max", "vv", t);
	case SG_AMIN:
		return sg_block_routine(b, "min", "vv", t);
	case SG_ANY:
		return sg_block_routine(b, "or", "vv", t);
	case SG_ALL:
		return sg_block_routine(b, "and", "vv", t);
	case SG_ARGMAX:
	case SG_ARGMIN:
		return sg_block_routine(b, op == SG_ARGMAX ? "argmax" : "argmin", "", t);
	case SG_CUMSUM:
		return sg_block_routine(b, "add", "vv", t);
	case SG_LINREC:
		return sg_block_routine(b, "mul_add", "vvv", t);
	default:
		return NULL;
	}
}

const char *
sg_block_fold(const sg_blocks *b, const sg_root *r)
{
	const sg_op op = (sg_op)sg_fn_node(b->f, r->ref)->op;
	const sg_type t = (sg_type)b->n->s->val[r->val[0]].type;

	if (b->n->strip == 2)
		return sg_is_running((sg_op)op) ? NULL : sg_block_strip_fold(b, r);
	if (b->few)
		return sg_block_rows_fold(b, r);
	if (b->n->strip)
		return sg_block_strip_fold(b, r);
	if (sg_adds_up(b->f, r->ref))
		return NULL;
	switch ((int)op) {
	case SG_SUM:
	case SG_CONTRACT:
	case SG_UNWINDOW:
		return sg_block_routine(b, "sum", "", t);
	case SG_PROD:
	case SG_AMAX:
	case SG_AMIN:
	case SG_ANY:
	case SG_ALL:
	case SG_CUMSUM:
	case SG_LINREC:
		return sg_block_routine(b, sg_ops[op].name, "", t);
	case SG_ARGMAX:
	case SG_ARGMIN:
		return sg_block_is_affine(b, r->pos)
		           ? sg_block_routine(b, op == SG_ARGMAX ? "place_of_max" : "place_of_min",
		                              "", t)
		           : NULL;
	default:
		return NULL;
	}
}

bool
sg_block_is_place(const sg_blocks *b, const sg_root *r)
{
	const uint16_t op = sg_fn_node(b->f, r->ref)->op;

	return op == SG_ARGMAX || op == SG_ARGMIN;
}

/* acc op x */
static const char *
joined(sg_blocks *b, const sg_root *r, sg_type t, const char *x)
{
	const sg_op op = (sg_op)sg_fn_node(b->f, r->ref)->op;
	const bool real = sg_type_is_float(t);
	const char *name = op == SG_PROD ? "mul" : "add";

	if (op == SG_ANY || op == SG_ALL)
		return sg_text(b->f->ctx, "%s %s %s", r->acc, op == SG_ANY ? "||" : "&&", x);
	if (op == SG_AMAX || op == SG_AMIN)
		name = op == SG_AMAX ? "max" : "min";
	else if (real)
		return sg_text(b->f->ctx, "%s %s %s", r->acc, op == SG_PROD ? "*" : "+", x);
	return sg_text(b->f->ctx, "%s(%s, %s)", sg_use_typed(b->f->m, name, t), r->acc, x);
}

void
sg_block_add_product(sg_blocks *b, const sg_val *v, uint32_t p, const char *to)
{
	uint32_t x = v->arg[0], y = v->arg[v->nargs - 1];
	const char *first;

	if (b->item[y].how == SG_B_WHOLE) {
		x = v->arg[v->nargs - 1];
		y = v->arg[0];
	}
	if (sg_block_folds_rows(b)) {
		first = sg_block_array(b, x, p);
		sg_line(b->f, "%s(%s, %lld, %s, %s, %s);",
		        sg_block_typed(b, "addmul_rows", (sg_type)v->type), b->rows,
		        (long long)b->few, first, sg_block_array(b, y, p), to);
		return;
	}
	first = sg_block_operand(b, x, p);
	sg_line(b->f, "%s(%s, %s, %s, %s);",
	        sg_block_typed(b, b->item[x].how == SG_B_WHOLE ? "addmul_sv" : "addmul_vv",
	                       (sg_type)v->type),
	        b->count, first, sg_block_array(b, y, p), to);
}

unsigned
sg_tile_of_sums(const sg_nest *n)
{
	return n->tiles && n->tiled == 1 && !n->strip && n->nkept + 1 == n->ngroups && !n->shares &&
	               !sg_nest_carries(n)
	           ? n->tiles->tile
	           : 0;
}

/* The sum of a product over a tile. */
static const char *
product_sum(sg_blocks *b, uint32_t item, sg_type t)
{
	const uint32_t pair = b->item[item].pair, p = b->item[item].at;
	const sg_val *v = &b->n->s->val[pair ? pair : b->item[item].product];
	const char *x = sg_block_array(b, v->arg[0], p),
		   *y = sg_block_array(b, v->arg[v->nargs - 1], p);

	return sg_text(b->f->ctx, "%s(%s, %s, %s)", sg_block_typed(b, pair ? "distance" : "dot", t),
	               b->count, x, y);
}

/* What a tile comes to is added to its sum. */
static void
add_to_tree(sg_blocks *b, const sg_root *r, sg_type t, const char *x)
{
	const bool begins = sg_tile_of_sums(b->n) > 0;

	if (begins && b->one) {
		sg_line(b->f, "%s += %s;", r->acc, x);
		return;
	}
	if (begins)
		sg_line(b->f, "if (%s == %s)\n\t%s += %s;\nelse", b->from,
		        sg_nest_from(b->n, b->group), r->acc, x);
	sg_line(b->f, "%s%s(&%s, &%s, %s);", begins ? "\t" : "",
	        sg_use_typed(b->f->m, "sum_add", t), r->acc, r->acc2, x);
}

static const char *
place_of(const sg_blocks *b, const sg_root *r)
{
	return sg_block_start(b, sg_block_root_array(b, r), sg_block_root_place(b, r));
}

/* The array x goes to where the root has its place. */
static void
store(sg_blocks *b, uint32_t item, const char *x)
{
	const sg_root *r = sg_block_root(b, item);
	const sg_type t = (sg_type)sg_fn_node(b->f, r->ref)->type;

	if (b->n->strip == 2)
		sg_block_store_rows(b, t, x, place_of(b, r), r->at);
	else
		sg_line(b->f, "%s(%s, %s, %s, %s);", sg_block_typed(b, "store", t), b->count, x,
		        place_of(b, r), sg_ext_bare(b->f, sg_block_stride(b, r->at)));
}

static void
strip_step(sg_blocks *b, uint32_t item, const char *so_far)
{
	const sg_root *r = sg_block_root(b, item);
	const char *x = sg_block_array(b, r->val[0], b->item[item].at);
	const char *routine = sg_use(b->f->m, sg_block_fold(b, r));

	if (sg_block_is_place(b, r))
		sg_line(b->f, "%s(%s, %s, %s, %s, %s);", routine, b->count, x,
		        sg_form_text(b->n, r->pos).s, b->item[item].rest, so_far);
	else if (r->val[1])
		sg_line(b->f, "%s(%s, %s, %s, %s, %s);", routine, b->count, so_far,
		        sg_block_array(b, r->val[1], b->item[item].at), x, so_far);
	else
		sg_line(b->f, "%s(%s, %s, %s, %s);", routine, b->count, so_far, x, so_far);
	if (sg_is_running((sg_op)sg_fn_node(b->f, r->ref)->op))
		store(b, item, so_far);
}

/* What runs on from tile to tile: the routine takes what it has come to, and gives what it comes
 * to. */
static void
run_on(sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);
	const uint32_t p = b->item[item].at;
	const bool in_row = b->item[item].in_row;
	const char *x = sg_block_array(b, r->val[0], p), *factor = "", *to;

	if (r->val[1])
		factor = sg_text(b->f->ctx, ", %s", sg_block_array(b, r->val[1], p));
	to = in_row ? place_of(b, r)
	            : sg_block_slot_for(b, (sg_type)sg_fn_node(b->f, r->ref)->type, p, p);
	sg_line(b->f, "%s = %s(%s%s, %s, %s, %s);", r->acc, sg_use(b->f->m, sg_block_fold(b, r)),
	        b->count, factor, x, r->acc, to);
	if (!in_row)
		store(b, item, to);
}

static void
find_place(sg_blocks *b, const sg_root *r, uint32_t p)
{
	sg_line(b->f, "%s(%s, %s, %s, %s, &%s, &%s);", sg_use(b->f->m, sg_block_fold(b, r)),
	        b->count, sg_block_array(b, r->val[0], p), sg_form_text(b->n, r->pos).s,
	        sg_ext_bare(b->f, sg_block_stride(b, r->pos)), r->acc2, r->acc);
}

void
sg_print_tile_fold(sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);
	const uint32_t product = b->item[item].product, p = b->item[item].at;
	const sg_type t = (sg_type)b->n->s->val[r->val[0]].type;
	const char *x, *so_far = b->item[item].text;

	if (sg_block_folds_each(b) && sg_is_running((sg_op)sg_fn_node(b->f, r->ref)->op)) {
		sg_run_on_in_each(b, item);
		return;
	}
	if (sg_block_folds_each(b)) {
		sg_print_fold_of_each(b, item);
		return;
	}
	if (b->n->strip) {
		if (product)
			sg_block_add_product(b, &b->n->s->val[product], p, so_far);
		else if (sg_block_folds_rows(b))
			sg_print_rows_fold(b, item);
		else
			strip_step(b, item, so_far);
		return;
	}
	if (sg_is_running((sg_op)sg_fn_node(b->f, r->ref)->op)) {
		run_on(b, item);
		return;
	}
	if (sg_block_is_place(b, r)) {
		find_place(b, r, p);
		return;
	}
	if (product) {
		x = product_sum(b, item, t);
	} else {
		x = sg_block_array(b, r->val[0], p);
		x = sg_text(b->f->ctx, "%s(%s, %s)", sg_use(b->f->m, sg_block_fold(b, r)), b->count,
		            x);
	}
	if (r->tree)
		add_to_tree(b, r, t, x);
	else
		sg_line(b->f, "%s = %s;", r->acc, joined(b, r, t, x));
}

/* ---- sums of a strip ---- */

static const char *
filled(sg_blocks *b, sg_type t, const char *value, const char *to)
{
	sg_line(b->f, "%s(%s, %s, %s);", sg_block_typed(b, "fill", t), b->count, value, to);
	return to;
}

/* What the fold is before its first term; of a place, what stands there too. */
static void
begin_fold(sg_blocks *b, const sg_root *r, sg_block *y)
{
	const sg_op op = (sg_op)sg_fn_node(b->f, r->ref)->op;
	const sg_type t = (sg_type)b->n->s->val[r->val[0]].type;

	if (sg_block_is_place(b, r)) {
		y->rest = filled(b, t, sg_fold_first(b->f, op, t),
		                 sg_block_slot_for(b, t, 0, UINT32_MAX));
		filled(b, SG_I64, "0", y->text);
	} else {
		filled(b, t, sg_fold_first(b->f, op, t), y->text);
	}
}

/* The results so far stand where they go, or in a buffer. What the tiles of a band add to has
 * results of other tiles. Of sums that go in blocks each block has a buffer, and there are two for
 * the sum. */
void
sg_begin_tile_folds(sg_blocks *b)
{
	sg_block_copy_ahead(b);
	for (uint32_t k = b->nvals; k < b->nitems; k++) {
		const sg_root *r = sg_block_root(b, k);
		const sg_node *x = sg_fn_node(b->f, r->ref);
		const sg_type t = (sg_type)x->type;
		sg_block *y = &b->item[k];
		const bool in_place =
		    y->in_row && !r->tree && !sg_nest_carries(b->n) && !sg_is_running((sg_op)x->op);

		if (r->kind != SG_R_FOLD)
			continue;
		if (!sg_nest_carries(b->n))
			sg_print_empty_check(b->n, r);
		y->text = in_place
		              ? sg_block_start(b, sg_array(b->f, r->ref), sg_block_root_place(b, r))
		              : sg_block_slot_for(b, t, 0, UINT32_MAX);
		if (r->tree) {
			y->sum = filled(b, t, "0", sg_block_slot_for(b, t, 0, UINT32_MAX));
			y->rest = filled(b, t, "0", sg_block_slot_for(b, t, 0, UINT32_MAX));
		} else {
			begin_fold(b, r, y);
		}
	}
}

void
sg_begin_tile_block(sg_blocks *b)
{
	for (uint32_t k = b->nvals; k < b->nitems; k++)
		if (b->item[k].sum)
			filled(b, (sg_type)sg_fn_node(b->f, sg_block_root(b, k)->ref)->type, "0",
			       b->item[k].text);
}

void
sg_end_tile_block(sg_blocks *b)
{
	for (uint32_t k = b->nvals; k < b->nitems; k++) {
		const sg_block *x = &b->item[k];

		if (x->sum)
			sg_line(b->f, "%s(%s, %s, %s, %s);",
			        sg_block_typed(
				    b, "sum_add",
				    (sg_type)sg_fn_node(b->f, sg_block_root(b, k)->ref)->type),
			        b->count, x->sum, x->rest, x->text);
	}
}

/* The array x is added to what the tiles before have left. */
static void
carry_on(sg_blocks *b, const sg_root *r, sg_type t, const char *x)
{
	const char *to = sg_block_start(b, sg_array(b->f, r->ref), sg_block_root_place(b, r));
	const sg_ext step = sg_block_stride(b, r->at);

	if (b->f->at[r->ref].carried && !sg_is_1(b->f, step))
		sg_line(b->f, "%s(%s, %s, &%s, %s, %s);", sg_block_typed(b, "sum_add_to", t),
		        b->count, to, sg_carry_at(b->n, r, sg_form_text(b->n, r->at).s),
		        sg_ext_bare(b->f, step), x);
	else if (b->f->at[r->ref].carried)
		sg_line(b->f, "%s(%s, %s, &%s, %s);", sg_block_typed(b, "sum_add", t), b->count, to,
		        sg_carry_at(b->n, r, sg_form_text(b->n, r->at).s), x);
	else
		sg_line(b->f, "%s(%s, %s, %s, %s);", sg_use(b->f->m, sg_block_strip_fold(b, r)),
		        b->count, to, x, to);
}

void
sg_end_tile_folds(sg_blocks *b)
{
	for (uint32_t k = b->nvals; k < b->nitems; k++) {
		const sg_root *r = sg_block_root(b, k);
		const sg_block *x = &b->item[k];
		const sg_type t = (sg_type)sg_fn_node(b->f, r->ref)->type;

		if (r->kind != SG_R_FOLD || sg_is_running((sg_op)sg_fn_node(b->f, r->ref)->op))
			continue;
		if (r->tree)
			sg_line(b->f, "%s(%s, %s, %s, %s);", sg_block_typed(b, "sum_end", t),
			        b->count, x->sum, x->rest, x->text);
		if (sg_nest_carries(b->n))
			carry_on(b, r, t, x->text);
		else if (!x->in_row || r->tree)
			store(b, k, x->text);
	}
}
