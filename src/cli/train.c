/* train.c - symgrad train: a loss made small over the params of a model. */
#include "cli/train.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const cli_option options[] = {
    {"loss", 0, "NAME", "what is made small: a scalar of the model; default: its gradient's"},
    {"optimizer", 0, "sgd|momentum|adam|adamw|lbfgs", "default: adam"},
    {"lr", 0, "X", "learning rate; default 0.001, for sgd and momentum 0.01"},
    {"epochs", 0, "N", "times that all data is seen, iterations of lbfgs; default 100"},
    {"batch", 0, "N", "rows of data for a step; default: all"},
    {"batch-dim", 0, "N", "the dimension that counts rows; default: the first input's first"},
    {"seed", 0, "N", "of the order in which rows go into batches; default 1"},
    {"momentum", 0, "X", "of momentum; default 0.9"},
    {"nesterov", 0, NULL, "Nesterov's form of momentum"},
    {"beta1", 0, "X", "of adam and adamw; default 0.9"},
    {"beta2", 0, "X", "of adam and adamw; default 0.999"},
    {"eps", 0, "X", "of adam and adamw; default 1e-08"},
    {"weight-decay", 0, "X", "default 0, for adamw 0.01"},
    {"save", 0, "FILE.npz", "keep params and what --resume needs, at least each second"},
    {"resume", 0, NULL, "go on from what --save has kept, if it is there"},
    {"log", 0, "FILE.csv", "a line for each epoch: loss, norm of the gradient, seconds"},
    {"plot", 0, "FILE.svg", "a picture of the loss over the epochs"},
    {"format", 0, "text|json", "one JSON object on one line for the result"},
    CLI_BACKEND_OPTION,
    CLI_THREADS_OPTION,
    CLI_REAL_OPTION,
    CLI_DIM_OPTION,
    CLI_HELP_OPTION,
    {NULL, 0, NULL, NULL},
};

volatile sig_atomic_t train_stop;

static int
milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int)(t.tv_sec % 1000000 * 1000 + t.tv_nsec / 1000000);
}

/* The first one asks for the end; a later one is the end. What comes with the first is the same
 * wish: timeout(1) sends to the process and then to its group. */
