/* nest_value.c - the C text of what a loop nest reads and evaluates: indices, elements, values.
 *
 * A value that is read once and short is written into its reader; others are statements. */
#include "back/nest.h"

#include <stdlib.h>
#include <string.h>

enum { INLINE_WEIGHT = 6 };

/* ---- indices as text ---- */

typedef struct sum_text {
	sg_fn *f;
	sg_buf b;
	unsigned terms;
} sum_text;

/* `what` may open with a minus sign of its own. */
static void
add_term(sum_text *t, const char *what, bool minus)
{
	if (t->terms++ == 0)
		sg_buf_printf(&t->b, "%s%s", minus ? "-" : "", what);
	else if (!minus && what[0] == '-')
		sg_buf_printf(&t->b, " - %s", what + 1);
	else
		sg_buf_printf(&t->b, " %c %s", minus ? '-' : '+', what);
}

static void
add_product(sum_text *t, const char *name, sg_ext coef, bool minus)
{
	const sg_ext size = minus ? sg_ext_sub(t->f->sp, sg_ext_int(t->f->sp, 0), coef) : coef;

	if (sg_is_1(t->f, size))
		add_term(t, name, minus);
	else
		add_term(t, sg_text(t->f->ctx, "%s * %s", name, sg_ext_c(t->f, size)), minus);
}

static void
add_base(sum_text *t, sg_ext base)
{
	add_term(t, sg_ext_bare(t->f, base), false);
}

/* Is the turn of the loop that the term depends on known: the first, or one that is written out? */
static bool
is_known_turn(const sg_nest *n, const sg_aff_term *x, int64_t *turn)
{
	const char *name = x->var < n->s->nloops ? n->f->loop[n->group_of[x->var]] : "i";
	char *end = NULL;

	*turn = name ? (int64_t)strtoll(name, &end, 10) : 0;
	return !name || (end != name && *end == 0);
}

/* Are the turns of all loops that the form depends on known? */
static bool
is_known(const sg_nest *n, sg_affine form)
{
	int64_t turn;
	uint32_t i = 0;

	while (i < form.n && is_known_turn(n, &form.term[i], &turn))
		i++;
	return i == form.n;
}

/* Where the form begins in these turns. */
static sg_ext
known_base(const sg_nest *n, sg_affine form)
{
	sg_space *sp = n->f->sp;
	sg_ext base = form.base;
	int64_t turn;

	for (uint32_t i = 0; i < form.n; i++) {
		const sg_aff_term *x = &form.term[i];

		if (is_known_turn(n, x, &turn) && n->last[n->group_of[x->var]] == x->var)
			base = sg_ext_add(sp, base, sg_ext_mul(sp, x->coef, sg_ext_int(sp, turn)));
	}
	return base;
}

/* The form as C, positive terms first. */
sg_c_text
sg_form_text(const sg_nest *n, sg_aff a)
{
	const sg_affine form = n->f->aff[a];
	const sg_ext base = known_base(n, form);
	sum_text t = {.f = n->f};
	bool product = false;

	sg_buf_init(&t.b, n->f->ctx);
	for (int minus = 0; minus < 2; minus++) {
		for (uint32_t i = 0; i < form.n; i++) {
			const sg_aff_term x = form.term[i];
			int64_t v;
			const bool negative =
			    x.var == SG_VAR_TILE || (sg_ext_const(n->f->sp, x.coef, &v) && v < 0);

			if (negative != (minus == 1) || is_known_turn(n, &x, &v))
				continue;
			if (x.var == SG_VAR_TILE)
				add_product(&t, n->f->row, x.coef, negative);
			else if (x.var == SG_VAR_LANE)
				add_product(&t, n->lane, x.coef, negative);
			else if (x.var >= SG_VAR_VALUE)
				add_product(&t, n->s->val[x.var - SG_VAR_VALUE].text, x.coef,
				            negative);
			else if (n->last[n->group_of[x.var]] == x.var)
				add_product(&t, n->f->loop[n->group_of[x.var]], x.coef, negative);
			product = product || !sg_is_1(n->f, x.coef);
		}
		if (minus == 0 && (is_known(n, form) || !sg_ext_is(n->f->sp, base, 0))) {
			add_base(&t, base);
			product = true;
		}
	}
	return (sg_c_text){sg_buf_text(&t.b), t.terms > 1 || product ? SG_PREC_ADD : SG_PREC_ATOM};
}

const char *
sg_element(const sg_nest *n, const char *array, sg_aff at)
{
	return sg_text(n->f->ctx, "%s[%s]", array, sg_form_text(n, at).s);
}

