/* runtime_cases.h - the claims about the kernels, for one type. check_runtime.c includes it twice,
 * with
 *   T the type, R(f) the runtime's f, C(f) a name of ours, EPS a unit roundoff. */

static T *
C(random)(uint64_t *s, ptrdiff_t n, double scale)
{
	T *x = malloc((size_t)(n + 1) * sizeof *x);
	ptrdiff_t i;

	ck_assert(x != NULL);
	for (i = 0; i < n; i++)
		x[i] = (T)(scale * random_between(s, -1, 1));
	return x;
}

static T *
C(copy)(const T *x, ptrdiff_t n)
{
	T *y = malloc((size_t)(n + 1) * sizeof *y);

	ck_assert(y != NULL);
	memcpy(y, x, (size_t)n * sizeof *y);
	return y;
}

/* |x - y| <= tol (|y| + floor), or both NaN, or both the same infinity. */
static void
C(near)(const char *what, ptrdiff_t n, const T *x, const T *y, double tol, double least)
{
	ptrdiff_t i;
	double a, b;

	for (i = 0; i < n; i++) {
		a = (double)x[i];
		b = (double)y[i];
		if (isnan(a) || isnan(b) || isinf(a) || isinf(b))
			CLAIM((isnan(a) && isnan(b)) || a == b, "%s: [%td] %g, not %g", what, i, a,
			      b);
		else
			CLAIM(fabs(a - b) <= tol * EPS * (fabs(b) + least),
			      "%s: [%td] of %td: %a, not %a", what, i, n, a, b);
	}
}

static void
C(same)(const char *what, ptrdiff_t n, const T *x, const T *y)
{
	ptrdiff_t i;

	for (i = 0; i < n; i++)
		CLAIM(memcmp(&x[i], &y[i], sizeof x[i]) == 0, "%s: [%td] %a, not %a", what, i,
		      (double)x[i], (double)y[i]);
}

static const ptrdiff_t C(extent)[] = {0, 1, 2, 3, 15, 16, 17, 100, 257};
enum { C(NEXTENT) = 9 };

/* ---- arrays ---- */

typedef void C(vfn)(ptrdiff_t, const T *, T *);

static T (*C(scalar)(const char *name))(T)
{
	char whole[32];

	snprintf(whole, sizeof whole, sizeof(T) == 4 ? "sgrt_%s_f32" : "sgrt_%s_f64", name);
	return (T(*)(T))scalar_of(whole);
}

TEST(C(array_forms_agree_with_the_scalar_and_the_reference))
{
	static C(vfn) *const f[] = {R(vexp), R(vlog), R(vtanh), R(vsigmoid),
	                            R(verf), R(vsin), R(vcos),  R(vtan)};
	static C(vfn) *const ref[] = {R(vexp_ref), R(vlog_ref), R(vtanh_ref), R(vsigmoid_ref),
	                              R(verf_ref), R(vsin_ref), R(vcos_ref),  R(vtan_ref)};
	static const char *const scalar[] = {"exp", "log", "tanh", "sigmoid",
	                                     "erf", "sin", "cos",  "tan"};
	uint64_t seed = 11;
	ptrdiff_t i, n;
	T *x, *y, *z;
	int k, e;

	for (k = 0; k < 8; k++) {
		T (*const one)(T) = C(scalar)(scalar[k]);

		for (e = 0; e < C(NEXTENT); e++) {
			n = C(extent)[e];
			x = C(random)(&seed, n, 20);
			for (i = 5; k >= 5 && i < n; i += 70)
				x[i] = (T)1e30; /* far, between others */
			y = C(random)(&seed, n, 1);
			z = C(random)(&seed, n, 1);
			f[k](n, x, y);
			ref[k](n, x, z);
			C(near)("array", n, y, z, 8, 0);
			for (i = 0; i < n; i++)
				z[i] = one(x[i]);
			C(same)("scalar", n, y, z);
			f[k](n, x, x);
			C(same)("in place", n, x, y);
			free(x);
			free(y);
			free(z);
		}
	}
}
END_TEST

/* Each of many numbers or one number to the power of each or one; far ones and short powers too. */
TEST(C(powers_agree_with_the_scalar_and_the_reference))
{
	const T one[] = {(T)2.5, 2, (T)-1.75, 7, (T)-0.5};
	uint64_t seed = 13;
	ptrdiff_t i, n, dx, dy;
	T *x, *y, *z, *w;
	int e, k;

	for (k = 0; k < 15; k++)
		for (e = 0; e < C(NEXTENT); e++) {
			dx = k % 3 != 1;
			dy = k % 3 != 2;
			n = C(extent)[e];
			x = C(random)(&seed, n + 1, 3);
			y = C(random)(&seed, n + 1, 9);
			z = C(random)(&seed, n, 1);
			w = C(random)(&seed, n, 1);
			for (i = 0; i < n; i++) {
				x[i] = i % 40 == 3 ? 0 : i % 40 == 37 ? x[i] : (T)fabs(x[i]);
				y[i] = i % 7 == 1 ? (T)floor((double)y[i]) : y[i];
			}
			x[0] = dx ? x[0] : (T)fabs(one[k / 3]);
			y[0] = dy ? y[0] : one[k / 3];
			R(vpow)(n, x, dx, y, dy, z);
			R(vpow_ref)(n, x, dx, y, dy, w);
			C(near)("power", n, z, w, 8, 0);
			for (i = 0; i < n; i++)
				w[i] = R(pow)(x[i * dx], y[i * dy]);
			C(same)("scalar", n, z, w);
			R(vpow)(n, x, dx, y, dy, dx ? x : y);
			C(same)("in place", n, dx ? x : y, z);
			free(x);
			free(y);
			free(z);
			free(w);
		}
}
END_TEST

/* A number of any exponent near 0, or one that makes quotients whole or that is none. */
static T
C(divisor)(uint64_t *seed, ptrdiff_t i)
{
	const T odd[] = {0, -(T)0.0, (T)INFINITY, -(T)INFINITY, (T)NAN,
	                 1, (T)0.25, -3,          (T)1e-42,     (T)1e-310};
	const T x = (T)random_between(seed, -2, 2);

	return i % 7 == 0 ? odd[i / 7 % 10] : (T)ldexp((double)x, (int)(i * 37 % 41) - 20);
}

/* Of what is near, far, or whole: where the libm's remainder is exact, so is this. */
TEST(C(remainders_and_quotients_are_those_of_the_libm))
{
	static void (*const f[])(ptrdiff_t, const T *, ptrdiff_t, const T *, ptrdiff_t,
	                         T *) = {R(vmod), R(vfloordiv)};
	static T (*const far[])(T, T) = {R(mod_far), R(floordiv_far)};
	enum { N = 2003 };
	T x[N], y[N], z[N], want[N];
	uint64_t seed = 29;

	for (int k = 0; k < 400; k++) {
		const ptrdiff_t dx = k % 3 != 1, dy = k % 3 != 2;

		for (ptrdiff_t i = 0; i < N; i++) {
			y[i] = C(divisor)(&seed, i + k);
			x[i] = i % 5 ? C(divisor)(&seed, i + 3 * k)
			             : y[i] * (T)floor(random_between(&seed, -1e3, 1e3));
		}
		for (ptrdiff_t i = 0; i < N; i++)
			want[i] = far[k % 2](x[i * dx], y[i * dy]);
		f[k % 2](N, x, dx, y, dy, z);
		for (ptrdiff_t i = 0; i < N; i++)
			CLAIM(memcmp(&z[i], &want[i], sizeof *z) == 0 ||
			          (isnan(z[i]) && isnan(want[i])),
			      "%a over %a: %a, not %a", (double)x[i * dx], (double)y[i * dy],
			      (double)z[i], (double)want[i]);
		f[k % 2](N, x, dx, y, dy, dx ? x : y);
		for (ptrdiff_t i = 0; i < N; i++)
			CLAIM(memcmp(dx ? &x[i] : &y[i], &z[i], sizeof *z) == 0 || isnan(z[i]),
			      "in place");
	}
}
END_TEST

