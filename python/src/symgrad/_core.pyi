"""The extension module: core.c, given.c, lane.c."""

from typing import Any, Callable, final

from numpy.typing import ArrayLike, NDArray

from .model import Argument

version: str
have_jit: bool

def explain(code: str) -> str | None:
    """The long form of a diagnostic's code; None where there is no such code."""

@final
class Handle:
    def __new__(
        cls, name: str, text: bytes, real: int, dims: tuple[tuple[str, int], ...], entry: str | None
    ) -> Handle: ...
    status: int
    name: str
    real: str
    def report(self, colour: bool) -> str: ...
    def report_json(self) -> str: ...
    def describe(self) -> tuple[tuple[Any, ...], ...]: ...
    def write_c(self, header: str | None, standalone: bool) -> tuple[str, str]: ...
    def set_threads(self, threads: int) -> None: ...
    def settle(self) -> tuple[int, str]: ...

@final
class Entry:
    """One function of a model: arrays in, arrays out. Made by symgrad.compile() alone."""

    def __new__(
        cls,
        handle: Handle,
        index: int,
        backend: int,
        out: str,
        info: Any,
        convert: Callable[[Any, int, Any], NDArray[Any]],
        fail: Callable[[Any, int, str], BaseException],
        result: type | None,
    ) -> Entry: ...
    def __call__(
        self,
        *inputs: ArrayLike | None,
        out: Any = None,
        **named: ArrayLike | int | None,
    ) -> Any:
        """The output, or a tuple of them with names. None: the input's default."""

    def __copy__(self) -> Entry: ...
    def __deepcopy__(self, memo: Any) -> Entry: ...
    @property
    def name(self) -> str: ...
    @property
    def signature(self) -> str:
        """The entry on one line, with types and shapes."""

    @property
    def dims(self) -> tuple[str, ...]: ...
    @property
    def arguments(self) -> tuple[Argument, ...]: ...
    @property
    def inputs(self) -> tuple[Argument, ...]: ...
    @property
    def outputs(self) -> tuple[Argument, ...]: ...
    @property
    def out(self) -> str:
        """The keyword for the outputs' arrays: "out", with "_" behind where an input has the name."""

    @property
    def backend(self) -> str:
        """What "auto" became, or a tiered entry has come to."""

    @property
    def prototype(self) -> str:
        """The C function's, on one line."""

    @property
    def address(self) -> int:
        """The C function's, for ctypes, cffi or Numba. It lives as long as the model."""

    def work_size(self, *dims: int) -> int:
        """Bytes of workspace that the C function needs, for its dimensions in order."""
