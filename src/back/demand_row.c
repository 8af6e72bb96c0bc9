/* demand_row.c - rows of few numbers that are written out (rows.c): the values of their elements,
 * and sums of them. */
#include "back/demand.h"

enum { MOST_TERMS = 16 }; /* of a sum that is written out */

sg_spot
sg_index_in_rows(sg_fn *f, const sg_shape *s, uint32_t row, uint32_t turn)
{
	sg_spot ix = {.n = s->rank};
	uint32_t vars = 0;

	for (uint32_t k = 0; k < s->rank; k++)
		vars += !sg_is_1(f, s->ext[k]);
	for (uint32_t k = s->rank; k-- > 0;) {
		int64_t v = 1;

		ix.at[k] = sg_aff_zero(f);
		if (sg_is_1(f, s->ext[k]))
			continue;
		vars--;
		if (row == 0) {
			ix.at[k] = sg_aff_var(f, vars);
			continue;
		}
		row--;
		(void)sg_ext_const(f->sp, s->ext[k], &v);
		ix.at[k] = sg_aff_ext(f, sg_ext_int(f->sp, turn % (uint32_t)v));
		turn /= (uint32_t)v;
	}
	return ix;
}

/* x + y; x: 0, there is none yet. */
static uint32_t
added(sg_asker *a, uint32_t x, uint32_t y)
{
	if (x == 0)
		return y;
	sg_val_at(a, x)->uses++;
	sg_val_at(a, y)->uses++;
	return sg_add_val(a, (sg_val){.kind = SG_V_EW,
	                              .type = sg_val_at(a, x)->type,
	                              .op = SG_ADD,
	                              .nargs = 2,
	                              .arg = {x, y}});
}

/* Element t of those that sum n takes together at the index. */
static sg_spot
index_of_term(sg_fn *f, const sg_node *n, const sg_spot *at, uint32_t t)
{
	const sg_shape *s = f->g->node[n->args[0]].shape;
	sg_spot x = {.n = s->rank};
	uint32_t j = n->shape->rank;

	for (uint32_t k = s->rank; k-- > 0;) {
		int64_t v = 1;

		if (!(n->attr->w[0] >> k & 1)) {
			x.at[k] = at->at[--j];
			continue;
		}
		(void)sg_ext_const(f->sp, s->ext[k], &v);
		x.at[k] = sg_aff_ext(f, sg_ext_int(f->sp, t % (uint32_t)v));
		t /= (uint32_t)v;
	}
	return x;
}

uint32_t
sg_short_sum(sg_asker *a, const sg_node *n, const sg_spot *at)
{
	sg_fn *f = a->f;
	const sg_spot ix = sg_unflatten(a, at, n->shape);
	const sg_shape *s = f->g->node[n->args[0]].shape;
	uint32_t terms = 1, sum = 0, x[MOST_TERMS];
	bool all = true;
	int64_t v;

	for (uint32_t k = 0; k < s->rank; k++)
		if (n->attr->w[0] >> k & 1 && sg_ext_const(f->sp, s->ext[k], &v))
			terms *= (uint32_t)v;
	sg_need(f->ctx, terms <= MOST_TERMS, "a sum of few numbers");
	for (uint32_t t = 0; t < terms; t++) {
		const sg_spot term = index_of_term(f, n, &ix, t);

		x[t] = sg_ask(a, n->args[0], &term);
		all = all && x[t];
	}
	for (uint32_t t = 0; all && t < terms; t++)
		sum = added(a, sum, x[t]);
	return sum;
}

/* Turn `turn` of the last `row` axes as one of those that stay. */
static uint32_t
turn_that_stays(const sg_fn *f, const sg_shape *s, uint32_t row, uint64_t mask, uint32_t turn)
{
	uint32_t kept = 0, stride = 1;

	for (uint32_t k = s->rank; row > 0 && k-- > 0;) {
		int64_t v;

		if (sg_is_1(f, s->ext[k]) || !sg_ext_const(f->sp, s->ext[k], &v))
			continue;
		if (!(mask >> k & 1)) {
			kept += turn % (uint32_t)v * stride;
			stride *= (uint32_t)v;
		}
		turn /= (uint32_t)v;
		row--;
	}
	return kept;
}

void
sg_fold_rows(sg_asker *a, sg_root *root, uint64_t mask)
{
	sg_fn *f = a->f;
	const sg_shape *s = sg_fn_node(f, root->from)->shape;
	const uint32_t turns = sg_row_turns(f, root->from, root->row, 0);
	sg_spot out = {.n = sg_fn_node(f, root->ref)->shape->rank};
	uint32_t sum = 0;

	for (uint32_t t = 0; t < turns; t++) {
		const sg_spot ix = sg_index_in_rows(f, s, root->row, t);

		if (turn_that_stays(f, s, root->row, mask, t) != root->turn)
			continue;
		sum = added(a, sum, sg_evaluate(a, root->from, &ix));
		for (uint32_t k = 0, j = 0; k < s->rank; k++)
			if (!(mask >> k & 1))
				out.at[j++] = ix.at[k];
	}
	root->val[0] = sum;
	sg_val_at(a, sum)->uses++;
	root->at = sg_linear_from(f, &out, sg_fn_node(f, root->ref)->shape, 0);
}