TEST(C(special_values_of_the_vector_functions))
{
	const T inf = (T)INFINITY, nan = (T)NAN, least = (T)(sizeof(T) == 4 ? 0x1p-149 : 0x1p-1074);
	const T x[] = {0, -(T)0.0, inf, -inf, nan, -nan, least, -least, 1, -1};
	const struct {
		T (*f)(T);
		T y[10];
	} want[] = {
	    {R(exp), {1, 1, inf, 0, nan, nan, 1, 1, (T)M_E_, (T)(1 / M_E_)}},
	    {R(log), {-inf, -inf, inf, nan, nan, nan, (T)log((double)least), nan, 0, nan}},
	    {R(tanh), {0, -(T)0.0, 1, -1, nan, nan, least, -least, (T)tanh(1), (T)-tanh(1)}},
	    {R(sigmoid),
	     {(T)0.5, (T)0.5, 1, 0, nan, nan, (T)0.5, (T)0.5, (T)(M_E_ / (1 + M_E_)),
	      (T)(1 / (1 + M_E_))}},
	    {R(erf), {0, -(T)0.0, 1, -1, nan, nan, least, -least, (T)erf(1), (T)-erf(1)}},
	    {R(relu), {0, 0, inf, 0, nan, nan, least, 0, 1, 0}},
	    {R(softplus),
	     {(T)log(2), (T)log(2), inf, 0, nan, nan, (T)log(2), (T)log(2), (T)log1p(M_E_),
	      (T)log1p(1 / M_E_)}},
	    {R(sign), {0, 0, 1, -1, nan, nan, 1, -1, 1, -1}},
	    {R(erfc), {1, 1, 0, 2, nan, nan, 1, 1, (T)erfc(1), (T)erfc(-1)}},
	    {R(lgamma), {inf, inf, inf, inf, nan, nan, 0, 0, 0, inf}},
	    {R(digamma), {-inf, inf, inf, nan, nan, nan, -inf, inf, (T)-0.57721566490153286, nan}},
	};
	size_t k;
	int i;
	T y;

	for (k = 0; k < sizeof want / sizeof want[0]; k++)
		for (i = 0; i < 10; i++) {
			if (want[k].f == R(lgamma) && (i == 6 || i == 7))
				continue;
			y = want[k].f(x[i]);
			C(near)("special", 1, &y, &want[k].y[i], 4, 0);
			if (y == 0 && want[k].y[i] == 0 &&
			    (want[k].f == R(tanh) || want[k].f == R(erf)))
				ck_assert(!signbit(y) == !signbit(want[k].y[i]));
		}
}
END_TEST

TEST(C(nan_wins_and_divisors_give_the_sign))
{
	const T inf = (T)INFINITY, nan = (T)NAN;
	const T mod[][4] = {/* a, b, mod, floordiv: as numpy 2 gives them */
	                    {7, 3, 1, 2},           {-7, 3, 2, -3},     {7, -3, -2, -3},
	                    {-7, -3, -1, 2},        {6, 3, 0, 2},       {-6, 3, 0, -2},
	                    {(T)5.5, 2, (T)1.5, 2}, {1, 0, nan, inf},   {-1, 0, nan, -inf},
	                    {0, 0, nan, nan},       {inf, 2, nan, nan}, {2, inf, 2, 0},
	                    {-2, inf, inf, -1},     {nan, 1, nan, nan}, {1, nan, nan, nan}};
	size_t i;
	T y;

	ck_assert(isnan(R(max)(nan, 1)) && isnan(R(max)(1, nan)) && isnan(R(min)(nan, 1)));
	ck_assert(isnan(R(min)(1, nan)) && isnan(R(clamp)(nan, 0, 1)));
	ck_assert(R(max)(1, 2) == 2 && R(min)(1, 2) == 1 && R(clamp)(3, 0, 1) == 1);
	for (i = 0; i < sizeof mod / sizeof mod[0]; i++) {
		y = R(mod)(mod[i][0], mod[i][1]);
		C(near)("mod", 1, &y, &mod[i][2], 0, 0);
		y = R(floordiv)(mod[i][0], mod[i][1]);
		C(near)("floordiv", 1, &y, &mod[i][3], 0, 0);
	}
	ck_assert(R(log1mexp)(0) == -inf && isnan(R(log1mexp)(1)) && R(log1mexp)(-inf) == 0);
	ck_assert(R(polygamma)(1, -1) == inf && isnan(R(polygamma)(2, -1)) &&
	          isnan(R(polygamma)(-1, 1)));
	ck_assert(isnan(R(polygamma)((T)0.5, 1)) && R(polygamma)(2, 0) == -inf &&
	          R(polygamma)(2, inf) == 0);
}
END_TEST

/* ---- sums ---- */

TEST(C(sums_are_as_good_as_compensated_ones))
{
	uint64_t seed = 5;
	ptrdiff_t n;
	T *x, *y, a, b;
	double size;
	ptrdiff_t i;

	for (n = 0; n < 3000; n = n < 40 ? n + 1 : n * 3 / 2) {
		x = C(random)(&seed, n, 1);
		y = C(random)(&seed, 3 * n, 1);
		for (size = 0, i = 0; i < n; i++) {
			y[3 * i] = x[i];
			size += fabs((double)x[i]);
		}
		a = R(sum)(n, x);
		b = R(sum_ref)(n, x);
		C(near)("sum", 1, &a, &b, 24, size);
		b = R(sum_strided)(n, y, 3);
		C(same)("strided", 1, &a, &b);
		a = R(dot)(n, x, y);
		b = R(dot_ref)(n, x, y);
		C(near)("dot", 1, &a, &b, 24, size);
		a = R(max_number)(n, x);
		b = R(max_number_ref)(n, x);
		C(same)("max", 1, &a, &b);
		free(x);
		free(y);
	}
}
END_TEST

TEST(C(error_of_a_long_sum_does_not_grow))
{
	const ptrdiff_t n = 1 << 20;
	T *x = malloc((size_t)n * sizeof *x), r;
	ptrdiff_t i;

	for (i = 0; i < n; i++)
		x[i] = (T)0.1;
	r = R(sum)(n, x);
	ck_assert(fabs((double)r / ((double)(T)0.1 * (double)n) - 1) <= 8 * EPS);
	free(x);
}
END_TEST

/* ---- rows ---- */

typedef int C(rows)(ptrdiff_t, ptrdiff_t, const T *, T *);

