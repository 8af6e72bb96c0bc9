"""built.py - what symgrad makes of a model: written C, compiled and loaded, and the JIT's raw pointers.

Functions are called by a loop in C, written for their signature, so that the time of a call of 0.1 us is no
time of Python. Arrays are plain memory with an address; NumPy, where it is there, looks at the same memory.
"""
import ctypes as c
import mmap
import os
import subprocess

TYPES = {0: ("f32", c.c_float, 4), 1: ("f64", c.c_double, 8), 2: ("i32", c.c_int32, 4), 3: ("i64", c.c_int64, 8), 4: ("bool", c.c_uint8, 1)}
OUTPUT = 2


class CArg(c.Structure):
    _fields_ = [("name", c.c_char_p), ("type", c.c_int), ("role", c.c_int), ("rank", c.c_int), ("has_default", c.c_int),
                ("extents", c.POINTER(c.c_char_p))]


class CEntry(c.Structure):
    _fields_ = [("name", c.c_char_p), ("signature", c.c_char_p), ("ndims", c.c_int), ("nargs", c.c_int),
                ("dims", c.POINTER(c.c_char_p)), ("args", c.POINTER(CArg)),
                ("work", c.CFUNCTYPE(c.c_size_t, c.POINTER(c.c_ssize_t))), ("call", c.c_void_p), ("defaults", c.c_void_p)]


class CModule(c.Structure):
    _fields_ = [("abi", c.c_int), ("nentries", c.c_int), ("name", c.c_char_p), ("entries", c.POINTER(CEntry))]


class Memory:
    """An array of a type and shape, in pages of its own (so aligned)."""

    def __init__(self, kind, shape):
        self.kind, self.shape = kind, tuple(shape)
        name, self.ctype, self.size = TYPES[kind]
        self.count = 1
        for n in shape:
            self.count *= n
        self.map = mmap.mmap(-1, max(self.count * self.size, 1))
        self.items = (self.ctype * max(self.count, 1)).from_buffer(self.map)
        self.address = c.addressof(self.items)

    def put(self, values):
        for i, v in enumerate(values):
            self.items[i] = v

    def numpy(self):
        import numpy as np
        return np.frombuffer(self.map, dtype=np.dtype(self.ctype), count=self.count).reshape(self.shape)


class Tools:
    """The C compiler, the build folder of symgrad, a folder for what is made."""

    def __init__(self, build, source, scratch, cc, wall):
        self.build, self.source, self.scratch, self.cc = build, source, scratch, cc
        os.makedirs(scratch, exist_ok=True)
        self.loops = {}
        self.clock = ["-DMETER_CLOCK=CLOCK_MONOTONIC"] if wall else []
        self.meter = self.load(self.shared("meter", [os.path.join(source, "bench/harness/meter.c")], ["-O3", "-march=native"] + self.clock))
        self.meter.meter_now.restype = self.meter.meter_read.restype = self.meter.meter_triad.restype = c.c_double

    def shell(self, command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"bench/run: {' '.join(command)}\n{done.stderr}")
        return done.stdout

    def shared(self, name, files, flags):
        """Compiles apart from linking: with -Ofast, linking would switch denormals off for the process."""
        objects = []
        for i, f in enumerate(files):
            objects.append(os.path.join(self.scratch, f"{name}-{i}.o"))
            self.shell(self.cc + ["-std=gnu11", "-fPIC", "-I" + os.path.join(self.build, "runtime")] + flags + ["-c", f, "-o", objects[-1]])
        so = os.path.join(self.scratch, name + ".so")
        self.shell(self.cc + ["-shared", "-o", so] + objects + [os.path.join(self.build, "libsymgrad_rt.a"), "-lm"])
        return so

    def load(self, so):
        return c.CDLL(so)

    def write(self, model, prefix, dims):
        out = os.path.join(self.scratch, prefix + ".c")
        fixed = [f"--dim={k}={v}" for k, v in dims.items()]
        self.shell([os.path.join(self.build, "symgrad"), "compile", os.path.join(self.source, model), "--prefix=" + prefix, "-o", out] + fixed)
        return out

    def loop(self, ndims, nargs):
        """double loop(f, dims, args, work, n): seconds for n calls of a function with so many of each."""
        if (ndims, nargs) not in self.loops:
            name = f"loop_{ndims}_{nargs}"
            types = ", ".join(["ptrdiff_t"] * ndims + ["void *"] * (nargs + 1))
            given = ", ".join([f"dims[{i}]" for i in range(ndims)] + [f"args[{i}]" for i in range(nargs)] + ["work"])
            text = f"""#include <stddef.h>
double meter_now(void);
int {name}_status;
double {name}(int (*f)({types}), const ptrdiff_t *dims, void *const *args, void *work, long n)
{{
	double from = meter_now();
	for (long i = 0; i < n; i++)
		{name}_status |= f({given});
	return meter_now() - from;
}}
"""
            path = os.path.join(self.scratch, name + ".c")
            with open(path, "w") as f:
                f.write(text)
            lib = self.load(self.shared(name, [path, os.path.join(self.source, "bench/harness/meter.c")], ["-O2"] + self.clock))
            run = getattr(lib, name)
            run.restype = c.c_double
            run.argtypes = [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_long]
            self.loops[ndims, nargs] = run, c.c_int.in_dll(lib, name + "_status")
        return self.loops[ndims, nargs]


