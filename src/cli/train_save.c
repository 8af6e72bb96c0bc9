/* train_save.c - the checkpoint and the log.
 *
 * The checkpoint is one .npz file, so that what is in it belongs together: each param under its
 * name, and under "train/..." what the next step needs. It is written under another name, flushed
 * and renamed: a process that is killed leaves the last one or the one before it. */
#include "cli/train.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double save_seconds = 1;

const char *const train_optimizer_name[OPTIMIZERS] = {"sgd", "momentum", "adam", "adamw", "lbfgs"};

/* "train/counts": */
enum { FORM, OPTIMIZER, STEPS, ROW, BATCH, SEED, LOSS, COUNTS };
enum { THIS_FORM = 2, EPOCH_NUMBERS = 3 };

/* ---- out ---- */

typedef struct archive {
	cli_text bytes, directory;
	size_t members;
} archive;

static void
add(archive *a, const char *name, sg_dtype type, int rank, const int64_t *extent, const void *data)
{
	const cli_view v = {.type = type, .rank = rank, .extent = extent, .data = data};
	cli_text content = {0}, member = {0};

	cli_npy_write(&content, &v);
	cli_printf(&member, "%s.npy", name);
	cli_zip_add(&a->bytes, &a->directory, member.s, &content);
	a->members++;
	cli_text_free(&content);
	cli_text_free(&member);
}

static void
state_name(cli_text *t, const param *p, int k)
{
	t->n = 0;
	cli_printf(t, "train/%s/%s", p->state[1] ? k ? "v" : "m" : "b", p->name);
}

static void
add_params(archive *a, const train *t)
{
	cli_text name = {0};
	size_t i;
	int k;

	for (i = 0; i < t->nparams; i++) {
		const param *p = &t->param[i];

		add(a, p->name, p->type, p->rank, p->shape, p->value);
		for (k = 0; k < 2 && p->state[k]; k++) {
			state_name(&name, p, k);
			add(a, name.s, p->type, p->rank, p->shape, p->state[k]);
		}
	}
	cli_text_free(&name);
}

static void
add_reached(archive *a, const train *t)
{
	const reached *r = &t->reached;
	const int64_t counts[COUNTS] = {THIS_FORM,     t->optimizer,     r->steps,     r->row,
	                                t->feed.batch, (int64_t)t->seed, t->match.loss};
	const double partly[2] = {r->sum, r->seconds + train_now() - t->began};
	const int64_t n = COUNTS, two = 2, table[2] = {(int64_t)r->n, EPOCH_NUMBERS};
	const int64_t ndata = (int64_t)t->match.n;
	double *past = cli_alloc(r->n * EPOCH_NUMBERS, sizeof *past);
	size_t i;

	for (i = 0; i < r->n; i++) {
		past[i * EPOCH_NUMBERS] = r->epoch[i].loss;
		past[i * EPOCH_NUMBERS + 1] = r->epoch[i].slope;
		past[i * EPOCH_NUMBERS + 2] = r->epoch[i].seconds;
	}
	add(a, "train/counts", SG_DTYPE_I64, 1, &n, counts);
	add(a, "train/data", SG_DTYPE_I64, 1, &ndata, t->match.data);
	add(a, "train/partly", SG_DTYPE_F64, 1, &two, partly);
	add(a, "train/epochs", SG_DTYPE_F64, 2, table, past);
	free(past);
}

static bool
write_file(const char *path, const cli_text *bytes, cli_text *err)
{
	cli_out out = {.path = path, .bytes = cli_str(bytes), .n = bytes->n, .keep = true};

	return cli_write_files(&out, 1, err);
}

bool
train_checkpoint(train *t)
{
	archive a = {0};
	cli_text err = {0};
	bool ok;

	add_params(&a, t);
	add_reached(&a, t);
	cli_zip_end(&a.bytes, &a.directory, a.members);
	ok = write_file(t->save, &a.bytes, &err);
	if (!ok && !t->complained) {
		train_clear_line(t);
		cli_error(t->args, CLI_FAULT, "%s", err.s);
	}
	t->status = ok ? t->status : CLI_FAULT;
	t->complained = !ok;
	t->saved = train_now();
	cli_text_free(&a.bytes);
	cli_text_free(&a.directory);
	cli_text_free(&err);
	return ok;
}

/* One that fails on the way, where the disk is full, is no reason to stop: the next one may be
 * written, and the last one counts. */
