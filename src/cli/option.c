/* option.c - the command line taken apart, by the command's own table of options. */
#include "cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t
count_options(const cli_option *o)
{
	size_t n = 0;

	while (o[n].name) {
		n++;
	}
	return n;
}

static int
unknown(const cli_args *a, const char *name, size_t len)
{
	const cli_option *o = a->command->options;
	size_t n = count_options(o), i;
	const char **names = cli_alloc(n, sizeof *names);
	char *mine = cli_copy(name, len);
	const char *near;

	for (i = 0; i < n; i++) {
		names[i] = o[i].name;
	}
	near = sg_nearest_name(mine, names, n);
	if (near) {
		cli_error(a, CLI_USAGE, "unknown option '--%s'; did you mean '--%s'?", mine, near);
	} else {
		cli_error(a, CLI_USAGE, "unknown option '--%s'", mine);
	}
	free(mine);
	free(names);
	return 0;
}

/* The option of this name, or the only one that begins so. NULL when there is none, which was said.
 */
static const cli_option *
find_long(const cli_args *a, const char *name, size_t len)
{
	const cli_option *o, *found = NULL;
	bool several = false;

	for (o = a->command->options; o->name; o++) {
		if (strncmp(o->name, name, len) != 0) {
			continue;
		}
		if (strlen(o->name) == len) {
			return o;
		}
		several = found != NULL;
		found = found ? found : o;
	}
	if (several) {
		cli_error(a, CLI_USAGE, "option '--%.*s' is ambiguous", (int)len, name);
		return NULL;
	}
	if (!found || len == 0) {
		unknown(a, name, len);
		return NULL;
	}
	return found;
}

static void
give(cli_args *a, const cli_option *o, const char *value)
{
	a->given[a->ngiven++] = (cli_given){o, value};
}

/* argv[*i] begins with "--". */
static bool
read_long(cli_args *a, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	const cli_option *o = find_long(a, name, equals ? (size_t)(equals - name) : strlen(name));

	if (!o) {
		return false;
	}
	if (!o->value && equals) {
		cli_error(a, CLI_USAGE, "option '--%s' takes no value", o->name);
		return false;
	}
	if (!o->value) {
		give(a, o, NULL);
	} else if (equals) {
		give(a, o, equals + 1);
	} else if (*i + 1 < argc) {
		give(a, o, argv[++*i]);
	} else {
		cli_error(a, CLI_USAGE, "option '--%s' needs a value: --%s=%s", o->name, o->name,
		          o->value);
		return false;
	}
	return true;
}

/* argv[*i] is '-', a letter, and perhaps its value: -oPATH or -o PATH. */
static bool
read_short(cli_args *a, int argc, char **argv, int *i)
{
	const char *s = argv[*i] + 1;
	const cli_option *o;

	for (o = a->command->options; o->name && o->letter != *s; o++) {
	}
	if (!o->name || (!o->value && s[1])) {
		cli_error(a, CLI_USAGE, "unknown option '-%s'", s);
		return false;
	}
	if (!o->value) {
		give(a, o, NULL);
	} else if (s[1]) {
		give(a, o, s + 1);
	} else if (*i + 1 < argc) {
		give(a, o, argv[++*i]);
	} else {
		cli_error(a, CLI_USAGE, "option '-%c' needs a value: -%c %s", *s, *s, o->value);
		return false;
	}
	return true;
}

/* "-" is standard input, and "-3", "-(x)" are expressions. */
static bool
is_operand(const char *s)
{
	return *s != '-' || (s[1] != '-' && !isalpha((unsigned char)s[1]));
}

bool
cli_read_args(const cli_command *command, int argc, char **argv, cli_args *a)
{
	bool ended = false, ok = true;
	int i;

	*a = (cli_args){.command = command};
	a->given = cli_alloc((size_t)argc, sizeof *a->given);
	a->operand = cli_alloc((size_t)argc, sizeof *a->operand);
	for (i = 0; ok && i < argc; i++) {
		if (!ended && strcmp(argv[i], "--") == 0) {
			ended = true;
		} else if (ended || is_operand(argv[i])) {
			a->operand[a->n++] = argv[i];
		} else if (argv[i][1] == '-') {
			ok = read_long(a, argc, argv, &i);
		} else {
			ok = read_short(a, argc, argv, &i);
		}
	}
	return ok;
}

void
cli_free_args(cli_args *a)
{
	free(a->given);
	free(a->operand);
	*a = (cli_args){0};
}

const char *
cli_value(const cli_args *a, const char *option)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < a->ngiven; i++) {
		if (strcmp(a->given[i].option->name, option) == 0) {
			value = a->given[i].value;
		}
	}
	return value;
}

bool
cli_has(const cli_args *a, const char *option)
{
	size_t i;

	for (i = 0; i < a->ngiven; i++) {
		if (strcmp(a->given[i].option->name, option) == 0) {
			return true;
		}
	}
	return false;
}

bool
cli_wants_json(const cli_args *a, bool *json)
{
	const char *format = cli_value(a, "format");

	*json = format && strcmp(format, "json") == 0;
	if (format && !*json && strcmp(format, "text") != 0) {
		cli_error(a, CLI_USAGE, "unknown format '%s'; expected text or json", format);
		return false;
	}
	return true;
}
