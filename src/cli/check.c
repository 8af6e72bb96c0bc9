/* check.c - symgrad check: derivatives against differences, modes and back ends against one
 * another. */
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"seed", 0, "N", "of the random numbers for inputs that are not given; default 1"},
    CLI_BACKEND_OPTION,
    {"format", 0, "text|json", "one JSON array instead of a table"},
    CLI_REAL_OPTION,
    CLI_DIM_OPTION,
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

/* A comparison, with the place of its worst element: "[0, 3]". */
typedef struct row {
	const sg_check_row *of;
	char *where;
} row;

typedef struct checks {
	const cli_args *args;
	sg_backend backend;
	uint64_t seed;
	bool json;
	cli_operands operands;
	/* found so far */
	row *rows;
	size_t n, cap;
	sg_report *reports;
	size_t nreports, report_cap;
} checks;

/* ---- making the comparisons
 * ----------------------------------------------------------------------------- */

static const sg_argument *
find_output(const sg_entry *e, const char *name)
{
	size_t i;

	for (i = 0; i < e->noutputs; i++) {
		if (strcmp(e->args[e->ninputs + i].name, name) == 0) {
			return &e->args[e->ninputs + i];
		}
	}
	return NULL;
}

/* "[0, 3]: " where the extents behind the first are numbers, else "element 3: "; nothing for a
 * scalar. */
static char *
place_text(const sg_argument *out, int64_t at)
{
	int64_t index[CLI_RANK];
	cli_text t = {0};
	cli_kind kind;
	cli_cell v;
	int k;

	if (at < 0 || !out || out->rank == 0 || out->rank > CLI_RANK) {
		return cli_copy("", 0);
	}
	index[0] = at;
	for (k = out->rank - 1; k > 0; k--) {
		if (!cli_read_number(out->extents[k], strlen(out->extents[k]), &kind, &v) ||
		    kind != CLI_INT || v.i < 1) {
			cli_printf(&t, "element %lld: ", (long long)at);
			return t.s;
		}
		index[k] = index[0] % v.i;
		index[0] /= v.i;
	}
	cli_put_shape(&t, out->rank, index);
	cli_puts(&t, ": ");
	return t.s;
}

static void
add_report(checks *c, const sg_call *call, const sg_report *report)
{
	size_t i;

	c->reports = cli_grow(c->reports, c->nreports, &c->report_cap, sizeof *c->reports);
	c->reports[c->nreports++] = *report;
	for (i = 0; i < report->nrows; i++) {
		const sg_check_row *r = &report->rows[i];

		c->rows = cli_grow(c->rows, c->n, &c->cap, sizeof *c->rows);
		c->rows[c->n++] =
		    (row){r, place_text(find_output(sg_call_entry(call), r->output), r->at)};
	}
}

static int
check_call(checks *c, sg_call *call)
{
	cli_bound bound = {0};
	sg_failure why = {0};
	sg_report report;
	int status = sg_call_status(call);

	if (status != SG_OK) {
		return cli_failed(c->args, status, sg_call_message(call));
	}
	status = cli_bind(c->args, call, c->operands.n, c->operands.assignment, false, &bound);
	if (status == CLI_DONE) {
		status = sg_check(call, c->seed, &report, &why);
		if (status == SG_OK) {
			add_report(c, call, &report);
		} else if (status < 0) {
			status = cli_error(c->args, CLI_NUMERIC, "in entry '%s': %s",
			                   sg_call_entry(call)->name, why.text);
		} else {
			status = cli_data_failed(c->args, status, why.text, call, &bound);
		}
	}
	cli_free_bound(&bound);
	return status;
}

/* An entry that the numbers do not suit is no hindrance to the others. */
static int
check_entries(checks *c, sg_model *m)
{
	int status = CLI_DONE, one = CLI_DONE;
	size_t i;

	for (i = 0; (one == CLI_DONE || one == CLI_NUMERIC) && i < sg_model_nentries(m); i++) {
		sg_call *call = sg_call_new(m, sg_model_entry(m, i)->name, c->backend);

		if (!call) {
			return cli_error(c->args, CLI_FAULT, "out of memory");
		}
		one = check_call(c, call);
		status = one == CLI_DONE ? status : one;
		sg_call_free(call);
	}
	return status;
}

/* ---- showing them
 * ------------------------------------------------------------------------------------------ */

/* How bad: the error in units of what is tolerated; NaN is the worst of all. */
static double
badness(const sg_check_row *r)
{
	double b = r->limit > 0 ? r->error / r->limit : r->error;

	return isnan(b) ? (double)INFINITY : b;
}

static int
worst_first(const void *x, const void *y)
{
	double a = badness(((const row *)x)->of), b = badness(((const row *)y)->of);

	return (a < b) - (a > b);
}

static size_t
widest(const checks *c, size_t least, const char *(*text)(const row *))
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		size_t n = strlen(text(&c->rows[i]));

		least = n > least ? n : least;
	}
	return least;
}

static const char *
entry_of(const row *r)
{
	return r->of->entry;
}

static const char *
output_of(const row *r)
{
	return r->of->output;
}

static const char *
against_of(const row *r)
{
	return r->of->against;
}

