"""Tensors that a step only renames: the same clauses, up to names of indices, tensors and constants.

Nothing is evaluated for these: a definition that is that of an old tensor, read by read, has its meaning. What such
tensors need of one another, the old tensors need of one another, so that there is no cycle among them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Read, Reduce, Rule, Softmax, Statement
from ddcompile.ir.traverse import children, with_children
from ddcompile.prove.elements import Model

__all__ = ["copied", "renamed"]

_HOLE = Literal(0)


def copied(statements: Sequence[Statement], shape: Sequence[int], old: Model) -> str | None:
    """The old tensor that clauses of a witness copy element by element, if they do nothing else."""
    if len(statements) != 1:
        return None
    (clause,) = statements
    value = clause.value
    if not isinstance(value, Read) or value.pad is not None or value.tensor not in old.owner:
        return None
    own = tuple(Index(p.name) for p in clause.positions if isinstance(p, Binder))
    whole = [(Literal(0), Literal(extent)) for extent in shape]
    bounds = [(p.lower, p.upper) for p in clause.positions if isinstance(p, Binder)]
    is_copy = value.positions == own and bounds == whole and old.shape[value.tensor] == tuple(shape)
    return value.tensor if is_copy and len(set(own)) == len(shape) else None


def renamed(old: Rule, new: Rule, models: tuple[Model, Model], means: Mapping[str, str]) -> set[str]:
    """The new tensors whose clauses are those of the old tensors that they mean.

    Parameters
    ----------
    old, new, models
        The programs, and both taken apart.
    means
        Old tensors by the new ones that mean the same, element by element.
    """
    here = {d.name: ("input", d.name) for d in new.inputs}
    there = {**here, **{name: ("tensor", name) for name in models[0].owner}}
    here |= {name: ("tensor", tensor) for name, tensor in means.items()}
    there |= {c.name: ("constant", c.name) for c in old.constants}
    here |= {name: ("constant", same) for name, same in _equal_constants(old.constants, new.constants)}
    clauses: dict[str, list[Hashable]] = {}
    for statement in old.statements:
        clauses.setdefault(statement.target, []).append(_key(statement, there))
    mine: dict[str, list[Hashable]] = {}
    for statement in new.statements:
        if statement.target in means:
            mine.setdefault(statement.target, []).append(_key(statement, here))
    flags = models[0].flags, models[1].flags
    return {
        name
        for name, keys in mine.items()
        if keys == clauses.get(means[name]) and flags[1].get(name) == flags[0].get(means[name])
    }


def _equal_constants(old: Sequence[Constant], new: Sequence[Constant]) -> list[tuple[str, str]]:
    """New constants, each with an old one of the same type and entries."""
    named = {c.name: c for c in old}
    alike: dict[Hashable, list[Constant]] = {}
    for c in old:
        alike.setdefault((c.type, c.values.dtype.str), []).append(c)
    found = []
    for c in new:
        candidates = [named[c.name]] if c.name in named else []
        candidates += alike.get((c.type, c.values.dtype.str), ())
        same = next((o for o in candidates if o.type == c.type and _same_entries(o, c)), None)
        if same is not None:
            found.append((c.name, same.name))
    return found


def _same_entries(a: Constant, b: Constant) -> bool:
    return Constant(b.name, a.type, a.values) == b


def _key(statement: Statement, names: Mapping[str, tuple[str, str]]) -> Hashable:
    """What is written, with indices numbered by the depth at which they are bound."""
    scope: dict[str, int] = {}
    parts: list[Hashable] = []
    for position in statement.positions:
        if isinstance(position, Binder):
            parts += [_text(position.lower, scope, names), _text(position.upper, scope, names)]
            scope = {**scope, position.name: len(scope)}
        else:
            parts += ["at", _text(position, scope, names)]
    return (*parts, _text(statement.value, scope, names))


def _text(expr: Expr, scope: Mapping[str, int], names: Mapping[str, tuple[str, str]]) -> Hashable:
    """The nodes of an expression in preorder."""
    found: list[Hashable] = []
    stack = [(expr, scope, len(scope))]
    while stack:
        node, own, depth = stack.pop()
        kids = children(node)
        scopes = [(own, depth)] * len(kids)
        match node:
            case Index(name):
                found.append(own.get(name, node))
            case Read(tensor, positions, pad):
                found.append((names.get(tensor, node), len(positions), pad is None))
            case Reduce() | Softmax():
                op = node.op if isinstance(node, Reduce) else "softmax"
                found.append((op, len(node.binders)))
                inner = dict(own)
                for k, binder in enumerate(node.binders):
                    scopes[2 * k] = scopes[2 * k + 1] = (dict(inner), depth + k)
                    inner[binder.name] = depth + k
                scopes[2 * len(node.binders)] = (inner, depth + len(node.binders))
            case _:
                found.append(with_children(node, (_HOLE,) * len(kids)))
        stack += [(kid, *own_scope) for kid, own_scope in zip(kids, scopes, strict=True)][::-1]
    return tuple(found)
