/* branch.c - what fails at run time in a branch of an 'if' fails only where the branch is taken.
 *
 * An 'if' on a run-time condition becomes a select. Work that counts is later put under a guard
 * (pass/guard.c), but passes may compute both branches, and under map all do. An operand that could
 * make an op of a branch fail (an index, a divisor, a matrix) is therefore replaced by a harmless
 * one where the branch is not taken, and a loop does not begin, nor does its derivative, which has
 * as many steps. Derivatives are held apart by the select's masks. Under map the condition differs
 * from slice to slice, and so do the operands; a scan runs for all slices then, whatever some of
 * them take. An axis with no elements has nothing harmless to read: an extremum over it, or a
 * gather from it, is a branch on the extent, that fails where the branch is taken; what an inner
 * branch made so, an outer one leaves as it is. Nor is there a place to write to; so the axis gets
 * one, which is cut off again. */
#include "front/elab.h"

#include <string.h>

typedef struct guarding {
	elab *e;
	sg_ref flag;  /* bool scalar: is the branch taken? */
	sg_ref start; /* nodes from here on were built for the branch */
	sg_ref *map;  /* from start on */
	bool *inside; /* from start on: is it of the body of a loop in the branch? */
} guarding;

static bool
is_int(const sg_build *b, sg_ref r)
{
	return sg_type_is_int(sg_type_of(b, r));
}

/* The operand that can make the node fail; -1: none. */
static int
dangerous_operand(const sg_build *b, const sg_node *n)
{
	switch ((sg_op)n->op) {
	case SG_GATHER:
		return 1;
	case SG_SCATTER:
	case SG_WRITER:
	case SG_NONEMPTY:
	case SG_LU:
	case SG_CHOLESKY:
	case SG_TRISOLVE:
		return 0;
	case SG_FLOORDIV:
	case SG_MOD:
		return is_int(b, n->args[1]) ? 1 : -1;
	default:
		return -1;
	}
}

/* Something of r's type and shape with which the node does not fail. */
static sg_ref
harmless(sg_build *b, const sg_node *n, sg_ref r)
{
	const sg_shape *s = sg_shape_of(b, r);
	const int64_t row = s->rank >= 2 ? s->rank - 2 : 0, col = row + 1;

	if (n->op == SG_GATHER || n->op == SG_SCATTER || n->op == SG_WRITER)
		return sg_const_int(b, sg_type_of(b, r), s, 0);
	if (n->op != SG_LU && n->op != SG_CHOLESKY && n->op != SG_TRISOLVE)
		return sg_const_int(b, sg_type_of(b, r), s, 1);
	sg_ref i = sg_broadcast(b, sg_iota(b, s->ext[row]), s, &row);
	sg_ref j = sg_broadcast(b, sg_iota(b, s->ext[col]), s, &col);
	return sg_cast(b, sg_ew2(b, SG_EQ, i, j), sg_type_of(b, r));
}

static bool
is_scan_to_hold(const elab *e, const sg_node *n)
{
	return n->op == SG_SCAN && e->mapping == 0;
}

/* The extent that must not be 0 for the node to have a value; 1: it always has one. */
static sg_ext
needed_extent(const sg_build *b, const sg_node *n)
{
	const sg_ext one = sg_ext_int(b->sp, 1);
	const sg_shape *s;
	sg_ext e = one;

	switch ((sg_op)n->op) {
	case SG_GATHER:
	case SG_ARGMAX:
	case SG_ARGMIN:
		s = sg_shape_of(b, n->args[0]);
		e = s->ext[n->attr->w[0]];
		break;
	case SG_AMAX:
	case SG_AMIN:
		s = sg_shape_of(b, n->args[0]);
		for (uint32_t k = 0; k < s->rank; k++)
			if ((uint64_t)n->attr->w[0] >> k & 1)
				e = sg_ext_mul(b->sp, e, s->ext[k]);
		break;
	default:
		break;
	}
	return sg_ext_nonneg(b->sp, sg_ext_sub(b->sp, e, one)) ? one : e;
}

static bool
may_be_of_nothing(const sg_build *b, const sg_node *n)
{
	return !sg_ext_is(b->sp, needed_extent(b, n), 1);
}

static bool
may_fail(const sg_build *b, const sg_node *n)
{
	return dangerous_operand(b, n) >= 0 || may_be_of_nothing(b, n);
}

/* Might it need a guard, in some branch? */
static bool
is_danger(const sg_build *b, const sg_node *n)
{
	return n->op == SG_WHILE || n->op == SG_SCAN || may_fail(b, n);
}

