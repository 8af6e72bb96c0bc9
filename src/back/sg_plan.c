/* sg_plan.c - which nodes become statements, and what they are called. */
#include "back/sg_text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 60, SHARED_DATA = 8 };

/* ---- names ---- */

/* What the text calls, or would read as something else. */
static const char *const reserved[] = {
    "model",      "real",        "dim",      "input",        "param",   "const",  "def",
    "derivative", "output",      "gradient", "entry",        "include", "return", "as",
    "wrt",        "if",          "then",     "else",         "and",     "or",     "not",
    "for",        "in",          "true",     "false",        "inf",     "nan",    "pi",
    "none",       "arange",      "zeros",    "ones",         "full",    "flip",   "index_add",
    "transpose",  "expand_dims", "squeeze",  "broadcast_to", "stack",   "dot",    "outer",
    "einsum",     "scan",        "map",      "while",        "params",  "grad",   "vjp",
    "jvp",        "hvp",         "jacobian", "hessian",      "cumprod", "mean",   "_",
    "solve",      "inv",
};

/* The number that the next name made of this one gets; 0: the name itself is free. */
static uintptr_t *
next_number(const sg_text_writer *w, const char *name)
{
	return (uintptr_t *)sg_bytes_map_at(w->taken, name, strlen(name));
}

static void
take(sg_text_writer *w, const char *name)
{
	uintptr_t *next = next_number(w, name);

	*next = *next ? *next : 2;
}

bool
sg_name_free(const sg_text_writer *w, const char *name)
{
	return *next_number(w, name) == 0;
}

const char *
sg_fresh_name(sg_text_writer *w, const char *base)
{
	const char *name = base;

	while (!name || !sg_name_free(w, name)) {
		const unsigned long i =
		    base ? (unsigned long)(*next_number(w, base))++ : w->next_t++;

		name = base ? sg_text(w->ctx, "%s_%lu", base, i) : sg_text(w->ctx, "t%lu", i);
	}
	take(w, name);
	return name;
}

void
sg_text_writer_init(sg_text_writer *w, sg_ctx *ctx, const sg_program *p, sg_buf *b)
{
	*w = (sg_text_writer){.ctx = ctx, .sp = p->sp, .p = p, .g = p->g, .b = b};
	w->name = SG_NEW_ARRAY(ctx, const char *, p->g->n);
	w->loop = SG_NEW_ARRAY(ctx, sg_loop_text *, p->g->n);
	w->taken = sg_bytes_map_new(ctx);
	w->next_t = 1;
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		take(w, reserved[i]);
	for (uint16_t op = 1; op < SG_NOPS; op++)
		take(w, sg_op_name(op));
	for (uint32_t d = 0; d < sg_space_ndims(p->sp); d++)
		take(w, sg_space_dim(p->sp, d)->name);
	for (size_t i = 0; i < p->ninputs; i++)
		take(w, p->input[i].name);
}

/* ---- the plan ---- */

/* Worth no name: written again wherever it is used. */
static bool
is_trivial(const sg_node *n)
{
	return n->op == SG_INPUT || n->op == SG_CONST || n->op == SG_DIM || n->op == SG_IOTA ||
	       n->op == SG_SEED || (n->op == SG_DATA && n->attr->n <= SHARED_DATA);
}

/* Written in place even if shared: it is its operand that gets the name. */
static bool
is_wrapper(const sg_node *n)
{
	return n->op == SG_NEG || n->op == SG_BROADCAST || n->op == SG_TRANSPOSE ||
	       n->op == SG_RESHAPE || n->op == SG_CAST || n->op == SG_BIND || n->op == SG_NONEMPTY;
}

static uint8_t
add_uses(uint8_t a, uint8_t b)
{
	return a + b > 2 ? 2 : (uint8_t)(a + b);
}

