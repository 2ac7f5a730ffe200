"""Files are written all or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.files import check_targets, read_text, write_files


def test_files_are_written_and_replaced(tmp_path: Path) -> None:
    a, b = tmp_path / "a.txt", tmp_path / "b.bin"
    a.write_text("old")
    write_files({a: "ü\n", b: b"\x00"})
    assert (a.read_bytes(), b.read_bytes()) == ("ü\n".encode(), b"\x00")
    assert sorted(tmp_path.iterdir()) == [a, b]


def test_if_one_cannot_be_written_none_is(tmp_path: Path) -> None:
    a, folder = tmp_path / "a.txt", tmp_path / "folder"
    a.write_text("old")
    folder.mkdir()
    with pytest.raises(CompileError) as caught:
        write_files({a: "new", folder: "text"})
    assert str(caught.value) == f"{folder}: error[U003]: the file cannot be written: Is a directory"
    assert a.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [a, folder]


def test_a_folder_is_made_and_removed_again(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with pytest.raises(CompileError, match="U003"):
        write_files({folder / "a": "1", folder / "no" / "b": "2"}, folder)
    assert not folder.exists()
    write_files({folder / "a": "1"}, folder)
    assert (folder / "a").read_text() == "1"
    write_files({folder / "a": "2"}, folder)
    assert (folder / "a").read_text() == "2"


def test_a_missing_parent_is_said(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"no/x.txt: error\[U003\].*No such file or directory"):
        write_files({tmp_path / "no" / "x.txt": ""})
    with pytest.raises(CompileError, match=r"no/out: error\[U003\].*No such file or directory"):
        write_files({tmp_path / "no" / "out" / "x.txt": ""}, tmp_path / "no" / "out")


def test_links_stay_and_devices_are_written_through(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_files({link: "text", Path(os.devnull): "text"})
    assert link.is_symlink()
    assert target.read_text() == "text"
    assert Path(os.devnull).is_char_device()


def test_texts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.rule"
    with pytest.raises(CompileError) as caught:
        read_text(path)
    assert str(caught.value) == f"{path}: error[U001]: no such file"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CompileError) as caught:
        read_text(path)
    assert str(caught.value) == f"{path}: error[U002]: the file is not UTF-8 text"
    with pytest.raises(CompileError, match=r"U001.*Is a directory"):
        read_text(tmp_path)


def test_targets_are_checked_before_long_work(tmp_path: Path) -> None:
    check_targets(None, tmp_path / "x.rule")
    assert not (tmp_path / "x.rule").exists()
    with pytest.raises(CompileError, match=r"no/x.rule: error\[U003\].*No such file or directory"):
        check_targets(tmp_path / "y.json", tmp_path / "no" / "x.rule")
    with pytest.raises(CompileError, match=r"U003.*Is a directory"):
        check_targets(tmp_path)
