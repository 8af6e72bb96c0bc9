/* narrow.c - tangents of many directions that come through a few numbers.
 *
 * A step of a loop reads three angles, makes a matrix of them, and moves twenty tangents along.
 * Each of the twenty goes through all that lies between the angles and the matrix, though what lies
 * there has but three slopes. Where something depends on the tangent of a few numbers alone, and
 * linearly, it is these slopes times that tangent: one product for each direction, behind sweeps
 * for the few. It is done where that takes far fewer operations. */
#include "pass/elements.h"
#include "pass/small.h"

enum {
	MOST_NARROW = 16, /* numbers */
	MANY = 64,        /* what a number of directions that is not known counts as */
};

/* Operations that are left, of those there were, at most. */
static const double GAIN = 0.6;

typedef struct narrow {
	sg_build *b;
	size_t nroots;
	const sg_ref *root;
	sg_cone cone;
	const bool *active; /* by member: it has directions */
	sg_ref seed;        /* the few numbers */
	bool *linear;       /* by member: it depends on the seed alone, linearly */
	bool *ends;         /* by member: it is linear, and something else reads it */
} narrow;

static bool
is_linear(const narrow *w, sg_ref r)
{
	return sg_cone_has(&w->cone, r) && w->linear[sg_cone_at(&w->cone, r)];
}

static bool
has_directions(const narrow *w, sg_ref r)
{
	return sg_cone_has(&w->cone, r) && w->active[sg_cone_at(&w->cone, r)];
}

/* Operands first .. n-1 are linear or zero, and one is linear. */
static bool
all_linear(const narrow *w, const sg_node *n, uint32_t first)
{
	bool any = false;

	for (uint32_t k = first; k < n->nargs; k++) {
		const bool is = is_linear(w, n->args[k]);

		if (!is && !sg_is_value(w->b, n->args[k], 0))
			return false;
		any = any || is;
	}
	return any;
}

static bool
one_linear(const narrow *w, const sg_node *n)
{
	for (uint32_t k = 0; k < 2; k++)
		if (is_linear(w, n->args[k]) && !has_directions(w, n->args[1 - k]))
			return true;
	return false;
}

static bool
keeps_linear(const narrow *w, const sg_node *n)
{
	switch (n->op) {
	case SG_NEG:
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_BROADCAST:
	case SG_SLICE:
	case SG_PAD:
	case SG_SUM:
		return is_linear(w, n->args[0]);
	case SG_ADD:
	case SG_SUB:
	case SG_CONCAT:
		return all_linear(w, n, 0);
	case SG_SELECT:
		return !has_directions(w, n->args[0]) && all_linear(w, n, 1);
	case SG_MUL:
	case SG_CONTRACT:
		return one_linear(w, n);
	case SG_DIV:
		return is_linear(w, n->args[0]) && !has_directions(w, n->args[1]);
	default:
		return false;
	}
}

static void
find_linear(narrow *w)
{
	w->linear = SG_NEW_ARRAY(w->b->ctx, bool, w->cone.n + 1);
	w->ends = SG_NEW_ARRAY(w->b->ctx, bool, w->cone.n + 1);
	for (uint32_t i = 0; i < w->cone.n; i++) {
		const sg_ref r = w->cone.member[i];
		const sg_node n = sg_at(w->b, r);

		w->linear[i] = w->active[i] && (r == w->seed || keeps_linear(w, &n));
		for (uint32_t k = 0; k < n.nargs && !w->linear[i]; k++)
			if (is_linear(w, n.args[k]))
				w->ends[sg_cone_at(&w->cone, n.args[k])] = true;
	}
	for (size_t i = 0; i < w->nroots; i++)
		if (w->root[i] && is_linear(w, w->root[i]))
			w->ends[sg_cone_at(&w->cone, w->root[i])] = true;
}

/* Is one product for each direction cheaper than all that it stands for? */
static bool
is_gain(const narrow *w, uint32_t few, double directions)
{
	double between = 0, products = 0;

	for (uint32_t i = 0; i < w->cone.n; i++) {
		const sg_ref r = w->cone.member[i];
		const uint32_t size = sg_count_of(w->b->sp, sg_shape_of(w->b, r), SG_MOST_ITEMS);
		int64_t v;

		if (!w->linear[i] || r == w->seed)
			continue;
		if (size == 0 || !sg_ext_const(w->b->sp, sg_node_cost(w->b, r), &v))
			return false;
		between += (double)v;
		products += w->ends[i] ? 2.0 * few * size : 0;
	}
	return few * between + directions * products < GAIN * directions * between;
}

/* [seed.shape + r.shape], times the directions' tangents of the seed; 0: it has no such form. */
static sg_ref
product(const narrow *w, sg_ref r, sg_ref tangents)
{
	sg_build *b = w->b;
	const uint32_t ns = sg_shape_of(b, w->seed)->rank, nr = sg_shape_of(b, r)->rank;
	int64_t label[3][SG_MAX_RANK];
	sg_ref slopes;

	if (ns + nr > SG_MAX_RANK || nr == SG_MAX_RANK ||
	    !(slopes = sg_slopes_by_elements(b, r, w->seed)))
		return 0;
	label[0][0] = label[2][0] = 0;
	for (uint32_t k = 0; k < ns; k++)
		label[0][1 + k] = label[1][k] = 1 + (int64_t)k;
	for (uint32_t k = 0; k < nr; k++)
		label[1][ns + k] = label[2][1 + k] = 1 + (int64_t)(ns + k);
	return sg_contract(b, tangents, label[0], slopes, label[1], nr + 1, label[2]);
}

size_t
sg_narrow(sg_build *b, size_t nroots, const sg_ref *root, size_t n, const sg_ref *from,
          const sg_ref *to, sg_ext size, sg_ref **end, sg_ref **is)
{
	narrow w = {.b = b, .nroots = nroots, .root = root};
	size_t found = 0, cap[2] = {0, 0};
	int64_t directions = MANY;

	(void)sg_ext_const(b->sp, size, &directions);
	w.cone = sg_cone_make(b, SG_FOLLOW_ALL, nroots, root, sg_lowest(n, from));
	w.active = sg_cone_active(b, &w.cone, n, from);
	for (size_t k = 0; k < n; k++) {
		const uint32_t few = sg_count_of(b->sp, sg_shape_of(b, from[k]), MOST_NARROW);

		if (few == 0 || 2 * few > directions || !sg_cone_has(&w.cone, from[k]) ||
		    !sg_type_is_float(sg_type_of(b, from[k])))
			continue;
		w.seed = from[k];
		find_linear(&w);
		if (w.ends[sg_cone_at(&w.cone, w.seed)] || !is_gain(&w, few, (double)directions))
			continue;
		for (uint32_t i = 0; i < w.cone.n; i++) {
			const sg_ref p = w.ends[i] ? product(&w, w.cone.member[i], to[k]) : 0;
			size_t at = found;

			if (!p)
				continue;
			SG_PUSH(b->ctx, *end, at, cap[0], w.cone.member[i]);
			SG_PUSH(b->ctx, *is, found, cap[1], p);
		}
	}
	return found;
}
