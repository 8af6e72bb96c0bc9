/* fold.c - the C text of what a loop nest computes: reductions, running sums, stores. */
#include "back/nest.h"

#include <string.h>

enum { FEW = 16 }; /* turns that a compiler writes out */

/* ---- reductions ---- */

const char *
sg_fold_first(sg_fn *f, sg_op op, sg_type t)
{
	const bool is_max = op == SG_AMAX || op == SG_ARGMAX;

	switch ((int)op) {
	case SG_PROD:
	case SG_ALL:
		return sg_type_is_float(t) ? (t == SG_F32 ? "1.0f" : "1.0") : "1";
	case SG_AMAX:
	case SG_AMIN:
	case SG_ARGMAX:
	case SG_ARGMIN:
		break;
	default:
		return sg_c_const(f, t, 0).s;
	}
	if (sg_type_is_float(t))
		return is_max ? "-INFINITY" : "INFINITY";
	if (t == SG_BOOL)
		return is_max ? "0" : "1";
	if (t == SG_I32)
		return sg_c_const(f, t, is_max ? INT32_MIN : INT32_MAX).s;
	return sg_c_const(f, t, is_max ? INT64_MIN : INT64_MAX).s;
}

static bool
is_zero_first(sg_op op)
{
	return op != SG_PROD && op != SG_ALL && op != SG_AMAX && op != SG_AMIN;
}

bool
sg_is_running(sg_op op)
{
	return op == SG_CUMSUM || op == SG_LINREC;
}

/* Is there a result for each of so many? Where there are none there is nothing to take from
 * nothing. */
static bool
is_kept(const sg_nest *n, sg_ext ext)
{
	for (uint32_t var = 0; var < n->s->nloops; var++)
		if (!(n->s->mask >> var & 1) && n->s->ext[var] == ext)
			return true;
	return false;
}

/* Nothing to choose from is an error of the run. */
void
sg_print_empty_check(sg_nest *n, const sg_root *r)
{
	sg_fn *f = n->f;
	const sg_op op = (sg_op)sg_fn_node(f, r->ref)->op;
	const sg_ext one = sg_ext_int(f->sp, 1);

	if (n->begin && n->shares) /* nothing is in many a share */
		return;
	if (op != SG_AMAX && op != SG_AMIN && op != SG_ARGMAX && op != SG_ARGMIN)
		return;
	for (uint32_t g = n->nkept; g < n->ngroups - n->strip; g++)
		if (!is_kept(n, n->ext[g]) &&
		    !sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, n->ext[g], one))) {
			sg_print_failure(n, sg_text(f->ctx, "%s == 0", sg_ext_bare(f, n->ext[g])),
			                 sg_use(f->m, "SGRT_EEMPTY"));
		}
}

/* Of a sum that is added up block by block: what it is so far, and what roundings have lost. */
static void
declare_sum(sg_nest *n, sg_root *r, sg_type t)
{
	sg_fn *f = n->f;
	const char *hint = sg_hint(f, r->ref, ""), *type = sg_type_c_name(t);
	const char *between = hint[0] != '\0' ? "_" : "", *zero = sg_c_const(f, t, 0).s;
	const char *sum = sg_text(f->ctx, "%.30s%ssum", hint, between);
	const char *rest = sg_text(f->ctx, "%.30s%srest", hint, between);

	const bool by_first = sg_sums_by_first(n);
	const char *first = by_first ? NULL : zero;

	if (by_first)
		r->into = sg_declare_var(n, type, sg_name_fresh(&f->names, "part"), zero, true);
	r->acc = sg_declare_var(n, type, sg_name_fresh(&f->names, sum), first, !by_first);
	r->acc2 = sg_declare_var(n, type, sg_name_fresh(&f->names, rest), first, !by_first);
}

static void
declare_fold(sg_nest *n, sg_root *r)
{
	sg_fn *f = n->f;
	const sg_node *x = sg_fn_node(f, r->ref);
	const sg_place *p = &f->at[r->ref];
	const sg_type t = (sg_type)n->s->val[r->val[0]].type;
	const bool named = p->unit && p->reads && !p->leaves;
	const char *own = named && !(n->begin && n->shares) ? p->name : NULL;

	if (r->kind != SG_R_FOLD || sg_adds_up(f, r->ref))
		return;
	sg_print_empty_check(n, r);
	if (r->tree) {
		declare_sum(n, r, t);
		return;
	}
	if (x->op == SG_ARGMAX || x->op == SG_ARGMIN) {
		r->acc = own ? own : sg_name_fresh(&f->names, sg_hint(f, r->ref, "where"));
		r->acc2 = sg_declare_var(n, sg_type_c_name(t), sg_name_fresh(&f->names, "best"),
		                         sg_fold_first(f, (sg_op)x->op, t), false);
		r->acc = sg_declare_var(n, "int64_t", r->acc, "0", true);
		return;
	}
	r->acc =
	    own ? own
		: sg_name_fresh(&f->names, sg_text(f->ctx, "%.30s_acc", sg_hint(f, r->ref, "sum")));
	r->acc = sg_declare_var(n, sg_type_c_name(t), r->acc, sg_fold_first(f, (sg_op)x->op, t),
	                        is_zero_first((sg_op)x->op));
	r->into = r->acc;
}

