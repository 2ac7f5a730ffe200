"""Give threshold units small integer weights; every form is proved.

Before::

    unit[u < 1] = sum(i < 3: W[u, i] * x[i]) + -0.5 > 0          # W = .3333 .3334 .3332
    y = unit[0] > 0

After::

    unit[u < 1] = sum(i < 3: weight[u, i] * x[i]) >= 2           # weight = 1 1 1
    y = unit[0] >= 1

Proposals are the weights divided by a unit and rounded; `ddcompile.analysis.thresholds` proves them over the product
of the operands' value sets. A unit without a proved small form keeps its exact weights. Where a tie is attained it is
kept: the sign of zero is zero, and noise that changes ties is not cleaned away.

`recode` then turns signs that never tie into bits, and negates hidden units that read better so. It is a pass of its
own, so that what it says about ties is said of small weights, where it is easy to check::

    unit[u < 1] = sign(sum(i < 3: weight[u, i] * x[i]))          # x are spins, so that the sum is odd
    y = unit[0] + x[0] > 0

becomes::

    unit[u < 1] = sum(i < 3: weight[u, i] * x[i]) >= 1
    y = 2 * unit[0] + x[0] >= 2
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import gcd
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost, data_cost
from ddcompile.analysis.exact import integers
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain, Threshold, least_threshold
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Compare, Constant, Expr, Index, Literal, Read, Rule, Statement, is_integral
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.aliases import compose, is_shared
from ddcompile.passes.dce import dce
from ddcompile.passes.layers import clause, domain_of, is_layer_or_scalar, layers_of, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.orient import has_zero, rank, signed
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements

__all__ = ["ExactThresholds", "Recode"]

_RATIO = "whether weights may be larger than needed, in about the ratio that they had: 0 or 1"


@dataclass(frozen=True, slots=True)
class ExactThresholds(Pass):
    """Give threshold units small integer weights; every form is proved."""

    name: ClassVar[str] = "exact-thresholds"
    ratio: int = option(0, _RATIO, low=0, high=1)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        return _rewritten(rule, may_recode=False, keeps_ratio=bool(self.ratio))


@dataclass(frozen=True, slots=True)
class Recode(Pass):
    """Turn signs that never tie into bits, and hidden units the right way round."""

    name: ClassVar[str] = "recode"
    ratio: int = option(0, _RATIO, low=0, high=1)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        return _rewritten(rule, may_recode=True, keeps_ratio=bool(self.ratio))


@dataclass(frozen=True, slots=True, eq=False)
class _Codes:
    """What became of elements: the old value is `factor * new + offset`."""

    factor: np.ndarray
    offset: np.ndarray

    def changed(self, where: slice | np.ndarray) -> bool:
        """Whether any of some elements is another value now."""
        return bool((self.factor[where] != 1).any())

    def is_bit(self, where: slice | np.ndarray) -> np.ndarray:
        """Which of some elements were signs and are bits now."""
        return np.asarray(np.abs(self.factor[where]) == 2)


def _domain_of_code(old: Domain | None, factor: int, offset: int) -> Domain | None:
    """The values of an element whose old value is `factor * new + offset`."""
    if abs(factor) == 2:
        return Domain(0, 1)
    if old is None or (factor, offset) == (1, 0):
        return old
    low, high = sorted(((old.low - offset) * factor, (old.high - offset) * factor))
    return Domain(low, high, old.step)


_SAME = (1, 0)


def _rewritten(rule: Rule, *, may_recode: bool, keeps_ratio: bool) -> Rewrite:
    types = infer(rule)
    atoms = Atoms.of_rule(rule, types)
    domains: dict[str, Domain | None] = {n: domain_of(types.tensor[n]) for n in atoms.names}
    codes = _Codes(np.ones(atoms.count, dtype=np.int64), np.zeros(atoms.count, dtype=np.int64))
    split: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    new_rows: dict[str, list[Row]] = {}
    forms: dict[int, Row] = {}
    layers = layers_of(rule, types, atoms, is_layer_or_scalar, composes=True)
    for layer in layers:
        if layer.rows is None:
            continue
        span = atoms.slice(layer.name)
        inputs = [_substitute(r if r.has_scale else compose(r, forms), codes) for r in layer.rows]
        if layer.rows[0].kind == "affine" and not is_shared(layer, layers, atoms):
            forms.update(zip(range(span.start, span.stop), layer.rows, strict=True))
        # Results are read by nothing: they are units of no cell, which would have to look like others.
        is_free = not layer.is_pinned
        shrink = partial(_shrink, atoms=atoms, domains=domains, codes=codes, keeps_ratio=keeps_ratio and is_free)
        found = [shrink(r, may_recode=may_recode and is_free) for r in inputs]
        kinds = {row.kind for row, _, _ in found}
        if len(kinds) > 1 and len(layer.shape) != 1:
            found = [shrink(r, may_recode=False) for r in inputs]
            kinds = {row.kind for row, _, _ in found}
        rows = _of_few_bounds([row for row, _, _ in found], [free for _, _, free in found])
        codes.factor[span] = [factor for _, (factor, _), _ in found]
        codes.offset[span] = [offset for _, (_, offset), _ in found]
        if len(kinds) > 1:
            free = codes.is_bit(span)
            split[layer.name] = (np.flatnonzero(free), np.flatnonzero(~free))
        clauses = [s for s in rule.statements if s.target == layer.name]
        changed_operands = {n for n in read_names(clauses) & atoms.shape.keys() if codes.changed(atoms.slice(n))}
        is_changed = any(not _same(a, b) for a, b in zip(rows, layer.rows, strict=True))
        if changed_operands or is_changed or _has_fractions(rows, clauses, rule):
            new_rows[layer.name] = rows
    if not new_rows:
        return unchanged(rule)
    rewrite = _write(rule, atoms, new_rows, codes, split)
    if verify(rewrite.rule):  # sums over other codes may have a wider range by their text
        return unchanged(rule)
    # Normal forms may be longer: tables of bounds that they bring are for later passes to pay back.
    is_coded = codes.changed(slice(None))
    return rewrite if is_coded or _live_cost(rewrite.rule) <= _live_cost(rule) else unchanged(rule)


def _live_cost(rule: Rule) -> int:
    """The cost without affine units that were only read through thresholds."""
    return cost(dce(rule).rule)


def _substitute(row: Row, codes: _Codes) -> Row:
    """Rewrite operands by what they became."""
    if not codes.changed(row.atoms):
        return row
    weights = row.weights.astype(object)
    bias = row.bias + int((weights * codes.offset[row.atoms]).sum())
    return replace(row, weights=integers((weights * codes.factor[row.atoms]).tolist()), bias=bias)


def _of_few_bounds(rows: list[Row], free: list[int]) -> list[Row]:
    """The rows of a layer with as few different bounds as there can be.

    A sum of five spins is odd: `sum >= 2` says what `sum >= 3` does, which may be the bound of sums of four or six.
    """
    period = 1 + max(free, default=0)
    loose = [k for k, each in enumerate(free) if each == period - 1]
    if period == 1 or len(loose) < 2:
        return rows
    fixed = {row.bias for k, row in enumerate(rows) if k not in set(loose)}
    ways = [[rows[k].bias for k in loose]]
    ways += [[b + (rest - b) % period for b in ways[0]] for rest in range(period)]
    best = min(ways, key=lambda way: len(fixed.union(way)))
    new = list(rows)
    for k, bias in zip(loose, best, strict=True):
        new[k] = replace(rows[k], bias=bias)
    return new


def _shrink(
    row: Row,
    *,
    atoms: Atoms,
    domains: dict[str, Domain | None],
    codes: _Codes,
    may_recode: bool,
    keeps_ratio: bool,
) -> tuple[Row, tuple[int, int], int]:
    """The row in small integers, the factor and the offset by which the old value is that of the new one, and freedom.

    That is by how much the bias of a positive row may be greater.
    """
    if row.has_scale:
        return row, _SAME, 0
    operands = _operands(row, atoms, domains, codes)
    if operands is None:
        return row, _SAME, 0
    weights = row.weights.tolist()
    is_step = row.kind == "positive"
    found = least_threshold(weights, row.bias, operands, zero_is_negative=is_step, keeps_ratio=keeps_ratio)
    if found is None:
        return row, _SAME, 0
    becomes_bit = row.kind == "sign" and found.tie is None and may_recode
    write = _positive_row if becomes_bit or row.kind == "positive" else _sign_row
    ours = write(row, found)
    if not may_recode:
        return ours, _SAME, _freedom(ours, found)
    theirs = write(row, found.negated())
    may_rest = all(map(has_zero, operands))
    is_better = rank(theirs.weights, theirs.bias, may_rest=may_rest) > rank(ours.weights, ours.bias, may_rest=may_rest)
    sign = -1 if is_better else 1
    best = theirs if is_better else ours
    freedom = _freedom(best, found.negated() if is_better else found)
    if becomes_bit:
        # The old sign is 2 * bit - 1, or its negation.
        return best, (2 * sign, -sign), freedom
    return best, (sign, int(is_better and row.kind == "positive")), freedom


def _freedom(row: Row, found: Threshold) -> int:
    if row.kind != "positive" or found.below is None or found.above is None or not len(row.atoms):
        return 0
    return found.above - found.below - 1


def _operands(row: Row, atoms: Atoms, domains: dict[str, Domain | None], codes: _Codes) -> list[Domain] | None:
    """The values of the operands of a row; None if some are not known."""
    if not len(row.atoms):
        return []
    coded = np.stack([atoms.tensor_of(row.atoms), codes.factor[row.atoms], codes.offset[row.atoms]])
    if (coded == coded[:, :1]).all():
        kinds, which = [coded[:, 0].tolist()], [0] * len(row.atoms)
    else:
        found, inverse = np.unique(coded, axis=1, return_inverse=True)
        kinds, which = found.T.tolist(), inverse.ravel().tolist()
    known = [_domain_of_code(domains[atoms.names[number]], factor, offset) for number, factor, offset in kinds]
    present = [domain for domain in known if domain is not None]  # every one is that of an operand
    return list(map(present.__getitem__, which)) if len(present) == len(known) else None


def _positive_row(row: Row, found: Threshold) -> Row:
    return _row("positive", row.atoms, found.coefficients, 0 if found.above is None else 1 - found.above)


def _sign_row(row: Row, found: Threshold) -> Row:
    coefficients, below, tie, above = found.coefficients, found.below, found.tie, found.above
    if tie is not None:
        pivot = tie
    elif below is None or above is None:
        return _row("sign", row.atoms, (0,) * len(coefficients), 1 if below is None else -1)
    elif above - below >= 2:
        pivot = min(max(below + 1, 0), above - 1)
    else:
        coefficients, pivot = tuple(2 * c for c in coefficients), below + above
    return _row("sign", row.atoms, coefficients, -pivot)


def _row(kind: str, atoms: np.ndarray, coefficients: tuple[int, ...], bias: int) -> Row:
    weights = integers(coefficients)
    keep = np.flatnonzero(weights != 0)
    weights = weights[keep]
    if kind == "sign":
        divisor = gcd(bias, *weights.tolist())
        if divisor > 1:
            weights, bias = weights // divisor, bias // divisor
    return Row(kind, atoms[keep], weights, bias)  # type: ignore[arg-type]


def _same(a: Row, b: Row) -> bool:
    return (
        a.kind == b.kind
        and a.bias == b.bias
        and np.array_equal(a.atoms, b.atoms)
        and bool((a.weights == b.weights).all())
    )


def _write(
    rule: Rule,
    atoms: Atoms,
    new_rows: dict[str, list[Row]],
    codes: _Codes,
    split: dict[str, tuple[np.ndarray, np.ndarray]],
) -> Rewrite:
    """Write changed tensors as clauses; a tensor with bits and signs becomes two tensors."""
    names = names_of(rule)
    second = {name: names(f"{name}_sign") for name in split}
    target, moved = atoms.split(
        {
            name: [(part, (len(chosen),), chosen) for part, chosen in zip((name, second[name]), both, strict=True)]
            for name, both in split.items()
        }
    )
    statements: list[Statement] = []
    constants: list[Constant] = []
    witness: list[Statement] = []
    tables: list[Constant] = []
    for old in rule.statements:
        name = old.target
        if name not in new_rows:
            statements.append(old)
            continue
        rows = [row.renumbered(moved) for row in new_rows[name]]
        if name in split:
            parts = [(name, split[name][0]), (second[name], split[name][1])]
        else:
            parts = [(name, np.arange(len(rows)))]
        for part, chosen in parts:
            binders = old.binders
            if name in split:
                binders = (Binder(old.binders[0].name, Literal(0), Literal(len(chosen))),)
            mine = [rows[k] for k in chosen]
            new_constants, statement = clause(part, binders, mine, target, names, part)
            constants += new_constants
            statements.append(statement)
            where = atoms.offset[name] + chosen
            source: Expr = Read(name, tuple(Index(b.name) for b in binders))
            if name in split:
                tables.append(Constant.of(names(f"unit_of_{part}"), chosen))
                source = Read(name, (Read(tables[-1].name, (Index(binders[0].name),)),))
            if name in split or codes.changed(where):
                value, own = _meaning(source, codes, where, mine[0].kind, binders, partial(names, f"sign_of_{part}"))
                witness.append(Statement(part, binders, value))
                tables += own
    return Rewrite(with_statements(rule, statements, constants), Witness(tuple(witness), tuple(tables)))


def _meaning(
    source: Expr, codes: _Codes, where: np.ndarray, kind: str, binders: Sequence[Binder], name: Callable[[], str]
) -> tuple[Expr, list[Constant]]:
    """New elements by the old ones, which `source` reads, and the tables that this takes."""
    shape = tuple(b.upper.value - b.lower.value for b in binders)  # type: ignore[attr-defined]
    own = [builder.sub(Index(b.name), b.lower) for b in binders]
    signs = np.sign(codes.factor[where]).tolist()
    if codes.is_bit(where).any():
        value, tables = signed(source, signs, "sign", shape, own, name)
        return Compare((">=",), (value, Literal(1))), tables
    return signed(source, signs, kind, shape, own, name)


def _has_fractions(rows: Sequence[Row], clauses: Sequence[Statement], rule: Rule) -> bool:
    """Whether weights are written as fractions that are as short as integers."""
    read = read_names(clauses)
    fractions = any(c.name in read and not is_integral(c.values) for c in rule.constants)
    return fractions and all(not r.exponent and data_cost(r.weights) == len(r.weights) for r in rows)
