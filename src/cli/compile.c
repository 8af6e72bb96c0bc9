/* compile.c - symgrad compile: models become files.
 *
 * All models are compiled and all contents made before the first file is written, so a fault in the
 * last one leaves the disk as it was. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const cli_option options[] = {
    {"output", 'o', "PATH", "a folder, or a file (NAME.c); '-' prints"},
    {"emit", 0, "KIND[,KIND]...",
     "any of c, h, o, a, so, sg, latex, dot, svg, png, ir; default c,h"},
    {"standalone", 0, NULL, "put the runtime routines that the model needs into the C itself"},
    {"api", 0, "c|casadi", "the calling convention of the C: ours (default), or CasADi's"},
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

typedef enum { C, H, O, A, SO, SG, LATEX, DOT, SVG, PNG, IR, KINDS } kind;
static const char *const kind_name[KINDS] = {"c",     "h",   "o",   "a",   "so", "sg",
                                             "latex", "dot", "svg", "png", "ir"};

typedef enum { TO_FOLDER, TO_FILE, TO_STDOUT } place;

typedef struct job {
	const cli_args *args;
	bool emit[KINDS];
	bool standalone, json;
	bool casadi;
	unsigned steps;
	place place;
	char *where; /* the folder with its '/', or the file without its suffix */
	cli_out *out;
	size_t n, cap;
	int status;
} job;

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
		if (strlen(kind_name[k]) == n && memcmp(kind_name[k], s, n) == 0) {
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
			cli_error(j->args, CLI_USAGE, "--step knows sgd, momentum, adam and adamw, not '%.*s'", (int)n, s);
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

/* The model has more entries for CasADi, which only the C needs. */
static bool
check_api(job *j)
{
	int k;

	for (k = SG; j->casadi && k < KINDS; k++) {
		if (j->emit[k]) {
			cli_error(j->args, CLI_USAGE, "--api=casadi is for c, h, o, a and so, and --emit has %s",
			          kind_name[k]);
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
		for (k = 0; k < KINDS && strcmp(dot + 1, kind_name[k]) != 0; k++) {
		}
	}
	return (kind)k;
}

static bool
read_file_place(job *j, const char *path, kind k, bool emit_given)
{
	if (j->args->n > 1) {
		cli_error(j->args, CLI_USAGE,
		          "--output names one file, for %zu models; give a folder", j->args->n);
		return usage(j);
	}
	if (emit_given && !j->emit[k]) {
		cli_error(j->args, CLI_USAGE,
		          "--output names a .%s file, and --emit does not have %s", kind_name[k],
		          kind_name[k]);
		return usage(j);
	}
	j->emit[k] = true;
	j->emit[H] = j->emit[H] || (!emit_given && k == C);
	j->place = TO_FILE;
	j->where = cli_copy(path, strlen(path) - strlen(kind_name[k]) - 1);
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

/* ---- contents
 * ----------------------------------------------------------------------------------------- */

static bool
library_failed(job *j, const sg_failure *why)
{
	j->status = cli_failed(j->args, why->status, why->text);
	return false;
}

/* bytes become the job's */
static void
add_out(job *j, sg_model *m, kind k, char *bytes, size_t n)
{
	cli_text path = {0};

	if (j->place != TO_STDOUT) {
		cli_printf(&path, "%s%s.%s", j->where,
		           j->place == TO_FOLDER ? sg_model_name(m) : "", kind_name[k]);
	}
	j->out = cli_grow(j->out, j->n, &j->cap, sizeof *j->out);
	j->out[j->n++] = (cli_out){
	    .path = path.s,
	    .bytes = bytes,
	    .n = n,
	    .mode = k == SO ? 0111 : 0,
	};
}

static bool
add_text(job *j, sg_model *m, kind k, const char *text, const sg_failure *why)
{
	if (!text) {
		return library_failed(j, why);
	}
	add_out(j, m, k, cli_copy(text, strlen(text)), strlen(text));
	return true;
}

/* The name that the C file includes its header by. */
static char *
header_name(const job *j, sg_model *m)
{
	const char *base = j->place == TO_FILE ? j->where : sg_model_name(m);
	const char *slash = strrchr(base, '/');
	cli_text t = {0};

	cli_printf(&t, "%s.h", slash ? slash + 1 : base);
	return t.s;
}

static bool
add_c(job *j, sg_model *m)
{
	char *header = header_name(j, m);
	sg_failure why = {0};
	/* binaries hold what they need of the runtime: so does a header that goes with them alone
	 */
	const bool alone =
	    j->standalone || (!j->emit[C] && (j->emit[O] || j->emit[A] || j->emit[SO]));
	const char *h = NULL, *c = sg_write_c(m, header, alone, &h, &why);
	bool ok = true;

	free(header);
	if (j->emit[C] || !c) {
		ok = add_text(j, m, C, c, &why);
	}
	return ok && (!j->emit[H] || add_text(j, m, H, h, &why));
}

/* The object in `object`, for an archive put into the one in `path`. */
static bool
build_binary(job *j, sg_model *m, kind k, const char *path, const char *object)
{
	sg_failure why = {0};
	cli_text err = {0};
	bool ok = sg_write_binary(m, k == A ? object : path, k == SO, &why) == SG_OK ||
	          library_failed(j, &why);

	if (ok && k == A && !cli_archive(path, object, &err)) {
		j->status = cli_error(j->args, CLI_FAULT, "%s", err.s);
		ok = false;
	}
	cli_text_free(&err);
	return ok;
}

/* In a folder of its own, from where it is read back: all files are put in place together. */
static bool
make_binary(job *j, sg_model *m, kind k, const char *folder)
{
	cli_text path = {0}, object = {0}, bytes = {0}, err = {0};
	bool ok;

	cli_printf(&path, "%s/model.%s", folder, kind_name[k]);
	cli_printf(&object, "%s/%s.o", folder, sg_model_name(m));
	ok = build_binary(j, m, k, path.s, object.s);
	if (ok && !cli_read_file(path.s, &bytes, &err)) {
		j->status = cli_error(j->args, CLI_FAULT, "%s", err.s);
		ok = false;
	}
	if (ok) {
		add_out(j, m, k, bytes.s, bytes.n);
	}
	unlink(path.s);
	unlink(object.s);
	cli_text_free(&path);
	cli_text_free(&object);
	cli_text_free(&err);
	return ok;
}

static bool
add_binary(job *j, sg_model *m, kind k)
{
	const char *tmp = getenv("TMPDIR");
	cli_text folder = {0};
	bool ok;

	cli_printf(&folder, "%s/symgrad-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	ok = mkdtemp(folder.s) != NULL;
	if (ok) {
		ok = make_binary(j, m, k, folder.s);
		rmdir(folder.s);
	} else {
		j->status = cli_error(j->args, CLI_FAULT, "cannot make a folder in '%s': %s",
		                      tmp && *tmp ? tmp : "/tmp", strerror(errno));
	}
	cli_text_free(&folder);
	return ok;
}

/* All entries in one picture. */
static bool
add_picture(job *j, sg_model *m, kind k)
{
	sg_failure why = {0};
	size_t n;
	const void *bytes = sg_write_picture(m, NULL, kind_name[k], &n, &why);

	if (!bytes) {
		return library_failed(j, &why);
	}
	add_out(j, m, k, cli_copy(bytes, n), n);
	return true;
}

static bool
add_model(job *j, sg_model *m)
{
	sg_failure why = {0};

	if ((j->emit[C] || j->emit[H]) && !add_c(j, m)) {
		return false;
	}
	for (kind k = O; k <= SO; k++) {
		if (j->emit[k] && !add_binary(j, m, k)) {
			return false;
		}
	}
	if (j->emit[SG] && !add_text(j, m, SG, sg_write_sg(m, &why), &why)) {
		return false;
	}
	if (j->emit[LATEX] && !add_text(j, m, LATEX, sg_write_diff(m, 1, &why), &why)) {
		return false;
	}
	if (j->emit[DOT] && !add_text(j, m, DOT, sg_write_dot(m, NULL, &why), &why)) {
		return false;
	}
	if ((j->emit[SVG] && !add_picture(j, m, SVG)) ||
	    (j->emit[PNG] && !add_picture(j, m, PNG))) {
		return false;
	}
	return !j->emit[IR] || add_text(j, m, IR, sg_write_ir(m, &why), &why);
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
	for (i = 0; i < j->args->n; i++) {
		int status;
		sg_model *m = cli_accept(sg_compile_file(j->args->operand[i], &setup.options),
		                         j->json, &status);

		if (!m) {
			j->status = status > j->status ? status : j->status;
		}
		ok = m && ok && add_model(j, m);
		if (m) {
			sg_model_free(m);
		}
	}
	cli_free_setup(&setup);
	return ok;
}

/* ---- output
 * -----------------------------------------------------------------------------------------------
 */

static bool
is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* No file twice, and none over a model that was read. */
static bool
check_paths(job *j)
{
	size_t i, k;

	for (i = 0; i < j->n; i++) {
		const char *path = j->out[i].path;

		for (k = 0; k < i; k++) {
			if (strcmp(path, j->out[k].path) == 0) {
				j->status = cli_error(j->args, CLI_FAULT,
				                      "two of the models would write '%s'", path);
				return false;
			}
		}
		for (k = 0; k < j->args->n; k++) {
			if (is_same_file(path, j->args->operand[k])) {
				j->status = cli_error(j->args, CLI_FAULT,
				                      "'%s' would be written over the model that "
				                      "was read; give --output another name",
				                      path);
				return false;
			}
		}
	}
	return true;
}

static bool
write_stdout(job *j, cli_text *err)
{
	size_t i;

	for (i = 0; i < j->n; i++) {
		if (!cli_write_stdout(j->out[i].bytes, j->out[i].n, err)) {
			return false;
		}
	}
	return true;
}

static bool
write_folder(job *j, cli_text *err)
{
	bool made = false, ok;

	if (*j->where && !cli_is_folder(j->where)) {
		made = mkdir(j->where, 0777) == 0;
		if (!made) {
			return cli_fail(err, "cannot make the folder '%s': %s", j->where,
			                strerror(errno));
		}
	}
	ok = cli_write_files(j->out, j->n, err);
	if (made && !ok) {
		rmdir(j->where);
	}
	return ok;
}

static void
write_all(job *j)
{
	cli_text err = {0};
	bool ok;

	if (j->place == TO_STDOUT) {
		ok = write_stdout(j, &err);
	} else if (!check_paths(j)) {
		return;
	} else if (j->place == TO_FOLDER) {
		ok = write_folder(j, &err);
	} else {
		ok = cli_write_files(j->out, j->n, &err);
	}
	if (!ok) {
		j->status = cli_error(j->args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&err);
}

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
}

static int
compile(const cli_args *args)
{
	const char *emit = cli_value(args, "emit");
	job j = {.args = args, .standalone = cli_has(args, "standalone")};

	if (args->n == 0) {
		return cli_error(args, CLI_USAGE, "a model is missing: symgrad compile FILE.sg");
	}
	if (!cli_wants_json(args, &j.json)) {
		return CLI_USAGE;
	}
	if ((!emit || read_emit(&j, emit)) && read_api(&j) && read_steps(&j) &&
	    read_place(&j, cli_value(args, "output"), emit != NULL) && check_api(&j) && compile_all(&j)) {
		write_all(&j);
	}
	free_job(&j);
	return j.status;
}

const cli_command cli_compile = {
    .name = "compile",
    .usage = "[OPTION]... FILE.sg...",
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
	"dot, svg, png a picture of its entries; ir the graph, one node a line.\n",
    .examples = "  symgrad compile perceptron.sg\n"
		"  symgrad compile perceptron.sg -o build --standalone\n"
		"  symgrad compile perceptron.sg -o - --entry=gradient\n"
		"  symgrad compile models/*.sg -o build --emit=c,h,so --real=f32\n"
		"  symgrad compile perceptron.sg --dim=N=128 --prefix=net\n",
    .options = options,
    .run = compile,
};
