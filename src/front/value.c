/* value.c - compile-time values: making, describing, promoting, broadcasting. */
#include "front/elab.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- diagnostics ---- */

static sg_diag *
report(elab *e, bool error, sg_span at, const char *code, const char *text)
{
	const bool inside = at.src == e->prelude_src || !at.src;
	const sg_span shown = inside ? e->user_at : at;
	const frame *f = e->frame;
	const char *ours = NULL; /* the prelude's function that the user called */
	sg_diag *d;

	for (; f && f->prelude; f = f->up)
		ours = f->name;
	if (inside && ours)
		text = sg_text(e->ctx, "in '%s': %s", ours, text);
	d = error ? sg_error(e->ctx, shown, code, "%s", text)
	          : sg_warning(e->ctx, shown, code, "%s", text);
	sg_span last = shown;
	for (int depth = 0; f && depth < 3; f = f->up) {
		if (!f->at.src || f->at.src == e->prelude_src ||
		    (f->at.src == last.src && f->at.lo == last.lo))
			continue;
		if (f->name)
			sg_add_note(e->ctx, d, f->at, "in this call of '%s'", f->name);
		else
			sg_add_note(e->ctx, d, f->at, "in this call");
		last = f->at;
		depth++;
	}
	return d;
}

#define FORMAT(e, fmt, out)                                                                        \
	do {                                                                                       \
		va_list ap;                                                                        \
		char *line = sg_alloc((e)->ctx, 2048);                                             \
		va_start(ap, fmt);                                                                 \
		vsnprintf(line, 2048, fmt, ap);                                                    \
		va_end(ap);                                                                        \
		(out) = line;                                                                      \
	} while (0)

sg_diag *
elab_error(elab *e, sg_span at, const char *code, const char *fmt, ...)
{
	const char *text;

	FORMAT(e, fmt, text);
	return report(e, true, at, code, text);
}

sg_diag *
elab_warning(elab *e, sg_span at, const char *code, const char *fmt, ...)
{
	const char *text;

	FORMAT(e, fmt, text);
	return report(e, false, at, code, text);
}

/* ---- making ---- */

value v_int(int64_t i) { return (value){.kind = V_INT, .i = i}; }
value v_float(double f) { return (value){.kind = V_FLOAT, .f = f}; }
value v_bool(bool b) { return (value){.kind = V_BOOL, .i = b}; }
value v_string(const char *s) { return (value){.kind = V_STRING, .s = s}; }
value v_tensor(sg_ref r) { return r ? (value){.kind = V_TENSOR, .ref = r} : POISON; }

value
v_ext(elab *e, sg_ext x)
{
	int64_t i;

	if (sg_ext_const(e->sp, x, &i))
		return v_int(i);
	return (value){.kind = V_EXT, .ext = x};
}

value
v_tuple(elab *e, size_t n, const value *item)
{
	return (value){.kind = V_TUPLE,
	               .n = n,
	               .item = n ? sg_copy(e->ctx, item, n * sizeof *item) : NULL};
}

static const char *
number_text(elab *e, double x)
{
	sg_buf b;

	sg_buf_init(&b, e->ctx);
	sg_buf_num(&b, x, false);
	return sg_buf_text(&b);
}

const char *
shape_words(elab *e, const sg_shape *s)
{
	return s->rank ? sg_shape_text(e->sp, s) : "a scalar";
}

static const char *
describe_tensor(elab *e, sg_ref r)
{
	const char *type = sg_type_name(sg_type_of(e->b, r));
	const sg_shape *s = sg_shape_of(e->b, r);

	if (!s->rank)
		return sg_text(e->ctx, "%s %s scalar", type[0] == 'b' ? "a" : "an", type);
	return sg_text(e->ctx, "%s%s", type, sg_shape_text(e->sp, s));
}

static const char *
describe_function(elab *e, const closure *f)
{
	const char *name = f->builtin ? f->builtin->name : f->fn->name;

	return name ? sg_text(e->ctx, "the function '%s'", name) : "a function";
}

