/* compile.c - symgrad compile: models become files.
 *
 * All models are compiled and all contents made before the first file is written, so a fault in the
 * last one leaves the disk as it was. */
#include "cli/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"output", 'o', "PATH", "a folder, or a file (NAME.c); '-' prints"},
    {"emit", 0, "KIND[,KIND]...",
     "any of c, h, o, a, so, sg, latex, dot, svg, png, ir; default c,h"},
    {"standalone", 0, NULL, "put the runtime routines that the model needs into the C itself"},
    {"api", 0, "c|casadi", "the calling convention of the C: ours (default), or CasADi's"},
    {"weights", 0, "KIND", "params in the C: inline, extern (NAME_weights.c); or npy files"},
    {"params", 0, "FILE.npz", "with --weights: the values by the names of the params"},
    {"split", 0, NULL, "a C file for each entry that needs none of the others"},
    {"step", 0, "KIND[,KIND]...", "add steps of training: any of sgd, momentum, adam, adamw"},
    {"openmp", 0, NULL, "let loops over large data run on OpenMP's threads"},
    {"entry", 0, "NAME", "this entry alone"},
    {"prefix", 0, "NAME", "what C names begin with, instead of the model's name"},
    CLI_REAL_OPTION,
    CLI_DIM_OPTION,
    {"format", 0, "text|json", "the form of diagnostics"},
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

static bool
usage(job *j)
{
	j->status = CLI_USAGE;
	return false;
}

/* ---- what to write, and where
 * --------------------------------------------------------------------- */

static bool
read_kind(job *j, const char *s, size_t n)
{
	int k;

	for (k = 0; k < KINDS; k++) {
		if (strlen(cli_kind_name[k]) == n && memcmp(cli_kind_name[k], s, n) == 0) {
			j->emit[k] = true;
			return true;
		}
	}
	cli_error(j->args, CLI_USAGE,
	          "--emit knows c, h, o, a, so, sg, latex, dot, svg, png and ir, not '%.*s'",
	          (int)n, s);
	return usage(j);
}

static bool
read_api(job *j)
{
	const char *api = cli_value(j->args, "api");

	j->casadi = api && strcmp(api, "casadi") == 0;
	if (!api || j->casadi || strcmp(api, "c") == 0) {
		return true;
	}
	cli_error(j->args, CLI_USAGE, "--api knows c and casadi, not '%s'", api);
	return usage(j);
}

static bool
read_steps(job *j)
{
	static const char *const name[] = {"sgd", "momentum", "adam", "adamw"};
	const char *s = cli_value(j->args, "step");

	while (s) {
		size_t n = strcspn(s, ","), k = 0;

		while (k < 4 && (strlen(name[k]) != n || memcmp(name[k], s, n) != 0)) {
			k++;
		}
		if (k == 4) {
			cli_error(j->args, CLI_USAGE,
			          "--step knows sgd, momentum, adam and adamw, not '%.*s'", (int)n,
			          s);
			return usage(j);
		}
		j->steps |= 1u << k;
		s = s[n] ? s + n + 1 : NULL;
	}
	if (j->steps && j->casadi) {
		cli_error(j->args, CLI_USAGE, "--step does not go with --api=casadi");
		return usage(j);
	}
	return true;
}

static bool
read_weights(job *j)
{
	static const char *const name[] = {"inline", "extern", "npy"};
	const char *s = cli_value(j->args, "weights");
	unsigned k = 0;

	if (!s && cli_has(j->args, "params")) {
		cli_error(j->args, CLI_USAGE, "--params goes with --weights=inline, extern or npy");
		return usage(j);
	}
	while (s && k < 3 && strcmp(name[k], s) != 0) {
		k++;
	}
	if (k == 3) {
		cli_error(j->args, CLI_USAGE, "--weights knows inline, extern and npy, not '%s'",
		          s);
		return usage(j);
	}
	j->weights = s ? (weights_kind)(INLINE + k) : NO_WEIGHTS;
	return true;
}

/* FILE.sg... and with --weights NAME=VALUE... */
static bool
read_models(job *j)
{
	size_t i;

	j->model = cli_alloc(j->args->n, sizeof *j->model);
	j->assignment = cli_alloc(j->args->n, sizeof *j->assignment);
	for (i = 0; i < j->args->n; i++) {
		if (j->weights != NO_WEIGHTS && cli_is_assignment(j->args->operand[i])) {
			j->assignment[j->nassignments++] = j->args->operand[i];
		} else {
			j->model[j->nmodels++] = j->args->operand[i];
		}
	}
	for (i = 0; i < j->nmodels; i++) {
		if (cli_is_assignment(j->model[i]) && !cli_is_file(j->model[i])) {
			cli_error(j->args, CLI_USAGE, "'%s' is a value, which goes with --weights",
			          j->model[i]);
			return usage(j);
		}
	}
	if (j->nmodels == 0) {
		cli_error(j->args, CLI_USAGE, "a model is missing: symgrad compile FILE.sg");
		return usage(j);
	}
	if (j->nmodels > 1 && (j->nassignments || cli_has(j->args, "params"))) {
		cli_error(j->args, CLI_USAGE, "values are for one model, and there are %zu",
		          j->nmodels);
		return usage(j);
	}
	return true;
}

