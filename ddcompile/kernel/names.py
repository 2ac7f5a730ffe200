"""Names that are unique in their scope and no reserved word of a language."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Names"]


class Names:
    """Hands out identifiers of one scope."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(reserved)
        self._last: dict[str, int] = {}

    def fresh(self, wanted: str) -> str:
        """`wanted` itself if it is free, else a free name of `wanted_2`, `wanted_3`, ..."""
        name, count = wanted, 1
        if name in self._taken:
            count = self._last.get(wanted, 1)
        while name in self._taken:
            count += 1
            name = f"{wanted}_{count}"
        self._last[wanted] = count
        self._taken.add(name)
        return name

    def numbered(self, stem: str) -> str:
        """The next free name of `stem1`, `stem2`, ... ."""
        count = self._last.get(stem, 0) + 1
        while f"{stem}{count}" in self._taken:
            count += 1
        self._last[stem] = count
        self._taken.add(f"{stem}{count}")
        return f"{stem}{count}"

    def release(self, name: str) -> None:
        """Take a name back whose scope has ended."""
        self._taken.discard(name)
