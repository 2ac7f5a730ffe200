"""Linear separators of two sets of points: of largest margin, in small integers where the points are integers."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import linprog
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

__all__ = ["Separator", "is_separable", "separate", "share_of"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MAX_MULTIPLE = 64
"""The largest multiple of the least weight that is tried before weights are rounded to powers of two of the largest."""
MAX_BITS = 12
"""Weights rounded to so many bits are the last that are tried."""
KEPT_MARGIN = 0.999
"""The part of the largest margin that an integer form must keep; of those that do, the smallest is taken."""
HARD = 1e6
"""The price of a point on the wrong side when a separator without such points is looked for first."""
HARD_STEPS, SOFT_STEPS = 20_000, 200_000
"""Bounds on the steps of the solver."""


@dataclass(frozen=True, slots=True, eq=False)
class Separator:
    """The points where `weights @ x + bias` is positive, those where it is negative, and those in between.

    Parameters
    ----------
    weights : ndarray of shape (features,), int64 or float64
    bias : int or float
    """

    weights: Array
    bias: float

    def values(self, points: Array) -> Array:
        """`weights @ x + bias` for points of shape (points, features)."""
        result: Array = points @ self.weights + self.bias
        return result

    def signs(self, points: Array) -> Array:
        """-1, 0 or 1 for points of shape (points, features)."""
        return np.sign(self.values(points)).astype(np.int8)


def separate(ones: Array, others: Array, C: float = 1.0, prices: tuple[float, float] = (1.0, 1.0)) -> Separator:
    """A separator of largest margin; if the points cannot be separated, one that pays for each that is not.

    Integer points get integer weights: multiples of the weights found are rounded, from small to large, and the first
    is taken that separates the points (by integer arithmetic) with almost all of the margin. So the result is exact
    about the points that it was made from, and simple about all others. With one point a side the weights are the
    difference of the points, in closed form.

    Parameters
    ----------
    ones, others : ndarray of shape (points, features), int64 or float64
        At least one point each; `ones` are for the positive side.
    C : float
        The price of a point on the wrong side, above 0.
    prices : pair of float
        What the prices of `ones` and `others` are multiplied by; above 0. Where the points can be separated, the dearer
        ones get the larger part of the strip between them.
    """
    share = share_of(*prices)
    if len(ones) == len(others) == 1:
        found = Separator((ones[0] - others[0]).astype(float), 0.0)
    else:
        found = _support_vectors(ones, others, HARD, (1.0, 1.0), HARD_STEPS)
        if _gap(found.weights, ones, others) <= 0:
            found = _support_vectors(ones, others, C, prices, SOFT_STEPS)
    return _in_integers(found, ones, others, share) if ones.dtype == np.int64 else _placed(found, ones, others, share)


def is_separable(ones: Array, others: Array) -> bool:
    """Whether some plane has all of `ones` strictly on one side and all of `others` on the other.

    The plane between the means is tried first, then a linear program decides.
    """
    weights = ones.mean(axis=0) - others.mean(axis=0)
    if (ones @ weights).min() > (others @ weights).max():
        return True
    points = np.concatenate([-ones, others]).astype(float)
    offsets = np.repeat([-1.0, 1.0], [len(ones), len(others)])
    system = np.column_stack([points, offsets])
    bounds = np.full(len(points), -1.0)
    result = linprog(np.zeros(system.shape[1]), A_ub=system, b_ub=bounds, bounds=(None, None), method="highs")
    return bool(result.status == 0)


def _support_vectors(ones: Array, others: Array, C: float, prices: tuple[float, float], steps: int) -> Separator:
    """By the solver of LIBSVM (Chang and Lin, 2011)."""
    points = np.concatenate([ones, others]).astype(float)
    sides = np.repeat([1, -1], [len(ones), len(others)])
    weights = {1: prices[0], -1: prices[1]}
    machine = SVC(kernel="linear", C=C, class_weight=weights, tol=1e-5, max_iter=steps, gamma=1.0)
    quiet = config_context(assume_finite=True, skip_parameter_validation=True)
    with warnings.catch_warnings(), quiet:
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(points, sides)
    return Separator(np.asarray(machine.coef_[0], dtype=float), float(machine.intercept_[0]))


def _gap(weights: Array, ones: Array, others: Array) -> float:
    """The width of the strip between the points, negative where they overlap."""
    length = math.sqrt(float((weights.astype(float) ** 2).sum()))
    return float((ones @ weights).min() - (others @ weights).max()) / length if length else -math.inf


def share_of(one: float, other: float) -> int:
    """How many sixteenths of a strip go to the side of `other` points: half, less if those of `one` are dearer."""
    return min(max(round(16 * other / (one + other)), 1), 15)


def _placed(found: Separator, ones: Array, others: Array, share: int) -> Separator:
    """With the plane in the strip between the points, if there is one."""
    low, high = (ones @ found.weights).min(), (others @ found.weights).max()
    return Separator(found.weights, -float((16 - share) * high + share * low) / 16) if low > high else found


def _in_integers(found: Separator, ones: Array, others: Array, share: int) -> Separator:
    largest = np.abs(found.weights).max()
    if not largest:
        return Separator(np.zeros(ones.shape[1], dtype=np.int64), int(np.sign(found.bias)))
    least = np.abs(found.weights[np.abs(found.weights) > largest * 1e-3]).min()
    scales = [multiple / least for multiple in range(1, MAX_MULTIPLE + 1) if multiple * largest / least < 2**MAX_BITS]
    scales += [2**bits / largest for bits in range(1, MAX_BITS + 1)]
    first, second = ones.astype(float), others.astype(float)
    gap = _gap(found.weights, first, second)
    if gap > 0:
        # Exact, since these are small whole numbers. The last scale keeps as much of the margin as can be.
        kept = (s for s in scales if _gap(np.rint(found.weights * s), first, second) >= KEPT_MARGIN * gap)
        return _scaled(found, next(kept, scales[-1]), ones, others, share)
    candidates = [_scaled(found, scale, ones, others, share) for scale in scales]
    wrong = _mistakes(found, ones, others)
    return min(candidates, key=lambda candidate: max(_mistakes(candidate, ones, others) - wrong, 0))


def _scaled(found: Separator, scale: float, ones: Array, others: Array, share: int) -> Separator:
    """The rounded multiple, its plane in the strip between the points, or where it was if there is none."""
    weights = np.rint(found.weights * scale).astype(np.int64)
    low, high = int((ones @ weights).min()), int((others @ weights).max())
    if low > high:
        return _lowest_terms(16 * weights, -((16 - share) * high + share * low))
    # Beyond the reach of the weights, the plane is on one side of all points.
    reach = int(np.abs(np.concatenate([ones, others]) @ np.abs(weights)).max()) + 1
    bias = round(min(max(found.bias * scale, -reach), reach))
    return _lowest_terms(2 * weights, 2 * bias + 1)


def _mistakes(separator: Separator, ones: Array, others: Array) -> int:
    return int((separator.values(ones) <= 0).sum() + (separator.values(others) >= 0).sum())


def _lowest_terms(weights: Array, bias: int) -> Separator:
    divisor = math.gcd(int(np.gcd.reduce(weights)), int(bias)) or 1
    return Separator(weights // divisor, int(bias) // divisor)
