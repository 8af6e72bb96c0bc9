"""Tensor expressions and their derivatives, compiled.

    import symgrad

    m = symgrad.compile("perceptron.sg")
    loss, grad_w = m.gradient(x=x, w=w)     # NumPy arrays in and out, without a copy
"""

from ._core import Entry, explain, have_jit, version as __version__
from .errors import (
    ArgumentError,
    ArrayError,
    BackendError,
    CallError,
    CompileError,
    CompileWarning,
    DefectError,
    Diagnostic,
    DTypeError,
    Error,
    Note,
    NumericalError,
    Place,
    ShapeError,
)
from .model import Argument, Model, Result, compile

__all__ = [
    "Argument",
    "ArgumentError",
    "ArrayError",
    "BackendError",
    "CallError",
    "CompileError",
    "CompileWarning",
    "DTypeError",
    "DefectError",
    "Diagnostic",
    "Entry",
    "Error",
    "Model",
    "Note",
    "NumericalError",
    "Place",
    "Result",
    "ShapeError",
    "__version__",
    "compile",
    "explain",
    "have_jit",
]
