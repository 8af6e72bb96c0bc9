/* strip.c - the innermost loop where it is a kept one: along a strip of a row, or along the rows of
 * a tile in columns. What each of its turns sums up stands in an array, and each statement has a
 * loop along the strip of its own. */
#include "back/nest.h"

#include <ctype.h>
#include <string.h>

enum { STRIP = 128 };

/* Is the whole loop one strip? Its arrays are no longer than that, and its variable is the place in
 * them. */
static bool
is_one_strip(const sg_nest *n)
{
	int64_t v;

	return n->strip && !n->columns && !(n->parallel && n->nkept == 0) &&
	       sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &v) && v > 0 && v <= STRIP &&
	       strcmp(sg_nest_from(n, n->ngroups - 1), "0") == 0;
}

static int
strip_size(const sg_nest *n)
{
	int64_t v = STRIP;

	if (is_one_strip(n))
		(void)sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &v);
	return n->columns ? SG_COLUMNS : (int)v;
}

void
sg_open_strip(sg_nest *n)
{
	sg_fn *f = n->f;
	const uint32_t d = n->ngroups - 1;
	const char *from = sg_nest_from(n, d), *to = sg_nest_to(n, d);

	if (n->columns) /* a tile is one */
		return;
	if (is_one_strip(n)) {
		n->at = "0";
		n->width = to;
		n->lane = f->loop[d];
		if (n->nkept == 0) { /* elsewhere a loop around ends the life of its arrays */
			sg_line(f, "{");
			f->indent++;
		}
		return;
	}
	n->at = sg_name_fresh(&f->names, "strip");
	n->width = sg_name_fresh(&f->names, "width");
	n->lane = sg_name_fresh(&f->names, "lane");
	if (n->parallel && n->nkept == 0)
		sg_open_parallel(n);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", n->at, from, n->at, to, n->at,
	        STRIP);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s - %s : %d;", n->width, to, n->at, STRIP,
	        to, n->at, STRIP);
}

static void
open_lanes(sg_nest *n, const char *from, const char *to, bool index)
{
	sg_fn *f = n->f;

	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", n->lane, from, n->lane, to, n->lane);
	f->indent++;
	if (index && !n->unplaced && !is_one_strip(n))
		sg_line(f, "const ptrdiff_t %s = %s + %s;", f->loop[n->ngroups - 1], n->at,
		        n->lane);
}

void
sg_open_lane(sg_nest *n, bool index)
{
	open_lanes(n, "0", n->width, index);
}

bool
sg_has_word(const char *s, const char *word)
{
	const size_t size = strlen(word);

	for (const char *at = strstr(s, word); at; at = strstr(at + 1, word))
		if ((at == s || !(isalnum((unsigned char)at[-1]) || at[-1] == '_')) &&
		    !(isalnum((unsigned char)at[size]) || at[size] == '_'))
			return true;
	return false;
}

/* The text for each lane, which has its place where the text says so: an array of a tile has none.
 */
void
sg_print_lane(sg_nest *n, const char *text)
{
	sg_open_lane(n, sg_has_word(text, n->f->loop[n->ngroups - 1]));
	sg_buf_puts(n->f->b, text);
	sg_close(n);
}

/* Does a loop around the one along the rows of a tile sum up what these give? */
static bool
sums_around(const sg_nest *n)
{
	const sg_step *s = n->s;

	if (!n->columns || n->nkept + 1 >= n->ngroups)
		return false;
	for (size_t i = 0; i < s->nroots; i++)
		if (s->root[i].kind != SG_R_FOLD ||
		    !sg_is_addition(sg_fn_node(n->f, s->root[i].ref)->op) ||
		    !n->f->at[s->root[i].ref].band)
			return false;
	return true;
}

/* gcc takes two turns of the loop around one of 64 lanes together (-floop-unroll-and-jam), and then
 * has the sums in memory. Around two loops, it leaves them in registers. */
static bool
goes_by_halves(const sg_nest *n)
{
	return !n->f->m->o->jit && n->strip && sums_around(n);
}

