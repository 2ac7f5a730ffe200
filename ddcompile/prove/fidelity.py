"""How far a surrogate is known to agree with the model that it stands for: counted on queries, not proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

__all__ = ["Fidelity"]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """A surrogate's agreement with its model on queries that it was not made from.

    Attributes
    ----------
    model : str
        What was asked: the type or name of the model.
    drawn : str
        How the queries were drawn.
    held_out : int
        The queries asked after the surrogate was finished.
    agreed : int
        On how many of them it gives the model's label.
    confidence : float
        How sure the interval is, 0 to 1.
    low, high : float
        The interval for the share of all queries drawn in this way on which they agree: exact, by Clopper and Pearson.
    queries : int
        The queries that the surrogate was made from.
    limit : str
        The bound that ended its growth, or "" if it ended by itself.
    labels : tuple of str
        What its results 0, 1, ... stand for, where they are not the labels themselves.
    """

    model: str
    drawn: str
    held_out: int
    agreed: int
    confidence: float
    low: float
    high: float
    queries: int
    limit: str = ""
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        sure = f"{100 * self.confidence:g}% sure: {self.low:.6f} to {self.high:.6f}"
        ended = f"; it was to grow no more than {self.limit}" if self.limit else ""
        return f"agrees with {self.model} on {self.agreed:,} of {self.held_out:,} queries held out ({sure}){ended}"

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self) | {"labels": list(self.labels)}

    @classmethod
    def from_json(cls, data: Any) -> Fidelity:
        """Of plain data.

        Raises
        ------
        ValueError
            If it is not what `to_json` gives.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(data, Mapping) or set(data) != names:
            raise ValueError(f"a surrogate says {', '.join(sorted(names))}")
        kinds = {"held_out": int, "agreed": int, "queries": int, "confidence": float, "low": float, "high": float}
        for name, value in data.items():
            kind = list if name == "labels" else kinds.get(name, str)
            if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
                raise ValueError(f"`{name}` is of the wrong kind")
        if not 0 <= data["agreed"] <= data["held_out"] or not all(isinstance(label, str) for label in data["labels"]):
            raise ValueError("its numbers cannot be")
        return cls(**{**data, "labels": tuple(data["labels"])})
