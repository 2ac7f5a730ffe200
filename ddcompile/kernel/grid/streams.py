"""Streams of bits on a grid, and the stages and passes that compute them."""

from __future__ import annotations

from dataclasses import dataclass

from ddcompile.kernel.grid.circuits import Circuit

__all__ = ["Pass", "Plan", "Stage", "Stream"]


@dataclass(frozen=True, slots=True)
class Stream:
    """Bits on the grid.

    Attributes
    ----------
    name
        Unlike that of any other stream.
    extents
        The shape.
    fill
        What continues it beyond its shape, along axes that do not wrap.
    """

    name: str
    extents: tuple[int, ...]
    fill: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """A stream that is computed, and the gate that gives an element of it."""

    stream: str
    gate: int


@dataclass(frozen=True, slots=True)
class Pass:
    """Stages over the whole grid.

    Attributes
    ----------
    loads
        The streams it begins with.
    stages
        What it computes, in order.
    carried
        Which stream takes the place of which of `loads` when the stages are repeated.
    steps
        How often the stages run.
    results
        The streams that remain.
    """

    loads: tuple[str, ...]
    stages: tuple[Stage, ...]
    carried: tuple[tuple[str, str], ...]
    steps: int
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule on a grid.

    Attributes
    ----------
    extents
        The shape of the grid: along each axis the greatest extent of a stream.
    wraps
        Which axes wrap around.
    circuit
        All gates.
    planes
        For every stream, the gates of the planes that are kept beside its rows, from plane 1 on.
    streams
        By name.
    passes
        One after the other.
    inputs, results
        Where streams come from and go to: buffer, number of the grid in it, stream.
    """

    extents: tuple[int, ...]
    wraps: tuple[bool, ...]
    circuit: Circuit
    planes: dict[str, list[int]]
    streams: dict[str, Stream]
    passes: tuple[Pass, ...]
    inputs: tuple[tuple[str, int, str], ...]
    results: tuple[tuple[str, int, str], ...]

    @property
    def operations(self) -> int:
        """About how many operations on words a word of the grid takes, for all steps."""
        return sum(self.work(part) * part.steps for part in self.passes)

    def work(self, part: Pass) -> int:
        """About how many operations on words a word of the grid takes in a step of a pass."""
        beside = self.beside(part)
        gates = [stage.gate for stage in part.stages]
        return self.circuit.weight(gates) + self.circuit.weight(beside) + len(beside)

    def beside(self, part: Pass) -> list[int]:
        """The gates of the planes that are kept beside the rows that a pass reads."""
        streams = {leaf.stream for leaf in self.circuit.leaves([stage.gate for stage in part.stages])}
        return [gate for name in streams for gate in self.planes.get(name, [])]
