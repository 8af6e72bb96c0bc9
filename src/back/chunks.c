/* chunks.c - loops of written C that evaluate what has a branch for each number, and so would not
 * become SIMD: sine, cosine, tangent, general powers, the gamma function, remainders.
 *
 * The runtime has routines for them that take many numbers at once (sgrt_vsin_f64). The innermost
 * loop is cut into chunks of some hundred turns. For each chunk and each such value, a loop of its
 * own evaluates the operands into an array, the routine replaces them by the results, and the loop
 * proper reads these. An operand that something else needs too, as the angle whose sine and cosine
 * are taken, is evaluated once. Indices are checked before the loop proper, which then has no way
 * out and becomes SIMD. A chunk's arrays are still in the nearest cache. Loops of few turns stay as
 * they are, and so do values that a condition guards, for a loop of operands would not know it.
 *
 * Where a loop goes one by one for what it sums up, as a running sum does, whatever is dear in it
 * has a loop of its own before, in the same chunks. */
#include "back/nest.h"

#include <string.h>

/* What is less than FEW turns is not worth a call; MANY arrays are too much of a stack. */
enum { CHUNK = 128, FEW = 8, MANY = 8 };
enum { DEAR = 8 }; /* what costs so much is worth an array */

struct sg_chunks {
	const char *begin;        /* the first turn of the chunk */
	uint32_t at[MANY], count; /* values, in their order */
	const char **text;        /* by value: its element of an array; NULL: none yet */
	const char **array;       /* by value: that array */
	bool *needed;             /* by value: as it was found for the whole loop */
	bool *checked;            /* by value: an index that a loop over the chunk has checked */
};

/* ---- which values ---- */

typedef struct routine {
	sg_op op;
	const char *name, *results;
} routine;

static const routine *
routine_of(const sg_val *v)
{
	static const routine all[] = {
	    {SG_SIN, "vsin", "sine"},          {SG_COS, "vcos", "cosine"},
	    {SG_TAN, "vtan", "tangent"},       {SG_LGAMMA, "vlgamma", "logarithm"},
	    {SG_DIGAMMA, "vdigamma", "slope"}, {SG_POW, "vpow", "power"},
	    {SG_MOD, "vmod", "rest"},          {SG_FLOORDIV, "vfloordiv", "quotient"}};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i].op == v->op)
			return &all[i];
	return NULL;
}

/* Is it a power that is a few products? (runtime: pow_is_short) */
bool
sg_is_short_power(const sg_nest *n, const sg_val *v)
{
	static const double power[] = {2, 3, 4, 5, -1, -2, 0.5, 1.5, -0.5};
	const sg_val *y;

	if (v->op != SG_POW)
		return false;
	y = &n->s->val[v->arg[1]];
	if (y->kind != SG_V_CONST)
		return false;
	for (size_t i = 0; i < sizeof power / sizeof power[0]; i++)
		if (sg_bits_double(n->f->g->node[y->ref].attr->w[0]) == power[i])
			return true;
	return false;
}

/* Does it need, but for what stands behind a condition of its own, what another condition guards or
 * what may fail? */
static bool
is_guarded(const sg_nest *n, uint32_t of)
{
	bool *seen = SG_NEW_ARRAY(n->f->ctx, bool, of + 1);

	seen[of] = true;
	for (uint32_t i = of; i > 0; i--) {
		const sg_val *v = &n->s->val[i];

		if (!seen[i])
			continue;
		if (v->guarded || (v->kind == SG_V_AT && v->depth == n->ngroups))
			return true;
		for (uint32_t k = 0; k < v->nargs && v->kind != SG_V_WITHIN; k++)
			seen[v->arg[k]] = true;
	}
	return false;
}

static bool
wants_routine(const sg_nest *n, uint32_t i)
{
	const sg_val *v = &n->s->val[i];

	return v->needed && v->kind == SG_V_EW && v->depth == n->ngroups &&
	       sg_type_is_float((sg_type)v->type) && routine_of(v) && !sg_is_short_power(n, v) &&
	       !is_guarded(n, i);
}

