/* train_plot.c - the loss over the epochs, as SVG. The axis of the loss is logarithmic where all
 * losses are positive and differ by more than a factor of ten. */
#include "cli/train.h"

#include <math.h>
#include <stdlib.h>

enum { WIDTH = 720, HEIGHT = 400, LEFT = 72, RIGHT = 20, TOP = 40, BOTTOM = 44 };
enum { MOST_POINTS = 2000 }; /* more can't be told apart */

typedef struct axis {
	double from, to; /* where logarithmic: of the logarithm */
	int at, end;     /* the same in the picture */
} axis;

static double
place(const axis *a, double v)
{
	return a->at + (v - a->from) / (a->to - a->from) * (a->end - a->at);
}

/* 1, 2 or 5 times a power of ten, so that there are about n of them. */
static double
tick_step(const axis *a, int n)
{
	const double rough = (a->to - a->from) / n, ten = pow(10, floor(log10(rough)));
	const double part = rough / ten;

	return ten * (part > 5 ? 10 : part > 2 ? 5 : part > 1 ? 2 : 1);
}

static void
put_tick(cli_text *t, const axis *a, bool upright, double v, double label)
{
	const double at = place(a, v);

	if (upright) {
		cli_printf(t,
		           "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>"
		           "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n",
		           LEFT, at, WIDTH - RIGHT, LEFT - 8, at + 4, label);
	} else {
		cli_printf(t,
		           "<path d=\"M%.1f %dV%d\" stroke=\"#eee\"/>"
		           "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.6g</text>\n",
		           at, TOP, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 18, label);
	}
}

static void
put_linear_ticks(cli_text *t, const axis *a, bool upright, int n, double least)
{
	const double rough = tick_step(a, n), step = rough < least ? least : rough;
	const double first = ceil(a->from / step - 1e-9);
	int k;

	for (k = 0; (first + k) * step <= a->to + step * 1e-9; k++) {
		put_tick(t, a, upright, (first + k) * step, (first + k) * step);
	}
}

/* Powers of ten, and twice and five times these where there are few. */
static void
put_log_ticks(cli_text *t, const axis *a)
{
	static const double part[] = {1, 2, 5};
	const double decades = a->to - a->from;
	const int each = decades > 8 ? (int)ceil(decades / 8) : 1;
	const int parts = decades <= 3 ? 3 : 1;
	const int first = (int)floor(a->from / each) * each;
	int k, i;

	for (k = first; k <= a->to; k += each) {
		for (i = 0; i < parts; i++) {
			const double v = k + log10(part[i]);

			if (v >= a->from - 1e-9 && v <= a->to + 1e-9) {
				put_tick(t, a, true, v, part[i] * pow(10, (double)k));
			}
		}
	}
}

static void
find_range(const epoch *e, size_t n, double *least, double *most)
{
	size_t i;

	*least = HUGE_VAL;
	*most = -HUGE_VAL;
	for (i = 0; i < n; i++) {
		*least = fmin(*least, e[i].loss);
		*most = fmax(*most, e[i].loss);
	}
}

static axis
loss_axis(double least, double most, bool is_log)
{
	axis a = {is_log ? log10(least) : least, is_log ? log10(most) : most, HEIGHT - BOTTOM, TOP};
	const double room = a.to > a.from ? 0.04 * (a.to - a.from) : fabs(a.to) * 0.1 + 1e-300;

	a.from -= room;
	a.to += room;
	return a;
}

static void
put_curve(cli_text *t, const axis *x, const axis *y, bool is_log, const epoch *e, size_t n)
{
	const size_t each = n > MOST_POINTS ? (n + MOST_POINTS - 1) / MOST_POINTS : 1;
	size_t i;

	cli_puts(t, "<polyline fill=\"none\" stroke=\"#1668a8\" stroke-width=\"2\" points=\"");
	for (i = 0; i < n; i += each) {
		cli_printf(t, "%.1f,%.1f ", place(x, (double)(i + 1)),
		           place(y, is_log ? log10(e[i].loss) : e[i].loss));
	}
	cli_printf(t, "%.1f,%.1f\"/>\n", place(x, (double)n),
	           place(y, is_log ? log10(e[n - 1].loss) : e[n - 1].loss));
	if (n == 1) {
		cli_printf(t, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#1668a8\"/>\n",
		           place(x, 1), place(y, is_log ? log10(e[0].loss) : e[0].loss));
	}
}

void
train_plot_text(cli_text *t, const char *name, const epoch *e, size_t n)
{
	const axis x = {1, n > 1 ? (double)n : 2, LEFT, WIDTH - RIGHT};
	double least, most;
	bool is_log;
	axis y;

	find_range(e, n, &least, &most);
	is_log = n > 0 && least > 0 && most > 10 * least;
	y = n > 0 ? loss_axis(least, most, is_log) : (axis){0, 1, HEIGHT - BOTTOM, TOP};
	cli_printf(t,
	           "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
	           "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
	           "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
	           "<text x=\"%d\" y=\"22\" font-size=\"15\">%s</text>\n"
	           "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">epoch</text>\n",
	           WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, name, WIDTH - RIGHT,
	           HEIGHT - 8);
	put_linear_ticks(t, &x, false, 8, 1);
	if (is_log) {
		put_log_ticks(t, &y);
	} else {
		put_linear_ticks(t, &y, true, 6, 0);
	}
	cli_printf(t, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#555\"/>\n", LEFT, TOP,
	           HEIGHT - BOTTOM, WIDTH - RIGHT);
	if (n > 0) {
		put_curve(t, &x, &y, is_log, e, n);
	}
	cli_puts(t, "</svg>\n");
}
