/* powers.c - powers whose exponent is the turn of a loop.
 *
 * In sum_j x[j] t[i]**j each power is the one before times t. Where lanes.c lets the loop over the
 * sum stand around a strip of i, the runtime's sgrt_powers carries those products, for all i of the
 * strip; the innermost loop reads them. A polynomial then costs products, not calls of pow. */
#include "back/nest.h"

enum { MOST = 1000000 }; /* of what is added to an exponent */

/* ---- which values are such powers ---- */

/* The integer that a constant is; false: it is none, or large. */
static bool
integer_of(const sg_nest *n, uint32_t at, int64_t *to)
{
	const sg_val *v = &n->s->val[at];
	int64_t word;
	double x;

	if (v->kind != SG_V_CONST || v->type == SG_BOOL)
		return false;
	word = sg_fn_node(n->f, v->ref)->attr->w[0];
	x = sg_type_is_float((sg_type)v->type) ? sg_bits_double(word) : (double)word;
	if (!(x >= -MOST && x <= MOST))
		return false;
	*to = (int64_t)x;
	return (double)*to == x;
}

uint32_t
sg_exponent_of(const sg_nest *n, uint32_t at, int64_t *more)
{
	const sg_val *v = &n->s->val[at];
	int64_t c, base;

	*more = 0;
	for (; v->kind != SG_V_INDEX; v = &n->s->val[at]) {
		if (v->kind == SG_V_CAST && v->type != SG_BOOL && v->type != SG_I32) {
			at = v->arg[0];
			continue;
		}
		if (v->kind != SG_V_EW || (v->op != SG_ADD && v->op != SG_SUB))
			return UINT32_MAX;
		if (integer_of(n, v->arg[1], &c)) {
			*more += v->op == SG_ADD ? c : -c;
			at = v->arg[0];
		} else if (v->op == SG_ADD && integer_of(n, v->arg[0], &c)) {
			*more += c;
			at = v->arg[1];
		} else {
			return UINT32_MAX;
		}
	}
	const sg_affine form = n->f->aff[v->aff];
	if (form.n != 1 || form.term[0].var >= SG_VAR_VALUE || !sg_is_1(n->f, form.term[0].coef) ||
	    !sg_ext_const(n->f->sp, form.base, &base) || base < -MOST || base > MOST)
		return UINT32_MAX;
	*more += base;
	return form.term[0].var;
}

/* The loops that the form's element depends on; UINT32_MAX: a value is in it. */
static uint32_t
loops_of(const sg_nest *n, sg_aff a)
{
	const sg_affine form = n->f->aff[a];
	uint32_t loops = 0;

	for (uint32_t i = 0; i < form.n; i++) {
		if (form.term[i].var >= SG_VAR_VALUE)
			return UINT32_MAX;
		loops |= 1u << form.term[i].var;
	}
	return loops;
}

uint32_t *
sg_loops_of_values(const sg_nest *n)
{
	uint32_t *loops = SG_NEW_ARRAY(n->f->ctx, uint32_t, n->s->nvals);

	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];
		const bool plain = v->kind == SG_V_CONST || v->kind == SG_V_DIM ||
		                   v->kind == SG_V_LOCAL || v->kind == SG_V_INDEX ||
		                   v->kind == SG_V_CAST || (v->kind == SG_V_LOAD && !v->guarded) ||
		                   (v->kind == SG_V_EW && sg_type_is_float((sg_type)v->type));

		loops[i] = plain ? loops_of(n, v->aff) : UINT32_MAX;
		for (uint32_t k = 0; k < v->nargs; k++)
			loops[i] |= loops[v->arg[k]];
	}
	return loops;
}

/* Exponents count the turns of the innermost loop, which is reduced; bases differ along the loop
 * that a strip would go along. */
