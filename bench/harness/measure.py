"""measure.py - builds what is measured, times all forms of a case in turn, and keeps the medians."""
import atexit
import ctypes as c
import importlib
import os
import platform
import shutil
import subprocess
import tempfile
import time

from built import Function, Jit, Memory, Model, Tools, show
from calls import run_calls
from cases import CASES, WORKLOADS, normal
from where import print_where

NATIVE = ["-O3", "-march=native"]


def median(v):
    v = sorted(v)
    n = len(v)
    return (v[(n - 1) // 2] + v[n // 2]) / 2


class Form:
    """One way to do a case. sample() gives the seconds of one call, from enough calls to be timed."""

    def __init__(self, name, seconds_of):
        self.name, self.seconds_of, self.times = name, seconds_of, []
        seconds_of(1)  # what is made at the first call
        n, t = 1, seconds_of(1)
        while t < 2e-3 and n < 10**7:
            n = max(2 * n, int(n * 2.5e-3 / max(t, 1e-9)))
            t = seconds_of(n)
        self.n = n
        self.cost = t

    def sample(self):
        self.times.append(self.seconds_of(self.n) / self.n)

    @property
    def median(self):
        return median(self.times)

    @property
    def best(self):
        return min(self.times)


def python_loop(step, clock):
    def seconds_of(n):
        t = clock()
        for _ in range(n):
            step()
        return clock() - t
    return seconds_of


class Bench:
    def __init__(self, arguments, source):
        self.a = arguments
        cc = arguments.cc.split()
        self.tools = Tools(os.path.abspath(arguments.build), source, self.folder(), cc, arguments.clock == "wall")
        self.source = source
        self.clock = time.perf_counter if arguments.clock == "wall" else time.process_time
        self.peers, self.results, self.ratios, self.colds, self.calls, self.notes = {}, [], [], [], [], []
        for name in arguments.peers:
            peer = self.module(name)
            if peer:
                self.peers[name] = peer
            else:
                self.note(f"{name}: not there, skipped")
        # what hands inputs to all peers, and measures the rate of products
        self.numpy = self.module("numpy")
        if "torch" in self.peers:
            self.peers["torch"].set_num_threads(1)

    @staticmethod
    def folder():
        """For what is built, until the end."""
        path = tempfile.mkdtemp(prefix="symgrad-bench.")
        atexit.register(shutil.rmtree, path, ignore_errors=True)
        return path

    @staticmethod
    def module(name):
        try:
            return importlib.import_module(name)
        except ImportError:
            return None

    def note(self, text):
        print(text, flush=True)
        self.notes.append(text)

    def versions(self):
        shown = [f"{k} {getattr(v, '__version__', '?')}" for k, v in self.peers.items()]
        symgrad = subprocess.run([os.path.join(self.tools.build, "symgrad"), "--version"], capture_output=True, text=True).stdout.split("\n")[0]
        compiler = subprocess.run(self.tools.cc + ["--version"], capture_output=True, text=True).stdout.split("\n")[0]
        commit = subprocess.run(["git", "-C", self.source, "log", "-1", "--format=%h %cs"], capture_output=True, text=True).stdout.strip()
        return [f"{symgrad} ({commit})" if commit else symgrad, compiler, f"Python {platform.python_version()}", *shown]

    def machine(self):
        model = platform.processor() or platform.machine()
        try:
            with open("/proc/cpuinfo") as f:
                model = next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
        except (OSError, StopIteration):
            pass
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
        return f"{model}, {os.cpu_count()} cores, of which one is used; load average {load:.1f}"

    # ---- the machine's limits ----

    def limits(self):
        n = 1 << 24
        a, b, d = (Memory(1, [n]) for _ in range(3))
        for m in (a, b, d):
            c.memset(m.address, 0, n * 8)
        total = c.c_double()
        p, size = c.c_void_p, c.c_ssize_t(n)
        read = [self.tools.meter.meter_read(p(a.address), size, c.byref(total)) for _ in range(9)]
        triad = [self.tools.meter.meter_triad(p(a.address), p(b.address), p(d.address), size) for _ in range(9)]
        self.read, self.triad = n * 8 / min(read), 3 * n * 8 / min(triad)
        self.gemm = None
        if self.numpy:
            np = self.numpy
            x, y = np.ones((1024, 1024), np.float32), np.ones((1024, 1024), np.float32)
            f = Form("gemm", python_loop(lambda: x @ y, self.clock))
            for _ in range(7):
                f.sample()
            self.gemm = 2 * 1024**3 / f.best
        self.note(f"limits: read {self.read / 1e9:.1f} GB/s, triad {self.triad / 1e9:.1f} GB/s, "
                  + (f"matrix product {self.gemm / 1e9:.0f} GFLOP/s in f32 (NumPy)" if self.gemm else "no NumPy for matrix products"))

    def bound(self, case):
        """Seconds that the machine needs at least, or None."""
        t = case.bytes / max(self.read, self.triad)
        if case.flops and self.gemm:
            t = max(t, case.flops / self.gemm)
        return t or None

    # ---- cases ----

    def in_turn(self, forms):
        """A B A B: every form once a round, until the time is over."""
        rounds = int(self.a.seconds / max(sum(f.cost for f in forms), 1e-6))
        for _ in range(min(max(rounds, 5), 400)):
            for f in forms:
                f.sample()

    def give(self, data, shared):
        """Inputs by the case's data, one array for all forms of the case."""
        def make(name, kind, shape):
            if name not in shared:
                shared[name] = Memory(kind, shape)
                data.get(name, normal())(shared[name], self.tools)
            return shared[name]
        return make

    def hands(self):
        if not hasattr(self, "hand_lib"):
            folder = os.path.join(self.source, "bench", "hand")
            files = sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".c"))
            self.hand_lib = self.tools.load(self.tools.shared("hand", files, ["-Ofast", "-march=native", "-I" + folder]))
        return self.hand_lib

    def hand(self, name):
        return c.cast(getattr(self.hands(), name), c.c_void_p)

    def ours(self, case):
        prefix = case.name.replace("-", "_")
        shared = {}
        give = self.give(case.data, shared)
        forms, functions = [], {}

        def add(label, entry, pointer):
            f = functions[label] = Function(self.tools, entry, case.dims, pointer, give)
            forms.append(Form(label, f.seconds))
        for label, flags in (("C native", NATIVE), ("C -O2", ["-O2"])):
            model = Model(self.tools, case.model, prefix, case.fixed, flags, label.replace(" ", ""))
            entry = model.entries[case.entry]
            add(label, entry, model.pointer(case.entry))
            if label == "C native":
                self.keep = model
        jit = Jit(self.tools, case.model, prefix, case.fixed)
        pointer = jit.pointer(case.entry)
        if pointer:
            self.keep_jit = jit
            add("JIT", entry, pointer)
        if case.hand:
            add("hand", entry, self.hand(case.hand))
        return forms, functions, shared

    def run_case(self, case):
        forms, functions, shared = self.ours(case)
        value = float(functions["C native"].outputs()[case.value].items[0])
        for label, f in functions.items():
            self.compare(case, label, float(f.outputs()[case.value].items[0]), value)
        for name in self.peers:
            if name not in case.peers:
                continue
            try:
                step, number = case.peers[name]({k: v.numpy() for k, v in shared.items()})
                self.compare(case, name, number(step()), value)
                forms.append(Form(name, python_loop(step, self.clock)))
            except Exception as e:  # a peer that can't is no reason to stop
                self.note(f"{case.name}: {name} failed: {type(e).__name__}: {e}")
        self.in_turn(forms)
        self.results.append((case, forms, self.bound(case)))
        shown = ", ".join(f"{f.name} {show(f.median)}" for f in forms)
        print(f"{case.name}: {shown}", flush=True)

    def compare(self, case, name, got, want):
        if not abs(got - want) <= 2e-3 * abs(want) + 1e-6:
            self.note(f"{case.name}: {name} gives {got}, not {want}: not the same work")

    # ---- workloads ----

    def run_workload(self, w):
        model = Model(self.tools, w.model, w.prefix, w.fixed, NATIVE, "native")
        shared = {}
        give = self.give(w.data, shared)
        value = Function(self.tools, model.entries[w.value], w.dims, model.pointer(w.value), give)
        hand = Function(self.tools, model.entries[w.value], w.dims, self.hand(f"hand_{w.prefix}_{w.value}"), give)
        derivative = Function(self.tools, model.entries[w.derivative], w.dims, model.pointer(w.derivative), give)
        forms = [Form("value", value.seconds), Form("hand", hand.seconds), Form("derivative", derivative.seconds)]
        (name, ours), theirs = next(iter(value.outputs().items())), next(iter(hand.outputs().values()))
        for i in range(ours.count):
            if not abs(ours.items[i] - theirs.items[i]) <= 1e-6 * abs(ours.items[i]) + 1e-9:
                self.note(f"{w.name}: by hand {name} is {theirs.items[i]}, not {ours.items[i]}: not the same work")
                break
        self.in_turn(forms)
        self.ratios.append((w, *forms, derivative.bytes))
        print(f"{w.name}: " + ", ".join(f"{f.name} {show(f.median)}" for f in forms), flush=True)

    # ---- where the time goes ----

    def where(self, what, entries):
        prefix = getattr(what, "prefix", what.name.replace("-", "_"))
        model = Model(self.tools, what.model, prefix, what.fixed, NATIVE, "native")
        give = self.give(what.data, {})
        for entry in entries:
            print_where(self.tools, model, entry, self.a.where, NATIVE,
                        lambda pointer, e=entry: Function(self.tools, model.entries[e], what.dims, pointer, give))

    def where_all(self):
        for case in CASES:
            if case.name in self.a.cases:
                self.where(case, [case.entry])
        for w in WORKLOADS:
            if w.name in self.a.cases or "workloads" in self.a.cases:
                self.where(w, [w.value, w.derivative])

    # ---- cold ----

    def cold_times(self, exe, path, dims):
        lines = self.tools.shell([exe, "30", path, "gradient", *dims]).split("\n")[:-1]
        wall, cpu = ([float(t) for t in column] for column in zip(*map(str.split, lines)))
        return (wall if self.a.clock == "wall" else cpu), wall

    def run_cold(self):
        exe = os.path.join(self.tools.scratch, "cold")
        libs = os.path.join(self.tools.build, ".libs")
        self.tools.shell(self.tools.cc + ["-O2", "-std=gnu11", "-I" + os.path.join(self.source, "src/api"), "-o", exe,
                                          os.path.join(self.source, "bench/harness/cold.c"), "-L" + libs, "-lsymgrad", "-Wl,-rpath," + libs])
        cases = [("perceptron", "examples/perceptron.sg", ["N=1"], 2e-3), ("MLP", "bench/cases/mlp784.sg", ["N=32"], 5e-3),
                 ("GPT-2", "examples/gpt2.sg", ["B=4", "T=64", "D=32", "V=512"], 30e-3)]
        floor = self.cold_times(exe, "-", [])
        self.floor = (median(floor[0]), min(floor[1]))
        print(f"cold, nothing done: {show(self.floor[0])}, shortest from start to end {show(self.floor[1])}", flush=True)
        for name, model, dims, limit in cases:
            path = os.path.join(self.source, model)
            if not os.path.exists(path):
                self.note(f"cold {name}: {model} is not there, skipped")
                continue
            own, wall = self.cold_times(exe, path, dims)
            self.colds.append((name, median(own), min(wall), limit))
            print(f"cold {name}: {show(median(own))}, shortest from start to end {show(min(wall))}", flush=True)

    def run_all(self):
        for case in CASES:
            if case.name in self.a.cases:
                self.run_case(case)
        if "cold" in self.a.cases:
            self.run_cold()
        if "calls" in self.a.cases:
            run_calls(self)
        for w in WORKLOADS:
            if w.name in self.a.cases or "workloads" in self.a.cases:
                self.run_workload(w)
