/* extent.c - extents: normal form, interning, sums, products, values. Division: extdiv.c. */
#include "ir/space.h"

#include <string.h>

sg_space *
sg_space_new(sg_ctx *ctx)
{
	sg_space *sp = SG_NEW(ctx, sg_space);
	sg_term one = {.coef = 1};

	sp->ctx = ctx;
	sp->poly_map = sg_bytes_map_new(ctx);
	sp->atom_map = sg_bytes_map_new(ctx);
	sp->done = sg_bytes_map_new(ctx);
	sp->shape_map = sg_bytes_map_new(ctx);
	sp->attr_map = sg_bytes_map_new(ctx);
	sg_ext_of_terms(sp, 0, NULL);
	sg_ext_of_terms(sp, 1, &one);
	sp->scalar = sg_shape_make(sp, 0, NULL);
	return sp;
}

sg_ctx *
sg_space_ctx(const sg_space *sp)
{
	return sp->ctx;
}

uint32_t
sg_space_add_dim(sg_space *sp, const char *name, sg_span at)
{
	if (sp->ndims >= UINT32_MAX / 4)
		sg_raise(sp->ctx, SG_FAULT_LIMIT, "too many dimensions");
	SG_PUSH(sp->ctx, sp->dim, sp->ndims, sp->dim_cap, (sg_dim){sg_intern_z(sp->ctx, name), at});
	return (uint32_t)(sp->ndims - 1);
}

uint32_t
sg_space_ndims(const sg_space *sp)
{
	return (uint32_t)sp->ndims;
}

const sg_dim *
sg_space_dim(const sg_space *sp, uint32_t d)
{
	return &sp->dim[d];
}

/* ---- interning ---- */

int
sg_term_cmp(const sg_term *a, const sg_term *b)
{
	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->fac[i] != b->fac[i])
			return a->fac[i] < b->fac[i] ? -1 : 1;
	return 0;
}

static void
push_word(sg_space *sp, int64_t w)
{
	SG_PUSH(sp->ctx, sp->word, sp->nwords, sp->word_cap, w);
}

static const sg_term *
copy_terms(sg_ctx *ctx, uint32_t n, const sg_term *t)
{
	sg_term *c = SG_NEW_ARRAY(ctx, sg_term, n);

	for (uint32_t i = 0; i < n; i++) {
		c[i] = t[i];
		c[i].fac = t[i].n ? sg_copy(ctx, t[i].fac, t[i].n * sizeof *t[i].fac) : NULL;
	}
	return c;
}

sg_ext
sg_ext_of_terms(sg_space *sp, uint32_t n, const sg_term *t)
{
	void **at;

	sp->nwords = 0;
	for (uint32_t i = 0; i < n; i++) {
		push_word(sp, t[i].coef);
		push_word(sp, t[i].n);
		for (uint32_t k = 0; k < t[i].n; k++)
			push_word(sp, t[i].fac[k]);
	}
	at = sg_bytes_map_at(sp->poly_map, sp->nwords ? (const void *)sp->word : "",
	                     sp->nwords * sizeof *sp->word);
	if (!*at) {
		sg_poly p = {n, n ? copy_terms(sp->ctx, n, t) : NULL};

		if (sp->npolys >= UINT32_MAX - 1)
			sg_raise(sp->ctx, SG_FAULT_LIMIT, "too many extents");
		SG_PUSH(sp->ctx, sp->poly, sp->npolys, sp->poly_cap, p);
		*at = (void *)(uintptr_t)sp->npolys; /* handle + 1 */
	}
	return (sg_ext)((uintptr_t)*at - 1);
}

sg_ext
sg_ext_of_term(sg_space *sp, const sg_term *t)
{
	return sg_ext_of_terms(sp, t->coef ? 1 : 0, t);
}

static uint32_t
add_capped(uint32_t a, uint32_t b)
{
	return a + b > SG_MAX_ATOM_WEIGHT ? SG_MAX_ATOM_WEIGHT + 1 : a + b;
}

