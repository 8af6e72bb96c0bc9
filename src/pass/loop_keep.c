/* loop_keep.c - what a loop keeps of each step for the way back, besides carries.
 *
 * A step backward computes the body's values again from the carries before it. Products and their
 * like are dear, and so is what ends a long way of small operations: those are on the tape. */
#include "pass/loop.h"
#include "rules/op.h"

/* Operations for an element of a value that is rather kept than computed again; for one of a few
 * numbers, which no SIMD makes cheap: a quotient or a root, behind which others wait. */
enum { DEAR = 32, FEW = 6, DEAR_OF_FEW = 4, LONG = 8 };

static bool
is_float(const sg_build *b, sg_ref r)
{
	return sg_type_is_float(sg_type_of(b, r));
}

/* Does each element of r cost far more than its place? */
static bool
is_dear(sg_build *b, sg_ref r)
{
	const sg_node *n = sg_node_at(b->g, r);
	int64_t each, size;

	if (sg_is_ew(n->op))
		return is_float(b, r) && sg_ops[n->op].cost >= DEAR_OF_FEW &&
		       sg_ext_const(b->sp, sg_shape_size(b->sp, n->shape), &size) && size <= FEW;
	switch (n->op) {
	case SG_CONTRACT:
	case SG_CHOLESKY:
	case SG_TRISOLVE:
	case SG_LUSOLVE:
	case SG_LOGSUMEXP:
		break;
	default:
		return false;
	}
	return is_float(b, r) &&
	       (!sg_ext_const(b->sp,
	                      sg_ext_div(b->sp, sg_node_cost(b, r), sg_shape_size(b->sp, n->shape)),
	                      &each) ||
	        each >= DEAR);
}

/* By member of the cone: its only reader there; 0: there is none, or several. */
static sg_ref *
readers(sg_build *b, const sg_cone *c)
{
	sg_ref *reader = SG_NEW_ARRAY(b->ctx, sg_ref, c->n);
	bool *several = SG_NEW_ARRAY(b->ctx, bool, c->n);

	for (uint32_t i = 0; i < c->n; i++)
		for (uint32_t k = 0; k < sg_data_args(sg_node_at(b->g, c->member[i])); k++) {
			const sg_ref a = sg_arg(b->g, c->member[i], k);

			if (!sg_cone_has(c, a))
				continue;
			const uint32_t at = sg_cone_at(c, a);

			several[at] = several[at] || (reader[at] && reader[at] != c->member[i]);
			reader[at] = c->member[i];
		}
	for (uint32_t i = 0; i < c->n; i++)
		if (several[i])
			reader[i] = 0;
	return reader;
}

/* The step forward, from the params on. */
static sg_cone
forward_body(const sg_backward *w, const sg_refs *param)
{
	sg_refs root = {0};

	sg_refs_add(w->b, &root, w->l.nc, w->l.next);
	sg_refs_add(w->b, &root, w->l.ns, w->l.out);
	return sg_cone_make(w->b, SG_FOLLOW_ALL, root.n, root.r, sg_lowest(param->n, param->r));
}

/* By member of the step backward: is it made of adjoints, so that no step forward can tell it? */
static const bool *
of_adjoints(const sg_backward *w, const sg_cone *back)
{
	const sg_refs seed = sg_backward_adjoints(w);

	return sg_cone_active(w->b, back, seed.n, seed.r);
}

/* Is it part of a rule, as far as that is known of members of the step backward and of placeholders
 * that are none, being older than the loop's params? */
static bool
is_of_rule(const sg_cone *back, const bool *is, const sg_bytes_map *older, sg_ref r)
{
	return sg_cone_has(back, r) ? is[sg_cone_at(back, r)]
	                            : sg_bytes_map_get(older, &r, sizeof r) != NULL;
}

/* By member of the step backward: is it part of a user's rule for an adjoint that has not come, so
 * that it has no value? */
