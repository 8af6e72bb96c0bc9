/* dot.c - entries as pictures, in the language of Graphviz.
 *
 * From top to bottom: inputs, what is computed, outputs. A box is a loop nest of the schedule, with
 * the lines of the model that it stands for; a node in it is a value with its formula; an edge
 * carries the shape of what flows. The body of a scan or while is a box too: its carries come in at
 * the top, and a dashed edge takes the next ones back there. */
#include "back/dot.h"

#include "back/file.h"

#include <string.h>

enum { WRAP = 34, LINE = 64, MOST_LINES = 5, MANY_EDGES = 500 };

/* ---- text ---- */

static void put(sg_picture *pic, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
put(sg_picture *pic, const char *fmt, ...)
{
	va_list ap;

	for (int i = 0; i < pic->indent; i++)
		sg_buf_putc(pic->b, '\t');
	va_start(ap, fmt);
	sg_buf_vprintf(pic->b, fmt, ap);
	va_end(ap);
	sg_buf_putc(pic->b, '\n');
}

/* As it stands in a quoted string. */
static const char *
quoted(sg_ctx *ctx, const char *s, size_t n)
{
	sg_buf b;

	sg_buf_init(&b, ctx);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			sg_buf_putc(&b, '\\');
		sg_buf_putc(&b, s[i] == '\t' ? ' ' : s[i]);
	}
	return sg_buf_text(&b);
}

/* Lines of some width, broken where there is a space; the lines after the first are indented. */
static const char *
wrapped(sg_ctx *ctx, const char *s)
{
	const char *end = s + strlen(s);
	bool first = true;
	sg_buf b;

	sg_buf_init(&b, ctx);
	while (s < end) {
		const char *stop = end;

		if (end - s > WRAP) {
			stop = s + WRAP;
			while (stop > s && *stop != ' ')
				stop--;
			if (stop == s)
				stop = strchr(s + 1, ' ');
			stop = stop ? stop : end;
		}
		sg_buf_printf(&b, "%s%s\\l", first ? "" : "  ", quoted(ctx, s, (size_t)(stop - s)));
		s = stop + (*stop == ' ');
		first = false;
	}
	return sg_buf_text(&b);
}

/* ---- lines of the model ---- */

typedef struct lines {
	const sg_source *src;
	int line[MOST_LINES];
	uint32_t at[MOST_LINES];
	size_t n;
	bool more;
	int said; /* a line that is not noted */
} lines;

static void
note_line(lines *l, sg_span span)
{
	size_t k = l->n;
	int line;

	if (!span.src || (l->src && l->src != span.src))
		return;
	l->src = span.src;
	sg_span_place(span, &line, NULL);
	for (size_t i = 0; i < l->n; i++)
		if (l->line[i] == line)
			return;
	if (line == l->said)
		return;
	if (l->n == MOST_LINES) {
		l->more = true;
		return;
	}
	for (; k > 0 && l->line[k - 1] > line; k--) {
		l->line[k] = l->line[k - 1];
		l->at[k] = l->at[k - 1];
	}
	l->line[k] = line;
	l->at[k] = span.lo;
	l->n++;
}

/* "8: o = sigmoid(x @ w.T)", without a comment. */
static const char *
line_text(sg_ctx *ctx, const lines *l, size_t k)
{
	const char *text = l->src->text, *lo = text + l->at[k], *hi = lo, *cut;
	bool space_before = false;
	sg_buf b;

	while (lo > text && lo[-1] != '\n')
		lo--;
	while (*hi && *hi != '\n')
		hi++;
	cut = memchr(lo, '#', (size_t)(hi - lo));
	hi = cut ? cut : hi;
	sg_buf_init(&b, ctx);
	for (; lo < hi && b.n <= LINE; lo++) {
		const bool space = strchr(" \t\r", *lo) != NULL;

		if (!space)
			sg_buf_printf(&b, "%s%c", space_before && b.n ? " " : "", *lo);
		space_before = space;
	}
	text = sg_buf_text(&b);
	return sg_text(ctx, "%d: %s%s", l->line[k], quoted(ctx, text, b.n < LINE ? b.n : LINE),
	               b.n > LINE ? " ..." : "");
}

static const char *
lines_text(sg_ctx *ctx, const lines *l)
{
	sg_buf b;

	sg_buf_init(&b, ctx);
	for (size_t k = 0; k < l->n; k++)
		sg_buf_printf(&b, "%s\\l", line_text(ctx, l, k));
	if (l->more)
		sg_buf_puts(&b, "...\\l");
	return sg_buf_text(&b);
}

