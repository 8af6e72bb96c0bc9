/* descend.c - a host program: compile a model, get the gradient's machine code, go down along it.
 *
 *     descend perceptron.sg
 *
 * The function has the signature of the C that `symgrad compile` writes for the entry. */
#include <symgrad.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 16, FEATURES = 10, UNITS = 2, STEPS = 100000 };

typedef int gradient_fn(ptrdiff_t n, const float *x, const float *y, const float *w, float *loss,
                        float *grad_w, void *work);

int
main(int argc, char **argv)
{
	static float x[N * FEATURES], y[N * UNITS], w[UNITS * FEATURES], grad[UNITS * FEATURES];
	void *args[] = {x, y, w, NULL, NULL}; /* inputs, params, outputs */
	const ptrdiff_t dims[] = {N};
	const int64_t shape[] = {N};
	float loss = 1, rate = 5;
	int status = 0, step;

	/* 1. text to machine code */
	sg_model *m = sg_compile_file(argc > 1 ? argv[1] : "perceptron.sg", NULL);
	if (!m || !sg_model_ok(m)) {
		fputs(m ? sg_model_report(m, 0) : "out of memory\n", stderr);
		sg_model_free(m);
		return EXIT_FAILURE;
	}
	sg_failure why = {0};
	const sg_entry *entry = sg_model_find(m, "gradient");
	gradient_fn *gradient = (gradient_fn *)sg_entry_function(m, entry, SG_BACKEND_AUTO, &why);
	sg_uniform defaults = sg_entry_defaults(m, entry, SG_BACKEND_AUTO, &why);
	size_t bytes = 0;
	if (!gradient || !defaults || sg_entry_worksize(m, entry, shape, &bytes, &why) != SG_OK) {
		fprintf(stderr, "%s\n", why.text);
		sg_model_free(m);
		return EXIT_FAILURE;
	}
	printf("%s\n", sg_entry_prototype(m, entry, &why));

	/* 2. data; y and w start with the defaults that the model gives them */
	void *work = aligned_alloc(64, (bytes + 64) / 64 * 64);
	for (int i = 0; i < N * FEATURES; i++)
		x[i] = 0.5f + 0.5f * cosf((float)i);
	status = work ? defaults(dims, args, work) : -1;

	/* 3. down along the gradient */
	for (step = 0; status == 0 && loss >= 0.001f && step < STEPS; step++) {
		status = gradient(N, x, y, w, &loss, grad, work);
		for (int i = 0; i < UNITS * FEATURES; i++)
			w[i] -= rate * grad[i];
		if ((step & (step + 1)) == 0) /* after 1, 2, 4, 8 ... steps */
			printf("step %6d   loss %.6f\n", step + 1, (double)loss);
	}
	printf("step %6d   loss %.6f\n", step, (double)loss);
	free(work);
	sg_model_free(m);
	return status == 0 && loss < 0.001f ? EXIT_SUCCESS : EXIT_FAILURE;
}