const char *
v_describe(elab *e, value v)
{
	switch (v.kind) {
	case V_INT: return sg_text(e->ctx, "the integer %lld", (long long)v.i);
	case V_FLOAT: return sg_text(e->ctx, "the number %s", number_text(e, v.f));
	case V_BOOL: return v.i ? "true" : "false";
	case V_EXT: return sg_text(e->ctx, "the extent %s", sg_ext_text(e->sp, v.ext));
	case V_STRING: return sg_text(e->ctx, "the string \"%.40s\"", v.s);
	case V_NONE: return "none";
	case V_TENSOR:
		return describe_tensor(e, v.ref);
	case V_TUPLE: return sg_text(e->ctx, "a tuple of %zu", v.n);
	case V_FN: return describe_function(e, v.fn);
	case V_POISON:
	case V_ABSENT: break;
	}
	return "nothing";
}

/* ---- to nodes ---- */

static sg_ref
number(elab *e, value v, sg_type t, sg_span at)
{
	const sg_shape *s = sg_shape_scalar(e->sp);

	if (v.kind == V_FLOAT && !sg_type_is_float(t)) {
		sg_diag *d = elab_error(e, at, "type", "a float where %s is wanted", sg_type_name(t));
		sg_add_hint(e->ctx, d, "cast(x, %s) truncates toward zero", sg_type_name(t));
		return 0;
	}
	if (v.kind == V_FLOAT)
		return sg_const(e->b, t, s, v.f);
	if (t == SG_I32 && (v.i < INT32_MIN || v.i > INT32_MAX)) {
		sg_diag *d = elab_error(e, at, "range", "%lld does not fit into i32", (long long)v.i);
		sg_add_hint(e->ctx, d, "an i32 holds -2147483648 to 2147483647");
		return 0;
	}
	if (t == SG_BOOL && v.kind == V_INT) {
		sg_diag *d = elab_error(e, at, "type", "an integer where bool is wanted");
		sg_add_hint(e->ctx, d, "the truth values are true and false");
		return 0;
	}
	return sg_const_int(e->b, t, s, v.i);
}

static void
not_tensor(elab *e, value v, sg_span at)
{
	sg_diag *d = elab_error(e, at, "not-tensor", "%s where a tensor is wanted", v_describe(e, v));

	if (v.kind == V_FN)
		sg_add_hint(e->ctx, d, "call it: %s(...)",
		            v.fn->builtin ? v.fn->builtin->name : v.fn->fn->name ? v.fn->fn->name : "f");
	if (v.kind == V_TUPLE)
		sg_add_hint(e->ctx, d, "unpack it: a, b = ...");
}

sg_ref
extent_value(elab *e, sg_ext x)
{
	sg_ext rest, times, p, q;

	if (!sg_ext_risk(e->sp, x, &rest, &times, &p, &q))
		return sg_dim_value(e->b, x);
	const sg_ref divisor = extent_value(e, q);
	const sg_ref quotient = sg_ew2(e->b, SG_FLOORDIV, extent_value(e, p), divisor);
	const sg_ref product = sg_ew2(e->b, SG_MUL, extent_value(e, times), quotient);

	return sg_ew2(e->b, SG_ADD, extent_value(e, rest), product);
}

sg_ref
to_tensor(elab *e, value v, int t, sg_span at)
{
	sg_ref r = 0;

	switch (v.kind) {
	case V_INT: return number(e, v, t < 0 ? SG_I64 : (sg_type)t, at);
	case V_FLOAT: return number(e, v, t < 0 ? e->real : (sg_type)t, at);
	case V_BOOL: return number(e, v, t < 0 ? SG_BOOL : (sg_type)t, at);
	case V_EXT: r = extent_value(e, v.ext); break;
	case V_TENSOR: r = v.ref; break;
	case V_POISON: return 0;
	default: return not_tensor(e, v, at), 0;
	}
	if (t < 0 || sg_type_of(e->b, r) == (sg_type)t)
		return r;
	return sg_cast(e->b, r, (sg_type)t);
}

/* f32 < f64; i32 < i64; an integer with a float: the float. */
static sg_type
wider(sg_type a, sg_type b)
{
	if (a == SG_BOOL)
		return b;
	if (b == SG_BOOL)
		return a;
	if (sg_type_is_float(a) != sg_type_is_float(b))
		return sg_type_is_float(a) ? a : b;
	return a > b ? a : b;
}

