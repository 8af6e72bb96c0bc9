/* nest.c - the C text of a loop nest.
 *
 * The kept axes are the outer loops, the axes that a reduction removes the inner ones. Neighbouring
 * loops over which every index moves as over one become one. A value stands before the innermost
 * loop that it does not depend on; one that is read once and short is written into its reader. */
#include "back/emit.h"

#include <string.h>

enum { INLINE_WEIGHT = 6, BLOCK = 256 };

typedef struct nest {
	sg_fn *f;
	sg_step *s;
	uint32_t ngroups, nkept;         /* loops; those outside of reductions */
	uint32_t group_of[SG_MAX_LOOPS]; /* by variable */
	uint32_t last[SG_MAX_LOOPS];     /* by group: its fastest variable */
	sg_ext ext[SG_MAX_LOOPS];        /* by group */
	bool tree, blocks;
} nest;

/* ---- which loops are one ---- */

typedef void visit_fn(void *arg, sg_aff a);

static void
visit_forms(const nest *n, visit_fn *visit, void *arg)
{
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		visit(arg, v->aff);
		for (uint32_t k = 0; k < v->nconds; k++)
			visit(arg, v->cond[k].form);
	}
	for (size_t i = 0; i < n->s->nroots; i++) {
		visit(arg, n->s->root[i].at);
		visit(arg, n->s->root[i].pos);
	}
}

typedef struct pair {
	const sg_fn *f;
	uint32_t outer, inner;
	sg_ext ext;
	bool together;
} pair;

static void
look_at_pair(void *arg, sg_aff a)
{
	pair *p = arg;
	const sg_ext o = sg_aff_coef(p->f, a, p->outer), i = sg_aff_coef(p->f, a, p->inner);

	if (p->together && o != sg_ext_mul(p->f->sp, i, p->ext))
		p->together = false;
}

static void
group_loops(nest *n)
{
	const sg_step *s = n->s;
	uint32_t order[SG_MAX_LOOPS], count = 0;

	for (int reduced = 0; reduced < 2; reduced++)
		for (uint32_t k = 0; k < s->nloops; k++)
			if ((s->mask >> k & 1) == (uint32_t)reduced)
				order[count++] = k;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t var = order[i];
		const bool reduced = s->mask >> var & 1;
		bool join = false;

		if (i > 0 && reduced == (s->mask >> order[i - 1] & 1)) {
			pair p = {n->f, order[i - 1], var, s->ext[var], true};

			visit_forms(n, look_at_pair, &p);
			join = p.together;
		}
		if (!join) {
			n->ext[n->ngroups] = sg_ext_int(n->f->sp, 1);
			n->nkept += !reduced;
			n->ngroups++;
		}
		n->group_of[var] = n->ngroups - 1;
		n->last[n->ngroups - 1] = var;
		n->ext[n->ngroups - 1] = sg_ext_mul(n->f->sp, n->ext[n->ngroups - 1], s->ext[var]);
	}
}

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

/* The form as C, positive terms first. */
static sg_c_text
form_text(const nest *n, sg_aff a)
{
	const sg_affine form = n->f->aff[a];
	sum_text t = {.f = n->f};
	bool product = false;

	sg_buf_init(&t.b, n->f->ctx);
	for (int minus = 0; minus < 2; minus++) {
		for (uint32_t i = 0; i < form.n; i++) {
			const sg_aff_term x = form.term[i];
			int64_t v;
			const bool negative = sg_ext_const(n->f->sp, x.coef, &v) && v < 0;

			if (negative != (minus == 1))
				continue;
			if (x.var >= SG_VAR_VALUE)
				add_product(&t, n->s->val[x.var - SG_VAR_VALUE].text, x.coef,
				            negative);
			else if (n->last[n->group_of[x.var]] == x.var)
				add_product(&t, n->f->loop[n->group_of[x.var]], x.coef, negative);
			product = product || !sg_is_1(n->f, x.coef);
		}
		if (minus == 0 && (form.n == 0 || !sg_ext_is(n->f->sp, form.base, 0))) {
			add_base(&t, form.base);
			product = true;
		}
	}
	return (sg_c_text){sg_buf_text(&t.b), t.terms > 1 || product ? SG_PREC_ADD : SG_PREC_ATOM};
}

