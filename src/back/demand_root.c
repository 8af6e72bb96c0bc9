/* demand_root.c - what each root of a step asks for, and where its result goes. */
#include "back/demand.h"

/* ---- roots ---- */

static sg_spot
own_index(sg_fn *f, const sg_root *root, sg_ref r)
{
	return sg_index_in_rows(f, f->g->node[r].shape, root->row, root->turn);
}

static void
use_val(sg_asker *a, sg_root *root, int which, uint32_t v, uint32_t times)
{
	root->val[which] = v;
	sg_val_at(a, v)->uses += times;
}

static sg_aff
laid_out(sg_fn *f, const sg_strided *s, const sg_spot *ix)
{
	sg_aff at = sg_aff_ext(f, s->base);

	for (uint32_t k = 0; k < ix->n; k++)
		at = sg_aff_add(f, at, sg_aff_scale(f, ix->at[k], s->stride[k]));
	return at;
}

static void
piece(sg_asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const sg_join *j = sg_join_of(f, root->ref);
	sg_spot ix = own_index(f, root, root->from);

	use_val(a, root, 0, sg_evaluate(a, root->from, &ix), 1);
	if (j->lay) {
		root->at = laid_out(f, &j->lay[root->part].at, &ix);
		return;
	}
	if (j->npads == 0) {
		const sg_ext start = j->start ? j->start[root->part] : sg_ext_int(f->sp, 0);

		if (n->shape->rank == 1) { /* of elements in their order, whatever their shape */
			const sg_aff at = sg_linear_from(f, &ix, f->g->node[root->from].shape, 0);

			root->at = sg_aff_add(f, at, sg_aff_ext(f, start));
			return;
		}
		ix.at[j->axis] = sg_aff_add(f, ix.at[j->axis], sg_aff_ext(f, start));
	} else if (root->part >= j->n - j->npads) {
		const sg_attr *w = f->g->node[j->piece[root->part]].attr;

		for (uint32_t k = 0; k < n->shape->rank; k++)
			ix.at[k] =
			    sg_aff_add(f, sg_aff_ext(f, (sg_ext)w->w[k]),
			               sg_aff_scale(f, ix.at[k], (sg_ext)w->w[n->shape->rank + k]));
	}
	root->at = sg_linear_from(f, &ix, n->shape, 0);
}

static void
scatter(sg_asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const sg_shape *si = f->g->node[n->args[0]].shape;
	const uint32_t axis = (uint32_t)n->attr->w[0], nbatch = (uint32_t)n->attr->w[1];
	const uint32_t free = si->rank - nbatch;
	const sg_spot v = own_index(f, root, n->args[1]);
	sg_spot i = {.n = si->rank}, x = {.n = n->shape->rank};
	sg_aff at;

	for (uint32_t k = 0; k < si->rank; k++)
		i.at[k] = k < nbatch ? v.at[k] : v.at[axis + k - nbatch];
	at = sg_index_form(a, sg_evaluate(a, n->args[0], &i), n->shape->ext[axis]);
	for (uint32_t k = 0; k < n->shape->rank; k++)
		x.at[k] = k < axis ? v.at[k] : k > axis ? v.at[k + free - 1] : at;
	use_val(a, root, 0, sg_evaluate(a, n->args[1], &v), 1);
	root->at = sg_linear_from(f, &x, n->shape, 0);
}

typedef struct meeting {       /* of a window and a place that it reads */
	sg_aff within, window; /* element of the window, number of the window */
	sg_within cond[2];     /* where there is one */
	uint32_t nconds;
} meeting;

/* The `turn`th of the windows of n that meet at place x. */
static meeting
windows_at(sg_asker *a, const sg_node *n, sg_aff x, sg_aff turn)
{
	sg_fn *f = a->f;
	const sg_windowing w = sg_windowing_of(f->sp, n);
	const sg_shape *s = f->g->node[n->args[0]].shape;
	const sg_ext zero = sg_ext_int(f->sp, 0), one = sg_ext_int(f->sp, 1);
	const sg_ext count = s->ext[w.axis + 1], back = sg_ext_sub(f->sp, zero, w.dilation);
	const bool dense = sg_is_1(f, w.dilation), close = sg_is_1(f, w.stride);
	meeting m = {.within = turn};
	sg_aff rest;

	if (dense && !close) {
		rest = sg_quotient(a, x, w.stride, true);
		x = sg_quotient(a, x, w.stride, false);
		m.within = sg_aff_add(f, rest, sg_aff_scale(f, turn, w.stride));
		m.cond[m.nconds++] = (sg_within){m.within, zero, s->ext[w.at], false, true};
	}
	x = sg_aff_add(f, x, sg_aff_scale(f, turn, back));
	if (dense || close) {
		m.window = x;
		m.cond[m.nconds++] = (sg_within){x, zero, count, true, true};
		return m;
	}
	m.window = sg_quotient(a, x, w.stride, false);
	rest = sg_quotient(a, x, w.stride, true);
	m.cond[m.nconds++] = (sg_within){x, zero, sg_ext_mul(f->sp, count, w.stride), true, true};
	m.cond[m.nconds++] = (sg_within){rest, zero, one, true, true};
	return m;
}

