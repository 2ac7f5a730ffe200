"""A classifier as something that gives labels to queries.

| code | says |
|---|---|
| L010 | the model fails on queries |
| L011 | its answers are no labels and no scores |
| L012 | equal queries get different labels |
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.declarations import extents
from ddcompile.ir.nodes import Declaration, Kind

__all__ = ["Oracle"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

TYPES: dict[Kind, type[Any]] = {
    "bit": np.uint8, "spin": np.int8, "trit": np.int8, "int": np.int64, "rat": np.float64, "real": np.float64,
}  # fmt: skip
"""In which type values of each kind are handed over."""
AT_ONCE = 2_000
ASKED_TWICE = 100


class Oracle:
    """Numbers labels in the order in which they are met.

    Parameters
    ----------
    model : torch.nn.Module, estimator or callable
        An estimator (anything with `predict`), or a function of one, is given all inputs side by side, of shape
        (queries, inputs), as a table if it was fitted to one; everything else one array an input, as declared, with the
        queries first. Answers are labels, of shape (queries,); or scores of at least two classes, of which the largest
        wins, the first if there are several. Scores of an estimator that says its classes give these.
    inputs : sequence of Declaration

    Attributes
    ----------
    name : str
        Of the model.
    labels : list
        Those met so far: plain Python values.
    """

    def __init__(self, model: Any, inputs: Sequence[Declaration]) -> None:
        self.labels: list[Any] = []
        self._numbers: dict[Any, int] = {}
        self._inputs = inputs
        torch = sys.modules.get("torch")
        is_module = torch is not None and isinstance(model, torch.nn.Module)
        estimator = getattr(model, "__self__", model)
        self._run: Callable[..., Any]
        self._is_flat = not is_module and callable(getattr(estimator, "predict", None))
        classes = getattr(estimator, "classes_", None) if self._is_flat and estimator is not model else None
        self._classes = classes if isinstance(classes, np.ndarray) and classes.ndim == 1 else None
        self._features = getattr(estimator, "feature_names_in_", None) if self._is_flat else None
        self.name = getattr(model, "__name__", "") or type(model).__name__
        if self._is_flat and estimator is not model:
            self.name = f"{type(estimator).__name__}.{self.name}"
        if is_module:
            from ddcompile.frontends.torch import function_of

            self._run = function_of(model)
        elif self._is_flat and estimator is model:
            self._run = model.predict
        elif callable(model) and not isinstance(model, type):
            self._run = model
        else:
            hint = "classifiers are torch modules, fitted estimators with `predict`, functions, networks"
            raise fail("U011", f"{type(model).__name__} is no classifier", hint=hint)

    def ask(self, queries: Array) -> Array:
        """The numbers of labels, of shape (queries,), for float64 of shape (queries, inputs).

        Raises
        ------
        CompileError
            L010 if the model fails, L011 if its answers are neither labels nor scores.
        """
        parts = [self._asked(queries[k : k + AT_ONCE]) for k in range(0, len(queries), AT_ONCE)]
        found, codes = np.unique(np.concatenate(parts), return_inverse=True)
        for label in found.tolist():
            if label not in self._numbers:
                self._numbers[label] = len(self.labels)
                self.labels.append(label)
        result: Array = np.array([self._numbers[label] for label in found.tolist()])[codes.reshape(-1)]
        return result

    def check(self, queries: Array) -> None:
        """Ask some of the queries twice.

        Raises
        ------
        CompileError
            L012 if answers differ.
        """
        some = queries[:ASKED_TWICE]
        if not np.array_equal(self.ask(some), self.ask(some)):
            hint = "a model that draws at random is no classifier; a torch module must be in eval mode"
            raise fail("L012", "equal queries get different labels", place=self.name, hint=hint)

    def arrays(self, queries: Array) -> list[Array]:
        """One array an input, as declared."""
        shapes = [extents(declaration) for declaration in self._inputs]
        ends = np.cumsum([prod(shape) for shape in shapes])
        parts = np.split(queries, ends[:-1], axis=1)
        return [
            part.reshape(len(queries), *shape).astype(TYPES[declaration.type.kind])
            for part, shape, declaration in zip(parts, shapes, self._inputs, strict=True)
        ]

    def _asked(self, queries: Array) -> Array:
        arrays = self.arrays(queries)
        if self._is_flat:
            arrays = [self._table(np.concatenate([array.reshape(len(queries), -1) for array in arrays], axis=1))]
        try:
            answers = np.asarray(self._run(*arrays))
        except CompileError:
            raise
        except Exception as error:
            shapes = ", ".join(str(array.shape) for array in arrays)
            message = f"the model fails on queries of shape {shapes}: {type(error).__name__}: {error}"
            raise fail("L010", message, place=self.name) from error
        return self._labels(answers, len(queries))

    def _table(self, queries: Array) -> Any:
        """What an estimator was fitted to: a table, if it knows the names of its inputs."""
        pandas: Any = sys.modules.get("pandas")
        if self._features is None or pandas is None or len(self._features) != queries.shape[1]:
            return queries
        return pandas.DataFrame(queries, columns=self._features)

    def _labels(self, answers: Array, count: int) -> Array:
        wanted = f"for {count} queries it must give labels of shape ({count},), or scores of shape ({count}, classes)"
        if (
            answers.dtype.kind not in "biufUO"
            or answers.ndim not in (1, 2)
            or len(answers) != count
            or not answers.size
        ):
            message = f"the model gives {answers.dtype} of shape {answers.shape}; {wanted}"
            raise fail("L011", message, place=self.name)
        if answers.dtype.kind == "f" and not np.isfinite(answers).all():
            raise fail("L011", "the model gives numbers that are not finite", place=self.name)
        if answers.ndim == 2 and answers.shape[1] > 1:
            if answers.dtype.kind not in "biuf":
                raise fail("L011", f"the model gives {answers.shape[1]} labels a query; {wanted}", place=self.name)
            winners: Array = answers.argmax(axis=1)
            if self._classes is None or len(self._classes) != answers.shape[1]:
                return winners
            answers = self._classes[winners]
        answers = answers.reshape(-1)
        sorts = {type(label).__name__ for label in answers.tolist()}
        if answers.dtype.kind == "O" and len(sorts) > 1:
            raise fail("L011", f"the model gives labels of several types: {', '.join(sorted(sorts))}", place=self.name)
        if answers.dtype.kind == "f" and not (answers == np.rint(answers)).all():
            hint = "wrap it in a function that says which label a score means, such as `score > 0`"
            raise fail("L011", "the model gives one score a query, which is no label", place=self.name, hint=hint)
        return answers.astype(np.int64) if answers.dtype.kind in "bf" else answers
