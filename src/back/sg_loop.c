/* sg_loop.c - loops as .sg text: a def of the step, or a lambda where that is one expression, and
 * a call of scan or while, whose results are the targets of one statement.
 *
 * What the language's own loops do not have is said with them. A scan in reverse goes over flipped
 * tensors. One of fewer steps than there are slices has the number of the slice as one more, and a
 * step beyond the count leaves the carries as they are. A while that stacks its carries is a scan
 * of `limit` such steps, and a while that allows no step complains if it is not done. A step that
 * could fail where none is to be stands in a while of its own. */
#include "back/sg_text.h"

#include <string.h>

typedef struct loop_writer {
	sg_text_writer *w;
	sg_ref r;
	sg_loop_text *t;
	const char *indent;
	const char **param;      /* names: of the carries, the slices, the number of the slice */
	const char *step, *more; /* names of functions, or lambdas */
} loop_writer;

/* ---- planning ---- */

static void
force_name(sg_text_writer *w, sg_ref r)
{
	const uint16_t op = sg_node_at(w->g, r)->op;

	if (!w->name[r] && op != SG_INPUT && op != SG_CONST && op != SG_DIM)
		w->name[r] = sg_fresh_name(w, w->options->user_names ? w->g->name[r] : NULL);
}

static const sg_body *
cut(sg_text_writer *w, const sg_loop *l, size_t nroots, const sg_ref *root, uint32_t *scratch)
{
	sg_ref *param = SG_NEW_ARRAY(w->ctx, sg_ref, l->nc + l->nx + 1);
	const sg_cut c = {.nroots = nroots,
	                  .nparams = l->nc + l->nx,
	                  .ncaps = l->ncap,
	                  .root = root,
	                  .param = param,
	                  .cap = l->cap,
	                  .sink = true};
	const sg_body *body;

	memcpy(param, l->cparam, l->nc * sizeof *param);
	if (l->nx)
		memcpy(param + l->nc, l->xparam, l->nx * sizeof *param);
	body = sg_body_cut(w->ctx, w->g, &c, scratch);
	for (size_t i = body->nparams; i < body->ninputs; i++)
		force_name(w, body->input[i]);
	return body;
}

static bool
is_loop(const sg_node *n)
{
	return n->op == SG_SCAN || n->op == SG_WHILE;
}

static sg_loop_text *
open_loop(sg_text_writer *w, sg_ref r)
{
	sg_loop_text *t = w->loop[r] = SG_NEW(w->ctx, sg_loop_text);

	t->l = sg_loop_of(w->g, r);
	t->nresults = t->l.op == SG_SCAN ? t->l.nc + t->l.ns
	              : t->l.tape        ? 2 * t->l.nc + 1
	                                 : t->l.nc;
	t->pick = SG_NEW_ARRAY(w->ctx, sg_ref, t->nresults + 1);
	return t;
}

static void
cut_loop(sg_text_writer *w, sg_ref r, uint32_t *scratch)
{
	sg_loop_text *t = w->loop[r];
	const sg_loop *l = &t->l;
	sg_ref *root = SG_NEW_ARRAY(w->ctx, sg_ref, l->nc + l->ns + 1);

	memcpy(root, l->next, l->nc * sizeof *root);
	t->nroots = l->nc;
	for (uint32_t k = 0; k < l->ns; k++)
		if (t->pick[l->nc + k])
			root[t->nroots++] = l->out[k];
	t->step = cut(w, l, t->nroots, root, scratch);
	if (l->op == SG_WHILE)
		t->cond = cut(w, l, 1, &l->cond, scratch);
	else
		force_name(w, l->count);
}

void
sg_plan_loop_texts(sg_text_writer *w, const uint8_t *uses)
{
	uint32_t *scratch = NULL;

	for (sg_ref r = 1; r < w->g->n; r++) {
		const sg_node *n = sg_node_at(w->g, r);

		w->loop[r] = NULL;
		if (uses[r] && is_loop(n))
			open_loop(w, r);
		if (uses[r] && n->op == SG_PICK)
			w->loop[n->args[0]]->pick[n->attr->w[0]] = r;
	}
	for (sg_ref r = 1; r < w->g->n; r++) {
		if (!w->loop[r])
			continue;
		if (!scratch)
			scratch = SG_NEW_ARRAY(w->ctx, uint32_t, w->g->n);
		cut_loop(w, r, scratch);
	}
}

/* ---- bodies ---- */

