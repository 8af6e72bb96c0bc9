#!/usr/bin/env python3
"""make_golden.py - writes the recorded values beside it. Run by hand, for all files or for those
named; needs PyTorch (2.13.0 was used).

Each file is a list of blocks that tests/check_golden.c reads:

    # who computed it
    model NAME
    ...the model's text...
    end
    call ENTRY
    arg NAME SHAPE = VALUE...
    want NAME SHAPE RTOL ATOL = VALUE...

A SHAPE is 2x3, or - for a scalar; a block may have several calls. A want holds where both are NaN, both
are the same, or |got - want| <= ATOL + RTOL*|want|.

For each case the value, the reverse derivative vjp(y, x, u) and the forward derivative jvp(y, x, v) of
every differentiable input are recorded for random u and v. Edges marked "ours" in docs/numerics.md are
not PyTorch's: each says by which reasoning it was found.
"""
import math
import os
import sys
import zlib

import mpmath
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
ORIGIN = f"PyTorch {torch.__version__.split('+')[0]}, f64 on a CPU"


def number(v):
    v = float(v)
    if math.isnan(v):
        return "nan"
    if math.isinf(v):
        return "inf" if v > 0 else "-inf"
    return repr(int(v)) if v == int(v) and abs(v) < 1e15 and not (v == 0 and math.copysign(1, v) < 0) else repr(v)


def shape_text(shape):
    return "x".join(str(n) for n in shape) if len(shape) else "-"


def decl(name, shape, kind=""):
    return name + (f": {kind}" if kind else "") + (f"[{', '.join(str(n) for n in shape)}]" if len(shape) else "")


def array(v):
    return np.asarray(v.detach().numpy() if isinstance(v, torch.Tensor) else v)


class File:
    """One file of blocks, written when the program ends."""

    all = []

    def __init__(self, name, rtol=1e-12, atol=1e-13):
        self.name, self.rtol, self.atol, self.lines, self.names = name, rtol, atol, [], set()
        File.all.append(self)

    def model(self, name, text, origin=ORIGIN):
        assert name not in self.names, name
        self.names.add(name)
        self.lines += [f"# {origin}", f"model {name}", *text.strip("\n").split("\n"), "end"]

    def call(self, entry, args, wants, rtol=None, atol=None):
        self.lines.append(f"call {entry}")
        for k, v in args.items():
            v = array(v)
            self.lines.append(" ".join(["arg", k, shape_text(v.shape), "=", *map(number, v.ravel())]))
        for k, v in wants.items():
            v = array(v)
            finite = [abs(float(t)) for t in v.ravel() if np.isfinite(t)]
            r = self.rtol if rtol is None else rtol
            a = (self.atol if atol is None else atol) * max(finite + [0.0])
            self.lines.append(" ".join(["want", k, shape_text(v.shape), f"{r:g}", f"{a:.3g}", "=", *map(number, v.ravel())]))

    def write(self):
        with open(os.path.join(HERE, self.name + ".txt"), "w") as f:
            f.write("# Made by make_golden.py, which says how to read it; do not edit.\n")
            f.write("\n".join(self.lines) + "\n")
        print(self.name, len(self.names), "models")


