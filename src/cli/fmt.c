/* fmt.c - symgrad fmt: models in canonical form. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const cli_option options[] = {
    {"check", 0, NULL, "write nothing; list the files that would change, and end with 1"},
    {"format", 0, "text|json", "the form of diagnostics"},
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

typedef struct job {
	const cli_args *args;
	bool check, json;
	int status;
} job;

static void
worsen(job *j, int status)
{
	j->status = status > j->status ? status : j->status;
}

static void
print(job *j, const char *s, size_t n)
{
	cli_text err = {0};

	if (!cli_write_stdout(s, n, &err)) {
		worsen(j, cli_error(j->args, CLI_FAULT, "%s", err.s));
	}
	cli_text_free(&err);
}

static void
list(job *j, const char *path)
{
	cli_text t = {0};

	cli_printf(&t, "%s\n", strcmp(path, "-") == 0 ? "<stdin>" : path);
	print(j, t.s, t.n);
	cli_text_free(&t);
	worsen(j, CLI_FAULT);
}

/* Over the file itself where the path is a link to it. */
static void
replace(job *j, const char *path, const char *text)
{
	struct stat s;
	char *real = lstat(path, &s) == 0 && S_ISLNK(s.st_mode) ? realpath(path, NULL) : NULL;
	cli_out out = {.path = real ? real : path, .bytes = text, .n = strlen(text), .keep = true};
	cli_text err = {0};

	if (!cli_write_files(&out, 1, &err)) {
		worsen(j, cli_error(j->args, CLI_FAULT, "%s", err.s));
	}
	cli_text_free(&err);
	free(real);
}

static void
format(job *j, const char *path)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	const char *text;
	int changed, status;
	sg_model *m = sg_format_file(path, &text, &changed);

	if (!text) {
		m = cli_accept(m, j->json, &status);
		worsen(j, status);
	} else if (j->check) {
		if (changed) {
			list(j, path);
		}
	} else if (is_stdin) {
		print(j, text, strlen(text));
	} else if (changed) {
		replace(j, path, text);
	}
	if (m) {
		sg_model_free(m);
	}
}

static int
fmt(const cli_args *args)
{
	job j = {.args = args, .check = cli_has(args, "check")};
	size_t i;

	if (args->n == 0) {
		return cli_error(args, CLI_USAGE, "a model is missing: symgrad fmt FILE.sg");
	}
	if (!cli_wants_json(args, &j.json)) {
		return CLI_USAGE;
	}
	for (i = 0; i < args->n; i++) {
		format(&j, args->operand[i]);
	}
	return j.status;
}

const cli_command cli_fmt = {
    .name = "fmt",
    .usage = "[--check] FILE.sg...",
    .summary = "put models into canonical form",
    .about =
	"Rewrite each file with canonical spaces, indentation and line breaks; what it means and\n"
	"its comments stay. A file that is in this form already is not touched, nor is one that\n"
	"does not parse. '-' reads standard input and writes standard output.\n"
	"\n"
	"Line breaks that the text has are kept, and one blank line of several. A line of more\n"
	"than 100 columns is broken. '=' of neighbouring bindings and comments behind "
        "neighbouring\n"
	"lines stand in one column.\n",
    .examples = "  symgrad fmt perceptron.sg\n"
		"  symgrad fmt --check models/*.sg\n"
		"  symgrad fmt - <draft.sg\n",
    .options = options,
    .run = fmt,
};
