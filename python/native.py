"""Compiles the C sources of the tree into one archive, for setup.py.

Makefile.am stays the one place that says what is compiled and how: its variables are read here, and
what configure finds out is asked of the compiler again. So `pip install ./python` needs a C compiler,
binutils, a shell and awk, and no autotools. libtcc goes in as a private copy of its archive (see
Makefile.am), so that the module needs no other file; without one there is no just-in-time compiler.
"""

import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NO_TCC = (
    "symgrad: no libtcc, so no just-in-time compiler: models go through the C compiler instead. "
    "To have it, run\n    apt-get install libtcc-dev\nand install again"
)
WIDE = "-mprefer-vector-width=512"
X86 = """
#ifndef __x86_64__
#error one form is enough
#endif
__attribute__((constructor)) static void before(void) { __builtin_cpu_init(); }
int main(void) { return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma"); }
"""
AUTO = "#include <libtcc.h>\nint f(TCCState *s) { return tcc_relocate(s, TCC_RELOCATE_AUTO); }\n"


def version(tree: Path) -> str:
    found = re.search(r"AC_INIT\(\[symgrad\], \[(.+?)\]\)", (tree / "configure.ac").read_text())
    assert found, "configure.ac names a version"
    return found.group(1)


class Makefile:
    """The variables of Makefile.am and sources.mk, with what configure would set."""

    def __init__(self, tree: Path, conditions: dict[str, bool], own: dict[str, str]) -> None:
        self.variables: dict[str, str] = {}
        for name in ("sources.mk", "Makefile.am"):
            self.read((tree / name).read_text().replace("\\\n", " "), conditions)
        self.variables.update(own)

    def read(self, text: str, conditions: dict[str, bool]) -> None:
        taken = [True]  # by enclosing conditional
        for line in text.splitlines():
            word, _, rest = line.partition(" ")
            if word == "if":
                taken.append(conditions.get(rest.strip(), False))
            elif word == "else":
                taken[-1] = not taken[-1]
            elif word == "endif":
                taken.pop()
            elif all(taken) and rest.startswith("= "):
                self.variables[word] = rest[2:]

    def words(self, text: str) -> list[str]:
        def value(match: re.Match) -> str:
            return self.variables.get(match.group(1), "")

        while (more := re.sub(r"\$\((\w+)\)", value, text)) != text:
            text = more
        return shlex.split(text)

    def library(self, name: str) -> tuple[list[str], list[str]]:
        """The C files of a library, and its flags."""
        var = name.replace(".", "_")
        files = self.words(f"$({var}_SOURCES) $(nodist_{var}_SOURCES)")
        flags = self.words(self.variables.get(f"{var}_CFLAGS", "$(AM_CFLAGS)"))
        return [f for f in files if f.endswith(".c")], flags