/* Does the innermost loop sum up in the order of its turns? */
static bool
goes_one_by_one(const sg_nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];

		if (r->kind == SG_R_FOLD && !n->strip && !n->lanes &&
		    sg_is_running((sg_op)sg_fn_node(n->f, r->ref)->op))
			return true;
	}
	return false;
}

static bool
is_dear(const sg_nest *n, uint32_t i)
{
	const sg_val *v = &n->s->val[i];

	return v->needed && v->kind == SG_V_EW && v->depth == n->ngroups &&
	       sg_type_is_float((sg_type)v->type) && sg_ops[v->op].cost >= DEAR &&
	       !sg_is_short_power(n, v) && !is_guarded(n, i);
}

static bool
has_few_turns(const sg_nest *n)
{
	int64_t v;

	return sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &v) && v < FEW;
}

void
sg_choose_chunks(sg_nest *n)
{
	sg_chunks *c;

	n->chunks = NULL;
	if (n->f->m->o->jit || n->power || n->ngroups == 0 || has_few_turns(n))
		return;
	const bool one_by_one = goes_one_by_one(n);

	c = SG_NEW_ARRAY(n->f->ctx, sg_chunks, 1);
	for (uint32_t i = 1; i < n->s->nvals && c->count < MANY; i++)
		if (wants_routine(n, i) || (one_by_one && is_dear(n, i)))
			c->at[c->count++] = i;
	if (c->count == 0)
		return;
	c->text = SG_NEW_ARRAY(n->f->ctx, const char *, n->s->nvals);
	c->array = SG_NEW_ARRAY(n->f->ctx, const char *, n->s->nvals);
	c->needed = SG_NEW_ARRAY(n->f->ctx, bool, n->s->nvals);
	c->checked = SG_NEW_ARRAY(n->f->ctx, bool, n->s->nvals);
	n->chunks = c;
}

bool
sg_has_chunk(const sg_nest *n, uint32_t v)
{
	for (uint32_t k = 0; n->chunks && k < n->chunks->count; k++)
		if (n->chunks->at[k] == v)
			return true;
	return false;
}

/* ---- what a loop needs, where some values are at hand ---- */

static void
want_vars(const sg_nest *n, bool *want, sg_aff a)
{
	const sg_affine form = n->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE)
			want[form.term[i].var - SG_VAR_VALUE] = true;
}

/* Values of the innermost loop are printed if `want` has them or needs them. */
static void
need_only(sg_nest *n, bool *want)
{
	sg_step *s = n->s;

	for (size_t i = s->nvals; i-- > 1;) {
		sg_val *v = &s->val[i];

		if (v->depth == n->ngroups)
			v->needed = want[i];
		if (!want[i] || n->chunks->text[i])
			continue;
		want_vars(n, want, v->aff);
		for (uint32_t k = 0; k < v->nconds; k++)
			want_vars(n, want, v->cond[k].form);
		for (uint32_t k = 0; k < v->nargs; k++)
			want[v->arg[k]] = true;
	}
}

static void
need_operands(sg_nest *n, const sg_val *v)
{
	bool *want = SG_NEW_ARRAY(n->f->ctx, bool, n->s->nvals);

	for (uint32_t k = 0; k < v->nargs; k++)
		want[v->arg[k]] = true;
	need_only(n, want);
}

static void
need_roots(sg_nest *n)
{
	const sg_step *s = n->s;
	bool *want = SG_NEW_ARRAY(n->f->ctx, bool, s->nvals);

	for (size_t i = 0; i < s->nroots; i++) {
		for (int k = 0; k < 2; k++)
			want[s->root[i].val[k]] = true;
		want_vars(n, want, s->root[i].at);
		want_vars(n, want, s->root[i].pos);
	}
	for (size_t i = 1; i < s->nvals; i++)
		want[i] = want[i] || s->val[i].kind == SG_V_AT;
	need_only(n, want);
}

/* ---- text ---- */

