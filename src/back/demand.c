/* demand.c - the values that one step evaluates.
 *
 * A root asks for an element of a node, named by affine indices. Movement ops hand the question on
 * with other indices; arrays and leaves answer with a load; elementwise nodes become a value over
 * their operands', once for each index at which they are asked. A question may be put with one flat
 * index (row-major), which is how elements pass a reshape that splits or merges axes. */
#include "back/emit.h"

#include <string.h>

typedef struct index {
	bool flat;
	uint32_t n;
	sg_aff at[SG_MAX_RANK];
} index;

typedef struct question {
	sg_ref r;
	index ix;
} question;

typedef struct asker {
	sg_fn *f;
	uint32_t step;
	question *todo;
	size_t n, cap;
} asker;

/* ---- values ---- */

static sg_val *
val_at(const asker *a, uint32_t v)
{
	return &a->f->step[a->step].val[v];
}

static uint32_t
add_val(asker *a, sg_val v)
{
	sg_step *s = &a->f->step[a->step];

	if (s->nvals == 0)
		SG_PUSH(a->f->ctx, s->val, s->nvals, s->val_cap, (sg_val){0});
	SG_PUSH(a->f->ctx, s->val, s->nvals, s->val_cap, v);
	return (uint32_t)s->nvals - 1;
}

enum { KEY_NODE, KEY_LOAD, KEY_AT, KEY_DIV, KEY_MOD, KEY_WITHIN };

static void **
memo(const asker *a, uint32_t what, uint32_t x, uint32_t n, const uint32_t *more)
{
	uint32_t key[4 + SG_MAX_RANK] = {a->step, what, x, n};

	if (n)
		memcpy(key + 4, more, n * sizeof *key);
	return sg_bytes_map_at(a->f->val_map, key, (4 + (size_t)n) * sizeof *key);
}

/* The value v, or the one that stands for the same key already. */
static uint32_t
once(asker *a, uint32_t what, uint32_t x, uint32_t n, const uint32_t *more, sg_val v)
{
	void **slot = memo(a, what, x, n, more);

	if (!*slot)
		*slot = (void *)(uintptr_t)add_val(a, v);
	return (uint32_t)(uintptr_t)*slot;
}

static sg_aff
value_var(sg_fn *f, uint32_t v)
{
	return sg_aff_var(f, SG_VAR_VALUE + v);
}

static sg_aff
quotient(asker *a, sg_aff x, sg_ext by, bool rest)
{
	const sg_val v = {.kind = rest ? SG_V_MOD : SG_V_DIV, .type = SG_I64, .aff = x, .ext = by};

	return value_var(a->f, once(a, rest ? KEY_MOD : KEY_DIV, x, 1, &by, v));
}

/* ---- indices ---- */

static sg_aff
zero(sg_fn *f)
{
	return sg_aff_ext(f, sg_ext_int(f->sp, 0));
}

/* Row-major place in an array of the shape, of its axes from lo on. */
static sg_aff
linear_from(sg_fn *f, const index *ix, const sg_shape *s, uint32_t lo)
{
	sg_aff sum = zero(f);
	sg_ext stride = sg_ext_int(f->sp, 1);

	if (ix->flat)
		return ix->at[0];
	for (uint32_t k = s->rank; k-- > lo;) {
		if (!sg_is_1(f, s->ext[k]))
			sum = sg_aff_add(f, sum, sg_aff_scale(f, ix->at[k], stride));
		stride = sg_ext_mul(f->sp, stride, s->ext[k]);
	}
	return sum;
}

/* The axis of the shape that the variable, times its coefficient, is just the index of; -1: none.
 */
static int
axis_of_term(const asker *a, const sg_aff_term *t, const sg_shape *s, const sg_ext *stride)
{
	const sg_step *step = &a->f->step[a->step];

	if (t->var >= step->nloops)
		return -1;
	for (uint32_t k = 0; k < s->rank; k++)
		if (stride[k] == t->coef && step->ext[t->var] == s->ext[k])
			return (int)k;
	return -1;
}

