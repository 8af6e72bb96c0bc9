/* blocks.c - the innermost loop of a nest as tiles, for libtcc, which does not optimise.
 *
 * Values of the innermost depth become arrays over a tile of some hundred elements, each made by
 * one call of a routine that a good compiler has seen ("steps"); operands that lie in memory in a
 * row are read where they lie, and results that go there are made there. What no routine does is
 * scalar code in a loop over the tile. The items, values and roots, are put in order so that scalar
 * code stands together: stage by stage, an item being a stage later than a step that it needs if it
 * is scalar code itself. Sums go in blocks of 256 in both dialects. */
#include "back/blocks.h"

#include <string.h>

enum { TILE = 512, LEAST_TILE = 64, L1_BYTES = 24576, MOST_BYTES = 98304 };
/* What a call and the check of an index cost, in operations of scalar code; elements. */
enum { OF_A_CALL = 6, OF_A_CHECK = 4 };

/* ---- small questions ---- */

const char *
sg_block_routine(const sg_blocks *b, const char *name, const char *form, sg_type t)
{
	const char *s = sg_text(b->f->ctx, "sgrt_block_%s%s%s_%s", name, *form ? "_" : "", form,
	                        sg_type_name(t));

	return sg_has_routine(s) ? s : NULL;
}

const sg_root *
sg_block_root(const sg_blocks *b, uint32_t item)
{
	return item < b->nvals ? NULL : &b->n->s->root[item - b->nvals];
}

sg_ext
sg_block_stride(const sg_blocks *b, sg_aff a)
{
	return sg_aff_coef(b->f, a, b->var);
}

sg_ext
sg_block_row_stride(const sg_blocks *b, sg_aff a)
{
	return sg_aff_coef(b->f, a, b->row);
}

bool
sg_block_is_inner(const sg_blocks *b, uint32_t v)
{
	return b->n->s->val[v].depth + b->n->tiled > b->n->ngroups;
}

/* Is the form affine in the variables of the tile's loops? */
bool
sg_block_is_affine(const sg_blocks *b, sg_aff a)
{
	const sg_affine form = b->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE &&
		    sg_block_is_inner(b, form.term[i].var - SG_VAR_VALUE))
			return false;
	return true;
}

static bool
is_in_row(const sg_blocks *b, sg_aff a)
{
	return sg_block_is_affine(b, a) && sg_is_1(b->f, sg_block_stride(b, a)) &&
	       (!b->few || sg_ext_is(b->f->sp, sg_block_row_stride(b, a), b->few));
}

/* ---- how each comes about ---- */

/* The routine of an op is called like it; what its operands are, stands behind: blocks (v) or one
 * number for all (s), but not of one operand alone, nor of a condition: where that is one for all, it
 * picks an operand. */
const char *
sg_block_elementwise(const sg_blocks *b, const sg_val *v)
{
	const sg_type t = (sg_type)b->n->s->val[v->arg[v->nargs - 1]].type;
	const char *name = sg_ops[v->op].name;
	char form[4] = "";
	uint32_t n = 0;

	if (b->item[v->arg[0]].how == SG_B_WHOLE && v->nargs == 1)
		return NULL;
	if (v->kind == SG_V_CAST && v->type == SG_BOOL)
		return sg_block_routine(b, "ne", "vs", t);
	if (v->kind == SG_V_CAST)
		return sg_block_routine(b, "cast", sg_type_name(t), (sg_type)v->type);
	for (uint32_t k = v->nargs == 1 || v->op == SG_SELECT; k < v->nargs; k++)
		form[n++] = b->item[v->arg[k]].how == SG_B_WHOLE ? 's' : 'v';
	if (v->op == SG_MAX || v->op == SG_MIN)
		name = v->op == SG_MAX ? "max" : "min";
	if (v->op == SG_SELECT && b->item[v->arg[0]].how == SG_B_WHOLE)
		name = "pick";
	return sg_block_routine(b, name, form, t);
}

bool
sg_block_counts_powers(const sg_blocks *b, const sg_val *v, int64_t *more)
{
	return v->kind == SG_V_EW && v->op == SG_POW && sg_type_is_float((sg_type)v->type) &&
	       b->item[v->arg[0]].how == SG_B_WHOLE && !b->few &&
	       b->n->ext[b->group] == b->n->s->ext[b->var] &&
	       sg_exponent_of(b->n, v->arg[1], more) == b->var;
}

