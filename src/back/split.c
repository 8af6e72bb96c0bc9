/* split.c - a long function in pieces.
 *
 * What compilers do to a function takes more than linear time in its length, and what they keep on
 * the stack is as long as it is. So the steps of a long function are handed out to static functions
 * of some hundred statements each, which it calls one after the other. A variable that a later
 * piece reads is kept in the workspace: kept[k] there, an array for each type; its place is taken
 * again behind the last piece that reads it. Pieces in turn fill places with even and with odd
 * numbers: values that come one by one would only be gathered in registers by compilers that see
 * them go to places side by side. A piece has as parameters what of the function's
 * variables its text has. Bodies of loops stay whole. */
#include "back/branch.h"

#include <ctype.h>
#include <string.h>

enum {
	PIECE = 1024, /* values: some hundred statements */
	LONG = 3,     /* pieces: as many at least */
	MOST = 200,   /* parameters for libtcc */
	ALIGN = 64,
	NTYPES = SG_BOOL + 1,
};

typedef struct places {
	uint32_t *free, nfree, used;
	size_t cap;
} places;

typedef struct keeping {
	places of[2]; /* with even numbers, with odd ones */
	const char *name;
	int64_t offset;
} keeping;

struct sg_split {
	uint32_t npieces, now; /* now: the one that is printed */
	uint32_t *of_step;     /* the piece, by step */
	sg_ref *first, *next;  /* variables that are kept: by step the first, by node another one */
	keeping kept[NTYPES];
	sg_bytes_map *variables; /* by name: of the function */
	const char *near;        /* an array of pointers for a piece */
};

/* ---- which pieces ---- */

static size_t
weight(const sg_step *s)
{
	return s->nvals + s->nroots + 1;
}

static size_t
length(const sg_fn *f)
{
	size_t n = 0;

	for (size_t s = 0; s < f->nsteps; s++)
		n += weight(&f->step[s]);
	return n;
}

static size_t
piece_length(const sg_fn *f)
{
	return f->m->o->piece ? f->m->o->piece : PIECE;
}

/* Is the step at `at` of the order in one band with the next? */
static bool
goes_on(const sg_fn *f, size_t at)
{
	const uint32_t band = f->step[f->order[at]].band;

	return band && at + 1 < f->nsteps && f->step[f->order[at + 1]].band == band;
}

bool
sg_same_piece(const sg_fn *f, uint32_t s, uint32_t t)
{
	return !f->split || f->split->of_step[s] == f->split->of_step[t];
}

static void
cut(sg_fn *f)
{
	const size_t most = piece_length(f);
	sg_split *w = f->split;
	size_t n = 0;

	for (size_t i = 0; i < f->nsteps; i++) {
		const uint32_t s = f->order[i];

		n += weight(&f->step[s]);
		w->of_step[s] = w->npieces;
		if (n >= most && !goes_on(f, i)) {
			w->npieces++;
			n = 0;
		}
	}
	w->npieces += n > 0;
}

/* ---- what is kept ---- */

static uint32_t
piece_of(const sg_fn *f, sg_ref r)
{
	return f->split->of_step[f->at[r].done - 1];
}

/* last[r]: the last piece that reads variable r, where that is not its own. */
static void
find_readers(sg_fn *f, uint32_t *last)
{
	for (uint32_t s = 0; s < f->nsteps; s++)
		for (size_t v = 1; v < f->step[s].nvals; v++) {
			const sg_val *x = &f->step[s].val[v];
			const uint32_t piece = f->split->of_step[s];

			if (x->kind != SG_V_LOCAL || !f->at[x->ref].done)
				continue;
			if (piece > last[x->ref] && piece > piece_of(f, x->ref))
				last[x->ref] = piece;
			f->at[x->ref].read_near |= piece == piece_of(f, x->ref);
		}
}

static uint32_t
take_place(keeping *k, uint32_t odd)
{
	places *p = &k->of[odd];

	return p->nfree ? p->free[--p->nfree] : 2 * p->used++ + odd;
}

