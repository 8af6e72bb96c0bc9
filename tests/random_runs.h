/* random_runs.h - for random.c: an entry by its back end and by the evaluator, on arrays of our
 * own.
 *
 * sg_check holds derivatives against differences at small dimensions and harmless numbers. Here the
 * dimensions are 0, 1, odd, and as large as a tile and more; some numbers are NaN, infinite or 0,
 * and indices may be out of range. Where the evaluator answers the back end must, with NaN and
 * infinities at the same places; where it fails the back end must. On several threads each bit is
 * that of one. */
#ifndef SG_TESTS_RANDOM_RUNS_H
#define SG_TESTS_RANDOM_RUNS_H

#include "random_numbers.h"
#include "symgrad.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Operations that the evaluator, and that machine code, may take. */
enum { MOST_EVALUATED = 3000000, MOST_RUN = 60000000, MOST_ARGS = 32 };

typedef struct runs {
	sg_model *m;
	const sg_entry *e;
	uint64_t random;
	bool special; /* NaN, infinities, zeros, and indices out of range */
	char *text;   /* what differs */
	size_t size;
	void *data[MOST_ARGS];
} runs;

static double
special_number(uint64_t *random)
{
	static const double numbers[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1, -1, 40, 0, 0};

	return numbers[random_below(random, sizeof numbers / sizeof *numbers)];
}

static void
fill(runs *r, const sg_array *a, void *to)
{
	const bool spoiled = r->special && random_below(&r->random, 3) == 0;
	const size_t every = 1 + random_below(&r->random, 9);

	for (int64_t i = 0; i < a->count; i++) {
		double v = random_between(&r->random, -1, 1);

		if (spoiled && random_below(&r->random, every) == 0)
			v = special_number(&r->random);
		switch (a->type) {
		case SG_DTYPE_F32:
			((float *)to)[i] = (float)v;
			break;
		case SG_DTYPE_F64:
			((double *)to)[i] = v;
			break;
		case SG_DTYPE_I32:
			((int32_t *)to)[i] = (int32_t)random_below(&r->random, 4) - 2 +
			                     (spoiled && random_below(&r->random, 9) == 0 ? 5 : 0);
			break;
		case SG_DTYPE_NONE:
		case SG_DTYPE_I64:
		case SG_DTYPE_BOOL:
			break; /* no model has them */
		}
	}
}

/* A call at these dimensions; NULL where there is none. */
static sg_call *
call_at(const runs *r, sg_backend b, const int64_t *dims)
{
	sg_call *c = sg_call_new(r->m, r->e->name, b);

	for (size_t i = 0; i < r->e->ndims; i++)
		(void)sg_call_set_dim(c, r->e->dims[i], dims[i]);
	return c;
}

/* The arrays of inputs, by a call whose inputs are made up, so that it knows their shapes. */
static bool
make_arrays(runs *r, sg_call *c)
{
	if (sg_call_make_up(c, 1) != SG_OK || sg_call_prepare(c) != SG_OK)
		return false;
	for (size_t i = 0; i < r->e->ninputs; i++) {
		const sg_array *a = sg_call_array(c, i);

		r->data[i] = malloc((size_t)a->count * 8 + 8);
		if (r->data[i])
			fill(r, a, r->data[i]);
	}
	return true;
}

/* How many numbers the outputs of c have: derivatives that are zero take no operation, but memory.
 */
static int64_t
numbers_of(const runs *r, const sg_call *c)
{
	int64_t n = 0;

	for (size_t i = r->e->ninputs; i < r->e->ninputs + r->e->noutputs; i++)
		n += sg_call_array(c, i)->count;
	return n;
}

static void
free_arrays(runs *r)
{
	for (size_t i = 0; i < MOST_ARGS; i++) {
		free(r->data[i]);
		r->data[i] = NULL;
	}
}

/* Runs c on the arrays, whose shapes `shaped` knows. */
static int
run_on(const runs *r, sg_call *c, const sg_call *shaped)
{
	int status = sg_call_status(c);

	for (size_t i = 0; status == SG_OK && i < r->e->ninputs; i++) {
		const sg_array *a = sg_call_array(shaped, i);

		status = sg_call_bind_at(c, i, a->type, a->rank, a->shape, r->data[i]);
	}
	return status == SG_OK ? sg_call_run(c) : status;
}