void
train_checkpoint_sometimes(train *t)
{
	if (t->save && train_now() - t->saved >= save_seconds) {
		train_checkpoint(t);
		t->status = CLI_DONE;
	}
}

/* ---- in ---- */

typedef struct reader {
	train *t;
	cli_text bytes, err;
} reader;

/* The member as an array of this type and shape; extents of -1 may be anything. NULL: r->err. */
static void *
read_member(reader *r, const char *name, sg_dtype type, int rank, int64_t *extent)
{
	cli_array a;
	cli_text is = {0}, should = {0};
	void *data = NULL;
	bool fits;
	int k;

	if (!cli_npz_parse(r->t->save, cli_str(&r->bytes), r->bytes.n, name, name, &a, &r->err)) {
		cli_array_free(&a);
		return NULL;
	}
	fits = a.rank == rank;
	for (k = 0; fits && k < rank; k++) {
		fits = extent[k] < 0 || extent[k] == a.extent[k];
	}
	if (fits) {
		for (k = 0; k < rank; k++) {
			extent[k] = a.extent[k];
		}
		data = cli_array_as(&a, type, &r->err);
	} else {
		cli_put_shape(&should, rank, extent);
		cli_put_shape(&is, a.rank, a.extent);
		cli_fail(&r->err, "%s:%s: expected %s, got %s", r->t->save, name, cli_str(&should),
		         cli_str(&is));
	}
	cli_array_free(&a);
	cli_text_free(&is);
	cli_text_free(&should);
	return data;
}

static bool
read_into(reader *r, const param *p, const char *name, void *to)
{
	int64_t shape[SG_ARRAY_RANK];
	void *data;

	memcpy(shape, p->shape, sizeof shape);
	data = read_member(r, name, p->type, p->rank, shape);
	if (data && p->count) {
		memcpy(to, data, p->count * sg_dtype_size(p->type));
	}
	free(data);
	return data != NULL;
}

static bool
read_params(reader *r)
{
	cli_text name = {0};
	bool ok = true;
	size_t i;
	int k;

	for (i = 0; ok && i < r->t->nparams; i++) {
		const param *p = &r->t->param[i];

		ok = read_into(r, p, p->name, p->value);
		for (k = 0; ok && k < 2 && p->state[k]; k++) {
			state_name(&name, p, k);
			ok = read_into(r, p, name.s, p->state[k]);
		}
	}
	cli_text_free(&name);
	return ok;
}

/* The first member of a checkpoint that is looked for: a file without it is none. */
static int64_t *
read_counts(reader *r)
{
	int64_t n = -1, *c = read_member(r, "train/counts", SG_DTYPE_I64, 1, &n);
	bool ok = false;

	if (!c) {
		r->err.n = 0;
		cli_fail(&r->err, "%s is no checkpoint: it does not say how far training has come",
		         r->t->save);
	} else if (n != COUNTS || c[FORM] != THIS_FORM) {
		cli_fail(&r->err, "%s was written by another version of symgrad", r->t->save);
	} else if (c[OPTIMIZER] < 0 || c[OPTIMIZER] >= OPTIMIZERS || c[STEPS] < 0 ||
	           c[STEPS] > INT64_MAX / 2 || c[ROW] < 0) {
		cli_fail(&r->err, "%s is damaged", r->t->save);
	} else {
		ok = true;
	}
	if (!ok) {
		free(c);
	}
	return ok ? c : NULL;
}

/* Is it the same training? */
static bool
fits(reader *r, const int64_t *c)
{
	const train *t = r->t;

	if (c[LOSS] != t->match.loss) {
		return cli_fail(&r->err,
		                "%s was written for another loss than '%s' is now; to begin anew "
		                "from its params, give them as values, %s=@%s:%s, without --resume",
		                t->save, t->entry->args[t->entry->ninputs].name, t->param[0].name,
		                t->save, t->param[0].name);
	}
	if (c[OPTIMIZER] != (int64_t)t->optimizer) {
		return cli_fail(&r->err, "%s was written with --optimizer=%s, not %s", t->save,
		                train_optimizer_name[c[OPTIMIZER]],
		                train_optimizer_name[t->optimizer]);
	}
	if (c[ROW] > 0 && (c[BATCH] != t->feed.batch || c[SEED] != (int64_t)t->seed)) {
		return cli_fail(&r->err,
		                "%s was written within an epoch, with --batch=%" PRId64
		                " --seed=%" PRId64 ": they have to be the same now",
		                t->save, c[BATCH], c[SEED]);
	}
	return true;
}

