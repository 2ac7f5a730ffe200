"""Send copies, negations, constants and duplicates of units to their readers, and drop units that nothing reads.

Before::

    unit[u < 4] = sum(i < 3: W[u, i] * x[i]) >= bound[u]    # unit 2 repeats unit 0, unit 3 is never read
    y = unit[0] + unit[1] + unit[2] >= 2

After::

    unit[u < 2] = sum(i < 3: weight[u, i] * x[i]) >= bound[u]
    y = 2 * unit[0] + unit[1] >= 2

Works across layers: every element is written as `offset + factor * representative`, and rows are compared after their
operands were replaced by representatives. Ranges, unit by unit, find constants, and activations that do less than they
could: a relu that never cuts is its sum, a hardtanh of an integer its sign. Sums of sums are one sum where that is
shorter, and leaves no more operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import Atoms, is_integral
from ddcompile.analysis.rows import Row
from ddcompile.ir.nodes import Binder, Constant, Index, Literal, Read, Rule, Statement
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.aliases import Alias, Ranges, RepeatedUnits, alias_of, combined, compose, is_shared, reduced
from ddcompile.passes.layers import Layer, clause, domain_of, layers_of, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements
from ddcompile.passes.saturation import settled

__all__ = ["Forward"]


@dataclass(frozen=True, slots=True)
class Forward(Pass):
    """Send copies, negations, constants and duplicates of units to their readers, and drop units that nothing reads."""

    name: ClassVar[str] = "forward"
    unread: int = option(0, "whether units stay that no result needs, beside others in their layer", low=0, high=1)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms)
        rows = _simplified(layers, types, atoms, sums=True, halves=True)
        best = self._rewritten(rule, layers, atoms, rows)
        if best.rule is not rule and verify(best.rule):
            # A sum that is a sign by its weights has a wider range by its text, and halves of signs may no longer look
            # like integers.
            rows = _simplified(layers, types, atoms, sums=False, halves=not _has_sums(layers, rows))
            best = self._rewritten(rule, layers, atoms, rows)
        if best.rule is not rule and verify(best.rule):
            rows = _simplified(layers, types, atoms, sums=False, halves=False)
            best = self._rewritten(rule, layers, atoms, rows)
        if best.rule is not rule and verify(best.rule):
            return unchanged(rule)
        for layer in layers:
            known = [replace(each, rows=rows.get(each.name)) for each in layers]
            composed = None if is_shared(layer, known, atoms) else _composed(layer, layers, rows, types, atoms)
            if composed is not None:
                shorter = self._rewritten(rule, layers, atoms, composed)
                if cost(shorter.rule) < cost(best.rule) and not verify(shorter.rule):
                    rows, best = composed, shorter
        return best

    def _rewritten(self, rule: Rule, layers: list[Layer], atoms: Atoms, rows: dict[str, list[Row]]) -> Rewrite:
        """The rule with other rows, without what nothing reads; as it was if that is no shorter."""
        kept = _live(layers, rows, atoms, self.unread)
        known = [(rows[layer.name], layer.rows, kept[layer.name]) for layer in layers if layer.rows is not None]
        changed = any(
            len(left) < len(old) or any(a is not b for a, b in zip(new, old, strict=True)) for new, old, left in known
        )
        return _write(rule, layers, atoms, rows, kept) if changed else unchanged(rule)


def _simplified(
    layers: Sequence[Layer], types: Types, atoms: Atoms, *, sums: bool, halves: bool
) -> dict[str, list[Row]]:
    """The rows of all layers over representatives, with the simplest activations that their ranges allow.

    `sums` says whether signs become the sums that they are, `halves` whether units become fractions of others.
    """
    domains = {n: domain_of(types.tensor[n]) for n in atoms.names}
    ranges, repeats = Ranges(types, atoms), RepeatedUnits()
    aliases: dict[int, Alias] = {}
    rows: dict[str, list[Row]] = {}
    for layer in layers:
        if layer.rows is None:
            continue
        start = atoms.offset[layer.name]
        mine = [combined(r, aliases) for r in layer.rows]
        spans = [ranges.of(r) for r in mine]
        stays = []
        are_cells = is_shared(layer, layers, atoms)
        for k, (row, span) in enumerate(zip(mine, spans, strict=True)):
            operand = atoms.names[int(atoms.tensor_of(row.atoms)[0])] if len(row.atoms) == 1 else ""
            alias = alias_of(row, span, domains.get(operand)) or repeats.find(row, start + k)
            if alias is not None and not halves and alias.factor.denominator > 1:
                alias = None
            if alias is not None and not layer.is_pinned and not are_cells:
                aliases[start + k] = alias
            if start + k not in aliases or len(layer.shape) != 1:
                stays.append(k)
            if span is not None:
                ranges.record(start + k, row, span)
        # What nothing reads any more does not decide how the others are written.
        integral = _is_whole(mine, types, atoms)
        found = settled([mine[k] for k in stays], [spans[k] for k in stays], integral=integral, sums=sums)
        for k, row in zip(stays, found, strict=True):
            mine[k] = row
        rows[layer.name] = mine
    return rows


def _has_sums(layers: Sequence[Layer], rows: dict[str, list[Row]]) -> bool:
    """Whether signs became sums."""
    known = [(layer.rows[0].kind, rows[layer.name][0].kind) for layer in layers if layer.rows]
    return ("sign", "affine") in known


def _is_whole(rows: Sequence[Row], types: Types, atoms: Atoms) -> bool:
    """Whether the forms of all rows have integer values."""
    operands = {atoms.names[t] for r in rows for t in atoms.tensors_of(r.atoms)}
    is_scaled = any(r.exponent and reduced(r).exponent for r in rows)
    return not is_scaled and all(is_integral(types, name) for name in operands)


def _composed(
    layer: Layer, layers: Sequence[Layer], rows: dict[str, list[Row]], types: Types, atoms: Atoms
) -> dict[str, list[Row]] | None:
    """The rows with an affine layer written into what reads it, if it is affine and that can be done."""
    inner = rows.get(layer.name)
    if layer.is_pinned or not inner or inner[0].kind != "affine":
        return None
    span = atoms.slice(layer.name)
    forms = dict(zip(range(span.start, span.stop), inner, strict=True))
    new = dict(rows)
    for reader in layers:
        outer = rows.get(reader.name)
        if outer is None or not any(((r.atoms >= span.start) & (r.atoms < span.stop)).any() for r in outer):
            continue
        if outer[0].kind == "positive" and not _is_whole(inner, types, atoms):
            return None
        new[reader.name] = [compose(r, forms) for r in outer]
    return new


def _live(layers: list[Layer], rows: dict[str, list[Row]], atoms: Atoms, unread: int) -> dict[str, np.ndarray]:
    """The elements that results depend on, per tensor; whole tensors where positions matter.

    With `unread`, those beside them as well that are no copies and no constants, and what these depend on.
    """
    live = np.zeros(atoms.count, dtype=bool)
    for layer in reversed(layers):
        span = atoms.slice(layer.name)
        if layer.is_pinned or layer.rows is None or (len(layer.shape) != 1 and live[span].any()):
            live[span] = True
        elif unread and live[span].any():
            live[span] |= [len(row.atoms) > 1 for row in rows[layer.name]]
        if layer.name in rows:
            for k in np.flatnonzero(live[span]).tolist():
                live[rows[layer.name][k].atoms] = True
    return {n: np.flatnonzero(live[atoms.slice(n)]) for n in atoms.names}


def _write(
    rule: Rule, layers: list[Layer], atoms: Atoms, rows: dict[str, list[Row]], kept: dict[str, np.ndarray]
) -> Rewrite:
    names = names_of(rule)
    shapes, moved = {}, np.zeros(atoms.count, dtype=np.int64)
    for name in atoms.names:
        partial = name in rows and len(kept[name]) < len(rows[name])
        if not (partial and not len(kept[name])):
            shapes[name] = (len(kept[name]),) if partial else atoms.shape[name]
    target = Atoms(shapes)
    for name in shapes:
        span = atoms.slice(name)
        chosen = kept[name] if name in rows else np.arange(span.stop - span.start)
        moved[span.start + chosen] = np.arange(len(chosen)) + target.offset[name]
    statements: list[Statement] = []
    constants: list[Constant] = []
    witness: list[Statement] = []
    tables: list[Constant] = []
    originals = {layer.name: layer.rows for layer in layers}
    for old in rule.statements:
        name = old.target
        if name not in rows:
            statements.append(old)
            continue
        if name not in shapes:
            continue
        old_rows = originals[name]
        assert old_rows is not None
        whole = len(kept[name]) == len(old_rows)
        operands = read_names([old]) & atoms.shape.keys()
        same_operands = all(n in shapes and shapes[n] == atoms.shape[n] for n in operands)
        same_rows = all(a is b for a, b in zip(rows[name], old_rows, strict=True))
        if whole and same_operands and same_rows:
            statements.append(old)
            continue
        mine = [replace(rows[name][k], atoms=moved[rows[name][k].atoms]) for k in kept[name].tolist()]
        binders = old.binders
        if not whole:
            binders = (Binder(old.binders[0].name, Literal(0), Literal(len(mine))),)
            tables.append(Constant.of(names(f"unit_of_{name}"), kept[name]))
            index = Read(tables[-1].name, (Index(binders[0].name),))
            witness.append(Statement(name, binders, Read(name, (index,))))
        new_constants, statement = clause(name, binders, mine, target, names, name)
        constants += new_constants
        statements.append(statement)
    new = with_statements(rule, statements, constants)
    # Few weights may need more tables: what declares them is for later passes to pay back.
    is_sparser = sum(len(rows[n][k].atoms) for n in rows for k in kept[n]) < sum(
        len(row.atoms) for own in originals.values() for row in own or ()
    )
    is_longer = cost(new) > cost(rule) and _entries(new) >= _entries(rule) and not is_sparser
    return unchanged(rule) if is_longer else Rewrite(new, Witness(tuple(witness), tuple(tables)))


def _entries(rule: Rule) -> int:
    return sum(int(c.values.size) for c in rule.constants)