def rng_of(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def derivatives(fn, inputs, wrt, u, v):
    """Value, vjp for each of wrt, jvp for each of wrt (through the rows of the Jacobian)."""
    t = {k: torch.tensor(np.asarray(a), requires_grad=k in wrt) for k, a in inputs.items()}
    y = fn(**t)
    g, tang = {}, {}
    if wrt:
        u = torch.tensor(u)
        gs = torch.autograd.grad(y, [t[k] for k in wrt], u, retain_graph=True, allow_unused=True)
        for k, gk in zip(wrt, gs):
            g[k] = np.zeros_like(inputs[k]) if gk is None else array(gk)
        for k in wrt:
            rows = []
            for i in range(y.numel()):
                e = torch.zeros(y.numel())
                e[i] = 1
                r, = torch.autograd.grad(y, [t[k]], e.reshape(y.shape), retain_graph=True, allow_unused=True)
                rows.append(0.0 if r is None else float((r * torch.tensor(v[k])).sum()))
            tang[k] = np.array(rows).reshape(tuple(y.shape))
    return array(y), g, tang


def case(f, name, expr, inputs, fn, wrt=None, before="", kinds={}, rtol=None, atol=None, dims=None, calls=None):
    """One block: `y = expr` over the inputs, fn the same in torch. dims: shapes to declare instead of the
    actual ones; calls: further input sets."""
    rng = rng_of(f.name + name)
    inputs = {k: np.asarray(v, dtype=None if k in kinds else float) for k, v in inputs.items()}
    if wrt is None:
        wrt = [k for k in inputs if k not in kinds]
    declared = dims or {}
    sets = [inputs] + [{k: np.asarray(v, dtype=None if k in kinds else float) for k, v in c.items()} for c in calls or []]
    rows = []
    for s in sets:
        y = fn(**{k: torch.tensor(a) for k, a in s.items()})
        u = np.round(rng.standard_normal(tuple(y.shape)), 3)
        v = {k: np.round(rng.standard_normal(s[k].shape), 3) for k in wrt}
        rows.append((s, u, v, derivatives(fn, s, wrt, u, v)))
    yshape = declared.get("y", rows[0][3][0].shape)
    shape = {k: declared.get(k, a.shape) for k, a in inputs.items()}
    text = []
    if inputs:
        text.append("input " + ", ".join(decl(k, shape[k], kinds.get(k, "")) for k in inputs))
    if wrt:
        text.append("input " + ", ".join([decl("u", yshape)] + [decl("v_" + k, shape[k]) for k in wrt]))
    if before:
        text += before.strip("\n").split("\n")
    text.append(f"y = {expr}")
    outs = ["y"] + [f"vjp(y, {k}, u) as g_{k}" for k in wrt] + [f"jvp(y, {k}, v_{k}) as t_{k}" for k in wrt]
    text.append("entry e = " + ",\n    ".join(outs))
    f.model(name, "\n".join(text))
    for s, u, v, (y, g, tang) in rows:
        args = dict(s)
        if wrt:
            args["u"] = u
            args.update({"v_" + k: v[k] for k in wrt})
        wants = {"y": y, **{"g_" + k: g[k] for k in wrt}, **{"t_" + k: tang[k] for k in wrt}}
        f.call("e", args, wants, rtol, atol)


def draw(name, *shape, lo=None, hi=None):
    rng = rng_of(name)
    a = rng.standard_normal(shape) if lo is None else rng.uniform(lo, hi, shape)
    return np.round(a, 6)


# ---- elementwise ---------------------------------------------------------------------------------

F = torch.nn.functional


def cbrt(x):
    return torch.sign(x) * torch.abs(x) ** (1 / 3)


def softplus(x):
    return torch.logaddexp(x, torch.zeros_like(x))


def expm1(x):
    """PyTorch's derivative is the rounded value plus one, which cancels on the left."""
    return torch.expm1(x.detach()) + (torch.exp(x) - torch.exp(x).detach())


class Polygamma(torch.autograd.Function):
    """By mpmath: PyTorch's own is good to about 1e-11."""

    @staticmethod
    def forward(ctx, x, n):
        ctx.save_for_backward(x)
        ctx.n = n
        return torch.tensor([float(mpmath.polygamma(n, float(t))) for t in x])

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * Polygamma.apply(x, ctx.n + 1), None


def hardsigmoid(x):
    """PyTorch's own kernel takes 1/6 rounded to f32, in f64 too."""
    return F.relu6(x + 3) / 6


def elementwise():
    f = File("elementwise", atol=0)
    wide = [-30.5, -7.25, -2.5, -1.0, -0.3, -1e-5, 1e-5, 0.4, 1.0, 1.7, 3.0, 9.5, 31.0]
    small = [-3.0, -1.5, -0.7, -0.01, 0.02, 0.5, 1.0, 2.75]
    positive = [1e-12, 1e-3, 0.25, 0.9, 1.0, 1.1, 2.0, 7.5, 1e3, 1e12]
    unit = [-0.999, -0.7, -0.2, -1e-6, 1e-6, 0.3, 0.8, 0.9999]
    one = {
        "abs": (wide, torch.abs), "sign": (wide, torch.sign), "exp": (wide, torch.exp),
        "expm1": (wide, expm1), "exp2": (wide, torch.exp2), "log": (positive, torch.log),
        "log1p": ([-0.9, -1e-9, 1e-9, 0.5, 4.0, 1e10], torch.log1p), "log2": (positive, torch.log2),
        "log10": (positive, torch.log10), "sqrt": (positive, torch.sqrt), "rsqrt": (positive, torch.rsqrt),
        "cbrt": ([-27.0, -2.0, -0.001, 0.004, 1.0, 64.5], cbrt), "square": (wide, torch.square),
        "reciprocal": (wide, torch.reciprocal), "sin": (wide, torch.sin), "cos": (wide, torch.cos),
        "tan": (small, torch.tan), "asin": (unit, torch.asin), "acos": (unit, torch.acos),
        "atan": (wide, torch.atan), "sinh": (small, torch.sinh), "cosh": (small, torch.cosh),
        "tanh": (small, torch.tanh), "asinh": (wide, torch.asinh),
        "acosh": ([1.001, 1.5, 3.0, 50.0], torch.acosh), "atanh": (unit, torch.atanh),
        "erf": (small, torch.erf), "erfc": ([-3.0, -1.5, -0.2, 0.4, 1.0, 2.5, 5.0, 9.0], torch.erfc),
        "lgamma": ([-2.5, -0.3, 0.1, 0.7, 1.5, 2.4, 6.0, 40.5], torch.lgamma),
        "digamma": ([-2.5, -0.3, 0.1, 0.7, 2.4, 6.0, 40.5], lambda x: Polygamma.apply(x, 0)),
        "floor": (small, torch.floor), "ceil": (small, torch.ceil), "trunc": (small, torch.trunc),
        "round": ([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.6], torch.round),
    }
    for name, (xs, fn) in one.items():
        case(f, name, f"{name}(x)", {"x": xs}, lambda x, fn=fn: fn(x), rtol=1e-11 if name in ("atanh", "acosh") else 1e-12)
    for n in (0, 1, 2, 3):
        case(f, f"polygamma_{n}", f"polygamma({n}, x)", {"x": [0.2, 0.7, 1.0, 2.4, 6.0, 40.5]},
             lambda x, n=n: Polygamma.apply(x, n))
    a = [-2.5, -1.0, 0.5, 0.7, 2.0, 3.0]
    b = [1.5, -0.5, -2.0, 0.25, 2.5, 0.5]
    two = {
        "atan2": (a, b, torch.atan2), "pow": ([0.3, 1.5, 2.0, 2.5, 9.0, 0.01], b, torch.pow),
        "mod": (a, b, torch.remainder), "hypot": (a, b, torch.hypot),
        "minimum": (a, b, torch.minimum), "maximum": (a, b, torch.maximum),
    }
    for name, (xs, ys, fn) in two.items():
        case(f, name, f"{name}(a, b)", {"a": xs, "b": ys}, lambda a, b, fn=fn: fn(a, b))
    case(f, "clamp", "clamp(x, -1, 1.25)", {"x": small}, lambda x: torch.clamp(x, -1, 1.25))
    case(f, "clamp_tensors", "clamp(x, lo, hi)", {"x": [-2, 0.5, 3], "lo": [-1, 0, 0], "hi": [1, 2, 2]},
         lambda x, lo, hi: torch.clamp(x, lo, hi))
    case(f, "where", "where(a > b, a*b, exp(b))", {"a": a, "b": b}, lambda a, b: torch.where(a > b, a * b, torch.exp(b)))
    odd = [0.0, 1.5, math.nan, math.inf, -math.inf]
    for name, fn in (("isnan", torch.isnan), ("isinf", torch.isinf), ("isfinite", torch.isfinite)):
        case(f, name, f"{name}(x)", {"x": odd}, lambda x, fn=fn: fn(x), wrt=[])
    case(f, "cast_i32", "cast(x, i32)", {"x": [-2.7, -0.5, 0.5, 2.7]}, lambda x: x.to(torch.int32), wrt=[])
    case(f, "cast_f32", "cast(x, f32)", {"x": [-2.7, 0.1, 1e-3]}, lambda x: x.to(torch.float32), wrt=[])
    case(f, "cast_bool", "cast(x, bool)", {"x": [-2.7, 0.0, 1e-3]}, lambda x: x.to(torch.bool), wrt=[])
    case(f, "cast_int_to_real", "cast(i, f64) / 2", {"i": [3, -4, 5]}, lambda i: i.to(torch.float64) / 2, wrt=[], kinds={"i": "i64"})


def activations():
    f = File("activations", atol=0)
    xs = [-40.0, -5.5, -2.9, -1.2, -0.5, -1e-4, 1e-4, 0.3, 0.9, 2.2, 4.5, 12.0, 45.0]
    fns = {
        "sigmoid(x)": torch.sigmoid, "logsigmoid(x)": F.logsigmoid, "relu(x)": F.relu, "relu6(x)": F.relu6,
        "leaky_relu(x)": F.leaky_relu, "leaky_relu(x, slope=0.2)": lambda x: F.leaky_relu(x, 0.2),
        "elu(x)": F.elu, "elu(x, alpha=0.5)": lambda x: F.elu(x, 0.5), "selu(x)": F.selu,
        "celu(x)": F.celu, "celu(x, alpha=2)": lambda x: F.celu(x, 2.0),
        'gelu(x, approximate="tanh")': lambda x: F.gelu(x, approximate="tanh"),
        "silu(x)": F.silu, "mish(x)": lambda x: x * torch.tanh(softplus(x)), "softplus(x)": softplus,
        "softsign(x)": F.softsign, "hardtanh(x)": F.hardtanh, "hardsigmoid(x)": hardsigmoid,
        "hardswish(x)": lambda x: x * hardsigmoid(x), "tanhshrink(x)": F.tanhshrink,
    }
    # PyTorch's gelu and tanh approximation cancel far out on the left, where ours do not.
    near = [x for x in xs if abs(x) < 4.6]
    for i, (expr, fn) in enumerate(fns.items()):
        name = expr.split("(")[0] + ("" if "," not in expr else "_" + "".join(c if c.isalnum() else "_" for c in expr.split(", ")[1].rstrip(")")).strip("_"))
        cut = near if "gelu" in expr or "tanhshrink" in expr else xs
        # 1 - sigmoid and 1 - tanh^2 round in the far tails, so derivatives there have an absolute bound.
        case(f, name, expr, {"x": cut}, lambda x, fn=fn: fn(x), atol=1e-15, rtol=1e-10 if "gelu" in expr or "tanhshrink" in expr else 1e-12)
    # The tail of gelu by erfc, as docs/numerics.md asks.
    case(f, "gelu", "gelu(x)", {"x": [-30.0, -8.0, -4.5, -1.0, -0.1, 0.2, 1.5, 6.0]}, lambda x: 0.5 * x * torch.erfc(-x / math.sqrt(2)), rtol=1e-11, atol=1e-300)


# ---- reductions and rows --------------------------------------------------------------------------

def reductions():
    f = File("reductions")
    x = draw("reductions", 2, 3, 4)
    forms = [("", None, False), ("axis=0", 0, False), ("axis=1", 1, False), ("axis=-1", -1, False),
             ("axis=(0, 2)", (0, 2), False), ("axis=(0, -1), keepdims=true", (0, 2), True),
             ("axis=1, keepdims=true", 1, True), ("keepdims=true", (0, 1, 2), True)]

    def over(fn):
        def g(x, axis, keep):
            axis = tuple(range(x.dim())) if axis is None else axis
            return fn(x, axis if isinstance(axis, tuple) else (axis,), keep)
        return g

    def prod(x, axes, keep):
        for a in sorted((a % x.dim() for a in axes), reverse=True):
            x = torch.prod(x, a, keepdim=keep)
        return x

    def reduce_bool(fn):
        def g(x, axes, keep):
            x = x > 0
            for a in sorted((a % x.dim() for a in axes), reverse=True):
                x = fn(x, a, keepdim=keep)
            return x
        return over(g)

    fns = {
        "sum": over(lambda x, a, k: torch.sum(x, a, keepdim=k)), "mean": over(lambda x, a, k: torch.mean(x, a, keepdim=k)),
        "prod": over(prod), "max": over(lambda x, a, k: torch.amax(x, a, keepdim=k)), "min": over(lambda x, a, k: torch.amin(x, a, keepdim=k)),
        "logsumexp": over(lambda x, a, k: torch.logsumexp(x, a, keepdim=k)),
        "var": over(lambda x, a, k: torch.var(x, a, correction=0, keepdim=k)), "std": over(lambda x, a, k: torch.std(x, a, correction=0, keepdim=k)),
        "norm": over(lambda x, a, k: torch.linalg.vector_norm(x, 2, a, keepdim=k)),
    }
    for name, fn in fns.items():
        for text, axis, keep in forms:
            tag = "".join(c if c.isalnum() else "_" for c in text.replace("-", "m")) or "all"
            arg = f", {text}" if text else ""
            case(f, f"{name}_{tag}", f"{name}(x{arg})", {"x": x}, lambda x, fn=fn, axis=axis, keep=keep: fn(x, axis, keep))
    for name, fn in (("any", reduce_bool(torch.any)), ("all", reduce_bool(torch.all))):
        for text, axis, keep in forms[:5]:
            tag = "".join(c if c.isalnum() else "_" for c in text.replace("-", "m")) or "all"
            arg = f", {text}" if text else ""
            case(f, f"{name}_{tag}", f"{name}(x > 0{arg})", {"x": x}, lambda x, fn=fn, axis=axis, keep=keep: fn(x, axis, keep), wrt=[])
    for o, t in (("1", 1), ("3", 3), ("inf", math.inf), ("-inf", -math.inf), ("0.5", 0.5)):
        case(f, f"norm_ord_{o.replace('.', '_').replace('-', 'm')}", f"norm(x, ord={o}, axis=1)", {"x": x}, lambda x, t=t: torch.linalg.vector_norm(x, t, 1))
    case(f, "var_ddof", "var(x, axis=2, ddof=1)", {"x": x}, lambda x: torch.var(x, 2, correction=1))
    case(f, "std_ddof", "std(x, ddof=1)", {"x": x}, lambda x: torch.std(x, correction=1))
    for name, fn in (("argmax", torch.argmax), ("argmin", torch.argmin)):
        case(f, name + "_all", f"{name}(x)", {"x": x}, lambda x, fn=fn: fn(x), wrt=[])
        case(f, name + "_axis", f"{name}(x, axis=1)", {"x": x}, lambda x, fn=fn: fn(x, 1), wrt=[])
        case(f, name + "_last", f"{name}(x, axis=-1)", {"x": x}, lambda x, fn=fn: fn(x, -1), wrt=[])
    for name, fn in (("cumsum", torch.cumsum), ("cumprod", torch.cumprod)):
        case(f, name, f"{name}(x)", {"x": x}, lambda x, fn=fn: fn(x, 0))
        case(f, name + "_last", f"{name}(x, axis=-1)", {"x": x}, lambda x, fn=fn: fn(x, -1))
    case(f, "sum_of_bool", "sum(x > 0)", {"x": x}, lambda x: torch.sum(x > 0), wrt=[])
    case(f, "mean_of_int", "mean(i)", {"i": [1, 2, 4]}, lambda i: i.to(torch.float64).mean(), wrt=[], kinds={"i": "i32"})
    # ties and zeros
    case(f, "max_ties", "max(x, axis=1)", {"x": [[1, 3, 3, 0], [2, 2, 2, 2]]}, lambda x: torch.amax(x, 1))
    case(f, "min_ties", "min(x)", {"x": [[1, 3, 1, 5], [2, 1, 2, 2]]}, lambda x: torch.amin(x, (0, 1)))
    case(f, "argmax_ties", "argmax(x, axis=1)", {"x": [[1, 3, 3, 0], [2, 2, 2, 2]]}, lambda x: torch.tensor([1, 0]), wrt=[])
    for k, row in enumerate(([2, 0, 3, 5], [2, 0, 0, 5], [0, 0, 0, 0])):
        case(f, f"prod_zeros_{k}", "prod(x)", {"x": row}, lambda x: torch.prod(x, 0))
        case(f, f"cumprod_zeros_{k}", "cumprod(x)", {"x": row}, lambda x: torch.stack([torch.prod(x[:i + 1], 0) for i in range(4)]))
    # extents 0 and 1 by a named dimension
    for name, fn in (("sum", lambda x: x.sum(0)), ("prod", lambda x: x.prod(0)), ("cumsum", lambda x: x.cumsum(0)),
                     ("norm", lambda x: torch.sqrt((x * x).sum(0)) if x.shape[0] else x.sum(0))):
        y = ("N", 3) if name == "cumsum" else (3,)
        case(f, f"{name}_extent", f"{name}(x, axis=0)", {"x": draw(name, 2, 3)}, lambda x, fn=fn: fn(x),
             dims={"x": ("N", 3), "y": y}, calls=[{"x": draw(name + "1", 1, 3)}, {"x": np.zeros((0, 3))}])
    case(f, "mean_extent", "mean(x, axis=1)", {"x": draw("me", 2, 3)}, lambda x: x.mean(1),
         dims={"x": ("N", 3), "y": ("N",)}, calls=[{"x": draw("me1", 1, 3)}, {"x": np.zeros((0, 3))}])


def rows():
    f = File("rows")
    x = draw("rows", 2, 3, 4) * 3
    for name, fn in (("softmax", torch.softmax), ("log_softmax", torch.log_softmax), ("logsumexp", torch.logsumexp)):
        for axis in (0, 1, 2, -1):
            case(f, f"{name}_{axis}".replace("-", "m"), f"{name}(x, axis={axis})", {"x": x}, lambda x, fn=fn, axis=axis: fn(x, axis))
        if name != "logsumexp":
            case(f, name, f"{name}(x)", {"x": x}, lambda x, fn=fn: fn(x, -1))
        y = (4,) if name == "logsumexp" else (4, 3)
        case(f, name + "_far", f"{name}(x, axis=-1)", {"x": [[1e4, 1e4 - 1, -1e4], [-1e4, -1e4, -1e4 - 2], [700, 710, 720], [0, 0, 0]]},
             lambda x, fn=fn: fn(x, -1))
        case(f, name + "_one", f"{name}(x, axis=-1)", {"x": draw("one", 3, 1)}, lambda x, fn=fn: fn(x, -1))
        case(f, name + "_extent", f"{name}(x, axis=1)", {"x": draw("ext", 2, 3)}, lambda x, fn=fn: fn(x, 1),
             dims={"x": ("N", "C"), "y": ("N",) if name == "logsumexp" else ("N", "C")},
             calls=[{"x": draw("ext1", 1, 1)}, {"x": np.zeros((0, 3))}, {"x": draw("ext2", 3, 17)}])


# ---- losses ------------------------------------------------------------------------------------------

def losses():
    f = File("losses")
    p, t = draw("lp", 3, 4), draw("lt", 3, 4)
    prob = draw("lprob", 3, 4, lo=0.02, hi=0.98)
    soft = draw("lsoft", 3, 4, lo=0.0, hi=1.0)
    q = draw("lq", 3, 4, lo=0.05, hi=1.0)
    q = np.round(q / q.sum(1, keepdims=True), 6)
    sign = np.sign(draw("ls", 3, 4))
    pairs = [
        ("mse_loss", "", (p, t), F.mse_loss), ("l1_loss", "", (p, t), F.l1_loss),
        ("huber_loss", "", (p, t), F.huber_loss), ("huber_loss", ", delta=0.3", (p, t), lambda a, b, reduction: F.huber_loss(a, b, reduction=reduction, delta=0.3)),
        ("smooth_l1_loss", "", (p, t), F.smooth_l1_loss), ("smooth_l1_loss", ", beta=0.3", (p, t), lambda a, b, reduction: F.smooth_l1_loss(a, b, reduction=reduction, beta=0.3)),
        ("bce_loss", "", (prob, soft), F.binary_cross_entropy), ("bce_with_logits", "", (p * 5, soft), F.binary_cross_entropy_with_logits),
        ("kl_div", "", (np.round(np.log(prob), 6), q), lambda a, b, reduction: F.kl_div(a, b, reduction=reduction)),
    ]

    def reduced(e, reduction):
        return {"mean": e.mean, "sum": e.sum, "none": lambda: e}[reduction]()

    for red in ("mean", "sum", "none"):
        arg = "" if red == "mean" else f', reduction="{red}"'
        for name, extra, (a, b), fn in pairs:
            tag = extra.replace(", ", "_").replace("=", "_").replace(".", "_")
            # PyTorch has no derivative of some losses to the target: there the formula is written out.
            own = {"huber_loss": lambda a, b, d: torch.where((a - b).abs() <= d, 0.5 * (a - b) ** 2, d * ((a - b).abs() - 0.5 * d)),
                   "smooth_l1_loss": lambda a, b, d: torch.where((a - b).abs() < d, 0.5 * (a - b) ** 2 / d, (a - b).abs() - 0.5 * d)}
            case(f, f"{name}{tag}_{red}", f"{name}(a, b{extra}{arg})", {"a": a, "b": b}, lambda a, b, fn=fn, red=red: fn(a, b, reduction=red))
        case(f, f"hinge_loss_{red}", f"hinge_loss(a, b{arg})", {"a": p, "b": sign}, lambda a, b, red=red: reduced(torch.relu(1 - a * b), red))
        idx = {"t": [2, 0, 3]}
        logp = np.round(np.log(prob / prob.sum(1, keepdims=True)), 6)
        case(f, f"cross_entropy_{red}", f"cross_entropy(a, t{arg})", {"a": p, **idx}, lambda a, t, red=red: F.cross_entropy(a, t.long(), reduction=red), kinds={"t": "i32"})
        case(f, f"cross_entropy_i64_{red}", f"cross_entropy(a, t{arg})", {"a": p, **idx}, lambda a, t, red=red: F.cross_entropy(a, t.long(), reduction=red), kinds={"t": "i64"})
        case(f, f"nll_loss_{red}", f"nll_loss(a, t{arg})", {"a": logp, **idx}, lambda a, t, red=red: F.nll_loss(a, t.long(), reduction=red), kinds={"t": "i32"})
        case(f, f"cross_entropy_ignore_{red}", f"cross_entropy(a, t{arg})", {"a": p, "t": [2, -100, 3]}, lambda a, t, red=red: F.cross_entropy(a, t.long(), reduction=red), kinds={"t": "i32"})
        case(f, f"cross_entropy_ignore_1_{red}", f"cross_entropy(a, t, ignore_index=1{arg})", {"a": p, "t": [1, 0, 3]}, lambda a, t, red=red: F.cross_entropy(a, t.long(), ignore_index=1, reduction=red), kinds={"t": "i32"})
        case(f, f"cross_entropy_prob_{red}", f"cross_entropy(a, b{arg})", {"a": p, "b": q}, lambda a, b, red=red: F.cross_entropy(a, b, reduction=red))
        case(f, f"cross_entropy_deep_{red}", f"cross_entropy(a, t{arg})", {"a": draw("deep", 2, 3, 4), "t": [[0, 1, 2, 2], [1, 0, 0, 2]]}, lambda a, t, red=red: F.cross_entropy(a, t.long(), reduction=red), kinds={"t": "i64"})
        case(f, f"nll_loss_deep_{red}", f"nll_loss(a, t{arg})", {"a": draw("deepn", 2, 3, 4), "t": [[0, 1, 2, 2], [1, 0, 0, 2]]}, lambda a, t, red=red: F.nll_loss(a, t.long(), reduction=red), kinds={"t": "i64"})
    case(f, "cross_entropy_single", "cross_entropy(a, t)", {"a": p[0], "t": 2}, lambda a, t: F.cross_entropy(a, t.long()), kinds={"t": "i64"})
    case(f, "cross_entropy_single_prob", "cross_entropy(a, b)", {"a": p[0], "b": q[0]}, lambda a, b: F.cross_entropy(a, b))
    case(f, "cross_entropy_far", "cross_entropy(a, t)", {"a": [[1e4, 0, -1e4], [-800, 800, 0]], "t": [2, 0]}, lambda a, t: F.cross_entropy(a, t.long()), kinds={"t": "i32"})
    case(f, "bce_with_logits_far", 'bce_with_logits(a, b, reduction="none")', {"a": [800, -800, 40, -40], "b": [0, 1, 1, 0.25]}, lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction="none"))
    case(f, "kl_div_zero", "kl_div(a, b)", {"a": [-0.5, -1, -2], "b": [0, 0.25, 0.75]}, lambda a, b: F.kl_div(a, b, reduction="mean"), wrt=["a"])
    case(f, "mse_named", "mse_loss(a, b)", {"a": p[:2], "b": t[:2]}, lambda a, b: F.mse_loss(a, b), dims={"a": ("N", 4), "b": ("N", 4), "y": ()}, calls=[{"a": p[:1], "b": t[:1]}])
    case(f, "mse_sum_named", 'mse_loss(a, b, reduction="sum")', {"a": p[:2], "b": t[:2]}, lambda a, b: F.mse_loss(a, b, reduction="sum"), dims={"a": ("N", 4), "b": ("N", 4), "y": ()}, calls=[{"a": np.zeros((0, 4)), "b": np.zeros((0, 4))}])


