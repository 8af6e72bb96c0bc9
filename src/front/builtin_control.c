/* builtin_control.c - map, scan, while: functions applied to slices, and repeated. */
#include "front/builtin.h"

#include <math.h>
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

static void
open_rows(elab *e, size_t n, const sg_ref *row, const sg_ref *xs)
{
	for (size_t k = 0; k < n; k++) {
		open_row *o = sg_alloc(e->ctx, sizeof *o);

		*o = (open_row){row[k], xs[k], e->rows};
		e->rows = o;
	}
}

value
f_map(elab *e, call_args *a)
{
	open_row *const outside = e->rows;
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
	e->mapping++;
	e->looping++;
	open_rows(e, n, slice, xs);
	r = apply(e, a->v[0].fn, n, v, NULL);
	e->rows = outside;
	e->looping--;
	e->mapping--;
	e->user_at = at;
	if (at.src)
		e->b->g->here = at;
	return r.kind == V_POISON ? r : stacked(e, n, xs, slice, r, at);
}

/* ---- scan and while ---- */

/* The items of a tuple, of tuples within it too, in order. */
static void
flatten(elab *e, value v, value **item, size_t *n, size_t *cap)
{
	if (v.kind != V_TUPLE) {
		SG_PUSH(e->ctx, *item, *n, *cap, v);
		return;
	}
	for (size_t k = 0; k < v.n; k++)
		flatten(e, v.item[k], item, n, cap);
}

typedef struct loop_parts {
	const char *what; /* "'scan'" */
	closure *body;
	sg_span at, carry_at;
	value *init; /* as given: literals are weak */
	size_t nc;
	int *type;   /* of each carry; -1: not known yet */
	sg_ref *start, *cparam, *xs, *xparam;
	size_t nx;
	value *result; /* of one step: carries, then what is stacked */
	size_t nresult;
} loop_parts;

static bool
read_carry(elab *e, call_args *a, int k, loop_parts *p)
{
	size_t cap = 0;

	p->carry_at = a->at[k];
	flatten(e, a->v[k], &p->init, &p->nc, &cap);
	p->type = SG_NEW_ARRAY(e->ctx, int, p->nc + 1);
	p->start = SG_NEW_ARRAY(e->ctx, sg_ref, p->nc + 1);
	p->cparam = SG_NEW_ARRAY(e->ctx, sg_ref, p->nc + 1);
	if (!p->nc) {
		elab_error(e, a->at[k], "carry", "%s without a carry", p->what);
		return false;
	}
	for (size_t i = 0; i < p->nc; i++) {
		p->type[i] = -1;
		if (!v_is_number(p->init[i]) && p->init[i].kind != V_TENSOR && p->init[i].kind != V_EXT) {
			elab_error(e, a->at[k], "carry", "a carry is a tensor, not %s",
			           v_describe(e, p->init[i]));
			return false;
		}
	}
	return true;
}

static bool
function_argument(elab *e, call_args *a, int k, const char *what, closure **f)
{
	if (a->v[k].kind != V_FN) {
		elab_error(e, a->at[k], "carry", "%s of '%s' is a function, not %s", what, a->b->name,
		           v_describe(e, a->v[k]));
		return false;
	}
	*f = a->v[k].fn;
	return true;
}

/* Placeholders for the carries, of the types known so far. */
static bool
start_carries(elab *e, loop_parts *p)
{
	for (size_t k = 0; k < p->nc; k++) {
		if (!(p->start[k] = to_tensor(e, p->init[k], p->type[k], p->carry_at)))
			return false;
		p->type[k] = (int)sg_type_of(e->b, p->start[k]);
		p->cparam[k] = sg_seed(e->b, (sg_type)p->type[k], sg_shape_of(e->b, p->start[k]),
		                       ++e->binds);
	}
	return true;
}

static value
call_step(elab *e, closure *f, size_t nc, const sg_ref *c, size_t nx, const sg_ref *x)
{
	value *v = SG_NEW_ARRAY(e->ctx, value, nc + nx + 1);

	for (size_t k = 0; k < nc + nx; k++)
		v[k] = v_tensor(k < nc ? c[k] : x[k - nc]);
	e->looping++;
	const value r = apply(e, f, nc + nx, v, NULL);
	e->looping--;
	return r;
}