static const char *
name_of(const loop_writer *v, sg_ref r)
{
	const sg_node *n = sg_node_at(v->w->g, r);
	const sg_loop *l = &v->t->l;

	for (uint32_t k = 0; k < l->nc; k++)
		if (l->cparam[k] == r)
			return v->param[k];
	for (uint32_t k = 0; k < l->nx; k++)
		if (l->xparam[k] == r)
			return v->param[l->nc + k];
	return v->w->name[r] ? v->w->name[r] : v->w->p->input[n->attr->w[0]].name;
}

static sg_text_writer
open_body(loop_writer *v, const sg_body *body, size_t nroots)
{
	sg_text_writer w = *v->w;

	w.g = body->g;
	w.name = SG_NEW_ARRAY(w.ctx, const char *, w.g->n);
	w.loop = SG_NEW_ARRAY(w.ctx, sg_loop_text *, w.g->n);
	for (size_t i = 0; i < body->ninputs; i++)
		w.name[i + 1] = name_of(v, body->input[i]);
	sg_plan(&w, nroots, body->root, w.options);
	v->w->next_t = w.next_t;
	return w;
}

static bool
is_one_expression(const sg_text_writer *w, size_t nroots, const sg_ref *root)
{
	const bool *live = sg_text_live(w, nroots, root);

	for (sg_ref r = 1; r < w->g->n; r++)
		if (live[r] && sg_node_at(w->g, r)->op != SG_INPUT && (w->name[r] || w->loop[r]))
			return false;
	return true;
}

static void
put_params(loop_writer *v, uint32_t n)
{
	sg_buf_putc(v->w->b, '(');
	for (uint32_t k = 0; k < n; k++)
		sg_buf_printf(v->w->b, "%s%s", k ? ", " : "", v->param[k]);
	sg_buf_putc(v->w->b, ')');
}

/* a, b */
static void
put_roots(sg_text_writer *w, size_t n, const sg_ref *root, bool parens)
{
	sg_buf_puts(w->b, parens && n > 1 ? "(" : "");
	for (size_t k = 0; k < n; k++) {
		sg_buf_puts(w->b, k ? ", " : "");
		sg_put(w, root[k], SG_P_ANY);
	}
	sg_buf_puts(w->b, parens && n > 1 ? ")" : "");
}

/* The function's name after its def, or a lambda. */
static const char *
put_function(loop_writer *v, const sg_body *body, size_t nroots, uint32_t nparams, const char *name,
             bool needs_name)
{
	sg_text_writer *w = v->w, in = open_body(v, body, nroots);
	const bool one = is_one_expression(&in, nroots, body->root);
	const char *indent = sg_text(w->ctx, "%s    ", v->indent);
	size_t at = w->b->n;

	if (!one || needs_name) {
		name = sg_fresh_name(w, name);
		sg_buf_printf(w->b, "%sdef %s", v->indent, name);
	}
	put_params(v, nparams);
	if (one) {
		sg_buf_puts(w->b, needs_name ? " = " : " -> ");
		put_roots(&in, nroots, body->root, true);
		if (!needs_name) {
			name = sg_text(w->ctx, "%s", w->b->s + at);
			w->b->n = at;
		} else {
			sg_end_line(w, at);
		}
	} else {
		sg_buf_puts(w->b, " {\n");
		sg_put_statements(&in, nroots, body->root, indent);
		at = w->b->n;
		sg_buf_printf(w->b, "%sreturn ", indent);
		put_roots(&in, nroots, body->root, false);
		sg_end_line(w, at);
		sg_buf_printf(w->b, "%s}\n", v->indent);
	}
	w->next_t = in.next_t;
	return name;
}

static void
name_params(loop_writer *v)
{
	const sg_loop *l = &v->t->l;
	uint32_t n = 0;

	v->param = SG_NEW_ARRAY(v->w->ctx, const char *, l->nc + l->nx + 2);
	for (uint32_t k = 0; k < l->nc; k++)
		v->param[n++] = sg_fresh_name(v->w, v->w->g->name[l->cparam[k]]);
	for (uint32_t k = 0; k < l->nx; k++)
		v->param[n++] = sg_fresh_name(v->w, v->w->g->name[l->xparam[k]]);
}

/* ---- steps that may not be ---- */

