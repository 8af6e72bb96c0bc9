// fit.cpp - from C++: owners that free by themselves, and errors as exceptions, in a few lines around
// symgrad.h; then a line is fitted to points by descending along the gradient.
//
//     fit
#include <symgrad.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Model = std::unique_ptr<sg_model, decltype(&sg_model_free)>;
using Call = std::unique_ptr<sg_call, decltype(&sg_call_free)>;

Model compile(const std::string &text)
{
	Model m(sg_compile_string("fit", text.data(), text.size(), nullptr), sg_model_free);

	if (!sg_model_ok(m.get()))
		throw std::runtime_error(sg_model_report(m.get(), 0));
	return m;
}

void must(const Call &c, int status)
{
	if (status != SG_OK)
		throw std::runtime_error(sg_call_message(c.get()));
}

void bind(const Call &c, const char *name, std::vector<double> &v)
{
	const int64_t n = static_cast<int64_t>(v.size());

	must(c, sg_call_bind(c.get(), name, SG_DTYPE_F64, 1, &n, v.data()));
}

} // namespace

int main()
try {
	Model m = compile("input x[N], y[N]\n"
			  "param p[2]\n"
			  "gradient mean((p[0] + p[1]*x - y)**2) as loss wrt p\n");
	Call c(sg_call_new(m.get(), "gradient", SG_BACKEND_AUTO), sg_call_free);
	std::vector<double> x, y, p{0, 0}, short_one(3);

	for (int i = 0; i < 20; i++) {
		x.push_back(0.1 * i);
		y.push_back(1.5 - 0.5 * x.back());
	}
	bind(c, "x", x);
	bind(c, "y", y);
	bind(c, "p", p);
	for (int step = 0; step < 500; step++) {
		must(c, sg_call_run(c.get()));
		const double *g = static_cast<const double *>(sg_call_output(c.get(), "grad_p")->data);
		p[0] -= 0.3 * g[0];
		p[1] -= 0.3 * g[1];
	}
	std::printf("y = %.6f %+.6f x\n", p[0], p[1]);
	bind(c, "y", short_one); // a mistake comes as an exception that says what it is
	try {
		must(c, sg_call_run(c.get()));
		return 1;
	} catch (const std::runtime_error &e) {
		std::printf("as it should be: %s\n", e.what());
	}
	return std::fabs(p[0] - 1.5) + std::fabs(p[1] + 0.5) < 1e-6 ? 0 : 1;
} catch (const std::exception &e) {
	std::fprintf(stderr, "%s\n", e.what());
	return 1;
}
