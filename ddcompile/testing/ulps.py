"""Errors of the elementary functions in units in the last place (ulps), measured against mpmath."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from ddcompile.runtime.elementary import elementary

__all__ = ["Worst", "arguments", "exact_value", "ulps", "worst"]

_PRECISION = 160
_LEAST_EXPONENT = -1022
_CHECKED = 300
"""Arguments whose errors are computed by mpmath, of those that seem the worst and of the others each."""
_REGIONS: dict[str, tuple[tuple[float, float], ...]] = {
    "exp": ((-745.1, 709.78), (-1.0, 1.0), (-745.1, -708.0), (-(2.0**-20), 2.0**-20)),
    "log": ((0.0, 4.0), (0.7, 1.5), (1 - 2.0**-20, 1 + 2.0**-20), (0.0, 2.0**-1022), (0.0, 1.7e308)),
    "tanh": ((-20.0, 20.0), (-1.0, 1.0), (0.15, 0.4), (-(2.0**-20), 2.0**-20)),
    "sigmoid": ((-745.1, 40.0), (-3.0, 3.0), (-745.1, -708.0), (-(2.0**-20), 2.0**-20)),
}
"""Where arguments are drawn: the whole range, and where a result is hard to round or to scale."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The largest error that was found, where, and among how many arguments."""

    ulps: float
    argument: float
    count: int


def arguments(name: str, count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """About so many arguments of a function: every region equally, and magnitudes equally in their logarithm."""
    generator = np.random.default_rng(seed)
    regions = _REGIONS[name]
    share = count // (len(regions) + 1) + 1
    for low, high in regions:
        yield generator.uniform(low, high, share)
    least, most = min(low for low, _ in regions), max(high for _, high in regions)
    signs = generator.choice([-1.0, 1.0], share)
    sizes = np.ldexp(generator.uniform(1.0, 2.0, share), generator.integers(-1074, 1024, share))
    spread = signs * sizes
    yield spread[(least < spread) & (spread < most)]


def exact_value(name: str, x: float) -> Any:
    """The value of a function at a double, to 160 bits."""
    with mpmath.workprec(_PRECISION):
        at = mpmath.mpf(x)
        return 1 / (1 + mpmath.exp(-at)) if name == "sigmoid" else getattr(mpmath, name)(at)


def ulps(name: str, x: float, value: float) -> float:
    """The error of a value of a function at x, in units of the last place of the exact value."""
    exact = exact_value(name, x)
    with mpmath.workprec(_PRECISION):
        exponent = _LEAST_EXPONENT if exact == 0 else max(int(mpmath.frexp(exact)[1]) - 1, _LEAST_EXPONENT)
        return float(abs(mpmath.mpf(value) - exact) / mpmath.ldexp(1, exponent - 52))


def worst(name: str, x: np.ndarray, seed: int = 0) -> Worst:
    """The worst of the errors at some arguments.

    Extended precision tells which arguments are the worst, mpmath what their errors are; and the errors of some of the
    others, chosen at random.
    """
    values = elementary(name, x)
    seeming = np.abs(values - _extended(name, x)) / np.spacing(np.abs(values))
    others = np.random.default_rng(seed).permutation(x.size)[:_CHECKED]
    chosen = np.union1d(np.argsort(seeming)[-_CHECKED:], others)
    errors = [ulps(name, float(x[k]), float(values[k])) for k in chosen]
    at = int(np.argmax(errors))
    return Worst(errors[at], float(x[chosen[at]]), x.size)


def _extended(name: str, x: np.ndarray) -> np.ndarray:
    wide = x.astype(np.longdouble)
    if name != "sigmoid":
        return np.asarray(getattr(np, name)(wide))
    small = np.exp(-np.abs(wide))
    return np.asarray(np.where(wide < 0, small, 1) / (1 + small))
