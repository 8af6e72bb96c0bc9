/* join.c - arrays that are written piece by piece: a CONCAT, a PAD, a sum of PADs, the sides of a
 * branch. */
#include "back/branch.h"

enum {
	MANY_PADS = 3, /* from which on a sum of them is written piece by piece */
	FEW = 64,      /* pieces of a row that another row takes in */
};

const sg_join *
sg_join_of(const sg_fn *f, sg_ref r)
{
	return *sg_bytes_map_at(f->joins, &r, sizeof r);
}

/* Is r an addition or subtraction that its one reader, another one, swallows? */
static bool
is_sum(const sg_fn *f, sg_ref r)
{
	uint16_t op = sg_fn_node(f, r)->op;

	return op == SG_ADD || op == SG_SUB || op == SG_NEG;
}

static bool
swallowed(const sg_fn *f, sg_ref r, bool is_out)
{
	return is_sum(f, r) && f->at[r].uses == 1 && !is_out;
}

typedef struct summand {
	sg_ref r;
	bool negate;
} summand;

/* The summands of the tree of sums under r. */
static summand *
summands(const sg_fn *f, sg_ref r, const bool *is_out, size_t *n, size_t *npads)
{
	summand *leaf = NULL, *todo = NULL;
	size_t ntodo = 0, todo_cap = 0, cap = 0;

	*n = *npads = 0;
	SG_PUSH(f->ctx, todo, ntodo, todo_cap, (summand){r, false});
	while (ntodo > 0) {
		const summand t = todo[--ntodo];
		const sg_node *x = sg_fn_node(f, t.r);

		if (t.r != r && !swallowed(f, t.r, is_out[t.r])) {
			SG_PUSH(f->ctx, leaf, *n, cap, t);
			*npads += x->op == SG_PAD;
			continue;
		}
		for (uint32_t k = x->nargs; k-- > 0;)
			SG_PUSH(f->ctx, todo, ntodo, todo_cap,
			        (summand){x->args[k], t.negate != (x->op == SG_NEG ||
			                                           (x->op == SG_SUB && k == 1))});
	}
	return leaf;
}

static void
make_sum_join(sg_fn *f, sg_ref r, const summand *leaf, size_t n, size_t npads)
{
	sg_ref *piece = SG_NEW_ARRAY(f->ctx, sg_ref, n);
	bool *negate = SG_NEW_ARRAY(f->ctx, bool, n);
	sg_join *j = SG_NEW(f->ctx, sg_join);
	size_t at[2] = {0, n - npads};

	for (size_t i = 0; i < n; i++) {
		size_t *to = &at[sg_fn_node(f, leaf[i].r)->op == SG_PAD];

		piece[*to] = leaf[i].r;
		negate[(*to)++] = leaf[i].negate;
	}
	*j = (sg_join){piece, negate, (uint32_t)n, (uint32_t)npads, NULL, 0, false};
	*sg_bytes_map_at(f->joins, &r, sizeof r) = j;
	f->at[r].kind = SG_P_JOIN;
}

/* The one axis along which a PAD has zeros, to both sides at most: of a piece in a row of them. */
static bool
lies_along(const sg_fn *f, const sg_node *pad, uint32_t *axis)
{
	const sg_shape *s = f->g->node[pad->args[0]].shape;
	uint32_t n = 0;

	for (uint32_t k = 0; k < s->rank; k++) {
		if (!sg_is_1(f, (sg_ext)pad->attr->w[s->rank + k]))
			return false;
		if (s->ext[k] == pad->shape->ext[k] && sg_ext_is(f->sp, (sg_ext)pad->attr->w[k], 0))
			continue;
		*axis = k;
		n++;
	}
	return n == 1;
}

/* Of the PADs in the sum r, those that fill it, each beginning where another ends: no zero is
 * left, and nothing is to be added. This is the gradient of split(). */
