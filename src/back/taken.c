/* taken.c - loops over items that read at indices, as the nodes of an element: each tile of items
 * (turned.c) has a loop of its own before that checks the indices and takes what is read at them to
 * columns. The loop over the lanes then has no way out and becomes SIMD. What it adds at indices
 * goes to columns too, from which a loop behind adds it, item by item as before. */
#include "back/turned.h"

#include <string.h>

bool
sg_is_in_loop(const sg_nest *n, uint32_t v)
{
	return n->s->val[v].needed && n->s->val[v].depth == n->ngroups && !sg_has_chunk(n, v);
}

bool
sg_depends_on_values(const sg_nest *n, sg_aff a)
{
	const sg_affine form = n->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE && form.term[i].var < SG_VAR_LANE &&
		    n->s->val[form.term[i].var - SG_VAR_VALUE].depth == n->ngroups)
			return true;
	return false;
}

/* ---- what is taken ---- */

static void
want_form(const sg_nest *n, bool *want, sg_aff a)
{
	const sg_affine form = n->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE && form.term[i].var < SG_VAR_LANE)
			want[form.term[i].var - SG_VAR_VALUE] = true;
}

static void
want_operands(const sg_nest *n, bool *want, const sg_val *v)
{
	want_form(n, want, v->aff);
	for (uint32_t k = 0; k < v->nconds; k++)
		want_form(n, want, v->cond[k].form);
	for (uint32_t k = 0; k < v->nargs; k++)
		want[v->arg[k]] = true;
}

bool
sg_can_be_given(sg_nest_arrays *a, const sg_root *r)
{
	const sg_nest *n = a->n;
	const sg_node *x = sg_fn_node(n->f, r->ref);

	return r->kind == SG_R_FOLD && x->op == SG_SCATTER && sg_adds_up(n->f, r->ref) &&
	       sg_type_is_float((sg_type)x->type) && !sg_nest_reads(a, sg_array(n->f, r->ref));
}

static void
want_roots(const sg_nest *n, sg_turned *t)
{
	sg_nest_arrays arrays = {.n = n};

	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];

		t->given[i] = sg_can_be_given(&arrays, r);
		t->ngiven += t->given[i];
		t->in_lanes[r->val[0]] = t->in_lanes[r->val[1]] = true;
		want_form(n, t->given[i] ? t->behind : t->in_lanes, r->at);
		want_form(n, t->in_lanes, r->pos);
	}
}

/* An index that nothing needs is checked all the same. */
void
sg_find_taken(const sg_nest *n, sg_turned *t)
{
	const uint32_t nvals = (uint32_t)n->s->nvals;

	t->taken = SG_NEW_ARRAY(n->f->ctx, bool, nvals);
	t->in_lanes = SG_NEW_ARRAY(n->f->ctx, bool, nvals);
	t->before = SG_NEW_ARRAY(n->f->ctx, bool, nvals);
	t->column = SG_NEW_ARRAY(n->f->ctx, const char *, nvals);
	t->given = SG_NEW_ARRAY(n->f->ctx, bool, n->s->nroots);
	t->sum = SG_NEW_ARRAY(n->f->ctx, const char *, n->s->nroots);
	t->behind = SG_NEW_ARRAY(n->f->ctx, bool, nvals);
	want_roots(n, t);
	for (uint32_t i = nvals; i-- > 1;) {
		const sg_val *v = &n->s->val[i];

		if (!sg_is_in_loop(n, i))
			continue;
		t->taken[i] = t->in_lanes[i] && v->kind == SG_V_LOAD && !v->guarded &&
		              sg_depends_on_values(n, v->aff);
		t->ntaken += t->taken[i];
		t->before[i] = t->before[i] || v->kind == SG_V_AT;
		if (t->in_lanes[i] && !t->taken[i])
			want_operands(n, t->in_lanes, v);
		if (t->before[i] || t->taken[i])
			want_operands(n, t->before, v);
		if (t->behind[i])
			want_operands(n, t->behind, v);
	}
}

/* ---- text ---- */

