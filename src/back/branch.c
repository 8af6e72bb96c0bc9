/* branch.c - what only one side of a branch needs is computed where that side is taken.
 *
 * pass/guard.c says under which conditions a value is needed. Where that saves work that counts,
 * steps are made for one guard each and printed inside of an if; a SELECT of arrays whose sides
 * have work of their own becomes a JOIN of two pieces, one for each side. A branch that saves
 * little stays as it is: both sides are computed, on operands that the front end has made harmless.
 * Within a guard they need not be, so a SELECT whose condition the guard knows is its operand. */
#include "back/branch.h"

#include "back/nest.h"

#include <string.h>

enum {
	EACH = 8,    /* operations on each element of an array that are worth a branch */
	SCALAR = 40, /* on scalars */
	RARE = 8,    /* on scalars, where the condition hardly ever changes */
	MUCH = 1 << 20,
	DEEP = 64, /* guards in guards that work counts for */
};

/* ---- which branches ---- */

static bool
moves(uint16_t op)
{
	return op == SG_BIND || op == SG_STOP || op == SG_RESHAPE || op == SG_TRANSPOSE ||
	       op == SG_BROADCAST || op == SG_SLICE || op == SG_WINDOW || op == SG_PAD;
}

static uint32_t
weight_of(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const uint32_t scale = sg_has_one_element(f, r) ? 1 : SCALAR / EACH;

	if (sg_is_ew(n->op))
		return (uint32_t)sg_ops[n->op].cost * scale;
	if (n->nargs == 0 || moves(n->op) || n->op == SG_CONCAT)
		return 0;
	switch (n->op) {
	case SG_CAST:
		return scale;
	case SG_GATHER:
	case SG_RAND:
	case SG_RANDN:
		return SCALAR;
	default:
		return MUCH;
	}
}

static bool
any_counts(const sg_guards *w, uint32_t guard, const bool *counts)
{
	for (; guard; guard = w->at[guard].up)
		if (counts[w->at[guard].cond])
			return true;
	return false;
}

static void
count_all(const sg_guards *w, uint32_t guard, bool *counts)
{
	for (; guard; guard = w->at[guard].up)
		counts[w->at[guard].cond] = true;
}

/* By node: is it a condition under which there is work that counts? NULL: there is none. */
static bool *
conditions_that_count(const sg_fn *f, const sg_guards *w)
{
	uint32_t *work = SG_NEW_ARRAY(f->ctx, uint32_t, f->g->n);
	bool *counts = SG_NEW_ARRAY(f->ctx, bool, f->g->n), any = false;

	for (sg_ref r = 1; r < f->g->n; r++) {
		const uint32_t weight = w->live[r] ? weight_of(f, r) : 0;
		int deep = 0;

		for (uint32_t g = w->of[r]; weight && g && deep < DEEP; g = w->at[g].up, deep++)
			if (work[w->at[g].cond] < MUCH)
				work[w->at[g].cond] += weight;
	}
	for (sg_ref r = 1; r < f->g->n; r++) {
		counts[r] = work[r] >= (sg_fn_node(f, r)->op == SG_LIKELY ? RARE : SCALAR);
		any = any || counts[r];
	}
	for (sg_ref r = 1; any && r < f->g->n; r++)
		if (any_counts(w, w->side[r][0], counts) || any_counts(w, w->side[r][1], counts)) {
			count_all(w, w->side[r][0], counts); /* all that a branch tests */
			count_all(w, w->side[r][1], counts);
		}
	return any ? counts : NULL;
}

/* ---- what is as well computed anyway ---- */

static bool
is_rare(const sg_fn *f, const sg_guards *w, uint32_t guard)
{
	for (; guard; guard = w->at[guard].up)
		if (!w->at[guard].side && sg_fn_node(f, w->at[guard].cond)->op == SG_LIKELY)
			return true;
	return false;
}

