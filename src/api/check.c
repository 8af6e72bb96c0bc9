/* check.c - the gradient check: a report of rows, worst first. */
#include "api/proof.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* By how much results in f32 may differ. */
static const double OF_F32 = 1e-4;

/* ---- rows ---- */

static bool
same(double a, double b)
{
	return (isnan(a) && isnan(b)) || (isinf(a) && isinf(b) && signbit(a) == signbit(b));
}

static double
scale_of(const sg_pair *p)
{
	double scale = p->floor;

	for (int64_t i = 0; i < p->count; i++) {
		if (isfinite(p->is[i]))
			scale = fmax(scale, fabs(p->is[i]));
		if (isfinite(p->expected[i]))
			scale = fmax(scale, fabs(p->expected[i]));
	}
	return scale;
}

static double
error_at(const sg_pair *p, int64_t i, double scale)
{
	double d = p->is[i] - p->expected[i];

	if (same(p->is[i], p->expected[i]) || d == 0)
		return 0;
	return isfinite(d) ? fabs(d) / scale : (double)INFINITY;
}

/* The largest error, and where it is; -1: there are no elements. */
static double
largest_error(const sg_pair *p, int64_t *worst)
{
	const double scale = scale_of(p);
	double error = 0;

	*worst = p->count ? 0 : -1;
	for (int64_t i = 0; i < p->count; i++) {
		double e = error_at(p, i, scale);

		if (e > error) {
			error = e;
			*worst = i;
		}
	}
	return error;
}

void
sg_check_compare(sg_check_run *r, const sg_pair *p)
{
	int64_t worst;
	sg_check_row row = {.entry = r->entry,
	                    .output = p->output,
	                    .against = p->against,
	                    .error = largest_error(p, &worst),
	                    .limit = p->limit,
	                    .at = -1};

	if (worst >= 0) {
		row.at = p->is_part ? -1 : p->index ? p->index[worst] : worst;
		row.is = p->is[worst];
		row.expected = p->expected[worst];
	}
	row.ok = row.error <= row.limit;
	SG_PUSH(r->ctx, r->row, r->nrows, r->cap, row);
}

/* ---- the back end against the evaluator ---- */

static const double *
as_doubles(sg_check_run *r, const sg_array *a)
{
	sg_tensor t = sg_tensor_of(a);
	double *v = SG_NEW_ARRAY(r->ctx, double, a->count);

	for (int64_t i = 0; i < a->count; i++)
		v[i] = sg_tensor_get(&t, i);
	return v;
}

/* Is an output made of numbers of f32? Then it has no more digits than those. */
static bool
stands_on_f32(const sg_check_run *r, sg_ref output)
{
	const sg_graph *g = r->call->m->program->g;
	bool *seen = SG_NEW_ARRAY(r->ctx, bool, output + 1), found = false;

	seen[output] = true;
	for (sg_ref k = output; k > 0 && !found; k--) {
		const sg_node *n = sg_node_at(g, k);

		found = seen[k] && n->type == SG_F32;
		for (uint32_t i = 0; seen[k] && i < n->nargs; i++)
			seen[n->args[i]] = true;
	}
	return found;
}

/* How far directed rounding moves what the evaluator finds, in units of the rows' scale. In f32 a
 * unit may be saturated, and two numbers so close that rounding tells which is larger: then a
 * derivative has fewer digits than f32, whoever computes it. So has a difference some times as
 * large as the evaluator's own; sums in another order round more often than it does. */
static void
allow_for_rounding(sg_check_run *r, sg_call *oracle, size_t n, sg_pair *p)
{
	static const int way[] = {FE_UPWARD, FE_DOWNWARD};
	const double slack = 16;
	const int before = fegetround();

	for (size_t k = 0; k < sizeof way / sizeof *way; k++) {
		int status;

		if (fesetround(way[k]) != 0)
			continue;
		status = sg_call_run(oracle);
		fesetround(before);
		if (status != SG_OK)
			continue;
		for (size_t i = 0; i < n; i++) {
			sg_pair moved = p[i];
			int64_t worst;
			double e;

			moved.is = as_doubles(r, &oracle->slot[oracle->e->pub.ninputs + i].array);
			e = largest_error(&moved, &worst);
			if (p[i].limit >= OF_F32 && isfinite(e))
				p[i].limit = fmax(p[i].limit, slack * e);
		}
	}
}

static void
compare_outputs(sg_check_run *r, sg_call *oracle)
{
	const sg_call *c = r->call;
	const size_t ninputs = c->e->pub.ninputs, n = c->nslots - ninputs;
	sg_pair *p = SG_NEW_ARRAY(r->ctx, sg_pair, n);
	bool doubtful = false;

	for (size_t i = 0; i < n; i++) {
		const sg_array *a = &c->slot[ninputs + i].array;
		const bool single = stands_on_f32(r, c->e->ir->out[i].ref);
		int64_t worst;

		p[i] = (sg_pair){.output = a->name,
		                 .against = "interp",
		                 .count = a->count,
		                 .is = as_doubles(r, a),
		                 .expected = as_doubles(r, &oracle->slot[ninputs + i].array),
		                 .limit = a->type != SG_DTYPE_F32 && a->type != SG_DTYPE_F64 ? 0
		                          : single ? OF_F32
		                                   : 1e-10};
		doubtful =
		    doubtful || (p[i].limit >= OF_F32 && largest_error(&p[i], &worst) > p[i].limit);
	}
	if (doubtful)
		allow_for_rounding(r, oracle, n, p);
	for (size_t i = 0; i < n; i++)
		sg_check_compare(r, &p[i]);
}