# ---- linear algebra, operators, indexing, shapes --------------------------------------------------------

def linear():
    f = File("linear")

    def pair(name, expr, a, b, fn):
        case(f, name, expr, {"a": draw(name + "a", *a), "b": draw(name + "b", *b)}, lambda a, b: fn(a, b))

    for name, a, b in (("vv", (3,), (3,)), ("mv", (2, 3), (3,)), ("vm", (3,), (3, 4)), ("mm", (2, 3), (3, 4)),
                       ("bmm", (2, 3, 4), (2, 4, 5)), ("bm", (2, 3, 4), (4, 5)), ("mb", (3, 4), (2, 4, 5)),
                       ("bv", (2, 3, 4), (4,)), ("vb", (3,), (2, 3, 4)), ("broadcast", (2, 1, 3, 4), (5, 4, 2)),
                       ("inner_one", (3, 1), (1, 4)), ("row", (1, 5), (5, 1))):
        pair("matmul_" + name, "a @ b", a, b, torch.matmul)
    pair("matmul_T", "a @ b.T", (2, 3), (4, 3), lambda a, b: a @ b.mT)
    pair("T_matmul", "a.T @ b", (3, 2), (3, 4), lambda a, b: a.mT @ b)
    pair("T_batched", "a.T @ b", (2, 3, 2), (2, 3, 4), lambda a, b: a.mT @ b)
    case(f, "matmul_extent", "a @ b", {"a": draw("mea", 2, 3), "b": draw("meb", 3, 2)}, lambda a, b: a @ b,
         dims={"a": ("M", "K"), "b": ("K", "N"), "y": ("M", "N")},
         calls=[{"a": np.zeros((0, 3)), "b": draw("meb2", 3, 2)}, {"a": np.zeros((2, 0)), "b": np.zeros((0, 3))},
                {"a": draw("mea3", 1, 1), "b": draw("meb3", 1, 1)}, {"a": draw("mea4", 7, 9), "b": draw("meb4", 9, 11)}])
    pair("dot", "dot(a, b)", (5,), (5,), torch.dot)
    pair("outer", "outer(a, b)", (3,), (4,), torch.outer)
    for i, (spec, shapes) in enumerate((("ij,jk->ik", ((2, 3), (3, 4))), ("i,i->", ((4,), (4,))), ("i,j->ij", ((2,), (3,))),
                                        ("bij,bjk->bik", ((2, 3, 2), (2, 2, 3))), ("ij,ij->", ((2, 3), (2, 3))),
                                        ("ij,ij->i", ((2, 3), (2, 3))), ("ijk,k->ji", ((2, 3, 4), (4,))), ("ij,kj->ik", ((2, 3), (4, 3))),
                                        ("ijk,jl->ikl", ((2, 3, 2), (3, 2))), ("ij,jk", ((2, 3), (3, 4))),
                                        ("...ij,...jk->...ik", ((2, 1, 2, 3), (4, 3, 2))), ("...i,...i", ((4, 1, 3), (2, 3))))):
        pair(f"einsum_{i}", f'einsum("{spec}", a, b)', *shapes, lambda a, b, spec=spec: torch.einsum(spec, a, b))
    for i, (spec, shape) in enumerate((("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ii->i", (3, 3)), ("ii->", (3, 3)), ("kii->k", (2, 3, 3)), ("ijk->ki", (2, 3, 4)),
                                       ("i...->...i", (3, 2, 2)), ("...ii->...i", (2, 3, 3)))):
        case(f, f"einsum_one_{i}", f'einsum("{spec}", a)', {"a": draw(spec, *shape)}, lambda a, spec=spec: torch.einsum(spec, a))
    case(f, "einsum_three", 'einsum("ij,jk,kl->il", a, b, c)', {"a": draw("e3a", 2, 3), "b": draw("e3b", 3, 2), "c": draw("e3c", 2, 4)},
         lambda a, b, c: torch.einsum("ij,jk,kl->il", a, b, c))
    m = draw("square", 3, 3)
    case(f, "trace", "trace(a)", {"a": m}, torch.trace and (lambda a: torch.trace(a)))
    case(f, "trace_batched", "trace(a)", {"a": draw("tb", 2, 3, 3)}, lambda a: torch.diagonal(a, dim1=-2, dim2=-1).sum(-1))
    case(f, "diag_of_vector", "diag(a)", {"a": draw("dv", 3)}, lambda a: torch.diag(a))
    case(f, "diag_of_matrix", "diag(a)", {"a": m}, lambda a: torch.diag(a))
    for k in (-1, 0, 1):
        tag = str(k).replace("-", "m")
        case(f, f"tril_{tag}", f"tril(a, k={k})", {"a": draw("tril", 3, 4)}, lambda a, k=k: torch.tril(a, k))
        case(f, f"triu_{tag}", f"triu(a, k={k})", {"a": draw("triu", 4, 3)}, lambda a, k=k: torch.triu(a, k))
    case(f, "tril_batched", "tril(a)", {"a": draw("trb", 2, 3, 3)}, lambda a: torch.tril(a))
    case(f, "eye_plus", "a + 2*eye(3)", {"a": m}, lambda a: a + 2 * torch.eye(3))


# ---- linear algebra ------------------------------------------------------------------------------------

def regular(name, *shape):
    """Matrices far from singular, of no symmetry, for which partial pivoting moves rows."""
    return np.round(draw(name, *shape) + 2 * np.eye(shape[-1])[::-1], 6)


def definite(name, *shape):
    """Symmetric positive definite matrices."""
    a = draw(name, *shape)
    return np.round(a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1]), 6)


def linalg():
    f = File("linalg", rtol=1e-11, atol=1e-12)
    shapes = {"n1": (1, 1), "n2": (2, 2), "n4": (4, 4), "batched": (3, 2, 2), "twice": (2, 1, 3, 3)}
    for tag, s in shapes.items():
        a, d = regular("la" + tag, *s), definite("ld" + tag, *s)
        case(f, "det_" + tag, "det(a)", {"a": a}, lambda a: torch.linalg.det(a))
        case(f, "logdet_" + tag, "logdet(a)", {"a": d}, lambda a: torch.logdet(a))
        case(f, "inv_" + tag, "inv(a)", {"a": a}, lambda a: torch.linalg.inv(a))
        case(f, "cholesky_" + tag, "cholesky(a)", {"a": d}, lambda a: torch.linalg.cholesky(a))
    empty = {"a": np.zeros((0, 0))}
    case(f, "det_extent", "det(a)", {"a": regular("de", 3, 3)}, lambda a: torch.linalg.det(a), dims={"a": ("N", "N")}, calls=[empty])
    case(f, "logdet_extent", "logdet(a)", {"a": definite("le", 3, 3)}, lambda a: torch.logdet(a) if len(a) else a.sum(), dims={"a": ("N", "N")}, calls=[empty])
    case(f, "inv_extent", "inv(a)", {"a": regular("ie", 3, 3)}, lambda a: torch.linalg.inv(a), dims={"a": ("N", "N"), "y": ("N", "N")}, calls=[empty])
    case(f, "cholesky_extent", "cholesky(a)", {"a": definite("ce", 3, 3)}, lambda a: torch.linalg.cholesky(a), dims={"a": ("N", "N"), "y": ("N", "N")}, calls=[empty])
    case(f, "logdet_negative", "logdet(a)", {"a": [[0.0, 1.0], [1.0, 0.0]]}, lambda a: torch.logdet(a), wrt=[])
    case(f, "det_pivots", "det(a)", {"a": [[0.0, 2.0, 0.0], [0.0, 0.0, 3.0], [5.0, 0.0, 0.0]]}, lambda a: torch.linalg.det(a))
    case(f, "cholesky_of_product", "cholesky(a @ a.T + eye(3))", {"a": draw("cop", 3, 3)}, lambda a: torch.linalg.cholesky(a @ a.mT + torch.eye(3)))
    # only the lower triangle is read; the adjoint is that of a symmetric matrix
    d = definite("lower", 3, 3)
    f.model("cholesky_reads_lower", "input a[3, 3]\noutput cholesky(a) as y", "PyTorch, of the symmetric matrix")
    f.call("forward", {"a": np.where(np.tri(3) > 0, d, np.nan)}, {"y": torch.linalg.cholesky(torch.tensor(d))})

    def vector(solve):
        return lambda a, b: solve(a, b[..., None])[..., 0] if b.dim() == 1 else solve(a, b)

    for tag, a, b in (("n1", (1, 1), (1,)), ("vector", (3, 3), (3,)), ("matrix", (4, 4), (4, 2)), ("column", (2, 2), (2, 1)),
                      ("batched", (3, 2, 2), (3, 2, 4)), ("one_side", (2, 3, 3), (3,)), ("many_sides", (3, 3), (2, 3, 2)),
                      ("broadcast", (2, 1, 2, 2), (3, 2, 2)), ("none", (2, 2), (2, 0))):
        ab = {"a": regular("sa" + tag, *a), "b": draw("sb" + tag, *b)}
        case(f, "solve_" + tag, "solve(a, b)", ab, vector(torch.linalg.solve))
        case(f, "solve_transposed_" + tag, "solve(a.T, b)", ab, vector(lambda a, b: torch.linalg.solve(a.mT, b)))
        for lower in (True, False):
            for trans in (False, True):
                name = f"solve_triangular_{tag}_{'lower' if lower else 'upper'}{'_trans' if trans else ''}"

                def triangular(a, b, lower=lower, trans=trans):
                    t = torch.tril(a) if lower else torch.triu(a)
                    return torch.linalg.solve_triangular(t.mT if trans else t, b, upper=lower == trans)
                t = {"a": draw("ta" + tag, *a) + 3 * np.eye(a[-1]), "b": ab["b"]}
                case(f, name, f"solve_triangular(a, b, lower={str(lower).lower()}, trans={str(trans).lower()})", t, vector(triangular))
    case(f, "solve_extent", "solve(a, b)", {"a": regular("sea", 3, 3), "b": draw("seb", 3, 2)}, lambda a, b: torch.linalg.solve(a, b),
         dims={"a": ("N", "N"), "b": ("N", "K"), "y": ("N", "K")},
         calls=[{"a": np.zeros((0, 0)), "b": np.zeros((0, 2))}, {"a": regular("sea2", 1, 1), "b": np.zeros((1, 0))},
                {"a": regular("sea3", 33, 33), "b": draw("seb3", 33, 3)}])
    case(f, "inverse_times_vector", "inv(a) @ b", {"a": regular("iva", 3, 3), "b": draw("ivb", 3)}, lambda a, b: torch.linalg.inv(a) @ b)
    case(f, "inverse_times_matrices", "inv(a) @ b", {"a": regular("ima", 3, 3), "b": draw("imb", 2, 3, 2)}, lambda a, b: torch.linalg.inv(a) @ b)
    case(f, "matrix_times_inverse", "b @ inv(a)", {"a": regular("mia", 3, 3), "b": draw("mib", 2, 3)}, lambda a, b: b @ torch.linalg.inv(a))
    case(f, "vector_times_inverse_T", "b @ inv(a).T", {"a": regular("via", 3, 3), "b": draw("vib", 3)}, lambda a, b: b @ torch.linalg.inv(a).mT)
    case(f, "inverses_times_matrices", "inv(a) @ b @ inv(a.T)", {"a": regular("iia", 2, 3, 3), "b": draw("iib", 2, 3, 3)},
         lambda a, b: torch.linalg.inv(a) @ b @ torch.linalg.inv(a.mT))
    case(f, "map_solve", "map((m, v) -> solve(m, v), a, b)", {"a": regular("msa", 3, 2, 2), "b": draw("msb", 3, 2)},
         lambda a, b: torch.linalg.solve(a, b[..., None])[..., 0])
    case(f, "map_sides", "map((v) -> solve(a, v), b)", {"a": regular("mvsa", 3, 3), "b": draw("mvsb", 4, 3)},
         lambda a, b: torch.linalg.solve(a, b.mT).mT)
    case(f, "gaussian", "0.5*dot(b, solve(a, b)) + 0.5*logdet(a)", {"a": definite("gsa", 4, 4), "b": draw("gsb", 4)},
         lambda a, b: 0.5 * b @ torch.linalg.solve(a, b) + 0.5 * torch.logdet(a))


