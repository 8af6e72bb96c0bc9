/* check_derive.c - sweeps and the derive pass: derivatives of any kind and order, on values. */
#include "derive_test.h"

/* ---- second and third derivatives of every op ---- */

/* Value of r with input i moved by step*v, where v is input `along`. */
static sg_tensor
moved_value(world *w, const answer *a, size_t out, uint32_t x, uint32_t along, double step)
{
	const sg_tensor kept = w->value[x];

	w->value[x] = tensor_for(w, w->b.g, w->input[x]);
	for (int64_t i = 0; i < kept.count; i++)
		set(&w->value[x], i, get(&kept, i) + step * get(&w->value[along], i));
	const sg_tensor v = output(w, a, out);
	w->value[x] = kept;
	return v;
}

/* Output `der` is the derivative of output `of` along input `along`. */
static void
is_slope(world *w, const char *name, const answer *a, size_t der, size_t of, uint32_t x,
         uint32_t along)
{
	const double h = 1e-5;
	const sg_tensor got = output(w, a, der);
	const sg_tensor up = moved_value(w, a, of, x, along, h),
			down = moved_value(w, a, of, x, along, -h);

	for (int64_t i = 0; i < got.count; i++) {
		const double slope = (get(&up, i) - get(&down, i)) / (2 * h);

		CLAIM(near(get(&got, i), slope, 2e-5), "%s, output %d: %.17g, slope %.17g", name,
		      (int)der, get(&got, i), slope);
	}
}

static const int64_t sizes[][NDIMS] = {{3, 2, 4}, {1, 1, 1}, {1, 3, 2}, {0, 2, 3}, {3, 0, 2}};

/* f = sum(u * tanh(r)), and by x: gradient, and its derivatives along v in every manner. */
static void
check_orders(world *w, op_case c, uint32_t x)
{
	const sg_ref in = w->input[x];
	const sg_shape *s = sg_shape_of(&w->b, in);
	const uint32_t u = w->ninputs, v = u + 1;
	const sg_ref ur = real_of(w, sg_shape_of(&w->b, c.r)), vr = real_of(w, s);
	const sg_ref f = sum_all(w, f2(w, SG_MUL, ur, f1(w, SG_TANH, c.r)));
	const sg_ref g = grad(w, f, in), gv = sum_all(w, f2(w, SG_MUL, g, vr));
	const sg_ref root[] = {
	    g,
	    deriv(w, SG_JVP, f, in, vr),
	    deriv(w, SG_HVP, f, in, vr),
	    grad(w, gv, in),
	    deriv(w, SG_HVP, gv, in, vr),
	    grad(w, sum_all(w, f2(w, SG_MUL, grad(w, gv, in), vr)), in),
	};
	answer *a = derived(w, 6, root);

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		set_dims(w, sizes[i][0], sizes[i][1], sizes[i][2]);
		if (c.fails_empty && !(w->dims[0] && w->dims[1] && w->dims[2]))
			continue;
		randomise(w);
		const sg_tensor gr = output(w, a, 0), hv = output(w, a, 2), rr = output(w, a, 3);
		const sg_tensor along = output(w, a, 1), t3 = output(w, a, 4), r3 = output(w, a, 5);
		double sum = 0;

		for (int64_t k = 0; k < gr.count; k++)
			sum += get(&gr, k) * get(&w->value[v], k);
		CLAIM(near(sum, get(&along, 0), 1e-11), "%s: jvp %.17g, grad . v %.17g", c.name,
		      get(&along, 0), sum);
		same_values(c.name, &hv, &rr, 1e-10);
		same_values(c.name, &t3, &r3, 1e-9);
		is_slope(w, c.name, a, 2, 0, x, v);
		is_slope(w, c.name, a, 4, 2, x, v);
	}
}

static void
orders(world *w)
{
	op_case c;

	for (int i = 0; (c = make_case(w, i)).r; i++) {
		const uint32_t n = w->ninputs;

		for (uint32_t x = 0; x < n; x++) {
			if (sg_type_of(&w->b, w->input[x]) != SG_F64)
				continue;
			c = make_case(w, i);
			if (has_slopes(w, c.r))
				check_orders(w, c, x);
		}
	}
}
IN_WORLD(derivatives_of_every_op_are_right_to_the_third_order, orders)

