"""One true step for every mechanism of the checker, over few inputs, for tampering with.

`CLAIMS` lists them by the name of the mechanism; they are over so few inputs that both sides of a step can be compared
on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ddcompile.ir.parser import parse, parse_statements
from ddcompile.prove.certificate import Certificate, CertifiedStep
from ddcompile.prove.steps import WitnessClauses

__all__ = ["CLAIMS", "Claim"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A step as three texts, behind the inputs and results of both rules."""

    header: str
    old: str
    new: str
    witness: str = ""

    def certificate(self) -> Certificate:
        """The step as a certificate."""
        old, new = (parse(f"rule r{self.header} {{\n{body}\n}}") for body in (self.old, self.new))
        constants, statements = parse_statements(self.witness) if self.witness else ((), ())
        return Certificate((CertifiedStep("claim", old, new, WitnessClauses(statements, constants)),))


CLAIMS: Mapping[str, Claim] = {
    "equal forms": Claim(
        "(x: int[0..4][3]) -> (y: rat)", "y = 2 * (x[0] + x[1]) - 0.5 * x[2]", "y = sum(i < 3: 2 * x[i]) - 2.5 * x[2]"
    ),
    "scaled comparisons": Claim(
        "(x: bit[3]) -> (y: bit[2])",
        "y[0] = 0.3 * x[0] + 0.3 * x[1] + 0.3 * x[2] > 0.45\ny[1] = 2 * x[0] - 2 * x[1] >= 1",
        "y[0] = x[0] + x[1] + x[2] >= 2\ny[1] = x[0] > x[1]",
    ),
    "no bits that differ": Claim(
        "(x: bit[12], z: bit[12]) -> (y: bit)",
        "y = sum(i < 12: x[i] xor z[i]) <= 0",
        "y = all(i < 12: x[i] == z[i])",
    ),
    "permuted units": Claim(
        "(x: bit[4]) -> (y: bit)",
        "h[i < 4] = x[i] and x[(i + 1) % 4]\ny = 2 * h[0] + h[1] + h[2] + h[3] >= 3",
        "g[i < 4] = x[3 - i] and x[(4 - i) % 4]\ny = 2 * g[3] + g[0] + g[1] + g[2] >= 3",
        "const where: int[4] = [3, 2, 1, 0]\ng[i < 4] = h[where[i]]",
    ),
    "negated units": Claim(
        "(x: trit[4]) -> (y: trit)",
        "h[u < 3] = sign(x[u] - x[u + 1])\ny = sign(h[0] + 2 * h[1] - h[2])",
        "g[u < 3] = sign(x[u + 1] - x[u])\ny = sign(g[2] - 2 * g[1] - g[0])",
        "g[u < 3] = -h[u]",
    ),
    "signs as bits": Claim(
        "(x: bit[3]) -> (y: bit)",
        "h[u < 2] = sign(2 * x[u] + 2 * x[u + 1] - 3)\ny = h[0] + h[1] > 0",
        "h[u < 2] = x[u] + x[u + 1] >= 2\ny = h[0] + h[1] >= 2",
        "h[u < 2] = h[u] > 0",
    ),
    "ties": Claim(
        "(x: trit[4]) -> (y: trit)",
        "y = sign(3 * x[0] + 3 * x[1] - 3 * x[2] - 3 * x[3])",
        "a = x[0] + x[1]\nb = x[2] + x[3]\ny = (a > b) - (a < b)",
    ),
    "functions of a few bits": Claim(
        "(x: bit[20]) -> (y: bit, z: int)",
        "y = sum(i < 20: 2 * x[(i - 1) % 20] + x[i] - x[(i + 1) % 20] >= 2) >= 10\n"
        "z = sum(i < 18: (x[i] + x[i + 1] + x[i + 2]) % 2)",
        "y = sum(i < 20: x[(i - 1) % 20] and x[i] >= x[(i + 1) % 20]) >= 10\n"
        "z = sum(i < 18: x[i] xor (x[i + 1] != x[i + 2]))",
    ),
    "functions of a few thresholds": Claim(
        "(x: trit[18]) -> (y: int)",
        "y = sum(i < 18: 2 * (x[i] > 0) + (x[i] >= 0) + (x[(i + 1) % 18] > 0) >= 2)",
        "y = sum(i < 18: x[i] > 0 or x[i] >= 0 and x[(i + 1) % 18] > 0)",
    ),
    "sums over arrays": Claim(
        "(x: bit[12]) -> (y: bit)",
        "const w: rat[12] = [1.0, 0.875, 1.125, 1.25, 0.75, 1.0, -1.0, 1.0, 0.5, 1.5, 1.0, 2.0]\n"
        "y = sum(i < 12: w[i] * x[i]) - 0.25 > 0.75",
        "const v: int[12] = [8, 7, 9, 10, 6, 8, -8, 8, 4, 12, 8, 16]\n"
        "y = sum(i < 12: v[(i + 5) % 12] * x[(i + 5) % 12]) > 8",
    ),
    "clipped sums": Claim(
        "(x: bit[12]) -> (y: bit[12])",
        "y[i < 12] = sum(j < 12: (if j == i - 1 or j == i + 1 then 1 else 0) * x[j]) >= 1",
        "y[i < 12] = pad(x, 0)[i - 1] or pad(x, 0)[i + 1]",
    ),
    "sums beyond the ends": Claim(
        "(x: bit[11]) -> (y: bit)",
        f"y = sum(i < 13: (if i < 5 then {2**70} else 2) * pad(x, 1)[i - 1]) >= {2**71 + 2}",
        f"a = {2**69} * (1 + sum(i < 4: x[i]))\ny = a + sum(4 <= i < 11: x[i]) + 1 >= {2**70 + 1}",
    ),
    "tables beyond words": Claim(
        "(x: bit[12]) -> (y: bit)",
        f"const w: int[12] = {[2**70 + k for k in range(11)] + [-(2**70)]}\ny = sum(i < 12: w[i] * x[i]) >= {2**70}",
        "y = sum(i < 11: x[i]) > x[11]",
    ),
    "ends of sums": Claim(
        "(x: int[0..300][2]) -> (y: bit[2])",
        "y[0] = x[0] + (x[0] + x[1] >= 600) >= 301\ny[1] = (x[0] + x[1] >= 1) + x[0] >= 1",
        "y[0] = 2 * x[0] + x[1] >= 900\ny[1] = 2 * x[0] + x[1] >= 1",
    ),
    "padded reads": Claim(
        "(x: spin[5]) -> (y: trit[5])",
        "y[0] = sign(1 + x[0])\ny[1 <= i < 5] = sign(x[i - 1] + x[i])",
        "y[i < 5] = sign(pad(x, 1)[i - 1] + x[i])",
    ),
    "threshold programmes": Claim(
        "(x: bit[5]) -> (y: bit)",
        "y = 0.31 * x[0] + 0.29 * x[1] + 0.3 * x[2] + 0.28 * x[3] - 0.3 * x[4] > 0.5",
        "y = x[0] + x[1] + x[2] + x[3] - x[4] >= 2",
    ),
    "programmes with ties": Claim(
        "(x: trit[3]) -> (y: trit)",
        "y = sign(3 * x[0] + 5 * x[1] - 8 * x[2])",
        "y = sign(x[0] + 2 * x[1] - 3 * x[2])",
    ),
    "several step functions": Claim(
        "(x: bit[6]) -> (y: int)",
        "y = sum(u < 2: 1.1 * x[3 * u] + 0.9 * x[3 * u + 1] + x[3 * u + 2] > 1.5)",
        "y = sum(u < 2: sum(i < 3: x[3 * u + i]) >= 2)",
    ),
    "candidates of an argmax": Claim(
        "(x: bit[3]) -> (y: int)",
        "y = argmax(u < 3: (if u == 0 then 0.5 else if u == 1 then 0.9 else 0.7) * x[u])",
        "y = argmax(u < 3: (if u == 0 then 1 else if u == 1 then 3 else 2) * x[u])",
    ),
    "scores of an argmax": Claim(
        "(x: bit[4]) -> (y: int)",
        "s[u < 3] = 2 * x[u] + 4 * x[3] + 1\ny = argmax(u < 3: s[u])",
        "s[u < 3] = x[u]\ny = argmax(u < 3: s[u])",
        "s[u < 3] = x[u]",
    ),
    "units below": Claim(
        "(x: bit[6]) -> (y: bit)",
        "h[u < 4] = 1.1 * x[u] + 0.9 * x[u + 1] + x[u + 2] > 1.5\n"
        "y = 0.5 * h[0] + 0.4 * h[1] + 0.6 * h[2] + 0.5 * h[3] > 0.85",
        "y = sum(u < 4: sum(i < 3: x[u + i]) >= 2) >= 2",
    ),
    "one of several units below": Claim(
        "(x: bit[4]) -> (y: bit)",
        "h[0] = 1.1 * x[0] + 0.9 * x[1] + x[2] + x[3] > 1.5\nh[1] = 1.1 * x[0] + 0.9 * x[1] - x[2] - x[3] > 0.5\n"
        "h[2] = 1.2 * x[0] + 0.9 * x[1] + x[2] + x[3] > 2.5\ny = h[0] + h[1] - h[2] >= 1",
        "s = x[0] + x[1]\nt = x[2] + x[3]\ny = (s + t >= 2) + (s > t) - (s + t >= 3) > 0",
    ),
    "truth tables": Claim(
        "(x: bit[3]) -> (y: bit)",
        "h[0] = x[0] - x[1] - x[2] > 0.5\nh[1] = x[1] - x[0] > 0.5\nh[2] = x[2] - x[0] > 0.5\n"
        "y = h[0] + h[1] + h[2] > 0.5",
        "y = x[0] xor (x[1] or x[2])",
    ),
    "tables of trits": Claim(
        "(x: trit[2]) -> (y: int)",
        "y = max(abs(x[0]), x[1]) * x[0]",
        "y = if x[0] == 0 then 0 else x[0]",
    ),
    "count tables": Claim(
        "(x: bit[11]) -> (y: bit)",
        "y = sum(i < 11: x[i]) % 4 >= 3",
        "y = (sum(i < 11: x[i]) - 1) % 4 == 2",
    ),
    "two classes": Claim(
        "(x: bit[10]) -> (y: bit)",
        "y = sum(i < 5: x[i]) >= 3 and sum(i < 5: x[i + 5]) >= 3",
        "y = min(sum(i < 5: x[i]), sum(i < 5: x[i + 5])) > 2",
    ),
    "curves": Claim(
        "(x: int[0..9][2]) -> (y: int)",
        "y = max(-1, min(x[0] - x[1], 1))",
        "y = sign(x[0] - x[1])",
    ),
    "ramps": Claim(
        "(x: int[-9..9][2]) -> (y: int)",
        "a = abs(x[0] + 2 * x[1])\ny = relu(a - 7)",
        "y = relu(x[0] + 2 * x[1] - 7) + relu(-x[0] - 2 * x[1] - 7)",
    ),
    "thresholds of ramps": Claim(
        "(x: int[-9..9][2]) -> (y: bit)",
        "s = x[0] + 2 * x[1]\ny = abs(s) - relu(s - 14) >= 13",
        "s = x[0] + 2 * x[1]\ny = s >= 13 or s <= -13",
    ),
    "relus of fractions": Claim(
        "(x: int[0..9][2]) -> (y: rat)",
        "y = relu(0.5 * x[0] - 0.25 * x[1]) + max(x[0], x[1])",
        "y = 0.25 * relu(2 * x[0] - x[1]) + x[0] + relu(x[1] - x[0])",
    ),
    "minimum and maximum": Claim(
        "(x: int[0..4][3]) -> (y: int)",
        "y = max(x[0], max(x[1], x[2]))",
        "y = x[0] + relu(x[1] - x[0]) + relu(x[2] - x[0] - relu(x[1] - x[0]))",
    ),
    "modulo": Claim(
        "(x: int[0..7][3]) -> (y: int)",
        "y = (x[0] - (5 * x[1] + x[2]) % 10) % 5",
        "y = (x[0] - x[2]) % 5",
    ),
    "products": Claim(
        "(x: int[-3..3][2], z: bit) -> (y: int)",
        "y = (x[0] + z) * (x[1] - z)",
        "y = x[0] * x[1] + z * (x[1] - x[0]) - z",
    ),
    "tables of products": Claim(
        "(x: int[0..3][2]) -> (y: bit)",
        "y = x[0] * x[1] * x[0] >= 4",
        "y = x[0] >= 2 and x[1] >= 1",
    ),
    "branches": Claim(
        "(x: int[-3..3][2], z: bit) -> (y: int)",
        "y = if z and x[0] > 0 then x[0] else x[1]",
        "y = x[1] + (z and x[0] >= 1) * (x[0] - x[1])",
    ),
    "gathers": Claim(
        "(x: int[0..3], z: bit[4]) -> (y: int[2])",
        "y[0] = if x == 0 then 5 else if x == 1 then 7 else if x == 2 then 7 else -1\n"
        "y[1] = if x == 0 then z[0] else if x == 1 then z[1] else if x == 2 then z[2] else z[3]",
        "const t: int[4] = [5, 7, 7, -1]\ny[0] = t[x]\ny[1] = z[x]",
    ),
    "padded gathers": Claim(
        "(x: int[0..5], z: bit[4]) -> (y: bit)",
        "y = pad(z, 1)[x - 1]",
        "y = if x == 0 or x == 5 then 1 else if x == 1 then z[0] else if x == 2 then z[1] else if x == 3 then z[2] "
        "else z[3]",
    ),
    "tables of bounds": Claim(
        "(x: bit[6]) -> (y: bit[3])",
        "const low: int[3] = [0, 2, 1]\nconst high: int[3] = [3, 6, 2]\n"
        "y[u < 3] = sum(low[u] <= i < high[u]: x[i]) >= 2",
        "y[0] = x[0] + x[1] + x[2] >= 2\ny[1] = x[2] + x[3] + x[4] + x[5] > 1\ny[2] = 0",
    ),
    "triangles": Claim(
        "(x: bit[5]) -> (y: int)",
        "h[i < 5, j < i] = x[i] and not x[j]\ny = sum(i < 5, j < i: h[i, j])",
        "y = sum(j < 5, j + 1 <= i < 5: x[i] > x[j])",
    ),
    "scans": Claim(
        "(x: bit[6]) -> (y: bit)",
        "p[0] = x[0]\np[1 <= i < 6] = p[i - 1] xor x[i]\ny = p[5]",
        "q[0] = 1 - x[5]\nq[1 <= i < 6] = q[i - 1] xor x[5 - i]\ny = not q[5]",
        "const s: int[6] = [1, 1, 1, 1, 1, 1]\nq[i < 6] = sum(j < i + 1: x[5 - j]) % 2 != s[i]",
    ),
    "carries": Claim(
        "(x: bit[2, 4]) -> (y: bit[5])",
        "c[i < 4] = x[0, i] + x[1, i] + pad(c, 0)[i - 1] >= 2\n"
        "y[i < 4] = x[0, i] xor x[1, i] xor pad(c, 0)[i - 1]\ny[4] = c[3]",
        "c[i < 4] = x[0, i] and x[1, i] or pad(c, 0)[i - 1] and (x[0, i] or x[1, i])\n"
        "y[i < 4] = (x[0, i] + x[1, i] + pad(c, 0)[i - 1]) % 2\ny[4] = c[3]",
    ),
    "steps in time": Claim(
        "(x: bit[6]) -> (y: bit[6])",
        "a[i < 6] = x[i] xor (x[(i - 1) % 6] or x[(i + 1) % 6])\n"
        "y[i < 6] = a[i] xor (a[(i - 1) % 6] or a[(i + 1) % 6])",
        "s[0, i < 6] = x[i]\ns[1 <= t < 3, i < 6] = s[t - 1, i] xor (s[t - 1, (i - 1) % 6] or s[t - 1, (i + 1) % 6])\n"
        "y[i < 6] = s[2, i]",
        "s[0, i < 6] = x[i]\ns[1, i < 6] = a[i]\ns[2, i < 6] = y[i]",
    ),
    "alternating recurrences": Claim(
        "(x: bit[4]) -> (y: bit)",
        "y = sum(i < 4: x[i]) >= 3 or x[0] and x[1]",
        "n[t < 4] = if pad(m, 0)[t - 1] then 3 else pad(n, 0)[t - 1] + x[t]\n"
        "m[t < 4] = pad(m, 0)[t - 1] or t == 1 and n[t] == 2 or n[t] >= 3\ny = m[3]",
    ),
    "renamed recurrences": Claim(
        "(x: bit[12]) -> (y: bit[3])",
        "a[0, i < 12] = x[i]\na[1 <= t < 3, i < 12] = sum(j < 12: n[t - 1, j]) >= i\n"
        "n[t < 3, i < 12] = not a[t, i]\ny[t < 3] = a[t, t]",
        "a[0, i < 12] = x[i]\na[1 <= t < 3, i < 12] = sum(j < 12: m[t - 1, j]) >= i\n"
        "m[t < 3, i < 12] = not a[t, i]\ny[t < 3] = a[t, t]",
        "m[t < 3, i < 12] = n[t, i]",
    ),
    "bits with denominators": Claim(
        "(x: bit[3]) -> (y: bit)",
        "a = 3 * x[0] + 4 * x[1] + 5 * x[2] >= 7\nb = 31 * x[0] + 40 * x[1] + 52 * x[2] >= 71\ny = a",
        "g = 3 * x[0] + 4 * x[1] + 5 * x[2] >= 7\ny = (g xor 0) * (g xor 0) >= 1",
        "g = 0.5 * a + 0.5 * b",
    ),
    "logic": Claim(
        "(x: bit[4]) -> (y: bit[2])",
        "y[0] = not (x[0] and not (x[1] or x[2])) and x[3]\ny[1] = x[0] xor x[1] xor x[2] xor x[0]",
        "y[0] = (not x[0] or x[1] or x[2]) and x[3]\ny[1] = x[1] != x[2]",
    ),
    "chains of comparisons": Claim(
        "(x: bit[5]) -> (y: bit)",
        "y = 2 <= sum(i < 5: x[i]) <= 3",
        "s = sum(i < 5: x[i])\ny = s >= 2 and not s > 3",
    ),
    "any, all, least and greatest": Claim(
        "(x: bit[4], z: int[0..3][2]) -> (y: int[2])",
        "y[0] = any(i < 4: x[i]) + all(i < 4: x[i])\ny[1] = max(i < 2: z[i]) - min(i < 2: z[i])",
        "y[0] = (sum(i < 4: x[i]) >= 1) + (sum(i < 4: x[i]) == 4)\ny[1] = abs(z[0] - z[1])",
    ),
    "softmax": Claim(
        "(x: bit[4]) -> (p: real[3])",
        "s[u < 3] = 0.5 * x[u] + x[3] + 0.25\np[u < 3] = softmax(v < 3: s[v])[u]",
        "p[u < 3] = softmax(v < 3: 0.5 * x[v])[u]",
    ),
    "rounded results": Claim(
        "(x: bit[4]) -> (y: real[2])",
        "y[0] = tanh(0.1 * x[0] + 0.2 * x[1])\ny[1] = 0.1 * x[2] + 0.7 * x[3]",
        "a = 0.2 * x[1] + 0.1 * x[0]\ny[0] = tanh(a)\ny[1] = real(0.7 * x[3] + 0.1 * x[2])",
    ),
    "functions of a sum of rationals": Claim(
        "(x: rat[2]) -> (y: rat)",
        "h = max(-1, min(2 * x[0] - x[1] + 0.5, 1))\ny = relu(2 * h - 1)",
        "h = max(-1, min(x[1] - 2 * x[0] - 0.5, 1))\ny = relu(-1 - 2 * h)",
        "h = -h",
    ),
    "operations on reals": Claim(
        "(x: bit[4]) -> (y: real)",
        "h[i < 4] = sigmoid(0.3 * x[i] - 0.1)\ny = (0.5 * h[0] + h[1]) * h[2] + sum(i < 4: h[i])",
        "g[i < 4] = sigmoid(0.3 * x[i] - 0.1)\ny = g[2] * (g[1] + g[0] * 0.5) + sum(i < 4: g[i])",
        "g[i < 4] = h[i]",
    ),
    "reals times 1, and less a number": Claim(
        "(x: bit[4]) -> (y: real)",
        "h[i < 4] = sigmoid(0.3 * x[i] - 0.1)\ny = sum(i < 4: 1 * h[i]) + -1.5 * 1",
        "h[i < 4] = sigmoid(0.3 * x[i] - 0.1)\ny = sum(i < 4: h[i]) - 1.5",
    ),
    "argmax of reals": Claim(
        "(x: bit[4]) -> (y: int)",
        "y = argmax(u < 4: sigmoid(0.3 * x[u] + 0.1))",
        "h[u < 4] = sigmoid(0.1 + 0.3 * x[u])\ny = argmax(u < 4: h[u])",
    ),
    "numbers beyond words": Claim(
        "(x: bit[3]) -> (y: bit)",
        f"y = {3**90} * x[0] + {3**90 + 1} * x[1] - {2 * 3**90 + 1} * x[2] >= 0",
        "y = x[0] + x[1] >= 2 * x[2]",
    ),
}
