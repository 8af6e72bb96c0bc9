/* classify.c - what each node of a function is to the schedule, and which values get a buffer.
 *
 * An elementwise value is kept in memory where someone needs it there (an output, the operand of a
 * kernel, the source of a gather), or where readers that use other indices than its own would
 * evaluate it too often. All other elementwise values are evaluated in the loop of their reader.
 * Further values are kept by the schedule, where several loops read them. */
#include "back/branch.h"

enum {
	CHEAP = 3, /* operations not worth a load */
	MODERATE = 8,
	MAX_COST = 1 << 20,
	FUSE_WEIGHT = 5, /* operations of a scalar expression that is written into its reader */
	LEAST_ROW = 16,  /* numbers of a row whose extreme a kernel finds; shorter ones are loops */
	LEAST_ROWS = 4,
	MOST_STORED = 64, /* numbers of a row that is put in memory for it */
};

/* ---- carries that grow ---- */

/* Is output o a carry plus a matrix product, and nothing else reads any of them? The product adds
 * to the carry where that lies. This is the gradient of what all steps multiply with. */
static bool
grows(const sg_fn *f, const sg_fn_out *o, const bool *is_out)
{
	const sg_node *sum = sg_fn_node(f, o->ref);

	if (!o->carry || o->kind != SG_O_POINTER || sum->op != SG_ADD || f->at[o->ref].uses > 0)
		return false;
	const sg_ref r = sum->args[sum->args[0] == o->carry];

	return (sum->args[0] == o->carry || sum->args[1] == o->carry) &&
	       f->at[o->carry].uses == 1 && f->at[r].uses == 1 && !is_out[r] &&
	       sg_fn_node(f, r)->op == SG_CONTRACT && f->at[r].kind == SG_P_CALL;
}

static void
find_growing(sg_fn *f, bool *is_out)
{
	for (size_t i = 0; i < f->nout; i++) {
		sg_fn_out *o = &f->out[i];
		const sg_node *sum = sg_fn_node(f, o->ref);

		if (!grows(f, o, is_out))
			continue;
		f->at[o->ref].kind = SG_P_DEAD;
		f->at[o->carry].uses = 0;
		is_out[o->ref] = false;
		o->ref = sum->args[sum->args[0] == o->carry];
		o->adds = is_out[o->ref] = true;
	}
}

/* ---- pads and windows ---- */

/* A PAD that leaves gaps is written, not read through. */
static bool
has_gaps(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const uint32_t rank = n->shape->rank;

	for (uint32_t k = 0; k < rank; k++) {
		const sg_ext step = (sg_ext)n->attr->w[rank + k];

		if (!sg_is_1(f, step) && !sg_ext_is(f->sp, step, -1))
			return true;
	}
	return false;
}

bool
sg_windows_overlap(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_windowing w = sg_windowing_of(f->sp, n);
	const sg_shape *s = sg_fn_node(f, n->args[0])->shape;
	const sg_ext size = s->ext[w.at], count = s->ext[w.axis + 1];
	int64_t stride, dilation, k;

	if (sg_is_1(f, size) || sg_is_1(f, count) || (sg_is_1(f, w.dilation) && w.stride == size))
		return false;
	if (f->m->o->jit && sg_ext_const(f->sp, w.stride, &stride) && stride > 1)
		return false; /* which reads it is told by a remainder, and libtcc takes each one */
	return !(sg_ext_const(f->sp, w.stride, &stride) && sg_ext_const(f->sp, size, &k) &&
	         sg_ext_const(f->sp, w.dilation, &dilation) && stride > dilation * (k - 1));
}

sg_ext
sg_windows_meet(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_windowing w = sg_windowing_of(f->sp, n);
	const sg_ext size = sg_fn_node(f, n->args[0])->shape->ext[w.at], one = sg_ext_int(f->sp, 1);

	if (!sg_is_1(f, w.dilation) || sg_is_1(f, w.stride))
		return size;
	return sg_ext_div(f->sp, sg_ext_add(f->sp, size, sg_ext_sub(f->sp, w.stride, one)),
	                  w.stride);
}

/* ---- kinds ---- */

/* What r has the numbers of, one after the other. */
static sg_ref
behind_views(const sg_fn *f, sg_ref r)
{
	while (f->at[r].kind == SG_P_VIEW &&
	       (sg_fn_node(f, r)->op == SG_RESHAPE || sg_fn_node(f, r)->op == SG_BIND ||
	        sg_fn_node(f, r)->op == SG_STOP))
		r = sg_arg(f->g, r, 0);
	return r;
}