static void
elementwise_orders(world *w)
{
	static const sg_op op[] = {SG_TANH, SG_SIGMOID, SG_SOFTPLUS, SG_EXP,    SG_ERF,   SG_SIN,
	                           SG_ATAN, SG_SINH,    SG_ASINH,    SG_SQUARE, SG_EXPM1, SG_EXP2};

	for (size_t i = 0; i < sizeof op / sizeof *op; i++) {
		w->ninputs = 0;
		op_case c = {sg_op_name((uint16_t)op[i]),
		             f1(w, op[i], real_of(w, SHAPE(w, w->n, w->m))), false};
		check_orders(w, c, 0);
	}
}
IN_WORLD(derivatives_of_elementwise_ops_are_right_to_the_third_order, elementwise_orders)

/* ---- products with zeros ---- */

static void
prod_zeros(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 3)));
	const sg_ref y = sg_reduce(&w->b, SG_PROD, x, 1);

	give(w, 0, 3, (double[]){0, 0, 5});
	is(w, "gradient", grad(w, y, x), 3, (double[]){0, 0, 0});
	is(w, "hessian", deriv(w, SG_HESSIAN, y, x, 0), 9, (double[]){0, 5, 0, 5, 0, 0, 0, 0, 0});
	is(w, "third", deriv(w, SG_JACOBIAN, deriv(w, SG_HESSIAN, y, x, 0), x, 0), 27,
	   (double[]){0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0,
	              0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0});
}
IN_WORLD(products_with_zeros_are_right_to_any_order, prod_zeros)

/* ---- jacobians and hessians ---- */

/* Every op: forward and reverse Jacobians agree, and a row of it is a vjp. */
static void
jacobians(world *w)
{
	op_case c;

	for (int i = 0; (c = make_case(w, i)).r; i++) {
		const sg_ref x = w->input[sg_type_of(&w->b, w->input[0]) == SG_I64 ? 1 : 0];
		const sg_shape *s = sg_shape_of(&w->b, c.r);

		if (sg_type_of(&w->b, x) != SG_F64 || s->rank + sg_shape_of(&w->b, x)->rank > 8)
			continue;
		const sg_ref u = real_of(w, s);
		const sg_ref root[4] = {with_mode(w, SG_JACOBIAN, SG_MODE_FORWARD, c.r, x),
		                        with_mode(w, SG_JACOBIAN, SG_MODE_REVERSE, c.r, x),
		                        deriv(w, SG_VJP, c.r, x, u),
		                        deriv(w, SG_JACOBIAN, c.r, x, 0)};
		answer *a = derived(w, 4, root);
		for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
			set_dims(w, sizes[k][0], sizes[k][1], sizes[k][2]);
			if (c.fails_empty && !(w->dims[0] && w->dims[1] && w->dims[2]))
				continue;
			randomise(w);
			const sg_tensor fw = output(w, a, 0), rv = output(w, a, 1),
					v = output(w, a, 2);
			const sg_tensor autom = output(w, a, 3), uv = value_of(w, u);

			same_values(c.name, &fw, &rv, 1e-12);
			same_values(c.name, &autom, &rv, 1e-12);
			for (int64_t col = 0; col < v.count; col++) {
				double sum = 0;

				for (int64_t row = 0; row < uv.count; row++)
					sum += get(&uv, row) * get(&rv, row * v.count + col);
				CLAIM(near(sum, get(&v, col), 1e-11), "%s: J' u differs", c.name);
			}
		}
	}
}
IN_WORLD(jacobians_agree_in_both_modes_and_with_vjp, jacobians)

