"""Processes that work through a list of jobs, of which any may die, hang or take too much memory: the rest goes on."""

from __future__ import annotations

import math
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import Generic, TypeVar

__all__ = ["Limits", "Lost", "outcomes"]

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may take.

    Attributes
    ----------
    seconds : int
        Of processor time. The system ends a process that takes more.
    patience : float
        Seconds by the clock, for a process that waits for something that never comes.
    bytes : int
        Of address space. A job that asks for more gets a `MemoryError`.
    """

    seconds: int
    patience: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Why a job has no result."""

    reason: str


@dataclass(slots=True)
class _Worker(Generic[Job]):
    """A process and the job that it is at."""

    process: BaseProcess
    connection: Connection
    number: int = -1
    since: float = 0.0

    def give(self, number: int, job: Job) -> None:
        """Send a job."""
        self.number, self.since = number, monotonic()
        with suppress(OSError):  # one that has died is found out when its answer is waited for
            self.connection.send(job)

    def end(self) -> str:
        """End the process, if it goes on; how it ended."""
        self.connection.close()
        self.process.join(1)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        code = self.process.exitcode or 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def outcomes(
    function: Callable[[Job], Result], jobs: Iterable[Job], processes: int, limits: Limits
) -> Iterator[tuple[int, Result | Lost]]:
    """The results of a function, each with the number of its job, as they come.

    Parameters
    ----------
    function
        Of a module, so that its name can be sent; what it raises is no result either.
    jobs
        Asked for one at a time, when a process is free.
    processes
        How many work at a time; each that dies is followed by a fresh one.
    limits

    Yields
    ------
    (int, result or Lost)
    """
    waiting = iter(enumerate(jobs))
    workers: list[_Worker[Job]] = []
    for _, (number, job) in zip(range(processes), waiting, strict=False):
        workers.append(_start(function, limits))
        workers[-1].give(number, job)
    try:
        while workers:
            ready = wait([w.connection for w in workers], timeout=1.0)
            for k in reversed(range(len(workers))):
                worker = workers[k]
                if worker.connection not in ready and monotonic() - worker.since < limits.patience:
                    continue
                number = worker.number
                result: Result | Lost | None = None
                if worker.connection in ready:
                    with suppress(EOFError, OSError):
                        result = worker.connection.recv()
                if result is None:
                    hung = "" if worker.connection in ready else f"nothing after {limits.patience:.0f} s; "
                    result = Lost(f"the process was lost: {hung}{worker.end()}")
                    workers[k] = _start(function, limits)
                following = next(waiting, None)
                if following is None:
                    workers.pop(k).end()
                else:
                    workers[k].give(*following)
                yield number, result
    finally:
        for worker in workers:
            worker.process.kill()
            worker.end()


def _start(function: Callable[[Job], Result], limits: Limits) -> _Worker[Job]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(function, theirs, limits), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(function: Callable[[Job], Result], connection: Connection, limits: Limits) -> None:
    """Answer one job after the other until the other end is closed."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.bytes, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            job = connection.recv()
        except (EOFError, OSError):
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        most = math.ceil(used.ru_utime + used.ru_stime) + limits.seconds
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
        try:
            result: Result | Lost = function(job)
        except Exception as error:
            result = Lost(f"{type(error).__name__}: {error}")
        connection.send(result)
