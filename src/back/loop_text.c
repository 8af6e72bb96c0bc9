/* loop_text.c - the C text of a loop: carries, slices, the body, the next carries.
 *
 *	double h = h0[0];
 *	for (ptrdiff_t t = 0; t < T; t++) {
 *		const double x = xs[t];
 *		const double h_next = h * x;     the body
 *		hs[t] = h_next;
 *		h = h_next;
 *	}
 * Carries that are arrays are updated in place, or are pointers to one of two buffers, which
 * change places after each step. One that is stacked lies in the stack:
 *
 *	for (ptrdiff_t t = 0; t < T; t++) {
 *		const double *const h = hs + t * n;
 *		double *const h_next = t + 1 < T ? hs + (t + 1) * n : h_last;
 */
#include "back/emit.h"

#include <string.h>

typedef struct text {
	sg_fn *f;
	sg_step *s;
	sg_loop_plan *p;
	const char **now, **next; /* by carry: names before and after a step */
	const char **row;         /* by input of the step: the name of a slice, or NULL */
	const char *t, *end;      /* the variable; SCAN: the count */
	bool is_whole;            /* count is known to be length */
	bool runs;                /* and to be 1 at least */
	sg_buf arrays, cond, body;
	const char *go;
} text;

static const sg_val *
val_of(const text *w, const sg_loop_arg *a)
{
	return &w->s->val[w->s->root[a->root].val[0]];
}

static const sg_loop_arg *
arg_of(const text *w, sg_ref r, sg_loop_role role)
{
	return sg_loop_arg_of(w->p, r, sg_has_one_element(w->f, r) ? SG_L_TEXT : role);
}

static const char *
text_of(const text *w, sg_ref r)
{
	const sg_val *v = val_of(w, arg_of(w, r, SG_L_TEXT));

	return v->text;
}

static sg_type
type_of(const text *w, sg_ref r)
{
	return (sg_type)sg_fn_node(w->f, r)->type;
}

static const char *
c_type(const text *w, sg_ref r)
{
	return sg_type_c_name(type_of(w, r));
}

static bool
is_variable(const text *w, uint32_t k)
{
	return sg_has_one_element(w->f, w->p->l.init[k]);
}

/* What stands in the loop, condition and step, has one set of names. */
static void
open_names(text *w)
{
	const sg_loop_plan *p = w->p;

	p->step_fn->names = sg_names_in(w->f->ctx, &w->f->names);
	if (p->cond_fn)
		p->cond_fn->names = p->step_fn->names;
}

/* A name within the loop. */
static const char *
fresh_inside(const text *w, const char *hint, const char *suffix)
{
	return sg_name_fresh(&w->p->step_fn->names, sg_text(w->f->ctx, "%.30s%s", hint, suffix));
}

/* A name in the block around the loop, and in the loop. */
static const char *
fresh(const text *w, const char *hint, const char *suffix)
{
	const char *name = fresh_inside(w, hint, suffix);

	sg_name_take(&w->f->names, name);
	return name;
}

/* ---- names ---- */

/* A variable that the loop declares itself, and not as an output. */
static bool
has_own_name(const text *w, sg_ref pick)
{
	const sg_place *p = &w->f->at[pick];

	return p->unit && p->name && !p->leaves && !(p->out && w->f->out[p->out - 1].kind == SG_O_NEW);
}

static void
name_carries(text *w)
{
	const sg_loop *l = &w->p->l;

	w->now = SG_NEW_ARRAY(w->f->ctx, const char *, l->nc + 1);
	w->next = SG_NEW_ARRAY(w->f->ctx, const char *, l->nc + 1);
	for (uint32_t k = 0; k < l->nc; k++) {
		const sg_ref pick = w->p->pick[k];
		const char *hint = sg_hint(w->f, l->cparam[k], NULL);

		if (!w->p->live[k])
			continue;
		if (!hint)
			hint = sg_hint(w->f, pick, "carry");
		if (w->p->in_place[k]) {
			w->now[k] = w->next[k] = sg_array(w->f, pick);
			continue;
		}
		if (w->p->stack[k]) {
			w->now[k] = fresh_inside(w, hint, "");
			w->next[k] = fresh_inside(w, hint, "_next");
			continue;
		}
		w->now[k] = is_variable(w, k) && pick && has_own_name(w, pick) ? w->f->at[pick].name
		                                                               : fresh(w, hint, "");
		w->next[k] =
		    is_variable(w, k) ? fresh_inside(w, hint, "_next") : fresh(w, hint, "_next");
	}
}

