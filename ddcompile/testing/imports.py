"""How long imports take, measured so that a busy machine does not matter."""

from __future__ import annotations

import resource
import subprocess
import sys

__all__ = ["import_ratio", "loaded_modules"]


def import_ratio(module: str, reference: str, rounds: int = 15) -> tuple[float, float, float]:
    """The processor time that importing a module takes, by that for another one.

    Fresh processes import one and the other in turn; of each the least time counts, since whatever else the machine
    does can only add to it. What an empty process takes is part of both.

    Returns
    -------
    tuple of float
        The ratio, and the seconds for `module` and for `reference`.
    """
    own, other = float("inf"), float("inf")
    for _ in range(rounds):
        own = min(own, _seconds(f"import {module}"))
        other = min(other, _seconds(f"import {reference}"))
    return own / other, own, other


def loaded_modules(code: str) -> set[str]:
    """The top-level modules that a process has loaded after some code."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    return set(done.stdout.split())


def _seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
