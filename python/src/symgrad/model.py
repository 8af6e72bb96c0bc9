"""Models and their entries."""

from __future__ import annotations

import html
import inspect
import keyword
import os
import warnings
from functools import lru_cache
from operator import index, itemgetter
from types import MappingProxyType
from typing import Any, Iterator, Mapping, NamedTuple

import numpy as np

from . import _core
from .convert import convert
from .errors import CompileError, CompileWarning, Diagnostic, _diagnostics, _failure, _EMODEL

Entry = _core.Entry

_BACKENDS = {"auto": 0, "jit": 1, "cc": 2, "interp": 3, "tiered": 5}
_REALS = {None: 0, "f32": 1, "f64": 2}
_DTYPES: dict[str, np.dtype[Any]] = {
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
}


class Argument(NamedTuple):
    """An input, param or output of an entry."""

    name: str
    role: str
    type: str
    shape: tuple[str, ...]
    has_default: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        return _DTYPES[self.type]

    def __str__(self) -> str:
        shape = f"[{', '.join(self.shape)}]" if self.shape else ""
        return f"{self.name}: {self.type}{shape}" + (" = ..." if self.has_default else "")


class Info:
    """All that an entry says of itself; its attributes are the entry's."""

    def __init__(
        self, model: str, described: tuple[Any, ...], taken: frozenset[str], origin: tuple[Any, ...]
    ) -> None:
        self.name, self.dims, args, n = described
        self._origin = origin  # to make the model again
        self.arguments = tuple(Argument(*a) for a in args)
        self.inputs = self.arguments[:n]
        self.outputs = self.arguments[n:]
        self.__name__ = self.name
        self.__qualname__ = f"{model}.{self.name}"
        self.out = "out"
        while self.out in taken:
            self.out += "_"

    @property
    def signature(self) -> str:
        """The entry on one line, with types and shapes."""
        outputs = ", ".join(str(a) for a in self.outputs)
        if len(self.outputs) != 1:
            outputs = f"({outputs})"
        return f"{self.name}({', '.join(str(a) for a in self.inputs)}) -> {outputs}"

    @property
    def doc(self) -> str:
        lines = [self.signature, ""]
        lines += [f"{a.name:12} {a.role:7} {a.type}{list(a.shape) or ''}" for a in self.arguments]
        if self.dims:
            lines.append(f"dimensions: {', '.join(self.dims)} (from the shapes, or by name)")
        lines.append(f"{self.out}= takes arrays for the outputs.")
        return "\n".join(lines).replace("'", "")

    def _names(self, own: list[str]) -> list[str]:
        """For dir() of the entry: its own attributes and these."""
        return sorted({*own, *vars(self), "signature"} - {"_origin"})

    def _reduce(self) -> tuple[Any, ...]:
        return _again_entry, (*self._origin, self.name)

    @property
    def __signature__(self) -> inspect.Signature:
        by_place, by_name = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        if any(keyword.iskeyword(n) for n in (*(a.name for a in self.inputs), *self.dims)):
            raise AttributeError("__signature__")  # Python has none with such names
        parameters: list[inspect.Parameter] = []
        optional = False  # what follows a default must have one in Python, though not here
        for a in self.inputs:
            optional = optional or a.has_default
            default = None if optional else inspect.Parameter.empty
            parameters.append(inspect.Parameter(a.name, by_place, default=default))
        for name in (*self.dims, self.out):
            parameters.append(inspect.Parameter(name, by_name, default=None))
        return inspect.Signature(parameters)

    def __repr__(self) -> str:
        return f"<symgrad entry {self.signature}>"


class Result(tuple):  # type: ignore[type-arg]
    """The outputs of an entry: a tuple whose items have names."""

    __slots__ = ()
    _entry = ""
    _fields: tuple[str, ...] = ()

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(type(self)._fields, self))

    def __repr__(self) -> str:
        items = ", ".join(f"{n}={v!r}" for n, v in zip(type(self)._fields, self))
        return f"{type(self)._entry}({items})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _result, (type(self)._entry, type(self)._fields, tuple(self))


@lru_cache(maxsize=256)
def _result_type(entry: str, fields: tuple[str, ...]) -> type[Result]:
    names: dict[str, Any] = {n: property(itemgetter(i)) for i, n in enumerate(fields)}
    names |= {"__slots__": (), "__module__": __name__, "_entry": entry, "_fields": fields}
    return type("Result", (Result,), names)


def _result(entry: str, fields: tuple[str, ...], values: tuple[Any, ...]) -> Result:
    return _result_type(entry, fields)(values)


def _fail(info: Info, status: int, text: str) -> BaseException:
    return _failure(status, text, info.name)


def _make_entries(handle: _core.Handle, backend: int, origin: tuple[Any, ...]) -> dict[str, Entry]:
    described = handle.describe()
    names = {a[0] for d in described for a in d[2][: d[3]]} | {n for d in described for n in d[1]}
    entries = {}
    for i, d in enumerate(described):
        info = Info(handle.name, d, frozenset(names), origin)
        result: type | None = None
        if len(info.outputs) != 1:
            result = _result_type(info.name, tuple(a.name for a in info.outputs))
        entries[info.name] = Entry(handle, i, backend, info.out, info, convert, _fail, result)
    return entries


class _State(NamedTuple):
    handle: _core.Handle
    entries: dict[str, Entry]
    source: str
    path: str
    options: Mapping[str, Any]
    diagnostics: tuple[Diagnostic, ...]


