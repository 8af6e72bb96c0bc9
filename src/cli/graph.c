/* graph.c - symgrad graph: an entry as a picture. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"emit", 0, "KIND[,KIND]...", "dot, svg, png; default: what --output ends in, else dot"},
    {"output", 'o', "PATH", "a folder, or a file (NAME.svg); '-' prints"},
    CLI_REAL_OPTION,
    CLI_DIM_OPTION,
    {"format", 0, "text|json", "the form of diagnostics"},
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

enum { DOT, SVG, PNG, KINDS };
static const char *const kind_name[KINDS] = {"dot", "svg", "png"};

typedef struct job {
	const cli_args *args;
	bool emit[KINDS], print, json;
	const char *folder; /* NULL: stem names the files */
	char *stem;         /* path without its suffix */
	cli_out out[KINDS];
	size_t n;
	int status;
} job;

/* ---- what to write, and where ---- */

static int
find_kind(const char *s, size_t n)
{
	int k = 0;

	while (k < KINDS && (strlen(kind_name[k]) != n || memcmp(kind_name[k], s, n) != 0)) {
		k++;
	}
	return k;
}

static bool
usage(job *j)
{
	j->status = CLI_USAGE;
	return false;
}

static bool
read_emit(job *j, const char *s)
{
	for (;; s++) {
		size_t n = strcspn(s, ",");
		int k = find_kind(s, n);

		if (k == KINDS) {
			cli_error(j->args, CLI_USAGE, "--emit knows dot, svg and png, not '%.*s'",
			          (int)n, s);
			return usage(j);
		}
		j->emit[k] = true;
		s += n;
		if (!*s) {
			return true;
		}
	}
}

static bool
read_file_place(job *j, const char *path, bool emit_given)
{
	const char *base = strrchr(path, '/'), *dot;
	int k;

	base = base ? base + 1 : path;
	dot = strrchr(base, '.');
	k = dot && dot > base ? find_kind(dot + 1, strlen(dot + 1)) : KINDS;
	if (k == KINDS) {
		j->folder = path;
		return true;
	}
	if (emit_given && !j->emit[k]) {
		cli_error(j->args, CLI_USAGE,
		          "--output names a .%s file, and --emit does not have %s", kind_name[k],
		          kind_name[k]);
		return usage(j);
	}
	j->emit[k] = true;
	j->stem = cli_copy(path, strlen(path) - strlen(dot));
	return true;
}

static bool
read_place(job *j)
{
	const char *path = cli_value(j->args, "output"), *emit = cli_value(j->args, "emit");

	if (emit && !read_emit(j, emit)) {
		return false;
	}
	if (path && !*path) {
		cli_error(j->args, CLI_USAGE, "--output needs a name");
		return usage(j);
	}
	j->print = path ? strcmp(path, "-") == 0 : !emit;
	j->folder = path || j->print ? NULL : "";
	if (path && !j->print && cli_is_folder(path)) {
		j->folder = path;
	} else if (path && !j->print && !read_file_place(j, path, emit != NULL)) {
		return false;
	}
	if (!emit && (j->print || j->folder)) {
		j->emit[DOT] = true;
	}
	if (j->print && j->emit[DOT] + j->emit[SVG] + j->emit[PNG] > 1) {
		cli_error(j->args, CLI_USAGE, "one kind at a time can be printed; give --output");
		return usage(j);
	}
	return true;
}

/* ---- contents ---- */

static bool
add_picture(job *j, sg_model *m, const sg_entry *e, int k)
{
	sg_failure why = {0};
	size_t n = 0;
	const char *bytes = k == DOT ? sg_write_dot(m, e, &why)
	                             : sg_write_picture(m, e, kind_name[k], &n, &why);
	cli_text path = {0};

	if (!bytes) {
		j->status = cli_failed(j->args, why.status, why.text);
		return false;
	}
	if (j->folder) {
		cli_printf(&path, "%s%s%s_%s.%s", j->folder,
		           *j->folder && j->folder[strlen(j->folder) - 1] != '/' ? "/" : "",
		           sg_model_name(m), e->name, kind_name[k]);
	} else if (!j->print) {
		cli_printf(&path, "%s.%s", j->stem, kind_name[k]);
	}
	j->out[j->n++] =
	    (cli_out){.path = path.s, .bytes = bytes, .n = k == DOT ? strlen(bytes) : n};
	return true;
}