/* Other data is an error within an epoch, whose rows are counted; between epochs it may be meant.
 */
static bool
fits_data(reader *r, bool within_epoch)
{
	const train *t = r->t;
	int64_t n = -1, *was = read_member(r, "train/data", SG_DTYPE_I64, 1, &n);
	cli_text other = {0};
	bool ok = was != NULL;

	if (ok) {
		train_put_other_data(&t->match, was, (size_t)n, &other);
	}
	if (other.n && within_epoch) {
		ok = cli_fail(&r->err,
		              "%s was written within an epoch of other data: %s is not what it was",
		              t->save, other.s);
	} else if (other.n) {
		fprintf(stderr, "note: '%s' was written with other data: %s is not what it was\n",
		        t->save, other.s);
	}
	cli_text_free(&other);
	free(was);
	return ok;
}

static bool
read_match(reader *r)
{
	train *t = r->t;
	int64_t *c = read_counts(r);
	bool ok = c && fits(r, c) && fits_data(r, c[ROW] > 0);

	if (ok && c[ROW] > 0 && c[ROW] >= t->feed.rows) {
		ok = cli_fail(&r->err, "%s is damaged", t->save);
	}
	if (ok) {
		t->reached.steps = c[STEPS];
		t->reached.row = c[ROW];
	}
	free(c);
	return ok;
}

static bool
read_past(reader *r)
{
	reached *to = &r->t->reached;
	int64_t two = 2, table[2] = {-1, EPOCH_NUMBERS};
	double *partly = read_member(r, "train/partly", SG_DTYPE_F64, 1, &two);
	double *past = partly ? read_member(r, "train/epochs", SG_DTYPE_F64, 2, table) : NULL;
	const bool ok = past != NULL;
	size_t i;

	if (ok) {
		to->sum = partly[0];
		to->seconds = partly[1];
		to->n = to->cap = (size_t)table[0];
		to->epoch = cli_alloc(to->n, sizeof *to->epoch);
	}
	for (i = 0; ok && i < to->n; i++) {
		to->epoch[i] = (epoch){past[i * EPOCH_NUMBERS], past[i * EPOCH_NUMBERS + 1],
		                       past[i * EPOCH_NUMBERS + 2]};
	}
	free(partly);
	free(past);
	return ok;
}

bool
train_resume(train *t)
{
	reader r = {.t = t};
	bool ok = cli_read_file(t->save, &r.bytes, &r.err) && read_match(&r) && read_params(&r) &&
	          read_past(&r);

	if (!ok) {
		t->status = cli_error(t->args, CLI_FAULT, "--resume: %s", r.err.s);
	}
	cli_text_free(&r.bytes);
	cli_text_free(&r.err);
	return ok;
}

/* ---- the log ---- */

static void
put_line(cli_text *out, size_t number, const epoch *e)
{
	cli_printf(out, "%zu,", number);
	cli_put_number(out, e->loss, false);
	cli_putc(out, ',');
	cli_put_number(out, e->slope, false);
	cli_printf(out, ",%.6f\n", e->seconds);
}

/* With the epochs that are done already. */
bool
train_start_log(train *t)
{
	cli_text text = {0}, err = {0};
	size_t i;
	bool ok;

	if (!t->log) {
		return true;
	}
	cli_puts(&text, "epoch,loss,gradient_norm,seconds\n");
	for (i = 0; i < t->reached.n; i++) {
		put_line(&text, i + 1, &t->reached.epoch[i]);
	}
	ok = write_file(t->log, &text, &err);
	if (!ok) {
		t->status = cli_error(t->args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&text);
	cli_text_free(&err);
	return ok;
}

/* A whole line, or a complaint and no more of them. */
void
train_add_log(train *t, const epoch *e)
{
	cli_text line = {0};
	FILE *f = t->log ? fopen(t->log, "a") : NULL;
	bool ok = f != NULL;

	if (t->log) {
		put_line(&line, t->reached.n, e);
		ok = ok && fwrite(line.s, 1, line.n, f) == line.n;
		ok = (!f || fclose(f) == 0) && ok;
	}
	if (t->log && !ok) {
		train_clear_line(t);
		cli_error(t->args, CLI_FAULT, "cannot write '%s': %s", t->log, strerror(errno));
		t->log = NULL;
		t->log_failed = true;
	}
	cli_text_free(&line);
}
