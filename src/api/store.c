/* store.c - the cache of compiled code, shown and emptied. */
#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>

typedef bool cache_function(char **path, sg_cache_figures *f, const char **why);

static int
ask(cache_function *f, sg_cache_state *s, sg_failure *why)
{
	sg_cache_figures figures;
	const char *reason = "";
	char *path;
	bool ok;
	int n;

	if (!s)
		return sg_refuse(why, SG_EVALUE, "expected a place for the state, got NULL");
	ok = f(&path, &figures, &reason);
	n = snprintf(s->folder, sizeof s->folder, "%s", path ? path : "");

	free(path);
	s->entries = figures.entries;
	s->bytes = figures.bytes;
	s->bound = figures.bound;
	if (n < 0 || (size_t)n >= sizeof s->folder)
		return sg_refuse(why, SG_EFILE, "the name of the cache's folder is too long");
	if (ok)
		return sg_no_failure(why);
	if (!n)
		return sg_refuse(why, SG_EFILE, "no cache: %s", reason);
	return sg_refuse(why, SG_EFILE, "the cache '%s': %s", s->folder, reason);
}

int
sg_cache_show(sg_cache_state *s, sg_failure *why)
{
	return ask(sg_cache_look, s, why);
}

int
sg_cache_empty(sg_cache_state *s, sg_failure *why)
{
	return ask(sg_cache_clear, s, why);
}
