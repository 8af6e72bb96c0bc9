/* expr.c - expressions: literals, names, lists, conditionals. */
#include "front/elab.h"

#include <string.h>

enum { MAX_LENGTH = 1000000, MAX_ITEMS = 4000000 }; /* of one comprehension, of all */

bool
in_user_text(const elab *e, sg_span at)
{
	return at.src && at.src != e->prelude_src;
}

void
enter(elab *e, sg_span at)
{
	if (in_user_text(e, at)) {
		e->user_at = at;
		e->b->g->here = at;
	}
}

/* ---- names ---- */

static value
free_name(elab *e, const sg_ast *x)
{
	sg_program *p = e->p;
	const sg_shape *s = sg_shape_scalar(e->sp);
	const binding *b = scope_find_here(e->top, x->name); /* met first inside of a lambda */

	if (b)
		return b->v;
	sg_ref r = sg_input_node(e->b, e->real, s, (uint32_t)p->ninputs);

	SG_PUSH(e->ctx, p->input, p->ninputs, e->cap_inputs,
	        (sg_input){.name = x->name, .type = e->real, .shape = s, .ref = r, .at = x->at});
	scope_bind(e, e->top, x->name, v_tensor(r), x->at)->is_input = true;
	return v_tensor(r);
}

bool
is_type_name(const char *s)
{
	for (int t = SG_F32; t <= SG_BOOL; t++)
		if (strcmp(s, sg_type_name((sg_type)t)) == 0)
			return true;
	return false;
}

value
eval_name(elab *e, scope *s, const sg_ast *x)
{
	binding *b = scope_find(e, s, x->name);
	const builtin *f;

	if (b)
		return b->v;
	if ((f = find_builtin(x->name))) {
		closure *c = SG_NEW(e->ctx, closure);

		c->builtin = f;
		return (value){.kind = V_FN, .fn = c};
	}
	if (is_type_name(x->name))
		return v_string(x->name);
	if (e->free_names_are_inputs)
		return free_name(e, x);
	unknown_name(e, s, x);
	return POISON;
}

/* A derivative takes names, so that only a call of it by its own name has a meaning. */
static value
name_as_value(elab *e, scope *s, const sg_ast *x)
{
	value v = eval_name(e, s, x);

	if (v.kind != V_FN || !is_derivative_fn(v.fn))
		return v;
	sg_diag *d = elab_error(e, x->at, "derivative-value", "'%s' takes names, so it is no value to pass on",
	                        x->name);
	sg_add_hint(e->ctx, d, "wrap it: def slope(f, u) = grad(f(u), u)");
	return POISON;
}

/* ---- lists ---- */

/* Constant items of one type and shape, as one constant. */
static sg_ref
join_data(elab *e, size_t n, const sg_ref *r, const sg_shape *s)
{
	const sg_type t = sg_type_of(e->b, r[0]);
	int64_t count = 0, *w;

	if (!sg_ext_const(e->sp, sg_shape_size(e->sp, sg_shape_of(e->b, r[0])), &count))
		return 0;
	for (size_t k = 0; k < n; k++) {
		const uint16_t op = sg_node_at(e->b->g, r[k])->op;

		if (op != SG_CONST && op != SG_DATA)
			return 0;
	}
	w = SG_NEW_ARRAY(e->ctx, int64_t, sg_mul_size(e->ctx, (int64_t)n, count) + 1);
	for (size_t k = 0; k < n; k++) {
		const sg_node *a = sg_node_at(e->b->g, r[k]);

		for (int64_t i = 0; i < count; i++)
			w[(int64_t)k * count + i] = a->attr->w[a->op == SG_DATA ? i : 0];
	}
	return sg_data(e->b, t, s, w);
}

static value
stack_items(elab *e, size_t n, value *item, const sg_span *at, sg_span whole)
{
	sg_ref *r = SG_NEW_ARRAY(e->ctx, sg_ref, n + 1);
	bool extents = true;
	sg_type t;
	value v;

	if (!n) {
		sg_ext zero = sg_ext_int(e->sp, 0);

		return v_tensor(sg_const(e->b, e->real, sg_shape_make(e->sp, 1, &zero), 0));
	}
	if (!common_type(e, item, n, at, &t))
		return POISON;
	for (size_t k = 0; k < n; k++) {
		extents = extents && (item[k].kind == V_INT || item[k].kind == V_EXT);
		if (!(r[k] = to_tensor(e, item[k], (int)t, at[k])))
			return POISON;
		if (sg_shape_of(e->b, r[k]) != sg_shape_of(e->b, r[0])) {
			sg_diag *d = elab_error(
			    e, at[k], "list-shape", "items of a list differ in shape: %s and %s",
			    shape_words(e, sg_shape_of(e->b, r[0])),
			    shape_words(e, sg_shape_of(e->b, r[k])));
			sg_add_note(e->ctx, d, at[0], "the first item");
			return POISON;
		}
	}
	const sg_shape *s0 = sg_shape_of(e->b, r[0]);
	sg_ext ext[SG_MAX_RANK + 1] = {sg_ext_int(e->sp, (int64_t)n)};
	if (s0->rank >= SG_MAX_USER_RANK) {
		elab_error(e, whole, "rank", "the list has %u axes; %d is the most", s0->rank + 1,
		           SG_MAX_USER_RANK);
		return POISON;
	}
	memcpy(ext + 1, s0->ext, s0->rank * sizeof *ext);
	enter(e, whole);
	sg_ref d = join_data(e, n, r, sg_shape_make(e->sp, s0->rank + 1, ext));
	v = v_tensor(d ? d : sg_stack(e->b, (uint32_t)n, r, 0));
	if (extents) {
		v.item = sg_copy(e->ctx, item, n * sizeof *item);
		v.n = n;
	}
	return v;
}

