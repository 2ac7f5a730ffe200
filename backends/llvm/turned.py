"""LLVM text of functions that turn matrices, so that the samples of a block lie side by side, and back."""

from __future__ import annotations

__all__ = ["SEEN", "turn", "turned"]

_TILE = 16
"""Elements and lanes of a tile, which are turned at once."""
_JOINED = 4, 2, 1
"""How many tiles below one another are turned at once, where there are so many."""
_PARAMETERS = "ptr noalias %to, ptr noalias %from, i64 %rows, i64 %columns"

SEEN = """\
; What bytes are together, by `or`. Those after them are fetched, too: memory is read in its order, turning takes leaps.
define internal i8 @.seen(ptr noalias readonly %from, i64 %n) nounwind {
entry:
  %whole = and i64 %n, -64
  br label %head
head:
  %k = phi i64 [ 0, %entry ], [ %k.next, %body ]
  %old = phi <64 x i8> [ zeroinitializer, %entry ], [ %new, %body ]
  %more = icmp slt i64 %k, %whole
  br i1 %more, label %body, label %rest
body:
  %place = getelementptr inbounds i8, ptr %from, i64 %k
  %ahead = getelementptr i8, ptr %place, i64 8192
  call void @llvm.prefetch.p0(ptr %ahead, i32 0, i32 3, i32 1)
  %bytes = load <64 x i8>, ptr %place, align 1
  %new = or <64 x i8> %old, %bytes
  %k.next = add nsw i64 %k, 64
  br label %head
rest:
  %some = call i8 @llvm.vector.reduce.or.v64i8(<64 x i8> %old)
  br label %last
last:
  %j = phi i64 [ %whole, %rest ], [ %j.next, %one ]
  %all = phi i8 [ %some, %rest ], [ %all.next, %one ]
  %left = icmp slt i64 %j, %n
  br i1 %left, label %one, label %end
one:
  %here = getelementptr inbounds i8, ptr %from, i64 %j
  %byte = load i8, ptr %here
  %all.next = or i8 %all, %byte
  %j.next = add nsw i64 %j, 1
  br label %last
end:
  ret i8 %all
}
declare i8 @llvm.vector.reduce.or.v64i8(<64 x i8>)
"""


def turn(size: int, rows: int, columns: int) -> str:
    """The symbol of a function that turns a matrix of elements of so many bytes: `to[j][i] = from[i][j]`."""
    for joined in _JOINED:
        if size == 1 and rows >= joined * _TILE and columns >= _TILE:
            return f"@.tiles{joined}"
    return f"@.turn{size}"


def turned(symbol: str) -> list[str]:
    """The function of such a symbol."""
    kind, number = symbol[2:-1], int(symbol[-1])
    return _tiles(number) if kind == "tiles" else _elements(number)


def _elements(size: int) -> list[str]:
    """A function that turns element by element."""
    element = {1: "i8", 2: "i16", 4: "i32", 8: "i64"}[size]
    return [
        f"define internal void @.turn{size}({_PARAMETERS}) nounwind {{",
        "entry:",
        "  br label %rows.head",
        "rows.head:",
        "  %i = phi i64 [ 0, %entry ], [ %i.next, %columns.end ]",
        "  %i.more = icmp slt i64 %i, %rows",
        "  br i1 %i.more, label %columns.start, label %end",
        "columns.start:",
        "  %row = mul nsw i64 %i, %columns",
        "  br label %columns.head",
        "columns.head:",
        "  %j = phi i64 [ 0, %columns.start ], [ %j.next, %columns.body ]",
        "  %j.more = icmp slt i64 %j, %columns",
        "  br i1 %j.more, label %columns.body, label %columns.end",
        "columns.body:",
        "  %here = add nsw i64 %row, %j",
        f"  %source = getelementptr inbounds {element}, ptr %from, i64 %here",
        f"  %value = load {element}, ptr %source",
        "  %column = mul nsw i64 %j, %rows",
        "  %there = add nsw i64 %column, %i",
        f"  %target = getelementptr inbounds {element}, ptr %to, i64 %there",
        f"  store {element} %value, ptr %target",
        "  %j.next = add nsw i64 %j, 1",
        "  br label %columns.head",
        "columns.end:",
        "  %i.next = add nsw i64 %i, 1",
        "  br label %rows.head",
        "end:",
        "  ret void",
        "}",
    ]