void
sg_find_powers(sg_nest *n, uint32_t along)
{
	const sg_step *s = n->s;
	const uint32_t *loops = sg_loops_of_values(n);
	const uint32_t turn = n->last[n->ngroups - 1];

	if (n->ext[n->ngroups - 1] != s->ext[turn])
		return;
	for (size_t i = 1; i < s->nvals; i++) {
		const sg_val *v = &s->val[i];
		int64_t more;

		if (!v->needed || v->kind != SG_V_EW || v->op != SG_POW ||
		    !sg_type_is_float((sg_type)v->type) || (loops[v->arg[0]] & s->mask) ||
		    !(loops[v->arg[0]] >> along & 1) ||
		    sg_exponent_of(n, v->arg[1], &more) != turn)
			continue;
		if (!n->power)
			n->power = SG_NEW_ARRAY(n->f->ctx, sg_power *, s->nvals);
		n->power[i] = SG_NEW(n->f->ctx, sg_power);
		*n->power[i] = (sg_power){.base = v->arg[0], .more = more};
	}
}

/* ---- polynomials ---- */

/* The power among the factors of a sum's term, 0 or 1; 2: it is the term; 3: there is none. */
static int
factor_that_is_power(const sg_nest *n, uint32_t term)
{
	const sg_val *v = &n->s->val[term];

	if (n->power[term])
		return 2;
	if (v->kind != SG_V_EW || v->op != SG_MUL)
		return 3;
	return n->power[v->arg[0]] ? 0 : n->power[v->arg[1]] ? 1 : 3;
}

static uint32_t
power_of(const sg_nest *n)
{
	const uint32_t term = n->s->root[0].val[0];
	const int k = factor_that_is_power(n, term);

	return k == 2 ? term : n->s->val[term].arg[k];
}

/* A sum over x[j] t**j and nothing else, the power read there alone. Each step of Horner's rule
 * rounds twice; a block of terms is half as long therefore as in other sums. */
static bool
is_polynomial(const sg_nest *n)
{
	const sg_step *s = n->s;
	const sg_root *r = &s->root[0];
	const uint16_t op = sg_fn_node(n->f, r->ref)->op;
	uint32_t npowers = 0;
	int64_t v;

	if (s->nroots != 1 || r->kind != SG_R_FOLD || (op != SG_SUM && op != SG_CONTRACT) ||
	    factor_that_is_power(n, r->val[0]) == 3 ||
	    !(r->tree || (sg_ext_const(n->f->sp, n->ext[n->ngroups - 2], &v) &&
	                  v <= SG_BLOCK_OF_HORNER)))
		return false;
	for (size_t i = 1; i < s->nvals; i++)
		npowers += n->power[i] != NULL;
	for (size_t i = 1; i < s->nvals; i++)
		for (uint32_t k = 0; k < s->val[i].nargs; k++)
			npowers += s->val[i].needed && i != r->val[0] &&
			           n->power[s->val[i].arg[k]] != NULL;
	return npowers == 1 && n->power[power_of(n)]->more == 0 && n->nkept + 2 == n->ngroups;
}

void
sg_find_polynomial(sg_nest *n)
{
	n->horner = n->power && is_polynomial(n);
}

/* ---- text ---- */

void
sg_print_for_lanes(sg_nest *n, uint32_t at, bool all, const char *to)
{
	sg_fn *f = n->f;
	const sg_step *s = n->s;
	bool *wanted = SG_NEW_ARRAY(f->ctx, bool, s->nvals);
	sg_buf *out = f->b, text;

	wanted[at] = true;
	for (uint32_t i = at + 1; i-- > 1;)
		for (uint32_t k = 0; wanted[i] && k < s->val[i].nargs; k++)
			wanted[s->val[i].arg[k]] = true;
	sg_buf_init(&text, f->ctx);
	f->b = &text;
	f->indent++;
	for (uint32_t i = 1; i <= at; i++)
		if (wanted[i] && (all || s->val[i].depth == n->ngroups || !s->val[i].needed))
			sg_print_val(n, &n->s->val[i]);
	sg_line(f, "%s[%s] = %s;", to, n->lane, s->val[at].text);
	f->indent--;
	f->b = out;
	sg_print_lane(n, sg_buf_text(&text));
}

static const char *
exponent_text(const sg_nest *n, const char *turn, int64_t more)
{
	if (more == 0)
		return turn;
	return sg_text(n->f->ctx, "%s %c %lld", turn, more < 0 ? '-' : '+',
	               (long long)(more < 0 ? -more : more));
}

