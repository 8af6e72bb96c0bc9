/* share_number.c - numbers of nodes that are equal where they compute the same, up to the names of
 * the params of loops: those of a loop go by its height and their place. */
#include "pass/share.h"

enum { MOST_LEVEL = 255 };

static sg_ref
param_of(const sg_loop *l, uint32_t k)
{
	return k < l->nc ? l->cparam[k] : l->xparam[k - l->nc];
}

/* A loop backward has params of the loop forward, which have names: its own are on a level of their
 * own. */
static uint32_t
level_of(const sg_sharing *w, const sg_loop *l)
{
	uint32_t level = 0;

	for (uint32_t k = 0; k < l->nc + l->nx; k++) {
		const uint64_t name = w->param[param_of(l, k)];
		const uint32_t its = name ? (uint32_t)(name >> 24 & MOST_LEVEL) + 1 : 0;

		level = its > level ? its : level;
	}
	return level < MOST_LEVEL ? level : MOST_LEVEL;
}

/* Do all params have names of their own, which no loop around it can have? */
static bool
are_distinct(const sg_sharing *w, const sg_loop *l, uint32_t height)
{
	sg_bytes_map *seen = sg_bytes_map_new(w->ctx);

	for (uint32_t k = 0; k < l->nc + l->nx; k++) {
		const uint64_t name = w->param[param_of(l, k)];

		if (name >> 33 > height)
			return false;
		void **at = sg_bytes_map_at(seen, &name, sizeof name);
		if (*at)
			return false;
		*at = seen;
	}
	return true;
}

/* `inner` is in the body of r, if not in that of a loop that is. */
static void
add_body(sg_sharing *w, sg_ref inner, sg_ref r, const sg_ref *last_in)
{
	sg_bodies *in = &w->in[inner];

	for (size_t k = 0; k < in->n; k++)
		if (last_in[in->loop[k]] == r)
			return;
	SG_PUSH(w->ctx, in->loop, in->n, in->cap, r);
}

/* last_in: by node, the last loop that was found to have it in its body. */
static void
name_params(sg_sharing *w, sg_ref r, sg_ref *last_in)
{
	const sg_loop l = sg_loop_of(w->g, r);
	size_t n;
	sg_ref *member;
	uint32_t height = 0;

	sg_loop_members(w->ctx, w->g, r, &n, &member);
	for (size_t i = 0; i < n; i++)
		last_in[member[i]] = r;
	for (size_t i = 0; i < n; i++) {
		if (!sg_is_loop(w->g->node[member[i]].op))
			continue;
		if (w->height[member[i]] > height)
			height = w->height[member[i]];
		add_body(w, member[i], r, last_in);
	}
	w->height[r] = ++height;
	const uint64_t level = (uint64_t)level_of(w, &l) << 24;

	for (uint32_t k = 0; k < l.nc; k++)
		if (!w->param[l.cparam[k]])
			w->param[l.cparam[k]] = (uint64_t)height << 33 | level | k;
	for (uint32_t k = 0; k < l.nx; k++)
		if (!w->param[l.xparam[k]])
			w->param[l.xparam[k]] =
			    (uint64_t)height << 33 | (uint64_t)1 << 32 | level | k;
	w->single[r] = !are_distinct(w, &l, height);
}

static bool
commutes(uint16_t op)
{
	return op == SG_ADD || op == SG_MUL || op == SG_MAX || op == SG_MIN || op == SG_AND ||
	       op == SG_OR || op == SG_EQ || op == SG_NE;
}

static void
put_numbers(const sg_sharing *w, sg_buf *key, uint32_t n, const sg_ref *r)
{
	for (uint32_t k = 0; k < n; k++)
		sg_buf_write(key, (const char *)&w->number[r[k]], sizeof *w->number);
}

/* A loop without what its body reads from outside, which follows from the rest. */
static void
put_loop(const sg_sharing *w, sg_buf *key, const sg_loop *l)
{
	const uint32_t head[8] = {l->op,      l->nc,   l->nx,      l->ns,
	                          l->reverse, l->tape, l->limited, l->length};

	sg_buf_write(key, (const char *)head, sizeof head);
	put_numbers(w, key, 1, &l->count);
	put_numbers(w, key, 1, &l->cond);
	put_numbers(w, key, l->nc, l->init);
	put_numbers(w, key, l->nx, l->xs);
	put_numbers(w, key, l->nc, l->cparam);
	put_numbers(w, key, l->nx, l->xparam);
	put_numbers(w, key, l->nc, l->next);
	put_numbers(w, key, l->ns, l->out);
}

static void
put_node(const sg_sharing *w, sg_buf *key, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);
	const uintptr_t head[3] = {(uintptr_t)n->op << 8 | n->type, (uintptr_t)n->shape,
	                           w->param[r] ? 0 : (uintptr_t)n->attr};
	const bool swap = commutes(n->op) && w->number[n->args[0]] > w->number[n->args[1]];

	sg_buf_write(key, (const char *)head, sizeof head);
	if (w->param[r]) {
		sg_buf_write(key, (const char *)&w->param[r], sizeof *w->param);
	} else if (swap) {
		put_numbers(w, key, 1, n->args + 1);
		put_numbers(w, key, 1, n->args);
	} else {
		put_numbers(w, key, n->nargs, n->args);
	}
}

static void
number(sg_sharing *w, sg_ref r)
{
	sg_buf key;
	void **slot;

	if (w->single[r]) {
		w->number[r] = ++w->count;
		return;
	}
	sg_buf_init(&key, w->ctx);
	if (sg_is_loop(w->g->node[r].op)) {
		const sg_loop l = sg_loop_of(w->g, r);

		put_loop(w, &key, &l);
	} else {
		put_node(w, &key, r);
	}
	slot = sg_bytes_map_at(w->known, key.s, key.n);
	if (!*slot)
		*slot = (void *)(uintptr_t)++w->count;
	w->number[r] = (uint32_t)(uintptr_t)*slot;
}

void
sg_share_number(sg_sharing *w)
{
	const sg_ref n = w->g->n;
	sg_ref *last_in = SG_NEW_ARRAY(w->ctx, sg_ref, n);

	w->known = sg_bytes_map_new(w->ctx);
	w->height = SG_NEW_ARRAY(w->ctx, uint32_t, n);
	w->in = SG_NEW_ARRAY(w->ctx, sg_bodies, n);
	w->param = SG_NEW_ARRAY(w->ctx, uint64_t, n);
	w->single = SG_NEW_ARRAY(w->ctx, bool, n);
	w->number = SG_NEW_ARRAY(w->ctx, uint32_t, n);
	for (sg_ref r = 1; r < n; r++)
		if (w->live[r] && sg_is_loop(w->g->node[r].op))
			name_params(w, r, last_in);
	for (sg_ref r = 1; r < n; r++)
		if (w->live[r])
			number(w, r);
}