def operators():
    f = File("operators")
    a, b = draw("opa", 2, 3), draw("opb", 2, 3) + 3
    for name, expr, fn in (("add", "a + b", lambda a, b: a + b), ("sub", "a - b", lambda a, b: a - b), ("mul", "a * b", lambda a, b: a * b),
                           ("div", "a / b", lambda a, b: a / b), ("mod", "a % b", torch.remainder), ("neg", "-a*b", lambda a, b: -a * b),
                           ("pow", "b ** a", lambda a, b: b ** a), ("precedence", "-b**2 + a*b**-1 - 2**3**2*a/b", lambda a, b: -b ** 2 + a / b - 512 * a / b),
                           ("mixed", "2*a + b/4 - 1", lambda a, b: 2 * a + b / 4 - 1)):
        case(f, name, expr, {"a": a, "b": b}, lambda a, b, fn=fn: fn(a, b))
    case(f, "floordiv", "a // b", {"a": [7.5, -7.5, 7.5, -7.5], "b": [2, 2, -2, -2]}, lambda a, b: torch.floor(a / b), wrt=[])
    for n in (-2, -1, 0, 1, 2, 3, 5):
        case(f, f"pow_const_{n}".replace("-", "m"), f"x**{n}", {"x": [-2.5, -1, 0.5, 3]}, lambda x, n=n: x ** n)
    case(f, "pow_half", "x**0.5", {"x": [0.5, 2, 9]}, lambda x: x ** 0.5)
    case(f, "const_pow", "2**x", {"x": [-1.5, 0, 2]}, lambda x: 2 ** x)
    for op, fn in (("<", torch.lt), ("<=", torch.le), (">", torch.gt), (">=", torch.ge), ("==", torch.eq), ("!=", torch.ne)):
        name = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}[op]
        case(f, name, f"a {op} b", {"a": [1, 2, 3, math.nan], "b": [2, 2, 2, 2]}, lambda a, b, fn=fn: fn(a, b), wrt=[])
    case(f, "logic", "(a > 0 and b > 0) or not (a > 1)", {"a": [-1, 0.5, 2, 2], "b": [1, 1, 1, -1]},
         lambda a, b: ((a > 0) & (b > 0)) | ~(a > 1), wrt=[])
    ints = {"i": [7, -7, 7, -7, 0], "j": [2, 2, -2, -2, 3]}
    for kind in ("i32", "i64"):
        k = {"i": kind, "j": kind}
        for name, expr, fn in (("add", "i + j", lambda i, j: i + j), ("mul", "i * j - 1", lambda i, j: i * j - 1), ("floordiv", "i // j", lambda i, j: torch.floor_divide(i, j)),
                               ("mod", "i % j", lambda i, j: torch.remainder(i, j)), ("div", "i / j", lambda i, j: i / j), ("pow", "i**2", lambda i, j: i ** 2),
                               ("min", "minimum(i, j)", torch.minimum), ("sum", "sum(i*j)", lambda i, j: (i * j).sum()), ("abs", "abs(i) + sign(j)", lambda i, j: i.abs() + j.sign()),
                               ("lt", "i < j", torch.lt)):
            case(f, f"{kind}_{name}", expr, ints, lambda i, j, fn=fn: fn(i, j), wrt=[], kinds=k)
    case(f, "int_float", "i*x", {"i": [1, 2, 3], "x": [0.5, 0.25, 4]}, lambda i, x: i * x, wrt=["x"], kinds={"i": "i32"})
    case(f, "bool_arith", "(x > 0)*x + (x > 1)", {"x": [-1, 0.5, 2]}, lambda x: (x > 0) * x + (x > 1))
    for i, (s, t) in enumerate((((), (2, 3)), ((3,), (2, 3)), ((1, 3), (2, 1)), ((2, 1), (3,)), ((2, 1, 3), (4, 1)), ((1,), (1, 1)), ((4, 1, 2), (1, 3, 1)))):
        case(f, f"broadcast_{i}", "a*b + b", {"a": draw("bra" + str(i), *s), "b": draw("brb" + str(i), *t)}, lambda a, b: a * b + b)
    case(f, "broadcast_extent", "a*b", {"a": draw("be", 2, 3), "b": draw("be2", 3)}, lambda a, b: a * b, dims={"a": ("N", 3), "y": ("N", 3)},
         calls=[{"a": draw("be3", 1, 3), "b": draw("be4", 3)}, {"a": np.zeros((0, 3)), "b": draw("be5", 3)}])
    case(f, "list", "[sum(x), 2, x[0]*x[1]]", {"x": [1.5, -2, 4]}, lambda x: torch.stack([x.sum(), torch.tensor(2.0), x[0] * x[1]]))
    case(f, "nested_list", "[[a, b], [b*a, 1]] @ [a, b]", {"a": 1.5, "b": -0.5},
         lambda a, b: torch.stack([torch.stack([a, b]), torch.stack([b * a, torch.tensor(1.0)])]) @ torch.stack([a, b]))
    case(f, "comprehension", "[x[i]*x[i + 1] + i for i in 0..3]", {"x": [1.5, -2, 4, 3]}, lambda x: x[:3] * x[1:] + torch.arange(3))
    case(f, "compile_time_if", "(if rank(x) == 1 then sum(x**2) else x)", {"x": [1.5, -2, 4]}, lambda x: (x ** 2).sum())


def indexing():
    f = File("indexing")
    x = draw("index", 4, 5, 3)
    for i, (text, at) in enumerate((
            ("0", 0), ("-1", -1), ("1:3", slice(1, 3)), (":2", slice(None, 2)), ("2:", slice(2, None)), ("-2:", slice(-2, None)),
            (":-1", slice(None, -1)), ("::2", slice(None, None, 2)), ("1::2", slice(1, None, 2)), ("::-1", slice(None, None, -1)),
            ("3:0:-1", slice(3, 0, -1)), ("5:2", slice(5, 2)), (":100", slice(None, 100)), ("-100:2", slice(-100, 2)),
            (":, 0", (slice(None), 0)), ("1, 2, 0", (1, 2, 0)), ("..., 0", (Ellipsis, 0)), ("0, ...", (0, Ellipsis)), ("..., 1:, 0", (Ellipsis, slice(1, None), 0)),
            ("1, ..., -1", (1, Ellipsis, -1)), (":, None", (slice(None), None)), ("none, 0, :, none", (None, 0, slice(None), None)),
            (":, 1:4:2, ::-1", (slice(None), slice(1, 4, 2), slice(None, None, -1))), ("...", Ellipsis))):
        def take(x, at=at):
            r = torch.arange(x.numel()).numpy().reshape(tuple(x.shape))[at]
            return x.reshape(-1)[torch.tensor(np.array(r))]
        case(f, f"index_{i}", f"x[{text}]", {"x": x}, take)
    v = [1.0, 4.0, 9.0, 16.0]
    case(f, "difference", "x[1:] - x[:-1]", {"x": v}, lambda x: x[1:] - x[:-1])
    case(f, "difference_extent", "x[1:] - x[:-1]", {"x": v}, lambda x: x[1:] - x[:-1], dims={"x": ("N",), "y": ("N - 1",)}, calls=[{"x": [3.0]}, {"x": [3.0, 1.5]}])
    case(f, "gather", "x[i]", {"x": draw("ga", 4, 2), "i": [3, 0, 0, -1]}, lambda x, i: x[i.long()], kinds={"i": "i32"})
    case(f, "gather_pairs", "x[arange(3), t]", {"x": draw("gp", 3, 4), "t": [1, 3, 0]}, lambda x, t: x[torch.arange(3), t.long()], kinds={"t": "i64"})
    case(f, "gather_axis", "x[:, i]", {"x": draw("gx", 2, 4, 2), "i": [[3, 0], [1, 1]]}, lambda x, i: x[:, i.long()], kinds={"i": "i64"})


def shapes():
    f = File("shapes")
    x = draw("shapes", 2, 3, 4)
    one = (
        ("reshape", "reshape(x, [6, 4])", lambda x: x.reshape(6, 4)), ("reshape_minus", "reshape(x, [2, -1])", lambda x: x.reshape(2, -1)),
        ("flatten", "flatten(x)", lambda x: x.flatten()), ("transpose", "transpose(x)", lambda x: x.permute(2, 1, 0)),
        ("transpose_axes", "transpose(x, (1, 2, 0))", lambda x: x.permute(1, 2, 0)), ("transpose_T", "x.T", lambda x: x.mT),
        ("broadcast_to", "broadcast_to(x[:1], [3, 3, 4])", lambda x: x[:1].expand(3, 3, 4)), ("broadcast_to_rank", "broadcast_to(x, [2, 2, 3, 4])", lambda x: x.expand(2, 2, 3, 4)),
        ("expand_dims", "expand_dims(x, 1)", lambda x: x.unsqueeze(1)), ("expand_dims_last", "expand_dims(x, -1)", lambda x: x.unsqueeze(-1)),
        ("expand_dims_several", "expand_dims(x, (0, -2, 2))", lambda x: x[None, :, None, :, None, :]),
        ("squeeze", "squeeze(x[:, :1], 1)", lambda x: x[:, :1].squeeze(1)), ("flip", "flip(x)", lambda x: x.flip((0, 1, 2))),
        ("flip_axis", "flip(x, axis=1)", lambda x: x.flip(1)), ("flip_axes", "flip(x, axis=(0, 2))", lambda x: x.flip((0, 2))),
        ("roll", "roll(x, 1)", lambda x: x.roll(1, 0)), ("roll_back", "roll(x, -3, axis=2)", lambda x: x.roll(-3, 2)), ("roll_several", "roll(x, (1, -1), axis=(0, 2))", lambda x: x.roll((1, -1), (0, 2))), ("roll_all", "roll(x, 1, axis=(0, 1))", lambda x: x.roll((1, 1), (0, 1))), ("roll_far", "roll(x, 7, axis=1)", lambda x: x.roll(7, 1)),
        ("pad", "pad(x, ((0, 1), (2, 0), (1, 1)))", lambda x: F.pad(x, (1, 1, 2, 0, 0, 1))), ("pad_value", "pad(x, ((1, 0), (0, 0), (0, 2)), value=1.5)", lambda x: F.pad(x, (0, 2, 0, 0, 1, 0), value=1.5)),
        ("repeat", "repeat(x, 2)", lambda x: x.repeat_interleave(2, 0)), ("repeat_axis", "repeat(x, 3, axis=-1)", lambda x: x.repeat_interleave(3, -1)),
        ("tile", "tile(x, (2, 1, 3))", lambda x: x.tile(2, 1, 3)), ("tile_more", "tile(x, (2, 1, 1, 1))", lambda x: x.tile(2, 1, 1, 1)),
        ("concat", "concat((x, 2*x[:, :1]), axis=1)", lambda x: torch.cat((x, 2 * x[:, :1]), 1)), ("concat_default", "concat((x, x*x))", lambda x: torch.cat((x, x * x))),
        ("concat_last", "concat((x, x, x[:, :, 1:]), axis=-1)", lambda x: torch.cat((x, x, x[:, :, 1:]), -1)), ("stack", "stack((x, -x))", lambda x: torch.stack((x, -x))),
        ("stack_last", "stack((x, x*x), axis=-1)", lambda x: torch.stack((x, x * x), -1)), ("shape", "x * shape(x, 1)", lambda x: x * 3), ("rank", "x + rank(x)", lambda x: x + 3),
    )
    for name, expr, fn in one:
        case(f, name, expr, {"x": x}, lambda x, fn=fn: fn(x))
    case(f, "split", "a*b", {"x": x}, lambda x: x[:, :, :2] * x[:, :, 2:], before="a, b = split(x, 2, axis=2)")
    case(f, "split_sizes", "concat((b, a, a), axis=1)", {"x": x}, lambda x: torch.cat((x[:, 1:], x[:, :1], x[:, :1]), 1), before="a, b = split(x, (1, 2), axis=1)")
    case(f, "one_hot", "one_hot(i, 4)", {"i": [[0, 3], [1, 1]]}, lambda i: F.one_hot(i.long(), 4).to(torch.float64), wrt=[], kinds={"i": "i32"})

    case(f, "index_add", "index_add(x, i, v)", {"x": draw("iax", 3, 2), "i": [2, 0, 2], "v": draw("iav", 3, 2)}, lambda x, i, v: x.index_add(0, i.long(), v), kinds={"i": "i64"})
    case(f, "concat_extent", "concat((x, y0), axis=0)", {"x": draw("ce", 2, 3), "y0": draw("cf", 3, 3)}, lambda x, y0: torch.cat((x, y0)), dims={"x": ("N", 3), "y0": ("M", 3), "y": ("N + M", 3)},
         calls=[{"x": np.zeros((0, 3)), "y0": draw("cg", 1, 3)}, {"x": np.zeros((0, 3)), "y0": np.zeros((0, 3))}])
    case(f, "reshape_extent", "reshape(x, [3*N, 2])", {"x": draw("re", 2, 6)}, lambda x: x.reshape(-1, 2), dims={"x": ("N", 6), "y": ("3*N", 2)}, calls=[{"x": np.zeros((0, 6))}, {"x": draw("re1", 1, 6)}])
    case(f, "flip_extent", "2*flip(x)", {"x": draw("fe", 3)}, lambda x: 2 * x.flip(0), dims={"x": ("N",), "y": ("N",)}, calls=[{"x": [1.0]}, {"x": np.zeros(0)}])
    case(f, "roll_extent", "roll(x, 1)", {"x": draw("fr", 3)}, lambda x: x.roll(1), dims={"x": ("N",), "y": ("N",)}, calls=[{"x": [1.0]}, {"x": [1.0, 2.0]}])
    for name, expr, value in (("zeros", "zeros([2, 3])", np.zeros((2, 3))), ("ones", "ones([2])", np.ones(2)), ("full", "full([2, 2], 1.5)", np.full((2, 2), 1.5)), ("eye", "eye(3)", np.eye(3)),
                              ("linspace", "linspace(-1, 2, 7)", np.linspace(-1, 2, 7)), ("linspace_one", "linspace(3, 5, 1)", np.linspace(3, 5, 1)), ("arange", "arange(5)", np.arange(5)),
                              ("arange_two", "arange(2, 6)", np.arange(2, 6)), ("arange_step", "arange(1, 10, 3)", np.arange(1, 10, 3)), ("arange_down", "arange(5, 0, -2)", np.arange(5, 0, -2)),
                              ("arange_real", "arange(0.5, 2.5, 0.5)", np.arange(0.5, 2.5, 0.5)), ("arange_none", "arange(3, 3)", np.arange(3, 3)), ("zeros_none", "zeros([0, 2])", np.zeros((0, 2)))):
        f.model("make_" + name, f"y = {expr}\nentry e = y", "NumPy " + np.__version__)
        f.call("e", {}, {"y": value})


