/* demand.c - the values that one step evaluates.
 *
 * A root asks for an element of a node, named by affine indices. Movement ops hand the question on
 * with other indices; arrays and leaves answer with a load; elementwise nodes become a value over
 * their operands', once for each index at which they are asked. A question may be put with one flat
 * index (row-major), which is how elements pass a reshape that splits or merges axes. */
#include "back/demand.h"

#include <math.h>
#include <string.h>

/* ---- values ---- */

uint32_t
sg_add_val(sg_asker *a, sg_val v)
{
	sg_step *s = &a->f->step[a->step];

	if (s->nvals == 0)
		SG_PUSH(a->f->ctx, s->val, s->nvals, s->val_cap, (sg_val){0});
	SG_PUSH(a->f->ctx, s->val, s->nvals, s->val_cap, v);
	return (uint32_t)s->nvals - 1;
}

/* What stands for a node with no index is kept with the node. */
static void **
memo_of_unit(const sg_asker *a, bool load, sg_ref r)
{
	sg_unit_val *u = &a->f->unit_val[2 * (size_t)r + load];

	if (u->step != a->step + 1)
		*u = (sg_unit_val){.step = a->step + 1};
	return &u->val;
}

static void **
memo(const sg_asker *a, uint32_t what, uint32_t x, uint32_t n, const uint32_t *more)
{
	if (n == 0 && x < a->f->nunits && (what == SG_KEY_NODE || what == SG_KEY_LOAD))
		return memo_of_unit(a, what == SG_KEY_LOAD, x);
	uint32_t key[4 + SG_MAX_RANK] = {a->step, what, x, n};

	if (n)
		memcpy(key + 4, more, n * sizeof *key);
	return sg_bytes_map_at(a->f->val_map, key, (4 + (size_t)n) * sizeof *key);
}

uint32_t
sg_val_once(sg_asker *a, uint32_t what, uint32_t x, uint32_t n, const uint32_t *more, sg_val v)
{
	void **slot = memo(a, what, x, n, more);

	if (!*slot)
		*slot = (void *)(uintptr_t)sg_add_val(a, v);
	return (uint32_t)(uintptr_t)*slot;
}

sg_aff
sg_value_var(sg_fn *f, uint32_t v)
{
	return sg_aff_var(f, SG_VAR_VALUE + v);
}

/* ---- indices ---- */

sg_aff
sg_aff_zero(sg_fn *f)
{
	return sg_aff_ext(f, sg_ext_int(f->sp, 0));
}

