/* adjoint.c - adjoints that are absorbingly zero where a side of a where() is not taken.
 *
 * In y = where(c, p, q) the adjoint of p is 0 where c is false, whatever p's derivatives are there:
 * a zero that no later factor inf or NaN turns into NaN (NUMERICS.md). So the zero is not
 * multiplied through. An adjoint is a pair of a raw value and a mask of where it counts;
 * elementwise factors go to the raw value, and SELECT(mask, raw, 0) is made as late as can be:
 * where contributions of different masks meet, before an op that mixes elements, and at results.
 * Higher derivatives meet that SELECT, and mask again. */
#include "pass/guard.h"
#include "pass/sweep.h"
#include "rules/op.h"

sg_adj
sg_adj_plain(sg_ref raw)
{
	return (sg_adj){.raw = raw, .clean = true};
}

sg_ref
sg_adj_solid(sg_build *b, sg_adj a)
{
	if (!a.raw || !a.mask || a.clean)
		return a.raw;
	return sg_ew3(b, SG_SELECT, a.mask->node, a.raw, sg_const_like(b, a.raw, 0));
}

const sg_mask *
sg_mask_plain(sg_build *b, sg_ref node)
{
	sg_mask *m;

	if (sg_is_value(b, node, 1))
		return NULL;
	m = SG_NEW(b->ctx, sg_mask);
	m->node = node;
	return m;
}

const sg_mask *
sg_mask_moved(sg_build *b, const sg_mask *from, sg_ref node)
{
	sg_mask *m;

	if (sg_is_value(b, node, 1))
		return NULL;
	m = SG_NEW(b->ctx, sg_mask);
	m->node = node;
	m->light = from->light && !from->up;
	return m;
}

sg_adj
sg_adj_settle(sg_build *b, sg_adj a)
{
	while (a.mask && a.mask->light)
		a = (sg_adj){sg_adj_solid(b, a), true, a.mask->up};
	return a;
}

static sg_mask *
mask_within(sg_build *b, sg_adj a, sg_ref cond, bool side)
{
	sg_mask *m = SG_NEW(b->ctx, sg_mask);

	m->up = a.mask;
	m->depth = a.mask ? a.mask->depth + 1 : 1;
	m->cond = cond;
	m->side = side;
	m->node = side ? cond : sg_ew1(b, SG_NOT, cond);
	if (a.mask)
		m->node = sg_ew2(b, SG_AND, a.mask->node, m->node);
	return m;
}

sg_adj
sg_adj_branch(sg_build *b, sg_adj a, sg_ref cond, bool side)
{
	return (sg_adj){.raw = a.raw, .mask = mask_within(b, a, cond, side)};
}

sg_adj
sg_adj_taken(sg_build *b, sg_adj a, sg_ref taken)
{
	sg_mask *m = mask_within(b, a, taken, true);

	m->light = true;
	return (sg_adj){.raw = a.raw, .mask = m};
}

/* ---- sums ---- */

static bool
same_mask(const sg_mask *m, const sg_mask *n)
{
	return m == n || (m && n && m->node == n->node);
}

/* Does `outer` contain m, as one of the masks that m was made inside of? Looks only so far up: not
 * to know is never wrong, only a little slower in the code that comes out. */
static bool
inside(const sg_mask *m, const sg_mask *outer)
{
	if (!outer)
		return true;
	for (int steps = 0; m && m->depth > outer->depth && steps < 16; steps++)
		m = m->up;
	return m && same_mask(m, outer);
}

/* The two sides of one where(): together all of what is above. */
static bool
complementary(const sg_mask *m, const sg_mask *n)
{
	return m && n && m->cond && m->cond == n->cond && m->side != n->side &&
	       same_mask(m->up, n->up);
}

/* Do both stand in the same range of the same zeros? */
static bool
same_range(const sg_build *b, const sg_node *p, const sg_node *q)
{
	return p->op == SG_PAD && q->op == SG_PAD && p->attr == q->attr && p->shape == q->shape &&
	       sg_shape_of(b, p->args[0]) == sg_shape_of(b, q->args[0]);
}

/* x + y, where y is a PAD. What goes to one range is added before it is padded: x = p + pad(u) + q
 * and pad(v) become p + pad(u + v) + q, with one test or loop for the range, of however many
 * slices. Looks for u a few summands deep. */
