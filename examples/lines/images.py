"""Images of lines, half of them vertical (0) and half horizontal (1): those to learn from, and sets to test with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

__all__ = ["SETS", "drawn", "full_lines"]

Draw: TypeAlias = Callable[[np.random.Generator, int], np.ndarray]


def full_lines(n: int) -> tuple[np.ndarray, np.ndarray]:
    """All columns and all rows: images of shape (2n, n, n) and their labels."""
    images = np.zeros((2, n, n, n), dtype=np.uint8)
    line = np.arange(n)
    images[0, line, :, line] = 1
    images[1, line, line, :] = 1
    return images.reshape(2 * n, n, n), np.repeat([0, 1], n)


def drawn(name: str, seed: int, count: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` images of shape (n, n) from one of `SETS`, and their labels; the horizontal ones are turned."""
    random = np.random.default_rng((seed, n, *name.encode()))
    labels = np.arange(count) % 2
    images = np.stack([SETS[name](random, n) for _ in range(count)])
    return np.where(labels[:, None, None] == 1, images.transpose(0, 2, 1), images), labels


def partial(random: np.random.Generator, n: int) -> np.ndarray:
    """A line that ends before the border, at least a tenth of the image long."""
    length = random.integers(max(2, n // 10), n)
    start = random.integers(0, n - length + 1)
    return _path(n, np.arange(start, start + length), np.full(length, random.integers(0, n)))


def diagonal(random: np.random.Generator, n: int) -> np.ndarray:
    """A straight line from border to border, up to 40 degrees off."""
    run = random.uniform(1, np.tan(np.radians(40)) * (n - 1))
    left = random.uniform(0, n - 1 - run)
    columns = np.rint(np.linspace(left, left + run, n)).astype(int)
    return _path(n, np.arange(n), columns[:: random.choice([1, -1])])


def zigzag(random: np.random.Generator, n: int) -> np.ndarray:
    """A line that goes to and fro between two columns, a pixel aside with every pixel down."""
    width = random.integers(2, max(3, n // 4))
    place = (np.arange(n) + random.integers(0, 2 * width)) % (2 * width)
    columns = random.integers(0, n - width) + np.minimum(place, 2 * width - place)
    return _path(n, np.arange(n), columns)


def dotted(random: np.random.Generator, n: int) -> np.ndarray:
    """A line of dots or dashes with gaps."""
    dash, gap = random.integers(1, max(2, n // 9) + 1, 2)
    rows = np.arange(n)
    rows = rows[(rows + random.integers(0, dash + gap)) % (dash + gap) < dash]
    return _path(n, rows, np.full(len(rows), random.integers(0, n)))


def outline(random: np.random.Generator, n: int) -> np.ndarray:
    """The outline of a box at least one and a half times as high as wide."""
    image = _box(random, n)
    inner = image & np.roll(image, 1, 0) & np.roll(image, -1, 0) & np.roll(image, 1, 1) & np.roll(image, -1, 1)
    return image & ~inner & 1


def thick(random: np.random.Generator, n: int) -> np.ndarray:
    """A solid box at least one and a half times as high as wide."""
    return _box(random, n)


def several(random: np.random.Generator, n: int) -> np.ndarray:
    """Two to five lines beside one another."""
    image = np.zeros((n, n), dtype=np.uint8)
    image[:, random.choice(n, random.integers(2, 6), replace=False)] = 1
    return image


def crossed(random: np.random.Generator, n: int) -> np.ndarray:
    """Two to five full lines, and fewer across them: the kind of which there are more is asked for."""
    image = several(random, n)
    across = random.integers(1, int(image[0].sum()))
    image[random.choice(n, across, replace=False)] = 1
    return image


def noisy(share: float) -> Draw:
    """A line with a share of all pixels flipped."""

    def draw(random: np.random.Generator, n: int) -> np.ndarray:
        image = _path(n, np.arange(n), np.full(n, random.integers(0, n)))
        return image ^ (random.random((n, n)) < share).astype(np.uint8)

    return draw


def _path(n: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    image = np.zeros((n, n), dtype=np.uint8)
    image[rows, columns] = 1
    return image


def _box(random: np.random.Generator, n: int) -> np.ndarray:
    """Ones in a box that does not touch the border."""
    width = random.integers(2, n // 2)
    height = random.integers(-(-3 * width // 2), n - 1)
    top, left = random.integers(1, n - height), random.integers(1, n - width)
    image = np.zeros((n, n), dtype=np.uint8)
    image[top : top + height, left : left + width] = 1
    return image


SETS: dict[str, Draw] = {
    "partial": partial,
    "diagonal": diagonal,
    "zigzag": zigzag,
    "dotted": dotted,
    "outline": outline,
    "thick": thick,
    "several": several,
    "crossed": crossed,
    "noise 2%": noisy(0.02),
    "noise 5%": noisy(0.05),
    "noise 10%": noisy(0.1),
    "noise 20%": noisy(0.2),
    "noise 30%": noisy(0.3),
}
