/* sg_text.c - a program as .sg text that compiles again to the same numbers. */
#include "back/sg_text.h"

#include <string.h>

enum { WIDTH = 100, NO_BREAK = 1 << 20, AMONG_TARGETS = 1 << 10 };

/* ---- lines ---- */

/* May a line end after s[i]? How bad a place is it, by the brackets around it? */
static int
break_after(const char *s, size_t i, int depth)
{
	const char next = s[i + 1];

	if (s[i] == ' ' && i && strchr(",+-@<>=%", s[i - 1]) && s[i - 1] != '=')
		return 2 * depth;
	if (s[i] == '*' && next != '*' && i && s[i - 1] != '*')
		return 2 * depth + 1;
	if (s[i] == '/' && next != '/' && i && s[i - 1] != '/')
		return 2 * depth + 1;
	return NO_BREAK;
}

/* Where to end the line that starts at s[from]; n: no need to, or no place. */
static size_t
line_end(const char *s, size_t from, size_t n, size_t room)
{
	const char *equals = strstr(s + from, " = ");
	size_t best = n;
	int depth = 0, best_cost = NO_BREAK;
	bool quoted = false;

	if (n - from <= room)
		return n;
	for (size_t i = from; i < n && (i - from < room || best == n); i++) {
		int cost;

		quoted = quoted != (s[i] == '"');
		depth += strchr("([", s[i]) ? 1 : strchr(")]", s[i]) ? -1 : 0;
		cost = quoted ? NO_BREAK : break_after(s, i, depth);
		if (cost < NO_BREAK && equals && s + i < equals)
			cost += AMONG_TARGETS;
		/* a little nesting is better than a short line */
		if (cost < NO_BREAK && i + 1 < n &&
		    (best == n || cost <= best_cost + (i - best > room / 3))) {
			best = i + 1;
			best_cost = cost;
		}
	}
	return best;
}

/* The text from `at` on, broken into lines, continuation indented. */
static void
break_lines(sg_buf *b, size_t at)
{
	const size_t n = b->n - at;
	const char *s;
	size_t from = 0, room = WIDTH, indent;

	if (n <= WIDTH)
		return;
	s = sg_copy(b->ctx, b->s + at, n + 1);
	indent = strspn(s, " ") + 4;
	b->n = at;
	while (from < n) {
		const char *newline = memchr(s + from, '\n', n - from);
		size_t stop = newline ? (size_t)(newline - s) : n;
		size_t to = line_end(s, from, stop, room);
		size_t cut = to;

		while (cut > from && to < stop && s[cut - 1] == ' ')
			cut--;
		sg_buf_write(b, s + from, cut - from);
		room = to < stop ? WIDTH - indent : WIDTH;
		if (to < stop)
			sg_buf_printf(b, "\n%*s", (int)indent, "");
		else if (stop < n)
			sg_buf_putc(b, '\n');
		from = to < stop ? to : stop + 1;
	}
}

void
sg_end_line(sg_text_writer *w, size_t at)
{
	break_lines(w->b, at);
	sg_buf_putc(w->b, '\n');
}

/* ---- statements ---- */

static void
put_statement(sg_text_writer *w, sg_ref r, const char *indent)
{
	size_t at = w->b->n;

	sg_buf_printf(w->b, "%s%s = ", indent, w->name[r]);
	sg_put_body(w, r);
	sg_end_line(w, at);
}

/* The statements that the roots need. */
void
sg_put_statements(sg_text_writer *w, size_t nroots, const sg_ref *roots, const char *indent)
{
	const bool *live = sg_text_live(w, nroots, roots);

	for (sg_ref r = 1; r < w->g->n; r++) {
		const uint16_t op = sg_node_at(w->g, r)->op;

		if (!live[r] || op == SG_INPUT || op == SG_PICK)
			continue;
		if (op == SG_SCAN || op == SG_WHILE)
			sg_put_loop(w, r, indent);
		else if (w->name[r])
			put_statement(w, r, indent);
	}
}

/* ---- dimensions and inputs ---- */

/* Do the inputs' shapes bring up all dimensions, in their order? */
static bool
dims_follow(const sg_program *p)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < p->ninputs; i++)
		for (uint32_t k = 0; k < p->input[i].shape->rank; k++)
			for (uint32_t d = 0; d < sg_space_ndims(p->sp); d++) {
				if (!sg_ext_uses(p->sp, p->input[i].shape->ext[k], d) || d < seen)
					continue;
				if (d > seen || p->input[i].deflt)
					return false;
				seen++;
			}
	return seen == sg_space_ndims(p->sp);
}

static void
put_dims(sg_text_writer *w)
{
	if (dims_follow(w->p))
		return;
	for (uint32_t d = 0; d < sg_space_ndims(w->sp); d++)
		sg_buf_printf(w->b, "%s%s", d ? ", " : "dim ", sg_space_dim(w->sp, d)->name);
	sg_buf_putc(w->b, '\n');
}

/* A writer for what the expression needs, whose number there *r becomes. */
static sg_text_writer
open_default(const sg_text_writer *w, sg_ref *r)
{
	sg_text_writer part = *w;

	part.g = sg_graph_part(w->p->g, 1, r);
	part.name = SG_NEW_ARRAY(w->ctx, const char *, part.g->n);
	part.loop = SG_NEW_ARRAY(w->ctx, sg_loop_text *, part.g->n);
	return part;
}

