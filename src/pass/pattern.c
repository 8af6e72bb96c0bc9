/* pattern.c - which entries of a Jacobian can't be proved zero.
 *
 * One forward walk over the graph of y, derivatives inside of it taken first: each element of each
 * float has the sorted list of the columns (elements of the xs, flattened, one x after the other)
 * that it may depend on. Movement ops are evaluated on element numbers to learn where each element
 * comes from; ops without a rule here spread everything over everything, which is never wrong.
 * A user's rule may send an adjoint where the value does not come from (cast(u > 0, f64)): with one in
 * y, what is walked is y's tangent, and what it depends on are the tangents of the xs. So for
 * derivatives in y, where an x is no input. */
#include "pass/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "symgrad_runtime.h"

typedef struct columns {
	uint32_t n;
	uint32_t c[];
} columns;

enum { MOST_ENTRIES = 1 << 27 }; /* of all lists that are made */

static const char NOT_FIXED[] = "extents that are not fixed";

typedef struct walk {
	sg_ctx *ctx;
	sg_build b;          /* of the derived graph */
	const columns ***of; /* by node: one list an element; NULL: none anywhere */
	const char *why;     /* what can't be had */
	int64_t made;        /* entries of lists */
	/* A union of many lists in the making: its columns in any order, and by column the last union
	 * that had it; the first list, which is all as long as no other came. */
	const columns *first;
	bool several;
	uint32_t ncolumns, n, *c, number, *seen;
} walk;

static columns *
new_list(walk *w, uint32_t n)
{
	columns *u;

	w->made += n;
	if (w->made > MOST_ENTRIES) {
		w->why = "more than 2^27 places to look at";
		return NULL;
	}
	u = sg_alloc(w->ctx, sizeof *u + (size_t)n * sizeof *u->c);
	u->n = n;
	return u;
}

static const columns *
unite(walk *w, const columns *a, const columns *b)
{
	columns *u;
	uint32_t i = 0, j = 0, n = 0;

	if (!a || a == b)
		return b;
	if (!b)
		return a;
	u = new_list(w, a->n + b->n);
	if (!u)
		return a;
	while (i < a->n || j < b->n) {
		if (j == b->n || (i < a->n && a->c[i] < b->c[j]))
			u->c[n++] = a->c[i++];
		else if (i == a->n || b->c[j] < a->c[i])
			u->c[n++] = b->c[j++];
		else
			u->c[n++] = a->c[i++], j++;
	}
	u->n = n;
	return n == a->n ? a : n == b->n ? b : u;
}

/* ---- the union of many lists: open_union, add_list of each, close_union ---- */

static void
open_union(walk *w)
{
	w->first = NULL;
	w->several = false;
	w->n = 0;
	w->number++;
}

static void
add_columns(walk *w, const columns *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (w->seen[l->c[i]] != w->number) {
			w->seen[l->c[i]] = w->number;
			w->c[w->n++] = l->c[i];
		}
}

static void
add_list(walk *w, const columns *l)
{
	if (!l || l == w->first)
		return;
	if (!w->first) {
		w->first = l;
		return;
	}
	if (!w->several)
		add_columns(w, w->first);
	w->several = true;
	add_columns(w, l);
}

static int
by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static const columns *
close_union(walk *w)
{
	columns *u;
	uint32_t n = 0;

	if (!w->several || w->n == w->first->n)
		return w->first;
	u = new_list(w, w->n);
	if (!u)
		return w->first;
	memcpy(u->c, w->c, w->n * sizeof *u->c);
	if (w->n < w->ncolumns / 16) {
		qsort(u->c, w->n, sizeof *u->c, by_number);
		return u;
	}
	for (uint32_t c = 0; c < w->ncolumns; c++)
		if (w->seen[c] == w->number)
			u->c[n++] = c;
	return u;
}

static int64_t
count_of(const walk *w, sg_ref r)
{
	sg_tensor t;

	return sg_tensor_shape(w->b.g, r, NULL, &t) == SGRT_OK ? t.count : -1;
}

static const columns **
new_lists(walk *w, int64_t n)
{
	return SG_NEW_ARRAY(w->ctx, const columns *, n + 1);
}