typedef struct chunk {
	sg_nest *n;
	uint32_t d;
	const char *from, *to; /* of the loop over the chunk; in a strip that has its own */
	const char *turn;      /* which element of the arrays a turn has */
} chunk;

/* The loop over the turns, with `text` in it. */
static void
print_turns(const chunk *c, const char *text)
{
	sg_nest *n = c->n;
	const char *i = n->f->loop[c->d];

	if (n->strip) {
		sg_print_lane(n, text);
		return;
	}
	sg_line(n->f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", i, c->from, i, c->to, i);
	n->f->indent++;
	sg_buf_puts(n->f->b, text);
	sg_close(n);
}

/* Declares arrays for the operands, which change from turn to turn, or variables, and gives how
 * each is handed to the routine. */
static void
declare_operands(const chunk *c, const sg_val *v, const char **name, bool *varies)
{
	sg_nest *n = c->n;
	sg_fn *f = n->f;
	const char *type = sg_type_c_name((sg_type)v->type);

	for (uint32_t k = 0; k < v->nargs; k++) {
		const sg_val *x = &n->s->val[v->arg[k]];

		name[k] = sg_name_fresh(&f->names, k == 0 ? routine_of(v)->results : "exponent");
		varies[k] = x->depth == n->ngroups;
		if (varies[k])
			sg_line(f, "%s %s[%d];", type, name[k], CHUNK);
		else
			sg_line(f, "const %s %s = %s;", type, name[k], sg_val_text(n, v->arg[k]).s);
	}
}

/* A loop that evaluates what is needed, and stores the operands of v; NULL: nothing. */
static void
print_needed(const chunk *c, const sg_val *v, const char *const *name, const bool *varies)
{
	sg_nest *n = c->n;
	sg_buf *out = n->f->b, text;

	sg_buf_init(&text, n->f->ctx);
	n->f->b = &text;
	n->f->indent++;
	for (size_t i = 1; i < n->s->nvals; i++)
		if (n->s->val[i].depth == n->ngroups && n->s->val[i].needed)
			sg_print_val(n, &n->s->val[i]);
	for (uint32_t k = 0; v && k < v->nargs; k++)
		if (varies[k])
			sg_line(n->f, "%s[%s] = %s;", name[k], c->turn,
			        sg_val_text(n, v->arg[k]).s);
	n->f->indent--;
	n->f->b = out;
	print_turns(c, sg_buf_text(&text));
}

static bool
is_index(const sg_nest *n, size_t i)
{
	const sg_val *v = &n->s->val[i];

	return v->kind == SG_V_AT && v->needed && v->depth == n->ngroups;
}

/* The loop that was printed has checked the indices in it, where it ends the function: not where it
 * is one of many threads'. */
static void
note_checked(const sg_nest *n)
{
	for (size_t i = 1; i < n->s->nvals && !n->inside && !n->strip; i++)
		n->chunks->checked[i] = n->chunks->checked[i] || is_index(n, i);
}

static void
fill_operands(const chunk *c, const sg_val *v, const char *const *name, const bool *varies)
{
	need_operands(c->n, v);
	print_needed(c, v, name, varies);
	note_checked(c->n);
}

/* A loop that checks the indices of the loop proper. requires: what that needs */
static void
check_indices(const chunk *c)
{
	sg_nest *n = c->n;
	bool *want = SG_NEW_ARRAY(n->f->ctx, bool, n->s->nvals), any = false;

	if (n->inside || n->strip)
		return;
	for (size_t i = 1; i < n->s->nvals; i++) {
		want[i] = is_index(n, i) && !n->chunks->checked[i];
		any = any || want[i];
	}
	if (!any)
		return;
	need_only(n, want);
	print_needed(c, NULL, NULL, NULL);
	note_checked(n);
	need_roots(n);
}

bool
sg_chunk_checked(const sg_nest *n, const sg_val *v)
{
	return n->chunks && n->chunks->checked[v - n->s->val];
}

/* Do the elements for all turns of loop d lie one beside the other? */
static bool
lies_in_row(const sg_nest *n, uint32_t d, sg_aff at)
{
	const sg_affine form = n->f->aff[at];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE)
			return false;
	return sg_is_1(n->f, sg_aff_coef(n->f, at, n->last[d]));
}

