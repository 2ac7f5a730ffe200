"""Tampering with rules and certificates, one change at a time: what a checker must not be talked into."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count as naturals
from typing import TypeVar

from ddcompile.ir.nodes import (
    Binary,
    BinaryOp,
    Binder,
    Compare,
    CompareOp,
    Constant,
    Expr,
    If,
    Literal,
    Number,
    Read,
    Reduce,
    ReduceOp,
    Rule,
    Statement,
    Unary,
)
from ddcompile.ir.traverse import postorder, rewrite
from ddcompile.prove.certificate import Certificate
from ddcompile.prove.steps import WitnessClauses

__all__ = ["Tampered", "mutate_rule", "mutate_statement", "tampered"]

T = TypeVar("T")

ARITHMETIC: tuple[BinaryOp, ...] = ("+", "-", "*")
LOGIC: tuple[BinaryOp, ...] = ("and", "or", "xor")
COMPARISONS: tuple[CompareOp, ...] = ("<", "<=", ">", ">=", "==", "!=")
BITS: tuple[ReduceOp, ...] = ("any", "all")
EXTREMES: tuple[ReduceOp, ...] = ("min", "max")


@dataclass(frozen=True, slots=True)
class Tampered:
    """A certificate after one change; `what` says which."""

    certificate: Certificate
    what: str


def tampered(certificate: Certificate, rng: random.Random) -> Tampered:
    """Change the network, the rule, a program in between or a witness.

    Programs between two steps are changed in both, so that the chain stays whole; saved, all hashes are right.

    Parameters
    ----------
    certificate : Certificate
        With at least one step.
    rng : random.Random
        Chooses the place and the change.
    """
    steps = list(certificate.steps)
    k = rng.randrange(len(steps))
    kinds = ["network", "rule", "both sides of a step"]
    if steps[k].witness.statements or steps[k].witness.constants:
        kinds += ["witness", "witness"]
    match rng.choice(kinds):
        case "network":
            steps[0] = replace(steps[0], old=mutate_rule(steps[0].old, rng))
            what = "network"
        case "rule":
            steps[-1] = replace(steps[-1], new=mutate_rule(steps[-1].new, rng))
            what = "rule"
        case "witness":
            steps[k] = replace(steps[k], witness=_mutate_witness(steps[k].witness, rng))
            what = f"witness of {steps[k].name}"
        case _:
            changed = mutate_rule(steps[k].new, rng)
            steps[k] = replace(steps[k], new=changed)
            if k + 1 < len(steps):
                steps[k + 1] = replace(steps[k + 1], old=changed)
            what = f"program after {steps[k].name}"
    return Tampered(replace(certificate, steps=tuple(steps)), what)


def mutate_rule(rule: Rule, rng: random.Random) -> Rule:
    """Change one node of a statement, or one entry of a constant."""
    places = [*range(len(rule.statements)), *(-1 - k for k in range(len(rule.constants)))]
    place = rng.choice(places)
    if place < 0:
        constants = list(rule.constants)
        constants[-1 - place] = _mutate_constant(constants[-1 - place], rng)
        return replace(rule, constants=tuple(constants))
    statements = list(rule.statements)
    statements[place] = mutate_statement(statements[place], rng)
    return replace(rule, statements=tuple(statements))


def mutate_statement(statement: Statement, rng: random.Random) -> Statement:
    """Change a bound of a clause, or one node of its value."""
    bounds = [k for k, p in enumerate(statement.positions) if isinstance(p, Binder)]
    if bounds and rng.random() < 0.1:
        k = rng.choice(bounds)
        positions = list(statement.positions)
        binder = positions[k]
        assert isinstance(binder, Binder)
        positions[k] = replace(binder, upper=_mutate_expression(binder.upper, rng))
        return replace(statement, positions=tuple(positions))
    return replace(statement, value=_mutate_expression(statement.value, rng))


def _mutate_witness(witness: WitnessClauses, rng: random.Random) -> WitnessClauses:
    if witness.constants and (not witness.statements or rng.random() < 0.5):
        constants = list(witness.constants)
        k = rng.randrange(len(constants))
        constants[k] = _mutate_constant(constants[k], rng)
        return replace(witness, constants=tuple(constants))
    statements = list(witness.statements)
    k = rng.randrange(len(statements))
    statements[k] = mutate_statement(statements[k], rng)
    return replace(witness, statements=tuple(statements))


def _mutate_constant(constant: Constant, rng: random.Random) -> Constant:
    """Another entry: off by one, negated, by a hair, or swapped with another."""
    values = constant.values.astype(object)
    flat = values.reshape(-1)
    k, other = rng.randrange(flat.size), rng.randrange(flat.size)
    old = Fraction(flat[k])
    match rng.randrange(4):
        case 0:
            flat[k] = _off_by_one(old, rng)
        case 1:
            flat[k] = -old
        case 2:
            flat[k] = Fraction(float(old) * (1 + 2.0**-40))
        case _:
            flat[k], flat[other] = Fraction(flat[other]), old
    kind = constant.type.kind if constant.type.kind == "rat" else None
    return Constant.of(constant.name, values, kind)


def _mutate_expression(expr: Expr, rng: random.Random) -> Expr:
    """Change one node that has something to change; if there is none, add one."""
    places = [k for k, node in enumerate(postorder(expr)) if _can_change(node)]
    if not places:
        return Binary("+", expr, Literal(1))
    chosen, count = rng.choice(places), naturals()
    return rewrite(expr, lambda node: _changed(node, rng) if next(count) == chosen else node)


def _can_change(node: Expr) -> bool:
    match node:
        case Literal() | Compare() | If() | Reduce() | Unary() | Binary():
            return True
        case Read(_, positions, _):
            return len(positions) > 1
    return False


def _changed(node: Expr, rng: random.Random) -> Expr:
    match node:
        case Literal(value):
            return Literal(_off_by_one(value, rng))
        case Compare(ops, operands) if len(ops) == 1:
            return Compare((_other(COMPARISONS, ops[0], rng),), operands)
        case Compare(ops, operands):
            k = rng.randrange(2)
            return Compare((*ops[:k], "<" if ops[k] == "<=" else "<=", *ops[k + 1 :]), operands)
        case If(condition, then, otherwise):
            return If(condition, otherwise, then)
        case Reduce(op, binders, body):
            for family in (BITS, EXTREMES):
                if op in family:
                    return Reduce(_other(family, op, rng), binders, body)
            return Reduce(op, binders, Unary("-", body))
        case Unary(_, operand):
            return operand
        case Binary(op, left, right) if op in LOGIC:
            return Binary(_other(LOGIC, op, rng), left, right)
        case Binary(op, left, right) if op in ARITHMETIC:
            return Binary(_other(ARITHMETIC, op, rng), left, right)
        case Binary("%", left, _):
            return left
        case Read(tensor, positions, pad):
            return Read(tensor, (*positions[1:], positions[0]), pad)
    return node


def _off_by_one(number: Number, rng: random.Random) -> Number:
    """The number plus or minus 1; a fraction as the nearest double."""
    moved = number + rng.choice((-1, 1))
    return moved if Fraction(moved).denominator == 1 else Fraction(float(moved))


def _other(options: tuple[T, ...], old: T, rng: random.Random) -> T:
    return rng.choice([option for option in options if option != old])