TEST(C(row_functions_agree_with_their_references))
{
	static C(rows) *const f[] = {R(softmax), R(log_softmax), R(logsumexp), R(norm_rows),
	                             R(sum_columns)};
	static C(rows) *const ref[] = {R(softmax_ref), R(log_softmax_ref), R(logsumexp_ref),
	                               R(norm_rows_ref), R(sum_columns_ref)};
	const ptrdiff_t m[] = {0, 1, 5, 37};
	uint64_t seed = 3;
	ptrdiff_t n, size, outs;
	T *x, *y, *z;
	int k, i, e;

	for (k = 0; k < 5; k++)
		for (i = 0; i < 4; i++)
			for (e = 0; e < C(NEXTENT); e++) {
				n = C(extent)[e];
				size = m[i] * n;
				outs = k < 2 ? size : k < 4 ? m[i] : n;
				x = C(random)(&seed, size, 10);
				y = C(random)(&seed, outs, 1);
				z = C(random)(&seed, outs, 1);
				ck_assert(f[k](m[i], n, x, y) == SGRT_OK &&
				          ref[k](m[i], n, x, z) == SGRT_OK);
				C(near)
				("rows", outs, y, z, k == 0 ? 50 : 24,
				 k == 0   ? 0
				 : k == 4 ? 50
				          : 10);
				if (k < 2) {
					ck_assert(f[k](m[i], n, x, x) == SGRT_OK);
					C(same)("in place", size, x, y);
				}
				free(x);
				free(y);
				free(z);
				ck_assert(f[k](-1, n, NULL, NULL) == SGRT_EDIM &&
				          f[k](n, -1, NULL, NULL) == SGRT_EDIM);
			}
}
END_TEST

/* Parts of it are taken from its end on; and what is none reaches them all. */
TEST(C(softmax_of_a_long_row_agrees_with_its_reference))
{
	const ptrdiff_t extent[] = {4095, 8191, 8192, 8193, 12305, 40000};
	static const T odd[] = {(T)NAN, (T)INFINITY, 20};
	uint64_t seed = 8;
	ptrdiff_t n, i, at;
	T *x, *y, *z;
	int k, o;

	for (k = 0; k < 6; k++) {
		n = extent[k];
		x = C(random)(&seed, 2 * n, 10);
		y = C(random)(&seed, 2 * n, 1);
		z = C(random)(&seed, 2 * n, 1);
		ck_assert(R(softmax)(2, n, x, y) == SGRT_OK &&
		          R(softmax_ref)(2, n, x, z) == SGRT_OK);
		C(near)
		("of two", 2 * n, y, z, 50 + (double)n / 50, 0); /* the reference: by sqrt(n) */
		ck_assert(R(softmax)(1, n, x, z) == SGRT_OK);
		C(same)("alone", n, z, y);
		for (o = 0; o < 3; o++)
			for (at = 0; at < n; at += n / 7) {
				x[at] = odd[o];
				ck_assert(R(softmax)(1, n, x, y) == SGRT_OK);
				for (i = 0; i < n; i += 5)
					ck_assert(o < 2 ? y[i] != y[i] : y[i] <= y[at]);
				x[at] = 1;
			}
		ck_assert(R(softmax)(1, n, x, y) == SGRT_OK && R(softmax)(1, n, x, x) == SGRT_OK);
		C(same)("in place", n, x, y);
		free(x);
		free(y);
		free(z);
	}
}
END_TEST

typedef int C(places)(ptrdiff_t, ptrdiff_t, const T *, int64_t *);

/* The largest and smallest numbers of m rows of x[m,n] are what the references say. */
static void
C(check_extremes)(ptrdiff_t m, ptrdiff_t n, const T *x)
{
	static C(rows) *const f[] = {R(max_rows), R(min_rows)};
	static C(rows) *const ref[] = {R(max_rows_ref), R(min_rows_ref)};
	static C(places) *const at[] = {R(argmax_rows), R(argmin_rows)};
	static C(places) *const at_ref[] = {R(argmax_rows_ref), R(argmin_rows_ref)};
	T y[40], z[40];
	int64_t p[40], q[40];
	ptrdiff_t i;
	int k;

	for (k = 0; k < 2; k++) {
		ck_assert(f[k](m, n, x, y) == SGRT_OK && ref[k](m, n, x, z) == SGRT_OK);
		ck_assert(at[k](m, n, x, p) == SGRT_OK && at_ref[k](m, n, x, q) == SGRT_OK);
		for (i = 0; i < m; i++)
			ck_assert_msg((y[i] == z[i] || (y[i] != y[i] && z[i] != z[i])) &&
			                  p[i] == q[i],
			              "row %d of %d: %.17g, %.17g, at %d, %d", (int)i, (int)n,
			              (double)y[i], (double)z[i], (int)p[i], (int)q[i]);
	}
}

/* Ties, NaN and infinities too, wherever they stand. */
TEST(C(extremes_of_rows_are_their_references))
{
	static const T odd[] = {(T)NAN, (T)INFINITY, -(T)INFINITY, 0, (T)-0.0, 3, (T)-3, (T)NAN};
	const ptrdiff_t rows[] = {1, 16, 37};
	uint64_t seed = 9;
	ptrdiff_t n, i;
	T *x;
	int k, r;

	for (n = 1; n <= 70; n++)
		for (r = 0; r < 3; r++)
			for (k = 0; k < 3; k++) {
				x = C(random)(&seed, rows[r] * n, 3);
				for (i = 0; i < rows[r] * n; i++)
					x[i] = k == 0   ? x[i]
					       : k == 1 ? (T)(int)x[i]
					                : odd[(i * i + i / n) % 8];
				for (i = 0; k == 2 && i < rows[r]; i += 2) /* few are odd */
					x[i * n + i % n] = odd[i % 8], x[i * n] = (T)i;
				C(check_extremes)(rows[r], n, x);
				free(x);
			}
	ck_assert(R(max_rows)(2, 0, NULL, NULL) == SGRT_EEMPTY &&
	          R(max_rows)(0, 0, NULL, NULL) == SGRT_OK);
	ck_assert(R(argmin_rows)(2, 0, NULL, NULL) == SGRT_EEMPTY);
	ck_assert(R(min_rows)(-1, 1, NULL, NULL) == SGRT_EDIM &&
	          R(argmax_rows)(1, -1, NULL, NULL) == SGRT_EDIM);
}
END_TEST

/* But for which NaN it is, and for what a softmax rounds that sums up all terms as they are. */
TEST(C(logsumexp_and_softmax_at_once_are_what_they_are_apart))
{
	static const T odd[] = {(T)NAN, (T)INFINITY, -(T)INFINITY, 0, (T)3e38, (T)-3e38};
	enum { M = 37, MOST = 300 };
	uint64_t seed = 6;
	T *x, *y, *p, *z, *q;
	ptrdiff_t n, i, j;

	for (n = 0; n <= MOST; n += n < 70 ? 1 : 46) {
		x = C(random)(&seed, M * n, 10);
		y = C(random)(&seed, M, 1);
		z = C(random)(&seed, M, 1);
		p = C(random)(&seed, M * n, 1);
		q = C(random)(&seed, M * n, 1);
		for (i = 0; i < 6; i++)
			for (j = 0; j < n; j++) {
				x[i * n + j] = j == i ? odd[i] : x[i * n + j];
				x[(6 + i) * n + j] = odd[i];
			}
		ck_assert(R(logsumexp_softmax)(M, n, x, y, p) == SGRT_OK);
		ck_assert(R(logsumexp)(M, n, x, z) == SGRT_OK && R(softmax)(M, n, x, q) == SGRT_OK);
		for (i = 0; i < M; i++)
			CLAIM(y[i] == z[i] || (y[i] != y[i] && z[i] != z[i]),
			      "%td numbers, row %td: %a, not %a", n, i, (double)y[i], (double)z[i]);
		for (i = 0; i < M * n; i++)
			CLAIM(fabs((double)p[i] - (double)q[i]) <= 24 * EPS * (double)q[i] ||
			          (p[i] != p[i] && q[i] != q[i]),
			      "%td numbers, [%td]: %a, not %a", n, i, (double)p[i], (double)q[i]);
		free(x);
		free(y);
		free(p);
		free(z);
		free(q);
	}
	ck_assert(R(logsumexp_softmax)(-1, 1, NULL, NULL, NULL) == SGRT_EDIM);
}
END_TEST

