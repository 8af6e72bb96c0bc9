/* run.c - symgrad run and symgrad eval: compile, bind, call, show. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUN_OPTIONS                                                                                \
	CLI_BACKEND_OPTION,                                                                        \
	    {"format", 0, "text|json", "one JSON object on one line instead of NumPy's form"},     \
	    {"output", 'o', "FILE.npz", "write the results to a file instead"},                    \
	    CLI_THREADS_OPTION, {"repeat", 0, "N", "call N times"},                                \
	{                                                                                          \
		"time", 0, NULL, "say on standard error how long each phase and a call took"       \
	}

static const cli_option run_options[] = {
    RUN_OPTIONS, CLI_REAL_OPTION, CLI_DIM_OPTION, CLI_HELP_OPTION, {NULL, 0, NULL, NULL},
};

static const cli_option eval_options[] = {
    RUN_OPTIONS,
    CLI_REAL_OPTION,
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

/* What the command line asks for, apart from the model. */
typedef struct request {
	const cli_args *args;
	sg_backend backend;
	bool json, times, bare;
	int64_t repeat;
	const char *save; /* NULL: to standard output */
	cli_operands operands;
} request;

/* Seconds. */
typedef struct clocks {
	sg_times made; /* when the first call was through */
	double first, mean;
} clocks;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool
read_request(const cli_args *args, request *r)
{
	*r = (request){.args = args, .repeat = 1};
	r->times = cli_has(args, "time");
	r->save = cli_value(args, "output");
	if (!cli_whole_number(args, "repeat", 1, INT64_MAX, &r->repeat)) {
		return false;
	}
	if (r->save &&
	    (strlen(r->save) < 5 || strcmp(r->save + strlen(r->save) - 4, ".npz") != 0)) {
		cli_error(args, CLI_USAGE, "--output takes a name that ends in .npz, not '%s'",
		          r->save);
		return false;
	}
	return cli_read_backend(args, &r->backend) && cli_wants_json(args, &r->json);
}

/* ---- results
 * ------------------------------------------------------------------------------------------ */

static bool
save_outputs(const request *r, const sg_call *call, cli_text *err)
{
	const sg_entry *e = sg_call_entry(call);
	const char **name = cli_alloc(e->noutputs, sizeof *name);
	cli_view *view = cli_alloc(e->noutputs, sizeof *view);
	cli_text bytes = {0};
	cli_out out;
	size_t i;
	bool ok;

	for (i = 0; i < e->noutputs; i++) {
		const sg_array *a = sg_call_array(call, e->ninputs + i);

		name[i] = e->args[e->ninputs + i].name;
		view[i] = (cli_view){a->type, a->rank, a->shape, a->data};
	}
	cli_npz_write(&bytes, e->noutputs, name, view);
	out = (cli_out){.path = r->save, .bytes = bytes.s, .n = bytes.n};
	ok = cli_write_files(&out, 1, err);
	cli_text_free(&bytes);
	free(view);
	free(name);
	return ok;
}

