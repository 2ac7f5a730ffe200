"""Compiled rules against what a person would run instead, in one process, as ratios::

    python tests/benchmarks/speed.py [--only PATTERN] [--rounds N] [--jobs N] [--json FILE] [--markdown] [--readme]

Every line is one piece of work, done by the compiled rule and by a peer, in turns. The ratio is that of their least
times: how many times faster the rule is. Arrays go in and come out as plain NumPy arrays, packing included, unless the
line says `packed`. With one thread, processor time is compared, so that other load on the machine matters less; with
more, time by the clock. Before anything is measured, both must give the same, and the interpreter must give it on a
part of the input. `limit` is the share of what the machine does at most: of logic on words in registers, by the number
of operations that the schedule says, or of copying what must be read and written, whichever is larger; both limits are
measured in the same process, with as many threads. (Instructions with three operands, where there are any, do two of
these operations; and what stays in a cache is moved faster.) Lines of two threads say how many times faster the machine
allows them to be: what is read and written takes as long as two threads take to copy it, and the rest is as much faster
as two threads do more logic.

`memory` is by how much the process grows during a call.

C peers are compiled by `cc -O3 -march=native`, but for those of many gates. Peers that are not installed (numba, torch,
onnxruntime; `pip install 'ddcompile[bench]'` has all) leave their lines out, which is said.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import scaling
from gates import random_gates
from scaling import LIFE, RULE30

import ddcompile as dd
from ddcompile.ir.verifier import check
from ddcompile.kernel.schedules import choose
from ddcompile.runtime.workers import share
from ddcompile.testing import builders

PEERS = Path(__file__).parent / "peers"
README = Path(__file__).parent.parent.parent / "README.md"
MARK = "<!-- written by: python tests/benchmarks/speed.py --readme -->\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes
    ----------
    work, peer
        What is done, and by whom else.
    ratio
        The peer's time by ours.
    floor
        What the ratio should be at least.
    seconds
        Our least time.
    ready
        Milliseconds of processor time to compile.
    bytes
        Size of the machine code.
    limit
        The share of the machine's limit.
    memory
        Bytes by which the process grows during a call; -1 if the system does not say.
    """

    work: str
    peer: str
    ratio: float
    floor: float
    seconds: float
    ready: float
    bytes: int
    limit: float
    memory: int


