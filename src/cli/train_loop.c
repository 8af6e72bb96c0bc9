/* train_loop.c - epochs of steps, and what is seen of them on the way. */
#include "cli/train.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double show_seconds = 0.1;

double
train_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- progress ---- */

/* Where it is now, in epochs. */
double
train_position(const train *t)
{
	const double rows = (double)t->feed.rows;

	return (double)t->reached.n + (rows > 0 ? (double)t->reached.row / rows : 0);
}

static void
put_time(cli_text *line, double seconds)
{
	const long s = seconds < 360000 ? lround(seconds) : 359999;

	if (s >= 3600) {
		cli_printf(line, "%ld:", s / 3600);
	}
	cli_printf(line, s >= 3600 ? "%02ld:%02ld" : "%ld:%02ld", s / 60 % 60, s % 60);
}

/* A line that is broken can't be written over: one column stays free. */
static int
line_width(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col - 1 : INT_MAX;
}

/* Messages stand on lines of their own. */
void
train_clear_line(const train *t)
{
	if (t->shown > 0) {
		fputs("\r\x1b[K", stderr);
	}
}

/* loss 0.0123  2.1e+05 rows/s  0:12 left */
static void
put_rate(cli_text *line, const train *t, double loss, bool last)
{
	const double passed = train_now() - t->began;
	const double here = train_position(t) - t->resumed_at;

	cli_printf(line, "loss %.6g", loss);
	if (passed > 0 && here > 0) {
		cli_printf(line, "  %.3g %s/s  ",
		           here * (t->feed.rows ? (double)t->feed.rows : 1) / passed,
		           t->feed.rows ? "rows" : "steps");
		put_time(line,
		         last ? passed : passed / here * ((double)t->epochs - train_position(t)));
		cli_puts(line, last ? "" : " left");
	}
}

/* [=====>    ] */
static void
put_bar(cli_text *line, int width, double done)
{
	const int filled = (int)(done * width);
	int i;

	cli_putc(line, '[');
	for (i = 0; i < width; i++) {
		cli_putc(line, i < filled ? '=' : i == filled ? '>' : ' ');
	}
	cli_puts(line, "] ");
}

/* "epoch 12/100 [=====>    ] loss 0.0123  2.1e+05 rows/s  0:12 left", on a terminal alone. Where
 * it is narrow the bar gives way first. */
static void
show(train *t, double loss, bool last)
{
	enum { MOST = 24, LEAST = 4 };
	const int width = line_width();
	cli_text line = {0}, rate = {0};
	int room;

	if (!isatty(STDERR_FILENO) || (!last && train_now() - t->shown < show_seconds)) {
		return;
	}
	t->shown = train_now();
	put_rate(&rate, t, loss, last);
	cli_printf(&line, "epoch %zu/%" PRId64 " ", t->reached.n, t->epochs);
	room = width - (int)line.n - (int)rate.n - 3;
	if (room >= LEAST) {
		put_bar(&line, room < MOST ? room : MOST, train_position(t) / (double)t->epochs);
	}
	cli_puts(&line, cli_str(&rate));
	fprintf(stderr, "\r%.*s\x1b[K%s", width, cli_str(&line), last ? "\n" : "");
	cli_text_free(&line);
	cli_text_free(&rate);
}

void
train_show_end(train *t)
{
	if (t->reached.n) {
		show(t, t->reached.epoch[t->reached.n - 1].loss, true);
	} else {
		train_clear_line(t);
	}
	t->shown = 0;
}

/* ---- one call ---- */

bool
train_not_finite(train *t, double loss, const char *when, size_t number, int64_t step)
{
	t->status =
	    cli_error(t->args, CLI_NUMERIC, "the loss is %s %s epoch %zu (step %" PRId64 ")",
	              isnan(loss) ? "nan"
	              : loss > 0  ? "inf"
	                          : "-inf",
	              when, number, step);
	if (step == 1 && strcmp(when, "in") == 0) {
		fputs("hint: look for it in the data and the initial values\n", stderr);
	} else if (t->optimizer != LBFGS) {
		fputs("hint: a smaller --lr, or other initial values\n", stderr);
	}
	return false;
}

double
train_loss(const train *t)
{
	const sg_array *a = sg_call_array(t->call, t->entry->ninputs);

	return a->type == SG_DTYPE_F32 ? (double)*(const float *)a->data : *(const double *)a->data;
}

bool
train_run_call(train *t, double *loss)
{
	const int status = sg_call_run(t->call);

	if (status != SG_OK) {
		train_clear_line(t);
		return train_fail(t, status);
	}
	*loss = train_loss(t);
	return true;
}

bool
train_evaluate(train *t, double *loss)
{
	feed *f = &t->feed;
	double sum = 0, some = 0;
	int64_t row;

	if (!f->rows) {
		return train_run_call(t, loss);
	}
	for (row = 0; row < f->rows; row++) {
		f->order[row] = row;
	}
	for (row = 0; row < f->rows; row += f->now) {
		if (!train_bind_batch(t, row) || !train_run_call(t, &some)) {
			return false;
		}
		sum += some * (double)f->now;
	}
	*loss = sum / (double)f->rows;
	return true;
}

/* ---- epochs ---- */

void
train_end_epoch(train *t, double loss, double slope)
{
	reached *r = &t->reached;

	r->epoch = cli_grow(r->epoch, r->n, &r->cap, sizeof *r->epoch);
	r->epoch[r->n++] = (epoch){loss, slope, r->seconds + train_now() - t->began};
	r->row = 0;
	r->sum = 0;
	train_add_log(t, &r->epoch[r->n - 1]);
	show(t, loss, false);
}

/* One batch: its loss counts for the epoch as much as it has rows. What is kept, now and at a stop,
 * is from before the update: of those params it is known that they have a loss. */
static bool
take_step(train *t)
{
	reached *r = &t->reached;
	const feed *f = &t->feed;
	double loss = 0;

	if ((f->rows && !train_bind_batch(t, r->row)) || !train_run_call(t, &loss)) {
		return false;
	}
	if (!isfinite(loss)) {
		train_show_end(t);
		return train_not_finite(t, loss, "in", r->n + 1, r->steps + 1);
	}
	t->stopped = train_stop;
	if (t->stopped) {
		return true;
	}
	train_checkpoint_sometimes(t);
	r->steps++;
	r->row += f->rows ? f->now : 1;
	r->sum += loss * (double)(f->rows ? f->now : 1);
	if (r->row >= f->rows) {
		const double slope = train_slope(t), mean = r->sum / (double)r->row;

		train_update(t);
		train_end_epoch(t, mean, slope);
	} else {
		train_update(t);
		show(t, r->sum / (double)r->row, false);
	}
	return true;
}

bool
train_by_steps(train *t)
{
	bool ok = true;
	size_t shuffled = SIZE_MAX; /* the epoch that has its order */

	while (ok && !t->stopped && (int64_t)t->reached.n < t->epochs) {
		if (t->feed.rows && shuffled != t->reached.n) {
			train_shuffle(t);
			shuffled = t->reached.n;
		}
		ok = take_step(t);
	}
	return ok;
}
