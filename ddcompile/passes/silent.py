"""Weights of units that are always 0: any number will do, such as the one that completes a sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ddcompile.analysis.linear import Atoms

__all__ = ["filled"]


def filled(weights: Mapping[int, int], atoms: Atoms, name: str, silent: Sequence[int]) -> dict[int, int]:
    """Weights for elements of a tensor that are always 0, if on an axis they complete all lines that are not empty."""
    span, shape = atoms.slice(name), atoms.shape[name]
    if all(atom not in weights for atom in range(span.start, span.stop)):
        return {}
    kernel = np.array([weights.get(atom, 0) for atom in range(span.start, span.stop)], dtype=object).reshape(shape)
    is_silent = np.zeros(shape, dtype=bool)
    is_silent.flat[list(silent)] = True
    for axis in range(len(shape)):
        found: dict[int, int] = {}
        for element in silent:
            place = [int(p) for p in np.unravel_index(element, shape)]
            line = tuple(slice(None) if k == axis else p for k, p in enumerate(place))
            values = set(kernel[line][~is_silent[line]].tolist())
            if len(values) != 1:
                break
            value = values.pop()
            if value:
                found[span.start + element] = value
        else:
            if found:
                return found
    return {}
