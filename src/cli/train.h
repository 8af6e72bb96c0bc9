/* train.h - private to symgrad train.
 *
 * train.c        the command line, and what is shown at the end
 * train_open.c   the model, its data and params
 * train_feed.c   batches of rows
 * train_step.c   the formulas of the optimizers
 * train_loop.c   epochs
 * train_lbfgs.c  the same by liblbfgs
 * train_save.c   the checkpoint and the log
 * train_plot.c   the loss as a picture
 *
 * Functions that return bool say what is wrong, and leave the exit status in t->status. */
#ifndef SG_CLI_TRAIN_H
#define SG_CLI_TRAIN_H

#include "cli/cli.h"

#include <signal.h>

typedef enum { SGD, MOMENTUM, ADAM, ADAMW, LBFGS, OPTIMIZERS } optimizer;
extern const char *const train_optimizer_name[OPTIMIZERS];

/* As torch.optim calls them. */
typedef struct hyper {
	double lr, momentum, beta1, beta2, eps, weight_decay;
	bool nesterov;
} hyper;

/* A param that is trained. */
typedef struct param {
	const char *name;
	size_t in, out; /* arguments of the entry: itself, its gradient */
	sg_dtype type;
	int rank;
	int64_t shape[SG_ARRAY_RANK];
	size_t count;
	void *value;
	void *state[2]; /* momentum: b; adam: m, v; NULL: none */
} param;

/* An input whose leading axis is the rows of the data. */
typedef struct column {
	size_t in;
	const sg_array *all;
	size_t row; /* bytes */
	char *some; /* a batch of rows */
} column;

typedef struct feed {
	int64_t rows, batch; /* batch: rows of a step; 0: nothing is cut, each step has all data */
	const char *dim;     /* the dimension that is cut */
	column *column;
	size_t n;
	int64_t *order;   /* the rows in the order of this epoch */
	int64_t now, cut; /* rows that are bound: of this batch; of the last one that was bound */
} feed;

/* What is known of an epoch that is done. */
typedef struct epoch {
	double loss;    /* mean over its batches, before each step */
	double slope;   /* norm of the last batch's gradient */
	double seconds; /* of all training until then */
} epoch;

/* How far it has come: what a checkpoint holds beside params and their state. */
typedef struct reached {
	int64_t steps; /* in all */
	int64_t row;   /* rows of the epoch that is not done */
	double sum;    /* of its losses, weighted with rows */
	double seconds;
	epoch *epoch;
	size_t n, cap; /* epochs that are done */
} reached;

/* What a checkpoint is told by, that its training goes on with what it began with. */
typedef struct match {
	int64_t loss;
	int64_t *data;     /* of each input that is not trained, and of the dimensions together */
	const char **name; /* of the former */
	size_t n;
} match;

typedef struct train {
	const cli_args *args;
	cli_operands operands;
	optimizer optimizer;
	hyper h;
	int64_t epochs, batch;
	uint64_t seed;
	const char *batch_dim, *save, *log, *plot;
	bool resume, json;
	sg_backend backend;

	sg_model *model;
	sg_call *whole; /* the evaluator's, with all data: knows shapes and defaults */
	cli_bound bound;
	sg_call *call; /* what runs */
	const sg_entry *entry;
	param *param;
	size_t nparams;
	feed feed;
	match match; /* with --save */

	reached reached;
	double began, saved, shown;  /* seconds on the clock */
	double resumed_at;           /* epochs, with the part of one, that others have done */
	bool complained, log_failed; /* could not be written, which has been said */
	int stopped;                 /* by this signal */
	double loss;                 /* of the params as they are at the end */
	int status;
} train;

double train_now(void);
extern volatile sig_atomic_t train_stop; /* a signal asked for the end: its number */

/* t->status and a message; returns false. */
bool train_fail(train *t, int status);

bool train_open(train *t, sg_model *m);
void train_close(train *t);

bool train_feed_open(train *t);
void train_feed_close(feed *f);
void train_shuffle(train *t);                 /* the order of rows of the epoch that comes */
bool train_bind_batch(train *t, int64_t row); /* the rows from there on */

/* One step with the gradients that the call has; t->reached.steps counts from 1. */
void train_update(train *t);
double train_slope(const train *t); /* the norm of those gradients */

bool train_run_call(train *t, double *loss); /* what is bound */
/* A message; returns false. */
bool train_not_finite(train *t, double loss, const char *when, size_t number, int64_t step);
double train_loss(const train *t);           /* of the call that ran */
double train_position(const train *t);       /* epochs that are done, with the part of one */
void train_show_end(train *t);               /* the last line of the progress */
void train_clear_line(const train *t);       /* of the progress, for a message */
bool train_evaluate(train *t, double *loss); /* all data, in order */
bool train_by_steps(train *t);
bool train_by_lbfgs(train *t);
/* An epoch is done: it is kept, written to the log and shown. */
void train_end_epoch(train *t, double loss, double slope);

void train_match_open(train *t);
void train_match_close(match *m);
/* The first of n that is not what it was: "input 'x'"; "": all are. */
void train_put_other_data(const match *m, const int64_t *was, size_t n, cli_text *out);

bool train_resume(train *t); /* from t->save */
bool train_start_log(train *t);
void train_add_log(train *t, const epoch *e);
bool train_checkpoint(train *t); /* false: it could not be written, which has been said */
void train_checkpoint_sometimes(train *t);

void train_plot_text(cli_text *out, const char *name, const epoch *e, size_t n);

#endif