/* Row-major place in an array of the shape, of its axes from lo on. */
sg_aff
sg_linear_from(sg_fn *f, const sg_spot *ix, const sg_shape *s, uint32_t lo)
{
	sg_aff sum = sg_aff_zero(f);
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
axis_of_term(const sg_asker *a, const sg_aff_term *t, const sg_shape *s, const sg_ext *stride)
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
split_terms(const sg_asker *a, sg_aff x, const sg_shape *s, const sg_ext *stride, sg_spot *to)
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
split_number(const sg_asker *a, sg_aff x, const sg_shape *s, sg_spot *to)
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

sg_spot
sg_unflatten(sg_asker *a, const sg_spot *ix, const sg_shape *s)
{
	sg_fn *f = a->f;
	sg_ext stride[SG_MAX_RANK], p = sg_ext_int(f->sp, 1);
	sg_spot to = {.n = s->rank};
	uint32_t left = 0;
	sg_aff x = ix->at[0];

	if (!ix->flat)
		return *ix;
	for (uint32_t k = s->rank; k-- > 0;) {
		stride[k] = p;
		p = sg_ext_mul(f->sp, p, s->ext[k]);
		to.at[k] = sg_aff_zero(f);
		left += !sg_is_1(f, s->ext[k]);
	}
	if (left == 0 || split_terms(a, x, s, stride, &to) || split_number(a, x, s, &to))
		return to;
	for (uint32_t k = 0; k < s->rank; k++)
		to.at[k] = sg_aff_zero(f);
	for (uint32_t k = s->rank; k-- > 0;) {
		if (sg_is_1(f, s->ext[k]))
			continue;
		to.at[k] = --left ? sg_quotient(a, x, s->ext[k], true) : x;
		if (left)
			x = sg_quotient(a, x, s->ext[k], false);
	}
	return to;
}

/* Through a reshape: axis by axis where the operand's axes are each a product of the result's. */
static sg_spot
through_reshape(sg_fn *f, const sg_spot *ix, const sg_shape *from, const sg_shape *to)
{
	sg_spot r = {.n = to->rank};
	uint32_t k = 0;

	for (uint32_t j = 0; j < to->rank; j++) {
		sg_ext p = sg_ext_int(f->sp, 1);

		r.at[j] = sg_aff_zero(f);
		while (p != to->ext[j] && k < from->rank && !ix->flat) {
			r.at[j] = sg_aff_scale(f, r.at[j], from->ext[k]);
			if (!sg_is_1(f, from->ext[k]))
				r.at[j] = sg_aff_add(f, r.at[j], ix->at[k]);
			p = sg_ext_mul(f->sp, p, from->ext[k++]);
		}
		if (p != to->ext[j]) {
			const sg_aff place = sg_linear_from(f, ix, from, 0);

			return (sg_spot){.flat = true, .n = 1, .at = {place}};
		}
	}
	return r;
}

/* Index k of the array that the windows of n lie on, from one of the array of windows. */
sg_aff
sg_within_windows(sg_fn *f, const sg_node *n, const sg_spot *ix, uint32_t k)
{
	const sg_windowing w = sg_windowing_of(f->sp, n);
	const sg_aff at = ix->at[k < w.at ? k : k + 1];

	return k != w.axis ? at
	                   : sg_aff_add(f, sg_aff_scale(f, at, w.stride),
	                                sg_aff_scale(f, ix->at[w.at], w.dilation));
}

/* The index of view r's operand. Not for PAD. */
static sg_spot
through(sg_asker *a, sg_ref r, const sg_spot *at)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s = f->g->node[n->args[0]].shape;
	sg_spot ix, to = {.n = s->rank};

	if (n->op == SG_BIND || n->op == SG_STOP)
		return *at;
	if (n->op == SG_RESHAPE)
		return through_reshape(f, at, n->shape, s);
	ix = sg_unflatten(a, at, n->shape);
	for (uint32_t k = 0; k < s->rank; k++)
		if (n->op == SG_TRANSPOSE)
			to.at[n->attr->w[k]] = ix.at[k];
		else if (n->op == SG_BROADCAST)
			to.at[k] = sg_is_1(f, s->ext[k]) ? sg_aff_zero(f) : ix.at[n->attr->w[k]];
		else if (n->op == SG_WINDOW)
			to.at[k] = sg_within_windows(f, n, &ix, k);
		else
			to.at[k] =
			    sg_aff_add(f, sg_aff_ext(f, (sg_ext)n->attr->w[k]),
			               sg_aff_scale(f, ix.at[k], (sg_ext)n->attr->w[s->rank + k]));
	return to;
}

/* Index 0 along axes of extent 1, so that equal questions have equal keys. */
static sg_spot
canonical(sg_fn *f, const sg_spot *ix, const sg_shape *s)
{
	sg_spot c = *ix;

	if (!c.flat)
		for (uint32_t k = 0; k < s->rank; k++)
			if (sg_is_1(f, s->ext[k]))
				c.at[k] = sg_aff_zero(f);
	return c;
}

/* ---- answers ---- */

static uint32_t
load(sg_asker *a, sg_ref r, const sg_spot *ix)
{
	const sg_node *n = sg_fn_node(a->f, r);
	const sg_aff at = sg_linear_from(a->f, ix, n->shape, 0);
	const sg_val v = {.kind = SG_V_LOAD, .type = n->type, .ref = r, .aff = at};

	void **slot = memo(a, SG_KEY_LOAD, r, 1, &at);

	if (!*slot) {
		sg_step_reads(a->f, a->step, r);
		*slot = (void *)(uintptr_t)sg_add_val(a, v);
	}
	return (uint32_t)(uintptr_t)*slot;
}

static uint32_t
leaf(sg_asker *a, sg_ref r, const sg_spot *ix)
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
	return sg_val_once(a, SG_KEY_LOAD, r, 1, &at, v);
}

static uint32_t
local(sg_asker *a, sg_ref r)
{
	const sg_val v = {.kind = SG_V_LOCAL, .type = sg_fn_node(a->f, r)->type, .ref = r};

	if (!*memo(a, SG_KEY_LOAD, r, 0, NULL)) {
		sg_step_reads(a->f, a->step, r);
		a->f->at[r].reads++;
	}
	return sg_val_once(a, SG_KEY_LOAD, r, 0, NULL, v);
}

/* The least and the largest value of a form of loops' indices alone, which count up from 0: false
 * for others. */
