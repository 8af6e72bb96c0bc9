"""Calls: what may be given, what comes back, what is refused and how."""

import tempfile

import numpy as np
import pytest

import symgrad

TEXT = """
model t
real f32
input x[N, 3], s = 2
param w[3] = [1, 2, 3]
y = s * (x @ w)
output y
gradient sum(y) as total wrt w, x
"""


@pytest.fixture(scope="module")
def m():
    return symgrad.compile(TEXT)


@pytest.fixture
def x():
    return np.arange(6, dtype=np.float32).reshape(2, 3)


def value(x, w=(1, 2, 3), s=2):
    return s * (np.asarray(x, dtype=np.float64) @ np.asarray(w, dtype=np.float64))


# ---- inputs ----


def test_by_place_by_name_and_by_default(m, x):
    w = np.array([1, 0, 1], np.float32)
    for y in (m.forward(x, 2, w), m.forward(x, w=w), m.forward(w=w, x=x), m.forward(x, None, w)):
        assert y.dtype == np.float32
        assert np.array_equal(y, value(x, w))
    assert np.array_equal(m.forward(x), value(x))
    assert np.array_equal(m.forward(x, s=3), value(x, s=3))
    assert np.array_equal(m.forward(x), value(x))  # the default is back


def odd_layouts():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    wide = np.zeros((2, 6), np.float32)
    wide[:, ::2] = x
    shifted = np.frombuffer(b"\0" + x.tobytes(), np.float32, 6, 1).reshape(2, 3)
    frozen = x.copy()
    frozen.flags.writeable = False
    mapped = np.memmap(tempfile.TemporaryFile(), np.float32, "w+", shape=(2, 3))
    mapped[:] = x
    yield "subclass", mapped
    yield "strided", wide[:, ::2]
    yield "fortran", np.asfortranarray(x)
    yield "reversed", x[::-1].copy()[::-1]
    yield "big-endian", x.astype(">f4")
    yield "unaligned", shifted
    yield "read-only", frozen
    yield "list", x.tolist()
    yield "integers in a list", [[0, 1, 2], [3, 4, 5]]
    yield "tuple of arrays", tuple(x)
    yield "memoryview", memoryview(x)


@pytest.mark.parametrize("name, given", list(odd_layouts()))
def test_layouts_make_no_difference(m, name, given):
    before = np.array(given)
    assert np.array_equal(m.forward(given), value([[0, 1, 2], [3, 4, 5]]))
    assert np.array_equal(np.array(given), before)


@pytest.mark.parametrize(
    "s",
    [3, 3.0, True + 2, np.float64(3), np.float16(3), np.int8(3), np.array(3, np.float32), [3][0]],
)
def test_numbers_for_scalars(m, x, s):
    assert np.array_equal(m.forward(x, s=s), value(x, s=3))


def test_nothing_is_copied():
    big = symgrad.compile("input x[N]\noutput x[0] as first")
    x = np.zeros(1 << 20)
    x[0] = 7
    assert big.forward(x) == 7
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "asarray", lambda *a, **k: pytest.fail("a copy could be made here"))
        assert big.forward(x) == 7


def test_no_elements(m):
    y = m.forward(np.zeros((0, 3), np.float32))
    assert y.shape == (0,)
    r = m.gradient(np.zeros((0, 3), np.float32))
    assert r.total == 0 and np.array_equal(r.grad_w, [0, 0, 0]) and r.grad_x.shape == (0, 3)


def test_shapes_may_change_from_call_to_call(m):
    for n in (1, 4, 2, 0, 4):
        x = np.ones((n, 3), np.float32)
        assert np.array_equal(m.forward(x), value(x))


