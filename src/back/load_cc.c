/* load_cc.c - C text -> machine code by the system's C compiler, at -O3.
 *
 * The shared object stays in the user's cache ($XDG_CACHE_HOME/symgrad, else ~/.cache/symgrad)
 * under the SHA-256 of text, flags, compiler and processor; the folder may be deleted at any time.
 * All work is done in a fresh folder beside the target, and what is finished is renamed into its
 * place, so any number of processes may do the same at once. A cache that can't be written, or that
 * others could write to, is not used: then everything happens in $TMPDIR and is removed once it is
 * loaded.
 *
 * Contraction to fused multiply-add is off, so that numbers agree with the other back ends. */
#include "back/cc.h"
#include "back/load.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const common_flags[] = {"-std=c11",
                                           "-O3",
                                           "-fPIC",
                                           "-ffp-contract=off",
                                           "-fno-math-errno",
                                           "-fno-trapping-math",
                                           "-fvisibility=default",
                                           NULL};

/* ---- building in a folder of its own ---- */

typedef struct site {
	char *dir, *source, *object, *log; /* object: what the compiler writes */
} site;

static void
leave(site *s)
{
	char *files[3] = {s->source, s->object, s->log};

	for (int i = 0; i < 3; i++) {
		if (files[i])
			unlink(files[i]);
		free(files[i]);
	}
	if (s->dir)
		rmdir(s->dir);
	free(s->dir);
	memset(s, 0, sizeof *s);
}

/* A new folder in parent with the text in it. */
static bool
enter(site *s, const char *parent, const char *text)
{
	char *dir = sg_path_join(parent, ".symgrad-XXXXXX");

	memset(s, 0, sizeof *s);
	if (!dir || !mkdtemp(dir)) {
		free(dir);
		return false;
	}
	s->dir = dir;
	s->source = sg_path_join(dir, "model.c");
	s->object = sg_path_join(dir, "model.bin");
	s->log = sg_path_join(dir, "log");
	if (s->source && s->object && s->log && sg_file_write(s->source, text))
		return true;
	leave(s);
	return false;
}

static bool
run_compiler(const site *s, bool shared, bool native)
{
	sg_cc cc;
	bool ok;

	if (!sg_cc_open(&cc))
		return false;
	for (int i = 0; common_flags[i]; i++)
		sg_cc_add(&cc, common_flags[i]);
	if (native)
		sg_cc_add(&cc, "-march=native");
	sg_cc_add(&cc, shared ? "-shared" : "-c");
	sg_cc_add(&cc, "-o");
	sg_cc_add(&cc, s->object);
	sg_cc_add(&cc, s->source);
	if (shared)
		sg_cc_add(&cc, "-lm");
	ok = sg_cc_run(&cc, s->log) && access(s->object, R_OK) == 0;
	sg_cc_close(&cc);
	return ok;
}

static void
say_why(const site *s, char **why)
{
	char *log = sg_file_read(s->log, 4096);

	if (log && *log)
		sg_say(why, log);
	else
		sg_say(why, "the C compiler can't be run (set SYMGRAD_CC to one that can)");
	free(log);
}

/* Some compilers do not know -march=native on some machines: what counts is that it compiles. */
static bool
build(const site *s, bool shared, bool native, char **why)
{
	if (run_compiler(s, shared, native) || (native && run_compiler(s, shared, false)))
		return true;
	say_why(s, why);
	return false;
}

bool
sg_cc_build(const char *text, const char *path, bool shared, char **why)
{
	const char *slash = strrchr(path, '/');
	char *parent = !slash          ? strdup(".")
	               : slash == path ? strdup("/")
	                               : strndup(path, (size_t)(slash - path));
	site s;
	bool ok;

	*why = NULL;
	if (!parent || !enter(&s, parent, text)) {
		sg_say(why, "can't write beside it");
		free(parent);
		return false;
	}
	ok = build(&s, shared, false, why);
	if (ok && rename(s.object, path) != 0) {
		sg_say(why, "can't rename it into its place");
		ok = false;
	}
	leave(&s);
	free(parent);
	return ok;
}

