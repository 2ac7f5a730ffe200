"""Rules that repeat another: digit after digit (`scan`), or step after step of time (`iterate`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from numbers import Integral
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ddcompile import driver
from ddcompile.diagnostics import CompileError, Diagnostic, fail
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import Declaration, Expr, Literal, Rule, Size, canonical_array
from ddcompile.ir.printer import print_type
from ddcompile.ir.ranges import exact
from ddcompile.ir.repeat import Repetition, State, fresh_name, names_of, repeated
from ddcompile.ir.syntax import is_name
from ddcompile.ir.types import declared_type, extents
from ddcompile.ir.verifier import check as check_rule
from ddcompile.program import Program

__all__ = ["StateNames", "iterate", "scan"]

StateNames: TypeAlias = str | Iterable[str] | Mapping[str, str]
"""Inputs that are fed by results: one, several, or each with the name of the result."""


def scan(
    step: Program | str | Path,
    state: StateNames,
    *,
    initial: Any = 0,
    length: int | None = None,
    axis: int = 0,
    last: bool = True,
    name: str | None = None,
) -> Program:
    """Make a rule for a sequence of a rule for one step: addition of numbers, say, from addition of digits.

    At every step, the rule takes the next element of each input, and a state that the step before has made. The new
    rule takes whole sequences, and gives those of the results and the last state.

    Parameters
    ----------
    step : Program or path
        Of one step.
    state : str, iterable of str or mapping
        The inputs that are the state, such as `"carry"`. A mapping names the result that makes the next one; by
        default it is `next_carry`, `new_carry` or `carry_out` (of `carry` or `carry_in`), else the only result of its
        type.
    initial : number, array_like, mapping or None
        The state that the first step takes, by name if there are several. None: it stays an input.
    length : int, optional
        How many steps there are; by default any number, a size N that the shapes of the inputs tell.
    axis : {0, -1}
        Where the axis of steps is in inputs and results: before all others or behind them.
    last : bool
        Whether the state after the last step is a result, under the name that it has in the step.
    name : str, optional
        Of the new rule; by default that of the step.

    Returns
    -------
    Program
        A definition: what is proved of the step, holds for each of its steps.

    Raises
    ------
    CompileError
        U017 if `step` is no program; U013 if there is no such state, or no result that fits it; U014 if the initial
        state does not fit; U015 if nothing tells the number of steps; U007 for a bad name; T### if the rule is not
        legal.
    """
    place = "scan"
    program = _program(step, place)
    rule = program.rule
    if axis not in (0, -1):
        raise fail("U015", f"the axis of steps is 0 or -1, not {axis}", place=place)
    pairs = _pairs(rule, state, place)
    sources, results = {s for s, _ in pairs}, {r for _, r in pairs}
    if length is None and all(d.name in sources for d in rule.inputs) and len(results) < len(rule.outputs):
        message = f"`{rule.name}` takes nothing but its state, so that nothing tells the number of steps"
        raise fail("U015", message, place=place, hint="give it: `length=8`")
    if not last and len(results) == len(rule.outputs):
        message = f"`{rule.name}` gives nothing but its state, so that its last value is the result"
        raise fail("U013", message, place=place)
    starts = _starts(rule, [s for s, _ in pairs], initial, place)
    states = tuple(State(source, result, starts[source]) for source, result in pairs)
    steps = _count(rule, length, "N", place)
    return _repeated(program, Repetition(states, steps, axis, _named(rule, name), last), place)


def iterate(
    rule: Program | str | Path,
    steps: int | None = None,
    *,
    state: StateNames | None = None,
    name: str | None = None,
) -> Program:
    """Make a rule for many steps of a rule that gives what it takes: of an automaton, say.

    Parameters
    ----------
    rule : Program or path
        Its results are the next values of inputs of the same types; other inputs are the same at every step.
    steps : int, optional
        How many, at least 1; by default any number, a size T that is given when the rule is run.
    state : str, iterable of str or mapping, optional
        The inputs that are fed back, and by which result, as in `scan`; by default all inputs by the results in order.
    name : str, optional
        Of the new rule; by default that of the old one.

    Returns
    -------
    Program
        A definition: what is proved of one step, holds for each.

    Raises
    ------
    CompileError
        U017 if `rule` is no program; U013 if inputs and results do not fit; U015 if the number of steps is not
        positive; U007 for a bad name; T### if the rule is not legal.
    """
    place = "iterate"
    program = _program(rule, place)
    if state is None:
        names = [d.name for d in program.rule.inputs], [d.name for d in program.rule.outputs]
        if len(names[0]) != len(names[1]):
            message = f"`{program.name}` has {counted(len(names[0]), 'input')} and {counted(len(names[1]), 'result')}"
            raise fail("U013", message, place=place, hint="name the inputs that results feed: `state=...`")
        state = dict(zip(*names, strict=True))
    pairs = _pairs(program.rule, state, place)
    left = [d.name for d in program.rule.outputs if d.name not in {r for _, r in pairs}]
    if left:
        raise fail("U013", f"the result `{left[0]}` feeds no input", place=place)
    states = tuple(State(*pair) for pair in pairs)
    count = _count(program.rule, steps, "T", place)
    return _repeated(program, Repetition(states, count, None, _named(program.rule, name)), place)


def _program(given: Any, place: str) -> Program:
    if isinstance(given, Program):
        return given
    if isinstance(given, str | Path):
        return driver.load(given)
    hint = "give what distill, load or parse gave, or the path of a rule file"
    raise fail("U017", f"{type(given).__name__} is no program", place=place, hint=hint)


def _pairs(rule: Rule, state: StateNames, place: str) -> list[tuple[str, str]]:
    """The inputs that are states, each with its result."""
    if isinstance(state, str):
        state = (state,)
    if not isinstance(state, Iterable):
        raise fail("U013", f"a state is the name of an input, or several, not {state!r}", place=place)
    inputs = {d.name: d for d in rule.inputs}
    outputs = {d.name: d for d in rule.outputs}
    known = f"inputs: {', '.join(inputs)}; results: {', '.join(outputs)}"
    found: list[tuple[str, str]] = []
    for source in state:
        if source not in inputs:
            raise fail("U013", f"`{source}` is no input of `{rule.name}`", place=place, hint=known)
        result = state[source] if isinstance(state, Mapping) else _result_for(inputs[source], rule, place)
        if result not in outputs:
            raise fail("U013", f"`{result}` is no result of `{rule.name}`", place=place, hint=known)
        if not _fits(outputs[result], inputs[source]):
            types = f"{print_type(outputs[result].type)}, not {print_type(inputs[source].type)}"
            raise fail("U013", f"`{result}` cannot feed `{source}`: it is {types}", place=place)
        found.append((source, result))
    if not found:
        raise fail("U013", "there is no state", place=place, hint=known)
    for names in zip(*found, strict=True):
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise fail("U013", f"`{twice[0]}` is named twice", place=place)
    return found


def _result_for(source: Declaration, rule: Rule, place: str) -> str:
    """The result that makes the next value of a state, by its name or its type."""
    stem = source.name.removesuffix("_in")
    outputs = [d.name for d in rule.outputs]
    named = [name for name in (f"next_{stem}", f"new_{stem}", f"{stem}_out") if name in outputs]
    alike = named or [d.name for d in rule.outputs if d.type == source.type]
    if len(alike) == 1:
        return alike[0]
    message = f"{'several results' if alike else 'no result'} of `{rule.name}` could be the next `{source.name}`"
    hint = f'say which: `state={{"{source.name}": "..."}}`; results: {", ".join(outputs)}'
    raise fail("U013", message, place=place, hint=hint)


def _fits(result: Declaration, source: Declaration) -> bool:
    """Whether every value of a result is one of an input. Unbounded integers are, of `int`."""
    given, taken = declared_type(result.type), declared_type(source.type)
    has_kind = (given.kind == "real") == (taken.kind == "real")
    return has_kind and result.type.shape == source.type.shape and given.is_within(taken)


def _starts(rule: Rule, sources: list[str], initial: Any, place: str) -> dict[str, np.ndarray | None]:
    """What the first step takes, by the name of the state."""
    if isinstance(initial, Mapping):
        unknown = [name for name in initial if name not in sources]
        if unknown:
            raise fail("U014", f"`{unknown[0]}` is no state", place=place, hint=f"states: {', '.join(sources)}")
    found: dict[str, np.ndarray | None] = {}
    for declaration in rule.inputs:
        if declaration.name in sources:
            given = initial.get(declaration.name, 0) if isinstance(initial, Mapping) else initial
            found[declaration.name] = None if given is None else _start(declaration, given, place)
    return found


def _start(declaration: Declaration, given: Any, place: str) -> np.ndarray:
    where = f"the initial `{declaration.name}`"
    wanted = print_type(declaration.type)
    try:
        array = canonical_array(given)
    except (TypeError, ValueError, OverflowError) as error:
        raise fail("U014", f"{where} is no array of numbers, but {wanted}", place=place) from error
    try:
        shape = extents(declaration.type)
    except ValueError:
        shape = ()
    if array.shape not in ((), shape):
        raise fail("U014", f"{where} has the shape {array.shape}, but is {wanted}", place=place)
    values = declared_type(declaration.type, is_input=True)
    entries = array.ravel().tolist()
    for value in entries:
        if not exact(value if isinstance(value, int) else Fraction(value)).is_within(values):
            raise fail("U014", f"{where} is {value}, but {wanted}", place=place)
    return canonical_array(entries[0]) if len(set(entries)) == 1 else array


def _count(rule: Rule, steps: Any, letter: str, place: str) -> Expr:
    """The number of steps: as it is given, or a new size."""
    if steps is None:
        return Size(fresh_name(letter, names_of(rule)))
    if isinstance(steps, bool) or not isinstance(steps, Integral):
        raise fail("U015", f"the number of steps is a whole number, not {steps!r}", place=place)
    if steps < 1:
        raise fail("U015", f"the number of steps is at least 1, not {steps}", place=place)
    return Literal(int(steps))


def _named(rule: Rule, name: Any) -> str:
    if name is not None and not (isinstance(name, str) and is_name(name)):
        raise fail("U007", f"`{name}` is not a name", place="name", hint="letters, digits and _, no reserved word")
    return rule.name if name is None else str(name)


def _repeated(program: Program, how: Repetition, place: str) -> Program:
    rule = repeated(program.rule, how)
    try:
        check_rule(rule)
    except CompileError as error:
        raise CompileError(_of_steps(d, place) for d in error.diagnostics) from None
    known = f" ({program.known})" if program.known else ""
    return Program(rule, program.network_sha256, repeats=f"{program.name}{known}")


def _of_steps(found: Diagnostic, place: str) -> Diagnostic:
    """What is wrong with a rule that no text has, as the step alone is."""
    hint = _OWN_RECURRENCE if found.code == "T052" else found.hint
    return Diagnostic(found.code, f"of the repeated rule: {found.message}", None, hint, "", place)


_OWN_RECURRENCE = "what reads itself within a step can read or give a state only if nothing else of the step does so"