/* Could the value of some node be an error of the run? */
static bool
may_fail(const sg_graph *g)
{
	for (sg_ref r = 1; r < g->n; r++) {
		const sg_node *n = sg_node_at(g, r);

		switch ((sg_op)n->op) {
		case SG_GATHER:
		case SG_SCATTER:
		case SG_WRITER:
		case SG_AMAX:
		case SG_AMIN:
		case SG_ARGMAX:
		case SG_ARGMIN:
		case SG_WHILE:
		case SG_NONEMPTY:
			return true;
		default:
			if (sg_by_factors(n->op) || n->op == SG_CHOLESKY ||
			    sg_is_checked(n->op, (sg_type)n->type))
				return true;
		}
	}
	return false;
}

static const sg_node *
root_node(const loop_writer *v, size_t k)
{
	return sg_node_at(v->t->step->g, v->t->step->root[k]);
}

static void
put_zero(sg_text_writer *w, const sg_node *n)
{
	sg_put_const(w, (sg_type)n->type, n->shape, 0);
}

/* Lines that give results k of the step, if `on` holds, the names res[k]. */
static void
put_guarded(loop_writer *v, const char *on, const char *const *res, uint32_t nparams)
{
	sg_text_writer *w = v->w;
	const bool fails = may_fail(v->t->step->g);
	const char *go = fails ? sg_fresh_name(w, "go") : NULL;
	size_t at = w->b->n;

	sg_buf_printf(w->b, "%s    %s", v->indent, fails ? "_, " : "");
	for (size_t k = 0; k < v->t->nroots; k++)
		sg_buf_printf(w->b, "%s%s", k ? ", " : "", res[k]);
	if (!fails) {
		sg_buf_printf(w->b, " = %s", v->step);
		put_params(v, nparams);
		sg_end_line(w, at);
		return;
	}
	sg_buf_puts(w->b, " = while(");
	for (int f = 0; f < 2; f++) {
		sg_buf_printf(w->b, "(%s", go);
		for (size_t k = 0; k < v->t->nroots; k++)
			sg_buf_printf(w->b, ", %s", res[k]);
		sg_buf_printf(w->b, f ? ") -> (false, " : ") -> %s, ", go);
	}
	sg_buf_puts(w->b, v->step);
	put_params(v, nparams);
	sg_buf_printf(w->b, "), (%s", on);
	for (size_t k = 0; k < v->t->nroots; k++) {
		sg_buf_puts(w->b, ", ");
		if (k < v->t->l.nc)
			sg_buf_puts(w->b, v->param[k]);
		else
			put_zero(w, root_node(v, k));
	}
	sg_buf_puts(w->b, "), limit=1)");
	sg_end_line(w, at);
}

static const char *const *
fresh_results(loop_writer *v)
{
	const char **res = SG_NEW_ARRAY(v->w->ctx, const char *, v->t->nroots);

	for (size_t k = 0; k < v->t->nroots; k++)
		res[k] = sg_fresh_name(v->w, NULL);
	return res;
}

static const char *
false_of(const sg_node *n)
{
	return n->type == SG_BOOL ? "false" : "0";
}

/* ---- the call ---- */

static void
put_inits(loop_writer *v, const char *more)
{
	const sg_loop *l = &v->t->l;
	const bool many = l->nc > 1 || more;

	sg_buf_puts(v->w->b, many ? "(" : "");
	for (uint32_t k = 0; k < l->nc; k++) {
		sg_buf_puts(v->w->b, k ? ", " : "");
		sg_put(v->w, l->init[k], SG_P_ANY);
	}
	if (more)
		sg_buf_printf(v->w->b, ", %s", more);
	sg_buf_puts(v->w->b, many ? ")" : "");
}

static void
put_range(loop_writer *v)
{
	sg_buf_puts(v->w->b, "arange(");
	sg_ext_print(v->w->sp, v->w->b, v->t->l.length);
	sg_buf_putc(v->w->b, ')');
}

/* numbered: the number of the slice comes last. */
static void
put_over(loop_writer *v, bool numbered)
{
	const sg_loop *l = &v->t->l;
	sg_buf *b = v->w->b;
	const bool many = l->nx + numbered > 1;

	sg_buf_puts(b, ", over=");
	sg_buf_puts(b, many ? "(" : "");
	for (uint32_t k = 0; k < l->nx + numbered; k++) {
		sg_buf_puts(b, k ? ", " : "");
		sg_buf_puts(b, l->reverse ? "flip(" : "");
		if (k < l->nx)
			sg_put(v->w, l->xs[k], SG_P_ANY);
		else
			put_range(v);
		sg_buf_puts(b, l->reverse ? ", axis=0)" : "");
	}
	sg_buf_puts(b, many ? ")" : "");
}

