"""Let hidden tensors be the larger or the smaller of two sums where they were what one has more than the other.

Before::

    excess[i < 4] = relu(x[2 * i] - x[2 * i + 1])
    more[i < 2] = relu(x[4 * i + 1] - x[4 * i + 3] + (excess[2 * i] - excess[2 * i + 1]))

After::

    larger[i < 4] = max(x[2 * i], x[2 * i + 1])
    more[i < 2] = relu(larger[2 * i] - larger[2 * i + 1])

`relu(a - b)` is `max(a, b) - b`, and `a - min(a, b)`: the new tensor differs from the old one by a sum that readers
often take away or add, too. Sums of such tensors and others are written into their readers where this is shorter. One
call does one tensor, that which saves most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.analysis.cost import cost
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.scopes import subexpressions
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, CallName, Expr, Index, Read, Rule, Statement, Unary
from ddcompile.ir.traverse import reads, rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.extremes import over_extremes, written_sum
from ddcompile.passes.inline import renamed_for
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import (
    Rewrite,
    Witness,
    expressions,
    plain_places,
    read_names,
    rewrite_sums,
    unchanged,
    with_statements,
)

__all__ = ["Larger"]


@dataclass(frozen=True, slots=True)
class Larger(Pass):
    """Let hidden tensors be the larger or the smaller of two sums, not what one has more."""

    name: ClassVar[str] = "larger"
    tensors: int = option(64, "how many tensors are tried", high=1_000_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        reals = Reals(infer(rule))
        hidden = _hidden(rule)
        excesses = [s for s in hidden if isinstance(s.value, Unary) and s.value.op == "relu" and not reals(s.value)]
        if len(excesses) > self.tensors or any(reals(s.value) for s in rule.statements if excesses):
            return unchanged(rule)
        names = names_of(rule)
        best, witness = rule, Witness()
        for source in excesses:
            for new, meaning in _recoded(rule, source, names.copy()):
                if cost(new) < cost(best) and not verify(new):
                    best, witness = new, Witness((meaning,))
        return unchanged(rule) if best is rule else Rewrite(best, witness)


def _hidden(rule: Rule) -> list[Statement]:
    """The only clauses of tensors that are no results, are not read beyond their ends, and do not read themselves."""
    clauses = Counter(s.target for s in rule.statements)
    others = {d.name for d in rule.outputs}
    others |= {n.tensor for s in rule.statements for e in expressions(s) for n in reads(e) if n.pad is not None}
    return [
        s
        for s in rule.statements
        if clauses[s.target] == 1
        and s.target not in others
        and s.target not in read_names([s])
        and all(isinstance(p, Binder) for p in s.positions)
    ]


def _recoded(rule: Rule, source: Statement, names: Names) -> Iterator[tuple[Rule, Statement]]:
    """The rule with a tensor as a maximum, and as a minimum, with what the new tensor means."""
    assert isinstance(source.value, Unary)
    form = integer_terms(source.value.operand)
    if form is None:
        return
    terms, constant = form
    first = written_sum(({e: c for e, c in terms.items() if c > 0}, max(constant, 0)))
    second = written_sum(({e: -c for e, c in terms.items() if c < 0}, max(-constant, 0)))
    name = names(f"{source.target}_larger")
    here = tuple(Index(b.name) for b in source.binders)
    functions: tuple[CallName, ...] = ("max", "min")
    for function in functions:
        extreme = Statement(name, source.positions, builder.call(function, (first, second)), location=source.location)
        old, own = Read(source.target, here), Read(name, here)
        value = builder.sub(own, second) if function == "max" else builder.sub(first, own)
        meaning = builder.add(old, second) if function == "max" else builder.sub(first, old)
        excess = Statement(source.target, source.positions, value)
        statements = _with(excess, [extreme if s is source else s for s in rule.statements], names)
        for short in (statements, _with_sums(statements, name, rule, names)):
            yield with_statements(rule, short), Statement(name, source.positions, meaning)


def _with_sums(statements: Sequence[Statement], name: str, rule: Rule, names: Names) -> list[Statement]:
    """The statements without hidden sums that read a tensor; they are written into their readers."""
    found = list(statements)
    for source in _hidden(with_statements(rule, statements)):
        if isinstance(source.value, (Unary,)) or name not in read_names([source]):
            continue
        form = integer_terms(source.value)
        if form is not None and all(isinstance(e, Read) for e in form[0]):
            found = _with(source, [s for s in found if s != source], names)
    return found


def _with(source: Statement, statements: Sequence[Statement], names: Names) -> list[Statement]:
    """The statements with a tensor written in, in sums without what cancels, as maxima and minima where they are."""
    found = []
    for reader in statements:
        if source.target in read_names([reader]):
            changed = _written_in(source, reader, names)
            value = over_extremes(rewrite_sums(rewrite(changed.value, plain_places), _shorter))
            reader = Statement(reader.target, reader.positions, value, location=reader.location)
        found.append(reader)
    return found


def _written_in(source: Statement, reader: Statement, names: Names) -> Statement:
    while True:
        read = next(
            (pair for pair in subexpressions(reader) if isinstance(pair[0], Read) and pair[0].tensor == source.target),
            None,
        )
        if read is None:
            return reader
        node, scope = read
        assert isinstance(node, Read)
        own, value = renamed_for(source, reader, scope, names)
        moved = substitute(value, dict(zip(own, node.positions, strict=True)))
        value = rewrite(reader.value, lambda n, r=node, m=moved: m if n == r else n)  # type: ignore[misc]
        reader = Statement(reader.target, reader.positions, value, location=reader.location)


def _shorter(node: Expr) -> Expr:
    """A sum without what cancels."""
    form = integer_terms(node)
    if form is None:
        return node
    value = written_sum(form)
    return value if cost(value) < cost(node) else node