/* at less `length` times the variable */
static sg_aff
less(sg_fn *f, sg_aff at, uint32_t var, sg_ext length)
{
	const sg_ext back = sg_ext_sub(f->sp, sg_ext_int(f->sp, 0), length);

	return sg_aff_add(f, at, sg_aff_scale(f, sg_aff_var(f, var), back));
}

sg_aff
sg_place_of(const sg_nest *n, sg_ref r, sg_aff at)
{
	sg_fn *f = n->f;
	const sg_ext length = sg_row_length(f, r);

	if (!f->at[r].band)
		return at;
	if (!n->band->columns)
		return less(f, at, SG_VAR_TILE, length);
	at = sg_aff_scale(f, less(f, at, n->s->row, length), sg_ext_int(f->sp, SG_COLUMNS));
	if (n->columns)
		return sg_aff_add(f, at, sg_aff_var(f, SG_VAR_LANE));
	at = sg_aff_add(f, at, sg_aff_var(f, n->s->row));
	return less(f, at, SG_VAR_TILE, sg_ext_int(f->sp, 1));
}

/* Element `at` of what has its place there. */
static const char *
element_at(const sg_nest *n, const char *array, sg_aff at, bool stored)
{
	const char *column = sg_turned_element(n, array, at, stored);

	return column ? column : sg_element(n, array, at);
}

const char *
sg_element_of(const sg_nest *n, sg_ref r, sg_aff at)
{
	return element_at(n, sg_array(n->f, r), sg_place_of(n, r, at), true);
}

const char *
sg_element_of_out(const sg_nest *n, const char *array, sg_aff at)
{
	return element_at(n, array, at, true);
}

/* ---- values as text ---- */

sg_c_text
sg_val_text(const sg_nest *n, uint32_t v)
{
	return (sg_c_text){n->s->val[v].text, n->s->val[v].prec};
}

static void
put_comparison(const sg_nest *n, sg_buf *b, sg_aff form, const char *how, sg_ext with)
{
	if (*sg_buf_text(b))
		sg_buf_puts(b, " && ");
	sg_buf_printf(b, "%s %s %s", sg_form_text(n, form).s, how, sg_ext_bare(n->f, with));
}

void
sg_put_condition(const sg_nest *n, sg_buf *b, const sg_within *c)
{
	if (c->check_lo)
		put_comparison(n, b, c->form, ">=", c->lo);
	if (c->check_hi)
		put_comparison(n, b, c->form, "<", c->hi);
}

static sg_c_text
within_text(const sg_nest *n, const sg_val *v)
{
	sg_fn *f = n->f;
	sg_buf b;
	const char *zero = sg_c_const(f, (sg_type)v->type, v->turned ? sg_double_bits(-0.0) : 0).s;

	if (n->within && v->depth == n->ngroups && !v->rare)
		return sg_val_text(n, v->arg[0]);
	sg_buf_init(&b, f->ctx);
	for (uint32_t k = 0; k < v->nconds; k++)
		sg_put_condition(n, &b, &v->cond[k]);
	sg_buf_printf(&b, " ? %s : %s", sg_c_paren(f, sg_val_text(n, v->arg[0]), SG_PREC_OR), zero);
	return (sg_c_text){sg_buf_text(&b), SG_PREC_COND};
}

/* The index, which goes around the end where the condition does not hold. */
static sg_c_text
ring_text(const sg_nest *n, const sg_val *v)
{
	sg_fn *f = n->f;
	const sg_c_text at = sg_form_text(n, v->aff);
	sg_buf b;

	if (n->within && v->depth == n->ngroups)
		return at;
	sg_buf_init(&b, f->ctx);
	sg_put_condition(n, &b, v->cond);
	sg_buf_printf(&b, " ? %s : %s", at.s,
	              sg_form_text(n, sg_aff_add(f, v->aff, sg_aff_ext(f, v->more))).s);
	return (sg_c_text){sg_buf_text(&b), SG_PREC_COND};
}

/* Its text without the parentheses around all of it. */
static const char *
inside(const char *s, size_t *n)
{
	size_t depth = 0;

	*n = strlen(s);
	for (size_t i = 0; i + 1 < *n; i++) {
		depth += s[i] == '(';
		depth -= s[i] == ')';
		if (depth == 0)
			return s;
	}
	if (*s != '(')
		return s;
	*n -= 2;
	return s + 1;
}