static bool
is_in_memory(const sg_fn *f, sg_ref r)
{
	const uint16_t op = sg_fn_node(f, r)->op;

	return op == SG_INPUT || op == SG_DATA || f->at[r].kind == SG_P_CALL ||
	       f->at[r].kind == SG_P_PICK;
}

/* Does r lie in memory, row after row, or is it a short way from there? What loops make stays in
 * loops, which may go by columns (columns.c). */
static bool
has_rows(sg_fn *f, sg_ref r)
{
	const sg_shape *s = sg_fn_node(f, r)->shape;
	const sg_node *n;
	int64_t row;

	r = behind_views(f, r);
	if (f->at[r].kind != SG_P_CALC)
		return is_in_memory(f, r);
	if (!sg_ext_const(f->sp, s->ext[s->rank - 1], &row) || row > MOST_STORED)
		return false;
	n = sg_fn_node(f, r);
	for (uint32_t k = 0; k < n->nargs; k++) {
		sg_ref x = n->args[k];

		while (f->at[x].kind == SG_P_VIEW)
			x = sg_arg(f->g, x, 0);
		if (!is_in_memory(f, x) && f->at[x].kind != SG_P_LEAF)
			return false;
	}
	return true;
}

/* The extreme of each of many rows, or its place, where C compilers make no fast loop of it: a
 * kernel's. libtcc's tiles find extremes as fast in rows of a known length. */
static bool
is_extreme_of_rows(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const bool place = n->op == SG_ARGMAX || n->op == SG_ARGMIN;
	const sg_node *x;
	int64_t v, last;

	if (!place && n->op != SG_AMAX && n->op != SG_AMIN)
		return false;
	x = sg_fn_node(f, n->args[0]);
	last = (int64_t)x->shape->rank - 1;
	if (f->m->o->jit && !place && last >= 0 && sg_ext_const(f->sp, x->shape->ext[last], &v))
		return false;
	if (last < 1 || !sg_type_is_float((sg_type)x->type) ||
	    n->attr->w[0] != (place ? last : INT64_C(1) << last) ||
	    (sg_ext_const(f->sp, x->shape->ext[last], &v) && v < LEAST_ROW))
		return false;
	if (sg_ext_const(f->sp, sg_fn_ext_mul(f, x->shape->ext, (uint32_t)last), &v) &&
	    v < LEAST_ROWS)
		return false;
	return has_rows(f, n->args[0]);
}

static sg_place_kind
kind_of(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);

	if (sg_is_ew(n->op))
		return sg_is_branch(f, r) ? SG_P_JOIN : SG_P_CALC;
	switch ((int)n->op) {
	case SG_INPUT:
	case SG_CONST:
	case SG_DATA:
	case SG_DIM:
	case SG_IOTA:
		return SG_P_LEAF;
	case SG_CAST:
	case SG_GATHER:
	case SG_RAND:
	case SG_RANDN:
		return SG_P_CALC;
	case SG_BIND:
	case SG_STOP:
	case SG_RESHAPE:
	case SG_TRANSPOSE:
	case SG_BROADCAST:
	case SG_SLICE:
	case SG_WINDOW:
		return SG_P_VIEW;
	case SG_PAD:
		return has_gaps(f, r) ? SG_P_JOIN : SG_P_VIEW;
	case SG_CONCAT:
		return SG_P_JOIN;
	case SG_SOFTMAX:
	case SG_LOG_SOFTMAX:
	case SG_LOGSUMEXP:
	case SG_NORM:
	case SG_LU:
	case SG_LUSOLVE:
	case SG_DET:
	case SG_LOGDET:
	case SG_CHOLESKY:
	case SG_CHOLBACK:
	case SG_TRISOLVE:
		return SG_P_CALL;
	case SG_CONTRACT:
		return sg_contract_is_loops(f, r) ? SG_P_FOLD : SG_P_CALL;
	case SG_SCAN:
	case SG_WHILE:
		return SG_P_LOOP;
	case SG_PICK:
		return SG_P_PICK;
	case SG_NOP:
		return SG_P_ROOM;
	case SG_SEED:
	case SG_CUSTOM:
	case SG_DERIV:
	case SG_MAP:
		sg_raise(f->ctx, SG_FAULT_DEFECT,
		         "emission of a graph that still holds derivatives");
	default:
		return sg_is_short_sum(f, r)      ? SG_P_CALC
		       : is_extreme_of_rows(f, r) ? SG_P_CALL
		                                  : SG_P_FOLD;
	}
}

