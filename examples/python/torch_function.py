"""A model as a torch.autograd.Function: PyTorch's tensors in and out, our gradients inside.

    python3 torch_function.py

The tensors of the CPU and NumPy's arrays share their memory, so nothing is copied. What PyTorch asks
of the backward pass is a vector-Jacobian product, and that is what the entry `backward` writes down.
"""

import torch

import symgrad

m = symgrad.compile(
    """
    model layer
    input x[N, K]
    param w[M, K], b[M]
    input u[N, M]
    y = softplus(x @ w.T + b)
    output y
    entry backward = vjp(y, x, u) as dx, vjp(y, w, u) as dw, vjp(y, b, u) as db
    """
)


class Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w, b)
        x, w, b = (t.detach().numpy() for t in (x, w, b))
        return torch.from_numpy(m.forward(x=x, w=w, b=b))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, u):
        x, w, b = (t.detach().numpy() for t in ctx.saved_tensors)
        return tuple(map(torch.from_numpy, m.backward(x=x, w=w, b=b, u=u.numpy())))


torch.manual_seed(1)
x, w, b = (torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((4, 3), (2, 3), (2,)))
assert torch.autograd.gradcheck(Layer.apply, (x, w, b))
print("gradcheck: the gradients are right")

with torch.no_grad():
    target = Layer.apply(x, torch.randn_like(w), torch.randn_like(b))
optimiser = torch.optim.Adam([w, b], lr=0.05)
losses = []
for step in range(300):
    optimiser.zero_grad()
    loss = torch.nn.functional.mse_loss(Layer.apply(x, w, b), target)
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
print(f"loss {losses[0]:.6f} -> {losses[-1]:.6f}")
assert losses[-1] < losses[0] / 10