bool
sg_block_fails(const sg_blocks *b, const sg_val *v)
{
	return v->kind == SG_V_EW &&
	       sg_is_checked(v->op, (sg_type)b->n->s->val[v->arg[v->nargs - 1]].type);
}

static bool
is_same_in_rows(const sg_blocks *b, sg_aff a)
{
	return !b->few || sg_ext_is(b->f->sp, sg_block_row_stride(b, a), 0);
}

/* WITHIN: an element in memory, and conditions that hold for a stretch of the tile, or of rows. */
static bool
within_is_step(const sg_blocks *b, const sg_val *v)
{
	const sg_val *x = &b->n->s->val[v->arg[0]];

	if (b->few && v->type == SG_BOOL)
		return false;
	if (sg_block_is_spot(b, v))
		return true;
	if (sg_block_needs_around(b, v))
		return sg_block_is_around(b, v);
	if (x->kind != SG_V_LOAD || !sg_block_is_affine(b, x->aff))
		return false;
	for (uint32_t k = 0; k < v->nconds; k++) {
		const sg_ext c = sg_block_stride(b, v->cond[k].form);
		int64_t step;

		if (!sg_block_is_affine(b, v->cond[k].form) || !sg_ext_const(b->f->sp, c, &step) ||
		    step < 0 || !is_same_in_rows(b, v->cond[k].form))
			return false;
	}
	return true;
}

static uint8_t
how_of_value(const sg_blocks *b, const sg_val *v)
{
	if (b->few && v->kind != SG_V_LOAD && v->kind != SG_V_EW && v->kind != SG_V_CAST &&
	    v->kind != SG_V_INDEX && v->kind != SG_V_WITHIN)
		return SG_B_EACH;
	switch ((sg_val_kind)v->kind) {
	case SG_V_CONST:
	case SG_V_DIM:
	case SG_V_LOCAL:
		return SG_B_WHOLE;
	case SG_V_LOAD:
		return sg_block_is_affine(b, v->aff)     ? SG_B_PLAIN
		       : sg_block_turns(b, v)            ? SG_B_STEP
		       : !b->few && sg_block_takes(b, v) ? SG_B_STEP
		                                         : SG_B_EACH;
	case SG_V_INDEX:
		return sg_block_is_affine(b, v->aff) && v->type == SG_I64 ? SG_B_PLAIN : SG_B_EACH;
	case SG_V_EW:
	case SG_V_CAST:
		return sg_block_elementwise(b, v) ? SG_B_STEP : SG_B_EACH;
	case SG_V_WITHIN:
		return within_is_step(b, v) ? SG_B_STEP : SG_B_EACH;
	case SG_V_RAND:
		return b->item[v->arg[0]].how == SG_B_WHOLE && is_in_row(b, v->aff) ? SG_B_STEP
		                                                                    : SG_B_EACH;
	case SG_V_AT:
		return b->item[v->arg[0]].how != SG_B_WHOLE ? SG_B_STEP : SG_B_EACH;
	case SG_V_DIV:
	case SG_V_MOD:
		return !v->guarded && sg_block_is_affine(b, v->aff) ? SG_B_STEP : SG_B_EACH;
	case SG_V_PLACE:
	case SG_V_RING:
		break;
	}
	return SG_B_EACH;
}

static uint8_t
how_of_root(const sg_blocks *b, const sg_root *r)
{
	const bool whole = b->item[r->val[0]].how == SG_B_WHOLE;
	const sg_type t = (sg_type)sg_fn_node(b->f, r->ref)->type;

	if (r->kind == SG_R_FOLD)
		return sg_block_fold(b, r) || (!b->few && sg_block_puts(b, r)) ? SG_B_STEP
		                                                               : SG_B_EACH;
	if (!sg_block_is_affine(b, r->at) || r->kind == SG_R_TEXT)
		return SG_B_EACH;
	if (is_in_row(b, r->at))
		return !(r->add || r->negate) || (!whole && sg_block_routine(b, "add", "vv", t) &&
		                                  sg_block_routine(b, "neg", "", t))
		           ? SG_B_STEP
		           : SG_B_EACH;
	return !r->add && !r->negate ? SG_B_STEP : SG_B_EACH;
}