static bool
is_same(const char *x, const char *y)
{
	size_t nx, ny;

	x = inside(x, &nx);
	y = inside(y, &ny);
	return nx == ny && memcmp(x, y, nx) == 0;
}

/* A comparison of an integer with itself, which compilers complain of. */
static bool
compares_equal(const sg_val *v, const sg_c_text *arg, sg_type t, sg_c_text *out)
{
	if (sg_type_is_float(t) || v->nargs != 2 || !is_same(arg[0].s, arg[1].s))
		return false;
	if (v->op == SG_EQ || v->op == SG_LE)
		*out = (sg_c_text){"1", SG_PREC_ATOM};
	else if (v->op == SG_NE || v->op == SG_LT)
		*out = (sg_c_text){"0", SG_PREC_ATOM};
	else
		return false;
	return true;
}

/* Does the innermost loop check an index and add to rows, so that no compiler makes SIMD of it? */
static bool
goes_one_by_one(const sg_nest *n)
{
	return n->checks && n->adds_rows && !n->chunks && !n->turned;
}

/* Does it choose by two conditions at once? gcc 12 makes vectors of such lines side by side, and
 * takes the conditions of one vector for those of another. */
static bool
chooses_by_two(const sg_nest *n, const sg_val *v)
{
	if (v->kind != SG_V_EW || v->op != SG_SELECT || !sg_type_is_float((sg_type)v->type))
		return false;
	const sg_val *cond = &n->s->val[v->arg[0]], *x = &n->s->val[v->arg[1]],
		     *y = &n->s->val[v->arg[2]];
	const bool both = cond->kind == SG_V_EW && (cond->op == SG_AND || cond->op == SG_OR);

	return both || (x->kind == SG_V_EW && x->op == SG_SELECT && x->arg[2] == v->arg[2]) ||
	       (y->kind == SG_V_EW && y->op == SG_SELECT && y->arg[1] == v->arg[1]);
}

/* In a loop of written C, what chooses is computed without branches, which gcc makes no SIMD of;
 * nor does it of conversions that the processor has no vectors for. */
static bool
without_branch(const sg_nest *n, const sg_val *v, sg_type t, const sg_c_text *arg, sg_c_text *out)
{
	sg_fn *f = n->f;
	const bool real = sg_type_is_float((sg_type)v->type);

	if (f->m->o->jit || (n->ngroups == 0 && !chooses_by_two(n, v)))
		return false;
	if (v->kind == SG_V_CAST && t == SG_BOOL && real)
		out->s = sg_text(f->ctx, "%s(%s)", sg_use_typed(f->m, "unit", (sg_type)v->type),
		                 arg[0].s);
	else if (v->kind == SG_V_CAST && t == SG_I64 && real && v->depth == n->ngroups)
		out->s = sg_text(f->ctx, "%s(%s)", sg_use_typed(f->m, "from_i64", (sg_type)v->type),
		                 arg[0].s);
	else if (v->kind == SG_V_EW && v->op == SG_SELECT && real && !goes_one_by_one(n))
		out->s =
		    sg_text(f->ctx, "%s(%s, %s, %s)", sg_use_typed(f->m, "where", (sg_type)v->type),
		            arg[0].s, arg[1].s, arg[2].s);
	else if (v->kind == SG_V_EW && (v->op == SG_AND || v->op == SG_OR))
		out->s = sg_text(f->ctx, "%s %c %s", sg_c_paren(f, arg[0], SG_PREC_CAST),
		                 v->op == SG_AND ? '&' : '|', sg_c_paren(f, arg[1], SG_PREC_CAST));
	else
		return false;
	out->prec = v->kind == SG_V_EW && v->op != SG_SELECT ? SG_PREC_OR : SG_PREC_ATOM;
	return true;
}

/* Does no loop of the nest go over it? Then what the system's library gives sooner is no SIMD that
 * is lost; but a power that is a few products stays one. */
static bool
is_alone(const sg_nest *n, const sg_val *v)
{
	return v->depth == 0 && (v->op != SG_POW || n->s->val[v->arg[1]].kind != SG_V_CONST);
}

static sg_c_text
elementwise_text(const sg_nest *n, const sg_val *v)
{
	sg_c_text arg[3], out;
	const sg_type t = (sg_type)n->s->val[v->arg[v->nargs - 1]].type;

	for (uint32_t k = 0; k < v->nargs; k++)
		arg[k] = sg_val_text(n, v->arg[k]);
	if (v->kind == SG_V_EW && v->op == SG_LIKELY)
		return arg[0];
	if (without_branch(n, v, t, arg, &out))
		return out;
	if (v->kind == SG_V_CAST)
		return sg_c_cast(n->f, t, (sg_type)v->type, arg[0]);
	if (compares_equal(v, arg, t, &out))
		return out;
	return sg_c_op(n->f, (sg_op)v->op, t, (sg_type)v->type, is_alone(n, v), arg);
}

