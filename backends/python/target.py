"""The Python target: a rule as a standalone, typed module that imports the standard library alone."""

from __future__ import annotations

from typing import Any

from ddcompile.analysis.memory import check_memory
from ddcompile.backends.python.expressions import Printer
from ddcompile.backends.python.helpers import called, helpers
from ddcompile.backends.python.names import MODULES, PythonNames, field_name, python_names
from ddcompile.backends.python.notation import Sort
from ddcompile.backends.python.parameters import checks, element_type, sizes
from ddcompile.backends.python.sorts import tensor_sorts
from ddcompile.backends.python.statements import StatementPrinter
from ddcompile.backends.python.tables import nested_type, table
from ddcompile.backends.shared.comments import remarks
from ddcompile.backends.shared.provenance import provenance
from ddcompile.backends.shared.target import EmitOptions, EmittedFile
from ddcompile.backends.shared.templates import render
from ddcompile.backends.shared.writer import Writer
from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Declaration, Kind, Rule
from ddcompile.ir.printer import print_type
from ddcompile.ir.specialize import checked_sizes, free_sizes, specialize
from ddcompile.ir.verifier import check

__all__ = ["PythonTarget"]


class PythonTarget:
    """Prints a rule as a Python module of the rule's name.

    The module has one function, named after the rule, from nested lists of numbers to nested lists of numbers (a
    NamedTuple of several results; `Fraction` for rationals). Run as a script it takes JSON and gives JSON. Sizes stay
    parameters, solved from the lengths of the arguments, unless the options give them.
    """

    name = "python"
    description = "a standalone typed Python module, standard library only"
    kinds: frozenset[Kind] = frozenset({"bit", "spin", "trit", "int", "rat", "real"})

    def emit(self, rule: Rule, options: EmitOptions) -> list[EmittedFile]:
        """Print `rule` as `<prefix>.py`; by default the name of the rule, with `_rule` behind that of a module.

        Raises
        ------
        CompileError
            T### if the rule is not valid, E303 if it nests deeper than Python allows, E304 if the prefix is no module
            name or that of a module that the file imports, E305 if a size is free, A016 if one is given that the rule
            does not have.
        """
        if options.prefix and not options.prefix.isidentifier():
            raise fail(
                "E304", f"prefix {options.prefix!r} is no module name", hint="use letters, digits and underscores"
            )
        if options.prefix in MODULES:
            message = f"prefix {options.prefix!r} is a module that the file imports, which would import itself"
            raise fail("E304", message, hint="choose another one")
        special = specialize(rule, checked_sizes(rule, dict(options.sizes)), partly=True)
        free = free_sizes(special)
        if free:
            message = f"the arguments of a Python function do not tell the size `{free[0]}`"
            raise fail("E305", message, place=rule.name, hint=f"give it: `--size {free[0]}=8`")
        stem = options.prefix or (f"{rule.name}_rule" if rule.name in MODULES else rule.name)
        return [EmittedFile(f"{stem}.py", _module(special, rule, options))]


def _module(rule: Rule, source: Rule, options: EmitOptions) -> str:
    """The text of the module for `rule`, whose header tells of `source`."""
    checked = check(rule)
    types = None if rule.sizes else checked
    if types is not None:
        check_memory(types)
    names = python_names(rule)
    sorts = tensor_sorts(rule, checked, None if types is None else types.order)
    printer = Printer(names, sorts, types)
    constants, body = Writer(), Writer()
    for constant in rule.constants:
        table(constants, names.of[constant.name], constant)
    body.enter()
    sizes(rule, printer, body)
    checks(rule, printer, body)
    body.line()
    remark = remarks(rule, checked) if options.comments else None
    StatementPrinter(rule, types, printer, body, remark).print()
    if remark is not None:
        body.gap()
    results = ", ".join(names.of[d.name] for d in rule.outputs)
    body.line(f"return {results}" if len(rule.outputs) == 1 else f"return {names.result}({results})")
    frame = _frame(rule, names, printer, constants.text(), body.text())
    return render("ddcompile.backends.python", "module.py.j2", provenance=provenance(source, options), **frame)


