/* blocks_weave.c - elements of tiles that lie side by side in an array, number by number: the columns
 * of stack((a, b), axis=1), and the entries of many small matrices.
 *
 * One by one they would be read and written with a stride. Together they are turned, four by four,
 * from rows into columns and back. */
#include "back/blocks.h"

#include <string.h>

enum {
	NEAR = 40,    /* items among which those are looked for that lie side by side */
	FEWEST = 4,   /* columns that are worth turning; of fewer, stores that fill their rows */
	FARTHEST = 64 /* numbers of a row */
};

/* Items by their distance to the first one. */
typedef struct row {
	uint32_t at[2 * FARTHEST + 1];
} row;

static int64_t
const_stride(const sg_blocks *b, sg_aff a)
{
	int64_t step;

	return sg_ext_const(b->f->sp, sg_block_stride(b, a), &step) && step >= 2 && step <= FARTHEST
	           ? step
	           : 0;
}

/* How far apart two places are; false: not by a number, or by more than a row. */
static bool
distance_between(const sg_blocks *b, sg_aff from, sg_aff to, int64_t *far)
{
	const sg_aff minus = sg_aff_scale(b->f, from, sg_ext_int(b->f->sp, -1)),
		     apart = sg_aff_add(b->f, to, minus);

	return b->f->aff[apart].n == 0 && sg_ext_const(b->f->sp, b->f->aff[apart].base, far) &&
	       *far >= -FARTHEST && *far <= FARTHEST;
}

/* The items around the middle of the row with no gap: a weave of them. */
static sg_weave
weave_of(const sg_blocks *b, const row *r)
{
	uint32_t from = FARTHEST, to = FARTHEST + 1;

	while (from > 0 && r->at[from - 1])
		from--;
	while (to < 2 * FARTHEST + 1 && r->at[to])
		to++;
	return (sg_weave){.n = to - from,
	                  .item = sg_copy(b->f->ctx, &r->at[from], (to - from) * sizeof *r->at)};
}

static uint32_t
add_weave(sg_blocks *b, sg_weave w)
{
	SG_PUSH(b->f->ctx, b->weave, b->nweaves, b->weave_cap, w);
	return (uint32_t)b->nweaves;
}

/* ---- stores ---- */

/* The step in the array, if the root stores each number by itself, some numbers apart; else 0. */
static int64_t
step_of_store(const sg_blocks *b, uint32_t item)
{
	const sg_block *x = &b->item[item];

	if (x->how != SG_B_STEP || x->in_row)
		return 0;
	const sg_root *r = sg_block_root(b, item);
	return r->kind == SG_R_FOLD || r->add || r->negate ||
	               sg_fn_node(b->f, r->ref)->type == SG_BOOL
	           ? 0
	           : const_stride(b, r->at);
}

static bool
has_routine(const sg_blocks *b, sg_weave w, int64_t step, sg_type t)
{
	return w.n <= step && ((w.n == step && w.n <= FEWEST) ||
	                       (w.n >= FEWEST && sg_block_routine(b, "weave", "", t)));
}

/* Those that store next to the root, each next to the one before, become one with the last. */
static void
weave_around(sg_blocks *b, uint32_t item, int64_t step)
{
	const sg_root *r = sg_block_root(b, item);
	const char *array = sg_block_root_array(b, r);
	row all = {{0}};
	uint32_t last = 0;

	for (uint32_t k = item > b->nvals + NEAR ? item - NEAR : b->nvals;
	     k < b->nitems && k < item + NEAR; k++) {
		const sg_root *x = sg_block_root(b, k);
		int64_t far;

		if (step_of_store(b, k) == step && distance_between(b, r->at, x->at, &far) &&
		    strcmp(sg_block_root_array(b, x), array) == 0)
			all.at[FARTHEST + far] = k;
	}
	const sg_weave w = weave_of(b, &all);
	if (!has_routine(b, w, step, (sg_type)sg_fn_node(b->f, r->ref)->type))
		return;
	for (uint32_t k = 0; k < w.n; k++) {
		if (sg_block_is_added_to(b, sg_block_root(b, w.item[k])))
			return;
		last = w.item[k] > last ? w.item[k] : last;
	}
	for (uint32_t k = 0; k < w.n; k++)
		b->item[w.item[k]].how = SG_B_NONE;
	b->item[last].how = SG_B_STEP;
	b->item[last].woven = add_weave(b, w);
}

void
sg_find_woven(sg_blocks *b)
{
	for (uint32_t k = b->nvals; !b->few && k < b->nitems; k++) {
		const int64_t step = b->item[k].woven ? 0 : step_of_store(b, k);

		if (step)
			weave_around(b, k, step);
	}
}

