"""Python text that solves the sizes of a rule from its arguments and checks the arguments."""

from __future__ import annotations

from ddcompile.backends.python.expressions import Printer
from ddcompile.backends.python.layout import call
from ddcompile.backends.python.legality import requirements
from ddcompile.backends.python.notation import span
from ddcompile.backends.python.split import split
from ddcompile.backends.shared.writer import Writer
from ddcompile.diagnostics import fail
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Declaration, Rule, Type
from ddcompile.ir.printer import print_type

__all__ = ["checks", "element_type", "sizes"]


def element_type(declared: Type, *, is_input: bool) -> str:
    """The Python type of an element."""
    if declared.kind != "rat":
        return "int"
    return "int | Fraction" if is_input else "Fraction"


def sizes(rule: Rule, printer: Printer, writer: Writer) -> None:
    """Write an assignment for each size, from an extent that has no other unknown size, and what sizes must satisfy.

    Raises
    ------
    CompileError
        E302 if the sizes can only be solved together.
    """
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
        if not solvable:
            raise fail(
                "E302",
                f"the extents of the inputs do not give the sizes of `{rule.name}` one by one",
                place=rule.name,
                hint="give the sizes as numbers",
            )
        declaration, axis, form = min(solvable, key=lambda item: (item[2].constant != 0, len(item[2].terms)))
        (name,) = form.names & unknown
        writer.line(f"{printer.names.of[name]} = {_solution(printer, writer, declaration, axis, form, name)}")
        unknown.discard(name)
    for form in requirements(rule):
        bound = form.to_expr()
        shown = printer.print(bound, split(bound), writer, {})
        writer.line(f'_require({shown}, "{shown}")')


def _solution(printer: Printer, writer: Writer, declaration: Declaration, axis: int, form: Affine, name: str) -> str:
    """The call that solves an extent for a size."""
    factor = form.coefficient(name)
    extent = f'_extent("{declaration.name}", {printer.names.of[declaration.name]}, {axis})'
    if form == Affine.of(0, {name: 1}, (name,)):
        return extent
    others = (form - Affine.of(0, {name: factor}, (name,))).to_expr()
    rest = printer.print(others, split(others), writer, {})
    return f'_solve("{name}", {extent}, {rest}, {factor})'


def checks(rule: Rule, printer: Printer, writer: Writer) -> None:
    """Write a check of every argument: shape and numbers."""
    for declaration in rule.inputs:
        declared = declaration.type
        extents = [str(printer.print(extent, split(extent), writer, {})) for extent in declared.shape]
        shape = f"({', '.join(extents)}{',' * (len(extents) == 1)})"
        kind = print_type(Type(declared.kind, (), declared.low, declared.high))
        variable = printer.names.of[declaration.name]
        call(writer, "_check", f'"{declaration.name}", {variable}, "{kind}", {shape}, {_allowed(declared)}')


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