static value
eval_list(elab *e, scope *s, const sg_ast *x)
{
	value *item = SG_NEW_ARRAY(e->ctx, value, x->nkids + 1);
	sg_span *at = SG_NEW_ARRAY(e->ctx, sg_span, x->nkids + 1);

	for (size_t k = 0; k < x->nkids; k++) {
		item[k] = eval(e, s, x->kid[k]);
		at[k] = x->kid[k]->at;
	}
	return stack_items(e, x->nkids, item, at, x->at);
}

static value
eval_comprehension(elab *e, scope *s, const sg_ast *x)
{
	value lo = eval(e, s, x->kid[1]), hi = eval(e, s, x->kid[2]);
	int64_t a, b;
	value *item = NULL;
	sg_span *at = NULL;
	size_t n = 0, cap = 0, m = 0, cap2 = 0;

	if (!need_int(e, lo, x->kid[1]->at, "the start of a comprehension", &a) ||
	    !need_int(e, hi, x->kid[2]->at, "the end of a comprehension", &b))
		return POISON;
	const uint64_t length = b > a ? (uint64_t)b - (uint64_t)a : 0;
	e->items += length < MAX_ITEMS ? (int64_t)length : MAX_ITEMS;
	if (length > MAX_LENGTH || e->items > MAX_ITEMS) {
		sg_diag *d =
		    length > MAX_LENGTH
		        ? elab_error(e, x->at, "limit", "a comprehension of more than 1,000,000 items")
		        : elab_error(e, x->at, "limit", "comprehensions of more than 4,000,000 items");

		sg_add_hint(e->ctx, d, "arange(a, b) is a tensor of any length, and map goes over one");
		return POISON;
	}
	for (int64_t i = a; i < b; i++) {
		scope *in = scope_new(e, s, UINT64_MAX);

		scope_bind(e, in, x->name, v_int(i), x->at);
		value v = eval(e, in, x->kid[0]);
		if (v.kind == V_POISON)
			return POISON;
		SG_PUSH(e->ctx, item, n, cap, v);
		SG_PUSH(e->ctx, at, m, cap2, x->kid[0]->at);
	}
	return stack_items(e, n, item, at, x->at);
}

/* ---- conditionals ---- */

static value
choose(elab *e, sg_ref c, value x, value y, const sg_ast *at)
{
	const value v[2] = {x, y};
	const sg_span spans[2] = {at->at, at->at};
	sg_ref r[2];
	sg_type t;

	if (x.kind == V_TUPLE && y.kind == V_TUPLE && x.n == y.n) {
		value out = v_tuple(e, x.n, x.item);

		for (size_t k = 0; k < x.n; k++)
			if ((out.item[k] = choose(e, c, x.item[k], y.item[k], at)).kind == V_POISON)
				return POISON;
		return out;
	}
	if (x.kind == V_TUPLE || y.kind == V_TUPLE) {
		elab_error(e, at->at, "branch", "the branches differ: %s and %s", v_describe(e, x),
		           v_describe(e, y));
		return POISON;
	}
	if (!common_type(e, v, 2, spans, &t))
		return POISON;
	for (int k = 0; k < 2; k++) {
		if (!(r[k] = to_tensor(e, v[k], v_is_number(v[k]) ? (int)t : -1, at->at)))
			return POISON;
	}
	const sg_shape *s = sg_shape_of(e->b, r[0]);
	if (sg_shape_of(e->b, r[1]) != s || sg_type_of(e->b, r[0]) != sg_type_of(e->b, r[1])) {
		elab_error(e, at->at, "branch", "the branches differ: %s and %s", v_describe(e, x),
		           v_describe(e, y));
		return POISON;
	}
	return v_tensor(sg_ew3(e->b, SG_SELECT, sg_broadcast(e->b, c, s, NULL), r[0], r[1]));
}