static const char *
element(const nest *n, const char *array, sg_aff at)
{
	return sg_text(n->f->ctx, "%s[%s]", array, form_text(n, at).s);
}

/* ---- how deep a value stands ---- */

typedef struct depth_of {
	const nest *n;
	uint32_t depth;
} depth_of;

static void
look_at_depth(void *arg, sg_aff a)
{
	depth_of *d = arg;
	const sg_affine form = d->n->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++) {
		const uint32_t var = form.term[i].var;
		const uint32_t depth = var >= SG_VAR_VALUE ? d->n->s->val[var - SG_VAR_VALUE].depth
		                                           : d->n->group_of[var] + 1;

		if (depth > d->depth)
			d->depth = depth;
	}
}

static void
need_vars(void *arg, sg_aff a)
{
	const nest *n = arg;
	const sg_affine form = n->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE)
			n->s->val[form.term[i].var - SG_VAR_VALUE].needed = true;
}

/* Indices that were split for nothing are not printed. */
static void
find_needed(nest *n)
{
	sg_step *s = n->s;

	for (size_t i = 0; i < s->nroots; i++) {
		for (int k = 0; k < 2; k++)
			s->val[s->root[i].val[k]].needed = true;
		need_vars(n, s->root[i].at);
		need_vars(n, s->root[i].pos);
	}
	for (size_t i = s->nvals; i-- > 1;) {
		sg_val *v = &s->val[i];

		v->needed = v->needed || v->kind == SG_V_AT;
		if (!v->needed)
			continue;
		need_vars(n, v->aff);
		for (uint32_t k = 0; k < v->nconds; k++)
			need_vars(n, v->cond[k].form);
		for (uint32_t k = 0; k < v->nargs; k++)
			s->val[v->arg[k]].needed = true;
	}
}

static void
set_depths(nest *n)
{
	sg_step *s = n->s;

	for (size_t i = 1; i < s->nvals; i++) {
		sg_val *v = &s->val[i];
		depth_of d = {n, 0};

		look_at_depth(&d, v->aff);
		for (uint32_t k = 0; k < v->nconds; k++)
			look_at_depth(&d, v->cond[k].form);
		for (uint32_t k = 0; k < v->nargs; k++)
			if (s->val[v->arg[k]].depth > d.depth)
				d.depth = s->val[v->arg[k]].depth;
		v->depth = (uint8_t)d.depth;
		for (uint32_t k = 0; k < v->nargs; k++)
			if (s->val[v->arg[k]].reader_depth < d.depth)
				s->val[v->arg[k]].reader_depth = (uint8_t)d.depth;
	}
	for (size_t i = 0; i < s->nroots; i++)
		for (int k = 0; k < 2; k++)
			s->val[s->root[i].val[k]].reader_depth = (uint8_t)n->ngroups;
}

/* ---- values as text ---- */

static sg_c_text
text_of(const nest *n, uint32_t v)
{
	return (sg_c_text){n->s->val[v].text, n->s->val[v].prec};
}

static sg_c_text
within_text(const nest *n, const sg_val *v)
{
	sg_fn *f = n->f;
	sg_buf b;
	const char *zero = sg_c_const(f, (sg_type)v->type, 0).s;
	unsigned terms = 0;

	sg_buf_init(&b, f->ctx);
	for (uint32_t k = 0; k < v->nconds; k++) {
		const sg_within *c = &v->cond[k];
		const char *x = form_text(n, c->form).s;

		if (c->check_lo)
			sg_buf_printf(&b, "%s%s >= %s", terms++ ? " && " : "", x,
			              sg_ext_bare(f, c->lo));
		if (c->check_hi)
			sg_buf_printf(&b, "%s%s < %s", terms++ ? " && " : "", x,
			              sg_ext_bare(f, c->hi));
	}
	sg_buf_printf(&b, " ? %s : %s", sg_c_paren(f, text_of(n, v->arg[0]), SG_PREC_OR), zero);
	return (sg_c_text){sg_buf_text(&b), SG_PREC_COND};
}

