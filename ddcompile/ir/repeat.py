"""A rule that is applied again and again, as one rule: its steps become a recurrence over a first index.

    rule adder(a: bit, b: bit, carry: bit) -> (digit: bit, carry_out: bit) {
      digit = a xor b xor carry
      carry_out = a + b + carry >= 2
    }

with `carry` fed by `carry_out`, starting at 0, over N steps:

    rule adder<N>(a: bit[N], b: bit[N]) -> (digit: bit[N], carry_out: bit) {
      digit[t < N] = a[t] xor b[t] xor pad(carry, 0)[t - 1]
      carry[t < N] = a[t] + b[t] + pad(carry, 0)[t - 1] >= 2
      carry_out = carry[N - 1]
    }

A state that starts from an array or an input, or is read beyond its edge, gets an element more:

    state[0, i < N] = cell[i]
    state[1 <= t < T + 1, i < N] = state[t - 1, i] xor state[t - 1, (i + 1) % N]
    next[i < N] = state[T, i]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ddcompile.ir.builder import add, index, literal_value
from ddcompile.ir.nodes import (
    Binder,
    Constant,
    Declaration,
    Expr,
    Index,
    Literal,
    Read,
    Rule,
    Size,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.schedule import evaluation_order
from ddcompile.ir.scopes import scoped
from ddcompile.ir.syntax import RESERVED
from ddcompile.ir.traverse import rewrite
from ddcompile.ir.types import infer

__all__ = ["Repetition", "State", "fresh_name", "names_of", "repeated"]


@dataclass(frozen=True, slots=True)
class State:
    """What one step hands to the next: the input that takes it, and the result that gives it.

    `start` is what the first step takes, an array in canonical form: of one number, or of the shape of the input.
    Without it, the first step takes the input of the new rule.
    """

    source: str
    result: str
    start: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Repetition:
    """How a rule is repeated.

    Attributes
    ----------
    states : tuple of State
    steps : Expr
        How often: a literal, or a size that the rule does not have yet.
    axis : int or None
        Where inputs and results that are no state have the axis of steps, 0 or -1; None if each step takes the same.
    name : str
        Of the new rule.
    has_last : bool
        Whether the states after the last step are results.
    """

    states: tuple[State, ...]
    steps: Expr
    axis: int | None
    name: str
    has_last: bool = True


def repeated(rule: Rule, how: Repetition) -> Rule:
    """The rule that repeats another; whether it is legal is for the verifier to say."""
    return _Repeater(rule, how).rule_of_steps()


def names_of(rule: Rule) -> set[str]:
    """The names of sizes, inputs, results, constants and tensors."""
    declared = {*(d.name for d in (*rule.inputs, *rule.outputs)), *(c.name for c in rule.constants)}
    return {*rule.sizes, *declared, *(s.target for s in rule.statements)}


def fresh_name(wanted: str, used: set[str]) -> str:
    """The name wanted, with the first number behind it that makes it unlike those in use; it is in use from then on."""
    name, k = wanted, 1
    while name in used or name in RESERVED:
        k += 1
        name = f"{wanted}_{k}"
    used.add(name)
    return name


class _Repeater:
    def __init__(self, rule: Rule, how: Repetition) -> None:
        self.rule = rule
        self.how = how
        used = names_of(rule) | {n.name for n in (how.steps,) if isinstance(n, Size)}
        self.letters = [fresh_name(letter, used) for letter in _letters(rule)]
        self.t = fresh_name("t", used | _indices(rule))
        used.add(self.t)
        self.by_source = {state.source: state for state in how.states}
        self.by_result = {state.result: state for state in how.states}
        self.stepped = set() if how.axis is None else {d.name for d in rule.inputs} - set(self.by_source)
        self.varying = self._varying()
        self.is_padded = {s.source: self._is_padded(s) for s in how.states}
        self.is_inlined = {s.source: not self._readers(s.result) - {s.result} for s in how.states}
        self.stored: dict[str, str] = {}
        self.renamed: dict[str, str] = {}
        for state in how.states:
            stem = "state" if len(how.states) == 1 else f"state_{state.source}"
            self.stored[state.source] = state.source if state.start is not None else fresh_name(stem, used)
            if self.is_padded[state.source] or self.is_inlined[state.source]:
                self.renamed[state.result] = self.stored[state.source]
            else:
                self.renamed[state.result] = fresh_name(f"each_{state.result}", used)
        for declaration in rule.outputs:
            name = declaration.name
            if how.axis == -1 and name not in self.by_result and declaration.type.shape and self._readers(name):
                self.renamed[name] = fresh_name(f"each_{name}", used)
        self.starts = {
            s.source: fresh_name(f"{s.source}_start", used)
            for s in how.states
            if s.start is not None and s.start.shape != ()
        }

    def rule_of_steps(self) -> Rule:
        rule, how = self.rule, self.how
        inputs = [self._declared(d, d.name in self.stepped) for d in rule.inputs if self._stays(d.name)]
        outputs = [self._declared(d, d.name not in self.by_result) for d in rule.outputs if self._is_kept(d)]
        constants = [*rule.constants, *(self._start(s) for s in how.states if s.source in self.starts)]
        order = [rule.statements[number] for group in evaluation_order(rule) for number in group]
        ahead = {s.result for s in how.states if self.is_inlined[s.source] and not self.is_padded[s.source]}
        statements = [
            *(clause for state in how.states if not self.is_padded[state.source] for clause in self._advance(state)),
            *(self._at(s, index(self.t), Literal(0), how.steps) for s in order if s.target not in ahead),
            *(self._last(d) for d in rule.outputs if d.name in self.by_result and self._is_kept(d)),
            *(self._transposed(d) for d in rule.outputs if d.name in self.renamed and d.name not in self.by_result),
        ]
        sizes = (*rule.sizes, *([how.steps.name] if isinstance(how.steps, Size) else []))
        return Rule(how.name, tuple(inputs), tuple(outputs), tuple(statements), tuple(constants), sizes)

    def _stays(self, name: str) -> bool:
        return name not in self.by_source or self.by_source[name].start is None

    def _is_kept(self, result: Declaration) -> bool:
        return self.how.has_last or result.name not in self.by_result

    def _varying(self) -> set[str]:
        """Inputs and tensors that are not the same at every step; results count as such."""
        found = {*self.by_source, *self.stepped, *(d.name for d in self.rule.outputs)}
        for group in evaluation_order(self.rule):
            own = [self.rule.statements[number] for number in group]
            if any(node.tensor in found for statement in own for node in _reads(statement)):
                found.update(statement.target for statement in own)
        return found

    def _readers(self, tensor: str) -> set[str]:
        return {s.target for s in self.rule.statements if any(node.tensor == tensor for node in _reads(s))}

    def _is_padded(self, state: State) -> bool:
        """Whether what is before the first step can be read as what is outside the tensor."""
        if state.start is None or state.start.shape != ():
            return False
        start = state.start.item()
        found = [node for s in self.rule.statements for node in _reads(s) if node.tensor == state.source]
        return all(node.pad is None or literal_value(node.pad) == start for node in found)

    def _declared(self, declaration: Declaration, is_stepped: bool) -> Declaration:
        if not is_stepped:
            return declaration
        of = declaration.type
        shape = self._with_step(of.shape, self.how.steps)
        return Declaration(declaration.name, Type(of.kind, shape, of.low, of.high))

    def _with_step(self, positions: tuple[Expr, ...], step: Expr) -> tuple[Expr, ...]:
        return (*positions, step) if self.how.axis == -1 else (step, *positions)

    def _start(self, state: State) -> Constant:
        assert state.start is not None
        kind = self._input(state.source).type.kind
        return Constant.of(self.starts[state.source], state.start, kind)

    def _input(self, name: str) -> Declaration:
        return next(d for d in self.rule.inputs if d.name == name)

    def _advance(self, state: State) -> Iterator[Statement]:
        """The clauses of a state that has an element more than there are steps."""
        declaration, stored = self._input(state.source), self.stored[state.source]
        binders, places = self._box(declaration)
        if state.start is None:
            first: Expr = Read(state.source, places)
        elif state.source in self.starts:
            first = Read(self.starts[state.source], places)
        else:
            first = Literal(state.start.item())
        yield Statement(stored, (Literal(0), *binders), first)
        before = add(index(self.t), -1)
        after = Binder(self.t, Literal(1), add(self.how.steps, 1))
        if self.is_inlined[state.source]:
            own = [s for s in self.rule.statements if s.target == state.result]
            yield from (self._at(s, before, after.lower, after.upper) for s in own)
        else:
            yield Statement(stored, (after, *binders), Read(self.renamed[state.result], (before, *places)))

    def _at(self, statement: Statement, step: Expr, lower: Expr, upper: Expr) -> Statement:
        """A statement of the rule, for steps whose number is `step`, the index being in a range."""
        target = statement.target
        if target not in self.varying:
            return statement

        def moved(node: Expr) -> Expr:
            return self._moved(node, step) if isinstance(node, Read) else node

        own = tuple(
            Binder(p.name, rewrite(p.lower, moved), rewrite(p.upper, moved)) if isinstance(p, Binder) else p
            for p in statement.positions
        )
        over = Binder(self.t, lower, upper)
        is_last = self.how.axis == -1 and target not in self.by_result and target not in self.renamed
        positions = (*own, over) if is_last and self._is_result(target) else (over, *own)
        value = rewrite(statement.value, moved)
        if target in self.renamed and self._is_rounded(target):
            value = Unary("real", value)
        return Statement(self.renamed.get(target, target), positions, value)

    def _is_result(self, name: str) -> bool:
        return any(d.name == name for d in self.rule.outputs)

    def _is_rounded(self, result: str) -> bool:
        """Whether a result is real by its declaration alone, which rounds what is exact; or may start with what is."""
        declared = next(d for d in self.rule.outputs if d.name == result)
        is_exact = result in self.by_result or infer(self.rule).inferred[result].kind != "real"
        return declared.type.kind == "real" and is_exact

    def _moved(self, node: Read, step: Expr) -> Read:
        """What a read is at a step."""
        name, positions, pad = node.tensor, node.positions, node.pad
        if name in self.by_source:
            stored = self.stored[name]
            if self.is_padded[name]:
                start = self.by_source[name].start
                assert start is not None
                return Read(stored, (add(step, -1), *positions), Literal(start.item()))
            return Read(stored, (step, *positions), pad)
        if name in self.by_result:
            source = self.by_result[name].source
            is_ahead = self.is_inlined[source] and not self.is_padded[source]
            return Read(self.renamed[name], (add(step, 1) if is_ahead else step, *positions), pad)
        if name in self.stepped:
            return Read(name, self._with_step(positions, step), pad)
        if name in self.varying:
            return Read(self.renamed.get(name, name), (step, *positions), pad)
        return node

    def _last(self, declaration: Declaration) -> Statement:
        """The state after the last step."""
        source = self.by_result[declaration.name].source
        binders, places = self._box(declaration)
        last = add(self.how.steps, -1) if self.is_padded[source] else self.how.steps
        return Statement(declaration.name, binders, Read(self.stored[source], (last, *places)))

    def _transposed(self, declaration: Declaration) -> Statement:
        """A result whose elements of one step are together where it is computed."""
        binders, places = self._box(declaration)
        over = Binder(self.t, Literal(0), self.how.steps)
        value = Read(self.renamed[declaration.name], (index(self.t), *places))
        return Statement(declaration.name, (*binders, over), value)

    def _box(self, declaration: Declaration) -> tuple[tuple[Binder, ...], tuple[Index, ...]]:
        """Binders over all elements of an input or result, and their indices."""
        shape = declaration.type.shape
        letters = self.letters[: len(shape)]
        binders = tuple(Binder(name, Literal(0), extent) for name, extent in zip(letters, shape, strict=True))
        return binders, tuple(Index(name) for name in letters)


def _reads(statement: Statement) -> Iterator[Read]:
    return (node for node, _ in scoped(statement) if isinstance(node, Read))


def _indices(rule: Rule) -> set[str]:
    scopes = (scope for statement in rule.statements for _, scope in scoped(statement))
    bound = {b.name for statement in rule.statements for b in statement.binders}
    return bound | {scope.binder.name for scope in scopes if scope is not None}


def _letters(rule: Rule) -> Iterable[str]:
    """As many names of indices as an input or result has axes."""
    axes = max((len(d.type.shape) for d in (*rule.inputs, *rule.outputs)), default=0)
    return [f"{'ijkl'[k % 4]}{k // 4 or ''}" for k in range(axes)]
