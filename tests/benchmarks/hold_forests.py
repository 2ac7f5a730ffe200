"""A forest of scikit-learn: how fast it is lowered, compiled and run, beside scikit-learn and onnxruntime."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import forests as ways
from lines import Line

from ddcompile.frontends import as_model
from ddcompile.frontends.lowering import lower_model

__all__ = ["forests"]

SECTION = "forests"
WHAT = "100 trees of depth 10 over 20 reals"
LOWERED, READY, COMPILED, ROW = 5.0, 2.0, 20.0, 20e-6
"""Seconds."""


def forests() -> Iterator[Line]:
    """One forest, one thread, processor time."""
    with TemporaryDirectory() as folder:
        work = ways.forest(100, 10, 100_000, 120, Path(folder))
        start = time.process_time()
        lower_model(as_model(work.model), None, None, None, "forest")
        yield _below(f"{WHAT}: lowered", time.process_time() - start, LOWERED)
        jit, c = ways.ours(work), ways.ours_in_c(work)
        yield _below("distilled and ready by the JIT", jit.ready, READY)
        yield _below("one row by the JIT", jit.row, ROW)
        assert c is not None
        assert c.compiler is not None
        yield _below("C compiled by cc -O2", c.compiler, COMPILED)
        agreed = min(jit.agreed, c.agreed)
        yield Line(SECTION, "answers as scikit-learn", f"{agreed:.4%}", "100.0000%", agreed == 1)
        for peer in ways.lines(work, "sklearn"), ways.lines(work, "onnxruntime"):
            for other in peer:
                ratio = jit.rows / other.rows
                yield Line(SECTION, f"100,000 rows against {other.name}", f"{ratio:.1f}x", "> 1x", ratio > 1)


def _below(what: str, seconds: float, most: float) -> Line:
    def text(value: float) -> str:
        return f"{value * 1e6:.0f} us" if most < 1e-3 else f"{value:.2f} s"

    return Line(SECTION, what, text(seconds), f"< {text(most)}", seconds < most)