static void
measure(const sg_space *sp, sg_ext e, sg_atom *a)
{
	const sg_poly *p = sg_poly_at(sp, e);

	for (uint32_t i = 0; i < p->n; i++)
		for (uint32_t k = 0; k < p->term[i].n; k++) {
			uint32_t f = p->term[i].fac[k];
			const sg_atom *in = sg_atom_of(sp, f);

			if (!sg_fac_is_atom(f))
				continue;
			a->weight = add_capped(a->weight, in->weight);
			if (a->depth < in->depth + 1)
				a->depth = in->depth + 1;
		}
}

sg_ext
sg_ext_atom(sg_space *sp, sg_atom_kind kind, sg_ext p, sg_ext q)
{
	const uint32_t key[3] = {(uint32_t)kind, p, q};
	void **at = sg_bytes_map_at(sp->atom_map, key, sizeof key);
	uint32_t fac;

	if (!*at) {
		sg_atom a = {.kind = (uint8_t)kind, .p = p, .q = q, .depth = 1, .weight = 1};

		measure(sp, p, &a);
		measure(sp, q, &a);
		if (a.depth > SG_MAX_ATOM_DEPTH || a.weight > SG_MAX_ATOM_WEIGHT ||
		    sp->natoms >= UINT32_MAX / 4)
			sg_raise(sp->ctx, SG_FAULT_LIMIT, "an extent nests too many quotients");
		SG_PUSH(sp->ctx, sp->atom, sp->natoms, sp->atom_cap, a);
		*at = (void *)(uintptr_t)sp->natoms;
	}
	fac = sg_fac_atom((uint32_t)((uintptr_t)*at - 1));
	return sg_ext_of_term(sp, &(sg_term){1, 1, &fac});
}

sg_ext
sg_ext_int(sg_space *sp, int64_t v)
{
	sg_ext e;

	if (v == 0 && sp->npolys)
		return 0;
	if (v >= 0 && v < SG_SMALL && sp->small[v])
		return sp->small[v];
	e = sg_ext_of_term(sp, &(sg_term){.coef = v});
	if (v >= 0 && v < SG_SMALL)
		sp->small[v] = e;
	return e;
}

sg_ext
sg_ext_dim(sg_space *sp, uint32_t dim)
{
	uint32_t fac = sg_fac_dim(dim);

	return sg_ext_of_term(sp, &(sg_term){1, 1, &fac});
}

/* ---- questions ---- */

bool
sg_ext_const(const sg_space *sp, sg_ext e, int64_t *v)
{
	const sg_poly *p = sg_poly_at(sp, e);

	if (p->n > 1 || (p->n == 1 && p->term[0].n))
		return false;
	if (v)
		*v = p->n ? p->term[0].coef : 0;
	return true;
}

bool
sg_ext_is(const sg_space *sp, sg_ext e, int64_t v)
{
	int64_t is;

	return sg_ext_const(sp, e, &is) && is == v;
}

bool
sg_ext_as_dim(const sg_space *sp, sg_ext e, uint32_t *dim)
{
	const sg_poly *p = sg_poly_at(sp, e);
	const sg_term *t = p->term;

	if (p->n != 1 || t->coef != 1 || t->n != 1 || sg_fac_is_atom(t->fac[0]))
		return false;
	if (dim)
		*dim = t->fac[0] / 2;
	return true;
}

bool
sg_ext_uses(const sg_space *sp, sg_ext e, uint32_t dim)
{
	const sg_poly *p = sg_poly_at(sp, e);

	for (uint32_t i = 0; i < p->n; i++)
		for (uint32_t k = 0; k < p->term[i].n; k++) {
			uint32_t f = p->term[i].fac[k];

			if (f == sg_fac_dim(dim))
				return true;
			if (sg_fac_is_atom(f) && (sg_ext_uses(sp, sg_atom_of(sp, f)->p, dim) ||
			                          sg_ext_uses(sp, sg_atom_of(sp, f)->q, dim)))
				return true;
		}
	return false;
}

