/* join.c - arrays that are written piece by piece: a CONCAT, a PAD, a sum of PADs, the sides of a
 * branch. */
#include "back/branch.h"

#include <math.h>

enum {
	MANY_PADS = 3, /* from which on a sum of them is written piece by piece */
	AROUND = 12,   /* most summands that are read around each element instead */
	NARROW = 8,    /* zeros beside a row's ends */
	LONG = 16,     /* numbers of a row */
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
	*j = (sg_join){piece, negate, (uint32_t)n, (uint32_t)npads, NULL, 0, NULL};
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
	*j = (sg_join){piece, negate, (uint32_t)n, 0, start, j->axis, NULL};
	*sg_bytes_map_at(f->joins, &r, sizeof r) = j;
	f->at[r].kind = SG_P_JOIN;
	return true;
}

/* Finds the number that operand k of r, a product, is. */
static bool
find_number(const sg_fn *f, sg_ref r, uint32_t k, double *v)
{
	const sg_node *c = sg_fn_node(f, sg_arg(f->g, r, k));

	while (c->op == SG_BIND || c->op == SG_BROADCAST || c->op == SG_RESHAPE)
		c = sg_fn_node(f, c->args[0]);
	if (c->op != SG_CONST)
		return false;
	*v = sg_bits_double(c->attr->w[0]);
	return isfinite(*v);
}

/* The array that r is a multiple of by a number, or r. */
static sg_ref
find_factor(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	double v;

	if (f->at[r].kind != SG_P_CALC || n->op != SG_MUL || !sg_type_is_float((sg_type)n->type))
		return r;
	for (uint32_t k = 0; k < 2; k++)
		if (find_number(f, r, k, &v))
			return n->args[1 - k];
	return r;
}

double
sg_factor_of(const sg_fn *f, sg_ref r)
{
	double v = 1;

	if (!find_number(f, r, 0, &v))
		(void)find_number(f, r, 1, &v);
	return v;
}

/* PADs of different multiples of an array read the array, which is one to keep, and multiply. */
static void
read_factor(sg_fn *f, const summand *leaf, size_t n)
{
	sg_ref first = 0;
	bool differ = false;

	for (size_t i = 0; i < n; i++) {
		if (sg_fn_node(f, leaf[i].r)->op != SG_PAD)
			continue;
		differ = differ || (first && first != sg_arg(f->g, leaf[i].r, 0));
		first = sg_arg(f->g, leaf[i].r, 0);
	}
	for (size_t i = 0; differ && i < n; i++) {
		const sg_ref r = leaf[i].r,
			     x = sg_fn_node(f, r)->op == SG_PAD ? sg_arg(f->g, r, 0) : 0;

		if (x && find_factor(f, x) != x)
			f->at[x].multiple_of = find_factor(f, x);
	}
}

/* Are all PADs of a sum of rows of one array, or multiples of it, with zeros in narrow borders
 * alone, long enough for loops with borders? Then to read what lies around each element takes less
 * than to add at as many places. */
static bool
is_of_surroundings(const sg_fn *f, const sg_shape *sum, const summand *leaf, size_t n)
{
	const double *row = sg_ext_samples(f->sp, sum->ext[sum->rank - 1]);
	bool may_be_long = false;
	sg_ref of = 0;

	for (int k = 0; (sum->rank > 1 || f->m->o->jit) && k < SG_SAMPLES; k++)
		may_be_long = may_be_long || row[k] >= LONG;
	if (!may_be_long)
		return false;
	for (size_t i = 0; i < n; i++) {
		const sg_node *pad = sg_fn_node(f, leaf[i].r);
		const sg_shape *s;

		if (pad->op != SG_PAD)
			continue;
		if (of && of != find_factor(f, pad->args[0]))
			return false;
		of = find_factor(f, pad->args[0]);
		s = f->g->node[of].shape;
		for (uint32_t k = 0; k < s->rank; k++) {
			int64_t zeros;

			if (!sg_is_1(f, (sg_ext)pad->attr->w[s->rank + k]) ||
			    !sg_ext_const(f->sp, sg_ext_sub(f->sp, pad->shape->ext[k], s->ext[k]),
			                  &zeros) ||
			    zeros > NARROW)
				return false;
		}
	}
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
		if (npads < MANY_PADS)
			continue;
		if (n <= AROUND && is_of_surroundings(f, x->shape, leaf, n))
			read_factor(f, leaf, n);
		else
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
	*j = (sg_join){n->args, SG_NEW_ARRAY(f->ctx, bool, n->nargs), n->nargs, 0, NULL, 0, NULL};
	if (n->op == SG_PAD)
		j->piece = self, j->npads = 1;
	else if (n->op == SG_SELECT)
		j->piece = n->args + 1, j->n = 2;
	else
		j->start = starts(f, n), j->axis = (uint32_t)n->attr->w[0];
	*sg_bytes_map_at(f->joins, &r, sizeof r) = j;
}

/* ---- CONCATs within each other ---- */

/* A piece on its way to its place in the outermost array. */
typedef struct moved {
	sg_ref r;
	bool negate;
	sg_strided at; /* where its elements go */
} moved;

typedef struct stacker {
	sg_fn *f;
	const bool *is_out;
	moved *todo; /* the next one last */
	size_t ntodo, todo_cap;
	sg_ref *piece;
	bool *negate;
	sg_laid *lay;
	size_t n, piece_cap, negate_cap, lay_cap;
} stacker;