/* ---- edges ---- */

static const char *
shape_text(const sg_panel *q, sg_ref r)
{
	const sg_shape *s = q->f->g->node[r].shape;

	return s->rank ? sg_shape_text(q->f->sp, s) : "";
}

static void
put_edge(sg_picture *pic, const char *from, const char *to, const char *label, const char *more)
{
	pic->nedges++;
	sg_buf_printf(&pic->edges, "\t%s -> %s", from, to);
	if (*label || *more)
		sg_buf_printf(&pic->edges, " [%s%s%s%s%s]", *label ? "label=\"" : "", label,
		              *label ? "\"" : "", *label && *more ? ", " : "", more);
	sg_buf_puts(&pic->edges, ";\n");
}

/* Edges from all that the formula of r reads; from r itself where it has an id. */
static void
edges_from(sg_panel *q, sg_ref r, const char *to)
{
	const sg_node *n = &q->f->g->node[r];

	if (q->seen[r] == q->look)
		return;
	q->seen[r] = q->look;
	if (q->id[r])
		put_edge(q->pic, q->id[r], to, shape_text(q, r), "");
	else if (!q->w.name[r])
		for (uint32_t k = 0; k < n->nargs; k++)
			edges_from(q, n->args[k], to);
}

static void
edges_to(sg_panel *q, sg_ref r, const char *to)
{
	const sg_node *n = &q->f->g->node[r];

	q->look++;
	for (uint32_t k = 0; k < n->nargs; k++)
		edges_from(q, n->args[k], to);
}

static void
edge(sg_panel *q, sg_ref from, const char *to)
{
	q->look++;
	edges_from(q, from, to);
}

/* ---- nodes ---- */

static const char *
formula(sg_panel *q, sg_ref r)
{
	sg_buf b;

	sg_buf_init(&b, q->pic->ctx);
	q->w.b = &b;
	sg_put_body(&q->w, r);
	q->w.b = NULL;
	return sg_buf_text(&b);
}

/* As a formula has it: by its name, if it has one. */
static const char *
in_formula(sg_panel *q, sg_ref r)
{
	return q->w.name[r] ? q->w.name[r] : formula(q, r);
}

static const char *
id_of(sg_panel *q, const char *kind, size_t number)
{
	return sg_text(q->pic->ctx, "%s%s%zu", q->prefix, kind, number);
}

static void
put_value(sg_panel *q, sg_ref r)
{
	sg_ctx *ctx = q->pic->ctx;
	const sg_place_kind kind = (sg_place_kind)q->f->at[r].kind;
	const char *text = sg_text(ctx, "%s = %s", q->w.name[r], formula(q, r));

	put(q->pic, "%s [label=\"%s\"%s];", q->id[r], wrapped(ctx, text),
	    kind == SG_P_CALL   ? ", class=kernel, style=\"filled,bold\", fillcolor=\"#e8e4f3\""
	    : kind == SG_P_LEAF ? ", class=const, shape=note, fillcolor=\"#fdf6d8\""
	                        : "");
	edges_to(q, r, q->id[r]);
}

/* ---- boxes ---- */

static bool
is_box(const sg_panel *q, uint32_t step)
{
	return q->f->step[step].kind == SG_S_NEST && q->f->step[step].nloops > 0;
}

/* The step in whose box each value stands: the one that completes it, or the first that reads it.
 */
static void
place_values(sg_panel *q)
{
	const sg_fn *f = q->f;
	uint32_t *rank = SG_NEW_ARRAY(q->pic->ctx, uint32_t, f->nsteps + 1);

	for (uint32_t k = 0; k < f->nsteps; k++)
		rank[f->order[k]] = k;
	for (sg_ref r = 1; r < f->g->n; r++) {
		const sg_place *p = &f->at[r];

		if (!sg_is_shown(q, r))
			continue;
		q->id[r] = p->kind == SG_P_PICK ? NULL : id_of(q, "n", r);
		if (p->done)
			q->step[r] = p->done;
		for (uint32_t k = 0; !p->done && k < p->ndemands; k++) {
			const uint32_t s = p->demand[k] & (UINT32_MAX >> 1);

			if (!q->step[r] || rank[s] < rank[q->step[r] - 1])
				q->step[r] = s + 1;
		}
		if (q->step[r] && !is_box(q, q->step[r] - 1) && p->kind != SG_P_LOOP)
			q->step[r] = 0;
	}
	for (sg_ref r = f->g->n; r-- > 1;)
		if (q->step[r]) {
			q->next[r] = q->first[q->step[r] - 1];
			q->first[q->step[r] - 1] = r;
		}
}