/* A few operations on scalars that need nothing under a guard, and can't fail. */
static bool
is_trivial(const sg_fn *f, const sg_guards *w, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);

	if (!sg_has_one_element(f, r) || n->op == SG_NONEMPTY ||
	    sg_is_checked(n->op, (sg_type)n->type) || is_rare(f, w, w->of[r]) ||
	    !(n->op == SG_CAST || (sg_is_ew(n->op) && sg_ops[n->op].cost < EACH)))
		return false;
	for (uint32_t k = 0; k < n->nargs; k++)
		if (w->of[n->args[k]] && sg_fn_node(f, n->args[k])->nargs)
			return false;
	return true;
}

static void
set_free(const sg_fn *f, sg_guards *w, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);

	w->of[r] = 0;
	for (uint32_t k = 0; k < n->nargs; k++)
		w->of[n->args[k]] = 0;
}

/* A branch would cost more. Conditions come first in the order, so all that is trivial is found. */
static void
free_trivial(const sg_fn *f, sg_guards *w)
{
	for (size_t i = 0; i < w->norder; i++)
		if (w->of[w->order[i]] && is_trivial(f, w, w->order[i]))
			set_free(f, w, w->order[i]);
}

/* ---- the graph ---- */

/* Is r a tensor of ones, seen through what moves it? */
static bool
is_one(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);

	while (n->op == SG_BIND || n->op == SG_BROADCAST || n->op == SG_RESHAPE)
		n = sg_fn_node(f, n->args[0]);
	return n->op == SG_CONST && sg_type_is_float((sg_type)n->type) &&
	       n->attr->w[0] == sg_double_bits(1);
}

/* The operand that node r is; 0: it is none. An adjoint that was selected may now be 1. */
static sg_ref
settled(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);

	if (f->guards->known[r])
		return n->args[f->guards->known[r]];
	for (uint32_t k = 0; n->op == SG_MUL && f->guards->of[r] && k < 2; k++)
		if (is_one(f, n->args[k]))
			return n->args[1 - k];
	return 0;
}

/* A SELECT of which the guard says what it is becomes that operand. */
static void
settle_selects(sg_fn *f)
{
	for (sg_ref r = 1; r < f->guarded; r++) {
		sg_node *n = &f->own->node[r];
		const sg_ref x = settled(f, r);

		if (!x)
			continue;
		n->op = SG_BIND;
		n->args = sg_copy(f->ctx, &x, sizeof x);
		n->nargs = 1;
		n->attr = NULL;
	}
}

/* Does the side need anything to be computed? */
static bool
has_work(const sg_fn *f, sg_ref r)
{
	while (moves(sg_fn_node(f, r)->op))
		r = sg_arg(f->g, r, 0);
	const sg_node *n = sg_fn_node(f, r);
	return n->nargs > 0;
}

/* requires: no loops planned yet.  ensures: f->guards where there are branches worth it. */
void
sg_find_branches(sg_fn *f)
{
	sg_ref *root = SG_NEW_ARRAY(f->ctx, sg_ref, f->nout);
	const sg_guards *w = NULL;
	const bool *counts = NULL;

	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < f->nout; i++)
			root[i] = f->out[i].ref;
		w = sg_guards_find(f->ctx, f->g, f->nout, root, NULL);
		counts = w ? conditions_that_count(f, w) : NULL;
		if (!counts)
			return;
		if (f->own)
			break;
		sg_own_graph(f);
	}
	f->guards = sg_guards_find(f->ctx, f->g, f->nout, root, counts);
	f->guarded = f->g->n;
	if (!f->guards)
		return;
	settle_selects(f);
	free_trivial(f, f->guards);
}

uint32_t
sg_guard_of(const sg_fn *f, sg_ref r)
{
	return f->guards && r < f->guarded ? f->guards->of[r] : 0;
}

static const uint32_t *
sides(const sg_fn *f, sg_ref r)
{
	const bool is = f->guards && r < f->guarded && f->guards->side[r][0];

	return is ? f->guards->side[r] : NULL;
}

uint32_t
sg_branch_side(const sg_fn *f, sg_ref r, uint32_t k)
{
	return sides(f, r)[k];
}

/* Is there something to compute for a side that is computed only where it is taken? */
static bool
has_own_side(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);

	for (uint32_t k = 0; k < 2; k++)
		if (has_work(f, n->args[1 + k]) &&
		    !sg_guard_within(f->guards, sg_guard_of(f, r), sg_guard_of(f, n->args[1 + k])))
			return true;
	return false;
}

