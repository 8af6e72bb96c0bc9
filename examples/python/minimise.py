"""SciPy's optimisers on a model: minimize(jac=True) takes value and gradient from one call.

    python3 minimise.py
"""

from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import symgrad

MODELS = Path(__file__).resolve().parent.parent


def valley() -> None:
    """A model whose one input is a vector is the function that SciPy asks for."""
    m = symgrad.compile(MODELS / "rosenbrock.sg")
    found = minimize(m.gradient, np.full(10, -1.0), jac=True, method="L-BFGS-B")
    print(f"rosenbrock: {found.fun:.2e} after {found.nfev} calls")
    assert np.allclose(found.x, 1, atol=1e-3)


def regression() -> None:
    """Several params: one flat vector for SciPy, views of it for the model."""
    m = symgrad.compile(
        """
        model regression
        input x[N, 3], y[N]
        param w[3], b
        loss = mean((x @ w + b - y)**2)
        gradient loss wrt w, b
        """
    )
    rng = np.random.default_rng(1)
    x = rng.normal(size=(100, 3))
    y = x @ [1.0, -2.0, 0.5] + 3.0

    def f(p: np.ndarray) -> tuple[float, np.ndarray]:
        grad = np.empty(4)  # a new one each time: SciPy keeps the last one to compare
        out = {"grad_w": grad[:3], "grad_b": grad[3:].reshape(())}
        loss = m.gradient(x=x, y=y, w=p[:3], b=p[3], out=out).loss
        return loss, grad

    found = minimize(f, np.zeros(4), jac=True)
    print(f"regression: w = {found.x[:3].round(4)}, b = {found.x[3]:.4f}")
    assert np.allclose(found.x, [1, -2, 0.5, 3], atol=1e-4)


valley()
regression()
