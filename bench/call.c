/* call.c - binds the data of a request to one function of written C, and times it.
 *
 * What the function wants is read from the module's description: an extent that is the bare name
 * of a dimension binds it, and all extents are checked once the dimensions are known. */
#include "gradbench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- extents, as a module writes them: "N", "10", "3*p + 1", "D*(D - 1)//2" ---- */

typedef struct reader {
	const call *c;
	const char *s;
	bool ok;
} reader;

static double read_sum(reader *r);

static void
skip(reader *r)
{
	while (*r->s == ' ') {
		r->s++;
	}
}

static bool
is_name(char c)
{
	return (c | 32) >= 'a' ? (c | 32) <= 'z' : c == '_' || (c >= '0' && c <= '9');
}

static int
find_dim(const call *c, const char *name, size_t n)
{
	int i;

	for (i = 0; i < c->entry->ndims; i++) {
		if (strlen(c->entry->dims[i]) == n && memcmp(c->entry->dims[i], name, n) == 0) {
			return i;
		}
	}
	return -1;
}

/* item = NUMBER | NAME | "(" sum ")" */
static double
read_item(reader *r)
{
	const char *from;
	double v = 0;
	int dim;

	skip(r);
	from = r->s;
	if (*r->s == '(') {
		r->s++;
		v = read_sum(r);
		r->s += *r->s == ')';
		return v;
	}
	while (is_name(*r->s)) {
		r->s++;
	}
	if (*from >= '0' && *from <= '9') {
		return (double)strtoll(from, NULL, 10);
	}
	dim = find_dim(r->c, from, (size_t)(r->s - from));
	r->ok = r->ok && dim >= 0 && r->c->known[dim];
	return r->ok ? (double)r->c->dims[dim] : 0;
}

/* product = item { ("*" | "//") item } */
static double
read_product(reader *r)
{
	double v = read_item(r), by;

	for (skip(r); *r->s == '*' || *r->s == '/'; skip(r)) {
		bool divides = *r->s == '/';

		r->s += divides ? 2 : 1;
		by = read_item(r);
		v = !divides ? v * by : by != 0 ? (double)((int64_t)v / (int64_t)by) : 0;
	}
	return v;
}

/* sum = ["-"] product { ("+" | "-") product } */
static double
read_sum(reader *r)
{
	double v;

	skip(r);
	v = *r->s == '-' ? 0 : read_product(r);
	for (skip(r); *r->s == '+' || *r->s == '-'; skip(r)) {
		bool minus = *r->s++ == '-';
		double term = read_product(r);

		v = minus ? v - term : v + term;
	}
	return v;
}

/* False where a dimension is not known, or the extent is negative or past all bounds. */
static bool
extent_of(const call *c, const char *text, int64_t *extent)
{
	reader r = {c, text, true};
	double v = read_sum(&r);

	r.ok = r.ok && v >= 0 && v <= 0x1p50;
	*extent = r.ok ? (int64_t)v : 0;
	return r.ok;
}

bool
call_shape(const call *c, int i, int64_t extent[CLI_RANK], size_t *count)
{
	const sgrt_arg *a = &c->entry->args[i];
	bool ok = true;
	int k;

	for (k = 0; k < a->rank; k++) {
		ok = ok && extent_of(c, a->extents[k], &extent[k]);
	}
	return ok && cli_count(a->rank, extent, count);
}

/* ---- finding things ---- */

const sgrt_entry *
call_find(const sgrt_module *m, const char *entry)
{
	int i;

	for (i = 0; i < m->nentries; i++) {
		if (strcmp(m->entries[i].name, entry) == 0) {
			return &m->entries[i];
		}
	}
	return NULL;
}

ptrdiff_t *
call_dim(call *c, const char *name)
{
	int i = find_dim(c, name, strlen(name));

	return i < 0 ? NULL : &c->dims[i];
}

int
call_arg(const call *c, const char *name)
{
	int i;

	for (i = 0; i < c->entry->nargs; i++) {
		if (strcmp(c->entry->args[i].name, name) == 0) {
			return i;
		}
	}
	return -1;
}

static json
find_input(json input, const char *name, const alias *aliases)
{
	json data = json_member(input, "data"), v;

	for (; aliases && aliases->model; aliases++) {
		name = strcmp(aliases->model, name) == 0 ? aliases->protocol : name;
	}
	v = *input.s == '{' ? json_member(input, name) : input;
	v = v.s ? v : json_member(data, name);
	return v.s ? v : json_member(json_member(data, "model"), name);
}

/* ---- binding ---- */

static sg_dtype
dtype_of(sgrt_type t)
{
	switch (t) {
	case SGRT_F32:
		return SG_DTYPE_F32;
	case SGRT_F64:
		return SG_DTYPE_F64;
	case SGRT_I32:
		return SG_DTYPE_I32;
	case SGRT_I64:
		return SG_DTYPE_I64;
	case SGRT_BOOL:
		return SG_DTYPE_BOOL;
	}
	return SG_DTYPE_NONE;
}

static void
bind_dims(call *c, const sgrt_arg *arg, const cli_array *a)
{
	int k;

	for (k = 0; arg->rank == a->rank && k < a->rank; k++) {
		int dim = find_dim(c, arg->extents[k], strlen(arg->extents[k]));

		if (dim >= 0 && !c->known[dim]) {
			c->dims[dim] = (ptrdiff_t)a->extent[k];
			c->known[dim] = true;
		}
	}
}

