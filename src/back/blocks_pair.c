/* blocks_pair.c - two operations of a tile in one step: a*b + c and its like.
 *
 * An operation whose value nothing but another one reads is made in the step of that one, if the
 * runtime has a routine for both (runtime/block_pair.c.in). So it is not written, and not read. */
#include "back/blocks.h"

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
	return b->item[v].how == SG_B_STEP && !b->item[v].around &&
	       b->n->s->val[v].kind == SG_V_EW && sg_type_is_float((sg_type)b->n->s->val[v].type);
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
