/* algebra.h - private to floor 4: sums of products, in which algebra.c thinks.
 *
 * A form is a sum of terms; a term is a coefficient times powers of bases; a base is a node of the
 * new graph whose inside is of no interest. Coefficients are fractions as long as they are small
 * ones. */
#ifndef SG_PASS_ALGEBRA_H
#define SG_PASS_ALGEBRA_H

#include "pass/pass.h"

enum { SG_MAX_TERMS = 32, SG_MAX_FACTORS = 32 };

typedef struct sg_coef {
	bool exact;
	int64_t n, d; /* exact: n/d in lowest terms, d > 0 */
	double v;     /* always the value */
} sg_coef;

typedef struct sg_factor {
	sg_ref base;
	double e; /* not 0 */
} sg_factor;

typedef struct sg_product {
	sg_coef c; /* not 0 */
	uint32_t n;
	const sg_factor *f; /* by base, ascending, each once */
} sg_product;

typedef struct sg_form {
	uint32_t n;             /* 0: zero */
	const sg_product *term; /* no two with the same factors */
} sg_form;

typedef struct sg_algebra_state {
	sg_build b;
	const sg_input *input; /* for their names */
	sg_type type;          /* of what is being built */
	const sg_shape *shape;
	sg_form *sum; /* by node of the new graph: what it was made of; .n = 0: not known */
	size_t sum_cap;
} sg_algebra_state;

sg_coef sg_coef_int(int64_t n);
sg_coef sg_coef_of(double v,
                   sg_type t); /* a fraction where v is the nearest number to a simple one */
sg_coef sg_coef_mul(sg_coef a, sg_coef b);
sg_coef sg_coef_add(sg_coef a, sg_coef b);
sg_coef sg_coef_pow(sg_coef a, double e); /* exact for small integers e */
sg_coef sg_coef_abs(sg_coef a);
bool sg_coef_is(sg_coef a, int64_t n);

sg_form sg_form_base(sg_algebra_state *a, sg_ref base, double e);
sg_form sg_form_number(sg_algebra_state *a, sg_coef c);
sg_form sg_form_term(sg_algebra_state *a, const sg_product *p);
sg_form sg_form_add(sg_algebra_state *a, sg_form x, sg_form y, int64_t sign);
sg_form sg_form_scale(sg_algebra_state *a, sg_form x, sg_coef c);
bool sg_form_is_number(sg_form x, sg_coef *c);
bool sg_same_factors(const sg_product *a, const sg_product *b);
sg_product sg_product_mul(sg_algebra_state *a, const sg_product *x, const sg_product *y);
/* The power of base in the product, 0 if it is not there. */
double sg_exponent(const sg_product *p, sg_ref base);
sg_product sg_without(sg_algebra_state *a, const sg_product *p, sg_ref base);
/* Every term of x times every term of y. */
sg_form sg_form_expand(sg_algebra_state *a, sg_form x, sg_form y);
/* The shorter of what it is and what it can be made (algebra_sum.c). */
sg_form sg_form_shorten(sg_algebra_state *a, sg_form x);
/* One product; a sum becomes a base of its own. */
sg_product sg_form_product(sg_algebra_state *a, sg_form x);
/* The product with its exponentials joined, conjugates multiplied out ... */
sg_product sg_product_tidy(sg_algebra_state *a, sg_product p);

/* A coefficient that is a simple fraction times a known number (log(2), sqrt(pi) ...): the
 * fraction, and that number as a factor. */
bool sg_known_number(sg_algebra_state *a, sg_coef c, sg_coef *rest, sg_factor *f);

/* ---- into nodes (algebra_node.c) ---- */

/* A node of the new graph as a form: what it was made of, or a base. */
sg_form sg_form_of_node(sg_algebra_state *a, sg_ref r);

sg_ref sg_form_node(sg_algebra_state *a, sg_form x);
sg_ref sg_raw_node(sg_algebra_state *a, sg_op op, sg_ref x, sg_ref y); /* y 0: unary */
/* The sum that a base is, if it is one. */
bool sg_base_sum(const sg_algebra_state *a, sg_ref base, sg_form *sum);

#endif