def test_integers_and_bool():
    m = symgrad.compile("input i: i32[K], j: i64, b: bool[K]\noutput where(b, i, 0) + j as k")
    i, b = np.array([1, 2], np.int32), np.array([True, False])
    assert np.array_equal(m.forward(i, 3, b), [4, 3])
    assert np.array_equal(m.forward([1, 2], np.int64(3), [True, False]), [4, 3])
    assert np.array_equal(m.forward(i.astype(np.longlong).astype(np.int32), 3, b), [4, 3])
    assert np.array_equal(m.forward(i, np.array(3, np.longlong), b), [4, 3])
    with pytest.raises(symgrad.DTypeError, match=r"'j': expected i64, got float$"):
        m.forward(i, 3.0, b)
    with pytest.raises(symgrad.ArrayError, match=r"'j': 1{30} does not fit i64"):
        m.forward(i, int("1" * 30), b)
    with pytest.raises(symgrad.ArrayError, match=r"'i': \[4294967297, 1\] does not fit i32"):
        m.forward([4294967297, 1], 3, b)
    with pytest.raises(symgrad.DTypeError, match="'b': expected bool, got a list of integer"):
        m.forward(i, 3, [1, 0])


def test_dimensions_by_name():
    m = symgrad.compile("dim n\noutput sum(linspace(0, 1, n)) as s")
    assert m.forward(n=5) == 2.5
    assert m.forward(n=np.int64(3)) == 1.5
    with pytest.raises(symgrad.ArgumentError, match="dimension 'n' does not follow"):
        m.forward()
    with pytest.raises(symgrad.ArrayError, match="dimension 'n': -1 is negative"):
        m.forward(n=-1)
    with pytest.raises(symgrad.DTypeError, match="dimension 'n': expected an integer, got float"):
        m.forward(n=1.5)


def test_inputs_of_other_entries_are_no_mistake():
    m = symgrad.compile("input x[N], y[N]\noutput sum(x) as s\nentry e = x * N as p, y + N as q")
    assert m.forward(x=np.ones(2), y=np.ones(3)) == 2
    assert m.forward(x=np.ones(2), y=object()) == 2
    m = symgrad.compile("input x[N]\ndim K\nentry a = sum(x) + K as s\nentry b = arange(N) as i")
    for n in (3, 2):  # what one call is told of them, the next one is not
        assert m.b(x=np.ones(n)).shape == m.b(N=n, K=5).shape == (n,)
        with pytest.raises(symgrad.ArgumentError, match="dimension 'N' does not follow"):
            m.b(K=n)


def test_keywords_need_not_be_interned(m, x):
    named = {"".join(["", "x"]): x, "".join(["", "s"]): 3}
    assert np.array_equal(m.forward(**named), value(x, s=3))


# ---- outputs ----


def test_results_have_names(m, x):
    r = m.gradient(x)
    total, grad_w, grad_x = r
    assert (r.total, r[1] is r.grad_w, r._fields) == (total, True, ("total", "grad_w", "grad_x"))
    assert isinstance(total, np.float32) and grad_w.flags.owndata and grad_x.flags.writeable
    assert r._asdict()["grad_x"] is grad_x
    assert repr(r).startswith("gradient(total=")


def test_fresh_arrays_each_time(m, x):
    a, b = m.forward(x), m.forward(x + 1)
    assert not np.shares_memory(a, b) and np.array_equal(a, value(x))


def test_out(m, x):
    y = np.empty(2, np.float32)
    assert m.forward(x, out=y) is y and np.array_equal(y, value(x))
    assert m.forward(x, out=(y,)) is y
    grad = np.empty(3, np.float32)
    r = m.gradient(x, out={"grad_w": grad})
    assert r.grad_w is grad and r.grad_x is not None
    again = m.gradient(x + 1, out=r)  # an earlier result
    assert again.grad_w is grad and again.grad_x is r.grad_x and again.total != r.total
    total = np.empty((), np.float32)
    r = m.gradient(x, out=[total, None, None])
    assert r.total is total and total == value(x).sum()


def bad_out():
    f = np.float32
    yield np.empty(2), symgrad.DTypeError, "output 'y': expected f32, got float64"
    yield np.empty(3, f), symgrad.ShapeError, r"output 'y': expected \[N\] with N = 2, got \[3\]"
    yield np.empty(4, f)[::2], symgrad.ArrayError, "C-contiguous"
    yield np.empty(2, ">f4"), symgrad.ArrayError, "byte order"
    yield np.broadcast_to(f(0), 2), symgrad.ArrayError, "may be written"
    yield [np.empty(2, f)] * 2, symgrad.ArrayError, "out: expected 1 arrays, got 2"
    yield {"z": np.empty(2, f)}, symgrad.ArgumentError, "out: no output 'z'"
    yield {1: np.empty(2, f)}, symgrad.ArgumentError, "out: no output 1"
    yield 3, symgrad.DTypeError, "output 'y': expected an array to write to, got int"