bool
sg_has_one_element(const sg_fn *f, sg_ref r)
{
	const sg_shape *s = f->g->node[r].shape;

	for (uint32_t k = 0; k < s->rank; k++)
		if (!sg_is_1(f, s->ext[k]))
			return false;
	return true;
}

/* A result that the C text keeps in a variable. */
static bool
may_be_unit(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);

	switch (f->at[r].kind) {
	case SG_P_CALC:
		break;
	case SG_P_FOLD:
		if (sg_adds_up(f, r) || n->op == SG_CUMSUM || n->op == SG_LINREC)
			return false;
		break;
	case SG_P_CALL:
		if (n->op != SG_LOGSUMEXP && n->op != SG_NORM && n->op != SG_DET &&
		    n->op != SG_LOGDET)
			return false;
		break;
	case SG_P_LEAF:
		return n->op == SG_INPUT && f->is_variable && f->is_variable[n->attr->w[0]];
	case SG_P_PICK:
		return sg_loop_has_variable(f, r);
	default:
		return false;
	}
	return sg_has_one_element(f, r);
}

/* ---- who reads what ---- */

/* Operands that are wanted in memory; a view that cannot be given with strides is copied. */
void
sg_want_full(sg_fn *f, sg_ref r, bool contiguous)
{
	sg_strided s;
	sg_ref root = r;

	while (f->at[root].kind == SG_P_VIEW && !f->at[root].stored)
		root = sg_arg(f->g, root, 0);
	if (root != r && f->at[root].unit)
		f->at[r].stored = true; /* a variable has no strides */
	else if (sg_strided_of(f, r, &s) &&
	         (!contiguous || sg_strided_is_contiguous(f, &s, f->g->node[r].shape)))
		f->at[s.root].full = true;
	else if (f->at[r].kind == SG_P_VIEW || f->at[r].kind == SG_P_LEAF)
		f->at[r].stored = true;
	else
		f->at[r].full = true;
}

/* Operands of which single elements are read, at indices that may be evaluated out of range: it
 * must be an array, or the same everywhere. */
static void
want_elements(sg_fn *f, sg_ref r)
{
	sg_ref root = r;
	uint16_t op;

	while (f->at[root].kind == SG_P_VIEW && !f->at[root].stored &&
	       f->g->node[root].op != SG_PAD)
		root = sg_arg(f->g, root, 0);
	op = f->g->node[root].op;
	if (op != SG_CONST && op != SG_DIM && !f->at[root].unit)
		sg_want_full(f, r, false);
}

/* Does a matrix product read r through windows? Copied they give it long rows and sums. */
static bool
sees_windows(const sg_fn *f, sg_ref r)
{
	for (; f->at[r].kind == SG_P_VIEW && !f->at[r].stored; r = sg_arg(f->g, r, 0))
		if (sg_fn_node(f, r)->op == SG_WINDOW)
			return true;
	return false;
}

/* An element of what stands under the guard of a side alone: it is computed there, where the arrays
 * that an index of it is read from are written. */
static void
keep_side(sg_fn *f, sg_ref r, sg_ref side)
{
	sg_ref root = side;

	while (f->at[root].kind == SG_P_VIEW && !f->at[root].stored)
		root = sg_arg(f->g, root, 0);
	if (root != side && f->at[root].kind == SG_P_CALC && !f->at[root].unit &&
	    !sg_guard_within(f->guards, sg_guard_of(f, r), sg_guard_of(f, root)))
		f->at[side].stored = true;
}

