/* prelude_defs.c - the prelude's functions, each read when a model asks for its name.
 *
 * To parse all of them takes as long as the rest of a small model does, and few are used. So a
 * first walk only finds where each begins: at a line that starts with "def NAME(". What stands up
 * to the next such line is its own, a rule for its derivative too. All of it is one source, so that
 * places in it are known by that. */
#include "front/elab.h"

#include <string.h>

typedef struct prelude_def {
	const char *name; /* interned */
	size_t lo, hi;    /* its text */
	bool read;
} prelude_def;

struct prelude_index {
	sg_map *by_name;
	prelude_def *def;
	size_t n, cap;
};

static const char word[] = "def ";

static void
add_def(elab *e, prelude_index *x, size_t at)
{
	const char *name = e->prelude_src->text + at + strlen(word);
	const prelude_def d = {.name = sg_intern(e->ctx, name, strcspn(name, "(")),
	                       .lo = at,
	                       .hi = e->prelude_src->len};

	if (x->n)
		x->def[x->n - 1].hi = at;
	SG_PUSH(e->ctx, x->def, x->n, x->cap, d);
}

void
prelude_open(elab *e)
{
	prelude_index *x = e->prelude_index = SG_NEW(e->ctx, prelude_index);
	const char *text, *line;

	e->prelude_src = sg_source_text(e->ctx, "<prelude>", sg_prelude, strlen(sg_prelude));
	text = e->prelude_src->text;
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, strlen(word)) == 0)
			add_def(e, x, (size_t)(line - text));
	}
	x->by_name = sg_map_new(e->ctx);
	for (size_t k = 0; k < x->n; k++)
		sg_map_put(x->by_name, x->def[k].name, &x->def[k]);
}

/* Its functions stand above all that a model binds, whenever they are read. */
static void
read_def(elab *e, prelude_def *d)
{
	const size_t errors = sg_error_count(e->ctx);
	const uint64_t seq = e->seq;
	const sg_stmt *list;

	d->read = true;
	list = sg_parse_part(e->ctx, e->prelude_src, d->lo, d->hi);
	sg_need(e->ctx, sg_error_count(e->ctx) == errors, "the prelude does not parse");
	e->seq = 0;
	run_statements(e, e->prelude, list);
	e->seq = seq;
	scope_find_here(e->prelude, d->name)->seq = 0;
}

void
prelude_read(elab *e, const char *name)
{
	prelude_def *d = sg_map_get(e->prelude_index->by_name, name);

	if (d && !d->read)
		read_def(e, d);
}

void
prelude_read_all(elab *e)
{
	prelude_index *x = e->prelude_index;

	for (size_t k = 0; k < x->n; k++)
		prelude_read(e, x->def[k].name);
}
