"""Random networks of logic gates: as a rule, and as straight-line C of the same gates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["GateNetwork", "random_gates"]

_RULE = (
    "{a} and {b}", "{a} and not {b}", "{b} and not {a}", "{a} or {b}", "{a} or not {b}", "{b} or not {a}",
    "not ({a} and {b})", "not ({a} or {b})", "{a} xor {b}", "not ({a} xor {b})",
)  # fmt: skip
"""The functions of two bits that depend on both."""
_C = (
    "{a} & {b}", "{a} & ~{b}", "{b} & ~{a}", "{a} | {b}", "{a} | ~{b}", "{b} | ~{a}", "~({a} & {b})", "~({a} | {b})",
    "{a} ^ {b}", "~({a} ^ {b})",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GateNetwork:
    """Layers of gates that read the layer before.

    Attributes
    ----------
    inputs
        The number of inputs.
    layers
        For each layer, the kinds of its gates, in ascending order, and the two that each reads.
    """

    inputs: int
    layers: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]

    def rule(self) -> str:
        """The network as a rule `gates(x) -> (y)`: in each layer, a clause for the gates of one kind."""
        constants, clauses, before = [], [], "x"
        for number, (kinds, first, second) in enumerate(self.layers):
            name = "y" if number + 1 == len(self.layers) else f"g{number}"
            constants += [
                f"  const {t}{number}: int[{len(kinds)}] = {v.tolist()}\n"
                for t, v in zip("AB", (first, second), strict=True)
            ]
            for kind in np.unique(kinds):
                start, end = np.searchsorted(kinds, [kind, kind + 1])
                value = _RULE[kind].format(a=f"{before}[A{number}[i]]", b=f"{before}[B{number}[i]]")
                clauses.append(
                    f"  {name}[{start} <= i < {end}] = {value}\n" if start else f"  {name}[i < {end}] = {value}\n"
                )
            before = name
        head = f"rule gates(x: bit[{self.inputs}]) -> (y: bit[{len(self.layers[-1][0])}]) {{\n"
        return head + "".join(constants + clauses) + "}\n"

    def c(self) -> str:
        """A function `gates(x, y, n)` for n times 64 samples, a variable for every gate."""
        lines, before = [], [f"x[{k}]" for k in range(self.inputs)]
        for number, (kinds, first, second) in enumerate(self.layers):
            own = [f"v{number}_{k}" for k in range(len(kinds))]
            for name, kind, a, b in zip(own, kinds.tolist(), first.tolist(), second.tolist(), strict=True):
                lines.append(f"const uint64_t {name} = {_C[kind].format(a=before[a], b=before[b])};")
            before = own
        lines += [f"y[{k}] = {name};" for k, name in enumerate(before)]
        step = f"x += {self.inputs}, y += {len(before)}"
        head = "#include <stdint.h>\nvoid gates(const uint64_t *restrict x, uint64_t *restrict y, long n)\n"
        return head + f"{{\nfor (; n > 0; --n, {step}) {{\n" + "\n".join(lines) + "\n}\n}\n"


def random_gates(random: np.random.Generator, inputs: int, widths: list[int]) -> GateNetwork:
    """A network whose gates are of any kind and read any two of the layer before."""
    layers = []
    for before, width in zip([inputs, *widths], widths, strict=False):
        kinds = np.sort(random.integers(0, len(_RULE), size=width))
        layers.append((kinds, random.integers(0, before, size=width), random.integers(0, before, size=width)))
    return GateNetwork(inputs, tuple(layers))
