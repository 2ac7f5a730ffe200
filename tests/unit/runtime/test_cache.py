"""The folder of entries on disk: what is found again, what is not trusted, and how large it gets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.runtime import cache

RULE = """rule r(x: bit[70], n: int[0..9], q: int[0..99999999999999999999]) -> (y: bit[70], s: int, k: int[2], w: int) {
  y[i < 70] = x[i] and n > 3  s = sum(i < 70: x[i]) - n  k[i < 2] = n * x[i]  w = q * q
}
"""
KEY = cache.key_of("a key")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache."""
    place = tmp_path / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(place))
    return place


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, compiling fails."""

    def refuse(*given: object) -> None:
        raise AssertionError(f"compiled: {given}")

    monkeypatch.setattr("ddcompile.backends.llvm.request.native_code", refuse)
    monkeypatch.setattr("ddcompile.backends.llvm.request.choose", refuse)


def test_what_is_written_is_read(folder: Path) -> None:
    assert cache.read(KEY) is None
    cache.write(KEY, b"data")
    assert cache.read(KEY) == b"data"
    assert cache.read(cache.key_of("another")) is None
    cache.write(KEY, b"other")
    assert cache.read(KEY) == b"other"
    assert [path.name for path in folder.iterdir()] == [KEY]


def test_only_the_user_reads_and_writes(folder: Path) -> None:
    cache.write(KEY, b"data")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / KEY).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o666])
def test_files_that_others_may_touch_are_not_trusted(folder: Path, mode: int) -> None:
    cache.write(KEY, b"data")
    (folder / KEY).chmod(mode)
    assert cache.read(KEY) is None


@pytest.mark.parametrize("length", [0, 1, 31, 32, 35])
def test_what_is_cut_off_is_not_found(folder: Path, length: int) -> None:
    cache.write(KEY, b"data")
    data = (folder / KEY).read_bytes()
    (folder / KEY).write_bytes(data[:length])
    assert cache.read(KEY) is None
    assert not (folder / KEY).exists()


def test_what_is_changed_or_renamed_is_not_found(folder: Path) -> None:
    cache.write(KEY, b"data")
    data = (folder / KEY).read_bytes()
    for place in range(len(data)):
        (folder / KEY).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        (folder / KEY).chmod(0o600)
        assert cache.read(KEY) is None
    cache.write(KEY, b"data")
    other = cache.key_of("another")
    (folder / KEY).rename(folder / other)
    assert cache.read(other) is None


def test_links_and_pipes_are_not_read(folder: Path, tmp_path: Path) -> None:
    cache.write(KEY, b"data")
    (folder / KEY).rename(tmp_path / "elsewhere")
    (folder / KEY).symlink_to(tmp_path / "elsewhere")
    assert cache.read(KEY) is None
    (folder / KEY).unlink()
    os.mkfifo(folder / KEY, 0o600)
    assert cache.read(KEY) is None


def test_the_oldest_entries_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST", 40 * 4096)
    keys = [cache.key_of(str(k)) for k in range(100)]
    for number, key in enumerate(keys):
        cache.write(key, bytes(4000))
        os.utime(folder / key, (number, number))
        assert cache.read(keys[0]) is not None
        assert sum(4096 for _ in folder.iterdir()) <= 43 * 4096
    assert cache.read(keys[1]) is None
    cache.write(keys[2], bytes(11 * 4096))
    assert cache.read(keys[2]) is None


def test_files_of_others_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "letters.txt").write_bytes(bytes(9999))
    (folder / ".ddcompile-lost").write_bytes(bytes(9999))
    (folder / ".ddcompile-new").write_bytes(bytes(9999))
    os.utime(folder / ".ddcompile-lost", (0, 0))
    monkeypatch.setattr(cache, "LARGEST", 4096)
    cache.write(KEY, b"data")
    assert {path.name for path in folder.iterdir()} == {KEY, "letters.txt", ".ddcompile-new"}


@pytest.mark.parametrize("value", ["", "off"])
def test_it_can_be_turned_off(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(cache.VARIABLE, value)
    cache.write(KEY, b"data")
    assert cache.read(KEY) is None
    assert not list(tmp_path.iterdir())


def test_the_folder_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative, which is no folder")
    cache.write(KEY, b"data")
    assert (tmp_path / ".cache" / "ddcompile" / KEY).exists()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    cache.write(KEY, b"data")
    assert (tmp_path / "own" / "ddcompile" / KEY).exists()


def test_without_a_folder_things_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    assert dd.parse("rule r(x: bit) -> (y: bit) { y = not x }").jit()(1) == 0


# --- the just-in-time compiler ---------------------------------------------------------------------------------------


def _inputs(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    big = [int(n) << 40 for n in random.integers(0, 9, count)]
    return [random.integers(0, 2, (count, 70)), random.integers(0, 10, count), np.array(big, dtype=object)]


@pytest.mark.parametrize("schedule", ["auto", "scalar"])
def test_compiled_rules_come_from_the_cache(folder: Path, schedule: str, request: pytest.FixtureRequest) -> None:
    given = _inputs(200)
    expected = dd.parse(RULE).jit(schedule=schedule)(*given)
    request.getfixturevalue("refusing")
    run = dd.parse(RULE).jit(schedule=schedule)
    for array, other in zip(run(*given), expected, strict=True):
        assert array.dtype == other.dtype
        assert array.tolist() == other.tolist()
    with pytest.raises(AssertionError, match="compiled"):
        dd.parse(RULE.replace("n > 3", "n > 4")).jit(schedule=schedule)
    with pytest.raises(AssertionError, match="compiled"):
        dd.parse(RULE).jit(n_jobs=3, schedule=schedule)


def test_blocks_of_samples_come_from_the_cache(folder: Path, request: pytest.FixtureRequest) -> None:
    text = "rule r(x: int[0..9][5]) -> (y: int) { y = sum(i < 5: x[i] * x[i]) }"
    given = np.random.default_rng(0).integers(0, 10, (1000, 5))
    assert dd.parse(text).schedule().startswith("batch")
    expected = dd.parse(text).jit()(given)
    assert len(list(folder.iterdir())) == 2
    request.getfixturevalue("refusing")
    assert np.array_equal(dd.parse(text).jit()(given), expected)


def test_sizes_packed_bits_and_rationals_come_from_the_cache(folder: Path, request: pytest.FixtureRequest) -> None:
    life = "rule life<N>(x: bit[N]) -> (y: bit[N]) { y[i < N] = x[(i + 1) % N] xor x[i] }"
    rats = "rule r(x: rat[2]) -> (y: rat) { y = x[0] * x[1] - 0.5 }"
    cells = np.random.default_rng(0).integers(0, 2, 1000)

    def results() -> list[object]:
        run, exact = dd.parse(life).jit(), dd.parse(rats).jit()
        return [run(cells).tolist(), run(dd.pack(cells)).words.tolist(), exact([0.25, 3]).item(), exact([2.0**-70, 3])]

    expected = results()
    request.getfixturevalue("refusing")
    assert results() == expected


def test_damaged_code_is_compiled_again(folder: Path) -> None:
    text = "rule r(x: bit[3]) -> (y: int) { y = sum(i < 3: x[i]) }"
    dd.parse(text).jit()
    (path,) = folder.iterdir()
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert dd.parse(text).jit()([1, 0, 1]) == 2
    assert path.read_bytes() == data


def test_many_processes_share_the_folder(folder: Path) -> None:
    script = (
        "import ddcompile as dd\n"
        "for k in range(6):\n"
        "    run = dd.parse(f'rule r(x: bit[3]) -> (y: int) {{ y = sum(i < 3: x[i]) + {k} }}').jit()\n"
        "    assert run([1, 0, 1]) == 2 + k\n"
    )
    env = {**os.environ, cache.VARIABLE: str(folder)}
    running = [subprocess.Popen([sys.executable, "-c", script], env=env) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert len(list(folder.iterdir())) == 6
