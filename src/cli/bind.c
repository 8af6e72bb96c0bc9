/* bind.c - NAME=VALUE operands become the data of a call, and its outputs become text.
 *
 * All that is wrong is said before the status is returned. */
#include "cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t
name_size(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_') {
		n++;
	}
	return n;
}

/* A name, then '='. */
bool
cli_is_assignment(const char *s)
{
	return name_size(s) > 0 && s[name_size(s)] == '=';
}

bool
cli_is_name(const char *s)
{
	return *s && !s[name_size(s)];
}

/* What one input got. */
typedef struct slot {
	bool given;
	int rank; /* of extent; less than the input's while the rest of them is not known */
	int64_t extent[CLI_RANK];
} slot;

typedef struct binder {
	const cli_args *args;
	sg_call *call;
	const sg_entry *entry;
	cli_bound *bound;
	slot *slot;   /* of each input */
	int64_t *dim; /* given by name, of each dimension; else -1 */
	int status;
} binder;

static const char *
role_name(const sg_argument *in)
{
	return in && in->role == SG_ROLE_PARAM ? "param" : "input";
}

/* in: NULL where the entry has no such input */
static bool
say(binder *b, const sg_argument *in, const char *name, const char *what)
{
	b->status = cli_error(b->args, CLI_FAULT, "%s '%s': %s", role_name(in), name, what);
	return false;
}

static const sg_argument *
find_input(const sg_entry *e, const char *name, size_t *at)
{
	for (*at = 0; *at < e->ninputs; ++*at) {
		if (strcmp(e->args[*at].name, name) == 0) {
			return &e->args[*at];
		}
	}
	return NULL;
}

static bool
find_dim(const sg_entry *e, const char *name, size_t *at)
{
	for (*at = 0; *at < e->ndims; ++*at) {
		if (strcmp(e->dims[*at], name) == 0) {
			return true;
		}
	}
	return false;
}

/* The input's declared shape against the one that came, in the user's terms. */
static bool
wrong_shape(binder *b, const sg_argument *in, const cli_array *a)
{
	cli_text got = {0};

	cli_put_shape(&got, a->rank, a->extent);
	b->status = cli_error(b->args, CLI_FAULT, "%s '%s': %s%sexpected %s, got %s", role_name(in),
	                      in->name, a->file ? a->file : "", a->file ? ": " : "", in->shape,
	                      cli_str(&got));
	cli_text_free(&got);
	return false;
}

static bool
bind_data(binder *b, const sg_argument *in, const slot *s, void *data)
{
	int status;

	b->bound->data =
	    cli_grow(b->bound->data, b->bound->n, &b->bound->cap, sizeof *b->bound->data);
	b->bound->data[b->bound->n++] = data;
	status = sg_call_bind(b->call, in->name, in->type, in->rank, s->extent, data);
	if (status != SG_OK) {
		b->status = cli_failed(b->args, status, sg_call_message(b->call));
	}
	return status == SG_OK;
}

static bool
bind_input(binder *b, size_t at, cli_array *a)
{
	const sg_argument *in = &b->entry->args[at];
	slot *s = &b->slot[at];
	cli_text err = {0};
	void *data;

	b->bound->file[at] = a->file;
	cli_array_fit_rank(a, in->rank);
	s->rank = a->rank;
	memcpy(s->extent, a->extent, sizeof s->extent);
	if (a->count == 0 && a->rank < in->rank) {
		return true; /* "[]" does not say its further extents: bind_empty */
	}
	if (a->rank != in->rank) {
		return wrong_shape(b, in, a);
	}
	data = cli_array_as(a, in->type, &err);
	if (!data) {
		say(b, in, in->name, err.s);
		cli_text_free(&err);
		return false;
	}
	return bind_data(b, in, s, data);
}

/* The value of an extent as far as it is known from its text: a number, a dimension given by name,
 * or the same extent of another input; else 0. */
