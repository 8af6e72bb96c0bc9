/* turns.c - loops over what is summed up, of which only some turns have something to add.
 *
 * In sum_i where(c[i,k], x[i,k,d], 0) the condition does not depend on d. So the turns of i for
 * which it holds are found first, 64 at a time and without branches, and the loop along d goes over
 * these alone: the gradient of a minimum over k is a sum for the one k that it was found at. What
 * would have been added is +0 or -0, which changes no sum that begins with +0. */
#include "back/nest.h"

enum { FEW = 16, NEAR = 64 /* as sgrt_chosen has it */ };

/* ---- is a nest like that ---- */

/* The condition of a root's term; 0: it has none. */
static uint32_t
condition_of(const sg_nest *n, const sg_root *r)
{
	const sg_val *v = &n->s->val[r->val[0]], *zero;
	const uint16_t op = sg_fn_node(n->f, r->ref)->op;

	if (r->kind != SG_R_FOLD || (op != SG_SUM && op != SG_CONTRACT) || v->kind != SG_V_EW ||
	    v->op != SG_SELECT || !sg_type_is_float((sg_type)v->type))
		return 0;
	zero = &n->s->val[v->arg[2]];
	if (zero->kind != SG_V_CONST ||
	    sg_bits_double(sg_fn_node(n->f, zero->ref)->attr->w[0]) != 0)
		return 0;
	return v->arg[0];
}

static bool
form_is_plain(const sg_nest *n, sg_aff a)
{
	const sg_affine form = n->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE && form.term[i].var < SG_VAR_LANE)
			return false;
	return true;
}

/* May it be printed once more, in another loop? */
static bool
is_plain(const sg_nest *n, const sg_val *v)
{
	switch ((sg_val_kind)v->kind) {
	case SG_V_CONST:
	case SG_V_DIM:
	case SG_V_LOCAL:
	case SG_V_INDEX:
	case SG_V_CAST:
	case SG_V_EW:
		break;
	case SG_V_LOAD:
		if (v->guarded)
			return false;
		break;
	case SG_V_RAND:
	case SG_V_AT:
	case SG_V_WITHIN:
	case SG_V_DIV:
	case SG_V_MOD:
	case SG_V_PLACE:
		return false;
	}
	return form_is_plain(n, v->aff);
}

/* Turns that are left out leave out no failure. */
static bool
may_fail(const sg_val *v)
{
	return v->kind == SG_V_AT || (v->kind == SG_V_EW && !sg_type_is_float((sg_type)v->type) &&
	                              (v->op == SG_FLOORDIV || v->op == SG_MOD));
}

/* Does it stand in the loop over the turns, the last but one? */
static bool
is_of_turn(const sg_nest *n, uint32_t v)
{
	return n->s->val[v].depth + 1U == n->ngroups;
}

/* What the condition is made of; NULL: it can't be printed in a loop of its own. */
static bool *
parts_of(const sg_nest *n, uint32_t cond)
{
	const sg_step *s = n->s;
	bool *part = SG_NEW_ARRAY(n->f->ctx, bool, s->nvals);

	part[cond] = true;
	for (uint32_t i = cond + 1; i-- > 1;) {
		if (!part[i])
			continue;
		if (!is_plain(n, &s->val[i]) || s->val[i].depth >= n->ngroups)
			return NULL;
		for (uint32_t k = 0; k < s->val[i].nargs; k++)
			part[s->val[i].arg[k]] = true;
	}
	return part;
}

static uint32_t
common_condition(const sg_nest *n)
{
	const sg_step *s = n->s;
	const uint32_t cond = s->nroots ? condition_of(n, &s->root[0]) : 0;
	int64_t v;

	if (n->nkept + 2 > n->ngroups ||
	    (sg_ext_const(n->f->sp, n->ext[n->ngroups - 2], &v) && v < FEW))
		return 0;
	for (size_t i = 1; cond && i < s->nroots; i++)
		if (condition_of(n, &s->root[i]) != cond)
			return 0;
	for (size_t i = 1; cond && i < s->nvals; i++)
		if (s->val[i].needed && may_fail(&s->val[i]))
			return 0;
	return cond;
}

void
sg_find_chosen(sg_nest *n)
{
	sg_step *s = n->s;
	const uint32_t cond = common_condition(n);

	if (!cond)
		return;
	sg_set_depths(n);
	n->parts = parts_of(n, cond);
	if (!n->parts || !is_of_turn(n, cond)) {
		n->parts = NULL;
		return;
	}
	n->chosen = cond;
	n->whole = SG_NEW_ARRAY(n->f->ctx, uint32_t, s->nroots);
	for (size_t i = 0; i < s->nroots; i++) {
		n->whole[i] = s->root[i].val[0];
		s->root[i].val[0] = s->val[n->whole[i]].arg[1];
	}
	sg_find_needed(n);
	for (size_t i = 1; i < s->nvals; i++)
		s->val[i].needed |= n->parts[i] && !is_of_turn(n, (uint32_t)i);
}

void
sg_forget_chosen(sg_nest *n)
{
	for (size_t i = 0; n->chosen && i < n->s->nroots; i++)
		n->s->root[i].val[0] = n->whole[i];
	n->chosen = 0;
}

/* ---- text ---- */

/* A loop over the turns behind `near` that are in `turns`, or all of them. */
static void
open_turns(sg_nest *n, uint32_t d, const char *turn, const char *count, const char *at)
{
	sg_fn *f = n->f;

	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", turn, turn, count, turn);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s;", f->loop[d], at);
}

static void
print_condition(sg_nest *n, const char *into)
{
	for (uint32_t i = 1; i <= n->chosen; i++)
		if (n->parts[i] && (is_of_turn(n, i) || !n->s->val[i].needed))
			sg_print_val(n, &n->s->val[i]);
	sg_line(n->f, "%s = %s;", into, n->s->val[n->chosen].text);
}

static void
print_near(sg_nest *n, uint32_t d, const char *near, const char *count)
{
	sg_fn *f = n->f;
	const char *is = sg_name_fresh(&f->names, "is_chosen");
	const char *turns = sg_name_fresh(&f->names, "turns");
	const char *nturns = sg_name_fresh(&f->names, "nturns");
	const char *turn = sg_name_fresh(&f->names, "turn");

	sg_line(f, "uint8_t %s[%d] = {0};", is, NEAR);
	sg_line(f, "uint8_t %s[%d];", turns, NEAR);
	open_turns(n, d, turn, count, sg_text(f->ctx, "%s + %s", near, turn));
	print_condition(n, sg_text(f->ctx, "%s[%s]", is, turn));
	sg_close(n);
	sg_line(f, "const ptrdiff_t %s = %s(%s, %s);", nturns, sg_use(f->m, "sgrt_chosen"), is,
	        turns);
	open_turns(n, d, turn, nturns, sg_text(f->ctx, "%s + %s[%s]", near, turns, turn));
	sg_print_level(n, d + 1);
	sg_close(n);
}

/* A tile has mostly no more rows than are looked at. */
void
sg_print_chosen(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	const char *near, *count;

	if (n->band && n->band->tile <= NEAR && n->group_of[n->s->row] == d &&
	    n->ext[d] == n->band->rows) {
		print_near(n, d, from, sg_text(f->ctx, "%s - %s", to, from));
		return;
	}
	near = sg_name_fresh(&f->names, "near");
	count = sg_name_fresh(&f->names, "count");
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", near, from, near, to, near,
	        NEAR);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s - %s : %d;", count, to, near, NEAR, to,
	        near, NEAR);
	print_near(n, d, near, count);
	sg_close(n);
}
