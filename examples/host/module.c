/* module.c - written C and the runtime, no library: a program that knows nothing of the model but
 * what its module says, and descends along the gradient in each param.
 *
 *     symgrad compile perceptron.sg && cc -O2 -DMODULE=perceptron_module module.c perceptron.c \
 *             $(pkg-config --cflags --libs symgrad_rt) && ./a.out
 *
 * So it may be code that is loaded at run time: perceptron.c as a shared object (cc -shared -fPIC),
 * opened by dlopen, with dlsym(..., "perceptron_module"). All dimensions are N here. */
#include <symgrad_runtime.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MODULE
#define MODULE perceptron_module
#endif
extern const sgrt_module MODULE;

enum { N = 16, ARGS = 16, ROOM = 4096, STEPS = 2000 };

static _Alignas(64) double room[ARGS][ROOM / 8];
static _Alignas(64) unsigned char work[1 << 16];

static void
describe(const sgrt_module *m)
{
	for (int i = 0; i < m->nentries; i++)
		printf("%s\n", m->entries[i].signature);
}

static const sgrt_entry *
find(const sgrt_module *m, const char *name)
{
	for (int i = 0; i < m->nentries; i++)
		if (strcmp(m->entries[i].name, name) == 0)
			return &m->entries[i];
	return NULL;
}

/* Elements of an argument: an extent is a number here, or the dimension. */
static ptrdiff_t
count(const sgrt_arg *a)
{
	ptrdiff_t n = 1;

	for (int k = 0; k < a->rank; k++)
		n *= strcmp(a->extents[k], "N") == 0 ? N : atoi(a->extents[k]);
	return n;
}

/* Gradients are called as their params are, with "grad_" before. */
static void
step(const sgrt_entry *e, void *const *args, float rate)
{
	for (int p = 0; p < e->nargs; p++)
		for (int g = 0; e->args[p].role == SGRT_PARAM && g < e->nargs; g++) {
			const char *name = e->args[g].name;
			float *to = args[p];
			const float *by = args[g];

			if (strncmp(name, "grad_", 5) != 0 ||
			    strcmp(name + 5, e->args[p].name) != 0)
				continue;
			for (ptrdiff_t i = 0; i < count(&e->args[p]); i++)
				to[i] -= rate * by[i];
		}
}

/* The loss is the first output; -1: a code was returned. */
static float
train(const sgrt_entry *e, void *const *args, const ptrdiff_t *dims)
{
	const float *loss = NULL;
	int status = e->defaults ? e->defaults(dims, args, work) : SGRT_OK;

	for (int i = e->nargs - 1; i >= 0; i--)
		if (e->args[i].role == SGRT_OUTPUT)
			loss = args[i];
	for (int t = 1; status == SGRT_OK && t <= STEPS; t++) {
		status = e->call(dims, args, work);
		step(e, args, 1);
		if ((t & (t - 1)) == 0)
			printf("step %4d   loss %.6f\n", t, (double)*loss);
	}
	if (status != SGRT_OK)
		fprintf(stderr, "%s\n", sgrt_strerror(status));
	return status == SGRT_OK && loss ? *loss : -1;
}

int
main(void)
{
	const sgrt_entry *e = find(&MODULE, "gradient");
	const ptrdiff_t dims[] = {N};
	void *args[ARGS];
	float loss;

	describe(&MODULE);
	if (MODULE.abi != SGRT_ABI || !e || e->ndims != 1 || e->nargs > ARGS ||
	    e->work(dims) > sizeof work)
		return EXIT_FAILURE;
	for (int i = 0; i < e->nargs; i++) {
		args[i] = room[i];
		if (e->args[i].type != SGRT_F32 || count(&e->args[i]) * 4 > ROOM)
			return EXIT_FAILURE;
		for (ptrdiff_t k = 0; k < count(&e->args[i]); k++) /* those with a default get it */
			((float *)args[i])[k] = (float)(k * 7 % 11) / 11;
	}
	loss = train(e, args, dims);
	return loss >= 0 && loss < 0.01f ? EXIT_SUCCESS : EXIT_FAILURE;
}