/* A value from around, as what can be read and pointed to. */
static const char *
captured_variable(text *w, sg_ref r)
{
	sg_val *v = &w->s->val[w->s->root[arg_of(w, r, SG_L_TEXT)->root].val[0]];

	if (v->kind == SG_V_CONST || v->kind == SG_V_DIM || v->kind == SG_V_INDEX) {
		const char *name = fresh(w, sg_hint(w->f, r, "value"), "");

		sg_line(w->f, "const %s %s = %s;", c_type(w, r), name, v->text);
		v->kind = SG_V_LOCAL;
		v->text = name;
	}
	return v->text;
}

static const char *
captured_array(text *w, sg_ref r)
{
	sg_strided s;

	(void)sg_strided_of(w->f, r, &s);
	const char *array = sg_array(w->f, s.root);
	return sg_ext_is(w->f->sp, s.base, 0)
	           ? array
	           : sg_text(w->f->ctx, "(%s + %s)", array, sg_ext_c(w->f, s.base));
}

static void
name_input(text *w, sg_fn *fn, const sg_body *body, size_t i)
{
	const sg_loop *l = &w->p->l;
	const sg_ref r = body->input[i];
	const uint32_t k = sg_loop_slot(w->p, r), x = k < l->nc ? l->nx : k - l->nc;
	const char *name;

	if (k < l->nc)
		name = w->now[k];
	else if (x < l->nx && sg_has_one_element(w->f, l->xs[x]))
		name = captured_variable(w, l->xs[x]);
	else if (x < l->nx)
		name = w->row[i] = fresh_inside(w, sg_hint(w->f, r, "x"), "");
	else if (fn->is_variable[i])
		name = captured_variable(w, r);
	else
		name = captured_array(w, r);
	fn->input[i] = name;
	fn->at[i + 1].name = name;
}

/* Row t of an array. */
static const char *
row_at(const text *w, const char *array, const sg_shape *row, const char *t)
{
	const sg_ext size = sg_shape_size(w->f->sp, row);

	if (sg_is_1(w->f, size))
		return sg_text(w->f->ctx, "%s + %s", array, t);
	return sg_text(w->f->ctx, "%s + %s * %s", array, t, sg_ext_c(w->f, size));
}

static const char *
place(const text *w, const char *array, const sg_shape *row)
{
	return row_at(w, array, row, w->t);
}

static void
name_outputs(text *w)
{
	sg_fn *fn = w->p->step_fn;

	for (size_t i = 0; i < fn->nout; i++) {
		const uint32_t k = w->p->out_of[i];

		if (k < w->p->l.nc) {
			fn->out[i].name = w->next[k];
			continue;
		}
		const char *stack = sg_array(w->f, w->p->pick[k]);
		fn->out[i].name = fn->out[i].kind == SG_O_PLACE
		                      ? sg_text(w->f->ctx, "%s[%s]", stack, w->t)
		                      : fresh_inside(w, stack, "_at");
	}
}

/* ---- bodies ---- */

static void
print_body(text *w, sg_fn *fn, const sg_body *body, sg_ref room, sg_buf *out)
{
	fn->work = room ? sg_array(w->f, room) : w->f->work; /* without room all its arrays are empty */
	fn->indent = w->f->indent + 1;
	fn->line = w->f->line;
	fn->src = w->f->src;
	for (size_t i = 0; i < body->ninputs; i++)
		name_input(w, fn, body, i);
	sg_fn_print_body(fn, &w->arrays, out);
	if (!w->f->m->o->jit)
		sg_find_read(w->f->ctx, sg_buf_text(out), body->ninputs, fn->input, fn->is_read);
	w->f->has_status = w->f->has_status || fn->has_status;
	w->f->line = fn->line;
	w->f->src = fn->src;
}

/* What the text of the body does not read after all. */
static void
mention_unread(text *w, const sg_fn *fn, const sg_body *body, const char *const *row)
{
	for (size_t i = 0; i < body->ninputs; i++)
		if (!fn->is_read[i] && fn->is_variable[i] && !(row && row[i]) &&
		    !strchr(fn->input[i], '['))
			sg_line(w->f, "(void)%s;", fn->input[i]);
}