/* The flat index x as one for each axis, if its terms are those of a row-major sum. */
static bool
split_terms(const asker *a, sg_aff x, const sg_shape *s, const sg_ext *stride, index *to)
{
	const sg_affine form = a->f->aff[x];
	bool used[SG_MAX_RANK] = {false};

	if (!sg_ext_is(a->f->sp, form.base, 0))
		return false;
	for (uint32_t i = 0; i < form.n; i++) {
		int k = axis_of_term(a, &form.term[i], s, stride);

		if (k < 0 || used[k])
			return false;
		used[k] = true;
		to->at[k] = sg_aff_var(a->f, form.term[i].var);
	}
	return true;
}

static bool
split_number(const asker *a, sg_aff x, const sg_shape *s, index *to)
{
	const sg_affine form = a->f->aff[x];
	int64_t v, e;

	if (form.n || !sg_ext_const(a->f->sp, form.base, &v))
		return false;
	for (uint32_t k = s->rank; k-- > 0;) {
		if (!sg_ext_const(a->f->sp, s->ext[k], &e) || e <= 0)
			return false;
		to->at[k] = sg_aff_ext(a->f, sg_ext_int(a->f->sp, v % e));
		v /= e;
	}
	return true;
}

/* A flat index as one for each axis. */
static index
unflatten(asker *a, const index *ix, const sg_shape *s)
{
	sg_fn *f = a->f;
	sg_ext stride[SG_MAX_RANK], p = sg_ext_int(f->sp, 1);
	index to = {.n = s->rank};
	uint32_t left = 0;
	sg_aff x = ix->at[0];

	if (!ix->flat)
		return *ix;
	for (uint32_t k = s->rank; k-- > 0;) {
		stride[k] = p;
		p = sg_ext_mul(f->sp, p, s->ext[k]);
		to.at[k] = zero(f);
		left += !sg_is_1(f, s->ext[k]);
	}
	if (left == 0 || split_terms(a, x, s, stride, &to) || split_number(a, x, s, &to))
		return to;
	for (uint32_t k = 0; k < s->rank; k++)
		to.at[k] = zero(f);
	for (uint32_t k = s->rank; k-- > 0;) {
		if (sg_is_1(f, s->ext[k]))
			continue;
		to.at[k] = --left ? quotient(a, x, s->ext[k], true) : x;
		if (left)
			x = quotient(a, x, s->ext[k], false);
	}
	return to;
}

/* Through a reshape: axis by axis where the operand's axes are each a product of the result's. */
static index
through_reshape(sg_fn *f, const index *ix, const sg_shape *from, const sg_shape *to)
{
	index r = {.n = to->rank};
	uint32_t k = 0;

	for (uint32_t j = 0; j < to->rank; j++) {
		sg_ext p = sg_ext_int(f->sp, 1);

		r.at[j] = zero(f);
		while (p != to->ext[j] && k < from->rank && !ix->flat) {
			r.at[j] = sg_aff_scale(f, r.at[j], from->ext[k]);
			if (!sg_is_1(f, from->ext[k]))
				r.at[j] = sg_aff_add(f, r.at[j], ix->at[k]);
			p = sg_ext_mul(f->sp, p, from->ext[k++]);
		}
		if (p != to->ext[j]) {
			const sg_aff place = linear_from(f, ix, from, 0);

			return (index){.flat = true, .n = 1, .at = {place}};
		}
	}
	return r;
}

/* Index k of the array that the windows of n lie on, from one of the array of windows. */
static sg_aff
within_windows(sg_fn *f, const sg_node *n, const index *ix, uint32_t k)
{
	const sg_windowing w = sg_windowing_of(f->sp, n);
	const sg_aff at = ix->at[k < w.at ? k : k + 1];

	return k != w.axis ? at
	                   : sg_aff_add(f, sg_aff_scale(f, at, w.stride),
	                                sg_aff_scale(f, ix->at[w.at], w.dilation));
}