static void
put_table(cli_text *t, const checks *c)
{
	int entry = (int)widest(c, 5, entry_of), output = (int)widest(c, 6, output_of);
	int against = (int)widest(c, 7, against_of);
	size_t i, bad = 0;

	if (c->n) {
		cli_printf(t, "%-*s  %-*s  %-*s  %-9s  %-9s        worst element\n", entry, "entry",
		           output, "output", against, "against", "error", "limit");
	}
	for (i = 0; i < c->n; i++) {
		const sg_check_row *r = c->rows[i].of;

		bad += !r->ok;
		cli_printf(t, "%-*s  %-*s  %-*s  %-9.2e  %-9.2e  %-4s", entry, r->entry, output,
		           r->output, against, r->against, r->error, r->limit,
		           r->ok ? "ok" : "BAD");
		if (r->at >= 0) {
			cli_printf(t, "  %s", c->rows[i].where);
			cli_put_number(t, r->is, false);
			cli_puts(t, ", expected ");
			cli_put_number(t, r->expected, false);
		}
		cli_putc(t, '\n');
	}
	if (bad) {
		cli_printf(t, "%zu of %zu comparisons failed\n", bad, c->n);
	} else {
		cli_printf(t, "%zu comparison%s agree%s\n", c->n, c->n == 1 ? "" : "s",
		           c->n == 1 ? "s" : "");
	}
}

static void
put_json_number(cli_text *t, const char *name, double v)
{
	cli_view view = {.type = SG_DTYPE_F64, .data = &v};

	cli_printf(t, ", \"%s\": ", name);
	cli_json(t, &view);
}

static void
put_json_rows(cli_text *t, const checks *c)
{
	size_t i;

	cli_putc(t, '[');
	for (i = 0; i < c->n; i++) {
		const sg_check_row *r = c->rows[i].of;

		cli_puts(t, i ? ", {\"entry\": " : "{\"entry\": ");
		cli_json_string(t, r->entry);
		cli_puts(t, ", \"output\": ");
		cli_json_string(t, r->output);
		cli_puts(t, ", \"against\": ");
		cli_json_string(t, r->against);
		put_json_number(t, "error", r->error);
		put_json_number(t, "limit", r->limit);
		cli_printf(t, ", \"ok\": %s, \"at\": %lld", r->ok ? "true" : "false",
		           (long long)r->at);
		put_json_number(t, "is", r->is);
		put_json_number(t, "expected", r->expected);
		cli_putc(t, '}');
	}
	cli_puts(t, "]\n");
}

static int
show_checks(checks *c, int status)
{
	cli_text t = {0}, err = {0};
	size_t i;

	if (c->n) {
		qsort(c->rows, c->n, sizeof *c->rows, worst_first);
	}
	if (c->json) {
		put_json_rows(&t, c);
	} else {
		put_table(&t, c);
	}
	for (i = 0; i < c->n; i++) {
		status = c->rows[i].of->ok ? status : CLI_FAULT;
	}
	if (!cli_write_stdout(t.s, t.n, &err)) {
		status = cli_error(c->args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&t);
	cli_text_free(&err);
	return status;
}

/* ---- the command
 * --------------------------------------------------------------------------------------------- */

static bool
read_request(checks *c)
{
	return cli_read_operands(c->args, &c->operands) && cli_read_seed(c->args, &c->seed) &&
	       cli_read_backend(c->args, &c->backend) && cli_wants_json(c->args, &c->json);
}

static void
free_checks(checks *c)
{
	while (c->n > 0) {
		free(c->rows[--c->n].where);
	}
	while (c->nreports > 0) {
		sg_report_free(&c->reports[--c->nreports]);
	}
	free(c->rows);
	free(c->reports);
}

static int
check(const cli_args *args)
{
	checks c = {.args = args, .seed = 1};
	int status = CLI_USAGE;
	cli_setup setup;
	sg_model *m;

	if (!read_request(&c)) {
		return CLI_USAGE;
	}
	if (cli_read_setup(args, &setup, &status)) {
		setup.options.entry = c.operands.entry;
		m = cli_accept(sg_compile_file(args->operand[0], &setup.options), c.json, &status);
		if (m) {
			status = check_entries(&c, m);
			if (status == CLI_DONE || (status == CLI_NUMERIC && c.n)) {
				status = show_checks(&c, status);
			}
			free_checks(&c);
			sg_model_free(m);
		}
	}
	cli_free_setup(&setup);
	return status;
}

const cli_command cli_check = {
    .name = "check",
    .usage = "[OPTION]... FILE.sg [ENTRY] [NAME=VALUE]...",
    .summary = "prove derivatives by finite differences",
    .about = "Compare every derivative of every entry (or of ENTRY) with finite differences, "
	     "forward with\n"
	     "reverse mode, and machine code with the reference evaluator. Inputs that are not "
	     "given get\n"
	     "their default, or random numbers, and free dimensions small sizes. The worst comes "
	     "first;\n"
	     "the status is 1 when a comparison fails, and else 3 when an entry can't be "
	     "computed.\n",
    .examples = "  symgrad check perceptron.sg\n"
		"  symgrad check perceptron.sg gradient x=@x.npy --seed=7\n",
    .options = options,
    .run = check,
};
