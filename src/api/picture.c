/* picture.c - entries as pictures: the text for Graphviz, and what its library makes of it.
 *
 * The library is loaded when the first picture is drawn, so that nothing else waits for it. It
 * keeps state of its own while it reads a graph; hence one picture at a time, behind a lock. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

typedef struct picture_task {
	const sg_entry *e;
	const char *format;
	sg_failure *why;
	const char *text;
	const void *bytes;
	size_t size;
} picture_task;

static int
write_dot(sg_model *m, void *arg)
{
	picture_task *t = arg;
	const sg_entry_data *e = NULL;
	const int status = t->e ? sg_need_entry(m, t->e, &e, t->why) : SG_OK;
	sg_buf b;

	if (status != SG_OK)
		return status;
	sg_buf_init(&b, m->ctx);
	sg_program_dot(m->ctx, m->program, e ? e->ir : NULL, &b);
	t->text = sg_buf_text(&b);
	return SG_OK;
}

const char *
sg_write_dot(sg_model *m, const sg_entry *e, sg_failure *why)
{
	picture_task t = {.e = e, .why = why};

	return sg_on_model(m, write_dot, &t, why) == SG_OK ? t.text : NULL;
}

/* ---- drawing ---- */

#ifdef SG_GVC_SONAME

#include <dlfcn.h>
#include <gvc.h>

typedef struct graphviz {
	__typeof__(gvContext) *context;
	__typeof__(gvFreeContext) *free_context;
	__typeof__(agmemread) *read;
	__typeof__(agclose) *close;
	__typeof__(agseterr) *set_errors;
	__typeof__(gvLayout) *layout;
	__typeof__(gvFreeLayout) *free_layout;
	__typeof__(gvRenderData) *render;
	__typeof__(gvFreeRenderData) *free_data;
} graphviz;

static bool
load_graphviz(graphviz *g)
{
	void *lib = dlopen(SG_GVC_SONAME, RTLD_NOW | RTLD_LOCAL);
	const struct {
		void *to;
		const char *name;
	} want[] = {
	    {&g->context, "gvContext"},
	    {&g->free_context, "gvFreeContext"},
	    {&g->read, "agmemread"},
	    {&g->close, "agclose"},
	    {&g->set_errors, "agseterr"},
	    {&g->layout, "gvLayout"},
	    {&g->free_layout, "gvFreeLayout"},
	    {&g->render, "gvRenderData"},
	    {&g->free_data, "gvFreeRenderData"},
	};

	for (size_t i = 0; lib && i < sizeof want / sizeof *want; i++) {
		void *f = dlsym(lib, want[i].name);

		if (!f)
			return false;
		memcpy(want[i].to, &f, sizeof f);
	}
	return lib != NULL;
}

/* malloc'ed; NULL when it can't be drawn in this format. */
static char *
render(const graphviz *g, const char *text, const char *format, size_t *size)
{
	GVC_t *gvc = g->context();
	Agraph_t *graph;
	char *data = NULL, *copy = NULL;
	unsigned n = 0;

	g->set_errors(AGMAX); /* nothing is printed */
	graph = gvc ? g->read(text) : NULL;
	if (graph && g->layout(gvc, graph, "dot") == 0) {
		if (g->render(gvc, graph, format, &data, &n) == 0 && data && n)
			copy = malloc(n);
		if (copy)
			memcpy(copy, data, n);
		if (data)
			g->free_data(data);
		g->free_layout(gvc, graph);
	}
	if (graph)
		g->close(graph);
	if (gvc)
		g->free_context(gvc);
	*size = copy ? n : 0;
	return copy;
}

static char *
draw(const char *text, const char *format, size_t *size, const char **why)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	graphviz g;
	char *data;

	*why = "the library of Graphviz (" SG_GVC_SONAME ") can't be loaded; install graphviz";
	if (!load_graphviz(&g))
		return NULL;
	*why = "Graphviz can't draw the picture in this format";
	pthread_mutex_lock(&one_at_a_time);
	data = render(&g, text, format, size);
	pthread_mutex_unlock(&one_at_a_time);
	return data;
}

#else

static char *
draw(const char *text, const char *format, size_t *size, const char **why)
{
	(void)text;
	(void)format;
	*size = 0;
	*why = "this symgrad was built without Graphviz: install libgraphviz-dev and build it "
	       "again, or have the picture drawn with symgrad graph --emit=dot FILE.sg | dot -Tsvg";
	return NULL;
}

#endif

enum { MOST_EDGES = 4000 }; /* to lay out more takes longer than anyone waits */

/* Edges of the graph in the text. */
static size_t
count_edges(const char *text)
{
	size_t n = 0;

	for (; (text = strstr(text, " -> ")) != NULL; text += 4)
		n++;
	return n;
}

typedef struct copy_task {
	sg_ctx *ctx;
	const void *data;
	size_t size;
	void *copy;
} copy_task;

static void
copy_to_arena(void *arg)
{
	copy_task *t = arg;

	t->copy = sg_copy(t->ctx, t->data, t->size);
}

/* The data is freed also where the arena has no room for it. */
static int
write_picture(sg_model *m, void *arg)
{
	picture_task *t = arg;
	const char *why;
	char *data;
	int status = write_dot(m, t);
	copy_task c = {.ctx = m->ctx};

	if (status != SG_OK)
		return status;
	if (count_edges(t->text) > MOST_EDGES)
		return sg_refuse(t->why, SG_EBACKEND,
		                 "a graph of %zu edges is too large to be laid out (%d at most): "
		                 "have one entry of it drawn, or take its text (--emit=dot)",
		                 count_edges(t->text), MOST_EDGES);
	data = draw(t->text, t->format, &c.size, &why);
	if (!data)
		return sg_refuse(t->why, SG_EBACKEND, "%s", why);
	c.data = data;
	status = sg_status_of(sg_protect(m->ctx, copy_to_arena, &c));
	free(data);
	t->bytes = c.copy;
	t->size = c.size;
	return status;
}

const void *
sg_write_picture(sg_model *m, const sg_entry *e, const char *format, size_t *size, sg_failure *why)
{
	picture_task t = {.e = e, .format = format, .why = why};

	if (size)
		*size = 0;
	if (!size || !format) {
		sg_refuse(why, SG_EVALUE, "expected a format and a place for the size, got NULL");
		return NULL;
	}
	if (sg_on_model(m, write_picture, &t, why) != SG_OK)
		return NULL;
	*size = t.size;
	return t.bytes;
}
