"""Dividing the samples of a batch among threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Integral
from typing import Any

from ddcompile.diagnostics import fail
from ddcompile.runtime.workers import share

__all__ = ["check_jobs", "spread"]


def check_jobs(n_jobs: Any) -> int:
    """The number of threads that `n_jobs` asks for: itself, or one a processor that this process may use for -1.

    Raises
    ------
    CompileError
        E021 if it is neither positive nor -1.
    """
    jobs = 0 if isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral) else int(n_jobs)
    if not (jobs > 0 or jobs == -1):
        raise fail("E021", f"the number of jobs must be positive, or -1 for one a processor, not {n_jobs!r}")
    if jobs > 0:
        return jobs
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)  # not on every system
    return (os.cpu_count() or 1) if affinity is None else len(affinity(0))


def spread(work: Callable[[int, int], None], count: int, n_jobs: int, grain: int = 1) -> None:
    """Call `work(start, stop)` for ranges that together are `range(count)`, in up to `n_jobs` threads.

    Parameters
    ----------
    work
        Does its range without touching what other ranges write; it should release the GIL.
    count
        The number of samples; nothing is called if there are none.
    n_jobs
        The number of threads; with one, or no more samples than a grain, everything runs in the caller's.
    grain
        So many samples are best done together: ranges begin at multiples of it.
    """
    grains = -(-count // grain)
    jobs = min(n_jobs, grains)
    if jobs <= 1:
        if count:
            work(0, count)
        return
    bounds = [min(count, grains * k // jobs * grain) for k in range(jobs + 1)]
    share(lambda k: work(bounds[k], bounds[k + 1]), jobs)
