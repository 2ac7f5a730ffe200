"""What a long command is doing, on a terminal: one line on stderr that comes after a second and goes at the end."""

from __future__ import annotations

import sys
import time
from threading import Lock, Timer
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

__all__ = ["Progress"]

_PATIENCE = 1.0
"""Seconds after which the line comes."""


class Progress:
    """A line with the pass that runs, the cost so far and the time; nothing where stderr is no terminal.

    Parameters
    ----------
    wanted : bool
        Whether to show anything on a terminal; not where programs are printed in between.
    console : rich.console.Console, optional
        Where to show it, by default on stderr.
    patience : float
        Seconds after which it is shown.
    """

    def __init__(self, *, wanted: bool = True, console: Console | None = None, patience: float = _PATIENCE) -> None:
        self._console = console
        self._patience = patience
        self._is_shown = wanted and (console is not None or sys.stderr.isatty())
        self._start = time.perf_counter()
        self._name = ""
        self._cost: int | None = None
        self._live: Live | None = None
        self._lock = Lock()
        self._is_over = False
        self._timer = Timer(patience, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Begin to count."""
        self._start = time.perf_counter()
        if self._is_shown:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._live is not None:
                self._live.stop()

    def begin(self, name: str) -> None:
        """A pass begins."""
        self._name = name

    def costs(self, cost: int) -> None:
        """The program has this cost now."""
        self._cost = cost

    def line(self) -> Text:
        """What is shown."""
        from rich.text import Text

        parts = [self._name or "reading"]
        if self._cost is not None:
            parts.append(f"cost {self._cost:,}")
        parts.append(f"{time.perf_counter() - self._start:.0f} s")
        return Text("  ".join(parts), style="dim")

    def _show(self) -> None:
        from rich.console import Console
        from rich.live import Live

        with self._lock:
            if self._is_over:
                return
            console = self._console or Console(stderr=True)
            self._live = Live(console=console, get_renderable=self.line, refresh_per_second=4, transient=True)
            self._live.start(refresh=True)