static void
hessians(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, w->n)), m = real_of(w, SHAPE(w, w->n, w->n));
	const sg_ref v = real_of(w, SHAPE(w, w->n));
	const sg_ref y = sum_all(w, f1(w, SG_SIN, sg_matmul(&w->b, m, f1(w, SG_SQUARE, x))));
	const sg_ref root[] = {with_mode(w, SG_HESSIAN, SG_MODE_AUTO, y, x),
	                       with_mode(w, SG_HESSIAN, SG_MODE_FORWARD, y, x),
	                       with_mode(w, SG_HESSIAN, SG_MODE_REVERSE, y, x),
	                       with_mode(w, SG_JACOBIAN, SG_MODE_AUTO,
	                                 with_mode(w, SG_GRAD, SG_MODE_FORWARD, y, x), x),
	                       deriv(w, SG_HVP, y, x, v)};
	answer *a = derived(w, 5, root);

	for (int64_t n = 0; n < 5; n++) {
		set_dims(w, n, 0, 0);
		randomise(w);
		const sg_tensor h = output(w, a, 0), hv = output(w, a, 4);
		ck_assert_int_eq(h.count, n * n);
		for (size_t k = 1; k < 4; k++) {
			const sg_tensor other = output(w, a, k);

			same_values("hessian", &h, &other, 1e-11);
		}
		for (int64_t i = 0; i < n; i++) {
			double sum = 0;

			for (int64_t j = 0; j < n; j++) {
				sum += get(&h, i * n + j) * get(&w->value[2], j);
				ck_assert(near(get(&h, i * n + j), get(&h, j * n + i), 1e-11));
			}
			ck_assert(near(sum, get(&hv, i), 1e-11));
		}
	}
}
IN_WORLD(hessians_agree_in_all_modes_and_with_hvp, hessians)

/* The derivative of a tensor's Jacobian, and of a norm of a gradient: they nest. */
static void
nesting(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 2)));
	const sg_ref y = f1(w, SG_SQUARE, x), z = sum_all(w, f2(w, SG_MUL, f1(w, SG_SQUARE, x), x));
	const sg_ref slope = sg_row_op(&w->b, SG_NORM, grad(w, z, x));

	give(w, 0, 2, (double[]){3, 4});
	is(w, "jacobian", deriv(w, SG_JACOBIAN, y, x, 0), 4, (double[]){6, 0, 0, 8});
	is(w, "its jacobian", deriv(w, SG_JACOBIAN, deriv(w, SG_JACOBIAN, y, x, 0), x, 0), 8,
	   (double[]){2, 0, 0, 0, 0, 0, 0, 2});
	/* |g| with g = 3 x^2: d|g|/dx = g 6x / |g| */
	is(w, "gradient of |gradient|", grad(w, slope, x), 2,
	   (double[]){27 * 18 / sqrt(27 * 27 + 48 * 48), 48 * 24 / sqrt(27 * 27 + 48 * 48)});
	const sg_ref first = sg_index(&w->b, x, 0, num(w, 0));
	sg_ref d = f1(w, SG_SIN, first);
	for (int i = 0; i < 4; i++)
		d = sg_index(&w->b, grad(w, d, x), 0, num(w, 0));
	is(w, "sin four times", d, 1, (double[]){sin(3)});
}
IN_WORLD(derivatives_nest, nesting)

/* ---- bindings ---- */

static void
bindings(world *w)
{
	const sg_ref x = real_of(w, scalar(w)), u = real_of(w, scalar(w));
	const sg_ref twice = f2(w, SG_MUL, constant(w, x, 2), x);
	const sg_ref a = sg_bind(&w->b, twice, 1), c = sg_bind(&w->b, twice, 2);
	const sg_ref y = f2(w, SG_MUL, f2(w, SG_MUL, a, c), u);
	const sg_ref inner = sg_bind(&w->b, x, 3);
	const sg_ref g = grad(w, f2(w, SG_MUL, inner, x), inner);

	give(w, 0, 1, (double[]){5});
	give(w, 1, 1, (double[]){3});
	is(w, "a", grad(w, y, a), 1, (double[]){30});
	is(w, "x", grad(w, y, x), 1, (double[]){120});
	is(w, "jvp a", deriv(w, SG_JVP, y, a, u), 1, (double[]){90});
	is(w, "f(u) = grad(u*w, u) called as f(w) is w", g, 1, (double[]){5});
	is(w, "and its derivative is 1", grad(w, g, x), 1, (double[]){1});
	/* one sweep, each as if asked alone */
	const sg_ref both[] = {grad(w, y, a), grad(w, y, c), grad(w, y, x), grad(w, y, u)};
	answer *all = derived(w, 4, both);
	const double expected[] = {30, 30, 120, 100};
	for (size_t i = 0; i < 4; i++) {
		const sg_tensor v = output(w, all, i);

		ck_assert(near(get(&v, 0), expected[i], 1e-14));
	}
}
IN_WORLD(derivatives_are_by_bindings, bindings)

