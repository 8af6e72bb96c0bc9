/* train_lbfgs.c - all params as one vector of doubles, made small by liblbfgs (Okazaki): the
 * limited-memory BFGS method of Nocedal (1980), with its line search by backtracking under the
 * strong Wolfe conditions. An epoch is one of its iterations. */
#include "cli/train.h"

#ifdef SG_HAVE_LBFGS

#include <lbfgs.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void
put_params(const train *t, const lbfgsfloatval_t *x)
{
	size_t i, k, at = 0;

	for (i = 0; i < t->nparams; i++) {
		const param *p = &t->param[i];

		for (k = 0; k < p->count; k++, at++) {
			if (p->type == SG_DTYPE_F32) {
				((float *)p->value)[k] = (float)x[at];
			} else {
				((double *)p->value)[k] = x[at];
			}
		}
	}
}

static void
get_arrays(const train *t, bool gradients, lbfgsfloatval_t *x)
{
	size_t i, k, at = 0;

	for (i = 0; i < t->nparams; i++) {
		const param *p = &t->param[i];
		const void *from = gradients ? sg_call_array(t->call, p->out)->data : p->value;

		for (k = 0; k < p->count; k++, at++) {
			x[at] = p->type == SG_DTYPE_F32 ? (double)((const float *)from)[k]
			                                : ((const double *)from)[k];
		}
	}
}

static bool
are_finite(const lbfgsfloatval_t *g, int n)
{
	int i;

	for (i = 0; i < n && isfinite(g[i]); i++) {
	}
	return i == n;
}

/* Where the model can't be computed the line search turns back, as at any high place. */
static lbfgsfloatval_t
evaluate(void *instance, const lbfgsfloatval_t *x, lbfgsfloatval_t *g, int n, lbfgsfloatval_t step)
{
	train *t = instance;
	int i;

	(void)step;
	put_params(t, x);
	for (i = 0; i < n; i++) { /* of which the library may have rounded the number up */
		g[i] = 0;
	}
	if (sg_call_run(t->call) != SG_OK || !isfinite(train_loss(t))) {
		return HUGE_VAL;
	}
	get_arrays(t, true, g);
	return are_finite(g, n) ? train_loss(t) : HUGE_VAL;
}

static int
progress(void *instance, const lbfgsfloatval_t *x, const lbfgsfloatval_t *g, lbfgsfloatval_t loss,
         lbfgsfloatval_t xnorm, lbfgsfloatval_t gnorm, lbfgsfloatval_t step, int n, int k,
         int tries)
{
	train *t = instance;

	(void)x, (void)g, (void)xnorm, (void)step, (void)n, (void)k;
	t->reached.steps += tries;
	train_end_epoch(t, loss, gnorm);
	train_checkpoint_sometimes(t);
	t->stopped = train_stop;
	return t->stopped;
}

/* What the method says at its end. */
static bool
settle(train *t, int result)
{
	switch (result) {
	case LBFGS_SUCCESS:
	case LBFGS_STOP:
	case LBFGS_ALREADY_MINIMIZED:
	case LBFGSERR_MAXIMUMITERATION:
		return true;
	case LBFGSERR_ROUNDING_ERROR:
	case LBFGSERR_MINIMUMSTEP:
	case LBFGSERR_MAXIMUMSTEP:
	case LBFGSERR_MAXIMUMLINESEARCH:
	case LBFGSERR_WIDTHTOOSMALL:
	case LBFGSERR_INCREASEGRADIENT:
		train_clear_line(t);
		fprintf(stderr,
		        "note: L-BFGS ends after %zu iterations: along its direction the loss "
		        "becomes no smaller\n",
		        t->reached.n);
		return true;
	default:
		break;
	}
	if (t->stopped) {
		return true;
	}
	t->status = result == LBFGSERR_OUTOFMEMORY
	                ? cli_error(t->args, CLI_FAULT, "out of memory")
	                : cli_error(t->args, CLI_DEFECT, "L-BFGS ends with code %d", result);
	return false;
}

static bool
minimise(train *t, lbfgsfloatval_t *x, int n)
{
	lbfgs_parameter_t how;
	double loss;
	int result;

	lbfgs_parameter_init(&how);
	how.max_iterations = (int)(t->epochs - (int64_t)t->reached.n);
	how.linesearch = LBFGS_LINESEARCH_BACKTRACKING_STRONG_WOLFE;
	how.epsilon = sg_model_real(t->model) == SG_DTYPE_F32 ? 1e-5 : 1e-8;
	get_arrays(t, false, x);
	if (!train_run_call(t, &loss)) { /* where it begins there has to be a value */
		return false;
	}
	if (!isfinite(loss) || !isfinite(train_slope(t))) {
		t->status = cli_error(t->args, CLI_NUMERIC, "the %s is not finite where it begins",
		                      isfinite(loss) ? "gradient" : "loss");
		return false;
	}
	result = lbfgs(n, x, NULL, evaluate, progress, t, &how);
	put_params(t, x);
	return settle(t, result);
}

bool
train_by_lbfgs(train *t)
{
	lbfgsfloatval_t *x;
	size_t n = 0, i;
	bool ok;

	for (i = 0; i < t->nparams; i++) {
		n += t->param[i].count;
	}
	if (n == 0 || (int64_t)t->reached.n >= t->epochs) {
		return true;
	}
	x = n < INT_MAX ? lbfgs_malloc((int)n) : NULL;
	if (!x) {
		t->status =
		    cli_error(t->args, CLI_FAULT, "there are too many params for L-BFGS: %zu", n);
		return false;
	}
	ok = minimise(t, x, (int)n);
	lbfgs_free(x);
	return ok;
}

#else

bool
train_by_lbfgs(train *t)
{
	t->status =
	    cli_error(t->args, CLI_FAULT,
	              "this symgrad was built without liblbfgs, which --optimizer=lbfgs needs "
	              "(Debian: apt-get install liblbfgs-dev, then configure and make again)");
	return false;
}

#endif
