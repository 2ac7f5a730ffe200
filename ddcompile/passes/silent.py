"""Weights of units that are always 0: any number will do, such as one that completes a sum, or makes units alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ddcompile.analysis.exact import integers
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row

__all__ = ["filled", "paired"]

_USUAL = Fraction(3, 4)
"""The part of operands that have another one with them which all may have."""


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


def paired(rows: Sequence[Row], atoms: Atoms, silent: Mapping[str, Sequence[int]]) -> list[Row]:
    """Rows that read elements of two tensors of one shape together read them together where one of them is always 0.

    `a[i] - b[i]` for most i, and `a[0]` where `b[0]` is always 0, is `a[i] - b[i]` for all of them.
    """
    weights = [dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True)) for row in rows]
    for name, elements in silent.items():
        for other in atoms.names if name in atoms.shape else ():
            if other == name or atoms.shape[other] != atoms.shape[name]:
                continue
            span, step = atoms.slice(other), atoms.offset[name] - atoms.offset[other]
            quiet = {span.start + e for e in elements}
            votes = Counter(
                Fraction(own.get(a + step, 0), w)
                for own in weights
                for a, w in own.items()
                if span.start <= a < span.stop and a not in quiet
            )
            ratio, count = max(votes.items(), key=lambda vote: (vote[1], vote[0]), default=(Fraction(0), 0))
            if not ratio or count < _USUAL * votes.total():
                continue
            for own in weights:
                for a in quiet & own.keys():
                    if (own[a] * ratio).denominator == 1:
                        own.setdefault(a + step, int(own[a] * ratio))
    return [
        row
        if len(own) == len(row.atoms)
        else replace(row, atoms=np.array(sorted(own), dtype=np.int64), weights=integers([own[a] for a in sorted(own)]))
        for row, own in zip(rows, weights, strict=True)
    ]