/* The index of view r's operand. Not for PAD. */
static index
through(asker *a, sg_ref r, const index *at)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s = f->g->node[n->args[0]].shape;
	index ix, to = {.n = s->rank};

	if (n->op == SG_BIND || n->op == SG_STOP)
		return *at;
	if (n->op == SG_RESHAPE)
		return through_reshape(f, at, n->shape, s);
	ix = unflatten(a, at, n->shape);
	for (uint32_t k = 0; k < s->rank; k++)
		if (n->op == SG_TRANSPOSE)
			to.at[n->attr->w[k]] = ix.at[k];
		else if (n->op == SG_BROADCAST)
			to.at[k] = sg_is_1(f, s->ext[k]) ? zero(f) : ix.at[n->attr->w[k]];
		else if (n->op == SG_WINDOW)
			to.at[k] = within_windows(f, n, &ix, k);
		else
			to.at[k] =
			    sg_aff_add(f, sg_aff_ext(f, (sg_ext)n->attr->w[k]),
			               sg_aff_scale(f, ix.at[k], (sg_ext)n->attr->w[s->rank + k]));
	return to;
}

/* Index 0 along axes of extent 1, so that equal questions have equal keys. */
static index
canonical(sg_fn *f, const index *ix, const sg_shape *s)
{
	index c = *ix;

	if (!c.flat)
		for (uint32_t k = 0; k < s->rank; k++)
			if (sg_is_1(f, s->ext[k]))
				c.at[k] = zero(f);
	return c;
}

/* ---- answers ---- */

static uint32_t
load(asker *a, sg_ref r, const index *ix)
{
	const sg_node *n = sg_fn_node(a->f, r);
	const sg_aff at = linear_from(a->f, ix, n->shape, 0);
	const sg_val v = {.kind = SG_V_LOAD, .type = n->type, .ref = r, .aff = at};

	if (!*memo(a, KEY_LOAD, r, 1, &at))
		sg_step_reads(a->f, a->step, r);
	return once(a, KEY_LOAD, r, 1, &at, v);
}

static uint32_t
leaf(asker *a, sg_ref r, const index *ix)
{
	const sg_node *n = sg_fn_node(a->f, r);
	sg_val v = {.type = n->type, .ref = r};
	uint32_t at = 0;

	switch ((int)n->op) {
	case SG_CONST:
		v.kind = SG_V_CONST;
		break;
	case SG_DIM:
		v.kind = SG_V_DIM;
		v.ext = (sg_ext)n->attr->w[0];
		break;
	case SG_IOTA:
		v.kind = SG_V_INDEX;
		v.aff = at = ix->at[0];
		break;
	default:
		return load(a, r, ix);
	}
	return once(a, KEY_LOAD, r, 1, &at, v);
}

static uint32_t
local(asker *a, sg_ref r)
{
	const sg_val v = {.kind = SG_V_LOCAL, .type = sg_fn_node(a->f, r)->type, .ref = r};

	if (!*memo(a, KEY_LOAD, r, 0, NULL)) {
		sg_step_reads(a->f, a->step, r);
		a->f->at[r].reads++;
	}
	return once(a, KEY_LOAD, r, 0, NULL, v);
}

static uint32_t ask(asker *a, sg_ref r, const index *at);

/* The condition on a form with variables as one on its variables alone. */
static void
move_base(sg_fn *f, sg_within *c)
{
	const sg_affine form = f->aff[c->form];
	const sg_ext zero_ext = sg_ext_int(f->sp, 0);
	int64_t v;

	if (form.n == 0)
		return;
	c->form = sg_aff_add(f, c->form, sg_aff_ext(f, sg_ext_sub(f->sp, zero_ext, form.base)));
	c->lo = sg_ext_sub(f->sp, c->lo, form.base);
	c->hi = sg_ext_sub(f->sp, c->hi, form.base);
	/* loops count from 0 */
	if (form.n == 1 && form.term[0].var < SG_VAR_VALUE && sg_is_1(f, form.term[0].coef) &&
	    sg_ext_const(f->sp, c->lo, &v) && v <= 0)
		c->check_lo = false;
}

