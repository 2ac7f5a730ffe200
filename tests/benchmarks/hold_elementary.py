"""The errors of the elementary functions at a million arguments each."""

from __future__ import annotations

from collections.abc import Iterator

from lines import Line, count

from ddcompile.testing.ulps import arguments, worst

__all__ = ["elementary_functions"]

_ARGUMENTS = 1_200_000


def elementary_functions() -> Iterator[Line]:
    """The worst error of exp, log, tanh and sigmoid, everywhere and where a result is hard to round."""
    for name in ("exp", "log", "tanh", "sigmoid"):
        found = [worst(name, x) for x in arguments(name, _ARGUMENTS)]
        worst_of_all = max(found, key=lambda one: one.ulps)
        tried = sum(one.count for one in found)
        text = f"{worst_of_all.ulps:.4f} ulp at {worst_of_all.argument!r} of {count(tried)}"
        fine = worst_of_all.ulps < 1 and tried >= 1_000_000
        yield Line("elementary", name, text, "< 1 ulp at >= 1,000,000", fine)
