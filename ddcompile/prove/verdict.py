"""What a check or a comparison says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal as OneOf, TypeAlias

from ddcompile.ir.findings import counted
from ddcompile.prove.decide import RULES, RuleName
from ddcompile.prove.fidelity import Fidelity

__all__ = ["Failure", "Status", "Verdict"]

Status: TypeAlias = OneOf["proved", "faithful", "surrogate", "failed", "refuted", "tested"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An obligation that was not shown.

    Attributes
    ----------
    place
        The element, result or part concerned, such as `layer1[3]`.
    reason
        Why it was not shown, in a sentence.
    step
        The number of the step of a certificate, from 1, and its pass; empty outside certificates.
    inputs
        Values by input element for which the two sides differ, where some are known: those that matter.
    """

    place: str
    reason: str
    step: str = ""
    inputs: Mapping[str, int | str] = field(default_factory=dict)

    def __str__(self) -> str:
        start = f"{self.step}: " if self.step else ""
        shown = ", ".join(f"{name} = {value}" for name, value in list(self.inputs.items())[:8])
        more = f" (for example at {shown}{', ...' if len(self.inputs) > 8 else ''})" if shown else ""
        return f"{start}{self.place}: {self.reason}{more}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check.

    Attributes
    ----------
    status
        `proved`: equal for all inputs. `faithful`: the same, except that a network which goes on computing with
        rounded numbers is taken as the operations that it does, each rounded as the language says, not as exact
        arithmetic. `surrogate`: proved equal to a program that stands for a model, of which only `fidelity` is known;
        its truth value is False. `failed`: not proved. `refuted`: unequal, with a counterexample. `tested`: equal on
        the inputs tried, not proved.
    obligations
        How many element equalities each rule showed: `a` equal normal forms, `b` threshold programmes, `c` truth
        tables, `d` count tables.
    failure
        The first obligation that was not shown.
    trusted
        Parts that the checker cannot derive again, and who vouches for them.
    inputs
        The number of inputs evaluated.
    counterexample
        One array per input, without a batch axis, as nested lists.
    fidelity
        Of a surrogate: how often it was seen to agree with its model.
    """

    status: Status
    obligations: Mapping[RuleName, int] = field(default_factory=dict)
    failure: Failure | None = None
    trusted: tuple[str, ...] = ()
    inputs: int = 0
    counterexample: Mapping[str, Any] | None = None
    fidelity: Fidelity | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the checker accepts every step of a certificate, be its start a network or what stands for one."""
        return self.status in ("proved", "faithful", "surrogate")

    def __bool__(self) -> bool:
        return self.status in ("proved", "faithful")

    def __str__(self) -> str:
        lines = [self._headline()]
        lines += [f"  {RULES[r]}: {n}" for r, n in sorted(self.obligations.items()) if n]
        if self.counterexample is not None:
            lines += [f"  {name} = {value}" for name, value in self.counterexample.items()]
        lines += [f"  trusted: {part}" for part in self.trusted]
        return "\n".join(lines)

    def _headline(self) -> str:
        if self.status == "tested":
            return f"tested ({counted(self.inputs, 'input')})"
        if self.failure is not None:
            return f"{self.status}: {self.failure}"
        if self.fidelity is not None:
            return f"{self.status}: {self.fidelity}"
        if self.status == "refuted":
            return "refuted: a counterexample"
        if self.inputs:
            return f"{self.status} (all {counted(self.inputs, 'input')})"
        count = sum(self.obligations.values())
        return f"{self.status} ({counted(count, 'obligation')})" if count else self.status

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain data."""
        data: dict[str, Any] = {
            "status": self.status,
            "obligations": {RULES[r]: n for r, n in sorted(self.obligations.items())},
            "trusted": list(self.trusted),
        }
        if self.failure is not None:
            data["failure"] = {
                "place": self.failure.place,
                "reason": self.failure.reason,
                "step": self.failure.step,
                "inputs": dict(self.failure.inputs),
            }
        if self.inputs:
            data["inputs"] = self.inputs
        if self.counterexample is not None:
            data["counterexample"] = dict(self.counterexample)
        if self.fidelity is not None:
            data["surrogate"] = self.fidelity.to_json()
        return data