/* PAD: the operand's element within bounds, else 0. */
static uint32_t
padded(asker *a, sg_ref r, const index *at)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s = f->g->node[n->args[0]].shape;
	const index ix = unflatten(a, at, n->shape);
	index to = {.n = s->rank};
	sg_within cond[SG_MAX_RANK];
	uint32_t key[SG_MAX_RANK], count = 0, inner, v;

	for (uint32_t k = 0; k < s->rank; k++) {
		const sg_ext start = (sg_ext)n->attr->w[k], step = (sg_ext)n->attr->w[s->rank + k];
		const sg_aff from = sg_aff_ext(f, start);
		sg_within *c = &cond[count];

		*c = (sg_within){.form = ix.at[k]};
		key[k] = ix.at[k];
		if (sg_is_1(f, step)) {
			c->lo = start;
			c->hi = sg_ext_add(f->sp, start, s->ext[k]);
			to.at[k] =
			    sg_aff_add(f, ix.at[k], sg_aff_scale(f, from, sg_ext_int(f->sp, -1)));
		} else {
			c->hi = sg_ext_add(f->sp, start, sg_ext_int(f->sp, 1));
			c->lo = sg_ext_sub(f->sp, c->hi, s->ext[k]);
			to.at[k] = sg_aff_add(f, from, sg_aff_scale(f, ix.at[k], step));
		}
		c->check_lo = !sg_ext_is(f->sp, c->lo, 0);
		c->check_hi = c->hi != n->shape->ext[k];
		move_base(f, c);
		count += c->check_lo || c->check_hi;
	}
	inner = ask(a, n->args[0], &to);
	if (inner == 0 || count == 0)
		return inner;
	if (*memo(a, KEY_WITHIN, r, s->rank, key))
		return once(a, KEY_WITHIN, r, s->rank, key, (sg_val){0});
	val_at(a, inner)->uses++;
	v = once(a, KEY_WITHIN, r, s->rank, key,
	         (sg_val){.kind = SG_V_WITHIN,
	                  .type = n->type,
	                  .nargs = 1,
	                  .arg = {inner},
	                  .cond = sg_copy(f->ctx, cond, count * sizeof *cond),
	                  .nconds = count});
	return v;
}

/* The value of an element, or 0: then what it needs first is put on the list. */
static uint32_t
ask(asker *a, sg_ref r, const index *at)
{
	sg_fn *f = a->f;
	index ix = *at;
	void **slot;

	for (;;) {
		const sg_node *n = sg_fn_node(f, r);
		const sg_place *p = &f->at[r];
		const bool here = p->done == a->step + 1;

		if (p->stored && !here)
			return load(a, r, &ix);
		if (p->unit && !p->fused && !here)
			return local(a, r);
		if (p->kind == SG_P_LEAF)
			return leaf(a, r, &ix);
		if (p->kind != SG_P_VIEW)
			break;
		if (n->op == SG_PAD)
			return padded(a, r, &ix);
		ix = through(a, r, &ix);
		r = n->args[0];
	}
	sg_need(f->ctx, f->at[r].kind == SG_P_CALC, "a value that is complete before it is read");
	ix = canonical(f, &ix, f->g->node[r].shape);
	slot = memo(a, KEY_NODE + (ix.flat ? 16 : 0), r, ix.n, ix.at);
	if (*slot)
		return (uint32_t)(uintptr_t)*slot;
	SG_PUSH(f->ctx, a->todo, a->n, a->cap, (question){r, ix});
	return 0;
}

/* ---- elementwise nodes ---- */

static uint32_t
checked(asker *a, uint32_t v, sg_ext below)
{
	const sg_val at = {.kind = SG_V_AT, .type = SG_I64, .nargs = 1, .arg = {v}, .ext = below};

	if (!*memo(a, KEY_AT, v, 1, &below))
		val_at(a, v)->uses++;
	return once(a, KEY_AT, v, 1, &below, at);
}

