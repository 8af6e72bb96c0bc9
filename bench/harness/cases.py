"""cases.py - what is measured: models, sizes, data, the same in each peer, and what the work is bounded by.

A peer's function gets the arrays of ours by name (NumPy views of the same memory) and returns a function of
no arguments that computes value and gradient, with a number to compare: the value.
"""


class Case:
    def __init__(self, name, title, model, entry, dims=None, data=None, fixed=None, peers=None, flops=0, bytes=0,
                 aim=None, aim_jit=None, hand=None, value=None):
        self.name, self.title, self.model, self.entry = name, title, model, entry
        self.dims, self.data, self.fixed = dims or {}, data or {}, fixed or {}
        self.peers = peers or {}  # name: function
        self.flops, self.bytes = flops, bytes  # of matrix products; of data that must move
        self.aim, self.aim_jit = aim, aim_jit  # ratio to the fastest peer
        self.hand = hand  # a function of bench/hand with the same signature
        self.value = value  # the output that peers return


def ints(below):
    """Indices that go round."""
    return lambda memory, tools: memory.put(i % below for i in range(memory.count))


def bits(memory, tools):
    memory.put((i * 7919 >> 3) & 1 for i in range(memory.count))


def normal(scale=1.0, shift=0.0):
    def fill(memory, tools):
        import ctypes as c
        f = tools.meter.meter_fill_f32 if memory.kind == 0 else tools.meter.meter_fill_f64
        seed = 1 + memory.count + 1000003 * len(memory.shape)
        f(c.c_void_p(memory.address), c.c_ssize_t(memory.count), c.c_uint64(seed), c.c_double(scale), c.c_double(shift))
    return fill


# ---- the forms in which peers do it ----

def torch_step(params, loss):
    """Value and gradient as a user writes it: eager, gradients cleared each time."""
    def step():
        for p in params:
            p.grad = None
        y = loss()
        y.backward()
        return y
    return step


def by_torch(names, loss, dtype="float32"):
    def make(arrays):
        import torch
        t = {k: torch.from_numpy(v) for k, v in arrays.items()}
        params = [t[k].requires_grad_() for k in names]
        return torch_step(params, lambda: loss(torch, t)), lambda y: float(y.detach())
    return make


def by_jax(names, loss):
    def make(arrays):
        import jax
        import jax.numpy as jnp
        jax.config.update("jax_enable_x64", any(v.dtype == "float64" for v in arrays.values()))
        rest = {k: jnp.asarray(v) for k, v in arrays.items() if k not in names}
        params = {k: jnp.asarray(v) for k, v in arrays.items() if k in names}
        f = jax.jit(jax.value_and_grad(lambda p, r: loss(jax, jnp, {**p, **r})))
        return lambda: jax.block_until_ready(f(params, rest)), lambda y: float(y[0])
    return make


def by_numpy(step):
    """The gradient by hand, in NumPy; step(np, arrays) gives (value, gradients)."""
    def make(arrays):
        import numpy as np
        return lambda: step(np, arrays), lambda y: float(y[0])
    return make


def by_casadi(build):
    """build(ca, arrays) gives (symbols, value, variables); called through the buffer interface, which is the fastest."""
    def make(arrays):
        import casadi as ca
        import numpy as np
        symbols, value, variables, given = build(ca, arrays)
        f = ca.Function("f", symbols, [value, *[ca.gradient(value, v) for v in variables]])
        call, run = f.buffer()
        keep = [np.ascontiguousarray(g, dtype=float) for g in given]
        out = [np.zeros(f.size_out(i)) for i in range(f.n_out())]
        for i, a in enumerate(keep):
            call.set_arg(i, memoryview(a))
        for i, a in enumerate(out):
            call.set_res(i, memoryview(a))

        def step(keep=(call, keep)):
            run()
            return out
        return step, lambda y: float(y[0].ravel()[0])
    return make


# ---- perceptrons ----

