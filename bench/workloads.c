/* workloads.c - the twelve modules of the protocol: which written C, which names, what output.
 *
 * Models whose size stands in the text (the layers of lstm, the rows of det) are there once for
 * each size. */
#include "gradbench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the written C, of examples/workloads/NAME.sg; Makefile.am lists the same names ---- */

extern const sgrt_module hello_module, gmm_module, ba_module, ht_module, kmeans_module, llsq_module,
    lse_module, ode_module, particle_module, saddle_module;
extern const sgrt_module lstm1_module, lstm2_module, lstm3_module, lstm4_module;
extern const sgrt_module det1_module, det2_module, det3_module, det4_module, det5_module,
    det6_module, det7_module, det8_module, det9_module, det10_module, det11_module, det12_module,
    det13_module;

static const sgrt_module *const lstm_sizes[] = {NULL, &lstm1_module, &lstm2_module, &lstm3_module,
                                                &lstm4_module};
static const sgrt_module *const det_sizes[] = {
    NULL,          &det1_module,  &det2_module,  &det3_module, &det4_module,
    &det5_module,  &det6_module,  &det7_module,  &det8_module, &det9_module,
    &det10_module, &det11_module, &det12_module, &det13_module};

/* What becomes of the outputs. */
typedef enum {
	FORM_ARRAY,  /* the one of that name, in its shape */
	FORM_FLAT,   /* all in one list */
	FORM_OBJECT, /* each under its name */
	FORM_ERRORS, /* of ba: the first of each, which the tool repeated */
	FORM_MATRIX, /* of ba: the ends of a matrix in rows */
} form;

typedef struct function {
	const char *name, *entry;
	form form;
	const char *output; /* FORM_ARRAY */
	const char *once;   /* an entry that is called once, before: the timing `prepare` */
} function;

struct workload {
	const char *name;
	const sgrt_module *module;       /* NULL: see size */
	const sgrt_module *const *sizes; /* by the number that size finds, 1 to most */
	int64_t most;
	bool (*size)(json input, int64_t *size, cli_text *err);
	bool (*bind)(call *c, json input, cli_text *err); /* NULL: call_bind */
	const alias *aliases;
	bool simple; /* has entries NAME_simple, for input without us */
	function functions[4];
};

/* ---- sizes ---- */

static bool
layers(json input, int64_t *size, cli_text *err)
{
	cli_array a;

	if (!json_array(json_member(input, "main_params"), "main_params", &a, err)) {
		return false;
	}
	*size = a.rank == 2 && a.extent[0] % 2 == 0 ? a.extent[0] / 2 : 0;
	cli_array_free(&a);
	return *size > 0 || cli_fail(err, "'main_params' has no two rows for each layer");
}

static bool
rows(json input, int64_t *size, cli_text *err)
{
	return json_count(json_member(input, "ell"), "ell", size, err);
}

/* ---- ba: one camera, point, weight and feature, repeated by the tool ---- */

static double *
repeat(json input, const char *name, int64_t width, int64_t times, cli_text *err)
{
	cli_array a;
	double *one = NULL, *all = NULL;
	int64_t i;

	if (!json_array(json_member(input, name), name, &a, err)) {
		return NULL;
	}
	if ((int64_t)a.count != width) {
		cli_fail(err, "'%s' has %zu numbers, not %lld", name, a.count, (long long)width);
	} else if ((one = cli_array_as(&a, SG_DTYPE_F64, err))) {
		all = call_room((double)times * (double)width, sizeof *all, err);
	}
	for (i = 0; all && i < times; i++) {
		memcpy(all + i * width, one, (size_t)width * sizeof *all);
	}
	free(one);
	cli_array_free(&a);
	return all;
}

static int64_t *
observations(int64_t n, int64_t m, int64_t p, cli_text *err)
{
	int64_t *obs = call_room((double)p * 2, sizeof *obs, err), i;

	for (i = 0; obs && i < p; i++) {
		obs[2 * i] = i % n;
		obs[2 * i + 1] = i % m;
	}
	return obs;
}

