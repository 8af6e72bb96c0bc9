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

/* bytes become the job's; the path is that of the model, with tail[0..size) and the suffix behind
 */
static cli_out *
add_file(job *j, sg_model *m, const char *tail, size_t size, const char *suffix, char *bytes,
         size_t n)
{
	cli_text path = {0};

	if (j->place != TO_STDOUT) {
		cli_printf(&path, "%s%s%.*s.%s", j->where,
		           j->place == TO_FOLDER ? sg_model_name(m) : "", (int)size, tail, suffix);
	}
	j->out = cli_grow(j->out, j->n, &j->cap, sizeof *j->out);
	j->out[j->n] = (cli_out){.path = path.s, .bytes = bytes, .n = n, .source = j->now};
	return &j->out[j->n++];
}

static void
add_out(job *j, sg_model *m, const char *tail, size_t size, kind k, char *bytes, size_t n)
{
	add_file(j, m, tail, size, cli_kind_name[k], bytes, n)->mode = k == SO ? 0111 : 0;
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

/* What all that is written of the C has in common. */
static sg_c_options
c_options(const job *j, const cli_weights *w)
{
	return (sg_c_options){.weights = j->weights == INLINE   ? SG_WEIGHTS_INLINE
	                                 : j->weights == EXTERN ? SG_WEIGHTS_EXTERN
	                                                        : SG_WEIGHTS_NONE,
	                      .nvalues = w->n,
	                      .values = w->value};
}

static bool
add_c(job *j, sg_model *m, const cli_weights *w)
{
	char *header = header_name(j, m);
	/* binaries hold what they need of the runtime: so does a header that goes with them alone
	 */
	const bool alone = !j->emit[C] && (j->emit[O] || j->emit[A] || j->emit[SO]);
	sg_c_options o = c_options(j, w);
	sg_failure why = {0};
	size_t n, i;
	const sg_written *file;
	kind k;

	o.header = header;
	o.standalone = j->standalone || alone;
	o.split = j->split;
	file = sg_write_files(m, &o, &n, &why);
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

/* The folder is one that we made and remove: nobody knows it. */
static bool
build_failed(const binary *b, sg_failure *why)
{
	const size_t n = strlen(b->folder);

	if (strncmp(why->text, b->folder, n) == 0 && why->text[n] == '/')
		memmove(why->text, why->text + n + 1, strlen(why->text + n + 1) + 1);
	return library_failed(b->j, why);
}

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
			return build_failed(b, &why);
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

/* A shared object is one file, of one text. */
static void
join(binary *b, sg_written *whole, cli_text *text)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		cli_puts(text, b->file[i].text);
	}
	*whole = (sg_written){.tail = ".c", .text = text->s};
	b->file = whole;
	b->n = 1;
}

static bool
add_binaries(job *j, sg_model *m, const cli_weights *w, kind k)
{
	const char *tmp = getenv("TMPDIR");
	sg_c_options o = c_options(j, w);
	binary b = {.j = j, .m = m, .k = k};
	sg_failure why = {0};
	cli_text folder = {0}, err = {0}, text = {0};
	sg_written whole;
	bool ok;

	o.alone = 1;
	o.split = j->split && k != SO;
	b.file = sg_write_files(m, &o, &b.n, &why);
	if (!b.file) {
		return library_failed(j, &why);
	}
	if (k == SO) {
		join(&b, &whole, &text);
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
	cli_text_free(&text);
	cli_text_free(&err);
	return ok;
}

/* ---- files of values ---- */

static void
add_array(job *j, sg_model *m, const char *name, const cli_view *v)
{
	cli_text bytes = {0}, tail = {0};

	cli_npy_write(&bytes, v);
	cli_printf(&tail, "_%s", name);
	add_file(j, m, tail.s, tail.n, "npy", bytes.s, bytes.n);
	cli_text_free(&tail);
}

static bool
is_given(const cli_weights *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (strcmp(w->value[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* Did an entry before entry e have the param? */
static bool
is_known(const sg_model *m, size_t e, const char *name)
{
	size_t k, i;

	for (k = 0; k < e; k++) {
		const sg_entry *entry = sg_model_entry(m, k);

		for (i = 0; i < entry->ninputs; i++) {
			if (strcmp(entry->args[i].name, name) == 0) {
				return true;
			}
		}
	}
	return false;
}

static bool
add_defaults(job *j, sg_model *m, const cli_weights *w, size_t e)
{
	const sg_entry *entry = sg_model_entry(m, e);
	sg_failure why = {0};
	sg_array a;
	size_t i;

	for (i = 0; i < entry->ninputs; i++) {
		const sg_argument *arg = &entry->args[i];

		if (arg->role != SG_ROLE_PARAM || is_given(w, arg->name) ||
		    is_known(m, e, arg->name)) {
			continue;
		}
		if (sg_param_default(m, arg->name, &a, &why) != SG_OK) {
			return library_failed(j, &why);
		}
		add_array(j, m, arg->name, &(cli_view){a.type, a.rank, a.shape, a.data});
	}
	return true;
}

static bool
add_arrays(job *j, sg_model *m, const cli_weights *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		const sg_value *v = &w->value[i];

		add_array(j, m, v->name, &(cli_view){v->type, v->rank, v->shape, v->data});
	}
	for (i = 0; i < sg_model_nentries(m); i++) {
		if (!add_defaults(j, m, w, i)) {
			return false;
		}
	}
	return true;
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

static bool
add_code(job *j, sg_model *m)
{
	cli_weights w;
	bool ok = cli_read_weights(j, m, &w);
	kind k;

	if (j->emit[C] || j->emit[H]) {
		ok = ok && add_c(j, m, &w);
	}
	for (k = O; k <= SO; k++) {
		if (j->emit[k]) {
			ok = ok && add_binaries(j, m, &w, k);
		}
	}
	if (j->weights == NPY) {
		ok = ok && add_arrays(j, m, &w);
	}
	cli_free_weights(&w);
	return ok;
}

bool
cli_add_model(job *j, sg_model *m)
{
	sg_failure why = {0};

	if (!add_code(j, m)) {
		return false;
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

static bool
written_twice(job *j, const cli_out *a, const cli_out *b)
{
	/* _weights.c is the one file of a model that an entry's can be called like */
	j->status = cli_error(j->args, CLI_FAULT,
	                      a->source == b->source
	                          ? "'%s' is the file of params; give the entry another name"
	                          : "two of the models would write '%s'",
	                      a->path);
	return false;
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
				return written_twice(j, &j->out[i], &j->out[k]);
			}
		}
		for (k = 0; k < j->nmodels; k++) {
			if (is_same_file(path, j->model[k])) {
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
	bool made, ok;

	if (!cli_make_folder(j->where, &made, err)) {
		return false;
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