/* One step, again while a literal's carry turns out to be of another type. */
static bool
try_step(elab *e, loop_parts *p)
{
	for (int tries = 0;; tries++) {
		size_t cap = 0;
		bool settled = true;

		if (!start_carries(e, p))
			return false;
		value r = call_step(e, p->body, p->nc, p->cparam, p->nx, p->xparam);
		e->user_at = p->at;
		if (r.kind == V_POISON)
			return false;
		p->result = NULL;
		p->nresult = 0;
		flatten(e, r, &p->result, &p->nresult, &cap);
		if (p->nresult < p->nc) {
			sg_diag *d = elab_error(e, p->at, "carry", "the step of %s returns %zu value%s for %zu carr%s",
			                        p->what, p->nresult, p->nresult == 1 ? "" : "s", p->nc,
			                        p->nc == 1 ? "y" : "ies");
			sg_add_hint(e->ctx, d, "a step returns the next carry, then what is to be stacked");
			return false;
		}
		for (size_t k = 0; k < p->nc; k++)
			if (v_is_number(p->init[k]) && p->result[k].kind == V_TENSOR &&
			    (int)sg_type_of(e->b, p->result[k].ref) != p->type[k]) {
				p->type[k] = (int)sg_type_of(e->b, p->result[k].ref);
				settled = false;
			}
		if (settled || tries == 3)
			return true;
	}
}

static bool
run_step(elab *e, loop_parts *p)
{
	open_row *const outside = e->rows;

	open_rows(e, p->nx, p->xparam, p->xs);
	const bool done = try_step(e, p);
	e->rows = outside;
	return done;
}

/* The next carries as tensors of the carries' types and shapes. */
static bool
next_carries(elab *e, loop_parts *p, sg_ref *next)
{
	for (size_t k = 0; k < p->nc; k++) {
		const value v = p->result[k];
		const sg_type t = (sg_type)p->type[k];

		if (!(next[k] = to_tensor(e, v, v_is_number(v) ? (int)t : -1, p->at)))
			return false;
		if (sg_type_of(e->b, next[k]) != t ||
		    sg_shape_of(e->b, next[k]) != sg_shape_of(e->b, p->cparam[k])) {
			sg_diag *d = elab_error(e, p->at, "carry", "carry %zu of %s changes from %s to %s",
			                        k + 1, p->what, v_describe(e, v_tensor(p->cparam[k])),
			                        v_describe(e, v_tensor(next[k])));
			sg_add_note(e->ctx, d, p->carry_at, "the carry starts here");
			return false;
		}
	}
	return true;
}

static value
loop_results(elab *e, sg_ref loop, size_t n)
{
	value *item = SG_NEW_ARRAY(e->ctx, value, n + 1);

	for (size_t k = 0; k < n; k++)
		item[k] = v_tensor(sg_pick(e->b, loop, (uint32_t)k));
	return n == 1 ? item[0] : v_tuple(e, n, item);
}

static bool
read_over(elab *e, call_args *a, int k, loop_parts *p)
{
	value *item = NULL;
	size_t cap = 0;

	flatten(e, a->v[k], &item, &p->nx, &cap);
	p->xs = SG_NEW_ARRAY(e->ctx, sg_ref, p->nx + 1);
	p->xparam = SG_NEW_ARRAY(e->ctx, sg_ref, p->nx + 1);
	if (!p->nx) {
		elab_error(e, a->at[k], "carry", "'scan' goes over something");
		return false;
	}
	for (size_t i = 0; i < p->nx; i++) {
		if (!(p->xs[i] = to_tensor(e, item[i], -1, a->at[k])))
			return false;
		const sg_shape *s = sg_shape_of(e->b, p->xs[i]), *first = sg_shape_of(e->b, p->xs[0]);
		if (!s->rank || s->ext[0] != first->ext[0]) {
			elab_error(e, a->at[k], "carry",
			           s->rank ? "the leading extents of 'over' differ: %s and %s"
			                   : "'scan' goes along the leading axis; %s has none (%s)",
			           sg_shape_text(e->sp, s->rank ? first : s), sg_shape_text(e->sp, s));
			return false;
		}
		p->xparam[i] = sg_seed(e->b, sg_type_of(e->b, p->xs[i]),
		                       sg_shape_make(e->sp, s->rank - 1, s->ext + 1), ++e->binds);
	}
	return true;
}

