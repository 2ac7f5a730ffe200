"""Entries of bytes on disk, kept from one process to the next, in a folder of the user's.

The folder is `ddcompile` in `$XDG_CACHE_HOME`, or in `~/.cache`; the environment variable `DDCOMPILE_CACHE` names
another one, or is `off`. Nothing depends on it: where it cannot be read or written, nothing is found.

An entry is one file, which only the user may read and write, named by its key. It begins with a hash of the key and the
rest, so what is cut off, changed or renamed is not found. Files are written aside and then renamed, so processes may
read and write at the same time.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

__all__ = ["VARIABLE", "fingerprint", "key_of", "read", "write"]

VARIABLE = "DDCOMPILE_CACHE"
"""The environment variable."""
LARGEST = 256 << 20
"""Bytes of all entries; beyond, those that were used the longest time ago are removed."""
_BLOCK = 4096
"""A file takes a multiple of so many bytes."""
_ABANDONED = 3600
"""Seconds after which a file that was not renamed never will be."""
_NEW = ".ddcompile-"
_KEY = re.compile("[0-9a-f]{64}")
_unseen: dict[Path, int] = {}
"""Bytes that this process has written to a folder since it last looked how large that is."""


def _folder() -> Path | None:
    given = os.environ.get(VARIABLE)
    if given is not None:
        return None if given in ("", "off") else Path(given)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base, "ddcompile")
    home = os.path.expanduser("~")
    return Path(home, ".cache", "ddcompile") if os.path.isabs(home) else None


@cache
def fingerprint(*packages: str) -> str:
    """What tells the packages, which are imported, from other versions: names, sizes and times of their files."""
    found = []
    for package in packages:
        for folder in sys.modules[package].__path__:
            with suppress(OSError), os.scandir(folder) as files:
                for entry in sorted(files, key=lambda entry: entry.name):
                    if entry.name.endswith(".py"):
                        status = entry.stat()
                        found.append(f"{package} {entry.name} {status.st_size} {status.st_mtime_ns}")
    return sha256("\n".join(found).encode()).hexdigest()


def key_of(*parts: str) -> str:
    """The key of what these texts, in this order, say all about."""
    return sha256(repr(parts).encode()).hexdigest()


def _digest(key: str, data: bytes) -> bytes:
    return sha256(key.encode() + data).digest()


def read(key: str) -> bytes | None:
    """The entry with a key of `key_of`; None if there is none that can be trusted."""
    folder = _folder()
    if folder is None:
        return None
    path = folder / key
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
                return None
            found = file.read()
        length = len(_digest("", b""))
        if found[:length] == _digest(key, found[length:]):
            with suppress(OSError):
                os.utime(path)
            return found[length:]
        path.unlink()
    except OSError:
        pass
    return None


def write(key: str, data: bytes) -> None:
    """Keep an entry with a key of `key_of`, if the folder can be written."""
    folder = _folder()
    if folder is None or len(data) > LARGEST // 4:
        return
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, path = mkstemp(prefix=_NEW, dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(key, data))
                file.write(data)
            os.replace(path, folder / key)
        except BaseException:
            with suppress(OSError):
                os.unlink(path)
            raise
        unseen = _unseen.get(folder)
        if unseen is None or unseen + len(data) > LARGEST // 16:
            _trim(folder)
            unseen = 0
        _unseen[folder] = unseen + len(data) + _BLOCK


def _trim(folder: Path) -> None:
    """Remove the oldest entries until the others are not too large together."""
    entries: list[tuple[float, int, str]] = []
    with os.scandir(folder) as files:
        for entry in files:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if _KEY.fullmatch(entry.name):
                    entries.append((status.st_mtime, -(-status.st_size // _BLOCK) * _BLOCK, entry.path))
                elif entry.name.startswith(_NEW) and status.st_mtime < time.time() - _ABANDONED:
                    os.unlink(entry.path)
    size = sum(entry[1] for entry in entries)
    for _, own, path in sorted(entries):
        if size <= LARGEST:
            break
        with suppress(OSError):
            os.unlink(path)
        size -= own