void
sg_declare_folds(sg_nest *n, bool whole)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		if (n->s->root[i].whole == whole)
			declare_fold(n, &n->s->root[i]);
}

/* Is it one number of many after the other, for a compiler that would choose without a branch? Each
 * turn would wait for the one before. Few turns are written out, and rows beside one another. */
static bool
is_seldom(const sg_nest *n, sg_type t)
{
	int64_t turns;

	return sg_type_is_float(t) && n->ngroups > 0 && !n->strip && !n->lanes &&
	       !n->f->m->o->jit &&
	       !(sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &turns) && turns < FEW);
}

static void
print_best(sg_nest *n, const sg_root *r, bool max, sg_type t, const char *x)
{
	sg_fn *f = n->f;
	const char *op = max ? ">" : "<";

	if (is_seldom(n, t))
		sg_line(f, "if (%s(%s, %s)) {",
		        sg_use_typed(f->m, max ? "beyond_max" : "beyond_min", t), x, r->acc2);
	else if (sg_type_is_float(t))
		sg_line(f, "if (%s %s %s || (%s != %s && %s == %s)) {", x, op, r->acc2, x, x,
		        r->acc2, r->acc2);
	else
		sg_line(f, "if (%s %s %s) {", x, op, r->acc2);
	sg_line(f, "\t%s = %s;", r->acc2, x);
	sg_line(f, "\t%s = %s;", r->acc, sg_form_text(n, r->pos).s);
	sg_line(f, "}");
}

/* acc = acc op x, in the type. */
void
sg_print_update(sg_nest *n, const char *acc, sg_op op, sg_type t, sg_c_text x)
{
	sg_fn *f = n->f;
	const bool real = sg_type_is_float(t);

	if (op == SG_ANY || op == SG_ALL)
		sg_line(f, "%s = %s %s %s;", acc, acc, op == SG_ANY ? "||" : "&&",
		        sg_c_paren(f, x, SG_PREC_EQ));
	else if (op == SG_AMAX || op == SG_AMIN)
		sg_line(
		    f, "%s = %s%s(%s, %s);", acc, t == SG_BOOL ? "(uint8_t)" : "",
		    sg_use_typed(f->m, op == SG_AMAX ? "max" : "min", t == SG_BOOL ? SG_I32 : t),
		    acc, x.s);
	else if (real)
		sg_line(f, "%s %s %s;", acc, op == SG_PROD ? "*=" : "+=", x.s);
	else
		sg_line(f, "%s = %s(%s, %s);", acc,
		        sg_use_typed(f->m, op == SG_PROD ? "mul" : "add", t), acc, x.s);
}

/* The factor times what is there, plus v. Integers wrap, under libtcc by themselves. */
static void
print_recurrence(sg_nest *n, const sg_root *r, sg_type t, sg_c_text v)
{
	sg_fn *f = n->f;
	const sg_c_text factor = sg_val_text(n, r->val[1]);

	if (f->m->o->jit) {
		const char *x = sg_c_paren(f, factor, SG_PREC_MUL);

		sg_line(f, "%s = %s * %s + %s;", r->acc, x, r->acc, sg_c_paren(f, v, SG_PREC_MUL));
	} else if (sg_type_is_float(t)) {
		sg_line(f, "%s = %s(%s, %s, %s);", r->acc, sg_use_typed(f->m, "fuse", t), factor.s,
		        r->acc, v.s);
	} else {
		const char *add = sg_use_typed(f->m, "add", t), *mul = sg_use_typed(f->m, "mul", t);

		sg_line(f, "%s = %s(%s(%s, %s), %s);", r->acc, add, mul, factor.s, r->acc, v.s);
	}
}

