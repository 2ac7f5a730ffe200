"""Python text that solves the sizes of a rule from its arguments and checks the arguments."""

from __future__ import annotations

from typing import TypeAlias

from ddcompile.backends.python.expressions import Printer
from ddcompile.backends.python.layout import call
from ddcompile.backends.python.legality import requirements
from ddcompile.backends.python.notation import span
from ddcompile.backends.python.split import split
from ddcompile.backends.shared.writer import Writer
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Declaration, Rule, Type
from ddcompile.ir.printer import print_type
from ddcompile.ir.specialize import size_combination

__all__ = ["checks", "element_type", "sizes"]

_Extent: TypeAlias = tuple[Declaration, int, Affine]
"""An input, an axis, and its extent as a form of the sizes."""


def element_type(declared: Type, *, is_input: bool) -> str:
    """The Python type of an element."""
    if declared.kind == "real":
        return "float"
    if declared.kind != "rat":
        return "int"
    return "int | Fraction" if is_input else "Fraction"


def sizes(rule: Rule, printer: Printer, writer: Writer) -> None:
    """Write an assignment for each size, from one extent where that is enough, and what sizes must satisfy."""
    extents = [
        (declaration, axis, form)
        for declaration in rule.inputs
        for axis, extent in enumerate(declaration.type.shape)
        if (form := affine_of(extent)) is not None
    ]
    if not rule.sizes:
        return
    unknown = set(rule.sizes)
    while unknown:
        solvable = [item for item in extents if len(item[2].names & unknown) == 1]
        if solvable:
            item = min(solvable, key=lambda item: (item[2].constant != 0, len(item[2].terms)))
            (name,) = item[2].names & unknown
            solution = _solution(printer, writer, item, name)
        else:
            name = next(name for name in rule.sizes if name in unknown)
            solution = _combination(printer, extents, name)
        writer.line(f"{printer.names.of[name]} = {solution}")
        unknown.discard(name)
    for form in requirements(rule):
        bound = form.to_expr()
        shown = printer.print(bound, split(bound), writer, {})
        writer.line(f'_require({shown}, "{shown}")')


def _solution(printer: Printer, writer: Writer, item: _Extent, name: str) -> str:
    """The call that solves an extent for a size."""
    form = item[2]
    factor = form.coefficient(name)
    extent = _length(printer, item)
    if form == Affine.of(0, {name: 1}, (name,)):
        return extent
    others = (form - Affine.of(0, {name: factor}, (name,))).to_expr()
    rest = printer.print(others, split(others), writer, {})
    return f'_solve("{name}", {extent}, {rest}, {factor})'


def _combination(printer: Printer, extents: list[_Extent], name: str) -> str:
    """The call that solves several extents for a size; whether they agree is checked later."""
    factors, multiple = size_combination([form for _, _, form in extents], name)
    used = [(factor, item) for factor, item in zip(factors, extents, strict=True) if factor]
    total = ""
    for factor, item in used:
        sign = (" + " if factor > 0 else " - ") if total else "" if factor > 0 else "-"
        total += sign + (f"{abs(factor)} * " if abs(factor) != 1 else "") + _length(printer, item)
    return f'_solve("{name}", {total}, {sum(factor * item[2].constant for factor, item in used)}, {multiple})'


def _length(printer: Printer, item: _Extent) -> str:
    """The call that measures an argument along an axis."""
    declaration, axis, _ = item
    return f'_extent("{declaration.name}", {printer.names.of[declaration.name]}, {axis})'


def checks(rule: Rule, printer: Printer, writer: Writer) -> None:
    """Write a check of every argument: shape and numbers."""
    for declaration in rule.inputs:
        declared = declaration.type
        extents = [str(printer.print(extent, split(extent), writer, {})) for extent in declared.shape]
        shape = f"({', '.join(extents)}{',' * (len(extents) == 1)})"
        kind = print_type(Type(declared.kind, (), declared.low, declared.high))
        variable = printer.names.of[declaration.name]
        call(writer, "_check", f'"{declaration.name}", {variable}, "{kind}", {shape}, {_allowed(declared)}')
    for declaration in rule.inputs:
        if declaration.type.kind == "real":
            variable = printer.names.of[declaration.name]
            writer.line(f"{variable} = {'_floats' if declaration.type.shape else 'float'}({variable})")


def _allowed(declared: Type) -> str:
    """The `range` of the integers of a type."""
    match declared.kind:
        case "bit":
            return "range(2)"
        case "spin":
            return "range(-1, 2, 2)"
        case "trit":
            return "range(-1, 2)"
        case "int" if declared.low is not None and declared.high is not None:
            return span(str(declared.low), str(declared.high + 1))
        case "int":
            return "range(-(2**63), 2**63)"
        case _:
            return "None"
