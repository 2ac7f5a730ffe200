"""What a statement computes, in a word: `column`, `total`, `dense_row`, `windows`, `majority`, `order`.

No word depends on a number of the rule beyond which axis is meant, so rules of several sizes have the same names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    CompareOp,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Statement,
    Unary,
)
from ddcompile.ir.traverse import free_indices, postorder, reads
from ddcompile.ir.types import Types

__all__ = ["kind_stem", "stem"]

_PLURALS = {
    "row": "rows",
    "column": "columns",
    "line": "lines",
    "plane": "planes",
    "diagonal": "diagonals",
    "window": "windows",
    "block": "blocks",
    "neighbours": "neighbourhoods",
    "prefix": "prefixes",
    "stride": "strides",
}
_WHOLES = frozenset({"row", "column", "line", "plane"})
_SINGULARS = {"neighbours": "neighbourhood"}
_ORDERS: dict[CompareOp, str] = {">": "above", "<": "below", ">=": "not_below", "<=": "not_above"}


def stem(statement: Statement, types: Types, names: Mapping[str, str]) -> str:
    """A name for what a statement computes; `names` are those that other tensors have by now."""
    if any(read.tensor == statement.target for read in reads(statement.value)):
        return kind_stem(statement, types)
    return _of(statement.value, types, names) or kind_stem(statement, types)


def kind_stem(statement: Statement, types: Types) -> str:
    """A name for a value of some kind."""
    match types.tensor[statement.target].kind:
        case "bit":
            return "active"
        case "spin" | "trit":
            return "balance"
    return "score"


def _of(value: Expr, types: Types, names: Mapping[str, str]) -> str | None:
    match value:
        case Reduce("sum", binders, Read() as read):
            return _elements(read, binders, types) or ("count" if _is_bit(read, types) else None)
        case Reduce("sum", _, body) if _is_bit(body, types):
            return _PLURALS.get(_unit(body, types, names), "count")
        case Reduce("sum", _, Unary("sign")):
            return "balance"
        case Reduce("max" | "min" | "argmax" as op, _, _):
            return {"max": "greatest", "min": "least", "argmax": "best"}[op]
        case Call(function, _):
            return {"max": "larger", "min": "smaller"}[function]
        case Unary("sign", Binary("-", Read(left), Read(right))):
            return _pair(left, right, "against", "order", names)
        case Unary("relu", Binary("-", left, right)) if not any(
            isinstance(node, Reduce) for side in (left, right) for node in postorder(side)
        ):
            return "excess"
        case Unary("relu" | "tanh" | "sigmoid", operand) if _is_weighted(operand):
            return "feature"
        case Unary("abs"):
            return "size"
        case Binary("-", Read(), Read()):
            return "difference"
        case Binary("*", Read(), Read()):
            return "product"
    return _condition(value, types, names)


def _is_weighted(value: Expr) -> bool:
    """Whether there is a sum of products in a value, as in a unit of a dense layer."""
    return any(isinstance(node, Reduce) and isinstance(node.body, Binary) for node in postorder(value))


def _condition(value: Expr, types: Types, names: Mapping[str, str]) -> str | None:
    """A name for a bit."""
    match value:
        case Compare((op,), (Read(left), Read(right))) if op in _ORDERS:
            return _pair(left, right, _ORDERS[op], {">": "greater", "<": "less"}.get(op, "ordered"), names)
        case Compare(("==" | "!=" as op,), (Read(), Read())):
            return "equal" if op == "==" else "different"
        case Compare(ops, operands):
            return _threshold(ops, operands, types)
        case Binary("and"):
            return "both" if _operands(value, "and") == 2 else "every"
        case Binary("or"):
            return "either" if _operands(value, "or") == 2 else "some"
        case Binary("xor"):
            return "different" if _operands(value, "xor") == 2 else "odd"
        case Reduce("any" | "all" as op, _, _):
            return "some" if op == "any" else "every"
    return None


def _operands(value: Expr, op: str) -> int:
    """How many operands a chain of one operator has."""
    count, stack = 0, [value]
    while stack:
        node = stack.pop()
        if isinstance(node, Binary) and node.op == op:
            stack += [node.left, node.right]
        else:
            count += 1
    return count


def _threshold(ops: tuple[CompareOp, ...], operands: tuple[Expr, ...], types: Types) -> str | None:
    """A name for how many of some elements are 1, or how large their sum is, against a number."""
    amount, bounds = (operands[1], (operands[0], operands[2])) if len(ops) == 2 else (operands[0], operands[1:])
    if not all(isinstance(bound, Literal) for bound in bounds):
        return None
    how = (
        "medium"
        if len(ops) == 2
        else {">": "large", ">=": "large", "<": "small", "<=": "small", "==": "exact"}.get(ops[0])
    )
    match amount:
        case Reduce("sum", binders, Read() as read) if how is not None:
            unit = _elements(read, binders, types)
            if _is_bit(read, types):
                how = {"large": "dense", "small": "sparse"}.get(how, how)
                if unit in (None, "total"):
                    return {"dense": "many", "sparse": "few"}.get(how, how)
            return f"{how}_{_SINGULARS.get(unit, unit)}" if unit is not None else how
        case Binary("+") if _is_sum_of_bits(amount, types) and len(ops) == 1 and isinstance(bounds[0], Literal):
            if ops[0] in (">", ">="):
                least = bounds[0].value + (ops[0] == ">")
                return "majority" if 2 * least > _operands(amount, "+") else "many"
            return {"<": "few", "<=": "few", "==": "exact"}.get(ops[0])
    return None


def _is_sum_of_bits(value: Expr, types: Types) -> bool:
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, Binary) and node.op == "+":
            stack += [node.left, node.right]
        elif not (isinstance(node, Read) and _is_bit(node, types)):
            return False
    return True


def _pair(left: str, right: str, word: str, alone: str, names: Mapping[str, str]) -> str:
    """A name for a comparison of two tensors, or of elements of one."""
    return alone if left == right else f"{names.get(left, left)}_{word}_{names.get(right, right)}"


def _is_bit(expr: Expr, types: Types) -> bool:
    match expr:
        case Read(tensor):
            return types.tensor[tensor].kind == "bit"
        case Compare() | Binary("and" | "or" | "xor") | Unary("not") | Reduce("any" | "all"):
            return True
        case If(_, then, otherwise):
            return _is_bit(then, types) and _is_bit(otherwise, types)
    return False


def _unit(body: Expr, types: Types, names: Mapping[str, str]) -> str:
    """What a condition is about, in one word: the sum in it, or the one tensor that it reads."""
    sums = (n for n in postorder(body) if isinstance(n, Reduce) and n.op == "sum" and isinstance(n.body, Read))
    units = [_elements(node.body, node.binders, types) for node in sums if isinstance(node.body, Read)]
    found = [unit for unit in units if unit is not None]
    if found:
        return next((unit for unit in found if unit in _WHOLES), found[0])
    tensors = {read.tensor for read in reads(body)}
    return names.get(min(tensors), "") if len(tensors) == 1 else ""


def _elements(read: Read, binders: Sequence[Binder], types: Types) -> str | None:
    """What the elements are that a sum goes through: a row, a window, all of a tensor."""
    extents = types.shape.get(read.tensor, ())
    bound = {b.name: b for b in binders}
    axes: dict[str, list[int]] = {name: [] for name in bound}
    positions = [p.left if isinstance(p, Binary) and p.op == "%" else p for p in read.positions]
    for axis, position in enumerate(positions):
        for name in free_indices(position) & bound.keys():
            axes[name].append(axis)
    if not all(axes.values()) or any(affine_of(p) is None for p in positions):
        return None
    if len(binders) == 1 and len(axes[binders[0].name]) > 1:
        return "diagonal"
    along = {places[0]: bound[name] for name, places in axes.items()}
    if len(along) < len(binders) or any(len(places) > 1 for places in axes.values()):
        return None
    if any(free_indices(b.upper) or free_indices(b.lower) for b in binders):
        is_prefix = len(binders) == 1 and binders[0].lower == Literal(0) and Index(binders[0].name) in positions
        return "prefix" if is_prefix else "part"
    if all(_is_whole(read.positions[axis], b, extents[axis]) for axis, b in along.items()):
        return _whole(set(along), len(extents))
    steps = [_step(positions[axis], b) for axis, b in along.items()]
    if any(abs(step) != 1 for step in steps):
        return "stride" if len(along) == 1 else None
    if all(_is_centred(positions[axis], b) for axis, b in along.items()):
        return "neighbours"
    return "window" if len(along) == 1 else "block"


def _whole(along: set[int], rank: int) -> str:
    """All of a tensor, or of its part where the other positions are fixed."""
    if len(along) == rank:
        return "total"
    if rank == 2:
        return "row" if 1 in along else "column"
    return "plane" if rank == 3 and len(along) == 2 else "line" if len(along) == 1 else "part"


def _is_whole(position: Expr, binder: Binder, extent: int) -> bool:
    return isinstance(position, Index) and binder.lower == Literal(0) and binder.upper == Literal(extent)


def _step(position: Expr, binder: Binder) -> int:
    form = affine_of(position)
    return 0 if form is None else int(form.coefficient(binder.name))


def _is_centred(position: Expr, binder: Binder) -> bool:
    """Whether offsets reach equally far to both sides of one other index."""
    form = affine_of(position)
    match binder.lower, binder.upper:
        case Literal(int(low)), Literal(int(high)) if form is not None:
            others = [value for name, value in form.terms if name != binder.name]
            ends = sorted(form.constant + form.coefficient(binder.name) * k for k in (low, high - 1))
            return others == [1] and ends[0] == -ends[1]
    return False