static void
note_reads(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	sg_place *p = &f->at[r];
	const bool own = p->kind == SG_P_CALC || p->kind == SG_P_FOLD;

	if (p->kind == SG_P_LOOP) {
		sg_loop_note_reads(f, r);
		return;
	}
	if (p->kind == SG_P_JOIN) {
		const sg_join *j = sg_join_of(f, r);

		for (uint32_t k = 0; k < j->n; k++) {
			sg_ref x = j->piece[k];

			if (k >= j->n - j->npads)
				x = sg_arg(f->g, x, 0); /* the PAD itself is dissolved */
			f->at[x].uses++;
			f->at[x].inner |= !sg_has_one_element(f, x);
		}
		return;
	}
	for (uint32_t k = sg_by_factors(n->op); k < sg_nreads(f, r); k++) {
		sg_place *x = &f->at[n->args[k]];
		const bool ring = sg_is_ring(f, r);
		const bool plain = own && n->op != SG_CONTRACT && !(n->op == SG_GATHER) &&
		                   n->op != SG_UNWINDOW && !(n->op == SG_SCATTER && k == 0) &&
		                   n->op != SG_RAND && n->op != SG_RANDN && !ring;

		if (p->kind == SG_P_VIEW && !p->stored &&
		    (sg_view_is_plain(f, r) || sg_is_row_view(f, r))) {
			x->uses += p->uses;
			x->mapped += p->mapped;
			x->turned |= p->turned;
			x->spread |= p->spread;
			x->often |= p->often;
			x->inner |= p->inner;
		} else if (p->kind == SG_P_VIEW) {
			x->mapped += p->stored ? 1 : p->uses + p->mapped;
			x->turned |= p->turned;
			x->spread |= p->spread || n->op == SG_BROADCAST || n->op == SG_WINDOW;
			x->often |= p->often;
			x->inner |= p->inner || p->stored;
		} else if (plain) {
			x->uses++;
			x->inner |= !p->unit || p->kind != SG_P_CALC;
		} else {
			x->mapped++;
			x->turned |= ring;
			x->spread |= n->op == SG_CONTRACT || (n->op == SG_GATHER && !p->unit);
			x->often |= p->kind == SG_P_FOLD && sg_contract_reads_often(f, r, k);
			x->inner |= !p->unit || p->kind != SG_P_CALC;
		}
		if (p->kind == SG_P_CALL && n->op == SG_CONTRACT && sees_windows(f, n->args[k]))
			x->stored = true;
		else if (p->kind == SG_P_CALL)
			sg_want_full(f, n->args[k], n->op != SG_CONTRACT);
		if (sg_guards_operands(f, r)) {
			x->inner |= sg_guard_of(f, n->args[k]) != sg_guard_of(f, r);
			keep_side(f, r, n->args[k]);
		}
		if ((n->op == SG_GATHER && k == 0) || n->op == SG_UNWINDOW)
			want_elements(f, n->args[k]);
		if (n->op == SG_PAD)
			want_elements(f, sg_read_in_place_of(f, n->args[k]));
	}
}

/* ---- outputs ---- */

/* The value whose array can be output r itself: past reshapes, which move nothing. */
static sg_ref
behind_reshapes(const sg_fn *f, sg_ref r)
{
	while (f->at[r].kind == SG_P_VIEW) {
		uint16_t op = sg_fn_node(f, r)->op;

		if (op != SG_RESHAPE && op != SG_BIND && op != SG_STOP)
			break;
		r = sg_arg(f->g, r, 0);
	}
	return r;
}

static void
place_outputs(sg_fn *f)
{
	for (size_t i = 0; i < f->nout; i++) {
		sg_ref r = behind_reshapes(f, f->out[i].ref);
		sg_place *p = &f->at[r];

		if (p->kind == SG_P_LEAF || p->out || (f->out[i].kind != SG_O_POINTER && !p->unit))
			continue;
		p->out = (uint32_t)i + 1;
		f->out[i].taken = true;
		if (!p->unit)
			p->stored = true;
	}
	for (size_t i = 0; i < f->nout; i++)
		if (!f->out[i].taken) {
			f->at[f->out[i].ref].uses++;
			f->at[f->out[i].ref].inner = true;
		}
}

/* ---- costs, and what is kept ---- */

static uint32_t
own_cost(const sg_node *n)
{
	if (sg_is_ew(n->op))
		return (uint32_t)sg_ops[n->op].cost;
	switch (n->op) {
	case SG_CAST:
	case SG_CONCAT:
		return 1;
	case SG_GATHER:
		return 5;
	case SG_RAND:
		return 60;
	case SG_RANDN:
		return 100;
	default:
		return 0;
	}
}

/* Its own comparisons are at the innermost index: C compilers make no SIMD where windows are read
 * through them. */
static bool
is_pad_along_memory(const sg_fn *f, sg_ref r)
{
	if (f->m->o->jit || sg_fn_node(f, r)->op != SG_PAD)
		return false;
	do {
		if (sg_fn_node(f, r)->op == SG_TRANSPOSE)
			return false;
		r = sg_arg(f->g, r, 0);
	} while (f->at[r].kind == SG_P_VIEW);
	return true;
}