static bool
make_row_join(sg_fn *f, sg_ref r, const summand *leaf, size_t n)
{
	sg_bytes_map *at = sg_bytes_map_new(f->ctx);
	sg_join *j = SG_NEW(f->ctx, sg_join);
	sg_ref *piece = SG_NEW_ARRAY(f->ctx, sg_ref, n);
	bool *negate = SG_NEW_ARRAY(f->ctx, bool, n);
	sg_ext *start = SG_NEW_ARRAY(f->ctx, sg_ext, n), next = sg_ext_int(f->sp, 0);

	for (size_t i = 0; i < n; i++) {
		const sg_node *pad = sg_fn_node(f, leaf[i].r);
		uint32_t axis;
		sg_ext from;

		if (pad->op != SG_PAD || !lies_along(f, pad, &axis) || (i > 0 && axis != j->axis))
			return false;
		j->axis = axis;
		from = (sg_ext)pad->attr->w[axis];
		*sg_bytes_map_at(at, &from, sizeof from) = (void *)&leaf[i];
	}
	for (size_t i = 0; i < n; i++) {
		const summand *s = *sg_bytes_map_at(at, &next, sizeof next);

		if (!s)
			return false;
		piece[i] = sg_arg(f->g, s->r, 0);
		negate[i] = s->negate;
		start[i] = next;
		next = sg_ext_add(f->sp, next, f->g->node[piece[i]].shape->ext[j->axis]);
	}
	if (next != sg_fn_node(f, r)->shape->ext[j->axis])
		return false;
	*j = (sg_join){piece, negate, (uint32_t)n, 0, start, j->axis, false};
	*sg_bytes_map_at(f->joins, &r, sizeof r) = j;
	f->at[r].kind = SG_P_JOIN;
	return true;
}

/* Finds sums of several PADs: zeros, to which the parts are added, instead of a test for each
 * element and summand. What they swallow is dead. */
void
sg_find_sum_joins(sg_fn *f, const bool *is_out)
{
	bool *inside = SG_NEW_ARRAY(f->ctx, bool, f->g->n);

	for (sg_ref r = f->g->n; r-- > 1;) {
		const sg_node *x = sg_fn_node(f, r);
		size_t n, npads;
		summand *leaf;

		if (f->at[r].kind == SG_P_DEAD || !is_sum(f, r))
			continue;
		for (uint32_t k = 0; k < x->nargs; k++)
			if (swallowed(f, x->args[k], is_out[x->args[k]]))
				inside[x->args[k]] = true;
		if (inside[r] || x->shape->rank == 0)
			continue;
		leaf = summands(f, r, is_out, &n, &npads);
		if (npads == n && n > 1 && make_row_join(f, r, leaf, n))
			continue;
		if (npads >= MANY_PADS)
			make_sum_join(f, r, leaf, n, npads);
	}
	for (sg_ref r = f->g->n; r-- > 1;) {
		const sg_node *x = sg_fn_node(f, r);

		if (f->at[r].kind != SG_P_JOIN && !(inside[r] && f->at[r].kind == SG_P_DEAD))
			continue;
		if (!is_sum(f, r))
			continue;
		for (uint32_t k = 0; k < x->nargs; k++)
			if (inside[x->args[k]])
				f->at[x->args[k]].kind = SG_P_DEAD;
	}
}

/* Where each piece begins, along the axis. */
static const sg_ext *
starts(sg_fn *f, const sg_node *concat)
{
	const uint32_t axis = (uint32_t)concat->attr->w[0];
	sg_ext *start = SG_NEW_ARRAY(f->ctx, sg_ext, concat->nargs), at = sg_ext_int(f->sp, 0);

	for (uint32_t k = 0; k < concat->nargs; k++) {
		start[k] = at;
		at = sg_ext_add(f->sp, at, f->g->node[concat->args[k]].shape->ext[axis]);
	}
	return start;
}

/* The JOIN of a CONCAT, of a PAD alone, or of the sides of a branch. */
void
sg_make_plain_join(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	sg_join *j = SG_NEW(f->ctx, sg_join);
	sg_ref *self = SG_NEW(f->ctx, sg_ref);

	*self = r;
	*j = (sg_join){n->args, SG_NEW_ARRAY(f->ctx, bool, n->nargs), n->nargs, 0, NULL, 0, false};
	if (n->op == SG_PAD)
		j->piece = self, j->npads = 1;
	else if (n->op == SG_SELECT)
		j->piece = n->args + 1, j->n = 2;
	else
		j->start = starts(f, n), j->axis = (uint32_t)n->attr->w[0];
	*sg_bytes_map_at(f->joins, &r, sizeof r) = j;
}

