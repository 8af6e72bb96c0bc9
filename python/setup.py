"""Builds symgrad._core. The library that it stands on is, in this order:

- the one in the build folder that SYMGRAD_BUILD names (made by `make`, with shared libraries);
- with SYMGRAD_SYSTEM=1, the installed one, found by pkg-config;
- the C sources of the tree that this folder is in, compiled in, so that the module needs no other file;
- outside of a tree, the installed one.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import native  # noqa: E402

# In a source distribution the tree lies beside, else above.
TREE = next((t for t in (HERE / "tree", HERE.parent) if (t / "sources.mk").exists()), None)
TREE_PARTS = ["src", "runtime", "sources.mk", "Makefile.am", "configure.ac", "LICENSE"]


def pkg_config(*what: str) -> str:
    try:
        asked = ["pkg-config", *what, "symgrad"]
        return subprocess.run(asked, check=True, text=True, capture_output=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        sys.exit(
            "symgrad: no source tree and no installed libsymgrad (pkg-config symgrad). In a clone, run:\n"
            "    make && make -C build install"
        )


def the_version() -> str:
    return native.version(TREE) if TREE else pkg_config("--modversion")


class BuildExt(build_ext):
    def build_extension(self, ext: Extension) -> None:
        self.force = True  # what it stands on may be another than the last time
        folder = os.environ.get("SYMGRAD_BUILD")
        if folder:
            libs = str(Path(folder).resolve() / ".libs")
            assert TREE, "SYMGRAD_BUILD is for a tree"
            ext.include_dirs.append(str(TREE / "src/api"))
            ext.extra_link_args += [f"-L{libs}", "-lsymgrad", f"-Wl,-rpath,{libs}"]
        elif TREE and not os.environ.get("SYMGRAD_SYSTEM"):
            self.compile_tree(ext)
        else:
            ext.extra_compile_args += shlex.split(pkg_config("--cflags"))
            libs = shlex.split(pkg_config("--libs"))
            ext.extra_link_args += libs + [f"-Wl,-rpath,{f[2:]}" for f in libs if f.startswith("-L")]
        super().build_extension(ext)

    def compile_tree(self, ext: Extension) -> None:
        out = Path(self.build_temp).resolve() / "native"
        out.mkdir(parents=True, exist_ok=True)
        builder = native.Builder(TREE, out)
        ext.extra_objects.append(builder.build())
        ext.extra_objects += builder.archives
        ext.include_dirs.append(str(TREE / "src/api"))
        ext.libraries += builder.libraries
        ext.extra_link_args.append("-Wl,--exclude-libs,ALL")


class Sdist(sdist):
    """Takes what is compiled along."""

    def make_release_tree(self, base_dir: str, files: list) -> None:
        super().make_release_tree(base_dir, files)
        for part in TREE_PARTS if TREE else []:
            source, target = TREE / part, Path(base_dir) / "tree" / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                junk = shutil.ignore_patterns("*.o", "*.lo", ".libs", ".deps", ".dirstamp")
                shutil.copytree(source, target, ignore=junk, dirs_exist_ok=True)
            else:
                shutil.copy2(source, target)


setup(
    version=the_version(),
    cmdclass={"build_ext": BuildExt, "sdist": Sdist},
    ext_modules=[
        Extension(
            "symgrad._core",
            [f"src/symgrad/{name}.c" for name in ("core", "given", "lane")],
            include_dirs=[numpy.get_include()],
            depends=["src/symgrad/core.h"],
            extra_compile_args=["-std=gnu11", "-fvisibility=hidden"],
        )
    ],
)
