"""Steps of passes, and who follows and decides on them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ddcompile.diagnostics import CompileError
from ddcompile.ir.nodes import Rule
from ddcompile.ir.verifier import verify
from ddcompile.passes.options import Pass
from ddcompile.passes.parts import Parts
from ddcompile.passes.rewrite import Witness

__all__ = ["Observer", "PartOfRun", "Run", "Step", "UnprovedWarning", "leave_out", "refuse"]


class UnprovedWarning(UserWarning):
    """A pass made a step that the verifier or the checker did not accept; the step was left out."""


def leave_out(name: str, fault: str, error: str) -> None:
    """Warn that a step of a pass is left out."""
    message = f"left out, since {fault}: {name}: {error}; the rule is right without it, but may be longer"
    warnings.warn(message, UnprovedWarning, 6)


def refuse(name: str, error: Exception) -> None:
    """Warn that what a pass made is left out, which failed or made a program that is not valid."""
    is_verifiers = isinstance(error, CompileError)
    leave_out(name, "its program is not valid" if is_verifiers else f"it fails with {type(error).__name__}", str(error))


@dataclass(frozen=True, slots=True)
class Step:
    """One pass that changed the program: `new` is claimed equal to `old` by `witness`."""

    name: str
    old: Rule
    new: Rule
    witness: Witness
    seconds: float


Observer: TypeAlias = Callable[[str, Rule, float], None]
"""Told of every pass: its name, the program after it, and the seconds it took."""


@dataclass(slots=True)
class Run:
    """Who follows the passes and decides on steps, and what passes made of programs, if anything."""

    observe: Observer | None
    accept: Callable[[Step], bool] | None
    begin: Callable[[str], None] | None
    refuse: Callable[[str, Exception], None] | None = None
    known: dict[tuple[Pass, Rule], Step | None] = field(default_factory=dict)


class PartOfRun:
    """Shows what is done with a part of a program as done with the whole."""

    def __init__(self, parts: Parts, number: int, state: Run) -> None:
        self._parts, self._number, self._state = parts, number, state
        self._steps: dict[int, tuple[Step, Step]] = {}

    def observe(self, name: str, rule: Rule, seconds: float) -> None:
        """Tell of a pass on the part."""
        if self._state.observe is not None:
            self._state.observe(name, self._parts.whole(self._number, rule), seconds)

    def accept(self, step: Step) -> bool:
        """Whether the step is accepted as one of the whole."""
        old, new, witness = self._parts.lifted(self._number, step.old, step.new, step.witness)
        whole = replace(step, old=old, new=new, witness=witness)
        self._steps[id(step)] = step, whole
        return not verify(new) and (self._state.accept is None or self._state.accept(whole))

    def of_whole(self, step: Step) -> Step:
        """What an accepted step is to the whole."""
        return self._steps[id(step)][1]