static bool
ba_sizes(call *c, json input, int64_t size[3], cli_text *err)
{
	static const char *const name[] = {"n", "m", "p"};
	int i;

	for (i = 0; i < 3; i++) {
		ptrdiff_t *dim = call_dim(c, name[i]);

		if (!json_count(json_member(input, name[i]), name[i], &size[i], err)) {
			return false;
		}
		if (size[i] > INT32_MAX) {
			return cli_fail(err, "'%s' is too large", name[i]);
		}
		if (dim) {
			*dim = (ptrdiff_t)size[i];
			c->known[dim - c->dims] = true;
		}
	}
	return (size[2] == 0 || (size[0] > 0 && size[1] > 0)) ||
	       cli_fail(err, "observations need a camera and a point");
}

static bool
bind_ba(call *c, json input, cli_text *err)
{
	int64_t size[3];
	int i;

	if (!ba_sizes(c, input, size, err)) {
		return false;
	}
	for (i = 0; i < c->entry->nargs; i++) {
		const char *name = c->entry->args[i].name;

		if (c->entry->args[i].role == SGRT_OUTPUT) {
			continue;
		}
		c->args[i] = strcmp(name, "cams") == 0     ? repeat(input, "cam", 11, size[0], err)
		             : strcmp(name, "points") == 0 ? repeat(input, "x", 3, size[1], err)
		             : strcmp(name, "w") == 0      ? repeat(input, "w", 1, size[2], err)
		             : strcmp(name, "feats") == 0
		                 ? repeat(input, "feat", 2, size[2], err)
		                 : (void *)observations(size[0], size[1], size[2], err);
		if (!c->args[i]) {
			return false;
		}
	}
	return true;
}

static cli_view
view_of(const call *c, int i, int64_t extent[CLI_RANK])
{
	size_t count = 0;
	cli_view v = {.type = c->entry->args[i].type == SGRT_I64 ? SG_DTYPE_I64 : SG_DTYPE_F64,
	              .rank = c->entry->args[i].rank,
	              .extent = extent,
	              .data = c->args[i]};

	(void)call_shape(c, i, extent, &count);
	return v;
}

static void
put_errors(cli_text *out, const call *c)
{
	const double *error = c->args[call_arg(c, "reproj_error")];
	const double *w = c->args[call_arg(c, "w_err")];
	int64_t two = 2, p = 0, extent[CLI_RANK];
	cli_view v = {.type = SG_DTYPE_F64, .rank = 1, .extent = &two, .data = error};

	(void)view_of(c, call_arg(c, "w_err"), extent);
	p = extent[0];
	two = p > 0 ? 2 : 0;
	cli_puts(out, "{\"reproj_error\":{\"elements\":");
	cli_json(out, &v);
	cli_printf(out, ",\"repeated\":%lld},\"w_err\":{\"element\":", (long long)p);
	v.rank = 0;
	v.data = w;
	if (p > 0) {
		cli_json(out, &v);
	} else {
		cli_puts(out, "null");
	}
	cli_printf(out, ",\"repeated\":%lld}}", (long long)p);
}

/* The first thirty elements and the last. */
static void
put_ends(cli_text *out, const call *c, const char *name)
{
	int64_t extent[CLI_RANK], n;
	cli_view v = view_of(c, call_arg(c, name), extent);
	const char *data = v.data;

	n = extent[0];
	cli_printf(out, "\"%s\":", name);
	if (n > 31) {
		extent[0] = 30;
	}
	cli_json(out, &v);
	if (n > 31) {
		v.rank = 0;
		v.data = data + 8 * (n - 1);
		out->s[--out->n] = 0; /* the bracket, which comes behind the last */
		cli_putc(out, ',');
		cli_json(out, &v);
		cli_putc(out, ']');
	}
}

/* ---- outputs ---- */

static void
put_flat(cli_text *out, const call *c)
{
	bool first = true;
	int i;

	cli_putc(out, '[');
	for (i = 0; i < c->entry->nargs; i++) {
		int64_t extent[CLI_RANK], one;
		cli_view v;
		size_t count = 0;

		if (c->entry->args[i].role != SGRT_OUTPUT) {
			continue;
		}
		v = view_of(c, i, extent);
		(void)call_shape(c, i, extent, &count);
		one = (int64_t)count;
		v.rank = 1;
		v.extent = &one;
		if (count > 0) {
			size_t from;

			cli_puts(out, first ? "" : ",");
			from = out->n;
			cli_json(out, &v);
			out->s[from] = ' '; /* the brackets are those of all */
			out->s[--out->n] = 0;
			first = false;
		}
	}
	cli_putc(out, ']');
}