static const char *
target(const loop_writer *v, uint32_t k)
{
	return v->t->pick[k] ? v->w->name[v->t->pick[k]] : "_";
}

/* ---- scan ---- */

static bool
is_whole(const loop_writer *v)
{
	const sg_loop *l = &v->t->l;
	const sg_node *n = sg_node_at(v->w->g, l->count);

	if (n->op == SG_DIM)
		return (sg_ext)n->attr->w[0] == l->length;
	return n->op == SG_CONST && sg_ext_is(v->w->sp, l->length, n->attr->w[0]);
}

static void
put_partial_step(loop_writer *v)
{
	const sg_loop *l = &v->t->l;
	sg_text_writer *w = v->w;
	const uint32_t nparams = l->nc + l->nx;
	const char *on = sg_fresh_name(w, "on"), *name = sg_fresh_name(w, "some");
	const char *const *res = fresh_results(v);
	size_t at;

	v->param[nparams] = sg_fresh_name(w, "i");
	sg_buf_printf(w->b, "%sdef %s", v->indent, name);
	put_params(v, nparams + 1);
	sg_buf_printf(w->b, " {\n%s    %s = %s < ", v->indent, on, v->param[nparams]);
	sg_put(w, l->count, SG_P_ADD);
	sg_buf_putc(w->b, '\n');
	put_guarded(v, on, res, nparams);
	at = w->b->n;
	sg_buf_printf(w->b, "%s    return ", v->indent);
	for (size_t k = 0; k < v->t->nroots; k++)
		sg_buf_printf(w->b, "%swhere(%s, %s, %s)", k ? ", " : "", on, res[k],
		              k < l->nc ? v->param[k] : false_of(root_node(v, k)));
	sg_end_line(w, at);
	sg_buf_printf(w->b, "%s}\n", v->indent);
	v->step = name;
}

static void
put_scan(loop_writer *v)
{
	const sg_loop *l = &v->t->l;
	sg_text_writer *w = v->w;
	const bool whole = is_whole(v);
	const char **stack = SG_NEW_ARRAY(w->ctx, const char *, l->ns + 1);
	const char *sep = "";
	size_t at;

	if (whole && l->nx == 0)
		v->param[0 + l->nc] = sg_fresh_name(w, "i");
	v->step = put_function(v, v->t->step, v->t->nroots, l->nc + l->nx + (whole && l->nx == 0),
	                       "step", !whole);
	if (!whole)
		put_partial_step(v);
	at = w->b->n;
	sg_buf_puts(w->b, v->indent);
	for (uint32_t k = 0; k < l->nc; k++, sep = ", ")
		sg_buf_printf(w->b, "%s%s", sep, target(v, k));
	for (uint32_t k = 0; k < l->ns; k++) {
		if (!v->t->pick[l->nc + k])
			continue;
		stack[k] = l->reverse ? sg_fresh_name(w, NULL) : target(v, l->nc + k);
		sg_buf_printf(w->b, "%s%s", sep, stack[k]);
	}
	sg_buf_printf(w->b, " = scan(%s, ", v->step);
	put_inits(v, NULL);
	put_over(v, !whole || l->nx == 0);
	sg_buf_putc(w->b, ')');
	sg_end_line(w, at);
	for (uint32_t k = 0; l->reverse && k < l->ns; k++)
		if (stack[k])
			sg_buf_printf(w->b, "%s%s = flip(%s, axis=0)\n", v->indent,
			              target(v, l->nc + k), stack[k]);
}

/* ---- while ---- */

static void
put_limit(loop_writer *v)
{
	if (!v->t->l.limited)
		return;
	sg_buf_puts(v->w->b, ", limit=");
	sg_ext_print(v->w->sp, v->w->b, v->t->l.length);
}

static void
put_plain_while(loop_writer *v)
{
	const sg_loop *l = &v->t->l;
	size_t at;

	v->more = put_function(v, v->t->cond, 1, l->nc, "more", false);
	v->step = put_function(v, v->t->step, v->t->nroots, l->nc, "step", false);
	at = v->w->b->n;
	sg_buf_puts(v->w->b, v->indent);
	for (uint32_t k = 0; k < l->nc; k++)
		sg_buf_printf(v->w->b, "%s%s", k ? ", " : "", target(v, k));
	sg_buf_printf(v->w->b, " = while(%s, %s, ", v->more, v->step);
	put_inits(v, NULL);
	put_limit(v);
	sg_buf_putc(v->w->b, ')');
	sg_end_line(v->w, at);
}

