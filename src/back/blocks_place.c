/* blocks_place.c - elements of tiles at places that checked indices say: gathers and scatters.
 *
 * A place is affine but for one index, which is another one for each element of the tile. So a step
 * checks the indices of the tile, and one for each array reads, or adds, all its elements.
 * Quotients and remainders of affine forms are such indices too, which a step makes. */
#include "back/blocks.h"

static bool
is_quotient(const sg_blocks *b, uint32_t v)
{
	const uint8_t kind = b->n->s->val[v].kind;

	return (kind == SG_V_DIV || kind == SG_V_MOD) && b->item[v].how == SG_B_STEP;
}

bool
sg_block_indirect(const sg_blocks *b, sg_aff a, uint32_t *at, sg_ext *by)
{
	const sg_affine form = b->f->aff[a];
	uint32_t n = 0;

	for (uint32_t i = 0; i < form.n; i++) {
		const uint32_t v = form.term[i].var - SG_VAR_VALUE;

		if (form.term[i].var < SG_VAR_VALUE || !sg_block_is_inner(b, v))
			continue;
		if (b->n->s->val[v].kind != SG_V_AT && !is_quotient(b, v))
			return false;
		*at = v;
		*by = form.term[i].coef;
		n++;
	}
	return n == 1;
}

/* What is read under a condition alone may lie outside. */
bool
sg_block_takes(const sg_blocks *b, const sg_val *v)
{
	uint32_t at;
	sg_ext by;

	return !v->guarded && sg_block_routine(b, "take", "", (sg_type)v->type) &&
	       sg_block_indirect(b, v->aff, &at, &by);
}

bool
sg_block_adds_row(const sg_blocks *b, const sg_root *r)
{
	return sg_fn_node(b->f, r->ref)->op == SG_SCATTER && sg_adds_up(b->f, r->ref) &&
	       !b->n->chosen && sg_block_is_affine(b, r->at) &&
	       sg_is_1(b->f, sg_block_stride(b, r->at));
}

bool
sg_block_puts(const sg_blocks *b, const sg_root *r)
{
	const sg_type t = (sg_type)b->n->s->val[r->val[0]].type;
	const uint16_t op = sg_fn_node(b->f, r->ref)->op;
	uint32_t at;
	int64_t step;
	sg_ext by;

	if (op == SG_UNWINDOW)
		return sg_adds_up(b->f, r->ref) && !b->n->chosen && sg_block_is_affine(b, r->at) &&
		       sg_block_routine(b, "add_to", "", t) &&
		       sg_ext_const(b->f->sp, sg_block_stride(b, r->at), &step) && step > 0;
	if (sg_block_adds_row(b, r))
		return sg_block_routine(b, "add", "vv", t);
	return op == SG_SCATTER && !b->n->chosen && sg_block_routine(b, "put", "", t) &&
	       sg_block_indirect(b, r->at, &at, &by);
}