def perceptron(units):
    def torch_loss(torch, t):
        return torch.nn.functional.mse_loss(torch.sigmoid(t["x"] @ t["w"].T), t["y"])

    def jax_loss(jax, jnp, t):
        return jnp.mean((jax.nn.sigmoid(t["x"] @ t["w"].T) - t["y"])**2)

    def numpy_step(np, t):
        x, y, w = t["x"], t["y"], t["w"]
        o = 1 / (1 + np.exp(-(x @ w.T)))
        e = o - y
        return np.mean(e * e), ((2 / e.size) * e * o * (1 - o)).T @ x

    def casadi_build(ca, t):
        x, y, w = ca.SX.sym("x", 10), ca.SX.sym("y", units), ca.SX.sym("w", 10, units)
        o = 1 / (1 + ca.exp(-(w.T @ x)))
        return [x, y, w], ca.sumsqr(o - y) / units, [w], [t["x"], t["y"], t["w"]]
    model = "examples/perceptron.sg" if units == 2 else "examples/notebook/perceptron1.sg"
    return Case(f"perceptron{units}", f"perceptron {units}x10, f32", model, "gradient", {"N": 1}, value="loss", aim=200, aim_jit=100,
                hand=f"hand_perceptron{units}_gradient",
                peers={"torch": by_torch(["w"], torch_loss), "jax": by_jax(["w"], jax_loss), "numpy": by_numpy(numpy_step),
                       "casadi": by_casadi(casadi_build)})


def softmax3():
    def numpy_step(np, t):
        e = np.exp(t["a"] - np.max(t["a"]))
        p = e / np.sum(e)
        g = -p[1] * p
        g[1] += p[1]
        return p[1], g

    def casadi_build(ca, t):
        a = ca.SX.sym("a", 3)
        e = ca.exp(a - ca.mmax(a))
        return [a], e[1] / ca.sum1(e), [a], [t["a"]]
    return Case("softmax3", "softmax of 3, gradient of p[1], f32", "bench/cases/softmax3.sg", "gradient", value="p1", aim=200, aim_jit=200,
                hand="hand_softmax3_gradient",
                peers={"torch": by_torch(["a"], lambda torch, t: torch.softmax(t["a"], 0)[1]),
                       "jax": by_jax(["a"], lambda jax, jnp, t: jax.nn.softmax(t["a"])[1]), "numpy": by_numpy(numpy_step),
                       "casadi": by_casadi(casadi_build)})


# ---- nets ----

def mlp784(batch, aim):
    def torch_loss(torch, t):
        h = torch.tanh(torch.addmm(t["b1"], t["x"], t["w1"]))
        return torch.nn.functional.cross_entropy(torch.addmm(t["b2"], h, t["w2"]), t["label"].long())

    def jax_loss(jax, jnp, t):
        z = jnp.tanh(t["x"] @ t["w1"] + t["b1"]) @ t["w2"] + t["b2"]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), t["label"][:, None], 1))

    def numpy_step(np, t):
        h = np.tanh(t["x"] @ t["w1"] + t["b1"])
        z = h @ t["w2"] + t["b2"]
        z -= z.max(1, keepdims=True)
        e = np.exp(z)
        s = e.sum(1, keepdims=True)
        rows = np.arange(len(z))
        value = np.mean(np.log(s[:, 0]) - z[rows, t["label"]])
        d = e / s
        d[rows, t["label"]] -= 1
        d /= np.float32(len(z))
        g = (d @ t["w2"].T) * (1 - h * h)
        return value, t["x"].T @ g, g.sum(0), h.T @ d, d.sum(0)
    names = ["w1", "b1", "w2", "b2"]
    # x w1, its gradient to w1; h w2, to both
    flops = 2 * batch * (784 * 128 * 2 + 128 * 10 * 3)
    moved = 4 * (2 * 784 * 128 + 2 * batch * 784)
    return Case(f"mlp784-{batch}", f"MLP 784-128-10, tanh, cross entropy, f32, batch {batch}", "bench/cases/mlp784.sg", "gradient",
                {"N": batch}, value="loss", aim=aim, flops=flops, bytes=moved,
                data={"label": ints(10), "w1": normal(0.03), "b1": normal(0.1), "w2": normal(0.1), "b2": normal(0.1)},
                peers={"torch": by_torch(names, torch_loss), "jax": by_jax(names, jax_loss), "numpy": by_numpy(numpy_step)})