static bool
find_range(const sg_asker *a, sg_aff form, sg_ext *least, sg_ext *most)
{
	sg_fn *f = a->f;
	const sg_step *s = &f->step[a->step];
	const sg_affine x = f->aff[form];

	*least = *most = x.base;
	for (uint32_t i = 0; i < x.n; i++) {
		const sg_ext coef = x.term[i].coef;

		if (x.term[i].var >= s->nloops || !sg_ext_nonneg(f->sp, coef))
			return false;
		*most = sg_ext_add(
		    f->sp, *most,
		    sg_ext_mul(f->sp, coef,
		               sg_ext_sub(f->sp, s->ext[x.term[i].var], sg_ext_int(f->sp, 1))));
	}
	return true;
}

/* The condition on a form with variables as one on its variables alone, as far as it is not always
 * true. */
static void
move_base(const sg_asker *a, sg_within *c)
{
	sg_fn *f = a->f;
	const sg_ext base = f->aff[c->form].base, zero = sg_ext_int(f->sp, 0),
		     one = sg_ext_int(f->sp, 1);
	sg_ext least, most;

	if (find_range(a, c->form, &least, &most)) {
		c->check_lo = c->check_lo && !sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, least, c->lo));
		c->check_hi =
		    c->check_hi &&
		    !sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, c->hi, sg_ext_add(f->sp, most, one)));
	}
	if (f->aff[c->form].n == 0)
		return;
	c->form = sg_aff_add(f, c->form, sg_aff_ext(f, sg_ext_sub(f->sp, zero, base)));
	c->lo = sg_ext_sub(f->sp, c->lo, base);
	c->hi = sg_ext_sub(f->sp, c->hi, base);
}

uint32_t
sg_within_bounds(sg_asker *a, uint32_t v, const sg_within *cond, uint32_t n)
{
	sg_val *x = sg_val_at(a, v);
	const uint8_t type = x->type;

	x->uses++;
	x->guarded = true;
	return sg_add_val(a, (sg_val){.kind = SG_V_WITHIN,
	                              .type = type,
	                              .nargs = 1,
	                              .arg = {v},
	                              .cond = sg_copy(a->f->ctx, cond, n * sizeof *cond),
	                              .nconds = n});
}

/* Is the condition on a form without variables false whatever the dimensions are? Compilers complain of
 * N < N. */
static bool
never(sg_fn *f, const sg_within *c)
{
	const sg_affine form = f->aff[c->form];
	const sg_ext next = sg_ext_add(f->sp, form.base, sg_ext_int(f->sp, 1));

	return form.n == 0 && ((c->check_lo && sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, c->lo, next))) ||
	                       (c->check_hi && sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, form.base, c->hi))));
}

static uint32_t
zero_of(sg_asker *a, uint8_t type)
{
	const sg_aff form = sg_aff_zero(a->f);
	const uint32_t zero = sg_val_once(
	    a, SG_KEY_LOAD, 0, 1, &form, (sg_val){.kind = SG_V_INDEX, .type = SG_I64, .aff = form});

	if (type == SG_I64)
		return zero;
	sg_val_at(a, zero)->uses++;
	return sg_add_val(a, (sg_val){.kind = SG_V_CAST, .type = type, .nargs = 1, .arg = {zero}});
}

/* An element of r, which is x times a number, of that of x: within bounds, else 0. */
static uint32_t
multiplied(sg_asker *a, sg_ref r, sg_ref x, uint32_t of, const sg_spot *at)
{
	const sg_node *n = sg_fn_node(a->f, r);
	sg_val v = {.kind = SG_V_EW, .type = n->type, .op = SG_MUL, .nargs = 2, .ref = r};

	sg_val_at(a, of)->turned = signbit(sg_factor_of(a->f, r));
	for (uint32_t k = 0; k < 2; k++) {
		v.arg[k] = n->args[k] == x ? of : sg_ask(a, n->args[k], at);
		sg_need(a->f->ctx, v.arg[k], "a number, which is at hand");
		sg_val_at(a, v.arg[k])->uses += sg_c_op_reads(a->f->m, SG_MUL, (sg_type)n->type, k);
	}
	return sg_add_val(a, v);
}