/* A comparison of an integer with itself, which compilers complain of. */
static bool
compares_equal(const sg_val *v, const sg_c_text *arg, sg_type t, sg_c_text *out)
{
	if (sg_type_is_float(t) || v->nargs != 2 || strcmp(arg[0].s, arg[1].s) != 0)
		return false;
	if (v->op == SG_EQ || v->op == SG_LE)
		*out = (sg_c_text){"1", SG_PREC_ATOM};
	else if (v->op == SG_NE || v->op == SG_LT)
		*out = (sg_c_text){"0", SG_PREC_ATOM};
	else
		return false;
	return true;
}

static sg_c_text
elementwise_text(const nest *n, const sg_val *v)
{
	sg_c_text arg[3], out;
	const sg_type t = (sg_type)n->s->val[v->arg[v->nargs - 1]].type;

	for (uint32_t k = 0; k < v->nargs; k++)
		arg[k] = text_of(n, v->arg[k]);
	if (v->kind == SG_V_CAST)
		return sg_c_cast(n->f, t, (sg_type)v->type, arg[0]);
	if (compares_equal(v, arg, t, &out))
		return out;
	return sg_c_op(n->f, (sg_op)v->op, t, (sg_type)v->type, arg);
}

static sg_c_text
val_text(const nest *n, const sg_val *v)
{
	sg_fn *f = n->f;

	switch ((sg_val_kind)v->kind) {
	case SG_V_CONST:
		return sg_c_const(f, (sg_type)v->type, f->g->node[v->ref].attr->w[0]);
	case SG_V_DIM:
		return (sg_c_text){sg_ext_c(f, v->ext), SG_PREC_ATOM};
	case SG_V_LOAD:
		return (sg_c_text){element(n, sg_array(f, v->ref), v->aff), SG_PREC_ATOM};
	case SG_V_LOCAL:
		if (f->is_read && f->g->node[v->ref].op == SG_INPUT)
			f->is_read[f->g->node[v->ref].attr->w[0]] = true;
		return (sg_c_text){f->at[v->ref].name, SG_PREC_ATOM};
	case SG_V_INDEX:
		return form_text(n, v->aff);
	case SG_V_EW:
	case SG_V_CAST:
		return elementwise_text(n, v);
	case SG_V_RAND:
		return (sg_c_text){sg_text(f->ctx, "%s(%s, %s)",
		                           sg_use_typed(f->m, v->op == SG_RAND ? "rand" : "randn",
		                                        (sg_type)v->type),
		                           text_of(n, v->arg[0]).s, form_text(n, v->aff).s),
		                   SG_PREC_ATOM};
	case SG_V_WITHIN:
		return within_text(n, v);
	case SG_V_DIV:
	case SG_V_MOD:
		return (sg_c_text){sg_text(f->ctx, "%s %c %s",
		                           sg_c_paren(f, form_text(n, v->aff), SG_PREC_CAST),
		                           v->kind == SG_V_DIV ? '/' : '%', sg_ext_c(f, v->ext)),
		                   SG_PREC_MUL};
	case SG_V_AT:
		break;
	}
	return text_of(n, v->arg[0]);
}

static bool
is_statement(const sg_val *v)
{
	switch ((sg_val_kind)v->kind) {
	case SG_V_CONST:
	case SG_V_DIM:
	case SG_V_LOCAL:
	case SG_V_INDEX:
		return false;
	case SG_V_LOAD:
		return v->uses > 1 && strlen(v->text) > 24;
	case SG_V_AT:
	case SG_V_DIV:
	case SG_V_MOD:
		return true;
	case SG_V_RAND:
	case SG_V_CAST:
	case SG_V_EW:
	case SG_V_WITHIN:
		break;
	}
	return v->uses > 1 || v->weight > INLINE_WEIGHT ||
	       (v->depth < v->reader_depth && v->weight > 2);
}

/* The index value, counted from the end where it is negative, and checked. */
static void
print_checked(nest *n, sg_val *v)
{
	sg_fn *f = n->f;
	const char *below = sg_ext_bare(f, v->ext);

	v->text = sg_name_fresh(&f->names, "at");
	v->prec = SG_PREC_ATOM;
	sg_line(f, "ptrdiff_t %s = (ptrdiff_t)%s;", v->text,
	        sg_c_paren(f, text_of(n, v->arg[0]), SG_PREC_CAST));
	sg_line(f, "if (%s < 0)", v->text);
	sg_line(f, "\t%s += %s;", v->text, below);
	sg_line(f, "if (%s < 0 || %s >= %s)", v->text, v->text, below);
	sg_line(f, "\treturn %s;", sg_use(f->m, "SGRT_EINDEX"));
}

