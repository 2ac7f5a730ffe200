"""Size parameters: solved from the shapes of the inputs, and replaced by their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from numbers import Integral
from typing import Any

from ddcompile.diagnostics import fail
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Constant,
    Declaration,
    Expr,
    Literal,
    Rule,
    Size,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import children, postorder, with_children

__all__ = ["checked_sizes", "free_sizes", "size_combination", "solve_sizes", "specialize", "undetermined_sizes"]


def free_sizes(rule: Rule) -> tuple[str, ...]:
    """The sizes that no shape depends on, but a statement does, such as a number of steps: they are given."""
    shaped = {
        name
        for declaration in (*rule.inputs, *rule.outputs)
        for extent in declaration.type.shape
        for name in _sizes_in(extent)
    }
    if len(shaped) == len(rule.sizes):
        return ()
    used = {name for statement in rule.statements for e in _expressions(statement) for name in _sizes_in(e)}
    return tuple(name for name in rule.sizes if name in used - shaped)


def _expressions(statement: Statement) -> list[Expr]:
    positions = [e for p in statement.positions for e in ((p.lower, p.upper) if isinstance(p, Binder) else (p,))]
    return [*positions, statement.value]


def _sizes_in(expr: Expr) -> set[str]:
    return {node.name for node in postorder(expr) if isinstance(node, Size)}


def undetermined_sizes(rule: Rule) -> tuple[str, ...]:
    """The sizes that the shapes of the inputs do not determine.

    They are determined when the extents of the inputs, as linear forms of the sizes, have full rank.
    """
    rows = [
        [Fraction(form.coefficient(name)) for name in rule.sizes]
        for declaration in rule.inputs
        for extent in declaration.type.shape
        if (form := affine_of(extent)) is not None
    ]
    pivots = _eliminate(rows, len(rule.sizes))
    solved = {column for row, column in pivots if not any(rows[row][k] for k in range(len(rule.sizes)) if k != column)}
    return tuple(name for column, name in enumerate(rule.sizes) if column not in solved)


def size_combination(forms: Sequence[Affine], name: str) -> tuple[tuple[int, ...], int]:
    """Integer factors for linear forms of sizes whose sum, apart from constants, is a positive multiple of one size.

    Parameters
    ----------
    forms
        Forms that determine all of their sizes.
    name
        The size.

    Returns
    -------
    tuple of tuple of int, and int
        The factors, and the multiple.
    """
    names = [name, *sorted({other for form in forms for other in form.names} - {name})]
    rows = [
        [*(Fraction(form.coefficient(other)) for other in names), *(Fraction(int(k == n)) for n in range(len(forms)))]
        for k, form in enumerate(forms)
    ]
    row = next(rows[row] for row, column in _eliminate(rows, len(names)) if column == 0)
    factors = row[len(names) :]
    multiple = lcm(*(factor.denominator for factor in factors))
    return tuple(int(factor * multiple) for factor in factors), multiple


def solve_sizes(rule: Rule, input_shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """Find the one assignment of sizes that gives the inputs these shapes.

    Parameters
    ----------
    rule
        A verified rule.
    input_shapes
        The shape of each input in declared order, without batch axes.

    Raises
    ------
    CompileError
        A015 if the rule has free sizes, A010 if the number of shapes or of their axes is wrong, A011 if no sizes, or
        none that are positive integers,
        give these shapes.
    """
    free = free_sizes(rule)
    if free:
        message = f"the shapes of the inputs do not tell `{rule.name}` its size `{free[0]}`"
        raise fail("A015", message, place=rule.name, hint=f"give it: `.at({free[0]}=8)`, or `--size {free[0]}=8`")
    if len(input_shapes) != len(rule.inputs):
        wanted = counted(len(rule.inputs), "input")
        raise fail("A010", f"`{rule.name}` takes {wanted}, not {len(input_shapes)}", place=rule.name)
    equations: list[tuple[Affine, int, str]] = []
    for declaration, shape in zip(rule.inputs, input_shapes, strict=True):
        if len(shape) != len(declaration.type.shape):
            wanted = counted(len(declaration.type.shape), "axis", "axes")
            raise fail("A010", f"`{declaration.name}` has {wanted}, not {len(shape)}: {shape}", place=declaration.name)
        for axis, (extent, length) in enumerate(zip(declaration.type.shape, shape, strict=True)):
            form = affine_of(extent)
            assert form is not None, "extents are affine"
            equations.append((form, length, f"axis {axis} of `{declaration.name}`"))
    sizes = _solve(rule, equations)
    for form, length, where in equations:
        wanted_length = form.evaluate(sizes)
        if wanted_length != length:
            raise fail(
                "A011",
                f"{where} has {length} elements{_instead(form, wanted_length, sizes)}",
                place=rule.name,
                hint="the shapes of all inputs must agree on the sizes",
            )
    return sizes


def _solve(rule: Rule, equations: list[tuple[Affine, int, str]]) -> dict[str, int]:
    """Sizes from the independent ones among the equations; the others are left to check."""
    count = len(rule.sizes)
    rows = [
        [*(Fraction(form.coefficient(name)) for name in rule.sizes), Fraction(length) - form.constant]
        for form, length, _ in equations
    ]
    pivots = _eliminate(rows, count)
    found = {column: rows[row][count] for row, column in pivots}
    assert len(found) == count, "the extents of the inputs determine all sizes"
    sizes: dict[str, int] = {}
    for column, name in enumerate(rule.sizes):
        value = found[column]
        if value.denominator != 1 or value < 1:
            raise fail(
                "A011",
                f"the shapes of the inputs give size {name} = {value}, which is no positive integer",
                place=rule.name,
            )
        sizes[name] = int(value)
    return sizes


def _eliminate(rows: list[list[Fraction]], count: int) -> list[tuple[int, int]]:
    """Gauss-Jordan elimination in place over the first `count` columns; the pivots by row and column.

    Rows keep their order of precedence: a contradiction shows at the later row.
    """
    pivots: list[tuple[int, int]] = []
    for number, row in enumerate(rows):
        column = next((k for k in range(count) if row[k]), None)
        if column is None:
            continue
        factor = row[column]
        row[:] = [value / factor for value in row]
        for other_number, other in enumerate(rows):
            if other_number != number and other[column]:
                scale = other[column]
                other[:] = [a - scale * b for a, b in zip(other, row, strict=True)]
        pivots.append((number, column))
    return pivots


def _instead(form: Affine, wanted: int | Fraction, sizes: Mapping[str, int]) -> str:
    if not form.names:
        return f", not {wanted}"
    return f" where {print_expression(form.to_expr())} = {wanted}{_given(sizes)}"


def _given(sizes: Mapping[str, int]) -> str:
    return "".join((" for " if k == 0 else ", ") + f"{name} = {value}" for k, (name, value) in enumerate(sizes.items()))


def checked_sizes(rule: Rule, sizes: Mapping[str, Any]) -> dict[str, int]:
    """Sizes that a caller gives, as integers.

    Raises
    ------
    CompileError
        A013 if one is no positive whole number, A016 if the rule has no such size.
    """
    found = {}
    for name, value in sizes.items():
        if name not in rule.sizes:
            hint = f"sizes: {', '.join(rule.sizes)}" if rule.sizes else ""
            raise fail("A016", f"`{name}` is no size of `{rule.name}`", place=rule.name, hint=hint)
        found[name] = 0 if isinstance(value, bool) or not isinstance(value, Integral) else int(value)
        if found[name] < 1:
            raise fail("A013", f"size `{name}` needs a positive whole number, not {value!r}", place=rule.name)
    return found


def specialize(rule: Rule, sizes: Mapping[str, int], *, partly: bool = False) -> Rule:
    """The rule at given sizes: they are gone, and arithmetic on them alone is done.

    Parameters
    ----------
    rule : Rule
    sizes : mapping
        A number for every size.
    partly : bool
        Whether sizes may be missing, which then stay.

    Raises
    ------
    CompileError
        A013 if a size has no value or one that is not positive.
    """
    kept = tuple(name for name in rule.sizes if name not in sizes) if partly else ()
    if len(kept) == len(rule.sizes):
        return rule
    for name in rule.sizes:
        if name in kept:
            continue
        if sizes.get(name, 0) < 1:
            raise fail("A013", f"size `{name}` needs a positive value, not {sizes.get(name)}", place=rule.name)
    return Rule(
        rule.name,
        tuple(_declaration(d, sizes) for d in rule.inputs),
        tuple(_declaration(d, sizes) for d in rule.outputs),
        tuple(_statement(s, sizes) for s in rule.statements),
        tuple(
            Constant(c.name, _type(c.type, sizes), c.values, location=c.location) if c.type.shape else c
            for c in rule.constants
        ),
        kept,
        location=rule.location,
    )


def _declaration(declaration: Declaration, sizes: Mapping[str, int]) -> Declaration:
    return Declaration(declaration.name, _type(declaration.type, sizes), location=declaration.location)


def _type(declared: Type, sizes: Mapping[str, int]) -> Type:
    shape = tuple(_expression(extent, sizes) for extent in declared.shape)
    return Type(declared.kind, shape, declared.low, declared.high, location=declared.location)


def _statement(statement: Statement, sizes: Mapping[str, int]) -> Statement:
    positions = tuple(
        Binder(p.name, _expression(p.lower, sizes), _expression(p.upper, sizes), location=p.location)
        if isinstance(p, Binder)
        else _expression(p, sizes)
        for p in statement.positions
    )
    value = _expression(statement.value, sizes)
    return Statement(statement.target, positions, value, location=statement.location)


def _expression(root: Expr, sizes: Mapping[str, int]) -> Expr:
    """Sizes as literals; whatever is computed from sizes and literals alone becomes a literal too."""
    done: list[tuple[Expr, bool]] = []
    for node in postorder(root):
        if isinstance(node, Size) and node.name in sizes:
            done.append((Literal(sizes[node.name], location=node.location), True))
            continue
        count = len(children(node))
        if not count:
            done.append((node, False))
            continue
        kids = done[-count:]
        del done[-count:]
        new = with_children(node, tuple(kid for kid, _ in kids))
        is_sized = any(sized for _, sized in kids)
        folded = _folded(new) if is_sized else None
        done.append((new, False) if folded is None else (Literal(folded, location=node.location), True))
    return done[0][0]


def _folded(expr: Expr) -> int | None:
    """The value of integer arithmetic on literals."""
    match expr:
        case Unary("-", Literal(int() as value)):
            return -value
        case Binary("+", Literal(int() as left), Literal(int() as right)):
            return left + right
        case Binary("-", Literal(int() as left), Literal(int() as right)):
            return left - right
        case Binary("*", Literal(int() as left), Literal(int() as right)):
            return left * right
    return None
