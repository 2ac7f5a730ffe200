"""Give results that share no hidden units tensors of their own, so that each can be distilled as if it were alone.

Before::

    layer1[u < 5] = sum(i < 8: weight_layer1[u, i] * x[i]) >= 1
    y[u < 2] = sum(i < 5: weight_y[u, i] * layer1[i]) >= 1      # reads the first four
    z[u < 2] = sum(i < 5: weight_z[u, i] * layer1[i]) >= 1      # reads the last one

After::

    layer1_2[u < 4] = sum(i < 8: weight_layer1_2[u, i] * x[i]) >= 1
    y[u < 2] = sum(i < 4: weight_y[u, i] * layer1_2[i]) >= 1
    layer1 = sum(i < 8: weight_layer1[i] * x[i]) >= 1
    z[u < 2] = weight_z[u] * layer1 >= 1

Units belong together where one reads the other, or where they make one result. With `elements`, those of a vector may
be apart, too: the result is put together of tensors, a clause for every run of its elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Constant, Index, Literal, Read, Rule, Statement
from ddcompile.ir.types import infer
from ddcompile.passes.layers import Layer, clause, layers_of, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.parts import Parts
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements

__all__ = ["Apart"]


_RUNS = 4
"""Runs of elements that a result may be put together of."""


@dataclass(frozen=True, slots=True)
class Apart(Pass):
    """Give results, and elements of results, that share no hidden units tensors of their own."""

    name: ClassVar[str] = "apart"
    elements: int = option(0, "whether elements of one result may have tensors of their own", low=0, high=1)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        split = _split(rule, may_cut=bool(self.elements))
        parts = Parts.of(split.rule)
        return unchanged(rule) if parts is None else Rewrite(parts.whole(), split.witness)


def _split(rule: Rule, *, may_cut: bool) -> Rewrite:
    """The rule with every layer as one tensor for each part that has units in it."""
    types = infer(rule)
    atoms = Atoms.of_rule(rule, types)
    layers = layers_of(rule, types, atoms)
    part = _parts_of(rule, layers, atoms, may_cut=may_cut)
    units = {
        layer.name: [np.flatnonzero(part[atoms.slice(layer.name)] == p) for p in found]
        for layer in layers
        if len(found := np.unique(part[atoms.slice(layer.name)]).tolist()) > 1
    }
    if not units or any(layer.name in units and not _may_split(layer) for layer in layers):
        return Rewrite(rule)
    names = names_of(rule)
    results = {d.name for d in rule.outputs}
    tensors = {
        name: [*([] if name in results else [name]), *(names(name) for _ in chosen[name not in results :])]
        for name, chosen in units.items()
    }
    target, moved = atoms.split(
        {
            name: [
                (tensor, (len(chosen),) if len(chosen) > 1 else (), chosen)
                for tensor, chosen in zip(tensors[name], units[name], strict=True)
            ]
            for name in units
        }
    )
    statements: list[Statement] = []
    constants: list[Constant] = []
    witness: list[Statement] = []
    tables: list[Constant] = []
    rows = {layer.name: layer.rows for layer in layers}
    for old in rule.statements:
        mine = rows[old.target]
        if mine is None or not (units.keys() & {old.target, *read_names([old])}):
            statements.append(old)
            continue
        mine = [row.renumbered(moved) for row in mine]
        for name, chosen in zip(
            tensors.get(old.target, [old.target]), units.get(old.target, [np.arange(len(mine))]), strict=True
        ):
            binders = old.binders
            if old.target in units and not target.shape[name]:
                binders = ()
                witness.append(Statement(name, (), Read(old.target, (Literal(int(chosen[0])),))))
            elif old.target in units:
                binders = (Binder(old.binders[0].name, Literal(0), Literal(len(chosen))),)
                tables.append(Constant.of(names(f"unit_of_{name}"), chosen))
                place = Read(tables[-1].name, (Index(binders[0].name),))
                witness.append(Statement(name, binders, Read(old.target, (place,))))
            new, statement = clause(name, binders, [mine[k] for k in chosen], target, names, name)
            constants += new
            statements.append(statement)
        if old.target in results and old.target in units:
            for name, chosen in zip(tensors[old.target], units[old.target], strict=True):
                statements += _copies(old.target, old.binders[0].name, name, chosen)
    return Rewrite(with_statements(rule, statements, constants), Witness(tuple(witness), tuple(tables)))


def _copies(result: str, index: str, name: str, chosen: np.ndarray) -> Iterator[Statement]:
    """Clauses by which elements of a result are those of a tensor, one for every run."""
    if len(chosen) == 1:
        yield Statement(result, (Literal(int(chosen[0])),), Read(name, ()))
        return
    place = 0
    for start, stop in _runs(chosen):
        binder = Binder(index, Literal(start), Literal(stop))
        offset = builder.sub(builder.add(Index(index), Literal(place)), Literal(start))
        yield Statement(result, (binder,), Read(name, (offset,)))
        place += stop - start


def _runs(chosen: np.ndarray) -> list[tuple[int, int]]:
    """The runs of ascending numbers, each as its first one and the one after its last."""
    ends = np.flatnonzero(np.diff(chosen) != 1) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(chosen, ends)]


def _may_split(layer: Layer) -> bool:
    return layer.rows is not None and len(layer.shape) == 1 and (layer.is_result or not layer.is_pinned)


def _parts_of(rule: Rule, layers: Sequence[Layer], atoms: Atoms, *, may_cut: bool) -> np.ndarray:
    """The part of every atom, numbered in the order of results; a unit that no result needs is in the first.

    Results are taken whole if they are no vectors of units. Elements of one result with units of their own, as many in
    every layer as others have, are one part with these. What is constant is in the first.
    """
    every = np.arange(atoms.count)
    label = _joined(rule, layers, atoms, may_cut=may_cut)
    spans = [every[atoms.slice(d.name)] for d in rule.outputs]
    ends, which = np.concatenate(spans), np.repeat(np.arange(len(spans)), [len(span) for span in spans])
    units = [label[atoms.slice(layer.name)] for layer in layers]
    first = dict(zip(reversed(label[ends].tolist()), reversed(which.tolist()), strict=True))
    constant = set(label.tolist()).difference(*(_reading(layer, label, atoms) for layer in layers))
    kinds: dict[tuple[int, ...], int] = {}
    number = {
        a: kinds.setdefault((k, *(int((own == a).sum()) for own in units)), len(kinds))
        for a, k in first.items()
        if a not in constant
    }
    if len(kinds) > 1 and any(
        layer.is_result and sum(len(_runs(np.flatnonzero(own == p))) for p in np.unique(own)) > _RUNS
        for layer in layers
        if (own := np.array([number.get(a, 0) for a in label[atoms.slice(layer.name)].tolist()])).size
    ):
        return np.zeros(atoms.count, dtype=np.int64)
    return np.array([number.get(a, 0) for a in label.tolist()], dtype=np.int64)


def _reading(layer: Layer, label: np.ndarray, atoms: Atoms) -> set[int]:
    """The labels of the elements of a tensor that are not constant, as far as is known."""
    labels = label[atoms.slice(layer.name)].tolist()
    return {a for k, a in enumerate(labels) if layer.rows is None or len(layer.rows[k].atoms)}


def _joined(rule: Rule, layers: Sequence[Layer], atoms: Atoms, *, may_cut: bool) -> np.ndarray:
    """A label for every atom, the same for units that belong together."""
    hidden = np.zeros(atoms.count, dtype=bool)
    ends: list[tuple[np.ndarray, np.ndarray]] = []
    for layer in layers:
        span = np.arange(atoms.count)[atoms.slice(layer.name)]
        hidden[span] = True
        if layer.rows is None:
            read = read_names(s for s in rule.statements if s.target == layer.name) & {each.name for each in layers}
            spans = [np.arange(atoms.count)[atoms.slice(name)] for name in sorted(read)]
            joined = np.concatenate([span, *spans])
            ends.append((joined, np.full(len(joined), span[0])))
        else:
            unit = np.repeat(span, [len(row.atoms) for row in layer.rows])
            ends.append((np.concatenate([row.atoms for row in layer.rows]), unit))
        if layer.is_result and not (may_cut and _may_split(layer)):
            ends.append((span, np.full(len(span), span[0])))
    one, other = (np.concatenate(side) for side in zip(*ends, strict=True))
    one, other = one[hidden[one]], other[hidden[one]]
    label = np.arange(atoms.count)
    while (label[one] != label[other]).any():
        least = np.minimum(label[one], label[other])
        np.minimum.at(label, one, least)
        np.minimum.at(label, other, least)
    return label