static int64_t
known_extent(const binder *b, const char *text)
{
	cli_kind kind;
	cli_cell v;
	size_t i;
	int k;

	if (cli_read_number(text, strlen(text), &kind, &v) && kind == CLI_INT) {
		return v.i;
	}
	if (find_dim(b->entry, text, &i) && b->dim[i] >= 0) {
		return b->dim[i];
	}
	for (i = 0; i < b->entry->ninputs; i++) {
		for (k = 0; k < b->slot[i].rank && k < b->entry->args[i].rank; k++) {
			if (strcmp(b->entry->args[i].extents[k], text) == 0) {
				return b->slot[i].extent[k];
			}
		}
	}
	return 0;
}

/* Lists that are empty before their last axis, once all others are bound. */
static void
bind_empty(binder *b)
{
	size_t i;

	for (i = 0; i < b->entry->ninputs; i++) {
		const sg_argument *in = &b->entry->args[i];
		slot *s = &b->slot[i];
		int k;

		if (!s->given || s->rank == 0 || s->rank >= in->rank) {
			continue;
		}
		for (k = s->rank; k < in->rank && k < CLI_RANK; k++) {
			s->extent[k] = known_extent(b, in->extents[k]);
		}
		bind_data(b, in, s, cli_alloc(0, 1));
	}
}

static bool
bind_dim(binder *b, const char *name, size_t at, const cli_array *a, const char *value)
{
	char found[CLI_SHOWN];
	int status;

	if (a->rank != 0 || a->kind == CLI_REAL || a->cell[0].i < 0) {
		cli_show(found, value, strlen(value));
		b->status = cli_error(b->args, CLI_FAULT,
		                      "dimension '%s': expected a whole number from 0, found '%s'",
		                      name, found);
		return false;
	}
	status = sg_call_set_dim(b->call, name, a->cell[0].i);
	b->dim[at] = a->cell[0].i;
	if (status != SG_OK) {
		b->status = cli_failed(b->args, status, sg_call_message(b->call));
	}
	return status == SG_OK;
}

/* A name that this entry does not use is passed over where the model has it. */
static bool
bind_other(binder *b, const char *name, const cli_array *a)
{
	const sg_entry *e = b->entry;
	const char **names = cli_alloc(e->ninputs + e->ndims, sizeof *names), *near;
	bool known =
	    sg_call_bind(b->call, name, SG_DTYPE_F64, a->rank, a->extent, a->cell) == SG_OK;
	size_t i;

	if (!known && a->rank == 0 && a->kind == CLI_INT) {
		known = sg_call_set_dim(b->call, name, a->cell[0].i) == SG_OK;
	}
	for (i = 0; i < e->ninputs; i++) {
		names[i] = e->args[i].name;
	}
	for (i = 0; i < e->ndims; i++) {
		names[e->ninputs + i] = e->dims[i];
	}
	near = sg_nearest_name(name, names, e->ninputs + e->ndims);
	free(names);
	if (!known) {
		b->status = cli_error(b->args, CLI_FAULT, "entry '%s' has no input '%s'%s%s%s",
		                      e->name, name, near ? "; did you mean '" : "",
		                      near ? near : "", near ? "'?" : "");
	}
	return known;
}

static void
bind_one(binder *b, const char *name, const char *value)
{
	const sg_argument *in;
	cli_text err = {0};
	cli_array a;
	size_t at;

	if (!cli_value_parse(value, name, &a, &err)) {
		in = find_input(b->entry, name, &at);
		say(b, in, name, err.s);
		cli_text_free(&err);
		if (in) {
			b->slot[at].given = true;
		}
		return;
	}
	in = find_input(b->entry, name, &at);
	if (in && b->slot[at].given) {
		say(b, in, name, "given twice");
	} else if (in) {
		b->slot[at].given = true;
		bind_input(b, at, &a);
	} else if (find_dim(b->entry, name, &at)) {
		bind_dim(b, name, at, &a, value);
	} else {
		bind_other(b, name, &a);
	}
	cli_array_free(&a);
}

