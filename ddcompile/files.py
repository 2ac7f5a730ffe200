"""Read text, and write files all or nothing: to temporaries beside the targets first, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ddcompile.diagnostics import fail

__all__ = ["check_targets", "read_text", "write_files"]


def read_text(path: str | Path, hint: str = "") -> str:
    """The text of a UTF-8 file; the hint is for one that is no text.

    Raises
    ------
    CompileError
        U001 if it cannot be read, U002 if it is not text.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise fail("U001", "no such file", place=str(path)) from error
    except OSError as error:
        raise fail("U001", f"the file cannot be read: {error.strerror}", place=str(path)) from error
    except UnicodeDecodeError as error:
        raise fail("U002", "the file is not UTF-8 text", place=str(path), hint=hint) from error


def check_targets(*paths: Path | None) -> None:
    """Say before long work that a file cannot be written where its folder is missing, or it is a folder itself.

    Raises
    ------
    CompileError
        U003 at the first such file.
    """
    for path in filter(None, paths):
        with _blaming(path):
            if not _target(path).parent.is_dir():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def write_files(contents: Mapping[Path, str | bytes], folder: Path | None = None) -> None:
    """Write several files; nothing is put in place before everything could be written.

    Parameters
    ----------
    contents : mapping from path to str or bytes
        Text is written as UTF-8 with `\\n` line ends.
    folder : pathlib.Path, optional
        A folder that is made first if it is missing.

    Raises
    ------
    CompileError
        U003 at the file that cannot be written.
    """
    ready: list[tuple[Path, Path]] = []
    made = False
    try:
        if folder is not None and not folder.is_dir():
            with _blaming(folder):
                if folder.exists():
                    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
                folder.mkdir()
            made = True
        for path, content in contents.items():
            data = content.encode() if isinstance(content, str) else content
            with _blaming(path):
                target = _target(path)
                if target.exists() and not target.is_file():
                    target.write_bytes(data)  # a device or a pipe cannot be renamed into place
                    continue
                temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
                ready.append((temporary, target))
                temporary.write_bytes(data)
        for temporary, target in ready:
            with _blaming(target):
                temporary.replace(target)
    except BaseException:
        for temporary, _ in ready:
            with suppress(OSError):
                temporary.unlink()
        if made and folder is not None:
            with suppress(OSError):
                folder.rmdir()
        raise


def _target(path: Path) -> Path:
    """The file that a path leads to, which is no folder."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return target


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise fail("U003", f"the file cannot be written: {error.strerror}", place=str(path)) from error
