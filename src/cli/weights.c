/* weights.c - symgrad compile --weights: values of params, from NAME=VALUE operands and from the
 * .npz file of --params; and their .npy files. */
#include "cli/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A param that some entry uses. */
typedef struct param {
	const sg_argument *arg;
	const char *text; /* of its operand; NULL: there is none */
	bool given;       /* its value is among the model's */
} param;

typedef struct reader {
	job *j;
	sg_model *m;
	cli_weights *w;
	param *param;
	size_t n, cap;
	bool ok;
} reader;

static bool
say(reader *r, const char *name, const char *what)
{
	r->j->status = cli_error(r->j->args, CLI_FAULT, "param '%s': %s", name, what);
	return r->ok = false;
}

static param *
find(const reader *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (strcmp(r->param[i].arg->name, name) == 0) {
			return &r->param[i];
		}
	}
	return NULL;
}

static bool
is_input(const sg_model *m, const char *name)
{
	size_t e, i;

	for (e = 0; e < sg_model_nentries(m); e++) {
		const sg_entry *entry = sg_model_entry(m, e);

		for (i = 0; i < entry->ninputs; i++) {
			if (strcmp(entry->args[i].name, name) == 0) {
				return true;
			}
		}
	}
	return false;
}

static void
find_params(reader *r)
{
	size_t e, i;

	for (e = 0; e < sg_model_nentries(r->m); e++) {
		const sg_entry *entry = sg_model_entry(r->m, e);

		for (i = 0; i < entry->ninputs; i++) {
			if (entry->args[i].role != SG_ROLE_PARAM || find(r, entry->args[i].name)) {
				continue;
			}
			r->param = cli_grow(r->param, r->n, &r->cap, sizeof *r->param);
			r->param[r->n++] = (param){.arg = &entry->args[i]};
		}
	}
}

/* ---- operands ---- */