static sg_c_text
power_text(const sg_nest *n, const sg_power *p, sg_type t)
{
	const char *s =
	    sg_text(n->f->ctx, "%s.base[%s] * %s[%s]", p->name, n->lane, p->factor, n->lane);

	if (t == SG_F32)
		return (sg_c_text){sg_text(n->f->ctx, "(float)(%s)", s), SG_PREC_CAST};
	return (sg_c_text){s, SG_PREC_MUL};
}

static sg_c_text
val_text(const sg_nest *n, const sg_val *v)
{
	sg_fn *f = n->f;
	const sg_power *p = n->power ? n->power[v - n->s->val] : NULL;

	if (p)
		return power_text(n, p, (sg_type)v->type);
	switch ((sg_val_kind)v->kind) {
	case SG_V_CONST:
		return sg_c_const(f, (sg_type)v->type, f->g->node[v->ref].attr->w[0]);
	case SG_V_DIM:
		return (sg_c_text){sg_ext_number(f, v->ext), SG_PREC_ATOM};
	case SG_V_LOAD:
		return (sg_c_text){
		    element_at(n, sg_array(f, v->ref), sg_place_of(n, v->ref, v->aff), false),
		    SG_PREC_ATOM};
	case SG_V_LOCAL:
		if (f->is_read && f->g->node[v->ref].op == SG_INPUT)
			f->is_read[f->g->node[v->ref].attr->w[0]] = true;
		return (sg_c_text){sg_variable_text(f, v->ref), SG_PREC_ATOM};
	case SG_V_INDEX:
		return sg_form_text(n, v->aff);
	case SG_V_EW:
	case SG_V_CAST:
		return elementwise_text(n, v);
	case SG_V_RAND:
		return (sg_c_text){sg_text(f->ctx, "%s(%s, %s)",
		                           sg_use_typed(f->m, v->op == SG_RAND ? "rand" : "randn",
		                                        (sg_type)v->type),
		                           sg_val_text(n, v->arg[0]).s, sg_form_text(n, v->aff).s),
		                   SG_PREC_ATOM};
	case SG_V_WITHIN:
		return within_text(n, v);
	case SG_V_RING:
		return ring_text(n, v);
	case SG_V_DIV:
	case SG_V_MOD:
		return (sg_c_text){sg_text(f->ctx, "%s %c %s",
		                           sg_c_paren(f, sg_form_text(n, v->aff), SG_PREC_CAST),
		                           v->kind == SG_V_DIV ? '/' : '%', sg_ext_c(f, v->ext)),
		                   SG_PREC_MUL};
	case SG_V_PLACE:
		return (sg_c_text){sg_element(n, sg_places_name(f->m, f->g, v->ref), v->aff),
		                   SG_PREC_ATOM};
	case SG_V_AT:
		break;
	}
	return sg_val_text(n, v->arg[0]);
}

/* Is it an array of the workspace, of which compilers do not know where they lie? */
static bool
is_in_workspace(const sg_fn *f, sg_ref r)
{
	const sg_place *p = &f->at[r];

	return !p->unit && !p->out && p->local == 0 && sg_fn_node(f, r)->op != SG_INPUT;
}

/* Would the inner loop load it in each turn? What is added at places that indices say may lie
 * anywhere, for all that a compiler knows, unless the array is a parameter of the function, which
 * is restrict; and so may an array of the workspace to which the loop writes. */
static bool
loads_again(const sg_nest *n, const sg_val *v)
{
	if (v->depth == 0 || v->depth >= v->reader_depth ||
	    (!n->f->around && sg_fn_node(n->f, v->ref)->op == SG_INPUT))
		return false;
	return n->adds_up || (n->stores_aside && is_in_workspace(n->f, v->ref));
}

/* requires: depths */
void
sg_look_at_roots(sg_nest *n)
{
	const sg_step *s = n->s;

	n->checks = n->adds_rows = n->adds_up = n->stores_aside = false;
	for (size_t i = 1; i < s->nvals && !n->checks; i++)
		n->checks = s->val[i].kind == SG_V_AT && s->val[i].depth == n->ngroups;
	for (size_t i = 0; i < s->nroots; i++) {
		const sg_root *r = &s->root[i];
		const bool adds = r->kind == SG_R_FOLD && sg_adds_up(n->f, r->ref);

		n->adds_up = n->adds_up || adds;
		n->adds_rows = n->adds_rows || (adds && r->row);
		n->stores_aside =
		    n->stores_aside || ((r->kind == SG_R_STORE || r->kind == SG_R_PIECE) &&
		                        is_in_workspace(n->f, r->ref));
	}
}