/* Rows that are done together with others: numbers, and what is none. */
TEST(C(a_row_is_what_it_is_alone))
{
	static C(rows) *const f[] = {R(softmax), R(log_softmax), R(logsumexp), R(norm_rows)};
	static const T odd[] = {(T)NAN,  (T)INFINITY, -(T)INFINITY, 0,
	                        (T)-0.0, (T)1e-40,    (T)3e38,      (T)2e-45};
	enum { M = 37, MOST = 70 };
	T x[M * MOST], y[M * MOST], z[MOST], *r;
	uint64_t seed = 5;
	ptrdiff_t i, j, n, outs;
	int k;

	for (n = 1; n <= MOST; n++) {
		r = C(random)(&seed, M * n, 10);
		memcpy(x, r, (size_t)(M * n) * sizeof *x);
		free(r);
		for (i = 0; i < 8; i++)
			for (j = 0; j < n; j++) {
				x[i * n + (i + j) % n] = j < 2 ? odd[i] : x[i * n + (i + j) % n];
				x[(8 + i) * n + j] = odd[i];
			}
		for (k = 0; k < 4; k++) {
			outs = k < 2 ? n : 1;
			ck_assert(f[k](M, n, x, y) == SGRT_OK);
			for (i = 0; i < M; i++) {
				ck_assert(f[k](1, n, x + i * n, z) == SGRT_OK);
				for (j = 0; j < outs; j++)
					ck_assert_msg(
					    memcmp(&z[j], &y[i * outs + j], sizeof *z) == 0 ||
						(z[j] != z[j] &&
					         y[i * outs + j] != y[i * outs + j]),
					    "function %d, row %d of %d: %.17g, %.17g", k, (int)i,
					    (int)n, (double)z[j], (double)y[i * outs + j]);
			}
		}
	}
}
END_TEST

TEST(C(row_gradients_agree_with_their_references))
{
	const ptrdiff_t m = 4;
	uint64_t seed = 4;
	ptrdiff_t n, size;
	T *x, *g, *h, *y, *r, *d, *e;
	int k;

	for (k = 0; k < C(NEXTENT); k++) {
		n = C(extent)[k];
		size = m * n;
		x = C(random)(&seed, size, 5);
		g = C(random)(&seed, size, 1);
		h = C(random)(&seed, m, 1);
		y = C(random)(&seed, size, 1);
		r = C(random)(&seed, m, 1);
		d = C(random)(&seed, size, 1);
		e = C(random)(&seed, size, 1);
		R(softmax)(m, n, x, y);
		ck_assert(R(softmax_grad)(m, n, y, g, d) == 0 &&
		          R(softmax_grad_ref)(m, n, y, g, e) == 0);
		C(near)("softmax", size, d, e, 30, 0.2);
		R(log_softmax)(m, n, x, y);
		ck_assert(R(log_softmax_grad)(m, n, y, g, d) == 0 &&
		          R(log_softmax_grad_ref)(m, n, y, g, e) == 0);
		C(near)("log_softmax", size, d, e, 30, 10);
		R(logsumexp)(m, n, x, r);
		ck_assert(R(logsumexp_grad)(m, n, x, r, h, d) == 0 &&
		          R(logsumexp_grad_ref)(m, n, x, r, h, e) == 0);
		C(near)("logsumexp", size, d, e, 30, 0);
		R(norm_rows)(m, n, x, r);
		ck_assert(R(norm_rows_grad)(m, n, x, r, h, d) == 0 &&
		          R(norm_rows_grad_ref)(m, n, x, r, h, e) == 0);
		C(near)("norm", size, d, e, 4, 0);
		ck_assert(R(log_softmax_grad)(m, n, y, g, e) == 0 &&
		          R(log_softmax_grad)(m, n, y, g, g) == 0);
		C(same)("in place", size, g, e);
		free(x), free(g), free(h), free(y), free(r), free(d), free(e);
	}
}
END_TEST

TEST(C(rows_with_infinities_and_nan))
{
	const T i = (T)INFINITY, q = (T)NAN, big = (T)(sizeof(T) == 4 ? 3e38 : 1.7e308);
	const struct {
		T x[3], soft[3], logs[3], lse, norm;
	} want[] = {
	    {{1, q, 2}, {q, q, q}, {q, q, q}, q, q},
	    {{1, i, 2}, {q, q, q}, {q, q, q}, i, i},
	    {{i, q, 2}, {q, q, q}, {q, q, q}, q, q},
	    {{-i, -i, -i}, {q, q, q}, {q, q, q}, -i, i},
	    {{-i, q, -i}, {q, q, q}, {q, q, q}, q, q},
	    {{-i, 5, -i}, {0, 1, 0}, {-i, 0, -i}, 5, i},
	    {{big, 0, 0}, {1, 0, 0}, {0, -big, -big}, big, big},
	    {{-big, 0, -big}, {0, 1, 0}, {-big, 0, -big}, 0, (T)INFINITY},
	    {{1000, 1000, -1000},
	     {(T)0.5, (T)0.5, 0},
	     {(T)-M_LN2_, (T)-M_LN2_, (T)(-2000 - M_LN2_)},
	     (T)(1000 + M_LN2_),
	     (T)sqrt(3e6)},
	    {{0, 0, 0},
	     {(T)(1.0 / 3), (T)(1.0 / 3), (T)(1.0 / 3)},
	     {(T)-log(3), (T)-log(3), (T)-log(3)},
	     (T)log(3),
	     0},
	};
	size_t k;
	T y[3], dx[3], g = 1;

	for (k = 0; k < sizeof want / sizeof want[0]; k++) {
		R(softmax)(1, 3, want[k].x, y);
		C(near)("softmax", 3, y, want[k].soft, 4, 0);
		R(log_softmax)(1, 3, want[k].x, y);
		C(near)("log_softmax", 3, y, want[k].logs, 4, 0);
		R(logsumexp)(1, 3, want[k].x, y);
		C(near)("logsumexp", 1, y, &want[k].lse, 4, 0);
		R(norm_rows)(1, 3, want[k].x, y);
		C(near)("norm", 1, y, &want[k].norm, 4, 0);
	}
	R(norm_rows)(1, 3, want[9].x, y);
	R(norm_rows_grad)(1, 3, want[9].x, y, &g, dx);
	ck_assert(dx[0] == 0 && dx[1] == 0 && dx[2] == 0);
	R(logsumexp)(1, 0, NULL, y);
	ck_assert(y[0] == -i);
	R(norm_rows)(1, 0, NULL, y);
	ck_assert(y[0] == 0);
}
END_TEST

TEST(C(norms_neither_overflow_nor_underflow))
{
	const double scale[] = {0x1p-149,  0x1p-120, 0x1p100,  0x1p125,
	                        0x1p-1074, 0x1p-800, 0x1p1000, 0x1p1020};
	T x[2], r, want;
	int k;

	for (k = 0; k < (sizeof(T) == 4 ? 4 : 8); k++) {
		x[0] = (T)(3 * scale[k]);
		x[1] = (T)(-4 * scale[k]);
		r = R(norm)(2, x);
		want = (T)(5 * scale[k]);
		C(same)("norm", 1, &r, &want);
	}
}
END_TEST

