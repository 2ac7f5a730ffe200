"""What an estimator is doing, how far it is, how long the steps took, and the processes that it may use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.utils.parallel import Parallel, delayed

__all__ = ["Steps"]

PATIENCE = 0.25
"""Seconds between two words on how far a step is."""


class Steps:
    """The steps of a fit.

    Parameters
    ----------
    n_jobs : int, optional
        Processes, as in joblib.
    verbose : bool or callable
        Whether finished steps are printed; or what to tell what is being done, as a text.

    Attributes
    ----------
    seconds : dict
        What each step took.
    """

    def __init__(self, n_jobs: int | None = None, verbose: bool | Callable[[str], None] = False) -> None:
        self._n_jobs = n_jobs
        self._verbose = verbose
        self._name = ""
        self._told = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step that takes as long as the body of `with`."""
        self._name = name
        self._tell(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
        if self._verbose and not callable(self._verbose):
            print(f"[ENNClassifier] {name}: {self.seconds[name]:.1f} s")

    def each(
        self, function: Callable[..., Any], problems: Iterable[tuple[Any, ...]], total: int, what: str
    ) -> Iterator[Any]:
        """What a function makes of tuples of arguments, one after the other.

        Parameters
        ----------
        function : callable
        problems : iterable of tuple
            Those that are not needed yet are not asked for.
        total : int
            How many there are.
        what : str
            What they are, in the plural.
        """
        if self._n_jobs in (None, 1) or total < 2:
            made: Iterable[Any] = (function(*problem) for problem in problems)
        else:
            tasks = (delayed(function)(*problem) for problem in problems)
            made = Parallel(n_jobs=self._n_jobs, return_as="generator")(tasks)
        for done, result in enumerate(made, start=1):
            self.reached(done, total, what)
            yield result

    def reached(self, done: int, total: int, what: str) -> None:
        """So many of all are done."""
        if time.perf_counter() - self._told > PATIENCE:
            self._tell(f"{self._name}: {what} {done:,} of {total:,}")

    def _tell(self, text: str) -> None:
        self._told = time.perf_counter()
        if callable(self._verbose):
            self._verbose(text)