static const sg_join *
concat_of(const sg_fn *f, sg_ref r)
{
	const sg_join *j = f->at[r].kind == SG_P_JOIN ? sg_join_of(f, r) : NULL;

	return j && j->start && !j->lay ? j : NULL;
}

/* The pieces of CONCAT r, whose elements go to `at`. */
static void
take_apart(stacker *w, sg_ref r, bool negate, const sg_strided *at)
{
	const sg_join *j = sg_join_of(w->f, r);

	for (uint32_t k = j->n; k-- > 0;) {
		moved x = {j->piece[k], negate != j->negate[k], *at};

		x.at.base = sg_ext_add(w->f->sp, at->base,
		                       sg_ext_mul(w->f->sp, j->start[k], at->stride[j->axis]));
		SG_PUSH(w->f->ctx, w->todo, w->ntodo, w->todo_cap, x);
	}
}

static bool
is_read_once(const stacker *w, sg_ref r)
{
	return !w->is_out[r] && w->f->at[r].uses == 1;
}

/* Past reshapes that leave its elements at strides. *once: nothing else reads them. */
static moved
before_reshapes(stacker *w, moved x, bool *once)
{
	*once = true;
	while (w->f->at[x.r].kind == SG_P_VIEW && sg_fn_node(w->f, x.r)->op == SG_RESHAPE) {
		moved y = {sg_arg(w->f->g, x.r, 0), x.negate, x.at};

		if (!sg_strided_reshaped(w->f, &x.at, sg_fn_node(w->f, x.r)->shape,
		                         sg_fn_node(w->f, y.r)->shape, &y.at))
			break;
		*once = *once && is_read_once(w, x.r);
		x = y;
	}
	return x;
}

/* Is x, whose reader is a CONCAT, another one that is not needed as an array? */
static bool
goes_within(const stacker *w, sg_ref x)
{
	const sg_join *j = concat_of(w->f, x);

	return j && is_read_once(w, x) && j->n <= FEW;
}

/* What x is a view of goes to its place by pieces. */
static void
bury(sg_fn *f, sg_ref x, sg_ref concat)
{
	for (; x != concat; x = sg_arg(f->g, x, 0))
		f->at[x].kind = SG_P_DEAD;
	f->at[concat].kind = SG_P_DEAD;
}

/* Pieces with the same loops and strides are kin. */
static void
find_kin(stacker *w)
{
	sg_bytes_map *first = sg_bytes_map_new(w->f->ctx);

	for (uint32_t i = 0; i < w->n; i++) {
		const sg_shape *s = sg_fn_node(w->f, w->piece[i])->shape;
		sg_ext key[2 * SG_MAX_RANK];
		uint32_t len = 0;
		void **slot;

		for (uint32_t k = 0; k < s->rank; k++)
			if (!sg_is_1(w->f, s->ext[k])) {
				key[len++] = s->ext[k];
				key[len++] = w->lay[i].at.stride[k];
			}
		slot = sg_bytes_map_at(first, key, len * sizeof *key);
		if (!*slot)
			*slot = (void *)(uintptr_t)(i + 1);
		w->lay[i].kin = (uint32_t)((uintptr_t)*slot - 1);
	}
}

/* CONCAT r has the pieces of those that it is made of; if there are none, it stays as it is. */
static void
take_in(stacker *w, sg_ref r)
{
	const sg_node *n = sg_fn_node(w->f, r);
	sg_strided own = {.root = r, .base = sg_ext_int(w->f->sp, 0)};
	bool any = false, once;

	sg_row_major(w->f, n->shape, own.stride);
	w->piece = NULL;
	w->negate = NULL;
	w->lay = NULL;
	w->n = w->piece_cap = w->negate_cap = w->lay_cap = 0;
	take_apart(w, r, false, &own);
	while (w->ntodo > 0) {
		const moved view = w->todo[--w->ntodo], x = before_reshapes(w, view, &once);
		size_t k = w->n, m = w->n;

		if (once && goes_within(w, x.r)) {
			bury(w->f, view.r, x.r);
			take_apart(w, x.r, x.negate, &x.at);
			any = true;
			continue;
		}
		SG_PUSH(w->f->ctx, w->piece, w->n, w->piece_cap, x.r);
		SG_PUSH(w->f->ctx, w->negate, k, w->negate_cap, x.negate);
		SG_PUSH(w->f->ctx, w->lay, m, w->lay_cap, (sg_laid){.at = x.at});
	}
	const sg_join *j = sg_join_of(w->f, r);
	sg_join *to = SG_NEW(w->f->ctx, sg_join);
	*to = (sg_join){w->piece, w->negate, (uint32_t)w->n, 0, j->start, j->axis, w->lay};
	if (!any)
		return;
	find_kin(w);
	*sg_bytes_map_at(w->f->joins, &r, sizeof r) = to;
}

/* What CONCATs are made of that nothing else reads is written to its place in the outermost one at
 * once. A guard's own pieces stay where the guard is. */
void
sg_take_in_rows(sg_fn *f, const bool *is_out)
{
	stacker w = {.f = f, .is_out = is_out};

	for (sg_ref r = f->g->n; r-- > 1 && !f->guards;)
		if (concat_of(f, r))
			take_in(&w, r);
}