static void
put_object(cli_text *out, const call *c)
{
	const char *before = "{";
	int i;

	for (i = 0; i < c->entry->nargs; i++) {
		int64_t extent[CLI_RANK];
		cli_view v;

		if (c->entry->args[i].role == SGRT_OUTPUT) {
			const char *name = c->entry->args[i].name;

			/* an output that is an input too is out_NAME */
			name += strncmp(name, "out_", 4) == 0 ? 4 : 0;
			v = view_of(c, i, extent);
			cli_printf(out, "%s\"%s\":", before, name);
			cli_json(out, &v);
			before = ",";
		}
	}
	cli_putc(out, '}');
}

static bool
put_output(cli_text *out, const call *c, const call *once, const function *f, cli_text *err)
{
	int64_t extent[CLI_RANK];
	cli_view v;
	int i;

	switch (f->form) {
	case FORM_ARRAY:
		i = call_arg(c, f->output);
		if (i < 0) {
			return cli_fail(err, "the model has no output '%s'", f->output);
		}
		v = view_of(c, i, extent);
		cli_json(out, &v);
		break;
	case FORM_FLAT:
		put_flat(out, c);
		break;
	case FORM_OBJECT:
		put_object(out, c);
		break;
	case FORM_ERRORS:
		put_errors(out, c);
		break;
	case FORM_MATRIX:
		cli_putc(out, '{');
		put_ends(out, once, "rows");
		cli_putc(out, ',');
		put_ends(out, once, "cols");
		cli_putc(out, ',');
		put_ends(out, c, "vals");
		cli_putc(out, '}');
		break;
	}
	return true;
}

/* ---- the modules ---- */

static const alias lstm_names[] = {
    {"main", "main_params"}, {"extra", "extra_params"}, {NULL, NULL}};

#define PRIMAL(output)                                                                             \
	{                                                                                          \
		{"primal", "primal", FORM_ARRAY, output, NULL},                                    \
		{                                                                                  \
			"gradient", "gradient", FORM_FLAT, NULL, NULL                              \
		}                                                                                  \
	}
#define MODES(output)                                                                              \
	{                                                                                          \
		{"ff", "ff", FORM_ARRAY, output, NULL}, {"fr", "fr", FORM_ARRAY, output, NULL},    \
		    {"rf", "rf", FORM_ARRAY, output, NULL},                                        \
		{                                                                                  \
			"rr", "rr", FORM_ARRAY, output, NULL                                       \
		}                                                                                  \
	}

static const workload workloads[] = {
    {.name = "hello",
     .module = &hello_module,
     .functions = {{"square", "square", FORM_ARRAY, "y", NULL},
                   {"double", "double", FORM_ARRAY, "d", NULL}}},
    {.name = "gmm",
     .module = &gmm_module,
     .functions = {{"objective", "objective", FORM_ARRAY, "objective", NULL},
                   {"jacobian", "jacobian", FORM_OBJECT, NULL, NULL}}},
    {.name = "ba",
     .module = &ba_module,
     .bind = bind_ba,
     .functions = {{"objective", "objective", FORM_ERRORS, NULL, NULL},
                   {"jacobian", "values", FORM_MATRIX, NULL, "pattern"}}},
    {.name = "lstm",
     .sizes = lstm_sizes,
     .most = 4,
     .size = layers,
     .aliases = lstm_names,
     .functions = {{"objective", "objective", FORM_ARRAY, "loss", NULL},
                   {"jacobian", "jacobian", FORM_FLAT, NULL, NULL}}},
    {.name = "ht",
     .module = &ht_module,
     .simple = true,
     .functions = {{"objective", "objective", FORM_ARRAY, "error", NULL},
                   {"jacobian", "jacobian", FORM_ARRAY, "J", NULL}}},
    {.name = "kmeans",
     .module = &kmeans_module,
     .functions = {{"cost", "cost", FORM_ARRAY, "cost", NULL},
                   {"dir", "dir", FORM_ARRAY, "step", NULL}}},
    {.name = "llsq", .module = &llsq_module, .functions = PRIMAL("y")},
    {.name = "lse", .module = &lse_module, .functions = PRIMAL("y")},
    {.name = "det", .sizes = det_sizes, .most = 13, .size = rows, .functions = PRIMAL("d")},
    {.name = "ode", .module = &ode_module, .functions = PRIMAL("y")},
    {.name = "particle", .module = &particle_module, .functions = MODES("w_min")},
    {.name = "saddle", .module = &saddle_module, .functions = MODES("pq")},
};