/* The step with what is stacked: carries, the number of steps; the carries before. */
static const char *
put_taped_step(loop_writer *v, const char *n)
{
	const sg_loop *l = &v->t->l;
	sg_text_writer *w = v->w;
	const char *on = sg_fresh_name(w, "on"), *name = sg_fresh_name(w, "some");
	const char *const *res = fresh_results(v);
	size_t at;

	sg_buf_printf(w->b, "%sdef %s", v->indent, name);
	put_params(v, l->nc);
	w->b->n--; /* more parameters */
	sg_buf_printf(w->b, ", %s, %s) {\n%s    %s = %s", n, sg_fresh_name(w, "i"), v->indent, on,
	              v->more);
	put_params(v, l->nc);
	sg_buf_putc(w->b, '\n');
	put_guarded(v, on, res, l->nc);
	at = w->b->n;
	sg_buf_printf(w->b, "%s    return ", v->indent);
	for (uint32_t k = 0; k < l->nc; k++)
		sg_buf_printf(w->b, "where(%s, %s, %s), ", on, res[k], v->param[k]);
	sg_buf_printf(w->b, "where(%s, %s + 1, %s)", on, n, n);
	for (uint32_t k = 0; k < l->nc; k++)
		if (v->t->pick[l->nc + 1 + k])
			sg_buf_printf(w->b, ", where(%s, %s, %s)", on, v->param[k],
			              false_of(root_node(v, k)));
	sg_end_line(w, at);
	sg_buf_printf(w->b, "%s}\n", v->indent);
	return name;
}

static void
put_taped_while(loop_writer *v)
{
	const sg_loop *l = &v->t->l;
	sg_text_writer *w = v->w;
	const char *n = sg_fresh_name(w, "n"), *some;
	const char **last = SG_NEW_ARRAY(w->ctx, const char *, l->nc);
	size_t at;

	v->more = put_function(v, v->t->cond, 1, l->nc, "more", true);
	v->step = put_function(v, v->t->step, v->t->nroots, l->nc, "step", true);
	some = put_taped_step(v, n);
	at = w->b->n;
	sg_buf_puts(w->b, v->indent);
	for (uint32_t k = 0; k < l->nc; k++) {
		last[k] = sg_fresh_name(w, NULL);
		sg_buf_printf(w->b, "%s, ", last[k]);
	}
	sg_buf_puts(w->b, target(v, l->nc));
	for (uint32_t k = 0; k < l->nc; k++)
		if (v->t->pick[l->nc + 1 + k])
			sg_buf_printf(w->b, ", %s", target(v, l->nc + 1 + k));
	sg_buf_printf(w->b, " = scan(%s, ", some);
	put_inits(v, "0");
	sg_buf_puts(w->b, ", over=");
	put_range(v);
	sg_buf_putc(w->b, ')');
	sg_end_line(w, at);
	at = w->b->n;
	sg_buf_puts(w->b, v->indent);
	for (uint32_t k = 0; k < l->nc; k++)
		sg_buf_printf(w->b, "%s%s", k ? ", " : "", target(v, k));
	sg_buf_printf(w->b, " = while(%s, %s, %s", v->more, v->step, l->nc > 1 ? "(" : "");
	for (uint32_t k = 0; k < l->nc; k++)
		sg_buf_printf(w->b, "%s%s", k ? ", " : "", last[k]);
	sg_buf_printf(w->b, "%s, limit=0)", l->nc > 1 ? ")" : "");
	sg_end_line(w, at);
}

void
sg_open_loop(sg_text_writer *w, sg_ref r, const char ***param, sg_text_writer *step,
             sg_text_writer *cond)
{
	loop_writer v = {.w = w, .r = r, .t = w->loop[r]};

	name_params(&v);
	*param = v.param;
	*step = open_body(&v, v.t->step, v.t->nroots);
	if (v.t->cond)
		*cond = open_body(&v, v.t->cond, 1);
}

void
sg_put_loop(sg_text_writer *w, sg_ref r, const char *indent)
{
	loop_writer v = {.w = w, .r = r, .t = w->loop[r], .indent = indent};

	name_params(&v);
	if (v.t->l.op == SG_SCAN)
		put_scan(&v);
	else if (v.t->l.tape)
		put_taped_while(&v);
	else
		put_plain_while(&v);
}