static void
print_bodies(text *w)
{
	sg_loop_plan *p = w->p;

	sg_buf_init(&w->arrays, w->f->ctx);
	sg_buf_init(&w->cond, w->f->ctx);
	sg_buf_init(&w->body, w->f->ctx);
	w->row = SG_NEW_ARRAY(w->f->ctx, const char *, p->step->ninputs + 1);
	if (p->cond_fn) {
		w->go = fresh_inside(w, "go", "_on");
		p->cond_fn->out[0].name = w->go;
		print_body(w, p->cond_fn, p->cond, p->room[1], &w->cond);
	}
	name_outputs(w);
	print_body(w, p->step_fn, p->step, p->room[0], &w->body);
}

/* ---- before the loop ---- */

static const char *
stack_of(const text *w, uint32_t k)
{
	return sg_array(w->f, w->p->pick[w->p->stack[k]]);
}

/* An array of nothing may be NULL, which memcpy and memset do not take. */
static bool
may_be_null(const sg_fn *f, sg_ext size)
{
	return !f->m->o->jit &&
	       !sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, size, sg_ext_int(f->sp, 1)));
}

/* "n > 0 && " where that may be. */
static const char *
if_any(sg_fn *f, sg_ext size)
{
	return may_be_null(f, size) ? sg_text(f->ctx, "%s > 0 && ", sg_ext_bare(f, size)) : "";
}

/* The indent of what is done to an array of that size. */
static const char *
begin_if_any(sg_fn *f, sg_ext size)
{
	if (!may_be_null(f, size))
		return "";
	sg_line(f, "if (%s > 0)", sg_ext_bare(f, size));
	return "\t";
}

/* from .. to, an array of carry k */
static void
copy_carry(text *w, uint32_t k, const char *to, const char *from)
{
	sg_fn *f = w->f;
	const sg_ref init = w->p->l.init[k];
	const sg_ext size = sg_shape_size(f->sp, sg_fn_node(f, init)->shape);

	const char *indent = "\t";

	if (w->runs)
		indent = begin_if_any(f, size);
	else
		sg_line(f, "if (%s%s > 0)", if_any(f, size), w->end);
	sg_line(f, "%s%s(%s, %s, (size_t)%s * sizeof(%s));", indent, sg_use(f->m, "memcpy"), to,
	        from, sg_ext_c(f, size), c_type(w, init));
}

/* The row of a stack that the first step, or the last, has. */
static const char *
end_row(const text *w, uint32_t k, bool last)
{
	const sg_shape *row = sg_fn_node(w->f, w->p->l.init[k])->shape;

	return last == w->p->l.reverse
	           ? stack_of(w, k)
	           : row_at(w, stack_of(w, k), row, sg_text(w->f->ctx, "(%s - 1)", w->end));
}

static void
declare_carries(text *w)
{
	const sg_loop *l = &w->p->l;

	for (uint32_t k = 0; k < l->nc; k++) {
		const char *type = c_type(w, l->init[k]);

		if (!w->p->live[k] || w->p->in_place[k] || w->p->after[k])
			continue;
		if (w->p->stack[k]) {
			copy_carry(w, k, end_row(w, k, false), sg_array(w->f, w->p->pick[k]));
			continue;
		}
		if (is_variable(w, k)) {
			sg_line(w->f, "%s %s = %s;", type, w->now[k], text_of(w, l->init[k]));
			continue;
		}
		sg_line(w->f, "%s *%s = %s;", type, w->now[k], sg_array(w->f, w->p->pick[k]));
		sg_line(w->f, "%s *%s = %s;", type, w->next[k], sg_array(w->f, w->p->second[k]));
	}
}

/* Is the count an extent? */
static bool
count_is_ext(const text *w, sg_ext *e)
{
	const sg_node *n = sg_fn_node(w->f, w->p->l.count);

	if (n->op == SG_DIM)
		*e = (sg_ext)n->attr->w[0];
	else if (n->op == SG_CONST)
		*e = sg_ext_int(w->f->sp, n->attr->w[0]);
	else
		return false;
	return true;
}

static bool
at_most(const text *w, sg_ext a, sg_ext b)
{
	return sg_ext_nonneg(w->f->sp, sg_ext_sub(w->f->sp, b, a));
}

