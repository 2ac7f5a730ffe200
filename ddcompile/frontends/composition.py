"""Write sums over recoded values as sums over the values: `W @ (2 * x - 1) + b` is `(2 * W) @ x + (b - W @ 1)`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ddcompile.frontends.forms import Form, factor, own_form
from ddcompile.frontends.grids import exponent_of
from ddcompile.frontends.weights import numerators
from ddcompile.ir.builder import has_literal
from ddcompile.ir.nodes import canonical_array

__all__ = ["composed"]


def composed(weight: np.ndarray, bias: np.ndarray, forms: Sequence[Form]) -> tuple[np.ndarray, np.ndarray, list[Form]]:
    """Take what can be taken from the forms of what a layer reads into its weights and biases.

    Parameters
    ----------
    weight, bias : array
        Of the layer, exact.
    forms : sequence of Form
        What it reads, one after the other.

    Returns
    -------
    weight, bias : array
        All integers or doubles.
    forms : list of Form
        Those that were `factor * tensor + shift`, with a factor that is a power of two or its negative, are the
        tensor alone. If a bias would be no double, everything is as it was.
    """
    columns, shifts, left = [], [], []
    start = 0
    for form in forms:
        part = weight[:, start : start + form.count]
        start += form.count
        stretched = _stretched(part, form)
        columns.append(part if stretched is None else stretched)
        shifts.append(
            np.zeros(form.count, dtype=np.int64) if stretched is None else canonical_array(form.full(form.shift))
        )
        left.append(form if stretched is None else own_form(form.terms[0][0]))
    offset = canonical_array(np.concatenate([s.astype(object) for s in shifts]))
    if not offset.any():
        return _beside(columns), bias, left
    exponent = max(exponent_of(weight) + exponent_of(offset), exponent_of(bias))
    lifted = numerators(weight, exponent_of(weight)) @ numerators(offset, exponent_of(offset))
    lifted = lifted << (exponent - exponent_of(weight) - exponent_of(offset))
    total = lifted + numerators(bias, exponent)
    sums = [Fraction(int(n), 1 << exponent) for n in total]
    if not all(has_literal(v) for v in sums):
        return weight, bias, list(forms)
    return _beside(columns), canonical_array(np.array(sums, dtype=object)), left


def _stretched(weight: np.ndarray, form: Form) -> np.ndarray | None:
    """The weights times the factor of a form, if that is one power of two for all, up to its sign."""
    if len(form.terms) > 1:
        return None
    same = factor(form.terms[0][1])
    if same is None or same == 0 or abs(Fraction(same)).numerator & (abs(Fraction(same)).numerator - 1):
        return None
    if same == 1:
        return weight
    if weight.dtype == object or (weight.dtype == np.int64 and (abs(weight.astype(object)) > 2**53).any()):
        return None
    product = weight.astype(np.float64) * float(same)
    is_exact = np.isfinite(product).all() and np.array_equal(product / float(same), weight)
    return canonical_array(product) if is_exact else None


def _beside(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Matrices side by side, exact."""
    if len({part.dtype for part in columns}) == 1:
        return np.concatenate(columns, axis=1)
    return canonical_array(np.concatenate([part.astype(object) for part in columns], axis=1))