void
sg_open_powers(sg_nest *n)
{
	sg_fn *f = n->f;
	const uint32_t d = n->ngroups - 2;

	for (size_t i = 1; i < n->s->nvals; i++) {
		sg_power *p = n->power[i];
		const sg_type t = (sg_type)n->s->val[i].type;

		if (!p)
			continue;
		p->name = sg_name_fresh(&f->names, "powers");
		for (sg_moments *m = n->s->gives; m; m = m->next)
			m->name = m->power == i ? p->name : m->name;
		p->factor = sg_name_fresh(&f->names, "factor");
		sg_line(f, "%s %s;", sg_use_typed(f->m, "powers", t), p->name);
		sg_print_for_lanes(n, p->base, false, sg_text(f->ctx, "%s.t", p->name));
		sg_line(f, "%s(&%s, %s, %s, %s);", sg_use_typed(f->m, "powers_start", t), p->name,
		        n->width, exponent_text(n, sg_nest_from(n, d), p->more),
		        exponent_text(n, sg_nest_to(n, d), p->more));
	}
}

void
sg_step_powers(sg_nest *n)
{
	sg_fn *f = n->f;

	for (size_t i = 1; i < n->s->nvals; i++)
		if (n->power[i])
			sg_line(f, "const double *const %s = %s(&%s, %s, %s);", n->power[i]->factor,
			        sg_use_typed(f->m, "powers_next", (sg_type)n->s->val[i].type),
			        n->power[i]->name, n->width,
			        exponent_text(n, f->loop[n->ngroups - 2], n->power[i]->more));
}

void
sg_print_horner_step(sg_nest *n, const sg_root *r)
{
	sg_fn *f = n->f;
	const sg_val *term = &n->s->val[r->val[0]];
	const int k = factor_that_is_power(n, r->val[0]);

	sg_line(f, "%s = %s * %s.t[%s] + %s;", r->into, r->into, n->power[power_of(n)]->name,
	        n->lane,
	        k == 2 ? (term->type == SG_F32 ? "1.0f" : "1.0")
	               : sg_c_paren(f, sg_val_text(n, term->arg[1 - k]), SG_PREC_MUL));
}

/* A block that begins at `from` is that power times what Horner's rule gave. */
static void
times_first_power(sg_nest *n, const sg_root *r, sg_type t, const char *from)
{
	sg_fn *f = n->f;
	const sg_c_text arg[2] = {
	    {sg_text(f->ctx, "%s.t[%s]", n->power[power_of(n)]->name, n->lane), SG_PREC_ATOM},
	    sg_c_cast(f, SG_I64, t, (sg_c_text){from, SG_PREC_ATOM})};

	sg_line(f, "if (%s > 0) {", from);
	f->indent++;
	sg_open_lane(n, false);
	sg_line(f, "%s *= %s;", r->into, sg_c_op(f, SG_POW, t, t, false, arg).s);
	sg_close(n);
	sg_close(n);
}

/* Where no power of a lane comes near the ends of the range. */
void
sg_print_horner(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	const sg_root *r = &n->s->root[0];
	const sg_type t = (sg_type)n->s->val[r->val[0]].type;
	const char *i = f->loop[d], *name = n->power[power_of(n)]->name;
	sg_val *term = &n->s->val[r->val[0]], *power = &n->s->val[power_of(n)];

	sg_line(f, "if (%s.nfar == 0) {", name);
	f->indent++;
	sg_line(f, "for (ptrdiff_t %s = %s; %s-- > %s;) {", i, to, i, from);
	f->indent++;
	n->by_horner = true;
	term->needed = power->needed = false;
	sg_print_level(n, d + 1);
	term->needed = power->needed = true;
	n->by_horner = false;
	sg_close(n);
	if (r->tree)
		times_first_power(n, r, t, from);
	f->indent--;
	sg_line(f, "} else {");
	f->indent++;
	sg_print_nest_loop(n, d, from, to);
	sg_close(n);
}