/* ---- the cache ---- */

/* dir itself exists, is ours, and nobody else can write to it. */
static bool
is_private(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The folder of the cache, made if it is not there; malloc'ed, NULL: none to be had. */
static char *
cache_folder(void)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *parent = NULL, *dir = NULL;

	if (base && *base == '/')
		parent = strdup(base);
	else if (home && *home == '/')
		parent = sg_path_join(home, ".cache");
	if (parent) {
		(void)mkdir(parent, 0700);
		dir = sg_path_join(parent, "symgrad");
	}
	free(parent);
	if (dir && ((mkdir(dir, 0700), !is_private(dir)) || access(dir, W_OK | X_OK) != 0)) {
		free(dir);
		dir = NULL;
	}
	return dir;
}

/* Where in dir this text's object stands; malloc'ed. */
static char *
cached_path(const char *dir, const char *text)
{
	char name[68], *identity, *path = NULL;
	sg_cc cc;

	if (!sg_cc_open(&cc))
		return NULL;
	identity = sg_cc_identity(&cc);
	if (identity) {
		const char *texts[16] = {text, identity};
		size_t n = 2;

		for (size_t i = 0; common_flags[i]; i++)
			texts[n++] = common_flags[i];
		sg_sha256(n, texts, name);
		memcpy(name + 64, ".so", 4);
		path = sg_path_join(dir, name);
	}
	free(identity);
	sg_cc_close(&cc);
	return path;
}

/* ---- loading ---- */

static void
close_dl(void *handle)
{
	dlclose(handle);
}

static sg_code *
load(const char *path, size_t n, const char *const *names, void **addr, char **why)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle && i < n; i++) {
		addr[i] = dlsym(handle, names[i]);
		if (!addr[i]) {
			dlclose(handle);
			handle = NULL;
		}
	}
	if (!handle) {
		sg_say(why, "the compiled code can't be loaded");
		return NULL;
	}
	return sg_code_new(handle, close_dl);
}

static void
forget(char **why)
{
	free(*why);
	*why = NULL;
}

/* From the cache, or by way of it. *compiles: false when the compiler itself refused the text. */
static sg_code *
load_cached(const char *dir, const char *text, size_t n, const char *const *names, void **addr,
            char **why, bool *compiles)
{
	char *path = cached_path(dir, text);
	sg_code *code = NULL;
	site s;

	if (path && access(path, R_OK) == 0)
		code = load(path, n, names, addr, why);
	if (path && !code && enter(&s, dir, text)) {
		forget(why);
		*compiles = build(&s, true, true, why);
		if (*compiles && rename(s.object, path) == 0)
			code = load(path, n, names, addr, why);
		leave(&s);
	}
	free(path);
	return code;
}

static sg_code *
load_fresh(const char *text, size_t n, const char *const *names, void **addr, char **why)
{
	const char *tmp = getenv("TMPDIR");
	sg_code *code = NULL;
	site s;

	forget(why);
	if (!enter(&s, tmp && *tmp ? tmp : "/tmp", text)) {
		sg_say(why, "no folder for the C compiler's files can be written (set TMPDIR)");
		return NULL;
	}
	if (build(&s, true, true, why))
		code = load(s.object, n, names, addr, why);
	leave(&s);
	return code;
}

sg_code *
sg_load_cc(const char *text, size_t n, const char *const *names, void **addr, char **why)
{
	char *dir = cache_folder();
	sg_code *code = NULL;
	bool compiles = true;

	*why = NULL;
	if (dir)
		code = load_cached(dir, text, n, names, addr, why, &compiles);
	if (!code && compiles)
		code = load_fresh(text, n, names, addr, why);
	free(dir);
	if (code)
		forget(why);
	return code;
}