/* All inputs that have neither a value nor a default, in one message. */
static void
find_missing(binder *b)
{
	cli_text t = {0};
	size_t i, n = 0;

	for (i = 0; i < b->entry->ninputs; i++) {
		const sg_argument *in = &b->entry->args[i];

		if (!b->slot[i].given && !in->has_default) {
			cli_printf(&t, "%s%s %s %s", n++ ? ", " : "", in->name,
			           sg_dtype_name(in->type), in->shape);
		}
	}
	if (n) {
		b->status = cli_error(b->args, CLI_FAULT, "entry '%s' needs a value for %s",
		                      b->entry->name, t.s);
		fputs("hint: give each as NAME=VALUE: a number, a JSON array, @file.npy, "
		      "@file.npz:name or @file.csv\n",
		      stderr);
	}
	cli_text_free(&t);
}

int
cli_bind(const cli_args *args, sg_call *call, size_t n, const char *const *assignment,
         bool need_all, cli_bound *bound)
{
	binder b = {.args = args, .call = call, .entry = sg_call_entry(call), .bound = bound};
	size_t i;

	b.slot = cli_alloc(b.entry->ninputs, sizeof *b.slot);
	b.dim = cli_alloc(b.entry->ndims, sizeof *b.dim);
	bound->file = cli_alloc(b.entry->ninputs, sizeof *bound->file);
	for (i = 0; i < b.entry->ndims; i++) {
		b.dim[i] = -1;
	}
	for (i = 0; i < n; i++) {
		const char *equals = strchr(assignment[i], '=');
		char *name = cli_copy(assignment[i], (size_t)(equals - assignment[i]));

		bind_one(&b, name, equals + 1);
		free(name);
	}
	if (b.status == CLI_DONE) {
		bind_empty(&b);
	}
	if (b.status == CLI_DONE && need_all) {
		find_missing(&b);
	}
	free(b.slot);
	free(b.dim);
	return b.status;
}

void
cli_free_bound(cli_bound *b)
{
	while (b->n > 0) {
		free(b->data[--b->n]);
	}
	free(b->data);
	free((void *)b->file);
	*b = (cli_bound){0};
}

/* What the library says begins with the input's name. */
int
cli_data_failed(const cli_args *args, int status, const char *message, const sg_call *call,
                const cli_bound *b)
{
	const sg_entry *e = sg_call_entry(call);
	const char *behind;
	cli_text begin = {0}, text = {0};
	size_t i;

	for (i = 0; status == SG_ESHAPE && b->file && i < e->ninputs; i++) {
		begin.n = 0;
		cli_printf(&begin, "%s '%s': ", role_name(&e->args[i]), e->args[i].name);
		behind = message + begin.n;
		if (b->file[i] && strncmp(message, begin.s, begin.n) == 0) {
			cli_printf(&text, "%s%s: %s", begin.s, b->file[i], behind);
			break;
		}
	}
	status = cli_failed(args, status, text.s ? text.s : message);
	cli_text_free(&begin);
	cli_text_free(&text);
	return status;
}

/* ---- outputs
 * ---------------------------------------------------------------------------------------- */

static cli_view
view_of(const sg_array *a)
{
	return (cli_view){.type = a->type, .rank = a->rank, .extent = a->shape, .data = a->data};
}

/* "grad_w = [[1. 2.]" with further rows under the first; after a long name they begin a line. */
static void
put_named(cli_text *t, const char *name, const cli_view *v)
{
	size_t n = strlen(name);

	cli_puts(t, name);
	if (n > 30 && v->rank > 0) {
		cli_puts(t, " =\n");
		cli_print(t, v, 0);
	} else {
		cli_puts(t, " = ");
		cli_print(t, v, n + 3);
	}
}

void
cli_put_outputs(cli_text *t, const sg_call *call, bool json, bool bare)
{
	const sg_entry *e = sg_call_entry(call);
	size_t i;

	if (json) {
		cli_putc(t, '{');
	}
	for (i = 0; i < e->noutputs; i++) {
		const sg_argument *out = &e->args[e->ninputs + i];
		cli_view v = view_of(sg_call_array(call, e->ninputs + i));

		if (json) {
			cli_puts(t, i ? ", " : "");
			cli_json_string(t, out->name);
			cli_puts(t, ": ");
			cli_json(t, &v);
			continue;
		}
		if (bare && e->noutputs == 1) {
			cli_print(t, &v, 0);
		} else {
			put_named(t, out->name, &v);
		}
		cli_putc(t, '\n');
	}
	if (json) {
		cli_puts(t, "}\n");
	}
}
