"""Description length: what every pass minimises.

The cost of a rule is the number of tokens of its canonical text, plus one per entry of every constant, plus one per
three digits of a number beyond the first three.

- A name, a keyword, a number, an operator, a bracket, a comma, `..` and `->` are one token each; `-1` is two.
- The data of a constant are one token and one per entry, wherever they are kept: in the text or in a side file.
- The digits of a number are its significant digits in the canonical text: all digits of an integer, and the digits of
  the shortest text of a double without leading zeros, point and exponent. 756 costs nothing extra, 1000 and 0.3333 one,
  1000000 two, a double of full precision five.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from ddcompile.ir.nodes import Constant, Expr, Rule, Statement
from ddcompile.ir.printer import Item, in_brackets, items_of, print_constant, print_head
from ddcompile.ir.syntax import number_text

__all__ = ["cost", "data_cost"]

_TOKEN = re.compile(
    r"(?P<sha>sha256:[0-9a-f]+)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)"
    r"|[A-Za-z_][A-Za-z_0-9]*|->|\.\.|[<>=!]=|[^\s]"
)
_ELSEWHERE = "0" * 64
_GROUP = 3
"""Digits that one unit of cost pays for."""

_NEAR = 1e-9
"""Relative distance within which the double of an integer does not tell it apart from a power of ten."""

_SAFE_DIGITS = 15
"""Any decimal of so many digits is told apart from its neighbours by the nearest double."""


def cost(node: Rule | Statement | Constant | Expr) -> int:
    """The description length of a rule or of a part of one.

    Takes time in the length of the text, without the data of constants, of those nodes whose cost was not asked for
    before, and a few vector operations for the data.
    """
    match node:
        case Rule():
            parts = sum(map(cost, node.constants)) + sum(map(cost, node.statements))
            return _text_cost(print_head(node)) + _text_cost("}") + parts
        case Constant():
            return _text_cost(print_constant(node, _ELSEWHERE)) + data_cost(node.values)
        case Statement() | Expr():
            return node.known_cost or _node_cost(node)


def _node_cost(root: Statement | Expr) -> int:
    """The cost of the text between the parts of a node, of the parts, and of the brackets around them."""
    stack: list[tuple[Statement | Expr, list[Item]]] = [(root, [])]
    while stack:
        node, items = stack.pop()
        if node.known_cost:
            continue
        if items:
            object.__setattr__(node, "known_cost", sum(map(_item_cost, items)))
            continue
        items = items_of(node)
        stack.append((node, items))
        stack += [(item[0], []) for item in items if not isinstance(item, str)]
    return root.known_cost


def _item_cost(item: Item) -> int:
    return _text_cost(item) if isinstance(item, str) else item[0].known_cost + 2 * in_brackets(*item)


_seen: dict[int, tuple[weakref.ref[Any], int]] = {}
"""Costs of arrays that are still alive; constants are read-only and shared by all versions of a rule."""


def data_cost(array: np.ndarray) -> int:
    """One per entry of a canonical array, and one per three digits of an entry beyond its first three."""
    key = id(array)
    known = _seen.get(key)
    if known is not None and known[0]() is array:
        return known[1]
    found = array.size + _digits_cost(array)
    if not array.flags.writeable:
        _seen[key] = (weakref.ref(array, lambda _: _seen.pop(key, None)), found)
    return found


@lru_cache(maxsize=4096)
def _text_cost(text: str) -> int:
    tokens = 0
    digits = 0
    for found in _TOKEN.finditer(text):
        tokens += 1
        if found.lastgroup == "number":
            digits += _beyond(_significant(found["number"]))
    return tokens + digits


def _significant(text: str) -> int:
    """The number of significant digits of a number's text; 1 for zero."""
    mantissa = text.partition("e")[0].replace(".", "").lstrip("-0")
    return max(len(mantissa), 1)


def _beyond(digits: int) -> int:
    return (digits - 1) // _GROUP


def _digits_cost(array: np.ndarray) -> int:
    if array.dtype == np.int64:
        return _integer_digits(array)
    if array.dtype == np.float64:
        return _double_digits(array.ravel())
    flat = array.ravel().tolist()
    if set(map(type, flat)) <= {int}:
        return _wide_digits(flat)
    integers = [value for value in flat if isinstance(value, int)]
    return _wide_digits(integers) + _each(str(value) for value in flat if not isinstance(value, int))


def _each(texts: Iterable[str]) -> int:
    return sum(_beyond(_significant(text)) for text in texts)


def _integer_digits(array: np.ndarray) -> int:
    """Entries of n digits reach 10^3, 10^6, ... as often as n has groups beyond the first."""
    if not array.size:
        return 0
    low, high = int(array.min()), int(array.max())
    total = 0
    bound = 10**_GROUP
    while bound <= max(-low, high):
        total += int(np.count_nonzero(array >= bound)) + int(np.count_nonzero(array <= -bound))
        bound *= 10**_GROUP
    return total


def _wide_digits(values: list[int]) -> int:
    """The same for integers of any length; doubles tell them apart from a power of ten unless they are very near."""
    if not values:
        return 0
    most = max(max(values), -min(values))
    try:
        size = np.abs(np.array(values, dtype=np.float64))
        bounds = [10**k for k in range(_GROUP, len(number_text(most)), _GROUP)]
        limits = [float(bound) for bound in bounds]
    except OverflowError:
        return _each(map(number_text, values))
    total = 0
    for bound, limit in zip(bounds, limits, strict=True):
        total += int(np.count_nonzero(size > limit * (1 + _NEAR)))
        near = np.flatnonzero(np.abs(size - limit) <= limit * _NEAR)
        total += sum(abs(values[k]) >= bound for k in near.tolist())
    return total


def _double_digits(array: np.ndarray) -> int:
    size = np.abs(array)
    whole = size == np.rint(size)
    total = _integer_digits(size[whole & (size < 2.0**62)].astype(np.int64))
    total += _each(number_text(int(value)) for value in size[whole & (size >= 2.0**62)].tolist())
    tiny = size < 1e-7  # beyond the powers of ten that are doubles
    total += _each(repr(value) for value in size[tiny & ~whole].tolist())
    rest = size[~tiny & ~whole]
    for digits in range(_GROUP, _SAFE_DIGITS + 1, _GROUP):
        rest = rest[~_fits(rest, digits)]
        total += rest.size
    return total


def _fits(size: np.ndarray, digits: int) -> np.ndarray:
    """Which positive doubles are the nearest to a decimal of so many significant digits.

    A decimal m / 10^k with m < 2^53 and k <= 22 is rounded correctly by one division, both operands being exact
    (Clinger 1990, How to read floating point numbers accurately).
    """
    places = digits - 1 - np.floor(np.log10(size)).astype(np.int64)
    fits = np.zeros(size.shape, dtype=bool)
    for extra in (0, 1):  # the logarithm may have been rounded up to the next integer
        power = 10.0 ** np.clip(places + extra, 0, 22)
        mantissa = np.rint(size * power)
        fits |= (mantissa <= 10.0**digits) & (mantissa / power == size)
    return fits