static bool
reads_in_row(const sg_nest *n, uint32_t d, const sg_val *v)
{
	const sg_val *x = &n->s->val[v->arg[0]];

	return v->nargs == 1 && x->kind == SG_V_LOAD && !x->guarded && !n->strip && !n->band &&
	       lies_in_row(n, d, x->aff);
}

/* The address of an array's element in the turn that begins the loop or the chunk. */
static const char *
address(const sg_nest *n, uint32_t d, const char *from, sg_ref r, sg_aff at)
{
	const char *turn = n->f->loop[d], *s;

	n->f->loop[d] = from;
	s = sg_text(n->f->ctx, "&%s", sg_element_of(n, r, at));
	n->f->loop[d] = turn;
	return s;
}

/* Calls the routine for the one operand where that lies. */
static void
print_call_in_row(const sg_nest *n, uint32_t d, const char *from, const char *count,
                  const sg_val *v, const char *to)
{
	const sg_val *x = &n->s->val[v->arg[0]];

	sg_line(n->f, "%s(%s, %s, %s);",
	        sg_use_typed(n->f->m, routine_of(v)->name, (sg_type)v->type), count,
	        address(n, d, from, x->ref, x->aff), to);
}

/* Tells of an array that holds a value of the turns. */
static void
keep(const chunk *c, uint32_t at, const char *array)
{
	c->n->chunks->array[at] = array;
	c->n->chunks->text[at] = sg_text(c->n->f->ctx, "%s[%s]", array, c->turn);
}

/* Is the one operand read elsewhere too? Its array is then kept. */
static bool
shares_operand(const sg_nest *n, const sg_val *v)
{
	const sg_val *x = &n->s->val[v->arg[0]];

	return v->nargs == 1 && x->kind == SG_V_EW && x->depth == n->ngroups && x->uses > 1;
}

static void
print_call_shared(const chunk *c, uint32_t at, const char *call, const char *count)
{
	const sg_val *v = &c->n->s->val[at];
	sg_chunks *all = c->n->chunks;
	sg_fn *f = c->n->f;
	const char *type = sg_type_c_name((sg_type)v->type), *to;
	const uint32_t x = v->arg[0];
	const bool varies = true;

	if (!all->text[x]) {
		const char *name = sg_name_fresh(&f->names, "operand");

		sg_line(f, "%s %s[%d];", type, name, CHUNK);
		fill_operands(c, v, &name, &varies);
		keep(c, x, name);
	}
	to = sg_name_fresh(&f->names, routine_of(v)->results);
	sg_line(f, "%s %s[%d];", type, to, CHUNK);
	sg_line(f, "%s(%s, %s, %s);", call, count, all->array[x], to);
	keep(c, at, to);
}

/* A value that has no routine, in a loop of its own. */
static void
print_apart(const chunk *c, uint32_t at)
{
	sg_nest *n = c->n;
	bool *want = SG_NEW_ARRAY(n->f->ctx, bool, n->s->nvals);
	const sg_val *v = &n->s->val[at];
	const sg_val store = {.nargs = 1, .arg = {at}};
	const char *name = sg_name_fresh(&n->f->names, "value");
	const bool varies = true;

	sg_line(n->f, "%s %s[%d];", sg_type_c_name((sg_type)v->type), name, CHUNK);
	want[at] = true;
	need_only(n, want);
	print_needed(c, &store, &name, &varies);
	keep(c, at, name);
}

