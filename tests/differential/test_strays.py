"""The schedules grid and batch find bytes that are no bits while they read them, wherever they are."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd

_RULES = {
    "life": "y[i < {h}, j < {w}] = sum(a < 3, b < 3: x[(i + a) % {h}, (j + b) % {w}]) == 3",
    "padded": "y[i < {h}, j < {w}] = pad(x, 1)[i - 2, j + 3] and x[i, j]",
    "inner": "y[i < {h}, j < {w}] = pad(x, 0)[i + 2, j] and x[0, 0] or pad(x, 0)[i, j + 130]",
    "part": "y[i < {h}, j < {w}] = x[i, j] and x[0, 0]",
    "steps": "s[0, i < {h}, j < {w}] = x[i, j]\n"
    "  s[1 <= t < 20, i < {h}, j < {w}] = pad(s, 0)[t - 1, i - 1, j] != pad(s, 0)[t - 1, i, j + 1]\n"
    "  y[i < {h}, j < {w}] = s[19, i, j]",
}


def _refused(run: dd.CompiledRule, x: np.ndarray) -> str:
    with pytest.raises(dd.CompileError) as caught:
        run(x)
    (found,) = caught.value.diagnostics
    assert found.code == "A005"
    return found.message


@pytest.mark.parametrize("name", _RULES)
@pytest.mark.parametrize(("h", "w"), [(9, 64), (70, 127), (8, 30), (20, 4500)])
def test_strays_are_found(name: str, h: int, w: int) -> None:
    program = dd.parse(f"rule r(x: bit[{h}, {w}]) -> (y: bit[{h}, {w}]) {{\n  {_RULES[name].format(h=h, w=w)}\n}}\n")
    rng = np.random.default_rng(h * w)
    for jobs in (1, 2):
        run = program.jit(n_jobs=jobs, schedule="auto" if "x[0, 0]" in _RULES[name] else "grid")
        for samples in ((), (1,), (5,)):
            x = rng.integers(0, 2, size=(*samples, h, w), dtype=np.uint8)
            assert np.array_equal(run(x), program(x))
            assert np.array_equal(run(x.astype(bool)), program(x))
            for i, j in ((0, 0), (h - 1, w - 1), (0, w - 1), (h - 1, 0), (int(rng.integers(h)), int(rng.integers(w)))):
                wrong = x.copy()
                wrong[..., i, j] = rng.choice([2, 3, 128, 255])
                assert f"`x[{i}, {j}]`" in _refused(run, wrong)
                assert f"`x[{i}, {j}]`" in _refused(run, wrong.view(np.int8))


def test_inputs_of_which_a_part_is_read_are_checked() -> None:
    program = dd.parse(
        "rule r(x: bit[2, 9, 80], z: bit[9, 80]) -> (y: bit[9, 80]) {\n"
        "  y[i < 9, j < 80] = x[0, i, j] and x[0, (i + 1) % 9, j]\n"
        "}\n"
    )
    for schedule in ("grid", "auto"):
        run = program.jit(schedule=schedule)
        x, z = np.ones((2, 9, 80), dtype=np.uint8), np.zeros((9, 80), dtype=np.uint8)
        assert np.array_equal(run(x, z), program(x, z))
        for array in (x, z):
            array.reshape(-1)[-1] = 7
            with pytest.raises(dd.CompileError, match="A005"):
                run(x, z)
            array.reshape(-1)[-1] = 0


@pytest.mark.parametrize("shape", [(100,), (64 * 70,), (3, 5, 67), (2, 3, 4, 64)])
def test_grids_of_other_ranks(shape: tuple[int, ...]) -> None:
    names = "ijkl"[: len(shape)]
    own = ", ".join(f"{name} < {n}" for name, n in zip(names, shape, strict=True))
    here = ", ".join(names)
    moved = ", ".join(f"({name} + 1) % {n}" for name, n in zip(names, shape, strict=True))
    extents = ", ".join(map(str, shape))
    body = f"y[{own}] = x[{here}] != x[{moved}]"
    program = dd.parse(f"rule r(x: bit[{extents}]) -> (y: bit[{extents}]) {{\n  {body}\n}}\n")
    rng = np.random.default_rng(len(shape))
    for jobs in (1, 2):
        run = program.jit(n_jobs=jobs, schedule="grid")
        x = rng.integers(0, 2, size=shape, dtype=np.uint8)
        assert np.array_equal(run(x), program(x))
        for place in [0, x.size - 1, *rng.integers(0, x.size, 5).tolist()]:
            wrong = x.copy()
            wrong.reshape(-1)[place] = 4
            where = ", ".join(str(int(n)) for n in np.unravel_index(place, shape))
            assert f"`x[{where}]`" in _refused(run, wrong)


@pytest.mark.parametrize("n", [1, 7, 16, 17, 65, 300, 1100])
def test_strays_are_found_in_every_sample_of_a_block(n: int) -> None:
    program = dd.parse(
        f"rule r(x: bit[{n}], z: int[-3..9]) -> (y: bit[{n}], s: int) {{\n"
        f"  y[i < {n}] = x[(i + 3) % {n}] xor x[i]\n"
        f"  s = sum(i < {n}: x[i]) * z\n"
        "}\n"
    )
    rng = np.random.default_rng(n)
    for samples in (5, 64, 200):
        x = rng.integers(0, 2, size=(samples, n), dtype=np.uint8)
        z = rng.integers(-3, 10, size=samples)
        for jobs in (1, 2):
            run = program.jit(n_jobs=jobs, schedule="batch")
            for got, expected in zip(run(x, z), program(x, z), strict=True):
                assert np.array_equal(got, expected)
            for sample in {0, 4, samples // 2, samples - 1}:
                place = int(rng.integers(n))
                wrong, large = x.copy(), z.copy()
                wrong[sample, place] = rng.choice([2, 3, 128, 255])
                large[sample] = rng.choice([-4, 10, 2**40])
                with pytest.raises(dd.CompileError, match=rf"`x\[{place}\]` of sample {sample}"):
                    run(wrong, z)
                with pytest.raises(dd.CompileError, match=f"`z` of sample {sample}"):
                    run(x, large)
