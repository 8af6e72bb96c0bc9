"""A program as users write it, for `mypy --strict`: the names are there, and have the types that they say."""

from pathlib import Path
from typing import Mapping

import numpy as np

import symgrad


def describe(m: symgrad.Model) -> list[str]:
    entries: Mapping[str, symgrad.Entry] = m.entries
    lines: list[str] = [m.signature, m.name, m.real, m.source, *m]
    for name, entry in entries.items():
        inputs: tuple[symgrad.Argument, ...] = entry.inputs
        dtypes: list[np.dtype[np.generic]] = [a.dtype for a in inputs + entry.outputs]
        lines += [name, entry.name, entry.signature, entry.prototype, entry.backend, entry.out]
        lines += [str(len(dtypes)), *entry.dims, hex(entry.address), str(entry.work_size(1))]
    return lines


def hint(error: symgrad.CompileError) -> str | None:
    d: symgrad.Diagnostic = error.diagnostics[0]
    places: list[symgrad.Place | None] = [n.place for n in d.notes]
    return d.hint if places else symgrad.explain(d.code)


def main() -> None:
    m = symgrad.compile(Path("model.sg"), real="f32", dims={"N": 3}, entry=None, backend="cc")
    r = m.gradient(np.zeros(3), w=[1.0, 2.0], out=(None, np.zeros(3)))
    loss, grad = m["gradient"](x=np.zeros(3), n=3)
    c, h = m.write_c(standalone=True, header=None)
    m.set_threads(2)
    settled: bool = m.settle()
    try:
        m.forward(1.0)
    except symgrad.NumericalError as error:
        code: int = error.code
        print(code, error.entry, r, loss, grad, c + h, settled)
    print(symgrad.__version__, symgrad.have_jit)