static void
sum_of_windows(sg_asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const sg_windowing w = sg_windowing_of(f->sp, n);
	const bool one = sg_is_1(f, sg_windows_meet(f, root->ref));
	const sg_spot x = own_index(f, root, root->ref);
	sg_spot g = {.n = n->shape->rank + 1};
	uint32_t nvars = 0, v;
	meeting m;

	for (uint32_t k = 0; k < n->shape->rank; k++) {
		nvars += !sg_is_1(f, n->shape->ext[k]);
		g.at[k < w.at ? k : k + 1] = x.at[k];
	}
	m = windows_at(a, n, x.at[w.axis], one ? sg_aff_zero(f) : sg_aff_var(f, nvars));
	g.at[w.at] = m.within;
	g.at[w.axis + 1] = m.window;
	v = sg_evaluate(a, n->args[0], &g);
	use_val(a, root, 0, sg_within_bounds(a, v, m.cond, m.nconds), 1);
	root->at = sg_linear_from(f, &x, n->shape, 0);
}

static void
unwindow(sg_asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const sg_spot g = own_index(f, root, n->args[0]);
	sg_spot x = {.n = n->shape->rank};

	for (uint32_t k = 0; k < n->shape->rank; k++)
		x.at[k] = sg_within_windows(f, n, &g, k);
	use_val(a, root, 0, sg_evaluate(a, n->args[0], &g), 1);
	root->at = sg_linear_from(f, &x, n->shape, 0);
}

/* pos: what is written. */
static void
writer(sg_asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const uint32_t last = n->shape->rank - 1;
	sg_spot i = own_index(f, root, n->args[0]);
	uint32_t at;

	root->pos = i.at[last];
	at = sg_checked(a, sg_evaluate(a, n->args[0], &i), n->shape->ext[last]);
	use_val(a, root, 0, at, 1);
	i.at[last] = sg_value_var(f, at);
	root->at = sg_linear_from(f, &i, n->shape, 0);
}

/* An inner product: the operands' elements by label. */
static void
contract(sg_asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const int64_t *w = n->attr->w, *lo = w + 3 + w[0] + w[1];
	sg_spot out = own_index(f, root, root->ref), part[2];
	sg_val product = {.kind = SG_V_EW, .type = n->type, .op = SG_MUL, .nargs = 2};
	uint32_t var = 0;

	for (uint32_t k = 0; k < n->shape->rank; k++)
		var += !sg_is_1(f, n->shape->ext[k]);
	for (int side = 0; side < 2; side++) {
		const sg_shape *s = f->g->node[n->args[side]].shape;
		const int64_t *l = w + 3 + (side ? w[0] : 0);

		part[side].flat = false;
		part[side].n = s->rank;
		for (uint32_t k = 0; k < s->rank; k++) {
			sg_aff at = sg_is_1(f, s->ext[k]) || side ? sg_aff_zero(f) : UINT32_MAX;

			for (int64_t i = 0; i < w[2]; i++)
				if (lo[i] == l[k])
					at = out.at[i];
			if (at == UINT32_MAX)
				at = sg_aff_var(f, var++);
			for (int64_t i = 0; side && i < w[0]; i++)
				if (w[3 + i] == l[k])
					at = part[0].at[i];
			part[side].at[k] = at;
		}
	}
	product.arg[0] = sg_evaluate(a, n->args[0], &part[0]);
	product.arg[1] = sg_evaluate(a, n->args[1], &part[1]);
	sg_val_at(a, product.arg[0])->uses++;
	sg_val_at(a, product.arg[1])->uses++;
	use_val(a, root, 0, sg_add_val(a, product), 1);
	root->at = sg_linear_from(f, &out, n->shape, 0);
}