@pytest.mark.parametrize("out, error, text", list(bad_out()))
def test_out_refused(m, x, out, error, text):
    with pytest.raises(error, match=text):
        m.forward(x, out=out)
    assert np.array_equal(m.forward(x), value(x))


def test_overlap_is_refused():
    m = symgrad.compile("input x[N]\noutput 2 * x as y, x + 1 as z")
    x = np.arange(6.0)
    with pytest.raises(symgrad.ArrayError, match="output 'y' overlaps input 'x'"):
        m.forward(x[:5], out={"y": x[1:]})
    with pytest.raises(symgrad.ArrayError, match="overlaps output"):
        m.forward(x, out=[z := np.empty(6), z])
    assert np.array_equal(x, np.arange(6.0))


# ---- refusals ----


def bad_calls():
    x = np.ones((2, 3), np.float32)
    argument, dtype, shape = symgrad.ArgumentError, symgrad.DTypeError, symgrad.ShapeError
    yield (), {}, argument, r"input 'x' is missing: f32 \[N, 3\]"
    yield (x,), {"x": x}, argument, r"forward\(\) got 'x' by place and by name"
    yield (x,), {"q": x}, argument, "no input 'q' in entry 'forward'"
    yield (x,), {"ww": x}, argument, r"no input 'ww' \(did you mean 'w'\?\)"
    yield (x,), {"y": x}, argument, "no input 'y'"
    yield (x, 1, x, x), {}, argument, r"forward\(\) takes 3 inputs, got 4"
    yield (x[:, :2].copy(),), {}, shape, r"input 'x': expected \[N, 3\], got \[2, 2\]"
    yield (x[0],), {}, shape, r"input 'x': expected \[N, 3\], got \[3\]"
    yield (x[:, :, None, None],), {}, shape, r"got \[2, 3, 1, 1\]"
    yield (np.ones((1,) * 20, np.float32),), {}, shape, "input 'x'"
    yield (x,), {"N": 3}, shape, r"input 'x': expected \[N, 3\] with N = 3, got \[2, 3\]"
    yield (x,), {"s": [1.0]}, shape, r"input 's': expected \[\], got \[1\]"
    yield (x.astype(float),), {}, dtype, r"an array of float64 \(did you mean .astype\(np.float32"
    yield (x.astype(np.float16),), {}, dtype, "an array of float16"
    yield (x.astype(int),), {}, dtype, "an array of int64"
    yield (x.astype(">f8"),), {}, dtype, "an array of >f8"
    yield (x.astype(complex),), {}, dtype, "an array of complex128$"
    yield (x.astype(object),), {}, dtype, "an array of object"
    yield (np.array(["a"]),), {}, dtype, "an array of <U1"
    yield (np.ma.masked_array(x),), {}, dtype, "a masked array"
    yield (object(),), {}, dtype, "expected f32, got object$"
    yield ("abc",), {}, dtype, "expected f32, got str$"
    yield ({"a": 1},), {}, dtype, "expected f32, got dict$"
    yield ([[1.0], [1.0, 2.0]],), {}, dtype, "expected f32, got list"
    yield (x,), {"s": 1j}, dtype, "expected f32, got complex"
    yield (x,), {"s": "1"}, dtype, "expected f32, got str"


@pytest.mark.parametrize("args, named, error, text", list(bad_calls()))
def test_refused(m, args, named, error, text):
    with pytest.raises(error, match=text) as caught:
        m.forward(*args, **named)
    assert isinstance(caught.value, symgrad.Error) and caught.value.entry == "forward"
    assert isinstance(caught.value, (TypeError, ValueError))
    x = np.ones((2, 3), np.float32)
    assert np.array_equal(m.forward(x), value(x))


