"""Compiled forests against what a person would run instead: size, time to get ready, one row, many rows::

    python tests/benchmarks/forests.py [--trees 100] [--depth 10] [--rows 100000] [--patience 120] [--only PATTERN]

A random forest of scikit-learn on 20 real inputs, two classes. Every line is a way to run it, on one thread; what is
measured is processor time. `size` is that of the source and of the object code, `ready` what it takes from the fitted
model to a function that can be called, the C compiler (`cc -O2`) included; of that, `cc` is the compiler's. `one row`
is a call from Python for a single row, or of the C function from a loop in C; `rows` is the rate for all rows at
once. Every line must answer as scikit-learn does, but for the share that is said. What is not installed (onnxruntime
with skl2onnx, m2cgen, emlearn, tl2cgen with treelite) is left out, and so is what a C compiler does not finish within
`--patience` seconds by the clock.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["DDCOMPILE_CACHE"] = "off"

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

import ddcompile as dd

INPUTS = 20
ROUNDS = 3
HEAD = "| | source, object (kB) | ready (s) | of it cc (s) | one row (us) | rows a second | answers as scikit-learn |"


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured of one way to run a forest; None where it does not apply."""

    name: str
    source: int | None
    object_code: int | None
    ready: float
    compiler: float | None
    row: float
    rows: float
    agreed: float


Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Work:
    """A fitted forest, inputs as doubles, and what scikit-learn answers."""

    model: Any
    X: np.ndarray
    answers: np.ndarray
    patience: float
    folder: Path


def forest(trees: int, depth: int, rows: int, patience: float, folder: Path) -> Work:
    """The forest that all lines run."""
    X, y = make_classification(12_000, INPUTS, n_informative=12, n_redundant=4, random_state=0, flip_y=0.05)
    model = RandomForestClassifier(trees, max_depth=depth, random_state=0, n_jobs=1).fit(X, y)
    X = np.random.default_rng(0).normal(size=(rows, INPUTS)) * 2
    X = X.astype(np.float32).astype(np.float64)  # all peers see the same numbers
    return Work(model, X, model.predict(X), patience, folder)


def measured(work: Work, name: str, run: Run, ready: float, **sizes: Any) -> Line:
    """Time a function of rows: all of them, and one."""
    answers = run(work.X)
    times, singles, one = [], [], work.X[:1]
    for _ in range(ROUNDS):
        start = time.process_time()
        run(work.X)
        times.append(time.process_time() - start)
        start = time.process_time()
        for _ in range(500):
            run(one)
        singles.append((time.process_time() - start) / 500)
    agreed = float((answers == work.answers).mean())
    found = {"source": None, "object_code": None, "compiler": None, **sizes}
    return Line(name, ready=ready, row=min(singles), rows=len(work.X) / min(times), agreed=agreed, **found)


def ours(work: Work) -> Line:
    """The JIT of this project."""
    start = time.process_time()
    function = dd.distill(work.model).jit()
    ready = time.process_time() - start
    return measured(work, "ddcompile, JIT", function, ready, object_code=function.code_bytes)


def ours_in_c(work: Work) -> Line | None:
    """The C of this project."""
    start = time.process_time()
    files = dd.distill(work.model, name="forest").emit("c")
    for file in files:
        (work.folder / file.name).write_text(file.text)
    made = time.process_time() - start
    loop = """#include "forest.c"
void run(long n, const double *x, unsigned char *y) { forest_batch((size_t)n, x, y); }
"""
    return in_c(work, "ddcompile, C", loop, made, sum(len(file.text) for file in files))


def sklearn(work: Work) -> Line:
    """scikit-learn itself."""
    return measured(work, "scikit-learn", work.model.predict, 0.0)


def onnxruntime(work: Work) -> Line:
    """onnxruntime on what skl2onnx exports, float32."""
    import onnxruntime as ort
    from skl2onnx import to_onnx

    start = time.process_time()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    exported = to_onnx(work.model, work.X[:1].astype(np.float32), options={"zipmap": False}, target_opset=17)
    session = ort.InferenceSession(exported.SerializeToString(), options)
    name = session.get_inputs()[0].name
    ready = time.process_time() - start
    return measured(work, "onnxruntime", lambda X: session.run(None, {name: X.astype(np.float32)})[0], ready)


def m2cgen(work: Work) -> Line | None:
    """C by m2cgen: straight code."""
    import m2cgen as export

    start = time.process_time()
    text = export.export_to_c(work.model)
    made = time.process_time() - start
    loop = f"""{text}
void run(long n, double *x, unsigned char *y) {{
  for (long k = 0; k < n; ++k) {{ double p[2]; score(x + {INPUTS} * k, p); y[k] = p[1] > p[0]; }}
}}
"""
    return in_c(work, "m2cgen", loop, made, len(text))


