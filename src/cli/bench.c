/* bench.c - symgrad bench: the time of a call, by back end.
 *
 * Back ends and entries take turns, so that what else the machine does falls on all of them alike;
 * the median of the rounds counts. A call that takes more than a second is made once. */
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BACKENDS = 3, ROUNDS = 7 };
static const double round_seconds = 0.02, once_seconds = 1;

static const cli_option options[] = {
    {"format", 0, "text|json", "one JSON object instead of a table"},
    {"seed", 0, "N", "of the random numbers for inputs that are not given; default 1"},
    CLI_THREADS_OPTION,
    CLI_REAL_OPTION,
    CLI_DIM_OPTION,
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

static const struct {
	sg_backend backend;
	const char *name;
} backends[BACKENDS] = {
    {SG_BACKEND_JIT, "jit"},
    {SG_BACKEND_CC, "cc"},
    {SG_BACKEND_INTERP, "interp"},
};

/* One entry on one back end. */
typedef struct cell {
	sg_call *call; /* NULL: there is no such back end */
	cli_bound bound;
	int64_t calls; /* in a round */
	int rounds;
	double seconds[ROUNDS]; /* of a call */
} cell;

typedef struct row {
	const char *entry;
	cell cell[BACKENDS];
} row;

typedef struct bench {
	const cli_args *args;
	cli_operands operands;
	uint64_t seed;
	bool json;
	row *rows;
	size_t n;
	bool compare; /* the first with the second */
} bench;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- calls ---- */

/* The data that the command line gives, and random numbers for the rest. */
static int
give_data(bench *b, cell *c)
{
	int status =
	    cli_bind(b->args, c->call, b->operands.n, b->operands.assignment, false, &c->bound);

	if (status == CLI_DONE) {
		status = sg_call_make_up(c->call, b->seed);
		status = status == SG_EMISSING
		             ? cli_error(b->args, CLI_FAULT, "%s: give --dim=NAME=VALUE, or data",
		                         sg_call_message(c->call))
		         : status == SG_OK
		             ? CLI_DONE
		             : cli_data_failed(b->args, status, sg_call_message(c->call), c->call,
		                               &c->bound);
	}
	return status;
}

static int
open_cell(bench *b, sg_model *m, const char *entry, int backend, cell *c)
{
	int status;

	c->call = sg_call_new(m, entry, backends[backend].backend);
	status = c->call ? sg_call_status(c->call) : SG_ENOMEM;
	if (status == SG_OK) {
		return give_data(b, c);
	}
	if (status != SG_EBACKEND) {
		return cli_failed(b->args, status, c->call ? sg_call_message(c->call) : NULL);
	}
	sg_call_free(c->call);
	c->call = NULL;
	return CLI_DONE;
}

static int
run_calls(const bench *b, cell *c, int64_t n, double *seconds)
{
	double from = now();
	int status = SG_OK;
	int64_t i;

	for (i = 0; i < n && status == SG_OK; i++) {
		status = sg_call_run(c->call);
	}
	*seconds = now() - from;
	return status == SG_OK ? CLI_DONE : cli_call_failed(b->args, status, c->call);
}

/* How many calls fill a round; the first ones also warm up. */
static int
calibrate(const bench *b, cell *c)
{
	double seconds = 0;
	int status = run_calls(b, c, 1, &seconds);

	for (c->calls = 1; status == CLI_DONE && seconds < round_seconds / 2; c->calls *= 2) {
		status = run_calls(b, c, 2 * c->calls, &seconds);
	}
	if (seconds >= once_seconds) {
		c->seconds[c->rounds++] = seconds / (double)c->calls;
		c->calls = 0;
	}
	return status;
}

static int
run_round(const bench *b, cell *c)
{
	double seconds;
	int status;

	if (!c->calls) {
		return CLI_DONE;
	}
	status = run_calls(b, c, c->calls, &seconds);
	c->seconds[c->rounds++] = seconds / (double)c->calls;
	return status;
}

/* f for all cells, by turns. */
static int
in_turn(const bench *b, int (*f)(const bench *b, cell *c))
{
	int status = CLI_DONE, k;
	size_t i;

	for (i = 0; i < b->n; i++) {
		for (k = 0; k < BACKENDS && status == CLI_DONE; k++) {
			if (b->rows[i].cell[k].call) {
				status = f(b, &b->rows[i].cell[k]);
			}
		}
	}
	return status;
}

static int
measure(const bench *b)
{
	int status = in_turn(b, calibrate), i;

	for (i = 0; i < ROUNDS && status == CLI_DONE; i++) {
		status = in_turn(b, run_round);
	}
	return status;
}

/* ---- what came out ---- */

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of a cell that was measured; else NaN. */
static double
median(cell *c)
{
	if (!c->call) {
		return (double)NAN;
	}
	qsort(c->seconds, (size_t)c->rounds, sizeof *c->seconds, ascending);
	return c->seconds[c->rounds / 2];
}

/* The gradient's time over the value's, where both were asked for. */
static double
ratio(const bench *b, int backend)
{
	if (!b->compare) {
		return (double)NAN;
	}
	return median(&b->rows[1].cell[backend]) / median(&b->rows[0].cell[backend]);
}

static void
put_seconds(cli_text *t, double s)
{
	double scale = s >= 1 ? 1 : s >= 1e-3 ? 1e3 : s >= 1e-6 ? 1e6 : 1e9;
	const char *unit = s >= 1 ? "s" : s >= 1e-3 ? "ms" : s >= 1e-6 ? "us" : "ns";
	double v = scale * s;

	if (isnan(s)) {
		cli_printf(t, "%12s", "-");
	} else {
		cli_printf(t, "%9.*f %-2s", v < 10 ? 2 : v < 100 ? 1 : 0, v, unit);
	}
}

static void
put_table(cli_text *t, bench *b)
{
	size_t width = 8, i;
	int k;

	for (i = 0; i < b->n; i++) {
		size_t n = strlen(b->rows[i].entry);

		width = n > width ? n : width;
	}
	cli_printf(t, "%-*s", (int)width, "");
	for (k = 0; k < BACKENDS; k++) {
		cli_printf(t, "%12s", backends[k].name);
	}
	for (i = 0; i < b->n; i++) {
		cli_printf(t, "\n%-*s", (int)width, b->rows[i].entry);
		for (k = 0; k < BACKENDS; k++) {
			put_seconds(t, median(&b->rows[i].cell[k]));
		}
	}
	cli_putc(t, '\n');
	if (!b->compare) {
		return;
	}
	cli_printf(t, "%-*s", (int)width, "ratio");
	for (k = 0; k < BACKENDS; k++) {
		if (isnan(ratio(b, k))) {
			cli_printf(t, "%12s", "-");
		} else {
			cli_printf(t, "%12.2f", ratio(b, k));
		}
	}
	cli_putc(t, '\n');
}

static void
put_json_field(cli_text *t, int backend, double v)
{
	cli_printf(t, "%s\"%s\": ", backend ? ", " : "", backends[backend].name);
	if (isnan(v)) {
		cli_puts(t, "null");
	} else {
		cli_put_number(t, v, false);
	}
}

static void
put_json(cli_text *t, bench *b)
{
	size_t i;
	int k;

	cli_puts(t, "{\"seconds\": {");
	for (i = 0; i < b->n; i++) {
		cli_puts(t, i ? ", " : "");
		cli_json_string(t, b->rows[i].entry);
		cli_puts(t, ": {");
		for (k = 0; k < BACKENDS; k++) {
			put_json_field(t, k, median(&b->rows[i].cell[k]));
		}
		cli_putc(t, '}');
	}
	cli_puts(t, "}, \"ratio\": ");
	for (k = 0; b->compare && k < BACKENDS; k++) {
		cli_puts(t, k ? "" : "{");
		put_json_field(t, k, ratio(b, k));
	}
	cli_puts(t, b->compare ? "}}\n" : "null}\n");
}

/* ---- the command ---- */

static void
add_row(bench *b, const char *entry)
{
	b->rows[b->n++].entry = entry;
}

/* The entry that was named; else forward and gradient, as far as they are there; else all. */
static void
choose_entries(bench *b, const sg_model *m)
{
	size_t n = sg_model_nentries(m), i;

	b->rows = cli_alloc(n, sizeof *b->rows);
	if (!b->operands.entry) {
		if (sg_model_find(m, "forward")) {
			add_row(b, "forward");
		}
		if (sg_model_find(m, "gradient")) {
			add_row(b, "gradient");
		}
		b->compare = b->n == 2;
	}
	for (i = b->n ? n : 0; i < n; i++) {
		add_row(b, sg_model_entry(m, i)->name);
	}
}

static int
bench_model(bench *b, sg_model *m)
{
	cli_text t = {0}, err = {0};
	int status = CLI_DONE, k;
	size_t i;

	choose_entries(b, m);
	for (i = 0; i < b->n; i++) {
		for (k = 0; k < BACKENDS && status == CLI_DONE; k++) {
			status = open_cell(b, m, b->rows[i].entry, k, &b->rows[i].cell[k]);
		}
	}
	if (status == CLI_DONE) {
		status = measure(b);
	}
	if (status == CLI_DONE) {
		(b->json ? put_json : put_table)(&t, b);
		if (!cli_write_stdout(cli_str(&t), t.n, &err)) {
			status = cli_error(b->args, CLI_FAULT, "%s", err.s);
		}
	}
	cli_text_free(&t);
	cli_text_free(&err);
	return status;
}

static void
free_rows(bench *b)
{
	size_t i;
	int k;

	for (i = 0; i < b->n; i++) {
		for (k = 0; k < BACKENDS; k++) {
			sg_call_free(b->rows[i].cell[k].call);
			cli_free_bound(&b->rows[i].cell[k].bound);
		}
	}
	free(b->rows);
}

static int
run_bench(const cli_args *args)
{
	bench b = {.args = args, .seed = 1};
	int status = CLI_USAGE;
	cli_setup setup;
	sg_model *m;

	if (!cli_read_operands(args, &b.operands) || !cli_read_seed(args, &b.seed) ||
	    !cli_wants_json(args, &b.json)) {
		return CLI_USAGE;
	}
	if (cli_read_setup(args, &setup, &status)) {
		setup.options.entry = b.operands.entry;
		m = cli_accept(sg_compile_file(args->operand[0], &setup.options), b.json, &status);
		if (m) {
			status = cli_set_threads(args, m) ? bench_model(&b, m) : CLI_USAGE;
			free_rows(&b);
			sg_model_free(m);
		}
	}
	cli_free_setup(&setup);
	return status;
}

const cli_command cli_bench = {
    .name = "bench",
    .usage = "[OPTION]... FILE.sg [ENTRY] [NAME=VALUE]...",
    .summary = "time a call, by back end",
    .about = "The time that a call of 'forward' and one of 'gradient' (or of ENTRY) takes on each "
	     "back end\n"
	     "that is there, and the ratio of the two: medians of rounds in which they take turns. "
	     "Inputs\n"
	     "that are not given get their default, or random numbers; dimensions come from data "
	     "or --dim.\n",
    .examples = "  symgrad bench perceptron.sg --dim=N=128\n"
		"  symgrad bench perceptron.sg x=@x.npy --format=json\n",
    .options = options,
    .run = run_bench,
};