/* Is there any node from start on that might need a guard? Each is looked at once, however deep an
 * 'if' it stands in. What may fail in a branch is left to no other branch, which would take it for
 * something from outside, also where nothing reads it. */
static bool
may_need_guard(elab *e, sg_ref start)
{
	sg_graph *g = e->b->g;
	const sg_ref first = e->branch ? e->branch->first : start;

	for (; e->looked < g->n; e->looked++) {
		if (e->looked == 0 || !is_danger(e->b, sg_node_at(g, e->looked)))
			continue;
		e->danger = e->looked;
		if (e->looked >= first)
			sg_node_hide(g, e->looked);
	}
	return e->danger >= start;
}

/* A loop computes what its steps have in common before it begins. So what may fail is made again in
 * a branch of a step, and not taken from outside, where it would fail whatever the steps take. */
const open_branch *
open_a_branch(elab *e)
{
	sg_graph *g = e->b->g;
	open_branch *in = SG_NEW(e->ctx, open_branch);

	*in = (open_branch){g->n, 0, e->branch};
	if (e->branch)
		*in = (open_branch){e->branch->first, e->branch->calls, e->branch};
	if (!e->looping || !may_need_guard(e, 1))
		return in;
	for (e->hidden = e->hidden ? e->hidden : 1; e->hidden <= e->danger; e->hidden++)
		if (is_danger(e->b, sg_node_at(g, e->hidden)))
			sg_node_hide(g, e->hidden);
	in->calls = e->calls;
	return in;
}

const open_branch *
branch_of_last(elab *e)
{
	return e->branch && may_need_guard(e, e->branch->first) ? e->branch : NULL;
}

bool
is_open(const elab *e, const open_branch *branch)
{
	const open_branch *in = e->branch;

	while (in && in != branch)
		in = in->up;
	return in == branch;
}

static bool
needs_guard(elab *e, const sg_needed *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const sg_node *n = sg_node_at(e->b->g, c->ref[i]);

		if (n->op == SG_WHILE || is_scan_to_hold(e, n) || may_fail(e->b, n))
			return true;
	}
	return false;
}

/* Does r need node x? Not all of a large graph is looked at. */
static bool
reads(const sg_graph *g, sg_ref r, sg_ref x, int *look)
{
	const sg_node *n = sg_node_at(g, r);

	if (r <= x || --*look < 0)
		return r == x;
	for (uint32_t k = 0; k < sg_data_args(n); k++)
		if (reads(g, n->args[k], x, look))
			return true;
	return false;
}

/* Is the node made for slices alone of an array that is no longer than the extent? Where there is
 * a slice, the extent is not 0 then. */
static bool
is_of_slices(const guarding *w, sg_ref r, sg_ext extent)
{
	const sg_build *b = w->e->b;

	for (const open_row *o = w->e->rows; o; o = o->up) {
		const sg_ext rest = sg_ext_sub(b->sp, extent, sg_shape_of(b, o->xs)->ext[0]);
		int look = 64;

		if (sg_ext_nonneg(b->sp, rest) && reads(b->g, r, o->row, &look))
			return true;
	}
	return false;
}

/* Zeros of the shape, by a gather that fails where the branch is taken, and there is nothing. */
static sg_ref
missing(const guarding *w, const sg_shape *s, sg_type t, sg_ref has)
{
	sg_build *b = w->e->b;
	const sg_ext one = sg_ext_int(b->sp, 1);
	const sg_shape *scalar = sg_shape_scalar(b->sp);
	const sg_ref none = sg_const_int(b, t, sg_shape_make(b->sp, 1, &one), 0),
		     here = sg_const_int(b, SG_I64, scalar, 0);
	const sg_ref at =
	    sg_ew3(b, SG_SELECT, has, here,
	           sg_ew3(b, SG_SELECT, w->flag, sg_const_int(b, SG_I64, scalar, 1), here));

	return sg_broadcast(b, sg_gather(b, none, at, 0, 0), s, NULL);
}