bool
common_type(elab *e, const value *v, size_t n, const sg_span *at, sg_type *out)
{
	bool strong = false, weak_float = false, weak_int = false;
	sg_type t = SG_BOOL;

	for (size_t k = 0; k < n; k++) {
		if (v[k].kind == V_POISON)
			return false;
		if (v[k].kind == V_TENSOR || v[k].kind == V_EXT) {
			sg_type own = v[k].kind == V_EXT ? SG_I64 : sg_type_of(e->b, v[k].ref);

			t = strong ? wider(t, own) : own;
			strong = true;
		} else if (v[k].kind == V_FLOAT) {
			weak_float = true;
		} else if (v[k].kind == V_INT) {
			weak_int = true;
		} else if (v[k].kind != V_BOOL) {
			not_tensor(e, v[k], at[k]);
			return false;
		}
	}
	if (weak_float && !(strong && sg_type_is_float(t)))
		t = e->real;
	else if (weak_int && (!strong || t == SG_BOOL))
		t = SG_I64;
	*out = t;
	return true;
}

/* ---- compile-time arguments ---- */

bool
as_ext(elab *e, value v, sg_ext *x)
{
	if (v.kind == V_INT)
		return *x = sg_ext_int(e->sp, v.i), true;
	if (v.kind == V_EXT)
		return *x = v.ext, true;
	return false;
}

/* NULL for POISON, of which was said what there is to say. */
static sg_diag *
not_static(elab *e, value v, sg_span at, const char *what, const char *want)
{
	if (v.kind == V_POISON)
		return NULL;
	return elab_error(e, at, "not-static", "%s must be %s, not %s", what, want, v_describe(e, v));
}

bool
need_int(elab *e, value v, sg_span at, const char *what, int64_t *i)
{
	if (v.kind == V_INT)
		return *i = v.i, true;
	not_static(e, v, at, what, "a compile-time integer");
	return false;
}

bool
need_ext(elab *e, value v, sg_span at, const char *what, sg_ext *x)
{
	sg_diag *d;

	if (as_ext(e, v, x))
		return true;
	d = not_static(e, v, at, what, "a compile-time integer or made of dimensions");
	if (d && v.kind == V_TENSOR)
		sg_add_hint(e->ctx, d, "shapes are known at compile time; a size that varies from call to "
		                       "call is a dimension: dim n");
	return false;
}

bool
need_string(elab *e, value v, sg_span at, const char *what, const char **s)
{
	if (v.kind == V_STRING)
		return *s = v.s, true;
	not_static(e, v, at, what, "a string");
	return false;
}

bool
need_bool(elab *e, value v, sg_span at, const char *what, bool *x)
{
	if (v.kind == V_BOOL)
		return *x = v.i != 0, true;
	not_static(e, v, at, what, "true or false");
	return false;
}

bool
need_shape(elab *e, value v, sg_span at, const char *what, uint32_t *rank, sg_ext *ext)
{
	const value *item = v.item;
	size_t n = v.n;

	if (v.kind == V_INT || v.kind == V_EXT) {
		item = &v;
		n = 1;
	} else if (v.kind == V_TENSOR && sg_shape_of(e->b, v.ref)->rank == 1 &&
	           sg_ext_is(e->sp, sg_shape_of(e->b, v.ref)->ext[0], 0)) {
		n = 0;
	} else if (!(v.kind == V_TUPLE || (v.kind == V_TENSOR && v.item))) {
		if (v.kind == V_TENSOR && sg_shape_of(e->b, v.ref)->rank == 0)
			return need_ext(e, v, at, what, ext);
		not_static(e, v, at, what, "a list of extents, like [N, 10]");
		return false;
	}
	if (n > SG_MAX_USER_RANK) {
		elab_error(e, at, "rank", "%s has %zu axes; %d is the most", what, n, SG_MAX_USER_RANK);
		return false;
	}
	for (size_t k = 0; k < n; k++)
		if (!need_ext(e, item[k], at, what, &ext[k]))
			return false;
	*rank = (uint32_t)n;
	return true;
}

/* ---- broadcasting ---- */