/* All inputs of the call, its defaults too, by the same arrays. */
static int
bind_like(sg_call *to, const sg_call *from)
{
	int status = to->status;

	for (size_t i = 0; status == SG_OK && i < from->e->pub.ninputs; i++) {
		const sg_array *a = &from->slot[i].array;

		status = sg_call_bind(to, a->name, a->type, a->rank, a->shape, a->data);
	}
	for (uint32_t d = 0; status == SG_OK && d < from->ndims; d++)
		to->given[d] = from->known[d] ? from->value[d] : -1;
	return status;
}

/* ---- the report ---- */

typedef struct check_task {
	sg_check_run run;
	const sg_call *from;
	sg_call *oracle;
	int status;
	sg_failure *why;
} check_task;

static int
of_call(check_task *t, sg_call *c, int status)
{
	return status == SG_OK ? SG_OK : sg_refuse(t->why, status, "%s", sg_call_message(c));
}

/* Operations: the evaluator takes some seconds for as many, which is as long as who checks waits.
 */
enum { MOST_TO_LOCATE = 1000000000 };

/* As of_call, with the place of a failure, which the evaluator knows. */
static int
of_run(check_task *t, sg_call *c)
{
	const int status = sg_call_run(c);

	if (status < 0)
		sg_call_locate(c, MOST_TO_LOCATE);
	return of_call(t, c, status);
}

static double
badness(const sg_check_row *r)
{
	return r->limit > 0 ? r->error / r->limit : r->error > 0 ? (double)INFINITY : 0;
}

static int
worst_first(const void *a, const void *b)
{
	double x = badness(a), y = badness(b);

	return (x < y) - (x > y);
}

static void
check(void *arg)
{
	check_task *t = arg;
	sg_check_run *r = &t->run;

	t->status = of_call(t, r->call, sg_check_data(r, t->from));
	if (t->status == SG_OK)
		t->status = of_run(t, r->call);
	if (t->status == SG_OK && t->oracle) {
		t->status = of_call(t, t->oracle, bind_like(t->oracle, r->call));
		if (t->status == SG_OK)
			t->status = of_run(t, t->oracle);
		if (t->status == SG_OK)
			compare_outputs(r, t->oracle);
	}
	if (t->status != SG_OK)
		return;
	sg_check_derivs(r);
	if (r->nrows)
		qsort(r->row, r->nrows, sizeof *r->row, worst_first);
}

static int
checked(check_task *t)
{
	sg_fault fault;

	if (t->run.call->status != SG_OK)
		return of_call(t, t->run.call, t->run.call->status);
	fault = sg_protect(t->run.ctx, check, t);
	if (fault != SG_FAULT_NONE)
		return sg_refuse(t->why, sg_status_of(fault), "%s", sg_fault_text(t->run.ctx));
	return t->status;
}

int
sg_check(sg_call *c, uint64_t seed, sg_report *report, sg_failure *why)
{
	check_task t = {.from = c, .why = why, .status = SG_ENOMEM};
	const int usable = sg_call_usable(c);
	sg_backend b;

	if (!report)
		return sg_refuse(why, SG_EVALUE, "expected a place for the report, got NULL");
	memset(report, 0, sizeof *report);
	if (usable != SG_OK)
		return sg_refuse(why, usable, "%s", sg_call_message(c));
	b = c->backend;
	t.run = (sg_check_run){.ctx = sg_ctx_new(),
	                       .call = sg_call_new(c->m, c->e->pub.name, b),
	                       .entry = c->e->pub.name,
	                       .random = seed};
	if (b != SG_BACKEND_INTERP)
		t.oracle = sg_call_new(c->m, c->e->pub.name, SG_BACKEND_INTERP);
	if (t.run.ctx && t.run.call && (t.oracle || b == SG_BACKEND_INTERP))
		t.status = checked(&t);
	else
		sg_refuse(why, SG_ENOMEM, "out of memory");
	sg_call_free(t.run.call);
	sg_call_free(t.oracle);
	if (t.status != SG_OK) {
		sg_ctx_free(t.run.ctx);
		return t.status;
	}
	*report =
	    (sg_report){.nrows = t.run.nrows, .rows = t.run.row, .ok = 1, .memory = t.run.ctx};
	for (size_t i = 0; i < report->nrows; i++)
		report->ok = report->ok && report->rows[i].ok;
	return sg_no_failure(why);
}

void
sg_report_free(sg_report *report)
{
	if (report)
		sg_ctx_free(report->memory);
	if (report)
		memset(report, 0, sizeof *report);
}
