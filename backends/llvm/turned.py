"""LLVM text of functions that turn matrices, so that the samples of a block lie side by side, and back."""

from __future__ import annotations

__all__ = ["turned"]

_TILE = 16
"""Elements and lanes that are turned at once."""


def turned(size: int) -> list[str]:
    """A function that turns a matrix of elements of so many bytes: `to[j][i] = from[i][j]`."""
    element = {1: "i8", 2: "i16", 4: "i32", 8: "i64"}[size]
    lines = [
        f"define internal void @.turn{size}(ptr noalias %to, ptr noalias %from, i64 %rows, i64 %columns) nounwind {{",
        "entry:",
    ]
    if size == 1:
        lines += [
            f"  %wide = icmp sge i64 %columns, {_TILE}",
            f"  %high = icmp sge i64 %rows, {_TILE}",
            "  %tiled = and i1 %wide, %high",
            "  br i1 %tiled, label %outer, label %rows.head",
            *_tiles(),
        ]
    else:
        lines.append("  br label %rows.head")
    return [
        *lines,
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


def _tiles() -> list[str]:
    """Turning by tiles of 16 x 16 bytes; the last tiles overlap those before.

    Rows k and k + 8 are interleaved, four times: each time, a bit of the number of the row changes places with one of
    the number within the row.
    """
    vector = f"<{_TILE} x i8>"
    lines = []
    for axis, count, inside in (("r", "%rows", "across"), ("c", "%columns", "tile")):
        before = "outer" if axis == "r" else "across"
        after = "%end" if axis == "r" else "%outer.next"
        entry = "%entry" if axis == "r" else "%outer.body"
        following = "%outer.next" if axis == "r" else "%tile"
        lines += [
            f"{before}:",
            f"  %{axis}.tile = phi i64 [ 0, {entry} ], [ %{axis}.next, {following} ]",
            f"  %{axis}.more = icmp slt i64 %{axis}.tile, {count}",
            f"  br i1 %{axis}.more, label %{'outer.body' if axis == 'r' else inside}, label {after}",
        ]
        if axis == "r":
            lines += [
                "outer.body:",
                f"  %r.last = sub nsw i64 %rows, {_TILE}",
                "  %r.fits = icmp slt i64 %r.tile, %r.last",
                "  %r = select i1 %r.fits, i64 %r.tile, i64 %r.last",
                "  br label %across",
            ]
    lines += [
        "tile:",
        f"  %c.last = sub nsw i64 %columns, {_TILE}",
        "  %c.fits = icmp slt i64 %c.tile, %c.last",
        "  %c = select i1 %c.fits, i64 %c.tile, i64 %c.last",
    ]
    now = []
    for k in range(_TILE):
        lines += [
            f"  %line{k} = add nsw i64 %r, {k}",
            f"  %begin{k} = mul nsw i64 %line{k}, %columns",
            f"  %from{k} = add nsw i64 %begin{k}, %c",
            f"  %place{k} = getelementptr inbounds i8, ptr %from, i64 %from{k}",
            f"  %x0.{k} = load {vector}, ptr %place{k}, align 1",
        ]
        now.append(f"%x0.{k}")
    half = _TILE // 2
    for stage in range(1, 5):
        turned = []
        for k in range(half):
            for part in (0, 1):
                order = [part * half + m // 2 + (m % 2) * _TILE for m in range(_TILE)]
                name = f"%x{stage}.{2 * k + part}"
                mask = ", ".join(f"i32 {n}" for n in order)
                lines.append(
                    f"  {name} = shufflevector {vector} {now[k]}, {vector} {now[k + half]}, <{_TILE} x i32> <{mask}>"
                )
                turned.append(name)
        now = turned
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
        "  br label %across",
        "outer.next:",
        f"  %r.next = add nsw i64 %r.tile, {_TILE}",
        "  br label %outer",
    ]