/* Index into idx, and then into x, for an element of what x.gather(idx) gives. */
static uint32_t
gathered(asker *a, const sg_node *n, const index *at)
{
	const sg_shape *sx = a->f->g->node[n->args[0]].shape, *si = a->f->g->node[n->args[1]].shape;
	const uint32_t axis = (uint32_t)n->attr->w[0], nbatch = (uint32_t)n->attr->w[1];
	const uint32_t free = si->rank - nbatch;
	const index ix = unflatten(a, at, n->shape);
	index i = {.n = si->rank}, x = {.n = sx->rank};
	uint32_t v;

	for (uint32_t k = 0; k < si->rank; k++)
		i.at[k] = k < nbatch ? ix.at[k] : ix.at[axis + k - nbatch];
	v = ask(a, n->args[1], &i);
	if (v == 0)
		return 0;
	v = checked(a, v, sx->ext[axis]);
	for (uint32_t k = 0; k < sx->rank; k++)
		x.at[k] = k < axis ? ix.at[k] : k > axis ? ix.at[k + free - 1] : value_var(a->f, v);
	return ask(a, n->args[0], &x);
}

static uint32_t
random_number(asker *a, const sg_node *n, sg_ref r, const index *at)
{
	const sg_shape *ss = a->f->g->node[n->args[0]].shape;
	index ix = *at, seed = {.n = ss->rank};
	uint32_t v;

	if (ss->rank > 0) {
		ix = unflatten(a, at, n->shape);
		memcpy(seed.at, ix.at, ss->rank * sizeof *seed.at);
	}
	v = ask(a, n->args[0], &seed);
	if (v == 0)
		return 0;
	val_at(a, v)->uses++;
	return add_val(a, (sg_val){.kind = SG_V_RAND,
	                           .type = n->type,
	                           .op = (uint8_t)n->op,
	                           .nargs = 1,
	                           .arg = {v},
	                           .ref = r,
	                           .aff = linear_from(a->f, &ix, n->shape, ss->rank)});
}

static uint32_t
elementwise(asker *a, const sg_node *n, sg_ref r, const index *at)
{
	sg_val v = {.kind = n->op == SG_CAST ? SG_V_CAST : SG_V_EW,
	            .type = n->type,
	            .op = (uint8_t)n->op,
	            .nargs = (uint8_t)n->nargs,
	            .ref = r};
	bool all = true;

	for (uint32_t k = 0; k < n->nargs; k++) {
		v.arg[k] = ask(a, n->args[k], at);
		all = all && v.arg[k];
	}
	if (!all)
		return 0;
	for (uint32_t k = 0; k < n->nargs; k++) {
		const sg_type t = (sg_type)val_at(a, v.arg[n->nargs - 1])->type;

		val_at(a, v.arg[k])->uses += n->op == SG_CAST ? sg_c_cast_reads(t, (sg_type)n->type)
		                                              : sg_c_op_reads((sg_op)n->op, t, k);
	}
	return add_val(a, v);
}

static void
answer(asker *a)
{
	const size_t top = a->n - 1;
	const question q = a->todo[top];
	const sg_node *n = sg_fn_node(a->f, q.r);
	void **slot = memo(a, KEY_NODE + (q.ix.flat ? 16 : 0), q.r, q.ix.n, q.ix.at);
	uint32_t v;

	if (*slot) { /* asked for twice */
		a->n--;
		return;
	}
	if (n->op == SG_GATHER)
		v = gathered(a, n, &q.ix);
	else if (n->op == SG_RAND || n->op == SG_RANDN)
		v = random_number(a, n, q.r, &q.ix);
	else
		v = elementwise(a, n, q.r, &q.ix);
	if (v == 0)
		return;
	sg_need(a->f->ctx, a->n == top + 1, "an answer to the last question");
	a->n--;
	slot = memo(a, KEY_NODE + (q.ix.flat ? 16 : 0), q.r, q.ix.n, q.ix.at);
	*slot = (void *)(uintptr_t)v;
}

static uint32_t
evaluate(asker *a, sg_ref r, const index *ix)
{
	uint32_t v = ask(a, r, ix);

	while (a->n > 0)
		answer(a);
	return v ? v : ask(a, r, ix);
}

/* ---- roots ---- */