static void
fold(sg_asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const sg_node *n = sg_fn_node(f, root->ref);
	const sg_shape *s = f->g->node[root->from].shape;
	const bool arg = n->op == SG_ARGMAX || n->op == SG_ARGMIN;
	const uint64_t mask = arg ? (uint64_t)1 << n->attr->w[0]
	                      : n->op == SG_CUMSUM || n->op == SG_LINREC ? 0
	                                                                 : (uint64_t)n->attr->w[0];
	const sg_spot ix = own_index(f, root, root->from);
	sg_spot out = {.n = n->shape->rank};

	if (root->row) {
		sg_fold_rows(a, root, mask);
		return;
	}
	use_val(a, root, 0, sg_evaluate(a, root->from, &ix), arg ? 4 : 1);
	if (n->op == SG_LINREC)
		use_val(a, root, 1, sg_evaluate(a, n->args[0], &ix), 1);
	for (uint32_t k = 0, j = 0; k < s->rank; k++)
		if (!(mask >> k & 1))
			out.at[j++] = ix.at[k];
		else if (arg)
			root->pos = ix.at[k];
	root->at = sg_linear_from(f, &out, n->shape, 0);
}

static void
demand_root(sg_asker *a, sg_root *root)
{
	sg_fn *f = a->f;
	const uint16_t op = sg_fn_node(f, root->ref)->op;

	if (root->kind == SG_R_PIECE) {
		piece(a, root);
	} else if (root->kind == SG_R_FOLD && op == SG_CONTRACT) {
		contract(a, root);
	} else if (root->kind == SG_R_FOLD && op == SG_SCATTER) {
		scatter(a, root);
	} else if (root->kind == SG_R_FOLD && op == SG_UNWINDOW &&
	           sg_windows_overlap(f, root->ref)) {
		sum_of_windows(a, root);
	} else if (root->kind == SG_R_FOLD && op == SG_UNWINDOW) {
		unwindow(a, root);
	} else if (root->kind == SG_R_FOLD && op == SG_WRITER) {
		writer(a, root);
	} else if (root->kind == SG_R_FOLD) {
		fold(a, root);
	} else {
		const sg_spot ix = own_index(f, root, root->from);

		use_val(a, root, 0, sg_evaluate(a, root->from, &ix),
		        root->kind == SG_R_TEXT ? 2 : 1);
		root->at = sg_linear_from(f, &ix, f->g->node[root->from].shape, 0);
	}
}

/* What a call reads: its operands' arrays. */
static void
demand_call(sg_fn *f, uint32_t step)
{
	const sg_node *n = sg_fn_node(f, f->step[step].ref);

	for (uint32_t k = sg_by_factors(n->op); k < n->nargs; k++) {
		sg_strided s;
		bool ok = sg_strided_of(f, n->args[k], &s);

		sg_need(f->ctx, ok, "an operand in memory for each call");
		sg_step_reads(f, step, s.root);
	}
}

/* The lists that a step's values and questions gather in are the last step's, which has no need of
 * them. */
static sg_asker
open_lists(sg_fn *f, uint32_t step)
{
	sg_asker a = {.f = f, .step = step, .todo = f->todo, .cap = f->todo_cap};
	sg_step *s = &f->step[step];

	f->todo = NULL;
	f->todo_cap = 0;
	if (!s->val) {
		s->val = f->vals;
		s->val_cap = f->vals_cap;
		f->vals = NULL;
		f->vals_cap = 0;
	}
	return a;
}

static void
close_lists(sg_asker *a)
{
	sg_fn *f = a->f;
	sg_step *s = &f->step[a->step];

	f->todo = a->todo;
	f->todo_cap = a->cap;
	f->vals = s->val;
	f->vals_cap = s->val_cap;
	s->val = s->nvals ? sg_copy(f->ctx, s->val, s->nvals * sizeof *s->val) : NULL;
	s->val_cap = s->nvals;
}

void
sg_demand_step(sg_fn *f, uint32_t step)
{
	sg_asker a;

	if (f->step[step].kind == SG_S_CALL)
		demand_call(f, step);
	if (f->step[step].kind == SG_S_LOOP)
		sg_loop_demand(f, step);
	if (f->step[step].kind != SG_S_NEST && f->step[step].kind != SG_S_LOOP &&
	    f->step[step].kind != SG_S_TEST)
		return;
	a = open_lists(f, step);
	for (size_t i = 0; i < f->step[step].nroots; i++) {
		sg_root root = f->step[step].root[i];

		demand_root(&a, &root);
		f->step[step].root[i] = root;
	}
	close_lists(&a);
}