/* A default of one expression, or the body of a function that returns it. */
static const char *
put_default(sg_text_writer *w, const sg_input *in, sg_ref r)
{
	const sg_plan_options o = {.small = 4, .largest = 40};
	const bool *live = sg_text_live(w, 1, &r);
	const char *call;
	bool one = true;
	size_t at;

	sg_plan(w, 1, &r, &o);
	for (sg_ref k = 1; k < w->g->n; k++)
		one = one && !(live[k] && w->name[k]);
	if (one)
		return NULL;
	call = sg_fresh_name(w, sg_text(w->ctx, "%s_default", in->name));
	sg_buf_printf(w->b, "def %s() {\n", call);
	sg_put_statements(w, 1, &r, "    ");
	at = w->b->n;
	sg_buf_puts(w->b, "    return ");
	sg_put(w, r, SG_P_ANY);
	sg_end_line(w, at);
	sg_buf_puts(w->b, "}\n");
	return call;
}

static void
put_input(sg_text_writer *w, const sg_input *in)
{
	sg_text_writer part = *w;
	sg_ref r = in->deflt;
	const char *call = NULL;
	size_t at;

	if (r) {
		part = open_default(w, &r);
		call = put_default(&part, in, r);
		w->next_t = part.next_t;
	}
	at = w->b->n;
	sg_buf_printf(w->b, "%s %s", in->is_param ? "param" : "input", in->name);
	if (in->type != w->p->real)
		sg_buf_printf(w->b, ": %s", sg_type_name(in->type));
	if (in->shape->rank)
		sg_put_shape(w, in->shape->rank, in->shape->ext);
	if (r)
		sg_buf_puts(w->b, " = ");
	if (call)
		sg_buf_printf(w->b, "%s()", call);
	else if (r)
		sg_put(&part, r, SG_P_ANY);
	sg_end_line(w, at);
}

/* ---- entries ---- */

/* Outputs lend their names to the values that they give out. */
static void
name_outputs(sg_text_writer *w, const sg_entry_ir *e)
{
	for (size_t k = 0; k < e->nout; k++) {
		const sg_ref r = e->out[k].ref;
		const uint16_t op = sg_node_at(w->g, r)->op;

		if (op != SG_INPUT && op != SG_CONST && op != SG_DIM && !w->name[r] &&
		    sg_name_free(w, e->out[k].name))
			w->name[r] = sg_fresh_name(w, e->out[k].name);
	}
}

static void
put_entry(sg_text_writer *w, const sg_entry_ir *e)
{
	const bool is_output = strcmp(e->name, "forward") == 0;
	size_t at = w->b->n;

	sg_buf_printf(w->b, is_output ? "output" : "entry %s =", e->name);
	for (size_t k = 0; k < e->nout; k++) {
		const sg_output *o = &e->out[k];
		const sg_node *n = sg_node_at(w->g, o->ref);
		const char *name = w->name[o->ref];

		if (n->op == SG_INPUT)
			name = w->p->input[n->attr->w[0]].name;
		sg_buf_puts(w->b, k ? ", " : " ");
		sg_put(w, o->ref, SG_P_ANY);
		if (!name || strcmp(name, o->name) != 0)
			sg_buf_printf(w->b, " as %s", o->name);
	}
	sg_end_line(w, at);
}

static size_t
all_roots(sg_text_writer *w, sg_ref **roots)
{
	size_t n = 0, cap = 0;

	*roots = NULL;
	for (size_t e = 0; e < w->p->nentries; e++)
		for (size_t k = 0; k < w->p->entry[e].nout; k++)
			SG_PUSH(w->ctx, *roots, n, cap, w->p->entry[e].out[k].ref);
	return n;
}

void
sg_program_sg(sg_ctx *ctx, const sg_program *p, sg_buf *out)
{
	const sg_plan_options o = {.user_names = true, .small = 4, .largest = 40};
	sg_text_writer w;
	sg_ref *roots;
	size_t nroots;

	sg_text_writer_init(&w, ctx, p, out);
	nroots = all_roots(&w, &roots);
	sg_buf_printf(out, "model %s\nreal %s\n", p->name, sg_type_name(p->real));
	put_dims(&w);
	for (size_t i = 0; i < p->ninputs; i++)
		put_input(&w, &p->input[i]);
	for (size_t e = 0; e < p->nentries; e++)
		name_outputs(&w, &p->entry[e]);
	sg_plan(&w, nroots, roots, &o);
	sg_buf_putc(out, '\n');
	sg_put_statements(&w, nroots, roots, "");
	for (size_t e = 0; e < p->nentries; e++)
		put_entry(&w, &p->entry[e]);
}

/* What stands in the last, unfinished line of the text, taken off it. */
const char *
sg_take_line(sg_buf *b)
{
	size_t at = b->n;
	const char *line;

	while (at && b->s[at - 1] != '\n')
		at--;
	line = sg_text(b->ctx, "%s", b->n ? b->s + at : "");
	b->n = at;
	return line;
}

void
sg_expr_sg(sg_ctx *ctx, const sg_program *p, sg_ref r, sg_buf *out)
{
	const sg_plan_options o = {.small = 10, .largest = 200};
	const sg_node *n = sg_node_at(p->g, r);
	const char *line = sg_take_line(out);
	sg_text_writer w;
	size_t at;

	sg_text_writer_init(&w, ctx, p, out);
	sg_plan(&w, 1, &r, &o);
	if (n->op != SG_PICK)
		w.name[r] = NULL;
	sg_put_statements(&w, 1, &r, "");
	at = out->n;
	sg_buf_puts(out, line);
	if (n->op == SG_CONST && n->shape->rank == 0)
		sg_put_number(&w, (sg_type)n->type, n->attr->w[0], true);
	else
		sg_put(&w, r, SG_P_ANY);
	break_lines(out, at);
}