/* PAD: the operand's element within bounds, else 0. */
static uint32_t
padded(sg_asker *a, sg_ref r, const sg_spot *at)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s = f->g->node[n->args[0]].shape;
	const sg_spot ix = sg_unflatten(a, at, n->shape);
	sg_spot to = {.n = s->rank};
	sg_within cond[SG_MAX_RANK];
	uint32_t key[SG_MAX_RANK], count = 0, inner;
	sg_ref of = n->args[0];
	void **slot;

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
		if (!f->m->o->jit && never(f, c))
			return zero_of(a, n->type);
		move_base(a, c);
		count += c->check_lo || c->check_hi;
	}
	if (count > 0)
		of = sg_read_in_place_of(f, n->args[0]);
	inner = sg_ask(a, of, &to);
	if (inner == 0 || count == 0)
		return inner;
	slot = memo(a, SG_KEY_WITHIN, r, s->rank, key);
	if (!*slot) {
		uint32_t v = sg_within_bounds(a, inner, cond, count);

		if (of != n->args[0])
			v = multiplied(a, n->args[0], of, v, &to);
		slot = memo(a, SG_KEY_WITHIN, r, s->rank, key);
		*slot = (void *)(uintptr_t)v;
	}
	return (uint32_t)(uintptr_t)*slot;
}

/* The value of an element, or 0: then what it needs first is put on the list. */
uint32_t
sg_ask(sg_asker *a, sg_ref r, const sg_spot *at)
{
	sg_fn *f = a->f;
	sg_spot ix = *at;
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
		if (sg_is_ring(f, r)) {
			ix = sg_around(a, r, &ix, &r);
			continue;
		}
		if (p->kind != SG_P_VIEW)
			break;
		if (n->op == SG_PAD)
			return padded(a, r, &ix);
		ix = through(a, r, &ix);
		r = n->args[0];
	}
	sg_need(f->ctx, f->at[r].kind == SG_P_CALC, "a value that is complete before it is read");
	ix = canonical(f, &ix, f->g->node[r].shape);
	slot = memo(a, SG_KEY_NODE + (ix.flat ? 16 : 0), r, ix.n, ix.at);
	if (*slot)
		return (uint32_t)(uintptr_t)*slot;
	SG_PUSH(f->ctx, a->todo, a->n, a->cap, (sg_question){r, ix});
	return 0;
}

/* ---- elementwise nodes ---- */

/* Are all the numbers of node r indices below the extent, none of them counted from the end? */
static bool
are_places(const sg_fn *f, sg_ref r, sg_ext below)
{
	const sg_node *n = sg_fn_node(f, r);
	int64_t end;

	if (!sg_type_is_int((sg_type)n->type) || !sg_ext_const(f->sp, below, &end))
		return false;
	for (uint32_t i = 0; i < n->attr->n; i++)
		if (n->attr->w[i] < 0 || n->attr->w[i] >= end)
			return false;
	return true;
}

uint32_t
sg_checked(sg_asker *a, uint32_t v, sg_ext below)
{
	const sg_val *x = sg_val_at(a, v);
	sg_val at = {.kind = SG_V_AT, .type = SG_I64, .nargs = 1, .arg = {v}, .ext = below};

	if (x->kind == SG_V_LOAD && sg_fn_node(a->f, x->ref)->op == SG_DATA &&
	    !a->f->at[x->ref].stored && are_places(a->f, x->ref, below)) {
		at = (sg_val){
		    .kind = SG_V_PLACE, .type = SG_I64, .ref = x->ref, .aff = x->aff, .ext = below};
		return sg_val_once(a, SG_KEY_AT, v, 1, &below, at);
	}
	if (!*memo(a, SG_KEY_AT, v, 1, &below))
		sg_val_at(a, v)->uses++;
	return sg_val_once(a, SG_KEY_AT, v, 1, &below, at);
}

sg_aff
sg_index_form(sg_asker *a, uint32_t v, sg_ext below)
{
	const sg_val *x = sg_val_at(a, v);

	if (x->kind == SG_V_CONST && are_places(a->f, x->ref, below))
		return sg_aff_ext(a->f, sg_ext_int(a->f->sp, a->f->g->node[x->ref].attr->w[0]));
	return sg_value_var(a->f, sg_checked(a, v, below));
}

/* Index into idx, and then into x, for an element of what x.gather(idx) gives. */
static uint32_t
gathered(sg_asker *a, const sg_node *n, const sg_spot *at)
{
	const sg_shape *sx = a->f->g->node[n->args[0]].shape, *si = a->f->g->node[n->args[1]].shape;
	const uint32_t axis = (uint32_t)n->attr->w[0], nbatch = (uint32_t)n->attr->w[1];
	const uint32_t free = si->rank - nbatch;
	const sg_spot ix = sg_unflatten(a, at, n->shape);
	sg_spot i = {.n = si->rank}, x = {.n = sx->rank};
	sg_aff place;
	uint32_t v;

	for (uint32_t k = 0; k < si->rank; k++)
		i.at[k] = k < nbatch ? ix.at[k] : ix.at[axis + k - nbatch];
	v = sg_ask(a, n->args[1], &i);
	if (v == 0)
		return 0;
	place = sg_index_form(a, v, sx->ext[axis]);
	for (uint32_t k = 0; k < sx->rank; k++)
		x.at[k] = k < axis ? ix.at[k] : k > axis ? ix.at[k + free - 1] : place;
	return sg_ask(a, n->args[0], &x);
}