/* All operands over all elements. */
static const columns **
spread(walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);
	const uint32_t nargs = sg_data_args(&n);
	const int64_t count = count_of(w, r);
	const columns **out = new_lists(w, count), *all;

	open_union(w);
	for (uint32_t k = 0; k < nargs; k++) {
		const int64_t size = w->of[n.args[k]] ? count_of(w, n.args[k]) : 0;

		for (int64_t i = 0; i < size; i++)
			add_list(w, w->of[n.args[k]][i]);
	}
	all = close_union(w);
	for (int64_t i = 0; i < count; i++)
		out[i] = all;
	return out;
}

/* ---- where elements come from ---- */

/* The op on element numbers, counted from 1 over all operands in turn; 0: from nowhere. */
static const int64_t *
sources(walk *w, sg_ref r, const sg_tensor *index)
{
	const sg_node n = sg_at(&w->b, r);
	sg_ref *arg = SG_NEW_ARRAY(w->ctx, sg_ref, n.nargs);
	sg_tensor *t = SG_NEW_ARRAY(w->ctx, sg_tensor, n.nargs), out;
	const sg_tensor **p = SG_NEW_ARRAY(w->ctx, const sg_tensor *, n.nargs);
	int64_t next = 1;

	for (uint32_t k = 0; k < n.nargs; k++) {
		p[k] = &t[k];
		if (index && k == 1) {
			arg[k] = n.args[k];
			t[k] = *index;
			continue;
		}
		arg[k] = sg_seed(&w->b, SG_I64, sg_shape_of(&w->b, n.args[k]), sg_space_fresh(w->b.sp));
		if (sg_tensor_shape(w->b.g, arg[k], NULL, &t[k]) != SGRT_OK)
			return NULL;
		int64_t *v = t[k].data = SG_NEW_ARRAY(w->ctx, int64_t, t[k].count + 1);
		for (int64_t i = 0; i < t[k].count; i++)
			v[i] = next++;
	}
	const sg_ref moved = sg_node_make(w->b.g, n.op, SG_I64, n.shape, n.nargs, arg, n.attr);
	if (sg_tensor_shape(w->b.g, moved, NULL, &out) != SGRT_OK)
		return NULL;
	out.data = SG_NEW_ARRAY(w->ctx, int64_t, out.count + 1);
	return sg_eval_node(w->ctx, w->b.g, moved, NULL, p, &out) == SGRT_OK ? out.data : NULL;
}

/* The lists of all elements of all operands but the index, one after the other, as sources counts
 * them. */
static const columns **
operand_lists(walk *w, const sg_node *n, bool has_index)
{
	const columns **all;
	int64_t total = 0, next = 0;

	for (uint32_t k = 0; k < n->nargs; k++)
		total += has_index && k == 1 ? 0 : count_of(w, n->args[k]);
	all = new_lists(w, total);
	for (uint32_t k = 0; k < n->nargs; k++) {
		const int64_t size = has_index && k == 1 ? 0 : count_of(w, n->args[k]);

		if (size > 0 && w->of[n->args[k]])
			memcpy(all + next, w->of[n->args[k]], (size_t)size * sizeof *all);
		next += size;
	}
	return all;
}

static const columns **
moved(walk *w, sg_ref r, const sg_tensor *index)
{
	const sg_node n = sg_at(&w->b, r);
	const int64_t count = count_of(w, r), *from = sources(w, r, index);
	const columns **out = new_lists(w, count), **all;

	if (!from)
		return spread(w, r);
	all = operand_lists(w, &n, index != NULL);
	for (int64_t i = 0; i < count; i++)
		if (from[i] > 0)
			out[i] = all[from[i] - 1];
	return out;
}

/* Element i of the operand goes to element to[i] of the result without the axes of the mask. */
static int64_t *
reduced_index(walk *w, const sg_tensor *t, uint64_t mask)
{
	int64_t *to = SG_NEW_ARRAY(w->ctx, int64_t, t->count + 1);

	for (int64_t i = 0; i < t->count; i++) {
		int64_t rest = i, stride = 1;

		for (uint32_t k = t->rank; k-- > 0;) {
			const int64_t at = rest % t->ext[k];

			rest /= t->ext[k];
			if (!(mask >> k & 1)) {
				to[i] += at * stride;
				stride *= t->ext[k];
			}
		}
	}
	return to;
}