/* How often each node is written, up to 2: wrappers pass their uses on. */
static uint8_t *
count_uses(const sg_text_writer *w, size_t nroots, const sg_ref *roots)
{
	uint8_t *uses = SG_NEW_ARRAY(w->ctx, uint8_t, w->g->n);

	for (size_t i = 0; i < nroots; i++)
		if (roots[i])
			uses[roots[i]] = add_uses(uses[roots[i]], 1);
	for (sg_ref r = w->g->n - 1; r > 0; r--) {
		const sg_node *n = sg_node_at(w->g, r);
		const uint8_t more = n->op == SG_CHOLBACK             ? 2 /* its text has them twice */
		                     : is_wrapper(n) && !w->name[r] ? uses[r]
		                                                    : 1;

		for (uint32_t k = 0; uses[r] && k < sg_data_args(n); k++)
			if (sg_is_written(w, n, k))
				uses[n->args[k]] = add_uses(uses[n->args[k]], more);
	}
	return uses;
}

typedef struct extent_of_text {
	uint32_t size, depth;
} extent_of_text;

static extent_of_text
measure(const sg_text_writer *w, const sg_node *n, const extent_of_text *of)
{
	extent_of_text m = {n->op == SG_DATA ? n->attr->n : 1, 1};

	for (uint32_t k = 0; n->op != SG_PICK && k < sg_data_args(n); k++) {
		if (!sg_is_written(w, n, k))
			continue;
		extent_of_text a = w->name[n->args[k]] ? (extent_of_text){1, 1} : of[n->args[k]];

		m.size = m.size > UINT32_MAX - a.size ? UINT32_MAX : m.size + a.size;
		m.depth = m.depth > a.depth ? m.depth : a.depth + 1;
	}
	return m;
}

/* Names the inlined operands of node n that are largest until n is small enough. */
static void
cut_operands(sg_text_writer *w, const sg_node *n, const extent_of_text *of, uint32_t largest)
{
	for (uint32_t k = 0; k < sg_data_args(n); k++) {
		const sg_ref a = n->args[k];

		if (sg_is_written(w, n, k) && !w->name[a] && !is_trivial(sg_node_at(w->g, a)) && of[a].size > largest / 2)
			w->name[a] = sg_fresh_name(w, NULL);
	}
}

bool *
sg_text_live(const sg_text_writer *w, size_t nroots, const sg_ref *roots)
{
	bool *live = SG_NEW_ARRAY(w->ctx, bool, w->g->n);

	for (size_t i = 0; i < nroots; i++)
		if (roots[i])
			live[roots[i]] = true;
	for (sg_ref r = w->g->n; r-- > 1;) {
		const sg_node *n = sg_node_at(w->g, r);

		for (uint32_t k = 0; live[r] && k < sg_data_args(n); k++)
			live[n->args[k]] = true;
	}
	return live;
}

void
sg_plan(sg_text_writer *w, size_t nroots, const sg_ref *roots, const sg_plan_options *o)
{
	const uint8_t *uses = count_uses(w, nroots, roots);
	extent_of_text *of = SG_NEW_ARRAY(w->ctx, extent_of_text, w->g->n);

	w->options = o;
	sg_plan_loop_texts(w, uses);
	for (sg_ref r = 1; r < w->g->n; r++) {
		const sg_node *n = sg_node_at(w->g, r);
		const char *user = o->user_names ? w->g->name[r] : NULL;
		bool named;

		if (!uses[r])
			continue;
		of[r] = measure(w, n, of);
		if (of[r].size > o->largest && n->op != SG_DATA) {
			cut_operands(w, n, of, o->largest);
			of[r] = measure(w, n, of);
		}
		if (w->name[r] || is_trivial(n) || w->loop[r])
			continue;
		named = (uses[r] > 1 && !is_wrapper(n) && of[r].size > o->small) || user ||
		        of[r].depth > MAX_DEPTH || n->op == SG_PICK;
		if (named)
			w->name[r] = sg_fresh_name(w, user);
	}
}