static void
print_fold_step(sg_nest *n, sg_root *r)
{
	sg_fn *f = n->f;
	const sg_node *x = sg_fn_node(f, r->ref);
	const sg_op op = (sg_op)x->op;
	const sg_type t = (sg_type)n->s->val[r->val[0]].type;
	const sg_c_text v = sg_val_text(n, r->val[0]);

	if (n->by_horner)
		sg_print_horner_step(n, r);
	else if (op == SG_WRITER)
		sg_line(f, "%s = %s;", sg_element_of(n, r->ref, r->at), sg_form_text(n, r->pos).s);
	else if (sg_adds_up(f, r->ref))
		sg_print_update(n, sg_element_of(n, r->ref, r->at), SG_SUM, t, v);
	else if (op == SG_ARGMAX || op == SG_ARGMIN)
		print_best(n, r, op == SG_ARGMAX, t, v.s);
	else if ((op == SG_AMAX || op == SG_AMIN) && is_seldom(n, t))
		sg_line(f, "if (%s(%s, %s))\n\t%s = %s;",
		        sg_use_typed(f->m, op == SG_AMAX ? "beyond_max" : "beyond_min", t), v.s,
		        r->into, r->into, v.s);
	else if (op == SG_LINREC)
		print_recurrence(n, r, t, v);
	else
		sg_print_update(n, r->into, op, t, sg_kept_text(n, op, t, v));
	if (sg_is_running(op))
		sg_line(f, "%s = %s;", sg_element_of(n, r->ref, r->at), r->acc);
}

/* Is its variable the one that a new output is? */
static bool
is_new_out(const sg_fn *f, sg_ref r)
{
	return f->at[r].out && f->out[f->at[r].out - 1].kind == SG_O_NEW;
}

void
sg_print_out(sg_fn *f, size_t k, const char *value)
{
	const sg_fn_out *out = &f->out[k];
	const char *type = sg_type_c_name((sg_type)sg_fn_node(f, out->ref)->type);

	if (out->kind == SG_O_POINTER)
		sg_line(f, "*%s = %s;", out->name, value);
	else if (out->kind == SG_O_PLACE)
		sg_line(f, "%s = %s;", out->name, value);
	else if (strcmp(out->name, value) != 0)
		sg_line(f, "const %s %s = %s;", type, out->name, value);
}

void
sg_print_late_outs(sg_fn *f)
{
	for (size_t i = 0; i < f->nlate; i++)
		sg_print_out(f, f->late[i].out, f->late[i].value);
	f->nlate = 0;
}

/* Sine and cosine of one angle come first: compilers do not see that the angle is still the same
 * where something has been stored in between. */
static void
print_out_late(sg_fn *f, sg_ref r, const char *value)
{
	const size_t out = f->at[r].out - 1;

	if (!f->angle[r] || f->out[out].kind == SG_O_NEW) {
		sg_print_out(f, out, value);
		return;
	}
	SG_PUSH(f->ctx, f->late, f->nlate, f->late_cap, (sg_late_out){out, value});
}

/* ---- folds over the rows of a band, with axes that stay: each tile adds to arrays ---- */

const char *
sg_carry_at(const sg_nest *n, const sg_root *r, const char *i)
{
	sg_fn *f = n->f;
	const char *name = f->at[r->ref].name;

	if (f->at[r->ref].out)
		return sg_text(f->ctx, "%s[%s]", name, i);
	return sg_text(f->ctx, "%s[%s + %s]", name,
	               sg_ext_c(f, sg_shape_size(f->sp, sg_fn_node(f, r->ref)->shape)), i);
}

static void
add_to_sum(sg_nest *n, const sg_root *r, const char *v)
{
	sg_fn *f = n->f;
	const sg_node *x = sg_fn_node(f, r->ref);
	const char *to = sg_element_of(n, r->ref, r->at);

	if (f->at[r->ref].carried)
		sg_line(f, "%s(&%s, &%s, %s);", sg_use_typed(f->m, "sum_add", (sg_type)x->type), to,
		        sg_carry_at(n, r, sg_form_text(n, r->at).s), v);
	else
		sg_print_update(n, to, (sg_op)x->op, (sg_type)x->type,
		                (sg_c_text){v, SG_PREC_ATOM});
}

static const char *
for_all(const sg_nest *n, const sg_root *r)
{
	sg_fn *f = n->f;
	const char *i = f->loop[0];

	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++)", i, i,
	        sg_ext_bare(f, sg_shape_size(f->sp, sg_fn_node(f, r->ref)->shape)), i);
	return i;
}