static const char *
local_name(nest *n, const sg_val *v)
{
	sg_fn *f = n->f;
	const char *hint = v->ref ? f->g->name[v->ref] : NULL;

	if (v->kind == SG_V_DIV || v->kind == SG_V_MOD)
		return sg_name_fresh(&f->names, v->kind == SG_V_DIV ? "row" : "col");
	if (hint && v->ref && f->at[v->ref].stored)
		hint = sg_text(f->ctx, "%.30s_i", hint);
	return sg_name_fresh(&f->names, hint);
}

static void
print_val(nest *n, sg_val *v)
{
	sg_c_text x;
	const bool whole = v->kind == SG_V_DIV || v->kind == SG_V_MOD;

	if (v->kind == SG_V_AT) {
		print_checked(n, v);
		return;
	}
	x = val_text(n, v);
	v->text = x.s;
	v->prec = (int8_t)x.prec;
	v->weight = v->kind == SG_V_EW || v->kind == SG_V_CAST || v->kind == SG_V_WITHIN ||
	            v->kind == SG_V_RAND;
	for (uint32_t k = 0; k < v->nargs; k++)
		v->weight += n->s->val[v->arg[k]].weight;
	if (!is_statement(v))
		return;
	const char *name = local_name(n, v);
	sg_line(n->f, "const %s %s = %s;", whole ? "ptrdiff_t" : sg_type_c_name((sg_type)v->type),
	        name, x.s);
	v->text = name;
	v->prec = SG_PREC_ATOM;
	v->weight = 0;
}

/* ---- reductions ---- */

static const char *
first_value(sg_fn *f, sg_op op, sg_type t)
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
is_running(sg_op op)
{
	return op == SG_CUMSUM || op == SG_LINREC;
}

/* Nothing to choose from is an error of the run. */
static void
print_empty_check(nest *n, const sg_root *r)
{
	sg_fn *f = n->f;
	const sg_op op = (sg_op)sg_fn_node(f, r->ref)->op;
	const sg_ext one = sg_ext_int(f->sp, 1);

	if (op != SG_AMAX && op != SG_AMIN && op != SG_ARGMAX && op != SG_ARGMIN)
		return;
	for (uint32_t g = n->nkept; g < n->ngroups; g++)
		if (!sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, n->ext[g], one))) {
			sg_line(f, "if (%s == 0)", sg_ext_bare(f, n->ext[g]));
			sg_line(f, "\treturn %s;", sg_use(f->m, "SGRT_EEMPTY"));
		}
}

static void
declare_fold(nest *n, sg_root *r)
{
	sg_fn *f = n->f;
	const sg_node *x = sg_fn_node(f, r->ref);
	const sg_place *p = &f->at[r->ref];
	const sg_type t = (sg_type)n->s->val[r->val[0]].type;
	const char *own = p->unit && p->reads ? p->name : NULL;

	if (r->kind != SG_R_FOLD || sg_adds_up(x->op))
		return;
	print_empty_check(n, r);
	if (r->tree) {
		r->acc = sg_name_fresh(&f->names,
		                       sg_text(f->ctx, "%.30s_tree", sg_hint(f, r->ref, "sum")));
		sg_line(f, "%s %s;", sg_use_typed(f->m, "sum_tree", t), r->acc);
		sg_line(f, "%s(&%s);", sg_use_typed(f->m, "sum_init", t), r->acc);
		return;
	}
	if (x->op == SG_ARGMAX || x->op == SG_ARGMIN) {
		r->acc2 = sg_name_fresh(&f->names, "best");
		r->acc = own ? own : sg_name_fresh(&f->names, sg_hint(f, r->ref, "where"));
		sg_line(f, "%s %s = %s;", sg_type_c_name(t), r->acc2,
		        first_value(f, (sg_op)x->op, t));
		sg_line(f, "int64_t %s = 0;", r->acc);
		return;
	}
	r->acc =
	    own ? own
		: sg_name_fresh(&f->names, sg_text(f->ctx, "%.30s_acc", sg_hint(f, r->ref, "sum")));
	sg_line(f, "%s %s = %s;", sg_type_c_name(t), r->acc, first_value(f, (sg_op)x->op, t));
}

