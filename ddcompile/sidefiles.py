"""Rule files whose large constants live in `.npy` files beside them.

The text names such a constant by the hash of its data, `const W: int[56, 784] = sha256:1f3a...`; the data is in
`STEM.1f3a....npy`, named by the first digits. The hash is checked when the file is read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.ir.constants import array_sha256
from ddcompile.ir.nodes import Rule, canonical_array
from ddcompile.ir.printer import print_rule

__all__ = ["read_constants", "to_files"]

INLINE_ENTRIES = 64
"""Constants with more entries go to a file of their own."""

_DIGITS = 16
_NAMED = re.compile(r"=\s*sha256:([0-9a-f]{64})")


def to_files(
    rule: Rule, path: Path, header: Sequence[str] = (), annotate: Callable[[str], str] = str
) -> dict[Path, str | bytes]:
    """The contents of the files of a rule that is saved to `path`: the text, and a file a large constant.

    Parameters
    ----------
    rule : Rule
    path : pathlib.Path
        Of the text.
    header : sequence of str
        Lines of a comment above the rule.
    annotate : callable
        Adds comments to the text of the rule.
    """
    files: dict[Path, str | bytes] = {}
    outside: dict[str, str] = {}
    for constant in rule.constants:
        if constant.values.size > INLINE_ENTRIES and constant.values.dtype != object:
            digest = array_sha256(constant.values)
            outside[constant.name] = digest
            buffer = io.BytesIO()
            np.save(buffer, constant.values, allow_pickle=False)
            files[path.with_name(f"{path.stem}.{digest[:_DIGITS]}.npy")] = buffer.getvalue()
    comment = "".join(f"# {line}\n" for line in header)
    return {path: f"{comment}{annotate(print_rule(rule, outside)).rstrip()}\n"} | files


def read_constants(text: str, folder: Path, place: str) -> dict[str, np.ndarray]:
    """The arrays that a rule text names by hash, found in a folder.

    Raises
    ------
    CompileError
        U004 if a file is missing, U005 if it does not hold the array with that hash.
    """
    return {digest: _read(digest, folder, place) for digest in sorted(set(_NAMED.findall(text)))}


def _read(digest: str, folder: Path, place: str) -> np.ndarray:
    pattern = f"*.{digest[:_DIGITS]}.npy"
    for path in sorted(folder.glob(pattern)):
        try:
            array = canonical_array(np.load(path, allow_pickle=False))
        except (OSError, ValueError, EOFError, TypeError) as error:
            raise fail("U005", f"the data of a constant cannot be read: {error}", place=str(path)) from error
        if array_sha256(array) != digest:
            raise fail("U005", f"the data of a constant is not that with hash {digest}", place=str(path))
        return array
    hint = "constants are saved beside the rule; keep the files together"
    raise fail("U004", f"the file {pattern} with the data of a constant is missing", place=place, hint=hint)
