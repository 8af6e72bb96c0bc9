/* quotient.c - indices divided by extents, where that can't be done before the program runs. */
#include "back/demand.h"

/* The greatest that variable `var` of an index is, its least being 0. False: that is not known. */
static bool
find_most(const sg_asker *a, uint32_t var, sg_ext *most)
{
	const sg_step *s = &a->f->step[a->step];
	sg_space *sp = a->f->sp;
	const sg_ext one = sg_ext_int(sp, 1);

	if (var < SG_VAR_VALUE) {
		*most = var < s->nloops ? sg_ext_sub(sp, s->ext[var], one) : one;
		return var < s->nloops;
	}
	const sg_val *v = &s->val[var - SG_VAR_VALUE];
	if (v->kind != SG_V_MOD && v->kind != SG_V_RING &&
	    (v->kind != SG_V_DIV || v->most == (sg_ext)SG_NO_MOST))
		return false;
	*most = v->kind == SG_V_DIV ? v->most : sg_ext_sub(sp, v->ext, one);
	return true;
}

/* x = by*whole + left, 0 <= left <= *most. False: nothing can be said of it. */
static bool
split_form(const sg_asker *a, sg_aff x, sg_ext by, sg_aff *whole, sg_aff *left, sg_ext *most)
{
	sg_fn *f = a->f;
	sg_space *sp = f->sp;
	const sg_affine form = f->aff[x];
	sg_ext base = sg_ext_div(sp, form.base, by), m;
	int64_t number;

	if (sg_ext_mul(sp, base, by) != form.base && !sg_ext_const(sp, base, &number))
		base = sg_ext_int(sp, 0);
	*whole = sg_aff_ext(f, base);
	*most = sg_ext_sub(sp, form.base, sg_ext_mul(sp, base, by));
	*left = sg_aff_ext(f, *most);
	if (!sg_ext_nonneg(sp, *most))
		return false;
	for (uint32_t i = 0; i < form.n; i++) {
		const sg_aff_term t = form.term[i];
		const sg_ext q = sg_ext_div(sp, t.coef, by);
		const sg_aff var = sg_aff_var(f, t.var);

		if (sg_ext_mul(sp, q, by) == t.coef) {
			*whole = sg_aff_add(f, *whole, sg_aff_scale(f, var, q));
			continue;
		}
		if (!find_most(a, t.var, &m) || !sg_ext_nonneg(sp, t.coef))
			return false;
		*left = sg_aff_add(f, *left, sg_aff_scale(f, var, t.coef));
		*most = sg_ext_add(sp, *most, sg_ext_mul(sp, t.coef, m));
	}
	return true;
}

/* x is the quotient of y by *c, as another one said. */
static bool
is_quotient(const sg_asker *a, sg_aff x, sg_aff *y, sg_ext *c)
{
	const sg_affine form = a->f->aff[x];
	const sg_val *v;

	if (form.n != 1 || form.term[0].var < SG_VAR_VALUE || !sg_is_1(a->f, form.term[0].coef) ||
	    !sg_ext_is(a->f->sp, form.base, 0))
		return false;
	v = &a->f->step[a->step].val[form.term[0].var - SG_VAR_VALUE];
	*y = v->aff;
	*c = v->ext;
	return v->kind == SG_V_DIV;
}

/* x = unit*whole + left, 0 <= left < unit, where unit > 1 divides by: the quotient is that of whole
 * by by/unit. Units are tried that one of x's variables moves by. */
static bool
has_unit(const sg_asker *a, sg_aff x, sg_ext by, sg_ext *unit, sg_aff *whole, sg_aff *left)
{
	sg_space *sp = a->f->sp;
	const sg_affine form = a->f->aff[x];
	sg_ext most;

	for (uint32_t i = 0; i < form.n; i++) {
		const sg_ext u = form.term[i].coef, q = sg_ext_div(sp, by, u);
		int64_t v;

		if (!sg_ext_const(sp, u, &v) || v < 2 || q == sg_ext_int(sp, 1) ||
		    sg_ext_mul(sp, q, u) != by || !split_form(a, x, u, whole, left, &most) ||
		    !sg_ext_nonneg(sp, sg_ext_sub(sp, sg_ext_int(sp, v - 1), most)))
			continue;
		*unit = u;
		return true;
	}
	return false;
}

/* The quotient of x by `by`, which neither divides a part of it nor is greater. */
static sg_aff
quotient_value(sg_asker *a, sg_aff x, sg_ext by, sg_ext most, bool rest)
{
	sg_fn *f = a->f;
	const sg_ext up = most == (sg_ext)SG_NO_MOST ? most : sg_ext_div(f->sp, most, by);
	const sg_val v = {
	    .kind = rest ? SG_V_MOD : SG_V_DIV, .type = SG_I64, .aff = x, .ext = by, .most = up};

	return sg_value_var(f, sg_val_once(a, rest ? SG_KEY_MOD : SG_KEY_DIV, x, 1, &by, v));
}

/* x is not negative. What by divides goes out of it, and what is less than by, as far as that is
 * known. By 0 it stands in a loop of no turns, or would, did it depend on that. */
sg_aff
sg_quotient(sg_asker *a, sg_aff x, sg_ext by, bool rest)
{
	sg_fn *f = a->f;
	const sg_ext one = sg_ext_int(f->sp, 1);
	sg_aff whole = sg_aff_zero(f), left, y, part;
	sg_ext most, unit, c;

	if (sg_ext_is(f->sp, by, 0))
		return whole;
	if (split_form(a, x, by, &whole, &left, &most)) {
		if (sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, sg_ext_sub(f->sp, by, one), most)))
			return rest ? left : whole;
		x = left;
	} else {
		most = (sg_ext)SG_NO_MOST;
		whole = sg_aff_zero(f);
	}
	if (!rest && is_quotient(a, x, &y, &c)) {
		part = sg_quotient(a, y, sg_ext_mul(f->sp, c, by), false);
	} else if (most != (sg_ext)SG_NO_MOST && has_unit(a, x, by, &unit, &y, &left)) {
		part = sg_quotient(a, y, sg_ext_div(f->sp, by, unit), rest);
		if (rest)
			return sg_aff_add(f, sg_aff_scale(f, part, unit), left);
	} else {
		part = quotient_value(a, x, by, most, rest);
	}
	return rest ? part : sg_aff_add(f, whole, part);
}

bool
sg_is_below(const sg_asker *a, sg_aff x, sg_ext end)
{
	sg_space *sp = a->f->sp;
	sg_aff whole, left;
	sg_ext most;

	return split_form(a, x, end, &whole, &left, &most) && whole == sg_aff_zero(a->f) &&
	       sg_ext_nonneg(sp, sg_ext_sub(sp, sg_ext_sub(sp, end, sg_ext_int(sp, 1)), most));
}