static const sg_entry *
find_entry(job *j, sg_model *m)
{
	const char *name = j->args->n > 1 ? j->args->operand[1] : NULL, *near;
	const sg_entry *e = sg_model_find(m, name);
	const char **names;
	cli_text hint = {0};
	size_t i, n = sg_model_nentries(m);

	if (e || !name) {
		return e;
	}
	names = cli_alloc(n, sizeof *names);
	for (i = 0; i < n; i++) {
		names[i] = sg_model_entry(m, i)->name;
	}
	near = sg_nearest_name(name, names, n);
	if (near) {
		cli_printf(&hint, "did you mean '%s'?", near);
	}
	for (i = 0; !near && i < n; i++) {
		cli_printf(&hint, "%s'%s'", i ? ", " : "the model has ", names[i]);
	}
	j->status = cli_error(j->args, CLI_FAULT, "no entry '%s'", name);
	fprintf(stderr, "hint: %s\n", cli_str(&hint));
	cli_text_free(&hint);
	free(names);
	return NULL;
}

static void
write_all(job *j)
{
	cli_text err = {0};
	bool ok, made;

	if (j->print) {
		ok = cli_write_stdout(j->out[0].bytes, j->out[0].n, &err);
	} else {
		ok = cli_make_folder(j->folder ? j->folder : "", &made, &err) &&
		     cli_write_files(j->out, j->n, &err);
	}
	if (!ok) {
		j->status = cli_error(j->args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&err);
}

static void
draw(job *j, const sg_options *o)
{
	sg_model *m = cli_accept(sg_compile_file(j->args->operand[0], o), j->json, &j->status);
	const sg_entry *e = m ? find_entry(j, m) : NULL;
	bool ok = e != NULL;
	int k;
	size_t i;

	for (k = 0; k < KINDS; k++) {
		ok = ok && (!j->emit[k] || add_picture(j, m, e, k));
	}
	if (ok) {
		write_all(j);
	}
	for (i = 0; i < j->n; i++) {
		free((char *)(uintptr_t)j->out[i].path);
	}
	if (m) {
		sg_model_free(m);
	}
}

static int
graph(const cli_args *args)
{
	job j = {.args = args};
	cli_setup setup;

	if (args->n == 0) {
		return cli_error(args, CLI_USAGE, "a model is missing: symgrad graph FILE.sg");
	}
	if (args->n > 2) {
		return cli_error(args, CLI_USAGE, "expected a model and an entry, got '%s' too",
		                 args->operand[2]);
	}
	if (!cli_wants_json(args, &j.json)) {
		return CLI_USAGE;
	}
	if (read_place(&j)) {
		if (cli_read_setup(args, &setup, &j.status)) {
			draw(&j, &setup.options);
		}
		cli_free_setup(&setup);
	}
	free(j.stem);
	return j.status;
}

const cli_command cli_graph = {
    .name = "graph",
    .usage = "[OPTION]... FILE.sg [ENTRY]",
    .summary = "draw an entry as a picture",
    .about =
	"Draw the graph of one entry: 'gradient' if there is one, else 'forward'. A node is a value\n"
	"with its formula, a box a loop of the written C with the lines of the model in it, and an\n"
	"edge carries the shape of what flows.\n"
	"\n"
	"dot is text for Graphviz, and printed when nothing else is asked for; svg and png are\n"
	"drawn where symgrad was built with Graphviz' library. Files are called NAME_ENTRY.KIND, in\n"
	"the folder where you are or in --output.\n",
    .examples = "  symgrad graph perceptron.sg -o perceptron.svg\n"
		"  symgrad graph perceptron.sg curvature --emit=svg,png\n"
		"  symgrad graph perceptron.sg | dot -Tpdf >perceptron.pdf\n",
    .options = options,
    .run = graph,
};
