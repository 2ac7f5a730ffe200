"""What an ensemble of trees is, and what of it will be exact, before it is distilled."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ddcompile.frontends.declarations import declared_inputs, head_of
from ddcompile.frontends.trees.ensemble import Ensemble
from ddcompile.ir.printer import print_type

__all__ = ["EnsembleInspection", "inspect_ensemble"]


@dataclass(frozen=True, slots=True)
class EnsembleInspection:
    """An ensemble seen before it is distilled; `str` gives a page of text.

    Attributes
    ----------
    trees, splits, leaves, depth : int
        Comparisons and leaves of all trees; how many comparisons a sample meets at most in a tree.
    read : int
        How many of the inputs are looked at.
    """

    name: str
    sha256: str
    dtype: str
    parameters: int
    inputs: tuple[str, ...]
    trees: int
    splits: int
    leaves: int
    depth: int
    read: int
    head: str
    result: str
    is_exact: bool
    labels: tuple[str, ...] = ()

    def report(self) -> dict[str, Any]:
        """The same as plain data for JSON."""
        return asdict(self) | {"labels": list(self.labels)}

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.parameters:,} parameters, {self.dtype}, sha256 {self.sha256[:16]}...\n"
            f"inputs  {', '.join(self.inputs)}; {self.read} of them are looked at\n\n"
            f"{_counted(self.trees, 'tree')}: {_counted(self.splits, 'comparison')}, "
            f"{_counted(self.leaves, 'leaf', 'leaves')}, at most {_counted(self.depth, 'comparison')} deep\n\n"
            "comparisons: exact, of every double as the framework rounds it\n"
            f"leaves: exact sums of the numbers that are stored; the framework rounds to {self.dtype} as it adds\n"
            f"result: {self.result}\n"
        ) + "".join(f"  {number} is {label}\n" for number, label in enumerate(self.labels))


def inspect_ensemble(ensemble: Ensemble, inputs: str | None = None, head: str | None = None) -> EnsembleInspection:
    """Look at an ensemble with inputs of given types.

    Raises
    ------
    CompileError
        N201 to N210 when the declarations or the head do not fit the ensemble.
    """
    head = head_of(ensemble, head)
    declared = declared_inputs(ensemble, inputs)
    features = np.unique(np.concatenate([tree.feature for tree in ensemble.trees]))
    is_exact = head != "softmax" and ensemble.activation != "sigmoid"
    return EnsembleInspection(
        ensemble.name,
        ensemble.sha256,
        ensemble.dtype,
        ensemble.parameters,
        tuple(f"{d.name}: {print_type(d.type)}" for d in declared),
        len(ensemble.trees),
        sum(int(np.count_nonzero(tree.feature >= 0)) for tree in ensemble.trees),
        sum(int(np.count_nonzero(tree.feature < 0)) for tree in ensemble.trees),
        max(tree.depth() for tree in ensemble.trees),
        int(np.count_nonzero(features >= 0)),
        head,
        _result(ensemble, head),
        is_exact,
        ensemble.labels,
    )


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _result(ensemble: Ensemble, head: str) -> str:
    if head == "argmax":
        return f"the number of the largest of {ensemble.outputs} sums, the first of equal ones; exact for every input"
    if head == "softmax":
        return f"softmax of {ensemble.outputs} sums: real, rounded as stated"
    if head == "sign" or ensemble.activation in ("step", "nonnegative"):
        return f"{_counted(ensemble.outputs, 'decision')} about the sign of a sum; exact for every input"
    if ensemble.activation == "sigmoid":
        return "sigmoid of a sum: real, rounded as stated"
    return f"{_counted(ensemble.outputs, 'exact sum')}; as reals, rounded once"