void
sg_open_sums(sg_nest *n)
{
	sg_fn *f = n->f;

	for (size_t k = 0; k < n->s->nroots; k++) {
		sg_root *r = &n->s->root[k];
		const sg_node *x = sg_fn_node(f, r->ref);
		const char *i, *first = sg_fold_first(f, (sg_op)x->op, (sg_type)x->type);

		if (r->kind != SG_R_FOLD || sg_adds_up(f, r->ref))
			continue;
		sg_print_empty_check(n, r);
		i = for_all(n, r);
		sg_line(f, "\t%s[%s] = %s;", sg_array(f, r->ref), i, first);
		if (!f->at[r->ref].carried)
			continue;
		i = for_all(n, r);
		sg_line(f, "\t%s = %s;", sg_carry_at(n, r, i), first);
	}
}

void
sg_close_sums(sg_nest *n)
{
	sg_fn *f = n->f;

	for (size_t k = 0; k < n->s->nroots; k++) {
		sg_root *r = &n->s->root[k];

		if (r->kind != SG_R_FOLD || !f->at[r->ref].carried)
			continue;
		const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;
		const char *i = for_all(n, r), *to = sg_array(f, r->ref);

		sg_line(f, "\t%s[%s] = %s(%s[%s], %s);", to, i, sg_use_typed(f->m, "sum_end", t),
		        to, i, sg_carry_at(n, r, i));
	}
}

/* The variable of r, with its value. */
static const char *
define(sg_fn *f, sg_ref r, const char *value)
{
	const sg_place *p = &f->at[r];
	const char *type = sg_type_c_name((sg_type)sg_fn_node(f, r)->type);

	if (p->leaves)
		sg_line(f, "%s = %s;", p->name, value);
	else
		sg_line(f, "const %s %s = %s;", type, p->name, value);
	return p->name;
}

static void
finish_fold(sg_nest *n, sg_root *r)
{
	sg_fn *f = n->f;
	const sg_place *p = &f->at[r->ref];
	const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;
	const char *v = r->acc;

	if (r->tree && (sg_sums_by_first(n) || sg_ends_apart(n)))
		v = sg_text(f->ctx, "%s > %d ? %s(%s, %s, %s) : %s", sg_ext_c(f, n->ext[n->nkept]),
		            sg_block_of(n), sg_use_typed(f->m, "sum_last", t), r->acc, r->acc2,
		            r->into, r->into);
	else if (r->tree && sg_tile_of_sums(n) > 0)
		v = sg_text(f->ctx, "%s > %u ? %s(%s, %s) : %s", sg_ext_c(f, n->ext[n->nkept]),
		            sg_tile_of_sums(n), sg_use_typed(f->m, "sum_end", t), r->acc, r->acc2,
		            r->acc);
	else if (r->tree)
		v = sg_text(f->ctx, "%s(%s, %s)", sg_use_typed(f->m, "sum_end", t), r->acc,
		            r->acc2);
	if (sg_nest_carries(n)) {
		add_to_sum(n, r, v);
		return;
	}
	if (!p->unit) {
		sg_line(f, "%s = %s;", sg_element_of(n, r->ref, r->at), v);
		return;
	}
	if (p->reads && (r->tree || p->leaves) && !is_new_out(f, r->ref))
		v = define(f, r->ref, v);
	sg_print_kept(f, r->ref, v);
	if (p->out)
		sg_print_out(f, p->out - 1, v);
}

static bool
is_finished_last(const sg_nest *n, const sg_root *r)
{
	return r->kind == SG_R_FOLD && !sg_adds_up(n->f, r->ref) &&
	       !sg_is_running((sg_op)sg_fn_node(n->f, r->ref)->op);
}

static void
finish_all(sg_nest *n, bool whole)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		if (n->s->root[i].whole == whole && is_finished_last(n, &n->s->root[i]))
			finish_fold(n, &n->s->root[i]);
}

/* In a strip lane by lane, which have a place where the text has it: an array of a tile has none.
 */
void
sg_finish_folds(sg_nest *n, bool whole)
{
	sg_fn *f = n->f;
	sg_buf *out = f->b, text;

	if (!n->strip) {
		finish_all(n, whole);
		return;
	}
	sg_buf_init(&text, f->ctx);
	f->b = &text;
	f->indent++;
	finish_all(n, whole);
	f->indent--;
	f->b = out;
	if (!text.n)
		return;
	sg_print_lane(n, sg_buf_text(&text));
}

/* ---- stores ---- */

