"""The table of structures can be measured in parts, loses no line when a process is lost, and goes on where it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = Path(__file__).parents[2] / "benchmarks" / "structures.py"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


def names(output: str) -> list[str]:
    """The structures of a table, in its order."""
    return [line.split()[0] for line in output.splitlines() if line.endswith("  ok")]


def test_parts_make_the_table(tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    some = ("--only", "*_pairs", "--shuffles", "1")
    assert names(run(*some, "--part", "1/2", "--record", first).stdout) == ["ordered_pairs", "same_pairs"]
    assert names(run(*some, "--part", "2/2", "--record", second).stdout) == ["two_pairs"]
    merged = run("--only", "*_pairs", "--merge", second, first)
    assert merged.returncode == 0
    assert names(merged.stdout) == ["ordered_pairs", "two_pairs", "same_pairs"]
    refused = run("--merge", first, "--readme")
    assert refused.returncode == 2
    assert refused.stderr.startswith("README.md shows all structures; not measured: ")


def test_a_lost_process_loses_one_line_and_a_record_is_not_measured_again(tmp_path: Path) -> None:
    record = tmp_path / "lines.jsonl"
    # It takes far longer than the second that a process may take at most.
    lost = run("--only", "hair_off", "--shuffles", "2", "--seconds", "0", "--record", record)
    assert lost.returncode == 1
    assert "  the process was lost: " in lost.stdout
    done = run("--only", "ha*", "--shuffles", "2", "--processes", "2", "--record", record)
    assert names(done.stdout) == ["half_rows", "half_sparse"]
    assert "  the process was lost: " in done.stdout
    again = run("--only", "ha*", "--shuffles", "2", "--record", record)
    assert names(again.stdout) == ["half_rows", "half_sparse"]
    assert len(record.read_text().splitlines()) == 3