static void
unknown(reader *r, const char *name)
{
	const char **names = cli_alloc(r->n, sizeof *names), *near;
	size_t i;

	for (i = 0; i < r->n; i++) {
		names[i] = r->param[i].arg->name;
	}
	near = sg_nearest_name(name, names, r->n);
	if (is_input(r->m, name)) {
		r->j->status =
		    cli_error(r->j->args, CLI_FAULT,
		              "'%s' is an input, and --weights takes values of params", name);
	} else {
		r->j->status =
		    cli_error(r->j->args, CLI_FAULT, "no entry uses a param '%s'%s%s%s", name,
		              near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	r->ok = false;
	free(names);
}

static void
read_operand(reader *r, const char *operand)
{
	const char *equals = strchr(operand, '=');
	char *name = cli_copy(operand, (size_t)(equals - operand));
	param *p = find(r, name);

	if (!p) {
		unknown(r, name);
	} else if (p->text) {
		say(r, name, "given twice");
	} else {
		p->text = equals + 1;
	}
	free(name);
}

/* ---- values ---- */

/* The extent as a number, or -1. */
static int64_t
fixed_extent(const char *text)
{
	cli_kind what;
	cli_cell v;

	return cli_read_number(text, strlen(text), &what, &v) && what == CLI_INT ? v.i : -1;
}

/* "[]" does not say its further extents; a param's are known. */
static void
fit_empty(cli_array *a, const sg_argument *in)
{
	while (a->count == 0 && a->rank > 0 && a->rank < in->rank && a->rank < CLI_RANK) {
		const int64_t extent = fixed_extent(in->extents[a->rank]);

		if (extent < 0) {
			return;
		}
		a->extent[a->rank++] = extent;
	}
}

static bool
keep(reader *r, const sg_argument *in, const cli_array *a)
{
	cli_weights *w = r->w;
	cli_text err = {0};
	void *data = cli_array_as(a, in->type, &err);
	int64_t *shape;

	if (!data) {
		say(r, in->name, err.s);
		cli_text_free(&err);
		return false;
	}
	shape = cli_alloc(CLI_RANK, sizeof *shape);
	memcpy(shape, a->extent, sizeof a->extent);
	w->value = cli_grow(w->value, w->n, &w->cap, sizeof *w->value);
	w->value[w->n++] = (sg_value){
	    .name = in->name, .type = in->type, .rank = a->rank, .shape = shape, .data = data};
	return true;
}

/* The array tells the dimensions that are extents of their own. */
static void
hint_dims(const sg_argument *in, const cli_array *a)
{
	cli_text t = {0};
	int k, i;

	for (k = 0; a && k < in->rank; k++) {
		for (i = 0; i < k && strcmp(in->extents[i], in->extents[k]) != 0; i++) {
		}
		if (i == k && fixed_extent(in->extents[k]) < 0 && cli_is_name(in->extents[k])) {
			cli_printf(&t, " --dim=%s=%lld", in->extents[k], (long long)a->extent[k]);
		}
	}
	fprintf(stderr, "hint:%s\n", t.n ? t.s : " fix a dimension, as in --dim=N=128");
	cli_text_free(&t);
}

/* a NULL: the default */
static bool
check_fixed(reader *r, const sg_argument *in, const cli_array *a)
{
	int k;

	for (k = 0; k < in->rank && fixed_extent(in->extents[k]) >= 0; k++) {
	}
	if (k == in->rank || (a && r->j->weights == NPY)) {
		return true;
	}
	r->j->status = cli_error(r->j->args, CLI_FAULT,
	                         "param '%s': its shape %s is not fixed, which --weights=%s needs",
	                         in->name, in->shape, cli_value(r->j->args, "weights"));
	hint_dims(in, a);
	return r->ok = false;
}

static bool
has_shape(const cli_array *a, const sg_argument *in)
{
	int k;

	for (k = 0; a->rank == in->rank && k < in->rank; k++) {
		const int64_t extent = fixed_extent(in->extents[k]);

		if (extent >= 0 && extent != a->extent[k]) {
			return false;
		}
	}
	return a->rank == in->rank;
}

static void
take(reader *r, param *p, cli_array *a)
{
	const sg_argument *in = p->arg;
	cli_text expected = {0};

	p->given = true;
	cli_array_fit_rank(a, in->rank);
	fit_empty(a, in);
	if (!has_shape(a, in)) {
		cli_printf(&expected, "%s%sexpected %s, got ", a->file ? a->file : "",
		           a->file ? ": " : "", in->shape);
		cli_put_shape(&expected, a->rank, a->extent);
		say(r, in->name, expected.s);
		cli_text_free(&expected);
	} else if (check_fixed(r, in, a)) {
		keep(r, in, a);
	}
}

static void
take_operand(reader *r, param *p)
{
	cli_text err = {0};
	cli_array a;

	p->given = true;
	if (!cli_value_parse(p->text, p->arg->name, &a, &err)) {
		say(r, p->arg->name, err.s);
		cli_text_free(&err);
		return;
	}
	take(r, p, &a);
	cli_array_free(&a);
}

/* All params that have no operand are in the file. */
static void
take_file(reader *r, const char *path)
{
	cli_text bytes = {0}, err = {0};
	size_t i;

	if (!cli_read_file(path, &bytes, &err)) {
		r->j->status = cli_error(r->j->args, CLI_FAULT, "%s", err.s);
		r->ok = false;
	}
	for (i = 0; r->ok && i < r->n; i++) {
		const char *name = r->param[i].arg->name;
		cli_array a = {0};

		if (r->param[i].given) {
			continue;
		}
		if (cli_npz_parse(path, cli_str(&bytes), bytes.n, name, name, &a, &err)) {
			a.file = path;
			take(r, &r->param[i], &a);
		} else {
			say(r, name, err.s);
			cli_text_free(&err);
		}
		cli_array_free(&a);
	}
	cli_text_free(&bytes);
	cli_text_free(&err);
}

/* What has neither a value nor a default, in one message. */
static void
find_missing(reader *r)
{
	cli_text t = {0};
	size_t i, n = 0;

	for (i = 0; i < r->n; i++) {
		const sg_argument *in = r->param[i].arg;

		if (!r->param[i].given && in->has_default) {
			check_fixed(r, in, NULL);
		} else if (!r->param[i].given) {
			cli_printf(&t, "%s%s %s %s", n++ ? ", " : "", in->name,
			           sg_dtype_name(in->type), in->shape);
		}
	}
	if (n) {
		r->j->status =
		    cli_error(r->j->args, CLI_FAULT, "--weights needs a value for %s", t.s);
		fputs("hint: --params=FILE.npz, or each as NAME=VALUE: a number, a JSON array, "
		      "@file.npy, @file.npz:name\n",
		      stderr);
		r->ok = false;
	}
	cli_text_free(&t);
}

bool
cli_read_weights(job *j, sg_model *m, cli_weights *w)
{
	const char *file = cli_value(j->args, "params");
	reader r = {.j = j, .m = m, .w = w, .ok = true};
	size_t i;

	*w = (cli_weights){0};
	if (j->weights == NO_WEIGHTS) {
		return true;
	}
	find_params(&r);
	for (i = 0; i < j->nassignments; i++) {
		read_operand(&r, j->assignment[i]);
	}
	for (i = 0; i < r.n; i++) {
		if (r.param[i].text) {
			take_operand(&r, &r.param[i]);
		}
	}
	if (file && r.ok) {
		take_file(&r, file);
	}
	if (r.ok) {
		find_missing(&r);
	}
	free(r.param);
	return r.ok;
}

void
cli_free_weights(cli_weights *w)
{
	while (w->n > 0) {
		const sg_value *v = &w->value[--w->n];

		free((int64_t *)(uintptr_t)v->shape);
		free((void *)(uintptr_t)v->data);
	}
	free(w->value);
	*w = (cli_weights){0};
}
