"""The examples run, where the packages that they show are there."""

import pathlib
import runpy

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "python"
NEEDS = {"train": "numpy", "minimise": "scipy.optimize", "torch_function": "torch"}


@pytest.mark.parametrize("name", NEEDS)
def test_example(name):
    if not EXAMPLES.is_dir():
        pytest.skip("no examples beside")
    pytest.importorskip(NEEDS[name])
    runpy.run_path(str(EXAMPLES / f"{name}.py"))
