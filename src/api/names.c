/* names.c - arguments of an entry by name: a table that is made once, with open addressing and at
 * most half full. An output may be called as an input is, so which of the two is meant is part of
 * the key. */
#include "api/api.h"

#include <string.h>

static uint64_t
key(bool output, const char *name)
{
	return sg_hash(name, strlen(name), output);
}

void
sg_name_args(sg_ctx *ctx, sg_entry_data *e)
{
	const size_t n = e->pub.ninputs + e->pub.noutputs;
	size_t size = 4;
	uint32_t *named;

	while (size < 2 * n)
		size *= 2;
	named = SG_NEW_ARRAY(ctx, uint32_t, size);
	e->mask = size - 1;
	for (size_t i = 0; i < n; i++) {
		uint64_t at = key(i >= e->pub.ninputs, e->pub.args[i].name);

		while (named[at & e->mask])
			at++;
		named[at & e->mask] = (uint32_t)i + 1;
	}
	e->named = named;
}

size_t
sg_arg_named(const sg_entry_data *e, bool output, const char *name)
{
	for (uint64_t at = key(output, name);; at++) {
		const uint32_t i = e->named[at & e->mask];

		if (!i)
			return e->pub.ninputs + e->pub.noutputs;
		if ((i > e->pub.ninputs) == output && strcmp(e->pub.args[i - 1].name, name) == 0)
			return i - 1;
	}
}
