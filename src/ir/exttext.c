/* exttext.c - extents as text: as the user writes them, and as C. */
#include "ir/space.h"

/* ---- in the language ---- */

/* A part of a sum: coef times a monomial, or coef*(p // k). */
typedef struct part {
	int64_t coef;
	sg_term term;
	bool folded;
	sg_ext p;
	int64_t k;
} part;

typedef struct parts {
	part *item;
	size_t n, cap;
} parts;

/* The summands of e. A quotient takes back what is outside and can stand in its numerator:
 * (N + 1)//2 - 1 is (N - 1)//2. */
static parts
split(sg_space *sp, sg_ext e)
{
	parts ps = {0};
	uint32_t i = 0;

	while (i < sg_poly_at(sp, e)->n) {
		part f = {.term = sg_poly_at(sp, e)->term[i], .folded = true};
		sg_ext rest;

		f.coef = f.term.coef;
		if (f.term.n == 1 && sg_fac_is_atom(f.term.fac[0]) &&
		    sg_ext_fold(sp, e, i, &f.p, &f.k, &rest)) {
			SG_PUSH(sp->ctx, ps.item, ps.n, ps.cap, f);
			e = rest;
			i = 0;
		} else {
			i++;
		}
	}
	for (i = 0; i < sg_poly_at(sp, e)->n; i++) {
		sg_term t = sg_poly_at(sp, e)->term[i];

		SG_PUSH(sp->ctx, ps.item, ps.n, ps.cap, (part){.coef = t.coef, .term = t});
	}
	return ps;
}

/* Does it stand in a product or quotient without parentheses, on the left? */
static bool
is_product(sg_space *sp, sg_ext e)
{
	parts ps = split(sp, e);

	return ps.n == 0 || (ps.n == 1 && ps.item[0].coef > 0);
}

static void
print_operand(sg_space *sp, sg_buf *b, sg_ext e, bool left)
{
	const sg_poly *p = sg_poly_at(sp, e);
	bool bare = left ? is_product(sp, e)
	                 : sg_ext_as_dim(sp, e, NULL) ||
	                       (sg_ext_const(sp, e, NULL) && (!p->n || p->term[0].coef > 0));

	if (!bare)
		sg_buf_putc(b, '(');
	sg_ext_print(sp, b, e);
	if (!bare)
		sg_buf_putc(b, ')');
}

static void
print_extreme(sg_space *sp, sg_buf *b, const sg_atom *a)
{
	sg_buf_puts(b, a->kind == SG_ATOM_MIN ? "min(" : "max(");
	sg_ext_print(sp, b, a->p);
	sg_buf_puts(b, ", ");
	sg_ext_print(sp, b, a->q);
	sg_buf_putc(b, ')');
}

static void
print_quotient(sg_space *sp, sg_buf *b, sg_ext p, sg_ext q)
{
	print_operand(sp, b, p, true);
	sg_buf_puts(b, "//");
	print_operand(sp, b, q, false);
}

static void
print_factor(sg_space *sp, sg_buf *b, uint32_t f, bool alone)
{
	const sg_atom a = sg_fac_is_atom(f) ? *sg_atom_of(sp, f) : (sg_atom){0};

	if (!sg_fac_is_atom(f)) {
		sg_buf_puts(b, sp->dim[f / 2].name);
		return;
	}
	if (a.kind != SG_ATOM_QUOTIENT) {
		print_extreme(sp, b, &a);
		return;
	}
	if (!alone)
		sg_buf_putc(b, '(');
	print_quotient(sp, b, a.p, a.q);
	if (!alone)
		sg_buf_putc(b, ')');
}

/* The part without its sign. bare: a quotient needs no parentheses (unary - binds tighter). */
static void
print_part(sg_space *sp, sg_buf *b, const part *p, bool bare)
{
	uint64_t size = p->coef < 0 ? 0 - (uint64_t)p->coef : (uint64_t)p->coef;
	bool one = size == 1;

	if (!one || (!p->folded && !p->term.n))
		sg_buf_printf(b, "%llu", (unsigned long long)size);
	if (p->folded) {
		sg_buf_puts(b, one ? bare ? "" : "(" : "*(");
		print_quotient(sp, b, p->p, sg_ext_int(sp, p->k));
		sg_buf_puts(b, one && bare ? "" : ")");
		return;
	}
	for (uint32_t i = 0; i < p->term.n; i++) {
		sg_buf_puts(b, i || !one ? "*" : "");
		print_factor(sp, b, p->term.fac[i], bare && one && p->term.n == 1);
	}
}

