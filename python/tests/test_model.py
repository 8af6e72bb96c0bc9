"""Models: how they are made, what they say of themselves, copies, and what ends them."""

import copy
import gc
import inspect
import pathlib
import pickle
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import symgrad

SQUARE = "model sq\ninput x[N]\nparam k = 2\ny = sum(k * x**2)\noutput y\ngradient y wrt x"

# A loop that no compiler shortens.
LONG = """
dim n
i, x = while((i, x) -> i < n, (i, x) -> (i + 1, 3.9 * x * (1 - x)), (cast(0, i64), 0.5), limit=n)
output i, x
"""


@pytest.fixture(scope="module")
def m():
    return symgrad.compile(SQUARE)


# ---- making one ----


def test_from_a_file(tmp_path):
    (tmp_path / "lib.sg").write_text("def f(x) = 3 * x\n")
    path = tmp_path / "model.sg"
    path.write_text('include "lib.sg"\ninput x\noutput f(x) as y\n')
    for given in (path, str(path)):
        m = symgrad.compile(given)
        assert m.name == "model" and m.forward(2) == 6
    with pytest.raises(FileNotFoundError):
        symgrad.compile(tmp_path / "none.sg")
    with pytest.raises(TypeError, match="expected a path or text, got int"):
        symgrad.compile(3)


def test_options():
    x = np.ones(3, np.float32)
    m = symgrad.compile(SQUARE, real="f32", dims={"N": 3}, entry="gradient")
    assert list(m) == ["gradient"] and m.real == "f32" and m.gradient.dims == ()
    assert m.gradient(x).y == 6
    assert symgrad.compile(SQUARE, real=np.float32).real == "f32"
    for bad in ({"backend": "gpu"}, {"real": "f16"}, {"threads": 999}):
        with pytest.raises(ValueError):
            symgrad.compile(SQUARE, **bad)
    with pytest.raises(symgrad.CompileError, match="no entry 'gradent'"):
        symgrad.compile(SQUARE, entry="gradent")


@pytest.mark.parametrize(
    "options, error, text",
    [
        ({"dims": [("N", 2)]}, TypeError, "dims: expected a dict or None, got list"),
        ({"dims": {"N": 2.5}}, TypeError, "dims: expected an integer for 'N', got float"),
        ({"dims": {"N": -1}}, ValueError, "dims: 'N' is negative"),
        ({"dims": {"N": 2**70}}, ValueError, "dims: 'N' is too large"),
        ({"dims": {"M": 1}}, symgrad.CompileError, "no dimension 'M'"),
        ({"entry": 3}, TypeError, "entry: expected str or None, got int"),
        ({"entry": "forwrd"}, symgrad.CompileError, "did you mean 'forward'"),
        ({"backend": ["jit"]}, ValueError, "backend: expected one of auto, jit"),
        ({"threads": 1000}, ValueError, "threads: expected 0 to 256, got 1000"),
        ({"real": np.int32}, ValueError, "real: expected 'f32' or 'f64'"),
    ],
)
def test_options_that_are_none(options, error, text):
    with pytest.raises(error, match=text):
        symgrad.compile(SQUARE, **options)


def test_explain_takes_a_code():
    assert symgrad.explain("matmul-shape") and symgrad.explain("no-such") is None
    with pytest.raises(TypeError, match="explain: expected str, got int"):
        symgrad.explain(3)


def test_diagnostics_are_values():
    text = "input x[N, 10]\ninput w[2, 9]\noutput x @ w as o, q\n"
    with pytest.raises(symgrad.CompileError) as caught:
        symgrad.compile(text, name="bad.sg")
    first, second = caught.value.diagnostics
    assert (first.file, first.line, first.column, first.end_column) == ("bad.sg", 3, 8, 13)
    assert first.code == "matmul-shape" and first.is_error
    assert first.message == "inner extents of '@' differ: [N, 10] @ [2, 9]"
    assert first.notes[0].message == "'w' is [2, 9]" and first.notes[0].place.line == 2
    assert second.message == "unknown name 'q'"
    assert "3 | output x @ w as o, q\n" in str(caught.value)
    assert symgrad.explain("matmul-shape") and symgrad.explain("no-such-code") is None
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.diagnostics == caught.value.diagnostics and str(again) == str(caught.value)


def test_hints():
    with pytest.raises(symgrad.CompileError) as caught:
        symgrad.compile("input x\noutput sigmod(x) as y")
    assert "sigmoid" in caught.value.diagnostics[0].hint


def test_warnings_are_pythons():
    with pytest.warns(symgrad.CompileWarning, match="<string>:2"):
        m = symgrad.compile("input x, y\noutput grad(x**2, y) as g\n")
    assert not m.diagnostics[0].is_error


@pytest.mark.parametrize("text", ["", "\0", "output", "é = 1", "x" * 100000, "input x\n\0"])
def test_any_text_is_an_error_at_worst(text):
    with pytest.raises(symgrad.CompileError):
        symgrad.compile(text)


