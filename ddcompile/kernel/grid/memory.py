"""Where streams come from and go to: bits in bytes, or words of 64 bits of which each row begins with a new one."""

from __future__ import annotations

from dataclasses import dataclass

from ddcompile.kernel.grid.arithmetic import (
    TRUE,
    at_most,
    both,
    compare,
    join,
    minus,
    modulo,
    number,
    ones,
    plus,
    shifted,
    times,
    word,
)
from ddcompile.kernel.grid.code import Code
from ddcompile.kernel.nodes import (
    BIT,
    I64,
    WORD,
    Arith,
    Compare,
    Const,
    Convert,
    Expr,
    Load,
    Logic,
    Not,
    Pack,
    Shift,
    Spread,
    Store,
    Strays,
)

__all__ = ["Grid"]


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid in a buffer.

    Attributes
    ----------
    buffer
        Its name.
    is_packed
        Whether elements are words.
    start
        The element at which the grid begins.
    width
        Bits in a row.
    """

    buffer: str
    is_packed: bool
    start: Expr
    width: int

    @property
    def _words(self) -> int:
        return -(-self.width // 64)

    def row(self, code: Code, index: Expr) -> Expr:
        """The element at which a row begins."""
        return code.named("line", plus(times(index, self._words if self.is_packed else self.width), self.start))

    # --- reading -----------------------------------------------------------------------------------------------------

    def word(self, row: Expr, place: Expr) -> Expr:
        """A word of a row that has all its 64 bits."""
        return Load(self.buffer, plus(row, place), WORD) if self.is_packed else self._window(row, times(place, 64))

    def _window(self, row: Expr, first: Expr) -> Expr:
        """Bits `first` to `first + 63` of a row, all of which are there."""
        if not self.is_packed:
            return Pack(self.buffer, plus(row, first))
        last = self._words - 1
        if isinstance(first, Const):
            place, offset = divmod(first.value, 64)
            low, high = (Load(self.buffer, plus(row, k), WORD) for k in (place, min(place + 1, last)))
            return join(low, high, offset)
        here, away = Arith(">>", first, number(6), I64), modulo(first, 64)
        below = Shift(">>", Load(self.buffer, plus(row, here), WORD), away)
        above = Load(self.buffer, plus(row, at_most(plus(here, 1), last)), WORD)
        return Logic("or", below, Shift("<<", shifted(above, 1), minus(number(63), away)))

    def _bit(self, row: Expr, place: Expr) -> Expr:
        """A bit of a row, as a word."""
        if not self.is_packed:
            return Convert(Load(self.buffer, plus(row, place), BIT), WORD)
        found = Load(self.buffer, plus(row, Arith(">>", place, number(6), I64)), WORD)
        return Logic("and", Shift(">>", found, modulo(place, 64)), word(1))

    def edge(self, code: Code, row: Expr, place: Expr, reach: int, fill: int | None) -> Expr:
        """A word of a row of which bits may lie beyond the row, by up to `reach` bits, where `fill` continues it.

        Without a fill, the row wraps around.
        """
        width = self.width
        found = code.declared("edge", word(-1 if fill else 0), mutable=True)
        first = code.named("first", times(place, 64))
        if width < 64:
            with code.loop("k", number(0), number(64)) as k:
                here = plus(first, k)
                if fill is None:
                    here = modulo(plus(here, -(-reach // width) * width), width)
                here = code.named("here", here)
                inside = both(compare(">=", here, 0), compare("<", here, width))
                with code.branch(inside if fill is not None else TRUE):
                    kept = Logic("and", found, _all_but(k)) if fill else found
                    code.assign(found, Logic("or", kept, Shift("<<", self._bit(row, here), k)))
            return found
        if fill is not None:
            rest = width % 64
            if rest == 0:
                return found
            left = minus(number(width), first)
            with code.branch(both(compare(">=", first, 0), compare(">", left, 0))):
                # Only the last word has bits on both sides.
                end = shifted(self._window(row, number(width - 64)), rest - 64)
                code.assign(found, Logic("or", end, word(-1 << rest)) if fill else end)
            return found
        start = code.named("start", modulo(plus(first, -(-reach // width) * width), width))
        if width % 64 == 0:
            code.assign(found, self._window(row, start))
            return found
        left = code.named("left", minus(number(width), start))
        with code.branch(compare(">=", left, 64)) as arms:
            code.assign(found, self._window(row, start))
            arms.otherwise()
            end = Shift(">>", self._window(row, number(width - 64)), minus(number(64), left))
            code.assign(found, Logic("or", end, Shift("<<", self._window(row, number(0)), left)))
        return found

    def strays(self, row: Expr, first: Expr) -> Expr:
        """A word that is 0 where 64 bytes of a row are bits."""
        return Strays(self.buffer, plus(row, first))

    # --- writing -----------------------------------------------------------------------------------------------------

    def write(self, code: Code, row: Expr, ring: str, base: Expr, first: Expr, last: Expr) -> None:
        """Write words `first` to `last - 1` of a row, which follow one another in a ring from `base` on."""
        full, rest = divmod(self.width, 64)
        with code.loop("w", first, at_most(last, full), is_parallel=True) as w:
            found = Load(ring, plus(base, minus(w, first)), WORD)
            if self.is_packed:
                code.emit(Store(self.buffer, plus(row, w), found))
            else:
                code.emit(Spread(self.buffer, plus(row, times(w, 64)), found))
        if rest == 0:
            return
        with code.branch(both(compare("<=", first, full), compare(">", last, full))):
            here = plus(base, minus(number(full), first))
            value = code.named("end", Logic("and", Load(ring, here, WORD), word(ones(rest))))
            if self.is_packed:
                code.emit(Store(self.buffer, plus(row, full), value))
                return
            if full:
                # The last 64 bits of the row, if the strip has them all.
                with code.branch(compare("<", first, full)) as arms:
                    window = join(Load(ring, minus(here, 1), WORD), value, rest)
                    code.emit(Spread(self.buffer, plus(row, self.width - 64), window))
                    arms.otherwise()
                    self._write_bits(code, row, value, 64 * full, rest)
            else:
                self._write_bits(code, row, value, 0, rest)

    def _write_bits(self, code: Code, row: Expr, value: Expr, first: int, count: int) -> None:
        with code.loop("k", number(0), number(count)) as k:
            bit = Logic("and", Shift(">>", value, k), word(1))
            code.emit(Store(self.buffer, plus(plus(row, first), k), Compare("!=", bit, word(0))))


def _all_but(k: Expr) -> Expr:
    """All ones but for bit k."""
    return Not(Shift("<<", word(1), k))
