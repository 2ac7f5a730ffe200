"""The inverse of the compiler: from a rule to a layered network of threshold units that computes it.

Every element of every tensor becomes an affine form of threshold units; units are put in the layer of their depth, and
what a later layer needs is copied through by units in between. All weights are exact: integers, or doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Literal as OneOf

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.network import Activation, Layer, Network
from ddcompile.ir.nodes import Number, Rule
from ddcompile.ir.types import extents
from ddcompile.testing.circuits import Circuit, Form, scaled_to_integers, total
from ddcompile.testing.unroll import unroll

__all__ = ["network_of"]


def network_of(rule: Rule, activation: OneOf["step", "sign"] = "step") -> Network:
    """Unroll a rule into threshold layers.

    Parameters
    ----------
    rule : Rule
        Without sizes, over inputs of bits, spins and trits; it may do whatever threshold units can.
    activation : {"step", "sign"}
        Of the hidden units.

    Returns
    -------
    Network
        Reads the inputs flattened row-major, in declared order, and gives the results likewise. The last layer is of
        step units if all results are bits, of sign units if all are spins or trits, else the identity.

    Raises
    ------
    CompileError
        N301 to N305 if the rule cannot be unrolled; N303 if a weight is no double.
    """
    circuit = Circuit(activation)
    results = unroll(rule, circuit)
    last = _last_activation(rule)
    targets = [_target(circuit, form, last) for form in results]
    return _Layers(circuit, targets, sum(prod(extents(declaration.type)) for declaration in rule.inputs)).build(
        rule.name, last
    )


def _last_activation(rule: Rule) -> Activation:
    kinds = {declaration.type.kind for declaration in rule.outputs}
    if kinds == {"bit"}:
        return "step"
    return "sign" if kinds <= {"spin", "trit"} else "identity"


def _target(circuit: Circuit, form: Form, last: str) -> Form:
    """What the last layer computes before its activation: positive (and, for sign, negative) where the result is."""
    if last == "identity":
        return form
    if len(form.terms) == 1:
        ((number, factor),) = form.terms
        atom = circuit.atoms[number]
        if atom.gate == last and form.constant == 0 and factor == 1:
            return _half_off(atom.operand) if last == "step" else atom.operand
        if atom.gate == last == "sign" and form.constant == 0 and factor == -1:
            return atom.operand.scaled(-1)
        if atom.gate == last == "step" and form.constant == 1 and factor == -1:
            return _half_off(atom.operand).scaled(-1)
    return form.plus(Fraction(-1, 2)) if last == "step" else form


def _half_off(form: Form) -> Form:
    """An integer form that is positive for steps, moved between its values so that it is never 0."""
    return form.plus(Fraction(-1, 2))


class _Layers:
    """Puts the units of a circuit into layers. Rows are affine forms of the units, or inputs, of the layer before."""

    def __init__(self, circuit: Circuit, targets: Sequence[Form], inputs: int) -> None:
        self.circuit = circuit
        self.targets = targets
        self.count = 1 + max(map(self._depth, targets), default=0)
        self.last_use = self._last_uses()
        self.places = {number: Form(((number, 1),), 0) for number in range(inputs)}
        """Atoms as affine forms of the units of the layer before."""
        self.width = inputs

    def build(self, name: str, last: Activation) -> Network:
        layers = [self._hidden(depth) for depth in range(1, self.count)]
        rows = [self._over_units(form) for form in self.targets]
        layers.append(self._layer(rows if last == "identity" else [scaled_to_integers(row) for row in rows], last))
        return Network(tuple(layers), name)

    def _depth(self, form: Form) -> int:
        return max((self.circuit.atoms[number].depth for number, _ in form.terms), default=0)

    def _last_uses(self) -> dict[int, int]:
        """For every atom that is needed, the last layer that reads it."""
        uses: dict[int, int] = {}
        needed = [(form, self.count) for form in self.targets]
        while needed:
            form, layer = needed.pop()
            for number, _ in form.terms:
                atom = self.circuit.atoms[number]
                if number not in uses:
                    needed.append((atom.operand, atom.depth))
                uses[number] = max(uses.get(number, 0), layer)
        return uses

    def _hidden(self, depth: int) -> Layer:
        """The units of one depth, and copies of what later layers still read."""
        rows: list[Form] = []
        places: dict[int, Form] = {}
        for number in sorted(self.last_use):
            atom = self.circuit.atoms[number]
            if not atom.depth <= depth < self.last_use[number]:
                continue
            if atom.depth == depth:
                operand = _half_off(atom.operand) if atom.gate == "step" else atom.operand
                places[number] = self._unit(rows, self._over_units(operand), atom.values)
            elif depth == 1:
                places[number] = self._encoded(rows, self.places[number], atom.values)
            else:
                places[number] = self._copied(rows, self.places[number])
        layer = self._layer([scaled_to_integers(row) for row in rows], self.circuit.activation)
        self.places, self.width = places, len(rows)
        return layer

    def _unit(self, rows: list[Form], row: Form, values: tuple[int, ...]) -> Form:
        """Add a unit; its atom in terms of it."""
        rows.append(row)
        unit = Form(((len(rows) - 1, 1),), 0)
        if self.circuit.activation == "sign" and values == (0, 1):
            return unit.scaled(Fraction(1, 2)).plus(Fraction(1, 2))
        return unit

    def _encoded(self, rows: list[Form], value: Form, values: tuple[int, ...]) -> Form:
        """Add units that tell the values of an input apart; the input in terms of them."""
        if values == (0, 1):
            return self._unit(rows, _half_off(value), values)
        if self.circuit.activation == "sign":
            return self._unit(rows, value, values)
        if values == (-1, 1):
            return self._unit(rows, value, values).scaled(2).plus(-1)
        return self._unit(rows, _half_off(value), values) - self._unit(rows, _half_off(value.scaled(-1)), values)

    def _copied(self, rows: list[Form], place: Form) -> Form:
        """Add a copy of every unit that stands for an atom; the atom in terms of the copies."""
        terms = []
        for unit, factor in place.terms:
            same = Form(((unit, 1),), 0)
            terms.append((len(rows), factor))
            rows.append(_half_off(same) if self.circuit.activation == "step" else same)
        return Form(tuple(terms), place.constant)

    def _over_units(self, form: Form) -> Form:
        return total(self.places[number].scaled(factor) for number, factor in form.terms).plus(form.constant)

    def _layer(self, rows: Sequence[Form], activation: Activation) -> Layer:
        weight = np.zeros((len(rows), self.width), dtype=object)
        for unit, row in enumerate(rows):
            for column, factor in row.terms:
                weight[unit, column] = _number(factor)
        bias = np.array([_number(row.constant) for row in rows], dtype=object)
        return Layer(_compact(weight), _compact(bias), activation)


def _number(value: Number) -> int | float:
    """A weight as an integer of 64 bits or a double.

    Raises
    ------
    CompileError
        N303 if it is neither.
    """
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    try:
        if Fraction(float(value)) == value:
            return float(value)
    except OverflowError:
        pass
    raise fail("N303", f"the weight {value} is neither a 64-bit integer nor a double")


def _compact(array: np.ndarray) -> np.ndarray:
    """Integers as int64; with fractions, as float64, which all are then exact."""
    if all(isinstance(v, int) for v in array.flat):
        return array.astype(np.int64)
    if any(isinstance(v, int) and int(float(v)) != v for v in array.flat):
        raise fail("N303", "a layer has fractions and integers beyond 2**53 at once")
    return array.astype(np.float64)