/* checkpoint=k or "auto"; 0 where it is not given. */
static bool
read_checkpoint(elab *e, call_args *a, int k, sg_ext length, int64_t *every)
{
	enum { UNKNOWN_LENGTH = 64 };
	int64_t n;

	*every = 0;
	if (!given(a, k))
		return true;
	if (a->v[k].kind == V_STRING && strcmp(a->v[k].s, "auto") == 0) {
		*every = sg_ext_const(e->sp, length, &n) ? (int64_t)ceil(sqrt((double)n))
		                                         : UNKNOWN_LENGTH;
		return true;
	}
	if (!need_int(e, a->v[k], a->at[k], "checkpoint", every))
		return false;
	if (*every < 1)
		elab_error(e, a->at[k], "argument", "checkpoint must be 1 or more, or \"auto\"");
	return *every >= 1;
}

static const sg_shape *
led(elab *e, size_t n, const sg_ext *lead, const sg_shape *s, uint32_t from)
{
	sg_ext ext[SG_MAX_RANK + 2];

	memcpy(ext, lead, n * sizeof *ext);
	memcpy(ext + n, s->ext + from, (s->rank - from) * sizeof *ext);
	return sg_shape_make(e->sp, (uint32_t)n + s->rank - from, ext);
}

/* The scan l in segments of k steps: a scan over segments, whose step is a scan of k steps, the
 * last of fewer. Reverse mode then keeps the carries between segments, and those of one segment at
 * a time. The carries come first, steps done behind them, then what is stacked, by segments. */
static sg_ref
over_segments(elab *e, const sg_loop *l, int64_t k)
{
	sg_build *b = e->b;
	const sg_ext one = sg_ext_int(e->sp, 1), zero = sg_ext_int(e->sp, 0), ke = sg_ext_int(e->sp, k);
	const sg_ext up = sg_ext_add(e->sp, l->length, sg_ext_int(e->sp, k - 1));
	const sg_ext segments = sg_ext_div(e->sp, up, ke), padded = sg_ext_mul(e->sp, segments, ke);
	const sg_ext lead[2] = {segments, ke};
	const sg_shape *scalar = sg_shape_scalar(e->sp);
	const uint32_t nc = l->nc + 1;
	sg_ref *init = SG_NEW_ARRAY(e->ctx, sg_ref, nc), *param = SG_NEW_ARRAY(e->ctx, sg_ref, nc);
	sg_ref *next = SG_NEW_ARRAY(e->ctx, sg_ref, nc), *xs = SG_NEW_ARRAY(e->ctx, sg_ref, l->nx);
	sg_ref *segment = SG_NEW_ARRAY(e->ctx, sg_ref, l->nx), *out = SG_NEW_ARRAY(e->ctx, sg_ref, l->ns + 1);
	sg_loop inner = *l, outer = *l;

	for (uint32_t i = 0; i < l->nc; i++) {
		init[i] = l->init[i];
		param[i] = sg_seed(b, sg_type_of(b, init[i]), sg_shape_of(b, init[i]), ++e->binds);
	}
	init[l->nc] = sg_const_int(b, SG_I64, scalar, 0); /* steps done */
	param[l->nc] = sg_seed(b, SG_I64, scalar, ++e->binds);
	for (uint32_t i = 0; i < l->nx; i++) {
		const sg_shape *s = sg_shape_of(b, l->xs[i]);

		xs[i] = sg_pad_axis(b, l->xs[i], 0, zero, one, padded);
		xs[i] = sg_reshape(b, xs[i], led(e, 2, lead, s, 1));
		segment[i] = sg_seed(b, sg_type_of(b, xs[i]), led(e, 1, &ke, s, 1), ++e->binds);
	}
	inner.length = ke;
	const sg_ref left = sg_ew2(b, SG_SUB, l->count, param[l->nc]);
	inner.count = sg_ew2(b, SG_MIN, sg_const_int(b, SG_I64, scalar, k), left);
	inner.init = param;
	inner.xs = segment;
	const sg_ref steps = sg_loop_make(b, &inner);
	for (uint32_t i = 0; i < l->nc; i++)
		next[i] = sg_pick(b, steps, i);
	next[l->nc] = sg_ew2(b, SG_ADD, param[l->nc], sg_const_int(b, SG_I64, scalar, k));
	for (uint32_t i = 0; i < l->ns; i++)
		out[i] = sg_pick(b, steps, l->nc + i);
	outer.nc = nc;
	outer.length = segments;
	outer.count = sg_dim_value(b, segments);
	outer.init = init;
	outer.cparam = param;
	outer.next = next;
	outer.xs = xs;
	outer.xparam = segment;
	outer.out = out;
	return sg_loop_make(b, &outer);
}

