/* sparse.c - which tensors of more than a few elements go by elements, since many are known to be 0.
 *
 * The Jacobian of a motion of six numbers, as a filter multiplies it with a covariance, is zeros but
 * for a handful: as scalars its products are those alone. What is made of them goes by elements too,
 * as far as it is of no more than SG_MOST_ITEMS. */
#include "pass/small.h"

enum {
	DEAR = 8,      /* operations of an element, which a loop does in SIMD */
	BUDGET = 4000, /* elements in all; behind it loops are shorter */
};

typedef struct finding {
	sg_items *w;
	uint32_t *zeros; /* by node: elements that are 0 */
	uint8_t *large;
	size_t total;
} finding;

static uint32_t
count(const finding *f, sg_ref r)
{
	return sg_count_of(f->w->b.sp, sg_node_at(f->w->old, r)->shape, SG_MOST_ITEMS);
}

static void
count_zeros(finding *f, sg_ref r)
{
	const sg_node *n = sg_node_at(f->w->old, r);

	if (!sg_type_is_float((sg_type)n->type) || count(f, r) == 0)
		return;
	switch (n->op) {
	case SG_CONST:
		f->zeros[r] = sg_bits_double(n->attr->w[0]) == 0 ? count(f, r) : 0;
		break;
	case SG_CONCAT:
		for (uint32_t k = 0; k < n->nargs; k++)
			f->zeros[r] += f->zeros[n->args[k]];
		break;
	case SG_RESHAPE:
	case SG_TRANSPOSE:
		f->zeros[r] = f->zeros[n->args[0]];
		break;
	default:
		break;
	}
}

/* Is half of it, but not all, known to be 0? */
static bool
is_sparse(const finding *f, sg_ref r)
{
	return f->zeros[r] < count(f, r) && 2 * f->zeros[r] >= count(f, r);
}

/* Does an operation on operands that go by elements do so too? */
static bool
goes_on(const sg_node *n)
{
	switch (n->op) {
	case SG_CAST:
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_SLICE:
	case SG_CONTRACT:
		return true;
	default:
		return sg_is_ew(n->op) && sg_ops[n->op].cost < DEAR;
	}
}

static bool
is_by_elements(const finding *f, const sg_node *n)
{
	const bool is_matrix = n->shape->rank <= 2;
	bool any = false;

	for (uint32_t k = 0; k < n->nargs; k++) {
		const sg_ref a = n->args[k];

		if (count(f, a) == 0)
			return false;
		any = any || f->large[a] == SG_LARGE_SPLIT ||
		      (n->op == SG_CONTRACT && is_matrix && is_sparse(f, a));
	}
	return any && goes_on(n);
}

/* A matrix of which zeros are known becomes its elements. */
static void
open_up(finding *f, sg_ref r)
{
	const sg_node *n = sg_node_at(f->w->old, r);

	if (count(f, r) <= f->w->most || f->large[r] == SG_LARGE_SPLIT)
		return;
	f->large[r] = SG_LARGE_SPLIT;
	f->total += count(f, r);
	if (n->op == SG_RESHAPE || n->op == SG_TRANSPOSE)
		open_up(f, n->args[0]);
}

static void
look_at(finding *f, sg_ref r)
{
	const sg_node *n = sg_node_at(f->w->old, r);

	count_zeros(f, r);
	if (count(f, r) == 0 || !is_by_elements(f, n))
		return;
	for (uint32_t k = 0; k < n->nargs; k++) {
		const sg_ref a = n->args[k];

		if (is_sparse(f, a))
			open_up(f, a);
		if (f->large[a] == SG_LARGE_NOT)
			f->large[a] = SG_LARGE_READ;
	}
	if (count(f, r) > f->w->most && f->large[r] != SG_LARGE_SPLIT) {
		f->large[r] = SG_LARGE_SPLIT;
		f->total += count(f, r);
	}
}

void
sg_find_sparse(sg_items *w)
{
	sg_ctx *ctx = w->b.ctx;
	finding f = {.w = w,
	             .zeros = SG_NEW_ARRAY(ctx, uint32_t, w->old->n),
	             .large = SG_NEW_ARRAY(ctx, uint8_t, w->old->n)};

	for (sg_ref r = 1; r < w->old->n; r++)
		if (w->live[r])
			look_at(&f, r);
	if (f.total > 0 && f.total <= BUDGET)
		w->large = f.large;
}
