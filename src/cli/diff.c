/* diff.c - symgrad diff: derivatives as text. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"expr", 'e', "EXPR", "differentiate this expression instead of a model"},
    {"wrt", 0, "NAME[,NAME]...", "the names to differentiate it with respect to"},
    {"latex", 0, NULL, "print LaTeX"},
    {"entry", 0, "NAME", "of a model, this entry alone"},
    CLI_REAL_OPTION,
    CLI_DIM_OPTION,
    {"format", 0, "text|json", "the form of diagnostics"},
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

/* The names of all --wrt options, split at commas in a copy of them. */
typedef struct names {
	char *text;
	const char **name;
	size_t n, cap;
} names;

static void
free_names(names *w)
{
	free(w->text);
	free(w->name);
}

static void
read_wrt(const cli_args *args, names *w)
{
	cli_text all = {0};
	char *s, *comma;
	size_t i;

	for (i = 0; i < args->ngiven; i++) {
		if (strcmp(args->given[i].option->name, "wrt") == 0) {
			cli_printf(&all, "%s%s", all.n ? "," : "", args->given[i].value);
		}
	}
	w->text = all.s;
	for (s = all.s; s; s = comma ? comma + 1 : NULL) {
		comma = strchr(s, ',');
		if (comma) {
			*comma = '\0';
		}
		w->name = cli_grow(w->name, w->n, &w->cap, sizeof *w->name);
		w->name[w->n++] = s + strspn(s, " ");
	}
}

static bool
is_name(const char *s)
{
	return *s && !strchr("0123456789", *s) &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")] ==
	           '\0';
}

static bool
check_usage(const cli_args *args, const names *w)
{
	bool expr = cli_has(args, "expr");
	size_t i;

	if (expr ? args->n > 0 : args->n != 1) {
		cli_error(args, CLI_USAGE,
		          "expected one model: symgrad diff FILE.sg, or symgrad diff -e "
		          "EXPR --wrt NAME");
		return false;
	}
	if (expr != (w->n > 0)) {
		cli_error(args, CLI_USAGE,
		          expr ? "--expr needs --wrt=NAME"
		               : "--wrt goes with --expr; a "
		                 "model says itself what it differentiates");
		return false;
	}
	if (expr && cli_has(args, "entry")) {
		cli_error(args, CLI_USAGE, "--entry goes with a model, not with --expr");
		return false;
	}
	for (i = 0; i < w->n; i++) {
		if (!is_name(w->name[i])) {
			cli_error(args, CLI_USAGE, "--wrt takes names, not '%s'", w->name[i]);
			return false;
		}
	}
	return true;
}

static int
print_diff(const cli_args *args, sg_model *m)
{
	sg_failure why = {0};
	const char *text = sg_write_diff(m, cli_has(args, "latex"), &why);
	cli_text t = {0}, err = {0};
	int status = CLI_DONE;

	if (!text) {
		return cli_failed(args, why.status, why.text);
	}
	cli_puts(&t, text);
	if (!t.n || t.s[t.n - 1] != '\n') {
		cli_putc(&t, '\n');
	}
	if (!cli_write_stdout(t.s, t.n, &err)) {
		status = cli_error(args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&t);
	cli_text_free(&err);
	return status;
}

static int
diff_with(const cli_args *args, const names *w, bool json)
{
	const char *expr = cli_value(args, "expr");
	int status = CLI_USAGE;
	cli_setup setup;
	sg_model *m;

	if (cli_read_setup(args, &setup, &status)) {
		setup.options.entry = cli_value(args, "entry");
		m = expr ? sg_compile_expr(expr, w->n, w->name, &setup.options)
		         : sg_compile_file(args->operand[0], &setup.options);
		m = cli_accept(m, json, &status);
		if (m) {
			status = print_diff(args, m);
			sg_model_free(m);
		}
	}
	cli_free_setup(&setup);
	return status;
}

static int
diff(const cli_args *args)
{
	int status = CLI_USAGE;
	names w = {0};
	bool json;

	read_wrt(args, &w);
	if (check_usage(args, &w) && cli_wants_json(args, &json)) {
		status = diff_with(args, &w, json);
	}
	free_names(&w);
	return status;
}

const cli_command cli_diff = {
    .name = "diff",
    .usage = "[OPTION]... FILE.sg | -e EXPR --wrt NAME",
    .summary = "print a derivative, simplified",
    .about = "Print the derivatives that a model asks for, simplified, as .sg text that compiles "
	     "again;\n"
	     "or the derivative of one expression, whose other names are numbers.\n",
    .examples = "  symgrad diff -e 'sin(x)**2' --wrt x\n"
		"  symgrad diff -e 'exp(-a*t)*cos(b*t)' --wrt a,b --latex\n"
		"  symgrad diff perceptron.sg --entry=gradient\n",
    .options = options,
    .run = diff,
};