static void
print_count(text *w)
{
	sg_fn *f = w->f;
	const sg_ext length = w->p->l.length, zero = sg_ext_int(f->sp, 0);
	const char *error = sg_use(f->m, "SGRT_EARG");
	sg_ext e;

	if (!count_is_ext(w, &e)) {
		w->end = fresh(w, "steps", "");
		sg_line(f, "const ptrdiff_t %s = (ptrdiff_t)%s;", w->end,
		        text_of(w, w->p->l.count));
		sg_line(f, "if (%s < 0 || %s > %s)", w->end, w->end, sg_ext_bare(f, length));
		sg_line(f, "\treturn %s;", error);
		return;
	}
	w->end = sg_ext_bare(f, e);
	w->is_whole = e == length;
	w->runs = at_most(w, sg_ext_int(f->sp, 1), e);
	if (!w->is_whole && !at_most(w, zero, e)) {
		sg_line(f, "if (%s < 0)", w->end);
		sg_line(f, "\treturn %s;", error);
	}
	if (!at_most(w, e, length)) {
		sg_line(f, "if (%s > %s)", w->end, sg_ext_bare(f, length));
		sg_line(f, "\treturn %s;", error);
	}
}

/* ---- in the loop ---- */

static void
declare_row(text *w, size_t i)
{
	sg_fn *f = w->f, *fn = w->p->step_fn;
	const sg_ref xs = w->p->l.xs[sg_loop_slot(w->p, w->p->step->input[i]) - w->p->l.nc];
	sg_strided s;
	sg_buf at;

	(void)sg_strided_of(f, xs, &s);
	const char *array = sg_array(f, s.root);
	sg_buf_init(&at, f->ctx);
	if (!sg_ext_is(f->sp, s.base, 0))
		sg_buf_printf(&at, "%s + ", sg_ext_bare(f, s.base));
	sg_buf_puts(&at, w->t);
	if (!sg_is_1(f, s.stride[0]))
		sg_buf_printf(&at, " * %s", sg_ext_c(f, s.stride[0]));
	if (fn->is_variable[i])
		sg_line(f, "const %s %s = %s[%s];", c_type(w, xs), w->row[i], array,
		        sg_buf_text(&at));
	else
		sg_line(f, "const %s *const %s = %s + %s;", c_type(w, xs), w->row[i], array,
		        sg_buf_text(&at));
}

/* The rows of a stack that are the carry before the step and after it. */
static void
declare_stacked(text *w, uint32_t k)
{
	const sg_loop_plan *p = w->p;
	sg_fn *f = w->f;
	const sg_ref init = p->l.init[k];
	const sg_shape *row = sg_fn_node(f, init)->shape;
	const char *stack = stack_of(w, k), *outside = sg_array(f, p->pick[k]), *at, *beside;
	/* of the step before or behind this one, which the stack has no row for at one end */
	const bool after = p->after[k], below = p->l.reverse != after;

	at = place(w, stack, row);
	beside = row_at(w, stack, row, sg_text(f->ctx, "(%s %c 1)", w->t, below ? '-' : '+'));
	beside = below ? sg_text(f->ctx, "%s > 0 ? %s : %s", w->t, beside, outside)
	               : sg_text(f->ctx, "%s + 1 < %s ? %s : %s", w->t, w->end, beside, outside);
	if (p->input[k] && p->step_fn->is_read[p->input[k] - 1])
		sg_line(f, "const %s *const %s = %s;", c_type(w, init), w->now[k],
		        after ? beside : at);
	sg_line(f, "%s *const %s = %s;", c_type(w, init), w->next[k], after ? at : beside);
}

static void
declare_rows(text *w)
{
	const sg_loop_plan *p = w->p;

	for (uint32_t k = 0; k < p->l.nc; k++)
		if (p->live[k] && p->stack[k])
			declare_stacked(w, k);
	for (size_t i = 0; i < p->step->ninputs; i++)
		if (w->row[i] && p->step_fn->is_read[i])
			declare_row(w, i);
	for (size_t i = 0; i < p->step_fn->nout; i++) {
		const uint32_t k = p->out_of[i];

		if (k < p->l.nc || p->step_fn->out[i].kind == SG_O_PLACE)
			continue;
		sg_line(w->f, "%s *const %s = %s;", c_type(w, p->pick[k]), p->step_fn->out[i].name,
		        place(w, sg_array(w->f, p->pick[k]),
		              sg_fn_node(w->f, p->l.out[k - p->l.nc])->shape));
	}
}