def test_misspelt_keywords_are_told():
    m = symgrad.compile("input x[N]\ndim M\nentry f = sum(x) as s\nentry g = arange(M) as a")
    for typo, meant in (("ou", "out"), ("X", "x"), ("n", "N")):
        for value in (None, 3):
            with pytest.raises(symgrad.ArgumentError, match=rf"no input '{typo}' \(did you mean '{meant}'"):
                m.f(np.ones(2), **{typo: value})
    for value in (None, 3):
        with pytest.raises(symgrad.ArgumentError, match="no input 'frob' in entry 'f'"):
            m.f(np.ones(2), frob=value)
        assert m.f(np.ones(2), M=value) == 2 and m.g(M=2, x=value).shape == (2,)


def test_names_end_where_python_ends_them(m, x):
    for value in (None, 3.0):  # "s" is an input, and the library's names end at a NUL
        with pytest.raises(symgrad.ArgumentError, match="no input 's'"):
            m.forward(x, **{"s\0": value})


def test_an_index_may_fail_by_itself(m, x):
    class Odd:
        def __index__(self):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        m.forward(x, N=Odd())
    with pytest.raises(symgrad.DTypeError, match="dimension 'N': expected an integer, got float"):
        m.forward(x, N=2.0)


def test_numbers_that_are_too_large_are_short(m, x):
    with pytest.raises(symgrad.ArrayError, match="^input 's': an integer of 1329 bits does not fit f32$"):
        m.forward(x, 10**400)
    with pytest.raises(symgrad.ArrayError, match="^dimension 'N': the number is too large$"):
        m.forward(x, N=2**70)
    k = symgrad.compile("input k: i32[N]\noutput sum(k) as s")
    with pytest.raises(symgrad.ArrayError, match=r"input 'k': \[1099511627776, .*\.\.\. does not fit i32$") as caught:
        k.forward([2**40] * 1000)
    assert len(str(caught.value)) < 100


def test_errors_of_the_caller_go_through(m):
    class Odd:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("not now")

    with pytest.raises(RuntimeError, match="not now"):
        m.forward(Odd())


def test_an_array_may_be_lent(m, x):
    class Lender:
        def __array__(self, dtype=None, copy=None):
            return x

    assert np.array_equal(m.forward(Lender()), value(x))


def test_a_call_may_call():
    m = symgrad.compile("input x\noutput x + 1 as y")

    class Deep:
        def __array__(self, dtype=None, copy=None):
            return np.asarray(m.forward(1))

    assert m.forward(Deep()) == 3


def test_failures_of_the_computation():
    m = symgrad.compile("input a[N, N]\noutput cholesky(a) as l")
    with pytest.raises(symgrad.NumericalError, match=r"positive definite, at <string>:2:8") as caught:
        m.forward(-np.eye(2))
    assert caught.value.code < 0 and isinstance(caught.value, ArithmeticError)
    assert np.array_equal(m.forward(np.eye(2)), np.eye(2))


def test_out_of_memory_is_an_error():
    m = symgrad.compile("dim n\noutput zeros([n, n]) as z")
    with pytest.raises((MemoryError, symgrad.ShapeError)):
        m.forward(n=1 << 40)
    assert m.forward(n=1).shape == (1, 1)


@pytest.mark.parametrize("backend", ["auto", "interp", "tiered"])
def test_backends_agree(backend, x):
    m = symgrad.compile(TEXT, backend=backend)
    assert np.allclose(m.forward(x), value(x), rtol=1e-6)
    assert m.forward.backend in ("jit", "cc", "interp")


def test_no_references_leak(m, x):
    import sys

    w = np.ones(3, np.float32)
    out = np.empty(2, np.float32)
    count = [sys.getrefcount(o) for o in (x, w, out)]
    for _ in range(100):
        m.forward(x, w=w, out=out)
        m.forward(np.asfortranarray(x), w=[1, 2, 3])
        with pytest.raises(symgrad.DTypeError):
            m.forward(x, w=w.astype(float), out=out)
    assert [sys.getrefcount(o) for o in (x, w, out)] == count