/* ---- rows of rows ---- */

/* Is r written in pieces one behind the other, each a run of its elements? */
static bool
is_row(const sg_fn *f, sg_ref r)
{
	const sg_join *j = f->at[r].kind == SG_P_JOIN ? sg_join_of(f, r) : NULL;

	if (!j || !j->start)
		return false;
	for (uint32_t k = 0; k < j->axis; k++)
		if (!sg_is_1(f, sg_fn_node(f, r)->shape->ext[k]))
			return false;
	return true;
}

/* Where piece k begins, in elements. */
static sg_ext
start_of(const sg_fn *f, sg_ref r, const sg_join *j, uint32_t k)
{
	const sg_shape *s = sg_fn_node(f, r)->shape;
	sg_ext at = j->start[k];

	for (uint32_t d = j->axis + 1; d < s->rank && !j->flat; d++)
		at = sg_ext_mul(f->sp, at, s->ext[d]);
	return at;
}

/* The row whose elements, in their order, are those of piece x, and which nothing else reads; 0:
 * there is none. */
static sg_ref
row_within(const sg_fn *f, sg_ref x, const bool *is_out)
{
	while (!is_out[x] && f->at[x].uses == 1 && f->at[x].kind == SG_P_VIEW &&
	       sg_fn_node(f, x)->op == SG_RESHAPE)
		x = sg_arg(f->g, x, 0);
	return !is_out[x] && f->at[x].uses == 1 && is_row(f, x) && sg_join_of(f, x)->n <= FEW ? x
	                                                                                      : 0;
}

static void
bury(sg_fn *f, sg_ref x, sg_ref row)
{
	for (; x != row; x = sg_arg(f->g, x, 0))
		f->at[x].kind = SG_P_DEAD;
	f->at[row].kind = SG_P_DEAD;
}

/* Row r has the pieces of the rows that it is made of. */
static void
take_in(sg_fn *f, sg_ref r, const bool *is_out)
{
	const sg_join *j = sg_join_of(f, r);
	size_t n = 0, cap = 0, cap_start = 0, cap_negate = 0;
	sg_ref *piece = NULL;
	sg_ext *start = NULL;
	bool *negate = NULL;

	for (uint32_t k = 0; k < j->n; k++) {
		const sg_ref row = row_within(f, j->piece[k], is_out);
		const sg_join *in = row ? sg_join_of(f, row) : NULL;
		const sg_ext from = start_of(f, r, j, k);

		for (uint32_t i = 0; i < (in ? in->n : 1); i++) {
			const sg_ext at =
			    in ? sg_ext_add(f->sp, from, start_of(f, row, in, i)) : from;
			size_t m = n, q = n;

			SG_PUSH(f->ctx, start, m, cap_start, at);
			SG_PUSH(f->ctx, negate, q, cap_negate,
			        j->negate[k] != (in && in->negate[i]));
			SG_PUSH(f->ctx, piece, n, cap, in ? in->piece[i] : j->piece[k]);
		}
		if (row)
			bury(f, j->piece[k], row);
	}
	sg_join *own = SG_NEW(f->ctx, sg_join);
	*own = (sg_join){piece, negate, (uint32_t)n, 0, start, j->axis, true};
	*sg_bytes_map_at(f->joins, &r, sizeof r) = own;
}

/* What rows are made of that nothing else reads is written to its place at once. A guard's own
 * pieces stay where the guard is. */
void
sg_take_in_rows(sg_fn *f, const bool *is_out)
{
	for (sg_ref r = 1; r < f->g->n && !f->guards; r++) {
		bool any = false;

		if (!is_row(f, r))
			continue;
		for (uint32_t k = 0; k < sg_join_of(f, r)->n && !any; k++)
			any = row_within(f, sg_join_of(f, r)->piece[k], is_out) != 0;
		if (any)
			take_in(f, r, is_out);
	}
}