/* WHILE: the carries before the step. */
static void
print_tape(text *w)
{
	sg_fn *f = w->f;
	const sg_loop *l = &w->p->l;

	for (uint32_t k = 0; l->op == SG_WHILE && l->tape && k < l->nc; k++) {
		const sg_ref pick = w->p->pick[l->nc + 1 + k];
		const sg_shape *row = sg_fn_node(f, l->init[k])->shape;

		if (!pick)
			continue;
		const char *array = sg_array(f, pick);
		if (is_variable(w, k)) {
			sg_line(f, "%s[%s] = %s;", array, w->t, w->now[k]);
			continue;
		}
		const sg_ext size = sg_shape_size(f->sp, row);
		sg_line(f, "%s%s(%s, %s, (size_t)%s * sizeof *%s);", begin_if_any(f, size),
		        sg_use(f->m, "memcpy"), place(w, array, row), w->now[k], sg_ext_c(f, size),
		        w->now[k]);
	}
}

static void
print_updates(text *w)
{
	sg_fn *f = w->f;
	const char *error = f->status;

	if (w->p->step_fn->has_status) {
		sg_line(f, "if (%s != %s)", error, sg_use(f->m, "SGRT_OK"));
		sg_line(f, "\treturn %s;", error);
	}
	for (uint32_t k = 0; k < w->p->l.nc; k++) {
		if (!w->p->live[k] || w->p->in_place[k] || w->p->stack[k])
			continue;
		if (is_variable(w, k)) {
			sg_line(f, "%s = %s;", w->now[k], w->next[k]);
			continue;
		}
		const char *old = fresh_inside(w, w->now[k], "_old");
		sg_line(f, "%s *const %s = %s;", c_type(w, w->p->l.init[k]), old, w->now[k]);
		sg_line(f, "%s = %s;", w->now[k], w->next[k]);
		sg_line(f, "%s = %s;", w->next[k], old);
	}
}

static void
print_inside(text *w)
{
	w->f->indent++;
	declare_rows(w);
	print_tape(w);
	sg_buf_puts(w->f->b, sg_buf_text(&w->body));
	print_updates(w);
	w->f->indent--;
}