def _tiles(joined: int) -> list[str]:
    """A function that turns by tiles of 16 x 16 bytes, so many below one another; the last overlap those before.

    Rows k and k + 8 are interleaved, four times: each time, a bit of the number of the row changes places with one of
    the number within the row.
    """
    height = joined * _TILE
    row, vector = f"<{_TILE} x i8>", f"<{height} x i8>"
    lines = [
        f"define internal void @.tiles{joined}({_PARAMETERS}) nounwind {{",
        "entry:",
        f"  %r.last = sub nsw i64 %rows, {height}",
        f"  %c.last = sub nsw i64 %columns, {_TILE}",
        "  br label %down",
        "down:",
        "  %r.tile = phi i64 [ 0, %entry ], [ %r.next, %down.next ]",
        "  %r = call i64 @llvm.smin.i64(i64 %r.tile, i64 %r.last)",
        "  br label %across",
        "across:",
        "  %c.tile = phi i64 [ 0, %down ], [ %c.next, %across ]",
        "  %c = call i64 @llvm.smin.i64(i64 %c.tile, i64 %c.last)",
    ]
    for k in range(height):
        lines += [
            f"  %line{k} = add nsw i64 %r, {k}",
            f"  %begin{k} = mul nsw i64 %line{k}, %columns",
            f"  %from{k} = add nsw i64 %begin{k}, %c",
            f"  %place{k} = getelementptr inbounds i8, ptr %from, i64 %from{k}",
            f"  %row{k} = load {row}, ptr %place{k}, align 1",
        ]
    now = []
    for k in range(_TILE):
        parts = [f"%row{k + start}" for start in range(0, height, _TILE)]
        while len(parts) > 1:
            size = height // len(parts)
            order = ", ".join(f"i32 {m}" for m in range(2 * size))
            pairs, parts = zip(parts[::2], parts[1::2], strict=True), []
            for first, second in pairs:
                parts.append(f"%joined{size}.{first[1:]}")
                pair = f"<{size} x i8> {first}, <{size} x i8> {second}"
                lines.append(f"  {parts[-1]} = shufflevector {pair}, <{2 * size} x i32> <{order}>")
        now += parts
    half = _TILE // 2
    for stage in range(1, 5):
        made = []
        for k in range(half):
            for part in (0, 1):
                tile = [part * half + m // 2 + (m % 2) * height for m in range(_TILE)]
                mask = ", ".join(f"i32 {start + n}" for start in range(0, height, _TILE) for n in tile)
                pair = f"{vector} {now[k]}, {vector} {now[k + half]}"
                made.append(f"%x{stage}.{2 * k + part}")
                lines.append(f"  {made[-1]} = shufflevector {pair}, <{height} x i32> <{mask}>")
        now = made
    for k in range(_TILE):
        lines += [
            f"  %back{k} = add nsw i64 %c, {k}",
            f"  %start{k} = mul nsw i64 %back{k}, %rows",
            f"  %to{k} = add nsw i64 %start{k}, %r",
            f"  %goal{k} = getelementptr inbounds i8, ptr %to, i64 %to{k}",
            f"  store {vector} {now[k]}, ptr %goal{k}, align 1",
        ]
    return [
        *lines,
        f"  %c.next = add nsw i64 %c.tile, {_TILE}",
        "  %c.more = icmp slt i64 %c.next, %columns",
        "  br i1 %c.more, label %across, label %down.next",
        "down.next:",
        f"  %r.next = add nsw i64 %r.tile, {height}",
        "  %r.more = icmp slt i64 %r.next, %rows",
        "  br i1 %r.more, label %down, label %end",
        "end:",
        "  ret void",
        "}",
    ]
