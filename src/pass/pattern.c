/* pattern.c - which entries of a Jacobian can't be proved zero.
 *
 * One forward walk over the graph of y, derivatives inside of it taken first: each element of each
 * float has the sorted list of the columns (elements of the xs, flattened, one x after the other)
 * that it may depend on. Movement ops are evaluated on element numbers to learn where each element
 * comes from; ops without a rule here spread everything over everything, which is never wrong. */
#include "pass/sweep.h"

#include <string.h>

#include "symgrad_runtime.h"

typedef struct columns {
	uint32_t n;
	uint32_t c[];
} columns;

typedef struct walk {
	sg_ctx *ctx;
	sg_build b;          /* of the derived graph */
	const columns ***of; /* by node: one list an element; NULL: none anywhere */
	const char *why;     /* what can't be had */
} walk;

static const columns *
unite(walk *w, const columns *a, const columns *b)
{
	columns *u;
	uint32_t i = 0, j = 0, n = 0;

	if (!a || a == b)
		return b;
	if (!b)
		return a;
	u = sg_alloc(w->ctx, sizeof *u + ((size_t)a->n + b->n) * sizeof *u->c);
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

static const columns **
moved(walk *w, sg_ref r, const sg_tensor *index)
{
	const sg_node n = sg_at(&w->b, r);
	const int64_t count = count_of(w, r), *from = sources(w, r, index);
	const columns **out = new_lists(w, count);

	for (int64_t i = 0; from && i < count; i++) {
		int64_t at = from[i] - 1;

		for (uint32_t k = 0; k < n.nargs && at >= 0; k++) {
			const int64_t size = index && k == 1 ? 0 : count_of(w, n.args[k]);

			if (at < size) {
				out[i] = w->of[n.args[k]] ? w->of[n.args[k]][at] : NULL;
				break;
			}
			at -= size;
		}
	}
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
	for (int64_t i = 0; i < t.count; i++)
		sum[to[i]] = unite(w, sum[to[i]], in[i]);
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

/* All operands over all elements. */
static const columns **
spread(walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);
	const uint32_t nargs = sg_data_args(&n);
	const int64_t count = count_of(w, r);
	const columns **out = new_lists(w, count), *all = NULL;

	for (uint32_t k = 0; k < nargs; k++)
		for (int64_t i = 0; w->of[n.args[k]] && i < count_of(w, n.args[k]); i++)
			all = unite(w, all, w->of[n.args[k]][i]);
	for (int64_t i = 0; i < count; i++)
		out[i] = all;
	return out;
}

static const columns **
contracted(walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);
	const int64_t *l = n.attr->w, *lx = l + 3, *ly = lx + l[0], *lo = ly + l[1];
	int64_t size[3 * SG_MAX_RANK] = {0}, at[3 * SG_MAX_RANK] = {0}, labels = 0, total = 1;
	const columns **out = new_lists(w, count_of(w, r));
	sg_tensor t[3];

	for (int k = 0; k < 3; k++)
		if (sg_tensor_shape(w->b.g, k < 2 ? n.args[k] : r, NULL, &t[k]) != SGRT_OK)
			return NULL;
	for (int64_t i = 0; i < l[0]; i++)
		size[lx[i]] = t[0].ext[i], labels = lx[i] >= labels ? lx[i] + 1 : labels;
	for (int64_t i = 0; i < l[1]; i++)
		size[ly[i]] = t[1].ext[i], labels = ly[i] >= labels ? ly[i] + 1 : labels;
	for (int64_t k = 0; k < labels; k++)
		total *= size[k];
	for (int64_t i = 0; i < total; i++) {
		int64_t rest = i, flat[3] = {0, 0, 0};
		const int64_t *const label[3] = {lx, ly, lo};

		for (int64_t k = labels; k-- > 0; rest /= size[k])
			at[k] = rest % size[k];
		for (int k = 0; k < 3; k++)
			for (uint32_t j = 0; j < t[k].rank; j++)
				flat[k] = flat[k] * t[k].ext[j] + at[label[k][j]];
		for (int k = 0; k < 2; k++)
			if (w->of[n.args[k]])
				out[flat[2]] = unite(w, out[flat[2]], w->of[n.args[k]][flat[k]]);
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

static uint64_t
last_axis(const walk *w, sg_ref x)
{
	return (uint64_t)1 << (sg_shape_of(&w->b, x)->rank - 1);
}

static const columns **
lists_of(walk *w, sg_ref r)
{
	const sg_node n = sg_at(&w->b, r);

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

const char *
sg_pattern_of(sg_build *b, sg_ref y, size_t n, const sg_ref *x, sg_pattern *p)
{
	walk w = {.ctx = b->ctx};
	sg_ref *held = SG_NEW_ARRAY(b->ctx, sg_ref, n + 1), root = y;
	sg_output out = {.name = "y"};
	sg_entry_ir entry = {.name = "pattern", .out = &out, .nout = 1};
	sg_program q = {.name = "pattern", .sp = b->sp, .g = b->g, .real = SG_F64, .entry = &entry, .nentries = 1};
	uint32_t column = 0;

	/* Bindings dissolve in derive: placeholders stand for them. */
	for (size_t i = 0; i < n; i++) {
		const sg_node at = sg_at(b, x[i]);

		held[i] = at.op == SG_INPUT ? x[i]
		                            : sg_seed(b, (sg_type)at.type, at.shape, sg_space_fresh(b->sp));
	}
	sg_substitute(b, 1, &root, n, x, held);
	out.ref = root;
	sg_derive(b->ctx, &q);
	w.b = (sg_build){.ctx = b->ctx, .sp = b->sp, .g = q.g};
	w.of = SG_NEW_ARRAY(b->ctx, const columns **, (size_t)q.g->n + 1);
	const bool *live = sg_graph_live(q.g, 1, &out.ref);
	for (size_t i = 0; i < n; i++) {
		const sg_ref r = find(&w, b->g, held[i]);
		sg_tensor t;

		if (sg_tensor_shape(b->g, held[i], NULL, &t) != SGRT_OK)
			return "extents that are not fixed";
		if (r)
			w.of[r] = new_lists(&w, t.count);
		for (int64_t k = 0; k < t.count; k++, column++) {
			columns *c = sg_alloc(b->ctx, sizeof *c + sizeof *c->c);

			c->n = 1;
			c->c[0] = column;
			if (r)
				w.of[r][k] = c;
		}
	}
	p->cols = column;
	const uint32_t last = out.ref;
	run(&w, last, live);
	if (w.why)
		return w.why;
	write_rows(&w, last, p);
	return NULL;
}

/* Greedy: columns of one colour share no row (Curtis, Powell, Reid 1974). */
int64_t
sg_pattern_colours(sg_ctx *ctx, const sg_pattern *p, int64_t *colour)
{
	int64_t *rows_of = SG_NEW_ARRAY(ctx, int64_t, p->cols + 2), *row, *last, most = 0;
	const int64_t nnz = p->rowptr[p->rows];

	row = SG_NEW_ARRAY(ctx, int64_t, nnz + 1);
	for (int64_t k = 0; k < nnz; k++)
		rows_of[p->col[k] + 1]++;
	for (int64_t c = 0; c < p->cols; c++)
		rows_of[c + 1] += rows_of[c];
	int64_t *fill = sg_copy(ctx, rows_of, ((size_t)p->cols + 1) * sizeof *fill);
	for (int64_t i = 0; i < p->rows; i++)
		for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++)
			row[fill[p->col[k]]++] = i;
	last = SG_NEW_ARRAY(ctx, int64_t, p->cols + 1); /* by colour: the last column that found it taken */
	for (int64_t c = 0; c < p->cols; c++)
		colour[c] = -1;
	for (int64_t c = 0; c < p->cols; c++) {
		for (int64_t k = rows_of[c]; k < rows_of[c + 1]; k++)
			for (int64_t j = p->rowptr[row[k]]; j < p->rowptr[row[k] + 1]; j++)
				if (colour[p->col[j]] >= 0)
					last[colour[p->col[j]]] = c + 1;
		colour[c] = 0;
		while (last[colour[c]] == c + 1)
			colour[c]++;
		most = colour[c] + 1 > most ? colour[c] + 1 : most;
	}
	return most;
}
