/* row_sums.c - for written C: sums over rows of few numbers, along each row first.
 *
 * A loop over ten numbers is no SIMD, and where a row has a number of its own, as the w of
 * exp(x*w[:, none]), the loops over the rows and along them can't be one. Sums along the rows go by
 * strips of rows (back/strip.c), and what is summed up then has a loop of its own. */
#include "pass/sweep.h"
#include "rules/build.h"

enum {
	LEAST = 3, /* numbers of a row; shorter loops are unrolled */
	MOST = 63, /* longer ones are SIMD by themselves */
	LOOK = 64, /* operations that are looked at */
};

typedef struct look {
	const sg_graph *g;
	uint32_t left;
	bool dear, by_row; /* something dear is evaluated; not all is read in one row of numbers */
} look;

static void
look_at(look *l, sg_ref r)
{
	const sg_node *n = sg_node_at(l->g, r);

	if (l->left == 0 || n->shape->rank == 0)
		return;
	l->left--;
	if (n->op == SG_BROADCAST) {
		l->by_row = l->by_row || sg_node_at(l->g, n->args[0])->shape->rank > 0;
		return;
	}
	if (n->op != SG_CAST && !sg_is_ew(n->op))
		return;
	l->dear = l->dear ||
	          sg_is_dear(n->op, n->nargs > 1 && sg_node_at(l->g, n->args[1])->op == SG_CONST);
	for (uint32_t k = 0; k < n->nargs; k++)
		look_at(l, n->args[k]);
}

static bool
is_wanted(const sg_replacing *w, const sg_node *n)
{
	look l = {w->old, LOOK, false, false};
	const sg_node *x;
	int64_t size;

	if (n->op != SG_SUM || w->jit || !sg_type_is_float((sg_type)n->type))
		return false;
	x = sg_node_at(w->old, n->args[0]);
	if (x->shape->rank < 2 || n->attr->w[0] != (int64_t)sg_all_axes(x->shape->rank) ||
	    !sg_ext_const(w->b.sp, x->shape->ext[x->shape->rank - 1], &size) || size < LEAST ||
	    size > MOST)
		return false;
	look_at(&l, n->args[0]);
	return l.dear && l.by_row;
}

static sg_ref
instead(sg_replacing *w, const sg_node *n, const sg_ref *arg)
{
	const uint32_t last = sg_shape_of(&w->b, arg[0])->rank - 1;
	const sg_ref rows = sg_reduce(&w->b, SG_SUM, arg[0], (uint64_t)1 << last);
	const int64_t others = (int64_t)sg_all_axes(last);

	return sg_raw(&w->b, SG_SUM, (sg_type)n->type, n->shape, 1, &rows,
	              sg_attr_make(w->b.sp, 1, &others)); /* as one, they would be merged again */
}

const sg_program *
sg_sum_rows_first(sg_ctx *ctx, const sg_program *p, bool jit)
{
	return sg_replaced(ctx, p, jit, is_wanted, instead);
}