static void
print_piece(sg_nest *n, const sg_root *r)
{
	sg_fn *f = n->f;
	const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;
	const char *to = sg_element_of(n, r->ref, r->at);
	const sg_c_text x = sg_val_text(n, r->val[0]);

	if (!r->add && !r->negate)
		sg_line(f, "%s = %s;", to, x.s);
	else if (!r->add)
		sg_line(f, "%s = %s;", to, sg_c_op(f, SG_NEG, t, t, false, &x).s);
	else if (sg_type_is_float(t))
		sg_line(f, "%s %s %s;", to, r->negate ? "-=" : "+=", x.s);
	else
		sg_line(f, "%s = %s(%s, %s);", to, sg_use_typed(f->m, r->negate ? "sub" : "add", t),
		        to, x.s);
}

static void
store(sg_nest *n, const sg_root *r, const char *element)
{
	const bool tests = r->masked && (!n->mask || n->s->val[n->mask].depth == n->ngroups);

	if (tests)
		sg_line(n->f, "if (%s)", n->s->val[r->val[1]].text);
	sg_line(n->f, "%s%s = %s;", tests ? "\t" : "", element, n->s->val[r->val[0]].text);
}

/* Are they places of one row, one behind the other? Indices that are computed may meet. */
static bool
are_neighbours(const sg_nest *n, const sg_root *a, const sg_root *b)
{
	sg_ext e;
	int64_t d;

	return sg_aff_distance(n->f, b->at, a->at, &e) && sg_ext_const(n->f->sp, e, &d) && d == 1;
}

/* How many roots from r on add to one row of as many numbers as fill vectors. */
static uint32_t
row_of(const sg_nest *n, const sg_root *r)
{
	const sg_root *end = n->s->root + n->s->nroots;
	uint32_t count = 1;

	if (r->kind != SG_R_FOLD || r->row == 0 || r->turn > 0 ||
	    sg_fn_node(n->f, r->ref)->op != SG_SCATTER ||
	    !sg_type_is_float((sg_type)sg_fn_node(n->f, r->ref)->type))
		return 1;
	while (r + count < end && r[count].ref == r->ref && r[count].turn == r->turn + count &&
	       are_neighbours(n, &r[count - 1], &r[count]))
		count++;
	return count % 2 ? 1 : count;
}

/* Compilers make SIMD of that if all is computed before anything is stored. */
static void
add_row(sg_nest *n, const sg_root *r, uint32_t count)
{
	sg_fn *f = n->f;
	const char *type = sg_type_c_name((sg_type)sg_fn_node(f, r->ref)->type);
	const char **name = SG_NEW_ARRAY(f->ctx, const char *, count);

	for (uint32_t k = 0; k < count; k++) {
		const char *to = sg_element_of(n, r[k].ref, r[k].at);

		name[k] = sg_name_fresh(&f->names, "to");
		sg_line(f, "const %s %s = %s + %s;", type, name[k], to,
		        sg_c_paren(f, sg_val_text(n, r[k].val[0]), SG_PREC_ADD + 1));
	}
	for (uint32_t k = 0; k < count; k++)
		sg_line(f, "%s = %s;", sg_element_of(n, r[k].ref, r[k].at), name[k]);
}

void
sg_print_roots(sg_nest *n)
{
	uint32_t count;

	for (size_t i = 0; i < n->s->nroots; i += count) {
		sg_root *r = &n->s->root[i];

		count = 1;
		if (sg_print_turned_root(n, i))
			continue;
		count = row_of(n, r);
		if (count > 1)
			add_row(n, r, count);
		else if (!n->nshifts || n->shift[i] == n->now)
			sg_print_root(n, r);
	}
}

void
sg_print_root(sg_nest *n, sg_root *r)
{
	sg_fn *f = n->f;
	const sg_place *p = &f->at[r->ref];
	const sg_node *x = sg_fn_node(f, r->ref);
	const char *v = n->s->val[r->val[0]].text;

	switch ((sg_root_kind)r->kind) {
	case SG_R_FOLD:
		print_fold_step(n, r);
		return;
	case SG_R_PIECE:
		print_piece(n, r);
		return;
	case SG_R_COPY:
		if (x->shape->rank == 0 || f->out[r->part].kind != SG_O_POINTER)
			sg_print_out(f, r->part, v);
		else
			store(n, r, sg_element_of_out(n, f->out[r->part].name, r->at));
		return;
	case SG_R_TEXT:
		return;
	case SG_R_STORE:
		break;
	}
	if (!p->unit) {
		store(n, r, sg_element_of(n, r->ref, r->at));
		return;
	}
	if (p->reads && !is_new_out(f, r->ref))
		v = define(f, r->ref, v);
	sg_print_kept(f, r->ref, v);
	if (p->out)
		print_out_late(f, r->ref, v);
}