def emlearn(work: Work) -> Line | None:
    """C by emlearn: straight code on floats."""
    import emlearn as export

    start = time.process_time()
    path = work.folder / "emlearn_forest.h"
    export.convert(work.model, method="inline", dtype="float").save(file=str(path), name="model")
    made = time.process_time() - start
    loop = f"""#include <stdint.h>
#include "emlearn_forest.h"
void run(long n, const double *x, unsigned char *y) {{
  for (long k = 0; k < n; ++k) {{
    float row[{INPUTS}];
    for (int j = 0; j < {INPUTS}; ++j) row[j] = (float)x[{INPUTS} * k + j];
    y[k] = (unsigned char)model_predict(row, {INPUTS});
  }}
}}
"""
    return in_c(work, "emlearn", loop, made, path.stat().st_size, (f"-I{Path(export.__file__).parent}",))


def tl2cgen(work: Work) -> Line | None:
    """C by tl2cgen from treelite."""
    import tl2cgen as export
    import treelite

    start = time.process_time()
    folder = work.folder / "tl2cgen"
    export.generate_c_code(treelite.sklearn.import_model(work.model), dirpath=str(folder), params={})
    made = time.process_time() - start
    text = "\n".join(path.read_text() for path in [folder / "header.h", *sorted(folder.glob("*.c"))])
    text = text.replace('#include "header.h"', "")
    loop = f"""{text}
void run(long n, const double *x, unsigned char *y) {{
  for (long k = 0; k < n; ++k) {{
    union Entry row[{INPUTS}];
    {"float" if "float* result" in text else "double"} p[2] = {{0}};
    for (int j = 0; j < {INPUTS}; ++j) row[j].fvalue = x[{INPUTS} * k + j];
    predict(row, 0, p);
    y[k] = p[1] > p[0];
  }}
}}
"""
    return in_c(work, "tl2cgen", loop, made, len(text))


def in_c(work: Work, name: str, text: str, made: float, source: int, flags: tuple[str, ...] = ()) -> Line | None:
    """Compile C with a function `run(rows, inputs, answers)`, and time it; None if the compiler takes too long."""
    path = work.folder / f"{name.replace(', ', '_')}_run.c"
    path.write_text(text)
    library = path.with_suffix(".so")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    try:
        command = ["cc", "-O2", "-shared", "-fPIC", "-w", *flags, "-o", str(library), str(path), "-lm"]
        subprocess.run(command, check=True, timeout=work.patience, cwd=work.folder)
    except subprocess.TimeoutExpired:
        print(f"| {name} | {source / 1000:,.0f} | cc takes more than {work.patience:g} s | | | | |", flush=True)
        return None
    compiler = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    function = ctypes.CDLL(str(library)).run
    function.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def run(X: np.ndarray) -> np.ndarray:
        found = np.empty(len(X), dtype=np.uint8)
        function(len(X), X.ctypes.data, found.ctypes.data)
        return found

    sizes = {"source": source, "object_code": library.stat().st_size, "compiler": compiler}
    return measured(work, name, run, made + compiler, **sizes)


WAYS: tuple[Callable[[Work], Line | None], ...] = (
    ours,
    ours_in_c,
    sklearn,
    onnxruntime,
    m2cgen,
    emlearn,
    tl2cgen,
)


def lines(work: Work, only: str = "*") -> Iterator[Line]:
    """Every way to run the forest that is installed."""
    for way in WAYS:
        if not fnmatch(way.__name__, only):
            continue
        try:
            line = way(work)
        except ModuleNotFoundError as error:
            print(f"| {way.__name__} | {error.name} is not installed | | | | | |", flush=True)
            continue
        if line is not None:
            yield line


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--patience", type=float, default=120, help="seconds by the clock that a C compiler may take")
    parser.add_argument("--only", default="*", help="names of ways, as a shell pattern")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        work = forest(options.trees, options.depth, options.rows, options.patience, Path(folder))
        print(f"{HEAD}\n|---|---|---|---|---|---|---|", flush=True)
        for line in lines(work, options.only):
            sizes = [f"{n / 1000:,.0f}" if n is not None else "-" for n in (line.source, line.object_code)]
            compiler = "-" if line.compiler is None else f"{line.compiler:.1f}"
            row = f"{line.row * 1e6:.1f} | {line.rows:,.0f} | {line.agreed:.4%}"
            print(f"| {line.name} | {', '.join(sizes)} | {line.ready:.2f} | {compiler} | {row} |", flush=True)


if __name__ == "__main__":
    main()