/* A sample that is predicted well keeps the digits of its small loss. */
TEST(C(small_losses_are_accurate))
{
	const T x[] = {30, 0}, want = (T)log1p(exp(-30));
	const int32_t t[] = {0};
	T loss, dx[2], less = (T)(-1 / (1 + exp(30)));

	ck_assert(R(cross_entropy_i32)(1, 2, x, t, -100, &loss) == SGRT_OK);
	C(near)("loss", 1, &loss, &want, 4, 0);
	ck_assert(R(cross_entropy_i32_grad)(1, 2, x, t, -100, 1, dx) == SGRT_OK);
	C(near)("gradient", 1, dx, &less, 8, 0);
}
END_TEST

/* ---- losses ---- */

TEST(C(losses_agree_with_their_references))
{
	uint64_t seed = 9;
	ptrdiff_t m = 7, n, i;
	T *x, *t, *d, *e, *dt, *et, a, b;
	int32_t t32[7];
	int64_t t64[7];
	int k;

	for (k = 1; k < C(NEXTENT); k++) {
		n = C(extent)[k];
		x = C(random)(&seed, m * n, 5);
		t = C(random)(&seed, m * n, 1);
		d = C(random)(&seed, m * n, 1);
		e = C(random)(&seed, m * n, 1);
		dt = C(random)(&seed, m * n, 1);
		et = C(random)(&seed, m * n, 1);
		for (i = 0; i < m; i++)
			t64[i] = t32[i] =
			    i == 3 ? -100 : (int32_t)((uint64_t)next_random(&seed) % (uint64_t)n);
		ck_assert(R(mse)(m * n, x, t, &a) == 0 && R(mse_ref)(m * n, x, t, &b) == 0);
		C(near)("mse", 1, &a, &b, 24, 0);
		ck_assert(R(mse_grad)(m * n, x, t, 2, d) == 0 &&
		          R(mse_grad_ref)(m * n, x, t, 2, e) == 0);
		C(near)("mse gradient", m * n, d, e, 8, 1);
		ck_assert(R(cross_entropy_i32)(m, n, x, t32, -100, &a) == 0 &&
		          R(cross_entropy_i32_ref)(m, n, x, t32, -100, &b) == 0);
		C(near)("classes", 1, &a, &b, 24, 1);
		ck_assert(R(cross_entropy_i64)(m, n, x, t64, -100, &b) == 0);
		C(same)("i32 and i64", 1, &a, &b);
		ck_assert(R(cross_entropy_i32_grad)(m, n, x, t32, -100, 3, d) == 0 &&
		          R(cross_entropy_i64_grad_ref)(m, n, x, t64, -100, 3, e) == 0);
		C(near)("classes gradient", m * n, d, e, 50, 1);
		ck_assert(R(cross_entropy_prob)(m, n, x, t, &a) == 0 &&
		          R(cross_entropy_prob_ref)(m, n, x, t, &b) == 0);
		C(near)("probabilities", 1, &a, &b, 50, 10 * (double)n);
		ck_assert(R(cross_entropy_prob_grad)(m, n, x, t, 3, d, dt) == 0 &&
		          R(cross_entropy_prob_grad_ref)(m, n, x, t, 3, e, et) == 0);
		C(near)("probabilities gradient", m * n, d, e, 50, 10);
		C(near)("target gradient", m * n, dt, et, 50, 10);
		ck_assert(R(cross_entropy_prob_grad)(m, n, x, t, 3, x, NULL) == 0);
		C(same)("in place", m * n, x, d);
		free(x), free(t), free(d), free(e), free(dt), free(et);
	}
}
END_TEST

TEST(C(wrong_classes_and_empty_means_are_errors))
{
	const T x[4] = {1, 2, 3, 4};
	const int64_t bad[] = {0, 2}, low[] = {0, -1}, none[] = {-100, -100}, edge[] = {1, 0};
	T r, dx[4];

	ck_assert_int_eq(R(cross_entropy_i64)(2, 2, x, bad, -100, &r), SGRT_EINDEX);
	ck_assert_int_eq(R(cross_entropy_i64)(2, 2, x, low, -100, &r), SGRT_EINDEX);
	ck_assert_int_eq(R(cross_entropy_i64_grad)(2, 2, x, bad, -100, 1, dx), SGRT_EINDEX);
	ck_assert_int_eq(R(cross_entropy_i64)(2, 2, x, none, -100, &r), SGRT_EEMPTY);
	ck_assert_int_eq(R(cross_entropy_i64)(0, 2, x, none, -100, &r), SGRT_EEMPTY);
	ck_assert_int_eq(R(cross_entropy_i64_grad)(2, 2, x, none, -100, 1, dx), SGRT_OK);
	ck_assert(dx[0] == 0 && dx[3] == 0);
	ck_assert_int_eq(R(cross_entropy_i64)(2, 2, x, edge, -100, &r), SGRT_OK);
	ck_assert_int_eq(R(cross_entropy_prob)(0, 2, x, x, &r), SGRT_EEMPTY);
	ck_assert_int_eq(R(mse)(0, x, x, &r), SGRT_EEMPTY);
	ck_assert_int_eq(R(mse)(-1, x, x, &r), SGRT_EDIM);
	ck_assert_int_eq(R(mse_grad)(0, x, x, 1, dx), SGRT_OK);
}
END_TEST

/* ---- activations, matrix products ---- */

TEST(C(activations_agree_with_their_references))
{
	const ptrdiff_t m = 3;
	uint64_t seed = 21;
	ptrdiff_t n, size;
	T *x, *b, *g, *y, *z, *d, *e, *s, *u;
	const T *bias;
	int act, k;

	for (act = SGRT_ACT_IDENTITY; act <= SGRT_ACT_GELU; act++)
		for (k = 0; k < 2 * C(NEXTENT); k++) {
			n = C(extent)[k / 2];
			size = m * n;
			x = C(random)(&seed, size, 3);
			b = C(random)(&seed, n, 1);
			g = C(random)(&seed, size, 1);
			y = C(random)(&seed, size, 1);
			z = C(random)(&seed, size, 1);
			d = C(random)(&seed, size, 1);
			e = C(random)(&seed, size, 1);
			s = C(random)(&seed, n, 1);
			u = C(random)(&seed, n, 1);
			bias = k % 2 ? b : NULL;
			ck_assert(R(bias_act)(act, m, n, x, bias, y) == 0 &&
			          R(bias_act_ref)(act, m, n, x, bias, z) == 0);
			C(near)("activation", size, y, z, 40, 0);
			ck_assert(R(bias_act_grad)(act, m, n, x, bias, y, g, d, s) == 0 &&
			          R(bias_act_grad_ref)(act, m, n, x, bias, y, g, e, u) == 0);
			C(near)("slope", size, d, e, 40, 1);
			C(near)("bias", n, s, u, 80, 2);
			ck_assert(R(bias_act_grad)(act, m, n, x, bias, y, g, g, NULL) == 0);
			C(same)("slope in place", size, g, d);
			ck_assert(R(bias_act)(act, m, n, x, bias, x) == 0);
			C(same)("in place", size, x, y);
			free(x), free(b), free(g), free(y), free(z), free(d), free(e), free(s),
			    free(u);
		}
	ck_assert_int_eq(R(bias_act)(99, 0, 0, NULL, NULL, NULL), SGRT_OK);
	ck_assert_int_eq(R(bias_act_grad)(99, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL), SGRT_EARG);
	ck_assert_int_eq(R(bias_act)(0, -1, 0, NULL, NULL, NULL), SGRT_EDIM);
}
END_TEST

