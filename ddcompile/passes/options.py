"""What a pass is to the rest of the compiler: a name, options with ranges and defaults, and a call on a program."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Rule
from ddcompile.passes.rewrite import Rewrite

__all__ = ["Option", "Pass", "Turns", "option"]


@dataclass(frozen=True, slots=True)
class Option:
    """An integer that a pass can be given: `low <= value <= high`, `default` if it is not."""

    name: str
    default: int
    low: int
    high: int
    about: str

    @property
    def type(self) -> str:
        """The type as in a rule, both ends included."""
        return f"int[{self.low}..{self.high}]"


def option(default: int, about: str, low: int = 1, high: int = 10**9) -> Any:
    """A field of a pass that is an option; `about` completes the sentence "the option is ..."."""
    return field(default=default, metadata={"about": about, "low": low, "high": high})


@dataclass(frozen=True, slots=True)
class Pass(ABC):
    """A pass. A subclass is a frozen dataclass whose fields are its options, each made by `option`.

    Calling it rewrites a program; its docstring begins with a sentence for users.

    Raises
    ------
    CompileError
        P006 if an option is out of its range.
    """

    name: ClassVar[str]
    """In kebab-case, as pipelines write it."""

    def __post_init__(self) -> None:
        for each in self.options():
            value = getattr(self, each.name)
            if type(value) is not int or not each.low <= value <= each.high:
                message = f"`{each.name}` of `{self.name}` is {value}, which is not in {each.low}..{each.high}"
                raise fail("P006", message, hint=f"{each.name} is {each.about}")

    @abstractmethod
    def __call__(self, rule: Rule) -> Rewrite:
        """An equal program, and why it is equal; the same program to decline."""

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """All options, in the order in which they are declared."""
        return tuple(
            Option(f.name, f.default, f.metadata["low"], f.metadata["high"], f.metadata["about"])  # type: ignore[arg-type]
            for f in fields(cls)
        )

    @classmethod
    def about(cls) -> str:
        """What it does, in a sentence."""
        return (cls.__doc__ or "").split("\n\n", 1)[0].replace("\n", " ")

    def __str__(self) -> str:
        given = [(o.name, getattr(self, o.name)) for o in self.options() if getattr(self, o.name) != o.default]
        return self.name + ("{" + ", ".join(f"{name}={value}" for name, value in given) + "}" if given else "")


@dataclass(frozen=True, slots=True)
class Turns:
    """Passes that take turns until a turn changes nothing, as of which one call does one layer."""

    passes: tuple[Pass, ...]

    def __str__(self) -> str:
        return f"({','.join(map(str, self.passes))})*"