def test_lone_surrogates_are_an_error():
    with pytest.raises(ValueError):
        symgrad.compile("\udc80")


# ---- what it says ----


def test_it_describes_itself(m):
    assert m.signature.splitlines() == [
        "forward(x: f64[N], k: f64 = ...) -> y: f64",
        "gradient(x: f64[N], k: f64 = ...) -> (y: f64, grad_x: f64[N])",
    ]
    assert repr(m).startswith("<symgrad model sq, real f64\n  forward(")
    assert repr(m.forward) == "<symgrad entry forward(x: f64[N], k: f64 = ...) -> y: f64>"
    assert "<code>gradient(x: f64[N]" in m._repr_html_()
    assert list(m.entries) == list(m) == ["forward", "gradient"] and len(m) == 2
    assert m["gradient"] is m.gradient is m.entries["gradient"] and "forward" in m
    assert {"forward", "gradient"} <= set(dir(m))
    e = m.gradient
    assert (e.name, e.__name__, e.__qualname__, e.dims) == ("gradient", "gradient", "sq.gradient", ("N",))
    x, k = e.inputs
    assert (x.role, x.shape, x.dtype, k.role, k.has_default) == ("input", ("N",), np.float64, "param", True)
    assert str(inspect.signature(e)) == "(x, k=None, *, N=None, out=None)"
    assert e.signature in e.__doc__ and callable(e)
    assert e.prototype.startswith("int sq_gradient(ptrdiff_t N, const double *x")
    with pytest.raises(AttributeError, match="no entry 'hessian', only forward, gradient"):
        m.hessian
    with pytest.raises(AttributeError):
        e.nothing
    with pytest.raises(KeyError, match="no entry 'hessian', only forward, gradient"):
        m["hessian"]
    public = {n for n in dir(e) if not n.startswith("_")}
    assert public == {n for n in vars(symgrad.Entry) if not n.startswith("_")} | {
        "name", "signature", "dims", "arguments", "inputs", "outputs", "out"
    }  # fmt: skip


def test_it_does_not_change(m):
    for change in ("m.forward = 1", "del m.forward", "m.new = 1", "m.entries['a'] = 1"):
        with pytest.raises((AttributeError, TypeError)):
            exec(change, {"m": m})


def test_c_text(m):
    c, h = m.write_c(standalone=True)
    assert "sq_gradient" in c and "sq_gradient" in h
    assert '#include "my.h"' in m.write_c(header="my.h")[0]
    with pytest.raises(ValueError, match="stand between quotes"):
        m.write_c(header='my".h')


def test_the_raw_function(m):
    import ctypes

    if not symgrad.have_jit:
        pytest.skip("no just-in-time compiler")
    f = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_ssize_t, *[ctypes.c_void_p] * 4)(m.forward.address)
    x, k, y = np.ones(3), np.array(2.0), np.empty(())
    assert m.forward.work_size(3) == 0
    assert f(3, x.ctypes.data, k.ctypes.data, y.ctypes.data, None) == 0 and y == 6
    with pytest.raises(symgrad.ArgumentError, match="expected 1 dimensions, got 0"):
        m.forward.work_size()


# ---- names that are somebody else's ----


def test_names_like_pythons_and_like_ours():
    m = symgrad.compile(
        "input lambda_, class, out, out_\n"
        "entry entries = class + 1 as class\n"
        "entry signature = lambda_ + out as index, lambda_ - out_ as count\n"
        "entry lambda = 3 * class as def\n"
        "entry __init__ = class as x\n"
        "entry _state = class as x\n"
    )
    assert m["entries"](**{"class": 1}) == 2
    assert getattr(m, "lambda")(1) == 3
    assert m["__init__"](5) == 5 and m["_state"](6) == 6
    assert isinstance(m.signature, str) and set(m.entries) >= {"entries", "signature"}
    e = m["signature"]
    assert e.out == "out__"
    r = e(lambda_=1, out=2, out_=3, out__={"index": (got := np.empty(()))})
    assert got == 3 and r.index is got and r.count == -2
    assert not hasattr(m["entries"], "__signature__")  # 'class' can't be in one
    assert inspect.signature(e).parameters["out__"]


def test_an_output_may_be_called_as_a_dimension_or_an_input():
    m = symgrad.compile("input x[N]\nentry e = sum(x) as N, 2 * x as x")
    total, doubled = m.e(np.ones(3), N=3)
    assert total == 3 and np.array_equal(doubled, [2, 2, 2])
    assert m.e(np.ones(3), out={"N": np.empty(())}).N == 3


# ---- copies ----


