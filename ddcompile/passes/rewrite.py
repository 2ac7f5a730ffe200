"""What a pass returns: a program and a witness; and what passes need to build them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ddcompile.ir.affine import simplify
from ddcompile.ir.nodes import Binary, Binder, Binding, Constant, Expr, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import children, postorder, rename_indices, rewrite

__all__ = [
    "Rewrite",
    "Witness",
    "body_over",
    "expressions",
    "fresh_name",
    "needed",
    "plain_places",
    "read_names",
    "reads_of",
    "renamed",
    "rewrite_sums",
    "sole_clauses",
    "unchanged",
    "used_names",
    "with_statements",
]


@dataclass(frozen=True, slots=True)
class Witness:
    """Rule text that writes tensors of the new program as expressions over tensors of the old one.

    A tensor without clauses here means the old tensor of the same name. Results and inputs never have clauses.
    """

    statements: tuple[Statement, ...] = ()
    constants: tuple[Constant, ...] = ()


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A program claimed equal to the one a pass was given, with the witness that lets a checker see it."""

    rule: Rule
    witness: Witness = Witness()


def unchanged(rule: Rule) -> Rewrite:
    """The rewrite of a pass that declines."""
    return Rewrite(rule)


def rewrite_sums(value: Expr, step: Callable[[Expr], Expr]) -> Expr:
    """The value with every sum, taken as a whole, rewritten; inner ones first."""

    def is_sum(node: Expr) -> bool:
        return isinstance(node, Binary) and node.op in ("+", "-")

    parts = {id(kid) for node in postorder(value) if is_sum(node) for kid in children(node) if is_sum(kid)}
    return rewrite(value, lambda node: step(node) if is_sum(node) else node, parts)


def used_names(rule: Rule) -> set[str]:
    """Every name that occurs in a rule: tensors, constants, sizes and indices."""
    names = {
        rule.name,
        *rule.sizes,
        *(d.name for d in (*rule.inputs, *rule.outputs)),
        *(c.name for c in rule.constants),
    }
    for statement in rule.statements:
        names.add(statement.target)
        names.update(b.name for b in statement.binders)
        for node in postorder(statement.value):
            for binder in getattr(node, "binders", ()):
                names.add(binder.name)
    return names


def fresh_name(stem: str, taken: set[str], counts: dict[str, int] | None = None) -> str:
    """`stem`, or `stem2`, `stem3`, ... : the first that is not taken; it is then taken.

    With `counts`, the search goes on where it ended for the same stem: for many names that are never free again.
    """
    count = 1 if counts is None else counts.get(stem, 1)
    name = stem
    while name in taken:
        count += 1
        name = f"{stem}{count}" if not stem[-1].isdigit() else f"{stem}_{count}"
    taken.add(name)
    if counts is not None:
        counts[stem] = count
    return name


def expressions(statement: Statement) -> list[Expr]:
    """The expressions of a statement: its value, its positions and the bounds of its indices."""
    parts: list[Expr] = [statement.value]
    for position in statement.positions:
        parts += [position.lower, position.upper] if isinstance(position, Binder) else [position]
    return parts


def read_names(nodes: Iterable[Expr | Statement]) -> set[str]:
    """The names of all tensors and constants read by expressions and statements, in values, positions and bounds."""
    found: set[str] = set()
    for node in nodes:
        for part in expressions(node) if isinstance(node, Statement) else (node,):
            for inner in postorder(part):
                if isinstance(inner, Read):
                    found.add(inner.tensor)
    return found


def reads_of(statements: Iterable[Statement]) -> dict[str, set[str]]:
    """What the clauses of each tensor read."""
    reads: dict[str, set[str]] = {}
    for statement in statements:
        reads.setdefault(statement.target, set()).update(read_names([statement]))
    return reads


def needed(names: Iterable[str], reads: Mapping[str, set[str]]) -> set[str]:
    """All that some tensors need, these among it, by what each tensor reads."""
    found: set[str] = set()
    work = list(names)
    while work:
        name = work.pop()
        if name not in found:
            found.add(name)
            work += reads.get(name, ())
    return found


def renamed(statement: Statement, names: Mapping[str, str]) -> Statement:
    """The statement with other names of tensors and constants; those without another one keep theirs."""

    def over(expr: Expr) -> Expr:
        return rewrite(expr, read)

    def read(node: Expr) -> Expr:
        if isinstance(node, Read) and node.tensor in names:
            return Read(names[node.tensor], node.positions, node.pad, location=node.location)
        return node

    positions = tuple(
        Binder(p.name, over(p.lower), over(p.upper), location=p.location) if isinstance(p, Binder) else over(p)
        for p in statement.positions
    )
    target = names.get(statement.target, statement.target)
    return Statement(target, positions, over(statement.value), location=statement.location)


def sole_clauses(rule: Rule) -> dict[str, Statement]:
    """The clauses of hidden tensors that have only one, over indices alone, in the order of the text."""
    results = {d.name for d in rule.outputs}
    clauses = Counter(s.target for s in rule.statements)
    return {
        s.target: s
        for s in rule.statements
        if clauses[s.target] == 1 and s.target not in results and all(isinstance(p, Binder) for p in s.positions)
    }


def with_statements(rule: Rule, statements: Iterable[Statement], constants: Iterable[Constant] = ()) -> Rule:
    """The rule with other statements; constants no longer read are dropped, `constants` are added."""
    body = tuple(statements)
    read = read_names(body)
    kept = tuple(c for c in (*rule.constants, *constants) if c.name in read)
    return Rule(rule.name, rule.inputs, rule.outputs, body, kept, rule.sizes)


def body_over(binders: tuple[Binder, ...], other: Reduce) -> Expr | None:
    """The body of a reduction over the indices of another one, with their names; None if they have other bounds."""
    if len(other.binders) != len(binders):
        return None
    inner = {b.name for n in postorder(other.body) if isinstance(n, Binding) for b in n.binders}
    names = {b.name: f"{b.name}?{k}" for k, b in enumerate(other.binders)} | {n: f"{n}?" for n in inner}
    back = {f"{b.name}?{k}": own.name for k, (b, own) in enumerate(zip(other.binders, binders, strict=True))}
    for mine, own in zip(other.binders, binders, strict=True):
        ends = [rename_indices(rename_indices(e, names), back) for e in (mine.lower, mine.upper)]
        if ends != [own.lower, own.upper]:
            return None
    # Inner indices are named anew where they meet the others.
    taken = {b.name for b in binders}
    free = iter(f"{letter}{k or ''}" for k in range(1000) for letter in "klmnpqrsuvw")
    unused = (n for n in free if n not in taken | inner)
    back |= {f"{n}?": (next(unused) if n in taken else n) for n in sorted(inner)}
    return rename_indices(rename_indices(other.body, names), back)


def plain_places(node: Expr) -> Expr:
    """A read with its positions in their normal form: `x[i + 2]` for `x[i + 1 + 1]`."""
    if not isinstance(node, Read):
        return node
    return Read(node.tensor, tuple(simplify(p) for p in node.positions), node.pad, location=node.location)