/* Zeros where the extent is 0, and an error if the branch is taken all the same. */
static sg_ref
unless_empty(const guarding *w, const sg_node *n, sg_ref r)
{
	sg_build *b = w->e->b;
	const sg_type t = sg_type_of(b, r);
	const sg_shape *s = sg_shape_of(b, r), *scalar = sg_shape_scalar(b->sp);
	const sg_ref count = sg_dim_value(b, needed_extent(b, n));
	const sg_ref zero = sg_const_int(b, SG_I64, scalar, 0),
		     one = sg_const_int(b, SG_I64, scalar, 1);
	const sg_ref some = sg_ew2(b, SG_LT, zero, count), has = sg_broadcast(b, some, s, NULL);

	if (n->op == SG_GATHER)
		return sg_ew3(b, SG_SELECT, has, r, missing(w, s, t, some));
	/* may be shared by all slices and steps, whatever they take */
	r = sg_ew3(b, SG_SELECT, has, r, sg_const_int(b, t, s, 0));
	const sg_ref checked = sg_ew1(b, SG_NONEMPTY, sg_ew3(b, SG_SELECT, w->flag, count, one));
	const sg_ref none = sg_const_int(b, t, s, 0);
	return sg_ew3(b, SG_SELECT, sg_broadcast(b, sg_ew2(b, SG_LT, zero, checked), s, NULL), r,
	              none);
}

/* Was the node under a branch on its extent already, in an 'if' within this one? */
static bool
is_sheltered(const elab *e, sg_ref r)
{
	return sg_bytes_map_get(e->sheltered, &r, sizeof r) != NULL;
}

/* No other place may take it for its own, where nothing tells if it has a value. */
static void
shelter(elab *e, sg_ref r)
{
	*sg_bytes_map_at(e->sheltered, &r, sizeof r) = e;
	sg_node_hide(e->b->g, r);
}

/* Does the node write to an axis that may have no elements? */
static bool
writes_to_none(const sg_build *b, const sg_node *n, uint32_t *axis)
{
	if (n->op != SG_SCATTER && n->op != SG_WRITER)
		return false;
	*axis = n->op == SG_WRITER ? n->shape->rank - 1 : (uint32_t)n->attr->w[0];
	return !sg_ext_nonneg(b->sp, sg_ext_sub(b->sp, n->shape->ext[*axis], sg_ext_int(b->sp, 1)));
}

/* The index in an axis of one element more, which stands before the others: i + (i >= 0) - (i < -n)
 * is out of range where i is. */
static sg_ref
one_further(sg_build *b, sg_ref index, sg_ext n)
{
	const sg_shape *s = sg_shape_of(b, index);
	const sg_ref i = sg_cast(b, index, SG_I64), zero = sg_const_int(b, SG_I64, s, 0),
		     end = sg_broadcast(b, sg_ew1(b, SG_NEG, sg_dim_value(b, n)), s, NULL);
	const sg_ref up = sg_cast(b, sg_ew2(b, SG_LE, zero, i), SG_I64),
		     down = sg_cast(b, sg_ew2(b, SG_LT, i, end), SG_I64);

	return sg_ew2(b, SG_SUB, sg_ew2(b, SG_ADD, i, up), down);
}

/* The node with an axis of one element more in front, to which goes what is not taken. */
static sg_ref
with_one_more(const guarding *w, const sg_node *n, sg_ref index, sg_ref v, uint32_t axis)
{
	sg_build *b = w->e->b;
	const sg_shape *s = sg_shape_of(b, index);
	const sg_ext extent = n->shape->ext[axis], one = sg_ext_int(b->sp, 1),
		     more = sg_ext_add(b->sp, extent, one);
	const sg_ref first = sg_const_int(b, SG_I64, s, 0), further = one_further(b, index, extent);
	const sg_ref at = sg_ew3(b, SG_SELECT, sg_broadcast(b, w->flag, s, NULL), further, first);
	sg_ext ext[SG_MAX_RANK];
	sg_ref r;

	memcpy(ext, n->shape->ext, n->shape->rank * sizeof *ext);
	ext[axis] = more;
	r = n->op == SG_WRITER ? sg_last_writer(b, at, more)
	                       : sg_scatter(b, sg_shape_make(b->sp, n->shape->rank, ext), at, v,
	                                    axis, (uint32_t)n->attr->w[1]);
	return sg_slice_axis(b, r, axis, one, one, extent);
}

/* old: where the node stands. held: does a scan begin in the branch itself? One within another
 * begins only if that does. */