static void
print_call(const chunk *c, uint32_t at)
{
	if (!routine_of(&c->n->s->val[at])) {
		print_apart(c, at);
		return;
	}
	sg_nest *n = c->n;
	sg_fn *f = n->f;
	const sg_val *v = &n->s->val[at];
	const char *name[2], *call = sg_use_typed(f->m, routine_of(v)->name, (sg_type)v->type);
	const char *count = n->strip ? n->width : sg_text(f->ctx, "%s - %s", c->to, c->from);
	bool varies[2] = {false, false};

	if (shares_operand(n, v)) {
		print_call_shared(c, at, call, count);
		return;
	}
	declare_operands(c, v, name, varies);
	keep(c, at, name[varies[0] ? 0 : 1]);
	if (reads_in_row(n, c->d, v)) {
		print_call_in_row(n, c->d, c->from, count, v, name[0]);
		return;
	}
	n->chunks->text[at] = NULL;
	fill_operands(c, v, name, varies);
	if (v->nargs == 2)
		sg_line(f, "%s(%s, %s%s, %d, %s%s, %d, %s);", call, count, varies[0] ? "" : "&",
		        name[0], varies[0], varies[1] ? "" : "&", name[1], varies[1],
		        name[varies[0] ? 0 : 1]);
	else
		sg_line(f, "%s(%s, %s, %s);", call, count, name[0], name[0]);
	keep(c, at, name[varies[0] ? 0 : 1]);
}

static void
print_chunk(const chunk *c)
{
	sg_nest *n = c->n;
	sg_chunks *all = n->chunks;

	for (size_t i = 1; i < n->s->nvals; i++) {
		all->needed[i] = n->s->val[i].needed;
		all->text[i] = NULL;
		all->checked[i] = false;
	}
	for (uint32_t k = 0; k < all->count; k++)
		print_call(c, all->at[k]);
	need_roots(n);
	check_indices(c);
	sg_print_nest_loop(n, c->d, c->from, c->to);
	for (size_t i = 1; i < n->s->nvals; i++) {
		n->s->val[i].needed = all->needed[i];
		all->text[i] = NULL;
		all->checked[i] = false;
	}
}

const char *
sg_chunk_element(const sg_nest *n, const sg_val *v)
{
	return n->chunks ? n->chunks->text[v - n->s->val] : NULL;
}

/* Is all that the loop does to put results of routines into arrays of their own, from where their
 * operands lie? */
static bool
is_calls(const sg_nest *n, uint32_t d)
{
	const sg_step *s = n->s;

	if (n->parallel && d == 0 && !n->inside)
		return false;
	for (size_t i = 1; i < s->nvals; i++)
		if (s->val[i].needed && s->val[i].depth == n->ngroups &&
		    s->val[i].kind != SG_V_LOAD &&
		    !(wants_routine(n, (uint32_t)i) && reads_in_row(n, d, &s->val[i])))
			return false;
	for (size_t i = 0; i < s->nroots; i++) {
		const sg_root *r = &s->root[i];

		if (r->kind != SG_R_STORE || n->f->at[r->ref].over || n->f->at[r->ref].unit ||
		    s->val[r->val[0]].kind != SG_V_EW || s->val[r->val[0]].depth != n->ngroups ||
		    !lies_in_row(n, d, r->at))
			return false;
	}
	return true;
}

static void
print_calls(const sg_nest *n, uint32_t d, const char *from, const char *to)
{
	const char *count =
	    strcmp(from, "0") == 0 ? to : sg_text(n->f->ctx, "%s - %s", to, from);

	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];

		print_call_in_row(n, d, from, count, &n->s->val[r->val[0]],
		                  address(n, d, from, r->ref, r->at));
	}
}

void
sg_print_chunks(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	chunk c = {.n = n, .d = d, .from = from, .to = to, .turn = n->lane};

	if (is_calls(n, d)) {
		print_calls(n, d, from, to);
		return;
	}
	if (n->strip) { /* which is a chunk */
		print_chunk(&c);
		return;
	}
	c.from = sg_name_fresh(&f->names, "chunk");
	c.to = sg_name_fresh(&f->names, "stop");
	c.turn = sg_text(f->ctx, "%s - %s", f->loop[d], c.from);
	if (n->parallel && d == 0 && !n->inside)
		sg_open_parallel(n);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", c.from, from, c.from, to, c.from,
	        CHUNK);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s : %s + %d;", c.to, to, c.from, CHUNK, to,
	        c.from, CHUNK);
	print_chunk(&c);
	sg_close(n);
}
