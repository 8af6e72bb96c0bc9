"""What `pip install` compiles is what `make` does: the same files for the same libraries."""

import os
import pathlib
import re
import subprocess
import sys
from collections import Counter

import pytest

PYTHON = pathlib.Path(__file__).resolve().parents[1]
TREE = PYTHON.parent


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    if not (TREE / "Makefile.am").exists():
        pytest.skip("no tree around")
    sys.path.insert(0, str(PYTHON))
    import native

    return native.Builder(TREE, tmp_path_factory.mktemp("native"))


def test_files_are_those_of_make(builder):
    archive = pathlib.Path(os.environ.get("SYMGRAD_BUILD", "")) / ".libs/libsg.a"
    if not archive.exists():
        pytest.skip("SYMGRAD_BUILD names no build folder")
    said = subprocess.run(["ar", "t", str(archive)], text=True, capture_output=True, check=True)
    made = Counter(re.sub(r"^lt\d+-", "", name) for name in said.stdout.split())
    ours = Counter()
    for source, made_file, _ in builder.jobs():
        library, stem = made_file.split("-")[0], pathlib.Path(source).stem
        ours[f"{library}_la-{stem}.o"] += 1
    assert ours == made


def test_flags_are_those_of_makefile_am(builder):
    jobs = builder.jobs()
    assert len({made for _, made, _ in jobs}) == len(jobs) > 100
    for source, made, flags in jobs:
        assert "-std=c11" in flags and "-fvisibility=hidden" in flags, source
        assert not any("$" in f or "fast-math" in f for f in flags), flags
        assert ("-mavx512f" in flags) == ("avx512" in made)
        assert (flags[-1] == "-ffp-contract=fast") == ("fused" in made)
        assert (TREE / source).exists() or source.split("/")[0] in ("runtime", "prelude.c")
    common = builder.make.words("$(AM_CPPFLAGS)")
    assert f"-I{TREE / 'src'}" in common and f"-I{builder.out}/runtime" in common
    assert ("-DSG_HAVE_TCC=1" in common) == bool(builder.tcc)
