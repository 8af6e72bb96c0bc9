/* threads.c - one model, many threads: each has a call object of its own and descends from a start
 * of its own; the model is shared, and freed when all are through.
 *
 *     threads */
#include <symgrad.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, STEPS = 2000 };

static const char text[] =
    "input x[2]\n"
    "f = (x[0]**2 + x[1] - 11)**2 + (x[0] + x[1]**2 - 7)**2    # Himmelblau\n"
    "gradient f wrt x\n";

typedef struct descent {
	sg_model *m;
	double x[2], f;
	int status;
	char message[256];
} descent;

static void *
descend(void *arg)
{
	descent *j = arg;
	const int64_t two = 2;
	double g[2];
	sg_call *c = sg_call_new(j->m, "gradient", SG_BACKEND_AUTO);

	j->status = sg_call_bind(c, "x", SG_DTYPE_F64, 1, &two, j->x);
	if (j->status == SG_OK)
		j->status = sg_call_bind_output(c, "f", SG_DTYPE_F64, 0, NULL, &j->f);
	if (j->status == SG_OK)
		j->status = sg_call_bind_output(c, "grad_x", SG_DTYPE_F64, 1, &two, g);
	for (int step = 0; j->status == SG_OK && step < STEPS; step++) {
		j->status = sg_call_run(c);
		j->x[0] -= 0.005 * g[0];
		j->x[1] -= 0.005 * g[1];
	}
	snprintf(j->message, sizeof j->message, "%s", sg_call_message(c));
	sg_call_free(c);
	return NULL;
}

int
main(void)
{
	static descent job[THREADS];
	pthread_t thread[THREADS];
	sg_model *m = sg_compile_string("himmelblau", text, strlen(text), NULL);
	int good = 0;

	if (!sg_model_ok(m))
		fputs(sg_model_report(m, 0), stderr);
	for (int i = 0; i < THREADS; i++) {
		job[i].m = m;
		job[i].x[0] = 3 * cos(0.8 * i);
		job[i].x[1] = 3 * sin(0.8 * i);
		if (pthread_create(&thread[i], NULL, descend, &job[i]) != 0)
			return EXIT_FAILURE;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		if (job[i].status != SG_OK)
			fprintf(stderr, "%s\n", job[i].message);
		printf("thread %d   f %.1e at (%.6f, %.6f)\n", i, job[i].f, job[i].x[0],
		       job[i].x[1]);
		good += job[i].status == SG_OK && job[i].f < 1e-12;
	}
	sg_model_free(m);
	return good == THREADS ? EXIT_SUCCESS : EXIT_FAILURE;
}
