/* blocks_pair.c - two operations of a tile in one step: a*b + c and its like; and stores of what
 * goes side by side, as the columns of stack((a, b), axis=1).
 *
 * An operation whose value nothing but another one reads is made in the step of that one, if the
 * runtime has a routine for both (runtime/block_pair.c.in). So it is not written, and not read. */
#include "back/blocks.h"

#include <string.h>

enum { NEAR = 32 }; /* roots among which those are looked for that go side by side */

/* What is done to x and y, x being a block. */
static const char *
first_of(const sg_blocks *b, const sg_val *v, uint32_t *x, uint32_t *y)
{
	const bool whole = b->item[v->arg[0]].how == SG_B_WHOLE;

	*x = v->arg[whole];
	*y = v->arg[v->nargs > 1 && !whole];
	switch ((int)v->op) {
	case SG_SQUARE:
	case SG_MUL:
		return "mul";
	case SG_ADD:
		return "add";
	case SG_SUB:
		return whole ? "rsub" : "sub";
	default:
		return NULL;
	}
}

/* What is done to its result, which stands left or not, and z. */
static const char *
second_of(const sg_val *v, bool left)
{
	switch ((int)v->op) {
	case SG_MUL:
		return "mul";
	case SG_ADD:
		return "add";
	case SG_SUB:
		return left ? "sub" : "rsub";
	default:
		return NULL;
	}
}

const char *
sg_block_pair(const sg_blocks *b, const sg_val *v, uint32_t inner, uint32_t arg[3])
{
	const sg_val *u = &b->n->s->val[inner];
	const bool left = v->arg[0] == inner;
	const char *first = first_of(b, u, &arg[0], &arg[1]), *second = second_of(v, left);
	char form[4] = "v";

	if (!first || !second)
		return NULL;
	arg[2] = v->arg[left];
	for (int k = 1; k < 3; k++)
		form[k] = b->item[arg[k]].how == SG_B_WHOLE ? 's' : 'v';
	return sg_block_routine(b, sg_text(b->f->ctx, "%s_%s", first, second), form,
	                        (sg_type)v->type);
}

static bool
is_step(const sg_blocks *b, uint32_t v)
{
	return b->item[v].how == SG_B_STEP && b->n->s->val[v].kind == SG_V_EW &&
	       sg_type_is_float((sg_type)b->n->s->val[v].type);
}

void
sg_find_pairs(sg_blocks *b)
{
	for (uint32_t v = 1; v < b->nvals; v++) {
		const sg_val *x = &b->n->s->val[v];
		uint32_t arg[3];

		if (!is_step(b, v) || x->nargs != 2)
			continue;
		for (int k = 0; k < 2 && !b->item[v].pair; k++) {
			sg_block *u = &b->item[x->arg[k]];

			if (is_step(b, x->arg[k]) && u->readers == 1 && !u->pair &&
			    sg_block_pair(b, x, x->arg[k], arg)) {
				b->item[v].pair = x->arg[k];
				u->how = SG_B_NONE;
			}
		}
	}
}

/* ---- what goes side by side ---- */

/* The step in the array, if the root stores each number by itself, some numbers apart; else 0. */
static int64_t
step_of_store(const sg_blocks *b, uint32_t item)
{
	const sg_block *x = &b->item[item];
	int64_t step;

	if (x->how != SG_B_STEP || x->in_row)
		return 0;
	const sg_root *r = sg_block_root(b, item);
	if (r->kind == SG_R_FOLD || r->add || r->negate ||
	    sg_fn_node(b->f, r->ref)->type == SG_BOOL)
		return 0;
	return sg_ext_const(b->f->sp, sg_block_stride(b, r->at), &step) && step >= 2 &&
	               step <= SG_MOST_WOVEN
	           ? step
	           : 0;
}

/* How far behind the root of item `from` that of item k stores; -1: in another array. */
static int64_t
distance_between(const sg_blocks *b, uint32_t from, uint32_t k)
{
	const sg_root *x = sg_block_root(b, from), *y = sg_block_root(b, k);
	const sg_aff minus = sg_aff_scale(b->f, x->at, sg_ext_int(b->f->sp, -1)),
		     apart = sg_aff_add(b->f, y->at, minus);
	int64_t far;

	return b->f->aff[apart].n == 0 && sg_ext_const(b->f->sp, b->f->aff[apart].base, &far) &&
	               strcmp(sg_block_root_array(b, x), sg_block_root_array(b, y)) == 0
	           ? far
	           : -1;
}

/* Those that store behind the first one, each next to the one before, become one with the last. */
static void
weave_from(sg_blocks *b, uint32_t first, int64_t step)
{
	sg_weave w = {.n = (uint32_t)step, .root = {first}};
	const uint32_t near = first > b->nvals + NEAR ? first - NEAR : b->nvals;
	uint32_t last = first, n = 1;

	for (uint32_t k = near; k < b->nitems && k < first + NEAR; k++) {
		const int64_t far = step_of_store(b, k) == step ? distance_between(b, first, k) : 0;

		if (far <= 0 || far >= step || w.root[far] != 0)
			continue;
		w.root[far] = k;
		last = k > last ? k : last;
		n++;
	}
	if (n < w.n)
		return;
	for (uint32_t k = 0; k < w.n; k++)
		if (sg_block_is_added_to(b, sg_block_root(b, w.root[k])))
			return;
	for (uint32_t k = 0; k < w.n; k++)
		b->item[w.root[k]].how = SG_B_NONE;
	SG_PUSH(b->f->ctx, b->weave, b->nweaves, b->weave_cap, w);
	b->item[last].how = SG_B_STEP;
	b->item[last].woven = (uint32_t)b->nweaves;
}

void
sg_find_woven(sg_blocks *b)
{
	for (uint32_t k = b->nvals; !b->few && k < b->nitems; k++) {
		const int64_t step = b->item[k].woven ? 0 : step_of_store(b, k);

		if (step)
			weave_from(b, k, step);
	}
}