/* sum[to[i]] gets in[i], for n of them; to[i] < nsums. */
static void
unite_groups(walk *w, int64_t n, const int64_t *to, const columns **in, int64_t nsums,
             const columns **sum)
{
	int64_t *begin = SG_NEW_ARRAY(w->ctx, int64_t, nsums + 2),
		*member = SG_NEW_ARRAY(w->ctx, int64_t, n + 1), *fill;

	for (int64_t i = 0; i < n; i++)
		begin[to[i] + 1]++;
	for (int64_t k = 0; k < nsums; k++)
		begin[k + 1] += begin[k];
	fill = sg_copy(w->ctx, begin, ((size_t)nsums + 1) * sizeof *fill);
	for (int64_t i = 0; i < n; i++)
		member[fill[to[i]]++] = i;
	for (int64_t k = 0; k < nsums; k++) {
		open_union(w);
		for (int64_t i = begin[k]; i < begin[k + 1]; i++)
			add_list(w, in[member[i]]);
		sum[k] = close_union(w);
	}
}

/* keep: each element gets what its whole row has (softmax); else the row goes (sum). */
static const columns **
reduced(walk *w, sg_ref r, uint64_t mask, bool keep)
{
	const sg_ref x = sg_at(&w->b, r).args[0];
	const columns **in = w->of[x], **sum, **out;
	sg_tensor t;

	if (sg_tensor_shape(w->b.g, x, NULL, &t) != SGRT_OK)
		return NULL;
	const int64_t *to = reduced_index(w, &t, mask);
	sum = new_lists(w, t.count);
	unite_groups(w, t.count, to, in, t.count, sum);
	if (!keep)
		return sum;
	out = new_lists(w, t.count);
	for (int64_t i = 0; i < t.count; i++)
		out[i] = sum[to[i]];
	return out;
}

static const columns **
running(walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);
	const columns **out;
	sg_tensor t;

	if (sg_tensor_shape(w->b.g, r, NULL, &t) != SGRT_OK)
		return NULL;
	const int64_t row = t.ext[t.rank - 1];
	out = new_lists(w, t.count);
	for (int64_t i = 0; i < t.count; i++) {
		out[i] = i % row ? out[i - 1] : NULL;
		for (uint32_t k = 0; k < n.nargs; k++)
			if (w->of[n.args[k]])
				out[i] = unite(w, out[i], w->of[n.args[k]][i]);
	}
	return out;
}

static const columns **
elementwise(walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);
	const int64_t count = count_of(w, r);
	const columns **out = new_lists(w, count);

	for (uint32_t k = n.op == SG_SELECT; k < n.nargs; k++)
		for (int64_t i = 0; w->of[n.args[k]] && i < count; i++)
			out[i] = unite(w, out[i], w->of[n.args[k]][i]);
	return out;
}

/* The labels of a contraction, those of the result in front. */
typedef struct labels {
	int64_t n, order[3 * SG_MAX_RANK], size[3 * SG_MAX_RANK];
	int64_t inner; /* how often an element of the result is added to */
} labels;

static labels
labels_of(const int64_t *l, const sg_tensor *t)
{
	const int64_t *lx = l + 3, *ly = lx + l[0], *lo = ly + l[1];
	bool taken[3 * SG_MAX_RANK] = {false};
	labels s = {.inner = 1};

	for (int64_t i = 0; i < l[0]; i++)
		s.size[lx[i]] = t[0].ext[i];
	for (int64_t i = 0; i < l[1]; i++)
		s.size[ly[i]] = t[1].ext[i];
	for (uint32_t i = 0; i < t[2].rank; i++) {
		taken[lo[i]] = true;
		s.order[s.n++] = lo[i];
	}
	for (int64_t i = 0; i < l[0] + l[1]; i++)
		if (!taken[lx[i]]) { /* ly goes on where lx ends */
			taken[lx[i]] = true;
			s.order[s.n++] = lx[i];
			s.inner *= s.size[lx[i]];
		}
	return s;
}

