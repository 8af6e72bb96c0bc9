/* in_place.c - carries of a loop whose array a step may write over while it reads it.
 *
 * It may where each element is read only where it is written, or by steps that are through before.
 * Who reads and who writes is found once for all carries, of which there may be thousands. */
#include "back/emit.h"

/* A step, by its place in the order, that reads a carry's array. */
typedef struct reader {
	size_t at;
	bool whole; /* as an operand */
	struct reader *next;
} reader;

/* Of an output: the first step that stores it, by its place in the order, + 1; its roots that do.
 */
typedef struct storing {
	size_t at;
	sg_root *first, *last;
	bool again; /* other steps store it, too */
} storing;

typedef struct places {
	sg_fn *fn;
	reader **of;     /* by input */
	storing *writer; /* by output */
	sg_flow **flow;  /* by step; NULL: nobody has asked */
} places;

static void
note_reader(places *w, sg_ref r, size_t at, bool whole)
{
	const sg_node *n = sg_fn_node(w->fn, r);

	if (n->op != SG_INPUT)
		return;
	reader **first = &w->of[n->attr->w[0]];

	if (*first && (*first)->at == at) {
		(*first)->whole = (*first)->whole || whole;
		return;
	}
	reader *x = SG_NEW(w->fn->ctx, reader);
	*x = (reader){at, whole, *first};
	*first = x;
}

static void
note_operands(places *w, const sg_step *s, size_t at)
{
	sg_fn *fn = w->fn;
	sg_strided x;

	if (s->kind != SG_S_CALL && s->kind != SG_S_LOOP)
		return;
	for (uint32_t k = 0; k < sg_fn_nargs(fn, s->ref); k++) {
		const sg_ref a = sg_fn_arg(fn, s->ref, k);

		note_reader(w, a, at, true);
		if (!sg_has_one_element(fn, a) && sg_strided_of(fn, a, &x))
			note_reader(w, x.root, at, true);
	}
}

/* The output that the root stores; nout: none. */
static size_t
output_of(const sg_fn *fn, const sg_root *root)
{
	if (root->kind == SG_R_COPY)
		return root->part;
	if (root->kind != SG_R_STORE || root->from != root->ref || !fn->at[root->ref].out)
		return fn->nout;
	return fn->at[root->ref].out - 1;
}

static void
note_writer(places *w, sg_root *root, size_t at)
{
	const size_t out = output_of(w->fn, root);
	storing *x = &w->writer[out];

	if (out == w->fn->nout)
		return;
	if (!x->at)
		*x = (storing){.at = at + 1, .first = root};
	if (x->at == at + 1)
		x->last = root;
	else
		x->again = true;
}

static places
find_places(sg_fn *fn, size_t ninputs)
{
	places w = {fn, SG_NEW_ARRAY(fn->ctx, reader *, ninputs + 1),
	            SG_NEW_ARRAY(fn->ctx, storing, fn->nout + 1),
	            SG_NEW_ARRAY(fn->ctx, sg_flow *, fn->nsteps + 1)};

	for (size_t i = 0; i < fn->nsteps; i++) {
		sg_step *s = &fn->step[fn->order[i]];

		note_operands(&w, s, i);
		for (size_t v = 1; v < s->nvals; v++)
			if (s->val[v].kind == SG_V_LOAD)
				note_reader(&w, s->val[v].ref, i, false);
		for (size_t k = 0; k < s->nroots; k++)
			note_writer(&w, &s->root[k], i);
	}
	return w;
}

/* The last root of the step that stores the output; NULL: none does. */
static const sg_root *
own_root(const places *w, const sg_step *s, size_t at, size_t out)
{
	const storing *x = &w->writer[out];

	if (x->at == at + 1)
		return x->last;
	for (size_t i = x->again ? s->nroots : 0; i-- > 0;)
		if (output_of(w->fn, &s->root[i]) == out)
			return &s->root[i];
	return NULL;
}

/* Step s reads array r: does it so only for output `out`, and each element where it writes it? */
static bool
reads_where_it_writes(places *w, size_t at, sg_ref r, size_t out)
{
	const sg_step *s = &w->fn->step[w->fn->order[at]];
	const sg_root *own = own_root(w, s, at, out);

	if (!w->flow[at])
		w->flow[at] = sg_flow_of(w->fn, s);
	const sg_flow_array *a = sg_flow_array_of(w->flow[at], r);

	if (!a)
		return true;
	return own && a->together && own->at == a->at && sg_flow_ends_in(w->flow[at], a, own);
}

/* Is the step through with what it reads when the writer begins? */
static bool
is_before(const sg_fn *fn, const sg_step *s, const sg_step *writer)
{
	for (size_t i = 0; i < s->nroots; i++)
		if (s->root[i].kind == SG_R_TEXT) /* which may be read where it is used */
			return false;
	return (s->kind == SG_S_NEST || s->kind == SG_S_CALL || s->kind == SG_S_LOOP) &&
	       !fn->split && (!s->band || s->band != writer->band);
}

/* Where only the places that a condition names are new, the others need not be written. */
static void
leave_the_rest(const sg_fn *fn, const sg_step *s, sg_root *root, sg_ref r)
{
	const sg_val *v = &s->val[root->val[0]];

	if (fn->m->o->jit || v->kind != SG_V_EW || v->op != SG_SELECT)
		return;
	const sg_val *old = &s->val[v->arg[2]];

	if (old->kind != SG_V_LOAD || old->ref != r || old->aff != root->at)
		return;
	root->masked = true;
	root->val[1] = v->arg[0];
	root->val[0] = v->arg[1];
}

static bool
is_in_place(places *w, size_t out)
{
	sg_fn *fn = w->fn;
	const sg_ref r = fn->out[out].carry;
	const storing *x = &w->writer[out];
	const sg_step *s = x->at ? &fn->step[fn->order[x->at - 1]] : NULL;

	if (!r)
		return true;
	for (const reader *y = w->of[sg_fn_node(fn, r)->attr->w[0]]; y; y = y->next) {
		if (s && y->at < x->at - 1 && is_before(fn, &fn->step[fn->order[y->at]], s))
			continue;
		if (y->whole || !reads_where_it_writes(w, y->at, r, out))
			return false;
	}
	if (s)
		leave_the_rest(fn, s, x->first, r);
	return true;
}

void
sg_loop_find_in_place(sg_loop_plan *p)
{
	sg_fn *fn = p->step_fn;
	places w = find_places(fn, p->step->ninputs);

	p->in_place = SG_NEW_ARRAY(fn->ctx, bool, p->l.nc + 1);
	for (size_t i = 0; i < fn->nout; i++)
		if (p->out_of[i] < p->l.nc && !p->stack[p->out_of[i]] &&
		    fn->out[i].kind == SG_O_POINTER)
			p->in_place[p->out_of[i]] = is_in_place(&w, i);
}