static const char *
loops_text(sg_fn *f, const sg_step *s)
{
	sg_buf b;

	sg_buf_init(&b, f->ctx);
	for (uint32_t k = 0; k < s->nloops; k++)
		sg_buf_printf(&b, "%s%s", k ? ", " : "", sg_ext_text(f->sp, s->ext[k]));
	return sg_buf_text(&b);
}

static void
put_nest(sg_panel *q, uint32_t step)
{
	sg_fn *f = q->f;
	lines l = {.said = q->line};

	for (sg_ref r = q->first[step]; r; r = q->next[r])
		note_line(&l, f->g->span[r]);
	if (!q->first[step])
		return;
	put(q->pic, "subgraph cluster_%sbox%u {", q->prefix, (unsigned)step);
	q->pic->indent++;
	put(q->pic,
	    "label=\"loop over %s\\l%s\"; fontsize=10; style=\"rounded,filled\"; "
	    "color=\"#b0b0a8\"; fillcolor=\"#f4f3ee\";",
	    loops_text(f, &f->step[step]), lines_text(f->ctx, &l));
	for (sg_ref r = q->first[step]; r; r = q->next[r])
		put_value(q, r);
	q->pic->indent--;
	put(q->pic, "}");
}

static void put_steps(sg_panel *q);

/* ---- loops ---- */

typedef struct loop_picture {
	sg_panel *around;
	const sg_loop_plan *plan;
	const char *prefix;
	const char **carry, **slice; /* ids of what comes in; NULL: not read */
	const char **carry_name;
	int line;
} loop_picture;

static const char *
come_in(loop_picture *lp, const char **id, const char *kind, uint32_t k, const char *name)
{
	sg_panel *q = lp->around;

	if (!*id) {
		*id = sg_text(q->pic->ctx, "%s%s%u", lp->prefix, kind, (unsigned)k);
		put(q->pic, "%s [label=\"%s\", shape=ellipse, fillcolor=\"#eef3fa\"];", *id, name);
	}
	return *id;
}

/* What an INPUT of a body stands for: a carry, a slice, or a value from around. */
static void
bind_input(loop_picture *lp, sg_panel *q, const sg_body *body, sg_ref r)
{
	const sg_loop *l = &lp->plan->l;
	sg_panel *around = lp->around;
	const sg_ref v = body->input[q->f->g->node[r].attr->w[0]];
	const char *name = around->f->g->name[v];

	for (uint32_t k = 0; k < l->nc; k++)
		if (l->cparam[k] == v) {
			q->w.name[r] = name ? name : sg_text(q->pic->ctx, "carry%u", (unsigned)k);
			q->id[r] = come_in(lp, &lp->carry[k], "c", k, q->w.name[r]);
			lp->carry_name[k] = q->w.name[r];
			return;
		}
	for (uint32_t k = 0; k < l->nx; k++)
		if (l->xparam[k] == v) {
			q->w.name[r] = name ? name : sg_text(q->pic->ctx, "slice%u", (unsigned)k);
			q->id[r] = come_in(lp, &lp->slice[k], "x", k, q->w.name[r]);
			return;
		}
	q->id[r] = around->id[v];
	q->w.name[r] = in_formula(around, v);
}

static void
open_body(loop_picture *lp, sg_panel *q, sg_fn *fn, const sg_body *body, const char *kind)
{
	sg_panel_init(q, lp->around->pic, fn, sg_text(fn->ctx, "%s%s_", lp->prefix, kind));
	q->line = lp->line;
	for (sg_ref r = 1; r < fn->g->n; r++)
		if (fn->g->node[r].op == SG_INPUT)
			bind_input(lp, q, body, r);
	sg_panel_name(q);
	place_values(q);
	put_steps(q);
}

static void
put_end(sg_panel *q, sg_ref r, const char *id, const char *label, const char *shape)
{
	put(q->pic, "%s [label=\"%s\", shape=%s, fillcolor=\"#fbe9dd\"];", id, label, shape);
	edge(q, r, id);
}

