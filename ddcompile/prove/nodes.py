"""What variables of a store stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as OneOf, TypeAlias

from ddcompile.ir.nodes import Number
from ddcompile.prove.attained import Attained
from ddcompile.prove.forms import Form

__all__ = ["Base", "Node", "NodeKind"]

NodeKind: TypeAlias = OneOf["input", "step", "relu", "mod", "product", "argmax", "same", "opaque"]


@dataclass(frozen=True, slots=True)
class Node:
    """What a variable stands for; `low` and `high` bound its values, None where unbounded."""

    kind: NodeKind
    operands: tuple[Form, ...] = ()
    number: Number = 0
    """The bound of a threshold or of a relu, the modulus of a mod."""
    strict: bool = False
    """Whether a threshold is `>` rather than `>=`; only where the form is not integral."""
    base: int = -1
    """The base of a threshold or a relu."""
    low: int | None = None
    high: int | None = None
    integral: bool = True
    level: int = 0
    name: str = ""
    falls: bool = False
    """Whether the operand of a relu is the negative of its base, and its bound likewise."""

    @property
    def is_bit(self) -> bool:
        """Whether all values are 0 or 1."""
        return self.low == 0 and self.high == 1 and self.integral


@dataclass(slots=True)
class Base:
    """The form P of thresholds and relus: coprime integer coefficients, leading one positive, no constant."""

    form: Form
    low: int | None
    high: int | None
    integral: bool
    level: int
    nodes: dict[tuple[Number, bool], int] = field(default_factory=dict)
    """The thresholds of the form."""
    ramps: dict[int, int] = field(default_factory=dict)
    """The relus of the form by bound, `max(P - bound, 0)` or `max(bound - P, 0)`; only where it is integral."""
    falls: bool = False
    """Whether the relus are those of `bound - P`."""
    origin: int = 0
    """The least value of the form over free variables."""
    attainable: Attained | None = None
    """A superset of the values of `form - origin`, where enumerating it was cheap."""