# ---- derivatives of derivatives ---------------------------------------------------------------------------

def higher():
    f = File("higher")

    def rosen(x):
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    def all_of(name, body, inputs, x, fn, before=""):
        """grad, hessian, hvp, jvp of a scalar and its gradient's norm, in x."""
        t = {k: torch.tensor(np.asarray(a, float), requires_grad=True) for k, a in inputs.items()}
        v = draw(name + "v", *np.shape(inputs[x]))

        def at(z):
            return fn(**{**t, x: z})
        xt = t[x]
        g, = torch.autograd.grad(at(xt), xt, create_graph=True)
        H = torch.autograd.functional.hessian(at, xt)
        hv = torch.tensordot(H, torch.tensor(v), dims=len(xt.shape))
        gn, = torch.autograd.grad(torch.linalg.vector_norm(g), xt)
        text = ["input " + ", ".join(decl(k, np.shape(a)) for k, a in inputs.items()) + ", " + decl("v", v.shape), *before.strip("\n").split("\n")]
        text = [s for s in text if s] + [f"y = {body}", f"g = grad(y, {x})", f"entry e = y, g, hessian(y, {x}) as H, hvp(y, {x}, v) as Hv,",
                f"    jvp(y, {x}, v) as d, jvp(g, {x}, v) as Hv2, grad(norm(grad(y, {x})), {x}) as gn,",
                f"    grad(y, {x}, mode=\"forward\") as gf, jacobian(g, {x}, mode=\"reverse\") as Hr, hessian(y, {x}, mode=\"forward\") as Hf"]
        f.model(name, "\n".join(text))
        d = (g * torch.tensor(v)).sum()
        f.call("e", {**inputs, "v": v}, {"y": at(xt), "g": g, "H": H, "Hv": hv, "d": d, "Hv2": hv, "gn": gn, "gf": g, "Hr": H, "Hf": H}, rtol=1e-10, atol=1e-12)

    all_of("rosenbrock", "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)", {"x": draw("rosen", 5)}, "x", rosen)
    all_of("perceptron", "mse_loss(sigmoid(x @ w.T), t)", {"x": draw("px", 3, 4), "w": draw("pw", 2, 4), "t": draw("pt", 3, 2)}, "w",
           lambda x, w, t: F.mse_loss(torch.sigmoid(x @ w.T), t))
    all_of("softmax_entropy", "-sum(softmax(x)*log_softmax(x))", {"x": draw("se", 4)}, "x", lambda x: -(torch.softmax(x, 0) * torch.log_softmax(x, 0)).sum())
    all_of("logsumexp_rows", "sum(logsumexp(x, axis=1)**2)", {"x": draw("lr", 2, 3)}, "x", lambda x: (torch.logsumexp(x, 1) ** 2).sum())
    all_of("norm_of_product", "norm(a @ x)", {"a": draw("na", 3, 3), "x": draw("nx", 3)}, "x", lambda a, x: torch.linalg.vector_norm(a @ x))
    all_of("prod_of_sines", "prod(sin(x))*exp(-sum(x**2))", {"x": draw("ps", 4)}, "x", lambda x: torch.prod(torch.sin(x), 0) * torch.exp(-(x ** 2).sum()))
    all_of("scalar", "tanh(x)*x**3 + lgamma(x)", {"x": 1.7}, "x", lambda x: torch.tanh(x) * x ** 3 + torch.lgamma(x))
    all_of("var_and_cumsum", "var(cumsum(x))*std(x)", {"x": draw("vc", 5)}, "x", lambda x: torch.var(torch.cumsum(x, 0), correction=0) * torch.std(x, correction=0))
    all_of("logistic", "bce_with_logits(x @ w + b, t) + 0.1*sum(w**2)", {"x": draw("lgx", 4, 3), "w": draw("lgw", 3), "b": 0.25, "t": [0, 1, 1, 0]}, "w",
           lambda x, w, b, t: F.binary_cross_entropy_with_logits(x @ w + b, t) + 0.1 * (w ** 2).sum())

    all_of("logdet_of_square", "logdet(x @ x.T + 2*eye(3))", {"x": draw("hld", 3, 3)}, "x", lambda x: torch.logdet(x @ x.mT + 2 * torch.eye(3)))
    all_of("det_of_matrix", "det(x)", {"x": regular("hdt", 3, 3)}, "x", lambda x: torch.linalg.det(x))
    all_of("quadratic_form", "dot(b, solve(x, b))", {"x": regular("hqx", 3, 3), "b": draw("hqb", 3)}, "x", lambda x, b: b @ torch.linalg.solve(x, b))
    all_of("inverse", "sum(inv(x)**2)", {"x": regular("hiv", 2, 2)}, "x", lambda x: (torch.linalg.inv(x) ** 2).sum())
    all_of("cholesky_of_product", "sum(cholesky(x @ x.T + 2*eye(3))**3)", {"x": draw("hch", 3, 3)}, "x",
           lambda x: (torch.linalg.cholesky(x @ x.mT + 2 * torch.eye(3)) ** 3).sum())
    all_of("triangular", "sum(solve_triangular(x, b)**3)", {"x": draw("htx", 3, 3) + 2 * np.eye(3), "b": draw("htb", 3, 2)}, "x",
           lambda x, b: (torch.linalg.solve_triangular(torch.tril(x), b, upper=False) ** 3).sum())
    all_of("solve_with_both", "sum(solve(x, x.T @ x))", {"x": regular("hsb", 3, 3)}, "x", lambda x: torch.linalg.solve(x, x.mT @ x).sum())

    def tower():
        x = torch.tensor(0.7, requires_grad=True)
        y = torch.sin(x) * torch.exp(x / 2)
        wants = {"y": y}
        for k in range(1, 7):
            y, = torch.autograd.grad(y, x, create_graph=True)
            wants[f"y{k}"] = y
        text = ["input x", "y = sin(x)*exp(x/2)"] + [f"y{k} = grad({'y' if k == 1 else 'y' + str(k - 1)}, x)" for k in range(1, 7)]
        f.model("tower", "\n".join(text) + "\nentry e = y, " + ", ".join(f"y{k}" for k in range(1, 7)))
        f.call("e", {"x": 0.7}, wants, rtol=1e-11)
    tower()

    def jac(name, body, inputs, x, fn, before=""):
        t = {k: torch.tensor(np.asarray(a, float)) for k, a in inputs.items()}
        J = torch.autograd.functional.jacobian(lambda z: fn(**{**t, x: z}), t[x])
        text = ["input " + ", ".join(decl(k, np.shape(a)) for k, a in inputs.items())] + before.strip("\n").split("\n")
        text = [s for s in text if s] + [f"y = {body}", f"entry e = jacobian(y, {x}) as J, jacobian(y, {x}, mode=\"forward\") as Jf, jacobian(y, {x}, mode=\"reverse\") as Jr"]
        f.model(name, "\n".join(text))
        f.call("e", inputs, {"J": J, "Jf": J, "Jr": J})
    jac("jacobian_matmul", "x @ w", {"x": draw("jx", 2, 3), "w": draw("jw", 3, 2)}, "w", lambda x, w: x @ w)
    jac("jacobian_softmax", "softmax(x)", {"x": draw("js", 4)}, "x", lambda x: torch.softmax(x, 0))
    jac("jacobian_log_softmax", "log_softmax(x, axis=0)", {"x": draw("jl", 3, 2)}, "x", lambda x: torch.log_softmax(x, 0))
    jac("jacobian_cumprod", "cumprod(x)", {"x": draw("jc", 4)}, "x", lambda x: torch.cumprod(x, 0))
    jac("jacobian_sort_of", "maximum(x, flip(x)) * norm(x)", {"x": draw("jm", 5)}, "x", lambda x: torch.maximum(x, x.flip(0)) * torch.linalg.vector_norm(x))
    jac("jacobian_solve", "solve(a, x)", {"a": regular("jsa", 3, 3), "x": draw("jsx", 3, 2)}, "x", lambda a, x: torch.linalg.solve(a, x))
    jac("jacobian_solve_matrix", "solve(x, b)", {"x": regular("jmx", 2, 2), "b": draw("jmb", 2, 3)}, "x", lambda x, b: torch.linalg.solve(x, b))
    jac("jacobian_inv", "inv(x)", {"x": regular("jix", 2, 2)}, "x", lambda x: torch.linalg.inv(x))
    jac("jacobian_cholesky", "cholesky(x)", {"x": definite("jcx", 3, 3)}, "x", lambda x: torch.linalg.cholesky(x))
    jac("jacobian_triangular", "solve_triangular(x, b, lower=false, trans=true)", {"x": draw("jtx", 2, 2) + 2 * np.eye(2), "b": draw("jtb", 2, 2)}, "x",
        lambda x, b: torch.linalg.solve_triangular(torch.triu(x).mT, b, upper=False))
    jac("jacobian_einsum", 'einsum("ij,jk->ki", x, x)', {"x": draw("je", 3, 3)}, "x", lambda x: torch.einsum("ij,jk->ki", x, x))

    # docs/language.md, "x stands for the binding"
    f.model("binding_names", "input x\na = 2*x\nb = 2*x\ny = a*b\nentry e = grad(y, a) as ga, grad(y, x) as gx", "by hand: b; 8x")
    f.call("e", {"x": 1.5}, {"ga": 3.0, "gx": 12.0})
    f.model("binding_parameter", "input w\ndef f(u) = grad(u*w, u)\ny = f(w)\nentry e = y, grad(w*w, w) as g", "by hand: w; 2w")
    f.call("e", {"w": 1.5}, {"y": 1.5, "g": 3.0})
    f.model("binding_inner", "input x[3]\nh = x**2\nz = sum(h*x)\nentry e = grad(z, h) as gh, grad(z, x) as gx", "by hand: x; 3x^2")
    f.call("e", {"x": [1.0, 2.0, -3.0]}, {"gh": [1.0, 2.0, -3.0], "gx": [3.0, 12.0, 27.0]})
    f.model("tuple_of_names", "input a[2], b\ny = sum(a*a)*b\nga, gb = grad(y, a, b)\nt = (a, b)\nha, hb = grad(y, t)\nentry e = ga, gb, ha, hb", "by hand: 2ab; a.a")
    f.call("e", {"a": [1.0, 2.0], "b": 3.0}, {"ga": [6.0, 12.0], "gb": 5.0, "ha": [6.0, 12.0], "hb": 5.0})
    f.model("stop_gradient", "input x\ny = x*stop_gradient(x)\nentry e = y, grad(y, x) as g", "by hand: x^2; x")
    f.call("e", {"x": 3.0}, {"y": 9.0, "g": 3.0})
    f.model("derivative_rule", "input x[3], u[3], v[3]\ndef f(a, b) = a*b\nderivative f(a, b; dz) = (10*b*dz, a*dz)\ny = f(x, x)\nentry e = y, vjp(y, x, u) as g, jvp(y, x, v) as t", "by hand: 11 x u")
    f.call("e", {"x": [1.0, 2.0, 3.0], "u": [1.0, 0.5, -1.0], "v": [2.0, 1.0, 1.0]}, {"y": [1.0, 4.0, 9.0], "g": [11.0, 11.0, -33.0], "t": [22.0, 22.0, 33.0]})
    f.model("recursion", "input x\ndef power(a, n) = if n == 0 then 1.0 else a*power(a, n - 1)\ny = power(x, 5)\nentry e = y, grad(y, x) as g", "by hand: x^5; 5x^4")
    f.call("e", {"x": 2.0}, {"y": 32.0, "g": 80.0})
    f.model("function_argument", "input x[3]\ndef twice(f, z) = f(f(z))\ny = sum(twice((z) -> z*z + 1, x))\nentry e = y, grad(y, x) as g", "by hand: (x^2+1)^2 + 1; 4x(x^2+1)")
    f.call("e", {"x": [0.0, 1.0, 2.0]}, {"y": 33.0, "g": [0.0, 8.0, 40.0]})


