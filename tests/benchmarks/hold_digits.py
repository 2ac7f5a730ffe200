"""The trained networks of `examples/digits`: accuracy, length, agreement of the engines and of torch, and speed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from lines import Line, count

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.engines import ENGINES, compiled
from ddcompile.frontends import load_network
from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate

__all__ = ["digits"]

FOLDER = Path(__file__).parents[2] / "examples" / "digits"
INPUTS = "image: spin[8, 8]"
SAFE = 0.99
ACCURACY = {"signs": 0.90, "relus": 0.93}
REPEATS = 5


def digits() -> Iterator[Line]:
    """Both networks on all 1,797 images, a quarter of which training has not seen."""
    sys.path.insert(0, str(FOLDER))
    import torch
    from data import images, split
    from module import load

    torch.set_num_threads(1)
    pixels, labels = images()
    _, test = split(labels)
    floats = torch.tensor(pixels, dtype=torch.float32)
    for name, wanted in ACCURACY.items():
        section = f"digits, {name}"
        network, module = load_network(FOLDER / f"{name}.npz"), load(name)
        exact = evaluate(network, pixels.reshape(len(pixels), -1), "argmax")
        share = float((exact == labels)[test].mean())
        held_out = f"accuracy, {len(test)} images held out"
        yield Line(section, held_out, f"{share:.1%}", f">= {wanted:.0%}", share >= wanted)
        program = dd.distill(network, INPUTS, None, "argmax", f"digits_{name}")
        yield Line(section, "proved when distilled", str(program.verdict).split()[0], "proved", bool(program.verdict))
        dense = cost(lower(network, INPUTS, None, "argmax", f"digits_{name}"))
        yield Line(section, "cost", f"{count(program.cost)} of {count(dense)}", "no more", program.cost <= dense)
        same = dd.load(FOLDER / f"{name}.rule").rule == program.rule
        yield Line(section, "rule kept in the example", "equal" if same else "another", "equal", same)
        safe = dd.float_safe(module, pixels, head="argmax")
        yield Line(section, "floats are safe", f"{safe.mean():.2%}", f">= {SAFE:.0%}", bool(safe.mean() >= SAFE))
        with torch.no_grad():
            agree = int((module(floats).argmax(1).numpy() == exact)[safe].sum())
        yield Line(section, "torch = network there", f"{agree} of {safe.sum()}", "all", agree == safe.sum())
        with torch.no_grad():
            reference = _seconds(lambda module=module: module(floats).argmax(1))  # type: ignore[misc]
        for engine in ENGINES:
            function = compiled(program.rule, engine)
            found = np.asarray(function([pixels]))
            right = int((found == exact).sum())
            yield Line(section, f"{engine} = network", f"{right} of {len(pixels)}", "all", right == len(pixels))
            if engine in ("jit", "c"):
                ratio = reference / _seconds(lambda function=function: function([pixels]))  # type: ignore[misc]
                yield Line(section, f"{engine}, one thread, against torch", f"{ratio:.2g} times as fast", "any", True)


def _seconds(run: Callable[[], Any]) -> float:
    """The least of a few times."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)
