"""Samples to learn from, as files hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddcompile.diagnostics import CompileError, fail

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Samples", "by_label", "hint_for", "load_samples"]

HOW = "numpy.savez(file, X=samples, y=labels)"
"""How files of samples are made."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Flat samples, labels, how often samples count, names of inputs, and the grid in which inputs lie, if they do.

    Outputs lie in it as well, or along its last axis.
    """

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
    try:
        arrays = load_arrays(path)
    except CompileError as error:
        (one,) = error.diagnostics
        hint = one.hint or (HOW if one.code == "A021" else "")
        raise fail(one.code, one.message, place=place, hint=hint) from error
    if not isinstance(arrays, dict) or not {"X", "y"} <= set(arrays):
        held = f"it holds {', '.join(arrays)}" if isinstance(arrays, dict) else "it holds one array without a name"
        raise fail("L001", f"the file must hold the arrays X and y; {held}", place=place, hint=HOW)
    samples, labels, weights = arrays["X"], arrays["y"], arrays.get("weight")
    if labels.shape[:1] == (0,) == samples.shape[:1]:
        raise fail("L001", "there are no samples", place=place)
    if samples.ndim < 2 or not samples.size or labels.ndim < 1 or len(samples) != len(labels):
        message = f"X has shape {samples.shape} and y {labels.shape}; both must have one row a sample, X of all inputs"
        raise fail("L001", message, place=place)
    if weights is not None and weights.shape != samples.shape[:1]:
        message = f"weight has shape {weights.shape}; it must be one number for each of {len(samples)} samples"
        raise fail("L001", message, place=place)
    if weights is not None and weights.dtype.kind not in "biuf":
        raise fail("L001", f"weight must hold numbers, not {weights.dtype}", place=place)
    outputs = labels.shape[1:-1] if probabilities else labels.shape[1:]
    are_both = samples.shape[1:] == outputs and len(outputs) > 1
    along_last = samples.ndim > 2 and len(outputs) == 1 and samples[0].size != outputs[0]
    grid = samples.shape[1:] if are_both or along_last else None
    if labels.ndim > (2 if probabilities else 1):
        labels = labels.reshape(len(labels), -1, *labels.shape[-1:][: int(probabilities)])
    flat = samples.reshape(len(samples), -1)
    names = [str(name) for name in arrays["names"].ravel()] if "names" in arrays else None
    if names is not None and len(names) != flat.shape[1]:
        raise fail(
            "L001", f"names has {len(names)} entries; it must have one for each of {flat.shape[1]} inputs", place=place
        )
    return Samples(flat, labels, weights, names, grid)


def hint_for(given: Samples, used: np.ndarray, reads_whole_numbers: bool) -> str:
    """What to look at where samples were refused: the first number that is none, what is left, or an option.

    Parameters
    ----------
    given : Samples
    used : ndarray
        The numbers of the samples that were to be learned from.
    reads_whole_numbers : bool
        Whether something was asked for that is only for whole numbers.
    """
    import numpy as np

    for name, array in (("X", given.samples), ("y", given.labels)):
        wrong = np.argwhere(~np.isfinite(array)) if array.dtype.kind == "f" else np.zeros((0, 2))
        if len(wrong):
            return f"the first is in row {wrong[0][0]} of {name}, counted from 0; leave such rows out"
    if len(used) < len(given.labels) and len(np.unique(given.labels[used])) < len(np.unique(given.labels)):
        return f"{len(used)} of {len(given.labels)} samples are learned from; hold out fewer"
    if reads_whole_numbers and given.samples.dtype.kind == "f" and (given.samples % 1).any():
        return "--thresholds auto makes bits of numbers"
    return ""
