/* random_forms.h - for random.c: the statements that random models are made of.
 *
 * Shapes are strings with one character for each extent: a digit, or a dimension N or M. A form asks for
 * operands a and b by patterns: x y z stand for any extent, p q for a fixed one of 2 or more, * for any
 * leading extents; what a letter stands for is the same throughout the form. In the text, $a and $b are the
 * operands, $x.. the extents, $i a number of its own, $k a number in (0, 1), $u a smooth function, $w any
 * function, $r a reduction, $t the name that is bound (where it is missing, the text is its value). What
 * stands before '|' is a statement of its own. Each value stays of moderate size, so that a difference of
 * rounding stays small. */
#ifndef SG_TESTS_RANDOM_FORMS_H
#define SG_TESTS_RANDOM_FORMS_H

typedef struct form {
	const char *a, *b, *text, *shape;
} form;

static const char *const smooth_functions[] = {
    "sin",      "cos",      "tanh",      "sigmoid", "atan",  "erf",     "gelu",  "silu",
    "softplus", "softsign", "mish",      "asinh",   "logsigmoid"};
static const char *const functions[] = {
    "sin",  "cos",    "tanh",        "sigmoid", "atan",      "erf",  "gelu",       "silu",
    "abs",  "relu",   "leaky_relu",  "elu",     "selu",      "celu", "hardtanh",   "relu6",
    "cbrt", "square", "hardsigmoid", "softsign", "hardswish", "erfc", "tanhshrink", "asinh"};
static const char *const reductions[] = {"sum", "mean", "logsumexp", "max", "min",
                                         "prod", "norm", "std", "var"};