static bool
is_statement(const sg_nest *n, const sg_val *v)
{
	switch ((sg_val_kind)v->kind) {
	case SG_V_CONST:
	case SG_V_DIM:
	case SG_V_LOCAL:
	case SG_V_INDEX:
		return false;
	case SG_V_LOAD:
		return !v->guarded && ((v->uses > 1 && strlen(v->text) > 24) || loads_again(n, v));
	case SG_V_AT:
	case SG_V_PLACE:
	case SG_V_DIV:
	case SG_V_MOD:
	case SG_V_RING:
		return true;
	case SG_V_RAND:
	case SG_V_CAST:
	case SG_V_EW:
	case SG_V_WITHIN:
		break;
	}
	return v->uses > 1 || (v->weight > INLINE_WEIGHT && !v->told) ||
	       (v->depth < v->reader_depth && v->weight > 2);
}

/* The index value, counted from the end where it is negative, and checked. */
static void
print_checked(sg_nest *n, sg_val *v)
{
	sg_fn *f = n->f;
	const char *below = sg_ext_bare(f, v->ext), *atom = sg_ext_c(f, v->ext);

	v->text = sg_name_fresh(&f->names, "at");
	v->prec = SG_PREC_ATOM;
	sg_line(f, "ptrdiff_t %s = (ptrdiff_t)%s;", v->text,
	        sg_c_paren(f, sg_val_text(n, v->arg[0]), SG_PREC_CAST));
	sg_line(f, "if (%s < 0)", v->text);
	sg_line(f, "\t%s += %s;", v->text, below);
	if (!sg_chunk_checked(n, v) && !sg_turned_checked(n))
		sg_print_failure(n, sg_text(f->ctx, "(size_t)%s >= (size_t)%s", v->text, atom),
		                 sg_use(f->m, "SGRT_EINDEX"));
}

static const char *
local_name(sg_nest *n, const sg_val *v)
{
	sg_fn *f = n->f;
	const char *hint = v->ref ? f->g->name[v->ref] : NULL;

	if (v->kind == SG_V_PLACE || v->kind == SG_V_RING)
		return sg_name_fresh(&f->names, "at");
	if (v->kind == SG_V_DIV || v->kind == SG_V_MOD)
		return sg_name_fresh(&f->names, v->kind == SG_V_DIV ? "row" : "col");
	if (hint && v->ref && f->at[v->ref].stored)
		hint = sg_text(f->ctx, "%.30s_i", hint);
	return sg_name_fresh(&f->names, hint);
}

void
sg_print_val(sg_nest *n, sg_val *v)
{
	sg_c_text x;
	const char *element = sg_is_kept(n, (size_t)(v - n->s->val)) ? n->kept[v - n->s->val]
	                                                             : sg_chunk_element(n, v);
	const bool whole = v->kind == SG_V_DIV || v->kind == SG_V_MOD || v->kind == SG_V_PLACE ||
	                   v->kind == SG_V_RING;

	if (v->kind == SG_V_AT) {
		print_checked(n, v);
		return;
	}
	if (!element && n->taken)
		element = n->taken[v - n->s->val];
	if (!element)
		element = sg_turned_value(n, v);
	if (!element)
		element = sg_stretch_value(n, v);
	if (element) {
		v->text = element;
		v->prec = SG_PREC_ATOM;
		v->weight = 0;
		return;
	}
	x = val_text(n, v);
	v->text = x.s;
	v->prec = (int8_t)x.prec;
	v->weight = v->kind == SG_V_EW || v->kind == SG_V_CAST || v->kind == SG_V_WITHIN ||
	            v->kind == SG_V_RAND;
	for (uint32_t k = 0; k < v->nargs; k++)
		v->weight += n->s->val[v->arg[k]].weight;
	if (!is_statement(n, v))
		return;
	if (!v->name)
		v->name = local_name(n, v);
	sg_line(n->f, "const %s %s = %s;", whole ? "ptrdiff_t" : sg_type_c_name((sg_type)v->type),
	        v->name, x.s);
	v->text = v->name;
	v->prec = SG_PREC_ATOM;
	v->weight = 0;
}
