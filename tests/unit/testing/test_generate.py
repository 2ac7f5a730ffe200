"""The generator of rules: well-typed, all of it used, all of the language."""

from __future__ import annotations

from collections import Counter

import pytest

from ddcompile.ir.nodes import Binary, Call, Compare, If, Read, Reduce, Rule, Unary
from ddcompile.ir.schedule import evaluation_order
from ddcompile.ir.traverse import children, postorder
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.runtime.arrays import prepare
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.inputs import random_inputs
from ddcompile.testing.operands import THRESHOLD, Limits

SEEDS = range(300)


@pytest.mark.parametrize("limits", [Limits(), Limits(kinds=("rat", "bit")), THRESHOLD], ids=["all", "rat", "threshold"])
def test_rules_verify_and_inputs_are_legal(limits: Limits) -> None:
    for seed in SEEDS:
        rule = rule_from_seed(seed, limits)
        assert not verify(rule), str(rule)
        prepare(rule, random_inputs(rule, RandomChoose(seed), 2))


def test_every_statement_and_constant_is_used() -> None:
    for seed in SEEDS:
        rule = rule_from_seed(seed)
        used = {declaration.name for declaration in rule.outputs}
        defined = {statement.target for statement in rule.statements}
        for _ in defined:
            used |= {name for s in rule.statements if s.target in used for name in _reads(rule, s.target)}
        assert defined | {constant.name for constant in rule.constants} <= used


def test_rules_cover_the_language() -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        rule = rule_from_seed(seed)
        seen.update(set(_features(rule)))
    wanted = [
        "sum", "any", "all", "min", "max", "argmax", "min()", "max()", "+", "-", "*", "%", "and", "or", "xor", "not",
        "sign", "abs", "relu", "negative", "if", "<", "<=", ">", ">=", "==", "!=", "chain", "pad", "gather", "sizes",
        "clauses", "triangle", "recurrence", "together", "bounds", "several inputs", "several results", "constant",
        "64 bits", "128 bits", "fractions", "bit", "spin", "trit", "int", "0 axes", "1 axes", "2 axes", "3 axes",
    ]  # fmt: skip
    assert {feature: seen[feature] for feature in wanted if seen[feature] < 3} == {}


def _reads(rule: Rule, target: str) -> set[str]:
    found: set[str] = set()
    for statement in rule.statements:
        if statement.target == target:
            bounds = [bound for binder in statement.binders for bound in (binder.lower, binder.upper)]
            for expr in (statement.value, *bounds):
                found |= {node.tensor for node in postorder(expr) if isinstance(node, Read)}
    return found


def _features(rule: Rule) -> list[str]:
    found: list[str] = [declaration.type.kind for declaration in rule.inputs]
    found += [f"{len(declaration.type.shape)} axes" for declaration in rule.inputs]
    found += ["several inputs"] * (len(rule.inputs) > 1) + ["several results"] * (len(rule.outputs) > 1)
    found += ["sizes"] * bool(rule.sizes) + ["constant"] * bool(rule.constants)
    found += ["clauses"] * (len({s.target for s in rule.statements}) < len(rule.statements))
    for statement in rule.statements:
        found += ["triangle"] * any(children(b.upper) and not rule.sizes for b in statement.binders)
        for node in postorder(statement.value):
            match node:
                case Unary("-", _):
                    found.append("negative")
                case Unary(op, _) | Binary(op, _, _):
                    found.append(op)
                case Call(name, _):
                    found.append(f"{name}()")
                case Compare(ops, _):
                    found += [*ops, *["chain"] * (len(ops) == 2)]
                case If():
                    found.append("if")
                case Reduce(op, binders, _):
                    found += [op, *["bounds"] * any(children(b.upper) for b in binders)]
                case Read(_, positions, pad):
                    found += ["pad"] * (pad is not None)
                    found += ["gather"] * any(isinstance(n, Read) for p in positions for n in postorder(p))
    if not rule.sizes:
        types = infer(rule)
        ranges = [types.tensor[s.target] for s in rule.statements]
        widths = [r.bits for r in ranges if r.is_bounded]
        found += ["64 bits"] * any(w > 64 for w in widths) + ["128 bits"] * any(w > 128 for w in widths)
        found += ["fractions"] * any(r.exponent for r in ranges)
        for group in evaluation_order(rule):
            targets = {rule.statements[k].target for k in group}
            found += ["together"] * (len(targets) > 1)
            found += ["recurrence"] * any(target in _reads(rule, target) for target in targets)
    return found