static const form forms[] = {
    /* elementwise */
    {"*", "", "$w($a)", "*"},
    {"*", "", "$w($k*$a - $k)", "*"},
    {"*", "", "exp($k*tanh($a)) - expm1(-$k*sigmoid($a))", "*"},
    {"*", "", "log1p(square($a)) + sqrt($a**2 + $k)", "*"},
    {"*", "", "rsqrt(1 + $a*$a) * log2(2 + abs($a + 0.37))", "*"},
    {"*", "", "lgamma(1.5 + sigmoid($a)) + digamma(2 + cos($a))", "*"},
    {"*", "", "sinh(tanh($a)) - cosh($k*sin($a)) + acosh(2 + sin($a))", "*"},
    {"*", "", "tan($k*tanh($a)) + asin($k*sin($a)) - atanh($k*cos($a))", "*"},
    {"*", "", "clamp($a, -0.71, 0.83) + 0.1*$a", "*"},
    {"*", "", "(1.2 + sin($a))**$k", "*"},
    {"*", "", "reciprocal($a**2 + 1) - $a/(2 + cos($a))", "*"},
    {"*", "*", "$a + $b", "*"},
    {"*", "*", "sin($a) * $b", "*"},
    {"*", "*", "$a / ($b**2 + 1.5) - $k*$b", "*"},
    {"*", "*", "maximum($a, $b + 0.113)", "*"},
    {"*", "*", "minimum(0.9*$a, $b)", "*"},
    {"*", "*", "hypot($a, $b) + atan2($a + 2.7, $b)", "*"},
    {"*", "*", "where($a > $b, sin($a)*$b, sqrt(abs($b - $a) + 0.1))", "*"},
    {"*", "*", "where($a < 0.2 and not ($b > 0.4), log(2 + sin($b)), $a)", "*"},
    {"*", "*", "(1.1 + sin($a)) ** tanh($b)", "*"},
    {"*x", "x", "$a * tanh($b)", "*x"},
    {"*xy", "x", "cos($a) - $b[:, None]", "*xy"},
    {"x", "y", "sin($a)[:, None] - cos($b)", "xy"},
    {"*", "", "cast($a > 0.3, i32) * 0.5 + $a", "*"},
    /* reductions */
    {"*x", "", "$r(sin($a) + 0.01*$a, axis=-1)", "*"},
    {"*x", "", "$r(tanh($a), axis=-1, keepdims=true)", "*1"},
    {"xy", "", "$r(tanh($a), axis=0)", "y"},
    {"xyz", "", "mean($a, axis=(0, 2))", "y"},
    {"*x", "", "sum($a*$a, axis=-1, keepdims=true) / $x + $a", "*x"},
    {"*x", "", "softmax($a)", "*x"},
    {"*xy", "", "log_softmax($a, axis=-2)", "*xy"},
    {"*x", "", "cumsum($a, axis=-1)", "*x"},
    {"*x", "", "cumprod(tanh($a) + $k, axis=-1)", "*x"},
    {"*x", "", "layer_norm($a, eps=0.1)", "*x"},
    {"*x", "x", "rms_norm($a, weight=$b, eps=0.1)", "*x"},
    {"*x", "", "one_hot(argmax($a, axis=-1), $x) * $a", "*x"},
    {"*p", "*p", "cosine_similarity($a + 2, $b + 3)", "*"},
    /* losses */
    {"*", "*", "mse_loss($a, $b)", ""},
    {"*", "*", "l1_loss($a, 0.7*$b + 0.05, reduction=\"none\")", "*"},
    {"*", "*", "huber_loss($a, $b, delta=$k)", ""},
    {"*", "*", "smooth_l1_loss($a, $b, reduction=\"sum\", beta=$k)", ""},
    {"*", "*", "bce_with_logits($a, sigmoid($b))", ""},
    {"*", "*", "bce_loss(sigmoid($a), sigmoid($b))", ""},
    {"xp", "", "cross_entropy($a, arange($x) % $p)", ""},
    {"xp", "xp", "cross_entropy($a, softmax($b))", ""},
    {"*x", "*x", "kl_div(log_softmax($a), softmax($b))", ""},
    {"*", "*", "hinge_loss($a, $b)", ""},
    /* shapes, indices */
    {"*xy", "", "$a.T", "*yx"},
    {"xyz", "", "transpose($a, axes=(2, 0, 1))", "zxy"},
    {"pq", "", "reshape($a, [$q, $p])", "qp"},
    {"xy", "", "reshape(flatten($a), [$x, $y]) * $k", "xy"},
    {"*x", "", "flip($a, axis=-1) - 0.3*$a", "*x"},
    {"x*", "", "roll($a, 1, axis=0) + $k*$a", "x*"},
    {"*", "", "stack((sin($a), $a), axis=0)", "2*"},
    {"*x", "", "concat(($a, $a*$a), axis=-1)[..., $x:]", "*x"},
    {"*p", "", "$a[..., 1]", "*"},
    {"p*", "", "$a[-1]", "*"},
    {"*x", "", "$a[..., ::-1]", "*x"},
    {"*3", "", "$a[..., 1:]", "*2"},
    {"*4", "", "$a[..., ::2] * 1.1", "*2"},
    {"x*", "", "$a[(arange($x) + 1) % $x]", "x*"},
    {"p*", "", "$a[[[0, 1, 1], [1, 0, -1]]]", "23*"},
    {"xp", "", "$a[arange($x), arange($x) % $p]", "x"},
    {"p*", "", "$a[index]", "3*"},
    {"3*", "3*", "index_add($a, index, $b)", "3*"},
    {"p*", "", "index_put($a, [1], $k*$a[0:1])", "p*"},
    {"xy", "", "pad($a, ((1, 0), (0, 1)))[1:, :-1] + pad($a, ((0, 1), (0, 0)))[1:]", "xy"},
    {"x*", "", "repeat($a, 2, axis=0)[::2] + $a", "x*"},
    {"x", "", "tile($a, (2,))[$x:]", "x"},
    {"*", "", "squeeze(expand_dims($a, 0), 0) + $k", "*"},
    {"x", "", "broadcast_to($a, [2, $x])", "2x"},
    {"2*", "", "l$i, m$i = split($a, 2, axis=0)|l$i*sin(m$i)", "1*"},
    {"*", "", "p$i = ($a, sin($a))|l$i, m$i = p$i|l$i - m$i*$k", "*"},
    {"*x", "", "[$a[..., 0], sin($a[..., 0])][1] - $a[..., 0]", "*"},
    {"", "", "[$a, sin($a), $k]", "3"},
    {"*", "", "([$a*j for j in 1..4])[1]", "*"},
    /* contractions and linear algebra */
    {"*xy", "yz", "$a @ tanh($b)", "*xz"},
    {"*xy", "y", "$a @ $b / $y", "*x"},
    {"x", "x", "dot(sin($a), $b)", ""},
    {"x", "y", "outer(tanh($a), tanh($b))", "xy"},
    {"xy", "zy", "einsum(\"ij,kj->ik\", tanh($a), $b)", "xz"},
    {"xyz", "xz", "einsum(\"bij,bj->bi\", sin($a), cos($b))", "xy"},
    {"xx", "", "trace($a) * 0.5 + diag($a)", "x"},
    {"x", "", "diag($a)", "xx"},
    {"*xy", "", "tril($a) - $k*triu($a, k=1)", "*xy"},
    {"*px", "", "s$i = tanh($a)|logdet(s$i @ s$i.T + 3*eye($p))", "*"},
    {"*px", "", "s$i = tanh($a)|det(0.5*(s$i @ s$i.T) + eye($p))", "*"},
    {"*px", "", "s$i = sin($a)|inv(s$i @ s$i.T + 3*eye($p))", "*pp"},
    {"px", "pz", "s$i = sin($a)|solve(s$i @ s$i.T + 3*eye($p), $b)", "pz"},
    {"px", "p", "s$i = cos($a)|solve(s$i @ s$i.T + 3*eye($p), $b)", "p"},
    {"*px", "", "s$i = tanh($a)|cholesky(s$i @ s$i.T + 3*eye($p))", "*pp"},
    {"pp", "pz", "solve_triangular(tril(tanh($a)) + 3*eye($p), $b)", "pz"},
    {"pp", "pz", "solve_triangular(triu(tanh($a)) + 3*eye($p), $b, lower=false, trans=true)", "pz"},
    /* nets */
    {"2p3", "qp3", "conv1d($a, tanh($b), padding=1)", "2q3"},
    {"1p4", "qp2", "conv1d($a, tanh($b), stride=2)", "1q2"},
    {"1p33", "2p22", "conv2d($a, sin($b))", "1222"},
    {"1p22", "2p33", "conv2d(sin($a), $b, padding=1) * 0.2", "1222"},
    {"xp4", "", "max_pool1d($a + 0.01*cumsum($a, axis=2), 2)", "xp2"},
    {"xp4", "", "avg_pool1d($a, 3, stride=1)", "xp2"},
    {"xp33", "", "avg_pool2d($a, 2, stride=1)", "xp22"},
    {"p3", "", "embedding([[0, 1], [1, 0]], $a)", "223"},
    {"xy", "xy", "attention($a, $b, sin($b))", "xy"},
    {"xyz", "xyz", "attention(sin($b), $a, $a, causal=true)", "xyz"},
    {"*", "", "dropout($a, 0.3, 7)", "*"},
    {"*x", "", "$a + 0.1*randn([$x], seed=5)", "*x"},
    /* functions, branches, loops */
    {"*", "", "def f$i(u, k=2) = $w(u*$k)*k|f$i($a, k=0.7) - f$i($a)", "*"},
    {"*", "*", "def f$i(u, v) { s = $u(u); return s*v, s }|l$i, m$i = f$i($a, $b)|l$i - m$i", "*"},
    {"*", "*", "if sum($a) > 1.37 then sin($a)*$b else $a - cos($b)", "*"},
    {"*", "", "if mean($a) < 0.31 then $a else (if max(sin($a)) > 0.77 then $w($a) else 2*$a)", "*"},
    {"x*", "", "map((r) -> $w(r)*$r(tanh(r)), $a)", "x*"},
    {"x*", "x*", "map((r, s) -> sin(r)*s - sum(r)*0.1, $a, $b)", "x*"},
    {"x*", "x*", "l$i, m$i = map((r, s) -> (r*sum(s)*0.2, $w(s)), $a, $b)|l$i + m$i", "x*"},
    {"x*", "", "map((r) -> if sum(r) > 0.61 then sin(r) else $k*r, $a)", "x*"},
    {"xy*", "", "map((r) -> map((s) -> $w(s)*sum(r)*0.2, r), $a)", "xy*"},
    {"x*", "", "scan((c, r) -> $k*c + $u(r), 0.1*$a[0], over=$a)", "*"},
    {"x*", "", "scan((c, r) -> sin(c)*r + $k, $a[0], over=$a, checkpoint=2)", "*"},
    {"x*", "", "l$i, $t = scan((c, r) -> (tanh(c + r), c*r), 0.1*$a[0], over=$a)", "x*"},
    {"x*", "", "l$i, m$i, $t = scan((c, d, r) -> (sin(d) + r, $k*c, d - r), ($a[0], 0.3*$a[0]),"
               " over=$a, checkpoint=\"auto\")", "x*"},
    {"x*", "", "scan((c, r) -> if sum(r) > 0.53 then $k*c + r else sin(c), $a[0], over=$a)", "*"},
    {"xp", "", "scan((c, r) -> c + scan((d, s) -> sin(d)*$k + s, 0.2, over=r), 0.1, over=$a)", ""},
    {"x*", "", "map((r) -> while((c) -> sum(c*c) > 1.03, (c) -> 0.6*c, 2*r, limit=40), $a)", "x*"},
    {"*", "", "while((c) -> sum(square(c)) > 0.43, (c) -> 0.7*sin(c), $a, limit=400)", "*"},
    {"*", "*", "$t, m$i = while((c, k) -> k < 3, (c, k) -> ($k*c + $u($b), k + 1), ($a, 0), limit=4)", "*"},
    /* derivatives inside */
    {"*", "", "grad(sum($u($a)*$a), $a)", "*"},
    {"*", "*", "l$i = sum($u($a)*$b)|grad(l$i, $a) - grad(l$i, $b, mode=\"reverse\")", "*"},
    {"*", "*", "jvp($u($a)*$a, $a, $b)", "*"},
    {"*", "*", "vjp($u($a), $a, tanh($b))", "*"},
    {"*", "*", "hvp(sum($u($a)), $a, $b)", "*"},
    {"x", "", "trace(hessian(sum($u($a))*sum(sin($a))*0.2, $a)) * $a", "x"},
    {"x", "", "sum(jacobian($u($a)*sum($a)*0.3, $a), axis=0)", "x"},
    {"x", "", "norm(grad(logsumexp($a*$a), $a))", ""},
    {"*", "", "def g$i(u) = grad(sum($u(u)*u), u)|g$i($a) - g$i(0.5*$a)", "*"},
    {"x*", "", "map((r) -> grad(sum(sin(r)*tanh(r)), r), $a)", "x*"},
    {"x*", "", "scan((c, r) -> c - 0.1*grad(sum($u(c)*r), c), $a[0], over=$a)", "*"},
    {"x*", "", "grad(sum(scan((c, r) -> sin(c)*r + 0.2, $a[0], over=$a)), $a)", "x*"},
    {"*", "", "while((c) -> sum(c*c) > 0.51, (c) -> c - 0.3*grad(sum(c*c), c), $a, limit=100)", "*"},
};

#endif