const workload *
workload_find(json name)
{
	size_t i;

	for (i = 0; i < sizeof workloads / sizeof *workloads; i++) {
		if (json_is(name, workloads[i].name)) {
			return &workloads[i];
		}
	}
	return NULL;
}

static const function *
find_function(const workload *w, json name)
{
	size_t i;

	for (i = 0; i < sizeof w->functions / sizeof *w->functions; i++) {
		if (w->functions[i].name && json_is(name, w->functions[i].name)) {
			return &w->functions[i];
		}
	}
	return NULL;
}

static const sgrt_module *
find_module(const workload *w, json input, cli_text *err)
{
	int64_t size;

	if (w->module) {
		return w->module;
	}
	if (!w->size(input, &size, err)) {
		return NULL;
	}
	if (size < 1 || size > w->most) {
		cli_fail(err, "%s was built for sizes from 1 to %lld, not %lld", w->name,
		         (long long)w->most, (long long)size);
		return NULL;
	}
	return w->sizes[size];
}

/* ---- a request ---- */

/* The two of a request: what is called once, and what is timed. */
typedef struct pair {
	call once, main;
} pair;

static bool
ready(call *c, const workload *w, const sgrt_module *m, const char *entry, json input,
      cli_text *err)
{
	c->entry = call_find(m, entry);
	if (!c->entry) {
		return cli_fail(err, "the model has no entry '%s'", entry);
	}
	return (w->bind ? w->bind(c, input, err) : call_bind(c, input, w->aliases, err)) &&
	       call_prepare(c, err);
}

static void
put_timing(cli_text *times, const char *name, double nanoseconds)
{
	cli_printf(times, "%s{\"name\":\"%s\",\"nanoseconds\":%.0f}", times->n ? "," : "", name,
	           nanoseconds);
}

static bool
run_often(const call *c, json input, cli_text *times, cli_text *err)
{
	json runs = json_member(input, "min_runs"), seconds = json_member(input, "min_seconds");
	double least = 0, total = 0, ns;
	int64_t count = 1, i;

	if ((runs.s && !json_count(runs, "min_runs", &count, err)) ||
	    (seconds.s && !json_number(seconds, "min_seconds", &least, err))) {
		return false;
	}
	for (i = 0; i == 0 || i < count || total < least * 1e9; i++) {
		if (!call_run(c, &ns, err)) {
			return false;
		}
		total += ns;
		put_timing(times, "evaluate", ns);
	}
	return true;
}

static bool
run_pair(pair *p, const workload *w, const function *f, const char *entry, json input,
         cli_text *out, cli_text *err)
{
	const sgrt_module *m = find_module(w, input, err);
	cli_text times = {0};
	double ns;
	bool ok;

	ok = m && (!f->once ||
	           (ready(&p->once, w, m, f->once, input, err) && call_run(&p->once, &ns, err)));
	if (ok && f->once) {
		put_timing(&times, "prepare", ns);
	}
	ok = ok && ready(&p->main, w, m, entry, input, err) &&
	     run_often(&p->main, input, &times, err);
	if (ok) {
		cli_puts(out, "\"output\":");
		ok = put_output(out, &p->main, &p->once, f, err);
		cli_printf(out, ",\"timings\":[%s]", cli_str(&times));
	}
	cli_text_free(&times);
	return ok;
}

/* The hand without places in triangles has functions of its own. */
static bool
is_simple(const workload *w, json input)
{
	cli_array a;
	cli_text err = {0};
	bool none = false;

	if (w->simple && json_array(json_member(input, "us"), "us", &a, &err)) {
		none = a.count == 0;
		cli_array_free(&a);
	}
	cli_text_free(&err);
	return none;
}

bool
workload_run(const workload *w, json name, json input, cli_text *out, cli_text *err)
{
	const function *f = find_function(w, name);
	pair p = {{0}, {0}};
	char entry[64];
	bool ok;

	if (!f) {
		return cli_fail(err, "%s has no such function", w->name);
	}
	if (!input.s) {
		return cli_fail(err, "'input' is missing");
	}
	snprintf(entry, sizeof entry, "%s%s", f->entry, is_simple(w, input) ? "_simple" : "");
	ok = run_pair(&p, w, f, entry, input, out, err);
	call_free(&p.once);
	call_free(&p.main);
	return ok;
}