class Builder:
    def __init__(self, tree: Path, out: Path) -> None:
        self.tree, self.out = tree, out
        self.cc = shlex.split(os.environ.get("CC", "cc"))
        self.user = shlex.split(os.environ.get("CPPFLAGS", "") + " " + os.environ.get("CFLAGS", ""))
        self.tcc = self.tcc_archive()
        self.make = self.configured()
        self.libraries = ["m", "dl", "pthread"]
        self.archives: list[str] = []  # to be linked behind the one that build() makes

    # ---- what configure asks ----

    def compiles(self, text: str, *flags: str) -> bool:
        command = [*self.cc, *self.user, *flags, "-c", "-x", "c", "-", "-o", os.devnull]
        return subprocess.run(command, input=text, text=True, capture_output=True).returncode == 0

    def tcc_archive(self) -> str:
        """The path of libtcc.a; "": it can't be had."""
        if os.environ.get("SYMGRAD_WITHOUT_TCC") or not self.compiles("#include <libtcc.h>\n"):
            return ""
        asked = [*self.cc, "-print-file-name=libtcc.a"]
        path = subprocess.run(asked, text=True, capture_output=True).stdout.strip()
        return path if os.path.isabs(path) else ""

    def configured(self) -> Makefile:
        own = {"srcdir": str(self.tree), "builddir": str(self.out)}
        own["PACKAGE_VERSION"] = version(self.tree)
        conditions = {"SGRT_DISPATCH": True}
        avx512 = Makefile(self.tree, conditions, own).words("$(avx512)")
        conditions["SGRT_DISPATCH"] = self.compiles(X86, *avx512)
        own["AVX512_WIDTH"] = WIDE if self.compiles("int a;", WIDE) else ""
        defs = ["-DSGRT_DISPATCH"] if conditions["SGRT_DISPATCH"] else []
        defs += ["-DSG_HAVE_TCC=1", "-DSG_TCC_PRIVATE=1"] if self.tcc else []
        defs += ["-DSG_TCC_RELOCATE_AUTO=1"] if self.tcc and self.compiles(AUTO) else []
        own["SG_DEFS"] = " ".join(defs)
        return Makefile(self.tree, conditions, own)

    # ---- what is compiled ----

    def generate(self) -> None:
        """What Makefile.am makes from templates."""
        (self.out / "runtime").mkdir(parents=True, exist_ok=True)
        runtime, front = self.tree / "runtime", self.tree / "src/front"
        make = ["sh", str(runtime / "gen.sh"), str(runtime), str(self.out / "runtime")]
        subprocess.run(make, check=True)
        embed = ["awk", "-v", "name=sg_prelude", "-f", str(front / "embed.awk")]
        with open(self.out / "prelude.c", "w") as file:
            subprocess.run([*embed, str(front / "prelude.sg")], stdout=file, check=True)

    def jobs(self) -> list[tuple[str, str, list[str]]]:
        """(source, object, flags) of all files, the slow ones first."""
        found = []
        for name in [*self.make.words("$(runtime_forms)"), "libsgrt.la", "libsg.la"]:
            files, flags = self.make.library(name)
            for f in files:
                made = f"{Path(name).stem}-{f.replace('/', '_')}"[:-2] + ".o"
                found.append((f, made, flags))
        return found

    def compile(self, job: tuple[str, str, list[str]]) -> str:
        source, made, flags = job
        path = self.out / source  # generated; one of that name in the tree is another build's
        if not path.exists():
            path = self.tree / source
        command = [*self.cc, *self.make.words("$(AM_CPPFLAGS)"), *flags, "-fPIC", "-w", *self.user]
        command += ["-c", str(path), "-o", made]
        done = subprocess.run(command, text=True, capture_output=True, cwd=self.out)
        if done.returncode != 0:
            raise RuntimeError(f"{shlex.join(command)}\n{done.stderr}")
        return made

    def private_tcc(self) -> None:
        """A copy of libtcc.a that reaches what is outside by way of outside.c, and declares nothing
        by itself (see Makefile.am)."""
        rename = [f"--redefine-sym={s}=sg_tcc_{s}" for s in self.make.words("$(TCC_OUTSIDE)")]
        own = str(self.out / "libsymgrad_tcc.a")
        subprocess.run(["objcopy", *rename, self.tcc, own], check=True)
        declared = rb"(?<=\0)t(?=ypedef [^\0]*__builtin_va_list)"
        Path(own).write_bytes(re.sub(declared, b"\0", Path(own).read_bytes()))
        flags = self.make.words("$(AM_CFLAGS)")
        outside = self.compile(("src/back/tcc/outside.c", "tcc_outside.o", flags))
        subprocess.run(["ar", "r", own, outside], check=True, cwd=self.out)
        self.archives.append(own)

    def build(self) -> str:
        """Compiles all; the path of the archive."""
        self.generate()
        if self.tcc:
            self.private_tcc()
        else:
            print(NO_TCC, file=sys.stderr)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(self.compile, self.jobs()))
        archive = self.out / "libsymgrad_all.a"
        archive.unlink(missing_ok=True)
        subprocess.run(["ar", "cr", str(archive), *objects], check=True, cwd=self.out)
        return str(archive)