static void
print_halves(sg_nest *n, const char *text)
{
	sg_fn *f = n->f;
	const char *half = sg_name_fresh(&f->names, "half");

	sg_line(f, "for (ptrdiff_t %s = 0; %s < %d; %s += %d) {", half, half, SG_COLUMNS, half,
	        SG_COLUMNS / 2);
	f->indent++;
	sg_print_promise(n);
	open_lanes(n, half, sg_text(f->ctx, "%s + %d", half, SG_COLUMNS / 2),
	           sg_has_word(text, f->loop[n->ngroups - 1]));
	sg_buf_puts(f->b, text);
	sg_close(n);
	sg_close(n);
}

/* Do the elements that the lanes read lie apart, at places that the loops alone say? */
static bool
is_apart(const sg_nest *n, const sg_val *v)
{
	const sg_fn *f = n->f;
	const sg_affine form = f->aff[v->aff];
	const sg_ext by = sg_aff_coef(f, sg_place_of(n, v->ref, v->aff), n->last[n->ngroups - 1]);

	for (uint32_t k = 0; k < form.n; k++)
		if (form.term[k].var >= SG_VAR_VALUE)
			return false;
	return !sg_ext_is(f->sp, by, 0) && !sg_is_1(f, by);
}

/* Reads for the lanes what does not lie side by side, so that the loop that evaluates is SIMD
 * whatever a compiler makes of strides. */
static void
take(sg_nest *n)
{
	sg_fn *f = n->f;
	sg_buf *out = f->b, text;

	n->taken = SG_NEW_ARRAY(f->ctx, const char *, n->s->nvals);
	sg_buf_init(&text, f->ctx);
	for (size_t i = 1; i < n->s->nvals; i++) {
		sg_val *v = &n->s->val[i];
		const char *of;

		if (v->kind != SG_V_LOAD || !v->needed || v->guarded || v->depth < n->ngroups ||
		    !is_apart(n, v))
			continue;
		of = f->at[v->ref].name;
		of = sg_name_fresh(&f->names, sg_text(f->ctx, "%.30s_strip", of ? of : "x"));
		sg_line(f, "%s %s[%d];", sg_type_c_name((sg_type)v->type), of, strip_size(n));
		f->b = &text;
		f->indent++;
		sg_print_val(n, v);
		n->taken[i] = sg_text(f->ctx, "%s[%s]", of, n->lane);
		sg_line(f, "%s = %s;", n->taken[i], v->text);
		f->indent--;
		f->b = out;
	}
	if (text.n)
		sg_print_lane(n, sg_buf_text(&text));
}

void
sg_print_strip(sg_nest *n, uint32_t d)
{
	sg_fn *f = n->f;
	sg_buf *out = f->b, text;
	const bool halves = goes_by_halves(n);

	if (n->is_dear)
		take(n);
	sg_buf_init(&text, f->ctx);
	f->b = &text;
	f->indent += 1 + halves;
	sg_print_level(n, d + 1);
	f->indent -= 1 + halves;
	f->b = out;
	n->taken = NULL;
	if (halves) {
		print_halves(n, sg_buf_text(&text));
		return;
	}
	sg_print_promise(n);
	sg_print_lane(n, sg_buf_text(&text));
}

void
sg_close(sg_nest *n)
{
	n->f->indent--;
	sg_line(n->f, "}");
}

void
sg_close_strip(sg_nest *n)
{
	if (!n->columns && !(is_one_strip(n) && n->nkept > 0))
		sg_close(n);
}

/* In a strip, an array. Gives what stands for the variable. */
const char *
sg_declare_var(sg_nest *n, const char *type, const char *name, const char *value, bool zero)
{
	sg_fn *f = n->f;
	const int size = strip_size(n);
	const char *at = sg_text(f->ctx, "%s[%s]", name, n->lane ? n->lane : "");

	if (!n->strip) {
		sg_line(f, "%s %s = %s;", type, name, value);
		return name;
	}
	if (zero && n->columns) {
		sg_line(f, "%s %s[%d] = {0};", type, name, size);
		return at;
	}
	sg_line(f, "%s %s[%d];", type, name, size);
	if (!value)
		return at;
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++)", n->lane, n->lane,
	        n->columns ? sg_text(f->ctx, "%d", size) : n->width, n->lane);
	sg_line(f, "\t%s = %s;", at, value);
	return at;
}
