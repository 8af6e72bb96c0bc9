/* sample.c - what extents are for some dimensions: enough to see of most that they are negative
 * somewhere, or which of two is larger somewhere, which takes a hundredth of the time of looking
 * for a proof in vain.
 *
 * In double, where nothing overflows: an answer may be wrong for numbers that double does not hold,
 * so it may say that no proof is worth looking for, and never that something is so. */
#include "ir/space.h"

#include <math.h>
#include <string.h>

/* The first samples have in each dimension nothing or many, the others also one or few; no two
 * dimensions go together. */
static void
sample_dim(uint32_t d, double v[SG_SAMPLES])
{
	static const double extent[] = {0, 900, 1, 7};

	for (uint32_t k = 0; k < SG_SAMPLES; k++) {
		const uint32_t key[2] = {k, d};
		const uint64_t h = d < 3 && k < 8 ? k >> d : sg_hash(key, sizeof key, 0);

		v[k] = extent[h % (k < SG_SAMPLES / 2 ? 2 : 4)];
	}
}

static const double *
sample_of_dim(sg_space *sp, uint32_t d)
{
	if (sp->sampled < sp->ndims) {
		double *all = SG_NEW_ARRAY(sp->ctx, double, SG_SAMPLES * sp->ndims);

		for (uint32_t i = 0; i < sp->ndims; i++)
			sample_dim(i, all + SG_SAMPLES * i);
		sp->sample_dim = all;
		sp->sampled = sp->ndims;
	}
	return sp->sample_dim + SG_SAMPLES * d;
}

static const double *
sample_of_atom(sg_space *sp, uint32_t f)
{
	const sg_atom a = *sg_atom_of(sp, f);
	const double *p, *q;
	double *v;

	if (a.sample)
		return a.sample;
	v = SG_NEW_ARRAY(sp->ctx, double, SG_SAMPLES);
	p = sg_ext_samples(sp, a.p);
	q = sg_ext_samples(sp, a.q);
	for (uint32_t k = 0; k < SG_SAMPLES; k++)
		v[k] = a.kind == SG_ATOM_QUOTIENT                 ? floor(p[k] / q[k])
		       : (p[k] < q[k]) == (a.kind == SG_ATOM_MIN) ? p[k]
		                                                  : q[k];
	sp->atom[f / 2].sample = v;
	return v;
}

static void
add_term(sg_space *sp, const sg_term *t, double v[SG_SAMPLES])
{
	double product[SG_SAMPLES];

	for (uint32_t k = 0; k < SG_SAMPLES; k++)
		product[k] = (double)t->coef;
	for (uint32_t i = 0; i < t->n; i++) {
		const uint32_t f = t->fac[i];
		const double *x =
		    sg_fac_is_atom(f) ? sample_of_atom(sp, f) : sample_of_dim(sp, f / 2);

		for (uint32_t k = 0; k < SG_SAMPLES; k++)
			product[k] *= x[k];
	}
	for (uint32_t k = 0; k < SG_SAMPLES; k++)
		v[k] += product[k];
}

static void
grow_samples(sg_space *sp, sg_ext e)
{
	const size_t n = sp->poly_cap;
	const double **sample;

	if (e < sp->nsamples)
		return;
	sample = SG_NEW_ARRAY(sp->ctx, const double *, n);
	if (sp->nsamples)
		memcpy(sample, sp->sample, sp->nsamples * sizeof *sample);
	sp->sample = sample;
	sp->nsamples = n;
}

const double *
sg_ext_samples(sg_space *sp, sg_ext e)
{
	const sg_poly p = *sg_poly_at(sp, e);
	double *v;

	grow_samples(sp, e);
	if (sp->sample[e])
		return sp->sample[e];
	v = SG_NEW_ARRAY(sp->ctx, double, SG_SAMPLES);
	for (uint32_t i = 0; i < p.n; i++)
		add_term(sp, &p.term[i], v);
	sp->sample[e] = v;
	return v;
}
