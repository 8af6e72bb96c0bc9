"""A training loop: the perceptron's gradient, weights updated in place, results in the same arrays.

    python3 train.py
"""

from pathlib import Path

import numpy as np

import symgrad

MODELS = Path(__file__).resolve().parent.parent

m = symgrad.compile(MODELS / "perceptron.sg")
print(m)

data = np.loadtxt(MODELS / "perceptron.csv", delimiter=",", ndmin=2)
x = np.ascontiguousarray(data[:, :10], dtype=np.float32)
w = (0.1 * np.random.default_rng(1).normal(size=(2, 10))).astype(np.float32)
grad = np.empty_like(w)

first = m.gradient(x=x, w=w).loss
for step in range(2000):
    loss = m.gradient(x=x, w=w, out={"grad_w": grad}).loss
    w -= 5 * grad
print(f"loss {first:.6f} -> {loss:.6f}")
assert loss < first / 10