def _frame(rule: Rule, names: PythonNames, printer: Printer, constants: str, body: str) -> dict[str, Any]:
    """What the template wants to know."""
    uses_fraction = any(word in constants + body for word in ("Fraction(", "Fraction]")) or any(
        declaration.type.kind == "rat" for declaration in (*rule.inputs, *rule.outputs)
    )
    uses_real = Sort.REAL in printer.sorts.values()
    has_generic_pad = (uses_fraction or uses_real) and bool(printer.pads)
    input_kinds = {d.type.kind for d in rule.inputs}
    exact = "int | Fraction" if uses_fraction else "int"
    defined = helpers(body, exact)
    functions = called(body)
    text = "\n".join(defined)
    uses_any = "rat" in input_kinds or "_floats" in functions
    typing = ["Any"] * uses_any + ["NamedTuple"] * (len(rule.outputs) > 1) + ["TypeVar"] * has_generic_pad
    parameters = [
        f"{names.of[d.name]}: {nested_type('Sequence', element_type(d.type, is_input=True), len(d.type.shape))}"
        for d in rule.inputs
    ]
    results = [
        {
            "name": d.name,
            "field": field_name(names.of[d.name]) if len(rule.outputs) > 1 else names.of[d.name],
            "text": _description(d),
            "type": nested_type("list", element_type(d.type, is_input=False), len(d.type.shape)),
        }
        for d in rule.outputs
    ]
    return {
        "rule_name": rule.name,
        "function": names.function,
        "result": names.result,
        "result_type": names.result if len(results) > 1 else results[0]["type"],
        "typing": ", ".join(typing),
        "uses_fraction": uses_fraction,
        "has_generic_pad": has_generic_pad,
        "uses_math": "math." in text,
        "collections": "Iterable, Sequence" if "Iterable" in text else "Sequence",
        "has_rat_inputs": "rat" in input_kinds,
        "has_real_inputs": "real" in input_kinds,
        "has_unbounded_inputs": not input_kinds.isdisjoint(("rat", "real")),
        "has_rat_results": any(d.type.kind == "rat" for d in rule.outputs),
        "has_sizes": bool(rule.sizes),
        "has_require": "_require" in functions,
        "has_solve": "_solve" in functions,
        "uses_sign": "_sign" in functions,
        "numbers": exact + " | float" * uses_real,
        "helpers": defined,
        "pads": [_pad(rank, "_T" if has_generic_pad else "int") for rank in sorted(printer.pads)],
        "constants": constants,
        "parameters": parameters,
        "arguments": ", ".join(
            f'_exact(sample["{d.name}"])' if d.type.kind == "rat" else f'sample["{d.name}"]' for d in rule.inputs
        ),
        "inputs": [{"name": d.name, "variable": names.of[d.name], "text": _description(d)} for d in rule.inputs],
        "results": results,
        "body": body,
    }


def _description(declaration: Declaration) -> str:
    """A type for the reader of the docstring."""
    lists = ("", ", a list", ", nested lists")[min(2, len(declaration.type.shape))]
    return print_type(declaration.type) + lists


def _pad(rank: int, element: str) -> dict[str, str]:
    """The parts of the function that reads an element of a tensor of this rank, or the padding."""
    places = list("ijkl"[:rank]) if rank <= 4 else [f"k{axis}" for axis in range(rank)]
    rows = ["x" + "[0]" * axis for axis in range(rank)]
    return {
        "rank": str(rank),
        "tensor": nested_type("Sequence", element, rank),
        "places": ", ".join(f"{place}: int" for place in places),
        "element": "x" + "".join(f"[{place}]" for place in places),
        "inside": " and ".join(f"0 <= {place} < len({row})" for place, row in zip(places, rows, strict=True)),
    }
