/* array.c - arrays as they come from files and from the command line, and their way to a model.
 *
 * What is read is kept as wide as it goes: truth values and integers as int64_t, all else as
 * double. Only cli_array_as, which knows what the model wants, narrows, and it checks each number.
 */
#include "cli/cli.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void
cli_array_free(cli_array *a)
{
	free(a->cell);
	*a = (cli_array){0};
}

/* The product of the extents, or false when it does not fit. */
bool
cli_count(int rank, const int64_t *extent, size_t *count)
{
	size_t n = 1;
	bool zero = false;
	int k;

	for (k = 0; k < rank; k++) {
		if (extent[k] < 0) {
			return false;
		}
		zero = zero || extent[k] == 0;
	}
	for (k = 0; k < rank && !zero; k++) {
		if ((uint64_t)extent[k] > PTRDIFF_MAX / sizeof(cli_cell) / n) {
			return false;
		}
		n *= (size_t)extent[k];
	}
	*count = zero ? 0 : n;
	return true;
}

/* Elements pushed may be of any kind; the array takes the widest. */
void
cli_array_push(cli_array *a, size_t *cap, cli_kind kind, cli_cell c)
{
	size_t i;

	if (kind == CLI_REAL && a->kind != CLI_REAL) {
		for (i = 0; i < a->count; i++) {
			a->cell[i].r = (double)a->cell[i].i;
		}
	}
	if (kind != CLI_REAL && a->kind == CLI_REAL) {
		c.r = (double)c.i;
	}
	if (kind > a->kind) {
		a->kind = kind;
	}
	a->cell = cli_grow(a->cell, a->count, cap, sizeof *a->cell);
	a->cell[a->count++] = c;
}

/* Column-major to row-major. */
void
cli_array_transpose(cli_array *a)
{
	cli_cell *to = cli_alloc(a->count, sizeof *to);
	int64_t at[CLI_RANK] = {0}, step[CLI_RANK];
	int64_t from = 0, s = 1;
	size_t i;
	int k;

	for (k = 0; k < a->rank; k++) {
		step[k] = s;
		s *= a->extent[k];
	}
	for (i = 0; i < a->count; i++) {
		to[i] = a->cell[from];
		for (k = a->rank - 1; k >= 0; k--) {
			from += step[k];
			if (++at[k] < a->extent[k]) {
				break;
			}
			from -= step[k] * at[k];
			at[k] = 0;
		}
	}
	free(a->cell);
	a->cell = to;
}

/* A table of one column or one row is a vector where a vector is wanted, and a single cell a
 * scalar; a selected column is a matrix of one column where a matrix is wanted. */
void
cli_array_fit_rank(cli_array *a, int rank)
{
	if (!a->table) {
		return;
	}
	if (a->rank == 2 && rank == 1 && (a->extent[0] == 1 || a->extent[1] == 1)) {
		a->extent[0] *= a->extent[1];
		a->rank = 1;
	}
	if (rank == 0 && a->count == 1) {
		a->rank = 0;
	}
	if (a->rank == 1 && rank == 2) {
		a->extent[1] = 1;
		a->rank = 2;
	}
}

/* ---- narrowing
 * ------------------------------------------------------------------------------------ */

static void
show_cell(cli_text *t, const cli_array *a, size_t i)
{
	if (a->kind == CLI_REAL) {
		cli_put_number(t, a->cell[i].r, false);
	} else if (a->kind == CLI_INT) {
		cli_printf(t, "%lld", (long long)a->cell[i].i);
	} else {
		cli_puts(t, a->cell[i].i ? "true" : "false");
	}
}

/* "[2, 0]: 3.5 is not an i32"; a scalar has no place. */
static bool
bad_cell(const cli_array *a, size_t i, const char *why, cli_text *err)
{
	cli_text t = {0}, at = {0};
	size_t rest = i, block = a->count;
	int k;

	show_cell(&t, a, i);
	for (k = 0; k < a->rank; k++) {
		block /= (size_t)a->extent[k];
		cli_printf(&at, "%s%zu", k ? ", " : "element [", rest / block);
		rest %= block;
	}
	cli_fail(err, "%s%s%s %s", cli_str(&at), a->rank ? "] is " : "", cli_str(&t), why);
	cli_text_free(&at);
	cli_text_free(&t);
	return false;
}

