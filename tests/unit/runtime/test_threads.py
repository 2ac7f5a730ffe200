"""Work is divided among threads that stay: each piece once, also from within work, after a fork, and until the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.runtime import workers
from ddcompile.runtime.threads import spread
from ddcompile.runtime.workers import share


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads of the test's own, ended after it."""
    own = workers._Workers()
    monkeypatch.setattr(workers, "_workers", own)
    yield
    own.close()


def _threads() -> int:
    return len(workers._workers._threads)


def _note(seen: list[int], start: int, stop: int) -> None:
    seen.extend(range(start, stop))


@pytest.mark.parametrize("grain", [1, 2, 5])
def test_spread_covers_each_number_once(grain: int) -> None:
    for count in range(12):
        for jobs in range(1, 6):
            seen: list[int] = []
            spread(partial(_note, seen), count, jobs, grain)
            assert sorted(seen) == list(range(count))


def test_ranges_begin_at_grains() -> None:
    starts: list[int] = []
    spread(lambda start, stop: starts.append(start), 100, 3, 16)
    assert len(starts) == 3
    assert all(start % 16 == 0 for start in starts)


@pytest.mark.usefixtures("fresh")
def test_threads_stay() -> None:
    barrier = threading.Barrier(3)
    names: set[str] = set()

    def work(_: int) -> None:
        barrier.wait()
        names.add(threading.current_thread().name)

    for _ in range(20):
        share(work, 3)
    assert names == {threading.current_thread().name, "ddcompile-0", "ddcompile-1"}


@pytest.mark.usefixtures("fresh")
def test_one_piece_needs_no_thread() -> None:
    spread(lambda start, stop: None, 64, 8, 64)
    spread(lambda start, stop: None, 0, 8)
    assert _threads() == 0


@pytest.mark.usefixtures("fresh")
def test_work_calls_for_work() -> None:
    seen: list[tuple[int, int, int]] = []

    def outer(a: int) -> None:
        share(partial(middle, a), 4)

    def middle(a: int, b: int) -> None:
        share(lambda c: seen.append((a, b, c)), 4)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(share, outer), [4] * 8))
    assert sorted(seen) == sorted((a, b, c) for a in range(4) for b in range(4) for c in range(4) for _ in range(8))
    assert _threads() <= max(os.cpu_count() or 1, 3)


@pytest.mark.usefixtures("fresh")
def test_callers_that_are_many_have_a_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 9)
    barrier = threading.Barrier(6)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(partial(share, lambda _: barrier.wait(timeout=20)), [2, 2, 2]))
    assert _threads() == 3


@pytest.mark.usefixtures("fresh")
def test_no_more_threads_than_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_MOST", 3)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    seen: list[int] = []

    def work(piece: int) -> None:
        time.sleep(0.001)
        seen.append(piece)

    share(work, 200)
    assert sorted(seen) == list(range(200))
    assert _threads() == 3


def test_an_error_in_a_thread_is_raised() -> None:
    def work(start: int, stop: int) -> None:
        if start:
            raise ValueError(f"from {start} to {stop}")

    with pytest.raises(ValueError, match="from 2 to 4"):
        spread(work, 4, 2)


@pytest.mark.usefixtures("fresh")
def test_an_error_waits_for_what_runs() -> None:
    barrier = threading.Barrier(2)
    done = []

    def work(_: int) -> None:
        barrier.wait()
        if threading.current_thread().name.startswith("ddcompile"):
            time.sleep(0.1)
            done.append(True)
        else:
            raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        share(work, 2)
    assert done


@pytest.mark.usefixtures("fresh")
def test_memory_of_work_is_freed() -> None:
    import gc
    import weakref

    class Memory:
        pass

    memory = Memory()
    found = weakref.ref(memory)
    barrier = threading.Barrier(2)
    share(lambda _, memory=memory: barrier.wait() and None, 2)
    del memory
    for _ in range(100):
        gc.collect()
        if found() is None:
            break
        time.sleep(0.02)
    assert found() is None


@pytest.mark.usefixtures("fresh")
def test_without_threads_the_caller_works_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    seen: list[int] = []
    share(seen.append, 5)
    assert seen == [0, 1, 2, 3, 4]


def test_after_the_end_the_caller_works_alone() -> None:
    own = workers._Workers()
    own.call(workers._Job(lambda _: None, 2), 1)
    own.close()
    own.call(workers._Job(lambda _: None, 2), 1)
    assert not own._threads


RULE = "rule r(x: int[0..9][40]) -> (y: int) { y = sum(i < 40: x[i] * x[i]) }"


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    run = dd.parse(RULE).jit(n_jobs=2)
    x = np.random.default_rng(0).integers(0, 10, (1000, 40))
    expected = run(x)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(30)
            status = int(not np.array_equal(run(x), expected) or _threads() == 0)
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "threading.Thread(target=run, args=(x,)).start()"])
def test_a_process_ends(end: str) -> None:
    script = (
        f"import threading, numpy as np, ddcompile as dd\nrun = dd.parse({RULE!r}).jit(n_jobs=3)\n"
        f"x = np.ones((1000, 40), dtype=int)\nrun(x)\n{end}\n"
    )
    done = subprocess.run([sys.executable, "-c", script], timeout=60, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_waiting_takes_no_time() -> None:
    dd.parse(RULE).jit(n_jobs=4)(np.ones((1000, 40), dtype=int))
    start = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - start < 0.1
