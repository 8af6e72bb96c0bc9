/* load_cc.c - C text -> machine code by the system's C compiler, at -O3 unless $SYMGRAD_CC says
 * other.
 *
 * The shared object stays in the user's cache (cache.c) under the SHA-256 of text, flags, compiler
 * and processor. All work is done in a fresh folder beside the target, and what is finished is
 * renamed into its place, so any number of processes may do the same at once; those who want what
 * one of them is at work on wait for it. A cache that can't be
 * written, or that others could write to, is not used: then everything happens in $TMPDIR and is
 * removed once it is loaded.
 *
 * Contraction to fused multiply-add is off, so that numbers agree with the other back ends. */
#include "back/cache.h"
#include "back/cc.h"
#include "back/load.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const common_flags[] = {"-std=c11",
                                           "-fPIC",
                                           "-ffp-contract=off",
                                           "-fno-math-errno",
                                           "-fno-trapping-math",
                                           "-fvisibility=default",
                                           NULL};

/* Where and by what it is compiled. */
struct sg_cc_host {
	sg_cc cc;
	char *cache, *tmp; /* folders; cache NULL: none */
	int64_t bound;
};

sg_cc_host *
sg_cc_host_new(void)
{
	sg_cc_host *h = calloc(1, sizeof *h);
	const char *tmp = getenv("TMPDIR");

	if (!h)
		return NULL;
	h->bound = sg_cache_bound();
	h->cache = h->bound ? sg_cache_path() : NULL;
	h->tmp = strdup(tmp && *tmp ? tmp : "/tmp");
	if (h->tmp && sg_cc_open(&h->cc))
		return h;
	sg_cc_host_free(h);
	return NULL;
}

void
sg_cc_host_free(sg_cc_host *h)
{
	if (!h)
		return;
	sg_cc_close(&h->cc);
	free(h->cache);
	free(h->tmp);
	free(h);
}

/* ---- building in a folder of its own ---- */

/* One compilation: by what, who may stop it (or NULL), and into what. */
typedef struct build {
	const sg_cc_host *host;
	sg_cc_stop *stop;
	bool shared, native, openmp;
	bool refused; /* the compiler did not want the text, or was stopped */
} build;

/* Does the compiler's own name say how much to optimise? */
static bool
chooses_level(const sg_cc *cc)
{
	for (int i = 1; i < cc->own; i++)
		if (strncmp(cc->argv[i], "-O", 2) == 0)
			return true;
	return false;
}

static bool
run_compiler(const build *b, const sg_site *s, bool native)
{
	sg_cc cc = b->host->cc; /* the words of this run come behind its own */

	for (int i = 0; common_flags[i]; i++)
		sg_cc_add(&cc, common_flags[i]);
	if (!chooses_level(&cc))
		sg_cc_add(&cc, "-O3");
	if (native)
		sg_cc_add(&cc, "-march=native");
	if (b->openmp)
		sg_cc_add(&cc, "-fopenmp");
	sg_cc_add(&cc, b->shared ? "-shared" : "-c");
	sg_cc_add(&cc, "-o");
	sg_cc_add(&cc, s->object);
	sg_cc_add(&cc, s->source);
	if (b->shared)
		sg_cc_add(&cc, "-lm");
	return sg_cc_run(&cc, s->log, b->stop) && access(s->object, R_OK) == 0;
}

/* Of a compiler that is not there, or ended without a word and a file. */
static void
say_which(const sg_cc *cc, char **why)
{
	const bool there = cc->program && access(cc->program, X_OK) == 0;

	sg_say(why, "the C compiler '");
	sg_say(why, cc->own ? cc->argv[0] : "");
	sg_say(why, there ? "' made no file and said nothing (is the disk full?)"
	                  : "' can't be run (set SYMGRAD_CC to one that can)");
}

static void
say_why(const build *b, const sg_site *s, char **why)
{
	char *log = sg_file_read(s->log, 4096);

	for (size_t n = log ? strlen(log) : 0; n && log[n - 1] == '\n'; n--)
		log[n - 1] = '\0';
	if (sg_cc_stop_asked(b->stop))
		sg_say(why, "the C compiler was stopped");
	else if (log && *log)
		sg_say(why, log);
	else
		say_which(&b->host->cc, why);
	free(log);
}

/* Some compilers do not know -march=native on some machines: what counts is that it compiles. */
static bool
compile(build *b, const sg_site *s, char **why)
{
	if (run_compiler(b, s, b->native) || (b->native && run_compiler(b, s, false)))
		return true;
	say_why(b, s, why);
	b->refused = true;
	return false;
}

/* "WHAT: the system's reason" */
static void
say_error(char **why, const char *what, int error)
{
	sg_say(why, what);
	sg_say(why, ": ");
	sg_say(why, strerror(error));
}