int64_t
sg_ext_offset(const sg_space *sp, sg_ext e)
{
	const sg_poly *p = sg_poly_at(sp, e);

	return p->n && !p->term[p->n - 1].n ? p->term[p->n - 1].coef : 0;
}

/* ---- sums and products ---- */

/* Where the result of `op` on a and b would be among the recent ones. */
static sg_done *
recent_at(sg_space *sp, char op, sg_ext a, sg_ext b)
{
	return &sp->recent[(a * 37u + b * 5u + (unsigned char)op) % SG_RECENT];
}

/* Is the result of `op` on a and b known? */
static bool
is_done(sg_space *sp, char op, sg_ext a, sg_ext b, sg_ext *is)
{
	const uint32_t key[3] = {(uint32_t)op, a, b};
	sg_done *r = recent_at(sp, op, a, b);
	const void *at;

	if (r->op != (uint32_t)op || r->a != a || r->b != b) {
		at = sg_bytes_map_get(sp->done, key, sizeof key); /* handle + 1 */
		if (!at)
			return false;
		*r = (sg_done){(uint32_t)op, a, b, (sg_ext)((uintptr_t)at - 1)};
	}
	*is = r->is;
	return true;
}

static sg_ext
keep(sg_space *sp, char op, sg_ext a, sg_ext b, sg_ext is)
{
	const uint32_t key[3] = {(uint32_t)op, a, b};

	*sg_bytes_map_at(sp->done, key, sizeof key) = (void *)((uintptr_t)is + 1);
	*recent_at(sp, op, a, b) = (sg_done){(uint32_t)op, a, b, is};
	return is;
}

/* a + k*b, merged. */
static sg_ext
add_scaled(sg_space *sp, sg_ext a, sg_ext b, int64_t k)
{
	const sg_poly p = *sg_poly_at(sp, a), q = *sg_poly_at(sp, b);
	sg_term *t = SG_NEW_ARRAY(sp->ctx, sg_term, (size_t)p.n + q.n);
	uint32_t i = 0, j = 0, n = 0;

	while (i < p.n || j < q.n) {
		int c = i == p.n ? 1 : j == q.n ? -1 : sg_term_cmp(&p.term[i], &q.term[j]);

		t[n] = c <= 0 ? p.term[i] : q.term[j];
		if (c > 0)
			t[n].coef = sg_mul_size(sp->ctx, q.term[j].coef, k);
		else if (c == 0)
			t[n].coef = sg_add_size(sp->ctx, p.term[i].coef,
			                        sg_mul_size(sp->ctx, q.term[j].coef, k));
		i += c <= 0;
		j += c >= 0;
		n += t[n].coef != 0;
	}
	return sg_ext_of_terms(sp, n, t);
}

sg_ext
sg_ext_add(sg_space *sp, sg_ext a, sg_ext b)
{
	int64_t x, y;
	sg_ext r;

	if (a == 0 || b == 0)
		return a ? a : b;
	if (sg_ext_const(sp, a, &x) && sg_ext_const(sp, b, &y))
		return sg_ext_int(sp, sg_add_size(sp->ctx, x, y));
	if (a > b)
		return sg_ext_add(sp, b, a);
	return is_done(sp, '+', a, b, &r) ? r : keep(sp, '+', a, b, add_scaled(sp, a, b, 1));
}

sg_ext
sg_ext_sub(sg_space *sp, sg_ext a, sg_ext b)
{
	sg_ext r;

	if (b == 0 || a == b)
		return b ? 0 : a;
	return is_done(sp, '-', a, b, &r) ? r : keep(sp, '-', a, b, add_scaled(sp, a, b, -1));
}

static sg_term
mul_terms(sg_space *sp, const sg_term *a, const sg_term *b)
{
	uint32_t i = 0, j = 0, n = 0, *fac;

	if (a->n > 1000 - (b->n < 1000 ? b->n : 1000))
		sg_raise(sp->ctx, SG_FAULT_LIMIT, "an extent has too high a degree");
	fac = SG_NEW_ARRAY(sp->ctx, uint32_t, (size_t)a->n + b->n);
	while (i < a->n || j < b->n)
		fac[n++] =
		    j == b->n || (i < a->n && a->fac[i] <= b->fac[j]) ? a->fac[i++] : b->fac[j++];
	return (sg_term){sg_mul_size(sp->ctx, a->coef, b->coef), n, fac};
}