static void
find_how(sg_blocks *b)
{
	const sg_step *s = b->n->s;

	for (uint32_t v = 1; v < b->nvals; v++) {
		sg_block *x = &b->item[v];
		int64_t more;

		if (s->val[v].needed)
			x->how = sg_block_is_inner(b, v) ? how_of_value(b, &s->val[v]) : SG_B_WHOLE;
		x->powers = x->how == SG_B_STEP && sg_block_counts_powers(b, &s->val[v], &more);
		x->turned = x->how == SG_B_STEP && s->val[v].kind == SG_V_LOAD &&
		            sg_block_turns(b, &s->val[v]);
		b->turns |= x->turned;
		x->in_row = x->how == SG_B_PLAIN && s->val[v].kind == SG_V_LOAD &&
		            is_in_row(b, s->val[v].aff);
	}
	for (uint32_t i = 0; i < s->nroots; i++) {
		sg_block *x = &b->item[b->nvals + i];

		x->how = how_of_root(b, &s->root[i]);
		x->in_row = x->how == SG_B_STEP && is_in_row(b, s->root[i].at);
	}
}

/* ---- sums of products ---- */

static void
count_reader(sg_blocks *b, uint32_t item, uint32_t v)
{
	(void)item;
	b->item[v].readers++;
}

static void
count_readers(sg_blocks *b)
{
	for (uint32_t k = 1; k < b->nitems; k++)
		if (b->item[k].how >= SG_B_STEP)
			sg_blocks_operands(b, k, count_reader);
}

/* What nobody reads now is not made, nor what made but that. */
static void
drop_unread(sg_blocks *b, uint32_t at)
{
	const sg_val *v = &b->n->s->val[at];
	sg_block *x = &b->item[at];

	if (x->readers > 0 || x->how < SG_B_STEP)
		return;
	x->how = SG_B_NONE;
	for (uint32_t k = 0; k < v->nargs; k++) {
		b->item[v->arg[k]].readers--;
		drop_unread(b, v->arg[k]);
	}
}

static void
forget_reader(sg_blocks *b, uint32_t item, uint32_t v)
{
	(void)item;
	b->item[v].readers--;
}

/* Indices that steps find by themselves. */
static void
drop_turns(sg_blocks *b)
{
	for (uint32_t v = b->nvals; b->turns && v-- > 1;)
		if (b->item[v].how >= SG_B_STEP && b->item[v].readers == 0 &&
		    sg_block_is_turn(b, v)) {
			sg_blocks_operands(b, v, forget_reader);
			b->item[v].how = SG_B_NONE;
		}
}

/* Exponents, and choices of what is added where the condition of all is tested. */
static void
drop_parts(sg_blocks *b)
{
	drop_turns(b);
	for (uint32_t v = 1; v < b->nvals; v++)
		if (b->item[v].powers)
			drop_unread(b, b->n->s->val[v].arg[1]);
	for (size_t i = 0; b->n->chosen && i < b->n->s->nroots; i++)
		drop_unread(b, b->n->whole[i]);
}

/* Is it one that a sum of products takes? In a strip, and where it is added to a row (to_row), one
 * factor may be the same for all. */
static bool
is_product(const sg_blocks *b, const sg_val *v, bool to_row)
{
	const bool first = v->kind == SG_V_EW && v->op == SG_MUL &&
	                   b->item[v->arg[0]].how == SG_B_WHOLE,
		   second = v->kind == SG_V_EW && v->op == SG_MUL &&
	                    b->item[v->arg[1]].how == SG_B_WHOLE;

	if (v->kind != SG_V_EW || !sg_type_is_float((sg_type)v->type))
		return false;
	return v->op == SG_SQUARE ||
	       (v->op == SG_MUL &&
	        (b->n->strip || to_row ? !(first && second) : !first && !second));
}

/* The difference of two blocks that the square v, which a sum takes, is of, and nothing else reads;
 * 0: it is of something else. */