static sg_ref
add_padded(sg_build *b, sg_ref x, sg_ref y)
{
	enum { DEEP = 8 };
	const sg_node pad = sg_at(b, y);
	sg_ref later[DEEP], rest = x;
	uint32_t n = 0;

	while (n < DEEP && sg_at(b, rest).op == SG_ADD) {
		later[n] = sg_at(b, rest).args[1];
		rest = sg_at(b, rest).args[0];
		if (same_range(b, sg_node_at(b->g, later[n++]), &pad))
			break;
	}
	const bool last = n > 0 && same_range(b, sg_node_at(b->g, later[n - 1]), &pad);
	const sg_node met = sg_at(b, last ? later[n - 1] : rest);

	if (!same_range(b, &met, &pad))
		return sg_ew2(b, SG_ADD, x, y);
	y = sg_ew2(b, SG_ADD, met.args[0], pad.args[0]);
	y = sg_remake(b, &pad, &y);
	if (last)
		later[n - 1] = y;
	else
		rest = y;
	for (; n > 0; n--)
		rest = sg_ew2(b, SG_ADD, rest, later[n - 1]);
	return rest;
}

static sg_ref
add(sg_build *b, sg_ref x, sg_ref y)
{
	if (sg_at(b, y).op == SG_PAD)
		return add_padded(b, x, y);
	return sg_at(b, x).op == SG_PAD ? add_padded(b, y, x) : sg_ew2(b, SG_ADD, x, y);
}

enum { DEEP = 4 }; /* operations within a condition that are looked at */

/* Is the one true where the other is false, and the other way round? Not to know is never wrong. */
static bool
are_opposite(const sg_build *b, sg_ref x, sg_ref y, int deep)
{
	const sg_node *m = sg_node_at(b->g, x), *n = sg_node_at(b->g, y);

	if ((m->op == SG_NOT && m->args[0] == y) || (n->op == SG_NOT && n->args[0] == x))
		return true;
	if (deep == 0 ||
	    !((m->op == SG_AND && n->op == SG_OR) || (m->op == SG_OR && n->op == SG_AND)))
		return false;
	for (int k = 0; k < 2; k++)
		if (are_opposite(b, m->args[0], n->args[k], deep - 1) &&
		    are_opposite(b, m->args[1], n->args[1 - k], deep - 1))
			return true;
	return false;
}

/* Is y a case of what x is not? */
static bool
excludes(const sg_build *b, sg_ref x, sg_ref y, int deep)
{
	const sg_node *n = sg_node_at(b->g, y);

	if (are_opposite(b, x, y, DEEP))
		return true;
	return n->op == SG_AND && deep > 0 &&
	       (excludes(b, x, n->args[0], deep - 1) || excludes(b, x, n->args[1], deep - 1));
}

/* x or y. Sides of a where() within another's are x and (not x and z): together x or z, and with
 * the last of them all there is. */
static sg_ref
either(sg_build *b, sg_ref x, sg_ref y)
{
	const sg_node n = sg_at(b, y);

	if (are_opposite(b, x, y, DEEP))
		return sg_const_like(b, x, 1);
	for (uint32_t k = 0; n.op == SG_AND && k < 2; k++)
		if (are_opposite(b, x, n.args[k], DEEP))
			return either(b, x, n.args[1 - k]);
	return sg_ew2(b, SG_OR, x, y);
}

/* Where the one counts or the other; NULL: everywhere. */
static const sg_mask *
mask_of_both(sg_build *b, sg_ref node, sg_adj a, sg_adj c)
{
	sg_mask *m = SG_NEW(b->ctx, sg_mask);

	m->node = node;
	m->of_rows = a.mask->of_rows && c.mask->of_rows;
	return sg_is_value(b, node, 1) ? NULL : m;
}

/* The sum where c counts in cases alone in which a does not. */
static sg_adj
choose(sg_build *b, sg_adj a, sg_adj c)
{
	const sg_ref raw = sg_ew3(b, SG_SELECT, a.mask->node, a.raw, c.raw);
	const sg_mask *m = mask_of_both(b, either(b, a.mask->node, c.mask->node), a, c);

	return (sg_adj){raw, !m, m};
}