const sg_shape *
broadcast_shapes(elab *e, const sg_shape *a, const sg_shape *b)
{
	const uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
	sg_ext ext[SG_MAX_RANK];

	if (a == b)
		return a;
	for (uint32_t i = 0; i < rank; i++) { /* i counts from the end */
		sg_ext x = i < a->rank ? a->ext[a->rank - 1 - i] : sg_ext_int(e->sp, 1);
		sg_ext y = i < b->rank ? b->ext[b->rank - 1 - i] : sg_ext_int(e->sp, 1);

		if (x != y && !sg_ext_is(e->sp, x, 1) && !sg_ext_is(e->sp, y, 1))
			return NULL;
		ext[rank - 1 - i] = sg_ext_is(e->sp, x, 1) ? y : x;
	}
	return sg_shape_make(e->sp, rank, ext);
}

bool
hint_equal(elab *e, sg_diag *d, sg_ext x, sg_ext y)
{
	uint32_t dx, dy;

	if (x == y || !sg_ext_as_dim(e->sp, x, &dx) || !sg_ext_as_dim(e->sp, y, &dy))
		return false;
	const char *first = sg_space_dim(e->sp, dx < dy ? dx : dy)->name;
	const char *second = sg_space_dim(e->sp, dx < dy ? dy : dx)->name;
	sg_add_hint(e->ctx, d, "if they are equal, say so above: dim %s = %s", second, first);
	return true;
}

void
hint_equal_shapes(elab *e, sg_diag *d, const sg_shape *a, const sg_shape *b)
{
	for (uint32_t i = 1; i <= a->rank && i <= b->rank; i++)
		if (hint_equal(e, d, a->ext[a->rank - i], b->ext[b->rank - i]))
			return;
}

const sg_shape *
broadcast_all(elab *e, sg_ref *r, size_t n, sg_span at, const char *what)
{
	const sg_shape *s = sg_shape_of(e->b, r[0]);

	for (size_t k = 1; k < n; k++) {
		const sg_shape *t = sg_shape_of(e->b, r[k]), *u = broadcast_shapes(e, s, t);

		if (!u) {
			sg_diag *d = elab_error(e, at, "broadcast",
			                        "shapes of %s do not broadcast: %s and %s", what,
			                        sg_shape_text(e->sp, s), sg_shape_text(e->sp, t));
			hint_equal_shapes(e, d, s, t);
			return NULL;
		}
		s = u;
	}
	if (s->rank > SG_MAX_USER_RANK) {
		elab_error(e, at, "rank", "the result has %u axes; %d is the most", s->rank,
		           SG_MAX_USER_RANK);
		return NULL;
	}
	for (size_t k = 0; k < n; k++)
		r[k] = sg_broadcast_right(e->b, r[k], s);
	return s;
}

void
demand_nonneg(elab *e, sg_ext x, sg_span at)
{
	sg_program *p = e->p;

	if (sg_ext_nonneg(e->sp, x))
		return;
	for (size_t k = 0; k < p->ndemands; k++)
		if (p->demand[k].ext == x)
			return;
	SG_PUSH(e->ctx, p->demand, p->ndemands, e->cap_demands,
	        (sg_demand){.ext = x, .at = at.src == e->prelude_src ? e->user_at : at});
}

/* ---- what depends on inputs ---- */

bool
tainted(elab *e, sg_ref r)
{
	const sg_graph *g = e->b->g;
	const size_t done = e->ntainted;

	if (g->n > done) {
		uint8_t *t = e->tainted;

		if (g->n > e->tainted_cap) {
			e->tainted_cap = 2 * (size_t)g->n;
			t = sg_alloc(e->ctx, e->tainted_cap);
			if (done)
				memcpy(t, e->tainted, done);
		}
		for (size_t i = done ? done : 1; i < g->n; i++) {
			const sg_node *n = sg_node_at(g, (sg_ref)i);

			t[i] = n->op == SG_INPUT || n->op == SG_DIM;
			for (uint32_t k = 0; k < n->nargs; k++)
				t[i] |= t[n->args[k]];
			for (uint32_t k = 0; k < n->shape->rank; k++) {
				int64_t v;

				t[i] |= !sg_ext_const(e->sp, n->shape->ext[k], &v);
			}
		}
		e->tainted = t;
		e->ntainted = g->n;
	}
	return e->tainted[r] != 0;
}
