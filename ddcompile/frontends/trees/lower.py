"""Lower a tree ensemble to a program: nested conditions of few comparisons, else tables over which all trees step down.

A forest of 100 trees of depth 10 over `x: real[20]` with two classes becomes

    rule forest(x: real[20]) -> (class: bit) {
      const root: int[100] = ...
      const feature: int[38214] = ...
      const cut: real[38214] = ...
      const child: int[38214, 2] = ...
      const leaf: rat[2666, 2] = ...
      node[0, t < 100] = root[t]
      node[1 <= d < 11, t < 100] = child[node[d - 1, t], x[feature[node[d - 1, t]]] > cut[node[d - 1, t]]]
      score[u < 2] = sum(t < 100: leaf[min(node[10, t], 2665), u])
      class = argmax(u < 2: score[u])
    }

Leaves are the first nodes, and go to themselves; equal subtrees are one node. A decision tree of three leaves becomes
`class = if x[2] <= 2.5 then 0 else if x[3] <= 1.75 then 1 else 2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import numpy as np

from ddcompile.frontends.declarations import declared_inputs, declared_results, extents, head_of
from ddcompile.frontends.forms import Names, Tensor, factor, flat_index
from ddcompile.frontends.heads import write_argmax, write_softmax
from ddcompile.frontends.trees.ensemble import Ensemble
from ddcompile.frontends.trees.shared import Shared, bounds_of, shared
from ddcompile.frontends.writer import Writer, activated
from ddcompile.ir.builder import add, binder, compare, mul, read, sub
from ddcompile.ir.nodes import (
    Binder,
    Call,
    Constant,
    Declaration,
    Expr,
    If,
    Index,
    Kind,
    Literal,
    Reduce,
    Rule,
    Statement,
    Unary,
)

__all__ = ["branch", "lower_ensemble"]

_MOST_CONDITIONS = 15
"""Comparisons up to which they are nested conditions: those of a tree of depth 4. Tables of as many take about as many
tokens."""
_DECIDING = ("step", "nonnegative")


def lower_ensemble(ensemble: Ensemble, inputs: str | None, outputs: str | None, head: str | None, name: str) -> Rule:
    """Make the program of an ensemble.

    Parameters
    ----------
    ensemble : Ensemble
    inputs : str, optional
        Declarations such as `"x: real[20]"` or `"age: int[0..120], income: real"`; by default `x: real[n]`.
    outputs : str, optional
        As of `ddcompile.frontends.dense.lower`; by default numbers are real, the exact sum rounded once.
    head : {"argmax", "softmax", "sign", "none"}, optional
        What is done with the outputs; by default what the model itself does.
    name : str

    Returns
    -------
    Rule
        Without sizes.

    Raises
    ------
    CompileError
        N201 to N210 when the declarations do not fit the ensemble, S### when they are no declarations.
    """
    head = head_of(ensemble, head)
    sources = declared_inputs(ensemble, inputs)
    results = declared_results(ensemble, sources, outputs, head, _kind(ensemble, head))
    if outputs is None:
        results = tuple(replace(d, type=replace(d.type, kind="real")) if d.type.kind == "rat" else d for d in results)
    lowering = _Lowering(ensemble, sources, results, head)
    lowering.run([Tensor(d.name, extents(d)) for d in results])
    writer = lowering.writer
    return Rule(name, sources, results, tuple(writer.statements), tuple(writer.constants))


def branch(source: Declaration, place: Sequence[int], cut: float | Fraction, low: Expr, high: Expr) -> Expr:
    """`if x[3] <= 0.5 then low else high`; of bits `if x[3] then high else low`; one of both if they are equal."""
    if low == high:
        return low
    value = read(source.name, *place)
    if source.type.kind == "bit":
        return If(value, high, low)
    return If(compare("<=", value, Literal(_number(cut))), low, high)


def _number(value: float | Fraction) -> int | Fraction:
    exact = Fraction(value)
    return exact.numerator if exact.denominator == 1 else exact


def _kind(ensemble: Ensemble, head: str) -> Kind:
    """The kind of the results before any declaration."""
    if head == "argmax":
        return "int"
    if head == "softmax" or ensemble.activation == "sigmoid":
        return "real"
    if head == "sign":
        return "trit"
    return "bit" if ensemble.activation in _DECIDING else "rat"


@dataclass(frozen=True, slots=True)
class _Tables:
    """How many steps there are, and how many nodes, of which the first are leaves."""

    depth: int
    leaves: int
    nodes: int


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the trees add: the one tree an expression, else each an element of `part`; of a table of leaves, if any."""

    alone: Expr | None
    part: str
    table: str

    def of(self, tree: Expr, place: Expr | None, tables: _Tables | None) -> Expr:
        """What a tree adds to the output at a place; without a place, its leaves have one number."""
        if tables is not None:
            at: Expr = read(self.part, tables.depth, tree)
            if tables.leaves < tables.nodes:
                at = Call("min", (at, Literal(tables.leaves - 1)))
        else:
            at = self.alone if self.alone is not None else read(self.part, tree)
        if not self.table:
            return at
        return read(self.table, at) if place is None else read(self.table, at, place)