/* An array of pointers, by its name. */
static const char *
pointers(sg_blocks *b, const char *type, sg_buf *list, uint32_t n)
{
	const char *name = sg_name_fresh(&b->f->names, "columns");

	sg_line(b->f, "%s *const %s[%u] = {%s};", type, name, (unsigned)n,
	        sg_buf_text(list) + strlen(", "));
	return name;
}

void
sg_print_woven(sg_blocks *b, uint32_t item)
{
	const sg_weave w = b->weave[b->item[item].woven - 1];
	const sg_root *r = sg_block_root(b, w.item[0]);
	const sg_type t = (sg_type)sg_fn_node(b->f, r->ref)->type;
	const char *to = sg_block_start(b, sg_block_root_array(b, r), sg_block_root_place(b, r)),
		   *stride = sg_ext_bare(b->f, sg_block_stride(b, r->at));
	int64_t step = 0;
	sg_buf list;

	sg_buf_init(&list, b->f->ctx);
	for (uint32_t k = 0; k < w.n; k++)
		sg_buf_printf(
		    &list, ", %s",
		    sg_block_array(b, sg_block_root(b, w.item[k])->val[0], b->item[item].at));
	if (sg_ext_const(b->f->sp, sg_block_stride(b, r->at), &step) && w.n == step &&
	    w.n <= FEWEST) {
		sg_line(b->f, "%s(%s%s, %s);",
		        sg_block_typed(b, sg_text(b->f->ctx, "weave%u", (unsigned)w.n), t),
		        b->count, sg_buf_text(&list), to);
		return;
	}
	const char *type = sg_text(b->f->ctx, "const %s", sg_type_c_name(t)),
		   *from = pointers(b, type, &list, w.n);
	sg_line(b->f, "%s(%s, %s, %u, %s, %s);", sg_block_typed(b, "weave", t), b->count, from,
	        (unsigned)w.n, to, stride);
}

/* ---- what is read ---- */

static int64_t
step_of_copy(const sg_blocks *b, uint32_t v)
{
	const sg_val *x = &b->n->s->val[v];

	return b->item[v].copied && x->kind == SG_V_LOAD && !x->guarded &&
	               sg_type_is_float((sg_type)x->type) && !sg_block_is_ahead(b, v)
	           ? const_stride(b, x->aff)
	           : 0;
}

/* All are read when the first one is. */
static void
unweave_around(sg_blocks *b, uint32_t v, int64_t step)
{
	const sg_val *x = &b->n->s->val[v];
	row all = {{0}};
	uint32_t first = UINT32_MAX;

	for (uint32_t k = v; k < b->nvals && k < v + 8 * NEAR; k++) {
		const sg_val *y = &b->n->s->val[k];
		int64_t far;

		if (y->ref == x->ref && !b->item[k].woven && step_of_copy(b, k) == step &&
		    distance_between(b, x->aff, y->aff, &far))
			all.at[FARTHEST + far] = k;
	}
	const sg_weave w = weave_of(b, &all);
	if (w.n < FEWEST || w.n > step)
		return;
	const uint32_t woven = add_weave(b, w);
	for (uint32_t k = 0; k < w.n; k++)
		if (b->item[w.item[k]].at < first)
			first = b->item[w.item[k]].at;
	for (uint32_t k = 0; k < w.n; k++) {
		b->item[w.item[k]].woven = woven;
		b->item[w.item[k]].at = first;
	}
}

void
sg_find_unwoven(sg_blocks *b)
{
	for (uint32_t v = 1; !b->few && v < b->nvals; v++) {
		const int64_t step = b->item[v].copied && !b->item[v].woven ? step_of_copy(b, v) : 0;

		if (step)
			unweave_around(b, v, step);
	}
}

void
sg_print_unwoven(sg_blocks *b, uint32_t v, uint32_t p)
{
	const sg_weave w = b->weave[b->item[v].woven - 1];
	const sg_val *x = &b->n->s->val[w.item[0]];
	const sg_type t = (sg_type)x->type;
	sg_buf list;

	sg_buf_init(&list, b->f->ctx);
	for (uint32_t k = 0; k < w.n; k++) {
		sg_block *y = &b->item[w.item[k]];

		y->text = sg_block_slot_for(b, t, p, y->last > p ? y->last : p);
		sg_buf_printf(&list, ", %s", y->text);
	}
	const char *to = pointers(b, sg_type_c_name(t), &list, w.n);
	sg_line(b->f, "%s(%s, %s, %s, %u, %s);", sg_block_typed(b, "unweave", t), b->count,
	        sg_block_start(b, sg_array(b->f, x->ref), sg_place_of(b->n, x->ref, x->aff)),
	        sg_ext_bare(b->f, sg_block_stride(b, x->aff)), (unsigned)w.n, to);
}
