/* uses.c - which inputs and dimensions an entry asks for. */
#include "ir/space.h"

typedef struct walk {
	sg_space *sp;
	bool *seen; /* by extent */
	bool *dim;
	sg_ext *todo; /* extents inside atoms, still to be looked at */
	size_t n, cap;
} walk;

static void
look_later(walk *w, sg_ext e)
{
	if (w->seen[e])
		return;
	w->seen[e] = true;
	SG_PUSH(w->sp->ctx, w->todo, w->n, w->cap, e);
}

static void
look_at(walk *w, sg_ext e)
{
	look_later(w, e);
	while (w->n) {
		const sg_poly *p = sg_poly_at(w->sp, w->todo[--w->n]);

		for (uint32_t i = 0; i < p->n; i++)
			for (uint32_t k = 0; k < p->term[i].n; k++) {
				uint32_t f = p->term[i].fac[k];

				if (!sg_fac_is_atom(f)) {
					w->dim[f / 2] = true;
					continue;
				}
				look_later(w, sg_atom_of(w->sp, f)->p);
				look_later(w, sg_atom_of(w->sp, f)->q);
			}
	}
}

static void
look_at_node(walk *w, const sg_node *n)
{
	for (uint32_t k = 0; k < n->shape->rank; k++)
		look_at(w, n->shape->ext[k]);
	if (n->attr && sg_op_attr_is_ext(n->op))
		for (uint32_t k = 0; k < n->attr->n; k++)
			look_at(w, (sg_ext)n->attr->w[k]);
	if (sg_op_attr_ext_word(n->op) >= 0)
		look_at(w, (sg_ext)n->attr->w[sg_op_attr_ext_word(n->op)]);
}

/* Inputs mostly ascend, so the search goes on from where the last one ended. */
static bool
is_among(const sg_needed *c, sg_ref r, size_t *at)
{
	if (*at > 0 && c->ref[*at - 1] >= r)
		*at = 0;
	while (*at < c->n && c->ref[*at] < r)
		++*at;
	return *at < c->n && c->ref[*at] == r;
}

sg_uses
sg_entry_uses(const sg_program *p, const sg_entry_ir *e)
{
	sg_ctx *ctx = p->sp->ctx;
	sg_uses u = {SG_NEW_ARRAY(ctx, bool, p->ninputs), SG_NEW_ARRAY(ctx, bool, p->sp->ndims)};
	walk w = {.sp = p->sp, .seen = SG_NEW_ARRAY(ctx, bool, p->sp->npolys), .dim = u.dim};
	sg_ref *roots = SG_NEW_ARRAY(ctx, sg_ref, e->nout);
	sg_needed c;

	for (size_t i = 0; i < e->nout; i++)
		roots[i] = e->out[i].ref;
	c = sg_graph_needed(p->g, 1, e->nout, roots);
	for (size_t i = 0; i < c.n; i++)
		look_at_node(&w, &p->g->node[c.ref[i]]);
	for (size_t i = 0, at = 0; i < p->ninputs; i++)
		u.input[i] = p->input[i].ref && is_among(&c, p->input[i].ref, &at);
	return u;
}
