"""Give the links of a chain inside one value tensors of their own, where they are the steps of a recurrence.

Before::

    y = ((((a[0] > b[0]) + a[1] > b[1]) + a[2] > b[2]) + a[3] > b[3]) + a[4] > b[4]

After, which is for `ladder` or `roll` to write as one tensor over time::

    link = a[0] > b[0]
    link2 = link + a[1] > b[1]
    link3 = link2 + a[2] > b[2]
    link4 = link3 + a[3] > b[3]
    y = link4 + a[4] > b[4]

A chain follows the deepest operand from the value down. Its links read the same tensors, at whatever places. The
program is kept if the recurrence is not found, or no shorter.

One call splits one value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import ClassVar

from ddcompile.analysis.boolean import MOST_INPUTS
from ddcompile.analysis.cost import cost
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Binding, Call, Compare, Expr, If, Index, Literal, Read, Rule, Statement
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import children, postorder, reads, rewrite, with_children
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.ladder import Ladder
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.least import ANY, least
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements
from ddcompile.passes.roll import Roll
from ddcompile.passes.widen import Widen

__all__ = ["Links"]


@dataclass(frozen=True, slots=True)
class Links(Pass):
    """Give the links of a chain inside one value tensors of their own, where they are the steps of a recurrence."""

    name: ClassVar[str] = "links"
    links: int = option(3, "how many links a chain has at least, besides what the last one reads", low=2)
    period: int = option(4, "how many choices a link has at most", high=64)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        for statement in rule.statements:
            chain = self._chain(statement)
            if chain is None:
                continue
            parts = list(_split(statement, *chain, names_of(rule)))
            new = with_statements(rule, (p for s in rule.statements for p in (parts if s is statement else [s])))
            ways = [] if verify(new) else [new, *_turned(new, parts)]
            price, best = min(((_rolled_cost(way), k) for k, way in enumerate(ways)), default=(cost(rule), 0))
            if price < cost(rule):
                return Rewrite(ways[best])
        return unchanged(rule)

    def _chain(self, statement: Statement) -> tuple[list[tuple[Expr, int]], list[int]] | None:
        """The deepest path into a value, and where on it links begin that are not the value, and what the last reads.

        Every node comes with the number of its operand that is next.
        """
        if any(b.lower != Literal(0) or not isinstance(b.upper, Literal) for b in statement.binders):
            return None
        spine = _spine(statement.value)
        ends = [k for k, (node, _) in enumerate(spine) if _is_choice(node)]
        read = [_read_beside(spine[k:end]) for k, end in pairwise(ends)]
        best: list[int] = []
        for period in range(1, self.period + 1):
            first = 0
            while first + period < len(read):
                same = 0
                while first + same + period < len(read) and read[first + same] == read[first + same + period]:
                    same += 1
                found = ends[first : first + same + period + 1 : period]
                if same and len(found) > max(len(best), self.links):
                    best = found
                first += same + 1
        return (spine, best[not best[0] :]) if best else None


def _split(
    statement: Statement, spine: Sequence[tuple[Expr, int]], places: Sequence[int], names: Names
) -> Iterator[Statement]:
    """The statements of the links, and the rest of the statement, in order."""
    own = tuple(Index(b.name) for b in statement.binders)
    inner = spine[places[-1]][0]
    for place, above in zip(reversed(places), (*reversed(places[:-1]), 0), strict=True):
        if _is_choice(inner):
            name = names("link")
            yield Statement(name, statement.binders, inner)
            inner = Read(name, own)
        for node, number in reversed(spine[above:place]):
            kids = list(children(node))
            kids[number] = inner
            inner = with_children(node, tuple(kids))
    yield Statement(statement.target, statement.positions, inner, location=statement.location)


def _spine(value: Expr) -> list[tuple[Expr, int]]:
    """The path from a value into its deepest operands, not into what has indices of its own; ends at an operand."""
    depth: dict[int, int] = {}
    for node in postorder(value):
        kids = () if isinstance(node, Binding | Read) else children(node)
        depth[id(node)] = 1 + max((depth[id(kid)] for kid in kids), default=0)
    spine: list[tuple[Expr, int]] = []
    while depth[id(value)] > 1:
        kids = children(value)
        number = max(range(len(kids)), key=lambda k: depth[id(kids[k])])
        spine.append((value, number))
        value = kids[number]
    spine.append((value, 0))
    return spine


def _is_choice(node: Expr) -> bool:
    """Whether a link may begin at a node."""
    return isinstance(node, Compare | If | Call) or (isinstance(node, Binary) and node.op in ("and", "or", "xor"))


def _read_beside(path: Sequence[tuple[Expr, int]]) -> list[str]:
    """What is read off a path: links that read the same are alike, in whatever words."""
    beside = (kid for node, number in path for k, kid in enumerate(children(node)) if k != number)
    return sorted(r.tensor for kid in beside for r in reads(kid))


def _turned(rule: Rule, links: Sequence[Statement]) -> Iterator[Rule]:
    """The program with some links, which are bits, the other way round, so that each is like the one before.

    The last of the statements is what reads the last link.
    """
    types = infer(rule)
    names = [link.target for link in links[:-1]]
    if any(types.tensor[name].kind != "bit" for name in names):
        return
    for first in product((False, True), repeat=2):
        turned, last, new = False, "", dict[str, Expr]()
        for number, link in enumerate(links):
            value = link.value
            if number:
                value = rewrite(value, lambda n, t=turned, k=number - 1: _other_way(n, names[k]) if t else n)  # type: ignore[misc]
            ways = [least(v, types, ANY, MOST_INPUTS) for v in (value, builder.negate(value))]
            texts = ["" if way is None else _shape(way, names) for way in ways]
            turned = number < len(names) and (first[number] if number < 2 else texts[1] == last != texts[0])
            new[link.target] = ways[turned] or (builder.negate(value) if turned else value)
            last = texts[turned]
        yield with_statements(
            rule, (Statement(s.target, s.positions, new[s.target]) if s in links else s for s in rule.statements)
        )


def _other_way(node: Expr, name: str) -> Expr:
    return builder.negate(node) if isinstance(node, Read) and node.tensor == name else node


def _shape(value: Expr, links: Sequence[str]) -> str:
    """The text of a value, whatever numbers it reads at, and whichever link."""

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read):
            return node
        places = [Literal(0) if isinstance(p, Literal) else p for p in node.positions]
        return Read("link" if node.tensor in links else node.tensor, tuple(places), node.pad)

    return print_expression(rewrite(value, step))


def _rolled_cost(rule: Rule) -> int:
    """What a program costs once its recurrences are written as one tensor each, by one pass or another."""
    prices = []
    passes: tuple[Pass, ...]
    for passes in ((), (Ladder(), Ladder())):
        new = rule
        for each in (*passes, Roll(), Widen()):
            new = each(new).rule
        prices.append(cost(new))
    return min(prices)