/* Of node n, as the value of node r: n itself, or n cast. */
static uint32_t
random_number(sg_asker *a, const sg_node *n, sg_ref r, const sg_spot *at)
{
	const sg_shape *ss = a->f->g->node[n->args[0]].shape;
	sg_spot ix = *at, seed = {.n = ss->rank};
	uint32_t v;

	if (ss->rank > 0) {
		ix = sg_unflatten(a, at, n->shape);
		memcpy(seed.at, ix.at, ss->rank * sizeof *seed.at);
	}
	v = sg_ask(a, n->args[0], &seed);
	if (v == 0)
		return 0;
	sg_val_at(a, v)->uses++;
	return sg_add_val(a, (sg_val){.kind = SG_V_RAND,
	                              .type = sg_fn_node(a->f, r)->type,
	                              .op = (uint8_t)n->op,
	                              .nargs = 1,
	                              .arg = {v},
	                              .ref = r,
	                              .aff = sg_linear_from(a->f, &ix, n->shape, ss->rank)});
}

/* The random numbers that node n is, or is in f32 where nobody else asks for them: these are the
 * same ones, rounded, and drawn faster. */
static const sg_node *
random_node(const sg_fn *f, const sg_node *n)
{
	const sg_node *x = n;

	if (n->op == SG_CAST && n->type == SG_F32) {
		const sg_place *p = &f->at[n->args[0]];

		x = sg_fn_node(f, n->args[0]);
		if (p->stored || p->unit || p->uses > 1)
			return NULL;
	}
	return x->op == SG_RAND || x->op == SG_RANDN ? x : NULL;
}

static uint32_t
elementwise(sg_asker *a, const sg_node *n, sg_ref r, const sg_spot *at)
{
	sg_val v = {.kind = n->op == SG_CAST ? SG_V_CAST : SG_V_EW,
	            .type = n->type,
	            .op = (uint8_t)n->op,
	            .nargs = (uint8_t)n->nargs,
	            .ref = r};
	bool all = true;

	for (uint32_t k = 0; k < n->nargs; k++) {
		v.arg[k] = sg_ask(a, n->args[k], at);
		all = all && v.arg[k];
	}
	if (!all)
		return 0;
	for (uint32_t k = 0; k < n->nargs; k++) {
		const sg_type t = (sg_type)sg_val_at(a, v.arg[n->nargs - 1])->type;

		sg_val_at(a, v.arg[k])->uses += n->op == SG_CAST
		                                    ? sg_c_cast_reads(t, (sg_type)n->type)
		                                    : sg_c_op_reads(a->f->m, (sg_op)n->op, t, k);
	}
	return sg_add_val(a, v);
}

static void
answer(sg_asker *a)
{
	const size_t top = a->n - 1;
	const sg_question q = a->todo[top];
	const sg_node *n = sg_fn_node(a->f, q.r);
	void **slot = memo(a, SG_KEY_NODE + (q.ix.flat ? 16 : 0), q.r, q.ix.n, q.ix.at);
	const sg_node *random;
	uint32_t v;

	if (*slot) { /* asked for twice */
		a->n--;
		return;
	}
	random = random_node(a->f, n);
	if (n->op == SG_GATHER)
		v = gathered(a, n, &q.ix);
	else if (random)
		v = random_number(a, random, q.r, &q.ix);
	else if (n->op == SG_SUM)
		v = sg_short_sum(a, n, &q.ix);
	else
		v = elementwise(a, n, q.r, &q.ix);
	if (v == 0)
		return;
	sg_need(a->f->ctx, a->n == top + 1, "an answer to the last question");
	a->n--;
	slot = memo(a, SG_KEY_NODE + (q.ix.flat ? 16 : 0), q.r, q.ix.n, q.ix.at);
	*slot = (void *)(uintptr_t)v;
}

uint32_t
sg_evaluate(sg_asker *a, sg_ref r, const sg_spot *ix)
{
	uint32_t v = sg_ask(a, r, ix);

	while (a->n > 0)
		answer(a);
	return v ? v : sg_ask(a, r, ix);
}