static double
number_at(const sg_array *a, int64_t i)
{
	switch (a->type) {
	case SG_DTYPE_F32:
		return (double)((const float *)a->data)[i];
	case SG_DTYPE_F64:
		return ((const double *)a->data)[i];
	case SG_DTYPE_I32:
		return ((const int32_t *)a->data)[i];
	case SG_DTYPE_I64:
		return (double)((const int64_t *)a->data)[i];
	case SG_DTYPE_BOOL:
		return ((const uint8_t *)a->data)[i];
	case SG_DTYPE_NONE:
		break;
	}
	return 0;
}

static bool
is_near(double x, double y, double limit)
{
	if (!isfinite(x) || !isfinite(y))
		return (isnan(x) && isnan(y)) || (isinf(x) && isinf(y) && (x > 0) == (y > 0));
	return fabs(x - y) <= limit;
}

static bool
output_agrees(runs *r, const sg_array *is, const sg_array *expected, double share)
{
	double scale = 1e-3;

	for (int64_t i = 0; i < is->count; i++)
		if (isfinite(number_at(expected, i)))
			scale = fmax(scale, fabs(number_at(expected, i)));
	scale *= share * (is->type == SG_DTYPE_F32 ? 1e-3 : 1e-8);
	for (int64_t i = 0; i < is->count; i++)
		if (!is_near(number_at(is, i), number_at(expected, i), scale)) {
			snprintf(r->text, r->size, "%s, %s[%lld]: %.17g, by interp %.17g",
			         r->e->name, is->name, (long long)i, number_at(is, i),
			         number_at(expected, i));
			return false;
		}
	return true;
}

static bool
outputs_agree(runs *r, const sg_call *c, const sg_call *oracle, double share)
{
	for (size_t i = r->e->ninputs; i < r->e->ninputs + r->e->noutputs; i++)
		if (!output_agrees(r, sg_call_array(c, i), sg_call_array(oracle, i), share))
			return false;
	return true;
}

static int64_t
operations_at(const runs *r, const int64_t *dims)
{
	sg_figures f;

	return sg_entry_figures(r->m, r->e, dims, &f, NULL) == SG_OK && f.noperations >= 0
	           ? f.noperations
	           : INT64_MAX;
}

static void
put_dims(const runs *r, const int64_t *dims)
{
	size_t n = strlen(r->text);

	for (size_t i = 0; i < r->e->ndims && n < r->size; i++)
		n += (size_t)snprintf(r->text + n, r->size - n, ", %s = %lld", r->e->dims[i],
		                      (long long)dims[i]);
	if (n < r->size)
		snprintf(r->text + n, r->size - n, "%s", r->special ? " (special)" : "");
}

/* Moves inputs by a rounding or two. */
static void
nudge(const runs *r, const sg_call *shaped)
{
	for (size_t i = 0; i < r->e->ninputs; i++) {
		const sg_array *a = sg_call_array(shaped, i);
		float *f = r->data[i];
		double *d = r->data[i];

		for (int64_t k = 0; k < a->count; k++)
			if (a->type == SG_DTYPE_F32)
				f[k] *= k % 2 ? 1 + 0x1p-22f : 1 - 0x1p-23f;
			else if (a->type == SG_DTYPE_F64)
				d[k] *= k % 2 ? 1 + 0x1p-50 : 1 - 0x1p-51;
	}
}

/* Does the evaluator differ as much from itself, when inputs are moved by a rounding? */
static bool
is_rounding(runs *r, const sg_call *oracle, const sg_call *shaped, const int64_t *dims)
{
	sg_call *moved = call_at(r, SG_BACKEND_INTERP, dims);
	char text[256], *to = r->text;
	const size_t size = r->size;
	bool alike;

	nudge(r, shaped);
	r->text = text;
	r->size = sizeof text;
	alike = run_on(r, moved, shaped) == SG_OK && outputs_agree(r, moved, oracle, 0.01);
	r->text = to;
	r->size = size;
	sg_call_free(moved);
	return !alike;
}

