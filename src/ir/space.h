/* space.h - private to floor 1: how extents, shapes and attributes are kept.
 *
 * An extent is a sum of terms in descending order (total degree first, then lexicographic), each a
 * nonzero coefficient times a sorted list of factors. A factor is a dimension (even) or an atom
 * (odd): p // q, or the lesser or the greater of p and q. Atoms are normalised before they are
 * interned (extdiv.c), and their nesting and their written-out size are bounded, so walking into
 * them may recurse. */
#ifndef SG_IR_SPACE_H
#define SG_IR_SPACE_H

#include "ir/ir.h"

typedef struct sg_term {
	int64_t coef;
	uint32_t n; /* factors, ascending, repeated for powers; 0: the constant */
	const uint32_t *fac;
} sg_term;

typedef struct sg_poly {
	uint32_t n;
	const sg_term *term;
} sg_poly;

typedef enum { SG_ATOM_QUOTIENT, SG_ATOM_MIN, SG_ATOM_MAX } sg_atom_kind;

typedef struct sg_atom {
	uint8_t kind;
	sg_ext p, q;
	uint32_t depth, weight; /* of nested atoms; atoms in it when written out */
	const double *sample;   /* as of extents; NULL: not asked for yet */
} sg_atom;

#define SG_MAX_ATOM_DEPTH 100
#define SG_MAX_ATOM_WEIGHT 10000

/* A sum, difference or product of two extents. */
typedef struct sg_done {
	uint32_t op; /* 0: none yet */
	sg_ext a, b, is;
} sg_done;

enum { SG_SMALL = 64, SG_RECENT = 256 };

struct sg_space {
	sg_ctx *ctx;
	sg_dim *dim;
	size_t ndims, dim_cap;
	sg_poly *poly; /* by sg_ext; 0 is the number 0, 1 is 1 */
	size_t npolys, poly_cap;
	sg_ext small[SG_SMALL]; /* of the numbers from 0 on, that have been asked for; 0: it has not been */
	sg_atom *atom;
	size_t natoms, atom_cap;
	sg_bytes_map *poly_map, *atom_map;
	sg_bytes_map *done; /* results of binary operations on extents */
	sg_done recent[SG_RECENT]; /* some of them, by place: most are asked for again soon */
	uint8_t *sign; /* by extent, two bits a depth: is it known whether it is provably >= 0; is it? */
	size_t nsigns;
	uint32_t effort; /* what a proof may still look at */
	const double **sample; /* by extent: sample.c; NULL: not asked for yet */
	double *sample_dim;
	size_t nsamples, sampled; /* extents, dimensions */
	sg_bytes_map *shape_map, *attr_map;
	const sg_shape *scalar;
	int64_t fresh;
	int64_t *word; /* scratch for keys */
	size_t nwords, word_cap;
};

static inline uint32_t
sg_fac_dim(uint32_t d)
{
	return 2 * d;
}
static inline uint32_t
sg_fac_atom(uint32_t a)
{
	return 2 * a + 1;
}
static inline bool
sg_fac_is_atom(uint32_t f)
{
	return f & 1;
}
static inline const sg_poly *
sg_poly_at(const sg_space *sp, sg_ext e)
{
	return &sp->poly[e];
}
static inline const sg_atom *
sg_atom_of(const sg_space *sp, uint32_t f)
{
	return &sp->atom[f / 2];
}

/* < 0: a stands before b. */
int sg_term_cmp(const sg_term *a, const sg_term *b);
/* Interns the sum of terms that are in order, distinct and nonzero. */
sg_ext sg_ext_of_terms(sg_space *sp, uint32_t n, const sg_term *t);
sg_ext sg_ext_of_term(sg_space *sp, const sg_term *t); /* zero coefficient allowed */
/* As it stands, no simplification. */
sg_ext sg_ext_atom(sg_space *sp, sg_atom_kind kind, sg_ext p, sg_ext q);
/* Does b divide a as a monomial (coefficients aside)? The quotient's factors go to fac, if given.
 */
bool sg_term_divides(const sg_term *b, const sg_term *a, uint32_t *fac, uint32_t *n);
/* The constant term. */
int64_t sg_ext_offset(const sg_space *sp, sg_ext e);
/* For a term c*(p // k) of e, k a number: what of the rest of e can go into p is moved there: e is
 * then c*(*p // k) + *rest. False if the term has another form. */
bool sg_ext_fold(sg_space *sp, sg_ext e, uint32_t term, sg_ext *p, int64_t *k, sg_ext *rest);

#endif