static bool
bind_rest(call *c, json input, cli_text *err)
{
	int i;

	for (i = 0; i < c->entry->ndims; i++) {
		const char *name = c->entry->dims[i];
		int64_t count;

		if (!c->known[i]) {
			if (!json_count(json_member(input, name), name, &count, err)) {
				return false;
			}
			c->dims[i] = (ptrdiff_t)count;
			c->known[i] = true;
		}
	}
	return true;
}

/* Extents agree, or a list of one level has as many elements as they ask for. */
static bool
check_shape(const call *c, int i, const cli_array *a, cli_text *err)
{
	const sgrt_arg *arg = &c->entry->args[i];
	int64_t extent[CLI_RANK] = {0};
	cli_text want = {0}, got = {0};
	size_t count = 0;
	bool same;
	int k;

	same = call_shape(c, i, extent, &count) && a->count == count;
	for (k = 0; same && a->rank != 1 && count > 0 && k < arg->rank; k++) {
		same = a->rank == arg->rank && a->extent[k] == extent[k];
	}
	if (!same) {
		cli_put_shape(&want, arg->rank, extent);
		cli_put_shape(&got, a->rank, a->extent);
		cli_fail(err, "'%s' is %s, not %s", arg->name, cli_str(&got), cli_str(&want));
		cli_text_free(&want);
		cli_text_free(&got);
	}
	return same;
}

static bool
bind_arrays(call *c, json input, const alias *aliases, cli_array *read, cli_text *err)
{
	const sgrt_entry *e = c->entry;
	int i;

	for (i = 0; i < e->nargs; i++) {
		if (e->args[i].role == SGRT_OUTPUT) {
			continue;
		}
		if (!json_array(find_input(input, e->args[i].name, aliases), e->args[i].name,
		                &read[i], err)) {
			return false;
		}
		bind_dims(c, &e->args[i], &read[i]);
	}
	if (!bind_rest(c, input, err)) {
		return false;
	}
	for (i = 0; i < e->nargs; i++) {
		if (e->args[i].role == SGRT_OUTPUT) {
			continue;
		}
		if (!check_shape(c, i, &read[i], err)) {
			return false;
		}
		c->args[i] = cli_array_as(&read[i], dtype_of(e->args[i].type), err);
		if (!c->args[i]) {
			return false;
		}
	}
	return true;
}

bool
call_bind(call *c, json input, const alias *aliases, cli_text *err)
{
	cli_array read[CALL_ARGS] = {{0}};
	bool ok;
	int i;

	if (c->entry->nargs > CALL_ARGS || c->entry->ndims > CALL_DIMS) {
		return cli_fail(err, "'%s' has too many arguments", c->entry->name);
	}
	ok = bind_arrays(c, input, aliases, read, err);
	for (i = 0; i < CALL_ARGS; i++) {
		cli_array_free(&read[i]);
	}
	return ok;
}

/* ---- running ---- */

void *
call_room(double count, size_t size, cli_text *err)
{
	double bytes = count * (double)size + 64;
	void *p = NULL;

	if (!(bytes < 0x1p46) || posix_memalign(&p, 64, (size_t)bytes) != 0) {
		cli_fail(err, "not enough memory for %.0f bytes", bytes);
		return NULL;
	}
	return p;
}

bool
call_prepare(call *c, cli_text *err)
{
	const sgrt_entry *e = c->entry;
	int64_t extent[CLI_RANK];
	size_t count, bytes;
	int i;

	for (i = 0; i < e->nargs; i++) {
		if (e->args[i].role != SGRT_OUTPUT) {
			continue;
		}
		if (!call_shape(c, i, extent, &count)) {
			return cli_fail(err, "the sizes do not fit '%s'", e->args[i].name);
		}
		c->args[i] = call_room((double)count, sizeof(double), err);
		if (!c->args[i]) {
			return false;
		}
	}
	bytes = e->work(c->dims);
	c->work = call_room((double)bytes, 1, err);
	return c->work != NULL;
}

static const char *
reason(int status)
{
	switch (status) {
	case SGRT_EDIM:
		return "the sizes do not fit";
	case SGRT_EINDEX:
		return "an index is out of range";
	case SGRT_EDIVIDE:
		return "an integer is divided by 0";
	case SGRT_EEMPTY:
		return "the mean, maximum or minimum of nothing";
	case SGRT_ELIMIT:
		return "a loop reached its limit";
	case SGRT_EPOSDEF:
		return "a matrix is not positive definite";
	case SGRT_ESINGULAR:
		return "a matrix is singular";
	default:
		return "the call failed";
	}
}

bool
call_run(const call *c, double *nanoseconds, cli_text *err)
{
	struct timespec from, to;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &from);
	status = c->entry->call(c->dims, c->args, c->work);
	clock_gettime(CLOCK_MONOTONIC, &to);
	*nanoseconds =
	    (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
	return status == SGRT_OK || cli_fail(err, "%s: %s", c->entry->name, reason(status));
}

void
call_free(call *c)
{
	int i;

	for (i = 0; i < CALL_ARGS; i++) {
		free(c->args[i]);
	}
	free(c->work);
	*c = (call){0};
}