static void
declare_folds(nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		declare_fold(n, &n->s->root[i]);
}

static void
print_best(nest *n, const sg_root *r, bool max, sg_type t, const char *x)
{
	sg_fn *f = n->f;
	const char *op = max ? ">" : "<";

	if (sg_type_is_float(t))
		sg_line(f, "if (%s %s %s || (%s != %s && %s == %s)) {", x, op, r->acc2, x, x,
		        r->acc2, r->acc2);
	else
		sg_line(f, "if (%s %s %s) {", x, op, r->acc2);
	sg_line(f, "\t%s = %s;", r->acc2, x);
	sg_line(f, "\t%s = %s;", r->acc, form_text(n, r->pos).s);
	sg_line(f, "}");
}

/* acc = acc op x, in the type. */
static void
print_update(nest *n, const char *acc, sg_op op, sg_type t, sg_c_text x)
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

static void
print_fold_step(nest *n, sg_root *r)
{
	sg_fn *f = n->f;
	const sg_node *x = sg_fn_node(f, r->ref);
	const sg_op op = (sg_op)x->op;
	const sg_type t = (sg_type)n->s->val[r->val[0]].type;
	const sg_c_text v = text_of(n, r->val[0]);

	if (op == SG_WRITER)
		sg_line(f, "%s = %s;", element(n, sg_array(f, r->ref), r->at),
		        form_text(n, r->pos).s);
	else if (sg_adds_up((uint16_t)op))
		print_update(n, element(n, sg_array(f, r->ref), r->at), SG_SUM, t, v);
	else if (op == SG_ARGMAX || op == SG_ARGMIN)
		print_best(n, r, op == SG_ARGMAX, t, v.s);
	else if (op == SG_LINREC)
		sg_line(f, "%s = %s * %s + %s;", r->acc,
		        sg_c_paren(f, text_of(n, r->val[1]), SG_PREC_MUL), r->acc,
		        sg_c_paren(f, v, SG_PREC_MUL));
	else
		print_update(n, r->tree ? r->acc2 : r->acc, op, t, v);
	if (is_running(op))
		sg_line(f, "%s = %s;", element(n, sg_array(f, r->ref), r->at), r->acc);
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

static void
finish_fold(nest *n, sg_root *r)
{
	sg_fn *f = n->f;
	const sg_place *p = &f->at[r->ref];
	const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;
	const sg_op op = (sg_op)sg_fn_node(f, r->ref)->op;
	const char *v = r->acc;

	if (r->kind != SG_R_FOLD || sg_adds_up((uint16_t)op) || is_running(op))
		return;
	if (r->tree)
		v = sg_text(f->ctx, "%s(&%s)", sg_use_typed(f->m, "sum_total", t), r->acc);
	if (!p->unit) {
		sg_line(f, "%s = %s;", element(n, sg_array(f, r->ref), r->at), v);
		return;
	}
	if (p->reads && r->tree && !is_new_out(f, r->ref)) {
		sg_line(f, "const %s %s = %s;", sg_type_c_name(t), p->name, v);
		v = p->name;
	}
	if (p->out)
		sg_print_out(f, p->out - 1, v);
}

static void
finish_folds(nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		finish_fold(n, &n->s->root[i]);
}

/* ---- stores ---- */

static void
print_piece(nest *n, const sg_root *r)
{
	sg_fn *f = n->f;
	const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;
	const char *to = element(n, sg_array(f, r->ref), r->at);
	const sg_c_text x = text_of(n, r->val[0]);

	if (!r->add && !r->negate)
		sg_line(f, "%s = %s;", to, x.s);
	else if (!r->add)
		sg_line(f, "%s = %s;", to, sg_c_op(f, SG_NEG, t, t, &x).s);
	else if (sg_type_is_float(t))
		sg_line(f, "%s %s %s;", to, r->negate ? "-=" : "+=", x.s);
	else
		sg_line(f, "%s = %s(%s, %s);", to, sg_use_typed(f->m, r->negate ? "sub" : "add", t),
		        to, x.s);
}

static void
print_root(nest *n, sg_root *r)
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
			sg_line(f, "%s = %s;", element(n, f->out[r->part].name, r->at), v);
		return;
	case SG_R_TEXT:
		return;
	case SG_R_STORE:
		break;
	}
	if (!p->unit) {
		sg_line(f, "%s = %s;", element(n, sg_array(f, r->ref), r->at), v);
		return;
	}
	if (p->reads && !is_new_out(f, r->ref)) {
		sg_line(f, "const %s %s = %s;", sg_type_c_name((sg_type)x->type), p->name, v);
		v = p->name;
	}
	if (p->out)
		sg_print_out(f, p->out - 1, v);
}

