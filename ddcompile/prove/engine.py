"""Evaluation of a rule on batches of inputs through its forms: the checker's own engine."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

import numpy as np

from ddcompile.ir.nodes import Rule
from ddcompile.prove.batch import Batch
from ddcompile.prove.definitions import Definitions, input_tables
from ddcompile.prove.elements import Model, name_of, static_shape
from ddcompile.prove.forms import Decline, Form, normal
from ddcompile.prove.store import Store

__all__ = ["FormEngine"]


class FormEngine:
    """A rule without sizes, ready to be evaluated.

    Raises
    ------
    Decline
        If a definition cannot be followed.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._store = Store()
        tables = Definitions(self._store, Model.of(rule), input_tables(self._store, rule.inputs))
        self._results = [[_defined(form) for form in tables[d.name].forms] for d in rule.outputs]
        if any(node.kind == "opaque" for node in self._store.nodes):
            raise Decline("reals are not computed here")
        self._inputs = {node.name: v for v, node in enumerate(self._store.nodes) if node.kind == "input"}

    def run(self, arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """The results for inputs with one batch axis in front, as integers or, where need be, exact objects."""
        rows = len(arrays[0]) if arrays else 1
        batch = Batch(self._store, rows, {})
        for d, values in zip(self.rule.inputs, arrays, strict=True):
            shape = static_shape(d.type.shape)
            columns = np.asarray(values).reshape(rows, -1)
            for k in range(prod(shape)):
                v = self._inputs.get(name_of(d.name, shape, k))
                if v is not None:
                    column = columns[:, k] if columns.dtype == object else columns[:, k].astype(np.int64)
                    batch.set(v, (column + 1) // 2 if d.type.kind == "spin" else column)
        batch.evaluate(v for v, node in enumerate(self._store.nodes) if node.kind != "input")
        results = []
        for d, forms in zip(self.rule.outputs, self._results, strict=True):
            found = [_value(batch, normal(f)) for f in forms]
            results.append(np.stack(found, axis=1).reshape(rows, *static_shape(d.type.shape)))
        return tuple(results)


def _defined(form: Form | None) -> Form:
    if form is None:
        raise Decline("a result has undefined elements")
    return form


def _value(batch: Batch, form: Form) -> np.ndarray:
    column = batch.form(form)
    return column if not form.exp else column.astype(object) * Fraction(1, 1 << form.exp)