static uint32_t
difference_in(const sg_blocks *b, const sg_val *v)
{
	const sg_block *x = &b->item[v->arg[0]];
	const sg_val *u = &b->n->s->val[v->arg[0]];

	return v->op == SG_SQUARE && !b->n->strip && !sg_block_folds_each(b) &&
	               x->how == SG_B_STEP && x->readers == 1 && u->kind == SG_V_EW &&
	               u->op == SG_SUB && b->item[u->arg[0]].how != SG_B_WHOLE &&
	               b->item[u->arg[1]].how != SG_B_WHOLE
	           ? v->arg[0]
	           : 0;
}

/* A product or square that nothing but a sum reads is not written, nor is the difference in it. */
static void
find_products(sg_blocks *b)
{
	const sg_step *s = b->n->s;

	for (uint32_t i = 0; i < s->nroots; i++) {
		const sg_root *r = &s->root[i];
		const sg_val *v = &s->val[r->val[0]];
		sg_block *x = &b->item[r->val[0]];
		const uint16_t op = sg_fn_node(b->f, r->ref)->op;

		if (r->kind != SG_R_FOLD || x->how != SG_B_STEP || x->readers != 1 ||
		    b->item[b->nvals + i].how != SG_B_STEP)
			continue;
		const bool to_row = sg_block_adds_row(b, r);
		if ((op != SG_SUM && op != SG_CONTRACT && !to_row) || !is_product(b, v, to_row))
			continue;
		b->item[b->nvals + i].product = r->val[0];
		b->item[b->nvals + i].pair = to_row ? 0 : difference_in(b, v);
		x->how = SG_B_NONE;
		if (b->item[b->nvals + i].pair)
			b->item[v->arg[0]].how = SG_B_NONE;
	}
}

/* ---- the order ---- */

static void
stand_behind(sg_blocks *b, uint32_t item, uint32_t v)
{
	sg_block *x = &b->item[item];
	const sg_block *y = &b->item[v];
	uint32_t key = y->key;

	if (y->how < SG_B_STEP)
		return;
	if (x->how == SG_B_STEP)
		key |= 1;
	else if (y->how == SG_B_STEP)
		key++;
	if (key > x->key)
		x->key = key;
}

/* A piece that is added comes after those of its JOIN before it. */
static void
stand_behind_pieces(sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);

	for (uint32_t k = b->nvals; r && r->kind == SG_R_PIECE && r->add && k < item; k++)
		if (sg_block_root(b, k)->kind == SG_R_PIECE && sg_block_root(b, k)->ref == r->ref)
			stand_behind(b, item, k);
}

static void
put_in_order(sg_blocks *b)
{
	uint32_t most = 1, *count;

	for (uint32_t k = 1; k < b->nitems; k++) {
		sg_block *x = &b->item[k];

		if (x->how < SG_B_STEP)
			continue;
		x->key = x->how == SG_B_STEP;
		sg_blocks_operands(b, k, stand_behind);
		stand_behind_pieces(b, k);
		if (x->key > most)
			most = x->key;
	}
	count = SG_NEW_ARRAY(b->f->ctx, uint32_t, most + 2);
	b->order = SG_NEW_ARRAY(b->f->ctx, uint32_t, b->nitems);
	for (uint32_t k = 1; k < b->nitems; k++)
		if (b->item[k].how >= SG_B_STEP) {
			count[b->item[k].key + 1]++;
			b->norder++;
		}
	for (uint32_t k = 0; k <= most; k++)
		count[k + 1] += count[k];
	for (uint32_t k = 1; k < b->nitems; k++)
		if (b->item[k].how >= SG_B_STEP) {
			b->item[k].at = count[b->item[k].key]++;
			b->order[b->item[k].at] = k;
		}
}

/* ---- who is read as an array, and how long ---- */

/* By position: the last one of the run of items that it is in. */
static uint32_t *
find_ends_of_runs(const sg_blocks *b)
{
	uint32_t *end = SG_NEW_ARRAY(b->f->ctx, uint32_t, b->norder + 1);

	for (uint32_t at = (uint32_t)b->norder; at-- > 0;)
		end[at] =
		    at + 1 < b->norder && b->item[b->order[at + 1]].key == b->item[b->order[at]].key
			? end[at + 1]
			: at;
	return end;
}