/* The loop variables as an index of the shape. */
static index
own_index(sg_fn *f, const sg_shape *s)
{
	index ix = {.n = s->rank};

	for (uint32_t k = 0, var = 0; k < s->rank; k++)
		ix.at[k] = sg_is_1(f, s->ext[k]) ? zero(f) : sg_aff_var(f, var++);
	return ix;
}

static void
use_val(asker *a, sg_root *root, int which, uint32_t v, uint32_t times)
{
	root->val[which] = v;
	val_at(a, v)->uses += times;
}

static void
piece(asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const sg_join *j = sg_join_of(f, root->ref);
	index ix = own_index(f, f->g->node[root->from].shape);

	use_val(a, root, 0, evaluate(a, root->from, &ix), 1);
	if (j->npads == 0) {
		const uint32_t axis = (uint32_t)n->attr->w[0];
		sg_ext start = sg_ext_int(f->sp, 0);

		for (uint32_t k = 0; k < root->part; k++)
			start = sg_ext_add(f->sp, start, f->g->node[j->piece[k]].shape->ext[axis]);
		ix.at[axis] = sg_aff_add(f, ix.at[axis], sg_aff_ext(f, start));
	} else if (root->part >= j->n - j->npads) {
		const sg_attr *w = f->g->node[j->piece[root->part]].attr;

		for (uint32_t k = 0; k < n->shape->rank; k++)
			ix.at[k] =
			    sg_aff_add(f, sg_aff_ext(f, (sg_ext)w->w[k]),
			               sg_aff_scale(f, ix.at[k], (sg_ext)w->w[n->shape->rank + k]));
	}
	root->at = linear_from(f, &ix, n->shape, 0);
}

static void
scatter(asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const sg_shape *si = f->g->node[n->args[0]].shape;
	const uint32_t axis = (uint32_t)n->attr->w[0], nbatch = (uint32_t)n->attr->w[1];
	const uint32_t free = si->rank - nbatch;
	const index v = own_index(f, f->g->node[n->args[1]].shape);
	index i = {.n = si->rank}, x = {.n = n->shape->rank};
	uint32_t at;

	for (uint32_t k = 0; k < si->rank; k++)
		i.at[k] = k < nbatch ? v.at[k] : v.at[axis + k - nbatch];
	at = checked(a, evaluate(a, n->args[0], &i), n->shape->ext[axis]);
	for (uint32_t k = 0; k < n->shape->rank; k++)
		x.at[k] = k < axis ? v.at[k] : k > axis ? v.at[k + free - 1] : value_var(f, at);
	use_val(a, root, 0, evaluate(a, n->args[1], &v), 1);
	root->at = linear_from(f, &x, n->shape, 0);
}

static void
unwindow(asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const index g = own_index(f, f->g->node[n->args[0]].shape);
	index x = {.n = n->shape->rank};

	for (uint32_t k = 0; k < n->shape->rank; k++)
		x.at[k] = within_windows(f, n, &g, k);
	use_val(a, root, 0, evaluate(a, n->args[0], &g), 1);
	root->at = linear_from(f, &x, n->shape, 0);
}

/* pos: what is written. */
static void
writer(asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const uint32_t last = n->shape->rank - 1;
	index i = own_index(f, f->g->node[n->args[0]].shape);
	uint32_t at;

	root->pos = i.at[last];
	at = checked(a, evaluate(a, n->args[0], &i), n->shape->ext[last]);
	use_val(a, root, 0, at, 1);
	i.at[last] = value_var(f, at);
	root->at = linear_from(f, &i, n->shape, 0);
}

