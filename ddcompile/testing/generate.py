"""Random rules, well-typed by construction, over the whole language: every statement is used, every read is defined.

One generator serves Hypothesis (`ddcompile.testing.strategies`) and seeded runs: it asks a `Choose` for every decision.
"""

from __future__ import annotations

from ddcompile.ir.nodes import Declaration, Rule, Statement, Type
from ddcompile.ir.traverse import reads
from ddcompile.testing.choose import Choose, RandomChoose
from ddcompile.testing.operands import Limits, declared
from ddcompile.testing.patterns import PATTERNS
from ddcompile.testing.rule_builder import RuleBuilder
from ddcompile.testing.values import Tensor

__all__ = ["Limits", "random_rule", "rule_from_seed"]


def rule_from_seed(seed: int, limits: Limits | None = None) -> Rule:
    """The random rule of a seed."""
    return random_rule(RandomChoose(seed), limits)


def random_rule(choose: Choose, limits: Limits | None = None) -> Rule:
    """A random rule that the verifier accepts.

    Parameters
    ----------
    choose : Choose
        Makes every decision.
    limits : Limits, optional
        What may occur and how large.

    Returns
    -------
    Rule
        Tensors that no other statement reads are its results, so every statement is used.
    """
    limits = limits or Limits()
    rule = RuleBuilder(choose, limits)
    for _ in range(choose.integer(1, limits.tensors)):
        PATTERNS[choose.choice(limits.patterns)](rule)
    statements = rule.statements
    if not rule.is_ordered and choose.boolean(0.2):
        statements = statements[::-1]
    results = _results(rule)
    used = {name for statement in statements for name in _names(statement)}
    return Rule(
        "random",
        tuple(Declaration(tensor.name, declared(tensor)) for tensor in rule.inputs),
        tuple(Declaration(tensor.name, _result_type(tensor, choose)) for tensor in results),
        tuple(statements),
        tuple(constant for constant in rule.grow.constants if constant.name in used),
        rule.sizes,
    )


def _results(rule: RuleBuilder) -> list[Tensor]:
    """The fewest tensors, latest first chosen, from which every statement is reached."""
    read_by: dict[str, set[str]] = {statement.target: set() for statement in rule.statements}
    for statement in rule.statements:
        read_by[statement.target] |= _names(statement) & read_by.keys()
    reached: set[str] = set()
    results: list[Tensor] = []
    for name in reversed(rule.defined):
        if name not in reached:
            results.append(rule.defined[name])
            stack = [name]
            while stack:
                new = stack.pop()
                if new not in reached:
                    reached.add(new)
                    stack.extend(read_by[new])
    return results[::-1]


def _names(statement: Statement) -> set[str]:
    """The tensors that a statement reads, in its value and in the bounds of its positions."""
    bounds = [bound for binder in statement.binders for bound in (binder.lower, binder.upper)]
    return {read.tensor for expr in (statement.value, *bounds) for read in reads(expr)}


def _result_type(tensor: Tensor, choose: Choose) -> Type:
    """The declared type of a result; an int with or without its range."""
    kept = declared(tensor)
    return kept if choose.boolean(0.3) else Type(kept.kind, kept.shape)