# ---- the edges of docs/numerics.md --------------------------------------------------------------------------

def edges():
    f = File("edges", rtol=4e-15, atol=0)
    nan, inf = math.nan, math.inf

    def edge(name, expr, xs, value, slope, origin=ORIGIN, fn=None, rtol=None, kind=""):
        """Value and elementwise derivative of expr at the points xs. PyTorch's answer is held against the
        document's where fn is given; None stands for "whatever PyTorch says"."""
        xs = np.asarray(xs, float)
        if fn is not None:
            t = torch.tensor(xs, requires_grad=True)
            y = fn(t)
            g = torch.autograd.grad(y.sum(), t)[0]
            for mine, theirs in ((value, y), (slope, g)):
                if mine is not None:
                    np.testing.assert_allclose(array(theirs), mine, rtol=1e-14, atol=1e-300, err_msg=name)
            value, slope = array(y), array(g)
        text = f"input {decl('x', xs.shape)}\ny = {expr}"
        ones = np.ones(xs.shape)
        if slope is None:
            f.model(name, text + "\nentry e = y", origin)
            f.call("e", {"x": xs}, {"y": value}, rtol)
            return
        f.model(name, text + f"\ninput {decl('v', xs.shape)}\nentry e = y, grad(sum(y), x) as g, jvp(y, x, v) as t", origin)
        f.call("e", {"x": xs, "v": ones}, {"y": value, "g": slope, "t": slope if np.ndim(value) else np.sum(slope)}, rtol)

    edge("relu", "relu(x)", [-1, 0, 2, nan], [0, 0, 2, nan], None)
    edge("relu_slope", "relu(x)", [-1, 0, 2], None, [0, 0, 1], fn=F.relu)
    edge("relu6", "relu6(x)", [-1, 0, 2, 6, 7], [0, 0, 2, 6, 6], [0, 0, 1, 0, 0], fn=F.relu6)
    edge("leaky_relu", "leaky_relu(x)", [-1, 0, 2], None, [0.01, 0.01, 1], fn=F.leaky_relu)
    edge("elu", "elu(x)", [-800, 0, 800], [-1, 0, 800], [0, 1, 1], fn=F.elu)
    edge("celu", "celu(x)", [-800, 0, 800], [-1, 0, 800], [0, 1, 1], fn=F.celu)
    edge("selu", "selu(x)", [-800, 0, 2], None, [0, 1.7580993408473766, 1.0507009873554805], fn=F.selu)
    zero = torch.zeros(5)
    curved = {"elu(x)": F.elu, "elu(x, alpha=2)": lambda x: F.elu(x, 2.0), "selu(x)": F.selu,
              "celu(x, alpha=2)": lambda x: F.celu(x, 2.0),
              'huber_loss(x, zeros([5]), "sum")': lambda x: F.huber_loss(x, zero, reduction="sum"),
              'smooth_l1_loss(x, zeros([5]), "sum")': lambda x: F.smooth_l1_loss(x, zero, reduction="sum")}
    f.model("second_at_kinks", "input x[5]\n" + "\n".join(f"g{k} = grad(sum({e}), x)" for k, e in enumerate(curved))
            + "\nentry e = " + ", ".join(f"g{k}, grad(sum(g{k}), x) as h{k}" for k in range(len(curved))), ORIGIN)
    want = {}
    for k, fn in enumerate(curved.values()):
        x = torch.tensor([-1.0, 0, 1, -3, 3], requires_grad=True)
        want[f"g{k}"], = torch.autograd.grad(fn(x).sum(), x, create_graph=True)
        want[f"h{k}"], = torch.autograd.grad(want[f"g{k}"].sum(), x)
    f.call("e", {"x": x}, want)
    edge("hardtanh", "hardtanh(x)", [-2, -1, 0.5, 1, 2], None, [0, 0, 1, 0, 0], fn=F.hardtanh)
    edge("hardsigmoid", "hardsigmoid(x)", [-4, -3, 0, 3, 4], None, [0, 0, 1 / 6, 0, 0], fn=hardsigmoid)
    edge("hardswish", "hardswish(x)", [-4, -3, 0, 3, 4], [0, 0, 0, 3, 4], [0, -0.5, 0.5, 1.5, 1], "docs/numerics.md; PyTorch's eager kernel agrees at the kinks")
    edge("clamp", "clamp(x, -1, 1)", [-2, -1, 0, 1, 2], None, [0, 1, 1, 1, 0], fn=lambda x: torch.clamp(x, -1, 1))
    edge("clamp_nan", "clamp(x, -1, 1)", [nan, inf, -inf], [nan, 1, -1], None)
    edge("abs", "abs(x)", [-2, 0, 2, -inf], None, [-1, 0, 1, -1], fn=torch.abs)
    edge("sign", "sign(x)", [-2, 0, 2, nan], [-1, 0, 1, nan], None, "docs/numerics.md (NumPy)")
    edge("sign_slope", "sign(x)", [-2, 0, 2], None, [0, 0, 0], fn=torch.sign)
    edge("minimum_tie", "minimum(x, 1)", [0, 1, 2], None, [1, 0.5, 0], fn=lambda x: torch.minimum(x, torch.ones_like(x)))
    edge("maximum_tie", "maximum(x, 1)", [0, 1, 2], None, [0, 0.5, 1], fn=lambda x: torch.maximum(x, torch.ones_like(x)))
    edge("maximum_nan", "maximum(x, 1)", [nan, inf, -inf], [nan, inf, 1], None)
    edge("minimum_nan", "minimum(1, x)", [nan, inf, -inf], [nan, 1, -inf], None)
    edge("minimum_nan_slope", "minimum(x, 1)", [nan, 0], None, [1, 1], fn=lambda x: torch.minimum(x, torch.ones_like(x)))
    edge("maximum_nan_slope", "maximum(x, [nan, 1])", [1, nan], None, [1, 1], fn=lambda x: torch.maximum(x, torch.tensor([nan, 1])))
    edge("max_nan", "max(x)", [1, nan, 3], nan, None)
    edge("min_nan", "min(x)", [1, nan, 3], nan, None)
    edge("argmax_first", "argmax(x)", [1, 3, 3], 1, None)
    edge("sqrt", "sqrt(x)", [0, 4], [0, 2], [inf, 0.25], fn=torch.sqrt)
    edge("sqrt_negative", "sqrt(x)", [-1.0, nan, inf], [nan, nan, inf], None)
    edge("norm_zero", "norm(x)", [0, 0, 0], 0, [0, 0, 0], fn=torch.linalg.vector_norm)
    edge("norm_big", "norm(x)", [3e200, 4e200], 5e200, None, "ours: 5 is the hypotenuse of 3 and 4; no square overflows")
    edge("norm_small", "norm(x)", [3e-200, 4e-200], 5e-200, None, "ours: as above; no square underflows")
    edge("pow_zero_exponent", "x**0", [0, 2, inf, nan], [1, 1, 1, 1], None)
    edge("pow_slope_at_zero", "x**0", [0, 2], [1, 1], [0, 0], fn=lambda x: x ** 0)
    edge("pow_cube", "x**3", [-2, 0], [-8, 0], [12, 0], fn=lambda x: x ** 3)
    edge("floor_family", "floor(x) + ceil(x) + trunc(x)", [-1.5, 1.5, 2], None, [0, 0, 0], fn=lambda x: torch.floor(x) + torch.ceil(x) + torch.trunc(x))
    edge("round_even", "round(x)", [-2.5, -0.5, 0.5, 1.5, 2.5], [-2, 0, 0, 2, 2], [0, 0, 0, 0, 0], fn=torch.round)
    edge("sigmoid_far", "sigmoid(x)", [-700, -100, 100, 800, -inf, inf], None, None, fn=torch.sigmoid)
    edge("sigmoid_smallest", "sigmoid(x)", [-745], [5e-324], None, "mpmath: exp(-745); PyTorch gives 0")
    edge("tanh_far", "tanh(x)", [-800, -1e-300, 1e-300, 800, inf], None, None, fn=torch.tanh)
    edge("softplus_far", "softplus(x)", [-700, -50, 0, 50, 1000], None, None, fn=softplus)
    edge("logsigmoid_far", "logsigmoid(x)", [-1000, -50, 0, 50, 700], None, None, fn=F.logsigmoid)
    edge("silu_far", "silu(x)", [-1e308, -800, 800, 1e308], [0, 0, 800, 1e308], [0, 0, 1, 1], "docs/numerics.md: finite for all finite x; the limits")
    edge("softsign_far", "softsign(x)", [-1e300, 0, 1e300], [-1, 0, 1], [0, 1, 0], "docs/numerics.md: the limits")
    edge("mish_far", "mish(x)", [-1e308, -800, 800, 1e308], [0, 0, 800, 1e308], [0, 0, 1, 1], "docs/numerics.md: finite for all finite x; the limits")
    edge("tanhshrink_far", "tanhshrink(x)", [-1e308, 800], [-1e308, 799], [1, 1], "docs/numerics.md: the limits")
    with mpmath.workdps(400):
        def exact(name, fn, x, rtol=1e-15, slope_rtol=1e-12):
            y = [float(fn(mpmath.mpf(float(t)))) for t in x]
            g = [float(mpmath.diff(fn, mpmath.mpf(float(t)), h=mpmath.mpf(10) ** -150)) for t in x]
            edge(name, name.rsplit("_", 1)[0] + "(x)", x, y, None, "mpmath, 400 digits", rtol=rtol)
            edge(name + "_slope", f"jvp({name.rsplit('_', 1)[0]}(x), x, x*0 + 1)", x, g, None, "mpmath, 400 digits", rtol=slope_rtol)

        exact("gelu_tail", lambda x: x * mpmath.ncdf(x), [-37.5, -20, -10, -3, -1e-300, 0.1, 40])
        exact("silu_tail", lambda x: x / (1 + mpmath.exp(-x)), [-715, -40, -3, 1e-300, 5])
        exact("mish_tail", lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))), [-715, -40, -3, 1e-300, 5])
        exact("tanhshrink_near", lambda x: x - mpmath.tanh(x), [-1e-90, 1e-30, 0.001, -0.5, 1.25, 7])
        exact("softsign_off", lambda x: x / (1 + abs(x)), [-1e17, -3e9, 0.25, 1e12])
        exact("erfc_tail", mpmath.erfc, [26.5, 20, 3, 0.25, -2])
    edge("erf_far", "erf(x)", [-30, 30, inf], [-1, 1, 1], None)
    edge("lgamma_edges", "lgamma(x)", [1, 2, inf, 0], [0, 0, inf, inf], None)
    edge("lgamma_negative", "lgamma(x)", [-0.5, -1.5], None, None, fn=torch.lgamma, rtol=1e-12)
    edge("logsumexp_minus_inf", "logsumexp(x)", [-inf, -inf], -inf, None)
    edge("softmax_minus_inf", "softmax(x)", [-inf, -inf], [nan, nan], None)
    edge("softmax_one_inf", "softmax(x)", [0, -inf, 0], [0.5, 0, 0.5], None)
    edge("std_equal", "std(x)", [2, 2, 2], 0, [0, 0, 0], "ours: the limit along every direction that keeps them equal")
    edge("l1_equal", "l1_loss(x, [1, 2, 3])", [1, 2, 4], 1 / 3, [0, 0, 1 / 3], "docs/numerics.md")
    edge("huber_kink", 'huber_loss(x, zeros([5]), reduction="none")', [-2, -1, 0, 1, 2], None, [-1, -1, 0, 1, 1], fn=lambda x: F.huber_loss(x, torch.zeros(5), reduction="none"))
    edge("smooth_l1_kink", 'smooth_l1_loss(x, zeros([5]), reduction="none")', [-2, -1, 0, 1, 2], None, [-1, -1, 0, 1, 1], fn=lambda x: F.smooth_l1_loss(x, torch.zeros(5), reduction="none"))
    edge("bce_clamped", 'bce_loss(x, [1, 0], reduction="none")', [0, 1], [100, 100], None, fn=None)
    edge("where_sqrt", "where(x > 0, sqrt(x), 0)", [-1, 0, 4], [0, 0, 2], [0, 0, 0.25], "ours: the side not taken contributes exactly 0")
    edge("where_log", "where(x > 0, log(x), x)", [-1, 0, 1], [-1, 0, 0], [1, 1, 1], "ours: the side not taken contributes exactly 0")
    edge("where_quotient", "where(x == 0, 1, sin(x)/x)", [0, 2], [1, math.sin(2) / 2], [0, (2 * math.cos(2) - math.sin(2)) / 4], "ours: the side not taken contributes exactly 0")
    f.model("where_twice", "input x[3]\ny = where(x > 0, sqrt(x), 0)\nentry e = hessian(sum(y), x) as H", "ours: to any order")
    f.call("e", {"x": [-1, 0, 4]}, {"H": [[0, 0, 0], [0, 0, 0], [0, 0, -1 / 32]]})
    f.model("hypot_origin", "input a, b\ny = hypot(a, b)\nentry e = y, grad(y, a) as ga, grad(y, b) as gb", "ours: 0 at (0, 0), as for norm")
    f.call("e", {"a": 0.0, "b": 0.0}, {"y": 0, "ga": 0, "gb": 0})
    f.call("e", {"a": 3e200, "b": 4e200}, {"y": 5e200, "ga": 0.6, "gb": 0.8})
    f.model("atan2_origin", "input a, b\ny = atan2(a, b)\nentry e = y, grad(y, a) as ga, grad(y, b) as gb", "ours: 0 at (0, 0)")
    f.call("e", {"a": 0.0, "b": 0.0}, {"y": 0, "ga": 0, "gb": 0})
    f.model("pow_edges", "input x, y\nz = x**y\nentry e = z, grad(z, x) as gx, grad(z, y) as gy", ORIGIN)
    for x, y in ((0.0, 2.0), (0.0, 0.0), (2.0, 0.0), (0.0, 1.0)):
        t = torch.tensor([x, y], requires_grad=True)
        z = t[0] ** t[1]
        g, = torch.autograd.grad(z, t)
        f.call("e", {"x": x, "y": y}, {"z": z, "gx": g[0], "gy": g[1]})
    f.call("e", {"x": 0.0, "y": -1.0}, {"z": inf, "gy": -inf})
    f.call("e", {"x": 0.0, "y": nan}, {"z": nan, "gx": nan, "gy": nan})
    f.model("mod_edges", "input a[4], b[4]\ny = a % b\nentry e = y, grad(sum(y), a) as ga, grad(sum(y), b) as gb", ORIGIN)
    a, b = torch.tensor([7.5, -7.5, 7.5, -7.5], requires_grad=True), torch.tensor([2.0, 2.0, -2.0, -2.0], requires_grad=True)
    y = torch.remainder(a, b)
    ga, gb = torch.autograd.grad(y.sum(), [a, b])
    f.call("e", {"a": a, "b": b}, {"y": y, "ga": ga, "gb": gb})
    f.model("sum_nothing", "input x[N]\nentry e = sum(x) as s, prod(x) as p, grad(sum(x), x) as gs, grad(prod(x), x) as gp", "docs/numerics.md")
    f.call("e", {"x": np.zeros(0)}, {"s": 0, "p": 1, "gs": np.zeros(0), "gp": np.zeros(0)})
    f.model("cast_edges", "input x[6]\nentry e = cast(x, i32) as i, cast(x, i64) as j", "docs/numerics.md: truncates, saturates, NaN becomes 0")
    f.call("e", {"x": [1e30, -1e30, nan, inf, -inf, -2.9]},
           {"i": [2147483647, -2147483648, 0, 2147483647, -2147483648, -2]}, rtol=0)
    f.model("integer_wrap", "input i: i32[2]\nentry e = i + 1 as p, i*2 as d", "docs/numerics.md: two's complement")
    f.call("e", {"i": [2147483647, -2147483648]}, {"p": [-2147483648, -2147483647], "d": [-2, 0]}, rtol=0)
    f.model("mse", "input p[4], t[4]\ny = mse_loss(p, t)\nentry e = y, grad(y, p) as g", ORIGIN)
    p, t = torch.tensor([1.0, 2, 3, 4], requires_grad=True), torch.tensor([1.0, 1, 1, 1])
    y = F.mse_loss(p, t)
    f.call("e", {"p": p, "t": t}, {"y": y, "g": torch.autograd.grad(y, p)[0]})
    f.model("jacobian_inf", 'input x[3], w[3, 2]\ny = x @ w\ns = sum(x*x/w[:, 0])\n'
            'entry e = jacobian(y, x, mode="forward") as f, jacobian(y, x, mode="reverse") as r, '
            'jacobian(s, x, mode="forward") as d',
            "ours: what has no path adds nothing, whatever stands beside it")
    f.call("e", {"x": [1, 2, 4], "w": [[1, 2], [inf, 3], [4, nan]]},
           {"f": [[1, inf, 4], [2, 3, nan]], "r": [[1, inf, 4], [2, 3, nan]], "d": [2, 0, 2]})