static sg_ref
guarded(guarding *w, sg_ref old, const sg_node *n, sg_ref *arg, bool held)
{
	sg_build *b = w->e->b;
	const int k = dangerous_operand(b, n);
	const sg_ref index = k >= 0 ? arg[k] : 0;
	sg_node moved = *n;
	uint32_t axis;
	sg_ref r;

	if (k >= 0) {
		const sg_ref flag = sg_broadcast(b, w->flag, sg_shape_of(b, arg[k]), NULL);

		arg[k] = sg_ew3(b, SG_SELECT, flag, arg[k], harmless(b, n, arg[k]));
	}
	if ((n->op == SG_LUSOLVE || n->op == SG_DET || n->op == SG_LOGDET) &&
	    sg_node_at(b->g, arg[1])->op == SG_LU)
		arg[0] = sg_node_at(b->g, arg[1])->args[0]; /* what was factored */
	if (n->op == SG_SCAN && held)
		arg[0] = sg_ew3(b, SG_SELECT, w->flag, arg[0],
		                sg_const_int(b, SG_I64, sg_shape_of(b, arg[0]), 0));
	if (n->op == SG_WHILE) {
		moved.args = arg;
		sg_loop l = sg_loop_parts(&moved);
		l.cond = sg_ew2(b, SG_AND, w->flag, l.cond);
		return sg_loop_make(b, &l);
	}
	r = sg_remake(b, n, arg);
	if (writes_to_none(b, n, &axis) && !is_of_slices(w, r, n->shape->ext[axis]))
		return with_one_more(w, n, index, arg[n->nargs - 1], axis);
	if (!may_be_of_nothing(b, n) || is_of_slices(w, r, needed_extent(b, n)))
		return r;
	shelter(w->e, r);
	return is_sheltered(w->e, old) ? r : unless_empty(w, n, r);
}

/* Does the node read what stands for a carry or a slice of a loop of the branch? */
static bool
is_inside(const guarding *w, const sg_node *n)
{
	for (uint32_t k = 0; k < sg_data_args(n); k++)
		if (n->args[k] >= w->start && w->inside[n->args[k] - w->start])
			return true;
	return n->op == SG_SEED;
}

/* The roots of a branch, built again so that nothing in them fails where the branch is not taken.
 */
static void
guard_roots(elab *e, sg_ref flag, sg_ref start, size_t nroots, sg_ref *root)
{
	sg_graph *g = e->b->g;
	const sg_ref end = g->n;
	guarding w = {.e = e, .flag = flag, .start = start};
	sg_needed c;

	if (!may_need_guard(e, start))
		return;
	c = sg_graph_needed(g, start, nroots, root);
	if (!needs_guard(e, &c))
		return;
	w.map = SG_NEW_ARRAY(e->ctx, sg_ref, end - start + 1);
	w.inside = SG_NEW_ARRAY(e->ctx, bool, end - start + 1);
	for (size_t i = 0; i < c.n; i++) {
		const sg_ref r = c.ref[i];
		const sg_node n = *sg_node_at(g, r);
		sg_ref *arg = SG_NEW_ARRAY(e->ctx, sg_ref, n.nargs + 1);

		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = n.args[k] >= start ? w.map[n.args[k] - start] : n.args[k];
		w.inside[r - start] = is_inside(&w, &n);
		g->here = g->span[r];
		w.map[r - start] =
		    guarded(&w, r, &n, arg, is_scan_to_hold(e, &n) && !w.inside[r - start]);
		if (g->name[r] && !g->name[w.map[r - start]])
			g->name[w.map[r - start]] = g->name[r];
	}
	for (size_t k = 0; k < nroots; k++)
		if (root[k] >= start)
			root[k] = w.map[root[k] - start];
}

static void
tensors_of(elab *e, value v, sg_ref **root, size_t *n, size_t *cap)
{
	if (v.kind == V_TENSOR)
		SG_PUSH(e->ctx, *root, *n, *cap, v.ref);
	for (size_t k = 0; v.kind == V_TUPLE && k < v.n; k++)
		tensors_of(e, v.item[k], root, n, cap);
}

static value
with_tensors(elab *e, value v, const sg_ref **root)
{
	value out = v;

	if (v.kind == V_TENSOR)
		return v_tensor(*(*root)++);
	if (v.kind != V_TUPLE)
		return v;
	out = v_tuple(e, v.n, v.item);
	for (size_t k = 0; k < v.n; k++)
		out.item[k] = with_tensors(e, v.item[k], root);
	return out;
}

value
guard_branch(elab *e, sg_ref flag, sg_ref start, value v)
{
	sg_ref *root = NULL;
	size_t n = 0, cap = 0;

	tensors_of(e, v, &root, &n, &cap);
	if (!n)
		return v;
	guard_roots(e, flag, start, n, root);
	const sg_ref *next = root;
	return with_tensors(e, v, &next);
}