bool
sg_is_branch(const sg_fn *f, sg_ref r)
{
	return sides(f, r) && sg_fn_node(f, r)->op == SG_SELECT && !sg_has_one_element(f, r) &&
	       has_own_side(f, r);
}

bool
sg_guards_operands(const sg_fn *f, sg_ref r)
{
	return sides(f, r) != NULL;
}

bool
sg_is_condition(const sg_fn *f, sg_ref r)
{
	return f->guards && r < f->guarded && f->guards->is_cond[r];
}

uint32_t
sg_guard_level(const sg_fn *f, uint32_t guard)
{
	uint32_t level = 0;

	for (; guard; guard = f->guards->at[guard].up) {
		const uint32_t ready = f->at[f->guards->at[guard].cond].ready;

		level = ready > level ? ready : level;
	}
	return level;
}

/* ---- names of tests ---- */

/* Is the variable's text a name that stays as it is to the end of the function? */
static const char *
lasting_text(const sg_fn *f, const sg_step *s)
{
	const sg_val *v = &s->val[s->root[0].val[0]];
	const bool is_input =
	    v->kind == SG_V_LOAD && f->at[v->ref].kind == SG_P_LEAF && !f->at[v->ref].stored;

	return s->guard == 0 && !f->split && (v->kind == SG_V_LOCAL || is_input) ? v->text : NULL;
}

/* Tests that stand inside of others are declared before. */
void
sg_open_tests(sg_fn *f)
{
	uint32_t n = 0;

	for (size_t s = 0; s < f->nsteps; s++) {
		const sg_ref r = f->step[s].ref;

		if (f->step[s].kind != SG_S_TEST)
			continue;
		if (f->split)
			f->test[r] = sg_text(f->ctx, "%s[%u]", f->tests, (unsigned)n++);
		else
			f->test[r] = sg_name_fresh(&f->names, sg_hint(f, r, "taken"));
		if (f->step[s].guard && !f->split)
			sg_line(f, "uint8_t %s = 0;", f->test[r]);
	}
}

/* Of a function in pieces. */
void
sg_declare_tests(sg_fn *f)
{
	uint32_t n = 0;

	for (size_t s = 0; f->split && s < f->nsteps; s++)
		n += f->step[s].kind == SG_S_TEST;
	if (n)
		sg_line(f, "uint8_t %s[%u] = {0};", f->tests, (unsigned)n);
}

void
sg_print_test(sg_fn *f, sg_step *s)
{
	const char *lasting, *text;

	sg_print_texts(f, s);
	text = s->val[s->root[0].val[0]].text;
	lasting = lasting_text(f, s);
	if (lasting)
		f->test[s->ref] = lasting;
	else
		sg_line(f, "%s%s = %s;", s->guard || f->split ? "" : "const uint8_t ",
		        f->test[s->ref], text);
}

static const char *
guard_text(sg_fn *f, uint32_t guard)
{
	const sg_guard *g = &f->guards->at[guard];
	const char *own = sg_text(f->ctx, "%s%s", g->side ? "" : "!", f->test[g->cond]);

	return g->up ? sg_text(f->ctx, "%s && %s", guard_text(f, g->up), own) : own;
}

/* ---- runs of steps with one guard ---- */

/* Of the step or band at place `at` of the order. What prints nothing has none. */
uint32_t
sg_item_guard(const sg_fn *f, size_t at)
{
	const size_t end = sg_item_end(f, at);

	while (at + 1 < end && f->step[f->order[at]].kind == SG_S_DONE)
		at++;
	return f->step[f->order[at]].kind == SG_S_DONE ? 0 : f->step[f->order[at]].guard;
}

static bool
same_run(const sg_fn *f, size_t at, size_t next)
{
	return sg_item_guard(f, next) == sg_item_guard(f, at) &&
	       sg_same_piece(f, f->order[at], f->order[next]);
}

/* The first step behind the run that begins at `at`; in it are steps of its guard alone, and such
 * as print nothing. */