static int64_t
places_of(const keeping *k)
{
	const int64_t even = 2 * (int64_t)k->of[0].used - 1, odd = 2 * (int64_t)k->of[1].used;

	return even > odd ? even : odd;
}

static void
give_place(sg_fn *f, sg_ref r)
{
	const uint32_t place = f->at[r].kept - 1;
	places *p = &f->split->kept[sg_fn_node(f, r)->type].of[place % 2];
	size_t n = p->nfree;

	SG_PUSH(f->ctx, p->free, n, p->cap, place);
	p->nfree = (uint32_t)n;
}

/* ends: by piece, the first variable that is not read behind it; more by node. */
static void
keep_variable(sg_fn *f, sg_ref r, uint32_t last, sg_ref *ends, sg_ref *more)
{
	sg_split *w = f->split;
	const uint32_t s = f->at[r].done - 1;

	f->at[r].kept = take_place(&w->kept[sg_fn_node(f, r)->type], w->of_step[s] % 2) + 1;
	if (f->step[s].kind == SG_S_NEST && !f->at[r].read_near)
		f->at[r].reads = 0; /* it needs no name */
	w->next[r] = w->first[s];
	w->first[s] = r;
	more[r] = ends[last];
	ends[last] = r;
}

static sg_ref *
variables_by_step(sg_fn *f, const uint32_t *last, sg_ref *next)
{
	sg_ref *first = SG_NEW_ARRAY(f->ctx, sg_ref, f->nsteps);

	for (sg_ref r = f->g->n; r-- > 1;)
		if (last[r]) {
			next[r] = first[f->at[r].done - 1];
			first[f->at[r].done - 1] = r;
		}
	return first;
}

static void
keep_variables(sg_fn *f)
{
	sg_split *w = f->split;
	uint32_t *last = SG_NEW_ARRAY(f->ctx, uint32_t, f->g->n), before = 0;
	sg_ref *ends = SG_NEW_ARRAY(f->ctx, sg_ref, w->npieces + 1),
	       *more = SG_NEW_ARRAY(f->ctx, sg_ref, f->g->n),
	       *next = SG_NEW_ARRAY(f->ctx, sg_ref, f->g->n), *first;

	find_readers(f, last);
	first = variables_by_step(f, last, next);
	for (size_t i = 0; i < f->nsteps; i++) {
		const uint32_t s = f->order[i];

		for (; before < w->of_step[s]; before++)
			for (sg_ref r = ends[before]; r; r = more[r])
				give_place(f, r);
		for (sg_ref r = first[s]; r; r = next[r])
			keep_variable(f, r, last[r], ends, more);
	}
}

/* requires: the order.  ensures: f->split where the function is long; what is kept has a place. */
void
sg_split_fn(sg_fn *f)
{
	sg_split *w;

	if (f->around || length(f) < LONG * piece_length(f))
		return;
	if (!f->m->o->jit)
		sg_order_by_reuse(f, f->m->o->piece != 0);
	w = f->split = SG_NEW(f->ctx, sg_split);
	w->of_step = SG_NEW_ARRAY(f->ctx, uint32_t, f->nsteps);
	w->first = SG_NEW_ARRAY(f->ctx, sg_ref, f->nsteps);
	w->next = SG_NEW_ARRAY(f->ctx, sg_ref, f->g->n);
	cut(f);
	keep_variables(f);
}

/* What is kept lies at the end of the part of fixed size. */
void
sg_split_memory(sg_fn *f)
{
	for (int t = 0; f->split && t < NTYPES; t++) {
		keeping *k = &f->split->kept[t];
		const int64_t size = (int64_t)sg_type_size((sg_type)t) * places_of(k);

		k->offset = f->fixed;
		f->fixed = sg_add_size(f->ctx, f->fixed, (size + ALIGN - 1) / ALIGN * ALIGN);
		f->uses_work = f->uses_work || size > 0;
	}
}

