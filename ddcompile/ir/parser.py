"""Text to rules.

`rule.lark` is the grammar (LALR); nodes are made while it reduces, names are resolved afterwards. Neither the length
nor the depth of a text meets the recursion limit. Mistakes raise `CompileError` with codes `S...`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
from lark import Lark, UnexpectedInput, UnexpectedToken

from ddcompile.diagnostics import CompileError, Diagnostic, Location
from ddcompile.grammars import load
from ddcompile.ir.constants import array_from_text
from ddcompile.ir.nodes import Constant, Declaration, Expr, Literal, Rule, Statement
from ddcompile.ir.resolve import Scope
from ddcompile.ir.syntax_context import source_line
from ddcompile.ir.syntax_errors import explain
from ddcompile.ir.transformer import FILE, Body, Fault, ParsedRule, PendingConstant, RuleActions

__all__ = ["parse", "parse_declarations", "parse_expression", "parse_statements"]


def parse(text: str, file: str = "", constants: Mapping[str, np.ndarray] | None = None) -> Rule:
    """Read a rule.

    Parameters
    ----------
    text
        A whole rule and nothing else but comments.
    file
        The name of the file for locations and messages.
    constants
        The data of constants that the text gives by hash: SHA-256 in hex to array.

    Returns
    -------
    Rule
        Checked for syntax only; `ddcompile.ir.verifier` checks names, types and shapes.

    Raises
    ------
    CompileError
        If the text is not a rule.
    """
    parsed: ParsedRule = _read("rule", text, file)
    rule = parsed.rule
    scope = Scope(sizes=rule.sizes)
    return Rule(
        rule.name,
        tuple(scope.declaration(d) for d in rule.inputs),
        tuple(scope.declaration(d) for d in rule.outputs),
        tuple(scope.statement(s) for s in rule.statements),
        _constants(parsed.constants, scope, text, constants or {}),
        rule.sizes,
        location=rule.location,
    )


def parse_statements(
    text: str, file: str = "", sizes: Iterable[str] = (), constants: Mapping[str, np.ndarray] | None = None
) -> tuple[tuple[Constant, ...], tuple[Statement, ...]]:
    """Read the inside of a rule: constants, then statements.

    Raises
    ------
    CompileError
        If the text is something else.
    """
    body: Body = _read("body", text, file)
    scope = Scope(sizes=sizes)
    found = _constants(body.constants, scope, text, constants or {})
    return found, tuple(scope.statement(s) for s in body.statements)


def parse_expression(text: str, indices: Iterable[str] = (), sizes: Iterable[str] = ()) -> Expr:
    """Read an expression in which the given indices and sizes are bound.

    Raises
    ------
    CompileError
        If the text is something else.
    """
    expr: Expr = _read("expression", text, "")
    return Scope(indices, sizes).expression(expr)


def parse_declarations(text: str, sizes: Iterable[str] = ()) -> tuple[Declaration, ...]:
    """Read inputs or results as a header names them: `image: bit[28, 28], y: bit`.

    Raises
    ------
    CompileError
        If the text is something else.
    """
    found: tuple[Declaration, ...] = _read("declaration_list", text, "")
    scope = Scope(sizes=sizes)
    return tuple(scope.declaration(d) for d in found)


@cache
def _grammar() -> Lark:
    return Lark(
        load("rule.lark"),
        parser="lalr",
        lexer="contextual",
        start=["rule", "body", "expression", "declaration_list"],
        transformer=RuleActions(),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


def _read(start: str, text: str, file: str) -> Any:
    reset = FILE.set(file)
    try:
        return _grammar().parse(text, start=start)
    except Fault as fault:
        raise _error(fault, text) from None
    except UnexpectedInput as error:
        raise CompileError(explain(text, file, start, *_stop(error, text))) from None
    finally:
        FILE.reset(reset)


def _stop(error: UnexpectedInput, text: str) -> tuple[int, frozenset[str]]:
    """Where the parser stopped, and the terminals with which it would have gone on."""
    known = vars(error)  # the LALR parser sets more than lark's types declare
    is_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    return len(text) if is_end else known["pos_in_stream"], frozenset(known["interactive_parser"].accepts())


def _error(fault: Fault, text: str) -> CompileError:
    source = source_line(text, fault.location)
    return CompileError(Diagnostic(fault.code, fault.message, fault.location, fault.hint, source))


def _constants(
    pending: list[PendingConstant], scope: Scope, text: str, known: Mapping[str, np.ndarray]
) -> tuple[Constant, ...]:
    try:
        return tuple(_constant(p, scope, known) for p in pending)
    except Fault as fault:
        raise _error(fault, text) from None


def _constant(pending: PendingConstant, scope: Scope, known: Mapping[str, np.ndarray]) -> Constant:
    type = scope.type(pending.type)
    where = pending.data_location
    if pending.text.startswith("sha256:"):
        digest = pending.text.removeprefix("sha256:")
        if digest not in known:
            message = f"the data of `{pending.name}` are in a side file that was not given"
            raise Fault("S015", message, where, "load the rule with the file that was saved beside it")
        values = known[digest]
    else:
        try:
            values = array_from_text(pending.text)
        except json.JSONDecodeError as error:
            raise Fault("S012", *_array_mistake(pending.text, error, where)) from None
        except ValueError as error:
            raise Fault("S012", f"bad data of `{pending.name}`: {error}", where) from None
    extents = tuple(e.value for e in type.shape if isinstance(e, Literal) and isinstance(e.value, int))
    if not values.size and len(extents) == len(type.shape) and 0 in extents:
        values = values.reshape(extents)  # brackets do not tell the extents inside an empty array
    return Constant(pending.name, type, values, location=pending.location)


def _array_mistake(text: str, error: json.JSONDecodeError, where: Location) -> tuple[str, Location, str]:
    """What is wrong inside the text of an array, and at which place of the file."""
    before = text[: error.pos]
    line = where.line + before.count("\n")
    column = len(before) - before.rfind("\n") if "\n" in before else where.column + error.pos
    wanted = "`,` or `]`" if "delimiter" in error.msg else "a number or `[`"
    message = f"expected {wanted} in the array, found `{text[error.pos : error.pos + 1]}`"
    hint = "rows look like [[1, -2], [0.5, 1e-3]]: digits on both sides of a point, one comma between entries"
    return message, Location(where.file, line, column, line, column + 1), hint