static void
stops(world *w)
{
	const sg_ref x = real_of(w, scalar(w));
	const sg_ref y = f2(w, SG_MUL, sg_stop(&w->b, f1(w, SG_SQUARE, x)), x);
	const sg_ref zero = sg_stop(&w->b, x);

	give(w, 0, 1, (double[]){3});
	is(w, "grad", grad(w, y, x), 1, (double[]){9});
	is(w, "second", grad(w, grad(w, y, x), x), 1, (double[]){0});
	is(w, "jvp", deriv(w, SG_JVP, y, x, constant(w, x, 1)), 1, (double[]){9});
	ck_assert_uint_eq(sg_diag_count(w->ctx), 1);
	is(w, "stopped", grad(w, f1(w, SG_SIN, zero), x), 1, (double[]){0});
}
IN_WORLD(stop_gradient_is_a_constant, stops)

static void
zero_warning(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, w->n)), y = real_of(w, scalar(w));
	const sg_source *src = sg_source_text(w->ctx, "t", "grad(y, x)", 10);

	set_dims(w, 2, 0, 0);
	randomise(w);
	w->b.g->name[x] = "x";
	w->b.g->name[y] = "y";
	w->b.g->here = (sg_span){src, 0, 10};
	is(w, "zeros", grad(w, y, x), 2, (double[]){0, 0});
	ck_assert_uint_eq(sg_diag_count(w->ctx), 1);
	ck_assert_str_eq(sg_diag_at(w->ctx, 0)->code, "zero-derivative");
	ck_assert_str_eq(sg_diag_at(w->ctx, 0)->message,
	                 "'y' does not depend on 'x': the derivative is zero");
	ck_assert_int_eq(sg_diag_at(w->ctx, 0)->at.hi, 10);
	ck_assert_int_eq(sg_diag_at(w->ctx, 0)->severity, SG_WARNING);
	/* a linear y depends on x, though its Hessian is zero */
	is(w, "hessian", deriv(w, SG_HESSIAN, sum_all(w, x), x, 0), 4, (double[]){0, 0, 0, 0});
	ck_assert_uint_eq(sg_diag_count(w->ctx), 1);
}
IN_WORLD(independence_is_warned_of, zero_warning)

/* ---- types ---- */

static void
types(world *w)
{
	const sg_ref x = input_of(w, SG_F32, SHAPE(w, num(w, 2))),
		     i = input_of(w, SG_I64, SHAPE(w, num(w, 2)));
	const sg_ref xd = sg_cast(&w->b, x, SG_F64);
	const sg_ref y = sum_all(w, f2(w, SG_MUL, f1(w, SG_SQUARE, xd), sg_cast(&w->b, i, SG_F64)));
	const sg_ref n = sg_cast(&w->b, sg_cast(&w->b, y, SG_I64), SG_F64);

	give(w, 0, 2, (double[]){2, 5});
	give(w, 1, 2, (double[]){3, 7});
	is(w, "gradient", grad(w, y, x), 2, (double[]){12, 70});
	ck_assert_int_eq(derived_value(w, grad(w, y, x)).type, SG_F32);
	ck_assert_int_eq(derived_value(w, deriv(w, SG_JACOBIAN, y, x, 0)).type, SG_F64);
	is(w, "hessian", deriv(w, SG_HESSIAN, y, x, 0), 4, (double[]){6, 0, 0, 14});
	is(w, "through an integer", grad(w, n, x), 2, (double[]){0, 0});
}
IN_WORLD(types_of_derivatives_are_those_promised, types)

/* ---- size ---- */

static void
deep(world *w)
{
	const sg_ref x = real_of(w, scalar(w));
	sg_ref y = x, root[3];

	for (int i = 0; i < 300000; i++)
		y = f2(w, SG_ADD, f1(w, SG_SIN, y), x);
	root[0] = grad(w, y, x);
	root[1] = deriv(w, SG_JVP, y, x, constant(w, x, 1));
	root[2] = y;
	answer *a = derived(w, 3, root);
	ck_assert_uint_lt(a->p.g->n, 4000000);
	give(w, 0, 1, (double[]){0.5});
	const sg_tensor g = output(w, a, 0), t = output(w, a, 1);
	ck_assert(near(get(&g, 0), get(&t, 0), 1e-9));
}
IN_WORLD(deep_chains_are_linear, deep)

