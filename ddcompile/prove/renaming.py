"""Tensors that a step only renames: the same clauses, up to names of indices, tensors and constants, and added zeros.

Nothing is evaluated for these: a definition that is that of an old tensor, read by read, has its meaning. What such
tensors need of one another, the old tensors need of one another, so that there is no cycle among them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence, Set

from ddcompile.ir.nodes import Binary, Binder, Constant, Expr, Index, Literal, Read, Reduce, Rule, Softmax, Statement
from ddcompile.ir.traverse import children, postorder, with_children
from ddcompile.prove.elements import Model
from ddcompile.prove.kinds import Flags, classify
from ddcompile.prove.static import is_static

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
    flags = models[0].flags, models[1].flags
    idle = [_idle(rule.constants, own) for rule, own in zip((old, new), flags, strict=True)]
    clauses: dict[str, list[Hashable]] = {}
    for statement in old.statements:
        clauses.setdefault(statement.target, []).append(_key(statement, there, idle[0]))
    mine: dict[str, list[Hashable]] = {}
    for statement in new.statements:
        if statement.target in means:
            mine.setdefault(statement.target, []).append(_key(statement, here, idle[1]))
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


def _idle(constants: Sequence[Constant], flags: Mapping[str, Flags]) -> Callable[[Expr], set[int]]:
    """The exact sums in an expression that add nothing but an entry of a constant of zeros, by identity.

    A double plus zero is another one where it is -0, so that sums over reals are not among them.
    """
    zeros = {c.name: c for c in constants if not c.values.any()}

    def found(expr: Expr) -> set[int]:
        sums = [node for node in postorder(expr) if _adds(node, zeros)]
        known = classify(expr, flags) if sums else {}
        return {id(node) for node in sums if not (known[id(node)].real or known[id(node)].over_reals)}

    return found


def _adds(node: Expr, constants: Mapping[str, object]) -> bool:
    match node:
        case Binary("+", _, Read(tensor, _, None) as read):
            # A position that reads a tensor makes the element need it, which may be a cycle.
            return tensor in constants and is_static(read, constants)
    return False


def _key(statement: Statement, names: Mapping[str, tuple[str, str]], idle: Callable[[Expr], set[int]]) -> Hashable:
    """What is written, with indices numbered by the depth at which they are bound."""
    scope: dict[str, int] = {}
    parts: list[Hashable] = []
    for position in statement.positions:
        if isinstance(position, Binder):
            parts += [_text(position.lower, scope, names), _text(position.upper, scope, names)]
            scope = {**scope, position.name: len(scope)}
        else:
            parts += ["at", _text(position, scope, names)]
    return (*parts, _text(statement.value, scope, names, idle(statement.value)))


def _text(
    expr: Expr, scope: Mapping[str, int], names: Mapping[str, tuple[str, str]], idle: Set[int] = frozenset()
) -> Hashable:
    """The nodes of an expression in preorder, without those that do nothing to their first operand."""
    found: list[Hashable] = []
    stack = [(expr, scope, len(scope))]
    while stack:
        node, own, depth = stack.pop()
        kids = children(node)
        if id(node) in idle:
            stack.append((kids[0], own, depth))
            continue
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
