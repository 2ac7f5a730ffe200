"""Untrue claims, written by hand at the edges of the language, are refused; that they are untrue is found by trying."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.analysis.reals import differing
from ddcompile.interpreter import interpret
from ddcompile.prove.checker import check
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.claims import Claim
from ddcompile.testing.inputs import all_inputs, random_inputs

UNTRUE = {
    # numbers
    "remainders of negatives": Claim("(x: int[-9..9]) -> (y: int)", "y = x % 3", "y = -((-x) % 3)"),
    "remainders of remainders": Claim("(x: int[-9..9]) -> (y: int)", "y = (x % 6) % 4", "y = x % 4"),
    "a large modulus": Claim("(x: int[-20..20]) -> (y: int)", "y = x % 1000", "y = x"),
    "parity by a larger modulus": Claim("(x: bit[2]) -> (y: int)", "y = (x[0] + x[1]) % 4", "y = x[0] xor x[1]"),
    "decimals are the nearest doubles": Claim(
        "(x: bit[2]) -> (y: bit)", "y = 0.1 * x[0] + 0.7 * x[1] >= 0.8", "y = x[0] + x[1] >= 2"
    ),
    "a range of one value": Claim("(x: int[3..3]) -> (y: int)", "y = x", "y = x + 1"),
    "the last of a range": Claim("(x: int[-5..3]) -> (y: bit)", "y = abs(x) > 3", "y = x > 3"),
    "beyond words": Claim(
        "(x: int[-9223372036854775808..9223372036854775807]) -> (y: bit)",
        "y = x + 1 > x",
        "y = x < 9223372036854775807",
    ),
    "relus a half apart": Claim("(x: int[-20..20]) -> (y: rat)", "y = relu(x - 0.5)", "y = relu(x - 1) + (x >= 1)"),
    "relus one apart": Claim("(x: int[-9..9]) -> (y: int)", "y = relu(x - 1) - relu(x - 2)", "y = x >= 1"),
    "the sign of 0": Claim("(x: trit) -> (y: trit)", "y = sign(x)", "y = (if x >= 0 then 1 else -1)"),
    "squares of trits": Claim("(x: trit[2]) -> (y: int)", "y = x[0] * x[1] * x[0]", "y = x[1]"),
    "squares that reach a bound": Claim("(x: int[-4..4]) -> (y: bit)", "y = x * x >= 9", "y = x >= 3"),
    "a branch at its end": Claim(
        "(x: int[-5..5][2], c: bit) -> (y: bit)", "y = (if c then x[0] else x[1]) > 4", "y = 0 * c"
    ),
    "a chain that contradicts itself": Claim("(x: int[-5..5]) -> (y: bit)", "y = 3 <= x <= 1", "y = 1 <= x <= 3"),
    "fractions between integers": Claim("(x: rat) -> (y: bit)", "y = 0 <= x < 0.5", "y = x == 0"),
    "a tie of fractions": Claim("(x: rat) -> (y: bit)", "y = x > -0.5", "y = x >= -0.5"),
    # ranges and places
    "nothing of nothing": Claim("(x: bit[2]) -> (y: bit)", "y = any(i < 0: x[i])", "y = all(i < 0: x[i])"),
    "a triangle": Claim("(x: bit[4]) -> (y: int)", "y = sum(i < 3, j < i: x[j])", "y = sum(i < 3, j < 3: x[j])"),
    "beyond the first": Claim("(x: bit[4]) -> (y: bit[4])", "y[i < 4] = pad(x, 1)[i - 4]", "y[i < 4] = x[i]"),
    "no step": Claim(
        "(x: bit[3]) -> (y: bit[3])",
        "s[0, i < 3] = x[i]\ns[1 <= t < 1, i < 3] = not s[t - 1, i]\ny[i < 3] = s[0, i]",
        "s[0, i < 3] = x[i]\ns[1 <= t < 2, i < 3] = not s[t - 1, i]\ny[i < 3] = s[1, i]",
    ),
    # argmax and softmax
    "the first wins ties": Claim(
        "(x: bit[3]) -> (y: int)", "y = argmax(i < 3: x[i])", "y = 2 - argmax(i < 3: x[2 - i])"
    ),
    "an argmax counts from its bound": Claim(
        "(x: bit[3]) -> (y: int)", "y = argmax(i < 3: x[i])", "y = argmax(1 <= i < 4: x[i - 1])"
    ),
    "candidates of other scales": Claim(
        "(x: bit[2]) -> (y: int)", "y = argmax(i < 2: 2 * x[i] - 1)", "y = argmax(i < 2: (i + 1) * (2 * x[i] - 1))"
    ),
    "ties broken by an offset": Claim(
        "(x: bit[3]) -> (y: int)", "y = argmax(i < 3: x[i])", "y = argmax(i < 3: 2 * x[i] - i)"
    ),
    "scaled scores": Claim(
        "(x: bit[2]) -> (p: real[2])",
        "p[u < 2] = softmax(v < 2: x[v])[u]",
        "p[u < 2] = softmax(v < 2: 2 * x[v])[u]",
    ),
    "one score more": Claim(
        "(x: bit[2]) -> (p: real[2])",
        "p[u < 2] = softmax(v < 2: x[v])[u]",
        "p[u < 2] = softmax(v < 3: pad(x, 0)[v])[u]",
    ),
    # reals
    "sums in another order": Claim("(x: real[3]) -> (y: real)", "y = x[0] + x[1] + x[2]", "y = x[0] + (x[1] + x[2])"),
    "the sign of a sum of zeros": Claim("(x: real) -> (y: real)", "y = x + 0", "y = x"),
    "a zero taken away": Claim("(x: real) -> (y: real)", "y = x - 0", "y = x + 0"),
    "nothing times a real": Claim("(x: real) -> (y: real)", "y = x - x", "y = 0 * x"),
    "the maximum of zeros": Claim("(x: real[2]) -> (y: real)", "y = max(x[0], x[1])", "y = max(x[1], x[0])"),
    "an integer between doubles": Claim(
        "(x: int[9007199254740992..9007199254740994]) -> (y: bit)",
        "h = real(x)\ny = h >= 9007199254740993",
        "y = x >= 9007199254740993",
    ),
    # witnesses
    "a gather beyond its tensor": Claim(
        "(x: bit[4]) -> (y: bit[4])",
        "h[i < 4] = x[i]\nn = sum(i < 4: x[i])\ny[i < 4] = h[i] and n >= 0",
        "g[i < 4] = x[3]\ny[i < 4] = g[i]",
        "g[i < 4] = h[n]",
    ),
    "a constant that hides a tensor": Claim(
        "(x: bit[4]) -> (y: bit[4])",
        "h[i < 4] = x[i]\ny[i < 4] = h[i]",
        "g[i < 4] = not x[i]\ny[i < 4] = g[i]",
        "const h: bit[4] = [0, 1, 0, 1]\ng[i < 4] = h[i]",
    ),
    "a constant that hides an input": Claim(
        "(x: bit[4]) -> (y: bit[4])",
        "h[i < 4] = x[i]\ny[i < 4] = h[i]",
        "const z: bit[4] = [0, 0, 0, 0]\ng[i < 4] = z[i]\ny[i < 4] = g[i]",
        "const x: bit[4] = [0, 0, 0, 0]\ng[i < 4] = x[i]",
    ),
    "one step for two": Claim(
        "(x: bit[3]) -> (y: bit[3])",
        "y[i < 3] = x[i]",
        "s[0, i < 3] = x[i]\ns[1 <= t < 3, i < 3] = not s[t - 1, i]\ny[i < 3] = s[1, i]",
        "s[t < 3, i < 3] = x[i]",
    ),
    "scores of another tensor of the name": Claim(
        "(x: bit[3]) -> (y: int)",
        "s[i < 3] = 2 * x[i]\ny = argmax(i < 3: s[i])",
        "s[i < 3] = x[i]\ny = argmax(i < 3: s[i] + i)",
        "s[i < 3] = s[i]",
    ),
    "a bit with a denominator, squared": Claim(
        "(x: bit[3]) -> (y: bit)",
        "a = 3 * x[0] + 4 * x[1] + 5 * x[2] >= 7\nb = 31 * x[0] + 40 * x[1] + 52 * x[2] >= 71\ny = 0 * x[0]",
        "g = 3 * x[0] + 4 * x[1] + 5 * x[2] >= 7\ny = (g xor 0) * (g xor 0) >= 1",
        "g = 0.5 * a + 0.5 * b",
    ),
}


@pytest.mark.parametrize("name", UNTRUE)
def test_untrue_claims_are_refused(name: str) -> None:
    certificate = UNTRUE[name].certificate()
    (step,) = certificate.steps
    assert not check(certificate)
    arrays = all_inputs(step.old) or random_inputs(step.old, RandomChoose(0), 500)
    pairs = zip(interpret(step.old, arrays), interpret(step.new, arrays), strict=True)
    assert any(np.asarray(differing(a, b)).any() for a, b in pairs), "the two sides are equal on what was tried"


def test_bits_of_a_recurrence_are_bits_by_themselves() -> None:
    """What reads them may be followed before they are shown to have their meanings."""
    less = "3 * x[0] + 4 * x[1] + 5 * x[2] + 12 * sum(3 <= i < 7: x[i])"
    claim = Claim(
        "(x: bit[7]) -> (y: bit)",
        f"a = {less} >= 7\nb = 31 * x[0] + 40 * x[1] + 52 * x[2] + 123 * sum(3 <= i < 7: x[i]) >= 71\ny = a",
        f"g[0] = {less} >= 7\ng[1 <= t < 3] = g[t - 1]\ny = g[2]",
        "g[t < 3] = 0.5 * a + 0.5 * b",
    )
    verdict = check(claim.certificate())
    assert verdict.failure is not None
    assert str(verdict.failure) == (
        "step 1 (claim): g[0]: its meaning is not visibly 0 or 1, as all its definitions are"
    )