/* All transposes, steps between elements, rows backwards, and columns behind C that stay. */
TEST(C(products_agree_with_their_references))
{
	const ptrdiff_t ext[] = {0,  1,  2,  3,  4,  5,   8,   9,   12,  16, 17,
	                         23, 31, 33, 35, 64, 127, 129, 130, 300, 500};
	enum { count = sizeof ext / sizeof *ext };
	uint64_t seed = 8;
	ptrdiff_t m, n, k, s, ar, ac, br, bc;
	T *a, *b, *c, *d, *from;
	int trial, form;

	for (trial = 0; trial < 600; trial++) {
		m = ext[next_random(&seed) % count];
		n = ext[next_random(&seed) % count];
		k = trial == 0 ? 700 : ext[next_random(&seed) % count];
		form = (int)(next_random(&seed) % 32);
		s = form & 8 ? 2 : 1;
		a = C(random)(&seed, m * k * s, 1);
		b = C(random)(&seed, k * n * s, 1);
		c = C(random)(&seed, m * (n + 2), 1);
		d = C(copy)(c, m * (n + 2));
		ar = s * (form & 1 ? 1 : k);
		ac = s * (form & 1 ? m : 1);
		br = s * (form & 2 ? 1 : n);
		bc = s * (form & 2 ? k : 1);
		from = b;
		if (form & 16 && k > 0) {
			from = b + (k - 1) * br;
			br = -br;
		}
		ck_assert(R(matmul)(m, n, k, a, ar, ac, from, br, bc, c, n + 2, form & 4) ==
		          SGRT_OK);
		R(matmul_ref)(m, n, k, a, ar, ac, from, br, bc, d, n + 2, form & 4);
		C(near)("product", m * (n + 2), c, d, 20, sqrt((double)k) + 1);
		free(a), free(b), free(c), free(d);
	}
	ck_assert_int_eq(R(matmul)(-1, 1, 1, NULL, 1, 1, NULL, 1, 1, NULL, 1, 0), SGRT_EDIM);
}
END_TEST

/* NaN and inf touch their own row and column alone; padding must not spread them. */
TEST(C(products_keep_infinities_in_place))
{
	T a[6] = {1, (T)INFINITY, 2, 3, 4, 5}, b[4] = {1, 0, 0, 1}, c[6], d[6];

	R(matmul)(3, 2, 2, a, 2, 1, b, 2, 1, c, 2, 0);
	R(matmul_ref)(3, 2, 2, a, 2, 1, b, 2, 1, d, 2, 0);
	C(near)("product", 6, c, d, 0, 0);
	ck_assert(isnan(c[0]) && isinf(c[1]) && c[2] == 2 && c[5] == 5);
}
END_TEST

/* Rows of zeros, in some of the columns, are left out where that makes no difference: not where an
 * infinity or a NaN stands in A. */
TEST(C(products_with_rows_of_zeros_are_products))
{
	const ptrdiff_t cols[] = {1, 3, 12, 16, 37, 60, 530}, deep[] = {3, 22, 70, 300};
	uint64_t seed = 4;
	ptrdiff_t m, n, k, p, j, odd, ar, ac;
	T *a, *b, *c, *d;
	int trial;

	for (trial = 0; trial < 300; trial++) {
		m = 30 + (ptrdiff_t)(next_random(&seed) % 50);
		n = cols[next_random(&seed) % 7];
		k = deep[next_random(&seed) % 4];
		ar = trial & 1 ? 1 : k;
		ac = trial & 1 ? m : 1;
		a = C(random)(&seed, m * k, 1);
		b = C(random)(&seed, k * n, 1);
		c = C(random)(&seed, m * n, 1);
		d = C(copy)(c, m * n);
		odd = trial % 3 ? -1 : (ptrdiff_t)(next_random(&seed) % (uint64_t)(m * k));
		if (odd >= 0)
			a[odd] = trial & 4 ? (T)NAN : (T)INFINITY;
		for (p = 0; p < k; p++)
			for (j = 0; j < n; j++)
				if (trial & 16  ? p / 4 % 5 != j % 20 / 4
				    : trial & 8 ? p / 4 % 7 != j / 6 % 7
				                : (p * 7 + j / 8 * 3) % 11 > trial % 4)
					b[p * n + j] = p % 2 ? (T)0 : (T)-0.0;
		R(matmul)(m, n, k, a, ar, ac, b, n, 1, c, n, trial & 2);
		R(matmul_ref)(m, n, k, a, ar, ac, b, n, 1, d, n, trial & 2);
		C(near)("product", m * n, c, d, 20, sqrt((double)k) + 1);
		free(a), free(b), free(c), free(d);
	}
}
END_TEST

/* A that lies along its columns is copied for many columns of C, strip by strip; some of B is zero.
 */
TEST(C(products_of_many_columns_agree_with_their_references))
{
	const ptrdiff_t n = 1030, k = 270;
	uint64_t seed = 6;
	ptrdiff_t m, p;
	T *a, *b, *c, *d;

	for (m = 187; m <= 188; m++) {
		a = C(random)(&seed, m * k, 1);
		b = C(random)(&seed, k * n, 1);
		c = C(random)(&seed, m * n, 1);
		d = C(copy)(c, m * n);
		for (p = 10; p < k; p++)
			memset(b + p * n + 100, 0, 60 * sizeof *b);
		R(matmul)(m, n, k, a, 1, m, b, n, 1, c, n, (int)(m % 2));
		R(matmul_ref)(m, n, k, a, 1, m, b, n, 1, d, n, (int)(m % 2));
		C(near)("product", m * n, c, d, 20, sqrt((double)k) + 1);
		free(a), free(b), free(c), free(d);
	}
}
END_TEST

/* Rows are read on into the next ones, whose NaN stay in their column. */
TEST(C(products_keep_columns_apart))
{
	const ptrdiff_t m = 3, k = 40;
	ptrdiff_t n, i, j;
	uint64_t seed = 2;
	T *a, *b, *c, *d;

	for (n = 1; n < 40; n++) {
		a = C(random)(&seed, m * k, 1);
		b = C(random)(&seed, k * n, 1);
		c = C(random)(&seed, m * n, 1);
		d = C(random)(&seed, m * n, 1);
		for (i = 0; i < k; i++)
			b[i * n] = (T)NAN;
		R(matmul)(m, n, k, a, k, 1, b, n, 1, c, n, 0);
		R(matmul_ref)(m, n, k, a, k, 1, b, n, 1, d, n, 0);
		for (i = 0; i < m; i++)
			for (j = 0; j < n; j++)
				ck_assert(!isnan(c[i * n + j]) == (j > 0));
		C(near)("product", m * n, c, d, 20, 7);
		free(a), free(b), free(c), free(d);
	}
}
END_TEST

/* ---- linear algebra ---- */

/* Random matrices m [n,n] with `diagonal` added on their diagonals. */
static T *
C(matrices)(uint64_t *s, ptrdiff_t m, ptrdiff_t n, double diagonal)
{
	T *a = C(random)(s, m * n * n, 1);
	ptrdiff_t i;

	for (i = 0; i < m * n; i++)
		a[i * n + i % n] += (T)diagonal;
	return a;
}

