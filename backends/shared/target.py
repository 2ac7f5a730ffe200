"""What a back end is: a `Target` turns a rule into named texts and writes no file itself.

Codes of diagnostics: E0xx for what all targets share and for the kernel lowering, E1xx C, E2xx LLVM, E3xx Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ddcompile.ir.nodes import Kind, Rule

__all__ = ["EmitOptions", "EmittedFile", "Target"]


@dataclass(frozen=True, slots=True)
class EmittedFile:
    """One emitted text and the file name (without folders) that it should get."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class EmitOptions:
    """Options of every target; a target ignores those it has no use for.

    Attributes
    ----------
    prefix : str
        Prefix of every symbol, and stem of the file names; by default the name of the rule.
    sizes : tuple of (str, int)
        Values for the size parameters of a rule that has any; without them, they stay parameters of the code.
    network_sha256 : str
        Hash of the network the rule was distilled from, for the provenance header; "" if there is none.
    verdict : str
        How the rule relates to that network ("proved", "tested", ...), for the header; "" if unknown.
    labels : tuple of str
        What the classes 0, 1, ... that the rule gives are called, for the header.
    self_test : bool
        Whether to add a `main` (or what the target has in its place) that checks golden vectors.
    comments : bool
        Whether each statement of the rule appears as a comment above its code.
    schedule : {"auto", "grid", "popcount", "tables", "scalar"}
        How compiled targets lay the rule out for the machine (see `ddcompile.kernel.schedules`).
    """

    prefix: str = ""
    sizes: tuple[tuple[str, int], ...] = ()
    network_sha256: str = ""
    verdict: str = ""
    labels: tuple[str, ...] = ()
    self_test: bool = False
    comments: bool = True
    schedule: str = "scalar"


@runtime_checkable
class Target(Protocol):
    """A back end."""

    @property
    def name(self) -> str:
        """The name that `emit -t` takes."""

    @property
    def description(self) -> str:
        """One line for `ddcompile targets`."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of values that the target can compute with."""

    def emit(self, rule: Rule, options: EmitOptions) -> list[EmittedFile]:
        """Print `rule`.

        Raises
        ------
        CompileError
            If the rule is not valid, or has something that the target cannot print.
        """