static uint32_t
cost_of(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_place *p = &f->at[r];
	uint32_t c = own_cost(n) + is_pad_along_memory(f, r);

	if (p->stored || (p->kind != SG_P_CALC && p->kind != SG_P_VIEW))
		return 0;
	if (p->unit && !p->fused)
		return 0;
	for (uint32_t k = 0; k < sg_nreads(f, r); k++) {
		c += f->at[n->args[k]].cost;
		if (c > MAX_COST)
			c = MAX_COST;
	}
	if (p->kind == SG_P_CALC && n->op == SG_SUM)
		c = (c + 1) * sg_row_turns(f, n->args[0], f->at[n->args[0]].row, 0);
	return c;
}

/* Do steps of tiles make it anew for each turn, of which each reads and writes as much as a copy?
 */
static bool
is_by_steps(const sg_fn *f, const sg_place *p)
{
	return f->m->o->jit && p->turned;
}

static void
keep(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	sg_place *p = &f->at[r];
	uint32_t weight = 1;

	if (p->kind == SG_P_CALC && p->unit && !p->full && !p->out) {
		for (uint32_t k = 0; k < n->nargs; k++)
			weight += f->at[n->args[k]].fused ? f->at[n->args[k]].cost : 0;
		p->cost = weight;
		p->fused =
		    p->uses + p->mapped == 1 && !p->inner && !f->angle[r] && weight <= FUSE_WEIGHT;
		if (p->fused)
			return;
	}
	p->cost = cost_of(f, r);
	if (p->kind == SG_P_FOLD || p->kind == SG_P_CALL || p->kind == SG_P_JOIN || p->full)
		p->stored = p->kind == SG_P_LEAF ? p->stored : !p->unit;
	if (p->kind == SG_P_CALC && !p->unit && p->mapped)
		p->stored =
		    p->stored || (p->spread && p->cost >= (p->often ? 1 : CHEAP)) ||
		    (p->uses + p->mapped > 1 && p->cost >= (is_by_steps(f, p) ? 2 : MODERATE));
	if (p->stored || p->unit)
		p->cost = 0;
}

/* ---- rows of few numbers, in written C ---- */

/* Is something dear evaluated for rows of few numbers? gcc unrolls the loop along them, and makes
 * no SIMD of what it was. */
static bool
is_dear_in_rows(const sg_fn *f, sg_ref r)
{
	enum { LEAST = 3, MOST = 15, FEW_ROWS = 32 };
	const sg_node *n = sg_fn_node(f, r);
	const uint32_t rank = n->shape->rank;
	int64_t v;

	return f->at[r].kind == SG_P_CALC && !f->at[r].unit && rank >= 2 && sg_is_ew(n->op) &&
	       sg_type_is_float((sg_type)n->type) &&
	       (n->op == SG_CLAMP ||
	        sg_is_dear(n->op, n->nargs > 1 && sg_fn_node(f, n->args[1])->op == SG_CONST)) &&
	       sg_ext_const(f->sp, n->shape->ext[rank - 1], &v) && v >= LEAST && v <= MOST &&
	       !(sg_ext_const(f->sp, n->shape->ext[rank - 2], &v) && v < FEW_ROWS);
}

/* By node: does it need numbers that rows or columns have in common, so that no loop over all of
 * its elements evaluates it? */
static bool *
find_common(const sg_fn *f)
{
	bool *common = SG_NEW_ARRAY(f->ctx, bool, f->g->n);

	for (sg_ref r = 1; r < f->g->n; r++) {
		const sg_node *n = sg_fn_node(f, r);

		if (n->op == SG_BROADCAST)
			common[r] = sg_fn_node(f, n->args[0])->shape->rank > 0;
		for (uint32_t k = 0; (sg_is_ew(n->op) || n->op == SG_CAST) && k < n->nargs; k++)
			common[r] = common[r] || common[n->args[k]];
	}
	return common;
}

/* What a dear operation is of, and its result, are kept in memory where that lets it have a loop
 * over all elements of a tile. */
static void
keep_around_dear(sg_fn *f, const bool *live)
{
	bool *dear, *common, any = false;

	if (f->m->o->jit)
		return;
	dear = SG_NEW_ARRAY(f->ctx, bool, f->g->n);
	for (sg_ref r = 1; r < f->g->n; r++)
		any = (dear[r] = live[r] && is_dear_in_rows(f, r)) || any;
	if (!any)
		return;
	common = find_common(f);
	for (sg_ref r = 1; r < f->g->n; r++) /* a sum along rows goes by strips of them */
		for (uint32_t k = 0; live[r] && k < sg_fn_nargs(f, r); k++)
			if (f->at[r].kind == SG_P_FOLD)
				dear[sg_fn_arg(f, r, k)] = false;
	for (sg_ref r = 1; r < f->g->n; r++)
		for (uint32_t k = 0; live[r] && k < sg_fn_nargs(f, r); k++) {
			const sg_ref x = sg_fn_arg(f, r, k);

			if (dear[r] && common[x] && f->at[x].kind == SG_P_CALC)
				f->at[x].full = f->at[x].before = true;
			if (dear[x] && f->at[r].kind == SG_P_CALC && common[r])
				f->at[x].full = f->at[x].before = true;
		}
}