TEST(C(factors_agree_with_their_references))
{
	const ptrdiff_t m = 3;
	uint64_t seed = 31;
	ptrdiff_t n;
	T *a, *x, *y, is[3], want[3];
	int e, status = SGRT_OK;

	for (e = 0; e < C(NEXTENT); e++) {
		n = C(extent)[e];
		a = C(matrices)(&seed, m, n, 3 + 0.1 * (double)n);
		x = C(random)(&seed, m * n * (n + 1), 1);
		y = C(random)(&seed, m * n * (n + 1), 1);
		ck_assert(R(lu)(m, n, a, x, &status) == 0 && R(lu_ref)(m, n, a, y, &status) == 0);
		C(near)("lu", m * n * (n + 1), x, y, 8 * sqrt((double)n) + 1, 3);
		ck_assert(R(logdet)(m, n, x, is) == 0 && R(logdet_ref)(m, n, x, want) == 0);
		C(near)("logdet", m, is, want, 4 + sqrt((double)n), (double)n);
		if (n < 20) {
			ck_assert(R(det)(m, n, x, is) == 0 && R(det_ref)(m, n, x, want) == 0);
			C(near)("det", m, is, want, (double)n, 0);
		}
		free(a);
		a = C(matrices)(&seed, m, n, 1 + (double)n);
		ck_assert(R(cholesky)(m, n, a, x, &status) == 0 &&
		          R(cholesky_ref)(m, n, a, y, &status) == 0);
		C(near)("cholesky", m * n * n, x, y, 24, 1);
		memcpy(a, x, (size_t)(m * n * n) * sizeof *a);
		free(y);
		y = C(random)(&seed, m * n * (n + 1), 1);
		ck_assert(R(cholesky_adjoint_ref)(m, n, a, y, x) == 0 &&
		          R(cholesky_adjoint)(m, n, a, y, y) == 0);
		C(near)("cholesky_adjoint", m * n * n, y, x, 24, 1);
		free(a), free(x), free(y);
	}
	ck_assert(R(lu)(-1, 1, NULL, NULL, &status) == SGRT_EDIM && status == SGRT_EDIM);
}
END_TEST

/* A matrix that is not positive definite is one in whichever block that shows. */
TEST(C(cholesky_finds_the_bad_pivot))
{
	static const ptrdiff_t bad[] = {0, 3, 7, 8, 31, 32, 39, 63, 69};
	enum { N = 70 };
	uint64_t seed = 35;
	T *a = C(matrices)(&seed, 1, N, 1 + (double)N), *x = C(random)(&seed, N * N, 1), was;
	size_t k;

	for (k = 0; k < sizeof bad / sizeof *bad; k++) {
		const ptrdiff_t at = bad[k] * (N + 1);
		int status = SGRT_OK;

		was = a[at];
		a[at] = k % 2 ? (T)NAN : 0;
		ck_assert_int_eq(R(cholesky)(1, N, a, x, &status), SGRT_EPOSDEF);
		a[at] = was;
		status = SGRT_OK;
		ck_assert_int_eq(R(cholesky)(1, N, a, x, &status), SGRT_OK);
	}
	free(a), free(x);
}
END_TEST

/* Of a few rows, many matrices are gone through at once. */
TEST(C(many_small_matrices_are_each_as_alone))
{
	enum { MANY = 75, BAD = 41 };
	uint64_t seed = 33;
	ptrdiff_t n, q;
	T *a, *x, *y;
	int status = SGRT_OK;

	for (n = 1; n <= 5; n++) {
		a = C(matrices)(&seed, MANY, n, 0.1);
		x = C(random)(&seed, MANY * n * (n + 1), 1);
		y = C(random)(&seed, MANY * n * (n + 1), 1);
		a[BAD * n * n] = (T)NAN;
		ck_assert_int_eq(R(lu)(MANY, n, a, x, &status), SGRT_OK);
		for (q = 0; q < MANY; q++)
			R(lu)(1, n, a + q * n * n, y + q * n * (n + 1), &status);
		C(near)("lu", MANY * n * (n + 1), x, y, 1000, 1);
		for (q = 0; q < MANY * n; q++)
			ck_assert(x[q * (n + 1) + n] == y[q * (n + 1) + n]);
		for (q = 0; q < n * n; q++)
			a[BAD * n * n + q] = 0;
		ck_assert_int_eq(R(lu)(MANY, n, a, x, &status), SGRT_ESINGULAR);
		free(a);
		status = SGRT_OK;
		a = C(matrices)(&seed, MANY, n, 1 + (double)n);
		ck_assert_int_eq(R(cholesky)(MANY, n, a, x, &status), SGRT_OK);
		for (q = 0; q < MANY; q++)
			R(cholesky)(1, n, a + q * n * n, y + q * n * n, &status);
		C(near)("cholesky", MANY * n * n, x, y, 24, 1);
		a[BAD * n * n + n * n - 1] = n % 2 ? (T)NAN : -1;
		ck_assert_int_eq(R(cholesky)(MANY, n, a, x, &status), SGRT_EPOSDEF);
		status = SGRT_OK;
		free(a), free(x), free(y);
	}
}
END_TEST

TEST(C(solutions_agree_with_their_references))
{
	static const ptrdiff_t sides[] = {0, 1, 2, 40};
	const ptrdiff_t m = 2;
	uint64_t seed = 32;
	ptrdiff_t n, k, size;
	T *a, *f, *b, *x, *y;
	int e, form, status = SGRT_OK;

	for (e = 0; e < C(NEXTENT); e++)
		for (form = 0; form < 16; form++) {
			n = C(extent)[e];
			k = sides[form / 4];
			size = m * n * k;
			a = C(matrices)(&seed, m, n, 3 + (double)n);
			f = C(random)(&seed, m * n * (n + 1), 1);
			b = C(random)(&seed, size, 1);
			x = C(random)(&seed, size, 1);
			y = C(random)(&seed, size, 1);
			R(solve_triangular)(m, n, k, form & 1, form & 2, a, b, x, &status);
			R(solve_triangular_ref)(m, n, k, form & 1, form & 2, a, b, y, &status);
			C(near)("triangular", size, x, y, 20, 1);
			R(lu)(m, n, a, f, &status);
			R(lu_solve)(m, n, k, form & 1, f, b, x);
			R(lu_solve_ref)(m, n, k, form & 1, f, b, y);
			C(near)("solve", size, x, y, 20, 1);
			R(lu_solve)(m, n, k, form & 1, f, b, b);
			C(same)("in place", size, b, x);
			ck_assert_int_eq(status, SGRT_OK);
			free(a), free(f), free(b), free(x), free(y);
		}
}
END_TEST

/* Rows change places where they must, and A x is b again. */
TEST(C(solutions_solve))
{
	const T a[9] = {0, 2, 1, 0, 0, 3, 5, 1, 0}, b[3] = {7, 9, 7};
	T lu[12], x[3], d;
	int status = SGRT_OK;

	R(lu)(1, 3, a, lu, &status);
	R(lu_solve)(1, 3, 1, 0, lu, b, x);
	C(near)("x", 3, x, (const T[3]){1, 2, 3}, 4, 0);
	R(lu_solve)(1, 3, 1, 1, lu, (const T[3]){15, 5, 7}, x);
	C(near)("x of the transpose", 3, x, (const T[3]){1, 2, 3}, 4, 0);
	R(det)(1, 3, lu, &d);
	C(near)("det", 1, &d, (const T[1]){30}, 4, 0);
	R(logdet)(1, 3, lu, &d);
	C(near)("logdet", 1, &d, (const T[1]){(T)3.4011973816621554}, 4, 0);
}
END_TEST