static bool
to_int(const cli_array *a, size_t i, bool wide, int64_t *v, cli_text *err)
{
	const char *name = wide ? "an i64" : "an i32";
	char why[64];
	bool fits;

	if (a->kind == CLI_REAL) {
		double r = a->cell[i].r;

		if (!(r == floor(r)) || isinf(r)) {
			strcpy(why, a->rank ? "and so not " : "is not ");
			return bad_cell(a, i, strcat(why, name), err);
		}
		fits = r >= -0x1p63 && r < 0x1p63;
		*v = fits ? (int64_t)r : 0;
	} else {
		fits = true;
		*v = a->cell[i].i;
	}
	if (!fits || (!wide && (*v < INT32_MIN || *v > INT32_MAX))) {
		strcpy(why, a->rank ? "and so out of range for " : "is out of range for ");
		return bad_cell(a, i, strcat(why, name), err);
	}
	return true;
}

static bool
put_int(const cli_array *a, size_t i, bool wide, void *to, cli_text *err)
{
	int64_t v = 0;

	if (!to_int(a, i, wide, &v, err)) {
		return false;
	}
	if (wide) {
		((int64_t *)to)[i] = v;
	} else {
		((int32_t *)to)[i] = (int32_t)v;
	}
	return true;
}

static bool
put_bool(const cli_array *a, size_t i, void *to, cli_text *err)
{
	const cli_cell *c = &a->cell[i];
	double v = a->kind == CLI_REAL ? c->r : c->i == 0 ? 0 : c->i == 1 ? 1 : 2;

	if (!(v == 0 || v == 1)) {
		return bad_cell(a, i, a->rank ? "and so not a bool" : "is not a bool", err);
	}
	((uint8_t *)to)[i] = v == 1;
	return true;
}

/* A finite number that no float comes near is an error; rounding and underflow are not. */
static bool
put_f32(const cli_array *a, size_t i, void *to, cli_text *err)
{
	double r = a->cell[i].r;

	if (a->kind != CLI_REAL) {
		((float *)to)[i] = (float)a->cell[i].i;
		return true;
	}
	/* half a unit above FLT_MAX is where rounding goes to infinity */
	if (isfinite(r) && fabs(r) >= 0x1.ffffffp127) {
		return bad_cell(
		    a, i, a->rank ? "and so out of range for an f32" : "is out of range for an f32",
		    err);
	}
	((float *)to)[i] = (float)r;
	return true;
}

void *
cli_array_as(const cli_array *a, sg_dtype type, cli_text *err)
{
	void *to = cli_alloc(a->count, sg_dtype_size(type));
	bool ok = true;
	size_t i;

	for (i = 0; ok && i < a->count; i++) {
		switch (type) {
		case SG_DTYPE_F32:
			ok = put_f32(a, i, to, err);
			break;
		case SG_DTYPE_F64:
			((double *)to)[i] =
			    a->kind == CLI_REAL ? a->cell[i].r : (double)a->cell[i].i;
			break;
		case SG_DTYPE_I32:
		case SG_DTYPE_I64:
			ok = put_int(a, i, type == SG_DTYPE_I64, to, err);
			break;
		case SG_DTYPE_BOOL:
			ok = put_bool(a, i, to, err);
			break;
		case SG_DTYPE_NONE:
			break;
		}
	}
	if (!ok) {
		free(to);
		if (a->file) {
			cli_text what = *err;

			*err = (cli_text){0};
			cli_fail(err, "%s: %s", a->file, what.s);
			cli_text_free(&what);
		}
		return NULL;
	}
	return to;
}

/* "[3, 4]"; a scalar is "[]". */
void
cli_put_shape(cli_text *t, int rank, const int64_t *extent)
{
	int k;

	cli_putc(t, '[');
	for (k = 0; k < rank; k++) {
		cli_printf(t, "%s%lld", k ? ", " : "", (long long)extent[k]);
	}
	cli_putc(t, ']');
}
