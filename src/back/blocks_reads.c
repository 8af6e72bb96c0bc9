/* blocks_reads.c - what a value or a root of a tile reads: as far as its step, or its scalar code, is
 * told. */
#include "back/blocks.h"

static void
visit_form(sg_blocks *b, uint32_t item, sg_aff a, sg_block_visit *visit)
{
	const sg_affine form = b->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++) {
		const uint32_t v = form.term[i].var - SG_VAR_VALUE;

		if (form.term[i].var < SG_VAR_VALUE)
			continue;
		if (b->item[item].turned && sg_block_is_turn(b, v) && sg_block_is_inner(b, v))
			visit_form(b, item, b->n->s->val[v].aff, visit);
		else
			visit(b, item, v);
	}
}

static void
visit_value(sg_blocks *b, uint32_t item, const sg_val *v, sg_block_visit *visit)
{
	if (b->item[item].around) {
		sg_visit_around(b, item, visit);
		return;
	}
	visit_form(b, item, v->aff, visit);
	for (uint32_t k = 0; k < v->nconds; k++)
		visit_form(b, item, v->cond[k].form, visit);
	for (uint32_t k = 0; k < (b->item[item].powers ? 1 : v->nargs); k++) {
		const sg_val *u = &b->n->s->val[v->arg[k]];

		if (v->arg[k] != b->item[item].pair || v->arg[k] == 0) {
			visit(b, item, v->arg[k]);
			continue;
		}
		for (uint32_t i = 0; i < u->nargs; i++)
			visit(b, item, u->arg[i]);
	}
}

static void
visit_woven(sg_blocks *b, uint32_t item, const sg_weave *w, sg_block_visit *visit)
{
	for (uint32_t k = 0; k < w->n; k++) {
		visit_form(b, item, sg_block_root(b, w->item[k])->at, visit);
		visit(b, item, sg_block_root(b, w->item[k])->val[0]);
	}
}

void
sg_blocks_operands(sg_blocks *b, uint32_t item, sg_block_visit *visit)
{
	const sg_root *r = sg_block_root(b, item);

	if (!r) {
		visit_value(b, item, &b->n->s->val[item], visit);
		return;
	}
	if (b->item[item].woven) {
		visit_woven(b, item, &b->weave[b->item[item].woven - 1], visit);
		return;
	}
	visit_form(b, item, r->at, visit);
	visit_form(b, item, r->pos, visit);
	if (b->item[item].product)
		visit_value(b, item, &b->n->s->val[b->item[item].product], visit);
	else if (r->val[0])
		visit(b, item, r->val[0]);
	if (r->val[1])
		visit(b, item, r->val[1]);
}