static const columns **
contracted(walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);
	const int64_t *l = n.attr->w, *const label[2] = {l + 3, l + 3 + l[0]};
	const int64_t count = count_of(w, r);
	const columns **out = new_lists(w, count);
	int64_t at[3 * SG_MAX_RANK] = {0};
	sg_tensor t[3];

	for (int k = 0; k < 3; k++)
		if (sg_tensor_shape(w->b.g, k < 2 ? n.args[k] : r, NULL, &t[k]) != SGRT_OK)
			return NULL;
	const labels s = labels_of(l, t);
	for (int64_t i = 0; i < count; i++) {
		open_union(w);
		for (int64_t j = 0; j < s.inner; j++) {
			int64_t rest = i * s.inner + j;

			for (int64_t k = s.n; k-- > 0; rest /= s.size[s.order[k]])
				at[s.order[k]] = rest % s.size[s.order[k]];
			for (int k = 0; k < 2; k++) {
				int64_t flat = 0;

				for (uint32_t m = 0; m < t[k].rank; m++)
					flat = flat * t[k].ext[m] + at[label[k][m]];
				if (w->of[n.args[k]])
					add_list(w, w->of[n.args[k]][flat]);
			}
		}
		out[i] = close_union(w);
	}
	return out;
}

/* The value of a node that depends on no input; false where it does. */
static bool
constant(walk *w, sg_ref root, sg_tensor *out)
{
	const bool *live = sg_graph_live(w->b.g, 1, &root);
	sg_tensor *value = SG_NEW_ARRAY(w->ctx, sg_tensor, (size_t)root + 1);

	for (sg_ref r = 1; r <= root; r++) {
		const sg_node n = sg_at(&w->b, r);
		const sg_tensor **arg = SG_NEW_ARRAY(w->ctx, const sg_tensor *, n.nargs + 1);

		if (!live[r])
			continue;
		if (n.op == SG_INPUT || n.op == SG_SEED || n.op == SG_SCAN || n.op == SG_WHILE)
			return false;
		for (uint32_t k = 0; k < n.nargs; k++)
			arg[k] = &value[n.args[k]];
		if (sg_tensor_shape(w->b.g, r, NULL, &value[r]) != SGRT_OK)
			return false;
		value[r].data = sg_alloc_array(w->ctx, (size_t)value[r].count + 1,
		                               sg_type_size(value[r].type));
		if (sg_eval_node(w->ctx, w->b.g, r, NULL, arg, &value[r]) != SGRT_OK)
			return false;
	}
	*out = value[root];
	return true;
}

static const columns **
gathered(walk *w, sg_ref r)
{
	sg_tensor idx;

	if (!constant(w, sg_at(&w->b, r).args[1], &idx)) {
		w->why = "an index that is not constant";
		return NULL;
	}
	return moved(w, r, &idx);
}

/* r is the adjoint of an op that moves elements: adds v up where that, with the attributes of r, would read
 * it. */
static const columns **
added(walk *w, sg_ref r, sg_op op, sg_ref v, uint32_t nargs, const sg_ref *args, const sg_tensor *index)
{
	const sg_node n = sg_at(&w->b, r);
	const sg_ref read = sg_node_make(w->b.g, (uint16_t)op, SG_I64, sg_shape_of(&w->b, v), nargs, args, n.attr);
	const int64_t count = count_of(w, v), *from = sources(w, read, index);
	const columns **sum = new_lists(w, count_of(w, r));
	int64_t *to = SG_NEW_ARRAY(w->ctx, int64_t, count + 1);

	if (!from)
		return spread(w, r);
	for (int64_t i = 0; i < count; i++)
		to[i] = from[i] - 1;
	unite_groups(w, count, to, w->of[v], count_of(w, r), sum);
	return sum;
}

static const columns **
scattered(walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);
	const sg_ref args[2] = {r, n.args[0]};
	sg_tensor idx;

	return constant(w, n.args[0], &idx) ? added(w, r, SG_GATHER, n.args[1], 2, args, &idx) : spread(w, r);
}

