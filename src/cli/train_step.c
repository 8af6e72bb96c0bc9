/* train_step.c - one step of each optimizer. The formulas are those of the steps that symgrad
 * compile --step writes as C (src/back/step.c, where their sources are), with the same operations
 * in the same order. */
#include "cli/train.h"

#include <math.h>

/* What a step's numbers are for one param. */
typedef struct numbers {
	double lr, momentum, beta1, beta2, eps, decay, rate, scale;
	bool nesterov;
} numbers;

#define UPDATES(T, ROOT)                                                                           \
	static void sgd_##T(const numbers *h, size_t n, T *p, const T *grad)                       \
	{                                                                                          \
		for (size_t i = 0; i < n; i++) {                                                   \
			const T g = grad[i] + (T)h->decay * p[i];                                  \
			p[i] -= (T)h->lr * g;                                                      \
		}                                                                                  \
	}                                                                                          \
	static void momentum_##T(const numbers *h, size_t n, T *p, const T *grad, T *b)            \
	{                                                                                          \
		const T mu = (T)h->momentum;                                                       \
		for (size_t i = 0; i < n; i++) {                                                   \
			const T g = grad[i] + (T)h->decay * p[i];                                  \
			b[i] = mu * b[i] + g;                                                      \
			p[i] -= (T)h->lr * (h->nesterov ? g + mu * b[i] : b[i]);                   \
		}                                                                                  \
	}                                                                                          \
	static void adam_##T(const numbers *h, size_t n, T *p, const T *grad, T *m, T *v, bool w)  \
	{                                                                                          \
		const T keep = w ? (T)(1 - h->lr * h->decay) : 1, decay = w ? 0 : (T)h->decay;     \
		const T one_less1 = (T)(1 - h->beta1), one_less2 = (T)(1 - h->beta2);              \
		const T beta2 = (T)h->beta2, rate = (T)h->rate;                                    \
		const T scale = (T)h->scale, eps = (T)h->eps;                                      \
		for (size_t i = 0; i < n; i++) {                                                   \
			const T g = grad[i] + decay * p[i];                                        \
			m[i] += one_less1 * (g - m[i]);                                            \
			v[i] = beta2 * v[i] + one_less2 * g * g;                                   \
			p[i] = keep * p[i] - rate * m[i] / (ROOT(v[i]) / scale + eps);             \
		}                                                                                  \
	}                                                                                          \
	static void update_##T(optimizer o, const numbers *h, const param *p, const void *grad)    \
	{                                                                                          \
		switch (o) {                                                                       \
		case SGD:                                                                          \
			sgd_##T(h, p->count, p->value, grad);                                      \
			break;                                                                     \
		case MOMENTUM:                                                                     \
			momentum_##T(h, p->count, p->value, grad, p->state[0]);                    \
			break;                                                                     \
		case ADAM:                                                                         \
		case ADAMW:                                                                        \
			adam_##T(h, p->count, p->value, grad, p->state[0], p->state[1],            \
			         o == ADAMW);                                                      \
			break;                                                                     \
		case LBFGS:                                                                        \
		case OPTIMIZERS:                                                                   \
			break;                                                                     \
		}                                                                                  \
	}

UPDATES(float, sqrtf)
UPDATES(double, sqrt)

void
train_update(train *t)
{
	const hyper *h = &t->h;
	const double steps = (double)t->reached.steps;
	const numbers n = {.lr = h->lr,
	                   .momentum = h->momentum,
	                   .beta1 = h->beta1,
	                   .beta2 = h->beta2,
	                   .eps = h->eps,
	                   .decay = h->weight_decay,
	                   .rate = h->lr / (1 - pow(h->beta1, steps)),
	                   .scale = sqrt(1 - pow(h->beta2, steps)),
	                   .nesterov = h->nesterov};
	size_t i;

	for (i = 0; i < t->nparams; i++) {
		const param *p = &t->param[i];
		const void *grad = sg_call_array(t->call, p->out)->data;

		(p->type == SG_DTYPE_F32 ? update_float : update_double)(t->optimizer, &n, p, grad);
	}
}

double
train_slope(const train *t)
{
	double sum = 0;
	size_t i, k;

	for (i = 0; i < t->nparams; i++) {
		const param *p = &t->param[i];
		const void *data = sg_call_array(t->call, p->out)->data;

		for (k = 0; k < p->count; k++) {
			const double g = p->type == SG_DTYPE_F32 ? (double)((const float *)data)[k]
			                                         : ((const double *)data)[k];

			sum += g * g;
		}
	}
	return sqrt(sum);
}
