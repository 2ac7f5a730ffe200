"""Threads that wait for work and stay until the process ends.

They are started when there is work for them for the first time. Who has work does it too, and waits for no piece that
nobody has begun, so work may call for more work, in any thread, however few threads there are.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

__all__ = ["share"]

_MOST = 256
"""Threads that help with one job, at most."""


class _Job:
    """Pieces of work, each done by whoever comes first."""

    def __init__(self, work: Callable[[int], None], pieces: int) -> None:
        self._work = work
        self._numbers: Iterator[int] = iter(range(pieces))
        self._condition = threading.Condition(threading.Lock())
        self._running = 0
        """How many pieces others are doing."""
        self._error: BaseException | None = None

    def help(self) -> None:
        """Do pieces, in another thread than the one that has the work, until there are no more."""
        while True:
            with self._condition:
                number = next(self._numbers, None)
                if number is None:
                    return
                self._running += 1
                work = self._work
            error = None
            try:
                work(number)
            except BaseException as raised:
                error = raised
            with self._condition:
                self._running -= 1
                if error is not None:
                    self._error, self._numbers = error, iter(())
                if not self._running:
                    self._condition.notify()

    def run(self) -> None:
        """Do what others do not; return when everything is done."""
        try:
            while (number := self._next()) is not None:
                self._work(number)
        finally:
            self._finish()
        if self._error is not None:
            raise self._error

    def _next(self) -> int | None:
        with self._condition:
            return next(self._numbers, None)

    def _finish(self) -> None:
        """Give out no more, and wait for what others do; they use memory that is freed when the call ends."""
        interrupt = None
        while True:
            try:
                with self._condition:
                    self._numbers = iter(())
                    while self._running:
                        self._condition.wait()
                    break
            except KeyboardInterrupt as raised:
                interrupt = raised
        # A worker that comes late must not keep the memory.
        del self._work
        if interrupt is not None:
            raise interrupt


class _Workers:
    """The threads."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        """Threads without work, less jobs that no thread has taken."""
        self._is_open = True

    def call(self, job: _Job, helpers: int) -> None:
        """Have so many threads help with a job, if there are as many."""
        with self._lock:
            helpers = min(helpers, _MOST)
            most = max(os.cpu_count() or 1, helpers)
            while self._is_open and self._idle < helpers and len(self._threads) < most:
                thread = threading.Thread(target=self._serve, name=f"ddcompile-{len(self._threads)}", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    break  # the system gives no more
                self._threads.append(thread)
                self._idle += 1
            if self._threads:
                self._idle -= helpers
                for _ in range(helpers):
                    self._queue.put(job)

    def _serve(self) -> None:
        while (job := self._queue.get()) is not None:
            job.help()
            del job
            with self._lock:
                self._idle += 1

    def close(self) -> None:
        """End the threads; who has work does it alone from now on."""
        with self._lock:
            threads, self._threads, self._is_open = self._threads, [], False
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join()


_workers = _Workers()


def _renew() -> None:
    """A process that was forked has none of the threads."""
    global _workers
    _workers = _Workers()


def _close() -> None:
    _workers.close()


os.register_at_fork(after_in_child=_renew)
atexit.register(_close)


def share(work: Callable[[int], None], pieces: int) -> None:
    """Call `work(k)` for each k below `pieces`, at the same time as far as there are threads.

    An exception that a call raises is raised, when no other call is running any more; those not begun are left out.
    """
    job = _Job(work, pieces)
    if pieces > 1:
        _workers.call(job, pieces - 1)
    job.run()
