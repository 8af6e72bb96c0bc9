/* compile_out.c - what symgrad compile writes of a model, and where it goes. */
#include "cli/compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const cli_kind_name[KINDS] = {"c",     "h",   "o",   "a",   "so", "sg",
                                          "latex", "dot", "svg", "png", "ir"};

/* ---- contents
 * ----------------------------------------------------------------------------------------- */

static bool
library_failed(job *j, const sg_failure *why)
{
	j->status = cli_failed(j->args, why->status, why->text);
	return false;
}

static bool
system_failed(job *j, const cli_text *err)
{
	j->status = cli_error(j->args, CLI_FAULT, "%s", cli_str(err));
	return false;
}

/* tail[0..size): what the name has behind the model's, as "_gradient"; bytes become the job's */
static void
add_out(job *j, sg_model *m, const char *tail, size_t size, kind k, char *bytes, size_t n)
{
	cli_text path = {0};

	if (j->place != TO_STDOUT) {
		cli_printf(&path, "%s%s%.*s.%s", j->where,
		           j->place == TO_FOLDER ? sg_model_name(m) : "", (int)size, tail,
		           cli_kind_name[k]);
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
	add_out(j, m, "", 0, k, cli_copy(text, strlen(text)), strlen(text));
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

/* Is it C, not its header? */
static bool
is_c(const sg_written *file)
{
	return strcmp(file->tail, ".h") != 0;
}

/* Of a C file's tail, what stands before ".c" or ".h". */
static size_t
stem_size(const sg_written *file)
{
	return strlen(file->tail) - 2;
}

static bool
add_c(job *j, sg_model *m)
{
	char *header = header_name(j, m);
	/* binaries hold what they need of the runtime: so does a header that goes with them alone
	 */
	const bool alone = !j->emit[C] && (j->emit[O] || j->emit[A] || j->emit[SO]);
	const sg_c_options o = {
	    .header = header, .standalone = j->standalone || alone, .split = j->split};
	sg_failure why = {0};
	size_t n, i;
	const sg_written *file = sg_write_files(m, &o, &n, &why);
	kind k;

	free(header);
	if (!file) {
		return library_failed(j, &why);
	}
	for (k = C; k <= H; k++) {
		for (i = 0; i < n; i++) {
			if (j->emit[k] && is_c(&file[i]) == (k == C)) {
				add_out(j, m, file[i].tail, stem_size(&file[i]), k,
				        cli_copy(file[i].text, strlen(file[i].text)),
				        strlen(file[i].text));
			}
		}
	}
	return true;
}

/* ---- binaries: made in a folder of their own, from where they are read back: all files are put
 * in place together ---- */

typedef struct binary {
	job *j;
	sg_model *m;
	kind k;
	const char *folder;
	const sg_written *file;
	char **path; /* n object files, or a shared object */
	size_t n;
} binary;

static bool
build_all(binary *b)
{
	const bool openmp = cli_has(b->j->args, "openmp");
	sg_failure why = {0};
	size_t i;

	for (i = 0; i < b->n; i++) {
		cli_text path = {0};

		cli_printf(&path, "%s/%s%.*s.%s", b->folder, sg_model_name(b->m),
		           (int)stem_size(&b->file[i]), b->file[i].tail, b->k == SO ? "so" : "o");
		b->path[i] = path.s;
		if (sg_build_c(b->file[i].text, path.s, b->k == SO, openmp, &why) != SG_OK) {
			return library_failed(b->j, &why);
		}
	}
	return true;
}

/* tail[0..size): as for add_out */
static bool
read_back(binary *b, const char *path, const char *tail, size_t size)
{
	cli_text bytes = {0}, err = {0};
	const bool ok = cli_read_file(path, &bytes, &err);

	if (ok) {
		add_out(b->j, b->m, tail, size, b->k, bytes.s, bytes.n);
	} else {
		system_failed(b->j, &err);
	}
	cli_text_free(&err);
	return ok;
}

static bool
archive_all(binary *b)
{
	cli_text path = {0}, err = {0};
	bool ok;

	cli_printf(&path, "%s/archive", b->folder);
	ok = cli_archive(path.s, b->n, b->path, &err) || system_failed(b->j, &err);
	ok = ok && read_back(b, path.s, "", 0);
	unlink(path.s);
	cli_text_free(&path);
	cli_text_free(&err);
	return ok;
}

static bool
make_binaries(binary *b)
{
	bool ok;
	size_t i;

	b->path = cli_alloc(b->n, sizeof *b->path);
	ok = build_all(b);
	if (ok && b->k == A) {
		ok = archive_all(b);
	}
	for (i = 0; i < b->n; i++) {
		if (b->k != A) {
			ok =
			    ok && read_back(b, b->path[i], b->file[i].tail, stem_size(&b->file[i]));
		}
		if (b->path[i]) {
			unlink(b->path[i]);
		}
		free(b->path[i]);
	}
	free(b->path);
	return ok;
}

/* A shared object is one file, whatever is split. */
static bool
add_binaries(job *j, sg_model *m, kind k)
{
	const char *tmp = getenv("TMPDIR");
	const sg_c_options o = {.alone = 1, .split = j->split && k != SO};
	binary b = {.j = j, .m = m, .k = k};
	sg_failure why = {0};
	cli_text folder = {0}, err = {0};
	bool ok;

	b.file = sg_write_files(m, &o, &b.n, &why);
	if (!b.file) {
		return library_failed(j, &why);
	}
	cli_printf(&folder, "%s/symgrad-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	ok = mkdtemp(folder.s) != NULL;
	if (ok) {
		b.folder = folder.s;
		ok = make_binaries(&b);
		rmdir(folder.s);
	} else {
		cli_printf(&err, "cannot make a folder in '%s': %s", tmp && *tmp ? tmp : "/tmp",
		           strerror(errno));
		system_failed(j, &err);
	}
	cli_text_free(&folder);
	cli_text_free(&err);
	return ok;
}

/* ---- all that is asked for ---- */

/* All entries in one picture. */
static bool
add_picture(job *j, sg_model *m, kind k)
{
	sg_failure why = {0};
	size_t n;
	const void *bytes = sg_write_picture(m, NULL, cli_kind_name[k], &n, &why);

	if (!bytes) {
		return library_failed(j, &why);
	}
	add_out(j, m, "", 0, k, cli_copy(bytes, n), n);
	return true;
}

bool
cli_add_model(job *j, sg_model *m)
{
	sg_failure why = {0};
	kind k;

	if ((j->emit[C] || j->emit[H]) && !add_c(j, m)) {
		return false;
	}
	for (k = O; k <= SO; k++) {
		if (j->emit[k] && !add_binaries(j, m, k)) {
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

void
cli_write_job(job *j)
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