static const bool *
of_rules(sg_build *b, const sg_cone *back)
{
	bool *is = SG_NEW_ARRAY(b->ctx, bool, back->n);
	sg_bytes_map *older = sg_bytes_map_new(b->ctx);

	for (uint32_t i = 0; i < back->n; i++) {
		const sg_node *n = sg_node_at(b->g, back->member[i]);

		for (uint32_t k = 0; n->op == SG_CUSTOM && k < (uint32_t)n->attr->w[1]; k++)
			if (sg_cone_has(back, n->args[1 + k]))
				is[sg_cone_at(back, n->args[1 + k])] = true;
			else
				*sg_bytes_map_at(older, &n->args[1 + k], sizeof n->args[1 + k]) =
				    is;
	}
	for (uint32_t i = 0; i < back->n; i++) {
		const sg_node *n = sg_node_at(b->g, back->member[i]);

		for (uint32_t k = 0; n->op != SG_CUSTOM && k < n->nargs && !is[i]; k++)
			is[i] = is_of_rule(back, is, older, n->args[k]);
	}
	return is;
}

/* What is looked at to find what is kept; all but body by member of back. */
typedef struct keeping {
	sg_backward *w;
	sg_cone back, body;   /* the two steps */
	const sg_ref *reader; /* the only one; 0: none, or several */
	const bool *varies;   /* from step to step */
	const bool *adjoint;  /* it is made of adjoints */
	const bool *rule;     /* it is part of a rule */
	bool *kept;
} keeping;

static void
keep(keeping *k, sg_ref r)
{
	sg_backward *w = k->w;
	bool *kept = &k->kept[sg_cone_at(&k->back, r)];
	sg_ref placeholder;

	if (*kept || k->rule[sg_cone_at(&k->back, r)])
		return;
	*kept = true;
	placeholder = sg_seed_like(w->b, r);
	w->b->g->name[placeholder] = w->b->g->name[r];
	sg_refs_push(w->b, &w->dear, r);
	sg_refs_push(w->b, &w->kept, placeholder);
}

/* Values that the step backward needs, that the step forward has or could have, and that are dear
 * to compute again: they are stacked as carries are. Where one is read by one elementwise operation
 * alone, which gives as many elements, the result of that is kept instead: of x @ w + h @ u + b,
 * the sum. */
static void
keep_dear_values(keeping *k)
{
	sg_build *b = k->w->b;

	for (uint32_t i = 0; i < k->back.n; i++) {
		sg_ref r = k->back.member[i], next;

		if (!k->varies[i] || k->adjoint[i] || !is_dear(b, r) ||
		    (!sg_cone_has(&k->body, r) && !sg_is_ew(sg_node_at(b->g, r)->op)))
			continue;
		while ((next = k->reader[sg_cone_at(&k->back, r)]) != 0 &&
		       sg_cone_has(&k->body, next) && sg_is_ew(sg_node_at(b->g, next)->op) &&
		       is_float(b, next) && sg_shape_of(b, next) == sg_shape_of(b, r))
			r = next;
		keep(k, r);
	}
}

/* Is it what adjoints are made with, or what a step gives as one? */
static bool *
meets_adjoints(const keeping *k)
{
	const sg_build *b = k->w->b;
	const sg_loop *l = &k->w->l;
	bool *meets = SG_NEW_ARRAY(b->ctx, bool, k->back.n);

	for (uint32_t i = 0; i < k->back.n; i++)
		for (uint32_t a = 0; k->adjoint[i] && a < sg_at(b, k->back.member[i]).nargs; a++) {
			const sg_ref x = sg_arg(b->g, k->back.member[i], a);

			if (sg_cone_has(&k->back, x))
				meets[sg_cone_at(&k->back, x)] = true;
		}
	for (uint32_t i = 0; i < l->nc + l->nx + l->ncap; i++)
		if (k->w->dc[i] && sg_cone_has(&k->back, k->w->dc[i]))
			meets[sg_cone_at(&k->back, k->w->dc[i])] = true;
	return meets;
}

/* By member of the step backward: how many read it. */
static uint32_t *
count_readers(const keeping *k)
{
	const sg_build *b = k->w->b;
	uint32_t *n = SG_NEW_ARRAY(b->ctx, uint32_t, k->back.n);

	for (uint32_t i = 0; i < k->back.n; i++)
		for (uint32_t a = 0; a < sg_at(b, k->back.member[i]).nargs; a++) {
			const sg_ref x = sg_arg(b->g, k->back.member[i], a);

			if (sg_cone_has(&k->back, x))
				n[sg_cone_at(&k->back, x)]++;
		}
	return n;
}