static size_t
end_of_run(const sg_fn *f, size_t at)
{
	size_t end = sg_item_end(f, at);

	for (size_t i = end; i < f->nsteps; i = sg_item_end(f, i)) {
		if (same_run(f, at, i))
			end = sg_item_end(f, i);
		else if (f->step[f->order[i]].kind != SG_S_DONE)
			break;
	}
	return end;
}

/* Variables that steps outside of the run read are declared before it. */
void
sg_find_leaving(sg_fn *f)
{
	uint32_t *run = SG_NEW_ARRAY(f->ctx, uint32_t, f->nsteps + 1), n = 0;

	if (!f->guards)
		return;
	f->leaving = SG_NEW_ARRAY(f->ctx, sg_ref, f->nsteps + 1);
	f->next_leaving = SG_NEW_ARRAY(f->ctx, sg_ref, f->g->n);
	for (size_t i = 0; i < f->nsteps;) {
		const size_t end = sg_item_guard(f, i) ? end_of_run(f, i) : sg_item_end(f, i);

		for (n++; i < end; i++)
			run[f->order[i]] = n;
	}
	for (size_t s = 0; s < f->nsteps; s++)
		for (size_t v = 1; v < f->step[s].nvals; v++) {
			const sg_val *x = &f->step[s].val[v];
			const uint32_t done = x->kind == SG_V_LOCAL ? f->at[x->ref].done : 0;

			if (!done || f->at[x->ref].leaves || !f->step[done - 1].guard ||
			    run[done - 1] == run[s])
				continue;
			f->at[x->ref].leaves = true;
			f->next_leaving[x->ref] = f->leaving[done - 1];
			f->leaving[done - 1] = x->ref;
		}
}

static void
declare_leaving(sg_fn *f, size_t at, size_t end)
{
	for (size_t i = at; i < end; i++)
		for (sg_ref r = f->leaving[f->order[i]]; r; r = f->next_leaving[r]) {
			const sg_type t = (sg_type)sg_fn_node(f, r)->type;

			if (f->at[r].name)
				sg_line(f, "%s %s = %s;", sg_type_c_name(t), f->at[r].name,
				        sg_c_const(f, t, 0).s);
		}
}

/* Does the run at `next` stand for the other side of the one at `at`? */
static bool
is_other_side(const sg_fn *f, size_t at, size_t next)
{
	const size_t other = next < f->nsteps ? next : at;
	const sg_guard *g = &f->guards->at[sg_item_guard(f, at)],
		       *h = &f->guards->at[sg_item_guard(f, other)];

	return g->up == h->up && g->cond == h->cond && g->side != h->side &&
	       sg_same_piece(f, f->order[at], f->order[other]);
}

static void
print_inside(sg_fn *f, size_t at, size_t end)
{
	sg_buf *out = f->b, text;

	sg_buf_init(&text, f->ctx); /* so that no blank line comes first */
	f->b = &text;
	f->indent++;
	f->line = 0;
	while (at < end) {
		sg_print_steps_at(f, at);
		at = sg_item_end(f, at);
	}
	f->indent--;
	f->b = out;
	sg_buf_puts(out, sg_buf_text(&text));
}

/* In branches within others, neither side may be taken. */
static void
print_else(sg_fn *f, uint32_t guard)
{
	if (f->guards->at[guard].up)
		sg_line(f, "} else if (%s) {", guard_text(f, guard));
	else
		sg_line(f, "} else {");
}

/* The steps from place `at` of the order that have its guard, inside of an if; then those of the
 * other side. Gives the place behind them. */
size_t
sg_print_run(sg_fn *f, size_t at)
{
	const size_t end = end_of_run(f, at);
	const bool other = is_other_side(f, at, end);
	const size_t last = other ? end_of_run(f, end) : end;

	if (f->b->n && f->b->s[f->b->n - 1] == '\n')
		sg_buf_putc(f->b, '\n');
	declare_leaving(f, at, last);
	sg_line(f, "if (%s) {", guard_text(f, sg_item_guard(f, at)));
	print_inside(f, at, end);
	if (other) {
		print_else(f, sg_item_guard(f, end));
		print_inside(f, end, last);
	}
	sg_line(f, "}");
	f->line = 0;
	return last;
}