static void
many(world *w)
{
	const sg_ref x = real_of(w, scalar(w));
	sg_ref sum = constant(w, x, 0);

	for (int i = 0; i < 3000; i++) {
		sg_ref y = f2(w, SG_MUL, constant(w, x, i + 2), x);

		for (int k = 0; k < 20; k++)
			y = f1(w, SG_SIN, y);
		sum = f2(w, SG_ADD, sum, grad(w, y, x));
	}
	const size_t before = sg_ctx_bytes(w->ctx);
	answer *a = derived(w, 1, &sum);
	ck_assert_uint_lt(a->p.g->n, 500000);
	ck_assert_uint_lt(sg_ctx_bytes(w->ctx) - before, (size_t)400 << 20);
}
IN_WORLD(many_small_derivatives_cost_their_own_cones, many)

/* What a sum and a product depend on is put together once, not as it grows. */
static void
patterns(world *w)
{
	const sg_ext many = sg_ext_int(w->sp, 60000), some = sg_ext_int(w->sp, 600);
	const sg_ref x = real_of(w, SHAPE(w, many)), v = real_of(w, SHAPE(w, some));
	const sg_ref m = real_of(w, SHAPE(w, some, some));
	const sg_ref y[] = {sg_reduce(&w->b, SG_SUM, x, 1), sg_matmul(&w->b, m, v)};
	const sg_ref by[] = {x, v};
	const int64_t places[] = {60000, 600 * 600};

	for (int k = 0; k < 2; k++) {
		const size_t before = sg_ctx_bytes(w->ctx);
		sg_pattern p;

		ck_assert_ptr_null(sg_pattern_of(&w->b, y[k], 1, &by[k], &p));
		ck_assert_int_eq(p.rowptr[p.rows], places[k]);
		for (int64_t i = 0; i < places[k]; i++)
			CLAIM(p.col[i] == i % p.cols, "%d: %d", (int)i, (int)p.col[i]);
		ck_assert_uint_lt(sg_ctx_bytes(w->ctx) - before, (size_t)40 << 20);
	}
}
IN_WORLD(patterns_take_the_room_of_their_places, patterns)

/* A long chain of where()s keeps its masks few. */
static void
many_wheres(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, w->n)), c = real_of(w, SHAPE(w, w->n));
	sg_ref h = x;

	for (int i = 0; i < 1000; i++) {
		const sg_ref on = f2(w, SG_LT, c, constant(w, c, i));

		h = where(w, on, f1(w, SG_SIN, h), h);
	}
	answer *a = derived(w, 1, (sg_ref[]){grad(w, sum_all(w, h), x)});
	ck_assert_uint_lt(a->p.g->n, 10000);
}
IN_WORLD(masks_of_both_sides_merge, many_wheres)

static sg_ext
cost_of(world *w, const answer *a)
{
	return sg_entry_cost(w->ctx, &a->p, &a->entry);
}

static void
cost(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, w->n, w->m)), m = real_of(w, SHAPE(w, w->k, w->m));
	static const int64_t nm[] = {0, 1}, km[] = {2, 1}, nk[] = {0, 2};
	const sg_ref p = sg_contract(&w->b, x, nm, m, km, 2, nk);
	const sg_ref y = sum_all(w, f1(w, SG_TANH, p));
	sg_ref both[] = {y, grad(w, y, m)};
	sg_buf text;

	sg_buf_init(&text, w->ctx);
	sg_ext_print(w->sp, &text, cost_of(w, derived(w, 1, both)));
	ck_assert_str_eq(sg_buf_text(&text), "2*N*M*K + 11*N*K");
	int64_t value, gradient;
	set_dims(w, 7, 5, 3);
	sg_ext_eval(w->sp, cost_of(w, derived(w, 1, both)), w->dims, &value);
	sg_ext_eval(w->sp, cost_of(w, derived(w, 2, both)), w->dims, &gradient);
	ck_assert_int_lt(gradient, 3 * value);
}
IN_WORLD(operations_are_counted, cost)

