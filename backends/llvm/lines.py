"""The lines of an LLVM function under construction, and memory for numbers that are kept in words."""

from __future__ import annotations

from ddcompile.kernel.names import Names

__all__ = ["FunctionLines"]

_BLOCK = 256
"""Instructions after which straight-line code goes on in a new block; code generation is not linear in their number."""


class FunctionLines:
    """Lines, blocks and names of the function at hand."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        """Begin a function."""
        self._names = Names(("entry",))
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._block = "entry"
        self._length = 0
        self._is_ended = False
        self._free: dict[int, list[str]] = {}
        self._busy: list[tuple[int, str]] = []

    # --- lines -------------------------------------------------------------------------------------------------------

    def _do(self, instruction: str, name: str = "") -> str:
        """Add an instruction with a value; the operand that holds it."""
        result = "%" + (self._names.fresh(name) if name else self._names.numbered("v"))
        self._add(f"{result} = {instruction}")
        return result

    def _add(self, line: str) -> None:
        if self._length >= _BLOCK:
            following = self._names.numbered("more")
            self._jump(following)
            self._begin(following)
        self._length += 1
        self._lines.append("  " + line)

    def _begin(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label
        self._length = 0
        self._is_ended = False

    def _end(self, line: str) -> None:
        """Add the instruction that ends the block, unless a jump out of a loop has ended it."""
        if not self._is_ended:
            self._lines.append("  " + line)
        self._is_ended = True

    def _jump(self, label: str) -> None:
        self._end(f"br label %{label}")

    # --- memory ------------------------------------------------------------------------------------------------------

    def _temporary(self, words: int) -> str:
        """Memory for a number of so many words that the statement at hand computes."""
        free = self._free.setdefault(words, [])
        if not free:
            free.append("%" + self._names.numbered("words"))
            self._entry.append(f"  {free[-1]} = alloca [{words} x i64], align 8")
        place = free.pop()
        self._busy.append((words, place))
        return place

    def _release(self) -> None:
        """End a statement: its temporary memory is free again."""
        self._give_back(self._keep())

    def _keep(self) -> list[tuple[int, str]]:
        """The temporary memory of the statement at hand, which stays taken until it is given back."""
        kept, self._busy = self._busy, []
        return kept

    def _give_back(self, places: list[tuple[int, str]]) -> None:
        for words, place in reversed(places):
            self._free[words].append(place)
