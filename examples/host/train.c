/* train.c - a training loop: a network for ten classes, mini-batches, momentum in C.
 *
 *     train mlp.sg
 *
 * The model says which params it has and how they start; this program only walks over them, so that
 * it trains any model with inputs x[N, 64] and label[N], an output `guess` and a gradient. N is the
 * batch: the last one of an epoch is shorter, and its shape alone tells that. */
#include <symgrad.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 1000, TESTS = 200, FEATURES = 64, CLASSES = 10, BATCH = 64, EPOCHS = 8 };
static const float rate = 0.05f, momentum = 0.9f;

/* One param: where it stands among the arguments, its values, and its velocity. */
typedef struct param {
	size_t at, n;
	float *w, *v;
} param;

typedef struct training {
	sg_call *c; /* of the gradient */
	size_t nparams;
	param *p;
} training;

static float x[(SAMPLES + TESTS) * FEATURES];
static int32_t label[SAMPLES + TESTS];

static float
noise(void)
{
	static unsigned state = 1;

	state = state * 1664525u + 1013904223u;
	return (float)(state >> 8) * 0x1p-23f - 1;
}

/* A class is a point of its own, and its samples lie around that. */
static void
make_data(void)
{
	static float centre[CLASSES * FEATURES];

	for (int i = 0; i < CLASSES * FEATURES; i++)
		centre[i] = noise();
	for (int s = 0; s < SAMPLES + TESTS; s++) {
		label[s] = s % CLASSES;
		for (int k = 0; k < FEATURES; k++)
			x[s * FEATURES + k] = centre[label[s] * FEATURES + k] + 1.5f * noise();
	}
}

static int
bind_samples(sg_call *c, int from, int n)
{
	const int64_t shape[] = {n, FEATURES};
	int status = sg_call_bind(c, "x", SG_DTYPE_F32, 2, shape, x + from * FEATURES);

	return status == SG_OK ? sg_call_bind(c, "label", SG_DTYPE_I32, 1, shape, label + from)
	                       : status;
}

/* Takes the values that a param starts with out of the call and binds memory of ours in their
 * place. */
static int
take_param(training *t, size_t at)
{
	const sg_array *a = sg_call_array(t->c, at);
	const size_t n = (size_t)a->count;
	param p = {.at = at, .n = n, .w = calloc(n, sizeof *p.w), .v = calloc(n, sizeof *p.v)};

	t->p[t->nparams++] = p;
	if (!p.w || !p.v)
		return SG_ENOMEM;
	memcpy(p.w, a->data, n * sizeof *p.w);
	return sg_call_bind_at(t->c, at, SG_DTYPE_F32, a->rank, a->shape, p.w);
}

/* A call is prepared as soon as its inputs are bound; then it shows its defaults. */
static int
take_params(training *t)
{
	const sg_entry *e = sg_call_entry(t->c);
	int status = bind_samples(t->c, 0, BATCH);

	t->p = calloc(e ? e->ninputs : 1, sizeof *t->p);
	if (status == SG_OK)
		status = t->p ? sg_call_prepare(t->c) : SG_ENOMEM;
	for (size_t i = 0; status == SG_OK && i < e->ninputs; i++)
		if (e->args[i].role == SG_ROLE_PARAM) {
			status = take_param(t, i);
			if (status == SG_OK)
				status = sg_call_prepare(t->c);
		}
	return status;
}

/* v = momentum v + grad; w = w - rate v. Gradients follow the loss in the order of the params. */
static void
update(const training *t)
{
	const size_t first = sg_call_entry(t->c)->ninputs + 1;

	for (size_t k = 0; k < t->nparams; k++) {
		const float *grad = sg_call_array(t->c, first + k)->data;
		const param *p = &t->p[k];

		for (size_t i = 0; i < p->n; i++) {
			p->v[i] = momentum * p->v[i] + grad[i];
			p->w[i] -= rate * p->v[i];
		}
	}
}

/* All batches once; *mean becomes the mean loss of a sample. */
static int
run_epoch(training *t, double *mean)
{
	int status = SG_OK;

	*mean = 0;
	for (int from = 0; status == SG_OK && from < SAMPLES; from += BATCH) {
		const int n = SAMPLES - from < BATCH ? SAMPLES - from : BATCH;

		status = bind_samples(t->c, from, n);
		if (status == SG_OK)
			status = sg_call_run(t->c);
		if (status != SG_OK)
			break;
		*mean += n * (double)*(const float *)sg_call_output(t->c, "loss")->data / SAMPLES;
		update(t);
	}
	return status;
}

/* How many samples that were not trained on are told right; -1: not computed. */
static int
count_right(sg_model *m, const training *t)
{
	sg_call *c = sg_call_new(m, "forward", SG_BACKEND_AUTO);
	int status = bind_samples(c, SAMPLES, TESTS), right = 0;

	for (size_t k = 0; status == SG_OK && k < t->nparams; k++) {
		const sg_array *a = sg_call_array(t->c, t->p[k].at);

		status = sg_call_bind(c, a->name, a->type, a->rank, a->shape, a->data);
	}
	if (status == SG_OK)
		status = sg_call_run(c);
	for (int i = 0; status == SG_OK && i < TESTS; i++)
		right +=
		    ((const int64_t *)sg_call_output(c, "guess")->data)[i] == label[SAMPLES + i];
	if (status != SG_OK)
		fprintf(stderr, "%s\n", sg_call_message(c));
	sg_call_free(c);
	return status == SG_OK ? right : -1;
}

static int
train(training *t)
{
	double first = 0, loss = 0;
	int status = take_params(t);

	for (int epoch = 1; status == SG_OK && epoch <= EPOCHS; epoch++) {
		status = run_epoch(t, &loss);
		if (status == SG_OK)
			printf("epoch %d   loss %.4f\n", epoch, loss);
		first = epoch == 1 ? loss : first;
	}
	if (status != SG_OK)
		fprintf(stderr, "%s\n", sg_call_message(t->c));
	return status == SG_OK && loss < first / 10;
}

int
main(int argc, char **argv)
{
	sg_model *m = sg_compile_file(argc > 1 ? argv[1] : "mlp.sg", NULL);
	training t = {.c = sg_call_new(m, "gradient", SG_BACKEND_AUTO)};
	int good, right;

	if (!sg_model_ok(m))
		fputs(sg_model_report(m, 0), stderr);
	make_data();
	good = train(&t);
	right = good ? count_right(m, &t) : 0;
	if (good)
		printf("%d of %d others told right\n", right, TESTS);
	for (size_t k = 0; k < t.nparams; k++) {
		free(t.p[k].w);
		free(t.p[k].v);
	}
	free(t.p);
	sg_call_free(t.c);
	sg_model_free(m);
	return good && right > TESTS * 9 / 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
