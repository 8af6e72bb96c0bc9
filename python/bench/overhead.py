"""What a call from Python costs beside the machine code, in microseconds.

    python3 python/bench/overhead.py [--calls=N] [--rows N...]

The raw function is called in a loop in C (compiled here, by $CC), in turns with calls from Python on
the same arrays; each figure is the least of the rounds, so that other work on the machine counts little.
"""

import argparse
import ctypes
import os
import shlex
import subprocess
import tempfile
import time
import timeit

import numpy as np

import symgrad

PERCEPTRON = """
model perceptron
real f32
input x[N, 10]
input y[N, 2] = ones([N, 2])
param w[2, 10] = 0.1 * randn([2, 10], seed=1)
loss = mse_loss(sigmoid(x @ w.T), y)
gradient loss wrt w
"""
LOOP = """
#include <stddef.h>
typedef int f(ptrdiff_t, const float *, const float *, const float *, float *, float *, void *);
void loop(f *g, long n, ptrdiff_t N, float *x, float *y, float *w, float *l, float *d, void *work)
{
	for (long i = 0; i < n; i++)
		g(N, x, y, w, l, d, work);
}
"""
ROUNDS = 15


def compiled_loop(folder):
    source, made = f"{folder}/loop.c", f"{folder}/loop.so"
    with open(source, "w") as file:
        file.write(LOOP)
    cc = shlex.split(os.environ.get("CC", "cc"))
    subprocess.run([*cc, "-O1", "-fPIC", "-shared", source, "-o", made], check=True)
    loop = ctypes.CDLL(made).loop
    loop.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_ssize_t, *[ctypes.c_void_p] * 6]
    return loop


def aligned(size):
    room = np.empty(size + 64, np.uint8)
    return room[-room.ctypes.data % 64 :][:size]


def measure(n, calls, loop):
    m = symgrad.compile(PERCEPTRON)
    rng = np.random.default_rng(1)
    x, y, w = (rng.random(s, np.float32) for s in ((n, 10), (n, 2), (2, 10)))
    loss, grad = np.empty((), np.float32), np.empty_like(w)
    work = aligned(m.gradient.work_size(n))
    address, arrays = m.gradient.address, (x, y, w, loss, grad, work)
    pointers = [a.ctypes.data for a in arrays]
    out = (loss, grad)
    g = m.gradient
    ways = {
        "raw pointer": lambda: loop(address, calls, n, *pointers),
        "by place, fresh outputs": lambda: [g(x, y, w) for _ in range(calls)],
        "by name, fresh outputs": lambda: [g(x=x, y=y, w=w) for _ in range(calls)],
        "by name, out=": lambda: [g(x=x, y=y, w=w, out=out) for _ in range(calls)],
        "by name, a default": lambda: [g(x=x, w=w) for _ in range(calls)],
    }
    best = {name: float("inf") for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            best[name] = min(best[name], timeit.timeit(way, timer=time.process_time, number=1) / calls * 1e6)
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 16, 128])
    arguments = parser.parse_args()
    calls = arguments.calls
    print(f"perceptron's gradient, microseconds a call (least of {ROUNDS} rounds of {calls})")
    with tempfile.TemporaryDirectory() as folder:
        loop = compiled_loop(folder)
        for n in arguments.rows:
            best = measure(n, calls, loop)
            raw = best["raw pointer"]
            for name, us in best.items():
                print(f"  N = {n:4}  {name:24} {us:8.3f}  {us - raw:+8.3f}")


if __name__ == "__main__":
    main()
