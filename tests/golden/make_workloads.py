#!/usr/bin/env python3
"""make_workloads.py - writes workloads.txt: the programs of examples/workloads with data of their own and
what they must give. Run by hand; needs NumPy, mpmath and PyTorch (1.3.0 and 2.13.0 were used).

The form is that of make_golden.py, save that a block names the model's file instead of holding its text:

    file PATH

Nothing here is computed by symgrad. Values and derivatives come from the formulas in PyTorch (f64), written
in another form than the model's where there is one, or in mpmath with 50 digits; derivatives are held here,
too, against Richardson differences or against differences with 50 digits, and the line above each block
says which. The arguments are also written to examples/workloads/data/NAME.npz.
"""
import itertools
import math
import os

import mpmath
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
mpmath.mp.dps = 50
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "examples", "workloads", "data")
TORCH = f"PyTorch {torch.__version__.split('+')[0]}, f64 on a CPU"
MP = f"mpmath {mpmath.__version__} with 50 digits"
lines = []


def number(v):
    v = float(v)
    return repr(int(v)) if v == int(v) and abs(v) < 1e15 else repr(v)


def text(name, v, tolerance=""):
    v = np.asarray(v, dtype=float)
    shape = "x".join(map(str, v.shape)) or "-"
    return " ".join(filter(None, [name, shape, tolerance, "=", *map(number, v.ravel())]))


def block(name, origin):
    lines.extend([f"# {origin}", f"file examples/workloads/{name}.sg"])


def array(v):
    return v.detach().numpy() if isinstance(v, torch.Tensor) else np.asarray(v, dtype=float)


def call(entry, args, wants, rtol=1e-11, atol=1e-12):
    lines.append(f"call {entry}")
    lines.extend("arg " + text(k, v) for k, v in args.items())
    for k, v in wants.items():
        v = array(v)
        scale = np.max(np.abs(v)) if v.size else 0
        lines.append("want " + text(k, v, f"{rtol:g} {atol * scale:.3g}"))


def save(name, args):
    os.makedirs(DATA, exist_ok=True)
    np.savez(os.path.join(DATA, name + ".npz"), **{k: np.asarray(v) for k, v in args.items()})


def draw(seed, *shape):
    return np.round(np.random.default_rng(seed).standard_normal(shape), 4)


def tensors(**a):
    return [torch.tensor(v, requires_grad=True) for v in a.values()]


def near(a, b, rtol):
    a, b = array(a), array(b)
    assert a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=rtol * np.max(np.abs(b))), (a, b)


def differences(f, x, h=1e-2):
    """Jacobian of f, of arrays, by Richardson's extrapolation of central differences to order 8."""
    x = np.asarray(x, dtype=float)
    cols = []
    for i in np.ndindex(x.shape):
        table = []
        for k in range(5):
            e = np.zeros_like(x)
            e[i] = h / 2**k
            row = [(np.asarray(f(x + e)) - np.asarray(f(x - e))) / (2 * e[i])]
            for j, older in enumerate(table[-1] if table else []):
                row.append(row[j] + (row[j] - older) / (4**(j + 1) - 1))
            table.append(row)
        cols.append(table[-1][-1])
    return np.moveaxis(np.array(cols), 0, -1).reshape(np.shape(cols[0]) + x.shape)


def hello():
    block("hello", "by hand")
    call("square", {"x": 3}, {"y": 9})
    call("double", {"x": 3}, {"d": 6})
    call("double", {"x": -0.25}, {"d": -0.5})


# ---- gmm ----

def gmm_objective(alpha, mu, q, l, x, gamma, m):
    """By the covariances: x_n has density N(mu_k, (Q' Q)^-1), through PyTorch's distributions; the prior by
    multigammaln."""
    n, d = x.shape
    k = alpha.shape[0]
    rows, cols = np.triu_indices(d, 1)  # of Q', by rows: below Q's diagonal, by columns
    Q = torch.diag_embed(torch.exp(q)).index_put(
        (torch.arange(k)[:, None], torch.tensor(cols)[None], torch.tensor(rows)[None]), l)
    normal = torch.distributions.MultivariateNormal(mu, precision_matrix=Q.transpose(1, 2) @ Q)
    logs = normal.log_prob(x[:, None]) + alpha
    wishart = n_prime_constant(d, gamma, m)
    return (torch.logsumexp(logs, 1).sum() - n * torch.logsumexp(alpha, 0)
            - (gamma**2 / 2 * (torch.exp(q)**2).sum() + gamma**2 / 2 * (l**2).sum() - m * q.sum()) + k * wishart)