def mlp1024():
    def torch_loss(torch, t):
        h = torch.relu(torch.addmm(t["b1"], t["x"], t["w1"]))
        h = torch.relu(torch.addmm(t["b2"], h, t["w2"]))
        return torch.nn.functional.mse_loss(torch.addmm(t["b3"], h, t["w3"]), t["y"])

    def jax_loss(jax, jnp, t):
        h = jax.nn.relu(t["x"] @ t["w1"] + t["b1"])
        h = jax.nn.relu(h @ t["w2"] + t["b2"])
        return jnp.mean((h @ t["w3"] + t["b3"] - t["y"])**2)

    def numpy_step(np, t):
        h1 = np.maximum(t["x"] @ t["w1"] + t["b1"], 0)
        h2 = np.maximum(h1 @ t["w2"] + t["b2"], 0)
        e = h2 @ t["w3"] + t["b3"] - t["y"]
        d = e * np.float32(2 / e.size)
        g2 = (d @ t["w3"].T) * (h2 > 0)
        g1 = (g2 @ t["w2"].T) * (h1 > 0)
        return np.mean(e * e), t["x"].T @ g1, g1.sum(0), h1.T @ g2, g2.sum(0), h2.T @ d, d.sum(0)
    names = ["w1", "b1", "w2", "b2", "w3", "b3"]
    return Case("mlp1024", "MLP 1024-1024-1024-10, relu, MSE, batch 128, f32", "bench/cases/mlp1024.sg", "gradient", {"N": 128},
                value="loss", aim=1.15, flops=2 * 128 * (1024 * 1024 * 5 + 1024 * 10 * 3), bytes=4 * 4 * 1024 * 1024,
                data={k: normal(0.03) for k in names},
                peers={"torch": by_torch(names, torch_loss), "jax": by_jax(names, jax_loss), "numpy": by_numpy(numpy_step)})


def lenet(batch):
    def torch_loss(torch, t):
        f = torch.nn.functional
        h = f.max_pool2d(torch.relu(f.conv2d(t["x"], t["w1"], t["b1"], padding=2)), 2)
        h = f.max_pool2d(torch.relu(f.conv2d(h, t["w2"], t["b2"])), 2).flatten(1)
        h = torch.relu(torch.addmm(t["b3"], h, t["w3"]))
        h = torch.relu(torch.addmm(t["b4"], h, t["w4"]))
        return f.cross_entropy(torch.addmm(t["b5"], h, t["w5"]), t["label"].long())

    def jax_loss(jax, jnp, t):
        def conv(x, w, b, pad):
            y = jax.lax.conv_general_dilated(x, w, (1, 1), [(pad, pad)] * 2, dimension_numbers=("NCHW", "OIHW", "NCHW"))
            return jax.nn.relu(y + b[:, None, None])

        def pool(x):
            return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        h = pool(conv(pool(conv(t["x"], t["w1"], t["b1"], 2)), t["w2"], t["b2"], 0)).reshape(batch, 400)
        h = jax.nn.relu(h @ t["w3"] + t["b3"])
        z = jax.nn.relu(h @ t["w4"] + t["b4"]) @ t["w5"] + t["b5"]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), t["label"][:, None], 1))
    names = [f"{k}{i}" for i in range(1, 6) for k in "wb"]
    # the products of the layers; the first has no gradient to x
    flops = 2 * batch * (784 * 150 * 2 + 3 * (100 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10))
    return Case(f"lenet-{batch}", f"convolutions and pools, LeNet on 28x28, cross entropy, f32, batch {batch}", "examples/lenet.sg",
                "gradient", {"N": batch}, value="loss", flops=flops,
                data={"label": ints(10), "w1": normal(0.2), "w2": normal(0.08), "w3": normal(0.05), "w4": normal(0.1), "w5": normal(0.1),
                      **{f"b{i}": normal(0.1) for i in range(1, 6)}},
                peers={"torch": by_torch(names, torch_loss), "jax": by_jax(names, jax_loss)})


def gpt2():
    names = "wte wpe g1 b1 wqkv bqkv wo bo g2 b2 wup bup wdown bdown gf bf".split()
    b, t_, d, v, blocks, h = 4, 64, 32, 512, 4, 4
    c = h * d

    def torch_loss(torch, t):
        f = torch.nn.functional

        def heads(x):
            return x.reshape(b, t_, h, d).transpose(1, 2)
        x = t["wte"][t["tokens"]] + t["wpe"]
        for i in range(blocks):
            a = f.layer_norm(x, (c,), t["g1"][i], t["b1"][i])
            q, k, w = (a @ t["wqkv"][i] + t["bqkv"][i]).split(c, dim=2)
            y = f.scaled_dot_product_attention(heads(q), heads(k), heads(w), is_causal=True)
            x = x + y.transpose(1, 2).reshape(b, t_, c) @ t["wo"][i] + t["bo"][i]
            a = f.layer_norm(x, (c,), t["g2"][i], t["b2"][i])
            x = x + f.gelu(a @ t["wup"][i] + t["bup"][i], approximate="tanh") @ t["wdown"][i] + t["bdown"][i]
        x = f.layer_norm(x, (c,), t["gf"], t["bf"])
        return f.cross_entropy((x @ t["wte"].T).reshape(-1, v), t["targets"].reshape(-1))

    def words(memory, tools):
        memory.put((i * 31 + 7) % v for i in range(memory.count))
    return Case("gpt2", "GPT-2 blocks, L=4, C=128, 4 heads, T=64, B=4, V=512, f32", "examples/gpt2.sg", "gradient",
                {"B": b, "T": t_, "D": d, "V": v}, value="loss", aim=1.2,
                data={"tokens": words, "targets": words, **{k: normal(0.05) for k in names}},
                peers={"torch": by_torch(names, torch_loss)})