/* Operations on elements for r; what several read, each has a part of. */
static int64_t
work_for(const keeping *k, const uint32_t *nreaders, const int64_t *work, sg_ref r)
{
	const sg_build *b = k->w->b;
	const sg_node n = sg_at(b, r);
	int64_t sum = 0;

	if (sg_is_ew(n.op) && !sg_ext_const(b->sp, sg_shape_size(b->sp, n.shape), &sum))
		return 0;
	sum *= sg_is_ew(n.op) ? sg_ops[n.op].cost : 0;
	for (uint32_t a = 0; a < n.nargs; a++)
		if (sg_cone_has(&k->back, n.args[a])) {
			const uint32_t at = sg_cone_at(&k->back, n.args[a]);

			sum += work[at] / nreaders[at];
		}
	return sum;
}

/* Is member i a few numbers of an operation of the step forward? Then how many; else 0. */
static int64_t
few_numbers(const keeping *k, uint32_t i)
{
	const sg_build *b = k->w->b;
	const sg_node *n = sg_node_at(b->g, k->back.member[i]);
	int64_t size;

	if (!k->varies[i] || k->adjoint[i] || !sg_is_ew(n->op) ||
	    !sg_type_is_float((sg_type)n->type) ||
	    !sg_ext_const(b->sp, sg_shape_size(b->sp, n->shape), &size) || size > FEW)
		return 0;
	return size;
}

/* A few numbers that adjoints meet, and that many operations lead to. */
static void
keep_ends(keeping *k)
{
	sg_build *b = k->w->b;
	uint32_t first = 0;

	while (first < k->back.n && few_numbers(k, first) == 0)
		first++;
	if (first == k->back.n)
		return;
	const bool *meets = meets_adjoints(k);
	const uint32_t *nreaders = count_readers(k);
	int64_t *work = SG_NEW_ARRAY(b->ctx, int64_t, k->back.n);

	for (uint32_t i = 0; i < k->back.n; i++) {
		const int64_t size = few_numbers(k, i);

		if (!k->varies[i] || k->adjoint[i] || k->kept[i])
			continue;
		work[i] = work_for(k, nreaders, work, k->back.member[i]);
		if (!meets[i] || size == 0 || work[i] < LONG * size)
			continue;
		keep(k, k->back.member[i]);
		work[i] = 0;
	}
}

static void
find_dear(sg_backward *w, const sg_refs *param)
{
	keeping k = {.w = w, .back = sg_backward_reads(w, param), .body = forward_body(w, param)};

	k.reader = readers(w->b, &k.back);
	k.varies = sg_cone_active(w->b, &k.back, param->n, param->r);
	k.adjoint = of_adjoints(w, &k.back);
	k.rule = of_rules(w->b, &k.back);
	k.kept = SG_NEW_ARRAY(w->b->ctx, bool, k.back.n);
	keep_dear_values(&k);
	keep_ends(&k);
}

void
sg_keep_dear(sg_backward *w, const sg_refs *param)
{
	const size_t n = w->l.nc + 2 * ((size_t)w->l.nx + w->l.ncap);
	sg_refs root = {0};

	find_dear(w, param);
	if (w->dear.n == 0)
		return;
	for (size_t k = 0; k < n; k++)
		if (w->dc[k])
			sg_refs_push(w->b, &root, w->dc[k]);
	sg_substitute(w->b, root.n, root.r, w->dear.n, w->dear.r, w->kept.r);
	for (size_t k = n; k-- > 0;)
		if (w->dc[k])
			w->dc[k] = root.r[--root.n];
}

/* The next value of a carry that is stacked is the row behind: the loop backward, which has read
 * that just before, carries it on, and no array holds it twice. */
void
sg_find_next_carries(sg_backward *w, const sg_cone *cone)
{
	const sg_loop *l = &w->l;
	sg_bytes_map *of = w->dear.n ? sg_bytes_map_new(w->b->ctx) : NULL;

	w->carry = SG_NEW_ARRAY(w->b->ctx, uint32_t, w->dear.n + 1);
	for (uintptr_t k = 0; of && k < l->nc; k++)
		if (sg_cone_has(cone, l->cparam[k]))
			*sg_bytes_map_at(of, &l->next[k], sizeof l->next[k]) = (void *)(k + 1);
	for (size_t i = 0; i < w->dear.n; i++)
		w->carry[i] =
		    (uint32_t)(uintptr_t)sg_bytes_map_get(of, &w->dear.r[i], sizeof w->dear.r[i]);
}