class _Lowering:
    def __init__(
        self, ensemble: Ensemble, sources: Sequence[Declaration], results: Sequence[Declaration], head: str
    ) -> None:
        self.ensemble, self.sources, self.head = ensemble, sources, head
        self.writer = Writer(Names([d.name for d in (*sources, *results)]))
        self.places = [(d, place) for d in sources for place in product(*map(range, extents(d)))]
        self.bounds = [bounds_of(d) for d, _ in self.places]
        self.base = ""
        """The table of what is added to each output, once it is written."""

    def run(self, targets: list[Tensor]) -> None:
        """Write all statements."""
        ensemble = self.ensemble
        order = sorted(range(len(ensemble.trees)), key=lambda k: ensemble.targets[k] if ensemble.targets else 0)
        ensemble = self.ensemble = replace(
            ensemble,
            trees=tuple(ensemble.trees[k] for k in order),
            targets=tuple(ensemble.targets[k] for k in order) if ensemble.targets else (),
        )
        decided = self._decided()
        leaves = [tree.value for tree in ensemble.trees] if decided is None else [decided]
        nodes = shared(ensemble, leaves, self.bounds)
        terms, tables = self._terms(nodes)
        if decided is not None:
            (target,) = targets
            at = self.writer.indices(target.shape)
            self.writer.define(target, at, terms.of(Literal(0), None, tables))
        elif self.head in ("argmax", "softmax"):
            score = Tensor(self.writer.names.fresh("score"), (ensemble.outputs,))
            self._outputs(terms, tables, [score])
            (write_argmax if self.head == "argmax" else write_softmax)(self.writer, score, targets)
        else:
            self._outputs(terms, tables, targets)

    def _decided(self) -> np.ndarray | None:
        """The results that the leaves of a single tree give, where these are decisions."""
        ensemble = self.ensemble
        if len(ensemble.trees) > 1 or not (self.head == "argmax" or ensemble.activation in _DECIDING):
            return None
        if self.head in ("sign", "softmax") or (ensemble.targets and ensemble.outputs > 1):
            return None
        (tree,) = ensemble.trees
        exact = np.array([[Fraction(v) for v in row] for row in tree.value.tolist()], dtype=object)
        scores = exact.reshape(tree.value.shape) * ensemble.scale + np.array(ensemble.base, dtype=object)
        if self.head == "argmax":
            chosen = [max(range(len(row)), key=lambda k: (row[k], -k)) for row in scores.tolist()]
            return np.array(chosen, dtype=np.int64)[:, None]
        if ensemble.outputs > 1:
            return None
        passed = scores > 0 if ensemble.activation == "step" else scores >= 0
        return np.asarray(passed, dtype=np.int64)

    # --- trees -------------------------------------------------------------------------------------------------------

    def _terms(self, nodes: Shared) -> tuple[_Terms, _Tables | None]:
        """Write what each tree comes to."""
        is_row = len(nodes.leaves[0]) > 1
        if _expanded(nodes) > _MOST_CONDITIONS:
            tables = self._tables(nodes)
            return _Terms(None, self._steps(nodes, tables), self._leaves(nodes)), tables
        ends: list[Expr] = [Literal(k if is_row else _number(row[0])) for k, row in enumerate(nodes.leaves)]  # type: ignore[arg-type]
        for k in range(nodes.splits):
            source, place = self.places[nodes.feature[k]]
            ends.append(branch(source, place, nodes.cut[k], ends[nodes.low[k]], ends[nodes.high[k]]))
        table = self._leaves(nodes) if is_row else ""
        if len(nodes.roots) == 1:
            return _Terms(ends[nodes.roots[0]], "", table), None
        part = self.writer.names.fresh("leaf" if is_row else "tree")
        for number, root in enumerate(nodes.roots):
            self.writer.statements.append(Statement(part, (Literal(number),), ends[root]))
        return _Terms(None, part, table), None

    def _leaves(self, nodes: Shared) -> str:
        rows = np.empty((len(nodes.leaves), len(nodes.leaves[0])), dtype=object)
        rows[:] = nodes.leaves
        return self._table("leaf", rows if rows.shape[1] > 1 else rows[:, 0])

    def _table(self, wanted: str, values: Sequence[object] | np.ndarray, kind: Kind | None = None) -> str:
        constant = Constant.of(self.writer.names.fresh(wanted), values, kind)
        self.writer.constants.append(constant)
        return constant.name

    def _tables(self, nodes: Shared) -> _Tables:
        return _Tables(nodes.depth, len(nodes.leaves), len(nodes.leaves) + nodes.splits)

    def _steps(self, nodes: Shared, tables: _Tables) -> str:
        """Write the tables of the nodes, and the steps from the roots down; the name of where the trees are."""
        names, before = self.writer.names, range(tables.leaves)
        root = self._table("root", nodes.roots)
        feature = self._table("feature", [0] * tables.leaves + nodes.feature)
        values, kind = self._values()
        are_bits = kind == "bit"
        cut = ""
        if not are_bits:
            cuts = np.array([0.0] * tables.leaves + nodes.cut)
            cut = self._table("cut", [int(c) for c in cuts] if kind == "int" else cuts, kind)
        both = [*((k, k) for k in before), *zip(nodes.low, nodes.high, strict=True)]
        child = self._table("child", np.array(both, dtype=np.int64))
        node = names.fresh("node")
        d, t = names.indices("d", 1)[0], names.indices("t", 1)[0]
        trees = len(nodes.roots)
        at = read(node, sub(Index(d), 1), Index(t))
        value = read(values, read(feature, at))
        is_above: Expr = value if are_bits else compare(">", value, read(cut, at))
        self.writer.statements += [
            Statement(node, (Literal(0), binder(t, trees)), read(root, Index(t))),
            Statement(node, (binder(d, tables.depth + 1, 1), binder(t, trees)), read(child, at, is_above)),
        ]
        return node

    def _values(self) -> tuple[str, Kind]:
        """The name of all inputs in a row, and the kind of cuts for them."""
        sources = self.sources
        kinds: set[Kind] = {d.type.kind for d in sources}
        kind: Kind = "bit" if kinds == {"bit"} else "int"
        if not all(bounds.is_whole for bounds in self.bounds):
            kind = "real" if "real" in kinds else "rat"
        if len(sources) == 1 and len(sources[0].type.shape) == 1:
            return sources[0].name, kind
        row = self.writer.names.fresh("input")
        (i,) = self.writer.names.indices("i", 1)
        start = 0
        for source in sources:
            *outer, last = (1, *extents(source))[-max(len(extents(source)), 1) :]
            for place in product(*map(range, outer)):
                position: Binder | Expr = Literal(start) if not extents(source) else binder(i, start + last, start)
                value = read(source.name, *place, sub(Index(i), start)) if extents(source) else read(source.name)
                self.writer.statements.append(Statement(row, (position,), value))
                start += last
        return row, kind

    # --- sums --------------------------------------------------------------------------------------------------------

    def _outputs(self, terms: _Terms, tables: _Tables | None, targets: Sequence[Tensor]) -> None:
        """Write the outputs, one tensor after the other."""
        counts = [self.ensemble.targets.count(u) for u in range(self.ensemble.outputs)]
        if self.ensemble.targets and len(set(counts)) > 1:
            targets = self._ragged(terms, tables, counts, targets)
        start = 0
        for target in targets:
            at = self.writer.indices(target.shape)
            place = add(flat_index(target.shape, at), start)
            self.writer.define(target, at, self._output(terms, tables, place, counts[0]))
            start += target.count

    def _ragged(
        self, terms: _Terms, tables: _Tables | None, counts: Sequence[int], targets: Sequence[Tensor]
    ) -> Sequence[Tensor]:
        """Write outputs to which different numbers of trees add, one statement each; the targets that are left."""
        elements = [(t, at) for t in targets for at in product(*map(range, t.shape))]
        start = 0
        for place, ((target, at), count) in enumerate(zip(elements, counts, strict=True)):
            total = self._sum(terms, tables, None, Literal(start), count)
            value = self._ended(total, Literal(place))
            self.writer.statements.append(Statement(target.name, tuple(map(Literal, at)), value))
            start += count
        return ()

    def _output(self, terms: _Terms, tables: _Tables | None, place: Expr, count: int) -> Expr:
        """The output at a place, which `count` trees add to if not all do."""
        if self.ensemble.targets:
            return self._ended(self._sum(terms, tables, None, mul(count, place), count), place)
        row = place if self.ensemble.outputs > 1 else None
        return self._ended(self._sum(terms, tables, row, Literal(0), len(self.ensemble.trees)), place)

    def _sum(self, terms: _Terms, tables: _Tables | None, row: Expr | None, start: Expr, count: int) -> Expr:
        if count < 2:
            return terms.of(start, row, tables) if count else Literal(0)
        (t,) = self.writer.names.indices("t", 1)
        return Reduce("sum", (binder(t, count),), terms.of(add(start, Index(t)), row, tables))

    def _ended(self, total: Expr, place: Expr) -> Expr:
        """What is done with a sum of leaves."""
        ensemble = self.ensemble
        base = np.array(ensemble.base, dtype=object)
        same = factor(base)
        is_ordered = self.head in ("argmax", "sign") or ensemble.activation in _DECIDING
        if self.head == "argmax" and same is not None:
            same, base = 0, np.zeros_like(base)
        if not (is_ordered and same == 0 and ensemble.scale > 0):
            total = mul(_number(ensemble.scale), total)
            if same is None and not self.base:
                self.base = self._table("base", base)
            total = add(total, read(self.base, place) if same is None else _number(same))
        value = activated(ensemble.activation, total)
        return Unary("sign", value) if self.head == "sign" else value


def _expanded(nodes: Shared) -> int:
    """How many comparisons there are if every tree is written out."""
    counts = [0] * len(nodes.leaves)
    for low, high in zip(nodes.low, nodes.high, strict=True):
        counts.append(1 + counts[low] + counts[high])
    return sum(counts[root] for root in nodes.roots)