static void
print_scan(text *w)
{
	if (w->p->l.reverse)
		sg_line(w->f, "for (ptrdiff_t %s = %s; %s-- > 0;) {", w->t, w->end, w->t);
	else
		sg_line(w->f, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", w->t, w->t, w->end, w->t);
	print_inside(w);
	sg_line(w->f, "}");
}

/* The condition where it is one expression; else NULL. */
static const char *
condition(const text *w)
{
	const char *head = sg_text(w->f->ctx, "const uint8_t %s = ", w->go);
	const char *s = sg_buf_text((sg_buf *)(uintptr_t)&w->cond), *end = strchr(s, '\n');

	while (*s == '\t')
		s++;
	if (!end || end[1] || strncmp(s, head, strlen(head)) != 0 || w->p->cond_fn->has_status)
		return NULL;
	s += strlen(head);
	return sg_text(w->f->ctx, "%.*s", (int)(end - s - 1), s);
}

static void
print_while(text *w)
{
	sg_fn *f = w->f;
	const sg_loop *l = &w->p->l;
	const bool counts = l->limited || l->tape;
	const char *cond = condition(w);

	if (counts)
		sg_line(f, "ptrdiff_t %s = 0;", w->t);
	if (cond)
		sg_line(f, "while (%s) {", cond);
	else
		sg_line(f, "for (;;) {");
	f->indent++;
	if (!cond) {
		sg_buf_puts(f->b, sg_buf_text(&w->cond));
		if (w->p->cond_fn->has_status) {
			sg_line(f, "if (%s != %s)", f->status, sg_use(f->m, "SGRT_OK"));
			sg_line(f, "\treturn %s;", f->status);
		}
		sg_line(f, "if (!%s)", w->go);
		sg_line(f, "\tbreak;");
	}
	if (l->limited) {
		sg_line(f, "if (%s >= %s)", w->t, sg_ext_bare(f, l->length));
		sg_line(f, "\treturn %s;", sg_use(f->m, "SGRT_ELIMIT"));
	}
	f->indent--;
	print_inside(w);
	if (counts)
		sg_line(f, "\t%s++;", w->t);
	sg_line(f, "}");
}

/* ---- behind the loop ---- */

/* Zeros where no step was. */
static void
clear_rest(text *w, sg_ref pick, const sg_shape *row, const char *done)
{
	sg_fn *f = w->f;
	const sg_ext size = sg_shape_size(f->sp, row);
	const char *array = sg_array(f, pick), *length = sg_ext_c(f, w->p->l.length);

	if (sg_is_1(f, size))
		sg_line(f, "%s(%s + %s, 0, (size_t)(%s - %s) * sizeof *%s);",
		        sg_use(f->m, "memset"), array, done, length, done, array);
	else
		sg_line(f, "%s%s(%s + %s * %s, 0, (size_t)((%s - %s) * %s) * sizeof *%s);",
		        begin_if_any(f, size), sg_use(f->m, "memset"), array, done,
		        sg_ext_c(f, size), length, done, sg_ext_c(f, size), array);
}

static void
clear_rests(text *w)
{
	const sg_loop *l = &w->p->l;
	const char *done =
	    w->end && strpbrk(w->end, " ") ? sg_text(w->f->ctx, "(%s)", w->end) : w->end;

	for (uint32_t k = 0; l->op == SG_SCAN && !w->is_whole && k < l->ns; k++)
		if (w->p->pick[l->nc + k])
			clear_rest(w, w->p->pick[l->nc + k], sg_fn_node(w->f, l->out[k])->shape,
			           done);
	for (uint32_t k = 0; l->op == SG_WHILE && l->tape && k < l->nc; k++)
		if (w->p->pick[l->nc + 1 + k])
			clear_rest(w, w->p->pick[l->nc + 1 + k],
			           sg_fn_node(w->f, l->init[k])->shape, w->t);
}

/* A scalar result that is known as `value`. */
static void
finish_scalar(text *w, sg_ref pick, const char *value)
{
	const sg_place *p = &w->f->at[pick];

	if (p->leaves && p->name)
		sg_line(w->f, "%s = %s;", p->name, value);
	if (p->stored)
		sg_line(w->f, "%s[0] = %s;", sg_array(w->f, pick), value);
	else if (p->out)
		sg_print_out(w->f, p->out - 1, value);
}

static void
finish_carry(text *w, uint32_t k)
{
	sg_fn *f = w->f;
	const sg_ref pick = w->p->pick[k];
	const sg_place *p = &f->at[pick];

	if (is_variable(w, k)) {
		finish_scalar(w, pick, w->now[k]);
		return;
	}
	if (w->p->in_place[k] || (!p->out && p->uses + p->mapped == 0))
		return;
	if (w->p->stack[k]) {
		if (w->p->after[k])
			copy_carry(w, k, sg_array(f, pick), end_row(w, k, true));
		return;
	}
	const char *array = sg_array(f, pick);
	const sg_ext size = sg_shape_size(f->sp, sg_fn_node(f, pick)->shape);
	sg_line(f, "if (%s%s != %s)", if_any(f, size), w->now[k], array);
	sg_line(f, "\t%s(%s, %s, (size_t)%s * sizeof *%s);", sg_use(f->m, "memcpy"), array,
	        w->now[k], sg_ext_c(f, size), array);
}

static void
finish(text *w)
{
	const sg_loop *l = &w->p->l;
	sg_fn *f = w->f;

	for (uint32_t k = 0; k < l->nc; k++)
		if (w->p->live[k] && w->p->pick[k])
			finish_carry(w, k);
	if (l->op == SG_WHILE && l->tape && w->p->pick[l->nc]) {
		const sg_ref pick = w->p->pick[l->nc];

		if (has_own_name(w, pick)) {
			sg_line(f, "const int64_t %s = %s;", f->at[pick].name, w->t);
			finish_scalar(w, pick, f->at[pick].name);
		} else {
			finish_scalar(w, pick, w->t);
		}
	}
	clear_rests(w);
}

void
sg_print_loop(sg_fn *f, sg_step *s)
{
	text w = {.f = f, .s = s, .p = f->plan[s->ref]};

	sg_print_origin(f, &s->ref, 1);
	sg_print_texts(f, s);
	open_names(&w);
	if (w.p->l.op == SG_SCAN)
		print_count(&w);
	if (w.p->l.op == SG_WHILE)
		w.t = fresh(&w, "t", "");
	else
		w.t = f->turn = f->turn ? f->turn : fresh(&w, "t", "");
	name_carries(&w);
	print_bodies(&w);
	declare_carries(&w);
	sg_buf_puts(f->b, sg_buf_text(&w.arrays));
	if (w.p->cond_fn)
		mention_unread(&w, w.p->cond_fn, w.p->cond, NULL);
	mention_unread(&w, w.p->step_fn, w.p->step, w.row);
	if (w.p->l.op == SG_SCAN)
		print_scan(&w);
	else
		print_while(&w);
	finish(&w);
}
