/* info.c - symgrad info: what a model's entries take, give and cost. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 100 }; /* the value of free dimensions where a ratio wants numbers */

static const cli_option options[] = {
    {"format", 0, "text|json", "one JSON object instead of text"},
    {"entry", 0, "NAME", "this entry alone"},
    CLI_REAL_OPTION,
    CLI_DIM_OPTION,
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

typedef struct cost {
	sg_figures f;
	double ratio; /* of all operations to those of the values; 0: there is none */
} cost;

static bool
find_cost(sg_model *m, const sg_entry *e, cost *c, sg_failure *why)
{
	int64_t *dims = cli_alloc(e->ndims, sizeof *dims);
	size_t i;
	int status;

	for (i = 0; i < e->ndims; i++) {
		dims[i] = SAMPLE;
	}
	status = sg_entry_figures(m, e, dims, &c->f, why);
	free(dims);
	c->ratio = 0;
	if (status == SG_OK && c->f.nvalue_operations > 0 &&
	    c->f.noperations > c->f.nvalue_operations) {
		c->ratio = (double)c->f.noperations / (double)c->f.nvalue_operations;
	}
	return status == SG_OK;
}

static const char *
role_name(sg_role role)
{
	switch (role) {
	case SG_ROLE_INPUT:
		return "input";
	case SG_ROLE_PARAM:
		return "param";
	case SG_ROLE_OUTPUT:
		break;
	}
	return "output";
}

/* ---- text
 * -------------------------------------------------------------------------------------------- */

/* "  input   x        f32  [N, 10]  has a default", in columns. */
static void
put_arguments(cli_text *t, const sg_entry *e)
{
	size_t n = e->ninputs + e->noutputs, widest = 0, i;

	for (i = 0; i < n; i++) {
		size_t len = strlen(e->args[i].name);

		widest = len > widest && len <= 30 ? len : widest;
	}
	for (i = 0; i < n; i++) {
		const sg_argument *a = &e->args[i];

		cli_printf(t, "  %-6s  %-*s  %-4s  %s%s\n", role_name(a->role), (int)widest,
		           a->name, sg_dtype_name(a->type), a->shape,
		           a->has_default ? "  has a default" : "");
	}
}

static void
put_ratio(cli_text *t, const sg_entry *e, double ratio)
{
	size_t i;

	cli_printf(t, "  %-18s%.2f times the value alone", "cost", ratio);
	for (i = 0; i < e->ndims; i++) {
		cli_printf(t, "%s%s", i ? " = " : " (at ", e->dims[i]);
	}
	if (e->ndims) {
		cli_printf(t, " = %d)", SAMPLE);
	}
	cli_putc(t, '\n');
}

static bool
put_entry(cli_text *t, sg_model *m, const sg_entry *e, sg_failure *why)
{
	const char *prototype = sg_entry_prototype(m, e, why);
	cost c;

	if (!prototype || !find_cost(m, e, &c, why)) {
		return false;
	}
	cli_printf(t, "\nentry %s\n  %s;\n", e->name, prototype);
	put_arguments(t, e);
	cli_printf(t, "  %-18s%s\n", "operations", c.f.operations);
	if (c.ratio > 0) {
		cli_printf(t, "  %-18s%s\n", "of which values", c.f.value_operations);
		put_ratio(t, e, c.ratio);
	}
	cli_printf(t, "  %-18s%s bytes\n", "workspace", c.f.work);
	return true;
}

/* ---- JSON
 * --------------------------------------------------------------------------------------------- */

static void
put_field(cli_text *t, const char *name, const char *value)
{
	cli_json_string(t, name);
	cli_puts(t, ": ");
	cli_json_string(t, value);
}

static void
put_list(cli_text *t, const char *name, size_t n, const char *const *item)
{
	size_t i;

	cli_printf(t, "\"%s\": [", name);
	for (i = 0; i < n; i++) {
		cli_puts(t, i ? ", " : "");
		cli_json_string(t, item[i]);
	}
	cli_puts(t, "], ");
}

static void
put_json_argument(cli_text *t, const sg_argument *a)
{
	cli_putc(t, '{');
	put_field(t, "name", a->name);
	cli_puts(t, ", ");
	put_field(t, "role", role_name(a->role));
	cli_puts(t, ", ");
	put_field(t, "type", sg_dtype_name(a->type));
	cli_puts(t, ", ");
	put_list(t, "shape", (size_t)a->rank, a->extents);
	cli_printf(t, "\"default\": %s}", a->has_default ? "true" : "false");
}

static bool
put_json_entry(cli_text *t, sg_model *m, const sg_entry *e, sg_failure *why)
{
	const char *prototype = sg_entry_prototype(m, e, why);
	size_t i;
	cost c;

	if (!prototype || !find_cost(m, e, &c, why)) {
		return false;
	}
	cli_putc(t, '{');
	put_field(t, "name", e->name);
	cli_puts(t, ", ");
	put_field(t, "signature", prototype);
	cli_puts(t, ", ");
	put_list(t, "dims", e->ndims, e->dims);
	cli_puts(t, "\"arguments\": [");
	for (i = 0; i < e->ninputs + e->noutputs; i++) {
		cli_puts(t, i ? ", " : "");
		put_json_argument(t, &e->args[i]);
	}
	cli_puts(t, "], ");
	put_field(t, "operations", c.f.operations);
	cli_puts(t, ", ");
	put_field(t, "value_operations", c.f.value_operations);
	cli_puts(t, ", ");
	put_field(t, "workspace", c.f.work);
	if (c.ratio > 0) {
		cli_puts(t, ", \"ratio\": ");
		cli_put_number(t, c.ratio, false);
	}
	cli_putc(t, '}');
	return true;
}

/* ---- the command
 * ---------------------------------------------------------------------------------------- */

static bool
put_model(cli_text *t, sg_model *m, bool json, sg_failure *why)
{
	bool ok = true;
	size_t i;

	if (json) {
		cli_putc(t, '{');
		put_field(t, "model", sg_model_name(m));
		cli_puts(t, ", ");
		put_field(t, "real", sg_dtype_name(sg_model_real(m)));
		cli_puts(t, ", \"entries\": [");
	} else {
		cli_printf(t, "model %s, real %s\n", sg_model_name(m),
		           sg_dtype_name(sg_model_real(m)));
	}
	for (i = 0; ok && i < sg_model_nentries(m); i++) {
		const sg_entry *e = sg_model_entry(m, i);

		cli_puts(t, json && i ? ", " : "");
		ok = json ? put_json_entry(t, m, e, why) : put_entry(t, m, e, why);
	}
	cli_puts(t, json ? "]}\n" : "");
	return ok;
}

static int
show_model(const cli_args *args, sg_model *m, bool json)
{
	cli_text t = {0}, err = {0};
	sg_failure why = {0};
	int status = CLI_DONE;

	if (!put_model(&t, m, json, &why)) {
		status = cli_failed(args, why.status, why.text);
	} else if (!cli_write_stdout(cli_str(&t), t.n, &err)) {
		status = cli_error(args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&t);
	cli_text_free(&err);
	return status;
}

static int
info(const cli_args *args)
{
	int status = CLI_USAGE;
	cli_setup setup;
	sg_model *m;
	bool json;

	if (args->n != 1) {
		return cli_error(args, CLI_USAGE, "expected one model: symgrad info FILE.sg");
	}
	if (!cli_wants_json(args, &json)) {
		return CLI_USAGE;
	}
	if (cli_read_setup(args, &setup, &status)) {
		setup.options.entry = cli_value(args, "entry");
		m = cli_accept(sg_compile_file(args->operand[0], &setup.options), json, &status);
		if (m) {
			status = show_model(args, m, json);
			sg_model_free(m);
		}
	}
	cli_free_setup(&setup);
	return status;
}

const cli_command cli_info = {
    .name = "info",
    .usage = "[OPTION]... FILE.sg",
    .summary = "show the entries of a model and what they cost",
    .about = "For each entry: the C function, its arguments, the number of operations (an addition "
	     "is 1,\n"
	     "a transcendental function 10), the bytes of workspace, and what the derivatives cost "
	     "next to\n"
	     "the values. Numbers that depend on dimensions are shown as polynomials in them.\n",
    .examples = "  symgrad info perceptron.sg\n"
		"  symgrad info perceptron.sg --dim=N=128 --format=json\n",
    .options = options,
    .run = info,
};
