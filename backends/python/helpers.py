"""Functions for reals that an emitted module defines if it calls them."""

from __future__ import annotations

import re

from ddcompile.analysis.elementary import ELEMENTARY
from ddcompile.backends.python.elementary import elementary_function

__all__ = ["called", "helpers"]

_CALL = re.compile(r"(?<![A-Za-z_0-9])_[a-z_0-9]+(?=\()")

# In the order of the module; EXACT stands for the types of exact numbers.
_TEXTS = {
    "_real": '''
def _real(x: EXACT) -> float:
    """The nearest double, infinite beyond the range."""
    try:
        return float(x)
    except OverflowError:
        return float("inf") if x > 0 else float("-inf")
''',
    "_sum": '''
def _sum(terms: Iterable[float]) -> float:
    """The sum from left to right, every addition rounded."""
    total = 0.0
    for term in terms:
        total += term
    return total
''',
    "_least": '''
def _least(terms: Iterable[float]) -> float:
    """The least, of equal ones the first; NaN is passed over."""
    best = float("inf")
    for term in terms:
        if term < best:
            best = term
    return best
''',
    "_greatest": '''
def _greatest(terms: Iterable[float]) -> float:
    """The greatest, of equal ones the first; NaN is passed over."""
    best = float("-inf")
    for term in terms:
        if term > best:
            best = term
    return best
''',
    "_argmax": '''
def _argmax(terms: Iterable[float]) -> int:
    """The place of the greatest, of equal ones the first; NaN is passed over."""
    best, place = float("-inf"), 0
    for k, term in enumerate(terms):
        if term > best:
            best, place = term, k
    return place
''',
    "_softmax": '''
def _softmax(scores: Sequence[float]) -> list[float]:
    """Shares of all powers exp(score), with the greatest score as 0."""
    greatest = _greatest(scores)
    powers = [_exp(score - greatest) for score in scores]
    total = _sum(powers)
    return [power / total for power in powers]
''',
    "_exact_softmax": '''
def _exact_softmax(scores: Sequence[EXACT]) -> list[float]:
    """Shares of all powers exp(score), with the greatest score as 0; differences are rounded once."""
    greatest = max(scores)
    powers = [_exp(_real(score - greatest)) for score in scores]
    total = _sum(powers)
    return [power / total for power in powers]
''',
    "_floats": '''
def _floats(value: Any) -> Any:
    """Nested lists with their numbers made floats."""
    return [_floats(item) for item in value] if isinstance(value, (list, tuple)) else float(value)
''',
}


def called(text: str) -> set[str]:
    """The functions with a leading underscore that a text calls."""
    return set(_CALL.findall(text))


def helpers(body: str, exact: str) -> list[str]:
    """The definitions that a text needs, and those that these need in turn.

    Parameters
    ----------
    exact
        The types of exact numbers in the module, such as `int | Fraction`.
    """
    texts = {name: text.strip("\n").replace("EXACT", exact) for name, text in _TEXTS.items()}
    texts |= {f"_{name}": elementary_function(p).rstrip("\n") for name, p in ELEMENTARY.items()}
    needed: set[str] = set()
    new = called(body) & texts.keys()
    while new:
        needed |= new
        new = {name for text in new for name in called(texts[text])} & texts.keys() - needed
    return [text for name, text in texts.items() if name in needed]
