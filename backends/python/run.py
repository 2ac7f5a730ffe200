"""Running an emitted module in this process, on NumPy arrays: the engine `python`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.abc import InspectLoader
from importlib.util import module_from_spec, spec_from_loader
from math import prod
from types import ModuleType
from typing import Any

import numpy as np

from ddcompile.backends.python.names import field_name, python_names
from ddcompile.backends.python.target import PythonTarget
from ddcompile.backends.shared.target import EmitOptions
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import Types, infer
from ddcompile.runtime.arrays import prepare, results
from ddcompile.runtime.rationals import rational_types

__all__ = ["compile_python", "load", "run_python"]


class _TextLoader(InspectLoader):
    """Loads a module from its text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_source(self, fullname: str) -> str:
        return self._text


def load(text: str, name: str = "rule") -> ModuleType:
    """Import an emitted module from its text, without a file and without a trace in `sys.modules`."""
    spec = spec_from_loader(name, _TextLoader(text))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_python(rule: Rule) -> Callable[[Sequence[Any]], Any]:
    """Emit a rule as Python and import it.

    Parameters
    ----------
    rule
        A rule, possibly with sizes.

    Returns
    -------
    callable
        From one array an input, as `ddcompile.runtime.arrays.prepare` takes them, to the result or a NamedTuple of the
        results, batch axes first. It raises CompileError (A###) for arrays that do not fit.

    Raises
    ------
    CompileError
        T### if the rule is not valid, E3## if Python cannot take it.
    """
    module = load(PythonTarget().emit(rule, EmitOptions())[0].text, rule.name)
    names = python_names(rule)
    function = getattr(module, names.function)
    fields = [field_name(names.of[d.name]) for d in rule.outputs]

    def call(arrays: Sequence[Any]) -> Any:
        prepared = prepare(rule, arrays)
        columns = [array.tolist() for array in prepared.arrays]
        answers = [function(*(column[k] for column in columns)) for k in range(prod(prepared.batch_shape))]
        types = infer(prepared.rule, rational_types(prepared))
        raw = []
        for declaration, field in zip(rule.outputs, fields, strict=True):
            values = answers if len(fields) == 1 else [getattr(answer, field) for answer in answers]
            raw.append(_scaled(values, declaration.name, types))
        return results(prepared.rule, types, raw, prepared.batch_shape)

    return call


def run_python(rule: Rule, arrays: Sequence[Any]) -> Any:
    """Emit a rule as Python and call it for every sample, as `compile_python` does."""
    return compile_python(rule)(arrays)


def _scaled(values: list[Any], name: str, types: Types) -> np.ndarray:
    """Nested lists of numbers, one for each sample, as scaled integers or doubles."""
    if types.tensor[name].kind == "real":
        return np.array(values, dtype=np.float64).reshape(len(values), *types.shape[name])
    array = np.empty((len(values), *types.shape[name]), dtype=object)
    array[...] = np.array(values, dtype=object).reshape(array.shape)
    return np.asarray(array * (1 << types.tensor[name].exponent))
