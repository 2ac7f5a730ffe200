"""Dividing the samples of a batch among threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from numbers import Integral
from typing import Any

from ddcompile.diagnostics import fail

__all__ = ["check_jobs", "spread", "team"]


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


def spread(work: Callable[[int, int], None], count: int, n_jobs: int) -> None:
    """Call `work(start, stop)` for ranges that together are `range(count)`, in up to `n_jobs` threads.

    Parameters
    ----------
    work
        Does its range without touching what other ranges write; it should release the GIL.
    count
        The number of samples; nothing is called if there are none.
    n_jobs
        The number of threads; with one, or one sample, everything runs in the caller's.
    """
    jobs = min(n_jobs, count)
    if jobs <= 1:
        if count:
            work(0, count)
        return
    bounds = [count * k // jobs for k in range(jobs + 1)]
    with ThreadPoolExecutor(jobs - 1) as pool:
        others = [pool.submit(work, start, stop) for start, stop in pairwise(bounds[1:])]
        work(bounds[0], bounds[1])
    for other in others:
        other.result()


def team(work: Callable[[int, int, int, int], None], phases: int, count: int, n_jobs: int) -> None:
    """Call `work(worker, phase, start, stop)`, each phase after the one before, its range divided among threads.

    Parameters
    ----------
    work
        Does its range without touching what other ranges of the phase write; it should release the GIL. No two calls
        that run at the same time have the same `worker`, a number below `n_jobs`.
    phases
        How many phases there are.
    count
        The ranges of a phase together are `range(count)`.
    n_jobs
        The number of threads; with one, everything runs in the caller's.
    """
    jobs = min(n_jobs, count)
    if jobs <= 1:
        for phase in range(phases):
            work(0, phase, 0, count)
        return
    bounds = [count * k // jobs for k in range(jobs + 1)]
    with ThreadPoolExecutor(jobs - 1) as pool:
        for phase in range(phases):
            others = [pool.submit(work, k, phase, bounds[k], bounds[k + 1]) for k in range(1, jobs)]
            work(0, phase, bounds[0], bounds[1])
            for other in others:
                other.result()