# ---- elementwise and rows ----

def chain(n, aim, aim_jit):
    def torch_loss(torch, t):
        return torch.mean((torch.tanh(t["a"] * t["x"] + t["b"]) * torch.sigmoid(t["x"]) - t["y"])**2)

    def jax_loss(jax, jnp, t):
        return jnp.mean((jnp.tanh(t["a"] * t["x"] + t["b"]) * jax.nn.sigmoid(t["x"]) - t["y"])**2)

    def numpy_step(np, t):
        x = t["x"]
        u = np.tanh(t["a"] * x + t["b"])
        s = 1 / (1 + np.exp(-x))
        e = u * s - t["y"]
        d = e * s * (1 - u * u)
        return np.mean(e * e), 2 * np.mean(d * x), 2 * np.mean(d)
    digits = len(str(n)) - 1
    return Case(f"chain-1e{digits}", f"mean((tanh(a*x+b)*sigmoid(x)-y)**2), f32, n = 1e{digits}", "bench/cases/chain.sg", "gradient",
                {"n": n}, value="loss", aim=aim, aim_jit=aim_jit, bytes=8 * n if n > 10**6 else 0, hand="hand_chain_gradient",
                peers={"torch": by_torch(["a", "b"], torch_loss), "jax": by_jax(["a", "b"], jax_loss), "numpy": by_numpy(numpy_step)})


def softmax_rows():
    def numpy_step(np, t):
        e = np.exp(t["x"] - t["x"].max(1, keepdims=True))
        p = e / e.sum(1, keepdims=True)
        dots = (p * t["w"]).sum(1, keepdims=True)
        return dots.sum(), p * (t["w"] - dots)
    return Case("softmax-rows", "softmax of the rows of [4096, 1000], weighted sum, f32", "bench/cases/softmax_rows.sg", "gradient",
                {"M": 4096, "N": 1000}, value="loss", aim=1.4, bytes=3 * 4 * 4096 * 1000,
                peers={"torch": by_torch(["x"], lambda torch, t: (torch.softmax(t["x"], 1) * t["w"]).sum()),
                       "jax": by_jax(["x"], lambda jax, jnp, t: (jax.nn.softmax(t["x"], 1) * t["w"]).sum()),
                       "numpy": by_numpy(numpy_step)})


def logistic():
    def torch_loss(torch, t):
        return torch.nn.functional.binary_cross_entropy_with_logits(t["x"] @ t["w"] + t["b"], t["t"])

    def jax_loss(jax, jnp, t):
        z = t["x"] @ t["w"] + t["b"]
        return jnp.mean(jnp.maximum(z, 0) - z * t["t"] + jnp.log1p(jnp.exp(-jnp.abs(z))))

    def numpy_step(np, t):
        z = t["x"] @ t["w"] + t["b"]
        e = np.exp(-np.abs(z))
        value = np.mean(np.maximum(z, 0) - z * t["t"] + np.log1p(e))
        d = (np.where(z >= 0, 1, e) / (1 + e) - t["t"]) * np.float32(1 / len(z))
        return value, d @ t["x"], d.sum()
    n = 100000
    return Case("logistic", "logistic regression 1e5 x 20, f32", "bench/cases/logistic20.sg", "gradient", {"N": n}, value="loss", aim=2,
                data={"t": bits, "w": normal(0.3)}, bytes=4 * 21 * n,
                peers={"torch": by_torch(["w", "b"], torch_loss), "jax": by_jax(["w", "b"], jax_loss), "numpy": by_numpy(numpy_step)})