/* "next h", "next carry1: grad_a", "stack hs" */
static const char *
result_text(const loop_picture *lp, uint32_t k)
{
	const sg_panel *q = lp->around;
	const sg_ref pick = lp->plan->pick[k];
	/* read by more than the loop, which may only need it as a buffer */
	const char *result = pick && q->read[pick] ? q->w.name[pick] : NULL;
	const char *carry = k < lp->plan->l.nc ? lp->carry_name[k] : NULL;

	if (!carry)
		return sg_text(q->pic->ctx, "%s %s", k < lp->plan->l.nc ? "next" : "stack",
		               result ? result : "carry");
	if (!result || strcmp(result, carry) == 0)
		return sg_text(q->pic->ctx, "next %s", carry);
	return sg_text(q->pic->ctx, "next %s: %s", carry, result);
}

/* The next carries go back to the top, and out as results. */
static void
put_results(loop_picture *lp, sg_panel *q)
{
	const sg_loop_plan *p = lp->plan;

	for (size_t i = 0; i < q->f->nout; i++) {
		const uint32_t k = p->out_of[i];
		const char *id = id_of(q, "out", i);

		put_end(q, q->f->out[i].ref, id, result_text(lp, k), "ellipse");
		if (k < p->l.nc && lp->carry[k])
			put_edge(q->pic, id, lp->carry[k], "", "style=dashed, constraint=false");
		if (p->pick[k])
			lp->around->id[p->pick[k]] = id;
		if (k < p->l.nc && p->stack[k])
			lp->around->id[p->pick[p->stack[k]]] =
			    p->after[k] || !lp->carry[k] ? id : lp->carry[k];
	}
}

static void
put_while(loop_picture *lp)
{
	const sg_loop_plan *p = lp->plan;
	sg_panel q;

	if (!p->cond_fn)
		return;
	open_body(lp, &q, p->cond_fn, p->cond, "while");
	put_end(&q, q.f->out[0].ref, id_of(&q, "go", 0), "go on?", "diamond");
	for (uint32_t k = p->l.nc; p->l.tape && k < p->nresults; k++)
		if (p->pick[k]) /* how many steps, and the carries of each */
			lp->around->id[p->pick[k]] = k == p->l.nc || !lp->carry[k - p->l.nc - 1]
			                                 ? id_of(&q, "go", 0)
			                                 : lp->carry[k - p->l.nc - 1];
	if (!p->l.tape && p->nresults > p->l.nc && p->pick[p->l.nc])
		lp->around->id[p->pick[p->l.nc]] = id_of(&q, "go", 0);
}

static const char *
loop_title(sg_panel *q, const sg_loop *l)
{
	if (l->op == SG_SCAN)
		return sg_text(q->pic->ctx, "scan%s: %s steps", l->reverse ? " in reverse" : "",
		               in_formula(q, l->count));
	return l->limited ? sg_text(q->pic->ctx, "while: at most %s steps",
	                            sg_ext_text(q->f->sp, l->length))
	                  : "while";
}

static void
put_loop(sg_panel *q, sg_ref r)
{
	sg_ctx *ctx = q->pic->ctx;
	loop_picture lp = {.around = q, .plan = q->f->plan[r]};
	const sg_loop *l = &lp.plan->l;
	lines at = {.n = 0};
	sg_panel step;

	lp.prefix = id_of(q, "loop", r);
	lp.prefix = sg_text(ctx, "%s_", lp.prefix);
	lp.carry = SG_NEW_ARRAY(ctx, const char *, l->nc + 1);
	lp.slice = SG_NEW_ARRAY(ctx, const char *, l->nx + 1);
	lp.carry_name = SG_NEW_ARRAY(ctx, const char *, l->nc + 1);
	note_line(&at, q->f->g->span[r]);
	lp.line = at.n ? at.line[0] : 0;
	put(q->pic, "subgraph cluster_%s {", lp.prefix);
	q->pic->indent++;
	put(q->pic,
	    "label=\"%s\\l%s\"; fontsize=10; style=\"rounded,filled\"; color=\"#6b8cb8\"; "
	    "fillcolor=\"#f1f6fc\";",
	    loop_title(q, l), lines_text(ctx, &at));
	open_body(&lp, &step, lp.plan->step_fn, lp.plan->step, "step");
	put_results(&lp, &step);
	put_while(&lp);
	q->pic->indent--;
	put(q->pic, "}");
	for (uint32_t k = 0; k < l->nc; k++)
		if (lp.carry[k])
			edge(q, l->init[k], lp.carry[k]);
	for (uint32_t k = 0; k < l->nx; k++)
		if (lp.slice[k])
			edge(q, l->xs[k], lp.slice[k]);
}

/* ---- a function ---- */

