/* explain.c - symgrad explain: the long form of a diagnostic's code. */
#include "cli/cli.h"

#include <string.h>

static const cli_option options[] = {CLI_HELP_OPTION, {NULL, 0, NULL, NULL}};

static int
unknown_code(const cli_args *args, const char *code)
{
	size_t n;
	const char *const *all = sg_all_codes(&n);
	const char *near = sg_nearest_name(code, all, n);

	if (near) {
		return cli_error(args, CLI_FAULT, "unknown code '%s'; did you mean '%s'?", code,
		                 near);
	}
	return cli_error(args, CLI_FAULT, "unknown code '%s'; 'symgrad explain' lists all", code);
}

static void
list_codes(cli_text *t)
{
	size_t n, i;
	const char *const *all = sg_all_codes(&n);

	for (i = 0; i < n; i++) {
		cli_printf(t, "%s\n", all[i]);
	}
}

/* A code may be pasted with its brackets, as a message has it. */
static const char *
long_form(const char *code)
{
	size_t n = strlen(code);
	char bare[64];

	if (n > 2 && n < sizeof bare && *code == '[' && code[n - 1] == ']') {
		memcpy(bare, code + 1, n - 2);
		bare[n - 2] = '\0';
		return sg_explain_code(bare);
	}
	return sg_explain_code(code);
}

static int
explain(const cli_args *args)
{
	cli_text t = {0}, err = {0};
	int status = CLI_DONE;
	size_t i;

	if (args->n == 0) {
		list_codes(&t);
	}
	for (i = 0; i < args->n; i++) {
		const char *text = long_form(args->operand[i]);

		if (!text) {
			status = unknown_code(args, args->operand[i]);
			continue;
		}
		cli_printf(&t, "%s%s%s", t.n ? "\n" : "", text,
		           *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
	}
	if (!cli_write_stdout(cli_str(&t), t.n, &err)) {
		status = cli_error(args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&t);
	cli_text_free(&err);
	return status;
}

const cli_command cli_explain = {
    .name = "explain",
    .usage = "[CODE]...",
    .summary = "say more about a diagnostic",
    .about =
	"Every diagnostic ends in a code, such as [matmul-shape]. Print what it means, an example\n"
	"and the way out; without a code, list all of them.\n",
    .examples = "  symgrad explain matmul-shape\n"
		"  symgrad explain\n",
    .options = options,
    .run = explain,
};
