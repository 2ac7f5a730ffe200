"""The activations that a layer can have, by name, and the choice of them for layers whose file does not say.

| name | value at x |
|---|---|
| `identity` | x |
| `sign` | -1, 0 or 1; `sign(0)` is 0 |
| `step` | 1 where x > 0, else 0 |
| `nonnegative` | 1 where x >= 0, else 0 |
| `relu`, `abs` | the larger of x and 0, of x and -x |
| `hardtanh` | x limited to -1..1 |
| `clamp[a..b]`, `clamp[a..]`, `clamp[..b]` | x limited to a..b; a and b are doubles |
| `tanh`, `sigmoid` | smooth: the result is real |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Number

__all__ = ["ACTIVATIONS", "KNOWN", "SMOOTH", "Activation", "bounds", "canonical", "choose", "clamp"]

Activation: TypeAlias = str
"""A name out of `ACTIVATIONS`, or a clamp, in canonical form."""

ACTIVATIONS = ("sign", "step", "relu", "identity", "abs", "hardtanh", "nonnegative", "tanh", "sigmoid")
SMOOTH = ("tanh", "sigmoid")
KNOWN = f"known activations: {', '.join(ACTIVATIONS)}, clamp[a..b]"

_CLAMP = re.compile(r"clamp\[(.*?)\.\.(.*)\]")


def canonical(text: str) -> Activation | None:
    """The one name of an activation: `clamp[-1.0..1]` is `hardtanh`. None if there is no such activation."""
    if text in ACTIVATIONS:
        return text
    match = _CLAMP.fullmatch(text)
    if match is None:
        return None
    try:
        low, high = (Fraction(float(bound)) if bound.strip() else None for bound in match.groups())
    except (ValueError, OverflowError):
        return None
    if low is not None and high is not None and low > high:
        return None
    return clamp(low, high)


def clamp(low: Number | None, high: Number | None) -> Activation:
    """The activation that limits values to a range; the bounds are doubles, None where there is none."""
    match low, high:
        case None, None:
            return "identity"
        case 0, None:
            return "relu"
        case -1, 1:
            return "hardtanh"
    return f"clamp[{_written(low)}..{_written(high)}]"


def _written(bound: Number | None) -> str:
    if bound is None:
        return ""
    exact = Fraction(bound)
    return str(exact) if exact.denominator == 1 and abs(exact) < 2**53 else repr(float(exact))


def bounds(activation: Activation) -> tuple[Number | None, Number | None] | None:
    """The range to which an activation limits values, if that is what it does."""
    if activation == "relu":
        return 0, None
    if activation == "hardtanh":
        return -1, 1
    match = _CLAMP.fullmatch(activation)
    if match is None:
        return None
    low, high = (Fraction(float(bound)) if bound else None for bound in match.groups())
    return low, high


def choose(given: Sequence[str | None], option: str | None, place: str) -> list[Activation]:
    """One activation a layer.

    Parameters
    ----------
    given : sequence of str or None
        What the file says of each layer.
    option : str, optional
        A name for every layer, with commas; or one name for all but the last, which is then "identity". It fills in
        what the file leaves open.
    place : str
        The file, for messages.

    Raises
    ------
    CompileError
        N105 for an unknown name or one that contradicts the file, N109 if a layer is left without one.
    """
    names = [] if option is None else [_known(name.strip(), "activation") for name in option.split(",")]
    each = len(names) == len(given)
    if len(names) > 1 and not each:
        message = f"the option names {len(names)} activations, but the network has {len(given)} layers"
        raise fail("N105", message, place=place, hint="one name is for all layers but the last")
    last = len(given) - 1
    chosen = []
    for k, text in enumerate(given):
        wanted = names[k] if each else names[0] if names and k < last else None
        said = None if text is None else _known(text, place, f"layer {k}: ")
        if said is not None and wanted is not None and said != wanted:
            raise fail("N105", f"layer {k}: the file says `{said}`, the option `{wanted}`", place=place)
        if said is None and wanted is None and k < last:
            hint = "say it: --activation sign"
            raise fail("N109", f"layer {k}: the activation is not known", place=place, hint=hint)
        chosen.append(said or wanted or "identity")
    return chosen


def _known(text: str, place: str, lead: str = "") -> Activation:
    name = canonical(text)
    if name is None:
        raise fail("N105", f"{lead}unknown activation `{text}`", place=place, hint=KNOWN)
    return name