# ---- nets, and writing at indices ------------------------------------------------------------------------

def conv_text(k, bias=True, **more):
    return "conv" + k + ("(x, w, b" if bias else "(x, w") + "".join(f", {n}={v}" for n, v in more.items()) + ")"


def out_text(n, size, stride=1, padding=0, dilation=1):
    return f"({n} + {2 * padding} - {dilation * (size - 1) + 1})//{stride} + 1"


def nets():
    f = File("nets")
    c1 = [((2, 3, 9), (4, 3, 3), {}), ((2, 3, 9), (4, 3, 3), {"stride": 2, "padding": 1}), ((1, 4, 10), (6, 2, 3), {"stride": 3, "padding": 2, "dilation": 2, "groups": 2}),
          ((2, 3, 5), (3, 1, 5), {"groups": 3}), ((1, 1, 1), (1, 1, 1), {}), ((2, 2, 6), (3, 2, 1), {"stride": 2}), ((1, 2, 4), (2, 2, 4), {}), ((2, 2, 6), (2, 2, 2), {"stride": 2})]
    for i, (sx, sw, more) in enumerate(c1):
        case(f, f"conv1d_{i}", conv_text("1d", **more), {"x": draw(f"c1x{i}", *sx), "w": draw(f"c1w{i}", *sw), "b": draw(f"c1b{i}", sw[0])},
             lambda x, w, b, more=more: F.conv1d(x, w, b, **more))
    c2 = [((2, 2, 5, 4), (3, 2, 3, 2), {}), ((1, 4, 6, 5), (4, 2, 3, 2), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}),
          ((2, 3, 4, 4), (3, 1, 3, 3), {"padding": 1, "groups": 3}), ((1, 2, 3, 3), (4, 2, 1, 1), {}), ((1, 1, 1, 5), (2, 1, 1, 3), {"padding": (0, 1)}),
          ((1, 2, 4, 4), (2, 2, 2, 2), {"stride": 2}), ((1, 1, 3, 2), (1, 1, 3, 2), {})]
    for i, (sx, sw, more) in enumerate(c2):
        case(f, f"conv2d_{i}", conv_text("2d", False, **more), {"x": draw(f"c2x{i}", *sx), "w": draw(f"c2w{i}", *sw)}, lambda x, w, more=more: F.conv2d(x, w, **more))
    x2 = draw("c2n", 3, 2, 5, 4)
    case(f, "conv2d_batch", "conv2d(x, w, b, stride=2, padding=1)", {"x": x2[:2], "w": draw("c2nw", 3, 2, 3, 3), "b": draw("c2nb", 3)}, lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1),
         dims={"x": ("N", 2, 5, 4), "y": ("N", 3, 3, 2)}, calls=[{"x": x2[:1], "w": draw("c2nw", 3, 2, 3, 3), "b": draw("c2nb", 3)}])
    case(f, "conv2d_extents", "conv2d(x, w, stride=2, padding=1)", {"x": x2, "w": draw("c2ew", 2, 2, 3, 2)}, lambda x, w: F.conv2d(x, w, stride=2, padding=1),
         dims={"x": ("N", "C", "H", "W"), "w": ("O", "C", "P", "Q"), "y": ("N", "O", "(H + 2 - P)//2 + 1", "(W + 2 - Q)//2 + 1")},
         calls=[{"x": draw("c2e1", 1, 1, 4, 4), "w": draw("c2e2", 3, 1, 1, 4)}])
    case(f, "conv2d_large", "conv2d(x, w, padding=1)[:, ::3, ::4, ::5]", {"x": draw("c2lx", 2, 6, 12, 11), "w": draw("c2lw", 8, 6, 3, 3)}, lambda x, w: F.conv2d(x, w, padding=1)[:, ::3, ::4, ::5])
    case(f, "conv1d_long", "conv1d(x, w)[:, :, ::20]", {"x": draw("c1lx", 2, 2, 80), "w": draw("c1lw", 3, 2, 33)}, lambda x, w: F.conv1d(x, w)[:, :, ::20])
    pools = [("1d", (2, 3, 7), "2", {"kernel_size": 2}), ("1d", (2, 3, 7), "3, stride=1, padding=1", {"kernel_size": 3, "stride": 1, "padding": 1}), ("1d", (1, 1, 1), "1", {"kernel_size": 1}),
             ("1d", (1, 2, 8), "4, 3, 2", {"kernel_size": 4, "stride": 3, "padding": 2}), ("1d", (1, 2, 5), "5", {"kernel_size": 5}),
             ("2d", (2, 2, 4, 6), "2", {"kernel_size": 2}), ("2d", (1, 2, 5, 7), "(3, 2), (2, 1), (1, 0)", {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)}),
             ("2d", (1, 2, 5, 5), "3, padding=1", {"kernel_size": 3, "padding": 1}), ("2d", (1, 1, 4, 3), "(4, 3)", {"kernel_size": (4, 3)})]
    for kind in ("max", "avg"):
        for i, (d, sx, text, more) in enumerate(pools):
            case(f, f"{kind}_pool_{i}", f"{kind}_pool{d}(x, {text})", {"x": draw(f"pool{i}", *sx)}, lambda x, fn=getattr(F, f"{kind}_pool{d}"), more=more: fn(x, **more))
        case(f, f"{kind}_pool_extents", f"{kind}_pool2d(x, shape(k, 0), 2, 1) * sum(k)", {"x": draw("poole", 2, 2, 6, 5), "k": [1, 2, 3]},
             lambda x, k, fn=getattr(F, f"{kind}_pool2d"): fn(x, len(k), 2, 1) * k.sum(),
             dims={"x": ("N", 2, "H", "W"), "k": ("K",), "y": ("N", 2, "(H + 2 - K)//2 + 1", "(W + 2 - K)//2 + 1")}, calls=[{"x": draw("poole1", 1, 2, 3, 7), "k": [2, 1]}])
    # ties: the first of them in row-major order
    case(f, "max_pool_ties", "max_pool2d(x, 2, 1)", {"x": [[[[1, 1, 0], [1, 1, 2], [2, 2, 2]]]]}, lambda x: F.max_pool2d(x, 2, 1))
    case(f, "max_pool_after_relu", "max_pool2d(relu(x), 3, 2, 1)", {"x": draw("par", 1, 2, 5, 5)}, lambda x: F.max_pool2d(F.relu(x), 3, 2, 1))
    case(f, "max_pool_minus_inf", "max_pool1d(x, 3, 1, 1)", {"x": [[[-math.inf, -math.inf, -math.inf, 2.0, 1.0]]]}, lambda x: F.max_pool1d(x, 3, 1, 1), wrt=[])

    def loss(x, w, v):
        return (torch.tanh(F.max_pool2d(F.conv2d(x, w, padding=1), 2)).flatten(1) @ v).square().sum()
    x, w, v = (torch.tensor(draw(n, *s)) for n, s in (("nlx", (2, 1, 4, 4)), ("nlw", (2, 1, 3, 3)), ("nlv", (8,))))
    f.model("net_to_second_order", """
input x[N, 1, 4, 4], w[2, 1, 3, 3], v[8]
def loss(x, w) = sum(square(reshape(tanh(max_pool2d(conv2d(x, w, padding=1), 2)), [shape(x, 0), 8]) @ v))
y = loss(x, w)
g = grad(y, w)
entry e = y, g, grad(y, x) as gx, hessian(y, w) as H, grad(sum(g**2), x) as m,
    map((s) -> grad(loss(s[none], w), w), x) as each, grad(y, w, mode="forward") as gf""")
    w.requires_grad_(), x.requires_grad_()
    y = loss(x, w, v)
    g, gx = torch.autograd.grad(y, [w, x], create_graph=True)
    f.call("e", {"x": x, "w": w, "v": v}, {"y": y, "g": g, "gx": gx, "H": torch.autograd.functional.hessian(lambda w: loss(x, w, v), w), "m": torch.autograd.grad((g ** 2).sum(), x)[0],
           "each": torch.stack([torch.autograd.grad(loss(x[i:i + 1], w, v), w)[0] for i in range(2)]), "gf": g}, rtol=1e-10)
    f.model("pools_to_second_order", """
input x[2, 3, 9]
y = sum(max_pool1d(x**3, 3, 2, 1)) + sum(square(avg_pool1d(x**2, 3, 1, 1)))
entry e = y, hessian(y, x) as H, jacobian(max_pool1d(x, 2, 1), x, mode="forward") as J, jacobian(avg_pool1d(x, 3), x, mode="reverse") as A,
    map((s) -> max_pool1d(s, 2), stack((x, -x))) as m""")
    x = torch.tensor(draw("psx", 2, 3, 9))
    at = lambda x: F.max_pool1d(x ** 3, 3, 2, 1).sum() + F.avg_pool1d(x ** 2, 3, 1, 1).square().sum()
    jac = torch.autograd.functional.jacobian
    f.call("e", {"x": x}, {"y": at(x), "H": torch.autograd.functional.hessian(at, x), "J": jac(lambda x: F.max_pool1d(x, 2, 1), x), "A": jac(lambda x: F.avg_pool1d(x, 3), x),
           "m": torch.stack([F.max_pool1d(x, 2), F.max_pool1d(-x, 2)])}, rtol=1e-11)

    q, k, vv = draw("atq", 2, 3, 4), draw("atk", 2, 5, 4), draw("atv", 2, 5, 6)
    sdpa = F.scaled_dot_product_attention
    qkv = {"q": q, "k": k, "v": vv}
    mask = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    case(f, "attention", "attention(q, k, v)", qkv, lambda q, k, v: sdpa(q, k, v))
    case(f, "attention_causal", "attention(q, k, v, causal=true)", qkv, lambda q, k, v: sdpa(q, k, v, is_causal=True))
    case(f, "attention_mask", "attention(q, k, v, mask=m)", {**qkv, "m": mask}, lambda q, k, v, m: sdpa(q, k, v, attn_mask=m.to(torch.bool)), wrt=list("qkv"), kinds={"m": "bool"})
    case(f, "attention_masked_row", "attention(q, k, v, mask=m)", {**qkv, "m": mask * [[1], [0], [1]]}, lambda q, k, v, m: sdpa(q, k, v, attn_mask=m.to(torch.bool)), wrt=list("qkv"), kinds={"m": "bool"})
    case(f, "attention_additive", "attention(q, k, v, mask=m)", {**qkv, "m": draw("atm", 3, 5)}, lambda q, k, v, m: sdpa(q, k, v, attn_mask=m))
    case(f, "attention_heads", "attention(q, k, v, true)", {"q": draw("ahq", 2, 2, 3, 4), "k": draw("ahk", 2, 2, 3, 4), "v": draw("ahv", 2, 2, 3, 4)}, lambda q, k, v: sdpa(q, k, v, is_causal=True),
         dims={**{n: ("B", 2, "T", 4) for n in "qkv"}, "y": ("B", 2, "T", 4)}, calls=[{n: draw("ah1" + n, 1, 2, 1, 4) for n in "qkv"}])
    x = draw("lnx", 2, 3, 5)
    case(f, "layer_norm", "layer_norm(x)", {"x": x}, lambda x: F.layer_norm(x, (5,)))
    case(f, "layer_norm_affine", "layer_norm(x, w, b, 0.01)", {"x": x, "w": draw("lnw", 5), "b": draw("lnb", 5)}, lambda x, w, b: F.layer_norm(x, (5,), w, b, 0.01))
    case(f, "layer_norm_equal", "layer_norm(x)", {"x": np.full((2, 3), 0.5)}, lambda x: F.layer_norm(x, (3,)))
    case(f, "rms_norm", "rms_norm(x)", {"x": x}, lambda x: F.rms_norm(x, (5,), eps=1e-5))
    case(f, "rms_norm_weight", "rms_norm(x, w, eps=0.1)", {"x": x, "w": draw("lnw", 5)}, lambda x, w: F.rms_norm(x, (5,), w, 0.1))
    case(f, "cosine_similarity", "cosine_similarity(a, b)", {"a": draw("csa", 3, 4), "b": draw("csb", 3, 4)}, lambda a, b: F.cosine_similarity(a, b, dim=-1))
    case(f, "cosine_similarity_axis", "cosine_similarity(a, b, axis=0)", {"a": draw("csa", 3, 4), "b": draw("csb", 3, 4)}, lambda a, b: F.cosine_similarity(a, b, dim=0))
    case(f, "cosine_similarity_broadcast", "cosine_similarity(a, b)", {"a": draw("csa", 3, 4), "b": draw("csc", 4)}, lambda a, b: F.cosine_similarity(a, b, dim=-1))
    case(f, "cosine_similarity_zero", "cosine_similarity(a, b)", {"a": [[0.0, 0.0], [1.0, 2.0]], "b": [[1.0, 2.0], [0.0, 0.0]]}, lambda a, b: F.cosine_similarity(a, b, dim=-1))
    # PyTorch's derivative there is one of another function: it leaves the bound of the norm out
    case(f, "cosine_similarity_small", "cosine_similarity(a, b)", {"a": [3e-10, 4e-10], "b": [1.0, 1.0]}, lambda a, b: F.cosine_similarity(a, b, dim=-1), wrt=[])
    case(f, "one_hot", "one_hot(i, 4) * x", {"i": [[0, 3], [1, 1]], "x": draw("ohx", 4)}, lambda i, x: F.one_hot(i, 4) * x, wrt=["x"], kinds={"i": "i64"})
    case(f, "embedding", "embedding(i, t)", {"i": [[0, 3, 3], [1, 1, 2]], "t": draw("emt", 4, 2)}, lambda i, t: F.embedding(i, t), wrt=["t"], kinds={"i": "i32"})
    case(f, "dropout_none", "dropout(x, 0, 7)", {"x": x}, lambda x: x)
    f.model("dropout", """
input x[4, 50], u[4, 50], p, s: i64
y = dropout(x, p, s)
kept = cast(rand([4, 50], s) >= p, f64)
n = sum(kept)
entry e = 1 + sum(abs(y - kept*x/(1 - p))) as value, 1 + sum(abs(vjp(y, x, u) - kept*u/(1 - p))) as back, 1 + sum(abs(jvp(y, x, u) - kept*u/(1 - p))) as ahead,
    n > 120 and n < 180 as some""", "docs/numerics.md: the mask of rand, scaled by 1/(1-p)")
    for seed in (3, -1):
        f.call("e", {"x": draw("dox", 4, 50), "u": draw("dou", 4, 50), "p": 0.25, "s": seed}, {"value": 1, "back": 1, "ahead": 1, "some": 1}, atol=1e-13)

    xs, idx, vs = draw("ipx", 5, 2), [3, 0, -2, 3], draw("ipv", 4, 2)

    def put(x, i, v):
        rows = list(x)
        for k, j in enumerate(i.reshape(-1).tolist()):
            rows[j] = v.reshape(-1, *x.shape[1:])[k]
        return torch.stack(rows)
    case(f, "index_put", "index_put(x, i, v)", {"x": xs, "i": idx, "v": vs}, put, wrt=["x", "v"], kinds={"i": "i64"})
    case(f, "index_put_vector", "index_put(x, i, v)", {"x": draw("ipz", 4), "i": [[1, 1], [-1, 1]], "v": draw("ipw", 2, 2)}, put, wrt=["x", "v"], kinds={"i": "i32"})
    case(f, "index_put_broadcast", "index_put(x, i, v)", {"x": xs, "i": [1, 4], "v": draw("ipb", 2)}, lambda x, i, v: put(x, i, v.expand(2, 2)), wrt=["x", "v"], kinds={"i": "i64"})
    case(f, "index_put_extents", "index_put(x, i, v)", {"x": xs, "i": idx, "v": vs}, put, wrt=["x", "v"], kinds={"i": "i64"}, dims={"x": ("N", 2), "i": ("M",), "v": ("M", 2), "y": ("N", 2)},
         calls=[{"x": xs, "i": np.zeros(0, int), "v": np.zeros((0, 2))}, {"x": xs[:1], "i": [0], "v": vs[:1]}])
    case(f, "index_put_scalar", "index_put(x, 2, v)", {"x": xs, "v": vs[0]}, lambda x, v: put(x, torch.tensor([2]), v))
    case(f, "index_put_int", "index_put(x, i, [7, 8])", {"x": [1, 2, 3], "i": [2, 0]}, lambda x, i: torch.tensor([8, 2, 7]), wrt=[], kinds={"x": "i32", "i": "i64"})
    case(f, "index_put_used", "index_put(index_put(x, i, v), i, index_put(x, i, v)[i] ** 2)", {"x": xs, "i": idx, "v": vs}, lambda x, i, v: put(put(x, i, v), i, put(x, i, v)[i] ** 2), wrt=["x", "v"], kinds={"i": "i64"})
    f.model("index_put_mapped", "input x[3, 4], i: i64[3, 2], v[3, 2], u[3, 4]\ny = map((a, k, b) -> index_put(a, k, b), x, i, v)\nz = map((k) -> index_put(x[0], k, v[0]), i)\n"
            "entry e = y, vjp(y, x, u) as gx, vjp(y, v, u) as gv, z, jacobian(index_put(x[0], i[1], v[0]), v) as J")
    x, v, u, i = torch.tensor(draw("ipm", 3, 4), requires_grad=True), torch.tensor(draw("ipn", 3, 2), requires_grad=True), torch.tensor(draw("ipu", 3, 4)), torch.tensor([[0, 3], [1, 1], [-1, 2]])
    y = torch.stack([put(x[k], i[k], v[k]) for k in range(3)])
    gx, gv = torch.autograd.grad(y, [x, v], u)
    J = np.zeros((4, 3, 2))
    J[1, 0, 1] = 1
    f.call("e", {"x": x, "i": i, "v": v, "u": u}, {"y": y, "gx": gx, "gv": gv, "z": torch.stack([put(x[0], i[k], v[0]) for k in range(3)]), "J": J})
    case(f, "index_add", "index_add(x, i, v)", {"x": xs, "i": idx, "v": vs}, lambda x, i, v: x.index_add(0, i % 5, v), wrt=["x", "v"], kinds={"i": "i64"})


