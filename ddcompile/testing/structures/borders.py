"""Grids with an end: automata that are run on them for a few steps, and functions of what is around, with a pad."""

from __future__ import annotations

from ddcompile.testing.structures.grids import neighbours
from ddcompile.testing.structures.structure import Case, Structure, unrolled

__all__ = ["BORDERS"]

_HERE, _LEFT, _RIGHT = "s[t - 1, i]", "pad(s, 0)[t - 1, i - 1]", "pad(s, 0)[t - 1, i + 1]"


def _run(signature: str, box: str, place: str, first: str, steps: int, rule: str) -> Structure:
    """A rule about the places of a grid, run for some steps."""
    return unrolled(
        signature,
        f"s[0, {box}] = {first}[{place}]",
        f"s[1 <= t < {steps + 1}, {box}] = {rule}",
        f"y[{box}] = s[{steps}, {place}]",
    )


def _line(name: str, n: int, steps: int, rule: str) -> Structure:
    """A rule about the two neighbours of the places of a line, run for some steps."""
    return _run(f"{name}(x: bit[{n}]) -> (y: bit[{n}])", f"i < {n}", "i", "x", steps, rule)


def ended_rule_30(n: int = 9, steps: int = 3) -> Structure:
    """Rule 30 on a line with nothing outside."""
    return _line("ended_rule_30", n, steps, f"{_LEFT} xor ({_HERE} or {_RIGHT})")


def enclosed_rule_30(n: int = 9, steps: int = 3) -> Structure:
    """Rule 30 on a line between ones."""
    rule = f"{_LEFT} xor ({_HERE} or {_RIGHT})"
    return _line("enclosed_rule_30", n, steps, rule.replace("pad(s, 0)", "pad(s, 1)"))


def ended_rule_110(n: int = 13, steps: int = 4) -> Structure:
    """Rule 110 on a line with nothing outside."""
    return _line("ended_rule_110", n, steps, f"({_HERE} or {_RIGHT}) and not ({_LEFT} and {_HERE} and {_RIGHT})")


def ended_rule_184(n: int = 12, steps: int = 3) -> Structure:
    """Rule 184, traffic, on a road with no cars outside."""
    return _line("ended_rule_184", n, steps, f"{_HERE} and {_RIGHT} or {_LEFT} and not {_HERE}")


def ended_life(n: int = 5, steps: int = 2) -> Structure:
    """Life on a square with nothing outside, two steps."""
    around = "sum(di in -1..1, dj in -1..1: pad(s, 0)[t - 1, i + di, j + dj])"
    return _run(
        f"ended_life(x: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"i < {n}, j < {n}",
        "i, j",
        "x",
        steps,
        f"5 <= 2 * {around} - s[t - 1, i, j] <= 7",
    )


def flood(n: int = 5, steps: int = 3) -> Structure:
    """Water that reaches open neighbours, step by step."""
    reached = " or ".join(f"pad(s, 0)[t - 1, {place}]" for place in ("i - 1, j", "i + 1, j", "i, j - 1", "i, j + 1"))
    return _run(
        f"flood(seed: bit[{n}, {n}], open: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"i < {n}, j < {n}",
        "i, j",
        "seed",
        steps,
        f"open[i, j] and (s[t - 1, i, j] or {reached})",
    )


def amoeba(n: int = 6) -> Structure:
    """Amoeba on a square with nothing outside: four numbers of neighbours that live on, three that are born."""
    alive = " or ".join(f"n[i, j] == {count}" for count in (1, 3, 5, 8))
    born = " or ".join(f"n[i, j] == {count}" for count in (3, 5, 7))
    return neighbours("amoeba", n, f"if x[i, j] then {alive} else {born}")


def enclosed_interval(n: int = 7) -> Structure:
    """Four to six of the nine places around set, with ones outside."""
    return unrolled(
        f"enclosed_interval(x: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"y[i < {n}, j < {n}] = 4 <= sum(di in -1..1, dj in -1..1: pad(x, 1)[i + di, j + dj]) <= 6",
    )


def lights_out(n: int = 5) -> Structure:
    """Lights after presses, each of which switches a place and its neighbours."""
    presses = " + ".join(f"pad(p, 0)[{place}]" for place in ("i - 1, j", "i + 1, j", "i, j - 1", "i, j + 1"))
    return unrolled(
        f"lights_out(x: bit[{n}, {n}], p: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"y[i < {n}, j < {n}] = (x[i, j] + p[i, j] + {presses}) % 2",
    )


BORDERS = tuple(
    Case("borders", build, small)
    for build, small in (
        (ended_rule_30, (6, 2)),
        (enclosed_rule_30, (6, 2)),
        (ended_rule_110, (6, 2)),
        (ended_rule_184, (6, 2)),
        (ended_life, (3, 1)),
        (flood, (3, 2)),
        (amoeba, (3,)),
        (enclosed_interval, (3,)),
        (lights_out, (3,)),
    )
)