/* An inner product: the operands' elements by label. */
static void
contract(asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const int64_t *w = n->attr->w, *lo = w + 3 + w[0] + w[1];
	index out = own_index(f, n->shape), part[2];
	sg_val product = {.kind = SG_V_EW, .type = n->type, .op = SG_MUL, .nargs = 2};
	uint32_t var = 0;

	for (uint32_t k = 0; k < n->shape->rank; k++)
		var += !sg_is_1(f, n->shape->ext[k]);
	for (int side = 0; side < 2; side++) {
		const sg_shape *s = f->g->node[n->args[side]].shape;
		const int64_t *l = w + 3 + (side ? w[0] : 0);

		part[side].flat = false;
		part[side].n = s->rank;
		for (uint32_t k = 0; k < s->rank; k++) {
			sg_aff at = sg_is_1(f, s->ext[k]) || side ? zero(f) : UINT32_MAX;

			for (int64_t i = 0; i < w[2]; i++)
				if (lo[i] == l[k])
					at = out.at[i];
			if (at == UINT32_MAX)
				at = sg_aff_var(f, var++);
			for (int64_t i = 0; side && i < w[0]; i++)
				if (w[3 + i] == l[k])
					at = part[0].at[i];
			part[side].at[k] = at;
		}
	}
	product.arg[0] = evaluate(a, n->args[0], &part[0]);
	product.arg[1] = evaluate(a, n->args[1], &part[1]);
	val_at(a, product.arg[0])->uses++;
	val_at(a, product.arg[1])->uses++;
	use_val(a, root, 0, add_val(a, product), 1);
	root->at = linear_from(f, &out, n->shape, 0);
}

static void
fold(asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const sg_shape *s = f->g->node[root->from].shape;
	const bool arg = n->op == SG_ARGMAX || n->op == SG_ARGMIN;
	const uint64_t mask = arg ? (uint64_t)1 << n->attr->w[0]
	                      : n->op == SG_CUMSUM || n->op == SG_LINREC ? 0
	                                                                 : (uint64_t)n->attr->w[0];
	const index ix = own_index(f, s);
	index out = {.n = n->shape->rank};

	use_val(a, root, 0, evaluate(a, root->from, &ix), arg ? 4 : 1);
	if (n->op == SG_LINREC)
		use_val(a, root, 1, evaluate(a, n->args[0], &ix), 1);
	for (uint32_t k = 0, j = 0; k < s->rank; k++)
		if (!(mask >> k & 1))
			out.at[j++] = ix.at[k];
		else if (arg)
			root->pos = ix.at[k];
	root->at = linear_from(f, &out, n->shape, 0);
}

static void
demand_root(asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const uint16_t op = sg_fn_node(f, root->ref)->op;

	if (root->kind == SG_R_PIECE) {
		piece(a, root);
	} else if (root->kind == SG_R_FOLD && op == SG_CONTRACT) {
		contract(a, root);
	} else if (root->kind == SG_R_FOLD && op == SG_SCATTER) {
		scatter(a, root);
	} else if (root->kind == SG_R_FOLD && op == SG_UNWINDOW) {
		unwindow(a, root);
	} else if (root->kind == SG_R_FOLD && op == SG_WRITER) {
		writer(a, root);
	} else if (root->kind == SG_R_FOLD) {
		fold(a, root);
	} else {
		const index ix = own_index(f, f->g->node[root->from].shape);

		use_val(a, root, 0, evaluate(a, root->from, &ix), root->kind == SG_R_TEXT ? 2 : 1);
		root->at = linear_from(f, &ix, f->g->node[root->from].shape, 0);
	}
}

/* What a call reads: its operands' arrays. */
static void
demand_call(sg_fn *f, uint32_t step)
{
	const sg_node *n = sg_fn_node(f, f->step[step].ref);

	for (uint32_t k = sg_by_factors(n->op); k < n->nargs; k++) {
		sg_strided s;
		bool ok = sg_strided_of(f, n->args[k], &s);

		sg_need(f->ctx, ok, "an operand in memory for each call");
		sg_step_reads(f, step, s.root);
	}
}

void
sg_demand_step(sg_fn *f, uint32_t step)
{
	asker a = {.f = f, .step = step};

	if (f->step[step].kind == SG_S_CALL)
		demand_call(f, step);
	if (f->step[step].kind == SG_S_LOOP)
		sg_loop_demand(f, step);
	if (f->step[step].kind != SG_S_NEST && f->step[step].kind != SG_S_LOOP)
		return;
	for (size_t i = 0; i < f->step[step].nroots; i++) {
		sg_root root = f->step[step].root[i];

		demand_root(&a, &root);
		f->step[step].root[i] = root;
	}
}