sg_adj
sg_adj_add(sg_build *b, sg_adj a, sg_adj c)
{
	if (!a.raw || !c.raw)
		return a.raw ? a : c;
	if (same_mask(a.mask, c.mask))
		return (sg_adj){add(b, a.raw, c.raw), a.clean && c.clean, a.mask};
	if ((a.mask && a.mask->light) || (c.mask && c.mask->light)) {
		c = sg_adj_settle(b, c);
		return sg_adj_add(b, sg_adj_settle(b, a), c);
	}
	if (complementary(a.mask, c.mask)) {
		sg_ref yes = a.mask->side ? a.raw : c.raw, no = a.mask->side ? c.raw : a.raw;

		return (sg_adj){sg_ew3(b, SG_SELECT, a.mask->cond, yes, no), !a.mask->up,
		                a.mask->up};
	}
	if (inside(a.mask, c.mask))
		return (sg_adj){add(b, sg_adj_solid(b, a), c.raw), c.clean, c.mask};
	if (inside(c.mask, a.mask))
		return (sg_adj){add(b, a.raw, sg_adj_solid(b, c)), a.clean, a.mask};
	if (excludes(b, a.mask->node, c.mask->node, DEEP))
		return choose(b, a, c);
	if (excludes(b, c.mask->node, a.mask->node, DEEP))
		return choose(b, c, a);
	const sg_ref mask = sg_ew2(b, SG_OR, a.mask->node, c.mask->node);
	sg_ref sum = sg_adj_solid(b, c);
	sum = sg_ew2(b, SG_ADD, sg_adj_solid(b, a), sum);
	return (sg_adj){sum, true, mask_of_both(b, mask, a, c)};
}

/* ---- masks through ops that mix elements ---- */

/* Any over the axes of the result whose label the operand has not; then along those that the result
 * has not. */
static sg_ref
contract_mask(sg_build *b, sg_ref r, uint32_t k, sg_ref m)
{
	const sg_node n = sg_at(b, r);
	const int64_t *w = n.attr->w, *z = w + 3 + w[0] + w[1], *own = k ? w + 3 + w[0] : w + 3;
	const uint32_t nz = (uint32_t)w[2], rank = (uint32_t)w[k];
	int64_t perm[SG_MAX_RANK], axis[SG_MAX_RANK];
	uint64_t gone = 0;
	uint32_t left = 0, kept = 0;

	/* Axis i of z becomes axis left of the reduced mask, or goes. */
	int64_t at[SG_MAX_RANK];
	for (uint32_t i = 0; i < nz; i++) {
		bool has = false;

		for (uint32_t j = 0; j < rank; j++)
			has = has || own[j] == z[i];
		at[i] = has ? (int64_t)left++ : -1;
		if (!has)
			gone |= (uint64_t)1 << i;
	}
	for (uint32_t j = 0; j < rank; j++)
		for (uint32_t i = 0; i < nz; i++)
			if (own[j] == z[i])
				perm[kept] = at[i], axis[kept++] = j;
	m = sg_transpose(b, sg_reduce(b, SG_ANY, m, gone), perm);
	return sg_broadcast(b, m, sg_shape_of(b, n.args[k]), axis);
}

/* Any over the axes of the indices; then along the axis that they index. */
static sg_ref
gather_mask(sg_build *b, sg_ref r, sg_ref m)
{
	const sg_node n = sg_at(b, r);
	const int64_t axis = n.attr->w[0], nbatch = n.attr->w[1];
	const uint32_t read = sg_shape_of(b, n.args[1])->rank - (uint32_t)nbatch;

	m = sg_reduce(b, SG_ANY, m, (((uint64_t)1 << read) - 1) << axis);
	return sg_unreduce(b, m, sg_shape_of(b, n.args[0]), (uint64_t)1 << axis);
}

/* Any of those that read the element: their number is not 0. */
static sg_ref
window_mask(sg_build *b, sg_ref r, sg_ref m)
{
	const sg_node n = sg_at(b, r);
	const sg_shape *s = sg_shape_of(b, n.args[0]);

	m = sg_unwindow(b, sg_cast(b, m, SG_I64), s, sg_windowing_of(b->sp, &n));
	return sg_ew2(b, SG_NE, m, sg_const_int(b, SG_I64, s, 0));
}

/* Any of the same matrix: an operand of linear algebra, the last two axes of which are matrices. */
static sg_ref
matrix_mask(sg_build *b, sg_ref r, sg_ref x, sg_ref m)
{
	const uint32_t rank = sg_shape_of(b, r)->rank;
	const sg_shape *s = sg_shape_of(b, x);
	const uint64_t last = (uint64_t)3 << (s->rank - 2);

	if (rank == s->rank)
		m = sg_reduce(b, SG_ANY, m, last);
	return sg_unreduce(b, m, s, last);
}