/* Values are in the C alone, and files of them are not printed. */
static bool
check_weights(job *j)
{
	int k;

	for (k = SG; (j->weights == INLINE || j->weights == EXTERN) && k < KINDS; k++) {
		if (j->emit[k]) {
			cli_error(j->args, CLI_USAGE,
			          "--weights=%s is for c, h, o, a and so, and --emit has %s",
			          cli_value(j->args, "weights"), cli_kind_name[k]);
			return usage(j);
		}
	}
	if (j->weights == NPY && j->place == TO_STDOUT) {
		cli_error(j->args, CLI_USAGE,
		          "--weights=npy writes files beside; give --output a folder");
		return usage(j);
	}
	return true;
}

/* The model has more entries for CasADi, which only the C needs. */
static bool
check_api(job *j)
{
	int k;

	for (k = SG; j->casadi && k < KINDS; k++) {
		if (j->emit[k]) {
			cli_error(j->args, CLI_USAGE,
			          "--api=casadi is for c, h, o, a and so, and --emit has %s",
			          cli_kind_name[k]);
			return usage(j);
		}
	}
	return true;
}

static bool
read_emit(job *j, const char *s)
{
	for (;; s++) {
		size_t n = strcspn(s, ",");

		if (!read_kind(j, s, n)) {
			return false;
		}
		s += n;
		if (!*s) {
			return true;
		}
	}
}

/* The kind that a file name's suffix says, or KINDS. */
static kind
kind_of(const char *path)
{
	const char *base = strrchr(path, '/'), *dot;
	int k = KINDS;

	base = base ? base + 1 : path;
	dot = strrchr(base, '.');
	if (dot && dot > base) {
		for (k = 0; k < KINDS && strcmp(dot + 1, cli_kind_name[k]) != 0; k++) {
		}
	}
	return (kind)k;
}

static bool
read_file_place(job *j, const char *path, kind k, bool emit_given)
{
	if (j->nmodels > 1) {
		cli_error(j->args, CLI_USAGE,
		          "--output names one file, for %zu models; give a folder", j->nmodels);
		return usage(j);
	}
	if (emit_given && !j->emit[k]) {
		cli_error(j->args, CLI_USAGE,
		          "--output names a .%s file, and --emit does not have %s",
		          cli_kind_name[k], cli_kind_name[k]);
		return usage(j);
	}
	j->emit[k] = true;
	j->emit[H] = j->emit[H] || (!emit_given && k == C);
	j->place = TO_FILE;
	j->where = cli_copy(path, strlen(path) - strlen(cli_kind_name[k]) - 1);
	return true;
}

static void
set_folder(job *j, const char *path)
{
	cli_text t = {0};

	cli_puts(&t, path);
	if (t.n && t.s[t.n - 1] != '/') {
		cli_putc(&t, '/');
	}
	j->where = t.s ? t.s : cli_copy("", 0);
	j->place = TO_FOLDER;
}

static bool
read_place(job *j, const char *path, bool emit_given)
{
	bool is_stdout = path && strcmp(path, "-") == 0;
	kind k = path ? kind_of(path) : KINDS;

	if (path && !*path) {
		cli_error(j->args, CLI_USAGE, "--output needs a name");
		return usage(j);
	}
	if (path && !is_stdout && k != KINDS && !cli_is_folder(path)) {
		return read_file_place(j, path, k, emit_given);
	}
	j->emit[C] = j->emit[C] || !emit_given;
	j->emit[H] = j->emit[H] || (!emit_given && !is_stdout);
	if (!is_stdout) {
		set_folder(j, path ? path : "");
		return true;
	}
	j->place = TO_STDOUT;
	if (j->emit[O] || j->emit[A] || j->emit[SO]) {
		cli_error(j->args, CLI_USAGE, "%s cannot be printed; give --output a name",
		          j->emit[O]   ? "an object file"
		          : j->emit[A] ? "a static library"
		                       : "a shared object");
		return usage(j);
	}
	return true;
}

