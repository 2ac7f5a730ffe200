"""Samples to learn from, as files hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddcompile.diagnostics import fail

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Samples", "by_label", "load_samples"]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Flat samples, labels, how often samples count, names of inputs, and the shape of the grid if both lie in one."""

    samples: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None
    names: list[str] | None
    grid: tuple[int, ...] | None


def by_label(weights: str | dict[str, float], labels: np.ndarray, place: str) -> str | Mapping[Any, float]:
    """Weights of labels as they are in the file, for labels as they are written."""
    import numpy as np

    if isinstance(weights, str):
        return weights
    known = {str(label): label for label in np.unique(labels).tolist()}
    for text in weights:
        if text not in known:
            held = ", ".join(list(known)[:10]) + (", ..." if len(known) > 10 else "")
            raise fail("L003", f"`{text}` has a weight, but is not among the labels: {held}", place=place)
    return {known[text]: weight for text, weight in weights.items()}


def load_samples(path: Path, probabilities: bool) -> Samples:
    """The arrays `X`, `y`, `weight` and `names` of a file; the last axis of `y` may say how much speaks for each label.

    Raises
    ------
    CompileError
        A### if the file cannot be read, L001 if it holds no such arrays.
    """
    from ddcompile.cli.arrays import load_arrays

    place = str(path)
    arrays = load_arrays(path)
    if not isinstance(arrays, dict) or not {"X", "y"} <= set(arrays):
        held = f"it holds {', '.join(arrays)}" if isinstance(arrays, dict) else "it holds one array without a name"
        hint = "numpy.savez(file, X=samples, y=labels)"
        raise fail("L001", f"the file must hold the arrays X and y; {held}", place=place, hint=hint)
    samples, labels, weights = arrays["X"], arrays["y"], arrays.get("weight")
    if samples.ndim < 2 or not samples.size or labels.ndim < 1 or len(samples) != len(labels):
        message = f"X has shape {samples.shape} and y {labels.shape}; both must have one row a sample, X of all inputs"
        raise fail("L001", message, place=place)
    if weights is not None and weights.shape != samples.shape[:1]:
        message = f"weight has shape {weights.shape}; it must be one number for each of {len(samples)} samples"
        raise fail("L001", message, place=place)
    outputs = labels.shape[1:-1] if probabilities else labels.shape[1:]
    grid = samples.shape[1:] if samples.shape[1:] == outputs and len(outputs) > 1 else None
    if labels.ndim > (2 if probabilities else 1):
        labels = labels.reshape(len(labels), -1, *labels.shape[-1:][: int(probabilities)])
    flat = samples.reshape(len(samples), -1)
    names = [str(name) for name in arrays["names"].ravel()] if "names" in arrays else None
    if names is not None and len(names) != flat.shape[1]:
        raise fail(
            "L001", f"names has {len(names)} entries; it must have one for each of {flat.shape[1]} inputs", place=place
        )
    return Samples(flat, labels, weights, names, grid)
