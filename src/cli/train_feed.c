/* train_feed.c - batches: which dimension counts the rows of the data, and the rows of a step.
 *
 * Rows go into batches in an order that follows from the seed and the number of the epoch alone, so
 * that training that goes on from a checkpoint takes the very batches that it would have taken. */
#include "cli/train.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool
is_data(const sg_argument *a)
{
	return a->role == SG_ROLE_INPUT && a->rank > 0;
}

/* Does the extent's text speak of the dimension? */
static bool
speaks_of(const char *extent, const char *dim)
{
	const size_t n = strlen(dim);
	const char *s = extent;

	while ((s = strstr(s, dim))) {
		const char before = s == extent ? ' ' : s[-1], after = s[n];
		const char both[2][2] = {{before, 0}, {after, 0}};

		if (!cli_is_name(both[0]) && !cli_is_name(both[1])) {
			return true;
		}
		s += n;
	}
	return false;
}

static bool
is_dim(const sg_entry *e, const char *name)
{
	size_t i;

	for (i = 0; i < e->ndims; i++) {
		if (strcmp(e->dims[i], name) == 0) {
			return true;
		}
	}
	return false;
}

/* --batch-dim, or the leading dimension of the first input that has one. */
static const char *
choose_dim(train *t)
{
	const sg_entry *e = t->entry;
	size_t i;

	for (i = 0; i < e->ninputs; i++) {
		const sg_argument *a = &e->args[i];

		if (is_data(a) && is_dim(e, a->extents[0]) &&
		    (!t->batch_dim || strcmp(a->extents[0], t->batch_dim) == 0)) {
			return a->extents[0];
		}
	}
	if (t->batch_dim) {
		t->status =
		    cli_error(t->args, CLI_FAULT,
		              "--batch-dim: '%s' is the leading dimension of no input of the loss",
		              t->batch_dim);
	} else {
		t->status =
		    cli_error(t->args, CLI_FAULT,
		              "--batch: no input of the loss has a leading dimension to cut, as "
		              "'input x[N, 10]' has N");
	}
	return NULL;
}

/* What can't be cut: the dimension behind the first axis, or within an expression. */
static bool
can_cut(train *t, const char *dim)
{
	size_t i;
	int k;

	for (i = 0; i < t->entry->ninputs; i++) {
		const sg_argument *a = &t->entry->args[i];

		for (k = 0; k < a->rank; k++) {
			if (speaks_of(a->extents[k], dim) &&
			    (k > 0 || !is_data(a) || strcmp(a->extents[0], dim) != 0)) {
				t->status =
				    cli_error(t->args, CLI_FAULT,
				              "--batch can't cut the rows '%s': %s '%s' is %s", dim,
				              a->role == SG_ROLE_PARAM ? "param" : "input", a->name,
				              a->shape);
				return false;
			}
		}
	}
	return true;
}

static void
add_column(train *t, size_t in)
{
	feed *f = &t->feed;
	const sg_array *all = sg_call_array(t->whole, in);
	column *c = &f->column[f->n++];

	*c = (column){.in = in, .all = all};
	f->rows = all->shape[0];
	c->row = f->rows ? (size_t)(all->count / f->rows) * sg_dtype_size(all->type) : 0;
	c->some = cli_alloc((size_t)f->batch, c->row);
}

bool
train_feed_open(train *t)
{
	feed *f = &t->feed;
	size_t i, n = t->entry->ninputs;
	int64_t k;

	if (!t->batch) {
		return true;
	}
	f->dim = choose_dim(t);
	if (!f->dim || !can_cut(t, f->dim)) {
		return false;
	}
	f->batch = t->batch;
	f->column = cli_alloc(n, sizeof *f->column);
	for (i = 0; i < n; i++) {
		const sg_argument *a = &t->entry->args[i];

		if (is_data(a) && strcmp(a->extents[0], f->dim) == 0) {
			const int64_t rows = sg_call_array(t->whole, i)->shape[0];

			f->batch = rows < t->batch ? rows : t->batch;
			add_column(t, i);
		}
	}
	if (f->rows == 0) {
		t->status =
		    cli_error(t->args, CLI_FAULT, "--batch: there is no data: %s = 0", f->dim);
		return false;
	}
	f->order = cli_alloc((size_t)f->rows, sizeof *f->order);
	for (k = 0; k < f->rows; k++) {
		f->order[k] = k;
	}
	return true;
}

void
train_feed_close(feed *f)
{
	while (f->n > 0) {
		free(f->column[--f->n].some);
	}
	free(f->column);
	free(f->order);
	*f = (feed){0};
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Durstenfeld's shuffle, begun anew in each epoch. The modulo favours no row by more than rows /
 * 2^64. */
void
train_shuffle(train *t)
{
	feed *f = &t->feed;
	uint64_t state = t->seed, number = (uint64_t)t->reached.n;
	int64_t i;

	state = next_random(&state) ^ next_random(&number);
	for (i = 0; i < f->rows; i++) {
		f->order[i] = i;
	}
	for (i = f->rows - 1; i > 0; i--) {
		const int64_t k = (int64_t)(next_random(&state) % (uint64_t)(i + 1));
		const int64_t other = f->order[k];

		f->order[k] = f->order[i];
		f->order[i] = other;
	}
}

static bool
bind_some(train *t, const column *c, int64_t rows)
{
	int64_t shape[SG_ARRAY_RANK];
	int status;

	memcpy(shape, c->all->shape, sizeof shape);
	shape[0] = rows;
	status = sg_call_bind_at(t->call, c->in, c->all->type, c->all->rank, shape, c->some);
	return status == SG_OK || train_fail(t, status);
}

bool
train_bind_batch(train *t, int64_t row)
{
	feed *f = &t->feed;
	size_t i;
	int64_t k;

	f->now = f->rows - row < f->batch ? f->rows - row : f->batch;
	for (i = 0; i < f->n; i++) {
		const column *c = &f->column[i];
		const char *from = c->all->data;

		for (k = 0; k < f->now; k++) {
			memcpy(c->some + (size_t)k * c->row,
			       from + (size_t)f->order[row + k] * c->row, c->row);
		}
		if (f->cut != f->now && !bind_some(t, c, f->now)) {
			return false;
		}
	}
	f->cut = f->now;
	return true;
}