def test_copies_and_pickles(m):
    assert copy.copy(m) is m and copy.deepcopy(m) is m
    again = pickle.loads(pickle.dumps(m))
    assert again is not m and again.signature == m.signature
    r = again.gradient(np.ones(2))
    back = pickle.loads(pickle.dumps(r))
    assert back.y == r.y and np.array_equal(back.grad_x, r.grad_x) and repr(back) == repr(r)
    assert copy.deepcopy(r)._fields == r._fields
    e = m.forward
    assert copy.copy(e) is e and copy.deepcopy({"f": e})["f"] is e
    e = pickle.loads(pickle.dumps(e))
    assert e is not m.forward and e.signature == m.forward.signature and e(np.ones(2)) == m.forward(np.ones(2))


def test_entries_may_be_referred_to_weakly():
    e = symgrad.compile(SQUARE)["forward"]
    r = weakref.ref(e)
    assert r() is e
    del e
    gc.collect()
    assert r() is None


def test_pickles_keep_options():
    m = symgrad.compile(SQUARE, real="f32", dims={"N": 2}, backend="interp")
    again = pickle.loads(pickle.dumps(m))
    assert again.real == "f32" and again.forward.dims == () and again.forward.backend == "interp"


# ---- threads, processes, ends ----


def test_entries_outlive_their_model():
    m = symgrad.compile(SQUARE)
    ref, f = weakref.ref(m), m.forward
    del m
    assert ref() is None  # at once: there is no cycle
    assert f(np.ones(2)) == 4


def test_many_threads():
    m = symgrad.compile("input x[N]\noutput sum(sin(x) * x) as s")
    xs = [np.linspace(0, i + 1, 50 + i) for i in range(8)]
    want = [m.forward(x) for x in xs]
    wrong = []

    def work(i):
        for k in range(300):
            if m.forward(xs[(i + k) % 8]) != want[(i + k) % 8]:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_the_gil_is_let_go():
    m = symgrad.compile(LONG)
    m.forward(n=1)
    turns = []
    done = threading.Event()

    def work():
        m.forward(n=20_000_000)
        done.set()

    t = threading.Thread(target=work)
    t.start()
    while not done.is_set() and len(turns) < 3:
        turns.append(done.wait(0.001))
    assert turns[:3] == [False] * 3  # we ran while it computed
    with pytest.raises(RuntimeError, match="while a call of the model runs"):
        m.set_threads(1)
    t.join()
    m.set_threads(1)


def test_the_last_reference_may_go_while_it_runs():
    def work():
        symgrad.compile("input x[N]\noutput sum(exp(x)) as s").forward(np.ones(100_000))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    gc.collect()


def python(code):
    path = str(pathlib.Path(symgrad.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {path!r})\n" + code
    return subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=60)


def test_after_a_fork():
    done = python(
        "import os, numpy as np, symgrad\n"
        "m = symgrad.compile('input x[N]\\noutput sum(exp(x)) as s')\n"
        "x = np.ones(200_000)\n"
        "want = m.forward(x)\n"
        "pid = os.fork()\n"
        "if pid == 0: os._exit(0 if m.forward(x) == want else 1)\n"
        "assert os.waitpid(pid, 0)[1] == 0 and m.forward(x) == want\n"
    )
    assert done.returncode == 0, done.stderr


def test_an_interrupt_comes_after_the_call():
    done = python(
        "import os, signal, threading, symgrad\n"
        f"m = symgrad.compile({LONG!r})\n"
        # what a shell starts in the background ignores it
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "threading.Timer(0.02, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "try:\n"
        "    while True: m.forward(n=5_000_000)\n"
        "except KeyboardInterrupt: pass\n"
        "assert m.forward(n=3).i == 3\n"
    )
    assert done.returncode == 0, done.stderr


def test_memory_does_not_grow():
    def pages():
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1])

    def work(times):
        for _ in range(times):
            m = symgrad.compile(SQUARE)
            for n in range(10):
                m.gradient(np.ones(n), k=n)
            with pytest.raises(symgrad.CompileError):
                symgrad.compile("output y")
        gc.collect()

    if not pathlib.Path("/proc/self/statm").exists():
        pytest.skip("no /proc")
    work(30)
    before = pages()
    work(150)
    assert pages() - before < 512  # of about 4 KiB; each model takes tens


def test_subinterpreters_are_refused():
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    pytest.importorskip(module)
    done = python(
        f"import {module} as sub, sys\n"
        "i = sub.create()\n"
        "said = sub.run_string(i, f'import sys; sys.path[:] = {sys.path!r}; import symgrad')\n"
        "sys.exit(repr(said) if said else 0)\n"
    )
    assert done.returncode != 0 and "Error" in done.stderr and "Fatal" not in done.stderr


def test_entries_are_made_by_compile_alone(m):
    for args in ((), (1,), (object(), 0, 0, "out", None, None, None, None)):
        with pytest.raises(TypeError):
            symgrad.Entry(*args)
    with pytest.raises(TypeError):
        symgrad.Model()