/* The points of a hand: weights of bones, turned by one matrix more; and tangents of the bones. */
static void
products(world *w)
{
	const sg_ext bones = num(w, 5), dirs = num(w, 9), two = num(w, 2), three = num(w, 3);
	const sg_ref weight = real_of(w, SHAPE(w, w->n, bones)),
		     base = real_of(w, SHAPE(w, w->n, num(w, 4))),
		     bone = real_of(w, SHAPE(w, bones, three, num(w, 4))),
		     moved = real_of(w, SHAPE(w, dirs, bones, three, num(w, 4))),
		     turn = real_of(w, SHAPE(w, two, two)), scale = real_of(w, SHAPE(w, two));
	static const int64_t vb[] = {0, 1}, bij[] = {1, 2, 3}, kbij[] = {4, 1, 2, 3},
			     vij[] = {0, 2, 3}, kvij[] = {4, 0, 2, 3}, vj[] = {0, 3}, vi[] = {0, 2},
			     kvi[] = {4, 0, 2}, ci[] = {5, 2}, vc[] = {0, 5}, kvc[] = {4, 0, 5};
	const struct {
		sg_ref bone;
		uint32_t more;
		const int64_t *of_bone, *mixed, *local, *result;
		const char *cost;
	} row[] = {{bone, 0, bij, vij, vi, vc, "96*N + 164"},
	           {moved, 1, kbij, kvij, kvi, kvc, "740*N + 1444"}};

	for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
		const uint32_t more = row[k].more;
		sg_ref y = sg_contract(&w->b, weight, vb, row[k].bone, row[k].of_bone, 3 + more,
		                       row[k].mixed);
		const int64_t axis = 1 + more;

		y = sg_contract(&w->b, y, row[k].mixed, base, vj, 2 + more, row[k].local);
		y = sg_slice_axis(&w->b, y, 1 + more, num(w, 1), num(w, 1), two);
		y = f2(w, SG_MUL, sg_broadcast(&w->b, scale, sg_shape_of(&w->b, y), &axis), y);
		y = sg_contract(&w->b, y, row[k].local, turn, ci, 2 + more, row[k].result);
		answer *a = derived(w, 1, &y);
		const sg_program *q = sg_order_products(w->ctx, &a->p);

		ck_assert_str_eq(sg_ext_text(w->sp, sg_entry_cost(w->ctx, q, &q->entry[0])),
		                 row[k].cost);
		for (int64_t n = 0; n < 4; n++) {
			set_dims(w, n, 1, 1);
			randomise(w);
			const sg_tensor x = output(w, a, 0),
					z = value_in(w, q->g, q->entry[0].out[0].ref);

			ck_assert_int_eq(x.count, z.count);
			for (int64_t i = 0; i < x.count; i++)
				ck_assert(near(get(&x, i), get(&z, i), 1e-13));
		}
	}
}
IN_WORLD(products_go_in_the_cheapest_order, products)

/* What another output reads is there anyway, and what is cheap as it stands stays. */
static void
products_that_stay(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, w->n, num(w, 8))),
		     m = real_of(w, SHAPE(w, num(w, 8), num(w, 2))),
		     p = real_of(w, SHAPE(w, num(w, 2), num(w, 8)));
	const sg_ref narrow = sg_matmul(&w->b, x, m), wide = sg_matmul(&w->b, narrow, p);
	const sg_ref back = sg_matmul(&w->b, wide, m);
	const sg_ref root[][2] = {{wide, wide}, {back, wide}};

	for (int k = 0; k < 2; k++) {
		answer *a = derived(w, 2, root[k]);

		ck_assert_ptr_eq(sg_order_products(w->ctx, &a->p), &a->p);
	}
	answer *a = derived(w, 1, &back);
	const sg_program *q = sg_order_products(w->ctx, &a->p);

	ck_assert_str_eq(sg_ext_text(w->sp, cost_of(w, a)), "96*N");
	ck_assert_str_eq(sg_ext_text(w->sp, sg_entry_cost(w->ctx, q, &q->entry[0])), "32*N + 128");
}
IN_WORLD(products_that_others_read_stay, products_that_stay)

/* Angles of the whole, a shift, and the rest, of which some read two parts. */
static void
jacobian_parts(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 9))), v = real_of(w, SHAPE(w, w->n));
	const sg_ext at[] = {num(w, 0), num(w, 2), num(w, 3), num(w, 1)};
	const sg_ext count[] = {num(w, 2), num(w, 1), num(w, 6), num(w, 3)};
	sg_ref y = v, j[2];

	for (int k = 0; k < 4; k++) {
		const sg_ref s = sg_slice_axis(&w->b, x, 0, at[k], num(w, 1), count[k]);
		const sg_ref t = sum_all(w, f1(w, SG_SIN, s));

		y = f2(w, SG_MUL, y,
		       f1(w, k == 2 ? SG_TANH : SG_COS,
		          f2(w, SG_ADD, v, sg_broadcast(&w->b, t, sg_shape_of(&w->b, v), NULL))));
		if (k == 0)
			y = f1(w, SG_TANH, f1(w, SG_SIN, f1(w, SG_ATAN, y)));
	}
	j[0] = with_mode(w, SG_JACOBIAN, SG_MODE_FORWARD, y, x);
	j[1] = with_mode(w, SG_JACOBIAN, SG_MODE_REVERSE, y, x);
	answer *a = derived(w, 2, j);
	for (int64_t n = 0; n < 4; n++) {
		set_dims(w, n, 1, 1);
		randomise(w);
		const sg_tensor p = output(w, a, 0), q = output(w, a, 1);

		for (int64_t i = 0; i < p.count; i++)
			ck_assert(near(get(&p, i), get(&q, i), 1e-12));
	}
}
IN_WORLD(jacobians_by_parts_are_right, jacobian_parts)

