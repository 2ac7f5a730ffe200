"""The names of the schedules (see `ddcompile.kernel.schedules`), which the command line has without importing them."""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias

__all__ = ["SCHEDULES", "Schedule"]

Schedule: TypeAlias = OneOf["auto", "grid", "batch", "popcount", "tables", "scalar"]
SCHEDULES: tuple[Schedule, ...] = ("auto", "grid", "batch", "popcount", "tables", "scalar")
"""The names of schedules; `auto` leaves it to the cost model."""
