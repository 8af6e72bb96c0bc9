/* help.c - help, version and error messages. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What was asked for goes out, or the status says that it did not. */
static int
show(cli_text *t)
{
	cli_text err = {0};
	int status = CLI_DONE;

	if (!cli_write_stdout(cli_str(t), t->n, &err)) {
		status = cli_error(NULL, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&err);
	cli_text_free(t);
	return status;
}

int
cli_help(const cli_command *const *all, size_t n)
{
	cli_text t = {0};
	size_t i;

	cli_puts(&t, "Usage: symgrad COMMAND [OPTION]... FILE.sg ...\n"
	             "Compile tensor expressions and their derivatives, to machine code or to C.\n"
	             "\n"
	             "Commands:\n");
	for (i = 0; i < n; i++) {
		cli_printf(&t, "  %-9s %s\n", all[i]->name, all[i]->summary);
	}
	cli_puts(&t,
	         "\n"
	         "Options:\n"
	         "  --help     show this help; 'symgrad COMMAND --help' for one command\n"
	         "  --version  show the version and the back ends of this build\n"
	         "\n"
	         "Examples:\n"
	         "  symgrad eval 'softmax([1, 2, 3])'\n"
	         "  symgrad diff -e 'sin(x)**2' --wrt x\n"
	         "  symgrad run perceptron.sg x=@x.npy y=@y.npy w=@weights.npz:w\n"
	         "  symgrad compile perceptron.sg -o build\n"
	         "\n"
	         "FILE '-' is standard input. Exit status: 0 done, 1 the model or the data is at "
	         "fault,\n"
	         "2 wrong usage, 3 a failure of the computation at run time, 70 a defect of "
	         "symgrad.\n");
	return show(&t);
}

/* "  -o, --output=PATH  help", the help in one column. */
static void
put_option(cli_text *t, const cli_option *o)
{
	size_t from = t->n, used;

	if (o->letter) {
		cli_printf(t, "  -%c, --%s", o->letter, o->name);
	} else {
		cli_printf(t, "      --%s", o->name);
	}
	if (o->value) {
		cli_printf(t, "=%s", o->value);
	}
	used = t->n - from;
	cli_spaces(t, used < 31 ? 33 - used : 2);
	cli_printf(t, "%s\n", o->help);
}

int
cli_help_command(const cli_command *c)
{
	const cli_option *o;
	cli_text t = {0};

	cli_printf(&t, "Usage: symgrad %s %s\n%s\nOptions:\n", c->name, c->usage, c->about);
	for (o = c->options; o->name; o++) {
		put_option(&t, o);
	}
	cli_printf(&t, "\nExamples:\n%s", c->examples);
	return show(&t);
}

int
cli_version(void)
{
	cli_text t = {0};

	cli_printf(&t, "symgrad %s\nback ends: %stiered cc interp\n", sg_version(),
	           sg_have_jit() ? "jit " : "");
	return show(&t);
}

bool
cli_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && !(term && strcmp(term, "dumb") == 0) && isatty(STDERR_FILENO);
}

int
cli_error(const cli_args *a, int status, const char *fmt, ...)
{
	const char *name = a && a->command ? a->command->name : NULL;
	bool colour = cli_colour();
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%ssymgrad%s%s: %serror:%s ", colour ? "\033[1m" : "", name ? " " : "",
	        name ? name : "", colour ? "\033[31m" : "", colour ? "\033[0m" : "");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (status == CLI_USAGE) {
		fprintf(stderr, "try 'symgrad %s%s--help'\n", name ? name : "", name ? " " : "");
	}
	return status;
}
