/* algebra_node.c - a form becomes nodes, in the order in which people write: coefficients first,
 * what has negative powers under one fraction bar, positive numbers before and negative ones after
 * the rest of a sum. Nodes are made as they stand: the order of operands is what the printer will
 * show. */
#include "pass/algebra.h"

#include <math.h>
#include <string.h>

sg_ref
sg_raw_node(sg_algebra_state *a, sg_op op, sg_ref x, sg_ref y)
{
	const sg_ref args[2] = {x, y};

	return sg_node_make(a->b.g, (uint16_t)op, a->type, a->shape, y ? 2 : 1, args, NULL);
}

static sg_ref
number(sg_algebra_state *a, double v)
{
	return sg_const(&a->b, a->type, a->shape, v);
}

/* x to a positive power. */
static sg_ref
power(sg_algebra_state *a, sg_ref x, double e)
{
	if (e == 1)
		return x;
	if (e == 2)
		return sg_raw_node(a, SG_SQUARE, x, 0);
	if (e == 0.5)
		return sg_raw_node(a, SG_SQRT, x, 0);
	return sg_raw_node(a, SG_POW, x, number(a, e));
}

/* Where the user first sees it: conversions and broadcasts come when what is inside them does. */
static sg_ref
place(const sg_algebra_state *a, sg_ref base)
{
	const sg_node *n = sg_node_at(a->b.g, base);

	while (n->op == SG_BROADCAST || n->op == SG_CAST || n->op == SG_RESHAPE) {
		base = n->args[0];
		n = sg_node_at(a->b.g, base);
	}
	return base;
}

static sg_factor *
in_order(sg_algebra_state *a, const sg_product *p)
{
	sg_factor *f = SG_NEW_ARRAY(a->b.ctx, sg_factor, p->n);

	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t k = i;

		for (; k && place(a, f[k - 1].base) > place(a, p->f[i].base); k--)
			f[k] = f[k - 1];
		f[k] = p->f[i];
	}
	return f;
}

/* first * f[..] of positive (sign 1) or negative powers; first = 0: nothing. 0: nothing at all. */
static sg_ref
multiply(sg_algebra_state *a, sg_ref first, uint32_t n, const sg_factor *f, double sign)
{
	for (uint32_t i = 0; i < n; i++) {
		sg_ref x;

		if (f[i].e * sign < 0)
			continue;
		x = power(a, f[i].base, fabs(f[i].e));
		first = first ? sg_raw_node(a, SG_MUL, first, x) : x;
	}
	return first;
}

/* The product without its sign. */
static sg_ref
product_node(sg_algebra_state *a, const sg_product *p)
{
	const sg_factor *f = in_order(a, p);
	const double above = p->c.exact ? fabs((double)p->c.n) : fabs(p->c.v);
	const double below = p->c.exact ? (double)p->c.d : 1;
	sg_ref top, bottom;

	if (p->n == 0)
		return number(a, fabs(p->c.v));
	bottom = multiply(a, below != 1 ? number(a, below) : 0, p->n, f, -1);
	top = multiply(a, above != 1 ? number(a, above) : 0, p->n, f, 1);
	if (!bottom)
		return top ? top : number(a, 1);
	return top ? sg_raw_node(a, SG_DIV, top, bottom) : sg_raw_node(a, SG_RECIP, bottom, 0);
}

/* Terms as they are to be written: a positive number first, a negative one last, otherwise as they
 * come, but a positive one in front. */
static sg_product *
written_order(sg_algebra_state *a, sg_form x)
{
	sg_product *t = SG_NEW_ARRAY(a->b.ctx, sg_product, x.n), c;
	uint32_t n = 0, k = 0;

	for (uint32_t i = 0; i < x.n; i++)
		if (!x.term[i].n && x.term[i].c.v > 0)
			t[n++] = x.term[i];
	for (uint32_t i = 0; i < x.n; i++)
		if (x.term[i].n)
			t[n++] = x.term[i];
	for (uint32_t i = 0; i < x.n; i++)
		if (!x.term[i].n && x.term[i].c.v < 0)
			t[n++] = x.term[i];
	while (k < n && t[k].c.v < 0)
		k++;
	if (k < n) {
		c = t[k];
		memmove(t + 1, t, k * sizeof *t);
		t[0] = c;
	}
	return t;
}

static void
remember(sg_algebra_state *a, sg_ref r, sg_form x)
{
	while (a->sum_cap <= r) {
		const size_t cap = a->sum_cap ? 2 * a->sum_cap : 256;
		sg_form *more = SG_NEW_ARRAY(a->b.ctx, sg_form, cap);

		if (a->sum_cap)
			memcpy(more, a->sum, a->sum_cap * sizeof *more);
		a->sum = more;
		a->sum_cap = cap;
	}
	a->sum[r] = x;
}

bool
sg_base_sum(const sg_algebra_state *a, sg_ref base, sg_form *sum)
{
	if (base >= a->sum_cap || !a->sum[base].n)
		return false;
	*sum = a->sum[base];
	return true;
}

sg_ref
sg_form_node(sg_algebra_state *a, sg_form x)
{
	const sg_product *t;
	sg_ref r;

	if (x.n == 0)
		return number(a, 0);
	t = written_order(a, x);
	if (x.n == 1 && t[0].n == 0)
		return number(a, t[0].c.v);
	r = product_node(a, &t[0]);
	if (t[0].c.v < 0)
		r = sg_raw_node(a, SG_NEG, r, 0);
	for (uint32_t i = 1; i < x.n; i++)
		r = sg_raw_node(a, t[i].c.v < 0 ? SG_SUB : SG_ADD, r, product_node(a, &t[i]));
	if (x.n > 1)
		remember(a, r, x);
	return r;
}