TEST(C(what_has_no_factors_is_an_error_that_stays))
{
	const T singular[8] = {1, 0, 0, 1, 1, 2, 2, 4}, indefinite[4] = {1, 9, 2, 3};
	const T nan[4] = {(T)NAN, 1, 2, 3};
	T lu[12], x[4];
	int status = SGRT_OK;

	ck_assert_int_eq(R(lu)(2, 2, singular, lu, &status), SGRT_ESINGULAR);
	ck_assert_int_eq(R(lu)(1, 2, singular, lu, &status), SGRT_ESINGULAR);
	status = SGRT_OK;
	ck_assert_int_eq(R(lu)(1, 2, nan, lu, &status), SGRT_OK);
	ck_assert(isnan(lu[0]));
	ck_assert_int_eq(R(cholesky)(1, 2, indefinite, x, &status), SGRT_EPOSDEF);
	status = SGRT_OK;
	ck_assert_int_eq(R(cholesky)(1, 2, nan, x, &status), SGRT_EPOSDEF);
	status = SGRT_OK;
	ck_assert_int_eq(
	    R(solve_triangular)(1, 2, 1, 1, 0, (const T[4]){1, 5, 5, 0}, singular, x, &status),
	    SGRT_ESINGULAR);
	status = SGRT_OK;
	ck_assert_int_eq(R(cholesky)(1, 2, (const T[4]){4, (T)NAN, 2, 5}, x, &status), SGRT_OK);
	C(near)("the lower triangle alone", 4, x, (const T[4]){2, 0, 1, 2}, 1, 0);
}
END_TEST

/* Windows of a 40 by 40 array, bounds within and outside of them, rows apart and side by side. */
static void
C(window_case)(uint64_t *s, const T *x)
{
	const ptrdiff_t rows = (ptrdiff_t)random_below(s, 9), cols = C(extent)[random_below(s, 7)];
	const ptrdiff_t step = 1 + (ptrdiff_t)random_below(s, 3);
	const ptrdiff_t row = cols + (ptrdiff_t)random_below(s, 2);
	const ptrdiff_t lo[2] = {(ptrdiff_t)random_below(s, 5) - 2,
	                         (ptrdiff_t)random_below(s, 9) - 4};
	const ptrdiff_t room = cols * step < 40 ? cols : 40 / step, at = 40 * 10 + 1;
	const ptrdiff_t hi[2] = {rows + 1 - (ptrdiff_t)random_below(s, 3),
	                         room - (ptrdiff_t)random_below(s, 3)};
	T a[9 * 18], b[9 * 18];
	ptrdiff_t i;

	for (i = 0; i < 9 * 18; i++)
		a[i] = b[i] = 7;
	R(window)(rows, cols, x, at, 40, step, lo[0], hi[0], lo[1], hi[1], a, row);
	R(window_ref)(rows, cols, x, at, 40, step, lo[0], hi[0], lo[1], hi[1], b, row);
	C(same)("window", 9 * 18, a, b);
}

TEST(C(windows_agree_with_their_reference))
{
	uint64_t seed = 41;
	T *x = C(random)(&seed, 40 * 40, 1);
	int k;

	for (k = 0; k < 2000; k++)
		C(window_case)(&seed, x);
	free(x);
}
END_TEST

/* Sums of windows of a 40 by 40 array: taps that move along the rows, the columns or both, bounds
 * within and outside, rows apart and side by side, x read in a row and by strides. */
static void
C(unwindow_case)(uint64_t *s, const T *x)
{
	const ptrdiff_t rows = (ptrdiff_t)random_below(s, 9), cols = C(extent)[random_below(s, 7)];
	const ptrdiff_t taps = (ptrdiff_t)random_below(s, 5);
	const ptrdiff_t x_col = cols > 10 ? 1 : 1 + (ptrdiff_t)random_below(s, 2);
	const ptrdiff_t x_row = random_below(s, 2) ? cols : 40;
	const ptrdiff_t row = cols + (ptrdiff_t)random_below(s, 2);
	const ptrdiff_t move[2] = {(ptrdiff_t)random_below(s, 3),
	                           (ptrdiff_t)random_below(s, 4) - 1};
	const ptrdiff_t lo[2] = {(ptrdiff_t)random_below(s, 5) - 2,
	                         (ptrdiff_t)random_below(s, 3) *
	                             ((ptrdiff_t)random_below(s, 9) - 4)};
	const ptrdiff_t hi[2] = {rows + 2 - (ptrdiff_t)random_below(s, 4),
	                         cols + 2 - (ptrdiff_t)random_below(s, 4)};
	const ptrdiff_t at = 40 * 10 + (ptrdiff_t)random_below(s, 3),
			tap = (ptrdiff_t)random_below(s, 60) - 30;
	T a[9 * 18], b[9 * 18];
	ptrdiff_t i;

	for (i = 0; i < 9 * 18; i++)
		a[i] = b[i] = 7;
	R(unwindow)
	(rows, cols, taps, x, at, x_row, x_col, tap, lo[0], hi[0], move[0], lo[1], hi[1], move[1],
	 a, row);
	R(unwindow_ref)
	(rows, cols, taps, x, at, x_row, x_col, tap, lo[0], hi[0], move[0], lo[1], hi[1], move[1],
	 b, row);
	C(same)("unwindow", 9 * 18, a, b);
}

TEST(C(sums_of_windows_agree_with_their_reference))
{
	uint64_t seed = 43;
	T *x = C(random)(&seed, 40 * 40, 1);
	int k;

	for (k = 0; k < 4000; k++)
		C(unwindow_case)(&seed, x);
	free(x);
}
END_TEST

static void
C(add_tests)(TCase *c)
{
	tcase_add_test(c, C(windows_agree_with_their_reference));
	tcase_add_test(c, C(sums_of_windows_agree_with_their_reference));
	tcase_add_test(c, C(array_forms_agree_with_the_scalar_and_the_reference));
	tcase_add_test(c, C(powers_agree_with_the_scalar_and_the_reference));
	tcase_add_test(c, C(remainders_and_quotients_are_those_of_the_libm));
	tcase_add_test(c, C(special_values_of_the_vector_functions));
	tcase_add_test(c, C(nan_wins_and_divisors_give_the_sign));
	tcase_add_test(c, C(sums_are_as_good_as_compensated_ones));
	tcase_add_test(c, C(error_of_a_long_sum_does_not_grow));
	tcase_add_test(c, C(row_functions_agree_with_their_references));
	tcase_add_test(c, C(softmax_of_a_long_row_agrees_with_its_reference));
	tcase_add_test(c, C(extremes_of_rows_are_their_references));
	tcase_add_test(c, C(logsumexp_and_softmax_at_once_are_what_they_are_apart));
	tcase_add_test(c, C(a_row_is_what_it_is_alone));
	tcase_add_test(c, C(row_gradients_agree_with_their_references));
	tcase_add_test(c, C(rows_with_infinities_and_nan));
	tcase_add_test(c, C(norms_neither_overflow_nor_underflow));
	tcase_add_test(c, C(small_losses_are_accurate));
	tcase_add_test(c, C(losses_agree_with_their_references));
	tcase_add_test(c, C(wrong_classes_and_empty_means_are_errors));
	tcase_add_test(c, C(activations_agree_with_their_references));
	tcase_add_test(c, C(products_agree_with_their_references));
	tcase_add_test(c, C(products_keep_infinities_in_place));
	tcase_add_test(c, C(products_of_many_columns_agree_with_their_references));
	tcase_add_test(c, C(products_keep_columns_apart));
	tcase_add_test(c, C(products_with_rows_of_zeros_are_products));
	tcase_add_test(c, C(factors_agree_with_their_references));
	tcase_add_test(c, C(cholesky_finds_the_bad_pivot));
	tcase_add_test(c, C(many_small_matrices_are_each_as_alone));
	tcase_add_test(c, C(solutions_agree_with_their_references));
	tcase_add_test(c, C(solutions_solve));
	tcase_add_test(c, C(what_has_no_factors_is_an_error_that_stays));
}
