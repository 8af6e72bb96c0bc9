/* main.c - the command `symgrad`: finds the command, hands it its part of the line. */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_command *const commands[] = {
    &cli_compile, &cli_run,   &cli_eval, &cli_diff,  &cli_check, &cli_train,
    &cli_info,    &cli_graph, &cli_fmt,  &cli_bench, &cli_cache, &cli_explain,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int
unknown_command(const char *name)
{
	const char *names[COMMANDS], *near;
	size_t i;

	if (*name == '-') {
		return cli_error(NULL, CLI_USAGE, "unknown option '%s'", name);
	}
	for (i = 0; i < COMMANDS; i++) {
		names[i] = commands[i]->name;
	}
	near = sg_nearest_name(name, names, COMMANDS);
	if (near) {
		return cli_error(NULL, CLI_USAGE, "unknown command '%s'; did you mean '%s'?", name,
		                 near);
	}
	return cli_error(NULL, CLI_USAGE, "unknown command '%s'", name);
}

static int
run_command(const cli_command *command, int argc, char **argv)
{
	int status = CLI_USAGE;
	cli_args args;

	if (cli_read_args(command, argc, argv, &args)) {
		status = cli_has(&args, "help") ? cli_help_command(command) : command->run(&args);
	}
	cli_free_args(&args);
	return status;
}

static const cli_command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(name, commands[i]->name) == 0) {
			return commands[i];
		}
	}
	return NULL;
}

/* What the library would pass over (runtime/isa.h), here where it can be said. */
static bool
isa_is_known(void)
{
	const char *isa = getenv("SYMGRAD_ISA");

	return !isa || !*isa || strcmp(isa, "base") == 0 || strcmp(isa, "avx2") == 0 ||
	       strcmp(isa, "avx512") == 0;
}

int
main(int argc, char **argv)
{
	const cli_command *command;

	/* a reader that goes away, and a file beyond `ulimit -f`, are errors of writing, which have
	 * a message and a status */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2) {
		return cli_error(NULL, CLI_USAGE, "a command is missing");
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		return cli_help(commands, COMMANDS);
	}
	if (strcmp(argv[1], "help") == 0) {
		command = argc > 2 ? find_command(argv[2]) : NULL;
		if (argc > 2 && !command) {
			return unknown_command(argv[2]);
		}
		return command ? cli_help_command(command) : cli_help(commands, COMMANDS);
	}
	if (strcmp(argv[1], "--version") == 0) {
		return cli_version();
	}
	if (!isa_is_known()) {
		return cli_error(
		    NULL, CLI_USAGE,
		    "SYMGRAD_ISA is '%s' in the environment; expected base, avx2 or avx512",
		    getenv("SYMGRAD_ISA"));
	}
	command = find_command(argv[1]);
	return command ? run_command(command, argc - 2, argv + 2) : unknown_command(argv[1]);
}
