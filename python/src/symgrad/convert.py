"""The slow way of an argument: what is not an array that can be passed as it stands.

An array (or what says that it is one: __array__, the buffer protocol) must have the declared element
type; other byte orders and layouts are copied. Python's numbers, NumPy's scalars and lists are values
and take the declared type as literals in a model do: whole numbers fit floats, floats fit no integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import _ETYPE, _EVALUE, _failure

if TYPE_CHECKING:
    from .model import Info

_KINDS = {"b": "bool", "i": "integer", "u": "integer", "f": "float", "c": "complex"}


def _says(info: Info, index: int, got: str, hint: str = "") -> BaseException:
    a = info.arguments[index]
    text = f"{a.role} '{a.name}': expected {a.type}, got {got}"
    return _failure(_ETYPE, text + (f" ({hint})" if hint else ""), info.name)


def _hint(array: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> str:
    if array.dtype.kind in "biuf":
        return f"did you mean .astype(np.{'bool_' if dtype == bool else dtype.name})?"
    return ""


def _of_array(info: Info, index: int, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    dtype = info.arguments[index].dtype
    if array.dtype.newbyteorder("=") != dtype:
        raise _says(info, index, f"an array of {array.dtype}", _hint(array, dtype))
    return np.require(array, dtype, ["C", "A", "E"])


def _short(value: Any) -> str:
    """So much of a value as a sentence has room for; Python writes no huge integer at all."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _fits(value: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> bool:
    if value.size == 0 or value.dtype.kind == dtype.kind == "f":
        return True
    if dtype.kind == "f":
        return value.dtype.kind in "biu"
    return value.dtype.kind in ("biu" if dtype.kind == "i" else "b")


def _of_value(info: Info, index: int, value: Any) -> np.ndarray[Any, Any]:
    a = info.arguments[index]
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:  # ragged, or not numbers at all
        raise _says(info, index, f"{type(value).__name__}: {str(error).splitlines()[0][:80]}") from None
    if array.dtype.kind == "O" and isinstance(value, int):
        raise _failure(_EVALUE, f"{a.role} '{a.name}': {_short(value)} does not fit {a.type}", info.name)
    if not _fits(array, a.dtype):
        kind = _KINDS.get(array.dtype.kind, str(array.dtype))
        raise _says(info, index, kind if array.ndim == 0 else f"a list of {kind}")
    with np.errstate(over="ignore"):
        exact = array.astype(a.dtype, order="C")
    if a.dtype.kind == "i" and not np.array_equal(exact, array):
        text = f"{a.role} '{a.name}': {_short(value)} does not fit {a.type}"
        raise _failure(_EVALUE, text, info.name)
    return exact


def convert(info: Info, index: int, value: Any) -> np.ndarray[Any, Any]:
    """The array to pass for argument `index`; -1: any, only its shape is of interest."""
    if index < 0:
        return np.asarray(value)
    if isinstance(value, np.ma.MaskedArray):
        raise _says(info, index, "a masked array", "did you mean .filled(value)?")
    if isinstance(value, (int, float, complex, list, tuple, np.generic)):
        return _of_value(info, index, value)
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        what = f"an array of {array.dtype}" if array.ndim else type(value).__name__
        raise _says(info, index, what)
    return _of_array(info, index, array)
