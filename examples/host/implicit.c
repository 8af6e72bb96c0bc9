/* implicit.c - a stiff equation, y' = f(y), by implicit Euler steps: y1 - y0 - h f(y1) = 0 is
 * solved by Newton's method, with the Jacobian that the model takes and the linear system that it
 * solves, too.
 *
 *     implicit
 *
 * The equation: Van der Pol's oscillator with mu = 100. An explicit step of this size would not
 * end. */
#include <symgrad.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] = "input y[2], y0[2], h\n"
			   "def f(y) = [y[1], 100*(1 - y[0]**2)*y[1] - y[0]]\n"
			   "r = y - y0 - h*f(y)\n"
			   "entry newton = solve(jacobian(r, y), r) as d\n";

int
main(void)
{
	const double h = 0.05;
	double y[2] = {2, 0}, y0[2], d[2];
	const int64_t two = 2;
	sg_model *m = sg_compile_string("van_der_pol", text, strlen(text), NULL);
	sg_call *c = sg_call_new(m, "newton", SG_BACKEND_AUTO);
	int status, most = 0;

	if (!sg_model_ok(m))
		fputs(sg_model_report(m, 0), stderr);
	status = sg_call_bind(c, "y", SG_DTYPE_F64, 1, &two, y);
	if (status == SG_OK)
		status = sg_call_bind(c, "y0", SG_DTYPE_F64, 1, &two, y0);
	if (status == SG_OK)
		status = sg_call_bind(c, "h", SG_DTYPE_F64, 0, NULL, &h);
	if (status == SG_OK)
		status = sg_call_bind_output(c, "d", SG_DTYPE_F64, 1, &two, d);
	for (int step = 1; status == SG_OK && step <= 1000; step++) {
		int k = 0;

		memcpy(y0, y, sizeof y0);
		do {
			status = sg_call_run(c);
			y[0] -= d[0];
			y[1] -= d[1];
		} while (status == SG_OK && ++k < 20 && fabs(d[0]) + fabs(d[1]) > 1e-10);
		most = k > most ? k : most;
		if (step % 200 == 0)
			printf("t %5.1f   y (%.6f, %.6f)\n", h * step, y[0], y[1]);
	}
	if (status != SG_OK)
		fprintf(stderr, "%s\n", sg_call_message(c));
	printf("at most %d iterations a step\n", most);
	sg_call_free(c);
	sg_model_free(m);
	return status == SG_OK && most < 20 && y[0] > 1.4 && y[0] < 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