/* Several files have no one name. */
static bool
check_split(job *j)
{
	const char *path = cli_value(j->args, "output");

	if (!j->split || j->place == TO_FOLDER || !(j->emit[C] || j->emit[O])) {
		return true;
	}
	if (j->place == TO_STDOUT) {
		cli_error(j->args, CLI_USAGE,
		          "--split writes a file for each entry, which cannot be printed together; "
		          "give --output a folder");
		return usage(j);
	}
	if (kind_of(path) != C && kind_of(path) != O) {
		return true;
	}
	cli_error(j->args, CLI_USAGE,
	          "--split writes a file for each entry, and --output names one: '%s'; give a "
	          "folder",
	          path);
	return usage(j);
}

static bool
compile_all(job *j)
{
	bool ok = true;
	cli_setup setup;
	size_t i;

	if (!cli_read_setup(j->args, &setup, &j->status)) {
		cli_free_setup(&setup);
		return false;
	}
	setup.options.entry = cli_value(j->args, "entry");
	setup.options.prefix = cli_value(j->args, "prefix");
	setup.options.openmp = cli_has(j->args, "openmp");
	setup.options.steps = j->steps;
	setup.options.convention = j->casadi ? SG_CONVENTION_CASADI : SG_CONVENTION_OWN;
	for (i = 0; i < j->nmodels; i++) {
		int status;
		sg_model *m;

		j->now = i;
		m = cli_accept(sg_compile_file(j->model[i], &setup.options), j->json, &status);

		if (!m) {
			j->status = status > j->status ? status : j->status;
		}
		ok = m && ok && cli_add_model(j, m);
		if (m) {
			sg_model_free(m);
		}
	}
	cli_free_setup(&setup);
	return ok;
}

/* ---- the command
 * -----------------------------------------------------------------------------------------------
 */

static void
free_job(job *j)
{
	size_t i;

	for (i = 0; i < j->n; i++) {
		free((char *)(uintptr_t)j->out[i].path);
		free((char *)(uintptr_t)j->out[i].bytes);
	}
	free(j->out);
	free(j->where);
	free(j->model);
	free(j->assignment);
}

static int
compile(const cli_args *args)
{
	const char *emit = cli_value(args, "emit");
	job j = {.args = args,
	         .standalone = cli_has(args, "standalone"),
	         .split = cli_has(args, "split")};

	if (!cli_wants_json(args, &j.json)) {
		return CLI_USAGE;
	}
	if ((!emit || read_emit(&j, emit)) && read_api(&j) && read_steps(&j) && read_weights(&j) &&
	    read_models(&j) && read_place(&j, cli_value(args, "output"), emit != NULL) &&
	    check_api(&j) && check_split(&j) && check_weights(&j) && compile_all(&j)) {
		cli_write_job(&j);
	}
	free_job(&j);
	return j.status;
}

const cli_command cli_compile = {
    .name = "compile",
    .usage = "[OPTION]... FILE.sg... [NAME=VALUE]...",
    .summary = "write a model and its derivatives as C",
    .about =
	"Write NAME.c and NAME.h for each model, with one C function for each of its entries; "
	"NAME\n"
	"is the model's. Files are written in the folder where you are, or to --output. Nothing "
	"is\n"
	"written when one of the models is at fault.\n"
	"\n"
	"Kinds for --emit: c and h the C; o an object file, a a static library and so a shared\n"
	"object, by the system's C compiler ($SYMGRAD_CC, else cc) and ar ($AR, else ar); sg the\n"
	"model with its derivatives taken, in its own language; latex the formulas of its "
	"outputs;\n"
	"dot, svg, png a picture of its entries; ir the graph, one node a line.\n"
	"\n"
	"With --split each entry has a file, NAME_ENTRY.c, that is compiled and linked without "
	"the\n"
	"others; NAME.c has the table of all entries, where there is one. So for o, and for the\n"
	"members of a.\n"
	"\n"
	"--weights makes values of params part of the C: inline as constants in it, extern as "
	"arrays\n"
	"in NAME_weights.c; or, with npy, NAME_PARAM.npy files beside it. They are given as "
	"NAME=VALUE\n"
	"(see run), or by --params=FILE.npz, or else are defaults. An entry that takes a "
	"derivative\n"
	"with respect to a param keeps it as an argument, with the value as its default.\n",
    .examples = "  symgrad compile perceptron.sg\n"
		"  symgrad compile perceptron.sg -o build --standalone\n"
		"  symgrad compile perceptron.sg -o - --entry=gradient\n"
		"  symgrad compile models/*.sg -o build --emit=c,h,so --real=f32\n"
		"  symgrad compile perceptron.sg --dim=N=128 --prefix=net\n"
		"  symgrad compile perceptron.sg --split --standalone -o build\n"
		"  symgrad compile perceptron.sg --weights=inline --params=w.npz --standalone\n",
    .options = options,
    .run = compile,
};