/* Six numbers that a long way is common to, and three that are added in the end. */
static void
costs_of_parts(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 9)));
	const sg_ref s = sg_slice_axis(&w->b, x, 0, num(w, 0), num(w, 1), num(w, 6)),
		     t = sg_slice_axis(&w->b, x, 0, num(w, 6), num(w, 1), num(w, 3));
	const sg_shape *all = SHAPE(w, w->n, num(w, 3));
	const int64_t axis = 1;
	const sg_ref m = real_of(w, SHAPE(w, w->n, num(w, 6))), p = real_of(w, SHAPE(w, num(w, 3)));
	sg_ref y = sg_matmul(&w->b, m, f1(w, SG_SIN, s));

	y = f2(w, SG_MUL, sg_broadcast(&w->b, y, all, (int64_t[]){0}),
	       sg_broadcast(&w->b, p, all, &axis));
	y = f2(w, SG_ADD, y, sg_broadcast(&w->b, t, all, &axis));
	const sg_ref j = with_mode(w, SG_JACOBIAN, SG_MODE_FORWARD, y, x);

	ck_assert_str_eq(sg_ext_text(w->sp, cost_of(w, derived(w, 1, &j))), "24*N + 60");
}
IN_WORLD(sweeps_go_where_their_part_of_x_does, costs_of_parts)

/* Elements from..from+n-1 of x. */
static sg_ref
part(world *w, sg_ref x, int from, int n)
{
	return sg_slice_axis(&w->b, x, 0, num(w, from), num(w, 1), num(w, n));
}

/* x times number f. */
static sg_ref
times(world *w, sg_ref x, sg_ref f)
{
	return f2(w, SG_MUL, x, sg_broadcast(&w->b, f, sg_shape_of(&w->b, x), NULL));
}

/* Point p seen by a camera: a direction, where it stands, a factor, an offset, and two numbers by
 * which the picture is distorted. */
static sg_ref
seen(world *w, sg_ref camera, sg_ref p)
{
	const sg_ref y = f2(w, SG_SUB, p, part(w, camera, 3, 3));
	const sg_ref shift = f1(w, SG_COS, sum_all(w, f2(w, SG_MUL, y, part(w, camera, 0, 3))));
	const sg_ref t = f2(w, SG_ADD, y, sg_broadcast(&w->b, shift, sg_shape_of(&w->b, y), NULL));
	const sg_ref far = sg_index(&w->b, t, 0, num(w, 2));
	const sg_ref xy = times(w, part(w, t, 0, 2), f2(w, SG_DIV, constant(w, far, 1), far));
	const sg_ref s = sum_all(w, f1(w, SG_SQUARE, xy));
	sg_ref f = sg_index(&w->b, camera, 0, num(w, 6));

	for (int k = 9; k < 11; k++)
		f = f2(w, SG_ADD, f,
		       f2(w, SG_MUL, sg_index(&w->b, camera, 0, num(w, k)), f2(w, SG_MUL, f, s)));
	return f2(w, SG_ADD, part(w, camera, 7, 2), times(w, xy, f));
}

static int64_t
fixed_cost(world *w, size_t n, const sg_ref *root)
{
	int64_t v = 0;

	ck_assert(sg_ext_const(w->sp, cost_of(w, derived(w, n, root)), &v));
	return v;
}

