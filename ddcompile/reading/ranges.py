"""Where indices range, in words: `i < 28`, `t from 1 to 6`."""

from __future__ import annotations

from collections.abc import Sequence

from ddcompile.ir.affine import simplify
from ddcompile.ir.builder import sub
from ddcompile.ir.nodes import Binder, Expr, Literal
from ddcompile.ir.printer import print_expression
from ddcompile.reading.words import code, listed

__all__ = ["last_of", "range_words", "ranges_words", "steps_words"]


def last_of(binder: Binder) -> Expr:
    """The greatest value of an index."""
    return simplify(sub(binder.upper, Literal(1)))


def range_words(binder: Binder) -> str:
    """One index and its range; the ends are included in `from 1 to 6`."""
    name = code(binder.name)
    if binder.lower == Literal(0):
        return code(f"{binder.name} < {print_expression(binder.upper)}")
    first, last = print_expression(binder.lower), print_expression(last_of(binder))
    if first == last:
        return f"{name} = {first}"
    return f"{name} from {_bound(first)} to {_bound(last)}"


def ranges_words(binders: Sequence[Binder]) -> str:
    """Several indices and their ranges."""
    return listed([range_words(b) for b in binders])


def steps_words(binder: Binder) -> str:
    """The range of an index that advances one at a time."""
    first, last = print_expression(binder.lower), print_expression(last_of(binder))
    return f"{code(binder.name)} from {_bound(first)} to {_bound(last)} in turn"


def _bound(text: str) -> str:
    return text if text.lstrip("-").isdigit() else code(text)
