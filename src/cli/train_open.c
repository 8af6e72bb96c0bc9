/* train_open.c - what training works on.
 *
 * Two calls: one of the reference evaluator gets all data, which tells every shape and computes the
 * defaults, of params too; the one that runs gets params of its own and, of inputs that are cut
 * into batches, rows. */
#include "cli/train.h"

#include <stdlib.h>
#include <string.h>

bool
train_fail(train *t, int status)
{
	t->status = cli_call_failed(t->args, status, t->call ? t->call : t->whole);
	return false;
}

static bool
bind_all_data(train *t)
{
	int status;

	t->whole = sg_call_new(t->model, "gradient", SG_BACKEND_INTERP);
	if (sg_call_status(t->whole) != SG_OK) {
		return train_fail(t, sg_call_status(t->whole));
	}
	t->entry = sg_call_entry(t->whole);
	t->status =
	    cli_bind(t->args, t->whole, t->operands.n, t->operands.assignment, true, &t->bound);
	if (t->status != CLI_DONE) {
		return false;
	}
	status = sg_call_prepare(t->whole);
	if (status != SG_OK) {
		t->status = cli_data_failed(t->args, status, sg_call_message(t->whole), t->whole,
		                            &t->bound);
	}
	return status == SG_OK;
}

/* ---- params ---- */

static bool
find_gradient(const sg_entry *e, const char *name, size_t *out)
{
	size_t i;

	for (i = e->ninputs + 1; i < e->ninputs + e->noutputs; i++) {
		const char *s = e->args[i].name;

		if (strncmp(s, "grad_", 5) == 0 && strcmp(s + 5, name) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static void
add_param(train *t, size_t in, size_t out)
{
	static const int states[OPTIMIZERS] = {0, 1, 2, 2, 0};
	const sg_array *a = sg_call_array(t->whole, in);
	param *p = &t->param[t->nparams++];
	const size_t size = sg_dtype_size(a->type);
	int k;

	*p = (param){.name = t->entry->args[in].name,
	             .in = in,
	             .out = out,
	             .type = a->type,
	             .rank = a->rank,
	             .count = (size_t)a->count};
	memcpy(p->shape, a->shape, sizeof p->shape);
	p->value = cli_alloc(p->count, size);
	if (p->count) {
		memcpy(p->value, a->data, p->count * size);
	}
	for (k = 0; k < states[t->optimizer]; k++) {
		p->state[k] = cli_alloc(p->count, size);
	}
}

static bool
find_params(train *t)
{
	const sg_entry *e = t->entry;
	size_t i, out;

	t->param = cli_alloc(e->ninputs, sizeof *t->param);
	for (i = 0; i < e->ninputs; i++) {
		if (e->args[i].role == SG_ROLE_PARAM && find_gradient(e, e->args[i].name, &out)) {
			add_param(t, i, out);
		}
	}
	if (t->nparams == 0) {
		t->status = cli_error(t->args, CLI_FAULT, "no param has an influence on '%s'",
		                      e->args[e->ninputs].name);
	}
	return t->nparams > 0;
}

/* ---- the call that runs ---- */

static param *
param_of(const train *t, size_t in)
{
	size_t i;

	for (i = 0; i < t->nparams; i++) {
		if (t->param[i].in == in) {
			return &t->param[i];
		}
	}
	return NULL;
}

static bool
is_cut(const train *t, size_t in)
{
	size_t i;

	for (i = 0; i < t->feed.n; i++) {
		if (t->feed.column[i].in == in) {
			return true;
		}
	}
	return false;
}

static bool
open_call(train *t)
{
	size_t i;
	int status = SG_OK;

	t->call = sg_call_new(t->model, "gradient", t->backend);
	status = sg_call_status(t->call);
	for (i = 0; status == SG_OK && i < t->entry->ndims; i++) {
		const char *dim = t->entry->dims[i];

		if (!t->feed.dim || strcmp(dim, t->feed.dim) != 0) {
			status = sg_call_set_dim(t->call, dim, sg_call_dims(t->whole)[i]);
		}
	}
	for (i = 0; status == SG_OK && i < t->entry->ninputs; i++) {
		const sg_array *a = sg_call_array(t->whole, i);
		const param *p = param_of(t, i);

		if (!is_cut(t, i)) {
			status = sg_call_bind_at(t->call, i, a->type, a->rank, a->shape,
			                         p ? p->value : a->data);
		}
	}
	return status == SG_OK || train_fail(t, status);
}

bool
train_open(train *t, sg_model *m)
{
	t->model = m;
	if (!bind_all_data(t) || !find_params(t) || !train_feed_open(t) || !open_call(t)) {
		return false;
	}
	if (t->save) {
		train_match_open(t);
	}
	return true;
}

void
train_close(train *t)
{
	size_t i;

	for (i = 0; i < t->nparams; i++) {
		free(t->param[i].value);
		free(t->param[i].state[0]);
		free(t->param[i].state[1]);
	}
	free(t->param);
	free(t->reached.epoch);
	train_feed_close(&t->feed);
	train_match_close(&t->match);
	sg_call_free(t->call);
	sg_call_free(t->whole);
	cli_free_bound(&t->bound);
}