/* Term by term; the smaller factor leads, so merging adds few long sums. */
static sg_ext
multiply(sg_space *sp, sg_ext a, sg_ext b)
{
	const sg_poly p = *sg_poly_at(sp, a), q = *sg_poly_at(sp, b);
	sg_term *t = SG_NEW_ARRAY(sp->ctx, sg_term, p.n);
	sg_ext sum = 0;

	if (p.n > 10000 / (q.n ? q.n : 1))
		sg_raise(sp->ctx, SG_FAULT_LIMIT, "an extent has too many terms");
	for (uint32_t j = 0; j < q.n; j++) {
		for (uint32_t i = 0; i < p.n; i++)
			t[i] = mul_terms(sp, &p.term[i], &q.term[j]);
		sum = sg_ext_add(sp, sum, sg_ext_of_terms(sp, p.n, t));
	}
	return sum;
}

sg_ext
sg_ext_mul(sg_space *sp, sg_ext a, sg_ext b)
{
	int64_t x, y;
	sg_ext r;

	if (a == 0 || b == 0)
		return 0;
	if (a == 1 || b == 1)
		return a == 1 ? b : a;
	if (sg_ext_const(sp, a, &x) && sg_ext_const(sp, b, &y))
		return sg_ext_int(sp, sg_mul_size(sp->ctx, x, y));
	if (a > b)
		return sg_ext_mul(sp, b, a);
	if (is_done(sp, '*', a, b, &r))
		return r;
	r = sg_poly_at(sp, a)->n < sg_poly_at(sp, b)->n ? multiply(sp, b, a) : multiply(sp, a, b);
	return keep(sp, '*', a, b, r);
}

/* ---- values ---- */

static bool
eval_factor(const sg_space *sp, uint32_t f, const int64_t *dims, int64_t *v)
{
	const sg_atom *a = sg_fac_is_atom(f) ? sg_atom_of(sp, f) : NULL;
	int64_t p, q;

	if (!a) {
		*v = dims[f / 2];
		return true;
	}
	if (!sg_ext_eval(sp, a->p, dims, &p) || !sg_ext_eval(sp, a->q, dims, &q))
		return false;
	if (a->kind != SG_ATOM_QUOTIENT) {
		*v = (p < q) == (a->kind == SG_ATOM_MIN) ? p : q;
		return true;
	}
	if (q == 0 || (p == INT64_MIN && q == -1))
		return false;
	*v = p / q - (p % q && (p < 0) != (q < 0));
	return true;
}

static bool
eval_term(const sg_space *sp, const sg_term *t, const int64_t *dims, int64_t *v)
{
	int64_t f = 1;

	*v = t->coef;
	for (uint32_t k = 0; k < t->n; k++) {
		if ((k == 0 || t->fac[k] != t->fac[k - 1]) && !eval_factor(sp, t->fac[k], dims, &f))
			return false;
		if (__builtin_mul_overflow(*v, f, v))
			return false;
	}
	return true;
}

bool
sg_ext_eval(const sg_space *sp, sg_ext e, const int64_t *dims, int64_t *v)
{
	const sg_poly *p = sg_poly_at(sp, e);
	int64_t term, sum = 0;

	for (uint32_t i = 0; i < p->n; i++)
		if (!eval_term(sp, &p->term[i], dims, &term) ||
		    __builtin_add_overflow(sum, term, &sum))
			return false;
	*v = sum;
	return true;
}

bool
sg_ext_wraps(const sg_space *sp, sg_ext e)
{
	const sg_poly *p = sg_poly_at(sp, e);
	bool wraps = false;

	for (uint32_t i = 0; i < p->n; i++) {
		for (uint32_t k = 0; k < p->term[i].n; k++)
			if (sg_fac_is_atom(p->term[i].fac[k]))
				return false;
		wraps = wraps || p->term[i].n > 1;
	}
	return wraps;
}

