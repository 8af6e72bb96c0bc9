/* turns.c - loops over what is summed up, of which only some turns have something to add.
 *
 * In sum_i where(c[i,k], x[i,k,d], 0) the condition does not depend on d. So the turns of i for
 * which it holds are found first, 64 at a time and without branches, and the loop along d goes over
 * these alone: the gradient of a minimum over k is a sum for the one k that it was found at. What
 * would have been added is +0 or -0, which changes no sum that begins with +0.
 *
 * Where i are the rows of a tile that is in columns, they are taken one after the other, each with
 * the few k for which its condition holds: these are bits of one word, which the lanes of the tile
 * find side by side. What they add stands for all k until four tiles, which are a block of terms,
 * are done, and goes then to the sums that keep what is rounded off. */
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
	case SG_V_RING:
	case SG_V_PLACE:
		return false;
	}
	return form_is_plain(n, v->aff);
}

/* Turns that are left out leave out no failure. */
static bool
may_fail(const sg_val *v)
{
	return v->kind == SG_V_AT || (v->kind == SG_V_EW && sg_is_checked(v->op, (sg_type)v->type));
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

/* The condition that the terms of all roots have; 0: there is none. */
static uint32_t
common_condition(const sg_nest *n)
{
	const sg_step *s = n->s;
	const uint32_t cond = s->nroots ? condition_of(n, &s->root[0]) : 0;

	for (size_t i = 1; cond && i < s->nroots; i++)
		if (condition_of(n, &s->root[i]) != cond)
			return 0;
	for (size_t i = 1; cond && i < s->nvals; i++)
		if (s->val[i].needed && may_fail(&s->val[i]))
			return 0;
	return cond;
}

/* Roots add what they do if the condition holds. */
static void
choose(sg_nest *n, uint32_t cond)
{
	sg_step *s = n->s;

	n->chosen = cond;
	n->whole = SG_NEW_ARRAY(n->f->ctx, uint32_t, s->nroots);
	for (size_t i = 0; i < s->nroots; i++) {
		n->whole[i] = s->root[i].val[0];
		s->root[i].val[0] = s->val[n->whole[i]].arg[1];
	}
}

void
sg_choose_turn(sg_nest *n)
{
	const uint32_t cond = n->strip ? common_condition(n) : 0;

	if (cond && is_of_turn(n, cond))
		choose(n, cond);
}

void
sg_find_chosen(sg_nest *n)
{
	sg_step *s = n->s;
	const uint32_t cond = common_condition(n);
	int64_t v;

	if (!cond || n->nkept + 2 > n->ngroups ||
	    (sg_ext_const(n->f->sp, n->ext[n->ngroups - 2], &v) && v < FEW))
		return;
	sg_set_depths(n);
	n->parts = parts_of(n, cond);
	if (!n->parts || !is_of_turn(n, cond)) {
		n->parts = NULL;
		return;
	}
	choose(n, cond);
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

/* ---- the rows of a tile that is in columns, each with what it adds to ---- */

static bool
may_gather(sg_fn *f, sg_step *s)
{
	const sg_nest n = {.f = f, .s = s};

	if (s->kind != SG_S_NEST || s->nloops != 3 || s->mask != 1u << s->row || s->takes)
		return false;
	for (size_t i = 0; i < s->nroots; i++)
		if (!f->at[s->root[i].ref].carried || s->root[i].tree ||
		    !condition_of(&n, &s->root[i]))
			return false;
	return true;
}

void
sg_find_gathering(sg_fn *f)
{
	for (uint32_t b = 0; b < f->nbands; b++)
		for (uint32_t k = 0; f->band[b].room && k < f->band[b].n; k++) {
			sg_step *s = &f->step[f->order[f->band[b].first + k]];

			for (size_t i = 0; may_gather(f, s) && i < s->nroots; i++)
				f->at[s->root[i].ref].gathers = true;
		}
}

bool
sg_goes_by_rows(const sg_nest *n)
{
	if (!n->chosen || n->chunks || !n->band || !n->band->columns || !sg_nest_carries(n) ||
	    n->ngroups != 3 || n->nkept != 1 || n->group_of[n->s->row] != 1 ||
	    n->ext[1] != n->band->rows)
		return false;
	for (size_t i = 0; i < n->s->nroots; i++)
		if (!n->f->at[n->s->root[i].ref].gathers)
			return false;
	return true;
}

/* Element i, given as text, of what some tiles have added up. */
static const char *
gathered(const sg_nest *n, const sg_root *r, const char *i)
{
	sg_fn *f = n->f;
	const sg_ext size = sg_shape_size(f->sp, sg_fn_node(f, r->ref)->shape);

	return sg_carry_at(n, r, sg_text(f->ctx, "%s + %s", sg_ext_c(f, size), i));
}

/* Is all that a row adds along the innermost loop the same number? It is gathered once then, for
 * each result of the loop around, and goes to all sums that it is for with the block. */
static bool
is_level(const sg_nest *n, const sg_root *r)
{
	const sg_fn *f = n->f;
	const sg_affine form = f->aff[r->at];

	return n->s->val[r->val[0]].depth < n->ngroups && form.n == 2 &&
	       sg_ext_is(f->sp, form.base, 0) && sg_aff_coef(f, r->at, n->last[0]) == n->ext[2] &&
	       sg_is_1(f, sg_aff_coef(f, r->at, n->last[2]));
}

static void
print_begin(sg_nest *n, const sg_root *r, const char *i)
{
	const sg_node *x = sg_fn_node(n->f, r->ref);

	sg_line(n->f, "%s = %s;", gathered(n, r, i), sg_c_const(n->f, (sg_type)x->type, 0).s);
}

static void
print_take(sg_nest *n, const sg_root *r, const char *i, const char *from)
{
	sg_fn *f = n->f;

	sg_line(f, "%s(&%s[%s], &%s, %s);",
	        sg_use_typed(f->m, "sum_add", (sg_type)sg_fn_node(f, r->ref)->type),
	        sg_array(f, r->ref), i, sg_carry_at(n, r, i), gathered(n, r, from));
}

static void
open_loop(sg_fn *f, const char *i, sg_ext to)
{
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", i, i, sg_ext_bare(f, to), i);
	f->indent++;
}

/* Statements for all results: sums begin, or take what was gathered. */
static void
print_for_all(sg_nest *n, bool begin)
{
	sg_fn *f = n->f;
	const char *i = f->loop[0];

	for (size_t k = 0; k < n->s->nroots; k++) {
		const sg_root *r = &n->s->root[k];
		const bool level = is_level(n, r);

		open_loop(f, i,
		          level ? n->ext[0] : sg_shape_size(f->sp, sg_fn_node(f, r->ref)->shape));
		if (!begin && level) {
			open_loop(f, f->loop[2], n->ext[2]);
			print_take(n, r, sg_form_text(n, r->at).s, i);
			sg_close(n);
		} else if (!begin) {
			print_take(n, r, i, i);
		}
		print_begin(n, r, i);
		sg_close(n);
	}
}

void
sg_open_rows_of_sums(sg_nest *n)
{
	print_for_all(n, true);
}

/* Can the condition be told of the rows that the last tile lacks? */
static bool
tells_all(const sg_nest *n)
{
	for (uint32_t i = 1; i <= n->chosen; i++) {
		const sg_val *v = &n->s->val[i];

		if (n->parts[i] && v->kind == SG_V_LOAD && !n->f->at[v->ref].band &&
		    !sg_ext_is(n->f->sp, sg_aff_coef(n->f, v->aff, n->s->row), 0))
			return false;
	}
	return true;
}

/* The loop over as many results as a word has bits. */
void
sg_open_near(sg_nest *n)
{
	sg_fn *f = n->f;
	const char *ext = sg_ext_bare(f, n->ext[0]);

	n->near = sg_name_fresh(&f->names, "near");
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s += %d) {", n->near, n->near, ext, n->near,
	        NEAR);
	f->indent++;
}

/* Bit i - near of each row's word, which is 0 so far: does result i get something of it? */
void
sg_print_words(sg_nest *n, const char *words)
{
	sg_fn *f = n->f;
	const char *i = f->loop[0], *row = sg_name_fresh(&f->names, "lane");
	const char *stop = sg_name_fresh(&f->names, "stop"), *ext = sg_ext_bare(f, n->ext[0]);

	sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s : %s + %d;", stop, ext, n->near, NEAR,
	        ext, n->near, NEAR);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", i, n->near, i, stop, i);
	f->indent++;
	if (tells_all(n))
		sg_line(f, "for (ptrdiff_t %s = 0; %s < %d; %s++) {", row, row, NEAR, row);
	else
		sg_line(f, "for (ptrdiff_t %s = 0; %s < %s - %s; %s++) {", row, row, f->end, f->row,
		        row);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s + %s;", f->loop[1], f->row, row);
	for (uint32_t k = 1; k <= n->chosen; k++) {
		sg_val *v = &n->s->val[k];

		if (n->parts[k] && (v->depth > 0 || !v->needed || !v->text))
			sg_print_val(n, v);
	}
	sg_line(f, "%s[%s] |= (uint64_t)%s << (%s - %s);", words, row,
	        sg_c_paren(f, sg_val_text(n, n->chosen), SG_PREC_CAST), i, n->near);
	sg_close(n);
	sg_close(n);
}