class Bench:
    """What the lines share: C peers, the clock, the machine's limits."""

    def __init__(self, folder: Path, rounds: int, jobs: int) -> None:
        self.rounds, self.jobs = rounds, jobs
        self._clock = time.thread_time if jobs == 1 else time.perf_counter
        self._folder = folder
        self.c: dict[str, ctypes.CDLL] = {}
        for name in ("automata", "limits"):
            self.library(name, (PEERS / f"{name}.c").read_text(encoding="utf-8"))
        self.random = np.random.default_rng(0)
        self._limits: dict[int, tuple[float, float]] = {}

    def library(self, name: str, text: str, level: str = "-O3") -> str:
        """Compile a peer; its name for `call`."""
        source, made = self._folder / f"{name}.c", self._folder / f"{name}.so"
        source.write_text(text, encoding="utf-8")
        flags = [level, "-march=native", "-shared", "-fPIC", "-Wall", "-Wextra", "-Wno-unused-variable"]
        subprocess.run([shutil.which("cc") or "gcc", *flags, "-o", made, source], check=True)
        self.c[name] = ctypes.CDLL(str(made))
        return name

    def limits(self, jobs: int) -> tuple[float, float]:
        """Operations on words, and bytes copied, a second, by so many threads at once."""
        if jobs not in self._limits:
            rounds, size = 2_000_000, 1 << 26
            to, from_ = (np.ones(size, dtype=np.uint8) for _ in range(2))
            logic, copy = self.c["limits"].logic, self.c["limits"].copy
            logic.restype, logic.argtypes = ctypes.c_uint64, (ctypes.c_long, ctypes.c_uint64)
            copy.argtypes = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long
            part = size // jobs
            pieces = [(to.ctypes.data + k * part, from_.ctypes.data + k * part, part) for k in range(jobs)]
            clock = self._clock if jobs == 1 else time.perf_counter
            slow = self.least(lambda: share(lambda k: logic(rounds // jobs, k), jobs), clock)
            move = self.least(lambda: share(lambda k: copy(*pieces[k]), jobs), clock)
            self._limits[jobs] = rounds * 192 / slow, 2 * size / move
        return self._limits[jobs]

    def call(self, library: str, name: str, *arguments: Any) -> None:
        """Call a peer in C with arrays and numbers."""
        given = [ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else ctypes.c_long(a) for a in arguments]
        self.c[library][name](*given)

    def least(self, work: Callable[[], Any], clock: Callable[[], float] | None = None) -> float:
        """The least time of some runs."""
        return min(self._timed(work, clock or self._clock) for _ in range(self.rounds))

    @staticmethod
    def _timed(work: Callable[[], Any], clock: Callable[[], float]) -> float:
        start = clock()
        work()
        return clock() - start

    def bits(self, *shape: int) -> np.ndarray:
        """Random bits."""
        return self.random.integers(0, 2, size=shape, dtype=np.uint8)

    def line(
        self, work: str, peer: str, floor: float, program: dd.Program, ours: Callable[[], Any],
        theirs: Callable[[], Any], bytes_: int, rounds: int = 0, operations: float = 0, n_jobs: int = 0,
    ) -> Line:  # fmt: skip
        """Measure in turns; operations on words are those of the plan if it has one."""
        jobs = n_jobs or self.jobs
        clock = time.perf_counter if n_jobs else self._clock
        times: list[tuple[float, float]] = []
        for _ in range(rounds or self.rounds):
            times.append((self._timed(ours, clock), self._timed(theirs, clock)))
        seconds, other = (min(column) for column in zip(*times, strict=True))
        memory = _growth(ours)
        start = time.process_time()
        fresh = program.jit(n_jobs=jobs)
        ready = 1000 * (time.process_time() - start)
        logic, copy = self.limits(jobs)
        limit = max((operations or _operations(program)) / logic, bytes_ / copy) / seconds
        return Line(work, peer, other / seconds, floor, seconds, ready, fresh.code_bytes, limit, memory)


def _growth(work: Callable[[], Any]) -> int:
    """Bytes by which the process grows during a call, and may shrink again; -1 where the system does not say."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is what it is now
        before = _status("VmRSS")
        work()
        return max(0, _status("VmHWM") - before)
    except (OSError, StopIteration):
        return -1


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _missing(peer: str) -> None:
    print(f"{peer} is not installed: its lines are left out", flush=True)


def _operations(program: dd.Program) -> float:
    """Operations on words that the schedule grid does for one sample, reads of memory not counted."""
    plan = choose(program.rule, check(program.rule)).plan
    if plan is None:
        return 0.0
    words = float(np.prod(plan.extents[:-1])) * -(-plan.extents[-1] // 64)
    total = 0
    for part in plan.passes:
        gates = [stage.gate for stage in part.stages]
        for group in (gates, plan.beside(part)):
            total += part.steps * (plan.circuit.weight(group) - len(plan.circuit.leaves(group)))
    return total * words


# --- Life ------------------------------------------------------------------------------------------------------------


def _local(program: dd.Program, one: dd.Program, cells: np.ndarray, after: np.ndarray, steps: int) -> None:
    """Check a patch against the interpreter: what `steps` steps make of its middle, whatever is around."""
    side = 2 * steps + 40
    slices = (slice(0, side),) * cells.ndim
    patch = cells[slices]
    for _ in range(steps):
        patch = one(patch)
    middle = (slice(steps, side - steps),) * cells.ndim
    assert np.array_equal(patch[middle], after[middle]), program.name


def _life_c(bench: Bench, words: np.ndarray, steps: int) -> np.ndarray:
    cells, other = words.copy(), np.empty_like(words)
    bench.call("automata", "life_packed", cells, other, *words.shape, steps)
    return cells


def _slices(cells: np.ndarray) -> np.ndarray:
    """One generation by NumPy."""
    x = np.pad(cells, 1, mode="wrap")
    above = x[:-2, :-2] + x[:-2, 1:-1] + x[:-2, 2:]
    total = above + x[1:-1, :-2] + x[1:-1, 2:] + x[2:, :-2] + x[2:, 1:-1] + x[2:, 2:]
    return ((total == 3) | ((total == 2) & (cells == 1))).astype(np.uint8)


def _repeated(step: Callable[[Any], Any], value: Any, steps: int) -> Any:
    for _ in range(steps):
        value = step(value)
    return value


def life_packed(bench: Bench) -> Iterator[Line]:
    """16 generations of Life, packed."""
    one = dd.parse(LIFE)
    for side, floor in ((4096, 1.0), (16384, 1.4)):
        program = dd.iterate(one, 16).at(H=side, W=side)
        cells = bench.bits(side, side)
        packed, run = dd.pack(cells), program.jit(n_jobs=bench.jobs)
        after = run(packed)
        assert np.array_equal(after.words, _life_c(bench, packed.words, 16))
        _local(program, one, cells, dd.unpack(after), 16)
        work = f"Life {side} x {side}, 16 generations, packed"
        peer = "C, 64 cells a word"
        cells_, other = packed.words.copy(), packed.words.copy()

        def c(cells_: np.ndarray = cells_, other: np.ndarray = other) -> None:
            bench.call("automata", "life_packed", cells_, other, *cells_.shape, 16)

        yield bench.line(work, peer, floor, program, partial(run, packed), c, 2 * packed.words.nbytes)


def life_bytes(bench: Bench) -> Iterator[Line]:
    """Life from and to bytes."""
    one = dd.parse(LIFE)
    side = 4096
    cells = bench.bits(side, side)
    program = dd.iterate(one, 16).at(H=side, W=side)
    run = program.jit(n_jobs=bench.jobs)
    after = run(cells)
    _local(program, one, cells, after, 16)

    def packing() -> np.ndarray:
        words = np.packbits(cells, axis=-1, bitorder="little").view(np.uint64)
        return np.unpackbits(_life_c(bench, words, 16).view(np.uint8), axis=-1, bitorder="little")

    work = f"Life {side} x {side}, 16 generations, bytes"
    assert np.array_equal(after, packing())
    peer = "np.packbits, that C, np.unpackbits"
    yield bench.line(work, peer, 1.0, program, lambda: run(cells), packing, 2 * cells.nbytes)

    def slices() -> np.ndarray:
        found: np.ndarray = _repeated(_slices, cells, 16)
        return found

    assert np.array_equal(after, slices())
    yield bench.line(work, "NumPy slices", 50.0, program, lambda: run(cells), slices, 2 * cells.nbytes, 2)
    yield from _numba(bench, work, program, run, cells, after)
    yield from _torch(bench, work, program, run, cells, after)
    single = one.at(H=side, W=side)
    step = single.jit(n_jobs=bench.jobs)

    def c() -> np.ndarray:
        made = np.empty_like(cells)
        bench.call("automata", "life_bytes", cells, made, side, side)
        return made

    assert np.array_equal(step(cells), c())
    work = f"Life {side} x {side}, 1 generation, bytes"
    yield bench.line(work, "C, a cell a byte", 0.9, single, lambda: step(cells), c, 2 * cells.nbytes)


def _numba(
    bench: Bench, work: str, program: dd.Program, run: Any, cells: np.ndarray, after: np.ndarray
) -> Iterator[Line]:
    try:
        import numba
    except ImportError:
        _missing("numba")
        return

    @numba.njit  # type: ignore[misc,untyped-decorator,unused-ignore]
    def generation(cells: np.ndarray) -> np.ndarray:
        rows, columns = cells.shape
        made = np.empty_like(cells)
        for i in range(rows):
            up, down = (i or rows) - 1, i + 1 if i + 1 < rows else 0
            for j in range(columns):
                left, right = (j or columns) - 1, j + 1 if j + 1 < columns else 0
                total = cells[up, left] + cells[up, j] + cells[up, right] + cells[i, left] + cells[i, right]
                total += cells[down, left] + cells[down, j] + cells[down, right]
                made[i, j] = total == 3 or (total == 2 and cells[i, j] == 1)
        return made

    def peer() -> np.ndarray:
        found: np.ndarray = _repeated(generation, cells, 16)
        return found

    assert np.array_equal(after, peer())
    yield bench.line(work, "numba", 15.0, program, lambda: run(cells), peer, 2 * cells.nbytes, 2)


def _torch(
    bench: Bench, work: str, program: dd.Program, run: Any, cells: np.ndarray, after: np.ndarray
) -> Iterator[Line]:
    try:
        import torch
    except ImportError:
        _missing("torch")
        return
    torch.set_num_threads(bench.jobs)
    kernel = torch.tensor([[2, 2, 2], [2, 1, 2], [2, 2, 2]], dtype=torch.float32)[None, None]

    def step(x: Any) -> Any:
        total = torch.nn.functional.conv2d(torch.nn.functional.pad(x, (1, 1, 1, 1), mode="circular"), kernel)
        return ((total >= 5) & (total <= 7)).float()

    def peer() -> np.ndarray:
        with torch.inference_mode():
            found = _repeated(step, torch.from_numpy(cells)[None, None].float(), 16)
            return np.asarray(found[0, 0].byte().numpy())

    assert np.array_equal(after, peer())
    yield bench.line(work, "torch conv2d", 800.0, program, lambda: run(cells), peer, 2 * cells.nbytes, 1)


def rule30(bench: Bench) -> Iterator[Line]:
    """64 generations of rule 30, packed."""
    one = dd.parse(RULE30)
    cells = 100_000_000 // 64 * 64
    program = dd.iterate(one, 64).at(N=cells)
    start = bench.bits(cells)
    packed, run = dd.pack(start), program.jit(n_jobs=bench.jobs)
    after = run(packed)
    own, other = packed.words.copy(), packed.words.copy()

    def c() -> None:
        bench.call("automata", "rule30_packed", own, other, len(own), 64)

    c()
    assert np.array_equal(after.words, own)
    _local(program, one, start, dd.unpack(after), 64)
    work = f"rule 30, {cells:.0e} cells, 64 generations, packed".replace("e+0", "e")
    yield bench.line(work, "C, 64 cells a word", 2.0, program, lambda: run(packed), c, 2 * own.nbytes, 3)


# --- networks --------------------------------------------------------------------------------------------------------


def _descended(bench: Bench, layers: Sequence[np.ndarray], images: np.ndarray, chunk: int) -> Callable[[], np.ndarray]:
    """A dense network of signs in torch, weights and biases (out, in + 1), by chunks of images.

    Not by `torch.compile`, which is 1.15 times as fast but needs most of a minute to begin.
    """
    import torch

    torch.set_num_threads(bench.jobs)
    tensors = [torch.from_numpy(np.ascontiguousarray(layer.T, dtype=np.float32)) for layer in layers]

    def run() -> np.ndarray:
        found = []
        with torch.inference_mode():
            for start in range(0, len(images), chunk):
                x = torch.from_numpy(images[start : start + chunk].reshape(-1, len(tensors[0]) - 1)).float()
                for k, layer in enumerate(tensors):
                    x = torch.addmm(layer[-1], x, layer[:-1])
                    x = torch.sign(x) if k + 1 < len(tensors) else x
                found.append(x.argmax(1))
        return np.asarray(torch.cat(found).numpy())

    return run


def _session(bench: Bench, layers: Sequence[np.ndarray], images: np.ndarray, chunk: int) -> Callable[[], np.ndarray]:
    """The same in onnxruntime."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, last = [helper.make_node("Cast", ["x"], ["x0"], to=TensorProto.FLOAT)], [], "x0"
    for k, layer in enumerate(layers):
        for name, array in (("W", layer[:, :-1]), ("b", layer[:, -1])):
            constants.append(numpy_helper.from_array(array.astype(np.float32), f"{name}{k}"))
        nodes.append(helper.make_node("Gemm", [last, f"W{k}", f"b{k}"], [f"s{k}"], transB=1))
        nodes.append(helper.make_node("Sign", [f"s{k}"], [f"h{k}"]))
        last = f"h{k}"
    nodes[-1] = helper.make_node("ArgMax", [f"s{len(layers) - 1}"], ["y"], axis=1, keepdims=0)
    given = helper.make_tensor_value_info("x", TensorProto.UINT8, ["n", layers[0].shape[1] - 1])
    answer = helper.make_tensor_value_info("y", TensorProto.INT64, ["n"])
    graph = helper.make_graph(nodes, "network", [given], [answer], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = bench.jobs, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    flat = images.reshape(len(images), -1)

    def run() -> np.ndarray:
        found = [session.run(None, {"x": flat[start : start + chunk]})[0] for start in range(0, len(flat), chunk)]
        return np.concatenate(found)

    return run


def _networks(
    bench: Bench,
    name: str,
    floor: float,
    program: dd.Program,
    layers: Sequence[np.ndarray],
    images: np.ndarray,
    network: dd.Network | None = None,
) -> Iterator[Line]:
    """Many images through a rule and through its dense network, which may round where the network given says so."""
    run = program.jit(n_jobs=bench.jobs)
    found = run(images)
    assert np.array_equal(found[:200], program(images[:200]))
    safe = np.ones(2000, dtype=bool) if network is None else dd.float_safe(network, images[:2000], "float32", "argmax")
    for maker, peer in ((_descended, "torch"), (_session, "onnxruntime")):
        try:
            ways = [maker(bench, layers, images, chunk) for chunk in (4096, len(images))]
        except ImportError:
            _missing(peer)
            continue
        best = min(ways, key=bench.least)
        assert np.array_equal(found[:2000][safe], best()[:2000][safe])
        title = f"{peer}, the dense network"
        yield bench.line(name, title, floor, program, lambda: run(images), best, images.nbytes, 3)


def orientation(bench: Bench) -> Iterator[Line]:
    """The orientation rule on many images."""
    network = builders.orientation(28)
    program = dd.distill(network, "image: bit[28, 28]", head="argmax", name="orientation")
    layers = [np.column_stack([layer.weight, layer.bias]) for layer in network.layers]
    images = bench.bits(100_000, 28, 28)
    yield from _networks(bench, "orientation, 1e5 images 28 x 28", 100.0, program, layers, images, network)


def dense(bench: Bench) -> Iterator[Line]:
    """Random networks of +1 and -1."""
    for sizes, samples, floor in (((64, 32, 10), 100_000, 3.0), ((784, 784, 56, 2), 100_000, 5.0)):
        layers, lines, constants, last = [], [], [], "2 * x[j] - 1"
        for k, (before, own) in enumerate(pairwise(sizes), 1):
            weights = bench.random.choice([-1, 1], size=(own, before))
            rows = ", ".join(str(row) for row in weights.tolist())
            constants.append(f"  const W{k}: int[{own}, {before}] = [{rows}]\n")
            if k + 1 < len(sizes):
                lines.append(f"  h{k}[i < {own}] = sign(2 * sum(j < {before}: W{k}[i, j] * ({last})) + 1)\n")
            else:
                lines.append(f"  y = argmax(i < {own}: sum(j < {before}: W{k}[i, j] * ({last})))\n")
            last = f"h{k}[j]"
            scale = 2 if k == 1 else 1
            bias = (-weights.sum(axis=1) if k == 1 else 0) + (0.5 if k + 1 < len(sizes) else 0)
            layers.append(np.column_stack([scale * weights, np.broadcast_to(bias, own)]))
        head = f"rule net(x: bit[{sizes[0]}]) -> (y: int[0..{sizes[-1] - 1}]) {{\n"
        program = dd.parse(head + "".join(constants + lines) + "}\n")
        name = f"random +-1 network {'-'.join(map(str, sizes))}, {samples:.0e} samples".replace("e+0", "e")
        yield from _networks(bench, name, floor, program, layers, bench.bits(samples, sizes[0]))


def gates(bench: Bench) -> Iterator[Line]:
    """Random networks of logic gates on samples that are packed 64 in a word.

    The peer is compiled at the fastest level that takes less than two minutes: for 1e4 gates, -O2 does not; for 5e4
    gates, only -O0 does.
    """
    samples, inputs, last = 1_000_000, 784, 1000
    for count, level in ((10_000, "-O1"), (50_000, "-O0")):
        width = (count - last) // 9
        network = random_gates(bench.random, inputs, [width] * 9 + [count - 9 * width])
        library = bench.library(f"gates{count}", network.c(), level)
        program = dd.parse(network.rule())
        words = bench.random.integers(0, 2**64, size=(samples // 64, inputs), dtype=np.uint64)
        packed, run = dd.Packed(words, (samples, inputs), axis=0), program.jit(n_jobs=bench.jobs)
        made = np.empty((samples // 64, count - 9 * width), dtype=np.uint64)
        c = partial(bench.call, library, "gates", words, made, samples // 64)
        after = run(packed)
        c()
        assert np.array_equal(after.words, made)
        some = dd.unpack(dd.Packed(words[:10], (640, inputs), axis=0))
        assert np.array_equal(program(some), dd.unpack(after)[:640])
        name = f"{count:.0e} random logic gates, {samples:.0e} samples, packed".replace("e+0", "e")
        peer = f"the same gates in C, 64 samples a word, {level}"
        operations = count * samples / 64
        yield bench.line(name, peer, 1.5, program, partial(run, packed), c, words.nbytes + made.nbytes, 5, operations)


WORK: dict[str, Callable[[Bench], Iterator[Line]]] = {
    "life_packed": life_packed, "life_bytes": life_bytes, "rule30": rule30, "orientation": orientation,
    "dense": dense, "gates": gates, "sizes": scaling.sizes, "adders": scaling.adders,
    "threads": scaling.threads,
}  # fmt: skip


# --- the table -------------------------------------------------------------------------------------------------------

HEAD = ("work", "peer", "times faster", "floor", "ms", "ready ms", "code", "limit", "memory")


def cells_of(line: Line) -> tuple[str, ...]:
    """A line as text."""
    floor = f"{line.floor:.3g}" if line.floor else "-"
    code = f"{line.bytes / 1024:.1f} KiB"
    measured = f"{line.ratio:.2f}" if line.ratio < 100 else f"{line.ratio:.0f}"
    return (
        line.work, line.peer, measured, floor, f"{1000 * line.seconds:.2f}", f"{line.ready:.0f}", code,
        f"{line.limit:.0%}", f"{line.memory / 2**20:.1f} MiB" if line.memory >= 0 else "-",
    )  # fmt: skip


def markdown(lines: list[Line]) -> str:
    """The table for a page, without what depends on the machine alone."""
    rows = ["| work | peer | times faster |", "|---|---|--:|"]
    rows += [f"| {line.work} | {line.peer} | {cells_of(line)[2]} |" for line in lines]
    return "\n".join(rows) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*", help="names of work: " + ", ".join(WORK))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--readme", action="store_true")
    arguments = parser.parse_args()
    os.environ["DDCOMPILE_CACHE"] = "off"
    lines: list[Line] = []
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder), arguments.rounds, arguments.jobs)
        print(" | ".join(HEAD), flush=True)
        for name, work in WORK.items():
            if fnmatch(name, arguments.only):
                for line in work(bench):
                    lines.append(line)
                    print(" | ".join(cells_of(line)), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n", encoding="utf-8")
    if arguments.markdown:
        print(markdown(lines))
    if arguments.readme:
        text = README.read_text(encoding="utf-8")
        before, after = text.split(MARK)
        rest = after.split("\n\n", 1)[1]
        README.write_text(f"{before}{MARK}\n{markdown(lines)}\n{rest}", encoding="utf-8")


if __name__ == "__main__":
    main()