/* A variable becomes an array of one element. */
static void
make_array(sg_fn *f, sg_ref r)
{
	sg_place *p = &f->at[r];

	p->unit = false;
	p->stored = true;
	if (p->out && f->out[p->out - 1].kind != SG_O_POINTER) {
		f->out[p->out - 1].taken = false;
		p->out = 0;
		p->uses++;
		p->inner = true;
	}
}

/* Conditions of guards are read by tests. */
static void
note_tests(sg_fn *f)
{
	for (sg_ref r = 1; r < f->g->n; r++)
		if (sg_is_condition(f, r)) {
			f->at[r].uses++;
			f->at[r].inner = true;
		}
}

/* Sine, cosine and tangent of one number stand side by side: then compilers see, and do once, what
 * they have in common. */
static void
find_angles(sg_fn *f)
{
	sg_ref *of = SG_NEW_ARRAY(f->ctx, sg_ref, f->g->n);

	f->angle = SG_NEW_ARRAY(f->ctx, sg_ref, f->g->n);
	for (sg_ref r = 1; r < f->g->n; r++) {
		const sg_node *n = sg_fn_node(f, r);
		sg_ref first;

		if (!f->at[r].unit || (n->op != SG_SIN && n->op != SG_COS && n->op != SG_TAN))
			continue;
		first = of[n->args[0]];
		if (first)
			f->angle[r] = f->angle[first] = first;
		else
			of[n->args[0]] = r;
	}
}

static bool
is_read(const sg_place *p)
{
	return p->stored || p->uses + p->mapped > 0;
}

/* requires: no derivatives left.  ensures: kind, unit, stored, fused, out of every live node. */
void
sg_classify(sg_fn *f)
{
	const uint32_t n = f->g->n;
	bool *is_out = SG_NEW_ARRAY(f->ctx, bool, n), *live, joins = false;

	f->at = SG_NEW_ARRAY(f->ctx, sg_place, n);
	f->joins = sg_bytes_map_new(f->ctx);
	for (size_t i = 0; i < f->nout; i++)
		is_out[f->out[i].ref] = true;
	live = sg_fn_live(f);
	sg_find_rows(f, live);
	for (sg_ref r = 1; r < n; r++) {
		if (!live[r])
			continue;
		f->at[r].kind = (uint8_t)kind_of(f, r);
		joins |= f->at[r].kind == SG_P_JOIN;
		for (uint32_t k = 0; k < sg_fn_nargs(f, r); k++)
			f->at[sg_fn_arg(f, r, k)].uses++;
	}
	find_growing(f, is_out);
	if (joins)
		sg_find_rings(f, live, is_out);
	sg_find_sum_joins(f, is_out);
	for (sg_ref r = 1; r < n; r++)
		if (f->at[r].kind == SG_P_JOIN && !sg_join_of(f, r))
			sg_make_plain_join(f, r);
	sg_take_in_rows(f, is_out);
	for (sg_ref r = 1; r < n; r++) {
		f->at[r].uses = 0;
		f->at[r].unit = may_be_unit(f, r);
		f->at[r].stored =
		    f->at[r].kind == SG_P_ROOM || (f->at[r].kind == SG_P_PICK && !f->at[r].unit);
	}
	place_outputs(f);
	keep_around_dear(f, live);
	note_tests(f);
	sg_store_what_fails_unread(f);
	for (sg_ref r = n; r-- > 1;)
		if (f->at[r].kind != SG_P_DEAD) {
			if (f->at[r].full && f->at[r].unit && f->at[r].kind != SG_P_LEAF)
				make_array(f, r);
			if (f->g->node[r].op == SG_PAD && !is_read(&f->at[r]))
				f->at[r].kind = SG_P_DEAD; /* it went into a JOIN */
			else
				note_reads(f, r);
		}
	find_angles(f);
	for (sg_ref r = 1; r < n; r++)
		if (f->at[r].kind != SG_P_DEAD)
			keep(f, r);
}