static uint64_t
last_axis(const walk *w, sg_ref x)
{
	return (uint64_t)1 << (sg_shape_of(&w->b, x)->rank - 1);
}

static bool
fixed(const walk *w, sg_ref r)
{
	int64_t n;

	return sg_ext_const(w->b.sp, sg_shape_size(w->b.sp, sg_shape_of(&w->b, r)), &n);
}

static bool
fixed_operands(const walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);
	const uint32_t nargs = sg_data_args(&n);

	for (uint32_t k = 0; k < nargs; k++)
		if (!fixed(w, n.args[k]))
			return false;
	return true;
}

static const columns **
lists_of(walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);

	if (!fixed(w, r)) {
		w->why = NOT_FIXED;
		return NULL;
	}
	if (!fixed_operands(w, r)) /* one that depends on no x */
		return spread(w, r);
	if (sg_is_ew(n.op))
		return elementwise(w, r);
	switch ((sg_op)n.op) {
	case SG_CAST:
	case SG_BIND: return w->of[n.args[0]];
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_BROADCAST:
	case SG_SLICE:
	case SG_PAD:
	case SG_WINDOW:
	case SG_CONCAT: return moved(w, r, NULL);
	case SG_GATHER: return gathered(w, r);
	case SG_SCATTER: return scattered(w, r);
	case SG_UNWINDOW: return added(w, r, SG_WINDOW, n.args[0], 1, &r, NULL);
	case SG_SUM:
	case SG_PROD:
	case SG_AMAX:
	case SG_AMIN: return reduced(w, r, (uint64_t)n.attr->w[0], false);
	case SG_LOGSUMEXP:
	case SG_NORM: return reduced(w, r, last_axis(w, n.args[0]), false);
	case SG_SOFTMAX:
	case SG_LOG_SOFTMAX: return reduced(w, r, last_axis(w, n.args[0]), true);
	case SG_CUMSUM:
	case SG_LINREC: return running(w, r);
	case SG_CONTRACT: return contracted(w, r);
	default: return spread(w, r);
	}
}

static void
run(walk *w, sg_ref y, const bool *live)
{
	for (sg_ref r = 1; r <= y && !w->why; r++) {
		const sg_node n = sg_at(&w->b, r);
		const uint32_t nargs = live[r] ? sg_data_args(&n) : 0;
		bool active = false;

		if (!live[r] || w->of[r])
			continue;
		for (uint32_t k = 0; k < nargs; k++)
			active = active || w->of[n.args[k]];
		if (active && (sg_type_is_float((sg_type)n.type)))
			w->of[r] = lists_of(w, r);
	}
}

/* ---- the whole ---- */

/* x[i], wherever it has gone in the derived graph: an input keeps its number, a placeholder its own. */
static sg_ref
find(const walk *w, const sg_graph *old, sg_ref x)
{
	const sg_node *want = sg_node_at(old, x);

	for (sg_ref r = 1; r < w->b.g->n; r++) {
		const sg_node *n = sg_node_at(w->b.g, r);

		if (n->op == want->op && n->attr == want->attr && n->shape == want->shape)
			return r;
	}
	return 0;
}

static bool
write_rows(walk *w, sg_ref y, sg_pattern *p)
{
	p->rows = count_of(w, y);
	p->rowptr = SG_NEW_ARRAY(w->ctx, int64_t, p->rows + 1);
	for (int64_t i = 0; i < p->rows; i++) {
		const columns *c = w->of[y] ? w->of[y][i] : NULL;

		p->rowptr[i + 1] = sg_add_size(w->ctx, p->rowptr[i], c ? c->n : 0);
	}
	p->col = SG_NEW_ARRAY(w->ctx, int64_t, p->rowptr[p->rows] + 1);
	for (int64_t i = 0, k = 0; i < p->rows; i++) {
		const columns *c = w->of[y] ? w->of[y][i] : NULL;

		for (uint32_t j = 0; c && j < c->n; j++)
			p->col[k++] = c->c[j];
	}
	return true;
}

