"""Write the elementary automata as a person would: with the fewest `and`, `or`, `xor`, `not` and brackets.

`python written.py > written.txt` makes the list again, a line an automaton, for the cells on the left (`p`), in the
middle (`q`) and on the right (`r`), as tables of Boolean forms do (Wolfram 2002, A New Kind of Science, page 884).
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from operator import and_, or_, xor

OPERATORS = {"and": and_, "or": or_, "xor": xor}
LEAVES = {"p": 0b11110000, "q": 0b11001100, "r": 0b10101010, "0": 0, "1": 255}
"""Bit n is the value where 4 p + 2 q + r is n."""


def main() -> None:
    """Print the list."""
    for rule, text in enumerate(shortest()):
        print(rule, text)


def shortest() -> list[str]:
    """The form of every automaton: found first of those with the fewest tokens."""
    found: dict[tuple[int, str], str] = {}
    order = count()
    heap = [(1, next(order), table, "", text) for text, table in LEAVES.items()]
    best: dict[int, str] = {}
    while len(best) < 256:
        _, _, table, op, text = heappop(heap)
        if (table, op) in found:
            continue
        found[table, op] = text
        best.setdefault(table, text)
        negated = f"not {text}" if op == "" else f"not ({text})"
        heappush(heap, (length(negated), next(order), table ^ 255, "not", negated))
        for (other, other_op), right in list(found.items()):
            for name, function in OPERATORS.items():
                joined = f"{bracketed(right, other_op, name)} {name} {bracketed(text, op, name)}"
                heappush(heap, (length(joined), next(order), function(table, other), name, joined))
    return [best[rule] for rule in range(256)]


def bracketed(text: str, op: str, outer: str) -> str:
    """An operand of `outer`, in brackets if it is one of another operator."""
    return text if op in ("", "not", outer) else f"({text})"


def length(text: str) -> int:
    """The number of tokens."""
    return len(text.replace("(", "( ").replace(")", " )").split())


if __name__ == "__main__":
    main()
