"""The just-in-time compiler: memory that is given back, and how soon compiled rules are ready."""

from __future__ import annotations

from collections.abc import Iterator

from hold_scale import in_own_process
from lines import Line, count

from ddcompile.testing.leaks import kept_bytes

__all__ = ["runtime"]

ROUNDS = 10_000
KEPT = 8192


def runtime() -> Iterator[Line]:
    """What must hold of the just-in-time compiler."""
    kept = in_own_process(kept_bytes, ROUNDS)
    found = f"{kept:.0f} bytes a round"
    yield Line("runtime", f"memory kept after {count(ROUNDS)} rules", found, f"at most {KEPT}", kept <= KEPT)