def rosenbrock(n=10000):
    def torch_loss(torch, t):
        x = t["x"]
        return (100 * (x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2).sum()

    def numpy_step(np, t):
        x = t["x"]
        a, b = x[1:] - x[:-1]**2, 1 - x[:-1]
        g = np.zeros_like(x)
        g[:-1] = -400 * a * x[:-1] - 2 * b
        g[1:] += 200 * a
        return np.sum(100 * a * a + b * b), g

    def casadi_build(ca, t):
        x = ca.SX.sym("x", n)
        a, b = x[1:] - x[:-1]**2, 1 - x[:-1]
        return [x], ca.sum1(100 * a * a + b * b), [x], [t["x"]]
    return Case("rosenbrock", "Rosenbrock, n = 1e4, f64", "examples/rosenbrock.sg", "gradient", {"N": n}, value="f",
                hand="hand_rosenbrock_gradient",
                peers={"torch": by_torch(["x"], torch_loss), "jax": by_jax(["x"], lambda jax, jnp, t: torch_loss(jnp, t)),
                       "numpy": by_numpy(numpy_step), "casadi": by_casadi(casadi_build)})


CASES = [perceptron(1), perceptron(2), softmax3(), mlp784(1, 4), mlp784(32, 2), mlp784(256, 1.3), mlp1024(), lenet(32), chain(1000, 40, 20),
         chain(100000, 6, 4), chain(10**7, 7, 5), softmax_rows(), logistic(), gpt2(), rosenbrock()]


# ---- the workloads: our value against a hand's, our derivative against our value ----

class Workload:
    def __init__(self, name, value, derivative=None, at_most=None, dims=None, data=None, fixed=None, model=None, prefix=None, size=""):
        self.name, self.value, self.derivative, self.at_most = name, value, derivative, at_most
        self.dims, self.data, self.fixed = dims or {}, data or {}, fixed or {}
        self.model = model or f"examples/workloads/{name}.sg"
        self.prefix = prefix or name
        self.size = size


def observation(memory, tools):
    n, m = 49, 7776
    memory.put(v for i in range(memory.count // 2) for v in (i % n, i % m))


def one_hot(memory, tools):
    c, b = memory.shape
    memory.put(float(j == (i * 7) % b) for i in range(c) for j in range(b))


def tree(memory, tools):
    memory.put([-1, 0] + [0 if k % 4 == 0 else k + 1 for k in range(20)])


def near_eye(memory, tools):
    normal(0.1)(memory, tools)
    for i in range(memory.count):
        row, col = i // 4 % 4, i % 4
        memory.items[i] = float(row == col) + (memory.items[i] if row < 3 else 0.0)


def cameras(memory, tools):
    normal(0.1)(memory, tools)
    for i in range(memory.shape[0]):
        memory.items[11 * i + 6] = 1.5


def points(memory, tools):
    normal()(memory, tools)
    for i in range(memory.shape[0]):
        memory.items[3 * i + 2] += 6


def constant(v):
    return lambda memory, tools: memory.put(v for _ in range(memory.count))


WORKLOADS = [
    Workload("hello", "square", "double", size="a number"),
    Workload("gmm", "objective", "jacobian", 1.8, {"N": 1000, "D": 20, "K": 25}, {"gamma": constant(1.0), "m": constant(0.0), "q": normal(0.3)},
             size="N=1000 D=20 K=25"),
    Workload("ba", "objective", "values", 8, {"n": 49, "m": 7776, "p": 31843}, {"obs": observation, "cams": cameras, "points": points},
             size="n=49 m=7776 p=31843"),
    Workload("lstm", "objective", "jacobian", 2.5, {"b": 14, "c": 1024}, {"sequence": one_hot, "main": normal(0.3), "extra": normal(0.3)}, {"L": 2},
             prefix="lstm2", size="L=2 b=14 c=1024"),
    Workload("ht", "objective", "jacobian", 4, {"n": 500, "V": 544, "T": 1084},
             {"base_relatives": near_eye, "inverse_base_absolutes": near_eye, "parents": tree, "triangles": ints(544),
              "correspondences": ints(1084), "is_mirrored": constant(0), "theta": normal(0.3)}, size="n=500 V=544"),
    Workload("kmeans", "cost", "dir", 1.2, {"N": 10000, "D": 16, "K": 25}, size="N=10000 D=16 K=25"),
    Workload("llsq", "primal", "gradient", 1.9, {"n": 4096, "m": 32}, {"x": normal(0.3)}, size="n=4096 m=32"),
    Workload("lse", "primal", "gradient", 1.2, {"n": 100000}, size="n=100000"),
    Workload("det", "primal", "gradient", 2.5, {}, {}, {"ell": 7}, prefix="det7", size="7 rows, det.sg"),
    Workload("det10", "primal", "gradient", 2.5, {}, {}, {"ell": 10}, "examples/workloads/det_levels.sg", "det10", size="10 rows, det_levels.sg"),
    Workload("ode", "primal", "gradient", 3, {"n": 50, "s": 1000}, {"x": normal(0.1, 1.0)}, size="n=50 s=1000"),
    Workload("particle", "ff", "rr", None, data={"w": constant(0.0)}, size="w=0"),
    Workload("saddle", "ff", "rr", None, data={"start": constant(1.0)}, size="from (1, 1)"),
]
