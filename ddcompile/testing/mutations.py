"""Rules after one change: a constant, an index, a bound, an operator, a name, a clause, an entry or a type."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count as naturals
from typing import TypeVar

from ddcompile.ir.nodes import (
    Binary,
    BinaryOp,
    Binder,
    Call,
    Compare,
    CompareOp,
    Constant,
    Expr,
    If,
    Index,
    Kind,
    Literal,
    Number,
    Read,
    Reduce,
    ReduceOp,
    Rule,
    Softmax,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.traverse import postorder, rewrite

__all__ = ["change_constants", "change_statements", "mutate_rule", "mutate_statement", "with_other_type"]

T = TypeVar("T")

ARITHMETIC: tuple[BinaryOp, ...] = ("+", "-", "*")
LOGIC: tuple[BinaryOp, ...] = ("and", "or", "xor")
COMPARISONS: tuple[CompareOp, ...] = ("<", "<=", ">", ">=", "==", "!=")
REDUCTIONS: tuple[tuple[ReduceOp, ...], ...] = (("any", "all"), ("min", "max", "sum"))
KINDS: tuple[Kind, ...] = ("bit", "spin", "trit", "int", "rat", "real")


def mutate_rule(rule: Rule, rng: random.Random) -> Rule:
    """Change one node, position or clause of the statements, or one constant."""
    places = len(rule.statements) + len(rule.constants)
    if rng.randrange(places) < len(rule.statements):
        names = [d.name for d in rule.inputs] + [c.name for c in rule.constants] + [s.target for s in rule.statements]
        return replace(rule, statements=change_statements(rule.statements, rng, names))
    return replace(rule, constants=change_constants(rule.constants, rng))


def change_statements(
    statements: Sequence[Statement], rng: random.Random, names: Sequence[str]
) -> tuple[Statement, ...]:
    """Change one of some statements; seldom drop it, repeat it, rename it, or let it change values with another."""
    changed = list(statements)
    k, other = rng.randrange(len(changed)), rng.randrange(len(changed))
    match rng.randrange(24):
        case 0:
            del changed[k]
        case 1:
            changed.insert(other, changed[k])
        case 2:
            changed[k] = replace(changed[k], target=changed[other].target)
        case 3:
            first, second = changed[k], changed[other]
            changed[k] = replace(first, value=second.value)
            changed[other] = replace(second, value=first.value)
        case _:
            changed[k] = mutate_statement(changed[k], rng, names)
    return tuple(changed)


def mutate_statement(statement: Statement, rng: random.Random, names: Sequence[str] = ()) -> Statement:
    """Change a position of a clause, or one node of its value; tensors that are read may become others of `names`."""
    if statement.positions and rng.random() < 0.15:
        k = rng.randrange(len(statement.positions))
        positions = list(statement.positions)
        position = positions[k]
        if isinstance(position, Binder):
            positions[k] = _other_bound(position, rng)
        else:
            positions[k] = Binary("+", position, Literal(rng.choice((-1, 1))))
        return replace(statement, positions=tuple(positions))
    return replace(statement, value=_mutate_expression(statement.value, rng, names))


def with_other_type(rule: Rule, rng: random.Random) -> Rule:
    """Declare an input or a result of another kind."""
    k = rng.randrange(len(rule.inputs) + len(rule.outputs))
    declared = [*rule.inputs, *rule.outputs]
    old = declared[k].type
    declared[k] = replace(declared[k], type=Type(_other(KINDS, old.kind, rng), old.shape))
    return replace(rule, inputs=tuple(declared[: len(rule.inputs)]), outputs=tuple(declared[len(rule.inputs) :]))


def change_constants(constants: Sequence[Constant], rng: random.Random) -> tuple[Constant, ...]:
    """Change an entry of one of some constants: off by one, negated, by a hair, swapped; or drop or repeat an entry."""
    changed = list(constants)
    which = rng.randrange(len(changed))
    constant = changed[which]
    values = constant.values.astype(object)
    flat = values.reshape(-1)
    k, other = rng.randrange(flat.size), rng.randrange(flat.size)
    old = Fraction(flat[k])
    match rng.randrange(6):
        case 0:
            flat[k] = _off_by_one(old, rng)
        case 1:
            flat[k] = -old
        case 2:
            flat[k] = Fraction(float(old) * (1 + 2.0**-40))
        case 3 if values.ndim and len(values) > 1:
            values = values[1:] if rng.random() < 0.5 else values[:-1]
        case 4 if values.ndim:
            values = values[[0, *range(len(values))]]
        case _:
            flat[k], flat[other] = Fraction(flat[other]), old
    kind = constant.type.kind if constant.type.kind in ("rat", "real") else None
    changed[which] = Constant.of(constant.name, values, kind)
    return tuple(changed)


def _mutate_expression(expr: Expr, rng: random.Random, names: Sequence[str]) -> Expr:
    """Change one node that has something to change; if there is none, add one."""
    places = [k for k, node in enumerate(postorder(expr)) if _options(node, names)]
    if not places:
        return Binary("+", expr, Literal(1))
    chosen, count = rng.choice(places), naturals()
    return rewrite(expr, lambda node: rng.choice(_options(node, names))(rng) if next(count) == chosen else node)


Change = Callable[[random.Random], Expr]


def _options(node: Expr, names: Sequence[str]) -> list[Change]:
    """The ways in which a node may be changed."""
    match node:
        case Literal(value):
            return [lambda rng: Literal(_off_by_one(value, rng)), lambda rng: Literal(_other_number(value, rng))]
        case Index():
            return [lambda rng: Binary("+", node, Literal(rng.choice((-1, 1))))]
        case Compare(ops, operands):
            return [
                lambda rng: Compare(_other_comparison(ops, rng), operands),
                lambda rng: Compare(ops, operands[::-1]),
            ]
        case If(condition, then, otherwise):
            return [lambda _: If(condition, otherwise, then)]
        case Reduce():
            return _options_of_reduction(node)
        case Unary(_, operand):
            return [lambda _: operand]
        case Binary(op, left, right):
            family = LOGIC if op in LOGIC else ARITHMETIC if op in ARITHMETIC else ()
            changes: list[Change] = [lambda rng: Binary(_other(family, op, rng), left, right)] if family else []
            return [*changes, *([lambda _: Binary(op, right, left)] if op == "-" else []), lambda _: left]
        case Call(function, arguments):
            return [
                lambda _: Call("max" if function == "min" else "min", arguments),
                lambda rng: rng.choice(arguments),
            ]
        case Read():
            return _options_of_read(node, names)
        case Softmax(binder, body, position):
            return [lambda rng: Softmax(_other_bound(binder, rng), body, position)]
    return []


def _options_of_reduction(node: Reduce) -> list[Change]:
    op, binders, body = node.op, node.binders, node.body
    options: list[Change] = [lambda rng: Reduce(op, _with_other_bound(binders, rng), body)]
    for family in REDUCTIONS:
        if op in family:
            others = [other for other in family if other != op]
            options.append(lambda rng, others=others: Reduce(rng.choice(others), binders, body))  # type: ignore[misc]
    return options


def _options_of_read(node: Read, names: Sequence[str]) -> list[Change]:
    tensor, positions, pad = node.tensor, node.positions, node.pad
    options: list[Change] = []
    if len(positions) > 1:
        options.append(lambda _: Read(tensor, (*positions[1:], positions[0]), pad))
    if positions:
        options.append(lambda rng: Read(tensor, _shifted(positions, rng), pad))
    if pad is not None:
        options.append(lambda _: Read(tensor, positions))
        options.append(lambda _: Read(tensor, positions, Binary("+", pad, Literal(1))))
    others = [name for name in names if name != tensor]
    if others:
        options.append(lambda rng: Read(rng.choice(others), positions, pad))
    return options


def _shifted(positions: tuple[Expr, ...], rng: random.Random) -> tuple[Expr, ...]:
    k = rng.randrange(len(positions))
    moved = Binary("+", positions[k], Literal(rng.choice((-1, 1))))
    return (*positions[:k], moved, *positions[k + 1 :])


def _with_other_bound(binders: tuple[Binder, ...], rng: random.Random) -> tuple[Binder, ...]:
    k = rng.randrange(len(binders))
    return (*binders[:k], _other_bound(binders[k], rng), *binders[k + 1 :])


def _other_bound(binder: Binder, rng: random.Random) -> Binder:
    """The lower or the upper bound moved by one."""
    step = Literal(rng.choice((-1, 1)))
    if rng.random() < 0.5:
        return replace(binder, lower=_sum(binder.lower, step))
    return replace(binder, upper=_sum(binder.upper, step))


def _sum(expr: Expr, step: Literal) -> Expr:
    return Literal(expr.value + step.value) if isinstance(expr, Literal) else Binary("+", expr, step)


def _other_comparison(ops: tuple[CompareOp, ...], rng: random.Random) -> tuple[CompareOp, ...]:
    if len(ops) == 1:
        return (_other(COMPARISONS, ops[0], rng),)
    k = rng.randrange(len(ops))
    return (*ops[:k], "<" if ops[k] == "<=" else "<=", *ops[k + 1 :])


def _off_by_one(number: Number, rng: random.Random) -> Number:
    """The number plus or minus 1; a fraction as the nearest double."""
    moved = number + rng.choice((-1, 1))
    return moved if Fraction(moved).denominator == 1 else Fraction(float(moved))


def _other_number(number: Number, rng: random.Random) -> Number:
    """The number negated, doubled, or a hair larger; numbers beyond doubles are negated."""
    if abs(Fraction(number)) > 2**1000:
        return -number
    hair = Fraction(float(number)) + Fraction(1, 2**40)
    others: tuple[Number, ...] = (-number, 2 * number, hair if hair == Fraction(float(hair)) else -number)
    return rng.choice(others)


def _other(options: Sequence[T], old: T, rng: random.Random) -> T:
    return rng.choice([option for option in options if option != old])