static bool
build_at(build *b, const char *text, const char *parent, const char *path, char **why)
{
	sg_site s;
	bool ok;

	if (!sg_site_enter(&s, parent, text)) {
		say_error(why, "can't write beside it", errno);
		return false;
	}
	ok = compile(b, &s, why);
	if (ok && rename(s.object, path) != 0) {
		say_error(why, "can't rename it into its place", errno);
		ok = false;
	}
	sg_site_leave(&s);
	return ok;
}

bool
sg_cc_build(const char *text, const char *path, bool shared, bool openmp, char **why)
{
	const char *slash = strrchr(path, '/');
	char *parent = !slash          ? strdup(".")
	               : slash == path ? strdup("/")
	                               : strndup(path, (size_t)(slash - path));
	sg_cc_host *host = sg_cc_host_new();
	build b = {.host = host, .shared = shared, .openmp = openmp};
	bool ok = false;

	*why = NULL;
	if (parent && host)
		ok = build_at(&b, text, parent, path, why);
	else
		sg_say(why, "out of memory");
	sg_cc_host_free(host);
	free(parent);
	return ok;
}

/* What this text's object is called in the cache. False: it has no name. */
static bool
cached_name(const sg_cc_host *host, const char *text, char name[SG_CACHE_NAME])
{
	char *identity = sg_cc_identity(&host->cc);
	const char *texts[16] = {text, identity};
	size_t n = 2;

	if (!identity)
		return false;
	for (size_t i = 0; common_flags[i]; i++)
		texts[n++] = common_flags[i];
	sg_sha256(n, texts, name);
	memcpy(name + 64, ".so", 4);
	free(identity);
	return true;
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

/* Compiles the entry of this name, unless another one has just done so. */
static bool
make_entry(build *b, const sg_cache *cache, const sg_site *s, const char *name, bool damaged,
           char **why)
{
	const int lock = sg_cache_enter(cache, name, b->stop);
	bool ok = (!damaged && sg_cache_has(cache, name)) ||
	          (compile(b, s, why) && sg_cache_keep(cache, s->object, name));

	sg_cache_leave(cache, name, lock);
	if (b->refused && !sg_cc_stop_asked(b->stop))
		b->refused = false; /* the folder may have had no room for what it writes */
	return ok;
}

/* From the open cache, or by way of it. A loader that refuses an entry makes it a damaged one. */
static sg_code *
load_entry(build *b, const sg_cache *cache, const char *text, size_t n, const char *const *names,
           void **addr, char **why)
{
	char name[SG_CACHE_NAME], *path;
	sg_code *code = NULL;
	bool there;
	sg_site s;

	if (!cached_name(b->host, text, name))
		return NULL;
	path = sg_path_join(cache->path, name);
	there = path && sg_cache_has(cache, name);
	if (there)
		code = load(path, n, names, addr, why);
	if (path && !code && sg_site_enter(&s, cache->path, text)) {
		forget(why);
		if (make_entry(b, cache, &s, name, there, why)) {
			code = load(path, n, names, addr, why);
			sg_cache_trim(cache, b->host->bound);
		}
		sg_site_leave(&s);
	}
	free(path);
	return code;
}

static sg_code *
load_cached(build *b, const char *text, size_t n, const char *const *names, void **addr, char **why)
{
	const char *reason; /* of a cache that can't be used: there is another way */
	sg_code *code = NULL;
	sg_cache cache;

	if (b->host->cache && sg_cache_open(&cache, b->host->cache, true, &reason)) {
		code = load_entry(b, &cache, text, n, names, addr, why);
		sg_cache_close(&cache);
	}
	return code;
}

static sg_code *
load_fresh(build *b, const char *text, size_t n, const char *const *names, void **addr, char **why)
{
	sg_code *code = NULL;
	sg_site s;

	forget(why);
	if (!sg_site_enter(&s, b->host->tmp, text)) {
		sg_say(why, "no folder for the C compiler's files can be written (set TMPDIR)");
		return NULL;
	}
	if (compile(b, &s, why))
		code = load(s.object, n, names, addr, why);
	sg_site_leave(&s);
	return code;
}

sg_code *
sg_load_cc_on(sg_cc_host *host, sg_cc_stop *stop, const char *text, size_t n,
              const char *const *names, void **addr, char **why)
{
	build b = {.host = host, .stop = stop, .shared = true, .native = true};
	sg_code *code;

	*why = NULL;
	code = load_cached(&b, text, n, names, addr, why);
	if (!code && !b.refused)
		code = load_fresh(&b, text, n, names, addr, why);
	if (code)
		forget(why);
	return code;
}

sg_code *
sg_load_cc(const char *text, size_t n, const char *const *names, void **addr, char **why)
{
	sg_cc_host *host = sg_cc_host_new();
	sg_code *code = NULL;

	*why = NULL;
	if (host)
		code = sg_load_cc_on(host, NULL, text, n, names, addr, why);
	else
		sg_say(why, "out of memory");
	sg_cc_host_free(host);
	return code;
}