static void
jacobians_together(world *w)
{
	const sg_ref r = real_of(w, SHAPE(w, num(w, 11))), p = real_of(w, SHAPE(w, num(w, 3)));
	const sg_ref y = seen(w, r, p);
	const sg_ref each[2] = {deriv(w, SG_JACOBIAN, y, r, 0), deriv(w, SG_JACOBIAN, y, p, 0)};
	answer *both = derived(w, 2, each);

	set_dims(w, 1, 1, 1);
	randomise(w);
	for (int k = 0; k < 2; k++)
		for (int mode = 0; mode < 2; mode++) {
			const sg_ref one = with_mode(
			    w, SG_JACOBIAN, mode ? SG_MODE_FORWARD : SG_MODE_REVERSE, y, k ? p : r);
			const sg_tensor expected = derived_value(w, one),
					got = output(w, both, (size_t)k);

			same_values("together", &got, &expected, 1e-13);
		}
	/* the first has all that the second needs */
	ck_assert_int_eq(fixed_cost(w, 2, each), fixed_cost(w, 1, each));
}
IN_WORLD(jacobians_of_one_value_share_what_they_need, jacobians_together)

/* One x that is made of another one has a part in its derivative. */
static void
jacobians_in_line(world *w)
{
	const sg_ref r = real_of(w, SHAPE(w, num(w, 11))), p = real_of(w, SHAPE(w, num(w, 3)));
	const sg_ref q = sg_bind(&w->b, f1(w, SG_SQUARE, r), 1);
	const sg_ref y = f2(w, SG_ADD, seen(w, q, p), seen(w, r, p));
	const sg_ref x[3] = {q, r, p};
	sg_ref all[3], forward[3];

	set_dims(w, 1, 1, 1);
	randomise(w);
	for (int k = 0; k < 3; k++) {
		all[k] = deriv(w, SG_JACOBIAN, y, x[k], 0);
		forward[k] = with_mode(w, SG_JACOBIAN, SG_MODE_FORWARD, y, x[k]);
	}
	answer *a = derived(w, 3, all);
	for (size_t k = 0; k < 3; k++) {
		const sg_tensor expected = derived_value(w, forward[k]), got = output(w, a, k);

		same_values("in line", &got, &expected, 1e-13);
	}
}
IN_WORLD(jacobians_go_through_other_variables, jacobians_in_line)

static void
names(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, w->n)), h = f1(w, SG_TANH, x);
	const sg_ref y = sum_all(w, f2(w, SG_MUL, f1(w, SG_SIN, h), h));
	bool found = false;

	w->b.g->name[h] = "h";
	answer *a = derived(w, 1, (sg_ref[]){grad(w, y, x)});
	for (sg_ref r = 1; r < a->p.g->n; r++)
		found = found || (a->p.g->name[r] && strcmp(a->p.g->name[r], "d_h") == 0);
	ck_assert(found);
}
IN_WORLD(adjoints_are_named_after_their_nodes, names)

int
main(void)
{
	Suite *s = suite_create("derive");
	TCase *t = tcase_create("derive");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, derivatives_of_every_op_are_right_to_the_third_order);
	tcase_add_test(t, derivatives_of_elementwise_ops_are_right_to_the_third_order);
	tcase_add_test(t, products_with_zeros_are_right_to_any_order);
	tcase_add_test(t, jacobians_agree_in_both_modes_and_with_vjp);
	tcase_add_test(t, hessians_agree_in_all_modes_and_with_hvp);
	tcase_add_test(t, derivatives_nest);
	tcase_add_test(t, derivatives_are_by_bindings);
	tcase_add_test(t, stop_gradient_is_a_constant);
	tcase_add_test(t, independence_is_warned_of);
	tcase_add_test(t, types_of_derivatives_are_those_promised);
	tcase_add_test(t, deep_chains_are_linear);
	tcase_add_test(t, many_small_derivatives_cost_their_own_cones);
	tcase_add_test(t, patterns_take_the_room_of_their_places);
	tcase_add_test(t, masks_of_both_sides_merge);
	tcase_add_test(t, operations_are_counted);
	tcase_add_test(t, products_go_in_the_cheapest_order);
	tcase_add_test(t, products_that_others_read_stay);
	tcase_add_test(t, jacobians_by_parts_are_right);
	tcase_add_test(t, sweeps_go_where_their_part_of_x_does);
	tcase_add_test(t, jacobians_of_one_value_share_what_they_need);
	tcase_add_test(t, jacobians_go_through_other_variables);
	tcase_add_test(t, adjoints_are_named_after_their_nodes);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