/* ---- text of what is kept ---- */

static const char *
kept_text(const sg_fn *f, sg_ref r)
{
	const keeping *k = &f->split->kept[sg_fn_node(f, r)->type];

	return sg_text(f->ctx, "%s[%u]", k->name, (unsigned)f->at[r].kept - 1);
}

const char *
sg_variable_text(const sg_fn *f, sg_ref r)
{
	if (!f->at[r].kept || piece_of(f, r) == f->split->now)
		return f->at[r].name;
	return kept_text(f, r);
}

void
sg_print_kept(sg_fn *f, sg_ref r, const char *value)
{
	if (f->at[r].kept)
		sg_line(f, "%s = %s;", kept_text(f, r), value);
}

/* ---- the function's variables ---- */

typedef struct variable {
	const char *declaration;
	uint32_t piece; /* that has it as a parameter, + 1 */
} variable;

static void
add_variable(sg_fn *f, const char *name, const char *declaration)
{
	variable *v = SG_NEW(f->ctx, variable);

	v->declaration = declaration;
	*sg_bytes_map_at(f->split->variables, name, strlen(name)) = v;
}

static void
add_pointer(sg_fn *f, const char *qualifier, sg_type t, const char *restrict_text, const char *name)
{
	add_variable(
	    f, name,
	    sg_text(f->ctx, "%s%s *%s%s", qualifier, sg_type_c_name(t), restrict_text, name));
}

static void
find_variables(sg_fn *f)
{
	const sg_program *p = f->m->p;

	f->split->variables = sg_bytes_map_new(f->ctx);
	for (uint32_t d = 0; d < sg_space_ndims(f->sp); d++)
		if (f->dim[d])
			add_variable(f, f->dim[d], sg_text(f->ctx, "ptrdiff_t %s", f->dim[d]));
	for (size_t i = 0; i < p->ninputs; i++)
		if (f->input[i] && f->input[i] != f->m->outside[i])
			add_pointer(f, "const ", p->input[i].type, "restrict ", f->input[i]);
	for (size_t i = 0; i < f->nout; i++)
		add_pointer(f, "", (sg_type)sg_fn_node(f, f->out[i].ref)->type, "restrict ",
		            f->out[i].name);
	for (sg_ref r = 1; r < f->g->n; r++)
		if (f->at[r].planned)
			add_pointer(f, "", (sg_type)sg_fn_node(f, r)->type, "", f->at[r].name);
	if (f->tests)
		add_pointer(f, "", SG_BOOL, "restrict ", f->tests);
	add_variable(f, f->tile, sg_text(f->ctx, "char *%s", f->tile));
	add_variable(f, f->work, sg_text(f->ctx, "void *%s", f->work)); /* of loops' empty arrays */
	for (int t = 0; t < NTYPES; t++)
		if (places_of(&f->split->kept[t]) > 0)
			add_pointer(f, "", (sg_type)t, "restrict ", f->split->kept[t].name);
}

void
sg_name_kept(sg_fn *f)
{
	if (f->split && f->m->o->jit)
		f->split->near = sg_name_fresh(&f->names, "near");
	for (int t = 0; f->split && t < NTYPES; t++)
		if (places_of(&f->split->kept[t]) > 0)
			f->split->kept[t].name = sg_name_fresh(&f->names, "kept");
}

void
sg_declare_kept(sg_fn *f)
{
	for (int t = 0; f->split && t < NTYPES; t++) {
		const keeping *k = &f->split->kept[t];
		const char *type = sg_type_c_name((sg_type)t);

		if (places_of(k) > 0)
			sg_line(f, "%s *const %s = (%s *)(void *)((char *)%s + %lld);", type,
			        k->name, type, f->work, (long long)k->offset);
	}
}

/* ---- pieces ---- */

typedef struct parameter {
	const char *name, *declaration;
} parameter;