static bool
has(sg_build *b, sg_ref y, sg_op op)
{
	const bool *live = sg_graph_live(b->g, 1, &y);

	for (sg_ref r = 1; r <= y; r++)
		if (live[r] && sg_at(b, r).op == op)
			return true;
	return false;
}

/* A derivative inside of y may go through a binding (y = vjp(x, z, x)) for which a placeholder would
 * stand too early. */
static bool
needs_tangent(sg_build *b, sg_ref y, size_t n, const sg_ref *x)
{
	bool all_inputs = true;

	for (size_t i = 0; i < n; i++)
		all_inputs = all_inputs && sg_at(b, x[i]).op == SG_INPUT;
	return has(b, y, SG_CUSTOM) || (!all_inputs && has(b, y, SG_DERIV));
}

/* y's tangent, where t[i] is that of x[i]. */
static sg_ref
tangent_of(sg_build *b, sg_ref y, size_t n, const sg_ref *x, sg_ref *t)
{
	sg_ref sum = 0;

	for (size_t i = 0; i < n; i++) {
		t[i] = sg_seed(b, sg_type_of(b, x[i]), sg_shape_of(b, x[i]), sg_space_fresh(b->sp));
		const sg_ref part = sg_deriv(b, SG_JVP, SG_MODE_AUTO, y, x[i], t[i]);

		sum = sum ? sg_ew2(b, SG_ADD, sum, part) : part;
	}
	return sum;
}

/* y over placeholders held[i] for bindings x[i], which dissolve in derive. */
static sg_ref
value_of(sg_build *b, sg_ref y, size_t n, const sg_ref *x, sg_ref *held)
{
	for (size_t i = 0; i < n; i++) {
		const sg_node at = sg_at(b, x[i]);

		for (size_t k = 0; k < i && !held[i]; k++)
			held[i] = x[k] == x[i] ? held[k] : 0;
		if (!held[i])
			held[i] = at.op == SG_INPUT
			              ? x[i]
			              : sg_seed(b, (sg_type)at.type, at.shape, sg_space_fresh(b->sp));
	}
	sg_substitute(b, 1, &y, n, x, held);
	return y;
}

const char *
sg_pattern_of(sg_build *b, sg_ref y, size_t n, const sg_ref *x, sg_pattern *p)
{
	walk w = {.ctx = b->ctx};
	sg_ref *held = SG_NEW_ARRAY(b->ctx, sg_ref, n + 1);
	sg_output out = {.name = "y"};
	sg_entry_ir entry = {.name = "pattern", .out = &out, .nout = 1};
	sg_program q = {.name = "pattern", .sp = b->sp, .g = b->g, .real = SG_F64, .entry = &entry, .nentries = 1};
	uint32_t column = 0;

	out.ref = needs_tangent(b, y, n, x) ? tangent_of(b, y, n, x, held) : value_of(b, y, n, x, held);
	sg_derive(b->ctx, &q);
	w.b = (sg_build){.ctx = b->ctx, .sp = b->sp, .g = q.g};
	w.of = SG_NEW_ARRAY(b->ctx, const columns **, (size_t)q.g->n + 1);
	const bool *live = sg_graph_live(q.g, 1, &out.ref);
	for (size_t i = 0; i < n; i++) {
		const sg_ref r = find(&w, b->g, held[i]);
		sg_tensor t;

		if (sg_tensor_shape(b->g, held[i], NULL, &t) != SGRT_OK)
			return NOT_FIXED;
		if (r && !w.of[r])
			w.of[r] = new_lists(&w, t.count);
		for (int64_t k = 0; k < t.count; k++, column++) {
			columns *c = sg_alloc(b->ctx, sizeof *c + sizeof *c->c);

			c->n = 1;
			c->c[0] = column;
			if (r) /* which may be an x twice */
				w.of[r][k] = unite(&w, w.of[r][k], c);
		}
	}
	p->cols = w.ncolumns = column;
	w.c = SG_NEW_ARRAY(b->ctx, uint32_t, column + 1);
	w.seen = SG_NEW_ARRAY(b->ctx, uint32_t, column + 1);
	const uint32_t last = out.ref;
	run(&w, last, live);
	if (w.why)
		return w.why;
	write_rows(&w, last, p);
	return NULL;
}