/* At one choice of dimensions. */
static bool
agrees_at(runs *r, sg_backend b, const int64_t *dims)
{
	sg_call *c = call_at(r, b, dims), *oracle = call_at(r, SG_BACKEND_INTERP, dims);
	bool ok = true;

	if (make_arrays(r, oracle) && numbers_of(r, oracle) < MOST_EVALUATED) {
		sg_call *shaped = call_at(r, SG_BACKEND_INTERP, dims);
		int is, expected;

		(void)sg_call_make_up(shaped, 1);
		(void)sg_call_prepare(shaped);
		expected = run_on(r, oracle, shaped);
		is = run_on(r, c, shaped);
		if ((is == SG_OK) != (expected == SG_OK)) {
			snprintf(r->text, r->size, "%s: %s, by interp: %s", r->e->name,
			         is == SG_OK ? "fine" : sg_call_message(c),
			         expected == SG_OK ? "fine" : sg_call_message(oracle));
			ok = false;
		} else if (is == SG_OK) {
			ok = outputs_agree(r, c, oracle, 1) || is_rounding(r, oracle, shaped, dims);
		}
		sg_call_free(shaped);
	}
	if (!ok)
		put_dims(r, dims);
	sg_call_free(c);
	sg_call_free(oracle);
	free_arrays(r);
	return ok;
}

static bool
same_bits(runs *r, const sg_call *c, const sg_call *one, int threads)
{
	for (size_t i = r->e->ninputs; i < r->e->ninputs + r->e->noutputs; i++) {
		const sg_array *x = sg_call_array(c, i), *y = sg_call_array(one, i);

		if (memcmp(x->data, y->data, (size_t)x->count * sg_dtype_size(x->type)) != 0) {
			snprintf(r->text, r->size, "%s, %s: other bits by %d threads", r->e->name,
			         x->name, threads);
			return false;
		}
	}
	return true;
}

/* Where there is work for many. */
static bool
threads_agree(runs *r, const int64_t *dims)
{
	static const int threads[] = {2, 3, 5};
	sg_call *one = call_at(r, SG_BACKEND_JIT, dims);
	bool ok = true;

	(void)sg_set_threads(r->m, 1);
	if (sg_call_make_up(one, r->random) == SG_OK && sg_call_prepare(one) == SG_OK &&
	    numbers_of(r, one) < MOST_RUN && sg_call_run(one) == SG_OK)
		for (size_t i = 0; ok && i < sizeof threads / sizeof *threads; i++) {
			sg_call *c = call_at(r, SG_BACKEND_JIT, dims);

			(void)sg_set_threads(r->m, threads[i]);
			(void)sg_call_make_up(c, r->random);
			ok = sg_call_run(c) != SG_OK || same_bits(r, c, one, threads[i]);
			sg_call_free(c);
		}
	if (!ok)
		put_dims(r, dims);
	sg_call_free(one);
	return ok;
}

static bool
entry_runs(sg_model *m, const sg_entry *e, sg_backend b, uint64_t seed, char *text, size_t size)
{
	static const int64_t extents[] = {0, 1, 2, 3, 5, 8, 16, 17, 33, 70, 131};
	runs r = {.m = m, .e = e, .random = seed, .text = text, .size = size};
	int64_t dims[8];
	bool ok = e->ndims <= 8 && e->ninputs <= MOST_ARGS;

	for (int k = 0; ok && k < 4; k++) {
		for (size_t i = 0; i < e->ndims; i++)
			dims[i] =
			    extents[random_below(&r.random, sizeof extents / sizeof *extents)];
		r.special = k == 3;
		if (operations_at(&r, dims) < MOST_EVALUATED)
			ok = agrees_at(&r, b, dims);
	}
	for (size_t i = 0; i < e->ndims; i++)
		dims[i] = (int64_t)(i ? 7 : 1000) << random_below(&r.random, 4);
	/* a Hessian would be too large */
	if (ok && e->ndims && strcmp(e->name, "gradient") == 0 && random_below(&r.random, 4) == 0 &&
	    b != SG_BACKEND_CC && sg_have_jit() && operations_at(&r, dims) < MOST_RUN)
		ok = threads_agree(&r, dims);
	return ok;
}

#endif
