/* builtin_control.c - map: a function of one slice, applied to all. */
#include "front/builtin.h"

#include <string.h>

/* The slices along the leading axis, as placeholders. */
static bool
slices(elab *e, call_args *a, size_t n, sg_ref *xs, sg_ref *slice)
{
	for (size_t k = 0; k < n; k++) {
		const sg_span at = a->rest_ast[k] ? a->rest_ast[k]->at : e->user_at;

		if (!(xs[k] = to_tensor(e, a->rest[k], -1, at)))
			return false;
		const sg_shape *s = sg_shape_of(e->b, xs[k]), *first = sg_shape_of(e->b, xs[0]);
		if (!s->rank) {
			elab_error(e, at, "map", "'map' goes along the leading axis; a scalar has none");
			return false;
		}
		if (s->ext[0] != first->ext[0]) {
			elab_error(e, at, "map", "the leading extents of 'map' differ: %s and %s",
			           sg_shape_text(e->sp, first), sg_shape_text(e->sp, s));
			return false;
		}
		slice[k] = sg_seed(e->b, sg_type_of(e->b, xs[k]),
		                   sg_shape_make(e->sp, s->rank - 1, s->ext + 1), ++e->binds);
	}
	return true;
}

static value
stacked(elab *e, size_t n, const sg_ref *xs, const sg_ref *slice, value r, sg_span at)
{
	sg_ref one;

	if (r.kind == V_TUPLE) {
		value t = v_tuple(e, r.n, r.item);

		for (size_t k = 0; k < t.n; k++) {
			t.item[k] = stacked(e, n, xs, slice, r.item[k], at);
			if (t.item[k].kind == V_POISON)
				return POISON;
		}
		return t;
	}
	if (!(one = to_tensor(e, r, -1, at)))
		return POISON;
	if (sg_shape_of(e->b, one)->rank >= SG_MAX_USER_RANK) {
		elab_error(e, at, "rank", "the result of 'map' has more than %d axes", SG_MAX_USER_RANK);
		return POISON;
	}
	return v_tensor(sg_map_node(e->b, (uint32_t)n, xs, slice, one));
}

value
f_map(elab *e, call_args *a)
{
	const size_t n = a->nrest;
	sg_ref *xs = SG_NEW_ARRAY(e->ctx, sg_ref, n + 1), *slice = SG_NEW_ARRAY(e->ctx, sg_ref, n + 1);
	value *v = SG_NEW_ARRAY(e->ctx, value, n + 1), r;

	if (a->v[0].kind != V_FN) {
		elab_error(e, a->at[0], "map", "the first argument of 'map' is a function, not %s",
		           v_describe(e, a->v[0]));
		return POISON;
	}
	if (!n) {
		elab_error(e, e->user_at, "arity", "'map' wants a function and what it goes over");
		return POISON;
	}
	if (!slices(e, a, n, xs, slice))
		return POISON;
	const sg_span at = e->user_at;
	for (size_t k = 0; k < n; k++)
		v[k] = v_tensor(slice[k]);
	r = apply(e, a->v[0].fn, n, v, NULL);
	e->user_at = at;
	if (at.src)
		e->b->g->here = at;
	return r.kind == V_POISON ? r : stacked(e, n, xs, slice, r, at);
}
