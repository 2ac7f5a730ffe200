"""The names of the schedules (see `ddcompile.kernel.schedules`), which the command line has without importing them."""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias

__all__ = ["LAYOUTS", "SCHEDULES", "Layout", "Schedule"]

Schedule: TypeAlias = OneOf["auto", "grid", "batch", "popcount", "tables", "scalar"]
SCHEDULES: tuple[Schedule, ...] = ("auto", "grid", "batch", "popcount", "tables", "scalar")
"""The names of schedules; `auto` leaves it to the cost model."""

Layout: TypeAlias = OneOf["plain", "packed", "sliced"]
"""How bits lie in memory: a byte each, 64 along the last axis in a word, or those of 64 samples in a word."""
LAYOUTS: tuple[Layout, ...] = ("plain", "packed", "sliced")