/* Loops first: what reads their results must know where those stand. */
static void
put_steps(sg_panel *q)
{
	const sg_fn *f = q->f;

	for (size_t i = 0; i < f->nsteps; i++)
		if (f->step[f->order[i]].kind == SG_S_LOOP)
			put_loop(q, f->step[f->order[i]].ref);
	for (sg_ref r = 1; r < f->g->n; r++)
		if (q->step[r] == 0 && q->id[r] && sg_is_shown(q, r) && f->at[r].kind != SG_P_PICK)
			put_value(q, r);
	for (size_t i = 0; i < f->nsteps; i++)
		if (is_box(q, f->order[i]))
			put_nest(q, f->order[i]);
}

static void
put_inputs(sg_panel *q)
{
	const sg_fn *f = q->f;

	for (sg_ref r = 1; r < f->g->n; r++) {
		const sg_input *in;

		if (f->g->node[r].op != SG_INPUT || f->at[r].kind == SG_P_DEAD)
			continue;
		in = &q->p.input[f->g->node[r].attr->w[0]];
		q->id[r] = id_of(q, "in", r);
		put(q->pic, "%s [label=\"%s %s\", shape=%s, fillcolor=\"%s\"];", q->id[r],
		    in->is_param ? "param" : "input", in->name, in->is_param ? "house" : "ellipse",
		    in->is_param ? "#dff0dc" : "#dbe8f7");
	}
}

static void
put_outputs(sg_panel *q, const sg_entry_ir *e)
{
	for (size_t i = 0; i < e->nout; i++) {
		const sg_ref r = q->f->out[i].ref;
		const char *id = id_of(q, "out", i);
		const char *text = sg_text(q->pic->ctx, "output %s", e->out[i].name);

		if (!q->w.name[r])
			text = sg_text(q->pic->ctx, "%s = %s", text, formula(q, r));
		put(q->pic,
		    "%s [label=\"%s\", shape=box, style=filled, peripheries=2, "
		    "fillcolor=\"#fbdfcb\"];",
		    id, quoted(q->pic->ctx, text, strlen(text)));
		edge(q, r, id);
	}
}

static void
put_entry(sg_picture *pic, sg_fn *f, const sg_entry_ir *e, const char *prefix)
{
	sg_panel q;

	sg_panel_init(&q, pic, f, prefix);
	sg_panel_name(&q);
	put_inputs(&q);
	place_values(&q);
	put_steps(&q);
	put_outputs(&q, e);
}

static void
put_opening(sg_picture *pic, const sg_program *p)
{
	put(pic, "digraph \"%s\" {", p->name);
	pic->indent++;
	put(pic, "graph [rankdir=TB, newrank=true, fontname=\"Helvetica\", labeljust=l, "
	         "labelloc=t, nodesep=0.3, "
	         "ranksep=0.4, bgcolor=white];");
	put(pic, "node [fontname=\"Helvetica\", fontsize=12, shape=box, style=filled, "
	         "fillcolor=white, color=\"#555555\", height=0.3, margin=\"0.12,0.06\"];");
	put(pic, "edge [fontname=\"Helvetica\", fontsize=10, fontcolor=\"#444444\", "
	         "color=\"#666666\", arrowsize=0.7];");
}

void
sg_program_dot(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, sg_buf *out)
{
	const sg_emit_options o = {.prefix = "m", .jit = true};
	sg_picture pic = {.ctx = ctx, .b = out};
	sg_program some = *p;
	sg_file file;

	if (e) {
		some.entry = sg_copy(ctx, e, sizeof *e);
		some.nentries = 1;
	}
	sg_file_open(&file, ctx, &some, &o);
	sg_buf_init(&pic.edges, ctx);
	put_opening(&pic, p);
	for (size_t i = 0; i < some.nentries; i++) {
		const sg_entry_ir *entry = &some.entry[i];

		pic.taken = sg_bytes_map_new(ctx);
		pic.temporaries = 0;
		if (some.nentries > 1) {
			put(&pic, "subgraph cluster_e%zu {", i);
			pic.indent++;
		}
		put(&pic, "label=\"%s: entry %s\"; fontsize=14; color=\"#808080\";", p->name,
		    entry->name);
		put_entry(&pic, file.entry[i].body, entry, sg_text(ctx, "e%zu_", i));
		if (some.nentries > 1) {
			pic.indent--;
			put(&pic, "}");
		}
	}
	sg_buf_puts(out, sg_buf_text(&pic.edges));
	if (pic.nedges > MANY_EDGES) /* where they run for the best would take minutes */
		put(&pic, "splines=line; nslimit=0.1; nslimit1=0.1; mclimit=0.1;");
	sg_buf_puts(out, "}\n");
}
