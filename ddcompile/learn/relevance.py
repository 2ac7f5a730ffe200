"""The inputs that an output depends on: the smallest set that explains the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, TypeAlias

import numpy as np
from pysat.card import ITotalizer
from pysat.solvers import Glucose4

from ddcompile.learn.lengths import Lengths
from ddcompile.learn.tallies import Tally, tallied, tallies

__all__ = ["Relevance", "description_length", "relevant_inputs"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MAX_CONFLICTS = 5_000
"""After how many conflicts of the solver the smallest set found is taken without proof that it is the smallest."""

MAX_JOINED = 16
"""Of up to so many inputs that matter, it is tried whether some can stand in for one another."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """What an output depends on.

    Attributes
    ----------
    inputs : tuple of int
        Ascending.
    is_consistent : bool
        Whether samples that agree on the inputs have the same label.
    is_smallest : bool
        Whether it is proved that no smaller set of inputs is consistent with the samples.
    bits : float
        The length of the labels when described by the set of inputs, see `description_length`, or by the tallies.
    tallies : tuple of tuple of (input, value)
        If the labels depend on the inputs only by how many of some have a value: what is counted together.
    """

    inputs: tuple[int, ...]
    is_consistent: bool
    is_smallest: bool
    bits: float
    tallies: tuple[Tally, ...] = ()

    @property
    def parts(self) -> tuple[Tally, ...]:
        """The tallies, with the place of each input among those that matter instead of its number."""
        places = {i: place for place, i in enumerate(self.inputs)}
        return tuple(tuple((places[i], value) for i, value in part) for part in self.tallies)

    def counted(self, points: Array) -> Array:
        """What the labels depend on: the tallies, or the inputs that matter as they are.

        Parameters
        ----------
        points : ndarray of shape (samples, inputs that matter)
        """
        return tallied(points, self.parts) if self.tallies else points


def relevant_inputs(
    points: Array, labels: Array, weights: Array | None = None, at_most: float = inf, most_values: int = 2
) -> Relevance:
    """The set of inputs with the shortest description of the labels.

    Small sets are tried one by one, and from the best, sets that differ by one input. If samples that agree always have
    the same label, the set is then made consistent, and a solver looks for a smaller consistent one: a minimum hitting
    set over the pairs of samples with different labels, where pairs are added as they are needed (Moreno-Centeno and
    Karp, The implicit hitting set approach, 2013). A set that leaves a few samples contradicted is taken instead where
    it makes the description shorter: labels may be wrong.

    Parameters
    ----------
    points : ndarray of shape (samples, features), integers
    labels : ndarray of shape (samples,), integers from 0
    weights : ndarray of shape (samples,), optional
        How often each sample counts; those that count 0 are left out.
    at_most : float
        Bits. Sets that describe the labels longer are of no use: consistent ones are not looked for.
    most_values : int
        Inputs of more values are not counted.
    """
    if weights is not None:
        points, labels, weights = points[weights > 0], labels[weights > 0], weights[weights > 0]
    counted = _counted(points, labels, weights, most_values)
    found = _relevant(points, labels, weights, at_most if counted is None else min(at_most, counted.bits))
    if counted is not None and counted.bits <= found.bits:
        return _proved(counted, found, points, labels)
    if found.is_consistent and 1 < len(found.inputs) <= MAX_JOINED:
        joined = _counted(points, labels, weights, most_values, found.inputs)
        return found if joined is None or found.bits < joined.bits else _proved(joined, found, points, labels)
    return found


def _proved(counted: Relevance, found: Relevance, points: Array, labels: Array) -> Relevance:
    """The tallies, and whether fewer inputs can explain the samples than they count."""
    if not counted.is_consistent or (found.is_consistent and len(found.inputs) < len(counted.inputs)):
        return counted
    if found.is_smallest:
        return replace(counted, is_smallest=len(found.inputs) == len(counted.inputs))
    least = _smallest_consistent(Lengths(points, labels), points, counted.inputs)
    return replace(counted, is_smallest=least.is_smallest and len(least.inputs) == len(counted.inputs))


def _relevant(points: Array, labels: Array, weights: Array | None, at_most: float) -> Relevance:
    lengths = Lengths(points, labels, weights)
    likely = _likely(lengths)
    grown = _grown(lengths, likely, at_most)
    if grown is None:
        return likely
    consistent = _smallest_consistent(lengths, points, _reduced(lengths, grown))
    return likely if not likely.is_consistent and likely.bits < consistent.bits else consistent


def description_length(points: Array, labels: Array, inputs: Sequence[int], weights: Array | None = None) -> float:
    """The bits that the labels take, given the samples and that the label depends on some inputs alone.

    See `ddcompile.learn.lengths.Lengths`.
    """
    return Lengths(points, labels, weights).length(tuple(inputs))


def _counted(
    points: Array, labels: Array, weights: Array | None, most_values: int, start: Sequence[int] | None = None
) -> Relevance | None:
    """The tallies with the shortest description; None if there are none."""
    found = tallies(points, labels, weights, most_values, start)
    if found is None or not found.parts:
        return None
    counts = tallied(points, found.parts)
    is_consistent = not Lengths(counts, labels, weights).clashes(range(counts.shape[1]))
    inputs = tuple(sorted({i for part in found.parts for i, _ in part}))
    return Relevance(inputs, is_consistent, False, found.bits, found.parts)


def _likely(lengths: Lengths) -> Relevance:
    """The set with the shortest description among all small ones and those on the way of least surprise.

    From there on, sets change by one input as long as that makes the description shorter.
    """
    best = lengths.best_small()
    best = min(best, *(_on_the_way(lengths, start) for start in dict.fromkeys([(), best[1]])))
    while True:
        found = best
        if len(best[1]) < lengths.features:
            further = lengths.extensions(best[1])
            found = min(best, further.best(best[1]), further.likeliest(best[1])[1:])
        fewer = [tuple(i for i in best[1] if i != out) for out in best[1]]
        found = min(found, *((lengths.length(inputs), inputs) for inputs in fewer), best)
        if found[0] >= best[0]:
            found = min((lengths.extensions(inputs).best(inputs) for inputs in fewer), default=best)
        if found[0] >= best[0]:
            break
        best = found
    inputs = tuple(sorted(best[1]))
    return Relevance(inputs, not lengths.clashes(inputs), False, best[0])


def _on_the_way(lengths: Lengths, inputs: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
    """The shortest description while inputs are added that make the labels least surprising."""
    best, surprise = (lengths.length(inputs), inputs), lengths.surprise(inputs)
    while len(inputs) < lengths.features:
        less, bits, wider = lengths.extensions(inputs).likeliest(inputs)
        if less >= surprise:
            break
        surprise, inputs = less, wider
        best = min(best, (bits, inputs))
    return best


def _grown(lengths: Lengths, likely: Relevance, at_most: float) -> tuple[int, ...] | None:
    """More inputs, each the one that makes the labels least surprising, until the set is consistent.

    None as soon as no larger set can have a shorter description than the likely one, or one that is short enough.
    """
    inputs, longest = likely.inputs, min(likely.bits, at_most)
    while lengths.clashes(inputs):
        if len(inputs) == lengths.features or lengths.least_length(inputs) >= longest:
            return None
        inputs = lengths.extensions(inputs).likeliest(inputs)[2]
    return inputs


def _reduced(lengths: Lengths, inputs: tuple[int, ...]) -> tuple[int, ...]:
    """A consistent set of which no input can be left out; the last are tried first."""
    kept = list(inputs)
    for candidate in reversed(inputs):
        rest = [i for i in kept if i != candidate]
        if not lengths.clashes(rest):
            kept = rest
    return tuple(sorted(kept))


def _smallest_consistent(lengths: Lengths, points: Array, inputs: tuple[int, ...]) -> Relevance:
    """A consistent set, none larger than the one given, that is a smallest if the solver can say so in time."""
    features, conflicts = lengths.features, 0
    is_smallest = not inputs
    counter = ITotalizer(lits=list(range(1, features + 1)), ubound=max(len(inputs), 1))
    with counter, Glucose4(bootstrap_with=counter.cnf.clauses) as solver:
        while not is_smallest and conflicts < MAX_CONFLICTS:
            solver.conf_budget(MAX_CONFLICTS - conflicts)
            answer = solver.solve_limited(assumptions=[-counter.rhs[len(inputs) - 1]])
            conflicts = int(solver.accum_stats()["conflicts"])
            if not answer:
                is_smallest = answer is False
                break
            model = solver.get_model()
            chosen = tuple(i for i in range(features) if model[i] > 0)
            clashes = lengths.clashes(chosen)
            if not clashes:
                inputs = _reduced(lengths, chosen)
                is_smallest = not inputs
            for a, b in clashes:
                solver.add_clause([int(i) + 1 for i in np.flatnonzero(points[a] != points[b])])
    return Relevance(inputs, True, is_smallest, lengths.length(inputs))