static sg_loop
part_of(elab *e, const sg_loop *l, sg_ext from, sg_ext length)
{
	sg_ref *xs = SG_NEW_ARRAY(e->ctx, sg_ref, l->nx);
	sg_loop part = *l;

	for (uint32_t i = 0; i < l->nx; i++)
		xs[i] = sg_slice_axis(e->b, l->xs[i], 0, from, sg_ext_int(e->sp, 1), length);
	part.xs = xs;
	part.length = length;
	part.count = sg_dim_value(e->b, length);
	return part;
}

/* The scan l, which stacks nothing: whole segments of k steps, then the steps that are left. Were
 * all of xs to be cut into segments, it would be copied, with zeros behind. */
static sg_ref
over_whole_segments(elab *e, const sg_loop *l, int64_t k)
{
	const sg_ext ke = sg_ext_int(e->sp, k), zero = sg_ext_int(e->sp, 0);
	const sg_ext whole = sg_ext_mul(e->sp, sg_ext_div(e->sp, l->length, ke), ke);
	const sg_loop most = part_of(e, l, zero, whole);
	sg_loop rest = part_of(e, l, whole, sg_ext_sub(e->sp, l->length, whole));
	sg_ref *init = SG_NEW_ARRAY(e->ctx, sg_ref, l->nc);
	const sg_ref all = over_segments(e, &most, k);

	for (uint32_t i = 0; i < l->nc; i++)
		init[i] = sg_pick(e->b, all, i);
	rest.init = init;
	return sg_loop_make(e->b, &rest);
}

static value
in_segments(elab *e, const sg_loop *l, int64_t k)
{
	sg_build *b = e->b;
	const sg_ext one = sg_ext_int(e->sp, 1), zero = sg_ext_int(e->sp, 0),
		     ke = sg_ext_int(e->sp, k);
	const sg_ext up = sg_ext_add(e->sp, l->length, sg_ext_int(e->sp, k - 1));
	const sg_ext padded = sg_ext_mul(e->sp, sg_ext_div(e->sp, up, ke), ke);
	const bool apart = l->ns == 0 && padded != l->length;
	const sg_ref all = apart ? over_whole_segments(e, l, k) : over_segments(e, l, k);
	const uint32_t nc = l->nc + 1;
	value *item = SG_NEW_ARRAY(e->ctx, value, l->nc + l->ns + 1);
	for (uint32_t i = 0; i < l->nc; i++)
		item[i] = v_tensor(sg_pick(b, all, i));
	for (uint32_t i = 0; i < l->ns; i++) {
		sg_ref r = sg_pick(b, all, nc + i);

		r = sg_reshape(b, r, led(e, 1, &padded, sg_shape_of(b, r), 2));
		item[l->nc + i] = v_tensor(sg_slice_axis(b, r, 0, zero, one, l->length));
	}
	return l->nc + l->ns == 1 ? item[0] : v_tuple(e, l->nc + l->ns, item);
}

