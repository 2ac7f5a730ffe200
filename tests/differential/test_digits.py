"""The trained networks of `examples/digits`: every engine, exact evaluation, and torch itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.engines import ENGINES, compiled
from ddcompile.frontends import load_network
from ddcompile.frontends.evaluate import evaluate

FOLDER = Path(__file__).parents[2] / "examples" / "digits"
INPUTS = "image: spin[8, 8]"
ACCURACY = {"signs": 0.9, "relus": 0.93}
SLOW = {"python": 60}
"""How many images an engine is given, if not all."""

pytest.importorskip("sklearn")
torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def example(monkeypatch_module: pytest.MonkeyPatch) -> Any:
    """The modules of the example."""
    import data
    import module

    return data, module


@pytest.fixture(scope="module")
def monkeypatch_module() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield patch
    for name in ("data", "module"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module", params=["signs", "relus"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def images(example: Any) -> np.ndarray:
    return np.asarray(example[0].images()[0])


@pytest.fixture(scope="module")
def expected(name: str, images: np.ndarray) -> np.ndarray:
    return evaluate(load_network(FOLDER / f"{name}.npz"), images.reshape(len(images), -1), "argmax")


def test_the_rule_is_what_is_distilled(name: str, request: pytest.FixtureRequest) -> None:
    program = dd.distill(FOLDER / f"{name}.npz", INPUTS, None, "argmax", f"digits_{name}")
    assert program.verdict
    if request.config.getoption("--update-golden"):
        for old in FOLDER.glob(f"{name}.*.npy"):
            old.unlink()
        program.save(FOLDER / f"{name}.rule")
    assert dd.load(FOLDER / f"{name}.rule").rule == program.rule


def test_the_module_distills_to_the_same_rule(name: str, example: Any) -> None:
    program = dd.distill(example[1].load(name), INPUTS, None, "argmax", f"digits_{name}")
    assert program.rule == dd.load(FOLDER / f"{name}.rule").rule


@pytest.mark.parametrize("engine", ENGINES)
def test_engines(name: str, engine: str, images: np.ndarray, expected: np.ndarray) -> None:
    few = images[: SLOW.get(engine)]
    found = np.asarray(compiled(dd.load(FOLDER / f"{name}.rule").rule, engine)([few]))
    assert found.dtype == expected.dtype
    assert (found == expected[: len(few)]).all()


def test_torch_agrees_where_floats_are_safe(
    name: str, example: Any, images: np.ndarray, expected: np.ndarray
) -> None:
    module = example[1].load(name)
    safe = dd.float_safe(module, images, head="argmax")
    assert safe.mean() >= 0.99
    with torch.no_grad():
        classes = module(torch.tensor(images, dtype=torch.float32)).argmax(1).numpy()
    assert (classes == expected)[safe].all()


def test_accuracy_on_images_held_out(name: str, example: Any, expected: np.ndarray) -> None:
    _, labels = example[0].images()
    _, test = example[0].split(labels)
    assert (expected == labels)[test].mean() >= ACCURACY[name]