static int
give_results(const request *r, const sg_call *call)
{
	cli_text t = {0}, err = {0};
	int status = CLI_DONE;
	bool ok;

	if (r->save) {
		ok = save_outputs(r, call, &err);
	} else {
		cli_put_outputs(&t, call, r->json, r->bare);
		ok = cli_write_stdout(cli_str(&t), t.n, &err);
	}
	if (!ok) {
		status = cli_error(r->args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&t);
	cli_text_free(&err);
	return status;
}

/* ---- times
 * --------------------------------------------------------------------------------------------- */

static void
say_time(const char *what, double seconds)
{
	const char *unit = seconds >= 1 ? "s" : seconds >= 1e-3 ? "ms" : "us";
	double v = seconds >= 1 ? seconds : seconds >= 1e-3 ? 1e3 * seconds : 1e6 * seconds;

	fprintf(stderr, "%-14s %8.*f %s", what, v < 10 ? 3 : v < 100 ? 2 : 1, v, unit);
}

static void
say_times(const request *r, const clocks *c)
{
	const sg_times t = c->made;

	say_time("parse", t.parse);
	say_time("\ndifferentiate", t.differentiate);
	say_time("\nemit", t.emit);
	say_time("\ncompile", t.compile);
	say_time("\nfirst call", c->first);
	say_time("\ntext to result", t.parse + t.differentiate + t.emit + t.compile + c->first);
	say_time("\ncall", c->mean);
	if (r->repeat > 1) {
		fprintf(stderr, "  (mean of %lld)", (long long)r->repeat);
	}
	fputc('\n', stderr);
}

/* ---- the call
 * ------------------------------------------------------------------------------------------- */

static int
call_often(const request *r, sg_model *m, sg_call *call, clocks *c)
{
	double from = now();
	int status = sg_call_run(call);
	int64_t i;

	c->first = c->mean = now() - from;
	c->made = sg_model_times(m);
	if (r->repeat > 1) {
		from = now();
		for (i = 0; i < r->repeat && status == SG_OK; i++) {
			status = sg_call_run(call);
		}
		c->mean = (now() - from) / (double)r->repeat;
	}
	return status == SG_OK ? CLI_DONE : cli_call_failed(r->args, status, call);
}

static int
bind_and_call(const request *r, sg_model *m, sg_call *call)
{
	cli_bound bound = {0};
	clocks c = {0};
	int status = cli_bind(r->args, call, r->operands.n, r->operands.assignment, true, &bound);

	if (status == CLI_DONE) {
		status = sg_call_prepare(call);
		status = status == SG_OK ? CLI_DONE
		                         : cli_data_failed(r->args, status, sg_call_message(call),
		                                           call, &bound);
	}
	if (status == CLI_DONE) {
		status = call_often(r, m, call, &c);
	}
	if (status == CLI_DONE) {
		status = give_results(r, call);
	}
	if (status == CLI_DONE && r->times) {
		say_times(r, &c);
	}
	cli_free_bound(&bound);
	return status;
}

static int
run_model(const request *r, sg_model *m)
{
	sg_call *call;
	int status;

	if (!cli_set_threads(r->args, m)) {
		return CLI_USAGE;
	}
	call = sg_call_new(m, r->operands.entry, r->backend);
	if (!call) {
		return cli_error(r->args, CLI_FAULT, "out of memory");
	}
	status = sg_call_status(call);
	if (status != SG_OK) {
		status = cli_failed(r->args, status, sg_call_message(call));
	} else {
		status = bind_and_call(r, m, call);
	}
	sg_call_free(call);
	return status;
}

/* ---- the commands
 * ---------------------------------------------------------------------------------------- */

static int
run(const cli_args *args)
{
	int status = CLI_USAGE;
	cli_setup setup;
	sg_model *m;
	request r;

	if (!read_request(args, &r) || !cli_read_operands(args, &r.operands)) {
		return CLI_USAGE;
	}
	if (cli_read_setup(args, &setup, &status)) {
		setup.options.entry = r.operands.entry;
		m = cli_accept(sg_compile_file(args->operand[0], &setup.options), r.json, &status);
		if (m) {
			status = run_model(&r, m);
			sg_model_free(m);
		}
	}
	cli_free_setup(&setup);
	return status;
}

static bool
read_expression(request *r)
{
	const cli_args *a = r->args;
	size_t i;

	if (a->n == 0) {
		cli_error(a, CLI_USAGE, "an expression is missing: symgrad eval '1 + 2'");
		return false;
	}
	for (i = 1; i < a->n; i++) {
		if (!cli_is_assignment(a->operand[i])) {
			cli_error(a, CLI_USAGE,
			          "expected one expression (in quotes) and then NAME=VALUE, "
			          "got '%s'",
			          a->operand[i]);
			return false;
		}
	}
	r->operands = (cli_operands){.n = a->n - 1, .assignment = a->operand + 1};
	r->bare = true;
	return true;
}

static int
eval(const cli_args *args)
{
	int status = CLI_USAGE;
	cli_setup setup;
	sg_model *m;
	request r;

	if (!read_request(args, &r) || !read_expression(&r)) {
		return CLI_USAGE;
	}
	if (cli_read_setup(args, &setup, &status)) {
		m = cli_accept(sg_compile_expr(args->operand[0], 0, NULL, &setup.options), r.json,
		               &status);
		if (m) {
			status = run_model(&r, m);
			sg_model_free(m);
		}
	}
	cli_free_setup(&setup);
	return status;
}

const cli_command cli_run = {
    .name = "run",
    .usage = "[OPTION]... FILE.sg [ENTRY] [NAME=VALUE]...",
    .summary = "evaluate an entry of a model on data",
    .about =
	"Compile the model in memory and evaluate one of its entries: 'gradient' if there is one,\n"
	"else 'forward'. NAME is an input, a param or a dimension; what has a default may be left\n"
	"out. VALUE is a number, a JSON array, or a file: @file.npy, @file.npz:name, @file.csv,\n"
	"@file.csv:column. \"nan\", \"inf\" and \"-inf\" are numbers too.\n",
    .examples = "  symgrad run perceptron.sg x='[[1, 2], [3, 4]]' w=@weights.npz:w\n"
		"  symgrad run perceptron.sg forward x=@x.npy --format=json\n"
		"  symgrad run perceptron.sg x=@x.csv -o gradient.npz\n"
		"  symgrad run perceptron.sg x=@x.npy --backend=tiered --repeat=1000 --time\n"
		"  symgrad run noise.sg n=100\n",
    .options = run_options,
    .run = run,
};

const cli_command cli_eval = {
    .name = "eval",
    .usage = "[OPTION]... EXPR [NAME=VALUE]...",
    .summary = "evaluate an expression, with no file",
    .about = "Evaluate an expression of the .sg language. Names in it that are no functions are\n"
	     "numbers, given as NAME=VALUE.\n",
    .examples = "  symgrad eval 'softmax([1, 2, 3])'\n"
		"  symgrad eval 'sqrt(x**2 + y**2)' x=3 y=4\n"
		"  symgrad eval --real=f32 'linspace(0, 1, 5)'\n",
    .options = eval_options,
    .run = eval,
};
