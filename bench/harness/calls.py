"""calls.py - what a call of the perceptron's gradient costs above its raw pointer: sg_call_run from C, and from Python."""
import os
import re
import shutil
import subprocess
import sys
import sysconfig

FROM_C, FROM_PYTHON = 200e-9, 2e-6  # the aims


def from_c(bench):
    """(what is called, seconds of the raw pointer, of the call), by bench/host/overhead.c"""
    tools, source = bench.tools, bench.source
    exe, libs = os.path.join(tools.scratch, "overhead"), os.path.join(tools.build, ".libs")
    tools.shell(tools.cc + ["-O2", "-std=gnu11", "-I" + os.path.join(source, "src"), "-o", exe, os.path.join(source, "bench/host/overhead.c"),
                            "-L" + libs, "-lsymgrad", "-Wl,-rpath," + libs])
    said = tools.shell([exe, os.path.join(source, "examples/perceptron.sg")])
    raw, call, bound = (float(re.search(rf"^{name} +([0-9.]+) ns", said, re.M).group(1)) * 1e-9 for name in ("raw pointer", "sg_call_run", "bind, sg_call_run"))
    return [("`sg_call_run`", raw, call), ("`sg_call_bind` of another array, `sg_call_run`", raw, bound)]


def python_module(bench):
    """The folder of the package, its extension compiled for this Python against the build's library; None: it can't be."""
    try:
        import numpy
    except ImportError:
        return None
    header, folder = sysconfig.get_path("include"), os.path.join(bench.tools.scratch, "python")
    if not os.path.exists(os.path.join(header, "Python.h")):
        return None
    package = os.path.join(bench.source, "python/src/symgrad")
    shutil.copytree(package, os.path.join(folder, "symgrad"), ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    libs = os.path.join(bench.tools.build, ".libs")
    bench.tools.shell(bench.tools.cc + ["-O2", "-std=gnu11", "-fPIC", "-shared", "-fvisibility=hidden", "-isystem", header, "-isystem", numpy.get_include(),
                                        "-I" + os.path.join(bench.source, "src/api"), *(os.path.join(package, f"{f}.c") for f in ("core", "given", "lane")),
                                        "-o", os.path.join(folder, "symgrad", "_core" + sysconfig.get_config_var("EXT_SUFFIX")),
                                        "-L" + libs, "-lsymgrad", "-Wl,-rpath," + libs])
    return folder


def from_python(bench):
    """The same by python/bench/overhead.py; empty with a note where there are no headers."""
    folder = python_module(bench)
    if not folder:
        bench.note("calls from Python: no NumPy or no headers of this Python, skipped")
        return []
    program = os.path.join(bench.source, "python/bench/overhead.py")
    environment = {**os.environ, "PYTHONPATH": folder, "CC": " ".join(bench.tools.cc), "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.run([sys.executable, program, "--rows=1"], env=environment, check=True, capture_output=True, text=True).stdout
    us = {name: float(t) * 1e-6 for name, t in re.findall(r"^  N = +1  (\S.*?) +([0-9.]+) ", said, re.M)}
    return [(f"Python, {name}", us["raw pointer"], us[name]) for name in ("by name, fresh outputs", "by name, out=")]


def run_calls(bench):
    for aim, measured in ((FROM_C, from_c(bench)), (FROM_PYTHON, from_python(bench))):
        for what, raw, call in measured:
            bench.calls.append((what, raw, call, aim))
            print(f"calls: {what}: {1e9 * (call - raw):.0f} ns above the raw pointer's {1e9 * raw:.0f} ns", flush=True)