/* ---- loops ---- */

static void print_level(nest *n, uint32_t d);

static void
declare_parts(nest *n, bool push)
{
	sg_fn *f = n->f;

	for (size_t i = 0; i < n->s->nroots; i++) {
		sg_root *r = &n->s->root[i];
		const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;

		if (!r->tree)
			continue;
		if (push) {
			sg_line(f, "%s(&%s, %s);", sg_use_typed(f->m, "sum_push", t), r->acc,
			        r->acc2);
			continue;
		}
		r->acc2 = sg_name_fresh(&f->names, "part");
		sg_line(f, "%s %s = %s;", sg_type_c_name(t), r->acc2, sg_c_const(f, t, 0).s);
	}
}

/* The innermost loop of sums that go in blocks. */
static void
print_blocks(nest *n, uint32_t d)
{
	sg_fn *f = n->f;
	const char *i = f->loop[d], *ext = sg_ext_bare(f, n->ext[d]);
	int64_t v;
	const bool one = sg_ext_const(f->sp, n->ext[d], &v) && v <= BLOCK;

	if (!one) {
		sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s += %d) {", f->from, f->from, ext,
		        f->from, BLOCK);
		f->indent++;
		sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s : %s + %d;", f->to, ext, f->from,
		        BLOCK, ext, f->from, BLOCK);
	}
	declare_parts(n, false);
	if (one)
		sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", i, i, ext, i);
	else
		sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", i, f->from, i, f->to, i);
	f->indent++;
	print_level(n, d + 1);
	f->indent--;
	sg_line(f, "}");
	declare_parts(n, true);
	if (!one) {
		f->indent--;
		sg_line(f, "}");
	}
}

static void
print_level(nest *n, uint32_t d)
{
	sg_fn *f = n->f;

	if (d == n->nkept)
		declare_folds(n);
	for (size_t i = 1; i < n->s->nvals; i++)
		if (n->s->val[i].depth == d && n->s->val[i].needed)
			print_val(n, &n->s->val[i]);
	if (d == n->ngroups) {
		for (size_t i = 0; i < n->s->nroots; i++)
			print_root(n, &n->s->root[i]);
	} else if (n->tree && d + 1 == n->ngroups) {
		print_blocks(n, d);
	} else {
		const char *i = f->loop[d];

		sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", i, i,
		        sg_ext_bare(f, n->ext[d]), i);
		f->indent++;
		print_level(n, d + 1);
		f->indent--;
		sg_line(f, "}");
	}
	if (d == n->nkept)
		finish_folds(n);
}

void
sg_print_nest(sg_fn *f, sg_step *s)
{
	nest n = {.f = f, .s = s};
	sg_ref *refs = SG_NEW_ARRAY(f->ctx, sg_ref, s->nroots);

	for (size_t i = 0; i < s->nroots; i++)
		refs[i] = s->root[i].kind == SG_R_PIECE ? s->root[i].from : s->root[i].ref;
	sg_print_origin(f, refs, s->nroots);
	for (size_t i = 0; i < s->nroots; i++) {
		n.tree = n.tree || s->root[i].tree;
		if (s->root[i].kind == SG_R_FOLD && sg_adds_up(sg_fn_node(f, s->root[i].ref)->op))
			sg_print_fill(f, s->root[i].ref);
	}
	group_loops(&n);
	set_depths(&n);
	find_needed(&n);
	print_level(&n, 0);
}

void
sg_print_texts(sg_fn *f, sg_step *s)
{
	nest n = {.f = f, .s = s};

	set_depths(&n);
	for (size_t i = 1; i < s->nvals; i++)
		print_val(&n, &s->val[i]);
}