void
sg_ext_print(sg_space *sp, sg_buf *b, sg_ext e)
{
	parts ps = split(sp, e);
	size_t first = 0;

	while (first < ps.n && ps.item[first].coef < 0)
		first++;
	if (first == ps.n)
		first = 0;
	if (ps.n == 0) {
		sg_buf_putc(b, '0');
		return;
	}
	sg_buf_puts(b, ps.item[first].coef < 0 ? "-" : "");
	print_part(sp, b, &ps.item[first], ps.item[first].coef > 0);
	for (size_t i = 0; i < ps.n; i++)
		if (i != first) {
			sg_buf_puts(b, ps.item[i].coef < 0 ? " - " : " + ");
			print_part(sp, b, &ps.item[i], true);
		}
}

const char *
sg_ext_text(sg_space *sp, sg_ext e)
{
	sg_buf b;

	sg_buf_init(&b, sp->ctx);
	sg_ext_print(sp, &b, e);
	return sg_buf_text(&b);
}

/* ---- in C ---- */

typedef struct c_writer {
	const sg_space *sp;
	sg_buf *b;
	const char *(*name)(void *arg, uint32_t dim);
	void *arg;
	const char *const *fn; /* by kind of atom */
} c_writer;

static void c_sum(const c_writer *w, sg_ext e);

static void
c_number(const c_writer *w, int64_t v)
{
	if (v == INT64_MIN)
		sg_buf_puts(w->b, "(-9223372036854775807 - 1)");
	else
		sg_buf_printf(w->b, "%lld", (long long)v);
}

static void
c_factor(const c_writer *w, uint32_t f)
{
	if (!sg_fac_is_atom(f)) {
		sg_buf_puts(w->b, w->name(w->arg, f / 2));
		return;
	}
	const sg_atom *a = sg_atom_of(w->sp, f);

	sg_buf_printf(w->b, "%s(", w->fn[a->kind]);
	c_sum(w, a->p);
	sg_buf_puts(w->b, ", ");
	c_sum(w, a->q);
	sg_buf_putc(w->b, ')');
}

/* A summand; what follows the first one brings its sign as an operator. */
static void
c_term(const c_writer *w, const sg_term *t, bool first)
{
	int64_t k = t->coef;

	if (!first) {
		bool minus = k < 0 && k != INT64_MIN;

		sg_buf_puts(w->b, minus ? " - " : " + ");
		k = minus ? -k : k;
	}
	if (t->n && k == -1)
		sg_buf_putc(w->b, '-');
	else if (!t->n || k != 1)
		c_number(w, k);
	for (uint32_t i = 0; i < t->n; i++) {
		sg_buf_puts(w->b, i || (k != 1 && k != -1) ? " * " : "");
		c_factor(w, t->fac[i]);
	}
}

static void
c_sum(const c_writer *w, sg_ext e)
{
	const sg_poly *p = sg_poly_at(w->sp, e);

	if (p->n == 0)
		sg_buf_putc(w->b, '0');
	for (uint32_t i = 0; i < p->n; i++)
		c_term(w, &p->term[i], i == 0);
}

void
sg_ext_print_c(const sg_space *sp, sg_buf *b, sg_ext e,
               const char *(*name)(void *arg, uint32_t dim), void *arg, const char *const fn[3])
{
	const c_writer w = {sp, b, name, arg, fn};
	const sg_poly *p = sg_poly_at(sp, e);
	bool bare =
	    p->n == 0 || (p->n == 1 && (p->term[0].n ? p->term[0].n == 1 && p->term[0].coef == 1
	                                             : p->term[0].coef > 0));

	if (!bare)
		sg_buf_putc(b, '(');
	c_sum(&w, e);
	if (!bare)
		sg_buf_putc(b, ')');
}
