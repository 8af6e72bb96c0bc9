"""What goes wrong, as exceptions and values."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

# Values of sg_status in symgrad.h.
_OK, _EMODEL, _ENAME, _ETYPE, _ESHAPE, _EMISSING, _EBACKEND = range(7)
_EVALUE, _ENOMEM, _ESIZE, _EDEFECT = 8, 64, 65, 70


class Place(NamedTuple):
    """A stretch of source; lines and columns count from 1, the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Note(NamedTuple):
    """Another place that a diagnostic points at."""

    message: str
    place: Place | None


class Diagnostic(NamedTuple):
    """One error or warning about a model's text."""

    severity: str
    code: str
    message: str
    file: str | None
    line: int
    column: int
    end_line: int
    end_column: int
    notes: tuple[Note, ...]
    hints: tuple[str, ...]

    @property
    def hint(self) -> str | None:
        """The first hint: text that can be pasted."""
        return self.hints[0] if self.hints else None

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " if self.file else ""
        return f"{where}{self.severity}: {self.message} [{self.code}]"


class Error(Exception):
    """All that symgrad raises by itself."""


class CompileError(Error):
    """The text of a model is wrong. As text: the report with source lines and carets."""

    def __init__(self, report: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(report)
        self.diagnostics = diagnostics

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.diagnostics)

    def __str__(self) -> str:
        return f"the model did not compile\n{self.args[0]}".rstrip("\n")


class CompileWarning(UserWarning):
    """The compiler warns about a model."""


class CallError(Error):
    """A call went wrong; `entry` is the name of the entry."""

    entry: str = ""


class ArgumentError(CallError, TypeError):
    """An argument is unknown, missing or given twice."""


class DTypeError(CallError, TypeError):
    """An array's element type is not the declared one."""


class ShapeError(CallError, ValueError):
    """Shapes do not fit the declaration, or one another."""


class ArrayError(CallError, ValueError):
    """An array or a number can't be used: read-only, overlapping, negative ..."""


class NumericalError(CallError, ArithmeticError):
    """The computation failed: index out of range, matrix not positive definite ...

    `code` is the negative SGRT_E* code of the C function.
    """

    code: int = 0


class BackendError(CallError, RuntimeError):
    """The back end is not there, or the C compiler failed."""


class DefectError(CallError, RuntimeError):
    """A defect in symgrad itself; please report it."""


_CLASSES: dict[int, type[CallError]] = {
    _ENAME: ArgumentError,
    _EMISSING: ArgumentError,
    _ETYPE: DTypeError,
    _ESHAPE: ShapeError,
    _ESIZE: ShapeError,
    _EVALUE: ArrayError,
    _EBACKEND: BackendError,
}


def _failure(status: int, text: str, entry: str) -> BaseException:
    """The exception for a status of the library."""
    if status == _ENOMEM:
        return MemoryError(text)
    cls = NumericalError if status < 0 else _CLASSES.get(status, DefectError)
    error = cls(text)
    error.entry = entry
    if isinstance(error, NumericalError):
        error.code = status
    return error


def _place(d: dict[str, Any]) -> Place | None:
    if not d.get("file"):
        return None
    return Place(d["file"], d["line"], d["column"], d["end_line"], d["end_column"])


def _diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """What sg_model_report_json says."""
    found = []
    for d in json.loads(text):
        notes = d.get("notes", ())
        at = _place(d) or Place("", 0, 0, 0, 0)
        found.append(
            Diagnostic(
                d["severity"],
                d["code"],
                d["message"],
                at.file or None,
                *at[1:],
                notes=tuple(Note(n["message"], _place(n)) for n in notes if n["kind"] == "note"),
                hints=tuple(n["message"] for n in notes if n["kind"] == "hint"),
            )
        )
    return tuple(found)
