/* model.c - what all commands that compile a model share: options, reports, exit statuses. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
read_real(const cli_args *args, cli_setup *s, int *status)
{
	const char *real = cli_value(args, "real");

	if (real && strcmp(real, "f32") == 0) {
		s->options.real = SG_DTYPE_F32;
	} else if (real && strcmp(real, "f64") == 0) {
		s->options.real = SG_DTYPE_F64;
	} else if (real) {
		*status = cli_error(args, CLI_USAGE, "--real takes f32 or f64, not '%s'", real);
		return false;
	}
	return true;
}

/* "N=128"; the name ends where the value begins, in a copy that the setup keeps. */
static bool
read_dim(const char *text, sg_fixed_dim *d)
{
	const char *equals = strchr(text, '=');
	cli_kind kind;
	cli_cell v;

	if (!equals || equals == text ||
	    !cli_read_number(equals + 1, strlen(equals + 1), &kind, &v) || kind != CLI_INT ||
	    v.i < 0) {
		return false;
	}
	d->name = cli_copy(text, (size_t)(equals - text));
	d->value = v.i;
	return true;
}

static bool
is_fixed(const cli_setup *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->options.nfixed; i++) {
		if (strcmp(s->fixed[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

bool
cli_read_setup(const cli_args *args, cli_setup *s, int *status)
{
	sg_fixed_dim d;
	size_t i;

	*s = (cli_setup){0};
	s->fixed = cli_alloc(args->ngiven, sizeof *s->fixed);
	s->options.fixed = s->fixed;
	for (i = 0; i < args->ngiven; i++) {
		const char *value = args->given[i].value;

		if (strcmp(args->given[i].option->name, "dim") != 0) {
			continue;
		}
		if (!read_dim(value, &d)) {
			*status =
			    cli_error(args, CLI_USAGE,
			              "--dim takes a name and a whole number, as in --dim=N=128, "
			              "not '%s'",
			              value);
			return false;
		}
		if (is_fixed(s, d.name)) {
			*status = cli_error(args, CLI_USAGE, "--dim gives '%s' twice", d.name);
			free((char *)(uintptr_t)d.name);
			return false;
		}
		s->fixed[s->options.nfixed++] = d;
	}
	return read_real(args, s, status);
}

void
cli_free_setup(cli_setup *s)
{
	size_t i;

	for (i = 0; i < s->options.nfixed; i++) {
		free((char *)(uintptr_t)s->fixed[i].name);
	}
	free(s->fixed);
	*s = (cli_setup){0};
}

bool
cli_read_backend(const cli_args *args, sg_backend *backend)
{
	const char *name = cli_value(args, "backend");

	*backend = SG_BACKEND_AUTO;
	if (name && strcmp(name, "jit") == 0) {
		*backend = SG_BACKEND_JIT;
	} else if (name && strcmp(name, "tiered") == 0) {
		*backend = SG_BACKEND_TIERED;
	} else if (name && strcmp(name, "cc") == 0) {
		*backend = SG_BACKEND_CC;
	} else if (name && strcmp(name, "interp") == 0) {
		*backend = SG_BACKEND_INTERP;
	} else if (name) {
		cli_error(args, CLI_USAGE,
		          "unknown back end '%s'; expected jit, tiered, cc or interp", name);
		return false;
	}
	return true;
}

bool
cli_read_operands(const cli_args *a, cli_operands *o)
{
	size_t at = 1, i;

	*o = (cli_operands){0};
	if (a->n == 0) {
		cli_error(a, CLI_USAGE, "a model is missing: symgrad %s FILE.sg", a->command->name);
		return false;
	}
	if (a->n > 1 && !cli_is_assignment(a->operand[1])) {
		o->entry = a->operand[1];
		at = 2;
	}
	for (i = at; i < a->n; i++) {
		if (!cli_is_assignment(a->operand[i])) {
			cli_error(a, CLI_USAGE, "expected NAME=VALUE, got '%s'", a->operand[i]);
			return false;
		}
	}
	o->n = a->n - at;
	o->assignment = a->operand + at;
	return true;
}

bool
cli_whole_number(const cli_args *a, const char *option, int64_t least, int64_t most, int64_t *v)
{
	const char *text = cli_value(a, option);
	cli_kind kind;
	cli_cell cell;

	if (!text) {
		return true;
	}
	if (cli_read_number(text, strlen(text), &kind, &cell) && kind == CLI_INT &&
	    cell.i >= least && cell.i <= most) {
		*v = cell.i;
		return true;
	}
	if (most < INT64_MAX) {
		cli_error(a, CLI_USAGE,
		          "--%s takes a whole number from %" PRId64 " to %" PRId64 ", not '%s'",
		          option, least, most, text);
	} else if (least > 0) {
		cli_error(a, CLI_USAGE, "--%s takes a whole number from %" PRId64 ", not '%s'",
		          option, least, text);
	} else {
		cli_error(a, CLI_USAGE, "--%s takes a whole number, not '%s'", option, text);
	}
	return false;
}

bool
cli_set_threads(const cli_args *a, sg_model *m)
{
	int64_t n = 0;

	if (!cli_whole_number(a, "threads", 1, 256, &n)) {
		return false;
	}
	if (n > 0 && sg_set_threads(m, (int)n) != SG_OK) {
		cli_error(a, CLI_USAGE, "the model does not take %d threads", (int)n);
		return false;
	}
	return true;
}

bool
cli_read_seed(const cli_args *a, uint64_t *seed)
{
	int64_t v = (int64_t)*seed;
	const bool ok = cli_whole_number(a, "seed", 0, INT64_MAX, &v);

	*seed = (uint64_t)v;
	return ok;
}

sg_model *
cli_accept(sg_model *m, bool json, int *status)
{
	if (!m) {
		*status = cli_error(NULL, CLI_FAULT, "out of memory");
		return NULL;
	}
	if (json && sg_model_ndiagnostics(m)) {
		fprintf(stderr, "%s\n", sg_model_report_json(m));
	} else {
		fputs(sg_model_report(m, cli_colour()), stderr);
	}
	*status = CLI_DONE;
	if (!sg_model_ok(m)) {
		*status = sg_model_fault(m);
		sg_model_free(m);
		return NULL;
	}
	return m;
}

int
cli_failed(const cli_args *args, int status, const char *message)
{
	int exit_status = CLI_FAULT;

	if (status == SG_EDEFECT) {
		exit_status = CLI_DEFECT;
	} else if (status < 0) {
		exit_status = CLI_NUMERIC;
	}
	return cli_error(args, exit_status, "%s",
	                 message && *message ? message : sg_strerror(status));
}

/* Nobody waits for more than some seconds to be told where. */
int
cli_call_failed(const cli_args *args, int status, sg_call *call)
{
	if (status < 0) {
		sg_call_locate(call, 1000000000);
	}
	return cli_failed(args, status, sg_call_message(call));
}