/* Values that stand in loops `from` to `to`; what is read there is read once. */
static void
print_values(sg_nest *n, uint32_t from, uint32_t to)
{
	sg_fn *f = n->f;

	for (size_t i = 1; i < n->s->nvals; i++) {
		sg_val *v = &n->s->val[i];

		if (!v->needed || v->depth < from || v->depth > to)
			continue;
		sg_print_val(n, v);
		if (v->kind != SG_V_LOAD || v->guarded || v->depth == n->ngroups)
			continue;
		const char *name = sg_name_fresh(&f->names, NULL);
		sg_line(f, "const %s %s = %s;", sg_type_c_name((sg_type)v->type), name, v->text);
		v->text = name;
		v->prec = SG_PREC_ATOM;
	}
}

/* What a row adds to the results that are level, or to the others. */
static void
print_terms(sg_nest *n, bool level)
{
	for (size_t i = 0; i < n->s->nroots; i++) {
		sg_root *r = &n->s->root[i];

		if (is_level(n, r) != level)
			continue;
		r->into = gathered(n, r, level ? n->f->loop[0] : sg_form_text(n, r->at).s);
		sg_print_root(n, r);
	}
}

static void
print_row(sg_nest *n)
{
	sg_fn *f = n->f;
	bool level = true;

	print_values(n, 1, 2);
	print_terms(n, true);
	for (size_t i = 0; i < n->s->nroots; i++)
		level = level && is_level(n, &n->s->root[i]);
	if (level)
		return;
	f->m->has_independent = true;
	sg_line(f, "SGRT_INDEPENDENT");
	open_loop(f, f->loop[2], n->ext[2]);
	print_values(n, 3, 3);
	print_terms(n, false);
	sg_close(n);
}

