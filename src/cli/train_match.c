/* train_match.c - is what training goes on with what it began with? A number for the loss, and one
 * for each array of data: a checkpoint keeps them, and others now mean another loss, other data.
 *
 * The loss is known by the graph that computes it and its gradients, and not by the text of the
 * model: spaces, comments, initial values of params and entries beside it make no difference. The
 * numbers are no defence against who wants two things to look alike. */
#include "cli/train.h"

#include <stdlib.h>
#include <string.h>

/* A step of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t
mix(uint64_t h, uint64_t more)
{
	h = (h ^ more) + 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	return h ^ h >> 31;
}

static uint64_t
mix_bytes(uint64_t h, const void *data, size_t n)
{
	const unsigned char *s = data;
	uint64_t word;

	for (; n >= sizeof word; s += sizeof word, n -= sizeof word) {
		memcpy(&word, s, sizeof word);
		h = mix(h, word);
	}
	for (word = n; n > 0; n--) {
		word = word << 8 | *s++;
	}
	return mix(h, word);
}

/* ---- data ---- */

static uint64_t
print_of_array(const sg_array *a)
{
	uint64_t h = mix_bytes(0, a->name, strlen(a->name));
	const size_t bytes = (size_t)a->count * sg_dtype_size(a->type);

	h = mix(h, (uint64_t)a->type);
	h = mix_bytes(h, a->shape, (size_t)a->rank * sizeof *a->shape);
	return bytes ? mix_bytes(h, a->data, bytes) : h;
}

static bool
is_trained(const train *t, size_t in)
{
	size_t i;

	for (i = 0; i < t->nparams; i++) {
		if (t->param[i].in == in) {
			return true;
		}
	}
	return false;
}

/* Of all that is not trained, in the order of the entry, and at last of the dimensions. */
static void
print_data(train *t)
{
	match *m = &t->match;
	size_t i;

	m->data = cli_alloc(t->entry->ninputs + 1, sizeof *m->data);
	m->name = cli_alloc(t->entry->ninputs + 1, sizeof *m->name);
	for (i = 0; i < t->entry->ninputs; i++) {
		if (!is_trained(t, i)) {
			m->name[m->n] = t->entry->args[i].name;
			m->data[m->n++] = (int64_t)print_of_array(sg_call_array(t->whole, i));
		}
	}
	m->data[m->n++] =
	    (int64_t)mix_bytes(0, sg_call_dims(t->whole), t->entry->ndims * sizeof(int64_t));
}

/* ---- the loss ---- */

/* The graph as text: a node a line, "  %7 = mul %2, %6 : f64[N]  # y, line 3". */
typedef struct graph {
	uint64_t *node; /* by number: of what it computes from what */
	size_t n, cap;
} graph;

static uint64_t *
node_at(graph *g, size_t number)
{
	while (g->n <= number) {
		g->node = cli_grow(g->node, g->n, &g->cap, sizeof *g->node);
		g->node[g->n++] = 0;
	}
	return &g->node[number];
}

/* A stretch of a line, in which nodes stand for what they compute. */
static uint64_t
print_of_text(graph *g, const char *s, const char *end)
{
	const char *from = s;
	uint64_t h = 0;

	while (s < end) {
		if (*s == '%') {
			char *after;

			h = mix_bytes(h, from, (size_t)(s - from));
			h = mix(h, *node_at(g, strtoul(s + 1, &after, 10)));
			from = s = after;
		} else {
			s++;
		}
	}
	return mix_bytes(h, from, (size_t)(end - from));
}

static const char *
find(const char *s, const char *end, const char *what)
{
	const size_t n = strlen(what);

	for (; s + n <= end; s++) {
		if (memcmp(s, what, n) == 0) {
			return s;
		}
	}
	return NULL;
}

/* "input x: f64[N] %1 = %2": of node 1 counts this, and not its place or its default. */
static void
read_input(graph *g, const char *s, const char *end)
{
	const char *at = find(s, end, " %");

	if (at) {
		*node_at(g, strtoul(at + 2, NULL, 10)) = mix_bytes(1, s, (size_t)(at - s));
	}
}

static void
read_node(graph *g, const char *s, const char *end)
{
	char *after;
	const size_t number = strtoul(s + 3, &after, 10);
	const char *remark = find(s, end, "  # ");

	if (!*node_at(g, number)) {
		const uint64_t h = print_of_text(g, after, remark ? remark : end);

		*node_at(g, number) = h;
	}
}

/* 0: there is no graph, for want of memory. */
static uint64_t
print_loss(const train *t)
{
	const char *s = sg_write_ir(t->model, NULL), *end;
	graph g = {.node = NULL};
	uint64_t h = 0;

	for (; s && *s; s = *end ? end + 1 : end) {
		end = s + strcspn(s, "\n");
		if (strncmp(s, "input ", 6) == 0 || strncmp(s, "param ", 6) == 0) {
			read_input(&g, s, end);
		} else if (strncmp(s, "  %", 3) == 0) {
			read_node(&g, s, end);
		} else if (strncmp(s, "entry ", 6) == 0) {
			h = mix(h, print_of_text(&g, s, end));
		}
	}
	free(g.node);
	return h;
}

/* ---- both ---- */

void
train_match_open(train *t)
{
	print_data(t);
	t->match.loss = (int64_t)print_loss(t);
}

void
train_match_close(match *m)
{
	free(m->data);
	free((void *)m->name);
	*m = (match){0};
}

/* The first that is not what it was: "input 'x'"; "": all are. */
void
train_put_other_data(const match *m, const int64_t *was, size_t n, cli_text *out)
{
	size_t i;

	for (i = 0; i < m->n && i < n && was[i] == m->data[i]; i++) {
		continue;
	}
	if (i + 1 < m->n) {
		cli_printf(out, "input '%s'", m->name[i]);
	} else if (i < m->n || n != m->n) {
		cli_puts(out, "a dimension");
	}
}