def n_prime_constant(d, gamma, m):
    n = d + m + 1
    return n * d * (math.log(gamma) - math.log(2) / 2) - float(torch.special.multigammaln(torch.tensor(n / 2), d))


def gmm():
    n, d, k = 7, 3, 4
    alpha, mu, q, l = a = tensors(alpha=draw(1, k), mu=draw(2, k, d), q=draw(3, k, d) / 2, l=draw(4, k, d * (d - 1) // 2))
    x = draw(5, n, d)
    gamma, m = 1.3, 2
    y = gmm_objective(*a, torch.tensor(x), gamma, m)
    g = torch.autograd.grad(y, a)
    for i, gi in enumerate(g):
        def f(v, i=i):
            b = [t.detach() for t in a]
            b[i] = torch.tensor(v)
            return float(gmm_objective(*b, torch.tensor(x), gamma, m))
        near(gi, differences(f, array(a[i])), 1e-8)
    args = dict(x=x, gamma=gamma, m=m, alpha=array(alpha), mu=array(mu), q=array(q), l=array(l))
    save("gmm", args)
    block("gmm", f"{TORCH}: densities by their precision matrices, multigammaln; gradient held against differences")
    call("objective", args, {"objective": y}, atol=1e-11)
    call("jacobian", args, dict(zip(("alpha", "mu", "q", "l"), g)), rtol=1e-9, atol=1e-11)


# ---- ba ----

def expm_rotation(r):
    """The rotation matrix as the exponential of the cross product's, by its series: no angle, no case.
    (torch.linalg.matrix_exp is right to 1e-10 only where the angle is about 0.04.)"""
    zero = torch.zeros(())
    k = torch.stack([torch.stack([zero, -r[2], r[1]]), torch.stack([r[2], zero, -r[0]]), torch.stack([-r[1], r[0], zero])])
    total = term = torch.eye(3)
    for n in range(1, 40):
        term = term @ k / n
        total = total + term
    return total


def ba_error(cam, point, w, feat):
    y = expm_rotation(cam[:3]) @ (point - cam[3:6])
    p = y[:2] / y[2]
    s = p @ p
    return w * (p * (1 + cam[9] * s + cam[10] * s * s) * cam[6] + cam[7:9] - feat)


def ba():
    n, m, p = 3, 4, 6
    cams = np.round(np.concatenate([0.3 * draw(11, n, 3), 0.2 * draw(12, n, 3), np.full((n, 1), 1.5),
                                    0.1 * draw(13, n, 2), 0.05 * draw(14, n, 2)], axis=1), 4)
    cams[1, :3] = 0  # not turned: the other branch
    points = draw(15, m, 3) + [0, 0, 5]
    w = np.round(0.5 + np.abs(draw(16, p)), 4)
    obs = np.array([[i % n, i % m] for i in range(p)])
    feats = draw(17, p, 2)
    args = dict(cams=cams, points=points, w=w, obs=obs, feats=feats)
    save("ba", args)
    errors, vals, cols = [], [], []
    for i in range(p):
        a = [torch.tensor(v) for v in (cams[obs[i, 0]], points[obs[i, 1]], w[i], feats[i])]
        errors.append(array(ba_error(*a)))
        J = torch.autograd.functional.jacobian(lambda c, x, t: ba_error(c, x, t, a[3]), tuple(a[:3]))
        J = np.concatenate([array(J[0]), array(J[1]), array(J[2])[:, None]], axis=1)
        near(J, np.concatenate([
            differences(lambda v: array(ba_error(torch.tensor(v), a[1], a[2], a[3])), cams[obs[i, 0]]),
            differences(lambda v: array(ba_error(a[0], torch.tensor(v), a[2], a[3])), points[obs[i, 1]]),
            differences(lambda v: array(ba_error(a[0], a[1], torch.tensor(v), a[3])), w[i])[:, None]], axis=1), 1e-8)
        vals.append(J.ravel())
        block_cols = [11 * obs[i, 0] + c for c in range(11)] + [11 * n + 3 * obs[i, 1] + c for c in range(3)] + [11 * n + 3 * m + i]
        cols += block_cols * 2
    rows = [0]
    for r in range(3 * p):
        rows.append(rows[-1] + (15 if r < 2 * p else 1))
    cols += [11 * n + 3 * m + i for i in range(p)]
    block("ba", f"{TORCH}: the rotation as a matrix exponential; Jacobian held against differences; the pattern by counting")
    call("objective", args, {"reproj_error": np.array(errors), "w_err": 1 - w**2})
    call("jacobian", args, {"vals": np.concatenate([*vals, -2 * w]), "rows": np.array(rows), "cols": np.array(cols)}, rtol=1e-10)


# ---- lstm ----

def lstm_loss(main, extra, state, seq):
    """The cells' own loop, on lists of tensors; sigmoid as half a tanh."""
    c, b = seq.shape
    layers = main.shape[0] // 2
    s = list(state)
    sig = lambda z: 0.5 * (1 + torch.tanh(z / 2))
    total = 0
    for t in range(c - 1):
        x = seq[t] * extra[0]
        for i in range(layers):
            (wf, wi, wo, wg), (bf, bi, bo, bg) = main[2 * i].reshape(4, b), main[2 * i + 1].reshape(4, b)
            h, cell = s[2 * i], s[2 * i + 1]
            cell = cell * sig(x * wf + bf) + sig(h * wi + bi) * torch.tanh(h * wg + bg)
            x = sig(x * wo + bo) * torch.tanh(cell)
            s[2 * i], s[2 * i + 1] = x, cell
        y = x * extra[1] + extra[2]
        total = total + (seq[t + 1] * (y - torch.log(2 + torch.exp(y).sum()))).sum()
    return -total / ((c - 1) * b)


def lstm():
    L, b, c = 2, 4, 5
    main, extra = a = tensors(main=draw(21, 2 * L, 4 * b), extra=draw(22, 3, b))
    state = draw(23, 2 * L, b)
    seq = np.eye(b)[[0, 2, 1, 3, 2]]
    f = lambda m, e: lstm_loss(m, e, torch.tensor(state), torch.tensor(seq))
    y = f(*a)
    g = torch.autograd.grad(y, a)
    near(g[0], differences(lambda v: float(f(torch.tensor(v), extra.detach())), array(main)), 1e-8)
    near(g[1], differences(lambda v: float(f(main.detach(), torch.tensor(v))), array(extra)), 1e-8)
    args = dict(main=array(main), extra=array(extra), state=state, sequence=seq)
    save("lstm", args)
    block("lstm", f"{TORCH}: sigmoid by tanh, a loop on lists; gradient held against differences")
    call("objective", args, {"loss": y})
    call("jacobian", args, {"main": g[0], "extra": g[1]}, rtol=1e-10)


# ---- ht ----

def ht_vertices(theta, d):
    """Walks the tree bone by bone and moves each vertex by the sum of its bones' matrices; rotations, the
    global one too, as matrix exponentials."""
    pose = [torch.zeros(3)] * 25
    pose[0], pose[2] = theta[:3], theta[3:6]
    zero = torch.zeros(())
    for k in range(5):
        t = theta[6 + 4 * k:10 + 4 * k]
        pose[5 + 4 * k] = torch.stack([t[0], t[1], zero])
        pose[6 + 4 * k] = torch.stack([t[2], zero, zero])
        pose[7 + 4 * k] = torch.stack([t[3], zero, zero])
    absolute, moves = [], []
    for i in range(len(d["parents"])):
        a = pose[i + 3]
        turn = expm_rotation(a[1] * torch.tensor([0.0, 0, 1])) @ expm_rotation(a[2] * torch.tensor([0.0, 1, 0])) @ expm_rotation(a[0] * torch.tensor([1.0, 0, 0]))
        rel = torch.tensor(d["base_relatives"][i])
        rel = torch.cat([rel[:, :3] @ turn, rel[:, 3:]], 1)
        parent = d["parents"][i]
        absolute.append(rel if parent < 0 else absolute[parent] @ rel)
        moves.append(absolute[i] @ torch.tensor(d["inverse_base_absolutes"][i]))
    moves = torch.stack(moves)
    out = []
    for v, w in zip(d["base_positions"], d["weights"]):
        x = (torch.tensordot(torch.tensor(w), moves, 1) @ torch.tensor(v))[:3]
        if d["is_mirrored"]:
            x = x * torch.tensor([-1.0, 1, 1])
        out.append(expm_rotation(pose[0]) @ x + pose[2])
    return torch.stack(out)


def ht_error(theta, us, d, simple):
    v = ht_vertices(theta, d)
    out = []
    for j, c in enumerate(d["correspondences"]):
        if simple:
            hand = v[c]
        else:
            a, b, e = d["triangles"][c]
            hand = us[j, 0] * v[a] + us[j, 1] * v[b] + (1 - us[j, 0] - us[j, 1]) * v[e]
        out.append(torch.tensor(d["points"][j]) - hand)
    return torch.cat(out)


def ht():
    V, B, T, n = 6, 22, 4, 3
    rng = np.random.default_rng(31)
    parents = np.array([-1, 0] + [0 if k % 4 == 0 else k + 1 for k in range(20)])
    eye = np.eye(4)
    rel = np.array([eye + np.pad(np.round(0.2 * rng.standard_normal((3, 4)), 3), ((0, 1), (0, 0))) for _ in range(B)])
    inv = np.array([eye + np.pad(np.round(0.2 * rng.standard_normal((3, 4)), 3), ((0, 1), (0, 0))) for _ in range(B)])
    weights = np.round(rng.random((V, B)) * (rng.random((V, B)) < 0.3), 3)
    d = dict(base_positions=np.concatenate([draw(32, V, 3), np.ones((V, 1))], 1), weights=weights, base_relatives=rel,
             inverse_base_absolutes=inv, parents=parents, triangles=rng.integers(0, V, (T, 3)),
             correspondences=np.array([2, 0, 3]), points=draw(33, n, 3), is_mirrored=1)
    us = np.round(rng.random((n, 2)), 3)
    theta = np.round(0.4 * draw(34, 26), 4)
    save("ht", dict(theta=theta, us=us, **{**d, "is_mirrored": True}))
    block("ht", f"{TORCH}: rotations as matrix exponentials, a walk along the tree; Jacobian held against differences")
    for start, mirrored in ((theta, 1), (np.concatenate([[0, 0, 0], theta[3:]]), 0)):
        d["is_mirrored"] = mirrored
        args = dict(theta=start, us=us, **d)
        t, u = torch.tensor(start), torch.tensor(us)
        Jt, Ju = torch.autograd.functional.jacobian(lambda t, u: ht_error(t, u, d, False), (t, u))
        own = np.array([array(Ju)[r, r // 3] for r in range(3 * n)])
        if mirrored:
            near(Jt, differences(lambda v: array(ht_error(torch.tensor(v), u, d, False)), start), 1e-8)
            near(Ju, differences(lambda v: array(ht_error(t, torch.tensor(v), d, False)), us), 1e-8)
        else:  # the angle is below 1e-4: the global rotation is left out, and has no derivative
            Jt[:, :3] = 0
        call("objective", args, {"error": ht_error(t, u, d, False)})
        call("jacobian", args, {"J": np.concatenate([own, array(Jt)], 1)}, rtol=1e-10)
    d["is_mirrored"] = 1
    args = {k: v for k, v in dict(theta=theta, **d).items() if k != "triangles"}
    t = torch.tensor(theta)
    call("objective_simple", args, {"error": ht_error(t, None, d, True)})
    call("jacobian_simple", args, {"J": torch.autograd.functional.jacobian(lambda t: ht_error(t, None, d, True), t)}, rtol=1e-10)


# ---- the short ones ----

def kmeans():
    points, c = draw(41, 9, 3), draw(42, 3, 3)
    owner = np.argmin(((points[:, None] - c) ** 2).sum(2), 1)
    assert len(set(owner)) == 3
    args = dict(points=points, centroids=c)
    save("kmeans", args)
    own = [points[owner == j] for j in range(3)]
    cost = lambda v: ((points[:, None] - v) ** 2).sum(2).min(1).sum()
    g = np.array([2 * (len(o) * cj - o.sum(0)) for o, cj in zip(own, c)])
    h = np.array([[2.0 * len(o)] * 3 for o in own])
    near(g, differences(cost, c, 1e-3), 1e-8)
    block("kmeans", "by hand, from the points that each centroid owns; gradient held against differences")
    call("cost", args, {"cost": cost(c)})
    call("dir", args, {"gradient": g, "diagonal": h, "step": g / h})


def llsq():
    n = 12
    x = draw(51, 5)
    t = [-1 + mpmath.mpf(2 * i) / (n - 1) for i in range(n)]
    r = [mpmath.sign(ti) - mpmath.polyval([mpmath.mpf(v) for v in x[::-1]], ti) for ti in t]
    save("llsq", dict(x=x))
    block("llsq", f"{MP}, by Horner; the gradient is -sum r_i t_i**j")
    args = dict(x=x, n=n)
    call("primal", args, {"y": float(sum(ri**2 for ri in r) / 2)})
    call("gradient", args, {"gradient": [float(-sum(ri * ti**j for ri, ti in zip(r, t))) for j in range(5)]})


def lse():
    block("lse", f"{MP}, nothing taken out")
    for x in (draw(61, 8), np.array([1000.0, 999.5, -1000.0])):
        e = [mpmath.exp(mpmath.mpf(v)) for v in x]
        call("primal", {"x": x}, {"y": float(mpmath.log(sum(e)))})
        call("gradient", {"x": x}, {"gradient": [float(v / sum(e)) for v in e]})
    save("lse", dict(x=draw(61, 8)))


def det():
    A = draw(71, 5, 5)
    M = mpmath.matrix(A.tolist())
    d = mpmath.det(M)
    adjugate = d * (M**-1).T
    signed = sum(mpmath.mpf((-1) ** sum(p[i] > p[j] for i in range(5) for j in range(i, 5)))
                 * mpmath.fprod(M[i, p[i]] for i in range(5)) for p in itertools.permutations(range(5)))
    assert abs(signed - d) < mpmath.mpf(10) ** -40
    save("det", dict(A=A))
    block("det", f"{MP}: elimination, held against the sum over permutations; the gradient is d inv(A)'")
    call("primal", {"A": A}, {"d": float(d)})
    call("gradient", {"A": A}, {"gradient": np.array(adjugate.tolist(), dtype=float)}, rtol=1e-10)
    B = A.copy()
    B[3] = B[1]  # singular: the gradient is there all the same
    cof = [[float((-1) ** (i + j) * mpmath.det(mpmath.matrix(np.delete(np.delete(B, i, 0), j, 1).tolist()))) for j in range(5)] for i in range(5)]
    call("gradient", {"A": B}, {"gradient": cof}, rtol=1e-10)


def ode():
    """The scheme in exact steps of 50 digits. f is linear, so a step is y -> y + (h + h^2/2 M + h^3/6 M^2 +
    h^4/24 M^3)(M y + b): no stages. Gradient by differences with 50 digits."""
    def final(x, s):
        n = len(x)
        h = mpmath.mpf(2) / s
        M = mpmath.zeros(n)
        for i in range(1, n):
            M[i, i - 1] = x[i]
        b = mpmath.zeros(n, 1)
        b[0] = x[0]
        P = h * mpmath.eye(n) + h**2 / 2 * M + h**3 / 6 * M**2 + h**4 / 24 * M**3
        y = mpmath.zeros(n, 1)
        for _ in range(s):
            y = y + P * (M * y + b)
        return y
    x = np.round(1 + 0.3 * draw(81, 6), 4)
    s = 10
    xs = [mpmath.mpf(v) for v in x]
    e = mpmath.mpf(10) ** -20
    grad = []
    for i in range(len(x)):
        up, down = list(xs), list(xs)
        up[i] += e
        down[i] -= e
        grad.append(float((final(up, s)[len(x) - 1] - final(down, s)[len(x) - 1]) / (2 * e)))
    near(np.array([float(v) for v in final(xs, 2000)]),
         np.array([float(mpmath.fprod(xs[:i + 1]) * mpmath.mpf(2) ** (i + 1) / mpmath.factorial(i + 1)) for i in range(6)]), 1e-10)
    save("ode", dict(x=x))
    block("ode", f"{MP}: the scheme as a matrix polynomial, held against the exact solution; gradient by differences with 50 digits")
    call("primal", {"x": x, "s": s}, {"y": [float(v) for v in final(xs, s)]})
    call("gradient", {"x": x, "s": s}, {"gradient": grad})


# ---- particle and saddle ----

def landing(w):
    """Forces from the formula, (x - c)/|x - c|^3 for each charge."""
    x, v, dt = [mpmath.mpf(0), mpmath.mpf(8)], [mpmath.mpf(3) / 4, mpmath.mpf(0)], mpmath.mpf("0.1")
    while True:
        ahead = [x[0] + dt * v[0], x[1] + dt * v[1]]
        if ahead[1] <= 0:
            f = -ahead[1] / v[1]
            return (ahead[0] + f * v[0]) ** 2
        a = [mpmath.mpf(0)] * 2
        for c in ((10, 0), (10, 10 - w)):
            r = mpmath.sqrt((x[0] - c[0]) ** 2 + (x[1] - c[1]) ** 2)
            a = [a[k] + (x[k] - c[k]) / r**3 for k in (0, 1)]
        v = [v[k] + dt * a[k] for k in (0, 1)]
        x = ahead


def descend(f, grad, x):
    """As the text says: x is a list; one thing at a time."""
    norm = lambda v: mpmath.sqrt(sum(t * t for t in v))
    eta, i, y, g = mpmath.mpf(10) ** -5, 0, f(x), grad(x)
    tiny = mpmath.mpf(10) ** -5
    while True:
        if norm(g) <= tiny:
            return x
        if i == 10:
            eta, i = eta * 2, 0
            continue
        new = [a - eta * b for a, b in zip(x, g)]
        if norm([a - b for a, b in zip(new, x)]) <= tiny:
            return x
        if f(new) < y:
            x, y, i = new, f(new), i + 1
            g = grad(x)
        else:
            eta, i = eta / 2, 0


def particle():
    e = mpmath.mpf(10) ** -12
    slope = lambda w: (landing(w + e) - landing(w - e)) / (2 * e)
    best = descend(lambda w: landing(w[0]), lambda w: [slope(w[0])], [mpmath.mpf(0)])[0]
    assert abs(best - mpmath.mpf("0.20719187")) < 1e-8  # as published
    block("particle", f"{MP}: the force by its formula, slopes by differences with 50 digits; 0.20719187 is published")
    for w in (0, 0.3):
        z = mpmath.mpf(w)
        second = (landing(z + e) - 2 * landing(z) + landing(z - e)) / e**2
        call("path", {"w": w}, {"z": float(landing(z)), "slope": float(slope(z)), "curvature": float(second)}, rtol=1e-10)
    for entry in ("ff", "fr", "rf", "rr"):
        call(entry, {"w": 0}, {"w_min": float(best)}, rtol=1e-10)


def saddle():
    """The inner descent is x -> prod(1 - 2 eta) x from a start that p does not move, so that the slope of the
    outer function is 2 p alone (which is the envelope's too)."""
    mpmath.mp.dps = 30
    start = [mpmath.mpf(1), mpmath.mpf(1)]
    square = lambda v: v[0] ** 2 + v[1] ** 2
    q = descend(square, lambda v: [2 * v[0], 2 * v[1]], start)
    p = descend(lambda v: square(v) - square(q), lambda v: [2 * v[0], 2 * v[1]], start)
    assert all(abs(v - mpmath.mpf("8.246e-6")) < 1e-9 for v in p + q)  # as published
    block("saddle", "mpmath with 30 digits: slopes by their formula; about 8.246e-6 is published")
    for entry in ("ff", "fr", "rf", "rr"):
        call(entry, {"start": [1, 1]}, {"pq": [float(v) for v in p + q]}, rtol=1e-8)
    mpmath.mp.dps = 50


if __name__ == "__main__":
    for part in (hello, gmm, ba, lstm, ht, kmeans, llsq, lse, det, ode, particle, saddle):
        part()
        print(part.__name__)
    with open(os.path.join(HERE, "workloads.txt"), "w") as out:
        out.write("# Made by make_workloads.py, which says how to read it; do not edit.\n" + "\n".join(lines) + "\n")