/* The words of the results near, of which those of the last ones may stand there already. */
static const char *
print_near_words(sg_nest *n)
{
	sg_fn *f = n->f;
	const char *words = n->words ? n->words : sg_name_fresh(&f->names, "chosen");
	int64_t ext;

	if (!n->words) {
		sg_line(f, "uint64_t %s[%d] = {0};", words, NEAR);
		sg_print_words(n, words);
	} else if (!sg_ext_const(f->sp, n->ext[0], &ext) || ext > NEAR) {
		sg_line(f, "if (%s > %d) {", sg_ext_c(f, n->ext[0]), NEAR);
		f->indent++;
		sg_line(f, "memset(%s, 0, sizeof %s);", words, words);
		sg_use(f->m, "memset");
		sg_print_words(n, words);
		sg_close(n);
	}
	return words;
}

void
sg_print_by_rows(sg_nest *n)
{
	sg_fn *f = n->f;
	const char *words, *k = f->loop[0], *j = f->loop[1];
	const char *left = sg_name_fresh(&f->names, "left");

	print_values(n, 0, 0);
	sg_open_near(n);
	words = print_near_words(n);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", j, f->row, j, f->end, j);
	f->indent++;
	sg_line(f, "for (uint64_t %s = %s[%s - %s]; %s != 0; %s &= %s - 1) {", left, words, j,
	        f->row, left, left, left);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s + %s(%s);", k, n->near, sg_use(f->m, "sgrt_lowest_bit"),
	        left);
	print_row(n);
	sg_close(n);
	sg_close(n);
	sg_close(n);
	sg_line(f, "if (%s == %s || %s %% %d == 0) {", f->end, sg_ext_bare(f, n->band->rows),
	        f->end, SG_BLOCK);
	f->indent++;
	print_for_all(n, false);
	sg_close(n);
}
