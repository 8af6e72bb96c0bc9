/* gradbench.c - answers the GradBench tool protocol: one line of JSON in, one line out.
 *
 *   {"id":0,"kind":"start"}                        {"id":0,"tool":"symgrad"}
 *   {"id":1,"kind":"define","module":"gmm"}        {"id":1,"success":true}
 *   {"id":2,"kind":"evaluate","module":"gmm",
 *    "function":"jacobian","input":{...}} {"id":2,"success":true,"output":...,"timings":[...]} Any
 * other kind is answered with the id alone, what can't be done with "success":false and an "error".
 * The functions are C that symgrad wrote; a timing is the time inside one call of it. */
#include "gradbench.h"

#include <stdio.h>
#include <stdlib.h>

static bool
define(json request, cli_text *err)
{
	json module = json_member(request, "module");

	return workload_find(module) != NULL ||
	       cli_fail(err, module.s ? "no such module: %.*s" : "'module' is missing",
	                (int)(module.n < 80 ? module.n : 80), module.s);
}

static bool
evaluate(json request, cli_text *out, cli_text *err)
{
	return define(request, err) && workload_run(workload_find(json_member(request, "module")),
	                                            json_member(request, "function"),
	                                            json_member(request, "input"), out, err);
}

/* What stands behind the id. */
static void
respond(json request, cli_text *out)
{
	json kind = json_member(request, "kind");
	cli_text err = {0}, result = {0};
	bool ok = true;

	if (json_is(kind, "start")) {
		cli_puts(out, ",\"tool\":\"symgrad\"");
		return;
	}
	if (json_is(kind, "define")) {
		ok = define(request, &err);
	} else if (json_is(kind, "evaluate")) {
		ok = evaluate(request, &result, &err);
	} else if (kind.s) {
		return;
	} else {
		ok = cli_fail(&err, "'kind' is missing");
	}
	cli_puts(out, ok ? ",\"success\":true" : ",\"success\":false,\"error\":");
	if (!ok) {
		cli_json_string(out, cli_str(&err));
	} else if (result.n) {
		cli_putc(out, ',');
		cli_write(out, result.s, result.n);
	}
	cli_text_free(&err);
	cli_text_free(&result);
}

static void
answer(const char *line, size_t n, cli_text *out)
{
	cli_text err = {0};
	json request, id;

	if (!json_read(line, n, &request, &err)) {
		cli_puts(out, "{\"id\":null,\"success\":false,\"error\":");
		cli_json_string(out, cli_str(&err));
	} else {
		id = json_member(request, "id");
		cli_puts(out, "{\"id\":");
		cli_write(out, id.s ? id.s : "null", id.s ? id.n : 4);
		respond(request, out);
	}
	cli_puts(out, "}\n");
	cli_text_free(&err);
}

int
main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		cli_text out = {0};

		if (line[0] != '\n') {
			answer(line, (size_t)n, &out);
			fwrite(out.s, 1, out.n, stdout);
			fflush(stdout);
		}
		cli_text_free(&out);
	}
	free(line);
	return 0;
}