typedef struct piece {
	parameter *par;
	size_t npars, cap;
	sg_buf parameters, arguments, near; /* near: pointers that are handed over in an array */
	size_t line;                        /* where the last line of the parameters begins */
	bool fails;
} piece;

static void
add_parameter(piece *p, const char *name, const char *declaration, int indent)
{
	if (p->arguments.n) {
		sg_buf_puts(&p->arguments, ", ");
		sg_buf_putc(&p->parameters, ',');
		if (p->parameters.n - p->line + strlen(declaration) + (size_t)indent > 96) {
			sg_buf_printf(&p->parameters, "\n%*s", indent, "");
			p->line = p->parameters.n;
		} else {
			sg_buf_putc(&p->parameters, ' ');
		}
	}
	sg_buf_puts(&p->arguments, name);
	sg_buf_puts(&p->parameters, declaration);
}

static const char *
past_comment(const char *s)
{
	const char *end = strstr(s, "*/");

	return end ? end + 2 : s + strlen(s);
}

/* Names in the text that the function's variables have are parameters. */
static void
find_parameters(sg_fn *f, piece *p, const char *s)
{
	while (*s) {
		size_t n = 0;
		variable *v;

		if (s[0] == '/' && s[1] == '*') {
			s = past_comment(s);
			continue;
		}
		while (isalnum((unsigned char)s[n]) || s[n] == '_')
			n++;
		if (n == 0) {
			s++;
			continue;
		}
		v = isdigit((unsigned char)*s) ? NULL : *sg_bytes_map_at(f->split->variables, s, n);
		if (v && v->piece != f->split->now + 1) {
			v->piece = f->split->now + 1;
			const parameter par = {sg_text(f->ctx, "%.*s", (int)n, s), v->declaration};
			SG_PUSH(f->ctx, p->par, p->npars, p->cap, par);
		}
		p->fails = p->fails || (n == 6 && memcmp(s, "return", n) == 0);
		s += n;
	}
}

/* Where libtcc could not call the piece, for its stack of arguments holds 256 values, pointers go
 * in an array: lines that take them out again are returned. */
static const char *
list_parameters(sg_fn *f, piece *p, int indent)
{
	const bool many = f->m->o->jit && p->npars > MOST;
	size_t n = 0;
	sg_buf taken;

	sg_buf_init(&taken, f->ctx);
	sg_buf_init(&p->parameters, f->ctx);
	sg_buf_init(&p->arguments, f->ctx);
	sg_buf_init(&p->near, f->ctx);
	if (many)
		add_parameter(p, f->split->near, sg_text(f->ctx, "void *const *%s", f->split->near),
		              indent);
	for (size_t i = 0; i < p->npars; i++) {
		const parameter *par = &p->par[i];

		if (!many || !strchr(par->declaration, '*')) {
			add_parameter(p, par->name, par->declaration, indent);
			continue;
		}
		sg_buf_printf(&p->near, "%s(void *)%s", n ? ", " : "", par->name);
		sg_buf_printf(&taken, "\t%s = %s[%zu];\n", par->declaration, f->split->near, n++);
	}
	return sg_buf_text(&taken);
}

/* Variables that a call or a loop declares. */
static void
keep_results(sg_fn *f, uint32_t step)
{
	if (f->step[step].kind == SG_S_NEST)
		return;
	for (sg_ref r = f->split->first[step]; r; r = f->split->next[r])
		sg_print_kept(f, r, f->at[r].name);
}

/* The steps of piece now, from *at on in the order. */
static const char *
print_piece_steps(sg_fn *f, size_t *at)
{
	sg_buf text;

	sg_buf_init(&text, f->ctx);
	f->b = &text;
	f->line = 0;
	while (*at < f->nsteps && f->split->of_step[f->order[*at]] == f->split->now) {
		const size_t end = sg_print_item(f, *at);

		for (; *at < end; ++*at)
			keep_results(f, f->order[*at]);
	}
	return sg_buf_text(&text);
}