static value
eval_branch(elab *e, scope *s, const sg_ast *x)
{
	value v;

	e->branch = open_a_branch(e);
	v = eval(e, s, x);
	e->branch = e->branch->up;
	return v;
}

static value
eval_if(elab *e, scope *s, const sg_ast *x)
{
	value c = eval(e, s, x->kid[0]), y, z;

	if (c.kind == V_POISON)
		return c;
	if (c.kind == V_BOOL)
		return eval(e, s, x->kid[c.i ? 1 : 2]);
	if (c.kind != V_TENSOR || sg_type_of(e->b, c.ref) != SG_BOOL ||
	    sg_shape_of(e->b, c.ref)->rank) {
		sg_diag *d = elab_error(e, x->kid[0]->at, "condition",
		                        "the condition of 'if' must be a bool scalar, not %s",
		                        v_describe(e, c));
		if (c.kind == V_TENSOR && sg_type_of(e->b, c.ref) == SG_BOOL)
			sg_add_hint(e->ctx, d, "where(c, a, b) chooses element by element");
		else
			hint_compare(e, d, x->kid[0], c, "!=");
		return POISON;
	}
	const sg_ref first = e->b->g->n;
	y = eval_branch(e, s, x->kid[1]);
	const sg_ref second = e->b->g->n;
	z = eval_branch(e, s, x->kid[2]);
	if (y.kind == V_POISON || z.kind == V_POISON)
		return POISON;
	enter(e, x->at);
	y = guard_branch(e, c.ref, first, y);
	z = guard_branch(e, sg_ew1(e->b, SG_NOT, c.ref), second, z);
	return choose(e, c.ref, y, z, x);
}

/* ---- the rest ---- */

static value
eval_transpose(elab *e, scope *s, const sg_ast *x)
{
	value v = eval(e, s, x->kid[0]);
	sg_ref r = to_tensor(e, v, -1, x->kid[0]->at);
	int64_t perm[SG_MAX_RANK];

	if (!r)
		return POISON;
	const uint32_t rank = sg_shape_of(e->b, r)->rank;
	if (rank < 2) {
		sg_diag *d = elab_error(e, x->at, "rank", "'.T' needs two axes or more, not %s",
		                        v_describe(e, v));
		if (rank == 1)
			sg_add_hint(e->ctx, d, "x[:, none] makes a column of a vector");
		return POISON;
	}
	for (uint32_t i = 0; i < rank; i++)
		perm[i] = i;
	perm[rank - 1] = rank - 2;
	perm[rank - 2] = rank - 1;
	enter(e, x->at);
	return v_tensor(sg_transpose(e->b, r, perm));
}

static value
eval_tuple(elab *e, scope *s, const sg_ast *x)
{
	value *item = SG_NEW_ARRAY(e->ctx, value, x->nkids + 1);
	bool bad = false;

	for (size_t k = 0; k < x->nkids; k++) {
		item[k] = eval(e, s, x->kid[k]);
		bad = bad || item[k].kind == V_POISON;
	}
	return bad ? POISON : v_tuple(e, x->nkids, item);
}

static value
make_lambda(elab *e, scope *s, const sg_ast *x)
{
	closure *c = SG_NEW(e->ctx, closure);

	c->fn = x->fn;
	c->env = s;
	c->seq = e->seq + 1;
	c->prelude = !in_user_text(e, x->at);
	return (value){.kind = V_FN, .fn = c};
}

value
eval(elab *e, scope *s, const sg_ast *x)
{
	if (!x)
		return POISON;
	if (!sg_stack_left(e->ctx)) {
		elab_error(e, x->at, "nested-too-deeply", "nested too deeply");
		return POISON;
	}
	switch (x->kind) {
	case SG_X_INT: return v_int(x->i);
	case SG_X_FLOAT: return v_float(x->f);
	case SG_X_STRING: return v_string(x->name);
	case SG_X_BOOL: return v_bool(x->i != 0);
	case SG_X_NONE: return (value){.kind = V_NONE};
	case SG_X_NAME: return name_as_value(e, s, x);
	case SG_X_UNARY: return eval_unary(e, s, x);
	case SG_X_BINARY: return eval_binary(e, s, x);
	case SG_X_IF: return eval_if(e, s, x);
	case SG_X_LAMBDA: return make_lambda(e, s, x);
	case SG_X_CALL: return eval_call(e, s, x);
	case SG_X_INDEX: return eval_index(e, s, x);
	case SG_X_T: return eval_transpose(e, s, x);
	case SG_X_LIST: return eval_list(e, s, x);
	case SG_X_COMPREHENSION: return eval_comprehension(e, s, x);
	case SG_X_TUPLE: return eval_tuple(e, s, x);
	}
	return POISON;
}