static void
note_reader(sg_blocks *b, uint32_t item, uint32_t v)
{
	const sg_block *x = &b->item[item];
	sg_block *y = &b->item[v];
	const uint32_t at = x->how == SG_B_EACH ? b->run_end[x->at] : x->at;

	if (at > y->last)
		y->last = at;
	if (y->how == SG_B_PLAIN && (!y->array || x->at < y->at))
		y->at = x->at;
	if (y->how == SG_B_STEP || x->how == SG_B_STEP)
		y->array = true;
	else if (y->how == SG_B_EACH && y->key != x->key)
		y->array = true;
}

static bool
reads_by_itself(const sg_blocks *b, uint32_t item)
{
	return item < b->nvals && b->n->s->val[item].kind == SG_V_WITHIN &&
	       b->item[item].how == SG_B_STEP;
}

static void
find_readers(sg_blocks *b)
{
	b->run_end = find_ends_of_runs(b);
	for (size_t p = 0; p < b->norder; p++)
		if (!reads_by_itself(b, b->order[p]))
			sg_blocks_operands(b, b->order[p], note_reader);
	for (uint32_t v = 1; v < b->nvals; v++) {
		sg_block *x = &b->item[v];

		x->copied = x->how == SG_B_PLAIN && x->array && !x->in_row;
	}
	sg_find_unwoven(b);
}

bool
sg_block_is_added_to(const sg_blocks *b, const sg_root *r)
{
	for (size_t i = 0; i < b->n->s->nroots; i++)
		if (b->n->s->root[i].add && b->n->s->root[i].ref == r->ref)
			return true;
	return false;
}

/* Steps whose result goes into an array are made there. */
static void
find_destinations(sg_blocks *b)
{
	const sg_step *s = b->n->s;

	for (uint32_t i = 0; i < s->nroots; i++) {
		const sg_root *r = &s->root[i];
		sg_block *x = &b->item[b->nvals + i], *v = &b->item[r->val[0]];

		if (r->kind == SG_R_FOLD || !x->in_row || r->add || r->negate || v->into ||
		    v->how != SG_B_STEP || (v->readers > 1 && sg_block_is_added_to(b, r)))
			continue;
		v->into = i + 1;
		x->done = true;
	}
}

/* ---- is it worth it? ---- */

static int
cost_of(const sg_blocks *b, uint32_t item)
{
	const sg_val *v = item < b->nvals ? &b->n->s->val[item] : NULL;
	const uint32_t pair = v ? b->item[item].pair : 0;

	if (v && (v->kind == SG_V_AT || v->kind == SG_V_DIV || v->kind == SG_V_MOD))
		return OF_A_CHECK;
	if (v && b->item[item].around)
		return 2 * (int)b->item[item].around->n;
	return (v && v->kind == SG_V_EW ? sg_ops[v->op].cost : 1) + (pair ? cost_of(b, pair) : 0);
}

/* Scalar code costs as much for each element, a call the more the fewer there are; very few are no
 * vector for it either. */
static bool
is_worth_it(const sg_blocks *b)
{
	const int64_t many = sg_short_tile(b->n);
	int64_t gain = 0;

	if (b->few)
		return sg_rows_are_worth_it(b);
	if (many < SG_LEAST)
		return false;
	for (size_t p = 0; p < b->norder; p++) {
		const sg_block *x = &b->item[b->order[p]];

		if (x->how != SG_B_STEP)
			gain -= (x->array ? 2 : 1) * many;
		else if (!x->done)
			gain += cost_of(b, b->order[p]) * many - (many < SG_SHORT ? OF_A_CALL : 0);
	}
	return gain > 0;
}

/* ---- buffers ---- */

/* Bytes for one element of all the buffers that are wanted at once. */
static int64_t
most_bytes(const sg_blocks *b)
{
	int64_t *change = SG_NEW_ARRAY(b->f->ctx, int64_t, b->norder + 2), now = 0, most = 0;

	for (uint32_t v = 1; v < b->nvals; v++) {
		const sg_block *x = &b->item[v];
		const int64_t size = (int64_t)sg_type_size((sg_type)b->n->s->val[v].type);

		if (!x->array || x->in_row || x->into || x->how <= SG_B_WHOLE)
			continue;
		if (sg_block_is_ahead(b, v)) {
			now += size;
			continue;
		}
		change[x->at] += size;
		change[(x->last > x->at ? x->last : x->at) + 1] -= size;
	}
	for (uint32_t k = b->nvals; b->n->strip && k < b->nitems; k++)
		if (sg_block_root(b, k)->kind == SG_R_FOLD)
			now += (sg_block_root(b, k)->tree ? 3 : 1) * (int64_t)sizeof(double);
	for (size_t p = 0; p < b->norder; p++) {
		now += change[p];
		if (now > most)
			most = now;
	}
	return most;
}