/* Any of all, for an operand of any shape. */
static sg_ref
coarse_mask(sg_build *b, sg_ref like, sg_ref m)
{
	const uint32_t rank = sg_shape_of(b, m)->rank;

	m = sg_reduce(b, SG_ANY, m, ((uint64_t)1 << rank) - 1);
	return sg_broadcast(b, m, sg_shape_of(b, like), NULL);
}

const sg_mask *
sg_mask_operand(sg_build *b, sg_ref r, uint32_t k, sg_ref m)
{
	const sg_node n = sg_at(b, r);
	const sg_ref x = n.args[k], one = sg_same_everywhere(b->g, m);
	bool want = true;

	if (one) { /* a branch that is taken as a whole */
		m = sg_reshape(b, one, sg_shape_scalar(b->sp));
		return sg_mask_plain(b, sg_broadcast(b, m, sg_shape_of(b, x), NULL));
	}
	switch ((sg_op)n.op) {
	case SG_BROADCAST:
		vjp_BROADCAST(b, r, m, &want, &m);
		break;
	case SG_PROD:
	case SG_AMAX:
	case SG_AMIN:
		m = sg_unreduce(b, m, sg_shape_of(b, x), (uint64_t)n.attr->w[0]);
		break;
	case SG_LOGSUMEXP:
	case SG_NORM:
		m = sg_over_rows(b, m, x);
		break;
	case SG_CUMSUM:
	case SG_LINREC:
	case SG_SOFTMAX:
	case SG_LOG_SOFTMAX:
		m = sg_over_rows(b, sg_reduce(b, SG_ANY, m, sg_last_axis(b, x)), x);
		break;
	case SG_CONTRACT:
		m = contract_mask(b, r, k, m);
		break;
	case SG_GATHER:
		m = gather_mask(b, r, m);
		break;
	case SG_WINDOW:
		m = window_mask(b, r, m);
		break;
	case SG_UNWINDOW: {
		const sg_shape *s = sg_shape_of(b, x);
		const sg_windowing w = sg_windowing_of(b->sp, &n);

		m = sg_window(b, m, w, s->ext[w.axis + 1], s->ext[w.at]);
		break;
	}
	case SG_SCATTER:
		m = sg_gather(b, m, n.args[0], (uint32_t)n.attr->w[0], (uint32_t)n.attr->w[1]);
		break;
	case SG_LUSOLVE:
	case SG_DET:
	case SG_LOGDET:
	case SG_CHOLESKY:
	case SG_CHOLBACK:
	case SG_TRISOLVE:
		m = matrix_mask(b, r, x, m);
		break;
	default:
		m = coarse_mask(b, x, m);
		break;
	}
	return sg_mask_plain(b, m);
}

/* ---- masks of what a loop reads from outside ---- */

bool
sg_is_given(const sg_build *b, sg_ref r)
{
	const sg_node *n = sg_node_at(b->g, r);

	while (n->op == SG_BIND || n->op == SG_RESHAPE || n->op == SG_TRANSPOSE ||
	       n->op == SG_SLICE || n->op == SG_BROADCAST || n->op == SG_CAST)
		n = sg_node_at(b->g, n->args[0]);
	return n->op == SG_INPUT || n->op == SG_SEED;
}

sg_ref
sg_mask_in_step(sg_build *b, const sg_mask *mask)
{
	sg_ref one;

	if (!mask)
		return 0;
	one = sg_same_everywhere(b->g, mask->node);
	return one ? sg_reshape(b, one, sg_shape_scalar(b->sp)) : mask->node;
}

static sg_mask *
spread(sg_build *b, sg_ref node, sg_ref x, int64_t first)
{
	const sg_shape *s = sg_shape_of(b, x);
	sg_mask *m = SG_NEW(b->ctx, sg_mask);
	int64_t axis[SG_MAX_RANK];

	for (uint32_t k = 0; k < SG_MAX_RANK; k++)
		axis[k] = first + k;
	m->node = sg_shape_of(b, node) == s ? node : sg_broadcast(b, node, s, axis);
	return m;
}

const sg_mask *
sg_mask_like(sg_build *b, sg_ref node, sg_ref x)
{
	return spread(b, node, x, 0);
}

const sg_mask *
sg_mask_of_rows(sg_build *b, sg_ref node, bool stacked, sg_ref x)
{
	sg_mask *m = spread(b, node, x, stacked ? 0 : 1);

	m->of_rows = true;
	return m;
}