value
f_scan(elab *e, call_args *a)
{
	loop_parts p = {.what = "'scan'", .at = a->call ? a->call->at : e->user_at};
	sg_ref *next, *out;
	int64_t every, n;

	if (!function_argument(e, a, 0, "the step", &p.body) || !read_carry(e, a, 1, &p) ||
	    !read_over(e, a, 2, &p) ||
	    !read_checkpoint(e, a, 3, sg_shape_of(e->b, p.xs[0])->ext[0], &every) || !run_step(e, &p))
		return POISON;
	const size_t ns = p.nresult - p.nc;
	next = SG_NEW_ARRAY(e->ctx, sg_ref, p.nc + 1);
	out = SG_NEW_ARRAY(e->ctx, sg_ref, ns + 1);
	if (!next_carries(e, &p, next))
		return POISON;
	for (size_t k = 0; k < ns; k++) {
		if (!(out[k] = to_tensor(e, p.result[p.nc + k], -1, p.at)))
			return POISON;
		if (sg_shape_of(e->b, out[k])->rank >= SG_MAX_USER_RANK) {
			elab_error(e, p.at, "rank", "the stacked result has more than %d axes",
			           SG_MAX_USER_RANK);
			return POISON;
		}
	}
	if (p.at.src != e->prelude_src)
		e->b->g->here = p.at;
	const sg_ext length = sg_shape_of(e->b, p.xs[0])->ext[0];
	const sg_loop l = {.op = SG_SCAN, .nc = (uint32_t)p.nc, .nx = (uint32_t)p.nx,
	                   .ns = (uint32_t)ns, .length = length, .count = sg_dim_value(e->b, length),
	                   .init = p.start, .xs = p.xs, .cparam = p.cparam, .xparam = p.xparam,
	                   .next = next, .out = out};
	if (every && !(sg_ext_const(e->sp, length, &n) && n <= every))
		return in_segments(e, &l, every);
	return loop_results(e, sg_loop_make(e->b, &l), p.nc + ns);
}

value
f_while(elab *e, call_args *a)
{
	loop_parts p = {.what = "'while'", .at = a->call ? a->call->at : e->user_at};
	closure *test;
	sg_ext limit = sg_ext_int(e->sp, 0);
	sg_ref *next, cond;
	int64_t steps;

	if (!function_argument(e, a, 0, "the condition", &test) ||
	    !function_argument(e, a, 1, "the body", &p.body) || !read_carry(e, a, 2, &p) ||
	    (given(a, 3) && a->v[3].kind != V_NONE &&
	     !need_ext(e, a->v[3], a->at[3], "the limit", &limit)) ||
	    !run_step(e, &p))
		return POISON;
	if (sg_ext_const(e->sp, limit, &steps) && steps < 0) {
		elab_error(e, a->at[3], "extent", "a negative limit: %lld", (long long)steps);
		return POISON;
	}
	if (p.nresult != p.nc) {
		elab_error(e, p.at, "carry", "the body of 'while' returns %zu values for %zu carr%s",
		           p.nresult, p.nc, p.nc == 1 ? "y" : "ies");
		return POISON;
	}
	next = SG_NEW_ARRAY(e->ctx, sg_ref, p.nc + 1);
	if (!next_carries(e, &p, next))
		return POISON;
	value c = call_step(e, test, p.nc, p.cparam, 0, NULL);
	e->user_at = p.at;
	if (c.kind == V_POISON || !(cond = to_tensor(e, c, -1, p.at)))
		return POISON;
	if (sg_type_of(e->b, cond) != SG_BOOL || sg_shape_of(e->b, cond)->rank) {
		sg_diag *d = elab_error(e, a->at[0], "condition",
		                        "the condition of 'while' must be a bool scalar, not %s",
		                        v_describe(e, c));
		if (sg_type_of(e->b, cond) == SG_BOOL)
			sg_add_hint(e->ctx, d, "any(c) or all(c) is a scalar");
		return POISON;
	}
	if (p.at.src != e->prelude_src)
		e->b->g->here = p.at;
	const bool limited = given(a, 3) && a->v[3].kind != V_NONE;
	if (limited)
		demand_nonneg(e, limit, a->at[3]);
	const sg_loop l = {.op = SG_WHILE, .nc = (uint32_t)p.nc, .limited = limited, .length = limit,
	                   .init = p.start, .cparam = p.cparam, .cond = cond, .next = next};
	return loop_results(e, sg_loop_make(e->b, &l), p.nc);
}