/* The columns of one array lie side by side. */
static void
declare_columns(sg_nest *n)
{
	sg_fn *f = n->f;
	const sg_turned *t = n->turned;
	const sg_step *s = n->s;

	memset(t->column, 0, s->nvals * sizeof *t->column);
	for (uint32_t i = 1; i < s->nvals; i++) {
		const sg_ref r = s->val[i].ref;
		const char *name;
		int count = 0;

		if (!t->taken[i] || t->column[i])
			continue;
		name = sg_name_fresh(&f->names, sg_text(f->ctx, "%.30s_at", sg_array(f, r)));
		for (uint32_t k = i; k < s->nvals; k++)
			if (t->taken[k] && s->val[k].ref == r)
				t->column[k] =
				    sg_text(f->ctx, "%s[%d][%s]", name, count++, n->lane);
		sg_line(f, "%s %s[%d][%d];", sg_type_c_name((sg_type)s->val[i].type), name, count,
		        t->lanes);
	}
}

/* d: all loops of the nest. */
static void
print_before(sg_nest *n, uint32_t d)
{
	const sg_turned *t = n->turned;

	for (uint32_t i = 1; i < n->s->nvals; i++) {
		sg_val *v = &n->s->val[i];

		if (v->depth != d)
			continue;
		if (t->before[i])
			sg_print_val(n, v);
		if (t->taken[i])
			sg_line(n->f, "%s = %s;", t->column[i], sg_element_of(n, v->ref, v->aff));
	}
}

/* A loop over the lanes, one by one. */
static void
print_lanes(sg_nest *n, const char *first, const char *width, void (*print)(sg_nest *n, uint32_t d))
{
	sg_line(n->f, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", n->lane, n->lane, width, n->lane);
	n->f->indent++;
	sg_print_for_turn(n, n->ngroups, first, n->lane, false, print);
	sg_close(n);
}

void
sg_print_taken(sg_nest *n, const char *first, const char *width)
{
	if (n->turned->ntaken == 0)
		return;
	declare_columns(n);
	print_lanes(n, first, width, print_before);
}

void
sg_open_taken(sg_nest *n)
{
	if (n->turned->ntaken + n->turned->ngiven == 0)
		return;
	for (uint32_t i = 1; i < n->s->nvals; i++)
		if (n->s->val[i].depth == n->ngroups)
			n->s->val[i].needed = n->turned->in_lanes[i];
}

void
sg_close_taken(sg_nest *n)
{
	if (n->turned->ntaken + n->turned->ngiven > 0)
		sg_find_needed(n);
}

/* ---- what is added ---- */

void
sg_declare_given(sg_nest *n)
{
	sg_fn *f = n->f;
	const sg_turned *t = n->turned;
	const sg_step *s = n->s;

	memset(t->sum, 0, s->nroots * sizeof *t->sum);
	for (size_t i = 0; i < s->nroots; i++) {
		const sg_ref r = s->root[i].ref;
		const char *name;
		int count = 0;

		if (!t->given[i] || t->sum[i])
			continue;
		name = sg_name_fresh(&f->names, sg_text(f->ctx, "%.30s_add", sg_array(f, r)));
		for (size_t k = i; k < s->nroots; k++)
			if (t->given[k] && s->root[k].ref == r)
				t->sum[k] = sg_text(f->ctx, "%s[%d][%s]", name, count++, n->lane);
		sg_line(f, "%s %s[%d][%d];", sg_type_c_name((sg_type)sg_fn_node(f, r)->type), name,
		        count, t->lanes);
	}
}

static void
print_behind(sg_nest *n, uint32_t d)
{
	sg_step *s = n->s;
	sg_turned *t = n->turned;

	t->adds = true;
	for (uint32_t i = 1; i < s->nvals; i++)
		if (s->val[i].depth == d && t->behind[i])
			sg_print_val(n, &s->val[i]);
	for (size_t i = 0; i < s->nroots; i++)
		if (t->given[i]) {
			s->val[s->root[i].val[0]].text = t->sum[i];
			s->val[s->root[i].val[0]].prec = SG_PREC_ATOM;
		}
	sg_print_roots(n);
	t->adds = false;
}

void
sg_print_given(sg_nest *n, const char *first, const char *width)
{
	if (n->turned->ngiven > 0)
		print_lanes(n, first, width, print_behind);
}

bool
sg_print_turned_root(sg_nest *n, size_t root)
{
	const sg_turned *t = n->turned;

	if (!t || !(t->open || t->adds))
		return false;
	if (t->open && t->given[root])
		sg_line(n->f, "%s = %s;", t->sum[root], sg_val_text(n, n->s->root[root].val[0]).s);
	return t->open == t->given[root];
}

bool
sg_turned_checked(const sg_nest *n)
{
	return n->turned && n->turned->adds;
}

const char *
sg_turned_value(const sg_nest *n, const sg_val *v)
{
	return n->turned && n->turned->open ? n->turned->column[v - n->s->val] : NULL;
}
