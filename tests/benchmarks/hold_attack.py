"""The attack on soundness: random small networks, distilled and compared with exact evaluation on all inputs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from statistics import median

import numpy as np
from lines import Line, count

from ddcompile.testing.attack import FAMILIES, Limits, Lost, Trial, attempt, outcomes

__all__ = ["NETWORKS", "attack"]

NETWORKS = 10_000
LIMITS = Limits(seconds=60, patience=1800, bytes=4 << 30)
"""A network that takes more is given up, and counts as a fault."""
SLOWEST = 20.0
AGAIN = 10
"""The certificate of every tenth network is written, read and checked as well."""
SHOWN = 3
PROGRESS = 500


def attack(networks: int = NETWORKS, seed: int = 0, jobs: int = 2) -> Iterator[Line]:
    """About as many networks of each family, and what came of them."""
    share = -(-networks // len(FAMILIES))
    work = [(family, seed, k) for k in range(share) for family in FAMILIES]
    trials: dict[str, list[tuple[Trial, int]]] = {family: [] for family in FAMILIES}
    start = time.perf_counter()
    for done, (number, outcome) in enumerate(outcomes(one, work, jobs, LIMITS)):
        family, _, k = work[number]
        trial = Trial(family, 0, 0, outcome.reason) if isinstance(outcome, Lost) else outcome
        trials[family].append((trial, k))
        if done % PROGRESS == 0:
            print(f"attack: {done} of {len(work)} networks", file=sys.stderr, flush=True)
        if trial.wrong or trial.fault or trial.longer or trial.seconds >= SLOWEST:
            print(f"attack: {family}, seed {seed}, network {k}: {trial}", file=sys.stderr, flush=True)
    for family, found in trials.items():
        yield from _family(family, [trial for trial, _ in found])
    every = [trial for found in trials.values() for trial, _ in found]
    inputs = sum(trial.inputs for trial in every)
    wrong, faults = sum(trial.wrong > 0 for trial in every), sum(trial.fault != "" for trial in every)
    seconds = time.perf_counter() - start
    found = f"{wrong} of {count(len(every))}, on {count(inputs)} inputs, in {seconds / 60:.0f} min"
    yield Line("attack", "rules that are not the network", found, "0", wrong == 0)
    yield Line("attack", "crashes, unproved steps, refused certificates", str(faults), "0", faults == 0)
    slow = sorted(((trial.seconds, family, k) for family in trials for trial, k in trials[family]), reverse=True)
    worst = "; ".join(f"{s:.1f} s ({family} {k})" for s, family, k in slow[:SHOWN])
    yield Line("attack", "slowest, to distill and prove", worst, f"< {SLOWEST:.0f} s", slow[0][0] < SLOWEST)
    longer = sum(trial.longer > 0 for trial in every)
    yield Line("attack", "longer than the dense program", str(longer), "0", longer == 0)


def _family(family: str, trials: list[Trial]) -> Iterator[Line]:
    wrong, faults = sum(trial.wrong > 0 for trial in trials), sum(trial.fault != "" for trial in trials)
    times, saved = sorted(trial.seconds for trial in trials), median(trial.saved for trial in trials)
    found = f"{wrong} wrong, {faults} faults of {len(trials)}; {median(times):.2f} s, at most {times[-1]:.1f} s"
    yield Line(f"attack: {family}", "differences", f"{found}; {saved:.0%} shorter", "0, 0", not wrong and not faults)


def one(work: tuple[str, int, int]) -> Trial:
    """Make one network and attack with it; for the processes that share the work."""
    family, seed, k = work
    target = FAMILIES[family](np.random.default_rng((seed, list(FAMILIES).index(family), k)))
    return attempt(target, again=k % AGAIN == 0)
