"""Write relus of differences as maxima and minima.

Before::

    y[i < 4] = relu(x[i] - z[i]) + z[i]
    w = v - relu(v - 3)
    u[i < 4] = x[i] + z[i] - y[i]

After::

    y[i < 4] = max(x[i], z[i])
    w = min(3, v)
    u[i < 4] = min(x[i], z[i])

What is added to a relu, and is taken away inside, is the other operand: `relu(a - b) + b` is the larger of a and b. The
sum of two numbers less the larger one is the smaller one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.analysis.cost import cost
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.scopes import subexpressions
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Binding, Call, CallName, Expr, Read, Rule, Statement, Unary
from ddcompile.ir.traverse import children, postorder, reads, rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.passes.inline import reads_apart, renamed_for
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.recurrences import cycles
from ddcompile.passes.rewrite import (
    Rewrite,
    expressions,
    plain_places,
    read_names,
    rewrite_sums,
    unchanged,
    with_statements,
)

__all__ = ["Extremes", "over_extremes", "written_sum"]

_Sum: TypeAlias = tuple[dict[Expr, int], int]
"""Coefficients of summands, and a constant."""

_MOST_RELUS = 64


@dataclass(frozen=True, slots=True)
class Extremes(Pass):
    """Write relus of differences as maxima and minima."""

    name: ClassVar[str] = "extremes"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        if not any(map(_is_extreme, (n for s in rule.statements for n in postorder(s.value)))):
            return unchanged(rule)
        types = infer(rule)
        reals = Reals(types)
        statements = [s if reals(s.value) else _with_value(s, over_extremes(s.value)) for s in rule.statements]
        known = _known(statements, cycles(rule, types))
        statements = [s if reals(s.value) else _with_value(s, _over_others(s, known)) for s in statements]
        new = _with_inner(with_statements(rule, statements), reals)
        return unchanged(rule) if new == rule else Rewrite(new)


def _is_extreme(node: Expr) -> bool:
    return (isinstance(node, Unary) and node.op == "relu") or (
        isinstance(node, Call) and node.function in ("max", "min") and len(node.arguments) == 2
    )


def _with_value(statement: Statement, value: Expr) -> Statement:
    return Statement(statement.target, statement.positions, value, location=statement.location)


def _known(statements: Sequence[Statement], together: Mapping[str, frozenset[str]]) -> dict[str, Statement]:
    """The clauses of tensors that are the larger or the smaller of two values without sums in them."""
    clauses = Counter(s.target for s in statements)
    return {
        s.target: s
        for s in statements
        if clauses[s.target] == len(together[s.target]) == 1
        and isinstance(s.value, Call)
        and _is_extreme(s.value)
        and all(isinstance(p, Binder) for p in s.positions)
        and not any(isinstance(n, Binding) for n in postorder(s.value))
    }


def _over_others(statement: Statement, known: Mapping[str, Statement]) -> Expr:
    """The value of a statement with sums of two values less one of them, the larger or the smaller, as the other."""
    others = {name: s for name, s in known.items() if name != statement.target}
    return rewrite_sums(statement.value, lambda value: _of_others(value, others))


def _of_others(value: Expr, known: Mapping[str, Statement]) -> Expr:
    form = integer_terms(value)
    while form is not None and len(form[0]) <= _MOST_RELUS:
        shorter = [written_sum(new) for term in form[0] if (new := _other(form, term, known)) is not None]
        best = min(shorter, key=cost, default=value)
        if cost(best) >= cost(value):
            break
        value, form = best, integer_terms(best)
    return value


def _other(form: _Sum, term: Expr, known: Mapping[str, Statement]) -> _Sum | None:
    """The sum with one of its summands, the larger or the smaller of two values, as these less the other one."""
    extreme = term
    if isinstance(term, Read) and term.pad is None and term.tensor in known:
        statement = known[term.tensor]
        places = dict(zip([b.name for b in statement.binders], term.positions, strict=True))
        extreme = rewrite(substitute(statement.value, places), plain_places)
    if not isinstance(extreme, Call) or not _is_extreme(extreme):
        return None
    both = integer_terms(builder.add(*extreme.arguments))
    if both is None:
        return None
    terms, constant = form
    factor = terms[term]
    other = builder.call("min" if extreme.function == "max" else "max", extreme.arguments)
    new = {e: c for e, c in terms.items() if e != term}
    for each, weight in (*both[0].items(), (other, -1)):
        new[each] = new.get(each, 0) + factor * weight
    return {e: c for e, c in new.items() if c}, constant + factor * both[1]


def _with_inner(rule: Rule, reals: Reals) -> Rule:
    """The rule with relus that one sum reads written into it where they become maxima and minima."""
    names = names_of(rule)
    counts = Counter(n.tensor for s in rule.statements for e in expressions(s) for n in reads(e))
    clauses = Counter(s.target for s in rule.statements)
    results = {d.name for d in rule.outputs}
    statements = {s.target: s for s in rule.statements}
    once = {
        name
        for name, s in statements.items()
        if counts[name] == clauses[name] == 1
        and name not in results
        and all(isinstance(p, Binder) for p in s.positions)
    }
    gone: set[str] = set()
    found: list[Statement] = []
    for statement in rule.statements:
        statement = statements[statement.target] if clauses[statement.target] == 1 else statement
        for name in sorted(once & read_names([statement.value]) - gone):
            source = statements[name]
            is_relu = isinstance(source.value, Unary) and source.value.op == "relu"
            if not is_relu or name in read_names([source]) or statement.target == name or reals(statement.value):
                continue
            longer = _written_into(source, statement, names)
            if longer is None:
                continue
            value = over_extremes(longer)
            changed = _with_value(statement, value)
            if value != longer and cost(changed) < cost(statement) + cost(source):
                statement = changed
                gone.add(name)
        if clauses[statement.target] == 1:
            statements[statement.target] = statement
        found.append(statement)
    return with_statements(rule, [s for s in found if s.target not in gone]) if gone else rule


def _written_into(source: Statement, reader: Statement, names: Names) -> Expr | None:
    """The value of the only reader of a tensor with it written in."""
    for node, scope in subexpressions(reader):
        if isinstance(node, Read) and node.tensor == source.target:
            if node.pad is not None or not reads_apart(node, scope):
                return None
            own, value = renamed_for(source, reader, scope, names)
            moved = substitute(value, dict(zip(own, node.positions, strict=True)))
            return rewrite(reader.value, lambda n, r=node, m=moved: m if n == r else n)  # type: ignore[misc]
    return None


def over_extremes(value: Expr) -> Expr:
    """The value with every sum, taken as a whole, over maxima and minima; inner ones first."""
    return rewrite_sums(value, _of_extremes)


def _of_extremes(value: Expr) -> Expr:
    """A sum with relus as maxima and minima as long as that is shorter."""
    form = integer_terms(value)
    relus = 0 if form is None else sum(isinstance(e, Unary) and e.op == "relu" for e in form[0])
    while form is not None and 0 < relus <= _MOST_RELUS:
        found = next((new for term in form[0] if (new := _joined(form, term)) is not None), None)
        if found is None:
            break
        form, relus = found, relus - 1
        shorter = written_sum(form)
        if cost(shorter) >= cost(value):
            break
        value = shorter
    return value


def _joined(form: _Sum, relu: Expr) -> _Sum | None:
    """The sum with one of its summands, a relu, and what else is the second operand, as a maximum or a minimum."""
    if not isinstance(relu, Unary) or relu.op != "relu":
        return None
    inner = integer_terms(relu.operand)
    terms, constant = form
    factor = terms[relu]
    if inner is None:
        return None
    second = {e: c // factor for e, c in terms.items() if c == -factor * inner[0].get(e, 0)}
    offset = constant // factor if constant == -factor * inner[1] else 0
    if not second:
        return None
    first = {e: c for e, c in inner[0].items() if e not in second}
    ends = (first, inner[1] + offset), (second, offset)
    rest = {e: c for e, c in terms.items() if e not in second and e != relu}
    choices = []
    for sign in (1, -1):
        # factor * max(a, b), or -factor * min(-a, -b)
        function: CallName = "max" if sign > 0 else "min"
        arguments: list[Expr] = []
        for end, number in ends:
            argument = written_sum(({e: sign * c for e, c in end.items()}, sign * number))
            same = isinstance(argument, Call) and argument.function == function
            arguments += children(argument) if same else [argument]
        extreme = builder.call(function, arguments)
        choices.append(({**rest, extreme: rest.get(extreme, 0) + sign * factor}, constant - factor * offset))
    return min(choices, key=lambda choice: cost(written_sum(choice)))


def written_sum(form: _Sum) -> Expr:
    """A sum from the coefficients of its summands and a constant."""
    ordered = sorted(form[0].items(), key=lambda term: term[1] < 0)
    return builder.add(builder.add_all(builder.mul(c, e) for e, c in ordered), form[1])
