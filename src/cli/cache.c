/* cache.c - symgrad cache: the folder of what the C compiler made. */
#include "cli/cli.h"

#include <stdio.h>

static const cli_option options[] = {
    {"clear", 0, NULL, "remove all entries"},
    {"format", 0, "text|json", "one JSON object instead of text"},
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

static void
put_json(cli_text *t, const sg_cache_state *s, bool clear)
{
	cli_puts(t, "{\"folder\": ");
	cli_json_string(t, s->folder);
	cli_printf(t, ", \"%s\": %lld, \"bytes\": %lld, \"bound\": %lld}\n",
	           clear ? "removed" : "entries", (long long)s->entries, (long long)s->bytes,
	           (long long)s->bound);
}

static void
put_text(cli_text *t, const sg_cache_state *s, bool clear)
{
	cli_printf(t, "folder   %s\n%s  %lld\nbytes    %lld", s->folder,
	           clear ? "removed" : "entries", (long long)s->entries, (long long)s->bytes);
	if (!clear) {
		cli_printf(t, " of at most %lld", (long long)s->bound);
	}
	cli_putc(t, '\n');
}

static int
cache(const cli_args *args)
{
	bool clear = cli_has(args, "clear"), json;
	cli_text t = {0}, err = {0};
	sg_cache_state state;
	sg_failure why;
	int status = CLI_DONE;

	if (args->n) {
		return cli_error(args, CLI_USAGE, "unexpected operand '%s'", args->operand[0]);
	}
	if (!cli_wants_json(args, &json)) {
		return CLI_USAGE;
	}
	if ((clear ? sg_cache_empty : sg_cache_show)(&state, &why) != SG_OK) {
		return cli_error(args, CLI_FAULT, "%s", why.text);
	}
	(json ? put_json : put_text)(&t, &state, clear);
	if (!cli_write_stdout(cli_str(&t), t.n, &err)) {
		status = cli_error(args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&t);
	cli_text_free(&err);
	return status;
}

const cli_command cli_cache = {
    .name = "cache",
    .usage = "[OPTION]...",
    .summary = "show or empty the cache of compiled code",
    .about = "What the C compiler made for --backend=cc and --backend=tiered is kept in\n"
	     "$XDG_CACHE_HOME/symgrad, else ~/.cache/symgrad. Beyond $SYMGRAD_CACHE_MIB mebibytes\n"
	     "(256 where that is not set; 0: nothing is kept) the entries unused for longest go.\n"
	     "Show the folder, how many entries it has and how many bytes they take.\n",
    .examples = "  symgrad cache\n"
		"  symgrad cache --clear\n",
    .options = options,
    .run = cache,
};