/* As many elements as the first level of the cache can hold; all of it stands on the stack. Fewer
 * where a loop has very many arrays: short calls are still better than none. */
static bool
choose_tile(sg_blocks *b)
{
	const int64_t bytes = most_bytes(b);

	b->tile = bytes * TILE > L1_BYTES ? TILE / 2 : TILE;
	while (bytes * b->tile >= MOST_BYTES && b->tile > LEAST_TILE && !b->few)
		b->tile /= 2;
	return bytes * b->tile < MOST_BYTES;
}

/* ---- which loop ---- */

/* A fold along no loop begins and ends with each element. */
static bool
folds_nothing(const sg_nest *n)
{
	for (size_t i = 0; n->nkept == n->ngroups && i < n->s->nroots; i++)
		if (n->s->root[i].kind == SG_R_FOLD && !sg_adds_up(n->f, n->s->root[i].ref))
			return true;
	return false;
}

/* ---- all of it ---- */

static sg_blocks *
plan(sg_nest *n)
{
	sg_blocks *b = SG_NEW(n->f->ctx, sg_blocks);

	*b = (sg_blocks){.n = n,
	                 .f = n->f,
	                 .group = n->ngroups - 1,
	                 .var = n->last[n->ngroups - 1],
	                 .nvals = (uint32_t)n->s->nvals};
	b->nitems = b->nvals + (uint32_t)n->s->nroots;
	if (n->tiled == 2) {
		b->turn = n->ngroups - 2;
		b->row = n->last[b->turn];
		(void)sg_ext_const(n->f->sp, n->ext[b->group], &b->few);
	}
	b->item = SG_NEW_ARRAY(n->f->ctx, sg_block, b->nitems);
	find_how(b);
	sg_find_woven(b);
	count_readers(b);
	drop_parts(b);
	find_products(b);
	sg_find_around(b);
	sg_find_pairs(b);
	put_in_order(b);
	find_readers(b);
	find_destinations(b);
	return is_worth_it(b) && choose_tile(b) ? b : NULL;
}

/* Tiles of rows; NULL: the nest is as it was. */
static sg_blocks *
plan_rows(sg_nest *n)
{
	const sg_nest before = *n;

	if (!(n->strip ? sg_strip_has_rows(n) : sg_choose_rows(n)))
		return NULL;
	n->tiled = 2;
	if (!n->strip) {
		n->tile_at = n->ngroups - 2;
		sg_set_depths(n);
	}
	sg_blocks *b = plan(n);
	if (b) {
		n->parallel = n->parallel && n->outer + 1 < n->ngroups;
		return b;
	}
	*n = before;
	sg_set_depths(n);
	return NULL;
}

sg_blocks *
sg_plan_tiles(sg_nest *n)
{
	const sg_nest before = *n;
	sg_blocks *b = NULL;

	if (!n->f->m->o->jit || n->s->nvals == 0 || n->ngroups == 0 || folds_nothing(n))
		return NULL;
	const bool few_rows = sg_has_few_rows(n);

	if (!few_rows)
		b = plan_rows(n);
	if (b)
		return b;
	if (sg_move_row_loops(n)) {
		sg_set_depths(n);
		b = plan(n);
		if (b)
			return b;
		*n = before;
		sg_set_depths(n);
	}
	if (few_rows)
		b = plan_rows(n);
	if (b)
		return b;
	if (sg_move_tile_loop(n)) {
		sg_set_depths(n);
		sg_choose_turn(n);
		if (n->strip)
			b = plan_rows(n);
		if (!b)
			b = plan(n);
		if (b)
			return b;
		sg_forget_chosen(n);
		*n = before;
		sg_set_depths(n);
	}
	n->tile_at = n->ngroups - 1;
	return plan(n);
}