class Model:
    """A compiled model. Its entries are attributes, and items where a name is taken: m["entries"]."""

    _state: _State

    def __init__(self, source: str, name: str, options: Mapping[str, Any]) -> None:
        backend = _BACKENDS[options["backend"]]
        dims = tuple(sorted(options["dims"].items()))
        real = _REALS[options["real"]]
        handle = _core.Handle(name, source.encode(), real, dims, options["entry"])
        diagnostics = _diagnostics(handle.report_json())
        if handle.status == _EMODEL:
            raise CompileError(handle.report(False), diagnostics)
        if handle.status != 0:
            raise _failure(handle.status, handle.report(False).strip(), "")
        if options["threads"]:
            handle.set_threads(options["threads"])
        entries = _make_entries(handle, backend, (source, name, options))
        own = {n: e for n, e in entries.items() if not hasattr(Model, n)}
        self.__dict__.update(own)
        self.__dict__["_state"] = _State(handle, entries, source, name, options, diagnostics)

    # ---- entries ----

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The entries by name, in the order of the file."""
        return MappingProxyType(self._state.entries)

    def __getitem__(self, name: str) -> Entry:
        entry = self.entries.get(name)
        if entry is None:
            raise KeyError(f"the model has no entry {name!r}, only {', '.join(self.entries)}")
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __getattr__(self, name: str) -> Entry:
        known = ", ".join(self.entries) if "_state" in self.__dict__ else ""
        raise AttributeError(f"the model has no entry '{name}', only {known}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a model does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a model does not change")

    # ---- what it says of itself ----

    @property
    def name(self) -> str:
        return self._state.handle.name

    @property
    def real(self) -> str:
        """The type of floats that say nothing: "f32" or "f64"."""
        return self._state.handle.real

    @property
    def signature(self) -> str:
        """The entries with types and shapes, one a line."""
        return "\n".join(e.signature for e in self.entries.values())

    @property
    def source(self) -> str:
        return self._state.source

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What the compiler warns of."""
        return self._state.diagnostics

    def __repr__(self) -> str:
        if "_state" not in self.__dict__:  # it is being made
            return object.__repr__(self)
        lines = "\n".join("  " + e.signature for e in self.entries.values())
        return f"<symgrad model {self.name}, real {self.real}\n{lines}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><b>{html.escape(e.name)}</b></td>"
            f"<td style='text-align:left'><code>{html.escape(e.signature)}</code></td></tr>"
            for e in self.entries.values()
        )
        return f"<table><caption>{html.escape(self.name)}, real {self.real}</caption>{rows}</table>"

    # ---- what it does ----

    def write_c(self, *, standalone: bool = False, header: str | None = None) -> tuple[str, str]:
        """The C of all entries, and its header."""
        return self._state.handle.write_c(header, standalone)

    def set_threads(self, threads: int) -> None:
        """How many threads a call with much data may use; 0: as many as there are cores."""
        self._state.handle.set_threads(threads)

    def settle(self) -> bool:
        """Waits for the C compiler of a tiered model; is its code there?"""
        status, _ = self._state.handle.settle()
        return status == 0

    # ---- copies: a model does not change, and its text is all that it is made of ----

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: Any) -> Model:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        s = self._state
        return _again, (s.source, s.path, s.options)


def _again(source: str, name: str, options: Mapping[str, Any]) -> Model:
    return Model(source, name, options)


def _again_entry(source: str, name: str, options: Mapping[str, Any], entry: str) -> Entry:
    return Model(source, name, options)[entry]


def _whole(name: Any, value: Any) -> int:
    try:
        whole = index(value)
    except TypeError:
        got = type(value).__name__
        raise TypeError(f"dims: expected an integer for {name!r}, got {got}") from None
    if not 0 <= whole < 1 << 63:
        raise ValueError(f"dims: {name!r} is {'negative' if whole < 0 else 'too large'}")
    return whole


def _is_file(source: Any) -> bool:
    if isinstance(source, os.PathLike):
        return True
    return isinstance(source, str) and source.endswith(".sg") and "\n" not in source


def _real(real: Any) -> str | None:
    if real is None or (isinstance(real, str) and real in _REALS):
        return real
    for name in ("f32", "f64"):
        if np.dtype(real) == _DTYPES[name]:
            return name
    raise ValueError(f"real: expected 'f32' or 'f64', got {real!r}")


def compile(  # noqa: A001 - as re.compile
    source: str | os.PathLike[str],
    *,
    name: str | None = None,
    real: Any = None,
    dims: Mapping[str, int] | None = None,
    entry: str | None = None,
    backend: str = "auto",
    threads: int = 0,
) -> Model:
    """Compile a model from a file (a path, or a str that ends in .sg) or from its text."""
    if not isinstance(backend, str) or backend not in _BACKENDS:
        raise ValueError(f"backend: expected one of {', '.join(_BACKENDS)}, got {backend!r}")
    if _is_file(source):
        name = os.fspath(source) if name is None else name
        with open(source, encoding="utf-8", newline="") as file:
            text = file.read()
    elif isinstance(source, str):
        name, text = name or "<string>", source
    else:
        raise TypeError(f"compile: expected a path or text, got {type(source).__name__}")
    if not (entry is None or isinstance(entry, str)):
        raise TypeError(f"entry: expected str or None, got {type(entry).__name__}")
    if not (dims is None or isinstance(dims, Mapping)):
        raise TypeError(f"dims: expected a dict or None, got {type(dims).__name__}")
    fixed = {str(k): _whole(k, v) for k, v in (dims or {}).items()}
    options: dict[str, Any] = {"real": _real(real), "dims": fixed, "entry": entry}
    options |= {"backend": backend, "threads": threads}
    model = Model(text, str(name), options)
    for d in model.diagnostics:
        warnings.warn(str(d), CompileWarning, stacklevel=2)
    return model