static void
print_function(sg_fn *f, const char *name, const piece *p, const char *taken, const char *steps,
               bool has_status)
{
	sg_buf *out = &f->m->pieces;
	const char *body = f->is_wide && !f->m->o->jit ? sg_body_name(f->m, name) : NULL;
	const char *ok = p->fails || has_status || body ? sg_use(f->m, "SGRT_OK") : NULL;
	const char *apart = sg_apart_name(f->m);
	size_t from;
	const char *parameters = p->arguments.n ? p->parameters.s : "void";
	const char *arguments = p->arguments.n ? p->arguments.s : "";

	if (body)
		sg_buf_printf(out, "SGRT_BODY int\n%s(%s)\n{\n", body, parameters);
	else
		sg_buf_printf(out, "%s static %s\n%s(%s)\n{\n", apart, ok ? "int" : "void", name,
		              parameters);
	from = out->n - 2;
	sg_buf_puts(out, taken);
	if (has_status)
		sg_buf_printf(out, "\tint %s = %s;\n%s", f->status, ok,
		              steps[0] == '\n' ? "" : "\n");
	sg_buf_puts(out, has_status || steps[0] != '\n' ? steps : steps + 1);
	if (ok)
		sg_buf_printf(out, "\treturn %s;\n", has_status ? f->status : ok);
	sg_buf_puts(out, "}\n\n");
	if (!body)
		return;
	if (sg_stands_twice(steps))
		sg_put_twice(out, body, parameters, sg_text(f->ctx, "%s", out->s + from));
	else
		sg_buf_printf(out, "SGRT_WIDER(%s,\n           (%s),\n           (%s))\n\n", body,
		              parameters, arguments);
	sg_buf_printf(out, "%s static int\n%s(%s)\n{\n\treturn SGRT_WIDEST(%s, (%s));\n}\n\n",
	              apart, name, parameters, body, arguments);
}

static void
print_piece_call(sg_fn *f, const char *name, piece *p, bool may_fail)
{
	if (p->near.n) {
		sg_line(f, "{");
		sg_line(f, "\tvoid *const %s[] = {%s};", f->split->near, sg_buf_text(&p->near));
	}
	if (may_fail)
		sg_line(f, "%s = %s(%s);", f->status, name, sg_buf_text(&p->arguments));
	else
		sg_line(f, "%s(%s);", name, sg_buf_text(&p->arguments));
	if (p->near.n)
		sg_line(f, "}");
}

static void
print_piece(sg_fn *f, size_t *at)
{
	const bool had_status = f->has_status;
	sg_buf *out = f->b;
	piece p = {.fails = false};
	const char *name, *steps, *taken;
	bool has_status;

	f->has_status = false;
	steps = print_piece_steps(f, at);
	has_status = f->has_status;
	f->b = out;
	name = sg_name_exact(&f->m->names,
	                     sg_text(f->ctx, "%s_part%u", f->title, (unsigned)f->split->now + 1));
	find_parameters(f, &p, steps);
	taken = list_parameters(f, &p, (int)strlen(name) + 1);
	print_function(f, name, &p, taken, steps, has_status);
	f->has_status = had_status || p.fails || has_status;
	print_piece_call(f, name, &p, p.fails || has_status);
	if (!p.fails && !has_status)
		return;
	sg_line(f, "if (%s != %s)", f->status, sg_use(f->m, "SGRT_OK"));
	sg_line(f, "\treturn %s;", f->status);
}

void
sg_print_pieces(sg_fn *f)
{
	const int indent = f->indent;
	size_t at = 0;

	find_variables(f);
	sg_buf_putc(f->b, '\n');
	for (f->split->now = 0; at < f->nsteps; f->split->now++) {
		f->indent = 1;
		f->is_wide = false;
		print_piece(f, &at);
		f->indent = indent;
	}
	f->is_wide = false; /* each piece is as it needs */
}