static void
on_signal(int number)
{
	static volatile sig_atomic_t first;

	if (!train_stop) {
		first = milliseconds();
		train_stop = number;
	} else if (milliseconds() - first > 200) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

static void
watch_signals(void)
{
	struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, now;
	static const int number[] = {SIGINT, SIGTERM};
	size_t i;

	for (i = 0; i < sizeof number / sizeof *number; i++) {
		if (sigaction(number[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) {
			sigaction(number[i], &a, NULL);
		}
	}
}

/* ---- the command line ---- */

static bool
read_optimizer(train *t)
{
	const char *name = cli_value(t->args, "optimizer");
	int i;

	t->optimizer = ADAM;
	for (i = 0; name && i < OPTIMIZERS; i++) {
		if (strcmp(name, train_optimizer_name[i]) == 0) {
			t->optimizer = (optimizer)i;
			return true;
		}
	}
	if (name) {
		cli_error(t->args, CLI_USAGE,
		          "unknown optimizer '%s'; expected sgd, momentum, adam, adamw or lbfgs",
		          name);
	}
	return !name;
}

/* A number of the optimizer's, within [least, most), which has it where the bit of `of` is set. */
typedef struct setting {
	const char *option;
	double least, most;
	unsigned of;
	size_t at; /* in hyper */
} setting;

#define OF(o) (1u << (o))
static const setting settings[] = {
    {"lr", 0, HUGE_VAL, OF(SGD) | OF(MOMENTUM) | OF(ADAM) | OF(ADAMW), offsetof(hyper, lr)},
    {"momentum", 0, 1, OF(MOMENTUM), offsetof(hyper, momentum)},
    {"beta1", 0, 1, OF(ADAM) | OF(ADAMW), offsetof(hyper, beta1)},
    {"beta2", 0, 1, OF(ADAM) | OF(ADAMW), offsetof(hyper, beta2)},
    {"eps", 0, HUGE_VAL, OF(ADAM) | OF(ADAMW), offsetof(hyper, eps)},
    {"weight-decay", 0, HUGE_VAL, OF(SGD) | OF(MOMENTUM) | OF(ADAM) | OF(ADAMW),
     offsetof(hyper, weight_decay)},
};

static bool
belongs(const train *t, const char *option, unsigned of)
{
	if (!cli_has(t->args, option) || of & OF(t->optimizer)) {
		return true;
	}
	cli_error(t->args, CLI_USAGE, "--%s means nothing to --optimizer=%s", option,
	          train_optimizer_name[t->optimizer]);
	return false;
}

static bool
read_setting(train *t, const setting *s)
{
	const char *text = cli_value(t->args, s->option);
	cli_kind kind;
	cli_cell v;
	double x;

	if (!belongs(t, s->option, s->of)) {
		return false;
	}
	if (!text) {
		return true;
	}
	if (cli_read_number(text, strlen(text), &kind, &v) && kind != CLI_BOOL) {
		x = kind == CLI_INT ? (double)v.i : v.r;
		if (x >= s->least && x < s->most) {
			*(double *)(void *)((char *)&t->h + s->at) = x;
			return true;
		}
	}
	if (s->most < HUGE_VAL) {
		cli_error(t->args, CLI_USAGE, "--%s takes a number from 0 and below 1, not '%s'",
		          s->option, text);
	} else {
		cli_error(t->args, CLI_USAGE, "--%s takes a number from 0, not '%s'", s->option,
		          text);
	}
	return false;
}

static bool
read_settings(train *t)
{
	size_t i;

	t->h = (hyper){.lr = t->optimizer == SGD || t->optimizer == MOMENTUM ? 0.01 : 0.001,
	               .momentum = 0.9,
	               .beta1 = 0.9,
	               .beta2 = 0.999,
	               .eps = 1e-8,
	               .weight_decay = t->optimizer == ADAMW ? 0.01 : 0,
	               .nesterov = cli_has(t->args, "nesterov")};
	for (i = 0; i < sizeof settings / sizeof *settings; i++) {
		if (!read_setting(t, &settings[i])) {
			return false;
		}
	}
	return belongs(t, "nesterov", OF(MOMENTUM)) && belongs(t, "batch", OF(LBFGS) - 1) &&
	       belongs(t, "batch-dim", OF(LBFGS) - 1);
}

static bool
read_path(train *t, const char *option, const char *suffix, const char **path)
{
	const char *s = cli_value(t->args, option);
	const size_t n = s ? strlen(s) : 0, k = strlen(suffix);

	*path = s;
	if (!s || (n > k && strcmp(s + n - k, suffix) == 0)) {
		return true;
	}
	cli_error(t->args, CLI_USAGE, "--%s takes a name that ends in %s, not '%s'", option, suffix,
	          s);
	return false;
}

/* By the same text, or two names of a file that is there. */
static bool
is_same_file(const char *x, const char *y)
{
	struct stat p, q;

	if (!x || !y) {
		return false;
	}
	if (stat(x, &p) == 0 && stat(y, &q) == 0) {
		return p.st_dev == q.st_dev && p.st_ino == q.st_ino && S_ISREG(p.st_mode);
	}
	return strcmp(x, y) == 0;
}

/* The file of '@FILE' or '@FILE:MEMBER' has the name. */
static bool
is_read_by(const char *assignment, const char *name)
{
	const char *path = strstr(assignment, "=@"), *end;
	cli_text file = {0};
	bool is;

	if (!path) {
		return false;
	}
	path += 2;
	end = strrchr(path, ':');
	cli_puts(&file, path);
	is = is_same_file(file.s, name);
	if (!is && end) {
		file.s[end - path] = '\0';
		is = is_same_file(file.s, name);
	}
	cli_text_free(&file);
	return is;
}

static bool
log_replaces(train *t, const char *what)
{
	cli_error(t->args, CLI_USAGE, "--log would overwrite '%s', %s", t->log, what);
	return false;
}

/* Lines of text take no other file's place: they are added to what is there under that name. */
static bool
check_log(train *t)
{
	size_t i;

	if (!t->log) {
		return true;
	}
	if (strcmp(t->log, "-") == 0) {
		cli_error(
		    t->args, CLI_USAGE,
		    "--log takes the name of a file, not '-': the result is on standard output");
		return false;
	}
	if (is_same_file(t->log, t->save)) {
		return log_replaces(t, "which --save keeps");
	}
	if (is_same_file(t->log, t->plot)) {
		return log_replaces(t, "which --plot draws");
	}
	if (is_same_file(t->log, t->args->operand[0])) {
		return log_replaces(t, "the model");
	}
	for (i = 0; i < t->operands.n; i++) {
		if (is_read_by(t->operands.assignment[i], t->log)) {
			return log_replaces(t, "which is read");
		}
	}
	return true;
}

static bool
read_request(train *t)
{
	const cli_args *a = t->args;

	t->resume = cli_has(a, "resume");
	t->batch_dim = cli_value(a, "batch-dim");
	t->log = cli_value(a, "log");
	if (!read_optimizer(t) || !read_settings(t) ||
	    !cli_whole_number(a, "epochs", 1, INT32_MAX, &t->epochs) ||
	    !cli_whole_number(a, "batch", 1, INT64_MAX, &t->batch) || !cli_read_seed(a, &t->seed) ||
	    !read_path(t, "save", ".npz", &t->save) || !read_path(t, "plot", ".svg", &t->plot) ||
	    !cli_wants_json(a, &t->json) || !cli_read_backend(a, &t->backend) ||
	    !cli_read_operands(a, &t->operands)) {
		return false;
	}
	if (t->operands.entry) {
		cli_error(a, CLI_USAGE, "expected NAME=VALUE, got '%s'", t->operands.entry);
		return false;
	}
	if (t->resume && !t->save) {
		cli_error(a, CLI_USAGE, "--resume needs the file to go on from: --save=FILE.npz");
		return false;
	}
	if (t->batch_dim && !t->batch) {
		cli_error(a, CLI_USAGE, "--batch-dim says what --batch=N cuts, which is missing");
		return false;
	}
	return check_log(t);
}

/* ---- the end ---- */

static void
put_text(cli_text *out, const char *name, const cli_view *v)
{
	cli_printf(out, "%s = ", name);
	cli_print(out, v, strlen(name) + 3);
	cli_putc(out, '\n');
}

static void
put_json(cli_text *out, const char *name, const cli_view *v)
{
	cli_json_string(out, name);
	cli_puts(out, ": ");
	cli_json(out, v);
}

static bool
is_printed(const train *t, const char *name, bool with_params)
{
	size_t i;

	for (i = 0; with_params && i < t->nparams; i++) {
		if (strcmp(t->param[i].name, name) == 0) {
			return true;
		}
	}
	return strcmp(t->entry->args[t->entry->ninputs].name, name) == 0;
}

/* The loss; the params too where no file keeps them, but for one that is the loss. The model's
 * "epochs" wins over ours. */
static bool
print_result(train *t, bool with_params)
{
	const sg_argument *loss = &t->entry->args[t->entry->ninputs];
	const float single = (float)t->loss;
	const cli_view value = {.type = loss->type,
	                        .data = loss->type == SG_DTYPE_F32 ? (const void *)&single
	                                                           : (const void *)&t->loss};
	cli_text out = {0}, err = {0};
	size_t i;
	bool ok;

	if (t->json) {
		cli_puts(&out, "{");
		if (!is_printed(t, "epochs", with_params)) {
			cli_printf(&out, "\"epochs\": %zu, ", t->reached.n);
		}
	}
	(t->json ? put_json : put_text)(&out, loss->name, &value);
	for (i = 0; with_params && i < t->nparams; i++) {
		const param *p = &t->param[i];
		const cli_view v = {
		    .type = p->type, .rank = p->rank, .extent = p->shape, .data = p->value};

		if (strcmp(p->name, loss->name) == 0) {
			continue;
		}
		cli_puts(&out, t->json ? ", " : "");
		(t->json ? put_json : put_text)(&out, p->name, &v);
	}
	cli_puts(&out, t->json ? "}\n" : "");
	ok = cli_write_stdout(cli_str(&out), out.n, &err);
	if (!ok) {
		t->status = cli_error(t->args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&out);
	cli_text_free(&err);
	return ok;
}

static bool
write_plot(train *t)
{
	cli_text text = {0}, err = {0};
	cli_out out = {.path = t->plot, .keep = true};
	bool ok;

	train_plot_text(&text, t->entry->args[t->entry->ninputs].name, t->reached.epoch,
	                t->reached.n);
	out.bytes = text.s;
	out.n = text.n;
	ok = !t->plot || cli_write_files(&out, 1, &err);
	if (!ok) {
		t->status = cli_error(t->args, CLI_FAULT, "%s", err.s);
	}
	cli_text_free(&text);
	cli_text_free(&err);
	return ok;
}

/* Kept at once, since whoever stops it may not wait for the loss over all data. */
static bool
conclude_stop(train *t)
{
	const bool kept = t->save && train_checkpoint(t);

	fprintf(stderr, "stopped in epoch %zu of %lld, after %" PRId64 " steps%s\n", t->reached.n + 1,
	        (long long)t->epochs, t->reached.steps,
	        kept ? "; --resume goes on from here" : "");
	t->status = t->status == CLI_DONE ? 128 + t->stopped : t->status;
	return kept;
}

/* What was computed is kept, or shown where it can't be. */
static void
conclude(train *t)
{
	bool kept = false;

	train_show_end(t);
	if (t->log_failed) {
		t->status = CLI_FAULT;
	}
	if (t->stopped) {
		kept = conclude_stop(t);
	}
	if (!train_evaluate(t, &t->loss)) {
		return;
	}
	if (!isfinite(t->loss)) {
		train_not_finite(t, t->loss, "after", t->reached.n, t->reached.steps);
		return;
	}
	if (t->save && !t->stopped) {
		kept = train_checkpoint(t);
	}
	print_result(t, !kept);
}

/* ---- the command ---- */

static bool
begin(train *t)
{
	if (t->resume && cli_is_file(t->save)) {
		if (!train_resume(t)) {
			return false;
		}
	} else if (t->resume) {
		fprintf(stderr, "note: there is no '%s' yet: training begins\n", t->save);
	}
	t->began = train_now();
	t->resumed_at = train_position(t);
	if ((int64_t)t->reached.n >= t->epochs) {
		fprintf(stderr, "note: '%s' has %zu epochs: none is left of --epochs=%lld\n",
		        t->save, t->reached.n, (long long)t->epochs);
	}
	/* what can't be written is told before the work */
	return train_start_log(t) && write_plot(t) && (!t->save || train_checkpoint(t));
}

static bool
is_param(const train *t, const char *assignment)
{
	const size_t n = strcspn(assignment, "=");
	size_t i;

	for (i = 0; i < t->nparams; i++) {
		if (strlen(t->param[i].name) == n && memcmp(t->param[i].name, assignment, n) == 0) {
			return true;
		}
	}
	return false;
}

/* Params may begin in the file that they are kept in; data would be lost there. */
static bool
keeps_data(train *t)
{
	size_t i;

	for (i = 0; t->save && i < t->operands.n; i++) {
		if (is_read_by(t->operands.assignment[i], t->save) &&
		    !is_param(t, t->operands.assignment[i])) {
			t->status = cli_error(
			    t->args, CLI_USAGE,
			    "--save would overwrite '%s', which data is read from", t->save);
			return false;
		}
	}
	return true;
}

static void
train_model(train *t, sg_model *m)
{
	if (train_open(t, m) && keeps_data(t) && begin(t)) {
		watch_signals();
		if ((t->optimizer == LBFGS ? train_by_lbfgs : train_by_steps)(t)) {
			conclude(t);
		}
		write_plot(t); /* of what led to a failure, too */
	}
	train_close(t);
}

static int
run_train(const cli_args *args)
{
	train t = {.args = args, .epochs = 100, .seed = 1, .status = CLI_USAGE};
	cli_setup setup;
	sg_model *m;

	if (!read_request(&t)) {
		return CLI_USAGE;
	}
	if (cli_read_setup(args, &setup, &t.status)) {
		m = cli_accept(sg_compile_training_file(args->operand[0], cli_value(args, "loss"),
		                                        &setup.options),
		               t.json, &t.status);
		if (m) {
			if (cli_set_threads(args, m)) {
				train_model(&t, m);
			} else {
				t.status = CLI_USAGE;
			}
			sg_model_free(m);
		}
	}
	cli_free_setup(&setup);
	return t.status;
}

const cli_command cli_train = {
    .name = "train",
    .usage = "[OPTION]... FILE.sg [NAME=VALUE]...",
    .summary = "make a loss small over the params",
    .about =
	"Minimises a scalar of the model over its params, which begin at their defaults or at "
	"values\n"
	"that are given. With --batch each step takes some rows of the data, in a new order in "
	"each\n"
	"epoch. The optimizers compute what torch.optim's do; lbfgs takes all data in each of "
	"its\n"
	"iterations, and no learning rate. Prints the loss, and the params where --save does not "
	"keep\n"
	"them. What --save keeps is whole at any moment, and --resume goes on from it to the "
	"same\n"
	"numbers as if training had never been interrupted (lbfgs begins its search anew).\n",
    .examples =
	"  symgrad train --loss=loss model.sg x=@data.npz:x y=@data.npz:y --save=w.npz\n"
	"  symgrad train model.sg x=@x.npy y=@y.npy --batch=32 --epochs=20 --plot=loss.svg\n"
	"  symgrad run model.sg forward x=@x.npy w=@w.npz:w\n",
    .options = options,
    .run = run_train,
};