class Function:
    """One entry of written C, or another function with its signature, with arrays of its own."""

    def __init__(self, tools, entry, dims, pointer, give):
        """give(name, kind, shape) makes an input."""
        text = lambda s: s.decode()
        self.names = [text(entry.args[i].name) for i in range(entry.nargs)]
        self.roles = [entry.args[i].role for i in range(entry.nargs)]
        values = [dims[text(entry.dims[i])] for i in range(entry.ndims)]
        self.arrays = []
        for i in range(entry.nargs):
            a = entry.args[i]
            shape = [int(eval(text(a.extents[k]), {"__builtins__": {}}, dict(dims))) for k in range(a.rank)]
            self.arrays.append(Memory(a.type, shape) if a.role == OUTPUT else give(self.names[i], a.type, shape))
        self.dims = (c.c_ssize_t * max(entry.ndims, 1))(*values)
        self.args = (c.c_void_p * entry.nargs)(*[a.address for a in self.arrays])
        self.bytes = entry.work(self.dims)
        self.work = Memory(4, [self.bytes + 64])
        self.run, self.status = tools.loop(entry.ndims, entry.nargs)
        self.pointer = pointer

    def seconds(self, n):
        t = self.run(self.pointer, self.dims, self.args, self.work.address, n)
        if self.status.value:
            raise SystemExit(f"bench/run: a call failed with {self.status.value}")
        return t

    def outputs(self):
        return {n: a for n, a, r in zip(self.names, self.arrays, self.roles) if r == OUTPUT}


class Model:
    """A model as C with some flags; entries by name, with their arguments described."""

    def __init__(self, tools, model, prefix, dims, flags, label):
        self.prefix = prefix
        self.path = tools.write(model, prefix, dims)
        self.lib = tools.load(tools.shared(f"{prefix}-{label}", [self.path], flags))
        module = CModule.in_dll(self.lib, prefix + "_module")
        self.entries = {module.entries[i].name.decode(): module.entries[i] for i in range(module.nentries)}

    def pointer(self, entry):
        return c.cast(getattr(self.lib, f"{self.prefix}_{entry}"), c.c_void_p)


class Jit:
    """The same by libsymgrad: the raw pointer has the signature of the written C."""

    def __init__(self, tools, model, prefix, dims):
        so = os.path.join(tools.build, ".libs", "libsymgrad.so")
        self.lib = c.CDLL(so)
        for f in ("sg_compile_file", "sg_model_find", "sg_entry_function"):
            getattr(self.lib, f).restype = c.c_void_p

        class Fixed(c.Structure):
            _fields_ = [("name", c.c_char_p), ("value", c.c_int64)]

        class Options(c.Structure):
            _fields_ = [("real", c.c_int), ("nfixed", c.c_size_t), ("fixed", c.POINTER(Fixed)), ("entry", c.c_char_p),
                        ("prefix", c.c_char_p), ("backend", c.c_int), ("openmp", c.c_int), ("convention", c.c_int),
                        ("steps", c.c_uint)]
        fixed = (Fixed * max(len(dims), 1))(*[Fixed(k.encode(), v) for k, v in dims.items()])
        options = Options(nfixed=len(dims), fixed=fixed, prefix=prefix.encode())
        self.model = self.lib.sg_compile_file(os.path.join(tools.source, model).encode(), c.byref(options))

    def pointer(self, entry):
        e = self.lib.sg_model_find(c.c_void_p(self.model), entry.encode())
        f = e and self.lib.sg_entry_function(c.c_void_p(self.model), c.c_void_p(e), JIT_BACKEND, None)
        return f and c.c_void_p(f)


JIT_BACKEND = 1  # SG_BACKEND_JIT


def show(seconds):
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