int64_t
sg_ext_wrapped(const sg_space *sp, sg_ext e, const int64_t *dims)
{
	const sg_poly *p = sg_poly_at(sp, e);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		uint64_t term = (uint64_t)p->term[i].coef;

		for (uint32_t k = 0; k < p->term[i].n; k++)
			term *= (uint64_t)dims[p->term[i].fac[k] / 2];
		sum += term;
	}
	return (int64_t)sum;
}

/* Is all that the factor needs known? 0: no. */
static bool
factor_known(const sg_space *sp, uint32_t f, uint32_t dim, const bool *known)
{
	for (uint32_t d = 0; d < sp->ndims; d++)
		if (sg_fac_is_atom(f) && (d == dim || !known[d]) &&
		    (sg_ext_uses(sp, sg_atom_of(sp, f)->p, d) ||
		     sg_ext_uses(sp, sg_atom_of(sp, f)->q, d)))
			return false;
	return sg_fac_is_atom(f) || (f != sg_fac_dim(dim) && known[f / 2]);
}

/* The value of the term without `dim`; *has: does dim stand in it, to the first power? */
static bool
affine_term(const sg_space *sp, const sg_term *t, uint32_t dim, const int64_t *dims,
            const bool *known, bool *has, int64_t *v)
{
	int64_t f;

	*has = false;
	*v = t->coef;
	for (uint32_t k = 0; k < t->n; k++) {
		if (t->fac[k] == sg_fac_dim(dim) && !*has) {
			*has = true;
			continue;
		}
		if (!factor_known(sp, t->fac[k], dim, known) ||
		    !eval_factor(sp, t->fac[k], dims, &f) || __builtin_mul_overflow(*v, f, v))
			return false;
	}
	return true;
}

int
sg_ext_solve(const sg_space *sp, sg_ext e, uint32_t dim, const int64_t *dims, const bool *known,
             int64_t value, int64_t *out)
{
	const sg_poly *p = sg_poly_at(sp, e);
	int64_t slope = 0, rest = value, v;
	bool has;

	for (uint32_t i = 0; i < p->n; i++) {
		if (!affine_term(sp, &p->term[i], dim, dims, known, &has, &v))
			return 0;
		if (has ? __builtin_add_overflow(slope, v, &slope)
		        : __builtin_sub_overflow(rest, v, &rest))
			return 0;
	}
	if (slope == 0)
		return 0;
	if ((rest == INT64_MIN && slope == -1) || rest % slope || rest / slope < 0)
		return -1;
	*out = rest / slope;
	return 1;
}

/* ---- renaming ---- */

static sg_ext
subst_factor(sg_space *sp, uint32_t f, const sg_ext *dims)
{
	sg_ext p, q;
	sg_atom a;

	if (!sg_fac_is_atom(f))
		return dims[f / 2];
	a = *sg_atom_of(sp, f);
	p = sg_ext_subst(sp, a.p, dims);
	q = sg_ext_subst(sp, a.q, dims);
	switch ((sg_atom_kind)a.kind) {
	case SG_ATOM_QUOTIENT:
		return sg_ext_div(sp, p, q);
	case SG_ATOM_MIN:
		return sg_ext_min(sp, p, q);
	case SG_ATOM_MAX:
		break;
	}
	return sg_ext_max(sp, p, q);
}

sg_ext
sg_ext_subst(sg_space *sp, sg_ext e, const sg_ext *dims)
{
	const sg_poly p = *sg_poly_at(sp, e);
	sg_ext sum = 0, f = 0;

	for (uint32_t i = 0; i < p.n; i++) {
		sg_ext term = sg_ext_int(sp, p.term[i].coef);

		for (uint32_t k = 0; k < p.term[i].n; k++) {
			if (k == 0 || p.term[i].fac[k] != p.term[i].fac[k - 1])
				f = subst_factor(sp, p.term[i].fac[k], dims);
			term = sg_ext_mul(sp, term, f);
		}
		sum = sg_ext_add(sp, sum, term);
	}
	return sum;
}