# ---- the notebook -----------------------------------------------------------------------------------------

def notebook():
    """The cells of examples/notebook, in f64 and, to 1e-6, in f32."""
    f = File("notebook")
    for real, rtol, dtype in (("f64", 1e-12, torch.float64), ("f32", 1e-6, torch.float32)):
        def block(name, text, entry, args, wants):
            f.model(f"{name}_{real}", f"real {real}\n{text}", ORIGIN if real == "f64" else ORIGIN.replace("f64", "f32"))
            f.call(entry, args, wants, rtol=rtol, atol=0)
        for name, lim, fn in (("sigmoid", 100, torch.sigmoid), ("tanh", 10, torch.tanh), ("relu", 10, torch.relu)):
            x = torch.linspace(-lim, lim, 10, dtype=torch.float64).to(dtype)
            want = fn(x)
            # in f32 the grid itself rounds, and the far tail of sigmoid magnifies it by |x|
            f.model(f"{name}_{real}", f"real {real}\nconst x = linspace({-lim}, {lim}, 10)\noutput {name}(x) as y")
            f.call("forward", {}, {"y": want}, rtol=rtol if real == "f64" else 2e-5 if name == "sigmoid" else 1e-6, atol=0 if real == "f64" else 1e-30)
        block("mse", "input x[1] = ones([1])\nparam w[1] = full([1], 2)\nmse = mse_loss(ones([1]), x*w)\noutput mse\ngradient mse wrt w\nentry n = norm(grad(mse, w)) as gn", "gradient", {}, {"mse": 1, "grad_w": [2]})
        f.call("n", {}, {"gn": 2}, rtol=rtol)
        a = torch.tensor([0.5631628, 0.0629461, 0.8228793], dtype=dtype)
        p = torch.softmax(a, 0)
        J = torch.autograd.functional.jacobian(lambda a: torch.softmax(a, 0), a)
        block("softmax", "input a[3]\np = softmax(a, axis=0)\noutput p\nentry rows = grad(p[1], a) as g1, grad(p[0], a) as g0, jacobian(p, a) as J", "forward", {"a": a}, {"p": p})
        f.call("rows", {"a": a}, {"g1": J[1], "g0": J[0], "J": J}, rtol=rtol, atol=rtol)
        for m in (1, 2):
            w = torch.tensor(draw(f"nbw{m}", m, 10)).to(dtype).requires_grad_()
            text = f"input x[N, 10], y[N, {m}] = ones([N, {m}])\nparam w[{m}, 10]\no = sigmoid(x @ w.T)\nloss = mse_loss(y, o)\noutput o, loss\ngradient loss wrt w"
            f.model(f"perceptron{m}_{real}", f"real {real}\n{text}", ORIGIN)
            for n in (1, 3, 8):
                x = torch.tensor(draw(f"nbx{m}{n}", n, 10)).to(dtype)
                o = torch.sigmoid(x @ w.T)
                loss = F.mse_loss(torch.ones(n, m, dtype=dtype), o)
                g, = torch.autograd.grad(loss, w)
                f.call("forward", {"x": x, "w": w}, {"o": o, "loss": loss}, rtol=rtol, atol=rtol)
                f.call("gradient", {"x": x, "w": w}, {"loss": loss, "grad_w": g}, rtol=rtol, atol=rtol)


for part in (elementwise, activations, reductions, rows, losses, linear, linalg, operators, indexing, shapes, higher, edges, nets, notebook):
    if len(sys.argv) == 1 or part.__name__ in sys.argv[1:]:
        part()
for made in File.all:
    made.write()
